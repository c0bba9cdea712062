/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every step is bounded, whatever the text is: a member, an element, or some
 * bytes of a name.  What a step may not do is look at all members of an
 * object or at all of a string.
 */


#include "genai_request_walk.h"
#include "genai_names.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>


/* bytes of a name that are shown where it is in no table */
#define GENAI_WALK_SHOWN   32

/* bytes of a name that are looked at together */
#define GENAI_WALK_SHORT   64

/* bytes of a place that are shown */
#define GENAI_WALK_PLACE   96


typedef enum {
    GENAI_WALK_VALUE = 0,           /* a value is at hand */
    GENAI_WALK_NEXT,                /* another child of the top level */
    GENAI_WALK_NAME,                /* a name of no table is at hand */
    GENAI_WALK_LEAVE,               /* the top level has no more */
    GENAI_WALK_END
} genai_walk_phase_e;


/* an array or object that is walked through */

typedef struct {
    const genai_request_node_t    *node;
    const genai_request_member_t  *member;  /* that is at hand; NULL: of no
                                               table */
    uint32_t                       index;
    uint32_t                       number;  /* in its own array */
    uint32_t                       child;   /* that is at hand; 0: none yet */
    uint32_t                       count;   /* children before it */
    uint32_t                       names;
    uint64_t                       seen;    /* a bit for each table's member */
} genai_walk_level_t;


typedef struct genai_walk_s  genai_walk_t;

struct genai_walk_s {
    genai_walk_phase_e             phase;
    uint32_t                       depth;
    size_t                         budget;
    uint32_t                       find;    /* the name that is looked at */
    genai_request_place_t          at;      /* the value that is at hand */
    const genai_request_node_t    *other;   /* of the name, in no table */
    genai_names_t                  names;
    genai_walk_level_t             levels[GENAI_WALK_PATH];
};


static int genai_walk_value(genai_request_t *req, genai_walk_t *w);
static int genai_walk_next(genai_request_t *req, genai_walk_t *w);
static int genai_walk_member(genai_request_t *req, genai_walk_t *w,
    genai_walk_level_t *l);
static const genai_request_member_t *genai_walk_find(const genai_tape_t *t,
    uint32_t i, const genai_request_member_t *members, int *same);
static int genai_walk_plain(const genai_tape_t *t, uint32_t i);
static int genai_walk_name(genai_request_t *req, genai_walk_t *w);
static int genai_walk_other(genai_request_t *req, genai_walk_t *w);
static int genai_walk_leave(genai_request_t *req, genai_walk_t *w);
static int genai_walk_twice(genai_request_t *req);
static int genai_walk_type(genai_request_t *req, unsigned types);
static int genai_walk_too_many(genai_request_t *req);
static void genai_walk_place(const genai_request_t *req, char *dst,
    size_t size);


static inline void
genai_walk_spend(genai_walk_t *w)
{
    w->budget -= (w->budget != 0);
}


int
genai_request_walk_init(genai_request_t *req,
    const genai_request_node_t *root, void *state)
{
    genai_walk_t  *w;

    w = genai_arena_alloc(req->arena, sizeof(genai_walk_t));
    if (w == NULL) {
        return genai_request_no_memory(req);
    }

    genai_zero(w, offsetof(genai_walk_t, levels));
    genai_names_init(&w->names, req->arena);

    w->at.node = root;
    w->at.state = state;

    req->walk = w;

    return 0;
}


int
genai_request_walk(genai_request_t *req, size_t budget)
{
    int            rc;
    genai_walk_t  *w;

    w = req->walk;
    w->budget = budget ? budget : 1;

    while (w->budget) {

        switch (w->phase) {

        case GENAI_WALK_VALUE:
            rc = genai_walk_value(req, w);
            break;

        case GENAI_WALK_NEXT:
            rc = genai_walk_next(req, w);
            break;

        case GENAI_WALK_NAME:
            rc = genai_walk_name(req, w);
            break;

        case GENAI_WALK_LEAVE:
            rc = genai_walk_leave(req, w);
            break;

        default:
            return GENAI_REQUEST_DONE;
        }

        if (rc == GENAI_WALK_ERROR) {
            return GENAI_REQUEST_ERROR;
        }
    }

    return GENAI_REQUEST_AGAIN;
}


static int
genai_walk_value(genai_request_t *req, genai_walk_t *w)
{
    int                          rc;
    unsigned                     bit;
    genai_walk_level_t          *l;
    const genai_request_node_t  *node;

    node = w->at.node;
    bit = genai_walk_bit(genai_tape_type(&req->tape, w->at.index));

    if (!(node->types & bit)) {
        return genai_walk_type(req, node->types);
    }

    rc = node->handler ? node->handler(req, &w->at) : GENAI_WALK_GO;

    genai_walk_spend(w);

    if (rc == GENAI_WALK_MORE || rc == GENAI_WALK_ERROR) {
        return rc;
    }

    w->find = 0;

    if (rc == GENAI_WALK_OVER || !(node->enter & bit)
        || w->depth == GENAI_WALK_PATH)
    {
        w->phase = w->depth ? GENAI_WALK_NEXT : GENAI_WALK_END;
        return rc;
    }

    l = &w->levels[w->depth++];

    l->node = node;
    l->member = NULL;
    l->index = w->at.index;
    l->number = w->at.number;
    l->child = 0;
    l->count = 0;
    l->names = genai_names_open(&w->names);
    l->seen = 0;

    w->phase = GENAI_WALK_NEXT;

    return rc;
}


static int
genai_walk_next(genai_request_t *req, genai_walk_t *w)
{
    genai_walk_level_t  *l;

    l = &w->levels[w->depth - 1];

    if (l->child) {
        l->child = genai_tape_next(&req->tape, l->index, l->child);
        l->count++;

    } else {
        l->child = genai_tape_first(&req->tape, l->index);
    }

    if (l->child == 0) {
        w->phase = GENAI_WALK_LEAVE;
        return GENAI_WALK_GO;
    }

    if (genai_tape_type(&req->tape, l->index) == GENAI_TAPE_OBJECT) {

        if (l->count == GENAI_REQUEST_MEMBERS) {
            return genai_walk_too_many(req);
        }

        return genai_walk_member(req, w, l);
    }

    if (l->node->element == NULL) {
        w->phase = GENAI_WALK_LEAVE;
        return GENAI_WALK_GO;
    }

    w->at.node = l->node->element;
    w->at.index = l->child;
    w->at.number = l->count;
    w->phase = GENAI_WALK_VALUE;

    return GENAI_WALK_GO;
}


static int
genai_walk_member(genai_request_t *req, genai_walk_t *w,
    genai_walk_level_t *l)
{
    int                            same;
    uint64_t                       bit;
    const genai_request_member_t  *m;

    m = genai_walk_find(&req->tape, l->child, l->node->members, &same);

    if (m->name) {

        l->member = m;
        bit = UINT64_C(1) << (m - l->node->members);

        if (same == -1 || (l->seen & bit)) {
            return genai_walk_twice(req);
        }

        genai_walk_spend(w);

        l->seen |= bit;

        if (m->node) {
            w->at.node = m->node;
            w->at.index = genai_tape_value(&req->tape, l->child);
            w->at.number = 0;
            w->phase = GENAI_WALK_VALUE;
        }

        return GENAI_WALK_GO;
    }

    l->member = NULL;
    w->other = m->node;
    genai_names_begin(&w->names, &req->tape, l->child);
    w->phase = GENAI_WALK_NAME;

    return GENAI_WALK_GO;
}


/*
 * The member of the table that the name at i is; the table's end where it is
 * none of them.  *same is what genai_tape_key_is() says of it.
 */

static const genai_request_member_t *
genai_walk_find(const genai_tape_t *t, uint32_t i,
    const genai_request_member_t *members, int *same)
{
    genai_str_t                    name;
    const genai_request_member_t  *m;

    name = genai_tape_view(t, i);

    for (m = members; m->name; m++) {

        if (name.len != m->len || ((name.data[0] ^ m->name[0]) & ~0x20)) {
            continue;
        }

        *same = genai_same(name.data, m->name, m->len)
                ? 1 : genai_tape_key_is(t, i, m->name, m->len);

        if (*same) {
            return m;
        }
    }

    /* most names are as long as what they are taken for */

    if (genai_walk_plain(t, i)) {
        return m;
    }

    for (m = members; m->name; m++) {

        if (name.len < m->len) {
            continue;
        }

        *same = genai_tape_key_is(t, i, m->name, m->len);

        if (*same) {
            break;
        }
    }

    return m;
}


/*
 * Whether the name at i is as long as what it is taken for: it has no escape,
 * and no character that is longer than the one that it folds to.  A long one
 * is not looked at.
 */

static int
genai_walk_plain(const genai_tape_t *t, uint32_t i)
{
    size_t         k;
    genai_str_t    name;
    unsigned char  all;

    name = genai_tape_view(t, i);

    if (genai_tape_escaped(t, i) || name.len > GENAI_WALK_SHORT) {
        return 0;
    }

    all = 0;

    for (k = 0; k < name.len; k++) {
        all |= name.data[k];
    }

    return all < 0x80;
}


static int
genai_walk_name(genai_request_t *req, genai_walk_t *w)
{
    switch (genai_names_add(&w->names, w->levels[w->depth - 1].names,
                            &w->budget))
    {
    case GENAI_NAMES_AGAIN:
        return GENAI_WALK_GO;

    case GENAI_NAMES_NEW:
        return genai_walk_other(req, w);

    case GENAI_NAMES_TWICE:
        return genai_walk_twice(req);

    case GENAI_NAMES_ZERO:

        /* who ends strings with a zero byte sees another name */

        return genai_request_refuse(req, "has a zero byte in its name");

    default:
        return genai_request_no_memory(req);
    }
}


/* what the name stands for, which is in no table */

static int
genai_walk_other(genai_request_t *req, genai_walk_t *w)
{
    w->phase = GENAI_WALK_NEXT;

    if (w->other == NULL) {
        return GENAI_WALK_GO;
    }

    w->at.node = w->other;
    w->at.index = genai_tape_value(&req->tape,
                                   w->levels[w->depth - 1].child);
    w->at.number = 0;
    w->phase = GENAI_WALK_VALUE;

    return GENAI_WALK_GO;
}


static int
genai_walk_leave(genai_request_t *req, genai_walk_t *w)
{
    int                  rc;
    genai_walk_level_t  *l;

    l = &w->levels[w->depth - 1];
    rc = GENAI_WALK_GO;

    if (l->node->handler) {
        w->at.node = l->node;
        w->at.index = l->index;
        w->at.number = l->number;
        w->at.leave = 1;

        rc = l->node->handler(req, &w->at);

        w->at.leave = 0;
    }

    genai_walk_spend(w);

    if (rc == GENAI_WALK_MORE || rc == GENAI_WALK_ERROR) {
        return rc;
    }

    w->find = 0;

    genai_names_close(&w->names, l->names);

    w->depth--;
    w->phase = w->depth ? GENAI_WALK_NEXT : GENAI_WALK_END;

    return rc;
}


int
genai_request_find(genai_request_t *req, uint32_t i, const char *name,
    size_t len, uint32_t *value)
{
    uint32_t       key;
    genai_walk_t  *w;

    *value = 0;

    if (genai_tape_type(&req->tape, i) != GENAI_TAPE_OBJECT) {
        return GENAI_WALK_GO;
    }

    w = req->walk;
    key = w->find ? w->find : genai_tape_first(&req->tape, i);

    while (key) {

        if (genai_tape_named(&req->tape, key, name, len)) {
            *value = genai_tape_value(&req->tape, key);
            break;
        }

        key = genai_tape_next(&req->tape, i, key);

        genai_walk_spend(w);

        if (key && w->budget == 0) {
            w->find = key;
            return GENAI_WALK_MORE;
        }
    }

    return GENAI_WALK_GO;
}


int
genai_request_is_plain(const genai_request_t *req,
    const genai_request_place_t *at)
{
    genai_tape_type_e              type;
    const genai_request_member_t  *m;

    type = genai_tape_type(&req->tape, at->index);

    if (type < GENAI_TAPE_STRING
        || (type == GENAI_TAPE_STRING
            && genai_tape_view(&req->tape, at->index).len == 0)
        || (type > GENAI_TAPE_STRING
            && genai_tape_first(&req->tape, at->index) == 0))
    {
        return 1;
    }

    /* the name stands before the value */

    for (m = at->node->members; m && m->name; m++) {

        if (genai_tape_key_is(&req->tape, at->index - 1, m->name, m->len)
            == 1)
        {
            return 1;
        }
    }

    return 0;
}


int
genai_request_segment(genai_request_t *req, genai_segment_e kind,
    genai_role_e role, uint32_t value, uint32_t message, uint32_t part)
{
    void             *p;
    uint32_t          room;
    genai_segment_t  *s;

    if (req->nsegments == req->segments_room) {

        /* there are no more than values, of which there are 2^23 at most */

        room = req->segments_room ? 2 * req->segments_room : 32;

        p = genai_arena_grow(req->arena, req->segments,
                             req->segments_room * sizeof(genai_segment_t),
                             room * sizeof(genai_segment_t));
        if (p == NULL) {
            return genai_request_no_memory(req);
        }

        req->segments = p;
        req->segments_room = room;
    }

    s = &req->segments[req->nsegments++];

    s->value = value;
    s->message = message;
    s->part = part;
    s->kind = kind;
    s->role = role;
    s->json = (genai_tape_type(&req->tape, value) != GENAI_TAPE_STRING);
    s->reserved = 0;

    if (genai_segment_is_text(kind)) {
        req->bytes += genai_tape_view(&req->tape, value).len;
    }

    return GENAI_WALK_GO;
}


int
genai_request_int(genai_request_t *req, uint32_t i, int64_t min, int64_t max,
    int64_t *n)
{
    int          minus, point, below;
    char         digits[GENAI_WALK_DIGITS];
    size_t       k, count;
    int64_t      exp, scale, value;
    genai_str_t  s;

    s = genai_tape_view(&req->tape, i);

    if (s.len > GENAI_WALK_DIGITS) {
        goto refuse;
    }

    minus = (s.data[0] == '-');
    point = 0;
    count = 0;
    scale = 0;
    exp = 0;

    for (k = minus; k < s.len && (s.data[k] | 0x20) != 'e'; k++) {

        if (s.data[k] == '.') {
            point = 1;
            continue;
        }

        scale -= point;

        if (count || s.data[k] != '0') {
            digits[count++] = (char) s.data[k];
        }
    }

    if (k < s.len) {
        below = (s.data[k + 1] == '-');
        k += 1 + (below || s.data[k + 1] == '+');

        for ( /* void */ ; k < s.len; k++) {
            exp = (exp < 1000) ? 10 * exp + (s.data[k] - '0') : exp;
        }

        scale += below ? -exp : exp;
    }

    while (count && digits[count - 1] == '0') {
        count--;
        scale++;
    }

    value = 0;

    if (count) {

        if (scale < 0) {
            goto refuse;
        }

        if ((int64_t) count + scale > 18) {
            goto large;
        }

        for (k = 0; k < count; k++) {
            value = 10 * value + (digits[k] - '0');
        }

        while (scale--) {
            value *= 10;
        }
    }

    value = minus ? -value : value;

    if (value < min || value > max) {
        goto large;
    }

    *n = value;

    return GENAI_WALK_GO;

large:

    if (max == GENAI_WALK_INT_MAX) {
        return genai_request_refuse(req, "is too large a number");
    }

refuse:

    if (max == GENAI_WALK_INT_MAX) {
        return genai_request_refuse(req, "must be a whole number");
    }

    return genai_request_refuse(req, "must be a whole number from %" PRId64
                                " to %" PRId64, min, max);
}


int
genai_request_refuse(genai_request_t *req, const char *fmt, ...)
{
    size_t   n;
    va_list  args;

    genai_walk_place(req, req->error, GENAI_WALK_PLACE);

    n = strlen(req->error);

    va_start(args, fmt);
    (void) vsnprintf(req->error + n, sizeof(req->error) - n, fmt, args);
    va_end(args);

    req->cause = GENAI_SCAN_BAD_TEXT;

    return GENAI_WALK_ERROR;
}


static int
genai_walk_twice(genai_request_t *req)
{
    return genai_request_refuse(req, "stands twice in the request, or in"
                                " another case");
}


static int
genai_walk_type(genai_request_t *req, unsigned types)
{
    char    words[96];
    size_t  i, n;

    static const struct {
        unsigned     types;
        const char  *words;
    } names[] = {
        { GENAI_WALK_BOOL, "true or false" },
        { GENAI_WALK_NUMBER, "a number" },
        { GENAI_WALK_STRING, "a string" },
        { GENAI_WALK_ARRAY, "an array" },
        { GENAI_WALK_OBJECT, "an object" }
    };

    for (i = 0, n = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (types & names[i].types) {
            n += snprintf(words + n, sizeof(words) - n, "%s%s",
                          n ? " or " : "", names[i].words);
        }
    }

    return genai_request_refuse(req, "must be %s", words);
}


static int
genai_walk_too_many(genai_request_t *req)
{
    (void) snprintf(req->error, sizeof(req->error),
                    "an object of the request has more than %d members",
                    GENAI_REQUEST_MEMBERS);

    req->cause = GENAI_SCAN_TOO_LARGE;

    return GENAI_WALK_ERROR;
}


int
genai_request_no_memory(genai_request_t *req)
{
    (void) snprintf(req->error, sizeof(req->error),
                    "there is no memory for the request");

    req->cause = GENAI_SCAN_NO_MEMORY;

    return GENAI_WALK_ERROR;
}


/* the value's at hand, in quotes, and a space; dst has room for any of them */

static void
genai_walk_place(const genai_request_t *req, char *dst, size_t size)
{
    size_t                     n, m;
    uint32_t                   i;
    genai_str_t                name;
    const genai_walk_t        *w;
    const genai_walk_level_t  *l;

    w = req->walk;

    if (w->depth == 0) {
        (void) snprintf(dst, size, "the request body ");
        return;
    }

    n = 0;
    size -= sizeof("\" ");
    dst[n++] = '"';

    for (i = 0; i < w->depth && n < size; i++) {

        l = &w->levels[i];

        if (i) {
            dst[n++] = '.';
        }

        if (genai_tape_type(&req->tape, l->index) == GENAI_TAPE_ARRAY) {
            n += snprintf(dst + n, size - n, "%" PRIu32, l->count);

        } else {

            if (l->member) {
                name.data = (unsigned char *) l->member->name;
                name.len = l->member->len;

            } else {
                name = genai_tape_view(&req->tape, l->child);
            }

            m = (size - n < GENAI_WALK_SHOWN) ? size - n : GENAI_WALK_SHOWN;

            if (name.len > m) {

                /* not within a character */

                while (m && (name.data[m] & 0xc0) == 0x80) {
                    m--;
                }

                name.len = m;
            }

            memcpy(dst + n, name.data, name.len);
            n += name.len;
        }
    }

    if (n > size) {
        n = size;
    }

    memcpy(dst + n, "\" ", sizeof("\" "));
}
