/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Merging, against the plainest way of it, with random vocabularies: trained
 * ones, ranks of any order, merges of any order, bytes and characters; short
 * pieces, long ones in windows, both editions, with and without the cache.
 */


#include "tap.h"
#include "bpe.h"
#include "genai_bpe.h"


#define VOCABS  90
#define TEXTS   40
#define LONG    6000


static bpe_vocab_t         vocab;
static genai_bpe_cache_t   cache;
static unsigned char       text[LONG + 1];
static uint32_t            naive[LONG + 1];
static size_t              ends[LONG + 1];
static bpe_ids_t           ids;


static const char *const kinds[] = { "trained", "ranks", "merges" };


/* all of a piece through the engine, at most step bytes visible at a time */

static uint64_t
count(const genai_vocab_t *v, genai_bpe_edition_e edition, int flags,
    size_t len, size_t step)
{
    int          last;
    size_t       at, used, n;
    uint32_t     end;
    genai_str_t  all, rest;
    genai_bpe_t  b;

    genai_bpe_init(&b, v, (flags & 1) ? &cache : NULL);

    if (genai_bpe_use(&b, edition) != 0) {
        return UINT64_MAX;
    }

    if (flags & 2) {
        ids.n = 0;
        b.sink = bpe_sink;
        b.data = &ids;
    }

    if (step == 0) {
        all.data = text;
        all.len = len;
        end = (uint32_t) len;
        n = genai_bpe_pieces(&b, &all, 0, &end, 1);

        if (len > GENAI_BPE_LONG) {
            quiet_ok(n == 0 && b.tokens == 0, "a long piece is left");
            step = SIZE_MAX;

        } else {
            quiet_ok(n == 1, "a short piece is taken");
            return b.tokens;
        }
    }

    n = step;

    for (at = 0; at < len; at += used) {
        last = (n >= len - at);
        rest.data = text + at;
        rest.len = last ? len - at : n;

        used = genai_bpe_window(&b, &rest, last);

        if (used == 0 && (last || rest.len > GENAI_BPE_WINDOW)) {
            fail("a window without progress");
            break;
        }

        n = used ? step : n + step;
    }

    return b.tokens;
}


static int
same_ids(const genai_vocab_source_t *s, size_t n)
{
    size_t  i;

    if (ids.n != n) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (ids.ids[i] != s->tokens[naive[i]].id) {
            return 0;
        }
    }

    return 1;
}


static void
check_text(const genai_vocab_t *v, const char *what, size_t len, size_t step)
{
    int     e, f;
    size_t  n;

    n = bpe_naive(&vocab.source, text, len, naive, ends);

    for (e = GENAI_BPE_AVX2; e <= GENAI_BPE_PORTABLE; e++) {
        for (f = 0; f < 4; f++) {
            uint64_t  got = count(v, (genai_bpe_edition_e) e, f, len, step);

            if (got == UINT64_MAX) {
                continue;
            }

            if (!quiet_ok(got == n, "%s: %lu bytes are %lu tokens, not %lu,"
                          " edition %d, flags %d", what, (unsigned long) len,
                          (unsigned long) n, (unsigned long) got, e, f))
            {
                diag("%.*s", (int) (len > 300 ? 300 : len), text);
            }

            if (f & 2) {
                quiet_ok(same_ids(&vocab.source, n), "%s: ids", what);
            }
        }
    }
}


/* tokens that end by the horizon before a cut are those of the whole */

static void
check_horizon(const genai_vocab_t *v, const char *what, size_t len)
{
    int              bad;
    size_t           i, j, n, m, cut;
    static uint32_t  part[LONG + 1];
    static size_t    part_ends[LONG + 1];

    n = bpe_naive(&vocab.source, text, len, naive, ends);

    for (i = 0; i < 20 && len > 1; i++) {
        cut = 1 + bpe_random((unsigned) len - 1);

        while (v->chars && (text[cut] & 0xc0) == 0x80) {
            cut--;
        }

        if (cut == 0) {
            continue;
        }

        m = bpe_naive(&vocab.source, text, cut, part, part_ends);
        bad = 0;

        for (j = 0; j < m && part_ends[j] + v->horizon <= cut; j++) {
            bad |= (j >= n || part[j] != naive[j] || part_ends[j] != ends[j]);
        }

        quiet_ok(!bad, "%s: a horizon of %u bytes", what, v->horizon);
    }
}


static void
test_random(void)
{
    int            chars;
    char           error[GENAI_VOCAB_ERROR_MAX];
    size_t         len;
    unsigned       i, j, kind, nchars, horizon;
    genai_str_t    image;
    genai_vocab_t  v;

    horizon = 0;

    for (i = 0; i < VOCABS; i++) {
        kind = i % BPE_KINDS;
        chars = i / BPE_KINDS % 2;
        nchars = 2 + bpe_random(BPE_ALPHABET - 1);

        bpe_vocab(&vocab, (bpe_kind_e) kind, chars, 4 + bpe_random(120),
                  nchars);
        vocab.source.whole = (i / 6 % 3 == 0);

        if (genai_vocab_build(&vocab.source, &image, error) != 0) {
            fail("%s %d: %s", kinds[kind], chars, error);
            continue;
        }

        if (!quiet_ok(genai_vocab_open(&v, image.data, image.len, error) == 0,
                      "it is opened"))
        {
            diag("%s", error);
        }

        quiet_ok(genai_vocab_verify(&v, error) == 0, "it is right");

        horizon = (v.horizon > horizon) ? v.horizon : horizon;

        for (j = 0; j < TEXTS; j++) {
            len = bpe_text(text, 2 + bpe_random(j < 35 ? 60 : 600), nchars);

            if (len) {
                check_text(&v, kinds[kind], len, 0);
                check_horizon(&v, kinds[kind], len);
            }
        }

        if (i % 10 < 3) {
            vocab.source.whole = 0;
            len = bpe_text(text, LONG, nchars);
            check_text(&v, kinds[kind], len, 0);
            check_text(&v, kinds[kind], len, 1 + bpe_random(3000));
        }

        free(image.data);
    }

    ok(horizon > 0, "horizons up to %u bytes", horizon);
}


int
main(void)
{
    test_random();

    free(ids.ids);

    return done_testing();
}
