/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The push scanner's strings.  A string is a run of bytes of the input that
 * grows as far as it needs no decoding; the loop that extends it looks at
 * sixteen bytes at a time.  What may be cut between two feeds and must not be
 * cut for the reader, a character and an escape, is gathered byte by byte in
 * the state.
 */


#include "genai_push_int.h"


static int genai_push_piece(genai_push_t *s, const unsigned char *p, size_t n,
    uint64_t offset, unsigned last);
static int genai_push_decoded(genai_push_t *s, uint32_t code, uint64_t end);
static unsigned genai_push_gathered(genai_push_t *s);
static int genai_push_lead(genai_push_t *s, unsigned c);
static const unsigned char *genai_push_characters(genai_push_t *s,
    const unsigned char *p, const unsigned char *end);


/* from inside a string to behind its closing quote, or to the end */

const unsigned char *
genai_push_string(genai_push_t *s, const unsigned char *start,
    const unsigned char *run, const unsigned char *p,
    const unsigned char *end, uint64_t offset)
{
    unsigned              c;
    uint32_t              code;
    const unsigned char  *q;

    while (p < end) {

        switch (s->state) {

        case GENAI_PUSH_AT_TEXT:

            p = genai_push_run(p, end);

            if (p == end) {
                continue;
            }

            c = *p;

            if (c >= 0x80) {
                q = genai_push_characters(s, p, end);

                if (q > p) {
                    p = q;
                    continue;
                }
            }

            if (genai_push_piece(s, run, p - run, genai_push_at(run), c == '"')
                != 0)
            {
                return NULL;
            }

            if (c == '"') {

                if (s->kind == GENAI_PUSH_KEY_READ) {
                    s->node = genai_push_gathered(s);
                    s->state = GENAI_PUSH_AT_COLON;

                } else if (s->kind == GENAI_PUSH_KEY_SKIPPED) {
                    s->state = GENAI_PUSH_AT_COLON;

                } else {
                    s->state = s->depth ? GENAI_PUSH_AT_COMMA
                                        : GENAI_PUSH_AT_DONE;
                }

                return p + 1;
            }

            s->mark = genai_push_at(p);

            if (c == '\\') {
                s->state = GENAI_PUSH_AT_ESCAPE;
                s->high = 0;
                p++;
                continue;
            }

            if (c < 0x20) {
                (void) genai_push_fail(s,
                                       "a string has a raw control character",
                                       genai_push_at(p));
                return NULL;
            }

            if (genai_push_lead(s, c) != 0) {
                goto utf8;
            }

            /* cut, or malformed further on: byte by byte */

            if (s->run) {
                if (genai_push_raw(s, s->run, p - s->run,
                                   genai_push_at(s->run), 0)
                    != 0)
                {
                    return NULL;
                }

                s->run = NULL;
            }

            s->carry[0] = c;
            s->count = 1;
            s->state = GENAI_PUSH_AT_UTF8;
            p++;
            continue;

        case GENAI_PUSH_AT_UTF8:

            c = *p;

            if (c < s->low || c > s->top) {
                goto utf8;
            }

            s->low = 0x80;
            s->top = 0xbf;
            s->carry[s->count++] = c;
            p++;

            if (--s->need) {
                continue;
            }

            if (s->raw) {
                if (genai_push_raw(s, s->carry, s->count, s->mark, 0) != 0) {
                    return NULL;
                }

                s->run = p;

            } else if (genai_push_piece(s, s->carry, s->count, s->mark, 0)
                       != 0)
            {
                return NULL;
            }

            s->state = GENAI_PUSH_AT_TEXT;
            run = p;
            continue;

        case GENAI_PUSH_AT_ESCAPE:

            c = *p++;

            switch (c) {

            case '"':
            case '\\':
            case '/':
                break;

            case 'b':
                c = '\b';
                break;

            case 'f':
                c = '\f';
                break;

            case 'n':
                c = '\n';
                break;

            case 'r':
                c = '\r';
                break;

            case 't':
                c = '\t';
                break;

            case 'u':
                s->count = 0;
                s->code = 0;
                s->state = GENAI_PUSH_AT_HEX;
                continue;

            default:
                goto escape;
            }

            if (genai_push_decoded(s, c, genai_push_at(p)) != 0) {
                return NULL;
            }

            s->state = GENAI_PUSH_AT_TEXT;
            run = p;
            continue;

        case GENAI_PUSH_AT_HEX:

            c = *p++;

            if (c >= '0' && c <= '9') {
                c -= '0';

            } else {
                c |= 0x20;

                if (c < 'a' || c > 'f') {
                    goto escape;
                }

                c -= 'a' - 10;
            }

            s->code = s->code << 4 | c;

            if (++s->count < 4) {
                continue;
            }

            code = s->code;

            if (s->high) {
                if (code < 0xdc00 || code > 0xdfff) {
                    goto lone;
                }

                code = 0x10000 + ((s->high - 0xd800) << 10) + (code - 0xdc00);

            } else if (code >= 0xd800 && code <= 0xdfff) {

                if (code >= 0xdc00) {
                    goto lone;
                }

                s->high = code;
                s->count = 0;
                s->state = GENAI_PUSH_AT_PAIR;
                continue;
            }

            if (genai_push_decoded(s, code, genai_push_at(p)) != 0) {
                return NULL;
            }

            s->state = GENAI_PUSH_AT_TEXT;
            run = p;
            continue;

        default: /* GENAI_PUSH_AT_PAIR */

            if (*p++ != (s->count ? 'u' : '\\')) {
                goto lone;
            }

            if (++s->count == 2) {
                s->count = 0;
                s->code = 0;
                s->state = GENAI_PUSH_AT_HEX;
            }

            continue;
        }
    }

    /* a run that goes on with the next feed */

    if (s->state == GENAI_PUSH_AT_TEXT && run < p
        && genai_push_piece(s, run, p - run, genai_push_at(run), 0) != 0)
    {
        return NULL;
    }

    return p;

utf8:

    (void) genai_push_fail(s, "a string is not UTF-8", s->mark);
    return NULL;

escape:

    (void) genai_push_fail(s, "a string has a bad escape",
                           genai_push_at(p) - 1);
    return NULL;

lone:

    (void) genai_push_fail(s, "an escape is a lone surrogate",
                           genai_push_at(p) - 1);
    return NULL;
}


/* the node of a member whose name has been gathered, 0 for none */

static unsigned
genai_push_gathered(genai_push_t *s)
{
    genai_push_frame_t         *frame;
    const genai_push_member_t  *m;

    if (s->nbuf == GENAI_PUSH_KEY_LONG
        || memchr(s->buf, '"', s->nbuf) != NULL)
    {
        return 0;
    }

    s->buf[s->nbuf] = '"';

    frame = &s->frame[s->frames - 1];
    m = genai_push_search(frame, &s->nodes[frame->node], s->buf,
                          s->buf + s->nbuf + 1);

    return m ? m->node : 0;
}


/*
 * What the first byte of a character of two to four says of the rest: by the
 * table of well-formed sequences of the Unicode standard (3.9, table 3-7).
 */

static int
genai_push_lead(genai_push_t *s, unsigned c)
{
    s->low = 0x80;
    s->top = 0xbf;

    if (c < 0xc2 || c > 0xf4) {
        return -1;
    }

    if (c < 0xe0) {
        s->need = 1;

    } else if (c < 0xf0) {
        s->need = 2;
        s->low = (c == 0xe0) ? 0xa0 : 0x80;
        s->top = (c == 0xed) ? 0x9f : 0xbf;

    } else {
        s->need = 3;
        s->low = (c == 0xf0) ? 0x90 : 0x80;
        s->top = (c == 0xf4) ? 0x8f : 0xbf;
    }

    return 0;
}


/* the end of the characters from p on that are well-formed and here whole */

static const unsigned char *
genai_push_characters(genai_push_t *s, const unsigned char *p,
    const unsigned char *end)
{
    unsigned  n;

    while (p < end && *p >= 0x80) {

        /* most of what is not ASCII: three bytes without any special case */

        if (*p > 0xe0 && *p < 0xed && end - p >= 3
            && ((p[1] ^ 0x80) | (p[2] ^ 0x80)) < 0x40)
        {
            p += 3;
            continue;
        }

        if (genai_push_lead(s, *p) != 0 || (size_t) (end - p) <= s->need
            || p[1] < s->low || p[1] > s->top)
        {
            break;
        }

        for (n = 2; n <= s->need && (p[n] & 0xc0) == 0x80; n++) { /* void */ }

        if (n <= s->need) {
            break;
        }

        p += n;
    }

    return p;
}


/* a piece of a string, n undecoded bytes at that offset */

static int
genai_push_piece(genai_push_t *s, const unsigned char *p, size_t n,
    uint64_t offset, unsigned last)
{
    genai_push_value_t  value;

    if (s->kind != GENAI_PUSH_TEXT_READ) {

        if (s->kind == GENAI_PUSH_KEY_READ && s->nbuf != GENAI_PUSH_KEY_LONG
            && n)
        {
            if (n > (size_t) GENAI_PUSH_KEY_MAX - s->nbuf) {
                s->nbuf = GENAI_PUSH_KEY_LONG;
                return 0;
            }

            memcpy(s->buf + s->nbuf, p, n);
            s->nbuf += n;
        }

        return 0;
    }

    if (n == 0 && !last) {
        return 0;
    }

    value.what = GENAI_PUSH_STRING;
    value.type = GENAI_TAPE_STRING;
    value.text.data = (unsigned char *) p;
    value.text.len = n;
    value.start = offset;
    value.end = offset + n;
    value.first = s->first;
    value.last = last;
    value.escaped = 0;

    s->first = 0;

    return genai_push_call(s, &value, s->node);
}


/* a piece that is one character, made of the escape [s->mark, end) */

static int
genai_push_decoded(genai_push_t *s, uint32_t code, uint64_t end)
{
    size_t               n;
    genai_push_value_t   value;
    unsigned char       *p;

    if (s->kind == GENAI_PUSH_TEXT_SKIPPED
        || s->kind == GENAI_PUSH_KEY_SKIPPED)
    {
        return 0;
    }

    p = s->carry;

    if (code < 0x80) {
        *p++ = code;

    } else if (code < 0x800) {
        *p++ = 0xc0 | code >> 6;
        *p++ = 0x80 | (code & 0x3f);

    } else if (code < 0x10000) {
        *p++ = 0xe0 | code >> 12;
        *p++ = 0x80 | (code >> 6 & 0x3f);
        *p++ = 0x80 | (code & 0x3f);

    } else {
        *p++ = 0xf0 | code >> 18;
        *p++ = 0x80 | (code >> 12 & 0x3f);
        *p++ = 0x80 | (code >> 6 & 0x3f);
        *p++ = 0x80 | (code & 0x3f);
    }

    n = p - s->carry;

    if (s->kind == GENAI_PUSH_KEY_READ) {
        return genai_push_piece(s, s->carry, n, s->mark, 0);
    }

    value.what = GENAI_PUSH_STRING;
    value.type = GENAI_TAPE_STRING;
    value.text.data = s->carry;
    value.text.len = n;
    value.start = s->mark;
    value.end = end;
    value.first = s->first;
    value.last = 0;
    value.escaped = 1;

    s->first = 0;

    return genai_push_call(s, &value, s->node);
}
