/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Bedrock's requests: Converse, ConverseStream and CountTokens, as a tree of
 * places: genai_bedrock_request_table.h.
 *
 * A text is told wherever a model reads one.  What stands in such a place and
 * is of no known shape is told as uncovered, never passed over; that holds
 * for all that is in a message, a block and a tool, where a member of no known
 * name is told as well, unless it is a number, true, false, null or empty.
 * Not told are members that mean something to programs alone (the list of
 * the table), and of the request's own members those that the table does not
 * name.
 */


#include "genai_bedrock_request.h"


/* kept while a request is walked, all zero at first */

typedef struct {
    uint32_t  message;
    uint32_t  part;
    uint8_t   role;                 /* a genai_role_e */
} genai_bedrock_request_t;


static int genai_br_system(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_br_message(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_br_block(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_br_whole(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_br_tool(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_br_max(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_br_text(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_br_json(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_br_other(genai_request_t *req,
    const genai_request_place_t *at);


#include "genai_bedrock_request_table.h"


static int genai_br_is_entered(const genai_request_t *req,
    const genai_request_place_t *at);
static int genai_br_is(const genai_request_t *req, uint32_t i,
    const char *word);
static int genai_br_add(genai_request_t *req,
    const genai_bedrock_request_t *st, uint8_t kind, uint32_t i);


const genai_request_node_t *
genai_bedrock_request_nodes(genai_endpoint_e endpoint, size_t *state)
{
    *state = sizeof(genai_bedrock_request_t);

    switch (endpoint) {

    case GENAI_ENDPOINT_CONVERSE:
        return &genai_br_root;

    case GENAI_ENDPOINT_COUNT_TOKENS:
        return &genai_br_counted;

    default:
        return NULL;
    }
}


int
genai_bedrock_ask_usage(const genai_request_t *req, genai_edits_t *edits)
{
    return 0;
}


int
genai_bedrock_set_model(const genai_request_t *req, genai_edits_t *edits,
    const genai_str_t *name)
{
    return 0;
}


static int
genai_br_system(genai_request_t *req, const genai_request_place_t *at)
{
    int                       rc;
    genai_bedrock_request_t  *st;

    st = at->state;
    st->role = at->leave ? GENAI_ROLE_NONE : GENAI_ROLE_SYSTEM;

    if (at->leave || genai_br_is_entered(req, at)) {
        return GENAI_WALK_GO;
    }

    rc = genai_br_text(req, at);
    st->role = GENAI_ROLE_NONE;

    return rc;
}


static int
genai_br_message(genai_request_t *req, const genai_request_place_t *at)
{
    uint32_t                  role;
    genai_bedrock_request_t  *st;

    st = at->state;

    if (at->leave) {
        st->role = GENAI_ROLE_NONE;
        st->message = 0;

        return GENAI_WALK_GO;
    }

    if (genai_request_find(req, at->index, "role", 4, &role)
        == GENAI_WALK_MORE)
    {
        return GENAI_WALK_MORE;
    }

    st->role = (role == 0) ? GENAI_ROLE_OTHER
               : genai_br_is(req, role, "user") ? GENAI_ROLE_USER
               : genai_br_is(req, role, "assistant") ? GENAI_ROLE_ASSISTANT
               : genai_br_is(req, role, "system") ? GENAI_ROLE_SYSTEM
               : GENAI_ROLE_OTHER;
    st->message = at->number;
    req->messages++;

    return GENAI_WALK_GO;
}


static int
genai_br_block(genai_request_t *req, const genai_request_place_t *at)
{
    int                       rc;
    genai_bedrock_request_t  *st;

    st = at->state;

    if (at->leave) {
        st->part = 0;
        return GENAI_WALK_GO;
    }

    st->part = at->number;

    if (genai_br_is_entered(req, at)) {
        return GENAI_WALK_GO;
    }

    rc = genai_br_text(req, at);
    st->part = 0;

    return rc;
}


/* an image, a document: told as a whole, and what is text in it behind it */

static int
genai_br_whole(genai_request_t *req, const genai_request_place_t *at)
{
    if (at->leave
        || genai_tape_type(&req->tape, at->index) == GENAI_TAPE_NULL)
    {
        return GENAI_WALK_GO;
    }

    return genai_br_add(req, at->state,
                        genai_br_is_entered(req, at)
                        ? at->node->kind : GENAI_SEGMENT_UNCOVERED,
                        at->index);
}


static int
genai_br_tool(genai_request_t *req, const genai_request_place_t *at)
{
    genai_bedrock_request_t  *st;

    st = at->state;
    st->message = at->leave ? 0 : at->number;

    return genai_br_text(req, at);
}


static int
genai_br_max(genai_request_t *req, const genai_request_place_t *at)
{
    int64_t  n;

    if (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_NULL) {
        return GENAI_WALK_GO;
    }

    req->max_tokens = at->index;

    if (genai_request_int(req, at->index, -GENAI_WALK_INT_MAX,
                          GENAI_WALK_INT_MAX, &n)
        != GENAI_WALK_GO)
    {
        return GENAI_WALK_ERROR;
    }

    if (n >= 0) {
        req->output_max = n;
    }

    return GENAI_WALK_GO;
}


/* a text, or nothing; anything else in its place is not covered */

static int
genai_br_text(genai_request_t *req, const genai_request_place_t *at)
{
    if (at->leave || genai_br_is_entered(req, at)) {
        return GENAI_WALK_GO;
    }

    switch (genai_tape_type(&req->tape, at->index)) {

    case GENAI_TAPE_NULL:
        return GENAI_WALK_GO;

    case GENAI_TAPE_STRING:
        return genai_br_add(req, at->state, at->node->kind, at->index);

    default:
        return genai_br_add(req, at->state, GENAI_SEGMENT_UNCOVERED,
                            at->index);
    }
}


/* any value but null is read by the model, as it is written */

static int
genai_br_json(genai_request_t *req, const genai_request_place_t *at)
{
    if (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_NULL) {
        return GENAI_WALK_GO;
    }

    return genai_br_add(req, at->state, at->node->kind, at->index);
}


/* a member that nobody knows, which may be for the model */

static int
genai_br_other(genai_request_t *req, const genai_request_place_t *at)
{
    return genai_request_is_plain(req, at)
           ? GENAI_WALK_GO
           : genai_br_add(req, at->state, GENAI_SEGMENT_UNCOVERED, at->index);
}


/* whether the walk goes on inside, and will be back to leave it */

static int
genai_br_is_entered(const genai_request_t *req,
    const genai_request_place_t *at)
{
    return !at->leave
           && (at->node->enter
               & genai_walk_bit(genai_tape_type(&req->tape, at->index)));
}


static int
genai_br_is(const genai_request_t *req, uint32_t i, const char *word)
{
    return genai_tape_type(&req->tape, i) == GENAI_TAPE_STRING
           && genai_tape_named(&req->tape, i, word, strlen(word));
}


static int
genai_br_add(genai_request_t *req, const genai_bedrock_request_t *st,
    uint8_t kind, uint32_t i)
{
    return genai_request_segment(req, kind, st->role, i, st->message,
                                 st->part);
}
