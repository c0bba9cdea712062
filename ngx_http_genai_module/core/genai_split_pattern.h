/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pre-tokenization by an expression that no scanner of genai_split.h was
 * written for, as it stands in a vocabulary's file.
 *
 * What it means: the expression is searched for from the text's start, again
 * and again behind each match, leftmost-first, and each match is a piece, as
 * well as each stretch of text between two matches, before the first and
 * behind the last.  That is Hugging Face's "Split" with the behaviour
 * "Isolated"; it is also what tiktoken does, whose expressions leave nothing
 * between matches.
 *
 * The implementations that such files are written for, Oniguruma and Rust's
 * regex, do not agree with each other and with PCRE2 in everything.  So an
 * expression is taken only if it is made of what means the same to all:
 *
 *     abc  .  [a-z\s]  [^...]  \r \n \t \v \f  \x{...}  \ and punctuation
 *     \s \S  \d \D  \p{L} \p{Lu} \P{...} (general categories)
 *     (...)  (?:...)  (?>...)  (?=...)  (?!...)  |
 *     (?i:...) around letters and punctuation of ASCII
 *     ? * + {n} {n,} {n,m}, ?? *? +?, ?+ *+ ++
 *
 * Everything else is refused by name, as are expressions that match nothing:
 * ^ and $, which are ends of lines to one and of the text to the other; \w and
 * \b; looking back, which would need text that was cut before; {n,m}+, which
 * is possessive to one only.  Categories and white space are exactly those of
 * genai_unicode.h, whatever the version of PCRE2: where it differs, it is told
 * the characters.
 */


#ifndef _GENAI_SPLIT_PATTERN_H_INCLUDED_
#define _GENAI_SPLIT_PATTERN_H_INCLUDED_


#include "genai_split.h"


/* bytes of an expression */
#define GENAI_SPLIT_PATTERN_LEN    4096

/* how often one search may try another way, before the text is given up */
#define GENAI_SPLIT_PATTERN_TRIES  10000000


/*
 * Compiles an expression: some milliseconds for each category that it
 * names, for they are compared with those of PCRE2.
 *
 * Returns a pattern, which any threads may use at once and the caller frees;
 * or NULL with error, of size bytes, terminated, set.
 */
genai_split_pattern_t *genai_split_pattern_compile(
    const genai_str_t *expression, char *error, size_t size);

/* NULL is nothing to free. */
void genai_split_pattern_free(genai_split_pattern_t *p);

/*
 * genai_split() for a pattern.  It allocates a few hundred bytes for the time
 * of the call.
 *
 * Returns the number of ends, or GENAI_SPLIT_ERROR where there is no memory,
 * or the first piece cannot be found within GENAI_SPLIT_PATTERN_TRIES.
 */
size_t genai_split_pattern_exec(const genai_split_pattern_t *p,
    const genai_str_t *text, int last, uint32_t *ends, size_t max);


#endif /* _GENAI_SPLIT_PATTERN_H_INCLUDED_ */
