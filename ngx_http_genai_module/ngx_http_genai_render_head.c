
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The head of the request as one target gets it: its path, and headers of our
 * own making.  A client's header goes up only if the provider lists it.  What
 * identifies the client (keys, cookies, organisation) is on no list.
 */


#include "ngx_http_genai.h"


static ngx_int_t ngx_http_genai_render_versioned(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_provider_t *p);
static u_char *ngx_http_genai_render_length(u_char *p, off_t length);
static ngx_int_t ngx_http_genai_render_model(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_target_t *target,
    const genai_endpoint_t *endpoint, ngx_str_t *path);
static ngx_str_t *ngx_http_genai_render_values(ngx_http_request_t *r,
    ngx_http_genai_provider_t *p);
static size_t ngx_http_genai_render_headers(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_provider_t *p,
    ngx_str_t *values, uint64_t *passed, u_char *dst);
static u_char *ngx_http_genai_render_line(u_char *p, const u_char *name,
    size_t name_len, const u_char *value, size_t value_len);


ngx_buf_t *
ngx_http_genai_render_head(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target, ngx_chain_t *body, off_t content_length)
{
    size_t                      size;
    uint64_t                    passed;
    ngx_buf_t                  *b;
    ngx_str_t                  *values;
    ngx_uint_t                  version, bearer;
    genai_str_t                 value;
    const genai_dialect_t      *d, *by;
    ngx_http_genai_secret_t    *secret;
    ngx_http_genai_provider_t  *p;

    p = target->provider;
    d = ctx->spoken_path;

    if (ngx_http_genai_credential(r, ctx, p, &secret) != NGX_OK) {

        /* it was there when the target was chosen */

        return NULL;
    }

    values = ngx_http_genai_render_values(r, p);

    if (values == NULL || ngx_http_genai_betas_cut(r, ctx, p) != NGX_OK) {
        return NULL;
    }

    passed = 0;

    size = r->method_name.len + ctx->path.len + sizeof("  HTTP/1.1\r\n")
           + sizeof("Host: \r\n") + p->authority.len
           + sizeof("Accept-Encoding: identity\r\n")
           + sizeof("Content-Length: \r\n") + NGX_OFF_T_LEN
           + ngx_http_genai_render_headers(r, ctx, p, values, &passed, NULL)
           + sizeof(CRLF);

    bearer = secret && (p->bearer || secret->jwt.file.len);

    if (secret) {
        value.len = secret->value.len;
        value.data = secret->value.data;

        bearer |= d->bearer && genai_credential_is_jwt(&value);
    }

    by = bearer ? &genai_openai : d;

    if (secret && secret->aws.id.len) {
        size += NGX_HTTP_GENAI_SIGN_SIZE + secret->aws.token.len;

    } else if (secret) {
        size += by->credential_header.len + by->credential_prefix.len
                + secret->value.len + sizeof(": \r\n");
    }

    version = d->version_header.len && !p->vertex
              && ngx_http_genai_render_versioned(r, ctx, p) == NGX_DECLINED;

    if (version) {
        size += d->version_header.len + d->version.len + sizeof(": \r\n");
    }

    b = ngx_create_temp_buf(r->pool, size);
    if (b == NULL) {
        return NULL;
    }

    b->last = ngx_cpymem(b->last, r->method_name.data, r->method_name.len);
    *b->last++ = ' ';
    b->last = ngx_cpymem(b->last, ctx->path.data, ctx->path.len);
    b->last = ngx_cpymem(b->last, " HTTP/1.1\r\n", sizeof(" HTTP/1.1\r\n") - 1);

    b->last = ngx_http_genai_render_line(b->last, (u_char *) "Host", 4,
                                         p->authority.data, p->authority.len);

    b->last = ngx_cpymem(b->last, "Accept-Encoding: identity\r\n",
                         sizeof("Accept-Encoding: identity\r\n") - 1);

    if (content_length >= 0) {
        b->last = ngx_http_genai_render_length(b->last, content_length);
    }

    if (secret && secret->aws.id.len) {
        b->last = ngx_http_genai_sign(r, ctx, p, secret, body, b->last);

    } else if (secret) {
        b->last = ngx_cpymem(b->last, by->credential_header.data,
                             by->credential_header.len);
        *b->last++ = ':';
        *b->last++ = ' ';
        b->last = ngx_cpymem(b->last, by->credential_prefix.data,
                             by->credential_prefix.len);
        b->last = ngx_cpymem(b->last, secret->value.data,
                             secret->value.len);
        *b->last++ = CR;
        *b->last++ = LF;
    }

    if (version) {
        b->last = ngx_http_genai_render_line(b->last, d->version_header.data,
                                             d->version_header.len,
                                             d->version.data, d->version.len);
    }

    b->last += ngx_http_genai_render_headers(r, ctx, p, values, &passed,
                                             b->last);

    *b->last++ = CR;
    *b->last++ = LF;

    return b;
}


/* whether the client or the operator says the dialect's version */

static ngx_int_t
ngx_http_genai_render_versioned(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_provider_t *p)
{
    ngx_uint_t                i;
    ngx_list_part_t          *part;
    ngx_table_elt_t          *h;
    const genai_str_t        *name;
    ngx_http_genai_header_t  *own;

    name = &ctx->spoken->version_header;
    own = p->headers.elts;

    for (i = 0; i < p->headers.nelts; i++) {
        if (own[i].name.len == name->len
            && ngx_strncasecmp(own[i].name.data, name->data, name->len) == 0)
        {
            return NGX_OK;
        }
    }

    if (ctx->spoken != ctx->dialect) {
        return NGX_DECLINED;
    }

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NGX_DECLINED;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == name->len
            && ngx_strncasecmp(h[i].lowcase_key, name->data, name->len) == 0)
        {
            return NGX_OK;
        }
    }
}


/* in each request, so not by a format */

static u_char *
ngx_http_genai_render_length(u_char *p, off_t length)
{
    u_char  *digit, digits[NGX_OFF_T_LEN];

    digit = digits + NGX_OFF_T_LEN;

    do {
        *--digit = (u_char) ('0' + length % 10);
        length /= 10;
    } while (length);

    return ngx_http_genai_render_line(p, (u_char *) "Content-Length", 14,
                                      digit, digits + NGX_OFF_T_LEN - digit);
}


/*
 * What a provider's base URL would be followed by: the endpoint's own path,
 * whatever the client's prefix is.  "other" goes by what stands below the
 * location, query included, as nothing else is known of it.
 */

ngx_int_t
ngx_http_genai_render_path(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target, ngx_str_t *path)
{
    u_char                    *s, *rest;
    size_t                     len, escape;
    const genai_endpoint_t    *endpoint;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_genai_provider_t *p;

    p = target->provider;
    endpoint = ctx->endpoint;

    if (ctx->spoken != ctx->dialect) {
        endpoint = genai_endpoint_find(ctx->spoken_path, ctx->spoken->chat);

    } else if (ctx->spoken_path != ctx->dialect_path) {
        endpoint = genai_endpoint_find(ctx->spoken_path, endpoint->endpoint);
    }

    if (endpoint->endpoint != GENAI_ENDPOINT_OTHER
        && (ctx->spoken_path->path_write
            || (p->vertex && ctx->spoken->vertex_path)))
    {
        return ngx_http_genai_render_model(r, ctx, target, endpoint, path);
    }

    if (endpoint->endpoint != GENAI_ENDPOINT_OTHER) {

        len = p->path.len + endpoint->suffix.len;

        s = ngx_pnalloc(r->pool, len);
        if (s == NULL) {
            return NGX_ERROR;
        }

        path->data = s;
        path->len = len;

        s = ngx_cpymem(s, p->path.data, p->path.len);
        ngx_memcpy(s, endpoint->suffix.data, endpoint->suffix.len);

        return NGX_OK;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    len = clcf->name.len;

    if (len > r->uri.len || ngx_memcmp(r->uri.data, clcf->name.data, len) != 0)
    {
        /* rewritten: the path is what the operator has made of it */

        len = 0;
    }

    if (len && clcf->name.data[len - 1] == '/') {
        len--;
    }

    rest = r->uri.data + len;
    len = r->uri.len - len;

    escape = 2 * ngx_escape_uri(NULL, rest, len, NGX_ESCAPE_URI);

    s = ngx_pnalloc(r->pool, p->path.len + 1 + len + escape + 1 + r->args.len);
    if (s == NULL) {
        return NGX_ERROR;
    }

    path->data = s;

    s = ngx_cpymem(s, p->path.data, p->path.len);

    if (len == 0 || *rest != '/') {
        *s++ = '/';
    }

    s = (u_char *) ngx_escape_uri(s, rest, len, NGX_ESCAPE_URI);

    if (r->args.len) {
        *s++ = '?';
        s = ngx_cpymem(s, r->args.data, r->args.len);
    }

    path->len = s - path->data;

    return NGX_OK;
}


/*
 * A path with the model in it.  A client of the same dialect gets the form of
 * a stream that he has asked for.
 */

static ngx_int_t
ngx_http_genai_render_model(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target, const genai_endpoint_t *endpoint,
    ngx_str_t *path)
{
    size_t                      (*write)(unsigned char *, size_t,
                                         genai_endpoint_e,
                                         const genai_str_t *, unsigned);
    u_char                     *s, *query;
    size_t                      len;
    ngx_int_t                   rc;
    ngx_str_t                  *name, param;
    genai_str_t                 model, version;
    const genai_dialect_t      *d;
    ngx_http_genai_provider_t  *p;

    p = target->provider;
    d = ctx->spoken_path;
    write = (p->vertex && d->vertex_path) ? d->vertex_path : d->path_write;
    version = d->path_version;

    if (p->versioned) {
        version.len = 0;
    }

    rc = ngx_http_genai_render_version(r, ctx, p, &param);

    if (rc != NGX_OK) {
        return rc;
    }

    name = target->model.len ? &target->model : &ctx->model;

    model.len = name->len;
    model.data = name->data;

    len = write(NULL, 0, endpoint->endpoint, &model, ctx->stream_asked);

    s = ngx_pnalloc(r->pool, p->path.len + version.len + len
                             + d->version_param.len + param.len
                             + sizeof("?=") - 1);
    if (s == NULL) {
        return NGX_ERROR;
    }

    path->data = s;
    path->len = p->path.len + version.len + len;

    s = ngx_cpymem(s, p->path.data, p->path.len);
    s = ngx_cpymem(s, version.data, version.len);

    (void) write(s, len, endpoint->endpoint, &model, ctx->stream_asked);

    if (param.len) {

        s = ngx_cpymem(s + len, "?", 1);
        s = ngx_cpymem(s, d->version_param.data, d->version_param.len);
        *s++ = '=';
        s = ngx_cpymem(s, param.data, param.len);

        path->len = s - path->data;

        return NGX_OK;
    }

    if (ctx->spoken == ctx->dialect && ctx->array) {
        query = ngx_strlchr(s, s + len, '?');

        if (query) {
            path->len = query - path->data;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_render_version(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_provider_t *p, ngx_str_t *version)
{
    const genai_dialect_t  *d;

    d = ngx_http_genai_spoken(ctx, p);

    if (d->version_param.len == 0) {
        ngx_str_null(version);
        return NGX_OK;
    }

    *version = p->api_version;

    if (version->len) {
        return NGX_OK;
    }

    version->len = d->version.len;
    version->data = d->version.data;

    if (d != ctx->dialect_path
        || ngx_http_arg(r, d->version_param.data, d->version_param.len,
                        version)
           != NGX_OK)
    {
        return NGX_OK;
    }

    if (!ngx_http_genai_provider_versioned(version)) {
        ctx->message.data = (u_char *) "\"api-version\" must be a version as "
                                       "2024-10-21";
        ctx->message.len = ngx_strlen(ctx->message.data);

        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* once for both passes over them: a variable may change its length */

static ngx_str_t *
ngx_http_genai_render_values(ngx_http_request_t *r,
    ngx_http_genai_provider_t *p)
{
    u_char                  *last;
    ngx_str_t               *values;
    ngx_uint_t               i;
    ngx_http_genai_header_t *own;

    own = p->headers.elts;

    values = ngx_palloc(r->pool, (p->headers.nelts + 1) * sizeof(ngx_str_t));
    if (values == NULL) {
        return NULL;
    }

    for (i = 0; i < p->headers.nelts; i++) {

        if (ngx_http_complex_value(r, &own[i].value, &values[i]) != NGX_OK) {
            return NULL;
        }

        last = values[i].data + values[i].len;

        if (ngx_strlchr(values[i].data, last, CR)
            || ngx_strlchr(values[i].data, last, LF))
        {
            values[i].len = 0;
        }
    }

    return values;
}


/* what means something in the client's dialect alone */

static ngx_uint_t
ngx_http_genai_render_foreign(ngx_table_elt_t *h)
{
    return (h->key.len > 10
            && ngx_strncmp(h->lowcase_key, "anthropic-", 10) == 0)
           || (h->key.len > 7 && ngx_strncmp(h->lowcase_key, "openai-", 7) == 0)
           || (h->key.len == 6 && ngx_strncmp(h->lowcase_key, "accept", 6) == 0)
           || (h->key.len == 12
               && ngx_strncmp(h->lowcase_key, "content-type", 12) == 0);
}


/*
 * Writes the header lines that are the client's or the operator's to dst, or
 * counts an upper bound of their bytes where dst is NULL.  The first call
 * notes in *passed which of the client's first 64 lines pass.
 */

static size_t
ngx_http_genai_render_headers(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_provider_t *p, ngx_str_t *values, uint64_t *passed,
    u_char *dst)
{
    u_char                  *s;
    size_t                   size;
    uint64_t                 bit;
    ngx_uint_t               i, typed, translated;
    ngx_list_part_t         *part;
    ngx_table_elt_t         *h;
    ngx_http_genai_header_t *own;

    s = dst;
    size = 0;
    bit = 1;
    typed = p->typed;
    translated = (ctx->spoken != ctx->dialect);

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++, bit <<= 1) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (dst && bit) {

            if (!(*passed & bit)) {
                continue;
            }

        } else if (translated
                   && ngx_http_genai_render_foreign(&h[i]))
        {
            continue;

        } else if (ctx->betas_cut && ngx_http_genai_betas_named(&h[i])) {
            continue;

        } else if (ngx_hash_find(&p->pass_headers, h[i].hash, h[i].lowcase_key,
                                 h[i].key.len)
                   == NULL)
        {
            continue;
        }

        if (dst == NULL) {
            *passed |= bit;
        }

        if (&h[i] == r->headers_in.content_type) {
            typed = 1;
        }

        size += h[i].key.len + h[i].value.len + sizeof(": " CRLF) - 1;

        if (dst) {
            s = ngx_http_genai_render_line(s, h[i].key.data, h[i].key.len,
                                           h[i].value.data, h[i].value.len);
        }
    }

    if (!typed && ctx->endpoint->body == GENAI_BODY_JSON) {

        size += sizeof("Content-Type: application/json\r\n") - 1;

        if (dst) {
            s = ngx_cpymem(s, "Content-Type: application/json\r\n",
                           sizeof("Content-Type: application/json\r\n") - 1);
        }
    }

    if (ctx->betas_cut && ctx->betas.len) {

        size += sizeof("anthropic-beta: " CRLF) - 1 + ctx->betas.len;

        if (dst) {
            s = ngx_http_genai_render_line(s, (u_char *) "anthropic-beta", 14,
                                           ctx->betas.data, ctx->betas.len);
        }
    }

    own = p->headers.elts;

    for (i = 0; i < p->headers.nelts; i++) {

        if (values[i].len == 0) {
            continue;
        }

        size += own[i].name.len + values[i].len + sizeof(": " CRLF) - 1;

        if (dst) {
            s = ngx_http_genai_render_line(s, own[i].name.data,
                                           own[i].name.len,
                                           values[i].data, values[i].len);
        }
    }

    return dst ? (size_t) (s - dst) : size;
}


static u_char *
ngx_http_genai_render_line(u_char *p, const u_char *name, size_t name_len,
    const u_char *value, size_t value_len)
{
    p = ngx_cpymem(p, name, name_len);
    *p++ = ':';
    *p++ = ' ';
    p = ngx_cpymem(p, value, value_len);
    *p++ = CR;
    *p++ = LF;

    return p;
}
