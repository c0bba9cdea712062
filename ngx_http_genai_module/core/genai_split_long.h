/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A piece without an end: where genai_split() has found none in a text that
 * goes on, it would look at all of it again when there is more.  This goes on
 * where it stopped, in steps of any size, and knows of the piece how much of
 * it is sure before its end is.
 *
 * Such a piece is a run of characters of some categories, behind its first one
 * or two; where an expression would go back from the end of the run, the place
 * is kept.  All functions are safe in any thread; a state belongs to one.
 */


#ifndef _GENAI_SPLIT_LONG_H_INCLUDED_
#define _GENAI_SPLIT_LONG_H_INCLUDED_


#include "genai_split.h"


/* bytes that genai_split() has found no end in, at least */
#define GENAI_SPLIT_LONG  64


/* all places are relative to where the piece begins, or what is left of it */

typedef struct {
    size_t           at;            /* all before is read */
    size_t           sure;          /* and this is of the piece */
    size_t           mark;          /* where an expression goes back to */
    uint32_t         bits;          /* categories of the run */
    uint8_t          kind;          /* 0: there is none */
    int8_t           newlines;      /* see genai_split_space() */
    unsigned         lines:1;       /* line feeds may follow, */
    unsigned         slashes:1;     /* and slashes with them, */
    unsigned         quotes:1;      /* a contraction */
    unsigned         cjk:1;
    const uint64_t  *joints;
} genai_split_long_t;


/*
 * Begins with a text of which genai_split(), without last, has found no end in
 * the first GENAI_SPLIT_LONG bytes or more.  Returns 0, or -1 for families
 * whose pieces are not found in steps: NONE and PATTERN.
 */
int genai_split_long_begin(genai_split_long_t *l, genai_split_e split,
    const genai_str_t *text);

/*
 * The same where a text is cut between all bytes but those that may stand
 * side by side in a token: bit b of the row a of joints.
 */
void genai_split_long_joints(genai_split_long_t *l, const uint64_t *joints);

/*
 * Goes on in text, which is as much of the same piece as there is by now, for
 * about max bytes; last tells that the text ends there.
 *
 * Returns the piece's end, always one where last is set and all is read;
 * 0 where it is not known yet.
 */
size_t genai_split_long(genai_split_long_t *l, const genai_str_t *text,
    int last, size_t max);

/* n bytes, fewer than are sure, are no longer in front of the text. */
void genai_split_long_skip(genai_split_long_t *l, size_t n);


#endif /* _GENAI_SPLIT_LONG_H_INCLUDED_ */
