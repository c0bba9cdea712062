
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Event streams on their way to the client: whole events go out at once, the
 * begun one is held until its end is here.
 *
 * A provider may die within an event.  A client that has got half of one
 * cannot be told any more: an event has no end but an empty line, and then
 * half a JSON text is what it reads.  What was held is dropped instead, and
 * an error event takes its place.
 *
 * What is held is copied, as nginx reuses its buffer, and bounded: an event
 * that is longer passes in pieces, and if it is cut, the answer is left
 * without its end, which every client notices.
 */


#include "ngx_http_genai.h"


/* bytes of a begun event that are held; a small buffer does mostly */
#define NGX_HTTP_GENAI_HELD_MAX   65536
#define NGX_HTTP_GENAI_HELD_MIN   2048


static u_char *ngx_http_genai_stream_boundary(ngx_http_genai_ctx_t *ctx,
    u_char *pos, u_char *last);
static void ngx_http_genai_stream_tail(ngx_http_genai_ctx_t *ctx, u_char *pos,
    u_char *last);
static ngx_int_t ngx_http_genai_stream_hold(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, u_char *pos, u_char *last);
static ngx_int_t ngx_http_genai_stream_release(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_chain_t ***last);
static ngx_int_t ngx_http_genai_stream_link(ngx_http_request_t *r,
    ngx_chain_t ***last, ngx_buf_t *b);
static ngx_uint_t ngx_http_genai_stream_torn(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_uint_t ngx_http_genai_stream_done(ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_stream_cut(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_chain_t ***last);


ngx_int_t
ngx_http_genai_stream_filter(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_chain_t *in, ngx_chain_t **out)
{
    u_char       *p;
    ngx_buf_t    *b;
    ngx_chain_t  *cl, **last;

    *out = NULL;
    last = out;

    for (cl = in; cl; cl = cl->next) {

        b = cl->buf;

        if (ngx_buf_special(b)) {

            /*
             * nginx says that an answer broke off by nothing but a flush,
             * after it has let go of the upstream
             */

            if (!b->last_buf && r->upstream && r->upstream->cleanup == NULL
                && ctx->error != GENAI_OK)
            {
                ctx->ended = 1;
                return ngx_http_genai_stream_cut(r, ctx, &last);
            }

            if (b->last_buf) {
                ctx->ended = 1;

                if (ngx_http_genai_stream_torn(r, ctx)) {
                    ctx->error = GENAI_PROVIDER_BAD_ANSWER;
                    return ngx_http_genai_stream_cut(r, ctx, &last);
                }

                if (ngx_http_genai_stream_release(r, ctx, &last) != NGX_OK) {
                    return NGX_ERROR;
                }
            }

            if (ngx_http_genai_stream_link(r, &last, b) != NGX_OK) {
                return NGX_ERROR;
            }

            continue;
        }

        p = ngx_http_genai_stream_boundary(ctx, b->pos, b->last);

        ngx_http_genai_stream_tail(ctx, b->pos, b->last);

        if (p) {
            ctx->event_long = 0;

            if (ngx_http_genai_stream_release(r, ctx, &last) != NGX_OK) {
                return NGX_ERROR;
            }

        } else if (ctx->event_long) {
            p = b->last;

        } else {
            p = b->pos;
        }

        if (p != b->last
            && ngx_http_genai_stream_hold(r, ctx, p, b->last) != NGX_OK)
        {
            /* too long to be held: it passes, with what was held of it */

            ctx->event_long = 1;
            p = b->last;

            if (ngx_http_genai_stream_release(r, ctx, &last) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        /* what is held is done with in nginx's buffer */

        b->last = p;

        if (p != b->pos && ngx_http_genai_stream_link(r, &last, b) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * Where the last event that is whole ends in these bytes, or NULL.  Lines end
 * with LF, CR or CRLF, and an event with an empty one.
 */

static u_char *
ngx_http_genai_stream_boundary(ngx_http_genai_ctx_t *ctx, u_char *pos,
    u_char *last)
{
    u_char   c[3], *p;
    ssize_t  i, k;

    for (p = last; p > pos; p--) {

        if (p[-1] != LF && p[-1] != CR) {
            continue;
        }

        /* the last three bytes, some of them of the buffer before */

        for (k = 0; k < 3; k++) {
            i = p - pos - 1 - k;
            c[k] = (i >= 0) ? pos[i] : ctx->tail[sizeof(ctx->tail) + i];
        }

        if ((c[0] == LF && c[1] == LF)
            || (c[0] == CR && c[1] == CR)
            || (c[0] == LF && c[1] == CR && (c[2] == LF || c[2] == CR)))
        {
            return p;
        }
    }

    return NULL;
}


static void
ngx_http_genai_stream_tail(ngx_http_genai_ctx_t *ctx, u_char *pos,
    u_char *last)
{
    size_t  n;

    n = last - pos;

    if (n >= sizeof(ctx->tail)) {
        ngx_memcpy(ctx->tail, last - sizeof(ctx->tail), sizeof(ctx->tail));

    } else {
        ngx_memmove(ctx->tail, ctx->tail + n, sizeof(ctx->tail) - n);
        ngx_memcpy(ctx->tail + sizeof(ctx->tail) - n, pos, n);
    }
}


/* NGX_DECLINED where there is no room */

static ngx_int_t
ngx_http_genai_stream_hold(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    u_char *pos, u_char *last)
{
    u_char       *p;
    size_t        n, size;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (ctx->held == NULL) {

        cl = ngx_chain_get_free_buf(r->pool, &ctx->held_free);
        if (cl == NULL) {
            return NGX_DECLINED;
        }

        ctx->held = cl;

        b = cl->buf;
        b->pos = b->start;
        b->last = b->start;
    }

    b = ctx->held->buf;
    n = b->last - b->pos;
    size = n + (last - pos);

    if (size > NGX_HTTP_GENAI_HELD_MAX) {
        return NGX_DECLINED;
    }

    if (size > (size_t) (b->end - b->start)) {

        /* the larger one is there for all events that follow */

        size = ngx_max(2 * size, NGX_HTTP_GENAI_HELD_MIN);

        p = ngx_palloc(r->pool, size);
        if (p == NULL) {
            return NGX_DECLINED;
        }

        if (n) {
            ngx_memcpy(p, b->pos, n);
        }

        if (b->start) {
            (void) ngx_pfree(r->pool, b->start);
        }

        b->start = p;
        b->end = p + size;
        b->pos = p;
        b->last = p + n;
        b->temporary = 1;
        b->tag = (ngx_buf_tag_t) &ngx_http_genai_stream_filter;
    }

    b->last = ngx_cpymem(b->last, pos, last - pos);

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_stream_release(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_chain_t ***last)
{
    ngx_buf_t  *b;

    if (ctx->held == NULL) {
        return NGX_OK;
    }

    b = ctx->held->buf;

    if (b->last == b->pos) {
        return NGX_OK;
    }

    b->flush = 1;

    if (ngx_http_genai_stream_link(r, last, b) != NGX_OK) {
        return NGX_ERROR;
    }

    /* until the client has taken it */

    ctx->held->next = ctx->held_busy;
    ctx->held_busy = ctx->held;
    ctx->held = NULL;

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_stream_link(ngx_http_request_t *r, ngx_chain_t ***last,
    ngx_buf_t *b)
{
    ngx_chain_t  *cl;

    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf = b;
    cl->next = NULL;

    **last = cl;
    *last = &cl->next;

    return NGX_OK;
}


/*
 * Where the end of the connection is the end of the answer, a provider that
 * dies looks like one that is done; but none ends within a line of data.
 */

static ngx_uint_t
ngx_http_genai_stream_torn(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    size_t                n;
    u_char               *p, *last;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (ctx->held == NULL || ctx->held->buf->last == ctx->held->buf->pos
        || u == NULL || u->headers_in.chunked
        || u->headers_in.content_length_n != -1)
    {
        return 0;
    }

    last = ctx->held->buf->last;

    for (p = last; p > ctx->held->buf->pos; p--) {
        if (p[-1] == LF || p[-1] == CR) {
            break;
        }
    }

    n = last - p;

    return n >= 5 && ngx_memcmp(p, "data:", 5) == 0
           && (n < 6 || ngx_memcmp(last - 6, "[DONE]", 6) != 0);
}


/* whether the last event was "data: [DONE]", and nothing has begun since */

static ngx_uint_t
ngx_http_genai_stream_done(ngx_http_genai_ctx_t *ctx)
{
    static const char  done[] = "data: [DONE]";

    u_char  *p;
    size_t   n;

    if (ctx->held && ctx->held->buf->last != ctx->held->buf->pos) {
        return 0;
    }

    p = ctx->tail + sizeof(ctx->tail);
    n = sizeof(done) - 1;

    while (p - ctx->tail > (ssize_t) n + 1 && (p[-1] == LF || p[-1] == CR)) {
        p--;
    }

    p -= n;

    return ngx_memcmp(p, done, n) == 0
           && (p[-1] == LF || p[-1] == CR || p[-1] == '\0');
}


static ngx_int_t
ngx_http_genai_stream_cut(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_chain_t ***last)
{
    ngx_buf_t  *b;

    if (ctx->event_long) {
        return NGX_OK;
    }

    if (ngx_http_genai_stream_done(ctx)) {

        /* only its framing lacks the end */

        b = ngx_calloc_buf(r->pool);
        if (b == NULL) {
            return NGX_ERROR;
        }

        b->last_buf = 1;
        b->last_in_chain = 1;

        return ngx_http_genai_stream_link(r, last, b);
    }

    if (ctx->message.len == 0) {
        ngx_str_set(&ctx->message, "the provider broke off its answer");
    }

    b = ngx_http_genai_error_buf(r, ctx, 1);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    return ngx_http_genai_stream_link(r, last, b);
}


void
ngx_http_genai_stream_update(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_chain_t *out)
{
    ngx_chain_t  *cl, *next, **prev;

    /* the links were ours, the buffers of nginx are not */

    for (cl = out; cl; cl = next) {
        next = cl->next;
        ngx_free_chain(r->pool, cl);
    }

    for (prev = &ctx->held_busy; *prev; /* void */ ) {

        cl = *prev;

        if (ngx_buf_size(cl->buf) != 0) {
            prev = &cl->next;
            continue;
        }

        *prev = cl->next;
        cl->next = ctx->held_free;
        ctx->held_free = cl;
    }
}
