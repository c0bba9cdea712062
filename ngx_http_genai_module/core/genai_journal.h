/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The journal of the books: for a loss of power, and for nothing else.  The
 * death of processes loses nothing of the books (genai_books.h), but when the
 * system dies the pages of their file have reached the disk in any order, and
 * nobody can tell of which moment each is.  New books are then made of the
 * journal.
 *
 * What it says.  Rows and counters lie in slots of the region.  A record says
 * what a slot is: whole, absolute, of one moment, and with its ids written
 * out; or that it is free.  The last record of a slot holds.  Records need no
 * order among slots and none needs another one, so that a file which begins
 * with all slots in use replaces all former ones: there is always one file
 * that counts, and it is made anew when it has grown.
 *
 * What is to be written is marked in the region, by who changes it: a bit of
 * the slot in the head of its extent, which is set under the slot's lock
 * before the change is made true (genai_books_commit).  The writer clears the
 * bit, reads the slot, and sets it again where the lock is held:
 *
 *    a change takes the lock, looks at the bit, changes, frees the lock
 *    the writer clears the bit, looks at the lock, reads
 *
 * with the first two of each in this order for all to see: either the change
 * finds the bit cleared and sets it, or the writer finds the lock held, or
 * what was changed.  So a process can be killed anywhere and what it has
 * settled is marked.  A bit that is set already costs a load.
 *
 * A writer that dies may have cleared bits of what it has not written.  It
 * says before in the region that no file counts, and afterwards which one
 * does and how long it is: whoever finds none begins a new file.
 *
 * A record's check is a keyed hash (SipHash-1-3, genai_siphash.h) of what it
 * says, the file's number, and where in the file it stands: neither what was
 * on the disk before, nor an id that looks like a record, is taken for one.
 * Where there is none, the next one is looked for at each eighth byte.
 *
 * Sizes and numbers are in the machine's own order of bytes, which the file's
 * head tells; all is aligned to 8.  These functions know no files: the os
 * beside does (genai_journal_file.h).
 */


#ifndef _GENAI_JOURNAL_H_INCLUDED_
#define _GENAI_JOURNAL_H_INCLUDED_


#include "genai_books_counter.h"


#define GENAI_JOURNAL_MAGIC    "GENAIJRN"
#define GENAI_JOURNAL_VERSION  1

/* bytes of a file's head; no record is longer than that */
#define GENAI_JOURNAL_HEAD     80
#define GENAI_JOURNAL_RECORD   1024


/* what a file's head says */
typedef struct {
    uint64_t   number;              /* of the file: later ones are higher */
    int64_t    made;                /* ms since the epoch */
    uint64_t   seed[2];             /* of the checks, secret */
    uint64_t   books[2];            /* that of the books, by which they name */
                                    /* counters: new ones must have it */
} genai_journal_head_t;


/* Fills in head->books. */
void genai_journal_of(const genai_books_t *b, genai_journal_head_t *head);

/* Writes a head of GENAI_JOURNAL_HEAD bytes. */
void genai_journal_head(unsigned char *p, const genai_journal_head_t *head);

/*
 * Reads the head of size bytes, which may be anything, aligned to 8.  Returns
 * 0; or -1 where that is none of this version and this machine's.
 */
int genai_journal_head_read(const unsigned char *p, uint64_t size,
    genai_journal_head_t *head);


/* where a walk over the slots is; zero at first */
typedef struct {
    uint64_t   extent;
    unsigned   word;
    uint64_t   bits;                /* taken and not written yet */
    unsigned   all:1;               /* all slots in use, marked or not */
    unsigned   clear:1;             /* with that: clears all marks as well */
    unsigned   last:1;              /* the row "other" of all was looked at */
} genai_journal_walk_t;

/*
 * Puts records of what is marked into a buffer, and clears the marks; with
 * walk->all of all that is in use, and clears none without walk->clear.  b may
 * be a view (genai_books_view) of a region that can be written to.  Takes no
 * lock and waits for nobody; buf is aligned to 8, size GENAI_JOURNAL_RECORD or
 * more.
 *
 * Returns how many bytes it has put; 0 when the walk has come to its end.
 */
size_t genai_journal_take(const genai_books_t *b, genai_journal_walk_t *walk,
    unsigned char *buf, size_t size);

/* what is said at the end of each turn of the writer, and of a file's start */
typedef enum {
    GENAI_JOURNAL_PASS = 4,
    GENAI_JOURNAL_WHOLE             /* all slots stand before */
} genai_journal_said_e;

/*
 * Puts such a record: what was settled before now, in ms, stands before it;
 * and the first synced bytes of the file are on the disk.  Returns its length.
 */
size_t genai_journal_say(unsigned char *buf, genai_journal_said_e what,
    int64_t now, uint64_t synced, uint64_t policy_last);

/* Completes len bytes of records, which will stand at offset in the file. */
void genai_journal_seal(const genai_journal_head_t *head, unsigned char *buf,
    size_t len, uint64_t offset);


/*
 * Which file all that is not marked stands in, its length, and what that was
 * when it was begun: in the region, for the next writer.  0 says that there is
 * none.
 */
uint64_t genai_journal_current(const genai_books_t *b, uint64_t *len,
    uint64_t *whole);
void genai_journal_current_set(const genai_books_t *b, uint64_t number,
    uint64_t len, uint64_t whole);


/* what a file was found to be */
typedef struct {
    genai_journal_head_t   head;
    uint64_t               whole;   /* offset behind its start, or 0 */
    uint64_t               records;
    uint64_t               end;     /* offset behind the last record */
    uint64_t               cut;     /* bytes that are no records, where */
                                    /* nothing had been said to be on disk */
    uint64_t               lost;    /* and where that had been said: damage */
    unsigned               holes;   /* of these */
    uint64_t               synced;
    uint64_t               slots;   /* above the highest one that is told of */
    int64_t                last;    /* ms: the last turn of the writer */
    uint64_t               policy_last;
} genai_journal_scan_t;

/*
 * Looks through a file of size bytes, aligned to 8, which may be anything;
 * about 1 GB a second.  Returns 0, or -1 where its head is none.
 */
int genai_journal_scan(const unsigned char *data, uint64_t size,
    genai_journal_scan_t *scan);

/* whether a file can be replayed: it says of all slots what they were */
#define genai_journal_usable(scan)  ((scan)->whole || (scan)->synced)


typedef struct {
    uint64_t   rows;
    uint64_t   counters;
    uint64_t   no_room;             /* counters that found none */
} genai_journal_replayed_t;

/*
 * Puts what a file says into new books, which were formatted with the seed
 * scan->head.books and which nobody else has joined.  What was
 * in flight is not in it: nothing is leased afterwards.  Of a counter whose
 * window was over what is left is its debt, which the current one gets.
 *
 * Where a file is torn, debt of an ended window may be charged twice, never
 * be forgotten.  Rows that find no room go to those called "other".
 *
 * Returns 0, or -1 when out of memory.
 */
int genai_journal_replay(genai_books_t *b, const unsigned char *data,
    uint64_t size, const genai_journal_scan_t *scan,
    genai_journal_replayed_t *replayed);


#endif /* _GENAI_JOURNAL_H_INCLUDED_ */
