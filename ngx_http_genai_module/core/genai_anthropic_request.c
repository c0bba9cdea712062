/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Anthropic's requests: messages and count_tokens, as a tree of places:
 * genai_anthropic_request_table.h.
 *
 * A text is told wherever a model reads one.  What stands in such a place and
 * is of no known shape is told as uncovered, never passed over; that holds
 * for all that is in a message, a block, a tool, a tool_choice and a format,
 * where a member of no known name is told as well, unless it is a number,
 * true, false, null or empty.  Not told are members that mean something to
 * programs alone (ids, types, signatures, what is encrypted; the lists of the
 * table), and of the request's own members those that the table does not
 * name.
 */


#include "genai_anthropic_request.h"
#include "genai_writer.h"


/* kept while a request is walked, all zero at first */

typedef struct {
    uint32_t       message;
    uint32_t       part;
    uint8_t        role;            /* a genai_role_e */
    uint8_t        text;            /* kinds: of a block's texts, */
    uint8_t        inner;           /* of those of what is in it */
    uint8_t        seen;            /* the flags below, */
    uint8_t        outer;           /* and those of the block around it */
    unsigned       plain:1;         /* a document's source is a text */
} genai_anthropic_request_t;


/* of the block or tool that the walk is in */
#define GENAI_AR_WHOLE   0x01       /* it is told as uncovered */
#define GENAI_AR_SEALED  0x02       /* its data is encrypted */


static int genai_ar_model(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_stream(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_max(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_system(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_message(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_content(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_block(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_block_text(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_sealed(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_source(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_source_text(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_inner(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_inner_block(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_inner_text(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_tool(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_text(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_json(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_ar_other(genai_request_t *req,
    const genai_request_place_t *at);


#include "genai_anthropic_request_table.h"


static int genai_ar_is_entered(const genai_request_t *req,
    const genai_request_place_t *at);
static uint8_t genai_ar_kind_of(const genai_request_t *req, uint32_t i,
    const genai_anthropic_kind_t *kinds);
static int genai_ar_string(genai_request_t *req,
    const genai_anthropic_request_t *st, uint8_t kind, uint32_t i);
static int genai_ar_add(genai_request_t *req,
    const genai_anthropic_request_t *st, uint8_t kind, uint32_t i);


const genai_request_node_t *
genai_anthropic_request_nodes(genai_endpoint_e endpoint, size_t *state)
{
    *state = sizeof(genai_anthropic_request_t);

    switch (endpoint) {

    case GENAI_ENDPOINT_MESSAGES:
    case GENAI_ENDPOINT_COUNT_TOKENS:
        return &genai_ar_root;

    default:
        return NULL;
    }
}


int
genai_anthropic_ask_usage(const genai_request_t *req, genai_edits_t *edits)
{
    return 0;
}


int
genai_anthropic_set_model(const genai_request_t *req, genai_edits_t *edits,
    const genai_str_t *name)
{
    int             rc;
    genai_str_t     json;
    unsigned char  *p;

    static const genai_str_t  model = genai_str("model");

    json.len = genai_write_escaped_len(name->data, name->len) + 2;
    json.data = genai_arena_alloc(edits->arena, json.len);

    if (json.data == NULL) {
        return -1;
    }

    p = json.data;
    *p++ = '"';
    p = genai_write_escaped(p, name->data, name->len);
    *p = '"';

    rc = req->model ? genai_edit_value(edits, req->model, &json)
                    : genai_edit_set(edits, 0, &model, &json);

    return (rc == GENAI_EDIT_OK) ? 0 : -1;
}


/* it will stand in logs, and perhaps in a header */

static int
genai_ar_model(genai_request_t *req, const genai_request_place_t *at)
{
    size_t                n;
    uint32_t              c;
    genai_str_t           s;
    const unsigned char  *p, *end;

    s = genai_tape_view(&req->tape, at->index);

    n = 0;
    p = s.data;
    end = s.data + s.len;

    if (genai_tape_type(&req->tape, at->index) != GENAI_TAPE_STRING) {
        end = p;
    }

    while (p < end) {
        c = genai_tape_char(&p);
        n += (c < 0x80) ? 1 : (c < 0x800) ? 2 : (c < 0x10000) ? 3 : 4;

        if (c < ' ' || c == 0x7f || n > GENAI_REQUEST_MODEL_MAX) {
            n = 0;
            break;
        }
    }

    if (n == 0) {
        return genai_request_refuse(req, "must be a string of 1 to %d bytes"
                                    " without control characters",
                                    GENAI_REQUEST_MODEL_MAX);
    }

    req->model = at->index;

    return GENAI_WALK_GO;
}


static int
genai_ar_stream(genai_request_t *req, const genai_request_place_t *at)
{
    genai_tape_type_e  type;

    type = genai_tape_type(&req->tape, at->index);

    req->stream = (type == GENAI_TAPE_NULL) ? 0 : at->index;
    req->stream_asked = (type == GENAI_TAPE_TRUE);

    /* which it tells unasked */

    req->usage_asked = req->stream_asked;

    return GENAI_WALK_GO;
}


static int
genai_ar_max(genai_request_t *req, const genai_request_place_t *at)
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


static int
genai_ar_system(genai_request_t *req, const genai_request_place_t *at)
{
    int                         rc;
    genai_anthropic_request_t  *st;

    st = at->state;
    st->role = at->leave ? GENAI_ROLE_NONE : GENAI_ROLE_SYSTEM;

    if (at->leave || genai_ar_is_entered(req, at)) {
        return GENAI_WALK_GO;
    }

    rc = genai_ar_string(req, st, GENAI_SEGMENT_TEXT, at->index);
    st->role = GENAI_ROLE_NONE;

    return rc;
}


static int
genai_ar_message(genai_request_t *req, const genai_request_place_t *at)
{
    uint32_t                    role;
    genai_anthropic_request_t  *st;

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

    st->role = genai_ar_kind_of(req, role, genai_ar_roles);
    st->message = at->number;
    req->messages++;

    return GENAI_WALK_GO;
}


static int
genai_ar_content(genai_request_t *req, const genai_request_place_t *at)
{
    return (at->leave || genai_ar_is_entered(req, at)) ? GENAI_WALK_GO
           : genai_ar_string(req, at->state, GENAI_SEGMENT_TEXT, at->index);
}


static int
genai_ar_block(genai_request_t *req, const genai_request_place_t *at)
{
    int                         rc;
    uint8_t                     kind;
    uint32_t                    type;
    genai_anthropic_request_t  *st;

    st = at->state;

    if (at->leave) {
        st->part = 0;
        st->seen = 0;

        return GENAI_WALK_GO;
    }

    if (genai_tape_type(&req->tape, at->index) != GENAI_TAPE_OBJECT) {

        st->part = at->number;
        rc = genai_ar_string(req, st, GENAI_SEGMENT_TEXT, at->index);
        st->part = 0;

        return rc;
    }

    if (genai_request_find(req, at->index, "type", 4, &type)
        == GENAI_WALK_MORE)
    {
        return GENAI_WALK_MORE;
    }

    kind = genai_ar_kind_of(req, type, genai_ar_blocks);

    st->part = at->number;
    st->text = genai_segment_is_text(kind) ? kind : GENAI_SEGMENT_TEXT;
    st->plain = 0;
    st->seen = (kind == GENAI_SEGMENT_UNCOVERED) ? GENAI_AR_WHOLE : 0;

    if (type && kind == GENAI_SEGMENT_REASONING
        && genai_tape_named(&req->tape, type, "redacted_thinking", 17))
    {
        st->seen = GENAI_AR_SEALED;
    }

    return genai_segment_is_text(kind)
           ? GENAI_WALK_GO : genai_ar_add(req, st, kind, at->index);
}


static int
genai_ar_block_text(genai_request_t *req, const genai_request_place_t *at)
{
    genai_anthropic_request_t  *st;

    st = at->state;

    return genai_ar_string(req, st, st->text, at->index);
}


/* only who has encrypted it reads it */

static int
genai_ar_sealed(genai_request_t *req, const genai_request_place_t *at)
{
    genai_anthropic_request_t  *st;

    st = at->state;

    return (st->seen & GENAI_AR_SEALED) ? GENAI_WALK_GO
                                        : genai_ar_other(req, at);
}


/* of an image or a document, both told as a whole; or where it was found */

static int
genai_ar_source(genai_request_t *req, const genai_request_place_t *at)
{
    uint32_t                    type;
    genai_anthropic_request_t  *st;

    st = at->state;

    if (at->leave || !genai_ar_is_entered(req, at)) {
        st->plain = 0;

        return at->leave ? GENAI_WALK_GO
                         : genai_ar_string(req, st, st->text, at->index);
    }

    if (genai_request_find(req, at->index, "type", 4, &type)
        == GENAI_WALK_MORE)
    {
        return GENAI_WALK_MORE;
    }

    st->plain = (type
                 && genai_tape_type(&req->tape, type) == GENAI_TAPE_STRING
                 && genai_tape_named(&req->tape, type, "text", 4));
    st->inner = st->text;

    return GENAI_WALK_GO;
}


static int
genai_ar_source_text(genai_request_t *req, const genai_request_place_t *at)
{
    genai_anthropic_request_t  *st;

    st = at->state;

    return st->plain ? genai_ar_string(req, st, st->inner, at->index)
                     : GENAI_WALK_GO;
}


static int
genai_ar_inner(genai_request_t *req, const genai_request_place_t *at)
{
    genai_anthropic_request_t  *st;

    st = at->state;

    if (at->leave) {
        return GENAI_WALK_GO;
    }

    st->inner = st->text;

    return genai_ar_is_entered(req, at) ? GENAI_WALK_GO
                                        : genai_ar_inner_text(req, at);
}


static int
genai_ar_inner_block(genai_request_t *req, const genai_request_place_t *at)
{
    uint8_t                     kind;
    uint32_t                    type;
    genai_anthropic_request_t  *st;

    st = at->state;

    if (at->leave) {
        st->seen = st->outer;
        return GENAI_WALK_GO;
    }

    if (genai_tape_type(&req->tape, at->index) != GENAI_TAPE_OBJECT) {
        return genai_ar_inner_text(req, at);
    }

    if (genai_request_find(req, at->index, "type", 4, &type)
        == GENAI_WALK_MORE)
    {
        return GENAI_WALK_MORE;
    }

    kind = genai_ar_kind_of(req, type, genai_ar_blocks);

    st->outer = st->seen;

    if (st->seen & GENAI_AR_WHOLE) {
        return GENAI_WALK_GO;
    }

    st->seen = (kind == GENAI_SEGMENT_UNCOVERED) ? GENAI_AR_WHOLE : 0;

    return genai_segment_is_text(kind)
           ? GENAI_WALK_GO : genai_ar_add(req, st, kind, at->index);
}


static int
genai_ar_inner_text(genai_request_t *req, const genai_request_place_t *at)
{
    genai_anthropic_request_t  *st;

    st = at->state;

    return genai_ar_string(req, st, st->inner, at->index);
}


static int
genai_ar_tool(genai_request_t *req, const genai_request_place_t *at)
{
    int                         rc;
    uint32_t                    type;
    genai_anthropic_request_t  *st;

    st = at->state;

    if (at->leave) {
        st->message = 0;
        st->seen = 0;

        return GENAI_WALK_GO;
    }

    if (genai_request_find(req, at->index, "type", 4, &type)
        == GENAI_WALK_MORE)
    {
        return GENAI_WALK_MORE;
    }

    st->message = at->number;

    /* of a tool of the provider's nobody knows what its members are */

    if (type
        && genai_tape_type(&req->tape, type) != GENAI_TAPE_NULL
        && genai_ar_kind_of(req, type, genai_ar_tools)
           == GENAI_SEGMENT_UNCOVERED)
    {
        st->seen = GENAI_AR_WHOLE;

        return genai_ar_add(req, st, GENAI_SEGMENT_UNCOVERED, at->index);
    }

    rc = genai_ar_text(req, at);

    st->message = genai_ar_is_entered(req, at) ? at->number : 0;

    return rc;
}


static int
genai_ar_text(genai_request_t *req, const genai_request_place_t *at)
{
    if (at->leave || genai_ar_is_entered(req, at)) {
        return GENAI_WALK_GO;
    }

    return genai_ar_string(req, at->state, at->node->kind, at->index);
}


/* any value but null is read by the model, as it is written */

static int
genai_ar_json(genai_request_t *req, const genai_request_place_t *at)
{
    if (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_NULL) {
        return GENAI_WALK_GO;
    }

    return genai_ar_add(req, at->state, at->node->kind, at->index);
}


/* a member that nobody knows, which may be for the model */

static int
genai_ar_other(genai_request_t *req, const genai_request_place_t *at)
{
    genai_anthropic_request_t  *st;

    st = at->state;

    return ((st->seen & GENAI_AR_WHOLE) || genai_request_is_plain(req, at))
           ? GENAI_WALK_GO
           : genai_ar_add(req, st, GENAI_SEGMENT_UNCOVERED, at->index);
}


/* whether the walk goes on inside, and will be back to leave it */

static int
genai_ar_is_entered(const genai_request_t *req,
    const genai_request_place_t *at)
{
    return !at->leave
           && (at->node->enter
               & genai_walk_bit(genai_tape_type(&req->tape, at->index)));
}


/* of the string at i; 0, and what is no string, mean none of them */

static uint8_t
genai_ar_kind_of(const genai_request_t *req, uint32_t i,
    const genai_anthropic_kind_t *kinds)
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
genai_ar_string(genai_request_t *req, const genai_anthropic_request_t *st,
    uint8_t kind, uint32_t i)
{
    switch (genai_tape_type(&req->tape, i)) {

    case GENAI_TAPE_NULL:
        return GENAI_WALK_GO;

    case GENAI_TAPE_STRING:
        return genai_ar_add(req, st, kind, i);

    default:
        return (st->seen & GENAI_AR_WHOLE)
               ? GENAI_WALK_GO
               : genai_ar_add(req, st, GENAI_SEGMENT_UNCOVERED, i);
    }
}


static int
genai_ar_add(genai_request_t *req, const genai_anthropic_request_t *st,
    uint8_t kind, uint32_t i)
{
    return genai_request_segment(req, kind, st->role, i, st->message,
                                 st->part);
}
