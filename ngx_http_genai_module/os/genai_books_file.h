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
 * there, never a signal at a store.
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
 */
int genai_books_file_open(genai_books_file_t *f, const char *dir,
    uint64_t max, uid_t owner, gid_t group,
    char problem[GENAI_BOOKS_PROBLEM]);

/*
 * Writes into DIR/lock who is to be named to others as its holder, for who
 * has forked since it was opened.
 */
void genai_books_file_sign(const genai_books_file_t *f, uint32_t pid);

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
