/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Compiles a vocabulary that a reader has read, see genai_vocab_source.h,
 * into the image that genai_vocab.h describes.
 *
 * Merging takes, again and again, the pair of neighbours with the lowest
 * rank, the leftmost of equals.  What is done between two places of a text,
 * as long as nothing was merged across them, is what would be done with the
 * part between them alone: the order of its merges is the same, whatever
 * happens beside it.  Two things follow.
 *
 * A token can only arise in the way in which its own bytes, alone, become
 * it.  So of all pairs whose bytes together are a token, or which have a
 * merge, just one a token is needed: the last of that way, which is found by
 * merging the token's own bytes.  A token whose bytes become something else
 * is never merged; it is left out, unless a piece that is a token is always
 * that token ("whole").
 *
 * What follows a place changes a token before it only through a chain of
 * merges, each overlapping the one before by what it takes from it, and each
 * with a lower rank than the one that it forestalls.  The longest of these
 * chains is the HORIZON: some 100 to 300 bytes in all that is public.  So a
 * piece of any length is merged in windows; a token that ends by the horizon
 * before a window's end is final.
 *
 * All this holds where ranks grow, a token's being above those of the two it
 * is made of, and also where they do not (Gemma's line feeds, some tokens of
 * Llama 3): the order of events is then by the highest rank that has led to
 * each, which genai_vocab_horizon() goes by.
 */


#ifndef _GENAI_VOCAB_BUILD_H_INCLUDED_
#define _GENAI_VOCAB_BUILD_H_INCLUDED_


#include "genai_vocab.h"


/*
 * Compiles s.  image gets one piece of memory, aligned as an image must be,
 * which the caller gives back with free().  It takes about half a second and
 * some 100 MB of memory for 200,000 tokens.
 *
 * Refused, by name, is what the engine would not reproduce exactly:
 * bytes or characters that cannot be base symbols, two tokens of one rank,
 * merges of what is no token, a horizon above GENAI_VOCAB_HORIZON.
 *
 * Returns 0, or -1 with error, terminated, set, and nothing in image.  Safe in
 * any thread.
 */
int genai_vocab_build(const genai_vocab_source_t *s, genai_str_t *image,
    char error[GENAI_VOCAB_ERROR_MAX]);


#endif /* _GENAI_VOCAB_BUILD_H_INCLUDED_ */
