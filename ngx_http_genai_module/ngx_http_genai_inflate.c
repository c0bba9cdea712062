
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Request bodies that are coded with gzip (RFC 1952; several members one
 * after the other are one body).  What they inflate to has a bound, as a few
 * kilobytes can become gigabytes, and is made in turns, as that takes long.
 */


#include "ngx_http_genai.h"
#include <zlib.h>


/* what a body inflates to at first, in times its length */
#define NGX_HTTP_GENAI_INFLATE_GUESS  4


typedef enum {
    NGX_HTTP_GENAI_INFLATE_DONE = 0,
    NGX_HTTP_GENAI_INFLATE_BAD = -1,
    NGX_HTTP_GENAI_INFLATE_LARGE = -2,
    NGX_HTTP_GENAI_INFLATE_NO_MEMORY = -3
} ngx_http_genai_inflate_e;


struct ngx_http_genai_inflate_s {
    z_stream         zstream;
    genai_arena_t   *arena;
    u_char          *data;
    size_t           len;
    size_t           size;
    size_t           max;
    size_t           left;      /* of the input */
    const char      *error;
};


static int ngx_http_genai_inflate_step(void *data, size_t budget);
static int ngx_http_genai_inflate_grow(ngx_http_genai_inflate_t *in);
static void *ngx_http_genai_inflate_alloc(void *opaque, u_int items,
    u_int size);
static void ngx_http_genai_inflate_free(void *opaque, void *address);


ngx_http_genai_verdict_e
ngx_http_genai_inflate(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    off_t max)
{
    ngx_int_t                  rc;
    ngx_http_genai_inflate_t  *in;
    ngx_http_genai_verdict_e   verdict;

    in = ctx->inflate;

    if (in == NULL) {
        in = genai_arena_alloc(&ctx->arena, sizeof(ngx_http_genai_inflate_t));
        if (in == NULL) {
            goto full;
        }

        ngx_memzero(in, sizeof(ngx_http_genai_inflate_t));

        in->arena = &ctx->arena;
        in->max = max ? ngx_min((size_t) max, NGX_HTTP_GENAI_ARENA_MAX / 4)
                      : NGX_HTTP_GENAI_ARENA_MAX / 4;

        in->zstream.zalloc = ngx_http_genai_inflate_alloc;
        in->zstream.zfree = ngx_http_genai_inflate_free;
        in->zstream.opaque = in;
        in->zstream.next_in = ctx->body.data;
        in->left = ctx->body.len;

        /* 16: gzip and nothing else */

        if (inflateInit2(&in->zstream, 16 + MAX_WBITS) != Z_OK) {
            goto full;
        }

        ctx->inflate = in;
    }

    verdict = ngx_http_genai_work(r, ctx, ngx_http_genai_inflate_step, in,
                                  ctx->body.len * NGX_HTTP_GENAI_INFLATE_GUESS,
                                  &rc);

    if (verdict != NGX_HTTP_GENAI_NEXT) {
        return verdict;
    }

    switch (rc) {

    case NGX_HTTP_GENAI_INFLATE_DONE:
        ctx->body.data = in->data;
        ctx->body.len = in->len;
        ctx->inflated = 1;

        return NGX_HTTP_GENAI_NEXT;

    case NGX_HTTP_GENAI_INFLATE_BAD:
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                     "the request body is not valid gzip: %s",
                                     in->error);

    case NGX_HTTP_GENAI_INFLATE_LARGE:
        goto large;
    }

full:

    return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_FULL,
                                 "the request body cannot be inflated now");

large:

    return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_TOO_LARGE,
                                 "the request body is too large when it is "
                                 "inflated");
}


static int
ngx_http_genai_inflate_step(void *data, size_t budget)
{
    ngx_http_genai_inflate_t *in = data;

    int        rc;
    size_t     n, used;
    z_stream  *z;

    z = &in->zstream;

    do {
        if (in->len == in->size) {

            rc = ngx_http_genai_inflate_grow(in);

            if (rc != NGX_HTTP_GENAI_INFLATE_DONE) {
                return rc;
            }
        }

        /* both are bounded: much may come of little, and little of much */

        n = ngx_min(budget, GENAI_SCAN_TURN);

        z->next_out = in->data + in->len;
        z->avail_out = ngx_min(n, in->size - in->len);
        z->avail_in = ngx_min(n, in->left);

        n = z->avail_in;

        rc = inflate(z, Z_NO_FLUSH);

        used = n - z->avail_in;
        in->left -= used;

        n = z->next_out - (in->data + in->len);
        in->len += n;

        used = ngx_max(used, n);

        if (rc == Z_STREAM_END) {

            if (in->left == 0) {
                return (in->len > in->max) ? NGX_HTTP_GENAI_INFLATE_LARGE
                                           : NGX_HTTP_GENAI_INFLATE_DONE;
            }

            /* another member follows, of which a small one is work too */

            rc = inflateReset(z);
            used = ngx_max(used, 1024);
        }

        if (rc == Z_MEM_ERROR) {
            return NGX_HTTP_GENAI_INFLATE_NO_MEMORY;
        }

        if (rc != Z_OK && rc != Z_BUF_ERROR) {
            in->error = z->msg ? z->msg : "bad data";
            return NGX_HTTP_GENAI_INFLATE_BAD;
        }

        if (in->left == 0 && z->avail_out) {
            in->error = "it ends too early";
            return NGX_HTTP_GENAI_INFLATE_BAD;
        }

        budget -= ngx_min(budget, used);

    } while (budget);

    return GENAI_REQUEST_AGAIN;
}


/* one byte more than may be shows that there is too much */

static int
ngx_http_genai_inflate_grow(ngx_http_genai_inflate_t *in)
{
    u_char  *p;
    size_t   size;

    if (in->len > in->max) {
        return NGX_HTTP_GENAI_INFLATE_LARGE;
    }

    size = in->size ? 2 * in->size
                    : NGX_HTTP_GENAI_INFLATE_GUESS * in->left;

    size = ngx_min(ngx_max(size, 4096), in->max + 1);

    p = genai_arena_grow(in->arena, in->data, in->size, size);
    if (p == NULL) {
        return NGX_HTTP_GENAI_INFLATE_NO_MEMORY;
    }

    in->data = p;
    in->size = size;

    return NGX_HTTP_GENAI_INFLATE_DONE;
}


static void *
ngx_http_genai_inflate_alloc(void *opaque, u_int items, u_int size)
{
    ngx_http_genai_inflate_t *in = opaque;

    /* 64 KiB at most: the window and the state */

    return genai_arena_alloc(in->arena, (size_t) items * size);
}


static void
ngx_http_genai_inflate_free(void *opaque, void *address)
{
    /* void: the arena goes as a whole */
}
