
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The books of this nginx: "genai_books", the region they live in, and the
 * place that each worker has in them.
 *
 * A region is opened by the master while it reads a configuration, when a
 * refusal can still be said, and never by "nginx -t" or "-s".  It outlives
 * the configuration: the next one finds it by its directory.  Without
 * "genai_books" it is anonymous memory, which lasts as long as the master.
 */


#include "ngx_http_genai.h"
#include "genai_journal_thread.h"
#include "genai_user.h"


/* nothing of it is touched before it is needed */
#define NGX_HTTP_GENAI_BOOKS_ANONYMOUS  ((uint64_t) 256 << 20)


static ngx_http_genai_region_t *ngx_http_genai_region_open(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, char *problem);
static ngx_int_t ngx_http_genai_region_state(ngx_conf_t *cf,
    ngx_http_genai_region_t *region);
static void ngx_http_genai_region_recover(ngx_http_genai_region_t *region);
static void ngx_http_genai_region_release(void *data);
static void ngx_http_genai_region_finish(ngx_http_genai_region_t *region);
static ngx_int_t ngx_http_genai_books_sync(ngx_http_genai_main_conf_t *mcf,
    ngx_str_t *value);


/* of this process: those of the configurations that are alive */
static ngx_http_genai_region_t  *ngx_http_genai_regions;

static genai_books_t  *ngx_http_genai_joined;


char *
ngx_http_genai_books(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_main_conf_t *mcf = conf;

    off_t        max;
    time_t       retain;
    ngx_str_t   *value, s;
    ngx_uint_t   i;

    if (mcf->books.data) {
        return "is duplicate: an nginx has one set of books";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "needs a directory";
    }

    mcf->books = value[1];

    if (ngx_conf_full_name(cf->cycle, &mcf->books, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    while (mcf->books.len > 1 && mcf->books.data[mcf->books.len - 1] == '/') {
        mcf->books.len--;
        mcf->books.data[mcf->books.len] = '\0';
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if (value[i].len > 4 && ngx_strncmp(value[i].data, "max=", 4) == 0) {

            s.len = value[i].len - 4;
            s.data = value[i].data + 4;

            max = ngx_parse_offset(&s);

            if (max >= (off_t) GENAI_BOOKS_SIZE_MIN
                && max <= (off_t) GENAI_BOOKS_SIZE_MAX)
            {
                mcf->books_max = max;
                continue;
            }

            return "takes \"max=SIZE\" from 8m to 4g";
        }

        if (value[i].len > 7 && ngx_strncmp(value[i].data, "retain=", 7) == 0)
        {
            s.len = value[i].len - 7;
            s.data = value[i].data + 7;

            retain = ngx_parse_time(&s, 1);

            if (retain != (time_t) NGX_ERROR && retain >= 2 * 86400) {
                mcf->books_retain = retain;
                continue;
            }

            return "takes \"retain=TIME\" of two days or more, such as 400d";
        }

        if (value[i].len > 5 && ngx_strncmp(value[i].data, "sync=", 5) == 0) {

            s.len = value[i].len - 5;
            s.data = value[i].data + 5;

            if (ngx_http_genai_books_sync(mcf, &s) == NGX_OK) {
                continue;
            }

            return "takes \"sync=TIME\" up to 1h, such as 1s or 100ms, "
                   "\"sync=os\", or \"sync=off\"";
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" of genai_books, which "
                           "takes \"max=SIZE\", \"retain=TIME\" and "
                           "\"sync=TIME|os|off\"", &value[i]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_genai_books_sync(ngx_http_genai_main_conf_t *mcf, ngx_str_t *value)
{
    ngx_int_t  ms;

    mcf->books_turn = NGX_CONF_UNSET_MSEC;

    if (value->len == 2 && ngx_strncmp(value->data, "os", 2) == 0) {
        mcf->books_sync = NGX_HTTP_GENAI_SYNC_OS;
        return NGX_OK;
    }

    if (value->len == 3 && ngx_strncmp(value->data, "off", 3) == 0) {
        mcf->books_sync = NGX_HTTP_GENAI_SYNC_OFF;
        return NGX_OK;
    }

    ms = ngx_parse_time(value, 0);

    if (ms == NGX_ERROR || ms > GENAI_JOURNAL_MS_MAX) {
        return NGX_ERROR;
    }

    mcf->books_sync = NGX_HTTP_GENAI_SYNC_TIME;
    mcf->books_turn = (ngx_msec_t) ms;

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_books_init(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf)
{
    char                      problem[GENAI_BOOKS_PROBLEM];
    ngx_uint_t                reload;
    ngx_pool_cleanup_t       *cln;
    ngx_http_genai_region_t  *region;

    if (ngx_test_config || ngx_process == NGX_PROCESS_SIGNALLER) {
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(cf->cycle->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    region = ngx_http_genai_region_open(cf, mcf, problem);

    if (region == NULL && mcf->books.len) {

        /* where books are at work, ours or an old binary's, they go on */

        reload = ngx_inherited
                 || (ngx_http_genai_regions
                     && !ngx_http_genai_regions->substitute);

        if (mcf->strict || reload) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "genai_books: %s",
                          problem);
            return NGX_ERROR;
        }

        ngx_log_error(NGX_LOG_ERR, cf->log, 0,
                      "genai_books: %s; AI requests will be answered 503 "
                      "gateway_config", problem);

        mcf->books_failed = 1;

        /* the policy and its revocations need none on disk */

        ngx_str_null(&mcf->books);
        region = ngx_http_genai_region_open(cf, mcf, problem);
    }

    if (region == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "genai_books: %s", problem);
        return NGX_ERROR;
    }

    mcf->region = region;

    cln->handler = ngx_http_genai_region_release;
    cln->data = region;

    return NGX_OK;
}


static ngx_http_genai_region_t *
ngx_http_genai_region_open(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf,
    char *problem)
{
    int                       err;
    uint64_t                  max;
    ngx_http_genai_region_t  *region;

    max = mcf->books.len ? (uint64_t) mcf->books_max
                         : NGX_HTTP_GENAI_BOOKS_ANONYMOUS;

    for (region = ngx_http_genai_regions; region; region = region->next) {

        if (region->dir.len == mcf->books.len
            && region->max == max
            && ngx_memcmp(region->dir.data, mcf->books.data, mcf->books.len)
               == 0
            && genai_books_file_intact(&region->file))
        {
            region->refs++;
            return region;
        }
    }

    *problem = '\0';

    region = calloc(1, sizeof(ngx_http_genai_region_t) + mcf->books.len + 1);
    if (region == NULL) {
        ngx_cpystrn((u_char *) problem, (u_char *) "out of memory",
                    GENAI_BOOKS_PROBLEM);
        return NULL;
    }

    region->dir.len = mcf->books.len;
    region->dir.data = (u_char *) (region + 1);
    ngx_memcpy(region->dir.data, mcf->books.data, mcf->books.len);

    region->refs = 1;
    region->max = max;

    /* it has a journal from when the configuration is in use */

    region->sync = NGX_HTTP_GENAI_SYNC_OFF;

    if (mcf->books.len) {
        ngx_http_genai_worker_user(cf->cycle, &region->uid, &region->gid);

        err = genai_books_file_open(&region->file, (char *) mcf->books.data,
                                    max, region->uid, region->gid, problem);
    } else {
        err = genai_books_file_anonymous(&region->file, max);

        if (err) {
            ngx_cpystrn((u_char *) problem, (u_char *) strerror(err),
                        GENAI_BOOKS_PROBLEM);
        }
    }

    if (err) {
        free(region);
        return NULL;
    }

    if (ngx_http_genai_region_state(cf, region) != NGX_OK) {
        ngx_cpystrn((u_char *) problem, (u_char *) "out of memory",
                    GENAI_BOOKS_PROBLEM);
        genai_books_file_close(&region->file);
        free(region);
        return NULL;
    }

    if (region->file.fresh) {
        ngx_http_genai_region_recover(region);
    }

    region->next = ngx_http_genai_regions;
    ngx_http_genai_regions = region;

    return region;
}


/*
 * Where snapshots of the policy are: beside the books, else in a directory of
 * this master's own, in the one that nginx has for the bodies of requests.
 */

static ngx_int_t
ngx_http_genai_region_state(ngx_conf_t *cf, ngx_http_genai_region_t *region)
{
    u_char                      *p;
    ngx_str_t                    path;
    genai_process_id_t           self;
    ngx_http_core_loc_conf_t    *clcf;
    ngx_http_core_srv_conf_t   **cscfp;
    ngx_http_core_main_conf_t   *cmcf;

    if (region->dir.len) {
        p = malloc(region->dir.len + sizeof("/policy"));
        if (p == NULL) {
            return NGX_ERROR;
        }

        region->state = (char *) p;
        p = ngx_cpymem(p, region->dir.data, region->dir.len);
        ngx_memcpy(p, "/policy", sizeof("/policy"));

        return NGX_OK;
    }

    /* that of http{} alone has no default */

    ngx_str_set(&path, "/tmp");

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (cmcf->servers.nelts) {
        cscfp = cmcf->servers.elts;
        clcf = cscfp[0]->ctx->loc_conf[ngx_http_core_module.ctx_index];

        if (clcf->client_body_temp_path) {
            path = clcf->client_body_temp_path->name;
        }
    }

    p = malloc(path.len + sizeof("/genai-") + 2 * NGX_INT64_LEN + 1
               + path.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    region->parent = (char *) p + path.len + sizeof("/genai-")
                     + 2 * NGX_INT64_LEN + 1;

    (void) ngx_cpystrn((u_char *) region->parent, path.data, path.len + 1);

    genai_process_self(&self);

    region->state = (char *) p;
    region->temporary = 1;

    p = ngx_sprintf(p, "%V/genai-%uD-%uL", &path, self.pid, self.start);
    *p = '\0';

    return NGX_OK;
}


/* whoever was here before is dead: what they had out is settled */

static void
ngx_http_genai_region_recover(ngx_http_genai_region_t *region)
{
    unsigned        n;
    genai_books_t  *books;

    books = ngx_http_genai_region_join(region, 1);
    if (books == NULL) {
        return;
    }

    do {
        n = genai_books_sweep(books, 4096);
        region->orphans += n;
    } while (n);

    genai_books_leave(books);
}


static void
ngx_http_genai_region_release(void *data)
{
    ngx_http_genai_region_t *region = data;

    ngx_http_genai_region_t  **p;

    if (--region->refs) {
        return;
    }

    for (p = &ngx_http_genai_regions; *p; p = &(*p)->next) {

        if (*p == region) {
            *p = region->next;
            break;
        }
    }

    ngx_http_genai_region_finish(region);

    /*
     * A lock stays with the master that has had it: workers that are still
     * to end have it, too, and the directory may be configured again.
     */

    if (ngx_process != NGX_PROCESS_WORKER) {
        region->file.lock = -1;
    }

    genai_books_file_close(&region->file);

    /* an exiting worker comes here, too, and the others go on */

    if (region->temporary && ngx_process != NGX_PROCESS_WORKER) {
        genai_policy_files_clear(region->state);
        (void) ngx_delete_dir(region->state);
    }

    free(region->state);
    free(region);
}


/*
 * The workers have ended: what they did last is put on the disk.  Whoever is
 * still there, as after a binary upgrade, does so himself.
 */

static void
ngx_http_genai_region_finish(ngx_http_genai_region_t *region)
{
    char            problem[GENAI_JOURNAL_PROBLEM];
    genai_books_t  *books;

    if (ngx_process == NGX_PROCESS_WORKER
        || region->dir.len == 0
        || region->sync == NGX_HTTP_GENAI_SYNC_OFF)
    {
        return;
    }

    books = ngx_http_genai_region_join(region, 0);
    if (books == NULL) {
        return;
    }

    if (genai_books_role_take(books, GENAI_BOOKS_KEEPER)
        && genai_journal_finish(&region->file, (char *) region->dir.data,
                                region->uid, region->gid, problem)
           != 0)
    {
        /* the books themselves are better than what the journal tells */

        (void) fsync(region->file.fd);
        (void) genai_journal_remove(&region->file, (char *) region->dir.data);

        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "genai_books: %s; the books go on without a journal",
                      problem);
    }

    genai_books_leave(books);
}


void
ngx_http_genai_worker_user(ngx_cycle_t *cycle, uid_t *uid, gid_t *gid)
{
    struct group     *grp;
    struct passwd    *pwd;
    ngx_core_conf_t  *ccf;

    *uid = (uid_t) -1;
    *gid = (gid_t) -1;

    if (geteuid() != 0) {
        return;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (ccf->user != (ngx_uid_t) NGX_CONF_UNSET_UINT) {
        *uid = ccf->user;
        *gid = ccf->group;
        return;
    }

    /* nginx itself decides so once it has read all of its configuration */

    pwd = getpwnam(NGX_USER);
    grp = getgrnam(NGX_GROUP);

    if (pwd && grp) {
        *uid = pwd->pw_uid;
        *gid = grp->gr_gid;
    }
}


/* the newest configuration's keeper is the one that keeps */

void
ngx_http_genai_books_begin(ngx_cycle_t *cycle,
    ngx_http_genai_main_conf_t *mcf)
{
    ngx_uint_t      level;
    genai_books_t  *books;

    mcf->region->substitute = mcf->books_failed;
    mcf->region->sync = mcf->books_failed ? NGX_HTTP_GENAI_SYNC_OFF
                                          : mcf->books_sync;

    /* there was no log to say it in when they were found */

    if (mcf->region->orphans) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                      "genai_books: %ui exchanges were in flight when nginx "
                      "died; they are settled at what was known of them",
                      mcf->region->orphans);
        mcf->region->orphans = 0;
    }

    if (mcf->region->file.recovered) {
        level = (mcf->region->file.recovered > 1) ? NGX_LOG_ALERT
                                                  : NGX_LOG_WARN;

        ngx_log_error(level, cycle->log, 0, "genai_books: %s",
                      mcf->region->file.told);
        mcf->region->file.recovered = 0;
    }

    if (mcf->region->file.faults) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                      "genai_books: the machine has ended without nginx, and "
                      "%uD things are wrong with the books: run genai-books "
                      "verify on \"%V\"", mcf->region->file.faults,
                      &mcf->region->dir);
        mcf->region->file.faults = 0;
    }

    books = ngx_http_genai_region_join(mcf->region, 0);

    if (books) {
        mcf->epoch = genai_books_word_add(books, GENAI_WORD_CONFIG, 1);
        genai_books_leave(books);
    }
}


void
ngx_http_genai_books_join(ngx_cycle_t *cycle, ngx_http_genai_main_conf_t *mcf)
{
    if (mcf->region == NULL) {
        return;
    }

    /* the master has read its configuration before it became a daemon */

    genai_books_file_sign(&mcf->region->file,
                          ngx_process == NGX_PROCESS_WORKER ? getppid()
                                                            : ngx_pid);

    ngx_http_genai_joined = ngx_http_genai_region_join(mcf->region, 0);

    if (ngx_http_genai_joined == NULL) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                      "genai_books: no room for another process, AI requests "
                      "of this one will be answered 503 gateway_config");
    }
}


void
ngx_http_genai_books_check(ngx_http_genai_main_conf_t *mcf, ngx_log_t *log)
{
    int  err;

    if (mcf->region == NULL || mcf->books_failed
        || genai_books_file_intact(&mcf->region->file))
    {
        return;
    }

    /* what is not there any more must not be touched */

    mcf->books_failed = 1;

    err = genai_books_file_heal(&mcf->region->file);

    ngx_log_error(NGX_LOG_ALERT, log, err,
                  "genai_books: the file in \"%V\" was truncated by somebody "
                  "else, AI requests will be answered 503 gateway_config: "
                  "put other books there, or none, and start nginx anew",
                  &mcf->region->dir);
}


genai_books_t *
ngx_http_genai_region_join(ngx_http_genai_region_t *region, int fresh)
{
    genai_process_id_t  self;

    if (!genai_books_file_intact(&region->file)) {
        return NULL;
    }

    genai_process_self(&self);

    return genai_books_join(region->file.addr, region->file.mapped,
                            region->file.max, &self, &region->file.os, fresh);
}


void
ngx_http_genai_books_leave(void)
{
    if (ngx_http_genai_joined) {
        genai_books_leave(ngx_http_genai_joined);
        ngx_http_genai_joined = NULL;
    }
}


genai_books_t *
ngx_http_genai_books_joined(void)
{
    return ngx_http_genai_joined;
}
