/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * An arena: memory that is taken piece by piece and given back at once.
 *
 * What belongs to one request (its body, tape, edits, what is rendered from
 * them) is large, is often made in another thread, and must be gone when the
 * last retry is, minutes before nginx destroys the request's pool.  So it is
 * not in a pool but in chunks of malloc() with a lifetime of their own.
 *
 * Small pieces are cut one after the other from chunks that double from 8 to
 * 64 KiB.  A piece above GENAI_ARENA_BIG bytes is a chunk of its own, so that
 * an array which grows to megabytes moves pages instead of bytes.
 *
 * An arena belongs to one thread at a time; different arenas are independent.
 * Nothing in it is freed alone.
 */


#ifndef _GENAI_ARENA_H_INCLUDED_
#define _GENAI_ARENA_H_INCLUDED_


#include <stddef.h>


/* all pieces begin at a multiple of it; bytes */
#define GENAI_ARENA_ALIGN  16

/* pieces above it are chunks of their own; bytes */
#define GENAI_ARENA_BIG    4096


typedef struct genai_chunk_s  genai_chunk_t;


/* the members are the arena's own: read none, write none */

typedef struct {
    genai_chunk_t  *chunks;         /* the one that is cut from is the first */
    unsigned char  *pos;            /* its free part */
    unsigned char  *end;
    unsigned char  *last;           /* the last piece cut from it, or NULL */
    size_t          next;           /* size of the next such chunk */
    size_t          limit;
    size_t          used;
} genai_arena_t;


/*
 * Makes an empty arena that will take at most limit bytes from malloc(), its
 * own few words in each chunk counted.  Allocates nothing, cannot fail.
 */
void genai_arena_init(genai_arena_t *a, size_t limit);

/*
 * A piece of size bytes, aligned to GENAI_ARENA_ALIGN, not zeroed, valid
 * until reset or destroy.  A size of 0 gives a piece that has no bytes.
 *
 * Returns NULL where the limit or the system's memory does not allow it; the
 * arena stays usable.
 */
void *genai_arena_alloc(genai_arena_t *a, size_t size);

/*
 * Makes the piece p of old bytes, which alloc or grow gave with that size,
 * one of size bytes, size >= old: in place where p was the last piece or is
 * a chunk of its own, else elsewhere with the old bytes copied.  p may be
 * NULL where old is 0.  Growing by a factor is the caller's part.
 *
 * Returns the piece, after which p must not be used; or NULL as alloc does,
 * when p is still valid.
 */
void *genai_arena_grow(genai_arena_t *a, void *p, size_t old, size_t size);

/*
 * Ends the life of all pieces, keeping the chunk that was being cut, as the
 * next use will want one.
 */
void genai_arena_reset(genai_arena_t *a);

/*
 * Gives all memory back.  The arena is then empty as after init, so that a
 * second call does nothing.
 */
void genai_arena_destroy(genai_arena_t *a);

/*
 * Destroys a large arena step by step, as the kernel takes a while to get
 * back what was used: about a millisecond for 20 MiB.  Each call gives back
 * about budget bytes; between the calls nothing else may be done with it.
 *
 * Returns 1 when there is more to do, 0 when the arena is empty as after
 * init.
 */
int genai_arena_drain(genai_arena_t *a, size_t budget);

/* Bytes that are taken from malloc() now; never above the limit. */
static inline size_t
genai_arena_used(const genai_arena_t *a)
{
    return a->used;
}


#endif /* _GENAI_ARENA_H_INCLUDED_ */
