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


int
genai_tape_key_is(const genai_tape_t *t, uint32_t i, const char *name,
    size_t len)
{
    int                   same;
    size_t                n;
    unsigned              a, b;
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

        a = *p++;
        b = (unsigned char) name[n];

        if (a == b && a != '\\') {
            continue;
        }

        if (a == '\\') {
            a = *p++;

            if (a == 'u') {
                a = genai_tape_hex4(p);
                p += 4;

            } else if (a != '"' && a != '\\' && a != '/') {
                return 0;       /* a control character */
            }

        } else if (a == 0xc5 && *p == 0xbf) {
            a = 0x17f;
            p++;

        } else if (a == 0xe2 && p[0] == 0x84 && p[1] == 0xaa) {
            a = 0x212a;
            p += 2;

        } else if (a >= 0x80) {
            return 0;
        }

        if (a == b) {
            continue;
        }

        /*
         * Simple case folding as of Unicode takes two more characters into
         * ASCII's letters, and readers in Go use it: the long s and the
         * Kelvin sign.
         */

        a = (a == 0x17f) ? 's' : (a == 0x212a) ? 'k' : a;

        a = (a >= 'A' && a <= 'Z') ? a | 0x20 : a;
        b = (b >= 'A' && b <= 'Z') ? b | 0x20 : b;

        if (a != b) {
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
        if (genai_tape_key_is(t, key, name, len) == 1) {
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
