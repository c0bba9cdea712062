/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * JSON written again, as templates do it, and schemas written as types of
 * TypeScript, as OpenAI's models get them.
 *
 * What the latter looks like was found from recorded usage, and from what is
 * public of the harmony format.
 */


#include "genai_framing_int.h"
#include "genai_text.h"


/*
 * Unions and references that are followed within each other; bytes that a
 * type may grow to, as references can be used again and again; names that are
 * compared, for which are required.
 */
#define GENAI_FRAMING_NESTED   16
#define GENAI_FRAMING_TYPE     (4 * GENAI_FRAMING_LARGE)
#define GENAI_FRAMING_COMPARE  65536


typedef struct {
    genai_writer_arena_t  *w;
    const genai_tape_t    *t;
    uint32_t               root;        /* of the schema, for "$ref" */
    int                    harmony;
    int                    depth;
    int                   *odd;
    size_t                 start;       /* where the type begins */
    uint32_t               compared;
} genai_framing_type_t;


static int genai_framing_string(genai_writer_arena_t *w,
    const genai_tape_t *t, uint32_t i);
static int genai_framing_raw(genai_writer_arena_t *w, const genai_str_t *s);
static int genai_framing_plain(genai_writer_arena_t *w,
    const genai_tape_t *t, uint32_t i);
static int genai_framing_is_dropped(const genai_tape_t *t, uint32_t key);
static int genai_framing_schema_type(genai_framing_type_t *y, uint32_t i,
    int head);
static int genai_framing_object(genai_framing_type_t *y, uint32_t i,
    uint32_t properties, int head);
static int genai_framing_property(genai_framing_type_t *y, uint32_t key,
    int line, uint32_t required);
static int genai_framing_comment(genai_framing_type_t *y, uint32_t i);
static int genai_framing_has_comment(const genai_framing_type_t *y,
    uint32_t properties, int depth);
static int genai_framing_union(genai_framing_type_t *y, uint32_t i);
static int genai_framing_enum(genai_framing_type_t *y, uint32_t i);
static int genai_framing_word(genai_framing_type_t *y, uint32_t type,
    uint32_t i);
static uint32_t genai_framing_ref(const genai_framing_type_t *y, uint32_t i);
static void genai_framing_look(genai_framing_type_t *y, uint32_t i);
static uint32_t genai_framing_member(const genai_tape_t *t, uint32_t i,
    const char *name, genai_tape_type_e type);


int
genai_framing_json(genai_writer_arena_t *w, const genai_tape_t *t, uint32_t i,
    int blanks, int drop)
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

    default:
        s = genai_tape_view(t, i);
        return genai_framing_raw(w, &s);
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
                                    blanks, 0);
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

static int
genai_framing_plain(genai_writer_arena_t *w, const genai_tape_t *t,
    uint32_t i)
{
    genai_str_t   raw;
    genai_text_t  text;

    if (genai_tape_type(t, i) != GENAI_TAPE_STRING) {
        return genai_framing_json(w, t, i, 1, 0);
    }

    raw = genai_tape_view(t, i);

    if (genai_text_read(&text, w->arena, &raw, genai_tape_escaped(t, i))
        == -1)
    {
        return -1;
    }

    return genai_framing_raw(w, &text.text);
}


int
genai_framing_type(genai_writer_arena_t *w, const genai_tape_t *t, uint32_t i,
    int harmony, int *odd)
{
    genai_framing_type_t  y;

    y.w = w;
    y.t = t;
    y.root = i;
    y.harmony = harmony;
    y.depth = 0;
    y.odd = odd;
    y.start = w->text.len;
    y.compared = 0;

    return genai_framing_schema_type(&y, i, 1);
}


/* head: what it is called stands before it */

static int
genai_framing_schema_type(genai_framing_type_t *y, uint32_t i, int head)
{
    int                  rc;
    uint32_t             k, type;
    const genai_tape_t  *t;

    t = y->t;

    if (genai_tape_type(t, i) != GENAI_TAPE_OBJECT
        || y->depth == GENAI_FRAMING_NESTED
        || y->w->text.len - y->start > GENAI_FRAMING_TYPE)
    {
        *y->odd = 1;
        return genai_framing_write(y->w, "any");
    }

    genai_framing_look(y, i);

    k = genai_framing_member(t, i, "anyOf", GENAI_TAPE_ARRAY);

    if (k == 0) {
        k = genai_framing_member(t, i, "oneOf", GENAI_TAPE_ARRAY);
    }

    y->depth++;

    if (genai_framing_member(t, i, "$ref", GENAI_TAPE_STRING)) {
        *y->odd = 1;
        k = genai_framing_ref(y, i);

        rc = k ? genai_framing_schema_type(y, k, 1)
               : genai_framing_write(y->w, "any");

    } else if (k) {
        *y->odd = 1;
        rc = genai_framing_union(y, k);

    } else {
        type = genai_tape_find(t, i, "type", 4);

        if (type && genai_tape_type(t, type) == GENAI_TAPE_STRING
            && genai_tape_named(t, type, "object", 6))
        {
            k = genai_framing_member(t, i, "properties", GENAI_TAPE_OBJECT);
            rc = genai_framing_object(y, i, k, head);

        } else {
            rc = genai_framing_word(y, type, i);
        }
    }

    y->depth--;

    return rc;
}


static int
genai_framing_object(genai_framing_type_t *y, uint32_t i, uint32_t properties,
    int head)
{
    int       rc, line, first;
    uint32_t  key, k, required;

    if (y->harmony && y->depth > 1) {
        *y->odd = 1;
        return genai_framing_write(y->w, "Record<string, any>");
    }

    if (properties == 0 || genai_tape_first(y->t, properties) == 0) {
        *y->odd = 1;
        return genai_framing_write(y->w, "object");
    }

    /* recorded, but not of all that are framed so */

    if (y->depth > 1) {
        *y->odd = 1;
    }

    required = genai_framing_member(y->t, i, "required", GENAI_TAPE_ARRAY);

    line = !y->harmony && !genai_framing_has_comment(y, properties, 0);
    rc = 0;

    if (head && !y->harmony) {

        k = genai_framing_member(y->t, i, "title", GENAI_TAPE_STRING);

        if (k) {
            line = 0;
        }

        rc = genai_framing_comment(y, i);

        if (genai_framing_member(y->t, i, "description", GENAI_TAPE_STRING)) {
            line = 0;
            *y->odd = 1;
        }
    }

    if (rc == 0) {
        rc = line ? genai_framing_write(y->w, "{ ")
                  : genai_framing_write(y->w, "{\n");
    }

    first = 1;

    for (key = genai_tape_first(y->t, properties);
         key && rc == 0;
         key = genai_tape_next(y->t, properties, key))
    {
        if (line && !first) {
            rc = genai_framing_write(y->w, ", ");
        }

        first = 0;

        if (rc == 0) {
            rc = genai_framing_property(y, key, line, required);
        }
    }

    if (rc == 0) {
        rc = line ? genai_framing_write(y->w, " }")
                  : genai_framing_write(y->w, "}");
    }

    return rc;
}


static int
genai_framing_property(genai_framing_type_t *y, uint32_t key, int line,
    uint32_t required)
{
    int                  rc, must;
    uint32_t             i, k;
    genai_str_t          name, s;
    const genai_tape_t  *t;

    t = y->t;
    i = genai_tape_value(t, key);
    name = genai_tape_view(t, key);
    must = 0;

    if (required) {

        for (k = genai_tape_first(t, required);
             k;
             k = genai_tape_next(t, required, k))
        {
            if (++y->compared > GENAI_FRAMING_COMPARE) {
                *y->odd = 1;
                break;
            }

            s = genai_tape_view(t, k);

            if (s.len == name.len && memcmp(s.data, name.data, s.len) == 0) {
                must = 1;
                break;
            }
        }
    }

    rc = line ? 0 : genai_framing_comment(y, i);

    if (rc == 0 && y->harmony) {
        rc = genai_framing_write(y->w, "  ");
    }

    if (rc == 0) {
        rc = genai_framing_plain(y->w, t, key);
    }

    if (rc == 0) {
        rc = must ? genai_framing_write(y->w, ": ")
                  : genai_framing_write(y->w, "?: ");
    }

    if (rc == 0) {
        rc = genai_framing_schema_type(y, i, 0);
    }

    if (line || rc == -1) {
        return rc;
    }

    rc = genai_framing_write(y->w, ",");

    k = genai_tape_find(t, i, "default", 7);

    if (rc == 0 && k && !y->harmony) {

        *y->odd = 1;
        rc = genai_framing_write(y->w, " // default: ");

        if (rc == 0) {
            rc = genai_framing_plain(y->w, t, k);
        }
    }

    return (rc == 0) ? genai_framing_write(y->w, "\n") : -1;
}


/* the lines before a property, or before a type */

static int
genai_framing_comment(genai_framing_type_t *y, uint32_t i)
{
    int       rc;
    uint32_t  k;

    rc = 0;

    k = genai_framing_member(y->t, i, "title", GENAI_TAPE_STRING);

    if (k) {
        *y->odd = 1;
    }

    if (k && !y->harmony) {

        if (genai_framing_write(y->w, "// ") == -1
            || genai_framing_plain(y->w, y->t, k) == -1)
        {
            return -1;
        }

        rc = genai_framing_write(y->w, "\n//\n");
    }

    k = genai_framing_member(y->t, i, "description", GENAI_TAPE_STRING);

    if (rc == 0 && k && genai_tape_view(y->t, k).len) {

        if (y->harmony && genai_framing_write(y->w, "  ") == -1) {
            return -1;
        }

        if (genai_framing_write(y->w, "// ") == -1
            || genai_framing_plain(y->w, y->t, k) == -1)
        {
            return -1;
        }

        rc = genai_framing_write(y->w, "\n");
    }

    return rc;
}


static int
genai_framing_has_comment(const genai_framing_type_t *y, uint32_t properties,
    int depth)
{
    uint32_t             key, i, k;
    const genai_tape_t  *t;

    t = y->t;

    if (depth == GENAI_FRAMING_NESTED) {
        return 1;
    }

    for (key = genai_tape_first(t, properties);
         key;
         key = genai_tape_next(t, properties, key))
    {
        i = genai_tape_value(t, key);

        k = genai_framing_member(t, i, "description", GENAI_TAPE_STRING);

        if ((k && genai_tape_view(t, k).len)
            || genai_framing_member(t, i, "title", GENAI_TAPE_STRING)
            || genai_tape_find(t, i, "default", 7))
        {
            return 1;
        }

        k = genai_framing_member(t, i, "properties", GENAI_TAPE_OBJECT);

        if (k && genai_framing_has_comment(y, k, depth + 1)) {
            return 1;
        }
    }

    return 0;
}


static int
genai_framing_union(genai_framing_type_t *y, uint32_t i)
{
    int       rc;
    uint32_t  k;

    rc = 0;

    for (k = genai_tape_first(y->t, i);
         k && rc == 0;
         k = genai_tape_next(y->t, i, k))
    {
        if (k != genai_tape_first(y->t, i)) {
            rc = genai_framing_write(y->w, " | ");
        }

        if (rc == 0) {
            rc = genai_framing_schema_type(y, k, 0);
        }
    }

    return rc;
}


static int
genai_framing_enum(genai_framing_type_t *y, uint32_t i)
{
    int       rc;
    uint32_t  k;

    rc = 0;

    for (k = genai_tape_first(y->t, i);
         k && rc == 0;
         k = genai_tape_next(y->t, i, k))
    {
        if (k != genai_tape_first(y->t, i)) {
            rc = genai_framing_write(y->w, " | ");
        }

        if (rc == 0) {
            rc = genai_framing_json(y->w, y->t, k, 0, 0);
        }
    }

    return rc;
}


/* what a type's word, at type, is called; i is its schema */

static int
genai_framing_word(genai_framing_type_t *y, uint32_t type, uint32_t i)
{
    int                  rc;
    uint32_t             k;
    const genai_tape_t  *t;

    t = y->t;

    if (type && genai_tape_type(t, type) == GENAI_TAPE_ARRAY) {

        *y->odd = 1;
        rc = 0;

        for (k = genai_tape_first(t, type);
             k && rc == 0;
             k = genai_tape_next(t, type, k))
        {
            if (k != genai_tape_first(t, type)) {
                rc = genai_framing_write(y->w, " | ");
            }

            if (rc == 0) {
                rc = genai_framing_word(y, k, i);
            }
        }

        return rc;
    }

    if (type == 0 || genai_tape_type(t, type) != GENAI_TAPE_STRING) {
        *y->odd = 1;
        return genai_framing_write(y->w, "any");
    }

    if (genai_tape_named(t, type, "array", 5)) {

        k = genai_tape_find(t, i, "items", 5);
        rc = k ? genai_framing_schema_type(y, k, 0)
               : genai_framing_write(y->w, "any");

        return rc == 0 ? genai_framing_write(y->w, "[]") : -1;
    }

    k = genai_framing_member(t, i, "enum", GENAI_TAPE_ARRAY);

    if (k && genai_tape_first(t, k)) {

        if (!y->harmony) {
            return genai_framing_enum(y, k);
        }

        *y->odd = 1;

        if (y->depth == 2 && genai_tape_named(t, type, "string", 6)) {
            return genai_framing_enum(y, k);
        }
    }

    if (genai_tape_named(t, type, "integer", 7)) {
        return genai_framing_write(y->w, "number");
    }

    if (genai_tape_named(t, type, "string", 6)
        || genai_tape_named(t, type, "number", 6)
        || genai_tape_named(t, type, "boolean", 7)
        || genai_tape_named(t, type, "null", 4)
        || genai_tape_named(t, type, "object", 6))
    {
        return genai_framing_plain(y->w, t, type);
    }

    *y->odd = 1;

    return genai_framing_write(y->w, "any");
}


/* what "#/$defs/NAME" is, or 0 */

static uint32_t
genai_framing_ref(const genai_framing_type_t *y, uint32_t i)
{
    size_t                n;
    uint32_t              k;
    genai_str_t           s;
    const unsigned char  *p;

    s = genai_tape_view(y->t, genai_tape_find(y->t, i, "$ref", 4));

    n = s.len;

    for (p = s.data + s.len; p > s.data && p[-1] != '/'; p--) { /* void */ }

    n = s.data + s.len - p;

    k = genai_framing_member(y->t, y->root, "$defs", GENAI_TAPE_OBJECT);

    if (k == 0) {
        k = genai_framing_member(y->t, y->root, "definitions",
                                 GENAI_TAPE_OBJECT);
    }

    return k ? genai_tape_find(y->t, k, (const char *) p, n) : 0;
}


/* a word that nobody has recorded makes it an estimate */

static void
genai_framing_look(genai_framing_type_t *y, uint32_t i)
{
    int       n;
    uint32_t  key;

    static const char  *words[] = {
        "type", "properties", "required", "description", "items", "enum",
        "additionalProperties", "strict", NULL
    };

    for (key = genai_tape_first(y->t, i);
         key && !*y->odd;
         key = genai_tape_next(y->t, i, key))
    {
        for (n = 0; words[n]; n++) {
            if (genai_tape_named(y->t, key, words[n], strlen(words[n]))) {
                break;
            }
        }

        if (words[n] == NULL) {
            *y->odd = 1;
        }
    }
}


static uint32_t
genai_framing_member(const genai_tape_t *t, uint32_t i, const char *name,
    genai_tape_type_e type)
{
    uint32_t  k;

    k = genai_tape_find(t, i, name, strlen(name));

    return (k && genai_tape_type(t, k) == type) ? k : 0;
}
