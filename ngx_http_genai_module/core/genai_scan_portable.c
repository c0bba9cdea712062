/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The portable edition of the scanner: eight bytes at a time in a word.
 *
 * A test leaves the high bit of each byte where it holds, exactly, that is
 * without carries between bytes; a multiplication then gathers the eight
 * high bits.
 */


#include "genai_scan_walk.h"


#define GENAI_ONES   UINT64_C(0x0101010101010101)
#define GENAI_HIGHS  UINT64_C(0x8080808080808080)
#define GENAI_LOWS   UINT64_C(0x7f7f7f7f7f7f7f7f)


/* the first byte is the lowest one */

GENAI_INLINE uint64_t
genai_scan_word(const unsigned char *p)
{
    uint64_t  w;

    memcpy(&w, p, 8);

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap64(w);
#endif

    return w;
}


/* high bits are set where a byte is not zero; the others are rubbish */

GENAI_INLINE uint64_t
genai_scan_nonzero(uint64_t x)
{
    return ((x & GENAI_LOWS) + GENAI_LOWS) | x;
}


GENAI_INLINE uint64_t
genai_scan_differ(uint64_t w, unsigned char c)
{
    return genai_scan_nonzero(w ^ (GENAI_ONES * c));
}


/* the high bits of the word n of a block, as bits of the block's set */

GENAI_INLINE uint64_t
genai_scan_gather(uint64_t x, unsigned n)
{
    return (((x & GENAI_HIGHS) >> 7) * UINT64_C(0x0102040810204080) >> 56)
           << (8 * n);
}


GENAI_INLINE int
genai_scan_plain(const unsigned char *p)
{
    unsigned  n;
    uint64_t  w, good;

    good = GENAI_HIGHS;

    for (n = 0; n < 8; n++) {
        w = genai_scan_word(p + 8 * n);

        good &= genai_scan_differ(w, '"') & genai_scan_differ(w, '\\')
                & genai_scan_nonzero(w & (GENAI_ONES * 0xe0)) & ~w;
    }

    return good == GENAI_HIGHS;
}


GENAI_INLINE void
genai_scan_strings(const unsigned char *p, genai_scan_sets_t *m)
{
    unsigned  n;
    uint64_t  w;

    m->quote = 0;
    m->slash = 0;
    m->control = 0;
    m->high = 0;

    for (n = 0; n < 8; n++) {
        w = genai_scan_word(p + 8 * n);

        m->quote |= genai_scan_gather(~genai_scan_differ(w, '"'), n);
        m->slash |= genai_scan_gather(~genai_scan_differ(w, '\\'), n);
        m->control |= genai_scan_gather(
                           ~genai_scan_nonzero(w & (GENAI_ONES * 0xe0)), n);
        m->high |= genai_scan_gather(w, n);
    }
}


GENAI_INLINE void
genai_scan_syntax(const unsigned char *p, genai_scan_sets_t *m)
{
    unsigned  n;
    uint64_t  w, u;

    m->op = 0;
    m->space = 0;

    for (n = 0; n < 8; n++) {
        w = genai_scan_word(p + 8 * n);
        u = w | GENAI_ONES * 0x20;

        m->op |= genai_scan_gather(
                          ~(genai_scan_differ(u, '{')
                            & genai_scan_differ(u, '}')
                            & genai_scan_differ(u, ':')
                            & genai_scan_differ(u, ',')), n);

        m->space |= genai_scan_gather(
                          ~(genai_scan_differ(w, ' ')
                            & genai_scan_differ(w, '\n')
                            & genai_scan_differ(w, '\r')
                            & genai_scan_differ(w, '\t')), n);
    }
}


/* each sequence is looked at */

#define genai_scan_utf8(p)  0

#define GENAI_SCAN_RUN     genai_scan_portable
#define GENAI_SCAN_TARGET

#include "genai_scan_walk.h"
