
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stages access and authorize: who asks, and for what.
 *
 * Access sees headers alone.  Authorize runs behind all of nginx's access
 * checks and refuses whoever has no caller, so that no "satisfy any" lets a
 * stranger through.
 */


#include "ngx_http_genai.h"


static ngx_http_genai_verdict_e ngx_http_genai_access_endpoint(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_loc_conf_t *lcf);
static ngx_uint_t ngx_http_genai_access_json(ngx_http_request_t *r);
static ngx_uint_t ngx_http_genai_access_anthropic(ngx_http_request_t *r);
static ngx_uint_t ngx_http_genai_access_array(ngx_http_request_t *r,
    const genai_dialect_t *d, genai_str_t *path);
static ngx_http_genai_verdict_e ngx_http_genai_access_method(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);


ngx_http_genai_verdict_e
ngx_http_genai_access(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_http_genai_verdict_e    verdict;
    ngx_http_genai_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_module);

    ngx_http_genai_redirected(r, ctx);

    /* what an earlier location of a redirect has said does not count here */

    ctx->inlined = lcf->inlined && !lcf->pass;
    ctx->entry = NULL;
    ctx->target = NULL;
    ctx->group.attempts = 0;
    ctx->first_byte = 0;
    ctx->first_token = 0;
    ctx->meaningful = 0;
    ctx->usage_added = 0;
    ctx->event_stream = 0;
    ctx->json = 0;
    ctx->untyped = 0;
    ctx->page = 0;
    ctx->coded = 0;
    ctx->choices = 1;
    ctx->nholds = 0;
    ctx->cap = 0;
    ctx->clipped = 0;
    ctx->hopeless = 0;
    ctx->limited = 0;
    ctx->answer = NULL;
    ctx->error = GENAI_OK;
    ctx->status = 0;
    ctx->failure = GENAI_OK;
    ctx->failure_status = 0;
    ctx->said = GENAI_OK;
    ctx->refused = 0;
    ctx->dressed = 0;
    ctx->ended = 0;
    ctx->from_provider = 0;
    ngx_str_null(&ctx->message);
    ngx_str_null(&ctx->code);
    ngx_str_null(&ctx->retry_after);
    ngx_str_null(&ctx->said_retry_after);
    ngx_str_null(&ctx->allow);
    ngx_str_null(&ctx->upgrade);
    ngx_str_null(&ctx->status_text);

    ngx_http_genai_window_close(ctx);
    ngx_http_genai_output_close(ctx);
    genai_meter_init(&ctx->meter, 0);

    /* first of all: whoever is refused is told so in his own dialect */

    ctx->recognised = ngx_http_genai_recognise(r, ctx);
    ctx->spoken = ctx->dialect;
    ctx->spoken_path = ctx->dialect_path;

    verdict = ngx_http_genai_identify(r, ctx);

    if (verdict != NGX_HTTP_GENAI_NEXT) {
        return verdict;
    }

    if (r->headers_in.upgrade
        && ngx_strlcasestrn(r->headers_in.upgrade->value.data,
                            r->headers_in.upgrade->value.data
                            + r->headers_in.upgrade->value.len,
                            (u_char *) "websocket", 9 - 1)
        && !(ctx->inlined
             && (lcf->endpoints & genai_endpoint_bit(GENAI_ENDPOINT_OTHER))))
    {
        /* nginx has no text for it */

        ctx->status = 426;
        ngx_str_set(&ctx->status_text, "426 Upgrade Required");
        ngx_str_set(&ctx->upgrade, "HTTP/1.1");
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                     "WebSocket is not served here: send the "
                                     "request as plain HTTP");
    }

    return ngx_http_genai_access_endpoint(r, ctx, lcf);
}


static ngx_http_genai_verdict_e
ngx_http_genai_access_endpoint(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_loc_conf_t *lcf)
{
    const genai_endpoint_t  *endpoint;

    endpoint = ctx->recognised;

    /* where it is listed alone nothing is to be read, whatever the path says */

    if ((endpoint == NULL
         && (lcf->endpoints & genai_endpoint_bit(GENAI_ENDPOINT_OTHER)))
        || lcf->endpoints == genai_endpoint_bit(GENAI_ENDPOINT_OTHER))
    {
        endpoint = genai_endpoint_find(&genai_openai, GENAI_ENDPOINT_OTHER);
    }

    if (endpoint == NULL
        || !(lcf->endpoints & genai_endpoint_bit(endpoint->endpoint))
        || !ngx_http_genai_allowed_endpoint(ctx, endpoint->endpoint))
    {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_FORBIDDEN_ENDPOINT,
                                     "there is no endpoint at this path");
    }

    if (ctx->endpoint != endpoint) {

        /* what a body means depends on what is asked for */

        ctx->parsed = NULL;
        ctx->multipart = NULL;
    }

    ctx->endpoint = endpoint;

    return ngx_http_genai_access_method(r, ctx);
}


const genai_endpoint_t *
ngx_http_genai_recognise(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_uint_t                  i;
    genai_str_t                 path;
    const genai_dialect_t      *d;
    const genai_endpoint_t     *endpoint, *json;
    ngx_http_genai_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_module);

    path.len = r->uri.len;
    path.data = r->uri.data;

    ngx_memzero(&ctx->endpoint_id, sizeof(genai_str_t));

    for (i = 0; (d = genai_dialect_at(i)) != NULL; i++) {

        endpoint = genai_endpoint_of_path(d, &path, &ctx->endpoint_id);

        if (lcf->api) {

            /* of an endpoint with several paths it may be another one */

            ngx_memzero(&ctx->endpoint_id, sizeof(genai_str_t));

            if (endpoint == NULL || endpoint->endpoint != lcf->api) {

                /* a dialect without bodies of its own is known by its path */

                endpoint = d->bodies ? NULL
                                     : genai_endpoint_find(d, lcf->api);
            }
        }

        if (endpoint == NULL) {
            continue;
        }

        ctx->dialect = genai_dialect_bodies(d);
        ctx->dialect_path = d;
        ctx->array = ngx_http_genai_access_array(r, d, &path);

        if (endpoint->endpoint == GENAI_ENDPOINT_MODELS
            && ctx->dialect == &genai_openai
            && ngx_http_genai_access_anthropic(r))
        {
            /* a path that both have */

            ctx->dialect = &genai_anthropic;
            ctx->dialect_path = ctx->dialect;

            return genai_endpoint_find(ctx->dialect, GENAI_ENDPOINT_MODELS);
        }

        json = ngx_http_genai_access_json(r) ? genai_endpoint_json(endpoint)
                                             : NULL;

        return json ? json : endpoint;
    }

    ctx->dialect = &genai_openai;
    ctx->dialect_path = ctx->dialect;
    ctx->array = 0;

    return NULL;
}


/* whether the body is said to be JSON */

static ngx_uint_t
ngx_http_genai_access_json(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    h = r->headers_in.content_type;

    return h && h->value.len >= 16
           && ngx_strncasecmp(h->value.data, (u_char *) "application/json", 16)
              == 0;
}


/* whether the client says which version of Anthropic's API it speaks */

static ngx_uint_t
ngx_http_genai_access_anthropic(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return 0;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == 17
            && ngx_strncmp(h[i].lowcase_key, "anthropic-version", 17) == 0)
        {
            return 1;
        }
    }
}


/* Gemini's streams are one JSON text unless events are asked for */

static ngx_uint_t
ngx_http_genai_access_array(ngx_http_request_t *r, const genai_dialect_t *d,
    genai_str_t *path)
{
    unsigned     stream;
    ngx_str_t    alt;
    genai_str_t  model;

    return d->encoder_array
           && d->path_read(path, &model, &stream) && stream
           && (ngx_http_arg(r, (u_char *) "alt", 3, &alt) != NGX_OK
               || alt.len != 3 || ngx_strncmp(alt.data, "sse", 3) != 0);
}


static ngx_http_genai_verdict_e
ngx_http_genai_access_method(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    switch (ctx->endpoint->body) {

    case GENAI_BODY_JSON:
    case GENAI_BODY_MULTIPART:
        if (r->method == NGX_HTTP_POST) {
            return ngx_http_genai_limits_peek(r, ctx);
        }

        ngx_str_set(&ctx->allow, "POST");
        break;

    case GENAI_BODY_NONE:
        if (r->method == NGX_HTTP_GET || r->method == NGX_HTTP_HEAD) {
            return NGX_HTTP_GENAI_NEXT;
        }

        ngx_str_set(&ctx->allow, "GET, HEAD");
        break;

    case GENAI_BODY_OPAQUE:
        return ngx_http_genai_limits_peek(r, ctx);
    }

    ctx->status = NGX_HTTP_NOT_ALLOWED;

    return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                 "this endpoint takes %V, not %V",
                                 &ctx->allow, &r->method_name);
}


ngx_http_genai_verdict_e
ngx_http_genai_authorize(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_http_genai_verdict_e     verdict;
    ngx_http_genai_loc_conf_t   *lcf;
    ngx_http_genai_snapshot_t   *s;
    ngx_http_genai_main_conf_t  *mcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_module);

    if (lcf->auth && ctx->caller == NULL && !ngx_http_genai_test_caller(lcf))
    {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_UNAUTHENTICATED,
                                     "a valid API key is required");
    }

    /* a long body may have taken its time */

    s = ctx->snapshot;

    verdict = ngx_http_genai_identify_again(r, ctx);

    if (verdict != NGX_HTTP_GENAI_NEXT) {
        return verdict;
    }

    if (ctx->snapshot != s
        && !ngx_http_genai_allowed_endpoint(ctx, ctx->endpoint->endpoint))
    {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_FORBIDDEN_ENDPOINT,
                                     "there is no endpoint at this path");
    }

    if (ctx->endpoint->body == GENAI_BODY_NONE) {
        return NGX_HTTP_GENAI_NEXT;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_genai_module);

    if (ctx->model.len || !ctx->inlined) {
        ctx->entry = ngx_http_genai_model_find(mcf, &ctx->model,
                                               r->connection->log);
    }

    /* the name that was sent, and the one that the location made of it */

    if ((ctx->entry == NULL && !ctx->inlined)
        || !ngx_http_genai_allowed_model(ctx, &ctx->model)
        || (ctx->model_sent.len
            && ctx->model_sent.data != ctx->model.data
            && !ngx_http_genai_allowed_model(ctx, &ctx->model_sent)))
    {
        ngx_str_set(&ctx->code, "model_not_found");

        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_FORBIDDEN_MODEL,
                                     "the model \"%V\" does not exist or you "
                                     "do not have access to it", &ctx->model);
    }

    return ngx_http_genai_stored(r, ctx);
}
