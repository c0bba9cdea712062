/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Counters of limits, in the books: what was used of each within its window,
 * and what exchanges in flight hold of it.
 *
 * Before an exchange is sent it takes from every limit that applies the most
 * that it can come to, all or nothing: genai_books_hold().  A stream takes a
 * part and more as it goes: genai_books_extend().  When it is over what was
 * used is settled and the rest is free again: genai_books_settle().  At every
 * moment, of every counter,
 *
 *    settled + leased - overrun <= amount
 *
 * unless the amount was lowered below what was used before, or the system's
 * clock stepped back.  An overrun is
 * what was used beyond what was held and found no room: what a provider bills
 * and nobody could count before.  What stands above the amount at the end of
 * a window is debt of the next one, and of those after it until it is paid.
 *
 * A counter is found by 16 bytes that name the limit and whose it is, and is
 * of one window.  When a window ends while exchanges hold some of it, they go
 * on to hold that, and are settled there: the counter becomes an ended one,
 * beside a new one, and goes with the last of them.
 *
 * When the system's clock steps back, by more than GENAI_BOOKS_LATE, the
 * window that had begun goes on in the one before, with what was used in both:
 * a step never grants anything twice that a window of its length holds.
 *
 * Counters whose window is over give their place to others, first those that
 * are idle; one that is held, one of a window that lasts, one with debt does
 * not.  When there is no place left, nobody new is let in.  Counters of
 * genai_limit leave an eighth of all places to those of the policy, which has
 * an end, as what they count by may not.
 */


#ifndef _GENAI_BOOKS_COUNTER_H_INCLUDED_
#define _GENAI_BOOKS_COUNTER_H_INCLUDED_


#include "genai_books.h"
#include "genai_limit_window.h"


#define GENAI_BOOKS_COUNTER_ID   16

/* limits that may apply to one exchange */
#define GENAI_HOLDS_MAX    32

/* seconds that a process may be behind another in what it takes for now */
#define GENAI_BOOKS_LATE 5


typedef enum {
    GENAI_OWNER_KEY = 0,
    GENAI_OWNER_USER,
    GENAI_OWNER_TEAM,
    GENAI_OWNER_PLAN,               /* of one key */
    GENAI_OWNER_MODEL,
    GENAI_OWNER_DIRECTIVE,          /* genai_limit */
    GENAI_OWNERS
} genai_owner_e;


/* a limit that applies to an exchange */
typedef struct {
    uint64_t              id[GENAI_BOOKS_COUNTER_ID / 8];
    genai_limit_t         limit;
    genai_window_t        window;   /* in which it is now */
    uint64_t              take;     /* in the limit's unit */

    /* how people know it; of a plan's, key is whose counter it is */
    genai_owner_e         owner;
    genai_str_t           name;
    genai_str_t           key;

    /* said by the call: what it was before, in the limit's unit */
    uint64_t              used;     /* settled, and debt */
    uint64_t              leased;
    uint64_t              owed;     /* debt of the next window, so far */
    int64_t               end;      /* of the window that counts */
    unsigned              tight:1;  /* there is less than take, enforced */
    unsigned              told:2;   /* GENAI_TOLD_*: with this one for the
                                       first time in the window */
} genai_hold_t;


/* what is told once of each window of a counter */
#define GENAI_TOLD_WARN  1          /* the part that "warn" says is reached */
#define GENAI_TOLD_OVER  2          /* a shadow is exceeded */


typedef enum {
    GENAI_HOLD_OK = 0,
    GENAI_HOLD_SHORT,               /* one at least is tight: nothing taken */
    GENAI_HOLD_FULL                 /* no room for another counter */
} genai_hold_e;


/*
 * Takes from all limits what they say, at most GENAI_HOLDS_MAX, or from none;
 * now is in seconds since the epoch.  A limit that stands there twice is taken
 * from once, by the smaller amount.  Limits that are shadows are taken from
 * beyond their amount, and never tight.
 *
 * A lease may hold some of these limits already, in the windows of then, and
 * of no others: genai_books_forgo().  What it holds is then not taken beside
 * but replaced, and stays as it is where nothing is taken.
 *
 * In any case but GENAI_HOLD_FULL each hold says what its counter was, without
 * what this lease held; and the counters have the limits' amounts and weights.
 */
genai_hold_e genai_books_hold(genai_books_t *b, genai_lease_t *lease,
    genai_hold_t *holds, unsigned n, int64_t now);

/*
 * Says how the counters are, without taking anything, and without a lock: of
 * several moments, and 0 of what nobody has taken from yet.  Returns how many
 * are tight.
 */
unsigned genai_books_peek(const genai_books_t *b, genai_hold_t *holds,
    unsigned n, int64_t now);

/*
 * Takes more for a lease that holds: more[i] of the limit holds[i] that
 * genai_books_hold() was called with, all or nothing, in the windows of then.
 * Returns GENAI_HOLD_OK; or GENAI_HOLD_SHORT, with *which the first one that
 * is tight.
 */
genai_hold_e genai_books_extend(genai_books_t *b, genai_lease_t *lease,
    const uint64_t *more, unsigned n, unsigned *which);

/*
 * The id of one of many counters that a limit has, one for each value of its
 * key: two SipHash-1-3 of limit, 128 bits that name it, and of the value, under
 * the books' seed.  So whoever chooses values, as clients do, cannot choose
 * two that have one counter; and in the same books it is always the same.
 */
void genai_books_counter_id(const genai_books_t *b, const uint64_t limit[2],
    const genai_str_t *value, uint64_t id[GENAI_BOOKS_COUNTER_ID / 8]);

/*
 * Counts a refusal for each of those holds that are tight; as after a hold
 * these counters have the limits' amounts and weights.
 */
void genai_books_refuse(genai_books_t *b, genai_hold_t *holds, unsigned n);

/* Gives back all that is held, as if nothing had been used.  Never fails. */
void genai_books_let_go(genai_books_t *b, genai_lease_t *lease);

/*
 * A lease goes on with n holds, which may be 0: what it holds of all other
 * limits is settled at used, of which they may have overruns; where used is
 * NULL it is given back.  Never fails.
 */
void genai_books_forgo(genai_books_t *b, genai_lease_t *lease,
    const genai_hold_t *holds, unsigned n, const genai_use_t *used,
    genai_overrun_t *overrun);


/* a counter, for people */
typedef struct {
    genai_owner_e         owner;
    genai_str_t           name;     /* texts lie in the region */
    genai_str_t           key;
    genai_limit_t         limit;    /* without shadow, warn, clip, unpriced */
    int64_t               start;    /* seconds; of "never" the least int64_t */
    int64_t               end;
    uint64_t              settled;
    uint64_t              leased;
    uint64_t              exchanges;    /* that hold of it */
    uint64_t              debt;
    uint64_t              overrun;  /* in this window */
    uint64_t              overruns; /* since the counter began */
    uint64_t              refused;
    unsigned              ended:1;
} genai_limit_state_t;

/*
 * Reads counters, in no order; *cursor begins with 0.  Each is read whole.
 * Returns 1 with a counter; 0 when there is none left; -1 after some work,
 * when it is to be called again.
 */
int genai_books_counter(const genai_books_t *b, uint64_t *cursor,
    genai_limit_state_t *counter);

/*
 * Frees idle counters, looks at budget of them, 4,000 at most; the next call
 * goes on from there, round and round.  now is in seconds.
 */
void genai_books_tidy(genai_books_t *b, unsigned budget, int64_t now);


#endif /* _GENAI_BOOKS_COUNTER_H_INCLUDED_ */
