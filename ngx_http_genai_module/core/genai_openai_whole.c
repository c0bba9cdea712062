/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The encoder of OpenAI's answers as one JSON text: what is told in pieces,
 * of several choices and tool calls in turn, is gathered in a slot for each
 * until all is known.  The bytes depend on nothing but the head and the
 * events.
 */


#include "genai_openai_encode_int.h"


static void genai_openai_choice(genai_openai_whole_t *w, genai_writer_t *o,
    unsigned choice);
static void genai_openai_calls(genai_openai_whole_t *w, genai_writer_t *o,
    unsigned choice);
static genai_openai_slot_t *genai_openai_slot(genai_openai_whole_t *w,
    unsigned choice, unsigned type, unsigned block);
static genai_openai_slot_t *genai_openai_find(genai_openai_whole_t *w,
    unsigned choice, unsigned type, unsigned block);
static void genai_openai_parts(const genai_openai_slot_t *slot,
    genai_str_t *id, genai_str_t *name, genai_str_t *text);
static int genai_openai_insert(genai_openai_whole_t *w,
    genai_openai_slot_t *slot, size_t at, const genai_str_t *text);


void
genai_openai_whole_init(genai_openai_whole_t *w,
    const genai_openai_head_t *head, size_t limit,
    genai_openai_alloc_pt alloc, void *ctx)
{
    memset(w, 0, sizeof(genai_openai_whole_t));

    w->head = head;
    w->limit = limit;
    w->alloc = alloc;
    w->ctx = ctx;

    genai_usage_clear(&w->usage);
}


int
genai_openai_whole_event(genai_openai_whole_t *w, const genai_event_t *e)
{
    unsigned              type, field;
    genai_openai_slot_t  *slot;

    if (w->rc != 0 || e->copy) {
        return w->rc;
    }

    type = e->type;

    switch (type) {

    case GENAI_EVENT_USAGE:
        w->usage = *e->usage;
        return 0;

    case GENAI_EVENT_TEXT:
    case GENAI_EVENT_REASONING:
    case GENAI_EVENT_REFUSAL:
    case GENAI_EVENT_ARGUMENTS:

        if (e->text.len == 0) {
            return 0;
        }

        break;

    case GENAI_EVENT_TOOL:
    case GENAI_EVENT_FINISH:
    case GENAI_EVENT_ERROR:
        break;

    default:
        return 0;
    }

    if (w->head->text && (type == GENAI_EVENT_REASONING
                          || type == GENAI_EVENT_REFUSAL
                          || type == GENAI_EVENT_TOOL
                          || type == GENAI_EVENT_ARGUMENTS))
    {
        return 0;
    }

    field = (e->field == GENAI_FIELD_OBJECT) ? GENAI_FIELD_CONTENT : e->field;

    if (type == GENAI_EVENT_ARGUMENTS) {
        type = GENAI_EVENT_TOOL;
    }

    slot = genai_openai_slot(w, e->choice, type,
                             type == GENAI_EVENT_TOOL ? e->block : 0);
    if (slot == NULL) {
        return -1;
    }

    if (e->type == GENAI_EVENT_TOOL) {
        slot->field = field;
    }

    if (e->type == GENAI_EVENT_FINISH) {
        slot->finish = e->finish;
    }

    if (type == GENAI_EVENT_FINISH && slot->len) {
        return 0;
    }

    if (e->type == GENAI_EVENT_TOOL || e->type == GENAI_EVENT_ERROR) {

        /* the first word counts */

        if (slot->nid == 0) {
            if (genai_openai_insert(w, slot, 0, &e->id) != 0) {
                return -1;
            }

            slot->nid = e->id.len;
        }

        if (slot->nname == 0) {
            if (genai_openai_insert(w, slot, slot->nid, &e->name) != 0) {
                return -1;
            }

            slot->nname = e->name.len;
        }

        if (e->type == GENAI_EVENT_TOOL) {
            return 0;
        }
    }

    return genai_openai_insert(w, slot, slot->len, &e->text);
}


int
genai_openai_whole_write(genai_openai_whole_t *w,
    genai_openai_write_pt write, void *ctx)
{
    unsigned              i, from, choice;
    genai_str_t           code, type, message;
    genai_writer_t        o;
    genai_openai_slot_t  *slot;

    if (w->rc != 0) {
        return -1;
    }

    genai_writer_init(&o, write, ctx);

    for (i = 0; i < w->n; i++) {
        slot = &w->slot[i];

        if (slot->type == GENAI_EVENT_ERROR) {
            genai_openai_parts(slot, &code, &type, &message);
            genai_openai_error(&o, &message, &type, &code);

            return genai_writer_flush(&o) ? -1 : 0;
        }
    }

    genai_openai_head(&o, w->head, "chat.completion", "text_completion");

    /* in the order of their numbers, whichever began first */

    for (from = 0; ; from = choice + 1) {
        choice = GENAI_OPENAI_INDEX_MAX + 1;

        for (i = 0; i < w->n; i++) {
            if (w->slot[i].choice >= from && w->slot[i].choice < choice) {
                choice = w->slot[i].choice;
            }
        }

        if (choice > GENAI_OPENAI_INDEX_MAX) {
            break;
        }

        genai_openai_choice(w, &o, choice);
    }

    genai_writer_close(&o, ']');
    genai_openai_usage(&o, &w->usage);
    genai_writer_close(&o, '}');

    return genai_writer_flush(&o) ? -1 : 0;
}


static void
genai_openai_choice(genai_openai_whole_t *w, genai_writer_t *o,
    unsigned choice)
{
    genai_str_t           text;
    genai_openai_slot_t  *slot;

    text.len = 0;
    text.data = NULL;

    genai_writer_open(o, '{');
    genai_writer_name(o, "index");
    genai_writer_int(o, choice);

    slot = genai_openai_find(w, choice, GENAI_EVENT_TEXT, 0);

    if (slot) {
        text.len = slot->len;
        text.data = slot->data;
    }

    if (w->head->text) {
        genai_openai_string(o, "text", &text);

    } else {
        genai_writer_name(o, "message");
        genai_writer_open(o, '{');
        genai_writer_name(o, "role");
        genai_writer_literal(o, "\"assistant\"");
        genai_openai_maybe(o, "content", &text);

        slot = genai_openai_find(w, choice, GENAI_EVENT_REASONING, 0);

        if (slot) {
            genai_openai_string(o, "reasoning_content",
                                &(genai_str_t) { slot->len, slot->data });
        }

        slot = genai_openai_find(w, choice, GENAI_EVENT_REFUSAL, 0);

        genai_openai_maybe(o, "refusal",
                           &(genai_str_t) { slot ? slot->len : 0,
                                            slot ? slot->data : NULL });

        slot = genai_openai_find(w, choice, GENAI_EVENT_TOOL,
                                 GENAI_OPENAI_INDEX_MAX + 1);
        if (slot) {
            genai_openai_calls(w, o, choice);
        }

        genai_writer_close(o, '}');
    }

    slot = genai_openai_find(w, choice, GENAI_EVENT_FINISH, 0);

    genai_openai_choice_end(o, slot ? slot->finish : -1,
                            &(genai_str_t) { slot ? slot->len : 0,
                                             slot ? slot->data : NULL });
}


static void
genai_openai_calls(genai_openai_whole_t *w, genai_writer_t *o,
    unsigned choice)
{
    unsigned              i, n, from, custom, block;
    genai_str_t           id, name, args;
    genai_openai_slot_t  *slot, *next;

    for (from = 0, n = 0; ; from = block + 1) {
        block = GENAI_OPENAI_INDEX_MAX + 1;
        slot = NULL;

        for (i = 0; i < w->n; i++) {
            next = &w->slot[i];

            if (next->choice == choice && next->type == GENAI_EVENT_TOOL
                && next->block >= from && next->block < block)
            {
                block = next->block;
                slot = next;
            }
        }

        if (slot == NULL) {
            break;
        }

        genai_openai_parts(slot, &id, &name, &args);

        if (slot->field == GENAI_FIELD_FUNCTION_CALL) {
            break;
        }

        custom = (slot->field == GENAI_FIELD_CUSTOM);

        if (n++ == 0) {
            genai_writer_name(o, "tool_calls");
            genai_writer_open(o, '[');
        }

        genai_writer_open(o, '{');
        genai_openai_string(o, "id", &id);
        genai_writer_name(o, "type");
        genai_writer_literal(o, custom ? "\"custom\"" : "\"function\"");
        genai_writer_name(o, custom ? "custom" : "function");
        genai_writer_open(o, '{');
        genai_openai_string(o, "name", &name);
        genai_openai_string(o, custom ? "input" : "arguments", &args);
        genai_writer_close(o, '}');
        genai_writer_close(o, '}');
    }

    if (n) {
        genai_writer_close(o, ']');
    }

    /* the older form: there is one, and nothing follows */

    if (slot) {
        genai_writer_name(o, "function_call");
        genai_writer_open(o, '{');
        genai_openai_string(o, "name", &name);
        genai_openai_string(o, "arguments", &args);
        genai_writer_close(o, '}');
    }
}


/* what a slot was put together of; it may be empty, and have no memory */

static void
genai_openai_parts(const genai_openai_slot_t *slot, genai_str_t *id,
    genai_str_t *name, genai_str_t *text)
{
    memset(id, 0, sizeof(genai_str_t));
    memset(name, 0, sizeof(genai_str_t));
    memset(text, 0, sizeof(genai_str_t));

    if (slot->data == NULL) {
        return;
    }

    id->data = slot->data;
    id->len = slot->nid;
    name->data = id->data + id->len;
    name->len = slot->nname;
    text->data = name->data + name->len;
    text->len = slot->len - id->len - name->len;
}


/* a block above the maximum is any */

static genai_openai_slot_t *
genai_openai_find(genai_openai_whole_t *w, unsigned choice, unsigned type,
    unsigned block)
{
    unsigned              i;
    genai_openai_slot_t  *slot;

    for (i = 0; i < w->n; i++) {
        slot = &w->slot[i];

        if (slot->choice == choice && slot->type == type
            && (slot->block == block || block > GENAI_OPENAI_INDEX_MAX))
        {
            return slot;
        }
    }

    return NULL;
}


static genai_openai_slot_t *
genai_openai_slot(genai_openai_whole_t *w, unsigned choice, unsigned type,
    unsigned block)
{
    genai_openai_slot_t  *slot;

    slot = genai_openai_find(w, choice, type, block);

    if (slot) {
        return slot;
    }

    if (w->n == GENAI_OPENAI_SLOTS || choice > GENAI_OPENAI_INDEX_MAX
        || block > GENAI_OPENAI_INDEX_MAX)
    {
        w->rc = -1;
        return NULL;
    }

    slot = &w->slot[w->n++];

    memset(slot, 0, sizeof(genai_openai_slot_t));

    slot->choice = choice;
    slot->type = type;
    slot->block = block;

    return slot;
}


static int
genai_openai_insert(genai_openai_whole_t *w, genai_openai_slot_t *slot,
    size_t at, const genai_str_t *text)
{
    size_t          size;
    unsigned char  *p;

    if (text->len == 0) {
        return 0;
    }

    if (text->len > slot->size - slot->len) {

        if (text->len > w->limit) {
            w->rc = -1;
            return -1;
        }

        size = 2 * slot->size + text->len + 64;

        if (size - slot->size > w->limit - w->used) {
            size = slot->len + text->len;
        }

        if (size - slot->size > w->limit - w->used) {
            w->rc = -1;
            return -1;
        }

        p = w->alloc(w->ctx, slot->data, slot->size, size);

        if (p == NULL) {
            w->rc = -1;
            return -1;
        }

        w->used += size - slot->size;
        slot->data = p;
        slot->size = size;
    }

    memmove(slot->data + at + text->len, slot->data + at, slot->len - at);
    memcpy(slot->data + at, text->data, text->len);
    slot->len += text->len;

    return 0;
}


void
genai_openai_whole_free(genai_openai_whole_t *w)
{
    unsigned  i;

    for (i = 0; i < w->n; i++) {
        if (w->slot[i].data) {
            (void) w->alloc(w->ctx, w->slot[i].data, w->slot[i].size, 0);
            w->slot[i].data = NULL;
        }
    }

    w->n = 0;
    w->used = 0;
}
