/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writes what was accepted as a snapshot: objects in the order of their ids,
 * a hash table of secrets, and the lists and texts as they are, but for texts'
 * offsets.
 */


#include "genai_policy_build_int.h"
#include "genai_policy_limits.h"

#include <stdlib.h>


/* bytes that all tables begin at a multiple of */
#define GENAI_POLICY_ALIGN  8


typedef struct {
    const unsigned char     *data;      /* the id */
    uint32_t                 len;
    uint32_t                 def;
} genai_policy_entry_t;


typedef struct {
    genai_policy_builder_t  *b;
    genai_policy_entry_t    *entries[GENAI_POLICY_KINDS];
    uint32_t                 n[GENAI_POLICY_KINDS];

    unsigned char           *data;
    size_t                   size;
    uint32_t                 texts;     /* where they begin */

    uint32_t                 entries_revoked;
    uint32_t                 digests_revoked;
} genai_policy_writer_t;


static int genai_policy_sort(genai_policy_writer_t *w);
static int genai_policy_compare(const void *a, const void *b);
static int genai_policy_layout(genai_policy_writer_t *w);
static int genai_policy_table(genai_policy_writer_t *w,
    genai_policy_table_t *table, uint64_t n, size_t size);
static void genai_policy_secrets(genai_policy_writer_t *w);
static void genai_policy_secret(genai_policy_writer_t *w, uint32_t i,
    const unsigned char *digest);
static void genai_policy_same(genai_policy_writer_t *w,
    genai_policy_def_t *def, genai_policy_def_t *other);
static genai_policy_secret_t *genai_policy_slot(genai_policy_t *p,
    const unsigned char *digest);
static int genai_policy_revoked(void *data, const genai_str_t *id,
    const unsigned char *digest);
static void genai_policy_notes(genai_policy_writer_t *w);
static void genai_policy_bar(genai_policy_writer_t *w);
static void genai_policy_objects(genai_policy_writer_t *w);
static void genai_policy_lists(genai_policy_writer_t *w);
static void genai_policy_keys(genai_policy_writer_t *w);
static void genai_policy_name_limits(genai_policy_writer_t *w);
static void genai_policy_sources(genai_policy_builder_t *b,
    genai_policy_t *p);
static void genai_policy_moved(const genai_policy_writer_t *w,
    genai_policy_text_t *text);
static uint32_t genai_policy_number(const genai_policy_builder_t *b,
    uint32_t def);


void
genai_policy_write(genai_policy_builder_t *b, uint64_t generation, int64_t now,
    void **data, size_t *size)
{
    unsigned               i;
    genai_str_t            anonymous = genai_str("anonymous");
    genai_policy_t        *p;
    genai_policy_writer_t  w;

    memset(&w, 0, sizeof(genai_policy_writer_t));
    w.b = b;

    if (genai_policy_sort(&w) != 0 || genai_policy_layout(&w) != 0) {
        goto done;
    }

    p = (genai_policy_t *) w.data;

    p->generation = generation;
    p->built = now;
    p->anonymous = GENAI_POLICY_NONE;

    p->unloaded = (b->fragments.n == 0 && b->levels[GENAI_FINDING_BROKEN]);

    genai_policy_secrets(&w);
    genai_policy_notes(&w);
    genai_policy_bar(&w);
    genai_policy_objects(&w);
    genai_policy_lists(&w);
    genai_policy_keys(&w);
    genai_policy_name_limits(&w);

    if (genai_policy_stopped(b)) {
        goto done;
    }

    genai_policy_sources(b, p);

    i = genai_policy_interned(b, &anonymous);

    if (i != GENAI_POLICY_NONE) {
        p->anonymous = genai_policy_number(b,
                         genai_policy_symbol(b, i)->defs[GENAI_POLICY_KEYS]);
    }

    p->revision = b->revision;
    genai_policy_moved(&w, &p->revision);

    if (!genai_policy_stopped(b)) {
        *data = w.data;
        *size = w.size;
        w.data = NULL;
    }

done:

    for (i = 0; i < GENAI_POLICY_KINDS; i++) {
        free(w.entries[i]);
    }

    free(w.data);
}


static int
genai_policy_sort(genai_policy_writer_t *w)
{
    uint32_t                 i, k, sorted;
    genai_str_t              id;
    genai_policy_def_t      *def;
    genai_policy_entry_t    *e;
    genai_policy_builder_t  *b;

    b = w->b;

    for (k = 0; k < GENAI_POLICY_KINDS; k++) {

        w->entries[k] = malloc(((size_t) b->counts[0][k] + b->counts[1][k] + 1)
                               * sizeof(genai_policy_entry_t));

        if (w->entries[k] == NULL) {
            b->failed = GENAI_POLICY_BUILD_MEMORY;
            return -1;
        }
    }

    for (i = 0; i < b->defs.n; i++) {

        def = genai_policy_def(b, i);

        if (def->state != GENAI_DEF_ACCEPTED) {
            continue;
        }

        id = genai_policy_symbol_text(b, def->symbol);
        e = &w->entries[def->kind][w->n[def->kind]++];

        e->data = id.data;
        e->len = id.len;
        e->def = i;
    }

    for (k = 0; k < GENAI_POLICY_KINDS; k++) {

        e = w->entries[k];
        sorted = 1;

        for (i = 1; sorted && i < w->n[k]; i++) {
            sorted = genai_policy_compare(&e[i - 1], &e[i]) < 0;
        }

        if (!sorted) {
            qsort(e, w->n[k], sizeof(genai_policy_entry_t),
                  genai_policy_compare);
        }

        for (i = 0; i < w->n[k]; i++) {
            genai_policy_def(b, e[i].def)->number = i;
        }

        if (genai_policy_stopped(b)) {
            return -1;
        }
    }

    return 0;
}


static int
genai_policy_compare(const void *a, const void *b)
{
    int                          rc;
    const genai_policy_entry_t  *x = a, *y = b;

    rc = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);

    return rc ? rc : (x->len > y->len) - (x->len < y->len);
}


static int
genai_policy_layout(genai_policy_writer_t *w)
{
    uint64_t                 n, secrets;
    unsigned                 k;
    genai_policy_t           p;
    genai_policy_builder_t  *b;

    static const char  utc[] = "UTC";

    b = w->b;

    memset(&p, 0, sizeof(genai_policy_t));

    memcpy(p.magic, GENAI_POLICY_MAGIC, sizeof(p.magic));
    p.layout = GENAI_POLICY_LAYOUT;
    memcpy(p.seed, b->secrets_seed, sizeof(p.seed));

    (void) genai_policy_read_revoked(b->revoked, b->revoked_len,
                                     genai_policy_revoked, w);

    /* half of the places are free */

    n = (uint64_t) b->digests.n + w->digests_revoked;

    for (secrets = 8; secrets < 2 * n; secrets *= 2) { /* void */ }

    w->size = sizeof(genai_policy_t);

    if (genai_policy_table(w, &p.secrets, secrets,
                           sizeof(genai_policy_secret_t))
        != 0)
    {
        return -1;
    }

    for (k = 0; k < GENAI_POLICY_KINDS; k++) {
        if (genai_policy_table(w, &p.objects[k], w->n[k],
                               sizeof(genai_policy_object_t))
            != 0)
        {
            return -1;
        }
    }

    if (b->zone && strcmp(b->zone, utc) != 0 && b->nchanges <= 0) {
        genai_policy_finding(b, GENAI_FINDING_WARN,
            genai_policy_fragment(b, b->zone_fragment)->name, b->zone_line, "",
            "the time zone %s cannot be read, days are those of UTC; install"
            " tzdata, or write a name that it has", b->zone);

        free(b->zone);

        b->zone = NULL;
        b->nchanges = 0;
    }

    if (genai_policy_table(w, &p.limits, b->limits.n,
                           sizeof(genai_policy_limit_t)) != 0
        || genai_policy_table(w, &p.patterns, b->patterns.n,
                              sizeof(genai_policy_text_t)) != 0
        || genai_policy_table(w, &p.pairs, b->pairs.n,
                              sizeof(genai_policy_pair_t)) != 0
        || genai_policy_table(w, &p.changes, b->zone ? b->nchanges : 0,
                              sizeof(genai_timezone_change_t)) != 0
        || genai_policy_table(w, &p.barred, w->n[GENAI_POLICY_MODELS],
                              sizeof(uint32_t)) != 0)
    {
        return -1;
    }

    w->texts = w->size;

    p.timezone.len = b->zone ? strlen(b->zone) : sizeof(utc) - 1;
    p.timezone.offset = w->size + b->texts.n;

    if ((uint64_t) w->size + b->texts.n + p.timezone.len > UINT32_MAX) {
        b->failed = GENAI_POLICY_BUILD_LARGE;
        return -1;
    }

    w->size += b->texts.n + p.timezone.len;
    p.size = w->size;

    w->data = calloc(1, w->size);

    if (w->data == NULL) {
        b->failed = GENAI_POLICY_BUILD_MEMORY;
        return -1;
    }

    memcpy(w->data, &p, sizeof(genai_policy_t));
    memcpy(w->data + p.timezone.offset, b->zone ? b->zone : utc,
           p.timezone.len);

    return 0;
}


static int
genai_policy_table(genai_policy_writer_t *w, genai_policy_table_t *table,
    uint64_t n, size_t size)
{
    uint64_t  end;

    table->offset = w->size;
    table->n = n;

    end = w->size + n * size;
    end = (end + GENAI_POLICY_ALIGN - 1) & ~(uint64_t) (GENAI_POLICY_ALIGN - 1);

    if (end > UINT32_MAX) {
        w->b->failed = GENAI_POLICY_BUILD_LARGE;
        return -1;
    }

    w->size = end;

    return 0;
}


/* those of fragments without a scope first: they cannot be taken away */

static void
genai_policy_secrets(genai_policy_writer_t *w)
{
    uint32_t                 i, k, n, scoped;
    unsigned char           *digests;
    genai_policy_t          *p;
    genai_policy_def_t      *def;
    genai_policy_entry_t    *e;
    genai_policy_secret_t   *secrets;
    genai_policy_builder_t  *b;

    b = w->b;
    p = (genai_policy_t *) w->data;
    e = w->entries[GENAI_POLICY_KEYS];

    secrets = (genai_policy_secret_t *) (w->data + p->secrets.offset);

    for (i = 0; i < p->secrets.n; i++) {
        secrets[i].key = GENAI_POLICY_NONE;
    }

    (void) genai_policy_read_revoked(b->revoked, b->revoked_len,
                                     genai_policy_revoked, w);

    n = 0;

    for (scoped = 0; scoped < 2; scoped++) {

        for (i = 0; i < w->n[GENAI_POLICY_KEYS]; i++) {

            def = genai_policy_def(b, e[i].def);

            if ((genai_policy_fragment(b, def->fragment)->scope
                 != GENAI_POLICY_NONE) != scoped)
            {
                continue;
            }

            if (n++ % GENAI_POLICY_STEP == 0 && genai_policy_stopped(b)) {
                return;
            }

            digests = b->digests.items;

            for (k = 0; k < def->digests.n; k++) {
                genai_policy_secret(w, i, digests + (size_t) GENAI_DIGEST_LEN
                                                * (def->digests.first + k));
            }
        }
    }
}


static void
genai_policy_secret(genai_policy_writer_t *w, uint32_t i,
    const unsigned char *digest)
{
    genai_policy_def_t      *def, *other;
    genai_policy_secret_t   *s;
    genai_policy_builder_t  *b;

    b = w->b;
    def = genai_policy_def(b, w->entries[GENAI_POLICY_KEYS][i].def);

    s = genai_policy_slot((genai_policy_t *) w->data, digest);

    if (s->key == GENAI_POLICY_NONE) {
        memcpy(s->digest, digest, GENAI_DIGEST_LEN);
        s->key = i;
        return;
    }

    other = genai_policy_def(b, w->entries[GENAI_POLICY_KEYS][s->key].def);

    if (other == def) {
        genai_policy_complain(b, GENAI_FINDING_WARN, def, def->line,
                              "it has one \"sha256\" twice");
        return;
    }

    genai_policy_same(w, def, other);
}


/* two keys with one secret: whose a request is cannot be told */

static void
genai_policy_same(genai_policy_writer_t *w, genai_policy_def_t *def,
    genai_policy_def_t *other)
{
    genai_str_t              a, z;
    genai_policy_builder_t  *b;

    b = w->b;

    a = genai_policy_symbol_text(b, def->symbol);
    z = genai_policy_symbol_text(b, other->symbol);

    def->object.flags |= GENAI_POLICY_CLOSED;

    genai_policy_complain(b, GENAI_FINDING_CLOSED, def, def->line,
                          "nobody passes through it: the key \"%.*s\" has the"
                          " same \"sha256\"", (int) z.len, z.data);

    if (genai_policy_fragment(b, def->fragment)->scope != GENAI_POLICY_NONE
        && genai_policy_fragment(b, other->fragment)->scope
           == GENAI_POLICY_NONE)
    {
        return;
    }

    other->object.flags |= GENAI_POLICY_CLOSED;

    genai_policy_complain(b, GENAI_FINDING_CLOSED, other, other->line,
                          "nobody passes through it: the key \"%.*s\" has the"
                          " same \"sha256\"", (int) a.len, a.data);
}


/* the place of a digest, or the free one where it is to stand */

static genai_policy_secret_t *
genai_policy_slot(genai_policy_t *p, const unsigned char *digest)
{
    uint32_t                at, mask;
    genai_policy_secret_t  *secrets, *s;

    secrets = (genai_policy_secret_t *) ((char *) p + p->secrets.offset);
    mask = p->secrets.n - 1;

    at = genai_policy_place(p, digest);

    for ( ;; at++) {

        s = &secrets[at & mask];

        if ((s->key == GENAI_POLICY_NONE && !s->revoked)
            || memcmp(s->digest, digest, GENAI_DIGEST_LEN) == 0)
        {
            return s;
        }
    }
}


/* an entry of the list; until the snapshot is laid out, digests are counted */

static int
genai_policy_revoked(void *data, const genai_str_t *id,
    const unsigned char *digest)
{
    uint32_t                 i;
    genai_policy_secret_t   *secret;
    genai_policy_writer_t   *w;
    genai_policy_builder_t  *b;

    w = data;
    b = w->b;

    if (w->entries_revoked++ % GENAI_POLICY_STEP == 0
        && genai_policy_stopped(b))
    {
        return -1;
    }

    if (w->data == NULL) {
        w->digests_revoked += (digest != NULL);
        return 0;
    }

    if (digest) {
        secret = genai_policy_slot((genai_policy_t *) w->data, digest);

        memcpy(secret->digest, digest, GENAI_DIGEST_LEN);
        secret->revoked = 1;

        return 0;
    }

    i = genai_policy_interned(b, id);

    if (i != GENAI_POLICY_NONE) {
        i = genai_policy_symbol(b, i)->defs[GENAI_POLICY_KEYS];
    }

    if (i != GENAI_POLICY_NONE) {
        genai_policy_def(b, i)->object.flags |= GENAI_POLICY_REVOKED;
    }

    return 0;
}


/* counts, and says what this version does not do */

static void
genai_policy_notes(genai_policy_writer_t *w)
{
    uint32_t                 i;
    genai_policy_t          *p;
    genai_policy_def_t      *def;
    genai_policy_object_t   *o;
    genai_policy_builder_t  *b;

    b = w->b;
    p = (genai_policy_t *) w->data;

    p->closed = b->left;

    for (i = 0; i < b->defs.n; i++) {

        if (i % GENAI_POLICY_STEP == 0 && genai_policy_stopped(b)) {
            return;
        }

        def = genai_policy_def(b, i);
        o = &def->object;

        if (def->state != GENAI_DEF_ACCEPTED) {
            continue;
        }

        p->closed += (o->flags & GENAI_POLICY_CLOSED) != 0;

        if (o->guard.len == 0) {
            continue;
        }

        p->unenforced++;

        genai_policy_complain(b, GENAI_FINDING_NOTE, def, def->line,
                              "its guard is not enforced by this version");
    }
}


/* models that nobody may use; objects are in the order of their ids */

static void
genai_policy_bar(genai_policy_writer_t *w)
{
    uint32_t                     i, *barred;
    genai_policy_t              *p;
    const genai_policy_def_t    *def;
    const genai_policy_entry_t  *e;

    p = (genai_policy_t *) w->data;
    barred = (uint32_t *) (w->data + p->barred.offset);

    p->barred.n = 0;

    for (i = 0; i < w->n[GENAI_POLICY_MODELS]; i++) {

        e = &w->entries[GENAI_POLICY_MODELS][i];
        def = genai_policy_def(w->b, e->def);

        if (!(def->object.flags
              & (GENAI_POLICY_CLOSED|GENAI_POLICY_DISABLED)))
        {
            continue;
        }

        barred[p->barred.n++] = i;

        if (e->data[e->len - 1] == '*') {
            p->barred_lengths[(e->len - 1) / 64] |=
                (uint64_t) 1 << (e->len - 1) % 64;
        }
    }
}


static void
genai_policy_objects(genai_policy_writer_t *w)
{
    uint32_t                 i, k;
    genai_policy_t          *p;
    genai_policy_object_t   *o;
    genai_policy_builder_t  *b;

    b = w->b;
    p = (genai_policy_t *) w->data;

    for (k = 0; k < GENAI_POLICY_KINDS; k++) {

        o = (genai_policy_object_t *) (w->data + p->objects[k].offset);

        for (i = 0; i < w->n[k]; i++) {

            if (i % GENAI_POLICY_STEP == 0 && genai_policy_stopped(b)) {
                return;
            }

            o[i] = genai_policy_def(b, w->entries[k][i].def)->object;

            o[i].team = genai_policy_number(b, o[i].team);
            o[i].user = genai_policy_number(b, o[i].user);
            o[i].plan = genai_policy_number(b, o[i].plan);

            genai_policy_moved(w, &o[i].id);
            genai_policy_moved(w, &o[i].guard);
        }
    }
}


static void
genai_policy_lists(genai_policy_writer_t *w)
{
    uint32_t                 i;
    genai_policy_t          *p;
    genai_policy_pair_t     *pairs;
    genai_policy_text_t     *patterns;
    genai_policy_limit_t    *limits;
    genai_policy_builder_t  *b;

    b = w->b;
    p = (genai_policy_t *) w->data;

    if (genai_policy_stopped(b)) {
        return;
    }

    limits = (genai_policy_limit_t *) (w->data + p->limits.offset);

    for (i = 0; i < b->limits.n; i++) {
        limits[i] = *genai_policy_item(&b->limits, genai_policy_limit_t, i);
        genai_policy_moved(w, &limits[i].pattern);
    }

    patterns = (genai_policy_text_t *) (w->data + p->patterns.offset);

    for (i = 0; i < b->patterns.n; i++) {
        patterns[i] = *genai_policy_item(&b->patterns, genai_policy_text_t, i);
        genai_policy_moved(w, &patterns[i]);
    }

    pairs = (genai_policy_pair_t *) (w->data + p->pairs.offset);

    for (i = 0; i < b->pairs.n; i++) {
        pairs[i] = *genai_policy_item(&b->pairs, genai_policy_pair_t, i);
        genai_policy_moved(w, &pairs[i].name);
        genai_policy_moved(w, &pairs[i].value);
    }

    if (p->changes.n) {
        memcpy(w->data + p->changes.offset, b->changes,
               p->changes.n * sizeof(genai_timezone_change_t));
    }

    if (b->texts.n) {
        memcpy(w->data + w->texts, b->texts.items, b->texts.n);
    }
}


/* what a key refers to does not change before the next snapshot */

static void
genai_policy_keys(genai_policy_writer_t *w)
{
    uint32_t                i;
    genai_policy_t         *p;
    genai_policy_def_t     *def;
    genai_policy_object_t  *key;

    p = (genai_policy_t *) w->data;
    key = (genai_policy_object_t *) (w->data
                                  + p->objects[GENAI_POLICY_KEYS].offset);

    for (i = 0; i < w->n[GENAI_POLICY_KEYS]; i++, key++) {

        if (i % GENAI_POLICY_STEP == 0 && genai_policy_stopped(w->b)) {
            return;
        }

        switch (genai_policy_above(p, key)) {

        case GENAI_POLICY_OK:
            break;

        case GENAI_POLICY_IS_DISABLED:
            key->flags |= GENAI_POLICY_ABOVE_DISABLED;
            break;

        default:
            key->flags |= GENAI_POLICY_ABOVE_CLOSED;
        }

        if (genai_policy_holds_most(p, key) > GENAI_HOLDS_MAX) {
            key->flags |= GENAI_POLICY_CLOSED;
            p->closed++;

            def = genai_policy_def(w->b,
                                   w->entries[GENAI_POLICY_KEYS][i].def);

            genai_policy_complain(w->b, GENAI_FINDING_CLOSED, def, def->line,
                                  "nobody passes through it: with those of its"
                                  " plan, user and teams, more than %d limits"
                                  " apply to it", GENAI_HOLDS_MAX);
        }
    }
}


static void
genai_policy_name_limits(genai_policy_writer_t *w)
{
    uint32_t                i, k;
    genai_policy_t         *p;

    p = (genai_policy_t *) w->data;

    for (k = 0; k < GENAI_POLICY_KINDS; k++) {
        for (i = 0; i < w->n[k]; i += GENAI_POLICY_STEP) {

            if (genai_policy_stopped(w->b)) {
                return;
            }

            genai_policy_limits_name(p, k, i, GENAI_POLICY_STEP);
        }
    }
}


/* of each source its name and the digest of its text */

static void
genai_policy_sources(genai_policy_builder_t *b, genai_policy_t *p)
{
    char                           *text, *q;
    size_t                          len, n;
    uint32_t                        i;
    const genai_policy_fragment_t  *f;

    len = GENAI_DIGEST_LEN;

    for (i = 0; i < b->fragments.n; i++) {
        len += strlen(genai_policy_fragment(b, i)->name) + 1
               + GENAI_DIGEST_LEN;
    }

    text = malloc(len);

    if (text == NULL) {
        b->failed = GENAI_POLICY_BUILD_MEMORY;
        return;
    }

    q = text;

    for (i = 0; i < b->fragments.n; i++) {

        f = genai_policy_fragment(b, i);

        n = strlen(f->name) + 1;
        memcpy(q, f->name, n);
        q += n;

        memcpy(q, f->digest, GENAI_DIGEST_LEN);
        q += GENAI_DIGEST_LEN;

        if (f->since == 0) {
            continue;
        }

        p->stale++;

        if (p->stale_since == 0 || f->since < p->stale_since) {
            p->stale_since = f->since;
        }
    }

    genai_digest(b->revoked, b->revoked_len, (unsigned char *) q);

    genai_digest(text, len, p->digest);

    free(text);
}


static void
genai_policy_moved(const genai_policy_writer_t *w, genai_policy_text_t *text)
{
    if (text->len) {
        text->offset += w->texts;
    }
}


static uint32_t
genai_policy_number(const genai_policy_builder_t *b, uint32_t def)
{
    return (def == GENAI_POLICY_NONE) ? def : genai_policy_def(b, def)->number;
}
