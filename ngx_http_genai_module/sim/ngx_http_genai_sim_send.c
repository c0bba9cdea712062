/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sends an answer the way of all nginx, so that keep-alive, HTTP/2, limits
 * and logs work.
 *
 * The answer is produced into buffers, and only while one is free: a slow
 * client holds up the production, not the worker, and a hundred megabytes
 * take no more memory than one buffer or two.  A buffer is free again when
 * all of it was taken by the network.
 */


#include "ngx_http_genai_sim.h"
#include "ngx_http_genai_compat.h"


/*
 * What waits for the connection.  The other bits are of filters that keep
 * something for as long as the answer lasts.
 */
#define ngx_http_genai_sim_blocked(c)                                         \
    ((c)->buffered & (NGX_LOWLEVEL_BUFFERED|NGX_HTTP_WRITE_BUFFERED))

/* bytes of the body before a reset, where "cut" does not say it */
#define NGX_HTTP_GENAI_SIM_RESET      64

/* buffers that are sent in one go before others have their turn */
#define NGX_HTTP_GENAI_SIM_TURN       16

/* what a silent connection does when the worker wants to exit, ms */
#define NGX_HTTP_GENAI_SIM_SILENCE    250


static void ngx_http_genai_sim_run(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static ngx_int_t ngx_http_genai_sim_header(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static ngx_int_t ngx_http_genai_sim_add_header(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *value);
static ngx_int_t ngx_http_genai_sim_output(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx, ngx_http_genai_sim_buf_t *sb);
static u_char *ngx_http_genai_sim_unit(ngx_http_genai_sim_ctx_t *ctx,
    u_char *p, u_char *end);
static u_char *ngx_http_genai_sim_gzip_unit(ngx_http_genai_sim_ctx_t *ctx,
    u_char *p, u_char *end);
static void ngx_http_genai_sim_timer_handler(ngx_event_t *ev);
static void ngx_http_genai_sim_cleanup(void *data);
static uint64_t ngx_http_genai_sim_unsent(ngx_http_genai_sim_ctx_t *ctx,
    ngx_http_genai_sim_buf_t *sb);


void
ngx_http_genai_sim_send(ngx_http_request_t *r, ngx_http_genai_sim_ctx_t *ctx)
{
    ngx_http_genai_sim_schedule(ctx);

    ctx->run = ngx_http_genai_sim_run;
    r->write_event_handler = ngx_http_genai_sim_write_handler;

    ngx_http_genai_sim_run(r, ctx);
}


/* when to say what, and how much of it */

void
ngx_http_genai_sim_schedule(ngx_http_genai_sim_ctx_t *ctx)
{
    const genai_sim_opts_t  *opts;

    opts = ctx->opts;

    ctx->header_due = ngx_current_msec;
    ctx->body_due = ngx_current_msec;
    ctx->cut = GENAI_SIM_OFF;

    /* the record itself is exempt */

    if (ctx->row == 0) {
        return;
    }

    ctx->cut = opts->cut;

    if (ctx->cut == GENAI_SIM_OFF && opts->reset == GENAI_SIM_RESET_BODY) {
        ctx->cut = NGX_HTTP_GENAI_SIM_RESET;
    }

    if (opts->delay == 0 && opts->ttft == 0 && opts->rate == 0) {
        return;
    }

    /*
     * never before its time: nginx's clock stood still while the request was
     * read, and its milliseconds are cut off, not rounded
     */

    ngx_time_update();

    ctx->header_due = ngx_current_msec + 1 + opts->delay;
    ctx->body_due = ctx->header_due + opts->ttft;

    if (ctx->stream) {
        ctx->paced = 1;
        return;
    }

    /* all tokens are made before the first byte is sent */

    if (opts->rate) {
        ctx->body_due += ctx->answer.steps * ctx->answer.choices * 1000
                         / opts->rate;
    }

    ctx->header_due = ctx->body_due;
}


static void
ngx_http_genai_sim_run(ngx_http_request_t *r, ngx_http_genai_sim_ctx_t *ctx)
{
    size_t                     size;
    ngx_int_t                  rc;
    ngx_uint_t                 turn;
    ngx_msec_int_t             left;
    ngx_connection_t          *c;
    ngx_http_genai_sim_buf_t  *sb;

    c = r->connection;

    if (ctx->timer.timer_set) {
        ngx_del_timer(&ctx->timer);
    }

    left = (ngx_msec_int_t) (ctx->header_due - ngx_current_msec);

    if (!r->header_sent && left > 0) {

        ngx_http_genai_sim_wait(r, ctx, left);

        if (ngx_http_genai_sim_watch(r, ctx) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_ERROR);
        }

        return;
    }

    if (r->header_sent && ngx_http_genai_sim_blocked(c)
        && ngx_http_output_filter(r, NULL) == NGX_ERROR)
    {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    for (turn = 0; turn < NGX_HTTP_GENAI_SIM_TURN; turn++) {

        if (ctx->stop >= NGX_HTTP_GENAI_SIM_END) {
            break;
        }

        /* streams that are paced have one event in a buffer, mostly */

        size = NGX_HTTP_GENAI_SIM_BUF;

        if (ctx->paced) {
            size = 2 * GENAI_SIM_UNIT;

        } else if (ctx->answer.steps * ctx->answer.choices < 64
                   && ctx->answer.text.len < GENAI_SIM_UNIT)
        {
            size = ctx->stream ? NGX_HTTP_GENAI_SIM_BUF / 2
                               : 2 * GENAI_SIM_UNIT;
        }

        sb = ngx_http_genai_sim_get_buf(r, ctx, size);

        if (sb == NULL) {
            ngx_http_finalize_request(r, NGX_ERROR);
            return;
        }

        if (ngx_buf_size(&sb->buf)) {

            /* all are busy: on with the next write event */

            break;
        }

        ngx_http_genai_sim_fill(ctx, sb, 0);

        if (!r->header_sent) {

            rc = ngx_http_genai_sim_header(r, ctx);

            if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
                ngx_http_finalize_request(r, rc);
                return;
            }
        }

        rc = ngx_http_genai_sim_output(r, ctx, sb);

        if (rc == NGX_ERROR) {
            ngx_http_finalize_request(r, NGX_ERROR);
            return;
        }

        if (ctx->stop == NGX_HTTP_GENAI_SIM_END) {
            ngx_http_finalize_request(r, rc);
            return;
        }

        if (ctx->stop == NGX_HTTP_GENAI_SIM_WAIT) {
            left = (ngx_msec_int_t) (ngx_http_genai_sim_due(ctx)
                                     - ngx_current_msec);
            ngx_http_genai_sim_wait(r, ctx, ngx_max(left, 1));
            break;
        }
    }

    if (ctx->stop == NGX_HTTP_GENAI_SIM_CUT
        && !ngx_http_genai_sim_blocked(c))
    {
        r->keepalive = 0;
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    if (ctx->stop == NGX_HTTP_GENAI_SIM_SILENT) {

        if (ngx_exiting || ngx_terminate) {
            ngx_http_finalize_request(r, NGX_ERROR);
            return;
        }

        ngx_http_genai_sim_wait(r, ctx, NGX_HTTP_GENAI_SIM_SILENCE);
    }

    if (turn == NGX_HTTP_GENAI_SIM_TURN && !ngx_http_genai_sim_blocked(c)) {
        ngx_post_event(c->write, &ngx_posted_next_events);
    }

    if (ngx_http_genai_sim_watch(r, ctx) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
    }
}


static ngx_int_t
ngx_http_genai_sim_header(ngx_http_request_t *r, ngx_http_genai_sim_ctx_t *ctx)
{
    if (ngx_http_genai_sim_set_headers(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->stop == NGX_HTTP_GENAI_SIM_END && !ctx->stream) {
        r->headers_out.content_length_n = ctx->produced;

    } else if (!ctx->stream && !ctx->opts->gzip
               && ctx->stop > NGX_HTTP_GENAI_SIM_END)
    {
        /* what is cut announces the whole */

        r->headers_out.content_length_n = ctx->produced + ctx->dropped
                                       + genai_sim_answer_rest(&ctx->answer);
    }

    return ngx_http_send_header(r);
}


ngx_int_t
ngx_http_genai_sim_set_headers(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    u_char                  *p;
    ngx_str_t                name, value;
    ngx_uint_t               i;
    const genai_sim_opts_t  *opts;

    opts = ctx->opts;

    r->headers_out.status = ctx->status;
    r->headers_out.content_type = ctx->type;
    r->headers_out.content_type_len = ctx->type.len;
    r->headers_out.content_type_lowcase = NULL;

    if (ctx->row == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, sizeof("req_") - 1 + 16);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;
    value.len = genai_sim_put_hex(genai_sim_put(p, "req_"),
                                  genai_sim_mix(ctx->answer.id + ctx->row))
                - p;
    ngx_str_set(&name, "x-request-id");

    if (ngx_http_genai_sim_add_header(r, &name, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    if (opts->retry_after != GENAI_SIM_OFF) {

        value.data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
        if (value.data == NULL) {
            return NGX_ERROR;
        }

        value.len = genai_sim_put_uint(value.data, opts->retry_after)
                    - value.data;
        ngx_str_set(&name, "Retry-After");

        if (ngx_http_genai_sim_add_header(r, &name, &value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (opts->gzip) {

        ngx_str_set(&name, "Content-Encoding");
        ngx_str_set(&value, "gzip");

        if (ngx_http_genai_sim_add_header(r, &name, &value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (opts->big_header) {

        value.len = opts->big_header;
        value.data = ngx_pnalloc(r->pool, value.len);

        if (value.data == NULL) {
            return NGX_ERROR;
        }

        ngx_memset(value.data, 'a', value.len);
        ngx_str_set(&name, "x-genai-sim-big");

        if (ngx_http_genai_sim_add_header(r, &name, &value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < opts->nheaders; i++) {

        p = ngx_strlchr(opts->headers[i].data,
                        opts->headers[i].data + opts->headers[i].len, ':');

        name.data = opts->headers[i].data;
        name.len = p - name.data;
        value.data = p + 1;
        value.len = opts->headers[i].len - name.len - 1;

        if (ngx_http_genai_sim_add_header(r, &name, &value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_sim_add_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    ngx_http_genai_end_header(h);
    h->key = *name;
    h->value = *value;

    if (name->len == 16
        && ngx_strncasecmp(name->data, (u_char *) "Content-Encoding", 16) == 0)
    {
        r->headers_out.content_encoding = h;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_sim_output(ngx_http_request_t *r, ngx_http_genai_sim_ctx_t *ctx,
    ngx_http_genai_sim_buf_t *sb)
{
    ngx_buf_t    *b;
    ngx_chain_t   out;

    b = &sb->buf;

    if (ctx->stop == NGX_HTTP_GENAI_SIM_END) {
        b->last_buf = (r == r->main);
        b->last_in_chain = 1;

        /* before the client can ask for it */

        ngx_http_genai_sim_record(ctx, ctx->errored ? GENAI_SIM_LEDGER_FAULT
                                                    : GENAI_SIM_LEDGER_DONE);

    } else {

        /*
         * always, or a filter would wait for more while we wait for it to
         * give the buffer back
         */

        b->flush = 1;

        ngx_http_genai_sim_record(ctx,
                                  (ctx->stop == NGX_HTTP_GENAI_SIM_CUT
                                   || ctx->stop == NGX_HTTP_GENAI_SIM_SILENT)
                                  ? GENAI_SIM_LEDGER_FAULT
                                  : GENAI_SIM_LEDGER_OPEN);
    }

    /* a buffer without a byte must not look as if it had any */

    b->temporary = (b->pos != b->last);

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


/* a buffer that is free, one that is busy when there is none, or NULL */

ngx_http_genai_sim_buf_t *
ngx_http_genai_sim_get_buf(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx, size_t size)
{
    ngx_uint_t                 i;
    ngx_http_genai_sim_buf_t  *sb;

    for (i = 0; i < ctx->nbufs; i++) {
        if (ngx_buf_size(&ctx->bufs[i].buf) == 0) {
            break;
        }
    }

    if (i == NGX_HTTP_GENAI_SIM_BUFS) {
        return &ctx->bufs[0];
    }

    sb = &ctx->bufs[i];

    if (i == ctx->nbufs) {

        sb->buf.start = ngx_palloc(r->pool, size);
        if (sb->buf.start == NULL) {
            return NULL;
        }

        sb->marks_max = ctx->stream ? size / NGX_HTTP_GENAI_SIM_EVENT : 0;
        sb->marks = ngx_palloc(r->pool, sb->marks_max
                                        * sizeof(ngx_http_genai_sim_mark_t));
        if (sb->marks == NULL) {
            return NULL;
        }

        sb->buf.end = sb->buf.start + size;
        sb->buf.tag = (ngx_buf_tag_t) &ngx_http_genai_sim_module;

        ctx->nbufs++;
    }

    sb->buf.pos = sb->buf.start;
    sb->buf.last = sb->buf.start;
    sb->buf.temporary = 1;
    sb->buf.flush = 0;
    sb->tokens = 0;
    sb->nmarks = 0;

    return sb;
}


/* produces what is due, as far as the buffer goes but for its reserve */

void
ngx_http_genai_sim_fill(ngx_http_genai_sim_ctx_t *ctx,
    ngx_http_genai_sim_buf_t *sb, size_t reserve)
{
    u_char                  *p, *last, *end;
    size_t                   len;
    uint64_t                 tokens, before;
    const genai_sim_opts_t  *opts;

    opts = ctx->opts;
    p = sb->buf.last;
    end = sb->buf.end - reserve;

    tokens = ctx->answer.tokens;

    ctx->stop = NGX_HTTP_GENAI_SIM_MORE;

    while (end - p >= NGX_HTTP_GENAI_SIM_ROOM) {

        if (opts->silence >= 0 && ctx->row
            && ctx->units >= (uint64_t) opts->silence)
        {
            ctx->stop = NGX_HTTP_GENAI_SIM_SILENT;
            break;
        }

        if (ctx->paced
            && (ngx_msec_int_t) (ngx_http_genai_sim_due(ctx)
                                 - ngx_current_msec) > 0)
        {
            ctx->stop = NGX_HTTP_GENAI_SIM_WAIT;
            break;
        }

        before = ctx->answer.tokens;

        last = opts->gzip ? ngx_http_genai_sim_gzip_unit(ctx, p, end)
                          : ngx_http_genai_sim_unit(ctx, p, end);

        if (last == p) {
            ctx->stop = NGX_HTTP_GENAI_SIM_END;
            break;
        }

        ctx->units++;
        len = last - p;

        if (ctx->cut >= 0 && ctx->produced + len >= (uint64_t) ctx->cut) {
            last = p + (ctx->cut - ctx->produced);
            ctx->dropped = len - (last - p);
            ctx->stop = NGX_HTTP_GENAI_SIM_CUT;
        }

        ctx->produced += last - p;
        p = last;

        if (ctx->answer.tokens != before && sb->nmarks < sb->marks_max) {
            sb->marks[sb->nmarks].end = p - sb->buf.start;
            sb->marks[sb->nmarks++].tokens = ctx->answer.tokens - tokens;
        }

        if (ctx->stop == NGX_HTTP_GENAI_SIM_CUT) {
            break;
        }
    }

    sb->buf.last = p;
    sb->tokens = ctx->answer.tokens - tokens;
    ctx->written += sb->tokens;
}


ngx_msec_t
ngx_http_genai_sim_due(ngx_http_genai_sim_ctx_t *ctx)
{
    if (ctx->opts->rate == 0) {
        return ctx->body_due;
    }

    return ctx->body_due
           + genai_sim_answer_due(&ctx->answer) * 1000 / ctx->opts->rate;
}


static u_char *
ngx_http_genai_sim_unit(ngx_http_genai_sim_ctx_t *ctx, u_char *p, u_char *end)
{
    if (ctx->stream && ctx->opts->error_after >= 0 && ctx->row
        && ctx->answer.events >= (uint64_t) ctx->opts->error_after)
    {
        if (ctx->talk == NULL) {

            if (ctx->errored) {
                return p;
            }

            ctx->errored = 1;

            return genai_sim_answer_error(p);
        }

        if (!ctx->errored) {
            ctx->errored = 1;
            genai_sim_talk_fail(ctx->talk);
        }
    }

    return genai_sim_answer_next(&ctx->answer, p, end);
}


/* a unit is a block that is stored: what can be read must be correct only */

static u_char *
ngx_http_genai_sim_gzip_unit(ngx_http_genai_sim_ctx_t *ctx, u_char *p,
    u_char *end)
{
    u_char    *from, *last;
    size_t     len;
    uint32_t   crc;

    static u_char  head[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };

    if (ctx->closed) {
        return p;
    }

    if (!ctx->opened) {
        ctx->opened = 1;
        ngx_crc32_init(ctx->crc);
        p = ngx_cpymem(p, head, sizeof(head));
    }

    from = p + 5;
    last = ngx_http_genai_sim_unit(ctx, from, end);
    len = last - from;

    ctx->closed = (len == 0);

    *p++ = ctx->closed;
    *p++ = len & 0xff;
    *p++ = len >> 8;
    *p++ = ~len & 0xff;
    *p++ = ~len >> 8 & 0xff;

    ngx_crc32_update(&ctx->crc, from, len);
    ctx->plain += len;

    if (!ctx->closed) {
        return last;
    }

    crc = ctx->crc;
    ngx_crc32_final(crc);

    *last++ = crc & 0xff;
    *last++ = crc >> 8 & 0xff;
    *last++ = crc >> 16 & 0xff;
    *last++ = crc >> 24;
    *last++ = ctx->plain & 0xff;
    *last++ = ctx->plain >> 8 & 0xff;
    *last++ = ctx->plain >> 16 & 0xff;
    *last++ = ctx->plain >> 24;

    return last;
}


void
ngx_http_genai_sim_wait(ngx_http_request_t *r, ngx_http_genai_sim_ctx_t *ctx,
    ngx_msec_t delay)
{
    if (ctx->timer.handler == NULL) {
        ctx->timer.handler = ngx_http_genai_sim_timer_handler;
        ctx->timer.data = r->connection;
        ctx->timer.log = r->connection->log;
    }

    ngx_add_timer(&ctx->timer, delay);
}


static void
ngx_http_genai_sim_timer_handler(ngx_event_t *ev)
{
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_genai_sim_ctx_t  *ctx;

    ctx = (ngx_http_genai_sim_ctx_t *)
              ((u_char *) ev - offsetof(ngx_http_genai_sim_ctx_t, timer));

    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ctx->run(r, ctx);

    ngx_http_run_posted_requests(c);
}


/* for what keeps a request waiting: room to write, a client that leaves */

ngx_int_t
ngx_http_genai_sim_watch(ngx_http_request_t *r, ngx_http_genai_sim_ctx_t *ctx)
{
    ngx_event_t               *wev;
    ngx_connection_t          *c;
    ngx_http_core_loc_conf_t  *clcf;

    c = r->connection;
    wev = c->write;

    if (ngx_http_genai_sim_blocked(c) || ctx->blocked) {

        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        if (!wev->delayed) {
            ngx_add_timer(wev, clcf->send_timeout);
        }

        if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
            return NGX_ERROR;
        }

    } else if (wev->timer_set && !wev->delayed) {
        ngx_del_timer(wev);
    }

    if (r == r->main && r->read_event_handler != ngx_http_test_reading) {

        r->read_event_handler = ngx_http_test_reading;

        return ngx_handle_read_event(c->read, 0);
    }

    return NGX_OK;
}


void
ngx_http_genai_sim_write_handler(ngx_http_request_t *r)
{
    ngx_event_t               *wev;
    ngx_connection_t          *c;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_genai_sim_ctx_t  *ctx;

    c = r->connection;
    wev = c->write;

    if (wev->timedout) {
        c->timedout = 1;
        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (wev->delayed) {

        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_ERROR);
        }

        return;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_genai_sim_module);

    ctx->run(r, ctx);
}


ngx_int_t
ngx_http_genai_sim_cleanup_add(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    ngx_http_cleanup_t  *cln;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_genai_sim_cleanup;
    cln->data = ctx;

    return NGX_OK;
}


/* writes what is known so far to the exchange's row */

void
ngx_http_genai_sim_record(ngx_http_genai_sim_ctx_t *ctx,
    genai_sim_ledger_end_e end)
{
    genai_sim_ledger_row_t  *row;

    row = genai_sim_ledger_row(ctx->ledger->table, ctx->row);

    if (row) {
        row->status = ctx->status;
        row->written = ctx->written;
        row->reported = ctx->answer.reported;
        row->end = end;
    }
}


/*
 * What the row says of an exchange was written when its bytes were handed
 * over; those that the client did not wait for are taken back.
 */

static void
ngx_http_genai_sim_cleanup(void *data)
{
    ngx_http_genai_sim_ctx_t *ctx = data;

    uint64_t                 unsent;
    ngx_uint_t               i;
    genai_sim_ledger_row_t  *row;

    if (ctx->timer.timer_set) {
        ngx_del_timer(&ctx->timer);
    }

    if (ctx->row == 0) {
        return;
    }

    unsent = 0;

    for (i = 0; i < ctx->nbufs; i++) {
        unsent += ngx_buf_size(&ctx->bufs[i].buf);
    }

    if (unsent == 0 && ctx->stop == NGX_HTTP_GENAI_SIM_END) {
        return;
    }

    row = genai_sim_ledger_row(ctx->ledger->table, ctx->row);

    if (row == NULL) {
        return;
    }

    if (row->end != GENAI_SIM_LEDGER_FAULT) {
        row->end = GENAI_SIM_LEDGER_GONE;
    }

    if (unsent == 0) {
        return;
    }

    for (i = 0; i < ctx->nbufs; i++) {
        row->written -= ngx_http_genai_sim_unsent(ctx, &ctx->bufs[i]);
    }

    row->reported = 0;
}


/* the tokens of a buffer that did not leave it */

static uint64_t
ngx_http_genai_sim_unsent(ngx_http_genai_sim_ctx_t *ctx,
    ngx_http_genai_sim_buf_t *sb)
{
    size_t      sent;
    uint64_t    tokens;
    ngx_uint_t  i;

    if (ngx_buf_size(&sb->buf) == 0) {
        return 0;
    }

    sent = sb->buf.pos - sb->buf.start;
    tokens = 0;

    for (i = 0; i < sb->nmarks && sb->marks[i].end <= sent; i++) {
        tokens = sb->marks[i].tokens;
    }

    return sb->tokens - tokens;
}
