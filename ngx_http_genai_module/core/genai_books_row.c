/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Rows: finding them without a lock, making and removing them under the one
 * on the structure, reading them whole.
 *
 * New rows stand at the heads of their chains, so that those of today come
 * before those of all the days that are kept.
 *
 * A reader on a chain may stand on a row that is removed, and go on to the
 * free ones, and to wherever these are used again: he finds nothing then, or
 * a row that is the right one all the same, for a row in use says itself
 * whose it is.  Who found nothing looks again under the lock.
 */


#include "genai_books_int.h"

#include <sched.h>


/* readings of a row that is being changed, before its change is looked up */
#define GENAI_BOOKS_TRIES  64

/* rows that retiring looks at for one that it may remove */
#define GENAI_BOOKS_PER_RETIRED  32


/* how far down new rows may go into what is reserved */
typedef enum {
    GENAI_ROW_OWN = 0,
    GENAI_ROW_TEAM,
    GENAI_ROW_DAY
} genai_row_e;


static int genai_books_row_is(const genai_books_t *b,
    const genai_books_row_t *row, const genai_account_t *account,
    uint64_t hash);
static int genai_books_row_find(const genai_books_t *b,
    const genai_account_t *account, uint64_t hash, genai_books_row_t **found);
static genai_books_row_t *genai_books_row_make(genai_books_t *b,
    const genai_account_t *account, uint64_t hash);
static genai_books_row_t *genai_books_row_new(genai_books_t *b,
    const genai_account_t *account, uint64_t hash, unsigned kind);
static int genai_books_row_empty(const genai_books_row_t *copy);
static uint64_t genai_books_row_commit(const genai_books_t *b,
    uint32_t holder);
static void genai_books_row_redo(const genai_books_t *b,
    const genai_books_row_t *row, genai_books_row_t *copy, uint32_t holder);
static int genai_books_row_remove(genai_books_t *b, genai_books_row_t *row,
    const genai_books_row_t *copy);


genai_books_row_t *
genai_books_row_at(const genai_books_t *b, uint64_t offset)
{
    uint64_t  limit;

    if (offset < GENAI_BOOKS_BASE) {
        return (offset == GENAI_BOOKS_LAST) ? &b->head->last : NULL;
    }

    limit = genai_books_limit(b);

    if (offset % sizeof(genai_books_row_t)
        || offset % GENAI_BOOKS_EXTENT == 0
        || offset > limit - sizeof(genai_books_row_t))
    {
        return NULL;
    }

    return (genai_books_row_t *) (void *) (b->base + offset);
}


static int
genai_books_row_is(const genai_books_t *b, const genai_books_row_t *row,
    const genai_account_t *account, uint64_t hash)
{
    unsigned  i;

    if (genai_books_get(&row->tag) != genai_books_tag(account->day)
        || genai_books_row_hash(row) != (uint32_t) hash)
    {
        return 0;
    }

    for (i = 0; i < GENAI_NAMES; i++) {
        if (!genai_books_text_is(b, row->name[i],
                                 genai_books_account_name(account, i)))
        {
            return 0;
        }
    }

    return 1;
}


/* returns 1, 0 where there is none, -1 where that cannot be said */

static int
genai_books_row_find(const genai_books_t *b, const genai_account_t *account,
    uint64_t hash, genai_books_row_t **found)
{
    uint64_t            next;
    unsigned            n;
    genai_books_row_t  *row;

    next = genai_books_get(genai_books_row_bucket(b, hash));

    for (n = 0; next; n++) {

        row = (n < GENAI_BOOKS_CHAIN) ? genai_books_row_at(b, next) : NULL;

        if (row == NULL) {
            return -1;
        }

        if (genai_books_row_is(b, row, account, hash)) {
            *found = row;
            return 1;
        }

        next = genai_books_get(&row->next);
    }

    return 0;
}


genai_books_row_t *
genai_books_row_get(genai_books_t *b, const genai_account_t *account,
    uint64_t hash)
{
    genai_books_row_t     *row;
    genai_books_cached_t  *c;

    c = &b->cache[(hash >> 32) & (GENAI_BOOKS_CACHE - 1)];

    if (c->row && c->hash == hash) {

        row = (genai_books_row_t *) (void *) (b->base + c->row);

        if (c->row_hash == (uint32_t) hash) {
            if (genai_books_row_is(b, row, account, hash)) {
                return row;
            }

        } else if (genai_books_get(&row->tag) == c->tag
                   && genai_books_row_hash(row) == c->row_hash
                   && genai_books_clock() < b->full)
        {
            genai_books_add(&b->head->other, 1);
            return row;
        }
    }

    if (genai_books_row_find(b, account, hash, &row) != 1) {
        row = genai_books_row_make(b, account, hash);
    }

    c->hash = hash;
    c->row = genai_books_offset(b, row);
    c->tag = row->tag;
    c->row_hash = genai_books_row_hash(row);

    if (c->row_hash != (uint32_t) hash) {
        genai_books_add(&b->head->other, 1);
    }

    return row;
}


/* never fails: there is always the last one */

static genai_books_row_t *
genai_books_row_make(genai_books_t *b, const genai_account_t *account,
    uint64_t hash)
{
    int                  rc;
    unsigned             kind;
    genai_account_t      other;
    genai_books_row_t   *row;
    static genai_str_t   text = genai_str(GENAI_BOOKS_OTHER);

    genai_books_lock(b, &b->head->lock);

    other = *account;

    row = NULL;

    for (kind = GENAI_ROW_OWN; kind <= GENAI_ROW_DAY; kind++) {

        if (kind != GENAI_ROW_OWN) {
            other.user = text;
            other.key = text;
            other.model = text;

            if (kind == GENAI_ROW_DAY) {
                other.team = text;
            }

            hash = genai_books_account_hash(b, &other);
        }

        row = NULL;
        rc = genai_books_row_find(b, &other, hash, &row);

        if (rc == 0) {
            row = genai_books_row_new(b, &other, hash, kind);

        } else if (rc < 0) {
            genai_books_fault(b);
        }

        if (row) {
            break;
        }

        /* asked again soon, but not at each lease */

        b->full = genai_books_clock() + GENAI_BOOKS_RETRY;
    }

    genai_books_unlock(b);

    return row ? row : &b->head->last;
}


static genai_books_row_t *
genai_books_row_new(genai_books_t *b, const genai_account_t *account,
    uint64_t hash, unsigned kind)
{
    uint64_t               i, n, next, *bucket;
    uint32_t               name[GENAI_NAMES];
    genai_books_row_t     *row;
    genai_books_head_t    *head = b->head;
    genai_books_extent_t  *e;

    for (i = 0; i < GENAI_NAMES; i++) {
        if (genai_books_text_make(b, genai_books_account_name(account, i),
                                  &name[i])
            != 0)
        {
            return NULL;
        }
    }

    n = (kind == GENAI_ROW_OWN) ? GENAI_BOOKS_RESERVE
        : (kind == GENAI_ROW_TEAM) ? GENAI_BOOKS_RESERVE_DAY : 0;

    row = NULL;
    next = 0;
    e = NULL;

    if (head->free_rows > n) {
        row = genai_books_row_at(b, head->free_row);

        if (row && genai_books_get(&row->tag) != GENAI_BOOKS_TAG_FREE) {
            genai_books_fault(b);
            row = NULL;
        }

        if (row) {
            next = row->next;
        }
    }

    if (row == NULL) {
        i = head->row_extent - 1;

        if (i >= genai_books_extents(b)
            || genai_books_entry_kind(genai_books_directory(b)[i])
               != GENAI_EXTENT_ROWS
            || genai_books_extent(b, i)->fill >= GENAI_BOOKS_ROWS - 1)
        {
            if (genai_books_extent_make(b, GENAI_EXTENT_ROWS, &i) != 0) {
                return NULL;
            }
        }

        e = genai_books_extent(b, i);
        row = genai_books_extent_row(b, i, (unsigned) e->fill + 1);
    }

    /* a free row counts for nothing, whatever it says */

    genai_books_fill(&row->hash, (uint32_t) hash);

    for (i = 0; i < GENAI_NAMES; i++) {
        genai_books_name(&row->name[i], name[i]);
    }

    for (i = 0; i < GENAI_BOOKS_TOTALS; i++) {
        genai_books_fill(&row->totals[i], 0);
    }

    bucket = genai_books_row_bucket(b, hash);

    genai_books_set(b, &row->next, genai_books_get(bucket));
    genai_books_set(b, &row->tag, genai_books_tag(account->day));

    if (e) {
        genai_books_set(b, &e->fill, e->fill + 1);

    } else {
        genai_books_set(b, &head->free_row, next);
        genai_books_set(b, &head->free_rows, head->free_rows - 1);
    }

    genai_books_set(b, &head->rows, head->rows + 1);
    genai_books_set(b, bucket, genai_books_offset(b, row));
    genai_books_commit(b);

    return row;
}


int
genai_books_names(const genai_books_t *b, const uint32_t *name,
    genai_account_t *account)
{
    int  rc;

    rc = genai_books_text_str(b, name[GENAI_NAME_TEAM], &account->team);
    rc &= genai_books_text_str(b, name[GENAI_NAME_USER], &account->user);
    rc &= genai_books_text_str(b, name[GENAI_NAME_KEY], &account->key);
    rc &= genai_books_text_str(b, name[GENAI_NAME_MODEL], &account->model);

    return rc;
}


int
genai_books_row_read(const genai_books_t *b, const genai_books_row_t *row,
    genai_books_row_t *copy)
{
    int        whole;
    uint64_t   w, commit;
    unsigned   i, n;
    uint32_t   holder, check;

    for (n = 0; ; n++) {

        w = genai_books_get(&row->lock);
        holder = (uint32_t) w;

        if (holder && n < GENAI_BOOKS_TRIES) {
            sched_yield();
            continue;
        }

        commit = genai_books_row_commit(b, holder);

        copy->tag = genai_books_get(&row->tag);
        copy->hash = genai_books_get(&row->hash);

        for (i = 0; i < GENAI_NAMES; i++) {
            copy->name[i] = __atomic_load_n(&row->name[i], __ATOMIC_RELAXED);
        }

        for (i = 0; i < GENAI_BOOKS_TOTALS; i++) {
            copy->totals[i] = __atomic_load_n(&row->totals[i],
                                              __ATOMIC_RELAXED);
        }

        if (commit && commit <= GENAI_BOOKS_VALUES) {
            genai_books_row_redo(b, row, copy, holder);
        }

        __atomic_thread_fence(__ATOMIC_ACQUIRE);

        /* one that is changed all the time is read torn in the end */

        whole = genai_books_get(&row->lock) == w
                && genai_books_get(&row->tag) == copy->tag
                && genai_books_row_commit(b, holder) == commit;

        if (whole || n > 64 * GENAI_BOOKS_TRIES) {
            copy->lock = w;
            break;
        }
    }

    if ((copy->tag & UINT32_MAX) != genai_books_tag(0)) {
        return 0;
    }

    check = 0;

    for (i = 0; i < GENAI_BOOKS_TOTALS; i++) {
        check += genai_books_check(i, copy->totals[i]);
    }

    return (whole && check != copy->hash >> 32) ? 2 : 1;
}


/* nothing was booked to it so far, or what was went to another row */

static int
genai_books_row_empty(const genai_books_row_t *copy)
{
    static const genai_totals_t  none;

    return memcmp(copy->totals, &none, sizeof(genai_totals_t)) == 0;
}


/* how many values of the holder of a lock are true and not yet in place */

static uint64_t
genai_books_row_commit(const genai_books_t *b, uint32_t holder)
{
    unsigned  i = genai_books_holder_place(holder);

    return (holder && i < GENAI_BOOKS_PROCESSES)
           ? genai_books_get(&genai_books_place(b, i)->commit) : 0;
}


/*
 * Its holder has made new values true and has not put them in place, as he
 * was stopped or killed: they hold.
 */

static void
genai_books_row_redo(const genai_books_t *b, const genai_books_row_t *row,
    genai_books_row_t *copy, uint32_t holder)
{
    uint64_t                      i, n, offset, first;
    const genai_books_process_t  *p;

    p = genai_books_place(b, genai_books_holder_place(holder));
    n = genai_books_get(&p->commit);
    first = genai_books_offset(b, row->totals);

    for (i = 0; i < n && i < GENAI_BOOKS_VALUES; i++) {
        offset = genai_books_get(&p->values[i].offset);

        if (offset == genai_books_offset(b, &row->tag)) {
            copy->tag = genai_books_get(&p->values[i].value);

        } else if (offset == genai_books_offset(b, &row->hash)) {
            copy->hash = genai_books_get(&p->values[i].value);

        } else if (offset >= first
                   && offset < first + sizeof(row->totals)
                   && offset % sizeof(uint64_t) == 0)
        {
            copy->totals[(offset - first) / sizeof(uint64_t)]
                = genai_books_get(&p->values[i].value);
        }
    }
}


int
genai_books_row(const genai_books_t *b, uint64_t *cursor,
    genai_account_t *account, genai_totals_t *totals)
{
    int                       rc;
    unsigned                  looks;
    genai_books_row_t         copy;
    const genai_books_row_t  *row;

    looks = GENAI_BOOKS_LOOKS;

    /* the last row comes first, and the others count from 2 */

    while (looks) {

        if (*cursor == 0) {
            *cursor = 1;
            row = &b->head->last;

            if (genai_books_get(&row->totals[0]) == 0) {
                continue;
            }

        } else {
            (*cursor)--;
            row = genai_books_next(b, GENAI_EXTENT_ROWS, sizeof(copy), cursor,
                                   &looks);
            (*cursor)++;

            if (row == NULL) {
                break;
            }
        }

        rc = genai_books_row_read(b, row, &copy);

        if (rc == 0) {
            continue;
        }

        if (rc == 2) {
            genai_books_fault(b);

        } else if (genai_books_row_empty(&copy)) {
            continue;
        }

        account->day = (int32_t) (copy.tag >> 32);
        (void) genai_books_names(b, copy.name, account);
        memcpy(totals, copy.totals, sizeof(genai_totals_t));

        return 1;
    }

    return looks ? 0 : -1;
}


int
genai_books_retire(genai_books_t *b, int32_t day, unsigned budget,
    int (*keep)(void *data, const genai_account_t *account,
                const genai_totals_t *totals), void *data)
{
    int                 removed;
    unsigned            looks, n;
    genai_totals_t      totals;
    genai_account_t     account;
    genai_books_row_t  *row, copy;

    removed = 0;
    looks = GENAI_BOOKS_LOOKS;

    for (n = budget * GENAI_BOOKS_PER_RETIRED; n && budget; n--) {

        row = genai_books_next(b, GENAI_EXTENT_ROWS, sizeof(copy), &b->retired,
                               &looks);

        if (row == NULL) {
            if (looks) {
                b->retired = 0;
            }

            break;
        }

        if ((genai_books_get(&row->tag) & UINT32_MAX) != genai_books_tag(0)
            || (int32_t) (row->tag >> 32) >= day
            || !genai_books_row_read(b, row, &copy)
            || (int32_t) (copy.tag >> 32) >= day)
        {
            continue;
        }

        account.day = (int32_t) (copy.tag >> 32);
        (void) genai_books_names(b, copy.name, &account);
        memcpy(&totals, copy.totals, sizeof(genai_totals_t));

        if (!genai_books_row_empty(&copy)
            && keep(data, &account, &totals) != 0)
        {
            b->retired--;
            return -1;
        }

        budget--;
        removed += genai_books_row_remove(b, row, &copy);
    }

    return removed;
}


/* returns 0 where the row has changed since it was copied */

static int
genai_books_row_remove(genai_books_t *b, genai_books_row_t *row,
    const genai_books_row_t *copy)
{
    int                  removed;
    uint64_t             offset, *from;
    unsigned             n;
    genai_books_row_t   *prev;
    genai_books_head_t  *head = b->head;

    genai_books_lock(b, &head->lock);
    genai_books_lock(b, &row->lock);

    removed = 0;
    offset = genai_books_offset(b, row);

    if (genai_books_get(&row->tag) != copy->tag
        || row->lock >> 32 != copy->lock >> 32
        || (uint32_t) copy->lock)
    {
        goto done;
    }

    from = genai_books_row_bucket(b, row->hash);

    for (n = 0; genai_books_get(from) != offset; n++) {

        prev = (n < GENAI_BOOKS_CHAIN)
               ? genai_books_row_at(b, genai_books_get(from)) : NULL;

        if (prev == NULL) {
            genai_books_fault(b);
            goto done;
        }

        from = &prev->next;
    }

    genai_books_set(b, from, genai_books_get(&row->next));
    genai_books_set(b, &row->tag, GENAI_BOOKS_TAG_FREE);
    genai_books_set(b, &row->next, head->free_row);
    genai_books_set(b, &head->free_row, offset);
    genai_books_set(b, &head->free_rows, head->free_rows + 1);
    genai_books_set(b, &head->rows, head->rows - 1);
    genai_books_commit(b);

    removed = 1;

done:

    genai_books_unlock(b);

    return removed;
}
