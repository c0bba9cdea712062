/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Checks counters of limits: that each is there once, in its chain or in the
 * list of the free ones, and that what exchanges hold of it is what it says.
 */


#include "genai_books_verify_int.h"

#include <stdlib.h>


static void genai_books_verify_counter_chain(genai_books_verify_t *v,
    uint64_t i);
static void genai_books_verify_counter_extent(genai_books_verify_t *v,
    uint64_t i, uint64_t *counters, uint64_t *free_counters);


static genai_books_sum_t *
genai_books_verify_sum(const genai_books_verify_t *v, uint64_t offset)
{
    return &v->sums[(offset - GENAI_BOOKS_BASE) / GENAI_BOOKS_EXTENT
                    * GENAI_BOOKS_COUNTERS
                    + offset % GENAI_BOOKS_EXTENT
                      / sizeof(genai_books_counter_t)];
}


void
genai_books_verify_sums(genai_books_verify_t *v)
{
    unsigned                      i;
    const genai_books_process_t  *p;

    for (i = 0; i < GENAI_BOOKS_PROCESSES; i++) {
        p = genai_books_place(v->b, i);

        if (p != v->b->self
            && genai_books_state_kind(genai_books_get(&p->state))
               != GENAI_PLACE_FREE)
        {
            return;
        }
    }

    /* where there is no memory for it, that is not checked */

    v->sums = calloc((size_t) v->extents * GENAI_BOOKS_COUNTERS,
                     sizeof(genai_books_sum_t));
}


void
genai_books_verify_held(genai_books_verify_t *v, const genai_lease_t *lease,
    uint64_t i, unsigned n)
{
    uint64_t            k, offset, nheld;
    genai_books_sum_t  *sum;

    nheld = lease->nheld;

    if (nheld > GENAI_HOLDS_MAX) {
        genai_books_verify_fault(v, "extent %llu, lease %u: holds of %llu"
                                 " counters", (unsigned long long) i, n,
                                 (unsigned long long) nheld);
        return;
    }

    for (k = 0; k < nheld; k++) {
        offset = lease->held[k].counter & ~(uint64_t) GENAI_HELD_SHADOW;

        if (offset == 0) {
            continue;
        }

        if (genai_books_counter_at(v->b, offset) == NULL
            || genai_books_entry_kind(genai_books_directory(v->b)
                   [(offset - GENAI_BOOKS_BASE) / GENAI_BOOKS_EXTENT])
               != GENAI_EXTENT_COUNTERS)
        {
            genai_books_verify_fault(v, "extent %llu, lease %u: holds of what"
                                     " is no counter",
                                     (unsigned long long) i, n);
            continue;
        }

        sum = genai_books_verify_sum(v, offset);
        sum->leased += lease->held[k].amount;
        sum->held++;
    }
}


void
genai_books_verify_counters(genai_books_verify_t *v)
{
    uint64_t                      i, n, next, counters, free_counters;
    const genai_books_t          *b = v->b;
    const genai_books_counter_t  *c;

    for (i = 0; i < GENAI_COUNTER_BUCKETS; i++) {
        genai_books_verify_counter_chain(v, i);
    }

    next = genai_books_get(&b->head->free_counter);

    for (n = 0; next; n++) {
        c = genai_books_counter_at(b, next);

        if (c == NULL
            || !genai_books_mark(v, next)
            || genai_books_get(&c->kind) != GENAI_COUNTED_FREE)
        {
            genai_books_verify_fault(v, "the free counters: number %llu is"
                                     " none", (unsigned long long) n);
            break;
        }

        next = genai_books_get(&c->next);
    }

    counters = 0;
    free_counters = 0;

    for (i = 0; i < v->extents; i++) {
        if (genai_books_entry_kind(genai_books_get(
                                                &genai_books_directory(b)[i]))
            == GENAI_EXTENT_COUNTERS)
        {
            genai_books_verify_counter_extent(v, i, &counters,
                                              &free_counters);
        }
    }

    if (v->extents == genai_books_get(&b->head->extents)
        && (counters != genai_books_get(&b->head->counters)
            || free_counters != genai_books_get(&b->head->free_counters)))
    {
        genai_books_verify_fault(v, "there are %llu counters and %llu free"
                                 " ones instead of %llu and %llu",
                                 (unsigned long long) counters,
                                 (unsigned long long) free_counters,
                                 (unsigned long long) b->head->counters,
                                 (unsigned long long) b->head->free_counters);
    }
}


static void
genai_books_verify_counter_chain(genai_books_verify_t *v, uint64_t i)
{
    uint64_t                next;
    const genai_books_t    *b = v->b;
    genai_books_counter_t  *c, *current;

    next = genai_books_get((uint64_t *) (void *)
                           (b->base + GENAI_BOOKS_AT_COUNTERS) + i);

    while (next) {
        c = genai_books_counter_at(b, next);

        if (c == NULL || !genai_books_mark(v, next)) {
            genai_books_verify_fault(v, "counters, chain %llu: leads to what"
                                     " is none, or of another chain",
                                     (unsigned long long) i);
            return;
        }

        if (genai_books_counter_bucket(b, c->id)
            != (uint64_t *) (void *) (b->base + GENAI_BOOKS_AT_COUNTERS) + i)
        {
            genai_books_verify_fault(v, "counter %llu: is not of its chain",
                                     (unsigned long long) next);

        } else if (genai_counted_state(genai_books_get(&c->kind))
                   == GENAI_COUNTED_CURRENT
                   && (genai_books_counter_find(b, c->id, &current) != 1
                       || current != c))
        {
            genai_books_verify_fault(v, "counter %llu: is there twice",
                                     (unsigned long long) next);
        }

        next = genai_books_get(&c->next);
    }
}


static void
genai_books_verify_counter_extent(genai_books_verify_t *v, uint64_t i,
    uint64_t *counters, uint64_t *free_counters)
{
    uint64_t                      fill, offset;
    unsigned                      n, state;
    genai_books_sum_t            *sum;
    const genai_books_counter_t  *c;

    fill = genai_books_get(&genai_books_extent(v->b, i)->fill);

    if (fill >= GENAI_BOOKS_COUNTERS) {
        genai_books_verify_fault(v, "extent %llu: %llu counters",
                                 (unsigned long long) i,
                                 (unsigned long long) fill);
        return;
    }

    for (n = 1; n <= fill; n++) {
        c = genai_books_extent_counter(v->b, i, n);
        offset = genai_books_offset(v->b, c);
        state = genai_counted_state(genai_books_get(&c->kind));

        if (!genai_books_marked(v, offset)) {
            genai_books_verify_fault(v, "counter %llu: nothing leads there",
                                     (unsigned long long) offset);
        }

        if (state == GENAI_COUNTED_FREE) {
            (*free_counters)++;
            continue;
        }

        (*counters)++;

        if (v->sums == NULL) {
            continue;
        }

        sum = genai_books_verify_sum(v, offset);

        if (sum->leased != c->leased || sum->held != c->held) {
            genai_books_verify_fault(v, "counter %llu: %llu exchanges hold"
                                     " %llu of it, and not %llu of them %llu",
                                     (unsigned long long) offset,
                                     (unsigned long long) sum->held,
                                     (unsigned long long) sum->leased,
                                     (unsigned long long) c->held,
                                     (unsigned long long) c->leased);
        }
    }
}
