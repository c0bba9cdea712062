/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Embeddings: unit vectors that depend on the text alone, so that the same
 * text always lies in the same place.
 */


#include "genai_sim_answer.h"


typedef enum {
    GENAI_SIM_EMBED_OPEN = 0,
    GENAI_SIM_EMBED_INPUT,
    GENAI_SIM_EMBED_VALUE,
    GENAI_SIM_EMBED_CLOSE,
    GENAI_SIM_EMBED_TAIL,
    GENAI_SIM_EMBED_END
} genai_sim_embed_e;


static unsigned char *genai_sim_embed_open(genai_sim_answer_t *a,
    unsigned char *p);
static unsigned char *genai_sim_embed_floats(genai_sim_answer_t *a,
    unsigned char *p);
static unsigned char *genai_sim_embed_base64(genai_sim_answer_t *a,
    unsigned char *p);
static double genai_sim_embed_raw(genai_sim_answer_t *a, unsigned i);
static double genai_sim_embed_rsqrt(double x);


unsigned char *
genai_sim_embed_unit(genai_sim_answer_t *a, unsigned char *p,
    unsigned char *end)
{
    switch (a->state) {

    case GENAI_SIM_EMBED_OPEN:
        a->state = GENAI_SIM_EMBED_INPUT;
        return genai_sim_put(p, "{\"object\":\"list\",\"data\":[");

    case GENAI_SIM_EMBED_INPUT:
        a->state = GENAI_SIM_EMBED_VALUE;
        return genai_sim_embed_open(a, p);

    case GENAI_SIM_EMBED_VALUE:

        p = a->base64 ? genai_sim_embed_base64(a, p)
                      : genai_sim_embed_floats(a, p);

        if (a->step == a->dimensions) {
            a->state = GENAI_SIM_EMBED_CLOSE;
        }

        return p;

    case GENAI_SIM_EMBED_CLOSE:

        *p++ = a->base64 ? '"' : ']';
        *p++ = '}';

        a->state = (++a->choice < a->choices) ? GENAI_SIM_EMBED_INPUT
                                              : GENAI_SIM_EMBED_TAIL;
        return p;

    case GENAI_SIM_EMBED_TAIL:

        a->state = GENAI_SIM_EMBED_END;

        p = genai_sim_put(p, "],\"model\":\"");
        p = genai_sim_put_str(p, &a->model);
        p = genai_sim_put(p, "\"");

        if (a->usage) {
            p = genai_sim_put(p, ",\"usage\":{\"prompt_tokens\":");
            p = genai_sim_put_uint(p, a->prompt_tokens);
            p = genai_sim_put(p, ",\"total_tokens\":");
            p = genai_sim_put_uint(p, a->prompt_tokens);
            *p++ = '}';
        }

        return genai_sim_put(p, "}\n");

    default:
        return p;
    }
}


static unsigned char *
genai_sim_embed_open(genai_sim_answer_t *a, unsigned char *p)
{
    double                   x, sum;
    unsigned                 i;
    genai_sim_json_member_t  m;

    if (!a->one_input && genai_sim_json_next(&a->inputs, &m) == 1) {
        a->vector = genai_sim_hash(m.value.data, m.value.len);
    }

    sum = 0;

    for (i = 0; i < a->dimensions; i++) {
        x = genai_sim_embed_raw(a, i);
        sum += x * x;
    }

    a->scale = genai_sim_embed_rsqrt(sum);
    a->step = 0;

    if (a->choice) {
        *p++ = ',';
    }

    p = genai_sim_put(p, "{\"object\":\"embedding\",\"index\":");
    p = genai_sim_put_uint(p, a->choice);
    p = genai_sim_put(p, ",\"embedding\":");

    *p++ = a->base64 ? '"' : '[';

    return p;
}


/* up to 16 numbers with nine decimals, more than a float has */

static unsigned char *
genai_sim_embed_floats(genai_sim_answer_t *a, unsigned char *p)
{
    double    x;
    unsigned  i, k;
    uint32_t  n;

    for (i = 0; i < 16 && a->step < a->dimensions; i++, a->step++) {

        if (a->step) {
            *p++ = ',';
        }

        x = genai_sim_embed_raw(a, a->step) * a->scale;

        if (x < 0) {
            *p++ = '-';
            x = -x;
        }

        n = (uint32_t) (x * 1e9 + 0.5);

        *p++ = '0' + n / 1000000000;
        *p++ = '.';

        n %= 1000000000;

        for (k = 9; k; k--) {
            p[k - 1] = '0' + n % 10;
            n /= 10;
        }

        p += 9;
    }

    return p;
}


/* three floats are twelve bytes are sixteen characters */

static unsigned char *
genai_sim_embed_base64(genai_sim_answer_t *a, unsigned char *p)
{
    float                 x;
    unsigned              i, n, len;
    uint32_t              bits, w;
    unsigned char         bytes[12];

    static const char  set[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    len = 0;

    for (i = 0; i < 3 && a->step < a->dimensions; i++, a->step++) {

        x = (float) (genai_sim_embed_raw(a, a->step) * a->scale);
        memcpy(&bits, &x, 4);

        bytes[len++] = bits;
        bytes[len++] = bits >> 8;
        bytes[len++] = bits >> 16;
        bytes[len++] = bits >> 24;
    }

    for (i = 0; i < len; i += n) {

        n = (len - i < 3) ? len - i : 3;

        w = (uint32_t) bytes[i] << 16;
        w |= (n > 1) ? (uint32_t) bytes[i + 1] << 8 : 0;
        w |= (n > 2) ? bytes[i + 2] : 0;

        *p++ = set[w >> 18];
        *p++ = set[w >> 12 & 0x3f];
        *p++ = (n > 1) ? set[w >> 6 & 0x3f] : '=';
        *p++ = (n > 2) ? set[w & 0x3f] : '=';
    }

    return p;
}


/* -1 .. 1, never 0 */

static double
genai_sim_embed_raw(genai_sim_answer_t *a, unsigned i)
{
    uint64_t  n;

    n = genai_sim_mix(a->vector + i + 1) >> 33;

    return ((double) n + 0.5) / 1073741824.0 - 1.0;
}


/* 1 / sqrt(x), by Newton, so that there is no need for libm */

static double
genai_sim_embed_rsqrt(double x)
{
    int       i;
    double    y;
    uint64_t  bits;

    memcpy(&bits, &x, 8);
    bits = UINT64_C(0x5fe6eb50c7b537a9) - (bits >> 1);
    memcpy(&y, &bits, 8);

    for (i = 0; i < 5; i++) {
        y = y * (1.5 - 0.5 * x * y * y);
    }

    return y;
}
