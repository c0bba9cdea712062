/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_factor.h"


#define genai_factor_load(p)    __atomic_load_n(p, __ATOMIC_RELAXED)
#define genai_factor_add(p, n)                                                \
    (void) __atomic_fetch_add(p, n, __ATOMIC_RELAXED)


/* 2^(i / 16) */

static const double  genai_factor_steps[GENAI_FACTOR_OCTAVE + 1] = {
    1.0, 1.0442737824274138, 1.0905077326652577, 1.1387886347566916,
    1.1892071150027210, 1.2418578120734840, 1.2968395546510096,
    1.3542555469368927, 1.4142135623730951, 1.4768261459394993,
    1.5422108254079407, 1.6104903319492543, 1.6817928305074290,
    1.7562521603732995, 1.8340080864093424, 1.9152065613971474, 2.0
};


static int genai_factor_bucket(double x);
static double genai_factor_edge(int bucket);
static void genai_factor_halve(genai_factor_t *f);


genai_factor_learned_e
genai_factor_learn(genai_factor_t *f, double prior, uint64_t base,
    uint64_t usage)
{
    int       i;
    double    x;
    uint64_t  weight;

    if (base < GENAI_FACTOR_SMALL) {
        return GENAI_FACTOR_SHORT;
    }

    x = (double) usage / (double) base;
    i = genai_factor_bucket(x);

    if (i == -1 || x * GENAI_FACTOR_RANGE < prior
        || x > prior * GENAI_FACTOR_RANGE)
    {
        return GENAI_FACTOR_STRANGE;
    }

    weight = (base < GENAI_FACTOR_WEIGHT) ? base : GENAI_FACTOR_WEIGHT;

    genai_factor_add(&f->buckets[i], 1);
    genai_factor_add(&f->base, weight);
    genai_factor_add(&f->usage, (uint64_t) ((double) weight * x + 0.5));

    /* every number is one adder's alone */

    if (__atomic_add_fetch(&f->n, 1, __ATOMIC_RELAXED) % GENAI_FACTOR_WINDOW
        == 0)
    {
        genai_factor_halve(f);
    }

    return GENAI_FACTOR_LEARNED;
}


/* which one a factor is in, or -1 */

static int
genai_factor_bucket(double x)
{
    int  octave, step;

    octave = GENAI_FACTOR_LOWEST / GENAI_FACTOR_OCTAVE;

    if (x < genai_factor_edge(-1)) {
        return -1;
    }

    x *= 8;                                 /* the lowest one is 1 / 8 */

    while (x >= 2) {

        x /= 2;

        if (++octave == (GENAI_FACTOR_LOWEST + GENAI_FACTOR_BUCKETS)
                        / GENAI_FACTOR_OCTAVE)
        {
            return -1;
        }
    }

    for (step = GENAI_FACTOR_OCTAVE - 1; x < genai_factor_steps[step]; step--)
    {
        /* void */
    }

    return octave * GENAI_FACTOR_OCTAVE + step - GENAI_FACTOR_LOWEST;
}


/* the upper end of a bucket; of -1 the lower one of the first */

static double
genai_factor_edge(int bucket)
{
    int     i;
    double  x;

    i = bucket + 1;
    x = genai_factor_steps[i % GENAI_FACTOR_OCTAVE] / 8;

    for (i /= GENAI_FACTOR_OCTAVE; i > 0; i--) {
        x *= 2;
    }

    return x;
}


/*
 * What others add meanwhile stays.  A process that is killed here leaves some
 * words as they were: until the next time the factor is off by up to two, for
 * what is likely, and not at all for the bound.
 */

static void
genai_factor_halve(genai_factor_t *f)
{
    int        i;
    uint64_t   n, *word;

    for (i = 0; i < GENAI_FACTOR_BUCKETS + 3; i++) {

        word = (i < GENAI_FACTOR_BUCKETS) ? &f->buckets[i]
               : (i == GENAI_FACTOR_BUCKETS) ? &f->base
               : (i == GENAI_FACTOR_BUCKETS + 1) ? &f->usage : &f->n;

        n = genai_factor_load(word);

        /* rounded up: what was seen once is forgotten, too */

        (void) __atomic_fetch_sub(word, n - n / 2, __ATOMIC_RELAXED);
    }
}


double
genai_factor_likely(const genai_factor_t *f, double prior)
{
    double  base, usage;

    base = (double) genai_factor_load(&f->base);
    usage = (double) genai_factor_load(&f->usage);

    return (prior * GENAI_FACTOR_PRIOR + usage) / (GENAI_FACTOR_PRIOR + base);
}


double
genai_factor_most(const genai_factor_t *f, double prior)
{
    int       i;
    double    most;
    uint64_t  n, above, may;

    /* the sum of the buckets, as n may be of another moment */

    n = 0;

    for (i = 0; i < GENAI_FACTOR_BUCKETS; i++) {
        n += genai_factor_load(&f->buckets[i]);
    }

    if (n == 0) {
        return prior;
    }

    /* one request alone sets no bound */

    may = n * GENAI_FACTOR_EXCEED / 1000;
    may = may ? may : 1;
    above = 0;

    for (i = GENAI_FACTOR_BUCKETS - 1; i > 0; i--) {

        above += genai_factor_load(&f->buckets[i]);

        if (above > may) {
            break;
        }
    }

    most = genai_factor_edge(i);

    return (n < GENAI_FACTOR_ENOUGH && most < prior) ? prior : most;
}


uint64_t
genai_factor_tokens(const genai_factor_t *f, double prior, uint64_t base)
{
    return (uint64_t) ((double) base * genai_factor_likely(f, prior) + 0.5);
}


uint64_t
genai_factor_bound(const genai_factor_t *f, double prior, uint64_t base)
{
    return (uint64_t) ((double) base * genai_factor_most(f, prior))
           + GENAI_FACTOR_SLACK;
}
