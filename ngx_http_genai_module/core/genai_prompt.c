/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tokens of a request.
 *
 * A text without escapes is counted where it lies.  One with escapes is
 * decoded first, into memory that the next one uses again: fed to its counter
 * piece by piece it would need less, but a counter cannot stop within a piece.
 * Long ones are looked for in the table of those that were counted before, by
 * their raw bytes.  All of that goes on from step to step.
 */


#include "genai_prompt.h"

#include "genai_text.h"


/* bytes of a token, where there is no vocabulary */
#define GENAI_PROMPT_BYTES  4

/*
 * Of a budget, in bytes that a scanner takes: a unit of the counter's work
 * takes up to 30 ns, twice that where others use the processor's caches: with
 * 8192 of them a step takes half a millisecond at most.
 */
#define GENAI_PROMPT_UNITS(budget)  ((budget) / 8)

/* raw bytes that are hashed in a unit, and decoded */
#define GENAI_PROMPT_HASHED   16
#define GENAI_PROMPT_DECODED  4


static int genai_prompt_item(genai_prompt_t *p, genai_bpe_cache_t *cache,
    int64_t *budget);
static int genai_prompt_text(genai_prompt_t *p, const genai_str_t *text,
    int64_t *budget);
static int genai_prompt_decode(genai_prompt_t *p, const genai_str_t *raw,
    int64_t *budget);
static void genai_prompt_add(genai_prompt_t *p, uint64_t tokens);
static int genai_prompt_hash(genai_prompt_t *p, const genai_str_t *text,
    int escaped, int64_t *budget);
static int genai_prompt_look(genai_prompt_t *p, const genai_str_t *text);
static void genai_prompt_done(genai_prompt_t *p);


void
genai_prompt_init(genai_prompt_t *p, const genai_request_t *req,
    const genai_catalog_model_t *model, const genai_vocab_t *vocab,
    int standin, genai_count_cache_t *known, genai_arena_t *arena)
{
    memset(p, 0, sizeof(genai_prompt_t));

    p->req = req;
    p->model = model;
    p->vocab = vocab;
    p->known = vocab ? known : NULL;
    p->inexact = (vocab == NULL || standin);

    genai_framing_init(&p->framing, req, model, arena);
}


int
genai_prompt_run(genai_prompt_t *p, genai_bpe_cache_t *cache, size_t budget)
{
    int      rc;
    int64_t  left;

    if (!p->framed) {

        rc = genai_framing_run(&p->framing, budget);

        if (rc == GENAI_FRAMING_ERROR) {
            return GENAI_PROMPT_ERROR;
        }

        if (rc == GENAI_FRAMING_AGAIN) {
            return GENAI_PROMPT_AGAIN;
        }

        p->framed = 1;
        p->base = p->framing.fixed;
        p->estimated = p->framing.estimated;
    }

    if (p->counter == NULL && p->vocab) {

        p->counter = genai_arena_alloc(p->framing.arena,
                                       sizeof(genai_counter_t));

        if (p->counter == NULL) {
            return GENAI_PROMPT_ERROR;
        }
    }

    left = (budget > INT64_MAX) ? INT64_MAX
                                : (int64_t) GENAI_PROMPT_UNITS(budget) + 1;

    while (p->item < p->framing.nitems) {

        rc = genai_prompt_item(p, cache, &left);

        if (rc != GENAI_PROMPT_DONE) {
            return rc;
        }

        p->item++;
        p->begun = 0;

        if (left <= 0 && p->item < p->framing.nitems) {
            return GENAI_PROMPT_AGAIN;
        }
    }

    genai_prompt_done(p);

    return GENAI_PROMPT_DONE;
}


static int
genai_prompt_item(genai_prompt_t *p, genai_bpe_cache_t *cache,
    int64_t *budget)
{
    int                          rc, escaped;
    genai_str_t                  text;
    const genai_tape_t          *tape;
    const genai_segment_t       *segment;
    const genai_framing_item_t  *item;

    item = &p->framing.items[p->item];

    escaped = 0;

    if (item->segment == GENAI_FRAMING_MADE) {
        text = item->text;

    } else {
        segment = &p->req->segments[item->segment];
        tape = &p->req->tape;

        text = genai_tape_view(tape, segment->value);
        escaped = !segment->json && genai_tape_escaped(tape, segment->value);
    }

    if (!p->begun) {

        p->bytes += text.len;
        *budget -= 1;

        if (p->vocab == NULL) {
            genai_prompt_add(p, (text.len + GENAI_PROMPT_BYTES - 1)
                                / GENAI_PROMPT_BYTES);
            return GENAI_PROMPT_DONE;
        }

        p->begun = 1;
        p->pos = 0;
        p->decoded.len = 0;
        p->hashed = (p->known && text.len >= GENAI_COUNT_CACHE_TEXT);
        p->hashing = p->hashed;

        if (p->hashed) {
            genai_count_hash_begin(&p->hasher, p->known);
        }
    }

    if (p->hashing) {

        if (genai_prompt_hash(p, &text, escaped, budget)
            == GENAI_PROMPT_AGAIN)
        {
            return GENAI_PROMPT_AGAIN;
        }

        if (genai_prompt_look(p, &text)) {
            return GENAI_PROMPT_DONE;
        }
    }

    if (!p->open) {
        genai_counter_init(p->counter, p->vocab, cache);
        p->open = 1;
    }

    if (escaped) {

        rc = genai_prompt_decode(p, &text, budget);

        if (rc != GENAI_PROMPT_DONE) {
            return rc;
        }

        text = p->decoded;
    }

    /* the last step may have been another thread's */

    p->counter->bpe.cache = cache;

    rc = genai_prompt_text(p, &text, budget);

    if (rc == GENAI_PROMPT_AGAIN) {
        return rc;
    }

    if (rc == GENAI_PROMPT_DONE) {

        if (p->hashed && !p->counter->inexact) {
            genai_count_cache_add(p->known, &p->hash, p->counter->tokens);
        }

        p->inexact |= p->counter->inexact;
        genai_prompt_add(p, p->counter->tokens);
    }

    genai_prompt_stop(p);

    return rc;
}


void
genai_prompt_stop(genai_prompt_t *p)
{
    if (p->open) {
        genai_counter_done(p->counter);
        p->open = 0;
    }
}


static int
genai_prompt_text(genai_prompt_t *p, const genai_str_t *text, int64_t *budget)
{
    size_t  units;

    units = (*budget > 1) ? (size_t) *budget : 1;

    switch (genai_counter_text(p->counter, text, units)) {

    case GENAI_COUNTER_AGAIN:
        *budget = 0;
        return GENAI_PROMPT_AGAIN;

    case GENAI_COUNTER_DONE:

        *budget = p->counter->bpe.budget;
        return GENAI_PROMPT_DONE;

    default:
        return GENAI_PROMPT_ERROR;
    }
}


static int
genai_prompt_decode(genai_prompt_t *p, const genai_str_t *raw,
    int64_t *budget)
{
    size_t       end;
    genai_str_t  part;

    if (raw->len > p->size) {

        p->size = (raw->len > 2 * p->size) ? raw->len : 2 * p->size;
        p->decoded.data = genai_arena_alloc(p->framing.arena, p->size);

        if (p->decoded.data == NULL) {
            return GENAI_PROMPT_ERROR;
        }
    }

    while (p->pos < raw->len) {

        if (*budget <= 0) {
            return GENAI_PROMPT_AGAIN;
        }

        end = raw->len;

        if (end - p->pos > GENAI_PROMPT_SLICE) {

            end = p->pos + GENAI_PROMPT_SLICE;

            /* an escaped pair has 12 bytes, a character 4 */

            while (!genai_text_boundary(raw, 1, end, p->pos, raw->len)) {
                end--;
            }
        }

        part.data = raw->data + p->pos;
        part.len = end - p->pos;

        p->decoded.len += genai_text_decode(p->decoded.data + p->decoded.len,
                                            &part);
        p->pos = end;
        *budget -= (int64_t) (part.len / GENAI_PROMPT_DECODED);
    }

    return GENAI_PROMPT_DONE;
}


/* the checksum tells vocabularies apart, also two of one name */

static int
genai_prompt_hash(genai_prompt_t *p, const genai_str_t *text, int escaped,
    int64_t *budget)
{
    size_t       n;
    genai_str_t  rest;

    n = (*budget > 0) ? (size_t) *budget : 1;
    rest.data = text->data + p->pos;
    rest.len = text->len - p->pos;

    if (rest.len / GENAI_PROMPT_HASHED >= n) {

        n *= GENAI_PROMPT_HASHED;

        genai_count_hash_add(&p->hasher, rest.data, n);

        p->pos += n;
        *budget = 0;

        return GENAI_PROMPT_AGAIN;
    }

    genai_count_hash_end(&p->hasher, p->known, &rest, text->len,
                         p->vocab->checksum + (unsigned) escaped, &p->hash);

    *budget -= (int64_t) (rest.len / GENAI_PROMPT_HASHED);
    p->hashing = 0;
    p->pos = 0;

    return GENAI_PROMPT_DONE;
}


static int
genai_prompt_look(genai_prompt_t *p, const genai_str_t *text)
{
    uint32_t  tokens;

    if (!genai_count_cache_find(p->known, &p->hash, &tokens)) {
        return 0;
    }

    p->found += text->len;
    genai_prompt_add(p, tokens);

    return 1;
}


static void
genai_prompt_add(genai_prompt_t *p, uint64_t tokens)
{
    int64_t  n, times;

    times = p->framing.items[p->item].times;
    n = (tokens < (uint64_t) GENAI_PROMPT_MAX) ? (int64_t) tokens
                                               : GENAI_PROMPT_MAX;

    if (__builtin_mul_overflow(n, times, &n)
        || __builtin_add_overflow(p->base, n, &p->base)
        || p->base > GENAI_PROMPT_MAX)
    {
        p->base = GENAI_PROMPT_MAX;
    }
}


static void
genai_prompt_done(genai_prompt_t *p)
{
    double   tokens;
    int64_t  media;

    if (p->base < 0) {
        p->base = 0;
    }

    p->tokens = p->base;
    p->exact = 0;

    if (p->model == NULL) {
        return;
    }

    if (p->model->exact) {
        p->exact = !p->inexact && p->estimated == 0;
        return;
    }

    media = p->framing.media < (uint64_t) p->base
            ? (int64_t) p->framing.media : p->base;

    tokens = (double) (p->base - media) * p->model->factor + media + 0.5;

    p->tokens = (tokens < (double) GENAI_PROMPT_MAX) ? (int64_t) tokens
                                                     : GENAI_PROMPT_MAX;
}
