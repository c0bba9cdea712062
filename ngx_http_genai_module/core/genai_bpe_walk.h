/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The engine.  An edition defines, for its processor, and then includes this:
 *
 *     GENAI_BPE_TARGET         the attribute of all functions
 *     GENAI_BPE_EDITION        the name of its genai_bpe_edition_t
 *     genai_bpe_word_way()     which of a bucket's 4 words is this, or -1
 *     genai_bpe_pair()         what two symbols make, or GENAI_VOCAB_NONE, or,
 *                              seldom, what two others make: to be asked of
 *                              genai_vocab_made_of()
 *     genai_bpe_min()          the smallest of n words, n a multiple of 8
 *     genai_bpe_flat()         merges up to GENAI_BPE_FLAT symbols, see there
 */


/* symbols while they are merged, as a list; sizes are those of the caller */

typedef struct {
    uint32_t   *symbols;
    uint32_t   *words;          /* see GENAI_BPE_PLACE; ones to a multiple of
                                   16 */
    uint32_t   *tops;           /* of each 16 words the smallest */
    uint16_t   *next;
    uint16_t   *prev;
    uint32_t    n;
} genai_bpe_list_t;


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


/* what two base symbols make */

static inline GENAI_BPE_TARGET uint32_t
genai_bpe_first(const genai_vocab_t *v, uint32_t left, uint32_t right)
{
    return v->chars ? genai_bpe_pair(v, left, right)
                    : v->byte_pairs[left << 8 | right];
}


/*
 * Merges all that can be merged.  Of the symbols, n at first, those that are
 * left are chained by next[], from 0 to n.  Returns how many these are.
 */

static GENAI_BPE_TARGET uint32_t
genai_bpe_merge(const genai_vocab_t *v, genai_bpe_list_t *l)
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

        if (!genai_vocab_made_of(v, symbol, symbols[i], symbols[j])) {
            words[i] = genai_bpe_exact(v, symbols[i], symbols[j])
                       << GENAI_BPE_PLACE | i;
            tops[i / 16] = genai_bpe_min(words + (i & ~15u), 16);
            left++;
            continue;
        }

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


/* the base symbols of p[0 .. len), at most GENAI_BPE_WINDOW */

static inline GENAI_BPE_TARGET uint32_t
genai_bpe_symbols(const genai_vocab_t *v, const unsigned char *p, size_t len,
    uint32_t *symbols, uint16_t *starts)
{
    size_t  i;

    if (v->chars) {
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


/*
 * A short piece that is no token.  Its symbols have the places from 1 on, as
 * the bits of a word that are set while they are there.
 */

static GENAI_BPE_TARGET uint32_t
genai_bpe_merge_short(genai_bpe_t *b, const unsigned char *p, size_t len)
{
    uint32_t  n, symbols[GENAI_BPE_FLAT + 2];
    uint64_t  alive, bits;

    n = genai_bpe_symbols(b->vocab, p, len, symbols + 1, NULL);
    alive = genai_bpe_flat(b->vocab, symbols, n);

    if (b->sink) {
        for (bits = alive; bits; bits &= bits - 1) {
            b->sink(b->data, genai_vocab_id(b->vocab,
                                            symbols[__builtin_ctzll(bits)]));
        }
    }

    return (uint32_t) __builtin_popcountll(alive);
}


/*
 * A long one, or a window of it: of the tokens, those are counted which end
 * before limit, or all, with a limit of len.  used gets the bytes of these.
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
    count = genai_bpe_merge(b->vocab, &l);

    end = l.n;

    if (limit < len) {
        count = 0;

        for (i = 0; i < l.n; i = next[i]) {

            /* the first one always, so that there is no end of the way */

            if (starts[next[i]] > limit && i) {
                break;
            }

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


/* a piece that is no token */

static GENAI_BPE_TARGET uint32_t
genai_bpe_piece(genai_bpe_t *b, const unsigned char *p, size_t len,
    const unsigned char *limit)
{
    size_t              used;
    uint32_t            count, vocab;
    uint64_t            key[3], hash;
    genai_bpe_entry_t  *e;

    b->budget -= (int64_t) len * GENAI_BPE_WORK_BYTE;

    if (len > GENAI_BPE_FLAT) {
        return genai_bpe_merge_long(b, p, len, len, &used);
    }

    if (len > GENAI_BPE_CACHE_KEY || b->cache == NULL || b->sink) {
        return genai_bpe_merge_short(b, p, len);
    }

    key[2] = 0;

    if (len <= 15) {
        genai_bpe_load(p, len, limit, &key[0], &key[1]);

    } else if (len <= 16) {
        memcpy(key, p, 16);

    } else {
        memcpy(key, p, 16);
        memcpy(&key[2], p + len - 8, 8);
        key[2] >>= 8 * (24 - len);
    }

    vocab = (uint32_t) b->vocab->checksum;
    hash = genai_vocab_mix(key[0] ^ GENAI_VOCAB_HASH_A ^ b->vocab->checksum,
                           key[1] ^ key[2] * GENAI_VOCAB_HASH_B ^ len);

    /* two entries in a line, the first being the one used last */

    e = &b->cache->entries[(hash >> 32) % (GENAI_BPE_CACHE / 2) * 2];

    if (e[0].key[0] == key[0] && e[0].key[1] == key[1]
        && e[0].key[2] == key[2] && e[0].len == len && e[0].vocab == vocab
        && e[0].count)
    {
        return e[0].count;
    }

    if (e[1].key[0] == key[0] && e[1].key[1] == key[1]
        && e[1].key[2] == key[2] && e[1].len == len && e[1].vocab == vocab
        && e[1].count)
    {
        genai_bpe_entry_t  found = e[1];

        e[1] = e[0];
        e[0] = found;

        return found.count;
    }

    count = genai_bpe_merge_short(b, p, len);

    e[1] = e[0];
    e[0].key[0] = key[0];
    e[0].key[1] = key[1];
    e[0].key[2] = key[2];
    e[0].vocab = vocab;
    e[0].len = (uint16_t) len;
    e[0].count = (uint16_t) count;

    return count;
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

    v = b->vocab;
    limit = text->data + text->len;

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
            s = genai_bpe_string(v, p, len);

            if (s) {
                b->sink(b->data, s->id);
                b->tokens++;
                continue;
            }
        }

        b->tokens += genai_bpe_piece(b, p, len, limit);
    }

    return i;
}


static GENAI_BPE_TARGET size_t
genai_bpe_run(genai_bpe_t *b, const genai_str_t *text, size_t start,
    const uint32_t *ends, size_t n)
{
    size_t                 i, j, k, len, at, nmissed;
    uint64_t               low[GENAI_BPE_BATCH], high[GENAI_BPE_BATCH];
    uint32_t               buckets[GENAI_BPE_BATCH];
    uint32_t               missed[GENAI_BPE_BATCH + 1];
    const unsigned char   *p, *data, *limit;
    const genai_vocab_t   *v;

    if (b->sink) {
        return genai_bpe_each(b, text, start, ends, n);
    }

    v = b->vocab;
    data = text->data;
    limit = data + text->len;

    for (i = 0; i < n && b->budget > 0; i += k) {

        /* keys and buckets first, so that the lines are on their way */

        nmissed = 0;
        at = start;

        for (k = 0; k < GENAI_BPE_BATCH && i + k < n
                    && at - start < GENAI_BPE_STEP; k++)
        {
            p = data + at;
            len = ends[i + k] - at;

            if (len <= GENAI_VOCAB_WORD) {
                genai_bpe_load(p, len, limit, &low[k], &high[k]);
                buckets[k] = genai_vocab_bucket(
                                      genai_vocab_hash_word(low[k], high[k]),
                                      v->word_buckets);
                __builtin_prefetch(v->words
                                   + (size_t) buckets[k] * GENAI_VOCAB_WAYS);

            } else if (len <= GENAI_BPE_LONG) {
                high[k] = 0;

            } else {
                break;
            }

            at = ends[i + k];
        }

        if (k == 0) {
            break;
        }

        at = start;

        for (j = 0; j < k; j++) {
            missed[nmissed] = (uint32_t) j;

            if (high[j]) {
                nmissed += genai_bpe_word(v, low[j], high[j], buckets[j]) < 0;

            } else {
                at = (i + j) ? ends[i + j - 1] : start;
                len = ends[i + j] - at;
                nmissed += len > v->max_len
                           || genai_bpe_string(v, data + at, len) == NULL;
            }
        }

        b->tokens += k - nmissed;
        b->budget -= (int64_t) k * GENAI_BPE_WORK_PIECE;

        for (j = 0; j < nmissed; j++) {
            at = missed[j] ? ends[i + missed[j] - 1] : start;
            b->tokens += genai_bpe_piece(b, data + at,
                                         ends[i + missed[j]] - at, limit);
        }

        start = ends[i + k - 1];
    }

    return i;
}


static GENAI_BPE_TARGET size_t
genai_bpe_walk_window(genai_bpe_t *b, const genai_str_t *rest, int last)
{
    size_t                len, limit, used;
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

    b->budget -= (int64_t) len * GENAI_BPE_WORK_BYTE;
    b->tokens += genai_bpe_merge_long(b, rest->data, len, limit, &used);

    return used;
}


const genai_bpe_edition_t  GENAI_BPE_EDITION = {
    genai_bpe_run,
    genai_bpe_walk_window
};
