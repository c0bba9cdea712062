/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Checks books, also while others work in them: then what is seen may be from
 * two moments, so that faults count only where the structure was the same
 * before and after, or where they are there again and again.
 *
 * Everything is visited from two sides: by the extents, and by the chains and
 * the list of free rows, which mark what they lead to.  What is in use must
 * have one mark.
 */


#include "genai_books_verify_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


#define GENAI_BOOKS_TURNS  4

/* faults that are told one by one */
#define GENAI_BOOKS_TOLD   100


static unsigned genai_books_verify_turn(genai_books_verify_t *v);
static void genai_books_verify_places(genai_books_verify_t *v);
static void genai_books_verify_records(genai_books_verify_t *v);
static void genai_books_verify_extents(genai_books_verify_t *v);
static void genai_books_verify_texts(genai_books_verify_t *v);
static void genai_books_verify_text_extent(genai_books_verify_t *v,
    uint64_t i, uint64_t *texts);
static void genai_books_verify_rows(genai_books_verify_t *v);
static void genai_books_verify_row_extent(genai_books_verify_t *v,
    uint64_t i, uint64_t *rows, uint64_t *free_rows);
static void genai_books_verify_leases(genai_books_verify_t *v, uint64_t i);
static void genai_books_verify_stored(genai_books_verify_t *v);
static void genai_books_verify_stored_extent(genai_books_verify_t *v,
    unsigned place, uint64_t i);


unsigned
genai_books_verify(const genai_books_t *b,
    void (*say)(void *data, const char *text), void *data)
{
    size_t                size;
    uint64_t              lock;
    unsigned              turn;
    genai_books_verify_t  v;

    memset(&v, 0, sizeof(v));

    v.b = b;
    v.say = say;
    v.data = data;

    size = (size_t) (b->mapped / GENAI_BOOKS_UNIT / 8 + 1);

    v.marks = malloc(size);
    if (v.marks == NULL) {
        genai_books_verify_fault(&v, "out of memory");
        return v.faults;
    }

    for (turn = 0; ; turn++) {

        lock = genai_books_get(&b->head->lock);

        memset(v.marks, 0, size);
        v.faults = 0;
        v.say = NULL;

        if (genai_books_verify_turn(&v) == 0) {
            break;
        }

        /* once more, aloud; and again where somebody was at work */

        if (turn < GENAI_BOOKS_TURNS
            && (genai_books_get(&b->head->lock) != lock || turn == 0))
        {
            continue;
        }

        memset(v.marks, 0, size);
        v.faults = 0;
        v.say = say;

        (void) genai_books_verify_turn(&v);
        genai_books_verify_records(&v);
        break;
    }

    free(v.marks);

    return v.faults;
}


void
genai_books_verify_fault(genai_books_verify_t *v, const char *fmt, ...)
{
    char     text[256];
    va_list  args;

    v->faults++;

    if (v->say == NULL || v->faults > GENAI_BOOKS_TOLD) {
        return;
    }

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    v->say(v->data, text);
}


static unsigned
genai_books_verify_turn(genai_books_verify_t *v)
{
    uint32_t              layout;
    genai_books_state_e   state;

    state = genai_books_look(v->b->base, v->b->mapped, &layout);

    /* those that grow are no shorter than they say, we have mapped less */

    if (state != GENAI_BOOKS_OK && state != GENAI_BOOKS_TRUNCATED) {
        genai_books_verify_fault(v, "the header: %s",
                                 genai_books_state_text(state));
        return v->faults;
    }

    v->extents = genai_books_extents(v->b);

    genai_books_verify_places(v);
    genai_books_verify_texts(v);
    genai_books_verify_rows(v);
    genai_books_verify_sums(v);
    genai_books_verify_extents(v);
    genai_books_verify_counters(v);
    genai_books_verify_stored(v);

    free(v->sums);
    v->sums = NULL;

    return v->faults;
}


static void
genai_books_verify_places(genai_books_verify_t *v)
{
    uint64_t                      state, places, n;
    unsigned                      i;
    const genai_books_process_t  *p;

    places = genai_books_get(&v->b->head->places);

    for (i = 0; i < GENAI_BOOKS_PROCESSES; i++) {
        p = genai_books_place(v->b, i);

        state = genai_books_get(&p->state);

        if (genai_books_state_kind(state) >= GENAI_PLACES) {
            genai_books_verify_fault(v, "process %u: no such state", i);
            continue;
        }

        if (genai_books_state_kind(state) != GENAI_PLACE_FREE && i >= places) {
            genai_books_verify_fault(v, "process %u: beyond those that ever"
                                     " were", i);
        }

        n = genai_books_get(&p->commit);

        if (n > GENAI_BOOKS_VALUES) {
            genai_books_verify_fault(v, "process %u: a record of %llu values",
                                     i, (unsigned long long) n);
        }

        n = genai_books_get(&p->nlocks);

        if (n > GENAI_BOOKS_LOCKS) {
            genai_books_verify_fault(v, "process %u: holds %llu locks", i,
                                     (unsigned long long) n);
        }
    }
}


/* what else is wrong may be because of these */

static void
genai_books_verify_records(genai_books_verify_t *v)
{
    unsigned                      i;
    const genai_books_process_t  *p;

    for (i = 0; v->faults && i < GENAI_BOOKS_PROCESSES; i++) {
        p = genai_books_place(v->b, i);

        if (genai_books_get(&p->commit)) {
            genai_books_verify_fault(v, "process %u is, or died, in the middle"
                                     " of a change, which the gateway ends"
                                     " when it runs", i);
        }
    }
}


static void
genai_books_verify_texts(genai_books_verify_t *v)
{
    uint64_t                   i, n, next, twin, hash, texts;
    genai_str_t                s;
    const genai_books_t       *b = v->b;
    const genai_books_text_t  *t, *u;

    for (i = 0; i < GENAI_BOOKS_TEXT_BUCKETS; i++) {

        next = genai_books_get(genai_books_text_bucket(b, i));

        while (next) {

            t = (next <= UINT32_MAX) ? genai_books_text(b, next) : NULL;

            if (t == NULL) {
                genai_books_verify_fault(v, "texts, chain %llu: leads nowhere",
                                         (unsigned long long) i);
                break;
            }

            if (!genai_books_mark(v, next * GENAI_BOOKS_UNIT)) {
                genai_books_verify_fault(v, "texts, chain %llu: leads to a"
                                         " text of this or another chain",
                                         (unsigned long long) i);
                break;
            }

            (void) genai_books_text_str(b, (uint32_t) next, &s);
            hash = genai_books_text_hash(b, &s);

            if (s.len == 0
                || t->hash != (uint32_t) (hash >> 32)
                || (hash & (GENAI_BOOKS_TEXT_BUCKETS - 1)) != i)
            {
                genai_books_verify_fault(v, "text %llu: has another hash",
                                         (unsigned long long) next);
            }

            twin = genai_books_get(&t->next);

            for (n = 0; twin && n < GENAI_BOOKS_CHAIN; n++) {

                u = (twin <= UINT32_MAX) ? genai_books_text(b, twin) : NULL;

                if (u == NULL) {
                    break;
                }

                if (u->hash == t->hash
                    && genai_books_text_is(b, (uint32_t) twin, &s)
                    && twin != next)
                {
                    genai_books_verify_fault(v, "text %llu: is there twice",
                                             (unsigned long long) next);
                }

                twin = genai_books_get(&u->next);
            }

            next = genai_books_get(&t->next);
        }
    }

    texts = genai_books_marked(v, GENAI_BOOKS_OTHER_NAME * GENAI_BOOKS_UNIT);

    for (i = 0; i < v->extents; i++) {
        if (genai_books_entry_kind(genai_books_get(
                                                &genai_books_directory(b)[i]))
            == GENAI_EXTENT_TEXTS)
        {
            genai_books_verify_text_extent(v, i, &texts);
        }
    }

    if (v->extents == genai_books_get(&b->head->extents)
        && texts != genai_books_get(&b->head->texts))
    {
        genai_books_verify_fault(v, "there are %llu texts instead of %llu",
                                 (unsigned long long) texts,
                                 (unsigned long long) b->head->texts);
    }
}


static void
genai_books_verify_text_extent(genai_books_verify_t *v, uint64_t i,
    uint64_t *texts)
{
    uint64_t                   at, fill, offset;
    const genai_books_t       *b = v->b;
    const genai_books_text_t  *t;

    fill = genai_books_get(&genai_books_extent(b, i)->fill);
    offset = GENAI_BOOKS_BASE + i * GENAI_BOOKS_EXTENT;

    if (fill < sizeof(genai_books_text_t) || fill > GENAI_BOOKS_EXTENT
        || fill % GENAI_BOOKS_UNIT)
    {
        genai_books_verify_fault(v, "extent %llu: %llu bytes of texts",
                                 (unsigned long long) i,
                                 (unsigned long long) fill);
        return;
    }

    for (at = sizeof(genai_books_text_t); at < fill; /* void */ ) {

        t = genai_books_text(b, (offset + at) / GENAI_BOOKS_UNIT);

        if (t == NULL || t->len == 0) {
            genai_books_verify_fault(v, "extent %llu: no text at %llu",
                                     (unsigned long long) i,
                                     (unsigned long long) at);
            return;
        }

        if (!genai_books_marked(v, offset + at)) {
            genai_books_verify_fault(v, "text %llu: is in no chain",
                                     (unsigned long long)
                                     ((offset + at) / GENAI_BOOKS_UNIT));
        }

        (*texts)++;

        at += (sizeof(genai_books_text_t) + t->len + GENAI_BOOKS_UNIT - 1)
              & ~(uint64_t) (GENAI_BOOKS_UNIT - 1);
    }
}


static void
genai_books_verify_rows(genai_books_verify_t *v)
{
    uint64_t                  i, n, next, twin, rows, free_rows;
    genai_str_t               s;
    const genai_books_t      *b = v->b;
    genai_books_row_t         copy;
    const genai_books_row_t  *row, *u;

    for (i = 0; i < GENAI_BOOKS_ROW_BUCKETS; i++) {

        next = genai_books_get(genai_books_row_bucket(b, i));

        while (next) {

            row = genai_books_row_at(b, next);

            if (row == NULL || row == &b->head->last) {
                genai_books_verify_fault(v, "rows, chain %llu: leads nowhere",
                                         (unsigned long long) i);
                break;
            }

            if (!genai_books_mark(v, next)) {
                genai_books_verify_fault(v, "rows, chain %llu: leads to a row"
                                         " of this or another chain",
                                         (unsigned long long) i);
                break;
            }

            if ((row->tag & UINT32_MAX) != genai_books_tag(0)
                || (row->hash & (GENAI_BOOKS_ROW_BUCKETS - 1)) != i)
            {
                genai_books_verify_fault(v, "rows, chain %llu: leads to a row"
                                         " that is free or another's",
                                         (unsigned long long) i);
            }

            twin = genai_books_get(&row->next);

            for (n = 0; twin && n < GENAI_BOOKS_CHAIN; n++) {

                u = genai_books_row_at(b, twin);

                if (u == NULL) {
                    break;
                }

                if (u != row
                    && genai_books_row_hash(u) == genai_books_row_hash(row)
                    && u->tag == row->tag
                    && memcmp(u->name, row->name, sizeof(row->name)) == 0)
                {
                    genai_books_verify_fault(v, "row %llu: is there twice",
                                             (unsigned long long) next);
                }

                twin = genai_books_get(&u->next);
            }

            next = genai_books_get(&row->next);
        }
    }

    next = genai_books_get(&b->head->free_row);

    for (n = 0; next; n++) {

        row = genai_books_row_at(b, next);

        if (row == NULL || row == &b->head->last
            || !genai_books_mark(v, next)
            || row->tag != GENAI_BOOKS_TAG_FREE)
        {
            genai_books_verify_fault(v, "the free rows: number %llu is none",
                                     (unsigned long long) n);
            break;
        }

        next = genai_books_get(&row->next);
    }

    rows = 0;
    free_rows = 0;

    for (i = 0; i < v->extents; i++) {
        if (genai_books_entry_kind(genai_books_get(
                                                &genai_books_directory(b)[i]))
            == GENAI_EXTENT_ROWS)
        {
            genai_books_verify_row_extent(v, i, &rows, &free_rows);
        }
    }

    if (v->extents == genai_books_get(&b->head->extents)
        && (rows != genai_books_get(&b->head->rows)
            || free_rows != genai_books_get(&b->head->free_rows)))
    {
        genai_books_verify_fault(v, "there are %llu rows and %llu free ones"
                                 " instead of %llu and %llu",
                                 (unsigned long long) rows,
                                 (unsigned long long) free_rows,
                                 (unsigned long long) b->head->rows,
                                 (unsigned long long) b->head->free_rows);
    }

    for (n = 0; n < GENAI_NAMES; n++) {
        if (!genai_books_text_str(b, b->head->last.name[n], &s)
            || !genai_str_is(&s, GENAI_BOOKS_OTHER)
            || b->head->last.tag != genai_books_tag(GENAI_BOOKS_NO_DAY))
        {
            genai_books_verify_fault(v, "the last row is not \"other\"");
            break;
        }
    }

    if (genai_books_row_read(b, &b->head->last, &copy) == 2) {
        genai_books_verify_fault(v, "the last row: its totals are not those"
                                 " of its check");
    }
}


static void
genai_books_verify_row_extent(genai_books_verify_t *v, uint64_t i,
    uint64_t *rows, uint64_t *free_rows)
{
    uint64_t                  fill, offset;
    unsigned                  n;
    genai_account_t           account;
    const genai_books_t      *b = v->b;
    genai_books_row_t         copy;
    const genai_books_row_t  *row;

    fill = genai_books_get(&genai_books_extent(b, i)->fill);

    if (fill >= GENAI_BOOKS_ROWS) {
        genai_books_verify_fault(v, "extent %llu: %llu rows",
                                 (unsigned long long) i,
                                 (unsigned long long) fill);
        return;
    }

    for (n = 1; n <= fill; n++) {
        row = genai_books_extent_row(b, i, n);
        offset = genai_books_offset(b, row);

        if (!genai_books_marked(v, offset)) {
            genai_books_verify_fault(v, "row %llu: nothing leads there",
                                     (unsigned long long) offset);
        }

        if (row->tag == GENAI_BOOKS_TAG_FREE) {
            (*free_rows)++;
            continue;
        }

        (*rows)++;

        account.day = (int32_t) (row->tag >> 32);

        if (!genai_books_names(b, row->name, &account)
            || (uint32_t) genai_books_account_hash(b, &account)
               != genai_books_row_hash(row))
        {
            genai_books_verify_fault(v, "row %llu: its names are not those of"
                                     " its hash",
                                     (unsigned long long) offset);
        }

        if (genai_books_row_read(b, row, &copy) == 2) {
            genai_books_verify_fault(v, "row %llu: its totals are not those of"
                                     " its check",
                                     (unsigned long long) offset);
        }
    }
}


static void
genai_books_verify_extents(genai_books_verify_t *v)
{
    uint64_t              i, entry, tables, free_leases;
    uint32_t              owner;
    unsigned              place;
    const uint64_t       *directory;
    const genai_books_t  *b = v->b;

    directory = genai_books_directory(b);
    tables = 0;
    free_leases = 0;

    for (i = 0; i < v->extents; i++) {

        entry = genai_books_get(&directory[i]);

        if (genai_books_entry_kind(entry) != GENAI_EXTENT_LEASES) {
            tables++;
            continue;
        }

        owner = genai_books_entry_owner(entry);

        if (owner == 0) {
            free_leases++;
            genai_books_verify_leases(v, i);
            continue;
        }

        place = genai_books_holder_place(owner);

        if (place >= GENAI_BOOKS_PROCESSES
            || genai_books_dead(b, owner) == 2)
        {
            /* unless its owner has just given it back */

            if (genai_books_get(&directory[i]) == entry) {
                genai_books_verify_fault(v, "extent %llu: leases of nobody",
                                         (unsigned long long) i);
            }
        }

        genai_books_verify_leases(v, i);
    }

    if (v->extents == genai_books_get(&b->head->extents)
        && (tables != genai_books_get(&b->head->tables)
            || free_leases != genai_books_get(&b->head->free_leases)))
    {
        genai_books_verify_fault(v, "%llu extents of tables and %llu of free"
                                 " leases instead of %llu and %llu",
                                 (unsigned long long) tables,
                                 (unsigned long long) free_leases,
                                 (unsigned long long) b->head->tables,
                                 (unsigned long long) b->head->free_leases);
    }
}


static void
genai_books_verify_leases(genai_books_verify_t *v, uint64_t i)
{
    uint64_t                  state, entry;
    unsigned                  n;
    const genai_books_t      *b = v->b;
    const genai_lease_t      *lease;
    const genai_books_row_t  *row;

    entry = genai_books_get(&genai_books_directory(b)[i]);

    for (n = 1; n < GENAI_BOOKS_LEASES; n++) {

        lease = genai_books_extent_lease(b, i, n);
        state = genai_books_get(&lease->state);

        if (!(state & GENAI_LEASE_USED)) {
            continue;
        }

        row = genai_books_row_at(b, genai_books_get(&lease->row));

        if ((row == NULL
             || row->tag != lease->tag
             || genai_books_row_hash(row) != lease->hash
             || memcmp(row->name, lease->name, sizeof(row->name)) != 0
             || genai_books_entry_owner(entry) == 0)
            && genai_books_get(&lease->state) == state
            && genai_books_get(&genai_books_directory(b)[i]) == entry)
        {
            genai_books_verify_fault(v, "extent %llu, lease %u: %s",
                                     (unsigned long long) i, n,
                                     genai_books_entry_owner(entry)
                                     ? "its row is another one"
                                     : "in use, and of nobody");
        }

        if (v->sums) {
            genai_books_verify_held(v, lease, i, n);
        }
    }
}


/* each of these extents has one place in the tree */

static void
genai_books_verify_stored(genai_books_verify_t *v)
{
    uint64_t              i, n, extents;
    unsigned              place;
    const uint64_t       *directory;
    const genai_books_t  *b = v->b;

    directory = genai_books_directory(b);
    extents = 0;

    for (i = 0; i < v->extents; i++) {
        extents += (genai_books_entry_kind(genai_books_get(&directory[i]))
                    == GENAI_EXTENT_STORED);
    }

    n = 0;

    for (place = 0; place < GENAI_STORED_EXTENTS; place++) {

        i = genai_books_get(genai_books_stored_place(b, place));

        if (i == 0) {
            continue;
        }

        if (i > v->extents
            || genai_books_entry_kind(genai_books_get(&directory[i - 1]))
               != GENAI_EXTENT_STORED
            || (place
                && genai_books_get(genai_books_stored_place(b,
                                                            (place - 1) / 2))
                   == 0)
            || !genai_books_mark(v, GENAI_BOOKS_BASE
                                    + (i - 1) * GENAI_BOOKS_EXTENT))
        {
            /* behind those that we have mapped there may be more */

            if (v->extents == genai_books_get(&b->head->extents)) {
                genai_books_verify_fault(v, "what providers keep: place %u"
                                         " leads to extent %llu", place,
                                         (unsigned long long) i - 1);
            }

            continue;
        }

        n++;
        genai_books_verify_stored_extent(v, place, i - 1);
    }

    if (v->extents == genai_books_get(&b->head->extents)
        && (n != extents || n != genai_books_get(&b->head->stored_extents)))
    {
        genai_books_verify_fault(v, "what providers keep: %llu of %llu extents"
                                 " are reached instead of %llu",
                                 (unsigned long long) n,
                                 (unsigned long long) extents,
                                 (unsigned long long)
                                 genai_books_get(&b->head->stored_extents));
    }
}


/* an entry that is nobody's at the moment may say anything */

static void
genai_books_verify_stored_extent(genai_books_verify_t *v, unsigned place,
    uint64_t i)
{
    uint64_t                      when, hash[2];
    unsigned                      n, k, way;
    const genai_stored_bucket_t  *bucket;

    for (n = 0; n < GENAI_STORED_BUCKETS; n++) {

        bucket = genai_books_extent_bucket(v->b, i, n);

        for (k = 0; k < GENAI_STORED_BUCKET; k++) {

            when = genai_books_get(&bucket->when[k]);
            hash[0] = genai_books_get(&bucket->hash[k][0]);
            hash[1] = genai_books_get(&bucket->hash[k][1]);

            if (when == 0 || (when & GENAI_STORED_CLAIMED)
                || genai_books_get(&bucket->when[k]) != when)
            {
                continue;
            }

            for (way = 0; way < place; way = genai_stored_next(way, hash)) {
                /* void */
            }

            if (way != place || genai_stored_bucket_of(hash) != n) {
                genai_books_verify_fault(v, "what providers keep: entry %u of"
                                         " bucket %u in extent %llu is not"
                                         " where it can be found", k, n,
                                         (unsigned long long) i);
            }
        }
    }
}
