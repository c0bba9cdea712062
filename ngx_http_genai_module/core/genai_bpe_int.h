/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the editions of the engine share, and what they are called.
 */


#ifndef _GENAI_BPE_INT_H_INCLUDED_
#define _GENAI_BPE_INT_H_INCLUDED_


#include "genai_bpe.h"


/* symbols of a lane: bits of a word, less one at each end; lanes */
#define GENAI_BPE_FLAT    62
#define GENAI_BPE_LANES   32

/* symbols from window to window; what is left of FLAT is seen twice */
#define GENAI_BPE_STRIDE  46

/* bytes of a piece that may have so few symbols */
#define GENAI_BPE_SHORT   240

/* words that begin behind the symbols of a window */
#define GENAI_BPE_SLOTS   4096

/* pieces that are looked up together */
#define GENAI_BPE_BATCH   128

/* bytes after which the budget is looked at */
#define GENAI_BPE_STEP    2048

/* bytes that are compared for one unit of the budget */
#define GENAI_BPE_WORK_SAME  64

/* a pair's word: what it makes, and its place */
#define GENAI_BPE_PLACE   12
#define GENAI_BPE_MASK    ((1u << GENAI_BPE_PLACE) - 1)

/* from here on a word is that of no pair */
#define GENAI_BPE_NO_PAIR (GENAI_VOCAB_NONE << GENAI_BPE_PLACE)

_Static_assert(GENAI_BPE_WINDOW < GENAI_BPE_SLOTS
               && GENAI_BPE_SLOTS <= 1 << GENAI_BPE_PLACE,
               "a place is in 12 bits");


struct genai_bpe_edition_s {
    size_t   (*pieces)(genai_bpe_t *b, const genai_str_t *text, size_t start,
                       const uint32_t *ends, size_t n);
    size_t   (*window)(genai_bpe_t *b, const genai_str_t *rest, int last);
};


extern const genai_bpe_edition_t  genai_bpe_portable;
#if defined(__x86_64__)
extern const genai_bpe_edition_t  genai_bpe_avx2;
#endif


/* by the length of a piece: which bytes of two words are the piece's */
extern const uint64_t  genai_bpe_low[16];
extern const uint64_t  genai_bpe_high[16];


/*
 * The string in STRINGS of a piece of 16 bytes or more, with its hash; NULL
 * where it is no token.
 */
const genai_vocab_string_t *genai_bpe_string(const genai_vocab_t *v,
    const unsigned char *p, size_t len, uint64_t hash);

/* The place of the engine's vocabulary in its cache's vocabs[]. */
uint32_t genai_bpe_place(genai_bpe_t *b);

/*
 * The symbols that p[0 .. len) begins with, as few as CHARS allows, into
 * symbols; into starts, unless NULL, the offset of each, and one more.
 * Returns how many.
 */
uint32_t genai_bpe_chars(const genai_vocab_t *v, const unsigned char *p,
    size_t len, uint32_t *symbols, uint16_t *starts);


#endif /* _GENAI_BPE_INT_H_INCLUDED_ */
