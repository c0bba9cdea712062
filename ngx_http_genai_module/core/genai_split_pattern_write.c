/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is written for PCRE2.  Its version of Unicode is not ours, so for each
 * category it is asked which characters it takes, and told the others.
 */


#include "genai_split_pattern_int.h"


#define GENAI_PATTERN_OUT    (1024 * 1024)  /* bytes */

/* from here on PCRE2 is not asked: all versions have it for private use and
   tags, or unassigned */
#define GENAI_PATTERN_LIMIT  0x34000


int
genai_pattern_fail(genai_pattern_t *s, const char *what)
{
    snprintf(s->error, s->error_size, "the expression has %s", what);

    return -1;
}


static int
genai_pattern_room(genai_pattern_t *s, size_t len)
{
    size_t          size;
    unsigned char  *out;

    if (s->size - s->len < len) {
        size = 2 * s->size + len + 256;
        out = (size > GENAI_PATTERN_OUT) ? NULL : realloc(s->out, size);

        if (out == NULL) {
            return genai_pattern_fail(s, "too much in it");
        }

        s->out = out;
        s->size = size;
    }

    return 0;
}


int
genai_pattern_put(genai_pattern_t *s, const void *data, size_t len)
{
    if (genai_pattern_room(s, len) != 0) {
        return -1;
    }

    memcpy(s->out + s->len, data, len);
    s->len += len;

    return 0;
}


int
genai_pattern_puts(genai_pattern_t *s, const char *text)
{
    return genai_pattern_put(s, text, strlen(text));
}


int
genai_pattern_put_char(genai_pattern_t *s, uint32_t c)
{
    char  text[16];

    snprintf(text, sizeof(text), "\\x{%x}", (unsigned) c);

    return genai_pattern_puts(s, text);
}


/* a class's range; surrogates, which PCRE2 refuses, are in no text */

int
genai_pattern_put_range(genai_pattern_t *s, uint32_t from, uint32_t to)
{
    if (from >= 0xd800 && from <= 0xdfff) {
        from = 0xe000;
    }

    if (to >= 0xd800 && to <= 0xdfff) {
        to = 0xd7ff;
    }

    if (from > to) {
        return 0;
    }

    if (genai_pattern_put_char(s, from) != 0) {
        return -1;
    }

    return (from == to) ? 0
           : (genai_pattern_puts(s, "-") != 0) ? -1
           : genai_pattern_put_char(s, to);
}


/* into a class: the characters of these categories but those in known */

static int
genai_pattern_put_categories(genai_pattern_t *s, uint32_t bits,
    const unsigned char *known)
{
    int       in;
    uint32_t  c, from;

    from = UINT32_MAX;

    for (c = 0; c <= GENAI_UNICODE_MAX; c++) {

        in = (genai_gc_bit(genai_unicode_category(c)) & bits)
             && !(known && (c >= GENAI_PATTERN_LIMIT || known[c]));

        if (in && from == UINT32_MAX) {
            from = c;

        } else if (!in && from != UINT32_MAX) {

            if (genai_pattern_put_range(s, from, c - 1) != 0) {
                return -1;
            }

            from = UINT32_MAX;
        }
    }

    return (from == UINT32_MAX) ? 0
           : genai_pattern_put_range(s, from, GENAI_UNICODE_MAX);
}



/*
 * The text of all characters below the limit, in order, and back from an
 * offset in it to the character.
 */

static unsigned char *
genai_pattern_all(size_t *len)
{
    uint32_t        c;
    unsigned char  *text, *p;

    text = malloc(4 * GENAI_PATTERN_LIMIT);
    if (text == NULL) {
        return NULL;
    }

    for (p = text, c = 0; c < GENAI_PATTERN_LIMIT; c++) {

        if (c < 0x80) {
            *p++ = (unsigned char) c;

        } else if (c < 0x800) {
            *p++ = (unsigned char) (0xc0 | c >> 6);
            *p++ = 0x80 | (c & 0x3f);

        } else if (c < 0xd800 || (c > 0xdfff && c < 0x10000)) {
            *p++ = (unsigned char) (0xe0 | c >> 12);
            *p++ = 0x80 | (c >> 6 & 0x3f);
            *p++ = 0x80 | (c & 0x3f);

        } else if (c > 0xdfff) {
            *p++ = (unsigned char) (0xf0 | c >> 18);
            *p++ = 0x80 | (c >> 12 & 0x3f);
            *p++ = 0x80 | (c >> 6 & 0x3f);
            *p++ = 0x80 | (c & 0x3f);
        }
    }

    *len = p - text;

    return text;
}


static uint32_t
genai_pattern_all_char(size_t offset)
{
    uint32_t  c;

    if (offset < 0x80) {
        return (uint32_t) offset;
    }

    offset -= 0x80;

    if (offset < (0x800 - 0x80) * 2) {
        return 0x80 + (uint32_t) offset / 2;
    }

    offset -= (0x800 - 0x80) * 2;

    if (offset < (0x10000 - 0x800 - 0x800) * 3) {
        c = 0x800 + (uint32_t) offset / 3;
        return (c < 0xd800) ? c : c + 0x800;
    }

    return 0x10000 + (uint32_t) (offset - (0x10000 - 0x1000) * 3) / 4;
}


/* known[c] = 1 where PCRE2 has c in the category, for all below the limit */

static int
genai_pattern_ask(const char *name, unsigned char *known)
{
    int                rc, number;
    char               class[16];
    size_t             len, at, *found;
    uint32_t           c;
    PCRE2_SIZE         where;
    pcre2_code        *code;
    unsigned char     *text;
    pcre2_match_data  *data;

    snprintf(class, sizeof(class), "\\p{%s}+", name);
    memset(known, 0, GENAI_PATTERN_LIMIT);

    text = genai_pattern_all(&len);
    code = pcre2_compile((PCRE2_SPTR) class, PCRE2_ZERO_TERMINATED,
                         PCRE2_UTF|PCRE2_UCP, &number, &where, NULL);
    data = pcre2_match_data_create(1, NULL);
    rc = PCRE2_ERROR_NOMEMORY;

    if (text && code && data) {

        (void) pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
        found = pcre2_get_ovector_pointer(data);

        for (at = 0; ; at = found[1]) {
            rc = pcre2_match(code, text, len, at, PCRE2_NO_UTF_CHECK, data,
                             NULL);
            if (rc < 0) {
                break;
            }

            for (c = genai_pattern_all_char(found[0]);
                 c < GENAI_PATTERN_LIMIT
                     && (found[1] == len
                         || c < genai_pattern_all_char(found[1]));
                 c++)
            {
                known[c] = 1;
            }
        }
    }

    pcre2_match_data_free(data);
    pcre2_code_free(code);
    free(text);

    return (rc == PCRE2_ERROR_NOMATCH) ? 0 : -1;
}


/* the characters of a category, written as the inside of a class */

int
genai_pattern_category(genai_pattern_t *s, const char *name, uint32_t bits,
    int not)
{
    int             rc, more, less;
    char            text[16];
    size_t          from;
    uint32_t        c, in;
    unsigned        i;
    unsigned char  *known;

    bits = not ? ~bits : bits;

    for (i = 0; i < s->nclasses; i++) {
        if (s->classes[i].bits == bits) {

            if (genai_pattern_room(s, s->classes[i].len) != 0) {
                return -1;
            }

            return genai_pattern_put(s, s->out + s->classes[i].from,
                                     s->classes[i].len);
        }
    }

    from = s->len;

    if (name == NULL) {
        rc = genai_pattern_put_categories(s, bits, NULL);

    } else {

        known = malloc(GENAI_PATTERN_LIMIT);

        if (known == NULL || genai_pattern_ask(name, known) != 0) {
            free(known);
            return genai_pattern_fail(s, "no memory to be read in");
        }

        more = 0;
        less = 0;

        for (c = 0; c < GENAI_PATTERN_LIMIT; c++) {

            if (c >= 0xd800 && c <= 0xdfff) {
                continue;
            }

            known[c] ^= not;
            in = (genai_gc_bit(genai_unicode_category(c)) & bits) != 0;
            more |= in && !known[c];
            less |= !in && known[c];
        }

        if (less) {
            rc = genai_pattern_put_categories(s, bits, NULL);

        } else {
            snprintf(text, sizeof(text), "\\%c{%s}", not ? 'P' : 'p', name);
            rc = genai_pattern_puts(s, text);

            if (rc == 0 && more) {
                rc = genai_pattern_put_categories(s, bits, known);
            }
        }

        free(known);
    }

    if (rc == 0 && s->nclasses < GENAI_PATTERN_CLASSES) {
        s->classes[s->nclasses].bits = bits;
        s->classes[s->nclasses].from = from;
        s->classes[s->nclasses++].len = s->len - from;
    }

    return rc;
}
