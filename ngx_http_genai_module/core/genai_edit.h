/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Edits: what is to change in a JSON text whose every other byte stays.
 *
 * An edit replaces a value, replaces a part of a string, sets a member of an
 * object or removes one.  Edits are gathered in layers, one on the other: the
 * request layer (masks, stream options, caps) lives as long as the request,
 * the target layer (model, set, drop) is cleared for every attempt.  A
 * document brings a text and its layers together, and is what is read: as
 * slices (genai_splicer_t) or value by value (genai_cursor.h).
 *
 * Of two edits of the same thing the later wins, and that of the upper layer
 * over that of the lower.  The same thing are: a value; a member, whether it
 * is set, removed, or its value replaced; exactly the same part of a string.
 * What is inside a value that is replaced or removed is gone, whichever edit
 * came first.  Parts in two layers may overlap: all bytes that any of them
 * covers give way, and only the upper one's text appears.  So what is applied
 * never overlaps, and nothing that was masked comes back.
 *
 * No caller knows about commas: a removed member takes one with it, an added
 * one stands behind the last that stays.  One that is set where it was there
 * already, or had been added by an earlier edit, stays in its place.
 *
 * Two readers must never see two values: names that differ only in case are
 * one name (genai_tape_fold()), in the text and in edits.  Remove takes all
 * members of the name.  Set changes the first one that is spelled as it says,
 * or adds one where none is, and all others go, for good.
 *
 * What replaces a value is a JSON text of its own, with its own tape, since
 * readers walk into it: it is validated when it is given.  The edited text is
 * always well-formed, but may be deeper than a scanner accepts.
 *
 * Nothing is copied twice: what did not change is a view of the original,
 * what did is a view of the layer's arena.
 *
 * A layer belongs to one thread at a time, together with its arena.  A
 * document is a snapshot, which later edits do not change, and may be read by
 * any threads at once, as long as its text, its tape and its layers' arenas
 * stay.
 */


#ifndef _GENAI_EDIT_H_INCLUDED_
#define _GENAI_EDIT_H_INCLUDED_


#include <stdint.h>

#include "genai_arena.h"
#include "genai_tape.h"


/* what the functions below return; all others are results */

#define GENAI_EDIT_OK         0
#define GENAI_EDIT_NO_MEMORY  -1
#define GENAI_EDIT_BAD        -2    /* not JSON, or not of that kind */


typedef enum {
    GENAI_EDIT_VALUE = 0,           /* the value at index gives way */
    GENAI_EDIT_MEMBERS,             /* of a document: the object at index
                                       has members that come or go */
    GENAI_EDIT_PART,                /* a part of the string at index */
    GENAI_EDIT_SET,                 /* a member of the object at index; of a
                                       document: one that is added */
    GENAI_EDIT_REMOVE               /* the same; of a document: the member
                                       whose name is at index */
} genai_edit_e;


typedef struct genai_edit_s   genai_edit_t;
typedef struct genai_edits_s  genai_edits_t;


/*
 * A layer: a skip list of edits, in the order of the tape.  Edits may come
 * in any order: one behind all others is added at once, another is found a
 * place in logarithmic time.  All members are its own.
 */

/* each has a fourth of the edits of the one below: for millions */
#define GENAI_EDIT_LEVELS  11

struct genai_edits_s {
    const genai_tape_t   *tape;     /* of the text that is edited */
    genai_arena_t        *arena;
    uint32_t              n;        /* edits */
    uint32_t              order;    /* of the next one, by coming */
    uint32_t              random;
    genai_edit_t         *first[GENAI_EDIT_LEVELS];
    genai_edit_t         *last[GENAI_EDIT_LEVELS];
};


/* Makes an empty layer over a tape, which must outlive it. */
void genai_edits_init(genai_edits_t *e, const genai_tape_t *tape,
    genai_arena_t *arena);

/* Forgets all edits; their memory stays with the arena. */
void genai_edits_clear(genai_edits_t *e);

/*
 * The value at i becomes a JSON text, which is copied.  GENAI_EDIT_BAD: it is
 * no JSON text, or i is the name of a member.
 */
int genai_edit_value(genai_edits_t *e, uint32_t i, const genai_str_t *json);

/*
 * The raw bytes [start, end) of the string at i (from genai_text_span())
 * become text, which is UTF-8 as a reader shall see it: it is escaped and
 * copied here.  GENAI_EDIT_BAD: i is no string or is a name; the span is not
 * within it, cuts a character or an escape, or overlaps another one; text is
 * not UTF-8.  Several edits with the same empty span follow each other as
 * they came, in front of what stands there.
 */
int genai_edit_part(genai_edits_t *e, uint32_t i, size_t start, size_t end,
    const genai_str_t *text);

/*
 * The object at i has a member name, decoded, with a JSON text as its value:
 * the first member that is spelled so gets it, else one is added, and all
 * others whose names differ at most in case are removed.  Both are copied.
 * GENAI_EDIT_BAD: i is no object, name is not UTF-8, or json no JSON text.
 */
int genai_edit_set(genai_edits_t *e, uint32_t i, const genai_str_t *name,
    const genai_str_t *json);

/*
 * The object at i has no member of that name, in any case: all that the text
 * has are removed, and one that was added, here or in the lower layer, is
 * taken back.
 * GENAI_EDIT_BAD: i is no object.
 */
int genai_edit_remove(genai_edits_t *e, uint32_t i, const genai_str_t *name);


/* an edit as it has been resolved against the others: sorted and disjoint */

typedef struct {
    uint32_t              kind;     /* a genai_edit_e */
    uint32_t              index;    /* of the tape */
    uint32_t              start;    /* PART: bytes [start, end) of the text */
    uint32_t              end;
    uint64_t              rank;     /* what they are sorted by; then, of SET,
                                       whether a comma is before it */
    const genai_edit_t   *edit;     /* NULL: MEMBERS, and a PART that gives
                                       way to nothing */
} genai_change_t;


typedef struct {
    uint32_t              start;    /* bytes of the original that give way */
    uint32_t              end;
    uint32_t              order;    /* of several at one place */
    genai_str_t           text;     /* to this */
} genai_splice_t;


/* a text with its layers; all but text, tape and len are its own */

typedef struct {
    genai_str_t           text;     /* the original */
    const genai_tape_t   *tape;
    uint64_t              len;      /* bytes of the edited text */

    genai_change_t       *changes;  /* by index */
    uint32_t              nchanges;
    genai_splice_t       *splices;  /* by start */
    uint32_t              nsplices;
} genai_document_t;


/*
 * Brings a text and its layers together, upper over lower; each may be NULL.
 * It does all at once, not in turns: about 0.4 us an edit, and a look at each
 * member of an object that loses or gets one.  Who has more than some
 * thousand edits does it in a thread, or bounds them.
 *
 * The text is that of the tape, in whole, with what stands before and behind
 * the value.  Memory is taken from arena.
 *
 * Returns 0, or GENAI_EDIT_NO_MEMORY.
 */
int genai_document_init(genai_document_t *d, const genai_str_t *text,
    const genai_tape_t *tape, const genai_edits_t *lower,
    const genai_edits_t *upper, genai_arena_t *arena);


/* hands out the edited text of a document */

typedef struct {
    const genai_document_t  *document;
    uint32_t              next;     /* splice */
    uint32_t              stop;
    uint32_t              pos;      /* byte of the original */
    uint32_t              end;
} genai_splicer_t;


/* Begins at the start of the text.  As often as wanted, also copied. */
void genai_splicer_init(genai_splicer_t *s, const genai_document_t *d);

/*
 * Begins at the start of the value at i, which must be one that is there
 * still and was not replaced itself, and ends with it.  inside: a string
 * without its quotes.
 */
void genai_splicer_value(genai_splicer_t *s, const genai_document_t *d,
    uint32_t i, int inside);

/*
 * The next slice, never an empty one: each goes on where the one before
 * ended.  Views live as long as the text and the layers' arenas.
 *
 * Returns 1 with *slice set, or 0 at the end.
 */
int genai_splicer_next(genai_splicer_t *s, genai_str_t *slice);


#endif /* _GENAI_EDIT_H_INCLUDED_ */
