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

/* so that what was written has arrived when the reset comes, ms */
#define NGX_HTTP_GENAI_SIM_PAUSE   50

#define NGX_HTTP_GENAI_SIM_POLL    250

/* steps that are taken in one go: a part is two */
#define NGX_HTTP_GENAI_SIM_TURN    32


typedef enum {
    NGX_HTTP_GENAI_SIM_RAW_EARLY = 0,
    NGX_HTTP_GENAI_SIM_RAW_HEAD,
    NGX_HTTP_GENAI_SIM_RAW_BODY,
    NGX_HTTP_GENAI_SIM_RAW_END
} ngx_http_genai_sim_part_e;


typedef struct {
    ngx_http_genai_sim_buf_t    *sb;
    ngx_http_genai_sim_part_e    part;
    size_t                       step;      /* bytes a write, 0: all */
    ngx_msec_t                   gap;
    ngx_msec_t                   until;     /* no write before */
    ngx_msec_t                   slow;      /* the slow header's begin */

    unsigned                     trickles:1;
    unsigned                     chunked:1;
    unsigned                     keepalive:1;
    unsigned                     broken:1;  /* ends in the middle */
    unsigned                     paused:1;
} ngx_http_genai_sim_raw_t;


static void ngx_http_genai_sim_raw_run(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static ngx_int_t ngx_http_genai_sim_raw_write(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static ngx_int_t ngx_http_genai_sim_raw_next(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static ngx_int_t ngx_http_genai_sim_raw_head(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static ngx_int_t ngx_http_genai_sim_raw_body(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static void ngx_http_genai_sim_raw_text(ngx_http_genai_sim_buf_t *sb,
    const char *text, size_t len);
static ngx_int_t ngx_http_genai_sim_raw_end(ngx_http_request_t *r,
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

    ctx->raw = raw;

    size = NGX_HTTP_GENAI_SIM_BUF + opts->big_header;

    raw->sb = ngx_http_genai_sim_get_buf(r, ctx, size);
    if (raw->sb == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    raw->step = opts->write;
    raw->gap = opts->gap;
    raw->keepalive = r->keepalive && !opts->close && !opts->garbage
                     && opts->length <= 0;

    if (raw->step) {
        (void) ngx_tcp_nodelay(r->connection);
    }

    ngx_http_genai_sim_schedule(ctx);

    raw->until = ctx->header_due;

    /* nginx must not try to say anything itself */

    r->header_sent = 1;
    r->headers_out.status = ctx->status;

    ctx->run = ngx_http_genai_sim_raw_run;
    r->write_event_handler = ngx_http_genai_sim_write_handler;

    if (opts->garbage || opts->silence == GENAI_SIM_SILENCE_ALL) {
        ctx->status = 0;
    }

    ngx_http_genai_sim_record(ctx, GENAI_SIM_LEDGER_OPEN);

    ngx_http_genai_sim_raw_run(r, ctx);
}


static void
ngx_http_genai_sim_raw_run(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_uint_t                 turn;
    ngx_msec_int_t             left;
    ngx_http_genai_sim_raw_t  *raw;

    raw = ctx->raw;

    if (ctx->timer.timer_set) {
        ngx_del_timer(&ctx->timer);
    }

    for (turn = 0; /* void */ ; turn++) {

        if (turn == NGX_HTTP_GENAI_SIM_TURN) {

            /* others have their turn */

            ngx_post_event(r->connection->write, &ngx_posted_next_events);
            return;
        }

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


/* NGX_OK: on with it; NGX_AGAIN: later */

static ngx_int_t
ngx_http_genai_sim_raw_write(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    size_t                     size, len, sent;
    ssize_t                    n;
    ngx_buf_t                 *b;
    ngx_msec_t                 time;
    ngx_connection_t          *c;
    ngx_http_genai_sim_raw_t  *raw;

    c = r->connection;
    raw = ctx->raw;
    b = &raw->sb->buf;

    size = b->last - b->pos;
    sent = b->pos - b->start;
    len = b->last - b->start;
    time = ctx->opts->slow_header;

    if (raw->trickles) {

        /* as many bytes as the time that is over is worth */

        n = (ngx_current_msec - raw->slow) * len / time + 1 - sent;
        size = ngx_min(size, (size_t) ngx_max(n, 1));

    } else if (raw->step && raw->step < size) {
        size = raw->step;
    }

    n = c->send(c, b->pos, size);

    ctx->blocked = (n == NGX_AGAIN);

    if (n < 0) {
        return n;
    }

    b->pos += n;

    if (raw->trickles) {
        raw->until = raw->slow + (sent + n) * time / len;
        return NGX_OK;
    }

    if (raw->gap) {
        raw->until = ngx_current_msec + raw->gap;
        return NGX_OK;
    }

    if (raw->step) {

        /* the client shall have a chance to see each write alone */

        ngx_post_event(c->write, &ngx_posted_next_events);
        return NGX_AGAIN;
    }

    return NGX_OK;
}


/* all is written: produces the next part; NGX_DONE: r is gone */

static ngx_int_t
ngx_http_genai_sim_raw_next(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    const genai_sim_opts_t    *opts;
    ngx_http_genai_sim_raw_t  *raw;

    opts = ctx->opts;
    raw = ctx->raw;

    if (opts->silence == GENAI_SIM_SILENCE_ALL
        || ctx->stop == NGX_HTTP_GENAI_SIM_SILENT)
    {
        ngx_http_genai_sim_record(ctx, GENAI_SIM_LEDGER_FAULT);

        if (ngx_exiting || ngx_terminate) {
            return NGX_ERROR;
        }

        ngx_http_genai_sim_wait(r, ctx, NGX_HTTP_GENAI_SIM_POLL);

        return NGX_AGAIN;
    }

    switch (raw->part) {

    case NGX_HTTP_GENAI_SIM_RAW_EARLY:

        raw->part = NGX_HTTP_GENAI_SIM_RAW_HEAD;

        if (opts->garbage) {
            raw->part = NGX_HTTP_GENAI_SIM_RAW_END;
            ngx_http_genai_sim_record(ctx, GENAI_SIM_LEDGER_FAULT);
            ngx_http_genai_sim_raw_text(raw->sb, ngx_http_genai_sim_garbage,
                                    sizeof(ngx_http_genai_sim_garbage) - 1);

        } else if (opts->early) {
            ngx_http_genai_sim_raw_text(raw->sb, ngx_http_genai_sim_early,
                                      sizeof(ngx_http_genai_sim_early) - 1);
        }

        return NGX_OK;

    case NGX_HTTP_GENAI_SIM_RAW_HEAD:
        return ngx_http_genai_sim_raw_head(r, ctx);

    case NGX_HTTP_GENAI_SIM_RAW_BODY:

        if (ctx->stop == NGX_HTTP_GENAI_SIM_CUT) {
            raw->broken = 1;
            raw->part = NGX_HTTP_GENAI_SIM_RAW_END;
            return NGX_OK;
        }

        if (ctx->stop != NGX_HTTP_GENAI_SIM_END) {
            return ngx_http_genai_sim_raw_body(r, ctx);
        }

        raw->part = NGX_HTTP_GENAI_SIM_RAW_END;

        if (opts->smuggle) {
            ngx_http_genai_sim_raw_text(raw->sb, ngx_http_genai_sim_second,
                                     sizeof(ngx_http_genai_sim_second) - 1);
        }

        return NGX_OK;

    default: /* NGX_HTTP_GENAI_SIM_RAW_END */
        return ngx_http_genai_sim_raw_end(r, ctx);
    }
}


static ngx_int_t
ngx_http_genai_sim_raw_head(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    u_char                    *p;
    size_t                     len;
    int64_t                    length;
    ngx_uint_t                 i;
    ngx_list_part_t           *part;
    ngx_table_elt_t           *h;
    const genai_sim_opts_t    *opts;
    ngx_http_genai_sim_raw_t  *raw;

    opts = ctx->opts;
    raw = ctx->raw;

    if (ngx_http_genai_sim_set_headers(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    p = raw->sb->buf.start;

    p = ngx_sprintf(p, "HTTP/1.1 %ui Simulated" CRLF
                    "Server: genai-sim" CRLF
                    "Date: %V" CRLF
                    "Content-Type: %V" CRLF,
                    ctx->status, &ngx_cached_http_time, &ctx->type);

    if (opts->close) {
        /* void */

    } else if (!opts->gzip && (!ctx->stream || opts->length)) {

        length = genai_sim_answer_rest(&ctx->answer) + opts->length;

        p = ngx_sprintf(p, "Content-Length: %L" CRLF, ngx_max(length, 0));

    } else if (r->http_version >= NGX_HTTP_VERSION_11) {
        raw->chunked = 1;
        p = ngx_sprintf(p, "Transfer-Encoding: chunked" CRLF);

    } else {
        raw->keepalive = 0;
    }

    if (opts->close || !r->keepalive) {
        p = ngx_sprintf(p, "Connection: close" CRLF);
    }

    part = &r->headers_out.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {

            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        len = h[i].key.len + h[i].value.len + 6;

        if (len > (size_t) (raw->sb->buf.end - p)) {
            return NGX_ERROR;
        }

        p = ngx_sprintf(p, "%V: %V" CRLF, &h[i].key, &h[i].value);
    }

    p = ngx_cpymem(p, CRLF, 2);

    len = p - raw->sb->buf.start;

    if (opts->slow_header) {
        raw->trickles = 1;
        raw->slow = ngx_current_msec;

        (void) ngx_tcp_nodelay(r->connection);
    }

    raw->sb->buf.pos = raw->sb->buf.start;
    raw->sb->buf.last = p;
    raw->part = NGX_HTTP_GENAI_SIM_RAW_BODY;

    if (opts->reset == GENAI_SIM_RESET_HEADER) {
        raw->sb->buf.last -= len / 2;
        raw->broken = 1;
        raw->part = NGX_HTTP_GENAI_SIM_RAW_END;
        ctx->status = 0;
        ngx_http_genai_sim_record(ctx, GENAI_SIM_LEDGER_FAULT);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_sim_raw_body(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    u_char                     size[NGX_HTTP_GENAI_SIM_CHUNK];
    size_t                     len, n;
    ngx_buf_t                 *b;
    const genai_sim_opts_t    *opts;
    genai_sim_ledger_end_e     end;
    ngx_http_genai_sim_raw_t  *raw;

    opts = ctx->opts;
    raw = ctx->raw;
    b = &raw->sb->buf;

    raw->trickles = 0;

    ngx_memset(b->start, ' ', NGX_HTTP_GENAI_SIM_CHUNK);

    b->pos = b->start + NGX_HTTP_GENAI_SIM_CHUNK;
    b->last = b->pos;

    ngx_http_genai_sim_fill(ctx, raw->sb, NGX_HTTP_GENAI_SIM_CRLF);

    len = b->last - b->pos;

    if (raw->chunked && len) {
        n = ngx_sprintf(size, "%uxz" CRLF, len) - size;
        b->pos -= n;
        ngx_memcpy(b->pos, size, n);
        b->last = ngx_cpymem(b->last, CRLF, 2);
    }

    end = GENAI_SIM_LEDGER_OPEN;

    switch (ctx->stop) {

    case NGX_HTTP_GENAI_SIM_END:

        if (raw->chunked) {
            b->last = ngx_cpymem(b->last, "0" CRLF CRLF, 5);
        }

        end = (ctx->errored || opts->length || opts->smuggle)
              ? GENAI_SIM_LEDGER_FAULT : GENAI_SIM_LEDGER_DONE;
        break;

    case NGX_HTTP_GENAI_SIM_WAIT:

        if (len == 0) {
            raw->until = ngx_http_genai_sim_due(ctx);
        }

        break;

    case NGX_HTTP_GENAI_SIM_CUT:
    case NGX_HTTP_GENAI_SIM_SILENT:
        end = GENAI_SIM_LEDGER_FAULT;
        break;

    default: /* NGX_HTTP_GENAI_SIM_MORE */
        break;
    }

    ngx_http_genai_sim_record(ctx, end);

    return NGX_OK;
}


static void
ngx_http_genai_sim_raw_text(ngx_http_genai_sim_buf_t *sb, const char *text,
    size_t len)
{
    sb->buf.pos = sb->buf.start;
    sb->buf.last = ngx_cpymem(sb->buf.start, text, len);
}


static ngx_int_t
ngx_http_genai_sim_raw_end(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    ngx_http_genai_sim_raw_t  *raw;

    raw = ctx->raw;

    if (!raw->broken) {

        /* it need not be over for the answer, but it is for us */

        ctx->stop = NGX_HTTP_GENAI_SIM_END;

        r->keepalive = raw->keepalive;
        ngx_http_finalize_request(r, NGX_OK);

        return NGX_DONE;
    }

    if (ctx->opts->reset == GENAI_SIM_OFF) {
        return NGX_ERROR;
    }

    if (!raw->paused) {
        raw->paused = 1;
        raw->until = ngx_current_msec + NGX_HTTP_GENAI_SIM_PAUSE;
        return NGX_OK;
    }

    ngx_http_genai_sim_reset(r);

    return NGX_ERROR;
}


void
ngx_http_genai_sim_reset(ngx_http_request_t *r)
{
    struct linger  linger;

    linger.l_onoff = 1;
    linger.l_linger = 0;

    if (setsockopt(r->connection->fd, SOL_SOCKET, SO_LINGER,
                   (const void *) &linger, sizeof(struct linger))
        == -1)
    {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, ngx_socket_errno,
                      "setsockopt(SO_LINGER) failed");
    }

    r->connection->error = 1;
}
