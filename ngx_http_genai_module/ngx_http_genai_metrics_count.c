
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Counts of our own in the zone, by the catalogue's entries: how they compare
 * with what providers tell, and what is learned of models whose vocabulary
 * nobody has.
 */


#include "ngx_http_genai_report_int.h"
#include "ngx_http_genai_metrics_int.h"


/* an entry's name, with the asterisk of a pattern */
#define NGX_HTTP_GENAI_ENTRY_MAX  (GENAI_CATALOG_NAME_MAX + 1)

/* of a family: HELP and TYPE; of an entry: its labels, and a line's rest */
#define NGX_HTTP_GENAI_COUNT_HEAD    512
#define NGX_HTTP_GENAI_COUNT_LABELS                                           \
    (NGX_HTTP_GENAI_REPORT_QUOTED(NGX_HTTP_GENAI_LABEL_MAX)                   \
     + NGX_HTTP_GENAI_REPORT_QUOTED(GENAI_VOCAB_NAME_MAX))
#define NGX_HTTP_GENAI_COUNT_LINE    160


static void ngx_http_genai_metrics_model(u_char *buf, ngx_str_t *name,
    const genai_catalog_model_t *model);
static ngx_http_genai_differences_t *ngx_http_genai_metrics_differences(
    ngx_http_genai_metrics_t *m, ngx_str_t *name);
static void ngx_http_genai_metrics_label(ngx_http_genai_label_t *label,
    ngx_str_t *text);
static u_char *ngx_http_genai_metrics_compared_line(u_char *p,
    const char *name, ngx_http_genai_label_t *model, ngx_uint_t part,
    ngx_uint_t source, const char *result, uint64_t n);


static const char *const  ngx_http_genai_count_parts[] = {
    "prompt", "completion"
};

static const char *const  ngx_http_genai_count_sources[] = {
    "estimated", "exact"
};


void
ngx_http_genai_metrics_counted(uint64_t bytes, uint64_t known)
{
    ngx_http_genai_metrics_t  *m;

    m = ngx_http_genai_metrics_get();

    if (m) {
        ngx_http_genai_add(&m->count_bytes, bytes);
        ngx_http_genai_add(&m->count_known, known);
    }
}


void
ngx_http_genai_metrics_compared(const genai_catalog_model_t *model,
    ngx_uint_t answer, ngx_uint_t exact, int64_t ours, int64_t told)
{
    u_char                         buf[NGX_HTTP_GENAI_ENTRY_MAX];
    ngx_str_t                      name;
    ngx_http_genai_metrics_t      *m;
    ngx_http_genai_compared_t     *c;
    ngx_http_genai_differences_t  *d;

    m = ngx_http_genai_metrics_get();

    if (m == NULL) {
        return;
    }

    ngx_http_genai_metrics_model(buf, &name, model);

    d = ngx_http_genai_metrics_differences(m, &name);
    if (d == NULL) {
        return;
    }

    c = &d->compared[answer][exact];

    if (ours == told) {
        ngx_http_genai_add(&c->equal, 1);

    } else if (ours > told) {
        ngx_http_genai_add(&c->more, 1);
        ngx_http_genai_add(&c->difference, (uint64_t) (ours - told));

    } else {
        ngx_http_genai_add(&c->less, 1);
        ngx_http_genai_add(&c->difference, (uint64_t) (told - ours));
    }

    ngx_http_genai_add(&c->tokens, (uint64_t) told);
}


genai_factor_t *
ngx_http_genai_metrics_factor(const genai_catalog_model_t *model,
    const genai_str_t *vocab, ngx_uint_t answer, double likely, double most)
{
    u_char                     buf[NGX_HTTP_GENAI_ENTRY_MAX];
    uint64_t                   h;
    ngx_str_t                  name, tokenizer;
    ngx_http_genai_metrics_t  *m;
    ngx_http_genai_factors_t  *f;

    m = ngx_http_genai_metrics_get();

    if (m == NULL || m->factors.n == 0) {
        return NULL;
    }

    ngx_http_genai_metrics_model(buf, &name, model);

    tokenizer.len = vocab->len;
    tokenizer.data = vocab->data;

    h = ngx_http_genai_metrics_hash(m->seed, &name);
    h = ngx_http_genai_metrics_hash(h, &tokenizer);

    f = ngx_http_genai_metrics_find(&m->factors, h);
    if (f == NULL) {
        return NULL;
    }

    /* a reload may know better */

    __atomic_store_n(&f->prior[0], (uint64_t) (likely * 1e6),
                     __ATOMIC_RELAXED);
    __atomic_store_n(&f->prior[1], (uint64_t) (most * 1e6),
                     __ATOMIC_RELAXED);

    if (!__atomic_load_n(&f->entry.published, __ATOMIC_ACQUIRE)) {
        ngx_http_genai_metrics_label(&f->model, &name);
        ngx_http_genai_metrics_label(&f->tokenizer, &tokenizer);

        __atomic_store_n(&f->entry.published, 1, __ATOMIC_RELEASE);
    }

    return &f->factor[answer];
}


void
ngx_http_genai_metrics_learned(ngx_uint_t answer, ngx_uint_t result)
{
    ngx_http_genai_metrics_t  *m;

    m = ngx_http_genai_metrics_get();

    if (m) {
        ngx_http_genai_add(&m->learned[answer][result], 1);
    }
}


void
ngx_http_genai_metrics_reserve_counts(ngx_http_genai_metrics_t *m)
{
    ngx_str_t  other = ngx_string("other");

    m->differences.other = ngx_http_genai_metrics_differences(m, &other);
}


/* "gpt-4o*": another entry than "gpt-4o" */

static void
ngx_http_genai_metrics_model(u_char *buf, ngx_str_t *name,
    const genai_catalog_model_t *model)
{
    if (model == NULL) {
        ngx_str_set(name, "unknown");
        return;
    }

    name->data = buf;
    name->len = ngx_min(model->name.len, GENAI_CATALOG_NAME_MAX);

    ngx_memcpy(buf, model->name.data, name->len);

    if (model->pattern) {
        buf[name->len++] = '*';
    }
}


static ngx_http_genai_differences_t *
ngx_http_genai_metrics_differences(ngx_http_genai_metrics_t *m,
    ngx_str_t *name)
{
    ngx_http_genai_differences_t  *d;

    if (m->differences.n == 0) {
        return NULL;
    }

    d = ngx_http_genai_metrics_find(&m->differences,
                                    ngx_http_genai_metrics_hash(m->seed,
                                                                name));

    if (d && !__atomic_load_n(&d->entry.published, __ATOMIC_ACQUIRE)) {
        ngx_http_genai_metrics_label(&d->model, name);

        __atomic_store_n(&d->entry.published, 1, __ATOMIC_RELEASE);
    }

    return d;
}


static void
ngx_http_genai_metrics_label(ngx_http_genai_label_t *label, ngx_str_t *text)
{
    label->len = ngx_http_genai_metrics_text(label->data,
                                             NGX_HTTP_GENAI_LABEL_MAX,
                                             text->data, text->len);
}


/* what has no labels of a model */

ngx_int_t
ngx_http_genai_metrics_text_counts(ngx_http_genai_report_t *report,
    ngx_http_genai_metrics_text_t *text, ngx_uint_t data)
{
    uint64_t                   known;
    ngx_uint_t                 i, k;
    ngx_http_genai_metrics_t  *m;

    /* as genai_factor_learned_e has them */

    static const char  *results[] = {
        "learned", "short", "strange", "unsure"
    };

    if (!ngx_http_genai_report_room(report,
                                    2 * NGX_HTTP_GENAI_COUNT_HEAD
                                    + (2 + 2 * NGX_HTTP_GENAI_LEARNED)
                                      * NGX_HTTP_GENAI_COUNT_LINE))
    {
        return NGX_AGAIN;
    }

    m = text->metrics;
    known = ngx_http_genai_load(&m->count_known);

    ngx_http_genai_metrics_text_head(report, "genai_count_bytes_total",
                              "counter", "Texts of requests whose tokens were "
                              "counted, or known from before.");
    report->last = ngx_sprintf(report->last,
                               "genai_count_bytes_total{from=\"text\"} %uL\n"
                               "genai_count_bytes_total{from=\"known\"} %uL\n",
                               ngx_http_genai_load(&m->count_bytes) - known,
                               known);

    ngx_http_genai_metrics_text_head(report, "genai_token_factor_seen_total",
                              "counter", "Usages of models whose factor is "
                              "learned: whether they were learned from.");

    for (i = 0; i < 2; i++) {
        for (k = 0; k < NGX_HTTP_GENAI_LEARNED; k++) {
            report->last = ngx_sprintf(report->last,
                               "genai_token_factor_seen_total{part=\"%s\","
                               "result=\"%s\"} %uL\n",
                               ngx_http_genai_count_parts[i], results[k],
                               ngx_http_genai_load(&m->learned[i][k]));
        }
    }

    return NGX_OK;
}


/* our counts, and how they compare with what providers tell */

ngx_int_t
ngx_http_genai_metrics_text_compared(ngx_http_genai_report_t *report,
    ngx_http_genai_metrics_text_t *text, ngx_uint_t data)
{
    uint64_t                       n[3];
    ngx_uint_t                     i, k;
    ngx_http_genai_table_t        *t;
    ngx_http_genai_compared_t     *c;
    ngx_http_genai_differences_t  *d;

    static const char  *results[] = { "equal", "more", "less" };

    static const struct {
        const char  *name;
        const char  *help;
    } families[] = {
        { "genai_count_compared_total", "Our counts beside those that "
          "providers tell: how often they are equal, more, or less." },
        { "genai_count_difference_tokens_total", "Tokens by which our counts "
          "differ from what providers tell, without their sign." },
        { "genai_count_compared_tokens_total", "Tokens that providers have "
          "told, where there is a count of ours beside them." }
    };

    t = &text->metrics->differences;

    for ( ;; ) {
        d = (ngx_http_genai_differences_t *)
            ngx_http_genai_metrics_text_next(text, t);

        if (d == NULL) {
            return (text->index < t->n) ? NGX_AGAIN : NGX_OK;
        }

        if (!ngx_http_genai_report_room(report,
                                        NGX_HTTP_GENAI_COUNT_HEAD
                                        + 12 * (NGX_HTTP_GENAI_COUNT_LABELS
                                                + NGX_HTTP_GENAI_COUNT_LINE)))
        {
            return NGX_AGAIN;
        }

        for (i = 0; i < 4; i++) {

            c = &d->compared[i / 2][i % 2];

            n[0] = ngx_http_genai_load(&c->equal);
            n[1] = ngx_http_genai_load(&c->more);
            n[2] = ngx_http_genai_load(&c->less);

            if (n[0] + n[1] + n[2] == 0) {
                continue;
            }

            if (!text->begun) {
                text->begun = 1;
                ngx_http_genai_metrics_text_head(report, families[data].name,
                                                 "counter",
                                                 families[data].help);
            }

            if (data) {
                report->last = ngx_http_genai_metrics_compared_line(
                                   report->last, families[data].name,
                                   &d->model, i / 2, i % 2, NULL,
                                   data == 1
                                   ? ngx_http_genai_load(&c->difference)
                                   : ngx_http_genai_load(&c->tokens));
                continue;
            }

            for (k = 0; k < 3; k++) {
                report->last = ngx_http_genai_metrics_compared_line(
                                   report->last, families[data].name,
                                   &d->model, i / 2, i % 2, results[k], n[k]);
            }
        }

        text->index++;
    }
}


static u_char *
ngx_http_genai_metrics_compared_line(u_char *p, const char *name,
    ngx_http_genai_label_t *model, ngx_uint_t part, ngx_uint_t source,
    const char *result, uint64_t n)
{
    p = ngx_sprintf(p, "%s{model=", name);
    p = ngx_http_genai_report_quote(p, model->data, model->len);
    p = ngx_sprintf(p, ",part=\"%s\",source=\"%s\"",
                    ngx_http_genai_count_parts[part],
                    ngx_http_genai_count_sources[source]);

    if (result) {
        p = ngx_sprintf(p, ",result=\"%s\"", result);
    }

    return ngx_sprintf(p, "} %uL\n", n);
}


ngx_int_t
ngx_http_genai_metrics_text_factors(ngx_http_genai_report_t *report,
    ngx_http_genai_metrics_text_t *text, ngx_uint_t data)
{
    double                     prior, factor;
    uint64_t                   n;
    ngx_uint_t                 i;
    ngx_http_genai_table_t    *t;
    ngx_http_genai_factors_t  *f;

    static const struct {
        const char  *name;
        const char  *help;
    } families[] = {
        { "genai_token_factor", "Tokens of a model for one of the vocabulary "
          "that counts for it, as learned." },
        { "genai_token_factor_bound", "The factor that one request in a "
          "thousand exceeds." }
    };

    t = &text->metrics->factors;

    for ( ;; ) {
        f = (ngx_http_genai_factors_t *)
            ngx_http_genai_metrics_text_next(text, t);

        if (f == NULL) {
            return (text->index < t->n) ? NGX_AGAIN : NGX_OK;
        }

        if (!ngx_http_genai_report_room(report,
                                        NGX_HTTP_GENAI_COUNT_HEAD
                                        + 2 * (NGX_HTTP_GENAI_COUNT_LABELS
                                               + NGX_HTTP_GENAI_COUNT_LINE)))
        {
            return NGX_AGAIN;
        }

        if (!text->begun) {
            text->begun = 1;
            ngx_http_genai_metrics_text_head(report, families[data].name,
                                             "gauge", families[data].help);
        }

        prior = (double) ngx_http_genai_load(&f->prior[data]) / 1e6;

        for (i = 0; i < 2; i++) {

            factor = data ? genai_factor_most(&f->factor[i], prior)
                          : genai_factor_likely(&f->factor[i], prior);
            n = (uint64_t) (factor * 1e6 + 0.5);

            report->last = ngx_sprintf(report->last, "%s{model=",
                                       families[data].name);
            report->last = ngx_http_genai_report_quote(report->last,
                                               f->model.data, f->model.len);
            report->last = ngx_cpymem(report->last, ",tokenizer=",
                                      sizeof(",tokenizer=") - 1);
            report->last = ngx_http_genai_report_quote(report->last,
                                       f->tokenizer.data, f->tokenizer.len);
            report->last = ngx_sprintf(report->last,
                                       ",part=\"%s\"} %uL.%06uL\n",
                                       ngx_http_genai_count_parts[i],
                                       n / 1000000, n % 1000000);
        }

        text->index++;
    }
}
