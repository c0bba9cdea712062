/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The encoder of the Responses API's streams.
 *
 * What an item says is kept in a genai_whole_t, where the number of the item
 * stands for the choice, so that each has slots of its own.  The string of a
 * delta is the last member of its event, and stays open for more pieces.
 */


#include "genai_responses_encode_int.h"


/* bytes of a string after which a delta is closed and another one begins */
#define GENAI_RESPONSES_PIECE  1024

/* no item */
#define GENAI_RE_NONE  (GENAI_RESPONSES_OUTPUT_MAX + 1)


static void genai_re_begin(genai_responses_stream_t *s, genai_writer_t *w);
static void genai_re_said(genai_responses_stream_t *s, genai_writer_t *w,
    const genai_event_t *e);
static void genai_re_call(genai_responses_stream_t *s, genai_writer_t *w,
    const genai_event_t *e);
static void genai_re_signature(genai_responses_stream_t *s,
    genai_writer_t *w, const genai_event_t *e);
static void genai_re_end(genai_responses_stream_t *s, genai_writer_t *w,
    const char *status, const char *reason, const genai_event_t *error);
static unsigned genai_re_new(genai_responses_stream_t *s, unsigned kind,
    unsigned block);
static unsigned genai_re_find_call(genai_responses_stream_t *s,
    unsigned block);
static int genai_re_keep(genai_responses_stream_t *s, const genai_event_t *e,
    unsigned n);
static void genai_re_get(genai_responses_stream_t *s, unsigned n,
    genai_re_item_t *item);
static void genai_re_add(genai_responses_stream_t *s, genai_writer_t *w,
    unsigned n);
static void genai_re_done(genai_responses_stream_t *s, genai_writer_t *w,
    unsigned n);
static void genai_re_done_calls(genai_responses_stream_t *s,
    genai_writer_t *w);
static void genai_re_part_done(genai_responses_stream_t *s,
    genai_writer_t *w, unsigned n);
static void genai_re_delta(genai_responses_stream_t *s, genai_writer_t *w,
    unsigned n, unsigned type, const genai_str_t *text);
static void genai_re_delta_end(genai_responses_stream_t *s,
    genai_writer_t *w);
static void genai_re_event(genai_responses_stream_t *s, genai_writer_t *w,
    const char *type);
static void genai_re_event_end(genai_writer_t *w);
static void genai_re_of_item(genai_responses_stream_t *s, genai_writer_t *w,
    unsigned n);
static const genai_whole_slot_t *genai_re_slot(
    const genai_responses_stream_t *s, unsigned n, unsigned type);


void
genai_responses_stream_init(genai_responses_stream_t *s,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx)
{
    genai_zero(s, sizeof(genai_responses_stream_t));

    s->head = head;
    s->write = write;
    s->ctx = ctx;
    s->current = GENAI_RE_NONE;

    genai_whole_init(&s->whole, head, 0, NULL, NULL);
    s->whole.joined = 1;
}


void
genai_responses_stream_keep(genai_responses_stream_t *s, size_t limit,
    genai_alloc_pt alloc, void *ctx)
{
    s->whole.limit = limit;
    s->whole.alloc = alloc;
    s->whole.ctx = ctx;
}


void
genai_responses_stream_free(genai_responses_stream_t *s)
{
    if (s->item) {
        (void) s->whole.alloc(s->whole.ctx, s->item,
                              s->size * sizeof(genai_responses_output_t), 0);
    }

    s->item = NULL;
    s->size = 0;
    s->n = 0;

    genai_whole_free(&s->whole);
}


int
genai_responses_stream_event(genai_responses_stream_t *s,
    const genai_event_t *e)
{
    const char      *status, *reason;
    genai_writer_t   w;

    if ((s->rc != 0 && !(s->full && e->type == GENAI_EVENT_ERROR))
        || e->copy || s->ended
        || (e->choice != 0 && e->type != GENAI_EVENT_ERROR
            && e->type != GENAI_EVENT_END))
    {
        return s->rc;
    }

    genai_writer_init(&w, s->write, s->ctx);

    if (s->tail) {
        genai_writer_resume(&w, "{\"");

        if (e->first || e->type != s->tail_type) {
            genai_re_delta_end(s, &w);
        }
    }

    switch (e->type) {

    case GENAI_EVENT_START:
        genai_re_begin(s, &w);
        break;

    case GENAI_EVENT_TEXT:
    case GENAI_EVENT_REFUSAL:
    case GENAI_EVENT_REASONING:

        if (e->text.len) {
            genai_re_begin(s, &w);
            genai_re_said(s, &w, e);
        }

        break;

    case GENAI_EVENT_TOOL:
    case GENAI_EVENT_ARGUMENTS:
        genai_re_begin(s, &w);
        genai_re_call(s, &w, e);
        break;

    case GENAI_EVENT_SIGNATURE:

        if (e->text.len) {
            genai_re_begin(s, &w);
            genai_re_signature(s, &w, e);
        }

        break;

    case GENAI_EVENT_FINISH:

        if (!s->finished || s->finish == GENAI_FINISH_OTHER) {
            s->finished = 1;
            s->finish = e->finish;
        }

        break;

    case GENAI_EVENT_USAGE:
        (void) genai_whole_event(&s->whole, e);
        break;

    case GENAI_EVENT_ERROR:
        genai_re_begin(s, &w);
        genai_re_end(s, &w, "failed", NULL, e);
        break;

    case GENAI_EVENT_END:

        if (e->end_how == GENAI_END_CUT) {
            break;
        }

        status = genai_re_status(s->finish, &reason);

        genai_re_begin(s, &w);
        genai_re_end(s, &w, status, reason, NULL);
        break;

    default:
        break;
    }

    if (s->tail
        && (e->last || e->type != s->tail_type
            || s->len >= GENAI_RESPONSES_PIECE))
    {
        genai_re_delta_end(s, &w);
    }

    if (genai_writer_flush(&w) != 0) {
        s->full = 0;
        s->rc = -1;
        return -1;
    }

    if (s->ended) {
        return 0;
    }

    if (s->whole.rc != 0 || s->rc != 0) {
        s->full = 1;
        s->rc = -1;
    }

    return s->rc;
}


static void
genai_re_begin(genai_responses_stream_t *s, genai_writer_t *w)
{
    unsigned     i;

    static const char  *types[] = {
        "response.created", "response.in_progress"
    };

    if (s->started) {
        return;
    }

    s->started = 1;

    for (i = 0; i < 2; i++) {
        genai_re_event(s, w, types[i]);
        genai_writer_name(w, "response");
        genai_re_open(w, s->head, "in_progress", NULL, NULL);
        genai_re_close(w, NULL);
        genai_re_event_end(w);
    }
}


/* a piece of a message or of a thought */

static void
genai_re_said(genai_responses_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    unsigned                   n, kind;
    genai_responses_output_t  *item;

    kind = (e->type == GENAI_EVENT_REASONING) ? GENAI_RE_REASONING
                                              : GENAI_RE_MESSAGE;
    n = s->current;

    if (n < s->n) {
        item = &s->item[n];

        /* a thought ends with its block, a message where it takes back */

        if (item->kind != kind
            || (kind == GENAI_RE_REASONING && item->block != e->block)
            || (kind == GENAI_RE_MESSAGE && item->part != e->type
                && genai_re_slot(s, n, e->type) != NULL))
        {
            genai_re_done(s, w, n);
            n = GENAI_RE_NONE;
        }
    }

    if (n >= s->n) {
        genai_re_done_calls(s, w);
        n = genai_re_new(s, kind, kind == GENAI_RE_REASONING ? e->block : 0);

        if (n == GENAI_RE_NONE) {
            return;
        }

        s->current = n;
        genai_re_add(s, w, n);
    }

    item = &s->item[n];

    if (item->part != e->type) {
        genai_re_delta_end(s, w);

        if (item->part) {
            genai_re_part_done(s, w, n);
        }

        item->part = e->type;
        item->parts++;

        genai_re_event(s, w, kind == GENAI_RE_REASONING
                             ? "response.reasoning_summary_part.added"
                             : "response.content_part.added");
        genai_re_of_item(s, w, n);
        genai_writer_name(w, "part");
        genai_re_part(w, e->type, &(genai_str_t) genai_str(""));
        genai_re_event_end(w);
    }

    if (genai_re_keep(s, e, n) == 0) {
        genai_re_delta(s, w, n, e->type, &e->text);
    }
}


static void
genai_re_call(genai_responses_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    unsigned                   n;
    genai_str_t                id, name, args;
    const genai_whole_slot_t  *slot;
    genai_event_t              tool;
    genai_responses_output_t  *item;

    n = genai_re_find_call(s, e->block);

    if (n == GENAI_RE_NONE) {

        if (s->current < s->n) {
            genai_re_done(s, w, s->current);
            s->current = GENAI_RE_NONE;
        }

        n = genai_re_new(s, e->field == GENAI_FIELD_CUSTOM
                            ? GENAI_RE_CUSTOM : GENAI_RE_FUNCTION, e->block);

        if (n == GENAI_RE_NONE) {
            return;
        }

        /* its slot is there, and of its kind, whatever comes first */

        if (e->type != GENAI_EVENT_TOOL) {
            memset(&tool, 0, sizeof(tool));
            tool.type = GENAI_EVENT_TOOL;
            tool.field = e->field;
            (void) genai_re_keep(s, &tool, n);
        }
    }

    item = &s->item[n];

    if (item->done) {

        if (e->type == GENAI_EVENT_ARGUMENTS && e->text.len) {
            s->rc = -1;
        }

        return;
    }

    if (genai_re_keep(s, e, n) != 0) {
        return;
    }

    if (e->type == GENAI_EVENT_ARGUMENTS) {

        if (item->added && e->text.len) {
            genai_re_delta(s, w, n, GENAI_EVENT_ARGUMENTS, &e->text);
        }

        return;
    }

    slot = genai_re_slot(s, n, GENAI_EVENT_TOOL);

    if (item->added || slot == NULL) {
        return;
    }

    genai_whole_parts(slot, &id, &name, &args);

    if (id.len && name.len) {
        genai_re_add(s, w, n);

        if (args.len) {
            genai_re_delta(s, w, n, GENAI_EVENT_ARGUMENTS, &args);
        }
    }
}


/*
 * What signs a thought that is open is told when that is done; else it is an
 * item of its own, behind what it signs.
 */

static void
genai_re_signature(genai_responses_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    unsigned                   n, of;
    const genai_whole_slot_t  *slot;
    genai_responses_output_t  *item;

    n = s->current;

    if (e->field == GENAI_FIELD_OF_CALL || e->field == GENAI_FIELD_OF_TEXT) {

        of = (e->field == GENAI_FIELD_OF_CALL)
             ? genai_re_find_call(s, e->block) : n;

        for (n = s->open; n < s->n; n++) {
            if (s->item[n].field == e->field && !s->item[n].done
                && s->item[n].block == of)
            {
                (void) genai_re_keep(s, e, n);
                return;
            }
        }

        /* what is not there has no signature */

        if (of >= s->n) {
            return;
        }

        if (e->field == GENAI_FIELD_OF_TEXT
            && s->item[of].kind != GENAI_RE_MESSAGE)
        {
            return;
        }

        n = genai_re_new(s, GENAI_RE_REASONING, of);

        if (n != GENAI_RE_NONE) {
            s->item[n].field = e->field;
            (void) genai_re_keep(s, e, n);
        }

        return;
    }

    if (n < s->n) {
        item = &s->item[n];
        slot = genai_re_slot(s, n, GENAI_EVENT_SIGNATURE);

        if (item->kind == GENAI_RE_REASONING && item->block == e->block
            && (slot == NULL || slot->field == e->field))
        {
            (void) genai_re_keep(s, e, n);
            return;
        }

        genai_re_done(s, w, n);
        s->current = GENAI_RE_NONE;
    }

    genai_re_done_calls(s, w);
    n = genai_re_new(s, GENAI_RE_REASONING, e->block);

    if (n != GENAI_RE_NONE) {
        s->current = n;
        genai_re_add(s, w, n);
        (void) genai_re_keep(s, e, n);
    }
}


/* the response has ended: all that is open ends before */

static void
genai_re_end(genai_responses_stream_t *s, genai_writer_t *w,
    const char *status, const char *reason, const genai_event_t *error)
{
    unsigned         n;
    genai_re_item_t  item;

    for (n = s->open; n < s->n; n++) {

        /* what of it is not known cannot be told */

        if (!s->item[n].done && (s->item[n].added || !s->full)) {
            s->item[n].cut = (*status != 'c');
            genai_re_done(s, w, n);
        }
    }

    s->ended = 1;

    genai_re_event(s, w, (*status == 'c') ? "response.completed"
                         : (*status == 'i') ? "response.incomplete"
                         : "response.failed");
    genai_writer_name(w, "response");
    genai_re_open(w, s->head, status, reason, error);

    for (n = 0; n < s->nadded; n++) {
        genai_re_get(s, s->item[n].output, &item);
        genai_re_item(w, s->head, &item);
    }

    genai_re_close(w, &s->whole.usage);
    genai_re_event_end(w);
}


static unsigned
genai_re_new(genai_responses_stream_t *s, unsigned kind, unsigned block)
{
    void                      *p;
    unsigned                   size;
    genai_responses_output_t  *item;

    if (s->n == GENAI_RESPONSES_OUTPUT_MAX) {
        s->rc = -1;
        return GENAI_RE_NONE;
    }

    if (s->n == s->size) {

        size = s->size ? 2 * s->size : 8;

        p = genai_whole_grow(&s->whole, s->item, s->size * sizeof(*item),
                             size * sizeof(*item));
        if (p == NULL) {
            s->rc = -1;
            return GENAI_RE_NONE;
        }

        s->item = p;
        s->size = size;
    }

    item = &s->item[s->n];

    memset(item, 0, sizeof(genai_responses_output_t));
    item->kind = kind;
    item->block = block;

    return s->n++;
}


static unsigned
genai_re_find_call(genai_responses_stream_t *s, unsigned block)
{
    unsigned  n;

    for (n = s->n; n; n--) {

        if (s->item[n - 1].kind >= GENAI_RE_FUNCTION
            && s->item[n - 1].block == block)
        {
            return n - 1;
        }
    }

    return GENAI_RE_NONE;
}


static int
genai_re_keep(genai_responses_stream_t *s, const genai_event_t *e, unsigned n)
{
    genai_event_t  kept;

    kept = *e;
    kept.choice = n;
    kept.block = 0;

    return genai_whole_event(&s->whole, &kept);
}


static const genai_whole_slot_t *
genai_re_slot(const genai_responses_stream_t *s, unsigned n, unsigned type)
{
    return genai_whole_find(&s->whole, n, type, 0);
}


static void
genai_re_get(genai_responses_stream_t *s, unsigned n, genai_re_item_t *item)
{
    genai_responses_output_t  *o;
    const genai_whole_slot_t  *text, *refusal;

    o = &s->item[n];

    memset(item, 0, sizeof(genai_re_item_t));
    item->kind = o->kind;
    item->index = o->index;
    item->status = o->cut ? "incomplete" : "completed";

    switch (o->kind) {

    case GENAI_RE_MESSAGE:
        text = genai_re_slot(s, n, GENAI_EVENT_TEXT);
        refusal = genai_re_slot(s, n, GENAI_EVENT_REFUSAL);

        /* slots are in the order in which they began */

        if (text && refusal && refusal < text) {
            item->slot = refusal;
            item->other = text;

        } else {
            item->slot = text ? text : refusal;
            item->other = text ? refusal : NULL;
        }

        break;

    case GENAI_RE_REASONING:
        item->slot = genai_re_slot(s, n, GENAI_EVENT_REASONING);
        item->signature = genai_re_slot(s, n, GENAI_EVENT_SIGNATURE);

        if (o->field == GENAI_FIELD_OF_CALL) {
            item->slot = genai_re_slot(s, o->block, GENAI_EVENT_TOOL);
            item->call = s->item[o->block].index;
        }

        break;

    default:
        item->slot = genai_re_slot(s, n, GENAI_EVENT_TOOL);
        break;
    }
}


static void
genai_re_add(genai_responses_stream_t *s, genai_writer_t *w, unsigned n)
{
    genai_re_item_t     item;
    genai_whole_slot_t  call;

    s->item[n].added = 1;
    s->item[n].index = s->nadded;
    s->item[s->nadded++].output = n;

    genai_re_get(s, n, &item);

    item.status = "in_progress";
    item.signature = NULL;
    item.other = NULL;

    if (item.kind >= GENAI_RE_FUNCTION && item.slot) {

        /* without its arguments */

        call = *item.slot;
        call.len = call.nid + call.nname;
        item.slot = &call;

    } else {
        item.slot = NULL;
    }

    genai_re_event(s, w, "response.output_item.added");
    genai_re_int(w, "output_index", s->item[n].index);
    genai_writer_name(w, "item");
    genai_re_item(w, s->head, &item);
    genai_re_event_end(w);
}


static void
genai_re_done(genai_responses_stream_t *s, genai_writer_t *w, unsigned n)
{
    unsigned                   custom;
    genai_str_t                id, name, text;
    genai_re_item_t            item;
    const genai_whole_slot_t  *slot;
    genai_responses_output_t  *o;

    static const genai_whole_slot_t  none;

    o = &s->item[n];

    slot = genai_re_slot(s, n, GENAI_EVENT_TOOL);
    genai_whole_parts(slot ? slot : &none, &id, &name, &text);

    if (!o->added) {
        genai_re_add(s, w, n);

        if (o->kind >= GENAI_RE_FUNCTION && text.len) {
            genai_re_delta(s, w, n, GENAI_EVENT_ARGUMENTS, &text);
        }
    }

    if (o->part) {
        genai_re_part_done(s, w, n);
    }

    if (o->kind >= GENAI_RE_FUNCTION) {
        custom = (o->kind == GENAI_RE_CUSTOM);

        genai_re_event(s, w, custom ? "response.custom_tool_call_input.done"
                                    : "response.function_call_arguments.done");
        genai_re_of_item(s, w, n);
        genai_re_string(w, custom ? "input" : "arguments", &text);
        genai_re_event_end(w);
    }

    genai_re_get(s, n, &item);
    genai_re_event(s, w, "response.output_item.done");
    genai_re_int(w, "output_index", o->index);
    genai_writer_name(w, "item");
    genai_re_item(w, s->head, &item);
    genai_re_event_end(w);

    o->done = 1;

    while (s->open < s->n && s->item[s->open].done) {
        s->open++;
    }
}


/* and what signs them, each behind what it is of */

static void
genai_re_done_calls(genai_responses_stream_t *s, genai_writer_t *w)
{
    unsigned  n;

    for (n = s->open; n < s->n; n++) {

        if (!s->item[n].done && n != s->current) {
            genai_re_done(s, w, n);
        }
    }
}


static void
genai_re_part_done(genai_responses_stream_t *s, genai_writer_t *w, unsigned n)
{
    unsigned                   type;
    genai_str_t                id, name, text;
    const genai_whole_slot_t  *slot;

    static const genai_whole_slot_t  none;

    type = s->item[n].part;
    slot = genai_re_slot(s, n, type);

    genai_whole_parts(slot ? slot : &none, &id, &name, &text);

    genai_re_event(s, w, type == GENAI_EVENT_TEXT
                         ? "response.output_text.done"
                         : type == GENAI_EVENT_REFUSAL
                         ? "response.refusal.done"
                         : "response.reasoning_summary_text.done");
    genai_re_of_item(s, w, n);

    if (type == GENAI_EVENT_TEXT) {
        genai_writer_name(w, "logprobs");
        genai_writer_literal(w, "[]");
    }

    genai_re_string(w, type == GENAI_EVENT_REFUSAL ? "refusal" : "text",
                    &text);
    genai_re_event_end(w);

    genai_re_event(s, w, type == GENAI_EVENT_REASONING
                         ? "response.reasoning_summary_part.done"
                         : "response.content_part.done");
    genai_re_of_item(s, w, n);
    genai_writer_name(w, "part");
    genai_re_part(w, type, &text);
    genai_re_event_end(w);

    s->item[n].part = 0;
}


static void
genai_re_delta(genai_responses_stream_t *s, genai_writer_t *w, unsigned n,
    unsigned type, const genai_str_t *text)
{
    const char  *name;

    if (s->tail && s->tail_item != n) {
        genai_re_delta_end(s, w);
    }

    if (!s->tail) {

        switch (type) {

        case GENAI_EVENT_TEXT:
            name = "response.output_text.delta";
            break;

        case GENAI_EVENT_REFUSAL:
            name = "response.refusal.delta";
            break;

        case GENAI_EVENT_REASONING:
            name = "response.reasoning_summary_text.delta";
            break;

        default:
            name = (s->item[n].kind == GENAI_RE_CUSTOM)
                   ? "response.custom_tool_call_input.delta"
                   : "response.function_call_arguments.delta";
            break;
        }

        genai_re_event(s, w, name);
        genai_re_of_item(s, w, n);

        if (type == GENAI_EVENT_TEXT) {
            genai_writer_name(w, "logprobs");
            genai_writer_literal(w, "[]");
        }

        genai_writer_name(w, "delta");
        genai_writer_begin(w);

        s->tail = 1;
        s->tail_type = type;
        s->tail_item = n;
        s->len = 0;
    }

    genai_writer_piece(w, text);
    s->len += text->len;
}


static void
genai_re_delta_end(genai_responses_stream_t *s, genai_writer_t *w)
{
    if (s->tail) {
        s->tail = 0;
        genai_writer_end(w);
        genai_re_event_end(w);
    }
}


static void
genai_re_event(genai_responses_stream_t *s, genai_writer_t *w,
    const char *type)
{
    genai_re_delta_end(s, w);

    genai_writer_bytes(w, "event: ", 7);
    genai_writer_bytes(w, type, strlen(type));
    genai_writer_bytes(w, "\ndata: ", 7);
    genai_writer_open(w, '{');
    genai_re_word(w, "type", type);
    genai_re_int(w, "sequence_number", s->sequence++);
}


static void
genai_re_event_end(genai_writer_t *w)
{
    genai_writer_close(w, '}');
    genai_writer_bytes(w, "\n\n", 2);
}


/* where in the output something stands */

static void
genai_re_of_item(genai_responses_stream_t *s, genai_writer_t *w, unsigned n)
{
    genai_responses_output_t  *item;

    item = &s->item[n];

    genai_re_id(w, "item_id", s->head, item->kind, item->index);
    genai_re_int(w, "output_index", item->index);

    if (item->kind == GENAI_RE_MESSAGE) {
        genai_re_int(w, "content_index", item->parts - 1);

    } else if (item->kind == GENAI_RE_REASONING) {
        genai_re_int(w, "summary_index", 0);
    }
}
