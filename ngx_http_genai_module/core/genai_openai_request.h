/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What genai_openai.c has from genai_openai_request.c and genai_openai_edit.c;
 * see genai_dialect.h.
 */


#ifndef _GENAI_OPENAI_REQUEST_H_INCLUDED_
#define _GENAI_OPENAI_REQUEST_H_INCLUDED_


#include "genai_request_walk.h"


const genai_request_node_t *genai_openai_request_nodes(
    genai_endpoint_e endpoint, size_t *state);
int genai_openai_ask_usage(const genai_request_t *req, genai_edits_t *edits);
int genai_openai_set_model(const genai_request_t *req, genai_edits_t *edits,
    const genai_str_t *name);


#endif /* _GENAI_OPENAI_REQUEST_H_INCLUDED_ */
