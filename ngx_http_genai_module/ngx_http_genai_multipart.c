
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Multipart bodies: uploads of images and sound.  They are held as any other
 * body, in nginx's buffer or its temporary file, which is mapped; read of them
 * is the part "model", whose value is all that a target gets otherwise.
 */


#include "ngx_http_genai.h"
#include "genai_multipart.h"


struct ngx_http_genai_multipart_s {
    genai_multipart_t   reader;
    ngx_str_t           body;
    size_t              done;       /* bytes read */
    int                 rc;
};


static ngx_table_elt_t *ngx_http_genai_multipart_header(
    ngx_http_request_t *r);
static int ngx_http_genai_multipart_step(void *data, size_t budget);
static ngx_int_t ngx_http_genai_multipart_part(ngx_http_genai_ctx_t *ctx,
    ngx_str_t *name, ngx_str_t *part);


ngx_http_genai_verdict_e
ngx_http_genai_multipart_type(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    genai_str_t                 type;
    ngx_table_elt_t            *h;
    ngx_http_genai_multipart_t *m;

    h = ngx_http_genai_multipart_header(r);

    if (h == NULL) {
        ctx->status = NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;

        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                     "this endpoint takes multipart/form-data: "
                                     "send one content-type");
    }

    m = genai_arena_alloc(&ctx->arena, sizeof(ngx_http_genai_multipart_t));
    if (m == NULL) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_FULL,
                                     "out of memory");
    }

    ngx_str_null(&m->body);
    m->done = 0;
    m->rc = GENAI_REQUEST_AGAIN;

    type.len = h->value.len;
    type.data = h->value.data;

    if (genai_multipart_init(&m->reader, &type) != 0) {
        ctx->status = NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;

        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                     "this endpoint takes multipart/form-data: "
                                     "%s", m->reader.error);
    }

    ctx->multipart = m;

    return NGX_HTTP_GENAI_NEXT;
}


/* the one line that says what the body is, or NULL */

static ngx_table_elt_t *
ngx_http_genai_multipart_header(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *found;

    i = 0;
    found = NULL;
    part = &r->headers_in.headers.part;

    while ((h = ngx_http_genai_next_header(&part, &i)) != NULL) {

        if (h->key.len != 12
            || ngx_memcmp(h->lowcase_key, "content-type", 12) != 0)
        {
            continue;
        }

        if (found) {
            return NULL;
        }

        found = h;
    }

    return found;
}


ngx_http_genai_verdict_e
ngx_http_genai_multipart_parse(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx)
{
    ngx_int_t                    rc;
    genai_multipart_t           *reader;
    ngx_http_genai_verdict_e     verdict;
    ngx_http_genai_multipart_t  *m;

    m = ctx->multipart;
    m->body = ctx->body;

    verdict = ngx_http_genai_work(r, ctx, ngx_http_genai_multipart_step, m,
                                  m->body.len, &rc);

    if (verdict != NGX_HTTP_GENAI_NEXT) {
        return verdict;
    }

    reader = &m->reader;

    if (rc == GENAI_REQUEST_ERROR) {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                     "the multipart body cannot be read at "
                                     "byte %uL: %s", reader->offset,
                                     reader->error);
    }

    ctx->stream_asked = reader->stream;
    ctx->choices = 1;

    /* a copy: logs have it when the body is gone */

    ctx->model_sent.len = reader->nmodel;
    ctx->model_sent.data = ngx_pnalloc(r->pool, reader->nmodel + 1);

    if (ctx->model_sent.data == NULL) {
        ngx_str_null(&ctx->model_sent);

        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                     "out of memory");
    }

    ngx_memcpy(ctx->model_sent.data, reader->model, reader->nmodel);

    /* what it is in tokens nobody but its provider can say */

    genai_meter_init(&ctx->meter, 0);
    ctx->meter.silent = 1;

    return NGX_HTTP_GENAI_NEXT;
}


static int
ngx_http_genai_multipart_step(void *data, size_t budget)
{
    ngx_http_genai_multipart_t *m = data;

    size_t  n;

    if (m->rc != GENAI_REQUEST_AGAIN) {
        return m->rc;
    }

    n = ngx_min(m->body.len - m->done, budget);

    if (genai_multipart_feed(&m->reader, m->body.data + m->done, n) != 0) {
        m->rc = GENAI_REQUEST_ERROR;
        return m->rc;
    }

    m->done += n;

    if (m->done == m->body.len) {
        m->rc = (genai_multipart_end(&m->reader) == 0) ? GENAI_REQUEST_DONE
                                                       : GENAI_REQUEST_ERROR;
    }

    return m->rc;
}


ngx_int_t
ngx_http_genai_multipart_render(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_target_t *target,
    ngx_chain_t **out, off_t *length)
{
    size_t              start, end;
    ngx_str_t          *model, text;
    ngx_chain_t       **last;
    genai_multipart_t  *reader;

    reader = &ctx->multipart->reader;

    start = ctx->body.len;
    end = start;
    ngx_str_null(&text);

    if (target) {

        model = target->model.len ? &target->model : &ctx->model;

        if (model->len != ctx->model_sent.len
            || ngx_memcmp(model->data, ctx->model_sent.data, model->len) != 0)
        {
            if (ngx_strlchr(model->data, model->data + model->len, CR)
                || ngx_strlchr(model->data, model->data + model->len, LF))
            {
                return NGX_ERROR;
            }

            if (reader->nmodel) {
                text = *model;
                start = reader->start;
                end = reader->end;

            } else {

                if (ngx_http_genai_multipart_part(ctx, model, &text)
                    != NGX_OK)
                {
                    return NGX_ERROR;
                }

                start = reader->first;
                end = start;
            }
        }
    }

    *length = start + text.len + (ctx->body.len - end);

    last = ngx_http_genai_render_slice(r, out, ctx->body.data, start);

    if (last) {
        last = ngx_http_genai_render_slice(r, last, text.data, text.len);
    }

    if (last) {
        last = ngx_http_genai_render_slice(r, last, ctx->body.data + end,
                                           ctx->body.len - end);
    }

    return last ? NGX_OK : NGX_ERROR;
}


/* a part for the model, which the client has not sent */

static ngx_int_t
ngx_http_genai_multipart_part(ngx_http_genai_ctx_t *ctx, ngx_str_t *name,
    ngx_str_t *part)
{
    u_char             *p;
    genai_multipart_t  *reader;

    static const char  head[] =
        CRLF "Content-Disposition: form-data; name=\"model\"" CRLF CRLF;

    reader = &ctx->multipart->reader;

    part->len = reader->ndelimiter + sizeof(head) - 1 + name->len
                + sizeof(CRLF) - 1;

    part->data = genai_arena_alloc(&ctx->arena, part->len);
    if (part->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(part->data, reader->delimiter, reader->ndelimiter);
    p = ngx_cpymem(p, head, sizeof(head) - 1);
    p = ngx_cpymem(p, name->data, name->len);
    *p++ = CR;
    *p = LF;

    return NGX_OK;
}
