/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The requests of OpenAI's Responses API, see genai_dialect.h for what these
 * functions do.
 */


#ifndef _GENAI_RESPONSES_REQUEST_H_INCLUDED_
#define _GENAI_RESPONSES_REQUEST_H_INCLUDED_


#include "genai_chat.h"
#include "genai_request_walk.h"


const genai_request_node_t *genai_responses_request_nodes(
    genai_endpoint_e endpoint, size_t *state);

/* Its streams always tell usage: returns 0. */
int genai_responses_ask_usage(const genai_request_t *req,
    genai_edits_t *edits);

int genai_responses_read_chat(genai_chat_t *chat,
    const genai_document_t *document);
int genai_responses_write_chat(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_writer_t *w);


#endif /* _GENAI_RESPONSES_REQUEST_H_INCLUDED_ */
