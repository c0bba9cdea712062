/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What genai_anthropic.c has from genai_anthropic_request.c; see
 * genai_dialect.h.
 */


#ifndef _GENAI_ANTHROPIC_REQUEST_H_INCLUDED_
#define _GENAI_ANTHROPIC_REQUEST_H_INCLUDED_


#include "genai_request_walk.h"


const genai_request_node_t *genai_anthropic_request_nodes(
    genai_endpoint_e endpoint, size_t *state);

/* A stream tells its usage without being asked: returns 0. */
int genai_anthropic_ask_usage(const genai_request_t *req,
    genai_edits_t *edits);
int genai_anthropic_set_model(const genai_request_t *req,
    genai_edits_t *edits, const genai_str_t *name);


#endif /* _GENAI_ANTHROPIC_REQUEST_H_INCLUDED_ */
