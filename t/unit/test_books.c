/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The books in one process: what they count, how they grow and are full, and
 * that no damage makes them crash or go round for ever.
 */


#include "books.h"
#include "genai_books_int.h"

#include <sys/mman.h>


#define SIZE   GENAI_BOOKS_SIZE_MIN
#define DAY    20000
#define FLIPS  10000


static const uint64_t       seed[2] = { 1, 2 };
static unsigned char       *region;
static uint64_t             room;           /* that grow() may give */
static unsigned             grown, asked;
static uint32_t             dead;           /* a pid */
static uint32_t             alone;          /* the only one that lives */
static genai_process_id_t   self;
static unsigned char        id[GENAI_BOOKS_ID_LEN];


static int
os_grow(void *data, uint64_t size)
{
    grown++;

    return size <= room ? 0 : 28;
}


static int
os_alive(void *data, const genai_process_id_t *p)
{
    asked++;

    return p->pid != dead && p->pid < 1000 && (!alone || p->pid == alone);
}


static const genai_books_os_t  os = { os_grow, os_alive, NULL };


static void *
map(uint64_t size)
{
    void  *p;

    p = mmap(NULL, size + GENAI_BOOKS_EXTENT, PROT_READ|PROT_WRITE,
             MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED) {
        fail("no memory");
        exit(1);
    }

    /* whoever reads beyond dies */

    mprotect((char *) p + size, GENAI_BOOKS_EXTENT, PROT_NONE);

    return p;
}


static genai_books_t *
join(uint32_t pid, uint64_t mapped, uint64_t max)
{
    self.pid = pid;

    return genai_books_join(region, mapped, max, &self, &os, 0);
}


static int
spend(genai_books_t *b, const genai_account_t *a, unsigned n)
{
    genai_lease_t   *lease;
    genai_totals_t   t;

    lease = genai_books_lease(b, a, id, 1);

    if (lease == NULL) {
        return -1;
    }

    t = books_used(n);
    genai_books_settle(b, lease, &t, NULL);

    return 0;
}


static void
test_api(void)
{
    uint64_t             cursor;
    genai_books_t       *b, *c;
    genai_lease_t       *x, *y;
    unsigned char        seen[GENAI_BOOKS_ID_LEN];
    int64_t              started;
    genai_totals_t       t, want;
    genai_account_t      a, e, row;
    genai_process_id_t   owner;
    genai_books_stats_t  s;

    region = map(SIZE);
    room = 0;
    genai_books_format(region, SIZE, seed);

    b = join(1, SIZE, SIZE);
    c = join(2, SIZE, SIZE);
    ok(b && c, "two join");

    a = books_account(DAY, "team", "user", "key", "model");
    e = books_account(-DAY, "", "", "", "model");

    memset(id, 'i', sizeof(id));

    x = genai_books_lease(b, &a, id, 1234567890123);
    y = genai_books_lease(c, &e, id, 2);

    t = books_used(3);
    genai_books_checkpoint(x, &t);

    genai_books_stats(b, &s);
    is_int(s.leases, 2, "two leases");
    is_int(s.processes, 2, "two processes");
    is_int(s.rows, 2, "two rows");
    is_int(s.texts, 5, "five texts, with \"other\"");

    cursor = 0;
    is_int(genai_books_lease_row(b, &cursor, &row, &t, seen, &started, &owner),
           1, "a lease is seen");
    is_text(row.team, "team", "its team");
    is_text(row.model, "model", "and model");
    is_int(row.day, DAY, "its day");
    is_int(started, 1234567890123, "since when");
    is_int(owner.pid, 1, "whose");
    is_int(t.prompt, 3, "with its checkpoint");
    is_mem(seen, sizeof(seen), id, sizeof(id), "and id");
    is_int(genai_books_lease_row(b, &cursor, &row, &t, seen, &started, NULL),
           1, "another one");
    is_text(row.team, "", "an empty text");
    is_int(row.day, -DAY, "a day before 1970");
    is_int(genai_books_lease_row(b, &cursor, &row, &t, seen, &started, NULL),
           0, "and no more");

    want = books_used(10);
    want.exchanges = 7;
    want.orphans = 7;
    genai_books_settle(b, x, &want, NULL);
    spend(c, &a, 20);
    genai_books_settle(c, y, &want, NULL);

    want = books_used(10);
    t = books_used(20);
    books_add(&want, &t);
    want.exchanges = 2;

    is_int(books_row(b, &a, &t), 1, "one row");
    ok(books_same(&t, &want), "with the sums");

    genai_books_stats(b, &s);
    is_int(s.leases, 0, "no lease is left");

    is_int(genai_books_role_take(b, GENAI_BOOKS_KEEPER), 1, "a role");
    is_int(genai_books_role_take(b, GENAI_BOOKS_KEEPER), 1, "still");
    is_int(genai_books_role_take(c, GENAI_BOOKS_KEEPER), 0, "of one only");
    genai_books_role_leave(c, GENAI_BOOKS_KEEPER);
    is_int(genai_books_role_take(c, GENAI_BOOKS_KEEPER), 0,
           "which nobody else can leave");
    dead = 1;
    is_int(genai_books_role_take(c, GENAI_BOOKS_KEEPER), 1,
           "when it is dead, another has it");
    dead = 0;
    is_int(genai_books_role_take(b, GENAI_BOOKS_KEEPER), 0, "for good");

    genai_books_word_set(b, GENAI_WORD_POLICY, 5);
    is_int(genai_books_word_add(c, GENAI_WORD_POLICY, 2), 7, "a word");
    is_int(genai_books_word(b, GENAI_WORD_POLICY), 7, "of all");
    is_int(genai_books_word_swap(b, GENAI_WORD_POLICY, 5, 8), 0,
           "which was another one");
    is_int(genai_books_word_swap(c, GENAI_WORD_POLICY, 7, 9), 1, "and is not");
    is_int(genai_books_word(b, GENAI_WORD_POLICY), 9, "is swapped");

    is_int(genai_books_verify(b, books_say, NULL), 0, "nothing is wrong");

    genai_books_leave(c);
    is_int(genai_books_role_take(b, GENAI_BOOKS_KEEPER), 1,
           "who leaves leaves its roles");

    genai_books_leave(b);
    munmap(region, SIZE);
}


static void
test_texts(void)
{
    char             long_id[400];
    uint64_t         cursor;
    unsigned         i, n;
    genai_books_t   *b;
    genai_totals_t   t;
    genai_account_t  a, row;

    region = map(SIZE);
    genai_books_format(region, SIZE, seed);
    b = join(1, SIZE, SIZE);

    memset(long_id, 'x', sizeof(long_id));
    a = books_account(DAY, "", "", "", "");
    a.key.data = (unsigned char *) long_id;

    /* the two that are cut differ behind the cut only; one is UTF-8 there */

    for (i = 0; i < 3; i++) {
        a.key.len = 300;
        long_id[299] = (char) ('a' + i);

        if (i == 2) {
            for (n = 0; n < 300; n++) {
                long_id[n] = (n % 3 == 0) ? '\xe2' : (n % 3 == 1) ? '\x82'
                                                                  : '\xac';
            }
        }

        spend(b, &a, 1);
        spend(b, &a, 1);
    }

    a.key.len = 128;
    spend(b, &a, 1);

    cursor = 0;
    n = 0;

    while (genai_books_row(b, &cursor, &row, &t) == 1) {
        n++;
        quiet_ok(row.key.len <= GENAI_BOOKS_TEXT_MAX, "cut");
        quiet_ok(row.key.len == 128 || row.key.data[row.key.len - 17] == '~',
                 "with a hash");
        quiet_ok(row.key.data[0] == 'x' || row.key.len == 128
                 || (row.key.len - 17) % 3 == 0, "not within a character");
    }

    is_int(n, 4, "ids that are too long are told apart");
    is_int(genai_books_verify(b, books_say, NULL), 0, "nothing is wrong");

    genai_books_leave(b);
    munmap(region, SIZE);
}


static void
test_full(void)
{
    char                 key[32];
    uint64_t             max = 3 * SIZE;
    unsigned             i, n;
    genai_books_t       *b, *small;
    genai_lease_t      **x;
    genai_totals_t       t, sum;
    genai_account_t      a, o;
    genai_books_stats_t  s;

    region = map(max);
    genai_books_format(region, SIZE, seed);

    /* no disk at first */

    room = SIZE;
    b = join(1, max, max);

    /* slots that somebody gave back, and others may have */

    small = join(2, SIZE, SIZE);
    a = books_account(DAY, "team", "user", "key-0", "model");
    spend(small, &a, 1);
    genai_books_leave(small);

    for (i = 1; i < 40000; i++) {
        snprintf(key, sizeof(key), "key-%u", i);
        a = books_account(DAY, "team", "user", key, "model");
        quiet_ok(spend(b, &a, 1) == 0, "%u", i);
    }

    genai_books_stats(b, &s);
    ok(s.other > 10000 && s.rows < 30000, "%u went to other, there are %u",
       (unsigned) s.other, (unsigned) s.rows);
    is_int(s.size, SIZE, "nothing has grown");
    ok(grown < 200, "it was not tried each time: %u", grown);

    o = books_account(DAY, "team", "other", "other", "other");
    is_int(books_row(b, &o, &t), 1, "a row \"other\" of the team");
    is_int(t.exchanges, s.other, "has them");

    (void) books_sum(b, &sum);
    is_int(sum.exchanges, 40000, "nothing is lost");

    /* teams that have none yet, until the reserve is used up */

    for (i = 0; i < 400; i++) {
        snprintf(key, sizeof(key), "key-%u", i);
        a = books_account(DAY, key, "", "", "model");
        spend(b, &a, 1);
    }

    o = books_account(DAY, "other", "other", "other", "other");
    is_int(books_row(b, &o, &t), 1, "a row \"other\" of the day");

    for (i = 0; i < 400; i++) {
        a = books_account(DAY + 1 + (int32_t) i, "team", "", "", "model");
        spend(b, &a, 1);
    }

    o = books_account(GENAI_BOOKS_NO_DAY, "other", "other", "other", "other");
    is_int(books_row(b, &o, &t), 1, "the row \"other\" of all");
    ok(t.exchanges > 100, "has %u", (unsigned) t.exchanges);

    (void) books_sum(b, &sum);
    is_int(sum.exchanges, 40800, "nothing is lost");
    is_int(genai_books_verify(b, books_say, NULL), 0, "nothing is wrong");

    /* now there is room; one has mapped less, and must not go there */

    genai_books_leave(b);
    room = max;

    b = join(1, max, max);
    small = join(2, SIZE, SIZE);
    is_int(spend(small, &a, 1), 0, "one that has mapped less");

    for (i = 1; i < 40000; i++) {
        snprintf(key, sizeof(key), "more-%u", i);
        a = books_account(DAY, "team", "user", key, "model");
        quiet_ok(spend(b, &a, 1) == 0, "%u", i);
    }

    genai_books_stats(b, &s);
    ok(s.size > SIZE && s.size <= max, "it has grown");
    ok(s.rows > 50000, "%u rows", (unsigned) s.rows);

    mprotect(region + SIZE, 2 * SIZE, PROT_NONE);

    for (i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "more-%u", i * 30);
        a = books_account(DAY, "team", "user", key, "model");
        quiet_ok(spend(small, &a, 1) == 0, "%u", i);
    }

    (void) books_sum(small, &sum);
    genai_books_verify(small, NULL, NULL);
    genai_books_leave(small);

    mprotect(region + SIZE, 2 * SIZE, PROT_READ|PROT_WRITE);

    (void) books_sum(b, &sum);
    is_int(sum.exchanges, 81800, "nothing is lost");
    is_int(genai_books_verify(b, books_say, NULL), 0, "nothing is wrong");

    /* leases have room of their own */

    x = calloc(100000, sizeof(genai_lease_t *));

    for (n = 0; n < 100000; n++) {
        x[n] = genai_books_lease(b, &a, id, 1);

        if (x[n] == NULL) {
            break;
        }
    }

    ok(n > 5000, "%u leases", n);

    t = books_used(1);
    genai_books_settle(b, x[--n], &t, NULL);
    ok((x[n] = genai_books_lease(b, &a, id, 1)) != NULL,
       "a slot is used again");
    n++;

    while (n) {
        genai_books_settle(b, x[--n], &t, NULL);
    }

    free(x);

    genai_books_stats(b, &s);
    is_int(s.leases, 0, "all are settled");
    is_int(genai_books_verify(b, books_say, NULL), 0, "nothing is wrong");

    genai_books_leave(b);
    munmap(region, max);
}


static unsigned         kept, refuse;
static genai_totals_t   kept_sum;


static int
keep(void *data, const genai_account_t *a, const genai_totals_t *t)
{
    if (refuse) {
        return -1;
    }

    kept++;
    books_add(&kept_sum, t);

    return 0;
}


static void
test_retire(void)
{
    int                  rc;
    char                 key[32];
    unsigned             i, day, n;
    genai_books_t       *b, *c;
    genai_lease_t       *x;
    genai_totals_t       t, sum;
    genai_account_t      a;
    genai_books_stats_t  s;

    region = map(SIZE);
    room = 0;
    genai_books_format(region, SIZE, seed);
    b = join(1, SIZE, SIZE);
    c = join(2, SIZE, SIZE);

    /* forty times what there is room for */

    for (day = 0; day < 400; day++) {
        for (i = 0; i < 1000; i++) {
            snprintf(key, sizeof(key), "key-%u", i);
            a = books_account((int32_t) day, "team", "", key, "model");
            quiet_ok(spend(i % 2 ? b : c, &a, 1) == 0, "%u", i);
        }

        do {
            rc = 0;

            for (n = 0; n < 10; n++) {
                rc += genai_books_retire(b, (int32_t) day - 5, 1000, keep,
                                         NULL);
            }
        } while (rc > 0);
    }

    genai_books_stats(b, &s);
    is_int(s.other, 0, "there is always room where old days go");
    ok(s.rows < 10000, "%u rows", (unsigned) s.rows);

    (void) books_sum(b, &sum);
    is_int(sum.exchanges + kept_sum.exchanges, 400000, "nothing is lost");
    is_int(genai_books_verify(b, books_say, NULL), 0, "nothing is wrong");

    refuse = 1;
    is_int(genai_books_retire(b, 1000, 10, keep, NULL), -1, "keep() refuses");
    refuse = 0;

    /* a lease that was out all the time: its row is made again */

    a = books_account(399, "team", "", "late", "model");
    x = genai_books_lease(c, &a, id, 1);

    i = books_sum(b, &sum);
    genai_books_stats(b, &s);
    is_int(s.rows, i + 1, "a row that nothing was booked to is not read");

    i += kept;

    for (n = 0; n < 100; n++) {
        genai_books_retire(b, 1000, 1000, keep, NULL);
    }

    is_int(kept, i, "nor handed over");
    genai_books_stats(b, &s);
    is_int(s.rows, 0, "all rows are gone");

    t = books_used(4);
    genai_books_settle(c, x, &t, NULL);

    is_int(books_row(b, &a, &t), 1, "but that of a late one");
    is_int(t.prompt, 4, "has what it used");

    genai_books_stats(b, &s);
    is_int(s.rows, 1, "one row");
    is_int(genai_books_verify(b, books_say, NULL), 0, "nothing is wrong");

    genai_books_leave(c);
    genai_books_leave(b);
    munmap(region, SIZE);
}


/* the pid of somebody dead is used by somebody else, and the table is full */

static void
test_places(void)
{
    uint32_t             i;
    unsigned             n;
    genai_books_t       *b, *c, *all[GENAI_BOOKS_PROCESSES];
    genai_lease_t       *x;
    genai_totals_t       t;
    genai_account_t      a;
    genai_books_stats_t  s;

    region = map(SIZE);
    genai_books_format(region, SIZE, seed);

    a = books_account(DAY, "team", "", "", "");

    b = join(1, SIZE, SIZE);
    c = join(2, SIZE, SIZE);

    x = genai_books_lease(c, &a, id, 1);
    t = books_used(6);
    genai_books_checkpoint(x, &t);

    is_int(genai_books_sweep(b, 10), 0, "the living are let alone");
    dead = 2;
    is_int(genai_books_sweep(b, 10), 1, "the dead are looked after");
    dead = 0;

    (void) books_row(b, &a, &t);
    is_int(t.orphans, 1, "an orphan");
    is_int(t.exchanges, 1, "one exchange");
    is_int(t.prompt, 6, "at its checkpoint");

    free(c->free);
    free(c);

    /* who leaves with a lease out is dead, whatever alive() says */

    c = join(3, SIZE, SIZE);
    x = genai_books_lease(c, &a, id, 1);
    genai_books_leave(c);
    genai_books_stats(b, &s);
    is_int(s.leases, 1, "left with a lease out");
    is_int(genai_books_sweep(b, 10), 1, "which is settled");
    is_int(s.orphans, 1, "orphans are counted");

    /* a slot that its owner was killed behind taking, before counting it */

    c = join(3, SIZE, SIZE);
    x = genai_books_lease(c, &a, id, 1);
    genai_books_extent(c, (genai_books_offset(c, x) - GENAI_BOOKS_BASE)
                          / GENAI_BOOKS_EXTENT)->fill = 0;
    t = books_used(1);
    genai_books_settle(c, x, &t, NULL);
    genai_books_stats(b, &s);
    is_int(s.leases, 0, "is not counted below nothing");
    genai_books_leave(c);

    /* a fresh start, with their places taken by the dead */

    for (i = 0; i < GENAI_BOOKS_PROCESSES - 1; i++) {
        all[i] = join(4 + i % 900, SIZE, SIZE);
    }

    ok(all[i - 1] != NULL, "a thousand processes");
    ok(join(5, SIZE, SIZE) == NULL, "and no more");

    /* one of them dies */

    (void) genai_books_lease(all[500], &a, id, 1);
    dead = 4 + 500;
    n = 0;

    for (i = 0; i < GENAI_BOOKS_PROCESSES / 32 + 1 && n == 0; i++) {
        asked = 0;
        n = genai_books_sweep(b, 10);

        /* of a dead one, who repairs it asks again */

        quiet_ok(asked <= 32 + 2, "%u are asked about", asked);
    }

    is_int(n, 1, "is found, within %u calls", i);
    dead = 0;

    for (i = 0; i < 18; i++) {
        quiet_ok(genai_books_sweep(b, 10) == 0, "nobody else is");
    }

    x = genai_books_lease(all[7], &a, id, 1);
    self.pid = 6;
    c = genai_books_join(region, SIZE, SIZE, &self, &os, 1);
    ok(c != NULL, "a fresh one finds all of them dead");
    is_int(genai_books_sweep(c, 10), 1, "and their lease");

    genai_books_stats(c, &s);
    is_int(s.processes, 1, "and is alone");
    is_int(genai_books_verify(c, books_say, NULL), 0, "nothing is wrong");

    genai_books_leave(c);

    for (i = 0; i < GENAI_BOOKS_PROCESSES - 1; i++) {

        /* without their leaving the books, in which they have no place */

        free(all[i]->free);
        free(all[i]);
    }

    free(b);
    munmap(region, SIZE);
}


static void
test_look(void)
{
    uint32_t        layout;
    unsigned        i, bit, ok_state;
    unsigned char  *p;

    region = map(SIZE);
    is_int(genai_books_look(region, SIZE, &layout), GENAI_BOOKS_NEW, "zeroes");

    region[SIZE - 1] = 1;
    is_int(genai_books_look(region, SIZE, &layout), GENAI_BOOKS_DAMAGED,
           "books that have lost their head");
    region[SIZE - 1] = 0;

    genai_books_format(region, SIZE, seed);
    is_int(genai_books_look(region, SIZE, &layout), GENAI_BOOKS_OK, "books");
    is_int(layout, GENAI_BOOKS_LAYOUT, "of this layout");
    is_int(genai_books_used(region), GENAI_BOOKS_BASE + GENAI_BOOKS_EXTENT,
           "what is in use");

    for (i = 1; i < 64; i++) {
        quiet_ok(genai_books_look(region, SIZE * i / 64, &layout)
                 == GENAI_BOOKS_TRUNCATED, "cut to %u/64", i);
    }

    for (i = 1; i < 16; i++) {
        quiet_ok(genai_books_look(region, i, &layout) == GENAI_BOOKS_FOREIGN,
                 "%u bytes", i);
    }

    region[8]++;
    is_int(genai_books_look(region, SIZE, &layout), GENAI_BOOKS_OTHER_LAYOUT,
           "another layout");
    is_int(layout, GENAI_BOOKS_LAYOUT + 1, "which one");
    ok(genai_books_view(region, SIZE) == NULL, "is not viewed");
    region[8]--;

    /* what never changes is checked bit by bit */

    ok_state = 0;

    for (i = 0; i < offsetof(genai_books_head_t, lock); i++) {
        for (bit = 0; bit < 8; bit++) {
            region[i] ^= 1 << bit;
            ok_state += genai_books_look(region, SIZE, &layout)
                        == GENAI_BOOKS_OK;
            region[i] ^= 1 << bit;
        }
    }

    is_int(ok_state, 0, "no bit of the head may be another");

    p = map(SIZE);
    memcpy(p, "\177ELF", 4);
    is_int(genai_books_look(p, SIZE, &layout), GENAI_BOOKS_FOREIGN,
           "something else");

    for (i = 0; i <= GENAI_BOOKS_DAMAGED; i++) {
        quiet_ok(strlen(genai_books_state_text(i)) > 5, "a sentence");
    }

    munmap(p, SIZE);
    munmap(region, SIZE);
}


/* uses a region that may be damaged in every way there is */

static void
use(unsigned n)
{
    char              key[32];
    uint64_t          cursor;
    unsigned          i;
    genai_books_t    *b;
    genai_lease_t    *x;
    unsigned char     seen[GENAI_BOOKS_ID_LEN];
    int64_t           started;
    genai_totals_t    t;
    genai_account_t   a;
    genai_process_id_t  owner;

    b = genai_books_view(region, SIZE);

    if (b) {
        genai_books_stats_t  s;

        (void) books_sum(b, &t);
        genai_books_stats(b, &s);

        cursor = 0;
        i = 0;

        while (genai_books_lease_row(b, &cursor, &a, &t, seen, &started,
                                     &owner)
               && i++ < 100000)
        {
            /* void */
        }

        if (n % 4 == 0) {
            genai_books_verify(b, NULL, NULL);
        }

        genai_books_leave(b);
    }

    if (b == NULL) {
        return;
    }

    b = join(500, SIZE, SIZE);

    if (b == NULL) {
        return;
    }

    (void) genai_books_sweep(b, 100);
    (void) genai_books_role_take(b, GENAI_BOOKS_KEEPER);

    for (i = 0; i < 8; i++) {
        snprintf(key, sizeof(key), "key-%u", i + (n % 8) * 4);
        a = books_account(DAY, "team", "", key, "model");
        x = genai_books_lease(b, &a, id, 1);

        if (x) {
            genai_books_checkpoint(x, &t);
            genai_books_settle(b, x, &t, NULL);
        }
    }

    (void) genai_books_retire(b, DAY + (n % 2), 100, keep, NULL);

    genai_books_leave(b);
}


static void
test_damage(void)
{
    char             key[32];
    uint64_t         random, at, used;
    unsigned         i, n;
    genai_books_t   *b, *c;
    unsigned char   *good;
    genai_totals_t   t;
    genai_account_t  a;

    region = map(SIZE);
    good = map(SIZE);
    room = 0;

    genai_books_format(region, SIZE, seed);

    b = join(1, SIZE, SIZE);
    c = join(2, SIZE, SIZE);

    for (i = 0; i < 300; i++) {
        snprintf(key, sizeof(key), "key-%u", i % 100);
        a = books_account(DAY - (int32_t) (i / 100), "team", "", key, "model");
        spend(b, &a, i);

        if (i % 10 == 0) {
            (void) genai_books_lease(c, &a, id, 1);
        }
    }

    /* one left, the other is dead, with its locks and a record half done */

    genai_books_leave(b);
    genai_books_lock(c, &c->head->lock);
    genai_books_lock(c, &c->head->last.lock);
    genai_books_set(c, &c->head->last.totals[0], 77);
    genai_books_set(c, &c->head->last.hash,
                    (uint64_t) genai_books_check(0, 77) << 32);
    genai_books_put(&c->self->commit, 2);
    dead = 2;

    used = genai_books_used(region);
    memcpy(good, region, SIZE);

    b = join(1, SIZE, SIZE);
    while (genai_books_sweep(b, 100)) { /* void */ }
    (void) books_sum(b, &t);
    is_int(t.orphans, 30, "orphans of the one that died");
    is_int(((genai_books_head_t *) (void *) region)->last.totals[0], 77,
           "and its record");
    is_int(genai_books_verify(b, books_say, NULL), 0, "nothing is wrong");
    genai_books_leave(b);

    /* nobody lives, whatever pid he has by now, but us */

    alone = 500;

    /* every byte of the head and of the first places */

    for (at = 0; at < 1200; at++) {
        memcpy(region, good, used);
        region[at] ^= 0xff;
        use((unsigned) at);
    }

    pass("every byte of the head");

    for (at = 0; at < 2 * 1400; at++) {
        memcpy(region, good, used);
        region[GENAI_BOOKS_AT_PROCESSES + at / 1400 * 2048 + at % 1400]
            ^= 1 << at % 8;
        use((unsigned) at);
    }

    pass("every byte of two processes");

    random = 1;
    n = 0;

    while (n < FLIPS) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        at = (random >> 33) % used;

        /* what is zero is mostly not in use */

        if (good[at] == 0 && (random >> 20) % 200) {
            continue;
        }

        memcpy(region, good, used);

        for (i = 0; i <= n % 3; i++) {
            region[at] ^= 1 << (random >> 29) % 8;
            at = (at * 7 + 8) % used;
        }

        use(n++);
    }

    pass("%u flips", n);

    free(c->free);
    free(c);
    dead = 0;
    alone = 0;
    munmap(good, SIZE);
    munmap(region, SIZE);
}


int
main(void)
{
    test_api();
    test_texts();
    test_full();
    test_retire();
    test_places();
    test_look();
    test_damage();

    return done_testing();
}
