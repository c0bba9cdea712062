
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stage lease, and the end of it: what an exchange holds in the books while
 * it is in flight, and what it is found to have used when it is over.
 *
 * An exchange has one lease, whatever redirects and attempts it comes to.
 * It is settled once: in the log phase, else by the cleanup of its pool.
 */


#include "ngx_http_genai_limit_int.h"


/* of one exchange; and names of a worker that no genai_model is of */
#define NGX_HTTP_GENAI_TOKENS_MAX    ((int64_t) 1 << 40)
#define NGX_HTTP_GENAI_INLINE_NAMES  64


static void ngx_http_genai_account(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, genai_account_t *account);
static void ngx_http_genai_doubt(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, const genai_tokens_t *tokens);
static void ngx_http_genai_overrun(ngx_http_request_t *r,
    const genai_overrun_t *overrun);
static int32_t ngx_http_genai_lease_day(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_str_t *ngx_http_genai_inline_name(ngx_http_genai_ctx_t *ctx);
static void ngx_http_genai_totals(ngx_http_genai_ctx_t *ctx,
    genai_tokens_t *tokens, genai_totals_t *totals);
static void ngx_http_genai_record(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static void ngx_http_genai_labels(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_labels_t *labels);
static ngx_uint_t ngx_http_genai_broken(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);


/* contexts of this worker that have a lease */
static ngx_queue_t  ngx_http_genai_leased;


ngx_http_genai_verdict_e
ngx_http_genai_lease(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_time_t                  *tp;
    genai_books_t               *books;
    genai_account_t              account;
    ngx_http_genai_verdict_e     verdict;
    ngx_http_genai_main_conf_t  *mcf;

    /* the list of models is free */

    if (ctx->endpoint->body == GENAI_BODY_NONE) {
        return NGX_HTTP_GENAI_NEXT;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_genai_module);
    books = ngx_http_genai_books_joined();

    if (books == NULL || mcf->books_failed) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_CONFIG,
                                     "the books cannot be written");
    }

    ngx_http_genai_account(r, ctx, &account);

    if (ctx->lease) {

        /* a redirect has led to another model, perhaps, unless it is refused */

        verdict = ngx_http_genai_limits_take(r, ctx);

        if (verdict != NGX_HTTP_GENAI_REFUSED) {
            genai_books_rebook(books, ctx->lease, &account);
        }

        return verdict;
    }

    tp = ngx_timeofday();

    ctx->lease = genai_books_lease(books, &account, ctx->id,
                                   (int64_t) tp->sec * 1000 + tp->msec);

    if (ctx->lease == NULL) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_FULL,
                                     "too many requests are in flight");
    }

    if (ngx_http_genai_leased.next == NULL) {
        ngx_queue_init(&ngx_http_genai_leased);
    }

    ngx_queue_insert_tail(&ngx_http_genai_leased, &ctx->leased);

    verdict = ngx_http_genai_limits_take(r, ctx);

    if (verdict == NGX_HTTP_GENAI_REFUSED) {

        /* there was no exchange: it counts nowhere */

        ngx_queue_remove(&ctx->leased);
        genai_books_drop(books, ctx->lease);
        ctx->lease = NULL;
    }

    return verdict;
}


/*
 * The name of a model is the entry's, which the operator has written.  Inline
 * it may be the client's: that counts where the provider has answered to it.
 */

static void
ngx_http_genai_account(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    genai_account_t *account)
{
    ngx_str_t                    *name;
    const genai_policy_t         *policy;
    const genai_policy_object_t  *object;

    ngx_memzero(account, sizeof(genai_account_t));

    if (ctx->entry) {
        account->model.len = ctx->entry->name.len;
        account->model.data = ctx->entry->name.data;

    } else if (ctx->inlined && ctx->meter.begun) {
        name = ngx_http_genai_inline_name(ctx);
        account->model.len = name->len;
        account->model.data = name->data;
    }

    if (ctx->lease_day == 0) {
        ctx->lease_day = ngx_http_genai_lease_day(r, ctx);
    }

    account->day = ctx->lease_day;

    if (ctx->caller == NULL) {
        return;
    }

    policy = ctx->snapshot->policy;

    account->key = genai_policy_text(policy, ctx->caller->id);

    object = genai_policy_user(policy, ctx->caller);

    if (object) {
        account->user = genai_policy_text(policy, object->id);
    }

    object = genai_policy_team(policy, ctx->caller);

    if (object) {
        account->team = genai_policy_text(policy, object->id);
    }
}


/* today in the policy's time zone, also for those whom it does not know */

static int32_t
ngx_http_genai_lease_day(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    int32_t                     day;
    ngx_http_genai_snapshot_t  *s;

    if (ctx->caller) {
        return genai_policy_day(ctx->snapshot->policy, ngx_time());
    }

    s = ngx_http_genai_snapshot(r->connection->log);

    if (s == NULL) {
        return ngx_time() / 86400;
    }

    day = genai_policy_day(s->policy, ngx_time());

    ngx_http_genai_snapshot_release(s);

    return day;
}


/*
 * Clients make up names as they like, and some providers answer to any: what
 * is booked and measured by name is what came first, and not too much of it.
 */

static ngx_str_t *
ngx_http_genai_inline_name(ngx_http_genai_ctx_t *ctx)
{
    uint32_t    hash;
    ngx_uint_t  i;

    static uint32_t    known[NGX_HTTP_GENAI_INLINE_NAMES];
    static ngx_uint_t  n;
    static ngx_str_t   other = ngx_string("other");

    hash = ngx_crc32_long(ctx->model.data, ctx->model.len);

    for (i = 0; i < n; i++) {
        if (known[i] == hash) {
            return &ctx->model;
        }
    }

    if (n == NGX_HTTP_GENAI_INLINE_NAMES
        || ctx->model.len > GENAI_BOOKS_TEXT_MAX)
    {
        return &other;
    }

    known[n++] = hash;

    return &ctx->model;
}


void
ngx_http_genai_checkpoint(ngx_http_genai_ctx_t *ctx)
{
    unsigned        sent;
    genai_tokens_t  tokens;
    genai_totals_t  so_far;

    if (ctx->lease == NULL || (ctx->booked && ctx->meter.usage_known)) {
        return;
    }

    /* a usage is the last thing that a JSON answer tells */

    ctx->booked = (ctx->meter.usage_known && !ctx->event_stream);

    /* who dies now cannot tell whether it was sent: it may have been */

    sent = ctx->meter.sent;
    ctx->meter.sent = 1;

    ngx_http_genai_count_said(ctx, 0);

    genai_meter_tokens(&ctx->meter, &tokens);

    ctx->meter.sent = sent;

    ngx_http_genai_totals(ctx, &tokens, &so_far);

    /* the one that is under way is counted when it is over */

    so_far.attempts += !ctx->inlined;

    genai_books_checkpoint(ctx->lease, &so_far);
}


static void
ngx_http_genai_totals(ngx_http_genai_ctx_t *ctx, genai_tokens_t *tokens,
    genai_totals_t *totals)
{
    totals->exchanges = 1;
    totals->failed = 0;
    totals->orphans = 0;
    totals->estimated = (tokens->source == GENAI_COUNT_ESTIMATED)
                        || ctx->spent_estimated;
    totals->attempts = ctx->inlined ? ctx->meter.sent : ctx->group.attempts;

    /* what providers tell is added up for years */

    totals->prompt = ctx->spent.prompt
                     + ngx_min(tokens->prompt, NGX_HTTP_GENAI_TOKENS_MAX);
    totals->cached = ctx->spent.cached
                     + ngx_min(tokens->cached, NGX_HTTP_GENAI_TOKENS_MAX);
    totals->completion = ctx->spent.completion
                         + ngx_min(tokens->completion,
                                   NGX_HTTP_GENAI_TOKENS_MAX);
    totals->reasoning = ctx->spent.reasoning
                        + ngx_min(tokens->reasoning,
                                  NGX_HTTP_GENAI_TOKENS_MAX);
    totals->cost = ctx->spent_cost + ngx_http_genai_cost(ctx, tokens);
}


uint64_t
ngx_http_genai_cost(ngx_http_genai_ctx_t *ctx, genai_tokens_t *tokens)
{
    uint64_t  cost;

    if (ctx->count == NULL
        || ctx->count->model == NULL
        || genai_price_cost(&ctx->count->model->price, tokens, &cost) != 0)
    {
        return 0;
    }

    return ngx_min(cost, GENAI_USE_MAX);
}


void
ngx_http_genai_spent(ngx_http_genai_ctx_t *ctx, const genai_meter_t *meter)
{
    genai_tokens_t           tokens;
    genai_totals_t           all;
    ngx_http_genai_labels_t  labels;

    if (ctx->lease == NULL) {
        return;
    }

    genai_meter_tokens(meter, &tokens);

    if (tokens.source == GENAI_COUNT_NONE) {
        return;
    }

    ngx_http_genai_labels(ctx, &labels);
    ngx_http_genai_metrics_spent(&labels, &tokens);

    ngx_http_genai_totals(ctx, &tokens, &all);

    ctx->spent.prompt = all.prompt;
    ctx->spent.cached = all.cached;
    ctx->spent.completion = all.completion;
    ctx->spent.reasoning = all.reasoning;
    ctx->spent_cost = all.cost;
    ctx->spent_any = 1;
    ctx->spent_estimated |= (tokens.source == GENAI_COUNT_ESTIMATED);

    /* it is booked: nothing is to be estimated should no attempt follow */

    ctx->meter.refused = 1;
}


void
ngx_http_genai_redirected(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    genai_tokens_t        tokens;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (ctx->lease == NULL || u == NULL || u == ctx->spent_of) {
        return;
    }

    ngx_http_genai_window_close(ctx);

    if (ctx->inlined && u->headers_in.status_n >= 300) {

        /* proxy_intercept_errors: its head went by unseen */

        ctx->meter.refused = 1;
    }

    ngx_http_genai_used(r, ctx, &tokens);
    ngx_http_genai_spent(ctx, &ctx->meter);

    ctx->spent_of = u;
}


void
ngx_http_genai_forgo(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    genai_hold_t *holds, ngx_uint_t n)
{
    genai_use_t      use;
    genai_overrun_t  overrun;

    use.prompt = ctx->spent.prompt;
    use.cached = ctx->spent.cached;
    use.completion = ctx->spent.completion;
    use.reasoning = ctx->spent.reasoning;
    use.cost = ctx->spent_cost;

    ngx_memzero(&overrun, sizeof(genai_overrun_t));

    genai_books_forgo(ngx_http_genai_books_joined(), ctx->lease, holds, n,
                      ctx->spent_any ? &use : NULL, &overrun);

    ngx_http_genai_overrun(r, &overrun);
}


static void
ngx_http_genai_overrun(ngx_http_request_t *r, const genai_overrun_t *overrun)
{
    if (overrun->tokens == 0 && overrun->cost == 0) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "genai: an exchange used %uL tokens, $%uL.%09uL more than "
                  "its limits had left, which the next window owes",
                  overrun->tokens, overrun->cost / 1000000000,
                  overrun->cost % 1000000000);

    ngx_http_genai_metrics_overrun(overrun);
}


/* it is believed, as it is what will be billed; but somebody should look */

static void
ngx_http_genai_doubt(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    const genai_tokens_t *tokens)
{
    uint64_t  most;

    most = ngx_http_genai_limits_most(&ctx->reach);

    if (ctx->cap == 0 || tokens->source != GENAI_COUNT_PROVIDER
        || (uint64_t) tokens->completion <= most)
    {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "genai: the provider says that it has answered with %L "
                  "tokens, to a request whose answer could be at most %uL: "
                  "they are booked", tokens->completion, most);
}


void
ngx_http_genai_settle(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    genai_books_t    *books;
    genai_tokens_t    tokens;
    genai_totals_t    used;
    genai_account_t   account;
    genai_overrun_t   overrun;

    if (ctx->lease == NULL) {
        return;
    }

    books = ngx_http_genai_books_joined();

    ngx_queue_remove(&ctx->leased);

    if (books == NULL) {

        /* this process has left the books: another one settles it */

        ctx->lease = NULL;
        return;
    }

    ngx_http_genai_used(r, ctx, &tokens);

    if (ngx_http_genai_cached(r) && !ctx->meter.sent) {

        /* an answer of nginx's own cache: no provider was asked for it */

        ngx_memzero(&tokens, sizeof(genai_tokens_t));
    }

    ngx_http_genai_doubt(r, ctx, &tokens);
    ngx_http_genai_totals(ctx, &tokens, &used);

    used.failed = (ngx_http_genai_outcome(r, ctx) != GENAI_OK);

    if (ctx->entry == NULL && ctx->meter.begun) {
        ngx_http_genai_account(r, ctx, &account);
        genai_books_rebook(books, ctx->lease, &account);
    }

    ngx_memzero(&overrun, sizeof(genai_overrun_t));

    genai_books_settle(books, ctx->lease, &used, &overrun);

    ngx_http_genai_overrun(r, &overrun);

    ctx->lease = NULL;
}


/* the worker ends, whatever is still in flight */

void
ngx_http_genai_settle_all(void)
{
    ngx_queue_t           *q;
    ngx_http_genai_ctx_t  *ctx;

    if (ngx_http_genai_leased.next == NULL) {
        return;
    }

    while (!ngx_queue_empty(&ngx_http_genai_leased)) {

        q = ngx_queue_head(&ngx_http_genai_leased);
        ctx = ngx_queue_data(q, ngx_http_genai_ctx_t, leased);

        if (ctx->error == GENAI_OK) {
            ctx->error = GENAI_GATEWAY_INTERNAL;
        }

        ngx_http_genai_settle(ctx->request, ctx);
    }
}


ngx_int_t
ngx_http_genai_log_handler(ngx_http_request_t *r)
{
    ngx_http_genai_ctx_t  *ctx;

    ctx = ngx_http_genai_get_ctx(r);

    if (ctx == NULL || r != r->main) {
        return NGX_OK;
    }

    ngx_http_genai_record(r, ctx);
    ngx_http_genai_settle(r, ctx);

    return NGX_OK;
}


static void
ngx_http_genai_record(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    uint64_t                   now;
    ngx_http_genai_labels_t    labels;
    ngx_http_genai_measures_t  measures;

    genai_zero(&measures, sizeof(ngx_http_genai_measures_t));

    ngx_http_genai_labels(ctx, &labels);

    labels.error = ngx_http_genai_outcome(r, ctx);

    if (r->err_status) {
        labels.status = r->err_status;

    } else if (r->headers_out.status) {
        labels.status = r->headers_out.status;

    } else {
        labels.status = genai_error_status(labels.error);
    }

    ngx_http_genai_used(r, ctx, &measures.tokens);

    now = ngx_http_genai_clock();

    measures.duration = now - ctx->start;
    measures.stream = ctx->event_stream;
    measures.overhead = ctx->overhead;
    measures.step = ctx->step_max;
    measures.identify = ctx->identified;

    if (ctx->parsed_at) {
        measures.parse = ctx->parsed_at - ctx->identified;
        measures.filter = ctx->overhead - ctx->parsed_at;
    }

    if (ctx->first_token) {
        measures.ttft = ctx->first_token - ctx->start;

        if (measures.tokens.completion > 1 && ctx->event_stream) {
            measures.per_token = (now - ctx->first_token)
                                 / (measures.tokens.completion - 1);
        }

    } else if (ctx->first_byte) {
        measures.ttft = ctx->first_byte - ctx->start;
    }

    ngx_http_genai_metrics_record(&labels, &measures);
    ngx_http_genai_count_compare(ctx);
}


/* all but how it has ended */

static void
ngx_http_genai_labels(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_labels_t *labels)
{
    genai_str_t                   id;
    const genai_policy_object_t  *team;

    genai_zero(labels, sizeof(ngx_http_genai_labels_t));

    if (ctx->caller) {
        team = genai_policy_team(ctx->snapshot->policy, ctx->caller);

        if (team) {
            id = genai_policy_text(ctx->snapshot->policy, team->id);
            labels->team.len = id.len;
            labels->team.data = id.data;
        }
    }

    if (ctx->entry) {
        labels->model = ctx->entry->name;

    } else if (ctx->inlined && ctx->meter.begun) {
        labels->model = *ngx_http_genai_inline_name(ctx);
    }

    if (ctx->target) {
        labels->target = ctx->target->name;
        labels->provider = ctx->target->provider->name;
    }

    if (ctx->endpoint) {
        labels->endpoint = ctx->endpoint->endpoint;
    }
}


void
ngx_http_genai_used(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    genai_tokens_t *tokens)
{
    if (ctx->inlined && r->upstream && r->upstream != ctx->spent_of
        && r->upstream->request_sent)
    {

        /* by nginx, which tells us nothing of its attempts */

        ctx->meter.sent = 1;
    }

    /*
     * Nothing refers to a request that is being freed, and logged, but where
     * its connection is kept; and what a limit has ended says no more.
     */

    ngx_http_genai_count_said(ctx, ctx->meter.ended || ctx->limited
                                   || r->main->count == 0);

    genai_meter_tokens(&ctx->meter, tokens);

    if (ctx->coded && ctx->from_provider && ctx->meter.begun
        && !ctx->meter.usage_known && ctx->reach.cap)
    {
        /* nobody has read it: it may be as long as it was allowed to be */

        tokens->completion = ngx_http_genai_limits_most(&ctx->reach);
        tokens->source = GENAI_COUNT_ESTIMATED;
    }
}


genai_error_e
ngx_http_genai_outcome(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_connection_t  *c;

    if (ctx->error != GENAI_OK) {
        return ctx->error;
    }

    c = r->connection;

    if (c->error || c->timedout) {

        /* nginx ends such an exchange without a word to us */

        return GENAI_CALLER_GONE;
    }

    /* an error behind a status that had been none */

    if (ctx->meter.error || ngx_http_genai_broken(r, ctx)) {
        return GENAI_PROVIDER_BAD_ANSWER;
    }

    return GENAI_OK;
}


/* an answer that is read, and whose end has not come or was none */

static ngx_uint_t
ngx_http_genai_broken(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_http_upstream_t  *u;

    if (!ctx->from_provider) {
        return 0;
    }

    if (ctx->meter.ended) {
        return ctx->event_stream && ctx->meter.end == GENAI_END_CUT;
    }

    if (ctx->ended) {
        return 0;
    }

    if (ctx->output) {
        return 1;
    }

    /* nginx may break off before we see a byte, and then says nothing */

    u = r->upstream;

    return u && u->cleanup == NULL && !ngx_http_genai_cached(r)
           && !ctx->coded && ngx_http_genai_answer_read(ctx);
}


/* how the exchange has ended, one word for every way there is */

const char *
ngx_http_genai_finish(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    genai_error_e   error;
    genai_meter_t  *m;

    static const char  *words[] = {
        "complete", "stop", "length", "tool", "filter", "error", "other"
    };

    m = &ctx->meter;
    error = ngx_http_genai_outcome(r, ctx);

    if (error == GENAI_CALLER_GONE) {
        return "gone";
    }

    if (ctx->limited) {
        return "limit";
    }

    if (ctx->from_provider) {

        if (r->headers_out.status >= 300 || m->error) {
            return "error";
        }

        if (error != GENAI_OK) {
            return (error == GENAI_PROVIDER_TIMEOUT) ? "timeout" : "cut";
        }

        if (m->finished) {
            return words[m->finish];
        }

        if (m->ended && m->end == GENAI_END_CUT) {

            /* a JSON text that is whole, but says nothing that we know */

            return "other";
        }

        return "complete";
    }

    switch (error) {

    case GENAI_OK:
        return r->headers_out.status ? "complete" : "";

    case GENAI_PROVIDER_TIMEOUT:
        return "timeout";

    case GENAI_PROVIDER_UNREACHABLE:
        return "unreachable";

    case GENAI_PROVIDER_RATE_LIMITED:
    case GENAI_PROVIDER_OVERLOADED:
    case GENAI_PROVIDER_REFUSED:
    case GENAI_PROVIDER_BAD_ANSWER:
        return "error";

    default:
        return "refused";
    }
}
