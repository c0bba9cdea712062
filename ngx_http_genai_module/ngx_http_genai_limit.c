
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


#include "ngx_http_genai_limit_int.h"


/* times that a cap is lowered, others taking what was left meanwhile */
#define NGX_HTTP_GENAI_CLIPS         4


static unsigned ngx_http_genai_limits_find(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_str_t *model, genai_hold_t *holds);
static void ngx_http_genai_limits_reach(ngx_http_genai_ctx_t *ctx);
static void ngx_http_genai_limits_answer(ngx_http_genai_reach_t *reach);
static uint64_t ngx_http_genai_limits_cost(ngx_http_genai_ctx_t *ctx);
static ngx_uint_t ngx_http_genai_limits_clip(ngx_http_genai_ctx_t *ctx,
    genai_hold_t *holds, ngx_uint_t n, ngx_uint_t *which);


static genai_hold_t  ngx_http_genai_holds[GENAI_HOLDS_MAX];


/*
 * A look before the body is read: of what depends on the model, or on how
 * long a text is, nothing is known yet.
 */

ngx_http_genai_verdict_e
ngx_http_genai_limits_peek(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    unsigned                    n, i;
    genai_hold_t               *holds = ngx_http_genai_holds;
    genai_books_t              *books;
    ngx_http_genai_loc_conf_t  *lcf;

    static ngx_str_t  none = ngx_null_string;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_module);
    books = ngx_http_genai_books_joined();

    if (books == NULL || ctx->lease
        || (ctx->caller == NULL && lcf->limits == NULL)
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

    return ngx_http_genai_limits_refuse(r, ctx, holds, n);
}


ngx_http_genai_verdict_e
ngx_http_genai_limits_take(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    unsigned        n;
    ngx_uint_t      i, tight, needs_cap;
    genai_hold_e    rc;
    genai_hold_t   *holds = ngx_http_genai_holds;
    genai_books_t  *books;

    static time_t  told;

    ctx->cap = 0;
    ctx->clipped = 0;
    ctx->nholds = 0;
    ngx_memzero(&ctx->reach, sizeof(ngx_http_genai_reach_t));

    books = ngx_http_genai_books_joined();

    n = ngx_http_genai_limits_find(r, ctx, &ctx->model, holds);

    if (n == NGX_HTTP_GENAI_HOLDS_FAILED) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                     "out of memory");
    }

    if (n > GENAI_HOLDS_MAX) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_CONFIG,
                                     "more than %d limits apply to this "
                                     "request", GENAI_HOLDS_MAX);
    }

    ngx_http_genai_forgo(r, ctx, holds, n);

    if (n == 0) {
        return NGX_HTTP_GENAI_NEXT;
    }

    ngx_http_genai_limits_reach(ctx);

    needs_cap = ngx_http_genai_limits_takes(ctx, holds, n);
    tight = 0;

    for (i = 0; ; i++) {

        rc = genai_books_hold(books, ctx->lease, holds, n, ngx_time());

        if (rc != GENAI_HOLD_SHORT
            || i == NGX_HTTP_GENAI_CLIPS
            || !ngx_http_genai_limits_clip(ctx, holds, n, &tight))
        {
            break;
        }

        ctx->clipped = 1;
    }

    if (rc == GENAI_HOLD_OK && ctx->clipped) {
        ngx_http_genai_metrics_limit(NGX_HTTP_GENAI_LIMIT_CLIPPED,
                                     &holds[tight]);
    }

    if (rc == GENAI_HOLD_FULL) {

        /* once a second: who comes now may come very often */

        if (told != ngx_time()) {
            told = ngx_time();

            ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                          "the books have no room for another counter of a "
                          "limit, nobody new is let in: raise \"max=\" of "
                          "genai_books");
        }

        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_FULL,
                                     "there is no room to count this request "
                                     "against its limits");
    }

    if (rc == GENAI_HOLD_SHORT) {
        ctx->clipped = 0;
        return ngx_http_genai_limits_refuse(r, ctx, holds, n);
    }

    if (needs_cap) {
        ctx->cap = ctx->reach.cap;

    } else {
        ctx->reach.sliced = 0;
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
    unsigned     n;
    genai_str_t  name;

    if (ctx->snapshot == NULL) {

        /* models have limits for those too whom nobody knows */

        ctx->snapshot = ngx_http_genai_snapshot(r->connection->log);
    }

    name.len = model->len;
    name.data = model->data;

    n = 0;

    if (ctx->snapshot) {
        n = genai_policy_holds(ctx->snapshot->policy, ctx->caller, &name,
                               ngx_time(), holds);
    }

    return ngx_http_genai_limits_here(r, ctx, &name, holds, n);
}


static void
ngx_http_genai_limits_reach(ngx_http_genai_ctx_t *ctx)
{
    uint64_t                 output;
    ngx_uint_t               i, n;
    ngx_http_genai_count_t  *c;
    ngx_http_genai_reach_t  *reach;
    ngx_http_genai_target_t *targets;

    reach = &ctx->reach;
    reach->choices = 1;

    if (ctx->parsed == NULL) {

        /* what it is of is not known before its provider tells */

        return;
    }

    reach->choices = ngx_max(ctx->parsed->choices, ctx->parsed->best_of);
    reach->choices = ngx_max(reach->choices, 1);
    output = 0;

    if (ctx->counts == NULL) {

        /* a token is a byte at least */

        reach->prompt = ctx->parsed->bytes;
        output = ngx_http_genai_limits_output(NULL, reach->prompt);

    } else {
        reach->sliced = ctx->stream_asked;
        targets = ctx->inlined ? NULL : ctx->entry->targets.elts;
        n = ctx->inlined ? 1 : ctx->entry->targets.nelts;

        for (i = 0; i < n; i++) {

            if (!ngx_http_genai_count_usable(ctx, i)) {
                continue;
            }

            c = &ctx->counts[ctx->count_of[i]];

            reach->untold |= !ngx_http_genai_limits_tells(ctx,
                                         ctx->inlined ? NULL : &targets[i]);

            reach->prompt = ngx_max(reach->prompt, (uint64_t) c->bound);

            output = ngx_max(output,
                             ngx_http_genai_limits_output(c->model,
                                                          c->tokens));

            if (c->model) {
                reach->end = ngx_max(reach->end,
                                     genai_framing_answer_end(c->model));
            }

            /* of what is billed and not shown nobody knows how much it is */

            if (c->vocab == NULL || c->model == NULL
                || genai_framing_hides(c->model))
            {
                reach->sliced = 0;
            }
        }
    }

    if (genai_endpoint_silent(ctx->endpoint->endpoint)) {
        return;
    }

    reach->cap = output;

    /* some take 0 for no word about it */

    if (ctx->parsed->output_max > 0 && !reach->untold
        && (uint64_t) ctx->parsed->output_max < output)
    {
        reach->cap = ctx->parsed->output_max;
    }

    ngx_http_genai_limits_answer(reach);
}


/* a stream takes more of it when it is there */

static void
ngx_http_genai_limits_answer(ngx_http_genai_reach_t *reach)
{
    reach->answer = ngx_http_genai_limits_most(reach);

    if (reach->sliced) {
        reach->answer = ngx_min(reach->answer, NGX_HTTP_GENAI_SLICE);
    }
}


ngx_uint_t
ngx_http_genai_limits_takes(ngx_http_genai_ctx_t *ctx, genai_hold_t *holds,
    ngx_uint_t n)
{
    ngx_uint_t               i, needs_cap, unpriced;
    genai_use_t              use;
    ngx_http_genai_reach_t  *reach;

    reach = &ctx->reach;

    ngx_memzero(&use, sizeof(genai_use_t));

    /* attempts before this one may be billed as well */

    use.prompt = reach->prompt + ctx->spent.prompt;
    use.completion = reach->answer + ctx->spent.completion;

    needs_cap = 0;

    for (i = 0; i < n; i++) {

        unpriced = 0;

        switch (holds[i].limit.unit) {

        case GENAI_LIMIT_COST:
            use.cost = ctx->spent_cost + ngx_http_genai_limits_cost(ctx);

            if (reach->unpriced && holds[i].limit.unpriced) {
                use.cost = 0;

            } else {
                unpriced = reach->unpriced && !holds[i].limit.shadow;
            }

            /* fall through */

        case GENAI_LIMIT_TOKENS:
        case GENAI_LIMIT_COMPLETION_TOKENS:

            /* who only watches changes no request */

            needs_cap |= !holds[i].limit.shadow;
            break;

        default:
            break;
        }

        /* there is no limit that has room for what nobody knows */

        holds[i].take = unpriced ? NGX_HTTP_GENAI_LIMIT_UNKNOWN
                        : genai_limit_bound(&holds[i].limit, &use);
    }

    return needs_cap && reach->cap;
}


/* nano-dollars, by the dearest of those who may answer */

static uint64_t
ngx_http_genai_limits_cost(ngx_http_genai_ctx_t *ctx)
{
    uint64_t                      cost, most;
    ngx_uint_t                    i, n;
    ngx_http_genai_reach_t       *reach;
    const genai_catalog_model_t  *model;

    reach = &ctx->reach;
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
            || genai_price_bound(&model->price, reach->prompt, reach->answer,
                                 reach->choices, &cost)
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
 * Returns 0 where they do not, or where nothing is left; *which is one of
 * them.
 */

static ngx_uint_t
ngx_http_genai_limits_clip(ngx_http_genai_ctx_t *ctx, genai_hold_t *holds,
    ngx_uint_t n, ngx_uint_t *which)
{
    uint64_t                 low, high, room;
    ngx_uint_t               i;
    ngx_http_genai_reach_t  *reach;

    reach = &ctx->reach;

    if (reach->cap == 0 || reach->untold) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (!holds[i].tight) {
            continue;
        }

        if (!holds[i].limit.clip) {
            return 0;
        }

        *which = i;
    }

    /* the largest cap with which nothing is tight: more is never less */

    low = 0;
    high = reach->cap;

    while (high - low > 1) {

        reach->cap = low + (high - low) / 2;
        ngx_http_genai_limits_answer(reach);

        (void) ngx_http_genai_limits_takes(ctx, holds, n);

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

    /* where nothing is left the refusal says what the least one takes */

    reach->cap = ngx_max(low, 1);
    ngx_http_genai_limits_answer(reach);

    (void) ngx_http_genai_limits_takes(ctx, holds, n);

    return low != 0;
}
