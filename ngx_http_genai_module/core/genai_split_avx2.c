/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The edition of the splitter for processors with AVX2.
 *
 * A window of 64 bytes is laid where a piece begins.  Vector instructions
 * make bit sets of it: where are letters, digits, blanks and so on; and where
 * a piece begins follows from these by shifts, for all of the window at once.
 * That works because in ASCII nearly all depends on a character and the two
 * before it; the exceptions are few:
 *
 *   - digits are counted in threes, a loop of shifts;
 *   - line feeds behind punctuation belong to it, which an addition that
 *     carries through their run finds;
 *   - of white space what counts is the end of its run, so where a run ends
 *     with the window, only its begin is sure;
 *   - contractions are looked at one by one.
 *
 * The window ends early at what is not ASCII, or too rare to be worth a
 * formula.  What is sure is handed out, and the next window is laid at the
 * last piece's begin, where there is nothing to remember; if nothing is sure,
 * the piece is one for the portable edition.
 */


#include "genai_split_int.h"


#if defined(__x86_64__)

#include <immintrin.h>


#define GENAI_SPLIT_TARGET                                                    \
    __attribute__((target("avx2,bmi,popcnt")))
#define GENAI_SPLIT_INLINE  GENAI_SPLIT_TARGET GENAI_INLINE

#define GENAI_SPLIT_WINDOW  64


/* classes of characters, as bits of a byte */

#define GENAI_SPLIT_SLASH  0x80
#define GENAI_SPLIT_QUOTE  0x40
#define GENAI_SPLIT_DIGIT  0x20
#define GENAI_SPLIT_BLANK  0x10
#define GENAI_SPLIT_TAB    0x08     /* and \v, \f */
#define GENAI_SPLIT_LINE   0x04     /* \n, \r */


/* by the low half of a byte, and by the high one */

static const unsigned char  genai_split_low[16]
    __attribute__((aligned(16))) =
{
    GENAI_SPLIT_DIGIT|GENAI_SPLIT_BLANK,
    GENAI_SPLIT_DIGIT, GENAI_SPLIT_DIGIT, GENAI_SPLIT_DIGIT,
    GENAI_SPLIT_DIGIT, GENAI_SPLIT_DIGIT, GENAI_SPLIT_DIGIT,
    GENAI_SPLIT_DIGIT|GENAI_SPLIT_QUOTE,
    GENAI_SPLIT_DIGIT,
    GENAI_SPLIT_DIGIT|GENAI_SPLIT_TAB,
    GENAI_SPLIT_LINE,
    GENAI_SPLIT_TAB, GENAI_SPLIT_TAB,
    GENAI_SPLIT_LINE,
    0,
    GENAI_SPLIT_SLASH
};

static const unsigned char  genai_split_high[16]
    __attribute__((aligned(16))) =
{
    GENAI_SPLIT_TAB|GENAI_SPLIT_LINE,
    0,
    GENAI_SPLIT_BLANK|GENAI_SPLIT_QUOTE|GENAI_SPLIT_SLASH,
    GENAI_SPLIT_DIGIT,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
};


/* the bits of a window, bit i for its byte i */

typedef struct {
    __m256i  a;                     /* the bytes */
    __m256i  b;
    __m256i  class_a;
    __m256i  class_b;
} genai_split_window_t;


GENAI_SPLIT_INLINE uint64_t
genai_split_gather(__m256i a, __m256i b)
{
    return (uint64_t) (uint32_t) _mm256_movemask_epi8(a)
           | (uint64_t) (uint32_t) _mm256_movemask_epi8(b) << 32;
}


GENAI_SPLIT_INLINE __m256i
genai_split_table(const unsigned char table[16])
{
    return _mm256_broadcastsi128_si256(
                       _mm_load_si128((const __m128i *) (const void *) table));
}


GENAI_SPLIT_INLINE void
genai_split_load(genai_split_window_t *w, const unsigned char *p)
{
    __m256i  low, high, half;

    low = genai_split_table(genai_split_low);
    high = genai_split_table(genai_split_high);
    half = _mm256_set1_epi8(0x0f);

    w->a = _mm256_loadu_si256((const __m256i *) (const void *) p);
    w->b = _mm256_loadu_si256((const __m256i *) (const void *) (p + 32));

    /* a byte with its high bit set looks up a zero in the first table */

    w->class_a = _mm256_and_si256(
                     _mm256_shuffle_epi8(low, w->a),
                     _mm256_shuffle_epi8(high,
                         _mm256_and_si256(_mm256_srli_epi16(w->a, 4), half)));
    w->class_b = _mm256_and_si256(
                     _mm256_shuffle_epi8(low, w->b),
                     _mm256_shuffle_epi8(high,
                         _mm256_and_si256(_mm256_srli_epi16(w->b, 4), half)));
}


/* the bytes of a class; the shifts bring its bit to the top of each byte */

#define genai_split_class(w, class)                                           \
    genai_split_gather(                                                       \
        _mm256_slli_epi16((w)->class_a, __builtin_clz(class) - 24),           \
        _mm256_slli_epi16((w)->class_b, __builtin_clz(class) - 24))


/*
 * Letters are what is below -102 as a signed number when "a", of both cases,
 * was moved to -128.
 */

GENAI_SPLIT_INLINE uint64_t
genai_split_letters(const genai_split_window_t *w)
{
    __m256i  bit, move, top;

    bit = _mm256_set1_epi8(0x20);
    move = _mm256_set1_epi8((char) (0x80 - 'a'));
    top = _mm256_set1_epi8(-128 + 26);

    return genai_split_gather(
               _mm256_cmpgt_epi8(top, _mm256_add_epi8(
                                          _mm256_or_si256(w->a, bit), move)),
               _mm256_cmpgt_epi8(top, _mm256_add_epi8(
                                          _mm256_or_si256(w->b, bit), move)));
}


/* of letters the small ones, and more */

GENAI_SPLIT_INLINE uint64_t
genai_split_small(const genai_split_window_t *w)
{
    return genai_split_gather(_mm256_slli_epi16(w->a, 2),
                              _mm256_slli_epi16(w->b, 2));
}


/* control characters that are no white space */

GENAI_SPLIT_INLINE uint64_t
genai_split_controls(const genai_split_window_t *w)
{
    __m256i  low, del;

    low = _mm256_set1_epi8(0x1f);
    del = _mm256_set1_epi8(0x7f);

    return genai_split_gather(
               _mm256_or_si256(_mm256_cmpeq_epi8(w->a, del),
                               _mm256_cmpeq_epi8(_mm256_min_epu8(w->a, low),
                                                 w->a)),
               _mm256_or_si256(_mm256_cmpeq_epi8(w->b, del),
                               _mm256_cmpeq_epi8(_mm256_min_epu8(w->b, low),
                                                 w->b)));
}


/* the bits below i, which is at most 63 */

GENAI_SPLIT_INLINE uint64_t
genai_split_below(unsigned i)
{
    return (UINT64_C(1) << i) - 1;
}


/* whether a family's words are those of o200k */
#define genai_split_cased(split)                                              \
    ((split) == GENAI_SPLIT_O200K || (split) == GENAI_SPLIT_TEKKEN)

/* whether its digits go in threes */
#define genai_split_threes(split)                                             \
    ((split) != GENAI_SPLIT_R50K && (split) != GENAI_SPLIT_QWEN2              \
     && (split) != GENAI_SPLIT_TEKKEN)


/*
 * Where pieces begin in the window at p, of which n bytes, at least 1 and at
 * most 64, are text in front of anything that is not ASCII.  Bit 0, which is
 * known, is not set, nor is any that is not sure.
 *
 * split is a constant wherever this is expanded.
 */

GENAI_SPLIT_INLINE uint64_t
genai_split_begins(genai_split_e split, const genai_split_window_t *w,
    const unsigned char *p, unsigned n)
{
    size_t    len;
    uint64_t  begins, sure, text, letter, digit, blank, tab, line, space,
              other, single, joined, head, run, x, quote;
    unsigned  i;

    text = (n == 64) ? ~UINT64_C(0) : genai_split_below(n);

    if (split == GENAI_SPLIT_DEEPSEEK3) {
        x = genai_split_controls(w)
            & ~(genai_split_class(w, GENAI_SPLIT_TAB)
                | genai_split_class(w, GENAI_SPLIT_LINE)) & text;

        if (genai_unlikely(x)) {
            n = __builtin_ctzll(x);
            text = genai_split_below(n);

            if (n == 0) {
                return 0;
            }
        }
    }

    sure = text & ~UINT64_C(1);

    letter = genai_split_letters(w) & text;
    digit = genai_split_class(w, GENAI_SPLIT_DIGIT) & text;
    blank = genai_split_class(w, GENAI_SPLIT_BLANK) & text;
    tab = genai_split_class(w, GENAI_SPLIT_TAB) & text;
    line = genai_split_class(w, GENAI_SPLIT_LINE) & text;
    space = blank | tab | line;
    other = text & ~(letter | digit | space);

    /* punctuation: a run, with a blank before it */

    head = other & ~(other << 1) & ~(blank << 1);
    begins = head;

    /* letters: with a blank or one other character before them */

    if (split == GENAI_SPLIT_R50K) {
        joined = blank << 1;

    } else {
        single = head & ~(other >> 1);
        joined = (blank | tab | single) << 1;
    }

    begins |= letter & ~(letter << 1) & ~joined;

    if (genai_split_cased(split)) {
        x = genai_split_small(w) & letter;
        begins |= letter & ~x & (x << 1);
    }

    /* digits */

    if (split == GENAI_SPLIT_R50K) {
        begins |= digit & ~(digit << 1) & ~(blank << 1);

    } else if (genai_split_threes(split)) {
        x = digit & ~(digit << 1);
        run = digit & (digit << 1) & (digit << 2);

        do {
            begins |= x;
            x = (x << 3) & run;
        } while (genai_unlikely(x));

    } else {
        begins |= digit;
    }

    /* white space: R50K knows no line feeds */

    run = space;

    if (split != GENAI_SPLIT_R50K && line) {

        /* those behind punctuation are of its piece */

        x = line & (other << 1);
        x = line & ~(line + x);
        run = space & ~x;

        if (genai_split_cased(split)) {

            /* and with them slashes, which is rare */

            x = genai_split_class(w, GENAI_SPLIT_SLASH) & (x << 1) & sure;

            if (genai_unlikely(x)) {
                sure &= genai_split_below(__builtin_ctzll(x));
            }
        }

        /*
         * up to the last line feed it is one piece, the rest another one:
         * which is what begins behind a line feed, and has none at its end
         */

        x = run & ~line;
        head = x & ((run & line) << 1);
        begins |= head;

        while (genai_unlikely((x + head) & ~x & line)) {
            i = __builtin_ctzll(head);

            if ((x + (UINT64_C(1) << i)) & ~x & line & ~genai_split_below(i))
            {
                begins &= ~(UINT64_C(1) << i);
            }

            head &= head - 1;
        }

        x = run & ~line;

    } else {
        x = run;
    }

    begins |= run & ~(run << 1);

    /* the last character is for what follows */

    x &= (run << 1) & ~(run >> 1);

    if (split == GENAI_SPLIT_DEEPSEEK3) {
        x &= ~(digit >> 1);
    }

    begins |= x;

    if (run >> (n - 1) & 1) {

        /* it may go on */

        x = ~(run << (64 - n));
        i = x ? __builtin_clzll(x) : 64;
        i = (i < n) ? n - i : 0;
        sure &= genai_split_below(i) << 1 | 1;
    }

    if (split != GENAI_SPLIT_O200K && split != GENAI_SPLIT_CL100K
        && split != GENAI_SPLIT_LLAMA3 && split != GENAI_SPLIT_QWEN2
        && split != GENAI_SPLIT_R50K)
    {
        return begins & sure;
    }

    /* contractions: a piece of their own, for o200k the end of a word's */

    quote = genai_split_class(w, GENAI_SPLIT_QUOTE) & text;
    quote &= (split == GENAI_SPLIT_O200K) ? letter << 1
             : ~(other << 1) & ~(blank << 1);

    while (genai_unlikely(quote)) {
        i = __builtin_ctzll(quote);
        quote &= quote - 1;

        if (i + 2 >= n) {

            /* the letters may go on behind the window */

            if (split == GENAI_SPLIT_O200K) {
                sure &= genai_split_below(i);

            } else if (split == GENAI_SPLIT_R50K) {
                sure &= genai_split_below(i) << 1 | 1;
            }

            break;
        }

        if (split == GENAI_SPLIT_R50K) {
            len = genai_split_contraction(p[i + 1], p[i + 2]);

        } else {
            len = genai_split_contraction(p[i + 1] | 0x20, p[i + 2] | 0x20);
        }

        if (len == 0) {
            continue;
        }

        x = (i + len < 64) ? UINT64_C(1) << (i + len) : 0;

        if (split == GENAI_SPLIT_O200K) {
            begins &= ~((x - 1) & ~genai_split_below(i));

            if (i + len < n && p[i + len] == '\'') {

                /* which has no word before it now, but would seem to have */

                sure &= x | (x - 1);
                break;
            }

        } else if (split == GENAI_SPLIT_R50K) {
            begins &= ~((x - 1) & ~(genai_split_below(i) << 1 | 1));
        }

        begins |= letter & x;
    }

    return begins & sure;
}


/* the places of bits, at least 1; writes up to 7 more than there are */

GENAI_SPLIT_INLINE uint32_t *
genai_split_places(uint32_t *ends, uint64_t bits, uint32_t base)
{
    unsigned   i;
    uint32_t  *e;

    e = ends + __builtin_popcountll(bits);

    do {
        for (i = 0; i < 8; i++) {
            ends[i] = base + (uint32_t) _tzcnt_u64(bits);
            bits = _blsr_u64(bits);
        }

        ends += 8;
    } while (genai_unlikely(bits));

    return e;
}


GENAI_SPLIT_INLINE size_t
genai_split_windows(genai_split_e split, genai_split_next_pt next,
    const genai_str_t *text, int last, uint32_t *ends, size_t max)
{
    size_t                 n;
    uint64_t               bits, high;
    uint32_t               base;
    unsigned               len;
    unsigned char          edge[GENAI_SPLIT_WINDOW];
    const unsigned char   *p, *end, *view;
    genai_split_window_t   w;

    p = text->data;
    end = p + text->len;
    n = 0;

    while (n < max && p < end) {

        if (split != GENAI_SPLIT_SPACE
            && (*p >= 0x80 || (end - p > 1 && p[1] >= 0x80)))
        {
            /* most likely a word of another language, with its blank */

            goto one;
        }

        base = (uint32_t) (p - text->data);
        view = p;
        len = GENAI_SPLIT_WINDOW;

        if (end - p < GENAI_SPLIT_WINDOW) {
            len = (unsigned) (end - p);
            memset(edge, 0, sizeof(edge));
            memcpy(edge, p, len);
            view = edge;
        }

        genai_split_load(&w, view);

        if (split == GENAI_SPLIT_SPACE) {
            bits = genai_split_class(&w, GENAI_SPLIT_BLANK);
            bits &= ~(bits << 1) & ~UINT64_C(1);

        } else {
            high = genai_split_gather(w.a, w.b);
            bits = 0;

            if (high) {
                high = __builtin_ctzll(high);
                len = (high < len) ? (unsigned) high : len;
            }

            if (len) {
                bits = genai_split_begins(split, &w, view, len);
            }
        }

        if (bits && max - n >= GENAI_SPLIT_WINDOW) {
            n = genai_split_places(ends + n, bits, base) - ends;
            p += 63 - __builtin_clzll(bits);

            continue;
        }

        if (bits) {

            while (bits && n < max) {
                ends[n++] = base + __builtin_ctzll(bits);
                bits &= bits - 1;
            }

            p = text->data + ends[n - 1];

            continue;
        }

    one:

        p = next(p, end, last);

        if (p == NULL) {
            break;
        }

        ends[n++] = (uint32_t) (p - text->data);
    }

    return n;
}


GENAI_SPLIT_TARGET size_t
genai_split_avx2(genai_split_e split, const genai_str_t *text, int last,
    uint32_t *ends, size_t max)
{
    switch (split) {

    case GENAI_SPLIT_R50K:
        return genai_split_windows(GENAI_SPLIT_R50K, genai_split_next_r50k,
                                   text, last, ends, max);

    case GENAI_SPLIT_CL100K:
        return genai_split_windows(GENAI_SPLIT_CL100K,
                                   genai_split_next_cl100k,
                                   text, last, ends, max);

    case GENAI_SPLIT_O200K:
        return genai_split_windows(GENAI_SPLIT_O200K, genai_split_next_o200k,
                                   text, last, ends, max);

    case GENAI_SPLIT_LLAMA3:
        return genai_split_windows(GENAI_SPLIT_LLAMA3,
                                   genai_split_next_llama3,
                                   text, last, ends, max);

    case GENAI_SPLIT_QWEN2:
        return genai_split_windows(GENAI_SPLIT_QWEN2, genai_split_next_qwen2,
                                   text, last, ends, max);

    case GENAI_SPLIT_TEKKEN:
        return genai_split_windows(GENAI_SPLIT_TEKKEN,
                                   genai_split_next_tekken,
                                   text, last, ends, max);

    case GENAI_SPLIT_DEEPSEEK3:
        return genai_split_windows(GENAI_SPLIT_DEEPSEEK3,
                                   genai_split_next_deepseek3,
                                   text, last, ends, max);

    case GENAI_SPLIT_SPACE:
        return genai_split_windows(GENAI_SPLIT_SPACE, genai_split_next_space,
                                   text, last, ends, max);

    default:
        return 0;
    }
}

#endif /* __x86_64__ */
