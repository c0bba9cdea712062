/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a lease and its settling cost, without nginx:
 *
 *     build/books-bench
 *
 * in one process, and in several that settle to one row at the same time;
 * a lease that looks for its row among many, and one that makes it.
 */


#include "genai_books_file.h"
#include "genai_books_counter.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>


#define BENCH_RUNS   21
#define BENCH_LOOPS  20000
#define BENCH_ROWS   20000


static genai_books_file_t  region;


static double
bench_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec + ts.tv_nsec / 1e9;
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

    genai_books_file_close(&region);

    return 0;
}
