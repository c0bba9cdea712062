/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The size of an image that stands in a request as a data: URL, read from the
 * first bytes of PNG, JPEG, GIF and WebP: providers charge by it.
 *
 * Formats: PNG (RFC 2083, 11.2.2), JPEG (ITU T.81, B.2.2), GIF 89a (section
 * 18), WebP (RFC 9649, 2.5 to 2.7).
 *
 * It is pure and safe in any thread.
 */


#ifndef _GENAI_IMAGE_H_INCLUDED_
#define _GENAI_IMAGE_H_INCLUDED_


#include <stdint.h>

#include "genai_str.h"


/*
 * Bytes of the base64 text that are looked at: a JPEG may have its thumbnail
 * and its profiles in front of its size.
 */
#define GENAI_IMAGE_LOOK  ((size_t) 192 * 1024)


/*
 * Reads "data:image/...;base64,...", raw as it stands in a JSON string: a
 * slash may be escaped.  Nothing behind the size is looked at, and of what is
 * before it only as much as is needed.
 *
 * Returns 0 with the size in pixels set, both of them 1 to 2^24; or -1: it is
 * another kind of URL or image, or is none.
 */
int genai_image_size(const genai_str_t *url, uint32_t *width,
    uint32_t *height);


#endif /* _GENAI_IMAGE_H_INCLUDED_ */
