
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Limits: what an exchange takes of them before it leaves, how long its
 * answer may therefore be, and what its caller is told.
 *
 * What an exchange can come to is its prompt, of which an upper bound is
 * taken where it is estimated, and as many tokens as it may be answered with,
 * for each answer asked for.  The latter is written into the request where a
 * limit depends on it, so that it is the provider who keeps to it.
 */


#include "ngx_http_genai.h"


/* tokens of an answer where neither caller nor catalogue says how many */
#define NGX_HTTP_GENAI_CAP_DEFAULT   16384

/* and the most that is reckoned with */
#define NGX_HTTP_GENAI_CAP_MAX       ((uint64_t) 1 << 32)

/* times that a cap is lowered, others taking what was left meanwhile */
#define NGX_HTTP_GENAI_CLIPS         4

/* s: when to ask again where nobody knows when another exchange ends */
#define NGX_HTTP_GENAI_RETRY         1

#define NGX_HTTP_GENAI_LIMIT_TEXT    (GENAI_LIMIT_TEXT + GENAI_POLICY_TEXT_MAX)


/* what an exchange can come to */
typedef struct {
    uint64_t    prompt;             /* tokens, hardly ever exceeded */
    uint64_t    cap;                /* of an answer; 0 is no answer */
    uint64_t    choices;
    ngx_uint_t  unpriced;           /* a target's price is not known */
} ngx_http_genai_reach_t;


static unsigned ngx_http_genai_limits_find(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_str_t *model, genai_hold_t *holds);
static void ngx_http_genai_limits_reach(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_reach_t *reach);
static uint64_t ngx_http_genai_limits_output(
    const genai_catalog_model_t *model, uint64_t prompt);
static ngx_uint_t ngx_http_genai_limits_takes(ngx_http_genai_ctx_t *ctx,
    genai_hold_t *holds, ngx_uint_t n, ngx_http_genai_reach_t *reach);
static uint64_t ngx_http_genai_limits_cost(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_reach_t *reach);
static ngx_uint_t ngx_http_genai_limits_clip(ngx_http_genai_ctx_t *ctx,
    genai_hold_t *holds, ngx_uint_t n, ngx_http_genai_reach_t *reach);
static ngx_http_genai_verdict_e ngx_http_genai_limits_refuse(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx, genai_hold_t *holds,
    ngx_uint_t n, ngx_http_genai_reach_t *reach);
static ngx_uint_t ngx_http_genai_limit_long(const genai_limit_t *limit);
static ngx_int_t ngx_http_genai_limits_header(ngx_http_request_t *r,
    const char *what, const char *unit, uint64_t value, const char *suffix);
static void ngx_http_genai_limits_watch(ngx_http_request_t *r,
    genai_hold_t *holds, ngx_uint_t n);


static genai_hold_t  ngx_http_genai_holds[GENAI_HOLDS_MAX];


/*
 * A look before the body is read: of what depends on the model, or on how
 * long a text is, nothing is known yet.
 */

ngx_http_genai_verdict_e
ngx_http_genai_limits_peek(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    unsigned                n, i;
    genai_hold_t           *holds = ngx_http_genai_holds;
    genai_books_t          *books;
    ngx_http_genai_reach_t  reach;

    static ngx_str_t  none = ngx_null_string;

    books = ngx_http_genai_books_joined();

    if (books == NULL || ctx->caller == NULL || ctx->lease
        || ctx->endpoint->body == GENAI_BODY_NONE)
    {
        return NGX_HTTP_GENAI_NEXT;
    }

    n = ngx_http_genai_limits_find(r, ctx, &none, holds);

    if (n == 0 || n > GENAI_HOLDS_MAX) {
        return NGX_HTTP_GENAI_NEXT;
    }

    for (i = 0; i < n; i++) {
        holds[i].take = (holds[i].limit.unit == GENAI_LIMIT_REQUESTS
                         || holds[i].limit.unit == GENAI_LIMIT_CONCURRENT
                         || holds[i].limit.unit == GENAI_LIMIT_TOKENS);
    }

    if (genai_books_peek(books, holds, n, ngx_time()) == 0) {
        return NGX_HTTP_GENAI_NEXT;
    }

    ngx_memzero(&reach, sizeof(ngx_http_genai_reach_t));

    return ngx_http_genai_limits_refuse(r, ctx, holds, n, &reach);
}


ngx_http_genai_verdict_e
ngx_http_genai_limits_take(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    unsigned                n;
    ngx_uint_t              i, needs_cap;
    genai_hold_e            rc;
    genai_hold_t           *holds = ngx_http_genai_holds;
    genai_books_t          *books;
    ngx_http_genai_reach_t  reach;

    ctx->cap = 0;
    ctx->nholds = 0;

    books = ngx_http_genai_books_joined();

    genai_books_let_go(books, ctx->lease);

    n = ngx_http_genai_limits_find(r, ctx, &ctx->model, holds);

    if (n == 0) {
        return NGX_HTTP_GENAI_NEXT;
    }

    if (n > GENAI_HOLDS_MAX) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_CONFIG,
                                     "more than %d limits apply to this "
                                     "request", GENAI_HOLDS_MAX);
    }

    ngx_http_genai_limits_reach(ctx, &reach);

    needs_cap = ngx_http_genai_limits_takes(ctx, holds, n, &reach);

    for (i = 0; ; i++) {

        rc = genai_books_hold(books, ctx->lease, holds, n, ngx_time());

        if (rc != GENAI_HOLD_SHORT
            || i == NGX_HTTP_GENAI_CLIPS
            || !ngx_http_genai_limits_clip(ctx, holds, n, &reach))
        {
            break;
        }

        ctx->clipped = 1;
    }

    if (rc == GENAI_HOLD_FULL) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "the books have no room for another counter of a limit, "
                      "nobody new is let in: raise \"max=\" of genai_books");

        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_FULL,
                                     "there is no room to count this request "
                                     "against its limits");
    }

    if (rc == GENAI_HOLD_SHORT) {
        ctx->clipped = 0;
        return ngx_http_genai_limits_refuse(r, ctx, holds, n, &reach);
    }

    if (needs_cap) {
        ctx->cap = reach.cap;
    }

    ctx->holds = ngx_palloc(r->pool, n * sizeof(genai_hold_t));
    if (ctx->holds == NULL) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                     "out of memory");
    }

    ngx_memcpy(ctx->holds, holds, n * sizeof(genai_hold_t));
    ctx->nholds = n;

    ngx_http_genai_limits_watch(r, ctx->holds, n);

    return NGX_HTTP_GENAI_NEXT;
}


static unsigned
ngx_http_genai_limits_find(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_str_t *model, genai_hold_t *holds)
{
    genai_str_t  name;

    if (ctx->snapshot == NULL) {

        /* models have limits for those too whom nobody knows */

        ctx->snapshot = ngx_http_genai_snapshot(r->connection->log);

        if (ctx->snapshot == NULL) {
            return 0;
        }
    }

    name.len = model->len;
    name.data = model->data;

    return genai_policy_holds(ctx->snapshot->policy, ctx->caller, &name,
                              ngx_time(), holds);
}


static void
ngx_http_genai_limits_reach(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_reach_t *reach)
{
    uint64_t                      output;
    ngx_uint_t                    i, n;
    const genai_catalog_model_t  *model;

    ngx_memzero(reach, sizeof(ngx_http_genai_reach_t));

    reach->choices = 1;

    if (ctx->parsed == NULL) {

        /* what it is of is not known before its provider tells */

        return;
    }

    reach->choices = ngx_max(ctx->parsed->choices, 1);
    output = 0;
    model = NULL;

    if (ctx->counts == NULL) {

        /* a token is a byte at least */

        reach->prompt = ctx->parsed->bytes;
        output = ngx_http_genai_limits_output(NULL, reach->prompt);

    } else {
        n = ctx->inlined ? 1 : ctx->entry->targets.nelts;

        for (i = 0; i < n; i++) {

            if (!ngx_http_genai_count_usable(ctx, i)) {
                continue;
            }

            model = ctx->counts[ctx->count_of[i]].model;

            reach->prompt = ngx_max(reach->prompt,
                          (uint64_t) ctx->counts[ctx->count_of[i]].bound);

            output = ngx_max(output,
                             ngx_http_genai_limits_output(model,
                                   ctx->counts[ctx->count_of[i]].tokens));
        }
    }

    if (ctx->endpoint->endpoint == GENAI_ENDPOINT_EMBEDDINGS) {
        return;
    }

    reach->cap = output;

    if (ctx->parsed->output_max >= 0
        && (uint64_t) ctx->parsed->output_max < output)
    {
        reach->cap = ctx->parsed->output_max;
    }
}


/* the most tokens that a model answers with to such a prompt */

static uint64_t
ngx_http_genai_limits_output(const genai_catalog_model_t *model,
    uint64_t prompt)
{
    uint64_t  output, window;

    output = NGX_HTTP_GENAI_CAP_DEFAULT;

    if (model) {
        output = model->output ? model->output : output;

        if (model->context) {
            window = (model->context > prompt) ? model->context - prompt : 1;
            output = ngx_min(output, window);
        }
    }

    return ngx_min(output, NGX_HTTP_GENAI_CAP_MAX);
}


/* returns whether the answer's length counts for any of them */

static ngx_uint_t
ngx_http_genai_limits_takes(ngx_http_genai_ctx_t *ctx, genai_hold_t *holds,
    ngx_uint_t n, ngx_http_genai_reach_t *reach)
{
    ngx_uint_t   i, needs_cap;
    genai_use_t  use;

    ngx_memzero(&use, sizeof(genai_use_t));

    use.prompt = reach->prompt;
    use.completion = reach->cap * reach->choices;

    needs_cap = 0;

    for (i = 0; i < n; i++) {

        switch (holds[i].limit.unit) {

        case GENAI_LIMIT_COST:
            use.cost = ngx_http_genai_limits_cost(ctx, reach);

            if (reach->unpriced && holds[i].limit.unpriced) {
                use.cost = 0;
            }

            needs_cap = 1;
            break;

        case GENAI_LIMIT_TOKENS:
        case GENAI_LIMIT_COMPLETION_TOKENS:
            needs_cap = 1;
            break;

        default:
            break;
        }

        holds[i].take = genai_limit_bound(&holds[i].limit, &use);
    }

    return needs_cap && reach->cap;
}


/* nano-dollars, by the dearest of those who may answer */

static uint64_t
ngx_http_genai_limits_cost(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_reach_t *reach)
{
    uint64_t                      cost, most;
    ngx_uint_t                    i, n;
    const genai_catalog_model_t  *model;

    reach->unpriced = 0;

    if (ctx->counts == NULL) {
        reach->unpriced = 1;
        return GENAI_USE_MAX;
    }

    most = 0;
    n = ctx->inlined ? 1 : ctx->entry->targets.nelts;

    for (i = 0; i < n; i++) {

        if (!ngx_http_genai_count_usable(ctx, i)) {
            continue;
        }

        model = ctx->counts[ctx->count_of[i]].model;

        if (model == NULL
            || genai_price_bound(&model->price, reach->prompt,
                                 reach->cap * reach->choices, reach->choices,
                                 &cost)
               != 0)
        {
            reach->unpriced = 1;
            return GENAI_USE_MAX;
        }

        most = ngx_max(most, cost);
    }

    return most;
}


/*
 * Lowers the cap to what is left, where all limits that are tight say so.
 * Returns 0 where they do not, or where nothing is left.
 */

static ngx_uint_t
ngx_http_genai_limits_clip(ngx_http_genai_ctx_t *ctx, genai_hold_t *holds,
    ngx_uint_t n, ngx_http_genai_reach_t *reach)
{
    uint64_t    low, high, room;
    ngx_uint_t  i;

    if (reach->cap == 0) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (holds[i].tight && !holds[i].limit.clip) {
            return 0;
        }
    }

    /* the largest cap with which nothing is tight: more is never less */

    low = 0;
    high = reach->cap;

    while (high - low > 1) {

        reach->cap = low + (high - low) / 2;
        (void) ngx_http_genai_limits_takes(ctx, holds, n, reach);

        for (i = 0; i < n; i++) {

            room = holds[i].used + holds[i].leased;
            room = (room < holds[i].limit.amount)
                   ? holds[i].limit.amount - room : 0;

            if (!holds[i].limit.shadow && holds[i].take > room) {
                break;
            }
        }

        if (i == n) {
            low = reach->cap;

        } else {
            high = reach->cap;
        }
    }

    reach->cap = low;
    (void) ngx_http_genai_limits_takes(ctx, holds, n, reach);

    return low != 0;
}


static ngx_http_genai_verdict_e
ngx_http_genai_limits_refuse(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    genai_hold_t *holds, ngx_uint_t n, ngx_http_genai_reach_t *reach)
{
    u_char        text[NGX_HTTP_GENAI_LIMIT_TEXT], *p;
    time_t        wait;
    ngx_str_t     ends;
    ngx_uint_t    i, quota;
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

        if (tight == NULL
            || (h->limit.unit != GENAI_LIMIT_CONCURRENT
                && (tight->limit.unit == GENAI_LIMIT_CONCURRENT
                    || h->end > tight->end)))
        {
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
    ctx->quota = quota;

    p = genai_limit_write(text, &h->limit);

    if (h->limit.unit == GENAI_LIMIT_COST && reach->unpriced) {
        return ngx_http_genai_refuse(r, ctx, GENAI_POLICY_QUOTA,
                                     "the limit \"%*s\" holds for this "
                                     "request, and the price of its model is "
                                     "not known", p - text, text);
    }

    wait = NGX_HTTP_GENAI_RETRY;
    ngx_str_null(&ends);

    if (h->limit.unit != GENAI_LIMIT_CONCURRENT) {

        if (h->limit.window_unit == GENAI_WINDOW_NEVER) {
            wait = 0;
            ngx_str_set(&ends, ", which is for good");

        } else {
            wait = ngx_max((time_t) h->end - ngx_time(), 1);

            ends.data = ngx_pnalloc(r->pool, NGX_TIME_T_LEN + 64);

            if (ends.data) {
                ends.len = ngx_sprintf(ends.data, ", which ends in %T seconds",
                                       wait)
                           - ends.data;
            }
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

    if (ctx->refused && ctx->quota) {
        ngx_str_set(&name, "x-should-retry");
        ngx_str_set(&value, "false");

        if (ngx_http_genai_add_header(r, &name, &value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ctx->clipped && !ctx->refused) {
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


/* tells of what a shadow lets pass, and of a part that is reached */

static void
ngx_http_genai_limits_watch(ngx_http_request_t *r, genai_hold_t *holds,
    ngx_uint_t n)
{
    u_char        text[NGX_HTTP_GENAI_LIMIT_TEXT], *p;
    uint64_t      before, after, warn;
    ngx_uint_t    i;
    genai_hold_t *h;

    for (i = 0; i < n; i++) {
        h = &holds[i];

        before = h->used + h->leased;
        after = before + h->take;

        if (h->limit.shadow && before <= h->limit.amount
            && after > h->limit.amount)
        {
            p = genai_limit_write(text, &h->limit);

            ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                          "genai: the limit \"%*s\" of \"%*s\", which is "
                          "watched only, is exceeded", p - text, text,
                          h->name.len, h->name.data);
        }

        if (h->limit.warn == 0) {
            continue;
        }

        warn = h->limit.amount / GENAI_LIMIT_MILLION * h->limit.warn
               + h->limit.amount % GENAI_LIMIT_MILLION * h->limit.warn
                 / GENAI_LIMIT_MILLION;

        if (before < warn && after >= warn) {
            p = genai_limit_write(text, &h->limit);

            ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                          "genai: of the limit \"%*s\" of \"%*s\" %uL are "
                          "used or held", p - text, text, h->name.len,
                          h->name.data, after);
        }
    }
}


/* where a limit depends on it the provider is told how long it may be */

ngx_int_t
ngx_http_genai_limits_render(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target)
{
    u_char                        text[NGX_INT64_LEN];
    uint64_t                      cap, own;
    ngx_int_t                     n;
    ngx_uint_t                    i, k, which;
    genai_str_t                   json;
    const genai_catalog_model_t  *model;
    ngx_http_genai_override_t    *o;

    static const genai_str_t  names[] = {
        genai_str("max_tokens"), genai_str("max_completion_tokens")
    };

    if (ctx->cap == 0 || ctx->parsed == NULL) {
        return NGX_OK;
    }

    model = ctx->count ? ctx->count->model : NULL;
    cap = ctx->cap;

    if (ctx->count) {
        own = ngx_http_genai_limits_output(model, ctx->count->tokens);
        cap = ngx_min(cap, own);
    }

    /* the field that the client uses, else the one that the model takes */

    k = ctx->parsed->max_completion_tokens ? 1
        : ctx->parsed->max_tokens ? 0
        : (ctx->endpoint->endpoint == GENAI_ENDPOINT_CHAT && model
           && model->framing == GENAI_FRAMING_OPENAI5);

    if (target) {
        o = target->overrides.elts;

        for (i = 0; i < target->overrides.nelts; i++) {

            for (which = 0; which < 2; which++) {

                if (o[i].name.len != names[which].len
                    || ngx_memcmp(o[i].name.data, names[which].data,
                                  names[which].len)
                       != 0)
                {
                    continue;
                }

                n = ngx_atoi(o[i].json.data, o[i].json.len);

                if (n > 0 && (uint64_t) n <= cap) {

                    /* it may be lower, and says so itself */

                    return NGX_OK;
                }

                k = o[i].json.len ? which : k;
                goto set;
            }
        }
    }

    if (ctx->parsed->output_max >= 0
        && (uint64_t) ctx->parsed->output_max <= cap)
    {
        return NGX_OK;
    }

set:

    json.data = text;
    json.len = ngx_sprintf(text, "%uL", cap) - text;

    return genai_edit_set(ctx->target_edits, 0, &names[k], &json)
           == GENAI_EDIT_OK ? NGX_OK : NGX_ERROR;
}
