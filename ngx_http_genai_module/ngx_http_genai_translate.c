
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The request for a target whose provider does not speak the client's dialect.
 *
 * It is read once, as the guards have left it, and written for each attempt:
 * in the middle it is a few pointers into the client's bytes (genai_chat.h).
 * What the operator sets and drops is done to what was written, by the names
 * of the provider's dialect.
 */


#include "ngx_http_genai.h"
#include "ngx_http_genai_limit_int.h"


/* tokens of an answer, where nobody knows how many a model can say */
#define NGX_HTTP_GENAI_TRANSLATE_OUTPUT  4096

/* bytes that a request may have more in another dialect, and an eighth */
#define NGX_HTTP_GENAI_TRANSLATE_MORE    512


/* all of it is the request's arena's */

struct ngx_http_genai_translation_s {
    genai_document_t          document;
    genai_chat_t              chat;

    /* for whom it is or was written */
    ngx_http_genai_target_t  *target;
    const genai_dialect_t    *dialect;
    genai_chat_target_t       to;
    genai_writer_arena_t      out;
    u_char                    digest[GENAI_SIGV4_DIGEST];

    int                       read_rc;
    int                       rc;
    unsigned                  ndropped;     /* by the reader */
    unsigned                  read:1;
    unsigned                  done:1;
};


static ngx_int_t ngx_http_genai_translate_begin(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target);
static int ngx_http_genai_translate_step(void *data, size_t budget);
static ngx_int_t ngx_http_genai_translate_names(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_translate_set(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target, genai_str_t *text);


const genai_dialect_t *
ngx_http_genai_spoken(ngx_http_genai_ctx_t *ctx, ngx_http_genai_provider_t *p)
{
    ngx_uint_t              i;
    const genai_dialect_t  *d, *bodies;

    for (i = 0; i < p->ndialects; i++) {

        d = p->dialects[i];

        if (d == ctx->dialect_path
            || (genai_dialect_bodies(d) == ctx->dialect
                && genai_endpoint_find(d, ctx->endpoint->endpoint)))
        {
            return d;
        }
    }

    if (ctx->endpoint->endpoint != ctx->dialect->chat
        || ctx->dialect->read_chat == NULL)
    {
        return NULL;
    }

    for (i = 0; i < p->ndialects; i++) {

        bodies = genai_dialect_bodies(p->dialects[i]);

        if (bodies->write_chat
            && genai_endpoint_find(p->dialects[i], bodies->chat))
        {
            return p->dialects[i];
        }
    }

    return NULL;
}


ngx_http_genai_verdict_e
ngx_http_genai_translate_ahead(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_target_t *target)
{
    ngx_int_t                  rc;
    ngx_http_genai_verdict_e   verdict;

    if (!ctx->work_done
        && ngx_http_genai_translate_begin(ctx, target) != NGX_OK)
    {
        return NGX_HTTP_GENAI_NEXT;
    }

    verdict = ngx_http_genai_work(r, ctx, ngx_http_genai_translate_step,
                                  ctx->translation, ctx->body.len, &rc);

    return verdict;
}


ngx_int_t
ngx_http_genai_translatable(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target)
{
    ngx_http_genai_translation_t  *t;

    if (ngx_http_genai_spoken(ctx, target->provider) == ctx->dialect) {
        return NGX_OK;
    }

    if (ngx_http_genai_translate_begin(ctx, target) != NGX_OK) {
        return NGX_ERROR;
    }

    t = ctx->translation;

    (void) ngx_http_genai_translate_step(t, SIZE_MAX);

    t->done = 0;

    return (t->rc == GENAI_CHAT_OK) ? NGX_OK
           : (t->rc == GENAI_CHAT_REFUSED) ? NGX_DECLINED : NGX_ERROR;
}


ngx_int_t
ngx_http_genai_translate(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target, ngx_str_t *body)
{
    genai_str_t                     text;
    ngx_http_genai_translation_t   *t;

    t = ctx->translation;

    if (t == NULL || t->target != target || !t->done) {

        if (ngx_http_genai_translate_begin(ctx, target) != NGX_OK) {
            return NGX_ERROR;
        }

        t = ctx->translation;

        (void) ngx_http_genai_translate_step(t, SIZE_MAX);
    }

    /* another attempt at this target would have other edits */

    t->done = 0;

    if (t->rc == GENAI_CHAT_REFUSED) {

        ctx->message.len = ngx_strlen(t->chat.error);
        ctx->message.data = ngx_pnalloc(r->pool, ctx->message.len);

        if (ctx->message.data == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(ctx->message.data, t->chat.error, ctx->message.len);

        return NGX_DECLINED;
    }

    if (t->rc != GENAI_CHAT_OK) {
        return NGX_ERROR;
    }

    text = t->out.text;
    ctx->content = t->dialect->signed_v4 ? t->digest : NULL;

    if (target->overrides.nelts) {

        ctx->content = NULL;

        if (ngx_http_genai_translate_set(ctx, target, &text) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    body->len = text.len;
    body->data = text.data;

    if (ngx_http_genai_translate_names(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_genai_dropped(r, ctx, t->chat.dropped, t->chat.ndropped);
}


/* what of the exchange it depends on */

static ngx_int_t
ngx_http_genai_translate_begin(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target)
{
    ngx_str_t                      *model;
    genai_str_t                     text;
    genai_chat_target_t            *to;
    ngx_http_genai_count_t         *count;
    const genai_catalog_model_t    *known;
    ngx_http_genai_translation_t   *t;

    t = ctx->translation;

    if (t == NULL) {

        t = genai_arena_alloc(&ctx->arena,
                              sizeof(ngx_http_genai_translation_t));
        if (t == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(t, sizeof(ngx_http_genai_translation_t));

        text.len = ctx->body.len;
        text.data = ctx->body.data;

        if (genai_document_init(&t->document, &text, &ctx->parsed->tape,
                                ctx->edits, NULL, &ctx->arena)
            != GENAI_EDIT_OK)
        {
            return NGX_ERROR;
        }

        genai_chat_init(&t->chat, ctx->dialect, &ctx->arena);

        ctx->translation = t;
    }

    model = target->model.len ? &target->model : &ctx->model;
    count = ngx_http_genai_count_of(ctx, target);
    known = count ? count->model : NULL;

    t->target = target;
    t->dialect = genai_dialect_bodies(ngx_http_genai_spoken(ctx,
                                                         target->provider));
    t->done = 0;

    to = &t->to;
    ngx_memzero(to, sizeof(genai_chat_target_t));

    to->model.len = model->len;
    to->model.data = model->data;
    to->stream = ctx->stream_asked;
    to->vertex = target->provider->vertex;
    to->max_output = -1;
    to->max_default = NGX_HTTP_GENAI_TRANSLATE_OUTPUT;

    if (known) {
        to->newer = (t->dialect == &genai_openai)
                    ? ngx_http_genai_quirks_newer(known)
                    : known->thinking == GENAI_THINKING_EFFORT;
        to->thinks = (known->thinking != GENAI_THINKING_NONE);
        to->fixed = (to->thinks
                     && known->framing == GENAI_FRAMING_OPENAI5);
        to->max_default = ngx_http_genai_limits_output(known, count->tokens);
        to->max_model = to->max_default;
    }

    to->quirks = ngx_http_genai_quirks_of(ctx, target);
    to->untold = ngx_http_genai_quirks_untold(ctx, target);

    if (ctx->cap) {
        to->max_output = ngx_min((int64_t) ctx->cap, to->max_default);
    }

    return NGX_OK;
}


/* knows no nginx type but its own data: a thread may run it */

static int
ngx_http_genai_translate_step(void *data, size_t budget)
{
    ngx_http_genai_translation_t *t = data;

    size_t              room;
    genai_writer_t      w;
    genai_sigv4_hash_t  hash;

    if (!t->read) {
        t->read = 1;
        t->read_rc = t->chat.dialect->read_chat(&t->chat, &t->document);
        t->ndropped = t->chat.ndropped;
    }

    t->rc = t->read_rc;
    t->done = 1;

    if (t->rc != GENAI_CHAT_OK) {
        return GENAI_REQUEST_DONE;
    }

    t->chat.ndropped = t->ndropped;

    ngx_memzero(&t->out, sizeof(genai_writer_arena_t));
    t->out.arena = t->chat.arena;

    /* it is about as long in every dialect, and would be copied as it grows */

    room = t->document.text.len + t->document.text.len / 8
           + NGX_HTTP_GENAI_TRANSLATE_MORE;

    t->out.text.data = genai_arena_alloc(t->out.arena, room);

    if (t->out.text.data) {
        t->out.room = room;
    }

    genai_writer_init(&w, genai_writer_arena, &t->out);

    t->rc = genai_chat_write(&t->chat, t->dialect, &t->to, &w);

    if (t->rc == GENAI_CHAT_OK && genai_writer_flush(&w) != 0) {
        t->rc = GENAI_CHAT_NO_MEMORY;
    }

    if (t->rc == GENAI_CHAT_OK && t->dialect->signed_v4) {
        genai_sigv4_hash_init(&hash);
        genai_sigv4_hash_add(&hash, t->out.text.data, t->out.text.len);
        genai_sigv4_hash_end(&hash, t->digest);
    }

    return GENAI_REQUEST_DONE;
}


/* the answer needs them when the arena is gone; they are few and bounded */

static ngx_int_t
ngx_http_genai_translate_names(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx)
{
    u_char              *p;
    ngx_uint_t           i;
    genai_tool_name_t   *name, *pair;
    genai_tool_names_t  *names;

    ctx->ntool_names = 0;

    names = ctx->translation->chat.names;

    if (names == NULL) {
        return NGX_OK;
    }

    name = ngx_palloc(r->pool, names->n * sizeof(genai_tool_name_t));

    p = ngx_pnalloc(r->pool, names->bytes + names->n * GENAI_TOOL_NAME_MAX);

    if (name == NULL || p == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < names->n; i++) {
        pair = &names->name[i];

        name[i].client.len = pair->client.len;
        name[i].client.data = p;
        p = ngx_cpymem(p, pair->client.data, pair->client.len);

        name[i].provider.len = pair->provider.len;
        name[i].provider.data = p;
        p = ngx_cpymem(p, pair->provider.data, pair->provider.len);
    }

    ctx->tool_names = name;
    ctx->ntool_names = names->n;

    return NGX_OK;
}


/* the text is a request that was written here, so it is one */

static ngx_int_t
ngx_http_genai_translate_set(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target, genai_str_t *text)
{
    ngx_uint_t                  i;
    genai_str_t                 name, json, slice;
    genai_scan_t                scan;
    genai_edits_t               edits;
    genai_document_t            document;
    genai_splicer_t             splicer;
    genai_writer_arena_t        out;
    ngx_http_genai_override_t  *o;

    genai_scan_init(&scan, &ctx->arena, text->data, text->len,
                    GENAI_REQUEST_VALUES);

    if (genai_scan(&scan, SIZE_MAX) != GENAI_SCAN_DONE) {
        return NGX_ERROR;
    }

    genai_edits_init(&edits, &scan.tape, &ctx->arena);

    o = target->overrides.elts;

    for (i = 0; i < target->overrides.nelts; i++) {

        name.len = o[i].name.len;
        name.data = o[i].name.data;
        json.len = o[i].json.len;
        json.data = o[i].json.data;

        if ((json.len ? genai_edit_set(&edits, 0, &name, &json)
                      : genai_edit_remove(&edits, 0, &name))
            != GENAI_EDIT_OK)
        {
            return NGX_ERROR;
        }
    }

    if (genai_document_init(&document, text, &scan.tape, &edits, NULL,
                            &ctx->arena)
        != GENAI_EDIT_OK)
    {
        return NGX_ERROR;
    }

    ngx_memzero(&out, sizeof(genai_writer_arena_t));
    out.arena = &ctx->arena;

    genai_splicer_init(&splicer, &document);

    while (genai_splicer_next(&splicer, &slice)) {
        if (genai_writer_arena(&out, slice.data, slice.len) != 0) {
            return NGX_ERROR;
        }
    }

    *text = out.text;

    return NGX_OK;
}
