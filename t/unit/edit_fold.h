/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Names as the slow reader of edits compares them: character by character.
 */


#ifndef _GENAI_T_EDIT_FOLD_H_INCLUDED_
#define _GENAI_T_EDIT_FOLD_H_INCLUDED_


#include <stdlib.h>
#include <string.h>

#include "genai_tape.h"


#define MODEL_UNUSED   __attribute__((unused))


/* the characters as who ignores case takes them, at dst, 4 bytes for one */

MODEL_UNUSED static size_t
model_fold(unsigned char *dst, const unsigned char *p, size_t n)
{
    size_t    len, k, i;
    uint32_t  c;

    for (i = 0, len = 0; i < n; i += k, len += 4) {
        c = p[i];
        k = 1;

        if (c >= 0xc0) {
            c &= (c >= 0xf0) ? 0x07 : (c >= 0xe0) ? 0x0f : 0x1f;

            while (i + k < n && (p[i + k] & 0xc0) == 0x80) {
                c = c << 6 | (p[i + k++] & 0x3f);
            }
        }

        c = genai_tape_fold(c);
        memcpy(dst + len, &c, 4);
    }

    return len;
}


MODEL_UNUSED static int
model_same(const genai_str_t *a, const genai_str_t *b)
{
    int             rc;
    size_t          n, m;
    unsigned char  *p, *q;

    p = malloc(4 * a->len + 1);
    q = malloc(4 * b->len + 1);
    n = model_fold(p, a->data, a->len);
    m = model_fold(q, b->data, b->len);
    rc = (n == m && memcmp(p, q, n) == 0);
    free(p);
    free(q);

    return rc;
}


#endif /* _GENAI_T_EDIT_FOLD_H_INCLUDED_ */
