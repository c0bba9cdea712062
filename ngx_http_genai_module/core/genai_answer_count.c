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
#include <string.h>


/* bytes of a token, where nobody has counted */
#define GENAI_ANSWER_BYTES    4

/* choices that are told apart where only their number matters */
#define GENAI_ANSWER_CHOICES  64

/* runs of bytes that are held, each of another text than the one before */
#define GENAI_ANSWER_RUNS     16


/* which of the texts that an answer is */

typedef struct {
    genai_answer_kind_e    kind;
    unsigned               choice;
    unsigned               block;
} genai_answer_text_t;


typedef struct {
    genai_counter_t       *counter;     /* NULL: nothing is open here */
    genai_answer_text_t    text;
    uint64_t               used;        /* when it was last, by a count */
} genai_answer_slot_t;


typedef struct {
    genai_answer_text_t    text;
    size_t                 len;
} genai_answer_run_t;


struct genai_answer_count_s {
    const genai_vocab_t   *vocab;
    genai_bpe_cache_t     *cache;
    genai_answer_slot_t   *last;
    uint64_t               uses;
    uint64_t               choices;     /* bits */
    genai_answer_said_t    said;        /* of texts that have ended */
    genai_answer_slot_t    slots[GENAI_ANSWER_TEXTS];

    unsigned char         *held;        /* not yet counted, or NULL */
    size_t                 nheld;
    unsigned               nruns;
    genai_answer_run_t     runs[GENAI_ANSWER_RUNS];     /* whose it is */

    unsigned               holds:1;
    unsigned               inexact:1;
};


static void genai_answer_add(genai_answer_count_t *ac,
    genai_answer_kind_e kind, const genai_event_t *e, const genai_str_t *s);
static int genai_answer_hold(genai_answer_count_t *ac,
    const genai_answer_text_t *text, const genai_str_t *s);
static void genai_answer_release(genai_answer_count_t *ac);
static void genai_answer_count_feed(genai_answer_count_t *ac,
    const genai_answer_text_t *text, const genai_str_t *s);
static inline int genai_answer_same(const genai_answer_text_t *one,
    const genai_answer_text_t *two);
static genai_answer_slot_t *genai_answer_slot(genai_answer_count_t *ac,
    const genai_answer_text_t *text);
static genai_answer_slot_t *genai_answer_open(genai_answer_count_t *ac,
    const genai_answer_text_t *text);
static void genai_answer_close(genai_answer_count_t *ac,
    genai_answer_slot_t *slot);
static void genai_answer_guess(genai_answer_count_t *ac,
    genai_answer_kind_e kind, const genai_str_t *s);
static void genai_answer_tell(genai_answer_count_t *ac,
    genai_answer_said_t *said, int now);
static uint64_t genai_answer_tokens(const genai_counter_t *c, int now,
    uint64_t *open);


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

    free(ac->held);
    free(ac);
}


void
genai_answer_count_hold(genai_answer_count_t *ac)
{
    ac->holds = 1;
}


int
genai_answer_count_held(const genai_answer_count_t *ac)
{
    return ac->holds;
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
    genai_answer_text_t  text;

    if (s->len == 0) {
        return;
    }

    if (e->choice < GENAI_ANSWER_CHOICES) {
        ac->choices |= (uint64_t) 1 << e->choice;

    } else {
        ac->inexact = 1;
    }

    text.kind = kind;
    text.choice = e->choice;
    text.block = e->block;

    if (ac->holds) {

        if (genai_answer_hold(ac, &text, s)) {
            return;
        }

        genai_answer_release(ac);
    }

    genai_answer_count_feed(ac, &text, s);
}


/* whether there was room */

static int
genai_answer_hold(genai_answer_count_t *ac, const genai_answer_text_t *text,
    const genai_str_t *s)
{
    genai_answer_run_t  *run;

    if (s->len > GENAI_ANSWER_HELD - ac->nheld) {
        return 0;
    }

    if (ac->held == NULL) {
        ac->held = malloc(GENAI_ANSWER_HELD);
        if (ac->held == NULL) {
            return 0;
        }
    }

    /* each name is a text of its own */

    if (ac->nruns == 0 || text->kind == GENAI_ANSWER_CALL_NAME
        || !genai_answer_same(&ac->runs[ac->nruns - 1].text, text))
    {
        if (ac->nruns == GENAI_ANSWER_RUNS) {
            return 0;
        }

        run = &ac->runs[ac->nruns++];
        run->text = *text;
        run->len = 0;
    }

    memcpy(ac->held + ac->nheld, s->data, s->len);

    ac->nheld += s->len;
    ac->runs[ac->nruns - 1].len += s->len;

    return 1;
}


/* counts what was held, and holds no more */

static void
genai_answer_release(genai_answer_count_t *ac)
{
    unsigned     i;
    genai_str_t  s;

    ac->holds = 0;

    s.data = ac->held;

    for (i = 0; i < ac->nruns; i++) {
        s.len = ac->runs[i].len;
        genai_answer_count_feed(ac, &ac->runs[i].text, &s);
        s.data += s.len;
    }

    free(ac->held);
    ac->held = NULL;
}


static void
genai_answer_count_feed(genai_answer_count_t *ac,
    const genai_answer_text_t *text, const genai_str_t *s)
{
    genai_answer_slot_t  *slot;

    slot = genai_answer_slot(ac, text);

    if (slot == NULL || genai_counter_feed(slot->counter, s) != 0) {
        genai_answer_guess(ac, text->kind, s);
        return;
    }

    slot->used = ++ac->uses;
    ac->last = slot;

    if (text->kind == GENAI_ANSWER_CALL_NAME) {
        genai_answer_close(ac, slot);
    }
}


static void
genai_answer_guess(genai_answer_count_t *ac, genai_answer_kind_e kind,
    const genai_str_t *s)
{
    uint64_t  guess;

    guess = (s->len + GENAI_ANSWER_BYTES - 1) / GENAI_ANSWER_BYTES;

    ac->inexact = 1;
    ac->said.tokens[kind] += guess;
    ac->said.open += s->len - guess;
}


static inline int
genai_answer_same(const genai_answer_text_t *one,
    const genai_answer_text_t *two)
{
    return one->kind == two->kind && one->choice == two->choice
           && one->block == two->block;
}


static genai_answer_slot_t *
genai_answer_slot(genai_answer_count_t *ac, const genai_answer_text_t *text)
{
    unsigned              i;
    genai_answer_slot_t  *slot;

    slot = ac->last;

    for (i = 0; i <= GENAI_ANSWER_TEXTS; i++) {

        if (slot->counter && genai_answer_same(&slot->text, text)) {
            return slot;
        }

        slot = &ac->slots[i % GENAI_ANSWER_TEXTS];
    }

    return genai_answer_open(ac, text);
}


static genai_answer_slot_t *
genai_answer_open(genai_answer_count_t *ac, const genai_answer_text_t *text)
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

        ac->inexact |= (oldest->text.kind != GENAI_ANSWER_ARGUMENTS
                        || oldest->text.choice != text->choice);

        genai_answer_close(ac, oldest);
    }

    oldest->counter = malloc(sizeof(genai_counter_t));
    if (oldest->counter == NULL) {
        return NULL;
    }

    genai_counter_init(oldest->counter, ac->vocab, ac->cache);

    oldest->text = *text;

    ac->said.texts[text->kind]++;

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
    ac->said.tokens[slot->text.kind] += slot->counter->tokens;

    genai_counter_done(slot->counter);
    free(slot->counter);
    slot->counter = NULL;
}


void
genai_answer_count_peek(genai_answer_count_t *ac, genai_answer_said_t *said)
{
    genai_answer_tell(ac, said, 0);
}


void
genai_answer_count_now(genai_answer_count_t *ac, genai_answer_said_t *said)
{
    genai_answer_tell(ac, said, 1);
}


static void
genai_answer_tell(genai_answer_count_t *ac, genai_answer_said_t *said, int now)
{
    unsigned                    i;
    const genai_answer_slot_t  *slot;

    if (ac->holds) {
        genai_answer_release(ac);
    }

    *said = ac->said;
    said->choices = (uint32_t) __builtin_popcountll(ac->choices);
    said->exact = !ac->inexact;

    for (i = 0; i < GENAI_ANSWER_TEXTS; i++) {

        slot = &ac->slots[i];

        if (slot->counter) {
            said->tokens[slot->text.kind]
                += genai_answer_tokens(slot->counter, now, &said->open);
            said->exact = 0;
        }
    }
}


/* what is kept of a text is a few words, and a few KiB of a run without end */

static uint64_t
genai_answer_tokens(const genai_counter_t *c, int now, uint64_t *open)
{
    uint64_t  bytes, guess, tokens;

    if (now && genai_counter_now(c, &tokens) == 0) {
        return tokens;
    }

    bytes = genai_counter_pending(c);
    guess = (bytes + GENAI_ANSWER_BYTES - 1) / GENAI_ANSWER_BYTES;

    /* a token is a byte at least */

    *open += bytes - guess;

    return c->tokens + guess;
}


void
genai_answer_count_end(genai_answer_count_t *ac, genai_answer_said_t *said)
{
    unsigned  i;

    if (ac->holds) {
        genai_answer_release(ac);
    }

    for (i = 0; i < GENAI_ANSWER_TEXTS; i++) {
        genai_answer_close(ac, &ac->slots[i]);
    }

    genai_answer_count_peek(ac, said);
}
