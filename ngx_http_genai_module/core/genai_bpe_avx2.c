/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The edition of the engine for processors with AVX2.  The functions carry
 * their target, the file is compiled as others.
 */


#include "genai_bpe_int.h"


#if defined(__x86_64__)

#include <immintrin.h>


#define GENAI_BPE_TARGET                                                      \
    __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define GENAI_BPE_EDITION  genai_bpe_avx2


static inline GENAI_BPE_TARGET int
genai_bpe_word_way(const genai_vocab_word_t *slots, uint64_t low,
    uint64_t high)
{
    unsigned  m;
    __m256i   key, a, b;

    key = _mm256_broadcastsi128_si256(_mm_set_epi64x((long long) high,
                                                     (long long) low));
    a = _mm256_cmpeq_epi64(key, _mm256_loadu_si256((const void *) slots));
    b = _mm256_cmpeq_epi64(key, _mm256_loadu_si256((const void *)
                                                   (slots + 2)));

    m = (unsigned) _mm256_movemask_pd(_mm256_castsi256_pd(a))
        | (unsigned) _mm256_movemask_pd(_mm256_castsi256_pd(b)) << 4;

    m &= m >> 1 & 0x55;

    return m ? __builtin_ctz(m) / 2 : -1;
}


/*
 * Without a branch that depends on whether there is such a pair, which nobody
 * can predict.
 */

static inline GENAI_BPE_TARGET uint32_t
genai_bpe_slot(const genai_vocab_t *v, uint32_t bucket, uint64_t key)
{
    unsigned         m;
    uint32_t         n, symbol;
    const uint64_t  *slots;
    __m256i          a, b, keys, mask;

    keys = _mm256_set1_epi64x((long long) key);
    mask = _mm256_set1_epi64x((long long) GENAI_VOCAB_PAIR);

    for (n = v->pair_probes; /* void */ ; n--) {
        slots = v->pairs + (size_t) bucket * GENAI_VOCAB_PAIR_WAYS;

        a = _mm256_and_si256(mask, _mm256_loadu_si256((const void *) slots));
        b = _mm256_and_si256(mask, _mm256_loadu_si256((const void *)
                                                      (slots + 4)));
        a = _mm256_cmpeq_epi64(a, keys);
        b = _mm256_cmpeq_epi64(b, keys);

        m = (unsigned) _mm256_movemask_pd(_mm256_castsi256_pd(a))
            | (unsigned) _mm256_movemask_pd(_mm256_castsi256_pd(b)) << 4;

        symbol = (uint32_t) slots[__builtin_ctz(m | 0x80)];
        symbol |= (m - 1) >> 12;

        if (__builtin_expect((slots[0] & GENAI_VOCAB_MORE) == 0, 1)
            || m || n <= 1)
        {
            return symbol & GENAI_VOCAB_NONE;
        }

        bucket = (bucket + 1 == v->pair_buckets) ? 0 : bucket + 1;
    }
}


static inline GENAI_BPE_TARGET uint32_t
genai_bpe_min(const uint32_t *words, uint32_t n)
{
    uint32_t  i;
    __m128i   x;
    __m256i   a;

    a = _mm256_loadu_si256((const void *) words);

    for (i = 8; i < n; i += 8) {
        a = _mm256_min_epu32(a, _mm256_loadu_si256((const void *)
                                                   (words + i)));
    }

    x = _mm_min_epu32(_mm256_castsi256_si128(a),
                      _mm256_extracti128_si256(a, 1));
    x = _mm_min_epu32(x, _mm_shuffle_epi32(x, 0x4e));
    x = _mm_min_epu32(x, _mm_shuffle_epi32(x, 0xb1));

    return (uint32_t) _mm_cvtsi128_si32(x);
}


#include "genai_bpe_walk.h"


#endif
