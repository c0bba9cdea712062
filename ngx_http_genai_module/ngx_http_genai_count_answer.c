
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tokens of answers, counted while they come, by the vocabulary of the
 * target that gives them; and what both counts tell of that vocabulary, where
 * the provider tells how many there were.  What is a short JSON text is held
 * until that is known, for then there is mostly nothing to be counted.
 */


#include "ngx_http_genai.h"


/* of whole answers that tell their usage one in so many is compared */
#define NGX_HTTP_GENAI_COMPARED  16


typedef enum {
    NGX_HTTP_GENAI_SAID_SO_FAR = 0,
    NGX_HTTP_GENAI_SAID_NOW,        /* as if the answer ended here */
    NGX_HTTP_GENAI_SAID_ALL
} ngx_http_genai_said_e;


static ngx_uint_t ngx_http_genai_count_wanted(ngx_http_genai_ctx_t *ctx);
static void ngx_http_genai_count_tell(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_said_e how);
static void ngx_http_genai_count_learn(const ngx_http_genai_count_t *c,
    ngx_uint_t answer, int64_t base, int64_t usage, ngx_uint_t sure);


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

        if (!ngx_http_genai_count_wanted(ctx)) {
            genai_answer_count_hold(ctx->answer_count);
        }
    }

    if (e->type == GENAI_EVENT_USAGE
        && !genai_answer_count_held(ctx->answer_count))
    {

        /* the meter is told next: what comes behind it is ours from here */

        ngx_http_genai_count_said(ctx, 0);
    }

    genai_answer_count_event(ctx->answer_count, e);
}


/*
 * Whether an answer is counted whatever its provider tells.  A stream is, as
 * it may end anywhere; so is what a factor is learned from, and of the others
 * as many as it takes to see a difference.
 */

static ngx_uint_t
ngx_http_genai_count_wanted(ngx_http_genai_ctx_t *ctx)
{
    double  likely, most;

    static ngx_uint_t  n;

    return ctx->event_stream
           || ngx_http_genai_count_factor(ctx->count, 1, &likely, &most)
           || n++ % NGX_HTTP_GENAI_COMPARED == 0;
}


/* brings the meter up to what was said; at its end for good */

void
ngx_http_genai_count_said(ngx_http_genai_ctx_t *ctx, ngx_uint_t end)
{
    ngx_http_genai_count_tell(ctx, end ? NGX_HTTP_GENAI_SAID_ALL
                                       : NGX_HTTP_GENAI_SAID_SO_FAR);
}


static void
ngx_http_genai_count_tell(ngx_http_genai_ctx_t *ctx, ngx_http_genai_said_e how)
{
    double                   likely, most;
    uint32_t                 estimated;
    uint64_t                 tokens, reasoning;
    genai_meter_t           *m;
    genai_factor_t          *factor;
    genai_answer_said_t      said;
    genai_framing_answer_t   answer;
    ngx_http_genai_count_t  *c;

    if (ctx->answer_count == NULL) {
        return;
    }

    m = &ctx->meter;

    if (genai_answer_count_held(ctx->answer_count)
        && m->usage.completion >= 0 && m->told == m->answer)
    {
        /* it was told, and nobody needs ours beside it */

        ngx_http_genai_count_forget(ctx);
        return;
    }

    c = ctx->count;

    switch (how) {

    case NGX_HTTP_GENAI_SAID_ALL:
        genai_answer_count_end(ctx->answer_count, &said);
        break;

    case NGX_HTTP_GENAI_SAID_NOW:
        genai_answer_count_now(ctx->answer_count, &said);
        break;

    default:
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
    answer.estimated = c->counted.answer;
    answer.cut = !m->finished || m->finish == GENAI_FINISH_LENGTH;

    estimated = 0;

    tokens = genai_framing_answer(c->model, &answer, &estimated);
    tokens = ngx_min(tokens, (uint64_t) GENAI_PROMPT_MAX);
    reasoning = answer.reasoning;

    c->said = (int64_t) tokens;
    c->open = said.open;
    c->said_sure = (said.exact && !answer.cut
                    && (estimated & ~GENAI_FRAMING_FAMILY) == 0);

    factor = ngx_http_genai_count_factor(c, 1, &likely, &most);

    if (factor) {
        tokens = genai_factor_tokens(factor, likely, tokens);
        reasoning = genai_factor_tokens(factor, likely, reasoning);
    }

    genai_meter_said(m, tokens, reasoning,
                     said.exact && estimated == 0 && c->model
                     && c->model->exact && !c->standin);
}


uint64_t
ngx_http_genai_count_said_bound(ngx_http_genai_ctx_t *ctx, ngx_uint_t now,
    uint64_t *likely)
{
    double                   prior, most;
    uint64_t                 open;
    genai_factor_t          *factor;
    ngx_http_genai_count_t  *c;

    c = ctx->count;

    if (c == NULL) {

        /* there was no memory to count it */

        *likely = ctx->meter.answer;
        return ctx->meter.answer;
    }

    ngx_http_genai_count_tell(ctx, now ? NGX_HTTP_GENAI_SAID_NOW
                                       : NGX_HTTP_GENAI_SAID_SO_FAR);

    *likely = ngx_max(ctx->meter.answer_tokens, 0);

    if (ctx->answer_count == NULL) {
        return *likely;
    }

    open = c->open;
    factor = ngx_http_genai_count_factor(c, 1, &prior, &most);

    if (factor == NULL) {
        return *likely + open;
    }

    return ngx_max(*likely + open,
                   genai_factor_bound(factor, most,
                                      (uint64_t) c->said + open));
}


void
ngx_http_genai_count_compare(ngx_http_genai_ctx_t *ctx)
{
    genai_meter_t           *m;
    ngx_http_genai_count_t  *c;

    m = &ctx->meter;
    c = ctx->count;

    if (c == NULL || !m->usage_known) {
        return;
    }

    if (m->usage.prompt >= 0 && m->prompt_tokens >= 0) {

        ngx_http_genai_count_learn(c, 0, c->counted.base, m->usage.prompt,
                                   c->counted.sure && m->usage.image <= 0
                                   && m->usage.audio <= 0);

        ngx_http_genai_metrics_compared(c->model, 0, m->prompt_exact,
                                        m->prompt_tokens, m->usage.prompt);
    }

    if (m->usage.completion >= 0 && m->answer_tokens >= 0
        && m->answer == m->told)
    {
        /* what was thought may not have been shown */

        ngx_http_genai_count_learn(c, 1, c->said, m->usage.completion,
                                   c->said_sure && m->usage.reasoning <= 0
                                   && m->usage.audio_output <= 0);

        ngx_http_genai_metrics_compared(c->model, 1, m->answer_exact,
                                        m->answer_tokens,
                                        m->usage.completion);
    }
}


/* from nothing but what is known to be what the provider has counted */

static void
ngx_http_genai_count_learn(const ngx_http_genai_count_t *c,
    ngx_uint_t answer, int64_t base, int64_t usage, ngx_uint_t sure)
{
    double           likely, most;
    ngx_uint_t       result;
    genai_factor_t  *factor;

    factor = ngx_http_genai_count_factor(c, answer, &likely, &most);

    if (factor == NULL || factor == &ngx_http_genai_no_factor) {
        return;
    }

    result = sure ? (ngx_uint_t) genai_factor_learn(factor, likely, base,
                                                    usage)
                  : NGX_HTTP_GENAI_UNSURE;

    ngx_http_genai_metrics_learned(answer, result);
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
