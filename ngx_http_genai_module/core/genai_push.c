/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The scanner.  The grammar is a piece of straight code with a label for
 * every place between two tokens; where the input ends, the label it came to
 * is kept as the state, and the next feed jumps there.  A token that is here
 * whole, as nearly all are, is read in one go and leaves no trace in the
 * state.  One that is cut, or has an escape or anything wrong in it, is left
 * to genai_push_string(), genai_push_number() and genai_push_literal(), which
 * can stop at any byte: these decide what is well-formed, so it makes no
 * difference which of the two ways a token took.
 *
 * The node of a value says what is wanted of it; its bits are at hand in want
 * wherever a value may begin, and are 0 in what is stepped over.  Names are
 * compared with the closing quote, so that no length is looked for before.
 *
 * The open brackets are bits of a 128-bit stack.  The containers that the
 * table follows are the outermost ones, so each of them, and none but them,
 * has a frame, and a level deeper than the frames is being stepped over: that
 * needs no more than the bits.
 */


#include "genai_push_int.h"


/* as genai_push_at(), by one addition */
#define genai_push_place(q)  (base + (uintptr_t) (q))


static int genai_push_scan(genai_push_t *s, const unsigned char *start,
    const unsigned char *end, uint64_t offset);
static const unsigned char *genai_push_literal_begin(genai_push_t *s,
    const unsigned char *start, const unsigned char *p,
    const unsigned char *end, uint64_t offset);
static const unsigned char *genai_push_literal(genai_push_t *s,
    const unsigned char *start, const unsigned char *p,
    const unsigned char *end, uint64_t offset);
static inline int genai_push_open(genai_push_t *s, const unsigned char *p,
    uint64_t offset, unsigned object, unsigned want);
static inline int genai_push_close(genai_push_t *s, const unsigned char *p,
    uint64_t offset, unsigned object);


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
    s->entered = 0;
    s->inner = 0;
    s->raw = 0;
    s->nbuf = 0;
    s->high = 0;
    s->index = 0;
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
    size_t                      n;
    unsigned                    c, object, want;
    uint64_t                    base;
    const unsigned char        *p, *q;
    genai_push_frame_t         *frame;
    const genai_push_member_t  *m;

    p = start;
    base = offset - (uintptr_t) start;

resume:

    /* from the place where the last feed ended, or behind a token */

    if (p == end) {
        return 0;
    }

    /* these two always are what the state says of the place come to */

    object = s->objects[0] & 1;
    want = genai_push_want(s);

    switch (s->state) {

    case GENAI_PUSH_AT_VALUE:
        goto value;

    case GENAI_PUSH_AT_FIRST:
        goto first;

    case GENAI_PUSH_AT_NAME:
        goto name;

    case GENAI_PUSH_AT_FIRST_NAME:
        goto first_name;

    case GENAI_PUSH_AT_COLON:
        goto colon;

    case GENAI_PUSH_AT_COMMA:
        goto comma;

    case GENAI_PUSH_AT_DONE:
        goto done;

    case GENAI_PUSH_AT_NUMBER:
        p = genai_push_number(s, start, p, end, offset);
        break;

    case GENAI_PUSH_AT_LITERAL:
        p = genai_push_literal(s, start, p, end, offset);
        break;

    default:
        p = genai_push_string(s, start, p, p, end, offset);
    }

token:

    if (p == NULL) {
        return -1;
    }

    goto resume;

first_name:

    if (p == end || *p != '"') {
        p = genai_push_blank(p, end);

        if (p == end) {
            s->state = GENAI_PUSH_AT_FIRST_NAME;
            return 0;
        }

        if (*p == '}') {
            goto close;
        }
    }

name:

    if (p == end || *p != '"') {
        p = genai_push_blank(p, end);

        if (p == end) {
            s->state = GENAI_PUSH_AT_NAME;
            return 0;
        }

        if (*p != '"') {
            return genai_push_fail(s, "a member's name is expected",
                                   genai_push_place(p));
        }
    }

    p++;

    if (s->depth == s->frames) {
        frame = &s->frame[s->frames - 1];
        m = genai_push_match(frame, &s->nodes[frame->node], p, end);

        if (m) {
            q = p + m->len;
            s->node = m->node;

        } else {
            q = genai_push_run(p, end);

            if (q == end || *q != '"') {
                s->kind = GENAI_PUSH_KEY_READ;
                goto name_text;
            }

            s->node = 0;
        }

        want = s->node ? s->nodes[s->node].want : 0;

    } else {
        q = genai_push_run(p, end);

        if (q == end || *q != '"') {
            s->kind = GENAI_PUSH_KEY_SKIPPED;
            goto name_text;
        }
    }

    p = q + 1;

colon:

    if (p == end || *p != ':') {
        p = genai_push_blank(p, end);

        if (p == end) {
            s->state = GENAI_PUSH_AT_COLON;
            return 0;
        }

        if (*p != ':') {
            return genai_push_fail(s, "a colon is missing",
                                   genai_push_place(p));
        }
    }

    p++;

value:

    if (p == end || *p <= ' ') {
        p = genai_push_blank(p, end);

        if (p == end) {
            s->state = GENAI_PUSH_AT_VALUE;
            return 0;
        }
    }

    c = *p;

    if (c == '"') {
        p++;
        q = genai_push_run(p, end);

        if (q == end || *q != '"') {
            goto text;
        }

        if ((want & GENAI_PUSH_WANT_STRING)
            && genai_push_tell(s, GENAI_PUSH_STRING, GENAI_TAPE_STRING, p,
                               q - p, genai_push_place(p), genai_push_place(q))
               != 0)
        {
            return -1;
        }

        p = q + 1;

    } else if ((c | 0x20) == '{') {

        /* or the other bracket, which differs in that bit */

        object = (c == '{');

        if (genai_push_open(s, p, genai_push_place(p), object, want) != 0) {
            return -1;
        }

        p++;
        want = s->node ? s->nodes[s->node].want : 0;

        if (object) {
            goto first_name;
        }

        goto first;

    } else if (c - '0' < 10 || c == '-') {

        if (s->depth > s->frames && !object) {
            p = genai_push_vector(p, end);
        }

        q = genai_push_number_whole(p, end);

        if (q == NULL || q - p > GENAI_PUSH_NUMBER_MAX) {
            p = genai_push_number_begin(s, start, p, end, offset);
            goto token;
        }

        if ((want & GENAI_PUSH_WANT_SCALAR)
            && genai_push_tell(s, GENAI_PUSH_SCALAR, GENAI_TAPE_NUMBER, p,
                               q - p, genai_push_place(p), genai_push_place(q))
               != 0)
        {
            return -1;
        }

        p = q;

    } else {
        n = (c == 'f') ? 5 : 4;

        if ((size_t) (end - p) < n
            || memcmp(p, c == 'n' ? "null" : c == 't' ? "true" : "fals", 4)
               != 0
            || p[n - 1] != (c == 'n' ? 'l' : 'e'))
        {
            p = genai_push_literal_begin(s, start, p, end, offset);
            goto token;
        }

        if ((want & GENAI_PUSH_WANT_SCALAR)
            && genai_push_tell(s, GENAI_PUSH_SCALAR,
                               c == 'n' ? GENAI_TAPE_NULL
                               : c == 't' ? GENAI_TAPE_TRUE
                                          : GENAI_TAPE_FALSE,
                               p, n, genai_push_place(p),
                               genai_push_place(p + n))
               != 0)
        {
            return -1;
        }

        p += n;
    }

    if (s->depth == 0) {
        goto done;
    }

comma:

    if (p == end || *p != ',') {

        if (p == end || *p <= ' ') {
            p = genai_push_blank(p, end);
        }

        if (p == end) {
            s->state = GENAI_PUSH_AT_COMMA;
            return 0;
        }

        if (*p == (object ? '}' : ']')) {
            goto close;
        }

        if (*p != ',') {
            return genai_push_fail(s, "a comma is missing",
                                   genai_push_place(p));
        }
    }

    p++;

    if (object) {
        goto name;
    }

    if (s->depth == s->frames) {
        s->index++;
        s->node = s->nodes[s->frame[s->frames - 1].node].element;
        want = s->node ? s->nodes[s->node].want : 0;
    }

    goto value;

close:

    if (genai_push_close(s, p, genai_push_place(p), object) != 0) {
        return -1;
    }

    p++;

    if (s->depth) {
        object = s->objects[0] & 1;
        goto comma;
    }

done:

    p = genai_push_blank(p, end);
    s->state = GENAI_PUSH_AT_DONE;

    return (p == end) ? 0
                      : genai_push_fail(s, "there are bytes after the value",
                                        genai_push_place(p));

first:

    if (p == end || *p <= ' ') {
        p = genai_push_blank(p, end);

        if (p == end) {
            s->state = GENAI_PUSH_AT_FIRST;
            return 0;
        }
    }

    if (*p == ']') {
        goto close;
    }

    goto value;

name_text:

    /* a name that is cut or not plain */

    s->nbuf = 0;
    s->state = GENAI_PUSH_AT_TEXT;
    p = genai_push_string(s, start, p, q, end, offset);
    goto token;

text:

    /* and such a string */

    s->kind = GENAI_PUSH_TEXT_SKIPPED;

    if (want & GENAI_PUSH_WANT_STRING) {
        s->kind = GENAI_PUSH_TEXT_READ;
        s->first = 1;
    }

    s->state = GENAI_PUSH_AT_TEXT;
    p = genai_push_string(s, start, p, q, end, offset);
    goto token;
}


const unsigned char *
genai_push_blank(const unsigned char *p, const unsigned char *end)
{
#if defined(__SSE2__)
    unsigned  mask;
    __m128i   v, space;

    /* a text that was written to be looked at has long runs of them */

    while (end - p >= 16 && *p <= ' ') {
        v = _mm_loadu_si128((const __m128i *) p);

        space = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')),
                             _mm_cmpeq_epi8(v, _mm_set1_epi8('\n')));
        space = _mm_or_si128(space, _mm_cmpeq_epi8(v, _mm_set1_epi8('\r')));
        space = _mm_or_si128(space, _mm_cmpeq_epi8(v, _mm_set1_epi8('\t')));

        mask = _mm_movemask_epi8(space);

        if (mask != 0xffff) {
            return p + __builtin_ctz(~mask);
        }

        p += 16;
    }
#endif

    while (p < end
           && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
    {
        p++;
    }

    return p;
}


const genai_push_member_t *
genai_push_search(genai_push_frame_t *frame, const genai_push_node_t *node,
    const unsigned char *p, const unsigned char *end)
{
    unsigned                    i, n, stop;
    const genai_push_member_t  *m;

    if (end - p < 2) {
        return NULL;
    }

    i = frame->next;
    stop = node->nmembers;

    for (n = 0; n < 2; n++) {

        for (m = node->members + i; i < stop; i++, m++) {

            if (memcmp(m->name, p, 2) == 0 && genai_push_named(m, p, end)) {
                frame->next = i + 1;
                return m;
            }
        }

        i = 0;
        stop = frame->next;
    }

    return NULL;
}


/* a literal that is cut, or no value at all */

static const unsigned char *
genai_push_literal_begin(genai_push_t *s, const unsigned char *start,
    const unsigned char *p, const unsigned char *end, uint64_t offset)
{
    unsigned  c;

    c = *p;

    if (c != 't' && c != 'f' && c != 'n') {
        (void) genai_push_fail(s, "a value is expected", genai_push_at(p));
        return NULL;
    }

    s->literal = (c == 't') ? "true" : (c == 'f') ? "false" : "null";
    s->mark = genai_push_at(p);
    s->count = 0;
    s->state = GENAI_PUSH_AT_LITERAL;

    return genai_push_literal(s, start, p, end, offset);
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


/* a number, true, false or null that was cut is whole */

int
genai_push_scalar(genai_push_t *s, genai_tape_type_e type,
    const unsigned char *p, size_t n, uint64_t end)
{
    s->state = s->depth ? GENAI_PUSH_AT_COMMA : GENAI_PUSH_AT_DONE;

    if (!(genai_push_want(s) & GENAI_PUSH_WANT_SCALAR)) {
        return 0;
    }

    return genai_push_tell(s, GENAI_PUSH_SCALAR, type, p, n, s->mark, end);
}


static inline int
genai_push_open(genai_push_t *s, const unsigned char *p, uint64_t offset,
    unsigned object, unsigned want)
{
    genai_push_frame_t  *frame;
    genai_push_value_t   value;

    if (s->depth == GENAI_PUSH_DEPTH) {
        return genai_push_fail(s, "the text is nested too deep", offset);
    }

    genai_push_bracket(s, object);

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

    if (!(want & GENAI_PUSH_QUIET_ENTER)) {
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
    }

    if (++s->entered == GENAI_PUSH_PLACE_MAX) {
        s->inner = (offset - s->frame[0].start < 255)
                   ? offset + 1 - s->frame[0].start : 0;
    }

    frame = &s->frame[s->frames++];
    frame->start = offset;
    frame->index = s->index;
    frame->next = 0;
    frame->node = s->node;

    s->index = 0;
    s->node = object ? 0 : s->nodes[s->node].element;

    return 0;
}


static inline int
genai_push_close(genai_push_t *s, const unsigned char *p, uint64_t offset,
    unsigned object)
{
    genai_push_frame_t  *frame;
    genai_push_value_t   value;

    if (s->depth != s->frames) {

        if (s->raw == s->depth
            && genai_push_raw(s, s->run, p + 1 - s->run,
                              offset + 1 - (p + 1 - s->run), 1)
               != 0)
        {
            return -1;
        }

        genai_push_unbracket(s);

        return 0;
    }

    genai_push_unbracket(s);
    frame = &s->frame[--s->frames];
    s->index = frame->index;

    if (s->nodes[frame->node].want & GENAI_PUSH_QUIET_LEAVE) {
        return 0;
    }

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


int
genai_push_save(const genai_push_t *s, genai_push_place_t *place,
    uint64_t offset)
{
    unsigned                   n;
    const genai_push_frame_t  *frame;

    if (s->state != GENAI_PUSH_AT_FIRST_NAME || s->depth != s->frames
        || s->entered != s->frames || s->frames > GENAI_PUSH_PLACE_MAX
        || s->index)
    {
        return -1;
    }

    for (n = 0; n < s->frames; n++) {
        frame = &s->frame[n];

        if (frame->index || frame->start - offset > 255) {
            return -1;
        }

        place->start[n] = frame->start - offset;
        place->node[n] = frame->node;
        place->next[n] = frame->next;
    }

    place->objects = s->objects[0] & ((1u << s->depth) - 1);
    place->levels = s->depth;

    return 0;
}


void
genai_push_restore(genai_push_t *s, const genai_push_place_t *place,
    uint64_t offset)
{
    unsigned             n;
    genai_push_frame_t  *frame;

    for (n = 0; n < place->levels; n++) {
        frame = &s->frame[n];

        frame->start = offset + place->start[n];
        frame->index = 0;
        frame->node = place->node[n];
        frame->next = place->next[n];
    }

    s->objects[0] = place->objects;
    s->depth = place->levels;
    s->frames = place->levels;
    s->entered = place->levels;
    s->index = 0;
    s->node = 0;
    s->state = GENAI_PUSH_AT_FIRST_NAME;
}
