/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Text of OpenAI's answers that waits.  Three things are told late by some
 * providers, and text that needs them waits in a hold of fixed size, or,
 * where that is full, for no more than a guess:
 *
 *   the index of a choice, behind its delta, where several were asked for;
 *   the index of a tool call, behind its arguments;
 *   whether a chunk has, beside the whole "message" so far, a "delta" too,
 *   of which the message then is a copy.
 */


#include "genai_openai_answer_int.h"


/* text that waits: a head, and then its bytes */

typedef struct {
    uint64_t        start;
    uint64_t        end;
    uint32_t        len;
    uint16_t        nid;
    uint16_t        nname;
    uint16_t        block;
    unsigned char   type;
    unsigned char   field;
    unsigned        first:1;
    unsigned        last:1;
    unsigned        escaped:1;
    unsigned        json:1;
    unsigned        copy:1;
    unsigned        message:1;
} genai_oa_held_t;


/*
 * The pieces of one string become one, or how much there is room for would
 * depend on how the input was cut.
 */

int
genai_oa_hold(genai_openai_answer_t *a, const genai_event_t *e)
{
    size_t            room, len;
    unsigned char    *p;
    genai_oa_held_t   held;

    p = a->hold + a->nhold;
    room = sizeof(a->hold) - a->nhold;
    len = e->text.len + e->id.len + e->name.len;

    if (e->first || e->type == GENAI_EVENT_TOOL || a->nhold == 0) {

        if (sizeof(held) + len > room) {
            return -1;
        }

        memset(&held, 0, sizeof(held));

        held.type = e->type;
        held.field = e->field;
        held.block = e->block;
        held.start = e->start;
        held.first = e->first;
        held.json = e->json;
        held.copy = e->copy;
        held.message = a->message;
        held.nid = e->id.len;
        held.nname = e->name.len;

        a->hold_last = a->nhold;
        p += sizeof(held);

    } else {

        if (len > room) {
            return -1;
        }

        memcpy(&held, a->hold + a->hold_last, sizeof(held));
    }

    held.end = e->end;
    held.last = e->last;
    held.escaped |= e->escaped;
    held.len += len;

    if (e->id.len) {
        memcpy(p, e->id.data, e->id.len);
        p += e->id.len;
    }

    if (e->name.len) {
        memcpy(p, e->name.data, e->name.len);
        p += e->name.len;
    }

    if (e->text.len) {
        memcpy(p, e->text.data, e->text.len);
        p += e->text.len;
    }

    memcpy(a->hold + a->hold_last, &held, sizeof(held));
    a->nhold = p - a->hold;

    return 0;
}


void
genai_oa_hold_block(genai_openai_answer_t *a)
{
    unsigned         at;
    genai_oa_held_t  held;

    for (at = a->hold_tool; at < a->nhold; at += sizeof(held) + held.len) {
        memcpy(&held, a->hold + at, sizeof(held));
        held.block = a->block;
        memcpy(a->hold + at, &held, sizeof(held));
    }
}


int
genai_oa_release(genai_openai_answer_t *a, unsigned what)
{
    unsigned         at, n;
    genai_event_t    e;
    genai_oa_held_t  held;

    if ((a->wait & what & GENAI_OA_WAIT_TOOL)
        && genai_oa_tool_place(a) != 0)
    {
        return -1;
    }

    a->wait &= ~what;

    if (a->wait || a->nhold == 0) {
        return 0;
    }

    n = a->nhold;
    a->nhold = 0;
    a->hold_tool = 0;

    for (at = 0; at < n; at += sizeof(held) + held.len) {
        memcpy(&held, a->hold + at, sizeof(held));

        genai_answer_event(&e, held.type);

        e.field = held.field;
        e.choice = a->choice;
        e.block = held.block;
        e.start = held.start;
        e.end = held.end;
        e.first = held.first;
        e.last = held.last;
        e.escaped = held.escaped;
        e.json = held.json;
        e.copy = held.copy;

        e.id.data = a->hold + at + sizeof(held);
        e.id.len = held.nid;
        e.name.data = e.id.data + held.nid;
        e.name.len = held.nname;
        e.text.data = e.name.data + held.nname;
        e.text.len = held.len - held.nid - held.nname;

        if (genai_oa_tell(a, &e, held.message) != 0) {
            return -1;
        }
    }

    return 0;
}
