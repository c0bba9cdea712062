/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What exchanges hold of limits, and SIGKILL.  First at each store in turn of
 * a process that holds, extends and settles, over the end of a window, and at
 * stores of the one that repairs what it left.  Then many processes at once
 * that are killed at random, with limits that they fight for.
 *
 * All limits are in tokens, and each has a twin for a lifetime that grants
 * everything: after each kill its counter and the row of totals, which one
 * record changes, must say the same.
 */


#include "books_kill.h"

#include <time.h>


#define DAY      20000
#define NOW      1000000020

#define STRIDE   307

#define WORKERS  4
#define OUT      8
#define KILLS    200
#define AMOUNT   3000


static volatile int64_t    *now;            /* of all processes */
static volatile uint64_t   *broken;         /* promises, as workers saw them */
static volatile uint64_t   *held;


static genai_hold_t
hold(uint64_t number, const char *text, int64_t at, uint64_t take)
{
    size_t        where;
    genai_str_t   s;
    genai_hold_t  h;

    memset(&h, 0, sizeof(h));

    s = books_str(text);
    (void) genai_limit_parse(&s, &h.limit, &where);

    h.id[0] = number * UINT64_C(0x9e3779b97f4a7c15);
    h.id[1] = number;
    h.take = take;
    h.name = books_str("team");
    h.owner = GENAI_OWNER_TEAM;

    genai_window_at(&h.limit, NULL, 0, at, &h.window);

    return h;
}


static genai_lease_t *
lease(genai_books_t *b)
{
    unsigned char    id[GENAI_BOOKS_ID_LEN];
    genai_account_t  a = books_account(DAY, "team", "user", "key", "model");

    memset(id, 'x', sizeof(id));

    return genai_books_lease(b, &a, id, 1);
}


static void
scenario(const void *data)
{
    uint64_t number = *(const uint64_t *) data;

    unsigned         which;
    genai_use_t      used;
    genai_hold_t     g[3], h[3];
    genai_books_t   *b;
    genai_lease_t   *x, *y, *z;
    genai_totals_t   t;

    b = join_to_die();

    /* new counters, of which one is new in every run */

    h[0] = hold(1, "1000G tokens/never", NOW, 100);
    h[1] = hold(2, "100k tokens/1m", NOW, 100);
    h[2] = hold(number, "100 tokens/1m", NOW, 100);

    x = lease(b);
    (void) genai_books_hold(b, x, h, 3, NOW);

    t = books_used(3);
    genai_books_checkpoint(x, &t);

    y = lease(b);
    (void) genai_books_hold(b, y, h, 2, NOW);
    (void) genai_books_extend(b, y, (uint64_t []) { 50, 50 }, 2, &which);

    /* a window later: two become ended ones */

    h[0] = hold(1, "1000G tokens/never", NOW + 60, 10);
    h[1] = hold(2, "100k tokens/1m", NOW + 60, 10);
    h[2] = hold(number, "100 tokens/1m", NOW + 60, 10);

    z = lease(b);
    (void) genai_books_hold(b, z, h, 3, NOW + 60);

    /* beyond what it holds: debt of the new one */

    t = books_used(40);
    genai_books_settle(b, x, &t, NULL);
    genai_books_drop(b, y);

    t = books_used(2);
    genai_books_settle(b, z, &t, NULL);

    /* one that goes on with two of three, in another order, and one more */

    x = lease(b);
    (void) genai_books_hold(b, x, h, 3, NOW + 60);

    memset(&used, 0, sizeof(used));
    used.prompt = 20;

    g[0] = hold(number, "100 tokens/1m", NOW + 60, 15);
    g[1] = hold(number + 1000000, "100 tokens/1m", NOW + 60, 15);
    g[2] = hold(1, "1000G tokens/never", NOW + 60, 15);

    genai_books_forgo(b, x, g, 3, &used, NULL);
    (void) genai_books_hold(b, x, g, 3, NOW + 60);
    genai_books_settle(b, x, &t, NULL);

    /* and the clock goes back */

    x = lease(b);
    h[0] = hold(1, "1000G tokens/never", NOW, 100);
    h[1] = hold(2, "100k tokens/1m", NOW, 100);
    (void) genai_books_hold(b, x, h, 2, NOW);
    genai_books_settle(b, x, &t, NULL);

    genai_books_tidy(b, 100, NOW + 400);
    genai_books_leave(b);

    _exit(0);
}


static void
repair(const void *data)
{
    genai_books_t  *b;

    b = join_to_die();

    genai_books_sweep(b, 1000);
    genai_books_tidy(b, 100, NOW + 400);
    genai_books_leave(b);
}


/* nothing is held; the limit for a lifetime says what the row says */

static int
check(genai_books_t *b, const char *what, unsigned n, unsigned m)
{
    int                   good;
    uint64_t              cursor, settled;
    genai_use_t           use;
    genai_limit_t         all;
    genai_totals_t        t;
    genai_account_t       a;
    genai_limit_state_t   s;
    genai_books_stats_t   stats;

    while (genai_books_sweep(b, 1000)) { /* void */ }

    good = 1;
    settled = 0;
    cursor = 0;

    while (genai_books_counter(b, &cursor, &s) == 1) {

        good &= quiet_ok(s.leased == 0 && s.exchanges == 0,
                         "%s %u/%u: %llu exchanges hold %llu", what, n, m,
                         (unsigned long long) s.exchanges,
                         (unsigned long long) s.leased);

        if (s.limit.window_unit == GENAI_WINDOW_NEVER) {
            settled = s.settled;
        }
    }

    a = books_account(DAY, "team", "user", "key", "model");
    (void) books_row(b, &a, &t);

    /* each exchange by itself is not rounded: weights are 1 */

    memset(&all, 0, sizeof(all));
    memset(&use, 0, sizeof(use));
    all.unit = GENAI_LIMIT_TOKENS;
    all.weight_prompt = GENAI_LIMIT_MILLION;
    all.weight_cached = GENAI_LIMIT_MILLION;
    all.weight_completion = GENAI_LIMIT_MILLION;
    all.weight_reasoning = GENAI_LIMIT_MILLION;
    use.prompt = t.prompt;
    use.completion = t.completion;

    good &= quiet_ok(settled == genai_limit_measure(&all, &use),
                     "%s %u/%u: the counter says %llu, the row %llu", what, n,
                     m, (unsigned long long) settled,
                     (unsigned long long) (t.prompt + t.completion));

    genai_books_stats(b, &stats);

    good &= quiet_ok(stats.leases == 0 && stats.faults == 0,
                     "%s %u/%u: %llu leases, %llu faults", what, n, m,
                     (unsigned long long) stats.leases,
                     (unsigned long long) stats.faults);

    return good;
}


static void
test_steps(void)
{
    int             killed, good;
    unsigned        n, m, runs;
    uint64_t        number;
    genai_books_t  *b;

    b = join();

    runs = 0;
    number = 1000;
    good = 1;
    killed = 1;

    for (n = 1; good && killed; n++) {

        for (m = n % STRIDE; good; m += STRIDE) {

            number++;
            killed = run_to_die(scenario, &number, n);

            if (m) {
                killed &= run_to_die(repair, NULL, m);
            }

            runs++;

            good = check(b, "killed at", n, m);

            if (!killed) {
                break;
            }
        }

        if (n % 8 == 0) {
            good &= quiet_ok(genai_books_verify(b, books_say, NULL) == 0,
                             "%u: verified", n);
        }

        /* the scenario has come to its end, whoever swept */

        number++;
        killed = run_to_die(scenario, &number, n);
        (void) check(b, "killed at", n, 0);
    }

    genai_books_leave(b);

    ok(n > 400, "killed at each of %u steps, %u runs", n, runs);
}


/* holds and settles what it likes; half of the time nobody else may have it */

static void
worker(unsigned number)
{
    int64_t         at;
    uint64_t        seed, r;
    unsigned        i, which;
    genai_hold_t    h[4];
    genai_books_t  *b;
    genai_lease_t  *out[OUT];
    genai_totals_t  t;

    memset(out, 0, sizeof(out));
    seed = number * UINT64_C(0x9e3779b97f4a7c15) + 1;

    b = join();
    if (b == NULL) {
        _exit(3);
    }

    for ( ;; ) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        r = seed >> 33;
        i = (unsigned) (r % OUT);
        r >>= 3;
        at = *now;

        if (out[i] == NULL) {
            out[i] = lease(b);

            if (out[i] == NULL) {
                continue;
            }

            h[0] = hold(1, "1000G tokens/never", at, r % 200);
            h[1] = hold(10, "3000 tokens/1m", at, r % 200);
            h[2] = hold(11 + r % 3, "3000 tokens/10s", at, r % 200);
            h[3] = hold(20 + r % 5, "8 concurrent", at, 1);

            if (genai_books_hold(b, out[i], h, 4, at) != GENAI_HOLD_OK) {
                genai_books_drop(b, out[i]);
                out[i] = NULL;

            } else {
                __atomic_add_fetch(held, 1, __ATOMIC_RELAXED);
            }

        } else if (r % 3 == 0) {
            (void) genai_books_extend(b, out[i],
                                      (uint64_t []) { 30, 30, 30, 0 }, 4,
                                      &which);
        } else {
            t = books_used(r % 50);
            genai_books_settle(b, out[i], &t, NULL);
            out[i] = NULL;
        }
    }
}


static void
test_random(void)
{
    int                  status;
    pid_t                pid[WORKERS];
    uint64_t             seed, cursor;
    unsigned             i, n, started;
    genai_books_t       *b;
    struct timespec      ts;
    genai_limit_state_t  s;

    b = join();

    seed = 7;
    started = 0;
    *now = NOW + 100000;

    for (i = 0; i < WORKERS; i++) {
        pid[i] = fork();

        if (pid[i] == 0) {
            worker(++started);
        }

        started++;
    }

    for (n = 0; n < KILLS; n++) {

        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;

        ts.tv_sec = 0;
        ts.tv_nsec = 500000 + (long) (seed >> 40) % 3000000;
        nanosleep(&ts, NULL);

        *now += (int64_t) (seed >> 50) % 4;

        i = (unsigned) (seed >> 33) % WORKERS;
        kill(pid[i], SIGKILL);
        must_wait(pid[i], &status);

        (void) genai_books_sweep(b, 1000);
        genai_books_tidy(b, 50, *now);

        /* what anybody sees while they are at work */

        cursor = 0;

        while (genai_books_counter(b, &cursor, &s) == 1) {
            if (s.settled + s.leased > s.limit.amount + s.overrun) {
                (*broken)++;
                diag("%llu settled, %llu leased, %llu overrun of %llu",
                     (unsigned long long) s.settled,
                     (unsigned long long) s.leased,
                     (unsigned long long) s.overrun,
                     (unsigned long long) s.limit.amount);
            }
        }

        pid[i] = fork();

        if (pid[i] == 0) {
            worker(++started);
        }

        started++;
    }

    for (i = 0; i < WORKERS; i++) {
        kill(pid[i], SIGKILL);
        must_wait(pid[i], &status);
    }

    is_int(*broken, 0, "the promise is kept at each look");
    ok(check(b, "killed at random", KILLS, 0),
       "nothing is held, everything is settled; %llu were let in",
       (unsigned long long) *held);
    ok(*held > KILLS, "enough of them");

    is_int(genai_books_verify(b, books_say, NULL), 0, "verified");

    genai_books_leave(b);
}


int
main(void)
{
    void  *p;

    if (genai_books_file_anonymous(&region, (uint64_t) 64 << 20) != 0) {
        fail("a region");
        return done_testing();
    }

    p = shared(4096);

    now = p;
    broken = (volatile uint64_t *) p + 1;
    held = (volatile uint64_t *) p + 2;

    test_steps();
    test_random();

    genai_books_file_close(&region);

    return done_testing();
}
