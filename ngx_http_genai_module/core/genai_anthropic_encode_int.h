/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the two encoders of Anthropic's answers share.  Of no use to anybody
 * else.
 */


#ifndef _GENAI_ANTHROPIC_ENCODE_INT_H_INCLUDED_
#define _GENAI_ANTHROPIC_ENCODE_INT_H_INCLUDED_


#include "genai_anthropic_answer.h"
#include "genai_writer.h"


/* Writes a member: a string, a literal. */
void genai_anthropic_string(genai_writer_t *w, const char *name,
    const genai_str_t *s);
void genai_anthropic_literal(genai_writer_t *w, const char *name,
    const char *json);

/*
 * Writes a message's beginning, up to the name "content": id, type, role and
 * model.
 */
void genai_anthropic_head(genai_writer_t *w, const genai_answer_head_t *head);

/*
 * Writes a call's id; where the provider has told none, one that is made of
 * the message's and the call's number.
 */
void genai_anthropic_call_id(genai_writer_t *w,
    const genai_answer_head_t *head, const genai_str_t *id, unsigned number);

/*
 * Writes stop_reason and stop_sequence: finish is a genai_finish_e, word the
 * provider's; called, refused: what was in the answer.
 */
void genai_anthropic_stop(genai_writer_t *w, genai_finish_e finish,
    const genai_str_t *word, unsigned called, unsigned refused);

/*
 * Writes "usage".  u: what is known, may be NULL; prompt: tokens of input
 * where it is not known, or -1.
 */
void genai_anthropic_usage(genai_writer_t *w, const genai_usage_t *u,
    int64_t prompt);

/* Writes an error as an object of its own; type may be another dialect's. */
void genai_anthropic_error(genai_writer_t *w, const genai_str_t *message,
    const genai_str_t *type);

/*
 * Within a string: the mark of a signature that is not Anthropic's own or not
 * a thought's, see genai_anthropic_chat.h.
 */
void genai_anthropic_mark(genai_writer_t *w, genai_field_e field,
    const genai_str_t *name, const genai_str_t *id);


#endif /* _GENAI_ANTHROPIC_ENCODE_INT_H_INCLUDED_ */
