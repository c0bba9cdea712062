/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the two encoders of the Responses API share.  Of no use to anybody
 * else.
 */


#ifndef _GENAI_RESPONSES_ENCODE_INT_H_INCLUDED_
#define _GENAI_RESPONSES_ENCODE_INT_H_INCLUDED_


#include "genai_responses_encode.h"
#include "genai_writer.h"


enum {
    GENAI_RE_MESSAGE = 0,
    GENAI_RE_REASONING,
    GENAI_RE_FUNCTION,
    GENAI_RE_CUSTOM
};


/* an item with all that it says; slots may be NULL */

typedef struct {
    unsigned                    kind;
    unsigned                    index;
    const char                 *status;
    const genai_whole_slot_t   *slot;       /* its text, thought or call */
    const genai_whole_slot_t   *other;      /* a message: of another kind */
    const genai_whole_slot_t   *signature;
    unsigned                    call;       /* index of what it signs, which
                                               slot is then */
} genai_re_item_t;


/* Writes members. */
void genai_re_string(genai_writer_t *w, const char *name,
    const genai_str_t *s);
void genai_re_word(genai_writer_t *w, const char *name, const char *word);
void genai_re_int(genai_writer_t *w, const char *name, int64_t n);

/* Writes the id of an item as a member of that name. */
void genai_re_id(genai_writer_t *w, const char *name,
    const genai_answer_head_t *head, unsigned kind, unsigned index);

/* Writes what a call is known by, one that we made where there is none. */
void genai_re_call_id(genai_writer_t *w, const genai_answer_head_t *head,
    unsigned index, const genai_str_t *id);

/* Writes an item as an object. */
void genai_re_item(genai_writer_t *w, const genai_answer_head_t *head,
    const genai_re_item_t *item);

/* Writes a part as an object: type is that of its events. */
void genai_re_part(genai_writer_t *w, unsigned type, const genai_str_t *text);

/*
 * Writes a response up to the bracket of its output, and from there on.
 * error: NULL, or that of a response that has failed.
 */
void genai_re_open(genai_writer_t *w, const genai_answer_head_t *head,
    const char *status, const char *reason, const genai_event_t *error);
void genai_re_close(genai_writer_t *w, const genai_usage_t *usage);

/* The status of a response, and the reason where it is incomplete or NULL. */
const char *genai_re_status(genai_finish_e finish, const char **reason);


#endif /* _GENAI_RESPONSES_ENCODE_INT_H_INCLUDED_ */
