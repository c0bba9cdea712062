
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stage route: which targets may answer, and in what order.  It waits for
 * the first lookup of a provider's name, and renders the request for the
 * first target.
 */


#include "ngx_http_genai.h"


/* bytes of a request whose translation may take too long for the loop */
#define NGX_HTTP_GENAI_ROUTE_AHEAD  32768


static ngx_http_genai_verdict_e ngx_http_genai_route_count(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);
static ngx_http_genai_verdict_e ngx_http_genai_route_none(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);
static void ngx_http_genai_route_resume(void *data);
static void ngx_http_genai_route_cancel(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);


ngx_http_genai_verdict_e
ngx_http_genai_route(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_int_t                 rc;
    ngx_str_t                 why;
    ngx_uint_t                i, n, unspoken;
    ngx_http_genai_group_t   *group;
    ngx_http_genai_secret_t  *secret;
    ngx_http_genai_target_t  *targets, *target;
    ngx_http_genai_verdict_e  verdict;

    if (ctx->inlined) {
        return NGX_HTTP_GENAI_NEXT;
    }

    if (ctx->endpoint->body == GENAI_BODY_NONE) {
        return ngx_http_genai_models(r, ctx);
    }

    if (ctx->endpoint->endpoint == GENAI_ENDPOINT_COUNT_TOKENS) {

        verdict = ngx_http_genai_route_count(r, ctx);

        if (verdict != NGX_HTTP_GENAI_NEXT) {
            return verdict;
        }
    }

    group = &ctx->group;

    targets = ctx->entry->targets.elts;
    n = ctx->entry->targets.nelts;

    group->targets = ngx_palloc(r->pool, n * sizeof(void *));
    if (group->targets == NULL) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                     "out of memory");
    }

    group->ntargets = 0;
    unspoken = 0;

    for (i = 0; i < n; i++) {
        target = &targets[i];

        if (ngx_http_genai_spoken(ctx, target->provider) == NULL) {
            unspoken++;
            continue;
        }

        if (target->down || !ngx_http_genai_count_usable(ctx, i)
            || !ngx_http_genai_stored_at(ctx, target->provider)
            || ngx_http_genai_credential(r, ctx, target->provider, &secret)
               != NGX_OK)
        {
            continue;
        }

        if (target->provider->origin) {

            rc = ngx_http_genai_origin_ready(target->provider->origin);

            if (rc == NGX_DECLINED || (rc == NGX_AGAIN && ctx->wait.timedout)) {
                continue;
            }

            if (rc == NGX_AGAIN && group->ntargets == 0) {

                ctx->waiter.handler = ngx_http_genai_route_resume;
                ctx->waiter.data = r;

                ngx_http_genai_origin_wait(target->provider->origin,
                                           &ctx->waiter);

                /* where there is another, it has its time to connect */

                return ngx_http_genai_park(r, ctx, "a name",
                              (i + 1 < n)
                              ? target->provider->conf.connect_timeout : 0,
                              ngx_http_genai_route_cancel);
            }
        }

        group->targets[group->ntargets++] = target;
    }

    if (unspoken == n) {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                     "no provider of this model has this "
                                     "endpoint, or one that it can be "
                                     "translated to");
    }

    if (group->ntargets == 0) {
        return ngx_http_genai_route_none(r, ctx);
    }

    if (ctx->endpoint->body == GENAI_BODY_OPAQUE) {

        /* the body is passed on as it comes, it cannot be sent again */

        group->ntargets = 1;
    }

    if (ctx->body.len > NGX_HTTP_GENAI_ROUTE_AHEAD) {

        verdict = ngx_http_genai_sign_ahead(r, ctx);

        if (verdict != NGX_HTTP_GENAI_NEXT) {
            return verdict;
        }
    }

    if (ctx->body.len > NGX_HTTP_GENAI_ROUTE_AHEAD
        && genai_dialect_bodies(ngx_http_genai_spoken(ctx,
                                                group->targets[0]->provider))
           != ctx->dialect)
    {
        verdict = ngx_http_genai_translate_ahead(r, ctx, group->targets[0]);

        if (verdict != NGX_HTTP_GENAI_NEXT) {
            return verdict;
        }
    }

    /* whoever cannot be asked it is passed over: another dialect may say it */

    rc = NGX_DECLINED;

    for (i = 0; i < group->ntargets; i++) {

        rc = ngx_http_genai_render(r, ctx, group->targets[i],
                                   &ctx->request_bufs);

        if (rc != NGX_DECLINED) {
            break;
        }
    }

    if (rc == NGX_DECLINED) {

        /* what it becomes is written to ctx->message, too */

        why = ctx->message;

        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST, "%V",
                                     &why);
    }

    if (rc != NGX_OK) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                     "out of memory");
    }

    group->targets += i;
    group->ntargets -= i;
    ngx_str_null(&ctx->message);

    ngx_http_genai_deadline_start(ctx);

    return NGX_HTTP_GENAI_NEXT;
}


/* how many tokens it is: nobody is asked where we know, or nobody else does */

static ngx_http_genai_verdict_e
ngx_http_genai_route_count(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_buf_t                *b;
    ngx_uint_t                i;
    const genai_dialect_t    *d;
    ngx_http_genai_target_t  *targets;

    targets = ctx->entry->targets.elts;
    d = ctx->dialect;

    if (ctx->count == NULL || !ctx->count->exact) {

        for (i = 0; i < ctx->entry->targets.nelts; i++) {
            if (ngx_http_genai_spoken(ctx, targets[i].provider)) {
                return NGX_HTTP_GENAI_NEXT;
            }
        }
    }

    b = ngx_create_temp_buf(r->pool, d->count_begin.len + NGX_INT64_LEN
                                     + d->count_end.len);
    if (b == NULL) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                     "out of memory");
    }

    b->last = ngx_cpymem(b->last, d->count_begin.data, d->count_begin.len);
    b->last = ngx_sprintf(b->last, "%L", ctx->count ? ctx->count->tokens
                                     : (int64_t) ctx->parsed->bytes / 4);
    b->last = ngx_cpymem(b->last, d->count_end.data, d->count_end.len);

    ctx->answer = b;

    return NGX_HTTP_GENAI_ANSWERED;
}


static void
ngx_http_genai_route_resume(void *data)
{
    ngx_http_genai_resume(data);
}


static void
ngx_http_genai_route_cancel(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_http_genai_origin_cancel(&ctx->waiter);
}


static ngx_http_genai_verdict_e
ngx_http_genai_route_none(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_uint_t                i;
    ngx_http_genai_secret_t  *secret;
    ngx_http_genai_target_t  *targets;

    targets = ctx->entry->targets.elts;

    for (i = 0; i < ctx->entry->targets.nelts; i++) {

        if (!targets[i].down
            && ngx_http_genai_credential(r, ctx, targets[i].provider, &secret)
               != NGX_OK)
        {
            if (secret && secret->problem.len) {
                ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                              "genai provider \"%V\" has no credential: %V",
                              &targets[i].provider->name, &secret->problem);

            } else if (secret) {
                ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                              "genai provider \"%V\" cannot use the keys of "
                              "AWS \"%V\": it needs \"dialect bedrock;\" and "
                              "\"region NAME;\"",
                              &targets[i].provider->name, &secret->source);

            } else {
                ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                              "genai provider \"%V\" has no credential: the "
                              "policy names a secret of the caller's team "
                              "that no \"genai_secret\" defines",
                              &targets[i].provider->name);
            }

            return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_CONFIG,
                                         "the gateway has no credential for "
                                         "this model's provider");
        }
    }

    return ngx_http_genai_refuse(r, ctx, GENAI_PROVIDER_UNREACHABLE,
                                 "no provider of this model can be reached");
}
