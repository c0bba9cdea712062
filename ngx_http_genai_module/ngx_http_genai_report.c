
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The reports: genai_metrics, genai_usage, genai_health, and how a long one
 * is sent.
 *
 * A report is made in turns of the event loop, each of which fills one buffer
 * and hands it to the output filters.  The next turn comes when all of the
 * buffer is taken: at once, after everybody else has had his turn, or when
 * the client has read so much that nginx may write again.  Between turns the
 * connection's timer is always set, as a worker that is to end does so when
 * no timer is left.
 */


#include "ngx_http_genai_report_int.h"
#include "ngx_http_genai_metrics_int.h"


static ngx_int_t ngx_http_genai_report_turn(ngx_http_genai_report_t *report);
static void ngx_http_genai_report_go(ngx_http_genai_report_t *report);
static void ngx_http_genai_report_next(ngx_http_genai_report_t *report);
static void ngx_http_genai_report_turn_handler(ngx_event_t *ev);
static void ngx_http_genai_report_writer(ngx_http_request_t *r);
static void ngx_http_genai_report_cleanup(void *data);
static ngx_int_t ngx_http_genai_report_no_store(ngx_http_request_t *r);
static ngx_int_t ngx_http_genai_health_handler(ngx_http_request_t *r);


static const struct {
    ngx_str_t                       name;
    ngx_http_handler_pt             handler;
} ngx_http_genai_reports[] = {
    { ngx_string("genai_metrics"), ngx_http_genai_metrics_handler },
    { ngx_string("genai_usage"), ngx_http_genai_usage_handler },
    { ngx_string("genai_health"), ngx_http_genai_health_handler }
};


static ngx_str_t  ngx_http_genai_report_cache = ngx_string("Cache-Control");
static ngx_str_t  ngx_http_genai_report_store = ngx_string("no-store");
static ngx_str_t  ngx_http_genai_report_allow = ngx_string("Allow");
static ngx_str_t  ngx_http_genai_report_methods = ngx_string("GET, HEAD");


char *
ngx_http_genai_report_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_loc_conf_t *lcf = conf;

    ngx_uint_t  i;

    if (lcf->pass == 1 || lcf->inlined == 1) {
        return "stands beside \"genai_pass\" or \"genai on\" in this "
               "location: give the report a location of its own";
    }

    /* "genai on" of the server is not for this location */

    lcf->inlined = 0;

    for (i = 0; ngx_strcmp(cmd->name.data, ngx_http_genai_reports[i].name.data)
                != 0; i++)
    {
        /* void */
    }

    return ngx_http_genai_content(cf, cmd, lcf,
                                  ngx_http_genai_reports[i].handler);
}


ngx_int_t
ngx_http_genai_report_begin(ngx_http_request_t *r)
{
    /* or discarding would invite the body with "100 Continue" */

    r->expect_tested = 1;

    if (ngx_http_discard_request_body(r) != NGX_OK) {

        /* where the next request begins is not known */

        r->keepalive = 0;
        r->lingering_close = 0;
    }

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return NGX_OK;
    }

    if (ngx_http_genai_add_header(r, &ngx_http_genai_report_allow,
                                  &ngx_http_genai_report_methods)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_genai_report_error(r, NGX_HTTP_NOT_ALLOWED,
                                       "caller_bad_request",
                                       "a report is read with GET");
}


ngx_int_t
ngx_http_genai_report_send(ngx_http_request_t *r, ngx_str_t *type, size_t len,
    ngx_http_genai_report_pt fill, void *data)
{
    ngx_int_t                 rc;
    ngx_pool_cleanup_t       *cln;
    ngx_http_genai_report_t  *report;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = len;
    r->headers_out.content_type_lowcase = NULL;

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);

    if (ngx_http_genai_report_no_store(r) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    report = ngx_pcalloc(r->pool, sizeof(ngx_http_genai_report_t));
    if (report == NULL) {
        return NGX_ERROR;
    }

    report->start = ngx_palloc(r->pool, NGX_HTTP_GENAI_REPORT_BUF);
    if (report->start == NULL) {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_genai_report_cleanup;
    cln->data = report;

    report->request = r;
    report->fill = fill;
    report->data = data;
    report->end = report->start + NGX_HTTP_GENAI_REPORT_BUF;

    report->turn.handler = ngx_http_genai_report_turn_handler;
    report->turn.data = report;
    report->turn.log = r->connection->log;

    rc = ngx_http_genai_report_turn(report);

    if (rc == NGX_ERROR || report->done) {
        return rc;
    }

    r->main->count++;

    r->read_event_handler = r->discard_body
                            ? ngx_http_discarded_request_body_handler
                            : ngx_http_test_reading;
    r->write_event_handler = ngx_http_genai_report_writer;

    ngx_http_genai_report_next(report);

    return NGX_DONE;
}


/* fills the buffer, and hands it on */

static ngx_int_t
ngx_http_genai_report_turn(ngx_http_genai_report_t *report)
{
    uint64_t             begin;
    ngx_int_t            rc;
    ngx_buf_t           *b;
    ngx_chain_t          out;
    ngx_http_request_t  *r;

    begin = ngx_http_genai_cpu_clock();

    r = report->request;
    report->last = report->start;

    rc = report->fill(report);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    report->done = (rc == NGX_OK);

    b = &report->buf;

    ngx_memzero(b, sizeof(ngx_buf_t));

    b->start = report->start;
    b->pos = report->start;
    b->last = report->last;
    b->end = report->end;
    b->temporary = (b->pos != b->last);

    if (report->done) {
        b->last_buf = (r == r->main);
        b->last_in_chain = 1;
        b->sync = !b->temporary && !b->last_buf;

    } else {

        /* or a short one would lie in postpone_output, and we would wait */

        b->flush = 1;
    }

    rc = NGX_OK;

    if (report->done || b->temporary) {
        out.buf = b;
        out.next = NULL;

        rc = ngx_http_output_filter(r, &out);
    }

    ngx_http_genai_metrics_report(ngx_http_genai_cpu_clock() - begin);

    return rc;
}


static void
ngx_http_genai_report_go(ngx_http_genai_report_t *report)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = report->request;

    rc = ngx_http_genai_report_turn(report);

    if (rc == NGX_ERROR || report->done) {
        r->write_event_handler = ngx_http_request_empty_handler;
        ngx_http_finalize_request(r, rc);
        return;
    }

    ngx_http_genai_report_next(report);
}


/* the next turn: at once, or when the client has taken what there is */

static void
ngx_http_genai_report_next(ngx_http_genai_report_t *report)
{
    ngx_event_t               *wev;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = report->request;
    wev = r->connection->write;

    clcf = ngx_http_get_module_loc_conf(r->main, ngx_http_core_module);

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    if (ngx_buf_size(&report->buf) == 0) {
        ngx_post_event(&report->turn, &ngx_posted_next_events);
        return;
    }

    if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
    }
}


static void
ngx_http_genai_report_turn_handler(ngx_event_t *ev)
{
    ngx_connection_t         *c;
    ngx_http_genai_report_t  *report;

    report = ev->data;
    c = report->request->connection;

    ngx_http_set_log_request(c->log, report->request);

    ngx_http_genai_report_go(report);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_genai_report_writer(ngx_http_request_t *r)
{
    ngx_event_t              *wev;
    ngx_pool_cleanup_t       *cln;
    ngx_http_genai_report_t  *report;

    report = NULL;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_genai_report_cleanup
            && ((ngx_http_genai_report_t *) cln->data)->request == r)
        {
            report = cln->data;
            break;
        }
    }

    wev = r->connection->write;

    if (report == NULL) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                      "client timed out");
        r->connection->timedout = 1;

        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (report->turn.posted) {
        return;
    }

    if (!wev->delayed && ngx_http_output_filter(r, NULL) == NGX_ERROR) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    if (ngx_buf_size(&report->buf)) {
        ngx_http_genai_report_next(report);
        return;
    }

    ngx_http_genai_report_go(report);
}


static void
ngx_http_genai_report_cleanup(void *data)
{
    ngx_http_genai_report_t *report = data;

    if (report->turn.posted) {
        ngx_delete_posted_event(&report->turn);
    }
}


static ngx_int_t
ngx_http_genai_report_no_store(ngx_http_request_t *r)
{
    return ngx_http_genai_add_header(r, &ngx_http_genai_report_cache,
                                     &ngx_http_genai_report_store);
}


ngx_int_t
ngx_http_genai_report_text(ngx_http_request_t *r, ngx_uint_t status,
    const char *fmt, ...)
{
    va_list      args;
    ngx_int_t    rc;
    ngx_buf_t   *b;
    ngx_chain_t  out;

    b = ngx_create_temp_buf(r->pool, NGX_HTTP_GENAI_REPORT_TEXT);
    if (b == NULL) {
        return NGX_ERROR;
    }

    va_start(args, fmt);
    b->last = ngx_vslprintf(b->last, b->end, fmt, args);
    va_end(args);

    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    r->headers_out.status = status;

    ngx_http_genai_json_headers(r, b->last - b->pos);

    if (ngx_http_genai_report_no_store(r) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_http_genai_report_error(ngx_http_request_t *r, ngx_uint_t status,
    const char *word, const char *message)
{
    return ngx_http_genai_report_text(r, status,
                                      "{\"error\":{\"code\":\"%s\","
                                      "\"message\":\"%s\"}}\n",
                                      word, message);
}


u_char *
ngx_http_genai_report_quote(u_char *p, u_char *data, size_t len)
{
    u_char   text[GENAI_POLICY_TEXT_MAX], *src, *last;

    last = text + ngx_http_genai_metrics_text(text, sizeof(text), data, len);

    *p++ = '"';

    for (src = text; src < last; src++) {
        if (*src == '"' || *src == '\\') {
            *p++ = '\\';
        }

        *p++ = *src;
    }

    *p++ = '"';

    return p;
}


static ngx_int_t
ngx_http_genai_health_handler(ngx_http_request_t *r)
{
    size_t                       n;
    u_char                      *p, *last;
    u_char                       reasons[128];
    u_char                       revision[NGX_HTTP_GENAI_REPORT_QUOTED(
                                              GENAI_POLICY_TEXT_MAX)];
    int64_t                      generation;
    ngx_int_t                    rc;
    ngx_str_t                    rev;
    ngx_uint_t                   loaded, stale, closed, unenforced;
    genai_str_t                  text;
    genai_books_t               *books;
    ngx_http_genai_snapshot_t   *s;
    ngx_http_genai_main_conf_t  *mcf;

    rc = ngx_http_genai_report_begin(r);

    if (rc != NGX_OK || r->header_sent) {
        return rc;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_genai_module);

    p = reasons;
    last = reasons + sizeof(reasons);

    generation = 0;
    loaded = 0;
    stale = 0;
    closed = 0;
    unenforced = 0;

    ngx_str_set(&rev, "null");

    s = ngx_http_genai_snapshot(r->connection->log);

    if (s) {
        generation = s->policy->generation;
        stale = s->policy->stale;
        closed = s->policy->closed;
        unenforced = s->policy->unenforced;

        text = genai_policy_text(s->policy, s->policy->revision);

        if (text.len) {
            rev.data = revision;
            rev.len = ngx_http_genai_report_quote(revision, text.data,
                                                  text.len)
                      - revision;
        }

        /* all of it may be broken, with no older version to go back to */

        loaded = !s->policy->unloaded;

        ngx_http_genai_snapshot_release(s);
    }

    if (mcf->policy.len && !loaded) {
        p = ngx_slprintf(p, last, ",\"no_policy\"");
    }

    books = ngx_http_genai_books_joined();

    if (mcf->policy.len && books
        && genai_books_word(books, GENAI_WORD_POLICY_FAILED))
    {
        p = ngx_slprintf(p, last, ",\"stale_policy\"");
    }

    if (books == NULL || mcf->books_failed) {
        p = ngx_slprintf(p, last, ",\"no_books\"");
    }

    /* all but the first comma */

    n = (p > reasons) ? p - reasons - 1 : 0;

    return ngx_http_genai_report_text(r, n ? NGX_HTTP_SERVICE_UNAVAILABLE
                                           : NGX_HTTP_OK,
                                      "{\"status\":\"%s\",\"reasons\":[%*s],"
                                      "\"generation\":%L,"
                                      "\"revision\":%V,"
                                      "\"fragments_stale\":%ui,"
                                      "\"objects_closed\":%ui,"
                                      "\"unenforced\":%ui}\n",
                                      n ? "not_ready" : "ready",
                                      n, reasons + 1, generation, &rev, stale,
                                      closed, unenforced);
}
