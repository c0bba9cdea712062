/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The families of pre-tokenization, and the expressions that they stand for.
 *
 * All are leftmost-first, as of backtracking; \s is White_Space, of which
 * U+FEFF is none; $ is the end of the text alone.  Categories are those of
 * genai_unicode.h.
 */


#include "genai_split_int.h"
#include "genai_split_pattern.h"


/*
 * R50K: as it was published.  tiktoken's own is of the same language:
 *
 *     '(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++
 *     |\s++$|\s+(?!\S)|\s
 */

#define GENAI_SPLIT_GPT2                                                      \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+"                             \
    "| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"


/*
 * CL100K: tiktoken's, which takes white space at the end of the text as one
 * piece, line feeds and all:
 *
 *     '(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+
 *     | ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s
 *
 * LLAMA3, with digits in threes, and QWEN2, with single ones, do not:
 */

#define GENAI_SPLIT_PLAIN(digits)                                             \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits      \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"


/* O200K: tiktoken's; TEKKEN: of tekken.json */

#define GENAI_SPLIT_CASED(quotes, digits)                                     \
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*"             \
    "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+" quotes                                   \
    "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"            \
    "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*" quotes                                   \
    "|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+"               \
    "|\\s+(?!\\S)|\\s+"

#define GENAI_SPLIT_QUOTES  "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"


/*
 * DEEPSEEK3: three expressions, the second of which cuts what the first has
 * made, and the third what the second has.
 */

#define GENAI_SPLIT_DEEPSEEK                                                  \
    "\\p{N}{1,3}\n"                                                           \
    "[\xe4\xb8\x80-\xe9\xbe\xa5\xe3\x81\x80-\xe3\x82\x9f"                     \
    "\xe3\x82\xa0-\xe3\x83\xbf]+\n"                                           \
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"                   \
    "|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"                              \
    "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"


static const struct {
    genai_str_t    expression;
    genai_split_e  split;
} genai_split_expressions[] = {
    { genai_str(GENAI_SPLIT_GPT2), GENAI_SPLIT_R50K },
    { genai_str(GENAI_SPLIT_PLAIN("\\p{N}{1,3}")), GENAI_SPLIT_LLAMA3 },
    { genai_str(GENAI_SPLIT_PLAIN("\\p{N}")), GENAI_SPLIT_QWEN2 },
    { genai_str(GENAI_SPLIT_CASED(GENAI_SPLIT_QUOTES, "\\p{N}{1,3}")),
      GENAI_SPLIT_O200K },
    { genai_str(GENAI_SPLIT_CASED("", "\\p{N}")), GENAI_SPLIT_TEKKEN },
    { genai_str(GENAI_SPLIT_DEEPSEEK), GENAI_SPLIT_DEEPSEEK3 }
};


const char *
genai_split_name(genai_split_e split)
{
    static const char *const  names[] = {
        "none", "r50k", "cl100k", "o200k", "llama3", "qwen2", "tekken",
        "deepseek3", "space", "pattern"
    };

    _Static_assert(sizeof(names) / sizeof(names[0]) == GENAI_SPLIT_LAST,
                   "a name each");

    return (split < GENAI_SPLIT_LAST) ? names[split] : "unknown";
}


genai_split_e
genai_split_recognize(const genai_str_t *expression)
{
    size_t              i;
    const genai_str_t  *s;

    for (i = 0;
         i < sizeof(genai_split_expressions)
             / sizeof(genai_split_expressions[0]);
         i++)
    {
        s = &genai_split_expressions[i].expression;

        if (s->len == expression->len
            && memcmp(s->data, expression->data, s->len) == 0)
        {
            return genai_split_expressions[i].split;
        }
    }

    return GENAI_SPLIT_PATTERN;
}


size_t
genai_split(genai_split_e split, const genai_split_pattern_t *pattern,
    const genai_str_t *text, int last, uint32_t *ends, size_t max)
{
    if (text->len == 0 || max == 0) {
        return 0;
    }

    switch (split) {

    case GENAI_SPLIT_NONE:

        if (!last) {
            return 0;
        }

        ends[0] = (uint32_t) text->len;

        return 1;

    case GENAI_SPLIT_PATTERN:
        return genai_split_pattern_exec(pattern, text, last, ends, max);

    default:
        break;
    }

#if defined(__x86_64__)

    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")
        && __builtin_cpu_supports("popcnt"))
    {
        return genai_split_avx2(split, text, last, ends, max);
    }

#endif

    return genai_split_portable(split, text, last, ends, max);
}
