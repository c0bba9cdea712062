/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the books share.
 */


#ifndef _GENAI_TEST_BOOKS_H_INCLUDED_
#define _GENAI_TEST_BOOKS_H_INCLUDED_


#include "tap.h"

#include "genai_books_file.h"


TAP_UNUSED static genai_str_t
books_str(const char *s)
{
    genai_str_t  r;

    r.data = (unsigned char *) s;
    r.len = strlen(s);

    return r;
}


TAP_UNUSED static genai_account_t
books_account(int32_t day, const char *team, const char *user,
    const char *key, const char *model)
{
    genai_account_t  a;

    a.day = day;
    a.team = books_str(team);
    a.user = books_str(user);
    a.key = books_str(key);
    a.model = books_str(model);

    return a;
}


/* what an exchange of that size used */

TAP_UNUSED static genai_totals_t
books_used(uint64_t n)
{
    genai_totals_t  t;

    memset(&t, 0, sizeof(t));

    t.failed = n & 1;
    t.estimated = n >> 1 & 1;
    t.attempts = n & 3;
    t.prompt = n;
    t.cached = 2 * n;
    t.completion = 3 * n;
    t.reasoning = 5 * n;
    t.cost = 1000 * n;

    return t;
}


TAP_UNUSED static void
books_add(genai_totals_t *sum, const genai_totals_t *t)
{
    unsigned         i;
    uint64_t        *a = (uint64_t *) sum;
    const uint64_t  *b = (const uint64_t *) t;

    for (i = 0; i < sizeof(genai_totals_t) / sizeof(uint64_t); i++) {
        a[i] += b[i];
    }
}


TAP_UNUSED static int
books_same(const genai_totals_t *a, const genai_totals_t *b)
{
    return memcmp(a, b, sizeof(genai_totals_t)) == 0;
}


TAP_UNUSED static int
books_text_same(const genai_str_t *a, const genai_str_t *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}


/* how many rows that account has, and what they say */

TAP_UNUSED static unsigned
books_row(const genai_books_t *b, const genai_account_t *want,
    genai_totals_t *sum)
{
    int              rc;
    uint64_t         cursor;
    unsigned         n;
    genai_totals_t   t;
    genai_account_t  a;

    memset(sum, 0, sizeof(*sum));

    n = 0;
    cursor = 0;

    while ((rc = genai_books_row(b, &cursor, &a, &t)) != 0) {

        if (rc == 1
            && a.day == want->day
            && books_text_same(&a.team, &want->team)
            && books_text_same(&a.user, &want->user)
            && books_text_same(&a.key, &want->key)
            && books_text_same(&a.model, &want->model))
        {
            books_add(sum, &t);
            n++;
        }
    }

    return n;
}


TAP_UNUSED static void
books_say(void *data, const char *text)
{
    diag("verify: %s", text);
}


TAP_UNUSED static unsigned
books_sum(const genai_books_t *b, genai_totals_t *sum)
{
    int              rc;
    uint64_t         cursor;
    unsigned         n;
    genai_totals_t   t;
    genai_account_t  a;

    memset(sum, 0, sizeof(*sum));

    n = 0;
    cursor = 0;

    while ((rc = genai_books_row(b, &cursor, &a, &t)) != 0) {
        if (rc == 1) {
            books_add(sum, &t);
            n++;
        }
    }

    return n;
}


#endif /* _GENAI_TEST_BOOKS_H_INCLUDED_ */
