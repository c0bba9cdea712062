/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of counters share: books of their own, and exchanges that
 * take from limits.
 */


#ifndef _GENAI_TEST_HOLDS_H_INCLUDED_
#define _GENAI_TEST_HOLDS_H_INCLUDED_


#include "books.h"
#include "genai_books_int.h"

#include <sys/mman.h>


#define SIZE     GENAI_BOOKS_SIZE_MIN
#define MAX      ((uint64_t) 64 << 20)
#define DAY      20000
#define NOW      1000000020             /* a full minute */


static const uint64_t       seed[2] = { 1, 2 };
static unsigned char       *region;
static uint64_t             room, mapped;
static genai_process_id_t   self;
static unsigned char        id[GENAI_BOOKS_ID_LEN];


TAP_UNUSED static int
os_grow(void *data, uint64_t size)
{
    return size <= room ? 0 : 28;
}


TAP_UNUSED static int
os_alive(void *data, const genai_process_id_t *p)
{
    return p->pid < 1000;
}


static const genai_books_os_t  os = { os_grow, os_alive, NULL };


TAP_UNUSED static genai_books_t *
begin(uint64_t size, uint64_t max)
{
    region = mmap(NULL, max, PROT_READ|PROT_WRITE,
                  MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0);

    if (region == MAP_FAILED) {
        fail("no memory");
        exit(1);
    }

    room = max;
    mapped = max;
    self.pid = 1;
    genai_books_format(region, size, seed);

    return genai_books_join(region, max, max, &self, &os, 1);
}


TAP_UNUSED static void
say(void *data, const char *text)
{
    diag("%s", text);
}


TAP_UNUSED static void
end(genai_books_t *b)
{
    is_int(genai_books_verify(b, say, NULL), 0, "verified");
    genai_books_leave(b);
    munmap(region, mapped);
}


TAP_UNUSED static genai_hold_t
hold(uint64_t number, const char *text, int64_t now, uint64_t take)
{
    size_t        where;
    genai_str_t   s;
    genai_hold_t  h;

    memset(&h, 0, sizeof(h));

    s = books_str(text);

    if (genai_limit_parse(&s, &h.limit, &where) != NULL) {
        fail("%s", text);
    }

    h.id[0] = number * UINT64_C(0x9e3779b97f4a7c15);
    h.id[1] = number;
    h.take = take;
    h.name = books_str("search");
    h.owner = GENAI_OWNER_TEAM;

    genai_window_at(&h.limit, NULL, 0, now, &h.window);

    return h;
}


TAP_UNUSED static genai_lease_t *
lease(genai_books_t *b)
{
    genai_account_t  a = books_account(DAY, "team", "user", "key", "model");

    return genai_books_lease(b, &a, id, 1);
}


TAP_UNUSED static void
settle(genai_books_t *b, genai_lease_t *x, uint64_t prompt,
    genai_overrun_t *over)
{
    genai_totals_t  t;

    memset(&t, 0, sizeof(t));
    t.prompt = prompt;
    t.cost = prompt;

    genai_books_settle(b, x, &t, over);
}


/* takes from one limit, at once settled at used */

TAP_UNUSED static genai_hold_e
spend(genai_books_t *b, genai_hold_t *h, int64_t now, uint64_t used)
{
    genai_hold_e    rc;
    genai_lease_t  *x;

    x = lease(b);
    rc = genai_books_hold(b, x, h, 1, now);

    if (rc == GENAI_HOLD_OK) {
        settle(b, x, used, NULL);

    } else {
        genai_books_drop(b, x);
    }

    return rc;
}


TAP_UNUSED static genai_limit_state_t
state(genai_books_t *b, unsigned ended, unsigned *n)
{
    uint64_t             cursor = 0;
    genai_limit_state_t  s, found;

    *n = 0;
    memset(&found, 0, sizeof(found));

    while (genai_books_counter(b, &cursor, &s) == 1) {
        if (s.ended == ended) {
            found = s;
            (*n)++;
        }
    }

    return found;
}


#endif /* _GENAI_TEST_HOLDS_H_INCLUDED_ */
