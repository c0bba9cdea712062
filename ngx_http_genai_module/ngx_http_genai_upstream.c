
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The content handler and the hooks of ngx_http_upstream: sending the
 * rendered request, passing the body of the answer on as it comes, and
 * saying what became of it.
 *
 * Answers are never buffered: nginx reads from the provider only what the
 * client has taken, so that a slow client slows the provider and nothing
 * grows.
 */


#include "ngx_http_genai.h"


static ngx_int_t ngx_http_genai_create_request(ngx_http_request_t *r);
static ngx_int_t ngx_http_genai_reinit_request(ngx_http_request_t *r);
static void ngx_http_genai_abort_request(ngx_http_request_t *r);
static void ngx_http_genai_finalize_request(ngx_http_request_t *r,
    ngx_int_t rc);
static ngx_int_t ngx_http_genai_input_filter_init(void *data);
static ngx_int_t ngx_http_genai_copy_filter(void *data, ssize_t bytes);
static ngx_int_t ngx_http_genai_chunked_filter(void *data, ssize_t bytes);
static void ngx_http_genai_input_begin(ngx_http_genai_ctx_t *ctx);


ngx_int_t
ngx_http_genai_pass_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_http_upstream_t   *u;
    ngx_http_genai_ctx_t  *ctx;

    ctx = ngx_http_genai_get_ctx(r);

    if (r != r->main || ctx == NULL || ctx->request_bufs == NULL) {

        /* a subrequest, or a content phase without the phases before it */

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "\"genai_pass\" serves main requests only");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_upstream_create(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    u = r->upstream;

    ngx_http_genai_group_point(r, ctx, ctx->group.targets[0]);

    u->output.tag = (ngx_buf_tag_t) &ngx_http_genai_module;

    u->create_request = ngx_http_genai_create_request;
    u->reinit_request = ngx_http_genai_reinit_request;
    u->process_header = ngx_http_genai_process_status_line;
    u->abort_request = ngx_http_genai_abort_request;
    u->finalize_request = ngx_http_genai_finalize_request;

    u->buffering = 0;
    u->input_filter_init = ngx_http_genai_input_filter_init;
    u->input_filter = ngx_http_genai_copy_filter;
    u->input_filter_ctx = ctx;

    /* what is read already stays as it is, this is for opaque bodies */

    r->request_body_no_buffering = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_upstream_init);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


static ngx_int_t
ngx_http_genai_create_request(ngx_http_request_t *r)
{
    ngx_buf_t             *b;
    ngx_chain_t           *body, *cl;
    ngx_http_genai_ctx_t  *ctx;

    ctx = ngx_http_genai_get_ctx(r);

    r->upstream->request_bufs = ctx->request_bufs;

    if (!ctx->body_read && !r->request_body_no_buffering && r->request_body) {

        /* an opaque body that came with its head: nothing streams here */

        for (cl = ctx->request_bufs; cl->next; cl = cl->next) { /* void */ }

        for (body = r->request_body->bufs; body; body = body->next) {

            b = ngx_alloc_buf(r->pool);
            if (b == NULL) {
                return NGX_ERROR;
            }

            *b = *body->buf;
            b->start = b->pos;

            cl->next = ngx_alloc_chain_link(r->pool);
            if (cl->next == NULL) {
                return NGX_ERROR;
            }

            cl = cl->next;
            cl->buf = b;
            cl->next = NULL;
        }

        cl->buf->flush = 1;
    }

    return ngx_http_genai_reinit_request(r);
}


static ngx_int_t
ngx_http_genai_reinit_request(ngx_http_request_t *r)
{
    ngx_http_upstream_t   *u;
    ngx_http_genai_ctx_t  *ctx;

    u = r->upstream;
    ctx = ngx_http_genai_get_ctx(r);

    ngx_memzero(&ctx->status_line, sizeof(ngx_http_status_t));
    ngx_memzero(&ctx->chunked, sizeof(ngx_http_chunked_t));

    ctx->interim = 0;
    ctx->te_seen = 0;
    ctx->cl_seen = 0;
    ctx->event_stream = 0;
    ctx->json = 0;
    ctx->untyped = 0;
    ctx->page = 0;
    ctx->type_seen = 0;
    ctx->coded = 0;
    ngx_str_null(&ctx->retry_after);

    ngx_http_genai_window_close(ctx);
    genai_meter_attempt(&ctx->meter);
    ngx_http_genai_checkpoint(ctx);

    u->process_header = ngx_http_genai_process_status_line;
    u->input_filter = ngx_http_genai_copy_filter;
    r->state = 0;

    return NGX_OK;
}


static void
ngx_http_genai_abort_request(ngx_http_request_t *r)
{
    /* void: nginx closes the connection */
}


static void
ngx_http_genai_finalize_request(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_upstream_t   *u;
    ngx_http_genai_ctx_t  *ctx;

    u = r->upstream;
    ctx = ngx_http_genai_get_ctx(r);

    ngx_http_genai_deadline_stop(ctx);

    if (!u->header_sent) {
        ngx_http_genai_window_close(ctx);
    }

    if (rc == NGX_HTTP_CLIENT_CLOSED_REQUEST
        || rc == NGX_HTTP_REQUEST_TIME_OUT
        || (rc == NGX_ERROR && r->connection->error))
    {
        ctx->error = GENAI_CALLER_GONE;
        ctx->status = NGX_HTTP_CLIENT_CLOSED_REQUEST;

    } else if (u->header_sent
               && (rc == NGX_ERROR || rc >= NGX_HTTP_SPECIAL_RESPONSE))
    {
        ctx->error = (rc == NGX_HTTP_GATEWAY_TIME_OUT)
                     ? GENAI_PROVIDER_TIMEOUT : GENAI_PROVIDER_BAD_ANSWER;
        ctx->status = genai_error_status(ctx->error);
    }

    if (ctx->failure != GENAI_OK && ctx->failure_status && u->state) {
        u->state->status = ctx->failure_status;
    }
}


static ngx_int_t
ngx_http_genai_input_filter_init(void *data)
{
    ngx_http_genai_ctx_t *ctx = data;

    ngx_http_upstream_t  *u;

    u = ctx->request->upstream;

    if (u->headers_in.status_n == NGX_HTTP_NO_CONTENT
        || u->headers_in.status_n == NGX_HTTP_NOT_MODIFIED
        || ctx->request->method == NGX_HTTP_HEAD)
    {
        u->length = 0;

    } else if (u->headers_in.chunked) {
        u->input_filter = ngx_http_genai_chunked_filter;
        u->length = 1;

    } else {
        u->length = u->headers_in.content_length_n;
    }

    if (u->length == 0) {
        u->keepalive = !u->headers_in.connection_close;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_copy_filter(void *data, ssize_t bytes)
{
    ngx_http_genai_ctx_t *ctx = data;

    ngx_buf_t            *b;
    ngx_http_request_t   *r;
    ngx_http_upstream_t  *u;

    r = ctx->request;
    u = r->upstream;
    b = &u->buffer;

    ngx_http_genai_input_begin(ctx);

    if (u->length == 0) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "genai provider sent more data than it announced");

        /* whoever reads it next must not take it for an answer */

        b->last += bytes;
        b->pos = b->last;
        u->keepalive = 0;

        return NGX_OK;
    }

    if (u->length != -1 && bytes > u->length) {

        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "genai provider sent more data than it announced");

        if (ngx_http_genai_output_buf(r, ctx, b->last, b->last + u->length)
            == NULL)
        {
            return NGX_ERROR;
        }

        b->last += bytes;
        u->length = 0;
        u->keepalive = 0;

        return NGX_OK;
    }

    if (ngx_http_genai_output_buf(r, ctx, b->last, b->last + bytes) == NULL) {
        return NGX_ERROR;
    }

    b->last += bytes;

    if (u->length != -1) {
        u->length -= bytes;

        if (u->length == 0) {
            u->keepalive = !u->headers_in.connection_close;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_chunked_filter(void *data, ssize_t bytes)
{
    ngx_http_genai_ctx_t *ctx = data;

    size_t                len;
    ngx_int_t             rc;
    ngx_buf_t            *b, *out;
    ngx_http_request_t   *r;
    ngx_http_upstream_t  *u;

    r = ctx->request;
    u = r->upstream;
    b = &u->buffer;

    out = NULL;

    b->pos = b->last;
    b->last += bytes;

    ngx_http_genai_input_begin(ctx);

    if (u->length == 0 || u->error) {

        /* read while the client was slow: it belongs to no answer */

        b->pos = b->last;
        u->keepalive = 0;

        return NGX_OK;
    }

    for ( ;; ) {

        rc = ngx_http_genai_parse_chunked(r, b, &ctx->chunked);

        if (rc == NGX_OK) {

            /* a piece of a chunk; all of one read become one buffer */

            len = ngx_min(ctx->chunked.size, b->last - b->pos);

            if (out) {
                ngx_memmove(out->last, b->pos, len);
                out->last += len;
                out->end = out->last;

            } else {
                out = ngx_http_genai_output_buf(r, ctx, b->pos, b->pos + len);

                if (out == NULL) {
                    return NGX_ERROR;
                }
            }

            b->pos += len;
            ctx->chunked.size -= len;

            continue;
        }

        if (rc == NGX_DONE) {

            u->keepalive = !u->headers_in.connection_close;
            u->length = 0;

            if (b->pos != b->last) {
                ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                              "genai provider sent data after its last "
                              "chunk");
                u->keepalive = 0;
            }

            return NGX_OK;
        }

        if (rc == NGX_AGAIN) {
            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "genai provider sent an invalid chunked body");

        /* not an error of ours: what came before it is still to be sent */

        b->pos = b->last;
        u->error = 1;
        u->keepalive = 0;

        return NGX_OK;
    }
}


/* more has come: what was held before the commit may be with the client */

static void
ngx_http_genai_input_begin(ngx_http_genai_ctx_t *ctx)
{
    ngx_http_upstream_t  *u;

    u = ctx->request->upstream;

    if (u->out_bufs == NULL && u->busy_bufs == NULL) {
        ngx_http_genai_window_close(ctx);
    }
}


ngx_buf_t *
ngx_http_genai_output_buf(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    u_char *pos, u_char *last)
{
    ngx_buf_t             *b;
    ngx_chain_t           *cl, **ll;
    ngx_http_upstream_t   *u;

    u = r->upstream;

    if (ctx->first_byte == 0) {
        ctx->first_byte = ngx_http_genai_clock();
    }

    for (cl = u->out_bufs, ll = &u->out_bufs; cl; cl = cl->next) {
        ll = &cl->next;
    }

    cl = ngx_chain_get_free_buf(r->pool, &u->free_bufs);
    if (cl == NULL) {
        return NULL;
    }

    *ll = cl;

    b = cl->buf;

    b->start = pos;
    b->pos = pos;
    b->last = last;
    b->end = last;
    b->memory = 1;
    b->flush = 1;
    b->tag = u->output.tag;

    return b;
}
