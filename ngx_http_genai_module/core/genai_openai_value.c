/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the scanner finds in an answer in OpenAI's dialect, and which event
 * each value becomes.
 */


#include "genai_openai_answer_int.h"
#include "genai_openai_table.h"


/* not made part of genai_oa_value() */
#define genai_oa_apart  __attribute__((noinline))


static int genai_oa_value(void *ctx, const genai_push_value_t *v);
static genai_oa_apart int genai_oa_object_name(genai_openai_answer_t *a,
    const genai_push_value_t *v);
static int genai_oa_start(genai_openai_answer_t *a, uint64_t offset,
    genai_field_e field);
static genai_oa_apart int genai_oa_choice_enter(genai_openai_answer_t *a,
    const genai_push_value_t *v);
static genai_oa_apart int genai_oa_choice_leave(genai_openai_answer_t *a);
static genai_oa_apart int genai_oa_choice_index(genai_openai_answer_t *a,
    const genai_push_value_t *v);
static genai_oa_apart int genai_oa_finish(genai_openai_answer_t *a,
    const genai_push_value_t *v);
static int genai_oa_index(genai_openai_answer_t *a,
    const genai_push_value_t *v, unsigned *n);
static genai_oa_apart int genai_oa_piece(genai_openai_answer_t *a,
    const genai_push_value_t *v, genai_event_e type, genai_field_e field,
    unsigned copy);
static genai_oa_apart int genai_oa_thought(genai_openai_answer_t *a,
    const genai_push_value_t *v, genai_field_e field, unsigned source);
static genai_oa_apart int genai_oa_tool_enter(genai_openai_answer_t *a,
    const genai_push_value_t *v, genai_field_e field, unsigned block);
static genai_oa_apart int genai_oa_tool_index(genai_openai_answer_t *a,
    const genai_push_value_t *v);
static genai_oa_apart int genai_oa_arguments(genai_openai_answer_t *a,
    const genai_push_value_t *v);
static int genai_oa_tool_tell(genai_openai_answer_t *a, uint64_t end);
static genai_oa_apart int genai_oa_tool_leave(genai_openai_answer_t *a,
    const genai_push_value_t *v);
static genai_oa_apart int genai_oa_media(genai_openai_answer_t *a,
    const genai_push_value_t *v);
static genai_oa_apart int genai_oa_gather(genai_openai_answer_t *a,
    const genai_push_value_t *v, unsigned char *dst, uint16_t *len,
    unsigned max, const char *error);
static genai_oa_apart int genai_oa_word(genai_openai_word_t *w,
    const genai_push_value_t *v);
static genai_oa_apart int genai_oa_error_value(genai_openai_answer_t *a,
    const genai_push_value_t *v);
static genai_oa_apart int genai_oa_usage(genai_openai_answer_t *a,
    const genai_push_value_t *v, unsigned rank);
static genai_oa_apart int genai_oa_count(genai_openai_answer_t *a,
    const genai_push_value_t *v, int64_t *dst);
static genai_oa_apart int genai_oa_message(genai_openai_answer_t *a,
    const genai_push_value_t *v, unsigned first);


void
genai_oa_read(genai_openai_answer_t *a)
{
    genai_push_init(&a->push, genai_oa_nodes, genai_oa_value, a);
}


/*
 * A jump to what is to be done, for a callback that saves no registers costs
 * the half: what needs any is a function of its own, which is called last.
 */

static int
genai_oa_value(void *ctx, const genai_push_value_t *v)
{
    genai_openai_answer_t  *a = ctx;

    switch (v->tag) {

    case GENAI_OA_ROOT:

        /* what follows a whole answer is none of it: the scanner stops */

        a->base.closed = (v->what == GENAI_PUSH_LEAVE
                     && a->base.mode == GENAI_ANSWER_WHOLE);

        return a->base.closed;

    case GENAI_OA_ID:
        return a->started ? 0 : genai_oa_word(&a->id, v);

    case GENAI_OA_MODEL:
        return a->started ? 0 : genai_oa_word(&a->model, v);

    case GENAI_OA_OBJECT:
        return genai_oa_object_name(a, v);

    case GENAI_OA_LIST:

        if (a->base.mode != GENAI_ANSWER_WHOLE) {
            return 0;
        }

        a->base.chunk |= GENAI_CHUNK_CHOICES;

        return genai_oa_start(a, v->start, GENAI_FIELD_PART);

    case GENAI_OA_CHOICE:
        return (v->what == GENAI_PUSH_ENTER) ? genai_oa_choice_enter(a, v)
                                             : genai_oa_choice_leave(a);

    case GENAI_OA_INDEX:
        return genai_oa_choice_index(a, v);

    case GENAI_OA_FINISH:
        return genai_oa_finish(a, v);

    case GENAI_OA_MESSAGE:

        a->message = (v->what == GENAI_PUSH_ENTER);

        if (a->message && a->base.stream && !a->delta
            && !(a->said & GENAI_OA_BY_DELTA))
        {
            a->wait |= GENAI_OA_WAIT_DELTA;
        }

        return 0;

    case GENAI_OA_TEXT:
    case GENAI_OA_CONTENT:
        return genai_oa_piece(a, v, GENAI_EVENT_TEXT, GENAI_FIELD_CONTENT, 0);

    case GENAI_OA_PART:
    case GENAI_OA_PART_TEXT:
        return genai_oa_piece(a, v, GENAI_EVENT_TEXT, GENAI_FIELD_PART, 0);

    case GENAI_OA_REFUSAL:
        return genai_oa_piece(a, v, GENAI_EVENT_REFUSAL, GENAI_FIELD_CONTENT,
                              0);

    case GENAI_OA_PART_REFUSAL:
        return genai_oa_piece(a, v, GENAI_EVENT_REFUSAL, GENAI_FIELD_PART, 0);

    case GENAI_OA_REASONING_CONTENT:
        return genai_oa_thought(a, v, GENAI_FIELD_CONTENT, 1);

    case GENAI_OA_REASONING:
        return genai_oa_thought(a, v, GENAI_FIELD_REASONING, 2);

    case GENAI_OA_DETAIL_TEXT:
        return genai_oa_thought(a, v, GENAI_FIELD_DETAILS, 3);

    case GENAI_OA_THINKING:
    case GENAI_OA_THINKING_PART:
        return genai_oa_thought(a, v, GENAI_FIELD_PART, 4);

    case GENAI_OA_TOOL:
        return (v->what == GENAI_PUSH_ENTER)
               ? genai_oa_tool_enter(a, v, GENAI_FIELD_CONTENT, v->index)
               : genai_oa_tool_leave(a, v);

    case GENAI_OA_FUNCTION_CALL:
        return (v->what == GENAI_PUSH_ENTER)
               ? genai_oa_tool_enter(a, v, GENAI_FIELD_FUNCTION_CALL, 0)
               : genai_oa_tool_leave(a, v);

    case GENAI_OA_CUSTOM:
        a->tool_field = GENAI_FIELD_CUSTOM;
        return 0;

    case GENAI_OA_TOOL_INDEX:
        return genai_oa_tool_index(a, v);

    case GENAI_OA_TOOL_ID:
        a->nid = v->first ? 0 : a->nid;
        a->tool_new |= (v->text.len != 0);

        return genai_oa_gather(a, v, a->u.tool.id, &a->nid,
                               GENAI_OPENAI_ID_MAX,
                               "a tool call's id is too long");

    case GENAI_OA_NAME:
        a->nname = v->first ? 0 : a->nname;
        a->tool_new |= (v->text.len != 0);

        return genai_oa_gather(a, v, a->u.tool.name, &a->nname,
                               GENAI_OPENAI_NAME_MAX,
                               "a tool's name is too long");

    case GENAI_OA_ARGUMENTS:
        return genai_oa_arguments(a, v);

    case GENAI_OA_AUDIO_DATA:
    case GENAI_OA_IMAGE:
        return genai_oa_media(a, v);

    case GENAI_OA_USAGE:
        return genai_oa_usage(a, v, 3);

    case GENAI_OA_CHOICE_USAGE:
        return genai_oa_usage(a, v, 2);

    case GENAI_OA_GROQ_USAGE:
        return genai_oa_usage(a, v, 1);

    case GENAI_OA_PROMPT:
        return genai_oa_count(a, v, &a->usage.prompt);

    case GENAI_OA_COMPLETION:
        return genai_oa_count(a, v, &a->usage.completion);

    case GENAI_OA_TOTAL:
        return genai_oa_count(a, v, &a->usage.total);

    case GENAI_OA_CACHE_HIT:
    case GENAI_OA_CACHED:
        return genai_oa_count(a, v, &a->usage.cached);

    case GENAI_OA_WRITTEN:
        return genai_oa_count(a, v, &a->usage.written_5m);

    case GENAI_OA_AUDIO_TOKENS:
        return genai_oa_count(a, v, &a->usage.audio);

    case GENAI_OA_IMAGE_TOKENS:
        return genai_oa_count(a, v, &a->usage.image);

    case GENAI_OA_REASONING_TOKENS:
        return genai_oa_count(a, v, &a->usage.reasoning);

    case GENAI_OA_AUDIO_SAID:
        return genai_oa_count(a, v, &a->usage.audio_output);

    case GENAI_OA_ERROR:
        return genai_oa_error_value(a, v);

    case GENAI_OA_ERROR_MESSAGE:
        return genai_oa_message(a, v, v->first);

    case GENAI_OA_ERROR_TYPE:
        return genai_oa_word(&a->u.error.kind, v);

    case GENAI_OA_ERROR_CODE:
        return (v->type == GENAI_TAPE_NULL)
               ? 0 : genai_oa_word(&a->u.error.code, v);

    case GENAI_OA_FLAT_MESSAGE:

        /* where there are choices it is no error, and the room is theirs */

        if (a->base.chunk & (GENAI_CHUNK_CHOICES|GENAI_CHUNK_ERROR)) {
            return 0;
        }

        a->mark = v->first ? v->start : a->mark;

        return genai_oa_message(a, v, v->first);
    }

    return 0;
}


/* whether "object" is "error" */

static int
genai_oa_object_name(genai_openai_answer_t *a, const genai_push_value_t *v)
{
    unsigned  n;

    if (v->first) {
        a->nobject = 0;
        a->error_object = 1;
    }

    for (n = 0; n < v->text.len && a->error_object; n++) {
        a->error_object = (a->nobject < 5
                           && v->text.data[n] == "error"[a->nobject]);
        a->nobject++;
    }

    if (v->last && a->nobject != 5) {
        a->error_object = 0;
    }

    return 0;
}


static int
genai_oa_start(genai_openai_answer_t *a, uint64_t offset, genai_field_e field)
{
    genai_event_t  e;

    if (a->started) {
        return 0;
    }

    a->started = 1;

    genai_answer_event(&e, GENAI_EVENT_START);

    e.field = field;
    e.id.data = a->id.data;
    e.id.len = (a->id.n > GENAI_OPENAI_WORD_MAX) ? 0 : a->id.n;
    e.name.data = a->model.data;
    e.name.len = (a->model.n > GENAI_OPENAI_WORD_MAX) ? 0 : a->model.n;
    e.start = offset;
    e.end = offset;

    return (genai_oa_call(a, &e) < 0) ? -1 : 0;
}


static int
genai_oa_choice_enter(genai_openai_answer_t *a, const genai_push_value_t *v)
{
    a->base.chunk |= GENAI_CHUNK_CHOICES;
    a->nmessage = 0;
    a->choice = v->index & GENAI_OPENAI_INDEX_MAX;
    a->said = 0;
    a->thought = 0;
    a->nfinish = 0;
    a->message = 0;
    a->wait = (a->choices > 1) ? GENAI_OA_WAIT_CHOICE : 0;

    return genai_oa_start(a, v->start, GENAI_FIELD_NONE);
}


static int
genai_oa_choice_leave(genai_openai_answer_t *a)
{
    uint64_t       bit;
    genai_event_t  e;

    if (a->wait && genai_oa_release(a, a->wait) != 0) {
        return -1;
    }

    bit = (a->choice < 64) ? UINT64_C(1) << a->choice : 0;
    a->seen |= bit;

    if (a->nfinish == 0) {
        return 0;
    }

    genai_answer_event(&e, GENAI_EVENT_FINISH);

    e.choice = a->choice;
    e.text.data = a->finish;
    e.text.len = a->nfinish;
    e.finish = genai_openai_finish(&e.text);
    e.start = a->finish_start;
    e.end = a->finish_end;
    e.first = 1;
    e.last = 1;
    e.json = 1;
    e.copy = (a->finished & bit) ? 1 : 0;

    a->finished |= bit;

    return (genai_oa_call(a, &e) < 0) ? -1 : 0;
}


static int
genai_oa_choice_index(genai_openai_answer_t *a, const genai_push_value_t *v)
{
    unsigned  n;

    if (v->type == GENAI_TAPE_NULL) {
        return 0;
    }

    if (genai_oa_index(a, v, &n) != 0) {
        return -1;
    }

    /* too late where its place in the array has been believed */

    if (a->said == 0) {
        a->choice = n;
    }

    return (a->wait & GENAI_OA_WAIT_CHOICE)
           ? genai_oa_release(a, GENAI_OA_WAIT_CHOICE) : 0;
}


static int
genai_oa_finish(genai_openai_answer_t *a, const genai_push_value_t *v)
{
    uint16_t  len;

    len = a->nfinish;

    if (v->first) {
        len = 0;
        a->finish_start = v->start;
    }

    a->finish_end = v->end;

    if (genai_oa_gather(a, v, a->finish, &len, GENAI_OPENAI_FINISH_MAX,
                        "a finish_reason is too long")
        != 0)
    {
        return -1;
    }

    a->nfinish = len;

    return 0;
}


static int
genai_oa_index(genai_openai_answer_t *a, const genai_push_value_t *v,
    unsigned *n)
{
    int64_t  i;

    if (genai_push_int64(&v->text, &i) != 0 || i > GENAI_OPENAI_INDEX_MAX) {
        a->fault = "an index is out of range";
        a->mark = v->start;
        return -1;
    }

    *n = (unsigned) i;

    return 0;
}


/* a piece of text; a string that is empty as a whole says nothing */

static int
genai_oa_piece(genai_openai_answer_t *a, const genai_push_value_t *v,
    genai_event_e type, genai_field_e field,
    unsigned copy)
{
    genai_event_t  e;

    if (v->what > GENAI_PUSH_RAW || v->what < GENAI_PUSH_STRING
        || (v->text.len == 0 && v->first))
    {
        return 0;
    }

    genai_answer_event(&e, type);

    e.field = field;
    e.text = v->text;
    e.start = v->start;
    e.end = v->end;
    e.first = v->first;
    e.last = v->last;
    e.escaped = v->escaped;
    e.json = (v->what == GENAI_PUSH_STRING);
    e.copy = copy;

    return genai_oa_emit(a, &e);
}


/*
 * Some say the same in two fields of a chunk: the first of them that says
 * anything is believed.
 */

static int
genai_oa_thought(genai_openai_answer_t *a, const genai_push_value_t *v,
    genai_field_e field, unsigned source)
{
    if (v->what == GENAI_PUSH_STRING && v->text.len && a->thought == 0) {
        a->thought = source;
    }

    return genai_oa_piece(a, v, GENAI_EVENT_REASONING, field,
                          a->thought != source);
}


static int
genai_oa_tool_enter(genai_openai_answer_t *a, const genai_push_value_t *v,
    genai_field_e field, unsigned block)
{
    a->tool_field = field;
    a->tool_start = v->start;
    a->tool_new = 0;
    a->index_known = 0;
    a->nid = 0;
    a->nname = 0;
    a->hold_tool = a->nhold;
    a->block = block & GENAI_OPENAI_INDEX_MAX;

    /* in a whole message its place is its number */

    if (a->base.stream && !a->message && field != GENAI_FIELD_FUNCTION_CALL) {
        a->wait |= GENAI_OA_WAIT_TOOL;
    }

    return 0;
}


static int
genai_oa_tool_index(genai_openai_answer_t *a, const genai_push_value_t *v)
{
    unsigned  n;

    /* a whole message counts for itself */

    if (v->type == GENAI_TAPE_NULL || !(a->wait & GENAI_OA_WAIT_TOOL)) {
        return 0;
    }

    if (genai_oa_index(a, v, &n) != 0) {
        return -1;
    }

    a->index = n;
    a->index_known = 1;

    return (a->nhold > a->hold_tool) ? genai_oa_tool_place(a) : 0;
}


static int
genai_oa_arguments(genai_openai_answer_t *a, const genai_push_value_t *v)
{
    if (v->text.len && a->index_known
        && (a->wait & GENAI_OA_WAIT_TOOL)
        && genai_oa_tool_place(a) != 0)
    {
        return -1;
    }

    if (v->text.len && !(a->wait & GENAI_OA_WAIT_TOOL)
        && genai_oa_tool_tell(a, v->start) != 0)
    {
        return -1;
    }

    return genai_oa_piece(a, v, GENAI_EVENT_ARGUMENTS,
                          v->what == GENAI_PUSH_RAW
                          ? GENAI_FIELD_OBJECT : a->tool_field, 0);
}


/*
 * Finds the number of a tool call of a stream.  Some providers tell no index,
 * and some tell the same one for every call: a call with an id of its own
 * then is another one.
 */

int
genai_oa_tool_place(genai_openai_answer_t *a)
{
    uint32_t              hash;
    unsigned              block;
    genai_openai_call_t  *c, none;

    memset(&none, 0, sizeof(none));

    c = (a->choice < GENAI_OPENAI_CHOICES) ? &a->call[a->choice] : &none;
    hash = genai_oa_hash(a->u.tool.id, a->nid);

    if (a->index_known && (!c->any || a->index != c->index)) {
        block = a->index;

    } else if (!c->any) {
        block = 0;

    } else if (hash ? (hash != c->hash
                       && (!a->index_known || (c->hash && a->nname)))
                    : (!a->index_known && a->nname))
    {
        block = c->next;

    } else {
        block = c->block;
    }

    c->index = a->index_known ? a->index : block;
    c->block = block;
    c->hash = hash ? hash : c->hash;
    c->any = 1;

    if (c->next <= block && block < GENAI_OPENAI_INDEX_MAX) {
        c->next = block + 1;
    }

    a->block = block;
    a->wait &= ~GENAI_OA_WAIT_TOOL;

    if (a->nhold == a->hold_tool) {
        return 0;
    }

    genai_oa_hold_block(a);

    if (a->wait) {
        return 0;
    }

    /* its name was gathered meanwhile, and is told first */

    if (genai_oa_tool_tell(a, a->tool_start) != 0) {
        return -1;
    }

    return genai_oa_release(a, 0);
}


static int
genai_oa_tool_tell(genai_openai_answer_t *a, uint64_t end)
{
    genai_event_t  e;

    if (!a->tool_new) {
        return 0;
    }

    a->tool_new = 0;

    genai_answer_event(&e, GENAI_EVENT_TOOL);

    e.field = a->tool_field;
    e.id.data = a->u.tool.id;
    e.id.len = a->nid;
    e.name.data = a->u.tool.name;
    e.name.len = a->nname;
    e.start = a->tool_start;
    e.end = end;

    return genai_oa_emit(a, &e);
}


static int
genai_oa_tool_leave(genai_openai_answer_t *a, const genai_push_value_t *v)
{
    if ((a->wait & GENAI_OA_WAIT_TOOL) && genai_oa_tool_place(a) != 0) {
        return -1;
    }

    return genai_oa_tool_tell(a, v->end);
}


static int
genai_oa_media(genai_openai_answer_t *a, const genai_push_value_t *v)
{
    genai_event_t  e;

    if (!v->first
        || (v->what == GENAI_PUSH_STRING && v->text.len == 0))
    {
        return 0;
    }

    genai_answer_event(&e, GENAI_EVENT_MEDIA);
    e.start = v->start;
    e.end = v->start;

    return genai_oa_emit(a, &e);
}


/* gathers what is acted on */

static int
genai_oa_gather(genai_openai_answer_t *a, const genai_push_value_t *v,
    unsigned char *dst, uint16_t *len, unsigned max, const char *error)
{
    if (v->first) {
        a->mark = v->start;
    }

    if (v->text.len > max - *len) {
        a->fault = error;
        return -1;
    }

    if (v->text.len) {
        memcpy(dst + *len, v->text.data, v->text.len);
        *len += v->text.len;
    }

    return 0;
}


/* gathers what is told where it is short; n above the maximum: it is not */

static int
genai_oa_word(genai_openai_word_t *w, const genai_push_value_t *v)
{
    if (v->first) {
        w->n = 0;
    }

    if (v->text.len > (size_t) GENAI_OPENAI_WORD_MAX - w->n
        || w->n > GENAI_OPENAI_WORD_MAX)
    {
        w->n = GENAI_OPENAI_WORD_MAX + 1;
        return 0;
    }

    if (v->text.len) {
        memcpy(w->data + w->n, v->text.data, v->text.len);
        w->n += v->text.len;
    }

    return 0;
}


static int
genai_oa_error_value(genai_openai_answer_t *a, const genai_push_value_t *v)
{
    if (v->what == GENAI_PUSH_ENTER
        || (v->what != GENAI_PUSH_LEAVE && v->first))
    {
        genai_oa_error_clear(a);
        a->mark = v->start;
    }

    if (v->what == GENAI_PUSH_STRING
        || (v->what == GENAI_PUSH_SCALAR && v->text.data[0] != 'n'
            && v->text.data[0] != 'f' && v->text.data[0] != '0'))
    {
        genai_oa_message(a, v, v->first);
    }

    if (v->what == GENAI_PUSH_LEAVE ? v->end - v->start > 2
                                    : v->last && a->nmessage)
    {
        return genai_oa_error(a, a->mark, v->end);
    }

    return 0;
}


/* gathers an error's message up to the last character that fits */

static int
genai_oa_message(genai_openai_answer_t *a, const genai_push_value_t *v,
    unsigned first)
{
    size_t  n;

    if (first) {
        a->nmessage = 0;
        a->message_max = GENAI_EVENT_MESSAGE_MAX;
    }

    n = v->text.len;

    if (n > (size_t) a->message_max - a->nmessage) {
        n = a->message_max - a->nmessage;

        while (n && (v->text.data[n] & 0xc0) == 0x80) {
            n--;
        }
    }

    if (n) {
        memcpy(a->u.error.message + a->nmessage, v->text.data, n);
        a->nmessage += n;
    }

    if (n < v->text.len) {
        a->message_max = a->nmessage;
    }

    return 0;
}


int
genai_oa_error(genai_openai_answer_t *a, uint64_t start, uint64_t end)
{
    genai_event_t         e;
    genai_openai_word_t  *code, *kind;

    a->base.chunk |= GENAI_CHUNK_ERROR;

    genai_answer_event(&e, GENAI_EVENT_ERROR);

    code = &a->u.error.code;
    kind = &a->u.error.kind;

    e.text.data = a->u.error.message;
    e.text.len = a->nmessage;
    e.id.data = code->data;
    e.id.len = (code->n > GENAI_OPENAI_WORD_MAX) ? 0 : code->n;
    e.name.data = kind->data;
    e.name.len = (kind->n > GENAI_OPENAI_WORD_MAX) ? 0 : kind->n;
    e.start = start;
    e.end = end;

    a->nmessage = 0;

    return (genai_oa_call(a, &e) < 0) ? -1 : 0;
}


/*
 * Usage stands at the text's top, or in a choice, or in what one provider
 * adds: where there is more than one, the first of these places counts.
 */

static int
genai_oa_usage(genai_openai_answer_t *a, const genai_push_value_t *v,
    unsigned rank)
{
    if (v->what == GENAI_PUSH_LEAVE) {

        if (a->usage_read && a->usage_rank == 0) {
            a->usage_end = v->end;
        }

        a->usage_read = 0;

        return 0;
    }

    a->usage_read = (rank >= a->rank);
    a->usage_rank = rank;
    a->mark = v->start;

    return 0;
}


static int
genai_oa_count(genai_openai_answer_t *a, const genai_push_value_t *v,
    int64_t *dst)
{
    int64_t  n;

    /* what is no count is not told */

    if (!a->usage_read || genai_push_int64(&v->text, &n) != 0) {
        return 0;
    }

    /* an object without a count is no usage */

    if (a->usage_rank) {
        a->rank = a->usage_rank;
        a->usage_rank = 0;
        a->usage_start = a->mark;
        a->base.chunk |= GENAI_CHUNK_USAGE;
        genai_usage_clear(&a->usage);
    }

    /* the details are believed first */

    if (v->tag != GENAI_OA_CACHE_HIT || *dst < 0) {
        *dst = n;
    }

    return 0;
}
