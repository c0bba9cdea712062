
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stage inline: makes the request ready for a content handler that is not
 * ours, proxy_pass.  Such a handler takes the body from r->request_body and
 * the headers from the list of r->headers_in; so what is to change is changed
 * there.
 *
 *    body       replaced by slices where it was edited or inflated, or where
 *               a limit says how long the answer may be, with the headers that
 *               describe it; else not touched at all
 *    headers    Accept-Encoding goes, as nobody could read a coded answer;
 *               the lines that carry the caller's key go, and no other
 *
 * The list is that of all nginx, and knows no removal.  nginx's modules have
 * pointers to lines of it, so that no line may move.
 */


#include "ngx_http_genai.h"


static ngx_int_t ngx_http_genai_inline_key(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_inline_accept_encoding(ngx_http_request_t *r);
static ngx_int_t ngx_http_genai_inline_body(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_inline_keep(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_chain_t *out);
static ngx_int_t ngx_http_genai_inline_length(ngx_http_request_t *r,
    off_t length);
static ngx_int_t ngx_http_genai_remove_headers(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_table_elt_t *ngx_http_genai_find_header(ngx_http_request_t *r,
    ngx_str_t *name);


static ngx_str_t  ngx_http_genai_accept_encoding =
    ngx_string("accept-encoding");
static ngx_str_t  ngx_http_genai_content_encoding =
    ngx_string("content-encoding");


ngx_http_genai_verdict_e
ngx_http_genai_inline(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    if (!ctx->inlined) {
        return NGX_HTTP_GENAI_NEXT;
    }

    ngx_http_genai_checkpoint(ctx);

    if (ngx_http_genai_inline_key(r, ctx) != NGX_OK) {
        goto failed;
    }

    if (ctx->endpoint->body == GENAI_BODY_JSON
        || ctx->endpoint->body == GENAI_BODY_MULTIPART)
    {
        if (ngx_http_genai_inline_accept_encoding(r) != NGX_OK) {
            goto failed;
        }

        if ((ctx->edits == NULL || ctx->edits->n == 0) && ctx->cap == 0
            && !ctx->inflated && !ctx->replaced)
        {

            /* it goes as nginx has it, and nobody else needs it any more */

            ngx_http_genai_release_request(r, ctx);

            return NGX_HTTP_GENAI_NEXT;
        }

    } else if (!ctx->replaced) {
        return NGX_HTTP_GENAI_NEXT;
    }

    if (ngx_http_genai_inline_body(r, ctx) != NGX_OK) {
        goto failed;
    }

    return NGX_HTTP_GENAI_NEXT;

failed:

    return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                 "out of memory");
}


/* some clients send their key in two headers, for two kinds of servers */

static ngx_int_t
ngx_http_genai_inline_key(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_table_elt_t  *h;

    if (ctx->key_header == NULL) {
        return NGX_OK;
    }

    for ( ;; ) {
        h = ngx_http_genai_find_key(r, ctx->key_header);

        if (h == NULL) {
            ctx->key_header = NULL;
            return NGX_OK;
        }

        if (h == r->headers_in.authorization) {
            r->headers_in.authorization = NULL;
        }

        if (ngx_http_genai_remove_header(r, h) != NGX_OK) {
            return NGX_ERROR;
        }
    }
}


/*
 * The client's word still decides about nginx's own gzip, which finds it by
 * this pointer.
 */

static ngx_int_t
ngx_http_genai_inline_accept_encoding(ngx_http_request_t *r)
{
#if (NGX_HTTP_GENAI_ACCEPT_ENCODING)

    ngx_table_elt_t  *h;

    if (r->headers_in.accept_encoding == NULL) {
        return NGX_OK;
    }

    h = ngx_palloc(r->pool, sizeof(ngx_table_elt_t));
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = *r->headers_in.accept_encoding;
    ngx_http_genai_end_header(h);

    r->headers_in.accept_encoding = h;

#endif

    return ngx_http_genai_remove_headers(r, &ngx_http_genai_accept_encoding);
}


static ngx_int_t
ngx_http_genai_inline_body(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    off_t                     length;
    ngx_chain_t              *out;
    ngx_http_request_body_t  *rb;

    if (ngx_http_genai_render_body(r, ctx, NULL, &out, &length) != NGX_OK
        || ngx_http_genai_inline_keep(r, ctx, out) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->replaced = 1;

    rb = r->request_body;

    rb->bufs = out;

    /*
     * The slices may be of this buffer, which nginx would take for output
     * where there is a file; what the file has is mapped or copied.
     */

    rb->buf = NULL;

    if (rb->temp_file) {
        ngx_pool_run_cleanup_file(r->pool, rb->temp_file->file.fd);
        rb->temp_file = NULL;
    }

    if (ctx->inflated
        && ngx_http_genai_remove_headers(r, &ngx_http_genai_content_encoding)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (r->headers_in.transfer_encoding) {

        if (ngx_http_genai_remove_header(r, r->headers_in.transfer_encoding)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        r->headers_in.transfer_encoding = NULL;
    }

    r->headers_in.chunked = 0;
    r->headers_in.content_length_n = length;

    return ngx_http_genai_inline_length(r, length);
}


/*
 * The request is sent by nginx, who does not say when it needs it no more.  So
 * what was edited, a few bytes, is copied, and the tape and all else can go;
 * but for a body that is in the arena itself.
 */

static ngx_int_t
ngx_http_genai_inline_keep(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_chain_t *out)
{
    u_char     *p;
    size_t      len;
    ngx_buf_t  *b;

    if (ctx->inflated || ctx->joined) {
        return NGX_OK;
    }

    for ( /* void */ ; out; out = out->next) {

        b = out->buf;

        if (b->pos >= ctx->body.data
            && b->pos < ctx->body.data + ctx->body.len)
        {
            continue;
        }

        len = b->last - b->pos;

        p = ngx_pnalloc(r->pool, len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(p, b->pos, len);

        b->start = p;
        b->pos = p;
        b->last = p + len;
        b->end = b->last;
    }

    ctx->parsed = NULL;
    ctx->multipart = NULL;
    ctx->edits = NULL;
    ctx->target_edits = NULL;

    ngx_http_genai_destroy_arena(&ctx->arena);

    return NGX_OK;
}


/* proxy_pass counts for itself, others and variables look at the line */

static ngx_int_t
ngx_http_genai_inline_length(ngx_http_request_t *r, off_t length)
{
    u_char           *p;
    ngx_table_elt_t  *h;

    p = ngx_pnalloc(r->pool, NGX_OFF_T_LEN + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    h = r->headers_in.content_length;

    if (h == NULL) {

        h = ngx_list_push(&r->headers_in.headers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        ngx_str_set(&h->key, "Content-Length");
        h->lowcase_key = (u_char *) "content-length";
        h->hash = ngx_hash_key(h->lowcase_key, h->key.len);
        ngx_http_genai_end_header(h);

        r->headers_in.content_length = h;
    }

    h->value.data = p;
    h->value.len = ngx_sprintf(p, "%O%Z", length) - p - 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_remove_headers(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_table_elt_t  *h;

    for ( ;; ) {
        h = ngx_http_genai_find_header(r, name);

        if (h == NULL) {
            return NGX_OK;
        }

        if (ngx_http_genai_remove_header(r, h) != NGX_OK) {
            return NGX_ERROR;
        }
    }
}


/* the first line of that name */

static ngx_table_elt_t *
ngx_http_genai_find_header(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    i = 0;
    part = &r->headers_in.headers.part;

    while ((h = ngx_http_genai_next_header(&part, &i)) != NULL) {
        if (h->key.len == name->len
            && ngx_memcmp(h->lowcase_key, name->data, name->len) == 0)
        {
            return h;
        }
    }

    return NULL;
}


/*
 * nalloc is how many lines the last part has room for, and the size of the
 * parts that come: it shrinks with the last part, but never to 0, as no part
 * is cut to nothing.
 */

ngx_int_t
ngx_http_genai_remove_header(ngx_http_request_t *r, ngx_table_elt_t *h)
{
    ngx_uint_t        n;
    ngx_list_t       *list;
    ngx_list_part_t  *part, *prev, *rest;
    ngx_table_elt_t  *elts;

    list = &r->headers_in.headers;

    prev = NULL;
    part = &list->part;
    elts = part->elts;

    while (h < elts || h >= elts + part->nelts) {

        if (part->next == NULL) {
            return NGX_OK;
        }

        prev = part;
        part = part->next;
        elts = part->elts;
    }

    n = h - elts;

    if (n == part->nelts - 1) {

        part->nelts--;

        if (part->nelts == 0 && prev) {

            /* those who read lists expect no part without elements */

            prev->next = part->next;

            if (list->last == part) {

                /* it may have been cut: what is known is that it holds these */

                list->last = prev;
                list->nalloc = ngx_max(prev->nelts, 1);
            }
        }

        return NGX_OK;
    }

    if (n == 0) {

        part->elts = h + 1;
        part->nelts--;

    } else {

        rest = ngx_palloc(r->pool, sizeof(ngx_list_part_t));
        if (rest == NULL) {
            return NGX_ERROR;
        }

        rest->elts = h + 1;
        rest->nelts = part->nelts - n - 1;
        rest->next = part->next;

        part->nelts = n;
        part->next = rest;
    }

    if (list->last == part) {
        list->last = n ? part->next : part;
        list->nalloc -= n + 1;
    }

    return NGX_OK;
}
