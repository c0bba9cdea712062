
/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_policy_watch.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>


struct genai_policy_watch_s {
    pthread_t                    thread;
    pthread_mutex_t              mutex;     /* of what follows */
    pthread_cond_t               wake;
    genai_policy_report_t       *reports;
    genai_policy_report_t      **last;
    volatile int                 stop;
    int                          ended;

    genai_policy_files_t        *files;
    const char                  *state;
    genai_policy_watch_calls_t   calls;
    int                          failed;    /* the last errno value */
};


static void *genai_policy_watch_run(void *data);
static int genai_policy_watch_sleep(genai_policy_watch_t *w);
static int genai_policy_watch_load(genai_policy_watch_t *w);
static void genai_policy_watch_say(genai_policy_watch_t *w,
    genai_policy_report_t *report);
static genai_policy_report_t *genai_policy_report_new(genai_finding_e level,
    const char *file, unsigned line, const char *object, const char *text);
static int64_t genai_policy_watch_now(void);


genai_policy_watch_t *
genai_policy_watch_start(genai_policy_files_t *files, const char *state,
    const genai_policy_watch_calls_t *calls)
{
    int                    rc;
    sigset_t               all, saved;
    pthread_condattr_t     attr;
    genai_policy_watch_t  *w;

    w = calloc(1, sizeof(genai_policy_watch_t));
    if (w == NULL) {
        return NULL;
    }

    w->files = files;
    w->state = state;
    w->calls = *calls;
    w->last = &w->reports;

    pthread_mutex_init(&w->mutex, NULL);

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &attr);
    pthread_condattr_destroy(&attr);

    /* signals are for the thread that runs the event loop */

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);

    rc = pthread_create(&w->thread, NULL, genai_policy_watch_run, w);

    pthread_sigmask(SIG_SETMASK, &saved, NULL);

    if (rc != 0) {
        pthread_cond_destroy(&w->wake);
        pthread_mutex_destroy(&w->mutex);
        free(w);
        return NULL;
    }

    return w;
}


int
genai_policy_watch_end(genai_policy_watch_t *w)
{
    int  ended;

    pthread_mutex_lock(&w->mutex);
    w->stop = 1;
    ended = w->ended;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->mutex);

    return ended;
}


void
genai_policy_watch_stop(genai_policy_watch_t *w)
{
    genai_policy_report_t  *report;

    (void) genai_policy_watch_end(w);

    pthread_join(w->thread, NULL);

    while ((report = genai_policy_watch_report(w)) != NULL) {
        free(report);
    }

    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}


genai_policy_report_t *
genai_policy_watch_report(genai_policy_watch_t *w)
{
    genai_policy_report_t  *report;

    if (pthread_mutex_trylock(&w->mutex) != 0) {
        return NULL;
    }

    report = w->reports;

    if (report) {
        w->reports = report->next;

        if (w->reports == NULL) {
            w->last = &w->reports;
        }
    }

    pthread_mutex_unlock(&w->mutex);

    return report;
}


static void *
genai_policy_watch_run(void *data)
{
    genai_policy_watch_t  *w = data;

    int  again;

    again = 0;

    while (genai_policy_watch_sleep(w)) {

        if (genai_policy_files_changed(w->files) || again) {
            again = genai_policy_watch_load(w);
        }

        w->calls.checked(w->calls.data, genai_policy_watch_now());
    }

    pthread_mutex_lock(&w->mutex);
    w->ended = 1;
    pthread_mutex_unlock(&w->mutex);

    return NULL;
}


/* returns 0 when it is time to end */

static int
genai_policy_watch_sleep(genai_policy_watch_t *w)
{
    int              go;
    struct timespec  until;

    clock_gettime(CLOCK_MONOTONIC, &until);

    until.tv_nsec += GENAI_POLICY_WATCH_MS * 1000000L;

    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }

    pthread_mutex_lock(&w->mutex);

    while (!w->stop
           && pthread_cond_timedwait(&w->wake, &w->mutex, &until) == 0)
    {
        /* void */
    }

    go = !w->stop;

    pthread_mutex_unlock(&w->mutex);

    return go;
}


/* returns 1 when it is to be tried again, whether or not anything changes */

static int
genai_policy_watch_load(genai_policy_watch_t *w)
{
    int                     rc, err, again;
    char                    text[160];
    void                   *data;
    size_t                  size;
    int64_t                 now;
    uint64_t                generation;
    genai_policy_t         *policy;
    genai_policy_report_t  *report;

    generation = w->calls.next(w->calls.data);
    now = genai_policy_watch_now();

    rc = genai_policy_files_load(w->files, generation, now, &w->stop, &data,
                                 &size);

    if (rc != GENAI_POLICY_BUILD_OK) {

        if (rc == GENAI_POLICY_BUILD_STOPPED) {
            return 0;
        }

        /* what is too large stays so until it changes */

        again = (rc == GENAI_POLICY_BUILD_MEMORY);
        err = rc;
        snprintf(text, sizeof(text), rc == GENAI_POLICY_BUILD_MEMORY
                 ? "could not be loaded: out of memory; the one "
                   "before it stays"
                 : "could not be loaded: it is too large; the one "
                   "before it stays");
        goto failed;
    }

    policy = data;

    err = genai_policy_files_publish(w->state, generation, data, size);

    if (err == 0) {
        w->calls.publish(w->calls.data, generation, policy->stale_since);

        genai_policy_watch_say(w, genai_policy_report(w->files));

        snprintf(text, sizeof(text), "generation %llu is current",
                 (unsigned long long) generation);

        genai_policy_watch_say(w, genai_policy_report_new(GENAI_FINDING_NOTE,
                                                          "", 0, "", text));
    }

    free(data);

    if (err) {
        snprintf(text, sizeof(text), "could not be written to "
                 "\"%.64s\" (%d), the one before it stays: see to its space "
                 "and its owner", w->state, err);
        again = 1;
        goto failed;
    }

    /* what is not kept now will be kept with the next load */

    err = genai_policy_files_keep(w->files);

    if (err) {
        snprintf(text, sizeof(text), "that is good could not be "
                 "written to \"%.64s\" (%d): a restart may not know it",
                 w->state, err);

        if (err != w->failed) {
            report = genai_policy_report_new(GENAI_FINDING_WARN, "", 0, "",
                                             text);
            genai_policy_watch_say(w, report);
        }
    }

    w->failed = err;

    /* a process that is about to map the one before it may still do so */

    if (generation > 1) {
        genai_policy_files_prune(w->state, generation - 1);
    }

    return 0;

failed:

    if (err != w->failed) {
        w->failed = err;
        report = genai_policy_report_new(GENAI_FINDING_BROKEN, "", 0, "",
                                         text);
        genai_policy_watch_say(w, report);
    }

    return again;
}


static void
genai_policy_watch_say(genai_policy_watch_t *w, genai_policy_report_t *report)
{
    if (report == NULL) {
        return;
    }

    pthread_mutex_lock(&w->mutex);

    *w->last = report;

    while (*w->last) {
        w->last = &(*w->last)->next;
    }

    pthread_mutex_unlock(&w->mutex);
}


genai_policy_report_t *
genai_policy_report(const genai_policy_files_t *files)
{
    char                     text[96];
    size_t                   lost;
    unsigned                 n;
    genai_policy_report_t   *reports, **last, *report;
    const genai_finding_t   *f;

    n = 0;
    lost = genai_policy_files_findings_lost(files);
    reports = NULL;
    last = &reports;

    for (f = genai_policy_files_findings(files); f; f = f->next) {

        if (n == GENAI_POLICY_REPORT_MAX) {
            lost++;
            continue;
        }

        report = genai_policy_report_new(f->level, f->fragment, f->line,
                                         f->object, f->text);
        if (report) {
            *last = report;
            last = &report->next;
            n++;
        }
    }

    if (lost) {
        snprintf(text, sizeof(text), "%zu more: run genai-policy check",
                 lost);

        *last = genai_policy_report_new(GENAI_FINDING_WARN, "", 0, "", text);
    }

    return reports;
}


static genai_policy_report_t *
genai_policy_report_new(genai_finding_e level, const char *file,
    unsigned line, const char *object, const char *text)
{
    int                     len;
    char                    where[16];
    genai_policy_report_t  *report;

    where[0] = '\0';

    if (line) {
        snprintf(where, sizeof(where), ":%u", line);
    }

    len = snprintf(NULL, 0, "policy %s%s%s%s%s%s", file, where,
                   *file ? ": " : "", object, *object ? ": " : "", text);

    if (len < 0) {
        return NULL;
    }

    report = malloc(sizeof(genai_policy_report_t) + len + 1);
    if (report == NULL) {
        return NULL;
    }

    report->next = NULL;
    report->level = level;

    snprintf(report->text, len + 1, "policy %s%s%s%s%s%s", file, where,
             *file ? ": " : "", object, *object ? ": " : "", text);

    return report;
}


static int64_t
genai_policy_watch_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_REALTIME, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
