/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Documents: layers of edits are resolved to changes, which are disjoint and
 * which the cursor reads, and these to splices of the text, where commas come
 * in.  Every step goes over sorted things once, but for look-ups by halves:
 * with n edits, and m members of the objects that lose or get one, the time
 * is of the order of (n + m) log n.
 */


#include "genai_edit_int.h"
#include "genai_text.h"

#include <stdlib.h>


/* what both layers say of one member */

typedef struct {
    const genai_edit_t   *edit;     /* that of the last word */
    uint64_t              rank;
    uint64_t              place;    /* of an added one among such */
    unsigned              found:1;  /* the text has it, spelled so */
} genai_resolve_member_t;


typedef struct {
    genai_document_t        *document;
    genai_arena_t           *arena;
    uint32_t                 room;      /* of the document's changes */
    genai_resolve_member_t  *members;   /* of one object, by name, folded */
    uint32_t                 nmembers;
    uint32_t                 members_room;
} genai_resolve_t;


/* an upper edit is later than any lower one */
#define genai_resolve_rank(order, upper)                                      \
    ((uint64_t) (upper) << 32 | (order))


static int genai_resolve_gather(genai_resolve_t *r,
    const genai_edit_t *lower, const genai_edit_t *upper);
static int genai_resolve_parts(genai_resolve_t *r, uint32_t i,
    const genai_edit_t *lower, const genai_edit_t *upper);
static int genai_resolve_part(genai_resolve_t *r, const genai_edit_t *edit,
    uint32_t index, uint32_t start, uint32_t end);
static int genai_resolve_members(genai_resolve_t *r, uint32_t i,
    const genai_edit_t *lower, const genai_edit_t *upper);
static int genai_resolve_object(genai_resolve_t *r, uint32_t i);
static genai_resolve_member_t *genai_resolve_named(genai_resolve_t *r,
    uint32_t key);
static int genai_resolve_add(genai_resolve_t *r, genai_edit_e kind,
    uint32_t index, uint64_t rank, const genai_edit_t *edit);
static int genai_resolve_order(const void *one, const void *two);
static void genai_resolve_inside(genai_document_t *d);
static int genai_splice_all(genai_document_t *d, genai_arena_t *arena);
static void genai_splice_members(genai_document_t *d, uint32_t change);
static int genai_splice_order(const void *one, const void *two);
static uint32_t genai_splice_find(const genai_document_t *d, uint32_t start);


int
genai_document_init(genai_document_t *d, const genai_str_t *text,
    const genai_tape_t *tape, const genai_edits_t *lower,
    const genai_edits_t *upper, genai_arena_t *arena)
{
    genai_resolve_t  r;

    memset(d, 0, sizeof(genai_document_t));

    d->text = *text;
    d->tape = tape;
    d->len = text->len;

    memset(&r, 0, sizeof(genai_resolve_t));

    r.document = d;
    r.arena = arena;

    if (genai_resolve_gather(&r, lower ? lower->first[0] : NULL,
                             upper ? upper->first[0] : NULL)
        != GENAI_EDIT_OK)
    {
        return GENAI_EDIT_NO_MEMORY;
    }

    if (d->nchanges == 0) {
        return GENAI_EDIT_OK;
    }

    qsort(d->changes, d->nchanges, sizeof(genai_change_t),
          genai_resolve_order);

    genai_resolve_inside(d);

    return genai_splice_all(d, arena);
}


/* the edits of both layers, index by index */

static int
genai_resolve_gather(genai_resolve_t *r, const genai_edit_t *lower,
    const genai_edit_t *upper)
{
    int                  rc;
    uint32_t             i;
    uint64_t             rank;
    const genai_edit_t  *value;

    while (lower || upper) {

        i = (upper == NULL || (lower && lower->index < upper->index))
            ? lower->index : upper->index;

        value = NULL;
        rank = 0;

        if (lower && lower->index == i && lower->kind == GENAI_EDIT_VALUE) {
            value = lower;
            rank = genai_resolve_rank(lower->order, 0);
        }

        if (upper && upper->index == i && upper->kind == GENAI_EDIT_VALUE) {
            value = upper;
            rank = genai_resolve_rank(upper->order, 1);
        }

        if (value) {
            rc = genai_resolve_add(r, GENAI_EDIT_VALUE, i, rank, value);

        } else if (genai_tape_type(r->document->tape, i)
                   == GENAI_TAPE_STRING)
        {
            rc = genai_resolve_parts(r, i, lower, upper);

        } else {
            rc = genai_resolve_members(r, i, lower, upper);
        }

        if (rc != GENAI_EDIT_OK) {
            return rc;
        }

        while (lower && lower->index == i) {
            lower = lower->next[0];
        }

        while (upper && upper->index == i) {
            upper = upper->next[0];
        }
    }

    return GENAI_EDIT_OK;
}


/*
 * Parts of one string: in each layer they are disjoint.  Where both overlap,
 * the text of the lower is lost, and what it covers beyond the upper is added
 * to that: [start, end) is what gives way to edit, and goes on behind it with
 * bytes of the lower, which the next part may take.
 */

static int
genai_resolve_parts(genai_resolve_t *r, uint32_t i,
    const genai_edit_t *lower, const genai_edit_t *upper)
{
    int                  is_upper, was_upper;
    uint32_t             start, end, last;
    const genai_edit_t  *edit, *next;

    if (lower && lower->index != i) {
        lower = NULL;
    }

    if (upper && upper->index != i) {
        upper = NULL;
    }

    edit = NULL;
    was_upper = 0;
    start = 0;
    end = 0;

    while (lower || upper) {

        is_upper = (lower == NULL
                    || (upper && (upper->start < lower->start
                                  || (upper->start == lower->start
                                      && upper->end < lower->end))));

        next = is_upper ? upper : lower;

        if (is_upper) {
            upper = (next->next[0] && next->next[0]->index == i)
                    ? next->next[0] : NULL;

        } else {
            lower = (next->next[0] && next->next[0]->index == i)
                    ? next->next[0] : NULL;
        }

        last = next->end;

        if (next->start < end) {

            if (!is_upper) {
                end = (last > end) ? last : end;
                continue;
            }

            /* it begins within bytes of the lower */

            if (!was_upper) {
                edit = NULL;
            }

            last = (end > last) ? end : last;
            end = next->start;
        }

        if ((edit || start < end)
            && genai_resolve_part(r, edit, i, start, end) != GENAI_EDIT_OK)
        {
            return GENAI_EDIT_NO_MEMORY;
        }

        edit = next;
        was_upper = is_upper;
        start = next->start;
        end = last;
    }

    return genai_resolve_part(r, edit, i, start, end);
}


static int
genai_resolve_part(genai_resolve_t *r, const genai_edit_t *edit,
    uint32_t index, uint32_t start, uint32_t end)
{
    uint32_t           offset;
    genai_change_t    *c;
    genai_document_t  *d;

    d = r->document;

    if (genai_resolve_add(r, GENAI_EDIT_PART, index, d->nchanges, edit)
        != GENAI_EDIT_OK)
    {
        return GENAI_EDIT_NO_MEMORY;
    }

    offset = d->tape->entries[index].offset;

    c = &d->changes[d->nchanges - 1];
    c->start = offset + start;
    c->end = offset + end;

    return GENAI_EDIT_OK;
}


/* members of one object: both layers have them by name */

static int
genai_resolve_members(genai_resolve_t *r, uint32_t i,
    const genai_edit_t *lower, const genai_edit_t *upper)
{
    int                      rc;
    void                    *p;
    size_t                   n;
    const genai_edit_t      *edit;
    genai_resolve_member_t  *m;

    r->nmembers = 0;

    for ( ;; ) {

        if (lower && lower->index != i) {
            lower = NULL;
        }

        if (upper && upper->index != i) {
            upper = NULL;
        }

        if (lower == NULL && upper == NULL) {
            break;
        }

        if (r->nmembers == r->members_room) {

            n = r->members_room * sizeof(genai_resolve_member_t);

            p = genai_arena_grow(r->arena, r->members, n,
                                 2 * n + 8 * sizeof(genai_resolve_member_t));
            if (p == NULL) {
                return GENAI_EDIT_NO_MEMORY;
            }

            r->members = p;
            r->members_room = 2 * r->members_room + 8;
        }

        m = &r->members[r->nmembers++];
        memset(m, 0, sizeof(genai_resolve_member_t));

        rc = (upper == NULL) ? -1 : (lower == NULL) ? 1
             : genai_edits_order(lower, upper);

        if (rc <= 0) {
            edit = lower;
            lower = lower->next[0];

            m->edit = edit;
            m->rank = genai_resolve_rank(edit->order, 0);
            m->place = genai_resolve_rank(edit->place, 0);
        }

        if (rc >= 0) {
            edit = upper;
            upper = upper->next[0];

            if (rc > 0 || m->edit->kind == GENAI_EDIT_REMOVE
                || edit->removed)
            {
                m->place = genai_resolve_rank(edit->place, 1);
            }

            m->edit = edit;
            m->rank = genai_resolve_rank(edit->order, 1);
        }
    }

    return genai_resolve_object(r, i);
}


/* against the members that the object has */

static int
genai_resolve_object(genai_resolve_t *r, uint32_t i)
{
    int                      rc, touched;
    uint32_t                 k, key;
    uint64_t                 rank;
    genai_str_t              raw;
    const genai_tape_t      *t;
    genai_resolve_member_t  *m;

    t = r->document->tape;
    touched = 0;

    for (key = genai_tape_first(t, i); key; key = genai_tape_next(t, i, key)) {

        m = genai_resolve_named(r, key);

        if (m == NULL) {
            continue;
        }

        raw = genai_tape_view(t, key);

        if (m->edit->kind == GENAI_EDIT_SET && !m->found
            && genai_text_compare(&raw, genai_tape_escaped(t, key),
                                  &m->edit->name) == 0)
        {
            m->found = 1;
            rc = genai_resolve_add(r, GENAI_EDIT_VALUE,
                                   genai_tape_value(t, key), m->rank,
                                   m->edit);

        } else {

            /* nothing brings back what is beside a member that was set */

            rank = (m->edit->kind == GENAI_EDIT_SET) ? UINT64_MAX : m->rank;

            rc = genai_resolve_add(r, GENAI_EDIT_REMOVE, key, rank, m->edit);
            touched = 1;
        }

        if (rc != GENAI_EDIT_OK) {
            return rc;
        }
    }

    for (k = 0; k < r->nmembers; k++) {

        m = &r->members[k];

        if (m->found || m->edit->kind == GENAI_EDIT_REMOVE) {
            continue;
        }

        rc = genai_resolve_add(r, GENAI_EDIT_SET, i, m->place, m->edit);
        touched = 1;

        if (rc != GENAI_EDIT_OK) {
            return rc;
        }
    }

    return touched ? genai_resolve_add(r, GENAI_EDIT_MEMBERS, i, 0, NULL)
                   : GENAI_EDIT_OK;
}


/* what is said of the member whose name is at key */

static genai_resolve_member_t *
genai_resolve_named(genai_resolve_t *r, uint32_t key)
{
    int                  rc, escaped;
    uint32_t             low, high, middle;
    genai_str_t          raw;
    const genai_tape_t  *t;

    t = r->document->tape;
    raw = genai_tape_view(t, key);
    escaped = genai_tape_escaped(t, key);

    low = 0;
    high = r->nmembers;

    while (low < high) {
        middle = low + (high - low) / 2;

        rc = genai_text_compare_folded(&raw, escaped,
                                       &r->members[middle].edit->folded);

        if (rc == 0) {
            return &r->members[middle];
        }

        if (rc < 0) {
            high = middle;

        } else {
            low = middle + 1;
        }
    }

    return NULL;
}


static int
genai_resolve_add(genai_resolve_t *r, genai_edit_e kind, uint32_t index,
    uint64_t rank, const genai_edit_t *edit)
{
    void              *p;
    size_t             n;
    genai_change_t    *c;
    genai_document_t  *d;

    d = r->document;

    if (d->nchanges == r->room) {

        n = r->room * sizeof(genai_change_t);

        if (r->room > UINT32_MAX / 4) {
            return GENAI_EDIT_NO_MEMORY;
        }

        p = genai_arena_grow(r->arena, d->changes, n,
                             2 * n + 8 * sizeof(genai_change_t));
        if (p == NULL) {
            return GENAI_EDIT_NO_MEMORY;
        }

        d->changes = p;
        r->room = 2 * r->room + 8;
    }

    c = &d->changes[d->nchanges++];

    c->kind = kind;
    c->index = index;
    c->start = 0;
    c->end = 0;
    c->rank = rank;
    c->edit = edit;

    return GENAI_EDIT_OK;
}


/* of two values at one place the one that wins is the first */

static int
genai_resolve_order(const void *one, const void *two)
{
    const genai_change_t  *a, *b;

    a = one;
    b = two;

    if (a->index != b->index) {
        return (a->index < b->index) ? -1 : 1;
    }

    if (a->kind != b->kind) {
        return (a->kind < b->kind) ? -1 : 1;
    }

    if (a->rank == b->rank) {
        return 0;
    }

    return ((a->rank < b->rank) == (a->kind != GENAI_EDIT_VALUE)) ? -1 : 1;
}


/* drops what is inside of what is replaced or removed */

static void
genai_resolve_inside(genai_document_t *d)
{
    uint32_t              k, n, next;
    genai_change_t       *c;
    const genai_entry_t  *entries;

    entries = d->tape->entries;
    n = 0;
    next = 0;

    for (k = 0; k < d->nchanges; k++) {

        c = &d->changes[k];

        if (c->index < next) {
            continue;
        }

        if (c->kind == GENAI_EDIT_VALUE) {
            next = entries[c->index].next;

        } else if (c->kind == GENAI_EDIT_REMOVE) {

            /* a later edit of the member's value brings it back */

            if (k + 1 < d->nchanges && c[1].index == c->index + 1
                && c[1].kind == GENAI_EDIT_VALUE && c[1].rank > c->rank)
            {
                continue;
            }

            next = entries[c->index + 1].next;
        }

        d->changes[n++] = *c;
    }

    d->nchanges = n;
}


uint32_t
genai_document_find(const genai_document_t *d, uint32_t i)
{
    uint32_t  low, high, middle;

    low = 0;
    high = d->nchanges;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (d->changes[middle].index < i) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


static int
genai_splice_all(genai_document_t *d, genai_arena_t *arena)
{
    uint32_t         k;
    genai_str_t      s;
    genai_change_t  *c;
    genai_splice_t  *splice;

    d->splices = genai_arena_alloc(arena,
                                   d->nchanges * sizeof(genai_splice_t));
    if (d->splices == NULL) {
        return GENAI_EDIT_NO_MEMORY;
    }

    for (k = 0; k < d->nchanges; k++) {

        c = &d->changes[k];
        splice = &d->splices[d->nsplices];

        memset(&splice->text, 0, sizeof(genai_str_t));

        switch (c->kind) {

        case GENAI_EDIT_MEMBERS:
            genai_splice_members(d, k);
            continue;

        case GENAI_EDIT_VALUE:
            s = genai_tape_whole(d->tape, c->index);

            c->start = (uint32_t) (s.data - d->tape->text);
            c->end = c->start + (uint32_t) s.len;
            splice->text = genai_tape_whole(&c->edit->tape, 0);
            break;

        case GENAI_EDIT_SET:
            splice->text = c->edit->text;

            if (c->rank == 0) {
                splice->text.data++;
                splice->text.len--;
            }

            break;

        case GENAI_EDIT_PART:

            if (c->edit) {
                splice->text = c->edit->text;
            }

            break;
        }

        splice->start = c->start;
        splice->end = c->end;
        splice->order = d->nsplices++;

        d->len = d->len - (c->end - c->start) + splice->text.len;
    }

    qsort(d->splices, d->nsplices, sizeof(genai_splice_t),
          genai_splice_order);

    return GENAI_EDIT_OK;
}


/*
 * Finds the spans of members that are removed, and the place of those that
 * are added.  A removed one takes the comma before it, or, where none stays
 * in front of it, all up to the next member.
 */

static void
genai_splice_members(genai_document_t *d, uint32_t change)
{
    int                  kept;
    uint32_t             i, k, at, key, next, start, end, last;
    genai_str_t          s;
    const genai_tape_t  *t;

    t = d->tape;
    i = d->changes[change].index;

    kept = 0;
    at = t->entries[i].offset + 1;
    last = at;

    for (key = genai_tape_first(t, i); key; key = next) {

        next = genai_tape_next(t, i, key);

        s = genai_tape_whole(t, genai_tape_value(t, key));
        end = (uint32_t) (s.data + s.len - t->text);

        k = genai_document_find(d, key);

        if (k == d->nchanges || d->changes[k].index != key) {
            kept = 1;
            at = end;
            last = end;
            continue;
        }

        start = last;
        last = end;

        if (!kept) {
            start = t->entries[key].offset - 1;
            end = next ? t->entries[next].offset - 1 : end;
        }

        d->changes[k].start = start;
        d->changes[k].end = end;
    }

    for (k = change + 1; k < d->nchanges; k++) {

        if (d->changes[k].index != i) {
            break;
        }

        d->changes[k].start = at;
        d->changes[k].end = at;
        d->changes[k].rank = kept;      /* whether a comma is before it */
        kept = 1;
    }
}


static int
genai_splice_order(const void *one, const void *two)
{
    const genai_splice_t  *a, *b;

    a = one;
    b = two;

    if (a->start != b->start) {
        return (a->start < b->start) ? -1 : 1;
    }

    if (a->end != b->end) {
        return (a->end < b->end) ? -1 : 1;
    }

    return (a->order < b->order) ? -1 : (a->order > b->order);
}


void
genai_splicer_init(genai_splicer_t *s, const genai_document_t *d)
{
    s->document = d;
    s->next = 0;
    s->stop = d->nsplices;
    s->pos = 0;
    s->end = (uint32_t) d->text.len;
}


void
genai_splicer_value(genai_splicer_t *s, const genai_document_t *d, uint32_t i,
    int inside)
{
    genai_str_t  v;

    v = genai_tape_whole(d->tape, i);

    s->document = d;
    s->pos = (uint32_t) (v.data - d->tape->text);
    s->end = s->pos + (uint32_t) v.len;

    /* a splice at the very end is of what is around the value */

    s->next = genai_splice_find(d, s->pos);
    s->stop = genai_splice_find(d, s->end);

    if (inside && genai_tape_type(d->tape, i) == GENAI_TAPE_STRING) {
        s->pos++;
        s->end--;
    }
}


/* the first splice that does not begin before start */

static uint32_t
genai_splice_find(const genai_document_t *d, uint32_t start)
{
    uint32_t  low, high, middle;

    low = 0;
    high = d->nsplices;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (d->splices[middle].start < start) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


int
genai_splicer_next(genai_splicer_t *s, genai_str_t *slice)
{
    uint32_t               end;
    const genai_splice_t  *splice;

    for ( ;; ) {

        splice = (s->next < s->stop) ? &s->document->splices[s->next] : NULL;
        end = splice ? splice->start : s->end;

        if (s->pos < end) {
            slice->data = s->document->text.data + s->pos;
            slice->len = end - s->pos;
            s->pos = end;

            return 1;
        }

        if (splice == NULL) {
            return 0;
        }

        s->next++;
        s->pos = splice->end;

        if (splice->text.len) {
            *slice = splice->text;
            return 1;
        }
    }
}
