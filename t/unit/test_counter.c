/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Counting of texts, against one step after the other on all of it: whole
 * and in steps, fed in pieces cut anywhere, with added tokens, normalization,
 * all ways of cutting, and what is not UTF-8.
 */


#include "tap.h"
#include "bpe_text.h"
#include "genai_counter.h"


#define VOCABS  120
#define TEXTS   30
#define SIZE    4000


static bpe_vocab_t         vocab;
static genai_bpe_cache_t   cache;
static unsigned char       text[SIZE + 16];
static uint32_t            want[3 * SIZE + 64];
static bpe_ids_t           ids;


/* what texts are made of, besides letters */

static const char  *const odd[] = {
    "\xe2\x96\x81",             /* U+2581 */
    "e\xcc\x81", "\xcc\x81\xcc\xa3", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8",
    "<think>", "<thi", "<", "<x", "</think>", "\n\n", "abca", "\xff",
    "\xe4\xbd", "\xf0\x9f\x98", "\xc3", "\x80", "\xed\xa0\x80", "\xc0\x80",
    "\xf4\x90\x80\x80", "1234", "  ", "'s", "!?", "\t", "Abc", "\0x"
};

static const char  *const added[] = {
    "<think>", "</think>", "<", "<x>", "ab", "abc", "\n\n", "\n\n\n",
    "\xe2\x96\x81\xe2\x96\x81", "\xe4\xbd\xa0\xe4\xbd\xa0", "1", "'s"
};

static const genai_split_e  splits[] = {
    GENAI_SPLIT_NONE, GENAI_SPLIT_R50K, GENAI_SPLIT_CL100K, GENAI_SPLIT_O200K,
    GENAI_SPLIT_LLAMA3, GENAI_SPLIT_QWEN2, GENAI_SPLIT_TEKKEN,
    GENAI_SPLIT_DEEPSEEK3
};


static size_t
random_text(size_t size, unsigned nchars)
{
    size_t       n, len;
    const char  *s;

    len = 0;

    while (len < size) {

        if (bpe_random(6)) {
            len += bpe_text(text + len, 2 + bpe_random((unsigned)
                            (size - len < 40 ? size - len : 40)), nchars);

        } else {
            s = odd[bpe_random(sizeof(odd) / sizeof(odd[0]))];
            n = s[0] ? strlen(s) : 1;
            memcpy(text + len, s, n);
            len += n;
        }

        if (bpe_random(20) == 0) {
            break;
        }
    }

    return len;
}


static int
same_ids(size_t n)
{
    size_t  i;

    if (ids.n != n) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (ids.ids[i] != vocab.source.tokens[want[i]].id) {
            return 0;
        }
    }

    return 1;
}


static void
begin(genai_counter_t *c, const genai_vocab_t *v, int flags)
{
    genai_counter_init(c, v, (flags & 1) ? &cache : NULL);

    if (flags & 2) {
        ids.n = 0;
        genai_counter_ids(c, bpe_sink, &ids);
    }

    if (flags & 4) {
        (void) genai_bpe_use(&c->bpe, GENAI_BPE_PORTABLE);
    }
}


static void
end(genai_counter_t *c, const char *how, size_t len, size_t n, int flags)
{
    if (!quiet_ok(c->tokens == n && !c->inexact, "%s: %lu bytes are %lu tokens,"
                  " not %lu; flags %d, inexact %d", how, (unsigned long) len,
                  (unsigned long) n, (unsigned long) c->tokens, flags,
                  c->inexact))
    {
        tap_dump("text", text, len);
    }

    if (flags & 2) {
        quiet_ok(same_ids(n), "%s: ids", how);
    }

    genai_counter_done(c);
}


/* what a stream's counter says on the way is what its text has */

static void
now(const genai_counter_t *c, const unsigned char *p, size_t len)
{
    uint64_t         tokens;
    genai_str_t      s;
    genai_counter_t  other;

    s.data = (unsigned char *) p;
    s.len = len;

    genai_counter_init(&other, c->bpe.vocab, NULL);
    quiet_ok(genai_counter_feed(&other, &s) == 0
             && genai_counter_end(&other) == 0, "a part is counted");

    quiet_ok(genai_counter_now(c, &tokens) == 0, "it is told on the way");
    quiet_ok(tokens == other.tokens || c->inexact || other.inexact,
             "after %lu bytes: %lu tokens, not %lu", (unsigned long) len,
             (unsigned long) tokens, (unsigned long) other.tokens);

    /* but for what becomes other bytes: half a character is U+FFFD */

    quiet_ok(c->bpe.vocab->chars || c->bpe.vocab->nfc
             || tokens <= c->tokens + genai_counter_pending(c) + 2,
             "a token is a byte at least");

    genai_counter_done(&other);
}


static void
check(const genai_vocab_t *v, size_t len)
{
    int              f, rc, steps;
    size_t           n, at, k, most;
    genai_str_t      s, piece;
    unsigned char   *copy;
    genai_counter_t  c;

    n = bpe_whole(&vocab.source, text, len, want);

    /* where a byte too many is seen */

    copy = malloc(len + 1);

    if (copy == NULL) {
        abort();
    }

    memcpy(copy, text, len);
    copy = realloc(copy, len ? len : 1);

    if (copy == NULL) {
        abort();
    }

    s.data = copy;
    s.len = len;

    for (f = 0; f < 8; f++) {
        begin(&c, v, f);
        rc = genai_counter_text(&c, &s, GENAI_COUNTER_ALL);
        quiet_ok(rc == GENAI_COUNTER_DONE, "it is done at once");
        end(&c, "whole", len, n, f);

        begin(&c, v, f);
        k = 1 + bpe_random(200);
        steps = 0;

        do {
            rc = genai_counter_text(&c, &s, k);
        } while (rc == GENAI_COUNTER_AGAIN && ++steps < 1000000);

        quiet_ok(rc == GENAI_COUNTER_DONE && (steps || len < 1000 || k > 50),
                 "it is done in %d steps", steps);
        end(&c, "steps", len, n, f);

        begin(&c, v, f);
        most = 1 + bpe_random(bpe_random(3) ? 8 : 200);

        for (at = 0; at < len; at += k) {
            k = bpe_random((unsigned) most + 1);
            k = (k < len - at) ? k : len - at;

            /* pieces lie somewhere else each */

            piece.data = malloc(k + 1);
            piece.len = k;

            if (piece.data == NULL) {
                abort();
            }

            memcpy(piece.data, copy + at, k);
            quiet_ok(genai_counter_feed(&c, &piece) == 0, "it is fed");
            free(piece.data);

            if (bpe_random(100) == 0) {
                now(&c, copy, at + k);
            }
        }

        quiet_ok(genai_counter_end(&c) == 0, "it ends");
        end(&c, "fed", len, n, f);
    }

    free(copy);
}


static void
test_random(void)
{
    int            chars;
    char           error[GENAI_VOCAB_ERROR_MAX];
    unsigned       i, j, n, nchars;
    genai_str_t    image;
    genai_vocab_t  v;

    for (i = 0; i < VOCABS; i++) {
        chars = i % 3 == 0;
        nchars = 2 + bpe_random(BPE_ALPHABET - 1);

        bpe_vocab(&vocab, (bpe_kind_e) bpe_random(BPE_KINDS), chars,
                  4 + bpe_random(120), nchars);

        if (chars) {
            vocab.source.prefix = bpe_random(2);
            vocab.source.split = bpe_random(4) ? GENAI_SPLIT_NONE
                                               : GENAI_SPLIT_CL100K;

        } else {
            vocab.source.nfc = bpe_random(2);
            vocab.source.split = splits[bpe_random(sizeof(splits)
                                                   / sizeof(splits[0]))];
            vocab.source.whole = bpe_random(3) == 0;
        }

        for (j = bpe_random(2) ? bpe_random(8) : 0; j; j--) {
            n = bpe_random(sizeof(added) / sizeof(added[0]));
            (void) bpe_add(&vocab, (const unsigned char *) added[n],
                           strlen(added[n]), GENAI_TOKEN_ADDED);
        }

        if (genai_vocab_build(&vocab.source, &image, error) != 0
            || genai_vocab_open(&v, image.data, image.len, error) != 0)
        {
            fail("a vocabulary: %s", error);
            continue;
        }

        for (j = 0; j < TEXTS; j++) {
            check(&v, random_text(1 + bpe_random(j == 0 ? SIZE - 100 : 200),
                                  nchars));
        }

        check(&v, 0);
        free(image.data);
    }

    pass("random vocabularies and texts");
}


/* pieces above all limits */

static void
test_long(void)
{
    char             error[GENAI_VOCAB_ERROR_MAX];
    size_t           i, n, len;
    unsigned         k;
    genai_str_t      image, s, piece;
    genai_vocab_t    v;
    genai_counter_t  c;

    len = 300000;
    s.len = len;
    s.data = malloc(len);

    if (s.data == NULL) {
        abort();
    }

    for (k = 0; k < 2; k++) {

        /* "a", "aa", "aaaa" and so on: n of them are n / 64 tokens */

        bpe_vocab(&vocab, BPE_TRAINED, 0, 0, 2);
        vocab.source.split = k ? GENAI_SPLIT_CL100K : GENAI_SPLIT_NONE;
        memset(text, 'a', 64);

        for (i = 2; i <= 64; i *= 2) {
            (void) bpe_add(&vocab, text, i, GENAI_TOKEN_NORMAL);
        }

        if (genai_vocab_build(&vocab.source, &image, error) != 0
            || genai_vocab_open(&v, image.data, image.len, error) != 0)
        {
            fail("a vocabulary: %s", error);
            break;
        }

        memset(s.data, 'a', len);
        s.len = 64 * 4000 + 7;

        genai_counter_init(&c, &v, &cache);
        n = 0;

        while (genai_counter_text(&c, &s, 1000) == GENAI_COUNTER_AGAIN) {
            n++;
        }

        is_int(c.tokens, 4003, "a long piece, whole");
        ok(!c.inexact && c.tail.data == NULL, "it is exact, in place");
        ok(n > 10, "in %lu steps", (unsigned long) n);
        genai_counter_done(&c);

        genai_counter_init(&c, &v, &cache);
        piece.data = s.data;
        piece.len = 1000;

        for (i = 0; i < s.len; i += piece.len) {
            piece.len = (s.len - i < 1000) ? s.len - i : 1000;
            (void) genai_counter_feed(&c, &piece);
        }

        ok(c.tail.size <= 2 * (GENAI_COUNTER_TAIL + 4096), "a tail of %lu",
           (unsigned long) c.tail.size);
        (void) genai_counter_end(&c);

        is_int(c.tokens, 4003, "fed");
        is_int(c.inexact, 0, "it is exact");
        genai_counter_done(&c);

        /* nobody knows how far a piece reaches that may end behind an "\n" */

        s.data[0] = '\n';
        memset(s.data + 1, ' ', s.len - 1);
        genai_counter_init(&c, &v, &cache);

        for (i = 0; i < s.len; i += piece.len) {
            piece.data = s.data + i;
            piece.len = (s.len - i < 1000) ? s.len - i : 1000;
            (void) genai_counter_feed(&c, &piece);
        }

        ok(c.tail.size <= 2 * (GENAI_COUNTER_TAIL + 4096), "a tail of %lu",
           (unsigned long) c.tail.size);
        (void) genai_counter_end(&c);

        is_int(c.tokens, (long) s.len, "what may end far before");
        is_int(c.inexact, k, "it is exact where nothing is cut");
        genai_counter_done(&c);

        memset(s.data, 'a', len);

        /* an 0xff is U+FFFD, so that all behind it is copied */

        s.data[100000] = 0xff;
        genai_counter_init(&c, &v, &cache);

        while (genai_counter_text(&c, &s, 1000) == GENAI_COUNTER_AGAIN) {
            /* void */
        }

        is_int(c.tokens, 100000 / 64 + 1 + 3 + (156006 / 64) + 3,
               "a long piece that is copied");
        is_int(c.inexact, 0, "it is exact");
        genai_counter_done(&c);

        free(image.data);
    }

    free(s.data);
}


/* what is merged of pieces that are there as a whole, and in one go */

static uint64_t
runs_tokens(const genai_vocab_t *v, const unsigned char *p, size_t len)
{
    size_t          n, end, at;
    uint32_t        first;
    genai_bpe_t     b;
    genai_str_t     s, rest;
    unsigned char  *normal;

    normal = malloc(genai_nfc_bound(len) + 1);

    if (normal == NULL) {
        abort();
    }

    s.data = (unsigned char *) p;
    s.len = len;

    if (v->nfc) {
        s.len = genai_nfc_write(normal, &s);
        s.data = normal;
    }

    genai_bpe_init(&b, v, NULL);

    for (at = 0; at < s.len; at += end) {
        rest.data = s.data + at;
        rest.len = s.len - at;

        if (genai_split(v->split, NULL, &rest, 1, &first, 1) != 1) {
            abort();
        }

        end = first;
        rest.len = end;

        if (end <= GENAI_BPE_LONG) {
            (void) genai_bpe_pieces(&b, &rest, 0, &first, 1);
            continue;
        }

        for (n = 0; rest.len; rest.len -= n) {
            n = genai_bpe_window(&b, &rest, 1);
            rest.data += n;
        }
    }

    free(normal);

    return b.tokens;
}


/* runs of all kinds, in any steps and cut anywhere */

static void
runs_check(const genai_vocab_t *v, const unsigned char *p, size_t len)
{
    int              rc, f;
    size_t           at, k, most;
    uint64_t         want;
    genai_str_t      s, piece;
    genai_counter_t  c;

    want = runs_tokens(v, p, len);
    s.data = (unsigned char *) p;
    s.len = len;

    for (f = 0; f < 4; f++) {

        begin(&c, v, f & 1);
        (void) genai_bpe_use(&c.bpe, (f & 2) ? GENAI_BPE_PORTABLE
                                             : GENAI_BPE_BEST);
        most = 1 + bpe_random(bpe_random(2) ? 500 : 20000);

        do {
            rc = genai_counter_text(&c, &s, 1 + bpe_random((unsigned) most));
        } while (rc == GENAI_COUNTER_AGAIN);

        quiet_ok(rc == GENAI_COUNTER_DONE && c.tokens == want && !c.inexact,
                 "%s, run of %lu, in steps: %lu, not %lu",
                 genai_split_name(v->split), (unsigned long) len,
                 (unsigned long) c.tokens, (unsigned long) want);
        genai_counter_done(&c);

        begin(&c, v, f & 1);
        (void) genai_bpe_use(&c.bpe, (f & 2) ? GENAI_BPE_PORTABLE
                                             : GENAI_BPE_BEST);
        most = 1 + bpe_random(bpe_random(2) ? 500 : 20000);

        for (at = 0; at < len; at += k) {
            k = 1 + bpe_random((unsigned) most);
            k = (k < len - at) ? k : len - at;

            piece.data = (unsigned char *) p + at;
            piece.len = k;
            quiet_ok(genai_counter_feed(&c, &piece) == 0, "a run is fed");
            quiet_ok(genai_counter_pending(&c) <= GENAI_COUNTER_TAIL + 8192,
                     "%lu bytes are kept",
                     (unsigned long) genai_counter_pending(&c));

            if (bpe_random(20) == 0) {
                now(&c, p, at + k);
            }
        }

        quiet_ok(genai_counter_end(&c) == 0 && (c.inexact || c.tokens == want),
                 "%s, run of %lu, fed: %lu, not %lu",
                 genai_split_name(v->split), (unsigned long) len,
                 (unsigned long) c.tokens, (unsigned long) want);
        genai_counter_done(&c);
    }
}


static void
test_runs(void)
{
    char            error[GENAI_VOCAB_ERROR_MAX];
    size_t          len, n, k, times;
    unsigned        i, j, parts;
    genai_str_t     image;
    genai_vocab_t   v;
    unsigned char  *p;

    static const char *const  units[] = {
        "a", "b", "ab", "abc", "A", "AB", "\n", " ", "\t", " \n", "\r\n", "!",
        "/", "/\n", "\xe4\xb8\xad", "\xcc\x81", "\xcc\xa3\xcc\x81",
        "\xe2\x80\x8d", "\xe1\x85\xa1", "\xe1\x84\x80\xe1\x85\xa1", "'",
        "aA", "\xe4\xb8\xad" "B", "\xc2\xa0", "\x01", "1", "'s", "e\xcc\x81"
    };

    p = malloc(200000);

    if (p == NULL) {
        abort();
    }

    for (i = 0; i < 28; i++) {
        bpe_vocab(&vocab, (bpe_kind_e) bpe_random(BPE_KINDS), 0,
                  4 + bpe_random(120), 2 + bpe_random(BPE_ALPHABET - 1));
        vocab.source.nfc = bpe_random(2);
        vocab.source.split = splits[1 + i % (sizeof(splits)
                                             / sizeof(splits[0]) - 1)];

        if (genai_vocab_build(&vocab.source, &image, error) != 0
            || genai_vocab_open(&v, image.data, image.len, error) != 0)
        {
            fail("a vocabulary: %s", error);
            continue;
        }

        for (j = 0; j < 3; j++) {
            len = 0;

            for (parts = 1 + bpe_random(4); parts; parts--) {
                const char  *unit;

                unit = units[bpe_random(sizeof(units) / sizeof(units[0]))];
                n = strlen(unit);
                times = 1 + bpe_random(bpe_random(2) ? 3 : 4000);

                for (k = 0; k < times; k++) {
                    memcpy(p + len, unit, n);
                    len += n;
                }

                if (bpe_random(3) == 0) {
                    len += bpe_text(p + len, 5000, 2 + bpe_random(8));
                }
            }

            runs_check(&v, p, len);
        }

        free(image.data);
    }

    free(p);
    pass("runs of all kinds");
}


int
main(void)
{
    test_random();
    test_runs();
    test_long();

    free(ids.ids);

    return done_testing();
}
