/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A second reader of edits, slow and without any idea of the first: it keeps
 * a log of all that was asked for, and writes the edited text value by value,
 * going over the whole log for each.  Tests and fuzz targets compare.
 */


#ifndef _GENAI_T_EDIT_H_INCLUDED_
#define _GENAI_T_EDIT_H_INCLUDED_


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "genai_cursor.h"
#include "genai_edit.h"
#include "genai_scan.h"
#include "genai_text.h"
#include "genai_writer.h"

#include "edit_fold.h"


#define MODEL_OPS      64
#define MODEL_ENTRIES  100000


typedef struct {
    unsigned char  *data;
    size_t          len;
    size_t          size;
} model_buf_t;


typedef struct {
    unsigned        layer;          /* 0: lower, 1: upper */
    genai_edit_e    kind;
    uint32_t        index;
    uint32_t        start;
    uint32_t        end;
    genai_str_t     name;
    genai_str_t     text;
    unsigned        dead;           /* a PART that another one replaced */
} model_op_t;


typedef struct {
    genai_str_t     text;
    genai_tape_t    tape;
    genai_arena_t   arena;
    genai_edits_t   layers[2];
    model_op_t      ops[MODEL_OPS];     /* as they came; a copy of each text
                                           is in the arena */
    unsigned        n;
} model_t;


MODEL_UNUSED static void
model_put(model_buf_t *b, const void *p, size_t n)
{
    if (b->len + n > b->size) {
        b->size = 2 * (b->len + n) + 64;
        b->data = realloc(b->data, b->size);
    }

    if (n) {
        memcpy(b->data + b->len, p, n);
    }

    b->len += n;
}


MODEL_UNUSED static genai_str_t
model_copy(model_t *m, const genai_str_t *s)
{
    genai_str_t  c;

    c.len = s->len;
    c.data = genai_arena_alloc(&m->arena, s->len);

    if (c.data == NULL) {
        abort();
    }

    if (s->len) {
        memcpy(c.data, s->data, s->len);
    }

    return c;
}


/* Returns 0, or -1 where the text is no JSON. */

MODEL_UNUSED static int
model_open(model_t *m, const void *text, size_t len)
{
    genai_scan_t  s;

    memset(m, 0, sizeof(model_t));

    m->text.len = len;
    m->text.data = (unsigned char *) text;

    genai_arena_init(&m->arena, 64 << 20);
    genai_scan_init(&s, &m->arena, text, len, MODEL_ENTRIES);

    if (genai_scan(&s, SIZE_MAX) != GENAI_SCAN_DONE) {
        genai_arena_destroy(&m->arena);
        return -1;
    }

    m->tape = s.tape;

    genai_edits_init(&m->layers[0], &m->tape, &m->arena);
    genai_edits_init(&m->layers[1], &m->tape, &m->arena);

    return 0;
}


MODEL_UNUSED static void
model_close(model_t *m)
{
    genai_arena_destroy(&m->arena);
}


MODEL_UNUSED static int
model_overlap(const model_op_t *a, const model_op_t *b)
{
    return a->start < b->end && b->start < a->end;
}


/* whether a raw string may be cut there: walks from its start */

MODEL_UNUSED static int
model_boundary(const genai_str_t *raw, size_t at)
{
    size_t                n;
    const unsigned char  *p, *end;

    p = raw->data;
    end = p + raw->len;

    while (p < end && (size_t) (p - raw->data) < at) {

        if (*p != '\\') {
            p++;
            while (p < end && (*p & 0xc0) == 0x80) { p++; }
            continue;
        }

        n = 2;

        if (p[1] == 'u') {
            n = 6;

            if ((p[2] == 'd' || p[2] == 'D') && strchr("89abAB", p[3])) {
                n = 12;
            }
        }

        p += n;
    }

    return (size_t) (p - raw->data) == at;
}


/* what the edit must return */

MODEL_UNUSED static int
model_check(model_t *m, const model_op_t *op)
{
    int                rc;
    unsigned           k;
    genai_str_t        raw;
    genai_scan_t       s;
    genai_arena_t      arena;
    genai_tape_type_e  type;

    if (op->index >= m->tape.n) {
        return GENAI_EDIT_BAD;
    }

    type = genai_tape_type(&m->tape, op->index);

    if (op->kind == GENAI_EDIT_VALUE || op->kind == GENAI_EDIT_SET) {
        genai_arena_init(&arena, 64 << 20);
        genai_scan_init(&s, &arena, op->text.data, op->text.len,
                        MODEL_ENTRIES);
        rc = genai_scan(&s, SIZE_MAX);
        genai_arena_destroy(&arena);

        if (rc != GENAI_SCAN_DONE) {
            return GENAI_EDIT_BAD;
        }
    }

    switch (op->kind) {

    case GENAI_EDIT_VALUE:
        return (m->tape.entries[op->index].type & GENAI_TAPE_KEY)
               ? GENAI_EDIT_BAD : GENAI_EDIT_OK;

    case GENAI_EDIT_SET:
        return (type == GENAI_TAPE_OBJECT && genai_text_is_utf8(&op->name))
               ? GENAI_EDIT_OK : GENAI_EDIT_BAD;

    case GENAI_EDIT_REMOVE:
        return (type == GENAI_TAPE_OBJECT) ? GENAI_EDIT_OK : GENAI_EDIT_BAD;

    default:
        break;
    }

    raw = genai_tape_view(&m->tape, op->index);

    if (type != GENAI_TAPE_STRING
        || (m->tape.entries[op->index].type & GENAI_TAPE_KEY)
        || op->start > op->end || op->end > raw.len
        || !genai_text_is_utf8(&op->text)
        || !model_boundary(&raw, op->start) || !model_boundary(&raw, op->end))
    {
        return GENAI_EDIT_BAD;
    }

    for (k = 0; k < m->n; k++) {
        if (m->ops[k].kind == GENAI_EDIT_PART && !m->ops[k].dead
            && m->ops[k].layer == op->layer && m->ops[k].index == op->index
            && model_overlap(&m->ops[k], op)
            && (m->ops[k].start != op->start || m->ops[k].end != op->end))
        {
            return GENAI_EDIT_BAD;
        }
    }

    return GENAI_EDIT_OK;
}


/* makes an edit; returns 0 where it returned what it must */

MODEL_UNUSED static int
model_edit(model_t *m, const model_op_t *op)
{
    int             rc;
    unsigned        k;
    model_op_t     *log;
    genai_edits_t  *e;

    if (m->n == MODEL_OPS) {
        return 0;
    }

    e = &m->layers[op->layer];

    switch (op->kind) {

    case GENAI_EDIT_VALUE:
        rc = genai_edit_value(e, op->index, &op->text);
        break;

    case GENAI_EDIT_PART:
        rc = genai_edit_part(e, op->index, op->start, op->end, &op->text);
        break;

    case GENAI_EDIT_SET:
        rc = genai_edit_set(e, op->index, &op->name, &op->text);
        break;

    default:
        rc = genai_edit_remove(e, op->index, &op->name);
        break;
    }

    if (rc != model_check(m, op)) {
        return -1;
    }

    if (rc != GENAI_EDIT_OK) {
        return 0;
    }

    for (k = 0; k < m->n; k++) {
        if (op->kind == GENAI_EDIT_PART && m->ops[k].kind == op->kind
            && m->ops[k].layer == op->layer && m->ops[k].index == op->index
            && m->ops[k].start == op->start && m->ops[k].end == op->end
            && op->start != op->end)
        {
            m->ops[k].dead = 1;
        }
    }

    log = &m->ops[m->n++];
    *log = *op;
    log->name = model_copy(m, &op->name);
    log->text = model_copy(m, &op->text);

    return 0;
}


/* the bytes of a JSON text without the blanks around it */

MODEL_UNUSED static void
model_put_json(model_buf_t *b, const genai_str_t *json)
{
    const unsigned char  *p, *end;

    p = json->data;
    end = p + json->len;

    while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n') { p++; }

    while (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'
           || end[-1] == '\n')
    {
        end--;
    }

    model_put(b, p, end - p);
}


MODEL_UNUSED static void
model_put_escaped(model_buf_t *b, const genai_str_t *s)
{
    unsigned char  *p;

    p = malloc(6 * s->len + 1);
    model_put(b, p, genai_write_escaped(p, s->data, s->len) - p);
    free(p);
}


MODEL_UNUSED static int
model_named(const model_t *m, uint32_t key, const genai_str_t *name)
{
    int             rc;
    size_t          n;
    genai_str_t     raw;
    unsigned char  *p;

    raw = genai_tape_view(&m->tape, key);
    p = malloc(raw.len + 1);
    n = genai_text_decode(p, &raw);
    rc = (n == name->len && (n == 0 || memcmp(p, name->data, n) == 0));
    free(p);

    return rc;
}


MODEL_UNUSED static int
model_meant(const model_t *m, uint32_t key, const genai_str_t *name)
{
    int          rc;
    genai_str_t  raw, s;

    raw = genai_tape_view(&m->tape, key);
    s.data = malloc(raw.len + 1);
    s.len = genai_text_decode(s.data, &raw);
    rc = model_same(&s, name);
    free(s.data);

    return rc;
}


/* the last edit that replaces the value: lower ones come before upper ones */

MODEL_UNUSED static int
model_value(const model_t *m, uint32_t i, unsigned *rank)
{
    int       found;
    unsigned  k, layer;

    found = -1;

    for (layer = 0; layer < 2; layer++) {
        for (k = 0; k < m->n; k++) {
            if (m->ops[k].layer == layer && m->ops[k].index == i
                && m->ops[k].kind == GENAI_EDIT_VALUE)
            {
                found = k;
                *rank = layer * MODEL_OPS + k + 1;
            }
        }
    }

    return found;
}


/* the last edit that names the member, in any case */

MODEL_UNUSED static int
model_member(const model_t *m, uint32_t i, uint32_t key, unsigned *rank)
{
    int       found;
    unsigned  k, layer;

    found = -1;

    for (layer = 0; layer < 2; layer++) {
        for (k = 0; k < m->n; k++) {
            if (m->ops[k].layer == layer && m->ops[k].index == i
                && (m->ops[k].kind == GENAI_EDIT_SET
                    || m->ops[k].kind == GENAI_EDIT_REMOVE)
                && model_meant(m, key, &m->ops[k].name))
            {
                found = k;
                *rank = layer * MODEL_OPS + k + 1;
            }
        }
    }

    return found;
}


MODEL_UNUSED static void
model_string(const model_t *m, uint32_t i, model_buf_t *b)
{
    size_t             at;
    unsigned           k, o, n, gone;
    genai_str_t        raw;
    const model_op_t  *p, *q, *said[MODEL_OPS];

    raw = genai_tape_view(&m->tape, i);

    /* what is said, sorted by its place; lower ones and early ones first */

    n = 0;

    for (k = 0; k < m->n; k++) {
        p = &m->ops[k];

        if (p->kind != GENAI_EDIT_PART || p->index != i || p->dead) {
            continue;
        }

        gone = 0;

        for (o = 0; o < m->n; o++) {
            q = &m->ops[o];

            if (q->kind == GENAI_EDIT_PART && q->index == i && !q->dead
                && q->layer > p->layer && model_overlap(p, q))
            {
                gone = 1;
            }
        }

        if (gone) {
            continue;
        }

        for (o = n++; o > 0; o--) {
            q = said[o - 1];

            if (q->start < p->start
                || (q->start == p->start
                    && (q->end < p->end
                        || (q->end == p->end && q->layer <= p->layer))))
            {
                break;
            }

            said[o] = said[o - 1];
        }

        said[o] = p;
    }

    model_put(b, "\"", 1);

    for (at = 0, o = 0; at <= raw.len; at++) {

        while (o < n && said[o]->start == at) {
            model_put_escaped(b, &said[o++]->text);
        }

        gone = (at == raw.len);

        for (k = 0; k < m->n; k++) {
            p = &m->ops[k];

            if (p->kind == GENAI_EDIT_PART && p->index == i && !p->dead
                && p->start <= at && at < p->end)
            {
                gone = 1;
            }
        }

        if (!gone) {
            model_put(b, raw.data + at, 1);
        }
    }

    model_put(b, "\"", 1);
}


/* the members that are added: a list that is played through */

MODEL_UNUSED static void
model_added(const model_t *m, uint32_t i, int kept, model_buf_t *b)
{
    unsigned           k, n, at, layer;
    uint32_t           key;
    const model_op_t  *p, *list[MODEL_OPS];

    n = 0;

    for (layer = 0; layer < 2; layer++) {
        for (k = 0; k < m->n; k++) {
            p = &m->ops[k];

            if (p->layer != layer || p->index != i
                || (p->kind != GENAI_EDIT_SET
                    && p->kind != GENAI_EDIT_REMOVE))
            {
                continue;
            }

            for (at = 0; at < n; at++) {
                if (model_same(&list[at]->name, &p->name)) {
                    break;
                }
            }

            if (p->kind == GENAI_EDIT_SET) {
                list[at] = p;
                n += (at == n);

            } else if (at < n) {
                n--;
                memmove(&list[at], &list[at + 1], (n - at) * sizeof(p));
            }
        }
    }

    for (at = 0; at < n; at++) {

        /* but for those that the text has, spelled so */

        for (key = genai_tape_first(&m->tape, i);
             key && !model_named(m, key, &list[at]->name);
             key = genai_tape_next(&m->tape, i, key)) { /* void */ }

        if (key) {
            continue;
        }

        model_put(b, ",", kept);
        model_put(b, "\"", 1);
        kept = 1;
        model_put_escaped(b, &list[at]->name);
        model_put(b, "\":", 2);
        model_put_json(b, &list[at]->text);
    }
}


MODEL_UNUSED static void
model_write(const model_t *m, uint32_t i, int op, model_buf_t *b)
{
    int                   named, kept, removed, array;
    unsigned              rank, last;
    uint32_t              k, value, other;
    genai_str_t           s, v;
    model_buf_t           members;
    const unsigned char  *at, *lead, *lead_end;

    last = 0;

    if (op < 0) {
        op = model_value(m, i, &last);
    }

    if (op >= 0) {
        model_put_json(b, &m->ops[op].text);
        return;
    }

    s = genai_tape_whole(&m->tape, i);

    switch (genai_tape_type(&m->tape, i)) {

    case GENAI_TAPE_STRING:
        model_string(m, i, b);
        return;

    case GENAI_TAPE_ARRAY:
    case GENAI_TAPE_OBJECT:
        break;

    default:
        model_put(b, s.data, s.len);
        return;
    }

    array = (genai_tape_type(&m->tape, i) == GENAI_TAPE_ARRAY);
    at = s.data + 1;
    lead = NULL;
    lead_end = NULL;
    kept = 0;
    memset(&members, 0, sizeof(model_buf_t));

    for (k = genai_tape_first(&m->tape, i); k;
         k = genai_tape_next(&m->tape, i, k))
    {
        value = array ? k : genai_tape_value(&m->tape, k);
        v = genai_tape_whole(&m->tape, k);

        if (lead == NULL) {
            lead = at;
            lead_end = v.data;
        }

        last = 0;
        rank = 0;
        removed = 0;
        op = model_value(m, value, &last);
        named = array ? -1 : model_member(m, i, k, &rank);

        if (named >= 0) {
            for (other = genai_tape_first(&m->tape, i); other != k;
                 other = genai_tape_next(&m->tape, i, other))
            {
                if (model_named(m, other, &m->ops[named].name)) {
                    break;
                }
            }

            if (m->ops[named].kind == GENAI_EDIT_REMOVE) {
                removed = (last < rank);

            } else if (other == k
                       && model_named(m, k, &m->ops[named].name))
            {
                op = (rank > last) ? named : op;

            } else {
                removed = 1;
            }
        }

        if (!removed) {

            if (kept) {
                model_put(&members, at, v.data - at);
            }

            v = genai_tape_whole(&m->tape, value);
            model_put(&members, genai_tape_whole(&m->tape, k).data,
                      v.data - genai_tape_whole(&m->tape, k).data);
            model_write(m, value, op, &members);
            kept = 1;
        }

        v = genai_tape_whole(&m->tape, value);
        at = v.data + v.len;
    }

    model_put(b, s.data, 1);

    if (!kept && !array) {
        model_added(m, i, 0, b);
    }

    if (lead) {
        model_put(b, lead, lead_end - lead);
    }

    model_put(b, members.data, members.len);

    if (kept && !array) {
        model_added(m, i, 1, b);
    }

    model_put(b, at, s.data + s.len - at);

    free(members.data);
}


/* the edited text as it must be */

MODEL_UNUSED static void
model_text(const model_t *m, model_buf_t *b)
{
    genai_str_t           s;
    const unsigned char  *end;

    s = genai_tape_whole(&m->tape, 0);

    model_put(b, m->text.data, s.data - m->text.data);
    model_write(m, 0, -1, b);

    end = m->text.data + m->text.len;

    model_put(b, s.data + s.len, end - (s.data + s.len));
}


/* the edited text as it is; -1 where its slices are not as they should be */

MODEL_UNUSED static int
model_splice(const genai_document_t *d, model_buf_t *b)
{
    genai_str_t      s;
    genai_splicer_t  splicer;

    genai_splicer_init(&splicer, d);

    while (genai_splicer_next(&splicer, &s)) {

        if (s.len == 0) {
            return -1;
        }

        model_put(b, s.data, s.len);
    }

    if (genai_splicer_next(&splicer, &s)) {
        return -1;
    }

    return (b->len == d->len) ? 0 : -1;
}


MODEL_UNUSED static int
model_on_write(void *ctx, const genai_str_t *s)
{
    if (s->len == 0) {
        return -1;
    }

    model_put(ctx, s->data, s->len);

    return 0;
}


MODEL_UNUSED static int
model_on_bytes(void *ctx, const unsigned char *p, size_t n)
{
    model_put(ctx, p, n);

    return 0;
}


/*
 * Whether the cursor reads what the tape at i of the edited text has.
 * Returns the line of the first difference, or 0.
 */

MODEL_UNUSED static int
model_cursor(const genai_cursor_t *c, const genai_tape_t *t, uint32_t i,
    genai_arena_t *arena)
{
    int                  line, last;
    uint32_t             k, n;
    genai_str_t          s, v, text;
    model_buf_t          b;
    genai_cursor_t       found;
    genai_writer_t       w;
    genai_cursor_iter_t  it;

    if (genai_cursor_type(c) != genai_tape_type(t, i)) {
        return __LINE__;
    }

    /* as a whole, in three ways */

    memset(&b, 0, sizeof(model_buf_t));

    for (k = 0; k < 3; k++) {
        b.len = 0;

        if (k < 2) {
            v = k ? genai_tape_whole(t, i) : genai_tape_view(t, i);
            last = genai_cursor_write(c, k == 0, model_on_write, &b);

        } else {
            genai_writer_init(&w, model_on_bytes, &b);
            genai_cursor_copy(c, &w);
            last = genai_writer_flush(&w);
        }

        if (last != 0 || b.len != v.len
            || (v.len && memcmp(b.data, v.data, v.len) != 0))
        {
            free(b.data);
            return __LINE__;
        }
    }

    free(b.data);

    if (genai_tape_type(t, i) < GENAI_TAPE_STRING) {
        s = genai_cursor_view(c);

        return (s.len == v.len && memcmp(s.data, v.data, v.len) == 0)
               ? 0 : __LINE__;
    }

    if (genai_tape_type(t, i) == GENAI_TAPE_STRING) {

        if (genai_cursor_text(c, arena, &s) != GENAI_EDIT_OK) {
            return __LINE__;
        }

        v = genai_tape_view(t, i);

        text.data = genai_arena_alloc(arena, v.len);
        text.len = genai_text_decode(text.data, &v);

        return (s.len == text.len
                && (s.len == 0 || memcmp(s.data, text.data, s.len) == 0))
               ? 0 : __LINE__;
    }

    if (genai_cursor_text(c, arena, &s) != GENAI_EDIT_BAD) {
        return __LINE__;
    }

    genai_cursor_iter(&it, c);
    last = 0;

    for (k = genai_tape_first(t, i); k; k = genai_tape_next(t, i, k)) {

        if (genai_cursor_next(&it) != 1) {
            return __LINE__;
        }

        n = k;

        if (genai_tape_type(t, i) == GENAI_TAPE_OBJECT) {
            v = genai_tape_view(t, k);
            n = genai_tape_value(t, k);

            if (it.name.len != v.len
                || (v.len && memcmp(it.name.data, v.data, v.len) != 0)
                || it.name_escaped != genai_tape_escaped(t, k))
            {
                return __LINE__;
            }

            /* the first of that name, which is this or one before */

            text.data = genai_arena_alloc(arena, v.len);
            text.len = genai_text_decode(text.data, &v);

            if (genai_cursor_find(c, (char *) text.data, text.len, &found)
                != 1)
            {
                return __LINE__;
            }

            last += (found.tape == it.value.tape
                     && found.index == it.value.index);
        }

        line = model_cursor(&it.value, t, n, arena);

        if (line != 0) {
            return line;
        }
    }

    if (genai_cursor_next(&it) != 0 || genai_cursor_next(&it) != 0) {
        return __LINE__;
    }

    /* at least one member is the first of its name */

    return (genai_tape_type(t, i) == GENAI_TAPE_OBJECT
            && genai_tape_first(t, i) && last == 0) ? __LINE__ : 0;
}


#endif /* _GENAI_T_EDIT_H_INCLUDED_ */
