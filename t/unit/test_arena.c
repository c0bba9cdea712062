/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The arena: alignment, the limit, growing in place and elsewhere, and that
 * a reset gives memory back.  That no two pieces overlap is checked by
 * filling each with a value of its own.
 */


#include "tap.h"
#include "genai_arena.h"

#include <stdint.h>


#define PIECES  2000


static unsigned
rnd(void)
{
    static uint32_t  x = 12345;

    x = x * 1103515245 + 12345;

    return x >> 16 & 0x7fff;
}


static int
filled(const unsigned char *p, size_t n, unsigned char c)
{
    while (n--) {
        if (*p++ != c) {
            return 0;
        }
    }

    return 1;
}


static void
test_pieces(void)
{
    int             i, good;
    size_t          size[PIECES], more;
    unsigned char  *p[PIECES], *q;
    genai_arena_t   a;

    genai_arena_init(&a, 64 << 20);
    is_int(genai_arena_used(&a), 0, "an arena begins with nothing");

    good = 1;

    for (i = 0; i < PIECES; i++) {
        size[i] = (rnd() % 20 == 0) ? rnd() : rnd() % 200;
        p[i] = genai_arena_alloc(&a, size[i]);

        if (p[i] == NULL || (uintptr_t) p[i] % GENAI_ARENA_ALIGN) {
            good = 0;
            break;
        }

        memset(p[i], i & 0xff, size[i]);

        /* now and then an older piece grows, or the last one */

        if (rnd() % 4 == 0) {
            int  k = (rnd() % 2) ? i : (int) (rnd() % (i + 1));

            more = size[k] + ((rnd() % 4 == 0) ? rnd() : rnd() % 64);
            q = genai_arena_grow(&a, p[k], size[k], more);

            if (q == NULL || (uintptr_t) q % GENAI_ARENA_ALIGN
                || !filled(q, size[k], k & 0xff))
            {
                good = 0;
                break;
            }

            memset(q, k & 0xff, more);
            p[k] = q;
            size[k] = more;
        }
    }

    ok(good, "pieces are aligned and grow with what is in them");

    for (i = 0; i < PIECES && good; i++) {
        good = filled(p[i], size[i], i & 0xff);
    }

    ok(good, "no two of %d pieces overlap", PIECES);

    genai_arena_reset(&a);
    ok(genai_arena_used(&a) <= 65536, "a reset keeps one chunk (%lu bytes)",
       (unsigned long) genai_arena_used(&a));

    ok(genai_arena_alloc(&a, 100) != NULL, "and the arena goes on");

    genai_arena_destroy(&a);
    is_int(genai_arena_used(&a), 0, "destroy gives all back");

    genai_arena_destroy(&a);
    pass("twice does no harm");

    ok(genai_arena_alloc(&a, 1) != NULL, "and it can be used again");

    genai_arena_destroy(&a);
}


static void
test_grow(void)
{
    size_t          n;
    unsigned char  *p, *q, *first;
    genai_arena_t   a;

    genai_arena_init(&a, 64 << 20);

    p = genai_arena_grow(&a, NULL, 0, 100);
    ok(p != NULL, "growing nothing allocates");

    q = genai_arena_grow(&a, p, 100, 1000);
    ok(q == p, "the last piece grows in place");

    (void) genai_arena_alloc(&a, 1);

    memset(q, 7, 1000);
    p = genai_arena_grow(&a, q, 1000, 2000);
    ok(p && p != q && filled(p, 1000, 7), "another one moves");

    ok(genai_arena_grow(&a, p, 2000, 2000) == p, "to its own size, too");

    q = genai_arena_grow(&a, p, 2000, 10000);
    ok(q && q != p, "and it moves to a chunk of its own");

    first = genai_arena_alloc(&a, 16);
    ok(first == p, "when the last piece's place is free again");

    /* a large one grows without leaving copies of itself behind */

    memset(q, 9, 10000);
    p = q;

    for (n = 10000; n < 8000000; n *= 2) {
        p = genai_arena_grow(&a, p, n, 2 * n);

        if (p == NULL) {
            break;
        }

        memset(p + n, 9, n);
    }

    ok(p && filled(p, n, 9), "a large one keeps its bytes");
    ok(p && genai_arena_used(&a) < n + 65536, "in %lu bytes for %lu",
       (unsigned long) genai_arena_used(&a), (unsigned long) n);

    genai_arena_destroy(&a);
}


static void
test_limit(void)
{
    int             n;
    void           *p, *q;
    genai_arena_t   a;

    genai_arena_init(&a, 0);
    ok(genai_arena_alloc(&a, 0) == NULL, "a limit of 0 allows nothing");
    genai_arena_destroy(&a);

    genai_arena_init(&a, 100000);

    ok(genai_arena_alloc(&a, 100000) == NULL, "the limit counts the headers");
    ok(genai_arena_alloc(&a, SIZE_MAX) == NULL, "a size cannot overflow");
    ok(genai_arena_alloc(&a, SIZE_MAX - 20) == NULL, "nor nearly");

    p = genai_arena_alloc(&a, 50000);
    ok(p != NULL, "half of it");
    ok(genai_arena_alloc(&a, 50000) == NULL, "but not twice");
    ok(genai_arena_grow(&a, p, 50000, 100000) == NULL, "nor by growing");
    ok(genai_arena_grow(&a, p, 50000, SIZE_MAX) == NULL, "nor by overflow");

    q = genai_arena_grow(&a, p, 50000, 60000);
    ok(q != NULL, "the arena stays usable");

    memset(q, 1, 60000);

    for (n = 0; genai_arena_alloc(&a, 1000) != NULL; n++) { /* void */ }

    ok(n >= 35 && genai_arena_used(&a) <= 100000,
       "the rest is used: %d pieces, %lu bytes", n,
       (unsigned long) genai_arena_used(&a));

    ok(genai_arena_alloc(&a, 1000) == NULL, "a refusal lasts");

    genai_arena_reset(&a);
    ok(genai_arena_alloc(&a, 50000) != NULL, "until a reset");

    genai_arena_destroy(&a);
}


/* small chunks count as well: 400 KiB in turns of 64 */

static void
test_drain_small(void)
{
    int            n, rc;
    unsigned       i;
    genai_arena_t  a;

    genai_arena_init(&a, 1 << 30);

    rc = 0;

    for (i = 0; i < 100; i++) {
        rc |= (genai_arena_alloc(&a, 4096) == NULL);
    }

    for (n = 1; rc == 0 && genai_arena_drain(&a, 65536); n++) { /* void */ }

    ok(rc == 0 && n >= 4 && n <= 12, "small chunks are drained in turns: %d",
       n);
    ok(genai_arena_used(&a) == 0, "to the end");
}


int
main(void)
{
    test_pieces();
    test_grow();
    test_limit();
    test_drain_small();

    return done_testing();
}
