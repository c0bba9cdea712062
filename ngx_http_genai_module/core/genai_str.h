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


#endif /* _GENAI_STR_H_INCLUDED_ */
