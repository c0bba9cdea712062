/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The Responses API's requests, a tree of places:
 * genai_responses_request_table.h.
 *
 * As in OpenAI's other requests, a text is told wherever the provider reads
 * one, and what stands in such a place and is of no known shape is told as
 * uncovered.  So is what the model gets and the request does not have: what
 * previous_response_id, a conversation, a prompt template or an item_reference
 * stand for.  An item that a provider's own tool has left is uncovered as a
 * whole, and so is the definition of such a tool.
 */


#include "genai_responses_request.h"


/* references that room is made for at a time */
#define GENAI_RR_REFERENCES  32


/* kept while a request is walked, all zero at first */

typedef struct {
    uint32_t       message;
    uint32_t       part;
    uint8_t        role;            /* a genai_role_e */
    uint8_t        text;            /* kinds: of the item's own texts, */
    uint8_t        part_text;       /* and of the part's */
    uint8_t        whole;           /* the part is told as a whole */
    uint8_t        untyped;         /* the item does not tell its type */
    uint8_t        reference;       /* it stands for another one */
    uint32_t       mark;            /* segments before the item */
    uint32_t       id;              /* of the item: a string, or 0 */
} genai_responses_request_t;


static int genai_rr_model(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_stream(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_max(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_instructions(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_previous(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_conversation(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_store(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_input(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_item(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_id(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_role(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_text(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_item_text(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_json(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_part(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_part_text(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_tool(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_rr_other(genai_request_t *req,
    const genai_request_place_t *at);


#include "genai_responses_request_table.h"


static int genai_rr_reference(genai_request_t *req, uint32_t id);
static int genai_rr_is_entered(const genai_request_t *req,
    const genai_request_place_t *at);
static uint8_t genai_rr_kind_of(const genai_request_t *req, uint32_t i,
    const genai_rr_kind_t *kinds);
static int genai_rr_string(genai_request_t *req,
    const genai_responses_request_t *st, uint8_t kind, uint32_t i);
static int genai_rr_add(genai_request_t *req,
    const genai_responses_request_t *st, uint8_t kind, uint32_t i);


const genai_request_node_t *
genai_responses_request_nodes(genai_endpoint_e endpoint, size_t *state)
{
    *state = sizeof(genai_responses_request_t);

    return (endpoint == GENAI_ENDPOINT_RESPONSES
            || endpoint == GENAI_ENDPOINT_COUNT_TOKENS)
           ? &genai_rr_root : NULL;
}


int
genai_responses_ask_usage(const genai_request_t *req, genai_edits_t *edits)
{
    return 0;
}


/* it will stand in logs, and perhaps in a header */

static int
genai_rr_model(genai_request_t *req, const genai_request_place_t *at)
{
    size_t                n;
    uint32_t              c;
    genai_str_t           s;
    const unsigned char  *p, *end;

    s = genai_tape_view(&req->tape, at->index);

    p = s.data;
    end = s.data + s.len;
    n = 0;

    if (genai_tape_type(&req->tape, at->index) != GENAI_TAPE_STRING
        || s.len == 0)
    {
        goto refuse;
    }

    while (p < end) {
        c = genai_tape_char(&p);
        n += (c < 0x80) ? 1 : (c < 0x800) ? 2 : (c < 0x10000) ? 3 : 4;

        if (c < ' ' || c == 0x7f || n > GENAI_REQUEST_MODEL_MAX) {
            goto refuse;
        }
    }

    req->model = at->index;

    return GENAI_WALK_GO;

refuse:

    return genai_request_refuse(req, "must be a string of 1 to %d bytes"
                                " without control characters",
                                GENAI_REQUEST_MODEL_MAX);
}


static int
genai_rr_stream(genai_request_t *req, const genai_request_place_t *at)
{
    genai_tape_type_e  type;

    type = genai_tape_type(&req->tape, at->index);

    req->stream = (type == GENAI_TAPE_NULL) ? 0 : at->index;
    req->stream_asked = (type == GENAI_TAPE_TRUE);

    return GENAI_WALK_GO;
}


static int
genai_rr_max(genai_request_t *req, const genai_request_place_t *at)
{
    int64_t  n;

    if (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_NULL) {
        return GENAI_WALK_GO;
    }

    req->max_completion_tokens = at->index;

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


static int
genai_rr_instructions(genai_request_t *req, const genai_request_place_t *at)
{
    int                         rc;
    genai_responses_request_t  *st;

    st = at->state;

    if (genai_tape_type(&req->tape, at->index) != GENAI_TAPE_NULL) {
        req->messages++;
    }

    st->role = GENAI_ROLE_SYSTEM;
    rc = genai_rr_string(req, st, GENAI_SEGMENT_TEXT, at->index);
    st->role = GENAI_ROLE_NONE;

    return rc;
}


/* what the model gets of it nobody here has seen */

static int
genai_rr_previous(genai_request_t *req, const genai_request_place_t *at)
{
    if (genai_tape_type(&req->tape, at->index) != GENAI_TAPE_NULL) {
        req->previous = at->index;
    }

    return genai_rr_text(req, at);
}


static int
genai_rr_conversation(genai_request_t *req, const genai_request_place_t *at)
{
    if (genai_tape_type(&req->tape, at->index) != GENAI_TAPE_NULL) {
        req->conversation = at->index;
    }

    return genai_rr_text(req, at);
}


static int
genai_rr_store(genai_request_t *req, const genai_request_place_t *at)
{
    req->unkept = (genai_tape_type(&req->tape, at->index)
                   == GENAI_TAPE_FALSE);

    return GENAI_WALK_GO;
}


/* one message of the user's, or items */

static int
genai_rr_input(genai_request_t *req, const genai_request_place_t *at)
{
    int                         rc;
    genai_responses_request_t  *st;

    st = at->state;

    if (at->leave || genai_rr_is_entered(req, at)) {
        return GENAI_WALK_GO;
    }

    req->messages++;

    st->role = GENAI_ROLE_USER;
    rc = genai_rr_string(req, st, GENAI_SEGMENT_TEXT, at->index);
    st->role = GENAI_ROLE_NONE;

    return rc;
}


static int
genai_rr_item(genai_request_t *req, const genai_request_place_t *at)
{
    int                         rc;
    uint32_t                    type;
    genai_responses_request_t  *st;

    st = at->state;

    if (at->leave) {
        rc = GENAI_WALK_GO;

        /* what has neither a type nor a text may be a reference */

        if (st->untyped && req->nsegments == st->mark) {
            rc = genai_rr_add(req, st, GENAI_SEGMENT_UNCOVERED, at->index);
            st->reference = 1;
        }

        if (rc == GENAI_WALK_GO && st->reference && st->id) {
            rc = genai_rr_reference(req, st->id);
        }

        memset(st, 0, sizeof(genai_responses_request_t));

        return rc;
    }

    if (genai_request_find(req, at->index, "type", 4, &type)
        == GENAI_WALK_MORE)
    {
        return GENAI_WALK_MORE;
    }

    if (type && genai_tape_type(&req->tape, type) == GENAI_TAPE_NULL) {
        type = 0;
    }

    st->message = at->number;
    st->mark = req->nsegments;
    st->untyped = (type == 0);
    st->role = GENAI_ROLE_OTHER;
    req->messages++;

    /* a message may leave its type out */

    switch (type ? genai_rr_kind_of(req, type, genai_rr_items)
                 : GENAI_RR_MESSAGE)
    {

    case GENAI_RR_MESSAGE:
        st->text = GENAI_SEGMENT_TEXT;
        return GENAI_WALK_GO;

    case GENAI_RR_CALL:
        st->role = GENAI_ROLE_ASSISTANT;
        st->text = GENAI_SEGMENT_UNCOVERED;
        return GENAI_WALK_GO;

    case GENAI_RR_RESULT:
        st->role = GENAI_ROLE_TOOL;
        st->text = GENAI_SEGMENT_RESULT;
        return GENAI_WALK_GO;

    case GENAI_RR_REASONING:
        st->role = GENAI_ROLE_ASSISTANT;
        st->text = GENAI_SEGMENT_REASONING;
        return GENAI_WALK_GO;

    case GENAI_RR_REFERENCE:
        st->reference = 1;
        st->whole = 1;
        st->text = GENAI_SEGMENT_UNCOVERED;
        return genai_rr_add(req, st, GENAI_SEGMENT_UNCOVERED, at->index);
    }

    rc = genai_rr_add(req, st, GENAI_SEGMENT_UNCOVERED, at->index);
    memset(st, 0, sizeof(genai_responses_request_t));

    return (rc == GENAI_WALK_GO) ? GENAI_WALK_OVER : rc;
}


static int
genai_rr_id(genai_request_t *req, const genai_request_place_t *at)
{
    genai_responses_request_t  *st;

    st = at->state;

    if (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_STRING) {
        st->id = at->index;
    }

    return GENAI_WALK_GO;
}


/* of a message; it may stand behind what was said */

static int
genai_rr_role(genai_request_t *req, const genai_request_place_t *at)
{
    uint32_t                    i;
    genai_responses_request_t  *st;

    st = at->state;

    if (st->text != GENAI_SEGMENT_TEXT) {
        return GENAI_WALK_GO;
    }

    st->role = genai_rr_kind_of(req, at->index, genai_rr_roles);

    for (i = st->mark; i < req->nsegments; i++) {
        req->segments[i].role = st->role;
    }

    return GENAI_WALK_GO;
}


static int
genai_rr_text(genai_request_t *req, const genai_request_place_t *at)
{
    if (at->leave || genai_rr_is_entered(req, at)) {
        return GENAI_WALK_GO;
    }

    return genai_rr_string(req, at->state, at->node->kind, at->index);
}


/* content or output: a text, or parts */

static int
genai_rr_item_text(genai_request_t *req, const genai_request_place_t *at)
{
    genai_responses_request_t  *st;

    st = at->state;

    if (at->leave) {
        st->part = 0;
        return GENAI_WALK_GO;
    }

    return genai_rr_is_entered(req, at)
           ? GENAI_WALK_GO : genai_rr_string(req, st, st->text, at->index);
}


/* any value but null is read by the model, as it is written */

static int
genai_rr_json(genai_request_t *req, const genai_request_place_t *at)
{
    if (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_NULL) {
        return GENAI_WALK_GO;
    }

    return genai_rr_add(req, at->state, at->node->kind, at->index);
}


static int
genai_rr_part(genai_request_t *req, const genai_request_place_t *at)
{
    uint8_t                     kind;
    uint32_t                    type;
    genai_responses_request_t  *st;

    st = at->state;

    if (at->leave) {
        st->whole = 0;
        return GENAI_WALK_GO;
    }

    st->part = at->number;

    if (genai_tape_type(&req->tape, at->index) != GENAI_TAPE_OBJECT) {
        return genai_rr_string(req, st, st->text, at->index);
    }

    if (genai_request_find(req, at->index, "type", 4, &type)
        == GENAI_WALK_MORE)
    {
        return GENAI_WALK_MORE;
    }

    kind = genai_rr_kind_of(req, type, genai_rr_parts);

    st->part_text = (kind == GENAI_SEGMENT_TEXT
                     || !genai_segment_is_text(kind)) ? st->text : kind;
    st->whole = !genai_segment_is_text(kind);

    return st->whole ? genai_rr_add(req, st, kind, at->index) : GENAI_WALK_GO;
}


static int
genai_rr_part_text(genai_request_t *req, const genai_request_place_t *at)
{
    genai_responses_request_t  *st;

    st = at->state;

    return genai_rr_string(req, st, st->part_text, at->index);
}


static int
genai_rr_tool(genai_request_t *req, const genai_request_place_t *at)
{
    int                         rc;
    uint32_t                    type;
    genai_responses_request_t  *st;

    st = at->state;

    if (at->leave) {
        st->message = 0;
        return GENAI_WALK_GO;
    }

    if (genai_request_find(req, at->index, "type", 4, &type)
        == GENAI_WALK_MORE)
    {
        return GENAI_WALK_MORE;
    }

    st->message = at->number;

    if (genai_rr_is_entered(req, at)
        && genai_rr_kind_of(req, type, genai_rr_tools) == GENAI_RR_TOOL)
    {
        return GENAI_WALK_GO;
    }

    rc = (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_NULL)
         ? GENAI_WALK_GO
         : genai_rr_add(req, st, GENAI_SEGMENT_UNCOVERED, at->index);
    st->message = 0;

    return (rc == GENAI_WALK_GO) ? GENAI_WALK_OVER : rc;
}


/* a member that nobody knows, which may be for the model */

static int
genai_rr_other(genai_request_t *req, const genai_request_place_t *at)
{
    genai_tape_type_e              type;
    genai_responses_request_t     *st;
    const genai_request_member_t  *m;

    st = at->state;
    type = genai_tape_type(&req->tape, at->index);

    if (st->whole || type < GENAI_TAPE_STRING
        || (type == GENAI_TAPE_STRING
            && genai_tape_view(&req->tape, at->index).len == 0)
        || (type > GENAI_TAPE_STRING
            && genai_tape_first(&req->tape, at->index) == 0))
    {
        return GENAI_WALK_GO;
    }

    /* the name stands before the value */

    for (m = at->node->members; m && m->name; m++) {

        if (genai_tape_key_is(&req->tape, at->index - 1, m->name, m->len)
            == 1)
        {
            return GENAI_WALK_GO;
        }
    }

    return genai_rr_add(req, st, GENAI_SEGMENT_UNCOVERED, at->index);
}


/* each is looked for before the request goes on, so they are not many */

static int
genai_rr_reference(genai_request_t *req, uint32_t id)
{
    void  *p;

    if (req->nreferences == GENAI_REQUEST_REFERENCES_MAX) {
        return genai_request_refuse(req, "refers to more than %d items",
                                    GENAI_REQUEST_REFERENCES_MAX);
    }

    if (req->nreferences % GENAI_RR_REFERENCES == 0) {

        p = genai_arena_grow(req->arena, req->references,
                             req->nreferences * sizeof(uint32_t),
                             (req->nreferences + GENAI_RR_REFERENCES)
                             * sizeof(uint32_t));
        if (p == NULL) {
            return genai_request_no_memory(req);
        }

        req->references = p;
    }

    req->references[req->nreferences++] = id;

    return GENAI_WALK_GO;
}


/* whether the walk goes on inside, and will be back to leave it */

static int
genai_rr_is_entered(const genai_request_t *req,
    const genai_request_place_t *at)
{
    return !at->leave
           && (at->node->enter
               & genai_walk_bit(genai_tape_type(&req->tape, at->index)));
}


/* of the string at i; 0, and what is no string, mean none of them */

static uint8_t
genai_rr_kind_of(const genai_request_t *req, uint32_t i,
    const genai_rr_kind_t *kinds)
{
    while (kinds->name) {

        if (i && genai_tape_type(&req->tape, i) == GENAI_TAPE_STRING
            && genai_tape_named(&req->tape, i, kinds->name, kinds->len))
        {
            break;
        }

        kinds++;
    }

    return kinds->kind;
}


/* a text, or nothing; anything else in its place is not covered */

static int
genai_rr_string(genai_request_t *req, const genai_responses_request_t *st,
    uint8_t kind, uint32_t i)
{
    switch (genai_tape_type(&req->tape, i)) {

    case GENAI_TAPE_NULL:
        return GENAI_WALK_GO;

    case GENAI_TAPE_STRING:
        return genai_rr_add(req, st, kind, i);

    default:
        return genai_rr_add(req, st, GENAI_SEGMENT_UNCOVERED, i);
    }
}


static int
genai_rr_add(genai_request_t *req, const genai_responses_request_t *st,
    uint8_t kind, uint32_t i)
{
    return genai_request_segment(req, kind, st->role, i, st->message,
                                 st->part);
}
