/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Looks at the counters of limits in the books of a running gateway, from
 * outside and without a lock, thousands of times a second, and says where one
 * of them is not what core/genai_books_counter.h promises.
 *
 *     books-watch [-s PREFIX] [-u US] DIR
 *
 * looks until its standard input ends, with pauses of US microseconds (100).
 * A line "bad ..." for each of the first faults, and at the end one line
 *
 *     looks N reads N faults N full N over N windows N most N
 *     held N gap US
 *
 * of which full are readings of counters that had nothing left, over of those
 * with an overrun, windows how
 * many windows were seen to begin, most the most counters in one look, held the
 * most exchanges that held of one counter, and gap the longest time between
 * two looks.  Of counters whose owner's name begins with PREFIX, as they are
 * shadows, only what holds for these is checked.
 *
 *     books-watch -1 DIR
 *
 * writes the counters that there are, a line each, its fields with tabs
 * between: owner, name, key, limit, start, end, settled, leased, exchanges,
 * debt, overrun, overruns, refused, ended, amount.
 *
 * The exit code is 1 where there was a fault, and 2 where nothing could be
 * looked at.
 */


#include "genai_books_counter.h"
#include "genai_books_file.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>


/* faults that are told, and s that the books may take to be there */
#define WATCH_TOLD    20
#define WATCH_WAIT    10


/* a counter as it was at the last look, by its place */
typedef struct {
    uint64_t             look;
    genai_limit_state_t  state;
} watch_seen_t;


static genai_books_file_t  file;
static genai_books_t      *books;
static const char         *dir;
static const char         *prefix;
static watch_seen_t       *seen;
static uint64_t            nseen;
static uint64_t            looks, nreads, faults;
static uint64_t            full, over, windows, most, held, gap;


static uint64_t
watch_clock(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


static int
watch_open(char problem[GENAI_BOOKS_PROBLEM])
{
    if (genai_books_file_view(&file, dir, problem) != 0) {
        return -1;
    }

    books = genai_books_view(file.addr, file.mapped);

    if (books == NULL) {
        snprintf(problem, GENAI_BOOKS_PROBLEM, "%s has no books that can be "
                 "read yet", dir);
        genai_books_file_close(&file);
        return -1;
    }

    return 0;
}


static void
watch_close(void)
{
    genai_books_leave(books);
    genai_books_file_close(&file);
}


/* they grow: what is beyond the mapping cannot be seen */

static int
watch_follow(void)
{
    char  problem[GENAI_BOOKS_PROBLEM];

    if (genai_books_size(file.addr) <= file.mapped) {
        return 0;
    }

    watch_close();

    if (watch_open(problem) != 0) {
        printf("bad: %s\n", problem);
        return -1;
    }

    /* texts lie elsewhere now, and are compared by where they lie */

    nseen = 0;

    return 0;
}


static void
watch_bad(const genai_limit_state_t *c, const char *what)
{
    size_t         n;
    unsigned char  text[GENAI_LIMIT_TEXT + GENAI_BOOKS_TEXT_MAX];

    if (faults++ >= WATCH_TOLD) {
        return;
    }

    n = genai_limit_write(text, &c->limit) - text;

    printf("bad: %s: \"%.*s\" of \"%.*s\" \"%.*s\": amount %" PRIu64
           ", settled %" PRIu64 ", leased %" PRIu64 " by %" PRIu64
           ", overrun %" PRIu64 ", debt %" PRIu64 ", ended %u\n",
           what, (int) n, text, (int) c->name.len, c->name.data,
           (int) c->key.len, c->key.data, c->limit.amount, c->settled,
           c->leased, c->exchanges, c->overrun, c->debt, c->ended);
    fflush(stdout);
}


static int
watch_same(const genai_limit_state_t *a, const genai_limit_state_t *b)
{
    return a->name.data == b->name.data && a->key.data == b->key.data
           && a->limit.pattern.data == b->limit.pattern.data
           && a->owner == b->owner && a->limit.unit == b->limit.unit
           && a->limit.window == b->limit.window
           && a->limit.window_unit == b->limit.window_unit;
}


static int
watch_shadow(const genai_limit_state_t *c)
{
    size_t  len;

    len = prefix ? strlen(prefix) : 0;

    return len && c->name.len >= len && memcmp(c->name.data, prefix, len) == 0;
}


static void
watch_check(const genai_limit_state_t *c, const genai_limit_state_t *before)
{
    uint64_t  net;

    nreads++;
    held = (c->exchanges > held) ? c->exchanges : held;

    /* what passes these is far from where sums overflow */

    over += (c->overrun != 0);

    if (c->overrun > c->settled) {
        watch_bad(c, "more overrun than was settled");
    }

    net = c->settled - c->overrun;

    if (!watch_shadow(c)) {

        if (net > c->limit.amount) {
            watch_bad(c, "more is settled than there is");

        } else if (net + c->leased > c->limit.amount) {
            watch_bad(c, "more is settled and held than there is");
        }

        if (net + c->leased + c->debt >= c->limit.amount) {
            full++;
        }
    }

    if (c->exchanges == 0 && c->leased) {
        watch_bad(c, "something is held by nobody");
    }

    if (before == NULL) {
        return;
    }

    if (c->start != before->start) {
        windows++;
        return;
    }

    if (c->settled < before->settled || c->overrun < before->overrun
        || c->overruns < before->overruns)
    {
        watch_bad(c, "of a window that lasts something was forgotten");
    }

    if (before->ended && !c->ended) {
        watch_bad(c, "a window that was over goes on");
    }
}


static int
watch_look(void)
{
    int                  rc;
    void                *p;
    uint64_t             cursor, n;
    watch_seen_t        *s;
    genai_limit_state_t  c;

    if (watch_follow() != 0) {
        return -1;
    }

    looks++;
    cursor = 0;
    n = 0;

    while ((rc = genai_books_counter(books, &cursor, &c)) != 0) {

        if (rc == -1) {
            continue;
        }

        n++;

        /* the cursor says where it lies: more than there are counters */

        if (cursor >= nseen) {
            p = realloc(seen, (cursor + 1024) * sizeof(watch_seen_t));
            if (p == NULL) {
                return -1;
            }

            seen = p;
            memset(&seen[nseen], 0,
                   (cursor + 1024 - nseen) * sizeof(watch_seen_t));
            nseen = cursor + 1024;
        }

        s = &seen[cursor];

        watch_check(&c, (s->look + 1 == looks && watch_same(&c, &s->state))
                        ? &s->state : NULL);

        s->look = looks;
        s->state = c;
    }

    most = (n > most) ? n : most;

    return 0;
}


static void
watch_print(void)
{
    int                  rc;
    size_t               n;
    uint64_t             cursor;
    unsigned char        text[GENAI_LIMIT_TEXT + GENAI_BOOKS_TEXT_MAX];
    genai_limit_state_t  c;

    static const char  *owners[] = {
        "key", "user", "team", "plan", "model", "directive"
    };

    cursor = 0;

    while ((rc = genai_books_counter(books, &cursor, &c)) != 0) {

        if (rc == -1) {
            continue;
        }

        n = genai_limit_write(text, &c.limit) - text;

        printf("%s\t%.*s\t%.*s\t%.*s\t%" PRId64 "\t%" PRId64 "\t%" PRIu64
               "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
               "\t%" PRIu64 "\t%" PRIu64 "\t%u\t%" PRIu64 "\n",
               c.owner < GENAI_OWNERS ? owners[c.owner] : "-",
               (int) c.name.len, c.name.data, (int) c.key.len, c.key.data,
               (int) n, text, c.start, c.end, c.settled, c.leased,
               c.exchanges, c.debt, c.overrun, c.overruns, c.refused,
               c.ended, c.limit.amount);
    }
}


int
main(int argc, char **argv)
{
    int             c, once;
    char            problem[GENAI_BOOKS_PROBLEM];
    unsigned long   pause;
    uint64_t        now, last, end;
    struct pollfd   in;

    once = 0;
    pause = 100;

    while ((c = getopt(argc, argv, "1s:u:")) != -1) {

        switch (c) {

        case '1':
            once = 1;
            break;

        case 's':
            prefix = optarg;
            break;

        case 'u':
            pause = strtoul(optarg, NULL, 10);
            break;

        default:
            return 2;
        }
    }

    if (optind + 1 != argc) {
        fprintf(stderr, "books-watch [-1] [-s PREFIX] [-u US] DIR\n");
        return 2;
    }

    dir = argv[optind];

    /* nothing is left behind, whoever dies */

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);

    end = watch_clock() + (once ? 0 : WATCH_WAIT * 1000000);

    while (watch_open(problem) != 0) {

        if (watch_clock() >= end) {
            fprintf(stderr, "books-watch: %s\n", problem);
            return 2;
        }

        usleep(10000);
    }

    if (once) {
        watch_print();
        return 0;
    }

    in.fd = 0;
    in.events = POLLIN;
    last = watch_clock();

    while (watch_look() == 0 && poll(&in, 1, 0) == 0) {

        if (pause) {
            usleep(pause);
        }

        now = watch_clock();
        gap = (now - last > gap) ? now - last : gap;
        last = now;
    }

    printf("looks %" PRIu64 " reads %" PRIu64 " faults %" PRIu64
           " full %" PRIu64 " over %" PRIu64 " windows %" PRIu64
           " most %" PRIu64 " held %" PRIu64 " gap %" PRIu64 "\n",
           looks, nreads, faults, full, over, windows, most, held, gap);

    watch_close();

    return faults != 0;
}
