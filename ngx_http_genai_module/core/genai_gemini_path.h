/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The paths of Gemini's API, which carry the model and what is asked of it:
 * ".../models/MODEL:streamGenerateContent".  They are path_read and
 * path_write of the dialect's vtable.
 */


#ifndef _GENAI_GEMINI_PATH_H_INCLUDED_
#define _GENAI_GEMINI_PATH_H_INCLUDED_


#include "genai_dialect.h"


int genai_gemini_path_read(const genai_str_t *path, genai_str_t *model,
    unsigned *stream);
size_t genai_gemini_path_write(unsigned char *dst, size_t size,
    genai_endpoint_e endpoint, const genai_str_t *model, unsigned stream);


#endif /* _GENAI_GEMINI_PATH_H_INCLUDED_ */
