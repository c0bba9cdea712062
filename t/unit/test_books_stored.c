/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What providers keep, in the books: known to its owner for 30 days, and to
 * nobody else; at the bound the oldest goes; many processes at once, and
 * SIGKILL at every store.
 */


#include "books_kill.h"
#include "genai_books_stored.h"

#include <stdio.h>


#define NOW      ((int64_t) 1790000000000)
#define DAY_MS   ((int64_t) 86400000)

#define PER      (GENAI_STORED_BUCKETS * GENAI_STORED_BUCKET)
#define MAX      ((uint64_t) 16 << 20)
#define WORKERS  4
#define EACH     3000


static genai_stored_t
object(const char *provider, const char *team, const char *key,
    const char *id)
{
    genai_stored_t  o;

    o.provider = books_str(provider);
    o.team = books_str(team);
    o.key = books_str(key);
    o.id = books_str(id);

    return o;
}


static genai_stored_t
numbered(unsigned who, unsigned n)
{
    static char  id[64];

    snprintf(id, sizeof(id), "resp_%u_%u", who, n);

    return object("openai", "team", "key", id);
}


static void
open_new(uint64_t max)
{
    if (region.addr) {
        genai_books_file_close(&region);
    }

    memset(&region, 0, sizeof(region));

    if (genai_books_file_anonymous(&region, max) != 0) {
        fail("no memory");
        exit(1);
    }
}


static void
test_known(void)
{
    unsigned              i;
    genai_books_t        *b, *v;
    genai_stored_t        o, other;
    genai_books_stats_t   s;

    static const char  *others[][4] = {
        { "azure", "team", "key", "resp_1" },
        { "openai", "team2", "key", "resp_1" },
        { "openai", "", "team", "resp_1" },
        { "openai", "", "", "resp_1" },
        { "openai", "team", "key", "resp_2" },
        { "openai", "team", "key", "" },
        { "openaiteam", "", "key", "resp_1" },
        { "openai", "teamresp_1", "key", "" }
    };

    open_new(MAX);
    b = join();

    o = object("openai", "team", "key", "resp_1");

    is_int(genai_books_stored_known(b, &o, NOW), 0, "nothing is known");
    genai_books_stored_note(b, &o, NOW);
    is_int(genai_books_stored_known(b, &o, NOW), 1, "what was noted is");

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        other = object(others[i][0], others[i][1], others[i][2],
                       others[i][3]);
        is_int(genai_books_stored_known(b, &other, NOW), 0,
               "not as %s, %s, %s, %s", others[i][0], others[i][1],
               others[i][2], others[i][3]);
    }

    other = object("openai", "team", "another key", "resp_1");
    is_int(genai_books_stored_known(b, &other, NOW), 1,
           "to another key of the team");

    other = object("openai", "", "key", "resp_3");
    genai_books_stored_note(b, &other, NOW);
    is_int(genai_books_stored_known(b, &other, NOW), 1, "without a team");
    other.key = books_str("key2");
    is_int(genai_books_stored_known(b, &other, NOW), 0,
           "it is the key's alone");

    is_int(genai_books_stored_known(b, &o, NOW + 30 * DAY_MS), 1,
           "30 days later");
    is_int(genai_books_stored_known(b, &o, NOW + 30 * DAY_MS + 1), 0,
           "and no longer");
    is_int(genai_books_stored_known(b, &o, NOW - 1000), 1,
           "a clock that was set back");

    genai_books_stored_note(b, &o, NOW + 20 * DAY_MS);
    is_int(genai_books_stored_known(b, &o, NOW + 50 * DAY_MS), 1,
           "noted again, it is from then on");
    genai_books_stored_note(b, &o, NOW);
    is_int(genai_books_stored_known(b, &o, NOW + 50 * DAY_MS), 1,
           "an older note does not change that");

    genai_books_stats(b, &s);
    is_int(s.stored, 2, "each is there once");
    is_int(s.stored_lost, 0, "nothing is lost");

    v = genai_books_view(region.addr, region.mapped);
    is_int(genai_books_stored_known(v, &o, NOW), 1, "also to a view");
    is_int(genai_books_verify(v, books_say, NULL), 0, "nothing is wrong");
    genai_books_leave(v);

    genai_books_leave(b);

    b = join();
    is_int(genai_books_stored_known(b, &o, NOW), 1, "also to the next one");
    genai_books_leave(b);
}


/* more than there is room for; the table does not take what others need */

static void
test_bound(void)
{
    int64_t               now;
    uint64_t              extents, bound;
    unsigned              i, n, known, last;
    genai_books_t        *b;
    genai_stored_t        o;
    genai_account_t       a;
    genai_books_stats_t   s;

    open_new(MAX);
    b = join();

    extents = (MAX - GENAI_BOOKS_BASE) / GENAI_BOOKS_EXTENT / 4;
    bound = extents * PER;
    n = 3 * bound;

    /* before anything gives way */

    now = NOW;

    for (i = 0; i < bound / 2; i++) {
        o = numbered(0, i);
        genai_books_stored_note(b, &o, now + i);
    }

    for (i = 0, known = 0; i < bound / 2; i++) {
        o = numbered(0, i);
        known += genai_books_stored_known(b, &o, now + i);
    }

    genai_books_stats(b, &s);

    is_int(known + s.stored_lost, bound / 2, "half of it: %llu were lost",
           (unsigned long long) s.stored_lost);
    ok(s.stored_lost < bound / 50, "hardly any");

    for ( /* void */ ; i < n; i++) {
        o = numbered(0, i);
        genai_books_stored_note(b, &o, now + i);
    }

    for (i = 0, known = 0, last = 0; i < n; i++) {
        o = numbered(0, i);
        known += genai_books_stored_known(b, &o, now + n);
        last += i >= n - bound / 2
                && genai_books_stored_known(b, &o, now + n);
    }

    genai_books_stats(b, &s);

    is_int(b->head->stored_extents, extents, "a quarter of the books");
    is_int(known + s.stored_lost, n, "those that are lost are counted");
    ok(known > bound * 9 / 10, "most places are taken: %u of %llu", known,
       (unsigned long long) bound);
    ok(last > bound / 2 * 7 / 10, "mostly by later ones: %u of %llu", last,
       (unsigned long long) bound / 2);

    a = books_account(1, "team", "user", "key", "model");
    ok(genai_books_lease(b, &a, (unsigned char *)
                         "0123456789abcdef0123456789abcdef", NOW) != NULL,
       "there is room for others");

    /* a month later all of them are free */

    for (i = 0; i < bound / 2; i++) {
        o = numbered(1, i);
        genai_books_stored_note(b, &o, now + n + 31 * DAY_MS);
    }

    for (i = 0, known = 0; i < bound / 2; i++) {
        o = numbered(1, i);
        known += genai_books_stored_known(b, &o, now + n + 31 * DAY_MS);
    }

    ok(known > bound / 2 * 98 / 100, "what is over gives its place: %u of "
       "%llu", known, (unsigned long long) bound / 2);

    is_int(genai_books_verify(b, books_say, NULL), 0, "nothing is wrong");

    genai_books_leave(b);
}


/* many at once, some of the same */

static void
test_many(void)
{
    int                   status;
    pid_t                 pid[WORKERS];
    unsigned              i, w, known;
    genai_books_t        *b;
    genai_stored_t        o;
    genai_books_stats_t   s;

    open_new((uint64_t) 64 << 20);

    for (w = 0; w < WORKERS; w++) {

        pid[w] = fork();

        if (pid[w] == 0) {
            b = join();

            for (i = 0; i < EACH; i++) {
                o = numbered(w, i);
                genai_books_stored_note(b, &o, NOW + i);

                if (!genai_books_stored_known(b, &o, NOW + i)) {
                    _exit(1);
                }

                o = numbered(99, i);
                genai_books_stored_note(b, &o, NOW + i);
            }

            genai_books_leave(b);
            _exit(0);
        }
    }

    for (w = 0; w < WORKERS; w++) {
        must_wait(pid[w], &status);
        is_int(status, 0, "%u: what it has noted is known at once", w);
    }

    b = join();
    known = 0;

    for (w = 0; w <= WORKERS; w++) {
        for (i = 0; i < EACH; i++) {
            o = numbered(w < WORKERS ? w : 99, i);
            known += genai_books_stored_known(b, &o, NOW + i);
        }
    }

    genai_books_stats(b, &s);

    is_int(known, (WORKERS + 1) * EACH, "all are known to all");
    is_int(s.stored_lost, 0, "none is lost");
    ok(s.stored < (WORKERS + 1) * EACH + EACH / 10, "hardly one is there "
       "twice: %llu", (unsigned long long) s.stored);
    is_int(genai_books_verify(b, books_say, NULL), 0, "nothing is wrong");

    genai_books_leave(b);
}


/* notes until there are two extents at least */

static void
life(const void *data)
{
    const unsigned *first = data;

    unsigned        i;
    genai_books_t  *b;
    genai_stored_t  o;

    b = join_to_die();

    for (i = 0; i < 4; i++) {
        o = numbered(7, *first + i);
        genai_books_stored_note(b, &o, NOW);
    }

    genai_books_leave(b);
}


static void
test_kill(void)
{
    int                   killed;
    unsigned              n, i, first, lost, runs;
    genai_books_t        *b;
    genai_stored_t        o;

    static const char  *what[] = { "an extent is made", "places are taken",
                                   "others give way" };

    runs = 0;

    for (i = 0; i < 3; i++) {

        for (n = 1, killed = 1; killed; n++) {

            /* no table yet; one with room; one that is full to its bound */

            if (i != 1 || n == 1) {
                open_new(i == 2 ? GENAI_BOOKS_SIZE_MIN : MAX);
            }

            b = join();

            if (i == 1 && n == 1) {
                o = numbered(8, 0);
                genai_books_stored_note(b, &o, NOW - 1000);
            }

            for (first = 0; i == 2 && n == 1 && first < 10 * PER; first++) {
                o = numbered(9, first);
                genai_books_stored_note(b, &o, NOW - DAY_MS + first);
            }

            first = n * 16;

            killed = run_to_die(life, &first, n);
            runs++;

            (void) genai_books_sweep(b, 100);

            if (i == 1) {
                o = numbered(8, 0);
                quiet_ok(genai_books_stored_known(b, &o, NOW),
                         "%s, %u: what was noted before is known", what[i],
                         n);
            }

            /* the next one notes all of them */

            for (first = 0, lost = 0; first < 4; first++) {
                o = numbered(7, n * 16 + first);
                genai_books_stored_note(b, &o, NOW + 1);
                lost += !genai_books_stored_known(b, &o, NOW + 1);
            }

            quiet_ok(lost == 0, "%s, %u: %u of what is noted later are not"
                     " known", what[i], n, lost);

            /* who died while he joined has no place yet */

            quiet_ok(n < 5 || genai_books_verify(b, books_say, NULL) == 0,
                     "%s, %u: nothing is wrong", what[i], n);

            genai_books_leave(b);
        }

        ok(n > 5, "%s: killed at each of %u stores", what[i], n - 2);
    }

    /* a claim of a dead one is another's after a minute */

    ok(genai_books_stored_free(GENAI_STORED_CLAIMED | NOW, NOW + 60001)
       && !genai_books_stored_free(GENAI_STORED_CLAIMED | NOW, NOW + 60000)
       && genai_books_stored_free(GENAI_STORED_CLAIMED | NOW, NOW - 60001),
       "a claim lasts a minute");
}


static void
test_verify(void)
{
    unsigned                i;
    uint64_t               *word, was;
    genai_books_t          *b;
    genai_stored_t          o;
    genai_stored_bucket_t  *bucket;

    open_new(MAX);
    b = join();

    for (i = 0; i < 2 * PER; i++) {
        o = numbered(3, i);
        genai_books_stored_note(b, &o, NOW);
    }

    is_int(genai_books_verify(b, books_say, NULL), 0, "nothing is wrong");
    ok(b->head->stored_extents > 2, "in more than two extents");

    bucket = genai_books_extent_bucket(b, *genai_books_stored_place(b, 1) - 1,
                                       0);

    while (bucket->when[0] == 0) {
        bucket++;
    }

    for (i = 0; i < 4; i++) {

        word = (i == 0) ? &bucket->hash[0][0]
               : (i == 1) ? genai_books_stored_place(b, 1)
               : (i == 2) ? genai_books_stored_place(b, 100)
               : &b->head->stored_extents;

        was = *word;
        *word ^= 1;
        ok(genai_books_verify(b, NULL, NULL) > 0, "verify sees fault %u", i);
        *word = was;
    }

    is_int(genai_books_verify(b, books_say, NULL), 0, "and that it is gone");

    /* what leads nowhere is not followed */

    *genai_books_stored_place(b, 0) = UINT64_MAX;
    o = numbered(3, 1);
    is_int(genai_books_stored_known(b, &o, NOW), 0, "a place that leads "
           "nowhere");
    genai_books_stored_note(b, &o, NOW);
    is_int(genai_books_stored_known(b, &o, NOW), 0, "is not used");

    genai_books_leave(b);
}


int
main(void)
{
    test_known();
    test_bound();
    test_many();
    test_kill();
    test_verify();

    return done_testing();
}
