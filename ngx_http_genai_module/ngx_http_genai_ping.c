
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Keep-alives of ours in streams whose provider is silent: what stands
 * between us and the client would take a stream for dead.
 *
 * They go out between two events, and only when the client has taken all that
 * there was.  A head that waits for the first word goes with the first of them:
 * an error that comes so late has no status, but the stream is alive.
 *
 * An event does not move the timer, it notes the time: the timer looks at that
 * when it is due.
 */


#include "ngx_http_genai.h"


struct ngx_http_genai_ping_s {
    ngx_event_t             timer;
    ngx_msec_t              last;       /* the provider has said something */

    /* sent again and again: it is free when it was sent */
    ngx_buf_t               buf;
    ngx_chain_t             link;
};


static void ngx_http_genai_ping_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_genai_ping_idle(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);


ngx_int_t
ngx_http_genai_ping_start(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_http_genai_ping_t  *ping;

    if (ctx->ping || ctx->entry == NULL || ctx->entry->sse_ping == 0
        || ctx->dialect->ping.len == 0 || ctx->array
        || r != r->main || r->header_only
        || (r->upstream && r->upstream->buffering))
    {
        return NGX_OK;
    }

    ping = ngx_pcalloc(r->pool, sizeof(ngx_http_genai_ping_t));
    if (ping == NULL) {
        return NGX_ERROR;
    }

    ping->last = ngx_current_msec;

    ping->timer.handler = ngx_http_genai_ping_handler;
    ping->timer.data = ctx;
    ping->timer.log = r->connection->log;
    ping->timer.cancelable = 1;

    ping->link.buf = &ping->buf;

    ctx->ping = ping;

    ngx_add_timer(&ping->timer, ctx->entry->sse_ping);

    return NGX_OK;
}


void
ngx_http_genai_ping_heard(ngx_http_genai_ctx_t *ctx)
{
    if (ctx->ping) {
        ctx->ping->last = ngx_current_msec;
    }
}


void
ngx_http_genai_ping_stop(ngx_http_genai_ctx_t *ctx)
{
    if (ctx->ping && ctx->ping->timer.timer_set) {
        ngx_del_timer(&ctx->ping->timer);
    }
}


static void
ngx_http_genai_ping_handler(ngx_event_t *ev)
{
    ngx_buf_t              *b;
    ngx_msec_t              passed;
    ngx_connection_t       *c;
    ngx_http_request_t     *r;
    ngx_http_genai_ctx_t   *ctx;
    ngx_http_genai_ping_t  *ping;

    ctx = ev->data;
    r = ctx->request;
    c = r->connection;
    ping = ctx->ping;

    if (ctx->ended || ctx->limited || c->error) {
        return;
    }

    passed = ngx_current_msec - ping->last;

    if (passed < ctx->entry->sse_ping) {
        ngx_add_timer(ev, ctx->entry->sse_ping - passed);
        return;
    }

    ngx_add_timer(ev, ctx->entry->sse_ping);

    if (!ngx_http_genai_ping_idle(r, ctx)) {
        return;
    }

    ngx_http_set_log_request(c->log, r);

    b = &ping->buf;

    b->start = ctx->dialect->ping.data;
    b->pos = b->start;
    b->last = b->start + ctx->dialect->ping.len;
    b->end = b->last;
    b->memory = 1;
    b->flush = 1;

    ping->link.next = NULL;

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, c->log, 0, "genai ping");

    /* what fails here is seen by who writes next, or waits for the client */

    (void) ngx_http_genai_send_ping(r, ctx, &ping->link);

    ngx_http_run_posted_requests(c);
}


/* whether all is with the client, the last ping included */

static ngx_uint_t
ngx_http_genai_ping_idle(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    return !r->buffered && !r->connection->buffered && !r->postponed
           && ctx->ping->buf.pos == ctx->ping->buf.last
           && ctx->wait.what == NULL
           && ngx_http_genai_output_between(ctx);
}
