
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * "genai_betas PATH": which values of a client's "anthropic-beta" a provider
 * gets.  The file is read with the configuration; each worker then looks
 * whether it has changed, as it does for secrets.  One that is broken leaves
 * the last good one; where there was none nobody gets any value.
 */


#include "ngx_http_genai.h"
#include "genai_file.h"


/* names that are told as dropped */
#define NGX_HTTP_GENAI_BETAS_TOLD  16


static const char *ngx_http_genai_betas_read(ngx_http_genai_betas_t *b,
    char *error);
static void ngx_http_genai_betas_unknown(ngx_http_genai_main_conf_t *mcf,
    ngx_log_t *log);
static void ngx_http_genai_betas_cleanup(void *data);
static ngx_int_t ngx_http_genai_betas_line(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_table_elt_t *h, uint32_t list,
    genai_str_t *dropped, ngx_uint_t *ndropped);


static ngx_str_t  ngx_http_genai_betas_header = ngx_string("anthropic-beta");

#define ngx_http_genai_betas_prefix  "anthropic-beta:"


char *
ngx_http_genai_betas(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_main_conf_t *mcf = conf;

    ngx_str_t               *value;
    ngx_pool_cleanup_t      *cln;
    ngx_http_genai_betas_t  *b;

    if (mcf->betas) {
        return "is duplicate";
    }

    b = ngx_pcalloc(cf->pool, sizeof(ngx_http_genai_betas_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (b == NULL || cln == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    b->path = value[1];
    b->file = cf->conf_file->file.name.data;
    b->line = cf->conf_file->line;

    if (b->path.len == 0) {
        return "needs a path";
    }

    if (ngx_conf_full_name(cf->cycle, &b->path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_genai_betas_cleanup;
    cln->data = b;

    mcf->betas = b;

    return NGX_CONF_OK;
}


static void
ngx_http_genai_betas_cleanup(void *data)
{
    ngx_http_genai_betas_t *b = data;

    if (b->betas.tape.n) {
        genai_betas_free(&b->betas);
    }
}


ngx_int_t
ngx_http_genai_betas_init(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf)
{
    char                     error[GENAI_BETAS_ERROR_MAX];
    const char              *why;
    ngx_http_genai_betas_t  *b;

    b = mcf->betas;

    if (b == NULL) {
        return NGX_OK;
    }

    genai_file_stamp((char *) b->path.data, &b->stamp);

    why = ngx_http_genai_betas_read(b, error);

    if (why == NULL) {
        ngx_http_genai_betas_unknown(mcf, cf->log);
        return NGX_OK;
    }

    if (mcf->strict) {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, b->file, b->line,
                                  "genai_betas \"%V\" cannot be used: %s",
                                  &b->path, why);
        return NGX_ERROR;
    }

    ngx_http_genai_conf_error(cf, NGX_LOG_ERR, b->file, b->line,
                              "genai_betas \"%V\" cannot be used: %s: no "
                              "\"anthropic-beta\" of a client will be passed "
                              "on until it can", &b->path, why);

    return NGX_OK;
}


/* NULL with the lists replaced; or why not, the last ones stay */

static const char *
ngx_http_genai_betas_read(ngx_http_genai_betas_t *b, char *error)
{
    int            err;
    char          *data;
    size_t         len;
    genai_str_t    text;
    genai_betas_t  betas;

    err = genai_file_read((char *) b->path.data, GENAI_BETAS_MAX, &data, &len);

    if (err == EFBIG) {
        return "it is longer than 65536 bytes";
    }

    if (err) {
        return strerror(err);
    }

    text.data = (u_char *) data;
    text.len = len;

    err = genai_betas_read(&betas, &text, error);

    free(data);

    if (err) {
        return error;
    }

    ngx_http_genai_betas_cleanup(b);

    b->betas = betas;

    return NULL;
}


void
ngx_http_genai_betas_refresh(ngx_http_genai_main_conf_t *mcf, ngx_log_t *log)
{
    char                     error[GENAI_BETAS_ERROR_MAX];
    const char              *why;
    genai_file_stamp_t       stamp;
    ngx_http_genai_betas_t  *b;

    b = mcf->betas;

    if (b == NULL) {
        return;
    }

    genai_file_stamp((char *) b->path.data, &stamp);

    if (!genai_file_stamp_differs(&stamp, &b->stamp)) {
        return;
    }

    /* what two looks see alike is not being written any more */

    if (genai_file_stamp_differs(&stamp, &b->seen)) {
        b->seen = stamp;
        return;
    }

    b->stamp = stamp;

    why = ngx_http_genai_betas_read(b, error);

    if (why) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "genai_betas \"%V\" has changed and cannot be used: "
                      "%s: its last good version stays", &b->path, why);
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, log, 0, "genai_betas \"%V\" was re-read",
                  &b->path);

    ngx_http_genai_betas_unknown(mcf, log);
}


/* a name that is mistyped would have no effect, and nobody would know */

static void
ngx_http_genai_betas_unknown(ngx_http_genai_main_conf_t *mcf, ngx_log_t *log)
{
    uint32_t     list;
    ngx_str_t    name;
    genai_str_t  raw;

    list = 0;

    while ((list = genai_betas_next(&mcf->betas->betas, list, &raw)) != 0) {

        name.len = raw.len;
        name.data = raw.data;

        if (genai_str_is(&raw, "*") || genai_dialect_by_name(&raw)
            || ngx_http_genai_provider_find(mcf, &name))
        {
            continue;
        }

        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "genai_betas \"%V\" has a list for \"%V\", which is no "
                      "genai_provider, no dialect and not \"*\"",
                      &mcf->betas->path, &name);
    }
}


ngx_int_t
ngx_http_genai_betas_cut(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_provider_t *p)
{
    uint32_t                     list;
    ngx_uint_t                   i, ndropped;
    genai_str_t                  name, dropped[NGX_HTTP_GENAI_BETAS_TOLD];
    ngx_list_part_t             *part;
    ngx_table_elt_t             *h;
    ngx_http_genai_betas_t      *b;
    ngx_http_genai_main_conf_t  *mcf;

    static const genai_str_t  all = genai_str("*");

    mcf = ngx_http_get_module_main_conf(r, ngx_http_genai_module);

    b = mcf->betas;

    ctx->betas_cut = 0;
    ngx_str_null(&ctx->betas);

    if (b == NULL || ctx->spoken != ctx->dialect
        || ngx_hash_find(&p->pass_headers,
                         ngx_hash_key(ngx_http_genai_betas_header.data,
                                      ngx_http_genai_betas_header.len),
                         ngx_http_genai_betas_header.data,
                         ngx_http_genai_betas_header.len)
           == NULL)
    {
        return NGX_OK;
    }

    list = 0;

    if (b->betas.tape.n) {

        name.len = p->name.len;
        name.data = p->name.data;

        list = genai_betas_find(&b->betas, &name);

        if (list == 0) {
            list = genai_betas_find(&b->betas, &ctx->spoken_path->name);
        }

        if (list == 0) {
            list = genai_betas_find(&b->betas, &all);
        }

        if (list == 0) {

            /* nothing is said of this one */

            return NGX_OK;
        }
    }

    ndropped = 0;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (ngx_http_genai_betas_named(&h[i])
            && ngx_http_genai_betas_line(r, ctx, &h[i], list, dropped,
                                         &ndropped)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    /* where nothing is cut the client's lines pass as they are */

    return ctx->betas_cut ? ngx_http_genai_dropped(r, ctx, dropped, ndropped)
                          : NGX_OK;
}


ngx_uint_t
ngx_http_genai_betas_named(ngx_table_elt_t *h)
{
    return h->key.len == ngx_http_genai_betas_header.len
           && ngx_memcmp(h->lowcase_key, ngx_http_genai_betas_header.data,
                         h->key.len)
              == 0;
}


/* adds what the provider takes of a line to ctx->betas */

static ngx_int_t
ngx_http_genai_betas_line(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_table_elt_t *h, uint32_t list, genai_str_t *dropped,
    ngx_uint_t *ndropped)
{
    size_t                       len;
    u_char                      *p, *last, *end, *s;
    genai_str_t                  value;
    ngx_http_genai_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_genai_module);

    s = ngx_pnalloc(r->pool, ctx->betas.len + h->value.len + 2);
    if (s == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(s, ctx->betas.data, ctx->betas.len);

    ctx->betas.data = s;
    s += ctx->betas.len;

    last = h->value.data + h->value.len;

    for (p = h->value.data; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, ',');

        if (end == NULL) {
            end = last;
        }

        value.data = p;
        value.len = end - p;

        while (value.len && (value.data[0] == ' ' || value.data[0] == '\t')) {
            value.data++;
            value.len--;
        }

        while (value.len && (value.data[value.len - 1] == ' '
                             || value.data[value.len - 1] == '\t'))
        {
            value.len--;
        }

        if (value.len == 0) {
            continue;
        }

        if (list && genai_betas_has(&mcf->betas->betas, list, &value)) {

            if (s > ctx->betas.data) {
                *s++ = ',';
            }

            s = ngx_cpymem(s, value.data, value.len);
            continue;
        }

        ctx->betas_cut = 1;

        if (*ndropped == NGX_HTTP_GENAI_BETAS_TOLD) {
            continue;
        }

        len = sizeof(ngx_http_genai_betas_prefix) - 1;

        dropped[*ndropped].len = len + value.len;
        dropped[*ndropped].data = ngx_pnalloc(r->pool, len + value.len);

        if (dropped[*ndropped].data == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(dropped[*ndropped].data, ngx_http_genai_betas_prefix, len);
        ngx_memcpy(dropped[*ndropped].data + len, value.data, value.len);

        (*ndropped)++;
    }

    ctx->betas.len = s - ctx->betas.data;

    return NGX_OK;
}
