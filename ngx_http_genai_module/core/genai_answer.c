/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_answer.h"


static genai_whole_slot_t *genai_whole_slot(genai_whole_t *w,
    const genai_event_t *e, unsigned type);
static int genai_whole_insert(genai_whole_t *w, genai_whole_slot_t *slot,
    size_t at, const genai_str_t *text);


int
genai_event_meaningful(const genai_event_t *event)
{
    switch (event->type) {

    case GENAI_EVENT_TEXT:
    case GENAI_EVENT_REASONING:
    case GENAI_EVENT_REFUSAL:
    case GENAI_EVENT_ARGUMENTS:
    case GENAI_EVENT_SIGNATURE:
        return event->text.len != 0;

    case GENAI_EVENT_TOOL:
    case GENAI_EVENT_MEDIA:
        return 1;

    case GENAI_EVENT_FINISH:
        return event->finish != GENAI_FINISH_ERROR;

    case GENAI_EVENT_START:

        /* a list begins, of vectors or other results */

        return event->field == GENAI_FIELD_PART;

    default:
        return 0;
    }
}


void
genai_whole_init(genai_whole_t *w, const genai_answer_head_t *head,
    size_t limit, genai_alloc_pt alloc, void *ctx)
{
    memset(w, 0, sizeof(genai_whole_t));

    w->head = head;
    w->limit = limit;
    w->alloc = alloc;
    w->ctx = ctx;

    genai_usage_clear(&w->usage);
}


int
genai_whole_event(genai_whole_t *w, const genai_event_t *e)
{
    unsigned             type;
    genai_whole_slot_t  *slot;

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
    case GENAI_EVENT_SIGNATURE:

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

    if (type == GENAI_EVENT_ARGUMENTS) {
        type = GENAI_EVENT_TOOL;
    }

    slot = genai_whole_slot(w, e, type);
    if (slot == NULL) {
        return -1;
    }

    if (e->type == GENAI_EVENT_TOOL) {
        slot->field = (e->field == GENAI_FIELD_OBJECT) ? GENAI_FIELD_CONTENT
                                                       : e->field;
    }

    if (e->type == GENAI_EVENT_FINISH) {
        slot->finish = e->finish;

        if (slot->len) {
            return 0;
        }
    }

    if (e->type == GENAI_EVENT_TOOL || e->type == GENAI_EVENT_ERROR
        || e->type == GENAI_EVENT_SIGNATURE)
    {
        /* the first word counts */

        if (slot->nid == 0) {
            if (genai_whole_insert(w, slot, 0, &e->id) != 0) {
                return -1;
            }

            slot->nid = e->id.len;
        }

        if (slot->nname == 0) {
            if (genai_whole_insert(w, slot, slot->nid, &e->name) != 0) {
                return -1;
            }

            slot->nname = e->name.len;
        }

        if (e->type == GENAI_EVENT_TOOL) {
            return 0;
        }
    }

    return genai_whole_insert(w, slot, slot->len, &e->text);
}


void
genai_whole_free(genai_whole_t *w)
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


const genai_whole_slot_t *
genai_whole_find(const genai_whole_t *w, unsigned choice, genai_event_e type,
    unsigned block)
{
    unsigned                   i;
    const genai_whole_slot_t  *slot;

    for (i = 0; i < w->n; i++) {
        slot = &w->slot[i];

        if (slot->choice == choice && slot->type == type
            && (slot->block == block || block > GENAI_WHOLE_INDEX_MAX))
        {
            return slot;
        }
    }

    return NULL;
}


const genai_whole_slot_t *
genai_whole_signature(const genai_whole_t *w, unsigned choice,
    genai_field_e field, unsigned block)
{
    unsigned                   i;
    const genai_whole_slot_t  *slot;

    for (i = 0; i < w->n; i++) {
        slot = &w->slot[i];

        if (slot->choice == choice && slot->type == GENAI_EVENT_SIGNATURE
            && slot->block == block && slot->field == field)
        {
            return slot;
        }
    }

    return NULL;
}


const genai_whole_slot_t *
genai_whole_error(const genai_whole_t *w)
{
    unsigned  i;

    for (i = 0; i < w->n; i++) {
        if (w->slot[i].type == GENAI_EVENT_ERROR) {
            return &w->slot[i];
        }
    }

    return NULL;
}


unsigned
genai_whole_choice(const genai_whole_t *w, unsigned from)
{
    unsigned  i, choice;

    choice = GENAI_WHOLE_INDEX_MAX + 1;

    for (i = 0; i < w->n; i++) {
        if (w->slot[i].choice >= from && w->slot[i].choice < choice) {
            choice = w->slot[i].choice;
        }
    }

    return choice;
}


const genai_whole_slot_t *
genai_whole_call(const genai_whole_t *w, unsigned choice, unsigned from)
{
    unsigned                   i;
    const genai_whole_slot_t  *slot, *call;

    call = NULL;

    for (i = 0; i < w->n; i++) {
        slot = &w->slot[i];

        if (slot->choice == choice && slot->type == GENAI_EVENT_TOOL
            && slot->block >= from
            && (call == NULL || slot->block < call->block))
        {
            call = slot;
        }
    }

    return call;
}


void
genai_whole_parts(const genai_whole_slot_t *slot, genai_str_t *id,
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


/* texts of a choice are one but for thoughts, which may be several */

static genai_whole_slot_t *
genai_whole_slot(genai_whole_t *w, const genai_event_t *e, unsigned type)
{
    unsigned             i, block;
    genai_whole_slot_t  *slot;

    block = (type == GENAI_EVENT_TOOL || type == GENAI_EVENT_REASONING
             || type == GENAI_EVENT_SIGNATURE)
            ? e->block : 0;

    for (i = 0; i < w->n; i++) {
        slot = &w->slot[i];

        if (slot->choice == e->choice && slot->type == type
            && slot->block == block
            && (type != GENAI_EVENT_SIGNATURE || slot->field == e->field))
        {
            return slot;
        }
    }

    if (w->n == GENAI_WHOLE_SLOTS || e->choice > GENAI_WHOLE_INDEX_MAX
        || block > GENAI_WHOLE_INDEX_MAX)
    {
        w->rc = -1;
        return NULL;
    }

    slot = &w->slot[w->n++];

    memset(slot, 0, sizeof(genai_whole_slot_t));

    slot->choice = e->choice;
    slot->type = type;
    slot->block = block;

    if (type == GENAI_EVENT_SIGNATURE) {
        slot->field = e->field;
    }

    return slot;
}


static int
genai_whole_insert(genai_whole_t *w, genai_whole_slot_t *slot, size_t at,
    const genai_str_t *text)
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
