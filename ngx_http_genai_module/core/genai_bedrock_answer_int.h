/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of Bedrock's decoder share.  Of no use to anybody else.
 */


#ifndef _GENAI_BEDROCK_ANSWER_INT_H_INCLUDED_
#define _GENAI_BEDROCK_ANSWER_INT_H_INCLUDED_


#include "genai_answer_frame.h"
#include "genai_bedrock_answer.h"


/* what kind of block */

#define GENAI_BA_BLOCK_UNKNOWN  0
#define GENAI_BA_BLOCK_SAYS     1
#define GENAI_BA_BLOCK_THINKS   2
#define GENAI_BA_BLOCK_CALLS    3
#define GENAI_BA_BLOCK_OTHER    4


/* genai_bedrock_value.c: what the scanner finds */

/* Prepares the scanner to read a chunk's text. */
void genai_ba_read(genai_bedrock_answer_t *a);

/* START, once.  Returns 0, or -1 when the handler has stopped. */
int genai_ba_start(genai_bedrock_answer_t *a, uint64_t offset);

/*
 * The call of a block has ended: its arguments, where none were told.
 * Returns 0, or -1 when the handler has stopped.
 */
int genai_ba_block_end(genai_bedrock_answer_t *a, unsigned at,
    uint64_t offset);

/*
 * The text of a chunk ends in the middle: what waits has been said, too.
 * Returns 0, or -1 when the handler has stopped.
 */
int genai_ba_stopped(genai_bedrock_answer_t *a, uint64_t offset);


/* genai_bedrock_answer.c */

/*
 * Hands an event out.  Returns what the handler returned: below 0 to stop,
 * above 0 to pause.
 */
int genai_ba_call(genai_bedrock_answer_t *a, genai_event_t *e);


#endif /* _GENAI_BEDROCK_ANSWER_INT_H_INCLUDED_ */
