/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of genai_books_verify() share.
 */


#ifndef _GENAI_BOOKS_VERIFY_INT_H_INCLUDED_
#define _GENAI_BOOKS_VERIFY_INT_H_INCLUDED_


#include "genai_books_int.h"


typedef struct {
    uint64_t              leased;
    uint64_t              held;
} genai_books_sum_t;


typedef struct {
    const genai_books_t  *b;
    void                (*say)(void *data, const char *text);
    void                 *data;
    unsigned              faults;

    unsigned char        *marks;        /* a bit for each unit */
    uint64_t              extents;

    /* what leases say that they hold, for every place of a counter; NULL
       where others are at work, who change it meanwhile */
    genai_books_sum_t    *sums;
} genai_books_verify_t;


void genai_books_verify_fault(genai_books_verify_t *v, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


static inline int
genai_books_marked(const genai_books_verify_t *v, uint64_t offset)
{
    uint64_t  n = offset / GENAI_BOOKS_UNIT;

    return v->marks[n / 8] >> (n % 8) & 1;
}


/* returns 0 where there was a mark */

static inline int
genai_books_mark(genai_books_verify_t *v, uint64_t offset)
{
    uint64_t  n = offset / GENAI_BOOKS_UNIT;

    if (genai_books_marked(v, offset)) {
        return 0;
    }

    v->marks[n / 8] |= 1 << (n % 8);

    return 1;
}


/* genai_books_verify_counter.c */

/* Begins to add up what leases hold, where nobody is at work. */
void genai_books_verify_sums(genai_books_verify_t *v);

/* Adds what a lease holds, number n of extent i. */
void genai_books_verify_held(genai_books_verify_t *v,
    const genai_lease_t *lease, uint64_t i, unsigned n);

/* Checks all counters, when all leases were added. */
void genai_books_verify_counters(genai_books_verify_t *v);


#endif /* _GENAI_BOOKS_VERIFY_INT_H_INCLUDED_ */
