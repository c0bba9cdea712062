
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * GET .../models and .../models/ID: the literal public names, in the client's
 * dialect.  Patterns are not listed, as nobody can ask for a pattern; but a
 * name that matches one is a model.
 *
 * The lists of Anthropic and Google have pages.  Where one begins is told by a
 * name: lists change with the configuration, and with the policy.
 */


#include "ngx_http_genai.h"
#include "genai_writer.h"


/* what stands around names, in the largest entry, and in a list */
#define NGX_HTTP_GENAI_MODEL_ROOM  320

/* a name stands twice in some, and each of its bytes may be escaped */
#define ngx_http_genai_models_room(len)                                       \
    (2 * 6 * (len) + NGX_HTTP_GENAI_MODEL_ROOM)

/* models on a page, where nothing is said, and at most */
#define NGX_HTTP_GENAI_MODELS_ANTHROPIC  20
#define NGX_HTTP_GENAI_MODELS_GEMINI     50
#define NGX_HTTP_GENAI_MODELS_MAX        1000


typedef struct {
    ngx_str_t              **names;
    ngx_uint_t               n;
    ngx_uint_t               from;       /* of them on this page, */
    ngx_uint_t               to;         /* up to this one */
    ngx_uint_t               backwards;  /* asked for what is in front */
} ngx_http_genai_models_t;

typedef u_char *(*ngx_http_genai_models_entry_pt)(u_char *p, ngx_str_t *name,
    time_t created);


static ngx_http_genai_verdict_e ngx_http_genai_models_list(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_models_page(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_models_t *m);
static ngx_int_t ngx_http_genai_models_size(ngx_http_request_t *r,
    const char *name, ngx_uint_t clip, ngx_uint_t *size);
static ngx_int_t ngx_http_genai_models_at(ngx_http_request_t *r,
    ngx_http_genai_models_t *m, const char *name, ngx_uint_t *at);
static ngx_http_genai_models_entry_pt ngx_http_genai_models_entry(
    ngx_http_genai_ctx_t *ctx);
static u_char *ngx_http_genai_models_openai(u_char *p, ngx_str_t *name,
    time_t created);
static u_char *ngx_http_genai_models_anthropic(u_char *p, ngx_str_t *name,
    time_t created);
static u_char *ngx_http_genai_models_gemini(u_char *p, ngx_str_t *name,
    time_t created);
static u_char *ngx_http_genai_models_open(u_char *p,
    ngx_http_genai_ctx_t *ctx);
static u_char *ngx_http_genai_models_close(u_char *p,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_models_t *m);
static u_char *ngx_http_genai_models_name(u_char *p, const char *name,
    ngx_str_t *value);
static u_char *ngx_http_genai_models_text(u_char *p, const char *text);


ngx_http_genai_verdict_e
ngx_http_genai_models(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_str_t                    id;
    ngx_http_genai_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_genai_module);

    id.len = ctx->endpoint_id.len;
    id.data = ctx->endpoint_id.data;

    if (id.len == 0) {
        return ngx_http_genai_models_list(r, ctx);
    }

    if (id.len > NGX_HTTP_GENAI_MODEL_MAX
        || ngx_http_genai_model_find(mcf, &id, r->connection->log) == NULL
        || !ngx_http_genai_allowed_model(ctx, &id))
    {
        ngx_str_set(&ctx->code, "model_not_found");

        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_FORBIDDEN_MODEL,
                                     "the model \"%V\" does not exist or you "
                                     "do not have access to it", &id);
    }

    ctx->answer = ngx_create_temp_buf(r->pool,
                                      ngx_http_genai_models_room(id.len));

    if (ctx->answer == NULL) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                     "out of memory");
    }

    ctx->answer->last = ngx_http_genai_models_entry(ctx)(ctx->answer->last,
                                                         &id, mcf->created);

    return NGX_HTTP_GENAI_ANSWERED;
}


static ngx_http_genai_verdict_e
ngx_http_genai_models_list(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    size_t                           size;
    u_char                          *p;
    ngx_uint_t                       i;
    ngx_http_genai_model_t         **models;
    ngx_http_genai_models_t          m;
    ngx_http_genai_main_conf_t      *mcf;
    ngx_http_genai_models_entry_pt   entry;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_genai_module);

    ngx_memzero(&m, sizeof(ngx_http_genai_models_t));

    m.names = ngx_palloc(r->pool, (mcf->models.nelts + 1) * sizeof(void *));
    if (m.names == NULL) {
        goto failed;
    }

    models = mcf->models.elts;

    for (i = 0; i < mcf->models.nelts; i++) {

        if (models[i]->prefix.data == NULL && models[i]->name.data[0] != '~'
            && ngx_http_genai_allowed_model(ctx, &models[i]->name))
        {
            m.names[m.n++] = &models[i]->name;
        }
    }

    if (ngx_http_genai_models_page(r, ctx, &m) != NGX_OK) {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                     "there is no such page of models: the "
                                     "query asks for a number from 1 to %d, "
                                     "and for what is next to a model of the "
                                     "list", NGX_HTTP_GENAI_MODELS_MAX);
    }

    /* the list itself has the names of its ends */

    size = NGX_HTTP_GENAI_MODEL_ROOM;

    if (m.from < m.to) {
        size += ngx_http_genai_models_room(m.names[m.from]->len)
                + ngx_http_genai_models_room(m.names[m.to - 1]->len);
    }

    for (i = m.from; i < m.to; i++) {
        size += ngx_http_genai_models_room(m.names[i]->len);
    }

    ctx->answer = ngx_create_temp_buf(r->pool, size);
    if (ctx->answer == NULL) {
        goto failed;
    }

    entry = ngx_http_genai_models_entry(ctx);
    p = ngx_http_genai_models_open(ctx->answer->last, ctx);

    for (i = m.from; i < m.to; i++) {

        if (i > m.from) {
            *p++ = ',';
        }

        p = entry(p, m.names[i], mcf->created);
    }

    ctx->answer->last = ngx_http_genai_models_close(p, ctx, &m);

    return NGX_HTTP_GENAI_ANSWERED;

failed:

    return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                 "out of memory");
}


/* NGX_OK, or NGX_ERROR where the query makes no sense */

static ngx_int_t
ngx_http_genai_models_page(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_models_t *m)
{
    ngx_int_t   after, before;
    ngx_uint_t  at, size;

    at = 0;
    m->to = m->n;

    if (ctx->dialect == &genai_gemini) {

        size = NGX_HTTP_GENAI_MODELS_GEMINI;

        if (ngx_http_genai_models_size(r, "pageSize", 1, &size) != NGX_OK) {
            return NGX_ERROR;
        }

        after = ngx_http_genai_models_at(r, m, "pageToken", &at);
        before = NGX_DECLINED;

    } else if (ctx->dialect == &genai_anthropic) {

        size = NGX_HTTP_GENAI_MODELS_ANTHROPIC;

        if (ngx_http_genai_models_size(r, "limit", 0, &size) != NGX_OK) {
            return NGX_ERROR;
        }

        after = ngx_http_genai_models_at(r, m, "after_id", &at);
        before = ngx_http_genai_models_at(r, m, "before_id", &at);

    } else {
        return NGX_OK;
    }

    if (after == NGX_ERROR || before == NGX_ERROR
        || (after == NGX_OK && before == NGX_OK))
    {
        return NGX_ERROR;
    }

    if (before == NGX_OK) {
        m->backwards = 1;
        m->to = at;
        m->from = at - ngx_min(at, size);

        return NGX_OK;
    }

    m->from = (after == NGX_OK) ? at + 1 : 0;
    m->to = m->from + ngx_min(m->n - m->from, size);

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_models_size(ngx_http_request_t *r, const char *name,
    ngx_uint_t clip, ngx_uint_t *size)
{
    ngx_int_t  n;
    ngx_str_t  value;

    if (ngx_http_arg(r, (u_char *) name, ngx_strlen(name), &value) != NGX_OK
        || value.len == 0)
    {
        return NGX_OK;
    }

    n = ngx_atoi(value.data, value.len);

    if (n == 0 && clip) {

        /* Google's default of a number */

        return NGX_OK;
    }

    if (n < 1 || (n > NGX_HTTP_GENAI_MODELS_MAX && !clip)) {
        return NGX_ERROR;
    }

    *size = ngx_min(n, NGX_HTTP_GENAI_MODELS_MAX);

    return NGX_OK;
}


/* NGX_DECLINED where it is not asked for; NGX_ERROR where there is none */

static ngx_int_t
ngx_http_genai_models_at(ngx_http_request_t *r, ngx_http_genai_models_t *m,
    const char *name, ngx_uint_t *at)
{
    u_char      *src, *dst;
    size_t       len;
    ngx_str_t    value;
    ngx_uint_t   i;

    if (ngx_http_arg(r, (u_char *) name, ngx_strlen(name), &value) != NGX_OK
        || value.len == 0)
    {
        return NGX_DECLINED;
    }

    /* three bytes for one, at most */

    if (value.len > 3 * NGX_HTTP_GENAI_MODEL_MAX) {
        return NGX_ERROR;
    }

    dst = ngx_pnalloc(r->pool, value.len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    src = value.data;
    value.data = dst;

    ngx_unescape_uri(&dst, &src, value.len, 0);

    len = dst - value.data;

    for (i = 0; i < m->n; i++) {

        if (m->names[i]->len == len
            && ngx_memcmp(m->names[i]->data, value.data, len) == 0)
        {
            *at = i;
            return NGX_OK;
        }
    }

    return NGX_ERROR;
}


static ngx_http_genai_models_entry_pt
ngx_http_genai_models_entry(ngx_http_genai_ctx_t *ctx)
{
    return (ctx->dialect == &genai_gemini) ? ngx_http_genai_models_gemini
           : (ctx->dialect == &genai_anthropic)
             ? ngx_http_genai_models_anthropic : ngx_http_genai_models_openai;
}


static u_char *
ngx_http_genai_models_openai(u_char *p, ngx_str_t *name, time_t created)
{
    p = ngx_http_genai_models_name(p, "{\"id\":", name);

    return ngx_sprintf(p, ",\"object\":\"model\",\"created\":%T,"
                       "\"owned_by\":\"genai\"}", created);
}


static u_char *
ngx_http_genai_models_anthropic(u_char *p, ngx_str_t *name, time_t created)
{
    ngx_tm_t  tm;

    ngx_gmtime(created, &tm);

    p = ngx_http_genai_models_name(p, "{\"type\":\"model\",\"id\":", name);
    p = ngx_http_genai_models_name(p, ",\"display_name\":", name);

    return ngx_sprintf(p, ",\"created_at\":\"%4d-%02d-%02dT%02d:%02d:%02dZ\"}",
                       tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                       tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);
}


static u_char *
ngx_http_genai_models_gemini(u_char *p, ngx_str_t *name, time_t created)
{
    p = ngx_http_genai_models_text(p, "{\"name\":\"models/");
    p = genai_write_escaped(p, name->data, name->len);
    p = ngx_http_genai_models_name(p, "\",\"displayName\":", name);

    return ngx_http_genai_models_text(p, ",\"supportedGenerationMethods\":["
                                         "\"generateContent\","
                                         "\"streamGenerateContent\","
                                         "\"countTokens\"]}");
}


static u_char *
ngx_http_genai_models_open(u_char *p, ngx_http_genai_ctx_t *ctx)
{
    return ngx_http_genai_models_text(p, (ctx->dialect == &genai_gemini)
                                         ? "{\"models\":["
                                         : (ctx->dialect == &genai_anthropic)
                                           ? "{\"data\":["
                                           : "{\"object\":\"list\","
                                             "\"data\":[");
}


static u_char *
ngx_http_genai_models_close(u_char *p, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_models_t *m)
{
    ngx_uint_t  more;

    more = m->backwards ? m->from > 0 : m->to < m->n;

    *p++ = ']';

    if (ctx->dialect == &genai_gemini && more) {
        p = ngx_http_genai_models_name(p, ",\"nextPageToken\":",
                                       m->names[m->to - 1]);

    } else if (ctx->dialect == &genai_anthropic) {

        p = ngx_http_genai_models_text(p, more ? ",\"has_more\":true"
                                               : ",\"has_more\":false");

        if (m->from == m->to) {
            p = ngx_http_genai_models_text(p, ",\"first_id\":null,"
                                              "\"last_id\":null");

        } else {
            p = ngx_http_genai_models_name(p, ",\"first_id\":",
                                           m->names[m->from]);
            p = ngx_http_genai_models_name(p, ",\"last_id\":",
                                           m->names[m->to - 1]);
        }
    }

    *p++ = '}';

    return p;
}


static u_char *
ngx_http_genai_models_name(u_char *p, const char *name, ngx_str_t *value)
{
    p = ngx_http_genai_models_text(p, name);

    *p++ = '"';
    p = genai_write_escaped(p, value->data, value->len);
    *p++ = '"';

    return p;
}


static u_char *
ngx_http_genai_models_text(u_char *p, const char *text)
{
    return ngx_cpymem(p, text, ngx_strlen(text));
}
