/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A request as the simulated provider understands it: what it needs to know
 * to answer, and spans of the request's text.
 */


#ifndef _GENAI_SIM_REQUEST_H_INCLUDED_
#define _GENAI_SIM_REQUEST_H_INCLUDED_


#include "genai_sim_json.h"

#include "genai_dialect.h"

#include <stdint.h>


#define GENAI_SIM_CHOICES   8
#define GENAI_SIM_PROMPTS   2048

/* raw bytes of a model's or a function's name */
#define GENAI_SIM_NAME      256


typedef struct {
    genai_endpoint_e     endpoint;

    genai_str_t              model;         /* raw */
    genai_sim_json_member_t  input;         /* messages, prompt or input */
    genai_sim_json_member_t  tools;
    genai_sim_json_member_t  tool_choice;
    genai_sim_json_member_t  format;          /* response_format */
    uint64_t                 seed;            /* of the input */

    int64_t                  max_tokens;    /* -1: not given */
    unsigned                 n;
    unsigned                 inputs;        /* prompts, texts to embed */
    unsigned                 dimensions;

    unsigned                 stream:1;
    unsigned                 include_usage:1;
    unsigned                 base64:1;
    unsigned                 one_input:1;   /* not an array of inputs */
    unsigned                 call:1;        /* a tool is to be called */

    /* malloc'd: the arguments of the call, else what is to be said, or NULL */
    char                    *text;
    char                    *function;      /* malloc'd, raw */

    /* why the request is refused, for an answer with the status 400 */
    const char              *error;
    const char              *param;
    size_t                   offset;        /* of bad JSON, else 0 */
} genai_sim_request_t;


/*
 * Reads text[0 .. len), which must stay in place while the request is used.
 * endpoint is one that has a body; model is what the path has said it is, as
 * in a JSON string, or NULL, or empty: the text must say it.
 *
 * Returns 0, or -1 with req->error set.  In both cases
 * genai_sim_request_free() is due.
 */
int genai_sim_request_read(genai_sim_request_t *req,
    genai_endpoint_e endpoint, const genai_str_t *model,
    const unsigned char *text, size_t len);

void genai_sim_request_free(genai_sim_request_t *req);

/*
 * For requests with tools or a JSON schema: decides whether a tool is called
 * and makes up the arguments or the content, a minimal instance of its
 * schema.
 *
 * Returns 0, or -1 with req->error set.
 */
int genai_sim_request_schema(genai_sim_request_t *req);

/* a well-spread hash, the source of all that looks random here */
uint64_t genai_sim_hash(const unsigned char *p, size_t len);


static inline uint64_t
genai_sim_mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;

    return x;
}


#endif /* _GENAI_SIM_REQUEST_H_INCLUDED_ */
