/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the two encoders of OpenAI's answers share: the writing of JSON.  Of
 * no use to anybody else.
 */


#ifndef _GENAI_OPENAI_ENCODE_INT_H_INCLUDED_
#define _GENAI_OPENAI_ENCODE_INT_H_INCLUDED_


#include "genai_openai_answer.h"


/* bytes of text that are escaped at a time, and what they may become */
#define GENAI_OPENAI_RUN  128
#define GENAI_OPENAI_OUT  (8 * GENAI_OPENAI_RUN)

/* what is written, gathered so that an event of usual size is one write */

typedef struct {
    genai_openai_write_pt   write;
    void                   *ctx;
    size_t                  n;
    int                     rc;
    unsigned char           buf[GENAI_OPENAI_OUT];
} genai_openai_out_t;


/* Writes what has been gathered.  o->rc is not 0 when writing has stopped. */
void genai_openai_flush(genai_openai_out_t *o);

/* Adds a text as it is, a number, or the inside of a string. */
void genai_openai_put(genai_openai_out_t *o, const char *text);
void genai_openai_number(genai_openai_out_t *o, int64_t n);
void genai_openai_escape(genai_openai_out_t *o, const genai_str_t *s);

/* Adds name, a text as it is, and a string; maybe: null for an empty one. */
void genai_openai_string(genai_openai_out_t *o, const char *name,
    const genai_str_t *s);
void genai_openai_maybe(genai_openai_out_t *o, const char *name,
    const genai_str_t *s);

/* Adds an answer's beginning, up to the bracket of its choices. */
void genai_openai_head(genai_openai_out_t *o, const genai_openai_head_t *head,
    const char *chat, const char *text);

/* Adds a member "usage" behind others, where anything is known. */
void genai_openai_usage(genai_openai_out_t *o, const genai_usage_t *u);

/* Adds an error as an object of its own. */
void genai_openai_error(genai_openai_out_t *o, const genai_str_t *message,
    const genai_str_t *type, const genai_str_t *code);

/* Adds a finish_reason's value: finish is a genai_finish_e. */
void genai_openai_reason(genai_openai_out_t *o, unsigned finish,
    const genai_str_t *text);


#endif /* _GENAI_OPENAI_ENCODE_INT_H_INCLUDED_ */
