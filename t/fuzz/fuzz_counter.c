/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of counting: any text, with small vocabularies of all kinds, must
 * have the tokens that the plainest way finds, whether it is there as a whole
 * or comes in pieces, in both editions.  The first byte chooses the
 * vocabulary, the second how the text is fed and in what steps it is counted;
 * the rest is the text.
 *
 *     make fuzz FUZZ_TARGETS=counter
 */


#include "bpe_text.h"
#include "genai_counter.h"


#define VOCABS  24
#define TEXT    3000


#define fuzz_check(cond)                                                      \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);        \
            abort();                                                          \
        }                                                                     \
    } while (0)


static bpe_vocab_t        *sources;
static genai_vocab_t       vocabs[VOCABS];
static genai_bpe_cache_t   cache;
static uint32_t            want[3 * TEXT + 64];
static bpe_ids_t           ids;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const char  *const added[] = {
    "<think>", "</think>", "<", "ab", "abc", "\n\n", "\xe2\x96\x81", "\xc3\xa9"
};

static const genai_split_e  splits[] = {
    GENAI_SPLIT_NONE, GENAI_SPLIT_R50K, GENAI_SPLIT_CL100K, GENAI_SPLIT_O200K,
    GENAI_SPLIT_LLAMA3, GENAI_SPLIT_QWEN2, GENAI_SPLIT_TEKKEN,
    GENAI_SPLIT_DEEPSEEK3
};


static void
begin(void)
{
    char         error[GENAI_VOCAB_ERROR_MAX];
    unsigned     i, j;
    genai_str_t  image;

    sources = calloc(VOCABS, sizeof(bpe_vocab_t));
    fuzz_check(sources != NULL);

    for (i = 0; i < VOCABS; i++) {
        bpe_vocab(&sources[i], (bpe_kind_e) (i % BPE_KINDS), i % 2,
                  10 + 5 * i, BPE_ALPHABET);

        sources[i].source.prefix = i % 4 == 1;
        sources[i].source.nfc = i % 4 == 0;
        sources[i].source.split = (i % 2) ? GENAI_SPLIT_NONE
                                          : splits[i / 2 % 8];
        sources[i].source.whole = i % 6 == 2;

        for (j = 0; i % 3 == 0 && j < 8; j++) {
            (void) bpe_add(&sources[i], (const unsigned char *) added[j],
                           strlen(added[j]), GENAI_TOKEN_ADDED);
        }

        fuzz_check(genai_vocab_build(&sources[i].source, &image, error) == 0);
        fuzz_check(genai_vocab_open(&vocabs[i], image.data, image.len, error)
                   == 0);
    }
}


static void
check(const genai_counter_t *c, const genai_vocab_source_t *s, size_t n)
{
    size_t  i;

    fuzz_check(c->tokens == n && !c->inexact);

    if (c->bpe.sink) {
        fuzz_check(ids.n == n);

        for (i = 0; i < n; i++) {
            fuzz_check(ids.ids[i] == s->tokens[want[i]].id);
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                          rc;
    size_t                       n, at, k, step;
    unsigned                     f;
    genai_str_t                  text, piece;
    genai_counter_t              c;
    const genai_vocab_t         *v;
    const genai_vocab_source_t  *s;

    if (sources == NULL) {
        begin();
    }

    if (size < 2 || size > TEXT) {
        return 0;
    }

    v = &vocabs[data[0] % VOCABS];
    s = &sources[data[0] % VOCABS].source;
    step = 1 + data[1] % 64;

    text.data = (unsigned char *) data + 2;
    text.len = size - 2;
    n = bpe_whole(s, text.data, text.len, want);

    for (f = 0; f < 8; f++) {
        genai_counter_init(&c, v, (f & 1) ? &cache : NULL);
        (void) genai_bpe_use(&c.bpe, (f & 2) ? GENAI_BPE_PORTABLE
                                             : GENAI_BPE_BEST);
        if (data[1] & 128) {
            ids.n = 0;
            genai_counter_ids(&c, bpe_sink, &ids);
        }

        if (f & 4) {
            do {
                rc = genai_counter_text(&c, &text, (data[1] & 64)
                                        ? GENAI_COUNTER_ALL : step);
            } while (rc == GENAI_COUNTER_AGAIN);

            fuzz_check(rc == GENAI_COUNTER_DONE);

        } else {
            for (at = 0; at < text.len; at += k) {
                k = (data[1] & 64) ? 1 + data[at + 2] % step : step;
                k = (k < text.len - at) ? k : text.len - at;
                piece.data = text.data + at;
                piece.len = k;
                fuzz_check(genai_counter_feed(&c, &piece) == 0);
            }

            fuzz_check(genai_counter_end(&c) == 0);
        }

        check(&c, s, n);
        genai_counter_done(&c);
    }

    return 0;
}
