/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of Anthropic's decoder share.  Of no use to anybody else.
 */


#ifndef _GENAI_ANTHROPIC_ANSWER_INT_H_INCLUDED_
#define _GENAI_ANTHROPIC_ANSWER_INT_H_INCLUDED_


#include "genai_answer_frame.h"
#include "genai_anthropic_answer.h"


/* what kind of block */

#define GENAI_AA_BLOCK_UNKNOWN  0
#define GENAI_AA_BLOCK_SAYS     1
#define GENAI_AA_BLOCK_THINKS   2
#define GENAI_AA_BLOCK_CALLS    3
#define GENAI_AA_BLOCK_OTHER    4


/* genai_anthropic_value.c: what the scanner finds */

/* Prepares the scanner to read a chunk's text. */
void genai_aa_read(genai_anthropic_answer_t *a);

/*
 * The call of a block has ended: its arguments, where none were told.
 * Returns 0, or -1 when the handler has stopped.
 */
int genai_aa_block_end(genai_anthropic_answer_t *a, unsigned at,
    uint64_t offset);


/*
 * genai_anthropic_gather.c: what is put together of pieces.  Each takes one
 * that the scanner has found, and returns 0 to go on, or -1 to stop.
 */

/* An object of counts begins or ends; one of its numbers. */
void genai_aa_usage(genai_anthropic_answer_t *a, const genai_push_value_t *v);
int genai_aa_count(genai_anthropic_answer_t *a, const genai_push_value_t *v,
    unsigned which);

/*
 * A number, which may be written as a string.  Returns 0 with *n set; 1 while
 * there is more of it; -1 where it is none.
 */
int genai_aa_number(genai_anthropic_answer_t *a, const genai_push_value_t *v,
    int64_t *n);

/* What is acted on: more than max bytes are an error of the chunk. */
int genai_aa_gather(genai_anthropic_answer_t *a, const genai_push_value_t *v,
    unsigned char *dst, uint16_t *len, unsigned max, const char *error);

/* What is told where it is short. */
int genai_aa_word(genai_anthropic_word_t *w, const genai_push_value_t *v);

/* An error as a whole; its message; a message without one around it. */
int genai_aa_error_value(genai_anthropic_answer_t *a,
    const genai_push_value_t *v);
int genai_aa_message(genai_anthropic_answer_t *a,
    const genai_push_value_t *v);
int genai_aa_flat(genai_anthropic_answer_t *a, const genai_push_value_t *v);

/* Tells the error that was gathered; -1: the handler has stopped. */
int genai_aa_error(genai_anthropic_answer_t *a, uint64_t start, uint64_t end);


/* genai_anthropic_answer.c */

/*
 * Hands an event out.  Returns what the handler returned: below 0 to stop,
 * above 0 to pause.
 */
int genai_aa_call(genai_anthropic_answer_t *a, genai_event_t *e);


static inline void
genai_aa_error_clear(genai_anthropic_answer_t *a)
{
    a->nmessage = 0;
    a->u.error.code.n = 0;
    a->u.error.kind.n = 0;
}


/* a word that is longer than there is room for is empty */

static inline genai_str_t
genai_aa_word_text(genai_anthropic_word_t *w)
{
    genai_str_t  s;

    s.data = w->data;
    s.len = (w->n > GENAI_ANTHROPIC_WORD_MAX) ? 0 : w->n;

    return s;
}


#endif /* _GENAI_ANTHROPIC_ANSWER_INT_H_INCLUDED_ */
