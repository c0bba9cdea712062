/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The order of a vocabulary's compilation, and its image.
 */


#include "genai_vocab_build_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


#define genai_vocab_round(n)                                                  \
    (((n) + GENAI_VOCAB_ALIGN - 1) & ~(uint64_t) (GENAI_VOCAB_ALIGN - 1))


int
genai_vocab_make_fail(genai_vocab_make_t *make, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    vsnprintf(make->error, GENAI_VOCAB_ERROR_MAX, fmt, args);
    va_end(args);

    return -1;
}


void *
genai_vocab_make_alloc(genai_vocab_make_t *make, uint64_t size, int fill)
{
    void  *p;

    p = (size > SIZE_MAX) ? NULL
                          : genai_arena_alloc(&make->arena, (size_t) size);

    if (p == NULL) {
        (void) genai_vocab_make_fail(make, "there is no memory to compile the"
                                     " vocabulary");
        return NULL;
    }

    memset(p, fill, (size_t) size);

    return p;
}


size_t
genai_vocab_char_len(const unsigned char *p, const unsigned char *end)
{
    size_t  i, n;

    if (p == end) {
        return 0;
    }

    if (*p < 0x80) {
        return 1;
    }

    n = (*p >= 0xf0) ? 4 : (*p >= 0xe0) ? 3 : 2;

    if (*p < 0xc2 || *p > 0xf4 || (size_t) (end - p) < n) {
        return 0;
    }

    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f)
        || (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
    {
        return 0;
    }

    return n;
}


static uint64_t
genai_vocab_make_hash(const unsigned char *p, size_t len)
{
    genai_vocab_word_t  w;

    if (len > GENAI_VOCAB_WORD) {
        return genai_vocab_hash_long(p, len);
    }

    memset(&w, 0, sizeof(w));
    memcpy(&w, p, len);
    w.high |= (uint64_t) len << 56;

    return genai_vocab_hash_word(w.low, w.high);
}


uint32_t
genai_vocab_make_find(const genai_vocab_make_t *make, const unsigned char *p,
    size_t len)
{
    uint32_t                     i, token;
    const genai_str_t           *bytes;
    const genai_vocab_source_t  *s;

    s = make->source;

    for (i = genai_vocab_bucket(genai_vocab_make_hash(p, len), make->nplaces);
         make->places[i] != GENAI_VOCAB_NONE;
         i = (i + 1 == make->nplaces) ? 0 : i + 1)
    {
        token = make->places[i];
        bytes = &s->tokens[token].bytes;

        if (bytes->len == len && memcmp(bytes->data, p, len) == 0) {
            return token;
        }
    }

    return GENAI_VOCAB_NONE;
}


/* looks at the tokens, and makes those that merging needs findable */

static int
genai_vocab_make_tokens(genai_vocab_make_t *make)
{
    uint32_t                     i, j;
    const genai_str_t           *bytes;
    const genai_vocab_source_t  *s;

    s = make->source;

    /* one less than fits, as symbols and tokens have a NONE */

    if (s->ntokens == 0 || s->ntokens >= GENAI_VOCAB_NONE - 256) {
        return genai_vocab_make_fail(make, "the vocabulary has %u tokens,"
                                     " not 1 to %u", s->ntokens,
                                     GENAI_VOCAB_NONE - 257);
    }

    if (s->name.len == 0 || s->name.len >= GENAI_VOCAB_NAME_MAX
        || memchr(s->name.data, '\0', s->name.len) != NULL)
    {
        return genai_vocab_make_fail(make, "a vocabulary's name has 1 to %u"
                                     " bytes", GENAI_VOCAB_NAME_MAX - 1);
    }

    make->nplaces = 2 * s->ntokens + 1;
    make->places = genai_vocab_make_alloc(make, (uint64_t) make->nplaces * 4,
                                          0);
    if (make->places == NULL) {
        return -1;
    }

    for (i = 0; i < make->nplaces; i++) {
        make->places[i] = GENAI_VOCAB_NONE;
    }

    for (i = 0; i < s->ntokens; i++) {
        bytes = &s->tokens[i].bytes;

        if (s->tokens[i].kind == GENAI_TOKEN_CONTROL) {
            continue;
        }

        if (bytes->len == 0 || bytes->len > GENAI_VOCAB_TOKEN_LEN
            || (s->tokens[i].kind == GENAI_TOKEN_BYTE && bytes->len != 1))
        {
            return genai_vocab_make_fail(make, "token %u has %llu bytes",
                                         s->tokens[i].id,
                                         (unsigned long long) bytes->len);
        }

        if (s->tokens[i].kind != GENAI_TOKEN_NORMAL
            || genai_vocab_make_find(make, bytes->data, bytes->len)
               != GENAI_VOCAB_NONE)
        {
            continue;
        }

        j = genai_vocab_bucket(genai_vocab_make_hash(bytes->data, bytes->len),
                               make->nplaces);

        while (make->places[j] != GENAI_VOCAB_NONE) {
            j = (j + 1 == make->nplaces) ? 0 : j + 1;
        }

        make->places[j] = i;
    }

    return 0;
}


static int
genai_vocab_make_image(genai_vocab_make_t *make, genai_str_t *image)
{
    int                          i;
    uint64_t                     len;
    unsigned char               *p;
    genai_vocab_header_t        *h;
    const genai_vocab_source_t  *s;

    s = make->source;
    len = genai_vocab_round(sizeof(genai_vocab_header_t));

    for (i = 0; i < GENAI_VOCAB_SECTIONS; i++) {
        len += genai_vocab_round(make->parts[i].len);
    }

    p = (len > UINT32_MAX) ? NULL
                           : aligned_alloc(GENAI_VOCAB_ALIGN, (size_t) len);

    if (p == NULL) {
        return genai_vocab_make_fail(make, "there is no memory for the"
                                     " vocabulary");
    }

    memset(p, 0, (size_t) len);

    h = (genai_vocab_header_t *) p;

    memcpy(h->magic, GENAI_VOCAB_MAGIC, sizeof(h->magic));
    h->version = GENAI_VOCAB_VERSION;
    h->order = 0x01020304;
    h->len = len;
    memcpy(h->origin, s->origin, sizeof(h->origin));
    memcpy(h->name, s->name.data, s->name.len);

    h->split = make->parts[GENAI_VOCAB_JOINTS].len ? GENAI_SPLIT_NONE
                                                    : s->split;
    h->flags = (s->chars ? GENAI_VOCAB_F_CHARS : 0)
               | (s->nfc ? GENAI_VOCAB_F_NFC : 0)
               | (s->prefix ? GENAI_VOCAB_F_PREFIX : 0)
               | (make->parts[GENAI_VOCAB_JOINTS].len ? GENAI_VOCAB_F_JOINTS
                                                        : 0);
    h->ntokens = make->ntokens;
    h->nbase = make->nbase;
    h->nsymbols = make->nsymbols;
    h->max_len = make->max_len;
    h->horizon = make->horizon;
    h->word_buckets = make->buckets[GENAI_VOCAB_WORDS];
    h->word_probes = make->probes[GENAI_VOCAB_WORDS];
    h->long_buckets = make->buckets[GENAI_VOCAB_LONGS];
    h->long_probes = make->probes[GENAI_VOCAB_LONGS];
    h->pair_buckets = make->buckets[GENAI_VOCAB_PAIRS];
    h->pair_probes = make->probes[GENAI_VOCAB_PAIRS];
    memcpy(h->first, make->first, sizeof(h->first));

    len = genai_vocab_round(sizeof(genai_vocab_header_t));

    for (i = 0; i < GENAI_VOCAB_SECTIONS; i++) {
        h->sections[i].offset = len;
        h->sections[i].len = make->parts[i].len;

        if (make->parts[i].len) {
            memcpy(p + len, make->parts[i].data, (size_t) make->parts[i].len);
        }

        len += genai_vocab_round(make->parts[i].len);
    }

    h->content = genai_vocab_checksum(p + sizeof(genai_vocab_header_t),
                                      (size_t) len
                                      - sizeof(genai_vocab_header_t));
    h->checksum = genai_vocab_checksum(h, sizeof(genai_vocab_header_t));

    image->data = p;
    image->len = (size_t) len;

    return 0;
}


int
genai_vocab_build(const genai_vocab_source_t *s, genai_str_t *image,
    char error[GENAI_VOCAB_ERROR_MAX])
{
    int                 rc;
    genai_vocab_make_t  make;

    memset(&make, 0, sizeof(make));
    genai_arena_init(&make.arena, SIZE_MAX);
    make.source = s;
    make.error = error;
    error[0] = '\0';

    image->data = NULL;
    image->len = 0;

    rc = -1;

    if (genai_vocab_make_tokens(&make) == 0
        && genai_vocab_make_merges(&make) == 0
        && genai_vocab_make_symbols(&make) == 0
        && genai_vocab_make_words(&make) == 0
        && genai_vocab_make_pairs(&make) == 0
        && genai_vocab_make_ids(&make) == 0
        && genai_vocab_make_chars(&make) == 0
        && genai_vocab_make_joints(&make) == 0
        && genai_vocab_make_added(&make) == 0)
    {
        make.parts[GENAI_VOCAB_PATTERN].data = s->pattern.data;
        make.parts[GENAI_VOCAB_PATTERN].len =
                       (s->split == GENAI_SPLIT_PATTERN) ? s->pattern.len : 0;

        rc = genai_vocab_make_image(&make, image);
    }

    genai_arena_destroy(&make.arena);

    return rc;
}
