/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tokens of a request.
 *
 * A text without escapes is counted where it lies.  One with escapes is
 * decoded slice by slice and fed to its counter like a stream, so that a text
 * of any length needs the memory of a slice.  Long ones are looked for in the
 * table of those that were counted before, by their raw bytes.
 */


#include "genai_prompt.h"

#include "genai_text.h"


/* bytes of a token, where there is no vocabulary */
#define GENAI_PROMPT_BYTES  4

/*
 * Of a budget, in bytes that a scanner takes: a unit of the counter's work
 * takes as long as some 20 of them, a step may last ten times as long as one
 * of scanning; a byte that is hashed is like one that is scanned.
 */
#define GENAI_PROMPT_UNITS(budget)  ((budget) / 2)


static int genai_prompt_item(genai_prompt_t *p, genai_bpe_cache_t *cache,
    int64_t *budget);
static int genai_prompt_text(genai_prompt_t *p, const genai_str_t *text,
    int64_t *budget);
static int genai_prompt_slice(genai_prompt_t *p, const genai_str_t *raw,
    int64_t *budget);
static void genai_prompt_add(genai_prompt_t *p, uint64_t tokens);
static int genai_prompt_look(genai_prompt_t *p, const genai_str_t *text,
    int escaped);
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
        p->slice = genai_arena_alloc(p->framing.arena, GENAI_PROMPT_SLICE);

        if (p->counter == NULL || p->slice == NULL) {
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

        if (genai_prompt_look(p, &text, escaped)) {
            *budget -= (int64_t) (text.len / 16);
            return GENAI_PROMPT_DONE;
        }

        *budget -= p->hashed ? (int64_t) (text.len / 16) : 0;

        genai_counter_init(p->counter, p->vocab, cache);
        p->open = 1;
    }

    /* the last step may have been another thread's */

    p->counter->bpe.cache = cache;

    rc = escaped ? genai_prompt_slice(p, &text, budget)
                 : genai_prompt_text(p, &text, budget);

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
    int64_t  before;
    size_t   units;

    units = (*budget > 1) ? (size_t) *budget : 1;

    switch (genai_counter_text(p->counter, text, units)) {

    case GENAI_COUNTER_AGAIN:
        *budget = 0;
        return GENAI_PROMPT_AGAIN;

    case GENAI_COUNTER_DONE:

        /* what a step takes that did not use it up is not more than this */

        before = (int64_t) text->len;
        *budget -= before < *budget ? before : *budget;
        return GENAI_PROMPT_DONE;

    default:
        return GENAI_PROMPT_ERROR;
    }
}


static int
genai_prompt_slice(genai_prompt_t *p, const genai_str_t *raw, int64_t *budget)
{
    size_t       end;
    genai_str_t  part, text;

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

        text.data = p->slice;
        text.len = genai_text_decode(p->slice, &part);

        if (genai_counter_feed(p->counter, &text) != 0) {
            return GENAI_PROMPT_ERROR;
        }

        p->pos = end;
        *budget -= (int64_t) part.len;
    }

    return genai_counter_end(p->counter) == 0 ? GENAI_PROMPT_DONE
                                              : GENAI_PROMPT_ERROR;
}


static int
genai_prompt_look(genai_prompt_t *p, const genai_str_t *text, int escaped)
{
    uint32_t  tokens;

    p->hashed = (p->known && text->len >= GENAI_COUNT_CACHE_TEXT);

    if (!p->hashed) {
        return 0;
    }

    /* the checksum tells vocabularies apart, also two of one name */

    genai_count_hash(p->known, text, p->vocab->checksum + (unsigned) escaped,
                     &p->hash);

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
