/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What waits of Gemini's answers.  A part tells its text first, and then that
 * it was a thought; a call its arguments, and then its id; a candidate its
 * parts, and then its number, where several were asked for.  What is said
 * until then waits in a hold of fixed size, or, where that is full, for no
 * more than a guess.
 */


#include "genai_gemini_answer_int.h"


/* text that waits: a head, and then its bytes: id, name, text */

typedef struct {
    uint64_t        start;
    uint64_t        end;
    uint32_t        len;
    uint16_t        nid;
    uint16_t        nname;
    unsigned char   type;
    unsigned char   field;
    unsigned        first:1;
    unsigned        last:1;
    unsigned        escaped:1;
    unsigned        json:1;
    unsigned        fresh:1;        /* of a part that begins */
} genai_ga_held_t;


/* for the call that the part may turn out to be */
#define GENAI_GA_RESERVE                                                      \
    (sizeof(genai_ga_held_t) + GENAI_GEMINI_ID_MAX + GENAI_GEMINI_NAME_MAX)


static int genai_ga_hold(genai_gemini_answer_t *a, const genai_event_t *e);
static void genai_ga_kind(const genai_gemini_answer_t *a, unsigned char *type,
    unsigned char *field);
static int genai_ga_tool(genai_gemini_answer_t *a, uint64_t end);
static void genai_ga_id(genai_gemini_answer_t *a);
static int genai_ga_release(genai_gemini_answer_t *a, unsigned upto);
static int genai_ga_tell(genai_gemini_answer_t *a, genai_event_t *e,
    unsigned fresh);


int
genai_ga_emit(genai_gemini_answer_t *a, genai_event_t *e)
{
    unsigned       fresh;
    unsigned char  type, field;

    if (!a->part_known) {
        a->wait |= GENAI_GA_WAIT_PART;
    }

    if (a->wait) {

        if (genai_ga_hold(a, e) == 0) {
            return 0;
        }

        a->over = 1;

        if (genai_ga_part_known(a, e->start) != 0
            || genai_ga_choice_known(a) != 0)
        {
            return -1;
        }
    }

    type = e->type;
    field = e->field;

    genai_ga_kind(a, &type, &field);

    e->type = type;
    e->field = field;

    fresh = a->fresh;
    a->fresh = 0;

    return genai_ga_tell(a, e, fresh);
}


/*
 * The pieces of one string become one, or how much there is room for would
 * depend on how the input was cut.
 */

static int
genai_ga_hold(genai_gemini_answer_t *a, const genai_event_t *e)
{
    size_t            need;
    unsigned char    *p;
    unsigned char     type, field;
    genai_ga_held_t   held;

    need = e->text.len + e->id.len + e->name.len;

    if (e->first || a->nhold == 0) {

        if (a->nhold + sizeof(held) + need
            > GENAI_GEMINI_HOLD - GENAI_GA_RESERVE)
        {
            return -1;
        }

        type = e->type;
        field = e->field;

        if (a->part_known) {
            genai_ga_kind(a, &type, &field);
        }

        memset(&held, 0, sizeof(held));

        held.type = type;
        held.field = field;
        held.start = e->start;
        held.first = e->first;
        held.json = e->json;
        held.nid = e->id.len;
        held.nname = e->name.len;
        held.fresh = a->fresh;

        a->fresh = 0;
        a->hold_last = a->nhold;
        a->nhold += sizeof(held);

    } else {

        if (a->nhold + need > GENAI_GEMINI_HOLD - GENAI_GA_RESERVE) {
            return -1;
        }

        memcpy(&held, a->u.hold + a->hold_last, sizeof(held));
    }

    held.end = e->end;
    held.last = e->last;
    held.escaped |= e->escaped;
    held.len += need;

    p = a->u.hold + a->nhold;
    a->nhold += need;

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
    }

    memcpy(a->u.hold + a->hold_last, &held, sizeof(held));

    return 0;
}


/* what an event is in a part of the kind that is being read */

static void
genai_ga_kind(const genai_gemini_answer_t *a, unsigned char *type,
    unsigned char *field)
{
    if (*type == GENAI_EVENT_TEXT && a->kind == GENAI_GA_PART_THOUGHT) {
        *type = GENAI_EVENT_REASONING;

    } else if (*type == GENAI_EVENT_SIGNATURE) {
        *field = (a->kind == GENAI_GA_PART_CALL) ? GENAI_FIELD_OF_CALL
                 : (a->kind == GENAI_GA_PART_THOUGHT) ? GENAI_FIELD_OF_THOUGHT
                 : GENAI_FIELD_OF_TEXT;
    }
}


int
genai_ga_part_known(genai_gemini_answer_t *a, uint64_t end)
{
    unsigned          at;
    genai_ga_held_t   held;

    if (a->part_known) {
        return 0;
    }

    if (a->kind == GENAI_GA_PART_CALL && genai_ga_tool(a, end) != 0) {
        return -1;
    }

    a->part_known = 1;
    a->wait &= ~GENAI_GA_WAIT_PART;

    for (at = a->hold_part; at < a->nhold; at += sizeof(held) + held.len) {
        memcpy(&held, a->u.hold + at, sizeof(held));
        genai_ga_kind(a, &held.type, &held.field);
        memcpy(a->u.hold + at, &held, sizeof(held));
    }

    return a->wait ? 0 : genai_ga_release(a, a->nhold);
}


/* a call stands in front of what is of it */

static int
genai_ga_tool(genai_gemini_answer_t *a, uint64_t end)
{
    unsigned char    *p;
    genai_ga_held_t   held;

    if (a->nid == 0) {
        genai_ga_id(a);
    }

    a->calls++;

    memset(&held, 0, sizeof(held));

    held.type = GENAI_EVENT_TOOL;
    held.field = GENAI_FIELD_CONTENT;
    held.start = a->tool_start;
    held.end = end;
    held.first = 1;
    held.nid = a->nid;
    held.nname = a->nname;
    held.len = a->nid + a->nname;

    if (a->nhold + sizeof(held) + held.len > GENAI_GEMINI_HOLD) {

        /* of parts before it, which wait for nothing but their number */

        a->over = 1;
        a->wait &= ~GENAI_GA_WAIT_CHOICE;

        if (genai_ga_release(a, a->hold_part) != 0) {
            return -1;
        }
    }

    p = a->u.hold + a->hold_part;

    memmove(p + sizeof(held) + held.len, p, a->nhold - a->hold_part);
    memcpy(p, &held, sizeof(held));
    p += sizeof(held);
    memcpy(p, a->tool_id, a->nid);
    memcpy(p + a->nid, a->tool_name, a->nname);

    if (a->nhold > a->hold_part) {
        a->hold_last += sizeof(held) + held.len;

    } else {
        a->hold_last = a->hold_part;
    }

    a->nhold += sizeof(held) + held.len;

    return 0;
}


/*
 * An id for a call that has none.  Ids of one conversation must differ, but
 * the same answer must get the same: it is a hash of what the call is, FNV-1a
 * with 64 bits.  How much of a call has come when the hold is full depends on
 * how the input was cut; so nothing of it counts then.
 */

static void
genai_ga_id(genai_gemini_answer_t *a)
{
    unsigned              i, at;
    uint64_t              hash;
    genai_ga_held_t       held;
    const unsigned char  *p, *end;

    static const char  hex[] = "0123456789abcdef";

#define genai_ga_hash(c)  hash = (hash ^ (unsigned char) (c)) * 1099511628211u

    hash = 14695981039346656037u;

    genai_ga_hash(a->calls);
    genai_ga_hash(a->calls >> 8);

    for (i = 0; i < a->nname; i++) {
        genai_ga_hash(a->tool_name[i]);
    }

    for (at = a->hold_part;
         at < a->nhold && !a->over;
         at += sizeof(held) + held.len)
    {
        memcpy(&held, a->u.hold + at, sizeof(held));

        genai_ga_hash(held.type);

        p = a->u.hold + at + sizeof(held);

        for (end = p + held.len; p < end; p++) {
            genai_ga_hash(*p);
        }
    }

#undef genai_ga_hash

    memcpy(a->tool_id, "call_", 5);

    for (i = 0; i < 16; i++) {
        a->tool_id[5 + i] = hex[(hash >> (60 - 4 * i)) & 15];
    }

    a->nid = 21;
}


int
genai_ga_choice_known(genai_gemini_answer_t *a)
{
    a->wait &= ~GENAI_GA_WAIT_CHOICE;

    return a->wait ? 0 : genai_ga_release(a, a->nhold);
}


static int
genai_ga_release(genai_gemini_answer_t *a, unsigned upto)
{
    int               rc;
    unsigned          at;
    genai_event_t     e;
    genai_ga_held_t   held;

    rc = 0;

    for (at = 0; at < upto && rc == 0; at += sizeof(held) + held.len) {
        memcpy(&held, a->u.hold + at, sizeof(held));

        genai_answer_event(&e, held.type);

        e.field = held.field;
        e.start = held.start;
        e.end = held.end;
        e.first = held.first;
        e.last = held.last;
        e.escaped = held.escaped;
        e.json = held.json;

        e.id.data = a->u.hold + at + sizeof(held);
        e.id.len = held.nid;
        e.name.data = e.id.data + held.nid;
        e.name.len = held.nname;
        e.text.data = e.name.data + held.nname;
        e.text.len = held.len - held.nid - held.nname;

        rc = genai_ga_tell(a, &e, held.fresh);
    }

    if (upto) {
        a->nhold -= upto;
        memmove(a->u.hold, a->u.hold + upto, a->nhold);
        a->hold_part = (a->hold_part > upto) ? a->hold_part - upto : 0;
        a->hold_last = (a->hold_last > upto) ? a->hold_last - upto : 0;
    }

    return rc;
}


genai_gemini_choice_t *
genai_ga_of(genai_gemini_answer_t *a)
{
    return &a->of[(a->choice < GENAI_GEMINI_CHOICES) ? a->choice
                                                     : GENAI_GEMINI_CHOICES];
}


static int
genai_ga_tell(genai_gemini_answer_t *a, genai_event_t *e, unsigned fresh)
{
    unsigned                n;
    genai_gemini_choice_t  *c;

    c = genai_ga_of(a);
    n = 0;

    /* what follows a thought that is signed is another one */

    if (fresh && c->signed_one) {
        c->signed_one = 0;
        c->thinks = 0;
    }

    switch (e->type) {

    case GENAI_EVENT_TEXT:
    case GENAI_EVENT_MEDIA:
        c->thinks = 0;
        break;

    case GENAI_EVENT_TOOL:
        c->thinks = 0;
        c->tools += (e->first && c->tools < GENAI_GEMINI_INDEX_MAX);
        n = c->tools;
        break;

    case GENAI_EVENT_ARGUMENTS:
        n = c->tools;
        break;

    case GENAI_EVENT_SIGNATURE:

        if (e->field == GENAI_FIELD_OF_CALL) {
            n = c->tools;
            break;
        }

        if (e->field == GENAI_FIELD_OF_TEXT) {
            c->signs += (e->first && c->signs < GENAI_GEMINI_INDEX_MAX);
            n = c->signs;
            break;
        }

        /* fall through */

    case GENAI_EVENT_REASONING:

        if (!c->thinks) {
            c->thinks = 1;
            c->thoughts += (c->thoughts < GENAI_GEMINI_INDEX_MAX);
        }

        n = c->thoughts;

        c->signed_one |= (e->type == GENAI_EVENT_SIGNATURE);

        break;

    default:
        break;
    }

    c->seen = 1;

    e->choice = a->choice;
    e->block = n ? n - 1 : 0;

    if (e->type == GENAI_EVENT_SIGNATURE) {
        e->name.data = (unsigned char *) "gemini";
        e->name.len = sizeof("gemini") - 1;
    }

    return (genai_ga_call(a, e) < 0) ? -1 : 0;
}
