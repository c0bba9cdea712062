/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The scanner is a machine with a state for every place where the input may
 * be cut.  The open brackets are bits of a 128-bit stack.  The containers
 * that the table follows are the outermost ones, so each of them, and none
 * but them, has a frame, and a level deeper than the frames is being stepped
 * over: that needs no more than the bits.
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


static int genai_push_scan(genai_push_t *s, const unsigned char *start,
    const unsigned char *end, uint64_t offset);
static const unsigned char *genai_push_number(genai_push_t *s,
    const unsigned char *start, const unsigned char *p,
    const unsigned char *end, uint64_t offset);
static int genai_push_number_end(genai_push_t *s, const unsigned char *p,
    size_t n, uint64_t offset);
static int genai_push_open(genai_push_t *s, const unsigned char *p,
    uint64_t offset);
static int genai_push_close(genai_push_t *s, const unsigned char *p,
    uint64_t offset);
static int genai_push_scalar(genai_push_t *s, genai_json_type_e type,
    const unsigned char *p, size_t n, uint64_t end);


/* whether the open container of that level, from 1 on, is an object */

static inline unsigned
genai_push_object(genai_push_t *s, unsigned level)
{
    level--;

    return s->objects[level / 64] >> (level % 64) & 1;
}


static inline unsigned
genai_push_want(genai_push_t *s)
{
    return (s->node || s->depth == 0) ? s->nodes[s->node].want : 0;
}


void
genai_push_init(genai_push_t *s, const genai_push_node_t *nodes,
    genai_push_pt handler, void *ctx)
{
    /* what is left out is set before it is read */

    s->nodes = nodes;
    s->handler = handler;
    s->ctx = ctx;
    s->error = NULL;
    s->run = NULL;
    s->state = GENAI_PUSH_AT_VALUE;
    s->node = 0;
    s->depth = 0;
    s->frames = 0;
    s->raw = 0;
    s->nbuf = 0;
    s->high = 0;
}


int
genai_push_feed(genai_push_t *s, const unsigned char *p, size_t n,
    uint64_t offset)
{
    int       rc;
    uint64_t  start, end;

    if (n == 0) {
        return 0;
    }

    if (s->raw && s->state != GENAI_PUSH_AT_UTF8) {
        s->run = p;
    }

    rc = genai_push_scan(s, p, p + n, offset);

    if (s->run == NULL || (rc != 0 && s->error == NULL)) {
        return rc;
    }

    /* a raw value goes on; of a broken one what stood before the fault */

    start = offset + (s->run - p);
    end = rc ? s->offset : offset + n;

    if (genai_push_raw(s, s->run, end - start, start, 0) != 0) {
        return -1;
    }

    s->run = NULL;

    return rc;
}


static int
genai_push_scan(genai_push_t *s, const unsigned char *start,
    const unsigned char *end, uint64_t offset)
{
    unsigned              c, object;
    const unsigned char  *p, *q;

    p = start;

    while (p < end) {

        if (s->state <= GENAI_PUSH_AT_DONE) {
            c = *p;

            if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
                p++;
                continue;
            }

        } else {
            c = 0;
        }

        switch (s->state) {

        case GENAI_PUSH_AT_FIRST:

            if (c == ']') {
                if (genai_push_close(s, p, genai_push_at(p)) != 0) {
                    return -1;
                }

                p++;
                continue;
            }

            /* fall through */

        case GENAI_PUSH_AT_VALUE:

            switch (c) {

            case '"':
                s->kind = (genai_push_want(s) & GENAI_PUSH_WANT_STRING)
                          ? GENAI_PUSH_TEXT_READ : GENAI_PUSH_TEXT_SKIPPED;

                if (s->kind == GENAI_PUSH_TEXT_READ) {
                    s->first = 1;
                }

                s->state = GENAI_PUSH_AT_TEXT;
                p++;
                continue;

            case '{':
            case '[':
                if (genai_push_open(s, p, genai_push_at(p)) != 0) {
                    return -1;
                }

                p++;
                continue;

            case 't':
                s->literal = "true";
                break;

            case 'f':
                s->literal = "false";
                break;

            case 'n':
                s->literal = "null";
                break;

            default:
                if (c != '-' && (c < '0' || c > '9')) {
                    return genai_push_fail(s, "a value is expected",
                                           genai_push_at(p));
                }

                s->mark = genai_push_at(p);

                s->nbuf = 0;
                s->number = (c == '-') ? GENAI_PUSH_SIGN
                            : (c == '0') ? GENAI_PUSH_ZERO
                                         : GENAI_PUSH_DIGITS;
                s->state = GENAI_PUSH_AT_NUMBER;
                s->count = 1;
                continue;
            }

            s->mark = genai_push_at(p);

            s->count = 0;
            s->state = GENAI_PUSH_AT_LITERAL;
            continue;

        case GENAI_PUSH_AT_LITERAL:

            while (p < end && s->literal[s->count]) {
                if (*p != (unsigned char) s->literal[s->count]) {
                    return genai_push_fail(s, "a value is expected",
                                           genai_push_at(p));
                }

                p++;
                s->count++;
            }

            if (s->literal[s->count] == '\0') {
                c = s->literal[0];

                if (genai_push_scalar(s, c == 'n' ? GENAI_JSON_NULL
                                         : c == 't' ? GENAI_JSON_TRUE
                                                    : GENAI_JSON_FALSE,
                                      (const unsigned char *) s->literal,
                                      s->count, genai_push_at(p))
                    != 0)
                {
                    return -1;
                }
            }

            continue;

        case GENAI_PUSH_AT_NUMBER:

            p = genai_push_number(s, start, p, end, offset);
            break;

        case GENAI_PUSH_AT_FIRST_NAME:

            if (c == '}') {
                if (genai_push_close(s, p, genai_push_at(p)) != 0) {
                    return -1;
                }

                p++;
                continue;
            }

            /* fall through */

        case GENAI_PUSH_AT_NAME:

            if (c != '"') {
                return genai_push_fail(s, "a member's name is expected",
                                       genai_push_at(p));
            }

            p++;
            s->state = GENAI_PUSH_AT_TEXT;

            if (s->depth != s->frames) {
                s->kind = GENAI_PUSH_KEY_SKIPPED;
                continue;
            }

            /* nearly every name is whole and plain */

            q = genai_push_run(p, end);

            if (q < end && *q == '"') {
                s->node = genai_push_match(s, p, q - p);
                s->state = GENAI_PUSH_AT_COLON;
                p = q + 1;
                continue;
            }

            s->kind = GENAI_PUSH_KEY_READ;
            s->nbuf = 0;
            continue;

        case GENAI_PUSH_AT_COLON:

            if (c != ':') {
                return genai_push_fail(s, "a colon is missing",
                                       genai_push_at(p));
            }

            p++;
            s->state = GENAI_PUSH_AT_VALUE;
            continue;

        case GENAI_PUSH_AT_COMMA:

            object = genai_push_object(s, s->depth);

            if (c == ',') {
                p++;

                if (object) {
                    s->state = GENAI_PUSH_AT_NAME;
                    continue;
                }

                s->state = GENAI_PUSH_AT_VALUE;

                if (s->depth == s->frames) {
                    s->frame[s->frames - 1].index++;
                    s->node = s->nodes[s->frame[s->frames - 1].node].element;
                }

                continue;
            }

            if (c != (object ? '}' : ']')) {
                return genai_push_fail(s, "a comma is missing",
                                       genai_push_at(p));
            }

            if (genai_push_close(s, p, genai_push_at(p)) != 0) {
                return -1;
            }

            p++;
            continue;

        case GENAI_PUSH_AT_DONE:

            return genai_push_fail(s, "there are bytes after the value",
                                   genai_push_at(p));

        default:

            p = genai_push_string(s, start, p, end, offset);
        }

        if (p == NULL) {
            return -1;
        }
    }

    return 0;
}


static const unsigned char *
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


static int
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

    return genai_push_scalar(s, GENAI_JSON_NUMBER, p, n, offset);
}


static int
genai_push_scalar(genai_push_t *s, genai_json_type_e type,
    const unsigned char *p, size_t n, uint64_t end)
{
    genai_push_value_t  value;

    s->state = s->depth ? GENAI_PUSH_AT_COMMA : GENAI_PUSH_AT_DONE;

    if (!(genai_push_want(s) & GENAI_PUSH_WANT_SCALAR)) {
        return 0;
    }

    value.what = GENAI_PUSH_SCALAR;
    value.type = type;
    value.text.data = (unsigned char *) p;
    value.text.len = n;
    value.start = s->mark;
    value.end = end;
    value.first = 1;
    value.last = 1;
    value.escaped = 0;

    return genai_push_call(s, &value, s->node);
}


static int
genai_push_open(genai_push_t *s, const unsigned char *p, uint64_t offset)
{
    unsigned             object, want, level;
    genai_push_frame_t  *frame;
    genai_push_value_t   value;

    if (s->depth == GENAI_JSON_DEPTH) {
        return genai_push_fail(s, "the text is nested too deep", offset);
    }

    object = (*p == '{');
    want = genai_push_want(s);
    level = s->depth++;

    if (object) {
        s->objects[level / 64] |= UINT64_C(1) << (level % 64);
        s->state = GENAI_PUSH_AT_FIRST_NAME;

    } else {
        s->objects[level / 64] &= ~(UINT64_C(1) << (level % 64));
        s->state = GENAI_PUSH_AT_FIRST;
    }

    if (!(want & (object ? GENAI_PUSH_WANT_OBJECT : GENAI_PUSH_WANT_ARRAY))
        || s->frames == GENAI_PUSH_PATH_MAX)
    {
        if (want & GENAI_PUSH_WANT_RAW) {
            s->raw = s->depth;
            s->raw_node = s->node;
            s->first = 1;
            s->run = p;
        }

        s->node = 0;

        return 0;
    }

    value.what = GENAI_PUSH_ENTER;
    value.type = object ? GENAI_JSON_OBJECT : GENAI_JSON_ARRAY;
    value.text.data = (unsigned char *) p;
    value.text.len = 1;
    value.start = offset;
    value.end = offset + 1;
    value.first = 1;
    value.last = 0;
    value.escaped = 0;

    if (genai_push_call(s, &value, s->node) != 0) {
        return -1;
    }

    frame = &s->frame[s->frames++];
    frame->start = offset;
    frame->index = 0;
    frame->node = s->node;

    s->node = object ? 0 : s->nodes[s->node].element;

    return 0;
}


static int
genai_push_close(genai_push_t *s, const unsigned char *p, uint64_t offset)
{
    unsigned             object;
    genai_push_frame_t  *frame;
    genai_push_value_t   value;

    object = genai_push_object(s, s->depth);

    if (s->depth != s->frames) {

        if (s->raw == s->depth
            && genai_push_raw(s, s->run, p + 1 - s->run,
                              offset + 1 - (p + 1 - s->run), 1)
               != 0)
        {
            return -1;
        }

        s->depth--;
        s->state = s->depth ? GENAI_PUSH_AT_COMMA : GENAI_PUSH_AT_DONE;

        return 0;
    }

    s->depth--;
    s->state = s->depth ? GENAI_PUSH_AT_COMMA : GENAI_PUSH_AT_DONE;

    frame = &s->frame[--s->frames];

    value.what = GENAI_PUSH_LEAVE;
    value.type = object ? GENAI_JSON_OBJECT : GENAI_JSON_ARRAY;
    value.text.data = (unsigned char *) p;
    value.text.len = 1;
    value.start = frame->start;
    value.end = offset + 1;
    value.first = 0;
    value.last = 1;
    value.escaped = 0;

    return genai_push_call(s, &value, frame->node);
}


/* a piece of the text of a value that is wanted raw */

int
genai_push_raw(genai_push_t *s, const unsigned char *p, size_t n,
    uint64_t offset, unsigned last)
{
    genai_push_value_t  value;

    if (n == 0) {
        return 0;
    }

    value.what = GENAI_PUSH_RAW;
    value.type = genai_push_object(s, s->raw) ? GENAI_JSON_OBJECT
                                              : GENAI_JSON_ARRAY;
    value.text.data = (unsigned char *) p;
    value.text.len = n;
    value.start = offset;
    value.end = offset + n;
    value.first = s->first;
    value.last = last;
    value.escaped = 0;

    s->first = 0;

    if (last) {
        s->raw = 0;
        s->run = NULL;
    }

    return genai_push_call(s, &value, s->raw_node);
}


int
genai_push_end(genai_push_t *s, uint64_t offset)
{
    if (s->state == GENAI_PUSH_AT_NUMBER && s->depth == 0
        && genai_push_number_end(s, s->buf, 0, offset) != 0)
    {
        return -1;
    }

    if (s->state == GENAI_PUSH_AT_DONE) {
        return 0;
    }

    return genai_push_fail(s, (s->state == GENAI_PUSH_AT_VALUE && s->depth == 0)
                              ? "the text is empty"
                              : "the text is not complete", offset);
}


int
genai_push_int64(const genai_str_t *text, int64_t *n)
{
    int64_t               v;
    const unsigned char  *p, *end;

    p = text->data;
    end = p + text->len;
    v = 0;

    if (p == end || *p < '0' || *p > '9') {
        return -1;
    }

    for ( /* void */ ; p < end && *p >= '0' && *p <= '9'; p++) {

        if (v > (INT64_MAX - (*p - '0')) / 10) {
            return -1;
        }

        v = v * 10 + (*p - '0');
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
