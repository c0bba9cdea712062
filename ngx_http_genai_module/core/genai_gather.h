/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What decoders of answers put together of the pieces that the scanner finds:
 * words, numbers, messages.  Each takes the pieces of one value, in order.
 */


#ifndef _GENAI_GATHER_H_INCLUDED_
#define _GENAI_GATHER_H_INCLUDED_


#include "genai_event.h"
#include "genai_push.h"


/* bytes of what is told where it is short */
#define GENAI_WORD_MAX    128

/* counts are below that, so that sums of a few are numbers, too */
#define GENAI_COUNT_MAX   (INT64_MAX / 8)


typedef struct {
    unsigned char   n;
    unsigned char   data[GENAI_WORD_MAX];
} genai_word_t;


typedef struct {
    unsigned char   n;
    unsigned char   digits[24];
} genai_digits_t;


typedef struct {
    uint16_t        n;
    uint16_t        max;
    unsigned char   data[GENAI_EVENT_MESSAGE_MAX];
} genai_message_text_t;


/* What is told where it is short: a longer one is empty. */

static inline void
genai_gather_word(genai_word_t *w, const genai_push_value_t *v)
{
    if (v->first) {
        w->n = 0;
    }

    if (w->n > GENAI_WORD_MAX
        || v->text.len > (size_t) GENAI_WORD_MAX - w->n)
    {
        w->n = GENAI_WORD_MAX + 1;
        return;
    }

    if (v->text.len) {
        memcpy(w->data + w->n, v->text.data, v->text.len);
        w->n += v->text.len;
    }
}


static inline genai_str_t
genai_word_text(genai_word_t *w)
{
    genai_str_t  s;

    s.data = w->data;
    s.len = (w->n > GENAI_WORD_MAX) ? 0 : w->n;

    return s;
}


/*
 * What is acted on: appends to dst, which has *len of max bytes.  Returns 0,
 * or -1 where there is no room, and nothing was added.
 */

static inline int
genai_gather_bytes(unsigned char *dst, uint16_t *len, unsigned max,
    const genai_push_value_t *v)
{
    if (v->text.len > max - *len) {
        return -1;
    }

    if (v->text.len) {
        memcpy(dst + *len, v->text.data, v->text.len);
        *len += v->text.len;
    }

    return 0;
}


/*
 * A number, which some write as a string.  Returns 0 with *n set; 1 while
 * there is more of it; -1 where it is none, or above GENAI_COUNT_MAX.
 */
int genai_gather_number(genai_digits_t *d, const genai_push_value_t *v,
    int64_t *n);

/* A message, up to the last character that fits. */
void genai_gather_message(genai_message_text_t *m,
    const genai_push_value_t *v);

/* Whether a text is a JSON object. */
unsigned genai_is_object(const genai_str_t *text);


#endif /* _GENAI_GATHER_H_INCLUDED_ */
