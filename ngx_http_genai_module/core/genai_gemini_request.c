/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gemini's requests: generateContent and countTokens, as a tree of places:
 * genai_gemini_request_table.h.
 *
 * A text is told wherever a model reads one.  What stands in such a place and
 * is of no known shape is told as uncovered, never passed over; that holds
 * for all that is in a content, a part and a tool, where a member of no known
 * name is told as well, unless it is a number, true, false, null or empty.
 * Not told are members that mean something to programs alone (the list of
 * the table), and of the request's own members those that the table does not
 * name.
 */


#include "genai_gemini_request.h"


/* kept while a request is walked, all zero at first */

typedef struct {
    uint32_t  message;
    uint32_t  part;
    uint8_t   role;                 /* a genai_role_e */
    uint8_t   thought;              /* the part is one */
} genai_gemini_request_t;


static int genai_gr_system(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_gr_contents(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_gr_content(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_gr_part(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_gr_part_text(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_gr_blob(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_gr_function(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_gr_max(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_gr_count(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_gr_text(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_gr_json(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_gr_other(genai_request_t *req,
    const genai_request_place_t *at);


#include "genai_gemini_request_table.h"


static int genai_gr_begin(genai_request_t *req,
    const genai_request_place_t *at);
static int genai_gr_is_entered(const genai_request_t *req,
    const genai_request_place_t *at);
static int genai_gr_is(const genai_request_t *req, uint32_t i,
    const char *word);
static int genai_gr_add(genai_request_t *req,
    const genai_gemini_request_t *st, uint8_t kind, uint32_t i);


const genai_request_node_t *
genai_gemini_request_nodes(genai_endpoint_e endpoint, size_t *state)
{
    *state = sizeof(genai_gemini_request_t);

    switch (endpoint) {

    case GENAI_ENDPOINT_GENERATE:
        return &genai_gr_root;

    case GENAI_ENDPOINT_COUNT_TOKENS:
        return &genai_gr_counted;

    default:
        return NULL;
    }
}


int
genai_gemini_ask_usage(const genai_request_t *req, genai_edits_t *edits)
{
    return 0;
}


int
genai_gemini_set_model(const genai_request_t *req, genai_edits_t *edits,
    const genai_str_t *name)
{
    return 0;
}


static int
genai_gr_system(genai_request_t *req, const genai_request_place_t *at)
{
    int                      rc;
    genai_gemini_request_t  *st;

    st = at->state;
    st->role = at->leave ? GENAI_ROLE_NONE : GENAI_ROLE_SYSTEM;

    if (at->leave || genai_gr_is_entered(req, at)) {
        return GENAI_WALK_GO;
    }

    rc = genai_gr_part_text(req, at);
    st->role = GENAI_ROLE_NONE;

    return rc;
}


/* one content may stand without a list around it */

static int
genai_gr_contents(genai_request_t *req, const genai_request_place_t *at)
{
    if (genai_tape_type(&req->tape, at->index) != GENAI_TAPE_OBJECT) {
        return GENAI_WALK_GO;
    }

    return genai_gr_begin(req, at);
}


static int
genai_gr_content(genai_request_t *req, const genai_request_place_t *at)
{
    if (!at->leave && !genai_gr_is_entered(req, at)) {
        return genai_gr_text(req, at);
    }

    return genai_gr_begin(req, at);
}


static int
genai_gr_begin(genai_request_t *req, const genai_request_place_t *at)
{
    uint32_t                 role;
    genai_gemini_request_t  *st;

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

    st->role = (role == 0 || genai_gr_is(req, role, "user")
                || genai_gr_is(req, role, "")) ? GENAI_ROLE_USER
               : genai_gr_is(req, role, "model") ? GENAI_ROLE_ASSISTANT
               : (genai_gr_is(req, role, "function")
                  || genai_gr_is(req, role, "tool")) ? GENAI_ROLE_TOOL
               : genai_gr_is(req, role, "system") ? GENAI_ROLE_SYSTEM
               : GENAI_ROLE_OTHER;
    st->message = at->number;
    req->messages++;

    return GENAI_WALK_GO;
}


static int
genai_gr_part(genai_request_t *req, const genai_request_place_t *at)
{
    int                      rc;
    uint32_t                 thought;
    genai_gemini_request_t  *st;

    st = at->state;
    st->thought = 0;

    if (at->leave) {
        st->part = 0;
        return GENAI_WALK_GO;
    }

    if (genai_request_find(req, at->index, "thought", 7, &thought)
        == GENAI_WALK_MORE)
    {
        return GENAI_WALK_MORE;
    }

    st->part = at->number;

    if (genai_gr_is_entered(req, at)) {
        st->thought = (thought && genai_tape_type(&req->tape, thought)
                                  == GENAI_TAPE_TRUE);
        return GENAI_WALK_GO;
    }

    rc = genai_gr_part_text(req, at);
    st->part = 0;

    return rc;
}


static int
genai_gr_part_text(genai_request_t *req, const genai_request_place_t *at)
{
    genai_gemini_request_t  *st;

    st = at->state;

    switch (genai_tape_type(&req->tape, at->index)) {

    case GENAI_TAPE_NULL:
        return GENAI_WALK_GO;

    case GENAI_TAPE_STRING:
        return genai_gr_add(req, st, st->thought ? GENAI_SEGMENT_REASONING
                                                : GENAI_SEGMENT_TEXT,
                            at->index);

    default:
        return genai_gr_add(req, at->state, GENAI_SEGMENT_UNCOVERED,
                            at->index);
    }
}


static int
genai_gr_blob(genai_request_t *req, const genai_request_place_t *at)
{
    uint8_t      kind;
    uint32_t     type;
    genai_str_t  mime;

    if (genai_request_find(req, at->index, "mimeType", 8, &type)
        == GENAI_WALK_MORE)
    {
        return GENAI_WALK_MORE;
    }

    if (type == 0) {
        type = genai_tape_find(&req->tape, at->index, "mime_type", 9);
    }

    kind = GENAI_SEGMENT_FILE;

    if (type && genai_tape_type(&req->tape, type) == GENAI_TAPE_STRING) {
        mime = genai_tape_view(&req->tape, type);

        if (mime.len > 6 && memcmp(mime.data, "image/", 6) == 0) {
            kind = GENAI_SEGMENT_IMAGE;

        } else if (mime.len > 6 && memcmp(mime.data, "audio/", 6) == 0) {
            kind = GENAI_SEGMENT_AUDIO;
        }
    }

    return genai_gr_add(req, at->state, kind, at->index);
}


static int
genai_gr_function(genai_request_t *req, const genai_request_place_t *at)
{
    genai_gemini_request_t  *st;

    st = at->state;
    st->message = at->leave ? 0 : at->number;

    return genai_gr_text(req, at);
}


static int
genai_gr_max(genai_request_t *req, const genai_request_place_t *at)
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
genai_gr_count(genai_request_t *req, const genai_request_place_t *at)
{
    int64_t  n;

    if (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_NULL) {
        return GENAI_WALK_GO;
    }

    if (genai_request_int(req, at->index, 0, GENAI_REQUEST_CHOICES_MAX, &n)
        != GENAI_WALK_GO)
    {
        return GENAI_WALK_ERROR;
    }

    req->n = at->index;
    req->choices = n ? n : 1;

    return GENAI_WALK_GO;
}


/* a text, or nothing; anything else in its place is not covered */

static int
genai_gr_text(genai_request_t *req, const genai_request_place_t *at)
{
    if (at->leave || genai_gr_is_entered(req, at)) {
        return GENAI_WALK_GO;
    }

    switch (genai_tape_type(&req->tape, at->index)) {

    case GENAI_TAPE_NULL:
        return GENAI_WALK_GO;

    case GENAI_TAPE_STRING:
        return genai_gr_add(req, at->state, at->node->kind, at->index);

    default:
        return genai_gr_add(req, at->state, GENAI_SEGMENT_UNCOVERED,
                            at->index);
    }
}


/* any value but null is read by the model, as it is written */

static int
genai_gr_json(genai_request_t *req, const genai_request_place_t *at)
{
    if (genai_tape_type(&req->tape, at->index) == GENAI_TAPE_NULL) {
        return GENAI_WALK_GO;
    }

    return genai_gr_add(req, at->state, at->node->kind, at->index);
}


/* a member that nobody knows, which may be for the model */

static int
genai_gr_other(genai_request_t *req, const genai_request_place_t *at)
{
    return genai_request_is_plain(req, at)
           ? GENAI_WALK_GO
           : genai_gr_add(req, at->state, GENAI_SEGMENT_UNCOVERED, at->index);
}


/* whether the walk goes on inside, and will be back to leave it */

static int
genai_gr_is_entered(const genai_request_t *req,
    const genai_request_place_t *at)
{
    return !at->leave
           && (at->node->enter
               & genai_walk_bit(genai_tape_type(&req->tape, at->index)));
}


static int
genai_gr_is(const genai_request_t *req, uint32_t i, const char *word)
{
    return genai_tape_type(&req->tape, i) == GENAI_TAPE_STRING
           && genai_tape_named(&req->tape, i, word, strlen(word));
}


static int
genai_gr_add(genai_request_t *req, const genai_gemini_request_t *st,
    uint8_t kind, uint32_t i)
{
    return genai_request_segment(req, kind, st->role, i, st->message,
                                 st->part);
}
