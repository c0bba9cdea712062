
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The policy of this nginx: "genai_policy" and "genai_revoked", its first
 * load, and the snapshot that this worker has mapped.
 *
 * The master loads it with each configuration, with the rights of a worker,
 * and publishes it before the workers start.  From then on the keeper's
 * thread does (ngx_http_genai_keeper.c), and whoever looks for a caller sees
 * by one word in the books that there is a newer snapshot.
 */


#include "ngx_http_genai.h"
#include "genai_policy_watch.h"
#include "genai_user.h"
#include <dirent.h>

#include <pthread.h>


/* bytes of a snapshot that are unmapped in less than 0.1 ms */
#define NGX_HTTP_GENAI_SNAPSHOT_SMALL  ((size_t) 1 << 20)


static char *ngx_http_genai_policy_path(ngx_conf_t *cf, ngx_str_t *path);
static ngx_int_t ngx_http_genai_policy_known(ngx_http_genai_main_conf_t *mcf,
    ngx_pool_t *pool);
static ngx_int_t ngx_http_genai_policy_say(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf);
static void ngx_http_genai_policy_cleanup(void *data);
static void ngx_http_genai_policy_own(const char *state, uid_t uid,
    gid_t gid);
static ngx_int_t ngx_http_genai_snapshot_map(uint64_t generation,
    ngx_log_t *log);
static void *ngx_http_genai_snapshot_unmap(void *data);


/* of this worker */
static ngx_http_genai_snapshot_t  *ngx_http_genai_current;
static uint64_t                    ngx_http_genai_unmapped; /* that failed */
static const char                 *ngx_http_genai_state;    /* directory */


char *
ngx_http_genai_policy(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_main_conf_t *mcf = conf;

    if (mcf->policy.data) {
        return "is duplicate: an nginx has one policy, and its teams are the "
               "tenants; a directory of fragments can hold all of them";
    }

    return ngx_http_genai_policy_path(cf, &mcf->policy);
}


char *
ngx_http_genai_revoked(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_main_conf_t *mcf = conf;

    if (mcf->revoked.data) {
        return "is duplicate";
    }

    return ngx_http_genai_policy_path(cf, &mcf->revoked);
}


static char *
ngx_http_genai_policy_path(ngx_conf_t *cf, ngx_str_t *path)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "needs a path";
    }

    *path = value[1];

    while (path->len > 1 && path->data[path->len - 1] == '/') {
        path->len--;
        path->data[path->len] = '\0';
    }

    return ngx_conf_full_name(cf->cycle, path, 1) == NGX_OK ? NGX_CONF_OK
                                                            : NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_genai_policy_init(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf)
{
    int                  rc;
    uid_t                uid;
    gid_t                gid;
    genai_user_t         user;
    ngx_core_conf_t     *ccf;
    genai_books_t       *books;
    ngx_uint_t           level;
    ngx_pool_cleanup_t  *cln;

    if (mcf->policy.len == 0) {

        if (mcf->revoked.len) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"genai_revoked\" has no \"genai_policy\" beside "
                          "it, there is no key that could be revoked");
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (ngx_process == NGX_PROCESS_SIGNALLER) {
        return NGX_OK;
    }

    mcf->policy_files = genai_policy_files_create((char *) mcf->policy.data,
                                     (char *) mcf->revoked.data,
                                     mcf->region ? mcf->region->state : NULL);
    if (mcf->policy_files == NULL) {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->cycle->pool, 0);
    if (cln == NULL) {
        genai_policy_files_destroy(mcf->policy_files);
        return NGX_ERROR;
    }

    cln->handler = ngx_http_genai_policy_cleanup;
    cln->data = mcf;

    if (ngx_http_genai_policy_known(mcf, cf->pool) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_genai_worker_user(cf->cycle, &uid, &gid);
    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);

    user.changed = 0;

    if (uid != (uid_t) -1
        && genai_user_become(&user, ccf->username ? ccf->username : NGX_USER,
                             uid, gid)
           != 0)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno,
                      "genai_policy: cannot read with the rights of the "
                      "workers' user");
        return NGX_ERROR;
    }

    if (mcf->region) {
        books = ngx_http_genai_region_join(mcf->region, 0);

        if (books) {
            mcf->policy_seen = genai_books_word(books, GENAI_WORD_POLICY);
            genai_books_leave(books);
        }
    }

    rc = genai_policy_files_load(mcf->policy_files, 0, ngx_http_genai_now(),
                                 NULL, &mcf->policy_data, &mcf->policy_size);

    genai_user_return(&user);

    if (rc != GENAI_POLICY_BUILD_OK) {
        level = mcf->strict ? NGX_LOG_EMERG : NGX_LOG_ERR;

        ngx_log_error(level, cf->log, 0,
                      "genai_policy: \"%V\" could not be loaded: %s; the "
                      "one before it stays, else requests will be answered "
                      "503 gateway_config",
                      &mcf->policy, rc == GENAI_POLICY_BUILD_LARGE
                                    ? "it is too large" : "out of memory");

        return mcf->strict ? NGX_ERROR : NGX_OK;
    }

    return ngx_http_genai_policy_say(cf, mcf);
}


static ngx_int_t
ngx_http_genai_policy_known(ngx_http_genai_main_conf_t *mcf, ngx_pool_t *pool)
{
    u_char                      *s;
    ngx_uint_t                   i, n;
    const char                 **secrets, **names;
    ngx_http_genai_secret_t    **secret;
    ngx_http_genai_provider_t  **provider;

    secrets = ngx_palloc(pool, (mcf->secrets.nelts + 1) * sizeof(char *));
    names = ngx_palloc(pool, (mcf->providers.nelts + 1) * sizeof(char *));

    if (secrets == NULL || names == NULL) {
        return NGX_ERROR;
    }

    secret = mcf->secrets.elts;

    for (i = 0, n = 0; i < mcf->secrets.nelts; i++) {

        if (secret[i]->name.len == 0) {
            continue;
        }

        s = ngx_pnalloc(pool, secret[i]->name.len + 1);
        if (s == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_cpystrn(s, secret[i]->name.data, secret[i]->name.len + 1);
        secrets[n++] = (char *) s;
    }

    provider = mcf->providers.elts;

    for (i = 0; i < mcf->providers.nelts; i++) {

        s = ngx_pnalloc(pool, provider[i]->name.len + 1);
        if (s == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_cpystrn(s, provider[i]->name.data,
                           provider[i]->name.len + 1);
        names[i] = (char *) s;
    }

    return genai_policy_files_known(mcf->policy_files, secrets, n, names, i)
           == 0 ? NGX_OK : NGX_ERROR;
}


/* what is wrong in it keeps nginx from starting with genai_strict alone */

static ngx_int_t
ngx_http_genai_policy_say(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf)
{
    ngx_uint_t              level, failed;
    genai_policy_report_t  *report, *next;

    failed = 0;

    for (report = genai_policy_report(mcf->policy_files); report;
         report = next)
    {
        next = report->next;

        level = ngx_http_genai_finding_level(report->level);

        if (mcf->strict && report->level >= GENAI_FINDING_CLOSED) {
            failed = 1;
            level = NGX_LOG_EMERG;
        }

        ngx_log_error(level, cf->log, 0, "%s", report->text);

        free(report);
    }

    return failed ? NGX_ERROR : NGX_OK;
}


ngx_uint_t
ngx_http_genai_finding_level(genai_finding_e level)
{
    switch (level) {

    case GENAI_FINDING_NOTE:
        return NGX_LOG_NOTICE;

    case GENAI_FINDING_WARN:
        return NGX_LOG_WARN;

    default:
        return NGX_LOG_ERR;
    }
}


static void
ngx_http_genai_policy_cleanup(void *data)
{
    ngx_http_genai_main_conf_t *mcf = data;

    free(mcf->policy_data);
    mcf->policy_data = NULL;

    if (mcf->policy_files) {
        genai_policy_files_destroy(mcf->policy_files);
        mcf->policy_files = NULL;
    }
}


/*
 * The configuration is going to be used: what it has loaded becomes current.
 * Nothing here may keep nginx from going on.
 */

void
ngx_http_genai_policy_publish(ngx_cycle_t *cycle,
    ngx_http_genai_main_conf_t *mcf)
{
    int               err;
    uid_t             uid;
    gid_t             gid;
    uint64_t          generation;
    genai_user_t      user;
    genai_books_t    *books;
    genai_policy_t   *policy;
    ngx_core_conf_t  *ccf;

    if (mcf->policy_files == NULL || mcf->region == NULL) {
        return;
    }

    books = ngx_http_genai_region_join(mcf->region, 0);
    if (books == NULL) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                      "genai_policy: no room for another process in the "
                      "books, a worker will publish the policy");

        genai_policy_files_forget(mcf->policy_files);
        return;
    }

    /* who reads later has the larger number */

    generation = genai_books_word_add(books, GENAI_WORD_POLICY_LAST, 1);

    ngx_http_genai_worker_user(cycle, &uid, &gid);
    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    user.changed = 0;

    if (uid != (uid_t) -1) {
        ngx_http_genai_policy_own(mcf->region->state, uid, gid);
        (void) genai_user_become(&user, ccf->username, uid, gid);
    }

    if (mcf->region->temporary) {

        /* of masters that were killed */

        genai_policy_files_sweep(mcf->region->parent);
    }

    if (genai_books_word(books, GENAI_WORD_POLICY) != mcf->policy_seen) {

        /*
         * Another process has published since we have read: what it knows,
         * such as a revocation, must not be forgotten.
         */

        free(mcf->policy_data);
        mcf->policy_data = NULL;

        (void) genai_policy_files_load(mcf->policy_files, generation,
                                       ngx_http_genai_now(), NULL,
                                       &mcf->policy_data, &mcf->policy_size);
    }

    policy = mcf->policy_data;
    err = ENOMEM;

    if (policy) {
        policy->generation = generation;

        err = genai_policy_files_publish(mcf->region->state, generation,
                                         policy, mcf->policy_size);
    }

    if (err == 0) {
        genai_books_word_set(books, GENAI_WORD_POLICY, generation);
        genai_books_word_set(books, GENAI_WORD_POLICY_STALE,
                             policy->stale_since);
        genai_books_word_set(books, GENAI_WORD_POLICY_CHECKED,
                             ngx_http_genai_now());

        genai_policy_files_prune(mcf->region->state, generation - 1);

        (void) genai_policy_files_keep(mcf->policy_files);

    } else {

        /* the keeper is to try again */

        genai_policy_files_forget(mcf->policy_files);
        genai_books_word_set(books, GENAI_WORD_POLICY_FAILED,
                             ngx_http_genai_now());
    }

    genai_user_return(&user);

    genai_books_leave(books);

    if (err && policy) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, err,
                      "genai_policy: cannot write the snapshot to \"%s\", "
                      "requests will be answered by the policy before it, "
                      "else 503 gateway_config: see to its space and owner",
                      mcf->region->state);
    }

    free(mcf->policy_data);
    mcf->policy_data = NULL;
}


/*
 * The workers may be another user's than those of the configuration before:
 * what is in the state directory goes to them, as nginx does with its own
 * temporary paths.  The process is root.
 */

static void
ngx_http_genai_policy_own(const char *state, uid_t uid, gid_t gid)
{
    int             fd, good;
    ngx_uint_t      n;
    DIR            *dir;
    struct stat     st;
    struct dirent  *e;

    fd = open(state, O_RDONLY|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC);
    if (fd == -1) {
        return;
    }

    if (fstat(fd, &st) == -1 || st.st_uid == uid) {
        (void) close(fd);
        return;
    }

    good = openat(fd, "good", O_RDONLY|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC);

    for (n = 0; n < 2; n++) {

        if (fd == -1) {
            break;
        }

        (void) fchown(fd, uid, gid);

        dir = fdopendir(fd);

        if (dir == NULL) {
            (void) close(fd);

        } else {
            while ((e = readdir(dir)) != NULL) {
                if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0
                    && S_ISREG(st.st_mode) && st.st_nlink == 1)
                {
                    (void) fchownat(fd, e->d_name, uid, gid,
                                    AT_SYMLINK_NOFOLLOW);
                }
            }

            (void) closedir(dir);
        }

        fd = good;
    }
}


void
ngx_http_genai_snapshot_start(ngx_http_genai_main_conf_t *mcf)
{
    ngx_http_genai_state = (mcf->region && mcf->policy.len)
                           ? mcf->region->state : NULL;
}


ngx_http_genai_snapshot_t *
ngx_http_genai_snapshot(ngx_log_t *log)
{
    uint64_t        generation;
    genai_books_t  *books;

    books = ngx_http_genai_books_joined();

    if (books == NULL || ngx_http_genai_state == NULL) {
        return NULL;
    }

    generation = genai_books_word(books, GENAI_WORD_POLICY);

    if (ngx_http_genai_current == NULL
        || ngx_http_genai_current->policy->generation != generation)
    {
        if (ngx_http_genai_snapshot_map(generation, log) != NGX_OK) {
            return NULL;
        }
    }

    ngx_http_genai_current->refs++;

    return ngx_http_genai_current;
}


/*
 * Where the newest one cannot be had nobody is served by an older one: it may
 * know keys that are revoked by now.
 */

static ngx_int_t
ngx_http_genai_snapshot_map(uint64_t generation, ngx_log_t *log)
{
    int                         err, tries;
    ngx_http_genai_snapshot_t  *s;

    if (generation == 0) {
        return NGX_DECLINED;
    }

    s = ngx_alloc(sizeof(ngx_http_genai_snapshot_t), log);
    if (s == NULL) {
        return NGX_ERROR;
    }

    for (tries = 0; /* void */ ; tries++) {

        err = genai_policy_files_map(ngx_http_genai_state, generation,
                                     &s->addr, &s->size);

        if (err != ENOENT || tries == 3) {
            break;
        }

        /* a newer one has come between the two looks */

        generation = genai_books_word(ngx_http_genai_books_joined(),
                                      GENAI_WORD_POLICY);
    }

    if (err == 0
        && genai_policy_open(s->addr, s->size, &s->policy) != NULL)
    {
        (void) munmap(s->addr, s->size);
        err = EINVAL;
    }

    if (err) {
        ngx_free(s);

        if (ngx_http_genai_unmapped != generation) {
            ngx_http_genai_unmapped = generation;

            ngx_log_error(NGX_LOG_ALERT, log, err,
                          "genai_policy: cannot map generation %uL in \"%s\", "
                          "requests will be answered 503 gateway_config",
                          generation, ngx_http_genai_state);
        }

        return NGX_ERROR;
    }

    s->refs = 1;

    if (ngx_http_genai_current) {
        ngx_http_genai_snapshot_release(ngx_http_genai_current);
    }

    ngx_http_genai_current = s;

    return NGX_OK;
}


/*
 * Who unmaps a removed file last frees its pages, 60 us for each MB: a large
 * one is given to a thread of its own.
 */

void
ngx_http_genai_snapshot_release(ngx_http_genai_snapshot_t *s)
{
    int        rc;
    sigset_t   all, saved;
    pthread_t  thread;

    if (--s->refs) {
        return;
    }

    if (s->size > NGX_HTTP_GENAI_SNAPSHOT_SMALL) {

        /* signals are for the thread that runs the event loop */

        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &saved);

        rc = pthread_create(&thread, NULL, ngx_http_genai_snapshot_unmap, s);

        (void) pthread_sigmask(SIG_SETMASK, &saved, NULL);

        if (rc == 0) {
            (void) pthread_detach(thread);
            return;
        }
    }

    (void) ngx_http_genai_snapshot_unmap(s);
}


static void *
ngx_http_genai_snapshot_unmap(void *data)
{
    ngx_http_genai_snapshot_t *s = data;

    (void) munmap(s->addr, s->size);
    ngx_free(s);

    return NULL;
}


int64_t
ngx_http_genai_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
