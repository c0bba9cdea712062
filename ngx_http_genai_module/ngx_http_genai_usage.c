
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * genai_usage: the totals of the books by day, team, user, key and model, as
 * JSON or CSV, all rows or those that are asked for.
 */


#include "ngx_http_genai_report_int.h"
#include "genai_books_print.h"


/* rows that one turn may read, and bytes that one needs at most */
#define NGX_HTTP_GENAI_USAGE_ROWS  512
#define NGX_HTTP_GENAI_USAGE_ROW                                              \
    (4 * NGX_HTTP_GENAI_REPORT_QUOTED(GENAI_BOOKS_TEXT_MAX)                   \
     + 10 * (NGX_INT64_LEN + 24) + 128)


typedef enum {
    NGX_HTTP_GENAI_USAGE_TEAM = 0,
    NGX_HTTP_GENAI_USAGE_USER,
    NGX_HTTP_GENAI_USAGE_KEY,
    NGX_HTTP_GENAI_USAGE_MODEL,
    NGX_HTTP_GENAI_USAGE_IDS,

    NGX_HTTP_GENAI_USAGE_FROM = NGX_HTTP_GENAI_USAGE_IDS,
    NGX_HTTP_GENAI_USAGE_TO,
    NGX_HTTP_GENAI_USAGE_FORMAT,
    NGX_HTTP_GENAI_USAGE_ARGS
} ngx_http_genai_usage_arg_e;


typedef struct {
    uint64_t                        cursor;
    genai_totals_t                  totals;     /* of the rows that are shown */
    ngx_uint_t                      rows;

    ngx_str_t                       args[NGX_HTTP_GENAI_USAGE_ARGS];
    int32_t                         from;       /* days */
    int32_t                         to;

    unsigned                        begun:1;
    unsigned                        csv:1;
} ngx_http_genai_usage_report_t;


static const char *ngx_http_genai_usage_args(ngx_http_request_t *r,
    ngx_http_genai_usage_report_t *usage);
static const char *ngx_http_genai_usage_arg(ngx_http_request_t *r,
    ngx_http_genai_usage_report_t *usage, u_char *p, u_char *last);
static ngx_int_t ngx_http_genai_usage_date(ngx_str_t *text, int32_t *day);
static ngx_uint_t ngx_http_genai_usage_accept(ngx_http_request_t *r);
static ngx_int_t ngx_http_genai_usage_fill(ngx_http_genai_report_t *report);
static ngx_uint_t ngx_http_genai_usage_wanted(
    ngx_http_genai_usage_report_t *usage, genai_account_t *account);
static void ngx_http_genai_usage_add(genai_totals_t *to, genai_totals_t *t);


/* in the order of ngx_http_genai_usage_arg_e */

static ngx_str_t  ngx_http_genai_usage_names[NGX_HTTP_GENAI_USAGE_ARGS] = {
    ngx_string("team"),
    ngx_string("user"),
    ngx_string("key"),
    ngx_string("model"),
    ngx_string("from"),
    ngx_string("to"),
    ngx_string("format")
};


static ngx_str_t  ngx_http_genai_usage_type = ngx_string("application/json");
static ngx_str_t  ngx_http_genai_usage_csv_type =
    ngx_string("text/csv; charset=utf-8; header=present");


static ngx_str_t  ngx_http_genai_usage_head =
    ngx_string(GENAI_BOOKS_CSV_HEAD CRLF);


ngx_int_t
ngx_http_genai_usage_handler(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_str_t                      *type;
    const char                     *problem;
    ngx_http_genai_main_conf_t     *mcf;
    ngx_http_genai_usage_report_t  *usage;

    rc = ngx_http_genai_report_begin(r);

    if (rc != NGX_OK || r->header_sent) {
        return rc;
    }

    usage = ngx_pcalloc(r->pool, sizeof(ngx_http_genai_usage_report_t));
    if (usage == NULL) {
        return NGX_ERROR;
    }

    problem = ngx_http_genai_usage_args(r, usage);

    if (problem) {
        return ngx_http_genai_report_error(r, NGX_HTTP_BAD_REQUEST,
                                           "caller_bad_request", problem);
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_genai_module);

    if (ngx_http_genai_books_joined() == NULL || mcf->books_failed) {
        return ngx_http_genai_report_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                           "gateway_config",
                                           "there are no books to read, the "
                                           "error log says why");
    }

    type = usage->csv ? &ngx_http_genai_usage_csv_type
                      : &ngx_http_genai_usage_type;

    return ngx_http_genai_report_send(r, type,
                                      usage->csv ? sizeof("text/csv") - 1
                                                 : type->len,
                                      ngx_http_genai_usage_fill, usage);
}


/* returns what is wrong, a static text in JSON, or NULL */

static const char *
ngx_http_genai_usage_args(ngx_http_request_t *r,
    ngx_http_genai_usage_report_t *usage)
{
    u_char      *p, *last, *end;
    ngx_str_t   *format;
    const char  *problem;

    end = r->args.data + r->args.len;

    for (p = r->args.data; p < end; p = last + 1) {

        last = ngx_strlchr(p, end, '&');

        if (last == NULL) {
            last = end;
        }

        if (p < last) {
            problem = ngx_http_genai_usage_arg(r, usage, p, last);

            if (problem) {
                return problem;
            }
        }
    }

    usage->from = INT32_MIN;
    usage->to = INT32_MAX;

    if (ngx_http_genai_usage_date(&usage->args[NGX_HTTP_GENAI_USAGE_FROM],
                                  &usage->from)
        != NGX_OK
        || ngx_http_genai_usage_date(&usage->args[NGX_HTTP_GENAI_USAGE_TO],
                                     &usage->to)
           != NGX_OK)
    {
        return "from and to are dates, such as 2026-11-30";
    }

    if (usage->from > usage->to) {
        return "from is after to";
    }

    format = &usage->args[NGX_HTTP_GENAI_USAGE_FORMAT];

    if (format->data == NULL) {
        usage->csv = ngx_http_genai_usage_accept(r);
        return NULL;
    }

    if (format->len == 3 && ngx_strncmp(format->data, "csv", 3) == 0) {
        usage->csv = 1;
        return NULL;
    }

    if (format->len == 4 && ngx_strncmp(format->data, "json", 4) == 0) {
        return NULL;
    }

    return "format is json or csv";
}


static const char *
ngx_http_genai_usage_arg(ngx_http_request_t *r,
    ngx_http_genai_usage_report_t *usage, u_char *p, u_char *last)
{
    u_char      *value, *dst, *src;
    ngx_uint_t   i;

    value = ngx_strlchr(p, last, '=');

    if (value == NULL) {
        return "a parameter has no value, write it as NAME=VALUE";
    }

    for (i = 0; i < NGX_HTTP_GENAI_USAGE_ARGS; i++) {
        if (ngx_http_genai_usage_names[i].len == (size_t) (value - p)
            && ngx_strncmp(ngx_http_genai_usage_names[i].data, p, value - p)
               == 0)
        {
            break;
        }
    }

    if (i == NGX_HTTP_GENAI_USAGE_ARGS) {
        return "unknown parameter, there are from, to, team, user, key, "
               "model and format";
    }

    if (usage->args[i].data) {
        return "a parameter stands there twice";
    }

    value++;

    dst = ngx_pnalloc(r->pool, last - value + 1);
    if (dst == NULL) {
        return "out of memory";
    }

    usage->args[i].data = dst;

    /* a plus is a blank, as forms have it; the query itself is for the log */

    for (src = value; src < last; src++) {
        *dst++ = (*src == '+') ? ' ' : *src;
    }

    last = dst;
    src = usage->args[i].data;
    dst = src;

    ngx_unescape_uri(&dst, &src, last - src, 0);

    usage->args[i].len = dst - usage->args[i].data;

    return NULL;
}


static ngx_int_t
ngx_http_genai_usage_date(ngx_str_t *text, int32_t *day)
{
    int         y, m, d, ty, tm, td;
    u_char     *p;
    ngx_int_t   year, month, mday;

    if (text->data == NULL) {
        return NGX_OK;
    }

    p = text->data;

    if (text->len != 10 || p[4] != '-' || p[7] != '-') {
        return NGX_ERROR;
    }

    year = ngx_atoi(p, 4);
    month = ngx_atoi(p + 5, 2);
    mday = ngx_atoi(p + 8, 2);

    if (year < 1 || month < 1 || month > 12 || mday < 1 || mday > 31) {
        return NGX_ERROR;
    }

    y = (int) year;
    m = (int) month;
    d = (int) mday;

    *day = genai_timezone_days(y, m, d);

    /* there is no 30th of February */

    genai_timezone_date(*day, &ty, &tm, &td);

    return (ty == y && tm == m && td == d) ? NGX_OK : NGX_ERROR;
}


static ngx_uint_t
ngx_http_genai_usage_accept(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    i = 0;
    part = &r->headers_in.headers.part;

    while ((h = ngx_http_genai_next_header(&part, &i)) != NULL) {
        if (h->key.len == sizeof("accept") - 1
            && ngx_strncmp(h->lowcase_key, "accept", 6) == 0
            && ngx_strlcasestrn(h->value.data, h->value.data + h->value.len,
                                (u_char *) "text/csv", 8 - 1))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_genai_usage_fill(ngx_http_genai_report_t *report)
{
    int                             rc;
    ngx_uint_t                      n;
    genai_books_t                  *books;
    genai_totals_t                  totals;
    genai_account_t                 account;
    ngx_http_genai_usage_report_t  *usage;

    usage = report->data;
    books = ngx_http_genai_books_joined();

    if (books == NULL) {
        return NGX_ERROR;
    }

    if (!usage->begun) {
        usage->begun = 1;

        report->last = usage->csv
                       ? ngx_cpymem(report->last,
                                    ngx_http_genai_usage_head.data,
                                    ngx_http_genai_usage_head.len)
                       : ngx_sprintf(report->last, "{\"rows\":[");
    }

    for (n = 0; n < NGX_HTTP_GENAI_USAGE_ROWS; n++) {

        if (!ngx_http_genai_report_room(report, NGX_HTTP_GENAI_USAGE_ROW)) {
            return NGX_AGAIN;
        }

        rc = genai_books_row(books, &usage->cursor, &account, &totals);

        if (rc < 0) {
            return NGX_AGAIN;
        }

        if (rc == 0) {

            if (!usage->csv) {
                report->last = ngx_sprintf(report->last, "\n],\"totals\":{");
                report->last = genai_books_print_totals(report->last,
                                                        &usage->totals);
                report->last = ngx_sprintf(report->last, "}}\n");
            }

            return NGX_OK;
        }

        if (!ngx_http_genai_usage_wanted(usage, &account)) {
            continue;
        }

        ngx_http_genai_usage_add(&usage->totals, &totals);

        if (usage->csv) {
            report->last = genai_books_print_csv(report->last, &account,
                                                 &totals);
            *report->last++ = CR;
            *report->last++ = LF;

        } else {
            if (usage->rows) {
                *report->last++ = ',';
            }

            *report->last++ = LF;
            report->last = genai_books_print_json(report->last, &account,
                                                  &totals);
        }

        usage->rows++;
    }

    return NGX_AGAIN;
}


static ngx_uint_t
ngx_http_genai_usage_wanted(ngx_http_genai_usage_report_t *usage,
    genai_account_t *account)
{
    ngx_str_t    *arg;
    ngx_uint_t    i;
    genai_str_t  *ids[NGX_HTTP_GENAI_USAGE_IDS];

    if (account->day < usage->from || account->day > usage->to) {
        return 0;
    }

    ids[NGX_HTTP_GENAI_USAGE_TEAM] = &account->team;
    ids[NGX_HTTP_GENAI_USAGE_USER] = &account->user;
    ids[NGX_HTTP_GENAI_USAGE_KEY] = &account->key;
    ids[NGX_HTTP_GENAI_USAGE_MODEL] = &account->model;

    for (i = 0; i < NGX_HTTP_GENAI_USAGE_IDS; i++) {

        arg = &usage->args[i];

        if (arg->data
            && (arg->len != ids[i]->len
                || ngx_memcmp(arg->data, ids[i]->data, arg->len) != 0))
        {
            return 0;
        }
    }

    return 1;
}


static void
ngx_http_genai_usage_add(genai_totals_t *to, genai_totals_t *t)
{
    to->exchanges += t->exchanges;
    to->failed += t->failed;
    to->orphans += t->orphans;
    to->estimated += t->estimated;
    to->attempts += t->attempts;
    to->prompt += t->prompt;
    to->cached += t->cached;
    to->completion += t->completion;
    to->reasoning += t->reasoning;
    to->cost += t->cost;
}
