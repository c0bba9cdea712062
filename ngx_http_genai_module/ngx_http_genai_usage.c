
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * genai_usage: the totals of the books by day, team, user, key and model, and
 * the counters of limits, as JSON or CSV, all of them or what is asked for.
 */


#include "ngx_http_genai_report_int.h"
#include "genai_books_print.h"


/* rows that one turn may read, and bytes that one needs at most */
#define NGX_HTTP_GENAI_USAGE_ROWS  512
#define NGX_HTTP_GENAI_USAGE_ROW                                              \
    (4 * NGX_HTTP_GENAI_REPORT_QUOTED(GENAI_BOOKS_TEXT_MAX)                   \
     + 10 * (NGX_INT64_LEN + 24) + 128)

/* the same of a counter of a limit; it takes of the turn like so many others
   that are only read */
#define NGX_HTTP_GENAI_USAGE_LIMIT  (GENAI_BOOKS_LIMIT_LINE + 32)
#define NGX_HTTP_GENAI_USAGE_SHOWN  8


typedef enum {
    NGX_HTTP_GENAI_USAGE_TEAM = 0,
    NGX_HTTP_GENAI_USAGE_USER,
    NGX_HTTP_GENAI_USAGE_KEY,
    NGX_HTTP_GENAI_USAGE_MODEL,
    NGX_HTTP_GENAI_USAGE_IDS,

    NGX_HTTP_GENAI_USAGE_FROM = NGX_HTTP_GENAI_USAGE_IDS,
    NGX_HTTP_GENAI_USAGE_TO,
    NGX_HTTP_GENAI_USAGE_FORMAT,
    NGX_HTTP_GENAI_USAGE_SHOW,
    NGX_HTTP_GENAI_USAGE_OWNER,
    NGX_HTTP_GENAI_USAGE_ARGS
} ngx_http_genai_usage_arg_e;


typedef struct {
    uint64_t                        cursor;
    genai_totals_t                  totals;     /* of the rows that are shown */
    ngx_uint_t                      rows;

    ngx_str_t                       args[NGX_HTTP_GENAI_USAGE_ARGS];
    int32_t                         from;       /* days */
    int32_t                         to;
    ngx_uint_t                      owner;      /* GENAI_OWNERS is any, but of
                                                   directives */

    unsigned                        begun:1;
    unsigned                        csv:1;
    unsigned                        show_rows:1;    /* are still to come */
    unsigned                        show_limits:1;
} ngx_http_genai_usage_report_t;


static const char *ngx_http_genai_usage_args(ngx_http_request_t *r,
    ngx_http_genai_usage_report_t *usage);
static const char *ngx_http_genai_usage_arg(ngx_http_request_t *r,
    ngx_http_genai_usage_report_t *usage, u_char *p, u_char *last);
static const char *ngx_http_genai_usage_show(
    ngx_http_genai_usage_report_t *usage);
static ngx_uint_t ngx_http_genai_usage_is(ngx_str_t *arg, const char *word);
static ngx_int_t ngx_http_genai_usage_date(ngx_str_t *text, int32_t *day);
static ngx_uint_t ngx_http_genai_usage_accept(ngx_http_request_t *r);
static ngx_int_t ngx_http_genai_usage_fill(ngx_http_genai_report_t *report);
static ngx_int_t ngx_http_genai_usage_rows(ngx_http_genai_report_t *report,
    genai_books_t *books, ngx_uint_t *budget);
static ngx_int_t ngx_http_genai_usage_limits(ngx_http_genai_report_t *report,
    genai_books_t *books, ngx_uint_t *budget);
static ngx_uint_t ngx_http_genai_usage_wanted(
    ngx_http_genai_usage_report_t *usage, genai_account_t *account);
static ngx_uint_t ngx_http_genai_usage_limit_wanted(
    ngx_http_genai_usage_report_t *usage, genai_limit_state_t *counter);
static void ngx_http_genai_usage_add(genai_totals_t *to, genai_totals_t *t);


/* in the order of ngx_http_genai_usage_arg_e */

static ngx_str_t  ngx_http_genai_usage_names[NGX_HTTP_GENAI_USAGE_ARGS] = {
    ngx_string("team"),
    ngx_string("user"),
    ngx_string("key"),
    ngx_string("model"),
    ngx_string("from"),
    ngx_string("to"),
    ngx_string("format"),
    ngx_string("show"),
    ngx_string("owner")
};


static ngx_str_t  ngx_http_genai_usage_type = ngx_string("application/json");
static ngx_str_t  ngx_http_genai_usage_csv_type =
    ngx_string("text/csv; charset=utf-8; header=present");


static ngx_str_t  ngx_http_genai_usage_head =
    ngx_string(GENAI_BOOKS_CSV_HEAD CRLF);
static ngx_str_t  ngx_http_genai_usage_limit_head =
    ngx_string(GENAI_BOOKS_LIMIT_CSV_HEAD CRLF);


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

    } else if (ngx_http_genai_usage_is(format, "csv")) {
        usage->csv = 1;

    } else if (!ngx_http_genai_usage_is(format, "json")) {
        return "format is json or csv";
    }

    return ngx_http_genai_usage_show(usage);
}


static const char *
ngx_http_genai_usage_show(ngx_http_genai_usage_report_t *usage)
{
    ngx_str_t   *show, *owner;

    show = &usage->args[NGX_HTTP_GENAI_USAGE_SHOW];

    if (show->data == NULL) {

        /* a table of CSV has one kind of records */

        usage->show_rows = 1;
        usage->show_limits = !usage->csv;

    } else if (ngx_http_genai_usage_is(show, "rows")) {
        usage->show_rows = 1;

    } else if (ngx_http_genai_usage_is(show, "limits")) {
        usage->show_limits = 1;

    } else {
        return "show is rows or limits";
    }

    owner = &usage->args[NGX_HTTP_GENAI_USAGE_OWNER];
    usage->owner = GENAI_OWNERS;

    if (owner->data == NULL) {
        return NULL;
    }

    for (usage->owner = 0; usage->owner < GENAI_OWNERS; usage->owner++) {
        if (ngx_http_genai_usage_is(owner,
                                    genai_books_print_owner(usage->owner)))
        {
            return NULL;
        }
    }

    return "owner is key, user, team, plan, model or directive";
}


static ngx_uint_t
ngx_http_genai_usage_is(ngx_str_t *arg, const char *word)
{
    return arg->len == ngx_strlen(word)
           && ngx_strncmp(arg->data, word, arg->len) == 0;
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
               "model, format, show and owner";
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
    ngx_int_t                       rc;
    ngx_uint_t                      budget;
    genai_books_t                  *books;
    ngx_http_genai_usage_report_t  *usage;

    usage = report->data;
    books = ngx_http_genai_books_joined();

    if (books == NULL) {
        return NGX_ERROR;
    }

    if (!usage->begun) {
        usage->begun = 1;

        if (!usage->csv) {
            *report->last++ = '{';

        } else if (usage->show_rows) {
            report->last = ngx_cpymem(report->last,
                                      ngx_http_genai_usage_head.data,
                                      ngx_http_genai_usage_head.len);
        } else {
            report->last = ngx_cpymem(report->last,
                                      ngx_http_genai_usage_limit_head.data,
                                      ngx_http_genai_usage_limit_head.len);
        }

        if (!usage->csv) {
            report->last = ngx_sprintf(report->last, "\"%s\":[",
                                       usage->show_rows ? "rows" : "limits");
        }
    }

    budget = NGX_HTTP_GENAI_USAGE_ROWS;

    if (usage->show_rows) {
        rc = ngx_http_genai_usage_rows(report, books, &budget);

        if (rc != NGX_OK) {
            return rc;
        }

        usage->show_rows = 0;
        usage->cursor = 0;
        usage->rows = 0;
    }

    if (usage->show_limits) {
        return ngx_http_genai_usage_limits(report, books, &budget);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_usage_rows(ngx_http_genai_report_t *report,
    genai_books_t *books, ngx_uint_t *budget)
{
    int                             rc;
    genai_totals_t                  totals;
    genai_account_t                 account;
    ngx_http_genai_usage_report_t  *usage;

    usage = report->data;

    while (*budget) {

        (*budget)--;

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
                report->last = ngx_sprintf(report->last,
                                           usage->show_limits
                                           ? "},\"limits\":[" : "}}\n");
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


static ngx_int_t
ngx_http_genai_usage_limits(ngx_http_genai_report_t *report,
    genai_books_t *books, ngx_uint_t *budget)
{
    int                             rc;
    genai_limit_state_t             counter;
    ngx_http_genai_usage_report_t  *usage;

    usage = report->data;

    while (*budget) {

        (*budget)--;

        if (!ngx_http_genai_report_room(report, NGX_HTTP_GENAI_USAGE_LIMIT)) {
            return NGX_AGAIN;
        }

        rc = genai_books_counter(books, &usage->cursor, &counter);

        if (rc < 0) {
            return NGX_AGAIN;
        }

        if (rc == 0) {

            if (!usage->csv) {
                report->last = ngx_sprintf(report->last, "\n]}\n");
            }

            return NGX_OK;
        }

        if (!ngx_http_genai_usage_limit_wanted(usage, &counter)) {
            continue;
        }

        *budget -= ngx_min(*budget, NGX_HTTP_GENAI_USAGE_SHOWN - 1);

        if (usage->csv) {
            report->last = genai_books_print_limit_csv(report->last,
                                                       &counter);
            *report->last++ = CR;
            *report->last++ = LF;

        } else {
            if (usage->rows) {
                *report->last++ = ',';
            }

            *report->last++ = LF;
            report->last = genai_books_print_limit_json(report->last,
                                                        &counter);
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


/* those of any of the ids that are asked for, or all where none is */

static ngx_uint_t
ngx_http_genai_usage_limit_wanted(ngx_http_genai_usage_report_t *usage,
    genai_limit_state_t *counter)
{
    ngx_str_t    *arg;
    ngx_uint_t    i, asked;
    genai_str_t  *id;

    /* by genai_owner_e; the others are of no id that can be asked for */

    static const ngx_uint_t  ids[GENAI_OWNER_DIRECTIVE] = {
        NGX_HTTP_GENAI_USAGE_KEY,
        NGX_HTTP_GENAI_USAGE_USER,
        NGX_HTTP_GENAI_USAGE_TEAM,
        NGX_HTTP_GENAI_USAGE_KEY,
        NGX_HTTP_GENAI_USAGE_MODEL
    };

    if (usage->owner == GENAI_OWNERS) {

        /* one for each address of a client, perhaps */

        if (counter->owner == GENAI_OWNER_DIRECTIVE) {
            return 0;
        }

    } else if (counter->owner != usage->owner) {
        return 0;
    }

    asked = 0;

    for (i = 0; i < NGX_HTTP_GENAI_USAGE_IDS; i++) {
        asked |= (usage->args[i].data != NULL);
    }

    if (!asked || counter->owner >= GENAI_OWNER_DIRECTIVE) {
        return !asked;
    }

    arg = &usage->args[ids[counter->owner]];
    id = (counter->owner == GENAI_OWNER_PLAN) ? &counter->key : &counter->name;

    return arg->data && arg->len == id->len
           && ngx_memcmp(arg->data, id->data, arg->len) == 0;
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
