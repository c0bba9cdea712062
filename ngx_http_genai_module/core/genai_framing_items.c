/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Requests of the Responses API: instructions, which are a system message, and
 * items.  A message is what it is in a chat; a call and its result are items
 * of their own.  What was thought is shown to a model again behind the last
 * that a user has said, and is encrypted.
 */


#include "genai_framing_int.h"


/*
 * Bytes of encrypted thoughts that are no thought, but of Grok, and of those
 * beyond that are a token: fitted to recordings, of 50 to 1,400 tokens.
 */
#define GENAI_ITEMS_SEALED  1100
#define GENAI_ITEMS_TOKEN   6

/* what xAI puts in front of all, and where there are tools: Grok 4.3 */
#define GENAI_ITEMS_GROK        192
#define GENAI_ITEMS_GROK_TOOLS  88


static int genai_framing_instructions(genai_framing_t *f);
static uint32_t genai_framing_segment_at(const genai_framing_t *f,
    uint32_t value);
static uint8_t genai_framing_item_kind(const genai_framing_t *f);
static uint8_t genai_framing_item_role(const genai_framing_t *f);
static void genai_framing_sealed(genai_framing_t *f);


void
genai_framing_items_begin(genai_framing_t *f)
{
    uint32_t             input;
    const genai_tape_t  *t;

    t = &f->req->tape;

    f->by_item = 1;
    f->known = f->family->items;

    input = genai_tape_find(t, 0, "input", 5);

    if (input && genai_tape_type(t, input) == GENAI_TAPE_ARRAY) {
        f->messages = input;
    }
}


/* the next one: the instructions, the items, or the one text */

int
genai_framing_item(genai_framing_t *f)
{
    uint32_t             input;
    const genai_tape_t  *t;

    t = &f->req->tape;

    f->ntexts = 0;
    f->ncalls = 0;
    f->work = 0;
    f->before = f->kind;

    if (f->place == 0) {

        /* the first time */

        if (genai_framing_instructions(f) == -1) {
            return -1;
        }

        input = genai_tape_find(t, 0, "input", 5);

        if (f->model && f->model->framing == GENAI_FRAMING_GROK) {
            f->fixed += f->tool ? GENAI_ITEMS_GROK_TOOLS : GENAI_ITEMS_GROK;
        }

        f->message = 0;
        f->place = f->messages ? genai_tape_first(t, f->messages) : input;

        if (f->messages == 0 && input
            && genai_tape_type(t, input) != GENAI_TAPE_STRING)
        {
            f->place = 0;
        }

    } else {
        f->message++;
        f->place = f->messages ? genai_tape_next(t, f->messages, f->place) : 0;
    }

    if (f->place == 0) {
        return 0;
    }

    f->segment = genai_framing_segment_at(f, f->place);
    f->first = f->segment;
    f->limit = t->entries[f->place].next;

    if (f->messages == 0) {
        f->limit = f->place + 1;
        f->kind = GENAI_ITEM_MESSAGE;
        f->role = GENAI_ROLE_USER;
        f->fixed += f->family->user;

        return 0;
    }

    f->kind = genai_framing_item_kind(f);
    f->role = genai_framing_item_role(f);

    if (f->message) {
        genai_framing_doubt(f, GENAI_FRAMING_TURNS);
    }

    if (genai_tape_type(t, f->place) == GENAI_TAPE_OBJECT) {
        genai_framing_members(f);
        f->spent += f->limit - f->place;
    }

    switch (f->kind) {

    case GENAI_ITEM_CALL:
        f->asked[f->nasked++ % 16] = f->place;
        f->fixed += f->family->assistant;
        return 0;

    case GENAI_ITEM_RESULT:
        f->fixed += f->family->tool;
        return 0;

    case GENAI_ITEM_REASONING:
        genai_framing_sealed(f);
        f->segment = genai_framing_segment_at(f, f->limit);
        return 0;

    case GENAI_ITEM_OTHER:
        f->estimated |= GENAI_FRAMING_UNCOVERED;
        return 0;
    }

    switch (f->role) {

    case GENAI_ROLE_SYSTEM:
    case GENAI_ROLE_DEVELOPER:
        f->systems++;
        f->fixed += f->family->system;
        break;

    case GENAI_ROLE_ASSISTANT:
        f->fixed += f->family->assistant;
        break;

    default:
        f->fixed += f->family->user;
        break;
    }

    return 0;
}


int
genai_framing_item_end(genai_framing_t *f)
{
    switch (f->kind) {

    case GENAI_ITEM_CALL:
        return genai_framing_item_call(f);

    case GENAI_ITEM_RESULT:
        return genai_framing_item_result(f);

    case GENAI_ITEM_MESSAGE:

        /* an answer that the model is to go on with */

        if (f->role == GENAI_ROLE_ASSISTANT && f->messages
            && genai_tape_next(&f->req->tape, f->messages, f->place) == 0)
        {
            f->estimated |= GENAI_FRAMING_OPTIONS;
        }

        return 0;

    default:
        return 0;
    }
}


/* a message of the system in front of all */

static int
genai_framing_instructions(genai_framing_t *f)
{
    uint32_t                i, k;
    const genai_tape_t     *t;
    const genai_segment_t  *s;

    t = &f->req->tape;
    s = f->req->segments;
    k = genai_tape_find(t, 0, "instructions", 12);

    if (k && genai_tape_type(t, k) != GENAI_TAPE_NULL) {

        f->systems++;
        f->role = GENAI_ROLE_SYSTEM;
        f->fixed += f->family->system;

        i = genai_framing_segment_at(f, k);

        if (i < f->req->nsegments && s[i].value == k
            && s[i].kind == GENAI_SEGMENT_TEXT
            && genai_framing_text(f, i) == -1)
        {
            return -1;
        }

        if (genai_tape_type(t, k) != GENAI_TAPE_STRING) {
            f->estimated |= GENAI_FRAMING_UNCOVERED;
            f->other_bytes += t->entries[k].len;
        }
    }

    f->ntexts = 0;

    return f->family->preamble
           ? genai_framing_preamble(f, f->systems != 0) : 0;
}


/* the first segment that stands at that place of the tape or behind it */

static uint32_t
genai_framing_segment_at(const genai_framing_t *f, uint32_t value)
{
    uint32_t  low, high, middle;

    low = 0;
    high = f->req->nsegments;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (f->req->segments[middle].value < value) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


static uint8_t
genai_framing_item_kind(const genai_framing_t *f)
{
    uint32_t             i;
    const genai_tape_t  *t;

    t = &f->req->tape;
    i = genai_tape_find(t, f->place, "type", 4);

    if (i == 0) {
        return genai_tape_find(t, f->place, "role", 4) ? GENAI_ITEM_MESSAGE
                                                       : GENAI_ITEM_OTHER;
    }

    if (genai_tape_type(t, i) != GENAI_TAPE_STRING) {
        return GENAI_ITEM_OTHER;
    }

    return genai_tape_named(t, i, "message", 7) ? GENAI_ITEM_MESSAGE
           : genai_tape_named(t, i, "function_call", 13)
             || genai_tape_named(t, i, "custom_tool_call", 16)
             ? GENAI_ITEM_CALL
           : genai_tape_named(t, i, "function_call_output", 20)
             || genai_tape_named(t, i, "custom_tool_call_output", 23)
             ? GENAI_ITEM_RESULT
           : genai_tape_named(t, i, "reasoning", 9) ? GENAI_ITEM_REASONING
           : GENAI_ITEM_OTHER;
}


static uint8_t
genai_framing_item_role(const genai_framing_t *f)
{
    uint32_t             i;
    const genai_tape_t  *t;

    switch (f->kind) {

    case GENAI_ITEM_CALL:
    case GENAI_ITEM_REASONING:
        return GENAI_ROLE_ASSISTANT;

    case GENAI_ITEM_RESULT:
        return GENAI_ROLE_TOOL;
    }

    t = &f->req->tape;
    i = genai_tape_find(t, f->place, "role", 4);

    if (i && genai_tape_type(t, i) == GENAI_TAPE_STRING) {

        if (genai_tape_named(t, i, "assistant", 9)) {
            return GENAI_ROLE_ASSISTANT;
        }

        if (genai_tape_named(t, i, "system", 6)
            || genai_tape_named(t, i, "developer", 9))
        {
            return GENAI_ROLE_SYSTEM;
        }
    }

    return GENAI_ROLE_USER;
}


/* thoughts of a turn that is over are left out */

static void
genai_framing_sealed(genai_framing_t *f)
{
    uint32_t             k;
    uint64_t             n;
    const genai_tape_t  *t;

    t = &f->req->tape;

    if (f->model && f->model->framing == GENAI_FRAMING_OPENAI5
        && f->message < f->turn)
    {
        return;
    }

    f->estimated |= GENAI_FRAMING_REASONING;
    f->thought_bytes += t->entries[f->place].len;

    k = genai_tape_find(t, f->place, "encrypted_content", 17);

    if (k == 0 || genai_tape_type(t, k) != GENAI_TAPE_STRING) {
        return;
    }

    n = t->entries[k].len;

    if (f->model && f->model->framing == GENAI_FRAMING_GROK) {
        f->fixed += n / GENAI_ITEMS_TOKEN;
        return;
    }

    f->fixed += (n > GENAI_ITEMS_SEALED)
                ? (n - GENAI_ITEMS_SEALED) / GENAI_ITEMS_TOKEN : 0;
}


/* found from few recordings: a line that says which */

int
genai_framing_item_choice(genai_framing_t *f)
{
    uint32_t     k;
    genai_str_t  s;

    switch (f->choice) {

    case GENAI_FRAMING_REQUIRED:
        f->fixed += 10;
        return 0;

    case GENAI_FRAMING_NAMED:
        f->fixed += 8;
        k = genai_tape_find(&f->req->tape, f->chosen, "name", 4);

        if (k && f->req->tape.entries[k].len > GENAI_FRAMING_LARGE) {
            k = 0;
        }

        if (genai_framing_decode(f, k, &s) == -1) {
            return -1;
        }

        return genai_framing_made(f, &s, 1);

    default:
        return 0;
    }
}
