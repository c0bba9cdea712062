/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pieces without an end, in steps; the alternatives are those of
 * genai_split_next.c that can go on for ever.
 */


#include "genai_split_int.h"
#include "genai_split_long.h"


typedef enum {
    GENAI_LONG_NONE = 0,
    GENAI_LONG_RUN,             /* of bits, then what may follow it */
    GENAI_LONG_LINES,
    GENAI_LONG_QUOTE,
    GENAI_LONG_SPACE,
    GENAI_LONG_WORD,            /* of o200k, up to its first small letter */
    GENAI_LONG_PART,            /* of deepseek3 */
    GENAI_LONG_PART_SPACE,
    GENAI_LONG_ASCII,
    GENAI_LONG_REST,            /* what nothing matches */
    GENAI_LONG_BLANKS,          /* of SPACE, */
    GENAI_LONG_TEXT,            /* and what is behind them */
    GENAI_LONG_JOINTS
} genai_long_e;


static void genai_split_long_plain(genai_split_long_t *l,
    const genai_str_t *text, int newlines);
static void genai_split_long_cased(genai_split_long_t *l,
    const genai_str_t *text, int quotes);
static void genai_split_long_deepseek3(genai_split_long_t *l,
    const genai_str_t *text);


static void
genai_split_long_run(genai_split_long_t *l, genai_long_e kind, size_t at,
    uint32_t bits)
{
    l->kind = kind;
    l->at = at;
    l->bits = bits;
}


int
genai_split_long_begin(genai_split_long_t *l, genai_split_e split,
    const genai_str_t *text)
{
    uint32_t              bit;
    const unsigned char  *p, *q, *end;

    memset(l, 0, sizeof(genai_split_long_t));

    p = text->data;
    end = p + text->len;

    switch (split) {

    case GENAI_SPLIT_R50K:

        bit = genai_split_bit(p, end, &q);

        if (*p == ' ') {
            bit = genai_split_bit(q, end, &q);
        }

        if (bit & GENAI_GC_SPACE) {
            genai_split_long_run(l, GENAI_LONG_SPACE, 0, 0);
            break;
        }

        genai_split_long_run(l, GENAI_LONG_RUN, q - p,
                             (bit & GENAI_GC_L) ? GENAI_GC_L
                             : (bit & GENAI_GC_N) ? GENAI_GC_N
                                                  : GENAI_GC_OTHER);
        break;

    case GENAI_SPLIT_CL100K:
        genai_split_long_plain(l, text, -1);
        break;

    case GENAI_SPLIT_LLAMA3:
    case GENAI_SPLIT_QWEN2:
        genai_split_long_plain(l, text, 1);
        break;

    case GENAI_SPLIT_O200K:
        genai_split_long_cased(l, text, 1);
        break;

    case GENAI_SPLIT_TEKKEN:
        genai_split_long_cased(l, text, 0);
        break;

    case GENAI_SPLIT_DEEPSEEK3:
        genai_split_long_deepseek3(l, text);
        break;

    case GENAI_SPLIT_SPACE:
        genai_split_long_run(l, GENAI_LONG_BLANKS, 0, 0);
        break;

    default:
        return -1;
    }

    l->sure = l->at;

    return 0;
}


void
genai_split_long_joints(genai_split_long_t *l, const uint64_t *joints)
{
    memset(l, 0, sizeof(genai_split_long_t));

    genai_split_long_run(l, GENAI_LONG_JOINTS, 1, 0);
    l->sure = 1;
    l->joints = joints;
}


static void
genai_split_long_plain(genai_split_long_t *l, const genai_str_t *text,
    int newlines)
{
    uint32_t              bit, second;
    const unsigned char  *p, *q, *next, *end;

    p = text->data;
    end = p + text->len;

    bit = genai_split_bit(p, end, &q);
    second = genai_split_bit(q, end, &next);

    if (bit & GENAI_GC_L) {
        genai_split_long_run(l, GENAI_LONG_RUN, q - p, GENAI_GC_L);

    } else if ((second & GENAI_GC_L) && !genai_split_newline(*p)) {
        genai_split_long_run(l, GENAI_LONG_RUN, next - p, GENAI_GC_L);

    } else if ((bit & GENAI_GC_OTHER)
               || ((second & GENAI_GC_OTHER) && *p == ' '))
    {
        genai_split_long_run(l, GENAI_LONG_RUN, q - p, GENAI_GC_OTHER);
        l->lines = 1;

    } else {
        genai_split_long_run(l, GENAI_LONG_SPACE, 0, 0);
        l->newlines = (int8_t) newlines;
    }
}


static void
genai_split_long_cased(genai_split_long_t *l, const genai_str_t *text,
    int quotes)
{
    uint32_t              bit, second;
    const unsigned char  *p, *q, *next, *end;

    p = text->data;
    end = p + text->len;

    bit = genai_split_bit(p, end, &q);
    second = genai_split_bit(q, end, &next);

    l->quotes = (unsigned) quotes & 1;

    if (bit & GENAI_GC_L_M) {
        genai_split_long_run(l, GENAI_LONG_WORD, 0, 0);

    } else if ((second & GENAI_GC_L_M) && !genai_split_newline(*p)) {
        genai_split_long_run(l, GENAI_LONG_WORD, q - p, 0);

    } else if ((bit & GENAI_GC_OTHER)
               || ((second & GENAI_GC_OTHER) && *p == ' '))
    {
        genai_split_long_run(l, GENAI_LONG_RUN, q - p, GENAI_GC_OTHER);
        l->lines = 1;
        l->slashes = 1;
        l->quotes = 0;

    } else {
        genai_split_long_run(l, GENAI_LONG_SPACE, 0, 0);
        l->newlines = 1;
    }
}


static void
genai_split_long_deepseek3(genai_split_long_t *l, const genai_str_t *text)
{
    uint32_t              c, bit, second;
    const unsigned char  *p, *q, *next, *end;

    p = text->data;
    end = p + text->len;

    c = genai_split_char(p, end, &q);
    bit = genai_gc_bit(genai_unicode_category(c));

    l->cjk = genai_split_cjk(c);

    second = genai_split_part(q, end, l->cjk, &next);

    if (bit & GENAI_GC_L_M) {
        genai_split_long_run(l, GENAI_LONG_PART, q - p, GENAI_GC_L_M);

    } else if ((bit & GENAI_GC_P_S) && c < 0x80 && genai_split_letter(*q)) {
        genai_split_long_run(l, GENAI_LONG_ASCII, q - p, 0);

    } else if (bit & GENAI_GC_P_S) {
        genai_split_long_run(l, GENAI_LONG_PART, q - p, GENAI_GC_P_S);
        l->lines = !l->cjk;

    } else if ((second & GENAI_GC_L_M) && !genai_split_newline(c)) {
        genai_split_long_run(l, GENAI_LONG_PART, next - p, GENAI_GC_L_M);

    } else if ((second & GENAI_GC_P_S) && c == ' ') {
        genai_split_long_run(l, GENAI_LONG_PART, next - p, GENAI_GC_P_S);
        l->lines = !l->cjk;

    } else if (bit & GENAI_GC_SPACE) {
        genai_split_long_run(l, GENAI_LONG_PART_SPACE, 0, 0);
        l->newlines = 1;

    } else {
        genai_split_long_run(l, GENAI_LONG_REST, q - p, 0);
    }
}


void
genai_split_long_skip(genai_split_long_t *l, size_t n)
{
    l->at -= n;
    l->sure -= n;
    l->mark = (l->mark > n) ? l->mark - n : 0;
}


/* the end of white space, see genai_split_space(); 0 if it is not known */

static size_t
genai_split_long_space(genai_split_long_t *l, const genai_str_t *text,
    int last, const unsigned char *stop)
{
    size_t                final;
    uint32_t              bit;
    const unsigned char  *p, *end, *next;

    p = text->data + l->at;
    end = text->data + text->len;

    for ( ;; ) {

        if (p >= stop && (p < end || !last)) {
            l->at = p - text->data;
            return 0;
        }

        bit = 0;
        next = p;

        if (p < end) {
            bit = (l->kind == GENAI_LONG_SPACE)
                  ? genai_split_bit(p, end, &next)
                  : genai_split_part(p, end, 0, &next);
        }

        if (!(bit & GENAI_GC_SPACE)) {
            break;
        }

        if (l->newlines && genai_split_newline(*p)) {
            l->mark = next - text->data;
        }

        /* the last one is for what follows, if something does */

        final = p - text->data;
        l->sure = l->mark ? l->mark : final;
        p = next;
    }

    if (l->mark && (p < end || l->newlines > 0)) {
        return l->mark;
    }

    if (p == end || (bit == 0 && l->kind == GENAI_LONG_PART_SPACE)) {
        return p - text->data;
    }

    do {
        p--;
    } while ((*p & 0xc0) == 0x80);

    return p - text->data;
}


size_t
genai_split_long(genai_split_long_t *l, const genai_str_t *text, int last,
    size_t max)
{
    int                   more;
    uint32_t              bit;
    const unsigned char  *p, *q, *end, *stop, *next;

    end = text->data + text->len;
    stop = text->data + l->at;
    stop = (max < (size_t) (end - stop)) ? stop + max : end;

    for ( ;; ) {

        p = text->data + l->at;
        bit = 0;

        switch (l->kind) {

        case GENAI_LONG_RUN:

            while (p < stop && (genai_split_bit(p, end, &next) & l->bits)) {
                p = next;
            }

            break;

        case GENAI_LONG_LINES:

            while (p < stop && (genai_split_newline(*p)
                                || (l->slashes && *p == '/')))
            {
                p++;
            }

            break;

        case GENAI_LONG_QUOTE:

            q = genai_split_quote(p, end, last, 1);

            return q ? (size_t) (q - text->data) : 0;

        case GENAI_LONG_SPACE:
        case GENAI_LONG_PART_SPACE:
            return genai_split_long_space(l, text, last, stop);

        case GENAI_LONG_WORD:

            while (p < stop) {
                bit = genai_split_bit(p, end, &next);

                if (bit & GENAI_GC_BOTH) {
                    l->mark = next - text->data;

                } else if (!(bit & GENAI_GC_CAPITAL)) {
                    break;
                }

                p = next;
            }

            break;

        case GENAI_LONG_PART:

            while (p < stop
                   && (genai_split_part(p, end, l->cjk, &next) & l->bits))
            {
                p = next;
            }

            break;

        case GENAI_LONG_ASCII:

            while (p < stop && genai_split_letter(*p)) {
                p++;
            }

            break;

        case GENAI_LONG_REST:

            /* letters and marks take the last character before them */

            while (p < stop) {
                bit = genai_split_part(p, end, l->cjk, &next);

                if (bit == 0
                    || (bit & (GENAI_GC_L_M|GENAI_GC_P_S|GENAI_GC_SPACE)))
                {
                    break;
                }

                l->sure = p - text->data;
                p = next;
            }

            break;

        case GENAI_LONG_BLANKS:

            while (p < stop && *p == ' ') {
                p++;
            }

            break;

        case GENAI_LONG_TEXT:

            p = (p < stop) ? memchr(p, ' ', stop - p) : NULL;
            p = p ? p : stop;
            break;

        default: /* GENAI_LONG_JOINTS */

            while (p < stop && (l->joints[p[-1] * 4 + *p / 64] >> *p % 64 & 1))
            {
                p++;
            }

            break;
        }

        more = (p >= stop);
        l->at = p - text->data;

        if (l->kind == GENAI_LONG_WORD) {
            l->sure = l->mark ? l->mark : l->at;

        } else if (l->kind != GENAI_LONG_REST) {
            l->sure = l->at;
        }

        if (more && p < end) {
            return 0;
        }

        if (more) {
            return !last ? 0
                   : (l->kind == GENAI_LONG_WORD) ? l->sure : l->at;
        }

        switch (l->kind) {

        case GENAI_LONG_RUN:
        case GENAI_LONG_PART:

            if (l->lines) {
                l->kind = GENAI_LONG_LINES;
                continue;
            }

            break;

        case GENAI_LONG_WORD:

            if (bit & GENAI_GC_SMALL) {
                l->kind = GENAI_LONG_RUN;
                l->bits = GENAI_GC_SMALL|GENAI_GC_BOTH;
                l->mark = 0;
                continue;
            }

            p = text->data + l->sure;
            break;

        case GENAI_LONG_REST:

            return (bit & GENAI_GC_L_M) ? l->sure : l->at;

        case GENAI_LONG_BLANKS:
            l->kind = GENAI_LONG_TEXT;
            continue;

        default:
            break;
        }

        if (l->quotes && *p == '\'') {
            l->kind = GENAI_LONG_QUOTE;
            l->at = p - text->data;
            continue;
        }

        return p - text->data;
    }
}
