/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of the books: good ones, with a process that died in the middle of
 * a record, and changes to them.  The first byte says what is done: reading
 * only, or, if it is odd, joining and going on in them as well.  Then follow
 * changes, of five bytes each: three tell the place, of all bytes that are in
 * use, two are what is there instead.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined \
 *         -I ngx_http_genai_module/core t/fuzz/fuzz_books.c \
 *         ngx_http_genai_module/core/genai_books*.c
 */


#include "genai_books.h"
#include "genai_books_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>


#define SIZE  GENAI_BOOKS_SIZE_MIN
#define DAY   20000
#define SELF  500


static unsigned char  *region, *good;
static uint64_t        used;
static uint32_t       *places;          /* of words in use */
static uint32_t        nplaces;
static uint32_t        alone;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int
os_grow(void *data, uint64_t size)
{
    return 28;
}


static int
os_alive(void *data, const genai_process_id_t *id)
{
    return !alone || id->pid == SELF;
}


static int
keep(void *data, const genai_account_t *account, const genai_totals_t *totals)
{
    return 0;
}


static void
say(void *data, const char *text)
{
    size_t  *n = data;

    *n += strlen(text);
}


static genai_books_t *
join(uint32_t pid)
{
    genai_books_os_t    os = { os_grow, os_alive, NULL };
    genai_process_id_t  self;

    memset(&self, 0, sizeof(self));
    self.pid = pid;

    return genai_books_join(region, SIZE, SIZE, &self, &os, 0);
}


static genai_account_t
account(unsigned i, char key[32])
{
    genai_str_t      team = genai_str("team");
    genai_str_t      none = genai_str("");
    genai_account_t  a;

    a.day = DAY - (int32_t) (i & 3);
    a.team = team;
    a.user = none;
    a.model = team;
    a.key.data = (unsigned char *) key;
    a.key.len = (size_t) snprintf(key, 32, "key-%u", i);

    return a;
}


static void *
map(void)
{
    char  *p;

    /* whoever reads beyond dies */

    p = mmap(NULL, SIZE + GENAI_BOOKS_EXTENT, PROT_READ|PROT_WRITE,
             MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED
        || mprotect(p + SIZE, GENAI_BOOKS_EXTENT, PROT_NONE) != 0)
    {
        abort();
    }

    return p;
}


static void
init(void)
{
    char              key[32];
    uint32_t          i;
    uint64_t          seed[2] = { 1, 2 };
    genai_books_t    *b, *c;
    genai_lease_t    *x;
    unsigned char     id[GENAI_BOOKS_ID_LEN];
    genai_totals_t    t;
    genai_account_t   a;

    region = map();
    good = map();
    genai_books_format(region, SIZE, seed);

    memset(id, 'x', sizeof(id));
    memset(&t, 0, sizeof(t));
    t.prompt = 7;

    b = join(1);
    c = join(2);

    for (i = 0; i < 40; i++) {
        a = account(i, key);
        x = genai_books_lease(b, &a, id, 1);
        genai_books_settle(b, x, &t, NULL);

        if (i % 4 == 0) {
            (void) genai_books_lease(c, &a, id, 1);
        }
    }

    genai_books_leave(b);

    genai_books_lock(c, &c->head->lock);
    genai_books_lock(c, &c->head->last.lock);
    genai_books_set(c, &c->head->last.totals[0], 77);
    genai_books_set(c, &c->head->last.hash,
                    (uint64_t) genai_books_check(0, 77) << 32);
    genai_books_put(&c->self->commit, 2);

    free(c->free);
    free(c);

    used = genai_books_used(region);
    memcpy(good, region, SIZE);
    alone = 1;

    places = malloc(SIZE / 8 * sizeof(uint32_t));

    for (i = 0; places && i < used / 8; i++) {
        if (((uint64_t *) (void *) good)[i]
            || i < 1200 / 8
            || (i >= GENAI_BOOKS_AT_PROCESSES / 8
                && i < GENAI_BOOKS_AT_PROCESSES / 8 + 768))
        {
            places[nplaces++] = i * 8;
        }
    }
}


static void
fuzz_read(void)
{
    int                  n;
    size_t               said;
    int64_t              started;
    uint64_t             cursor;
    genai_books_t       *b;
    unsigned char        id[GENAI_BOOKS_ID_LEN];
    genai_totals_t       t;
    genai_account_t      a;
    genai_process_id_t   owner;
    genai_books_stats_t  s;

    b = genai_books_view(region, SIZE);

    if (b == NULL) {
        return;
    }

    said = 0;
    genai_books_stats(b, &s);

    cursor = 0;

    for (n = 0; n < 1000000 && genai_books_row(b, &cursor, &a, &t); n++) {
        said += a.team.len + a.user.len + a.key.len + a.model.len;
    }

    if (n == 1000000) {
        abort();
    }

    cursor = 0;

    for (n = 0;
         n < 1000000
         && genai_books_lease_row(b, &cursor, &a, &t, id, &started, &owner);
         n++)
    {
        said += a.team.len ? a.team.data[0] : 0;
    }

    if (n == 1000000) {
        abort();
    }

    genai_books_verify(b, say, &said);
    genai_books_leave(b);
}


static void
fuzz_write(void)
{
    char              key[32];
    unsigned          i;
    genai_books_t    *b;
    genai_lease_t    *x;
    unsigned char     id[GENAI_BOOKS_ID_LEN];
    genai_totals_t    t;
    genai_account_t   a;

    b = genai_books_view(region, SIZE);

    if (b == NULL) {
        return;
    }

    genai_books_leave(b);

    b = join(SELF);

    if (b == NULL) {
        return;
    }

    memset(id, 'y', sizeof(id));
    memset(&t, 0, sizeof(t));

    genai_books_sweep(b, 100);

    for (i = 30; i < 44; i++) {
        a = account(i, key);
        x = genai_books_lease(b, &a, id, 1);

        if (x) {
            genai_books_checkpoint(x, &t);
            genai_books_settle(b, x, &t, NULL);
        }
    }

    genai_books_retire(b, DAY - 1, 20, keep, NULL);
    genai_books_leave(b);

    fuzz_read();
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t    i;
    uint64_t  at;

    if (region == NULL) {
        init();
    }

    if (size == 0 || size > 200) {
        return 0;
    }

    for (i = 1; i + 5 <= size; i += 5) {
        at = data[i] | (uint32_t) data[i + 1] << 8
             | (uint32_t) data[i + 2] << 16;
        at = places[(at >> 3) % nplaces] + (at & 6);

        memcpy(region + at, data + i + 3, 2);
    }

    if (data[0] & 1) {
        fuzz_write();
        memcpy(region, good, used);

    } else {
        fuzz_read();

        for (i = 1; i + 5 <= size; i += 5) {
            at = data[i] | (uint32_t) data[i + 1] << 8
                 | (uint32_t) data[i + 2] << 16;
            at = places[(at >> 3) % nplaces] + (at & 6);

            memcpy(region + at, good + at, 2);
        }
    }

    return 0;
}
