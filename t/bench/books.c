/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a lease and its settling cost, without nginx:
 *
 *     build/books-bench
 *
 * in one process, and in several that settle to one row at the same time;
 * a lease that looks for its row among many, and one that makes it; and with a
 * thread that writes the journal to a file, beside it and under /tmp.  How
 * long locks are held is told by a hook in the store that frees them.
 */


#include "genai_books_file.h"
#include "genai_books_counter.h"
#include "genai_journal_thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>


#define BENCH_RUNS   21
#define BENCH_LOOPS  20000
#define BENCH_ROWS   20000


/* of how long locks were held: ns up to each, by quarters of powers of two */
#define BENCH_HELD  160


static genai_books_file_t  region;

void genai_bench_locked(void);
void genai_bench_unlocked(void);

/* of this process; the library calls them where it is told to, GENAI_BENCH */
static uint64_t   held_from, held[BENCH_HELD];
static int        held_on;


static double
bench_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec + ts.tv_nsec / 1e9;
}


static uint64_t
bench_ns(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


/* the end of that bucket */

static uint64_t
bench_held_ns(unsigned i)
{
    return (uint64_t) (4 + i % 4) << (i / 4) << 2;
}


static int
bench_compare(const void *a, const void *b)
{
    double  x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}


static genai_books_t *
bench_join(void)
{
    genai_books_t       *b;
    genai_process_id_t   self;

    genai_process_self(&self);

    b = genai_books_join(region.addr, region.mapped, region.max, &self,
                         &region.os, 0);
    if (b == NULL) {
        abort();
    }

    return b;
}


void
genai_bench_locked(void)
{
    if (held_on && held_from == 0) {
        held_from = bench_ns();
    }
}


void
genai_bench_unlocked(void)
{
    uint64_t  ns;
    unsigned  i;

    if (held_from == 0) {
        return;
    }

    ns = bench_ns() - held_from;
    held_from = 0;

    i = 0;

    while (i < BENCH_HELD - 1 && ns >= bench_held_ns(i)) {
        i++;
    }

    held[i]++;
}


/* ns that so much of all was held at most */

static double
bench_held(double part)
{
    uint64_t  n, all;
    unsigned  i;

    all = 0;

    for (i = 0; i < BENCH_HELD; i++) {
        all += held[i];
    }

    n = 0;

    for (i = 0; i < BENCH_HELD; i++) {
        n += held[i];

        if (n >= part * all) {
            break;
        }
    }

    return bench_held_ns(i);
}


/* limits such as a key, its team and a model have, which are never short */

static void
bench_limits(genai_hold_t *holds, unsigned n, unsigned first)
{
    size_t       where;
    unsigned     i;
    genai_str_t  s;

    static const char  *texts[] = {
        "1M requests/1s", "900G tokens/1m", "900G tokens/1d",
        "$9000000/1mo", "10000 concurrent"
    };

    for (i = 0; i < n; i++) {
        memset(&holds[i], 0, sizeof(genai_hold_t));

        s.data = (unsigned char *) texts[i % 5];
        s.len = strlen(texts[i % 5]);

        if (genai_limit_parse(&s, &holds[i].limit, &where) != NULL) {
            abort();
        }

        holds[i].limit.amount = GENAI_LIMIT_AMOUNT_MAX;
        holds[i].id[0] = (first + i) * UINT64_C(0x9e3779b97f4a7c15);
        holds[i].id[1] = i;
        holds[i].take = (i % 5 == 4) ? 1 : 2000;

        genai_window_at(&holds[i].limit, NULL, 0, 1000000000,
                        &holds[i].window);
    }
}


/*
 * The median ns of an exchange, of rows that are taken in turn from first on,
 * under so many limits
 */

static double
bench_exchanges(unsigned first, unsigned rows, unsigned limits)
{
    char             key[32];
    double           ns[BENCH_RUNS], from;
    unsigned         i, n, row;
    genai_str_t      team = genai_str("search");
    genai_str_t      user = genai_str("alice");
    genai_str_t      model = genai_str("gpt-4o-mini");
    genai_books_t   *b;
    genai_lease_t   *lease;
    unsigned char    id[GENAI_BOOKS_ID_LEN];
    genai_hold_t     holds[GENAI_HOLDS_MAX];
    genai_totals_t   t;
    genai_account_t  a;

    memset(id, 'x', sizeof(id));
    memset(&t, 0, sizeof(t));
    bench_limits(holds, limits, first);

    a.day = 20000;
    a.team = team;
    a.user = user;
    a.model = model;
    a.key.data = (unsigned char *) key;

    t.prompt = 1000;
    t.completion = 100;
    t.cost = 12345;
    t.attempts = 1;

    b = bench_join();
    row = 0;

    for (n = 0; n < BENCH_RUNS; n++) {
        from = bench_now();

        for (i = 0; i < BENCH_LOOPS; i++) {
            if (rows > 1 || i == 0) {
                a.key.len = (size_t) sprintf(key, "search-prod-%u",
                                             first + row++ % rows);
            }

            lease = genai_books_lease(b, &a, id, 1);

            if (lease == NULL) {
                abort();
            }

            if (limits
                && genai_books_hold(b, lease, holds, limits, 1000000000)
                   != GENAI_HOLD_OK)
            {
                abort();
            }

            genai_books_settle(b, lease, &t, NULL);
        }

        ns[n] = (bench_now() - from) * 1e9 / BENCH_LOOPS;
    }

    genai_books_leave(b);

    qsort(ns, BENCH_RUNS, sizeof(double), bench_compare);

    return ns[BENCH_RUNS / 2];
}


/* several at once; the mean of their medians */

static double
bench_together(unsigned processes, int same, unsigned limits)
{
    double    *ns, sum;
    unsigned   i;

    ns = mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1,
              0);

    if (ns == MAP_FAILED) {
        abort();
    }

    for (i = 0; i < processes; i++) {
        if (fork() == 0) {
            ns[i] = bench_exchanges(same ? 0 : 1000000 + i, 1, limits);
            _exit(0);
        }
    }

    while (wait(NULL) > 0) { /* void */ }

    sum = 0;

    for (i = 0; i < processes; i++) {
        sum += ns[i];
    }

    munmap(ns, 4096);

    return sum / processes;
}


/* with a journal, in a directory of its own */

static int
bench_journal(void)
{
    char                     dir[64], problem[GENAI_BOOKS_PROBLEM];
    char                     command[96];
    unsigned                 ms;
    genai_journal_thread_t  *t;

    strcpy(dir, "/tmp/genai-bench-XXXXXX");

    if (mkdtemp(dir) == NULL
        || genai_books_file_open(&region, dir, (uint64_t) 256 << 20,
                                 (uid_t) -1, (gid_t) -1, problem) != 0)
    {
        perror(dir);
        return 1;
    }

    /* as often as by default, and one turn behind the other */

    for (ms = 1000; ; ms = 0) {

        t = genai_journal_thread_start(&region, dir, ms, 1);

        if (t == NULL) {
            perror("thread");
            return 1;
        }

        printf("%-44s %5u ms %10.1f ns\n",
               "journal: lease and settle, ten limits", ms,
               bench_exchanges(0, 1, 10));
        printf("%-44s %5u ms %10.1f ns\n",
               "journal: two processes, ten each", ms,
               bench_together(2, 0, 10));
        printf("%-44s %5u ms %10.1f ns\n",
               "journal: two processes, the same ten", ms,
               bench_together(2, 1, 10));

        held_on = 1;
        memset(held, 0, sizeof(held));
        (void) bench_exchanges(0, 1, 10);
        held_on = 0;

        printf("%-44s %5u ms %10.1f ns\n",
               "journal: ten locks held, median", ms, bench_held(0.5));
        printf("%-44s %5u ms %10.1f ns\n",
               "journal: ten locks held, p99", ms, bench_held(0.99));

        genai_journal_thread_stop(t);

        if (ms == 0) {
            break;
        }
    }

    genai_books_file_close(&region);

    snprintf(command, sizeof(command), "rm -rf %s", dir);

    return system(command) != 0;
}


int
main(void)
{
    if (genai_books_file_anonymous(&region, (uint64_t) 256 << 20) != 0) {
        perror("mmap");
        return 1;
    }

    printf("%-52s %10.1f ns\n", "books: lease and settle, one row",
           bench_exchanges(0, 1, 0));
    printf("%-52s %10.1f ns\n", "books: lease and settle, 100 rows",
           bench_exchanges(0, 100, 0));
    printf("%-52s %10.1f ns\n", "books: lease and settle, 20000 rows",
           bench_exchanges(0, BENCH_ROWS, 0));
    printf("%-52s %10.1f ns\n", "books: lease and settle, a new row each",
           bench_exchanges(5000000, 1000000, 0));
    printf("%-52s %10.1f ns\n", "books: two processes, a row each",
           bench_together(2, 0, 0));
    printf("%-52s %10.1f ns\n", "books: two processes, one row",
           bench_together(2, 1, 0));
    printf("%-52s %10.1f ns\n", "books: four processes, one row",
           bench_together(4, 1, 0));

    printf("%-52s %10.1f ns\n", "limits: lease and settle, one",
           bench_exchanges(0, 1, 1));
    printf("%-52s %10.1f ns\n", "limits: lease and settle, ten",
           bench_exchanges(0, 1, 10));
    printf("%-52s %10.1f ns\n", "limits: two processes, ten each",
           bench_together(2, 0, 10));
    printf("%-52s %10.1f ns\n", "limits: two processes, the same ten",
           bench_together(2, 1, 10));

    held_on = 1;
    (void) bench_exchanges(0, 1, 10);
    held_on = 0;

    printf("%-52s %10.1f ns\n", "limits: ten locks held, p99",
           bench_held(0.99));

    genai_books_file_close(&region);

    return bench_journal();
}
