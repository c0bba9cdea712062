/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tokens that a service account of Google's signs for itself, as
 * https://google.aip.dev/auth/4111 describes them: a JSON Web Token, RFC 7519,
 * signed with RS256, RFC 7518 3.3, whose scope is the whole of Google Cloud.
 * Google takes them for access tokens, so that nobody need be asked for one.
 *
 * All of it is safe in any thread.
 */


#ifndef _GENAI_JWT_H_INCLUDED_
#define _GENAI_JWT_H_INCLUDED_


#include "genai_str.h"

#include <stdint.h>


/* seconds that a token is good for: more is not accepted */
#define GENAI_JWT_LIFE    3600

/* bits of a key */
#define GENAI_JWT_BITS    2048
#define GENAI_JWT_BITS_MAX  4096

#define GENAI_JWT_SCOPE   "https://www.googleapis.com/auth/cloud-platform"


/*
 * Whether a text is one of Google's files of credentials: a JSON object with
 * a member "type", or the beginning of one with a key.  What else is wrong
 * with it, genai_jwt_make() says.
 */
int genai_jwt_is_file(const genai_str_t *text);

/*
 * Makes a token with the key file of a service account; now is in seconds
 * since the epoch, and the token's life begins then.  It takes a millisecond
 * or more: it is nothing for an event loop.
 *
 * Returns NULL with *token set, malloc'd, printable: the caller wipes and frees
 * it; or what is wrong, a static text that goes on after the file's name.
 */
const char *genai_jwt_make(const genai_str_t *file, int64_t now,
    genai_str_t *token);

/*
 * Whether it is time for another token: the last one was made at the time
 * made, by the clock, and age milliseconds ago, by one that nobody sets.  Half
 * of its life has passed by either of them, or the clock was put back.
 */
int genai_jwt_due(int64_t made, int64_t now, uint64_t age);


#endif /* _GENAI_JWT_H_INCLUDED_ */
