
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The buffers of a stream on its way out: few, and each in one of three
 * places: with an event that has begun, with the filters behind us, or free.
 */


#include "ngx_http_genai_output_int.h"


size_t
ngx_http_genai_output_room(ngx_http_genai_output_t *o)
{
    size_t      room;
    ngx_buf_t  *b;

    if (o->left <= 0) {
        return 0;
    }

    room = (o->left - 1) * NGX_HTTP_GENAI_OUTPUT_SIZE;

    if (o->held) {
        b = o->held_last->buf;
        room += b->end - b->last;
    }

    return room;
}


ngx_int_t
ngx_http_genai_output_copy(ngx_http_genai_output_t *o, uint64_t upto)
{
    u_char     *p, *end;
    size_t      n;
    ngx_buf_t  *b;

    p = o->piece + (o->taken - o->start);
    end = o->piece + (upto - o->start);

    while (p < end) {

        if ((o->held == NULL || o->held_last->buf->last
                                == o->held_last->buf->end)
            && ngx_http_genai_output_more(o) != NGX_OK)
        {
            return NGX_ERROR;
        }

        b = o->held_last->buf;
        n = ngx_min(end - p, b->end - b->last);

        b->last = ngx_cpymem(b->last, p, n);
        p += n;
    }

    o->taken = upto;

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_output_more(ngx_http_genai_output_t *o)
{
    ngx_pool_t   *pool;
    ngx_chain_t  *cl;

    cl = o->free;

    if (cl) {
        o->free = cl->next;

    } else {
        pool = o->ctx->request->pool;

        cl = ngx_alloc_chain_link(pool);
        if (cl == NULL) {
            return NGX_ERROR;
        }

        cl->buf = ngx_create_temp_buf(pool, NGX_HTTP_GENAI_OUTPUT_SIZE);
        if (cl->buf == NULL) {
            return NGX_ERROR;
        }

        cl->buf->tag = (ngx_buf_tag_t) &ngx_http_genai_output_filter;
    }

    cl->next = NULL;
    o->left--;

    if (o->held) {
        o->held_last->next = cl;

    } else {
        o->held = cl;
    }

    o->held_last = cl;

    return NGX_OK;
}


void
ngx_http_genai_output_release(ngx_http_genai_output_t *o)
{
    if (o->held == NULL) {
        return;
    }

    if (o->out) {
        o->out_last->next = o->held;

    } else {
        o->out = o->held;
    }

    o->out_last = o->held_last;
    o->held = NULL;
}


void
ngx_http_genai_output_forget(ngx_http_genai_output_t *o)
{
    ngx_chain_t  *cl;

    while (o->held) {
        cl = o->held;
        o->held = cl->next;

        cl->buf->last = cl->buf->pos;

        cl->next = o->free;
        o->free = cl;
        o->left++;
    }
}


ngx_int_t
ngx_http_genai_output_link(ngx_http_genai_output_t *o, ngx_buf_t *b)
{
    ngx_chain_t  *cl;

    cl = ngx_alloc_chain_link(o->ctx->request->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf = b;
    cl->next = NULL;

    if (o->out) {
        o->out_last->next = cl;

    } else {
        o->out = cl;
    }

    o->out_last = cl;

    return NGX_OK;
}


void
ngx_http_genai_output_update(ngx_http_genai_output_t *o, ngx_chain_t *out)
{
    ngx_chain_t  *cl, **ll;

    /* nginx's own buffers are none of our business any more */

    for (ll = &o->busy; *ll; ll = &(*ll)->next) { /* void */ }

    while (out) {
        cl = out;
        out = cl->next;

        if (cl->buf->tag != (ngx_buf_tag_t) &ngx_http_genai_output_filter) {
            ngx_free_chain(o->ctx->request->pool, cl);
            continue;
        }

        cl->next = NULL;
        *ll = cl;
        ll = &cl->next;
    }

    while (o->busy && ngx_buf_size(o->busy->buf) == 0) {

        cl = o->busy;
        o->busy = cl->next;

        cl->buf->pos = cl->buf->start;
        cl->buf->last = cl->buf->start;

        cl->next = o->free;
        o->free = cl;
        o->left++;
    }
}
