/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the scanner share: a text is scanned by all editions,
 * whole and in turns, and two readers which share no line with the scanner
 * must agree: the walking reader, also about every value's place, and
 * jansson, where its rules are the same.
 */


#ifndef _GENAI_TEST_SCAN_H_INCLUDED_
#define _GENAI_TEST_SCAN_H_INCLUDED_


#include "tap.h"
#include "genai_scan.h"
#include "genai_sim_json.h"

#include <jansson.h>


#define MAX_ENTRIES  1000000

#define VALUE     "a value is expected"
#define NAME      "a member's name is expected"
#define COLON     "a colon is missing"
#define COMMA     "a comma is missing"
#define BEHIND    "there are bytes after the value"
#define NUMBER    "a number is malformed"
#define ESCAPE    "a string has a bad escape"
#define LONE      "an escape is a lone surrogate"
#define UTF8      "a string is not UTF-8"
#define CONTROL   "a string has a raw control character"
#define NO_QUOTE  "a string is not closed"
#define NO_BRACE  "an object is not closed"
#define NO_BRACK  "an array is not closed"



typedef struct {
    int             rc;
    genai_scan_t    s;
    genai_arena_t   arena;
} result_t;


TAP_UNUSED static const genai_scan_edition_e  editions[] = {
    GENAI_SCAN_PORTABLE, GENAI_SCAN_SSE2, GENAI_SCAN_AVX2
};

TAP_UNUSED static const char  *const  edition_names[] = {
    "portable", "SSE2", "AVX2"
};


TAP_UNUSED static unsigned
rnd(void)
{
    static uint64_t  x = 42;

    x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);

    return (unsigned) (x >> 33);
}


/* a turn of 0 means turns of random sizes; returns 0 without that edition */

TAP_UNUSED static int
scan_open(result_t *r, genai_scan_edition_e edition, const void *text,
    size_t len, size_t turn, uint32_t max)
{
    genai_arena_init(&r->arena, 256 << 20);
    genai_scan_init(&r->s, &r->arena, text, len, max);

    if (genai_scan_use(&r->s, edition) != 0) {
        return 0;
    }

    do {
        r->rc = genai_scan(&r->s, turn ? turn : rnd() % 300);
    } while (r->rc == GENAI_SCAN_AGAIN);

    return 1;
}


TAP_UNUSED static void
scan_close(result_t *r)
{
    genai_arena_destroy(&r->arena);
}


TAP_UNUSED static unsigned char *
exact(const void *text, size_t len)
{
    unsigned char  *p;

    p = malloc(len);

    if (p == NULL && len) {
        abort();
    }

    if (len) {
        memcpy(p, text, len);
    }

    return p;
}


TAP_UNUSED static int
same(const result_t *a, const result_t *b)
{
    if (a->rc != b->rc) {
        return 0;
    }

    if (a->rc == GENAI_SCAN_ERROR) {
        return strcmp(a->s.error, b->s.error) == 0
               && a->s.error_offset == b->s.error_offset
               && a->s.cause == b->s.cause;
    }

    return a->s.tape.n == b->s.tape.n
           && memcmp(a->s.tape.entries, b->s.tape.entries,
                     a->s.tape.n * sizeof(genai_entry_t)) == 0;
}


TAP_UNUSED static const char *
told(const result_t *r)
{
    static char  line[2][128];
    static int   turn;

    turn ^= 1;

    if (r->rc == GENAI_SCAN_ERROR) {
        snprintf(line[turn], sizeof(line[turn]), "\"%s\" at %lu", r->s.error,
                 (unsigned long) r->s.error_offset);
    } else {
        snprintf(line[turn], sizeof(line[turn]), "%u entries", r->s.tape.n);
    }

    return line[turn];
}


/* all editions, whole and in turns; returns the result in *r, to be closed */

TAP_UNUSED static void
scan_all(result_t *r, const unsigned char *text, size_t len)
{
    int       k;
    size_t    turn;
    result_t  o;

    scan_open(r, GENAI_SCAN_PORTABLE, text, len, SIZE_MAX, MAX_ENTRIES);

    for (k = 0; k < 3; k++) {
        for (turn = 0; turn < 2; turn++) {

            if (scan_open(&o, editions[k], text, len, turn ? SIZE_MAX : 0,
                          MAX_ENTRIES)
                && !quiet_ok(same(r, &o), "%s%s: %s, not %s",
                             edition_names[k], turn ? "" : " in turns",
                             told(&o), told(r)))
            {
                tap_dump("     text", text, len);
            }

            scan_close(&o);
        }
    }
}


/* whether the walking reader finds the tape's values at their places */

TAP_UNUSED static int
agree_value(const genai_tape_t *t, uint32_t *i,
    const genai_sim_json_member_t *m)
{
    genai_str_t          s;
    genai_sim_json_t         j;
    genai_sim_json_member_t  c;
    uint32_t             top, child, k;

    top = *i;
    s = genai_tape_view(t, top);

    if ((int) genai_tape_type(t, top) != (int) m->type
        || s.data != m->value.data || s.len != m->value.len
        || genai_tape_escaped(t, top) != m->value_escaped)
    {
        return 0;
    }

    (*i)++;

    if (genai_sim_json_enter(&j, m) == 0) {

        child = genai_tape_first(t, top);

        while (genai_sim_json_next(&j, &c) == 1) {

            if (child != *i) {
                return 0;
            }

            if (m->type == GENAI_SIM_JSON_OBJECT) {
                s = genai_tape_view(t, *i);

                if (t->entries[*i].type != (GENAI_TAPE_STRING | GENAI_TAPE_KEY
                                 | (c.key_escaped ? GENAI_TAPE_ESCAPED : 0))
                    || t->entries[*i].next != *i + 1
                    || s.data != c.key.data || s.len != c.key.len)
                {
                    return 0;
                }

                (*i)++;
            }

            k = genai_tape_next(t, top, child);

            if (!agree_value(t, i, &c)) {
                return 0;
            }

            child = k;
        }

        if (child != 0) {
            return 0;
        }
    }

    return t->entries[top].next == *i;
}


/* the text as the only element of an array, so that any value can be read */

TAP_UNUSED static void
check_readers(const result_t *r, const unsigned char *text, size_t len)
{
    int                   rc;
    json_t               *j;
    uint32_t              i;
    genai_sim_json_t          w;
    genai_tape_t          t;
    json_error_t          error;
    unsigned char        *p;
    genai_sim_json_member_t   m;

    /* "1,2" and "]" would become right, "[" another error */

    p = exact(text, len);
    rc = -1;

    if (genai_sim_json_begin(&w, p, len) == 0) {
        while ((rc = genai_sim_json_next(&w, &m)) == 1) { /* void */ }
    }

    if (strcmp(w.error ? w.error : "", "an object is expected") != 0) {

        quiet_ok((rc == 0) == (r->rc == GENAI_SCAN_DONE),
                 "the walking reader: %s, not %s", w.error ? w.error : "good",
                 told(r));

        if (rc == -1 && r->rc == GENAI_SCAN_ERROR) {

            /* it tells of a minus sign alone where the number begins */

            if (!quiet_ok(w.offset == r->s.error_offset
                          || (w.offset + 1 == r->s.error_offset
                              && text[w.offset] == '-'),
                          "the walking reader: \"%s\" at %lu, not %s",
                          w.error, (unsigned long) w.offset, told(r)))
            {
                tap_dump("     text", text, len);
            }
        }
    }

    if (r->rc == GENAI_SCAN_DONE) {
        t = r->s.tape;
        t.text = p;

        /* a value of the whole text, which is known to be well-formed */

        i = 0;
        m.value = genai_tape_view(&t, 0);
        m.type = (genai_sim_json_type_e) genai_tape_type(&t, 0);
        m.value_escaped = genai_tape_escaped(&t, 0);

        quiet_ok(agree_value(&t, &i, &m) && i == t.n,
                 "the walking reader finds the same values (%u of %u)", i,
                 t.n);
    }

    j = json_loadb((char *) p, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

    if (r->rc == GENAI_SCAN_DONE) {
        quiet_ok(j || strstr(error.text, "overflow")
                 || strstr(error.text, "too big")
                 || strstr(error.text, "NUL byte in object key"),
                 "jansson: %s", error.text);

    } else {
        /* jansson loses a NUL that follows a number */

        if (!quiet_ok(j == NULL || strstr(r->s.error, "too deep")
                      || memchr(text, '\0', len),
                      "jansson takes what has %s", told(r)))
        {
            tap_dump("     text", text, len);
        }
    }

    json_decref(j);
    free(p);
}


#endif /* _GENAI_TEST_SCAN_H_INCLUDED_ */
