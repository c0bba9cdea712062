/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Schemas written as types of TypeScript, as OpenAI's models get them.  What
 * these look like was found from recorded usage, and from what is public of
 * the harmony format.
 */


#include "genai_framing_int.h"


/*
 * Unions and references that are followed within each other; bytes that a
 * type may grow to; members, names and elements that are looked at, each time
 * that they are; references that are told apart.
 */
#define GENAI_FRAMING_NESTED   16
#define GENAI_FRAMING_TYPE     (4 * GENAI_FRAMING_LARGE)
#define GENAI_FRAMING_LOOKS    65536
#define GENAI_FRAMING_REFS     64


typedef struct {
    genai_writer_arena_t  *w;
    const genai_tape_t    *t;
    uint32_t               root;        /* of the schema, for "$ref" */
    int                    harmony;
    int                    items;
    int                    depth;
    int                   *odd;
    size_t                 start;       /* where the type begins */
    uint32_t               looks;
    uint32_t               nrefs;
    uint32_t               refs[GENAI_FRAMING_REFS];    /* that were followed,
                                                           by tape index */
} genai_framing_type_t;


static int genai_framing_schema_type(genai_framing_type_t *y, uint32_t i,
    int head);
static int genai_framing_object(genai_framing_type_t *y, uint32_t i,
    uint32_t properties, int head);
static int genai_framing_property(genai_framing_type_t *y, uint32_t key,
    int line, uint32_t required);
static int genai_framing_comment(genai_framing_type_t *y, uint32_t i);
static int genai_framing_has_comment(genai_framing_type_t *y,
    uint32_t properties, int depth);
static int genai_framing_union(genai_framing_type_t *y, uint32_t i);
static int genai_framing_enum(genai_framing_type_t *y, uint32_t i);
static int genai_framing_word(genai_framing_type_t *y, uint32_t type,
    uint32_t i);
static int genai_framing_ref(genai_framing_type_t *y, uint32_t i);
static int genai_framing_look(genai_framing_type_t *y, uint32_t i);
static uint32_t genai_framing_next(genai_framing_type_t *y, uint32_t i,
    uint32_t child);
static uint32_t genai_framing_find(genai_framing_type_t *y, uint32_t i,
    const char *name, size_t len);
static uint32_t genai_framing_member(genai_framing_type_t *y, uint32_t i,
    const char *name, genai_tape_type_e type);


int
genai_framing_type(genai_writer_arena_t *w, const genai_tape_t *t, uint32_t i,
    int how, int *odd, size_t *spent)
{
    int                   rc;
    genai_framing_type_t  y;

    y.w = w;
    y.t = t;
    y.root = i;
    y.harmony = (how == GENAI_TYPE_HARMONY);
    y.items = (how == GENAI_TYPE_ITEMS);
    y.depth = 0;
    y.odd = odd;
    y.start = w->text.len;
    y.looks = 0;
    y.nrefs = 0;

    rc = genai_framing_schema_type(&y, i, 1);

    *spent += y.looks;

    if (rc == 0 && y.looks > GENAI_FRAMING_LOOKS) {
        w->text.len = y.start;
        return 1;
    }

    return rc;
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

    if (genai_framing_look(y, i) == -1) {
        return -1;
    }

    k = genai_framing_member(y, i, "anyOf", GENAI_TAPE_ARRAY);

    if (k == 0) {
        k = genai_framing_member(y, i, "oneOf", GENAI_TAPE_ARRAY);
    }

    y->depth++;

    if (genai_framing_member(y, i, "$ref", GENAI_TAPE_STRING)) {
        *y->odd = 1;
        rc = genai_framing_ref(y, i);

    } else if (k) {
        *y->odd = 1;
        rc = genai_framing_union(y, k);

    } else {
        type = genai_framing_find(y, i, "type", 4);

        if (type && genai_tape_type(t, type) == GENAI_TAPE_STRING
            && genai_tape_named(t, type, "object", 6))
        {
            k = genai_framing_member(y, i, "properties", GENAI_TAPE_OBJECT);
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

    if (genai_framing_twice(y->w->arena, y->t, properties, y->odd) == -1) {
        return -1;
    }

    /* recorded, but not of all that are framed so */

    if (y->depth > 1) {
        *y->odd = 1;
    }

    required = genai_framing_member(y, i, "required", GENAI_TAPE_ARRAY);

    line = !y->harmony && !genai_framing_has_comment(y, properties, 0);
    rc = 0;

    if (y->items
        && (line || genai_tape_next(y->t, properties,
                                    genai_tape_first(y->t, properties))))
    {
        /* one with a title has been recorded, two were less than these */

        *y->odd = 1;
    }

    if (head && !y->harmony) {

        k = genai_framing_member(y, i, "title", GENAI_TAPE_STRING);

        if (k) {
            line = 0;
        }

        rc = genai_framing_comment(y, i);

        if (genai_framing_member(y, i, "description", GENAI_TAPE_STRING)) {
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
         key = genai_framing_next(y, properties, key))
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
             k = genai_framing_next(y, required, k))
        {
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
        rc = genai_framing_plain(y->w, t, key, y->odd);
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

    k = genai_framing_find(y, i, "default", 7);

    if (rc == 0 && k && !y->harmony) {

        *y->odd = 1;
        rc = genai_framing_write(y->w, " // default: ");

        if (rc == 0) {
            rc = genai_framing_plain(y->w, t, k, y->odd);
        }
    }

    return (rc == 0) ? genai_framing_write(y->w, "\n") : -1;
}


/* the lines before a property, or before a type */

static int
genai_framing_comment(genai_framing_type_t *y, uint32_t i)
{
    int       rc;
    size_t    start;
    uint32_t  k;

    rc = 0;

    k = genai_framing_member(y, i, "title", GENAI_TAPE_STRING);

    /* of items those with titles alone have been recorded */

    if (y->items ? genai_framing_member(y, i, "description",
                                        GENAI_TAPE_STRING) != 0
                 : k != 0)
    {
        *y->odd = 1;
    }

    if (k && !y->harmony) {

        if (genai_framing_write(y->w, "// ") == -1
            || genai_framing_plain(y->w, y->t, k, y->odd) == -1)
        {
            return -1;
        }

        rc = y->items ? genai_framing_write(y->w, "\n")
                      : genai_framing_write(y->w, "\n//\n");
    }

    k = genai_framing_member(y, i, "description", GENAI_TAPE_STRING);

    if (rc == 0 && k && genai_tape_view(y->t, k).len) {

        if (y->harmony && genai_framing_write(y->w, "  ") == -1) {
            return -1;
        }

        start = y->w->text.len;

        if (genai_framing_write(y->w, "// ") == -1
            || genai_framing_plain(y->w, y->t, k, y->odd) == -1)
        {
            return -1;
        }

        /* what a line feed in it becomes nobody has recorded */

        if (y->harmony && memchr(y->w->text.data + start, '\n',
                                 y->w->text.len - start))
        {
            *y->odd = 1;
        }

        rc = genai_framing_write(y->w, "\n");
    }

    return rc;
}


static int
genai_framing_has_comment(genai_framing_type_t *y, uint32_t properties,
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
         key = genai_framing_next(y, properties, key))
    {
        i = genai_tape_value(t, key);

        k = genai_framing_member(y, i, "description", GENAI_TAPE_STRING);

        if ((k && genai_tape_view(t, k).len)
            || genai_framing_member(y, i, "title", GENAI_TAPE_STRING)
            || genai_framing_find(y, i, "default", 7))
        {
            return 1;
        }

        k = genai_framing_member(y, i, "properties", GENAI_TAPE_OBJECT);

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
         k = genai_framing_next(y, i, k))
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
         k = genai_framing_next(y, i, k))
    {
        if (k != genai_tape_first(y->t, i)) {
            rc = genai_framing_write(y->w, " | ");
        }

        if (genai_tape_type(y->t, k) != GENAI_TAPE_STRING) {
            *y->odd = 1;
        }

        if (rc == 0) {
            rc = genai_framing_json(y->w, y->t, k, 0, 0, y->odd);
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
             k = genai_framing_next(y, type, k))
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

        k = genai_framing_find(y, i, "items", 5);
        rc = k ? genai_framing_schema_type(y, k, 0)
               : genai_framing_write(y->w, "any");

        return rc == 0 ? genai_framing_write(y->w, "[]") : -1;
    }

    k = genai_framing_member(y, i, "enum", GENAI_TAPE_ARRAY);

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
        return genai_framing_plain(y->w, t, type, y->odd);
    }

    *y->odd = 1;

    return genai_framing_write(y->w, "any");
}


/*
 * What "#/$defs/NAME" is.  Once it has been written its name stands for it:
 * else it could be written any number of times.
 */

static int
genai_framing_ref(genai_framing_type_t *y, uint32_t i)
{
    size_t                n;
    uint32_t              k, r;
    genai_str_t           s;
    const unsigned char  *p;

    s = genai_tape_view(y->t, genai_framing_find(y, i, "$ref", 4));

    for (p = s.data + s.len; p > s.data && p[-1] != '/'; p--) { /* void */ }

    n = s.data + s.len - p;

    k = genai_framing_member(y, y->root, "$defs", GENAI_TAPE_OBJECT);

    if (k == 0) {
        k = genai_framing_member(y, y->root, "definitions",
                                 GENAI_TAPE_OBJECT);
    }

    k = k ? genai_framing_find(y, k, (const char *) p, n) : 0;

    for (r = 0; k && r < y->nrefs; r++) {
        if (y->refs[r] == k) {
            break;
        }
    }

    if (k == 0 || r == GENAI_FRAMING_REFS) {
        return genai_framing_write(y->w, "any");
    }

    if (r < y->nrefs) {
        return n ? genai_writer_arena(y->w, p, n) : 0;
    }

    y->refs[y->nrefs++] = k;

    return genai_framing_schema_type(y, k, 1);
}


/*
 * A word that nobody has recorded, and one that stands twice, make it an
 * estimate.
 */

static int
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
         key = genai_framing_next(y, i, key))
    {
        for (n = 0; words[n]; n++) {
            if (genai_tape_named(y->t, key, words[n], strlen(words[n]))) {
                break;
            }
        }

        if (words[n] == NULL
            && !(y->items && genai_tape_named(y->t, key, "title", 5)))
        {
            *y->odd = 1;
        }
    }

    return genai_framing_twice(y->w->arena, y->t, i, y->odd);
}


/*
 * As genai_tape_next() and genai_tape_find(), but they find nothing more once
 * so much was looked at that the schema is given up.
 */

static uint32_t
genai_framing_next(genai_framing_type_t *y, uint32_t i, uint32_t child)
{
    return (++y->looks > GENAI_FRAMING_LOOKS)
           ? 0 : genai_tape_next(y->t, i, child);
}


static uint32_t
genai_framing_find(genai_framing_type_t *y, uint32_t i, const char *name,
    size_t len)
{
    uint32_t  key;

    if (genai_tape_type(y->t, i) != GENAI_TAPE_OBJECT) {
        return 0;
    }

    for (key = genai_tape_first(y->t, i);
         key;
         key = genai_framing_next(y, i, key))
    {
        if (genai_tape_named(y->t, key, name, len)) {
            return genai_tape_value(y->t, key);
        }
    }

    return 0;
}


static uint32_t
genai_framing_member(genai_framing_type_t *y, uint32_t i, const char *name,
    genai_tape_type_e type)
{
    uint32_t  k;

    k = genai_framing_find(y, i, name, strlen(name));

    return (k && genai_tape_type(y->t, k) == type) ? k : 0;
}
