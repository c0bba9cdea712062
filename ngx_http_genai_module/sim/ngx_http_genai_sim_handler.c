/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "ngx_http_genai_sim.h"


/* what is answered; all else is not there */
#define NGX_HTTP_GENAI_SIM_ENDPOINTS                                          \
    (GENAI_ENDPOINTS_TALK                                                     \
     | genai_endpoint_bit(GENAI_ENDPOINT_COMPLETIONS)                         \
     | genai_endpoint_bit(GENAI_ENDPOINT_EMBEDDINGS)                          \
     | genai_endpoint_bit(GENAI_ENDPOINT_MODELS))


static void ngx_http_genai_sim_headers(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static ngx_int_t ngx_http_genai_sim_reset_now(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static void ngx_http_genai_sim_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_genai_sim_body(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_http_genai_sim_opts(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static void ngx_http_genai_sim_endpoint(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static ngx_int_t ngx_http_genai_sim_prepare(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static ngx_int_t ngx_http_genai_sim_read(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
static ngx_int_t ngx_http_genai_sim_path_model(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx, genai_str_t *model);
static ngx_uint_t ngx_http_genai_sim_talks(ngx_http_genai_sim_ctx_t *ctx);
static const char *ngx_http_genai_sim_talk(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx, genai_str_t *body);
static void ngx_http_genai_sim_talk_cleanup(void *data);
static void ngx_http_genai_sim_row(ngx_http_genai_sim_ctx_t *ctx,
    ngx_uint_t stream, genai_str_t *model, uint64_t prompt_tokens);
static void ngx_http_genai_sim_request_cleanup(void *data);
static uint64_t ngx_http_genai_sim_id(void);


ngx_int_t
ngx_http_genai_sim_handler(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_http_genai_sim_ctx_t       *ctx;
    ngx_http_genai_sim_loc_conf_t  *slcf;

    ctx = ngx_palloc(r->pool, sizeof(ngx_http_genai_sim_ctx_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(ctx, offsetof(ngx_http_genai_sim_ctx_t, answer));

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_sim_module);

    ctx->request = r;
    ctx->opts = &slcf->opts;
    ctx->ledger = slcf->ledger;
    ctx->status = NGX_HTTP_OK;
    ctx->dialect = &genai_openai;
    ctx->dialect_path = &genai_openai;
    ctx->endpoint = GENAI_ENDPOINT_OTHER;
    ngx_str_set(&ctx->type, "application/json");

    ngx_http_set_ctx(r, ctx, ngx_http_genai_sim_module);

    ngx_http_genai_sim_headers(r, ctx);

    rc = ngx_http_genai_sim_opts(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->opts->reset == GENAI_SIM_RESET_ACCEPT) {
        return ngx_http_genai_sim_reset_now(r, ctx);
    }

    rc = ngx_http_read_client_request_body(r, ngx_http_genai_sim_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


/* one walk over the lines finds all of ours */

static void
ngx_http_genai_sim_headers(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    ngx_str_t        *value;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

#define ngx_http_genai_sim_is(h, name)                                        \
    ((h)->key.len == sizeof(name) - 1                                         \
     && ngx_memcmp((h)->lowcase_key, name, sizeof(name) - 1) == 0)

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {

            if (part->next == NULL) {
                return;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len < 2 || h[i].lowcase_key[0] != 'x'
            || h[i].lowcase_key[1] != '-')
        {
            continue;
        }

        value = NULL;

        if (ngx_http_genai_sim_is(&h[i], "x-genai-request-id")) {
            value = &ctx->request_id;

        } else if (ngx_http_genai_sim_is(&h[i], "x-request-id")) {
            value = (ctx->request_id.len == 0) ? &ctx->request_id : NULL;

        } else if (ngx_http_genai_sim_is(&h[i], "x-genai-sim")) {
            value = &ctx->line;

        } else if (ngx_http_genai_sim_is(&h[i], "x-genai-sim-body")) {
            value = &ctx->literal;

        } else if (ngx_http_genai_sim_is(&h[i], "x-genai-sim-body-base64")) {
            value = &ctx->encoded;

        } else if (ngx_http_genai_sim_is(&h[i], "x-genai-sim-text")) {
            value = &ctx->text;
        }

        if (value) {
            *value = h[i].value;
        }
    }
}


/* not even the body is read */

static ngx_int_t
ngx_http_genai_sim_reset_now(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    static genai_str_t  none = genai_str("");

    ngx_http_genai_sim_endpoint(r, ctx);
    ctx->status = 0;
    ctx->answer.reported = 0;

    ngx_http_genai_sim_row(ctx, 0, &none, 0);
    ngx_http_genai_sim_record(ctx, GENAI_SIM_LEDGER_FAULT);

    ngx_http_genai_sim_reset(r);

    return NGX_ERROR;
}


static void
ngx_http_genai_sim_body_handler(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_http_genai_sim_ctx_t       *ctx;
    ngx_http_genai_sim_loc_conf_t  *slcf;

    static ngx_str_t  version = ngx_string("this fault needs HTTP/1");

    ctx = ngx_http_get_module_ctx(r, ngx_http_genai_sim_module);

    if (ngx_http_genai_sim_body(r, &ctx->body) != NGX_OK
        || ngx_http_genai_sim_cleanup_add(r, ctx) != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_sim_module);

    if (r->uri.len >= 5
        && ngx_memcmp(r->uri.data + r->uri.len - 5, "/last", 5) == 0)
    {
        rc = ngx_http_genai_sim_reply_last(r, ctx);

    } else if (r->uri.len >= 7
               && ngx_memcmp(r->uri.data + r->uri.len - 7, "/ledger", 7) == 0)
    {
        rc = ngx_http_genai_sim_reply_ledger(r, ctx);

    } else {

        if (slcf->last) {
            ngx_http_genai_sim_last_set(r, &ctx->body);
        }

        rc = ngx_http_genai_sim_prepare(r, ctx);
    }

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    if (ctx->row && genai_sim_opts_raw(ctx->opts)) {

        if (r == r->main && (r->http_version == NGX_HTTP_VERSION_11
                             || r->http_version == NGX_HTTP_VERSION_10))
        {
            ngx_http_genai_sim_raw(r, ctx);
            return;
        }

        rc = ngx_http_genai_sim_reply_error(r, ctx, NGX_HTTP_BAD_REQUEST,
                                            &version, NULL);
        if (rc != NGX_OK) {
            ngx_http_finalize_request(r, rc);
            return;
        }
    }

    ngx_http_genai_sim_send(r, ctx);
}


/* the whole body as one span, without a copy where it is one already */

static ngx_int_t
ngx_http_genai_sim_body(ngx_http_request_t *r, ngx_str_t *body)
{
    off_t         offset;
    u_char       *p;
    size_t        size;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    ngx_str_null(body);

    if (r->request_body == NULL || r->request_body->bufs == NULL) {
        return NGX_OK;
    }

    cl = r->request_body->bufs;

    if (cl->next == NULL && ngx_buf_in_memory(cl->buf)) {
        body->data = cl->buf->pos;
        body->len = cl->buf->last - cl->buf->pos;
        return NGX_OK;
    }

    for (size = 0; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    p = ngx_pnalloc(r->pool, size + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;
    body->len = size;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {

        b = cl->buf;

        if (ngx_buf_in_memory(b)) {
            p = ngx_cpymem(p, b->pos, b->last - b->pos);
            continue;
        }

        if (!b->in_file) {
            continue;
        }

        for (offset = b->file_pos; offset < b->file_last; offset += n) {

            n = ngx_read_file(b->file, p, (size_t) (b->file_last - offset),
                              offset);

            if (n <= 0) {
                return NGX_ERROR;
            }

            p += n;
        }
    }

    return NGX_OK;
}


/* the parameters of this request, over those of the location */

static ngx_int_t
ngx_http_genai_sim_opts(ngx_http_request_t *r, ngx_http_genai_sim_ctx_t *ctx)
{
    u_char            *p;
    ngx_str_t          message, decoded;
    const char        *error;
    genai_str_t        line, bad;
    genai_sim_opts_t  *opts;

    if (ctx->line.data == NULL && ctx->literal.data == NULL
        && ctx->encoded.data == NULL && ctx->text.data == NULL)
    {
        return NGX_OK;
    }

    opts = ngx_palloc(r->pool, sizeof(genai_sim_opts_t));
    if (opts == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    *opts = *ctx->opts;

    if (ctx->literal.data) {
        opts->body.len = ctx->literal.len;
        opts->body.data = ctx->literal.data;
    }

    if (ctx->text.data) {
        opts->text.len = ctx->text.len;
        opts->text.data = ctx->text.data;
    }

    ngx_str_null(&message);

    if (ctx->encoded.data) {

        decoded.data = ngx_pnalloc(r->pool,
                                 ngx_base64_decoded_length(ctx->encoded.len));
        if (decoded.data == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        if (ngx_decode_base64(&decoded, &ctx->encoded) != NGX_OK) {
            ngx_str_set(&message, "x-genai-sim-body-base64 is not base64");

        } else {
            opts->body.len = decoded.len;
            opts->body.data = decoded.data;
        }
    }

    line.len = ctx->line.len;
    line.data = ctx->line.data;

    if (genai_sim_opts_parse(opts, &line, &bad, &error) == -1) {

        p = ngx_pnalloc(r->pool, bad.len + ngx_strlen(error)
                                 + sizeof("x-genai-sim: \"\": "));
        if (p == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        message.data = p;
        message.len = ngx_sprintf(p, "x-genai-sim: \"%*s\": %s", bad.len,
                                  bad.data, error)
                      - p;
    }

    if (message.data) {

        /* half of a line must not be obeyed */

        genai_sim_opts_init(opts);
        ctx->bad = message;
    }

    ctx->opts = opts;

    return NGX_OK;
}


/*
 * The path tells what is asked for, and in whose words.  Lists of models are
 * OpenAI's everywhere.
 */

static void
ngx_http_genai_sim_endpoint(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    unsigned                 i;
    genai_str_t              path, id;
    const genai_dialect_t   *dialect;
    const genai_endpoint_t  *e;

    path.len = r->uri.len;
    path.data = r->uri.data;

    ctx->dialect = &genai_openai;
    ctx->dialect_path = &genai_openai;
    ctx->endpoint = GENAI_ENDPOINT_OTHER;

    for (i = 0; (dialect = genai_dialect_at(i)) != NULL; i++) {

        e = genai_endpoint_of_path(dialect, &path, &id);

        if (e == NULL
            || !(genai_endpoint_bit(e->endpoint)
                 & NGX_HTTP_GENAI_SIM_ENDPOINTS))
        {
            continue;
        }

        ctx->endpoint = e->endpoint;

        if (e->endpoint != GENAI_ENDPOINT_MODELS) {
            ctx->dialect = genai_dialect_bodies(dialect);
            ctx->dialect_path = dialect;
        }

        return;
    }
}


/* decides what is answered */

static ngx_int_t
ngx_http_genai_sim_prepare(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx)
{
    ngx_str_t                message;
    ngx_uint_t               method;
    const genai_sim_opts_t  *opts;

    static genai_str_t  none = genai_str("");

    ngx_http_genai_sim_endpoint(r, ctx);

    if (ctx->bad.len) {
        ngx_http_genai_sim_row(ctx, 0, &none, 0);
        return ngx_http_genai_sim_reply_error(r, ctx, NGX_HTTP_BAD_REQUEST,
                                              &ctx->bad, NULL);
    }

    opts = ctx->opts;

    if (opts->status >= NGX_HTTP_SPECIAL_RESPONSE || opts->body.data
        || opts->html)
    {
        ctx->fixed = 1;

    } else if (ctx->endpoint == GENAI_ENDPOINT_OTHER) {
        ngx_http_genai_sim_row(ctx, 0, &none, 0);
        return ngx_http_genai_sim_reply_unknown(r, ctx);

    } else {

        method = (ctx->endpoint == GENAI_ENDPOINT_MODELS)
                 ? NGX_HTTP_GET|NGX_HTTP_HEAD : NGX_HTTP_POST;

        if (!(r->method & method)) {
            ngx_http_genai_sim_row(ctx, 0, &none, 0);
            ngx_str_set(&message, "this method is not allowed here");
            return ngx_http_genai_sim_reply_error(r, ctx, NGX_HTTP_NOT_ALLOWED,
                                                  &message, NULL);
        }
    }

    if (opts->status != GENAI_SIM_OFF) {
        ctx->status = opts->status;
    }

    if (ctx->endpoint != GENAI_ENDPOINT_MODELS) {
        return ngx_http_genai_sim_read(r, ctx);
    }

    ngx_http_genai_sim_row(ctx, 0, &none, 0);

    return ctx->fixed ? ngx_http_genai_sim_reply_literal(r, ctx)
                      : ngx_http_genai_sim_reply_models(r, ctx);
}


static ngx_int_t
ngx_http_genai_sim_read(ngx_http_request_t *r, ngx_http_genai_sim_ctx_t *ctx)
{
    int                      rc;
    u_char                  *p;
    ngx_str_t                message, alt;
    const char              *error;
    genai_str_t              body, model;
    const genai_str_t       *type;
    ngx_pool_cleanup_t      *cln;
    genai_sim_talk_t        *talk;
    genai_sim_request_t     *req;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(genai_sim_request_t));
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    req = cln->data;
    ngx_memzero(req, sizeof(genai_sim_request_t));
    cln->handler = ngx_http_genai_sim_request_cleanup;

    body.len = ctx->body.len;
    body.data = ctx->body.data ? ctx->body.data : (u_char *) "";

    talk = NULL;
    error = NULL;

    if (ngx_http_genai_sim_talks(ctx)) {

        error = ngx_http_genai_sim_talk(r, ctx, &body);
        talk = ctx->talk;

        if (talk == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (error) {
        rc = -1;
        req->error = error;
        req->param = "";
        req->stream = talk->parsed.stream_asked;

    } else if (talk == NULL || ctx->dialect == &genai_openai) {
        if (ngx_http_genai_sim_path_model(r, ctx, &model) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        rc = genai_sim_request_read(req, ctx->endpoint, &model, body.data,
                                    body.len);

    } else if (ctx->endpoint == GENAI_ENDPOINT_COUNT_TOKENS) {
        rc = 0;

    } else {
        rc = genai_sim_talk_request(talk, req, &body);
    }

    if (talk && req->model.len == 0) {
        ngx_http_genai_sim_row(ctx, req->stream, &talk->model,
                               genai_sim_prompt_tokens(body.len));

    } else {
        ngx_http_genai_sim_row(ctx, req->stream, &req->model,
                               genai_sim_prompt_tokens(body.len));
    }

    if (ctx->fixed) {

        /* the request need not be a good one */

        return ngx_http_genai_sim_reply_literal(r, ctx);
    }

    if (rc == -1) {
        message.len = ngx_strlen(req->error);
        message.data = (u_char *) req->error;

        if (req->param == NULL) {

            p = ngx_pnalloc(r->pool, message.len + NGX_SIZE_T_LEN
                                     + sizeof("the body is no JSON we can "
                                              "read:  at byte "));
            if (p == NULL) {
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            }

            message.len = ngx_sprintf(p, "the body is no JSON we can read: "
                                      "%s at byte %uz", req->error,
                                      req->offset)
                          - p;
            message.data = p;
        }

        return ngx_http_genai_sim_reply_error(r, ctx, NGX_HTTP_BAD_REQUEST,
                                              &message, req->param);
    }

    if (ctx->endpoint == GENAI_ENDPOINT_COUNT_TOKENS) {
        return ngx_http_genai_sim_reply_count(r, ctx);
    }

    if (ctx->opts->echo && talk) {

        genai_sim_request_free(req);

        req->call = 0;
        req->text = genai_sim_talk_digest(talk);

        if (req->text == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    genai_sim_answer_init(&ctx->answer, req, ctx->opts,
                          ngx_http_genai_sim_id(), ngx_time(),
                          ctx->body.len);

    ctx->stream = req->stream;

    if (talk) {

        /* Gemini's streams are events where it is told so in the query */

        rc = (ctx->endpoint == GENAI_ENDPOINT_GENERATE
              && (ngx_http_arg(r, (u_char *) "alt", 3, &alt) != NGX_OK
                  || alt.len != 3 || ngx_strncmp(alt.data, "sse", 3) != 0));

        if (genai_sim_talk_answer(talk, &ctx->answer, ctx->opts, rc) != 0) {
            ngx_str_set(&message, "the answer is too long to be put together");
            return ngx_http_genai_sim_reply_error(r, ctx,
                                                NGX_HTTP_INTERNAL_SERVER_ERROR,
                                                &message, NULL);
        }

        if (talk->array) {
            return NGX_OK;
        }

    }

    if (ctx->stream) {
        type = genai_dialect_stream_type(ctx->dialect);

        ctx->type.len = type->len;
        ctx->type.data = type->data;
    }

    return NGX_OK;
}


/* as it stands in a JSON string; empty where the path has none */

static ngx_int_t
ngx_http_genai_sim_path_model(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx, genai_str_t *model)
{
    unsigned     stream;
    genai_str_t  path, name;

    model->len = 0;
    model->data = (u_char *) "";

    path.len = r->uri.len;
    path.data = r->uri.data;

    if (ctx->dialect_path->path_read == NULL
        || !ctx->dialect_path->path_read(&path, &name, &stream))
    {
        return NGX_OK;
    }

    model->data = ngx_pnalloc(r->pool, 6 * name.len + 1);
    if (model->data == NULL) {
        return NGX_ERROR;
    }

    model->len = genai_write_escaped(model->data, name.data, name.len)
                 - model->data;

    return NGX_OK;
}


/* whether the request is a conversation that OpenAI's writer cannot answer */

static ngx_uint_t
ngx_http_genai_sim_talks(ngx_http_genai_sim_ctx_t *ctx)
{
    if (!genai_endpoint_talks(ctx->endpoint)) {
        return 0;
    }

    return ctx->dialect != &genai_openai || genai_sim_talk_needed(ctx->opts);
}


/* returns what is wrong with the request; ctx->talk is NULL without memory */

static const char *
ngx_http_genai_sim_talk(ngx_http_request_t *r, ngx_http_genai_sim_ctx_t *ctx,
    genai_str_t *body)
{
    genai_str_t          path;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(genai_sim_talk_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx->talk = cln->data;
    cln->handler = ngx_http_genai_sim_talk_cleanup;

    path.len = r->uri.len;
    path.data = r->uri.data;

    return genai_sim_talk_read(ctx->talk, ctx->dialect_path, ctx->endpoint,
                               &path, body);
}


static void
ngx_http_genai_sim_talk_cleanup(void *data)
{
    genai_sim_talk_free(data);
}


static void
ngx_http_genai_sim_request_cleanup(void *data)
{
    genai_sim_request_free(data);
}


/* begins the exchange's row */

static void
ngx_http_genai_sim_row(ngx_http_genai_sim_ctx_t *ctx, ngx_uint_t stream,
    genai_str_t *model, uint64_t prompt_tokens)
{
    genai_str_t   id;
    ngx_time_t   *tp;

    tp = ngx_timeofday();

    id.len = ctx->request_id.len;
    id.data = ctx->request_id.data;

    ctx->row = genai_sim_ledger_begin(ctx->ledger->table,
                                      (int64_t) tp->sec * 1000 + tp->msec,
                                      ctx->endpoint, stream, &id, model,
                                      prompt_tokens);
}


static uint64_t
ngx_http_genai_sim_id(void)
{
    static uint64_t  n;

    if (n == 0) {
        n = ((uint64_t) ngx_pid << 32) ^ (uint64_t) ngx_time();
    }

    return genai_sim_mix(n++);
}
