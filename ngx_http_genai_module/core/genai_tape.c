/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_tape.h"


/* the code that the four hexadecimal digits at p, known to be such, mean */

static unsigned
genai_tape_hex4(const unsigned char *p)
{
    int       i;
    unsigned  n;

    n = 0;

    for (i = 0; i < 4; i++) {
        n = n << 4 | ((p[i] & 0x0f) + (p[i] >= 'A' ? 9 : 0));
    }

    return n;
}


uint32_t
genai_tape_char(const unsigned char **p)
{
    uint32_t              c;
    const unsigned char  *s;

    s = *p;
    c = *s++;

    if (c == '\\') {
        c = *s++;

        switch (c) {

        case 'b':
            c = '\b';
            break;

        case 'f':
            c = '\f';
            break;

        case 'n':
            c = '\n';
            break;

        case 'r':
            c = '\r';
            break;

        case 't':
            c = '\t';
            break;

        case 'u':
            c = genai_tape_hex4(s);
            s += 4;

            if (c >= 0xd800 && c < 0xdc00) {
                c = 0x10000 + ((c - 0xd800) << 10)
                    + (genai_tape_hex4(s + 2) - 0xdc00);
                s += 6;
            }
        }

    } else if (c >= 0xf0) {
        c = (c & 0x07) << 18 | (s[0] & 0x3f) << 12 | (s[1] & 0x3f) << 6
            | (s[2] & 0x3f);
        s += 3;

    } else if (c >= 0xe0) {
        c = (c & 0x0f) << 12 | (s[0] & 0x3f) << 6 | (s[1] & 0x3f);
        s += 2;

    } else if (c >= 0x80) {
        c = (c & 0x1f) << 6 | (s[0] & 0x3f);
        s += 1;
    }

    *p = s;

    return c;
}


int
genai_tape_key_is(const genai_tape_t *t, uint32_t i, const char *name,
    size_t len)
{
    int                   same;
    size_t                n;
    uint32_t              a, b;
    const unsigned char  *p, *end;

    p = t->text + t->entries[i].offset;
    end = p + t->entries[i].len;
    same = 1;

    /* decoding never lengthens, and neither does folding */

    if (t->entries[i].len < len) {
        return 0;
    }

    for (n = 0; n < len; n++) {

        if (p == end) {
            return 0;
        }

        b = (unsigned char) name[n];

        if (*p == b && b != '\\') {
            p++;
            continue;
        }

        a = genai_tape_char(&p);

        if (a == b) {
            continue;
        }

        if (genai_tape_fold(a) != genai_tape_fold(b)) {
            return 0;
        }

        same = -1;
    }

    return (p == end) ? same : 0;
}


uint32_t
genai_tape_find(const genai_tape_t *t, uint32_t i, const char *name,
    size_t len)
{
    uint32_t  key;

    if (genai_tape_type(t, i) != GENAI_TAPE_OBJECT) {
        return 0;
    }

    for (key = genai_tape_first(t, i); key; key = genai_tape_next(t, i, key)) {
        if (genai_tape_named(t, key, name, len)) {
            return genai_tape_value(t, key);
        }
    }

    return 0;
}


int
genai_tape_member(const genai_tape_t *t, uint32_t i, const char *name,
    size_t len, uint32_t *value)
{
    int       rc;
    uint32_t  key;

    *value = 0;

    if (genai_tape_type(t, i) != GENAI_TAPE_OBJECT) {
        return 0;
    }

    for (key = genai_tape_first(t, i); key; key = genai_tape_next(t, i, key)) {

        rc = genai_tape_key_is(t, key, name, len);

        if (rc == 0) {
            continue;
        }

        if (rc == -1 || *value) {
            *value = key;
            return -1;
        }

        *value = genai_tape_value(t, key);
    }

    return *value ? 1 : 0;
}
