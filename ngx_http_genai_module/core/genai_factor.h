/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * How many tokens of its own a model has for one of the vocabulary that we
 * count with, learned from what the provider reports: what is likely, and
 * what one request in a thousand exceeds, from which the tokens of a request
 * that has not been sent are taken and bounded.
 *
 * It is a block of plain 64-bit words: sums of tokens, and a histogram of the
 * logarithm of the factor, whose buckets are 4.4 % wide.  It lies in memory
 * that processes share and is written without a lock: each word is added to
 * at once, and nothing depends on two of them being of the same moment.
 * Zeroes are an empty one.
 *
 * After GENAI_FACTOR_WINDOW observations all are halved: what a provider
 * changes is known after as many.
 *
 * All functions are safe in any number of threads and processes.
 */


#ifndef _GENAI_FACTOR_H_INCLUDED_
#define _GENAI_FACTOR_H_INCLUDED_


#include <stdint.h>


/* buckets an octave, and of all: factors of 1/8 to 16 */
#define GENAI_FACTOR_OCTAVE   16
#define GENAI_FACTOR_BUCKETS  112
#define GENAI_FACTOR_LOWEST   (-3 * GENAI_FACTOR_OCTAVE)

/* observations until the past counts half */
#define GENAI_FACTOR_WINDOW   ((uint64_t) 1 << 16)

/* base tokens below which a request tells nothing of the factor */
#define GENAI_FACTOR_SMALL    32

/* base tokens that one request is worth at most */
#define GENAI_FACTOR_WEIGHT   500

/* how many times the prior, or what part of it, a factor may be */
#define GENAI_FACTOR_RANGE    3

/* base tokens that a prior is worth; observations until it is no bound */
#define GENAI_FACTOR_PRIOR    4000
#define GENAI_FACTOR_ENOUGH   1000

/* of observations, how many in a thousand may exceed the bound */
#define GENAI_FACTOR_EXCEED   1

/* tokens that a bound leaves for small requests */
#define GENAI_FACTOR_SLACK    16


typedef struct {
    uint64_t  n;                    /* observations */
    uint64_t  base;                 /* tokens of ours, as weighted, */
    uint64_t  usage;                /* and the provider's for these */
    uint64_t  buckets[GENAI_FACTOR_BUCKETS];
} genai_factor_t;


typedef enum {
    GENAI_FACTOR_LEARNED = 0,
    GENAI_FACTOR_SHORT,             /* it has too few tokens */
    GENAI_FACTOR_STRANGE,           /* its factor cannot be true */
    GENAI_FACTOR_RESULTS
} genai_factor_learned_e;


/*
 * Learns from one request: base is what we counted, with the framing, usage
 * what the provider reports for the same.  Small requests are passed over,
 * and what is not within GENAI_FACTOR_RANGE of the prior, the likely factor
 * of the catalogue: who asks could otherwise make it whatever he wants.
 *
 * Returns whether it was learned from, or why not.
 */
genai_factor_learned_e genai_factor_learn(genai_factor_t *f, double prior,
    uint64_t base, uint64_t usage);

/*
 * The likely factor, beginning with the prior, which many observations leave
 * nothing of.
 */
double genai_factor_likely(const genai_factor_t *f, double prior);

/*
 * The factor that GENAI_FACTOR_EXCEED of a thousand observations exceed, but
 * one at least, up to a bucket's width above it; with less than
 * GENAI_FACTOR_ENOUGH of them it is at least the prior, the bound of the
 * catalogue.
 */
double genai_factor_most(const genai_factor_t *f, double prior);

/* Tokens, rounded up, for base ones of ours: what is likely; the bound. */
uint64_t genai_factor_tokens(const genai_factor_t *f, double prior,
    uint64_t base);
uint64_t genai_factor_bound(const genai_factor_t *f, double prior,
    uint64_t base);


#endif /* _GENAI_FACTOR_H_INCLUDED_ */
