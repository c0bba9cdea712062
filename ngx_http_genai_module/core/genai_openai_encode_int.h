/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the two encoders of OpenAI's answers share.  Of no use to anybody
 * else.
 */


#ifndef _GENAI_OPENAI_ENCODE_INT_H_INCLUDED_
#define _GENAI_OPENAI_ENCODE_INT_H_INCLUDED_


#include "genai_openai_answer.h"
#include "genai_writer.h"


/* Writes a member, a string; maybe: null for an empty one. */
void genai_openai_string(genai_writer_t *w, const char *name,
    const genai_str_t *s);
void genai_openai_maybe(genai_writer_t *w, const char *name,
    const genai_str_t *s);

/* Writes an answer's beginning, up to the bracket of its choices. */
void genai_openai_head(genai_writer_t *w, const genai_answer_head_t *head,
    const char *chat, const char *text);

/* Writes a member "usage", where anything is known. */
void genai_openai_usage(genai_writer_t *w, const genai_usage_t *u);

/*
 * Writes what signs a call, where Google's own service of this dialect has it:
 * "extra_content", by who made it.
 */
void genai_openai_signature(genai_writer_t *w, const genai_str_t *origin,
    const genai_str_t *signature);

/* Writes an error as an object of its own. */
void genai_openai_error(genai_writer_t *w, const genai_str_t *message,
    const genai_str_t *type, const genai_str_t *code);

/*
 * Writes what a choice ends with, and closes it: finish is a genai_finish_e,
 * or -1 where there is none.
 */
void genai_openai_choice_end(genai_writer_t *w, int finish,
    const genai_str_t *text);


#endif /* _GENAI_OPENAI_ENCODE_INT_H_INCLUDED_ */
