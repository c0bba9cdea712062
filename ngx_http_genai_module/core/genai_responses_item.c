/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The strings of an answer of the Responses API: what each one is, of which
 * item it is a part, and whether it has been said before.
 *
 * Some servers write the members of an object as OpenAI does, some in the
 * order of the alphabet: types, names and indexes then stand behind the text
 * that they are needed for.  A string whose meaning is not known yet waits
 * until it is, or until there are more than GENAI_RESPONSES_HOLD bytes of it;
 * nothing that is decided depends on how the body was cut.
 */


#include "genai_responses_answer_int.h"


#define GENAI_RA_THOUGHTS  (GENAI_RA_SAID_SUMMARY|GENAI_RA_SAID_THOUGHT)
#define GENAI_RA_CALLS     (GENAI_RA_SAID_ARGUMENTS|GENAI_RA_SAID_INPUT)

/* it is not known yet; it is nothing that is told */
#define GENAI_RA_WHAT_LATER      0
#define GENAI_RA_WHAT_NOTHING    0x100


static unsigned genai_ra_resolve(genai_responses_answer_t *a, unsigned force);
static unsigned genai_ra_what(genai_responses_answer_t *a, unsigned force);
static unsigned genai_ra_guess(genai_responses_answer_t *a);
static int genai_ra_begin(genai_responses_answer_t *a, uint64_t start);
static int genai_ra_tool(genai_responses_answer_t *a,
    genai_responses_item_t *item, uint64_t start, uint64_t end);
static int genai_ra_tell(genai_responses_answer_t *a, const genai_str_t *text,
    uint64_t start, uint64_t end, unsigned first, unsigned last,
    unsigned escaped);


int
genai_ra_piece(genai_responses_answer_t *a, const genai_push_value_t *v,
    unsigned source)
{
    if (v->first) {

        if (a->string == GENAI_RA_STRING_HOLD && genai_ra_release(a) != 0) {
            return -1;
        }

        a->string = GENAI_RA_STRING_IDLE;

        if (v->text.len == 0 && v->last) {
            return 0;
        }

        a->source = source;
        a->string_part = a->part_kind;
        a->nhold = 0;
        a->held_start = v->start;
        a->held_last = 0;
        a->held_escaped = 0;

        a->string = genai_ra_resolve(a, 0);

        if (a->string == GENAI_RA_STRING_TELL
            && genai_ra_begin(a, v->start) != 0)
        {
            return -1;
        }
    }

    if (a->string == GENAI_RA_STRING_HOLD) {

        if (v->text.len <= sizeof(a->hold) - a->nhold) {

            if (v->text.len) {
                memcpy(a->hold + a->nhold, v->text.data, v->text.len);
                a->nhold += v->text.len;
            }

            a->held_end = v->end;
            a->held_last = v->last;
            a->held_escaped |= v->escaped;

            return 0;
        }

        if (genai_ra_release(a) != 0) {
            return -1;
        }
    }

    if (a->string != GENAI_RA_STRING_TELL) {
        return 0;
    }

    if (v->last) {
        a->string = GENAI_RA_STRING_IDLE;
    }

    return genai_ra_tell(a, &v->text, v->start, v->end, v->first, v->last,
                         v->escaped);
}


int
genai_ra_release(genai_responses_answer_t *a)
{
    genai_str_t  text;

    if (a->string != GENAI_RA_STRING_HOLD) {
        return 0;
    }

    a->string = genai_ra_resolve(a, 1);

    if (a->string == GENAI_RA_STRING_TELL) {

        if (genai_ra_begin(a, a->held_start) != 0) {
            return -1;
        }

        text.data = a->hold;
        text.len = a->nhold;

        if (a->nhold
            && genai_ra_tell(a, &text, a->held_start, a->held_end, 1,
                             a->held_last, a->held_escaped)
               != 0)
        {
            return -1;
        }
    }

    if (a->held_last) {
        a->string = GENAI_RA_STRING_IDLE;
    }

    return 0;
}


void
genai_ra_listed(genai_responses_answer_t *a, unsigned index)
{
    genai_responses_item_t  *item;

    a->place = GENAI_RA_PLACE_LISTED;

    item = genai_ra_at(a, index);

    if (item == NULL) {

        /*
         * One that has been forgotten, or one that was told with another
         * index, as some servers leave out of the output what they streamed.
         */

        if (index < a->items_before
            || (index < 64 && (a->listed >> index & 1)))
        {
            genai_ra_forgotten(a);
            return;
        }

        item = genai_ra_new(a, GENAI_RA_KIND_NONE);
        item->index = index;
        item->index_known = 1;
        genai_ra_index(a, item);
    }

    a->item = item;
    a->was_said = item->said;
}


int
genai_ra_item_end(genai_responses_answer_t *a, uint64_t end)
{
    genai_event_t            e;
    genai_responses_item_t  *item;

    if (genai_ra_release(a) != 0) {
        return -1;
    }

    item = genai_ra_item(a, GENAI_RA_WHAT_LATER, 1);

    if (a->kind != GENAI_RA_KIND_NONE) {
        item->kind = a->kind;
    }

    if (a->place == GENAI_RA_PLACE_ITEM) {
        genai_ra_item_place(a);
    }

    if (item->kind == GENAI_RA_KIND_FUNCTION
        || item->kind == GENAI_RA_KIND_CUSTOM)
    {
        /* what is called by it is better than nothing */

        if (a->nid == 0 && !item->told_id && a->type != GENAI_RA_TYPE_ADDED
            && a->item_id.n && a->item_id.n <= GENAI_RESPONSES_WORD_MAX)
        {
            memcpy(a->call_id, a->item_id.data, a->item_id.n);
            a->nid = a->item_id.n;
        }

        if (genai_ra_tool(a, item, end, end) != 0) {
            return -1;
        }

        item = a->item;
    }

    if (a->image && a->kind == GENAI_RA_KIND_IMAGE
        && !(item->said & GENAI_RA_SAID_IMAGE))
    {
        item->said |= GENAI_RA_SAID_IMAGE;

        genai_answer_event(&e, GENAI_EVENT_MEDIA);
        e.start = end;
        e.end = end;

        if (genai_ra_say(a, &e) < 0) {
            return -1;
        }
    }

    if (a->place == GENAI_RA_PLACE_LISTED || a->type == GENAI_RA_TYPE_DONE) {
        item->open = 0;

        if (a->item_id.n && a->item_id.n <= GENAI_RESPONSES_WORD_MAX) {
            genai_answer_event(&e, GENAI_EVENT_ITEM);
            genai_ra_word(&e.id, &a->item_id);
            e.start = end;
            e.end = end;

            if (genai_ra_say(a, &e) < 0) {
                return -1;
            }
        }
    }

    a->item = NULL;
    a->place = GENAI_RA_PLACE_NONE;

    return 0;
}


void
genai_ra_item_place(genai_responses_answer_t *a)
{
    unsigned                 n;
    genai_responses_item_t  *item;

    item = a->item;

    if (a->type == GENAI_RA_TYPE_PART_ADDED && item == NULL) {

        /* what is said now is not what has been said */

        item = a->index_known ? genai_ra_at(a, a->index) : NULL;

        if (item == NULL) {
            item = genai_ra_open(a, GENAI_RA_KIND_NONE, &n);
        }

        if (item) {
            item->part = 0;
        }
    }

    if (item == NULL) {
        return;
    }

    if (item->hash == 0) {
        item->hash = genai_ra_hash(&a->item_id);
    }

    if (a->index_known && !item->index_known) {
        item->index = a->index;
        item->index_known = 1;
        genai_ra_index(a, item);
    }
}


/* what is to be done with the string: a GENAI_RA_STRING_ */

static unsigned
genai_ra_resolve(genai_responses_answer_t *a, unsigned force)
{
    unsigned                 what, copy;
    genai_responses_item_t  *item;

    if (a->base.mode == GENAI_ANSWER_WHOLE
        && a->place != GENAI_RA_PLACE_LISTED)
    {
        return GENAI_RA_STRING_SKIP;
    }

    what = genai_ra_what(a, force);

    if (what == GENAI_RA_WHAT_LATER) {
        return GENAI_RA_STRING_HOLD;
    }

    if (what == GENAI_RA_WHAT_NOTHING) {
        return GENAI_RA_STRING_SKIP;
    }

    item = genai_ra_item(a, what, force);

    if (item == NULL) {
        return GENAI_RA_STRING_HOLD;
    }

    if (a->place != GENAI_RA_PLACE_NONE) {
        copy = a->was_said & what;

    } else if (a->source == GENAI_RA_FROM_DELTA) {
        copy = 0;

    } else {
        copy = item->part & what;
    }

    a->told_what = what;
    a->told_field = GENAI_FIELD_CONTENT;

    switch (what) {

    case GENAI_RA_SAID_TEXT:
        a->told_type = GENAI_EVENT_TEXT;
        break;

    case GENAI_RA_SAID_REFUSAL:
        a->told_type = GENAI_EVENT_REFUSAL;
        break;

    case GENAI_RA_SAID_SUMMARY:
    case GENAI_RA_SAID_THOUGHT:
        a->told_type = GENAI_EVENT_REASONING;

        if (what == GENAI_RA_SAID_SUMMARY) {
            a->told_field = GENAI_FIELD_REASONING;
        }

        /* a thought and its summary are the same thought */

        if (item->source && item->source != what) {
            copy = 1;
        }

        break;

    case GENAI_RA_SAID_SEALED:

        if (copy) {
            return GENAI_RA_STRING_SKIP;
        }

        a->told_type = GENAI_EVENT_SIGNATURE;
        a->told_field = GENAI_FIELD_SEALED;
        break;

    default:
        a->told_type = GENAI_EVENT_ARGUMENTS;

        if (what == GENAI_RA_SAID_INPUT) {
            a->told_field = GENAI_FIELD_CUSTOM;
        }

        /* its name is to be told first */

        if (!force && !copy && a->place != GENAI_RA_PLACE_NONE
            && !item->begun && (a->nid == 0 || a->nname == 0))
        {
            return GENAI_RA_STRING_HOLD;
        }

        break;
    }

    a->told_copy = copy ? 1 : 0;

    return GENAI_RA_STRING_TELL;
}


/* what the string is, as far as it is known, or as it can be guessed */

static unsigned
genai_ra_what(genai_responses_answer_t *a, unsigned force)
{
    unsigned  kind, type, item;

    static const unsigned  said[] = {
        GENAI_RA_SAID_TEXT, GENAI_RA_SAID_REFUSAL, GENAI_RA_SAID_SUMMARY,
        GENAI_RA_SAID_THOUGHT, GENAI_RA_SAID_ARGUMENTS, GENAI_RA_SAID_INPUT
    };

    type = a->type;
    item = (a->place != GENAI_RA_PLACE_NONE);

    switch (a->source) {

    case GENAI_RA_FROM_DELTA:

        if (type >= GENAI_RA_TYPE_TEXT && type <= GENAI_RA_TYPE_INPUT) {
            return said[type - GENAI_RA_TYPE_TEXT];
        }

        break;

    case GENAI_RA_FROM_TEXT:

        if (type == GENAI_RA_TYPE_TEXT_DONE
            || type == GENAI_RA_TYPE_SUMMARY_DONE
            || type == GENAI_RA_TYPE_THOUGHT_DONE)
        {
            return said[type - GENAI_RA_TYPE_TEXT_DONE];
        }

        break;

    case GENAI_RA_FROM_REFUSAL:

        if (type == GENAI_RA_TYPE_REFUSAL_DONE
            || (type == GENAI_RA_TYPE_NONE && force))
        {
            return GENAI_RA_SAID_REFUSAL;
        }

        break;

    case GENAI_RA_FROM_ARGUMENTS:

        if (type == GENAI_RA_TYPE_ARGUMENTS_DONE
            || (type == GENAI_RA_TYPE_NONE && force))
        {
            return GENAI_RA_SAID_ARGUMENTS;
        }

        break;

    case GENAI_RA_FROM_INPUT:

        if (type == GENAI_RA_TYPE_INPUT_DONE
            || (type == GENAI_RA_TYPE_NONE && force))
        {
            return GENAI_RA_SAID_INPUT;
        }

        break;

    case GENAI_RA_FROM_PART_TEXT:

        kind = a->string_part;

        if (kind == GENAI_RA_KIND_NONE && item) {
            kind = a->kind;
        }

        switch (kind) {

        case GENAI_RA_KIND_MESSAGE:
            return GENAI_RA_SAID_TEXT;

        case GENAI_RA_KIND_REASONING:
            return GENAI_RA_SAID_THOUGHT;

        case GENAI_RA_KIND_SUMMARY:
            return GENAI_RA_SAID_SUMMARY;

        case GENAI_RA_KIND_NONE:

            if (!force) {
                return GENAI_RA_WHAT_LATER;
            }

            /*
             * A text that is said has annotations, which stand first in the
             * order of the alphabet.
             */

            return item ? GENAI_RA_SAID_THOUGHT : genai_ra_guess(a);
        }

        return GENAI_RA_WHAT_NOTHING;

    case GENAI_RA_FROM_PART_REFUSAL:
        return GENAI_RA_SAID_REFUSAL;

    case GENAI_RA_FROM_SUMMARY:
        return item ? GENAI_RA_SAID_SUMMARY : GENAI_RA_WHAT_NOTHING;

    default:

        if (!item) {
            return GENAI_RA_WHAT_NOTHING;
        }

        if (a->source == GENAI_RA_FROM_SEALED
            && a->place == GENAI_RA_PLACE_ITEM)
        {
            /* what an item begins with is not yet what it is to end with */

            if (type == GENAI_RA_TYPE_ADDED) {
                return GENAI_RA_WHAT_NOTHING;
            }

            if (type == GENAI_RA_TYPE_NONE) {
                unsigned  n;

                if (!force) {
                    return GENAI_RA_WHAT_LATER;
                }

                if (genai_ra_open(a, GENAI_RA_KIND_NONE, &n) == NULL) {
                    return GENAI_RA_WHAT_NOTHING;
                }
            }
        }

        if (a->kind == GENAI_RA_KIND_NONE && !force) {
            return GENAI_RA_WHAT_LATER;
        }

        if (a->source == GENAI_RA_FROM_SEALED) {
            return (a->kind == GENAI_RA_KIND_REASONING
                    || a->kind == GENAI_RA_KIND_NONE)
                   ? GENAI_RA_SAID_SEALED : GENAI_RA_WHAT_NOTHING;
        }

        if (a->source == GENAI_RA_FROM_ITEM_ARGUMENTS) {
            return (a->kind == GENAI_RA_KIND_FUNCTION
                    || a->kind == GENAI_RA_KIND_NONE)
                   ? GENAI_RA_SAID_ARGUMENTS : GENAI_RA_WHAT_NOTHING;
        }

        return (a->kind == GENAI_RA_KIND_CUSTOM
                || a->kind == GENAI_RA_KIND_NONE)
               ? GENAI_RA_SAID_INPUT : GENAI_RA_WHAT_NOTHING;
    }

    if (type != GENAI_RA_TYPE_NONE) {
        return GENAI_RA_WHAT_NOTHING;
    }

    return force ? genai_ra_guess(a) : GENAI_RA_WHAT_LATER;
}


/* the item that is open says what it is */

static unsigned
genai_ra_guess(genai_responses_answer_t *a)
{
    unsigned                 n;
    genai_responses_item_t  *item;

    item = a->index_known ? genai_ra_at(a, a->index) : NULL;

    if (item == NULL) {
        item = genai_ra_open(a, GENAI_RA_KIND_NONE, &n);
    }

    switch (item ? item->kind : GENAI_RA_KIND_NONE) {

    case GENAI_RA_KIND_MESSAGE:
        return GENAI_RA_SAID_TEXT;

    case GENAI_RA_KIND_REASONING:
        return (item->source == GENAI_RA_SAID_SUMMARY)
               ? GENAI_RA_SAID_SUMMARY : GENAI_RA_SAID_THOUGHT;

    case GENAI_RA_KIND_FUNCTION:
        return GENAI_RA_SAID_ARGUMENTS;

    case GENAI_RA_KIND_CUSTOM:
        return GENAI_RA_SAID_INPUT;
    }

    return GENAI_RA_WHAT_NOTHING;
}


/* a string is about to be told: what must be told before */

static int
genai_ra_begin(genai_responses_answer_t *a, uint64_t start)
{
    genai_event_t            e;
    genai_responses_item_t  *item;

    item = a->item;

    if (a->told_copy) {
        return 0;
    }

    /* what has begun as one does not go on as the other */

    if (item->begun && item->call != ((a->told_what & GENAI_RA_CALLS) != 0)
        && !(a->told_what & (GENAI_RA_SAID_TEXT|GENAI_RA_SAID_REFUSAL)))
    {
        item = genai_ra_new(a, genai_ra_kind_of(a->told_what));
        a->item = item;
    }

    if (a->told_what & GENAI_RA_CALLS) {

        if (item->kind == GENAI_RA_KIND_NONE) {
            item->kind = genai_ra_kind_of(a->told_what);
        }

        return item->begun ? 0 : genai_ra_tool(a, item, start, start);
    }

    if (!(a->told_what & (GENAI_RA_THOUGHTS|GENAI_RA_SAID_SEALED))) {
        return 0;
    }

    if (!item->begun) {
        item->begun = 1;
        item->block = a->thoughts;

        if (a->thoughts < GENAI_RESPONSES_INDEX_MAX) {
            a->thoughts++;
        }
    }

    if (a->part_new) {
        a->part_new = 0;
        item->part &= ~GENAI_RA_THOUGHTS;
    }

    if (!(a->told_what & GENAI_RA_THOUGHTS)
        || !(item->said & a->told_what) || (item->part & a->told_what))
    {
        return 0;
    }

    genai_answer_event(&e, GENAI_EVENT_REASONING);

    e.field = a->told_field;
    e.block = item->block;
    e.text.data = (unsigned char *) "\n\n";
    e.text.len = 2;
    e.start = start;
    e.end = start;
    e.first = 1;
    e.last = 1;
    e.json = 1;

    return (genai_ra_say(a, &e) < 0) ? -1 : 0;
}


/* what is new of a call */

static int
genai_ra_tool(genai_responses_answer_t *a, genai_responses_item_t *item,
    uint64_t start, uint64_t end)
{
    genai_event_t  e;

    if (item->begun && !item->call) {

        if (item == &a->forgotten) {
            return 0;
        }

        item = genai_ra_new(a, item->kind);
        a->item = item;
    }

    genai_answer_event(&e, GENAI_EVENT_TOOL);

    e.first = !item->begun;

    if (!item->begun) {
        item->begun = 1;
        item->call = 1;
        item->block = a->calls;

        if (a->calls < GENAI_RESPONSES_INDEX_MAX) {
            a->calls++;
        }
    }

    if (a->nid && !item->told_id) {
        item->told_id = 1;
        e.id.data = a->call_id;
        e.id.len = a->nid;
    }

    if (a->nname && !item->told_name) {
        item->told_name = 1;
        e.name.data = a->name;
        e.name.len = a->nname;
    }

    if (!e.first && e.id.len == 0 && e.name.len == 0) {
        return 0;
    }

    e.field = (item->kind == GENAI_RA_KIND_CUSTOM) ? GENAI_FIELD_CUSTOM
                                                   : GENAI_FIELD_CONTENT;
    e.block = item->block;
    e.start = start;
    e.end = end;

    return (genai_ra_say(a, &e) < 0) ? -1 : 0;
}


static int
genai_ra_tell(genai_responses_answer_t *a, const genai_str_t *text,
    uint64_t start, uint64_t end, unsigned first, unsigned last,
    unsigned escaped)
{
    genai_event_t            e;
    genai_responses_item_t  *item;

    item = a->item;

    if (text->len && !a->told_copy) {
        item->said |= a->told_what;
        item->part |= a->told_what;

        if (a->told_what & GENAI_RA_THOUGHTS) {
            item->source = a->told_what;
        }
    }

    genai_answer_event(&e, a->told_type);

    if (a->told_type == GENAI_EVENT_SIGNATURE) {
        genai_ra_word(&e.id, &a->item_id);
        e.name.data = (unsigned char *) "responses";
        e.name.len = 9;
    }

    e.field = a->told_field;
    e.block = (a->told_what & (GENAI_RA_SAID_TEXT|GENAI_RA_SAID_REFUSAL))
              ? 0 : item->block;
    e.text = *text;
    e.start = start;
    e.end = end;
    e.first = first;
    e.last = last;
    e.escaped = escaped;
    e.json = 1;
    e.copy = a->told_copy;

    return (genai_ra_say(a, &e) < 0) ? -1 : 0;
}
