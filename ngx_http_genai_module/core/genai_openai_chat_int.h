/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of OpenAI's chat requests share.  Of no use to anybody
 * else.
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


#endif /* _GENAI_OPENAI_CHAT_INT_H_INCLUDED_ */
