/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the push scanner share: the states, and the smallest
 * steps.  Of no use to anybody else.
 */


#ifndef _GENAI_PUSH_INT_H_INCLUDED_
#define _GENAI_PUSH_INT_H_INCLUDED_


#include "genai_push.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif


typedef enum {
    GENAI_PUSH_AT_VALUE = 0,
    GENAI_PUSH_AT_FIRST,           /* a value, or the end of the array */
    GENAI_PUSH_AT_NAME,
    GENAI_PUSH_AT_FIRST_NAME,      /* a name, or the end of the object */
    GENAI_PUSH_AT_COLON,
    GENAI_PUSH_AT_COMMA,           /* behind a value */
    GENAI_PUSH_AT_DONE,
    GENAI_PUSH_AT_TEXT,            /* in a string */
    GENAI_PUSH_AT_ESCAPE,          /* behind its backslash */
    GENAI_PUSH_AT_HEX,
    GENAI_PUSH_AT_PAIR,            /* behind a high surrogate */
    GENAI_PUSH_AT_UTF8,            /* in a character */
    GENAI_PUSH_AT_NUMBER,
    GENAI_PUSH_AT_LITERAL
} genai_push_state_e;


/* what a string is */

#define GENAI_PUSH_KEY_READ      0
#define GENAI_PUSH_KEY_SKIPPED   1
#define GENAI_PUSH_TEXT_SKIPPED  2
#define GENAI_PUSH_TEXT_READ     3

/* in every byte of a word */
#define GENAI_PUSH_ONES  UINT64_C(0x0101010101010101)

/* the name does not fit, so it is in no table */
#define GENAI_PUSH_KEY_LONG      255


/* the offset in the stream of a place in what is being fed */
#define genai_push_at(q)  (offset + ((q) - start))


/*
 * Reads on in a string, from p to behind its closing quote or to the end; the
 * bytes from run to p are plain text of it that has been looked at.  Returns
 * where it stopped, or NULL with the error set.
 */
const unsigned char *genai_push_string(genai_push_t *s,
    const unsigned char *start, const unsigned char *run,
    const unsigned char *p, const unsigned char *end, uint64_t offset);

/*
 * Reads a number from its first byte, where it is cut or malformed, or reads
 * on in one, as above.
 */
const unsigned char *genai_push_number_begin(genai_push_t *s,
    const unsigned char *start, const unsigned char *p,
    const unsigned char *end, uint64_t offset);
const unsigned char *genai_push_number(genai_push_t *s,
    const unsigned char *start, const unsigned char *p,
    const unsigned char *end, uint64_t offset);

/*
 * Steps over numbers and their commas in an array that is not wanted.
 * Returns the last number that is here.
 */
const unsigned char *genai_push_vector(const unsigned char *p,
    const unsigned char *end);

/*
 * A number has ended in front of that offset; p[0 .. n) is what is not yet in
 * s->buf of it.  Returns 0, or -1 with the error set.
 */
int genai_push_number_end(genai_push_t *s, const unsigned char *p, size_t n,
    uint64_t offset);

/* The first byte of p[0 .. end) that is no white space, or end. */
const unsigned char *genai_push_blank(const unsigned char *p,
    const unsigned char *end);

/*
 * As genai_push_match(): tries all members, from the one behind that found
 * last on.
 */
const genai_push_member_t *genai_push_search(genai_push_frame_t *frame,
    const genai_push_node_t *node, const unsigned char *p,
    const unsigned char *end);

/*
 * A number, true, false or null is whole: calls back where it is wanted.
 * Returns 0, or -1 with the error set.
 */
int genai_push_scalar(genai_push_t *s, genai_tape_type_e type,
    const unsigned char *p, size_t n, uint64_t end);

/*
 * Calls back for a piece of the value that is wanted raw, n bytes at that
 * offset.  Returns 0, or -1 with the error set.
 */
int genai_push_raw(genai_push_t *s, const unsigned char *p, size_t n,
    uint64_t offset, unsigned last);


static inline int
genai_push_fail(genai_push_t *s, const char *error, uint64_t offset)
{
    s->error = error;
    s->offset = offset;

    return -1;
}


/* whether the open container of that level, from 1 on, is an object */

static inline unsigned
genai_push_object(genai_push_t *s, unsigned level)
{
    level = s->depth - level;

    return s->objects[level / 64] >> (level % 64) & 1;
}


static inline void
genai_push_bracket(genai_push_t *s, unsigned object)
{
    s->objects[1] = s->objects[1] << 1 | s->objects[0] >> 63;
    s->objects[0] = s->objects[0] << 1 | object;
    s->depth++;
}


static inline void
genai_push_unbracket(genai_push_t *s)
{
    s->objects[0] = s->objects[0] >> 1 | s->objects[1] << 63;
    s->objects[1] >>= 1;
    s->depth--;
}


static inline unsigned
genai_push_want(genai_push_t *s)
{
    return (s->node || s->depth == 0) ? s->nodes[s->node].want : 0;
}


/* calls back with the value's place in its array filled in */

static inline int
genai_push_call(genai_push_t *s, genai_push_value_t *value,
    unsigned node)
{
    value->tag = s->nodes[node].tag;
    value->index = s->index;

    if (s->handler(s->ctx, value) != 0) {
        return genai_push_fail(s, NULL, value->end);
    }

    return 0;
}


/* calls back for a string or scalar that is whole */

static inline int
genai_push_tell(genai_push_t *s, genai_push_e what, genai_tape_type_e type,
    const unsigned char *p, size_t n, uint64_t start, uint64_t end)
{
    genai_push_value_t  value;

    value.what = what;
    value.type = type;
    value.text.data = (unsigned char *) p;
    value.text.len = n;
    value.start = start;
    value.end = end;
    value.first = 1;
    value.last = 1;
    value.escaped = 0;

    return genai_push_call(s, &value, s->node);
}


/*
 * The first byte of p[0 .. end) that ends a run: a quote, a backslash, a
 * control character or one that is not ASCII; or end.
 */

static inline const unsigned char *
genai_push_run(const unsigned char *p, const unsigned char *end)
{
#if defined(__SSE2__)
    int      mask;
    __m128i  v, quote, slash, space;

    quote = _mm_set1_epi8('"');
    slash = _mm_set1_epi8('\\');
    space = _mm_set1_epi8(0x20);

    while (end - p >= 16) {
        v = _mm_loadu_si128((const __m128i *) p);

        /* compared as signed, what is not ASCII is below 0x20 too */

        mask = _mm_movemask_epi8(
                   _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote),
                                             _mm_cmpeq_epi8(v, slash)),
                                _mm_cmplt_epi8(v, space)));
        if (mask) {
            return p + __builtin_ctz(mask);
        }

        p += 16;
    }

#else
    uint64_t  v, quote, slash;

    while (end - p >= 8) {
        memcpy(&v, p, 8);

        quote = v ^ (GENAI_PUSH_ONES * '"');
        slash = v ^ (GENAI_PUSH_ONES * '\\');

        /* a byte less than what is taken away borrows from its high bit */

        if ((v | (v - GENAI_PUSH_ONES * 0x20) | (quote - GENAI_PUSH_ONES)
             | (slash - GENAI_PUSH_ONES)) & (GENAI_PUSH_ONES * 0x80))
        {
            break;
        }

        p += 8;
    }
#endif

    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
        p++;
    }

    return p;
}


/* the end of a run of digits, or end */

static inline const unsigned char *
genai_push_digits(const unsigned char *p, const unsigned char *end)
{
#if defined(__SSE2__)
    int      mask;
    __m128i  v, nine;

    nine = _mm_set1_epi8(9);

    while (end - p >= 16) {
        v = _mm_sub_epi8(_mm_loadu_si128((const __m128i *) p),
                         _mm_set1_epi8('0'));
        mask = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(v, nine), v));

        if (mask != 0xffff) {
            return p + __builtin_ctz(~mask);
        }

        p += 16;
    }
#endif

    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }

    return p;
}


/*
 * The end of the number at p; NULL where it may go on behind end, and where
 * there is anything wrong with it, for genai_push_number() to tell.
 */

static inline const unsigned char *
genai_push_number_whole(const unsigned char *p, const unsigned char *end)
{
    const unsigned char  *q;

    if (*p == '-' && ++p == end) {
        return NULL;
    }

    q = (*p == '0') ? p + 1 : genai_push_digits(p, end);

    if (q == p || q == end) {
        return NULL;
    }

    if (*q == ',' || *q == '}') {
        return q;
    }

    if (*q >= '0' && *q <= '9') {
        return NULL;
    }

    if (*q == '.') {
        p = q + 1;
        q = genai_push_digits(p, end);

        if (q == p) {
            return NULL;
        }
    }

    if (q < end && (*q | 0x20) == 'e') {
        p = q + 1;
        p += (p < end && (*p == '-' || *p == '+'));
        q = genai_push_digits(p, end);

        if (q == p) {
            return NULL;
        }
    }

    return (q < end) ? q : NULL;
}


/* whether p[0 .. end), behind a quote, begins with that name and a quote */

static inline int
genai_push_named(const genai_push_member_t *m, const unsigned char *p,
    const unsigned char *end)
{
    return (size_t) (end - p) > m->len
           && genai_same(m->name, p, m->len + 1);
}


/* the same, where its first 16 bytes are known to be equal */

static inline int
genai_push_rest(const genai_push_member_t *m, const unsigned char *p,
    const unsigned char *end)
{
    size_t  n;

    n = m->len + 1;

    if ((size_t) (end - p) < n) {
        return 0;
    }

    return (n > 32) ? memcmp(m->name + 16, p + 16, n - 16) == 0
                    : memcmp(m->name + n - 16, p + n - 16, 16) == 0;
}


/*
 * The member of the innermost followed object, where p, behind a quote, is
 * its name and the quote behind it; NULL for none.  Most objects have their
 * members in the table's order: the one behind that found last is tried
 * first, and the others in turn.
 */

static inline const genai_push_member_t *
genai_push_match(genai_push_frame_t *frame, const genai_push_node_t *node,
    const unsigned char *p, const unsigned char *end)
{
    const genai_push_member_t  *m;

#if defined(__SSE2__)
    unsigned  equal;

    if (frame->next < node->nmembers && end - p >= 16) {
        m = &node->members[frame->next];

        equal = _mm_movemask_epi8(
                    _mm_cmpeq_epi8(
                        _mm_loadu_si128((const __m128i *) p),
                        _mm_loadu_si128((const __m128i *) m->name)));

        if ((equal | m->over) == 0xffff
            && (m->len < 16 || genai_push_rest(m, p, end)))
        {
            frame->next++;
            return m;
        }
    }
#endif

    return genai_push_search(frame, node, p, end);
}


#endif /* _GENAI_PUSH_INT_H_INCLUDED_ */
