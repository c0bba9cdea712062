/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The scanner's one loop, private to genai_scan*.c.  Each edition's file
 * includes it after it has defined
 *
 *     GENAI_SCAN_RUN         the name of the function that is made here
 *     GENAI_SCAN_TARGET      an attribute of all its functions, or nothing
 *     genai_scan_plain(p)    whether p[0 .. 64) are all ASCII, without
 *                            quotes, backslashes and control characters
 *     genai_scan_strings(p, m)    sets m->quote, slash, control, high
 *     genai_scan_syntax(p, m)     sets m->op, space
 *     genai_scan_utf8(p)     whether no sequence is wrong that ends, or is
 *                            found to be cut off, in p[0 .. 64); a sequence
 *                            may begin in p[-3 .. 0)
 *
 * where the sets have bit i for p[i], and p[-3 .. 64) can be read.
 */


#ifndef _GENAI_SCAN_WALK_H_INCLUDED_
#define _GENAI_SCAN_WALK_H_INCLUDED_


#include "genai_scan.h"


#define GENAI_SCAN_BLOCK  64
#define GENAI_SCAN_NONE   SIZE_MAX

#define GENAI_INLINE  static inline __attribute__((always_inline))

#define genai_unlikely(e)  __builtin_expect(!!(e), 0)
#define genai_likely(e)    __builtin_expect(!!(e), 1)


/* what the grammar waits for */

enum {
    GENAI_WANT_ROOT = 0,            /* the outermost value */
    GENAI_WANT_VALUE,               /* of a member */
    GENAI_WANT_FIRST,               /* element, or the array's end */
    GENAI_WANT_ELEMENT,
    GENAI_WANT_FIRST_KEY,           /* or the object's end */
    GENAI_WANT_KEY,
    GENAI_WANT_COLON,
    GENAI_WANT_MORE,                /* members: a comma, or the end */
    GENAI_WANT_MORE_ELEMENTS,
    GENAI_WANT_END,                 /* of the text */
    GENAI_WANT_QUOTE,               /* the closing one, of a value */
    GENAI_WANT_KEY_QUOTE,
    GENAI_WANT_DIGITS,              /* the rest of a number */
    GENAI_WANT_NOTHING,             /* the tape is there */
    GENAI_WANT_FAILED
};


/* what a number waits for */

enum {
    GENAI_NUMBER_SIGN = 0,          /* or the first digit */
    GENAI_NUMBER_INT,               /* the first digit */
    GENAI_NUMBER_INTS,              /* further ones, a point, an exponent */
    GENAI_NUMBER_POINT,             /* or an exponent */
    GENAI_NUMBER_FRAC,              /* the first digit behind the point */
    GENAI_NUMBER_FRACS,
    GENAI_NUMBER_EXP_SIGN,          /* or the first digit */
    GENAI_NUMBER_EXP,
    GENAI_NUMBER_EXPS
};


typedef struct {
    uint64_t  quote;
    uint64_t  slash;
    uint64_t  control;
    uint64_t  high;
    uint64_t  op;                   /* may have control characters, too */
    uint64_t  space;
} genai_scan_sets_t;


/* what may stand behind a number or a literal */
extern const unsigned char  genai_scan_delimiter[256];

/*
 * Stores the error, returns GENAI_SCAN_ERROR.  Without a text it is found out
 * what is wrong with the string there.
 */
int genai_scan_fail(genai_scan_t *s, size_t offset, const char *error);

/*
 * Ends the scan behind the text's last byte: all is well only where the
 * grammar waits for nothing more.
 */
int genai_scan_finish(genai_scan_t *s);

/* Makes room for a further entry; -1 with the error stored for offset. */
int genai_scan_grow(genai_scan_t *s, size_t offset);

/*
 * Goes through the escapes of the block at offset o with the backslashes
 * slash; sets *escaped to the characters that are escaped and s->escaped for
 * the next block.  Returns where the first bad one is, or GENAI_SCAN_NONE.
 */
size_t genai_scan_escapes(genai_scan_t *s, size_t o, uint64_t slash,
    uint64_t *escaped);

/*
 * Looks at the sequences that begin in text[o .. o + 64), and at one that may
 * have begun up to three bytes before, one by one and each as a whole.
 * Returns where the first bad one begins, or GENAI_SCAN_NONE.
 */
size_t genai_scan_utf8_at(const genai_scan_t *s, size_t o);

/*
 * Goes on with the number that s->number tells of at *p, which is before
 * end.  Returns -1 where it is malformed at *p; 1 where it may end at *p,
 * which is at end or at what is no part of it; 0 where it may not, at end.
 */
int genai_scan_number(genai_scan_t *s, const unsigned char **p,
    const unsigned char *end);

int genai_scan_portable(genai_scan_t *s, size_t budget);
int genai_scan_sse2(genai_scan_t *s, size_t budget);
int genai_scan_avx2(genai_scan_t *s, size_t budget);


/*
 * How many bytes before p, 0 to 3, are the begin of a sequence that is not
 * complete yet, provided that all before it is well-formed.
 */

GENAI_INLINE unsigned
genai_scan_cut(const unsigned char *p)
{
    if (p[-1] < 0x80) {
        return 0;
    }

    return (p[-1] >= 0xc0) ? 1 : (p[-2] >= 0xe0) ? 2 : (p[-3] >= 0xf0) ? 3 : 0;
}


/* bit i is the exclusive or of the bits 0 to i */

GENAI_INLINE uint64_t
genai_scan_prefix_xor(uint64_t x)
{
    x ^= x << 1;
    x ^= x << 2;
    x ^= x << 4;
    x ^= x << 8;
    x ^= x << 16;
    x ^= x << 32;

    return x;
}


/* the bits below i, which is at most 63 */

GENAI_INLINE uint64_t
genai_scan_below(unsigned i)
{
    return (UINT64_C(1) << i) - 1;
}


#endif /* _GENAI_SCAN_WALK_H_INCLUDED_ */


#ifdef GENAI_SCAN_RUN


/* takes the next place of the block, or ends it to wait for what */

#define genai_scan_next(what)                                                 \
    if (bits == 0) {                                                          \
        state = what;                                                         \
        goto end_of_block;                                                    \
    }                                                                         \
                                                                              \
    i = __builtin_ctzll(bits);                                                \
    bits &= bits - 1

#define genai_scan_push(kind, at)                                             \
    if (genai_unlikely(n == s->room)) {                                       \
        s->n = n;                                                             \
                                                                              \
        if (genai_scan_grow(s, o + i) != 0) {                                 \
            return GENAI_SCAN_ERROR;                                          \
        }                                                                     \
                                                                              \
        entries = s->entries;                                                 \
    }                                                                         \
                                                                              \
    e = &entries[n++];                                                        \
    e->type = kind;                                                           \
    e->offset = at;                                                           \
    e->next = n


GENAI_SCAN_TARGET int
GENAI_SCAN_RUN(genai_scan_t *s, size_t budget)
{
    int                   rc;
    size_t                o, last, stop, bad, at;
    uint32_t              n, state, open, depth;
    uint64_t              bits, in, string, scalar, prev, escaped;
    unsigned              i, j, type, object;
    unsigned char         edge[16 + GENAI_SCAN_BLOCK];
    genai_entry_t        *e, *entries;
    genai_scan_sets_t     m;
    const unsigned char  *p, *q, *text, *end;

    text = s->text;
    end = text + s->len;
    last = s->len & ~(size_t) (GENAI_SCAN_BLOCK - 1);

    o = s->done;
    stop = (budget < s->len - o) ? o + (budget ? budget : 1) : SIZE_MAX;

    entries = s->entries;
    n = s->n;
    state = s->state;
    open = s->open;
    depth = s->depth;
    string = s->string;
    prev = s->scalar;

    object = (depth && entries[open].type == GENAI_TAPE_OBJECT);

next_block:

    if (string && o && !s->escaped && !genai_scan_cut(text + o)) {

        /* most bytes are in long strings of nothing but text */

        while (o < last && o < stop && genai_scan_plain(text + o)) {
            o += GENAI_SCAN_BLOCK;
        }
    }

    if (o >= stop) {
        s->done = o;
        s->n = n;
        s->state = state;
        s->open = open;
        s->depth = depth;
        s->string = string;
        s->scalar = prev;

        return GENAI_SCAN_AGAIN;
    }

    p = text + o;

    if (genai_unlikely(o == 0 || o == last)) {

        /*
         * what is before the text and behind it must not be read, and white
         * space there does no harm; the last block may be nothing else
         */

        memset(edge, ' ', sizeof(edge));

        if (o) {
            memcpy(edge + 13, p - 3, 3);
        }

        memcpy(edge + 16, p, (o == last) ? s->len - o : GENAI_SCAN_BLOCK);
        p = edge + 16;
    }

    genai_scan_strings(p, &m);

    /* where the first error within a string is */

    bad = GENAI_SCAN_NONE;
    escaped = s->escaped;

    if (m.slash) {
        bad = genai_scan_escapes(s, o, m.slash, &escaped);

    } else {
        s->escaped = 0;
    }

    if (m.high ? !genai_scan_utf8(p) : genai_scan_cut(p)) {
        at = genai_scan_utf8_at(s, o);
        bad = (at < bad) ? at : bad;
    }

    m.quote &= ~escaped;
    in = string;

    if (m.quote) {
        in ^= genai_scan_prefix_xor(m.quote);
    }

    if (m.control & in) {
        at = o + __builtin_ctzll(m.control & in);
        bad = (at < bad) ? at : bad;
    }

    if (string) {

        if (m.quote == 0) {
            entries[n - 1].type |= m.slash ? GENAI_TAPE_ESCAPED : 0;

            if (genai_unlikely(bad != GENAI_SCAN_NONE)) {
                goto bad_string;
            }

            prev = 0;
            goto next;
        }

        if (m.slash & genai_scan_below(__builtin_ctzll(m.quote))) {
            entries[n - 1].type |= GENAI_TAPE_ESCAPED;
        }
    }

    genai_scan_syntax(p, &m);

    scalar = ~(m.op | m.space | m.quote | in);
    bits = (m.op & ~in) | m.quote | (scalar & ~(scalar << 1 | prev));

    prev = scalar >> 63;
    string = 0 - (in >> 63);

    if (genai_unlikely(bad != GENAI_SCAN_NONE)) {

        /* an error of the grammar may come before, or be the same byte */

        bits = (bad < o) ? 0
               : bits & (genai_scan_below(bad - o) << 1 | 1);
    }

    switch (state) {
    case GENAI_WANT_ROOT:           goto want_root;
    case GENAI_WANT_VALUE:          goto want_value;
    case GENAI_WANT_FIRST:          goto want_first;
    case GENAI_WANT_ELEMENT:        goto want_element;
    case GENAI_WANT_FIRST_KEY:      goto want_first_key;
    case GENAI_WANT_KEY:            goto want_key;
    case GENAI_WANT_COLON:          goto want_colon;
    case GENAI_WANT_MORE:           goto want_more;
    case GENAI_WANT_MORE_ELEMENTS:  goto want_more_elements;
    case GENAI_WANT_END:            goto want_end;
    case GENAI_WANT_QUOTE:          goto want_quote;
    case GENAI_WANT_KEY_QUOTE:      goto want_key_quote;
    default: /* GENAI_WANT_DIGITS */
        i = 0;
        q = text + o;
        e = &entries[n - 1];
        goto digits;
    }

want_root:

    genai_scan_next(GENAI_WANT_ROOT);
    goto value;

want_first:

    genai_scan_next(GENAI_WANT_FIRST);

    if (p[i] == ']') {
        goto close;
    }

    goto value;

want_element:

    genai_scan_next(GENAI_WANT_ELEMENT);
    goto value;

want_first_key:

    genai_scan_next(GENAI_WANT_FIRST_KEY);

    if (p[i] == '}') {
        goto close;
    }

    goto key;

want_key:

    genai_scan_next(GENAI_WANT_KEY);

key:

    if (p[i] != '"') {
        return genai_scan_fail(s, o + i, "a member's name is expected");
    }

    genai_scan_push(GENAI_TAPE_STRING | GENAI_TAPE_KEY, o + i + 1);

    if (bits == 0) {
        e->type |= (m.slash >> i) ? GENAI_TAPE_ESCAPED : 0;
    }

    j = i;

    genai_scan_next(GENAI_WANT_KEY_QUOTE);

    e->len = i - j - 1;
    e->type |= (m.slash & (genai_scan_below(i) ^ genai_scan_below(j)))
               ? GENAI_TAPE_ESCAPED : 0;

want_colon:

    genai_scan_next(GENAI_WANT_COLON);

    if (p[i] != ':') {
        return genai_scan_fail(s, o + i, "a colon is missing");
    }

want_value:

    genai_scan_next(GENAI_WANT_VALUE);

value:

    switch (p[i]) {

    case '"':
        genai_scan_push(GENAI_TAPE_STRING, o + i + 1);

        if (bits == 0) {
            e->type |= (m.slash >> i) ? GENAI_TAPE_ESCAPED : 0;
        }

        j = i;

        genai_scan_next(GENAI_WANT_QUOTE);

        e->len = i - j - 1;
        e->type |= (m.slash & (genai_scan_below(i) ^ genai_scan_below(j)))
                   ? GENAI_TAPE_ESCAPED : 0;
        goto after;

    case '{':
    case '[':
        if (depth == GENAI_SCAN_DEPTH) {
            return genai_scan_fail(s, o + i, "the text is nested too deep");
        }

        object = (p[i] == '{');
        type = object ? GENAI_TAPE_OBJECT : GENAI_TAPE_ARRAY;

        genai_scan_push(type, o + i);

        /* while it is open, next is the index of what it is in */

        e->next = open;
        open = n - 1;
        depth++;

        if (object) {
            goto want_first_key;
        }

        goto want_first;

    case 't':
        type = GENAI_TAPE_TRUE;
        j = 4;
        q = (const unsigned char *) "true";
        break;

    case 'f':
        type = GENAI_TAPE_FALSE;
        j = 5;
        q = (const unsigned char *) "false";
        break;

    case 'n':
        type = GENAI_TAPE_NULL;
        j = 4;
        q = (const unsigned char *) "null";
        break;

    case '-':
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':

        genai_scan_push(GENAI_TAPE_NUMBER, o + i);

        q = text + o + i;
        s->number = GENAI_NUMBER_SIGN;

        goto digits;

    default:
        return genai_scan_fail(s, o + i, "a value is expected");
    }

    if (s->len - o - i < j || memcmp(text + o + i, q, j) != 0) {
        return genai_scan_fail(s, o + i, "a value is expected");
    }

    genai_scan_push(type, o + i);
    e->len = j;
    q = text + o + i + j;

    goto delimiter;

digits:

    /* a number may be as long as the text: no further than this block */

    at = (s->len - o < GENAI_SCAN_BLOCK) ? s->len : o + GENAI_SCAN_BLOCK;

    rc = genai_scan_number(s, &q, text + at);

    if (rc == -1 || (rc == 0 && q == end)) {
        return genai_scan_fail(s, q - text, "a number is malformed");
    }

    if (q == text + o + GENAI_SCAN_BLOCK && q != end) {

        /* all that is left of the block is the number */

        state = GENAI_WANT_DIGITS;
        goto end_of_block;
    }

    e->len = q - text - e->offset;

delimiter:

    if (q < end && !genai_scan_delimiter[*q]) {
        return genai_scan_fail(s, q - text,
                               depth ? "a comma is missing"
                                     : "there are bytes after the value");
    }

after:

    if (object) {
        goto want_more;
    }

    if (depth) {
        goto want_more_elements;
    }

want_end:

    genai_scan_next(GENAI_WANT_END);

    return genai_scan_fail(s, o + i, "there are bytes after the value");

want_more:

    genai_scan_next(GENAI_WANT_MORE);

    if (p[i] == ',') {
        goto want_key;
    }

    if (p[i] == '}') {
        goto close;
    }

    return genai_scan_fail(s, o + i, "a comma is missing");

want_more_elements:

    genai_scan_next(GENAI_WANT_MORE_ELEMENTS);

    if (p[i] == ',') {
        goto want_element;
    }

    if (p[i] != ']') {
        return genai_scan_fail(s, o + i, "a comma is missing");
    }

close:

    e = &entries[open];
    e->len = o + i + 1 - e->offset;

    open = e->next;
    e->next = n;

    object = (--depth && entries[open].type == GENAI_TAPE_OBJECT);

    goto after;

want_quote:

    /* the string began in a block before this one */

    genai_scan_next(GENAI_WANT_QUOTE);

    e = &entries[n - 1];
    e->len = o + i - e->offset;

    goto after;

want_key_quote:

    genai_scan_next(GENAI_WANT_KEY_QUOTE);

    e = &entries[n - 1];
    e->len = o + i - e->offset;

    goto want_colon;

end_of_block:

    if (genai_unlikely(bad != GENAI_SCAN_NONE)) {
        goto bad_string;
    }

next:

    if (o == last) {
        s->done = s->len;
        s->n = n;
        s->state = state;
        s->open = open;
        s->depth = depth;

        return genai_scan_finish(s);
    }

    o += GENAI_SCAN_BLOCK;

    goto next_block;

bad_string:

    return genai_scan_fail(s, bad, NULL);
}


#undef genai_scan_next
#undef genai_scan_push


#endif /* GENAI_SCAN_RUN */
