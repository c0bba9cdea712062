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


static genai_books_counter_t *genai_books_hold_own(const genai_books_t *b,
    const genai_lease_t *lease, const genai_hold_t *hold);
static void genai_books_hold_twice(genai_hold_t *holds,
    genai_books_counter_t **counters, unsigned n);
static void genai_books_hold_limits(genai_books_t *b, genai_hold_t *holds,
    genai_books_counter_t **counters, unsigned n);
static const genai_books_held_t *genai_books_hold_has(const genai_books_t *b,
    const genai_lease_t *lease, const genai_books_counter_t *c);
static unsigned genai_books_hold_look(const genai_books_t *b,
    const genai_lease_t *lease, genai_hold_t *holds,
    genai_books_counter_t **counters, unsigned n);
static void genai_books_hold_take(genai_books_t *b, genai_lease_t *lease,
    genai_hold_t *holds, genai_books_counter_t **counters, unsigned n);
static void genai_books_hold_reach(genai_books_t *b, genai_hold_t *hold,
    genai_books_counter_t *c);
static genai_books_counter_t *genai_books_held(const genai_books_t *b,
    const genai_books_held_t *held);
static void genai_books_hold_end(genai_books_t *b, genai_lease_t *lease,
    const genai_use_t *used, uint32_t keep, genai_overrun_t *overrun);


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

            /* an exchange stays in the window that it began in */

            counters[i] = genai_books_hold_own(b, lease, &holds[i]);

            if (counters[i] == NULL) {
                counters[i] = genai_books_counter_get(b, &holds[i], now);
            }

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
                && !genai_books_counter_is(counters[i], &holds[i], now)
                && genai_books_hold_has(b, lease, counters[i]) == NULL)
            {
                break;
            }
        }

        if (i < n) {
            genai_books_unlock(b);
            continue;
        }

        genai_books_hold_limits(b, holds, counters, n);

        if (genai_books_hold_look(b, lease, holds, counters, n)) {
            genai_books_unlock(b);
            return GENAI_HOLD_SHORT;
        }

        genai_books_hold_take(b, lease, holds, counters, n);
        genai_books_unlock(b);

        return GENAI_HOLD_OK;
    }

    return GENAI_HOLD_FULL;
}


/* the counter of a limit that the lease holds of, or NULL */

static genai_books_counter_t *
genai_books_hold_own(const genai_books_t *b, const genai_lease_t *lease,
    const genai_hold_t *hold)
{
    unsigned                i;
    genai_books_counter_t  *c;

    for (i = 0; i < lease->nheld && i < GENAI_HOLDS_MAX; i++) {
        c = genai_books_held(b, &lease->held[i]);

        if (c && c->id[0] == hold->id[0] && c->id[1] == hold->id[1]) {
            return c;
        }
    }

    return NULL;
}


/* what a lease holds of a counter, or NULL */

static const genai_books_held_t *
genai_books_hold_has(const genai_books_t *b, const genai_lease_t *lease,
    const genai_books_counter_t *c)
{
    unsigned  i;

    for (i = 0; i < lease->nheld && i < GENAI_HOLDS_MAX; i++) {
        if ((lease->held[i].counter & ~(uint64_t) GENAI_HELD_SHADOW)
            == genai_books_offset(b, c))
        {
            return &lease->held[i];
        }
    }

    return NULL;
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


/*
 * What limits are counts for those too who hold of them already, and whether
 * or not anybody new is let in.
 */

static void
genai_books_hold_limits(genai_books_t *b, genai_hold_t *holds,
    genai_books_counter_t **counters, unsigned n)
{
    uint64_t                w[2];
    unsigned                i, changed;
    genai_limit_t          *limit;
    genai_books_counter_t  *c;

    changed = 0;

    for (i = 0; i < n; i++) {
        c = counters[i];

        if (c == NULL) {
            continue;
        }

        limit = &holds[i].limit;

        w[0] = genai_counted_weights(limit->weight_prompt,
                                     limit->weight_cached);
        w[1] = genai_counted_weights(limit->weight_completion,
                                     limit->weight_reasoning);

        if (c->amount != limit->amount) {
            genai_books_set(b, &c->amount, limit->amount);
            changed = 1;
        }

        if (c->weights[0] != w[0] || c->weights[1] != w[1]) {
            genai_books_set(b, &c->weights[0], w[0]);
            genai_books_set(b, &c->weights[1], w[1]);
            changed = 1;
        }
    }

    if (changed) {
        genai_books_commit(b);
    }
}


/* returns how many are tight */

static unsigned
genai_books_hold_look(const genai_books_t *b, const genai_lease_t *lease,
    genai_hold_t *holds, genai_books_counter_t **counters, unsigned n)
{
    unsigned                   i, tight;
    genai_books_counter_t     *c;
    const genai_books_held_t  *held;

    tight = 0;

    for (i = 0; i < n; i++) {
        c = counters[i];

        if (c == NULL) {
            continue;
        }

        held = genai_books_hold_has(b, lease, c);

        holds[i].used = c->settled + c->debt;
        holds[i].leased = c->leased - (held ? held->amount : 0);
        holds[i].owed = holds[i].limit.shadow ? 0
                        : genai_books_counter_excess(c);
        holds[i].end = (int64_t) c->end;

        tight += genai_hold_tight(&holds[i], holds[i].limit.amount,
                                  holds[i].take);
    }

    return tight;
}


static void
genai_books_hold_take(genai_books_t *b, genai_lease_t *lease,
    genai_hold_t *holds, genai_books_counter_t **counters, unsigned n)
{
    uint64_t                   counter, amount;
    unsigned                   i;
    genai_books_held_t        *held;
    genai_books_counter_t     *c;
    const genai_books_held_t  *own;

    for (i = 0; i < n; i++) {
        c = counters[i];
        held = &lease->held[i];
        counter = 0;
        amount = 0;

        holds[i].told = 0;

        if (c) {
            counter = genai_books_offset(b, c)
                      | (holds[i].limit.shadow ? GENAI_HELD_SHADOW : 0);
            amount = holds[i].take;

            own = genai_books_hold_has(b, lease, c);

            genai_books_set(b, &c->leased,
                            c->leased + amount - (own ? own->amount : 0));

            if (own == NULL) {
                genai_books_set(b, &c->held, c->held + 1);
            }

            genai_books_hold_reach(b, &holds[i], c);
        }

        if (lease->nheld) {
            genai_books_set(b, &held->counter, counter);
            genai_books_set(b, &held->amount, amount);

        } else {

            /* beyond those that count, so far */

            genai_books_fill(&held->counter, counter);
            genai_books_fill(&held->amount, amount);
        }
    }

    genai_books_set(b, &lease->nheld, n);
    genai_books_commit(b);
}


/* what is told once of a window is marked in it */

static void
genai_books_hold_reach(genai_books_t *b, genai_hold_t *hold,
    genai_books_counter_t *c)
{
    uint64_t  after, told;

    after = hold->used + hold->leased + hold->take;
    told = 0;

    if (genai_limit_warns(&hold->limit, after)) {
        told |= GENAI_TOLD_WARN;
    }

    if (hold->limit.shadow && after > hold->limit.amount) {
        told |= GENAI_TOLD_OVER;
    }

    hold->told = (unsigned) (told & ~c->told) & 3;

    if (hold->told) {
        genai_books_set(b, &c->told, c->told | told);
    }
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


void
genai_books_refuse(genai_books_t *b, genai_hold_t *holds, unsigned n)
{
    unsigned                i;
    genai_books_counter_t  *c;

    for (i = 0; i < n; i++) {

        c = NULL;

        if (!holds[i].tight
            || genai_books_counter_find(b, holds[i].id, &c) != 1)
        {
            continue;
        }

        __atomic_add_fetch(&c->refused, 1, __ATOMIC_RELAXED);

        if (genai_books_get(&c->amount) == holds[i].limit.amount) {
            continue;
        }

        /* a peek has not said so yet */

        genai_books_lock(b, &c->lock);

        if (c->id[0] == holds[i].id[0] && c->id[1] == holds[i].id[1]
            && genai_counted_state(c->kind) == GENAI_COUNTED_CURRENT)
        {
            genai_books_hold_limits(b, &holds[i], &c, 1);
        }

        genai_books_unlock(b);
    }
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
    const genai_use_t *used, uint32_t keep, uint64_t ended[GENAI_HOLDS_MAX],
    genai_overrun_t *overrun)
{
    uint64_t                   i, nheld, amount, actual, room, over;
    unsigned                   nended;
    genai_limit_t              limit;
    const genai_books_held_t  *held;
    genai_books_counter_t     *c;

    nended = 0;
    nheld = genai_books_get(&lease->nheld);

    for (i = 0; i < nheld && i < GENAI_HOLDS_MAX; i++) {
        held = &lease->held[i];
        c = genai_books_held(b, held);

        if (c == NULL || (keep & (uint32_t) 1 << i)) {
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

        if (keep) {
            genai_books_set(b, (uint64_t *) &held->counter, 0);
        }
    }

    if (keep == 0) {
        genai_books_set(b, (uint64_t *) &lease->nheld, 0);
    }

    return nended;
}


void
genai_books_let_go(genai_books_t *b, genai_lease_t *lease)
{
    if (lease->nheld) {
        genai_books_hold_end(b, lease, NULL, 0, NULL);
    }
}


void
genai_books_forgo(genai_books_t *b, genai_lease_t *lease,
    const genai_hold_t *holds, unsigned n, const genai_use_t *used,
    genai_overrun_t *overrun)
{
    unsigned                i, k, others;
    uint32_t                keep;
    genai_books_counter_t  *c;

    keep = 0;
    others = 0;

    for (k = 0; k < lease->nheld && k < GENAI_HOLDS_MAX; k++) {
        c = genai_books_held(b, &lease->held[k]);

        if (c == NULL) {
            continue;
        }

        for (i = 0; i < n; i++) {
            if (c->id[0] == holds[i].id[0] && c->id[1] == holds[i].id[1]) {
                break;
            }
        }

        if (i < n) {
            keep |= (uint32_t) 1 << k;

        } else {
            others++;
        }
    }

    if (others) {
        genai_books_hold_end(b, lease, used, keep, overrun);
    }
}


static void
genai_books_hold_end(genai_books_t *b, genai_lease_t *lease,
    const genai_use_t *used, uint32_t keep, genai_overrun_t *overrun)
{
    uint64_t   ended[GENAI_HOLDS_MAX], *words[GENAI_HOLDS_MAX];
    unsigned   i, n;

    genai_books_lock_all(b, words, genai_books_hold_locks(b, lease, words));

    n = genai_books_hold_close(b, lease, used, keep, ended, overrun);

    genai_books_commit(b);
    genai_books_unlock(b);

    for (i = 0; i < n; i++) {
        genai_books_counter_end(b, ended[i]);
    }
}
