
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The pipeline: one table of stages, which run in this order and nowhere
 * else.
 *
 * The stages of ACCESS see headers alone, so that a stranger's body is never
 * read; the others run in PRECONTENT, behind all of nginx's access checks,
 * which "satisfy any" cannot skip.  A stage that waits returns PARKED and is
 * run again when the phases run on; see ngx_http_genai_park.c.
 *
 * The context outlives internal redirects, which clear r->ctx: it is found
 * again by its cleanup handler in the request's pool.
 */


#include "ngx_http_genai.h"
#include <openssl/rand.h>


typedef struct {
    const char               *name;
    ngx_http_genai_stage_pt   run;
} ngx_http_genai_stage_t;


static ngx_int_t ngx_http_genai_run_stages(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_uint_t last);
static ngx_int_t ngx_http_genai_subrequest(ngx_http_request_t *r);
static ngx_int_t ngx_http_genai_new_id(u_char *id, ngx_log_t *log);
static void ngx_http_genai_cleanup_ctx(void *data);


static ngx_http_genai_stage_t  ngx_http_genai_stages[] = {

    /* ACCESS */
    { "access", ngx_http_genai_access },

    /* PRECONTENT */
    { "body", ngx_http_genai_body },
    { "parse", ngx_http_genai_parse },
    { "authorize", ngx_http_genai_authorize },
    { "count", ngx_http_genai_count },
    { "lease", ngx_http_genai_lease },
    { "route", ngx_http_genai_route },
    { "inline", ngx_http_genai_inline },
};


#define NGX_HTTP_GENAI_ACCESS_STAGES  1
#define NGX_HTTP_GENAI_STAGES                                                 \
    (sizeof(ngx_http_genai_stages) / sizeof(ngx_http_genai_stage_t))


/*
 * A caller who is known by his key has access: where "satisfy any" is, no
 * other check is asked any more.
 */

ngx_int_t
ngx_http_genai_access_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_http_genai_ctx_t  *ctx;

    if (ngx_http_genai_place(r) == NULL) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_genai_make_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* after a redirect the pipeline begins again, with what is known */

    ctx->stage = 0;

    rc = ngx_http_genai_run_stages(r, ctx, NGX_HTTP_GENAI_ACCESS_STAGES);

    return (rc == NGX_DECLINED && ctx->key_header && ctx->caller) ? NGX_OK
                                                                  : rc;
}


ngx_int_t
ngx_http_genai_precontent_handler(ngx_http_request_t *r)
{
    ngx_http_genai_ctx_t  *ctx;

    if (ngx_http_genai_place(r) == NULL) {
        return ngx_http_genai_subrequest(r);
    }

    ctx = ngx_http_genai_get_ctx(r);

    if (ctx == NULL || ctx->stage < NGX_HTTP_GENAI_ACCESS_STAGES) {

        /* "satisfy any" has skipped our access handler */

        ctx = ngx_http_genai_make_ctx(r);
        if (ctx == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ctx->stage = 0;
    }

    return ngx_http_genai_run_stages(r, ctx, NGX_HTTP_GENAI_STAGES);
}


/*
 * A subrequest is no exchange, and nobody watches over it; but it does not
 * get by a "genai on" that wants to know who asks.
 */

static ngx_int_t
ngx_http_genai_subrequest(ngx_http_request_t *r)
{
    ngx_http_genai_ctx_t       *ctx;
    ngx_http_genai_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_module);

    if (r == r->main || !lcf->inlined || lcf->pass || !r->content_handler
        || lcf->auth == NGX_HTTP_GENAI_AUTH_OFF)
    {
        return NGX_DECLINED;
    }

    ctx = ngx_http_get_module_ctx(r->main, ngx_http_genai_module);

    if (ctx && (ctx->caller || ngx_http_genai_test_caller(lcf))) {
        return NGX_DECLINED;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "genai: a subrequest to \"%V\" is refused, as nobody is "
                  "known in its main request: write \"genai off\" or "
                  "\"genai_auth off\" there", &r->uri);

    return NGX_HTTP_FORBIDDEN;
}


/*
 * Inline, a place is where a content handler would send the request on: files
 * and redirects that a server with "genai on" has are left alone.
 */

ngx_http_genai_loc_conf_t *
ngx_http_genai_place(ngx_http_request_t *r)
{
    ngx_http_genai_loc_conf_t  *lcf;

    if (r != r->main) {
        return NULL;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_module);

    if (lcf->pass) {
        return lcf;
    }

    return (lcf->inlined && r->content_handler && !r->post_action) ? lcf
                                                                   : NULL;
}


static ngx_int_t
ngx_http_genai_run_stages(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_uint_t last)
{
    ngx_http_genai_verdict_e  verdict;

    if (ctx->stage >= last) {
        return NGX_DECLINED;
    }

    ngx_http_genai_step_begin(ctx);

    do {

#if (NGX_HTTP_GENAI_DEBUG)

        verdict = ngx_http_genai_test_park(r, ctx,
                                      ngx_http_genai_stages[ctx->stage].name,
                                      ctx->stage);

        if (verdict == NGX_HTTP_GENAI_PARKED) {
            break;
        }

#endif

        verdict = ngx_http_genai_stages[ctx->stage].run(r, ctx);

        if (verdict == NGX_HTTP_GENAI_NEXT) {
            ctx->stage++;
        }

    } while (verdict == NGX_HTTP_GENAI_NEXT && ctx->stage < last);

    ngx_http_genai_step_end(ctx);

    if (last == NGX_HTTP_GENAI_ACCESS_STAGES) {
        ctx->identified = ctx->overhead;

    } else {
        ctx->parsed_at = ctx->overhead;
    }

    switch (verdict) {

    case NGX_HTTP_GENAI_NEXT:
        return NGX_DECLINED;

    case NGX_HTTP_GENAI_REFUSED:
        ngx_http_genai_send_refusal(r, ctx);
        break;

    case NGX_HTTP_GENAI_ANSWERED:
        ngx_http_genai_send_answer(r, ctx);
        break;

    case NGX_HTTP_GENAI_PARKED:
        break;
    }

    return NGX_DONE;
}


ngx_http_genai_ctx_t *
ngx_http_genai_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t    *cln;
    ngx_http_genai_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_genai_module);

    /* a subrequest is internal too, but it is no part of the exchange */

    if (ctx || r != r->main || !(r->internal || r->filter_finalize)) {
        return ctx;
    }

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_http_genai_cleanup_ctx) {
            ctx = cln->data;

            /* the phases have begun anew */

            ctx->stage = 0;
            ctx->test_parked = 0;
            ngx_http_set_ctx(r, ctx, ngx_http_genai_module);
            return ctx;
        }
    }

    return NULL;
}


ngx_http_genai_ctx_t *
ngx_http_genai_make_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t    *cln;
    ngx_http_genai_ctx_t  *ctx;

    ctx = ngx_http_genai_get_ctx(r);
    if (ctx) {
        return ctx;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_genai_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    genai_zero(ctx, sizeof(ngx_http_genai_ctx_t));

    cln->handler = ngx_http_genai_cleanup_ctx;

    ctx->request = r;

    /* it is made within its first step */

    ctx->start = ngx_http_genai_clock();
    ctx->begun = 1;

    ngx_http_genai_create_arena(&ctx->arena);

    ctx->dialect = &genai_openai;
    ctx->dialect_path = ctx->dialect;
    ctx->spoken = ctx->dialect;
    ctx->spoken_path = ctx->dialect;

    if (ngx_http_genai_new_id(ctx->id, r->connection->log) != NGX_OK) {
        return NULL;
    }

    /* the thread's clock is dear: one exchange of 64 reads it */

    ctx->measured = NGX_HTTP_GENAI_DEBUG
                    || (ctx->id[0] == '0' && (ctx->id[1] & 3) == 0);

    ngx_http_set_ctx(r, ctx, ngx_http_genai_module);

    return ctx;
}


/* 128 random bits in hex; a batch is drawn at once, as each draw is dear */

#define NGX_HTTP_GENAI_IDS  512

static ngx_int_t
ngx_http_genai_new_id(u_char *id, ngx_log_t *log)
{
    static u_char      pool[16 * NGX_HTTP_GENAI_IDS];
    static ngx_pid_t   owner;
    static ngx_uint_t  left;

    if (left == 0 || owner != ngx_pid) {

        if (RAND_bytes(pool, sizeof(pool)) != 1) {
            ngx_ssl_error(NGX_LOG_ERR, log, 0, "RAND_bytes() failed");
            return NGX_ERROR;
        }

        left = NGX_HTTP_GENAI_IDS;
        owner = ngx_pid;
    }

    left--;
    ngx_hex_dump(id, &pool[16 * left], 16);

    return NGX_OK;
}


static void
ngx_http_genai_cleanup_ctx(void *data)
{
    ngx_http_genai_ctx_t *ctx = data;

    ngx_http_genai_settle(ctx->request, ctx);

    if (ctx->streaming) {
        ngx_http_genai_metrics_gauge(NGX_HTTP_GENAI_GAUGE_STREAMS, -1);
    }

    ngx_http_genai_unpark(ctx->request, ctx);
    ngx_http_genai_deadline_stop(ctx);
    ngx_http_genai_ping_stop(ctx);
    ngx_http_genai_window_close(ctx);
    ngx_http_genai_output_close(ctx);
    ngx_http_genai_count_stop(ctx);
    ngx_http_genai_count_forget(ctx);

    ngx_http_genai_destroy_arena(&ctx->arena);

    if (ctx->snapshot) {
        ngx_http_genai_snapshot_release(ctx->snapshot);
    }
}


void
ngx_http_genai_release_request(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx)
{
    if (ctx->parsed == NULL && ctx->multipart == NULL) {
        return;
    }

    ngx_http_genai_count_stop(ctx);

    ctx->parsed = NULL;
    ctx->multipart = NULL;
    ctx->translation = NULL;
    ctx->sign = NULL;
    ctx->edits = NULL;
    ctx->target_edits = NULL;
    ctx->inflate = NULL;
    ctx->request_bufs = NULL;

    ngx_http_genai_destroy_arena(&ctx->arena);

    ngx_http_genai_body_release(r, ctx);
}


void
ngx_http_genai_step_begin(ngx_http_genai_ctx_t *ctx)
{
    if (ctx->nesting++) {
        return;
    }

    if (ctx->begun) {
        ctx->begun = 0;
        ctx->step = ctx->start;

    } else {
        ctx->step = ngx_http_genai_clock();
    }

    if (ctx->measured) {
        ctx->step_cpu = ngx_http_genai_cpu_clock();
    }
}


void
ngx_http_genai_step_end(ngx_http_genai_ctx_t *ctx)
{
    uint64_t  ns;

    if (--ctx->nesting) {
        return;
    }

    ns = ngx_http_genai_clock() - ctx->step;

    ctx->overhead += ns;

    if (ctx->measured) {
        ns = ngx_http_genai_cpu_clock() - ctx->step_cpu;
    }

    ctx->step_max = ngx_max(ctx->step_max, ns);
}
