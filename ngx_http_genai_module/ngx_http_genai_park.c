
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Waiting: the one contract by which an exchange waits for a thread, for its
 * next turn, for a name, for a timer, in a phase or in an output filter.
 *
 * Whoever parks says what for, how long at most, and how to cancel.  Then one
 * of four things happens, each once:
 *
 *    resumed     what was waited for is there: the stage runs again, or the
 *                filters are called with no input;
 *    timed out   cancelled, then the same with ctx->wait.timedout set;
 *    aborted     the client has left: nginx destroys the request, whose
 *                cleanup cancels;
 *    blocked     a thread cannot be cancelled: the request outlives its
 *                client until the thread is done.
 *
 * While it waits in a phase, a request is watched for the client's leaving,
 * and its writing handler does nothing.  A reload changes nothing: the old
 * worker stays until its connections are closed.  What keeps it is a timer,
 * since a worker that is to end does so when it has none, whatever is posted
 * or in a thread; so whoever waits has one.
 */


#include "ngx_http_genai.h"


/* ms, of a wait without a deadline: then it is set again */
#define NGX_HTTP_GENAI_WAIT_HOLD  60000


static void ngx_http_genai_wait(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, const char *what, ngx_msec_t deadline,
    ngx_http_genai_cancel_pt cancel);
static void ngx_http_genai_wait_timeout(ngx_event_t *ev);
static void ngx_http_genai_wait_hold(ngx_event_t *ev);
static void ngx_http_genai_wait_end(ngx_http_genai_ctx_t *ctx);


ngx_http_genai_verdict_e
ngx_http_genai_park(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    const char *what, ngx_msec_t deadline, ngx_http_genai_cancel_pt cancel)
{
    ngx_http_genai_wait(r, ctx, what, deadline, cancel);

    ctx->wait.filter = 0;

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {

        ngx_http_genai_unpark(r, ctx);

        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                     "the connection cannot be watched");
    }

    return NGX_HTTP_GENAI_PARKED;
}


void
ngx_http_genai_park_filter(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    const char *what, ngx_msec_t deadline, ngx_http_genai_cancel_pt cancel)
{
    ngx_http_genai_wait(r, ctx, what, deadline, cancel);

    ctx->wait.filter = 1;
}


static void
ngx_http_genai_wait(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    const char *what, ngx_msec_t deadline, ngx_http_genai_cancel_pt cancel)
{
    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "genai waits for %s", what);

    ctx->wait.what = what;
    ctx->wait.cancel = cancel;
    ctx->wait.timedout = 0;

    ctx->wait.timer.handler = deadline ? ngx_http_genai_wait_timeout
                                       : ngx_http_genai_wait_hold;
    ctx->wait.timer.data = r;
    ctx->wait.timer.log = r->connection->log;

    ngx_add_timer(&ctx->wait.timer,
                  deadline ? deadline : NGX_HTTP_GENAI_WAIT_HOLD);
}


static void
ngx_http_genai_wait_timeout(ngx_event_t *ev)
{
    ngx_http_request_t    *r;
    ngx_http_genai_ctx_t  *ctx;

    r = ev->data;
    ctx = ngx_http_genai_get_ctx(r);

    ngx_http_genai_unpark(r, ctx);

    ctx->wait.timedout = 1;

    ngx_http_genai_resume(r);
}


static void
ngx_http_genai_wait_hold(ngx_event_t *ev)
{
    ngx_add_timer(ev, NGX_HTTP_GENAI_WAIT_HOLD);
}


static void
ngx_http_genai_wait_end(ngx_http_genai_ctx_t *ctx)
{
    ctx->wait.what = NULL;
    ctx->wait.cancel = NULL;

    if (ctx->wait.timer.timer_set) {
        ngx_del_timer(&ctx->wait.timer);
    }

    if (ctx->wait.turn.posted) {
        ngx_delete_posted_event(&ctx->wait.turn);
    }
}


void
ngx_http_genai_unpark(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_http_genai_cancel_pt  cancel;

    cancel = ctx->wait.cancel;

    ngx_http_genai_wait_end(ctx);

    if (cancel) {
        cancel(r, ctx);
    }
}


void
ngx_http_genai_resume(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_connection_t      *c;
    ngx_http_genai_ctx_t  *ctx;

    c = r->connection;
    ctx = ngx_http_genai_get_ctx(r);

    ngx_http_set_log_request(c->log, r);

    ngx_http_genai_wait_end(ctx);

    if (ctx->wait.filter) {

        /* who writes and when is up to nginx: it is asked to go on */

        rc = ngx_http_output_filter(r, NULL);

        if (rc == NGX_ERROR) {
            ngx_http_finalize_request(r, rc);

        } else {
            ngx_post_event(c->write, &ngx_posted_events);
        }

        ngx_http_run_posted_requests(c);
        return;
    }

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
    ngx_http_run_posted_requests(c);
}


#if (NGX_HTTP_GENAI_DEBUG)

char *
ngx_http_genai_test_park_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_loc_conf_t *lcf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    lcf->test_park = value[1];
    lcf->test_park_time = ngx_parse_time(&value[2], 0);

    return (lcf->test_park_time == (ngx_msec_t) NGX_ERROR) ? "invalid value"
                                                           : NGX_CONF_OK;
}


/*
 * The debug-only stage: with "genai_test_park NAME TIME" an exchange waits
 * for TIME in front of the stage of that name, once, so that a test can let
 * anything happen there.
 */

ngx_http_genai_verdict_e
ngx_http_genai_test_park(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    const char *stage, ngx_uint_t n)
{
    ngx_http_genai_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_module);

    if (lcf->test_park.len != ngx_strlen(stage)
        || ngx_memcmp(lcf->test_park.data, stage, lcf->test_park.len) != 0
        || (ctx->test_parked & (1 << n)))
    {
        return NGX_HTTP_GENAI_NEXT;
    }

    ctx->test_parked |= 1 << n;

    ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                  "genai parked in front of stage \"%s\"", stage);

    return ngx_http_genai_park(r, ctx, "a test", lcf->test_park_time, NULL);
}


ngx_uint_t
ngx_http_genai_test_park_filter(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx)
{
    ngx_http_genai_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_module);

    if (lcf->test_park.len != 6
        || ngx_memcmp(lcf->test_park.data, "filter", 6) != 0
        || (ctx->test_parked & (1u << 31)))
    {
        return 0;
    }

    ctx->test_parked |= 1u << 31;

    ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                  "genai parked in front of stage \"filter\"");

    ngx_http_genai_park_filter(r, ctx, "a test", lcf->test_park_time, NULL);

    return 1;
}

#endif
