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
genai_bpe_pair(const genai_vocab_t *v, uint32_t left, uint32_t right)
{
    unsigned         m;
    uint32_t         n, bucket, slot;
    uint64_t         hash;
    const uint32_t  *slots;
    __m256i          tag, a;

    hash = genai_vocab_hash_pair(genai_vocab_pair(left, right));
    bucket = genai_vocab_bucket(hash, v->pair_buckets);
    tag = _mm256_set1_epi32((int) genai_vocab_tag(hash));

    for (n = v->pair_probes; /* void */ ; n--) {
        slots = v->pairs + (size_t) bucket * GENAI_VOCAB_PAIR_WAYS;

        a = _mm256_loadu_si256((const void *) slots);
        a = _mm256_and_si256(a, _mm256_set1_epi32(GENAI_VOCAB_TAG));
        a = _mm256_cmpeq_epi32(a, tag);
        m = (unsigned) _mm256_movemask_ps(_mm256_castsi256_ps(a));

        slot = slots[__builtin_ctz(m | 0x80)];
        slot = m ? slot : GENAI_VOCAB_NONE;

        if (__builtin_expect(!(slots[0] & GENAI_VOCAB_MORE), 1)
            || m || n <= 1)
        {
            return slot & GENAI_VOCAB_NONE;
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


/* sets the word of a place, the symbol being what that makes */

static inline __attribute__((always_inline)) GENAI_BPE_TARGET void
genai_bpe_put(__m256i *words, const __m256i *places, int g, uint32_t place,
    uint32_t symbol)
{
    int      q;
    __m256i  at, word;

    at = _mm256_set1_epi32((int) place);
    word = _mm256_set1_epi32((int) (symbol << GENAI_BPE_PLACE | place));

#pragma GCC unroll 8
    for (q = 0; q < g; q++) {
        words[q] = _mm256_blendv_epi8(words[q], word,
                                      _mm256_cmpeq_epi32(places[q], at));
    }
}


/*
 * Merges with all words in g vectors.  Words go in by comparing places, not
 * through memory, where a vector would have to wait for them.
 */

static inline __attribute__((always_inline)) GENAI_BPE_TARGET uint64_t
genai_bpe_vectors(const genai_vocab_t *v, uint32_t *symbols,
    const uint32_t *first, uint32_t n, int g)
{
    int       q;
    uint32_t  i, j, k, p, word, symbol, left, right;
    uint64_t  alive, above;
    __m128i   x;
    __m256i   words[8], places[8], a;

#pragma GCC unroll 8
    for (q = 0; q < g; q++) {
        words[q] = _mm256_loadu_si256((const void *) (first + 8 * q));
        places[q] = _mm256_add_epi32(_mm256_set1_epi32(8 * q),
                                     _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6,
                                                       7));
    }

    /* with one at each end that never merges */

    alive = (UINT64_C(4) << n) - 1;

    for ( ;; ) {
        a = words[0];

#pragma GCC unroll 8
        for (q = 1; q < g; q++) {
            a = _mm256_min_epu32(a, words[q]);
        }

        x = _mm_min_epu32(_mm256_castsi256_si128(a),
                          _mm256_extracti128_si256(a, 1));
        x = _mm_min_epu32(x, _mm_shuffle_epi32(x, 0x4e));
        x = _mm_min_epu32(x, _mm_shuffle_epi32(x, 0xb1));
        word = (uint32_t) _mm_cvtsi128_si32(x);

        if (word >= GENAI_BPE_NO_PAIR) {
            break;
        }

        i = word & GENAI_BPE_MASK;
        symbol = word >> GENAI_BPE_PLACE;

        above = alive & (~UINT64_C(1) << i);
        j = (uint32_t) _tzcnt_u64(above);
        k = (uint32_t) _tzcnt_u64(_blsr_u64(above));

        if (__builtin_expect(!genai_vocab_made_of(v, symbol, symbols[i],
                                                  symbols[j]), 0))
        {
            genai_bpe_put(words, places, g, i,
                          genai_bpe_exact(v, symbols[i], symbols[j]));
            continue;
        }

        p = 63 - (uint32_t) __builtin_clzll(_bzhi_u64(alive, i));

        alive ^= UINT64_C(1) << j;
        symbols[i] = symbol;

        right = genai_bpe_pair(v, symbol, symbols[k]);
        left = genai_bpe_pair(v, symbols[p], symbol);

        genai_bpe_put(words, places, g, j, GENAI_VOCAB_NONE);
        genai_bpe_put(words, places, g, i, right);
        genai_bpe_put(words, places, g, p, left);
    }

    return alive & ~(UINT64_C(2) << n) & ~UINT64_C(1);
}


/*
 * Merges symbols[1 .. n] and sets the place of each to what it becomes; the
 * places 0 and n + 1 are its own.  Returns the bits of those that are left.
 */

static GENAI_BPE_TARGET uint64_t
genai_bpe_flat(const genai_vocab_t *v, uint32_t *symbols, uint32_t n)
{
    uint32_t  i, size, words[GENAI_BPE_FLAT + 2];

    symbols[0] = GENAI_VOCAB_NONE;
    symbols[n + 1] = GENAI_VOCAB_NONE;

    words[0] = UINT32_MAX;

    if (v->chars) {
        for (i = 1; i < n; i++) {
            words[i] = genai_bpe_pair(v, symbols[i], symbols[i + 1])
                       << GENAI_BPE_PLACE | i;
        }

    } else {
        for (i = 1; i < n; i++) {
            words[i] = v->byte_pairs[symbols[i] << 8 | symbols[i + 1]]
                       << GENAI_BPE_PLACE | i;
        }
    }

    size = (n < 8) ? 8 : (n < 16) ? 16 : (n < 32) ? 32 : 64;

    for (i = n; i < size; i++) {
        words[i] = UINT32_MAX;
    }

    switch (size) {

    case 8:
        return genai_bpe_vectors(v, symbols, words, n, 1);

    case 16:
        return genai_bpe_vectors(v, symbols, words, n, 2);

    case 32:
        return genai_bpe_vectors(v, symbols, words, n, 4);

    default:
        return genai_bpe_vectors(v, symbols, words, n, 8);
    }
}


#include "genai_bpe_walk.h"


#endif
