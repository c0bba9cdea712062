
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
    NGX_HTTP_GENAI_VAR_ENDPOINT,
    NGX_HTTP_GENAI_VAR_MODEL,
    NGX_HTTP_GENAI_VAR_PROVIDER,
    NGX_HTTP_GENAI_VAR_TARGET,
    NGX_HTTP_GENAI_VAR_STREAM,
    NGX_HTTP_GENAI_VAR_ATTEMPTS,
    NGX_HTTP_GENAI_VAR_TTFT,
    NGX_HTTP_GENAI_VAR_OVERHEAD,
    NGX_HTTP_GENAI_VAR_ERROR
} ngx_http_genai_variable_e;


static ngx_int_t ngx_http_genai_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static genai_error_e ngx_http_genai_outcome(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);


static ngx_http_variable_t  ngx_http_genai_vars[] = {

    { ngx_string("genai_request_id"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_REQUEST_ID, NGX_HTTP_VAR_NOCACHEABLE, 0 },

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

    { ngx_string("genai_error"), NULL, ngx_http_genai_variable,
      NGX_HTTP_GENAI_VAR_ERROR, NGX_HTTP_VAR_NOCACHEABLE, 0 },

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
    ngx_uint_t             number;
    const genai_str_t     *name;
    ngx_http_genai_ctx_t  *ctx;

    ctx = ngx_http_genai_get_ctx(r->main);

    ngx_str_null(&s);
    ns = 0;
    number = 0;

    switch ((ngx_http_genai_variable_e) data) {

    case NGX_HTTP_GENAI_VAR_REQUEST_ID:
        if (ctx) {
            s.len = NGX_HTTP_GENAI_ID_LEN;
            s.data = ctx->id;
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
            name = genai_error_word(ngx_http_genai_outcome(r, ctx));
            s.len = name->len;
            s.data = name->data;
        }

        break;

    case NGX_HTTP_GENAI_VAR_STREAM:
        number = ctx ? ctx->stream_asked : 0;
        goto number;

    case NGX_HTTP_GENAI_VAR_ATTEMPTS:
        number = ctx ? ctx->group.attempts : 0;
        goto number;

    case NGX_HTTP_GENAI_VAR_TTFT:
        ns = (ctx && ctx->first_byte) ? ctx->first_byte - ctx->start : 0;
        goto seconds;

    case NGX_HTTP_GENAI_VAR_OVERHEAD:
        ns = ctx ? ctx->overhead : 0;
        goto seconds;
    }

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->len = s.len;
    v->data = s.data;

    return NGX_OK;

number:

    v->data = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    v->len = ngx_sprintf(v->data, "%ui", number) - v->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

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


/* nginx ends an exchange whose client has left without a word to us */

static genai_error_e
ngx_http_genai_outcome(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_connection_t  *c;

    c = r->connection;

    if (ctx->error == GENAI_OK && (c->error || c->timedout)) {
        return GENAI_CALLER_GONE;
    }

    return ctx->error;
}


u_char *
ngx_http_genai_seconds(u_char *p, uint64_t ns)
{
    return ngx_sprintf(p, "%uL.%06uL", ns / 1000000000,
                       ns % 1000000000 / 1000);
}
