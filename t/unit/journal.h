/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the journal share: a file of it in memory, books that are
 * made of it, and whether two books say the same.
 */


#ifndef _GENAI_TEST_JOURNAL_H_INCLUDED_
#define _GENAI_TEST_JOURNAL_H_INCLUDED_


#include "books_kill.h"
#include "genai_journal_int.h"


#define JOURNAL_SIZE  ((size_t) 64 << 20)
#define JOURNAL_NOW   1000000020


/* in shared memory, so that who writes can be killed */
typedef struct {
    genai_journal_head_t   head;
    volatile uint64_t      len;
    uint64_t               synced;
    unsigned char          data[JOURNAL_SIZE];
} journal_t;


TAP_UNUSED static void
journal_begin(journal_t *j)
{
    memset(&j->head, 0, sizeof(j->head));

    j->head.number = 7;
    j->head.made = 123;
    j->head.seed[0] = 0x1234;
    j->head.seed[1] = 0x5678;

    genai_journal_head(j->data, &j->head);
    j->len = GENAI_JOURNAL_HEAD;
    j->synced = 0;
}


TAP_UNUSED static void
journal_put(journal_t *j, size_t n)
{
    genai_journal_seal(&j->head, j->data + j->len, n, j->len);
    j->len += n;
}


/* writes what is marked, or all; size is of the buffer at a time */

TAP_UNUSED static void
journal_take(journal_t *j, const genai_books_t *b, int all, size_t size)
{
    size_t                n;
    genai_journal_walk_t  walk;

    memset(&walk, 0, sizeof(walk));
    walk.all = all;

    while ((n = genai_journal_take(b, &walk, j->data + j->len, size)) != 0) {
        journal_put(j, n);
    }

    if (all) {
        j->synced = j->len;
    }

    n = genai_journal_say(j->data + j->len,
                          all ? GENAI_JOURNAL_WHOLE : GENAI_JOURNAL_PASS,
                          (int64_t) j->len, j->synced, 5);
    journal_put(j, n);
    j->synced = j->len;
}


static void
journal_region(genai_books_file_t *f)
{
    if (genai_books_file_anonymous(f, (uint64_t) 64 << 20) != 0) {
        fail("no memory");
        exit(1);
    }
}


/* new books of the first len bytes; NULL where they cannot be used */

static genai_books_t *
journal_replay(const unsigned char *data, uint64_t len,
    genai_books_file_t *f, genai_journal_scan_t *scan)
{
    genai_books_t             *b;
    genai_process_id_t         self;
    genai_journal_replayed_t   replayed;

    if (genai_journal_scan(data, len, scan) != 0
        || !genai_journal_usable(scan))
    {
        return NULL;
    }

    journal_region(f);
    genai_process_self(&self);

    b = genai_books_join(f->addr, f->mapped, f->max, &self, &f->os, 0);

    if (b == NULL
        || genai_journal_replay(b, data, len, scan, &replayed) != 0)
    {
        fail("out of memory");
        exit(1);
    }

    return b;
}


static void
journal_done(genai_books_t *b, genai_books_file_t *f)
{
    quiet_ok(genai_books_verify(b, books_say, NULL) == 0, "they are whole");
    genai_books_leave(b);
    genai_books_file_close(f);
}


/* how many rows of one are not as the other says */

static unsigned
journal_rows_differ(const genai_books_t *x, const genai_books_t *y)
{
    int              rc;
    uint64_t         cursor;
    unsigned         n, bad;
    genai_totals_t   t, u;
    genai_account_t  a;

    cursor = 0;
    bad = 0;

    while ((rc = genai_books_row(x, &cursor, &a, &t)) != 0) {
        if (rc != 1) {
            continue;
        }

        n = books_row(y, &a, &u);

        if (n != 1 || !books_same(&t, &u)) {
            if (bad++ < 3) {
                diag("day %d, %.*s: %llu exchanges, not %llu in %u rows",
                     (int) a.day, (int) a.key.len, (char *) a.key.data,
                     (unsigned long long) t.exchanges,
                     (unsigned long long) u.exchanges, n);
            }
        }
    }

    return bad;
}


TAP_UNUSED static int
journal_counter(const genai_books_t *b, const genai_limit_state_t *want,
    genai_limit_state_t *found)
{
    int       rc;
    uint64_t  cursor = 0;

    while ((rc = genai_books_counter(b, &cursor, found)) != 0) {
        if (rc == 1 && !found->ended
            && found->owner == want->owner
            && books_text_same(&found->name, &want->name)
            && books_text_same(&found->key, &want->key))
        {
            return 1;
        }
    }

    return 0;
}


/* likewise of the counters that are current; each has a name of its own */

TAP_UNUSED static unsigned
journal_counters_differ(const genai_books_t *x, const genai_books_t *y)
{
    int                  rc;
    uint64_t             cursor;
    unsigned             bad;
    genai_limit_state_t  c, d;

    cursor = 0;
    bad = 0;

    while ((rc = genai_books_counter(x, &cursor, &c)) != 0) {
        if (rc != 1 || c.ended) {
            continue;
        }

        if (!journal_counter(y, &c, &d)
            || c.limit.amount != d.limit.amount
            || c.limit.unit != d.limit.unit
            || c.limit.window != d.limit.window
            || c.limit.window_unit != d.limit.window_unit
            || c.limit.weight_cached != d.limit.weight_cached
            || !books_text_same(&c.limit.pattern, &d.limit.pattern)
            || c.start != d.start || c.end != d.end
            || c.settled != d.settled || c.debt != d.debt
            || c.overrun != d.overrun || c.overruns != d.overruns
            || d.leased || d.exchanges)
        {
            if (bad++ < 3) {
                diag("%.*s: %llu settled, not %llu; debt %llu, not %llu; "
                     "start %lld, not %lld", (int) c.name.len,
                     (char *) c.name.data,
                     (unsigned long long) c.settled,
                     (unsigned long long) d.settled,
                     (unsigned long long) c.debt,
                     (unsigned long long) d.debt,
                     (long long) c.start, (long long) d.start);
            }
        }
    }

    return bad;
}


TAP_UNUSED static genai_hold_t
journal_hold(unsigned number, char name[32], const char *text, int64_t at,
    uint64_t take)
{
    size_t        where;
    genai_str_t   s;
    genai_hold_t  h;

    memset(&h, 0, sizeof(h));

    s = books_str(text);
    (void) genai_limit_parse(&s, &h.limit, &where);

    snprintf(name, 32, "limit-%u", number);

    h.id[0] = number * UINT64_C(0x9e3779b97f4a7c15);
    h.id[1] = number;
    h.take = take;
    h.name = books_str(name);
    h.owner = GENAI_OWNER_TEAM;

    genai_window_at(&h.limit, NULL, 0, at, &h.window);

    return h;
}


#endif /* _GENAI_TEST_JOURNAL_H_INCLUDED_ */
