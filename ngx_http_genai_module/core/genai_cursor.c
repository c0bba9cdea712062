/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_cursor.h"
#include "genai_edit_int.h"


static genai_cursor_t genai_cursor_value(const genai_document_t *d,
    const genai_tape_t *tape, uint32_t i);


genai_cursor_t
genai_cursor_root(const genai_document_t *d)
{
    return genai_cursor_value(d, d->tape, 0);
}


int
genai_cursor_at(const genai_document_t *d, uint32_t i, genai_cursor_t *c)
{
    uint32_t               k;
    const genai_change_t  *change;

    if (i >= d->tape->n || (d->tape->entries[i].type & GENAI_TAPE_KEY)) {
        return 0;
    }

    /*
     * There are no changes inside of what is replaced or removed: were the
     * value in such, that would be the last change in front of it.
     */

    k = genai_document_find(d, i);

    if (k) {
        change = &d->changes[k - 1];

        if ((change->kind == GENAI_EDIT_VALUE
             && i < d->tape->entries[change->index].next)
            || (change->kind == GENAI_EDIT_REMOVE
                && i < d->tape->entries[change->index + 1].next))
        {
            return 0;
        }
    }

    *c = genai_cursor_value(d, d->tape, i);

    return 1;
}


genai_tape_type_e
genai_cursor_type(const genai_cursor_t *c)
{
    return genai_tape_type(c->tape, c->index);
}


genai_str_t
genai_cursor_view(const genai_cursor_t *c)
{
    return genai_tape_view(c->tape, c->index);
}


void
genai_cursor_iter(genai_cursor_iter_t *it, const genai_cursor_t *c)
{
    uint32_t                 k;
    const genai_document_t  *d;

    memset(it, 0, sizeof(genai_cursor_iter_t));

    it->parent = *c;

    if (genai_cursor_type(c) < GENAI_TAPE_ARRAY) {
        return;
    }

    it->child = genai_tape_first(c->tape, c->index);

    d = c->document;

    if (d == NULL) {
        return;
    }

    k = genai_document_find(d, c->index);

    if (k < d->nchanges && d->changes[k].index == c->index) {

        /* it is MEMBERS; what is added follows */

        it->removed = 1;
        it->added = k + 1;
    }
}


int
genai_cursor_next(genai_cursor_iter_t *it)
{
    uint32_t                 i, k;
    const genai_change_t    *change;
    const genai_tape_t      *t;
    const genai_document_t  *d;

    t = it->parent.tape;
    d = it->parent.document;

    while (it->child) {

        i = it->child;
        it->child = genai_tape_next(t, it->parent.index, i);

        if (!(t->entries[i].type & GENAI_TAPE_KEY)) {
            it->value = genai_cursor_value(d, t, i);
            return 1;
        }

        if (it->removed) {
            k = genai_document_find(d, i);

            if (k < d->nchanges && d->changes[k].index == i) {
                continue;
            }
        }

        it->name = genai_tape_view(t, i);
        it->name_escaped = genai_tape_escaped(t, i);
        it->value = genai_cursor_value(d, t, genai_tape_value(t, i));

        return 1;
    }

    if (it->added == 0 || it->added == d->nchanges) {
        return 0;
    }

    change = &d->changes[it->added];

    if (change->index != it->parent.index) {
        return 0;
    }

    it->added++;

    it->name = genai_edit_name(change->edit);
    it->name_escaped = (it->name.len != change->edit->name.len);
    it->value = genai_cursor_value(NULL, &change->edit->tape, 0);

    return 1;
}


int
genai_cursor_find(const genai_cursor_t *c, const char *name, size_t len,
    genai_cursor_t *value)
{
    genai_str_t          s;
    genai_cursor_iter_t  it;

    if (genai_cursor_type(c) != GENAI_TAPE_OBJECT) {
        return 0;
    }

    s.len = len;
    s.data = (unsigned char *) name;

    genai_cursor_iter(&it, c);

    while (genai_cursor_next(&it)) {

        if (genai_text_compare(&it.name, it.name_escaped, &s) == 0) {
            *value = it.value;
            return 1;
        }
    }

    return 0;
}


int
genai_cursor_text(const genai_cursor_t *c, genai_arena_t *arena,
    genai_str_t *text)
{
    int                      escaped;
    size_t                   len;
    uint32_t                 k, n;
    genai_str_t              s;
    unsigned char           *p;
    genai_splicer_t          splicer;
    const genai_document_t  *d;

    if (genai_cursor_type(c) != GENAI_TAPE_STRING) {
        return GENAI_EDIT_BAD;
    }

    s = genai_tape_view(c->tape, c->index);
    escaped = genai_tape_escaped(c->tape, c->index);

    d = c->document;
    k = 0;
    n = 0;

    if (d) {
        k = genai_document_find(d, c->index);
        n = genai_document_find(d, c->index + 1);
    }

    if (k == n && !escaped) {
        *text = s;
        return GENAI_EDIT_OK;
    }

    /* decoding never lengthens */

    len = s.len;

    for ( /* void */ ; k < n; k++) {
        len -= d->changes[k].end - d->changes[k].start;

        if (d->changes[k].edit) {
            len += d->changes[k].edit->text.len;
        }
    }

    p = genai_arena_alloc(arena, len);

    if (p == NULL) {
        return GENAI_EDIT_NO_MEMORY;
    }

    text->data = p;

    if (d == NULL) {
        text->len = genai_text_decode(p, &s);
        return GENAI_EDIT_OK;
    }

    /* no slice ends within a character or an escape */

    genai_splicer_value(&splicer, d, c->index, 1);

    while (genai_splicer_next(&splicer, &s)) {
        p += genai_text_decode(p, &s);
    }

    text->len = p - text->data;

    return GENAI_EDIT_OK;
}


int
genai_cursor_write(const genai_cursor_t *c, int inside,
    int (*write)(void *ctx, const genai_str_t *slice), void *ctx)
{
    int              rc;
    genai_str_t      s;
    genai_splicer_t  splicer;

    if (c->document == NULL) {
        s = inside ? genai_tape_view(c->tape, c->index)
                   : genai_tape_whole(c->tape, c->index);

        return s.len ? write(ctx, &s) : 0;
    }

    genai_splicer_value(&splicer, c->document, c->index, inside);

    while (genai_splicer_next(&splicer, &s)) {

        rc = write(ctx, &s);

        if (rc != 0) {
            return rc;
        }
    }

    return 0;
}


void
genai_cursor_copy(const genai_cursor_t *c, genai_writer_t *w)
{
    genai_str_t      s;
    genai_splicer_t  splicer;

    if (c->document == NULL) {
        s = genai_tape_whole(c->tape, c->index);
        genai_writer_raw(w, &s);
        return;
    }

    genai_splicer_value(&splicer, c->document, c->index, 0);

    if (genai_splicer_next(&splicer, &s)) {
        genai_writer_raw(w, &s);
    }

    while (genai_splicer_next(&splicer, &s)) {
        genai_writer_bytes(w, (char *) s.data, s.len);
    }
}


/* what replaces the value at i, or that value itself */

static genai_cursor_t
genai_cursor_value(const genai_document_t *d, const genai_tape_t *tape,
    uint32_t i)
{
    uint32_t        k;
    genai_cursor_t  c;

    c.document = d;
    c.tape = tape;
    c.index = i;

    if (d == NULL) {
        return c;
    }

    k = genai_document_find(d, i);

    if (k < d->nchanges && d->changes[k].index == i
        && d->changes[k].kind == GENAI_EDIT_VALUE)
    {
        c.document = NULL;
        c.tape = &d->changes[k].edit->tape;
        c.index = 0;
    }

    return c;
}
