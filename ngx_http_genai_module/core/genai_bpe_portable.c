/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The edition of the engine for any processor.
 */


#include "genai_bpe_int.h"


#define GENAI_BPE_TARGET
#define GENAI_BPE_EDITION  genai_bpe_portable


static inline int
genai_bpe_word_way(const genai_vocab_word_t *slots, uint64_t low,
    uint64_t high)
{
    int  i;

    for (i = 0; i < GENAI_VOCAB_WAYS; i++) {
        if (slots[i].low == low && slots[i].high == high) {
            return i;
        }
    }

    return -1;
}


static inline uint32_t
genai_bpe_pair(const genai_vocab_t *v, uint32_t left, uint32_t right)
{
    int              i;
    uint32_t         n, bucket, tag;
    uint64_t         hash;
    const uint32_t  *slots;

    hash = genai_vocab_hash_pair(genai_vocab_pair(left, right));
    bucket = genai_vocab_bucket(hash, v->pair_buckets);
    tag = genai_vocab_tag(hash);

    for (n = v->pair_probes; n; n--) {
        slots = v->pairs + (size_t) bucket * GENAI_VOCAB_PAIR_WAYS;

        for (i = 0; i < GENAI_VOCAB_PAIR_WAYS; i++) {
            if ((slots[i] & GENAI_VOCAB_TAG) == tag) {
                return slots[i] & GENAI_VOCAB_NONE;
            }
        }

        if (!(slots[0] & GENAI_VOCAB_MORE)) {
            break;
        }

        bucket = (bucket + 1 == v->pair_buckets) ? 0 : bucket + 1;
    }

    return GENAI_VOCAB_NONE;
}


static inline uint32_t
genai_bpe_min(const uint32_t *words, uint32_t n)
{
    uint32_t  i, a, b, c, d;

    a = words[0];
    b = words[1];
    c = words[2];
    d = words[3];

    for (i = 4; i < n; i += 4) {
        a = (words[i] < a) ? words[i] : a;
        b = (words[i + 1] < b) ? words[i + 1] : b;
        c = (words[i + 2] < c) ? words[i + 2] : c;
        d = (words[i + 3] < d) ? words[i + 3] : d;
    }

    a = (b < a) ? b : a;
    c = (d < c) ? d : c;

    return (c < a) ? c : a;
}


/*
 * Merges symbols[1 .. n] and sets the place of each to what it becomes.
 * Returns the bits of those that are left.
 */

static uint64_t
genai_bpe_flat(const genai_vocab_t *v, uint32_t *symbols, uint32_t n)
{
    uint32_t  i, j, k, p, word, words[GENAI_BPE_FLAT + 2];
    uint64_t  alive, bits;

    for (i = 1; i < n; i++) {
        words[i] = (v->chars ? genai_bpe_pair(v, symbols[i], symbols[i + 1])
                    : v->byte_pairs[symbols[i] << 8 | symbols[i + 1]])
                   << GENAI_BPE_PLACE | i;
    }

    alive = (UINT64_C(2) << n) - 2;

    for ( ;; ) {
        word = UINT32_MAX;

        for (i = 1; i < n; i++) {
            word = (words[i] < word) ? words[i] : word;
        }

        if (word >= GENAI_BPE_NO_PAIR) {
            return alive;
        }

        i = word & GENAI_BPE_MASK;

        bits = alive & (~UINT64_C(1) << i);
        j = (uint32_t) __builtin_ctzll(bits);
        bits &= bits - 1;
        k = bits ? (uint32_t) __builtin_ctzll(bits) : n + 1;

        if (!genai_vocab_made_of(v, word >> GENAI_BPE_PLACE, symbols[i],
                                 symbols[j]))
        {
            words[i] = genai_bpe_exact(v, symbols[i], symbols[j])
                       << GENAI_BPE_PLACE | i;
            continue;
        }

        alive ^= UINT64_C(1) << j;
        symbols[i] = word >> GENAI_BPE_PLACE;
        words[j] = UINT32_MAX;
        words[i] = UINT32_MAX;

        if (k <= n) {
            words[i] = genai_bpe_pair(v, symbols[i], symbols[k])
                       << GENAI_BPE_PLACE | i;
        }

        bits = alive & ((UINT64_C(1) << i) - 1);

        if (bits) {
            p = 63 - (uint32_t) __builtin_clzll(bits);
            words[p] = genai_bpe_pair(v, symbols[p], symbols[i])
                       << GENAI_BPE_PLACE | p;
        }
    }
}


#include "genai_bpe_walk.h"
