/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The journal: what is written of books that are at work makes the same books
 * again; also where it is torn, damaged, or where processes are killed at any
 * store between.
 */


#include "journal.h"

#include <time.h>


#define DAY       20000
#define ACCOUNTS  200
#define LIMITS    30
#define OUT       40


static journal_t      *journal;
static uint64_t        seed;


static uint64_t
rnd(uint64_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;

    return (seed >> 33) % n;
}


static int
keep(void *data, const genai_account_t *account, const genai_totals_t *totals)
{
    return 0;
}


static void
limits(genai_hold_t *h, char names[][32], unsigned n, int64_t at)
{
    unsigned  i, number;

    static const char  *texts[] = {
        "1000 tokens/1s", "3000 tokens/1m", "$5/1d", "900G tokens/never",
        "400 requests/10s", "2000 completion_tokens/7s on gpt-*"
    };

    for (i = 0; i < n; i++) {
        number = (unsigned) rnd(LIMITS / 3) * 3 + i % 3;
        h[i] = journal_hold(number, names[i], texts[number % 6], at,
                            rnd(40));
    }
}


static genai_lease_t *
lease(genai_books_t *b, int32_t day, unsigned n)
{
    char             key[32];
    unsigned char    id[GENAI_BOOKS_ID_LEN];
    genai_account_t  a;

    snprintf(key, sizeof(key), "key-%u", n);
    memset(id, 'x', sizeof(id));

    a = books_account(day, n % 3 ? "team" : "", "user", key, "model");

    return genai_books_lease(b, &a, id, 1);
}


/* some time in the life of books */

static void
work(genai_books_t *b, genai_lease_t **out, int64_t *now, unsigned turns)
{
    char             names[3][32];
    unsigned         i;
    genai_hold_t     h[3];
    genai_totals_t   t;

    while (turns--) {

        i = (unsigned) rnd(OUT);

        if (out[i] == NULL) {
            out[i] = lease(b, DAY - (int32_t) rnd(4),
                           (unsigned) rnd(ACCOUNTS));
            limits(h, names, 3, *now);

            if (genai_books_hold(b, out[i], h, (unsigned) rnd(4), *now)
                != GENAI_HOLD_OK)
            {
                genai_books_drop(b, out[i]);
                out[i] = NULL;
            }

        } else if (rnd(10) == 0) {
            genai_books_drop(b, out[i]);
            out[i] = NULL;

        } else {
            t = books_used(rnd(20));
            genai_books_settle(b, out[i], &t, NULL);
            out[i] = NULL;
        }

        if (rnd(20) == 0) {
            *now += (int64_t) rnd(9);
        }

        if (rnd(200) == 0) {
            *now -= 30;
        }

        if (rnd(500) == 0) {
            genai_books_tidy(b, 100, *now);
        }

        if (rnd(1000) == 0) {
            genai_books_retire(b, DAY - 2, 30, keep, NULL);
        }
    }
}


static void
settle(genai_books_t *b, genai_lease_t **out)
{
    unsigned        i;
    genai_totals_t  t;

    for (i = 0; i < OUT; i++) {
        if (out[i]) {
            t = books_used(rnd(60));
            genai_books_settle(b, out[i], &t, NULL);
            out[i] = NULL;
        }
    }
}


static void
test_random(uint64_t first)
{
    int64_t                now;
    unsigned               i, n;
    uint64_t               before;
    genai_lease_t         *out[OUT];
    genai_books_t         *b, *c;
    genai_totals_t         t;
    genai_books_file_t     f;
    genai_journal_scan_t   scan;

    seed = first;
    now = JOURNAL_NOW;
    memset(out, 0, sizeof(out));

    journal_region(&region);
    b = join();

    journal_begin(journal);

    work(b, out, &now, (unsigned) rnd(2000));
    journal_take(journal, b, 1, 65536);

    for (n = 0; n < 4; n++) {

        for (i = 0; i < 10; i++) {
            work(b, out, &now, (unsigned) rnd(300));
            journal_take(journal, b, 0, GENAI_JOURNAL_RECORD + 64 * rnd(100));
        }

        before = journal->len;
        journal_take(journal, b, 0, 65536);
        quiet_ok(journal->len - before <= 2 * sizeof(genai_record_said_t),
                 "seed %u: nothing is marked again", (unsigned) first);

        c = journal_replay(journal->data, journal->len, &f, &scan);
        quiet_ok(scan.cut == 0 && scan.lost == 0 && scan.end == journal->len,
                 "seed %u: all of it is records", (unsigned) first);
        quiet_ok(scan.policy_last == 5, "a word");

        quiet_ok(journal_rows_differ(b, c) == 0
                 && journal_rows_differ(c, b) == 0,
                 "seed %u, %u: the rows", (unsigned) first, n);
        quiet_ok(journal_counters_differ(b, c) == 0,
                 "seed %u, %u: the counters", (unsigned) first, n);

        /* all of it again is a shorter file that says the same */

        journal_done(c, &f);

        if (n == 1) {
            journal_begin(journal);
            journal_take(journal, b, 1, 4096);
        }
    }

    /* with nothing in flight, what ended has handed over its debt */

    settle(b, out);
    genai_books_tidy(b, 4000, now);
    journal_take(journal, b, 0, 65536);

    c = journal_replay(journal->data, journal->len, &f, &scan);
    quiet_ok(journal_rows_differ(b, c) == 0 && journal_rows_differ(c, b) == 0,
             "seed %u: the rows at the end", (unsigned) first);
    quiet_ok(journal_counters_differ(b, c) == 0
             && journal_counters_differ(c, b) == 0,
             "seed %u: the counters at the end", (unsigned) first);
    quiet_ok(books_sum(c, &t) > 100, "there are some");
    journal_done(c, &f);

    genai_books_leave(b);
    genai_books_file_close(&region);
}


/* debt of an ended window that is not handed over yet */

static void
test_debt(void)
{
    char                   name[32];
    unsigned               n;
    genai_hold_t           h;
    genai_books_t         *b, *c;
    genai_lease_t         *x, *y;
    genai_totals_t         t;
    genai_books_file_t     f;
    genai_limit_state_t    s, want;
    genai_journal_scan_t   scan;

    memset(&want, 0, sizeof(want));

    for (n = 0; n < 3; n++) {

        journal_region(&region);
        b = join();
        journal_begin(journal);

        h = journal_hold(1, name, "100 tokens/1m", JOURNAL_NOW, 100);
        x = lease(b, DAY, 1);
        (void) genai_books_hold(b, x, &h, 1, JOURNAL_NOW);

        /* its window ends while it is held: another one, or none yet */

        if (n) {
            h = journal_hold(1, name, "100 tokens/1m", JOURNAL_NOW + 60, 10);
            y = lease(b, DAY, 1);
            (void) genai_books_hold(b, y, &h, 1, JOURNAL_NOW + 60);
        }

        if (n == 2) {
            journal_take(journal, b, 1, 65536);
        }

        t = books_used(0);
        t.completion = 170;
        genai_books_settle(b, x, &t, NULL);

        journal_take(journal, b, n != 2, 65536);

        c = journal_replay(journal->data, journal->len, &f, &scan);
        want.owner = GENAI_OWNER_TEAM;
        want.name = books_str(name);
        want.key = books_str("");

        ok(journal_counter(c, &want, &s), "debt, %u: the counter", n);

        if (n == 0) {
            is_int(s.settled, 170, "debt, %u: is settled", n);

            h = journal_hold(1, name, "100 tokens/1m", JOURNAL_NOW + 60, 10);
            x = lease(c, DAY, 1);
            (void) genai_books_hold(c, x, &h, 1, JOURNAL_NOW + 60);
            is_int(h.used, 70, "and debt in the next window");

        } else {
            is_int(s.debt, 70, "debt, %u: is charged", n);
        }

        journal_done(c, &f);
        genai_books_leave(b);
        genai_books_file_close(&region);
    }
}


/* an ended counter alone: as if the other's record was lost */

static void
test_alone(void)
{
    char                   name[32];
    uint64_t               at;
    genai_hold_t           h;
    genai_books_t         *b, *c;
    genai_lease_t         *x, *y;
    genai_totals_t         t;
    genai_record_t        *r;
    genai_books_file_t     f;
    genai_limit_state_t    s, want;
    genai_journal_scan_t   scan;

    journal_region(&region);
    b = join();
    journal_begin(journal);

    h = journal_hold(1, name, "100 tokens/1m", JOURNAL_NOW, 100);
    x = lease(b, DAY, 1);
    y = lease(b, DAY, 1);
    (void) genai_books_hold(b, x, &h, 1, JOURNAL_NOW);

    t = books_used(0);
    t.completion = 130;
    h.take = 0;
    (void) genai_books_hold(b, y, &h, 1, JOURNAL_NOW);
    genai_books_settle(b, x, &t, NULL);

    h = journal_hold(1, name, "100 tokens/1m", JOURNAL_NOW + 60, 10);
    x = lease(b, DAY, 1);
    (void) genai_books_hold(b, x, &h, 1, JOURNAL_NOW + 60);

    journal_take(journal, b, 1, 65536);

    for (at = GENAI_JOURNAL_HEAD; at < journal->len; at += r->len) {
        r = (genai_record_t *) (void *) (journal->data + at);

        if (r->kind == GENAI_RECORD_COUNTER
            && genai_counted_state(((genai_record_counter_t *) r)->kind)
               == GENAI_COUNTED_CURRENT)
        {
            r->check++;
        }
    }

    c = journal_replay(journal->data, journal->len, &f, &scan);
    want.owner = GENAI_OWNER_TEAM;
    want.name = books_str(name);
    want.key = books_str("");
    ok(journal_counter(c, &want, &s), "what ended is current again");
    is_int(s.settled, 130, "with what was used");
    is_int(scan.holes, 1, "one record was lost");

    h = journal_hold(1, name, "100 tokens/1m", JOURNAL_NOW + 60, 10);
    x = lease(c, DAY, 1);
    (void) genai_books_hold(c, x, &h, 1, JOURNAL_NOW + 60);
    is_int(h.used, 30, "its debt is the next one's");

    journal_done(c, &f);
    genai_books_leave(b);
    genai_books_file_close(&region);
}


/* cut at each byte of the last turn, and bytes flipped */

static void
test_torn(void)
{
    int64_t                now;
    uint64_t               len, last, at;
    unsigned               i, hits;
    unsigned char          saved;
    genai_lease_t         *out[OUT];
    genai_books_t         *b, *c;
    genai_totals_t         before, t, after;
    genai_books_file_t     f;
    genai_journal_scan_t   scan;

    seed = 99;
    now = JOURNAL_NOW;
    memset(out, 0, sizeof(out));

    journal_region(&region);
    b = join();
    journal_begin(journal);

    ok(genai_journal_scan(journal->data, 0, &scan) == -1, "an empty file");
    ok(genai_journal_scan(journal->data, GENAI_JOURNAL_HEAD - 1, &scan) == -1,
       "half a head");
    ok(genai_journal_scan(journal->data, GENAI_JOURNAL_HEAD, &scan) == 0
       && !genai_journal_usable(&scan), "a head alone is of no use");

    work(b, out, &now, 500);
    journal_take(journal, b, 1, 65536);

    (void) genai_journal_scan(journal->data, journal->len
                              - sizeof(genai_record_said_t), &scan);
    ok(!genai_journal_usable(&scan), "nor is what was not finished");

    work(b, out, &now, 100);
    journal_take(journal, b, 0, 65536);

    last = journal->len;
    books_sum(b, &before);

    work(b, out, &now, 20);
    journal_take(journal, b, 0, 65536);
    len = journal->len;
    books_sum(b, &after);

    for (at = last; at <= len; at++) {

        if (genai_journal_scan(journal->data, at, &scan) != 0
            || !genai_journal_usable(&scan) || scan.lost
            || scan.end + scan.cut != at || scan.end < last)
        {
            fail("torn at %u", (unsigned) (at - last));
        }

        if (at % 41 && at != len) {
            continue;
        }

        c = journal_replay(journal->data, at, &f, &scan);
        books_sum(c, &t);
        quiet_ok(t.exchanges >= before.exchanges && t.cost >= before.cost
                 && t.cost <= after.cost,
                 "torn at %u: what was before is there",
                 (unsigned) (at - last));
        journal_done(c, &f);
    }

    ok(before.exchanges < after.exchanges && before.exchanges > 50,
       "there was something to be lost");

    /* bits flipped in what had been said to be on the disk */

    hits = 0;

    for (i = 0; i < 400; i++) {
        at = GENAI_JOURNAL_HEAD + rnd(last - GENAI_JOURNAL_HEAD);
        saved = journal->data[at];
        journal->data[at] ^= (unsigned char) (1 << rnd(8));

        (void) genai_journal_scan(journal->data, len, &scan);

        hits += scan.holes == 1 && scan.lost && scan.lost % 8 == 0
                && scan.lost <= GENAI_JOURNAL_RECORD && scan.cut == 0
                && scan.end == len;

        if (i % 20 == 0) {
            c = journal_replay(journal->data, len, &f, &scan);
            books_sum(c, &t);
            quiet_ok(t.cost <= after.cost, "nothing is made up");
            journal_done(c, &f);
        }

        journal->data[at] = saved;
    }

    is_int(hits, 400, "each flipped bit costs one record, and is told");

    /* half of a page of zeroes, and records of another place or file */

    memset(journal->data + 2048, 0, 1000);
    (void) genai_journal_scan(journal->data, len, &scan);
    ok(scan.holes == 1 && scan.lost >= 1000 && scan.end == len,
       "a hole in the middle: %u bytes", (unsigned) scan.lost);

    memcpy(journal->data + len, journal->data + last, len - last);
    (void) genai_journal_scan(journal->data, 2 * len - last, &scan);
    ok(scan.end == len && scan.cut == len - last,
       "a copy at another place counts for nothing");

    genai_books_leave(b);
    genai_books_file_close(&region);
}


/* what is changed while it is read is marked again, whoever reads first */

static void
test_locked(void)
{
    unsigned               i;
    genai_books_t         *b, *c;
    genai_lease_t         *x;
    genai_totals_t         t;
    genai_account_t        a;
    genai_books_row_t     *row;
    genai_books_file_t     f;
    genai_journal_scan_t   scan;

    journal_region(&region);
    b = join();
    journal_begin(journal);
    journal_take(journal, b, 1, 65536);

    a = books_account(DAY, "team", "user", "key-1", "model");

    for (i = 0; i < 2; i++) {
        x = lease(b, DAY, 1);
        t = books_used(3);
        genai_books_settle(b, x, &t, NULL);

        row = genai_books_row_get(b, &a, genai_books_account_hash(b, &a));

        /* marked, and not yet true when the writer comes by */

        genai_books_lock(b, &row->lock);
        genai_books_dirty(b, genai_books_offset(b, row));
        journal_take(journal, b, 0, 65536);

        genai_books_set(b, &row->totals[0], row->totals[0] + 5);
        genai_books_set(b, &row->hash, row->hash
                        + ((uint64_t) genai_books_check(0, row->totals[0] + 5)
                           << 32)
                        - ((uint64_t) genai_books_check(0, row->totals[0])
                           << 32));

        /* made true by who dies before he has put it in place */

        if (i) {
            genai_books_put(&b->self->commit, b->nvalues);
            journal_take(journal, b, 0, 65536);
        }

        /* not marked by commit, as it was marked already */

        genai_books_put(&b->self->commit, b->nvalues);
        (void) genai_books_repair(b, b->self, 0);
        b->nvalues = 0;
        genai_books_unlock(b);

        journal_take(journal, b, 0, 65536);

        c = journal_replay(journal->data, journal->len, &f, &scan);
        is_int(journal_rows_differ(b, c), 0, "locked, %u: it is there", i);
        journal_done(c, &f);
    }

    genai_books_leave(b);
    genai_books_file_close(&region);
}


/* a process that works, killed at a store, while the journal is written */

static void
life(const void *data)
{
    int64_t         now = JOURNAL_NOW;
    genai_books_t  *b;
    genai_lease_t  *out[OUT];

    memset(out, 0, sizeof(out));
    seed = *(const uint64_t *) data;

    b = join_to_die();

    work(b, out, &now, 60);
    settle(b, out);
    genai_books_retire(b, DAY - 2, 30, keep, NULL);
    genai_books_leave(b);
}


static void
test_killed(void)
{
    uint64_t               s;
    unsigned               n, killed;
    genai_books_t         *b, *c;
    genai_books_file_t     f;
    genai_journal_scan_t   scan;

    journal_region(&region);
    b = join();
    journal_begin(journal);
    journal_take(journal, b, 1, 65536);

    killed = 0;

    for (n = 1; n < 400; n++) {
        s = n;
        killed += run_to_die(life, &s, n * 16);

        if (n % 3 == 0) {
            journal_take(journal, b, 0, 65536);
        }

        while (genai_books_sweep(b, 1000)) { /* void */ }

        if (n % 10 == 0) {
            genai_books_tidy(b, 4000, JOURNAL_NOW);
            journal_take(journal, b, 0, 65536);
            c = journal_replay(journal->data, journal->len, &f, &scan);
            quiet_ok(journal_rows_differ(b, c) == 0
                     && journal_rows_differ(c, b) == 0
                     && journal_counters_differ(b, c) == 0,
                     "killed, %u: all of it is in the journal", n);
            journal_done(c, &f);
        }
    }

    ok(killed > 300, "killed %u", killed);

    genai_books_leave(b);
    genai_books_file_close(&region);
}


/* several at work while one writes all the time */

static void
test_racing(void)
{
    int                    status;
    pid_t                  pids[3];
    int64_t                now;
    unsigned               i, left;
    genai_books_t         *b, *c, *d;
    genai_lease_t         *out[OUT];
    genai_books_file_t     f;
    genai_journal_scan_t   scan;

    journal_region(&region);
    b = join();
    journal_begin(journal);
    journal_take(journal, b, 1, 65536);

    for (i = 0; i < 3; i++) {
        pids[i] = fork();

        if (pids[i] == 0) {
            d = join();
            now = JOURNAL_NOW;
            seed = i;
            memset(out, 0, sizeof(out));
            work(d, out, &now, 20000);
            settle(d, out);
            genai_books_leave(d);
            _exit(0);
        }
    }

    left = 3;

    while (left) {
        if (journal->len < JOURNAL_SIZE - (1 << 20)) {
            journal_take(journal, b, 0, 65536);

        } else {
            journal_begin(journal);
            journal_take(journal, b, 1, 65536);
        }

        while (left && waitpid(-1, &status, WNOHANG) > 0) {
            left--;
        }
    }

    genai_books_tidy(b, 4000, JOURNAL_NOW);
    journal_take(journal, b, 0, 65536);

    c = journal_replay(journal->data, journal->len, &f, &scan);
    ok(journal_rows_differ(b, c) == 0 && journal_rows_differ(c, b) == 0,
       "the rows of three that were at work meanwhile");
    ok(journal_counters_differ(b, c) == 0
       && journal_counters_differ(c, b) == 0, "and their counters");
    journal_done(c, &f);

    genai_books_leave(b);
    genai_books_file_close(&region);
}


int
main(void)
{
    unsigned  i;

    journal = shared(sizeof(journal_t));

    for (i = 1; i <= 12; i++) {
        test_random(i);
    }

    test_debt();
    test_alone();
    test_torn();
    test_locked();
    test_killed();
    test_racing();

    return done_testing();
}
