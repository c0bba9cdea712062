/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the two encoders of Gemini's answers share.  Of no use to anybody
 * else.
 */


#ifndef _GENAI_GEMINI_ENCODE_INT_H_INCLUDED_
#define _GENAI_GEMINI_ENCODE_INT_H_INCLUDED_


#include "genai_gemini_answer.h"
#include "genai_writer.h"


/* Writes a member: a string, a number, a literal. */
void genai_gemini_string(genai_writer_t *w, const char *name,
    const genai_str_t *s);
void genai_gemini_int(genai_writer_t *w, const char *name, int64_t n);
void genai_gemini_literal(genai_writer_t *w, const char *name,
    const char *json);

/*
 * Writes what stands behind the candidates: usage, which may be NULL, model
 * and id.
 */
void genai_gemini_tail(genai_writer_t *w, const genai_answer_head_t *head,
    const genai_usage_t *u);

/* Writes finishReason: word is the provider's. */
void genai_gemini_reason(genai_writer_t *w, genai_finish_e finish,
    const genai_str_t *word, unsigned refused);

/*
 * Writes an error as an object of its own; type and code may be another
 * dialect's.
 */
void genai_gemini_error(genai_writer_t *w, const genai_str_t *message,
    const genai_str_t *type, const genai_str_t *code);

/*
 * Writes the arguments of a call: raw, where they are an object, else "{}".
 * line: in one line.
 */
void genai_gemini_args(genai_writer_t *w, const genai_str_t *args,
    unsigned line);

/* Writes bytes that are JSON, line ends as blanks; first: of a value. */
void genai_gemini_line(genai_writer_t *w, const genai_str_t *text,
    unsigned first);

/*
 * Prepares to look at the arguments of a call.  Whether a text may be that of
 * an object, by its first byte that is no blank: 1, 0; -1: no byte.
 */
void genai_gemini_args_init(genai_push_t *push);
int genai_gemini_args_object(const genai_str_t *text);


#endif /* _GENAI_GEMINI_ENCODE_INT_H_INCLUDED_ */
