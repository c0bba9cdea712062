/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The books as a whole: what a region is, making one, joining and leaving,
 * roles, words, and figures.
 */


#include "genai_books_int.h"

#include <stdlib.h>


#define genai_books_assert(name, cond)                                        \
    typedef char  genai_books_assert_##name[(cond) ? 1 : -1]

genai_books_assert(row, sizeof(genai_books_row_t) == 128);
genai_books_assert(lease, sizeof(genai_lease_t) == 768);
genai_books_assert(counter, sizeof(genai_books_counter_t) == 192);
genai_books_assert(stored, sizeof(genai_stored_bucket_t) == 192);
genai_books_assert(stored_head, sizeof(genai_books_extent_t)
                                <= GENAI_STORED_AT);
genai_books_assert(process, sizeof(genai_books_process_t) == 4096);
genai_books_assert(last, GENAI_BOOKS_LAST % 128 == 0);
genai_books_assert(other, offsetof(genai_books_head_t, text) % 16 == 0);
genai_books_assert(text, sizeof(genai_books_text_t) == 16);
genai_books_assert(head, sizeof(genai_books_head_t)
                         <= GENAI_BOOKS_AT_PROCESSES);
genai_books_assert(size, GENAI_BOOKS_BASE + 16 * GENAI_BOOKS_EXTENT
                         <= GENAI_BOOKS_SIZE_MIN);
genai_books_assert(roles, GENAI_BOOKS_ROLES <= GENAI_BOOKS_ROLE_ROOM);
genai_books_assert(words, GENAI_WORDS <= GENAI_BOOKS_WORD_ROOM);


static void genai_books_head(genai_books_head_t *head,
    const uint64_t seed[2]);
static genai_books_t *genai_books_alloc(const void *addr, uint64_t mapped);
static void genai_books_alone(genai_books_t *b);


genai_books_state_e
genai_books_look(const void *addr, uint64_t size, uint32_t *layout)
{
    uint64_t                   i, *directory;
    genai_books_t              b;
    genai_books_head_t         want;
    const unsigned char       *p = addr;
    const genai_books_head_t  *head = addr;

    *layout = 0;

    for (i = 0; i < size && i < sizeof(genai_books_head_t); i++) {
        if (p[i]) {
            break;
        }
    }

    if (i == size || i == sizeof(genai_books_head_t)) {

        /* what follows an empty head was no head's */

        for ( /* void */ ; i < size; i++) {
            if (p[i]) {
                return GENAI_BOOKS_DAMAGED;
            }
        }

        return GENAI_BOOKS_NEW;
    }

    if (size < 16 || memcmp(p, GENAI_BOOKS_MAGIC, 8) != 0) {
        return GENAI_BOOKS_FOREIGN;
    }

    memcpy(layout, p + 8, sizeof(uint32_t));

    if (*layout != GENAI_BOOKS_LAYOUT) {
        return GENAI_BOOKS_OTHER_LAYOUT;
    }

    if (size < GENAI_BOOKS_SIZE_MIN) {
        return GENAI_BOOKS_TRUNCATED;
    }

    genai_books_head(&want, head->seed);

    if (memcmp(p, &want, offsetof(genai_books_head_t, lock)) != 0) {
        return head->order == GENAI_BOOKS_ORDER ? GENAI_BOOKS_DAMAGED
                                                : GENAI_BOOKS_OTHER_LAYOUT;
    }

    /* the directory says of each extent that it is there */

    if (head->size < GENAI_BOOKS_SIZE_MIN
        || head->size > GENAI_BOOKS_SIZE_MAX
        || head->size % GENAI_BOOKS_EXTENT)
    {
        return GENAI_BOOKS_DAMAGED;
    }

    if (head->size > size) {
        return GENAI_BOOKS_TRUNCATED;
    }

    if (head->spoilt) {
        return GENAI_BOOKS_DAMAGED;
    }

    if (head->extents > (head->size - GENAI_BOOKS_BASE) / GENAI_BOOKS_EXTENT
        || head->places > GENAI_BOOKS_PROCESSES
        || head->row_extent > head->extents
        || head->text_extent > head->extents
        || head->counter_extent > head->extents
        || head->tables > head->extents
        || head->free_leases > head->extents)
    {
        return GENAI_BOOKS_DAMAGED;
    }

    b.base = (unsigned char *) (uintptr_t) addr;
    directory = genai_books_directory(&b);

    for (i = 0; i < head->extents; i++) {
        switch (genai_books_entry_kind(directory[i])) {

        case GENAI_EXTENT_LEASES:
        case GENAI_EXTENT_ROWS:
        case GENAI_EXTENT_TEXTS:
        case GENAI_EXTENT_COUNTERS:
        case GENAI_EXTENT_STORED:
            break;

        default:
            return GENAI_BOOKS_DAMAGED;
        }
    }

    return GENAI_BOOKS_OK;
}


const char *
genai_books_state_text(genai_books_state_e state)
{
    switch (state) {
    case GENAI_BOOKS_OK:
        return "these are books";
    case GENAI_BOOKS_NEW:
        return "it is empty";
    case GENAI_BOOKS_FOREIGN:
        return "it is something else, no books";
    case GENAI_BOOKS_OTHER_LAYOUT:
        return "these are books of another version";
    case GENAI_BOOKS_TRUNCATED:
        return "these books are shorter than they say";
    case GENAI_BOOKS_DAMAGED:
        return "these books are damaged";
    }

    return "";
}


/* what never changes */

static void
genai_books_head(genai_books_head_t *head, const uint64_t seed[2])
{
    memset(head, 0, sizeof(genai_books_head_t));
    memcpy(head->magic, GENAI_BOOKS_MAGIC, sizeof(head->magic));

    head->layout = GENAI_BOOKS_LAYOUT;
    head->order = GENAI_BOOKS_ORDER;
    head->extent = GENAI_BOOKS_EXTENT;
    head->process = sizeof(genai_books_process_t);
    head->processes = GENAI_BOOKS_PROCESSES;
    head->row = sizeof(genai_books_row_t);
    head->row_buckets = GENAI_BOOKS_ROW_BUCKETS;
    head->text_buckets = GENAI_BOOKS_TEXT_BUCKETS;
    head->lease = sizeof(genai_lease_t);
    head->reserve = GENAI_BOOKS_RESERVE;
    head->counter = sizeof(genai_books_counter_t);
    head->counter_buckets = GENAI_COUNTER_BUCKETS;
    head->stored = sizeof(genai_stored_bucket_t);
    head->stored_places = GENAI_STORED_EXTENTS;
    head->base = GENAI_BOOKS_BASE;
    head->seed[0] = seed[0];
    head->seed[1] = seed[1];
    head->seed_check = ~(seed[0] ^ seed[1]);
}


void
genai_books_format(void *addr, uint64_t size, const uint64_t seed[2])
{
    uint64_t             hash, *directory;
    unsigned             i;
    genai_str_t          text = genai_str(GENAI_BOOKS_OTHER);
    genai_books_t        b;
    genai_books_row_t   *row;
    genai_books_head_t  *head = addr, want;

    memset(&b, 0, sizeof(genai_books_t));
    b.base = addr;
    b.head = &want;

    genai_books_head(&want, seed);

    want.size = size - size % GENAI_BOOKS_EXTENT;
    want.extents = 1;
    want.tables = 1;
    want.row_extent = 1;
    want.texts = 1;

    /* the text and the row "other" of all, which has no day */

    hash = genai_books_text_hash(&b, &text);

    want.text.hash = (uint32_t) (hash >> 32);
    want.text.len = (uint32_t) text.len;
    memcpy(want.other_text, text.data, text.len);

    *genai_books_text_bucket(&b, hash) = GENAI_BOOKS_OTHER_NAME;

    want.last.tag = genai_books_tag(GENAI_BOOKS_NO_DAY);

    for (i = 0; i < GENAI_NAMES; i++) {
        want.last.name[i] = GENAI_BOOKS_OTHER_NAME;
    }

    /* rows that are free from the beginning: those reserved */

    directory = genai_books_directory(&b);
    directory[0] = genai_books_entry(GENAI_EXTENT_ROWS, 0);

    genai_books_extent(&b, 0)->fill = GENAI_BOOKS_RESERVE;

    for (i = GENAI_BOOKS_RESERVE; i; i--) {
        row = genai_books_extent_row(&b, 0, i);
        row->next = want.free_row;
        want.free_row = genai_books_offset(&b, row);
    }

    want.free_rows = GENAI_BOOKS_RESERVE;

    /* the magic comes last */

    memcpy((unsigned char *) addr + sizeof(want.magic),
           (unsigned char *) &want + sizeof(want.magic),
           sizeof(want) - sizeof(want.magic));

    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    memcpy(head->magic, want.magic, sizeof(want.magic));
}


uint64_t
genai_books_size(const void *addr)
{
    const genai_books_head_t  *head = addr;

    if (memcmp(head->magic, GENAI_BOOKS_MAGIC, sizeof(head->magic)) != 0
        || head->size < GENAI_BOOKS_SIZE_MIN
        || head->size > GENAI_BOOKS_SIZE_MAX)
    {
        return 0;
    }

    return head->size;
}


int
genai_books_spoilt(const void *addr)
{
    const genai_books_head_t  *head = addr;

    return head->spoilt != 0;
}


void
genai_books_spoil(void *addr)
{
    genai_books_head_t  *head = addr;

    genai_books_put(&head->spoilt, 1);
}


int
genai_books_booted(const void *addr, const uint64_t boot[2])
{
    const genai_books_head_t  *head = addr;

    return (boot[0] | boot[1])
           && (head->boot[0] | head->boot[1])
           && (head->boot[0] != boot[0] || head->boot[1] != boot[1]);
}


void
genai_books_boot(void *addr, const uint64_t boot[2])
{
    unsigned             i;
    genai_books_t        b;
    genai_books_head_t  *head = addr;

    b.base = addr;

    if (genai_books_booted(addr, boot)) {
        for (i = 0; i < GENAI_BOOKS_PROCESSES; i++) {
            genai_books_put(&genai_books_place(&b, i)->commit, 0);
        }
    }

    genai_books_put(&head->boot[0], boot[0]);
    genai_books_put(&head->boot[1], boot[1]);
}


uint64_t
genai_books_used(const void *addr)
{
    const genai_books_head_t  *head = addr;

    return GENAI_BOOKS_BASE
           + genai_books_get(&head->extents) * GENAI_BOOKS_EXTENT;
}


uint64_t
genai_books_extents(const genai_books_t *b)
{
    uint64_t  n, room;

    n = genai_books_get(&b->head->extents);
    room = genai_books_limit(b);
    room = (room < GENAI_BOOKS_BASE) ? 0
           : (room - GENAI_BOOKS_BASE) / GENAI_BOOKS_EXTENT;

    return n < room ? n : room;
}


void *
genai_books_next(const genai_books_t *b, genai_extent_e kind, size_t size,
    uint64_t *cursor, unsigned *looks)
{
    uint64_t         i, n, per, extents;
    unsigned char   *e;
    const uint64_t  *directory;

    directory = genai_books_directory(b);
    extents = genai_books_extents(b);

    /* the number of an extent, and of a place in it from 1 */

    per = GENAI_BOOKS_EXTENT / size;
    i = *cursor / per;
    n = *cursor % per;

    for ( /* void */ ; i < extents && *looks; i++, n = 0) {

        (*looks)--;

        if (genai_books_entry_kind(genai_books_get(&directory[i])) != kind) {
            continue;
        }

        e = (unsigned char *) genai_books_extent(b, i);

        if (n < genai_books_get((uint64_t *) (void *) e) && n < per - 1) {
            *cursor = i * per + n + 1;
            return e + (n + 1) * size;
        }
    }

    *cursor = i * per;

    return NULL;
}


void
genai_books_fault(const genai_books_t *b)
{
    if (b->self) {
        genai_books_add(&b->head->faults, 1);
    }
}


static genai_books_t *
genai_books_alloc(const void *addr, uint64_t mapped)
{
    genai_books_t  *b;

    b = calloc(1, sizeof(genai_books_t));
    if (b == NULL) {
        return NULL;
    }

    b->base = (unsigned char *) (uintptr_t) addr;
    b->head = (genai_books_head_t *) (void *) b->base;
    b->mapped = mapped;

    return b;
}


genai_books_t *
genai_books_join(void *addr, uint64_t mapped, uint64_t max,
    const genai_process_id_t *self, const genai_books_os_t *os, int fresh)
{
    uint64_t                state, places;
    unsigned                i, gen;
    genai_books_t          *b;
    genai_books_process_t  *p;

    b = genai_books_alloc(addr, mapped);
    if (b == NULL) {
        return NULL;
    }

    b->os = *os;
    b->max = max < mapped ? max : mapped;
    b->max -= b->max % GENAI_BOOKS_EXTENT;

    if (fresh) {
        genai_books_alone(b);
    }

    for (i = 0; i < GENAI_BOOKS_PROCESSES; i++) {
        p = genai_books_place(b, i);
        state = genai_books_get(&p->state);

        if (genai_books_state_kind(state) != GENAI_PLACE_FREE) {
            continue;
        }

        gen = (genai_books_state_gen(state) + 1) & 0x1fffff;

        if (!genai_books_swap(&p->state, state,
                              genai_books_state(GENAI_PLACE_JOINING, gen,
                                                self->pid)))
        {
            continue;
        }

        do {
            places = genai_books_get(&b->head->places);
        } while (places < i + 1
                 && !genai_books_swap(&b->head->places, places, i + 1));

        genai_books_put(&p->start, self->start);
        genai_books_put(&p->commit, 0);
        genai_books_put(&p->nlocks, 0);

        b->self = p;
        b->holder = genai_books_holder(i, gen);

        genai_books_put(&p->state, genai_books_state(GENAI_PLACE_LIVE, gen,
                                                     self->pid));

        return b;
    }

    free(b);

    return NULL;
}


/*
 * Nobody else is here: all the others are dead.  Those who had no leases leave
 * their places at once, or a table that is full could never be looked after.
 */

static void
genai_books_alone(genai_books_t *b)
{
    uint64_t                i, state, *directory;
    uint32_t                holder;
    unsigned                n;
    unsigned char           owns[GENAI_BOOKS_PROCESSES];
    genai_books_process_t  *p;

    memset(owns, 0, sizeof(owns));

    directory = genai_books_directory(b);

    for (i = 0; i < genai_books_extents(b); i++) {

        if (genai_books_entry_kind(directory[i]) == GENAI_EXTENT_LEASES) {
            n = genai_books_holder_place(genai_books_entry_owner(directory[i]));

            if (n < GENAI_BOOKS_PROCESSES) {
                owns[n] = 1;
            }
        }
    }

    if (i < genai_books_get(&b->head->extents)) {
        memset(owns, 1, sizeof(owns));
    }

    for (n = 0; n < GENAI_BOOKS_PROCESSES; n++) {
        p = genai_books_place(b, n);
        state = genai_books_get(&p->state);

        if (genai_books_state_kind(state) == GENAI_PLACE_FREE) {
            continue;
        }

        genai_books_put(&p->state, (state & ~(uint64_t) 0xff)
                                   | GENAI_PLACE_GONE);

        holder = genai_books_holder(n, genai_books_state_gen(state));

        if (genai_books_repair(b, p, holder) != 0) {
            owns[n] = 1;
        }
    }

    for (n = 0; n < GENAI_BOOKS_PROCESSES; n++) {
        p = genai_books_place(b, n);
        state = genai_books_get(&p->state);

        if (genai_books_state_kind(state) != GENAI_PLACE_FREE && !owns[n]) {
            genai_books_put(&p->state,
                            genai_books_state(GENAI_PLACE_FREE,
                                              genai_books_state_gen(state),
                                              0));
        }
    }
}


void
genai_books_leave(genai_books_t *b)
{
    int                  out;
    uint64_t             i, entry, *directory;
    unsigned             n;
    genai_books_head_t  *head = b->head;

    if (b->self == NULL) {
        free(b);
        return;
    }

    for (n = 0; n < GENAI_BOOKS_ROLES; n++) {
        genai_books_role_leave(b, n);
    }

    out = 0;
    directory = genai_books_directory(b);
    entry = genai_books_entry(GENAI_EXTENT_LEASES, b->holder);

    for (i = 0; i < genai_books_extents(b); i++) {

        if (genai_books_get(&directory[i]) != entry) {
            continue;
        }

        for (n = 1; n < GENAI_BOOKS_LEASES; n++) {
            if (genai_books_extent_lease(b, i, n)->state & GENAI_LEASE_USED) {
                break;
            }
        }

        if (n < GENAI_BOOKS_LEASES) {
            out = 1;
            continue;
        }

        genai_books_lock(b, &head->lock);
        genai_books_set(b, &genai_books_extent(b, i)->fill, 0);
        genai_books_set(b, &directory[i],
                        genai_books_entry(GENAI_EXTENT_LEASES, 0));
        genai_books_set(b, &head->free_leases, head->free_leases + 1);
        genai_books_commit(b);
        genai_books_unlock(b);
    }

    n = genai_books_holder_gen(b->holder);

    genai_books_put(&b->self->state, out
                    ? genai_books_state(GENAI_PLACE_GONE, n,
                        genai_books_state_pid(genai_books_get(&b->self->state)))
                    : genai_books_state(GENAI_PLACE_FREE, n, 0));

    free(b->free);
    free(b);
}


int
genai_books_role_take(genai_books_t *b, genai_books_role_e role)
{
    uint64_t  holder, *word = &b->head->roles[role];

    holder = genai_books_get(word);

    if (holder == b->holder) {
        return 1;
    }

    if (holder && !genai_books_dead(b, (uint32_t) holder)) {
        return 0;
    }

    return genai_books_swap(word, holder, b->holder);
}


void
genai_books_role_leave(genai_books_t *b, genai_books_role_e role)
{
    (void) genai_books_swap(&b->head->roles[role], b->holder, 0);
}


uint64_t
genai_books_word(const genai_books_t *b, genai_word_e word)
{
    return genai_books_get(&b->head->words[word]);
}


void
genai_books_word_set(genai_books_t *b, genai_word_e word, uint64_t value)
{
    genai_books_put(&b->head->words[word], value);
}


uint64_t
genai_books_word_add(genai_books_t *b, genai_word_e word, uint64_t value)
{
    return __atomic_add_fetch(&b->head->words[word], value, __ATOMIC_ACQ_REL);
}


int
genai_books_word_swap(genai_books_t *b, genai_word_e word, uint64_t old,
    uint64_t value)
{
    return genai_books_swap(&b->head->words[word], old, value);
}


void
genai_books_stats(const genai_books_t *b, genai_books_stats_t *stats)
{
    uint64_t                   i, n, *directory;
    const genai_books_head_t  *head = b->head;

    memset(stats, 0, sizeof(genai_books_stats_t));

    stats->size = genai_books_get(&head->size);
    stats->max = b->max ? b->max : stats->size;
    stats->used = genai_books_used(head);
    stats->rows = genai_books_get(&head->rows);
    stats->texts = genai_books_get(&head->texts);
    stats->counters = genai_books_get(&head->counters);
    stats->orphans = genai_books_get(&head->orphans);
    stats->other = genai_books_get(&head->other);
    stats->takeovers = genai_books_get(&head->takeovers);
    stats->faults = genai_books_get(&head->faults);
    stats->stored_lost = genai_books_get(&head->stored_lost);

    directory = genai_books_directory(b);
    n = genai_books_extents(b);

    for (i = 0; i < n; i++) {
        if (genai_books_entry_kind(genai_books_get(&directory[i]))
            == GENAI_EXTENT_LEASES)
        {
            stats->leases += genai_books_get(&genai_books_extent(b, i)->fill);
            stats->lease_slots += GENAI_BOOKS_LEASES - 1;

        } else if (genai_books_entry_kind(genai_books_get(&directory[i]))
                   == GENAI_EXTENT_STORED)
        {
            stats->stored += genai_books_get(&genai_books_extent(b, i)->fill);
        }
    }

    for (i = 0; i < GENAI_BOOKS_PROCESSES; i++) {
        if (i < genai_books_get(&head->places)
            && genai_books_state_kind(
                       genai_books_get(&genai_books_place(b, (unsigned) i)
                                       ->state))
               == GENAI_PLACE_LIVE)
        {
            stats->processes++;
        }
    }
}


genai_books_t *
genai_books_view(const void *addr, uint64_t size)
{
    uint32_t  layout;

    if (genai_books_look(addr, size, &layout) != GENAI_BOOKS_OK) {
        return NULL;
    }

    return genai_books_alloc(addr, size);
}
