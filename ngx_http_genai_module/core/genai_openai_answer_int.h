/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of OpenAI's decoder share.  Of no use to anybody else.
 */


#ifndef _GENAI_OPENAI_ANSWER_INT_H_INCLUDED_
#define _GENAI_OPENAI_ANSWER_INT_H_INCLUDED_


#include "genai_answer_frame.h"
#include "genai_openai_answer.h"


/* what is waited for */

#define GENAI_OA_WAIT_CHOICE    0x01
#define GENAI_OA_WAIT_TOOL      0x02
#define GENAI_OA_WAIT_DELTA     0x04


/* who has said something in this choice of this chunk */

#define GENAI_OA_BY_DELTA       0x01
#define GENAI_OA_BY_MESSAGE     0x02


/* genai_openai_value.c: what the scanner finds */

/* Prepares the scanner to read a chunk's text. */
void genai_oa_read(genai_openai_answer_t *a);

/*
 * Finds the number of the tool call that is being read, and tells what was
 * held of it.  Returns 0, or -1 when the handler has stopped.
 */
int genai_oa_tool_place(genai_openai_answer_t *a);

/* Tells the error that was gathered.  Returns as above. */
int genai_oa_error(genai_openai_answer_t *a, uint64_t start, uint64_t end);


/* genai_openai_answer.c: what becomes of it */

/*
 * Tells an event of the choice being read, or holds it while something is
 * not known.  Returns 0, or -1 when the handler has stopped.
 */
int genai_oa_emit(genai_openai_answer_t *a, genai_event_t *e);

/*
 * Hands an event out.  Returns what the handler returned: below 0 to stop,
 * above 0 to pause.
 */
int genai_oa_call(genai_openai_answer_t *a, genai_event_t *e);

/*
 * Tells an event whose place is known; message: it stood in "message".
 * Returns 0, or -1 when the handler has stopped.
 */
int genai_oa_tell(genai_openai_answer_t *a, genai_event_t *e,
    unsigned message);


/* genai_openai_answer_hold.c: what waits */

/* Holds an event.  Returns 0, or -1 where there is no room. */
int genai_oa_hold(genai_openai_answer_t *a, const genai_event_t *e);

/* What is held of the tool call that is being read is of a->block. */
void genai_oa_hold_block(genai_openai_answer_t *a);

/*
 * Waits no more for any of what, and tells what was held when nothing else is
 * waited for.  Returns 0, or -1 when the handler has stopped.
 */
int genai_oa_release(genai_openai_answer_t *a, unsigned what);


/* FNV-1a; 0 for nothing, and for nothing else */

static inline uint32_t
genai_oa_hash(const unsigned char *p, size_t n)
{
    size_t    i;
    uint32_t  hash;

    if (n == 0) {
        return 0;
    }

    hash = 2166136261u;

    for (i = 0; i < n; i++) {
        hash = (hash ^ p[i]) * 16777619u;
    }

    return hash ? hash : 1;
}


static inline void
genai_oa_error_clear(genai_openai_answer_t *a)
{
    a->nmessage = 0;
    a->u.error.code.n = 0;
    a->u.error.kind.n = 0;
}


#endif /* _GENAI_OPENAI_ANSWER_INT_H_INCLUDED_ */
