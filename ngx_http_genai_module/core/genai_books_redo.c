/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What makes the books survive: locks that name their holder, the redo record
 * of each process, and the repair of the dead.
 *
 * A record goes through these stores, all in this order:
 *
 *    values[]        offsets and absolute values; count for nothing yet
 *    dirty bits      of what is locked: the journal is to have it
 *    commit = n      from here on they are true
 *    *offset = value for each
 *    commit = 0      and they need not be made true again
 *    lock = free     for each; others may change what they are about
 *
 * Killed before the third: nothing happened.  Before the fifth: the repair
 * makes them true again, under locks that are still the dead one's, so that
 * it overwrites nothing newer.  Behind it: there are locks to be freed only.
 *
 * A repair stores the same values in the same order and frees the same locks,
 * so that it can be killed anywhere, and be done again by somebody else.  Who
 * repairs says so in "recoverer"; the dead one's place is not given to a new
 * process without that word, and so nothing is repaired of the living.
 *
 * Who repaired and died as well may have been in the middle of a record of
 * his own, about leases of the first: he is repaired before.
 */


#include "genai_books_int.h"

#include <sched.h>
#include <time.h>


/* turns of a waiter without a system call: some microseconds */
#define GENAI_BOOKS_SPIN   64

/* ns: how often he looks whether the holder lives; when he begins to sleep */
#define GENAI_BOOKS_LOOK   100000
#define GENAI_BOOKS_SLEEP  1000000

/* dead recoverers of dead recoverers */
#define GENAI_BOOKS_DEPTH  8


static int genai_books_recover_depth(genai_books_t *b, uint32_t holder,
    unsigned depth);
static uint64_t *genai_books_left(genai_books_t *b, uint64_t offset,
    uint64_t first, uint64_t limit);


#if (GENAI_BOOKS_STEPS)
void  (*genai_books_step)(void);
#endif


#if defined(__x86_64__) || defined(__i386__)
#define genai_books_pause()  __builtin_ia32_pause()
#elif defined(__aarch64__)
#define genai_books_pause()  __asm__ __volatile__ ("yield")
#else
#define genai_books_pause()
#endif


static uint64_t
genai_books_ns(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


uint64_t
genai_books_clock(void)
{
    struct timespec  ts;

#if defined(CLOCK_MONOTONIC_COARSE)
    clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
#else
    clock_gettime(CLOCK_MONOTONIC, &ts);
#endif

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}


/* frees a lock, if that is still its holder: the number above goes on */

static void
genai_books_lock_free(uint64_t *word, uint32_t holder)
{
    uint64_t  w;

    for ( ;; ) {
        w = genai_books_get(word);

        if ((uint32_t) w != holder
            || genai_books_swap(word, w, ((w >> 32) + 1) << 32))
        {
            return;
        }
    }
}


/* somebody has it: returns when it is worth while to try again */

static void
genai_books_lock_wait(genai_books_t *b, uint64_t *word)
{
    int              rc, dead;
    unsigned         n;
    uint32_t         holder;
    uint64_t         now, since, looked;
    struct timespec  ts;

    for (n = 0; n < GENAI_BOOKS_SPIN; n++) {
        genai_books_pause();

        if ((uint32_t) genai_books_get(word) == 0) {
            return;
        }
    }

    since = genai_books_ns();
    looked = since;

    for ( ;; ) {
        sched_yield();

        holder = (uint32_t) genai_books_get(word);

        if (holder == 0) {
            return;
        }

        now = genai_books_ns();

        if (now - looked >= GENAI_BOOKS_LOOK) {
            looked = now;

            dead = genai_books_dead(b, holder);

            if (dead == 1) {
                rc = genai_books_recover(b, holder);

                if (rc == 1) {
                    genai_books_release(b, holder);
                }

                dead = rc;

                if (rc) {
                    genai_books_add(&b->head->takeovers, 1);
                }
            }

            if (dead) {

                /* what its record does not tell of is nobody's */

                genai_books_lock_free(word, holder);
                return;
            }
        }

        if (now - since >= GENAI_BOOKS_SLEEP) {
            ts.tv_sec = 0;
            ts.tv_nsec = 50000;
            nanosleep(&ts, NULL);
        }
    }
}


void
genai_books_lock(genai_books_t *b, uint64_t *word)
{
    uint64_t                w;
    genai_books_process_t  *p = b->self;

    genai_books_fill(&p->locks[b->nlocks], genai_books_offset(b, word));
    b->nlocks++;
    genai_books_put(&p->nlocks, b->nlocks);

    for ( ;; ) {
        w = genai_books_get(word);

        if ((uint32_t) w == b->holder) {

            /* we do not have it: the word is wrong */

            genai_books_fault(b);
            break;
        }

        if ((uint32_t) w == 0) {
            if (genai_books_swap(word, w, w | b->holder)) {
                break;
            }

            continue;
        }

        genai_books_lock_wait(b, word);
    }

    /*
     * A reader without the lock that sees what is stored from here on also
     * sees the lock taken: acquire alone orders the load of the swap, not
     * its store.
     */

    __atomic_thread_fence(__ATOMIC_RELEASE);

    genai_bench_locked();
}


void
genai_books_set(genai_books_t *b, uint64_t *word, uint64_t value)
{
    genai_books_value_t  *v = &b->self->values[b->nvalues];

    genai_books_fill(&v->offset, genai_books_offset(b, word));
    genai_books_fill(&v->value, value);
    b->nvalues++;
}


void
genai_books_commit(genai_books_t *b)
{
    unsigned                i;
    genai_books_process_t  *p = b->self;

    genai_books_locked();

    for (i = 0; i < b->nlocks; i++) {
        genai_books_dirty(b, p->locks[i]);
    }

    genai_books_put(&p->commit, b->nvalues);

    for (i = 0; i < b->nvalues; i++) {
        genai_books_put((uint64_t *) (void *) (b->base + p->values[i].offset),
                        p->values[i].value);
    }

    genai_books_put(&p->commit, 0);

    /* the next record's values must not come before */

    genai_books_barrier();

    b->nvalues = 0;
}


void
genai_books_unlock(genai_books_t *b)
{
    uint64_t   w, *word;
    unsigned   i;

    for (i = b->nlocks; i > 0; i--) {
        word = (uint64_t *) (void *) (b->base + b->self->locks[i - 1]);

        /* nobody else stores to a lock while its holder lives */

        w = __atomic_load_n(word, __ATOMIC_RELAXED);
        genai_books_put(word, ((w >> 32) + 1) << 32);
    }

    genai_books_put(&b->self->nlocks, 0);
    genai_books_barrier();

    b->nlocks = 0;

    genai_bench_unlocked();
}


/* returns 2 where it is so dead that there is nothing left to repair */

int
genai_books_dead(const genai_books_t *b, uint32_t holder)
{
    uint64_t                state;
    unsigned                i;
    genai_process_id_t      id;
    genai_books_process_t  *p;

    i = genai_books_holder_place(holder);

    if (i >= GENAI_BOOKS_PROCESSES) {
        return 2;
    }

    p = genai_books_place(b, i);

    state = genai_books_get(&p->state);

    if (genai_books_state_gen(state) != genai_books_holder_gen(holder)) {
        return 2;
    }

    id.pid = genai_books_state_pid(state);
    id.unused = 0;

    switch (genai_books_state_kind(state)) {

    case GENAI_PLACE_GONE:
        return 1;

    case GENAI_PLACE_JOINING:
        id.start = 0;
        break;

    case GENAI_PLACE_LIVE:
        id.start = genai_books_get(&p->start);

        if (genai_books_get(&p->state) != state) {
            return 0;
        }

        break;

    default:
        return 2;
    }

    /* a view knows nobody */

    if (p == b->self || b->os.alive == NULL) {
        return 0;
    }

    return !b->os.alive(b->os.data, &id);
}


int
genai_books_recover(genai_books_t *b, uint32_t holder)
{
    return genai_books_recover_depth(b, holder, 0);
}


static int
genai_books_recover_depth(genai_books_t *b, uint32_t holder, unsigned depth)
{
    int                     rc;
    uint64_t                other;
    unsigned                i;
    genai_books_process_t  *p;

    i = genai_books_holder_place(holder);

    if (i >= GENAI_BOOKS_PROCESSES) {
        return 0;
    }

    p = genai_books_place(b, i);

    other = genai_books_get(&p->recoverer);

    if (other == b->holder) {
        return 2;
    }

    if (other && genai_books_dead(b, (uint32_t) other) != 2) {

        rc = (depth == GENAI_BOOKS_DEPTH) ? 2
             : genai_books_dead(b, (uint32_t) other)
             ? genai_books_recover_depth(b, (uint32_t) other, depth + 1) : 0;

        if (rc == 0) {
            return 0;
        }

        if (rc == 1) {
            genai_books_release(b, (uint32_t) other);
        }
    }

    if (!genai_books_swap(&p->recoverer, other, b->holder)) {
        return 0;
    }

    /* it may have been repaired, and its place have somebody else, by now */

    if (genai_books_dead(b, holder) != 1 || genai_books_repair(b, p, holder))
    {
        genai_books_release(b, holder);
        return 0;
    }

    return 1;
}


void
genai_books_release(genai_books_t *b, uint32_t holder)
{
    genai_books_process_t  *p;

    p = genai_books_place(b, genai_books_holder_place(holder));

    (void) genai_books_swap(&p->recoverer, b->holder, 0);
}


int
genai_books_repair(genai_books_t *b, genai_books_process_t *p,
    uint32_t holder)
{
    uint64_t   i, n, offset, size, limit, *word;

    size = genai_books_get(&b->head->size);
    limit = genai_books_limit(b);

    n = genai_books_get(&p->commit);

    if (n > GENAI_BOOKS_VALUES) {
        genai_books_fault(b);
        n = 0;
    }

    for (i = 0; i < n; i++) {
        offset = genai_books_get(&p->values[i].offset);

        if (offset + sizeof(uint64_t) > b->mapped
            && offset + sizeof(uint64_t) <= size)
        {
            return -1;
        }
    }

    for (i = 0; i < n; i++) {
        word = genai_books_left(b, genai_books_get(&p->values[i].offset),
                                offsetof(genai_books_head_t, size), limit);
        if (word) {
            genai_books_put(word, genai_books_get(&p->values[i].value));
        }
    }

    genai_books_put(&p->commit, 0);
    genai_books_barrier();

    n = genai_books_get(&p->nlocks);

    if (n > GENAI_BOOKS_LOCKS) {
        genai_books_fault(b);
        n = GENAI_BOOKS_LOCKS;
    }

    for (i = 0; i < n; i++) {
        word = genai_books_left(b, genai_books_get(&p->locks[i]),
                                offsetof(genai_books_head_t, lock), limit);
        if (word) {
            genai_books_lock_free(word, holder);
        }
    }

    return 0;
}


/* the word that a record tells of, or NULL where there can be none */

static uint64_t *
genai_books_left(genai_books_t *b, uint64_t offset, uint64_t first,
    uint64_t limit)
{
    if (offset % sizeof(uint64_t) || offset < first
        || offset > limit - sizeof(uint64_t))
    {
        genai_books_fault(b);
        return NULL;
    }

    return (uint64_t *) (void *) (b->base + offset);
}
