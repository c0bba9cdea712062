
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a worker does beside its requests, by a timer.  Every one re-reads the
 * secrets and betas that have changed; one, the keeper, also watches the policy
 * and writes the journal of the books, each in a thread, settles what dead
 * workers had in flight, frees idle counters of limits, and puts old rows of
 * the books into their archive.  The keeper is of the newest configuration;
 * when it dies, another takes over.
 */


#include "ngx_http_genai.h"
#include "genai_books_print.h"
#include "genai_journal_thread.h"
#include "genai_policy_watch.h"


/* a reload's change of keepers takes two of them */
#define NGX_HTTP_GENAI_KEEPER_MS  200

/* looks before an older configuration takes over: newer ones may be starting */
#define NGX_HTTP_GENAI_KEEPER_WAIT  15

/* of so many looks one is at the secrets, too */
#define NGX_HTTP_GENAI_KEEPER_SECRETS  3

/* leases of the dead that are settled at one time */
#define NGX_HTTP_GENAI_KEEPER_SWEEP  256

/* counters of limits that are looked at, each freed within a microsecond */
#define NGX_HTTP_GENAI_KEEPER_TIDY  256

/* rows that are archived at one time */
#define NGX_HTTP_GENAI_KEEPER_RETIRE  32


typedef struct {
    ngx_fd_t                     fd;
    ngx_http_genai_main_conf_t  *mcf;
    ngx_log_t                   *log;
} ngx_http_genai_keeper_archive_t;


static void ngx_http_genai_keeper_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_genai_keeper_take(genai_books_t *books,
    ngx_http_genai_main_conf_t *mcf);
static void ngx_http_genai_keeper_watch(ngx_http_genai_main_conf_t *mcf,
    ngx_log_t *log);
static void ngx_http_genai_keeper_journal(ngx_http_genai_main_conf_t *mcf,
    ngx_log_t *log);
static ngx_uint_t ngx_http_genai_keeper_ended(void);
static void ngx_http_genai_keeper_retire(ngx_http_genai_main_conf_t *mcf,
    genai_books_t *books, ngx_log_t *log);
static int ngx_http_genai_keeper_keep(void *data,
    const genai_account_t *account, const genai_totals_t *totals);
static uint64_t ngx_http_genai_keeper_policy(void *data);
static uint64_t ngx_http_genai_keeper_next(void *data);
static int ngx_http_genai_keeper_publish(void *data, uint64_t before,
    uint64_t generation, int64_t stale_since);
static void ngx_http_genai_keeper_checked(void *data, int64_t now);
static void ngx_http_genai_keeper_failed(void *data, int64_t since);


static ngx_event_t            ngx_http_genai_keeper;
static ngx_connection_t       ngx_http_genai_keeper_dummy;
static genai_policy_watch_t  *ngx_http_genai_watch;
static genai_journal_thread_t  *ngx_http_genai_journal;
static ngx_uint_t             ngx_http_genai_keeper_waited;
static ngx_uint_t             ngx_http_genai_keeper_ticks;


void
ngx_http_genai_keeper_start(ngx_cycle_t *cycle,
    ngx_http_genai_main_conf_t *mcf)
{
    ngx_http_genai_keeper_dummy.fd = (ngx_socket_t) -1;

    ngx_http_genai_keeper.handler = ngx_http_genai_keeper_handler;
    ngx_http_genai_keeper.data = &ngx_http_genai_keeper_dummy;
    ngx_http_genai_keeper.log = cycle->log;
    ngx_http_genai_keeper.cancelable = 1;

    ngx_http_genai_keeper_dummy.read = &ngx_http_genai_keeper;
    ngx_http_genai_keeper_dummy.data = mcf;

    ngx_add_timer(&ngx_http_genai_keeper, NGX_HTTP_GENAI_KEEPER_MS);

    /*
     * The master has read the secrets with the configuration, which may be
     * long ago where this worker takes a dead one's place: two looks, and
     * what has changed is read.
     */

    ngx_http_genai_jwt_start(mcf, cycle->log);
    ngx_http_genai_secret_refresh(mcf, cycle->log);
    ngx_http_genai_secret_refresh(mcf, cycle->log);
    ngx_http_genai_betas_refresh(mcf, cycle->log);
    ngx_http_genai_betas_refresh(mcf, cycle->log);
}


void
ngx_http_genai_keeper_stop(void)
{
    if (ngx_http_genai_watch) {
        genai_policy_watch_stop(ngx_http_genai_watch);
        ngx_http_genai_watch = NULL;
    }

    if (ngx_http_genai_journal) {
        genai_journal_thread_stop(ngx_http_genai_journal);
        ngx_http_genai_journal = NULL;
    }
}


static void
ngx_http_genai_keeper_handler(ngx_event_t *ev)
{
    unsigned                     orphans;
    ngx_connection_t            *c;
    genai_books_t               *books;
    ngx_http_genai_main_conf_t  *mcf;

    c = ev->data;
    mcf = c->data;

    /* a second is soon enough for them, at one look a file */

    if (++ngx_http_genai_keeper_ticks % NGX_HTTP_GENAI_KEEPER_SECRETS == 0) {
        ngx_http_genai_secret_refresh(mcf, ev->log);
        ngx_http_genai_betas_refresh(mcf, ev->log);
    }

    ngx_http_genai_books_check(mcf, ev->log);

    books = mcf->books_failed ? NULL : ngx_http_genai_books_joined();

    if (books) {

        if (ngx_http_genai_keeper_take(books, mcf)) {
            ngx_http_genai_keeper_watch(mcf, ev->log);

            orphans = genai_books_sweep(books, NGX_HTTP_GENAI_KEEPER_SWEEP);

            if (orphans) {
                ngx_log_error(NGX_LOG_WARN, ev->log, 0,
                              "genai_books: %uD exchanges of a worker that "
                              "died are settled at what was known of them",
                              orphans);
            }

            genai_books_tidy(books, NGX_HTTP_GENAI_KEEPER_TIDY, ngx_time());

            if (mcf->books.len) {
                ngx_http_genai_keeper_journal(mcf, ev->log);
                ngx_http_genai_keeper_retire(mcf, books, ev->log);
            }

        } else if (ngx_http_genai_keeper_ended()) {

            /* another one is, or a newer configuration will have its own */

            ngx_http_genai_keeper_stop();
            genai_books_role_leave(books, GENAI_BOOKS_KEEPER);
        }
    }

    ngx_add_timer(ev, NGX_HTTP_GENAI_KEEPER_MS);
}


static ngx_uint_t
ngx_http_genai_keeper_take(genai_books_t *books,
    ngx_http_genai_main_conf_t *mcf)
{
    if (genai_books_word(books, GENAI_WORD_CONFIG) == mcf->epoch) {
        ngx_http_genai_keeper_waited = 0;
        return genai_books_role_take(books, GENAI_BOOKS_KEEPER);
    }

    if (ngx_exiting || ngx_http_genai_watch || ngx_http_genai_journal
        || ++ngx_http_genai_keeper_waited < NGX_HTTP_GENAI_KEEPER_WAIT
        || !genai_books_role_take(books, GENAI_BOOKS_KEEPER))
    {
        return 0;
    }

    /* nobody keeps: this one's configuration is the newest from now on */

    ngx_http_genai_keeper_waited = 0;
    mcf->epoch = genai_books_word_add(books, GENAI_WORD_CONFIG, 1);

    return 1;
}


static void
ngx_http_genai_keeper_watch(ngx_http_genai_main_conf_t *mcf, ngx_log_t *log)
{
    ngx_uint_t                  i, level;
    genai_policy_report_t      *report;
    genai_policy_watch_calls_t  calls;

    if (mcf->policy_files == NULL) {
        return;
    }

    if (ngx_http_genai_watch == NULL) {

        calls.current = ngx_http_genai_keeper_policy;
        calls.next = ngx_http_genai_keeper_next;
        calls.publish = ngx_http_genai_keeper_publish;
        calls.checked = ngx_http_genai_keeper_checked;
        calls.failed = ngx_http_genai_keeper_failed;
        calls.data = ngx_http_genai_books_joined();

        ngx_http_genai_watch = genai_policy_watch_start(mcf->policy_files,
                                                        mcf->region->state,
                                                        &calls);
        if (ngx_http_genai_watch == NULL) {
            ngx_log_error(NGX_LOG_ALERT, log, 0,
                          "genai_policy: no thread to watch it with, tried "
                          "again in a moment");
            return;
        }
    }

    for (i = 0; i < 2 * GENAI_POLICY_REPORT_MAX; i++) {

        report = genai_policy_watch_report(ngx_http_genai_watch);

        if (report == NULL) {
            break;
        }

        level = ngx_http_genai_finding_level(report->level);

        ngx_log_error(level, log, 0, "%s", report->text);
        free(report);
    }
}


static void
ngx_http_genai_keeper_journal(ngx_http_genai_main_conf_t *mcf, ngx_log_t *log)
{
    char      problem[GENAI_JOURNAL_PROBLEM];
    unsigned  n;

    static ngx_uint_t  removed;

    if (mcf->books_sync == NGX_HTTP_GENAI_SYNC_OFF) {

        /* an old one would tell of books as they were once */

        if (!removed) {
            removed = 1;

            n = genai_journal_remove(&mcf->region->file,
                                     (char *) mcf->books.data);
            if (n) {
                ngx_log_error(NGX_LOG_NOTICE, log, 0,
                              "genai_books: the journal in \"%V\" is removed, "
                              "as there is \"sync=off\"", &mcf->books);
            }
        }

        return;
    }

    if (ngx_http_genai_journal == NULL) {

        ngx_http_genai_journal = genai_journal_thread_start(
                                     &mcf->region->file,
                                     (char *) mcf->books.data,
                                     mcf->books_turn,
                                     mcf->books_sync
                                     == NGX_HTTP_GENAI_SYNC_TIME);

        if (ngx_http_genai_journal == NULL) {
            ngx_log_error(NGX_LOG_ALERT, log, 0,
                          "genai_books: no thread to write the journal with, "
                          "tried again in a moment");
            return;
        }
    }

    switch (genai_journal_thread_report(ngx_http_genai_journal, problem)) {

    case 1:
        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "genai_books: %s; it is tried again and again, and what "
                      "is settled meanwhile may be forgotten when the power "
                      "is lost", problem);
        break;

    case 2:
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "genai_books: the journal in \"%V\" is written again",
                      &mcf->books);
        break;
    }
}


/* tells the threads to end; returns whether all have */

static ngx_uint_t
ngx_http_genai_keeper_ended(void)
{
    ngx_uint_t  ended;

    ended = 1;

    if (ngx_http_genai_watch) {
        ended &= genai_policy_watch_end(ngx_http_genai_watch);
    }

    if (ngx_http_genai_journal) {
        ended &= genai_journal_thread_end(ngx_http_genai_journal);
    }

    return ended;
}


/* rows of days that are over for long go to the archive, one a line */

static void
ngx_http_genai_keeper_retire(ngx_http_genai_main_conf_t *mcf,
    genai_books_t *books, ngx_log_t *log)
{
    int32_t                            day;
    ngx_http_genai_keeper_archive_t    archive;

    static ngx_msec_t  next;

    /* not by the clock on the wall, which may jump */

    if (next && (ngx_msec_int_t) (next - ngx_current_msec) > 0) {
        return;
    }

    archive.fd = NGX_INVALID_FILE;
    archive.mcf = mcf;
    archive.log = log;

    /* a day of the policy's zone ends up to 14 hours before or after ours */

    day = (ngx_time() - mcf->books_retain) / 86400 - 1;

    switch (genai_books_retire(books, day, NGX_HTTP_GENAI_KEEPER_RETIRE,
                               ngx_http_genai_keeper_keep, &archive))
    {
    case -1:
        next = ngx_current_msec + 60000;
        break;

    case 0:

        /* it goes round and round, and there is no hurry */

        next = ngx_current_msec + 5000;
        break;

    default:
        break;
    }

    if (archive.fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(archive.fd);
    }
}


static int
ngx_http_genai_keeper_keep(void *data, const genai_account_t *account,
    const genai_totals_t *totals)
{
    ngx_http_genai_keeper_archive_t *archive = data;

    u_char   line[GENAI_BOOKS_LINE + 1], *p;
    u_char   path[NGX_MAX_PATH];
    off_t    size;
    ssize_t  n;

    if (archive->fd == NGX_INVALID_FILE) {

        p = ngx_snprintf(path, NGX_MAX_PATH - 1, "%V/archive",
                         &archive->mcf->books);
        *p = '\0';

        archive->fd = ngx_open_file(path, NGX_FILE_APPEND,
                                    NGX_FILE_CREATE_OR_OPEN, 0600);

        if (archive->fd == NGX_INVALID_FILE) {
            ngx_log_error(NGX_LOG_ERR, archive->log, ngx_errno,
                          "genai_books: cannot open \"%s\", rows older than "
                          "its \"retain\" stay in the books", path);
            return -1;
        }
    }

    p = genai_books_print_json(line, account, totals);
    *p++ = '\n';

    size = lseek(archive->fd, 0, SEEK_END);

    n = ngx_write_fd(archive->fd, line, p - line);

    if (n == p - line) {
        return 0;
    }

    /* half a line would spoil the next one, too */

    if (n > 0 && (size == -1 || ftruncate(archive->fd, size) == -1)) {
        (void) ngx_write_fd(archive->fd, (u_char *) "\n", 1);
    }

    ngx_log_error(NGX_LOG_ERR, archive->log, n < 0 ? ngx_errno : 0,
                  "genai_books: cannot write to \"%V/archive\", rows older "
                  "than its \"retain\" stay in the books",
                  &archive->mcf->books);
    return -1;
}


/* in the thread */

static uint64_t
ngx_http_genai_keeper_policy(void *data)
{
    return genai_books_word(data, GENAI_WORD_POLICY);
}


static uint64_t
ngx_http_genai_keeper_next(void *data)
{
    return genai_books_word_add(data, GENAI_WORD_POLICY_LAST, 1);
}


static int
ngx_http_genai_keeper_publish(void *data, uint64_t before,
    uint64_t generation, int64_t stale_since)
{
    /* a reload may have overtaken this load: what it has read is newer */

    if (!genai_books_word_swap(data, GENAI_WORD_POLICY, before, generation)) {
        return 0;
    }

    genai_books_word_set(data, GENAI_WORD_POLICY_STALE, stale_since);

    return 1;
}


static void
ngx_http_genai_keeper_checked(void *data, int64_t now)
{
    genai_books_word_set(data, GENAI_WORD_POLICY_CHECKED, now);
}


static void
ngx_http_genai_keeper_failed(void *data, int64_t since)
{
    genai_books_word_set(data, GENAI_WORD_POLICY_FAILED, since);
}
