/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the editions of the splitter share, private to genai_split*.c.
 */


#ifndef _GENAI_SPLIT_INT_H_INCLUDED_
#define _GENAI_SPLIT_INT_H_INCLUDED_


#include "genai_split.h"
#include "genai_unicode.h"


#define GENAI_INLINE  static inline __attribute__((always_inline))

#define genai_unlikely(e)  __builtin_expect(!!(e), 0)


/*
 * The end of the piece that begins at p < end, or NULL where last is 0 and
 * what follows end could move it.
 */
typedef const unsigned char *(*genai_split_next_pt)(const unsigned char *p,
    const unsigned char *end, int last);

const unsigned char *genai_split_next_r50k(const unsigned char *p,
    const unsigned char *end, int last);
const unsigned char *genai_split_next_cl100k(const unsigned char *p,
    const unsigned char *end, int last);
const unsigned char *genai_split_next_o200k(const unsigned char *p,
    const unsigned char *end, int last);
const unsigned char *genai_split_next_llama3(const unsigned char *p,
    const unsigned char *end, int last);
const unsigned char *genai_split_next_qwen2(const unsigned char *p,
    const unsigned char *end, int last);
const unsigned char *genai_split_next_tekken(const unsigned char *p,
    const unsigned char *end, int last);
const unsigned char *genai_split_next_deepseek3(const unsigned char *p,
    const unsigned char *end, int last);
const unsigned char *genai_split_next_space(const unsigned char *p,
    const unsigned char *end, int last);


/*
 * The editions.  Both are genai_split() for the families from R50K to SPACE;
 * the portable one goes from piece to piece with the functions above, the
 * other finds many ends at once in vectors of ASCII.
 */
size_t genai_split_portable(genai_split_e split, const genai_str_t *text,
    int last, uint32_t *ends, size_t max);
size_t genai_split_avx2(genai_split_e split, const genai_str_t *text,
    int last, uint32_t *ends, size_t max);


/*
 * The length, 2 or 3, of "'s", "'t", "'m", "'d", "'ll", "'ve" or "'re" whose
 * letters are a and b, lower case; 0 for anything else.
 */
GENAI_INLINE size_t
genai_split_contraction(unsigned char a, unsigned char b)
{
    switch (a) {

    case 's': case 't': case 'm': case 'd':
        return 2;

    case 'l':
        return (b == 'l') ? 3 : 0;

    case 'v': case 'r':
        return (b == 'e') ? 3 : 0;

    default:
        return 0;
    }
}


#define GENAI_GC_OTHER  (~(GENAI_GC_SPACE|GENAI_GC_L|GENAI_GC_N))

/* what a letter may be within a word of o200k: a capital, a small one, both */
#define GENAI_GC_CAPITAL                                                      \
    (genai_gc_bit(GENAI_GC_LU) | genai_gc_bit(GENAI_GC_LT))
#define GENAI_GC_SMALL  genai_gc_bit(GENAI_GC_LL)
#define GENAI_GC_BOTH                                                         \
    (genai_gc_bit(GENAI_GC_LM) | genai_gc_bit(GENAI_GC_LO) | GENAI_GC_M)

#define genai_split_newline(c)  ((c) == '\r' || (c) == '\n')
#define genai_split_letter(c)   ((unsigned char) (((c) | 0x20) - 'a') < 26)

#define GENAI_GC_P_S  (GENAI_GC_P|GENAI_GC_S)
#define GENAI_GC_L_M  (GENAI_GC_L|GENAI_GC_M)

/* the writing of Chinese and Japanese that DeepSeek sets apart */
#define genai_split_cjk(c)                                                    \
    (((c) >= 0x4e00 && (c) <= 0x9fa5) || ((c) >= 0x3040 && (c) <= 0x30ff))


/*
 * The character at p < end, and where it ends.  What is not UTF-8 is read as
 * anything, but never beyond end.
 */

GENAI_INLINE uint32_t
genai_split_char(const unsigned char *p, const unsigned char *end,
    const unsigned char **next)
{
    size_t    n;
    uint32_t  c;

    n = (*p < 0x80) ? 1 : (*p < 0xe0) ? 2 : (*p < 0xf0) ? 3 : 4;

    if (genai_unlikely((size_t) (end - p) < n)) {
        *next = end;
        return GENAI_UNICODE_MAX;
    }

    *next = p + n;

    switch (n) {

    case 1:
        return p[0];

    case 2:
        return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);

    case 3:
        return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);

    default:
        c = (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12
            | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);

        return (c > GENAI_UNICODE_MAX) ? GENAI_UNICODE_MAX : c;
    }
}


/* its category, as one of the bits of genai_gc_bit() */

GENAI_INLINE uint32_t
genai_split_bit(const unsigned char *p, const unsigned char *end,
    const unsigned char **next)
{
    if (*p < 0x80) {
        *next = p + 1;
        return genai_gc_bit(genai_unicode_ascii(*p));
    }

    return genai_gc_bit(genai_unicode_category(genai_split_char(p, end,
                                                                next)));
}


/*
 * The category of a character at p < end of the same part as the one before;
 * 0 behind the part's end.
 */

GENAI_INLINE uint32_t
genai_split_part(const unsigned char *p, const unsigned char *end, int cjk,
    const unsigned char **next)
{
    uint32_t  c, bit;

    c = genai_split_char(p, end, next);
    bit = genai_gc_bit(genai_unicode_category(c));

    return ((bit & GENAI_GC_N) || genai_split_cjk(c) != cjk) ? 0 : bit;
}


/*
 * '(?i:[sdmt]|ll|ve|re) at the quote p; the long s is an s to Unicode.
 *
 * Returns where it ends, p where there is none, or NULL.
 */

GENAI_INLINE const unsigned char *
genai_split_quote(const unsigned char *p, const unsigned char *end, int last,
    int fold)
{
    unsigned char  a, b;

    if (end - p < 2) {
        return last ? p : NULL;
    }

    a = p[1];

    if (fold) {

        if (a == 0xc5) {
            return (end - p > 2 && p[2] == 0xbf) ? p + 3 : p;
        }

        a |= 0x20;
    }

    if (end - p < 3 && !last && (a == 'l' || a == 'v' || a == 'r')) {
        return NULL;
    }

    b = (end - p < 3) ? 0 : fold ? p[2] | 0x20 : p[2];

    return p + genai_split_contraction(a, b);
}


#endif /* _GENAI_SPLIT_INT_H_INCLUDED_ */
