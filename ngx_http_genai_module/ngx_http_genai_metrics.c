
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is measured, and counted in the zone of genai_zone.  How it lies there
 * is in ngx_http_genai_metrics_int.h.
 */


#include "ngx_http_genai_metrics_int.h"


/* places of a table that are looked at; it is never filled so far that its
   entries are often further away */
#define NGX_HTTP_GENAI_PROBES        64


static void ngx_http_genai_metrics_tokens(ngx_http_genai_usage_t *u,
    genai_tokens_t *tokens);
static void ngx_http_genai_metrics_labels(ngx_http_genai_labels_t *clean,
    ngx_http_genai_labels_t *labels,
    u_char bufs[NGX_HTTP_GENAI_LABELS][NGX_HTTP_GENAI_LABEL_MAX]);
static void ngx_http_genai_metrics_clean(ngx_str_t *text, u_char *buf);
static ngx_http_genai_exchanges_t *ngx_http_genai_metrics_exchanges(
    ngx_http_genai_metrics_t *m, ngx_http_genai_labels_t *labels);
static ngx_http_genai_usage_t *ngx_http_genai_metrics_usage(
    ngx_http_genai_metrics_t *m, ngx_http_genai_labels_t *labels);
static void ngx_http_genai_metrics_publish(ngx_http_genai_entry_t *entry,
    ngx_http_genai_labels_t *labels, ngx_http_genai_label_t *to,
    ngx_uint_t n);
static void ngx_http_genai_metrics_observe(ngx_http_genai_histogram_t *h,
    const ngx_http_genai_bounds_t *bounds, uint64_t value);


/* the bounds that OpenTelemetry's conventions ask for */

const ngx_http_genai_bounds_t  ngx_http_genai_bounds_tokens = {
    14,
    { { 1, ngx_string("1") },
      { 4, ngx_string("4") },
      { 16, ngx_string("16") },
      { 64, ngx_string("64") },
      { 256, ngx_string("256") },
      { 1024, ngx_string("1024") },
      { 4096, ngx_string("4096") },
      { 16384, ngx_string("16384") },
      { 65536, ngx_string("65536") },
      { 262144, ngx_string("262144") },
      { 1048576, ngx_string("1048576") },
      { 4194304, ngx_string("4194304") },
      { 16777216, ngx_string("16777216") },
      { 67108864, ngx_string("67108864") } },
    0
};


const ngx_http_genai_bounds_t  ngx_http_genai_bounds_ttft = {
    16,
    { { 1000000, ngx_string("0.001") },
      { 5000000, ngx_string("0.005") },
      { 10000000, ngx_string("0.01") },
      { 20000000, ngx_string("0.02") },
      { 40000000, ngx_string("0.04") },
      { 60000000, ngx_string("0.06") },
      { 80000000, ngx_string("0.08") },
      { 100000000, ngx_string("0.1") },
      { 250000000, ngx_string("0.25") },
      { 500000000, ngx_string("0.5") },
      { 750000000, ngx_string("0.75") },
      { 1000000000, ngx_string("1") },
      { UINT64_C(2500000000), ngx_string("2.5") },
      { UINT64_C(5000000000), ngx_string("5") },
      { UINT64_C(7500000000), ngx_string("7.5") },
      { UINT64_C(10000000000), ngx_string("10") } },
    1
};


const ngx_http_genai_bounds_t  ngx_http_genai_bounds_duration = {
    14,
    { { 10000000, ngx_string("0.01") },
      { 20000000, ngx_string("0.02") },
      { 40000000, ngx_string("0.04") },
      { 80000000, ngx_string("0.08") },
      { 160000000, ngx_string("0.16") },
      { 320000000, ngx_string("0.32") },
      { 640000000, ngx_string("0.64") },
      { 1280000000, ngx_string("1.28") },
      { UINT64_C(2560000000), ngx_string("2.56") },
      { UINT64_C(5120000000), ngx_string("5.12") },
      { UINT64_C(10240000000), ngx_string("10.24") },
      { UINT64_C(20480000000), ngx_string("20.48") },
      { UINT64_C(40960000000), ngx_string("40.96") },
      { UINT64_C(81920000000), ngx_string("81.92") } },
    1
};


const ngx_http_genai_bounds_t  ngx_http_genai_bounds_per_token = {
    13,
    { { 10000000, ngx_string("0.01") },
      { 25000000, ngx_string("0.025") },
      { 50000000, ngx_string("0.05") },
      { 75000000, ngx_string("0.075") },
      { 100000000, ngx_string("0.1") },
      { 150000000, ngx_string("0.15") },
      { 200000000, ngx_string("0.2") },
      { 300000000, ngx_string("0.3") },
      { 400000000, ngx_string("0.4") },
      { 500000000, ngx_string("0.5") },
      { 750000000, ngx_string("0.75") },
      { 1000000000, ngx_string("1") },
      { UINT64_C(2500000000), ngx_string("2.5") } },
    1
};


/* our own time: from a microsecond up, with the 1 ms that no step may take */

const ngx_http_genai_bounds_t  ngx_http_genai_bounds_own = {
    14,
    { { 1000, ngx_string("0.000001") },
      { 2500, ngx_string("0.0000025") },
      { 5000, ngx_string("0.000005") },
      { 10000, ngx_string("0.00001") },
      { 25000, ngx_string("0.000025") },
      { 50000, ngx_string("0.00005") },
      { 100000, ngx_string("0.0001") },
      { 250000, ngx_string("0.00025") },
      { 500000, ngx_string("0.0005") },
      { 1000000, ngx_string("0.001") },
      { 2500000, ngx_string("0.0025") },
      { 5000000, ngx_string("0.005") },
      { 10000000, ngx_string("0.01") },
      { 100000000, ngx_string("0.1") } },
    1
};


void
ngx_http_genai_metrics_reserve(ngx_http_genai_metrics_t *m)
{
    ngx_str_t                other = ngx_string("other");
    ngx_http_genai_labels_t  labels;

    ngx_memzero(&labels, sizeof(ngx_http_genai_labels_t));

    labels.team = other;
    labels.model = other;
    labels.target = other;
    labels.provider = other;
    labels.endpoint = GENAI_ENDPOINT_OTHER;

    m->exchanges.other = ngx_http_genai_metrics_exchanges(m, &labels);
    m->usage.other = ngx_http_genai_metrics_usage(m, &labels);
    ngx_http_genai_metrics_reserve_counts(m);
}


void
ngx_http_genai_metrics_record(ngx_http_genai_labels_t *labels,
    ngx_http_genai_measures_t *measures)
{
    u_char                       bufs[NGX_HTTP_GENAI_LABELS]
                                     [NGX_HTTP_GENAI_LABEL_MAX];
    genai_tokens_t              *tokens;
    ngx_http_genai_usage_t      *u;
    ngx_http_genai_labels_t      clean;
    ngx_http_genai_metrics_t    *m;
    ngx_http_genai_exchanges_t  *e;

    m = ngx_http_genai_metrics_get();

    if (m == NULL) {
        return;
    }

    ngx_http_genai_metrics_labels(&clean, labels, bufs);

    e = ngx_http_genai_metrics_exchanges(m, &clean);

    ngx_http_genai_add(&e->count, 1);

    if (measures->identify) {
        ngx_http_genai_metrics_observe(
            &m->parts[NGX_HTTP_GENAI_PART_IDENTIFY],
            &ngx_http_genai_bounds_own, measures->identify);
    }

    if (measures->parse) {
        ngx_http_genai_metrics_observe(&m->parts[NGX_HTTP_GENAI_PART_PARSE],
                                       &ngx_http_genai_bounds_own,
                                       measures->parse);
    }

    if (measures->filter) {
        ngx_http_genai_metrics_observe(&m->parts[NGX_HTTP_GENAI_PART_FILTER],
                                       &ngx_http_genai_bounds_own,
                                       measures->filter);
    }

    ngx_http_genai_metrics_observe(&m->overhead, &ngx_http_genai_bounds_own,
                                   measures->overhead);
    ngx_http_genai_metrics_observe(&m->step, &ngx_http_genai_bounds_own,
                                   measures->step);

    genai_peak_add(&m->longest, ngx_http_genai_minute(), measures->step);

    tokens = &measures->tokens;

    /* a refusal takes no model's time, and would only blur the others' */

    if (tokens->source == GENAI_COUNT_NONE
        && (clean.error != GENAI_OK
            || clean.endpoint == GENAI_ENDPOINT_MODELS))
    {
        return;
    }

    u = ngx_http_genai_metrics_usage(m, &clean);

    if (tokens->source != GENAI_COUNT_NONE) {
        ngx_http_genai_metrics_tokens(u, tokens);
    }

    if (clean.error != GENAI_OK) {
        return;
    }

    if (measures->ttft) {
        ngx_http_genai_metrics_observe(&u->ttft, &ngx_http_genai_bounds_ttft,
                                       measures->ttft);
    }

    if (measures->duration) {
        ngx_http_genai_metrics_observe(&u->duration,
                                       &ngx_http_genai_bounds_duration,
                                       measures->duration);
    }

    if (measures->per_token) {
        ngx_http_genai_metrics_observe(&u->per_token,
                                       &ngx_http_genai_bounds_per_token,
                                       measures->per_token);
    }
}


void
ngx_http_genai_metrics_spent(ngx_http_genai_labels_t *labels,
    genai_tokens_t *tokens)
{
    u_char                     bufs[NGX_HTTP_GENAI_LABELS]
                                   [NGX_HTTP_GENAI_LABEL_MAX];
    ngx_http_genai_labels_t    clean;
    ngx_http_genai_metrics_t  *m;

    m = ngx_http_genai_metrics_get();

    if (m) {
        ngx_http_genai_metrics_labels(&clean, labels, bufs);
        ngx_http_genai_metrics_tokens(ngx_http_genai_metrics_usage(m, &clean),
                                      tokens);
    }
}


static void
ngx_http_genai_metrics_tokens(ngx_http_genai_usage_t *u,
    genai_tokens_t *tokens)
{
    ngx_uint_t  i;

    i = tokens->source - GENAI_COUNT_PROVIDER;

    ngx_http_genai_add(&u->tokens[NGX_HTTP_GENAI_TOKENS_INPUT][i],
                       tokens->prompt);
    ngx_http_genai_add(&u->tokens[NGX_HTTP_GENAI_TOKENS_OUTPUT][i],
                       tokens->completion);

    if (tokens->cached) {
        ngx_http_genai_add(&u->tokens[NGX_HTTP_GENAI_TOKENS_CACHED][i],
                           tokens->cached);
    }

    if (tokens->reasoning) {
        ngx_http_genai_add(&u->tokens[NGX_HTTP_GENAI_TOKENS_REASONING][i],
                           tokens->reasoning);
    }

    ngx_http_genai_metrics_observe(&u->input, &ngx_http_genai_bounds_tokens,
                                   tokens->prompt);
    ngx_http_genai_metrics_observe(&u->output, &ngx_http_genai_bounds_tokens,
                                   tokens->completion);
}


void
ngx_http_genai_metrics_report(uint64_t ns)
{
    ngx_http_genai_metrics_t  *m;

    m = ngx_http_genai_metrics_get();

    if (m) {
        ngx_http_genai_metrics_observe(&m->report, &ngx_http_genai_bounds_own,
                                       ns);
    }
}


static void
ngx_http_genai_metrics_observe(ngx_http_genai_histogram_t *h,
    const ngx_http_genai_bounds_t *bounds, uint64_t value)
{
    ngx_uint_t  i;

    for (i = 0; i < bounds->n; i++) {
        if (value <= bounds->bound[i].value) {
            break;
        }
    }

    ngx_http_genai_add(&h->bucket[i], 1);
    ngx_http_genai_add(&h->sum, value);
}


/*
 * Entries are told apart by what is shown of their labels: two that look the
 * same would make a text that nobody can read.
 */

static void
ngx_http_genai_metrics_labels(ngx_http_genai_labels_t *clean,
    ngx_http_genai_labels_t *labels,
    u_char bufs[NGX_HTTP_GENAI_LABELS][NGX_HTTP_GENAI_LABEL_MAX])
{
    *clean = *labels;

    ngx_http_genai_metrics_clean(&clean->team,
                                 bufs[NGX_HTTP_GENAI_LABEL_TEAM]);
    ngx_http_genai_metrics_clean(&clean->model,
                                 bufs[NGX_HTTP_GENAI_LABEL_MODEL]);
    ngx_http_genai_metrics_clean(&clean->target,
                                 bufs[NGX_HTTP_GENAI_LABEL_TARGET]);
    ngx_http_genai_metrics_clean(&clean->provider,
                                 bufs[NGX_HTTP_GENAI_LABEL_PROVIDER]);

    if (clean->endpoint >= GENAI_ENDPOINT_LAST) {
        clean->endpoint = GENAI_ENDPOINT_NONE;
    }

    if (clean->status > 999) {
        clean->status = 0;
    }
}


/* most texts are as they can be shown */

static void
ngx_http_genai_metrics_clean(ngx_str_t *text, u_char *buf)
{
    u_char  *p, *last;

    last = text->data + text->len;

    if (text->len <= NGX_HTTP_GENAI_LABEL_MAX) {

        for (p = text->data; p < last; p++) {
            if (*p < ' ' || *p > '~') {
                break;
            }
        }

        if (p == last) {
            return;
        }
    }

    text->len = ngx_http_genai_metrics_text(buf, NGX_HTTP_GENAI_LABEL_MAX,
                                            text->data, text->len);
    text->data = buf;
}


size_t
ngx_http_genai_metrics_text(u_char *dst, size_t room, u_char *src, size_t len)
{
    size_t       n, i;
    u_char      *p, *last, *start;
    ngx_uint_t   good;

    start = dst;
    last = src + len;

    for (p = src; p < last; p += n) {

        n = 1;

        if (*p < 0x80) {
            good = (*p >= ' ' && *p != 0x7f);

        } else {
            n = (*p >= 0xc2 && *p <= 0xdf) ? 2
                : (*p >= 0xe0 && *p <= 0xef) ? 3
                : (*p >= 0xf0 && *p <= 0xf4) ? 4 : 1;

            good = (n > 1 && (size_t) (last - p) >= n);

            for (i = 1; good && i < n; i++) {
                good = (p[i] & 0xc0) == 0x80;
            }

            /* the forms that are too long, surrogates, C1, above U+10FFFF */

            if (good
                && ((*p == 0xe0 && p[1] < 0xa0)
                    || (*p == 0xed && p[1] > 0x9f)
                    || (*p == 0xc2 && p[1] < 0xa0)
                    || (*p == 0xf0 && p[1] < 0x90)
                    || (*p == 0xf4 && p[1] > 0x8f)))
            {
                good = 0;
            }
        }

        if (!good) {
            n = 1;
        }

        if (n > room) {
            break;
        }

        room -= n;

        dst = good ? ngx_cpymem(dst, p, n) : ngx_cpymem(dst, "?", 1);
    }

    return dst - start;
}


uint64_t
ngx_http_genai_metrics_hash(uint64_t h, ngx_str_t *text)
{
    size_t     n;
    u_char    *p;
    uint64_t   word;

    p = text->data;

    h = (h ^ text->len) * UINT64_C(0x9e3779b97f4a7c15);

    for (n = text->len; n; /* void */) {

        word = 0;

        if (n >= sizeof(uint64_t)) {
            ngx_memcpy(&word, p, sizeof(uint64_t));
            p += sizeof(uint64_t);
            n -= sizeof(uint64_t);

        } else {
            ngx_memcpy(&word, p, n);
            n = 0;
        }

        h = (h ^ h >> 32 ^ word) * UINT64_C(0xd6e8feb86659fd93);
    }

    return h ^ h >> 29;
}


static ngx_http_genai_exchanges_t *
ngx_http_genai_metrics_exchanges(ngx_http_genai_metrics_t *m,
    ngx_http_genai_labels_t *labels)
{
    uint64_t                     h;
    ngx_http_genai_exchanges_t  *e;

    h = m->seed ^ ((uint64_t) labels->endpoint << 32 | labels->status << 16
                   | labels->error);

    h = ngx_http_genai_metrics_hash(h, &labels->team);
    h = ngx_http_genai_metrics_hash(h, &labels->model);
    h = ngx_http_genai_metrics_hash(h, &labels->target);

    e = ngx_http_genai_metrics_find(&m->exchanges, h);

    if (!__atomic_load_n(&e->entry.published, __ATOMIC_ACQUIRE)) {
        ngx_http_genai_metrics_publish(&e->entry, labels, e->labels,
                                       NGX_HTTP_GENAI_LABEL_PROVIDER);
    }

    return e;
}


static ngx_http_genai_usage_t *
ngx_http_genai_metrics_usage(ngx_http_genai_metrics_t *m,
    ngx_http_genai_labels_t *labels)
{
    uint64_t                 h;
    ngx_http_genai_usage_t  *u;

    h = m->seed ^ labels->endpoint;

    h = ngx_http_genai_metrics_hash(h, &labels->team);
    h = ngx_http_genai_metrics_hash(h, &labels->model);
    h = ngx_http_genai_metrics_hash(h, &labels->target);
    h = ngx_http_genai_metrics_hash(h, &labels->provider);

    u = ngx_http_genai_metrics_find(&m->usage, h);

    if (!__atomic_load_n(&u->entry.published, __ATOMIC_ACQUIRE)) {
        ngx_http_genai_metrics_publish(&u->entry, labels, u->labels,
                                       NGX_HTTP_GENAI_LABELS);
    }

    return u;
}


void *
ngx_http_genai_metrics_find(ngx_http_genai_table_t *t, uint64_t hash)
{
    uint64_t    h;
    ngx_uint_t  i, n;

    static ngx_uint_t  said;

    hash = hash ? hash : 1;

    i = (ngx_uint_t) ((hash >> 32) * t->n >> 32);

    for (n = 0; n < NGX_HTTP_GENAI_PROBES; n++) {

        h = ngx_http_genai_load(&t->hashes[i]);

        if (h == 0) {

            if (ngx_http_genai_load(&t->used) >= t->max) {
                break;
            }

            if (__atomic_compare_exchange_n(&t->hashes[i], &h, hash, 0,
                                            __ATOMIC_RELAXED,
                                            __ATOMIC_RELAXED))
            {
                ngx_http_genai_add(&t->used, 1);
                return t->entries + i * t->size;
            }
        }

        if (h == hash) {
            return t->entries + i * t->size;
        }

        i = (i + 1 == t->n) ? 0 : i + 1;
    }

    ngx_http_genai_add(&t->full, 1);

    if (!said) {
        said = 1;

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "the genai_zone is full, further combinations of "
                      "labels are counted as \"other\": make it larger");
    }

    return t->other;
}


static void
ngx_http_genai_metrics_publish(ngx_http_genai_entry_t *entry,
    ngx_http_genai_labels_t *labels, ngx_http_genai_label_t *to, ngx_uint_t n)
{
    ngx_str_t   *texts[NGX_HTTP_GENAI_LABELS];
    ngx_uint_t   i;

    texts[NGX_HTTP_GENAI_LABEL_TEAM] = &labels->team;
    texts[NGX_HTTP_GENAI_LABEL_MODEL] = &labels->model;
    texts[NGX_HTTP_GENAI_LABEL_TARGET] = &labels->target;
    texts[NGX_HTTP_GENAI_LABEL_PROVIDER] = &labels->provider;

    entry->status = (uint16_t) labels->status;
    entry->endpoint = (u_char) labels->endpoint;
    entry->error = (u_char) labels->error;

    for (i = 0; i < n; i++) {
        to[i].len = (u_char) texts[i]->len;
        ngx_memcpy(to[i].data, texts[i]->data, texts[i]->len);
    }

    __atomic_store_n(&entry->published, 1, __ATOMIC_RELEASE);
}


void *
ngx_http_genai_metrics_entry(ngx_http_genai_table_t *t, ngx_uint_t i)
{
    ngx_http_genai_entry_t  *entry;

    if (ngx_http_genai_load(&t->hashes[i]) == 0) {
        return NULL;
    }

    entry = (ngx_http_genai_entry_t *) (t->entries + i * t->size);

    return __atomic_load_n(&entry->published, __ATOMIC_ACQUIRE) ? entry : NULL;
}
