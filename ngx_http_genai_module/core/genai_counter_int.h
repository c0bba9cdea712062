/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the counter share: genai_counter.c cuts and counts,
 * _feed.c is what is copied, _look.c looks at texts before.
 */


#ifndef _GENAI_COUNTER_INT_H_INCLUDED_
#define _GENAI_COUNTER_INT_H_INCLUDED_


#include "genai_counter.h"
#include "genai_nfc_long.h"


/* bytes that are cut at once, at first; are looked at; are fed at once */
#define GENAI_COUNTER_WINDOW  16384
#define GENAI_COUNTER_LOOK    16384
#define GENAI_COUNTER_FEED    4096

/* bytes of a tail at least */
#define GENAI_COUNTER_TRY     64

/* bytes without an end that are read in steps, and normalized in steps */
#define GENAI_COUNTER_LONG    2048
#define GENAI_COUNTER_MORE    1024
#define GENAI_COUNTER_MARKS   16384

/* what cutting and looking cost: bytes of one unit */
#define GENAI_COUNTER_CUT     16
#define GENAI_COUNTER_SEE     32

/* and units of an added token */
#define GENAI_COUNTER_HIT     4

/* U+2581, which is a space */
#define GENAI_COUNTER_MARK    "\xe2\x96\x81"


/* an added token in a text */

typedef struct {
    size_t     at;
    uint32_t   len;             /* 0: there is none */
    uint32_t   id;
} genai_counter_hit_t;


/*
 * Counts what can be cut of s from c->pos on; last tells that s ends there.
 * Returns GENAI_COUNTER_DONE when no more can, _AGAIN when the budget is used
 * up, _ERROR.
 */
int genai_counter_cut(genai_counter_t *c, const genai_str_t *s, int last);

/* the token that follows what was cut */
void genai_counter_hit(genai_counter_t *c);

/* Goes on with what is copied: as genai_counter_cut(). */
int genai_counter_pump(genai_counter_t *c, int last);

/* Takes bytes of any kind, without counting them yet; 0, or -1. */
int genai_counter_put(genai_counter_t *c, const unsigned char *p, size_t len);

/*
 * Where a text that is copied from now on goes on within a character, as
 * tokens may end there, takes its rest; 0, or -1.
 */
int genai_counter_rest(genai_counter_t *c, const genai_str_t *text);

/* What is left of a character that was cut is none. */
int genai_counter_put_end(genai_counter_t *c);

/*
 * Looks at more of a whole text: sets c->seen, c->hit or c->copied, or none
 * of these yet.
 */
void genai_counter_look(genai_counter_t *c, const genai_str_t *text);

/* The length of the prefix of p[0 .. len) that is UTF-8. */
size_t genai_counter_utf8(const unsigned char *p, size_t len);

/*
 * Of what follows that prefix, len > 0: the length of the maximal part of an
 * ill-formed sequence, or 0 where more bytes could make it a character.
 */
size_t genai_counter_bad(const unsigned char *p, size_t len);

/*
 * The first added token that begins in s before limit.  Returns the place
 * before which there is surely none, whatever follows s, unless last is set:
 * hit->at, or limit, or where one may begin that s has the first bytes of.
 */
size_t genai_counter_find(const genai_vocab_t *v, const genai_str_t *s,
    size_t limit, int last, genai_counter_hit_t *hit);


#endif /* _GENAI_COUNTER_INT_H_INCLUDED_ */
