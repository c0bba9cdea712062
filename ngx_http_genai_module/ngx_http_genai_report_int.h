/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reports: content that is made while it is sent, a buffer at a time, so that
 * neither its length nor its reader matters to anybody else.
 */


#ifndef _NGX_HTTP_GENAI_REPORT_INT_H_INCLUDED_
#define _NGX_HTTP_GENAI_REPORT_INT_H_INCLUDED_


#include "ngx_http_genai.h"
#include "ngx_http_genai_state.h"
#include "ngx_http_genai_metrics_int.h"


/* bytes of a report's one buffer, more than any piece of it needs */
#define NGX_HTTP_GENAI_REPORT_BUF  32768


typedef struct ngx_http_genai_report_s  ngx_http_genai_report_t;

/*
 * Writes what comes next at report->last, not beyond report->end.  Returns
 * NGX_AGAIN when there is more, to be called again with an empty buffer after
 * a turn of the event loop, even if it has written nothing; NGX_OK at the
 * end; NGX_ERROR.  A call is to take much less than 1 ms.
 */
typedef ngx_int_t (*ngx_http_genai_report_pt)(
    ngx_http_genai_report_t *report);

struct ngx_http_genai_report_s {
    ngx_http_request_t             *request;
    ngx_http_genai_report_pt        fill;
    void                           *data;       /* of fill() */

    u_char                         *start;
    u_char                         *last;
    u_char                         *end;

    ngx_buf_t                       buf;        /* what of it is to be sent */
    ngx_event_t                     turn;
    unsigned                        done:1;
};


/* a piece, in bytes, that has room in what is left of the buffer */
#define ngx_http_genai_report_room(report, size)                              \
    ((size_t) ((report)->end - (report)->last) >= (size_t) (size))


/* ngx_http_genai_report.c */

/*
 * What every report begins with.  Returns NGX_OK, or what the content handler
 * returns: the request was answered, as it is neither GET nor HEAD.
 */
ngx_int_t ngx_http_genai_report_begin(ngx_http_request_t *r);

/*
 * Sends a report, as a content handler: type is its Content-Type, of which
 * the first len bytes are the type itself.
 */
ngx_int_t ngx_http_genai_report_send(ngx_http_request_t *r, ngx_str_t *type,
    size_t len, ngx_http_genai_report_pt fill, void *data);

/*
 * Sends one small JSON text with a status, as a content handler; at most
 * NGX_HTTP_GENAI_REPORT_TEXT bytes of it.
 */
#define NGX_HTTP_GENAI_REPORT_TEXT  2048

ngx_int_t ngx_http_genai_report_text(ngx_http_request_t *r,
    ngx_uint_t status, const char *fmt, ...);

/* The same with {"error":{...}}; the message is a static text, in JSON. */
ngx_int_t ngx_http_genai_report_error(ngx_http_request_t *r,
    ngx_uint_t status, const char *word, const char *message);

/*
 * Writes a text between quotes, these included: those of JSON, or those of a
 * label, which are the same.  What is no UTF-8 and control characters are
 * shown as "?".  Room for NGX_HTTP_GENAI_REPORT_QUOTED(len) bytes is needed;
 * of a longer text the first GENAI_POLICY_TEXT_MAX bytes are written.
 */
#define NGX_HTTP_GENAI_REPORT_QUOTED(len)  (2 * (len) + 2)

u_char *ngx_http_genai_report_quote(u_char *p, u_char *data, size_t len);


/* ngx_http_genai_metrics_text.c, ngx_http_genai_usage.c: content handlers */

ngx_int_t ngx_http_genai_metrics_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_genai_usage_handler(ngx_http_request_t *r);


/* where a text of metrics is */
typedef struct {
    ngx_http_genai_metrics_t       *metrics;
    ngx_uint_t                      family;
    ngx_uint_t                      index;      /* of the next entry */
    ngx_uint_t                      part;       /* of that entry */
    ngx_uint_t                      begun;      /* HELP and TYPE are written */
    ngx_uint_t                      budget;
    int64_t                         gauges[NGX_HTTP_GENAI_GAUGES];
} ngx_http_genai_metrics_text_t;

/* Writes HELP and TYPE of a family; likewise, and its only value. */
void ngx_http_genai_metrics_text_head(ngx_http_genai_report_t *report,
    const char *name, const char *type, const char *help);
void ngx_http_genai_metrics_text_value(ngx_http_genai_report_t *report,
    const char *name, const char *type, const char *help, uint64_t value);

/*
 * The entry of a table at text->index or behind it; NULL at the end, or of
 * the turn's budget.
 */
ngx_http_genai_entry_t *ngx_http_genai_metrics_text_next(
    ngx_http_genai_metrics_text_t *text, ngx_http_genai_table_t *t);

/* ngx_http_genai_metrics_count.c */

ngx_int_t ngx_http_genai_metrics_text_counts(ngx_http_genai_report_t *report,
    ngx_http_genai_metrics_text_t *text, ngx_uint_t data);
ngx_int_t ngx_http_genai_metrics_text_compared(
    ngx_http_genai_report_t *report, ngx_http_genai_metrics_text_t *text,
    ngx_uint_t data);
ngx_int_t ngx_http_genai_metrics_text_factors(
    ngx_http_genai_report_t *report, ngx_http_genai_metrics_text_t *text,
    ngx_uint_t data);


/*
 * ngx_http_genai_metrics_limit.c: what limits did, a family for each number
 * below this one; and what was used beyond them
 */
#define NGX_HTTP_GENAI_LIMIT_FAMILIES  5

ngx_int_t ngx_http_genai_metrics_text_limits(ngx_http_genai_report_t *report,
    ngx_http_genai_metrics_text_t *text, ngx_uint_t data);
ngx_int_t ngx_http_genai_metrics_text_overruns(
    ngx_http_genai_report_t *report, ngx_http_genai_metrics_text_t *text,
    ngx_uint_t data);


/*
 * ngx_http_genai_metrics_state.c: families of what is at present.  Each goes
 * on where *text is and returns NGX_OK at its end, or NGX_AGAIN when the
 * buffer, or what may be done in a turn, is used up.
 */

/* families that come together and have few lines */
#define NGX_HTTP_GENAI_METRICS_GROUP   12288

ngx_int_t ngx_http_genai_metrics_text_workers(
    ngx_http_genai_report_t *report, ngx_http_genai_metrics_text_t *text,
    ngx_uint_t data);
ngx_int_t ngx_http_genai_metrics_text_policy(
    ngx_http_genai_report_t *report, ngx_http_genai_metrics_text_t *text,
    ngx_uint_t data);
ngx_int_t ngx_http_genai_metrics_text_books(
    ngx_http_genai_report_t *report, ngx_http_genai_metrics_text_t *text,
    ngx_uint_t data);
ngx_int_t ngx_http_genai_metrics_text_zone(
    ngx_http_genai_report_t *report, ngx_http_genai_metrics_text_t *text,
    ngx_uint_t data);


#endif /* _NGX_HTTP_GENAI_REPORT_INT_H_INCLUDED_ */
