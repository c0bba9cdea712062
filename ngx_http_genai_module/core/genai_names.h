/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sets of members' names, which find a name that stands in an object twice:
 * spelled the same, with escapes, or in another case (genai_tape_fold()).
 *
 * A name is known by a hash of 64 bits of its folded characters.  Names are
 * read and compared at no other place, so that a name of megabytes and an
 * object of a million members cost no long step: a set is a tree with a name
 * at every node and its next one for each two bits of the hash.  It is never
 * built anew as it grows, and no path is longer than the hash has bits,
 * whatever names somebody makes up.
 *
 * So two names can be taken for one by chance, in one of 10^14 objects with
 * a thousand names.  Who provokes it has a request refused, his own.
 *
 * Sets are a stack, as are the objects that are being walked: their nodes
 * are one array.
 */


#ifndef _GENAI_NAMES_H_INCLUDED_
#define _GENAI_NAMES_H_INCLUDED_


#include "genai_arena.h"
#include "genai_tape.h"


/* what genai_names_add() returns */

#define GENAI_NAMES_NEW         0
#define GENAI_NAMES_TWICE       1
#define GENAI_NAMES_AGAIN       2
#define GENAI_NAMES_ZERO        3
#define GENAI_NAMES_NO_MEMORY  -1


typedef struct {
    uint64_t              hash;
    uint32_t              next[4];  /* indexes of nodes, or 0 */
} genai_names_node_t;


/* the members are its own */

typedef struct {
    genai_arena_t        *arena;
    genai_names_node_t   *nodes;
    uint32_t              n;
    uint32_t              room;

    /* the name that is being added: what is left of it, and the hash so far */
    const unsigned char  *pos;
    const unsigned char  *end;
    uint64_t              hash;
} genai_names_t;


/* Makes an empty stack.  Allocates nothing. */
void genai_names_init(genai_names_t *s, genai_arena_t *arena);

/* Opens a set on top of the others; it is known by what this returns. */
uint32_t genai_names_open(genai_names_t *s);

/* Closes the set on top. */
void genai_names_close(genai_names_t *s, uint32_t set);

/* Begins to add the name at i of a tape. */
void genai_names_begin(genai_names_t *s, const genai_tape_t *t, uint32_t i);

/*
 * Goes on adding it to the set on top, for about *budget steps (not 0) of
 * some ten nanoseconds; *budget becomes what is left of them.
 *
 * Returns GENAI_NAMES_AGAIN when the name is so long that this must be called
 * again; GENAI_NAMES_NEW; GENAI_NAMES_TWICE where the set has it;
 * GENAI_NAMES_ZERO where a character of it is U+0000, which it is not added
 * with; GENAI_NAMES_NO_MEMORY.
 */
int genai_names_add(genai_names_t *s, uint32_t set, size_t *budget);


#endif /* _GENAI_NAMES_H_INCLUDED_ */
