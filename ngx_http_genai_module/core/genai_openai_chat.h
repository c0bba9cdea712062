/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Requests of OpenAI's chat completions to and from the middle of a
 * translation, https://platform.openai.com/docs/api-reference/chat/create.
 * Both are entries of the dialect's vtable, which says what they do.
 */


#ifndef _GENAI_OPENAI_CHAT_H_INCLUDED_
#define _GENAI_OPENAI_CHAT_H_INCLUDED_


#include "genai_chat.h"


int genai_openai_read_chat(genai_chat_t *chat,
    const genai_document_t *document);
int genai_openai_write_chat(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_writer_t *w);


#endif /* _GENAI_OPENAI_CHAT_H_INCLUDED_ */
