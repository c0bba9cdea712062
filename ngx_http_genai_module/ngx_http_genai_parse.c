
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stage parse: what the body asks for.  It is read once, in turns or in a
 * thread where it is long, and whatever acts on it later does so through its
 * tape, its segments and its edits.
 */


#include "ngx_http_genai.h"
#include "genai_text.h"


static ngx_http_genai_verdict_e ngx_http_genai_parse_json(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);
static int ngx_http_genai_parse_step(void *data, size_t budget);
static ngx_http_genai_verdict_e ngx_http_genai_parse_error(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);
static ngx_http_genai_verdict_e ngx_http_genai_parse_fields(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);
static ngx_uint_t ngx_http_genai_parse_unasked(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_http_genai_verdict_e ngx_http_genai_parse_public(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);
static ngx_uint_t ngx_http_genai_parse_name(ngx_str_t *name);


ngx_http_genai_verdict_e
ngx_http_genai_parse(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_http_genai_verdict_e  verdict;

    if (ctx->endpoint->body == GENAI_BODY_NONE) {
        return NGX_HTTP_GENAI_NEXT;
    }

    verdict = NGX_HTTP_GENAI_NEXT;

    if (ctx->endpoint->body == GENAI_BODY_JSON) {
        verdict = ngx_http_genai_parse_json(r, ctx);

    } else if (ctx->endpoint->body == GENAI_BODY_MULTIPART) {
        verdict = ngx_http_genai_multipart_parse(r, ctx);
    }

    if (verdict != NGX_HTTP_GENAI_NEXT) {
        return verdict;
    }

    return ngx_http_genai_parse_public(r, ctx);
}


static ngx_http_genai_verdict_e
ngx_http_genai_parse_json(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_int_t                  rc;
    genai_str_t                text;
    ngx_http_genai_verdict_e   verdict;

    if (ctx->parsed == NULL) {

        ctx->parsed = genai_arena_alloc(&ctx->arena, sizeof(genai_request_t));
        if (ctx->parsed == NULL) {
            return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_FULL,
                                         "out of memory");
        }

        text.len = ctx->body.len;
        text.data = ctx->body.data;

        ctx->translation = NULL;
        ctx->sign = NULL;

        genai_request_init(ctx->parsed, ctx->dialect, ctx->endpoint->endpoint,
                           &text, &ctx->arena);
    }

    verdict = ngx_http_genai_work(r, ctx, ngx_http_genai_parse_step,
                                  ctx->parsed, ctx->body.len, &rc);

    if (verdict != NGX_HTTP_GENAI_NEXT) {
        return verdict;
    }

    if (rc == GENAI_REQUEST_ERROR) {
        return ngx_http_genai_parse_error(r, ctx);
    }

    return ngx_http_genai_parse_fields(r, ctx);
}


static int
ngx_http_genai_parse_step(void *data, size_t budget)
{
    return genai_request_read(data, budget);
}


static ngx_http_genai_verdict_e
ngx_http_genai_parse_error(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    switch (ctx->parsed->cause) {

    case GENAI_SCAN_TOO_LARGE:
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_TOO_LARGE, "%s",
                                     ctx->parsed->error);

    case GENAI_SCAN_NO_MEMORY:
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_FULL, "%s",
                                     ctx->parsed->error);

    default:
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST, "%s",
                                     ctx->parsed->error);
    }
}


static ngx_http_genai_verdict_e
ngx_http_genai_parse_fields(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    int               rc;
    unsigned          stream;
    genai_str_t       raw, path;
    genai_request_t  *req;

    req = ctx->parsed;

    ctx->stream_asked = req->stream_asked;
    ctx->choices = ngx_min(ngx_max(req->choices, 1), 65536);

    ngx_str_null(&ctx->model_sent);

    path.len = r->uri.len;
    path.data = r->uri.data;

    stream = ctx->stream_asked;

    if (ctx->dialect_path->path_read
        && ctx->dialect_path->path_read(&path, &raw, &stream))
    {
        ctx->stream_asked = stream;

        ctx->model_sent.data = ngx_pnalloc(r->pool, raw.len);
        if (ctx->model_sent.data == NULL) {
            return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                         "out of memory");
        }

        ngx_memcpy(ctx->model_sent.data, raw.data, raw.len);
        ctx->model_sent.len = raw.len;

    } else if (req->model) {

        /* a copy: logs have it when the body is gone */

        raw = genai_tape_view(&req->tape, req->model);

        ctx->model_sent.data = ngx_pnalloc(r->pool, raw.len);
        if (ctx->model_sent.data == NULL) {
            return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                         "out of memory");
        }

        ctx->model_sent.len = genai_text_decode(ctx->model_sent.data, &raw);
    }

    genai_meter_init(&ctx->meter, req->bytes);

    /* vectors are no tokens: who has said nothing has spent none */

    ctx->meter.silent = genai_endpoint_silent(ctx->endpoint->endpoint);

    ctx->edits = genai_arena_alloc(&ctx->arena, 2 * sizeof(genai_edits_t));
    if (ctx->edits == NULL) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_FULL,
                                     "out of memory");
    }

    ctx->target_edits = ctx->edits + 1;

    genai_edits_init(ctx->edits, &req->tape, &ctx->arena);
    genai_edits_init(ctx->target_edits, &req->tape, &ctx->arena);

    /* a stream without its usage could only be estimated */

    rc = ngx_http_genai_parse_unasked(r, ctx)
         ? 0 : ctx->dialect->ask_usage(req, ctx->edits);

    if (rc == -1) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_FULL,
                                     "out of memory");
    }

    ctx->usage_added = rc;

    return NGX_HTTP_GENAI_NEXT;
}


/* beside proxy_pass it is known already who is asked, and what he refuses */

static ngx_uint_t
ngx_http_genai_parse_unasked(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_str_t           version;
    const genai_str_t  *param;

    param = &ctx->dialect_path->version_param;

    return ctx->inlined && param->len
           && ngx_http_arg(r, param->data, param->len, &version) == NGX_OK
           && ngx_http_genai_quirks_old(&version);
}


/* the name that is looked up: the location's, else the one that was sent */

static ngx_http_genai_verdict_e
ngx_http_genai_parse_public(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_http_genai_loc_conf_t  *lcf;

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

    if (ctx->model.len == 0 && !ctx->inlined) {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                     ctx->endpoint->body != GENAI_BODY_OPAQUE
                                     ? "you must provide a \"model\""
                                     : "this path needs a location with "
                                       "\"genai_pass model=NAME\"");
    }

    return NGX_HTTP_GENAI_NEXT;
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
