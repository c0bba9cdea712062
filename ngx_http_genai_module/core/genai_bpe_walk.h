/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The engine.  An edition defines, for its processor, and then includes this:
 *
 *     GENAI_BPE_TARGET         the attribute of all functions
 *     GENAI_BPE_EDITION        the name of its genai_bpe_edition_t
 *     genai_bpe_word_way()     which of a bucket's 4 words is this, or -1
 *     genai_bpe_slot()         what is made of the pair with this key, in a
 *                              bucket of PAIRS or in those behind it, or
 *                              GENAI_VOCAB_NONE
 *     genai_bpe_min()          the smallest of n words, n a multiple of 8
 */


#include "genai_bpe_merge.h"


/* the slot of a piece of up to 15 bytes in WORDS, or -1 */

static inline GENAI_BPE_TARGET int64_t
genai_bpe_word(const genai_vocab_t *v, uint64_t low, uint64_t high,
    uint32_t bucket)
{
    int                        way;
    uint32_t                   n;
    const genai_vocab_word_t  *slots;

    for (n = v->word_probes; n; n--) {
        slots = v->words + (size_t) bucket * GENAI_VOCAB_WAYS;
        way = genai_bpe_word_way(slots, low, high);

        if (way >= 0) {
            return (int64_t) bucket * GENAI_VOCAB_WAYS + way;
        }

        if (slots[GENAI_VOCAB_WAYS - 1].high == 0) {
            break;
        }

        bucket = (bucket + 1 == v->word_buckets) ? 0 : bucket + 1;
    }

    return -1;
}


/* a piece's first 16 bytes; those behind it, up to limit, may be read */

static inline GENAI_BPE_TARGET void
genai_bpe_load(const unsigned char *p, size_t len, const unsigned char *limit,
    uint64_t *low, uint64_t *high)
{
    uint64_t  w[2];

    if (limit - p >= 16) {
        memcpy(w, p, 16);

    } else {
        w[0] = 0;
        w[1] = 0;
        memcpy(w, p, len);
    }

    *low = w[0] & genai_bpe_low[len];
    *high = (w[1] & genai_bpe_high[len]) | (uint64_t) len << 56;
}


/* a piece that is to be looked up */

typedef struct {
    const unsigned char  *p;
    size_t                len;
    genai_bpe_recent_t    piece;
    genai_bpe_recent_t   *recent;       /* or NULL */
    uint64_t              hash;         /* in WORDS or LONGS */
} genai_bpe_missed_t;


#define GENAI_BPE_LETTERS  UINT64_C(0x0000ffffffffffff)
#define GENAI_BPE_ONE      UINT64_C(0x0100000000000000)


/* two entries of the cache, of which the first was used twice */

static inline GENAI_BPE_TARGET genai_bpe_recent_t *
genai_bpe_recents(genai_bpe_cache_t *cache, uint64_t low, uint64_t high)
{
    uint64_t  hash;

    hash = genai_vocab_mix(low ^ GENAI_VOCAB_HASH_B,
                           high ^ GENAI_VOCAB_HASH_A);

    return &cache->recents[hash % (GENAI_BPE_RECENTS / 2) * 2];
}


#define genai_bpe_is_recent(r, low_, high_)                                   \
    ((((r)->low ^ (low_)) | ((r)->high ^ (high_)) << 8) == 0)


/*
 * The entries that a piece of more than GENAI_BPE_RECENT bytes would have in
 * the cache.
 */

static inline GENAI_BPE_TARGET genai_bpe_entry_t *
genai_bpe_entries(genai_bpe_t *b, const unsigned char *p, size_t len,
    genai_bpe_entry_t *key)
{
    uint64_t  hash;

    memcpy(key->key, p, 8);
    memcpy(&key->key[1], p + 8, (len < 16) ? 7 : 8);

    if (len < 16) {
        key->key[1] &= genai_bpe_high[15];
    }

    key->key[2] = 0;

    if (len > 16) {
        memcpy(&key->key[2], p + len - 8, 8);
        key->key[2] >>= 8 * (24 - len);
    }

    key->vocab = genai_bpe_place(b);
    key->len = (uint16_t) len;

    hash = genai_vocab_mix(key->key[0] ^ GENAI_VOCAB_HASH_A ^ key->vocab,
                           key->key[1] ^ key->key[2] * GENAI_VOCAB_HASH_B
                           ^ len);

    return &b->cache->entries[hash % (GENAI_BPE_CACHE / 2) * 2];
}


#define genai_bpe_same(e, k)                                                  \
    (((((e)->key[0] ^ (k)->key[0]) | ((e)->key[1] ^ (k)->key[1])              \
       | ((e)->key[2] ^ (k)->key[2])) == 0)                                   \
     && (e)->len == (k)->len && (e)->vocab == (k)->vocab && (e)->count)


/* merges the lanes and counts their tokens */

static GENAI_BPE_TARGET void
genai_bpe_flush(genai_bpe_t *b, genai_bpe_lanes_t *lanes)
{
    uint32_t           i, count;
    uint64_t           bits;
    genai_bpe_lane_t  *l;

    genai_bpe_lanes(b->vocab, lanes);

    for (i = 0; i < lanes->n; i++) {
        l = &lanes->lanes[i];
        count = (uint32_t) __builtin_popcountll(l->alive);
        b->tokens += count;

        if (l->recent) {
            l->recent[1].low = l->piece.low;
            l->recent[1].high = l->piece.high | count * GENAI_BPE_ONE;
        }

        if (l->entry) {
            l->key.count = (uint16_t) count;
            l->entry[1] = l->entry[0];
            l->entry[0] = l->key;
        }

        for (bits = b->sink ? l->alive : 0; bits; bits &= bits - 1) {
            b->sink(b->data, genai_vocab_id(b->vocab,
                                      l->symbols[__builtin_ctzll(bits)]));
        }
    }

    lanes->n = 0;
}


/* a piece that is no token is found in the cache, or gets a lane */

static GENAI_BPE_TARGET void
genai_bpe_miss(genai_bpe_t *b, genai_bpe_lanes_t *lanes,
    const genai_bpe_missed_t *m)
{
    size_t              used;
    uint32_t            n, symbols[GENAI_BPE_SHORT];
    genai_bpe_lane_t   *l;
    genai_bpe_entry_t  *e, found;

    l = &lanes->lanes[lanes->n];
    l->recent = m->recent;
    l->piece = m->piece;
    l->entry = NULL;

    if (m->len > GENAI_BPE_RECENT && m->len <= GENAI_BPE_CACHE_KEY
        && b->cache && b->sink == NULL)
    {
        e = genai_bpe_entries(b, m->p, m->len, &l->key);

        if (genai_bpe_same(e, &l->key)) {
            b->tokens += e->count;
            return;
        }

        if (genai_bpe_same(e + 1, &l->key)) {
            found = e[1];
            e[1] = e[0];
            e[0] = found;
            b->tokens += found.count;
            return;
        }

        l->entry = e;
    }

    b->budget -= (int64_t) m->len * GENAI_BPE_WORK_BYTE;

    n = (m->len > GENAI_BPE_SHORT) ? GENAI_BPE_SHORT
        : genai_bpe_symbols(b->vocab, m->p, m->len, symbols, NULL);

    if (n > GENAI_BPE_FLAT) {
        b->tokens += genai_bpe_merge_long(b, m->p, m->len, m->len, &used);
        return;
    }

    memcpy(&l->symbols[1], symbols, n * sizeof(uint32_t));
    genai_bpe_lane(b->vocab, l, n);

    if (++lanes->n == GENAI_BPE_LANES) {
        genai_bpe_flush(b, lanes);
    }
}


/* with ids, one by one */

static GENAI_BPE_TARGET size_t
genai_bpe_each(genai_bpe_t *b, const genai_str_t *text, size_t start,
    const uint32_t *ends, size_t n)
{
    size_t                       i, len;
    int64_t                      slot;
    uint64_t                     low, high;
    const unsigned char         *p, *limit;
    const genai_vocab_t         *v;
    const genai_vocab_string_t  *s;
    genai_bpe_lanes_t            lanes;
    genai_bpe_missed_t           m;

    v = b->vocab;
    limit = text->data + text->len;
    lanes.n = 0;
    memset(&m, 0, sizeof(genai_bpe_missed_t));

    for (i = 0; i < n && b->budget > 0; i++) {
        p = text->data + start;
        len = ends[i] - start;

        if (len > GENAI_BPE_LONG) {
            break;
        }

        b->budget -= GENAI_BPE_WORK_PIECE;
        start = ends[i];

        if (len <= GENAI_VOCAB_WORD) {
            genai_bpe_load(p, len, limit, &low, &high);
            slot = genai_bpe_word(v, low, high,
                        genai_vocab_bucket(genai_vocab_hash_word(low, high),
                                           v->word_buckets));
            if (slot >= 0) {
                b->sink(b->data, v->word_ids[slot]);
                b->tokens++;
                continue;
            }

        } else if (len <= v->max_len) {
            s = genai_bpe_string(v, p, len, genai_vocab_hash_long(p, len));

            if (s) {
                b->sink(b->data, s->id);
                b->tokens++;
                continue;
            }
        }

        m.p = p;
        m.len = len;
        genai_bpe_miss(b, &lanes, &m);
        genai_bpe_flush(b, &lanes);
    }

    return i;
}


/* looks up pieces that are not in the cache */

static GENAI_BPE_TARGET void
genai_bpe_look_up(genai_bpe_t *b, genai_bpe_lanes_t *lanes,
    genai_bpe_missed_t *missed, size_t n, const unsigned char *limit)
{
    size_t                i;
    uint32_t              bucket;
    uint64_t              low, high;
    const genai_vocab_t  *v;
    genai_bpe_missed_t   *m;

    v = b->vocab;

    /* where they might be first, so that the lines are on their way */

    for (i = 0; i < n; i++) {
        m = &missed[i];

        if (m->len <= GENAI_VOCAB_WORD) {
            genai_bpe_load(m->p, m->len, limit, &low, &high);
            m->hash = genai_vocab_hash_word(low, high);
            bucket = genai_vocab_bucket(m->hash, v->word_buckets);
            __builtin_prefetch(v->words + (size_t) bucket * GENAI_VOCAB_WAYS);

        } else if (m->len <= v->max_len) {
            m->hash = genai_vocab_hash_long(m->p, m->len);
            bucket = genai_vocab_bucket(m->hash, v->long_buckets);
            __builtin_prefetch(v->longs + (size_t) bucket * GENAI_VOCAB_WAYS);
        }
    }

    for (i = 0; i < n; i++) {
        m = &missed[i];

        if (m->len <= GENAI_VOCAB_WORD) {
            genai_bpe_load(m->p, m->len, limit, &low, &high);
            bucket = genai_vocab_bucket(m->hash, v->word_buckets);

            if (genai_bpe_word(v, low, high, bucket) >= 0) {
                b->tokens++;

                if (m->recent) {
                    m->recent[1].low = m->piece.low;
                    m->recent[1].high = m->piece.high | GENAI_BPE_ONE;
                }

                continue;
            }

        } else if (m->len <= v->max_len
                   && genai_bpe_string(v, m->p, m->len, m->hash))
        {
            b->tokens++;
            continue;
        }

        genai_bpe_miss(b, lanes, m);
    }
}


static GENAI_BPE_TARGET size_t
genai_bpe_run(genai_bpe_t *b, const genai_str_t *text, size_t start,
    const uint32_t *ends, size_t n)
{
    size_t                 i, j, k, len, at, nmissed;
    uint64_t               tag, low, high, tokens;
    const unsigned char   *data, *limit;
    genai_bpe_lanes_t      lanes;
    genai_bpe_missed_t    *m;
    genai_bpe_recent_t    *r, found, pieces[GENAI_BPE_BATCH];
    genai_bpe_recent_t    *recents[GENAI_BPE_BATCH];
    genai_bpe_missed_t     missed[GENAI_BPE_BATCH];

    if (b->sink) {
        return genai_bpe_each(b, text, start, ends, n);
    }

    data = text->data;
    limit = data + text->len;
    lanes.n = 0;
    tag = b->cache ? (uint64_t) genai_bpe_place(b) << 52 : 0;

    for (i = 0; i < n && b->budget > 0; i += k) {

        at = start;

        for (k = 0; k < GENAI_BPE_BATCH && i + k < n
                    && at - start < GENAI_BPE_STEP; k++)
        {
            len = ends[i + k] - at;

            if (len <= GENAI_BPE_RECENT && b->cache) {
                genai_bpe_load(data + at, len, limit, &low, &high);
                high = (high & GENAI_BPE_LETTERS) | (uint64_t) len << 48 | tag;
                recents[k] = genai_bpe_recents(b->cache, low, high);
                __builtin_prefetch(recents[k]);
                pieces[k].low = low;
                pieces[k].high = high;

            } else if (len <= GENAI_BPE_LONG) {
                recents[k] = NULL;

            } else {
                break;
            }

            at = ends[i + k];
        }

        if (k == 0) {
            break;
        }

        b->budget -= (int64_t) k * GENAI_BPE_WORK_PIECE;
        tokens = 0;
        nmissed = 0;
        at = start;

        for (j = 0; j < k; j++, at = ends[i + j - 1]) {
            r = recents[j];

            if (r) {
                low = pieces[j].low;
                high = pieces[j].high;

                if (genai_bpe_is_recent(r, low, high)) {
                    tokens += r->high >> 56;
                    continue;
                }

                if (genai_bpe_is_recent(r + 1, low, high)) {
                    found = r[1];
                    r[1] = r[0];
                    r[0] = found;
                    tokens += found.high >> 56;
                    continue;
                }
            }

            m = &missed[nmissed++];
            m->p = data + at;
            m->len = ends[i + j] - at;
            m->piece = pieces[j];
            m->recent = r;
        }

        b->tokens += tokens;
        genai_bpe_look_up(b, &lanes, missed, nmissed, limit);

        start = ends[i + k - 1];
    }

    genai_bpe_flush(b, &lanes);

    return i;
}


static GENAI_BPE_TARGET size_t
genai_bpe_walk_window(genai_bpe_t *b, const genai_str_t *rest, int last)
{
    int                   run;
    size_t                len, limit, used, at;
    uint64_t              before;
    const genai_vocab_t  *v;

    v = b->vocab;

    len = 5 * v->horizon;
    len = (len < 1024) ? 1024 : (len > GENAI_BPE_WINDOW) ? GENAI_BPE_WINDOW
                                                         : len;

    if (rest->len <= len) {

        if (!last || rest->len == 0) {
            return 0;
        }

        len = rest->len;
        limit = len;

    } else {

        /* both where a character begins: its bytes may be tokens, too */

        while (v->chars && len > 1 && (rest->data[len] & 0xc0) == 0x80) {
            len--;
        }

        limit = (len > v->horizon) ? len - v->horizon : 0;

        while (v->chars && limit > 1 && (rest->data[limit] & 0xc0) == 0x80) {
            limit--;
        }
    }

    before = b->tokens;
    run = (limit < len && b->sink == NULL
           && memcmp(rest->data, rest->data + 1, len - 1) == 0);

    if (run && len == b->run_len && rest->data[0] == b->run_byte) {

        /* a stream's run comes in pieces, and its windows are long tokens */

        b->budget -= (int64_t) (len / GENAI_BPE_WORK_SAME + 1);
        b->tokens += b->run_count;
        used = b->run_used;

    } else {
        b->budget -= (int64_t) len * GENAI_BPE_WORK_BYTE;
        b->tokens += genai_bpe_merge_long(b, rest->data, len, limit, &used);
    }

    if (b->sink) {
        return used;
    }

    if (run) {
        b->run_len = (uint16_t) len;
        b->run_used = (uint16_t) used;
        b->run_count = (uint16_t) (b->tokens - before);
        b->run_byte = rest->data[0];
    }

    /* what follows has the same tokens where it is the same, as in a run */

    before = b->tokens - before;

    for (at = used; rest->len - at > len && b->budget > 0; at += used) {

        b->budget -= (int64_t) (len / GENAI_BPE_WORK_SAME + 1);

        if (memcmp(rest->data + at - used, rest->data + at, len + 1) != 0) {
            break;
        }

        b->tokens += before;
    }

    return at;
}


const genai_bpe_edition_t  GENAI_BPE_EDITION = {
    genai_bpe_run,
    genai_bpe_walk_window
};
