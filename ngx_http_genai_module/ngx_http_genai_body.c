
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stage body: the client's body as one contiguous read-only span.
 *
 * What nginx kept in memory is used where it lies; what it wrote to a
 * temporary file is mapped.  Either way the request to a provider is made of
 * memory slices of the span, never of a file: nginx rewrites file positions
 * when it tries another peer.
 */


#include "ngx_http_genai.h"
#include <sys/mman.h>


typedef struct {
    void    *addr;
    size_t   len;
} ngx_http_genai_mapping_t;


static ngx_uint_t ngx_http_genai_body_wanted(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_str_t *ngx_http_genai_body_encoding(ngx_http_request_t *r);
static void ngx_http_genai_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_genai_body_span(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_http_genai_body_map(ngx_http_request_t *r, ngx_buf_t *b,
    ngx_str_t *body);
static ngx_int_t ngx_http_genai_body_close_gap(ngx_http_request_t *r,
    size_t size, ngx_str_t *body);
static ngx_int_t ngx_http_genai_body_join(ngx_http_request_t *r, size_t size,
    ngx_str_t *body);
static void ngx_http_genai_body_unmap(void *data);


ngx_http_genai_verdict_e
ngx_http_genai_body(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_int_t   rc;
    ngx_str_t  *encoding;

    if (!ngx_http_genai_body_wanted(r, ctx)) {
        return NGX_HTTP_GENAI_NEXT;
    }

    if (!ctx->body_read) {

        if (ctx->body_begun) {

            /* it failed before an error_page has led here */

            return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                         "the request body cannot be read");
        }

        encoding = ngx_http_genai_body_encoding(r);

        if (encoding && ctx->endpoint->body == GENAI_BODY_JSON) {

            ctx->status = NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;

            return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                         "a body with content-encoding \"%V\" "
                                         "is not supported", encoding);
        }

        r->request_body_in_single_buf = 1;

        ctx->body_begun = 1;
        ctx->body_reading = 1;

        rc = ngx_http_read_client_request_body(r, ngx_http_genai_body_handler);

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {

            /* where the next request begins is not known */

            r->keepalive = 0;

            if (rc == NGX_HTTP_BAD_REQUEST) {
                r->lingering_close = 0;
            }

            ctx->status = rc;

            if (r->connection->error) {
                return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_GONE,
                                             "the client has left");
            }

            return ngx_http_genai_refuse(r, ctx, genai_error_of_nginx(rc),
                                         rc == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE
                                         ? "the request body is too large"
                                         : "the request body cannot be read");
        }

        if (!ctx->body_read) {

            /* the handler runs the phases on once the body is here */

            ctx->body_reading = 0;
            ngx_http_finalize_request(r, NGX_DONE);
            return NGX_HTTP_GENAI_PARKED;
        }

        ctx->body_reading = 0;
        r->main->count--;
    }

    if (ngx_http_genai_body_span(r, &ctx->body) != NGX_OK) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                     "the request body cannot be held");
    }

    return NGX_HTTP_GENAI_NEXT;
}


/*
 * JSON is always read; an opaque body only where its length is not known,
 * which the provider must be told.
 */

static ngx_uint_t
ngx_http_genai_body_wanted(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    switch (ctx->endpoint->body) {

    case GENAI_BODY_JSON:
        return 1;

    case GENAI_BODY_OPAQUE:
        return r->headers_in.chunked
               || (r->headers_in.content_length_n == -1
                   && r->http_version >= NGX_HTTP_VERSION_20);

    default:
        return 0;
    }
}


/* what the body is coded with, or NULL */

static ngx_str_t *
ngx_http_genai_body_encoding(ngx_http_request_t *r)
{
    ngx_str_t        *value;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len != 16
            || ngx_strncasecmp(h[i].key.data, (u_char *) "content-encoding",
                               16)
               != 0)
        {
            continue;
        }

        value = &h[i].value;

        if (value->len != 8
            || ngx_strncasecmp(value->data, (u_char *) "identity", 8) != 0)
        {
            return value;
        }
    }
}


static void
ngx_http_genai_body_handler(ngx_http_request_t *r)
{
    ngx_http_genai_ctx_t  *ctx;

    ctx = ngx_http_genai_get_ctx(r);

    ctx->body_read = 1;

    /* an error_page redirect must find it again */

    r->preserve_body = 1;

    if (ctx->body_reading) {

        /* all of it was here already: the stage goes on by itself */

        return;
    }

    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}


static ngx_int_t
ngx_http_genai_body_span(ngx_http_request_t *r, ngx_str_t *body)
{
    off_t         size;
    ngx_buf_t    *b;
    ngx_uint_t    n;
    ngx_chain_t  *cl;

    if (body->data) {
        return NGX_OK;
    }

    b = NULL;
    n = 0;
    size = 0;

    /* a chain may end with a buffer that says that it ends and has no bytes */

    for (cl = r->request_body ? r->request_body->bufs : NULL;
         cl;
         cl = cl->next)
    {
        if (ngx_buf_size(cl->buf) == 0) {
            continue;
        }

        b = cl->buf;
        size += ngx_buf_size(b);
        n++;
    }

    if (n == 0) {
        body->data = (u_char *) "";
        body->len = 0;
        return NGX_OK;
    }

    if (n > 1) {
        return ngx_http_genai_body_close_gap(r, size, body) == NGX_OK
               ? NGX_OK : ngx_http_genai_body_join(r, size, body);
    }

    if (!ngx_buf_in_memory(b)) {
        return ngx_http_genai_body_map(r, b, body);
    }

    body->data = b->pos;
    body->len = b->last - b->pos;

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_body_map(ngx_http_request_t *r, ngx_buf_t *b, ngx_str_t *body)
{
    void                      *addr;
    off_t                      start;
    size_t                     len;
    ngx_pool_cleanup_t        *cln;
    ngx_http_genai_mapping_t  *m;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_genai_mapping_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    start = b->file_pos - b->file_pos % ngx_pagesize;
    len = b->file_last - start;

    addr = mmap(NULL, len, PROT_READ, MAP_PRIVATE, b->file->fd, start);

    if (addr == MAP_FAILED) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, ngx_errno,
                      "mmap(%uz) of \"%V\" failed", len, &b->file->name);
        return NGX_ERROR;
    }

    m = cln->data;
    m->addr = addr;
    m->len = len;
    cln->handler = ngx_http_genai_body_unmap;

    body->data = (u_char *) addr + (b->file_pos - start);
    body->len = b->file_last - b->file_pos;

    return NGX_OK;
}


/*
 * The usual case of a body that is longer than what came with the head: its
 * begin lies in the header's buffer, its rest in one that has room for all,
 * as request_body_in_single_buf asked for.
 */

static ngx_int_t
ngx_http_genai_body_close_gap(ngx_http_request_t *r, size_t size,
    ngx_str_t *body)
{
    size_t                    n;
    ngx_buf_t                *begin, *rest, *room;
    ngx_chain_t              *cl;
    ngx_http_request_body_t  *rb;

    rb = r->request_body;
    room = rb->buf;
    cl = rb->bufs;

    if (room == NULL || rb->temp_file || cl->next == NULL || cl->next->next) {
        return NGX_DECLINED;
    }

    begin = cl->buf;
    rest = cl->next->buf;

    if (!ngx_buf_in_memory(begin) || !ngx_buf_in_memory(rest)
        || rest->pos != room->start
        || (size_t) (room->end - room->start) < size)
    {
        return NGX_DECLINED;
    }

    n = begin->last - begin->pos;

    ngx_memmove(room->start + n, rest->pos, rest->last - rest->pos);
    ngx_memcpy(room->start, begin->pos, n);

    /* whoever reads the body after us finds it in the one buffer */

    rest->pos = room->start;
    rest->last = room->start + size;
    rest->start = rest->pos;
    rest->end = rest->last;
    rb->bufs = cl->next;

    body->data = rest->pos;
    body->len = size;

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_body_join(ngx_http_request_t *r, size_t size, ngx_str_t *body)
{
    u_char       *p;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    body->data = ngx_pnalloc(r->pool, size);
    if (body->data == NULL) {
        return NGX_ERROR;
    }

    p = body->data;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {

        b = cl->buf;

        if (ngx_buf_size(b) == 0) {
            continue;
        }

        if (ngx_buf_in_memory(b)) {
            p = ngx_cpymem(p, b->pos, b->last - b->pos);
            continue;
        }

        n = ngx_read_file(b->file, p, b->file_last - b->file_pos, b->file_pos);

        if (n != b->file_last - b->file_pos) {
            body->data = NULL;
            return NGX_ERROR;
        }

        p += n;
    }

    body->len = p - body->data;

    return NGX_OK;
}


static void
ngx_http_genai_body_unmap(void *data)
{
    ngx_http_genai_mapping_t *m = data;

    (void) munmap(m->addr, m->len);
}
