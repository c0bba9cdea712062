/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Cutting and counting, in steps, and the calls.
 */


#include "genai_counter_int.h"

#include <stdlib.h>


static int genai_counter_kept(genai_counter_buf_t *dst,
    const genai_counter_buf_t *src);


void
genai_counter_init(genai_counter_t *c, const genai_vocab_t *v,
    genai_bpe_cache_t *cache)
{
    memset(c, 0, sizeof(genai_counter_t));

    genai_bpe_init(&c->bpe, v, cache);
    c->window = GENAI_COUNTER_WINDOW;
    c->fresh = 1;
}


void
genai_counter_ids(genai_counter_t *c, genai_bpe_sink_pt sink, void *data)
{
    c->bpe.sink = sink;
    c->bpe.data = data;
}


/*
 * Where rules do not cut a text, it is cut where no token can be across: see
 * GENAI_VOCAB_JOINTS.
 */

static size_t
genai_counter_joints(const genai_vocab_t *v, const genai_str_t *s, int last,
    uint32_t *ends, size_t max)
{
    size_t                n, i, stop;
    unsigned              c;
    const uint64_t       *joints;
    const unsigned char  *p;

    n = 0;
    i = 1;
    p = s->data;
    joints = v->joints;

    while (i < s->len && n < max) {

        /* without a branch, as many as there is room for */

        stop = (s->len - i < max - n) ? s->len : i + (max - n);

        for ( /* void */ ; i < stop; i++) {
            c = p[i];
            ends[n] = (uint32_t) i;
            n += ~(joints[p[i - 1] * 4 + c / 64] >> c % 64) & 1;
        }
    }

    if (last && n < max) {
        ends[n++] = (uint32_t) s->len;
    }

    return n;
}


/*
 * The next ends, from c->pos on; none where nothing more can be cut.  Returns
 * as genai_counter_cut() does.
 */

static int
genai_counter_ends(genai_counter_t *c, const genai_str_t *s, int last)
{
    int                   end;
    size_t                n;
    genai_str_t           part;
    const genai_vocab_t  *v;

    v = c->bpe.vocab;

    for ( ;; ) {
        part.data = s->data + c->pos;
        part.len = s->len - c->pos;
        end = last;

        if (part.len > c->window) {
            part.len = c->window;
            end = 0;

            /* half a character would be another one to the rules */

            while ((part.data[part.len] & 0xc0) == 0x80) {
                part.len--;
            }
        }

        if (v->joints) {
            n = genai_counter_joints(v, &part, end, c->ends,
                                     GENAI_COUNTER_ENDS);

        } else if (v->split == GENAI_SPLIT_NONE) {
            n = (end && c->fresh && part.len <= GENAI_BPE_LONG);
            c->ends[0] = (uint32_t) part.len;

        } else {
            n = genai_split(v->split, v->split_pattern, &part, end, c->ends,
                            GENAI_COUNTER_ENDS);
        }

        if (n == GENAI_SPLIT_ERROR) {
            c->failed = 1;
            return GENAI_COUNTER_ERROR;
        }

        c->bpe.budget -= (int64_t) ((n ? c->ends[n - 1] : part.len)
                                    / GENAI_COUNTER_CUT + 1);

        if (n) {
            c->origin = c->pos;
            c->next = 0;
            c->nends = (uint32_t) n;
            c->window = GENAI_COUNTER_WINDOW;

            return GENAI_COUNTER_DONE;
        }

        if (part.len >= GENAI_COUNTER_LONG) {

            if (v->joints) {
                genai_split_long_joints(&c->run, v->joints);
                return GENAI_COUNTER_DONE;
            }

            if (genai_split_long_begin(&c->run, v->split, &part) == 0) {
                return GENAI_COUNTER_DONE;
            }
        }

        if (part.len == s->len - c->pos || v->split == GENAI_SPLIT_NONE) {
            return GENAI_COUNTER_DONE;
        }

        /* expressions cannot go on where they stopped */

        c->window *= 2;

        if (c->bpe.budget <= 0) {
            return GENAI_COUNTER_AGAIN;
        }
    }
}


/*
 * A piece without an end yet: what is sure of it is merged as far as that is
 * final, and then more of it is looked for.  Returns 0 where there is none.
 */

static int
genai_counter_long(genai_counter_t *c, const genai_str_t *s, int last)
{
    size_t               n, at;
    genai_str_t          part;
    genai_split_long_t  *run;

    run = &c->run;

    part.data = s->data + c->pos;
    part.len = run->sure;

    if (s->len - c->pos < run->at) {

        /* it is copied, and not there again yet */

        return 0;
    }

    n = genai_bpe_window(&c->bpe, &part, 0);

    if (n) {
        genai_split_long_skip(run, n);
        c->pos += n;
        c->inside = 1;
        c->fresh = 0;

        return 1;
    }

    part.len = s->len - c->pos;
    at = run->at;

    n = genai_split_long(run, &part, last, GENAI_COUNTER_WINDOW);

    if (n == 0 && run->at == at) {

        /* which costs nothing: the smallest budget must get on */

        return 0;
    }

    c->bpe.budget -= (int64_t) ((run->at - at) / GENAI_COUNTER_CUT + 1);

    if (n == 0) {
        return 1;
    }

    run->kind = 0;

    c->origin = c->pos;
    c->next = 0;
    c->nends = 1;
    c->ends[0] = (uint32_t) n;
    c->window = GENAI_COUNTER_WINDOW;

    return 1;
}


int
genai_counter_cut(genai_counter_t *c, const genai_str_t *s, int last)
{
    int           rc;
    size_t        n;
    genai_bpe_t  *b;
    genai_str_t   part;

    b = &c->bpe;
    rc = GENAI_COUNTER_DONE;

    while (c->pos < s->len) {

        if (b->budget <= 0) {
            rc = GENAI_COUNTER_AGAIN;
            break;
        }

        if (c->run.kind) {

            if (genai_counter_long(c, s, last)) {
                continue;
            }

            break;
        }

        if (c->inside) {
            part.data = s->data + c->pos;
            part.len = c->origin + c->ends[c->next] - c->pos;

            n = genai_bpe_window(b, &part, 1);
            c->pos += n;

            if (n == part.len) {
                c->inside = 0;
                c->next++;
            }

            continue;
        }

        if (c->next < c->nends) {
            part.data = s->data + c->origin;
            part.len = s->len - c->origin;

            n = genai_bpe_pieces(b, &part, c->pos - c->origin,
                                 c->ends + c->next, c->nends - c->next);

            if (n) {
                c->next += (uint32_t) n;
                c->pos = c->origin + c->ends[c->next - 1];
                c->fresh = 0;

            } else {
                c->inside = 1;
            }

            continue;
        }

        rc = genai_counter_ends(c, s, last);

        if (rc == GENAI_COUNTER_DONE
            && (c->next < c->nends || c->run.kind))
        {
            continue;
        }

        if (rc != GENAI_COUNTER_DONE
            || c->bpe.vocab->split != GENAI_SPLIT_NONE)
        {
            break;
        }

        /* what is not cut is merged as far as it is final */

        part.data = s->data + c->pos;
        part.len = s->len - c->pos;

        n = genai_bpe_window(b, &part, last);

        if (n == 0) {
            break;
        }

        c->pos += n;
        c->fresh = 0;
    }

    c->tokens = b->tokens;

    return rc;
}


void
genai_counter_hit(genai_counter_t *c)
{
    c->bpe.tokens++;
    c->bpe.budget -= GENAI_COUNTER_HIT;
    c->tokens = c->bpe.tokens;

    if (c->bpe.sink) {
        c->bpe.sink(c->bpe.data, c->hit_id);
    }

    c->hit = 0;
    c->fresh = 1;
}


/* a whole text, or its rest, goes through the tail */

static int
genai_counter_copy(genai_counter_t *c, const genai_str_t *text)
{
    int     rc, last;
    size_t  n;

    for ( ;; ) {
        last = (c->fed == text->len);
        rc = genai_counter_pump(c, last);

        if (rc != GENAI_COUNTER_DONE || last) {
            return rc;
        }

        if (c->bpe.budget <= 0) {
            return GENAI_COUNTER_AGAIN;
        }

        n = text->len - c->fed;
        n = (n < GENAI_COUNTER_FEED) ? n : GENAI_COUNTER_FEED;

        if (genai_counter_put(c, text->data + c->fed, n) != 0) {
            return GENAI_COUNTER_ERROR;
        }

        c->fed += n;
        c->bpe.budget -= (int64_t) (n / GENAI_COUNTER_CUT + 1);

        if (c->fed == text->len && genai_counter_put_end(c) != 0) {
            return GENAI_COUNTER_ERROR;
        }
    }
}


int
genai_counter_text(genai_counter_t *c, const genai_str_t *text, size_t budget)
{
    int          rc, last;
    genai_str_t  part;

    if (c->failed) {
        return GENAI_COUNTER_ERROR;
    }

    if (c->ended) {
        return GENAI_COUNTER_DONE;
    }

    rc = GENAI_COUNTER_DONE;

    c->whole = 1;
    c->bpe.budget = (budget > INT64_MAX) ? INT64_MAX : (int64_t) budget;

    if (!c->begun) {
        c->begun = 1;

        if (c->bpe.vocab->prefix && text->len) {
            c->copied = 1;

            if (genai_counter_put(c, (const unsigned char *) " ", 1) != 0) {
                return GENAI_COUNTER_ERROR;
            }
        }
    }

    for ( ;; ) {

        if (c->copied) {
            rc = genai_counter_copy(c, text);
            break;
        }

        part.data = text->data;
        part.len = c->seen;
        last = (c->hit || c->seen == text->len);

        /* what cannot be cut is tried again when there is twice as much */

        if (last || c->next < c->nends || c->run.kind
            || c->seen - c->pos >= c->tail_try)
        {
            rc = genai_counter_cut(c, &part, last);

            if (rc != GENAI_COUNTER_DONE) {
                break;
            }

            c->tail_try = 2 * (c->seen - c->pos);
        }

        if (c->hit) {
            c->seen += c->hit_len;
            c->pos = c->seen;
            genai_counter_hit(c);
            continue;
        }

        if (last) {
            break;
        }

        if (c->bpe.budget <= 0) {
            rc = GENAI_COUNTER_AGAIN;
            break;
        }

        genai_counter_look(c, text);

        if (c->copied) {
            c->tail_try = 0;

            if (genai_counter_rest(c, text) != 0) {
                rc = GENAI_COUNTER_ERROR;
                break;
            }
        }
    }

    if (rc == GENAI_COUNTER_DONE) {
        c->ended = 1;
    }

    return rc;
}


int
genai_counter_feed(genai_counter_t *c, const genai_str_t *piece)
{
    size_t  n, at;

    if (c->failed) {
        return -1;
    }

    if (c->ended) {
        return 0;
    }

    c->bpe.budget = INT64_MAX;

    if (!c->begun && piece->len) {
        c->begun = 1;

        if (c->bpe.vocab->prefix
            && genai_counter_put(c, (const unsigned char *) " ", 1) != 0)
        {
            return -1;
        }
    }

    for (at = 0; at < piece->len; at += n) {
        n = piece->len - at;
        n = (n < GENAI_COUNTER_FEED) ? n : GENAI_COUNTER_FEED;

        if (genai_counter_put(c, piece->data + at, n) != 0
            || genai_counter_pump(c, 0) != GENAI_COUNTER_DONE)
        {
            return -1;
        }
    }

    return 0;
}


int
genai_counter_end(genai_counter_t *c)
{
    if (c->failed) {
        return -1;
    }

    if (c->ended) {
        return 0;
    }

    c->bpe.budget = INT64_MAX;

    if (genai_counter_put_end(c) != 0
        || genai_counter_pump(c, 1) != GENAI_COUNTER_DONE)
    {
        return -1;
    }

    c->ended = 1;

    return 0;
}


int
genai_counter_now(const genai_counter_t *c, uint64_t *tokens)
{
    int              rc;
    genai_counter_t  copy;

    if (c->failed || c->nfc) {
        return -1;
    }

    copy = *c;
    copy.bpe.sink = NULL;

    if (genai_counter_kept(&copy.raw, &c->raw) != 0) {
        return -1;
    }

    if (genai_counter_kept(&copy.tail, &c->tail) != 0) {
        free(copy.raw.data);
        return -1;
    }

    rc = genai_counter_end(&copy);
    *tokens = copy.tokens;

    genai_counter_done(&copy);

    return rc;
}


/* a copy of what is kept */

static int
genai_counter_kept(genai_counter_buf_t *dst, const genai_counter_buf_t *src)
{
    dst->data = NULL;
    dst->size = 0;

    if (src->len == 0) {
        return 0;
    }

    dst->data = malloc(src->len);

    if (dst->data == NULL) {
        return -1;
    }

    memcpy(dst->data, src->data, src->len);
    dst->size = src->len;

    return 0;
}
