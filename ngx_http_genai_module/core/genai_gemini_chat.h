/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Requests of Google's generateContent to and from the middle of a
 * translation, https://ai.google.dev/api/generate-content.  Both are entries
 * of the dialect's vtable, which says what they do.  Whether an answer is
 * streamed is no part of the request, but of its path.
 *
 * What others have signed goes through a client of this dialect where Gemini's
 * own signatures stand, which clients give back as they are and must be
 * base64: as that of
 *
 *    genai:DIALECT:WHAT:N:ID SIGNATURE
 *
 * (without the blank), where WHAT is thought, sealed, call or text, and ID has
 * N bytes.
 */


#ifndef _GENAI_GEMINI_CHAT_H_INCLUDED_
#define _GENAI_GEMINI_CHAT_H_INCLUDED_


#include "genai_chat.h"


int genai_gemini_read_chat(genai_chat_t *chat,
    const genai_document_t *document);
int genai_gemini_write_chat(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_writer_t *w);


#endif /* _GENAI_GEMINI_CHAT_H_INCLUDED_ */
