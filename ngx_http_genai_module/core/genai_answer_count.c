/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tokens of an answer.
 *
 * A text is known by its choice, its kind and, of a tool's arguments, the
 * number of the call.  Most answers have one that grows, so that the slot
 * used last is looked at first.
 */


#include "genai_answer_count.h"

#include <stdlib.h>


/* bytes of a token, where nobody has counted */
#define GENAI_ANSWER_BYTES    4

/* choices that are told apart where only their number matters */
#define GENAI_ANSWER_CHOICES  64


typedef struct {
    genai_counter_t       *counter;     /* NULL: nothing is open here */
    genai_answer_kind_e    kind;
    unsigned               choice;
    unsigned               block;
    uint64_t               used;        /* number of the event that last did */
} genai_answer_slot_t;


struct genai_answer_count_s {
    const genai_vocab_t   *vocab;
    genai_bpe_cache_t     *cache;
    genai_answer_slot_t   *last;
    uint64_t               events;
    uint64_t               choices;     /* bits */
    genai_answer_said_t    said;        /* of texts that have ended */
    genai_answer_slot_t    slots[GENAI_ANSWER_TEXTS];
    unsigned               inexact:1;
};


static genai_answer_slot_t *genai_answer_slot(genai_answer_count_t *ac,
    genai_answer_kind_e kind, const genai_event_t *e);
static genai_answer_slot_t *genai_answer_open(genai_answer_count_t *ac,
    genai_answer_kind_e kind, const genai_event_t *e);
static void genai_answer_close(genai_answer_count_t *ac,
    genai_answer_slot_t *slot);
static void genai_answer_add(genai_answer_count_t *ac,
    genai_answer_kind_e kind, const genai_event_t *e, const genai_str_t *s);
static void genai_answer_guess(genai_answer_count_t *ac,
    genai_answer_kind_e kind, const genai_str_t *s);
static uint64_t genai_answer_tokens(const genai_counter_t *c);


genai_answer_count_t *
genai_answer_count_create(const genai_vocab_t *v, genai_bpe_cache_t *cache)
{
    genai_answer_count_t  *ac;

    ac = calloc(1, sizeof(genai_answer_count_t));

    if (ac) {
        ac->vocab = v;
        ac->cache = cache;
        ac->last = &ac->slots[0];
    }

    return ac;
}


void
genai_answer_count_destroy(genai_answer_count_t *ac)
{
    unsigned  i;

    for (i = 0; i < GENAI_ANSWER_TEXTS; i++) {
        if (ac->slots[i].counter) {
            genai_counter_done(ac->slots[i].counter);
            free(ac->slots[i].counter);
        }
    }

    free(ac);
}


void
genai_answer_count_event(genai_answer_count_t *ac, const genai_event_t *e)
{
    size_t  pos;

    pos = 0;

    while (genai_answer_count_piece(ac, e, &pos)) { /* void */ }
}


int
genai_answer_count_piece(genai_answer_count_t *ac, const genai_event_t *e,
    size_t *pos)
{
    genai_str_t          piece;
    genai_answer_kind_e  kind;

    if (e->copy) {
        return 0;
    }

    ac->events++;

    switch (e->type) {

    case GENAI_EVENT_TEXT:
        kind = GENAI_ANSWER_TEXT;
        break;

    case GENAI_EVENT_REASONING:
        kind = GENAI_ANSWER_REASONING;
        break;

    case GENAI_EVENT_REFUSAL:
        kind = GENAI_ANSWER_REFUSAL;
        break;

    case GENAI_EVENT_ARGUMENTS:
        kind = GENAI_ANSWER_ARGUMENTS;
        break;

    case GENAI_EVENT_TOOL:

        /* a name is short and whole, and is told once more if it comes late */

        if (e->name.len) {
            genai_answer_add(ac, GENAI_ANSWER_CALL_NAME, e, &e->name);
            genai_answer_close(ac, ac->last);
        }

        return 0;

    case GENAI_EVENT_MEDIA:
    case GENAI_EVENT_BROKEN:
        ac->inexact = 1;
        return 0;

    default:
        return 0;
    }

    piece.data = e->text.data + *pos;
    piece.len = e->text.len - *pos;

    if (piece.len > GENAI_ANSWER_PIECE) {
        piece.len = GENAI_ANSWER_PIECE;
    }

    genai_answer_add(ac, kind, e, &piece);

    *pos += piece.len;

    return *pos < e->text.len;
}


static void
genai_answer_add(genai_answer_count_t *ac, genai_answer_kind_e kind,
    const genai_event_t *e, const genai_str_t *s)
{
    genai_answer_slot_t  *slot;

    if (s->len == 0) {
        return;
    }

    if (e->choice < GENAI_ANSWER_CHOICES) {
        ac->choices |= (uint64_t) 1 << e->choice;

    } else {
        ac->inexact = 1;
    }

    slot = genai_answer_slot(ac, kind, e);

    if (slot == NULL || genai_counter_feed(slot->counter, s) != 0) {
        genai_answer_guess(ac, kind, s);
        return;
    }

    slot->used = ac->events;
    ac->last = slot;
}


static void
genai_answer_guess(genai_answer_count_t *ac, genai_answer_kind_e kind,
    const genai_str_t *s)
{
    ac->inexact = 1;
    ac->said.tokens[kind] += (s->len + GENAI_ANSWER_BYTES - 1)
                             / GENAI_ANSWER_BYTES;
}


static genai_answer_slot_t *
genai_answer_slot(genai_answer_count_t *ac, genai_answer_kind_e kind,
    const genai_event_t *e)
{
    unsigned              i;
    genai_answer_slot_t  *slot;

    slot = ac->last;

    for (i = 0; i <= GENAI_ANSWER_TEXTS; i++) {

        if (slot->counter && slot->kind == kind && slot->choice == e->choice
            && slot->block == e->block)
        {
            return slot;
        }

        slot = &ac->slots[i % GENAI_ANSWER_TEXTS];
    }

    return genai_answer_open(ac, kind, e);
}


static genai_answer_slot_t *
genai_answer_open(genai_answer_count_t *ac, genai_answer_kind_e kind,
    const genai_event_t *e)
{
    unsigned              i;
    genai_answer_slot_t  *slot, *oldest;

    oldest = &ac->slots[0];

    for (i = 0; i < GENAI_ANSWER_TEXTS; i++) {

        slot = &ac->slots[i];

        if (slot->counter == NULL) {
            oldest = slot;
            break;
        }

        if (slot->used < oldest->used) {
            oldest = slot;
        }
    }

    if (oldest->counter) {

        /* a choice of many may go on, a call's arguments seldom do */

        ac->inexact |= (oldest->kind != GENAI_ANSWER_ARGUMENTS
                        || oldest->choice != e->choice);

        genai_answer_close(ac, oldest);
    }

    oldest->counter = malloc(sizeof(genai_counter_t));
    if (oldest->counter == NULL) {
        return NULL;
    }

    genai_counter_init(oldest->counter, ac->vocab, ac->cache);

    oldest->kind = kind;
    oldest->choice = e->choice;
    oldest->block = e->block;

    ac->said.texts[kind]++;

    return oldest;
}


static void
genai_answer_close(genai_answer_count_t *ac, genai_answer_slot_t *slot)
{
    if (slot->counter == NULL) {
        return;
    }

    if (genai_counter_end(slot->counter) != 0) {
        ac->inexact = 1;
    }

    ac->inexact |= slot->counter->inexact;
    ac->said.tokens[slot->kind] += slot->counter->tokens;

    genai_counter_done(slot->counter);
    free(slot->counter);
    slot->counter = NULL;
}


void
genai_answer_count_peek(const genai_answer_count_t *ac,
    genai_answer_said_t *said)
{
    unsigned                    i;
    const genai_answer_slot_t  *slot;

    *said = ac->said;
    said->choices = (uint32_t) __builtin_popcountll(ac->choices);
    said->exact = !ac->inexact;

    for (i = 0; i < GENAI_ANSWER_TEXTS; i++) {

        slot = &ac->slots[i];

        if (slot->counter) {
            said->tokens[slot->kind] += genai_answer_tokens(slot->counter);
            said->exact = 0;
        }
    }
}


/* what is kept of a text is a few words, and a few KiB of a run without end */

static uint64_t
genai_answer_tokens(const genai_counter_t *c)
{
    return c->tokens + (c->raw.len + c->tail.len + GENAI_ANSWER_BYTES - 1)
                       / GENAI_ANSWER_BYTES;
}


void
genai_answer_count_end(genai_answer_count_t *ac, genai_answer_said_t *said)
{
    unsigned  i;

    for (i = 0; i < GENAI_ANSWER_TEXTS; i++) {
        genai_answer_close(ac, &ac->slots[i]);
    }

    genai_answer_count_peek(ac, said);
}
