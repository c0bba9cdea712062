/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Merging, a part of genai_bpe_walk.h.
 *
 * Each merge of a piece must wait for the one before: for the smallest word,
 * then for the table of pairs, then for the words again.  That is time in
 * which the processor can do something else, so several pieces are merged in
 * turns, each a LANE of its own with up to GENAI_BPE_FLAT symbols.
 *
 * A longer piece is cut into windows of that size, which overlap, wherever
 * that may be, and these are the lanes.  Then they are sewn together: if two
 * windows have a token in common, the tokens of the first up to it, and then
 * those of the second, are what both together merge to.  For what a text
 * merges to are those tokens of which each two neighbours, merged by
 * themselves, stay what they are; and all neighbours here are neighbours in
 * one window or the other.  Where there is no token in common, which is seldom
 * (tokens as long as a window), the slower way is gone: a list of all symbols,
 * with the smallest word of each 16.
 */


/* a place in PAIRS to be looked at */

typedef struct {
    uint64_t            key;
    uint32_t            bucket;
} genai_bpe_look_t;


/* what several of are merged in turns */

typedef struct {
    uint32_t            words[GENAI_BPE_FLAT + 2];      /* GENAI_BPE_PLACE */
    uint32_t            symbols[GENAI_BPE_FLAT + 2];    /* from 1 on */
    uint64_t            alive;                          /* bits of symbols */
    uint32_t            n;

    uint32_t            word;           /* what is merged next, */
    uint32_t            before;         /* the places around it, */
    uint32_t            second;
    genai_bpe_look_t    left;           /* and the pairs that it makes */
    genai_bpe_look_t    right;

    genai_bpe_recent_t *recent;         /* of the cache, or NULL: two each */
    genai_bpe_entry_t  *entry;
    genai_bpe_recent_t  piece;
    genai_bpe_entry_t   key;
} genai_bpe_lane_t;


typedef struct {
    uint32_t            n;
    genai_bpe_lane_t    lanes[GENAI_BPE_LANES];
} genai_bpe_lanes_t;


/* symbols while they are merged, as a list; sizes are those of the caller */

typedef struct {
    uint32_t           *symbols;
    uint32_t           *words;
    uint32_t           *tops;           /* of each 16 words the smallest */
    uint16_t           *next;
    uint16_t           *prev;
    uint32_t            n;
} genai_bpe_list_t;


/* whether all is ASCII */

static inline GENAI_BPE_TARGET int
genai_bpe_ascii(const unsigned char *p, size_t len)
{
    size_t    i;
    uint64_t  w, all;

    all = 0;

    for (i = 0; i + 8 <= len; i += 8) {
        memcpy(&w, p + i, 8);
        all |= w;
    }

    for ( /* void */ ; i < len; i++) {
        all |= p[i];
    }

    return (all & UINT64_C(0x8080808080808080)) == 0;
}


/*
 * The symbols that p[0 .. len), of at most GENAI_BPE_WINDOW bytes, begins
 * with.
 */

static inline GENAI_BPE_TARGET uint32_t
genai_bpe_symbols(const genai_vocab_t *v, const unsigned char *p, size_t len,
    uint32_t *symbols, uint16_t *starts)
{
    size_t  i;

    if (v->chars || !genai_bpe_ascii(p, len)) {
        return genai_bpe_chars(v, p, len, symbols, starts);
    }

    for (i = 0; i < len; i++) {
        symbols[i] = p[i];
    }

    if (starts) {
        for (i = 0; i <= len; i++) {
            starts[i] = (uint16_t) i;
        }
    }

    return (uint32_t) len;
}


/* what two symbols make; see genai_bpe_slot() */

static inline GENAI_BPE_TARGET uint32_t
genai_bpe_pair(const genai_vocab_t *v, uint32_t left, uint32_t right)
{
    uint64_t  hash;

    hash = genai_vocab_hash_pair(genai_vocab_pair(left, right));

    return genai_bpe_slot(v, genai_vocab_bucket(hash, v->pair_buckets),
                          genai_vocab_pair_key(left, right));
}


/* what two symbols make that a piece begins with */

#define genai_bpe_are_bytes(v, left, right)                                   \
    (!(v)->chars && ((left) | (right)) < 256)


static inline GENAI_BPE_TARGET uint32_t
genai_bpe_first(const genai_vocab_t *v, uint32_t left, uint32_t right)
{
    return genai_bpe_are_bytes(v, left, right)
           ? v->byte_pairs[left << 8 | right]
           : genai_bpe_pair(v, left, right);
}


/*
 * Begins a lane, of which symbols[1 .. n] are there, and has the memory fetched
 * that will tell which pairs they are.
 */

static inline GENAI_BPE_TARGET void
genai_bpe_lane(const genai_vocab_t *v, genai_bpe_lane_t *l, uint32_t n)
{
    uint32_t  i, bucket, left, right;
    uint64_t  hash;

    l->n = n;
    l->symbols[0] = GENAI_VOCAB_NONE;
    l->symbols[n + 1] = GENAI_VOCAB_NONE;
    l->alive = (UINT64_C(4) << n) - 1;

    for (i = 1; i < n; i++) {
        left = l->symbols[i];
        right = l->symbols[i + 1];

        if (genai_bpe_are_bytes(v, left, right)) {
            __builtin_prefetch(v->byte_pairs + (left << 8 | right));
            continue;
        }

        hash = genai_vocab_hash_pair(genai_vocab_pair(left, right));
        bucket = genai_vocab_bucket(hash, v->pair_buckets);
        __builtin_prefetch(v->pairs + (size_t) bucket * GENAI_VOCAB_PAIR_WAYS);
    }
}


/* the pairs that a lane begins with */

static inline GENAI_BPE_TARGET void
genai_bpe_lane_words(const genai_vocab_t *v, genai_bpe_lane_t *l,
    uint32_t size)
{
    uint32_t  i;

    l->words[0] = UINT32_MAX;

    for (i = 1; i < l->n; i++) {
        l->words[i] = genai_bpe_first(v, l->symbols[i], l->symbols[i + 1])
                      << GENAI_BPE_PLACE | i;
    }

    for ( /* void */ ; i < size; i++) {
        l->words[i] = UINT32_MAX;
    }
}


#define GENAI_BPE_TOP  (UINT64_C(1) << 63)


/* has the memory fetched that will tell what two symbols make */

static inline GENAI_BPE_TARGET void
genai_bpe_look(const genai_vocab_t *v, genai_bpe_look_t *look, uint32_t left,
    uint32_t right)
{
    uint64_t  hash, some;

    hash = genai_vocab_hash_pair(genai_vocab_pair(left, right));

    /* at the ends there is nothing: a key that no slot has, always one place */

    some = 0 - (uint64_t) ((left != GENAI_VOCAB_NONE)
                           & (right != GENAI_VOCAB_NONE));

    look->bucket = genai_vocab_bucket(hash, v->pair_buckets) & (uint32_t) some;
    look->key = (genai_vocab_pair_key(left, right) & some)
                | (~some & GENAI_VOCAB_NO_KEY);

    __builtin_prefetch(v->pairs
                       + (size_t) look->bucket * GENAI_VOCAB_PAIR_WAYS);
}


/* chooses what is merged next; 0 where there is nothing */

static inline GENAI_BPE_TARGET int
genai_bpe_lane_choose(const genai_vocab_t *v, genai_bpe_lane_t *l,
    uint32_t size)
{
    uint32_t  i, symbol;
    uint64_t  bits;

    l->word = genai_bpe_min(l->words, size);

    if (l->word >= GENAI_BPE_NO_PAIR) {
        return 0;
    }

    i = l->word & GENAI_BPE_MASK;
    symbol = l->word >> GENAI_BPE_PLACE;

    /* there is one more at each end, and only there what merges with none */

    bits = l->alive & (~UINT64_C(1) << i);
    l->second = (uint32_t) __builtin_ctzll(bits | GENAI_BPE_TOP);
    bits = (bits & (bits - 1)) | GENAI_BPE_TOP;
    genai_bpe_look(v, &l->right, symbol, l->symbols[__builtin_ctzll(bits)]);

    bits = (l->alive & ((UINT64_C(1) << i) - 1)) | 1;
    l->before = 63 - (uint32_t) __builtin_clzll(bits);
    genai_bpe_look(v, &l->left, l->symbols[l->before], symbol);

    return 1;
}


/* merges it */

static inline GENAI_BPE_TARGET void
genai_bpe_lane_merge(const genai_vocab_t *v, genai_bpe_lane_t *l)
{
    uint32_t  i, j, symbol;

    i = l->word & GENAI_BPE_MASK;
    j = l->second;
    symbol = l->word >> GENAI_BPE_PLACE;

    l->alive ^= UINT64_C(1) << j;
    l->symbols[i] = symbol;
    l->words[j] = UINT32_MAX;
    l->words[i] = genai_bpe_slot(v, l->right.bucket, l->right.key)
                  << GENAI_BPE_PLACE | i;
    l->words[l->before] = genai_bpe_slot(v, l->left.bucket, l->left.key)
                          << GENAI_BPE_PLACE | l->before;
}


/* merges all lanes; of each, alive is then of its tokens, from bit 1 on */

static GENAI_BPE_TARGET void
genai_bpe_lanes(const genai_vocab_t *v, genai_bpe_lanes_t *lanes)
{
    uint32_t           i, m, n, size;
    genai_bpe_lane_t  *l;
    genai_bpe_lane_t  *active[GENAI_BPE_LANES];

    n = 0;
    size = 0;

    for (i = 0; i < lanes->n; i++) {
        l = &lanes->lanes[i];
        size = (l->n > size) ? l->n : size;
    }

    size = size ? (size + 7) & ~7u : 8;

    for (i = 0; i < lanes->n; i++) {
        l = &lanes->lanes[i];
        active[n] = l;
        genai_bpe_lane_words(v, l, size);
        n += genai_bpe_lane_choose(v, l, size);
    }

    /* in two turns: a vector waits for words that were just written */

    while (n) {
        for (i = 0; i < n; i++) {
            genai_bpe_lane_merge(v, active[i]);
        }

        m = n;
        n = 0;

        for (i = 0; i < m; i++) {
            l = active[i];
            active[n] = l;
            n += genai_bpe_lane_choose(v, l, size);
        }
    }

    for (i = 0; i < lanes->n; i++) {
        lanes->lanes[i].alive &= (UINT64_C(2) << lanes->lanes[i].n) - 2;
    }
}


/*
 * Merges all that can be merged.  Of the symbols, n at first, those that are
 * left are chained by next[], from 0 to n.  Returns how many these are.
 */

static GENAI_BPE_TARGET uint32_t
genai_bpe_list(const genai_vocab_t *v, genai_bpe_list_t *l)
{
    uint32_t  i, j, k, n, p, word, symbol, left, *words, *tops, *symbols;
    uint32_t  nwords, ntops;
    uint16_t  *next, *prev;

    n = l->n;
    words = l->words;
    tops = l->tops;
    symbols = l->symbols;
    next = l->next;
    prev = l->prev;

    nwords = (n + 15) & ~15u;
    ntops = (nwords / 16 + 7) & ~7u;

    for (i = 0; i + 1 < n; i++) {
        next[i] = (uint16_t) (i + 1);
        prev[i + 1] = (uint16_t) i;
        words[i] = genai_bpe_first(v, symbols[i], symbols[i + 1])
                   << GENAI_BPE_PLACE | i;
    }

    next[n - 1] = (uint16_t) n;

    for (i = n - 1; i < nwords; i++) {
        words[i] = UINT32_MAX;
    }

    for (i = 0; i < ntops; i++) {
        tops[i] = (i < nwords / 16) ? genai_bpe_min(words + 16 * i, 16)
                                    : UINT32_MAX;
    }

    for (left = n; left > 1; left--) {
        word = genai_bpe_min(tops, ntops);

        if (word >= GENAI_BPE_NO_PAIR) {
            break;
        }

        i = word & GENAI_BPE_MASK;
        symbol = word >> GENAI_BPE_PLACE;
        j = next[i];
        k = next[j];

        symbols[i] = symbol;
        words[j] = UINT32_MAX;
        next[i] = (uint16_t) k;

        if (k < n) {
            prev[k] = (uint16_t) i;
            words[i] = genai_bpe_pair(v, symbol, symbols[k])
                       << GENAI_BPE_PLACE | i;
        } else {
            words[i] = UINT32_MAX;
        }

        if (i) {
            p = prev[i];
            words[p] = genai_bpe_pair(v, symbols[p], symbol)
                       << GENAI_BPE_PLACE | p;

            if (p / 16 != i / 16) {
                tops[p / 16] = genai_bpe_min(words + (p & ~15u), 16);
            }
        }

        tops[i / 16] = genai_bpe_min(words + (i & ~15u), 16);

        if (j / 16 != i / 16) {
            tops[j / 16] = genai_bpe_min(words + (j & ~15u), 16);
        }
    }

    return left;
}


/* the bits from a place on, and those before it */
#define genai_bpe_from(place)    (~UINT64_C(0) << (place))
#define genai_bpe_before(place)  (~genai_bpe_from(place))


/*
 * The first token from a place on, 63 at most, that two windows have in common,
 * of which these are the borders of all tokens; or 64.
 */

static inline GENAI_BPE_TARGET uint32_t
genai_bpe_common(uint64_t a, uint64_t b, uint32_t from)
{
    uint32_t  s;
    uint64_t  both, x, y;

    for (both = a & b & genai_bpe_from(from); both; both &= both - 1) {
        s = (uint32_t) __builtin_ctzll(both);
        x = a & (genai_bpe_from(s) << 1);
        y = b & (genai_bpe_from(s) << 1);

        if (x && y && __builtin_ctzll(x) == __builtin_ctzll(y)) {
            return s;
        }
    }

    return 64;
}


/* what is known of the windows so far */

typedef struct {
    uint32_t   at;          /* where the last one begins, a symbol's place */
    uint32_t   from;        /* from here on its tokens are taken; this place */
    uint64_t   borders;     /* and these are relative to it */
    uint32_t   limit;
    uint32_t   count;       /* of tokens that end at limit or before, */
    uint32_t   end;         /* where the last one does, */
    int        done;        /* when this is known */
} genai_bpe_sewn_t;


/* takes the tokens of the last window up to a border */

static inline GENAI_BPE_TARGET void
genai_bpe_take(genai_bpe_sewn_t *w, uint32_t to)
{
    uint32_t  left;
    uint64_t  borders;

    if (w->done) {
        return;
    }

    borders = w->borders & genai_bpe_from(w->from);

    if (w->at + to > w->limit) {
        left = w->limit - w->at;
        to = 63 - (uint32_t) __builtin_clzll(borders
                                             & ~(genai_bpe_from(left) << 1));
        w->done = 1;
    }

    w->count += (uint32_t) __builtin_popcountll(borders & genai_bpe_before(to));
    w->end = w->at + to;
}


/*
 * The windows of n symbols, see above.  Counts the tokens that end at limit,
 * a place of a symbol, or before; end gets the place where the last of them
 * ends.  Returns the count, or 0 where windows have nothing in common.
 */

static GENAI_BPE_TARGET uint32_t
genai_bpe_windows(const genai_vocab_t *v, const uint32_t *symbols, uint32_t n,
    uint32_t limit, uint32_t *end)
{
    uint32_t           i, m, s, next;
    uint64_t           borders;
    genai_bpe_lane_t  *l;
    genai_bpe_sewn_t   w;
    genai_bpe_lanes_t  lanes;

    memset(&w, 0, sizeof(w));
    w.limit = limit;

    for (next = 0; next < n; /* void */ ) {

        for (lanes.n = 0; lanes.n < GENAI_BPE_LANES && next < n; lanes.n++) {
            l = &lanes.lanes[lanes.n];
            m = (n - next < GENAI_BPE_FLAT) ? n - next : GENAI_BPE_FLAT;

            memcpy(&l->symbols[1], symbols + next, m * sizeof(uint32_t));
            genai_bpe_lane(v, l, m);

            next = (next + m == n) ? n : next + GENAI_BPE_STRIDE;
        }

        genai_bpe_lanes(v, &lanes);

        for (i = 0; i < lanes.n; i++) {
            l = &lanes.lanes[i];
            borders = l->alive >> 1 | UINT64_C(1) << l->n;

            if (w.borders == 0) {
                w.borders = borders;
                continue;
            }

            s = (w.from > GENAI_BPE_STRIDE) ? w.from - GENAI_BPE_STRIDE : 0;
            s = genai_bpe_common(w.borders >> GENAI_BPE_STRIDE, borders, s);

            if (s == 64) {
                return 0;
            }

            genai_bpe_take(&w, s + GENAI_BPE_STRIDE);

            w.at += GENAI_BPE_STRIDE;
            w.from = s;
            w.borders = borders;
        }
    }

    /* the last border of all is that of the end */

    genai_bpe_take(&w, 63 - (uint32_t) __builtin_clzll(w.borders));
    *end = w.end;

    return w.count;
}


/*
 * A piece of any length up to GENAI_BPE_WINDOW.  Of its tokens those are
 * counted which end at limit, in bytes, or before; used gets the bytes of
 * these.  The first one always is, so that there is no end of the way.
 */

static __attribute__((noinline)) GENAI_BPE_TARGET uint32_t
genai_bpe_merge_long(genai_bpe_t *b, const unsigned char *p, size_t len,
    size_t limit, size_t *used)
{
    uint32_t          i, count, end;
    uint32_t          symbols[GENAI_BPE_SLOTS], words[GENAI_BPE_SLOTS];
    uint32_t          tops[GENAI_BPE_SLOTS / 16];
    uint16_t          next[GENAI_BPE_SLOTS], prev[GENAI_BPE_SLOTS];
    uint16_t          starts[GENAI_BPE_SLOTS + 1];
    genai_bpe_list_t  l = { symbols, words, tops, next, prev, 0 };

    l.n = genai_bpe_symbols(b->vocab, p, len, symbols, starts);

    for (end = l.n; starts[end] > limit; end--) { /* void */ }

    /* a run of one byte may be of tokens as long as a window */

    if (b->sink == NULL && memcmp(p, p + 1, len - 1) != 0) {
        count = genai_bpe_windows(b->vocab, symbols, l.n, end, &end);

        if (count) {
            *used = starts[end];
            return count;
        }
    }

    count = genai_bpe_list(b->vocab, &l);
    end = l.n;

    if (limit < len) {
        count = 0;

        for (i = 0; i < l.n && (i == 0 || starts[next[i]] <= limit);
             i = next[i])
        {
            count++;
        }

        end = i;
    }

    *used = starts[end];

    for (i = 0; b->sink && i < end; i = next[i]) {
        b->sink(b->data, genai_vocab_id(b->vocab, symbols[i]));
    }

    return count;
}
