
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a provider keeps for a caller, and what of it a request refers to:
 * previous_response_id and item_reference of the Responses API.
 *
 * A credential is shared by all callers of a provider, who could so go on with
 * each other's conversations.  The books know what was kept for whom, and
 * where (genai_books_stored.h): it is looked for with the caller's team, and
 * what another one has looks like what is not there.  A request that refers to
 * anything goes to providers that have all of it, and to nobody else.
 */


#include "ngx_http_genai.h"
#include "genai_books_stored.h"
#include "genai_text.h"


/* bytes of an id that are told; longer ones than that are nobody's */
#define NGX_HTTP_GENAI_STORED_ID  256


static ngx_uint_t ngx_http_genai_stored_native(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_provider_t *p);
static ngx_int_t ngx_http_genai_stored_read(ngx_http_genai_ctx_t *ctx,
    uint32_t index, ngx_str_t *id);
static void ngx_http_genai_stored_object(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_provider_t *p, genai_stored_t *object);
static ngx_http_genai_verdict_e ngx_http_genai_stored_refuse(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx, const char *code,
    const char *what, ngx_str_t *id);
static void ngx_http_genai_stored_note(ngx_http_genai_ctx_t *ctx,
    const genai_str_t *id);
static ngx_uint_t ngx_http_genai_stored_kept(ngx_http_genai_ctx_t *ctx);


ngx_http_genai_verdict_e
ngx_http_genai_stored(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_str_t                *id;
    ngx_uint_t                i, n, native;
    genai_request_t          *req;
    ngx_http_genai_target_t  *targets;

    ctx->nrefers = 0;

    req = ctx->parsed;

    if (req == NULL) {
        return NGX_HTTP_GENAI_NEXT;
    }

    ctx->unkept = req->unkept;

    if (req->previous == 0 && req->conversation == 0 && req->nreferences == 0)
    {
        return NGX_HTTP_GENAI_NEXT;
    }

    /* what has to be translated is refused by who translates */

    targets = ctx->inlined ? NULL : ctx->entry->targets.elts;
    n = ctx->inlined ? 0 : ctx->entry->targets.nelts;

    for (i = 0, native = ctx->inlined; i < n && !native; i++) {
        native = ngx_http_genai_stored_native(ctx, targets[i].provider);
    }

    if (!native || ngx_http_genai_books_joined() == NULL) {
        return NGX_HTTP_GENAI_NEXT;
    }

    if (req->conversation) {
        return ngx_http_genai_stored_refuse(r, ctx, "conversation_not_found",
                                            "conversation", NULL);
    }

    id = genai_arena_alloc(&ctx->arena,
                           (req->nreferences + 1) * sizeof(ngx_str_t));
    if (id == NULL) {
        goto failed;
    }

    if (req->previous) {

        if (ngx_http_genai_stored_read(ctx, req->previous, &id[0]) != NGX_OK) {
            goto failed;
        }

        ctx->nrefers = 1;
    }

    for (i = 0; i < req->nreferences; i++) {

        if (ngx_http_genai_stored_read(ctx, req->references[i],
                                       &id[ctx->nrefers])
            != NGX_OK)
        {
            goto failed;
        }

        ctx->nrefers++;
    }

    ctx->refers = id;

    if (ctx->inlined) {

        if (ngx_http_genai_stored_at(ctx, NULL)) {
            return NGX_HTTP_GENAI_NEXT;
        }

    } else {

        for (i = 0; i < n; i++) {
            if (ngx_http_genai_stored_at(ctx, targets[i].provider)) {
                return NGX_HTTP_GENAI_NEXT;
            }
        }
    }

    return ngx_http_genai_stored_refuse(r, ctx, req->previous
                                        ? "previous_response_not_found"
                                        : "item_not_found",
                                        req->previous ? "previous response"
                                                      : "item",
                                        &ctx->unknown);

failed:

    return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_INTERNAL,
                                 "out of memory");
}


/* whether a provider gets the client's own bytes */

static ngx_uint_t
ngx_http_genai_stored_native(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_provider_t *p)
{
    return ngx_http_genai_spoken(ctx, p) == ctx->dialect;
}


static ngx_int_t
ngx_http_genai_stored_read(ngx_http_genai_ctx_t *ctx, uint32_t index,
    ngx_str_t *id)
{
    genai_str_t  raw;

    raw = genai_tape_view(&ctx->parsed->tape, index);

    id->data = genai_arena_alloc(&ctx->arena, raw.len + 1);
    if (id->data == NULL) {
        return NGX_ERROR;
    }

    id->len = genai_text_decode(id->data, &raw);

    return NGX_OK;
}


ngx_uint_t
ngx_http_genai_stored_at(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_provider_t *p)
{
    ngx_uint_t      i;
    genai_books_t  *books;
    genai_stored_t  object;

    if (ctx->nrefers == 0) {
        return 1;
    }

    books = ngx_http_genai_books_joined();

    if (books == NULL || (p && !ngx_http_genai_stored_native(ctx, p))) {
        return 0;
    }

    ngx_http_genai_stored_object(ctx, p, &object);

    for (i = 0; i < ctx->nrefers; i++) {

        object.id.len = ctx->refers[i].len;
        object.id.data = ctx->refers[i].data;

        if (object.id.len > NGX_HTTP_GENAI_STORED_ID
            || !genai_books_stored_known(books, &object,
                                         ngx_http_genai_now()))
        {
            ctx->unknown = ctx->refers[i];
            return 0;
        }
    }

    return 1;
}


/* inline there is no provider: there is one behind each location */

static void
ngx_http_genai_stored_object(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_provider_t *p, genai_stored_t *object)
{
    const genai_policy_t         *policy;
    const genai_policy_object_t  *team;

    ngx_memzero(object, sizeof(genai_stored_t));

    if (p) {
        object->provider.len = p->name.len;
        object->provider.data = p->name.data;
    }

    if (ctx->caller == NULL) {
        return;
    }

    policy = ctx->snapshot->policy;

    object->key = genai_policy_text(policy, ctx->caller->id);

    team = genai_policy_team(policy, ctx->caller);

    if (team) {
        object->team = genai_policy_text(policy, team->id);
    }
}


static ngx_http_genai_verdict_e
ngx_http_genai_stored_refuse(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    const char *code, const char *what, ngx_str_t *id)
{
    ctx->status = NGX_HTTP_NOT_FOUND;
    ctx->code.len = ngx_strlen(code);
    ctx->code.data = (u_char *) code;

    if (id == NULL) {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                     "%s not found: send the whole input "
                                     "instead", what);
    }

    return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_BAD_REQUEST,
                                 "%s with id '%*s' not found: send the whole "
                                 "input instead", what,
                                 ngx_min(id->len, NGX_HTTP_GENAI_STORED_ID),
                                 id->data);
}


void
ngx_http_genai_stored_event(ngx_http_genai_ctx_t *ctx, genai_event_t *e)
{
    if (ctx->endpoint->endpoint != GENAI_ENDPOINT_RESPONSES
        || ctx->spoken != ctx->dialect)
    {
        return;
    }

    switch (e->type) {

    case GENAI_EVENT_START:

        if (e->id.len == 0) {
            return;
        }

        ctx->kept_id.data = ngx_pnalloc(ctx->request->pool, e->id.len);

        if (ctx->kept_id.data) {
            ctx->kept_id.len = e->id.len;
            ngx_memcpy(ctx->kept_id.data, e->id.data, e->id.len);
        }

        return;

    case GENAI_EVENT_ITEM:
        ngx_http_genai_stored_note(ctx, &e->id);
        return;

    case GENAI_EVENT_FINISH:

        /* one that has failed is nothing to go on with */

        if (e->finish != GENAI_FINISH_ERROR && ctx->kept_id.data) {
            ngx_http_genai_stored_note(ctx, &(genai_str_t) {
                                       ctx->kept_id.len, ctx->kept_id.data });
        }

        return;

    default:
        return;
    }
}


static void
ngx_http_genai_stored_note(ngx_http_genai_ctx_t *ctx, const genai_str_t *id)
{
    genai_books_t   *books;
    genai_stored_t   object;

    books = ngx_http_genai_books_joined();

    if (books == NULL || id->len == 0 || !ngx_http_genai_stored_kept(ctx)) {
        return;
    }

    ngx_http_genai_stored_object(ctx, ctx->inlined ? NULL
                                                   : ctx->target->provider,
                                 &object);
    object.id = *id;

    genai_books_stored_note(books, &object, ngx_http_genai_now());
}


/* whether the provider was told to: a request that says nothing says yes */

static ngx_uint_t
ngx_http_genai_stored_kept(ngx_http_genai_ctx_t *ctx)
{
    ngx_uint_t                  i, kept;
    ngx_http_genai_override_t  *o;

    kept = !ctx->unkept;

    if (ctx->inlined) {
        return kept;
    }

    o = ctx->target->overrides.elts;

    for (i = 0; i < ctx->target->overrides.nelts; i++) {

        if (o[i].name.len == 5 && ngx_memcmp(o[i].name.data, "store", 5) == 0)
        {
            kept = (o[i].json.len != 5
                    || ngx_memcmp(o[i].json.data, "false", 5) != 0);
        }
    }

    return kept;
}

