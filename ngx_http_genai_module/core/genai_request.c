/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_request_walk.h"

#include <stdio.h>


/* bytes that are scanned between two looks at how much came of them */
#define GENAI_REQUEST_SLICE  16384

/* values of one turn, more or less */
#define GENAI_REQUEST_DENSE  12288


static int genai_request_scan(genai_request_t *req, size_t *budget);
static int genai_request_begin(genai_request_t *req);


void
genai_request_init(genai_request_t *req, const genai_dialect_t *dialect,
    genai_endpoint_e endpoint, const genai_str_t *text, genai_arena_t *arena)
{
    genai_zero(req, sizeof(genai_request_t));

    req->text = *text;
    req->endpoint = endpoint;
    req->choices = 1;
    req->output_max = -1;
    req->dialect = dialect;
    req->arena = arena;
    req->rc = GENAI_REQUEST_AGAIN;

    genai_scan_init(&req->scan, arena, text->data, text->len,
                    GENAI_REQUEST_VALUES);
}


int
genai_request_read(genai_request_t *req, size_t budget)
{
    if (req->rc != GENAI_REQUEST_AGAIN) {
        return req->rc;
    }

    if (req->walk == NULL) {

        if (genai_request_scan(req, &budget) != GENAI_REQUEST_DONE) {
            return req->rc;
        }

        if (genai_request_begin(req) != GENAI_REQUEST_AGAIN || budget == 0) {
            return req->rc;
        }
    }

    req->rc = genai_request_walk(req, budget / GENAI_REQUEST_STEP);

    return req->rc;
}


/*
 * *budget becomes what the scanner left of it.  A text of nothing but values
 * makes eight times its length of tape, whose pages are dear when they are
 * new: such a turn ends earlier.
 */

static int
genai_request_scan(genai_request_t *req, size_t *budget)
{
    int            rc;
    size_t         used, left;
    uint32_t       n;
    genai_scan_t  *s;

    s = &req->scan;
    used = s->done;
    left = *budget;
    n = s->n;

    do {
        rc = genai_scan(s, (left < GENAI_REQUEST_SLICE) ? left
                                                       : GENAI_REQUEST_SLICE);

        left -= (left < GENAI_REQUEST_SLICE) ? left : GENAI_REQUEST_SLICE;

    } while (rc == GENAI_SCAN_AGAIN && left
             && (*budget == SIZE_MAX || s->n - n < GENAI_REQUEST_DENSE));

    switch (rc) {

    case GENAI_SCAN_AGAIN:
        return GENAI_REQUEST_AGAIN;

    case GENAI_SCAN_DONE:
        used = req->text.len - used;
        *budget = (*budget > used) ? *budget - used : 0;
        req->tape = s->tape;

        return GENAI_REQUEST_DONE;
    }

    req->cause = s->cause;

    if (s->cause == GENAI_SCAN_BAD_TEXT) {
        (void) snprintf(req->error, sizeof(req->error),
                        "the request body is not valid JSON: %s at byte %zu",
                        s->error, s->error_offset);

    } else {
        (void) snprintf(req->error, sizeof(req->error),
                        "the request body cannot be read: %s", s->error);
    }

    req->rc = GENAI_REQUEST_ERROR;

    return GENAI_REQUEST_ERROR;
}


static int
genai_request_begin(genai_request_t *req)
{
    void                               *state;
    size_t                              size;
    const struct genai_request_node_s  *root;

    size = 0;
    root = req->dialect->request_nodes(req->endpoint, &size);

    if (root == NULL) {

        /* nothing of it is acted on */

        req->rc = GENAI_REQUEST_DONE;
        return req->rc;
    }

    state = genai_arena_alloc(req->arena, size);

    if (state == NULL) {
        (void) snprintf(req->error, sizeof(req->error),
                        "there is no memory for the request");

        req->cause = GENAI_SCAN_NO_MEMORY;
        req->rc = GENAI_REQUEST_ERROR;

        return req->rc;
    }

    memset(state, 0, size);

    if (genai_request_walk_init(req, root, state) != 0) {
        req->rc = GENAI_REQUEST_ERROR;
    }

    return req->rc;
}


const char *
genai_role_name(genai_role_e role)
{
    static const char  *const  names[] = {
        "none", "system", "developer", "user", "assistant", "tool", "other"
    };

    return names[role];
}


const char *
genai_segment_name(genai_segment_e kind)
{
    static const char  *const  names[] = {
        "text", "reasoning", "refusal", "name", "call_name", "arguments",
        "result", "tool_name", "tool_description", "tool_schema", "format",
        "prompt", "suffix", "prediction", "input", "tokens", "image",
        "audio", "file", "uncovered"
    };

    return names[kind];
}
