/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the scanner finds in an answer in Gemini's dialect, and which event
 * each value becomes.
 */


#include "genai_gemini_answer_int.h"
#include "genai_gemini_table.h"


static int genai_ga_value(void *ctx, const genai_push_value_t *v);
static int genai_ga_again(genai_gemini_answer_t *a, uint64_t offset);
static int genai_ga_start(genai_gemini_answer_t *a, uint64_t offset,
    genai_field_e field);
static int genai_ga_candidate(genai_gemini_answer_t *a,
    const genai_push_value_t *v);
static int genai_ga_index(genai_gemini_answer_t *a,
    const genai_push_value_t *v);
static int genai_ga_part(genai_gemini_answer_t *a,
    const genai_push_value_t *v);
static int genai_ga_thought(genai_gemini_answer_t *a,
    const genai_push_value_t *v);
static int genai_ga_function(genai_gemini_answer_t *a,
    const genai_push_value_t *v);
static int genai_ga_function_name(genai_gemini_answer_t *a,
    const genai_push_value_t *v);
static int genai_ga_function_id(genai_gemini_answer_t *a,
    const genai_push_value_t *v);
static int genai_ga_piece(genai_gemini_answer_t *a,
    const genai_push_value_t *v, genai_event_e type);
static int genai_ga_block(genai_gemini_answer_t *a,
    const genai_push_value_t *v);
static int genai_ga_reason(genai_gemini_answer_t *a,
    const genai_push_value_t *v);
static int genai_ga_gather(genai_gemini_answer_t *a,
    const genai_push_value_t *v, unsigned char *dst, uint16_t *len,
    unsigned max, const char *error);
static int genai_ga_word(genai_gemini_word_t *w, const genai_push_value_t *v);
static int genai_ga_usage(genai_gemini_answer_t *a,
    const genai_push_value_t *v);
static int genai_ga_number(genai_gemini_answer_t *a,
    const genai_push_value_t *v, int64_t *n);
static int genai_ga_count(genai_gemini_answer_t *a,
    const genai_push_value_t *v, unsigned which);
static int genai_ga_modality(genai_gemini_answer_t *a,
    const genai_push_value_t *v);
static int genai_ga_error_value(genai_gemini_answer_t *a,
    const genai_push_value_t *v);
static int genai_ga_message(genai_gemini_answer_t *a,
    const genai_push_value_t *v);


void
genai_ga_read(genai_gemini_answer_t *a)
{
    genai_push_init(&a->push, genai_ga_nodes, genai_ga_value, a);
}


static int
genai_ga_value(void *ctx, const genai_push_value_t *v)
{
    int64_t                 n;
    genai_gemini_answer_t  *a = ctx;

    switch (v->tag) {

    case GENAI_GA_ROOT:

        /* what follows is none of it: the scanner stops */

        if (v->what == GENAI_PUSH_LEAVE && genai_ga_again(a, v->end) != 0) {
            return -1;
        }

        a->base.closed = (v->what == GENAI_PUSH_LEAVE
                     && a->base.mode != GENAI_ANSWER_STREAM);

        return a->base.closed;

    case GENAI_GA_CANDIDATES:
        a->base.chunk |= GENAI_CHUNK_CHOICES;
        return genai_ga_start(a, v->start, GENAI_FIELD_NONE);

    case GENAI_GA_CANDIDATE:
        return genai_ga_candidate(a, v);

    case GENAI_GA_INDEX:
        return genai_ga_index(a, v);

    case GENAI_GA_FINISH:
        return genai_ga_reason(a, v);

    case GENAI_GA_PART:
        return genai_ga_part(a, v);

    case GENAI_GA_TEXT:
        return genai_ga_piece(a, v, GENAI_EVENT_TEXT);

    case GENAI_GA_THOUGHT:
        return genai_ga_thought(a, v);

    case GENAI_GA_SIGNATURE:
        return genai_ga_piece(a, v, GENAI_EVENT_SIGNATURE);

    case GENAI_GA_CALL:
        return genai_ga_function(a, v);

    case GENAI_GA_CALL_ID:
        return genai_ga_function_id(a, v);

    case GENAI_GA_CALL_NAME:
        return genai_ga_function_name(a, v);

    case GENAI_GA_CALL_ARGS:
        a->args = 1;
        return genai_ga_piece(a, v, GENAI_EVENT_ARGUMENTS);

    case GENAI_GA_OTHER:
        a->media = 1;
        return 0;

    case GENAI_GA_BLOCK:
        return genai_ga_block(a, v);

    case GENAI_GA_ID:
        return a->named ? 0 : genai_ga_word(&a->id, v);

    case GENAI_GA_MODEL:
        return a->named ? 0 : genai_ga_word(&a->model, v);

    case GENAI_GA_USAGE:
        return genai_ga_usage(a, v);

    case GENAI_GA_PROMPT:
        return genai_ga_count(a, v, GENAI_GEMINI_PROMPT);

    case GENAI_GA_TOOL_PROMPT:
        return genai_ga_count(a, v, GENAI_GEMINI_TOOL_PROMPT);

    case GENAI_GA_SAID:
        return genai_ga_count(a, v, GENAI_GEMINI_CANDIDATES);

    case GENAI_GA_THOUGHTS:
        return genai_ga_count(a, v, GENAI_GEMINI_THOUGHTS);

    case GENAI_GA_CACHED:
        return genai_ga_count(a, v, GENAI_GEMINI_CACHED);

    case GENAI_GA_TOTAL:
        return genai_ga_count(a, v, GENAI_GEMINI_TOTAL);

    case GENAI_GA_PROMPT_LIST:
    case GENAI_GA_CACHED_LIST:
    case GENAI_GA_SAID_LIST:
        a->list = v->tag;
        return 0;

    case GENAI_GA_MODALITY:
        return genai_ga_modality(a, v);

    case GENAI_GA_MODALITY_NAME:
        return genai_ga_word(&a->modality, v);

    case GENAI_GA_MODALITY_COUNT:

        if (genai_ga_number(a, v, &n) == 0) {
            a->tokens = n;
        }

        return 0;

    case GENAI_GA_ERROR:
        return genai_ga_error_value(a, v);

    case GENAI_GA_ERROR_MESSAGE:
        return genai_ga_message(a, v);

    case GENAI_GA_ERROR_STATUS:
        return genai_ga_word(&a->u.error.status, v);

    case GENAI_GA_ERROR_CODE:
        return (v->type == GENAI_TAPE_NULL)
               ? 0 : genai_ga_word(&a->u.error.code, v);

    case GENAI_GA_LIST:
        a->base.chunk |= GENAI_CHUNK_CHOICES;
        return genai_ga_start(a, v->start, GENAI_FIELD_PART);
    }

    return 0;
}


static int
genai_ga_start(genai_gemini_answer_t *a, uint64_t offset, genai_field_e field)
{
    genai_event_t  e;

    if (a->started) {
        return 0;
    }

    a->started = 1;
    a->named = (a->id.n && a->model.n);

    genai_answer_event(&e, GENAI_EVENT_START);

    e.id = genai_ga_word_text(&a->id);
    e.name = genai_ga_word_text(&a->model);
    e.field = field;
    e.start = offset;
    e.end = offset;

    return (genai_ga_call(a, &e) < 0) ? -1 : 0;
}


/* Google tells who it is behind what it says */

static int
genai_ga_again(genai_gemini_answer_t *a, uint64_t offset)
{
    genai_event_t  e;

    if (!a->started || a->named || (a->id.n == 0 && a->model.n == 0)) {
        return 0;
    }

    a->named = 1;

    genai_answer_event(&e, GENAI_EVENT_START);

    e.id = genai_ga_word_text(&a->id);
    e.name = genai_ga_word_text(&a->model);
    e.copy = 1;
    e.start = offset;
    e.end = offset;

    return (genai_ga_call(a, &e) < 0) ? -1 : 0;
}


static int
genai_ga_candidate(genai_gemini_answer_t *a, const genai_push_value_t *v)
{
    genai_str_t  reason;

    if (v->what == GENAI_PUSH_ENTER) {

        if (v->index > GENAI_GEMINI_INDEX_MAX) {
            a->fault = "there are too many candidates";
            a->mark = v->start;
            return -1;
        }

        a->candidate = 1;
        a->choice = v->index;
        a->nfinish = 0;
        a->over = 0;
        a->wait = (a->choices > 1) ? GENAI_GA_WAIT_CHOICE : 0;

        return 0;
    }

    a->candidate = 0;

    if (genai_ga_choice_known(a) != 0) {
        return -1;
    }

    genai_ga_of(a)->seen = 1;

    if (a->nfinish == 0) {
        return 0;
    }

    reason.data = a->finish;
    reason.len = a->nfinish;

    return genai_ga_finish(a, &reason);
}


static int
genai_ga_index(genai_gemini_answer_t *a, const genai_push_value_t *v)
{
    int64_t  n;

    /* where it comes too late, the candidate's place counts */

    if (a->choices <= 1 || !(a->wait & GENAI_GA_WAIT_CHOICE)
        || genai_push_int64(&v->text, &n) != 0)
    {
        return 0;
    }

    if (n > GENAI_GEMINI_INDEX_MAX) {
        a->fault = "an index is out of range";
        a->mark = v->start;
        return -1;
    }

    a->choice = n;

    return genai_ga_choice_known(a);
}


static int
genai_ga_part(genai_gemini_answer_t *a, const genai_push_value_t *v)
{
    genai_event_t  e;

    if (v->what == GENAI_PUSH_ENTER) {
        a->kind = GENAI_GA_PART_TEXT;
        a->part_known = 0;
        a->fresh = 1;
        a->args = 0;
        a->media = 0;
        a->over = 0;
        a->hold_part = a->nhold;

        return 0;
    }

    if (genai_ga_part_known(a, v->end) != 0) {
        return -1;
    }

    if (!a->media) {
        return 0;
    }

    genai_answer_event(&e, GENAI_EVENT_MEDIA);

    e.first = 1;
    e.last = 1;
    e.start = v->start;
    e.end = v->start;

    return genai_ga_emit(a, &e);
}


static int
genai_ga_thought(genai_gemini_answer_t *a, const genai_push_value_t *v)
{
    if (v->type != GENAI_TAPE_TRUE || a->part_known
        || a->kind == GENAI_GA_PART_CALL)
    {
        return 0;
    }

    a->kind = GENAI_GA_PART_THOUGHT;

    return genai_ga_part_known(a, v->start);
}


static int
genai_ga_function(genai_gemini_answer_t *a, const genai_push_value_t *v)
{
    genai_event_t  e;

    if (v->what == GENAI_PUSH_ENTER) {

        if (a->kind != GENAI_GA_PART_TEXT || a->part_known) {
            a->fault = "a part is more than one";
            a->mark = v->start;
            return -1;
        }

        a->kind = GENAI_GA_PART_CALL;
        a->nid = 0;
        a->nname = 0;
        a->tool_start = v->start;

        return 0;
    }

    if (a->kind != GENAI_GA_PART_CALL || a->args) {
        return 0;
    }

    a->args = 1;

    genai_answer_event(&e, GENAI_EVENT_ARGUMENTS);

    e.field = GENAI_FIELD_OBJECT;
    e.text.data = (unsigned char *) "{}";
    e.text.len = 2;
    e.start = v->end;
    e.end = v->end;
    e.first = 1;
    e.last = 1;

    return genai_ga_emit(a, &e);
}


static int
genai_ga_function_name(genai_gemini_answer_t *a, const genai_push_value_t *v)
{
    genai_event_t  e;

    a->nname = v->first ? 0 : a->nname;

    if (genai_ga_gather(a, v, a->tool_name, &a->nname, GENAI_GEMINI_NAME_MAX,
                        "a function's name is too long")
        != 0)
    {
        return -1;
    }

    if (!v->last) {
        return 0;
    }

    if (!a->part_known) {
        return a->nid ? genai_ga_part_known(a, v->end) : 0;
    }

    /* the call was told without it */

    genai_answer_event(&e, GENAI_EVENT_TOOL);

    e.field = GENAI_FIELD_CONTENT;
    e.name.data = a->tool_name;
    e.name.len = a->nname;
    e.start = v->start;
    e.end = v->end;

    return genai_ga_emit(a, &e);
}


static int
genai_ga_function_id(genai_gemini_answer_t *a, const genai_push_value_t *v)
{
    if (a->part_known) {
        return 0;
    }

    a->nid = v->first ? 0 : a->nid;

    if (genai_ga_gather(a, v, a->tool_id, &a->nid, GENAI_GEMINI_ID_MAX,
                        "a function call's id is too long")
        != 0)
    {
        return -1;
    }

    return (v->last && a->nid && a->nname) ? genai_ga_part_known(a, v->end)
                                           : 0;
}


/* a piece of text; a string that is empty as a whole says nothing */

static int
genai_ga_piece(genai_gemini_answer_t *a, const genai_push_value_t *v,
    genai_event_e type)
{
    genai_event_t  e;

    if (v->text.len == 0 && v->first) {
        return 0;
    }

    genai_answer_event(&e, type);

    e.field = (v->what == GENAI_PUSH_RAW) ? GENAI_FIELD_OBJECT
                                          : GENAI_FIELD_CONTENT;
    e.text = v->text;
    e.start = v->start;
    e.end = v->end;
    e.first = v->first;
    e.last = v->last;
    e.escaped = v->escaped;
    e.json = (v->what == GENAI_PUSH_STRING);

    return genai_ga_emit(a, &e);
}


static int
genai_ga_block(genai_gemini_answer_t *a, const genai_push_value_t *v)
{
    uint16_t  len;

    len = v->first ? 0 : a->nblock;

    a->base.chunk |= GENAI_CHUNK_CHOICES;

    if (genai_ga_start(a, v->start, GENAI_FIELD_NONE) != 0) {
        return -1;
    }

    if (genai_ga_gather(a, v, a->block, &len, GENAI_GEMINI_FINISH_MAX,
                        "a blockReason is too long")
        != 0)
    {
        return -1;
    }

    if (v->first) {
        a->finish_start = v->start;
    }

    a->finish_end = v->end;
    a->nblock = len;

    return 0;
}


static int
genai_ga_reason(genai_gemini_answer_t *a, const genai_push_value_t *v)
{
    uint16_t  len;

    if (v->what == GENAI_PUSH_SCALAR && v->type != GENAI_TAPE_NUMBER) {
        return 0;
    }

    len = v->first ? 0 : a->nfinish;

    if (v->first) {
        a->finish_start = v->start;
    }

    a->finish_end = v->end;

    if (genai_ga_gather(a, v, a->finish, &len, GENAI_GEMINI_FINISH_MAX,
                        "a finishReason is too long")
        != 0)
    {
        return -1;
    }

    a->nfinish = len;

    return 0;
}


/* gathers what is acted on */

static int
genai_ga_gather(genai_gemini_answer_t *a, const genai_push_value_t *v,
    unsigned char *dst, uint16_t *len, unsigned max, const char *error)
{
    if (v->first) {
        a->mark = v->start;
    }

    if (v->text.len > max - *len) {

        /* how much of it came before depends on how the input was cut */

        *len = 0;
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
genai_ga_word(genai_gemini_word_t *w, const genai_push_value_t *v)
{
    if (v->first) {
        w->n = 0;
    }

    if (w->n > GENAI_GEMINI_WORD_MAX
        || v->text.len > (size_t) GENAI_GEMINI_WORD_MAX - w->n)
    {
        w->n = GENAI_GEMINI_WORD_MAX + 1;
        return 0;
    }

    if (v->text.len) {
        memcpy(w->data + w->n, v->text.data, v->text.len);
        w->n += v->text.len;
    }

    return 0;
}


static int
genai_ga_usage(genai_gemini_answer_t *a, const genai_push_value_t *v)
{
    unsigned  i;

    if (v->what == GENAI_PUSH_ENTER) {

        for (i = 0; i < GENAI_GEMINI_COUNTS; i++) {
            a->count[i] = -1;
        }

        a->any_count = 0;

        return 0;
    }

    /* on Vertex those of the chunks before the last have no counts */

    if (a->any_count) {
        a->usage_start = v->start;
        a->usage_end = v->end;
        a->usage_known = 1;
        a->base.chunk |= GENAI_CHUNK_USAGE;
    }

    return 0;
}


/* a number, which may be a string: 0; not yet: 1; none: -1 */

static int
genai_ga_number(genai_gemini_answer_t *a, const genai_push_value_t *v,
    int64_t *n)
{
    unsigned  i;

    if (v->what == GENAI_PUSH_SCALAR) {
        return (genai_push_int64(&v->text, n) == 0 && *n <= INT64_MAX / 8)
               ? 0 : -1;
    }

    if (v->first) {
        a->ndigits = 0;
    }

    if (v->text.len > sizeof(a->digits) - a->ndigits) {
        a->ndigits = sizeof(a->digits);
        return v->last ? -1 : 1;
    }

    if (v->text.len) {
        memcpy(a->digits + a->ndigits, v->text.data, v->text.len);
        a->ndigits += v->text.len;
    }

    if (!v->last) {
        return 1;
    }

    /* the scanner has not looked at what is in a string */

    for (i = 0, *n = 0; i < a->ndigits; i++) {

        if (a->digits[i] < '0' || a->digits[i] > '9'
            || *n > INT64_MAX / 128)
        {
            return -1;
        }

        *n = *n * 10 + (a->digits[i] - '0');
    }

    return a->ndigits ? 0 : -1;
}


static int
genai_ga_count(genai_gemini_answer_t *a, const genai_push_value_t *v,
    unsigned which)
{
    int64_t  n;

    /* what is no count is not told */

    if (genai_ga_number(a, v, &n) == 0) {
        a->count[which] = n;
        a->any_count = 1;
    }

    return 0;
}


static int
genai_ga_modality(genai_gemini_answer_t *a, const genai_push_value_t *v)
{
    int          which;
    unsigned     audio;
    genai_str_t  name;

    if (v->what == GENAI_PUSH_ENTER) {
        a->modality.n = 0;
        a->tokens = -1;
        return 0;
    }

    name = genai_ga_word_text(&a->modality);
    audio = genai_str_is(&name, "AUDIO");
    which = -1;

    switch (a->list) {

    case GENAI_GA_PROMPT_LIST:
        which = audio ? GENAI_GEMINI_AUDIO_IN
                : genai_str_is(&name, "IMAGE") ? GENAI_GEMINI_IMAGE_IN : -1;
        break;

    case GENAI_GA_CACHED_LIST:
        which = audio ? GENAI_GEMINI_AUDIO_CACHED : -1;
        break;

    default:
        which = audio ? GENAI_GEMINI_AUDIO_OUT : -1;
        break;
    }

    if (which >= 0 && a->tokens >= 0) {
        a->count[which] = a->tokens;
    }

    return 0;
}


static int
genai_ga_error_value(genai_gemini_answer_t *a, const genai_push_value_t *v)
{
    if (v->what == GENAI_PUSH_ENTER
        || (v->what != GENAI_PUSH_LEAVE && v->first))
    {
        a->nmessage = 0;
        a->u.error.code.n = 0;
        a->u.error.status.n = 0;
        a->mark = v->start;
    }

    if (v->what == GENAI_PUSH_STRING
        || (v->what == GENAI_PUSH_SCALAR && v->text.data[0] != 'n'
            && v->text.data[0] != 'f' && v->text.data[0] != '0'))
    {
        (void) genai_ga_message(a, v);
    }

    if (v->what == GENAI_PUSH_LEAVE ? v->end - v->start > 2
                                    : v->last && a->nmessage)
    {
        return genai_ga_error(a, a->mark, v->end);
    }

    return 0;
}


/* gathers an error's message up to the last character that fits */

static int
genai_ga_message(genai_gemini_answer_t *a, const genai_push_value_t *v)
{
    size_t  n;

    if (v->first) {
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
genai_ga_error(genai_gemini_answer_t *a, uint64_t start, uint64_t end)
{
    genai_event_t  e;

    a->base.chunk |= GENAI_CHUNK_ERROR;

    genai_answer_event(&e, GENAI_EVENT_ERROR);

    e.text.data = a->u.error.message;
    e.text.len = a->nmessage;
    e.id = genai_ga_word_text(&a->u.error.code);
    e.name = genai_ga_word_text(&a->u.error.status);
    e.start = start;
    e.end = end;

    a->nmessage = 0;

    return (genai_ga_call(a, &e) < 0) ? -1 : 0;
}
