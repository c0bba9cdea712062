/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which values of "anthropic-beta" a provider takes: providers refuse requests
 * that name a beta which they do not have, and clients name whatever they were
 * built with.  The list is a JSON text:
 *
 *     { "claude":  [ "context-1m-2025-08-07", "files-api-*" ],
 *       "bedrock": [ "context-1m-2025-08-07" ],
 *       "*":       [ ],
 *       "#":       "a member that starts with # is a comment" }
 *
 * A name is a provider's, a dialect's, or "*" for all others; a value may end
 * with "*", for whatever follows.
 */


#ifndef _GENAI_BETAS_H_INCLUDED_
#define _GENAI_BETAS_H_INCLUDED_


#include "genai_arena.h"
#include "genai_tape.h"


/* bytes of a text, and what is in it, at most */
#define GENAI_BETAS_MAX        65536
#define GENAI_BETAS_LISTS      256

/* bytes of a name or value */
#define GENAI_BETAS_NAME_MAX   256

/* bytes of an error */
#define GENAI_BETAS_ERROR_MAX  256


typedef struct {
    genai_arena_t   arena;          /* of all it has; its own */
    genai_tape_t    tape;           /* .n 0: nothing was read */
} genai_betas_t;


/*
 * Reads a text, which is copied.
 *
 * Returns 0 with *b, which genai_betas_free() takes back; or -1 with a sentence
 * that says the line, terminated, in error, which has GENAI_BETAS_ERROR_MAX
 * bytes, and nothing to take back.
 */
int genai_betas_read(genai_betas_t *b, const genai_str_t *text,
    char *error);

void genai_betas_free(genai_betas_t *b);

/*
 * The number of the list of that name; or of the one behind list, from 0 on,
 * with *name raw.  Both return 0 where there is none.  Thread-safe.
 */
uint32_t genai_betas_find(const genai_betas_t *b, const genai_str_t *name);
uint32_t genai_betas_next(const genai_betas_t *b, uint32_t list,
    genai_str_t *name);

/* Whether that list has the value: 1 or 0.  Thread-safe. */
int genai_betas_has(const genai_betas_t *b, uint32_t list,
    const genai_str_t *value);


#endif /* _GENAI_BETAS_H_INCLUDED_ */
