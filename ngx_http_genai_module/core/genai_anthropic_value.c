/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the scanner finds in an answer in Anthropic's dialect, and which event
 * each value becomes.
 *
 * Most who speak the dialect tell a type before what is of that type, and a
 * number before what has it; some sort names.  So a block is also known by
 * what is in it, and what comes without a number is of the last block.
 */


#include "genai_anthropic_answer_int.h"
#include "genai_anthropic_table.h"


static int genai_aa_value(void *ctx, const genai_push_value_t *v);
static int genai_aa_start(genai_anthropic_answer_t *a, uint64_t offset);
static int genai_aa_counted(genai_anthropic_answer_t *a,
    const genai_push_value_t *v);
static int genai_aa_block(genai_anthropic_answer_t *a,
    const genai_push_value_t *v);
static int genai_aa_block_leave(genai_anthropic_answer_t *a,
    const genai_push_value_t *v);
static int genai_aa_block_type(genai_anthropic_answer_t *a,
    const genai_push_value_t *v);
static genai_anthropic_block_t *genai_aa_kind(genai_anthropic_answer_t *a,
    unsigned kind);
static int genai_aa_input(genai_anthropic_answer_t *a,
    const genai_push_value_t *v);
static int genai_aa_arguments(genai_anthropic_answer_t *a,
    const genai_push_value_t *v);
static int genai_aa_tool(genai_anthropic_answer_t *a, uint64_t end);
static int genai_aa_index(genai_anthropic_answer_t *a,
    const genai_push_value_t *v);
static void genai_aa_delta(genai_anthropic_answer_t *a);
static int genai_aa_text(genai_anthropic_answer_t *a,
    const genai_push_value_t *v);
static int genai_aa_thought(genai_anthropic_answer_t *a,
    const genai_push_value_t *v, genai_event_e type, genai_field_e field);
static int genai_aa_piece(genai_anthropic_answer_t *a,
    const genai_push_value_t *v, genai_event_e type, genai_field_e field,
    unsigned block, unsigned copy);
static int genai_aa_stop(genai_anthropic_answer_t *a,
    const genai_push_value_t *v);


void
genai_aa_read(genai_anthropic_answer_t *a)
{
    genai_push_init(&a->push, genai_aa_nodes, genai_aa_value, a);
}


static int
genai_aa_value(void *ctx, const genai_push_value_t *v)
{
    genai_anthropic_answer_t  *a = ctx;

    switch (v->tag) {

    case GENAI_AA_ROOT:

        /* what follows a whole answer is none of it: the scanner stops */

        a->base.closed = (v->what == GENAI_PUSH_LEAVE
                     && a->base.mode == GENAI_ANSWER_WHOLE);

        return a->base.closed;

    case GENAI_AA_TYPE:
        return genai_aa_word(&a->type, v);

    case GENAI_AA_INDEX:
        return genai_aa_index(a, v);

    case GENAI_AA_ID:
        return a->started ? 0 : genai_aa_word(&a->id, v);

    case GENAI_AA_MODEL:
        return a->started ? 0 : genai_aa_word(&a->model, v);

    case GENAI_AA_CONTENT:

        if (a->base.mode != GENAI_ANSWER_WHOLE) {
            return 0;
        }

        a->base.chunk |= GENAI_CHUNK_CHOICES;

        return genai_aa_start(a, v->start);

    case GENAI_AA_BLOCK:
        return (v->what == GENAI_PUSH_ENTER) ? genai_aa_block(a, v)
                                             : genai_aa_block_leave(a, v);

    case GENAI_AA_BLOCK_TYPE:
        return genai_aa_block_type(a, v);

    case GENAI_AA_BLOCK_ID:
        a->nid = v->first ? 0 : a->nid;

        return genai_aa_gather(a, v, a->u.tool.id, &a->nid,
                               GENAI_ANTHROPIC_ID_MAX,
                               "a tool call's id is too long");

    case GENAI_AA_BLOCK_NAME:
        a->nname = v->first ? 0 : a->nname;

        return genai_aa_gather(a, v, a->u.tool.name, &a->nname,
                               GENAI_ANTHROPIC_NAME_MAX,
                               "a tool's name is too long");

    case GENAI_AA_BLOCK_TEXT:
    case GENAI_AA_DELTA_TEXT:
        return genai_aa_text(a, v);

    case GENAI_AA_BLOCK_THINKING:
    case GENAI_AA_DELTA_THINKING:
        return genai_aa_thought(a, v, GENAI_EVENT_REASONING,
                                GENAI_FIELD_CONTENT);

    case GENAI_AA_BLOCK_SIGNATURE:
    case GENAI_AA_DELTA_SIGNATURE:
        return genai_aa_thought(a, v, GENAI_EVENT_SIGNATURE,
                                GENAI_FIELD_OF_THOUGHT);

    case GENAI_AA_BLOCK_DATA:
        return genai_aa_thought(a, v, GENAI_EVENT_SIGNATURE,
                                GENAI_FIELD_SEALED);

    case GENAI_AA_BLOCK_INPUT:
        return genai_aa_input(a, v);

    case GENAI_AA_DELTA:
        genai_aa_delta(a);
        return 0;

    case GENAI_AA_DELTA_JSON:
        return genai_aa_arguments(a, v);

    case GENAI_AA_STOP:
        return genai_aa_stop(a, v);

    case GENAI_AA_MESSAGE:

        if (v->what == GENAI_PUSH_STRING) {
            return genai_aa_flat(a, v);
        }

        if (v->what == GENAI_PUSH_ENTER) {
            a->message = 1;
            a->again = a->started;
            a->base.chunk |= GENAI_CHUNK_CHOICES;

            return 0;
        }

        a->message = 0;

        return genai_aa_start(a, v->start);

    case GENAI_AA_USAGE:
        genai_aa_usage(a, v);
        return 0;

    case GENAI_AA_INPUT_TOKENS:
        return genai_aa_count(a, v, GENAI_ANTHROPIC_INPUT);

    case GENAI_AA_OUTPUT_TOKENS:
        return genai_aa_count(a, v, GENAI_ANTHROPIC_OUTPUT);

    case GENAI_AA_CACHE_READ:
        return genai_aa_count(a, v, GENAI_ANTHROPIC_READ);

    case GENAI_AA_CACHE_WRITTEN:
        return genai_aa_count(a, v, GENAI_ANTHROPIC_WRITTEN);

    case GENAI_AA_CACHE_5M:
        return genai_aa_count(a, v, GENAI_ANTHROPIC_WRITTEN_5M);

    case GENAI_AA_CACHE_1H:
        return genai_aa_count(a, v, GENAI_ANTHROPIC_WRITTEN_1H);

    case GENAI_AA_THINKING_TOKENS:
        return genai_aa_count(a, v, GENAI_ANTHROPIC_THINKING);

    case GENAI_AA_ERROR:
        return genai_aa_error_value(a, v);

    case GENAI_AA_ERROR_MESSAGE:
        return genai_aa_message(a, v);

    case GENAI_AA_ERROR_TYPE:
        return genai_aa_word(&a->u.error.kind, v);

    case GENAI_AA_ERROR_CODE:
        return (v->type == GENAI_TAPE_NULL)
               ? 0 : genai_aa_word(&a->u.error.code, v);

    case GENAI_AA_FLAT_MESSAGE:
        return genai_aa_flat(a, v);

    case GENAI_AA_COUNT:
        return genai_aa_counted(a, v);
    }

    return 0;
}


static int
genai_aa_start(genai_anthropic_answer_t *a, uint64_t offset)
{
    genai_event_t  e;

    if (a->started) {
        return 0;
    }

    a->started = 1;

    genai_answer_event(&e, GENAI_EVENT_START);

    e.id = genai_aa_word_text(&a->id);
    e.name = genai_aa_word_text(&a->model);
    e.start = offset;
    e.end = offset;

    return (genai_aa_call(a, &e) < 0) ? -1 : 0;
}


/* what count_tokens answers is no usage: nothing was used */

static int
genai_aa_counted(genai_anthropic_answer_t *a, const genai_push_value_t *v)
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

    return (genai_aa_call(a, &e) < 0) ? -1 : 0;
}


static int
genai_aa_block(genai_anthropic_answer_t *a, const genai_push_value_t *v)
{
    unsigned  at;

    at = (a->base.mode == GENAI_ANSWER_WHOLE) ? v->index
         : a->index_known ? a->index : a->next;

    a->at = (at < GENAI_ANTHROPIC_BLOCKS) ? at : GENAI_ANTHROPIC_BLOCKS;

    memset(&a->block[a->at], 0, sizeof(genai_anthropic_block_t));

    a->in_block = 1;
    a->loose = 0;
    a->tool_id = 0;
    a->tool_name = 0;
    a->tool_told = 0;
    a->tool_start = v->start;
    a->kind.n = 0;
    a->nid = 0;
    a->nname = 0;
    a->base.chunk |= GENAI_CHUNK_CHOICES;

    return genai_aa_start(a, v->start);
}


static int
genai_aa_block_leave(genai_anthropic_answer_t *a, const genai_push_value_t *v)
{
    genai_event_t             e;
    genai_anthropic_block_t  *b;

    a->in_block = 0;
    b = &a->block[a->at];

    if (b->kind == GENAI_AA_BLOCK_CALLS) {

        if (genai_aa_tool(a, v->end) != 0) {
            return -1;
        }

        if (a->base.mode == GENAI_ANSWER_WHOLE) {
            return genai_aa_block_end(a, a->at, v->end);
        }

    } else if (b->kind == GENAI_AA_BLOCK_OTHER) {
        genai_answer_event(&e, GENAI_EVENT_MEDIA);
        e.start = v->start;
        e.end = v->start;

        return (genai_aa_call(a, &e) < 0) ? -1 : 0;
    }

    if (a->base.mode == GENAI_ANSWER_STREAM && a->next <= a->at
        && a->at < GENAI_ANTHROPIC_BLOCKS)
    {
        a->next = a->at + 1;
    }

    return 0;
}


static int
genai_aa_block_type(genai_anthropic_answer_t *a, const genai_push_value_t *v)
{
    unsigned     kind;
    genai_str_t  type;

    (void) genai_aa_word(&a->kind, v);

    if (!v->last) {
        return 0;
    }

    type = genai_aa_word_text(&a->kind);

    kind = genai_str_is(&type, "text") ? GENAI_AA_BLOCK_SAYS
           : genai_str_is(&type, "tool_use") ? GENAI_AA_BLOCK_CALLS
           : (genai_str_is(&type, "thinking")
              || genai_str_is(&type, "redacted_thinking"))
             ? GENAI_AA_BLOCK_THINKS
           : GENAI_AA_BLOCK_OTHER;

    (void) genai_aa_kind(a, kind);

    return 0;
}


/* the block is of that kind, if it is of none yet */

static genai_anthropic_block_t *
genai_aa_kind(genai_anthropic_answer_t *a, unsigned kind)
{
    genai_anthropic_block_t  *b;

    b = &a->block[a->at];

    if (b->kind != GENAI_AA_BLOCK_UNKNOWN) {
        return b;
    }

    b->kind = kind;

    if (kind == GENAI_AA_BLOCK_CALLS) {
        b->number = a->tools;
        a->tools += (a->tools < GENAI_ANTHROPIC_INDEX_MAX);

    } else if (kind == GENAI_AA_BLOCK_THINKS) {
        b->number = a->thoughts;
        a->thoughts += (a->thoughts < GENAI_ANTHROPIC_INDEX_MAX);
    }

    return b;
}


/*
 * The arguments as they stand in a block.  In a stream they are "{}" and come
 * in deltas, or, of some, they are all there is: "{" waits for what follows.
 */

static int
genai_aa_input(genai_anthropic_answer_t *a, const genai_push_value_t *v)
{
    genai_push_value_t        brace;
    genai_anthropic_block_t  *b;

    b = genai_aa_kind(a, GENAI_AA_BLOCK_CALLS);

    if (b->kind != GENAI_AA_BLOCK_CALLS) {
        return 0;
    }

    a->input_held &= !v->first;

    if (a->base.mode == GENAI_ANSWER_STREAM && (v->first || a->input_held)) {

        if (v->text.len == 0) {
            return 0;
        }

        if (v->first && v->text.len == 1 && v->text.data[0] == '{') {
            a->input_held = 1;
            a->input_start = v->start;
            return 0;
        }

        if (v->first ? genai_str_is(&v->text, "{}")
                     : v->text.data[0] == '}')
        {
            a->input_held = 0;
            return 0;
        }

        if (genai_aa_tool(a, a->input_held ? a->input_start : v->start) != 0) {
            return -1;
        }

        if (a->input_held) {
            a->input_held = 0;

            brace = *v;
            brace.text.data = (unsigned char *) "{";
            brace.text.len = 1;
            brace.start = a->input_start;
            brace.end = a->input_start + 1;
            brace.first = 1;
            brace.last = 0;

            if (genai_aa_piece(a, &brace, GENAI_EVENT_ARGUMENTS,
                               GENAI_FIELD_OBJECT, b->number, 0)
                != 0)
            {
                return -1;
            }
        }

        b->said = 2;
    }

    if (a->base.mode == GENAI_ANSWER_STREAM && b->said == 0) {
        return 0;
    }

    if (v->first && genai_aa_tool(a, v->start) != 0) {
        return -1;
    }

    b->said = 2;

    return genai_aa_piece(a, v, GENAI_EVENT_ARGUMENTS, GENAI_FIELD_OBJECT,
                          b->number, 0);
}


static int
genai_aa_arguments(genai_anthropic_answer_t *a, const genai_push_value_t *v)
{
    genai_anthropic_block_t  *b;

    if (v->text.len == 0 && v->first) {
        return 0;
    }

    b = &a->block[a->at];

    if (b->kind == GENAI_AA_BLOCK_UNKNOWN) {

        /* of a call that nothing is known of */

        b = genai_aa_kind(a, GENAI_AA_BLOCK_CALLS);

        a->nid = 0;
        a->nname = 0;
        a->tool_told = 0;
        a->tool_id = 0;
        a->tool_name = 0;
        a->tool_start = v->start;

        if (genai_aa_tool(a, v->start) != 0) {
            return -1;
        }
    }

    if (b->kind != GENAI_AA_BLOCK_CALLS) {
        return 0;
    }

    if (b->said == 0 && v->text.len) {
        b->said = 1;
    }

    return genai_aa_piece(a, v, GENAI_EVENT_ARGUMENTS, GENAI_FIELD_CONTENT,
                          b->number, b->said == 2);
}


int
genai_aa_block_end(genai_anthropic_answer_t *a, unsigned at, uint64_t offset)
{
    genai_event_t             e;
    genai_anthropic_block_t  *b;

    b = &a->block[at];

    if (b->kind != GENAI_AA_BLOCK_CALLS || b->said) {
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

    return (genai_aa_call(a, &e) < 0) ? -1 : 0;
}


/* of a call what has not been told */

static int
genai_aa_tool(genai_anthropic_answer_t *a, uint64_t end)
{
    genai_event_t  e;

    if (a->tool_told && (a->nid == 0 || a->tool_id)
        && (a->nname == 0 || a->tool_name))
    {
        return 0;
    }

    genai_answer_event(&e, GENAI_EVENT_TOOL);

    e.field = GENAI_FIELD_CONTENT;
    e.block = a->block[a->at].number;
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

    return (genai_aa_call(a, &e) < 0) ? -1 : 0;
}


static int
genai_aa_index(genai_anthropic_answer_t *a, const genai_push_value_t *v)
{
    int      rc;
    int64_t  n;

    rc = genai_aa_number(a, v, &n);

    if (rc != 0) {
        return 0;
    }

    if (n > GENAI_ANTHROPIC_INDEX_MAX) {
        a->fault = "an index is out of range";
        a->mark = v->start;
        return -1;
    }

    a->index = n;
    a->index_known = 1;

    return 0;
}


/* which block a delta is of */

static void
genai_aa_delta(genai_anthropic_answer_t *a)
{
    a->base.chunk |= GENAI_CHUNK_CHOICES;

    if (a->index_known) {
        a->at = (a->index < GENAI_ANTHROPIC_BLOCKS) ? a->index
                                                    : GENAI_ANTHROPIC_BLOCKS;
    }
}


static int
genai_aa_text(genai_anthropic_answer_t *a, const genai_push_value_t *v)
{
    if (a->block[a->at].kind == GENAI_AA_BLOCK_OTHER) {
        return 0;
    }

    return genai_aa_piece(a, v, GENAI_EVENT_TEXT, GENAI_FIELD_CONTENT, 0, 0);
}


/* some think within a block for text, which then is a thought beside it */

static int
genai_aa_thought(genai_anthropic_answer_t *a, const genai_push_value_t *v,
    genai_event_e type, genai_field_e field)
{
    unsigned                  number;
    genai_anthropic_block_t  *b;

    if (v->text.len == 0 && v->first) {
        return 0;
    }

    b = genai_aa_kind(a, GENAI_AA_BLOCK_THINKS);

    if (b->kind == GENAI_AA_BLOCK_THINKS) {
        number = b->number;

    } else if (b->kind != GENAI_AA_BLOCK_SAYS
               || field == GENAI_FIELD_SEALED)
    {
        return 0;

    } else {

        if (!a->loose) {
            a->loose = 1;
            a->thoughts += (a->thoughts < GENAI_ANTHROPIC_INDEX_MAX);
        }

        number = a->thoughts - 1;
    }

    return genai_aa_piece(a, v, type, field, number, 0);
}


/* a piece of text; a string that is empty as a whole says nothing */

static int
genai_aa_piece(genai_anthropic_answer_t *a, const genai_push_value_t *v,
    genai_event_e type, genai_field_e field, unsigned block, unsigned copy)
{
    genai_event_t  e;

    if (v->text.len == 0 && v->first) {
        return 0;
    }

    if (!a->started && genai_aa_start(a, v->start) != 0) {
        return -1;
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
    e.copy = copy;

    if (type == GENAI_EVENT_SIGNATURE) {
        e.name.data = (unsigned char *) "anthropic";
        e.name.len = sizeof("anthropic") - 1;
    }

    return (genai_aa_call(a, &e) < 0) ? -1 : 0;
}


static int
genai_aa_stop(genai_anthropic_answer_t *a, const genai_push_value_t *v)
{
    uint16_t  len;

    len = a->nstop;

    if (v->first) {
        len = 0;
        a->stop_start = v->start;
    }

    a->stop_end = v->end;

    if (genai_aa_gather(a, v, a->stop, &len, GENAI_ANTHROPIC_STOP_MAX,
                        "a stop_reason is too long")
        != 0)
    {
        return -1;
    }

    a->nstop = len;

    return 0;
}
