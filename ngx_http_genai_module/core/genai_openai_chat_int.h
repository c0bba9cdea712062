/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the readers and the writers of OpenAI's chat requests share.  Of no
 * use to anybody else.
 */


#ifndef _GENAI_OPENAI_CHAT_INT_H_INCLUDED_
#define _GENAI_OPENAI_CHAT_INT_H_INCLUDED_


#include "genai_openai_chat.h"


/* Reads the list of messages; data is not used. */
int genai_openai_messages(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);

/*
 * Where a part or a tool has cache_control, which is not OpenAI's own, but
 * what clients write for other models' caches.
 */
genai_cache_e genai_openai_cache(genai_chat_t *chat,
    const genai_cursor_t *part);

/*
 * What stands before the messages, tools and the form of the answer; and what
 * stands behind them.  Both return what genai_chat.h says of writers.
 */
int genai_openai_write_tools(genai_chat_t *chat, genai_writer_t *w);
int genai_openai_write_options(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_writer_t *w);


#endif /* _GENAI_OPENAI_CHAT_INT_H_INCLUDED_ */
