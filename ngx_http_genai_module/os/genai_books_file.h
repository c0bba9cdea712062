/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where the books (genai_books.h) live: the file DIR/books, mapped by every
 * process of a master before it forks, or anonymous memory.
 *
 * DIR/lock is locked (flock) by a master and held by all that it forks or
 * executes, as they inherit the descriptor: a binary upgrade finds it among
 * its own descriptors, and joins.  Anybody else is refused.  Where all of
 * them are dead the lock is free, and whoever gets it then knows that nobody
 * else is here.
 *
 * The file is extended with posix_fallocate(): a full disk is an error code
 * there, never a signal at a store.  Who truncates the file while it is mapped
 * makes stores a signal all the same, SIGBUS: whoever is to touch the region
 * after a pause asks genai_books_file_intact() before.
 */


#ifndef _GENAI_BOOKS_FILE_H_INCLUDED_
#define _GENAI_BOOKS_FILE_H_INCLUDED_


#include "genai_books.h"

#include <sys/types.h>


typedef struct {
    void              *addr;
    uint64_t           mapped;      /* bytes */
    uint64_t           max;
    int                fd;          /* of the file, or -1 */
    int                lock;        /* or -1 */
    int                fresh;       /* nobody else can be here */
    int                rebooted;    /* fresh, and the system was restarted */
    unsigned           faults;      /* of genai_books_verify(), if rebooted */
    int                recovered;   /* made anew of the journal: 1; 2 where */
                                    /* something of it or the books was */
                                    /* damaged; or 0 */
    char               told[512];   /* what was done then, a sentence */
    genai_books_os_t   os;          /* for genai_books_join() */
} genai_books_file_t;


/* room for a sentence of genai_books_file_open() */
#define GENAI_BOOKS_PROBLEM  1024


/*
 * Opens DIR/books, made with mode 0600 where there is none (DIR likewise,
 * with 0700), both given to owner unless that is -1.  Books of another layout
 * and damaged ones are not touched.
 *
 * Returns 0, or an errno value with problem set: what is wrong and what to
 * do, such as "... is in use by process 123" (EWOULDBLOCK).  EBADMSG says that
 * books are damaged, EPROTO that they are others or none.
 *
 * Where nobody else had the lock, f->fresh says so; then join with fresh once,
 * in the process that opened them, before any other joins.  The descriptor of
 * the lock is inherited by what is executed, too.
 *
 * Where the system was restarted since, power may have been lost, and pages of
 * the file be of several moments: f->rebooted says so, redo records are not
 * replayed, and everything is checked, which takes time: f->faults is how many
 * were found.  The books are used all the same.
 *
 * But where there is a journal, they are made anew of it then, and also where
 * they are missing or damaged: genai_journal_recover() (genai_journal_file.h).
 */
int genai_books_file_open(genai_books_file_t *f, const char *dir,
    uint64_t max, uid_t owner, gid_t group,
    char problem[GENAI_BOOKS_PROBLEM]);

/*
 * Writes into DIR/lock who is to be named to others as its holder, for who
 * has forked since it was opened.
 */
void genai_books_file_sign(const genai_books_file_t *f, uint32_t pid);

/*
 * Whether the file is as long as its header says, and was always: 1; or 0
 * where somebody has truncated it, or it cannot be read.  Reads the file, never
 * the mapping; two system calls.  Anonymous memory is always intact.
 */
int genai_books_file_intact(const genai_books_file_t *f);

/*
 * For a file that is not intact: makes it as long again as what is mapped may
 * be used to, with zeroes, so that nobody who has it mapped gets a signal, and
 * spoils it for good (genai_books_spoil()): it is not intact from then on, and
 * who opens it finds damaged books, or none.  What the books say is wrong from
 * here on; no more than that nobody dies is hoped for.
 *
 * Returns 0, or an errno value: ENOSPC.
 */
int genai_books_file_heal(const genai_books_file_t *f);

/* The same in anonymous memory; nothing is touched before it is needed. */
int genai_books_file_anonymous(genai_books_file_t *f, uint64_t max);

/* Unmaps and closes; the lock goes when its last holder does. */
void genai_books_file_close(genai_books_file_t *f);

/*
 * Maps DIR/books read-only, for tools; no lock is taken and nobody waits.
 * Returns 0, or an errno value with problem set, as above.
 */
int genai_books_file_view(genai_books_file_t *f, const char *dir,
    char problem[GENAI_BOOKS_PROBLEM]);

/* The calling process, and whether one lives. */
void genai_process_self(genai_process_id_t *id);
int genai_process_alive(const genai_process_id_t *id);


#endif /* _GENAI_BOOKS_FILE_H_INCLUDED_ */
