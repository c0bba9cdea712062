/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The books and SIGKILL.  First at each store in turn: of a process that
 * leases, settles and retires, and of the one that repairs what it left.
 * Then many processes at once, killed at random.
 */


#include "books_kill.h"

#include <fcntl.h>
#include <poll.h>
#include <time.h>


#define DAY      20000

/* the recoverer dies at each of so many steps once, in turn */
#define STRIDE   61

#define WORKERS  4
#define KILLS    300
#define SHARED   3
#define OUT      8          /* exchanges that a worker has out */


/* what an exchange has come to; the word before is stored before the call */
typedef enum {
    X_NONE = 0,
    X_LEASING,
    X_OUT,
    X_SAYING,
    X_SETTLING
} phase_e;

typedef struct {
    volatile uint32_t   phase;
    volatile uint32_t   row;        /* or SHARED: its own */
    volatile uint64_t   said;
    volatile uint64_t   next;       /* said next, or used */
    volatile uint64_t   turn;
} exchange_t;

/*
 * One for each process that was started, in shared memory.  What it has
 * settled is told by one store, to turn: of two copies that one is true.
 */
typedef struct {
    volatile uint64_t   turn;
    genai_totals_t      sure[2][SHARED + 1];
    exchange_t          out[OUT];
    volatile uint32_t   pid;
} record_t;


static volatile uint32_t   *phase;          /* of the scenario */


static int
keep(void *data, const genai_account_t *account, const genai_totals_t *totals)
{
    return 0;
}


/* the life of a process that is killed on its way, at the step kill_at */

static void
scenario(const void *data)
{
    const char *key = data;

    genai_books_t   *b;
    genai_lease_t   *x, *y, *z;
    unsigned char    id[GENAI_BOOKS_ID_LEN];
    genai_totals_t   t;
    genai_account_t  a, c, d;

    memset(id, 'x', sizeof(id));

    a = books_account(DAY, "team", "user", "key", "model");
    c = books_account(DAY, "team", "user", key, "model");
    d = books_account(1, "team", "user", key, "old");

    b = join_to_die();

    x = genai_books_lease(b, &a, id, 1);
    *phase = 1;

    t = books_used(5);
    genai_books_checkpoint(x, &t);
    *phase = 2;

    t = books_used(9);
    genai_books_checkpoint(x, &t);
    *phase = 3;

    y = genai_books_lease(b, &c, id, 2);
    *phase = 4;

    t = books_used(100);
    genai_books_settle(b, x, &t, NULL);
    *phase = 5;

    t = books_used(50);
    genai_books_settle(b, y, &t, NULL);
    *phase = 6;

    z = genai_books_lease(b, &d, id, 2);
    genai_books_settle(b, z, &t, NULL);
    *phase = 7;

    while (genai_books_retire(b, 2, 100, keep, NULL) > 0) { /* void */ }
    *phase = 8;

    genai_books_leave(b);
    *phase = 9;

    _exit(0);
}


static void
repair(const void *data)
{
    genai_books_t  *b;

    b = join_to_die();

    genai_books_sweep(b, 1000);
    genai_books_leave(b);
}


/* whether what was added is one of two: n of 0 is nothing, bit 16 an orphan */

#define ORPHAN  0x10000
#define NOTHING 0x20000

static int
one_of(const genai_totals_t *added, unsigned n, unsigned m)
{
    unsigned        i, what;
    genai_totals_t  t;

    for (i = 0; i < 2; i++) {
        what = i ? m : n;

        t = books_used(what & 0xffff);
        t.exchanges = 1;
        t.orphans = (what & ORPHAN) ? 1 : 0;

        if (what == NOTHING) {
            memset(&t, 0, sizeof(t));
        }

        if (books_same(&t, added)) {
            return 1;
        }
    }

    return 0;
}


static void
check_scenario(genai_books_t *b, const char *key, genai_totals_t *before,
    unsigned n, unsigned m)
{
    unsigned            i, rows, p = *phase;
    uint64_t           *x, *y;
    genai_totals_t      t, now;
    genai_account_t     a, c;
    genai_books_stats_t  stats;

    static const unsigned  first[][2] = {
        { NOTHING, ORPHAN }, { ORPHAN, ORPHAN | 5 },
        { ORPHAN | 5, ORPHAN | 9 }, { ORPHAN | 9, ORPHAN | 9 },
        { ORPHAN | 9, 100 }, { 100, 100 }, { 100, 100 }, { 100, 100 },
        { 100, 100 }, { 100, 100 }
    };
    static const unsigned  second[][2] = {
        { NOTHING, NOTHING }, { NOTHING, NOTHING }, { NOTHING, NOTHING },
        { NOTHING, ORPHAN }, { ORPHAN, ORPHAN }, { ORPHAN, 50 }, { 50, 50 },
        { 50, 50 }, { 50, 50 }, { 50, 50 }
    };

    a = books_account(DAY, "team", "user", "key", "model");
    c = books_account(DAY, "team", "user", key, "model");

    rows = books_row(b, &a, &now);
    t = now;
    x = (uint64_t *) &t;
    y = (uint64_t *) before;

    for (i = 0; i < sizeof(t) / 8; i++) {
        x[i] -= y[i];
    }

    quiet_ok(rows <= 1 && one_of(&t, first[p][0], first[p][1]),
             "%u/%u, phase %u: one row: %u exchanges, %u orphans, %u", n, m, p,
             (unsigned) t.exchanges, (unsigned) t.orphans,
             (unsigned) t.prompt);

    *before = now;

    rows = books_row(b, &c, &t);

    quiet_ok(rows <= 1 && one_of(&t, second[p][0], second[p][1]),
             "%u/%u, phase %u: another: %u exchanges, %u orphans, %u", n, m, p,
             (unsigned) t.exchanges, (unsigned) t.orphans,
             (unsigned) t.prompt);

    c = books_account(1, "team", "user", key, "old");
    rows = books_row(b, &c, &t);

    quiet_ok(rows <= 1
             && (p < 6 ? t.exchanges == 0
                 : p == 6 ? (t.exchanges == 0 || one_of(&t, ORPHAN, 50))
                 : p == 7 ? (t.exchanges == 0 || one_of(&t, 50, 50))
                 : rows == 0),
             "%u/%u, phase %u: that of an old day", n, m, p);

    while (genai_books_retire(b, 2, 1000, keep, NULL) > 0) { /* void */ }

    genai_books_stats(b, &stats);

    quiet_ok(stats.leases == 0 && stats.processes == 1
             && stats.faults == 0 && stats.other == 0,
             "%u/%u, phase %u: nothing is left: %u leases, %u processes", n, m,
             p, (unsigned) stats.leases, (unsigned) stats.processes);
}


static void
test_steps(void)
{
    int              killed;
    char             key[64];
    unsigned         n, m, runs;
    genai_books_t   *b;
    genai_totals_t   before;
    genai_account_t  a;

    b = join();

    a = books_account(DAY, "team", "user", "key", "model");
    (void) books_row(b, &a, &before);

    runs = 0;

    for (n = 1; ; n++) {

        /* the one that repairs is killed too, at this step and others */

        for (m = n % STRIDE; ; m += STRIDE) {

            snprintf(key, sizeof(key), "key-%u-%u", n, m);

            *phase = 0;
            killed = run_to_die(scenario, key, n);

            if (m) {
                killed &= run_to_die(repair, NULL, m);
            }

            runs++;

            while (genai_books_sweep(b, 1000)) { /* void */ }

            check_scenario(b, key, &before, n, m);

            if (!killed) {
                break;
            }
        }

        quiet_ok(n % 4 || genai_books_verify(b, books_say, NULL) == 0,
                 "%u: nothing is wrong with the books", n);

        if (*phase == 9) {
            break;
        }
    }

    genai_books_leave(b);

    ok(n > 150, "killed at each of %u steps, %u runs", n, runs);
}


/* a holder that is stopped keeps its lock; whoever waits, waits */

static void
test_stopped(void)
{
    int                  status, fds[2];
    char                 c;
    pid_t                pid, other;
    unsigned             i;
    genai_books_t       *b;
    genai_lease_t       *x;
    unsigned char        id[GENAI_BOOKS_ID_LEN];
    struct pollfd        pfd;
    genai_totals_t       t, before, after;
    genai_account_t      a;
    genai_books_stats_t  s1, s2;

    memset(id, 's', sizeof(id));
    a = books_account(DAY, "team", "user", "key", "model");
    t = books_used(7);

    b = join();
    genai_books_stats(b, &s1);
    (void) books_row(b, &a, &before);

    pid = fork();

    if (pid == 0) {
        b = join();
        x = genai_books_lease(b, &a, id, 1);

        /* the lock is taken by the third, and there are many values */

        genai_books_step = step;
        stop_at = 12;
        genai_books_settle(b, x, &t, NULL);
        genai_books_leave(b);
        _exit(0);
    }

    while (waitpid(pid, &status, WUNTRACED) == -1) { /* void */ }
    ok(WIFSTOPPED(status), "a process is stopped while it holds a lock");

    if (pipe(fds) == -1) {
        fail("pipe");
        return;
    }

    other = fork();

    if (other == 0) {
        close(fds[0]);
        b = join();
        x = genai_books_lease(b, &a, id, 1);
        genai_books_settle(b, x, &t, NULL);
        genai_books_leave(b);
        i = (write(fds[1], "x", 1) != 1);
        _exit((int) i);
    }

    close(fds[1]);

    pfd.fd = fds[0];
    pfd.events = POLLIN;

    is_int(poll(&pfd, 1, 200), 0, "another one waits, and goes on waiting");

    is_int(genai_books_sweep(b, 1000), 0, "the sweep finds nobody dead");
    is_int(books_row(b, &a, &after), 1, "the row can be read");
    ok(books_same(&before, &after), "as it was");

    kill(pid, SIGCONT);
    must_wait(pid, &status);
    is_int(status, 0, "it goes on and ends");

    is_int(read(fds[0], &c, 1), 1, "so does the other one");
    must_wait(other, &status);
    is_int(status, 0, "and ends");

    t.exchanges = 1;
    books_add(&before, &t);
    books_add(&before, &t);

    (void) books_row(b, &a, &after);
    ok(books_same(&before, &after), "both have counted");

    genai_books_stats(b, &s2);
    is_int(s2.takeovers, s1.takeovers, "nothing was taken over");

    genai_books_leave(b);
    close(fds[0]);
}


/* a view shows a row whole though its writer died within it */

static void
test_torn(void)
{
    unsigned         n, torn;
    genai_books_t   *b, *view;
    genai_totals_t   t, want;
    genai_account_t  a;

    torn = 0;
    a = books_account(DAY, "team", "user", "key", "model");
    b = join();

    for (n = 120; n < 190; n += 3) {
        *phase = 0;
        (void) run_to_die(scenario, "torn", n);

        view = genai_books_view(region.addr, region.mapped);

        if (view == NULL) {
            fail("a view");
            return;
        }

        (void) books_row(view, &a, &t);
        genai_books_leave(view);

        torn += t.cached != 2 * t.prompt || t.completion != 3 * t.prompt
                || t.reasoning != 5 * t.prompt || t.cost != 1000 * t.prompt;

        while (genai_books_sweep(b, 100)) { /* void */ }

        (void) books_row(b, &a, &want);

        torn += want.exchanges != t.exchanges
                && want.exchanges != t.exchanges + 1;
    }

    is_int(torn, 0, "a view reads no row torn");

    genai_books_leave(b);
}


static void
worker(record_t *r, unsigned number)
{
    char             own[32];
    uint64_t         seed;
    unsigned         i, what;
    genai_books_t   *b;
    genai_lease_t   *lease[OUT];
    unsigned char    id[GENAI_BOOKS_ID_LEN];
    exchange_t      *x;
    genai_totals_t   t;
    genai_account_t  a;

    memset(id, 'w', sizeof(id));
    snprintf(own, sizeof(own), "own-%u", number);

    seed = number * UINT64_C(0x9e3779b97f4a7c15) + 1;

    b = join();
    if (b == NULL) {
        _exit(3);
    }

    for ( ;; ) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;

        i = (unsigned) (seed >> 33) % OUT;
        what = (unsigned) (seed >> 40) % 1000;
        x = &r->out[i];

        if (what == 0) {
            genai_books_sweep(b, 10);
            continue;
        }

        switch (x->phase) {

        case X_NONE:
            x->row = what & 1 ? SHARED : what % SHARED;
            x->said = 0;
            x->phase = X_LEASING;

            a = books_account(DAY, "team", "user",
                              x->row == SHARED ? own
                              : x->row == 0 ? "s0"
                              : x->row == 1 ? "s1" : "s2", "model");

            lease[i] = genai_books_lease(b, &a, id, 1);

            if (lease[i] == NULL) {
                _exit(4);
            }

            x->phase = X_OUT;
            break;

        case X_OUT:
            if (what % 3) {
                x->next = x->said + 1;
                x->phase = X_SAYING;
                t = books_used(x->next);
                genai_books_checkpoint(lease[i], &t);
                x->said = x->next;
                x->phase = X_OUT;
                break;
            }

            x->next = what;
            x->turn = r->turn;
            x->phase = X_SETTLING;
            t = books_used(what);
            genai_books_settle(b, lease[i], &t, NULL);

            t.exchanges = 1;
            memcpy(r->sure[~r->turn & 1], r->sure[r->turn & 1],
                   sizeof(r->sure[0]));
            books_add(&r->sure[~r->turn & 1][x->row], &t);
            __atomic_thread_fence(__ATOMIC_SEQ_CST);
            r->turn++;
            __atomic_thread_fence(__ATOMIC_SEQ_CST);

            x->phase = X_NONE;
            break;
        }
    }
}


static genai_totals_t
orphan(uint64_t said)
{
    genai_totals_t  t;

    t = books_used(said);
    t.exchanges = 1;
    t.orphans = 1;

    return t;
}


/*
 * What a dead process did to a row: least and most, which differ by the one
 * exchange that it was at, if that was of this row.  Returns whether they do.
 */

static int
account_for(const record_t *r, unsigned row, genai_totals_t *least,
    genai_totals_t *most)
{
    int                maybe;
    unsigned           i;
    genai_totals_t     t;
    const exchange_t  *x;

    maybe = 0;
    *least = r->sure[r->turn & 1][row];
    *most = *least;

    for (i = 0; i < OUT; i++) {
        x = &r->out[i];

        if (x->row != row || x->phase == X_NONE
            || (x->phase == X_SETTLING && x->turn != r->turn))
        {
            continue;
        }

        if (x->phase != X_LEASING) {
            t = orphan(x->said);
            books_add(least, &t);
        }

        if (x->phase == X_SETTLING) {
            t = books_used(x->next);
            t.exchanges = 1;

        } else {
            t = orphan(x->phase == X_SAYING ? x->next : x->said);
        }

        books_add(most, &t);
        maybe += x->phase != X_OUT;
    }

    return maybe;
}


static void
test_random(void)
{
    int                  status, rc;
    char                 own[32];
    pid_t                pid;
    uint64_t             seed, *x, *y, *z;
    unsigned             i, j, n, f, number, maybe, exact, slot[WORKERS];
    record_t            *records;
    genai_books_t       *b;
    struct timespec      ts;
    genai_totals_t       t, least, most, sum[2];
    genai_account_t      a;
    genai_books_stats_t  stats;

    static const char  *names[] = { "s0", "s1", "s2" };

    records = shared((KILLS + WORKERS) * sizeof(record_t));
    b = join();

    seed = 4711;

    for (number = 0; number < KILLS + WORKERS; number++) {

        j = number;

        if (number >= WORKERS) {

            /* one of them dies some time later */

            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            ts.tv_sec = 0;
            ts.tv_nsec = (long) ((seed >> 33) % 3000000);
            nanosleep(&ts, NULL);

            j = (unsigned) (seed >> 50) % WORKERS;

            kill((pid_t) records[slot[j]].pid, SIGKILL);
            must_wait((pid_t) records[slot[j]].pid, &status);

            quiet_ok(WIFSIGNALED(status), "killed, not ended: %x", status);

            if (number % 3 == 0) {
                genai_books_sweep(b, 5);
            }
        }

        slot[j] = number;
        pid = fork();

        if (pid == 0) {
            worker(&records[number], number);
        }

        records[number].pid = (uint32_t) pid;
    }

    for (j = 0; j < WORKERS; j++) {
        kill((pid_t) records[slot[j]].pid, SIGKILL);
        must_wait((pid_t) records[slot[j]].pid, &status);
    }

    while (genai_books_sweep(b, 100)) { /* void */ }

    genai_books_stats(b, &stats);
    is_int(stats.leases, 0, "no lease is left");
    is_int(stats.processes, 1, "nor a process");
    is_int(stats.faults, 0, "no fault was met");

    diag("%u takeovers of locks", (unsigned) stats.takeovers);

    /* a row of its own is exactly what the process says, or one step on */

    exact = 0;

    for (i = 0; i < number; i++) {
        snprintf(own, sizeof(own), "own-%u", i);
        a = books_account(DAY, "team", "user", own, "model");

        n = books_row(b, &a, &t);
        maybe = account_for(&records[i], SHARED, &least, &most);

        quiet_ok(n <= 1 && maybe <= 1
                 && (books_same(&t, &least) || books_same(&t, &most)),
                 "%s: %u exchanges, %u orphans, %u; not %u, %u, %u", own,
                 (unsigned) t.exchanges, (unsigned) t.orphans,
                 (unsigned) t.prompt, (unsigned) least.exchanges,
                 (unsigned) least.orphans, (unsigned) least.prompt);

        exact += maybe == 0;
    }

    diag("%u of %u had an exchange that may be either", number - exact, number);

    /* shared rows are that of all */

    for (j = 0; j < SHARED; j++) {
        memset(sum, 0, sizeof(sum));
        maybe = 0;

        for (i = 0; i < number; i++) {
            maybe += account_for(&records[i], j, &least, &most);

            x = (uint64_t *) &least;
            y = (uint64_t *) &most;

            for (f = 0; f < sizeof(t) / sizeof(uint64_t); f++) {
                rc = x[f] < y[f];
                ((uint64_t *) &sum[0])[f] += rc ? x[f] : y[f];
                ((uint64_t *) &sum[1])[f] += rc ? y[f] : x[f];
            }
        }

        a = books_account(DAY, "team", "user", names[j], "model");
        n = books_row(b, &a, &t);

        x = (uint64_t *) &sum[0];
        y = (uint64_t *) &sum[1];
        z = (uint64_t *) &t;

        for (f = 0; f < sizeof(t) / sizeof(uint64_t); f++) {
            quiet_ok(z[f] >= x[f] && z[f] <= y[f],
                     "%s, field %u: %llu, from %llu to %llu", names[j], f,
                     (unsigned long long) z[f], (unsigned long long) x[f],
                     (unsigned long long) y[f]);
        }

        ok(n == 1 && t.cached == 2 * t.prompt && t.completion == 3 * t.prompt
           && t.reasoning == 5 * t.prompt && t.cost == 1000 * t.prompt,
           "%s: %llu exchanges, %llu orphans, %u of either kind", names[j],
           (unsigned long long) t.exchanges, (unsigned long long) t.orphans,
           maybe);
    }

    is_int(genai_books_verify(b, books_say, NULL), 0, "nothing is wrong");

    genai_books_leave(b);
}


int
main(void)
{
    if (genai_books_file_anonymous(&region, (uint64_t) 64 << 20) != 0) {
        fail("a region");
        return done_testing();
    }

    phase = shared(4096);

    test_steps();
    test_torn();
    test_stopped();
    test_random();

    genai_books_file_close(&region);

    return done_testing();
}
