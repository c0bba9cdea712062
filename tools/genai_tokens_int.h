/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of genai-tokens share.
 */


#ifndef _GENAI_TOKENS_INT_H_INCLUDED_
#define _GENAI_TOKENS_INT_H_INCLUDED_


#include "genai_catalog.h"
#include "genai_counter.h"
#include "genai_vocab_file.h"

#include <stdio.h>


/* exit codes */
#define GENAI_TOKENS_FINE    0
#define GENAI_TOKENS_BAD     1      /* a request that is none */
#define GENAI_TOKENS_FAILED  2

/* bytes of a path */
#define GENAI_TOKENS_PATH    4096

/* memory of a catalogue, and of a request */
#define GENAI_TOKENS_ARENA   ((size_t) 1 << 32)

/* where "make install-data" puts the vocabularies */
#define GENAI_TOKENS_DATA    "/usr/share/nginx-genai"


typedef struct {
    const char          *encoding;
    const char          *split;
    const char          *name;          /* of the model */
    const char          *catalog;
    const char          *endpoint;
    uint64_t             pieces;        /* a seed, or 0 */
    unsigned             rounds;
    unsigned             ids:1;
    unsigned             batch:1;
    unsigned             times:1;
    unsigned             bench:1;
    unsigned             json:1;        /* it is a request */
    int                  nfiles;
    char               **files;

    genai_arena_t        arena;         /* of the catalogue */
    genai_catalog_t     *models;
    const genai_catalog_model_t  *model;    /* or NULL */
    genai_vocab_file_t   file;
    char                 opened[GENAI_CATALOG_TEXT_MAX + 1];
    genai_bpe_cache_t   *cache;

    uint32_t            *found;         /* ids of a text */
    size_t               nfound;
    size_t               size;
    unsigned             failed:1;
} genai_tokens_t;


/* what is wrong is said on standard error; returns 0 or -1 */

int genai_tokens_models(genai_tokens_t *t);
int genai_tokens_model(genai_tokens_t *t);
int genai_tokens_open(genai_tokens_t *t, const char *encoding);

/* the vocabulary of a request's model, where it is not open already */
int genai_tokens_reopen(genai_tokens_t *t,
    const genai_catalog_model_t *model);

/* a file, or standard input, as a whole; the memory is the caller's */
int genai_tokens_read(const char *path, genai_str_t *text);

/* counts requests; these two return an exit code */
int genai_tokens_requests(genai_tokens_t *t);
int genai_tokens_usage(FILE *f);


#endif /* _GENAI_TOKENS_INT_H_INCLUDED_ */
