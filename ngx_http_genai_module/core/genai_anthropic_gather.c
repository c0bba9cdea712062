/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is gathered of an answer in Anthropic's dialect before it is told:
 * names, numbers, usage, errors.
 */


#include "genai_anthropic_answer_int.h"


/*
 * What message_delta tells corrects message_start, number by number; but
 * nothing is none: some tell zeros of what they have told before.
 */

void
genai_aa_usage(genai_anthropic_answer_t *a, const genai_push_value_t *v)
{
    unsigned  i, any;

    if (v->what == GENAI_PUSH_ENTER) {

        for (i = 0; i < GENAI_ANTHROPIC_COUNTS; i++) {
            a->now[i] = -1;
        }

        return;
    }

    if (a->message) {

        if (a->again) {
            return;
        }

        /* it has only begun */

        a->now[GENAI_ANTHROPIC_OUTPUT] = -1;
        a->now[GENAI_ANTHROPIC_THINKING] = -1;
    }

    any = 0;

    for (i = 0; i < GENAI_ANTHROPIC_COUNTS; i++) {

        if (a->now[i] >= 0) {
            any = 1;

            if (a->now[i] > 0 || a->count[i] < 0) {
                a->count[i] = a->now[i];
            }
        }
    }

    if (any) {
        a->usage_start = v->start;
        a->usage_end = v->end;
        a->base.chunk |= GENAI_CHUNK_USAGE;
    }
}


/* gathers a number, which may be a string; 1: not yet; -1: it is none */

int
genai_aa_number(genai_anthropic_answer_t *a, const genai_push_value_t *v,
    int64_t *n)
{
    genai_str_t  text;

    if (v->what == GENAI_PUSH_SCALAR) {
        return genai_push_int64(&v->text, n);
    }

    if (v->first) {
        a->ndigits = 0;
    }

    if (v->text.len > sizeof(a->digits) - a->ndigits) {
        a->ndigits = sizeof(a->digits);
        return v->last ? -1 : 1;
    }

    if (v->text.len) {
        memcpy(a->digits + a->ndigits, v->text.data, v->text.len);
        a->ndigits += v->text.len;
    }

    if (!v->last) {
        return 1;
    }

    text.data = a->digits;
    text.len = a->ndigits;

    /* the scanner has not looked at what is in a string */

    for (*n = 0; text.len; text.len--, text.data++) {

        if (*text.data < '0' || *text.data > '9'
            || *n > (INT64_MAX - 9) / 10)
        {
            return -1;
        }

        *n = *n * 10 + (*text.data - '0');
    }

    return a->ndigits ? 0 : -1;
}


int
genai_aa_count(genai_anthropic_answer_t *a, const genai_push_value_t *v,
    unsigned which)
{
    int64_t  n;

    /* what is no count is not told; sums of three of them are no more */

    if (genai_aa_number(a, v, &n) == 0 && n <= INT64_MAX / 8) {
        a->now[which] = n;
    }

    return 0;
}


/* gathers what is acted on */

int
genai_aa_gather(genai_anthropic_answer_t *a, const genai_push_value_t *v,
    unsigned char *dst, uint16_t *len, unsigned max, const char *error)
{
    if (v->first) {
        a->mark = v->start;
    }

    if (v->text.len > max - *len) {
        a->fault = error;
        return -1;
    }

    if (v->text.len) {
        memcpy(dst + *len, v->text.data, v->text.len);
        *len += v->text.len;
    }

    return 0;
}


/* gathers what is told where it is short; n above the maximum: it is not */

int
genai_aa_word(genai_anthropic_word_t *w, const genai_push_value_t *v)
{
    if (v->first) {
        w->n = 0;
    }

    if (w->n > GENAI_ANTHROPIC_WORD_MAX
        || v->text.len > (size_t) GENAI_ANTHROPIC_WORD_MAX - w->n)
    {
        w->n = GENAI_ANTHROPIC_WORD_MAX + 1;
        return 0;
    }

    if (v->text.len) {
        memcpy(w->data + w->n, v->text.data, v->text.len);
        w->n += v->text.len;
    }

    return 0;
}


int
genai_aa_error_value(genai_anthropic_answer_t *a, const genai_push_value_t *v)
{
    if (v->what == GENAI_PUSH_ENTER
        || (v->what != GENAI_PUSH_LEAVE && v->first))
    {
        genai_aa_error_clear(a);
        a->mark = v->start;
    }

    if (v->what == GENAI_PUSH_STRING
        || (v->what == GENAI_PUSH_SCALAR && v->text.data[0] != 'n'
            && v->text.data[0] != 'f' && v->text.data[0] != '0'))
    {
        (void) genai_aa_message(a, v);
    }

    if (v->what == GENAI_PUSH_LEAVE ? v->end - v->start > 2
                                    : v->last && a->nmessage)
    {
        return genai_aa_error(a, a->mark, v->end);
    }

    return 0;
}


/* gathers an error's message up to the last character that fits */

int
genai_aa_message(genai_anthropic_answer_t *a, const genai_push_value_t *v)
{
    size_t  n;

    if (v->first) {
        a->nmessage = 0;
        a->message_max = GENAI_EVENT_MESSAGE_MAX;
    }

    n = v->text.len;

    if (n > (size_t) a->message_max - a->nmessage) {
        n = a->message_max - a->nmessage;

        while (n && (v->text.data[n] & 0xc0) == 0x80) {
            n--;
        }
    }

    if (n) {
        memcpy(a->u.error.message + a->nmessage, v->text.data, n);
        a->nmessage += n;
    }

    if (n < v->text.len) {
        a->message_max = a->nmessage;
    }

    return 0;
}


/* where there is an answer it is no error, and the room is the answer's */

int
genai_aa_flat(genai_anthropic_answer_t *a, const genai_push_value_t *v)
{
    if (a->base.chunk & (GENAI_CHUNK_CHOICES|GENAI_CHUNK_ERROR)) {
        return 0;
    }

    a->mark = v->first ? v->start : a->mark;

    return genai_aa_message(a, v);
}


int
genai_aa_error(genai_anthropic_answer_t *a, uint64_t start, uint64_t end)
{
    genai_event_t  e;

    a->base.chunk |= GENAI_CHUNK_ERROR;

    genai_answer_event(&e, GENAI_EVENT_ERROR);

    e.text.data = a->u.error.message;
    e.text.len = a->nmessage;
    e.id = genai_aa_word_text(&a->u.error.code);
    e.name = genai_aa_word_text(&a->u.error.kind);
    e.start = start;
    e.end = end;

    a->nmessage = 0;

    return (genai_aa_call(a, &e) < 0) ? -1 : 0;
}
