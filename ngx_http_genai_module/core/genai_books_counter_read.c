/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reading counters, without a lock.
 */


#include "genai_books_int.h"

#include <sched.h>


/* readings of a counter that is being changed, before its change is looked
   up, and before it is read torn */
#define GENAI_COUNTER_TRIES     64
#define GENAI_COUNTER_TRIES_MAX 4096


void
genai_books_counter_limit(const genai_books_counter_t *c,
    genai_limit_t *limit)
{
    memset(limit, 0, sizeof(genai_limit_t));

    limit->amount = c->amount;
    limit->unit = genai_counted_unit(c->kind);
    limit->window_unit = genai_counted_window_unit(c->kind);
    limit->window = genai_counted_window(c->kind);

    limit->weight_prompt = (uint32_t) c->weights[0];
    limit->weight_cached = (uint32_t) (c->weights[0] >> 32);
    limit->weight_completion = (uint32_t) c->weights[1];
    limit->weight_reasoning = (uint32_t) (c->weights[1] >> 32);
}


int
genai_books_counter_read(const genai_books_t *b,
    const genai_books_counter_t *c, genai_books_counter_t *copy)
{
    uint64_t                      w, offset, first, *to;
    uint64_t                      commit;
    unsigned                      n, i;
    const uint64_t               *from;
    const genai_books_process_t  *p;

    from = (const uint64_t *) c;
    to = (uint64_t *) copy;
    first = genai_books_offset(b, c);

    for (n = 0; n < GENAI_COUNTER_TRIES_MAX; n++) {

        w = genai_books_get(&c->lock);
        p = NULL;
        commit = 0;

        if ((uint32_t) w) {

            if (n < GENAI_COUNTER_TRIES) {
                sched_yield();
                continue;
            }

            i = genai_books_holder_place(w);

            if (i < GENAI_BOOKS_PROCESSES) {
                p = genai_books_place(b, i);
                commit = genai_books_get(&p->commit);
            }
        }

        for (i = 0; i < sizeof(genai_books_counter_t) / 8; i++) {
            to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
        }

        for (i = 0; i < commit && i < GENAI_BOOKS_VALUES; i++) {
            offset = genai_books_get(&p->values[i].offset);

            if (offset > first && offset < first + sizeof(*c)
                && offset % 8 == 0)
            {
                to[(offset - first) / 8]
                    = genai_books_get(&p->values[i].value);
            }
        }

        __atomic_thread_fence(__ATOMIC_ACQUIRE);

        if (genai_books_get(&c->lock) == w
            && (p == NULL || genai_books_get(&p->commit) == commit))
        {
            break;
        }
    }

    return genai_counted_state(copy->kind) == GENAI_COUNTED_CURRENT
           || genai_counted_state(copy->kind) == GENAI_COUNTED_ENDED;
}


int
genai_books_counter(const genai_books_t *b, uint64_t *cursor,
    genai_limit_state_t *counter)
{
    unsigned                looks;
    genai_books_counter_t   copy, *c;

    looks = GENAI_BOOKS_LOOKS;

    for ( ;; ) {
        c = genai_books_next(b, GENAI_EXTENT_COUNTERS, sizeof(*c), cursor,
                             &looks);

        if (c == NULL) {
            return looks ? 0 : -1;
        }

        if (genai_books_counter_read(b, c, &copy)) {
            break;
        }
    }

    genai_books_counter_limit(&copy, &counter->limit);

    counter->owner = genai_counted_owner(copy.kind);
    counter->ended = (genai_counted_state(copy.kind)
                      == GENAI_COUNTED_ENDED);
    counter->start = (int64_t) copy.start;
    counter->end = (int64_t) copy.end;
    counter->settled = copy.settled;
    counter->leased = copy.leased;
    counter->exchanges = copy.held;
    counter->debt = copy.debt;
    counter->overrun = copy.over;
    counter->overruns = copy.overrun;
    counter->refused = copy.refused;

    (void) genai_books_text_str(b, (uint32_t) copy.name, &counter->name);
    (void) genai_books_text_str(b, (uint32_t) (copy.name >> 32),
                                &counter->key);
    (void) genai_books_text_str(b, (uint32_t) copy.pattern,
                                &counter->limit.pattern);

    return 1;
}


unsigned
genai_books_peek(const genai_books_t *b, genai_hold_t *holds, unsigned n,
    int64_t now)
{
    unsigned                i, tight;
    genai_books_counter_t   copy, *c;

    tight = 0;

    for (i = 0; i < n; i++) {

        holds[i].used = 0;
        holds[i].leased = 0;
        holds[i].owed = 0;
        holds[i].end = holds[i].window.end;

        if (genai_books_counter_find(b, holds[i].id, &c) == 1
            && genai_books_counter_read(b, c, &copy)
            && genai_books_counter_is(&copy, &holds[i], now))
        {
            holds[i].used = copy.settled + copy.debt;
            holds[i].leased = copy.leased;
            holds[i].owed = holds[i].limit.shadow ? 0
                            : genai_books_counter_excess(&copy);
            holds[i].end = (int64_t) copy.end;
        }

        tight += genai_hold_tight(&holds[i], holds[i].limit.amount,
                                  holds[i].take);
    }

    return tight;
}
