/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Prices: what an exchange costs, and what it can cost at most.
 *
 * A dollar is 10^9 nano-dollars.  A rate is in nano-dollars for a million
 * tokens, so that a provider's "$0.075 per million" is the whole number
 * 75,000,000; all sums are of whole numbers, in 128 bits, and nothing here
 * knows floating point.
 *
 * One rule of rounding: the sum of all tokens times their rates is divided by
 * a million once, at the end, and rounded up to a whole nano-dollar.  What is
 * more than GENAI_PRICE_COST_MAX is GENAI_PRICE_COST_MAX.
 *
 * A price has tiers by the length of the prompt: a provider that takes more
 * for long prompts takes it for all tokens of such an exchange.
 *
 * All functions but those that make a price are pure and safe in any threads;
 * a price owns no memory and points to none, so that it may be copied.
 */


#ifndef _GENAI_PRICE_H_INCLUDED_
#define _GENAI_PRICE_H_INCLUDED_


#include "genai_str.h"

#include <stdint.h>


/* what an exchange used, genai_meter.h */
struct genai_tokens_s;


/* $10,000, the largest rate and fee; tokens that are taken for a number;
   nano-dollars that anything costs */
#define GENAI_PRICE_MAX       ((uint64_t) 10000 * 1000000000)
#define GENAI_PRICE_TOKENS    ((uint64_t) 1 << 60)
#define GENAI_PRICE_COST_MAX  ((uint64_t) INT64_MAX)

/* tiers, with the one of short prompts */
#define GENAI_PRICE_TIERS     4


/*
 * What a rate is of.  One that is not told is that of another kind, named in
 * brackets: of the same tier, once all that was told in tiers below was taken.
 */

typedef enum {
    GENAI_PRICE_INPUT = 0,
    GENAI_PRICE_CACHED,             /* read from the provider's cache (INPUT) */
    GENAI_PRICE_WRITE_5M,           /* written to it for 5 minutes, or for as
                                       long as it pleases (INPUT) */
    GENAI_PRICE_WRITE_1H,           /* for an hour or longer (WRITE_5M) */
    GENAI_PRICE_IMAGE,              /* in the prompt (INPUT) */
    GENAI_PRICE_AUDIO,              /* in the prompt (INPUT) */
    GENAI_PRICE_CACHED_AUDIO,       /* (CACHED) */
    GENAI_PRICE_OUTPUT,
    GENAI_PRICE_REASONING,          /* (OUTPUT) */
    GENAI_PRICE_AUDIO_OUTPUT,       /* (OUTPUT) */
    GENAI_PRICE_RATES
} genai_price_rate_e;


/* of said and of which, one for each rate */
#define genai_price_bit(rate)  (1u << (rate))

/* every kind of token that there is */
#define GENAI_PRICE_ANY        (genai_price_bit(GENAI_PRICE_RATES) - 1)

/* a prompt of text, to a provider that lets nobody write to its cache */
#define GENAI_PRICE_TEXT                                                      \
    (genai_price_bit(GENAI_PRICE_INPUT)|genai_price_bit(GENAI_PRICE_CACHED)   \
     |genai_price_bit(GENAI_PRICE_OUTPUT)                                     \
     |genai_price_bit(GENAI_PRICE_REASONING))


typedef struct {
    uint64_t            above;      /* tokens: for longer prompts; 0 first */
    uint64_t            rates[GENAI_PRICE_RATES];
    uint32_t            said;       /* bits: these were told, not derived */
} genai_price_tier_t;


/* all zeroes: nothing is known, which is not the same as free */

typedef struct {
    genai_price_tier_t  tiers[GENAI_PRICE_TIERS];   /* by above */
    uint64_t            request;    /* nano-dollars for each request */
    uint8_t             ntiers;
    unsigned            request_said:1;
    unsigned            tiers_said:1;   /* those above the first */
    unsigned            priced:1;   /* enough is known */
} genai_price_t;


/*
 * Reads dollars as people write them, "2.5" or "0.0125": digits, and as many
 * as nine behind a point; no sign, no exponent, at most GENAI_PRICE_MAX.
 *
 * Returns 0 with *nano exact; or -1, with *nano as it was.
 */
int genai_price_parse(const genai_str_t *text, uint64_t *nano);

/*
 * Writes nano-dollars as dollars, in the shortest form that reads back as the
 * same: "2.5".  buf has room for GENAI_PRICE_DIGITS.  Returns the length; there
 * is an end mark behind it.
 */
#define GENAI_PRICE_DIGITS    32
size_t genai_price_write(char *buf, uint64_t nano);

/*
 * Puts what from tells over to: rate by rate, and the tiers above the first
 * together.  Neither is finished.
 */
void genai_price_merge(genai_price_t *to, const genai_price_t *from);

/*
 * Finishes a price whose tiers have what was said: derives the other rates and
 * sets priced where input is known, and output or no answer is to be paid
 * for, as of embeddings.  What else is told without these is not enough.
 * Doing so twice is the same as once.
 */
void genai_price_finish(genai_price_t *price, int embedding);

/*
 * What an exchange costs, in nano-dollars; of one whose source is
 * GENAI_COUNT_NONE it is 0, else the fee for a request is in it.
 *
 * What a provider tells need not make sense.  Where parts are more than their
 * whole (more cached than prompt, more reasoning than completion), the whole
 * is their sum; where there is no saying which tokens are cached or written,
 * these are first text, then images, then audio; what is negative is 0, and
 * what is above GENAI_PRICE_TOKENS is that.  No more cached audio counts than
 * there is audio, and than is cached.
 *
 * Returns 0; or -1 where the price is not known, with *nano 0.
 */
int genai_price_cost(const genai_price_t *price,
    const struct genai_tokens_s *tokens, uint64_t *nano);

/*
 * The most that exchanges can cost whose prompts and completions are together
 * not longer than that, in nano-dollars: every token is of the dearest kind,
 * in the dearest tier that the prompt may be in.  A prompt or completion is
 * what genai_price_cost() takes for the whole.  requests are those exchanges,
 * or attempts; each is rounded up by itself.
 *
 * genai_price_bound_of() leaves out kinds of tokens that cannot be: which is
 * of genai_price_bit(), and must have those of input and output.
 *
 * Returns 0; or -1 where the price is not known, with *nano 0.
 */
int genai_price_bound(const genai_price_t *price, uint64_t prompt,
    uint64_t completion, uint64_t requests, uint64_t *nano);
int genai_price_bound_of(const genai_price_t *price, uint32_t which,
    uint64_t prompt, uint64_t completion, uint64_t requests, uint64_t *nano);

/* "input", "cached" and so on, as the catalogue has them: static texts. */
const char *genai_price_name(genai_price_rate_e rate);


#endif /* _GENAI_PRICE_H_INCLUDED_ */
