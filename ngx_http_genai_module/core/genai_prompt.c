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


/*
 * Tokens that a text may have more where it was cut within a run, and bytes of
 * it for one more.
 */
#define GENAI_PROMPT_CUT    64
#define GENAI_PROMPT_RUN    1024

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
static int genai_prompt_marks(genai_prompt_t *p, const genai_str_t *text,
    int64_t *budget);
static void genai_prompt_bound(genai_prompt_t *p);
static int64_t genai_prompt_times(int64_t tokens, double factor);
static int64_t genai_prompt_sum(int64_t a, uint64_t b);
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
    p->standin = (standin != 0);
    p->fallback = (standin == GENAI_PROMPT_FALLBACK);

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
        p->answer = p->framing.answer;
        p->slack = genai_prompt_sum(0, p->framing.slack);
        p->largest_base = genai_prompt_sum(0, p->framing.largest);
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
        p->looked = 0;

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

        /* a text that a template is made of has its own marks */

        if (item->segment != GENAI_FRAMING_MADE && p->framing.marked
            && genai_prompt_marks(p, &text, budget) == GENAI_PROMPT_AGAIN)
        {
            return GENAI_PROMPT_AGAIN;
        }

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

        if (p->counter->inexact) {
            p->inexact = 1;
            p->slack = genai_prompt_sum(p->slack, GENAI_PROMPT_CUT
                                        + text.len / GENAI_PROMPT_RUN);
        }

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


/* what may be read as a control token, in steps */

static int
genai_prompt_marks(genai_prompt_t *p, const genai_str_t *text,
    int64_t *budget)
{
    size_t  end;

    while (p->looked < text->len
           && !(p->estimated & GENAI_FRAMING_MARKS))
    {
        if (*budget <= 0) {
            return GENAI_PROMPT_AGAIN;
        }

        end = (text->len - p->looked > GENAI_PROMPT_LOOK)
              ? p->looked + GENAI_PROMPT_LOOK : text->len;

        if (genai_framing_marks(p->model, text, p->looked, end)) {
            p->estimated |= GENAI_FRAMING_MARKS;
            p->slack = genai_prompt_sum(p->slack, GENAI_PROMPT_SLICE);
        }

        *budget -= (int64_t) ((end - p->looked) / GENAI_PROMPT_HASHED);
        p->looked = end;
    }

    return GENAI_PROMPT_DONE;
}


static void
genai_prompt_add(genai_prompt_t *p, uint64_t tokens)
{
    int64_t                      n;
    const genai_segment_t       *s;
    const genai_framing_item_t  *item;

    item = &p->framing.items[p->item];

    n = (tokens < (uint64_t) GENAI_PROMPT_MAX) ? (int64_t) tokens
                                               : GENAI_PROMPT_MAX;

    if (__builtin_mul_overflow(n, (int64_t) item->times, &n)
        || __builtin_add_overflow(p->base, n, &p->base)
        || p->base > GENAI_PROMPT_MAX)
    {
        p->base = GENAI_PROMPT_MAX;
    }

    if (genai_endpoint_talks(p->req->endpoint)
        || item->segment == GENAI_FRAMING_MADE)
    {
        return;
    }

    /* an input may have several parts, which stand in a row */

    s = &p->req->segments[item->segment];

    if (s->message != p->input) {
        p->input = s->message;
        p->one = 0;
    }

    p->one = genai_prompt_sum(p->one, tokens);

    n = genai_prompt_sum(p->one, p->framing.around);

    if (n > p->largest_base) {
        p->largest_base = n;
    }
}


static void
genai_prompt_done(genai_prompt_t *p)
{
    int64_t  media;

    if (p->base < 0) {
        p->base = 0;
    }

    p->tokens = p->base;
    p->exact = 0;

    if (genai_endpoint_talks(p->req->endpoint)) {
        p->largest_base = p->base;
    }

    if (p->model && p->model->exact) {
        p->exact = !p->inexact && p->estimated == 0;

    } else if (p->model) {

        media = p->framing.media < (uint64_t) p->base
                ? (int64_t) p->framing.media : p->base;

        p->tokens = media + genai_prompt_times(p->base - media,
                                               p->model->factor);
    }

    if (genai_endpoint_talks(p->req->endpoint)) {
        p->largest = p->tokens;

    } else {
        p->largest = genai_prompt_times(p->largest_base,
                                        p->model ? p->model->factor : 1);
    }

    genai_prompt_bound(p);
}


static void
genai_prompt_bound(genai_prompt_t *p)
{
    double    most;
    int64_t   media;
    uint64_t  window;

    p->bound = p->tokens;

    if (p->exact) {
        return;
    }

    media = p->framing.media < (uint64_t) p->base
            ? (int64_t) p->framing.media : p->base;

    if (p->model == NULL || p->vocab == NULL || (p->standin && !p->fallback))
    {
        p->bound = genai_prompt_sum(p->tokens, p->bytes);

    } else {
        most = p->fallback ? p->model->fallback_max : p->model->factor_max;
        p->bound = media + genai_prompt_times(p->base - media, most);
    }

    p->bound = genai_prompt_sum(p->bound, (uint64_t) p->slack);

    if (p->bound < p->tokens) {
        p->bound = p->tokens;
    }

    /* of each of several inputs that window is its own */

    window = p->model ? p->model->context : 0;

    if (window && genai_endpoint_talks(p->req->endpoint)
        && p->tokens <= (int64_t) window && p->bound > (int64_t) window)
    {
        p->bound = (int64_t) window;
    }
}


static int64_t
genai_prompt_times(int64_t tokens, double factor)
{
    double  n;

    n = (double) tokens * factor + 0.5;

    return (n < (double) GENAI_PROMPT_MAX) ? (int64_t) n : GENAI_PROMPT_MAX;
}


static int64_t
genai_prompt_sum(int64_t a, uint64_t b)
{
    if (b > (uint64_t) GENAI_PROMPT_MAX
        || a > GENAI_PROMPT_MAX - (int64_t) b)
    {
        return GENAI_PROMPT_MAX;
    }

    return a + (int64_t) b;
}
