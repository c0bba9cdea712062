/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The push scanner's numbers.  One that is here whole is read in one go; one
 * that is cut, or malformed, byte by byte in the state.
 */


#include "genai_push_int.h"


/* places in a number; it may end at those from ZERO on */

#define GENAI_PUSH_SIGN          0
#define GENAI_PUSH_POINT         1
#define GENAI_PUSH_EXP           2
#define GENAI_PUSH_EXP_SIGN      3
#define GENAI_PUSH_ZERO          4
#define GENAI_PUSH_DIGITS        5
#define GENAI_PUSH_FRACTION      6
#define GENAI_PUSH_EXP_DIGITS    7


/* a number that begins at p, and is cut, malformed or very long */

const unsigned char *
genai_push_number_begin(genai_push_t *s, const unsigned char *start,
    const unsigned char *p, const unsigned char *end, uint64_t offset)
{
    s->mark = genai_push_at(p);
    s->nbuf = 0;
    s->number = (*p == '-') ? GENAI_PUSH_SIGN
                : (*p == '0') ? GENAI_PUSH_ZERO
                              : GENAI_PUSH_DIGITS;
    s->state = GENAI_PUSH_AT_NUMBER;
    s->count = 1;

    return genai_push_number(s, start, p, end, offset);
}


/*
 * Steps over numbers and their commas in an array that is not wanted, of
 * which embeddings have thousands.  Returns the last number that is here.
 */

const unsigned char *
genai_push_vector(const unsigned char *p, const unsigned char *end)
{
    const unsigned char  *q;

    for ( ;; ) {
        q = genai_push_number_whole(p, end);

        if (q == NULL || *q != ',') {
            return p;
        }

        do {
            q++;
        } while (q < end && (*q == ' ' || *q == '\n' || *q == '\r'
                             || *q == '\t'));

        if (q == end || (*q != '-' && (*q < '0' || *q > '9'))) {
            return p;
        }

        p = q;
    }
}


/* from inside a number to its end, or to the end */

const unsigned char *
genai_push_number(genai_push_t *s, const unsigned char *start,
    const unsigned char *p, const unsigned char *end, uint64_t offset)
{
    size_t                n;
    unsigned              c;
    const unsigned char  *run;

    run = p;

    /* the first byte was judged where the number began */

    p += s->count;
    s->count = 0;

    for ( /* void */ ; p < end; p++) {
        c = *p;

        if (c >= '0' && c <= '9') {

            switch (s->number) {

            case GENAI_PUSH_SIGN:
                s->number = (c == '0') ? GENAI_PUSH_ZERO : GENAI_PUSH_DIGITS;
                continue;

            case GENAI_PUSH_POINT:
                s->number = GENAI_PUSH_FRACTION;
                continue;

            case GENAI_PUSH_EXP:
            case GENAI_PUSH_EXP_SIGN:
                s->number = GENAI_PUSH_EXP_DIGITS;
                continue;

            case GENAI_PUSH_ZERO:
                break;

            default:
                continue;
            }

        } else if (c == '.') {

            if (s->number == GENAI_PUSH_ZERO
                || s->number == GENAI_PUSH_DIGITS)
            {
                s->number = GENAI_PUSH_POINT;
                continue;
            }

        } else if (c == 'e' || c == 'E') {

            if (s->number >= GENAI_PUSH_ZERO
                && s->number != GENAI_PUSH_EXP_DIGITS)
            {
                s->number = GENAI_PUSH_EXP;
                continue;
            }

        } else if ((c == '+' || c == '-') && s->number == GENAI_PUSH_EXP) {
            s->number = GENAI_PUSH_EXP_SIGN;
            continue;
        }

        if (genai_push_number_end(s, run, p - run, genai_push_at(p)) != 0) {
            return NULL;
        }

        return p;
    }

    /* it may go on with the next feed */

    if (genai_push_want(s) & GENAI_PUSH_WANT_SCALAR) {
        n = p - run;

        if (n > sizeof(s->buf) - s->nbuf) {
            (void) genai_push_fail(s, "a number is too long", s->mark);
            return NULL;
        }

        memcpy(s->buf + s->nbuf, run, n);
        s->nbuf += n;
    }

    return p;
}


int
genai_push_number_end(genai_push_t *s, const unsigned char *p, size_t n,
    uint64_t offset)
{
    if (genai_push_want(s) & GENAI_PUSH_WANT_SCALAR) {

        if (n > sizeof(s->buf) - s->nbuf) {
            return genai_push_fail(s, "a number is too long", s->mark);
        }

        if (s->nbuf) {
            memmove(s->buf + s->nbuf, p, n);
            n += s->nbuf;
            p = s->buf;
        }
    }

    if (s->number < GENAI_PUSH_ZERO) {
        return genai_push_fail(s, s->number == GENAI_PUSH_SIGN
                                  ? "a value is expected"
                                  : "a number is malformed", offset);
    }

    return genai_push_scalar(s, GENAI_TAPE_NUMBER, p, n, offset);
}


int
genai_push_int64(const genai_str_t *text, int64_t *n)
{
    int64_t               v;
    unsigned              c;
    const unsigned char  *p, *end, *safe;

    p = text->data;
    end = p + text->len;
    v = 0;

    if (p == end || *p < '0' || *p > '9') {
        return -1;
    }

    /* eighteen digits always fit */

    safe = (text->len > 18) ? p + 18 : end;

    do {
        v = v * 10 + (*p++ - '0');

        if (p == end) {
            *n = v;
            return 0;
        }

        c = *p - '0';

    } while (c <= 9 && p < safe);

    for ( /* void */ ; p < end; p++) {
        c = *p - '0';

        if (c > 9) {
            break;
        }

        if (v > (INT64_MAX - (int64_t) c) / 10) {
            return -1;
        }

        v = v * 10 + c;
    }

    if (p < end && *p == '.') {
        for (p++; p < end && *p == '0'; p++) { /* void */ }
    }

    if (p != end) {
        return -1;
    }

    *n = v;

    return 0;
}
