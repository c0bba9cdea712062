/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_policy_build_int.h"
#include "genai_scan.h"
#include "genai_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/rand.h>


/* values of one fragment; 16 bytes each */
#define GENAI_POLICY_VALUES_MAX  (128 << 20)

/* bytes between two looks at stop */
#define GENAI_POLICY_TURN        ((size_t) 1 << 20)

/* values of a tape between two looks at stop */
#define GENAI_POLICY_VALUES      65536

/* members of an object that are compared each with each */
#define GENAI_POLICY_FEW         16


static void genai_policy_release(genai_policy_builder_t *b);
static void genai_policy_empty(genai_policy_array_t *a);
static int genai_policy_read(genai_policy_reader_t *r, const char *text,
    size_t len, int64_t since);
static int genai_policy_broken(genai_policy_reader_t *r, const char *at,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int genai_policy_twice(genai_policy_reader_t *r, uint32_t *name);
static int genai_policy_twice_many(genai_policy_reader_t *r, uint32_t object,
    uint32_t n, uint32_t *name);
static genai_str_t genai_policy_name(genai_policy_reader_t *r,
    uint32_t name);
static int genai_policy_name_equal(genai_policy_reader_t *r, uint32_t a,
    uint32_t b);
static int genai_policy_top(genai_policy_reader_t *r,
    uint32_t sections[GENAI_POLICY_KINDS], genai_policy_fragment_t *f);
static int genai_policy_section(const genai_tape_t *t, uint32_t name);
static void genai_policy_top_zone(genai_policy_reader_t *r, uint32_t value,
    int scoped);
static void genai_policy_top_revision(genai_policy_reader_t *r,
    uint32_t value, int scoped);


genai_policy_builder_t *
genai_policy_builder_create(const volatile int *stop)
{
    genai_policy_builder_t  *b;

    b = calloc(1, sizeof(genai_policy_builder_t));
    if (b == NULL) {
        return NULL;
    }

    b->stop = stop;
    b->last = &b->findings;
    b->objects_max = GENAI_POLICY_OBJECTS_MAX;
    b->size_max = GENAI_POLICY_SIZE_MAX;

    /* nobody makes up texts and digests that have one place in a table */

    if (RAND_bytes((unsigned char *) b->secrets_seed, sizeof(b->secrets_seed))
        != 1
        || RAND_bytes((unsigned char *) &b->seed, sizeof(b->seed)) != 1)
    {
        free(b);
        return NULL;
    }

    return b;
}


void
genai_policy_seed(genai_policy_builder_t *b, uint64_t seed)
{
    b->secrets_seed[0] = seed;
    b->secrets_seed[1] = seed;
}


void
genai_policy_builder_destroy(genai_policy_builder_t *b)
{
    genai_finding_t  *f, *next;

    if (b == NULL) {
        return;
    }

    for (f = b->findings; f; f = next) {
        next = f->next;
        free(f);
    }

    genai_policy_release(b);
    free(b);
}


/* all but the findings */

static void
genai_policy_release(genai_policy_builder_t *b)
{
    uint32_t  i;

    for (i = 0; i < b->fragments.n; i++) {
        free(genai_policy_fragment(b, i)->name);
    }

    genai_policy_empty(&b->fragments);
    genai_policy_empty(&b->defs);
    genai_policy_empty(&b->symbols);
    genai_policy_empty(&b->texts);
    genai_policy_empty(&b->limits);
    genai_policy_empty(&b->patterns);
    genai_policy_empty(&b->pairs);
    genai_policy_empty(&b->digests);

    free(b->places);
    free(b->revoked);
    free(b->zone);

    b->places = NULL;
    b->nplaces = 0;
    b->revoked = NULL;
    b->zone = NULL;
}


static void
genai_policy_empty(genai_policy_array_t *a)
{
    free(a->items);
    memset(a, 0, sizeof(genai_policy_array_t));
}


int
genai_policy_add(genai_policy_builder_t *b, const char *name,
    const char *text, size_t len, int64_t since)
{
    int                    rc;
    genai_tape_t           tape;
    genai_arena_t          arena;
    genai_policy_reader_t  r;

    if (genai_policy_stopped(b)) {
        return b->failed;
    }

    genai_arena_init(&arena, SIZE_MAX);

    memset(&r, 0, sizeof(genai_policy_reader_t));

    r.b = b;
    r.name = name;
    r.tape = &tape;
    r.arena = &arena;
    r.lines.text = text;
    r.lines.line = 1;

    genai_policy_mark(&r);

    rc = genai_policy_read(&r, text, len, since);

    if (b->failed == GENAI_POLICY_BUILD_LARGE) {
        b->failed = 0;

        rc = genai_policy_broken(&r, NULL, "%s", r.large ? r.large
                                 : "it is more than a policy can hold");
    }

    if (b->failed == 0) {

        if (rc != 0) {
            genai_policy_take_back(&r);

        } else {
            b->sources[r.scoped] += len;
            b->sizes[r.scoped] += genai_policy_size(b) - r.mark.size;
        }
    }

    genai_arena_destroy(&arena);

    return b->failed ? b->failed : rc;
}


static int
genai_policy_read(genai_policy_reader_t *r, const char *text, size_t len,
    int64_t since)
{
    int                       rc;
    uint32_t                  i, n, name, sections[GENAI_POLICY_KINDS];
    genai_scan_t              scan;
    genai_policy_builder_t   *b;
    genai_policy_fragment_t   f, *fragment;

    b = r->b;

    if (len > GENAI_POLICY_FRAGMENT_MAX) {
        return genai_policy_broken(r, NULL, "it has more than %lu MiB",
                     (unsigned long) (GENAI_POLICY_FRAGMENT_MAX >> 20));
    }

    if (len == 0) {
        return genai_policy_broken(r, NULL, "it is empty; write at least"
                                   " {\"schema\": 1}");
    }

    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        return genai_policy_broken(r, text, "it begins with a byte order"
                                   " mark; save it as UTF-8 without one");
    }

    genai_scan_init(&scan, r->arena, (const unsigned char *) text, len,
                    GENAI_POLICY_VALUES_MAX);

    do {
        rc = genai_scan(&scan, GENAI_POLICY_TURN);

        if (genai_policy_stopped(b)) {
            return b->failed;
        }
    } while (rc == GENAI_SCAN_AGAIN);

    if (rc == GENAI_SCAN_ERROR) {

        if (scan.cause == GENAI_SCAN_NO_MEMORY) {
            return b->failed = GENAI_POLICY_BUILD_MEMORY;
        }

        i = scan.error_offset < len ? scan.error_offset : len;

        return genai_policy_broken(r, text + i, "it is not JSON: %s",
                                   scan.error);
    }

    *r->tape = scan.tape;

    if (genai_tape_type(r->tape, 0) != GENAI_TAPE_OBJECT) {
        return genai_policy_broken(r, text, "it is no object; write"
                                   " {\"schema\": 1, ...}");
    }

    r->scoped = genai_tape_find(r->tape, 0, "scope", 5) != 0;

    if (r->scoped && len > GENAI_POLICY_SCOPED_MAX) {
        return genai_policy_broken(r, NULL, "it has a scope, and more than %lu"
                       " MiB", (unsigned long) (GENAI_POLICY_SCOPED_MAX >> 20));
    }

    if (b->sources[r->scoped] + len > GENAI_POLICY_FRAGMENT_MAX) {
        return genai_policy_broken(r, NULL, "together with those before it the"
                                   " fragments %s a scope have more than %lu"
                                   " MiB", r->scoped ? "with" : "without",
                     (unsigned long) (GENAI_POLICY_FRAGMENT_MAX >> 20));
    }

    rc = genai_policy_twice(r, &name);

    if (rc != 0) {
        return rc;
    }

    memset(&f, 0, sizeof(genai_policy_fragment_t));
    memset(sections, 0, sizeof(sections));

    rc = genai_policy_top(r, sections, &f);

    if (rc != 0) {
        return rc;
    }

    n = b->fragments.n;
    fragment = genai_policy_push(b, &b->fragments,
                                 sizeof(genai_policy_fragment_t), 1);
    if (fragment == NULL) {
        return b->failed;
    }

    *fragment = f;
    fragment->since = since;
    fragment->name = strdup(r->name);

    if (fragment->name == NULL) {
        return b->failed = GENAI_POLICY_BUILD_MEMORY;
    }

    genai_digest(text, len, fragment->digest);

    r->fragment = n;

    for (r->kind = 0; r->kind < GENAI_POLICY_KINDS; r->kind++) {

        i = sections[r->kind];

        if (i == 0) {
            continue;
        }

        for (name = genai_tape_first(r->tape, i), n = 0;
             name;
             name = genai_tape_next(r->tape, i, name), n++)
        {
            if ((n % GENAI_POLICY_STEP == 0 && genai_policy_stopped(b))
                || b->failed)
            {
                return b->failed;
            }

            genai_policy_read_object(r, name);
        }
    }

    return b->failed;
}


/* at is where in the text, or NULL */

static int
genai_policy_broken(genai_policy_reader_t *r, const char *at,
    const char *fmt, ...)
{
    char      text[512];
    va_list   args;
    unsigned  line;

    line = at ? genai_policy_line(&r->lines, at - r->lines.text) : 0;

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    genai_policy_finding(r->b, GENAI_FINDING_BROKEN, r->name, line, "",
                         "%s; all of it is left out", text);

    return GENAI_POLICY_BUILD_BROKEN;
}


/*
 * Looks for an object that has a name twice, anywhere.  Comments are many in
 * one object.
 */

static int
genai_policy_twice(genai_policy_reader_t *r, uint32_t *name)
{
    int                  rc;
    char                 text[64];
    uint32_t             i, j, k, n, few[GENAI_POLICY_FEW];
    genai_str_t          s;
    const genai_tape_t  *t;

    t = r->tape;

    for (i = 0; i < t->n; i++) {

        if (i % GENAI_POLICY_VALUES == 0 && genai_policy_stopped(r->b)) {
            return r->b->failed;
        }

        if (genai_tape_type(t, i) != GENAI_TAPE_OBJECT) {
            continue;
        }

        n = 0;
        rc = 0;

        for (k = genai_tape_first(t, i); k; k = genai_tape_next(t, i, k)) {

            if (genai_policy_comment(t, k)) {
                continue;
            }

            if (n == GENAI_POLICY_FEW) {
                rc = genai_policy_twice_many(r, i, n, name);
                break;
            }

            for (j = 0; j < n; j++) {
                if (genai_policy_name_equal(r, few[j], k)) {
                    *name = k;
                    rc = 1;
                    break;
                }
            }

            if (rc) {
                break;
            }

            few[n++] = k;
        }

        if (r->b->failed) {
            return r->b->failed;
        }

        if (rc) {
            s = genai_tape_view(t, *name);
            genai_policy_clean(text, sizeof(text), (char *) s.data, s.len);

            return genai_policy_broken(r, (char *) s.data, "\"%s\" stands"
                                       " twice in an object", text);
        }
    }

    return 0;
}


static int
genai_policy_twice_many(genai_policy_reader_t *r, uint32_t object, uint32_t n,
    uint32_t *name)
{
    int                  rc;
    uint32_t             k, at, size, *places;
    genai_str_t          s;
    const genai_tape_t  *t;

    t = r->tape;
    n = 0;

    for (k = genai_tape_first(t, object);
         k;
         k = genai_tape_next(t, object, k))
    {
        n++;
    }

    for (size = 64; size < 2 * n; size *= 2) { /* void */ }

    places = calloc(size, sizeof(uint32_t));
    if (places == NULL) {
        return r->b->failed = GENAI_POLICY_BUILD_MEMORY;
    }

    rc = 0;
    n = 0;

    for (k = genai_tape_first(t, object);
         k && rc == 0;
         k = genai_tape_next(t, object, k))
    {
        if (++n % GENAI_POLICY_VALUES == 0 && genai_policy_stopped(r->b)) {
            break;
        }

        if (genai_policy_comment(t, k)) {
            continue;
        }

        s = genai_policy_name(r, k);
        at = genai_policy_hash(r->b->seed, &s) & (size - 1);

        while (places[at]) {
            if (genai_policy_name_equal(r, places[at], k)) {
                *name = k;
                rc = 1;
                break;
            }

            at = (at + 1) & (size - 1);
        }

        places[at] = k;
    }

    free(places);

    return rc;
}


static genai_str_t
genai_policy_name(genai_policy_reader_t *r, uint32_t name)
{
    genai_str_t   raw;
    genai_text_t  text;

    raw = genai_tape_view(r->tape, name);

    if (!genai_tape_escaped(r->tape, name)) {
        return raw;
    }

    if (genai_text_read(&text, r->arena, &raw, 1) != 0) {
        r->b->failed = GENAI_POLICY_BUILD_MEMORY;
        raw.len = 0;
        return raw;
    }

    return text.text;
}


static int
genai_policy_name_equal(genai_policy_reader_t *r, uint32_t a, uint32_t b)
{
    genai_str_t  x, y;

    x = genai_tape_view(r->tape, a);
    y = genai_tape_view(r->tape, b);

    if (!genai_tape_escaped(r->tape, a)) {

        if (!genai_tape_escaped(r->tape, b)) {
            return x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
        }

        return genai_text_compare(&y, 1, &x) == 0;
    }

    y = genai_policy_name(r, b);

    return genai_text_compare(&x, 1, &y) == 0;
}


int
genai_policy_comment(const genai_tape_t *t, uint32_t name)
{
    uint32_t              c;
    genai_str_t           s;
    const unsigned char  *p;

    s = genai_tape_view(t, name);

    if (s.len == 0) {
        return 0;
    }

    p = s.data;
    c = genai_tape_char(&p);

    if (c == '#') {
        return 1;
    }

    return c == 'x' && p < s.data + s.len && genai_tape_char(&p) == '-';
}


/*
 * The members of the fragment itself; nothing is taken before all of it is
 * known to be good.
 */

static int
genai_policy_top(genai_policy_reader_t *r,
    uint32_t sections[GENAI_POLICY_KINDS], genai_policy_fragment_t *f)
{
    int                  kind;
    char                 text[64];
    const char          *wrong;
    uint32_t             name, value, schema, scope, zone, revision;
    genai_str_t          s;
    const genai_tape_t  *t;

    t = r->tape;

    schema = 0;
    scope = 0;
    zone = 0;
    revision = 0;

    for (name = genai_tape_first(t, 0);
         name;
         name = genai_tape_next(t, 0, name))
    {
        value = genai_tape_value(t, name);

        if (genai_policy_comment(t, name)) {
            continue;
        }

        kind = genai_policy_section(t, name);

        if (kind >= 0) {

            if (genai_tape_type(t, value) != GENAI_TAPE_OBJECT) {
                s = genai_tape_view(t, name);

                return genai_policy_broken(r, (char *) s.data, "\"%ss\" is no"
                                           " object", genai_policy_kind(kind));
            }

            sections[kind] = value;

        } else if (genai_tape_named(t, name, "schema", 6)) {
            schema = value;

        } else if (genai_tape_named(t, name, "scope", 5)) {
            scope = value;

        } else if (genai_tape_named(t, name, "timezone", 8)) {
            zone = value;

        } else if (genai_tape_named(t, name, "revision", 8)) {
            revision = value;

        } else {
            s = genai_tape_view(t, name);
            genai_policy_clean(text, sizeof(text), (char *) s.data, s.len);

            genai_policy_finding(r->b, GENAI_FINDING_WARN, r->name,
                genai_policy_line(&r->lines, (char *) s.data - r->lines.text),
                "", "there is nothing that is called \"%s\", it is ignored;"
                " comments begin with \"#\" or \"x-\"", text);
        }
    }

    if (schema == 0) {
        return genai_policy_broken(r, r->lines.text, "its schema is missing;"
                                   " write \"schema\": %d",
                                   GENAI_POLICY_SCHEMA);
    }

    s = genai_tape_whole(t, schema);

    if (!genai_str_is(&s, "1")) {
        return genai_policy_broken(r, (char *) s.data, "its schema is not %d,"
                                   " which is what this version reads",
                                   GENAI_POLICY_SCHEMA);
    }

    f->scope = GENAI_POLICY_NONE;

    if (scope) {
        s = genai_policy_read_string(r, scope);
        wrong = genai_policy_text_wrong(&s, GENAI_POLICY_ID_MAX);

        if (wrong) {
            s = genai_tape_view(t, scope);
            return genai_policy_broken(r, (char *) s.data, "its scope is no id"
                                       " of a team: %s", wrong);
        }

        f->scope = genai_policy_intern(r->b, &s);
    }

    if (zone) {
        genai_policy_top_zone(r, zone, scope != 0);
    }

    if (revision) {
        genai_policy_top_revision(r, revision, scope != 0);
    }

    return r->b->failed;
}


static int
genai_policy_section(const genai_tape_t *t, uint32_t name)
{
    int  i;

    static const genai_str_t  sections[GENAI_POLICY_KINDS] = {
        genai_str("keys"), genai_str("users"), genai_str("teams"),
        genai_str("plans"), genai_str("models")
    };

    for (i = 0; i < GENAI_POLICY_KINDS; i++) {
        if (genai_tape_named(t, name, (char *) sections[i].data,
                             sections[i].len))
        {
            return i;
        }
    }

    return -1;
}


static void
genai_policy_top_zone(genai_policy_reader_t *r, uint32_t value, int scoped)
{
    size_t                   offset;
    unsigned                 line;
    genai_str_t              s;
    genai_policy_builder_t  *b;

    b = r->b;

    offset = r->tape->entries[value].offset;
    line = genai_policy_line(&r->lines, offset);

    s = genai_policy_read_string(r, value);

    if (scoped) {
        genai_policy_finding(b, GENAI_FINDING_WARN, r->name, line, "",
                             "the time zone is ignored: only a fragment"
                             " without a scope sets it");

    } else if (s.data == NULL || !genai_timezone_name_valid(&s)) {
        genai_policy_finding(b, GENAI_FINDING_WARN, r->name, line, "",
                             "the time zone is ignored: it is no name such as"
                             " \"Europe/Berlin\"");

    } else if (b->zone == NULL) {
        b->zone = strndup((char *) s.data, s.len);
        b->zone_line = line;
        b->zone_fragment = b->fragments.n;

        if (b->zone == NULL) {
            b->failed = GENAI_POLICY_BUILD_MEMORY;
        }

    } else if (strlen(b->zone) != s.len || memcmp(b->zone, s.data, s.len)) {
        genai_policy_finding(b, GENAI_FINDING_WARN, r->name, line, "",
                             "the time zone is ignored: an earlier fragment"
                             " says %s", b->zone);
    }
}


static void
genai_policy_top_revision(genai_policy_reader_t *r, uint32_t value, int scoped)
{
    uint32_t                 symbol;
    const char              *wrong;
    genai_str_t              s;
    genai_policy_builder_t  *b;

    b = r->b;

    s = genai_policy_read_string(r, value);
    wrong = genai_policy_text_wrong(&s, GENAI_POLICY_TEXT_MAX);

    if (wrong) {
        genai_policy_finding(b, GENAI_FINDING_WARN, r->name,
            genai_policy_line(&r->lines, r->tape->entries[value].offset), "",
            "the revision is ignored: %s", wrong);

        return;
    }

    /* the first one counts, and one without a scope before any other */

    if (b->revision.len && (scoped || !b->revision_scoped)) {
        return;
    }

    symbol = genai_policy_intern(b, &s);

    if (symbol != GENAI_POLICY_NONE) {
        b->revision = genai_policy_symbol(b, symbol)->text;
        b->revision_scoped = scoped;
    }
}


int
genai_policy_revoke(genai_policy_builder_t *b, const char *text, size_t len)
{
    char  *p;

    p = malloc(len + 1);
    if (p == NULL) {
        return b->failed = GENAI_POLICY_BUILD_MEMORY;
    }

    if (len) {
        memcpy(p, text, len);
    }

    free(b->revoked);

    b->revoked = p;
    b->revoked_len = len;

    return GENAI_POLICY_BUILD_OK;
}


int
genai_policy_known(genai_policy_builder_t *b, const char *const *secrets,
    size_t nsecrets, const char *const *providers, size_t nproviders)
{
    size_t       i;
    uint32_t     symbol;
    genai_str_t  s;

    for (i = 0; i < nsecrets + nproviders; i++) {

        s.data = (unsigned char *) (i < nsecrets ? secrets[i]
                                                 : providers[i - nsecrets]);
        s.len = strlen((char *) s.data);

        symbol = genai_policy_intern(b, &s);
        if (symbol == GENAI_POLICY_NONE) {
            return b->failed;
        }

        genai_policy_symbol(b, symbol)->flags |=
            (i < nsecrets) ? GENAI_SYMBOL_SECRET : GENAI_SYMBOL_PROVIDER;
    }

    b->known = 1;

    return GENAI_POLICY_BUILD_OK;
}


const char *
genai_policy_zone(const genai_policy_builder_t *b)
{
    return (b->zone && strcmp(b->zone, "UTC") != 0) ? b->zone : NULL;
}


void
genai_policy_zone_data(genai_policy_builder_t *b, const void *data, size_t len,
    int64_t now)
{
    int64_t  year;

    /*
     * What is counted is of now and of the days before it; a snapshot may be
     * in use for long.
     */

    year = 366 * 86400;
    now /= 1000;

    b->nchanges = genai_timezone_read(data, len, now - 5 * year,
                                      now + 30 * year, b->changes);
}


int
genai_policy_build(genai_policy_builder_t *b, uint64_t generation, int64_t now,
    void **data, size_t *size)
{
    *data = NULL;
    *size = 0;

    if (!genai_policy_stopped(b)) {
        genai_policy_merge(b);
    }

    if (!genai_policy_stopped(b)) {
        genai_policy_write(b, generation, now, data, size);
    }

    genai_policy_release(b);

    if (b->failed == 0) {
        b->failed = GENAI_POLICY_BUILD_DONE;
        return GENAI_POLICY_BUILD_OK;
    }

    return b->failed;
}


int
genai_policy_stopped(genai_policy_builder_t *b)
{
    if (b->failed == 0 && b->stop && *b->stop) {
        b->failed = GENAI_POLICY_BUILD_STOPPED;
    }

    return b->failed != 0;
}
