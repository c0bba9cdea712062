
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The request as one target gets it: a head of our own making, and the
 * client's body as slices, with what is edited between them.
 */


#include "ngx_http_genai.h"


static ngx_int_t ngx_http_genai_render_edits(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target);
static ngx_uint_t ngx_http_genai_render_named(ngx_http_genai_ctx_t *ctx,
    ngx_str_t *model);


ngx_int_t
ngx_http_genai_render(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target, ngx_chain_t **out)
{
    off_t         length;
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_str_t     text;
    ngx_chain_t  *cl, *body;

    body = NULL;
    length = r->headers_in.content_length_n;

    ctx->spoken_path = ngx_http_genai_spoken(ctx, target->provider);
    ctx->spoken = genai_dialect_bodies(ctx->spoken_path);
    ngx_str_null(&ctx->dropped);
    ctx->content = NULL;

    rc = ngx_http_genai_render_path(r, ctx, target, &ctx->path);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->spoken != ctx->dialect) {

        rc = ngx_http_genai_translate(r, ctx, target, &text);

        if (rc != NGX_OK) {
            return rc;
        }

        length = text.len;

        if (ngx_http_genai_render_slice(r, &body, text.data, text.len)
            == NULL)
        {
            return NGX_ERROR;
        }

    } else if (ctx->body_read) {

        rc = ngx_http_genai_render_body(r, ctx, target, &body, &length);

        if (rc != NGX_OK) {
            return rc;
        }

        ctx->content = ngx_http_genai_sign_known(ctx, target);
    }

    b = ngx_http_genai_render_head(r, ctx, target, body, length);
    cl = ngx_alloc_chain_link(r->pool);

    if (b == NULL || cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf = b;
    cl->next = body;

    *out = cl;

    /* TLS would wait for more to fill a record */

    while (cl->next) {
        cl = cl->next;
    }

    cl->buf->flush = 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_render_body(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target, ngx_chain_t **out, off_t *length)
{
    ngx_int_t          rc;
    genai_str_t        text, slice;
    ngx_chain_t      **last;
    genai_splicer_t    splicer;
    genai_document_t   document;

    last = out;
    *out = NULL;

    if (ctx->multipart) {
        return ngx_http_genai_multipart_render(r, ctx, target, out, length);
    }

    if (ctx->parsed == NULL) {

        /* an opaque body that had to be read */

        *length = ctx->body.len;

        return ngx_http_genai_render_slice(r, last, ctx->body.data,
                                           ctx->body.len)
               ? NGX_OK : NGX_ERROR;
    }

    genai_edits_clear(ctx->target_edits);

    if (target) {

        rc = ngx_http_genai_quirks_edit(r, ctx, target);

        if (rc != NGX_OK) {
            return rc;
        }

        if (ngx_http_genai_render_edits(ctx, target) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_genai_limits_render(ctx, target) != NGX_OK) {
        return NGX_ERROR;
    }

    text.len = ctx->body.len;
    text.data = ctx->body.data;

    if (genai_document_init(&document, &text, &ctx->parsed->tape, ctx->edits,
                            ctx->target_edits, &ctx->arena)
        != GENAI_EDIT_OK)
    {
        return NGX_ERROR;
    }

    *length = document.len;

    genai_splicer_init(&splicer, &document);

    while (genai_splicer_next(&splicer, &slice)) {

        last = ngx_http_genai_render_slice(r, last, slice.data, slice.len);

        if (last == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * What this target's request has otherwise: the model's name, its own or the
 * one that the location has chosen, and what the operator sets and drops.
 */

static ngx_int_t
ngx_http_genai_render_edits(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target)
{
    ngx_str_t                  *model;
    ngx_uint_t                  i, vertex;
    genai_str_t                 name, json;
    ngx_http_genai_override_t  *o;
    const genai_dialect_t      *d;

    static const genai_str_t    member = genai_str("model");

    d = ctx->spoken;
    vertex = (target->provider->vertex && d->vertex_path);

    if (vertex
        && genai_edit_set(ctx->target_edits, 0, &d->vertex_name,
                          &d->vertex_value)
           != GENAI_EDIT_OK)
    {
        return NGX_ERROR;
    }

    model = target->model.len ? &target->model : &ctx->model;

    if (vertex && ctx->endpoint->endpoint == d->chat) {

        /* it is in the path, and nowhere else */

        if (genai_edit_remove(ctx->target_edits, 0, &member)
            != GENAI_EDIT_OK)
        {
            return NGX_ERROR;
        }

    } else if (!ngx_http_genai_render_named(ctx, model)) {
        name.len = model->len;
        name.data = model->data;

        if (ctx->dialect->set_model(ctx->parsed, ctx->target_edits, &name)
            != GENAI_EDIT_OK)
        {
            return NGX_ERROR;
        }
    }

    o = target->overrides.elts;

    for (i = 0; i < target->overrides.nelts; i++) {

        name.len = o[i].name.len;
        name.data = o[i].name.data;
        json.len = o[i].json.len;
        json.data = o[i].json.data;

        if ((json.len ? genai_edit_set(ctx->target_edits, 0, &name, &json)
                      : genai_edit_remove(ctx->target_edits, 0, &name))
            != GENAI_EDIT_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* whether the client's body asks for that model, or nobody reads it there */

static ngx_uint_t
ngx_http_genai_render_named(ngx_http_genai_ctx_t *ctx, ngx_str_t *model)
{
    ngx_str_t    sent;
    genai_str_t  said;

    if (ctx->spoken_path->bodies && ctx->spoken_path->path_write) {
        return 1;
    }

    sent = ctx->model_sent;

    if (ctx->dialect_path->bodies) {

        /* that was the path's; what has escapes is written anew */

        if (ctx->parsed->model == 0) {
            return 0;
        }

        said = genai_tape_view(&ctx->parsed->tape, ctx->parsed->model);

        sent.len = said.len;
        sent.data = said.data;
    }

    return model->len == sent.len
           && ngx_memcmp(model->data, sent.data, sent.len) == 0;
}


ngx_chain_t **
ngx_http_genai_render_slice(ngx_http_request_t *r, ngx_chain_t **last,
    u_char *start, size_t len)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (len == 0) {
        return last;
    }

    cl = ngx_alloc_chain_link(r->pool);
    b = ngx_calloc_buf(r->pool);

    if (cl == NULL || b == NULL) {
        return NULL;
    }

    b->start = start;
    b->pos = start;
    b->last = start + len;
    b->end = b->last;
    b->memory = 1;

    cl->buf = b;
    cl->next = NULL;
    *last = cl;

    return &cl->next;
}
