/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Replies that are no answer of a model: errors, texts that the parameters
 * bring, the list of models, and what the simulator has recorded.
 */


#include "ngx_http_genai_sim.h"
#include "ngx_http_genai_compat.h"


static ngx_int_t ngx_http_genai_sim_reply_kind(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx, ngx_uint_t status);


/* what the provider says of a status, where nothing else is to be said */

static const struct {
    ngx_uint_t    status;
    const char   *type;
    const char   *code;             /* with its quotes */
    ngx_str_t     message;
} ngx_http_genai_sim_errors[] = {

    { 400, "invalid_request_error", "null",
      ngx_string("the request is not valid") },

    { 401, "invalid_request_error", "\"invalid_api_key\"",
      ngx_string("the API key is not correct") },

    { 403, "invalid_request_error", "\"unsupported_country_region_territory\"",
      ngx_string("this is not allowed") },

    { 404, "invalid_request_error", "\"model_not_found\"",
      ngx_string("the model does not exist or you do not have access to it") },

    { 408, "timeout", "null",
      ngx_string("the request took too long") },

    { 413, "invalid_request_error", "null",
      ngx_string("the request is too large") },

    { 429, "requests", "\"rate_limit_exceeded\"",
      ngx_string("the rate limit is reached") },

    { 503, "service_unavailable", "null",
      ngx_string("the engine is overloaded, try again later") },

    /* the last one is of all other statuses */

    { 500, "server_error", "null",
      ngx_string("the provider had an error while it was answering") }
};


/* a status, a text, or a page of HTML that the parameters ask for */

ngx_int_t
ngx_http_genai_sim_reply_literal(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    const genai_sim_opts_t  *opts;

    static ngx_str_t    type = ngx_string("text/html");
    static genai_str_t  page = genai_str(
        "<html>\r\n<head><title>Service</title></head>\r\n"
        "<body><h1>An error occurred</h1></body>\r\n</html>\r\n");

    opts = ctx->opts;

    if (opts->html) {
        ctx->type = type;
    }

    if (opts->body.data == NULL && !opts->html) {
        return ngx_http_genai_sim_reply_error(r, ctx, ctx->status, NULL, NULL);
    }

    if (opts->type.data) {
        ctx->type.len = opts->type.len;
        ctx->type.data = opts->type.data;
    }

    ctx->stream = (ctx->type.len >= 17
                   && ngx_strncmp(ctx->type.data, "text/event-stream", 17)
                      == 0);

    genai_sim_answer_text(&ctx->answer, opts->body.data ? &opts->body : &page,
                          ctx->stream);

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_sim_reply_models(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    u_char       *p, *id, *end;
    ngx_uint_t    i;
    genai_str_t   text;

    static ngx_str_t  models[] = {
        ngx_string("gpt-4o"),
        ngx_string("gpt-4o-mini"),
        ngx_string("gpt-3.5-turbo-instruct"),
        ngx_string("text-embedding-3-small"),
        ngx_null_string
    };

#define NGX_HTTP_GENAI_SIM_MODEL                                              \
    "\",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"sim\"}"

    end = r->uri.data + r->uri.len;

    id = ngx_strlcasestrn(r->uri.data, end, (u_char *) "/models/", 8 - 1);

    p = ngx_pnalloc(r->pool, 1024 + r->uri.len * 6);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.data = p;

    if (id) {
        id += 8;
        p = genai_sim_put(p, "{\"id\":\"");
        p = genai_sim_json_escape(p, id, end - id);
        p = genai_sim_put(p, NGX_HTTP_GENAI_SIM_MODEL);

    } else {
        p = genai_sim_put(p, "{\"object\":\"list\",\"data\":[");

        for (i = 0; models[i].len; i++) {
            p = i ? genai_sim_put(p, ",{\"id\":\"")
                  : genai_sim_put(p, "{\"id\":\"");
            p = ngx_cpymem(p, models[i].data, models[i].len);
            p = genai_sim_put(p, NGX_HTTP_GENAI_SIM_MODEL);
        }

        p = genai_sim_put(p, "]}");
    }

    *p++ = LF;

    text.len = p - text.data;

    genai_sim_answer_text(&ctx->answer, &text, 0);

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_sim_reply_count(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    u_char                 *p;
    genai_str_t             text;
    const genai_dialect_t  *d;

    d = ctx->dialect;

    p = ngx_pnalloc(r->pool, d->count_begin.len + NGX_INT64_LEN
                             + d->count_end.len + 1);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.data = p;

    p = genai_sim_put_str(p, &d->count_begin);
    p = genai_sim_put_uint(p, genai_sim_prompt_tokens(ctx->body.len));
    p = genai_sim_put_str(p, &d->count_end);
    *p++ = LF;

    text.len = p - text.data;

    genai_sim_answer_text(&ctx->answer, &text, 0);

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_sim_reply_last(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    ngx_str_t         text;
    genai_str_t       body;
    ngx_uint_t        truncated;
    ngx_table_elt_t  *h;

    if (ngx_http_genai_sim_last_get(r, &text, &truncated) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (truncated) {

        h = ngx_list_push(&r->headers_out.headers);
        if (h == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        h->hash = 1;
        ngx_http_genai_end_header(h);
        ngx_str_set(&h->key, "x-genai-sim-truncated");
        ngx_str_set(&h->value, "1");
    }

    ngx_str_set(&ctx->type, "application/octet-stream");

    body.len = text.len;
    body.data = text.data;

    genai_sim_answer_text(&ctx->answer, &body, 0);

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_sim_reply_ledger(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    ngx_str_t         value;
    genai_str_t       id;
    ngx_table_elt_t  *h;

    if (r->method == NGX_HTTP_DELETE) {
        genai_sim_ledger_clear(ctx->ledger->table);
    }

    id.len = 0;
    id.data = NULL;

    if (ngx_http_arg(r, (u_char *) "request_id", 10, &value) == NGX_OK) {
        id.len = value.len;
        id.data = value.data;
    }

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    value.data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (value.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    h->hash = 1;
    ngx_http_genai_end_header(h);
    ngx_str_set(&h->key, "x-genai-sim-count");
    h->value.data = value.data;
    h->value.len = genai_sim_put_uint(value.data, ctx->ledger->table->count)
                   - value.data;

    genai_sim_ledger_answer(ctx->ledger->table, &ctx->answer, &id);

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_sim_reply_unknown(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    u_char     *p;
    ngx_str_t   message;

    p = ngx_pnalloc(r->pool, r->method_name.len + r->uri.len
                             + sizeof("there is no  "));
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    message.data = p;
    message.len = ngx_sprintf(p, "there is no %V %V", &r->method_name,
                              &r->uri)
                  - p;

    return ngx_http_genai_sim_reply_error(r, ctx, NGX_HTTP_NOT_FOUND, &message,
                                          NULL);
}


/* some tell the kind of an error in a header */

static ngx_int_t
ngx_http_genai_sim_reply_kind(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx, ngx_uint_t status)
{
    ngx_table_elt_t    *h;
    const genai_str_t  *kind, *name;

    name = &ctx->dialect->error_header;

    if (name->len == 0) {
        return NGX_OK;
    }

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    kind = ctx->dialect->error_type(status);

    h->hash = 1;
    ngx_http_genai_end_header(h);
    h->key.len = name->len;
    h->key.data = name->data;
    h->value.len = kind->len;
    h->value.data = kind->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_sim_reply_error(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx, ngx_uint_t status, ngx_str_t *message,
    const char *param)
{
    u_char       *p;
    ngx_str_t     own;
    ngx_uint_t    i;
    const char   *type, *code;
    genai_str_t   text, body;

    static genai_str_t  none = genai_str("");

    type = "invalid_request_error";
    code = "null";

    if (message == NULL) {

        for (i = 0; ngx_http_genai_sim_errors[i].status != 500; i++) {
            if (ngx_http_genai_sim_errors[i].status == status) {
                break;
            }
        }

        type = ngx_http_genai_sim_errors[i].type;
        code = ngx_http_genai_sim_errors[i].code;
        own = ngx_http_genai_sim_errors[i].message;

    } else {
        own = *message;
    }

    p = ngx_pnalloc(r->pool, ngx_max(256 + own.len * 6,
                                     GENAI_DIALECT_ERROR_MAX + 1));
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.data = p;

    if (ctx->dialect != &genai_openai) {
        body.len = own.len;
        body.data = own.data;
        p += ctx->dialect->error_body(p, status, &body, &none);
        *p++ = LF;

        if (ngx_http_genai_sim_reply_kind(r, ctx, status) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        goto done;
    }

    p = genai_sim_put(p, "{\"error\":{\"message\":\"");
    p = genai_sim_json_escape(p, own.data, own.len);
    p = ngx_sprintf(p, "\",\"type\":\"%s\",\"param\":", type);
    p = param ? ngx_sprintf(p, "\"%s\"", param) : genai_sim_put(p, "null");
    p = ngx_sprintf(p, ",\"code\":%s}}\n", code);

done:

    text.len = p - text.data;

    ctx->status = status;
    ctx->stream = 0;
    ngx_str_set(&ctx->type, "application/json");

    genai_sim_answer_text(&ctx->answer, &text, 0);

    return NGX_OK;
}
