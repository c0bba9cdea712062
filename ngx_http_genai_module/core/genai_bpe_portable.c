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
genai_bpe_slot(const genai_vocab_t *v, uint32_t bucket, uint64_t key)
{
    int              i;
    uint32_t         n;
    const uint64_t  *slots;

    for (n = v->pair_probes; n; n--) {
        slots = v->pairs + (size_t) bucket * GENAI_VOCAB_PAIR_WAYS;

        for (i = 0; i < GENAI_VOCAB_PAIR_WAYS; i++) {
            if ((slots[i] & GENAI_VOCAB_PAIR) == key) {
                return (uint32_t) slots[i] & GENAI_VOCAB_NONE;
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


#include "genai_bpe_walk.h"
