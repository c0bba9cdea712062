/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The journal (genai_journal.h) in files: DIR/journal.N.  The one with the
 * highest number that is whole counts.  It begins with all rows and counters;
 * then what has changed is added, turn by turn.  When it has grown a new one
 * is begun, to which all is written that is added to the old one meanwhile,
 * and which takes its place when it is on the disk.  So there is one file, but
 * for a moment, of about three times the size of what it tells at most.
 *
 * Who writes is one process, GENAI_BOOKS_KEEPER's, in a thread, or who is
 * alone.  Nothing of it is done with a lock of the books held.
 *
 * A write that fails, as the disk is full: what was marked is not written and
 * is not marked any more, so that a new file is needed.  The old one stays for
 * that long: it is true, and of an earlier moment.  One that could not be
 * synced is never written to again, as the system may have dropped its pages.
 */


#ifndef _GENAI_JOURNAL_FILE_H_INCLUDED_
#define _GENAI_JOURNAL_FILE_H_INCLUDED_


#include "genai_books_file.h"
#include "genai_journal.h"


typedef struct genai_journal_s  genai_journal_t;


/* room for a sentence */
#define GENAI_JOURNAL_PROBLEM  512


/*
 * Gets ready to write the journal of those books, which must stay open as long
 * as it is; nothing is written yet.  Files will be given to owner, unless that
 * is -1.  Returns NULL with problem set.
 */
genai_journal_t *genai_journal_open(const genai_books_file_t *f,
    const char *dir, uid_t owner, gid_t group,
    char problem[GENAI_JOURNAL_PROBLEM]);

/*
 * One turn: writes what is marked and, with sync, waits until it is on the
 * disk; and a part of a new file, where one is needed.  Afterwards the word
 * GENAI_WORD_JOURNAL says of when all is written.
 *
 * Returns 0; EAGAIN where there is more to do at once; or an errno value with
 * problem set: nothing that was settled since the last good turn is safe, and
 * the next turn tries again.  It may block for as long as the disk does.
 */
int genai_journal_turn(genai_journal_t *j, int sync,
    char problem[GENAI_JOURNAL_PROBLEM]);

/* Closes it; what is marked stays so. */
void genai_journal_close(genai_journal_t *j);

/*
 * Turns until all is on the disk, for who is alone, as at the end.  Returns 0,
 * or an errno value with problem set.
 */
int genai_journal_finish(const genai_books_file_t *f, const char *dir,
    uid_t owner, gid_t group, char problem[GENAI_JOURNAL_PROBLEM]);

/*
 * Removes all files of the journal, as none is wanted any more; who has the
 * role of the writer.  Returns how many there were.
 */
unsigned genai_journal_remove(const genai_books_file_t *f, const char *dir);


/* a file of the journal that was mapped to be read */
typedef struct {
    const unsigned char    *data;
    uint64_t                size;
    genai_journal_scan_t    scan;
    char                    name[32];
    unsigned                unfinished;     /* files above it, left */
    unsigned                broken;         /* that cannot be used at all */
} genai_journal_view_t;

/*
 * Maps the file that counts, for reading only; of others it is said in v how
 * many there are; with aside those that are broken are renamed to
 * journal.N.damaged.  Returns 0, or ENOENT where there is none that can be
 * used.
 */
int genai_journal_view(genai_journal_view_t *v, int dirfd, int aside);
void genai_journal_unmap(genai_journal_view_t *v);

/*
 * Looks at the journal of a directory, also while it is written; for tools.
 * text says what there is.  Returns how many places are damaged, of which
 * say(), unless it is NULL, is called with a sentence for each kind.
 */
unsigned genai_journal_verify(const char *dir,
    void (*say)(void *data, const char *text), void *data,
    char text[GENAI_JOURNAL_PROBLEM]);


/*
 * Whether DIR/books must be made anew of the journal, and doing so; for
 * genai_books_file_open(), with the lock, where nobody else is here.  fd is of
 * the file, or -1 where there is none.  That is the case where there is a
 * journal that can be used, and the file is missing, empty, shorter than it
 * says, damaged or no books at all, or the system was started again since, so
 * that its pages are of several moments.  Books of another layout are left.
 *
 * A file that is damaged is kept as DIR/books.damaged.TIME, and a damaged one
 * of the journal as DIR/journal.N.damaged.  f->recovered and f->told say what
 * was done.
 *
 * Returns 0 where nothing was to be done; 1 where DIR/books is another file
 * now; or an errno value, negative, with problem set: nothing was changed.
 */
int genai_journal_recover(genai_books_file_t *f, const char *dir, int dirfd,
    int fd, uint64_t max, uid_t owner, gid_t group,
    char problem[GENAI_BOOKS_PROBLEM]);


#endif /* _GENAI_JOURNAL_FILE_H_INCLUDED_ */
