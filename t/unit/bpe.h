/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * For tests of the engine: small random vocabularies, and merging as the
 * reference implementations define it, done in the plainest way, by the rules
 * of the source and with nothing of the builder.
 */


#ifndef _GENAI_T_BPE_H_INCLUDED_
#define _GENAI_T_BPE_H_INCLUDED_


#include "genai_vocab_build.h"

#include <stdio.h>
#include <stdlib.h>


#define BPE_UNUSED   __attribute__((unused))

#define BPE_TOKENS   2048
#define BPE_TOKEN    64         /* bytes of one */


static uint64_t  bpe_seed = 1;


BPE_UNUSED static unsigned
bpe_random(unsigned below)
{
    bpe_seed = bpe_seed * UINT64_C(6364136223846793005)
               + UINT64_C(1442695040888963407);

    return (unsigned) (bpe_seed >> 33) % below;
}


typedef struct {
    genai_vocab_source_t  source;
    genai_source_token_t  tokens[BPE_TOKENS];
    genai_source_merge_t  merges[BPE_TOKENS];
    uint32_t              ranks[BPE_TOKENS];
    unsigned char         bytes[BPE_TOKENS][BPE_TOKEN];
} bpe_vocab_t;


/* tokens by their bytes and kind, of the vocabulary that was asked last */

#define BPE_SLOTS  8192

static struct {
    const genai_vocab_source_t  *source;
    uint32_t                     ntokens;
    int16_t                      slots[BPE_SLOTS];   /* index + 1 */
} bpe_index;


static unsigned
bpe_hash(const unsigned char *p, size_t len, int kind)
{
    unsigned  h = 2166136261u + (unsigned) kind;

    while (len--) {
        h = (h ^ *p++) * 16777619u;
    }

    return h % BPE_SLOTS;
}


/* a token that is there already, or -1 */

BPE_UNUSED static int
bpe_find(const genai_vocab_source_t *s, const unsigned char *p, size_t len,
    int kind)
{
    int       k;
    unsigned  h;
    uint32_t  i;

    if (bpe_index.source != s || bpe_index.ntokens > s->ntokens) {
        memset(&bpe_index, 0, sizeof(bpe_index));
        bpe_index.source = s;
    }

    for (i = bpe_index.ntokens; i < s->ntokens; i++) {
        h = bpe_hash(s->tokens[i].bytes.data, s->tokens[i].bytes.len,
                     s->tokens[i].kind);

        while (bpe_index.slots[h]) {
            h = (h + 1) % BPE_SLOTS;
        }

        bpe_index.slots[h] = (int16_t) (i + 1);
    }

    bpe_index.ntokens = s->ntokens;

    for (h = bpe_hash(p, len, kind); bpe_index.slots[h];
         h = (h + 1) % BPE_SLOTS)
    {
        k = bpe_index.slots[h] - 1;

        if (s->tokens[k].kind == kind && s->tokens[k].bytes.len == len
            && memcmp(s->tokens[k].bytes.data, p, len) == 0)
        {
            return k;
        }
    }

    return -1;
}


BPE_UNUSED static int
bpe_add(bpe_vocab_t *v, const unsigned char *p, size_t len, int kind)
{
    uint32_t  n = v->source.ntokens;

    if (n == BPE_TOKENS || len > BPE_TOKEN
        || bpe_find(&v->source, p, len, kind) >= 0)
    {
        return -1;
    }

    memcpy(v->bytes[n], p, len);
    v->tokens[n].bytes.data = v->bytes[n];
    v->tokens[n].bytes.len = len;
    v->tokens[n].kind = (uint8_t) kind;
    v->tokens[n].id = 10000 + n;
    v->ranks[n] = n;
    v->source.ntokens++;

    return (int) n;
}


/* what texts are made of: few symbols, so that much can be merged */

static const char  *const bpe_alphabet[] = {
    "a", "b", "c", " ", "\xc3\xa9", "\xe4\xbd\xa0", "\xe4\xbd\xa1",
    "\xf0\x9f\x98\x80", "\n", "z", "\xe2\x82\xac", "d"
};

#define BPE_ALPHABET  (sizeof(bpe_alphabet) / sizeof(bpe_alphabet[0]))


/* of nchars letters; returns the length, below size */

BPE_UNUSED static size_t
bpe_text(unsigned char *p, size_t size, unsigned nchars)
{
    size_t       n, len;
    const char  *s;

    len = 0;

    for ( ;; ) {
        s = bpe_alphabet[bpe_random(nchars)];
        n = strlen(s);

        /* runs, which depend on where they begin */

        do {
            if (len + n >= size) {
                return len;
            }

            memcpy(p + len, s, n);
            len += n;

        } while (bpe_random(8) == 0);
    }
}


typedef enum {
    BPE_TRAINED = 0,        /* ranks grow */
    BPE_RANKS,              /* any ranks, any strings */
    BPE_MERGES,             /* merges in any order */
    BPE_KINDS
} bpe_kind_e;


/*
 * A vocabulary of about n merged tokens on the first nchars letters of the
 * alphabet.
 */

BPE_UNUSED static void
bpe_vocab(bpe_vocab_t *v, bpe_kind_e kind, int chars, unsigned n,
    unsigned nchars)
{
    int            l, r, m;
    size_t         len;
    unsigned       i, j, try, first;
    uint32_t       rank;
    unsigned char  byte, text[2 * BPE_TOKEN];

    memset(v, 0, sizeof(bpe_vocab_t));
    bpe_index.source = NULL;

    v->source.name.data = (unsigned char *) "random";
    v->source.name.len = 6;
    v->source.tokens = v->tokens;
    v->source.split = GENAI_SPLIT_NONE;
    v->source.chars = chars;

    for (i = 0; i < 256; i++) {
        byte = (unsigned char) i;
        (void) bpe_add(v, &byte, 1, chars ? GENAI_TOKEN_BYTE
                                          : GENAI_TOKEN_NORMAL);
    }

    first = chars ? 256 : 0;

    /* the last letter is unknown to vocabularies of characters */

    for (i = 0; chars && i + 1 < nchars; i++) {
        (void) bpe_add(v, (unsigned char *) bpe_alphabet[i],
                       strlen(bpe_alphabet[i]), GENAI_TOKEN_NORMAL);
    }

    for (try = 0; v->source.ntokens < 256 + nchars + n && try < 20 * n; try++)
    {
        if (kind == BPE_RANKS && bpe_random(3) == 0) {
            len = bpe_text(text, 2 + bpe_random(10),
                           chars ? nchars - 1 : nchars);
            if (len > 1) {
                (void) bpe_add(v, text, len, GENAI_TOKEN_NORMAL);
            }

            continue;
        }

        if (chars) {
            l = (int) (first + bpe_random(v->source.ntokens - first));
            r = (int) (first + bpe_random(v->source.ntokens - first));

        } else {

            /* of bytes those that the letters have */

            l = (int) bpe_random(v->source.ntokens);
            r = (int) bpe_random(v->source.ntokens);

            if (l < 256) {
                len = bpe_text(text, 6, nchars);
                l = len ? text[bpe_random((unsigned) len)] : 'a';
            }

            if (r < 256) {
                len = bpe_text(text, 6, nchars);
                r = len ? text[bpe_random((unsigned) len)] : 'a';
            }
        }

        len = v->tokens[l].bytes.len + v->tokens[r].bytes.len;

        if (len > BPE_TOKEN) {
            continue;
        }

        memcpy(text, v->bytes[l], v->tokens[l].bytes.len);
        memcpy(text + v->tokens[l].bytes.len, v->bytes[r],
               v->tokens[r].bytes.len);

        m = bpe_add(v, text, len, GENAI_TOKEN_NORMAL);

        if (kind == BPE_MERGES) {

            /* another way to make what is there already, now and then */

            if (m < 0) {
                m = bpe_find(&v->source, text, len, GENAI_TOKEN_NORMAL);
            }

            if (v->source.nmerges < BPE_TOKENS) {
                v->merges[v->source.nmerges].left = (uint32_t) l;
                v->merges[v->source.nmerges].right = (uint32_t) r;
                v->merges[v->source.nmerges++].merged = (uint32_t) m;
            }
        }
    }

    if (kind == BPE_MERGES) {
        v->source.merges = v->merges;

        for (i = 0; i < v->source.nmerges / 4; i++) {
            genai_source_merge_t  t;

            l = (int) bpe_random(v->source.nmerges);
            j = (unsigned) l + bpe_random(8);
            j = (j < v->source.nmerges) ? j : v->source.nmerges - 1;

            t = v->merges[l];
            v->merges[l] = v->merges[j];
            v->merges[j] = t;
        }

    } else {
        v->source.ranks = v->ranks;

        for (i = first; kind == BPE_RANKS && i < v->source.ntokens; i++) {
            j = first + bpe_random(v->source.ntokens - first);
            rank = v->ranks[i];
            v->ranks[i] = v->ranks[j];
            v->ranks[j] = rank;
        }
    }
}


/* merging in the plainest way */

typedef struct {
    int        token;
    size_t     start;
    size_t     end;
    uint32_t   rank;        /* with the next one; UINT32_MAX: none */
    int        merged;
} bpe_part_t;


static void
bpe_rank(const genai_vocab_source_t *s, const unsigned char *text,
    bpe_part_t *a, const bpe_part_t *b)
{
    uint32_t  i;

    a->rank = UINT32_MAX;

    if (s->tokens[a->token].kind == GENAI_TOKEN_BYTE
        || s->tokens[b->token].kind == GENAI_TOKEN_BYTE)
    {
        return;
    }

    if (s->merges == NULL) {
        a->merged = bpe_find(s, text + a->start, b->end - a->start,
                             GENAI_TOKEN_NORMAL);

        if (a->merged >= 0) {
            a->rank = s->ranks[a->merged];
        }

        return;
    }

    for (i = 0; i < s->nmerges; i++) {
        if (s->merges[i].left == (uint32_t) a->token
            && s->merges[i].right == (uint32_t) b->token)
        {
            a->rank = i;
            a->merged = (int) s->merges[i].merged;
        }
    }
}


/*
 * The tokens of a piece, as indexes, and their ends unless NULL; both have
 * room for len.  Returns how many.
 */

BPE_UNUSED static size_t
bpe_naive(const genai_vocab_source_t *s, const unsigned char *text, size_t len,
    uint32_t *tokens, size_t *ends)
{
    int          token;
    size_t       i, j, n, best, k;
    bpe_part_t  *p;

    if (s->whole) {
        token = bpe_find(s, text, len, GENAI_TOKEN_NORMAL);

        if (token >= 0) {
            tokens[0] = (uint32_t) token;

            if (ends) {
                ends[0] = len;
            }

            return 1;
        }
    }

    p = malloc((len + 1) * sizeof(bpe_part_t));

    if (p == NULL) {
        abort();
    }

    n = 0;

    for (i = 0; i < len; i += k) {
        k = 1;
        token = -1;

        if (s->chars) {
            k = (text[i] < 0x80) ? 1 : (text[i] < 0xe0) ? 2
                : (text[i] < 0xf0) ? 3 : 4;
        }

        token = bpe_find(s, text + i, k, GENAI_TOKEN_NORMAL);

        if (token >= 0) {
            p[n].token = token;
            p[n].start = i;
            p[n++].end = i + k;
            continue;
        }

        for (j = i; j < i + k; j++) {
            p[n].token = bpe_find(s, text + j, 1, GENAI_TOKEN_BYTE);
            p[n].start = j;
            p[n++].end = j + 1;
        }
    }

    for (i = 0; i + 1 < n; i++) {
        bpe_rank(s, text, &p[i], &p[i + 1]);
    }

    while (n > 1) {
        best = 0;

        for (i = 1; i + 1 < n; i++) {
            best = (p[i].rank < p[best].rank) ? i : best;
        }

        if (p[best].rank == UINT32_MAX) {
            break;
        }

        p[best].token = p[best].merged;
        p[best].end = p[best + 1].end;

        n--;
        memmove(&p[best + 1], &p[best + 2],
                (n - best - 1) * sizeof(bpe_part_t));

        if (best + 1 < n) {
            bpe_rank(s, text, &p[best], &p[best + 1]);
        }

        if (best) {
            bpe_rank(s, text, &p[best - 1], &p[best]);
        }
    }

    for (i = 0; i < n; i++) {
        tokens[i] = (uint32_t) p[i].token;

        if (ends) {
            ends[i] = p[i].end;
        }
    }

    free(p);

    return n;
}


/* a list of ids, for the engine's sink */

typedef struct {
    uint32_t  *ids;
    size_t     n;
    size_t     size;
} bpe_ids_t;


BPE_UNUSED static void
bpe_sink(void *data, uint32_t id)
{
    bpe_ids_t  *ids = data;

    if (ids->n == ids->size) {
        ids->size = ids->size ? 2 * ids->size : 256;
        ids->ids = realloc(ids->ids, ids->size * sizeof(uint32_t));

        if (ids->ids == NULL) {
            abort();
        }
    }

    ids->ids[ids->n++] = id;
}


#endif /* _GENAI_T_BPE_H_INCLUDED_ */
