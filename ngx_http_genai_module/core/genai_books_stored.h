/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What providers keep for callers (answers of the Responses API, and their
 * items), in the books: whose an id is, and which provider has it.
 *
 * Of each object there is a keyed hash of 128 bits (SipHash-1-3 twice, the
 * seed is the books') of its provider, its owner and its id, and a time.  So
 * an object is looked for with all three, and somebody else's looks like one
 * that never was.
 *
 * The table.  Entries lie in buckets of eight, buckets in extents, and extents
 * are the nodes of a binary tree that grows where it is full: an object's hash
 * names a bucket, the same one in all extents, and a way down the tree.  It
 * is noted in the first place on its way that is free or whose time is over;
 * where there is none, in a new extent at the end of its way.  The extents of
 * the table are at most a quarter of the books', and GENAI_STORED_EXTENTS; each
 * has 2,720 entries in 64 KiB.  At that bound, and where a disk is full, the
 * oldest entry on the way gives way: it is lost before its time, which is
 * counted, and its owner gets a 404.  Nothing moves and nothing is given back.
 *
 * There is no lock but for a new extent.  A place is claimed by one atomic
 * operation on its time; then its hash is stored, then its new time.  Who is
 * killed between leaves a place that is nobody's, and is claimed again a minute
 * later.  What two processes that store different halves of hashes could make
 * of a place is nobody's hash.
 *
 * It survives all that the books survive, but a loss of power: the journal
 * does not have it.
 */


#ifndef _GENAI_BOOKS_STORED_H_INCLUDED_
#define _GENAI_BOOKS_STORED_H_INCLUDED_


#include "genai_books.h"


/* ms that an object is known, from when it was noted last */
#define GENAI_STORED_MS        ((int64_t) 30 * 86400 * 1000)

/* extents of the table, at most: 12 levels */
#define GENAI_STORED_EXTENTS   4095


/*
 * An object: ids of any bytes.  Its owner is the team; of a caller without
 * one his key; of nobody who is known both are empty.
 */
typedef struct {
    genai_str_t   provider;
    genai_str_t   team;
    genai_str_t   key;
    genai_str_t   id;
} genai_stored_t;


/*
 * Notes that the provider keeps it, from now on, in ms since the epoch.  Never
 * fails; waits no longer than for the lock on the structure.
 */
void genai_books_stored_note(genai_books_t *b, const genai_stored_t *object,
    int64_t now);

/* Whether it is known: 1 or 0.  Takes no lock; also of a view. */
int genai_books_stored_known(const genai_books_t *b,
    const genai_stored_t *object, int64_t now);


#endif /* _GENAI_BOOKS_STORED_H_INCLUDED_ */
