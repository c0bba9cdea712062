/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * JSON written again, as templates do it.
 */


#include "genai_framing_int.h"
#include "genai_text.h"


/* bytes of a number that a double keeps */
#define GENAI_FRAMING_DIGITS  16

/* places of a table that are looked at for a name */
#define GENAI_FRAMING_PROBES  64


static int genai_framing_string(genai_writer_arena_t *w,
    const genai_tape_t *t, uint32_t i);
static int genai_framing_raw(genai_writer_arena_t *w, const genai_str_t *s);
static int genai_framing_is_dropped(const genai_tape_t *t, uint32_t key);
static int genai_framing_number(const genai_str_t *s);


int
genai_framing_json(genai_writer_arena_t *w, const genai_tape_t *t, uint32_t i,
    int blanks, int drop, int *odd)
{
    int          rc, first, object;
    uint32_t     k;
    genai_str_t  s;

    switch (genai_tape_type(t, i)) {

    case GENAI_TAPE_STRING:
        return genai_framing_string(w, t, i);

    case GENAI_TAPE_ARRAY:
    case GENAI_TAPE_OBJECT:
        break;

    case GENAI_TAPE_NUMBER:
        s = genai_tape_view(t, i);
        *odd |= !genai_framing_number(&s);
        return genai_framing_raw(w, &s);

    default:
        s = genai_tape_view(t, i);
        return genai_framing_raw(w, &s);
    }

    if (genai_framing_twice(w->arena, t, i, odd) == -1) {
        return -1;
    }

    object = (genai_tape_type(t, i) == GENAI_TAPE_OBJECT);
    rc = object ? genai_framing_write(w, "{") : genai_framing_write(w, "[");
    first = 1;

    /* a scanner bounds how deep this goes */

    for (k = genai_tape_first(t, i);
         k && rc == 0;
         k = genai_tape_next(t, i, k))
    {
        if (drop && object && genai_framing_is_dropped(t, k)) {
            continue;
        }

        if (!first) {
            rc = blanks ? genai_framing_write(w, ", ")
                        : genai_framing_write(w, ",");
        }

        first = 0;

        if (rc == 0 && object) {
            rc = genai_framing_string(w, t, k);

            if (rc == 0) {
                rc = blanks ? genai_framing_write(w, ": ")
                            : genai_framing_write(w, ":");
            }
        }

        if (rc == 0) {
            rc = genai_framing_json(w, t, object ? genai_tape_value(t, k) : k,
                                    blanks, 0, odd);
        }
    }

    if (rc == 0) {
        rc = object ? genai_framing_write(w, "}")
                    : genai_framing_write(w, "]");
    }

    return rc;
}


static int
genai_framing_is_dropped(const genai_tape_t *t, uint32_t key)
{
    return genai_tape_named(t, key, "required", 8)
           || genai_tape_named(t, key, "description", 11)
           || genai_tape_named(t, key, "additionalProperties", 20);
}


/*
 * Whether every reader that writes the number again writes the same: few
 * digits, no exponent, and nothing that it could do without.
 */

static int
genai_framing_number(const genai_str_t *s)
{
    size_t                i, dot;
    const unsigned char  *p;

    p = s->data;
    dot = s->len;

    for (i = 0; i < s->len; i++) {

        if (p[i] == '.') {
            dot = i;

        } else if (p[i] == 'e' || p[i] == 'E') {
            return 0;
        }
    }

    if (s->len > GENAI_FRAMING_DIGITS) {
        return 0;
    }

    if (dot == s->len) {
        return !(s->len == 2 && p[0] == '-' && p[1] == '0');
    }

    /* 1.50, and 0.00001, which some write with an exponent */

    return p[s->len - 1] != '0'
           && !(s->len > dot + 4 && memcmp(p + dot, ".0000", 5) == 0);
}


/*
 * Sets *odd where two members of the object at i may have one name: a server
 * that reads it keeps one of them.
 */

int
genai_framing_twice(genai_arena_t *arena, const genai_tape_t *t, uint32_t i,
    int *odd)
{
    size_t       k;
    uint32_t     key, n, size, hash, probes, *seen;
    genai_str_t  s;

    n = 0;

    if (*odd || genai_tape_type(t, i) != GENAI_TAPE_OBJECT) {
        return 0;
    }

    for (key = genai_tape_first(t, i); key; key = genai_tape_next(t, i, key)) {

        if (genai_tape_escaped(t, key)) {
            *odd = 1;
            return 0;
        }

        n++;
    }

    if (n < 2) {
        return 0;
    }

    for (size = 4; size < 2 * n; size *= 2) { /* void */ }

    seen = genai_arena_alloc(arena, size * sizeof(uint32_t));
    if (seen == NULL) {
        return -1;
    }

    memset(seen, 0, size * sizeof(uint32_t));

    for (key = genai_tape_first(t, i); key; key = genai_tape_next(t, i, key)) {

        s = genai_tape_view(t, key);
        hash = 2166136261u;

        for (k = 0; k < s.len; k++) {
            hash = (hash ^ s.data[k]) * 16777619u;
        }

        hash |= !hash;

        /* a doubt too many where two names have one hash, or many are near */

        probes = 0;

        for (k = hash & (size - 1); seen[k]; k = (k + 1) & (size - 1)) {
            if (seen[k] == hash || ++probes == GENAI_FRAMING_PROBES) {
                *odd = 1;
                return 0;
            }
        }

        seen[k] = hash;
    }

    return 0;
}


/* with no escapes but those that are needed */

static int
genai_framing_string(genai_writer_arena_t *w, const genai_tape_t *t,
    uint32_t i)
{
    genai_str_t     s, raw;
    genai_text_t    text;
    unsigned char  *p, *end;

    if (!genai_tape_escaped(t, i)) {
        s = genai_tape_whole(t, i);
        return genai_framing_raw(w, &s);
    }

    raw = genai_tape_view(t, i);

    if (genai_text_read(&text, w->arena, &raw, 1) == -1) {
        return -1;
    }

    p = genai_arena_alloc(w->arena, genai_write_escaped_len(text.text.data,
                                                            text.text.len)
                                    + 2);
    if (p == NULL) {
        return -1;
    }

    s.data = p;
    *p++ = '"';
    end = genai_write_escaped(p, text.text.data, text.text.len);
    *end++ = '"';
    s.len = end - s.data;

    return genai_framing_raw(w, &s);
}


static int
genai_framing_raw(genai_writer_arena_t *w, const genai_str_t *s)
{
    return s->len ? genai_writer_arena(w, s->data, s->len) : 0;
}


/* a string's text; of any other value the JSON */

int
genai_framing_plain(genai_writer_arena_t *w, const genai_tape_t *t,
    uint32_t i, int *odd)
{
    genai_str_t   raw;
    genai_text_t  text;

    if (genai_tape_type(t, i) != GENAI_TAPE_STRING) {
        return genai_framing_json(w, t, i, 1, 0, odd);
    }

    raw = genai_tape_view(t, i);

    if (genai_text_read(&text, w->arena, &raw, genai_tape_escaped(t, i))
        == -1)
    {
        return -1;
    }

    return genai_framing_raw(w, &text.text);
}
