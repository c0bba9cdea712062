/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of Gemini's decoder share.  Of no use to anybody else.
 */


#ifndef _GENAI_GEMINI_ANSWER_INT_H_INCLUDED_
#define _GENAI_GEMINI_ANSWER_INT_H_INCLUDED_


#include "genai_answer_frame.h"
#include "genai_gemini_answer.h"


/* what is waited for */

#define GENAI_GA_WAIT_PART      0x01
#define GENAI_GA_WAIT_CHOICE    0x02


/* what a part is */

#define GENAI_GA_PART_TEXT      0
#define GENAI_GA_PART_THOUGHT   1
#define GENAI_GA_PART_CALL      2


/* genai_gemini_value.c: what the scanner finds */

/* Prepares the scanner to read a chunk's text. */
void genai_ga_read(genai_gemini_answer_t *a);

/*
 * Tells the error that was gathered.  Returns 0, or -1 when the handler has
 * stopped.
 */
int genai_ga_error(genai_gemini_answer_t *a, uint64_t start, uint64_t end);


/* genai_gemini_hold.c: what waits */

/*
 * Tells an event of the candidate being read, or holds it while something is
 * not known.  Returns 0, or -1 when the handler has stopped.
 */
int genai_ga_emit(genai_gemini_answer_t *a, genai_event_t *e);

/*
 * What the part is, is known, or taken for known; end is the offset that has
 * been come to.  Returns as above.
 */
int genai_ga_part_known(genai_gemini_answer_t *a, uint64_t end);

/* Which candidate it is, is known.  Returns as above. */
int genai_ga_choice_known(genai_gemini_answer_t *a);

/* What has been told of the candidate being read. */
genai_gemini_choice_t *genai_ga_of(genai_gemini_answer_t *a);


/* genai_gemini_answer.c */

/*
 * Hands an event out.  Returns what the handler returned: below 0 to stop,
 * above 0 to pause.
 */
int genai_ga_call(genai_gemini_answer_t *a, genai_event_t *e);

/*
 * Tells the end of the candidate being read.  Returns 0, or -1 when the
 * handler has stopped.
 */
int genai_ga_finish(genai_gemini_answer_t *a, const genai_str_t *reason);


/* a word that is longer than there is room for is empty */

static inline genai_str_t
genai_ga_word_text(genai_gemini_word_t *w)
{
    genai_str_t  s;

    s.data = w->data;
    s.len = (w->n > GENAI_GEMINI_WORD_MAX) ? 0 : w->n;

    return s;
}


#endif /* _GENAI_GEMINI_ANSWER_INT_H_INCLUDED_ */
