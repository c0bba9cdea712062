/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * OpenAI's requests: chat completions, completions, embeddings, moderations,
 * images and speech, and rerank, which is not OpenAI's own, with what
 * vLLM, SGLang, llama.cpp, DeepSeek, Mistral and OpenRouter add to them, each
 * a tree of places: genai_openai_request_table.h.
 *
 * A text is told wherever some provider reads one.  What stands in such a
 * place and is of no known shape is told as uncovered, never passed over:
 * who guards a model's input must know what he has not seen.  That holds for
 * all that is in a message, a part, a call, a tool, a tool's function, a
 * response_format and a prediction: there a member of no known name is told
 * as well, unless it is a number, true, false, null or empty.  What is not
 * told are, in these objects, members that mean something to programs alone
 * (ids, types, signatures, what is encrypted; the lists of the table), and of
 * the request's own members those that the table does not name: parameters,
 * metadata, what nobody is known to put before a model.
 */


#include "genai_openai_request.h"


/* kept while a request is walked, all zero at first */

typedef struct {
    uint32_t       message;
    uint32_t       part;
    uint32_t       mark;            /* segments before the part */
    uint8_t        role;            /* a genai_role_e */
    uint8_t        text;            /* kinds: of the place's own texts, */
    uint8_t        part_text;       /* of the part's, */
    uint8_t        inner_text;      /* and of those of what is in the part */
    uint8_t        seen;            /* the flags below, */
    uint8_t        outer;           /* and those of the part around it */
    unsigned       untyped:1;       /* the part does not tell its type */
    unsigned       tokens:1;        /* the prompt is one array of tokens */
} genai_openai_request_t;


/* of the part or tool that the walk is in */
#define GENAI_OPENAI_TOLD    0x01   /* it has a segment as a whole */
#define GENAI_OPENAI_WHOLE   0x02   /* which is uncovered */
#define GENAI_OPENAI_SEALED  0x04   /* its data is encrypted */


static int genai_openai_model(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_stream(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_options(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_usage(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_n(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_max(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_text(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_json(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_message(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_part(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_part_text(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_media(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_data(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_other(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_inner(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_inner_part(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_inner_text(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_detail(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_call(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_tool(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_choice(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_prediction(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_prompt(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_prompts(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_token(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_openai_item(genai_request_t *req,
    const genai_request_place_t *at);


#include "genai_openai_request_table.h"


static int genai_openai_is_entered(const genai_request_t *req,
    const genai_request_place_t *at);
static uint8_t genai_openai_kind_of(const genai_request_t *req, uint32_t i,
    const genai_openai_kind_t *kinds);
static uint8_t genai_openai_seen(const genai_request_t *req, uint32_t type,
    uint8_t kind);
static int genai_openai_string(genai_request_t *req,
    const genai_openai_request_t *st, uint8_t kind, uint32_t i);
static int genai_openai_add(genai_request_t *req,
    const genai_openai_request_t *st, uint8_t kind, uint32_t i);


const genai_request_node_t *
genai_openai_request_nodes(genai_endpoint_e endpoint, size_t *state)
{
    *state = sizeof(genai_openai_request_t);

    switch (endpoint) {

    case GENAI_ENDPOINT_CHAT:
        return &genai_openai_chat;

    case GENAI_ENDPOINT_COMPLETIONS:
        return &genai_openai_completions;

    case GENAI_ENDPOINT_EMBEDDINGS:
        return &genai_openai_embeddings;

    case GENAI_ENDPOINT_MODERATIONS:
        return &genai_openai_moderations;

    case GENAI_ENDPOINT_RERANK:
        return &genai_openai_rerank;

    case GENAI_ENDPOINT_IMAGES:
        return &genai_openai_images;

    case GENAI_ENDPOINT_AUDIO:
        return &genai_openai_speech;

    default:
        return NULL;
    }
}


/* it will stand in logs, and perhaps in a header */

static int
genai_openai_model(genai_request_t *req, const genai_request_place_t *at)
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
genai_openai_stream(genai_request_t *req, const genai_request_place_t *at)
{
    genai_tape_type_e  type;

    type = genai_tape_type(&req->tape, at->index);

    req->stream = (type == GENAI_TAPE_NULL) ? 0 : at->index;
    req->stream_asked = (type == GENAI_TAPE_TRUE);

    return GENAI_WALK_GO;
}


static int
genai_openai_options(genai_request_t *req, const genai_request_place_t *at)
{
    if (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_OBJECT) {
        req->stream_options = at->index;
    }

    return GENAI_WALK_GO;
}


static int
genai_openai_usage(genai_request_t *req, const genai_request_place_t *at)
{
    genai_tape_type_e  type;

    type = genai_tape_type(&req->tape, at->index);

    req->include_usage = (type == GENAI_TAPE_NULL) ? 0 : at->index;
    req->usage_asked = (type == GENAI_TAPE_TRUE);

    return GENAI_WALK_GO;
}


static int
genai_openai_n(genai_request_t *req, const genai_request_place_t *at)
{
    if (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_NULL) {
        return GENAI_WALK_GO;
    }

    if (at->node == &genai_openai_best_of_node) {
        return genai_request_int(req, at->index, 0, GENAI_REQUEST_CHOICES_MAX,
                                 &req->best_of);
    }

    req->n = at->index;

    return genai_request_int(req, at->index, 1, GENAI_REQUEST_CHOICES_MAX,
                             &req->choices);
}


/* a negative one is none: -1 is llama.cpp's and LM Studio's "no limit" */

static int
genai_openai_max(genai_request_t *req, const genai_request_place_t *at)
{
    int64_t    n;
    uint32_t  *max;

    if (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_NULL) {
        return GENAI_WALK_GO;
    }

    max = (at->node == &genai_openai_max_node) ? &req->max_tokens
                                               : &req->max_completion_tokens;
    *max = at->index;

    if (genai_request_int(req, at->index, -GENAI_WALK_INT_MAX,
                          GENAI_WALK_INT_MAX, &n)
        != GENAI_WALK_GO)
    {
        return GENAI_WALK_ERROR;
    }

    if (n >= 0 && (req->output_max < 0 || n < req->output_max)) {
        req->output_max = n;
    }

    return GENAI_WALK_GO;
}


static int
genai_openai_text(genai_request_t *req, const genai_request_place_t *at)
{
    genai_openai_request_t  *st;

    st = at->state;

    if (at->leave || genai_openai_is_entered(req, at)) {
        return GENAI_WALK_GO;
    }

    return genai_openai_string(req, st, at->node->kind == GENAI_SEGMENT_TEXT
                                        ? st->text : at->node->kind,
                               at->index);
}


/* any value but null is read by the model, as it is written */

static int
genai_openai_json(genai_request_t *req, const genai_request_place_t *at)
{
    if (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_NULL) {
        return GENAI_WALK_GO;
    }

    return genai_openai_add(req, at->state, at->node->kind, at->index);
}


static int
genai_openai_message(genai_request_t *req, const genai_request_place_t *at)
{
    uint32_t                 role;
    genai_openai_request_t  *st;

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

    st->role = genai_openai_kind_of(req, role, genai_openai_roles);
    st->message = at->number;
    req->messages++;

    return GENAI_WALK_GO;
}


static int
genai_openai_part(genai_request_t *req, const genai_request_place_t *at)
{
    int                      rc;
    uint8_t                  kind;
    uint32_t                 part;
    genai_openai_request_t  *st;

    st = at->state;

    if (at->leave) {
        rc = GENAI_WALK_GO;

        if (st->untyped && req->nsegments == st->mark) {
            rc = genai_openai_add(req, st, GENAI_SEGMENT_UNCOVERED,
                                  at->index);
        }

        st->part = 0;
        st->seen = 0;

        return rc;
    }

    if (genai_tape_type(&req->tape, at->index) != GENAI_TAPE_OBJECT) {

        st->part = at->number;
        rc = genai_openai_string(req, st, st->text, at->index);
        st->part = 0;

        return rc;
    }

    if (genai_request_find(req, at->index, "type", 4, &part)
        == GENAI_WALK_MORE)
    {
        return GENAI_WALK_MORE;
    }

    /* some providers take a part without a type for what is in it */

    kind = part ? genai_openai_kind_of(req, part, genai_openai_parts)
                : GENAI_SEGMENT_TEXT;

    st->part = at->number;
    st->mark = req->nsegments;
    st->untyped = (part == 0);
    st->seen = genai_openai_seen(req, part, kind);
    st->part_text = (kind == GENAI_SEGMENT_TEXT
                     || !genai_segment_is_text(kind)) ? st->text : kind;

    return (st->seen & GENAI_OPENAI_TOLD)
           ? genai_openai_add(req, st, kind, at->index) : GENAI_WALK_GO;
}


static int
genai_openai_part_text(genai_request_t *req, const genai_request_place_t *at)
{
    genai_openai_request_t  *st;

    st = at->state;

    return genai_openai_string(req, st, st->part_text, at->index);
}


static int
genai_openai_media(genai_request_t *req, const genai_request_place_t *at)
{
    genai_openai_request_t  *st;

    st = at->state;

    if ((st->seen & GENAI_OPENAI_TOLD)
        || genai_tape_type(&req->tape, at->index) == GENAI_TAPE_NULL)
    {
        return GENAI_WALK_GO;
    }

    return genai_openai_add(req, st, at->node->kind, at->index);
}


/* only who has encrypted it reads it */

static int
genai_openai_data(genai_request_t *req, const genai_request_place_t *at)
{
    genai_openai_request_t  *st;

    st = at->state;

    return (st->seen & (GENAI_OPENAI_SEALED|GENAI_OPENAI_TOLD))
           ? GENAI_WALK_GO : genai_openai_other(req, at);
}


/* a member that nobody knows, which may be for the model */

static int
genai_openai_other(genai_request_t *req, const genai_request_place_t *at)
{
    genai_tape_type_e              type;
    genai_openai_request_t        *st;
    const genai_request_member_t  *m;

    st = at->state;
    type = genai_tape_type(&req->tape, at->index);

    if ((st->seen & GENAI_OPENAI_WHOLE) || type < GENAI_TAPE_STRING
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

    return genai_openai_add(req, st, GENAI_SEGMENT_UNCOVERED, at->index);
}


/* a part's content, thinking: a text or parts once more */

static int
genai_openai_inner(genai_request_t *req, const genai_request_place_t *at)
{
    genai_openai_request_t  *st;

    st = at->state;

    if (at->leave) {
        return GENAI_WALK_GO;
    }

    st->inner_text = (at->node->kind == GENAI_SEGMENT_TEXT)
                     ? st->part_text : at->node->kind;

    if (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_ARRAY) {
        return GENAI_WALK_GO;
    }

    return genai_openai_inner_text(req, at);
}


static int
genai_openai_inner_part(genai_request_t *req, const genai_request_place_t *at)
{
    uint8_t                  kind;
    uint32_t                 part;
    genai_openai_request_t  *st;

    st = at->state;

    if (at->leave) {
        st->seen = st->outer;
        return GENAI_WALK_GO;
    }

    if (genai_tape_type(&req->tape, at->index) != GENAI_TAPE_OBJECT) {
        return genai_openai_inner_text(req, at);
    }

    if (genai_request_find(req, at->index, "type", 4, &part)
        == GENAI_WALK_MORE)
    {
        return GENAI_WALK_MORE;
    }

    kind = genai_openai_kind_of(req, part, genai_openai_parts);

    st->outer = st->seen;
    st->seen = genai_openai_seen(req, part, kind)
               | (st->outer & GENAI_OPENAI_WHOLE);

    return (st->seen & GENAI_OPENAI_TOLD)
           ? genai_openai_add(req, st, kind, at->index) : GENAI_WALK_GO;
}


static int
genai_openai_inner_text(genai_request_t *req, const genai_request_place_t *at)
{
    genai_openai_request_t  *st;

    st = at->state;

    return genai_openai_string(req, st, st->inner_text, at->index);
}


static int
genai_openai_detail(genai_request_t *req, const genai_request_place_t *at)
{
    int                      rc;
    uint8_t                  kind;
    uint32_t                 type;
    genai_openai_request_t  *st;

    st = at->state;

    if (at->leave) {
        st->part = 0;
        st->seen = 0;

        return GENAI_WALK_GO;
    }

    if (genai_request_find(req, at->index, "type", 4, &type)
        == GENAI_WALK_MORE)
    {
        return GENAI_WALK_MORE;
    }

    /* this also holds for what is no object, in which nothing is found */

    kind = genai_openai_kind_of(req, type, genai_openai_details);

    st->part = at->number;

    rc = genai_segment_is_text(kind)
         ? GENAI_WALK_GO : genai_openai_add(req, st, kind, at->index);

    st->part = 0;

    if (genai_openai_is_entered(req, at)) {
        st->part = at->number;
        st->seen = genai_openai_seen(req, type, kind);
    }

    return rc;
}


static int
genai_openai_call(genai_request_t *req, const genai_request_place_t *at)
{
    int                      rc;
    genai_openai_request_t  *st;

    st = at->state;
    st->part = at->number;

    rc = genai_openai_text(req, at);

    st->part = genai_openai_is_entered(req, at) ? at->number : 0;

    return rc;
}


static int
genai_openai_tool(genai_request_t *req, const genai_request_place_t *at)
{
    int                      rc;
    uint32_t                 type;
    genai_openai_request_t  *st;

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

    if (type
        && genai_openai_kind_of(req, type, genai_openai_tools)
           == GENAI_SEGMENT_UNCOVERED)
    {
        st->seen = GENAI_OPENAI_WHOLE;

        return genai_openai_add(req, st, GENAI_SEGMENT_UNCOVERED, at->index);
    }

    rc = genai_openai_text(req, at);

    st->message = genai_openai_is_entered(req, at) ? at->number : 0;

    return rc;
}


/* a word, "auto", or which tool */

static int
genai_openai_choice(genai_request_t *req, const genai_request_place_t *at)
{
    return (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_ARRAY)
           ? genai_openai_add(req, at->state, GENAI_SEGMENT_UNCOVERED,
                              at->index)
           : GENAI_WALK_GO;
}


static int
genai_openai_prediction(genai_request_t *req, const genai_request_place_t *at)
{
    genai_openai_request_t  *st;

    st = at->state;
    st->text = genai_openai_is_entered(req, at) ? GENAI_SEGMENT_PREDICTION
                                                : GENAI_SEGMENT_TEXT;

    return genai_openai_text(req, at);
}


static int
genai_openai_prompt(genai_request_t *req, const genai_request_place_t *at)
{
    uint32_t                 first;
    genai_openai_request_t  *st;

    st = at->state;

    if (at->leave) {
        st->message = 0;
        return GENAI_WALK_GO;
    }

    switch (genai_tape_type(&req->tape, at->index)) {

    case GENAI_TAPE_NULL:
        return GENAI_WALK_GO;

    case GENAI_TAPE_STRING:
        req->messages++;
        return genai_openai_add(req, st, at->node->kind, at->index);

    case GENAI_TAPE_ARRAY:
        first = genai_tape_first(&req->tape, at->index);

        st->tokens = (first && genai_tape_type(&req->tape, first)
                               == GENAI_TAPE_NUMBER);

        if (!st->tokens) {
            return GENAI_WALK_GO;
        }

        req->messages++;

        return genai_openai_add(req, st, GENAI_SEGMENT_TOKENS, at->index);

    default:
        return genai_openai_add(req, st, GENAI_SEGMENT_UNCOVERED, at->index);
    }
}


static int
genai_openai_prompts(genai_request_t *req, const genai_request_place_t *at)
{
    int                      rc;
    uint8_t                  kind;
    genai_tape_type_e        type;
    genai_openai_request_t  *st;

    st = at->state;
    type = genai_tape_type(&req->tape, at->index);

    if (at->leave) {
        return GENAI_WALK_GO;
    }

    if (st->tokens) {
        rc = genai_openai_token(req, at);
        return (rc == GENAI_WALK_GO) ? GENAI_WALK_OVER : rc;
    }

    kind = (type == GENAI_TAPE_STRING) ? at->node->kind
           : (type == GENAI_TAPE_ARRAY) ? GENAI_SEGMENT_TOKENS
           : GENAI_SEGMENT_UNCOVERED;

    st->message = at->number;
    req->messages++;

    return genai_openai_add(req, st, kind, at->index);
}


/* among tokens there is nothing else */

static int
genai_openai_token(genai_request_t *req, const genai_request_place_t *at)
{
    if (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_NUMBER) {
        return GENAI_WALK_GO;
    }

    return genai_openai_add(req, at->state, GENAI_SEGMENT_UNCOVERED,
                            at->index);
}


/* a text, or a part, whose texts are its members; an array of these */

static int
genai_openai_item(genai_request_t *req, const genai_request_place_t *at)
{
    int                      rc;
    genai_tape_type_e        type;
    genai_openai_request_t  *st;

    st = at->state;
    type = genai_tape_type(&req->tape, at->index);

    if (at->leave) {
        st->message = 0;
        return GENAI_WALK_GO;
    }

    if (type == GENAI_TAPE_NULL
        || (type == GENAI_TAPE_ARRAY && genai_openai_is_entered(req, at)))
    {
        return GENAI_WALK_GO;
    }

    st->message = req->messages++;

    if (type == GENAI_TAPE_OBJECT) {
        return GENAI_WALK_GO;
    }

    rc = genai_openai_string(req, st, at->node->kind, at->index);
    st->message = 0;

    return rc;
}


/* whether the walk goes on inside, and will be back to leave it */

static int
genai_openai_is_entered(const genai_request_t *req,
    const genai_request_place_t *at)
{
    return !at->leave
           && (at->node->enter
               & genai_walk_bit(genai_tape_type(&req->tape, at->index)));
}


/* of the string at i; 0, and what is no string, mean none of them */

static uint8_t
genai_openai_kind_of(const genai_request_t *req, uint32_t i,
    const genai_openai_kind_t *kinds)
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


/* what a part of the type at that index, of that kind, is */

static uint8_t
genai_openai_seen(const genai_request_t *req, uint32_t type, uint8_t kind)
{
    uint8_t  seen;

    seen = genai_openai_kind_of(req, type, genai_openai_sealed);

    if (!genai_segment_is_text(kind)) {
        seen |= GENAI_OPENAI_TOLD;
    }

    if (kind == GENAI_SEGMENT_UNCOVERED) {
        seen |= GENAI_OPENAI_WHOLE;
    }

    return seen;
}


/* a text, or nothing; anything else in its place is not covered */

static int
genai_openai_string(genai_request_t *req, const genai_openai_request_t *st,
    uint8_t kind, uint32_t i)
{
    switch (genai_tape_type(&req->tape, i)) {

    case GENAI_TAPE_NULL:
        return GENAI_WALK_GO;

    case GENAI_TAPE_STRING:
        return genai_openai_add(req, st, kind, i);

    default:
        return genai_openai_add(req, st, GENAI_SEGMENT_UNCOVERED, i);
    }
}


static int
genai_openai_add(genai_request_t *req, const genai_openai_request_t *st,
    uint8_t kind, uint32_t i)
{
    /* a tool says nothing but results */

    if (kind == GENAI_SEGMENT_TEXT && st->role == GENAI_ROLE_TOOL) {
        kind = GENAI_SEGMENT_RESULT;
    }

    return genai_request_segment(req, kind, st->role, i, st->message,
                                 st->part);
}
