
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Credentials that are the key file of a service account of Google's: what
 * goes to the provider is a token, which is signed with the key here, so that
 * no server need be asked for one.
 *
 * The first one is made when the configuration is read.  Then each worker has
 * its own, which it makes anew after half of its life, in a thread, as that
 * takes a processor longer than the event loop has.  A request uses the one
 * that there is.
 */


#include "ngx_http_genai.h"


/* milliseconds until what has failed is tried again */
#define NGX_HTTP_GENAI_JWT_RETRY  10000


static void ngx_http_genai_jwt_take(ngx_http_genai_secret_t *secret,
    genai_str_t *token);
static void ngx_http_genai_jwt_taken(ngx_http_genai_secret_t *secret,
    const char *problem, genai_str_t *token, ngx_log_t *log);
static ngx_uint_t ngx_http_genai_jwt_old(ngx_http_genai_jwt_t *jwt);
static void ngx_http_genai_jwt_wipe(void *data, size_t len);


/* of this worker: one at a time bounds what they take, whatever the clock */

static ngx_uint_t  ngx_http_genai_jwt_busy;


ngx_int_t
ngx_http_genai_jwt_set(ngx_conf_t *cf, ngx_http_genai_secret_t *secret,
    ngx_str_t *file)
{
    ngx_int_t              rc;
    genai_str_t            text, token;
    const char            *problem;
    ngx_http_genai_jwt_t  *jwt;

    text.len = file->len;
    text.data = file->data;

    problem = genai_jwt_make(&text, ngx_time(), &token);

    if (problem) {
        return ngx_http_genai_secret_problem(cf, secret, "\"%V\" %s",
                                             &secret->source, problem);
    }

    jwt = &secret->jwt;
    rc = NGX_ERROR;

    jwt->file.data = ngx_pnalloc(cf->pool, file->len);
    secret->value.data = ngx_pnalloc(cf->pool, token.len);

    if (jwt->file.data && secret->value.data) {

        ngx_memcpy(jwt->file.data, file->data, file->len);
        jwt->file.len = file->len;

        ngx_memcpy(secret->value.data, token.data, token.len);
        secret->value.len = token.len;

        jwt->made = ngx_time();
        jwt->made_at = ngx_current_msec;

        rc = NGX_OK;
    }

    ngx_http_genai_jwt_wipe(token.data, token.len);

    return rc;
}


void
ngx_http_genai_jwt_changed(ngx_http_genai_secret_t *secret, void *data,
    size_t len)
{
    ngx_http_genai_jwt_t  *jwt;

    jwt = &secret->jwt;

    ngx_http_genai_jwt_wipe(jwt->next, jwt->next_len);

    jwt->next = data;
    jwt->next_len = len;
    jwt->failed_at = 0;
}


void
ngx_http_genai_jwt_start(ngx_http_genai_main_conf_t *mcf, ngx_log_t *log)
{
    ngx_uint_t                 i;
    genai_str_t                text, token;
    const char                *problem;
    ngx_http_genai_jwt_t      *jwt;
    ngx_http_genai_secret_t  **secrets;

    secrets = mcf->secrets.elts;

    for (i = 0; i < mcf->secrets.nelts; i++) {

        jwt = &secrets[i]->jwt;

        if (jwt->file.len == 0 || !ngx_http_genai_jwt_old(jwt)) {
            continue;
        }

        text.len = jwt->file.len;
        text.data = jwt->file.data;

        problem = genai_jwt_make(&text, ngx_time(), &token);

        ngx_http_genai_jwt_taken(secrets[i], problem, &token, log);
    }
}


void
ngx_http_genai_jwt_refresh(ngx_http_genai_secret_t *secret, ngx_log_t *log)
{
    genai_str_t            text, token;
    const char            *problem;
    ngx_http_genai_jwt_t  *jwt;

    jwt = &secret->jwt;

    if (jwt->thread) {

        if (!genai_jwt_thread_done(jwt->thread, &problem, &token)) {
            return;
        }

        jwt->thread = NULL;
        ngx_http_genai_jwt_busy = 0;

        ngx_http_genai_jwt_taken(secret, problem, &token, log);

        return;
    }

    if (ngx_http_genai_jwt_busy
        || (jwt->next == NULL
            && (jwt->file.len == 0 || !ngx_http_genai_jwt_old(jwt)))
        || (jwt->failed_at
            && ngx_current_msec - jwt->failed_at < NGX_HTTP_GENAI_JWT_RETRY))
    {
        return;
    }

    text.len = jwt->next ? jwt->next_len : jwt->file.len;
    text.data = jwt->next ? jwt->next : jwt->file.data;

    jwt->thread = genai_jwt_thread_start(&text, ngx_time());

    if (jwt->thread) {
        ngx_http_genai_jwt_busy = 1;

        jwt->making = jwt->next;
        jwt->making_len = jwt->next_len;
        jwt->next = NULL;

        return;
    }

    jwt->failed_at = ngx_current_msec;

    ngx_log_error(NGX_LOG_ALERT, log, 0,
                  "credential \"%V\": no thread to make its token with, tried "
                  "again in a moment", &secret->source);
}


static ngx_uint_t
ngx_http_genai_jwt_old(ngx_http_genai_jwt_t *jwt)
{
#if (NGX_HTTP_GENAI_DEBUG)

    ngx_http_genai_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                              ngx_http_genai_module);

    if (mcf && mcf->test_jwt
        && ngx_current_msec - jwt->made_at >= mcf->test_jwt)
    {
        return 1;
    }

#endif

    return genai_jwt_due(jwt->made, ngx_time(),
                         ngx_current_msec - jwt->made_at);
}


/* of the file that has changed, where there is one, else of that of before */

static void
ngx_http_genai_jwt_taken(ngx_http_genai_secret_t *secret, const char *problem,
    genai_str_t *token, ngx_log_t *log)
{
    ngx_http_genai_jwt_t  *jwt;

    jwt = &secret->jwt;

    if (problem) {

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "credential \"%V\"%s %s, its last token stays",
                      &secret->source, jwt->making ? " has changed and" : "",
                      problem);

        ngx_http_genai_jwt_wipe(jwt->making, jwt->making_len);
        jwt->making = NULL;

        jwt->failed_at = ngx_current_msec;

        return;
    }

    if (jwt->making) {

        if (jwt->file.len) {
            ngx_explicit_memzero(jwt->file.data, jwt->file.len);
        }

        free(jwt->fresh);

        jwt->fresh = jwt->making;
        jwt->file.data = jwt->making;
        jwt->file.len = jwt->making_len;
        jwt->making = NULL;

        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "credential \"%V\" was re-read", &secret->source);
    }

    ngx_http_genai_jwt_take(secret, token);

    ngx_log_error(NGX_LOG_INFO, log, 0,
                  "credential \"%V\" has a new token", &secret->source);
}


static void
ngx_http_genai_jwt_take(ngx_http_genai_secret_t *secret, genai_str_t *token)
{
    ngx_str_t  value;

    value.len = token->len;
    value.data = token->data;

    ngx_http_genai_secret_replace(secret, token->data, &value);

    secret->jwt.made = ngx_time();
    secret->jwt.made_at = ngx_current_msec;
    secret->jwt.failed_at = 0;
}


void
ngx_http_genai_jwt_forget(ngx_http_genai_secret_t *secret)
{
    ngx_http_genai_jwt_t  *jwt;

    jwt = &secret->jwt;

    if (jwt->thread) {
        genai_jwt_thread_stop(jwt->thread);
        ngx_http_genai_jwt_busy = 0;
    }

    if (jwt->file.len) {
        ngx_explicit_memzero(jwt->file.data, jwt->file.len);
    }

    free(jwt->fresh);
    ngx_http_genai_jwt_wipe(jwt->next, jwt->next_len);
    ngx_http_genai_jwt_wipe(jwt->making, jwt->making_len);

    ngx_memzero(jwt, sizeof(ngx_http_genai_jwt_t));
}


static void
ngx_http_genai_jwt_wipe(void *data, size_t len)
{
    if (data) {
        ngx_explicit_memzero(data, len);
        free(data);
    }
}
