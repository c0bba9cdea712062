
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
static ngx_int_t ngx_http_genai_count_way(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_str_t *name,
    ngx_http_genai_target_t *target, ngx_uint_t *number);
static const genai_catalog_model_t *ngx_http_genai_count_own(
    ngx_http_request_t *r, const genai_catalog_model_t *model,
    ngx_http_genai_vocab_t *vocab);
static void ngx_http_genai_count_vocab(ngx_http_genai_main_conf_t *mcf,
    ngx_http_genai_count_t *c, ngx_http_genai_vocab_t *own);
static int64_t ngx_http_genai_count_output(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target);
static ngx_uint_t ngx_http_genai_count_alike(const ngx_http_genai_count_t *a,
    const ngx_http_genai_count_t *b);
static void ngx_http_genai_count_done(ngx_http_genai_count_t *c,
    const genai_prompt_t *prompt);
static void ngx_http_genai_count_tokens(ngx_http_genai_count_t *c);
static int ngx_http_genai_count_step(void *data, size_t budget);
static void ngx_http_genai_count_fits(ngx_http_genai_count_t *c);
static ngx_http_genai_verdict_e ngx_http_genai_count_check(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);
static void ngx_http_genai_bpe_key(void);


static pthread_key_t   ngx_http_genai_cache_key;
static pthread_once_t  ngx_http_genai_cache_once = PTHREAD_ONCE_INIT;
static ngx_uint_t      ngx_http_genai_cache_made;

/* of a model that nothing was learned of */
genai_factor_t  ngx_http_genai_no_factor;


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

        if (ctx->multipart == NULL) {
            return NGX_HTTP_GENAI_NEXT;
        }
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

        if (ctx->parsed == NULL) {

            /* sound and images: what is known is what they cost */

            c->broken = 0;
            c->unread = 1;
            ctx->ncounted++;
            continue;
        }

        if (c->broken) {
            ctx->ncounted++;
            continue;
        }

        if (c->alike) {
            c->counted = c->alike->counted;

            ngx_http_genai_count_tokens(c);
            ngx_http_genai_count_fits(c);

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
                              !c->standin ? 0
                              : c->fallback ? GENAI_PROMPT_FALLBACK
                              : GENAI_PROMPT_STANDIN,
                              ngx_http_genai_metrics_counts(), &ctx->arena);
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
    ngx_uint_t                i, n;
    ngx_str_t                *name;
    ngx_http_genai_target_t  *targets;

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

        if (ngx_http_genai_count_way(r, ctx, name,
                                     targets ? &targets[i] : NULL,
                                     &ctx->count_of[i])
            != NGX_OK)
        {
            return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                         "out of memory");
        }
    }

    return NGX_HTTP_GENAI_NEXT;
}


/*
 * The number of what is known of that model.  Many may be counted alike, and
 * are counted once; names, factors and windows are each one's own.
 */

static ngx_int_t
ngx_http_genai_count_way(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_str_t *name, ngx_http_genai_target_t *target, ngx_uint_t *number)
{
    ngx_uint_t                   i;
    genai_str_t                  s, rest;
    ngx_http_genai_count_t      *c;
    ngx_http_genai_vocab_t      *own;
    ngx_http_genai_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_genai_module);

    s.len = name->len;
    s.data = name->data;

    c = &ctx->counts[ctx->ncounts];
    ngx_memzero(c, sizeof(ngx_http_genai_count_t));

    own = target ? target->vocab : NULL;

    c->model = genai_catalog_match(mcf->catalog, &s, &rest);
    c->named = (c->model && genai_catalog_version(&rest));
    c->output = ngx_http_genai_count_output(ctx, target);

    if (c->model && own) {
        c->model = ngx_http_genai_count_own(r, c->model, own);

        if (c->model == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_http_genai_count_vocab(mcf, c, own);

    for (i = 0; i < ctx->ncounts; i++) {

        if (!ngx_http_genai_count_alike(&ctx->counts[i], c)) {
            continue;
        }

        if (ctx->counts[i].model == c->model
            && ctx->counts[i].named == c->named
            && ctx->counts[i].output == c->output)
        {
            *number = i;
            return NGX_OK;
        }

        c->alike = &ctx->counts[i];
    }

    *number = ctx->ncounts++;

    return NGX_OK;
}


/* the same model with a vocabulary that a target says is its own */

static const genai_catalog_model_t *
ngx_http_genai_count_own(ngx_http_request_t *r,
    const genai_catalog_model_t *model, ngx_http_genai_vocab_t *vocab)
{
    genai_catalog_model_t  *m;

    if (model->exact && model->tokenizer.len == vocab->name.len
        && ngx_memcmp(model->tokenizer.data, vocab->name.data,
                      vocab->name.len)
           == 0)
    {
        return model;
    }

    m = ngx_palloc(r->pool, sizeof(genai_catalog_model_t));
    if (m == NULL) {
        return NULL;
    }

    *m = *model;

    m->tokenizer.len = vocab->name.len;
    m->tokenizer.data = vocab->name.data;
    m->vocab = GENAI_CATALOG_NO_VOCAB;
    m->factor = 1;
    m->factor_max = 1;
    m->exact = 1;
    m->fallback.len = 0;
    m->fallback_vocab = GENAI_CATALOG_NO_VOCAB;

    return m;
}


static void
ngx_http_genai_count_vocab(ngx_http_genai_main_conf_t *mcf,
    ngx_http_genai_count_t *c, ngx_http_genai_vocab_t *own)
{
    ngx_http_genai_vocab_t  *vocab;

    vocab = own;

    if (vocab == NULL && c->model && c->model->vocab != GENAI_CATALOG_NO_VOCAB)
    {
        vocab = mcf->vocab_of[c->model->vocab];
    }

    if (vocab && vocab->broken) {
        c->broken = 1;
        return;
    }

    if (vocab && vocab->opened) {
        c->vocab = &vocab->file.vocab;
        return;
    }

    c->standin = 1;

    vocab = (c->model && c->model->fallback_vocab != GENAI_CATALOG_NO_VOCAB)
            ? mcf->vocab_of[c->model->fallback_vocab] : NULL;

    if (vocab && vocab->opened) {
        c->fallback = 1;
        c->vocab = &vocab->file.vocab;

    } else if (mcf->vocab_default) {
        c->vocab = &mcf->vocab_default->file.vocab;
    }
}


/* what the target will be asked for, of the answer's tokens */

static int64_t
ngx_http_genai_count_output(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target)
{
    int64_t                     output;
    ngx_int_t                   n;
    ngx_uint_t                  i;
    ngx_http_genai_override_t  *o;

    output = ctx->parsed ? ctx->parsed->output_max : -1;

    if (target == NULL) {
        return output;
    }

    o = target->overrides.elts;

    for (i = 0; i < target->overrides.nelts; i++) {

        if (ngx_strcmp(o[i].name.data, "max_tokens") != 0
            && ngx_strcmp(o[i].name.data, "max_completion_tokens") != 0)
        {
            continue;
        }

        n = ngx_atoi(o[i].json.data, o[i].json.len);

        output = (n == NGX_ERROR) ? -1 : n;
    }

    return output;
}


static ngx_uint_t
ngx_http_genai_count_alike(const ngx_http_genai_count_t *a,
    const ngx_http_genai_count_t *b)
{
    const genai_catalog_model_t  *m, *n;

    if (a->vocab != b->vocab || a->standin != b->standin
        || a->broken != b->broken)
    {
        return 0;
    }

    m = a->model;
    n = b->model;

    return m == n
           || (m && n && m->framing == n->framing && m->exact == n->exact
               && m->embedding == n->embedding && m->image == n->image
               && m->image_a == n->image_a && m->image_b == n->image_b);
}


static int
ngx_http_genai_count_step(void *data, size_t budget)
{
    return genai_prompt_run(data, ngx_http_genai_bpe_cache(), budget);
}


static void
ngx_http_genai_count_done(ngx_http_genai_count_t *c,
    const genai_prompt_t *prompt)
{
    ngx_http_genai_counted_t  *counted = &c->counted;

    counted->exact = prompt->exact;
    counted->media = ngx_min((int64_t) prompt->framing.media, prompt->base);
    counted->base = prompt->base - counted->media;
    counted->largest = prompt->largest_base;
    counted->slack = prompt->slack;
    counted->bound = prompt->bound;
    counted->answer = prompt->answer;

    counted->sure = (counted->media == 0
                     && (prompt->estimated
                         & ~(GENAI_FRAMING_FAMILY|GENAI_FRAMING_TURNS))
                        == 0);

    ngx_http_genai_count_tokens(c);
}


/* where the vocabulary is another model's, ours become its tokens */

static void
ngx_http_genai_count_tokens(ngx_http_genai_count_t *c)
{
    double                     likely, most;
    genai_factor_t            *factor;
    ngx_http_genai_counted_t  *n;

    n = &c->counted;

    c->exact = n->exact;
    c->tokens = n->media + n->base;
    c->largest = n->largest;
    c->bound = n->bound;

    factor = ngx_http_genai_count_factor(c, 0, &likely, &most);
    if (factor == NULL) {
        return;
    }

    c->tokens = n->media + genai_factor_tokens(factor, likely, n->base);
    c->bound = n->media + genai_factor_bound(factor, most, n->base)
               + n->slack;

    if (c->standin && !c->fallback) {

        /* any vocabulary may be far away */

        c->bound = ngx_max(c->bound, n->bound);
    }

    /* of several inputs each has the window for itself */

    c->largest = (n->largest == n->media + n->base) ? c->tokens
                 : (int64_t) genai_factor_tokens(factor, likely, n->largest);

    c->tokens = ngx_min(c->tokens, GENAI_PROMPT_MAX);
    c->largest = ngx_min(c->largest, GENAI_PROMPT_MAX);
    c->bound = ngx_min(ngx_max(c->bound, c->tokens), GENAI_PROMPT_MAX);
}


/*
 * What was learned, and the catalogue's factors; NULL: the model's tokens are
 * those that we count.
 */

genai_factor_t *
ngx_http_genai_count_factor(const ngx_http_genai_count_t *c,
    ngx_uint_t answer, double *likely, double *most)
{
    genai_factor_t  *factor;

    if (c->model == NULL || c->vocab == NULL
        || (!c->standin && c->model->exact))
    {
        return NULL;
    }

    if (!c->standin) {
        *likely = c->model->factor;
        *most = c->model->factor_max;

    } else if (c->fallback) {
        *likely = c->model->fallback_factor;
        *most = c->model->fallback_max;

    } else {
        *likely = 1;
        *most = 1;
    }

    factor = ngx_http_genai_metrics_factor(c->model, &c->vocab->name, answer,
                                           *likely, *most);

    return factor ? factor : &ngx_http_genai_no_factor;
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

    tokens = c->exact ? c->largest
                      : c->largest / NGX_HTTP_GENAI_COUNT_DOUBT;

    /* a token at least is to be answered with */

    c->large = (c->window && tokens + !c->model->embedding > c->window);

    if (!c->large && c->exact && c->output > 0 && c->model->context
        && !c->model->embedding
        && (uint64_t) c->output > c->model->context - tokens)
    {
        c->window = c->model->context;
        c->large = 1;
        c->asked = 1;
    }
}


static ngx_http_genai_verdict_e
ngx_http_genai_count_check(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_uint_t                i, n, closed, tried;
    ngx_http_genai_count_t   *c, *large;
    ngx_http_genai_target_t  *targets;

    targets = ctx->inlined ? NULL : ctx->entry->targets.elts;
    n = ctx->inlined ? 1 : ctx->entry->targets.nelts;

    large = NULL;
    closed = 0;
    tried = n;

    for (i = 0; i < n; i++) {

        if (targets && targets[i].down) {
            continue;
        }

        c = &ctx->counts[ctx->count_of[i]];

        if (c->broken) {
            closed = 1;
            continue;
        }

        if (!c->large) {

            /* what is known until a target is */

            ngx_http_genai_count_attempt(ctx, i);

            return NGX_HTTP_GENAI_NEXT;
        }

        if (!c->named && tried == n) {
            tried = i;
        }

        if (large == NULL || c->window > large->window) {
            large = c;
        }
    }

    /* nobody knows whether it is those models that the windows are of */

    if (tried < n) {

        c = &ctx->counts[ctx->count_of[tried]];

        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "genai: a request of %L tokens may be above the "
                      "context of %uL that the catalogue's \"%*s*\" has, "
                      "but \"%V\" may be another model: it is sent",
                      c->tokens, c->window, c->model->name.len,
                      c->model->name.data, &ctx->model);

        for (i = 0; i < ctx->ncounts; i++) {
            ctx->counts[i].large &= ctx->counts[i].named;
        }

        ngx_http_genai_count_attempt(ctx, tried);

        return NGX_HTTP_GENAI_NEXT;
    }

    if (large == NULL && !closed) {

        /* all are down, as will be told */

        ngx_http_genai_count_attempt(ctx, 0);

        return NGX_HTTP_GENAI_NEXT;
    }

    if (large == NULL) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_CONFIG,
                                     "the vocabulary that this model's tokens "
                                     "are counted with cannot be read");
    }

    ngx_str_set(&ctx->code, "context_length_exceeded");

    if (large->asked) {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                     "this model's maximum context length is "
                                     "%uL tokens, and your messages are %L "
                                     "tokens and ask for %L more: please "
                                     "reduce either",
                                     large->window, large->tokens,
                                     large->output);
    }

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


ngx_http_genai_count_t *
ngx_http_genai_count_of(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target)
{
    ngx_http_genai_target_t  *targets;

    if (ctx->counts == NULL) {
        return NULL;
    }

    targets = ctx->entry->targets.elts;

    return &ctx->counts[ctx->count_of[target - targets]];
}


void
ngx_http_genai_count_attempt(ngx_http_genai_ctx_t *ctx, ngx_uint_t target)
{
    if (ctx->counts == NULL) {
        return;
    }

    ctx->count = &ctx->counts[ctx->count_of[target]];

    ngx_http_genai_count_forget(ctx);

    genai_meter_prompt(&ctx->meter,
                       ctx->count->unread ? -1 : ctx->count->tokens,
                       ctx->count->exact);
}


void
ngx_http_genai_count_stop(ngx_http_genai_ctx_t *ctx)
{
    if (ctx->prompt) {
        genai_prompt_stop(ctx->prompt);
        ctx->prompt = NULL;
    }
}


genai_bpe_cache_t *
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
