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


static int genai_framing_edges(genai_framing_t *f, uint32_t i);
static int genai_framing_tail(genai_framing_t *f, uint32_t segment,
    size_t room, genai_str_t *tail);
static int genai_framing_head(genai_framing_t *f, uint32_t segment,
    genai_str_t *head);
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

    if (f->family->trims && genai_framing_edges(f, i) == -1) {
        return -1;
    }

    if (f->role == GENAI_ROLE_SYSTEM || f->role == GENAI_ROLE_DEVELOPER) {

        if (f->systems == 1) {
            f->system = i + 1;
        }

        /* "# Instructions\n\n" and an end */

        if (oss && f->ntexts == 1) {
            f->fixed += 4;
        }
    }

    return genai_framing_segment(f, i, 1);
}


/*
 * Templates trim texts.  Line feeds that an answer began with, as they stand
 * behind an empty thought, are left out; any other white space is a doubt.
 */

static int
genai_framing_edges(genai_framing_t *f, uint32_t i)
{
    size_t         n;
    genai_str_t    head, tail;
    unsigned char  c;

    if (genai_framing_head(f, i, &head) == -1
        || genai_framing_tail(f, i, 0, &tail) == -1)
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
    size_t       len;
    genai_str_t  tail;

    len = strlen(text);

    if (genai_framing_tail(f, segment, len, &tail) == -1
        || genai_framing_made(f, &tail, -1) == -1)
    {
        return -1;
    }

    memcpy(tail.data + tail.len, text, len);
    tail.len += len;

    return genai_framing_made(f, &tail, 1);
}


int
genai_framing_join(genai_framing_t *f, uint32_t one, uint32_t two,
    const char *text)
{
    size_t       len;
    genai_str_t  tail, head;

    len = strlen(text);

    if (genai_framing_head(f, two, &head) == -1
        || genai_framing_tail(f, one, len + head.len, &tail) == -1
        || genai_framing_made(f, &tail, -1) == -1
        || genai_framing_made(f, &head, -1) == -1)
    {
        return -1;
    }

    memcpy(tail.data + tail.len, text, len);
    memcpy(tail.data + tail.len + len, head.data, head.len);
    tail.len += len + head.len;

    return genai_framing_made(f, &tail, 1);
}


/*
 * The end of a text, with room for so many bytes behind it.  A word that
 * follows a word begins a piece in every family, so that what is before it
 * has no part in what another end would change.
 */

static int
genai_framing_tail(genai_framing_t *f, uint32_t segment, size_t room,
    genai_str_t *tail)
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

    i = (i > 2) ? i - 2 : 0;

    tail->data = p + i;
    tail->len = n - i;

    return 0;
}


/* the same of the beginning */

static int
genai_framing_head(genai_framing_t *f, uint32_t segment, genai_str_t *head)
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
