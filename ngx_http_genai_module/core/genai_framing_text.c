/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The texts of a request as they are counted.  Each is counted by itself, so
 * that it may be known from before; where a template makes one text of two,
 * the difference that this makes is counted on their ends alone.
 */


#include "genai_framing_int.h"
#include "genai_text.h"


/* bytes at an end of a text among which its last token is */
#define GENAI_FRAMING_TAIL  96

/* letters of a control token in brackets */
#define GENAI_FRAMING_MARK  32

/* bytes of an answer that are looked through */
#define GENAI_FRAMING_LOOK  65536


/* how much of a text its end is */

typedef enum {
    GENAI_FRAMING_PIECES = 0,       /* up to where a piece begins */
    GENAI_FRAMING_WHOLE,            /* all of it */
    GENAI_FRAMING_CUT               /* up to the middle of a piece, maybe */
} genai_framing_end_e;


static int genai_framing_edges(genai_framing_t *f, uint32_t i);
static void genai_framing_thoughts(genai_framing_t *f,
    const genai_str_t *raw);
static void genai_framing_seam(genai_framing_t *f);
static int genai_framing_mark_next(uint8_t marks, int c);
static int genai_framing_mark(const genai_str_t *raw, const unsigned char *p);
static int genai_framing_less(const genai_str_t *raw, const unsigned char *p);
static int genai_framing_tail(genai_framing_t *f, uint32_t segment,
    size_t room, genai_str_t *tail, genai_framing_end_e *end);
static int genai_framing_head(genai_framing_t *f, uint32_t segment,
    genai_str_t *head, genai_framing_end_e *end);
static int genai_framing_add(genai_framing_t *f, const genai_str_t *text,
    uint32_t segment, int32_t times);


int
genai_framing_text(genai_framing_t *f, uint32_t i)
{
    int          oss;
    uint32_t     value;
    genai_str_t  raw;

    value = f->req->segments[i].value;
    raw = genai_tape_view(&f->req->tape, value);
    oss = (f->model && f->model->framing == GENAI_FRAMING_GPT_OSS);

    if (raw.len == 0) {
        return 0;
    }

    /* the parts of a message are one text */

    if (f->ntexts) {

        if (genai_framing_join(f, f->text, i, f->family->joins ? "\n" : "")
            == -1)
        {
            return -1;
        }

    } else if (oss && f->role == GENAI_ROLE_ASSISTANT) {
        f->fixed += 6;
    }

    f->ntexts++;
    f->text = i;

    if (f->role == GENAI_ROLE_ASSISTANT && f->family->thinks) {
        genai_framing_thoughts(f, &raw);
    }

    if (f->family->trims && genai_framing_edges(f, i) == -1) {
        return -1;
    }

    if (f->role == GENAI_ROLE_SYSTEM || f->role == GENAI_ROLE_DEVELOPER) {

        if (f->systems == 1) {
            f->system = i + 1;
            f->parts = (f->ntexts > 1);
        }

        /* "# Instructions\n\n" and an end */

        if (oss && f->ntexts == 1) {
            f->fixed += 4;
        }
    }

    return genai_framing_segment(f, i, 1);
}


/* templates leave out what is before "</think>" */

static void
genai_framing_thoughts(genai_framing_t *f, const genai_str_t *raw)
{
    const unsigned char  *p, *end;

    if (raw->len > GENAI_FRAMING_LOOK) {
        f->estimated |= GENAI_FRAMING_REASONING;
        f->thought_bytes += raw->len;
        return;
    }

    f->spent += raw->len / 8;
    end = raw->data + raw->len;

    for (p = raw->data; end - p >= 6; p++) {

        p = memchr(p, '/', end - p - 5);

        if (p == NULL) {
            return;
        }

        if (memcmp(p, "/think", 6) == 0) {
            f->estimated |= GENAI_FRAMING_REASONING;
            f->thought_bytes += raw->len;
            return;
        }
    }
}


/*
 * Templates trim texts.  Line feeds that an answer began with, as they stand
 * behind an empty thought, are left out; any other white space is a doubt.
 */

static int
genai_framing_edges(genai_framing_t *f, uint32_t i)
{
    size_t               n;
    genai_str_t          head, tail;
    unsigned char        c;
    genai_framing_end_e  end, other;

    if (genai_framing_head(f, i, &head, &end) == -1
        || genai_framing_tail(f, i, 0, &tail, &other) == -1)
    {
        return -1;
    }

    c = tail.len ? tail.data[tail.len - 1] : 'a';

    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
        genai_framing_doubt(f, GENAI_FRAMING_EDGES);
    }

    for (n = 0; n < head.len && head.data[n] == '\n'; n++) { /* void */ }

    if (n < head.len && (head.data[n] == ' ' || head.data[n] == '\t'
                         || head.data[n] == '\r'))
    {
        genai_framing_doubt(f, GENAI_FRAMING_EDGES);
    }

    if (n == 0 || f->role != GENAI_ROLE_ASSISTANT) {

        if (n) {
            genai_framing_doubt(f, GENAI_FRAMING_EDGES);
        }

        return 0;
    }

    if (end == GENAI_FRAMING_CUT) {
        genai_framing_seam(f);
    }

    if (genai_framing_made(f, &head, -1) == -1) {
        return -1;
    }

    head.data += n;
    head.len -= n;

    return genai_framing_made(f, &head, 1);
}


int
genai_framing_segment(genai_framing_t *f, uint32_t segment, int32_t times)
{
    static genai_str_t  none = genai_str("");

    return genai_framing_add(f, &none, segment, times);
}


int
genai_framing_made(genai_framing_t *f, const genai_str_t *text, int32_t times)
{
    return text->len ? genai_framing_add(f, text, GENAI_FRAMING_MADE, times)
                     : 0;
}


static int
genai_framing_add(genai_framing_t *f, const genai_str_t *text,
    uint32_t segment, int32_t times)
{
    uint32_t               room;
    genai_framing_item_t  *items;

    if (f->nitems == f->room) {

        room = f->room ? 2 * f->room : 32;

        items = genai_arena_grow(f->arena, f->items,
                                 f->room * sizeof(genai_framing_item_t),
                                 room * sizeof(genai_framing_item_t));
        if (items == NULL) {
            return -1;
        }

        f->items = items;
        f->room = room;
    }

    items = &f->items[f->nitems++];

    items->text = *text;
    items->segment = segment;
    items->times = times;

    return 0;
}


int
genai_framing_behind(genai_framing_t *f, uint32_t segment, const char *text)
{
    size_t               len;
    genai_str_t          tail;
    genai_framing_end_e  end;

    len = strlen(text);

    if (genai_framing_tail(f, segment, len, &tail, &end) == -1
        || genai_framing_made(f, &tail, -1) == -1)
    {
        return -1;
    }

    if (end == GENAI_FRAMING_CUT
        || (end == GENAI_FRAMING_WHOLE && f->parts))
    {
        genai_framing_seam(f);
    }

    memcpy(tail.data + tail.len, text, len);
    tail.len += len;

    return genai_framing_made(f, &tail, 1);
}


int
genai_framing_join(genai_framing_t *f, uint32_t one, uint32_t two,
    const char *text)
{
    size_t               len;
    genai_str_t          tail, head;
    genai_framing_end_e  before, behind;

    len = strlen(text);

    if (genai_framing_head(f, two, &head, &behind) == -1
        || genai_framing_tail(f, one, len + head.len, &tail, &before) == -1
        || genai_framing_made(f, &tail, -1) == -1
        || genai_framing_made(f, &head, -1) == -1)
    {
        return -1;
    }

    /* a part that is no more than its two seams makes one of them */

    if (before == GENAI_FRAMING_CUT || behind == GENAI_FRAMING_CUT
        || (before == GENAI_FRAMING_WHOLE && f->ntexts > 1))
    {
        genai_framing_seam(f);
    }

    memcpy(tail.data + tail.len, text, len);
    memcpy(tail.data + tail.len + len, head.data, head.len);
    tail.len += len + head.len;

    return genai_framing_made(f, &tail, 1);
}


static void
genai_framing_seam(genai_framing_t *f)
{
    f->nseams++;
    f->estimated |= GENAI_FRAMING_SEAMS;
}


/*
 * The end of a text, with room for so many bytes behind it.  A word that
 * follows a word begins a piece in every family, so that what is before it
 * has no part in what another end would change.
 */

static int
genai_framing_tail(genai_framing_t *f, uint32_t segment, size_t room,
    genai_str_t *tail, genai_framing_end_e *end)
{
    int                  escaped;
    size_t               at, i, n;
    uint32_t             value;
    genai_str_t          raw;
    unsigned char       *p;

    value = f->req->segments[segment].value;
    raw = genai_tape_view(&f->req->tape, value);
    escaped = genai_tape_escaped(&f->req->tape, value);

    at = (raw.len > GENAI_FRAMING_TAIL) ? raw.len - GENAI_FRAMING_TAIL : 0;

    while (at < raw.len
           && !genai_text_boundary(&raw, escaped, at, 0, raw.len))
    {
        at++;
    }

    raw.data += at;
    raw.len -= at;

    p = genai_arena_alloc(f->arena, raw.len + room);
    if (p == NULL) {
        return -1;
    }

    n = genai_text_decode(p, &raw);

    for (i = n; i > 2; i--) {
        if (p[i - 2] == ' ' && genai_framing_letter(p[i - 3])
            && genai_framing_letter(p[i - 1]))
        {
            break;
        }
    }

    *end = (i > 2) ? GENAI_FRAMING_PIECES
                   : at ? GENAI_FRAMING_CUT : GENAI_FRAMING_WHOLE;

    i = (i > 2) ? i - 2 : 0;

    tail->data = p + i;
    tail->len = n - i;

    return 0;
}


/* the same of the beginning */

static int
genai_framing_head(genai_framing_t *f, uint32_t segment, genai_str_t *head,
    genai_framing_end_e *end)
{
    int                  escaped;
    size_t               i, n;
    uint32_t             value;
    genai_str_t          raw;
    unsigned char       *p;

    value = f->req->segments[segment].value;
    raw = genai_tape_view(&f->req->tape, value);
    escaped = genai_tape_escaped(&f->req->tape, value);

    n = (raw.len > GENAI_FRAMING_TAIL) ? GENAI_FRAMING_TAIL : raw.len;

    while (n > 0 && n < raw.len
           && !genai_text_boundary(&raw, escaped, n, 0, raw.len))
    {
        n--;
    }

    *end = (n < raw.len) ? GENAI_FRAMING_CUT : GENAI_FRAMING_WHOLE;
    raw.len = n;

    p = genai_arena_alloc(f->arena, raw.len);
    if (p == NULL) {
        return -1;
    }

    n = genai_text_decode(p, &raw);

    for (i = 1; i + 1 < n; i++) {
        if (p[i] == ' ' && genai_framing_letter(p[i - 1])
            && genai_framing_letter(p[i + 1]))
        {
            n = i;
            *end = GENAI_FRAMING_PIECES;
            break;
        }
    }

    head->data = p;
    head->len = n;

    return 0;
}


int
genai_framing_decode(genai_framing_t *f, uint32_t index, genai_str_t *text)
{
    genai_str_t   raw;
    genai_text_t  t;

    text->len = 0;
    text->data = (unsigned char *) "";

    if (index == 0
        || genai_tape_type(&f->req->tape, index) != GENAI_TAPE_STRING)
    {
        return 0;
    }

    raw = genai_tape_view(&f->req->tape, index);

    if (genai_text_read(&t, f->arena, &raw,
                        genai_tape_escaped(&f->req->tape, index))
        == -1)
    {
        return -1;
    }

    *text = t.text;

    return 0;
}


int
genai_framing_marks(const genai_catalog_model_t *model,
    const genai_str_t *raw, size_t pos, size_t end)
{
    int                   c;
    uint8_t               marks;
    const unsigned char  *p, *last;

    static const int  first[] = { 0, '|', 0xef, ']' };

    marks = model ? genai_framing_family(model->framing)->marks
                  : GENAI_MARKS_NONE;

    if (marks == GENAI_MARKS_NONE) {
        return 0;
    }

    last = raw->data + end;

    for (c = first[marks]; c; c = genai_framing_mark_next(marks, c)) {

        for (p = raw->data + pos; p < last; p++) {

            p = memchr(p, c, last - p);

            if (p == NULL) {
                break;
            }

            if (genai_framing_mark(raw, p)) {
                return 1;
            }

            /* of a run only the first may be one */

            while (p + 1 < last && p[1] == c) {
                p++;
            }
        }
    }

    return 0;
}


/* what else to look for: bars that are written as escapes, <s> and </s> */

static int
genai_framing_mark_next(uint8_t marks, int c)
{
    if (marks == GENAI_MARKS_WIDE && c == 0xef) {
        return '\\';
    }

    return (marks == GENAI_MARKS_BRACKET && c == ']') ? 's' : 0;
}


/* whether the byte at p is where a control token is known by */

static int
genai_framing_mark(const genai_str_t *raw, const unsigned char *p)
{
    size_t                left;
    const unsigned char  *q;

    left = raw->data + raw->len - p;

    switch (*p) {

    case '|':
        return genai_framing_less(raw, p);

    case 0xef:
        return left > 2 && p[1] == 0xbd && p[2] == 0x9c
               && genai_framing_less(raw, p);

    case '\\':
        return left > 5 && p[1] == 'u' && (p[2] | 0x20) == 'f'
               && (p[3] | 0x20) == 'f' && p[4] == '5' && (p[5] | 0x20) == 'c'
               && genai_framing_less(raw, p);

    case ']':

        for (q = p; q > raw->data; q--) {

            if (q[-1] == '[') {
                return p - q > 1;
            }

            if ((q[-1] < 'A' || q[-1] > 'Z') && q[-1] != '_' && q[-1] != '/'
                && q[-1] != '\\')
            {
                return 0;
            }

            if (p - q == GENAI_FRAMING_MARK) {
                return 0;
            }
        }

        return 0;

    default:                                            /* s */

        if (left < 2 || (p[1] != '>' && p[1] != '\\')) {
            return 0;
        }

        q = p;

        if (q > raw->data && q[-1] == '/') {
            q--;
            q -= (q > raw->data && q[-1] == '\\');
        }

        return genai_framing_less(raw, q);
    }
}


/* whether a "<" is before p, which some clients write as an escape */

static int
genai_framing_less(const genai_str_t *raw, const unsigned char *p)
{
    return (p - raw->data >= 1 && p[-1] == '<')
           || (p - raw->data >= 6 && memcmp(p - 6, "\\u003", 5) == 0
               && (p[-1] | 0x20) == 'c');
}
