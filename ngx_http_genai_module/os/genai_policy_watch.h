/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Watches a policy's files from a thread of its own, makes a snapshot when
 * they have changed, and publishes it.  One process at a time does it for
 * all; the others see a new generation by its word in the books.
 */


#ifndef _GENAI_POLICY_WATCH_H_INCLUDED_
#define _GENAI_POLICY_WATCH_H_INCLUDED_


#include "genai_policy_files.h"


/* between two looks; a change counts at the second look that sees it */
#define GENAI_POLICY_WATCH_MS  250

/* lines of one report, the rest is counted */
#define GENAI_POLICY_REPORT_MAX  50


typedef struct genai_policy_watch_s  genai_policy_watch_t;


/* all are called in the thread */
typedef struct {
    /* The generation that is current, 0 is none. */
    uint64_t   (*current)(void *data);

    /* A generation that was never used before. */
    uint64_t   (*next)(void *data);

    /*
     * This one is on disk: makes it current where before is; returns 1, or 0
     * where it is not, since another process has published.
     */
    int        (*publish)(void *data, uint64_t before, uint64_t generation,
                          int64_t stale_since);

    /* The files were looked at; now is in ms since the epoch. */
    void       (*checked)(void *data, int64_t now);

    /*
     * Said at each look but the first: since when what the files say cannot
     * be loaded or published, in ms since the epoch, or 0 where it can.
     */
    void       (*failed)(void *data, int64_t since);

    void        *data;
} genai_policy_watch_calls_t;


/* what came of a load, for the log */
typedef struct genai_policy_report_s  genai_policy_report_t;

struct genai_policy_report_s {
    genai_policy_report_t  *next;
    genai_finding_e         level;
    char                    text[];
};


/*
 * Starts the thread.  files and state, the directory of the snapshots, are
 * the thread's until it is stopped, and are not freed by it.  Signals are
 * blocked in it.
 *
 * Returns NULL when there is no thread to be had.
 */
genai_policy_watch_t *genai_policy_watch_start(genai_policy_files_t *files,
    const char *state, const genai_policy_watch_calls_t *calls);

/*
 * Tells it to end, and breaks off a load.  Never waits: returns 1 when it has
 * ended, else 0, to be asked again.
 */
int genai_policy_watch_end(genai_policy_watch_t *w);

/* Ends it, waits until it has, and frees it. */
void genai_policy_watch_stop(genai_policy_watch_t *w);

/* Takes the oldest report that was not yet taken; free() it.  Never waits. */
genai_policy_report_t *genai_policy_watch_report(genai_policy_watch_t *w);

/*
 * The report on a load, made from its findings; the caller frees each entry.
 * NULL where there is nothing to say.
 */
genai_policy_report_t *genai_policy_report(const genai_policy_files_t *files);


#endif /* _GENAI_POLICY_WATCH_H_INCLUDED_ */
