
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * genai_metrics: what was measured, in Prometheus' text format 0.0.4.
 *
 * A family of metrics is one piece of the text, with its HELP and TYPE once
 * and all of its series.  Families called gen_ai_* are those of
 * OpenTelemetry's conventions for generative AI, with the names of labels
 * that these have; the others are genai_*.
 */


#include "ngx_http_genai_report_int.h"
#include "ngx_http_genai_metrics_int.h"


/* what one turn may look at: places that are free are little work, entries
   that have nothing to show are more, lines end with the buffer */
#define NGX_HTTP_GENAI_METRICS_BUDGET  65536
#define NGX_HTTP_GENAI_METRICS_ENTRY   64

/* bytes of all labels of an entry, and what a line has beside them */
#define NGX_HTTP_GENAI_METRICS_LABELS                                         \
    (NGX_HTTP_GENAI_LABELS                                                    \
     * (NGX_HTTP_GENAI_REPORT_QUOTED(NGX_HTTP_GENAI_LABEL_MAX) + 32) + 128)
#define NGX_HTTP_GENAI_METRICS_LINE    160

/* HELP and TYPE */
#define NGX_HTTP_GENAI_METRICS_HEAD    512


typedef ngx_int_t (*ngx_http_genai_family_pt)(
    ngx_http_genai_report_t *report, ngx_http_genai_metrics_text_t *text,
    ngx_uint_t data);


static ngx_int_t ngx_http_genai_metrics_fill(ngx_http_genai_report_t *report);
static ngx_int_t ngx_http_genai_metrics_text_exchanges(
    ngx_http_genai_report_t *report, ngx_http_genai_metrics_text_t *text,
    ngx_uint_t data);
static ngx_int_t ngx_http_genai_metrics_text_tokens(
    ngx_http_genai_report_t *report, ngx_http_genai_metrics_text_t *text,
    ngx_uint_t data);
static ngx_int_t ngx_http_genai_metrics_text_usage(
    ngx_http_genai_report_t *report, ngx_http_genai_metrics_text_t *text,
    ngx_uint_t data);
static ngx_int_t ngx_http_genai_metrics_text_own(
    ngx_http_genai_report_t *report, ngx_http_genai_metrics_text_t *text,
    ngx_uint_t data);
static size_t ngx_http_genai_metrics_text_labels(u_char *buf,
    const char *const *names, ngx_http_genai_label_t *labels, ngx_uint_t n,
    const char *name, const genai_str_t *endpoint);
static const genai_str_t *ngx_http_genai_metrics_text_operation(
    ngx_uint_t endpoint);
static void ngx_http_genai_metrics_text_histogram(
    ngx_http_genai_report_t *report, const char *name, ngx_str_t *labels,
    ngx_http_genai_histogram_t *h, const ngx_http_genai_bounds_t *bounds);
static uint64_t ngx_http_genai_metrics_text_count(
    ngx_http_genai_histogram_t *h, const ngx_http_genai_bounds_t *bounds);


static const struct {
    ngx_http_genai_family_pt        write;
    ngx_uint_t                      data;
} ngx_http_genai_families[] = {
    { ngx_http_genai_metrics_text_exchanges, 0 },
    { ngx_http_genai_metrics_text_tokens, 0 },
    { ngx_http_genai_metrics_text_tokens, 1 },
    { ngx_http_genai_metrics_text_tokens, 2 },
    { ngx_http_genai_metrics_text_usage, 0 },
    { ngx_http_genai_metrics_text_usage, 1 },
    { ngx_http_genai_metrics_text_usage, 2 },
    { ngx_http_genai_metrics_text_usage, 3 },
    { ngx_http_genai_metrics_text_own, 0 },
    { ngx_http_genai_metrics_text_counts, 0 },
    { ngx_http_genai_metrics_text_compared, 0 },
    { ngx_http_genai_metrics_text_compared, 1 },
    { ngx_http_genai_metrics_text_compared, 2 },
    { ngx_http_genai_metrics_text_factors, 0 },
    { ngx_http_genai_metrics_text_factors, 1 },
    { ngx_http_genai_metrics_text_limits, 0 },
    { ngx_http_genai_metrics_text_limits, 1 },
    { ngx_http_genai_metrics_text_limits, 2 },
    { ngx_http_genai_metrics_text_limits, 3 },
    { ngx_http_genai_metrics_text_limits, 4 },
    { ngx_http_genai_metrics_text_overruns, 0 },
    { ngx_http_genai_metrics_text_workers, 0 },
    { ngx_http_genai_metrics_text_policy, 0 },
    { ngx_http_genai_metrics_text_books, 0 },
    { ngx_http_genai_metrics_text_zone, 0 },
    { NULL, 0 }
};


/* in the order of ngx_http_genai_label_e */

static const char *const  ngx_http_genai_label_names[] = {
    "team", "model", "target", "provider"
};

static const char *const  ngx_http_genai_label_otel_names[] = {
    "team", "gen_ai_request_model", "target", "gen_ai_provider_name"
};


static const struct {
    const char                     *name;
    const char                     *help;
    ngx_http_genai_token_e          kinds[2];
    const char                     *values[2];      /* of the label "kind" */
} ngx_http_genai_tokens_families[] = {
    { "genai_tokens_total", "Tokens of requests, cached ones included, and "
      "of answers, reasoning ones included.",
      { NGX_HTTP_GENAI_TOKENS_INPUT, NGX_HTTP_GENAI_TOKENS_OUTPUT },
      { "input", "output" } },
    { "genai_cached_tokens_total", "Tokens of requests that the provider had "
      "in its cache.",
      { NGX_HTTP_GENAI_TOKENS_CACHED, NGX_HTTP_GENAI_TOKENS_CACHED },
      { "input", NULL } },
    { "genai_reasoning_tokens_total", "Tokens of answers that are reasoning.",
      { NGX_HTTP_GENAI_TOKENS_REASONING, NGX_HTTP_GENAI_TOKENS_REASONING },
      { "output", NULL } }
};


static const struct {
    const char                     *name;
    const char                     *help;
    const ngx_http_genai_bounds_t  *bounds;
    size_t                          offsets[2];
    const char                     *labels[2];      /* further ones */
} ngx_http_genai_usage_families[] = {
    { "gen_ai_client_token_usage",
      "Tokens of an exchange, by gen_ai_token_type.",
      &ngx_http_genai_bounds_tokens,
      { offsetof(ngx_http_genai_usage_t, input),
        offsetof(ngx_http_genai_usage_t, output) },
      { ",gen_ai_token_type=\"input\"", ",gen_ai_token_type=\"output\"" } },
    { "gen_ai_server_time_to_first_token_seconds",
      "Time to the first token of exchanges without an error.",
      &ngx_http_genai_bounds_ttft,
      { offsetof(ngx_http_genai_usage_t, ttft), 0 }, { "", NULL } },
    { "gen_ai_server_time_per_output_token_seconds",
      "Time per token after the first one of exchanges without an error.",
      &ngx_http_genai_bounds_per_token,
      { offsetof(ngx_http_genai_usage_t, per_token), 0 }, { "", NULL } },
    { "gen_ai_server_request_duration_seconds",
      "Time of exchanges without an error.",
      &ngx_http_genai_bounds_duration,
      { offsetof(ngx_http_genai_usage_t, duration), 0 }, { "", NULL } }
};


static ngx_str_t  ngx_http_genai_metrics_type =
    ngx_string("text/plain; version=0.0.4; charset=utf-8");


ngx_int_t
ngx_http_genai_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_http_genai_metrics_text_t  *text;

    rc = ngx_http_genai_report_begin(r);

    if (rc != NGX_OK || r->header_sent) {
        return rc;
    }

    text = ngx_pcalloc(r->pool, sizeof(ngx_http_genai_metrics_text_t));
    if (text == NULL) {
        return NGX_ERROR;
    }

    text->metrics = ngx_http_genai_metrics_get();

    if (text->metrics == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_genai_report_send(r, &ngx_http_genai_metrics_type,
                                      sizeof("text/plain") - 1,
                                      ngx_http_genai_metrics_fill, text);
}


static ngx_int_t
ngx_http_genai_metrics_fill(ngx_http_genai_report_t *report)
{
    ngx_uint_t                      i;
    ngx_http_genai_metrics_text_t  *text;

    text = report->data;
    text->budget = NGX_HTTP_GENAI_METRICS_BUDGET;

    while (ngx_http_genai_families[text->family].write) {

        i = text->family;

        if (ngx_http_genai_families[i].write(report, text,
                                             ngx_http_genai_families[i].data)
            == NGX_AGAIN)
        {
            return NGX_AGAIN;
        }

        text->family++;
        text->index = 0;
        text->begun = 0;
    }

    return NGX_OK;
}


ngx_http_genai_entry_t *
ngx_http_genai_metrics_text_next(ngx_http_genai_metrics_text_t *text,
    ngx_http_genai_table_t *t)
{
    ngx_http_genai_entry_t  *entry;

    while (text->index < t->n && text->budget) {

        text->budget--;

        entry = ngx_http_genai_metrics_entry(t, text->index);

        if (entry) {
            text->budget -= ngx_min(text->budget,
                                    NGX_HTTP_GENAI_METRICS_ENTRY);
            return entry;
        }

        text->index++;
    }

    return NULL;
}


static ngx_int_t
ngx_http_genai_metrics_text_exchanges(ngx_http_genai_report_t *report,
    ngx_http_genai_metrics_text_t *text, ngx_uint_t data)
{
    size_t                       len;
    u_char                       labels[NGX_HTTP_GENAI_METRICS_LABELS];
    uint64_t                     count;
    const genai_str_t           *error;
    ngx_http_genai_table_t      *t;
    ngx_http_genai_exchanges_t  *e;

    t = &text->metrics->exchanges;

    for ( ;; ) {
        e = (ngx_http_genai_exchanges_t *)
            ngx_http_genai_metrics_text_next(text, t);

        if (e == NULL) {
            return (text->index < t->n) ? NGX_AGAIN : NGX_OK;
        }

        count = ngx_http_genai_load(&e->count);

        if (count == 0) {
            text->index++;
            continue;
        }

        len = ngx_http_genai_metrics_text_labels(labels,
                              ngx_http_genai_label_names, e->labels,
                              NGX_HTTP_GENAI_LABEL_PROVIDER, "endpoint",
                              genai_endpoint_name(e->entry.endpoint));

        if (!ngx_http_genai_report_room(report,
                                        len + NGX_HTTP_GENAI_METRICS_LINE
                                        + NGX_HTTP_GENAI_METRICS_HEAD))
        {
            return NGX_AGAIN;
        }

        if (!text->begun) {
            text->begun = 1;
            ngx_http_genai_metrics_text_head(report, "genai_exchanges_total",
                                             "counter",
                                             "Exchanges that have ended.");
        }

        error = genai_error_word(e->entry.error);

        report->last = ngx_sprintf(report->last,
                                   "genai_exchanges_total{%*s,"
                                   "status=\"%03ui\",error=\"%*s\"} %uL\n",
                                   len, labels, (ngx_uint_t) e->entry.status,
                                   error->len, error->data, count);

        text->index++;
    }
}


static ngx_int_t
ngx_http_genai_metrics_text_tokens(ngx_http_genai_report_t *report,
    ngx_http_genai_metrics_text_t *text, ngx_uint_t data)
{
    size_t                   len;
    u_char                   labels[NGX_HTTP_GENAI_METRICS_LABELS];
    uint64_t                 n;
    ngx_uint_t               i, s, shown;
    const char              *name;
    const genai_str_t       *source;
    ngx_http_genai_table_t  *t;
    ngx_http_genai_usage_t  *u;

    t = &text->metrics->usage;
    name = ngx_http_genai_tokens_families[data].name;

    for ( ;; ) {
        u = (ngx_http_genai_usage_t *)
            ngx_http_genai_metrics_text_next(text, t);

        if (u == NULL) {
            return (text->index < t->n) ? NGX_AGAIN : NGX_OK;
        }

        len = ngx_http_genai_metrics_text_labels(labels,
                              ngx_http_genai_label_names, u->labels,
                              NGX_HTTP_GENAI_LABELS, "endpoint",
                              genai_endpoint_name(u->entry.endpoint));

        if (!ngx_http_genai_report_room(report,
                                        2 * NGX_HTTP_GENAI_SOURCES
                                        * (len + NGX_HTTP_GENAI_METRICS_LINE)
                                        + NGX_HTTP_GENAI_METRICS_HEAD))
        {
            return NGX_AGAIN;
        }

        for (s = 0; s < NGX_HTTP_GENAI_SOURCES; s++) {

            shown = 0;

            for (i = 0; i < 2; i++) {

                if (ngx_http_genai_tokens_families[data].values[i] == NULL) {
                    continue;
                }

                n = ngx_http_genai_load(
                    &u->tokens[ngx_http_genai_tokens_families[data].kinds[i]]
                              [s]);

                /* an answer of 0 tokens is shown beside its request's */

                if (n == 0 && !shown) {
                    continue;
                }

                shown = 1;

                if (!text->begun) {
                    text->begun = 1;
                    ngx_http_genai_metrics_text_head(report, name, "counter",
                              ngx_http_genai_tokens_families[data].help);
                }

                source = genai_count_name(GENAI_COUNT_PROVIDER + s);

                report->last = ngx_sprintf(report->last,
                              "%s{%*s,kind=\"%s\",source=\"%*s\"} %uL\n",
                              name, len, labels,
                              ngx_http_genai_tokens_families[data].values[i],
                              source->len, source->data, n);
            }
        }

        text->index++;
    }
}


static ngx_int_t
ngx_http_genai_metrics_text_usage(ngx_http_genai_report_t *report,
    ngx_http_genai_metrics_text_t *text, ngx_uint_t data)
{
    size_t                           len;
    u_char                           labels[NGX_HTTP_GENAI_METRICS_LABELS];
    ngx_str_t                        all;
    ngx_uint_t                       i;
    const char                      *name, *more;
    ngx_http_genai_table_t          *t;
    ngx_http_genai_usage_t          *u;
    ngx_http_genai_histogram_t      *h;
    const ngx_http_genai_bounds_t   *bounds;

    t = &text->metrics->usage;
    name = ngx_http_genai_usage_families[data].name;
    bounds = ngx_http_genai_usage_families[data].bounds;

    for ( ;; ) {
        u = (ngx_http_genai_usage_t *)
            ngx_http_genai_metrics_text_next(text, t);

        if (u == NULL) {
            return (text->index < t->n) ? NGX_AGAIN : NGX_OK;
        }

        len = ngx_http_genai_metrics_text_labels(labels,
                   ngx_http_genai_label_otel_names, u->labels,
                   NGX_HTTP_GENAI_LABELS, "gen_ai_operation_name",
                   ngx_http_genai_metrics_text_operation(u->entry.endpoint));

        for ( /* void */ ; text->part < 2; text->part++) {

            i = text->part;
            more = ngx_http_genai_usage_families[data].labels[i];

            if (more == NULL) {
                break;
            }

            h = (ngx_http_genai_histogram_t *)
                ((u_char *) u
                 + ngx_http_genai_usage_families[data].offsets[i]);

            if (ngx_http_genai_metrics_text_count(h, bounds) == 0) {
                continue;
            }

            all.data = labels;
            all.len = ngx_sprintf(labels + len, "%s", more) - labels;

            if (!ngx_http_genai_report_room(report, (bounds->n + 3)
                                   * (all.len + NGX_HTTP_GENAI_METRICS_LINE)
                                   + NGX_HTTP_GENAI_METRICS_HEAD))
            {
                return NGX_AGAIN;
            }

            if (!text->begun) {
                text->begun = 1;
                ngx_http_genai_metrics_text_head(report, name, "histogram",
                                   ngx_http_genai_usage_families[data].help);
            }

            ngx_http_genai_metrics_text_histogram(report, name, &all, h,
                                                  bounds);
        }

        text->part = 0;
        text->index++;
    }
}


static ngx_int_t
ngx_http_genai_metrics_text_own(ngx_http_genai_report_t *report,
    ngx_http_genai_metrics_text_t *text, ngx_uint_t data)
{
    uint64_t                   longest;
    ngx_str_t                  labels;
    ngx_uint_t                 i;
    ngx_http_genai_metrics_t  *m;

    static ngx_str_t  parts[NGX_HTTP_GENAI_PARTS] = {
        ngx_string("part=\"identify\""),
        ngx_string("part=\"parse\""),
        ngx_string("part=\"filter\"")
    };

    if (!ngx_http_genai_report_room(report, NGX_HTTP_GENAI_METRICS_GROUP)) {
        return NGX_AGAIN;
    }

    m = text->metrics;
    longest = genai_peak_get(&m->longest, ngx_http_genai_minute());
    ngx_str_null(&labels);

    ngx_http_genai_metrics_text_head(report, "genai_overhead_seconds",
                              "histogram", "The gateway's own time for an "
                              "exchange, without waiting.");
    ngx_http_genai_metrics_text_histogram(report, "genai_overhead_seconds",
                              &labels, &m->overhead,
                              &ngx_http_genai_bounds_own);

    ngx_http_genai_metrics_text_head(report, "genai_overhead_part_seconds",
                              "histogram", "Parts of the gateway's own time "
                              "for an exchange.");

    for (i = 0; i < NGX_HTTP_GENAI_PARTS; i++) {
        ngx_http_genai_metrics_text_histogram(report,
                              "genai_overhead_part_seconds", &parts[i],
                              &m->parts[i], &ngx_http_genai_bounds_own);
    }

    ngx_http_genai_metrics_text_head(report, "genai_step_seconds",
                              "histogram", "The longest time that one step "
                              "of an exchange held the event loop.");
    ngx_http_genai_metrics_text_histogram(report, "genai_step_seconds",
                              &labels, &m->step, &ngx_http_genai_bounds_own);

    ngx_http_genai_metrics_text_head(report, "genai_step_longest_seconds",
                              "gauge", "The longest of these times in the "
                              "last one to two minutes.");
    report->last = ngx_sprintf(report->last,
                               "genai_step_longest_seconds %uL.%09uL\n",
                               longest / 1000000000, longest % 1000000000);

    ngx_http_genai_metrics_text_head(report, "genai_report_step_seconds",
                              "histogram", "CPU time of each step of "
                              "answering reports such as this one.");
    ngx_http_genai_metrics_text_histogram(report, "genai_report_step_seconds",
                              &labels, &m->report,
                              &ngx_http_genai_bounds_own);

    return NGX_OK;
}


/* what stands in the braces; returns its length */

static size_t
ngx_http_genai_metrics_text_labels(u_char *buf, const char *const *names,
    ngx_http_genai_label_t *labels, ngx_uint_t n, const char *name,
    const genai_str_t *endpoint)
{
    u_char      *p;
    ngx_uint_t   i;

    p = buf;

    for (i = 0; i < n; i++) {
        p = ngx_sprintf(p, "%s=", names[i]);
        p = ngx_http_genai_report_quote(p, labels[i].data, labels[i].len);
        *p++ = ',';
    }

    return ngx_sprintf(p, "%s=\"%*s\"", name, endpoint->len, endpoint->data)
           - buf;
}


static const genai_str_t *
ngx_http_genai_metrics_text_operation(ngx_uint_t endpoint)
{
    static const genai_str_t  completion = genai_str("text_completion");

    return (endpoint == GENAI_ENDPOINT_COMPLETIONS)
           ? &completion : genai_endpoint_name(endpoint);
}


void
ngx_http_genai_metrics_text_head(ngx_http_genai_report_t *report,
    const char *name, const char *type, const char *help)
{
    report->last = ngx_sprintf(report->last,
                               "# HELP %s %s\n# TYPE %s %s\n",
                               name, help, name, type);
}


void
ngx_http_genai_metrics_text_value(ngx_http_genai_report_t *report,
    const char *name, const char *type, const char *help, uint64_t value)
{
    ngx_http_genai_metrics_text_head(report, name, type, help);

    report->last = ngx_sprintf(report->last, "%s %uL\n", name, value);
}


static uint64_t
ngx_http_genai_metrics_text_count(ngx_http_genai_histogram_t *h,
    const ngx_http_genai_bounds_t *bounds)
{
    uint64_t    count;
    ngx_uint_t  i;

    count = 0;

    for (i = 0; i <= bounds->n; i++) {
        count += ngx_http_genai_load(&h->bucket[i]);
    }

    return count;
}


/* the count is what the buckets say, whatever is added meanwhile */

static void
ngx_http_genai_metrics_text_histogram(ngx_http_genai_report_t *report,
    const char *name, ngx_str_t *labels, ngx_http_genai_histogram_t *h,
    const ngx_http_genai_bounds_t *bounds)
{
    u_char      *p;
    uint64_t     count, sum;
    ngx_uint_t   i;

    p = report->last;
    count = 0;

    for (i = 0; i <= bounds->n; i++) {

        count += ngx_http_genai_load(&h->bucket[i]);

        p = ngx_sprintf(p, "%s_bucket{%V%sle=\"", name, labels,
                        labels->len ? "," : "");

        if (i < bounds->n) {
            p = ngx_cpymem(p, bounds->bound[i].text.data,
                           bounds->bound[i].text.len);

        } else {
            p = ngx_cpymem(p, "+Inf", 4);
        }

        p = ngx_sprintf(p, "\"} %uL\n", count);
    }

    sum = ngx_http_genai_load(&h->sum);

    p = ngx_sprintf(p, "%s_sum%s%V%s ", name, labels->len ? "{" : "", labels,
                    labels->len ? "}" : "");

    if (bounds->ns) {
        p = ngx_sprintf(p, "%uL.%09uL\n", sum / 1000000000, sum % 1000000000);

    } else {
        p = ngx_sprintf(p, "%uL\n", sum);
    }

    report->last = ngx_sprintf(p, "%s_count%s%V%s %uL\n", name,
                               labels->len ? "{" : "", labels,
                               labels->len ? "}" : "", count);
}
