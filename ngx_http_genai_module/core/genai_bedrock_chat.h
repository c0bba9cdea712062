/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Requests of Amazon Bedrock's Converse and ConverseStream to and from the
 * middle of a translation, https://docs.aws.amazon.com/bedrock/latest/
 * APIReference/API_runtime_Converse.html.  Both are entries of the dialect's
 * vtable, which says what they do.  Which model is asked, and whether the
 * answer is streamed, is no part of the request, but of its path.
 *
 * What others have signed goes through a client of this dialect in its blocks
 * for thoughts, which clients give back as they are, with a mark in front
 * (genai_mark.h): a thought's in the block's signature; all else as
 * redactedContent, as base64, that of a call or a text right behind it.
 */


#ifndef _GENAI_BEDROCK_CHAT_H_INCLUDED_
#define _GENAI_BEDROCK_CHAT_H_INCLUDED_


#include "genai_chat.h"


int genai_bedrock_read_chat(genai_chat_t *chat,
    const genai_document_t *document);
int genai_bedrock_write_chat(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_writer_t *w);


#endif /* _GENAI_BEDROCK_CHAT_H_INCLUDED_ */
