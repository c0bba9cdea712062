/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of Anthropic's requests share, and what the writers do.
 * Of no use to anybody else.
 */


#ifndef _GENAI_ANTHROPIC_CHAT_INT_H_INCLUDED_
#define _GENAI_ANTHROPIC_CHAT_INT_H_INCLUDED_


#include "genai_anthropic_chat.h"
#include "genai_tool_name.h"


/* Read the instructions, the list of messages; data is not used. */
int genai_anthropic_system(genai_chat_t *chat, const genai_cursor_t *value);
int genai_anthropic_messages(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);

/* Where a block or a tool tells a cache to end. */
genai_cache_e genai_anthropic_cache(genai_chat_t *chat,
    const genai_cursor_t *block);


/*
 * Writes the members "system" and "messages".  Returns what genai_chat.h
 * says.
 */
int genai_anthropic_write_messages(genai_chat_t *chat, genai_writer_t *w);


/* Writes the member that tells a cache to end, where there is one. */
void genai_anthropic_write_cache(genai_cache_e cache, genai_writer_t *w);


#endif /* _GENAI_ANTHROPIC_CHAT_INT_H_INCLUDED_ */
