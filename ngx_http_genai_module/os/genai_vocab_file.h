/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Vocabularies as files.  A compiled one is mapped as it is, read-only, so
 * that all processes of a machine have one copy of it, which is the page
 * cache's.  Any other is read and compiled, which takes up to a few seconds
 * and, meanwhile, some hundred megabytes; what comes out is kept in memory
 * that a process shares with all that it forks.
 *
 * A compiled file must be replaced by renaming another one to its name, never
 * written to: who has it mapped would read what is half written, or die of
 * SIGBUS where it became shorter.  genai_vocab_file_write() does that.
 *
 * All functions are safe in any thread.
 */


#ifndef _GENAI_VOCAB_FILE_H_INCLUDED_
#define _GENAI_VOCAB_FILE_H_INCLUDED_


#include "genai_vocab.h"


/* bytes of a file; of what is wrong with one, its path among it */
#define GENAI_VOCAB_FILE_MAX      ((size_t) 256 << 20)
#define GENAI_VOCAB_FILE_PROBLEM  1024


/* all but vocab and compiled are the file's own */

typedef struct {
    genai_vocab_t           vocab;      /* as long as the file is open */
    unsigned                compiled:1; /* it was already */

    genai_split_pattern_t  *pattern;
    void                   *addr;
    size_t                  size;
} genai_vocab_file_t;


/*
 * Opens the vocabulary at path, NUL-terminated.  name is what it is to be
 * called, if it is not compiled; what is has its own.  split is the family of
 * a file that does not tell it, tiktoken's ranks, else GENAI_SPLIT_LAST.
 *
 * Returns 0, or -1 with problem, terminated, set: which file, and what is
 * wrong with it, and where.
 */
int genai_vocab_file_open(genai_vocab_file_t *f, const char *path,
    const genai_str_t *name, genai_split_e split,
    char problem[GENAI_VOCAB_FILE_PROBLEM]);

/*
 * Gives back what open has taken; nobody may use f->vocab any more.  A second
 * call, and one after open has failed, does nothing.
 */
void genai_vocab_file_close(genai_vocab_file_t *f);

/*
 * Reads a file that is not compiled, as open does it, into an image, which the
 * caller frees.  Returns 0 or -1 in the same way.
 */
int genai_vocab_file_compile(genai_str_t *image, const char *path,
    const genai_str_t *name, genai_split_e split,
    char problem[GENAI_VOCAB_FILE_PROBLEM]);

/*
 * Writes an image to path, all of it or nothing: under another name beside it
 * first, with mode 0644 less the umask.  Returns 0 or -1 in the same way.
 */
int genai_vocab_file_write(const char *path, const genai_str_t *image,
    char problem[GENAI_VOCAB_FILE_PROBLEM]);

/*
 * The family of that name, as genai_split_name() has it; GENAI_SPLIT_LAST for
 * any other, and for those that are no family of a file's ranks.
 */
genai_split_e genai_vocab_file_split(const genai_str_t *name);


#endif /* _GENAI_VOCAB_FILE_H_INCLUDED_ */
