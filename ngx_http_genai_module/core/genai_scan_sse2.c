/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The edition of the scanner for every x86-64: four vectors of 16 bytes.
 */


#include "genai_scan_walk.h"


#if defined(__x86_64__)

#include <emmintrin.h>


/* the bytes of four vectors that are all ones, as a set */

GENAI_INLINE uint64_t
genai_scan_gather(const __m128i v[4])
{
    return (uint64_t) (uint16_t) _mm_movemask_epi8(v[0])
           | (uint64_t) (uint16_t) _mm_movemask_epi8(v[1]) << 16
           | (uint64_t) (uint16_t) _mm_movemask_epi8(v[2]) << 32
           | (uint64_t) (uint16_t) _mm_movemask_epi8(v[3]) << 48;
}


GENAI_INLINE __m128i
genai_scan_load(const unsigned char *p, unsigned n)
{
    return _mm_loadu_si128((const __m128i *) (const void *) (p + 16 * n));
}


GENAI_INLINE __m128i
genai_scan_same(__m128i v, char c)
{
    return _mm_cmpeq_epi8(v, _mm_set1_epi8(c));
}


/* quotes, backslashes, and what is below a space as a signed number */

GENAI_INLINE int
genai_scan_plain(const unsigned char *p)
{
    unsigned  n;
    __m128i   v, found;

    found = _mm_setzero_si128();

    for (n = 0; n < 4; n++) {
        v = genai_scan_load(p, n);

        found = _mm_or_si128(found, _mm_cmplt_epi8(v, _mm_set1_epi8(' ')));
        found = _mm_or_si128(found, genai_scan_same(v, '"'));
        found = _mm_or_si128(found, genai_scan_same(v, '\\'));
    }

    return _mm_movemask_epi8(found) == 0;
}


GENAI_INLINE void
genai_scan_strings(const unsigned char *p, genai_scan_sets_t *m)
{
    unsigned  n;
    __m128i   v, quote[4], slash[4], control[4], high[4];

    for (n = 0; n < 4; n++) {
        v = genai_scan_load(p, n);

        quote[n] = genai_scan_same(v, '"');
        slash[n] = genai_scan_same(v, '\\');
        control[n] = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
        high[n] = v;
    }

    m->quote = genai_scan_gather(quote);
    m->slash = genai_scan_gather(slash);
    m->control = genai_scan_gather(control);
    m->high = genai_scan_gather(high);
}


GENAI_INLINE void
genai_scan_syntax(const unsigned char *p, genai_scan_sets_t *m)
{
    unsigned  n;
    __m128i   v, u, op[4], space[4];

    for (n = 0; n < 4; n++) {
        v = genai_scan_load(p, n);
        u = _mm_or_si128(v, _mm_set1_epi8(0x20));

        op[n] = _mm_or_si128(_mm_or_si128(genai_scan_same(u, '{'),
                                          genai_scan_same(u, '}')),
                             _mm_or_si128(genai_scan_same(u, ':'),
                                          genai_scan_same(u, ',')));

        space[n] = _mm_or_si128(_mm_or_si128(genai_scan_same(v, ' '),
                                             genai_scan_same(v, '\n')),
                                _mm_or_si128(genai_scan_same(v, '\r'),
                                             genai_scan_same(v, '\t')));
    }

    m->op = genai_scan_gather(op);
    m->space = genai_scan_gather(space);
}


/* there is no table look-up before SSSE3: each sequence is looked at */

#define genai_scan_utf8(p)  0

#define GENAI_SCAN_RUN     genai_scan_sse2
#define GENAI_SCAN_TARGET

#include "genai_scan_walk.h"

#endif /* __x86_64__ */
