
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is said of limits: to who is refused, in the headers of an answer, and
 * to the operator in the log.
 */


#include "ngx_http_genai_limit_int.h"
#include "genai_books_print.h"


/* s: when to ask again where nobody knows when another exchange ends */
#define NGX_HTTP_GENAI_RETRY         1

/*
 * Windows until debt is paid that are looked at one by one, as days and months
 * are of different lengths; and those that are reckoned with at all.
 */
#define NGX_HTTP_GENAI_WINDOWS       400
#define NGX_HTTP_GENAI_WINDOWS_MAX   100000

/* a warning: the limit, with escapes, and what follows it */
#define NGX_HTTP_GENAI_WARNING                                                \
    (2 * NGX_HTTP_GENAI_LIMIT_TEXT + 3 * GENAI_BOOKS_VALUE + 64)


static ngx_uint_t ngx_http_genai_limit_later(const genai_hold_t *a,
    const genai_hold_t *b);
static time_t ngx_http_genai_limit_wait(ngx_http_genai_ctx_t *ctx,
    const genai_hold_t *h);
static ngx_http_genai_verdict_e ngx_http_genai_limit_never(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx, const genai_hold_t *h);
static ngx_uint_t ngx_http_genai_limit_long(const genai_limit_t *limit);
static ngx_int_t ngx_http_genai_limits_header(ngx_http_request_t *r,
    const char *what, const char *unit, uint64_t value, const char *suffix);
static ngx_int_t ngx_http_genai_limits_warnings(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_limits_warning(ngx_http_request_t *r,
    const genai_hold_t *h);


ngx_http_genai_verdict_e
ngx_http_genai_limits_refuse(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    genai_hold_t *holds, ngx_uint_t n)
{
    u_char        text[NGX_HTTP_GENAI_LIMIT_TEXT], *p;
    time_t        wait, end;
    ngx_str_t     ends;
    ngx_uint_t    i, quota, unpriced;
    genai_hold_t *h, *tight;

    /* until all of them have room again, as far as anybody knows */

    tight = NULL;
    quota = 0;

    for (i = 0; i < n; i++) {
        h = &holds[i];

        if (!h->tight) {
            continue;
        }

        quota |= ngx_http_genai_limit_long(&h->limit);

        if (tight == NULL || ngx_http_genai_limit_later(h, tight)) {
            tight = h;
        }
    }

    if (tight == NULL) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                     "a limit is reached");
    }

    ctx->holds = ngx_palloc(r->pool, n * sizeof(genai_hold_t));

    if (ctx->holds) {
        ngx_memcpy(ctx->holds, holds, n * sizeof(genai_hold_t));
        ctx->nholds = n;
    }

    h = tight;
    ctx->hopeless = quota;

    genai_books_refuse(ngx_http_genai_books_joined(), holds, n);

    p = genai_limit_write(text, &h->limit);

    unpriced = (h->limit.unit == GENAI_LIMIT_COST && ctx->reach.unpriced);

    ngx_http_genai_metrics_limit(unpriced ? NGX_HTTP_GENAI_LIMIT_UNPRICED
                                          : NGX_HTTP_GENAI_LIMIT_SHORT, h);

    if (unpriced) {
        return ngx_http_genai_refuse(r, ctx, GENAI_POLICY_QUOTA,
                                     "the limit \"%*s\" holds for this "
                                     "request, and the price of its model is "
                                     "not known", p - text, text);
    }

    if (h->take > h->limit.amount) {
        return ngx_http_genai_limit_never(r, ctx, h);
    }

    wait = NGX_HTTP_GENAI_RETRY;
    ngx_str_null(&ends);

    if (h->limit.unit != GENAI_LIMIT_CONCURRENT) {

        if (h->limit.window_unit == GENAI_WINDOW_NEVER) {
            wait = 0;
            ngx_str_set(&ends, ", which is for good");

        } else {
            end = ngx_max((time_t) h->end - ngx_time(), 1);
            wait = ngx_http_genai_limit_wait(ctx, h);

            ends.data = ngx_pnalloc(r->pool, 2 * NGX_TIME_T_LEN + 96);

            if (ends.data) {
                p = ngx_sprintf(ends.data, ", which ends in %T seconds", end);

                if (wait > end) {
                    p = ngx_sprintf(p, " and leaves debt that is paid in %T",
                                    wait);
                }

                ends.len = p - ends.data;
            }

            p = genai_limit_write(text, &h->limit);
        }
    }

    if (wait) {
        ctx->retry_after.data = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);

        if (ctx->retry_after.data) {
            ctx->retry_after.len = ngx_sprintf(ctx->retry_after.data, "%T",
                                               wait)
                                   - ctx->retry_after.data;
        }
    }

    if (h->limit.unit == GENAI_LIMIT_CONCURRENT) {
        return ngx_http_genai_refuse(r, ctx, GENAI_POLICY_RATE,
                                     "the limit \"%*s\" is reached: %uL "
                                     "requests are in flight",
                                     p - text, text, h->leased);
    }

    if (h->limit.unit == GENAI_LIMIT_COST) {
        return ngx_http_genai_refuse(r, ctx, quota ? GENAI_POLICY_QUOTA
                                                   : GENAI_POLICY_RATE,
                                     "the limit \"%*s\" is reached: of this "
                                     "window%V, $%uL.%09uL is used, "
                                     "$%uL.%09uL is held by requests in "
                                     "flight, and this one can come to "
                                     "$%uL.%09uL",
                                     p - text, text, &ends,
                                     h->used / 1000000000,
                                     h->used % 1000000000,
                                     h->leased / 1000000000,
                                     h->leased % 1000000000,
                                     h->take / 1000000000,
                                     h->take % 1000000000);
    }

    return ngx_http_genai_refuse(r, ctx, quota ? GENAI_POLICY_QUOTA
                                               : GENAI_POLICY_RATE,
                                 "the limit \"%*s\" is reached: of this "
                                 "window%V, %uL is used, %uL is held by "
                                 "requests in flight, and this one can come "
                                 "to %uL",
                                 p - text, text, &ends, h->used, h->leased,
                                 h->take);
}


/* whether a keeps a request out for longer than b, as far as is known */

static ngx_uint_t
ngx_http_genai_limit_later(const genai_hold_t *a, const genai_hold_t *b)
{
    ngx_uint_t  never;

    never = (a->take > a->limit.amount);

    if (never != (b->take > b->limit.amount)) {
        return never;
    }

    if (a->limit.unit == GENAI_LIMIT_CONCURRENT) {
        return 0;
    }

    return b->limit.unit == GENAI_LIMIT_CONCURRENT || a->end > b->end;
}


/*
 * Seconds until a window has room for it if nobody else comes: the next one
 * owes what this one is above its amount, and each window pays so much of it.
 */

static time_t
ngx_http_genai_limit_wait(ngx_http_genai_ctx_t *ctx, const genai_hold_t *h)
{
    int64_t         end, start;
    uint64_t        more, amount;
    genai_window_t  window;

    amount = h->limit.amount;
    end = h->end;
    start = h->window.start;

    more = 0;

    if (h->owed > amount - h->take) {
        more = (h->owed - (amount - h->take) + amount - 1) / amount;
        more = ngx_min(more, NGX_HTTP_GENAI_WINDOWS_MAX);
    }

    if (more > NGX_HTTP_GENAI_WINDOWS) {
        end += (h->end - start) * (more - NGX_HTTP_GENAI_WINDOWS);
        more = NGX_HTTP_GENAI_WINDOWS;
    }

    for ( /* void */ ; more; more--) {
        genai_policy_window(ctx->snapshot ? ctx->snapshot->policy : NULL,
                            &h->limit, end, &window);
        end = window.end;
    }

    return ngx_max((time_t) end - ngx_time(), 1);
}


/* asked again, it is refused again */

static ngx_http_genai_verdict_e
ngx_http_genai_limit_never(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    const genai_hold_t *h)
{
    u_char         text[NGX_HTTP_GENAI_LIMIT_TEXT], take[GENAI_BOOKS_VALUE];
    u_char        *p, *last;
    genai_error_e  error;

    ctx->hopeless = 1;

    error = ngx_http_genai_limit_long(&h->limit) ? GENAI_POLICY_QUOTA
                                                 : GENAI_POLICY_RATE;

    p = genai_limit_write(text, &h->limit);
    last = genai_books_print_value(take, h->limit.unit, h->take);

    if (h->limit.amount == 0
        || h->limit.unit == GENAI_LIMIT_REQUESTS
        || h->limit.unit == GENAI_LIMIT_CONCURRENT)
    {
        return ngx_http_genai_refuse(r, ctx, error,
                                     "the limit \"%*s\" lets nobody in",
                                     p - text, text);
    }

    return ngx_http_genai_refuse(r, ctx, error,
                                 "the limit \"%*s\" can never let this "
                                 "request in, which can come to %s%*s: ask "
                                 "for less, as with a shorter prompt or a "
                                 "smaller max_tokens",
                                 p - text, text,
                                 h->limit.unit == GENAI_LIMIT_COST ? "$" : "",
                                 last - take, take);
}


/* what is a quota: money, for good, a day or longer */

static ngx_uint_t
ngx_http_genai_limit_long(const genai_limit_t *limit)
{
    if (limit->unit == GENAI_LIMIT_CONCURRENT) {
        return 0;
    }

    switch (limit->window_unit) {

    case GENAI_WINDOW_SECONDS:
        return limit->unit == GENAI_LIMIT_COST || limit->window >= 86400;

    case GENAI_WINDOW_MINUTES:
        return limit->unit == GENAI_LIMIT_COST || limit->window >= 1440;

    case GENAI_WINDOW_HOURS:
        return limit->unit == GENAI_LIMIT_COST || limit->window >= 24;

    default:
        return 1;
    }
}


/* OpenAI's own headers, of those limits that leave least */

ngx_int_t
ngx_http_genai_limits_headers(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx)
{
    uint64_t      left, least[2];
    ngx_str_t     name, value;
    ngx_uint_t    i, k;
    genai_hold_t *h, *tightest[2];

    static const char  *units[] = { "requests", "tokens" };

    tightest[0] = NULL;
    tightest[1] = NULL;
    least[0] = 0;
    least[1] = 0;

    for (i = 0; i < ctx->nholds; i++) {
        h = &ctx->holds[i];

        if (h->limit.shadow || h->limit.unit == GENAI_LIMIT_CONCURRENT
            || h->limit.unit == GENAI_LIMIT_COST)
        {
            continue;
        }

        k = (h->limit.unit != GENAI_LIMIT_REQUESTS);

        left = h->used + h->leased + (ctx->refused ? 0 : h->take);
        left = (left < h->limit.amount) ? h->limit.amount - left : 0;

        if (tightest[k] == NULL || left < least[k]) {
            tightest[k] = h;
            least[k] = left;
        }
    }

    for (k = 0; k < 2; k++) {
        h = tightest[k];

        if (h == NULL) {
            continue;
        }

        if (ngx_http_genai_limits_header(r, "limit", units[k],
                                         h->limit.amount, "")
            != NGX_OK
            || ngx_http_genai_limits_header(r, "remaining", units[k],
                                            least[k], "")
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (h->limit.window_unit != GENAI_WINDOW_NEVER
            && ngx_http_genai_limits_header(r, "reset", units[k],
                              ngx_max((time_t) h->end - ngx_time(), 0), "s")
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ctx->refused && ctx->hopeless) {
        ngx_str_set(&name, "x-should-retry");
        ngx_str_set(&value, "false");

        if (ngx_http_genai_add_header(r, &name, &value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ctx->refused) {
        return NGX_OK;
    }

    if (ngx_http_genai_limits_warnings(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->clipped) {
        value.data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
        if (value.data == NULL) {
            return NGX_ERROR;
        }

        value.len = ngx_sprintf(value.data, "%uL", ctx->cap) - value.data;
        ngx_str_set(&name, "x-genai-output-cap");

        if (ngx_http_genai_add_header(r, &name, &value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_limits_header(ngx_http_request_t *r, const char *what,
    const char *unit, uint64_t value, const char *suffix)
{
    u_char     *p;
    ngx_str_t   name, text;

    p = ngx_pnalloc(r->pool, sizeof("x-ratelimit-remaining-requests")
                             + NGX_INT64_LEN + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    name.data = p;
    p = ngx_sprintf(p, "x-ratelimit-%s-%s", what, unit);
    name.len = p - name.data;

    text.data = p;
    p = ngx_sprintf(p, "%uL%s", value, suffix);
    text.len = p - text.data;

    return ngx_http_genai_add_header(r, &name, &text);
}


/* of whatever the part is reached of that the limit says */

static ngx_int_t
ngx_http_genai_limits_warnings(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx)
{
    ngx_uint_t     i;
    genai_hold_t  *h;

    for (i = 0; i < ctx->nholds; i++) {
        h = &ctx->holds[i];

        if (!h->limit.shadow
            && genai_limit_warns(&h->limit, h->used + h->leased + h->take)
            && ngx_http_genai_limits_warning(r, h) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_limits_warning(ngx_http_request_t *r, const genai_hold_t *h)
{
    u_char      text[NGX_HTTP_GENAI_LIMIT_TEXT], *p, *src, *last;
    ngx_str_t   name, value;
    ngx_uint_t  i;

    struct {
        const char  *name;
        uint64_t     value;
    } values[3] = {
        { "used", h->used },
        { "held", h->leased + h->take },
        { "of", h->limit.amount }
    };

    value.data = ngx_pnalloc(r->pool, NGX_HTTP_GENAI_WARNING);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    p = value.data;
    last = genai_limit_write(text, &h->limit);

    *p++ = '"';

    for (src = text; src < last; src++) {

        if (*src == '"' || *src == '\\') {
            *p++ = '\\';
        }

        *p++ = (*src < ' ' || *src > '~') ? '?' : *src;
    }

    p = ngx_sprintf(p, "\"; owner=%s", genai_books_print_owner(h->owner));

    for (i = 0; i < 3; i++) {
        p = ngx_sprintf(p, "; %s=", values[i].name);
        p = genai_books_print_value(p, h->limit.unit, values[i].value);
    }

    value.len = p - value.data;
    ngx_str_set(&name, "x-genai-limit-warning");

    return ngx_http_genai_add_header(r, &name, &value);
}


void
ngx_http_genai_limits_watch(ngx_http_request_t *r, genai_hold_t *holds,
    ngx_uint_t n)
{
    u_char        text[NGX_HTTP_GENAI_LIMIT_TEXT], *p;
    uint64_t      after;
    ngx_uint_t    i;
    genai_hold_t *h;

    for (i = 0; i < n; i++) {
        h = &holds[i];

        after = h->used + h->leased + h->take;

        if (h->limit.shadow && after > h->limit.amount) {

            ngx_http_genai_metrics_limit(NGX_HTTP_GENAI_LIMIT_SHADOW, h);

            if (h->told & GENAI_TOLD_OVER) {
                p = genai_limit_write(text, &h->limit);

                ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                              "genai: the limit \"%*s\" of \"%*s\", which is "
                              "watched only, is exceeded", p - text, text,
                              h->name.len, h->name.data);
            }
        }

        if (!genai_limit_warns(&h->limit, after)) {
            continue;
        }

        ngx_http_genai_metrics_limit(NGX_HTTP_GENAI_LIMIT_WARNED, h);

        if (h->told & GENAI_TOLD_WARN) {
            p = genai_limit_write(text, &h->limit);

            ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                          "genai: of the limit \"%*s\" of \"%*s\" %uL are "
                          "used or held", p - text, text, h->name.len,
                          h->name.data, after);
        }
    }
}
