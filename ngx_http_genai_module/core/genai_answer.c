/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_answer.h"


static genai_whole_slot_t *genai_whole_slot(genai_whole_t *w,
    const genai_event_t *e, unsigned type);
static genai_whole_slot_t *genai_whole_open(const genai_whole_t *w,
    unsigned choice);
static genai_whole_slot_t *genai_whole_text(const genai_whole_t *w,
    unsigned choice);
static genai_whole_slot_t *genai_whole_look(const genai_whole_t *w,
    unsigned choice, unsigned type, unsigned field, unsigned block);
static genai_whole_slot_t *genai_whole_new(genai_whole_t *w,
    unsigned choice, unsigned type, unsigned field, unsigned block);
static unsigned genai_whole_hash(unsigned choice, unsigned type,
    unsigned field, unsigned block);
static unsigned genai_whole_of(unsigned field);
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
        }
    }

    if (w->slot) {
        (void) w->alloc(w->ctx, w->slot,
                        w->size * sizeof(genai_whole_slot_t), 0);
    }

    memset(w->hash, 0, sizeof(w->hash));

    w->slot = NULL;
    w->size = 0;
    w->n = 0;
    w->items = 0;
    w->used = 0;
}


void *
genai_whole_grow(genai_whole_t *w, void *p, size_t old, size_t size)
{
    if (size - old > w->limit - w->used) {
        return NULL;
    }

    p = w->alloc(w->ctx, p, old, size);

    if (p) {
        w->used += size - old;
    }

    return p;
}


const genai_whole_slot_t *
genai_whole_find(const genai_whole_t *w, unsigned choice, genai_event_e type,
    unsigned block)
{
    unsigned                   i;
    const genai_whole_slot_t  *slot;

    if (type != GENAI_EVENT_SIGNATURE) {
        return genai_whole_look(w, choice, type, 0, block);
    }

    for (i = GENAI_FIELD_OF_CALL; i <= GENAI_FIELD_SEALED; i++) {
        slot = genai_whole_look(w, choice, type, i, block);

        if (slot) {
            return slot;
        }
    }

    return NULL;
}


const genai_whole_slot_t *
genai_whole_signature(const genai_whole_t *w, const genai_whole_slot_t *slot,
    genai_field_e field)
{
    unsigned                   i;
    const genai_whole_slot_t  *s;

    i = w->hash[genai_whole_hash(slot->choice, GENAI_EVENT_SIGNATURE, field,
                                 slot->block)];

    for ( /* void */ ; i; i = s->next) {
        s = &w->slot[i - 1];

        if (s->type == GENAI_EVENT_SIGNATURE && s->field == field
            && genai_whole_signed(w, s) == slot)
        {
            return s;
        }
    }

    return NULL;
}


const genai_whole_slot_t *
genai_whole_signed(const genai_whole_t *w, const genai_whole_slot_t *signature)
{
    return signature->of ? &w->slot[signature->of - 1] : NULL;
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

    /* most count them without a gap */

    call = genai_whole_look(w, choice, GENAI_EVENT_TOOL, 0, from);

    if (call) {
        return call;
    }

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


/* the slot that an event goes on with, or a new one */

static genai_whole_slot_t *
genai_whole_slot(genai_whole_t *w, const genai_event_t *e, unsigned type)
{
    unsigned             block, field, of;
    genai_whole_slot_t  *slot, *last;

    block = 0;
    field = 0;
    of = 0;

    switch (type) {

    case GENAI_EVENT_TOOL:
        block = e->block;
        break;

    case GENAI_EVENT_REASONING:
        block = e->block;

        if (w->joined) {
            break;
        }

        last = genai_whole_open(w, e->choice);

        if (last && last->type == type && last->block == block) {
            return last;
        }

        return genai_whole_new(w, e->choice, type, 0, block);

    case GENAI_EVENT_TEXT:

        if (w->joined) {
            break;
        }

        last = genai_whole_open(w, e->choice);

        if (last && last->type == type) {
            return last;
        }

        last = genai_whole_text(w, e->choice);
        block = last ? last->block + 1 : 0;
        break;

    case GENAI_EVENT_SIGNATURE:
        field = e->field;
        block = e->block;

        if (field == GENAI_FIELD_OF_TEXT) {
            last = genai_whole_text(w, e->choice);
            block = last ? last->block : 0;

        } else {
            last = genai_whole_look(w, e->choice, genai_whole_of(field), 0,
                                    block);
        }

        of = last ? last - w->slot + 1 : 0;
        break;

    default:
        break;
    }

    slot = genai_whole_look(w, e->choice, type, field, block);

    if (slot && slot->of == of) {
        return slot;
    }

    slot = genai_whole_new(w, e->choice, type, field, block);

    if (slot) {
        slot->of = of;
    }

    return slot;
}


/* what began last and may go on */

static genai_whole_slot_t *
genai_whole_open(const genai_whole_t *w, unsigned choice)
{
    unsigned             i;
    genai_whole_slot_t  *slot;

    for (i = w->n; i; i--) {
        slot = &w->slot[i - 1];

        if (slot->choice != choice
            || slot->type == GENAI_EVENT_FINISH
            || slot->type == GENAI_EVENT_ERROR)
        {
            continue;
        }

        /* what signs another does not end it */

        if (slot->type == GENAI_EVENT_SIGNATURE
            && (slot->of || slot->field == GENAI_FIELD_OF_CALL
                || slot->field == GENAI_FIELD_OF_TEXT))
        {
            continue;
        }

        return slot;
    }

    return NULL;
}


static genai_whole_slot_t *
genai_whole_text(const genai_whole_t *w, unsigned choice)
{
    unsigned  i;

    for (i = w->n; i; i--) {
        if (w->slot[i - 1].choice == choice
            && w->slot[i - 1].type == GENAI_EVENT_TEXT)
        {
            return &w->slot[i - 1];
        }
    }

    return NULL;
}


static genai_whole_slot_t *
genai_whole_look(const genai_whole_t *w, unsigned choice, unsigned type,
    unsigned field, unsigned block)
{
    unsigned             i;
    genai_whole_slot_t  *slot;

    i = w->hash[genai_whole_hash(choice, type, field, block)];

    for ( /* void */ ; i; i = slot->next) {
        slot = &w->slot[i - 1];

        if (slot->choice == choice && slot->type == type
            && slot->block == block
            && (type != GENAI_EVENT_SIGNATURE || slot->field == field))
        {
            return slot;
        }
    }

    return NULL;
}


static genai_whole_slot_t *
genai_whole_new(genai_whole_t *w, unsigned choice, unsigned type,
    unsigned field, unsigned block)
{
    void                *p;
    unsigned             size, item, hash, i;
    genai_whole_slot_t  *slot, *signature;

    item = (type == GENAI_EVENT_TEXT || type == GENAI_EVENT_REASONING
            || type == GENAI_EVENT_REFUSAL || type == GENAI_EVENT_TOOL);

    if (w->n == GENAI_WHOLE_SLOTS
        || (item && w->items == GENAI_WHOLE_ITEMS)
        || choice > GENAI_WHOLE_INDEX_MAX || block > GENAI_WHOLE_INDEX_MAX)
    {
        w->rc = -1;
        return NULL;
    }

    if (w->n == w->size) {

        size = w->size ? 2 * w->size : 8;

        p = genai_whole_grow(w, w->slot, w->size * sizeof(genai_whole_slot_t),
                             size * sizeof(genai_whole_slot_t));
        if (p == NULL) {
            w->rc = -1;
            return NULL;
        }

        w->slot = p;
        w->size = size;
    }

    slot = &w->slot[w->n++];
    w->items += item;

    memset(slot, 0, sizeof(genai_whole_slot_t));

    slot->choice = choice;
    slot->type = type;
    slot->block = block;
    slot->field = field;

    hash = genai_whole_hash(choice, type, field, block);
    slot->next = w->hash[hash];
    w->hash[hash] = w->n;

    if (!item) {
        return slot;
    }

    /* what signs it may have come first */

    for (i = GENAI_FIELD_OF_CALL; i <= GENAI_FIELD_SEALED; i++) {

        if (genai_whole_of(i) == type) {
            signature = genai_whole_look(w, choice, GENAI_EVENT_SIGNATURE, i,
                                         block);

            if (signature && signature->of == 0) {
                signature->of = w->n;
            }
        }
    }

    return slot;
}


static unsigned
genai_whole_hash(unsigned choice, unsigned type, unsigned field,
    unsigned block)
{
    return (choice * 31 + type * 7 + field * 13 + block)
           & (GENAI_WHOLE_HASH - 1);
}


/* what such a signature signs */

static unsigned
genai_whole_of(unsigned field)
{
    switch (field) {

    case GENAI_FIELD_OF_CALL:
        return GENAI_EVENT_TOOL;

    case GENAI_FIELD_OF_TEXT:
        return GENAI_EVENT_TEXT;

    default:
        return GENAI_EVENT_REASONING;
    }
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

        p = genai_whole_grow(w, slot->data, slot->size, size);

        if (p == NULL) {
            w->rc = -1;
            return -1;
        }

        slot->data = p;
        slot->size = size;
    }

    memmove(slot->data + at + text->len, slot->data + at, slot->len - at);
    memcpy(slot->data + at, text->data, text->len);
    slot->len += text->len;

    return 0;
}
