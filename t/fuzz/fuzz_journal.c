/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of the journal: a good one, and changes to it.  Of the first byte,
 * bit 0 says that the records are sealed again afterwards, so that what they
 * say is believed; the next two tell at which part of it, in 65536, the file
 * ends.  Then follow changes of five bytes each: three tell the place, two are
 * what is there instead.  Whatever it says, books are made of it that are
 * whole.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined \
 *         -I ngx_http_genai_module/core t/fuzz/fuzz_journal.c \
 *         ngx_http_genai_module/core/genai_*.c -lcrypto -lpcre2-8
 */


#include "genai_journal_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>


#define SIZE     GENAI_BOOKS_SIZE_MIN
#define ROOM     ((size_t) 256 << 10)
#define RECORDS  2048
#define DAY      20000


static unsigned char         *region, *blank;
static unsigned char         *journal, *good;   /* aligned, by malloc */
static size_t                 good_len;
static size_t                 records[RECORDS];
static unsigned               nrecords;
static genai_journal_head_t   head;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int
os_grow(void *data, uint64_t size)
{
    return 28;
}


static int
os_alive(void *data, const genai_process_id_t *id)
{
    return 1;
}


static genai_books_t *
join(void)
{
    genai_books_os_t    os = { os_grow, os_alive, NULL };
    genai_process_id_t  self;

    memset(&self, 0, sizeof(self));
    self.pid = 1;

    return genai_books_join(region, SIZE, SIZE, &self, &os, 0);
}


static void *
map(void)
{
    void  *p;

    p = mmap(NULL, SIZE, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1,
             0);

    if (p == MAP_FAILED) {
        abort();
    }

    return p;
}


static void
add(size_t n)
{
    genai_journal_seal(&head, good + good_len, n, good_len);
    good_len += n;
}


static void
work(genai_books_t *b, unsigned from, unsigned n, int64_t now)
{
    char              key[32];
    size_t            where;
    unsigned          i;
    genai_str_t       team = genai_str("team"), none = genai_str("");
    genai_str_t       text = genai_str("1000 tokens/1m on gpt-*");
    genai_hold_t      h;
    genai_lease_t    *x;
    unsigned char     id[GENAI_BOOKS_ID_LEN];
    genai_totals_t    t;
    genai_account_t   a;

    memset(id, 'x', sizeof(id));

    for (i = from; i < from + n; i++) {
        a.day = DAY - (int32_t) (i & 3);
        a.team = team;
        a.user = none;
        a.model = team;
        a.key.data = (unsigned char *) key;
        a.key.len = (size_t) snprintf(key, sizeof(key), "key-%u", i);

        memset(&h, 0, sizeof(h));
        (void) genai_limit_parse(&text, &h.limit, &where);
        h.id[0] = i % 5;
        h.take = 20;
        h.name = team;
        genai_window_at(&h.limit, NULL, 0, now, &h.window);

        x = genai_books_lease(b, &a, id, 1);
        (void) genai_books_hold(b, x, &h, 1, now);

        /* some hold beyond the end of their window */

        if (i % 4) {
            memset(&t, 0, sizeof(t));
            t.prompt = i * 3;
            genai_books_settle(b, x, &t, NULL);
        }
    }
}


static void
init(void)
{
    size_t                 n, at;
    uint64_t               seed[2] = { 1, 2 };
    genai_books_t         *b;
    genai_record_t        *r;
    genai_journal_walk_t   walk;

    region = map();
    blank = map();
    journal = malloc(ROOM);
    good = malloc(ROOM);

    if (journal == NULL || good == NULL) {
        abort();
    }

    genai_books_format(region, SIZE, seed);
    genai_books_format(blank, SIZE, seed);

    memset(&head, 0, sizeof(head));
    head.number = 3;
    head.seed[0] = 7;
    genai_journal_head(good, &head);
    good_len = GENAI_JOURNAL_HEAD;

    b = join();
    work(b, 0, 40, 1000000020);
    work(b, 40, 40, 1000000080);

    memset(&walk, 0, sizeof(walk));
    walk.all = 1;
    walk.clear = 1;

    while ((n = genai_journal_take(b, &walk, good + good_len, 32768)) != 0) {
        add(n);
    }

    add(genai_journal_say(good + good_len, GENAI_JOURNAL_WHOLE, 5, good_len,
                          9));

    work(b, 60, 40, 1000000140);
    memset(&walk, 0, sizeof(walk));

    while ((n = genai_journal_take(b, &walk, good + good_len, 32768)) != 0) {
        add(n);
    }

    add(genai_journal_say(good + good_len, GENAI_JOURNAL_PASS, 6, good_len,
                          9));

    for (at = GENAI_JOURNAL_HEAD; at < good_len; at += r->len) {
        r = (genai_record_t *) (void *) (good + at);

        if (nrecords == RECORDS) {
            abort();
        }

        records[nrecords++] = at;
    }

    free(b->free);
    free(b);
}


static void
say(void *data, const char *text)
{
    fprintf(stderr, "%s\n", text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                     i, len, at;
    uint64_t                   bytes;
    genai_books_t             *b;
    genai_record_t            *r;
    genai_journal_scan_t       scan;
    genai_journal_replayed_t   replayed;

    if (region == NULL) {
        init();
    }

    if (size < 3 || size > 200) {
        return 0;
    }

    memcpy(journal, good, good_len);

    len = good_len - good_len * (data[1] | (size_t) data[2] << 8) / 65536;

    for (i = 3; i + 5 <= size; i += 5) {
        at = data[i] | (size_t) data[i + 1] << 8 | (size_t) data[i + 2] << 16;
        memcpy(journal + at % (good_len - 1), data + i + 3, 2);
    }

    for (i = 0; (data[0] & 1) && i < nrecords; i++) {
        r = (genai_record_t *) (void *) (journal + records[i]);

        if (r->len >= sizeof(genai_record_t) && r->len % 8 == 0
            && r->len <= GENAI_JOURNAL_RECORD
            && r->len <= good_len - records[i])
        {
            /* what it takes to look at all slots is not what is looked for */

            r->slot %= SIZE;
            genai_journal_seal(&head, (unsigned char *) r, r->len, records[i]);
        }
    }

    if (genai_journal_scan(journal, len, &scan) != 0) {
        return 0;
    }

    bytes = scan.end;

    if (bytes + scan.cut + scan.lost < len || bytes > len) {
        abort();
    }

    if (!genai_journal_usable(&scan)) {
        return 0;
    }

    memcpy(region, blank, SIZE);
    b = join();

    if (b == NULL
        || genai_journal_replay(b, journal, len, &scan, &replayed) != 0)
    {
        abort();
    }

    if (genai_books_verify(b, say, NULL)) {
        abort();
    }

    genai_books_leave(b);

    return 0;
}
