/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Characters for tests of Unicode.
 */


#ifndef _GENAI_TEST_UTF8_H_INCLUDED_
#define _GENAI_TEST_UTF8_H_INCLUDED_


#include <stdint.h>
#include <stdlib.h>


/* writes c at p; returns how many bytes it has */

static size_t
utf8_put(unsigned char *p, uint32_t c)
{
    if (c < 0x80) {
        p[0] = c;
        return 1;
    }

    if (c < 0x800) {
        p[0] = 0xc0 | c >> 6;
        p[1] = 0x80 | (c & 0x3f);
        return 2;
    }

    if (c < 0x10000) {
        p[0] = 0xe0 | c >> 12;
        p[1] = 0x80 | (c >> 6 & 0x3f);
        p[2] = 0x80 | (c & 0x3f);
        return 3;
    }

    p[0] = 0xf0 | c >> 18;
    p[1] = 0x80 | (c >> 12 & 0x3f);
    p[2] = 0x80 | (c >> 6 & 0x3f);
    p[3] = 0x80 | (c & 0x3f);
    return 4;
}


/*
 * All that is assigned but private use, as data/unicode_goldens.py has it;
 * the caller frees them.
 */

static uint32_t *
utf8_all(size_t *n)
{
    uint32_t  *chars, c;

    chars = malloc(0x40000 * sizeof(uint32_t));

    if (chars == NULL) {
        abort();
    }

    for (*n = 0, c = 0; c < 0xe0200; c = (c == 0x3347f) ? 0xe0000 : c + 1) {
        if (c < 0xd800 || c > 0xdfff) {
            chars[(*n)++] = c;
        }
    }

    return chars;
}


#endif /* _GENAI_TEST_UTF8_H_INCLUDED_ */
