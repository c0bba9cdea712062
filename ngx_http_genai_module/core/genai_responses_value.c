/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the scanner finds in an answer of the Responses API, and what is
 * gathered of it.
 */


#include "genai_responses_answer_int.h"
#include "genai_responses_table.h"


static int genai_ra_value(void *ctx, const genai_push_value_t *v);
static int genai_ra_gather(genai_responses_answer_t *a,
    const genai_push_value_t *v, unsigned char *dst, uint16_t *len,
    unsigned max, const char *error);
static void genai_ra_gather_word(genai_responses_word_t *w,
    const genai_push_value_t *v);
static int genai_ra_index_value(genai_responses_answer_t *a,
    const genai_push_value_t *v);
static void genai_ra_item_begin(genai_responses_answer_t *a, unsigned place);
static unsigned genai_ra_type(const genai_responses_word_t *w);
static unsigned genai_ra_kind(const genai_responses_word_t *w);
static unsigned genai_ra_part_kind(const genai_responses_word_t *w);
static void genai_ra_error_value(genai_responses_answer_t *a,
    const genai_push_value_t *v);
static void genai_ra_message(genai_responses_answer_t *a,
    const genai_push_value_t *v);
static void genai_ra_usage(genai_responses_answer_t *a,
    const genai_push_value_t *v);
static void genai_ra_count(genai_responses_answer_t *a,
    const genai_push_value_t *v, int64_t *dst);


void
genai_ra_read(genai_responses_answer_t *a)
{
    genai_push_init(&a->push, genai_ra_nodes, genai_ra_value, a);

    a->type = GENAI_RA_TYPE_NONE;
    a->event.n = 0;
    a->index_known = 0;
    a->response = 0;
    a->usage_any = 0;
    a->usage_read = 0;
    a->error_any = 0;
    a->nmessage = 0;
    a->code.n = 0;
    a->error_kind.n = 0;
    a->status.n = 0;
    a->reason.n = 0;
    a->part_kind = GENAI_RA_KIND_NONE;
    a->string = GENAI_RA_STRING_IDLE;

    genai_ra_item_begin(a, GENAI_RA_PLACE_NONE);
}


static int
genai_ra_value(void *ctx, const genai_push_value_t *v)
{
    genai_responses_answer_t  *a = ctx;

    switch (v->tag) {

    case GENAI_RA_ROOT:

        /* what follows a whole answer is none of it: the scanner stops */

        a->base.closed = (v->what == GENAI_PUSH_LEAVE
                     && a->base.mode == GENAI_ANSWER_WHOLE);

        return a->base.closed;

    case GENAI_RA_EVENT_TYPE:
        genai_ra_gather_word(&a->event, v);

        if (v->last && a->base.mode == GENAI_ANSWER_STREAM) {
            a->type = genai_ra_type(&a->event);
        }

        return 0;

    case GENAI_RA_RESPONSE:
        a->response = 1;
        return 0;

    case GENAI_RA_ITEM:

        if (a->base.mode == GENAI_ANSWER_STREAM) {

            if (genai_ra_release(a) != 0) {
                return -1;
            }

            genai_ra_item_begin(a, GENAI_RA_PLACE_ITEM);
        }

        return 0;

    case GENAI_RA_PART:
    case GENAI_RA_CONTENT_PART:

        if (v->what == GENAI_PUSH_ENTER) {
            a->part_kind = GENAI_RA_KIND_NONE;
            a->part_new = (v->tag == GENAI_RA_CONTENT_PART);
            return 0;
        }

        /* its type may be known by now */

        if (a->string == GENAI_RA_STRING_HOLD
            && a->source == GENAI_RA_FROM_PART_TEXT
            && a->string_part == GENAI_RA_KIND_NONE)
        {
            a->string_part = a->part_kind;
        }

        a->part_kind = GENAI_RA_KIND_NONE;

        return 0;

    case GENAI_RA_SUMMARY_PART:
        a->part_new = 1;
        return 0;

    case GENAI_RA_DELTA:

        if (a->type == GENAI_RA_TYPE_MEDIA) {
            a->image |= (v->text.len != 0);
            return 0;
        }

        return genai_ra_piece(a, v, GENAI_RA_FROM_DELTA);

    case GENAI_RA_TEXT:
        return genai_ra_piece(a, v, GENAI_RA_FROM_TEXT);

    case GENAI_RA_REFUSAL:
        return genai_ra_piece(a, v, GENAI_RA_FROM_REFUSAL);

    case GENAI_RA_ARGUMENTS:
        return genai_ra_piece(a, v, GENAI_RA_FROM_ARGUMENTS);

    case GENAI_RA_INPUT:
        return genai_ra_piece(a, v, GENAI_RA_FROM_INPUT);

    case GENAI_RA_EVENT_ITEM_ID:

        if (a->place == GENAI_RA_PLACE_NONE) {
            genai_ra_gather_word(&a->item_id, v);
        }

        return 0;

    case GENAI_RA_EVENT_INDEX:
        return genai_ra_index_value(a, v);

    case GENAI_RA_ID:

        if (!a->named) {
            genai_ra_gather_word(&a->id, v);
        }

        return 0;

    case GENAI_RA_MODEL:

        if (!a->named) {
            genai_ra_gather_word(&a->model, v);
        }

        return 0;

    case GENAI_RA_STATUS:

        if (v->first) {
            a->finish_start = v->start;
        }

        a->finish_end = v->end;
        genai_ra_gather_word(&a->status, v);

        return 0;

    case GENAI_RA_REASON:
        genai_ra_gather_word(&a->reason, v);
        return 0;

    case GENAI_RA_OUTPUT:
        a->base.chunk |= GENAI_CHUNK_CHOICES;
        a->items_before = a->items;

        return genai_ra_start(a, v->start, GENAI_FIELD_NONE);

    case GENAI_RA_LISTED:

        if (v->what == GENAI_PUSH_LEAVE) {
            return genai_ra_item_end(a, v->end);
        }

        if (genai_ra_release(a) != 0) {
            return -1;
        }

        genai_ra_item_begin(a, GENAI_RA_PLACE_LISTED);
        genai_ra_listed(a, v->index > GENAI_RESPONSES_INDEX_MAX
                           ? GENAI_RESPONSES_INDEX_MAX : v->index);

        return 0;

    case GENAI_RA_ITEM_TYPE:
        genai_ra_gather_word(&a->item_type, v);

        if (v->last) {
            a->kind = genai_ra_kind(&a->item_type);
        }

        return 0;

    case GENAI_RA_ITEM_ID:
        genai_ra_gather_word(&a->item_id, v);
        return 0;

    case GENAI_RA_CALL_ID:
        a->nid = v->first ? 0 : a->nid;

        return genai_ra_gather(a, v, a->call_id, &a->nid,
                               GENAI_RESPONSES_ID_MAX, "a call_id is too long");

    case GENAI_RA_NAME:
        a->nname = v->first ? 0 : a->nname;

        return genai_ra_gather(a, v, a->name, &a->nname,
                               GENAI_RESPONSES_NAME_MAX,
                               "a tool's name is too long");

    case GENAI_RA_ITEM_ARGUMENTS:
        return genai_ra_piece(a, v, GENAI_RA_FROM_ITEM_ARGUMENTS);

    case GENAI_RA_ITEM_INPUT:
        return genai_ra_piece(a, v, GENAI_RA_FROM_ITEM_INPUT);

    case GENAI_RA_SEALED:
        return genai_ra_piece(a, v, GENAI_RA_FROM_SEALED);

    case GENAI_RA_IMAGE:
        a->image |= (v->text.len != 0);
        return 0;

    case GENAI_RA_PART_TYPE:
        genai_ra_gather_word(&a->part_type, v);

        if (v->last) {
            a->part_kind = genai_ra_part_kind(&a->part_type);
        }

        return 0;

    case GENAI_RA_PART_SIGN:

        if (a->part_kind == GENAI_RA_KIND_NONE) {
            a->part_kind = GENAI_RA_KIND_MESSAGE;
        }

        return 0;

    case GENAI_RA_PART_TEXT:
        return genai_ra_piece(a, v, GENAI_RA_FROM_PART_TEXT);

    case GENAI_RA_PART_REFUSAL:
        return genai_ra_piece(a, v, GENAI_RA_FROM_PART_REFUSAL);

    case GENAI_RA_SUMMARY_TEXT:
        return genai_ra_piece(a, v, GENAI_RA_FROM_SUMMARY);

    case GENAI_RA_COUNTED:

        if (a->base.mode != GENAI_ANSWER_WHOLE) {
            return 0;
        }

        a->mark = v->start;
        a->usage_end = v->end;
        genai_ra_count(a, v, &a->usage.prompt);
        a->usage_read = 0;

        if (!a->usage_any) {
            return 0;
        }

        a->counted = 1;
        a->base.chunk |= GENAI_CHUNK_CHOICES;

        return genai_ra_start(a, v->start, GENAI_FIELD_PART);

    case GENAI_RA_USAGE:
        genai_ra_usage(a, v);
        return 0;

    case GENAI_RA_INPUT_TOKENS:
        genai_ra_count(a, v, &a->usage.prompt);
        return 0;

    case GENAI_RA_OUTPUT_TOKENS:
        genai_ra_count(a, v, &a->usage.completion);
        return 0;

    case GENAI_RA_TOTAL:
        genai_ra_count(a, v, &a->usage.total);
        return 0;

    case GENAI_RA_CACHED:
        genai_ra_count(a, v, &a->usage.cached);
        return 0;

    case GENAI_RA_WRITTEN:
        genai_ra_count(a, v, &a->usage.written_5m);
        return 0;

    case GENAI_RA_AUDIO:
        genai_ra_count(a, v, &a->usage.audio);
        return 0;

    case GENAI_RA_PICTURES:
        genai_ra_count(a, v, &a->usage.image);
        return 0;

    case GENAI_RA_REASONING:
        genai_ra_count(a, v, &a->usage.reasoning);
        return 0;

    case GENAI_RA_AUDIO_SAID:
        genai_ra_count(a, v, &a->usage.audio_output);
        return 0;

    case GENAI_RA_ERROR:
        genai_ra_error_value(a, v);
        return 0;

    case GENAI_RA_FLAT_MESSAGE:

        if (a->error_any) {
            return 0;
        }

        a->mark = v->first ? v->start : a->mark;

        /* fall through */

    case GENAI_RA_ERROR_MESSAGE:
        genai_ra_message(a, v);
        return 0;

    case GENAI_RA_ERROR_TYPE:
        genai_ra_gather_word(&a->error_kind, v);
        return 0;

    case GENAI_RA_ERROR_CODE:

        if (v->type != GENAI_TAPE_NULL) {
            genai_ra_gather_word(&a->code, v);
        }

        return 0;
    }

    return 0;
}


static void
genai_ra_item_begin(genai_responses_answer_t *a, unsigned place)
{
    a->place = place;
    a->kind = GENAI_RA_KIND_NONE;
    a->item = NULL;
    a->item_type.n = 0;
    a->item_id.n = 0;
    a->nid = 0;
    a->nname = 0;
    a->image = 0;
    a->part_new = 0;
}


/* gathers what is acted on */

static int
genai_ra_gather(genai_responses_answer_t *a, const genai_push_value_t *v,
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

static void
genai_ra_gather_word(genai_responses_word_t *w, const genai_push_value_t *v)
{
    if (v->first) {
        w->n = 0;
    }

    if (w->n > GENAI_RESPONSES_WORD_MAX
        || v->text.len > (size_t) GENAI_RESPONSES_WORD_MAX - w->n)
    {
        w->n = GENAI_RESPONSES_WORD_MAX + 1;
        return;
    }

    if (v->text.len) {
        memcpy(w->data + w->n, v->text.data, v->text.len);
        w->n += v->text.len;
    }
}


static int
genai_ra_index_value(genai_responses_answer_t *a, const genai_push_value_t *v)
{
    int64_t  n;

    if (v->type == GENAI_TAPE_NULL) {
        return 0;
    }

    if (genai_push_int64(&v->text, &n) != 0 || n > GENAI_RESPONSES_INDEX_MAX) {
        a->fault = "an output_index is out of range";
        a->mark = v->start;
        return -1;
    }

    a->index = (unsigned) n;
    a->index_known = 1;

    return 0;
}


typedef struct {
    genai_str_t  name;
    unsigned     value;
} genai_ra_name_t;


static unsigned
genai_ra_named(const genai_responses_word_t *w, const genai_ra_name_t *names)
{
    const genai_ra_name_t  *n;

    if (w->n > GENAI_RESPONSES_WORD_MAX) {
        return 0;
    }

    for (n = names; n->name.len; n++) {
        if (n->name.len == w->n && memcmp(n->name.data, w->data, w->n) == 0) {
            return n->value;
        }
    }

    return 0;
}


static unsigned
genai_ra_type(const genai_responses_word_t *w)
{
    unsigned  type;

    static const genai_ra_name_t  names[] = {
        { genai_str("response.output_text.delta"), GENAI_RA_TYPE_TEXT },
        { genai_str("response.function_call_arguments.delta"),
          GENAI_RA_TYPE_ARGUMENTS },
        { genai_str("response.reasoning_summary_text.delta"),
          GENAI_RA_TYPE_SUMMARY },
        { genai_str("response.reasoning_text.delta"), GENAI_RA_TYPE_THOUGHT },
        { genai_str("response.custom_tool_call_input.delta"),
          GENAI_RA_TYPE_INPUT },
        { genai_str("response.refusal.delta"), GENAI_RA_TYPE_REFUSAL },
        { genai_str("response.output_item.added"), GENAI_RA_TYPE_ADDED },
        { genai_str("response.output_item.done"), GENAI_RA_TYPE_DONE },
        { genai_str("response.content_part.added"), GENAI_RA_TYPE_PART_ADDED },
        { genai_str("response.content_part.done"), GENAI_RA_TYPE_PART_DONE },
        { genai_str("response.reasoning_summary_part.added"),
          GENAI_RA_TYPE_PART_ADDED },
        { genai_str("response.reasoning_summary_part.done"),
          GENAI_RA_TYPE_PART_DONE },
        { genai_str("response.reasoning_part.added"),
          GENAI_RA_TYPE_PART_ADDED },
        { genai_str("response.reasoning_part.done"), GENAI_RA_TYPE_PART_DONE },
        { genai_str("response.output_text.done"), GENAI_RA_TYPE_TEXT_DONE },
        { genai_str("response.function_call_arguments.done"),
          GENAI_RA_TYPE_ARGUMENTS_DONE },
        { genai_str("response.reasoning_summary_text.done"),
          GENAI_RA_TYPE_SUMMARY_DONE },
        { genai_str("response.reasoning_text.done"),
          GENAI_RA_TYPE_THOUGHT_DONE },
        { genai_str("response.custom_tool_call_input.done"),
          GENAI_RA_TYPE_INPUT_DONE },
        { genai_str("response.refusal.done"), GENAI_RA_TYPE_REFUSAL_DONE },
        { genai_str("response.created"), GENAI_RA_TYPE_BEGIN },
        { genai_str("response.in_progress"), GENAI_RA_TYPE_BEGIN },
        { genai_str("response.queued"), GENAI_RA_TYPE_BEGIN },
        { genai_str("response.completed"), GENAI_RA_TYPE_END },
        { genai_str("response.incomplete"), GENAI_RA_TYPE_END },
        { genai_str("response.failed"), GENAI_RA_TYPE_END },
        { genai_str("response.cancelled"), GENAI_RA_TYPE_END },
        { genai_str("response.audio.delta"), GENAI_RA_TYPE_MEDIA },
        { genai_str("response.output_audio.delta"), GENAI_RA_TYPE_MEDIA },
        { genai_str("error"), GENAI_RA_TYPE_ERROR },
        { genai_str("response.error"), GENAI_RA_TYPE_ERROR },
        { genai_str(""), 0 }
    };

    type = genai_ra_named(w, names);

    return (type || w->n == 0) ? type : GENAI_RA_TYPE_OTHER;
}


static unsigned
genai_ra_kind(const genai_responses_word_t *w)
{
    unsigned  kind;

    static const genai_ra_name_t  names[] = {
        { genai_str("message"), GENAI_RA_KIND_MESSAGE },
        { genai_str("reasoning"), GENAI_RA_KIND_REASONING },
        { genai_str("function_call"), GENAI_RA_KIND_FUNCTION },
        { genai_str("custom_tool_call"), GENAI_RA_KIND_CUSTOM },
        { genai_str("image_generation_call"), GENAI_RA_KIND_IMAGE },
        { genai_str(""), 0 }
    };

    kind = genai_ra_named(w, names);

    return (kind || w->n == 0) ? kind : GENAI_RA_KIND_OTHER;
}


static unsigned
genai_ra_part_kind(const genai_responses_word_t *w)
{
    unsigned  kind;

    static const genai_ra_name_t  names[] = {
        { genai_str("output_text"), GENAI_RA_KIND_MESSAGE },
        { genai_str("reasoning_text"), GENAI_RA_KIND_REASONING },
        { genai_str("summary_text"), GENAI_RA_KIND_SUMMARY },
        { genai_str(""), 0 }
    };

    kind = genai_ra_named(w, names);

    /* "text" is what its item is */

    if (w->n == 4 && memcmp(w->data, "text", 4) == 0) {
        return GENAI_RA_KIND_NONE;
    }

    return (kind || w->n == 0) ? kind : GENAI_RA_KIND_OTHER;
}


static void
genai_ra_error_value(genai_responses_answer_t *a, const genai_push_value_t *v)
{
    switch (v->what) {

    case GENAI_PUSH_ENTER:
        a->nmessage = 0;
        a->code.n = 0;
        a->error_kind.n = 0;
        a->mark = v->start;
        break;

    case GENAI_PUSH_LEAVE:
        a->error_any |= (v->end - v->start > 2);
        break;

    case GENAI_PUSH_STRING:
        a->mark = v->first ? v->start : a->mark;
        genai_ra_message(a, v);
        a->error_any |= (a->nmessage != 0);
        break;

    default:

        if (v->text.data[0] != 'n' && v->text.data[0] != 'f'
            && v->text.data[0] != '0')
        {
            a->mark = v->start;
            genai_ra_message(a, v);
            a->error_any = 1;
        }

        break;
    }
}


/* gathers an error's message up to the last character that fits */

static void
genai_ra_message(genai_responses_answer_t *a, const genai_push_value_t *v)
{
    size_t  n;

    if (v->first || v->what == GENAI_PUSH_SCALAR) {
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
        memcpy(a->message + a->nmessage, v->text.data, n);
        a->nmessage += n;
    }

    if (n < v->text.len) {
        a->message_max = a->nmessage;
    }
}


static void
genai_ra_usage(genai_responses_answer_t *a, const genai_push_value_t *v)
{
    if (v->what == GENAI_PUSH_LEAVE) {

        if (a->usage_read) {
            a->usage_end = v->end;
        }

        a->mark = a->usage_read ? a->mark : v->end;
        a->usage_read = 0;

        return;
    }

    a->mark = v->start;
    a->usage_read = 0;
}


static void
genai_ra_count(genai_responses_answer_t *a, const genai_push_value_t *v,
    int64_t *dst)
{
    int64_t  n;

    /* what is no count is not told, nor is an object without one */

    if (genai_push_int64(&v->text, &n) != 0) {
        return;
    }

    if (!a->usage_read) {
        a->usage_read = 1;
        a->usage_any = 1;
        a->usage_start = a->mark;
        a->base.chunk |= GENAI_CHUNK_USAGE;
        genai_usage_clear(&a->usage);
    }

    *dst = n;
}
