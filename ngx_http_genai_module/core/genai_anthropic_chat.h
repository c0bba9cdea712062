/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Requests of Anthropic's Messages API to and from the middle of a
 * translation, https://docs.anthropic.com/en/api/messages.  Both are entries
 * of the dialect's vtable, which says what they do.
 *
 * What others have signed goes through a client of this dialect in its blocks
 * for thoughts, which clients give back as they are: where it is no thought's
 * and not Anthropic's own, with a mark in front,
 *
 *    genai:DIALECT:WHAT:N:ID SIGNATURE
 *
 * (without the blank), where WHAT is thought, sealed, call or text, and ID has
 * N bytes; of a call it is the call's.  A thought's stands in its block's
 * signature; of the others each is a redacted_thinking block, that of a call
 * or a text right behind it.  It may come back at another place than its call.
 */


#ifndef _GENAI_ANTHROPIC_CHAT_H_INCLUDED_
#define _GENAI_ANTHROPIC_CHAT_H_INCLUDED_


#include "genai_chat.h"


int genai_anthropic_read_chat(genai_chat_t *chat,
    const genai_document_t *document);
int genai_anthropic_write_chat(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_writer_t *w);


/*
 * What its models are told of thinking, also by others who offer them.
 *
 * _may_think: whether it can be asked for.  No model thinks that must call a
 * tool; and one that is told a budget must see what it thought, signed by
 * signer, before it called the tools whose results it is given.
 *
 * _budget: of how many tokens; *max, of the answer, grows by them where nobody
 * has told one.  -1: there are too few.
 */
unsigned genai_anthropic_may_think(const genai_chat_t *chat,
    const genai_chat_target_t *to, const genai_dialect_t *signer);
int64_t genai_anthropic_budget(const genai_chat_t *chat,
    const genai_chat_target_t *to, int64_t *max);


#endif /* _GENAI_ANTHROPIC_CHAT_H_INCLUDED_ */
