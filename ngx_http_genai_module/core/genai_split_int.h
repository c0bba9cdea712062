/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the editions of the splitter share, private to genai_split*.c.
 */


#ifndef _GENAI_SPLIT_INT_H_INCLUDED_
#define _GENAI_SPLIT_INT_H_INCLUDED_


#include "genai_split.h"


#define GENAI_INLINE  static inline __attribute__((always_inline))

#define genai_unlikely(e)  __builtin_expect(!!(e), 0)


/*
 * The end of the piece that begins at p < end, or NULL where last is 0 and
 * what follows end could move it.
 */
typedef const unsigned char *(*genai_split_next_pt)(const unsigned char *p,
    const unsigned char *end, int last);

const unsigned char *genai_split_next_r50k(const unsigned char *p,
    const unsigned char *end, int last);
const unsigned char *genai_split_next_cl100k(const unsigned char *p,
    const unsigned char *end, int last);
const unsigned char *genai_split_next_o200k(const unsigned char *p,
    const unsigned char *end, int last);
const unsigned char *genai_split_next_llama3(const unsigned char *p,
    const unsigned char *end, int last);
const unsigned char *genai_split_next_qwen2(const unsigned char *p,
    const unsigned char *end, int last);
const unsigned char *genai_split_next_tekken(const unsigned char *p,
    const unsigned char *end, int last);
const unsigned char *genai_split_next_deepseek3(const unsigned char *p,
    const unsigned char *end, int last);
const unsigned char *genai_split_next_space(const unsigned char *p,
    const unsigned char *end, int last);


/*
 * The editions.  Both are genai_split() for the families from R50K to SPACE;
 * the portable one goes from piece to piece with the functions above, the
 * other finds many ends at once in vectors of ASCII.
 */
size_t genai_split_portable(genai_split_e split, const genai_str_t *text,
    int last, uint32_t *ends, size_t max);
size_t genai_split_avx2(genai_split_e split, const genai_str_t *text,
    int last, uint32_t *ends, size_t max);


/*
 * The length, 2 or 3, of "'s", "'t", "'m", "'d", "'ll", "'ve" or "'re" whose
 * letters are a and b, lower case; 0 for anything else.
 */
GENAI_INLINE size_t
genai_split_contraction(unsigned char a, unsigned char b)
{
    switch (a) {

    case 's': case 't': case 'm': case 'd':
        return 2;

    case 'l':
        return (b == 'l') ? 3 : 0;

    case 'v': case 'r':
        return (b == 'e') ? 3 : 0;

    default:
        return 0;
    }
}


#endif /* _GENAI_SPLIT_INT_H_INCLUDED_ */
