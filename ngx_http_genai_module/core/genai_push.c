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


static int genai_push_scan(genai_push_t *s, const unsigned char *start,
    const unsigned char *end, uint64_t offset);
static inline const unsigned char *genai_push_begin(genai_push_t *s,
    const unsigned char *start, const unsigned char *p,
    const unsigned char *end, uint64_t offset);
static const unsigned char *genai_push_literal(genai_push_t *s,
    const unsigned char *start, const unsigned char *p,
    const unsigned char *end, uint64_t offset);
static int genai_push_open(genai_push_t *s, const unsigned char *p,
    uint64_t offset);
static int genai_push_close(genai_push_t *s, const unsigned char *p,
    uint64_t offset);


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


/*
 * The states stand in the order in which they follow each other in a member
 * of an object, so that one that is not cut is read from its comma to its
 * value by falling through.
 */

static int
genai_push_scan(genai_push_t *s, const unsigned char *start,
    const unsigned char *end, uint64_t offset)
{
    unsigned              c;
    const unsigned char  *p, *q;

    p = start;

    while (p < end) {

        c = *p;

        if (s->state <= GENAI_PUSH_AT_DONE
            && (c == ' ' || c == '\n' || c == '\r' || c == '\t'))
        {
            p++;
            continue;
        }

        switch (s->state) {

        case GENAI_PUSH_AT_COMMA:

            if (c == ',' && genai_push_object(s, s->depth)) {
                s->state = GENAI_PUSH_AT_NAME;
                p++;

                if (p == end || *p != '"') {
                    continue;
                }

                c = '"';

            } else if (c == ',') {
                s->state = GENAI_PUSH_AT_VALUE;
                p++;

                if (s->depth == s->frames) {
                    s->frame[s->frames - 1].index++;
                    s->node = s->nodes[s->frame[s->frames - 1].node].element;
                }

                if (p == end || *p <= ' ') {
                    continue;
                }

                c = *p;
                goto value;

            } else {

                if (c != (genai_push_object(s, s->depth) ? '}' : ']')) {
                    return genai_push_fail(s, "a comma is missing",
                                           genai_push_at(p));
                }

                if (genai_push_close(s, p, genai_push_at(p)) != 0) {
                    return -1;
                }

                p++;
                continue;
            }

            /* fall through */

        case GENAI_PUSH_AT_NAME:
        case GENAI_PUSH_AT_FIRST_NAME:

            if (c != '"') {

                if (c == '}' && s->state == GENAI_PUSH_AT_FIRST_NAME) {
                    if (genai_push_close(s, p, genai_push_at(p)) != 0) {
                        return -1;
                    }

                    p++;
                    continue;
                }

                return genai_push_fail(s, "a member's name is expected",
                                       genai_push_at(p));
            }

            p++;
            q = genai_push_run(p, end);

            /* nearly every name is whole and plain */

            if (q == end || *q != '"') {
                s->kind = (s->depth == s->frames) ? GENAI_PUSH_KEY_READ
                                                  : GENAI_PUSH_KEY_SKIPPED;
                s->state = GENAI_PUSH_AT_TEXT;
                s->nbuf = 0;
                continue;
            }

            if (s->depth == s->frames) {
                s->node = genai_push_match(s, p, q - p);
            }

            s->state = GENAI_PUSH_AT_COLON;
            p = q + 1;

            if (p == end || *p != ':') {
                continue;
            }

            c = ':';

            /* fall through */

        case GENAI_PUSH_AT_COLON:

            if (c != ':') {
                return genai_push_fail(s, "a colon is missing",
                                       genai_push_at(p));
            }

            s->state = GENAI_PUSH_AT_VALUE;
            p++;

            if (p == end || *p <= ' ') {
                continue;
            }

            c = *p;

            /* fall through */

        case GENAI_PUSH_AT_VALUE:
        case GENAI_PUSH_AT_FIRST:
        value:

            p = genai_push_begin(s, start, p, end, offset);
            break;

        case GENAI_PUSH_AT_DONE:

            return genai_push_fail(s, "there are bytes after the value",
                                   genai_push_at(p));

        case GENAI_PUSH_AT_NUMBER:

            p = genai_push_number(s, start, p, end, offset);
            break;

        case GENAI_PUSH_AT_LITERAL:

            p = genai_push_literal(s, start, p, end, offset);
            break;

        default:

            p = genai_push_string(s, start, p, p, end, offset);
        }

        if (p == NULL) {
            return -1;
        }
    }

    return 0;
}


/* a value that begins at p, as far as it is here; or an empty array's end */

static inline const unsigned char *
genai_push_begin(genai_push_t *s, const unsigned char *start,
    const unsigned char *p, const unsigned char *end, uint64_t offset)
{
    unsigned              c;
    const unsigned char  *q;

    c = *p;

    switch (c) {

    case '"':
        p++;
        q = genai_push_run(p, end);

        if (genai_push_want(s) & GENAI_PUSH_WANT_STRING) {
            s->kind = GENAI_PUSH_TEXT_READ;
            s->first = 1;

        } else if (q < end && *q == '"') {
            s->state = s->depth ? GENAI_PUSH_AT_COMMA : GENAI_PUSH_AT_DONE;
            return q + 1;

        } else {
            s->kind = GENAI_PUSH_TEXT_SKIPPED;
        }

        s->state = GENAI_PUSH_AT_TEXT;

        return genai_push_string(s, start, p, q, end, offset);

    case '{':
    case '[':
        return genai_push_open(s, p, genai_push_at(p)) == 0 ? p + 1 : NULL;

    case ']':
        if (s->state == GENAI_PUSH_AT_FIRST) {
            return genai_push_close(s, p, genai_push_at(p)) == 0 ? p + 1
                                                                 : NULL;
        }

        break;

    case 't':
    case 'f':
    case 'n':
        s->literal = (c == 't') ? "true" : (c == 'f') ? "false" : "null";
        s->mark = genai_push_at(p);
        s->count = 0;

        /* most literals are this one, and whole */

        if (end - p >= 4 && memcmp(p, "null", 4) == 0) {
            s->count = 4;
            p += 4;
        }

        s->state = GENAI_PUSH_AT_LITERAL;

        return genai_push_literal(s, start, p, end, offset);

    default:

        if (c != '-' && (c < '0' || c > '9')) {
            break;
        }

        return genai_push_number_begin(s, start, p, end, offset);
    }

    (void) genai_push_fail(s, "a value is expected", genai_push_at(p));

    return NULL;
}


static const unsigned char *
genai_push_literal(genai_push_t *s, const unsigned char *start,
    const unsigned char *p, const unsigned char *end, uint64_t offset)
{
    unsigned  c;

    while (p < end && s->literal[s->count]) {

        if (*p != (unsigned char) s->literal[s->count]) {
            (void) genai_push_fail(s, "a value is expected", genai_push_at(p));
            return NULL;
        }

        p++;
        s->count++;
    }

    if (s->literal[s->count]) {
        return p;
    }

    c = s->literal[0];

    if (genai_push_scalar(s, c == 'n' ? GENAI_TAPE_NULL
                             : c == 't' ? GENAI_TAPE_TRUE
                                        : GENAI_TAPE_FALSE,
                          (const unsigned char *) s->literal, s->count,
                          genai_push_at(p))
        != 0)
    {
        return NULL;
    }

    return p;
}


/* a number, true, false or null that is whole */

int
genai_push_scalar(genai_push_t *s, genai_tape_type_e type,
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

    if (s->depth == GENAI_PUSH_DEPTH) {
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
    value.type = object ? GENAI_TAPE_OBJECT : GENAI_TAPE_ARRAY;
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
    value.type = object ? GENAI_TAPE_OBJECT : GENAI_TAPE_ARRAY;
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
    value.type = genai_push_object(s, s->raw) ? GENAI_TAPE_OBJECT
                                              : GENAI_TAPE_ARRAY;
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
