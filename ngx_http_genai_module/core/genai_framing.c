/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The walk over a request: first its messages, segment by segment, with the
 * tape beside them for what is no segment (ids, a message without a text);
 * then its tools, then the schema of the answer.
 */


#include "genai_framing_int.h"
#include "genai_image.h"


/* work, in bytes of the budget, of a message and of a segment */
#define GENAI_FRAMING_STEP   32

/* segments that are gone back over in a step */
#define GENAI_FRAMING_BACK   4096

/* bytes of a part from which on it is rather data than text */
#define GENAI_FRAMING_DATA   4096


enum {
    GENAI_FRAMING_BEGIN = 0,
    GENAI_FRAMING_TURN_PHASE,
    GENAI_FRAMING_MESSAGE,
    GENAI_FRAMING_SEGMENTS,
    GENAI_FRAMING_MESSAGE_END,
    GENAI_FRAMING_LOOSE,
    GENAI_FRAMING_EACH_TOOL,
    GENAI_FRAMING_TOOLS_END,
    GENAI_FRAMING_SCHEMA,
    GENAI_FRAMING_INPUTS,
    GENAI_FRAMING_ITEMS,
    GENAI_FRAMING_OVER
};


static size_t genai_framing_step(genai_framing_t *f);
static void genai_framing_begin(genai_framing_t *f);
static void genai_framing_turn(genai_framing_t *f);
static int genai_framing_message(genai_framing_t *f);
static int genai_framing_is_odd(const genai_framing_t *f);
static uint8_t genai_framing_role(const genai_framing_t *f);
static int genai_framing_part(genai_framing_t *f);
static int genai_framing_uncovered(genai_framing_t *f, uint32_t i);
static int genai_framing_reasoning(genai_framing_t *f, uint32_t i);
static void genai_framing_picture(genai_framing_t *f, uint32_t i);
static int genai_framing_message_end(genai_framing_t *f);
static int genai_framing_loose(genai_framing_t *f);
static int genai_framing_next_message(genai_framing_t *f);
static int genai_framing_input(genai_framing_t *f);
static int genai_framing_talk(genai_framing_t *f, uint32_t i);


void
genai_framing_init(genai_framing_t *f, const genai_request_t *req,
    const genai_catalog_model_t *model, genai_arena_t *arena)
{
    memset(f, 0, sizeof(genai_framing_t));

    f->req = req;
    f->model = model;
    f->arena = arena;
    f->family = genai_framing_family(model ? model->framing
                                           : GENAI_FRAMING_NONE);
    f->known = f->family->known;
    f->around = f->family->begin;
    f->marked = (f->family->marks != GENAI_MARKS_NONE);
    f->rc = GENAI_FRAMING_AGAIN;
}


int
genai_framing_run(genai_framing_t *f, size_t budget)
{
    size_t  used;

    while (f->rc == GENAI_FRAMING_AGAIN) {

        used = genai_framing_step(f);

        if (used >= budget) {
            break;
        }

        budget -= used;
    }

    return f->rc;
}


/* one step; returns about how many bytes it was */

static size_t
genai_framing_step(genai_framing_t *f)
{
    int      rc;
    size_t   used;

    rc = 0;
    used = GENAI_FRAMING_STEP;

    switch (f->phase) {

    case GENAI_FRAMING_BEGIN:
        genai_framing_begin(f);
        break;

    case GENAI_FRAMING_TURN_PHASE:
        genai_framing_turn(f);
        used += GENAI_FRAMING_BACK;
        break;

    case GENAI_FRAMING_MESSAGE:
        rc = genai_framing_message(f);
        break;

    case GENAI_FRAMING_ITEMS:
        rc = genai_framing_item(f);
        f->phase = f->place ? GENAI_FRAMING_SEGMENTS
                            : GENAI_FRAMING_EACH_TOOL;
        break;

    case GENAI_FRAMING_SEGMENTS:
        rc = genai_framing_part(f);
        break;

    case GENAI_FRAMING_MESSAGE_END:
        used += f->work;

        if (f->by_item) {
            rc = genai_framing_item_end(f);
            f->phase = GENAI_FRAMING_ITEMS;
            break;
        }

        rc = genai_framing_message_end(f);
        break;

    case GENAI_FRAMING_LOOSE:
        rc = genai_framing_loose(f);
        break;

    case GENAI_FRAMING_EACH_TOOL:

        if (f->tool == 0) {
            f->phase = GENAI_FRAMING_TOOLS_END;
            break;
        }

        rc = genai_framing_tool(f);
        break;

    case GENAI_FRAMING_TOOLS_END:
        rc = f->ntools ? genai_framing_tools_end(f) : 0;
        f->phase = GENAI_FRAMING_SCHEMA;
        break;

    case GENAI_FRAMING_SCHEMA:
        rc = genai_framing_schema(f);
        f->phase = GENAI_FRAMING_OVER;
        break;

    case GENAI_FRAMING_INPUTS:
        rc = genai_framing_input(f);
        break;

    default:
        genai_framing_bound(f);
        f->rc = GENAI_FRAMING_DONE;
        break;
    }

    if (rc == -1) {
        f->rc = GENAI_FRAMING_ERROR;
    }

    used += f->spent;
    f->spent = 0;

    return used;
}


static void
genai_framing_begin(genai_framing_t *f)
{
    uint32_t             messages;
    const genai_tape_t  *t;

    if (f->req->dialect == &genai_responses) {
        genai_framing_items_begin(f);
    }

    genai_framing_doubt(f, GENAI_FRAMING_FAMILY);

    if (f->model == NULL) {
        f->estimated |= GENAI_FRAMING_FAMILY;
    }

    if (!genai_endpoint_results(f->req->endpoint)) {
        genai_framing_options(f);
    }

    if (f->by_item) {
        f->fixed = f->family->begin + f->family->end;
        f->segment = f->req->nsegments;
        f->phase = GENAI_FRAMING_TURN_PHASE;
        return;
    }

    if (f->req->endpoint != GENAI_ENDPOINT_CHAT) {

        if (genai_endpoint_talks(f->req->endpoint)) {

            /* the texts as they are, and about what stands around them */

            f->tools = genai_tape_find(&f->req->tape, 0, "tools", 5);
            f->estimated |= GENAI_FRAMING_FAMILY;
            f->fixed = f->family->begin + f->family->end
                       + (uint64_t) f->req->messages * f->family->user;

        } else if (genai_endpoint_results(f->req->endpoint)) {

            /* what is put around them has not been recorded */

            f->estimated |= GENAI_FRAMING_FAMILY|GENAI_FRAMING_UNCOVERED;
        }

        f->phase = GENAI_FRAMING_INPUTS;
        return;
    }

    t = &f->req->tape;

    messages = genai_tape_find(t, 0, "messages", 8);

    if (messages && genai_tape_type(t, messages) == GENAI_TAPE_ARRAY) {
        f->messages = messages;
        f->place = genai_tape_first(t, messages);
    }

    /* of no frame at all nobody knows whether a chat has none */

    if (f->model && f->model->framing == GENAI_FRAMING_NONE) {
        f->estimated |= GENAI_FRAMING_FAMILY;
    }

    f->fixed = f->family->begin + f->family->end;
    f->phase = GENAI_FRAMING_MESSAGE;

    if (f->model && f->model->framing == GENAI_FRAMING_GPT_OSS) {
        f->segment = f->req->nsegments;
        f->phase = GENAI_FRAMING_TURN_PHASE;
    }
}


/* the last that a user says: what was thought behind it is kept */

static void
genai_framing_turn(genai_framing_t *f)
{
    uint32_t  n;

    for (n = 0; n < GENAI_FRAMING_BACK && f->segment; n++) {

        f->segment--;

        if (f->req->segments[f->segment].role == GENAI_ROLE_USER) {
            f->turn = f->req->segments[f->segment].message;
            f->segment = 0;
        }
    }

    if (f->segment == 0) {
        f->phase = f->by_item ? GENAI_FRAMING_ITEMS : GENAI_FRAMING_MESSAGE;
    }
}


/* begins the next message */

static int
genai_framing_message(genai_framing_t *f)
{
    uint32_t                        n;
    const genai_segment_t          *s;
    const genai_framing_family_t   *family;

    n = f->req->nsegments;
    s = f->req->segments;
    family = f->family;

    while (f->segment < n && s[f->segment].role == GENAI_ROLE_NONE) {
        f->segment++;
    }

    if (f->message == f->req->messages) {
        f->phase = GENAI_FRAMING_EACH_TOOL;
        return 0;
    }

    f->phase = GENAI_FRAMING_SEGMENTS;
    f->role = genai_framing_role(f);
    f->first = f->segment;
    f->ntexts = 0;
    f->ncalls = 0;
    f->work = 0;

    if (f->message) {
        genai_framing_doubt(f, GENAI_FRAMING_TURNS);
    }

    if (genai_framing_is_odd(f)) {
        f->estimated |= GENAI_FRAMING_TURNS;
    }

    if (f->place) {
        genai_framing_members(f);
        f->spent += f->req->tape.entries[f->place].next - f->place;
    }

    switch (f->role) {

    case GENAI_ROLE_SYSTEM:
    case GENAI_ROLE_DEVELOPER:
        f->systems++;
        f->fixed += family->system;
        genai_framing_doubt(f, GENAI_FRAMING_TURNS);
        break;

    case GENAI_ROLE_ASSISTANT:
        f->fixed += family->assistant;
        break;

    case GENAI_ROLE_TOOL:
        f->fixed += family->tool;
        genai_framing_doubt(f, GENAI_FRAMING_CALLS);
        break;

    default:
        f->fixed += family->user;
        break;
    }

    /* a prompt of the template's own, at its place */

    if (f->message == 0 && family->preamble) {
        return genai_framing_preamble(f, f->role == GENAI_ROLE_SYSTEM
                                         || f->role == GENAI_ROLE_DEVELOPER);
    }

    return 0;
}


/*
 * Templates refuse, move or merge messages that do not take turns; of those
 * that have one each to themselves it is known.
 */

static int
genai_framing_is_odd(const genai_framing_t *f)
{
    int  system;

    if (f->model == NULL || f->model->framing == GENAI_FRAMING_OPENAI
        || f->model->framing == GENAI_FRAMING_OPENAI5)
    {
        return 0;
    }

    system = (f->role == GENAI_ROLE_SYSTEM || f->role == GENAI_ROLE_DEVELOPER);

    if (f->message == 0) {
        return system && f->req->messages == 1;
    }

    return system || (f->role == f->last && f->role != GENAI_ROLE_TOOL);
}


static uint8_t
genai_framing_role(const genai_framing_t *f)
{
    uint32_t                i;
    const genai_tape_t     *t;
    const genai_segment_t  *s;

    if (f->segment < f->req->nsegments) {

        s = &f->req->segments[f->segment];

        if (s->message == f->message && s->role != GENAI_ROLE_NONE) {
            return s->role;
        }
    }

    /* it has nothing that a model reads */

    t = &f->req->tape;
    i = f->place ? genai_tape_find(t, f->place, "role", 4) : 0;

    if (i && genai_tape_type(t, i) == GENAI_TAPE_STRING) {

        if (genai_tape_named(t, i, "assistant", 9)) {
            return GENAI_ROLE_ASSISTANT;
        }

        if (genai_tape_named(t, i, "system", 6)
            || genai_tape_named(t, i, "developer", 9))
        {
            return GENAI_ROLE_SYSTEM;
        }

        if (genai_tape_named(t, i, "tool", 4)) {
            return GENAI_ROLE_TOOL;
        }
    }

    return GENAI_ROLE_USER;
}


static int
genai_framing_part(genai_framing_t *f)
{
    uint32_t                i;
    genai_str_t             raw;
    const genai_segment_t  *s;

    i = f->segment;
    s = &f->req->segments[i];

    if (i == f->req->nsegments
        || (f->by_item ? s->value >= f->limit
                     : s->message != f->message
                       || s->role == GENAI_ROLE_NONE))
    {
        f->phase = GENAI_FRAMING_MESSAGE_END;
        return 0;
    }

    f->segment++;

    switch (s->kind) {

    case GENAI_SEGMENT_TEXT:
    case GENAI_SEGMENT_RESULT:
    case GENAI_SEGMENT_REFUSAL:
        return genai_framing_text(f, i);

    case GENAI_SEGMENT_REASONING:
        return genai_framing_reasoning(f, i);

    case GENAI_SEGMENT_NAME:

        if (f->family->name == 0) {
            return 0;
        }

        /* it stands for the role of who answers a call */

        if (f->role == GENAI_ROLE_TOOL) {
            f->fixed -= 1;

        } else {
            f->fixed += f->family->name;
            genai_framing_doubt(f, GENAI_FRAMING_NAMES);
        }

        return genai_framing_segment(f, i, 1);

    case GENAI_SEGMENT_CALL_NAME:
    case GENAI_SEGMENT_ARGUMENTS:
        f->ncalls += (s->kind == GENAI_SEGMENT_CALL_NAME);
        raw = genai_tape_view(&f->req->tape, s->value);
        f->work += raw.len;

        return 0;

    case GENAI_SEGMENT_IMAGE:
        genai_framing_picture(f, i);
        return 0;

    case GENAI_SEGMENT_AUDIO:
    case GENAI_SEGMENT_FILE:
        raw = genai_tape_view(&f->req->tape, s->value);
        f->fixed += genai_framing_bytes(s->kind, raw.len);
        f->media += genai_framing_bytes(s->kind, raw.len);
        f->images_most += genai_framing_bytes_most(s->kind, raw.len);
        f->estimated |= GENAI_FRAMING_MEDIA;

        return 0;

    case GENAI_SEGMENT_PREDICTION:
        f->estimated |= GENAI_FRAMING_OPTIONS;
        return 0;

    default:
        return genai_framing_uncovered(f, i);
    }
}


/* of what is large most is data, which is told as something else */

static int
genai_framing_uncovered(genai_framing_t *f, uint32_t i)
{
    uint64_t     n;
    genai_str_t  raw;

    f->estimated |= GENAI_FRAMING_UNCOVERED;

    raw = genai_tape_view(&f->req->tape, f->req->segments[i].value);
    f->other_bytes += raw.len;

    if (f->req->segments[i].json && raw.len > GENAI_FRAMING_DATA) {
        n = genai_framing_bytes(GENAI_SEGMENT_FILE, raw.len);
        f->fixed += n;
        f->media += n;
        f->images_most += genai_framing_bytes_most(GENAI_SEGMENT_FILE,
                                                   raw.len);

        return 0;
    }

    return genai_framing_segment(f, i, 1);
}


/* most templates leave out what was thought in turns that are over */

static int
genai_framing_reasoning(genai_framing_t *f, uint32_t i)
{
    const genai_segment_t  *s;

    genai_framing_doubt(f, GENAI_FRAMING_REASONING);

    s = &f->req->segments[i];
    f->thought_bytes += f->req->tape.entries[s->value].len;

    if (f->model == NULL) {
        return 0;
    }

    switch (f->model->framing) {

    case GENAI_FRAMING_GPT_OSS:

        /* several members may say the same */

        if (s->message <= f->turn || f->thought == s->message + 1) {
            return 0;
        }

        f->thought = s->message + 1;
        f->fixed += 6;

        return genai_framing_segment(f, i, 1);

    case GENAI_FRAMING_MISTRAL7:
    case GENAI_FRAMING_MISTRAL15:
        f->fixed += 2;

        return genai_framing_segment(f, i, 1);

    default:
        return 0;
    }
}


static void
genai_framing_picture(genai_framing_t *f, uint32_t i)
{
    int                  low, exact;
    uint32_t             at, url, detail, w, h;
    uint64_t             n;
    genai_str_t          raw;
    const genai_tape_t  *t;

    t = &f->req->tape;
    at = f->req->segments[i].value;

    /* {"image_url": {"url": ..., "detail": ...}}, or that text at once */

    url = genai_tape_find(t, at, "image_url", 9);
    detail = genai_tape_find(t, at, "detail", 6);

    if (url && genai_tape_type(t, url) == GENAI_TAPE_OBJECT) {
        at = url;
        url = genai_tape_find(t, at, "url", 3);
        detail = genai_tape_find(t, at, "detail", 6);
    }

    w = h = 0;
    exact = 1;
    f->spent += t->entries[f->req->segments[i].value].next
                - f->req->segments[i].value;
    genai_framing_part_members(f, f->req->segments[i].value);

    if (url && genai_tape_type(t, url) == GENAI_TAPE_STRING) {

        raw = genai_tape_view(t, url);

        if (genai_image_size(&raw, &w, &h) == -1) {
            w = h = 0;
        }
    }

    low = (detail && genai_tape_type(t, detail) == GENAI_TAPE_STRING
           && genai_tape_named(t, detail, "low", 3));

    n = genai_framing_image(f->model, w, h, low, &exact);

    f->fixed += n;
    f->media += n;

    if (!exact) {
        f->estimated |= GENAI_FRAMING_IMAGES;

    } else {
        genai_framing_doubt(f, GENAI_FRAMING_IMAGES);
        exact = (f->known & GENAI_FRAMING_IMAGES) != 0;
    }

    f->images_most += exact ? n : genai_framing_image_most(f->model);
}


static int
genai_framing_message_end(genai_framing_t *f)
{
    int  rc;

    if (f->ncalls) {
        genai_framing_doubt(f, GENAI_FRAMING_CALLS);
        f->called_bytes += f->work;
        f->ncalled += f->ncalls;

        rc = genai_framing_calls(f);

        if (rc == -1) {
            return -1;
        }

        if (rc == 1) {
            f->loose = f->first;
            f->phase = GENAI_FRAMING_LOOSE;
            return 0;
        }
    }

    return genai_framing_next_message(f);
}


/* calls as they stand, one segment at a time */

static int
genai_framing_loose(genai_framing_t *f)
{
    uint32_t                i;
    const genai_segment_t  *s;

    if (f->loose == f->segment) {
        return genai_framing_next_message(f);
    }

    i = f->loose++;
    s = &f->req->segments[i];

    if (s->kind == GENAI_SEGMENT_CALL_NAME
        || s->kind == GENAI_SEGMENT_ARGUMENTS)
    {
        return genai_framing_segment(f, i, 1);
    }

    return 0;
}


static int
genai_framing_next_message(genai_framing_t *f)
{
    int  rc;

    rc = 0;

    if (f->role == GENAI_ROLE_TOOL) {
        f->ncalled++;
        rc = genai_framing_result(f);
    }

    f->last = f->role;
    f->message++;
    f->phase = GENAI_FRAMING_MESSAGE;

    /* an answer that the model is to go on with */

    if (f->message == f->req->messages && f->role == GENAI_ROLE_ASSISTANT) {
        f->estimated |= GENAI_FRAMING_OPTIONS;
    }

    if (f->place) {
        f->place = genai_tape_next(&f->req->tape, f->messages, f->place);
    }

    return rc;
}


/* completions and embeddings: each text is on its own */

static int
genai_framing_input(genai_framing_t *f)
{
    uint64_t                n;
    uint32_t                i, value;
    const genai_segment_t  *s;

    if (f->segment == f->req->nsegments) {
        if (!genai_endpoint_talks(f->req->endpoint)) {
            f->fixed += (int64_t) f->req->messages * f->around;
        }

        f->phase = GENAI_FRAMING_OVER;

        return 0;
    }

    i = f->segment++;
    s = &f->req->segments[i];

    switch (s->kind) {

    case GENAI_SEGMENT_TOKENS:

        /* numbers alone, or they would not be told so */

        value = s->value;
        n = f->req->tape.entries[value].next - value - 1;
        f->fixed += n;
        n += f->around;

        if (n > f->largest) {
            f->largest = n;
        }

        return 0;

    case GENAI_SEGMENT_PROMPT:
    case GENAI_SEGMENT_INPUT:
        return genai_framing_segment(f, i, 1);

    case GENAI_SEGMENT_SUFFIX:
        f->estimated |= GENAI_FRAMING_OPTIONS;
        f->fixed += 3;

        return genai_framing_segment(f, i, 1);

    case GENAI_SEGMENT_IMAGE:
        genai_framing_picture(f, i);
        return 0;

    default:
        return genai_endpoint_talks(f->req->endpoint)
               ? genai_framing_talk(f, i) : genai_framing_uncovered(f, i);
    }
}


/*
 * A conversation in a dialect whose frame is only about known: the texts as
 * they stand, and what a family has around them.
 */

static int
genai_framing_talk(genai_framing_t *f, uint32_t i)
{
    genai_str_t             raw;
    const genai_segment_t  *s;

    s = &f->req->segments[i];
    raw = genai_tape_view(&f->req->tape, s->value);

    switch (s->kind) {

    case GENAI_SEGMENT_TEXT:
    case GENAI_SEGMENT_REFUSAL:
        return genai_framing_segment(f, i, 1);

    case GENAI_SEGMENT_REASONING:
        f->estimated |= GENAI_FRAMING_REASONING;
        f->thought_bytes += raw.len;
        return 0;

    case GENAI_SEGMENT_RESULT:
        f->estimated |= GENAI_FRAMING_CALLS;
        f->fixed += f->family->tool;
        f->called_bytes += raw.len;
        f->ncalled++;
        return genai_framing_segment(f, i, 1);

    case GENAI_SEGMENT_CALL_NAME:
        f->estimated |= GENAI_FRAMING_CALLS;
        f->fixed += f->family->answer_call;
        f->ncalled++;
        return genai_framing_segment(f, i, 1);

    case GENAI_SEGMENT_ARGUMENTS:
        f->called_bytes += raw.len;
        return genai_framing_segment(f, i, 1);

    case GENAI_SEGMENT_TOOL_NAME:

        if (f->ntools++ == 0) {
            f->estimated |= GENAI_FRAMING_TOOLS;
            f->fixed += f->family->tools_fixed;
        }

        /* fall through */

    case GENAI_SEGMENT_TOOL_DESCRIPTION:
    case GENAI_SEGMENT_TOOL_SCHEMA:
        return genai_framing_segment(f, i, 1);

    case GENAI_SEGMENT_FORMAT:
        f->estimated |= GENAI_FRAMING_FORMAT;
        f->format = f->format ? f->format : s->value;

        /* it is no text to some */

        return (f->model && f->model->framing == GENAI_FRAMING_GEMINI)
               ? 0 : genai_framing_segment(f, i, 1);

    case GENAI_SEGMENT_AUDIO:
    case GENAI_SEGMENT_FILE:
        f->fixed += genai_framing_bytes(s->kind, raw.len);
        f->media += genai_framing_bytes(s->kind, raw.len);
        f->images_most += genai_framing_bytes_most(s->kind, raw.len);
        f->estimated |= GENAI_FRAMING_MEDIA;
        return 0;

    default:

        /* tools that the provider runs, which find what they find */

        if (f->tools && s->value > f->tools
            && s->value < f->req->tape.entries[f->tools].next)
        {
            f->estimated |= GENAI_FRAMING_TOOLS;
            f->nforeign++;
        }

        return genai_framing_uncovered(f, i);
    }
}


const char *
genai_framing_why(uint32_t bit)
{
    int  i;

    static const char  *words[] = {
        "family", "tools", "calls", "format", "names", "images", "media",
        "reasoning", "uncovered", "edges", "turns", "options", "seams",
        "marks"
    };

    for (i = 0; i < (int) (sizeof(words) / sizeof(words[0])); i++) {
        if (bit & (1u << i)) {
            return words[i];
        }
    }

    return "";
}
