
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stage count: how many tokens the request is, before it leaves.
 *
 * Whose tokens depends on who will answer, so it is counted once for each way
 * of counting among the targets that may: their vocabularies, and what their
 * providers put around texts.  A target whose window the request does not fit
 * is left out, and only when none is left the request is refused.
 *
 * The answer is counted as well, by the vocabulary of the target that gives
 * it: what a provider tells at the end is believed, but a stream may be cut,
 * or its provider may tell nothing.
 */


#include "ngx_http_genai.h"
#include <pthread.h>


static ngx_http_genai_verdict_e ngx_http_genai_count_prepare(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);
static ngx_uint_t ngx_http_genai_count_way(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_main_conf_t *mcf, ngx_str_t *name);
static ngx_uint_t ngx_http_genai_count_alike(const genai_catalog_model_t *a,
    const genai_catalog_model_t *b);
static void ngx_http_genai_count_done(ngx_http_genai_count_t *c,
    const genai_prompt_t *prompt);
static ngx_uint_t ngx_http_genai_count_factors(
    const ngx_http_genai_count_t *c, double *likely, double *most);
static int ngx_http_genai_count_step(void *data, size_t budget);
static void ngx_http_genai_count_fits(ngx_http_genai_count_t *c);
static ngx_http_genai_verdict_e ngx_http_genai_count_check(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);
static genai_bpe_cache_t *ngx_http_genai_bpe_cache(void);
static void ngx_http_genai_bpe_key(void);


static pthread_key_t   ngx_http_genai_cache_key;
static pthread_once_t  ngx_http_genai_cache_once = PTHREAD_ONCE_INIT;
static ngx_uint_t      ngx_http_genai_cache_made;


ngx_http_genai_verdict_e
ngx_http_genai_count(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_int_t                    rc;
    ngx_http_genai_count_t      *c;
    ngx_http_genai_verdict_e     verdict;
    ngx_http_genai_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_genai_module);

    if (ctx->parsed == NULL) {
        ctx->counts = NULL;
        ctx->count = NULL;

        return NGX_HTTP_GENAI_NEXT;
    }

    if (mcf->catalog == NULL) {
        return NGX_HTTP_GENAI_NEXT;
    }

    /* of what other files say of its models nobody knows what holds */

    if (mcf->catalog_broken) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_CONFIG,
                                     "the catalogue of models cannot be read");
    }

    /* what was counted before a redirect was for the targets of its model */

    if (ctx->counts == NULL || ctx->ncounted == ctx->ncounts) {

        verdict = ngx_http_genai_count_prepare(r, ctx);

        if (verdict != NGX_HTTP_GENAI_NEXT) {
            return verdict;
        }
    }

    while (ctx->ncounted < ctx->ncounts) {

        c = &ctx->counts[ctx->ncounted];

        if (c->broken) {
            ctx->ncounted++;
            continue;
        }

        if (ctx->prompt == NULL) {

            ctx->prompt = genai_arena_alloc(&ctx->arena,
                                            sizeof(genai_prompt_t));
            if (ctx->prompt == NULL) {
                return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_FULL,
                                             "out of memory");
            }

            genai_prompt_init(ctx->prompt, ctx->parsed, c->model, c->vocab,
                              c->standin, ngx_http_genai_metrics_counts(),
                              &ctx->arena);
        }

        verdict = ngx_http_genai_work(r, ctx, ngx_http_genai_count_step,
                                      ctx->prompt, ctx->parsed->bytes, &rc);

        if (verdict != NGX_HTTP_GENAI_NEXT) {
            return verdict;
        }

        if (rc == GENAI_PROMPT_ERROR) {
            return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_FULL,
                                         "out of memory");
        }

        ngx_http_genai_count_done(c, ctx->prompt);
        ngx_http_genai_count_fits(c);
        ngx_http_genai_metrics_counted(ctx->prompt->bytes,
                                       ctx->prompt->found);

        ctx->prompt = NULL;
        ctx->ncounted++;
    }

    return ngx_http_genai_count_check(r, ctx);
}


static ngx_http_genai_verdict_e
ngx_http_genai_count_prepare(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_uint_t                   i, n;
    ngx_str_t                   *name;
    ngx_http_genai_target_t     *targets;
    ngx_http_genai_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_genai_module);

    targets = NULL;
    n = 1;

    if (!ctx->inlined) {
        targets = ctx->entry->targets.elts;
        n = ctx->entry->targets.nelts;
    }

    ctx->counts = ngx_pcalloc(r->pool,
                              n * (sizeof(ngx_http_genai_count_t)
                                   + sizeof(ngx_uint_t)));
    if (ctx->counts == NULL) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                     "out of memory");
    }

    ctx->count_of = (ngx_uint_t *) (ctx->counts + n);
    ctx->ncounts = 0;
    ctx->ncounted = 0;
    ctx->prompt = NULL;

    for (i = 0; i < n; i++) {

        name = &ctx->model;

        if (targets && targets[i].model.len) {
            name = &targets[i].model;
        }

        ctx->count_of[i] = ngx_http_genai_count_way(ctx, mcf, name);
    }

    return NGX_HTTP_GENAI_NEXT;
}


/* the number of the way in which that model's tokens are counted */

static ngx_uint_t
ngx_http_genai_count_way(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_main_conf_t *mcf, ngx_str_t *name)
{
    ngx_uint_t                    i;
    genai_str_t                   s;
    ngx_http_genai_count_t       *c;
    ngx_http_genai_vocab_t       *vocab;
    const genai_catalog_model_t  *model;

    s.len = name->len;
    s.data = name->data;

    model = genai_catalog_find(mcf->catalog, &s);

    for (i = 0; i < ctx->ncounts; i++) {
        if (ngx_http_genai_count_alike(ctx->counts[i].model, model)) {
            return i;
        }
    }

    c = &ctx->counts[ctx->ncounts];
    c->model = model;

    vocab = (model && model->vocab != GENAI_CATALOG_NO_VOCAB)
            ? mcf->vocab_of[model->vocab] : NULL;

    if (vocab && vocab->broken) {
        c->broken = 1;

    } else if (vocab && vocab->opened) {
        c->vocab = &vocab->file.vocab;

    } else {
        c->standin = 1;

        vocab = (model && model->fallback_vocab != GENAI_CATALOG_NO_VOCAB)
                ? mcf->vocab_of[model->fallback_vocab] : NULL;

        if (vocab && vocab->opened) {
            c->fallback = 1;
            c->vocab = &vocab->file.vocab;

        } else if (mcf->vocab_default) {
            c->vocab = &mcf->vocab_default->file.vocab;
        }
    }

    return ctx->ncounts++;
}


static ngx_uint_t
ngx_http_genai_count_alike(const genai_catalog_model_t *a,
    const genai_catalog_model_t *b)
{
    return a == b
           || (a && b && a->vocab == b->vocab && a->framing == b->framing
               && a->factor == b->factor && a->exact == b->exact
               && a->context == b->context && a->input == b->input
               && a->image == b->image && a->image_a == b->image_a
               && a->image_b == b->image_b);
}


static int
ngx_http_genai_count_step(void *data, size_t budget)
{
    return genai_prompt_run(data, ngx_http_genai_bpe_cache(), budget);
}


/* where the vocabulary is another model's, ours become its tokens */

static void
ngx_http_genai_count_done(ngx_http_genai_count_t *c,
    const genai_prompt_t *prompt)
{
    double           likely, most;
    genai_factor_t  *factor;

    c->tokens = prompt->tokens;
    c->exact = prompt->exact;
    c->media = ngx_min((int64_t) prompt->framing.media, prompt->base);
    c->base = prompt->base - c->media;
    c->bound = c->tokens;

    if (!ngx_http_genai_count_factors(c, &likely, &most)) {
        return;
    }

    factor = ngx_http_genai_metrics_factor(&c->model->name, likely, most);
    if (factor == NULL) {
        return;
    }

    c->tokens = c->media + genai_factor_tokens(factor, likely, c->base);
    c->bound = c->media + genai_factor_bound(factor, most, c->base);
}


/* the catalogue's; whether there are any */

static ngx_uint_t
ngx_http_genai_count_factors(const ngx_http_genai_count_t *c, double *likely,
    double *most)
{
    if (c->model == NULL || c->vocab == NULL) {
        return 0;
    }

    if (!c->standin) {
        *likely = c->model->factor;
        *most = c->model->factor_max;

        return !c->model->exact;
    }

    *likely = 1;
    *most = 1;

    if (c->fallback) {
        *likely = c->model->fallback_factor;
        *most = c->model->fallback_max;
    }

    return 1;
}


/*
 * An estimate may be wrong by a factor, and a provider's refusal costs
 * nothing: what is left out must be sure.
 */

static void
ngx_http_genai_count_fits(ngx_http_genai_count_t *c)
{
    uint64_t  tokens;

    if (c->model == NULL) {
        return;
    }

    c->window = c->model->context;

    if (c->model->input && (c->model->input < c->window || c->window == 0)) {
        c->window = c->model->input;
    }

    tokens = c->exact ? c->tokens : c->tokens / NGX_HTTP_GENAI_COUNT_DOUBT;

    /* a token at least is to be answered with */

    c->large = (c->window && tokens + !c->model->embedding > c->window);
}


static ngx_http_genai_verdict_e
ngx_http_genai_count_check(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_uint_t               i, n;
    ngx_http_genai_count_t  *c, *large;

    large = NULL;
    n = ctx->inlined ? 1 : ctx->entry->targets.nelts;

    for (i = 0; i < n; i++) {

        c = &ctx->counts[ctx->count_of[i]];

        if (!c->broken && !c->large) {

            /* what is known until a target is */

            ngx_http_genai_count_attempt(ctx, i);

            return NGX_HTTP_GENAI_NEXT;
        }

        if (c->large && (large == NULL || c->window > large->window)) {
            large = c;
        }
    }

    if (large == NULL) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_CONFIG,
                                     "the vocabulary that this model's tokens "
                                     "are counted with cannot be read");
    }

    ngx_str_set(&ctx->code, "context_length_exceeded");

    return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                 "this model's maximum context length is %uL "
                                 "tokens, and your messages are %s%L tokens: "
                                 "please reduce their length",
                                 large->window,
                                 large->exact ? "" : "about ",
                                 large->tokens);
}


ngx_uint_t
ngx_http_genai_count_usable(ngx_http_genai_ctx_t *ctx, ngx_uint_t target)
{
    ngx_http_genai_count_t  *c;

    if (ctx->counts == NULL) {
        return 1;
    }

    c = &ctx->counts[ctx->count_of[target]];

    return !c->broken && !c->large;
}


void
ngx_http_genai_count_attempt(ngx_http_genai_ctx_t *ctx, ngx_uint_t target)
{
    if (ctx->counts == NULL) {
        return;
    }

    ctx->count = &ctx->counts[ctx->count_of[target]];

    ngx_http_genai_count_forget(ctx);

    genai_meter_prompt(&ctx->meter, ctx->count->tokens, ctx->count->exact);
}


void
ngx_http_genai_count_event(ngx_http_genai_ctx_t *ctx, genai_event_t *e)
{
    if (ctx->count == NULL || ctx->count->vocab == NULL) {
        return;
    }

    if (ctx->answer_count == NULL) {

        switch (e->type) {

        case GENAI_EVENT_TEXT:
        case GENAI_EVENT_REASONING:
        case GENAI_EVENT_REFUSAL:
        case GENAI_EVENT_TOOL:
        case GENAI_EVENT_ARGUMENTS:
        case GENAI_EVENT_MEDIA:
            break;

        default:
            return;
        }

        /* without memory it is estimated by its length */

        ctx->answer_count = genai_answer_count_create(ctx->count->vocab,
                                              ngx_http_genai_bpe_cache());
        if (ctx->answer_count == NULL) {
            ctx->count = NULL;
            return;
        }
    }

    genai_answer_count_event(ctx->answer_count, e);
}


/* brings the meter up to what was said; at its end for good */

void
ngx_http_genai_count_said(ngx_http_genai_ctx_t *ctx, ngx_uint_t end)
{
    uint32_t                estimated;
    uint64_t                tokens;
    genai_answer_said_t     said;
    genai_framing_answer_t  answer;

    if (ctx->answer_count == NULL) {
        return;
    }

    if (end) {
        genai_answer_count_end(ctx->answer_count, &said);

    } else {
        genai_answer_count_peek(ctx->answer_count, &said);
    }

    ngx_memzero(&answer, sizeof(genai_framing_answer_t));

    answer.text = said.tokens[GENAI_ANSWER_TEXT]
                  + said.tokens[GENAI_ANSWER_REFUSAL];
    answer.reasoning = said.tokens[GENAI_ANSWER_REASONING];
    answer.names = said.tokens[GENAI_ANSWER_CALL_NAME];
    answer.arguments = said.tokens[GENAI_ANSWER_ARGUMENTS];
    answer.ncalls = said.texts[GENAI_ANSWER_CALL_NAME];
    answer.choices = said.choices;
    answer.cut = !ctx->meter.finished
                 || ctx->meter.finish == GENAI_FINISH_LENGTH;

    estimated = 0;

    tokens = genai_framing_answer(ctx->count->model, &answer, &estimated);

    genai_meter_said(&ctx->meter, tokens, answer.reasoning,
                     said.exact && estimated == 0 && ctx->count->model
                     && ctx->count->model->exact && !ctx->count->standin);
}


void
ngx_http_genai_count_compare(ngx_http_genai_ctx_t *ctx)
{
    double                   likely, most;
    genai_meter_t           *m;
    genai_factor_t          *factor;
    ngx_http_genai_count_t  *c;

    m = &ctx->meter;
    c = ctx->count;

    if (c == NULL || !m->usage_known) {
        return;
    }

    if (m->usage.prompt > c->media
        && ngx_http_genai_count_factors(c, &likely, &most))
    {
        factor = ngx_http_genai_metrics_factor(&c->model->name, likely, most);

        if (factor) {
            (void) genai_factor_learn(factor, c->base,
                                      m->usage.prompt - c->media);
        }
    }

    if (m->usage.prompt >= 0 && m->prompt_tokens >= 0) {
        ngx_http_genai_metrics_compared(0, m->prompt_exact, m->prompt_tokens,
                                        m->usage.prompt);
    }

    if (m->usage.completion >= 0 && m->answer_tokens >= 0
        && m->answer == m->told)
    {
        ngx_http_genai_metrics_compared(1, m->answer_exact, m->answer_tokens,
                                        m->usage.completion);
    }
}


void
ngx_http_genai_count_stop(ngx_http_genai_ctx_t *ctx)
{
    if (ctx->prompt) {
        genai_prompt_stop(ctx->prompt);
        ctx->prompt = NULL;
    }
}


void
ngx_http_genai_count_forget(ngx_http_genai_ctx_t *ctx)
{
    if (ctx->answer_count) {
        genai_answer_count_destroy(ctx->answer_count);
        ctx->answer_count = NULL;
    }
}


/* pieces that are no token: a cache for each thread that counts */

static genai_bpe_cache_t *
ngx_http_genai_bpe_cache(void)
{
    genai_bpe_cache_t  *cache;

    (void) pthread_once(&ngx_http_genai_cache_once, ngx_http_genai_bpe_key);

    if (!ngx_http_genai_cache_made) {
        return NULL;
    }

    cache = pthread_getspecific(ngx_http_genai_cache_key);

    if (cache == NULL) {

        cache = calloc(1, sizeof(genai_bpe_cache_t));

        if (cache && pthread_setspecific(ngx_http_genai_cache_key, cache) != 0)
        {
            free(cache);
            cache = NULL;
        }
    }

    return cache;
}


static void
ngx_http_genai_bpe_key(void)
{
    ngx_http_genai_cache_made =
                      (pthread_key_create(&ngx_http_genai_cache_key, free)
                       == 0);
}


/* the worker ends: no destructor runs for its main thread */

void
ngx_http_genai_count_exit(void)
{
    if (ngx_http_genai_cache_made) {
        free(pthread_getspecific(ngx_http_genai_cache_key));
        (void) pthread_setspecific(ngx_http_genai_cache_key, NULL);
    }
}
