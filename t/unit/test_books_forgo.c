/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A lease that goes on with other limits, limits that are changed while some
 * hold of them, and what counters say of refusals and warnings.
 */


#include "holds.h"


static void
test_forgo(void)
{
    unsigned              n;
    genai_use_t           used;
    genai_hold_t          h[3], g[2];
    genai_books_t        *b;
    genai_lease_t        *x;
    genai_overrun_t       over;
    genai_limit_state_t   s;

    b = begin(SIZE, MAX);

    h[0] = hold(1, "100 tokens/1m", NOW, 60);
    h[1] = hold(2, "100 tokens/1h", NOW, 60);
    h[2] = hold(3, "10 requests/1h", NOW, 1);
    x = lease(b);
    is_int(genai_books_hold(b, x, h, 3, NOW), GENAI_HOLD_OK, "held");

    /* of what it had one goes on, in another place and its own minute */

    g[0] = hold(4, "50 tokens/1h", NOW + 60, 30);
    g[1] = hold(1, "100 tokens/1m", NOW + 60, 101);

    memset(&used, 0, sizeof(used));
    memset(&over, 0, sizeof(over));
    used.prompt = 130;
    genai_books_forgo(b, x, g, 2, &used, &over);
    is_int(over.tokens, 30, "an overrun of what is left behind");

    h[0].take = h[1].take = 0;
    genai_books_peek(b, h, 3, NOW);
    is_int(h[0].leased, 60, "what goes on is held");
    is_int(h[1].used, 130, "what does not is settled");
    is_int(h[1].leased, 0, "and free");
    is_int(h[2].used, 1, "requests too");
    is_int(h[1].owed, 30, "what is owed is said");

    is_int(genai_books_hold(b, x, g, 2, NOW + 60), GENAI_HOLD_SHORT,
           "too much, with what it had replaced");
    is_int(g[1].leased, 0, "of others nothing");
    genai_books_peek(b, h, 1, NOW);
    is_int(h[0].leased, 60, "is held as it was");

    g[1].take = 100;
    is_int(genai_books_hold(b, x, g, 2, NOW + 60), GENAI_HOLD_OK,
           "just enough");
    genai_books_peek(b, h, 1, NOW);
    is_int(h[0].leased, 100, "instead of what it held");
    is_int(genai_books_extend(b, x, (uint64_t []) { 20, 0 }, 2, &n),
           GENAI_HOLD_OK, "more, by the new order");
    is_int(genai_books_extend(b, x, (uint64_t []) { 1, 0 }, 2, &n),
           GENAI_HOLD_SHORT, "as far as it goes");
    is_int(genai_books_verify(b, say, NULL), 0, "verified");

    settle(b, x, 40, NULL);
    genai_books_peek(b, h, 1, NOW);
    is_int(h[0].used, 40, "settled in the window where it began");
    genai_books_peek(b, g, 1, NOW + 60);
    is_int(g[0].used, 40, "and in the other");

    /* none is left, nothing was used; in a window that has ended */

    h[0] = hold(5, "100 tokens/1m", NOW, 60);
    h[1] = hold(6, "100 tokens/1h", NOW, 60);
    x = lease(b);
    is_int(genai_books_hold(b, x, h, 2, NOW), GENAI_HOLD_OK, "held");
    h[0] = hold(5, "100 tokens/1m", NOW + 60, 1);
    is_int(spend(b, &h[0], NOW + 60, 1), GENAI_HOLD_OK, "the next minute");
    genai_books_forgo(b, x, h, 2, NULL, NULL);
    (void) state(b, 1, &n);
    is_int(n, 1, "all of it goes on");
    genai_books_forgo(b, x, h, 0, NULL, NULL);
    (void) state(b, 1, &n);
    is_int(n, 0, "nothing does");
    genai_books_peek(b, &h[1], 1, NOW);
    is_int(h[1].used + h[1].leased, 0, "as if it had not been");
    is_int(genai_books_hold(b, x, h, 0, NOW), GENAI_HOLD_OK, "no limits");
    settle(b, x, 1, NULL);

    /* a limit that was changed counts at once, also for who holds of it */

    h[0] = hold(7, "1000 tokens/1h", NOW, 500);
    x = lease(b);
    is_int(genai_books_hold(b, x, h, 1, NOW), GENAI_HOLD_OK, "held");
    h[0] = hold(7, "100 tokens/1h", NOW, 1);
    is_int(spend(b, h, NOW, 1), GENAI_HOLD_SHORT, "it was lowered");
    is_int(genai_books_extend(b, x, (uint64_t []) { 1 }, 1, &n),
           GENAI_HOLD_SHORT, "no more for who holds of it");
    s = state(b, 0, &n);
    settle(b, x, 1, NULL);

    /* who is refused */

    h[0] = hold(8, "1 requests/1h", NOW, 1);
    is_int(spend(b, h, NOW, 0), GENAI_HOLD_OK, "one");
    is_int(spend(b, h, NOW, 0), GENAI_HOLD_SHORT, "and no other");
    h[0] = hold(8, "0 requests/1h", NOW, 1);
    genai_books_peek(b, h, 1, NOW);
    genai_books_refuse(b, h, 1);

    for (uint64_t cursor = 0; genai_books_counter(b, &cursor, &s) == 1; ) {
        if (s.limit.unit == GENAI_LIMIT_REQUESTS && s.limit.amount < 2) {
            is_int(s.refused, 1, "counted by who refuses");
            is_int(s.limit.amount, 0, "and what it is now");
        }
    }

    /* what is told once of a window */

    h[0] = hold(9, "100 tokens/1m", NOW, 60);
    h[0].limit.warn = 500000;
    is_int(spend(b, h, NOW, 1), GENAI_HOLD_OK, "half of it");
    is_int(h[0].told, GENAI_TOLD_WARN, "is told");
    is_int(spend(b, h, NOW, 1), GENAI_HOLD_OK, "held again");
    is_int(h[0].told, 0, "is not");
    h[0] = hold(9, "100 tokens/1m", NOW + 60, 60);
    h[0].limit.warn = 500000;
    h[0].limit.shadow = 1;
    is_int(spend(b, h, NOW + 60, 101), GENAI_HOLD_OK, "the next window");
    is_int(h[0].told, GENAI_TOLD_WARN, "is told of");
    is_int(spend(b, h, NOW + 60, 1), GENAI_HOLD_OK, "a shadow");
    is_int(h[0].told, GENAI_TOLD_OVER, "is exceeded");
    is_int(spend(b, h, NOW + 60, 1), GENAI_HOLD_OK, "and stays so");
    is_int(h[0].told, 0, "which was told");

    end(b);
}


int
main(void)
{
    test_forgo();

    return done_testing();
}
