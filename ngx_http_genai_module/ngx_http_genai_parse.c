
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stage parse: what the body asks for.
 *
 * The body must be strict JSON.  The members that we act on may stand there
 * once, in any spelling: "model" twice, "Model", "mod\u0065l" mean different
 * things to different readers, and the provider must not read another model
 * than the gateway did.
 */


#include "ngx_http_genai.h"
#include "genai_json.h"


static ngx_int_t ngx_http_genai_parse_model(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, genai_json_member_t *m);
static ngx_uint_t ngx_http_genai_parse_name(ngx_str_t *name);
static ngx_http_genai_verdict_e ngx_http_genai_parse_public(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);


typedef struct {
    const char  *name;
    size_t       len;
} ngx_http_genai_member_t;


#define NGX_HTTP_GENAI_MEMBER_MODEL   0
#define NGX_HTTP_GENAI_MEMBER_STREAM  1

static const ngx_http_genai_member_t  ngx_http_genai_members[] = {
    { "model", 5 },
    { "stream", 6 },
    { NULL, 0 }
};


ngx_http_genai_verdict_e
ngx_http_genai_parse(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    int                  rc, same;
    ngx_uint_t           i, seen;
    genai_json_t         json;
    const u_char        *first;
    genai_json_member_t  m;

    if (ctx->endpoint->body != GENAI_BODY_JSON) {
        return ngx_http_genai_parse_public(r, ctx);
    }

    seen = 0;
    ctx->stream_asked = 0;
    ngx_str_null(&ctx->model_sent);

    rc = genai_json_begin(&json, ctx->body.data, ctx->body.len);

    first = json.pos;

    if (rc == 0 && json.array) {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                     "the request body must be a JSON object");
    }

    while (rc == 0 && (rc = genai_json_next(&json, &m)) == 1) {

        rc = 0;

        for (i = 0; ngx_http_genai_members[i].name; i++) {

            same = genai_json_key_is(&m, ngx_http_genai_members[i].name,
                                     ngx_http_genai_members[i].len);

            if (same == 0) {
                continue;
            }

            if (same == -1 || (seen & (1 << i))) {
                return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                   "the request body has \"%s\" twice or in "
                                   "another case",
                                   ngx_http_genai_members[i].name);
            }

            seen |= 1 << i;
            break;
        }

        if (i == NGX_HTTP_GENAI_MEMBER_MODEL) {

            if (ngx_http_genai_parse_model(r, ctx, &m) != NGX_OK) {
                return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                   "\"model\" must be a string of 1 to %d "
                                   "bytes without control characters",
                                   NGX_HTTP_GENAI_MODEL_MAX);
            }

        } else if (i == NGX_HTTP_GENAI_MEMBER_STREAM) {

            if (m.type > GENAI_JSON_TRUE) {
                return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                   "\"stream\" must be true or false");
            }

            ctx->stream_asked = (m.type == GENAI_JSON_TRUE);
        }
    }

    if (rc == -1) {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                     "the request body is not valid JSON: %s "
                                     "at byte %uz", json.error, json.offset);
    }

    if (!(seen & (1 << NGX_HTTP_GENAI_MEMBER_MODEL))) {

        /* one that the location chooses would stand behind the brace */

        ctx->model_start = first - ctx->body.data;
        ctx->model_end = ctx->model_start;
        ctx->empty_object = !json.begun;
    }

    return ngx_http_genai_parse_public(r, ctx);
}


static ngx_int_t
ngx_http_genai_parse_model(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    genai_json_member_t *m)
{
    ngx_str_t  name;

    if (m->type != GENAI_JSON_STRING
        || m->value.len == 0
        || m->value.len > 6 * NGX_HTTP_GENAI_MODEL_MAX)
    {
        return NGX_DECLINED;
    }

    name.data = m->value.data;
    name.len = m->value.len;

    if (m->value_escaped) {

        name.data = ngx_pnalloc(r->pool, m->value.len);
        if (name.data == NULL) {
            return NGX_ERROR;
        }

        name.len = genai_json_unescape(name.data, &m->value);
    }

    if (!ngx_http_genai_parse_name(&name)) {
        return NGX_DECLINED;
    }

    ctx->model_sent = name;

    /* the span with its quotes */

    ctx->model_start = m->value.data - 1 - ctx->body.data;
    ctx->model_end = ctx->model_start + m->value.len + 2;

    return NGX_OK;
}


/* it will stand in logs, and perhaps in a header */

static ngx_uint_t
ngx_http_genai_parse_name(ngx_str_t *name)
{
    size_t  i;

    if (name->len > NGX_HTTP_GENAI_MODEL_MAX) {
        return 0;
    }

    for (i = 0; i < name->len; i++) {
        if (name->data[i] < ' ' || name->data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


/* the name that is looked up: the location's, else the one that was sent */

static ngx_http_genai_verdict_e
ngx_http_genai_parse_public(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_http_genai_loc_conf_t  *lcf;

    if (ctx->endpoint->body == GENAI_BODY_NONE) {
        return NGX_HTTP_GENAI_NEXT;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_module);

    ctx->model = ctx->model_sent;

    if (lcf->pass_model
        && ngx_http_complex_value(r, lcf->pass_model, &ctx->model) != NGX_OK)
    {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                     "the model cannot be evaluated");
    }

    if (!ngx_http_genai_parse_name(&ctx->model)) {
        ngx_str_null(&ctx->model);

        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                     "this location's model has a name that "
                                     "no model can have");
    }

    if (ctx->model.len == 0) {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                     ctx->endpoint->body == GENAI_BODY_JSON
                                     ? "you must provide a \"model\""
                                     : "this path needs a location with "
                                       "\"genai_pass model=NAME\"");
    }

    return NGX_HTTP_GENAI_NEXT;
}
