/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The check of a row's totals, and what is done where the system was
 * restarted, or a part of the file lost.
 */


#include "books.h"
#include "genai_books_int.h"

#include <sys/mman.h>


#define SIZE   GENAI_BOOKS_SIZE_MIN
#define DAY    20000


static const uint64_t       seed[2] = { 1, 2 };
static unsigned char       *region;


static int
os_grow(void *data, uint64_t size)
{
    return 28;
}


static int
os_alive(void *data, const genai_process_id_t *p)
{
    return 1;
}


static void
make(void)
{
    region = mmap(NULL, SIZE, PROT_READ|PROT_WRITE,
                  MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

    if (region == MAP_FAILED) {
        fail("no memory");
        exit(1);
    }

    genai_books_format(region, SIZE, seed);
}


static genai_books_t *
join(uint32_t pid, int fresh)
{
    genai_books_os_t    os = { os_grow, os_alive, NULL };
    genai_process_id_t  self;

    memset(&self, 0, sizeof(self));
    self.pid = pid;

    return genai_books_join(region, SIZE, SIZE, &self, &os, fresh);
}


static void
spend(genai_books_t *b, const genai_account_t *a, unsigned n)
{
    genai_totals_t   t;
    genai_lease_t   *lease;
    unsigned char    id[GENAI_BOOKS_ID_LEN];

    memset(id, 'i', sizeof(id));

    lease = genai_books_lease(b, a, id, 1);

    t = books_used(n);
    genai_books_settle(b, lease, &t, NULL);
}


/* no bit of a row's totals may be another, nor totals in another's place */

static void
test_check(void)
{
    uint64_t              cursor, first;
    unsigned              i, bit, missed;
    genai_books_t        *b, *v;
    genai_totals_t        t;
    genai_account_t       a;
    genai_books_row_t    *row;
    genai_books_stats_t   s, after;

    make();
    b = join(1, 0);

    a = books_account(DAY, "team", "user", "key", "model");
    spend(b, &a, 12345);
    spend(b, &a, 7);

    row = genai_books_row_get(b, &a, genai_books_account_hash(b, &a));
    v = genai_books_view(region, SIZE);
    missed = 0;

    for (i = 0; i < sizeof(row->totals) + sizeof(row->hash); i++) {
        unsigned char  *p = (i < sizeof(row->totals))
                            ? (unsigned char *) row->totals + i
                            : (unsigned char *) &row->hash
                              + (i - sizeof(row->totals));

        for (bit = 0; bit < 8; bit++) {
            *p ^= 1 << bit;
            missed += genai_books_verify(v, NULL, NULL) == 0;
            *p ^= 1 << bit;
        }

        *p ^= 0xff;
        missed += genai_books_verify(v, NULL, NULL) == 0;
        *p ^= 0xff;
    }

    is_int(missed, 0, "every flip is reported");
    is_int(genai_books_verify(v, books_say, NULL), 0, "nothing is wrong");

    first = row->totals[5];
    row->totals[5] = row->totals[7];
    row->totals[7] = first;
    is_int(genai_books_verify(v, NULL, NULL), 1, "totals that are exchanged");

    /* which stays so when something is added; readers see it, and count it */

    spend(b, &a, 3);
    is_int(genai_books_verify(v, NULL, NULL), 1, "also later on");

    genai_books_stats(b, &s);
    cursor = 0;
    is_int(genai_books_row(b, &cursor, &a, &t), 1, "such a row is shown");
    is_int(t.exchanges, 3, "as it is");
    genai_books_stats(b, &after);
    is_int(after.faults, s.faults + 1, "and counted as a fault");

    genai_books_leave(v);
    genai_books_leave(b);

    /* the last row likewise */

    munmap(region, SIZE);
    make();
    v = genai_books_view(region, SIZE);
    v->head->last.totals[3] ^= 8;
    is_int(genai_books_verify(v, NULL, NULL), 1, "the last row");
    genai_books_leave(v);

    munmap(region, SIZE);
}


/* redo records of before the system was restarted count for nothing */

static void
test_boot(void)
{
    uint32_t         layout;
    uint64_t         one[2] = { 1, 2 }, two[2] = { 1, 3 }, none[2] = { 0, 0 };
    genai_books_t   *b, *c;
    genai_totals_t   t;

    make();

    is_int(genai_books_booted(region, one), 0, "new books");
    genai_books_boot(region, one);
    is_int(genai_books_booted(region, one), 0, "the same boot");
    is_int(genai_books_booted(region, none), 0, "an unknown one");
    is_int(genai_books_booted(region, two), 1, "another one");

    c = join(1, 0);
    genai_books_lock(c, &c->head->last.lock);
    genai_books_set(c, &c->head->last.totals[0], 77);
    genai_books_put(&c->self->commit, 1);

    genai_books_boot(region, two);
    is_int(genai_books_booted(region, two), 0, "is noted");

    b = join(2, 1);
    (void) books_sum(b, &t);
    is_int(t.exchanges, 0, "its records are not replayed");
    genai_books_lock(b, &b->head->last.lock);
    genai_books_unlock(b);
    is_int(genai_books_verify(b, books_say, NULL), 0, "nothing is wrong");
    genai_books_leave(b);
    free(c);

    is_int(genai_books_size(region), SIZE, "the size of the header");
    is_int(genai_books_spoilt(region), 0, "they are as they were");
    genai_books_spoil(region);
    is_int(genai_books_spoilt(region), 1, "spoilt");
    is_int(genai_books_look(region, SIZE, &layout), GENAI_BOOKS_DAMAGED,
           "for good");

    munmap(region, SIZE);
}


int
main(void)
{
    test_check();
    test_boot();

    return done_testing();
}
