/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Layers of edits: how they are gathered.  What becomes of them is in
 * genai_splice.c.
 */


#include "genai_edit_int.h"
#include "genai_scan.h"
#include "genai_text.h"
#include "genai_writer.h"


static int genai_edits_put(genai_edits_t *e, genai_edit_t *key);
static genai_edit_t *genai_edits_find(genai_edits_t *e,
    const genai_edit_t *key, genai_edit_t **before);
static unsigned genai_edits_levels(genai_edits_t *e);
static int genai_edits_json(genai_edits_t *e, genai_edit_t *edit,
    const genai_str_t *name, const genai_str_t *json);
static int genai_edits_name(genai_edits_t *e, genai_edit_t *edit,
    const genai_str_t *name);
static genai_edit_t *genai_edits_at(genai_edits_t *e, unsigned k,
    genai_edit_t *before);


void
genai_edits_init(genai_edits_t *e, const genai_tape_t *tape,
    genai_arena_t *arena)
{
    genai_zero(e, sizeof(genai_edits_t));

    e->tape = tape;
    e->arena = arena;
    e->random = 2463534242U;
}


void
genai_edits_clear(genai_edits_t *e)
{
    genai_edits_init(e, e->tape, e->arena);
}


int
genai_edit_value(genai_edits_t *e, uint32_t i, const genai_str_t *json)
{
    int           rc;
    genai_edit_t  key;

    if (i >= e->tape->n || (e->tape->entries[i].type & GENAI_TAPE_KEY)) {
        return GENAI_EDIT_BAD;
    }

    memset(&key, 0, sizeof(genai_edit_t));

    key.kind = GENAI_EDIT_VALUE;
    key.index = i;

    rc = genai_edits_json(e, &key, NULL, json);

    return (rc == GENAI_EDIT_OK) ? genai_edits_put(e, &key) : rc;
}


int
genai_edit_part(genai_edits_t *e, uint32_t i, size_t start, size_t end,
    const genai_str_t *text)
{
    int            escaped;
    size_t         known, last, len;
    genai_str_t    raw;
    genai_edit_t   key, *next, *before[GENAI_EDIT_LEVELS];

    if (i >= e->tape->n || genai_tape_type(e->tape, i) != GENAI_TAPE_STRING
        || (e->tape->entries[i].type & GENAI_TAPE_KEY))
    {
        return GENAI_EDIT_BAD;
    }

    raw = genai_tape_view(e->tape, i);
    escaped = genai_tape_escaped(e->tape, i);

    if (start > end || end > raw.len || !genai_text_is_utf8(text)) {
        return GENAI_EDIT_BAD;
    }

    memset(&key, 0, sizeof(genai_edit_t));

    key.kind = GENAI_EDIT_PART;
    key.index = i;
    key.start = (uint32_t) start;
    key.end = (uint32_t) end;
    key.order = e->order;

    next = genai_edits_find(e, &key, before);
    known = 0;

    if (before[0] && before[0]->index == i
        && before[0]->kind == GENAI_EDIT_PART)
    {
        if (before[0]->end > start) {
            return GENAI_EDIT_BAD;
        }

        /* look-ups of many parts go over the string once */

        known = before[0]->end;
    }

    last = raw.len;

    if (next && next->index == i && next->kind == GENAI_EDIT_PART) {

        if (next->start < end && (next->start != start || next->end != end)) {
            return GENAI_EDIT_BAD;
        }

        last = (next->start < end) ? next->end : next->start;
    }

    if (!genai_text_boundary(&raw, escaped, start, known, last)
        || !genai_text_boundary(&raw, escaped, end, start, last))
    {
        return GENAI_EDIT_BAD;
    }

    len = genai_write_escaped_len(text->data, text->len);

    key.text.data = genai_arena_alloc(e->arena, len);

    if (key.text.data == NULL) {
        return GENAI_EDIT_NO_MEMORY;
    }

    key.text.len = len;
    (void) genai_write_escaped(key.text.data, text->data, text->len);

    return genai_edits_put(e, &key);
}


int
genai_edit_set(genai_edits_t *e, uint32_t i, const genai_str_t *name,
    const genai_str_t *json)
{
    int           rc;
    genai_edit_t  key;

    if (i >= e->tape->n || genai_tape_type(e->tape, i) != GENAI_TAPE_OBJECT
        || !genai_text_is_utf8(name))
    {
        return GENAI_EDIT_BAD;
    }

    memset(&key, 0, sizeof(genai_edit_t));

    key.kind = GENAI_EDIT_SET;
    key.index = i;

    rc = genai_edits_json(e, &key, name, json);

    if (rc == GENAI_EDIT_OK) {
        rc = genai_edits_name(e, &key, name);
    }

    return (rc == GENAI_EDIT_OK) ? genai_edits_put(e, &key) : rc;
}


int
genai_edit_remove(genai_edits_t *e, uint32_t i, const genai_str_t *name)
{
    int           rc;
    genai_edit_t  key;

    if (i >= e->tape->n || genai_tape_type(e->tape, i) != GENAI_TAPE_OBJECT) {
        return GENAI_EDIT_BAD;
    }

    memset(&key, 0, sizeof(genai_edit_t));

    key.kind = GENAI_EDIT_REMOVE;
    key.index = i;

    rc = genai_edits_name(e, &key, name);

    return (rc == GENAI_EDIT_OK) ? genai_edits_put(e, &key) : rc;
}


/*
 * Adds a copy of key, instead of an edit of the same thing.  That one stays
 * as it is, since documents point to it.
 */

static int
genai_edits_put(genai_edits_t *e, genai_edit_t *key)
{
    unsigned       k, n;
    genai_edit_t  *edit, *old, *next, *before[GENAI_EDIT_LEVELS];

    if (e->order == UINT32_MAX) {
        return GENAI_EDIT_NO_MEMORY;
    }

    key->order = e->order;

    old = genai_edits_find(e, key, before);

    if (old && genai_edits_order(old, key) != 0) {
        old = NULL;
    }

    n = old ? old->levels : genai_edits_levels(e);

    edit = genai_arena_alloc(e->arena, sizeof(genai_edit_t)
                                       + (n - 1) * sizeof(genai_edit_t *));
    if (edit == NULL) {
        return GENAI_EDIT_NO_MEMORY;
    }

    memcpy(edit, key, offsetof(genai_edit_t, next));

    e->order++;
    edit->place = edit->order;
    edit->removed = 0;
    edit->levels = n;

    if (old && edit->kind == GENAI_EDIT_SET) {

        if (old->kind == GENAI_EDIT_SET) {
            edit->place = old->place;
        }

        edit->removed = old->removed || old->kind == GENAI_EDIT_REMOVE;
    }

    for (k = 0; k < n; k++) {

        next = genai_edits_at(e, k, before[k]);
        next = old ? old->next[k] : next;

        edit->next[k] = next;

        if (before[k]) {
            before[k]->next[k] = edit;

        } else {
            e->first[k] = edit;
        }

        if (next == NULL) {
            e->last[k] = edit;
        }
    }

    e->n += (old == NULL);

    return GENAI_EDIT_OK;
}


/*
 * The first edit that is not before key, or NULL; before gets the last one
 * on each level that is, or NULL.
 */

static genai_edit_t *
genai_edits_find(genai_edits_t *e, const genai_edit_t *key,
    genai_edit_t **before)
{
    unsigned       k;
    genai_edit_t  *edit, *next;

    if (e->last[0] && genai_edits_order(e->last[0], key) < 0) {
        memcpy(before, e->last, sizeof(e->last));
        return NULL;
    }

    edit = NULL;
    next = NULL;

    for (k = GENAI_EDIT_LEVELS; k-- > 0; /* void */ ) {

        for ( ;; ) {
            next = genai_edits_at(e, k, edit);

            if (next == NULL || genai_edits_order(next, key) >= 0) {
                break;
            }

            edit = next;
        }

        before[k] = edit;
    }

    return next;
}


static genai_edit_t *
genai_edits_at(genai_edits_t *e, unsigned k, genai_edit_t *before)
{
    return before ? before->next[k] : e->first[k];
}


int
genai_edits_order(const genai_edit_t *a, const genai_edit_t *b)
{
    int       rc;
    size_t    n;
    unsigned  ka, kb;

    if (a->index != b->index) {
        return (a->index < b->index) ? -1 : 1;
    }

    ka = (a->kind == GENAI_EDIT_REMOVE) ? GENAI_EDIT_SET : a->kind;
    kb = (b->kind == GENAI_EDIT_REMOVE) ? GENAI_EDIT_SET : b->kind;

    if (ka != kb) {
        return (ka < kb) ? -1 : 1;
    }

    if (ka == GENAI_EDIT_PART) {

        if (a->start != b->start) {
            return (a->start < b->start) ? -1 : 1;
        }

        if (a->end != b->end) {
            return (a->end < b->end) ? -1 : 1;
        }

        if (a->start != a->end || a->order == b->order) {
            return 0;
        }

        return (a->order < b->order) ? -1 : 1;
    }

    if (ka == GENAI_EDIT_VALUE) {
        return 0;
    }

    n = (a->folded.len < b->folded.len) ? a->folded.len : b->folded.len;
    rc = memcmp(a->folded.data, b->folded.data, n);

    return rc ? rc : (a->folded.len > b->folded.len)
                     - (a->folded.len < b->folded.len);
}


/* how many levels an edit is on: k or more with the chance 4 ^ -(k - 1) */

static unsigned
genai_edits_levels(genai_edits_t *e)
{
    unsigned  n;
    uint32_t  r;

    /* xorshift32, G. Marsaglia; the order of the edits is not its choice */

    r = e->random;
    r ^= r << 13;
    r ^= r >> 17;
    r ^= r << 5;
    e->random = r;

    for (n = 1; n < GENAI_EDIT_LEVELS && (r & 3) == 0; n++) {
        r >>= 2;
    }

    return n;
}


/*
 * Copies a JSON text, with a comma, the name and a colon before it where it
 * is to be a member, and makes its tape.
 */

static int
genai_edits_json(genai_edits_t *e, genai_edit_t *edit,
    const genai_str_t *name, const genai_str_t *json)
{
    int             rc;
    size_t          len, max;
    genai_scan_t    scan;
    unsigned char  *p, *start, *end;

    start = json->data;
    end = start;

    if (json->len) {
        end += json->len;
    }

    while (start < end && strchr(" \t\r\n", *start) && *start) {
        start++;
    }

    while (start < end && strchr(" \t\r\n", end[-1]) && end[-1]) {
        end--;
    }

    if (start == end) {
        return GENAI_EDIT_BAD;
    }

    len = end - start;

    if (name) {
        max = genai_write_escaped_len(name->data, name->len) + 4;

        if (max > SIZE_MAX - len) {
            return GENAI_EDIT_BAD;
        }

        len += max;
    }

    p = genai_arena_alloc(e->arena, len);

    if (p == NULL) {
        return GENAI_EDIT_NO_MEMORY;
    }

    edit->text.len = len;
    edit->text.data = p;

    if (name) {
        *p++ = ',';
        *p++ = '"';
        p = genai_write_escaped(p, name->data, name->len);
        *p++ = '"';
        *p++ = ':';
    }

    len = end - start;
    memcpy(p, start, len);

    /* no text has more values than one for two of its bytes */

    max = (*p == '[' || *p == '{') ? len / 2 + 1 : 1;

    genai_scan_init(&scan, e->arena, p, len,
                    (max > UINT32_MAX) ? UINT32_MAX : (uint32_t) max);

    rc = genai_scan(&scan, SIZE_MAX);

    if (rc != GENAI_SCAN_DONE) {
        return (scan.cause == GENAI_SCAN_NO_MEMORY) ? GENAI_EDIT_NO_MEMORY
                                                    : GENAI_EDIT_BAD;
    }

    edit->tape = scan.tape;

    return GENAI_EDIT_OK;
}


static int
genai_edits_name(genai_edits_t *e, genai_edit_t *edit,
    const genai_str_t *name)
{
    edit->name.data = genai_arena_alloc(e->arena, name->len);
    edit->folded.data = genai_arena_alloc(e->arena, name->len);

    if (edit->name.data == NULL || edit->folded.data == NULL) {
        return GENAI_EDIT_NO_MEMORY;
    }

    edit->name.len = name->len;
    edit->folded.len = name->len;

    if (name->len) {
        memcpy(edit->name.data, name->data, name->len);
        memcpy(edit->folded.data, name->data, name->len);
    }

    genai_text_fold(&edit->folded);

    return GENAI_EDIT_OK;
}
