/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Prices.
 *
 * A cost is one sum.  Numbers of tokens are at most 2^60 each, so that their
 * sums fit in 64 bits; rates are below 2^44, and there are ten of them: the sum
 * stays below 2^112, is exact whatever a provider tells, and is cut only at
 * the end.
 */


#include "genai_price.h"
#include "genai_meter.h"


#define GENAI_PRICE_MILLION   1000000
#define GENAI_PRICE_DOLLAR    1000000000
#define GENAI_PRICE_FRACTION  9         /* digits of a nano-dollar */


typedef unsigned __int128  genai_price_sum_t;


static uint64_t genai_price_number(int64_t n);
static uint64_t genai_price_most(uint64_t a, uint64_t b);
static uint64_t genai_price_take(uint64_t *left, uint64_t n);
static const genai_price_tier_t *genai_price_tier(const genai_price_t *price,
    uint64_t prompt);
static uint64_t genai_price_round(genai_price_sum_t sum,
    genai_price_sum_t whole);


static const struct {
    const char          *name;
    genai_price_rate_e   otherwise;     /* what it is where it is not told */
} genai_price_kinds[] = {
    { "input", GENAI_PRICE_INPUT },
    { "cached", GENAI_PRICE_INPUT },
    { "write_5m", GENAI_PRICE_INPUT },
    { "write_1h", GENAI_PRICE_WRITE_5M },
    { "image", GENAI_PRICE_INPUT },
    { "audio", GENAI_PRICE_INPUT },
    { "cached_audio", GENAI_PRICE_CACHED },
    { "output", GENAI_PRICE_OUTPUT },
    { "reasoning", GENAI_PRICE_OUTPUT },
    { "audio_output", GENAI_PRICE_OUTPUT }
};


int
genai_price_parse(const genai_str_t *text, uint64_t *nano)
{
    size_t    i, digits;
    uint64_t  n, unit;

    n = 0;
    digits = 0;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] < '0' || text->data[i] > '9') {
            break;
        }

        n = n * 10 + (text->data[i] - '0');

        if (n > GENAI_PRICE_MAX / GENAI_PRICE_DOLLAR) {
            return -1;
        }

        digits++;
    }

    /* as JSON has numbers */

    if (digits == 0 || (digits > 1 && text->data[0] == '0')) {
        return -1;
    }

    n *= GENAI_PRICE_DOLLAR;

    if (i < text->len) {

        if (text->data[i++] != '.' || i == text->len
            || text->len - i > GENAI_PRICE_FRACTION)
        {
            return -1;
        }

        for (unit = GENAI_PRICE_DOLLAR / 10; i < text->len; unit /= 10) {

            if (text->data[i] < '0' || text->data[i] > '9') {
                return -1;
            }

            n += (text->data[i++] - '0') * unit;
        }
    }

    if (n > GENAI_PRICE_MAX) {
        return -1;
    }

    *nano = n;

    return 0;
}


size_t
genai_price_write(char *buf, uint64_t nano)
{
    char      digits[GENAI_PRICE_DIGITS];
    size_t    n, len;
    uint64_t  whole, part;

    whole = nano / GENAI_PRICE_DOLLAR;
    part = nano % GENAI_PRICE_DOLLAR;

    n = 0;

    do {
        digits[n++] = (char) ('0' + whole % 10);
        whole /= 10;
    } while (whole);

    for (len = 0; n; len++) {
        buf[len] = digits[--n];
    }

    if (part) {
        buf[len++] = '.';

        for (n = GENAI_PRICE_DOLLAR / 10; part; n /= 10) {
            buf[len++] = (char) ('0' + part / n);
            part %= n;
        }
    }

    buf[len] = '\0';

    return len;
}


void
genai_price_merge(genai_price_t *to, const genai_price_t *from)
{
    int                        k;
    genai_price_tier_t        *t;
    const genai_price_tier_t  *f;

    t = &to->tiers[0];
    f = &from->tiers[0];

    for (k = 0; k < GENAI_PRICE_RATES; k++) {
        if (f->said & genai_price_bit(k)) {
            t->rates[k] = f->rates[k];
        }
    }

    t->said |= f->said;

    if (from->tiers_said) {
        memcpy(&to->tiers[1], &from->tiers[1],
               (GENAI_PRICE_TIERS - 1) * sizeof(genai_price_tier_t));
        to->ntiers = from->ntiers;
        to->tiers_said = 1;

    } else if (to->ntiers == 0) {
        to->ntiers = from->ntiers;
    }

    if (from->request_said) {
        to->request = from->request;
        to->request_said = 1;
    }
}


void
genai_price_finish(genai_price_t *price, int embedding)
{
    int                  i, k;
    uint32_t             said, all;
    genai_price_tier_t  *t, *below;

    all = 0;
    below = NULL;

    for (i = 0; i < price->ntiers; i++) {

        t = &price->tiers[i];
        said = t->said;

        for (k = 0; k < GENAI_PRICE_RATES; k++) {

            if (said & genai_price_bit(k)) {
                continue;
            }

            /* what it is otherwise is of a rate before it, or it is 0 */

            t->rates[k] = (all & genai_price_bit(k)) ? below->rates[k]
                          : t->rates[genai_price_kinds[k].otherwise];
        }

        all |= said;
        below = t;
    }

    said = genai_price_bit(GENAI_PRICE_INPUT);
    said |= embedding ? 0 : genai_price_bit(GENAI_PRICE_OUTPUT);

    price->priced = (price->ntiers && (price->tiers[0].said & said) == said);
}


int
genai_price_cost(const genai_price_t *price,
    const struct genai_tokens_s *tokens, uint64_t *nano)
{
    int                        k;
    uint64_t                   n[GENAI_PRICE_RATES];
    uint64_t                   prompt, completion, cached, written;
    uint64_t                   text, image, audio, part;
    genai_price_sum_t          sum;
    const genai_price_tier_t  *t;

    *nano = 0;

    if (!price->priced) {
        return -1;
    }

    if (tokens->source == GENAI_COUNT_NONE) {
        return 0;
    }

    memset(n, 0, sizeof(n));

    cached = genai_price_number(tokens->cached);
    image = genai_price_number(tokens->image);
    audio = genai_price_number(tokens->audio);

    n[GENAI_PRICE_WRITE_5M] = genai_price_number(tokens->written_5m);
    n[GENAI_PRICE_WRITE_1H] = genai_price_number(tokens->written_1h);
    written = n[GENAI_PRICE_WRITE_5M] + n[GENAI_PRICE_WRITE_1H];

    prompt = genai_price_number(tokens->prompt);
    prompt = genai_price_most(prompt, cached + written);
    prompt = genai_price_most(prompt, image + audio);

    t = genai_price_tier(price, prompt);

    text = prompt - image - audio;

    /* what is told to be of audio, and of the rest: text, images, audio */

    part = genai_price_number(tokens->cached_audio);
    part = genai_price_take(&audio, part < cached ? part : cached);

    n[GENAI_PRICE_CACHED_AUDIO] = part;
    cached -= part;

    part = genai_price_take(&text, cached);
    part += genai_price_take(&image, cached - part);

    n[GENAI_PRICE_CACHED] = part;
    n[GENAI_PRICE_CACHED_AUDIO] += genai_price_take(&audio, cached - part);

    part = genai_price_take(&text, written);
    part += genai_price_take(&image, written - part);
    (void) genai_price_take(&audio, written - part);

    n[GENAI_PRICE_INPUT] = text;
    n[GENAI_PRICE_IMAGE] = image;
    n[GENAI_PRICE_AUDIO] = audio;

    n[GENAI_PRICE_REASONING] = genai_price_number(tokens->reasoning);
    n[GENAI_PRICE_AUDIO_OUTPUT] = genai_price_number(tokens->audio_output);

    completion = genai_price_number(tokens->completion);
    part = n[GENAI_PRICE_REASONING] + n[GENAI_PRICE_AUDIO_OUTPUT];

    n[GENAI_PRICE_OUTPUT] = genai_price_most(completion, part) - part;

    sum = 0;

    for (k = 0; k < GENAI_PRICE_RATES; k++) {
        sum += (genai_price_sum_t) n[k] * t->rates[k];
    }

    *nano = genai_price_round(sum, price->request);

    return 0;
}


int
genai_price_bound(const genai_price_t *price, uint64_t prompt,
    uint64_t completion, uint64_t requests, uint64_t *nano)
{
    return genai_price_bound_of(price, GENAI_PRICE_ANY, prompt, completion,
                                requests, nano);
}


int
genai_price_bound_of(const genai_price_t *price, uint32_t which,
    uint64_t prompt, uint64_t completion, uint64_t requests, uint64_t *nano)
{
    int                        i, k;
    uint64_t                   in, out, *most;
    genai_price_sum_t          whole;
    const genai_price_tier_t  *t;

    *nano = 0;

    if (!price->priced) {
        return -1;
    }

    in = out = 0;

    for (i = 0; i < price->ntiers; i++) {

        t = &price->tiers[i];

        if (i && prompt <= t->above) {
            break;
        }

        for (k = 0; k < GENAI_PRICE_RATES; k++) {

            most = (k < GENAI_PRICE_OUTPUT) ? &in : &out;

            if ((which & genai_price_bit(k)) && t->rates[k] > *most) {
                *most = t->rates[k];
            }
        }
    }

    /* each of several may have been rounded up */

    whole = (genai_price_sum_t) price->request * requests;
    whole += requests ? requests - 1 : 0;

    *nano = genai_price_round((genai_price_sum_t) prompt * in
                              + (genai_price_sum_t) completion * out, whole);
    return 0;
}


const char *
genai_price_name(genai_price_rate_e rate)
{
    return (rate < GENAI_PRICE_RATES) ? genai_price_kinds[rate].name : "";
}


static uint64_t
genai_price_number(int64_t n)
{
    return (n < 0) ? 0
           : (n < (int64_t) GENAI_PRICE_TOKENS) ? (uint64_t) n
           : GENAI_PRICE_TOKENS;
}


static uint64_t
genai_price_most(uint64_t a, uint64_t b)
{
    return (a > b) ? a : b;
}


/* n, or all that is left; which is then gone */

static uint64_t
genai_price_take(uint64_t *left, uint64_t n)
{
    n = (n < *left) ? n : *left;
    *left -= n;

    return n;
}


static const genai_price_tier_t *
genai_price_tier(const genai_price_t *price, uint64_t prompt)
{
    int  i;

    for (i = price->ntiers - 1; i > 0; i--) {
        if (prompt > price->tiers[i].above) {
            break;
        }
    }

    return &price->tiers[i];
}


/* a sum of tokens and rates, rounded up, and whole nano-dollars */

static uint64_t
genai_price_round(genai_price_sum_t sum, genai_price_sum_t whole)
{
    sum = whole + sum / GENAI_PRICE_MILLION
          + (sum % GENAI_PRICE_MILLION != 0);

    return (sum < GENAI_PRICE_COST_MAX) ? (uint64_t) sum
                                        : GENAI_PRICE_COST_MAX;
}
