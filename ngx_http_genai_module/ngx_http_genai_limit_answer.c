
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * How long an answer may be where a limit depends on it.  The provider is told,
 * and a stream takes of its limits as it goes, a slice at a time, so that what
 * is held is not much more than what was said.  Where there is no further slice
 * the stream ends.
 */


#include "ngx_http_genai_limit_int.h"


/* tokens of an answer where neither caller nor catalogue says how many */
#define NGX_HTTP_GENAI_CAP_DEFAULT   16384

/* and the most that is reckoned with */
#define NGX_HTTP_GENAI_CAP_MAX       ((uint64_t) 1 << 32)

/*
 * Tokens: a slice is taken when less are left, the smallest one; and when less
 * than that are left and no slice is, it is over: the event that comes next
 * must find its place in them.
 */
#define NGX_HTTP_GENAI_SLICE_AHEAD   64
#define NGX_HTTP_GENAI_SLICE_MIN     16
#define NGX_HTTP_GENAI_SLICE_END     8

/* a field that is none, that no provider gets, or that is no such number */
#define NGX_HTTP_GENAI_FIELD_NONE     -1
#define NGX_HTTP_GENAI_FIELD_DROPPED  -2
#define NGX_HTTP_GENAI_FIELD_OTHER    -3


static void ngx_http_genai_limits_fields(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target, int64_t fields[2]);
static const ngx_http_genai_override_t *ngx_http_genai_limits_override(
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_target_t *target);
static ngx_int_t ngx_http_genai_limits_render_in(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target, uint64_t cap, const genai_str_t *json);
static void ngx_http_genai_limits_quirks(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target, int64_t fields[2]);
static int64_t ngx_http_genai_limits_number(u_char *p, size_t len);
static void ngx_http_genai_limits_slice(ngx_http_genai_ctx_t *ctx,
    uint64_t said, uint64_t most, unsigned *which);
static ngx_int_t ngx_http_genai_limits_grow(ngx_http_genai_ctx_t *ctx,
    unsigned *which);


static const genai_str_t  ngx_http_genai_fields[] = {
    genai_str("max_tokens"), genai_str("max_completion_tokens")
};


uint64_t
ngx_http_genai_limits_output(const genai_catalog_model_t *model,
    uint64_t prompt)
{
    uint64_t  output, window;

    output = NGX_HTTP_GENAI_CAP_DEFAULT;

    if (model) {
        output = model->output ? model->output : output;

        if (model->context) {
            window = (model->context > prompt) ? model->context - prompt : 1;
            output = ngx_min(output, window);
        }
    }

    return ngx_min(output, NGX_HTTP_GENAI_CAP_MAX);
}


/*
 * The two fields as they are when the target's overrides are made: a number;
 * or what no cap is.
 */

static void
ngx_http_genai_limits_fields(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target, int64_t fields[2])
{
    uint32_t                    at;
    ngx_uint_t                  i, k;
    genai_str_t                 text;
    ngx_http_genai_override_t  *o;

    for (k = 0; k < 2; k++) {

        at = k ? ctx->parsed->max_completion_tokens : ctx->parsed->max_tokens;
        fields[k] = NGX_HTTP_GENAI_FIELD_NONE;

        if (at) {
            text = genai_tape_view(&ctx->parsed->tape, at);
            fields[k] = ngx_http_genai_limits_number(text.data, text.len);
        }
    }

    ngx_http_genai_limits_quirks(ctx, target, fields);

    for (k = 0; k < 2 && target; k++) {

        o = target->overrides.elts;

        for (i = 0; i < target->overrides.nelts; i++) {

            if (o[i].name.len != ngx_http_genai_fields[k].len
                || ngx_memcmp(o[i].name.data, ngx_http_genai_fields[k].data,
                              o[i].name.len)
                   != 0)
            {
                continue;
            }

            fields[k] = o[i].json.len
                        ? ngx_http_genai_limits_number(o[i].json.data,
                                                       o[i].json.len)
                        : NGX_HTTP_GENAI_FIELD_DROPPED;
        }
    }
}


/* as genai_quirks_edit() makes them */

static void
ngx_http_genai_limits_quirks(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target, int64_t fields[2])
{
    ngx_uint_t               from;
    const genai_quirks_t    *q;
    ngx_http_genai_count_t  *count;

    q = ngx_http_genai_quirks_of(ctx, target);

    if (q == NULL || ctx->dialect != &genai_openai
        || ctx->endpoint->endpoint != GENAI_ENDPOINT_CHAT)
    {
        return;
    }

    count = ngx_http_genai_count_of(ctx, target);

    switch (q->cap) {

    case GENAI_CAP_OLD:
        from = 1;
        break;

    case GENAI_CAP_NEWER:

        if (!ngx_http_genai_quirks_newer(count ? count->model : NULL)) {
            return;
        }

        from = 0;
        break;

    default:
        return;
    }

    if (fields[!from] == NGX_HTTP_GENAI_FIELD_NONE
        || fields[from] == NGX_HTTP_GENAI_FIELD_OTHER
        || (fields[from] >= 0 && fields[from] < fields[!from]))
    {
        fields[!from] = fields[from];
    }

    fields[from] = NGX_HTTP_GENAI_FIELD_DROPPED;
}


/* what is written in another way, as 1e3, is written anew */

static int64_t
ngx_http_genai_limits_number(u_char *p, size_t len)
{
    ngx_int_t  n;

    n = ngx_atoi(p, len);

    return (n == NGX_ERROR) ? NGX_HTTP_GENAI_FIELD_OTHER : n;
}


ngx_uint_t
ngx_http_genai_limits_tells(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target)
{
    int64_t                           fields[2];
    const ngx_http_genai_override_t  *o;

    if (ctx->parsed == NULL) {
        return 0;
    }

    if (ctx->dialect->cap_name.len) {

        /* what it is in cannot be changed in what is set */

        o = ngx_http_genai_limits_override(ctx, target);

        return o == NULL || (o->json.len && ctx->dialect->cap_in.len == 0);
    }

    ngx_http_genai_limits_fields(ctx, target, fields);

    return fields[0] != NGX_HTTP_GENAI_FIELD_DROPPED
           || fields[1] != NGX_HTTP_GENAI_FIELD_DROPPED;
}


/*
 * Where a limit depends on it the provider is told how long an answer may be:
 * in each of the fields that it gets and that says more, as nobody knows which
 * one it reads; where it would get none, in the one that the model takes.
 */

ngx_int_t
ngx_http_genai_limits_render(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target)
{
    u_char                        text[NGX_INT64_LEN];
    int64_t                       fields[2];
    uint64_t                      cap, own;
    ngx_uint_t                    k, there;
    genai_str_t                   json;
    const genai_catalog_model_t  *model;

    if (ctx->cap == 0 || ctx->parsed == NULL) {
        return NGX_OK;
    }

    model = ctx->count ? ctx->count->model : NULL;
    cap = ctx->cap;

    if (ctx->count) {
        own = ngx_http_genai_limits_output(model, ctx->count->tokens);
        cap = ngx_min(cap, own);
    }

    json.data = text;
    json.len = ngx_sprintf(text, "%uL", cap) - text;

    if (ctx->dialect->cap_name.len) {
        return ngx_http_genai_limits_render_in(ctx, target, cap, &json);
    }

    ngx_http_genai_limits_fields(ctx, target, fields);

    there = 0;

    for (k = 0; k < 2; k++) {

        if (fields[k] == NGX_HTTP_GENAI_FIELD_NONE
            || fields[k] == NGX_HTTP_GENAI_FIELD_DROPPED)
        {
            continue;
        }

        there = 1;

        if (fields[k] >= 0 && (uint64_t) fields[k] <= cap) {
            continue;
        }

        if (genai_edit_set(ctx->target_edits, 0, &ngx_http_genai_fields[k],
                           &json)
            != GENAI_EDIT_OK)
        {
            return NGX_ERROR;
        }
    }

    if (there) {
        return NGX_OK;
    }

    k = (ctx->endpoint->endpoint == GENAI_ENDPOINT_CHAT
         && ngx_http_genai_quirks_newer(model));

    if (fields[k] == NGX_HTTP_GENAI_FIELD_DROPPED) {
        k = !k;
    }

    if (fields[k] == NGX_HTTP_GENAI_FIELD_DROPPED) {
        return NGX_OK;
    }

    return genai_edit_set(ctx->target_edits, 0, &ngx_http_genai_fields[k],
                          &json)
           == GENAI_EDIT_OK ? NGX_OK : NGX_ERROR;
}


/* what the operator sets or drops of the member that has the cap in it */

static const ngx_http_genai_override_t *
ngx_http_genai_limits_override(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target)
{
    ngx_uint_t                        i, k;
    const genai_str_t                *names[2];
    const ngx_http_genai_override_t  *o;

    names[0] = ctx->dialect->cap_in.len ? &ctx->dialect->cap_in
                                        : &ctx->dialect->cap_name;
    names[1] = &ctx->dialect->cap_in_other;

    o = target ? target->overrides.elts : NULL;

    for (i = 0; target && i < target->overrides.nelts; i++) {

        for (k = 0; k < 2; k++) {

            if (names[k]->len && o[i].name.len == names[k]->len
                && ngx_memcmp(o[i].name.data, names[k]->data, names[k]->len)
                   == 0)
            {
                return &o[i];
            }
        }
    }

    return NULL;
}


/* of dialects that have one field for it, which may be within another */

static ngx_int_t
ngx_http_genai_limits_render_in(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target, uint64_t cap, const genai_str_t *json)
{
    u_char                            text[64 + NGX_INT64_LEN];
    int64_t                           n;
    uint32_t                          at, in;
    genai_str_t                       value;
    const genai_tape_t               *tape;
    const genai_dialect_t            *d;
    const ngx_http_genai_override_t  *o;

    d = ctx->dialect;
    tape = &ctx->parsed->tape;
    at = ctx->parsed->max_tokens ? ctx->parsed->max_tokens
                                 : ctx->parsed->max_completion_tokens;

    o = ngx_http_genai_limits_override(ctx, target);

    if (o) {

        if (d->cap_in.len || o->json.len == 0) {
            return NGX_OK;
        }

        value.data = o->json.data;
        value.len = o->json.len;
        at = 0;

    } else if (at) {
        value = genai_tape_view(tape, at);

    } else {
        value.len = 0;
    }

    if (value.len) {

        n = ngx_http_genai_limits_number(value.data, value.len);

        if (n >= 0 && (uint64_t) n <= cap) {
            return NGX_OK;
        }
    }

    if (at) {
        return genai_edit_value(ctx->target_edits, at, json) == GENAI_EDIT_OK
               ? NGX_OK : NGX_ERROR;
    }

    in = 0;

    if (d->cap_in.len) {

        in = genai_tape_find(tape, 0, (char *) d->cap_in.data, d->cap_in.len);

        if (in == 0 && d->cap_in_other.len) {
            in = genai_tape_find(tape, 0, (char *) d->cap_in_other.data,
                                 d->cap_in_other.len);
        }

        if (in == 0 || genai_tape_type(tape, in) != GENAI_TAPE_OBJECT) {

            value.data = text;
            value.len = ngx_snprintf(text, sizeof(text), "{\"%*s\":%uL}",
                                     d->cap_name.len, d->cap_name.data, cap)
                        - text;

            return genai_edit_set(ctx->target_edits, 0, &d->cap_in, &value)
                   == GENAI_EDIT_OK ? NGX_OK : NGX_ERROR;
        }
    }

    return genai_edit_set(ctx->target_edits, in, &d->cap_name, json)
           == GENAI_EDIT_OK ? NGX_OK : NGX_ERROR;
}


/*
 * A token is a byte at least, so that it need not be asked after every one;
 * what a provider frames calls with is less than what is taken ahead.  Of what
 * is not counted yet, as it may still change, each byte is taken for a token;
 * it is counted where that makes a difference.
 */

ngx_int_t
ngx_http_genai_limits_extend(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    uint64_t                 said, likely, most, left;
    unsigned                 which;
    ngx_http_genai_reach_t  *reach;

    reach = &ctx->reach;

    if (!reach->sliced || ctx->meter.answer < reach->sure
        || ctx->lease == NULL)
    {
        return NGX_OK;
    }

    most = ngx_http_genai_limits_most(reach);

    said = ngx_http_genai_count_said_bound(ctx, 0, &likely);

    if (said + NGX_HTTP_GENAI_SLICE_AHEAD > reach->answer
        && (said > most || reach->answer != most))
    {
        said = ngx_http_genai_count_said_bound(ctx, 1, &likely);
    }

    if (said > most) {

        /* the provider was told when to end: no estimate knows it better */

        said = ngx_max(most, likely);
    }

    if (reach->answer == most && said <= most) {
        reach->sure = ctx->meter.answer + (most - ngx_min(said, likely));
        return NGX_OK;
    }

    which = 0;

    if (said + NGX_HTTP_GENAI_SLICE_AHEAD > reach->answer) {
        ngx_http_genai_limits_slice(ctx, said, most, &which);
    }

    left = (reach->answer > said) ? reach->answer - said : 0;

    if (left < NGX_HTTP_GENAI_SLICE_END && reach->answer != most) {

        if (!ctx->event_stream) {

            /* a JSON answer has an end that only its provider can write */

            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "genai: a stream of %uL tokens has used up a limit and "
                      "is ended", said);

        ngx_http_genai_metrics_limit(NGX_HTTP_GENAI_LIMIT_CUT,
                                     &ctx->holds[which]);

        return NGX_DECLINED;
    }

    reach->sure = ctx->meter.answer;

    if (left > NGX_HTTP_GENAI_SLICE_AHEAD) {
        reach->sure += left - NGX_HTTP_GENAI_SLICE_AHEAD;

    } else if (left > NGX_HTTP_GENAI_SLICE_END) {
        reach->sure += left - NGX_HTTP_GENAI_SLICE_END;
    }

    return NGX_OK;
}


/* the largest slice that there is; where there is none, *which is tight */

static void
ngx_http_genai_limits_slice(ngx_http_genai_ctx_t *ctx, uint64_t said,
    uint64_t most, unsigned *which)
{
    uint64_t                 held, slice;
    ngx_http_genai_reach_t  *reach;

    reach = &ctx->reach;
    held = reach->answer;

    for (slice = NGX_HTTP_GENAI_SLICE;
         slice >= NGX_HTTP_GENAI_SLICE_MIN;
         slice /= 2)
    {
        reach->answer = ngx_max(held, said) + slice;

        if (said <= most) {
            reach->answer = ngx_min(reach->answer, most);
        }

        if (ngx_http_genai_limits_grow(ctx, which) == NGX_OK) {
            return;
        }
    }

    reach->answer = held;
}


/* takes what ctx->reach is more than what is held */

static ngx_int_t
ngx_http_genai_limits_grow(ngx_http_genai_ctx_t *ctx, unsigned *which)
{
    uint64_t        taken[GENAI_HOLDS_MAX], more[GENAI_HOLDS_MAX];
    ngx_uint_t      i;
    genai_hold_t   *holds;
    genai_books_t  *books;

    books = ngx_http_genai_books_joined();

    if (books == NULL || ctx->lease == NULL) {
        return NGX_OK;
    }

    holds = ctx->holds;

    for (i = 0; i < ctx->nholds; i++) {
        taken[i] = holds[i].take;
    }

    (void) ngx_http_genai_limits_takes(ctx, holds, ctx->nholds);

    for (i = 0; i < ctx->nholds; i++) {
        holds[i].take = ngx_max(holds[i].take, taken[i]);
        more[i] = holds[i].take - taken[i];
    }

    if (genai_books_extend(books, ctx->lease, more, ctx->nholds, which)
        == GENAI_HOLD_OK)
    {
        return NGX_OK;
    }

    for (i = 0; i < ctx->nholds; i++) {
        holds[i].take = taken[i];
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_genai_limits_again(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    u_char     text[NGX_HTTP_GENAI_LIMIT_TEXT], *p;
    unsigned   which;

    if (ngx_http_genai_limits_grow(ctx, &which) == NGX_OK) {
        return NGX_OK;
    }

    p = genai_limit_write(text, &ctx->holds[which].limit);

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "genai target \"%V\" failed and may be billed, and the limit "
                  "\"%*s\" has nothing left for another attempt",
                  &ctx->target->name, p - text, text);

    return NGX_DECLINED;
}
