/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the scanner finds in an answer of Bedrock's, and which event each value
 * becomes.
 *
 * AWS sorts names: the arguments of a whole answer's call stand before what
 * it calls, and a thought's signature before the thought.
 */


#include "genai_bedrock_answer_int.h"
#include "genai_bedrock_table.h"


static int genai_ba_value(void *ctx, const genai_push_value_t *v);
static int genai_ba_block(genai_bedrock_answer_t *a,
    const genai_push_value_t *v);
static genai_bedrock_block_t *genai_ba_begin(genai_bedrock_answer_t *a,
    unsigned at);
static genai_bedrock_block_t *genai_ba_kind(genai_bedrock_answer_t *a,
    unsigned kind);
static int genai_ba_tool(genai_bedrock_answer_t *a,
    const genai_push_value_t *v);
static int genai_ba_tool_name(genai_bedrock_answer_t *a,
    const genai_push_value_t *v, unsigned char *dst, uint16_t *len,
    unsigned max, const char *error);
static int genai_ba_tool_input(genai_bedrock_answer_t *a,
    const genai_push_value_t *v);
static int genai_ba_tool_end(genai_bedrock_answer_t *a, uint64_t end);
static int genai_ba_tool_tell(genai_bedrock_answer_t *a, uint64_t end);
static int genai_ba_held(genai_bedrock_answer_t *a, unsigned last);
static int genai_ba_arguments(genai_bedrock_answer_t *a,
    const genai_push_value_t *v);
static int genai_ba_index(genai_bedrock_answer_t *a,
    const genai_push_value_t *v);
static int genai_ba_thought(genai_bedrock_answer_t *a,
    const genai_push_value_t *v, genai_event_e type, genai_field_e field);
static int genai_ba_other(genai_bedrock_answer_t *a, uint64_t offset);
static int genai_ba_piece(genai_bedrock_answer_t *a,
    const genai_push_value_t *v, genai_event_e type, genai_field_e field,
    unsigned block);
static int genai_ba_stop(genai_bedrock_answer_t *a,
    const genai_push_value_t *v);
static void genai_ba_usage(genai_bedrock_answer_t *a,
    const genai_push_value_t *v);
static void genai_ba_count(genai_bedrock_answer_t *a,
    const genai_push_value_t *v, unsigned which);
static void genai_ba_detail(genai_bedrock_answer_t *a,
    const genai_push_value_t *v);
static int genai_ba_counted(genai_bedrock_answer_t *a,
    const genai_push_value_t *v);


void
genai_ba_read(genai_bedrock_answer_t *a)
{
    genai_push_init(&a->push, genai_ba_nodes, genai_ba_value, a);
}


static int
genai_ba_value(void *ctx, const genai_push_value_t *v)
{
    int64_t                  n;
    genai_str_t              word;
    genai_bedrock_answer_t  *a = ctx;

    switch (v->tag) {

    case GENAI_BA_ROOT:

        /* what follows a whole answer is none of it: the scanner stops */

        a->base.closed = (a->base.mode == GENAI_ANSWER_WHOLE);

        return a->base.closed;

    case GENAI_BA_CONTENT:
        a->base.chunk |= GENAI_CHUNK_CHOICES;
        return genai_ba_start(a, v->start);

    case GENAI_BA_BLOCK:
        return genai_ba_block(a, v);

    case GENAI_BA_TEXT:

        if (a->block[a->at].kind == GENAI_BA_BLOCK_OTHER) {
            return 0;
        }

        (void) genai_ba_kind(a, GENAI_BA_BLOCK_SAYS);

        return genai_ba_piece(a, v, GENAI_EVENT_TEXT, GENAI_FIELD_CONTENT, 0);

    case GENAI_BA_TOOL:
        return genai_ba_tool(a, v);

    case GENAI_BA_TOOL_ID:
        return genai_ba_tool_name(a, v, a->u.tool.id, &a->nid,
                                  GENAI_BEDROCK_ID_MAX,
                                  "a tool call's id is too long");

    case GENAI_BA_TOOL_NAME:
        return genai_ba_tool_name(a, v, a->u.tool.name, &a->nname,
                                  GENAI_BEDROCK_NAME_MAX,
                                  "a tool's name is too long");

    case GENAI_BA_TOOL_TYPE:
        genai_gather_word(&a->word, v);

        if (v->last) {
            word = genai_word_text(&a->word);
            a->server = genai_str_is(&word, "server_tool_use");
        }

        return 0;

    case GENAI_BA_TOOL_INPUT:
        return genai_ba_tool_input(a, v);

    case GENAI_BA_THOUGHT:
        return genai_ba_thought(a, v, GENAI_EVENT_REASONING,
                                GENAI_FIELD_CONTENT);

    case GENAI_BA_SIGNATURE:
        return genai_ba_thought(a, v, GENAI_EVENT_SIGNATURE,
                                GENAI_FIELD_OF_THOUGHT);

    case GENAI_BA_REDACTED:
        return genai_ba_thought(a, v, GENAI_EVENT_SIGNATURE,
                                GENAI_FIELD_SEALED);

    case GENAI_BA_OTHER:
        return genai_ba_other(a, v->start);

    case GENAI_BA_ROLE:
        a->base.chunk |= GENAI_CHUNK_CHOICES;
        return genai_ba_start(a, v->start);

    case GENAI_BA_INDEX:
        return genai_ba_index(a, v);

    case GENAI_BA_START:
        a->base.chunk |= GENAI_CHUNK_CHOICES;
        (void) genai_ba_begin(a, a->index_known ? a->index
                                 : a->at + (a->block[a->at].kind
                                            != GENAI_BA_BLOCK_UNKNOWN));
        return genai_ba_start(a, v->start);

    case GENAI_BA_DELTA:
        a->base.chunk |= GENAI_CHUNK_CHOICES;

        if (a->index_known) {
            a->at = (a->index < GENAI_BEDROCK_BLOCKS) ? a->index
                                                      : GENAI_BEDROCK_BLOCKS;
        }

        return 0;

    case GENAI_BA_DELTA_INPUT:
        return genai_ba_arguments(a, v);

    case GENAI_BA_STOP:
        return genai_ba_stop(a, v);

    case GENAI_BA_USAGE:
        genai_ba_usage(a, v);
        return 0;

    case GENAI_BA_INPUT_TOKENS:
        genai_ba_count(a, v, GENAI_BEDROCK_INPUT);
        return 0;

    case GENAI_BA_OUTPUT_TOKENS:
        genai_ba_count(a, v, GENAI_BEDROCK_OUTPUT);
        return 0;

    case GENAI_BA_TOTAL_TOKENS:
        genai_ba_count(a, v, GENAI_BEDROCK_TOTAL);
        return 0;

    case GENAI_BA_CACHE_READ:
        genai_ba_count(a, v, GENAI_BEDROCK_READ);
        return 0;

    case GENAI_BA_CACHE_WRITTEN:
        genai_ba_count(a, v, GENAI_BEDROCK_WRITTEN);
        return 0;

    case GENAI_BA_CACHE_DETAIL:
        genai_ba_detail(a, v);
        return 0;

    case GENAI_BA_CACHE_TTL:
        genai_gather_word(&a->word, v);

        if (v->last) {
            word = genai_word_text(&a->word);
            a->hour = genai_str_is(&word, "1h");
        }

        return 0;

    case GENAI_BA_CACHE_COUNT:

        if (genai_gather_number(&a->digits, v, &n) == 0) {
            a->detail = n;
        }

        return 0;

    case GENAI_BA_ERROR_MESSAGE:

        /* where there is an answer it is no error */

        if (a->failing || !(a->base.chunk & GENAI_CHUNK_CHOICES)) {
            a->mark = v->first ? v->start : a->mark;
            genai_gather_message(&a->u.message, v);
            a->nmessage = a->u.message.n;
            a->excuse = (v->what == GENAI_PUSH_STRING);
        }

        return 0;

    case GENAI_BA_COUNTED:
        return genai_ba_counted(a, v);
    }

    return 0;
}


int
genai_ba_start(genai_bedrock_answer_t *a, uint64_t offset)
{
    genai_event_t  e;

    if (a->started) {
        return 0;
    }

    a->started = 1;

    genai_answer_event(&e, GENAI_EVENT_START);

    e.start = offset;
    e.end = offset;

    return (genai_ba_call(a, &e) < 0) ? -1 : 0;
}


static int
genai_ba_block(genai_bedrock_answer_t *a, const genai_push_value_t *v)
{
    if (v->what == GENAI_PUSH_ENTER) {
        (void) genai_ba_begin(a, v->index);
        return 0;
    }

    return genai_ba_block_end(a, a->at, v->end);
}


static genai_bedrock_block_t *
genai_ba_begin(genai_bedrock_answer_t *a, unsigned at)
{
    a->at = (at < GENAI_BEDROCK_BLOCKS) ? at : GENAI_BEDROCK_BLOCKS;

    memset(&a->block[a->at], 0, sizeof(genai_bedrock_block_t));

    return &a->block[a->at];
}


/* the block is of that kind, if it is of none yet */

static genai_bedrock_block_t *
genai_ba_kind(genai_bedrock_answer_t *a, unsigned kind)
{
    genai_bedrock_block_t  *b;

    b = &a->block[a->at];

    if (b->kind != GENAI_BA_BLOCK_UNKNOWN
        && !(b->kind == GENAI_BA_BLOCK_SAYS
             && kind == GENAI_BA_BLOCK_THINKS))
    {
        return b;
    }

    b->kind = kind;

    if (kind == GENAI_BA_BLOCK_CALLS) {
        b->number = a->tools;
        a->tools += (a->tools < GENAI_BEDROCK_INDEX_MAX);

    } else if (kind == GENAI_BA_BLOCK_THINKS) {
        b->number = a->thoughts;
        a->thoughts += (a->thoughts < GENAI_BEDROCK_INDEX_MAX);
    }

    return b;
}


static int
genai_ba_tool(genai_bedrock_answer_t *a, const genai_push_value_t *v)
{
    if (v->what == GENAI_PUSH_LEAVE) {
        return genai_ba_tool_end(a, v->end);
    }

    a->in_tool = 1;
    a->server = 0;
    a->held = 0;
    a->over = 0;
    a->tool_told = 0;
    a->tool_id = 0;
    a->tool_name = 0;
    a->nid = 0;
    a->nname = 0;
    a->nhold = 0;
    a->tool_start = v->start;

    return 0;
}


static int
genai_ba_tool_name(genai_bedrock_answer_t *a, const genai_push_value_t *v,
    unsigned char *dst, uint16_t *len, unsigned max, const char *error)
{
    if (v->first) {
        a->mark = v->start;
        *len = 0;
    }

    if (genai_gather_bytes(dst, len, max, v) != 0) {

        /* how much of it came before depends on how the input was cut */

        *len = 0;
        a->fault = error;
        return -1;
    }

    return 0;
}


/* waits for what is called, as long as there is room */

static int
genai_ba_tool_input(genai_bedrock_answer_t *a, const genai_push_value_t *v)
{
    genai_push_value_t  piece;

    if (v->first) {
        a->held = 1;
        a->nhold = 0;
        a->hold_start = v->start;
    }

    if (!a->over) {

        if (genai_gather_bytes(a->u.tool.hold, &a->nhold,
                               GENAI_BEDROCK_HOLD, v)
            == 0)
        {
            a->hold_end = v->end;
            return 0;
        }

        a->over = 1;

        if (genai_ba_tool_tell(a, a->hold_start) != 0
            || (a->nhold && genai_ba_held(a, 0) != 0))
        {
            return -1;
        }

        piece = *v;
        piece.first = (a->nhold == 0);
        a->held = 0;

        return genai_ba_piece(a, &piece, GENAI_EVENT_ARGUMENTS,
                              GENAI_FIELD_OBJECT, a->block[a->at].number);
    }

    return genai_ba_piece(a, v, GENAI_EVENT_ARGUMENTS, GENAI_FIELD_OBJECT,
                          a->block[a->at].number);
}


static int
genai_ba_tool_end(genai_bedrock_answer_t *a, uint64_t end)
{
    if (!a->in_tool) {
        return 0;
    }

    a->in_tool = 0;

    if (a->server && !a->tool_told) {
        return genai_ba_other(a, a->tool_start);
    }

    if (genai_ba_tool_tell(a, end) != 0) {
        return -1;
    }

    /* of a block that begins these are none, they come */

    if (!a->held
        || (a->base.mode != GENAI_ANSWER_WHOLE && a->nhold == 2
            && memcmp(a->u.tool.hold, "{}", 2) == 0))
    {
        return 0;
    }

    a->held = 0;

    return genai_ba_held(a, 1);
}


/* of a call what has not been told */

static int
genai_ba_tool_tell(genai_bedrock_answer_t *a, uint64_t end)
{
    genai_event_t           e;
    genai_bedrock_block_t  *b;

    if (a->tool_told && (a->nid == 0 || a->tool_id)
        && (a->nname == 0 || a->tool_name))
    {
        return 0;
    }

    b = genai_ba_kind(a, GENAI_BA_BLOCK_CALLS);

    if (b->kind != GENAI_BA_BLOCK_CALLS
        || genai_ba_start(a, a->tool_start) != 0)
    {
        return b->kind == GENAI_BA_BLOCK_CALLS ? -1 : 0;
    }

    genai_answer_event(&e, GENAI_EVENT_TOOL);

    e.field = GENAI_FIELD_CONTENT;
    e.block = b->number;
    e.first = !a->tool_told;

    if (!a->tool_id) {
        e.id.data = a->u.tool.id;
        e.id.len = a->nid;
    }

    if (!a->tool_name) {
        e.name.data = a->u.tool.name;
        e.name.len = a->nname;
    }

    e.start = a->tool_start;
    e.end = end;

    a->tool_told = 1;
    a->tool_id |= (a->nid != 0);
    a->tool_name |= (a->nname != 0);

    return (genai_ba_call(a, &e) < 0) ? -1 : 0;
}


static int
genai_ba_held(genai_bedrock_answer_t *a, unsigned last)
{
    genai_push_value_t  v;

    memset(&v, 0, sizeof(genai_push_value_t));

    v.what = GENAI_PUSH_RAW;
    v.text.data = a->u.tool.hold;
    v.text.len = a->nhold;
    v.start = a->hold_start;
    v.end = a->hold_end;
    v.first = 1;
    v.last = last;

    return genai_ba_piece(a, &v, GENAI_EVENT_ARGUMENTS, GENAI_FIELD_OBJECT,
                          a->block[a->at].number);
}


static int
genai_ba_arguments(genai_bedrock_answer_t *a, const genai_push_value_t *v)
{
    genai_bedrock_block_t  *b;

    if (v->text.len == 0 && v->first) {
        return 0;
    }

    b = &a->block[a->at];

    if (b->kind == GENAI_BA_BLOCK_UNKNOWN) {

        /* of a call that nothing is known of */

        a->tool_told = 0;
        a->tool_id = 0;
        a->tool_name = 0;
        a->nid = 0;
        a->nname = 0;
        a->tool_start = v->start;

        if (genai_ba_tool_tell(a, v->start) != 0) {
            return -1;
        }
    }

    return (b->kind == GENAI_BA_BLOCK_CALLS)
           ? genai_ba_piece(a, v, GENAI_EVENT_ARGUMENTS, GENAI_FIELD_CONTENT,
                            b->number)
           : 0;
}


int
genai_ba_block_end(genai_bedrock_answer_t *a, unsigned at, uint64_t offset)
{
    genai_event_t           e;
    genai_bedrock_block_t  *b;

    b = &a->block[at];

    if (b->kind != GENAI_BA_BLOCK_CALLS || b->said) {
        return 0;
    }

    b->said = 1;

    genai_answer_event(&e, GENAI_EVENT_ARGUMENTS);

    e.field = GENAI_FIELD_OBJECT;
    e.block = b->number;
    e.text.data = (unsigned char *) "{}";
    e.text.len = 2;
    e.start = offset;
    e.end = offset;
    e.first = 1;
    e.last = 1;

    return (genai_ba_call(a, &e) < 0) ? -1 : 0;
}


int
genai_ba_stopped(genai_bedrock_answer_t *a, uint64_t offset)
{
    if (!a->in_tool || a->server) {
        return 0;
    }

    a->in_tool = 0;

    if (genai_ba_tool_tell(a, a->held ? a->hold_start : offset) != 0) {
        return -1;
    }

    if (!a->held || a->nhold == 0) {
        return 0;
    }

    a->held = 0;

    return genai_ba_held(a, 0);
}


static int
genai_ba_index(genai_bedrock_answer_t *a, const genai_push_value_t *v)
{
    int64_t  n;

    if (genai_gather_number(&a->digits, v, &n) != 0) {
        return 0;
    }

    if (n > GENAI_BEDROCK_INDEX_MAX) {
        a->fault = "an index is out of range";
        a->mark = v->start;
        return -1;
    }

    a->index = n;
    a->index_known = 1;

    return 0;
}


static int
genai_ba_thought(genai_bedrock_answer_t *a, const genai_push_value_t *v,
    genai_event_e type, genai_field_e field)
{
    genai_bedrock_block_t  *b;

    if (v->text.len == 0 && v->first) {
        return 0;
    }

    b = genai_ba_kind(a, GENAI_BA_BLOCK_THINKS);

    return (b->kind == GENAI_BA_BLOCK_THINKS)
           ? genai_ba_piece(a, v, type, field, b->number) : 0;
}


/* what a client of another dialect is told nothing of */

static int
genai_ba_other(genai_bedrock_answer_t *a, uint64_t offset)
{
    genai_event_t           e;
    genai_bedrock_block_t  *b;

    b = &a->block[a->at];

    if (b->kind != GENAI_BA_BLOCK_UNKNOWN) {
        return 0;
    }

    b->kind = GENAI_BA_BLOCK_OTHER;

    if (genai_ba_start(a, offset) != 0) {
        return -1;
    }

    genai_answer_event(&e, GENAI_EVENT_MEDIA);

    e.start = offset;
    e.end = offset;

    return (genai_ba_call(a, &e) < 0) ? -1 : 0;
}


/* a piece of text; a string that is empty as a whole says nothing */

static int
genai_ba_piece(genai_bedrock_answer_t *a, const genai_push_value_t *v,
    genai_event_e type, genai_field_e field, unsigned block)
{
    genai_event_t  e;

    if (v->text.len == 0 && v->first) {
        return 0;
    }

    if (!a->started && genai_ba_start(a, v->start) != 0) {
        return -1;
    }

    if (type == GENAI_EVENT_ARGUMENTS) {
        a->block[a->at].said = 1;
    }

    genai_answer_event(&e, type);

    e.field = field;
    e.block = block;
    e.text = v->text;
    e.start = v->start;
    e.end = v->end;
    e.first = v->first;
    e.last = v->last;
    e.escaped = v->escaped;
    e.json = (v->what == GENAI_PUSH_STRING);

    if (type == GENAI_EVENT_SIGNATURE) {
        e.name.data = (unsigned char *) "bedrock";
        e.name.len = sizeof("bedrock") - 1;
    }

    return (genai_ba_call(a, &e) < 0) ? -1 : 0;
}


static int
genai_ba_stop(genai_bedrock_answer_t *a, const genai_push_value_t *v)
{
    if (v->first) {
        a->mark = v->start;
        a->nstop = 0;
        a->stop_start = v->start;
    }

    a->stop_end = v->end;

    if (genai_gather_bytes(a->stop, &a->nstop, GENAI_BEDROCK_STOP_MAX, v)
        != 0)
    {
        a->nstop = 0;
        a->fault = "a stopReason is too long";
        return -1;
    }

    return 0;
}


static void
genai_ba_usage(genai_bedrock_answer_t *a, const genai_push_value_t *v)
{
    unsigned  i;

    if (v->what == GENAI_PUSH_ENTER) {

        for (i = 0; i < GENAI_BEDROCK_COUNTS; i++) {
            a->count[i] = -1;
        }

        return;
    }

    a->usage_start = v->start;
    a->usage_end = v->end;
    a->base.chunk |= GENAI_CHUNK_USAGE;
}


/* what is no count is not told */

static void
genai_ba_count(genai_bedrock_answer_t *a, const genai_push_value_t *v,
    unsigned which)
{
    int64_t  n;

    if (genai_gather_number(&a->digits, v, &n) == 0) {
        a->count[which] = n;
    }
}


/* how long what was written to a cache stays there */

static void
genai_ba_detail(genai_bedrock_answer_t *a, const genai_push_value_t *v)
{
    int64_t  *n;

    if (v->what == GENAI_PUSH_ENTER) {
        a->detail = -1;
        a->hour = 0;
        return;
    }

    n = &a->count[GENAI_BEDROCK_WRITTEN_1H];

    if (a->hour && a->detail >= 0 && *n <= GENAI_COUNT_MAX) {
        *n = (*n > 0 ? *n : 0) + a->detail;
    }
}


/* what CountTokens answers is no usage: nothing was used */

static int
genai_ba_counted(genai_bedrock_answer_t *a, const genai_push_value_t *v)
{
    genai_event_t  e;

    if (a->base.mode != GENAI_ANSWER_WHOLE || a->started) {
        return 0;
    }

    a->started = 1;
    a->base.chunk |= GENAI_CHUNK_CHOICES;

    genai_answer_event(&e, GENAI_EVENT_START);

    e.field = GENAI_FIELD_PART;
    e.start = v->start;
    e.end = v->start;

    return (genai_ba_call(a, &e) < 0) ? -1 : 0;
}
