
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * genai_metrics, continued: what limits did.  It is told by what kind a limit
 * is of and its unit, not by names, of which there are as many as callers.
 */


#include "ngx_http_genai_metrics_int.h"
#include "ngx_http_genai_report_int.h"
#include "genai_books_print.h"


static const char *const  ngx_http_genai_limit_units[] = {
    "requests", "tokens", "prompt_tokens", "completion_tokens", "cost",
    "concurrent"
};


static const struct {
    const char                     *name;
    const char                     *help;
    ngx_http_genai_limit_event_e    events[2];
    const char                     *labels[2];      /* NULL is none */
} ngx_http_genai_limit_families[NGX_HTTP_GENAI_LIMIT_FAMILIES] = {
    { "genai_limit_refused_total",
      "Exchanges that a limit refused.",
      { NGX_HTTP_GENAI_LIMIT_SHORT, NGX_HTTP_GENAI_LIMIT_UNPRICED },
      { ",reason=\"short\"", ",reason=\"unpriced\"" } },
    { "genai_limit_shadow_exceeded_total",
      "Exchanges that a limit which is watched only would have refused.",
      { NGX_HTTP_GENAI_LIMIT_SHADOW, NGX_HTTP_GENAI_LIMIT_EVENTS },
      { "", NULL } },
    { "genai_limit_warned_total",
      "Exchanges with which a limit's part \"warn\" was used or held.",
      { NGX_HTTP_GENAI_LIMIT_WARNED, NGX_HTTP_GENAI_LIMIT_EVENTS },
      { "", NULL } },
    { "genai_limit_clipped_total",
      "Exchanges whose answer was made shorter by a limit.",
      { NGX_HTTP_GENAI_LIMIT_CLIPPED, NGX_HTTP_GENAI_LIMIT_EVENTS },
      { "", NULL } },
    { "genai_limit_cut_total",
      "Streams that a limit ended.",
      { NGX_HTTP_GENAI_LIMIT_CUT, NGX_HTTP_GENAI_LIMIT_EVENTS },
      { "", NULL } }
};


void
ngx_http_genai_metrics_limit(ngx_http_genai_limit_event_e what,
    const genai_hold_t *hold)
{
    ngx_http_genai_metrics_t  *m;

    m = ngx_http_genai_metrics_get();

    if (m && (ngx_uint_t) hold->owner < GENAI_OWNERS
        && hold->limit.unit < NGX_HTTP_GENAI_LIMIT_UNITS)
    {
        ngx_http_genai_add(&m->limits[what][hold->owner][hold->limit.unit], 1);
    }
}


void
ngx_http_genai_metrics_overrun(const genai_overrun_t *overrun)
{
    ngx_http_genai_metrics_t  *m;

    m = ngx_http_genai_metrics_get();

    if (m) {
        ngx_http_genai_add(&m->overruns, 1);
        ngx_http_genai_add(&m->overrun_tokens, overrun->tokens);
        ngx_http_genai_add(&m->overrun_cost, overrun->cost);
    }
}


ngx_int_t
ngx_http_genai_metrics_text_limits(ngx_http_genai_report_t *report,
    ngx_http_genai_metrics_text_t *text, ngx_uint_t data)
{
    uint64_t                      n;
    ngx_uint_t                    i, owner, unit;
    const char                   *name;
    ngx_http_genai_limit_event_e  event;

    if (!ngx_http_genai_report_room(report, NGX_HTTP_GENAI_METRICS_GROUP)) {
        return NGX_AGAIN;
    }

    name = ngx_http_genai_limit_families[data].name;

    for (i = 0; i < 2; i++) {

        if (ngx_http_genai_limit_families[data].labels[i] == NULL) {
            break;
        }

        event = ngx_http_genai_limit_families[data].events[i];

        for (owner = 0; owner < GENAI_OWNERS; owner++) {

            for (unit = 0; unit < NGX_HTTP_GENAI_LIMIT_UNITS; unit++) {

                n = ngx_http_genai_load(
                        &text->metrics->limits[event][owner][unit]);

                if (n == 0) {
                    continue;
                }

                if (!text->begun) {
                    text->begun = 1;
                    ngx_http_genai_metrics_text_head(report, name, "counter",
                                    ngx_http_genai_limit_families[data].help);
                }

                report->last = ngx_sprintf(report->last,
                                    "%s{owner=\"%s\",unit=\"%s\"%s} %uL\n",
                                    name, genai_books_print_owner(owner),
                                    ngx_http_genai_limit_units[unit],
                                    ngx_http_genai_limit_families[data]
                                        .labels[i],
                                    n);
            }
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_metrics_text_overruns(ngx_http_genai_report_t *report,
    ngx_http_genai_metrics_text_t *text, ngx_uint_t data)
{
    uint64_t                   cost;
    ngx_http_genai_metrics_t  *m;

    if (!ngx_http_genai_report_room(report, NGX_HTTP_GENAI_METRICS_GROUP)) {
        return NGX_AGAIN;
    }

    m = text->metrics;

    ngx_http_genai_metrics_text_value(report, "genai_overruns_total",
                                      "counter", "Exchanges that used more "
                                      "than their limits had left.",
                                      ngx_http_genai_load(&m->overruns));
    ngx_http_genai_metrics_text_value(report, "genai_overrun_tokens_total",
                                      "counter", "Tokens beyond what limits "
                                      "had left, of an exchange the most of "
                                      "any.",
                                      ngx_http_genai_load(&m->overrun_tokens));

    cost = ngx_http_genai_load(&m->overrun_cost);

    ngx_http_genai_metrics_text_head(report,
                                     "genai_overrun_cost_dollars_total",
                                     "counter", "The same of money.");
    report->last = ngx_sprintf(report->last,
                               "genai_overrun_cost_dollars_total "
                               "%uL.%09uL\n",
                               cost / 1000000000, cost % 1000000000);

    return NGX_OK;
}
