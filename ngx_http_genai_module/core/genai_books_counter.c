/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Counters: finding them without a lock, making, turning and freeing them
 * under the one on the structure.
 *
 * As with rows, a reader on a chain may stand on a counter that is freed, and
 * go on to wherever it is used again: what he finds says itself whose it is,
 * and who found nothing looks again under the lock.
 */


#include "genai_books_int.h"
#include "genai_siphash.h"



/* counters that are looked at for a free place before the region grows, and
   when it cannot */
#define GENAI_COUNTER_TIDY      4
#define GENAI_COUNTER_TIDY_FULL 256

/*
 * Of all extents so many eighths may be tables when there is another counter of
 * genai_limit: clients may make up what it counts by, and what is left above is
 * for all others.
 */
#define GENAI_COUNTER_SHARE     6

/* seconds that an idle counter is kept for a clock that steps back, at most */
#define GENAI_COUNTER_KEPT      7200

/* windows that a clock may have stepped back over: seconds of ten years */
#define GENAI_COUNTER_AHEAD     ((int64_t) 315576000)


static genai_books_counter_t *genai_books_counter_make(genai_books_t *b,
    const genai_hold_t *hold, int64_t now);
static genai_books_counter_t *genai_books_counter_place(genai_books_t *b,
    genai_owner_e owner, uint64_t *next, genai_books_extent_t **e);
static uint64_t genai_books_counter_text(genai_books_t *b,
    const genai_str_t *s);
static int genai_books_counter_ahead(const genai_books_counter_t *c,
    uint64_t index);
static uint64_t genai_books_counter_again(const genai_books_counter_t *c,
    uint64_t index);
static void genai_books_counter_turn(genai_books_t *b,
    genai_books_counter_t *c, const genai_hold_t *hold);
static void genai_books_counter_back(genai_books_t *b,
    genai_books_counter_t *c, const genai_hold_t *hold);
static int genai_books_counter_idle(const genai_books_counter_t *c,
    int64_t now);
static int genai_books_counter_free(genai_books_t *b,
    genai_books_counter_t *c);


genai_books_counter_t *
genai_books_counter_at(const genai_books_t *b, uint64_t offset)
{
    uint64_t  place;

    place = offset % GENAI_BOOKS_EXTENT;

    if (offset < GENAI_BOOKS_BASE
        || place % sizeof(genai_books_counter_t)
        || place == 0
        || place / sizeof(genai_books_counter_t) >= GENAI_BOOKS_COUNTERS
        || offset > genai_books_limit(b) - sizeof(genai_books_counter_t))
    {
        return NULL;
    }

    return (genai_books_counter_t *) (void *) (b->base + offset);
}


int
genai_books_counter_is(const genai_books_counter_t *c,
    const genai_hold_t *hold, int64_t now)
{
    int64_t  index;

    if (genai_counted_state(genai_books_get(&c->kind))
        != GENAI_COUNTED_CURRENT
        || genai_books_get(&c->id[0]) != hold->id[0]
        || genai_books_get(&c->id[1]) != hold->id[1])
    {
        return 0;
    }

    index = (int64_t) genai_books_get(&c->index);

    /* where another process was a little earlier, its window is the one */

    return index == hold->window.index
           || (index > hold->window.index
               && (int64_t) genai_books_get(&c->start) - now
                  <= GENAI_BOOKS_LATE);
}


int
genai_books_counter_find(const genai_books_t *b, const uint64_t *id,
    genai_books_counter_t **found)
{
    uint64_t                next;
    unsigned                n;
    genai_books_counter_t  *c;

    next = genai_books_get(genai_books_counter_bucket(b, id));

    for (n = 0; next; n++) {

        c = (n < GENAI_BOOKS_CHAIN) ? genai_books_counter_at(b, next) : NULL;

        if (c == NULL) {
            return -1;
        }

        if (genai_books_get(&c->id[0]) == id[0]
            && genai_books_get(&c->id[1]) == id[1]
            && genai_counted_state(genai_books_get(&c->kind))
               == GENAI_COUNTED_CURRENT)
        {
            *found = c;
            return 1;
        }

        next = genai_books_get(&c->next);
    }

    return 0;
}


void
genai_books_counter_id(const genai_books_t *b, const uint64_t limit[2],
    const genai_str_t *value, uint64_t id[GENAI_BOOKS_COUNTER_ID / 8])
{
    unsigned         i;
    genai_siphash_t  h;

    for (i = 0; i < GENAI_BOOKS_COUNTER_ID / 8; i++) {
        genai_siphash_begin(&h, b->head->seed);

        /* where other hashes of this seed have a length or a day */

        genai_siphash_word(&h, UINT64_MAX - i);
        genai_siphash_word(&h, limit[0]);
        genai_siphash_word(&h, limit[1]);
        genai_siphash_word(&h, value->len);
        genai_siphash_bytes(&h, value->data, value->len);

        id[i] = genai_siphash_end(&h);
    }
}


genai_books_counter_t *
genai_books_counter_get(genai_books_t *b, const genai_hold_t *hold,
    int64_t now)
{
    uint64_t               *cached;
    genai_books_counter_t  *c;

    cached = &b->counters[(hold->id[0] ^ hold->id[1])
                          & (GENAI_BOOKS_CACHE - 1)];

    c = genai_books_counter_at(b, *cached);

    if (c && genai_books_counter_is(c, hold, now)) {
        return c;
    }

    c = NULL;

    if (genai_books_counter_find(b, hold->id, &c) != 1
        || !genai_books_counter_is(c, hold, now))
    {
        c = genai_books_counter_make(b, hold, now);
    }

    if (c) {
        *cached = genai_books_offset(b, c);
    }

    return c;
}


static genai_books_counter_t *
genai_books_counter_make(genai_books_t *b, const genai_hold_t *hold,
    int64_t now)
{
    int                     rc;
    unsigned                n;
    genai_books_counter_t  *c;

    if (genai_books_get(&b->head->free_counters) == 0) {
        genai_books_tidy(b, GENAI_COUNTER_TIDY, now);
    }

    for (n = 0; ; n++) {

        genai_books_lock(b, &b->head->lock);

        c = NULL;
        rc = genai_books_counter_find(b, hold->id, &c);

        if (rc < 0) {
            genai_books_fault(b);

        } else if (rc == 0) {
            c = genai_books_counter_new(b, hold, NULL);

        } else if (!genai_books_counter_is(c, hold, now)) {

            genai_books_lock(b, &c->lock);

            if ((int64_t) c->index > hold->window.index) {
                genai_books_counter_back(b, c, hold);

            } else if (c->held == 0) {
                genai_books_counter_turn(b, c, hold);

            } else {
                c = genai_books_counter_new(b, hold, c);
            }
        }

        genai_books_unlock(b);

        if (c || rc < 0 || n) {
            return c;
        }

        genai_books_tidy(b, GENAI_COUNTER_TIDY_FULL, now);
    }
}


genai_books_counter_t *
genai_books_counter_new(genai_books_t *b, const genai_hold_t *hold,
    genai_books_counter_t *old)
{
    uint64_t                kind, name, pattern, next, excess, debt, *bucket;
    uint64_t                index;
    genai_books_head_t     *head = b->head;
    genai_books_extent_t   *e;
    genai_books_counter_t  *c;

    if (old) {
        name = old->name;
        pattern = old->pattern;

    } else {

        /* what has no room for its name counts all the same */

        name = genai_books_counter_text(b, &hold->name)
               | genai_books_counter_text(b, &hold->key) << 32;
        pattern = genai_books_counter_text(b, &hold->limit.pattern);
    }

    c = genai_books_counter_place(b, hold->owner, &next, &e);
    if (c == NULL) {
        return NULL;
    }

    kind = genai_counted_rest(hold->owner, hold->limit.unit,
                              hold->limit.window_unit, hold->limit.window);

    index = (uint64_t) hold->window.index;

    /* a free counter counts for nothing, whatever it says */

    genai_books_fill(&c->id[0], hold->id[0]);
    genai_books_fill(&c->id[1], hold->id[1]);
    genai_books_fill(&c->index, index);
    genai_books_fill(&c->start, (uint64_t) hold->window.start);
    genai_books_fill(&c->end, (uint64_t) hold->window.end);
    genai_books_fill(&c->amount, hold->limit.amount);
    genai_books_fill(&c->settled, old ? genai_books_counter_again(old, index)
                                      : 0);
    genai_books_fill(&c->leased, 0);
    genai_books_fill(&c->held, 0);
    genai_books_fill(&c->over, 0);
    genai_books_fill(&c->charged, 0);
    genai_books_fill(&c->weights[0], genai_counted_weights(
                 hold->limit.weight_prompt, hold->limit.weight_cached));
    genai_books_fill(&c->weights[1], genai_counted_weights(
                 hold->limit.weight_completion,
                 hold->limit.weight_reasoning));
    genai_books_fill(&c->name, name);
    genai_books_fill(&c->pattern, pattern);
    genai_books_fill(&c->told, 0);

    if (old) {
        excess = hold->limit.shadow ? 0 : genai_books_counter_excess(old);
        debt = genai_books_counter_debt(excess, old->amount,
                                        index - old->index);

        genai_books_fill(&c->debt, debt);
        genai_books_fill(&c->overrun, old->overrun);

        if (genai_books_counter_ahead(old, index)) {
            genai_books_fill(&c->before, old->before);
            genai_books_fill(&c->before_index, old->before_index);

        } else {
            genai_books_fill(&c->before, old->settled + old->leased);
            genai_books_fill(&c->before_index, old->index);
        }

        genai_books_fill(&c->refused, genai_books_get(&old->refused));

        genai_books_set(b, &old->charged, excess);
        genai_books_set(b, &old->kind,
                        genai_counted_kind(GENAI_COUNTED_ENDED, kind));
    } else {
        genai_books_fill(&c->debt, 0);
        genai_books_fill(&c->overrun, 0);
        genai_books_fill(&c->before, 0);
        genai_books_fill(&c->before_index, index);
        genai_books_fill(&c->refused, 0);
    }

    bucket = genai_books_counter_bucket(b, hold->id);

    genai_books_locked();
    genai_books_dirty(b, genai_books_offset(b, c));

    genai_books_set(b, &c->next, genai_books_get(bucket));
    genai_books_set(b, &c->kind,
                    genai_counted_kind(GENAI_COUNTED_CURRENT, kind));

    if (e) {
        genai_books_set(b, &e->fill, e->fill + 1);

    } else {
        genai_books_set(b, &head->free_counter, next);
        genai_books_set(b, &head->free_counters, head->free_counters - 1);
    }

    genai_books_set(b, &head->counters, head->counters + 1);
    genai_books_set(b, bucket, genai_books_offset(b, c));
    genai_books_commit(b);

    return c;
}


/* a free place: of the list, before the one at *next, or of the extent *e */

static genai_books_counter_t *
genai_books_counter_place(genai_books_t *b, genai_owner_e owner,
    uint64_t *next, genai_books_extent_t **e)
{
    int                     full;
    uint64_t                i;
    genai_books_head_t     *head = b->head;
    genai_books_counter_t  *c;

    *next = 0;
    *e = NULL;

    if (head->free_counters) {
        c = genai_books_counter_at(b, head->free_counter);

        if (c && genai_counted_state(c->kind) == GENAI_COUNTED_FREE) {
            *next = c->next;
            return c;
        }

        genai_books_fault(b);
    }

    i = head->counter_extent - 1;

    full = (i >= genai_books_extents(b)
            || genai_books_entry_kind(genai_books_directory(b)[i])
               != GENAI_EXTENT_COUNTERS
            || genai_books_extent(b, i)->fill >= GENAI_BOOKS_COUNTERS - 1);

    if (owner == GENAI_OWNER_DIRECTIVE
        && head->tables + full > (b->max - GENAI_BOOKS_BASE)
                                 / GENAI_BOOKS_EXTENT * GENAI_COUNTER_SHARE / 8)
    {
        return NULL;
    }

    if (full) {
        if (genai_books_extent_make(b, GENAI_EXTENT_COUNTERS, &i) != 0) {
            return NULL;
        }
    }

    *e = genai_books_extent(b, i);

    return genai_books_extent_counter(b, i, (unsigned) (*e)->fill + 1);
}


static uint64_t
genai_books_counter_text(genai_books_t *b, const genai_str_t *s)
{
    uint32_t       name;
    genai_str_t    cut;
    unsigned char  room[GENAI_BOOKS_TEXT_MAX];

    cut = *s;
    genai_books_text_cut(b, &cut, room);

    return genai_books_text_make(b, &cut, &name) == 0 ? name : 0;
}


/* whether what it keeps of another window is of one that is still to come */

static int
genai_books_counter_ahead(const genai_books_counter_t *c, uint64_t index)
{
    return (int64_t) c->before_index > (int64_t) index;
}


/* what was used of a window that comes again; of any other one nothing was */

static uint64_t
genai_books_counter_again(const genai_books_counter_t *c, uint64_t index)
{
    return (c->before_index == index && c->index != index) ? c->before : 0;
}


/* nobody holds any of it: its window is over, and another one begins */

static void
genai_books_counter_turn(genai_books_t *b, genai_books_counter_t *c,
    const genai_hold_t *hold)
{
    uint64_t  excess, index;

    excess = hold->limit.shadow ? 0 : genai_books_counter_excess(c);
    index = (uint64_t) hold->window.index;

    genai_books_set(b, &c->debt,
                    genai_books_counter_debt(excess, c->amount,
                                             index - c->index));
    genai_books_set(b, &c->settled, genai_books_counter_again(c, index));

    if (!genai_books_counter_ahead(c, index)) {
        genai_books_set(b, &c->before, c->settled);
        genai_books_set(b, &c->before_index, c->index);
    }

    genai_books_set(b, &c->index, index);
    genai_books_set(b, &c->start, (uint64_t) hold->window.start);
    genai_books_set(b, &c->end, (uint64_t) hold->window.end);
    genai_books_set(b, &c->leased, 0);
    genai_books_set(b, &c->over, 0);
    genai_books_set(b, &c->told, 0);
    genai_books_commit(b);
}


/*
 * The clock was put back: what was used is of the window that goes on.  It is
 * kept for the later one as well, which comes again when the clock is right.
 */

static void
genai_books_counter_back(genai_books_t *b, genai_books_counter_t *c,
    const genai_hold_t *hold)
{
    if (c->before_index == (uint64_t) hold->window.index) {
        genai_books_set(b, &c->settled, c->settled + c->before);
    }

    if (!genai_books_counter_ahead(c, c->index)) {
        genai_books_set(b, &c->before, c->settled + c->leased);
        genai_books_set(b, &c->before_index, c->index);
    }

    genai_books_set(b, &c->index, (uint64_t) hold->window.index);
    genai_books_set(b, &c->start, (uint64_t) hold->window.start);
    genai_books_set(b, &c->end, (uint64_t) hold->window.end);
    genai_books_commit(b);
}


uint64_t
genai_books_counter_debt(uint64_t excess, uint64_t amount, uint64_t windows)
{
    windows--;

    if (windows && amount && windows > excess / amount) {
        return 0;
    }

    return excess - windows * amount;
}


/* nothing that anybody could miss would be lost with it */

static int
genai_books_counter_idle(const genai_books_counter_t *c, int64_t now)
{
    int64_t   start, end, kept, ahead;
    uint64_t  excess, unit;

    if (genai_books_get(&c->held)) {
        return 0;
    }

    unit = genai_counted_window_unit(genai_books_get(&c->kind));

    if (unit == GENAI_WINDOW_NONE) {
        return 1;
    }

    start = (int64_t) genai_books_get(&c->start);
    end = (int64_t) genai_books_get(&c->end);

    if (unit == GENAI_WINDOW_NEVER || end <= start) {
        return 0;
    }

    kept = end - start < GENAI_COUNTER_KEPT ? end - start
                                            : GENAI_COUNTER_KEPT;

    ahead = (int64_t) c->before_index - (int64_t) c->index;

    if (ahead > 0) {

        /* the window that comes again is that many of about this length on */

        kept = (ahead < GENAI_COUNTER_AHEAD) ? kept + ahead * (end - start)
                                             : INT64_MAX;
    }

    if (now < end || now - end < kept) {
        return 0;
    }

    excess = genai_books_counter_excess(c);

    return excess == 0
           || (c->amount
               && (uint64_t) ((now - end) / (end - start))
                  > excess / c->amount);
}


/* with the lock on the structure and its own; returns 0 where it is lost */

static int
genai_books_counter_free(genai_books_t *b, genai_books_counter_t *c)
{
    uint64_t                offset, *from;
    unsigned                n;
    genai_books_head_t     *head = b->head;
    genai_books_counter_t  *prev;

    offset = genai_books_offset(b, c);
    from = genai_books_counter_bucket(b, c->id);

    for (n = 0; genai_books_get(from) != offset; n++) {

        prev = (n < GENAI_BOOKS_CHAIN)
               ? genai_books_counter_at(b, genai_books_get(from)) : NULL;

        if (prev == NULL) {
            genai_books_fault(b);
            return 0;
        }

        from = &prev->next;
    }

    genai_books_set(b, from, genai_books_get(&c->next));
    genai_books_set(b, &c->kind, GENAI_COUNTED_FREE);
    genai_books_set(b, &c->next, head->free_counter);
    genai_books_set(b, &head->free_counter, offset);
    genai_books_set(b, &head->free_counters, head->free_counters + 1);
    genai_books_set(b, &head->counters, head->counters - 1);
    genai_books_commit(b);

    return 1;
}


void
genai_books_counter_end(genai_books_t *b, uint64_t offset)
{
    int                     rc;
    uint64_t                delta, excess, *words[2];
    unsigned                n;
    genai_hold_t            next;
    genai_books_counter_t  *c, *current;

    c = genai_books_counter_at(b, offset);

    if (c == NULL
        || genai_counted_state(genai_books_get(&c->kind))
           != GENAI_COUNTED_ENDED)
    {
        return;
    }

    genai_books_lock(b, &b->head->lock);

    /* it is nobody else's as long as we have that */

    if (genai_counted_state(genai_books_get(&c->kind))
        != GENAI_COUNTED_ENDED)
    {
        goto done;
    }

    current = NULL;
    rc = genai_books_counter_find(b, c->id, &current);

    if (rc == 0 && genai_books_counter_excess(c) > c->charged) {

        /* its next window is made, and turned by who asks for a later one */

        memset(&next, 0, sizeof(genai_hold_t));

        next.id[0] = c->id[0];
        next.id[1] = c->id[1];
        next.owner = genai_counted_owner(c->kind);
        next.window.index = (int64_t) (c->index + 1);
        next.window.start = (int64_t) c->end;
        next.window.end = (int64_t) (2 * c->end - c->start);

        genai_books_counter_limit(c, &next.limit);
        current = genai_books_counter_new(b, &next, NULL);

        if (current) {
            genai_books_put(&current->name, c->name);
            genai_books_put(&current->pattern, c->pattern);
        }
    }

    words[0] = &c->lock;
    n = 1;

    if (current) {
        words[n++] = &current->lock;
    }

    genai_books_lock_all(b, words, n);

    excess = genai_books_counter_excess(c);
    delta = (excess > c->charged) ? excess - c->charged : 0;

    if (delta && current) {
        genai_books_set(b, &c->charged, excess);

        delta = (current->index > c->index)
                ? genai_books_counter_debt(delta, c->amount,
                                           current->index - c->index)
                : delta;

        genai_books_set(b, &current->debt, current->debt + delta);
        genai_books_commit(b);
    }

    /* debt that there is no room for waits for it */

    if (c->held == 0 && (delta == 0 || current)) {
        (void) genai_books_counter_free(b, c);
    }

done:

    genai_books_unlock(b);
}


void
genai_books_tidy(genai_books_t *b, unsigned budget, int64_t now)
{
    uint64_t                offset;
    unsigned                looks;
    genai_books_counter_t  *c;

    looks = GENAI_BOOKS_LOOKS;

    while (budget--) {

        c = genai_books_next(b, GENAI_EXTENT_COUNTERS, sizeof(*c), &b->tidied,
                             &looks);

        if (c == NULL) {
            if (looks == 0 || b->tidied == 0) {
                return;
            }

            b->tidied = 0;
            continue;
        }

        offset = genai_books_offset(b, c);

        switch (genai_counted_state(genai_books_get(&c->kind))) {

        case GENAI_COUNTED_ENDED:

            /* left by who died before he could free it */

            if (genai_books_get(&c->held) == 0) {
                genai_books_counter_end(b, offset);
            }

            break;

        case GENAI_COUNTED_CURRENT:

            if (!genai_books_counter_idle(c, now)) {
                break;
            }

            genai_books_lock(b, &b->head->lock);
            genai_books_lock(b, &c->lock);

            if (genai_counted_state(c->kind) == GENAI_COUNTED_CURRENT
                && genai_books_counter_idle(c, now))
            {
                (void) genai_books_counter_free(b, c);
            }

            genai_books_unlock(b);
            break;
        }
    }
}
