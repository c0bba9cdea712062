/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The cursor: reads a JSON text as its edits have made it, value by value.
 * Everything that makes another text of a request (a translation, a cache
 * key) reads through it, or a mask would be lost on the way.
 *
 * A cursor is a place: a value of the original or of what replaces one.  It
 * is small, is passed by value, and never owns memory.
 *
 * Cursors of one document may be used by any threads at once; functions that
 * take an arena need it for themselves.
 */


#ifndef _GENAI_CURSOR_H_INCLUDED_
#define _GENAI_CURSOR_H_INCLUDED_


#include "genai_edit.h"
#include "genai_text.h"
#include "genai_writer.h"


typedef struct {
    const genai_document_t  *document;  /* NULL within what an edit brought,
                                           where nothing is edited */
    const genai_tape_t      *tape;      /* the document's or an edit's */
    uint32_t                 index;
} genai_cursor_t;


/* one member or element at a time */

typedef struct {
    genai_cursor_t           value;     /* valid after a next that returned 1 */
    genai_str_t              name;      /* raw, without quotes; elements have
                                           none */
    unsigned                 name_escaped:1;

    /* its own */
    unsigned                 removed:1; /* members may be gone */
    genai_cursor_t           parent;
    uint32_t                 child;     /* the next one, 0: none */
    uint32_t                 added;     /* the next change */
} genai_cursor_iter_t;


/* The outermost value. */
genai_cursor_t genai_cursor_root(const genai_document_t *d);

/*
 * The value at index i of the document's tape: a segment of a request.
 *
 * Returns 1 with *c set, or 0 where it is gone with a value around it, and
 * where i is the name of a member.
 */
int genai_cursor_at(const genai_document_t *d, uint32_t i, genai_cursor_t *c);

/* The type of the value as edited. */
genai_tape_type_e genai_cursor_type(const genai_cursor_t *c);

/*
 * A number, true, false or null as it stands in the text: a view.  Of
 * anything else it is what was there before it was edited.
 */
genai_str_t genai_cursor_view(const genai_cursor_t *c);

/*
 * Walks the members of an object or the elements of an array, as edited: of
 * anything else there are none.
 *
 * genai_cursor_next() returns 1 with it->value and it->name set, or 0 at the
 * end.
 */
void genai_cursor_iter(genai_cursor_iter_t *it, const genai_cursor_t *c);
int genai_cursor_next(genai_cursor_iter_t *it);

/*
 * The first member with exactly that name, decoded.
 *
 * Returns 1 with *value set, or 0.
 */
int genai_cursor_find(const genai_cursor_t *c, const char *name, size_t len,
    genai_cursor_t *value);

/*
 * The decoded text of a string as edited: a view where nothing is escaped or
 * edited, else in the arena.
 *
 * Returns 0; GENAI_EDIT_BAD where the value is no string;
 * GENAI_EDIT_NO_MEMORY.
 */
int genai_cursor_text(const genai_cursor_t *c, genai_arena_t *arena,
    genai_str_t *text);

/*
 * Hands out the JSON text of a value as edited in slices that live as long as
 * the document; write returns 0 to go on.  inside: a string without its
 * quotes, so that texts can be joined.
 *
 * Returns 0, or what write returned.
 */
int genai_cursor_write(const genai_cursor_t *c, int inside,
    int (*write)(void *ctx, const genai_str_t *slice), void *ctx);

/* Writes a value as edited where the writer expects one. */
void genai_cursor_copy(const genai_cursor_t *c, genai_writer_t *w);


#endif /* _GENAI_CURSOR_H_INCLUDED_ */
