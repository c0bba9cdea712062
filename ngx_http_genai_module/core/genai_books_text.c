/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Extents, and the texts in them.  A text is stored once, behind a chain of
 * its hash, and is never removed: there are as many as there were keys, users,
 * teams and models.
 *
 * What takes memory does so with the lock on the structure held.
 */


#include "genai_books_int.h"
#include "genai_siphash.h"


/* of all extents so many eighths may be rows and texts; leases have the rest */
#define GENAI_BOOKS_TABLES  7


static int genai_books_grow(genai_books_t *b);
static int genai_books_text_find(const genai_books_t *b, const genai_str_t *s,
    uint64_t hash, uint32_t *name);


/* lengths go before all data: what follows can be taken in one way */

uint64_t
genai_books_text_hash(const genai_books_t *b, const genai_str_t *s)
{
    genai_siphash_t  h;

    genai_siphash_begin(&h, b->head->seed);
    genai_siphash_word(&h, s->len);
    genai_siphash_bytes(&h, s->data, s->len);

    return genai_siphash_end(&h);
}


/* of texts that are cut: four lengths have room beside the day */

uint64_t
genai_books_account_hash(const genai_books_t *b,
    const genai_account_t *account)
{
    uint64_t            w;
    unsigned            i;
    const genai_str_t  *s;
    genai_siphash_t     h;

    w = (uint32_t) account->day;

    for (i = 0; i < GENAI_NAMES; i++) {
        w |= (uint64_t) genai_books_account_name(account, i)->len
             << (32 + 8 * i);
    }

    genai_siphash_begin(&h, b->head->seed);
    genai_siphash_word(&h, w);

    for (i = 0; i < GENAI_NAMES; i++) {
        s = genai_books_account_name(account, i);
        genai_siphash_bytes(&h, s->data, s->len);
    }

    return genai_siphash_end(&h);
}


void
genai_books_text_cut(const genai_books_t *b, genai_str_t *s,
    unsigned char room[GENAI_BOOKS_TEXT_MAX])
{
    size_t              n;
    uint64_t            hash;
    static const char   hex[] = "0123456789abcdef";

    if (s->len <= GENAI_BOOKS_TEXT_MAX) {
        return;
    }

    hash = genai_books_text_hash(b, s);

    /* not within a character */

    n = GENAI_BOOKS_TEXT_MAX - 17;

    while (n > GENAI_BOOKS_TEXT_MAX - 21 && (s->data[n] & 0xc0) == 0x80) {
        n--;
    }

    memcpy(room, s->data, n);
    room[n++] = '~';

    for (s->len = n + 16; n < s->len; n++) {
        room[n] = hex[hash >> 60];
        hash <<= 4;
    }

    s->data = room;
}


const genai_books_text_t *
genai_books_text(const genai_books_t *b, uint64_t name)
{
    uint64_t                   offset, limit;
    const genai_books_text_t  *t;

    offset = name * GENAI_BOOKS_UNIT;
    limit = genai_books_limit(b);

    if (name > limit / GENAI_BOOKS_UNIT
        || offset + sizeof(genai_books_text_t) > limit
        || (offset < GENAI_BOOKS_BASE && name != GENAI_BOOKS_OTHER_NAME))
    {
        return NULL;
    }

    t = (const genai_books_text_t *) (const void *) (b->base + offset);

    if (t->len > GENAI_BOOKS_TEXT_MAX
        || offset + sizeof(genai_books_text_t) + t->len > limit)
    {
        return NULL;
    }

    return t;
}


int
genai_books_text_str(const genai_books_t *b, uint32_t name, genai_str_t *s)
{
    const genai_books_text_t  *t;

    s->len = 0;
    s->data = (unsigned char *) "";

    if (name == 0) {
        return 1;
    }

    t = genai_books_text(b, name);

    if (t == NULL) {
        return 0;
    }

    s->len = t->len;
    s->data = genai_books_text_data(t);

    return 1;
}


int
genai_books_text_is(const genai_books_t *b, uint32_t name,
    const genai_str_t *s)
{
    const genai_books_text_t  *t;

    if (name == 0 || s->len == 0) {
        return name == 0 && s->len == 0;
    }

    t = genai_books_text(b, name);

    return t && t->len == s->len
           && memcmp(genai_books_text_data(t), s->data, s->len) == 0;
}


/* returns 1, 0 where there is none, -1 where that cannot be said */

static int
genai_books_text_find(const genai_books_t *b, const genai_str_t *s,
    uint64_t hash, uint32_t *name)
{
    uint64_t                   next;
    unsigned                   n;
    const genai_books_text_t  *t;

    next = genai_books_get(genai_books_text_bucket(b, hash));

    for (n = 0; next; n++) {

        t = (next <= UINT32_MAX && n < GENAI_BOOKS_CHAIN)
            ? genai_books_text(b, next) : NULL;

        if (t == NULL) {
            genai_books_fault(b);
            return -1;
        }

        if (t->hash == (uint32_t) (hash >> 32)
            && t->len == s->len
            && memcmp(genai_books_text_data(t), s->data, s->len) == 0)
        {
            *name = (uint32_t) next;
            return 1;
        }

        next = genai_books_get(&t->next);
    }

    return 0;
}


int
genai_books_text_make(genai_books_t *b, const genai_str_t *s, uint32_t *name)
{
    int                    rc;
    uint64_t               hash, i, need, *bucket;
    genai_books_head_t    *head = b->head;
    genai_books_text_t    *t;
    genai_books_extent_t  *e;

    *name = 0;

    if (s->len == 0) {
        return 0;
    }

    hash = genai_books_text_hash(b, s);

    rc = genai_books_text_find(b, s, hash, name);

    if (rc) {
        return rc == 1 ? 0 : -1;
    }

    need = (sizeof(genai_books_text_t) + s->len + GENAI_BOOKS_UNIT - 1)
           & ~(uint64_t) (GENAI_BOOKS_UNIT - 1);

    i = genai_books_get(&head->text_extent) - 1;
    e = NULL;

    if (i < genai_books_extents(b)
        && genai_books_entry_kind(genai_books_directory(b)[i])
           == GENAI_EXTENT_TEXTS)
    {
        e = genai_books_extent(b, i);

        if (e->fill > GENAI_BOOKS_EXTENT - need
            || e->fill < sizeof(genai_books_text_t)
            || e->fill % GENAI_BOOKS_UNIT)
        {
            e = NULL;
        }
    }

    if (e == NULL) {

        if (genai_books_extent_make(b, GENAI_EXTENT_TEXTS, &i) != 0) {
            return -1;
        }

        e = genai_books_extent(b, i);
    }

    t = (genai_books_text_t *) (void *) ((unsigned char *) e + e->fill);
    bucket = genai_books_text_bucket(b, hash);

    /* nothing leads there yet */

    genai_books_fill(&t->next, genai_books_get(bucket));
    genai_books_name(&t->hash, (uint32_t) (hash >> 32));
    genai_books_name(&t->len, (uint32_t) s->len);
    memcpy(genai_books_text_data(t), s->data, s->len);

    *name = (uint32_t) (genai_books_offset(b, t) / GENAI_BOOKS_UNIT);

    genai_books_set(b, &e->fill, e->fill + need);
    genai_books_set(b, &head->texts, head->texts + 1);
    genai_books_set(b, bucket, *name);
    genai_books_commit(b);

    return 0;
}


/* makes room behind the last extent; returns 0, or -1 */

static int
genai_books_grow(genai_books_t *b)
{
    uint64_t             size, step;
    genai_books_head_t  *head = b->head;

    size = head->size;

    if (size >= b->max || genai_books_clock() < b->retry) {
        return -1;
    }

    step = b->max - size;
    step = step < GENAI_BOOKS_GROWTH ? step : GENAI_BOOKS_GROWTH;

    if (b->os.grow(b->os.data, size + step) != 0) {
        step = GENAI_BOOKS_EXTENT;

        if (b->os.grow(b->os.data, size + step) != 0) {
            b->retry = genai_books_clock() + GENAI_BOOKS_RETRY;
            return -1;
        }
    }

    genai_books_set(b, &head->size, size + step);
    genai_books_commit(b);

    return 0;
}


int
genai_books_extent_make(genai_books_t *b, unsigned kind, uint64_t *i)
{
    uint64_t               n, *directory;
    unsigned               place;
    genai_books_head_t    *head = b->head;
    genai_books_extent_t  *e;

    directory = genai_books_directory(b);
    n = head->extents;
    place = (kind == GENAI_EXTENT_STORED) ? (unsigned) *i : 0;

    if (kind == GENAI_EXTENT_LEASES && head->free_leases) {

        for (*i = 0; *i < genai_books_extents(b); (*i)++) {

            if (directory[*i] == genai_books_entry(kind, 0)) {
                genai_books_set(b, &directory[*i],
                                genai_books_entry(kind, b->holder));
                genai_books_set(b, &head->free_leases, head->free_leases - 1);
                genai_books_commit(b);

                return 0;
            }
        }
    }

    /* a disk may be full long before the bound is reached */

    while (kind != GENAI_EXTENT_LEASES
           && head->tables >= (head->size - GENAI_BOOKS_BASE)
                              / GENAI_BOOKS_EXTENT * GENAI_BOOKS_TABLES / 8)
    {
        if (genai_books_grow(b) != 0) {
            return -1;
        }
    }

    /* what another process has mapped is its own to use */

    if (n != genai_books_extents(b)
        || (GENAI_BOOKS_BASE + (n + 1) * GENAI_BOOKS_EXTENT > head->size
            && genai_books_grow(b) != 0)
        || GENAI_BOOKS_BASE + (n + 1) * GENAI_BOOKS_EXTENT
           > genai_books_limit(b))
    {
        return -1;
    }

    e = genai_books_extent(b, n);
    *i = n;

    genai_books_set(b, &directory[n],
                    genai_books_entry(kind, kind == GENAI_EXTENT_LEASES
                                            ? b->holder : 0));
    genai_books_set(b, &head->extents, n + 1);

    switch (kind) {

    case GENAI_EXTENT_ROWS:
        genai_books_set(b, &e->fill, 0);
        genai_books_set(b, &head->row_extent, n + 1);
        genai_books_set(b, &head->tables, head->tables + 1);
        break;

    case GENAI_EXTENT_TEXTS:
        genai_books_set(b, &e->fill, sizeof(genai_books_text_t));
        genai_books_set(b, &head->text_extent, n + 1);
        genai_books_set(b, &head->tables, head->tables + 1);
        break;

    case GENAI_EXTENT_COUNTERS:
        genai_books_set(b, &e->fill, 0);
        genai_books_set(b, &head->counter_extent, n + 1);
        genai_books_set(b, &head->tables, head->tables + 1);
        break;

    case GENAI_EXTENT_STORED:
        genai_books_set(b, &e->fill, 0);
        genai_books_set(b, genai_books_stored_place(b, place), n + 1);
        genai_books_set(b, &head->stored_extents, head->stored_extents + 1);
        genai_books_set(b, &head->tables, head->tables + 1);
        break;
    }

    genai_books_commit(b);

    return 0;
}
