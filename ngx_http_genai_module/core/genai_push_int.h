/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the two halves of the push scanner share: the states, and the
 * smallest steps.  Of no use to anybody else.
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

/* the name does not fit, so it is in no table */
#define GENAI_PUSH_KEY_LONG      255


/* the offset in the stream of a place in what is being fed */
#define genai_push_at(q)  (offset + ((q) - start))


/*
 * Reads on in a string, from p to behind its closing quote or to the end.
 * Returns where it stopped, or NULL with the error set.
 */
const unsigned char *genai_push_string(genai_push_t *s,
    const unsigned char *start, const unsigned char *p,
    const unsigned char *end, uint64_t offset);

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


static inline unsigned
genai_push_index(genai_push_t *s)
{
    return s->frames ? s->frame[s->frames - 1].index : 0;
}


/* calls back with the value's place in its array filled in */

static inline int
genai_push_call(genai_push_t *s, genai_push_value_t *value,
    unsigned node)
{
    value->tag = s->nodes[node].tag;
    value->index = genai_push_index(s);

    if (s->handler(s->ctx, value) != 0) {
        return genai_push_fail(s, NULL, value->end);
    }

    return 0;
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
#endif

    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
        p++;
    }

    return p;
}


/* the node of a name in the innermost followed object, 0 for none */

static inline unsigned
genai_push_match(genai_push_t *s, const unsigned char *name, size_t len)
{
    unsigned                    n;
    const genai_push_node_t    *node;
    const genai_push_member_t  *m;

    node = &s->nodes[s->frame[s->frames - 1].node];
    m = node->members;

    for (n = node->nmembers; n; n--, m++) {
        if (m->len == len && m->name[0] == (char) name[0]
            && memcmp(m->name, name, len) == 0)
        {
            return m->node;
        }
    }

    return 0;
}


#endif /* _GENAI_PUSH_INT_H_INCLUDED_ */
