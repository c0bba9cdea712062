/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_polyval.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif


/* a test sets it: as on processors that multiply one block at a time */
#if !defined(GENAI_POLYVAL_NARROW)
#define GENAI_POLYVAL_NARROW  0
#endif


#if defined(__x86_64__)

#define GENAI_POLYVAL_TARGET  __attribute__((target("pclmul,sse4.1")))


/* a product that is not reduced: 256 bits, the middle by itself */
typedef struct {
    __m128i  low;
    __m128i  middle;
    __m128i  high;
} genai_polyval_product_t;


GENAI_POLYVAL_TARGET
static inline void
genai_polyval_multiply(genai_polyval_product_t *p, __m128i a, __m128i b)
{
    p->low = _mm_xor_si128(p->low, _mm_clmulepi64_si128(a, b, 0x00));
    p->high = _mm_xor_si128(p->high, _mm_clmulepi64_si128(a, b, 0x11));
    p->middle = _mm_xor_si128(p->middle,
                              _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01),
                                            _mm_clmulepi64_si128(a, b, 0x10)));
}


/*
 * Montgomery's reduction: twice 64 bits are made zero by a multiple of
 * x^128 + x^127 + x^126 + x^121 + 1, and what stands above is the product
 * times x^-128, as POLYVAL has it.
 */

GENAI_POLYVAL_TARGET
static inline __m128i
genai_polyval_reduce(const genai_polyval_product_t *p)
{
    __m128i  low, high, poly;

    poly = _mm_set_epi64x(0, (int64_t) UINT64_C(0xc200000000000000));

    low = _mm_xor_si128(p->low, _mm_slli_si128(p->middle, 8));
    high = _mm_xor_si128(p->high, _mm_srli_si128(p->middle, 8));

    low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e),
                        _mm_clmulepi64_si128(low, poly, 0x00));
    low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e),
                        _mm_clmulepi64_si128(low, poly, 0x00));

    return _mm_xor_si128(high, low);
}


#define GENAI_POLYVAL_WIDE  __attribute__((target("vpclmulqdq,avx2,pclmul")))

/* two blocks in each register */

#define genai_polyval_pair(k, first)                                          \
    block = _mm256_loadu_si256((const __m256i *) (const void *)               \
                               (data + 32 * (k)));                            \
    block = _mm256_xor_si256(block, first);                                   \
    low = _mm256_xor_si256(low, _mm256_clmulepi64_epi128(block, power[k],     \
                                                         0x00));              \
    high = _mm256_xor_si256(high, _mm256_clmulepi64_epi128(block, power[k],   \
                                                           0x11));            \
    middle = _mm256_xor_si256(middle,                                         \
                 _mm256_xor_si256(                                            \
                     _mm256_clmulepi64_epi128(block, power[k], 0x01),         \
                     _mm256_clmulepi64_epi128(block, power[k], 0x10)))

#define genai_polyval_halves(v)                                               \
    _mm_xor_si128(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1))


/* takes eights of blocks; returns how many blocks were taken */

GENAI_POLYVAL_WIDE
static size_t
genai_polyval_wide(const genai_polyval_t *p, uint64_t s[2],
    const unsigned char *data, size_t blocks)
{
    size_t                    n;
    __m128i                   sum;
    __m256i                   low, middle, high, block, power[4];
    unsigned                  i;
    genai_polyval_product_t   product;

    sum = _mm_loadu_si128((const __m128i *) (void *) s);

    for (i = 0; i < 4; i++) {
        power[i] = _mm256_set_epi64x((int64_t) p->power[6 - 2 * i][1],
                                     (int64_t) p->power[6 - 2 * i][0],
                                     (int64_t) p->power[7 - 2 * i][1],
                                     (int64_t) p->power[7 - 2 * i][0]);
    }

    for (n = 0; blocks - n >= 8; n += 8, data += 128) {

        low = middle = high = _mm256_setzero_si256();

        genai_polyval_pair(0, _mm256_zextsi128_si256(sum));
        genai_polyval_pair(1, _mm256_setzero_si256());
        genai_polyval_pair(2, _mm256_setzero_si256());
        genai_polyval_pair(3, _mm256_setzero_si256());

        product.low = genai_polyval_halves(low);
        product.middle = genai_polyval_halves(middle);
        product.high = genai_polyval_halves(high);

        sum = genai_polyval_reduce(&product);
    }

    _mm_storeu_si128((__m128i *) (void *) s, sum);

    return n;
}


int
genai_polyval_can(void)
{
    return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}


GENAI_POLYVAL_TARGET
void
genai_polyval_init(genai_polyval_t *p, const unsigned char point[16])
{
    __m128i                   h, power;
    unsigned                  i;
    genai_polyval_product_t   product;

    h = _mm_loadu_si128((const __m128i *) (const void *) point);
    power = h;

    for (i = 0; ; i++) {
        _mm_storeu_si128((__m128i *) (void *) p->power[i], power);

        if (i == GENAI_POLYVAL_POWERS - 1) {
            return;
        }

        product.low = product.middle = product.high = _mm_setzero_si128();
        genai_polyval_multiply(&product, power, h);
        power = genai_polyval_reduce(&product);
    }
}


GENAI_POLYVAL_TARGET
void
genai_polyval_blocks(const genai_polyval_t *p, uint64_t s[2],
    const unsigned char *data, size_t blocks)
{
    __m128i                   sum, block, power[GENAI_POLYVAL_POWERS];
    size_t                    n, i;
    genai_polyval_product_t   product;

    if (!GENAI_POLYVAL_NARROW
        && blocks >= GENAI_POLYVAL_POWERS
        && __builtin_cpu_supports("vpclmulqdq")
        && __builtin_cpu_supports("avx2"))
    {
        n = genai_polyval_wide(p, s, data, blocks);

        data += 16 * n;
        blocks -= n;
    }

    if (blocks == 0) {
        return;
    }

    sum = _mm_loadu_si128((const __m128i *) (void *) s);

    for (i = 0; i < GENAI_POLYVAL_POWERS; i++) {
        power[i] = _mm_loadu_si128((const __m128i *) (const void *)
                                   p->power[i]);
    }

    while (blocks) {
        n = blocks < GENAI_POLYVAL_POWERS ? blocks : GENAI_POLYVAL_POWERS;

        block = _mm_loadu_si128((const __m128i *) (const void *) data);

        product.low = product.middle = product.high = _mm_setzero_si128();
        genai_polyval_multiply(&product, _mm_xor_si128(sum, block),
                               power[n - 1]);

        if (n == GENAI_POLYVAL_POWERS) {

            /* unrolled: the products do not wait for each other */

#define genai_polyval_next(k)                                                 \
            block = _mm_loadu_si128((const __m128i *) (const void *)          \
                                    (data + 16 * (k)));                       \
            genai_polyval_multiply(&product, block,                           \
                                   power[GENAI_POLYVAL_POWERS - 1 - (k)])

            genai_polyval_next(1);
            genai_polyval_next(2);
            genai_polyval_next(3);
            genai_polyval_next(4);
            genai_polyval_next(5);
            genai_polyval_next(6);
            genai_polyval_next(7);

        } else {
            for (i = 1; i < n; i++) {
                block = _mm_loadu_si128((const __m128i *) (const void *)
                                        (data + 16 * i));
                genai_polyval_multiply(&product, block, power[n - 1 - i]);
            }
        }

        sum = genai_polyval_reduce(&product);

        data += 16 * n;
        blocks -= n;
    }

    _mm_storeu_si128((__m128i *) (void *) s, sum);
}

#else

int
genai_polyval_can(void)
{
    return 0;
}


void
genai_polyval_init(genai_polyval_t *p, const unsigned char point[16])
{
}


void
genai_polyval_blocks(const genai_polyval_t *p, uint64_t s[2],
    const unsigned char *data, size_t blocks)
{
}

#endif
