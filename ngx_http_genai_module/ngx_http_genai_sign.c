
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Requests for AWS, which are signed: with their date, host and path, and the
 * digest of their body.  So each attempt has a signature of its own; what
 * takes long is the digest.  That of a large body is made before the first
 * attempt, for every target that will need one, as nothing can be waited for
 * between two attempts.
 */


#include "ngx_http_genai.h"


/* it and all that hangs on it are the request's pool's */

typedef struct {
    ngx_http_genai_target_t  *target;
    ngx_chain_t              *body;
    u_char                    digest[GENAI_SIGV4_DIGEST];
} ngx_http_genai_sign_body_t;


struct ngx_http_genai_sign_s {
    ngx_http_genai_sign_body_t  *bodies;
    ngx_uint_t                   n;
    ngx_uint_t                   done;      /* of them */

    /* the one being hashed */
    ngx_chain_t                 *cl;
    u_char                      *pos;
    genai_sigv4_hash_t           hash;
    unsigned                     begun:1;
};


static ngx_int_t ngx_http_genai_sign_begin(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static int ngx_http_genai_sign_step(void *data, size_t budget);


ngx_http_genai_verdict_e
ngx_http_genai_sign_ahead(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (ctx->sign == NULL && ngx_http_genai_sign_begin(r, ctx) != NGX_OK) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                     "out of memory");
    }

    if (ctx->sign->done == ctx->sign->n
        && ctx->work != ngx_http_genai_sign_step)
    {
        return NGX_HTTP_GENAI_NEXT;
    }

    return ngx_http_genai_work(r, ctx, ngx_http_genai_sign_step, ctx->sign,
                               ctx->body.len * ctx->sign->n, &rc);
}


/* which targets get the client's own bytes with a signature */

static ngx_int_t
ngx_http_genai_sign_begin(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    off_t                        length;
    ngx_uint_t                   i;
    ngx_http_genai_sign_t       *s;
    ngx_http_genai_group_t      *group;
    ngx_http_genai_secret_t     *secret;
    ngx_http_genai_target_t     *target;
    ngx_http_genai_sign_body_t  *b;

    group = &ctx->group;

    s = ngx_pcalloc(r->pool, sizeof(ngx_http_genai_sign_t));
    if (s == NULL) {
        return NGX_ERROR;
    }

    s->bodies = ngx_palloc(r->pool, group->ntargets
                                    * sizeof(ngx_http_genai_sign_body_t));
    if (s->bodies == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < group->ntargets; i++) {
        target = group->targets[i];

        if (!ctx->body_read
            || !ctx->dialect->signed_v4
            || ngx_http_genai_spoken(ctx, target->provider) != ctx->dialect
            || ngx_http_genai_credential(r, ctx, target->provider, &secret)
               != NGX_OK
            || secret == NULL || secret->aws.id.len == 0)
        {
            continue;
        }

        b = &s->bodies[s->n];
        b->target = target;

        if (ngx_http_genai_render_body(r, ctx, target, &b->body, &length)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        s->n++;
    }

    ctx->sign = s;

    return NGX_OK;
}


/* knows no nginx type but its own data: a thread may run it */

static int
ngx_http_genai_sign_step(void *data, size_t budget)
{
    ngx_http_genai_sign_t *s = data;

    size_t                       n;
    ngx_http_genai_sign_body_t  *b;

    while (s->done < s->n) {

        b = &s->bodies[s->done];

        if (!s->begun) {
            s->begun = 1;
            s->cl = b->body;
            s->pos = s->cl ? s->cl->buf->pos : NULL;
            genai_sigv4_hash_init(&s->hash);
        }

        while (s->cl) {

            if (budget == 0) {
                return GENAI_REQUEST_AGAIN;
            }

            n = ngx_min((size_t) (s->cl->buf->last - s->pos), budget);

            genai_sigv4_hash_add(&s->hash, s->pos, n);

            s->pos += n;
            budget -= n;

            if (s->pos == s->cl->buf->last) {
                s->cl = s->cl->next;
                s->pos = s->cl ? s->cl->buf->pos : NULL;
            }
        }

        genai_sigv4_hash_end(&s->hash, b->digest);

        s->begun = 0;
        s->done++;
    }

    return GENAI_REQUEST_DONE;
}


u_char *
ngx_http_genai_sign_known(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target)
{
    ngx_uint_t              i;
    ngx_http_genai_sign_t  *s;

    s = ctx->sign;

    for (i = 0; s && i < s->done; i++) {
        if (s->bodies[i].target == target) {
            return s->bodies[i].digest;
        }
    }

    return NULL;
}


u_char *
ngx_http_genai_sign(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_provider_t *p, ngx_http_genai_secret_t *secret,
    ngx_chain_t *body, u_char *dst)
{
    u_char                *query, *end;
    u_char                 date[GENAI_SIGV4_DATE], digest[GENAI_SIGV4_DIGEST];
    genai_sigv4_hash_t     hash;
    genai_sigv4_request_t  s;

    s.content = ctx->content;

    if (s.content == NULL) {

        genai_sigv4_hash_init(&hash);

        for ( /* void */ ; body; body = body->next) {
            genai_sigv4_hash_add(&hash, body->buf->pos,
                                 body->buf->last - body->buf->pos);
        }

        genai_sigv4_hash_end(&hash, digest);
        s.content = digest;
    }

    s.method.len = r->method_name.len;
    s.method.data = r->method_name.data;

    s.path.len = ctx->path.len;
    s.path.data = ctx->path.data;

    end = ctx->path.data + ctx->path.len;
    query = ngx_strlchr(ctx->path.data, end, '?');

    s.query.len = 0;
    s.query.data = end;

    if (query) {
        s.path.len = query - ctx->path.data;
        s.query.data = query + 1;
        s.query.len = end - s.query.data;
    }

    s.host.len = p->authority.len;
    s.host.data = p->authority.data;
    s.region.len = p->region.len;
    s.region.data = p->region.data;

    ngx_str_set(&s.service, "bedrock");

    genai_sigv4_date(date, ngx_time());

    dst = ngx_cpymem(dst, "X-Amz-Date: ", sizeof("X-Amz-Date: ") - 1);
    dst = ngx_cpymem(dst, date, GENAI_SIGV4_DATE);

    if (secret->aws.token.len) {
        dst = ngx_cpymem(dst, CRLF "X-Amz-Security-Token: ",
                         sizeof(CRLF "X-Amz-Security-Token: ") - 1);
        dst = ngx_cpymem(dst, secret->aws.token.data, secret->aws.token.len);
    }

    dst = ngx_cpymem(dst, CRLF "Authorization: ",
                     sizeof(CRLF "Authorization: ") - 1);
    dst += genai_sigv4_sign(dst, &s, &secret->aws, date, &p->signing);

    *dst++ = CR;
    *dst++ = LF;

    return dst;
}
