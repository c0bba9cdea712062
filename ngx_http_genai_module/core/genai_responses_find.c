/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The items of an answer of the Responses API: which one an event, or a
 * string, is of.
 *
 * Ids do not tell items apart where there is any other way: there are servers
 * that give an item another id in each of its events.
 */


#include "genai_responses_answer_int.h"


static genai_responses_item_t *genai_ra_item_said(genai_responses_answer_t *a,
    unsigned what, unsigned force);
static genai_responses_item_t *genai_ra_item_read(genai_responses_answer_t *a,
    unsigned kind, unsigned force);
static genai_responses_item_t *genai_ra_hashed(genai_responses_answer_t *a,
    unsigned open);


genai_responses_item_t *
genai_ra_item(genai_responses_answer_t *a, unsigned what, unsigned force)
{
    unsigned  kind;

    kind = a->kind ? a->kind : what ? genai_ra_kind_of(what)
                                    : GENAI_RA_KIND_NONE;

    if (a->item == NULL) {

        a->item = (a->place == GENAI_RA_PLACE_NONE)
                  ? genai_ra_item_said(a, what, force)
                  : genai_ra_item_read(a, kind, force);

        if (a->item) {
            a->was_said = a->item->said;
        }

    } else if (a->place == GENAI_RA_PLACE_LISTED && a->item->kind && kind
               && a->item->kind != kind)
    {
        /* what was told with this index was another item */

        genai_ra_forgotten(a);
    }

    return a->item;
}


void
genai_ra_forgotten(genai_responses_answer_t *a)
{
    a->item = &a->forgotten;

    memset(a->item, 0, sizeof(genai_responses_item_t));

    a->item->said = 0xff;
    a->item->begun = 1;
    a->item->told_id = 1;
    a->item->told_name = 1;
    a->was_said = 0xff;
}


static genai_responses_item_t *
genai_ra_item_said(genai_responses_answer_t *a, unsigned what, unsigned force)
{
    unsigned                 n, kind;
    genai_responses_item_t  *item, *hashed;

    kind = genai_ra_kind_of(what);

    if (a->index_known) {
        item = genai_ra_at(a, a->index);

        if (item && item->kind == kind) {
            return item;
        }
    }

    item = genai_ra_open(a, kind, &n);

    if (n == 0
        || (a->index_known && item->index_known && item->index != a->index))
    {
        return genai_ra_new(a, kind);
    }

    if (n > 1) {

        if (!force) {
            return NULL;
        }

        hashed = genai_ra_hashed(a, 1);

        if (hashed && hashed->kind == kind) {
            return hashed;
        }
    }

    return item;
}


/* kind: as far as it is known, or guessed */

static genai_responses_item_t *
genai_ra_item_read(genai_responses_answer_t *a, unsigned kind, unsigned force)
{
    unsigned                 n;
    genai_responses_item_t  *item, *hashed;

    if (a->index_known) {
        item = genai_ra_at(a, a->index);

        if (item && (a->type != GENAI_RA_TYPE_ADDED || item->open)
            && (item->kind == kind || !item->kind || !kind))
        {
            return item;
        }
    }

    if (a->type == GENAI_RA_TYPE_ADDED) {
        return genai_ra_new(a, kind);
    }

    item = genai_ra_open(a, kind, &n);

    if (n == 0) {
        item = genai_ra_hashed(a, 0);

        return (item && (item->kind == kind || !kind))
               ? item : genai_ra_new(a, kind);
    }

    if (a->index_known && item->index_known && n == 1) {
        return genai_ra_new(a, kind);
    }

    if (n == 1 && a->type == GENAI_RA_TYPE_DONE) {
        return item;
    }

    hashed = genai_ra_hashed(a, 1);

    if (hashed && (hashed->kind == kind || !kind)) {
        return hashed;
    }

    return force ? item : NULL;
}


/*
 * The last open item of a kind, or of any where that is none, and how many
 * there are.
 */

genai_responses_item_t *
genai_ra_open(genai_responses_answer_t *a, unsigned kind, unsigned *n)
{
    unsigned                 i;
    genai_responses_item_t  *item, *last;

    *n = 0;
    last = NULL;

    for (i = 0; i < GENAI_RESPONSES_ITEMS; i++) {
        item = &a->table[i];

        if (item->open && (kind == GENAI_RA_KIND_NONE || item->kind == kind)) {
            (*n)++;

            if (last == NULL || item->number > last->number) {
                last = item;
            }
        }
    }

    return last;
}


genai_responses_item_t *
genai_ra_at(genai_responses_answer_t *a, unsigned index)
{
    unsigned                 i;
    genai_responses_item_t  *item;

    for (i = 0; i < GENAI_RESPONSES_ITEMS; i++) {
        item = &a->table[i];

        if (item->used && item->index_known && item->index == index) {
            return item;
        }
    }

    return NULL;
}


static genai_responses_item_t *
genai_ra_hashed(genai_responses_answer_t *a, unsigned open)
{
    unsigned                 i;
    uint32_t                 hash;
    genai_responses_item_t  *item;

    hash = genai_ra_hash(&a->item_id);

    if (hash == 0) {
        return NULL;
    }

    for (i = 0; i < GENAI_RESPONSES_ITEMS; i++) {
        item = &a->table[i];

        if (item->used && item->hash == hash && (item->open || !open)) {
            return item;
        }
    }

    return NULL;
}


/* the one that is forgotten for it is closed where one is, and the oldest */

genai_responses_item_t *
genai_ra_new(genai_responses_answer_t *a, unsigned kind)
{
    unsigned                 i;
    genai_responses_item_t  *item, *best;

    best = &a->table[0];

    for (i = 0; i < GENAI_RESPONSES_ITEMS; i++) {
        item = &a->table[i];

        if (!item->used) {
            best = item;
            break;
        }

        if (item->open < best->open
            || (item->open == best->open && item->number < best->number))
        {
            best = item;
        }
    }

    memset(best, 0, sizeof(genai_responses_item_t));

    best->used = 1;
    best->open = 1;
    best->kind = kind;
    best->number = ++a->items;

    return best;
}


void
genai_ra_index(genai_responses_answer_t *a, genai_responses_item_t *item)
{
    if (item->index < 64) {
        a->listed |= UINT64_C(1) << item->index;
    }
}


unsigned
genai_ra_kind_of(unsigned what)
{
    switch (what) {

    case GENAI_RA_SAID_TEXT:
    case GENAI_RA_SAID_REFUSAL:
        return GENAI_RA_KIND_MESSAGE;

    case GENAI_RA_SAID_ARGUMENTS:
        return GENAI_RA_KIND_FUNCTION;

    case GENAI_RA_SAID_INPUT:
        return GENAI_RA_KIND_CUSTOM;
    }

    return GENAI_RA_KIND_REASONING;
}


/* FNV-1a; 0 for nothing, and for nothing else */

uint32_t
genai_ra_hash(const genai_responses_word_t *w)
{
    size_t    i;
    uint32_t  hash;

    if (w->n == 0 || w->n > GENAI_RESPONSES_WORD_MAX) {
        return 0;
    }

    hash = 2166136261u;

    for (i = 0; i < w->n; i++) {
        hash = (hash ^ w->data[i]) * 16777619u;
    }

    return hash ? hash : 1;
}
