/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * New books out of a journal.  Of each slot the last record holds.
 *
 * Two slots can tell of one counter, as they were written at two moments: of
 * those that were current then the one of the later window holds, which has
 * got the debt of the other when it was made.  What an ended one still has to
 * hand over is added to the current one; where there is none, it is current
 * again, and the next who asks turns it to his window.
 */


#include "genai_journal_int.h"

#include <stdlib.h>


typedef struct {
    genai_books_t              *b;
    const unsigned char        *data;
    uint64_t                   *last;   /* offsets of records, by slot */
    uint64_t                    slots;
    genai_journal_replayed_t   *replayed;
} genai_journal_replay_t;


typedef enum {
    GENAI_REPLAY_CURRENT = 0,
    GENAI_REPLAY_ENDED,             /* without a current one */
    GENAI_REPLAY_DEBT,
    GENAI_REPLAY_DONE
} genai_replay_turn_e;


static void genai_journal_replay_row(genai_journal_replay_t *r,
    uint64_t slot, const genai_record_row_t *record);
static void genai_journal_replay_counter(genai_journal_replay_t *r,
    const genai_record_counter_t *record, genai_replay_turn_e turn);
static genai_books_counter_t *genai_journal_replay_make(
    genai_journal_replay_t *r, const genai_record_counter_t *record,
    genai_books_counter_t *c);
static void genai_journal_replay_debt(genai_journal_replay_t *r,
    const genai_record_counter_t *record, genai_books_counter_t *c);
static int genai_journal_window(uint64_t kind);


int
genai_journal_replay(genai_books_t *b, const unsigned char *data,
    uint64_t size, const genai_journal_scan_t *scan,
    genai_journal_replayed_t *replayed)
{
    uint64_t                slot;
    unsigned                turn;
    const genai_record_t   *record;
    genai_journal_iter_t    it;
    genai_journal_replay_t  r;

    memset(replayed, 0, sizeof(genai_journal_replayed_t));

    r.b = b;
    r.data = data;
    r.slots = scan->slots ? scan->slots : 1;
    r.replayed = replayed;

    r.last = calloc(r.slots, sizeof(uint64_t));
    if (r.last == NULL) {
        return -1;
    }

    it.data = data;
    it.size = size;
    it.at = GENAI_JOURNAL_HEAD;
    it.head = &scan->head;

    while ((record = genai_journal_next(&it)) != NULL) {

        slot = record->slot / GENAI_JOURNAL_UNIT;

        if (slot >= r.slots) {
            continue;
        }

        switch (record->kind) {

        case GENAI_RECORD_ROW:
        case GENAI_RECORD_COUNTER:
            r.last[slot] = it.at - record->len;
            break;

        case GENAI_RECORD_FREE:
            r.last[slot] = 0;
            break;
        }
    }

    for (turn = GENAI_REPLAY_CURRENT; turn <= GENAI_REPLAY_DONE; turn++) {

        for (slot = 0; slot < r.slots; slot++) {

            if (r.last[slot] == 0) {
                continue;
            }

            record = (const genai_record_t *) (const void *)
                     (data + r.last[slot]);

            if (record->kind == GENAI_RECORD_COUNTER) {
                genai_journal_replay_counter(&r,
                    (const genai_record_counter_t *) (const void *) record,
                    turn);

            } else if (turn == GENAI_REPLAY_CURRENT) {
                genai_journal_replay_row(&r, record->slot,
                    (const genai_record_row_t *) (const void *) record);
            }
        }
    }

    free(r.last);

    genai_books_word_set(b, GENAI_WORD_POLICY_LAST, scan->policy_last);

    return 0;
}


static void
genai_journal_replay_row(genai_journal_replay_t *r, uint64_t slot,
    const genai_record_row_t *record)
{
    uint64_t              sum;
    unsigned              i;
    uint32_t              check;
    genai_str_t           names[GENAI_NAMES];
    genai_books_t        *b = r->b;
    genai_account_t       account;
    genai_books_row_t    *row;
    const unsigned char  *p;

    p = (const unsigned char *) (record + 1);

    for (i = 0; i < GENAI_NAMES; i++) {
        names[i].data = (unsigned char *) (uintptr_t) p;
        names[i].len = record->len[i];
        p += record->len[i];
    }

    account.day = record->day;
    account.team = names[GENAI_NAME_TEAM];
    account.user = names[GENAI_NAME_USER];
    account.key = names[GENAI_NAME_KEY];
    account.model = names[GENAI_NAME_MODEL];

    row = (slot == GENAI_BOOKS_LAST || account.day == GENAI_BOOKS_NO_DAY)
          ? &b->head->last
          : genai_books_row_get(b, &account,
                                genai_books_account_hash(b, &account));

    genai_books_lock(b, &row->lock);

    check = (uint32_t) (row->hash >> 32);

    for (i = 0; i < GENAI_BOOKS_TOTALS; i++) {

        /* a row "other" may get several */

        sum = row->totals[i] + record->totals[i];

        if (record->totals[i]) {
            check += genai_books_check(i, sum)
                     - genai_books_check(i, row->totals[i]);

            genai_books_set(b, &row->totals[i], sum);
        }
    }

    genai_books_set(b, &row->hash,
                    (uint64_t) check << 32 | genai_books_row_hash(row));
    genai_books_commit(b);
    genai_books_unlock(b);

    r->replayed->rows++;
}


static void
genai_journal_replay_counter(genai_journal_replay_t *r,
    const genai_record_counter_t *record, genai_replay_turn_e turn)
{
    int                     found;
    unsigned                state;
    genai_books_counter_t  *c;

    state = genai_counted_state(record->kind);

    if ((state == GENAI_COUNTED_CURRENT) != (turn == GENAI_REPLAY_CURRENT)
        || (state != GENAI_COUNTED_CURRENT && state != GENAI_COUNTED_ENDED)
        || !genai_journal_window(record->kind))
    {
        return;
    }

    c = NULL;

    genai_books_lock(r->b, &r->b->head->lock);

    found = genai_books_counter_find(r->b, record->id, &c);

    switch (turn) {

    case GENAI_REPLAY_CURRENT:
    case GENAI_REPLAY_ENDED:

        if (found == 1
            && ((turn == GENAI_REPLAY_ENDED && c->told == 0)
                || (int64_t) c->index >= (int64_t) record->index))
        {
            break;
        }

        c = genai_journal_replay_make(r, record, c);

        if (c == NULL) {
            r->replayed->no_room++;

        } else if (found != 1) {
            r->replayed->counters++;
        }

        break;

    case GENAI_REPLAY_DEBT:

        if (found == 1 && c->index != record->index) {
            genai_journal_replay_debt(r, record, c);
        }

        break;

    case GENAI_REPLAY_DONE:

        if (found == 1) {
            genai_books_put(&c->told, 0);
        }

        break;
    }

    genai_books_unlock(r->b);
}


/*
 * Sets a counter, which is made where there is none, under the lock on the
 * structure.  What is made of an ended one is marked by a field that is 0 in
 * all others, so that a later ended one takes its place.
 */

static genai_books_counter_t *
genai_journal_replay_make(genai_journal_replay_t *r,
    const genai_record_counter_t *record, genai_books_counter_t *c)
{
    genai_hold_t          hold;
    genai_books_t        *b = r->b;
    const unsigned char  *p;

    if (c == NULL) {
        memset(&hold, 0, sizeof(genai_hold_t));

        p = (const unsigned char *) (record + 1);

        hold.id[0] = record->id[0];
        hold.id[1] = record->id[1];

        /* what they may have of the books was asked when they were made */

        hold.owner = GENAI_OWNER_KEY;
        hold.limit.unit = genai_counted_unit(record->kind);
        hold.limit.window_unit = genai_counted_window_unit(record->kind);
        hold.limit.window = genai_counted_window(record->kind);
        hold.name.data = (unsigned char *) (uintptr_t) p;
        hold.name.len = record->len[0];
        hold.key.data = hold.name.data + hold.name.len;
        hold.key.len = record->len[1];
        hold.limit.pattern.data = hold.key.data + hold.key.len;
        hold.limit.pattern.len = record->len[2];

        c = genai_books_counter_new(b, &hold, NULL);

        if (c == NULL) {
            return NULL;
        }
    }

    genai_books_lock(b, &c->lock);

    genai_books_set(b, &c->kind,
                    genai_counted_kind(GENAI_COUNTED_CURRENT,
                                       record->kind & ~(uint64_t) 0xff));
    genai_books_set(b, &c->index, record->index);
    genai_books_set(b, &c->start, record->start);
    genai_books_set(b, &c->end, record->end);
    genai_books_set(b, &c->amount, record->amount);
    genai_books_set(b, &c->settled, record->settled);
    genai_books_set(b, &c->debt, record->debt);
    genai_books_set(b, &c->over, record->over);
    genai_books_set(b, &c->overrun, record->overrun);
    genai_books_set(b, &c->before, record->before);
    genai_books_set(b, &c->before_index, record->before_index);
    genai_books_set(b, &c->refused, record->refused);
    genai_books_set(b, &c->weights[0], record->weights[0]);
    genai_books_set(b, &c->weights[1], record->weights[1]);
    genai_books_set(b, &c->told, genai_counted_state(record->kind)
                                 == GENAI_COUNTED_ENDED);

    genai_books_commit(b);

    return c;
}


static void
genai_journal_replay_debt(genai_journal_replay_t *r,
    const genai_record_counter_t *record, genai_books_counter_t *c)
{
    uint64_t               excess, delta;
    genai_books_t         *b = r->b;
    genai_books_counter_t  ended;

    memset(&ended, 0, sizeof(genai_books_counter_t));

    ended.settled = record->settled;
    ended.debt = record->debt;
    ended.over = record->over;
    ended.amount = record->amount;

    excess = genai_books_counter_excess(&ended);

    if (excess <= record->charged) {
        return;
    }

    delta = excess - record->charged;

    if ((int64_t) c->index > (int64_t) record->index) {
        delta = genai_books_counter_debt(delta, record->amount,
                                         c->index - record->index);
    }

    genai_books_lock(b, &c->lock);
    genai_books_set(b, &c->debt, c->debt + delta);
    genai_books_commit(b);
}


/* whether it is one that this version knows */

static int
genai_journal_window(uint64_t kind)
{
    return genai_counted_owner(kind) < GENAI_OWNERS
           && genai_counted_unit(kind) <= GENAI_LIMIT_CONCURRENT
           && genai_counted_window_unit(kind) <= GENAI_WINDOW_NEVER;
}
