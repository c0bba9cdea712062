/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Canonical composition, the form NFC of Unicode Standard Annex 15.
 *
 * A text falls into stretches, each from a character that nothing before it
 * can change up to the next such one; they are normal or not by themselves.
 * Nearly all stretches are one character long.  The check finds the first
 * that is not normal, writing copies up to there, does that one by the book,
 * and goes on.
 */


#include "genai_nfc_int.h"


/* Hangul, which is arithmetic: chapter 3.12 of the standard */

#define GENAI_HANGUL_S  0xac00
#define GENAI_HANGUL_L  0x1100
#define GENAI_HANGUL_V  0x1161
#define GENAI_HANGUL_T  0x11a7

#define GENAI_HANGUL_LS  19
#define GENAI_HANGUL_VS  21
#define GENAI_HANGUL_TS  28
#define GENAI_HANGUL_SS  (GENAI_HANGUL_LS * GENAI_HANGUL_VS * GENAI_HANGUL_TS)

#define GENAI_NFC_HIGHS  UINT64_C(0x8080808080808080)


/* the character at p < end; what is not UTF-8 is anything, never beyond end */

static inline uint32_t
genai_nfc_char(const unsigned char *p, const unsigned char *end,
    const unsigned char **next)
{
    size_t    n;
    uint32_t  c;

    n = (*p < 0x80) ? 1 : (*p < 0xe0) ? 2 : (*p < 0xf0) ? 3 : 4;

    if ((size_t) (end - p) < n) {
        *next = end;
        return GENAI_UNICODE_MAX;
    }

    *next = p + n;

    switch (n) {

    case 1:
        return p[0];

    case 2:
        return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);

    case 3:
        return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);

    default:
        c = (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12
            | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);

        return (c > GENAI_UNICODE_MAX) ? GENAI_UNICODE_MAX : c;
    }
}


uint32_t
genai_nfc_compose(uint32_t first, uint32_t second)
{
    unsigned                 low, high, middle;
    const genai_nfc_pair_t  *pair;

    if (first - GENAI_HANGUL_L < GENAI_HANGUL_LS) {

        if (second - GENAI_HANGUL_V < GENAI_HANGUL_VS) {
            return GENAI_HANGUL_S
                   + ((first - GENAI_HANGUL_L) * GENAI_HANGUL_VS
                      + (second - GENAI_HANGUL_V)) * GENAI_HANGUL_TS;
        }

        return GENAI_NFC_NONE;
    }

    if (first - GENAI_HANGUL_S < GENAI_HANGUL_SS) {

        if ((first - GENAI_HANGUL_S) % GENAI_HANGUL_TS == 0
            && second - GENAI_HANGUL_T - 1 < GENAI_HANGUL_TS - 1)
        {
            return first + (second - GENAI_HANGUL_T);
        }

        return GENAI_NFC_NONE;
    }

    low = 0;
    high = GENAI_NFC_COMPOSES;

    while (low < high) {
        middle = (low + high) / 2;
        pair = &genai_nfc_pairs[genai_nfc_composes[middle]];

        if (pair->first == first && pair->second == second) {
            return pair->c;
        }

        if (pair->first < first
            || (pair->first == first && pair->second < second))
        {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return GENAI_NFC_NONE;
}


/* one step of the canonical decomposition of a character that has one */

static unsigned
genai_nfc_decompose(uint32_t c, uint32_t *first, uint32_t *second)
{
    unsigned  low, high, middle;

    if (c - GENAI_HANGUL_S < GENAI_HANGUL_SS) {
        c -= GENAI_HANGUL_S;

        if (c % GENAI_HANGUL_TS) {
            *first = GENAI_HANGUL_S + c - c % GENAI_HANGUL_TS;
            *second = GENAI_HANGUL_T + c % GENAI_HANGUL_TS;

        } else {
            c /= GENAI_HANGUL_TS;
            *first = GENAI_HANGUL_L + c / GENAI_HANGUL_VS;
            *second = GENAI_HANGUL_V + c % GENAI_HANGUL_VS;
        }

        return 2;
    }

    if (!(genai_nfc_class(c)->flags & GENAI_NFC_DECOMPOSES)) {
        return 0;
    }

    low = 0;
    high = GENAI_NFC_PAIRS;

    while (low < high) {
        middle = (low + high) / 2;

        if (genai_nfc_pairs[middle].c < c) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    if (low < GENAI_NFC_PAIRS && genai_nfc_pairs[low].c == c) {
        *first = genai_nfc_pairs[low].first;
        *second = genai_nfc_pairs[low].second;

        return 2;
    }

    low = 0;
    high = GENAI_NFC_SINGLES;

    while (low < high) {
        middle = (low + high) / 2;

        if (genai_nfc_singles[middle].c < c) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    if (low == GENAI_NFC_SINGLES || genai_nfc_singles[low].c != c) {
        return 0;
    }

    *first = genai_nfc_singles[low].to;

    return 1;
}


/* the class of the last of the characters that a starter is made of */

static unsigned
genai_nfc_tail(uint32_t c)
{
    uint32_t  first, second;

    return (c - GENAI_HANGUL_S >= GENAI_HANGUL_SS
            && genai_nfc_decompose(c, &first, &second) == 2)
           ? genai_nfc_class(second)->ccc : 0;
}


uint32_t
genai_nfc_next(genai_nfc_reader_t *r)
{
    uint32_t  c, first, second;
    unsigned  n;

    if (r->nparts) {
        return r->parts[--r->nparts];
    }

    if (r->p == r->end) {
        return GENAI_NFC_NONE;
    }

    c = genai_nfc_char(r->p, r->end, &r->p);

    /* only the first of two goes on */

    while ((n = genai_nfc_decompose(c, &first, &second)) != 0) {

        if (n == 2) {
            r->parts[r->nparts++] = second;
        }

        c = first;
    }

    return c;
}


/*
 * What is between p and the next character that may not be itself, at most
 * end: ASCII and the rest below U+0300, and the large blocks of Chinese,
 * where no character has a class or is a second one.
 */

static inline const unsigned char *
genai_nfc_skip(const unsigned char *p, const unsigned char *end)
{
    uint64_t  w[4];

    for ( ;; ) {

        while (end - p >= 32) {
            memcpy(w, p, 32);

            if ((w[0] | w[1] | w[2] | w[3]) & GENAI_NFC_HIGHS) {
                break;
            }

            p += 32;
        }

        while (p < end && *p < 0x80) {
            p++;
        }

        if (end - p >= 2 && *p >= 0xc2 && *p < 0xcc) {

            do {
                p += 2;
            } while (end - p >= 2 && *p >= 0xc2 && *p < 0xcc);

            continue;
        }

        if (end - p >= 3 && *p >= 0xe4 && *p < 0xea) {

            do {
                p += 3;
            } while (end - p >= 3 && *p >= 0xe4 && *p < 0xea);

            continue;
        }

        return p;
    }
}


/* where the last character before p begins, at least begin */

static const unsigned char *
genai_nfc_back(const unsigned char *begin, const unsigned char *p)
{
    do {
        p--;
    } while (p > begin && (*p & 0xc0) == 0x80);

    return p;
}


size_t
genai_nfc_check(const genai_str_t *s)
{
    unsigned                  ccc;
    uint32_t                  c, starter;
    const unsigned char      *p, *q, *end, *next, *safe;
    const genai_nfc_class_t  *class;

    p = s->data;
    end = p + s->len;

    /* the last place that nothing behind it can change, and since then: */

    safe = p;
    starter = GENAI_NFC_NONE;       /* what the next one may compose with */
    ccc = 0;                        /* the class of the last character */

    while (p < end) {

        q = genai_nfc_skip(p, end);

        if (q > p) {

            if (q == end) {
                return s->len;
            }

            safe = genai_nfc_back(p, q);
            starter = genai_nfc_char(safe, end, &next);
            ccc = 0;
            p = q;
        }

        c = genai_nfc_char(p, end, &next);
        class = genai_nfc_class(c);

        if (!(class->flags & GENAI_NFC_INSIDE)) {
            safe = p;

            if (class->flags & GENAI_NFC_NEVER) {
                break;
            }

            starter = c;
            ccc = 0;
            p = next;

            continue;
        }

        /* a mark that is part of the starter may be out of order, too */

        if (class->ccc && ccc == 0 && starter != GENAI_NFC_NONE
            && class->ccc < genai_nfc_tail(starter))
        {
            break;
        }

        if ((class->flags & GENAI_NFC_NEVER)
            || (class->ccc && class->ccc < ccc))
        {
            break;
        }

        /* in order so far: blocked is one behind another of its class */

        if ((class->flags & GENAI_NFC_SECOND) && starter != GENAI_NFC_NONE
            && (class->ccc > ccc || ccc == 0)
            && genai_nfc_compose(starter, c) != GENAI_NFC_NONE)
        {
            break;
        }

        if (class->ccc == 0) {
            starter = c;
        }

        ccc = class->ccc;
        p = next;
    }

    return (p < end) ? (size_t) (safe - s->data) : s->len;
}


size_t
genai_nfc_cut(const genai_str_t *s)
{
    uint32_t              c;
    const unsigned char  *p, *next, *end;

    end = s->data + s->len;

    for (p = end; p > s->data; /* void */ ) {
        p = genai_nfc_back(s->data, p);
        c = genai_nfc_char(p, end, &next);

        if (!(genai_nfc_class(c)->flags & GENAI_NFC_INSIDE)) {
            return p - s->data;
        }
    }

    return 0;
}


/*
 * Writes the marks that r is at in the order of their classes, stable, at p,
 * which has room for all that r can give.  A first pass counts the bytes of
 * each class, the second puts each mark at its place.
 *
 * Returns where they end; *c is what follows.
 */

static unsigned char *
genai_nfc_marks(unsigned char *p, genai_nfc_reader_t *r, uint32_t *c)
{
    int                 sorted;
    size_t              len[256], n, sum;
    uint32_t            mark;
    unsigned            ccc, last, i;
    unsigned char      *q;
    genai_nfc_reader_t  look;

    look = *r;
    last = 0;
    sorted = 1;
    q = p;

    for (mark = *c;
         mark != GENAI_NFC_NONE && (ccc = genai_nfc_class(mark)->ccc) != 0;
         mark = genai_nfc_next(&look))
    {
        sorted &= (ccc >= last);
        last = ccc;
        q = genai_nfc_put(q, mark);
    }

    if (sorted) {
        *r = look;
        *c = mark;

        return q;
    }

    memset(len, 0, sizeof(len));
    look = *r;

    for (mark = *c;
         mark != GENAI_NFC_NONE && (ccc = genai_nfc_class(mark)->ccc) != 0;
         mark = genai_nfc_next(&look))
    {
        len[ccc] += (mark < 0x800) ? 2 : (mark < 0x10000) ? 3 : 4;
    }

    for (sum = 0, i = 0; i < 256; i++) {
        n = len[i];
        len[i] = sum;
        sum += n;
    }

    for (mark = *c;
         mark != GENAI_NFC_NONE && (ccc = genai_nfc_class(mark)->ccc) != 0;
         mark = genai_nfc_next(r))
    {
        len[ccc] = genai_nfc_put(p + len[ccc], mark) - p;
    }

    *c = mark;

    return p + sum;
}


/*
 * Composes the marks in [from, to), which are in order, with the starter
 * that was written at p, up to from, and closes the gaps.
 *
 * Returns where all ends; *starter is what it has become.
 */

static unsigned char *
genai_nfc_join(unsigned char *p, unsigned char *from, unsigned char *to,
    uint32_t *starter)
{
    unsigned              ccc, last;
    uint32_t              c, both;
    unsigned char        *kept, *q;
    const unsigned char  *mark, *next;

    last = 0;
    kept = from;

    for (mark = from; mark < to; mark = next) {
        c = genai_nfc_char(mark, to, &next);
        ccc = genai_nfc_class(c)->ccc;

        if (last < ccc) {
            both = genai_nfc_compose(*starter, c);

            if (both != GENAI_NFC_NONE) {
                *starter = both;
                continue;
            }
        }

        last = ccc;

        if (kept != mark) {
            memmove(kept, mark, next - mark);
        }

        kept += next - mark;
    }

    /* it has no more bytes now than before with what it took in */

    if (kept < to) {
        unsigned char  text[4];

        q = genai_nfc_put(text, *starter);
        memmove(p + (q - text), from, kept - from);
        memcpy(p, text, q - text);
        kept += (q - text) - (from - p);
    }

    return kept;
}


/* the stretch [from, to) at dst, which has room for three times as much */

static unsigned char *
genai_nfc_stretch(unsigned char *dst, const unsigned char *from,
    const unsigned char *to)
{
    uint32_t             c, starter, both;
    unsigned char       *p, *marks, *end;
    genai_nfc_reader_t   r;

    r.p = from;
    r.end = to;
    r.nparts = 0;

    c = genai_nfc_next(&r);

    /* marks that follow nothing, at the text's begin */

    p = genai_nfc_marks(dst, &r, &c);

    while (c != GENAI_NFC_NONE) {

        starter = c;

        for ( ;; ) {
            marks = genai_nfc_put(p, starter);
            c = genai_nfc_next(&r);
            end = genai_nfc_marks(marks, &r, &c);

            if (end > marks) {
                end = genai_nfc_join(p, marks, end, &starter);
                marks = genai_nfc_put(p, starter);
            }

            if (end > marks || c == GENAI_NFC_NONE) {
                break;
            }

            /* no mark is left between it and the next one */

            both = genai_nfc_compose(starter, c);

            if (both == GENAI_NFC_NONE) {
                break;
            }

            starter = both;
        }

        p = end;
    }

    return p;
}


size_t
genai_nfc_write(unsigned char *dst, const genai_str_t *s)
{
    size_t                n;
    uint32_t              c;
    genai_str_t           rest;
    unsigned char        *p;
    const unsigned char  *end, *to, *next;

    rest = *s;
    end = s->data + s->len;
    p = dst;

    for ( ;; ) {
        n = genai_nfc_check(&rest);

        if (n) {
            memcpy(p, rest.data, n);
            p += n;
            rest.data += n;
            rest.len -= n;
        }

        if (rest.len == 0) {
            return p - dst;
        }

        (void) genai_nfc_char(rest.data, end, &to);

        while (to < end) {
            c = genai_nfc_char(to, end, &next);

            if (!(genai_nfc_class(c)->flags & GENAI_NFC_INSIDE)) {
                break;
            }

            to = next;
        }

        p = genai_nfc_stretch(p, rest.data, to);

        rest.len = end - to;
        rest.data = (unsigned char *) to;
    }
}
