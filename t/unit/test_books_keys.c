/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Counters of keys that somebody else chooses: what they are found by, that no
 * text of a key is kept, and that they leave room to others.
 */


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


static int
os_grow(void *data, uint64_t size)
{
    return size <= room ? 0 : 28;
}


static int
os_alive(void *data, const genai_process_id_t *p)
{
    return p->pid < 1000;
}


static const genai_books_os_t  os = { os_grow, os_alive, NULL };


static genai_books_t *
begin(uint64_t max)
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
    genai_books_format(region, SIZE, seed);

    return genai_books_join(region, max, max, &self, &os, 1);
}


static void
say(void *data, const char *text)
{
    diag("%s", text);
}


static void
end(genai_books_t *b)
{
    is_int(genai_books_verify(b, say, NULL), 0, "verified");
    genai_books_leave(b);
    munmap(region, mapped);
}


static genai_hold_t
hold(genai_owner_e owner, uint64_t number, int64_t now)
{
    size_t        where;
    genai_str_t   s;
    genai_hold_t  h;

    memset(&h, 0, sizeof(h));

    s = books_str("1 requests/1m");

    if (genai_limit_parse(&s, &h.limit, &where) != NULL) {
        fail("a limit");
    }

    h.id[0] = number * UINT64_C(0x9e3779b97f4a7c15);
    h.id[1] = number;
    h.take = 1;
    h.name = books_str("$binary_remote_addr");
    h.owner = owner;

    genai_window_at(&h.limit, NULL, 0, now, &h.window);

    return h;
}


static genai_lease_t *
lease(genai_books_t *b)
{
    genai_account_t  a = books_account(DAY, "team", "user", "key", "model");

    return genai_books_lease(b, &a, id, 1);
}


/* as many counters as keys, and no text of any */

static void
test_keys(void)
{
    uint64_t             i, limit[2] = { 1, 2 }, other[2] = { 2, 1 }, id2[2];
    genai_str_t          s;
    genai_hold_t         h;
    genai_books_t       *b;
    genai_lease_t       *x;
    unsigned char        value[16];
    genai_totals_t       used;
    genai_books_stats_t  stats;

    b = begin(MAX);

    memset(&used, 0, sizeof(used));
    s.data = value;

    for (i = 0; i < 30000; i++) {
        s.len = (size_t) sprintf((char *) value, "%u", (unsigned) i);

        h = hold(GENAI_OWNER_DIRECTIVE, 1, NOW);
        genai_books_counter_id(b, limit, &s, h.id);

        x = lease(b);

        if (genai_books_hold(b, x, &h, 1, NOW) != GENAI_HOLD_OK) {
            fail("key %u", (unsigned) i);
        }

        genai_books_settle(b, x, &used, NULL);
    }

    genai_books_stats(b, &stats);

    is_int(stats.counters, 30000, "keys: one counter each");
    is_int(stats.texts, 6, "keys: one text of all");

    genai_books_counter_id(b, limit, &s, id2);
    is_mem(id2, sizeof(id2), h.id, sizeof(h.id), "keys: always the same");
    genai_books_counter_id(b, other, &s, id2);
    ok(id2[0] != h.id[0] && id2[1] != h.id[1], "keys: of another limit");
    ok(h.id[0] != h.id[1], "keys: two halves");

    memcpy(value, "a\0\0", 3);
    s.len = 1;
    genai_books_counter_id(b, limit, &s, h.id);
    s.len = 2;
    genai_books_counter_id(b, limit, &s, id2);
    ok(id2[0] != h.id[0] && id2[1] != h.id[1], "keys: zeroes count");

    end(b);

    /* of other books */

    b = begin(MAX);
    b->head->seed[1]++;
    genai_books_counter_id(b, limit, &s, h.id);
    ok(id2[0] != h.id[0] && id2[1] != h.id[1], "keys: nobody can know them");
    b->head->seed[1]--;
    end(b);
}


/* they leave room to others */

static void
test_room(void)
{
    uint64_t        i;
    genai_hold_t    h;
    genai_books_t  *b;
    genai_lease_t  *x;

    b = begin(SIZE);
    x = lease(b);

    for (i = 0; i < 30000; i++) {
        h = hold(GENAI_OWNER_DIRECTIVE, i, NOW);

        if (genai_books_hold(b, x, &h, 1, NOW) != GENAI_HOLD_OK) {
            break;
        }

        genai_books_let_go(b, x);
    }

    ok(i > 5000 && i < 30000, "room: full of keys, %u", (unsigned) i);

    for (i = 0; i < 10000; i++) {
        h = hold(GENAI_OWNER_TEAM, 100000 + i, NOW);

        if (genai_books_hold(b, x, &h, 1, NOW) != GENAI_HOLD_OK) {
            break;
        }

        genai_books_let_go(b, x);

        h.id[0]++;
        h.owner = GENAI_OWNER_DIRECTIVE;

        if (genai_books_hold(b, x, &h, 1, NOW) != GENAI_HOLD_FULL) {
            fail("room: another key");
        }
    }

    ok(i > 1000 && i < 10000, "room: for %u others", (unsigned) i);

    h = hold(GENAI_OWNER_DIRECTIVE, 200000, NOW + 120);
    is_int(genai_books_hold(b, x, &h, 1, NOW + 120), GENAI_HOLD_OK,
           "room: when windows have ended");
    genai_books_drop(b, x);
    end(b);
}


int
main(void)
{
    test_keys();
    test_room();

    return done_testing();
}
