/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_gather.h"


int
genai_gather_number(genai_digits_t *d, const genai_push_value_t *v,
    int64_t *n)
{
    unsigned  i;

    if (v->what == GENAI_PUSH_SCALAR) {
        return (genai_push_int64(&v->text, n) == 0 && *n <= GENAI_COUNT_MAX)
               ? 0 : -1;
    }

    if (v->first) {
        d->n = 0;
    }

    if (v->text.len > sizeof(d->digits) - d->n) {
        d->n = sizeof(d->digits);
        return v->last ? -1 : 1;
    }

    if (v->text.len) {
        memcpy(d->digits + d->n, v->text.data, v->text.len);
        d->n += v->text.len;
    }

    if (!v->last) {
        return 1;
    }

    /* the scanner has not looked at what is in a string */

    for (i = 0, *n = 0; i < d->n; i++) {

        if (d->digits[i] < '0' || d->digits[i] > '9'
            || *n > GENAI_COUNT_MAX / 10 - 1)
        {
            return -1;
        }

        *n = *n * 10 + (d->digits[i] - '0');
    }

    return d->n ? 0 : -1;
}


void
genai_gather_message(genai_message_text_t *m, const genai_push_value_t *v)
{
    size_t  n;

    if (v->first) {
        m->n = 0;
        m->max = GENAI_EVENT_MESSAGE_MAX;
    }

    n = v->text.len;

    if (n > (size_t) m->max - m->n) {
        n = m->max - m->n;

        while (n && (v->text.data[n] & 0xc0) == 0x80) {
            n--;
        }
    }

    if (n) {
        memcpy(m->data + m->n, v->text.data, n);
        m->n += n;
    }

    if (n < v->text.len) {
        m->max = m->n;
    }
}


/* a scanner that looks for nothing finds what is wrong */

static int
genai_gather_nothing(void *ctx, const genai_push_value_t *v)
{
    return 0;
}


unsigned
genai_is_object(const genai_str_t *text)
{
    size_t        i;
    genai_push_t  push;

    static const genai_push_node_t  nodes[] = { { 0, 0, 0, 0, NULL } };

    for (i = 0; i < text->len && memchr(" \t\r\n", text->data[i], 4); i++) {
        /* void */
    }

    if (i == text->len || text->data[i] != '{') {
        return 0;
    }

    genai_push_init(&push, nodes, genai_gather_nothing, NULL);

    return genai_push_feed(&push, text->data, text->len, 0) == 0
           && genai_push_end(&push, text->len) == 0;
}
