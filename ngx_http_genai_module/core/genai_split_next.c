/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The portable edition of the splitter: where the piece ends that begins
 * here, for each family.  These are the expressions that genai_split.c
 * quotes, worked out by hand so that no character is looked at more than a
 * few times: the first characters choose the alternative, and where an
 * expression would go back, the place was noted on the way.
 *
 * Wherever the end of the text has a say in what matches, and more text may
 * come, the answer is NULL.
 */


#include "genai_split_int.h"


/* the end of the run of these categories that goes on at p */

GENAI_INLINE const unsigned char *
genai_split_run(const unsigned char *p, const unsigned char *end,
    uint32_t bits)
{
    const unsigned char  *next;

    while (p < end && (genai_split_bit(p, end, &next) & bits)) {
        p = next;
    }

    return p;
}


/* \p{N}{1,max}, behind its first digit */

GENAI_INLINE const unsigned char *
genai_split_digits(const unsigned char *p, const unsigned char *end, int last,
    unsigned max)
{
    const unsigned char  *next;

    while (--max) {

        if (p == end) {
            return last ? p : NULL;
        }

        if (!(genai_split_bit(p, end, &next) & GENAI_GC_N)) {
            break;
        }

        p = next;
    }

    return p;
}


/* [\r\n]*, and with slashes [\r\n/]* */

GENAI_INLINE const unsigned char *
genai_split_newlines(const unsigned char *p, const unsigned char *end,
    int last, int slashes)
{
    while (p < end && (genai_split_newline(*p) || (slashes && *p == '/'))) {
        p++;
    }

    return (p == end && !last) ? NULL : p;
}


/*
 * \s*[\r\n]+|\s+(?!\S)|\s+ where white space is at p: up to its last line
 * feed; else up to its last character, which what follows may begin with,
 * unless nothing follows.
 *
 * newlines is 0 without the first alternative, and -1 with \s+$ before it.
 */

GENAI_INLINE const unsigned char *
genai_split_space(const unsigned char *p, const unsigned char *end, int last,
    int newlines)
{
    const unsigned char  *q, *next, *line, *final;

    line = NULL;
    final = p;
    q = p;

    while (q < end && (genai_split_bit(q, end, &next) & GENAI_GC_SPACE)) {

        if (genai_split_newline(*q)) {
            line = next;
        }

        final = q;
        q = next;
    }

    if (q == end) {

        if (!last) {
            return NULL;
        }

        return (line && newlines > 0) ? line : end;
    }

    if (line && newlines) {
        return line;
    }

    return (final == p) ? q : final;
}


const unsigned char *
genai_split_next_r50k(const unsigned char *p, const unsigned char *end,
    int last)
{
    uint32_t              bit;
    const unsigned char  *q;

    if (*p == '\'') {
        q = genai_split_quote(p, end, last, 0);

        if (q != p) {
            return q;
        }
    }

    bit = genai_split_bit(p, end, &q);

    if (*p == ' ') {

        if (q == end) {
            return last ? q : NULL;
        }

        bit = genai_split_bit(q, end, &q);
    }

    if (bit & GENAI_GC_L) {
        q = genai_split_run(q, end, GENAI_GC_L);

    } else if (bit & GENAI_GC_N) {
        q = genai_split_run(q, end, GENAI_GC_N);

    } else if (bit & GENAI_GC_SPACE) {
        return genai_split_space(p, end, last, 0);

    } else {
        q = genai_split_run(q, end, GENAI_GC_OTHER);
    }

    return (q == end && !last) ? NULL : q;
}


/* of all whose words are [^\r\n\p{L}\p{N}]?\p{L}+ */

GENAI_INLINE const unsigned char *
genai_split_next_plain(const unsigned char *p, const unsigned char *end,
    int last, unsigned digits, int newlines)
{
    uint32_t              bit, second;
    const unsigned char  *q, *next;

    if (*p == '\'') {
        q = genai_split_quote(p, end, last, 1);

        if (q != p) {
            return q;
        }
    }

    bit = genai_split_bit(p, end, &q);

    if (bit & GENAI_GC_N) {
        return genai_split_digits(q, end, last, digits);
    }

    if (!(bit & GENAI_GC_L)) {

        second = 0;
        next = q;

        if (q < end) {
            second = genai_split_bit(q, end, &next);

        } else if (!last) {
            return NULL;
        }

        if ((second & GENAI_GC_L) && !genai_split_newline(*p)) {
            q = next;

        } else if (bit & GENAI_GC_OTHER) {
            q = genai_split_run(q, end, GENAI_GC_OTHER);
            return genai_split_newlines(q, end, last, 0);

        } else if ((second & GENAI_GC_OTHER) && *p == ' ') {
            q = genai_split_run(next, end, GENAI_GC_OTHER);
            return genai_split_newlines(q, end, last, 0);

        } else {
            return genai_split_space(p, end, last, newlines);
        }
    }

    q = genai_split_run(q, end, GENAI_GC_L);

    return (q == end && !last) ? NULL : q;
}


const unsigned char *
genai_split_next_cl100k(const unsigned char *p, const unsigned char *end,
    int last)
{
    return genai_split_next_plain(p, end, last, 3, -1);
}


const unsigned char *
genai_split_next_llama3(const unsigned char *p, const unsigned char *end,
    int last)
{
    return genai_split_next_plain(p, end, last, 3, 1);
}


const unsigned char *
genai_split_next_qwen2(const unsigned char *p, const unsigned char *end,
    int last)
{
    return genai_split_next_plain(p, end, last, 1, 1);
}


/*
 * A word of o200k, whose first letter or mark is at p < end: capitals, then
 * small letters, and those that are both (marks, and letters without case)
 * anywhere.  If no small one follows the first run, the expression goes back
 * to make the last of it one that could be a small one: then the word ends
 * behind the last that is both; if there is none, it is the run.
 */

GENAI_INLINE const unsigned char *
genai_split_word(const unsigned char *p, const unsigned char *end, int last,
    int quotes)
{
    uint32_t              bit;
    const unsigned char  *next, *both;

    both = NULL;

    for ( ;; ) {

        if (p == end) {

            if (!last) {
                return NULL;
            }

            bit = 0;
            break;
        }

        bit = genai_split_bit(p, end, &next);

        if (bit & GENAI_GC_BOTH) {
            both = next;

        } else if (!(bit & GENAI_GC_CAPITAL)) {
            break;
        }

        p = next;
    }

    if (bit & GENAI_GC_SMALL) {
        p = genai_split_run(next, end, GENAI_GC_SMALL|GENAI_GC_BOTH);

        if (p == end && !last) {
            return NULL;
        }

    } else if (both) {
        p = both;
    }

    if (quotes && p < end && *p == '\'') {
        return genai_split_quote(p, end, last, 1);
    }

    return p;
}


GENAI_INLINE const unsigned char *
genai_split_next_cased(const unsigned char *p, const unsigned char *end,
    int last, unsigned digits, int quotes)
{
    uint32_t              bit, second;
    const unsigned char  *q, *next;

    bit = genai_split_bit(p, end, &q);

    if (bit & GENAI_GC_N) {
        return genai_split_digits(q, end, last, digits);
    }

    if (bit & (GENAI_GC_L|GENAI_GC_M)) {
        return genai_split_word(p, end, last, quotes);
    }

    second = 0;

    if (q < end) {
        second = genai_split_bit(q, end, &next);

    } else if (!last) {
        return NULL;
    }

    if ((second & (GENAI_GC_L|GENAI_GC_M)) && !genai_split_newline(*p)) {
        return genai_split_word(q, end, last, quotes);
    }

    if (bit & GENAI_GC_OTHER) {
        q = genai_split_run(q, end, GENAI_GC_OTHER);

    } else if ((second & GENAI_GC_OTHER) && *p == ' ') {
        q = genai_split_run(next, end, GENAI_GC_OTHER);

    } else {
        return genai_split_space(p, end, last, 1);
    }

    return genai_split_newlines(q, end, last, 1);
}


const unsigned char *
genai_split_next_o200k(const unsigned char *p, const unsigned char *end,
    int last)
{
    return genai_split_next_cased(p, end, last, 3, 1);
}


const unsigned char *
genai_split_next_tekken(const unsigned char *p, const unsigned char *end,
    int last)
{
    return genai_split_next_cased(p, end, last, 1, 0);
}


/*
 * DeepSeek's text is cut three times: digits and runs of the writing of
 * Chinese and Japanese are first set apart, and the third expression sees
 * each part as a text of its own.
 */

GENAI_INLINE const unsigned char *
genai_split_part_run(const unsigned char *p, const unsigned char *end,
    int last, int cjk, uint32_t bits)
{
    const unsigned char  *next;

    while (p < end && (genai_split_part(p, end, cjk, &next) & bits)) {
        p = next;
    }

    return (p == end && !last) ? NULL : p;
}


/* \s*[\r\n]+|\s+(?!\S)|\s+, which is in no part of Chinese */

static const unsigned char *
genai_split_part_space(const unsigned char *p, const unsigned char *end,
    int last)
{
    uint32_t              bit;
    const unsigned char  *q, *next, *line, *final;

    line = NULL;
    final = p;
    bit = 0;

    for (q = p; q < end; q = next) {
        bit = genai_split_part(q, end, 0, &next);

        if (!(bit & GENAI_GC_SPACE)) {
            break;
        }

        if (genai_split_newline(*q)) {
            line = next;
        }

        final = q;
    }

    if (q == end && !last) {
        return NULL;
    }

    if (line) {
        return line;
    }

    return (q == end || bit == 0 || final == p) ? q : final;
}


const unsigned char *
genai_split_next_deepseek3(const unsigned char *p, const unsigned char *end,
    int last)
{
    int                   cjk;
    uint32_t              c, bit, second;
    const unsigned char  *q, *next;

    c = genai_split_char(p, end, &q);
    bit = genai_gc_bit(genai_unicode_category(c));

    if (bit & GENAI_GC_N) {
        return genai_split_digits(q, end, last, 3);
    }

    cjk = genai_split_cjk(c);

    if (bit & GENAI_GC_L_M) {
        return genai_split_part_run(q, end, last, cjk, GENAI_GC_L_M);
    }

    second = 0;
    next = q;

    if (q < end) {
        second = genai_split_part(q, end, cjk, &next);

    } else if (!last) {
        return NULL;
    }

    if (bit & GENAI_GC_P_S) {

        if (c < 0x80 && q < end && genai_split_letter(*q)) {

            do {
                q++;
            } while (q < end && genai_split_letter(*q));

            return (q == end && !last) ? NULL : q;
        }

        goto punctuation;
    }

    if ((second & GENAI_GC_L_M) && !genai_split_newline(c)) {
        return genai_split_part_run(next, end, last, cjk, GENAI_GC_L_M);
    }

    if ((second & GENAI_GC_P_S) && c == ' ') {
        q = next;
        goto punctuation;
    }

    if (bit & GENAI_GC_SPACE) {
        return genai_split_part_space(p, end, last);
    }

    /*
     * What nothing matches is a piece up to where something does: all but
     * these characters, and one of them where letters or marks follow.
     */

    while (second
           && !(second & (GENAI_GC_L_M|GENAI_GC_P_S|GENAI_GC_SPACE)))
    {

        if (next == end) {
            return last ? end : NULL;
        }

        second = genai_split_part(next, end, cjk, &p);

        if (second & GENAI_GC_L_M) {
            return q;
        }

        q = next;
        next = p;
    }

    return q;

punctuation:

    q = genai_split_part_run(q, end, last, cjk, GENAI_GC_P_S);

    /* line feeds are another part than that of Chinese */

    return (q && !cjk) ? genai_split_newlines(q, end, last, 0) : q;
}


const unsigned char *
genai_split_next_space(const unsigned char *p, const unsigned char *end,
    int last)
{
    while (p < end && *p == ' ') {
        p++;
    }

    p = (p < end) ? memchr(p, ' ', end - p) : NULL;

    return p ? p : last ? end : NULL;
}


GENAI_INLINE size_t
genai_split_each(genai_split_next_pt next, const genai_str_t *text, int last,
    uint32_t *ends, size_t max)
{
    size_t                n;
    const unsigned char  *p, *end;

    p = text->data;
    end = p + text->len;

    for (n = 0; n < max && p < end; n++) {
        p = next(p, end, last);

        if (p == NULL) {
            break;
        }

        ends[n] = (uint32_t) (p - text->data);
    }

    return n;
}


size_t
genai_split_portable(genai_split_e split, const genai_str_t *text, int last,
    uint32_t *ends, size_t max)
{
    switch (split) {

    case GENAI_SPLIT_R50K:
        return genai_split_each(genai_split_next_r50k, text, last, ends, max);

    case GENAI_SPLIT_CL100K:
        return genai_split_each(genai_split_next_cl100k, text, last, ends,
                                max);

    case GENAI_SPLIT_O200K:
        return genai_split_each(genai_split_next_o200k, text, last, ends,
                                max);

    case GENAI_SPLIT_LLAMA3:
        return genai_split_each(genai_split_next_llama3, text, last, ends,
                                max);

    case GENAI_SPLIT_QWEN2:
        return genai_split_each(genai_split_next_qwen2, text, last, ends,
                                max);

    case GENAI_SPLIT_TEKKEN:
        return genai_split_each(genai_split_next_tekken, text, last, ends,
                                max);

    case GENAI_SPLIT_DEEPSEEK3:
        return genai_split_each(genai_split_next_deepseek3, text, last, ends,
                                max);

    case GENAI_SPLIT_SPACE:
        return genai_split_each(genai_split_next_space, text, last, ends,
                                max);

    default:
        return 0;
    }
}
