
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The output filters.
 *
 * They dress nginx's own errors in our locations (413, 429 of limit_req, 502
 * of the upstream...) as errors of the client's dialect, add the headers that
 * every answer has, and hand what a provider answers to
 * ngx_http_genai_output.c.
 */


#include "ngx_http_genai.h"


typedef struct {
    ngx_uint_t      status;     /* 0 is any */
    genai_error_e   error;      /* GENAI_OK is none */
    ngx_str_t       text;
} ngx_http_genai_message_t;


static ngx_int_t ngx_http_genai_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_genai_filter_streaming(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static void ngx_http_genai_inline_head(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_dress(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static void ngx_http_genai_dress_message(ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_expose_headers(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static void ngx_http_genai_swallow(ngx_chain_t *in);
static ngx_int_t ngx_http_genai_send_dressed(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_chain_t *in);


/* what nginx's own errors say to a client of ours; the first that fits */

static ngx_http_genai_message_t  ngx_http_genai_messages[] = {
    { 401, GENAI_OK, ngx_string("authentication is required") },
    { 403, GENAI_OK, ngx_string("access is denied") },
    { 404, GENAI_OK, ngx_string("there is nothing at this path") },
    { 408, GENAI_OK, ngx_string("the request did not arrive in time") },
    { 413, GENAI_OK,
      ngx_string("the request body is larger than this gateway takes") },
    { 0, GENAI_PROVIDER_RATE_LIMITED,
      ngx_string("the provider takes no more requests now, try later") },
    { 0, GENAI_PROVIDER_OVERLOADED,
      ngx_string("the provider is overloaded, try later") },
    { 429, GENAI_OK, ngx_string("there are too many requests, try later") },

    { 0, GENAI_CALLER_BAD_REQUEST, ngx_string("the request is malformed") },
    { 0, GENAI_PROVIDER_UNREACHABLE,
      ngx_string("no provider of this model can be reached") },
    { 0, GENAI_PROVIDER_TIMEOUT,
      ngx_string("the provider did not answer in time") },
    { 0, GENAI_PROVIDER_BAD_ANSWER,
      ngx_string("the provider broke off before it answered") },
    { 0, GENAI_GATEWAY_FULL,
      ngx_string("the gateway takes no more requests now, try later") },
    { 0, GENAI_GATEWAY_INTERNAL,
      ngx_string("the gateway failed, its error log says why") },

    { 0, GENAI_OK, ngx_null_string }
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static ngx_int_t
ngx_http_genai_header_filter(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_uint_t                  step;
    ngx_http_genai_ctx_t       *ctx;
    ngx_http_genai_loc_conf_t  *lcf;

    lcf = ngx_http_genai_place(r);

    if (lcf == NULL) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_genai_make_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    /* nginx may have refused it before our first stage */

    ctx->inlined = !lcf->pass;

    /* for a provider's answer there is less to do than to look at a clock */

    step = !ctx->from_provider || ctx->inlined;

    if (step) {
        ngx_http_genai_step_begin(ctx);
    }

    rc = NGX_OK;

    if (ctx->inlined && !ctx->refused) {
        ngx_http_genai_inline_head(r, ctx);
    }

    if (ctx->refused) {

        /* all is said */

    } else if (!ctx->from_provider && r->headers_out.status >= 400) {
        rc = ngx_http_genai_dress(r, ctx);

    } else if (ctx->from_provider && ctx->spoken != ctx->dialect) {

        r->filter_need_in_memory = 1;

        /*
         * its head waits: of JSON until that is whole, of a stream until it
         * is known to be more than an error, which has a status
         */

        ctx->head_held = 1;

        if (ctx->stream_asked && ngx_http_genai_answer_read(ctx)) {
            rc = ngx_http_genai_ping_start(r, ctx);
        }

        if (step) {
            ngx_http_genai_step_end(ctx);
        }

        return rc;

    } else if (ctx->from_provider && !ctx->coded) {

        r->filter_need_in_memory = 1;

        if (ctx->event_stream) {

            /*
             * an event that nobody asked for is left out, and a stream that
             * dies gets one more than its provider sent
             */

            ngx_http_clear_content_length(r);
            rc = ngx_http_genai_filter_streaming(r, ctx);
        }
    }

    if (rc == NGX_OK && !ctx->refused) {
        rc = ngx_http_genai_own_headers(r, ctx);
    }

    if (step) {
        ngx_http_genai_step_end(ctx);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_genai_expose_headers(r, ctx);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


ngx_int_t
ngx_http_genai_send_head(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    off_t len)
{
    ngx_int_t  rc;

    ctx->head_held = 0;

    r->headers_out.status = ctx->status;
    ngx_http_genai_json_headers(r, len);

    if (len == -1) {

        if (!ctx->array) {
            ngx_http_genai_stream_type(r, ctx);
        }

        if (ngx_http_genai_filter_streaming(r, ctx) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_genai_own_headers(r, ctx) != NGX_OK
        || ngx_http_genai_expose_headers(r, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_next_header_filter(r);

    return (rc == NGX_ERROR || rc > NGX_OK) ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_http_genai_filter_streaming(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx)
{
    if (!ctx->streaming) {
        ctx->streaming = 1;
        ngx_http_genai_metrics_gauge(NGX_HTTP_GENAI_GAUGE_STREAMS, 1);
    }

    return ngx_http_genai_ping_start(r, ctx);
}


/* what the head of an answer says that came by proxy_pass */

static void
ngx_http_genai_inline_head(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    ctx->meter.refused = (u && u->headers_in.status_n >= 300);

    if (u == NULL || u->headers_in.status_n == 0
        || (u->cleanup == NULL && !ngx_http_genai_cached(r)))
    {
        /* an answer of nginx's own */

        ctx->from_provider = 0;
        return;
    }

    ctx->from_provider = 1;
    ctx->status = r->headers_out.status;
    ctx->error = genai_error_of_provider(ctx->status);

    ctx->meter.refused = (ctx->status != NGX_HTTP_OK);

    ngx_http_genai_answer_type(ctx, &r->headers_out.content_type);

    ctx->coded = 0;

    if (r->headers_out.content_encoding) {
        ngx_http_genai_answer_coding(ctx,
                                     &r->headers_out.content_encoding->value);
    }

    if (ctx->event_stream && !u->cacheable && !u->store) {

        /* nginx would keep events until a buffer is full of them */

        u->buffering = 0;
    }
}


static ngx_int_t
ngx_http_genai_dress(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    if (ctx->endpoint == NULL) {

        /* nginx has refused it before anything was looked at */

        (void) ngx_http_genai_recognise(r, ctx);
    }

    if (ctx->error == GENAI_PROVIDER_UNREACHABLE && ctx->said != GENAI_OK) {

        /* a word of a provider says more than that another is dead */

        ctx->error = ctx->said;
        ctx->status = genai_error_status(ctx->said);
        ctx->retry_after = ctx->said_retry_after;

    } else if (ctx->error == GENAI_OK) {

        ctx->error = genai_error_of_nginx(r->headers_out.status);
        ctx->status = r->headers_out.status;

    } else if (ctx->status == 0) {
        ctx->status = genai_error_status(ctx->error);
    }

    if (ctx->message.len == 0) {
        ngx_http_genai_dress_message(ctx);
    }

    ctx->answer = ngx_http_genai_error_buf(r, ctx, 0);
    if (ctx->answer == NULL) {
        return NGX_ERROR;
    }

    ctx->dressed = 1;

    r->headers_out.status = ctx->status;

    if (r->err_status) {

        /* what logs show */

        r->err_status = ctx->status;
    }

    ngx_http_genai_json_headers(r, ctx->answer->last - ctx->answer->pos);

    return NGX_OK;
}


static void
ngx_http_genai_dress_message(ngx_http_genai_ctx_t *ctx)
{
    ngx_http_genai_message_t  *m;

    /* a message by the status is more exact than one by the word */

    for (m = ngx_http_genai_messages; m->text.len; m++) {

        if (m->status == ctx->status || m->error == ctx->error) {
            ctx->message = m->text;
            return;
        }
    }
}


static ngx_int_t
ngx_http_genai_expose_headers(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_str_t                   name, value;
    ngx_http_genai_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_module);

    if ((lcf->expose & NGX_HTTP_GENAI_EXPOSE_TARGET) && ctx->target) {

        ngx_str_set(&name, "x-genai-target");

        if (ngx_http_genai_add_header(r, &name, &ctx->target->name) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (lcf->expose & NGX_HTTP_GENAI_EXPOSE_OVERHEAD) {

        ngx_str_set(&name, "x-genai-overhead");

        value.data = ngx_pnalloc(r->pool, NGX_HTTP_GENAI_SECONDS_LEN);
        if (value.data == NULL) {
            return NGX_ERROR;
        }

        value.len = ngx_http_genai_seconds(value.data, ctx->overhead)
                    - value.data;

        return ngx_http_genai_add_header(r, &name, &value);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t              rc;
    ngx_http_genai_ctx_t  *ctx;

    if (r != r->main) {
        return ngx_http_next_body_filter(r, in);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_genai_module);

    if (ctx == NULL || ctx->refused) {
        return ngx_http_next_body_filter(r, in);
    }

    if (ctx->dressed && in) {
        return ngx_http_genai_send_dressed(r, ctx, in);
    }

    if (ctx->limited) {

        /* what its provider goes on to say is for nobody */

        ngx_http_genai_swallow(in);

        return ngx_http_next_body_filter(r, NULL);
    }

    if (!ctx->from_provider || ctx->ended) {
        return ngx_http_next_body_filter(r, in);
    }

    if (in) {
        ngx_http_genai_ping_heard(ctx);
    }

    rc = ngx_http_genai_output_filter(r, ctx, in, ngx_http_next_body_filter);

    ngx_http_genai_deadline_client(r, ctx, (rc == NGX_AGAIN));

    return rc;
}


ngx_int_t
ngx_http_genai_send_ping(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_chain_t *out)
{
    if (ctx->head_held
        && ngx_http_genai_output_begin(r, ctx, ngx_http_next_body_filter)
           == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_body_filter(r, out);
}


static void
ngx_http_genai_swallow(ngx_chain_t *in)
{
    for ( /* void */ ; in; in = in->next) {
        in->buf->pos = in->buf->last;
        in->buf->file_pos = in->buf->file_last;
    }
}


/* nginx's page is consumed, ours takes its place once */

static ngx_int_t
ngx_http_genai_send_dressed(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_chain_t *in)
{
    ngx_chain_t  out;

    ngx_http_genai_swallow(in);

    if (ctx->ended) {
        return ngx_http_next_body_filter(r, NULL);
    }

    ctx->ended = 1;
    ctx->answer->last_buf = 1;
    ctx->answer->last_in_chain = 1;

    out.buf = ctx->answer;
    out.next = NULL;

    return ngx_http_next_body_filter(r, &out);
}


ngx_int_t
ngx_http_genai_filter_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_genai_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_genai_body_filter;

    return NGX_OK;
}
