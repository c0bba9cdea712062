
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The output filters.
 *
 * They dress nginx's own errors in our locations (413, 429 of limit_req, 502
 * of the upstream...) as errors of the client's dialect, add the headers that
 * every answer has, and end a stream whose provider died with an error event
 * instead of silence.
 */


#include "ngx_http_genai.h"


static ngx_int_t ngx_http_genai_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_genai_dress(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_expose_headers(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_genai_send_dressed(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_chain_t *in);
static ngx_int_t ngx_http_genai_send_cut(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_uint_t ngx_http_genai_event_open(ngx_http_genai_ctx_t *ctx);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static ngx_int_t
ngx_http_genai_header_filter(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_genai_ctx_t       *ctx;
    ngx_http_genai_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_module);

    if (r != r->main || !lcf->pass) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_genai_make_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (ctx->refused) {
        /* all is said */
        return ngx_http_next_header_filter(r);
    }

    ngx_http_genai_step_begin(ctx);

    rc = NGX_OK;

    if (!ctx->from_provider && r->headers_out.status >= 400) {
        rc = ngx_http_genai_dress(r, ctx);

    } else if (ctx->from_provider && ctx->event_stream) {

        /* a stream that dies gets one event more than its provider sent */

        ngx_http_clear_content_length(r);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_genai_own_headers(r, ctx);
    }

    ngx_http_genai_step_end(ctx);

    if (rc == NGX_OK
        && (lcf->expose & (NGX_HTTP_GENAI_EXPOSE_TARGET
                           |NGX_HTTP_GENAI_EXPOSE_OVERHEAD)))
    {
        rc = ngx_http_genai_expose_headers(r, ctx);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_genai_dress(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    static ngx_str_t  unreachable = ngx_string(
        "no provider of this model can be reached");
    static ngx_str_t  timeout = ngx_string(
        "the provider did not answer in time");
    static ngx_str_t  bad_answer = ngx_string(
        "the provider broke off before it answered");
    static ngx_str_t  too_large = ngx_string(
        "the request body is larger than this gateway takes");

    if (ctx->error == GENAI_OK) {

        ctx->error = genai_error_of_nginx(r->headers_out.status);
        ctx->status = r->headers_out.status;

    } else if (ctx->status == 0) {
        ctx->status = genai_error_status(ctx->error);
    }

    if (ctx->message.len == 0) {

        switch (ctx->error) {

        case GENAI_PROVIDER_UNREACHABLE:
            ctx->message = unreachable;
            break;

        case GENAI_PROVIDER_TIMEOUT:
            ctx->message = timeout;
            break;

        case GENAI_PROVIDER_BAD_ANSWER:
            ctx->message = bad_answer;
            break;

        case GENAI_CALLER_TOO_LARGE:
            ctx->message = too_large;
            break;

        default:
            break;
        }
    }

    ctx->answer = ngx_http_genai_error_buf(r, ctx, 0);
    if (ctx->answer == NULL) {
        return NGX_ERROR;
    }

    ctx->dressed = 1;

    r->headers_out.status = ctx->status;
    ngx_http_genai_json_headers(r, ctx->answer->last - ctx->answer->pos);

    return NGX_OK;
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
    ngx_chain_t           *cl;
    ngx_http_genai_ctx_t  *ctx;

    if (in == NULL || r != r->main) {
        return ngx_http_next_body_filter(r, in);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_genai_module);

    if (ctx == NULL || ctx->refused) {
        return ngx_http_next_body_filter(r, in);
    }

    if (ctx->dressed) {
        return ngx_http_genai_send_dressed(r, ctx, in);
    }

    if (!ctx->event_stream || !ctx->from_provider || ctx->ended) {
        return ngx_http_next_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {

        if (cl->buf->last_buf) {
            ctx->ended = 1;
            break;
        }

        /*
         * nginx says that an answer broke off by nothing but a flush, after
         * it has let go of the upstream
         */

        if (cl->buf->flush && ngx_buf_special(cl->buf)
            && r->upstream && r->upstream->cleanup == NULL
            && ctx->error != GENAI_OK)
        {
            return ngx_http_genai_send_cut(r, ctx);
        }
    }

    return ngx_http_next_body_filter(r, in);
}


/* nginx's page is consumed, ours takes its place once */

static ngx_int_t
ngx_http_genai_send_dressed(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_chain_t *in)
{
    ngx_chain_t  out, *cl;

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;
    }

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


static ngx_int_t
ngx_http_genai_send_cut(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    static u_char  blank[] = "\n\n";

    ngx_buf_t    *b;
    ngx_chain_t   out[2];

    ctx->ended = 1;

    if (ctx->message.len == 0) {
        ngx_str_set(&ctx->message, "the provider broke off its answer");
    }

    out[1].buf = ngx_http_genai_error_buf(r, ctx, 1);
    if (out[1].buf == NULL) {
        return NGX_ERROR;
    }

    out[1].buf->last_buf = 1;
    out[1].buf->last_in_chain = 1;
    out[1].next = NULL;

    if (!ngx_http_genai_event_open(ctx)) {
        return ngx_http_next_body_filter(r, &out[1]);
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = blank;
    b->last = blank + sizeof(blank) - 1;
    b->memory = 1;

    out[0].buf = b;
    out[0].next = &out[1];

    return ngx_http_next_body_filter(r, out);
}


/* whether the last event is without the empty line that ends it */

static ngx_uint_t
ngx_http_genai_event_open(ngx_http_genai_ctx_t *ctx)
{
    u_char  *p;

    if (ctx->first_byte == 0) {
        return 0;
    }

    p = ctx->tail + sizeof(ctx->tail);

    return !((p[-1] == '\n' && p[-2] == '\n')
             || (p[-1] == '\r' && p[-2] == '\r')
             || (p[-1] == '\n' && p[-2] == '\r' && p[-3] == '\n'));
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
