/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tokens of a request, as a model's provider will count them: the texts
 * that its framing lists, each counted with the model's vocabulary, or known
 * from before.  It is done in steps, and knows no time but a budget.
 *
 *    genai_prompt_init(&p, req, model, vocab, known, arena);
 *    while (genai_prompt_run(&p, cache, budget) == GENAI_PROMPT_AGAIN) ...
 *    p.tokens, p.exact
 *
 * It belongs to one thread at a time, together with its arena; between two
 * steps it may go to another one.
 */


#ifndef _GENAI_PROMPT_H_INCLUDED_
#define _GENAI_PROMPT_H_INCLUDED_


#include "genai_count_cache.h"
#include "genai_counter.h"
#include "genai_framing.h"


/* what genai_prompt_run() returns, as genai_request_read() does */

#define GENAI_PROMPT_DONE    0
#define GENAI_PROMPT_AGAIN   1
#define GENAI_PROMPT_ERROR  -1      /* there is no memory */

/* raw bytes of a text with escapes that are decoded at a time */
#define GENAI_PROMPT_SLICE   4096

/* raw bytes of a text that are looked through for control tokens in a step */
#define GENAI_PROMPT_LOOK    65536

/* what standin may be, besides 0 */
#define GENAI_PROMPT_STANDIN   1    /* any other vocabulary */
#define GENAI_PROMPT_FALLBACK  2    /* the one that the catalogue names */

/* what any count is cut to: nobody adds up more */
#define GENAI_PROMPT_MAX     ((int64_t) 1 << 40)


typedef struct {
    /* once it is done */

    int64_t                       tokens;   /* of the prompt */
    int64_t                       base;     /* the same before the model's
                                               factor: by its vocabulary */
    uint32_t                      estimated;    /* why it may differ, bits of
                                                   genai_framing.h */
    uint32_t                      answer;   /* and why the answer's count may:
                                               for genai_framing_answer_t */
    unsigned                      exact:1;  /* it is what the provider will
                                               report */

    /*
     * What tokens is hardly exceeded by: tokens itself where it is exact;
     * else with the catalogue's largest factor, and what is estimated as
     * large as it may be, slack.  Bytes of the texts in place of tokens where
     * the model is unknown, or its vocabulary and any fallback is missing.
     * Never more than the model's window, as no provider reads more.
     */
    int64_t                       bound;
    int64_t                       slack;    /* tokens, part of bound */

    /*
     * What the model's window is to be compared with: of completions and
     * embeddings, whose items are read one by one, the largest; else all,
     * tokens.  The same before the model's factor.
     */
    int64_t                       largest;
    int64_t                       largest_base;

    uint64_t                      bytes;    /* of the texts, */
    uint64_t                      found;    /* of those that were known */

    /* its own */

    const genai_request_t        *req;
    const genai_catalog_model_t  *model;
    const genai_vocab_t          *vocab;
    genai_count_cache_t          *known;
    genai_framing_t               framing;
    genai_counter_t              *counter;
    genai_count_hasher_t          hasher;
    genai_count_hash_t            hash;
    uint32_t                      item;     /* that is being counted */
    size_t                        pos;      /* raw bytes of it, hashed or
                                               decoded */
    genai_str_t                   decoded;  /* the item without its escapes */
    size_t                        size;     /* of its memory */
    size_t                        looked;   /* raw bytes of it */
    int64_t                       one;      /* tokens of the input that it is
                                               of, */
    uint32_t                      input;    /* and its number */
    unsigned                      standin:1;
    unsigned                      fallback:1;
    unsigned                      framed:1;
    unsigned                      begun:1;  /* the item is */
    unsigned                      open:1;   /* the counter has memory */
    unsigned                      hashed:1; /* it is looked for by its hash, */
    unsigned                      hashing:1;        /* which is being made */
    unsigned                      inexact:1;
} genai_prompt_t;


/*
 * Begins.  req was read to its end.  model may be NULL, where nothing is
 * known of it; vocab may be NULL, where there is none: then 4 bytes are a
 * token.  standin tells that vocab is not the one that the model names, as
 * above.  known may be NULL.  All must outlive p, which takes memory from
 * arena.
 */
void genai_prompt_init(genai_prompt_t *p, const genai_request_t *req,
    const genai_catalog_model_t *model, const genai_vocab_t *vocab,
    int standin, genai_count_cache_t *known, genai_arena_t *arena);

/*
 * Goes on, for about as long as budget bytes of a request take to be scanned
 * ten times: half a millisecond for 64 KiB.  cache is that of the calling
 * thread, or NULL.
 *
 * Returns GENAI_PROMPT_AGAIN, _DONE or _ERROR.
 */
int genai_prompt_run(genai_prompt_t *p, genai_bpe_cache_t *cache,
    size_t budget);

/* Gives back what is not of the arena; once it is done there is nothing. */
void genai_prompt_stop(genai_prompt_t *p);


#endif /* _GENAI_PROMPT_H_INCLUDED_ */
