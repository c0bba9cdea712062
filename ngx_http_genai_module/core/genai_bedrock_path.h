/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where Bedrock's paths have the model, as its entries of the vtable want it:
 *
 *    /model/ID/converse
 *    /model/ID/converse-stream
 *    /model/ID/count-tokens
 *
 * An id may be an ARN, with colons and slashes, which are encoded.
 */


#ifndef _GENAI_BEDROCK_PATH_H_INCLUDED_
#define _GENAI_BEDROCK_PATH_H_INCLUDED_


#include "genai_dialect.h"


int genai_bedrock_path_read(const genai_str_t *path, genai_str_t *model,
    unsigned *stream);
size_t genai_bedrock_path_write(unsigned char *dst, size_t size,
    genai_endpoint_e endpoint, const genai_str_t *model, unsigned stream);


#endif /* _GENAI_BEDROCK_PATH_H_INCLUDED_ */
