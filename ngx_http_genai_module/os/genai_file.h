/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Files, the POSIX way and without nginx types, so that the modules and the
 * command-line tools share it: reading small files whole, mapping files that
 * several processes write.  All functions are thread-safe; all paths are
 * NUL-terminated.
 */


#ifndef _GENAI_FILE_H_INCLUDED_
#define _GENAI_FILE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/* what a file was when it was looked at */
typedef struct {
    uint64_t   device;
    uint64_t   inode;
    uint64_t   mode;                /* st_mode */
    uint64_t   size;                /* bytes */
    int64_t    mtime;               /* ns since the epoch */
    int64_t    ctime;
    int64_t    error;               /* an errno value, the rest is 0 then */
} genai_file_stamp_t;


/* Looks at a file, through links. */
void genai_file_stamp(const char *path, genai_file_stamp_t *stamp);

/* Whether it is another file, or was changed, between two looks. */
int genai_file_stamp_differs(const genai_file_stamp_t *a,
    const genai_file_stamp_t *b);

/*
 * Reads a file of at most max bytes, with one NUL byte appended.  It is read
 * until its end, so that pipes and the files of /proc work; it is opened
 * without blocking on a FIFO that nobody writes.
 *
 * On success returns 0; *data is malloc'd and the caller's to free, *len is
 * its length without the NUL.  On failure returns an errno value and touches
 * neither; EFBIG says that the file is longer than max, EISDIR that it is a
 * directory.
 */
int genai_file_read(const char *path, size_t max, char **data, size_t *len);

/*
 * Maps a file MAP_SHARED and writable, which is created with mode 0600 or
 * extended with zeroes to size bytes where it is shorter.  A longer file is
 * mapped up to size only.  What is written to the mapping survives the death
 * of every process that has it; it does not survive a loss of power.
 *
 * Returns 0 with *addr set (the caller unmaps it with munmap(addr, size)), or
 * an errno value.
 */
int genai_file_map_shared(const char *path, size_t size, void **addr);


#endif /* _GENAI_FILE_H_INCLUDED_ */
