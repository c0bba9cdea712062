/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The sections of a compiled vocabulary, see genai_vocab.h.
 */


#include "genai_vocab_build_int.h"

#include <stdlib.h>


/* keys in 100 slots: for words, which are found, and pairs, which are not */

#define GENAI_VOCAB_LOAD_WORDS  60
#define GENAI_VOCAB_LOAD_LONGS  50
#define GENAI_VOCAB_LOAD_PAIRS  65

/* buckets that are looked at, at most */
#define GENAI_VOCAB_PROBES      8


/*
 * Gives each of n keys, by their hashes, a slot: in its own bucket, or in the
 * next that is not full.  The first keys get the best ones.  The table grows
 * until none is far from its own.
 *
 * Returns the slots in an array, or NULL.
 */

static uint32_t *
genai_vocab_place(genai_vocab_make_t *make, const uint64_t *hashes, uint32_t n,
    unsigned load, unsigned ways, int section)
{
    uint32_t       i, b, buckets, probes, most, *slots;
    unsigned char *full;

    buckets = (uint32_t) ((uint64_t) n * 100 / load / ways) + 1;

    for ( ;; ) {
        slots = genai_vocab_make_alloc(make, (uint64_t) n * 4, 0);
        full = genai_vocab_make_alloc(make, buckets, 0);

        if (slots == NULL || full == NULL) {
            return NULL;
        }

        most = 1;

        for (i = 0; i < n; i++) {
            b = genai_vocab_bucket(hashes[i], buckets);

            for (probes = 1; full[b] == ways; probes++) {
                b = (b + 1 == buckets) ? 0 : b + 1;
            }

            slots[i] = b * ways + full[b]++;
            most = (probes > most) ? probes : most;
        }

        if (most <= GENAI_VOCAB_PROBES) {
            make->buckets[section] = buckets;
            make->probes[section] = most;

            return slots;
        }

        buckets += buckets / 8 + 1;

        if (buckets > n + 64) {
            (void) genai_vocab_make_fail(make, "the vocabulary's tokens do not"
                                         " spread over a table");
            return NULL;
        }
    }
}


/* whether a piece of these bytes is the token, in the order of symbols */

static uint32_t
genai_vocab_word_tokens(genai_vocab_make_t *make, uint32_t *list)
{
    uint32_t                     i, n;
    const genai_source_token_t  *t;
    const genai_vocab_source_t  *s;

    s = make->source;
    n = 0;

    for (i = 0; i < make->nsymbols; i++) {
        if (make->tokens[i] != GENAI_VOCAB_NONE
            && make->tokens[i] != UINT32_MAX
            && s->tokens[make->tokens[i]].kind == GENAI_TOKEN_NORMAL)
        {
            list[n++] = make->tokens[i];
        }
    }

    for (i = 0; s->whole && i < s->ntokens; i++) {
        t = &s->tokens[i];

        if (t->kind == GENAI_TOKEN_NORMAL && make->symbols[i] == UINT32_MAX
            && genai_vocab_make_find(make, t->bytes.data, t->bytes.len) == i)
        {
            list[n++] = i;
        }
    }

    return n;
}


static int
genai_vocab_make_longs(genai_vocab_make_t *make, const uint32_t *list,
    uint32_t n)
{
    uint32_t                     i, *slots;
    uint64_t                    *hashes, *table, size;
    unsigned char               *strings;
    genai_vocab_string_t         head;
    const genai_source_token_t  *t;

    size = 8;

    for (i = 0; i < n; i++) {
        t = &make->source->tokens[list[i]];
        size += sizeof(head) + ((t->bytes.len + 3) & ~(size_t) 3);
    }

    if (size > UINT32_MAX) {
        return genai_vocab_make_fail(make, "the vocabulary is too long");
    }

    hashes = genai_vocab_make_alloc(make, (uint64_t) n * 8, 0);
    strings = genai_vocab_make_alloc(make, size, 0);

    if (hashes == NULL || strings == NULL) {
        return -1;
    }

    make->parts[GENAI_VOCAB_STRINGS].data = strings;
    make->parts[GENAI_VOCAB_STRINGS].len = size;

    for (i = 0; i < n; i++) {
        t = &make->source->tokens[list[i]];
        hashes[i] = genai_vocab_hash_long(t->bytes.data, t->bytes.len);
    }

    slots = genai_vocab_place(make, hashes, n, GENAI_VOCAB_LOAD_LONGS,
                              GENAI_VOCAB_WAYS, GENAI_VOCAB_LONGS);
    if (slots == NULL) {
        return -1;
    }

    size = (uint64_t) make->buckets[GENAI_VOCAB_LONGS] * GENAI_VOCAB_WAYS * 8;
    table = genai_vocab_make_alloc(make, size, 0);

    if (table == NULL) {
        return -1;
    }

    make->parts[GENAI_VOCAB_LONGS].data = table;
    make->parts[GENAI_VOCAB_LONGS].len = size;
    size = 8;

    for (i = 0; i < n; i++) {
        t = &make->source->tokens[list[i]];
        table[slots[i]] = hashes[i] << 32 | size;

        head.len = (uint32_t) t->bytes.len;
        head.id = t->id;
        memcpy(strings + size, &head, sizeof(head));
        memcpy(strings + size + sizeof(head), t->bytes.data, t->bytes.len);

        size += sizeof(head) + ((t->bytes.len + 3) & ~(size_t) 3);
    }

    return 0;
}


int
genai_vocab_make_words(genai_vocab_make_t *make)
{
    uint32_t                     i, n, nlongs, nwords, *list, *longs, *ids,
                                *slots;
    uint64_t                    *hashes, nslots;
    genai_vocab_word_t          *table, w;
    const genai_source_token_t  *t;

    n = make->source->ntokens;
    list = genai_vocab_make_alloc(make, (uint64_t) n * 4, 0);
    longs = genai_vocab_make_alloc(make, (uint64_t) n * 4, 0);
    hashes = genai_vocab_make_alloc(make, (uint64_t) n * 8, 0);

    if (list == NULL || longs == NULL || hashes == NULL) {
        return -1;
    }

    n = genai_vocab_word_tokens(make, list);
    make->ntokens = n;
    nwords = 0;
    nlongs = 0;

    for (i = 0; i < n; i++) {
        t = &make->source->tokens[list[i]];

        if (t->bytes.len > make->max_len) {
            make->max_len = (uint32_t) t->bytes.len;
        }

        if (t->bytes.len > GENAI_VOCAB_WORD) {
            longs[nlongs++] = list[i];
            continue;
        }

        memset(&w, 0, sizeof(w));
        memcpy(&w, t->bytes.data, t->bytes.len);
        w.high |= (uint64_t) t->bytes.len << 56;

        hashes[nwords] = genai_vocab_hash_word(w.low, w.high);
        list[nwords++] = list[i];
    }

    if (nwords == 0) {
        return genai_vocab_make_fail(make, "the vocabulary has no tokens");
    }

    if (genai_vocab_make_longs(make, longs, nlongs) != 0) {
        return -1;
    }

    slots = genai_vocab_place(make, hashes, nwords, GENAI_VOCAB_LOAD_WORDS,
                              GENAI_VOCAB_WAYS, GENAI_VOCAB_WORDS);
    if (slots == NULL) {
        return -1;
    }

    nslots = (uint64_t) make->buckets[GENAI_VOCAB_WORDS] * GENAI_VOCAB_WAYS;
    table = genai_vocab_make_alloc(make, nslots * sizeof(w), 0);
    ids = genai_vocab_make_alloc(make, nslots * 4, 0);

    if (table == NULL || ids == NULL) {
        return -1;
    }

    make->parts[GENAI_VOCAB_WORDS].data = table;
    make->parts[GENAI_VOCAB_WORDS].len = nslots * sizeof(w);
    make->parts[GENAI_VOCAB_WORD_IDS].data = ids;
    make->parts[GENAI_VOCAB_WORD_IDS].len = nslots * 4;

    for (i = 0; i < nwords; i++) {
        t = &make->source->tokens[list[i]];

        memset(&w, 0, sizeof(w));
        memcpy(&w, t->bytes.data, t->bytes.len);
        w.high |= (uint64_t) t->bytes.len << 56;

        table[slots[i]] = w;
        ids[slots[i]] = t->id;
    }

    return 0;
}


int
genai_vocab_make_pairs(genai_vocab_make_t *make)
{
    uint32_t                   i, b, l, r, buckets, *slots;
    uint64_t                  *hashes, *table, size;
    const genai_vocab_made_t  *made;

    hashes = genai_vocab_make_alloc(make, (uint64_t) make->nmade * 8, 0);

    if (hashes == NULL) {
        return -1;
    }

    for (i = 0; i < make->nmade; i++) {
        made = &make->made[i];
        l = make->symbols[made->left];
        r = make->symbols[made->right];

        if (l >= make->nsymbols || r >= make->nsymbols) {
            return genai_vocab_make_fail(make, "token %u is made of what is"
                                         " none",
                                         make->source->tokens[made->token].id);
        }

        hashes[i] = genai_vocab_hash_pair(genai_vocab_pair(l, r));
    }

    slots = genai_vocab_place(make, hashes, make->nmade,
                              GENAI_VOCAB_LOAD_PAIRS, GENAI_VOCAB_PAIR_WAYS,
                              GENAI_VOCAB_PAIRS);
    if (slots == NULL) {
        return -1;
    }

    buckets = make->buckets[GENAI_VOCAB_PAIRS];
    size = (uint64_t) buckets * GENAI_VOCAB_PAIR_WAYS * 8;
    table = genai_vocab_make_alloc(make, size, 0);

    if (table == NULL) {
        return -1;
    }

    make->parts[GENAI_VOCAB_PAIRS].data = table;
    make->parts[GENAI_VOCAB_PAIRS].len = size;

    for (i = 0; i < size / 8; i++) {
        table[i] = GENAI_VOCAB_NO_PAIR;
    }

    for (i = 0; i < make->nmade; i++) {
        l = make->symbols[make->made[i].left];
        r = make->symbols[make->made[i].right];
        table[slots[i]] = genai_vocab_pair_key(l, r) | (make->nbase + i);
    }

    for (i = 0; i < make->nmade; i++) {
        b = genai_vocab_bucket(hashes[i], buckets);

        while (b != slots[i] / GENAI_VOCAB_PAIR_WAYS) {
            table[b * GENAI_VOCAB_PAIR_WAYS] |= GENAI_VOCAB_MORE;
            b = (b + 1 == buckets) ? 0 : b + 1;
        }
    }

    return 0;
}


/* the ids of symbols, and what any two bytes become */

int
genai_vocab_make_ids(genai_vocab_make_t *make)
{
    uint32_t  i, l, r, *ids, *pairs;

    ids = genai_vocab_make_alloc(make, (uint64_t) make->nsymbols * 4, 0);
    pairs = genai_vocab_make_alloc(make, 65536 * 4, 0);

    if (ids == NULL || pairs == NULL) {
        return -1;
    }

    for (i = 0; i < make->nsymbols; i++) {
        l = make->tokens[i];
        ids[i] = (l < make->source->ntokens) ? make->source->tokens[l].id
                                             : GENAI_VOCAB_NONE;
    }

    make->parts[GENAI_VOCAB_IDS].data = ids;
    make->parts[GENAI_VOCAB_IDS].len = (uint64_t) make->nsymbols * 4;

    if (make->source->chars) {
        return 0;
    }

    for (i = 0; i < 65536; i++) {
        pairs[i] = GENAI_VOCAB_NONE;
    }

    for (i = 0; i < make->nmade; i++) {
        l = make->symbols[make->made[i].left];
        r = make->symbols[make->made[i].right];

        if (l < 256 && r < 256) {
            pairs[l << 8 | r] = make->nbase + i;
        }
    }

    make->parts[GENAI_VOCAB_BYTE_PAIRS].data = pairs;
    make->parts[GENAI_VOCAB_BYTE_PAIRS].len = 65536 * 4;

    return 0;
}


/*
 * Bytes that stand side by side in a token that merging makes, in a text that
 * is not cut otherwise.  In a vocabulary of characters none of these is cut.
 */

int
genai_vocab_make_joints(genai_vocab_make_t *make)
{
    size_t                       j;
    uint32_t                     i, c;
    uint64_t                    *joints;
    const genai_str_t           *bytes;
    const genai_vocab_source_t  *s;

    s = make->source;

    if (s->whole
        || (s->split != GENAI_SPLIT_NONE && s->split != GENAI_SPLIT_SPACE))
    {
        return 0;
    }

    joints = genai_vocab_make_alloc(make, 65536 / 8, 0);

    if (joints == NULL) {
        return -1;
    }

    for (i = make->nbase; i < make->nsymbols; i++) {
        bytes = &s->tokens[make->tokens[i]].bytes;

        for (j = 1; j < bytes->len; j++) {
            c = bytes->data[j];
            joints[bytes->data[j - 1] * 4 + c / 64] |= UINT64_C(1) << c % 64;
        }
    }

    for (i = 0; s->chars && i < 256; i++) {
        joints[i * 4 + 2] = UINT64_MAX;         /* from 0x80 to 0xbf */
    }

    make->parts[GENAI_VOCAB_JOINTS].data = joints;
    make->parts[GENAI_VOCAB_JOINTS].len = 65536 / 8;

    return 0;
}


/* the tree of added tokens, from their sorted list */

static int
genai_vocab_added_compare(const void *a, const void *b)
{
    int                          rc;
    size_t                       n;
    const genai_source_token_t  *x = *(genai_source_token_t *const *) a;
    const genai_source_token_t  *y = *(genai_source_token_t *const *) b;

    n = (x->bytes.len < y->bytes.len) ? x->bytes.len : y->bytes.len;
    rc = memcmp(x->bytes.data, y->bytes.data, n);

    return rc ? rc : (x->bytes.len > y->bytes.len)
                     - (x->bytes.len < y->bytes.len);
}


/* a node, and the part of the list that is below it */

typedef struct {
    uint32_t   from;
    uint32_t   to;
    uint32_t   depth;
} genai_vocab_below_t;


int
genai_vocab_make_added(genai_vocab_make_t *make)
{
    uint32_t                      i, k, n, node, nnodes;
    uint64_t                      size;
    genai_vocab_node_t           *nodes;
    genai_vocab_below_t          *below, b;
    const genai_source_token_t   *t, **list;
    const genai_vocab_source_t   *s;

    s = make->source;
    list = genai_vocab_make_alloc(make, (uint64_t) s->ntokens * sizeof(*list),
                                  0);
    if (list == NULL) {
        return -1;
    }

    size = 1;
    n = 0;

    for (i = 0; i < s->ntokens; i++) {
        t = &s->tokens[i];

        if (t->kind == GENAI_TOKEN_ADDED) {
            list[n++] = t;
            size += t->bytes.len;
            make->first[t->bytes.data[0] >> 3] |= 1 << (t->bytes.data[0] & 7);
        }
    }

    make->ntokens += n;

    if (n == 0) {
        return 0;
    }

    qsort(list, n, sizeof(*list), genai_vocab_added_compare);

    nodes = genai_vocab_make_alloc(make, size * sizeof(*nodes), 0);
    below = genai_vocab_make_alloc(make, size * sizeof(*below), 0);

    if (nodes == NULL || below == NULL) {
        return -1;
    }

    nnodes = 1;
    below[0].from = 0;
    below[0].to = n;
    below[0].depth = 0;

    for (node = 0; node < nnodes; node++) {
        b = below[node];
        nodes[node].children = nnodes;

        for (i = b.from; i < b.to; i = k) {

            if (list[i]->bytes.len == b.depth) {
                nodes[node].end = 1;
                nodes[node].id = list[i]->id;
                k = i + 1;
                continue;
            }

            for (k = i; k < b.to && list[k]->bytes.data[b.depth]
                                    == list[i]->bytes.data[b.depth]; k++)
            {
                /* void */
            }

            nodes[nnodes].byte = list[i]->bytes.data[b.depth];
            below[nnodes].from = i;
            below[nnodes].to = k;
            below[nnodes].depth = b.depth + 1;
            nnodes++;
            nodes[node].nchildren++;
        }
    }

    make->parts[GENAI_VOCAB_ADDED].data = nodes;
    make->parts[GENAI_VOCAB_ADDED].len = (uint64_t) nnodes * sizeof(*nodes);

    return 0;
}
