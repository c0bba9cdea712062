/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Counters of limits.  Each rule by itself; then random exchanges against a
 * model that keeps whole windows in a plain list.
 */


#include "holds.h"


#define LIMITS   12
#define OUT      40
#define TURNS    200000


static void
test_rules(void)
{
    unsigned              n;
    genai_hold_t          h[3];
    genai_books_t        *b;
    genai_lease_t        *x, *y;
    genai_overrun_t       over;
    genai_books_stats_t   stats;
    genai_limit_state_t   s;

    b = begin(SIZE, MAX);

    /* all or nothing */

    h[0] = hold(1, "100 tokens/1m", NOW, 60);
    h[1] = hold(2, "2 concurrent", NOW, 1);
    h[2] = hold(3, "10 requests/1h on gpt-4*", NOW, 1);

    x = lease(b);
    is_int(genai_books_hold(b, x, h, 3, NOW), GENAI_HOLD_OK, "held");
    is_int(h[0].used + h[0].leased, 0, "nothing was before");
    is_int(h[0].end, NOW + 60, "until the end of the minute");

    y = lease(b);
    is_int(genai_books_hold(b, y, h, 3, NOW), GENAI_HOLD_SHORT,
           "what is held cannot be had");
    ok(h[0].tight && !h[1].tight && !h[2].tight, "which one is said");
    is_int(h[0].leased, 60, "how it is");
    is_int(h[1].leased, 1, "of the others too");
    is_int(h[2].leased, 1, "nothing was taken");

    h[0].take = 40;
    is_int(genai_books_hold(b, y, h, 3, NOW), GENAI_HOLD_OK, "the rest");
    is_int(genai_books_peek(b, h, 3, NOW), 2, "two are tight now");
    is_int(h[0].leased, 100, "peek says how much");

    genai_books_drop(b, y);
    is_int(genai_books_peek(b, h, 3, NOW), 0, "given back");
    genai_books_stats(b, &stats);
    is_int(stats.leases, 1, "with the slot");

    settle(b, x, 10, NULL);
    genai_books_peek(b, h, 3, NOW);
    is_int(h[0].used, 10, "settled at what was used");
    is_int(h[0].leased + h[1].leased, 0, "and nothing is leased");
    is_int(h[1].used, 0, "concurrent: is over when it is over");
    is_int(h[2].used, 1, "a request");
    is_int(stats.counters, 3, "three counters");

    s = state(b, 0, &n);
    is_int(n, 3, "that can be read");
    is_str(s.name.len == 6 ? "search" : "", "search", "with a name");

    /* twice the same, and a shadow */

    h[0] = hold(4, "100 tokens/1m", NOW, 60);
    h[1] = hold(4, "50 tokens/1m", NOW, 50);
    x = lease(b);
    is_int(genai_books_hold(b, x, h, 2, NOW), GENAI_HOLD_OK, "twice");
    is_int(h[1].limit.amount, 50, "the smaller");
    settle(b, x, 20, NULL);
    genai_books_peek(b, h, 2, NOW);
    is_int(h[1].used, 20, "counts once");

    h[0] = hold(5, "10 tokens/1m", NOW, 60);
    h[0].limit.shadow = 1;
    is_int(spend(b, h, NOW, 60), GENAI_HOLD_OK, "a shadow lets pass");
    is_int(spend(b, h, NOW, 60), GENAI_HOLD_OK, "always");
    is_int(h[0].used, 60, "and counts");

    /* nothing at all */

    h[0] = hold(6, "0 tokens/1m", NOW, 1);
    is_int(spend(b, h, NOW, 1), GENAI_HOLD_SHORT, "0 is nothing");
    h[0].take = 0;
    is_int(spend(b, h, NOW, 0), GENAI_HOLD_OK, "of which one may take 0");

    /* more while it goes on */

    h[0] = hold(7, "100 tokens/1m", NOW, 60);
    h[1] = hold(8, "1000 tokens/1h", NOW, 60);
    x = lease(b);
    is_int(genai_books_hold(b, x, h, 2, NOW), GENAI_HOLD_OK, "a part");
    is_int(genai_books_extend(b, x, (uint64_t []) { 40, 40 }, 2, &n),
           GENAI_HOLD_OK, "more");
    is_int(genai_books_extend(b, x, (uint64_t []) { 1, 1 }, 2, &n),
           GENAI_HOLD_SHORT, "too much");
    is_int(n, 0, "of which");
    genai_books_peek(b, h, 2, NOW);
    is_int(h[1].leased, 100, "nothing of the other");

    /* beyond what was held */

    memset(&over, 0, sizeof(over));
    settle(b, x, 130, &over);
    is_int(over.tokens, 30, "an overrun");
    genai_books_peek(b, h, 2, NOW);
    is_int(h[0].used, 130, "is booked");
    is_int(h[1].used, 130, "where there is room it is none");
    h[0].take = 1;
    is_int(spend(b, h, NOW, 1), GENAI_HOLD_SHORT, "and closes the window");

    /* the next minute owes it, the one after that does not */

    h[0] = hold(7, "100 tokens/1m", NOW + 60, 71);
    is_int(spend(b, h, NOW + 60, 1), GENAI_HOLD_SHORT, "the next one owes");
    is_int(h[0].used, 30, "that much");
    h[0].take = 70;
    is_int(spend(b, h, NOW + 60, 70), GENAI_HOLD_OK, "the rest can be had");
    h[0] = hold(7, "100 tokens/1m", NOW + 120, 100);
    is_int(spend(b, h, NOW + 120, 350), GENAI_HOLD_OK, "it is paid");

    h[0] = hold(7, "100 tokens/1m", NOW + 240, 100);
    is_int(spend(b, h, NOW + 240, 1), GENAI_HOLD_SHORT, "a larger one");
    is_int(h[0].used, 150, "is paid by windows that pass");
    h[0] = hold(7, "100 tokens/1m", NOW + 360, 100);
    is_int(spend(b, h, NOW + 360, 0), GENAI_HOLD_OK, "until it is paid");

    /* an amount that is lowered is no debt */

    h[0] = hold(9, "1000 tokens/1m", NOW, 900);
    is_int(spend(b, h, NOW, 900), GENAI_HOLD_OK, "nearly all");
    h[0] = hold(9, "100 tokens/1m", NOW, 1);
    is_int(spend(b, h, NOW, 1), GENAI_HOLD_SHORT, "lowered");
    h[0] = hold(9, "100 tokens/1m", NOW + 60, 100);
    is_int(spend(b, h, NOW + 60, 100), GENAI_HOLD_OK, "no debt");

    end(b);
}


static void
test_windows(void)
{
    unsigned              n;
    genai_hold_t          h;
    genai_books_t        *b;
    genai_lease_t        *x, *y;
    genai_limit_state_t   s;

    b = begin(SIZE, MAX);

    /* a stream over the end of its window */

    h = hold(1, "100 tokens/1m", NOW, 80);
    x = lease(b);
    is_int(genai_books_hold(b, x, &h, 1, NOW), GENAI_HOLD_OK, "held");

    h = hold(1, "100 tokens/1m", NOW + 60, 100);
    y = lease(b);
    is_int(genai_books_hold(b, y, &h, 1, NOW + 60), GENAI_HOLD_OK,
           "the next window is whole");

    s = state(b, 1, &n);
    is_int(n, 1, "the ended one is kept");
    is_int(s.leased, 80, "for who holds it");

    is_int(genai_books_extend(b, x, (uint64_t []) { 20 }, 1, &n),
           GENAI_HOLD_OK, "he takes more of his own window");
    is_int(genai_books_extend(b, x, (uint64_t []) { 1 }, 1, &n),
           GENAI_HOLD_SHORT, "as far as it goes");

    settle(b, x, 140, NULL);
    s = state(b, 1, &n);
    is_int(n, 0, "gone with him");
    s = state(b, 0, &n);
    is_int(n, 1, "one is left");
    is_int(s.debt, 40, "which owes what he used beyond");
    is_int(s.leased, 100, "also to who holds all of it");

    settle(b, y, 100, NULL);
    h = hold(1, "100 tokens/1m", NOW + 120, 61);
    is_int(spend(b, &h, NOW + 120, 1), GENAI_HOLD_SHORT, "and so the next");

    /* one whose next window nobody has asked for */

    h = hold(2, "100 tokens/1m", NOW, 80);
    x = lease(b);
    is_int(genai_books_hold(b, x, &h, 1, NOW), GENAI_HOLD_OK, "held");
    settle(b, x, 250, NULL);
    h = hold(2, "100 tokens/1m", NOW + 60, 1);
    is_int(spend(b, &h, NOW + 60, 1), GENAI_HOLD_SHORT, "closed by debt");
    is_int(h.used, 150, "of all that is above");

    /* processes that do not read their clocks at once */

    h = hold(3, "100 tokens/1m", NOW + 60, 60);
    is_int(spend(b, &h, NOW + 60, 60), GENAI_HOLD_OK, "the new minute");
    h = hold(3, "100 tokens/1m", NOW + 59, 60);
    is_int(spend(b, &h, NOW + 59, 60), GENAI_HOLD_SHORT,
           "is that of a late one too");
    h = hold(3, "100 tokens/1m", NOW + 60, 60);
    is_int(spend(b, &h, NOW + 60, 60), GENAI_HOLD_SHORT, "and stays so");

    /* an hour forward over midnight, and back */

    h = hold(4, "100 tokens/1d", NOW, 90);
    is_int(spend(b, &h, NOW, 90), GENAI_HOLD_OK, "today");
    h = hold(4, "100 tokens/1d", NOW + 86400, 20);
    is_int(spend(b, &h, NOW + 86400, 20), GENAI_HOLD_OK, "tomorrow");
    h = hold(4, "100 tokens/1d", NOW, 1);
    is_int(spend(b, &h, NOW, 1), GENAI_HOLD_SHORT, "today again");
    is_int(h.used, 110, "with what was used in both");
    h = hold(4, "100 tokens/1d", NOW + 86400, 81);
    is_int(spend(b, &h, NOW + 86400, 81), GENAI_HOLD_SHORT,
           "tomorrow is the one that was");
    is_int(h.used, 20, "with what was used of it");
    h = hold(4, "100 tokens/1d", NOW + 86400, 80);
    is_int(spend(b, &h, NOW + 86400, 80), GENAI_HOLD_OK, "and no more");
    h = hold(4, "100 tokens/1d", NOW + 2 * 86400, 100);
    is_int(spend(b, &h, NOW + 2 * 86400, 100), GENAI_HOLD_OK, "the day after");

    /* three minutes back, of a minute that is used up and held */

    h = hold(6, "100 tokens/1m", NOW + 180, 30);
    is_int(spend(b, &h, NOW + 180, 30), GENAI_HOLD_OK, "a part is used");
    h.take = 70;
    x = lease(b);
    is_int(genai_books_hold(b, x, &h, 1, NOW + 180), GENAI_HOLD_OK,
           "the rest is held");
    h = hold(6, "100 tokens/1m", NOW, 1);
    is_int(spend(b, &h, NOW, 1), GENAI_HOLD_SHORT, "three minutes back");
    h = hold(6, "100 tokens/1m", NOW + 60, 100);
    is_int(spend(b, &h, NOW + 60, 100), GENAI_HOLD_OK, "one that was none");
    h = hold(6, "100 tokens/1m", NOW + 180, 1);
    is_int(spend(b, &h, NOW + 180, 1), GENAI_HOLD_SHORT,
           "in its own nothing is left");
    settle(b, x, 70, NULL);
    is_int(spend(b, &h, NOW + 180, 1), GENAI_HOLD_SHORT, "nor then");
    h = hold(6, "100 tokens/1m", NOW + 240, 100);
    is_int(spend(b, &h, NOW + 240, 100), GENAI_HOLD_OK, "in the next");

    /* for a lifetime */

    h = hold(5, "100 tokens/never", NOW, 100);
    is_int(spend(b, &h, NOW, 70), GENAI_HOLD_OK, "once");
    h = hold(5, "100 tokens/never", NOW + 400000000, 31);
    is_int(spend(b, &h, NOW + 400000000, 1), GENAI_HOLD_SHORT, "and for all");

    end(b);
}


/* tables are bounded, and idle counters give way */

static void
test_full(void)
{
    uint64_t              i, n;
    genai_hold_t          h;
    genai_books_t        *b;
    genai_lease_t        *x;
    genai_books_stats_t   stats;

    b = begin(SIZE, SIZE);

    h = hold(1, "10 requests/never", NOW, 1);
    is_int(spend(b, &h, NOW, 1), GENAI_HOLD_OK, "one for ever");
    h = hold(2, "10 requests/1s", NOW, 1);
    x = lease(b);
    is_int(genai_books_hold(b, x, &h, 1, NOW), GENAI_HOLD_OK, "one held");

    for (i = 3; i < 100000; i++) {
        h = hold(i, "10 requests/1m", NOW, 1);

        if (spend(b, &h, NOW, 1) != GENAI_HOLD_OK) {
            break;
        }
    }

    ok(i > 2000 && i < 10000, "full at %d", (int) i);
    h = hold(7, "10 requests/1m", NOW, 1);
    is_int(spend(b, &h, NOW, 1), GENAI_HOLD_OK, "who is there goes on");
    genai_books_stats(b, &stats);
    is_int(stats.counters, i - 1, "all of them");

    /* a minute and its grace later all are idle */

    for (n = 0; n < 3 * i; n++) {
        h = hold(1000000 + n, "10 requests/1m", NOW + 180 + (int64_t) n / 50,
                 1);

        if (spend(b, &h, NOW + 180 + (int64_t) n / 50, 1) != GENAI_HOLD_OK) {
            break;
        }
    }

    is_int(n, 3 * i, "and their places are used again");

    h = hold(1, "10 requests/never", NOW + 10000, 10);
    is_int(spend(b, &h, NOW + 10000, 1), GENAI_HOLD_SHORT,
           "but not that one's");
    settle(b, x, 1, NULL);
    h = hold(2, "10 requests/1s", NOW, 10);
    genai_books_peek(b, &h, 1, NOW);
    is_int(h.used, 1, "nor the held one's");

    for (n = 0; n < 4; n++) {
        genai_books_tidy(b, 4000, NOW + 1000000);
    }

    genai_books_stats(b, &stats);
    is_int(stats.counters, 1, "idle ones go");

    end(b);
}


/* the model: every window of every limit that was ever asked for */

typedef struct {
    unsigned    limit;
    int64_t     index;
    uint64_t    settled, leased, held, debt, over, charged;
    unsigned    ended:1;
} window_t;

typedef struct {
    genai_lease_t  *lease;
    unsigned        n;
    unsigned        window[4];
    uint64_t        held[4];
    unsigned        limit[4];
} exchange_t;

static window_t    windows[200000];
static unsigned    nwindows;
static unsigned    current[LIMITS];        /* and one */
static exchange_t  out[OUT];
static unsigned    nout;
static uint64_t    rng = 88172645463325252u;

static const char  *texts[LIMITS] = {
    "100 tokens/1m", "1000 tokens/1h", "5 requests/10s", "3 concurrent",
    "500 tokens/never", "700 prompt_tokens/1m", "$0.000000900/1m",
    "90 tokens/2s", "40 requests/1m", "20 concurrent", "300 tokens/1s",
    "0 completion_tokens/1m"
};


static uint64_t
rnd(uint64_t n)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;

    return rng % n;
}


static uint64_t
excess(const window_t *w, uint64_t amount)
{
    uint64_t  above;

    if (w->settled + w->debt <= amount) {
        return 0;
    }

    above = w->settled + w->debt - amount;

    return above < w->over + w->debt ? above : w->over + w->debt;
}


static window_t *
model_window(unsigned limit, const genai_hold_t *h)
{
    int64_t    n;
    uint64_t   debt;
    window_t  *w, *next;

    if (current[limit]) {
        w = &windows[current[limit] - 1];

        if (w->index >= h->window.index) {
            return w;
        }

        debt = excess(w, h->limit.amount);

        for (n = w->index + 1; n < h->window.index && debt; n++) {
            debt -= debt < h->limit.amount ? debt : h->limit.amount;
        }

        w->charged = excess(w, h->limit.amount);
        w->ended = 1;

    } else {
        debt = 0;
    }

    next = &windows[nwindows++];
    memset(next, 0, sizeof(*next));
    next->limit = limit;
    next->index = h->window.index;
    next->debt = debt;
    current[limit] = nwindows;

    return next;
}


static void
model_settle(exchange_t *e, uint64_t used)
{
    int64_t        k;
    unsigned       i;
    uint64_t       actual, delta, free;
    window_t      *w, *c;
    genai_hold_t   h;

    for (i = 0; i < e->n; i++) {
        w = &windows[e->window[i] - 1];
        h = hold(1, texts[e->limit[i]], NOW, 0);

        switch (h.limit.unit) {
        case GENAI_LIMIT_REQUESTS:
            actual = 1;
            break;
        case GENAI_LIMIT_CONCURRENT:
        case GENAI_LIMIT_COMPLETION_TOKENS:
            actual = 0;
            break;
        default:
            actual = used;
        }

        free = w->settled + w->debt + w->leased;
        free = free < h.limit.amount ? h.limit.amount - free : 0;

        if (actual > e->held[i] && actual - e->held[i] > free) {
            w->over += actual - e->held[i] - free;
        }

        w->settled += actual;
        w->leased -= e->held[i];
        w->held--;

        if (w->ended && excess(w, h.limit.amount) > w->charged) {
            delta = excess(w, h.limit.amount) - w->charged;
            w->charged += delta;
            c = &windows[current[e->limit[i]] - 1];

            for (k = w->index + 1; k < c->index && delta; k++) {
                delta -= delta < h.limit.amount ? delta : h.limit.amount;
            }

            c->debt += delta;
        }
    }
}


static void
test_random(void)
{
    int64_t         now;
    uint64_t        most, used, sum, refused, more[4];
    unsigned        i, k, n, turn, which, tight, oks;
    window_t       *w[4];
    exchange_t     *e;
    genai_hold_t    h[4];
    genai_books_t  *b;
    genai_hold_e    rc, want;

    b = begin(SIZE, MAX);

    now = NOW;
    refused = 0;
    oks = 0;

    for (turn = 0; turn < TURNS && nwindows < 199000; turn++) {

        if (rnd(4) == 0) {
            now += (int64_t) rnd(rnd(20) ? 3 : 200);
        }

        if (nout && rnd(4) == 0) {

            /* more of it */

            e = &out[rnd(nout)];
            most = rnd(60);
            want = GENAI_HOLD_OK;

            for (i = 0; i < e->n; i++) {
                w[0] = &windows[e->window[i] - 1];
                h[0] = hold(1, texts[e->limit[i]], now, 0);
                more[i] = (h[0].limit.unit == GENAI_LIMIT_CONCURRENT
                           || h[0].limit.unit == GENAI_LIMIT_REQUESTS)
                          ? 0 : most;
                sum = w[0]->settled + w[0]->debt + w[0]->leased;

                if (more[i] && (sum > h[0].limit.amount
                                || more[i] > h[0].limit.amount - sum))
                {
                    want = GENAI_HOLD_SHORT;
                }
            }

            rc = genai_books_extend(b, e->lease, more, e->n, &which);

            if (!quiet_ok(rc == want, "turn %u: extended %d, not %d", turn,
                          rc, want))
            {
                break;
            }

            for (i = 0; rc == GENAI_HOLD_OK && i < e->n; i++) {
                windows[e->window[i] - 1].leased += more[i];
                e->held[i] += more[i];
            }

            continue;
        }

        if (nout == OUT || (nout && rnd(2))) {

            /* one ends, at what it held, or less, or more */

            i = (unsigned) rnd(nout);
            e = &out[i];
            used = rnd(20) ? rnd(40) : rnd(400);

            settle(b, e->lease, used, NULL);
            model_settle(e, used);

            out[i] = out[--nout];

        } else {

            e = &out[nout];
            e->n = 1 + (unsigned) rnd(4);
            most = rnd(60);
            tight = 0;
            k = (unsigned) rnd(LIMITS);

            for (i = 0; i < e->n; i++) {
                e->limit[i] = (k + i) % LIMITS;
                h[i] = hold(e->limit[i] + 1, texts[e->limit[i]], now, most);

                if (h[i].limit.unit == GENAI_LIMIT_REQUESTS
                    || h[i].limit.unit == GENAI_LIMIT_CONCURRENT)
                {
                    h[i].take = 1;

                } else if (h[i].limit.unit == GENAI_LIMIT_COMPLETION_TOKENS) {
                    h[i].take = 0;
                }

                w[i] = model_window(e->limit[i], &h[i]);
                e->window[i] = current[e->limit[i]];
                e->held[i] = h[i].take;

                sum = w[i]->settled + w[i]->debt + w[i]->leased;

                tight += h[i].take > (sum < h[i].limit.amount
                                      ? h[i].limit.amount - sum : 0);
            }

            e->lease = lease(b);
            rc = genai_books_hold(b, e->lease, h, e->n, now);

            if (!quiet_ok(rc == (tight ? GENAI_HOLD_SHORT : GENAI_HOLD_OK),
                          "turn %u: %d, and %u are tight", turn, rc, tight))
            {
                break;
            }

            for (i = 0; i < e->n; i++) {
                if (!quiet_ok(h[i].used == w[i]->settled + w[i]->debt
                              && h[i].leased == w[i]->leased,
                              "turn %u: %s: used %d leased %d, not %d %d",
                              turn, texts[e->limit[i]], (int) h[i].used,
                              (int) h[i].leased,
                              (int) (w[i]->settled + w[i]->debt),
                              (int) w[i]->leased))
                {
                    turn = TURNS;
                }
            }

            if (tight) {
                genai_books_drop(b, e->lease);
                refused++;
                continue;
            }

            for (i = 0; i < e->n; i++) {
                w[i]->leased += h[i].take;
                w[i]->held++;
            }

            oks++;
            nout++;
        }

        /* the promise, of all that are there */

        if (turn % 64 == 0) {
            uint64_t             cursor = 0;
            genai_limit_state_t  s;

            while (genai_books_counter(b, &cursor, &s) == 1) {
                quiet_ok(s.settled + s.leased <= s.limit.amount + s.overrun,
                         "turn %u: the bound", turn);
            }
        }
    }

    ok(refused > TURNS / 100 && oks > TURNS / 20,
       "%u were let in, %u refused, %u windows", oks, (unsigned) refused,
       nwindows);

    while (nout) {
        settle(b, out[--nout].lease, 1, NULL);
    }

    n = 0;
    (void) state(b, 1, &n);
    is_int(n, 0, "no ended counter is left");

    end(b);
}


int
main(void)
{
    test_rules();
    test_windows();
    test_full();
    test_random();

    return done_testing();
}
