/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_mark.h"

#include <stdio.h>


static void genai_base64_quantum(genai_base64_t *b, genai_writer_t *w);


genai_str_t
genai_mark_write(char *dst, genai_field_e field, const genai_str_t *name,
    const genai_str_t *id)
{
    genai_str_t  mark;

    mark.data = (unsigned char *) dst;
    mark.len = snprintf(dst, GENAI_MARK_MAX, "genai:%.*s:%s:%lu:",
                        (int) (name->len < 32 ? name->len : 32),
                        (char *) name->data,
                        field == GENAI_FIELD_OF_CALL ? "call"
                        : field == GENAI_FIELD_OF_TEXT ? "text"
                        : field == GENAI_FIELD_SEALED ? "sealed" : "thought",
                        (unsigned long) id->len);

    return mark;
}


void
genai_base64_mark(genai_base64_t *b, genai_writer_t *w, genai_field_e field,
    const genai_str_t *name, const genai_str_t *id)
{
    char         text[GENAI_MARK_MAX];
    genai_str_t  mark;

    mark = genai_mark_write(text, field, name, id);

    genai_base64_write(b, w, &mark);
    genai_base64_write(b, w, id);
}


void
genai_base64_write(genai_base64_t *b, genai_writer_t *w,
    const genai_str_t *text)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {
        b->data[b->n++] = text->data[i];

        if (b->n == 3) {
            genai_base64_quantum(b, w);
        }
    }
}


void
genai_base64_end(genai_base64_t *b, genai_writer_t *w)
{
    unsigned  i;

    if (b->n == 0) {
        return;
    }

    for (i = b->n; i < 3; i++) {
        b->data[i] = 0;
    }

    genai_base64_quantum(b, w);
}


static void
genai_base64_quantum(genai_base64_t *b, genai_writer_t *w)
{
    uint32_t       bits;
    genai_str_t    text;
    unsigned char  quad[4];

    static const char  digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    bits = (uint32_t) b->data[0] << 16 | (uint32_t) b->data[1] << 8
           | b->data[2];

    quad[0] = digits[bits >> 18];
    quad[1] = digits[bits >> 12 & 63];
    quad[2] = (b->n > 1) ? digits[bits >> 6 & 63] : '=';
    quad[3] = (b->n > 2) ? digits[bits & 63] : '=';

    text.data = quad;
    text.len = 4;

    b->n = 0;

    genai_writer_raw_piece(w, &text);
}


size_t
genai_base64_read(unsigned char *dst, const genai_str_t *text)
{
    size_t          i;
    unsigned        n, digit;
    uint32_t        bits;
    unsigned char   c, *p;

    p = dst;
    bits = 0;
    n = 0;

    for (i = 0; i < text->len && text->data[i] != '='; i++) {
        c = text->data[i];

        if (c >= 'A' && c <= 'Z') {
            digit = c - 'A';

        } else if (c >= 'a' && c <= 'z') {
            digit = c - 'a' + 26;

        } else if (c >= '0' && c <= '9') {
            digit = c - '0' + 52;

        } else if (c == '+' || c == '-') {
            digit = 62;

        } else if (c == '/' || c == '_') {
            digit = 63;

        } else {
            return 0;
        }

        bits = bits << 6 | digit;
        n += 6;

        if (n >= 8) {
            n -= 8;
            *p++ = bits >> n & 0xff;
        }
    }

    return p - dst;
}
