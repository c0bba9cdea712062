/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A text with its edits as bytes, for fuzz targets:
 *
 *     text 0 edit 0 edit 0 ...
 *
 * An edit is a letter, of the upper layer a capital one, the index as one
 * byte from '0' on, and
 *
 *     v  json             replaces the value
 *     p  from to text     a part, from and to as bytes from '0' on
 *     s  name 1 json      sets a member
 *     r  name             removes one
 */


#ifndef _GENAI_T_PROGRAM_H_INCLUDED_
#define _GENAI_T_PROGRAM_H_INCLUDED_


#include "edit.h"


#define fuzz_check(cond)                                                      \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);        \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
program_edit(model_t *m, const uint8_t *p, const uint8_t *end)
{
    model_op_t      op;
    const uint8_t  *q;

    memset(&op, 0, sizeof(model_op_t));

    if (end - p < 2) {
        return;
    }

    op.layer = (*p >= 'A' && *p <= 'Z');

    switch (*p | 0x20) {

    case 'v':
        op.kind = GENAI_EDIT_VALUE;
        break;

    case 'p':
        op.kind = GENAI_EDIT_PART;
        break;

    case 's':
        op.kind = GENAI_EDIT_SET;
        break;

    case 'r':
        op.kind = GENAI_EDIT_REMOVE;
        break;

    default:
        return;
    }

    op.index = (uint8_t) (p[1] - '0');
    p += 2;

    op.name.data = (unsigned char *) p;

    if (op.kind == GENAI_EDIT_PART) {

        if (end - p < 2) {
            return;
        }

        op.start = (uint8_t) (p[0] - '0');
        op.end = (uint8_t) (p[1] - '0');
        p += 2;

    } else if (op.kind == GENAI_EDIT_SET) {

        q = memchr(p, 1, end - p);

        if (q == NULL) {
            return;
        }

        op.name.len = q - p;
        p = q + 1;

    } else if (op.kind == GENAI_EDIT_REMOVE) {
        op.name.len = end - p;
        p = end;
    }

    op.text.data = (unsigned char *) p;
    op.text.len = end - p;

    fuzz_check(model_edit(m, &op) == 0);
}


/* Returns 0, or -1 where there is no text. */

static int
program_open(model_t *m, const uint8_t *data, size_t size)
{
    const uint8_t  *p, *q, *end;

    end = data + size;
    q = size ? memchr(data, 0, size) : NULL;
    q = q ? q : end;

    if (q == data || model_open(m, data, q - data) != 0) {
        return -1;
    }

    while (q < end) {
        p = q + 1;
        q = (p < end) ? memchr(p, 0, end - p) : NULL;
        q = q ? q : end;

        program_edit(m, p, q);
    }

    return 0;
}


#endif /* _GENAI_T_PROGRAM_H_INCLUDED_ */
