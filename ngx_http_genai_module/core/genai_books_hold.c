/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What exchanges in flight hold of counters.  Each change of them is one redo
 * record, with the locks of all counters that it is about, so that it happens
 * to all or to none, wherever the process dies.
 *
 * While a lease holds some of a counter, that is not freed and not turned to
 * another window: what the lease says about where it is stays true.
 */


#include "genai_books_int.h"


/* turns in which counters may have changed before their locks were held */
#define GENAI_HOLD_TURNS  16


static void genai_books_hold_twice(genai_hold_t *holds,
    genai_books_counter_t **counters, unsigned n);
static unsigned genai_books_hold_look(genai_hold_t *holds,
    genai_books_counter_t **counters, unsigned n);
static void genai_books_hold_take(genai_books_t *b, genai_lease_t *lease,
    genai_hold_t *holds, genai_books_counter_t **counters, unsigned n);
static genai_books_counter_t *genai_books_held(const genai_books_t *b,
    const genai_books_held_t *held);


static uint64_t
genai_hold_room(uint64_t amount, uint64_t used, uint64_t leased)
{
    uint64_t  sum = used + leased;

    return (sum < amount) ? amount - sum : 0;
}


unsigned
genai_hold_tight(genai_hold_t *hold, uint64_t amount, uint64_t take)
{
    hold->tight = !hold->limit.shadow
                  && take > genai_hold_room(amount, hold->used, hold->leased);

    return hold->tight;
}


void
genai_books_lock_all(genai_books_t *b, uint64_t **words, unsigned n)
{
    unsigned   i, k;
    uint64_t  *word;

    for (i = 1; i < n; i++) {
        word = words[i];

        for (k = i; k && words[k - 1] > word; k--) {
            words[k] = words[k - 1];
        }

        words[k] = word;
    }

    for (i = 0; i < n; i++) {
        genai_books_lock(b, words[i]);
    }
}


genai_hold_e
genai_books_hold(genai_books_t *b, genai_lease_t *lease, genai_hold_t *holds,
    unsigned n, int64_t now)
{
    uint64_t               *words[GENAI_HOLDS_MAX];
    unsigned                i, nwords, turn;
    genai_books_counter_t  *counters[GENAI_HOLDS_MAX];

    for (turn = 0; turn < GENAI_HOLD_TURNS; turn++) {

        for (i = 0; i < n; i++) {
            counters[i] = genai_books_counter_get(b, &holds[i], now);

            if (counters[i] == NULL) {
                return GENAI_HOLD_FULL;
            }
        }

        genai_books_hold_twice(holds, counters, n);

        nwords = 0;

        for (i = 0; i < n; i++) {
            if (counters[i]) {
                words[nwords++] = &counters[i]->lock;
            }
        }

        genai_books_lock_all(b, words, nwords);

        for (i = 0; i < n; i++) {
            if (counters[i]
                && !genai_books_counter_is(counters[i], &holds[i], now))
            {
                break;
            }
        }

        if (i < n) {
            genai_books_unlock(b);
            continue;
        }

        if (genai_books_hold_look(holds, counters, n)) {
            genai_books_unlock(b);
            return GENAI_HOLD_SHORT;
        }

        genai_books_hold_take(b, lease, holds, counters, n);
        genai_books_unlock(b);

        return GENAI_HOLD_OK;
    }

    return GENAI_HOLD_FULL;
}


/* of two limits with one counter the smaller one remains */

static void
genai_books_hold_twice(genai_hold_t *holds, genai_books_counter_t **counters,
    unsigned n)
{
    unsigned  i, k;

    for (i = 1; i < n; i++) {

        for (k = 0; k < i; k++) {

            if (counters[k] == NULL || counters[k] != counters[i]) {
                continue;
            }

            if (holds[i].limit.shadow > holds[k].limit.shadow
                || (holds[i].limit.shadow == holds[k].limit.shadow
                    && holds[i].limit.amount >= holds[k].limit.amount))
            {
                counters[i] = NULL;
                holds[i].used = 0;
                holds[i].leased = 0;
                holds[i].end = holds[i].window.end;
                holds[i].tight = 0;
                break;
            }

            counters[k] = NULL;
            holds[k].used = 0;
            holds[k].leased = 0;
            holds[k].end = holds[k].window.end;
            holds[k].tight = 0;
        }
    }
}


/* returns how many are tight */

static unsigned
genai_books_hold_look(genai_hold_t *holds, genai_books_counter_t **counters,
    unsigned n)
{
    unsigned                i, tight;
    genai_books_counter_t  *c;

    tight = 0;

    for (i = 0; i < n; i++) {
        c = counters[i];

        if (c == NULL) {
            continue;
        }

        holds[i].used = c->settled + c->debt;
        holds[i].leased = c->leased;
        holds[i].end = (int64_t) c->end;

        if (genai_hold_tight(&holds[i], holds[i].limit.amount, holds[i].take))
        {
            __atomic_add_fetch(&c->refused, 1, __ATOMIC_RELAXED);
            tight++;
        }
    }

    return tight;
}


static void
genai_books_hold_take(genai_books_t *b, genai_lease_t *lease,
    genai_hold_t *holds, genai_books_counter_t **counters, unsigned n)
{
    uint64_t                w[2];
    unsigned                i;
    genai_limit_t          *limit;
    genai_books_held_t     *held;
    genai_books_counter_t  *c;

    for (i = 0; i < n; i++) {
        c = counters[i];
        held = &lease->held[i];

        if (c == NULL) {
            genai_books_fill(&held->counter, 0);
            genai_books_fill(&held->amount, 0);
            continue;
        }

        limit = &holds[i].limit;

        /* beyond those that count, so far */

        genai_books_fill(&held->counter,
                         genai_books_offset(b, c)
                         | (limit->shadow ? GENAI_HELD_SHADOW : 0));
        genai_books_fill(&held->amount, holds[i].take);

        genai_books_set(b, &c->leased, c->leased + holds[i].take);
        genai_books_set(b, &c->held, c->held + 1);

        w[0] = genai_counted_weights(limit->weight_prompt,
                                     limit->weight_cached);
        w[1] = genai_counted_weights(limit->weight_completion,
                                     limit->weight_reasoning);

        if (c->amount != limit->amount) {
            genai_books_set(b, &c->amount, limit->amount);
        }

        if (c->weights[0] != w[0] || c->weights[1] != w[1]) {
            genai_books_set(b, &c->weights[0], w[0]);
            genai_books_set(b, &c->weights[1], w[1]);
        }
    }

    genai_books_set(b, &lease->nheld, n);
    genai_books_commit(b);
}


/* the counter of something held, or NULL where it holds nothing */

static genai_books_counter_t *
genai_books_held(const genai_books_t *b, const genai_books_held_t *held)
{
    uint64_t                offset;
    genai_books_counter_t  *c;

    offset = genai_books_get(&held->counter) & ~(uint64_t) GENAI_HELD_SHADOW;

    if (offset == 0) {
        return NULL;
    }

    c = genai_books_counter_at(b, offset);

    if (c == NULL
        || genai_counted_state(genai_books_get(&c->kind))
           == GENAI_COUNTED_FREE)
    {
        genai_books_fault(b);
        return NULL;
    }

    return c;
}


unsigned
genai_books_hold_locks(const genai_books_t *b, const genai_lease_t *lease,
    uint64_t *words[GENAI_HOLDS_MAX])
{
    uint64_t                nheld;
    unsigned                i, k, n;
    genai_books_counter_t  *c;

    n = 0;
    nheld = genai_books_get(&lease->nheld);

    for (i = 0; i < nheld && i < GENAI_HOLDS_MAX; i++) {
        c = genai_books_held(b, &lease->held[i]);

        if (c == NULL) {
            continue;
        }

        /* never two that are the same, but for damage */

        for (k = 0; k < n && words[k] != &c->lock; k++) { /* void */ }

        if (k == n) {
            words[n++] = &c->lock;
        }
    }

    return n;
}


genai_hold_e
genai_books_extend(genai_books_t *b, genai_lease_t *lease,
    const uint64_t *more, unsigned n, unsigned *which)
{
    uint64_t               *words[GENAI_HOLDS_MAX];
    unsigned                i;
    genai_hold_e            rc;
    genai_books_held_t     *held;
    genai_books_counter_t  *c;

    rc = GENAI_HOLD_OK;

    genai_books_lock_all(b, words, genai_books_hold_locks(b, lease, words));

    n = (n < lease->nheld) ? n : (unsigned) lease->nheld;

    for (i = 0; i < n && i < GENAI_HOLDS_MAX; i++) {
        held = &lease->held[i];
        c = more[i] ? genai_books_held(b, held) : NULL;

        if (c && !(held->counter & GENAI_HELD_SHADOW)
            && more[i] > genai_hold_room(c->amount, c->settled + c->debt,
                                         c->leased))
        {
            rc = GENAI_HOLD_SHORT;
            *which = i;
            goto done;
        }
    }

    for (i = 0; i < n && i < GENAI_HOLDS_MAX; i++) {
        held = &lease->held[i];
        c = more[i] ? genai_books_held(b, held) : NULL;

        if (c) {
            genai_books_set(b, &held->amount, held->amount + more[i]);
            genai_books_set(b, &c->leased, c->leased + more[i]);
        }
    }

    genai_books_commit(b);

done:

    genai_books_unlock(b);

    return rc;
}


unsigned
genai_books_hold_close(genai_books_t *b, const genai_lease_t *lease,
    const genai_use_t *used, uint64_t ended[GENAI_HOLDS_MAX],
    genai_overrun_t *overrun)
{
    uint64_t                i, nheld, amount, actual, room, over;
    unsigned                nended;
    genai_limit_t           limit;
    const genai_books_held_t  *held;
    genai_books_counter_t  *c;

    nended = 0;
    nheld = genai_books_get(&lease->nheld);

    for (i = 0; i < nheld && i < GENAI_HOLDS_MAX; i++) {
        held = &lease->held[i];
        c = genai_books_held(b, held);

        if (c == NULL) {
            continue;
        }

        amount = held->amount;

        if (c->leased < amount || c->held == 0) {
            genai_books_fault(b);
            amount = (c->leased < amount) ? c->leased : amount;
        }

        genai_books_counter_limit(c, &limit);

        actual = (used == NULL || limit.unit == GENAI_LIMIT_CONCURRENT) ? 0
                 : genai_limit_measure(&limit, used);

        over = 0;

        if (actual > amount && !(held->counter & GENAI_HELD_SHADOW)) {
            room = genai_hold_room(c->amount, c->settled + c->debt,
                                   c->leased);
            over = (actual - amount > room) ? actual - amount - room : 0;
        }

        if (actual) {
            genai_books_set(b, &c->settled, c->settled + actual);
        }

        if (over) {
            genai_books_set(b, &c->over, c->over + over);
            genai_books_set(b, &c->overrun, c->overrun + over);

            if (overrun == NULL) {

                /* nobody asks */

            } else if (limit.unit == GENAI_LIMIT_COST) {
                overrun->cost = (over > overrun->cost) ? over : overrun->cost;

            } else {
                overrun->tokens = (over > overrun->tokens) ? over
                                                           : overrun->tokens;
            }
        }

        if (amount) {
            genai_books_set(b, &c->leased, c->leased - amount);
        }

        genai_books_set(b, &c->held, c->held ? c->held - 1 : 0);

        if (genai_counted_state(c->kind) == GENAI_COUNTED_ENDED
            && (c->held <= 1 || over))
        {
            ended[nended++] = genai_books_offset(b, c);
        }
    }

    genai_books_set(b, (uint64_t *) &lease->nheld, 0);

    return nended;
}


void
genai_books_let_go(genai_books_t *b, genai_lease_t *lease)
{
    uint64_t         ended[GENAI_HOLDS_MAX], *words[GENAI_HOLDS_MAX];
    unsigned         i, n;

    if (lease->nheld == 0) {
        return;
    }

    genai_books_lock_all(b, words, genai_books_hold_locks(b, lease, words));

    n = genai_books_hold_close(b, lease, NULL, ended, NULL);

    genai_books_commit(b);
    genai_books_unlock(b);

    for (i = 0; i < n; i++) {
        genai_books_counter_end(b, ended[i]);
    }
}
