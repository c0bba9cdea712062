/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Limits, as they are written: "AMOUNT UNIT/WINDOW [on PATTERN]".
 *
 *    60 requests/1m          100k tokens/1m on gpt-4*
 *    $500/1mo                8 concurrent
 *
 * AMOUNT is a whole number, may have k, M or G (10^3, 10^6, 10^9) right behind
 * it, and may be 0; or "$" and a decimal number with at most nine digits behind
 * the point.  UNIT is requests, tokens, prompt_tokens, completion_tokens,
 * concurrent (which has no window), and nothing behind "$".  WINDOW is N and
 * s, m, h, d, w or mo, or "never", which begins once and never ends.  PATTERN
 * is a public name of a model, or its beginning and "*".  Between amount, unit
 * with window, "on" and pattern are one or more blanks, and nowhere else.
 *
 * All functions are pure and thread-safe.
 */


#ifndef _GENAI_LIMIT_H_INCLUDED_
#define _GENAI_LIMIT_H_INCLUDED_


#include "genai_str.h"

#include <stdint.h>


typedef enum {
    GENAI_LIMIT_REQUESTS = 0,
    GENAI_LIMIT_TOKENS,             /* prompt with cached, and completion */
    GENAI_LIMIT_PROMPT_TOKENS,
    GENAI_LIMIT_COMPLETION_TOKENS,  /* with reasoning */
    GENAI_LIMIT_COST,
    GENAI_LIMIT_CONCURRENT
} genai_limit_unit_e;


typedef enum {
    GENAI_WINDOW_NONE = 0,          /* of concurrent */
    GENAI_WINDOW_SECONDS,
    GENAI_WINDOW_MINUTES,
    GENAI_WINDOW_HOURS,
    GENAI_WINDOW_DAYS,
    GENAI_WINDOW_WEEKS,
    GENAI_WINDOW_MONTHS,
    GENAI_WINDOW_NEVER
} genai_window_unit_e;


/* the largest AMOUNT, and the largest N of a window */
#define GENAI_LIMIT_AMOUNT_MAX  ((uint64_t) 1000000000000000)
#define GENAI_LIMIT_DOLLARS_MAX ((uint64_t) 9000000000)
#define GENAI_LIMIT_WINDOW_MAX  1000

#define GENAI_LIMIT_MILLION     1000000


typedef struct {
    uint64_t   amount;              /* of cost: nano-dollars */
    uint32_t   window;              /* N; of never 1, of concurrent 0 */
    uint8_t    unit;                /* genai_limit_unit_e */
    uint8_t    window_unit;         /* genai_window_unit_e */
    uint8_t    shadow;              /* watched, not enforced */
    uint8_t    clip;                /* "on_short": "clip" */
    uint8_t    unpriced;            /* "unpriced": "allow" */
    uint8_t    unused[3];
    uint32_t   warn;                /* of the amount, in millionths; 0 none */

    /* what a token of that kind counts, in millionths */
    uint32_t   weight_prompt;
    uint32_t   weight_cached;
    uint32_t   weight_completion;
    uint32_t   weight_reasoning;

    genai_str_t  pattern;           /* "" is every model; of the text */
} genai_limit_t;


/*
 * Reads the text of a limit; everything else of it is as if nothing had been
 * said: enforced, no warning, every token counts one.
 *
 * Returns NULL; or what is wrong, a static sentence without a full stop that
 * says what to write, with *where the offset of the fault in bytes, at most
 * the text's length.  Of a text that is wrong the limit is undefined.
 */
const char *genai_limit_parse(const genai_str_t *text, genai_limit_t *limit,
    size_t *where);

/* what an exchange used, or at most uses */
typedef struct {
    uint64_t   prompt;              /* tokens, with cached ones */
    uint64_t   cached;
    uint64_t   completion;          /* with reasoning */
    uint64_t   reasoning;
    uint64_t   cost;                /* nano-dollars */
} genai_use_t;

/* of tokens and of cost: what is more is taken as that much */
#define GENAI_USE_MAX  ((uint64_t) 1 << 53)

/*
 * What one exchange counts for a limit, in its unit: 1 of requests and of
 * concurrent; tokens by their weights, rounded up once; cost.  At most 2^60.
 */
uint64_t genai_limit_measure(const genai_limit_t *limit,
    const genai_use_t *use);

/*
 * The most that an exchange can count whose prompt, completion and cost are
 * no larger than these, whatever of them is cached or reasoning: what
 * genai_limit_measure() says of it later is never more.
 */
uint64_t genai_limit_bound(const genai_limit_t *limit,
    const genai_use_t *use);

/* Whether that much of a limit, in its unit, reaches the part of "warn". */
int genai_limit_warns(const genai_limit_t *limit, uint64_t used);

/* room that genai_limit_write() takes beside the pattern */
#define GENAI_LIMIT_TEXT  80

/*
 * Writes the limit as a text that reads back as the same amount, unit, window
 * and pattern, in its shortest form: "100000 tokens" is "100k tokens".  dst
 * has room for GENAI_LIMIT_TEXT and the pattern, whatever stands in the limit.
 * Returns the end; there is no end mark.
 */
unsigned char *genai_limit_write(unsigned char *dst,
    const genai_limit_t *limit);

/*
 * Whether a pattern, "NAME" or "BEGINNING*", matches a name, byte for byte;
 * "*" and the empty pattern match every name.
 */
int genai_pattern_match(const genai_str_t *pattern, const genai_str_t *name);

/*
 * NULL, or what is wrong with a pattern that somebody wrote, as of
 * genai_limit_parse(): it is empty, has a "*" in front of its end, a blank or
 * a control character.
 */
const char *genai_pattern_check(const genai_str_t *pattern);


#endif /* _GENAI_LIMIT_H_INCLUDED_ */
