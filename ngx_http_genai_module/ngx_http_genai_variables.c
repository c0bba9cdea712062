
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * $genai_* variables.  Those that are numbers are always a number, whatever
 * the exchange came to, so that a JSON access log is always JSON; none is
 * cached, as most are not final before the log phase.
 */


#include "ngx_http_genai.h"


typedef enum {
    NGX_HTTP_GENAI_VAR_REQUEST_ID = 0,
    NGX_HTTP_GENAI_VAR_KEY_ID,
    NGX_HTTP_GENAI_VAR_USER,
    NGX_HTTP_GENAI_VAR_TEAM,
    NGX_HTTP_GENAI_VAR_ENDPOINT,
    NGX_HTTP_GENAI_VAR_MODEL,
    NGX_HTTP_GENAI_VAR_PROVIDER,
    NGX_HTTP_GENAI_VAR_TARGET,
    NGX_HTTP_GENAI_VAR_STREAM,
    NGX_HTTP_GENAI_VAR_ATTEMPTS,
    NGX_HTTP_GENAI_VAR_TTFT,
    NGX_HTTP_GENAI_VAR_OVERHEAD,
    NGX_HTTP_GENAI_VAR_STEP,
    NGX_HTTP_GENAI_VAR_PROMPT,
    NGX_HTTP_GENAI_VAR_CACHED,
    NGX_HTTP_GENAI_VAR_COMPLETION,
    NGX_HTTP_GENAI_VAR_REASONING,
    NGX_HTTP_GENAI_VAR_COUNTED,
    NGX_HTTP_GENAI_VAR_SOURCE,
    NGX_HTTP_GENAI_VAR_COST,
    NGX_HTTP_GENAI_VAR_FINISH,
    NGX_HTTP_GENAI_VAR_CACHE,
    NGX_HTTP_GENAI_VAR_GUARD,
    NGX_HTTP_GENAI_VAR_ERROR
} ngx_http_genai_variable_e;


static ngx_int_t ngx_http_genai_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_genai_label(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_genai_caller_id(ngx_http_genai_ctx_t *ctx,
    uintptr_t data, ngx_str_t *s);
static ngx_int_t ngx_http_genai_tokens(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_genai_dollars(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_number(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, int64_t number);


static ngx_http_variable_t  ngx_http_genai_vars[] = {

    { ngx_string("genai_request_id"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_REQUEST_ID, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_key_id"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_KEY_ID, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_user"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_USER, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_team"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_TEAM, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_endpoint"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_ENDPOINT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_model"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_MODEL, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_provider"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_PROVIDER, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_target"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_TARGET, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_stream"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_STREAM, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_attempts"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_ATTEMPTS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_ttft"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_TTFT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_overhead"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_OVERHEAD, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_step"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_STEP, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_prompt_tokens"), NULL, ngx_http_genai_tokens,
      NGX_HTTP_GENAI_VAR_PROMPT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_cached_tokens"), NULL, ngx_http_genai_tokens,
      NGX_HTTP_GENAI_VAR_CACHED, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_completion_tokens"), NULL, ngx_http_genai_tokens,
      NGX_HTTP_GENAI_VAR_COMPLETION, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_reasoning_tokens"), NULL, ngx_http_genai_tokens,
      NGX_HTTP_GENAI_VAR_REASONING, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_counted_tokens"), NULL, ngx_http_genai_tokens,
      NGX_HTTP_GENAI_VAR_COUNTED, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_count_source"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_SOURCE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_cost"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_COST, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_cache"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_CACHE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_guard"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_GUARD, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_finish"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_FINISH, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("genai_error"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_ERROR, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    /* what the policy says of the caller */

    { ngx_string("genai_label_"), NULL, ngx_http_genai_label,
      0, NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_PREFIX, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_genai_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_genai_vars; v->name.len; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    uint64_t               ns;
    ngx_str_t              s;
    genai_tokens_t         tokens;
    const genai_str_t     *name;
    ngx_http_genai_ctx_t  *ctx;

    ctx = ngx_http_genai_get_ctx(r->main);

    ngx_str_null(&s);
    ns = 0;

    switch ((ngx_http_genai_variable_e) data) {

    case NGX_HTTP_GENAI_VAR_REQUEST_ID:
        if (ctx) {
            s.len = NGX_HTTP_GENAI_ID_LEN;
            s.data = ctx->id;
        }

        break;

    case NGX_HTTP_GENAI_VAR_KEY_ID:
    case NGX_HTTP_GENAI_VAR_USER:
    case NGX_HTTP_GENAI_VAR_TEAM:
        if (ctx && ctx->caller) {
            ngx_http_genai_caller_id(ctx, data, &s);
        }

        break;

    case NGX_HTTP_GENAI_VAR_ENDPOINT:
        if (ctx && ctx->endpoint) {
            name = genai_endpoint_name(ctx->endpoint->endpoint);
            s.len = name->len;
            s.data = name->data;
        }

        break;

    case NGX_HTTP_GENAI_VAR_MODEL:
        if (ctx) {
            s = ctx->model_sent.len ? ctx->model_sent : ctx->model;
        }

        break;

    case NGX_HTTP_GENAI_VAR_PROVIDER:
        if (ctx && ctx->target) {
            s = ctx->target->provider->name;
        }

        break;

    case NGX_HTTP_GENAI_VAR_TARGET:
        if (ctx && ctx->target) {
            s = ctx->target->name;
        }

        break;

    case NGX_HTTP_GENAI_VAR_ERROR:
        if (ctx) {
            name = genai_error_word(ngx_http_genai_outcome(r->main, ctx));
            s.len = name->len;
            s.data = name->data;
        }

        break;

    case NGX_HTTP_GENAI_VAR_SOURCE:
        if (ctx) {
            ngx_http_genai_used(r->main, ctx, &tokens);

            name = genai_count_name(tokens.source);
            s.len = name->len;
            s.data = name->data;
        }

        break;

    case NGX_HTTP_GENAI_VAR_FINISH:
        if (ctx) {
            s.data = (u_char *) ngx_http_genai_finish(r->main, ctx);
            s.len = ngx_strlen(s.data);
        }

        break;

    case NGX_HTTP_GENAI_VAR_STREAM:
        return ngx_http_genai_number(r, v, ctx ? ctx->stream_asked : 0);

    case NGX_HTTP_GENAI_VAR_ATTEMPTS:
        return ngx_http_genai_number(r, v, ctx ? ctx->group.attempts : 0);

    case NGX_HTTP_GENAI_VAR_TTFT:
        if (ctx && ctx->first_token) {
            ns = ctx->first_token - ctx->start;

        } else if (ctx && ctx->first_byte) {
            ns = ctx->first_byte - ctx->start;
        }

        goto seconds;

    case NGX_HTTP_GENAI_VAR_COST:

        return ngx_http_genai_dollars(r, v, ctx);

    case NGX_HTTP_GENAI_VAR_OVERHEAD:
        ns = ctx ? ctx->overhead : 0;
        goto seconds;

    case NGX_HTTP_GENAI_VAR_STEP:
        ns = ctx ? ctx->step_max : 0;
        goto seconds;

    default:
        break;
    }

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->len = s.len;
    v->data = s.data;

    return NGX_OK;

seconds:

    v->data = ngx_pnalloc(r->pool, NGX_HTTP_GENAI_SECONDS_LEN);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    v->len = ngx_http_genai_seconds(v->data, ns) - v->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_label(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t *full = (ngx_str_t *) data;

    genai_str_t            name, label;
    ngx_http_genai_ctx_t  *ctx;

    ctx = ngx_http_genai_get_ctx(r->main);

    label.len = 0;
    label.data = (u_char *) "";

    if (ctx && ctx->caller) {
        name.len = full->len - (sizeof("genai_label_") - 1);
        name.data = full->data + sizeof("genai_label_") - 1;

        label = genai_policy_label(ctx->snapshot->policy, ctx->caller, &name);
    }

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->len = label.len;
    v->data = label.data;

    return NGX_OK;
}


/* the texts are the snapshot's, which the exchange holds */

static void
ngx_http_genai_caller_id(ngx_http_genai_ctx_t *ctx, uintptr_t data,
    ngx_str_t *s)
{
    genai_str_t                   id;
    const genai_policy_t         *policy;
    const genai_policy_object_t  *object;

    policy = ctx->snapshot->policy;

    switch ((ngx_http_genai_variable_e) data) {

    case NGX_HTTP_GENAI_VAR_USER:
        object = genai_policy_user(policy, ctx->caller);
        break;

    case NGX_HTTP_GENAI_VAR_TEAM:
        object = genai_policy_team(policy, ctx->caller);
        break;

    default: /* NGX_HTTP_GENAI_VAR_KEY_ID */
        object = ctx->caller;
    }

    if (object) {
        id = genai_policy_text(policy, object->id);
        s->len = id.len;
        s->data = id.data;
    }
}


static ngx_int_t
ngx_http_genai_tokens(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    int64_t                number;
    genai_tokens_t         tokens;
    ngx_http_genai_ctx_t  *ctx;

    ctx = ngx_http_genai_get_ctx(r->main);

    if (ctx == NULL) {
        return ngx_http_genai_number(r, v, 0);
    }

    ngx_http_genai_used(r->main, ctx, &tokens);

    switch ((ngx_http_genai_variable_e) data) {

    case NGX_HTTP_GENAI_VAR_PROMPT:
        number = tokens.prompt;

        if (ctx->count && !ctx->meter.sent && ctx->error == GENAI_OK) {

            /* what is about to be used */

            number = ngx_max(number, ctx->meter.prompt_tokens);
        }

        break;

    case NGX_HTTP_GENAI_VAR_COUNTED:
        number = (ctx->count) ? ngx_max(ctx->meter.prompt_tokens, 0) : 0;
        break;

    case NGX_HTTP_GENAI_VAR_CACHED:
        number = tokens.cached;
        break;

    case NGX_HTTP_GENAI_VAR_COMPLETION:
        number = tokens.completion;
        break;

    default: /* NGX_HTTP_GENAI_VAR_REASONING */
        number = tokens.reasoning;
    }

    return ngx_http_genai_number(r, v, number);
}


/* with all nine digits: a billionth of a dollar is what is counted in */

static ngx_int_t
ngx_http_genai_dollars(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    ngx_http_genai_ctx_t *ctx)
{
    uint64_t        cost;
    genai_tokens_t  tokens;

    cost = 0;

    if (ctx) {
        ngx_http_genai_used(r->main, ctx, &tokens);
        cost = ctx->spent_cost + ngx_http_genai_cost(ctx, &tokens);
    }

    v->data = ngx_pnalloc(r->pool, NGX_INT64_LEN + sizeof("."));
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    v->len = ngx_sprintf(v->data, "%uL.%09uL", cost / 1000000000,
                         cost % 1000000000)
             - v->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_number(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    int64_t number)
{
    v->data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    v->len = ngx_sprintf(v->data, "%L", number) - v->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


u_char *
ngx_http_genai_seconds(u_char *p, uint64_t ns)
{
    return ngx_sprintf(p, "%uL.%06uL", ns / 1000000000,
                       ns % 1000000000 / 1000);
}
