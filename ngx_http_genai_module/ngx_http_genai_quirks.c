
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * "quirks NAME" of genai_provider: what servers that speak OpenAI's dialect
 * refuse or read as something else; core/genai_quirks.h has the table.
 */


#include "ngx_http_genai.h"
#include "genai_quirks.h"
#include "ngx_http_genai_limit_int.h"


/* Azure's versions from this one on have stream_options */
#define NGX_HTTP_GENAI_AZURE_USAGE  "2024-09-01"


char *
ngx_http_genai_quirks(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_provider_t *p = conf;

    u_char                 names[512], *last;
    ngx_str_t             *value;
    ngx_uint_t             i;
    genai_str_t            name;
    const genai_quirks_t  *q;

    if (p->quirks_set) {
        return "is duplicate";
    }

    p->quirks_set = 1;

    value = cf->args->elts;

    if (value[1].len == 3 && ngx_strncmp(value[1].data, "off", 3) == 0) {
        return NGX_CONF_OK;
    }

    name.len = value[1].len;
    name.data = value[1].data;

    p->quirks = genai_quirks_by_name(&name);

    if (p->quirks) {
        return NGX_CONF_OK;
    }

    last = names;

    for (i = 0; (q = genai_quirks_at(i)) != NULL; i++) {
        last = ngx_slprintf(last, names + sizeof(names), " \"%*s\"",
                            q->name.len, q->name.data);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "no quirks are known of \"%V\", there are \"off\"%*s",
                       &value[1], (size_t) (last - names), names);

    return NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_genai_quirks_init(ngx_conf_t *cf, ngx_http_genai_provider_t *p)
{
    ngx_uint_t   i;
    genai_str_t  host;

    for (i = 0; i < p->ndialects; i++) {
        if (genai_dialect_bodies(p->dialects[i]) == &genai_openai) {
            break;
        }
    }

    if (i == p->ndialects) {

        if (p->quirks_set) {
            ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, p->file, p->line,
                                      "genai_provider \"%V\" has \"quirks\", "
                                      "which are those of the dialect openai: "
                                      "remove them, or write \"dialect "
                                      "openai;\"", &p->name);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (!p->quirks_set) {
        host.len = p->host.len;
        host.data = p->host.data;

        p->quirks = genai_quirks_by_host(&host);
    }

    return NGX_OK;
}


const genai_quirks_t *
ngx_http_genai_quirks_of(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target)
{
    if (target == NULL || target->provider->quirks == NULL
        || genai_dialect_bodies(ngx_http_genai_spoken(ctx, target->provider))
           != &genai_openai)
    {
        return NULL;
    }

    return target->provider->quirks;
}


ngx_uint_t
ngx_http_genai_quirks_untold(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target)
{
    ngx_str_t                   version;
    ngx_http_genai_provider_t  *p;

    p = target->provider;

    if (p->quirks && p->quirks->untold) {
        return 1;
    }

    return ngx_http_genai_spoken(ctx, p) == &genai_azure
           && ngx_http_genai_render_version(ctx->request, ctx, p, &version)
              == NGX_OK
           && ngx_http_genai_quirks_old(&version);
}


/* days are compared as they are written */

ngx_uint_t
ngx_http_genai_quirks_old(ngx_str_t *version)
{
    return version->len >= sizeof(NGX_HTTP_GENAI_AZURE_USAGE) - 1
           && ngx_strncmp(version->data, NGX_HTTP_GENAI_AZURE_USAGE,
                          sizeof(NGX_HTTP_GENAI_AZURE_USAGE) - 1)
              < 0;
}


ngx_uint_t
ngx_http_genai_quirks_newer(const genai_catalog_model_t *model)
{
    return model && model->framing == GENAI_FRAMING_OPENAI5;
}


/* in the client's own dialect: a translation is written as it must be */

ngx_int_t
ngx_http_genai_quirks_edit(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target)
{
    int                      rc;
    genai_quirks_told_t      told;
    const genai_quirks_t    *q;
    ngx_http_genai_count_t  *count;

    if (ctx->spoken != &genai_openai) {
        return NGX_OK;
    }

    if (ctx->usage_added && ngx_http_genai_quirks_untold(ctx, target)
        && genai_quirks_unask(ctx->parsed, ctx->target_edits) != GENAI_EDIT_OK)
    {
        return NGX_ERROR;
    }

    q = ngx_http_genai_quirks_of(ctx, target);

    if (q == NULL) {
        return NGX_OK;
    }

    count = ngx_http_genai_count_of(ctx, target);

    rc = genai_quirks_edit(q, ctx->parsed,
                           ngx_http_genai_quirks_newer(count ? count->model
                                                             : NULL),
                           ctx->target_edits, &told);

    if (rc == GENAI_QUIRKS_REFUSED) {
        ctx->message.len = ngx_strlen(told.error);
        ctx->message.data = (u_char *) told.error;

        return NGX_DECLINED;
    }

    if (rc != GENAI_EDIT_OK) {
        return NGX_ERROR;
    }

    return ngx_http_genai_dropped(r, ctx, told.dropped, told.ndropped);
}


/* what a header says; names are the client's, so only plain bytes are told */

ngx_int_t
ngx_http_genai_dropped(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    const genai_str_t *names, ngx_uint_t n)
{
    u_char      c, *p;
    size_t      len, k;
    ngx_str_t   before;
    ngx_uint_t  i;

    before = ctx->dropped;
    len = before.len;

    for (i = 0; i < n; i++) {
        len += ngx_min(names[i].len, NGX_HTTP_GENAI_DROPPED_NAME) + 2;
    }

    if (n == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->dropped.data = p;
    p = ngx_cpymem(p, before.data, before.len);

    for (i = 0; i < n; i++) {

        if (p > ctx->dropped.data) {
            *p++ = ',';
            *p++ = ' ';
        }

        for (k = 0; k < names[i].len && k < NGX_HTTP_GENAI_DROPPED_NAME; k++) {
            c = names[i].data[k];
            *p++ = (c < ' ' || c >= 0x7f || c == ',') ? '?' : c;
        }
    }

    ctx->dropped.len = p - ctx->dropped.data;

    return NGX_OK;
}
