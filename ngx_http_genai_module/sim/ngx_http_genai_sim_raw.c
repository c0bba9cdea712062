/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Answers that no HTTP server would give: written to the connection as they
 * are, past nginx's filters, so that every byte, every write and every pause
 * is ours.  They are made of parts, one after the other in one buffer; a part
 * is produced when the one before it has been written.
 */


#include "ngx_http_genai_sim.h"


/* room in front of a chunk for its size, and behind it */
#define NGX_HTTP_GENAI_SIM_CHUNK   12
#define NGX_HTTP_GENAI_SIM_CRLF    16

/* bytes of the body before a reset, where "cut" does not say it */
#define NGX_HTTP_GENAI_SIM_RESET   64

/* so that what was written is read before the reset comes, ms */
#define NGX_HTTP_GENAI_SIM_PAUSE   50

#define NGX_HTTP_GENAI_SIM_POLL    250


typedef enum {
    NGX_HTTP_GENAI_SIM_RAW_EARLY = 0,
    NGX_HTTP_GENAI_SIM_RAW_HEAD,
    NGX_HTTP_GENAI_SIM_RAW_BODY,
    NGX_HTTP_GENAI_SIM_RAW_SECOND,
    NGX_HTTP_GENAI_SIM_RAW_END
} ngx_http_genai_sim_part_e;


typedef struct {
    ngx_http_genai_sim_buf_t    *sb;
    ngx_http_genai_sim_part_e    part;
    size_t                       step;      /* bytes a write, 0: all */
    ngx_msec_t                   gap;
    ngx_msec_t                   until;     /* no write before */

    unsigned                     chunked:1;
    unsigned                     keepalive:1;
    unsigned                     ending:1;  /* a reset or a cut is due */
    unsigned                     paused:1;
} ngx_http_genai_sim_raw_t;


static void ngx_http_genai_sim_raw_run(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static ngx_int_t ngx_http_genai_sim_raw_write(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static ngx_int_t ngx_http_genai_sim_raw_next(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static ngx_int_t ngx_http_genai_sim_raw_early(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static ngx_int_t ngx_http_genai_sim_raw_head(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static ngx_int_t ngx_http_genai_sim_raw_body(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static void ngx_http_genai_sim_raw_text(ngx_http_genai_sim_buf_t *sb,
    const char *text, size_t len);
static void ngx_http_genai_sim_raw_end(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);


static const char  ngx_http_genai_sim_garbage[] =
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 this is no HTTP \x00\xff"
    "\r\n\r\n\x80\xfe data: {\"choices\":\n\n";

static const char  ngx_http_genai_sim_early[] =
    "HTTP/1.1 100 Continue" CRLF CRLF
    "HTTP/1.1 103 Early Hints" CRLF
    "Link: </style.css>; rel=preload; as=style" CRLF CRLF;

static const char  ngx_http_genai_sim_second[] =
    "HTTP/1.1 200 OK" CRLF
    "Content-Type: application/json" CRLF
    "Content-Length: 21" CRLF
    "x-genai-sim-second: 1" CRLF CRLF
    "{\"smuggled\":\"answer\"}";


void
ngx_http_genai_sim_raw(ngx_http_request_t *r, ngx_http_genai_sim_ctx_t *ctx)
{
    size_t                     size;
    const genai_sim_opts_t    *opts;
    ngx_http_genai_sim_raw_t  *raw;

    opts = ctx->opts;

    raw = ngx_pcalloc(r->pool, sizeof(ngx_http_genai_sim_raw_t));
    if (raw == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (r != r->main || r->http_version >= NGX_HTTP_VERSION_20
        || r->http_version < NGX_HTTP_VERSION_10)
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "genai_sim: this fault needs HTTP/1");
        ngx_http_finalize_request(r, NGX_HTTP_BAD_REQUEST);
        return;
    }

    ctx->raw = raw;

    size = NGX_HTTP_GENAI_SIM_BUF + opts->big_header;

    raw->sb = ngx_http_genai_sim_get_buf(r, ctx, size);
    if (raw->sb == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    /* what is left of it is counted by hand */

    raw->keepalive = r->keepalive && !opts->close && opts->length <= 0;

    ngx_http_genai_sim_schedule(ctx);

    raw->until = ctx->header_due;

    /* nginx must not try to say anything itself */

    r->header_sent = 1;
    r->headers_out.status = ctx->status;

    ctx->run = ngx_http_genai_sim_raw_run;
    r->write_event_handler = ngx_http_genai_sim_write_handler;

    ngx_http_genai_sim_record(ctx, GENAI_SIM_LEDGER_OPEN);

    ngx_http_genai_sim_raw_run(r, ctx);
}


static void
ngx_http_genai_sim_raw_run(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_msec_int_t             left;
    ngx_http_genai_sim_raw_t  *raw;

    raw = ctx->raw;

    if (ctx->timer.timer_set) {
        ngx_del_timer(&ctx->timer);
    }

    if (ctx->opts->silence == GENAI_SIM_SILENCE_ALL
        || ctx->stop == NGX_HTTP_GENAI_SIM_SILENT)
    {
        ngx_http_genai_sim_record(ctx, GENAI_SIM_LEDGER_FAULT);
    }

    for ( ;; ) {

        left = (ngx_msec_int_t) (raw->until - ngx_current_msec);

        if (left > 0) {
            ngx_http_genai_sim_wait(r, ctx, left);
            rc = NGX_AGAIN;

        } else if (ngx_buf_size(&raw->sb->buf)) {
            rc = ngx_http_genai_sim_raw_write(r, ctx);

        } else {
            rc = ngx_http_genai_sim_raw_next(r, ctx);
        }

        if (rc == NGX_OK) {
            continue;
        }

        if (rc == NGX_DONE) {
            return;
        }

        if (rc == NGX_AGAIN) {
            rc = ngx_http_genai_sim_watch(r, ctx);
        }

        if (rc != NGX_OK) {
            r->connection->error = 1;
            ngx_http_finalize_request(r, NGX_ERROR);
        }

        return;
    }
}
