/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A counted string, the one currency of core/: bytes that somebody else owns,
 * not terminated.  It has the layout of nginx's own string on purpose, so that
 * a conversion is an assignment of two words.
 */


#ifndef _GENAI_STR_H_INCLUDED_
#define _GENAI_STR_H_INCLUDED_


#include <stddef.h>
#include <string.h>


typedef struct {
    size_t          len;            /* bytes */
    unsigned char  *data;
} genai_str_t;


#define genai_str(text)   { sizeof(text) - 1, (unsigned char *) text }

/* whether s is the literal text, byte for byte */
#define genai_str_is(s, text)                                                 \
    ((s)->len == sizeof(text) - 1                                             \
     && memcmp((s)->data, text, sizeof(text) - 1) == 0)


/*
 * Whether n bytes are equal: names, most of which have no more than 16, are
 * compared by words that may overlap, which a call would take longer than.
 */

static inline int
genai_same(const void *a, const void *b, size_t n)
{
    const char  *p = a;
    const char  *q = b;

    if (n > 16) {
        return memcmp(p, q, n) == 0;
    }

    if (n >= 8) {
        return memcmp(p, q, 8) == 0 && memcmp(p + n - 8, q + n - 8, 8) == 0;
    }

    if (n >= 4) {
        return memcmp(p, q, 4) == 0 && memcmp(p + n - 4, q + n - 4, 4) == 0;
    }

    return n == 0 || (*p == *q && p[n - 1] == q[n - 1] && p[n / 2] == q[n / 2]);
}


/*
 * Zeroes n bytes.  Of a size that is known, and above some hundred bytes, a
 * compiler makes a string instruction, which is slower than the library.
 */

static inline void
genai_zero(void *p, size_t n)
{
    __asm__ ("" : "+r" (n));

    memset(p, 0, n);
}


#endif /* _GENAI_STR_H_INCLUDED_ */
