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


void
genai_counter_look(genai_counter_t *c, const genai_str_t *text)
{
    int                   all;
    size_t                n, m, len;
    genai_str_t           part, rest;
    const unsigned char  *p;
    const genai_vocab_t  *v;
    genai_counter_hit_t   hit;

    v = c->bpe.vocab;
    rest.data = text->data + c->seen;
    rest.len = text->len - c->seen;
    part.data = rest.data;
    hit.len = 0;

    for (len = GENAI_COUNTER_LOOK; /* void */ ; len *= 2) {

        n = (rest.len < len) ? rest.len : len;
        all = (n == rest.len);
        c->bpe.budget -= (int64_t) (n / GENAI_COUNTER_SEE + 1);

        m = genai_counter_utf8(part.data, n);

        if (m < n && (all || genai_counter_bad(part.data + m, n - m))) {
            goto copy;
        }

        n = m;

        /* an added token may reach beyond what was looked at */

        if (v->added) {
            n = genai_counter_find(v, &rest, n, 1, &hit);
            all = all && hit.len == 0;
        }

        if (v->chars) {
            p = part.data;

            while ((p = memchr(p, 0xe2, part.data + n - p)) != NULL) {

                if (part.data + n - p >= 3
                    && memcmp(p, GENAI_COUNTER_MARK, 3) == 0)
                {
                    goto copy;
                }

                p++;
            }
        }

        if (v->nfc) {
            part.len = n;

            if (!all && hit.len == 0) {
                part.len = genai_nfc_cut(&part);
            }

            if (genai_nfc_check(&part) < part.len) {
                goto copy;
            }

            n = part.len;
        }

        if (n || hit.len) {
            break;
        }
    }

    c->seen += n;

    if (hit.len) {
        c->hit = 1;
        c->hit_id = hit.id;
        c->hit_len = hit.len;
    }

    return;

copy:

    c->copied = 1;
    c->fed = c->pos;
    c->pos = 0;
    c->next = 0;
    c->nends = 0;
}
