/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of the Responses API's requests share.  Of no use to
 * anybody else.
 */


#ifndef _GENAI_RESPONSES_CHAT_INT_H_INCLUDED_
#define _GENAI_RESPONSES_CHAT_INT_H_INCLUDED_


#include "genai_responses_request.h"


/* Reads the input; data is not used. */
int genai_rc_input(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);

/* Whether it is one of these words, which end with a NULL. */
int genai_rc_is(genai_chat_t *chat, const genai_cursor_t *at,
    const char *const *words);


/*
 * Writes how long the answer may be, options that are values only, and that
 * nothing is stored.  Returns what genai_chat.h says.
 */
int genai_responses_write_options(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_writer_t *w);


#endif /* _GENAI_RESPONSES_CHAT_INT_H_INCLUDED_ */
