/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads the catalogue's documents.  Each is read with the tape that requests
 * are read with, which knows where everything stands.
 */


#include "genai_catalog_int.h"
#include "genai_scan.h"
#include "genai_text.h"

#include <stdlib.h>


#define GENAI_CATALOG_VALUES  (2 * 1024 * 1024)


typedef struct {
    genai_str_t  s;             /* folded */
    uint32_t     key;
} genai_catalog_name_t;


static int genai_catalog_root(genai_catalog_reader_t *r);
static int genai_catalog_prefixes(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_entries(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_one(genai_catalog_reader_t *r, uint32_t key);
static unsigned genai_catalog_line(genai_catalog_reader_t *r, size_t offset);
static unsigned genai_catalog_at(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_name_order(const void *one, const void *two);


int
genai_catalog_add(genai_catalog_t *c, const char *file,
    const genai_str_t *text)
{
    int                      rc;
    genai_str_t              name;
    genai_scan_t             scan;
    genai_catalog_reader_t  *r;

    if (text->len > GENAI_CATALOG_FILE_MAX) {
        genai_catalog_finding(c, GENAI_CATALOG_BROKEN, file, 0, "",
                              "it has more than %d MiB",
                              (int) (GENAI_CATALOG_FILE_MAX >> 20));
        return 1;
    }

    r = malloc(sizeof(genai_catalog_reader_t));
    if (r == NULL) {
        return -1;
    }

    memset(r, 0, sizeof(genai_catalog_reader_t));

    r->c = c;
    r->line = 1;

    genai_arena_init(&r->arena, 512 * 1024 * 1024);

    /* entries will remember it */

    name.data = (unsigned char *) file;
    name.len = strlen(file);

    if (genai_catalog_copy(c, &name, &name, 0) == -1) {
        rc = -1;
        goto done;
    }

    r->file = (char *) name.data;

    genai_scan_init(&scan, &r->arena, text->data, text->len,
                    GENAI_CATALOG_VALUES);

    r->tape.text = text->data;

    if (genai_scan(&scan, SIZE_MAX) != GENAI_SCAN_DONE) {

        rc = -1;

        if (scan.cause != GENAI_SCAN_NO_MEMORY) {
            genai_catalog_finding(c, GENAI_CATALOG_BROKEN, file,
                                  genai_catalog_line(r, scan.error_offset),
                                  "", "%s", scan.error);
            rc = 1;
        }

        goto done;
    }

    r->tape = scan.tape;

    rc = genai_catalog_root(r);

done:

    genai_arena_destroy(&r->arena);
    free(r);

    return rc;
}


static int
genai_catalog_root(genai_catalog_reader_t *r)
{
    int                  rc;
    uint32_t             key, schema, prefixes, models, revision, prices;
    uint64_t             n;
    genai_str_t          s;
    const genai_tape_t  *t;

    t = &r->tape;
    schema = prefixes = models = revision = prices = 0;

    if (genai_tape_type(t, 0) != GENAI_TAPE_OBJECT) {
        genai_catalog_wrong(r, 0, "it is no object");
        return 1;
    }

    rc = genai_catalog_twice(r, 0);

    if (rc != 0) {
        return rc;
    }

    for (key = genai_tape_first(t, 0); key; key = genai_tape_next(t, 0, key))
    {
        if (genai_tape_named(t, key, "schema", 6)) {
            schema = genai_tape_value(t, key);

        } else if (genai_tape_named(t, key, "prefixes", 8)) {
            prefixes = genai_tape_value(t, key);

        } else if (genai_tape_named(t, key, "models", 6)) {
            models = genai_tape_value(t, key);

        } else if (genai_tape_named(t, key, "revision", 8)) {
            revision = genai_tape_value(t, key);

        } else if (genai_tape_named(t, key, "prices", 6)) {
            prices = genai_tape_value(t, key);

        } else if (!genai_catalog_ignored(r, key)) {
            genai_catalog_wrong(r, key, "it is no field of a catalogue");
            return 1;
        }
    }

    if (schema == 0 || genai_catalog_int(r, schema, 1, &n) == -1 || n != 1) {
        genai_catalog_wrong(r, schema, "\"schema\" must be 1");
        return 1;
    }

    if (models && genai_tape_type(t, models) != GENAI_TAPE_OBJECT) {
        genai_catalog_wrong(r, models, "\"models\" must be an object");
        return 1;
    }

    rc = models ? genai_catalog_twice(r, models) : 0;

    if (rc != 0) {
        return rc;
    }

    if (revision) {
        rc = genai_catalog_text(r, revision, &s, "a text", 0);

        if (rc != 0) {
            return rc;
        }

        r->c->revision = s;
    }

    rc = prices ? genai_catalog_prices(r, prices) : 0;

    if (rc == 0 && prefixes) {
        rc = genai_catalog_prefixes(r, prefixes);
    }

    return (rc == 0 && models) ? genai_catalog_entries(r, models) : rc;
}


/* all are looked at before any is taken */

static int
genai_catalog_prefixes(genai_catalog_reader_t *r, uint32_t i)
{
    int               rc;
    uint32_t          k, n;
    genai_str_t       s;
    genai_catalog_t  *c;

    c = r->c;

    if (genai_tape_type(&r->tape, i) != GENAI_TAPE_ARRAY) {
        genai_catalog_wrong(r, i, "\"prefixes\" must be an array");
        return 1;
    }

    n = c->nprefixes;

    for (k = genai_tape_first(&r->tape, i);
         k;
         k = genai_tape_next(&r->tape, i, k))
    {
        rc = genai_catalog_text(r, k, &s, "an array of texts", 1);

        if (rc != 0) {
            return rc;
        }

        if (n == GENAI_CATALOG_PREFIXES) {
            genai_catalog_wrong(r, k, "there are too many prefixes");
            return 1;
        }

        if (genai_catalog_copy(c, &c->prefixes[n++].text, &s, 1) == -1) {
            return -1;
        }
    }

    for (k = c->nprefixes; k < n; k++) {
        c->first[c->prefixes[k].text.data[0]] = 1;
    }

    c->nprefixes = n;

    return 0;
}


static int
genai_catalog_entries(genai_catalog_reader_t *r, uint32_t i)
{
    uint32_t  key;

    for (key = genai_tape_first(&r->tape, i);
         key;
         key = genai_tape_next(&r->tape, i, key))
    {
        if (genai_catalog_ignored(r, key)) {
            continue;
        }

        if (genai_catalog_one(r, key) == -1) {
            return -1;
        }
    }

    return 0;
}


/* returns 0, also where it is left out, or -1 */

static int
genai_catalog_one(genai_catalog_reader_t *r, uint32_t key)
{
    int                     pattern;
    uint32_t                i;
    genai_str_t             name, folded;
    genai_catalog_t        *c;
    genai_catalog_model_t  *m;

    c = r->c;
    i = genai_tape_value(&r->tape, key);

    if (genai_catalog_decode(r, key, &name) == -1) {
        return -1;
    }

    memcpy(r->object, "models.", 7);

    if (name.len == 0 || name.len > GENAI_CATALOG_NAME_MAX
        || memchr(name.data, '\0', name.len))
    {
        r->object[6] = '\0';
        r->bad = 1;
        genai_catalog_wrong(r, key, "a name has 1 to 256 bytes, none of them"
                                    " a zero");
        r->object[0] = '\0';
        r->bad = 0;

        return 0;
    }

    memcpy(r->object + 7, name.data, name.len);
    r->object[7 + name.len] = '\0';
    r->bad = 0;

    memset(&r->model, 0, sizeof(genai_catalog_model_t));

    pattern = (name.data[name.len - 1] == '*');
    name.len -= pattern;

    if (genai_catalog_copy(c, &folded, &name, 1) == -1) {
        return -1;
    }

    if (memchr(name.data, '*', name.len)) {
        genai_catalog_finding(c, GENAI_CATALOG_WARN, r->file,
                              genai_catalog_at(r, key), r->object,
                              "a \"*\" stands for anything at the end of a"
                              " name alone: this one is no pattern");
    }

    if (genai_tape_type(&r->tape, i) == GENAI_TAPE_NULL) {

        m = genai_catalog_entry(c, &folded, pattern, 0);

        if (m) {
            genai_catalog_clear(m);
            m->removed = 1;

        } else {
            genai_catalog_finding(c, GENAI_CATALOG_WARN, r->file,
                                  genai_catalog_at(r, key), r->object,
                                  "there is nothing of that name to remove");
        }

        r->object[0] = '\0';

        return 0;
    }

    if (genai_tape_type(&r->tape, i) != GENAI_TAPE_OBJECT) {
        r->bad = 1;
        genai_catalog_wrong(r, i, "it is neither an object nor null");

    } else if (genai_catalog_fields(r, i) == -1) {
        return -1;
    }

    if (!r->bad) {

        m = genai_catalog_entry(c, &folded, pattern, 1);

        if (m == NULL) {
            return -1;
        }

        m->removed = 0;
        m->file = r->file;
        m->line = genai_catalog_at(r, key);

        genai_catalog_merge(m, &r->model);
    }

    r->object[0] = '\0';
    r->bad = 0;

    return 0;
}


/* what is wrong at i: of the entry that is being read, else of all */

void
genai_catalog_wrong(genai_catalog_reader_t *r, uint32_t i, const char *what)
{
    int          n;
    genai_str_t  s;

    s = genai_tape_whole(&r->tape, i);
    n = (s.len > 60) ? 60 : (int) s.len;

    genai_catalog_finding(r->c, r->object[0] ? GENAI_CATALOG_LEFT_OUT
                                             : GENAI_CATALOG_BROKEN,
                          r->file, genai_catalog_at(r, i), r->object,
                          "%.*s%s%s%s", i ? n : 0, s.data,
                          i && (size_t) n < s.len ? "..." : "",
                          i ? ": " : "", what);
}


static unsigned
genai_catalog_at(genai_catalog_reader_t *r, uint32_t i)
{
    return genai_catalog_line(r, r->tape.entries[i].offset);
}


/* findings come in the order of the text, nearly */

static unsigned
genai_catalog_line(genai_catalog_reader_t *r, size_t offset)
{
    const unsigned char  *p, *end;

    if (offset < r->offset) {
        r->offset = 0;
        r->line = 1;
    }

    p = r->tape.text + r->offset;
    end = r->tape.text + offset;

    while (p < end) {
        r->line += (*p++ == '\n');
    }

    r->offset = offset;

    return r->line;
}


int
genai_catalog_ignored(genai_catalog_reader_t *r, uint32_t key)
{
    genai_str_t  s;

    s = genai_tape_view(&r->tape, key);

    return s.len && (s.data[0] == '#'
                     || (s.len > 1 && s.data[0] == 'x' && s.data[1] == '-'));
}


int
genai_catalog_decode(genai_catalog_reader_t *r, uint32_t i, genai_str_t *s)
{
    genai_str_t   raw;
    genai_text_t  text;

    raw = genai_tape_view(&r->tape, i);

    if (genai_text_read(&text, &r->arena, &raw,
                        genai_tape_escaped(&r->tape, i))
        == -1)
    {
        return -1;
    }

    *s = text.text;

    return 0;
}


static int
genai_catalog_name_order(const void *one, const void *two)
{
    int                          rc;
    const genai_catalog_name_t  *a, *b;

    a = one;
    b = two;

    rc = (a->s.len > b->s.len) - (a->s.len < b->s.len);

    if (rc == 0 && a->s.len) {
        rc = memcmp(a->s.data, b->s.data, a->s.len);
    }

    return rc ? rc : (a->key > b->key) - (a->key < b->key);
}


int
genai_catalog_twice(genai_catalog_reader_t *r, uint32_t i)
{
    size_t                 k, n;
    uint32_t               key;
    genai_str_t            s;
    unsigned char         *p;
    genai_catalog_name_t  *names;

    n = 0;

    for (key = genai_tape_first(&r->tape, i);
         key;
         key = genai_tape_next(&r->tape, i, key))
    {
        n++;
    }

    names = genai_arena_alloc(&r->arena,
                              (n + 1) * sizeof(genai_catalog_name_t));
    if (names == NULL) {
        return -1;
    }

    n = 0;

    for (key = genai_tape_first(&r->tape, i);
         key;
         key = genai_tape_next(&r->tape, i, key))
    {
        if (genai_catalog_decode(r, key, &s) == -1) {
            return -1;
        }

        /* there may be many comments */

        if (s.len && s.data[0] == '#') {
            continue;
        }

        p = genai_arena_alloc(&r->arena, s.len);
        if (p == NULL) {
            return -1;
        }

        memcpy(p, s.data, s.len);

        names[n].s.data = p;
        names[n].s.len = s.len;
        genai_text_fold(&names[n].s);

        names[n++].key = key;
    }

    qsort(names, n, sizeof(genai_catalog_name_t), genai_catalog_name_order);

    for (k = 1; k < n; k++) {

        if (names[k].s.len == names[k - 1].s.len
            && memcmp(names[k].s.data, names[k - 1].s.data, names[k].s.len)
               == 0)
        {
            genai_catalog_wrong(r, names[k].key, "it stands twice, or in"
                                                 " another case");
            return 1;
        }
    }

    return 0;
}
