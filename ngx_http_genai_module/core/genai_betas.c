/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_betas.h"
#include "genai_scan.h"

#include <stdarg.h>
#include <stdio.h>


static int genai_betas_check(const genai_betas_t *b, char *error);
static int genai_betas_value(const genai_betas_t *b, uint32_t value,
    char *error);
static int genai_betas_bad(const unsigned char *text, size_t offset,
    char *error, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));


/* 16 bytes an entry, and no more than one for two bytes of a text */
#define GENAI_BETAS_MEMORY  (64 * GENAI_BETAS_MAX)


int
genai_betas_read(genai_betas_t *b, const genai_str_t *text, char *error)
{
    int             rc;
    genai_scan_t    scan;
    unsigned char  *copy;

    b->tape.n = 0;

    if (text->len > GENAI_BETAS_MAX) {
        snprintf(error, GENAI_BETAS_ERROR_MAX, "it is longer than %d bytes",
                 GENAI_BETAS_MAX);
        return -1;
    }

    genai_arena_init(&b->arena, GENAI_BETAS_MEMORY);

    copy = genai_arena_alloc(&b->arena, text->len + 1);

    if (copy == NULL) {
        snprintf(error, GENAI_BETAS_ERROR_MAX, "out of memory");
        goto failed;
    }

    memcpy(copy, text->data, text->len);

    genai_scan_init(&scan, &b->arena, copy, text->len, GENAI_BETAS_MAX);

    rc = genai_scan(&scan, SIZE_MAX);

    if (rc != GENAI_SCAN_DONE) {
        (void) genai_betas_bad(copy, scan.error_offset, error, "%s",
                               scan.error);
        goto failed;
    }

    b->tape = scan.tape;

    if (genai_betas_check(b, error) == 0) {
        return 0;
    }

failed:

    genai_betas_free(b);

    return -1;
}


void
genai_betas_free(genai_betas_t *b)
{
    genai_arena_destroy(&b->arena);
    b->tape.n = 0;
}


static int
genai_betas_check(const genai_betas_t *b, char *error)
{
    unsigned             n;
    uint32_t             key, list, value;
    genai_str_t          name;
    const genai_tape_t  *t;

    t = &b->tape;

    if (genai_tape_type(t, 0) != GENAI_TAPE_OBJECT) {
        return genai_betas_bad(t->text, t->entries[0].offset, error,
                               "an object with a list for each provider is "
                               "expected");
    }

    n = 0;

    for (key = genai_tape_first(t, 0); key; key = genai_tape_next(t, 0, key)) {

        name = genai_tape_view(t, key);

        if (name.len && name.data[0] == '#') {
            continue;
        }

        list = genai_tape_value(t, key);

        if (++n > GENAI_BETAS_LISTS) {
            return genai_betas_bad(t->text, t->entries[key].offset, error,
                                   "there are more than %d lists",
                                   GENAI_BETAS_LISTS);
        }

        if (name.len == 0 || name.len > GENAI_BETAS_NAME_MAX
            || genai_tape_escaped(t, key))
        {
            return genai_betas_bad(t->text, t->entries[key].offset, error,
                                   "a name has 1 to %d bytes, and no escapes",
                                   GENAI_BETAS_NAME_MAX);
        }

        if (genai_betas_find(b, &name) != list) {
            return genai_betas_bad(t->text, t->entries[key].offset, error,
                                   "\"%.*s\" is there twice", (int) name.len,
                                   name.data);
        }

        if (genai_tape_type(t, list) != GENAI_TAPE_ARRAY) {
            return genai_betas_bad(t->text, t->entries[list].offset, error,
                                   "\"%.*s\" must be a list of betas",
                                   (int) name.len, name.data);
        }

        for (value = genai_tape_first(t, list); value;
             value = genai_tape_next(t, list, value))
        {
            if (genai_betas_value(b, value, error) != 0) {
                return -1;
            }
        }
    }

    return 0;
}


/* what can stand in the header, and a star at its end */

static int
genai_betas_value(const genai_betas_t *b, uint32_t value, char *error)
{
    size_t               i;
    genai_str_t          s;
    const genai_tape_t  *t;

    t = &b->tape;
    s = genai_tape_view(t, value);

    if (genai_tape_type(t, value) != GENAI_TAPE_STRING || s.len == 0
        || s.len > GENAI_BETAS_NAME_MAX)
    {
        return genai_betas_bad(t->text, t->entries[value].offset, error,
                               "a beta is a string of 1 to %d bytes",
                               GENAI_BETAS_NAME_MAX);
    }

    for (i = 0; i < s.len; i++) {

        if (s.data[i] <= ' ' || s.data[i] >= 0x7f || s.data[i] == ','
            || s.data[i] == '\\' || (s.data[i] == '*' && i + 1 < s.len))
        {
            return genai_betas_bad(t->text, t->entries[value].offset + i,
                                   error, "a beta has no blanks, commas, "
                                   "escapes, or stars but at its end");
        }
    }

    return 0;
}


uint32_t
genai_betas_find(const genai_betas_t *b, const genai_str_t *name)
{
    if (b->tape.n == 0 || (name->len && name->data[0] == '#')) {
        return 0;
    }

    return genai_tape_find(&b->tape, 0, (char *) name->data, name->len);
}


uint32_t
genai_betas_next(const genai_betas_t *b, uint32_t list, genai_str_t *name)
{
    uint32_t  key;

    if (b->tape.n == 0) {
        return 0;
    }

    key = list ? genai_tape_next(&b->tape, 0, list - 1)
               : genai_tape_first(&b->tape, 0);

    for ( /* void */ ; key; key = genai_tape_next(&b->tape, 0, key)) {

        *name = genai_tape_view(&b->tape, key);

        if (name->data[0] != '#') {
            return genai_tape_value(&b->tape, key);
        }
    }

    return 0;
}


int
genai_betas_has(const genai_betas_t *b, uint32_t list,
    const genai_str_t *value)
{
    uint32_t             i;
    genai_str_t          s;
    const genai_tape_t  *t;

    t = &b->tape;

    for (i = genai_tape_first(t, list); i; i = genai_tape_next(t, list, i)) {

        s = genai_tape_view(t, i);

        if (s.data[s.len - 1] == '*') {

            if (value->len >= s.len - 1
                && memcmp(value->data, s.data, s.len - 1) == 0)
            {
                return 1;
            }

            continue;
        }

        if (s.len == value->len && genai_same(s.data, value->data, s.len)) {
            return 1;
        }
    }

    return 0;
}


static int
genai_betas_bad(const unsigned char *text, size_t offset, char *error,
    const char *fmt, ...)
{
    int       n;
    size_t    i;
    va_list   args;
    unsigned  line;

    for (i = 0, line = 1; i < offset; i++) {
        line += (text[i] == '\n');
    }

    n = snprintf(error, GENAI_BETAS_ERROR_MAX, "line %u: ", line);

    va_start(args, fmt);
    vsnprintf(error + n, GENAI_BETAS_ERROR_MAX - n, fmt, args);
    va_end(args);

    return -1;
}
