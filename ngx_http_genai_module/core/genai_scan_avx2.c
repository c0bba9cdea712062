/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The edition of the scanner for processors with AVX2: two vectors of 32
 * bytes.  The functions carry their target, the file is compiled as others.
 */


#include "genai_scan_walk.h"


#if defined(__x86_64__)

#include <immintrin.h>


#define GENAI_SCAN_TARGET  __attribute__((target("avx2,bmi")))


/* what two neighbouring bytes can do wrong */

#define GENAI_UTF8_SHORT      0x01  /* a first byte, then no following one */
#define GENAI_UTF8_LONG       0x02  /* ASCII, then a following one */
#define GENAI_UTF8_OVER3      0x04  /* E0, then 80 to 9F: overlong */
#define GENAI_UTF8_OVER2      0x08  /* C0 or C1, then anything */
#define GENAI_UTF8_SURROGATE  0x10  /* ED, then A0 to BF */
#define GENAI_UTF8_BIG        0x20  /* F4, then 90 to BF; above F4 likewise */
#define GENAI_UTF8_OVER4      0x40  /* F0, then 80 to 8F; F5 on, then those */
#define GENAI_UTF8_TWO        0x80  /* two following ones: maybe all right */

/* those which the low half of the first byte has no say in */
#define GENAI_UTF8_ANY                                                        \
    (GENAI_UTF8_SHORT|GENAI_UTF8_LONG|GENAI_UTF8_TWO)

/* those of first bytes F5 to FF */
#define GENAI_UTF8_NEVER                                                      \
    (GENAI_UTF8_ANY|GENAI_UTF8_BIG|GENAI_UTF8_OVER4)


/* by the high half of the first byte of two */

static const unsigned char  genai_scan_first_high[16]
    __attribute__((aligned(16))) =
{
    /* 0 to 7 */
    GENAI_UTF8_LONG, GENAI_UTF8_LONG, GENAI_UTF8_LONG, GENAI_UTF8_LONG,
    GENAI_UTF8_LONG, GENAI_UTF8_LONG, GENAI_UTF8_LONG, GENAI_UTF8_LONG,
    /* 8 to B */
    GENAI_UTF8_TWO, GENAI_UTF8_TWO, GENAI_UTF8_TWO, GENAI_UTF8_TWO,
    /* C, D, E, F */
    GENAI_UTF8_SHORT|GENAI_UTF8_OVER2,
    GENAI_UTF8_SHORT,
    GENAI_UTF8_SHORT|GENAI_UTF8_OVER3|GENAI_UTF8_SURROGATE,
    GENAI_UTF8_SHORT|GENAI_UTF8_BIG|GENAI_UTF8_OVER4
};


/* by its low half */

static const unsigned char  genai_scan_first_low[16]
    __attribute__((aligned(16))) =
{
    /* C0, E0, F0 */
    GENAI_UTF8_ANY|GENAI_UTF8_OVER2|GENAI_UTF8_OVER3|GENAI_UTF8_OVER4,
    /* C1 */
    GENAI_UTF8_ANY|GENAI_UTF8_OVER2,
    GENAI_UTF8_ANY,
    GENAI_UTF8_ANY,
    /* F4 */
    GENAI_UTF8_ANY|GENAI_UTF8_BIG,
    GENAI_UTF8_NEVER, GENAI_UTF8_NEVER, GENAI_UTF8_NEVER, GENAI_UTF8_NEVER,
    GENAI_UTF8_NEVER, GENAI_UTF8_NEVER, GENAI_UTF8_NEVER, GENAI_UTF8_NEVER,
    /* ED */
    GENAI_UTF8_NEVER|GENAI_UTF8_SURROGATE,
    GENAI_UTF8_NEVER, GENAI_UTF8_NEVER
};


/* by the high half of the second byte */

static const unsigned char  genai_scan_second_high[16]
    __attribute__((aligned(16))) =
{
    /* 0 to 7 */
    GENAI_UTF8_SHORT, GENAI_UTF8_SHORT, GENAI_UTF8_SHORT, GENAI_UTF8_SHORT,
    GENAI_UTF8_SHORT, GENAI_UTF8_SHORT, GENAI_UTF8_SHORT, GENAI_UTF8_SHORT,
    /* 8 */
    GENAI_UTF8_LONG|GENAI_UTF8_TWO|GENAI_UTF8_OVER2|GENAI_UTF8_OVER3
                   |GENAI_UTF8_OVER4,
    /* 9 */
    GENAI_UTF8_LONG|GENAI_UTF8_TWO|GENAI_UTF8_OVER2|GENAI_UTF8_OVER3
                   |GENAI_UTF8_BIG,
    /* A, B */
    GENAI_UTF8_LONG|GENAI_UTF8_TWO|GENAI_UTF8_OVER2|GENAI_UTF8_SURROGATE
                   |GENAI_UTF8_BIG,
    GENAI_UTF8_LONG|GENAI_UTF8_TWO|GENAI_UTF8_OVER2|GENAI_UTF8_SURROGATE
                   |GENAI_UTF8_BIG,
    /* C to F */
    GENAI_UTF8_SHORT, GENAI_UTF8_SHORT, GENAI_UTF8_SHORT, GENAI_UTF8_SHORT
};


GENAI_SCAN_TARGET GENAI_INLINE __m256i
genai_scan_load(const unsigned char *p)
{
    return _mm256_loadu_si256((const __m256i *) (const void *) p);
}


/* a table of 16 bytes, for both halves of a vector */

GENAI_SCAN_TARGET GENAI_INLINE __m256i
genai_scan_table(const unsigned char table[16])
{
    return _mm256_broadcastsi128_si256(
                       _mm_load_si128((const __m128i *) (const void *) table));
}


GENAI_SCAN_TARGET GENAI_INLINE __m256i
genai_scan_same(__m256i v, char c)
{
    return _mm256_cmpeq_epi8(v, _mm256_set1_epi8(c));
}


/* the bytes of two vectors that have their high bits set, as a set */

GENAI_SCAN_TARGET GENAI_INLINE uint64_t
genai_scan_gather(__m256i a, __m256i b)
{
    return (uint64_t) (uint32_t) _mm256_movemask_epi8(a)
           | (uint64_t) (uint32_t) _mm256_movemask_epi8(b) << 32;
}


/* quotes, backslashes, and what is below a space as a signed number */

GENAI_SCAN_TARGET GENAI_INLINE __m256i
genai_scan_special(__m256i v)
{
    return _mm256_or_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(' '), v),
                           _mm256_or_si256(genai_scan_same(v, '"'),
                                           genai_scan_same(v, '\\')));
}


GENAI_SCAN_TARGET GENAI_INLINE int
genai_scan_plain(const unsigned char *p)
{
    __m256i  found;

    found = _mm256_or_si256(genai_scan_special(genai_scan_load(p)),
                            genai_scan_special(genai_scan_load(p + 32)));

    return _mm256_testz_si256(found, found);
}


GENAI_SCAN_TARGET GENAI_INLINE __m256i
genai_scan_control(__m256i v)
{
    return _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v);
}


GENAI_SCAN_TARGET GENAI_INLINE void
genai_scan_strings(const unsigned char *p, genai_scan_sets_t *m)
{
    __m256i  a, b;

    a = genai_scan_load(p);
    b = genai_scan_load(p + 32);

    m->quote = genai_scan_gather(genai_scan_same(a, '"'),
                                 genai_scan_same(b, '"'));
    m->slash = genai_scan_gather(genai_scan_same(a, '\\'),
                                 genai_scan_same(b, '\\'));
    m->control = genai_scan_gather(genai_scan_control(a),
                                   genai_scan_control(b));
    m->high = genai_scan_gather(a, b);
}


/*
 * The characters that are looked for differ in their low halves, so the one
 * that a byte could be is looked up by it; a byte with its high bit set looks
 * up a zero, and so do the low halves that none of them has.
 */

GENAI_SCAN_TARGET GENAI_INLINE void
genai_scan_syntax(const unsigned char *p, genai_scan_sets_t *m)
{
    static const unsigned char  ops[16] __attribute__((aligned(16))) =
        { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0 };

    static const unsigned char  spaces[16] __attribute__((aligned(16))) =
        { ' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0 };

    __m256i  a, b, op, space, bit;

    op = genai_scan_table(ops);
    space = genai_scan_table(spaces);
    bit = _mm256_set1_epi8(0x20);

    a = genai_scan_load(p);
    b = genai_scan_load(p + 32);

    m->space = genai_scan_gather(
                   _mm256_cmpeq_epi8(_mm256_shuffle_epi8(space, a), a),
                   _mm256_cmpeq_epi8(_mm256_shuffle_epi8(space, b), b));

    m->op = genai_scan_gather(
                   _mm256_cmpeq_epi8(_mm256_shuffle_epi8(op, a),
                                     _mm256_or_si256(a, bit)),
                   _mm256_cmpeq_epi8(_mm256_shuffle_epi8(op, b),
                                     _mm256_or_si256(b, bit)));
}


/*
 * What is wrong in 32 bytes at p; zero in all bytes if nothing is.  Most
 * errors can be seen from two neighbours, where the three tables agree on
 * one.  That two following bytes are neighbours is an error or must be,
 * which the bytes two and three places before tell.
 */

GENAI_SCAN_TARGET GENAI_INLINE __m256i
genai_scan_wrong(const unsigned char *p)
{
    __m256i  v, one, half, pair, must;

    v = genai_scan_load(p);
    one = genai_scan_load(p - 1);
    half = _mm256_set1_epi8(0x0f);

    pair = _mm256_and_si256(
               _mm256_and_si256(
                   _mm256_shuffle_epi8(
                       genai_scan_table(genai_scan_first_high),
                       _mm256_and_si256(_mm256_srli_epi16(one, 4), half)),
                   _mm256_shuffle_epi8(
                       genai_scan_table(genai_scan_first_low),
                       _mm256_and_si256(one, half))),
               _mm256_shuffle_epi8(
                   genai_scan_table(genai_scan_second_high),
                   _mm256_and_si256(_mm256_srli_epi16(v, 4), half)));

    /* the high bit is left of E0 to FF two, and of F0 to FF three before */

    must = _mm256_or_si256(
               _mm256_subs_epu8(genai_scan_load(p - 2),
                                _mm256_set1_epi8(0xe0 - 0x80)),
               _mm256_subs_epu8(genai_scan_load(p - 3),
                                _mm256_set1_epi8(0xf0 - 0x80)));

    must = _mm256_and_si256(must, _mm256_set1_epi8((char) 0x80));

    return _mm256_xor_si256(pair, must);
}


GENAI_SCAN_TARGET GENAI_INLINE int
genai_scan_utf8(const unsigned char *p)
{
    __m256i  wrong;

    wrong = _mm256_or_si256(genai_scan_wrong(p), genai_scan_wrong(p + 32));

    return _mm256_testz_si256(wrong, wrong);
}


#define GENAI_SCAN_RUN  genai_scan_avx2

#include "genai_scan_walk.h"

#endif /* __x86_64__ */
