
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Ends of an answer that are not the provider's: it broke off, or a limit
 * gives no more.
 */


#include "ngx_http_genai_output_int.h"
#include "genai_openai_answer.h"


/* bytes that the end of a choice may take, and of an id or a name in it */
#define NGX_HTTP_GENAI_OUTPUT_END   1024
#define NGX_HTTP_GENAI_OUTPUT_WORD  128


static ngx_int_t ngx_http_genai_output_head(ngx_http_genai_output_t *o,
    const genai_str_t *id, const genai_str_t *model);
static ngx_int_t ngx_http_genai_output_text(ngx_pool_t *pool,
    genai_str_t *dst, const genai_str_t *src);
static void ngx_http_genai_output_let_go(ngx_http_request_t *r);
static ngx_int_t ngx_http_genai_output_length(ngx_http_genai_output_t *o);
static int ngx_http_genai_output_write(void *data, const unsigned char *p,
    size_t n);


void
ngx_http_genai_output_bad(ngx_http_genai_output_t *o)
{
    o->ctx->error = GENAI_PROVIDER_BAD_ANSWER;
    o->ctx->status = genai_error_status(GENAI_PROVIDER_BAD_ANSWER);
}


ngx_uint_t
ngx_http_genai_output_between(ngx_http_genai_ctx_t *ctx)
{
    ngx_http_genai_output_t  *o;

    o = ctx->output;

    return o == NULL
           || (o->in == NULL && o->held == NULL
               && (o->out == NULL || ctx->head_held)
               && o->busy == NULL && !o->split && !o->begun && !o->stopped
               && !o->died);
}


/* none that is done ends within a line of data, or without its last word */

ngx_uint_t
ngx_http_genai_output_torn(ngx_http_genai_output_t *o)
{
    u_char  c;

    if (o->encoder && !o->silent) {

        /* whoever translates cannot leave it to the client to find out */

        return !o->failed && (o->cut || o->bad || o->answer->offset == 0);
    }

    if (!ngx_http_genai_answer_closed(o->ctx->request)) {
        return 0;
    }

    if (o->read && !o->ctx->meter.error
        && o->ctx->meter.end == GENAI_END_CUT)
    {
        return 1;
    }

    if (!o->cut || o->held == NULL) {
        return o->cut && o->split;
    }

    c = o->held_last->buf->last[-1];

    return c != LF && c != CR;
}


ngx_int_t
ngx_http_genai_output_cut(ngx_http_genai_output_t *o)
{
    ngx_buf_t             *b;
    ngx_http_request_t    *r;
    ngx_http_genai_ctx_t  *ctx;

    ctx = o->ctx;
    r = ctx->request;

    ctx->ended = 1;

    if (o->split && o->encoder == NULL) {
        return NGX_OK;
    }

    if (((o->done && !o->bad) || o->failed) && o->held == NULL) {

        /* only its framing lacks the end */

        if (o->read && ctx->error != GENAI_CALLER_GONE) {
            ctx->error = GENAI_OK;
            ctx->status = NGX_HTTP_OK;
        }

        b = ngx_calloc_buf(r->pool);

    } else {

        if (ctx->message.len == 0) {
            ngx_str_set(&ctx->message, "the provider broke off its answer");

            if (o->bad && !o->cut) {
                ngx_str_set(&ctx->message, "the provider's answer, or a part "
                            "of it, cannot be read");
            }
        }

        if (ngx_http_genai_output_unsaid(o)) {
            return ngx_http_genai_encode_refuse(o);
        }

        if (o->encoder) {

            if (ngx_http_genai_encode_fail(o) != NGX_OK) {
                return NGX_ERROR;
            }

            b = ngx_calloc_buf(r->pool);

        } else {
            b = ngx_http_genai_error_buf(r, ctx, 1);
        }
    }

    if (b == NULL) {
        return NGX_ERROR;
    }

    ngx_http_genai_output_forget(o);

    b->last_buf = 1;
    b->last_in_chain = 1;

    return ngx_http_genai_output_link(o, b);
}


ngx_int_t
ngx_http_genai_output_limit(ngx_http_genai_output_t *o, genai_event_t *e)
{
    ngx_int_t              rc;
    ngx_http_genai_ctx_t  *ctx;

    ctx = o->ctx;

    switch (e->type) {

    case GENAI_EVENT_START:
        return o->stream ? ngx_http_genai_output_head(o, &e->id, &e->name)
                         : NGX_OK;

    case GENAI_EVENT_FINISH:

        if (o->head && e->choice < NGX_HTTP_GENAI_OUTPUT_CHOICES) {
            o->head->finished[e->choice / 64] |= (uint64_t) 1
                                                 << (e->choice % 64);
        }

        return NGX_OK;

    case GENAI_EVENT_TOOL:

        /* more than its bytes are counted */

        ctx->reach.sure = 0;
        break;

    case GENAI_EVENT_TEXT:
    case GENAI_EVENT_REASONING:
    case GENAI_EVENT_REFUSAL:
    case GENAI_EVENT_ARGUMENTS:
        break;

    default:
        return NGX_OK;
    }

    if (e->copy) {
        return NGX_OK;
    }

    rc = ngx_http_genai_limits_extend(ctx->request, ctx);

    /* a JSON answer has an end that nobody but its provider can write */

    o->stopped = (rc == NGX_DECLINED && o->stream);

    return o->stopped ? NGX_DECLINED : NGX_OK;
}


/* the event is gone when the end is written */

static ngx_int_t
ngx_http_genai_output_head(ngx_http_genai_output_t *o, const genai_str_t *id,
    const genai_str_t *model)
{
    ngx_pool_t                    *pool;
    genai_str_t                    own[2];
    ngx_http_genai_ctx_t          *ctx;
    ngx_http_genai_output_head_t  *head;

    head = o->head;

    if (head && !o->silent) {
        return NGX_OK;
    }

    ctx = o->ctx;
    pool = ctx->request->pool;

    own[0].len = NGX_HTTP_GENAI_ID_LEN;
    own[0].data = ctx->id;
    own[1].len = ctx->model.len;
    own[1].data = ctx->model.data;

    if (head) {

        /* an encoder that is silent goes on with the provider's answer */

        return ((id->len == 0
                 || ngx_http_genai_output_text(pool, &head->answer.id, id)
                    == NGX_OK)
                && (model->len == 0
                    || ngx_http_genai_output_text(pool, &head->answer.model,
                                                  model)
                       == NGX_OK))
               ? NGX_OK : NGX_DECLINED;
    }

    head = ngx_pcalloc(pool, sizeof(ngx_http_genai_output_head_t));

    if (head == NULL
        || ngx_http_genai_output_text(pool, &head->answer.id,
                                      id->len ? id : &own[0])
           != NGX_OK
        || ngx_http_genai_output_text(pool, &head->answer.model,
                                      model->len ? model : &own[1])
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    head->answer.created = ngx_time();
    head->answer.text = (ctx->endpoint->endpoint
                         == GENAI_ENDPOINT_COMPLETIONS);

    /* we ask for it wherever the client does not */

    head->answer.usage = !ctx->usage_added;

    o->head = head;

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_output_text(ngx_pool_t *pool, genai_str_t *dst,
    const genai_str_t *src)
{
    dst->len = ngx_min(src->len, NGX_HTTP_GENAI_OUTPUT_WORD);
    dst->data = ngx_pnalloc(pool, dst->len + 1);

    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(dst->data, src->data, dst->len);

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_output_stop(ngx_http_genai_output_t *o)
{
    ngx_buf_t             *b;
    genai_event_t          e;
    ngx_http_genai_ctx_t  *ctx;

    ctx = o->ctx;

    if (o->failed && ngx_http_genai_output_unsaid(o)) {
        return ngx_http_genai_encode_refuse(o);
    }

    if (o->wrong.len) {
        o->bad = 1;
        ngx_http_genai_output_bad(o);
        ctx->message = o->wrong;
        ngx_http_genai_output_let_go(ctx->request);

        return ngx_http_genai_output_cut(o);
    }

    ctx->ended = 1;
    ctx->limited = 1;

    ngx_http_genai_output_let_go(ctx->request);

    if (o->encoder && !o->silent) {

        if (ngx_http_genai_encode_length(o) != NGX_OK) {
            return NGX_ERROR;
        }

        goto end;
    }

    ngx_http_genai_output_forget(o);

    if (o->split) {

        /* half an event cannot be ended */

        ctx->request->keepalive = 0;
        return NGX_OK;
    }

    if (o->encoder) {

        /* what it believes to be open is within the event that is gone */

        ngx_memzero(&e, sizeof(genai_event_t));
        e.type = GENAI_EVENT_CHUNK;

        (void) ctx->dialect->encoder_event(o->encoder, &e);

        o->silent = 0;

        if (ngx_http_genai_encode_length(o) != NGX_OK) {
            return NGX_ERROR;
        }

    } else if (ngx_http_genai_output_length(o) != NGX_OK) {
        return NGX_ERROR;
    }

end:

    b = ngx_calloc_buf(ctx->request->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    return ngx_http_genai_output_link(o, b);
}


/*
 * The connection is closed, which tells a provider to stop.  nginx looks at
 * these when it comes back from the filters, or by the event.
 */

static void
ngx_http_genai_output_let_go(ngx_http_request_t *r)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (u == NULL || u->cleanup == NULL || u->peer.connection == NULL) {
        return;
    }

    u->keepalive = 0;

    if (u->buffering && u->pipe) {
        u->pipe->upstream_done = 1;
        u->cacheable = 0;
        u->store = 0;

    } else {
        u->length = 0;
    }

    ngx_post_event(u->peer.connection->read, &ngx_posted_events);
}


/* "length" of every choice that has no end, usage where it was asked for */

static ngx_int_t
ngx_http_genai_output_length(ngx_http_genai_output_t *o)
{
    unsigned                       i, n;
    genai_event_t                  e;
    genai_usage_t                  usage;
    genai_tokens_t                 tokens;
    ngx_http_genai_ctx_t          *ctx;
    genai_openai_stream_t          s;
    ngx_http_genai_output_head_t  *head;

    static const genai_str_t  unknown = genai_str("");

    if (ngx_http_genai_output_head(o, &unknown, &unknown) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx = o->ctx;
    head = o->head;

    genai_openai_stream_init(&s, &head->answer, ngx_http_genai_output_write,
                             o);

    /* none of them begins here */

    ngx_memset(s.begun, 0xff, sizeof(s.begun));

    ngx_memzero(&e, sizeof(genai_event_t));

    e.type = GENAI_EVENT_FINISH;
    e.finish = GENAI_FINISH_LENGTH;

    n = ngx_min(ctx->choices, NGX_HTTP_GENAI_OUTPUT_CHOICES);

    for (i = 0; i < n; i++) {

        if (head->finished[i / 64] & ((uint64_t) 1 << (i % 64))) {
            continue;
        }

        e.choice = i;
        (void) genai_openai_stream_event(&s, &e);
    }

    genai_meter_tokens(&ctx->meter, &tokens);
    genai_usage_clear(&usage);

    usage.prompt = tokens.prompt;
    usage.completion = tokens.completion;

    e.type = GENAI_EVENT_USAGE;
    e.usage = &usage;
    (void) genai_openai_stream_event(&s, &e);

    e.type = GENAI_EVENT_END;
    e.end_how = GENAI_END_DONE;

    return genai_openai_stream_event(&s, &e) == 0 ? NGX_OK : NGX_ERROR;
}


static int
ngx_http_genai_output_write(void *data, const unsigned char *p, size_t n)
{
    ngx_http_genai_output_t *o = data;

    size_t      size;
    ngx_buf_t  *b;

    while (n) {

        b = o->ending;

        if (b == NULL || b->last == b->end) {

            b = ngx_create_temp_buf(o->ctx->request->pool,
                                    NGX_HTTP_GENAI_OUTPUT_END);

            if (b == NULL || ngx_http_genai_output_link(o, b) != NGX_OK) {
                return -1;
            }

            o->ending = b;
        }

        size = ngx_min(n, (size_t) (b->end - b->last));

        b->last = ngx_cpymem(b->last, p, size);
        p += size;
        n -= size;
    }

    return 0;
}
