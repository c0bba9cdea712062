/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Compiled vocabularies: what is refused when one is opened or made, and that
 * counting with one that is damaged does nothing worse than miscount.
 */


#include "tap.h"
#include "bpe_text.h"
#include "genai_counter.h"


static bpe_vocab_t    vocab;
static char           error[GENAI_VOCAB_ERROR_MAX];
static unsigned char  text[8192];


static genai_str_t
image_of(bpe_kind_e kind, int chars)
{
    genai_str_t  image;

    bpe_vocab(&vocab, kind, chars, 120, BPE_ALPHABET);
    (void) bpe_add(&vocab, (const unsigned char *) "<think>", 7,
                   GENAI_TOKEN_ADDED);
    (void) bpe_add(&vocab, (const unsigned char *) "<t", 2,
                   GENAI_TOKEN_ADDED);
    vocab.source.split = chars ? GENAI_SPLIT_NONE : GENAI_SPLIT_CL100K;

    if (genai_vocab_build(&vocab.source, &image, error) != 0) {
        fail("a vocabulary: %s", error);
        exit(1);
    }

    return image;
}


/* a copy of n bytes, aligned, behind which nothing may be read */

static unsigned char *
copy_of(const genai_str_t *image, size_t n)
{
    unsigned char  *p;

    p = aligned_alloc(GENAI_VOCAB_ALIGN,
                      (n + GENAI_VOCAB_ALIGN) & ~(GENAI_VOCAB_ALIGN - 1ul));
    if (p == NULL) {
        abort();
    }

    memcpy(p, image->data, n < image->len ? n : image->len);

    return p;
}


static const char *
opened(const unsigned char *p, size_t len)
{
    genai_vocab_t  v;

    error[0] = '\0';

    return genai_vocab_open(&v, p, len, error) == 0 ? "" : error;
}


/* all kinds of lookups */

static uint64_t
count_all(const genai_vocab_t *v)
{
    size_t           i, len;
    uint64_t         n, seed;
    genai_str_t      s;
    bpe_ids_t        ids;
    genai_counter_t  c;

    n = 0;
    seed = bpe_seed;
    bpe_seed = 7;
    memset(&ids, 0, sizeof(ids));

    for (i = 0; i < 6; i++) {
        len = bpe_text(text, i < 5 ? 300 : 6000, BPE_ALPHABET);
        memcpy(text + len / 2, "<think><t", 9);
        s.data = text;
        s.len = len;

        genai_counter_init(&c, v, NULL);
        (void) genai_counter_text(&c, &s, GENAI_COUNTER_ALL);
        n += c.tokens;
        genai_counter_done(&c);

        genai_counter_init(&c, v, NULL);
        genai_counter_ids(&c, bpe_sink, &ids);
        (void) genai_bpe_use(&c.bpe, GENAI_BPE_PORTABLE);
        (void) genai_counter_feed(&c, &s);
        (void) genai_counter_end(&c);
        n += c.tokens;
        genai_counter_done(&c);
    }

    free(ids.ids);
    bpe_seed = seed;

    return n;
}


static void
test_open(void)
{
    size_t                 i, n;
    genai_str_t            image;
    genai_vocab_t          v;
    unsigned char         *p;
    genai_vocab_header_t  *h;

    image = image_of(BPE_TRAINED, 0);
    h = (genai_vocab_header_t *) image.data;

    is_str(opened(image.data, image.len), "", "it is opened");
    (void) genai_vocab_open(&v, image.data, image.len, error);
    is_int(genai_vocab_verify(&v, error), 0, "and verified");
    is_text(v.name, "random", "its name");
    is_int(v.split, GENAI_SPLIT_CL100K, "its way of cutting");
    ok(v.added && !v.chars && !v.nfc && !v.prefix && v.joints == NULL,
       "its flags");
    ok(v.ntokens > 256 && v.ntokens <= vocab.source.ntokens
       && v.nbase == 256 && v.nsymbols > 256, "its tokens");
    is_int(genai_vocab_id(&v, 'a'), 10000 + 'a', "the id of a byte");
    is_int(genai_vocab_id(&v, v.nsymbols), GENAI_VOCAB_NONE, "of none");

    p = copy_of(&image, image.len + 1);

    is_str(opened(p, 0), "this is not a compiled vocabulary", "nothing");
    is_str(opened(p, 100), "the vocabulary is truncated", "the first bytes");
    is_str(opened(p + 1, image.len - 1), "the vocabulary is not aligned",
           "not aligned");

    for (i = 0; i < 200; i++) {
        n = sizeof(genai_vocab_header_t)
            + bpe_random((unsigned) (image.len
                                     - sizeof(genai_vocab_header_t)));
        quiet_ok(strncmp(opened(p, n), "the vocabulary is truncated:", 28)
                 == 0, "%s", error);
    }

    ok(strncmp(opened(p, image.len + 1), "the vocabulary is followed by", 29)
       == 0, "something behind it: %s", error);
    free(p);

    memcpy(h->magic, "{\"versio", 8);
    is_str(opened(image.data, image.len), "this is not a compiled vocabulary",
           "another file");
    memcpy(h->magic, GENAI_VOCAB_MAGIC, 8);

    h->version = 77;
    is_str(opened(image.data, image.len), "the vocabulary is of version 77,"
           " and not of 4: compile it again", "another version");
    h->version = GENAI_VOCAB_VERSION;

    h->order = 0x04030201;
    is_str(opened(image.data, image.len), "the vocabulary was compiled for"
           " another byte order", "another byte order");
    h->order = 0x01020304;

    for (i = 0; i < 8 * sizeof(genai_vocab_header_t); i++) {
        image.data[i / 8] ^= 1 << i % 8;
        quiet_ok(opened(image.data, image.len)[0] != '\0',
                 "bit %lu of the header", (unsigned long) i);
        image.data[i / 8] ^= 1 << i % 8;
    }

    is_str(opened(image.data, image.len), "", "it is whole again");
    free(image.data);
}


/* headers with a right checksum, and numbers that are not */

static void
test_header(void)
{
    size_t                i, refused;
    uint32_t              old, new;
    genai_str_t           image;
    genai_vocab_t         v;
    unsigned char        *p;
    genai_vocab_header_t  *h;

    static const uint32_t  values[] = {
        0, 1, 255, 256, 1023, 65536, 0xfffff, 0x7fffffff, 0x80000000,
        0xffffffff
    };

    image = image_of(BPE_TRAINED, 0);
    p = copy_of(&image, image.len);
    h = (genai_vocab_header_t *) p;
    refused = 0;

    for (i = 0; i < 8000; i++) {
        size_t  at = 16 + 4 * bpe_random((sizeof(*h) - 16) / 4);

        memcpy(&old, p + at, 4);
        new = bpe_random(2) ? values[bpe_random(10)]
                            : old + bpe_random(129) - 64;
        memcpy(p + at, &new, 4);

        h->checksum = 0;
        h->checksum = genai_vocab_checksum(h, sizeof(*h));

        if (opened(p, image.len)[0] == '\0') {
            (void) genai_vocab_open(&v, p, image.len, error);

            if (bpe_random(8) == 0) {
                (void) count_all(&v);
            }

        } else {
            refused++;
        }

        memcpy(p, image.data, sizeof(*h));
    }

    ok(refused > 4000, "impossible headers: %lu of 8000 are refused",
       (unsigned long) refused);

    free(p);
    free(image.data);
}


static void
test_damage(void)
{
    int             chars;
    size_t          i, j, at, n, sections, wrong;
    uint64_t        want;
    genai_str_t     image;
    genai_vocab_t   v;
    unsigned char  *p;

    for (chars = 0; chars < 2; chars++) {
        image = image_of(BPE_TRAINED, chars);
        (void) genai_vocab_open(&v, image.data, image.len, error);
        want = count_all(&v);
        wrong = 0;

        p = copy_of(&image, image.len);
        (void) genai_vocab_open(&v, p, image.len, error);

        for (i = 0; i < 400; i++) {

            /* a few bits of one section, or all of it */

            sections = bpe_random(GENAI_VOCAB_SECTIONS);
            at = v.header->sections[sections].offset;
            n = v.header->sections[sections].len;

            for (j = 1 + bpe_random(200); n && j; j--) {
                p[at + bpe_random((unsigned) n)] ^= 1 << bpe_random(8);
            }

            if (n && bpe_random(4) == 0) {
                memset(p + at, (int) bpe_random(256), n);
            }

            if (n) {
                quiet_ok(genai_vocab_verify(&v, error) != 0
                         || memcmp(p, image.data, image.len) == 0,
                         "damage is found");
            }

            wrong += count_all(&v) != want;
            memcpy(p + at, image.data + at, n);
        }

        is_int(count_all(&v), want, "it is whole again");
        ok(wrong > 0, "damaged: %lu of 400 counts differ, no more",
           (unsigned long) wrong);

        free(p);
        free(image.data);
    }
}


static void
refused(const char *want, const char *what)
{
    genai_str_t  image;

    error[0] = '\0';

    if (genai_vocab_build(&vocab.source, &image, error) == 0) {
        fail("%s: it is made", what);
        free(image.data);
        return;
    }

    is_str(error, want, "%s", what);
    ok(image.data == NULL && image.len == 0, "and there is no image");
}


/*
 * Adds pairs of bytes, the second of each being the first of the next, with
 * ranks that fall, none of them twice: a circle through all pairs of 40 bytes
 * has 1600 (Hierholzer).
 */

#define WALK  40

static unsigned char  walked[WALK][WALK];
static unsigned       steps;


static void
walk(unsigned from, unsigned n)
{
    int            token;
    unsigned       to;
    unsigned char  pair[2];

    for (to = 0; to < WALK; to++) {

        if (walked[from][to]) {
            continue;
        }

        walked[from][to] = 1;
        walk(to, n);

        /* it is left backwards, so that ranks grow to its begin */

        if (steps++ < n) {
            pair[0] = (unsigned char) from;
            pair[1] = (unsigned char) to;
            token = bpe_add(&vocab, pair, 2, GENAI_TOKEN_NORMAL);
            vocab.ranks[token] = 1000 + steps;
        }
    }
}


static void
test_build(void)
{
    int            i, k, n;
    genai_str_t    image;
    genai_vocab_t  v;

    bpe_vocab(&vocab, BPE_TRAINED, 0, 30, 4);
    vocab.tokens[0xe4].kind = GENAI_TOKEN_CONTROL;
    refused("there is no token for the byte 0xe4", "a byte that is missing");

    bpe_vocab(&vocab, BPE_TRAINED, 0, 0, 4);
    vocab.tokens[0xff].kind = GENAI_TOKEN_CONTROL;
    is_int(genai_vocab_build(&vocab.source, &image, error), 0,
           "one that is in no UTF-8");
    free(image.data);

    bpe_vocab(&vocab, BPE_TRAINED, 1, 0, 4);
    vocab.tokens[0xe4].kind = GENAI_TOKEN_CONTROL;
    refused("there is no token for the byte 0xe4 of characters that are none",
            "a byte of characters");

    bpe_vocab(&vocab, BPE_TRAINED, 1, 0, 3);
    (void) bpe_add(&vocab, (const unsigned char *) "a\xe4\xbd\xa0", 4,
                   GENAI_TOKEN_NORMAL);
    refused("token 10258 has a character that is no token",
            "a character that is none");

    bpe_vocab(&vocab, BPE_TRAINED, 0, 0, 4);
    i = bpe_add(&vocab, (const unsigned char *) "ab", 2, GENAI_TOKEN_NORMAL);
    k = bpe_add(&vocab, (const unsigned char *) "bc", 2, GENAI_TOKEN_NORMAL);
    vocab.ranks[i] = vocab.ranks[k];
    refused("tokens 10256 and 10257 have the same rank", "two of one rank");

    bpe_vocab(&vocab, BPE_TRAINED, 0, 0, 4);
    vocab.source.name.len = 0;
    refused("a vocabulary's name has 1 to 63 bytes", "no name");
    vocab.source.name.len = 64;
    refused("a vocabulary's name has 1 to 63 bytes", "a long name");

    bpe_vocab(&vocab, BPE_TRAINED, 0, 0, 4);
    vocab.source.ntokens = 0;
    refused("the vocabulary has 0 tokens, not 1 to 1048318", "no tokens");

    bpe_vocab(&vocab, BPE_MERGES, 0, 30, 4);
    vocab.merges[3].left = vocab.source.ntokens;
    refused("merge 3 does not make the token that it says", "a wrong merge");

    bpe_vocab(&vocab, BPE_MERGES, 0, 30, 4);
    vocab.merges[5].merged = 'a';
    refused("merge 5 does not make the token that it says", "another one");

    /* each pair is forestalled by the next: a walk along n pairs of bytes */

    for (n = 1000; n <= 1100; n += 100) {
        bpe_vocab(&vocab, BPE_RANKS, 0, 0, 4);
        memset(walked, 0, sizeof(walked));
        steps = 0;
        walk(0, (unsigned) n);

        if (n == 1000) {
            is_int(genai_vocab_build(&vocab.source, &image, error), 0,
                   "a chain of 1000 pairs");
            (void) genai_vocab_open(&v, image.data, image.len, error);
            is_int(v.horizon, 1000, "it is that far");
            free(image.data);

        } else {
            refused("what follows a token can change it over 1100 bytes, and"
                    " not 1024 at most", "a chain of 1100 pairs");
        }
    }
}


int
main(void)
{
    test_open();
    test_header();
    test_damage();
    test_build();

    return done_testing();
}
