/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Makes one token of genai_jwt.h in a thread of its own, as that takes a
 * processor longer than an event loop has.
 */


#ifndef _GENAI_JWT_THREAD_H_INCLUDED_
#define _GENAI_JWT_THREAD_H_INCLUDED_


#include "genai_jwt.h"


typedef struct genai_jwt_thread_s  genai_jwt_thread_t;


/*
 * Begins; file is copied, and the token's life begins at now, in seconds.
 * Returns NULL when there is no memory or no thread.
 */
genai_jwt_thread_t *genai_jwt_thread_start(const genai_str_t *file,
    int64_t now);

/*
 * Returns 0 while it is at work; 1 when it is done, with *problem and *token
 * as of genai_jwt_make(), and t is gone.
 */
int genai_jwt_thread_done(genai_jwt_thread_t *t, const char **problem,
    genai_str_t *token);

/* Waits for its end and forgets the token; t is gone. */
void genai_jwt_thread_stop(genai_jwt_thread_t *t);


#endif /* _GENAI_JWT_THREAD_H_INCLUDED_ */
