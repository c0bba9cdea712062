/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * General categories of characters, as the expressions of pre-tokenizers ask
 * for them, and canonical composition (Unicode Standard Annex 15).  The data
 * is made by data/unicode.py from the version of Unicode that it names, see
 * genai_unicode_data.c.
 *
 * All is read-only and safe in any thread.
 */


#ifndef _GENAI_UNICODE_H_INCLUDED_
#define _GENAI_UNICODE_H_INCLUDED_


#include <stdint.h>

#include "genai_str.h"


/*
 * A character's category; those of Unicode, but that control characters
 * which are white space (TAB to CR, U+0085) are SPACE_CC.  With ZS, ZL and ZP
 * these are the property White_Space.
 */

typedef enum {
    GENAI_GC_CN = 0,
    GENAI_GC_LU, GENAI_GC_LL, GENAI_GC_LT, GENAI_GC_LM, GENAI_GC_LO,
    GENAI_GC_MN, GENAI_GC_MC, GENAI_GC_ME,
    GENAI_GC_ND, GENAI_GC_NL, GENAI_GC_NO,
    GENAI_GC_PC, GENAI_GC_PD, GENAI_GC_PS, GENAI_GC_PE, GENAI_GC_PI,
    GENAI_GC_PF, GENAI_GC_PO,
    GENAI_GC_SM, GENAI_GC_SC, GENAI_GC_SK, GENAI_GC_SO,
    GENAI_GC_ZS, GENAI_GC_ZL, GENAI_GC_ZP,
    GENAI_GC_CC, GENAI_GC_CF, GENAI_GC_CS, GENAI_GC_CO,
    GENAI_GC_SPACE_CC
} genai_gc_e;

#define genai_gc_bit(gc)  ((uint32_t) 1 << (gc))

#define GENAI_GC_L  (genai_gc_bit(GENAI_GC_LU) | genai_gc_bit(GENAI_GC_LL)    \
                     | genai_gc_bit(GENAI_GC_LT) | genai_gc_bit(GENAI_GC_LM)  \
                     | genai_gc_bit(GENAI_GC_LO))
#define GENAI_GC_M  (genai_gc_bit(GENAI_GC_MN) | genai_gc_bit(GENAI_GC_MC)    \
                     | genai_gc_bit(GENAI_GC_ME))
#define GENAI_GC_N  (genai_gc_bit(GENAI_GC_ND) | genai_gc_bit(GENAI_GC_NL)    \
                     | genai_gc_bit(GENAI_GC_NO))
#define GENAI_GC_P  (genai_gc_bit(GENAI_GC_PC) | genai_gc_bit(GENAI_GC_PD)    \
                     | genai_gc_bit(GENAI_GC_PS) | genai_gc_bit(GENAI_GC_PE)  \
                     | genai_gc_bit(GENAI_GC_PI) | genai_gc_bit(GENAI_GC_PF)  \
                     | genai_gc_bit(GENAI_GC_PO))
#define GENAI_GC_S  (genai_gc_bit(GENAI_GC_SM) | genai_gc_bit(GENAI_GC_SC)    \
                     | genai_gc_bit(GENAI_GC_SK) | genai_gc_bit(GENAI_GC_SO))
#define GENAI_GC_SPACE                                                        \
    (genai_gc_bit(GENAI_GC_ZS) | genai_gc_bit(GENAI_GC_ZL)                    \
     | genai_gc_bit(GENAI_GC_ZP) | genai_gc_bit(GENAI_GC_SPACE_CC))


#define GENAI_UNICODE_BLOCK  256        /* characters */
#define GENAI_UNICODE_MAX    0x10ffff

/* the values of such a table are written as text, from this one on */
#define GENAI_UNICODE_ZERO   '`'

/* and have no terminating zero, which newer compilers warn of */
#if (__GNUC__ >= 15 || __clang_major__ >= 21)
#define GENAI_UNICODE_TEXT   __attribute__((nonstring))
#else
#define GENAI_UNICODE_TEXT
#endif

extern const uint8_t  genai_unicode_blocks[
                              (GENAI_UNICODE_MAX + 1) / GENAI_UNICODE_BLOCK];
extern const uint8_t  genai_unicode_categories[][GENAI_UNICODE_BLOCK];


/* The category of a character, at most GENAI_UNICODE_MAX. */
static inline genai_gc_e
genai_unicode_category(uint32_t c)
{
    return (genai_gc_e) (genai_unicode_categories
                             [genai_unicode_blocks[c / GENAI_UNICODE_BLOCK]]
                             [c % GENAI_UNICODE_BLOCK] - GENAI_UNICODE_ZERO);
}


/* The same for one below 0x80; the first block begins with them. */
static inline genai_gc_e
genai_unicode_ascii(unsigned char c)
{
    return (genai_gc_e) (genai_unicode_categories[0][c] - GENAI_UNICODE_ZERO);
}


/*
 * The length of a prefix of s, UTF-8, that is in NFC whatever follows within
 * s, up to s->len.  It ends in front of the first stretch that is not, or of
 * one that only normalization could tell ("e" with an acute accent, and then
 * a mark below).  A text in ASCII, Latin or Chinese is passed at memory speed.
 *
 * Of a text that goes on, the part up to genai_nfc_cut() is checked.
 */
size_t genai_nfc_check(const genai_str_t *s);

/*
 * The last place in s that can be cut: the NFC of a text that begins with s
 * is that of what is before it, and then that of the rest.  It is in front of
 * the last character that is no mark and the like, 0 where there is none.
 */
size_t genai_nfc_cut(const genai_str_t *s);

/*
 * Bytes that genai_nfc_write() may need for s->len bytes: canonical
 * decomposition and composition never make more than three times as many.
 */
#define genai_nfc_bound(len)  ((len) * 3)

/*
 * Writes the NFC of s, UTF-8, at dst, which has room for
 * genai_nfc_bound(s->len) bytes and does not overlap.  Time is linear, and
 * sequences of marks may have any length.
 *
 * Returns the number of bytes written.
 */
size_t genai_nfc_write(unsigned char *dst, const genai_str_t *s);


#endif /* _GENAI_UNICODE_H_INCLUDED_ */
