
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the gateway itself says to a client: refusals and the answers that
 * need no provider.
 *
 * Refusals are not left to nginx's error pages, which are HTML, may be
 * redirected by error_page, and close connections that could be kept.
 */


#include "ngx_http_genai.h"


static void ngx_http_genai_send(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_uint_t status);


static ngx_str_t  ngx_http_genai_id_name = ngx_string("x-genai-request-id");
static ngx_str_t  ngx_http_genai_error_name = ngx_string("x-genai-error");
static ngx_str_t  ngx_http_genai_dropped_name =
    ngx_string("x-genai-dropped");
static ngx_str_t  ngx_http_genai_retry_name = ngx_string("Retry-After");
static ngx_str_t  ngx_http_genai_allow_name = ngx_string("Allow");
static ngx_str_t  ngx_http_genai_upgrade_name = ngx_string("Upgrade");


ngx_http_genai_verdict_e
ngx_http_genai_refuse(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    genai_error_e error, const char *fmt, ...)
{
    u_char             *p, *last;
    va_list             args;
    ngx_uint_t          level;
    const genai_str_t  *word;

    ctx->error = error;
    ctx->status = ctx->status ? ctx->status : genai_error_status(error);

    ctx->message.data = ngx_pnalloc(r->pool, GENAI_DIALECT_MESSAGE_MAX);

    if (ctx->message.data == NULL) {
        ctx->message.len = 0;
        return NGX_HTTP_GENAI_REFUSED;
    }

    p = ctx->message.data;
    last = p + GENAI_DIALECT_MESSAGE_MAX;

    va_start(args, fmt);
    p = ngx_vslprintf(p, last, fmt, args);
    va_end(args);

    ctx->message.len = p - ctx->message.data;

    /* a client's text must not make lines of the log */

    for (p = ctx->message.data; p < ctx->message.data + ctx->message.len; p++) {
        if (*p < ' ' || *p == 0x7f) {
            *p = ' ';
        }
    }

    word = genai_error_word(error);

    level = (error >= GENAI_GATEWAY_INTERNAL) ? NGX_LOG_ERR
            : (error >= GENAI_PROVIDER_RATE_LIMITED) ? NGX_LOG_WARN
            : NGX_LOG_INFO;

    ngx_log_error(level, r->connection->log, 0, "genai refused, %*s: %V",
                  word->len, word->data, &ctx->message);

    return NGX_HTTP_GENAI_REFUSED;
}


void
ngx_http_genai_send_refusal(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ctx->refused = 1;

    ctx->answer = ngx_http_genai_error_buf(r, ctx, 0);

    if (ctx->answer == NULL) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    ngx_http_genai_send(r, ctx, ctx->status);
}


void
ngx_http_genai_send_answer(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ctx->refused = 1;

    ngx_http_genai_send(r, ctx, NGX_HTTP_OK);
}


static void
ngx_http_genai_send(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_uint_t status)
{
    ngx_int_t    rc;
    ngx_buf_t   *b;
    ngx_chain_t  out;

    b = ctx->answer;

    /* or discarding would invite the body with "100 Continue" */

    r->expect_tested = 1;

    if (ngx_http_discard_request_body(r) != NGX_OK) {

        /* where the next request begins is not known */

        r->keepalive = 0;
        r->lingering_close = 0;
    }

    r->headers_out.status = status;

    ngx_http_genai_json_headers(r, b->last - b->pos);

    r->headers_out.status_line = ctx->status_text;

    if (ngx_http_genai_own_headers(r, ctx) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    ngx_http_finalize_request(r, ngx_http_output_filter(r, &out));
}


void
ngx_http_genai_json_headers(ngx_http_request_t *r, off_t len)
{
    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);

    if (r->headers_out.content_encoding) {
        r->headers_out.content_encoding->hash = 0;
        r->headers_out.content_encoding = NULL;
    }

    r->headers_out.status_line.len = 0;
    r->headers_out.content_length_n = len;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    ngx_str_null(&r->headers_out.charset);
}


void
ngx_http_genai_stream_type(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    const genai_str_t  *type;

    type = genai_dialect_stream_type(ctx->dialect);

    r->headers_out.content_type.len = type->len;
    r->headers_out.content_type.data = type->data;
    r->headers_out.content_type_len = type->len;
    r->headers_out.content_type_lowcase = NULL;
}


/* what kind of error it is, where no provider has said it in this dialect */

static ngx_int_t
ngx_http_genai_error_type(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_str_t               name, value;
    ngx_uint_t              i;
    ngx_list_part_t        *part;
    ngx_table_elt_t        *h;
    const genai_str_t      *type;
    const genai_dialect_t  *d;

    d = ctx->dialect;

    if (d == NULL || d->error_header.len == 0
        || r->headers_out.status < NGX_HTTP_BAD_REQUEST)
    {
        return NGX_OK;
    }

    type = d->error_type(r->headers_out.status);

    name.len = d->error_header.len;
    name.data = d->error_header.data;
    value.len = type->len;
    value.data = type->data;

    part = &r->headers_out.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].hash && h[i].key.len == name.len
            && ngx_strncasecmp(h[i].key.data, name.data, name.len) == 0)
        {
            if (!ctx->from_provider || ctx->spoken != d) {
                h[i].value = value;
            }

            return NGX_OK;
        }
    }

    return ngx_http_genai_add_header(r, &name, &value);
}


ngx_int_t
ngx_http_genai_own_headers(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_str_t           value;
    const genai_str_t  *word;

    value.len = NGX_HTTP_GENAI_ID_LEN;
    value.data = ctx->id;

    if (ngx_http_genai_add_header(r, &ngx_http_genai_id_name, &value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->error != GENAI_OK) {

        word = genai_error_word(ctx->error);
        value.len = word->len;
        value.data = word->data;

        if (ngx_http_genai_add_header(r, &ngx_http_genai_error_name, &value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_http_genai_error_type(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->retry_after.len
        && ngx_http_genai_add_header(r, &ngx_http_genai_retry_name,
                                     &ctx->retry_after)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->allow.len
        && ngx_http_genai_add_header(r, &ngx_http_genai_allow_name,
                                     &ctx->allow)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->upgrade.len
        && ngx_http_genai_add_header(r, &ngx_http_genai_upgrade_name,
                                     &ctx->upgrade)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->dropped.len
        && ngx_http_genai_add_header(r, &ngx_http_genai_dropped_name,
                                     &ctx->dropped)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->nholds) {
        return ngx_http_genai_limits_headers(r, ctx);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_add_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key = *name;
    h->value = *value;
    ngx_http_genai_end_header(h);

    return NGX_OK;
}


ngx_buf_t *
ngx_http_genai_error_buf(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_uint_t event)
{
    u_char       text[GENAI_DIALECT_ERROR_MAX];
    size_t       len;
    ngx_buf_t   *b;
    ngx_uint_t   array;
    genai_str_t  message, code;

    message.len = ctx->message.len;
    message.data = ctx->message.data;

    if (message.len == 0) {
        message = *genai_error_word(ctx->error);
    }

    code.len = ctx->code.len;
    code.data = ctx->code.data;

    if (code.len == 0) {
        code = *genai_error_word(ctx->error);
    }

    len = event ? ctx->dialect->error_event(text, ctx->status, &message, &code)
                : ctx->dialect->error_body(text, ctx->status, &message, &code);

    b = ngx_create_temp_buf(r->pool, len + 2);
    if (b == NULL) {
        return NULL;
    }

    /* Google's errors of a stream that is an array are in one */

    array = ctx->array && !event;

    if (array) {
        *b->last++ = '[';
    }

    b->last = ngx_cpymem(b->last, text, len);

    if (array) {
        *b->last++ = ']';
    }

    return b;
}
