
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The deadlines of a model, one timer for all of them: total_timeout counts
 * from the route stage on, over all attempts; first_token_timeout of a stream
 * and answer_timeout of any other answer count in each attempt.  nginx's own
 * timeouts are about silence, and a provider need not be silent.
 *
 * nginx is told that its own timer has fired, for the event that it waits
 * for: so everything goes on as it does behind a timeout of nginx's, with the
 * next target, with a 504, or with the end of the stream.
 *
 * Deadlines are for providers.  When all of an answer is here, how long a
 * client takes to read it is the business of send_timeout.  Before, the time
 * in which nothing more can be taken from a provider, as its client is slow,
 * is no part of answer_timeout; of total_timeout it is, or a client could
 * hold a provider for ever.
 */


#include "ngx_http_genai.h"


static void ngx_http_genai_deadline_arm(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_msec_t timeout);
static void ngx_http_genai_deadline_handler(ngx_event_t *ev);


void
ngx_http_genai_deadline_start(ngx_http_genai_ctx_t *ctx)
{
    if (ctx->total_start == 0) {

        /* a redirect begins no other exchange */

        ctx->total_start = ngx_current_msec;
    }

    /* the timer is armed for an attempt, which begins only in time */
}


void
ngx_http_genai_deadline_attempt(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx)
{
    ctx->attempt_start = ngx_current_msec;
    ctx->client_slow = 0;

    ngx_http_genai_deadline_arm(r, ctx, ctx->stream_asked
                                        ? ctx->entry->first_token_timeout
                                        : ctx->entry->answer_timeout);
}


void
ngx_http_genai_deadline_token(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    if (ctx->stream_asked && ctx->entry && ctx->entry->first_token_timeout) {
        ngx_http_genai_deadline_arm(r, ctx, 0);
    }
}


void
ngx_http_genai_deadline_client(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_uint_t slow)
{
    if (slow == ctx->client_slow
        || ctx->entry == NULL || ctx->entry->answer_timeout == 0
        || ctx->stream_asked
        || r->upstream == NULL || r->upstream->cleanup == NULL)
    {
        return;
    }

    ctx->client_slow = slow;

    if (slow) {
        ctx->client_start = ngx_current_msec;

        ngx_http_genai_deadline_arm(r, ctx, 0);

        return;
    }

    ctx->attempt_start += ngx_current_msec - ctx->client_start;

    ngx_http_genai_deadline_arm(r, ctx, ctx->entry->answer_timeout);
}


ngx_uint_t
ngx_http_genai_deadline_over(ngx_http_genai_ctx_t *ctx)
{
    return ctx->entry->total_timeout
           && ngx_current_msec - ctx->total_start
              >= ctx->entry->total_timeout;
}


void
ngx_http_genai_deadline_stop(ngx_http_genai_ctx_t *ctx)
{
    if (ctx->deadline.timer_set) {
        ngx_del_timer(&ctx->deadline);
    }
}


/* for what is due first: the attempt, whose timeout may be 0, or all */

static void
ngx_http_genai_deadline_arm(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_msec_t timeout)
{
    ngx_msec_t      total;
    ngx_msec_int_t  left, n;

    /* nginx would keep the old time where the new one is close to it */

    ngx_http_genai_deadline_stop(ctx);

    total = ctx->entry->total_timeout;

    if (total == 0 && timeout == 0) {
        return;
    }

    left = ctx->total_start + total - ngx_current_msec;
    n = ctx->attempt_start + timeout - ngx_current_msec;

    if (total == 0 || (timeout && n < left)) {
        left = n;
    }

    ctx->deadline.handler = ngx_http_genai_deadline_handler;
    ctx->deadline.data = ctx;
    ctx->deadline.log = r->connection->log;

    ngx_add_timer(&ctx->deadline, (ngx_msec_t) ngx_max(left, 1));
}


static void
ngx_http_genai_deadline_handler(ngx_event_t *ev)
{
    ngx_event_t             *wait;
    const char              *name;
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    ngx_http_upstream_t     *u;
    ngx_http_genai_ctx_t    *ctx;

    ctx = ev->data;
    r = ctx->request;
    u = r->upstream;

    if (u == NULL || u->cleanup == NULL || u->peer.connection == NULL) {

        /* an attempt that is still to come finds the time over */

        return;
    }

    if (u->header_sent && u->length == 0) {
        return;
    }

    c = u->peer.connection;

    ngx_http_set_log_request(r->connection->log, r);

    if (ngx_http_genai_deadline_over(ctx)) {
        name = "total_timeout";
        ctx->group.stopped = 1;

    } else {
        name = ctx->stream_asked ? "first_token_timeout" : "answer_timeout";

        if (!u->header_sent) {
            (void) ngx_http_genai_group_move_on(r, ctx,
                                                NGX_HTTP_GENAI_NEXT_TIMEOUT);
        }
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "genai target \"%V\": %s has passed",
                  &ctx->target->name, name);

    if (!u->header_sent) {

        /* a verdict of ours: another address of an origin is no other */

        ctx->failure = GENAI_PROVIDER_TIMEOUT;
        ctx->failure_status = 0;
    }

    /* while it connects, shakes hands and sends, nginx waits to write */

    wait = (u->request_body_sent || u->header_sent) ? c->read : c->write;

    wait->timedout = 1;
    wait->handler(wait);
}
