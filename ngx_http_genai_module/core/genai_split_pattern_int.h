/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * How an expression is read and written anew for PCRE2, private to
 * genai_split_pattern*.c.
 */


#ifndef _GENAI_SPLIT_PATTERN_INT_H_INCLUDED_
#define _GENAI_SPLIT_PATTERN_INT_H_INCLUDED_


#include "genai_split_pattern.h"
#include "genai_unicode.h"

#define PCRE2_CODE_UNIT_WIDTH  8
#include <pcre2.h>

#include <stdio.h>
#include <stdlib.h>


#define GENAI_PATTERN_DEPTH    32           /* groups within each other */
#define GENAI_PATTERN_CLASSES  16           /* categories that are kept */


/* a category that was written before, and where */

typedef struct {
    uint32_t              bits;
    size_t                from;
    size_t                len;
} genai_pattern_class_t;


typedef struct {
    const unsigned char  *p;
    const unsigned char  *end;

    unsigned char        *out;
    size_t                len;
    size_t                size;

    genai_pattern_class_t classes[GENAI_PATTERN_CLASSES];
    unsigned              nclasses;

    unsigned              depth;
    unsigned              fold;             /* within (?i:...) */
    int                   prev;             /* the letter before, folded */

    char                 *error;
    size_t                error_size;
} genai_pattern_t;


/* All but the first return 0, or -1 with the error set. */

/* Tells what the expression has; returns -1. */
int genai_pattern_fail(genai_pattern_t *s, const char *what);

int genai_pattern_put(genai_pattern_t *s, const void *data, size_t len);
int genai_pattern_puts(genai_pattern_t *s, const char *text);
int genai_pattern_put_char(genai_pattern_t *s, uint32_t c);
int genai_pattern_put_range(genai_pattern_t *s, uint32_t from, uint32_t to);

/*
 * Writes, as the inside of a class, the characters of the categories bits, or
 * all others.  name is what PCRE2 calls them, or NULL.
 */
int genai_pattern_category(genai_pattern_t *s, const char *name,
    uint32_t bits, int not);

/* Reads the expression up to a parenthesis that closes, or its end. */
int genai_pattern_alternatives(genai_pattern_t *s);


#endif /* _GENAI_SPLIT_PATTERN_INT_H_INCLUDED_ */
