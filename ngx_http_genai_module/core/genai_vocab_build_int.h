/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the builder share: genai_vocab_build.c has the order of
 * the work and the image, _merge.c finds out what merges, _table.c and
 * _chars.c write the sections.
 */


#ifndef _GENAI_VOCAB_BUILD_INT_H_INCLUDED_
#define _GENAI_VOCAB_BUILD_INT_H_INCLUDED_


#include "genai_arena.h"
#include "genai_vocab_build.h"


/* what a token is made of, the last merge of its own bytes */

typedef struct {
    uint32_t                     token;     /* indexes of the source's */
    uint32_t                     left;
    uint32_t                     right;
    uint32_t                     rank;
    uint32_t                     len;       /* bytes */
    uint32_t                     time;      /* see genai_vocab_horizon() */
} genai_vocab_made_t;


typedef struct {
    void                        *data;
    uint64_t                     len;
} genai_vocab_part_t;


typedef struct {
    const genai_vocab_source_t  *source;
    genai_arena_t                arena;
    char                        *error;

    uint32_t                    *places;    /* indexes of tokens by the hash
                                               of their bytes */
    uint32_t                     nplaces;
    uint64_t                    *merges;    /* in the same way: a pair, and */
    uint32_t                    *merge;     /* its place in the source */
    uint32_t                     nmerges;

    uint32_t                     base[256]; /* tokens that are one byte */

    genai_vocab_made_t          *made;      /* by rank; symbols from nbase on */
    uint32_t                     nmade;
    uint32_t                    *times;     /* of tokens */
    uint32_t                    *symbols;   /* of tokens */
    uint32_t                    *tokens;    /* of symbols, or NONE */
    uint32_t                     nbase;
    uint32_t                     nsymbols;
    uint32_t                     horizon;

    genai_vocab_part_t           parts[GENAI_VOCAB_SECTIONS];
    uint32_t                     buckets[GENAI_VOCAB_SECTIONS];
    uint32_t                     probes[GENAI_VOCAB_SECTIONS];
    uint32_t                     ntokens;
    uint32_t                     max_len;
    unsigned char                first[32];
} genai_vocab_make_t;


/* All return 0, or -1 with make->error set. */

/* words of zeros or of ones, from the arena */
void *genai_vocab_make_alloc(genai_vocab_make_t *make, uint64_t size,
    int fill);

int genai_vocab_make_fail(genai_vocab_make_t *make, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* the normal token of these bytes, or GENAI_VOCAB_NONE */
uint32_t genai_vocab_make_find(const genai_vocab_make_t *make,
    const unsigned char *p, size_t len);

/* bytes of the character at p, or 0 where there is none before end */
size_t genai_vocab_char_len(const unsigned char *p, const unsigned char *end);

/* the character of so many bytes, and back */
uint32_t genai_vocab_char(const unsigned char *p, size_t len);
size_t genai_vocab_char_put(unsigned char p[4], uint32_t c);

/* finds out which tokens arise by merging, and from what */
int genai_vocab_make_merges(genai_vocab_make_t *make);

/* numbers base and merged symbols; the horizon */
int genai_vocab_make_symbols(genai_vocab_make_t *make);

/* the sections */
int genai_vocab_make_words(genai_vocab_make_t *make);
int genai_vocab_make_pairs(genai_vocab_make_t *make);
int genai_vocab_make_ids(genai_vocab_make_t *make);
int genai_vocab_make_chars(genai_vocab_make_t *make);
int genai_vocab_make_joints(genai_vocab_make_t *make);
int genai_vocab_make_added(genai_vocab_make_t *make);


#endif /* _GENAI_VOCAB_BUILD_INT_H_INCLUDED_ */
