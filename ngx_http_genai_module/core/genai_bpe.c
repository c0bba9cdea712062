/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What all editions of the engine share.
 */


#include "genai_bpe_int.h"


const uint64_t  genai_bpe_low[16] = {
    0, UINT64_C(0xff), UINT64_C(0xffff), UINT64_C(0xffffff),
    UINT64_C(0xffffffff), UINT64_C(0xffffffffff), UINT64_C(0xffffffffffff),
    UINT64_C(0xffffffffffffff), UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
    UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX
};


const uint64_t  genai_bpe_high[16] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, UINT64_C(0xff), UINT64_C(0xffff),
    UINT64_C(0xffffff), UINT64_C(0xffffffff), UINT64_C(0xffffffffff),
    UINT64_C(0xffffffffffff), UINT64_C(0xffffffffffffff)
};


void
genai_bpe_init(genai_bpe_t *b, const genai_vocab_t *v,
    genai_bpe_cache_t *cache)
{
    memset(b, 0, sizeof(genai_bpe_t));

    b->vocab = v;
    b->cache = cache;
    b->budget = INT64_MAX;

    (void) genai_bpe_use(b, GENAI_BPE_BEST);
}


int
genai_bpe_use(genai_bpe_t *b, genai_bpe_edition_e edition)
{
    switch (edition) {

#if defined(__x86_64__)

    case GENAI_BPE_BEST:
        if (genai_bpe_use(b, GENAI_BPE_AVX2) != 0) {
            b->edition = &genai_bpe_portable;
        }

        return 0;

    case GENAI_BPE_AVX2:
        if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi")
            || !__builtin_cpu_supports("bmi2")
            || !__builtin_cpu_supports("popcnt"))
        {
            return -1;
        }

        b->edition = &genai_bpe_avx2;
        return 0;

#else

    case GENAI_BPE_BEST:

#endif

    case GENAI_BPE_PORTABLE:
        b->edition = &genai_bpe_portable;
        return 0;

    default:
        return -1;
    }
}


size_t
genai_bpe_pieces(genai_bpe_t *b, const genai_str_t *text, size_t start,
    const uint32_t *ends, size_t n)
{
    return b->edition->pieces(b, text, start, ends, n);
}


size_t
genai_bpe_window(genai_bpe_t *b, const genai_str_t *rest, int last)
{
    return b->edition->window(b, rest, last);
}


uint32_t
genai_bpe_place(genai_bpe_t *b)
{
    uint32_t            i;
    genai_bpe_cache_t  *c;

    c = b->cache;

    for (i = 0; i < c->nvocabs; i++) {
        if (c->vocabs[i] == b->vocab->checksum) {
            return i;
        }
    }

    if (i == GENAI_BPE_VOCABS) {
        memset(c, 0, sizeof(genai_bpe_cache_t));
        i = 0;
    }

    c->vocabs[i] = b->vocab->checksum;
    c->nvocabs = i + 1;

    return i;
}


const genai_vocab_string_t *
genai_bpe_string(const genai_vocab_t *v, const unsigned char *p, size_t len,
    uint64_t hash)
{
    uint32_t                     i, n, bucket, offset;
    const uint64_t              *slots;
    const genai_vocab_string_t  *s;

    bucket = genai_vocab_bucket(hash, v->long_buckets);

    for (n = v->long_probes; n; n--) {
        slots = v->longs + (size_t) bucket * GENAI_VOCAB_WAYS;

        for (i = 0; i < GENAI_VOCAB_WAYS; i++) {

            if (slots[i] == 0) {
                return NULL;
            }

            if (slots[i] >> 32 != (uint32_t) hash) {
                continue;
            }

            offset = (uint32_t) slots[i];

            if (offset % 4 || (uint64_t) offset + sizeof(*s) + len
                              > v->strings_len)
            {
                continue;
            }

            s = (const genai_vocab_string_t *) (v->strings + offset);

            if (s->len == len && memcmp(s + 1, p, len) == 0) {
                return s;
            }
        }

        bucket = (bucket + 1 == v->long_buckets) ? 0 : bucket + 1;
    }

    return NULL;
}


/* the entry in CHARS of the character at p, and its length */

static inline uint64_t
genai_bpe_char(const genai_vocab_t *v, const unsigned char *p, size_t left,
    size_t *n)
{
    size_t    i;
    uint32_t  c;

    c = p[0];

    if (c < 0x80) {
        *n = 1;

    } else if (c >= 0xc0 && c < 0xe0 && left >= 2) {
        *n = 2;
        c = (c & 0x1f) << 6 | (p[1] & 0x3f);

    } else if (c >= 0xe0 && c < 0xf0 && left >= 3) {
        *n = 3;
        c = (c & 0x0f) << 12 | (p[1] & 0x3f) << 6 | (p[2] & 0x3f);

    } else if (c >= 0xf0 && c < 0xf5 && left >= 4) {
        *n = 4;
        c = (c & 0x07) << 18 | (uint32_t) (p[1] & 0x3f) << 12
            | (p[2] & 0x3f) << 6 | (p[3] & 0x3f);

        if (c > 0x10ffff) {
            return GENAI_VOCAB_UNKNOWN;
        }

    } else {

        /* a window of bytes may cut a character */

        *n = 1;
        return GENAI_VOCAB_UNKNOWN;
    }

    i = (size_t) v->blocks[c / 64] * 64 + c % 64;

    return (i < v->nchars) ? v->char_symbols[i] : GENAI_VOCAB_UNKNOWN;
}


uint32_t
genai_bpe_chars(const genai_vocab_t *v, const unsigned char *p, size_t len,
    uint32_t *symbols, uint16_t *starts)
{
    size_t    i, j, n, next;
    uint32_t  k, symbol;
    uint64_t  c, d, left, right;

    k = 0;
    n = 0;
    left = 0;
    c = len ? genai_bpe_char(v, p, len, &n) : 0;

    for (i = 0; i < len; i += n, n = next, c = d, left = right) {

        next = 0;
        d = 0;

        if (i + n < len) {
            d = genai_bpe_char(v, p + i + n, len - i - n, &next);
        }

        /* what may reach over its borders, of which masks know */

        right = genai_vocab_char_left(c) & genai_vocab_char_right(d);
        symbol = genai_vocab_char_symbol(c);

        if (symbol != GENAI_VOCAB_NONE && (left | right) == 0) {
            symbols[k] = symbol;

            if (starts) {
                starts[k] = (uint16_t) i;
            }

            k++;
            continue;
        }

        for (j = i; j < i + n; j++) {
            symbols[k] = v->bytes[p[j]];

            if (starts) {
                starts[k] = (uint16_t) j;
            }

            k++;
        }
    }

    if (starts) {
        starts[k] = (uint16_t) len;
    }

    return k;
}
