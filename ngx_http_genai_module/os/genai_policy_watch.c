
/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_policy_watch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>


struct genai_policy_watch_s {
    pthread_t                    thread;
    pthread_mutex_t              mutex;     /* of what follows */
    pthread_cond_t               wake;
    genai_policy_report_t       *reports;
    genai_policy_report_t      **last;
    volatile int                 stop;
    int                          ended;
    int                          built;     /* the load has come to its end */

    genai_policy_files_t        *files;
    const char                  *state;
    genai_policy_watch_calls_t   calls;
    int                          failed;    /* the last errno value */
    int64_t                      since;     /* when it failed first, or 0 */

    char                        *list;      /* what is revoked, when it was */
    size_t                       len;       /* last put on a snapshot */
    uint64_t                     revoked;   /* the generation of that */
    unsigned                     again:1;   /* it is to be put on again */

    int                          rc;        /* of the load */
    void                        *data;
    size_t                       size;
};


static void *genai_policy_watch_run(void *data);
static int genai_policy_watch_sleep(genai_policy_watch_t *w,
    const volatile int *flag);
static int genai_policy_watch_gone(genai_policy_watch_t *w);
static void genai_policy_watch_revoke(genai_policy_watch_t *w);
static int genai_policy_watch_put(genai_policy_watch_t *w);
static int genai_policy_watch_load(genai_policy_watch_t *w);
static int genai_policy_watch_loaded(genai_policy_watch_t *w,
    uint64_t generation, uint64_t before);
static void genai_policy_watch_build(genai_policy_watch_t *w);
static void *genai_policy_watch_builder(void *data);
static int genai_policy_watch_publish(genai_policy_watch_t *w,
    uint64_t generation, uint64_t before, genai_policy_t *policy,
    size_t size);
static void genai_policy_watch_failed(genai_policy_watch_t *w, int err,
    const char *text);
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
    free(w->list);
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

    int  again, looks;

    again = 0;
    looks = 0;

    while (!genai_policy_watch_sleep(w, &w->stop)) {

        genai_policy_watch_revoke(w);

        if (genai_policy_files_changed(w->files) || again
            || genai_policy_watch_gone(w))
        {
            again = genai_policy_watch_load(w);
        }

        w->calls.checked(w->calls.data, genai_policy_watch_now());

        /* at the first one nobody knows what came of a change */

        if (looks++) {
            w->calls.failed(w->calls.data, w->since);
        }
    }

    pthread_mutex_lock(&w->mutex);
    w->ended = 1;
    pthread_mutex_unlock(&w->mutex);

    return NULL;
}


/* waits for the next look, or until the flag is set, which it returns */

static int
genai_policy_watch_sleep(genai_policy_watch_t *w, const volatile int *flag)
{
    int              set;
    struct timespec  until;

    clock_gettime(CLOCK_MONOTONIC, &until);

    until.tv_nsec += GENAI_POLICY_WATCH_MS * 1000000L;

    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }

    pthread_mutex_lock(&w->mutex);

    while (!*flag
           && pthread_cond_timedwait(&w->wake, &w->mutex, &until) == 0)
    {
        /* void */
    }

    set = *flag;

    pthread_mutex_unlock(&w->mutex);

    return set;
}


/* whether somebody has removed the snapshot: who starts would not find it */

static int
genai_policy_watch_gone(genai_policy_watch_t *w)
{
    uint64_t  generation;

    generation = w->calls.current(w->calls.data);

    return generation && !genai_policy_files_there(w->state, generation)
           && generation == w->calls.current(w->calls.data);
}


/* looks at what is revoked */

static void
genai_policy_watch_revoke(genai_policy_watch_t *w)
{
    int     err;
    char   *text;
    size_t  len;

    if (!genai_policy_files_revoked_changed(w->files) && !w->again) {
        return;
    }

    err = genai_policy_files_revoked(w->files, &text, &len);

    if (err) {

        /* the load tells, and keeps the lines that there were */

        w->again = (err == ENOMEM || err == EAGAIN);
        return;
    }

    free(w->list);

    w->list = text;
    w->len = len;

    w->again = genai_policy_watch_put(w);
}


/*
 * Puts the list on the snapshot that is current; returns 1 when that is to be
 * tried again.
 */

static int
genai_policy_watch_put(genai_policy_watch_t *w)
{
    int              err;
    void            *addr, *copy;
    size_t           size;
    int64_t          n;
    uint64_t         generation, before;

    before = w->calls.current(w->calls.data);

    /* without one, or where it is gone, the load brings the list */

    if (before == 0
        || genai_policy_files_map(w->state, before, &addr, &size) != 0)
    {
        return 0;
    }

    copy = malloc(size);

    if (copy) {
        memcpy(copy, addr, size);
    }

    (void) munmap(addr, size);

    if (copy == NULL) {
        return 1;
    }

    n = genai_policy_revoke_snapshot(copy, w->list, w->len);

    if (n <= 0) {
        free(copy);
        return n < 0;
    }

    generation = w->calls.next(w->calls.data);

    err = genai_policy_watch_publish(w, generation, before, copy, size);

    free(copy);

    if (err == 0) {
        w->revoked = generation;
    }

    return err != 0;
}


/* returns 1 when it is to be tried again, whether or not anything changes */

static int
genai_policy_watch_load(genai_policy_watch_t *w)
{
    int       again;
    uint64_t  generation, before;

    /* its place among those of other processes is that of its beginning */

    generation = w->calls.next(w->calls.data);

    w->revoked = 0;

    free(w->list);
    w->list = NULL;

    genai_policy_watch_build(w);

    if (w->rc == GENAI_POLICY_BUILD_STOPPED) {
        return 0;
    }

    if (w->rc != GENAI_POLICY_BUILD_OK) {

        again = (w->rc == GENAI_POLICY_BUILD_MEMORY);

        genai_policy_watch_failed(w, w->rc, again
                                  ? "could not be loaded: out of memory; the "
                                    "one before it stays"
                                  : "could not be loaded: it is too large; "
                                    "the one before it stays");

        /* what is too large stays so until it changes */

        return again;
    }

    before = w->calls.current(w->calls.data);

    if (w->revoked && w->revoked == before) {

        /* ours is no newer load */

        generation = w->calls.next(w->calls.data);
    }

    /* the list may have changed since it was read */

    if (w->list
        && genai_policy_revoke_snapshot(w->data, w->list, w->len) < 0)
    {
        again = 1;

    } else {
        again = genai_policy_watch_loaded(w, generation, before);
    }

    free(w->data);
    w->data = NULL;

    return again;
}


static int
genai_policy_watch_loaded(genai_policy_watch_t *w, uint64_t generation,
    uint64_t before)
{
    int   err;
    char  text[160];

    if (before > generation) {

        /* of a reload, that has begun to read later */

        return 0;
    }

    err = genai_policy_watch_publish(w, generation, before, w->data, w->size);

    if (err) {
        return 1;
    }

    w->since = 0;

    genai_policy_watch_say(w, genai_policy_report(w->files));

    /* what is not kept now will be kept with the next load */

    err = genai_policy_files_keep(w->files);

    if (err && err != w->failed) {
        snprintf(text, sizeof(text), "that is good could not be "
                 "written to \"%.64s\" (%d): a restart may not know it",
                 w->state, err);

        genai_policy_watch_say(w, genai_policy_report_new(GENAI_FINDING_WARN,
                                                          "", 0, "", text));
    }

    w->failed = err;

    return 0;
}


/* loads in a thread of its own, and looks at what is revoked meanwhile */

static void
genai_policy_watch_build(genai_policy_watch_t *w)
{
    pthread_t  thread;

    w->built = 0;

    if (pthread_create(&thread, NULL, genai_policy_watch_builder, w) != 0) {
        (void) genai_policy_watch_builder(w);
        return;
    }

    while (!genai_policy_watch_sleep(w, &w->built)) {

        if (!w->stop) {
            genai_policy_watch_revoke(w);
        }
    }

    pthread_join(thread, NULL);
}


static void *
genai_policy_watch_builder(void *data)
{
    genai_policy_watch_t  *w = data;

    w->rc = genai_policy_files_load(w->files, 0, genai_policy_watch_now(),
                                    &w->stop, &w->data, &w->size);

    pthread_mutex_lock(&w->mutex);
    w->built = 1;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->mutex);

    return NULL;
}


static int
genai_policy_watch_publish(genai_policy_watch_t *w, uint64_t generation,
    uint64_t before, genai_policy_t *policy, size_t size)
{
    int   err;
    char  text[160];

    policy->generation = generation;

    err = genai_policy_files_publish(w->state, generation, policy, size);

    if (err) {
        snprintf(text, sizeof(text), "could not be written to "
                 "\"%.64s\" (%d), the one before it stays: see to its space "
                 "and its owner", w->state, err);

        genai_policy_watch_failed(w, err, text);

        /* whatever there is to be had for the next time */

        if (before) {
            genai_policy_files_prune(w->state, before);
        }

        return err;
    }

    if (!w->calls.publish(w->calls.data, before, generation,
                          policy->stale_since))
    {
        /* of a reload, and this may be older */

        return EAGAIN;
    }

    snprintf(text, sizeof(text), "generation %llu is current",
             (unsigned long long) generation);

    genai_policy_watch_say(w, genai_policy_report_new(GENAI_FINDING_NOTE,
                                                      "", 0, "", text));

    /* a process that is about to map the one before it may still do so */

    if (before) {
        genai_policy_files_prune(w->state, before);
    }

    return 0;
}


static void
genai_policy_watch_failed(genai_policy_watch_t *w, int err, const char *text)
{
    if (w->since == 0) {
        w->since = genai_policy_watch_now();
    }

    /* said once, however often it is tried */

    if (err != w->failed) {
        w->failed = err;

        genai_policy_watch_say(w,
                               genai_policy_report_new(GENAI_FINDING_BROKEN,
                                                       "", 0, "", text));
    }
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
