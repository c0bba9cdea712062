/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pre-tokenization: a text is first cut into pieces, at places that a regular
 * expression of the model's family describes, and no token reaches over such
 * a place.  For every family of the public models there is a scanner written
 * by hand; it yields the ends of pieces, many in one call, so that the caller
 * can look them up in batches.
 *
 * All scanners follow the leftmost-first semantics of the expressions that
 * they stand for, which genai_split.c quotes, on the Unicode categories of
 * genai_unicode.h.
 *
 * All functions are pure and safe in any thread.
 */


#ifndef _GENAI_SPLIT_H_INCLUDED_
#define _GENAI_SPLIT_H_INCLUDED_


#include <stdint.h>

#include "genai_str.h"


/* the order is that of genai_split_name(), and is in compiled files */

typedef enum {
    GENAI_SPLIT_NONE = 0,       /* the text is one piece */
    GENAI_SPLIT_R50K,           /* GPT-2, r50k_base, p50k_base */
    GENAI_SPLIT_CL100K,         /* cl100k_base, as tiktoken has it */
    GENAI_SPLIT_O200K,          /* o200k_base, o200k_harmony; gpt-oss */
    GENAI_SPLIT_LLAMA3,         /* Llama 3, and what Hugging Face's files of
                                   cl100k_base's kind have, as Phi-4 */
    GENAI_SPLIT_QWEN2,          /* Qwen 2, 2.5, 3: digits one by one */
    GENAI_SPLIT_TEKKEN,         /* Mistral's Tekken */
    GENAI_SPLIT_DEEPSEEK3,      /* DeepSeek V3, R1 */
    GENAI_SPLIT_SPACE,          /* SentencePiece, where no token has a space
                                   behind anything but spaces: a piece is a
                                   run of spaces and what follows it */
    GENAI_SPLIT_PATTERN,        /* PCRE2, of a loaded file */
    GENAI_SPLIT_LAST
} genai_split_e;


/* what genai_split() returns for a pattern that fails, and for that alone */
#define GENAI_SPLIT_ERROR  ((size_t) -1)

/* of GENAI_SPLIT_PATTERN, see genai_split_pattern.h */
typedef struct genai_split_pattern_s  genai_split_pattern_t;


/*
 * Cuts text, valid UTF-8, which begins where a piece begins.  At most max
 * ends are written, each in bytes from the text's start, ascending, the first
 * above 0.  last tells that the text ends there; where it does not, only
 * those ends are given which no further text could change.
 *
 * Texts are below 4 GiB; should one not be UTF-8, it is cut somehow, and not
 * read beyond its end.  pattern is used by GENAI_SPLIT_PATTERN alone.  Time is
 * linear in what is cut, plus, where last is 0, in the rest that could not be
 * cut.  Batches of 128 ends or more are fastest.
 *
 * Returns the number of ends: 0 where the text is empty or cannot be cut
 * yet; with last set and max > 0 a text that is not empty has at least one.
 * GENAI_SPLIT_ERROR where a pattern gives the text up, which has no pieces
 * then.
 */
size_t genai_split(genai_split_e split, const genai_split_pattern_t *pattern,
    const genai_str_t *text, int last, uint32_t *ends, size_t max);

/* "cl100k" and so on, a static text. */
const char *genai_split_name(genai_split_e split);

/*
 * The family whose expression this is, as it stands in a tokenizer.json or
 * tekken.json, byte for byte; GENAI_SPLIT_PATTERN for any other.  Expressions
 * that are applied one after the other are given with line feeds between.
 *
 * What tiktoken itself has for R50K and CL100K is in no file, and would mean
 * something else to those who read such files, so it is not recognized.
 */
genai_split_e genai_split_recognize(const genai_str_t *expression);


#endif /* _GENAI_SPLIT_H_INCLUDED_ */
