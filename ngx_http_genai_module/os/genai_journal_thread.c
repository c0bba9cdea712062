/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_journal_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>


struct genai_journal_thread_s {
    pthread_t                  thread;
    pthread_mutex_t            mutex;       /* of what follows */
    pthread_cond_t             wake;
    int                        stop;
    int                        ended;
    int                        failed;      /* and was said to be */
    time_t                     since;       /* that, monotonic */
    int                        report;      /* what is to be said */
    char                       problem[GENAI_JOURNAL_PROBLEM];

    const genai_books_file_t  *f;
    const char                *dir;
    genai_books_t             *b;
    unsigned                   ms;
    int                        sync;
};


static void *genai_journal_thread_run(void *data);
static int genai_journal_thread_turn(genai_journal_thread_t *t,
    genai_journal_t **j);
static int genai_journal_thread_stopped(genai_journal_thread_t *t);
static void genai_journal_thread_stale(genai_journal_thread_t *t,
    genai_journal_t **j);
static void genai_journal_thread_said(genai_journal_thread_t *t, int err,
    const char *problem);
static int genai_journal_thread_sleep(genai_journal_thread_t *t,
    struct timespec *until);


genai_journal_thread_t *
genai_journal_thread_start(const genai_books_file_t *f, const char *dir,
    unsigned ms, int sync)
{
    int                      rc;
    sigset_t                 all, saved;
    pthread_condattr_t       attr;
    genai_journal_thread_t  *t;

    t = calloc(1, sizeof(genai_journal_thread_t));
    if (t == NULL) {
        return NULL;
    }

    t->f = f;
    t->dir = dir;
    t->ms = ms;
    t->sync = sync;

    t->b = genai_books_view(f->addr, f->mapped);
    if (t->b == NULL) {
        free(t);
        return NULL;
    }

    pthread_mutex_init(&t->mutex, NULL);

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->wake, &attr);
    pthread_condattr_destroy(&attr);

    /* signals are for the thread that runs the event loop */

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);

    rc = pthread_create(&t->thread, NULL, genai_journal_thread_run, t);

    pthread_sigmask(SIG_SETMASK, &saved, NULL);

    if (rc != 0) {
        pthread_cond_destroy(&t->wake);
        pthread_mutex_destroy(&t->mutex);
        genai_books_leave(t->b);
        free(t);
        return NULL;
    }

    return t;
}


int
genai_journal_thread_end(genai_journal_thread_t *t)
{
    int  ended;

    pthread_mutex_lock(&t->mutex);
    t->stop = 1;
    ended = t->ended;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->mutex);

    return ended;
}


void
genai_journal_thread_stop(genai_journal_thread_t *t)
{
    (void) genai_journal_thread_end(t);

    pthread_join(t->thread, NULL);

    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->mutex);
    genai_books_leave(t->b);
    free(t);
}


int
genai_journal_thread_report(genai_journal_thread_t *t,
    char problem[GENAI_JOURNAL_PROBLEM])
{
    int  report;

    if (pthread_mutex_trylock(&t->mutex) != 0) {
        return 0;
    }

    report = t->report;
    t->report = 0;

    if (report == 1) {
        memcpy(problem, t->problem, GENAI_JOURNAL_PROBLEM);
    }

    pthread_mutex_unlock(&t->mutex);

    return report;
}


static void *
genai_journal_thread_run(void *data)
{
    genai_journal_thread_t *t = data;

    int               err, stop;
    unsigned          ms;
    struct timespec   next;
    genai_journal_t  *j;

    j = NULL;
    stop = 0;

    do {
        clock_gettime(CLOCK_MONOTONIC, &next);

        err = genai_journal_thread_turn(t, &j);

        /* who ends does not wait for a disk that is full */

        if (stop) {
            break;
        }

        ms = t->ms;

        if (err && ms < GENAI_JOURNAL_RETRY_MS) {
            ms = GENAI_JOURNAL_RETRY_MS;
        }

        next.tv_sec += ms / 1000;
        next.tv_nsec += (long) (ms % 1000) * 1000000;

        if (next.tv_nsec >= 1000000000L) {
            next.tv_sec++;
            next.tv_nsec -= 1000000000L;
        }

        stop = genai_journal_thread_sleep(t, &next);

    } while (!(stop && err));

    if (j) {
        genai_journal_close(j);
    }

    pthread_mutex_lock(&t->mutex);
    t->ended = 1;
    pthread_mutex_unlock(&t->mutex);

    return NULL;
}


static int
genai_journal_thread_turn(genai_journal_thread_t *t, genai_journal_t **j)
{
    int   err;
    char  problem[GENAI_JOURNAL_PROBLEM];

    err = 0;

    if (*j == NULL) {
        *j = genai_journal_open(t->f, t->dir, (uid_t) -1, (gid_t) -1,
                                problem);
        err = (*j == NULL) ? EIO : 0;
    }

    if (err == 0) {
        /* a file that is made for its shortness only is not waited for */

        do {
            err = genai_journal_turn(*j, t->sync, problem);
        } while (err == EAGAIN && !genai_journal_thread_stopped(t));

        err = (err == EAGAIN) ? 0 : err;
    }

    genai_journal_thread_said(t, err, problem);

    if (err) {
        genai_journal_thread_stale(t, j);
    }

    return err;
}


static int
genai_journal_thread_stopped(genai_journal_thread_t *t)
{
    int  stop;

    pthread_mutex_lock(&t->mutex);
    stop = t->stop;
    pthread_mutex_unlock(&t->mutex);

    return stop;
}


static void
genai_journal_thread_stale(genai_journal_thread_t *t, genai_journal_t **j)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    if (ts.tv_sec - t->since < GENAI_JOURNAL_STALE
        || !genai_books_file_intact(t->f))
    {
        return;
    }

    if (*j) {
        genai_journal_close(*j);
        *j = NULL;
    }

    (void) genai_journal_remove(t->f, t->dir);

    t->since = ts.tv_sec;
}


static void
genai_journal_thread_said(genai_journal_thread_t *t, int err,
    const char *problem)
{
    struct timespec  ts;

    if (!err == !t->failed) {
        return;
    }

    t->failed = err;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    t->since = ts.tv_sec;

    /* a file of books that was truncated must not be touched */

    if (genai_books_file_intact(t->f)) {
        clock_gettime(CLOCK_REALTIME, &ts);

        genai_books_word_set(t->b, GENAI_WORD_JOURNAL_FAILED,
                             err ? (uint64_t) ts.tv_sec * 1000 : 0);
    }

    pthread_mutex_lock(&t->mutex);

    t->report = err ? 1 : 2;

    if (err) {
        memcpy(t->problem, problem, GENAI_JOURNAL_PROBLEM);
    }

    pthread_mutex_unlock(&t->mutex);
}


/* returns whether it is to end */

static int
genai_journal_thread_sleep(genai_journal_thread_t *t, struct timespec *until)
{
    int  stop;

    pthread_mutex_lock(&t->mutex);

    while (!t->stop
           && pthread_cond_timedwait(&t->wake, &t->mutex, until) == 0)
    {
        /* void */
    }

    stop = t->stop;

    pthread_mutex_unlock(&t->mutex);

    return stop;
}
