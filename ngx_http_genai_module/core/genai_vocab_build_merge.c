/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which tokens arise by merging, and from what: each token's bytes are merged
 * by the rules of the source.  See genai_vocab_build.h.
 */


#include "genai_vocab_build_int.h"

#include <stdlib.h>


/* a part of a token while it is merged */

typedef struct {
    uint32_t   token;       /* or NONE */
    uint32_t   start;
    uint32_t   end;
    uint32_t   rank;        /* of the pair with the next one, or NONE */
    uint32_t   merged;      /* what that becomes */
} genai_vocab_piece_t;


#define GENAI_VOCAB_NO_RANK  UINT32_MAX

/* a slot of make->merges that is free, as bytes of ones */
#define GENAI_VOCAB_UNUSED   UINT64_MAX


static uint32_t
genai_vocab_merge_place(const genai_vocab_make_t *make, uint32_t left,
    uint32_t right)
{
    uint32_t  i;
    uint64_t  pair;

    pair = genai_vocab_pair(left, right);

    for (i = genai_vocab_bucket(genai_vocab_hash_pair(pair), make->nmerges);
         make->merges[i] != pair && make->merges[i] != GENAI_VOCAB_UNUSED;
         i = (i + 1 == make->nmerges) ? 0 : i + 1)
    {
        /* void */
    }

    return i;
}


/* the source's merges, findable by their pair; of equals the last counts */

static int
genai_vocab_merge_table(genai_vocab_make_t *make)
{
    uint32_t                     i, place, l, r, m;
    const genai_source_token_t  *t;
    const genai_vocab_source_t  *s;

    s = make->source;
    t = s->tokens;

    if (s->merges == NULL) {
        return 0;
    }

    if (s->nmerges >= UINT32_MAX / 2) {
        return genai_vocab_make_fail(make, "there are too many merges");
    }

    make->nmerges = 2 * s->nmerges + 1;
    make->merges = genai_vocab_make_alloc(make, (uint64_t) make->nmerges * 8,
                                          0xff);
    make->merge = genai_vocab_make_alloc(make, (uint64_t) make->nmerges * 4,
                                         0);

    if (make->merges == NULL || make->merge == NULL) {
        return -1;
    }

    for (i = 0; i < s->nmerges; i++) {
        l = s->merges[i].left;
        r = s->merges[i].right;
        m = s->merges[i].merged;

        if (l >= s->ntokens || r >= s->ntokens || m >= s->ntokens
            || t[m].bytes.len != t[l].bytes.len + t[r].bytes.len
            || memcmp(t[m].bytes.data, t[l].bytes.data, t[l].bytes.len) != 0
            || memcmp(t[m].bytes.data + t[l].bytes.len, t[r].bytes.data,
                      t[r].bytes.len) != 0)
        {
            return genai_vocab_make_fail(make, "merge %u does not make the"
                                         " token that it says", i);
        }

        place = genai_vocab_merge_place(make, l, r);
        make->merges[place] = genai_vocab_pair(l, r);
        make->merge[place] = i;
    }

    return 0;
}


/* what these two become, by the rules of the source */

static void
genai_vocab_merge_rank(const genai_vocab_make_t *make,
    const unsigned char *bytes, genai_vocab_piece_t *a,
    const genai_vocab_piece_t *b)
{
    uint32_t                     place, token;
    const genai_vocab_source_t  *s;

    s = make->source;
    a->rank = GENAI_VOCAB_NO_RANK;

    if (s->merges) {
        place = genai_vocab_merge_place(make, a->token, b->token);

        if (make->merges[place] != GENAI_VOCAB_UNUSED) {
            a->rank = make->merge[place];
            a->merged = s->merges[a->rank].merged;
        }

        return;
    }

    token = genai_vocab_make_find(make, bytes + a->start, b->end - a->start);

    if (token != GENAI_VOCAB_NONE) {
        a->rank = s->ranks ? s->ranks[token] : token;
        a->merged = token;
    }
}


/*
 * Merges the bytes of a token, which are cut into n pieces, down to two.
 * Returns whether these become the token.
 */

static int
genai_vocab_merge_token(const genai_vocab_make_t *make, uint32_t token,
    genai_vocab_piece_t *p, uint32_t n, genai_vocab_made_t *made)
{
    uint32_t              i, best;
    const unsigned char  *bytes;

    bytes = make->source->tokens[token].bytes.data;

    for (i = 0; i + 1 < n; i++) {
        genai_vocab_merge_rank(make, bytes, &p[i], &p[i + 1]);
    }

    for ( ;; ) {
        best = 0;

        for (i = 1; i + 1 < n; i++) {
            if (p[i].rank < p[best].rank) {
                best = i;
            }
        }

        if (p[best].rank == GENAI_VOCAB_NO_RANK) {
            return 0;
        }

        if (n == 2) {
            break;
        }

        p[best].token = p[best].merged;
        p[best].end = p[best + 1].end;

        n--;
        memmove(&p[best + 1], &p[best + 2],
                (n - best - 1) * sizeof(genai_vocab_piece_t));

        if (best + 1 < n) {
            genai_vocab_merge_rank(make, bytes, &p[best], &p[best + 1]);
        }

        if (best) {
            genai_vocab_merge_rank(make, bytes, &p[best - 1], &p[best]);
        }
    }

    made->token = token;
    made->left = p[0].token;
    made->right = p[1].token;
    made->rank = p[0].rank;
    made->len = p[1].end;

    return p[0].merged == token;
}


/* the base symbols of a token, as tokens; 0 where it has others */

static uint32_t
genai_vocab_merge_cut(const genai_vocab_make_t *make, uint32_t token,
    genai_vocab_piece_t *p)
{
    size_t                       n;
    uint32_t                     npieces;
    const unsigned char         *at, *end, *start;
    const genai_vocab_source_t  *s;

    s = make->source;
    npieces = 0;
    start = s->tokens[token].bytes.data;
    end = start + s->tokens[token].bytes.len;

    for (at = start; at < end; at += n) {
        n = s->chars ? genai_vocab_char_len(at, end) : 1;

        if (n == 0) {
            return 0;
        }

        p->token = s->chars ? genai_vocab_make_find(make, at, n)
                            : make->base[*at];
        p->start = (uint32_t) (at - start);
        p->end = p->start + (uint32_t) n;

        if (p->token == GENAI_VOCAB_NONE) {
            return 0;
        }

        p++;
        npieces++;
    }

    return npieces;
}


/* bytes that no UTF-8 has need not be tokens */

static int
genai_vocab_merge_base(genai_vocab_make_t *make)
{
    unsigned       c;
    unsigned char  byte;

    for (c = 0; c < 256; c++) {
        byte = (unsigned char) c;
        make->base[c] = genai_vocab_make_find(make, &byte, 1);

        if (make->base[c] == GENAI_VOCAB_NONE && !make->source->chars
            && c != 0xc0 && c != 0xc1 && c < 0xf5)
        {
            return genai_vocab_make_fail(make, "there is no token for the byte"
                                         " 0x%02x", c);
        }
    }

    return 0;
}


static int
genai_vocab_merge_compare(const void *a, const void *b)
{
    const genai_vocab_made_t  *x = a, *y = b;

    return (x->rank > y->rank) - (x->rank < y->rank);
}


int
genai_vocab_make_merges(genai_vocab_make_t *make)
{
    uint32_t                     i, n;
    const genai_str_t           *bytes;
    genai_vocab_piece_t         *pieces;
    const genai_source_token_t  *t;
    const genai_vocab_source_t  *s;

    s = make->source;
    t = s->tokens;

    if (genai_vocab_merge_table(make) != 0
        || genai_vocab_merge_base(make) != 0)
    {
        return -1;
    }

    make->made = genai_vocab_make_alloc(make, (uint64_t) s->ntokens
                                              * sizeof(genai_vocab_made_t), 0);
    pieces = genai_vocab_make_alloc(make, GENAI_VOCAB_TOKEN_LEN
                                          * sizeof(genai_vocab_piece_t), 0);

    if (make->made == NULL || pieces == NULL) {
        return -1;
    }

    for (i = 0; i < s->ntokens; i++) {
        bytes = &t[i].bytes;

        if (t[i].kind != GENAI_TOKEN_NORMAL
            || genai_vocab_make_find(make, bytes->data, bytes->len) != i)
        {
            continue;
        }

        n = genai_vocab_merge_cut(make, i, pieces);

        /*
         * SentencePiece joins what together is a token even where a character
         * of it is none; nothing public has such a token
         */

        if (n == 0 && s->chars && s->merges == NULL
            && genai_vocab_char_len(bytes->data, bytes->data + bytes->len)
               != bytes->len)
        {
            return genai_vocab_make_fail(make, "token %u has a character that"
                                         " is no token", t[i].id);
        }

        if (n > 1
            && genai_vocab_merge_token(make, i, pieces, n,
                                       &make->made[make->nmade]))
        {
            make->nmade++;
        }
    }

    qsort(make->made, make->nmade, sizeof(genai_vocab_made_t),
          genai_vocab_merge_compare);

    for (i = 1; i < make->nmade; i++) {
        if (make->made[i].rank == make->made[i - 1].rank) {
            return genai_vocab_make_fail(make, "tokens %u and %u have the same"
                                         " rank",
                                         t[make->made[i - 1].token].id,
                                         t[make->made[i].token].id);
        }
    }

    return 0;
}


/*
 * The horizon.  A pair (S, C) that is merged takes S from the pair to its
 * left, and what follows C may in turn have taken C, or a part of it while C
 * was made.  reach[S] is the farthest that this goes, in bytes behind S, by
 * pairs that come before the time that is looked at; inner[T] the farthest of
 * what could take a part of T's end while T was made.
 *
 * A token's time is the highest rank of all that have led to it.  Where ranks
 * do not grow, one merge sets off others of the same time, and one of these
 * can forestall another; hence the second round for them.
 */

static int
genai_vocab_compare_len(const void *a, const void *b)
{
    const genai_vocab_made_t  *x = a, *y = b;

    return (x->len > y->len) - (x->len < y->len);
}


static int
genai_vocab_compare_time(const void *a, const void *b)
{
    const genai_vocab_made_t  *x = a, *y = b;

    return (x->time > y->time) - (x->time < y->time);
}


static int
genai_vocab_horizon(genai_vocab_make_t *make)
{
    int                          again;
    uint32_t                     i, j, k, n, m, *reach, *inner, *times, *next;
    genai_vocab_made_t          *made;
    const genai_source_token_t  *t;

    m = make->nmade;
    n = make->source->ntokens;
    t = make->source->tokens;

    made = genai_vocab_make_alloc(make, m * sizeof(genai_vocab_made_t), 0);
    reach = genai_vocab_make_alloc(make, (uint64_t) n * 4, 0);
    inner = genai_vocab_make_alloc(make, (uint64_t) n * 4, 0);
    times = genai_vocab_make_alloc(make, (uint64_t) n * 4, 0);
    next = genai_vocab_make_alloc(make, (uint64_t) m * 4, 0);

    if (made == NULL || reach == NULL || inner == NULL || times == NULL
        || next == NULL)
    {
        return -1;
    }

    make->times = times;

    memcpy(made, make->made, m * sizeof(genai_vocab_made_t));

    /* parts come before what is made of them */

    qsort(made, m, sizeof(genai_vocab_made_t), genai_vocab_compare_len);

    for (i = 0; i < m; i++) {
        k = times[made[i].left];
        made[i].time = (made[i].rank > k) ? made[i].rank : k;

        k = times[made[i].right];
        made[i].time = (made[i].time > k) ? made[i].time : k;

        times[made[i].token] = made[i].time;
    }

    qsort(made, m, sizeof(genai_vocab_made_t), genai_vocab_compare_time);

    for (i = 0; i < m; i = j) {

        for (j = i; j < m && made[j].time == made[i].time; j++) {
            /* void */
        }

        again = (j - i > 1);

        do {
            for (k = i; k < j; k++) {
                n = made[k].right;
                next[k] = (inner[n] > reach[n]) ? inner[n] : reach[n];
            }

            for (k = i; k < j; k++) {
                inner[made[k].token] = next[k];
                next[k] += (uint32_t) t[made[k].right].bytes.len;

                n = made[k].left;
                reach[n] = (next[k] > reach[n]) ? next[k] : reach[n];

                if (next[k] > make->horizon) {
                    make->horizon = next[k];
                }
            }

        } while (again--);
    }

    if (make->horizon > GENAI_VOCAB_HORIZON) {
        return genai_vocab_make_fail(make, "what follows a token can change it"
                                     " over %u bytes, and not %u at most",
                                     make->horizon, GENAI_VOCAB_HORIZON);
    }

    return 0;
}


static void
genai_vocab_number(genai_vocab_make_t *make, uint32_t token)
{
    make->symbols[token] = make->nsymbols;
    make->tokens[make->nsymbols++] = token;
}


int
genai_vocab_make_symbols(genai_vocab_make_t *make)
{
    uint32_t                     i;
    const genai_str_t           *bytes;
    const genai_source_token_t  *t;
    const genai_vocab_source_t  *s;

    s = make->source;
    t = s->tokens;

    make->symbols = genai_vocab_make_alloc(make, (uint64_t) s->ntokens * 4,
                                           0xff);
    make->tokens = genai_vocab_make_alloc(make, ((uint64_t) s->ntokens + 256)
                                                * 4, 0xff);

    if (make->symbols == NULL || make->tokens == NULL) {
        return -1;
    }

    if (s->chars) {

        for (i = 0; i < s->ntokens; i++) {
            bytes = &t[i].bytes;

            if (t[i].kind == GENAI_TOKEN_NORMAL
                && genai_vocab_char_len(bytes->data, bytes->data + bytes->len)
                   == bytes->len
                && genai_vocab_make_find(make, bytes->data, bytes->len) == i)
            {
                genai_vocab_number(make, i);
            }
        }

        /* of all other characters, the bytes */

        for (i = 0; i < s->ntokens; i++) {
            if (t[i].kind == GENAI_TOKEN_BYTE) {
                genai_vocab_number(make, i);
            }
        }

    } else {

        for (i = 0; i < 256; i++) {
            make->tokens[i] = make->base[i];

            if (make->base[i] != GENAI_VOCAB_NONE) {
                make->symbols[make->base[i]] = i;
            }
        }

        make->nsymbols = 256;
    }

    make->nbase = make->nsymbols;

    for (i = 0; i < make->nmade; i++) {
        genai_vocab_number(make, make->made[i].token);
    }

    return genai_vocab_horizon(make);
}
