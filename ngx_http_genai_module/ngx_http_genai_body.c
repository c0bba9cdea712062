
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stage body: the client's body as one contiguous read-only span.
 *
 * What nginx kept in memory is used where it lies; what it wrote to a
 * temporary file is mapped; what is coded with gzip is inflated.  Either way
 * the request to a provider is made of memory slices of the span, never of a
 * file: nginx rewrites file positions when it tries another peer.
 */


#include "ngx_http_genai.h"
#include <sys/mman.h>


typedef struct {
    void    *addr;
    size_t   len;
} ngx_http_genai_mapping_t;


/* bytes on their way upwards in memory, and what then stands before them */

struct ngx_http_genai_move_s {
    u_char  *dst;
    u_char  *src;
    size_t   len;
    u_char  *begin;
    size_t   begin_len;
};


/* pieces on their way to one place */

struct ngx_http_genai_join_s {
    u_char       *dst;
    ngx_chain_t  *cl;
    size_t        done;         /* of its buffer */
};


#define ngx_http_genai_word(c)                                                \
    (((c) >= '0' && (c) <= '9') || ((c) >= 'A' && (c) <= 'Z')                 \
     || ((c) >= 'a' && (c) <= 'z') || (c) == '-' || (c) == '_')


/* bytes behind those that are here that nginx may read within a step of ours:
   it takes one call, and looking at a clock twice a part of its time */
#define NGX_HTTP_GENAI_BODY_REST  1024

/* bytes that are moved at once; a memmove() of them takes about 100 us */
#define NGX_HTTP_GENAI_MOVE_MAX  (1024 * 1024)


static ngx_uint_t ngx_http_genai_body_wanted(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_uint_t ngx_http_genai_body_here(ngx_http_request_t *r);
static ngx_str_t *ngx_http_genai_body_encoding(ngx_http_request_t *r);
static ngx_uint_t ngx_http_genai_body_utf8(ngx_http_request_t *r);
static ngx_uint_t ngx_http_genai_body_charset(u_char *p, u_char *last,
    const char *name);
static ngx_uint_t ngx_http_genai_body_gzip(ngx_str_t *encoding);
static void ngx_http_genai_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_genai_body_span(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_str_t *body);
static ngx_int_t ngx_http_genai_body_map(ngx_http_request_t *r, ngx_buf_t *b,
    ngx_str_t *body);
static ngx_int_t ngx_http_genai_body_close_gap(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, size_t size, ngx_str_t *body);
static int ngx_http_genai_body_step(void *data, size_t budget);
static ngx_int_t ngx_http_genai_body_join(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, size_t size, ngx_str_t *body);
static int ngx_http_genai_body_copy(void *data, size_t budget);
static void ngx_http_genai_body_unmap(void *data);


ngx_http_genai_verdict_e
ngx_http_genai_body(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_str_t                 *encoding;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_genai_verdict_e   verdict;

    if (!ngx_http_genai_body_wanted(r, ctx)) {
        return NGX_HTTP_GENAI_NEXT;
    }

    encoding = (ctx->endpoint->body != GENAI_BODY_OPAQUE)
               ? ngx_http_genai_body_encoding(r) : NULL;

    if (ctx->endpoint->body == GENAI_BODY_MULTIPART
        && ctx->multipart == NULL)
    {
        verdict = ngx_http_genai_multipart_type(r, ctx);

        if (verdict != NGX_HTTP_GENAI_NEXT) {
            return verdict;
        }
    }

    if (!ctx->body_read) {

        if (ctx->body_begun) {

            /* it failed before an error_page has led here */

            return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                         "the request body cannot be read");
        }

        if (encoding && !ngx_http_genai_body_gzip(encoding)) {

            ctx->status = NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;

            return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                         "a body with content-encoding \"%V\" "
                                         "is not supported, use gzip or none",
                                         encoding);
        }

        if (ctx->endpoint->body == GENAI_BODY_JSON
            && !ngx_http_genai_body_utf8(r))
        {
            ctx->status = NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;

            return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                         "the body must be JSON in UTF-8: "
                                         "send one content-type, without "
                                         "another charset");
        }

        r->request_body_in_single_buf = 1;

        ctx->body_begun = 1;
        ctx->body_reading = 1;

        if (ngx_http_genai_body_here(r)) {
            rc = ngx_http_read_client_request_body(r,
                                                  ngx_http_genai_body_handler);

        } else {

            /* nginx reads as long as there is something: no step of ours */

            ngx_http_genai_step_end(ctx);

            rc = ngx_http_read_client_request_body(r,
                                                  ngx_http_genai_body_handler);

            ngx_http_genai_step_begin(ctx);
        }

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

    if (ngx_http_genai_body_span(r, ctx, &ctx->body) != NGX_OK) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                     "the request body cannot be held");
    }

    if (ctx->body_move) {

        verdict = ngx_http_genai_work(r, ctx, ngx_http_genai_body_step,
                                      ctx->body_move, ctx->body.len, &rc);

        if (verdict != NGX_HTTP_GENAI_NEXT) {
            return verdict;
        }

        ctx->body_move = NULL;
    }

    if (ctx->body_join) {

        verdict = ngx_http_genai_work(r, ctx, ngx_http_genai_body_copy,
                                      ctx->body_join, ctx->body.len, &rc);

        if (verdict != NGX_HTTP_GENAI_NEXT) {
            return verdict;
        }

        ctx->body_join = NULL;
    }

    if (encoding && !ctx->inflated) {

        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        return ngx_http_genai_inflate(r, ctx, clcf->client_max_body_size);
    }

    return NGX_HTTP_GENAI_NEXT;
}


/*
 * JSON and parts are always read; an opaque body only where its length is not
 * known, which the provider must be told.
 */

static ngx_uint_t
ngx_http_genai_body_wanted(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    switch (ctx->endpoint->body) {

    case GENAI_BODY_JSON:
    case GENAI_BODY_MULTIPART:
        return 1;

    case GENAI_BODY_OPAQUE:
        return !ctx->inlined
               && (r->headers_in.chunked
                   || (r->headers_in.content_length_n == -1
                       && r->http_version >= NGX_HTTP_VERSION_20));

    default:
        return 0;
    }
}


/* whether all of it came with its head, or all but a little */

static ngx_uint_t
ngx_http_genai_body_here(ngx_http_request_t *r)
{
    size_t  here;

#if (NGX_HTTP_V2)
    if (r->stream) {
        return 0;
    }
#endif

    here = r->header_in->last - r->header_in->pos;

    return r->headers_in.content_length_n >= 0 && !r->request_body_in_file_only
           && r->headers_in.content_length_n
              <= (off_t) (here + NGX_HTTP_GENAI_BODY_REST);
}


/* what the body is coded with, all codings of all lines, or NULL */

static ngx_str_t *
ngx_http_genai_body_encoding(ngx_http_request_t *r)
{
    ngx_str_t        *value, *all;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static ngx_str_t  several = ngx_string("several codings");

    all = NULL;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return all;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len != 16
            || ngx_memcmp(h[i].lowcase_key, "content-encoding", 16) != 0)
        {
            continue;
        }

        value = &h[i].value;

        if (value->len == 8
            && ngx_strncasecmp(value->data, (u_char *) "identity", 8) == 0)
        {
            continue;
        }

        /* several lines are one list, which no coder of ours reads */

        all = all ? &several : value;
    }
}


/*
 * JSON is UTF-8 (RFC 8259, 8.1), and so it is read.  A provider that believes
 * in another charset would read another request.
 */

static ngx_uint_t
ngx_http_genai_body_utf8(ngx_http_request_t *r)
{
    u_char           *p, *last;
    ngx_uint_t        i, types;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    types = 0;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return 1;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len != 12
            || ngx_memcmp(h[i].lowcase_key, "content-type", 12) != 0)
        {
            continue;
        }

        if (types++) {
            return 0;
        }

        if (h[i].value.len == 16
            && ngx_memcmp(h[i].value.data, "application/json", 16) == 0)
        {
            continue;
        }

        p = h[i].value.data;
        last = p + h[i].value.len;

        for ( ;; ) {

            p = ngx_strlcasestrn(p, last, (u_char *) "charset", 7 - 1);
            if (p == NULL) {
                break;
            }

            p += 7;

            while (p < last && ngx_strlchr((u_char *) " \t=\"'",
                                           (u_char *) " \t=\"'" + 5, *p))
            {
                p++;
            }

            if (!ngx_http_genai_body_charset(p, last, "utf-8")
                && !ngx_http_genai_body_charset(p, last, "utf8")
                && !ngx_http_genai_body_charset(p, last, "us-ascii"))
            {
                return 0;
            }
        }
    }
}


static ngx_uint_t
ngx_http_genai_body_charset(u_char *p, u_char *last, const char *name)
{
    size_t  len;

    len = ngx_strlen(name);

    return (size_t) (last - p) >= len
           && ngx_strncasecmp(p, (u_char *) name, len) == 0
           && (p + len == last || !ngx_http_genai_word(p[len]));
}


static ngx_uint_t
ngx_http_genai_body_gzip(ngx_str_t *encoding)
{
    u_char  *p;
    size_t   len;

    p = encoding->data;
    len = encoding->len;

    if (len == 6 && ngx_strncasecmp(p, (u_char *) "x-", 2) == 0) {
        p += 2;
        len -= 2;
    }

    return len == 4 && ngx_strncasecmp(p, (u_char *) "gzip", 4) == 0;
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
ngx_http_genai_body_span(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_str_t *body)
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
        return ngx_http_genai_body_close_gap(r, ctx, size, body) == NGX_OK
               ? NGX_OK : ngx_http_genai_body_join(r, ctx, size, body);
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
 * as request_body_in_single_buf asked for.  Of the rest each read has made a
 * buffer of its own, but they follow each other in memory.
 */

static ngx_int_t
ngx_http_genai_body_close_gap(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, size_t size, ngx_str_t *body)
{
    u_char                   *end;
    size_t                    n;
    ngx_buf_t                *begin, *rest, *room, *b;
    ngx_chain_t              *cl, *first;
    ngx_http_genai_move_t    *move;
    ngx_http_request_body_t  *rb;

    rb = r->request_body;
    room = rb->buf;

    if (room == NULL || rb->temp_file) {
        return NGX_DECLINED;
    }

    begin = NULL;
    first = NULL;
    b = NULL;
    end = room->start;

    for (cl = rb->bufs; cl; cl = cl->next) {

        b = cl->buf;

        if (ngx_buf_size(b) == 0) {
            continue;
        }

        if (!ngx_buf_in_memory(b)) {
            return NGX_DECLINED;
        }

        if (b->pos == end) {
            end = b->last;
            first = first ? first : cl;
            continue;
        }

        if (begin || first) {
            return NGX_DECLINED;
        }

        begin = b;
    }

    if (begin == NULL) {

        /* all came behind the head */

        body->data = room->start;
        body->len = size;

        return NGX_OK;
    }

    if (first == NULL || (size_t) (room->end - room->start) < size) {
        return NGX_DECLINED;
    }

    rest = first->buf;

    n = begin->last - begin->pos;

    move = genai_arena_alloc(&ctx->arena, sizeof(ngx_http_genai_move_t));
    if (move == NULL) {
        return NGX_DECLINED;
    }

    move->dst = room->start + n;
    move->src = room->start;
    move->len = end - room->start;
    move->begin = begin->pos;
    move->begin_len = n;

    if (size <= NGX_HTTP_GENAI_MOVE_MAX) {
        (void) ngx_http_genai_body_step(move, SIZE_MAX);

    } else {
        ctx->body_move = move;
    }

    /* whoever reads the body after us finds it in the one buffer */

    rest->pos = room->start;
    rest->last = room->start + size;
    rest->start = rest->pos;
    rest->end = rest->last;
    rest->last_buf = b->last_buf;
    first->next = NULL;
    rb->bufs = first;

    body->data = rest->pos;
    body->len = size;

    return NGX_OK;
}


/* the last bytes first, as the places overlap */

static int
ngx_http_genai_body_step(void *data, size_t budget)
{
    ngx_http_genai_move_t *move = data;

    size_t  n;

    n = ngx_min(move->len, budget);

    move->len -= n;

    ngx_memmove(move->dst + move->len, move->src + move->len, n);

    if (move->len) {
        return GENAI_REQUEST_AGAIN;
    }

    ngx_memcpy(move->dst - move->begin_len, move->begin, move->begin_len);

    return GENAI_REQUEST_DONE;
}


/* pieces in any places, as those of a chunked body: they are copied */

static ngx_int_t
ngx_http_genai_body_join(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    size_t size, ngx_str_t *body)
{
    ngx_chain_t            *cl;
    ngx_http_genai_join_t  *join;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {

        if (ngx_buf_size(cl->buf) && !ngx_buf_in_memory(cl->buf)) {

            /* nginx has either memory or one file */

            return NGX_ERROR;
        }
    }

    join = genai_arena_alloc(&ctx->arena, sizeof(ngx_http_genai_join_t));
    if (join == NULL) {
        return NGX_ERROR;
    }

    join->dst = genai_arena_alloc(&ctx->arena, size);
    if (join->dst == NULL) {
        return NGX_ERROR;
    }

    join->cl = r->request_body->bufs;
    join->done = 0;

    body->data = join->dst;
    body->len = size;
    ctx->joined = 1;

    if (size > NGX_HTTP_GENAI_MOVE_MAX) {
        ctx->body_join = join;
        return NGX_OK;
    }

    (void) ngx_http_genai_body_copy(join, SIZE_MAX);

    return NGX_OK;
}


static int
ngx_http_genai_body_copy(void *data, size_t budget)
{
    ngx_http_genai_join_t *join = data;

    size_t      n, size;
    ngx_buf_t  *b;

    while (join->cl && budget) {

        b = join->cl->buf;
        size = ngx_buf_size(b);
        n = ngx_min(size - join->done, budget);

        join->dst = ngx_cpymem(join->dst, b->pos + join->done, n);
        join->done += n;

        /* a piece of a few bytes is work, too */

        budget -= ngx_min(budget, ngx_max(n, 64));

        if (join->done == size) {
            join->cl = join->cl->next;
            join->done = 0;
        }
    }

    return join->cl ? GENAI_REQUEST_AGAIN : GENAI_REQUEST_DONE;
}


static void
ngx_http_genai_body_unmap(void *data)
{
    ngx_http_genai_mapping_t *m = data;

    if (m->addr) {
        ngx_http_genai_give_back(m->addr, m->len, 1);
        m->addr = NULL;
    }
}


/*
 * An answer may take minutes, and nothing reads the request any more.  Small
 * bodies lie in the header's buffer or in the pool itself and stay.
 */

void
ngx_http_genai_body_release(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    size_t                    size;
    ngx_buf_t                *b;
    ngx_pool_large_t         *l;
    ngx_pool_cleanup_t       *cln;
    ngx_http_request_body_t  *rb;

    ngx_str_null(&ctx->body);

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_genai_body_unmap) {
            ngx_http_genai_body_unmap(cln->data);
        }
    }

    rb = r->request_body;

    if (rb == NULL || ctx->inlined || r->main->count != 1) {

        /* a subrequest, such as a mirror's, may still be sending it */

        return;
    }

    /* nginx closes the temporary file itself, as no redirect can follow */

    r->preserve_body = 0;

    b = rb->buf;

    rb->bufs = NULL;
    rb->buf = NULL;

    if (r->upstream) {

        /* nginx lends it that buffer where there is a temporary file */

        r->upstream->output.free = NULL;
    }

    if (b == NULL || b->start == NULL) {
        return;
    }

    /* ngx_pfree() would do this, but at once */

    for (l = r->pool->large; l; l = l->next) {

        if (l->alloc == b->start) {
            l->alloc = NULL;
            size = b->end - b->start;

            ngx_http_genai_give_back(b->start, size, 0);
            return;
        }
    }
}
