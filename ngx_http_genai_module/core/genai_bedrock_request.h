/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Requests in Bedrock's dialect, as its entries of the vtable want them.
 */


#ifndef _GENAI_BEDROCK_REQUEST_H_INCLUDED_
#define _GENAI_BEDROCK_REQUEST_H_INCLUDED_


#include "genai_dialect.h"
#include "genai_request_walk.h"


const genai_request_node_t *genai_bedrock_request_nodes(
    genai_endpoint_e endpoint, size_t *state);

/* Adds nothing: its streams always tell it. */
int genai_bedrock_ask_usage(const genai_request_t *req, genai_edits_t *edits);

/* Adds nothing: the model is in the path. */
int genai_bedrock_set_model(const genai_request_t *req, genai_edits_t *edits,
    const genai_str_t *name);


#endif /* _GENAI_BEDROCK_REQUEST_H_INCLUDED_ */
