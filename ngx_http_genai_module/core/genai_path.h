/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Paths of requests to providers.  All functions are pure and thread-safe.
 */


#ifndef _GENAI_PATH_H_INCLUDED_
#define _GENAI_PATH_H_INCLUDED_


#include "genai_str.h"


/*
 * Writes head, the model's name, encoded as RFC 3986 has it but for the
 * characters of keep, and tail to dst, which has size bytes.  A name that has
 * "." or ".." or nothing between slashes leads nowhere else: its slashes are
 * encoded, whatever keep says.  Returns the number of bytes that this takes,
 * of which no more than size have been written.
 */
size_t genai_path_write(unsigned char *dst, size_t size, const char *head,
    const genai_str_t *model, const char *keep, const char *tail);

/*
 * Whether a segment of the path is an API's version: v1, v1beta, v2alpha1.
 */
int genai_path_has_version(const genai_str_t *path);

/*
 * Whether it is a base of Vertex AI's: ".../publishers/NAME".
 */
int genai_path_is_vertex(const genai_str_t *path);


#endif /* _GENAI_PATH_H_INCLUDED_ */
