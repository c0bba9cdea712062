/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "tap.h"
#include "genai_factor.h"

#include <pthread.h>


#define NTHREADS  4
#define EACH      50000


static uint64_t  seed = 1;


static double
uniform(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);

    return (double) (seed >> 11) / 9007199254740992.0;
}


/* of small numbers; math.h needs a library */

static double
power(double x)
{
    int     i;
    double  sum, term;

    sum = term = 1;

    for (i = 1; i < 40; i++) {
        term *= x / i;
        sum += term;
    }

    return sum;
}


static int
near(double a, double b, double by)
{
    return a - b < by && b - a < by;
}


static double
normal(void)
{
    int     i;
    double  x;

    x = -6;

    for (i = 0; i < 12; i++) {
        x += uniform();
    }

    return x;
}


static void *
adder(void *data)
{
    int              i;
    genai_factor_t  *f;

    f = data;

    for (i = 0; i < EACH; i++) {
        genai_factor_learn(f, 1.2, 1000, 1200);
    }

    return NULL;
}


int
main(void)
{
    int              i, above;
    double           most, x;
    uint64_t         base;
    pthread_t        threads[NTHREADS];
    genai_factor_t   f;

    memset(&f, 0, sizeof(f));

    ok(genai_factor_likely(&f, 1.2) == 1.2, "nothing learned: the prior");
    ok(genai_factor_most(&f, 1.7) == 1.7, "and its bound");
    is_int(genai_factor_tokens(&f, 1.2, 100), 120, "tokens");
    is_int(genai_factor_bound(&f, 1.7, 100), 186, "and at most");

    is_int(genai_factor_learn(&f, 1, 31, 40), GENAI_FACTOR_SHORT,
           "a small request tells nothing");
    is_int(genai_factor_learn(&f, 1, 1, 1), GENAI_FACTOR_SHORT,
           "nor a base of one");
    is_int(genai_factor_learn(&f, 1, 100, 0), GENAI_FACTOR_STRANGE,
           "nor a usage of none");
    is_int(genai_factor_learn(&f, 0.2, 100, 12), GENAI_FACTOR_STRANGE,
           "nor an eighth");
    is_int(genai_factor_learn(&f, 15, 100, 1600), GENAI_FACTOR_STRANGE,
           "nor sixteen times");
    is_int(genai_factor_learn(&f, 1, 100, UINT64_MAX), GENAI_FACTOR_STRANGE,
           "nor what is mad");
    is_int(genai_factor_learn(&f, 1.2, 1000, 3601), GENAI_FACTOR_STRANGE,
           "nor more than three times the prior");
    is_int(genai_factor_learn(&f, 1.2, 1000, 399), GENAI_FACTOR_STRANGE,
           "nor less than a third of it");
    is_int(f.n, 0, "nothing was learned");

    is_int(genai_factor_learn(&f, 15, 1000, 1599 * 10), GENAI_FACTOR_LEARNED,
           "just below");
    is_int(genai_factor_learn(&f, 0.2, 1000, 126), GENAI_FACTOR_LEARNED,
           "just above");
    is_int(genai_factor_learn(&f, 1.2, 1000, 3599), GENAI_FACTOR_LEARNED,
           "just within the prior's range");
    is_int(genai_factor_learn(&f, 1.2, 1000, 401), GENAI_FACTOR_LEARNED,
           "at both ends");

    memset(&f, 0, sizeof(f));

    /* one observation moves no bound, and little else, however large */

    genai_factor_learn(&f, 1.2, 1000000, 2500000);
    is_int(genai_factor_most(&f, 1.7) * 10, 17, "one sets no bound");
    x = genai_factor_likely(&f, 1.2);
    ok(x > 1.3 && x < 1.4, "the likely factor moves a little: %f", x);

    genai_factor_learn(&f, 1.2, 1000, 2500);
    most = genai_factor_most(&f, 1.7);
    ok(most >= 2.5 && most < 2.5 * 1.0443, "two that exceed the bound: %f",
       most);

    /* a distribution whose quantile is known: log-normal, sigma 0.1 */

    memset(&f, 0, sizeof(f));

    for (i = 0; i < 20000; i++) {
        base = 100 + (uint64_t) (uniform() * 10000);
        genai_factor_learn(&f, 1.2, base,
                           (uint64_t) (base * 1.3 * power(0.1 * normal())
                                       + 0.5));
    }

    x = genai_factor_likely(&f, 3);
    ok(near(x, 1.3 * power(0.005), 0.01), "the mean is found: %f", x);

    most = genai_factor_most(&f, 9);
    ok(most > 1.3 * power(0.309) * 0.99 && most < 1.3 * power(0.309) * 1.08,
       "so is p99.9, the prior forgotten: %f, %f", most, 1.3 * power(0.309));

    above = 0;

    for (i = 0; i < 100000; i++) {
        above += (1.3 * power(0.1 * normal()) > most);
    }

    ok(above <= 130, "%d of 100,000 exceed it", above);

    /* another vocabulary is learned */

    for (i = 0; i < 600000; i++) {
        genai_factor_learn(&f, 1.2, 1000, 900);
    }

    x = genai_factor_likely(&f, 1.2);
    ok(near(x, 0.9, 0.02), "what was before is forgotten: %f", x);
    ok(genai_factor_most(&f, 1.2) < 0.95, "with its bound: %f",
       genai_factor_most(&f, 1.2));
    ok(f.n < GENAI_FACTOR_WINDOW, "the window holds: %lu",
       (unsigned long) f.n);

    /* buckets: the bound is never below what was seen, nor far above */

    for (i = 0; i < 2000; i++) {

        memset(&f, 0, sizeof(f));

        x = power((uniform() * 6.9 - 2.99) * 0.6931);
        base = 1000000;

        if (genai_factor_learn(&f, x, base, (uint64_t) (base * x))
            != GENAI_FACTOR_LEARNED)
        {
            continue;
        }

        genai_factor_learn(&f, x, base, (uint64_t) (base * x));

        most = genai_factor_most(&f, 0);
        quiet_ok(most >= x * 0.999999 && most <= x * 1.04428,
                 "%f is bounded by %f", x, most);
    }

    /* threads: nothing is lost below the window */

    memset(&f, 0, sizeof(f));

    for (i = 0; i < NTHREADS; i++) {
        if (pthread_create(&threads[i], NULL, adder, &f) != 0) {
            abort();
        }
    }

    for (i = 0; i < NTHREADS; i++) {
        pthread_join(threads[i], NULL);
    }

    ok(f.n > 0 && f.n < GENAI_FACTOR_WINDOW, "%lu of %d are left",
       (unsigned long) f.n, NTHREADS * EACH);
    x = genai_factor_likely(&f, 1);
    ok(near(x, 1.2, 0.01), "and the factor holds: %f", x);

    return done_testing();
}
