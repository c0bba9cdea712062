/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Looking at texts before they are cut: whether they are UTF-8, where added
 * tokens are, and whether they can stay as they are.
 */


#include "genai_counter_int.h"


#define GENAI_COUNTER_HIGHS  UINT64_C(0x8080808080808080)


size_t
genai_counter_utf8(const unsigned char *p, size_t len)
{
    unsigned              low, high;
    uint64_t              w[4];
    const unsigned char  *start, *end;

    start = p;
    end = p + len;

    while (p < end) {

        if (*p < 0x80) {

            while (end - p >= 32) {
                memcpy(w, p, 32);

                if ((w[0] | w[1] | w[2] | w[3]) & GENAI_COUNTER_HIGHS) {
                    break;
                }

                p += 32;
            }

            while (p < end && *p < 0x80) {
                p++;
            }

            continue;
        }

        /* the sequences of the Unicode standard, table 3-7 */

        if (*p < 0xe0) {

            if (*p < 0xc2 || end - p < 2 || (p[1] & 0xc0) != 0x80) {
                break;
            }

            p += 2;
            continue;
        }

        if (*p < 0xf0) {
            low = (*p == 0xe0) ? 0xa0 : 0x80;
            high = (*p == 0xed) ? 0x9f : 0xbf;

            if (end - p < 3 || p[1] < low || p[1] > high
                || (p[2] & 0xc0) != 0x80)
            {
                break;
            }

            p += 3;
            continue;
        }

        low = (*p == 0xf0) ? 0x90 : 0x80;
        high = (*p == 0xf4) ? 0x8f : 0xbf;

        if (*p > 0xf4 || end - p < 4 || p[1] < low || p[1] > high
            || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80)
        {
            break;
        }

        p += 4;
    }

    return p - start;
}


size_t
genai_counter_bad(const unsigned char *p, size_t len)
{
    size_t    i, n;
    unsigned  low, high;

    if (p[0] < 0xc2 || p[0] > 0xf4) {
        return 1;
    }

    n = (p[0] < 0xe0) ? 2 : (p[0] < 0xf0) ? 3 : 4;

    low = (p[0] == 0xe0) ? 0xa0 : (p[0] == 0xf0) ? 0x90 : 0x80;
    high = (p[0] == 0xed) ? 0x9f : (p[0] == 0xf4) ? 0x8f : 0xbf;

    for (i = 1; i < n && i < len; i++) {

        if (p[i] < low || p[i] > high) {
            return i;
        }

        low = 0x80;
        high = 0xbf;
    }

    return (i < n) ? 0 : n;
}


/*
 * The longest added token at p; 0 if there is none.  more tells that a longer
 * one might be there if the text went on behind end.
 */

static uint32_t
genai_counter_match(const genai_vocab_t *v, const unsigned char *p,
    const unsigned char *end, uint32_t *id, int *more)
{
    uint32_t                   i, n, at, depth, best;
    const genai_vocab_node_t  *node;

    best = 0;
    *more = 0;
    node = v->nodes;

    for (depth = 1; node->nchildren; depth++, p++) {

        if (p == end) {
            *more = 1;
            break;
        }

        /* children lie behind, so that no damage can lead around */

        at = node->children;
        n = node->nchildren;

        if (at >= v->nnodes || n > v->nnodes - at || v->nodes + at <= node) {
            break;
        }

        while (n) {
            i = n / 2;

            if (v->nodes[at + i].byte < *p) {
                at += i + 1;
                n -= i + 1;

            } else {
                n = i;
            }
        }

        if (at >= v->nnodes || v->nodes[at].byte != *p
            || at - node->children >= node->nchildren)
        {
            break;
        }

        node = v->nodes + at;

        if (node->end) {
            best = depth;
            *id = node->id;
        }
    }

    return best;
}


size_t
genai_counter_find(const genai_vocab_t *v, const genai_str_t *s, size_t limit,
    int last, genai_counter_hit_t *hit)
{
    int                   more;
    uint32_t              len;
    const unsigned char  *p, *end, *stop;

    p = s->data;
    end = p + s->len;
    stop = p + limit;
    hit->len = 0;

    for ( /* void */ ; p < stop; p++) {

        if (!(v->first[*p >> 3] >> (*p & 7) & 1)) {
            continue;
        }

        len = genai_counter_match(v, p, end, &hit->id, &more);

        if (more && !last) {
            return p - s->data;
        }

        if (len) {
            hit->at = p - s->data;
            hit->len = len;
            return hit->at;
        }
    }

    return limit;
}


/*
 * Makes sure of some more of a text: it is UTF-8, without U+2581 where that
 * would be a space.  Returns 0, or -1 where it is not so.
 */

static int
genai_counter_check(genai_counter_t *c, const genai_str_t *text)
{
    size_t                n, m;
    const unsigned char  *p, *q, *end;

    p = text->data + c->checked;
    n = text->len - c->checked;
    n = (n < GENAI_COUNTER_LOOK) ? n : GENAI_COUNTER_LOOK;

    c->bpe.budget -= (int64_t) (n / GENAI_COUNTER_SEE + 1);

    m = genai_counter_utf8(p, n);

    if (m < n && (c->checked + n == text->len
                  || genai_counter_bad(p + m, n - m) != 0))
    {
        return -1;
    }

    if (c->bpe.vocab->chars) {
        end = p + m;

        for (q = p; end - q >= 3 && (q = memchr(q, 0xe2, end - q)) != NULL;
             q++)
        {
            if (end - q >= 3 && memcmp(q, GENAI_COUNTER_MARK, 3) == 0) {
                return -1;
            }
        }
    }

    c->checked += m;

    return 0;
}


void
genai_counter_look(genai_counter_t *c, const genai_str_t *text)
{
    size_t                n;
    genai_str_t           part;
    const genai_vocab_t  *v;
    genai_counter_hit_t   hit;

    v = c->bpe.vocab;

    if (c->checked - c->seen <= c->look_try
        && genai_counter_check(c, text) != 0)
    {
        goto copy;
    }

    n = c->checked - c->seen;

    if (n < c->look_try && c->checked < text->len) {
        return;
    }

    part.data = text->data + c->seen;
    hit.len = 0;

    if (v->added) {

        /* one may reach beyond what was checked */

        part.len = text->len - c->seen;
        n = genai_counter_find(v, &part, n, 1, &hit);
    }

    if (v->nfc) {
        part.len = n;

        if (hit.len == 0 && c->checked < text->len) {
            part.len = genai_nfc_cut(&part);

            if (part.len == 0
                && c->checked - c->seen >= 2 * GENAI_COUNTER_LOOK)
            {
                /* nothing but marks: in steps that is done in a copy */

                goto copy;
            }
        }

        c->bpe.budget -= (int64_t) (part.len / GENAI_COUNTER_CUT);

        if (genai_nfc_check(&part) < part.len) {
            goto copy;
        }

        n = part.len;
    }

    if (hit.len) {
        c->hit = 1;
        c->hit_id = hit.id;
        c->hit_len = hit.len;
    }

    /* nothing but marks: again when there is twice as much */

    c->look_try = (n || hit.len) ? 0 : 2 * (c->checked - c->seen);
    c->seen += n;

    if (hit.len && c->checked < c->seen + hit.len) {
        c->checked = c->seen + hit.len;
    }

    return;

copy:

    c->copied = 1;
    c->fed = c->pos;
    c->pos = 0;
    c->next = 0;
    c->nends = 0;
}
