
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * GET .../models and .../models/ID: the literal public names.  Patterns are
 * not listed, as nobody can ask for a pattern; but a name that matches one
 * is a model.
 */


#include "ngx_http_genai.h"
#include "genai_writer.h"


/* what stands around a name; created is seconds since the epoch */
#define NGX_HTTP_GENAI_MODEL_ROOM                                             \
    (sizeof("{\"id\":\"\",\"object\":\"model\",\"created\":,"                 \
            "\"owned_by\":\"genai\"},") + NGX_TIME_T_LEN)


static ngx_buf_t *ngx_http_genai_models_list(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_main_conf_t *mcf);
static u_char *ngx_http_genai_models_entry(u_char *p, ngx_str_t *name,
    time_t created);


ngx_http_genai_verdict_e
ngx_http_genai_models(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_str_t                    id;
    ngx_http_genai_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_genai_module);

    id.len = ctx->endpoint_id.len;
    id.data = ctx->endpoint_id.data;

    if (id.len == 0) {
        ctx->answer = ngx_http_genai_models_list(r, ctx, mcf);

    } else if (id.len > NGX_HTTP_GENAI_MODEL_MAX
               || ngx_http_genai_model_find(mcf, &id, r->connection->log)
                  == NULL
               || !ngx_http_genai_allowed_model(ctx, &id))
    {
        ngx_str_set(&ctx->code, "model_not_found");

        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_FORBIDDEN_MODEL,
                                     "the model \"%V\" does not exist or you "
                                     "do not have access to it", &id);

    } else {
        ctx->answer = ngx_create_temp_buf(r->pool,
                                          6 * id.len
                                          + NGX_HTTP_GENAI_MODEL_ROOM);
        if (ctx->answer) {
            ctx->answer->last = ngx_http_genai_models_entry(ctx->answer->last,
                                                            &id,
                                                            mcf->created);
        }
    }

    if (ctx->answer == NULL) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                     "out of memory");
    }

    return NGX_HTTP_GENAI_ANSWERED;
}


static ngx_buf_t *
ngx_http_genai_models_list(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_main_conf_t *mcf)
{
    size_t                    size;
    ngx_buf_t                *b;
    ngx_uint_t                i, n;
    ngx_http_genai_model_t  **models;

    size = sizeof("{\"object\":\"list\",\"data\":[]}");
    models = mcf->models.elts;

    for (i = 0; i < mcf->models.nelts; i++) {
        size += 6 * models[i]->name.len + NGX_HTTP_GENAI_MODEL_ROOM;
    }

    b = ngx_create_temp_buf(r->pool, size);
    if (b == NULL) {
        return NULL;
    }

    b->last = ngx_cpymem(b->last, "{\"object\":\"list\",\"data\":[",
                         sizeof("{\"object\":\"list\",\"data\":[") - 1);

    for (i = 0, n = 0; i < mcf->models.nelts; i++) {

        if (models[i]->prefix.data || models[i]->name.data[0] == '~'
            || !ngx_http_genai_allowed_model(ctx, &models[i]->name))
        {
            continue;
        }

        if (n++) {
            *b->last++ = ',';
        }

        b->last = ngx_http_genai_models_entry(b->last, &models[i]->name,
                                              mcf->created);
    }

    *b->last++ = ']';
    *b->last++ = '}';

    return b;
}


static u_char *
ngx_http_genai_models_entry(u_char *p, ngx_str_t *name, time_t created)
{
    p = ngx_cpymem(p, "{\"id\":\"", sizeof("{\"id\":\"") - 1);
    p = genai_write_escaped(p, name->data, name->len);

    return ngx_sprintf(p, "\",\"object\":\"model\",\"created\":%T,"
                       "\"owned_by\":\"genai\"}", created);
}
