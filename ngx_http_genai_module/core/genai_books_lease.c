/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Leases.  Their slots come by extents, each of one process: it keeps the
 * free ones on a stack of its own, and no lock is needed for a slot.  A lease
 * copies the names of its row, so that one that cannot be trusted is noticed.
 *
 * A checkpoint has two copies.  The one that is not said is written, then one
 * store says it: whenever the process dies, one of them is whole.
 */


#include "genai_books_int.h"

#include <stdlib.h>


/* processes that one sweep asks the system about, at some 10 us each */
#define GENAI_BOOKS_ASKED  32


static genai_books_row_t *genai_books_lease_account(genai_books_t *b,
    const genai_account_t *account);
static int genai_books_lease_more(genai_books_t *b);
static int genai_books_close(genai_books_t *b, genai_lease_t *lease,
    const genai_totals_t *used, genai_overrun_t *overrun);
static genai_books_row_t *genai_books_close_row(genai_books_t *b,
    const genai_lease_t *lease);
static void genai_books_close_lock(genai_books_t *b,
    const genai_lease_t *lease, genai_books_row_t *row);
static void genai_books_free_slot(genai_books_t *b, genai_lease_t *lease,
    uint64_t state);
static unsigned genai_books_sweep_place(genai_books_t *b, unsigned place,
    uint32_t holder, unsigned budget);


genai_lease_t *
genai_books_lease(genai_books_t *b, const genai_account_t *account,
    const unsigned char id[GENAI_BOOKS_ID_LEN], int64_t now)
{
    unsigned               i;
    genai_lease_t         *lease;
    genai_books_row_t     *row;
    genai_books_extent_t  *e;

    if (b->nfree == 0 && genai_books_lease_more(b) != 0) {
        return NULL;
    }

    row = genai_books_lease_account(b, account);

    lease = b->free[--b->nfree];

    /* a slot that is not in use counts for nothing, whatever it says */

    genai_books_fill(&lease->row, genai_books_offset(b, row));
    genai_books_fill(&lease->tag, genai_books_get(&row->tag));
    genai_books_fill(&lease->hash, genai_books_row_hash(row));

    for (i = 0; i < GENAI_NAMES; i++) {
        genai_books_name(&lease->name[i],
                         __atomic_load_n(&row->name[i], __ATOMIC_RELAXED));
    }

    genai_books_fill((uint64_t *) &lease->started, (uint64_t) now);
    genai_books_fill(&lease->turn, 0);
    genai_books_fill(&lease->nheld, 0);

    for (i = 0; i < GENAI_BOOKS_SAID; i++) {
        genai_books_fill(&lease->said[0][i], 0);
    }

    memcpy(lease->id, id, GENAI_BOOKS_ID_LEN);

    genai_books_put(&lease->state, ++b->serial << 1 | GENAI_LEASE_USED);

    e = genai_books_extent(b, (genai_books_offset(b, lease) - GENAI_BOOKS_BASE)
                              / GENAI_BOOKS_EXTENT);

    genai_books_put(&e->fill, e->fill + 1);

    return lease;
}


/* the row of an account, whose texts may be too long */

static genai_books_row_t *
genai_books_lease_account(genai_books_t *b, const genai_account_t *account)
{
    unsigned char    room[GENAI_NAMES][GENAI_BOOKS_TEXT_MAX];
    genai_account_t  cut;

    if (account->team.len > GENAI_BOOKS_TEXT_MAX
        || account->user.len > GENAI_BOOKS_TEXT_MAX
        || account->key.len > GENAI_BOOKS_TEXT_MAX
        || account->model.len > GENAI_BOOKS_TEXT_MAX)
    {
        cut = *account;

        genai_books_text_cut(b, &cut.team, room[GENAI_NAME_TEAM]);
        genai_books_text_cut(b, &cut.user, room[GENAI_NAME_USER]);
        genai_books_text_cut(b, &cut.key, room[GENAI_NAME_KEY]);
        genai_books_text_cut(b, &cut.model, room[GENAI_NAME_MODEL]);

        account = &cut;
    }

    return genai_books_row_get(b, account,
                               genai_books_account_hash(b, account));
}


void
genai_books_rebook(genai_books_t *b, genai_lease_t *lease,
    const genai_account_t *account)
{
    uint64_t            two;
    unsigned            i;
    uint32_t            names[GENAI_NAMES];
    genai_books_row_t  *row;

    row = genai_books_lease_account(b, account);

    if (lease->row == genai_books_offset(b, row)) {
        return;
    }

    for (i = 0; i < GENAI_NAMES; i++) {
        names[i] = __atomic_load_n(&row->name[i], __ATOMIC_RELAXED);
    }

    /* all of it at once: who settles it for us trusts no half of it */

    genai_books_set(b, &lease->row, genai_books_offset(b, row));
    genai_books_set(b, &lease->tag, genai_books_get(&row->tag));
    genai_books_set(b, &lease->hash, genai_books_row_hash(row));

    for (i = 0; i < GENAI_NAMES; i += 2) {
        memcpy(&two, &names[i], sizeof(two));
        genai_books_set(b, (uint64_t *) (void *) &lease->name[i], two);
    }

    genai_books_commit(b);
}


/* another extent of slots is ours; returns 0, or -1 */

static int
genai_books_lease_more(genai_books_t *b)
{
    int              rc;
    uint64_t         i;
    unsigned         n;
    genai_lease_t  **p, *lease;

    /* first what can fail without a trace */

    n = b->room + GENAI_BOOKS_LEASES;

    p = realloc(b->free, n * sizeof(genai_lease_t *));
    if (p == NULL) {
        return -1;
    }

    b->free = p;

    genai_books_lock(b, &b->head->lock);
    rc = genai_books_extent_make(b, GENAI_EXTENT_LEASES, &i);
    genai_books_unlock(b);

    if (rc != 0) {
        return -1;
    }

    b->room = n;

    for (n = GENAI_BOOKS_LEASES - 1; n; n--) {
        lease = genai_books_extent_lease(b, i, n);

        if (lease->state & GENAI_LEASE_USED) {
            genai_books_fault(b);
            continue;
        }

        b->free[b->nfree++] = lease;
    }

    return b->nfree ? 0 : -1;
}


void
genai_books_checkpoint(genai_lease_t *lease, const genai_totals_t *so_far)
{
    uint64_t  turn, *said;

    turn = lease->turn + 1;
    said = lease->said[turn & 1];

    genai_books_fill(&said[0], so_far->failed);
    genai_books_fill(&said[1], so_far->estimated);
    genai_books_fill(&said[2], so_far->attempts);
    genai_books_fill(&said[3], so_far->prompt);
    genai_books_fill(&said[4], so_far->cached);
    genai_books_fill(&said[5], so_far->completion);
    genai_books_fill(&said[6], so_far->reasoning);
    genai_books_fill(&said[7], so_far->cost);

    genai_books_put(&lease->turn, turn);

    /* the next checkpoint's must not come before: that copy is now read */

    __atomic_thread_fence(__ATOMIC_RELEASE);
    genai_books_barrier();
}


void
genai_books_said(const genai_lease_t *lease, genai_totals_t *so_far)
{
    uint64_t         turn, said[GENAI_BOOKS_SAID];
    unsigned         i, n;

    for (n = 0; n < 16; n++) {
        turn = genai_books_get(&lease->turn);

        for (i = 0; i < GENAI_BOOKS_SAID; i++) {
            said[i] = __atomic_load_n(&lease->said[turn & 1][i],
                                      __ATOMIC_RELAXED);
        }

        __atomic_thread_fence(__ATOMIC_ACQUIRE);

        if (genai_books_get(&lease->turn) == turn) {
            break;
        }
    }

    so_far->exchanges = 0;
    so_far->failed = said[0];
    so_far->orphans = 0;
    so_far->estimated = said[1];
    so_far->attempts = said[2];
    so_far->prompt = said[3];
    so_far->cached = said[4];
    so_far->completion = said[5];
    so_far->reasoning = said[6];
    so_far->cost = said[7];
}


void
genai_books_settle(genai_books_t *b, genai_lease_t *lease,
    const genai_totals_t *used, genai_overrun_t *overrun)
{
    genai_totals_t  t;

    t = *used;
    t.exchanges = 1;
    t.orphans = 0;

    if (genai_books_close(b, lease, &t, overrun)) {
        b->free[b->nfree++] = lease;
    }
}


void
genai_books_drop(genai_books_t *b, genai_lease_t *lease)
{
    genai_books_let_go(b, lease);

    genai_books_free_slot(b, lease, lease->state);
    genai_books_commit(b);

    b->free[b->nfree++] = lease;
}


/* returns 1, or 0 where that lease is not in use */

static int
genai_books_close(genai_books_t *b, genai_lease_t *lease,
    const genai_totals_t *used, genai_overrun_t *overrun)
{
    uint64_t            state, sum, add[GENAI_BOOKS_TOTALS];
    uint64_t            ended[GENAI_HOLDS_MAX];
    uint32_t            check;
    unsigned            i, n;
    genai_use_t         use;
    genai_books_row_t  *row;

    row = genai_books_close_row(b, lease);

    /* who repaired this place before us may have done so in the meantime */

    state = genai_books_get(&lease->state);

    if (!(state & GENAI_LEASE_USED)) {
        genai_books_unlock(b);
        return 0;
    }

    memcpy(add, used, sizeof(add));
    check = (uint32_t) (row->hash >> 32);

    for (i = 0; i < GENAI_BOOKS_TOTALS; i++) {
        if (add[i]) {
            sum = row->totals[i] + add[i];
            check += genai_books_check(i, sum)
                     - genai_books_check(i, row->totals[i]);

            genai_books_set(b, &row->totals[i], sum);
        }
    }

    genai_books_set(b, &row->hash,
                    (uint64_t) check << 32 | genai_books_row_hash(row));

    n = 0;

    if (lease->nheld) {
        use.prompt = used->prompt;
        use.cached = used->cached;
        use.completion = used->completion;
        use.reasoning = used->reasoning;
        use.cost = used->cost;

        n = genai_books_hold_close(b, lease, &use, 0, ended, overrun);
    }

    genai_books_free_slot(b, lease, state);

    genai_books_commit(b);
    genai_books_unlock(b);

    for (i = 0; i < n; i++) {
        genai_books_counter_end(b, ended[i]);
    }

    return 1;
}


static void
genai_books_free_slot(genai_books_t *b, genai_lease_t *lease, uint64_t state)
{
    genai_books_extent_t  *e;

    e = genai_books_extent(b, (genai_books_offset(b, lease) - GENAI_BOOKS_BASE)
                              / GENAI_BOOKS_EXTENT);

    /* who died behind taking a slot has not counted it */

    genai_books_set(b, &lease->state, state & ~(uint64_t) GENAI_LEASE_USED);
    genai_books_set(b, &e->fill, e->fill ? e->fill - 1 : 0);
}


/* the row of a lease, locked as are the counters that it holds */

static genai_books_row_t *
genai_books_close_row(genai_books_t *b, const genai_lease_t *lease)
{
    uint64_t            hash;
    unsigned            n;
    genai_account_t     account;
    genai_books_row_t  *row;

    row = genai_books_row_at(b, lease->row);

    for (n = 0; row; n++) {

        genai_books_close_lock(b, lease, row);

        if ((genai_books_get(&row->tag) == lease->tag
             && genai_books_row_hash(row) == lease->hash
             && memcmp(row->name, lease->name, sizeof(row->name)) == 0)
            || (n == 3
                && (genai_books_get(&row->tag) & UINT32_MAX)
                   == genai_books_tag(0)))
        {
            return row;
        }

        genai_books_unlock(b);

        /* a row of a day that was retired while the lease was out */

        if (n == 3
            || (lease->tag & UINT32_MAX) != genai_books_tag(0)
            || !genai_books_names(b, lease->name, &account))
        {
            break;
        }

        account.day = (int32_t) (lease->tag >> 32);
        hash = genai_books_account_hash(b, &account);
        row = genai_books_row_get(b, &account, hash);

        /* it is what it is, also when that is a row "other" */

        n = 2;
    }

    genai_books_fault(b);
    row = &b->head->last;
    genai_books_close_lock(b, lease, row);

    return row;
}


static void
genai_books_close_lock(genai_books_t *b, const genai_lease_t *lease,
    genai_books_row_t *row)
{
    unsigned   n;
    uint64_t  *words[1 + GENAI_HOLDS_MAX];

    words[0] = &row->lock;
    n = lease->nheld ? genai_books_hold_locks(b, lease, &words[1]) : 0;

    genai_books_lock_all(b, words, n + 1);
}


unsigned
genai_books_sweep(genai_books_t *b, unsigned budget)
{
    uint64_t                state, places;
    uint32_t                holder;
    unsigned                n, i, asked, settled;
    genai_books_process_t  *p;

    asked = 0;
    settled = 0;
    places = genai_books_get(&b->head->places);

    if (places > GENAI_BOOKS_PROCESSES) {
        genai_books_fault(b);
        places = GENAI_BOOKS_PROCESSES;
    }

    for (n = 0; n < places && settled < budget; n++) {

        i = (b->swept + 1) % (unsigned) places;
        p = genai_books_place(b, i);

        state = genai_books_get(&p->state);

        if (p == b->self || genai_books_state_kind(state) == GENAI_PLACE_FREE)
        {
            b->swept = i;
            continue;
        }

        /* the next call begins with who is not asked about any more */

        if (genai_books_state_kind(state) != GENAI_PLACE_GONE
            && asked++ == GENAI_BOOKS_ASKED)
        {
            break;
        }

        b->swept = i;

        holder = genai_books_holder(i, genai_books_state_gen(state));

        if (genai_books_dead(b, holder) != 1
            || genai_books_recover(b, holder) != 1)
        {
            continue;
        }

        settled += genai_books_sweep_place(b, i, holder, budget - settled);

        genai_books_release(b, holder);
    }

    return settled;
}


/* with the right to repair that place; frees it when nothing is left */

static unsigned
genai_books_sweep_place(genai_books_t *b, unsigned place, uint32_t holder,
    unsigned budget)
{
    uint64_t                i, state, *directory;
    unsigned                n, settled;
    genai_lease_t          *lease;
    genai_totals_t          used;
    genai_books_head_t     *head = b->head;
    genai_books_process_t  *p;

    settled = 0;
    directory = genai_books_directory(b);

    for (i = 0; i < genai_books_extents(b); i++) {

        if (genai_books_get(&directory[i])
            != genai_books_entry(GENAI_EXTENT_LEASES, holder))
        {
            continue;
        }

        for (n = 1; n < GENAI_BOOKS_LEASES; n++) {
            lease = genai_books_extent_lease(b, i, n);

            if (!(genai_books_get(&lease->state) & GENAI_LEASE_USED)) {
                continue;
            }

            if (settled == budget) {
                return settled;
            }

            genai_books_said(lease, &used);

            used.exchanges = 1;
            used.orphans = 1;

            if (genai_books_close(b, lease, &used, NULL)) {
                genai_books_add(&head->orphans, 1);
                settled++;
            }
        }

        genai_books_lock(b, &head->lock);
        genai_books_set(b, &genai_books_extent(b, i)->fill, 0);
        genai_books_set(b, &directory[i],
                        genai_books_entry(GENAI_EXTENT_LEASES, 0));
        genai_books_set(b, &head->free_leases, head->free_leases + 1);
        genai_books_commit(b);
        genai_books_unlock(b);
    }

    /* extents that only others have mapped are theirs to look after */

    if (genai_books_get(&head->extents) == i) {
        p = genai_books_place(b, place);
        state = genai_books_get(&p->state);

        genai_books_put(&p->state,
                        genai_books_state(GENAI_PLACE_FREE,
                                          genai_books_state_gen(state), 0));
    }

    return settled;
}


int
genai_books_lease_row(const genai_books_t *b, uint64_t *cursor,
    genai_account_t *account, genai_totals_t *so_far,
    unsigned char id[GENAI_BOOKS_ID_LEN], int64_t *started,
    genai_process_id_t *owner)
{
    uint64_t                      i, n, state, place, entry, extents;
    uint32_t                      name[GENAI_NAMES];
    unsigned                      looks;
    const uint64_t               *directory;
    const genai_lease_t          *lease;
    const genai_books_process_t  *p;

    directory = genai_books_directory(b);
    extents = genai_books_extents(b);

    i = *cursor / GENAI_BOOKS_LEASES;
    n = *cursor % GENAI_BOOKS_LEASES;

    for (looks = 0; i < extents && looks < 4096; i++, n = 0) {

        entry = genai_books_get(&directory[i]);
        looks++;

        if (genai_books_entry_kind(entry) != GENAI_EXTENT_LEASES) {
            continue;
        }

        for (looks += 64; n < GENAI_BOOKS_LEASES - 1; n++) {

            lease = genai_books_extent_lease(b, i, (unsigned) n + 1);
            state = genai_books_get(&lease->state);

            if (!(state & GENAI_LEASE_USED)) {
                continue;
            }

            account->day = (int32_t) (genai_books_get(&lease->tag) >> 32);
            *started = (int64_t) genai_books_get((const uint64_t *)
                                                 &lease->started);
            memcpy(name, lease->name, sizeof(name));
            memcpy(id, lease->id, GENAI_BOOKS_ID_LEN);
            genai_books_said(lease, so_far);

            __atomic_thread_fence(__ATOMIC_ACQUIRE);

            if (genai_books_get(&lease->state) != state) {
                continue;
            }

            (void) genai_books_names(b, name, account);
            so_far->exchanges = 1;

            if (owner) {
                memset(owner, 0, sizeof(genai_process_id_t));

                place = genai_books_holder_place(
                                               genai_books_entry_owner(entry));

                if (place < GENAI_BOOKS_PROCESSES) {
                    p = genai_books_place(b, (unsigned) place);
                    owner->pid = genai_books_state_pid(
                                                   genai_books_get(&p->state));
                    owner->start = genai_books_get(&p->start);
                }
            }

            *cursor = i * GENAI_BOOKS_LEASES + n + 1;
            return 1;
        }
    }

    *cursor = i * GENAI_BOOKS_LEASES;

    return i < extents ? -1 : 0;
}
