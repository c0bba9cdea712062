/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writes the journal (genai_journal_file.h) from a thread of its own, turn by
 * turn.  One process at a time does it for all.
 */


#ifndef _GENAI_JOURNAL_THREAD_H_INCLUDED_
#define _GENAI_JOURNAL_THREAD_H_INCLUDED_


#include "genai_journal_file.h"


/* ms between two turns at most */
#define GENAI_JOURNAL_MS_MAX    3600000

/* and behind one that has failed, at least */
#define GENAI_JOURNAL_RETRY_MS  2000

/*
 * Seconds after which a journal that cannot be written is removed: the books
 * themselves have reached the disk by then, and are better than an old one.
 */
#define GENAI_JOURNAL_STALE     60


typedef struct genai_journal_thread_s  genai_journal_thread_t;


/*
 * Starts the thread.  f and dir must stay as they are until it is stopped.
 * A turn begins ms after the one before began, or when that ends, if it takes
 * longer; sync is genai_journal_turn()'s.  Signals are blocked in it.  After
 * GENAI_JOURNAL_STALE seconds of failure the journal is removed, until it can
 * be written again.
 *
 * Returns NULL when there is no thread to be had.
 */
genai_journal_thread_t *genai_journal_thread_start(
    const genai_books_file_t *f, const char *dir, unsigned ms, int sync);

/*
 * Tells it to end, after one more turn.  Never waits: returns 1 when it has
 * ended, else 0, to be asked again.
 */
int genai_journal_thread_end(genai_journal_thread_t *t);

/* Ends it, waits until it has, and frees it. */
void genai_journal_thread_stop(genai_journal_thread_t *t);

/*
 * What went wrong last, or that all is well again, once: 1 with the problem;
 * 2 where turns succeed again; or 0.  Never waits.
 */
int genai_journal_thread_report(genai_journal_thread_t *t,
    char problem[GENAI_JOURNAL_PROBLEM]);


#endif /* _GENAI_JOURNAL_THREAD_H_INCLUDED_ */
