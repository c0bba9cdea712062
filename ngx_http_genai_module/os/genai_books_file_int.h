/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What genai_books_file.c and genai_journal_*.c share.
 */


#ifndef _GENAI_BOOKS_FILE_INT_H_INCLUDED_
#define _GENAI_BOOKS_FILE_INT_H_INCLUDED_


#include "genai_books_file.h"


/* Sets problem, and returns err. */
int genai_books_file_problem(char *problem, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Makes DIR/books.new, of GENAI_BOOKS_SIZE_MIN bytes and formatted; *fd is
 * of it.  seed is theirs, NULL for a random one.  Returns 0, or an errno value
 * with problem set.
 */
int genai_books_file_new(const char *dir, int dirfd, uid_t owner,
    gid_t group, const uint64_t *seed, int *fd, char *problem);

/* Room from there to size, or an errno value and no signal. */
int genai_books_file_extend(int fd, uint64_t from, uint64_t size);

/* What genai_books_os_t takes, with a descriptor as data. */
int genai_books_file_grow(void *data, uint64_t size);
int genai_books_file_alive(void *data, const genai_process_id_t *id);

/* The highest number of a file of the journal below that one, or 0. */
uint64_t genai_journal_highest(int dirfd, uint64_t below);

/* Removes those of lower numbers; returns how many there were. */
unsigned genai_journal_sweep(int dirfd, uint64_t below);

/*
 * Where a test says so, every call that changes a file is a step at which it
 * can kill the process, as are the stores to the books (genai_books_int.h).
 */
#if (GENAI_BOOKS_STEPS)
extern void  (*genai_books_step)(void);
#define genai_journal_step()                                                  \
    do { if (genai_books_step) { (*genai_books_step)(); } } while (0)
#else
#define genai_journal_step()
#endif

/* The boot of the system; returns 0 with zeroes where it is not known. */
int genai_books_file_boot_id(uint64_t boot[2]);


#endif /* _GENAI_BOOKS_FILE_INT_H_INCLUDED_ */
