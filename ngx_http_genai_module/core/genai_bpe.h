/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Byte pair encoding: how many tokens a piece of text is.
 *
 * Most pieces were there a while ago: a cache of the thread has those of up to
 * GENAI_BPE_RECENT bytes, tokens or not, close together, where the table of all
 * tokens has them far apart.  What is not there is looked for in that table,
 * several pieces at a time, so that the processor has the memory at hand when
 * it is needed; and merged where it is no token.
 *
 * Merging keeps for each symbol of the piece one word: the symbol that it
 * makes with its right neighbour, and its own place below.  The smallest word
 * of all is the pair to be merged next, being the leftmost of the lowest
 * rank; finding it means reading some vectors.  Where there are many symbols
 * the smallest word of each 16 is kept as well.
 *
 * A piece above GENAI_BPE_LONG bytes is merged in windows, each beginning at
 * a token's end that is final (see the horizon in genai_vocab_build.h).  The
 * time is linear, the memory constant, and it can be stopped at each window.
 *
 * There are two editions of all this, for AVX2 and for any processor, with the
 * same results.
 *
 * An engine and a cache belong to one thread at a time.
 */


#ifndef _GENAI_BPE_H_INCLUDED_
#define _GENAI_BPE_H_INCLUDED_


#include <stdint.h>

#include "genai_str.h"
#include "genai_vocab.h"


/* bytes of a piece that is merged at once */
#define GENAI_BPE_LONG       1024

/* bytes of a window, at most */
#define GENAI_BPE_WINDOW     4095

/* bytes of a piece that is kept in a cache: of any, and of those that are no
   token; entries for each */
#define GENAI_BPE_RECENT     14
#define GENAI_BPE_RECENTS    32768
#define GENAI_BPE_CACHE_KEY  24
#define GENAI_BPE_CACHE      2048

/* vocabularies that share a cache */
#define GENAI_BPE_VOCABS     16


/*
 * What work costs, of a budget: a unit is about 10 ns, and 30 at most.  A piece
 * that is found takes one, what is merged takes two or three for a byte.
 */
#define GENAI_BPE_WORK_PIECE  1
#define GENAI_BPE_WORK_BYTE   3


/*
 * A piece, zeros behind it; in byte 14 its length, from 1 on, and above it the
 * place of the vocabulary in vocabs[]; in byte 15 how many tokens it is.
 */
typedef struct {
    uint64_t   low;
    uint64_t   high;
} genai_bpe_recent_t;


typedef struct {
    uint64_t   key[3];          /* zeros behind the piece */
    uint32_t   vocab;           /* its place in vocabs[] */
    uint16_t   len;
    uint16_t   count;           /* 0: empty */
} genai_bpe_entry_t;


/*
 * A cache of pieces, 576 KiB; zeros are an empty one.  It serves all
 * vocabularies of a thread; with one more than GENAI_BPE_VOCABS it begins anew.
 */
typedef struct {
    genai_bpe_recent_t  recents[GENAI_BPE_RECENTS];
    genai_bpe_entry_t   entries[GENAI_BPE_CACHE];
    uint64_t            vocabs[GENAI_BPE_VOCABS];       /* their checksums */
    uint32_t            nvocabs;
} genai_bpe_cache_t;


/* gets the id of each token, in the order of the text */
typedef void (*genai_bpe_sink_pt)(void *data, uint32_t id);

typedef struct genai_bpe_edition_s  genai_bpe_edition_t;


typedef struct {
    const genai_vocab_t        *vocab;
    const genai_bpe_edition_t  *edition;
    genai_bpe_cache_t          *cache;      /* or NULL */
    genai_bpe_sink_pt           sink;       /* or NULL; then no cache */
    void                       *data;
    uint64_t                    tokens;     /* so far */
    int64_t                     budget;     /* what is left */

    /* the last window of one byte alone: how it begins, in any such run */

    uint16_t                    run_len;    /* bytes, or 0 */
    uint16_t                    run_used;
    uint16_t                    run_count;
    unsigned char               run_byte;
} genai_bpe_t;


typedef enum {
    GENAI_BPE_BEST = 0,
    GENAI_BPE_AVX2,
    GENAI_BPE_PORTABLE
} genai_bpe_edition_e;


/* Begins with 0 tokens and no sink.  v and cache must outlive b. */
void genai_bpe_init(genai_bpe_t *b, const genai_vocab_t *v,
    genai_bpe_cache_t *cache);

/* Chooses the edition; returns 0, or -1 where the processor has it not. */
int genai_bpe_use(genai_bpe_t *b, genai_bpe_edition_e edition);

/*
 * Counts pieces of text: the first begins at start, each ends at its ends[],
 * where the next begins.  They are UTF-8.
 *
 * Returns how many pieces were counted: fewer than n where the budget was
 * used up, or where the next one is longer than GENAI_BPE_LONG, for which
 * there is genai_bpe_window().
 */
size_t genai_bpe_pieces(genai_bpe_t *b, const genai_str_t *text, size_t start,
    const uint32_t *ends, size_t n);

/*
 * Counts the first tokens of what is left of a piece of any length; last
 * tells that the piece ends with it.
 *
 * Returns the bytes of these tokens: at least one token's where rest is longer
 * than GENAI_BPE_WINDOW or last is set; else it may be 0, when more of the
 * piece must be there.
 */
size_t genai_bpe_window(genai_bpe_t *b, const genai_str_t *rest, int last);


#endif /* _GENAI_BPE_H_INCLUDED_ */
