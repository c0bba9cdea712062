
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The body of a provider's answer on its way to the client: decode, meter,
 * output.
 *
 * The decoder tells which bytes of the body are which chunk.  Those that need
 * no change pass as they came, up to an offset: to leave some out, or to put
 * others in their place, is to take over those before, and to go on behind.
 *
 * Event streams are copied into buffers of our own, and an event goes out
 * when it is whole: of a provider that dies within one, the client gets an
 * error event and not half a JSON text, which it could not be told any more.
 * An event that is larger than all buffers passes in pieces; if it is cut,
 * the answer is left without its end, which every client notices.
 *
 * The buffers are few.  When none is free the input stays where it is, with
 * nginx, which then stops to read: a slow client slows its provider.
 *
 * JSON answers pass in nginx's own buffers, the decoder only looks at them.
 */


#include "ngx_http_genai_output_int.h"


/* times that bytes become more in another dialect, hardly ever exceeded */
#define NGX_HTTP_GENAI_OUTPUT_GROWTH  16

/*
 * In r->buffered, whose other bits are of SSI, sub and copy.  The image
 * filter has this one in the connection's and not in the request's.
 */
#define NGX_HTTP_GENAI_BUFFERED     0x08


static void ngx_http_genai_output_unread(ngx_http_genai_ctx_t *ctx);
static ngx_http_genai_output_t *ngx_http_genai_output_create(
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_output_add(ngx_http_genai_output_t *o,
    ngx_chain_t *in);
static ngx_int_t ngx_http_genai_output_work(ngx_http_genai_output_t *o);
static ngx_int_t ngx_http_genai_output_whole(ngx_http_genai_output_t *o);
static ngx_int_t ngx_http_genai_output_stream(ngx_http_genai_output_t *o);
static ngx_int_t ngx_http_genai_output_feed(ngx_http_genai_output_t *o,
    u_char *p, size_t n);
static ngx_int_t ngx_http_genai_output_last(ngx_http_genai_output_t *o);
static int ngx_http_genai_output_event(void *data, genai_event_t *e);
static int ngx_http_genai_output_chunk(ngx_http_genai_output_t *o,
    genai_event_t *e);


ngx_int_t
ngx_http_genai_output_filter(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_chain_t *in, ngx_http_output_body_filter_pt next)
{
    ngx_int_t                 rc, last;
    ngx_uint_t                step;
    ngx_chain_t              *cl, *out;
    ngx_http_genai_output_t  *o;

    o = ctx->output;

    if (o == NULL) {

        if (in == NULL) {
            return next(r, in);
        }

        if (ctx->spoken == ctx->dialect
            && (ctx->coded
                || (!ctx->event_stream && !ngx_http_genai_answer_read(ctx))))
        {
            if (!ctx->meter.begun) {
                ngx_http_genai_output_unread(ctx);
            }

            return next(r, in);
        }

        o = ngx_http_genai_output_create(ctx);
        if (o == NULL) {
            return NGX_ERROR;
        }
    }

    if (in && ngx_http_genai_output_add(o, in) != NGX_OK) {
        return NGX_ERROR;
    }

    do {

        /* for an end alone there is less to do than to look at a clock */

        for (cl = o->in; cl && ngx_buf_special(cl->buf); cl = cl->next) {
            /* void */
        }

        step = (cl != NULL);

        if (step) {
            ngx_http_genai_step_begin(ctx);
        }

        rc = ngx_http_genai_output_work(o);
        ngx_http_genai_checkpoint(ctx);

        if (step) {
            ngx_http_genai_step_end(ctx);
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (ctx->head_held && o->stream) {

            if (rc == NGX_OK && !ctx->meaningful && !ctx->ended) {

                /* nothing but a beginning has come */

                return NGX_OK;
            }

            if (ngx_http_genai_send_head(r, ctx, -1) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        out = o->out;
        o->out = NULL;

        last = next(r, out);

        ngx_http_genai_output_update(o, out);

        if (last == NGX_ERROR) {
            return NGX_ERROR;
        }

    } while (rc == NGX_AGAIN
             && (ngx_http_genai_output_room(o) || o->busy == NULL));

    if (o->in) {
        r->buffered |= NGX_HTTP_GENAI_BUFFERED;
        return NGX_AGAIN;
    }

    r->buffered &= ~NGX_HTTP_GENAI_BUFFERED;

    return last;
}


/* an answer begins whose bytes nobody looks at */

static void
ngx_http_genai_output_unread(ngx_http_genai_ctx_t *ctx)
{
    if (ngx_http_genai_answer_read(ctx)) {
        ctx->meter.begun = 1;

        ngx_log_error(NGX_LOG_WARN, ctx->request->connection->log, 0,
                      "genai provider sent a coded answer: not read");

    } else if (ctx->status == NGX_HTTP_OK && ctx->endpoint
               && genai_endpoint_results(ctx->endpoint->endpoint))
    {
        ctx->meter.begun = 1;
        ctx->meaningful = 1;
        ctx->first_token = ctx->first_byte;
    }
}


static ngx_http_genai_output_t *
ngx_http_genai_output_create(ngx_http_genai_ctx_t *ctx)
{
    size_t                    size, decoder, encoder;
    ngx_uint_t                encoded, stream;
    genai_answer_opts_t       opts;
    ngx_http_genai_output_t  *o;

    encoded = (ctx->spoken != ctx->dialect);
    stream = encoded ? (ctx->stream_asked && ngx_http_genai_answer_read(ctx))
                     : ctx->event_stream;

    /* the end of a stream that a limit may end depends on what it has said */

    encoded |= (stream && ctx->reach.sliced && ctx->dialect != &genai_openai);

    size = ngx_align(sizeof(ngx_http_genai_output_t), 16);
    decoder = ngx_align(ctx->spoken->answer_size, 16);
    encoder = !encoded ? 0 : stream ? ctx->dialect->encoder_size
                                    : sizeof(genai_whole_t);

    o = ngx_http_genai_take(size + decoder + encoder);
    if (o == NULL) {
        return NULL;
    }

    genai_zero(o, sizeof(ngx_http_genai_output_t));

    o->ctx = ctx;
    o->left = NGX_HTTP_GENAI_OUTPUT_BUFS;
    o->stream = stream;
    o->read = ngx_http_genai_answer_read(ctx);
    o->size = size + decoder + encoder;
    o->dialect = ctx->spoken;
    o->answer = (genai_answer_t *) ((u_char *) o + size);
    o->silent = (ctx->spoken == ctx->dialect);

    ctx->output = o;

    if (encoded) {
        o->encoder = (u_char *) o + size + decoder;

        if (ngx_http_genai_encode_init(o) != NGX_OK) {
            return NULL;
        }
    }

    ngx_memzero(&opts, sizeof(genai_answer_opts_t));
    opts.stream = ctx->event_stream;
    opts.choices = ctx->choices;
    opts.results = ctx->endpoint
                   && genai_endpoint_results(ctx->endpoint->endpoint);

    o->dialect->answer_init(o->answer, &opts, ngx_http_genai_output_event, o);

    return o;
}


void
ngx_http_genai_output_close(ngx_http_genai_ctx_t *ctx)
{
    if (ctx->output) {
        ngx_http_genai_encode_close(ctx->output);
        ngx_http_genai_give(ctx->output, ctx->output->size);
        ctx->output = NULL;
    }
}


ngx_int_t
ngx_http_genai_output_begin(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_output_body_filter_pt next)
{
    ngx_int_t                 rc;
    ngx_chain_t              *out;
    ngx_http_genai_output_t  *o;

    o = ctx->output;

    if (ngx_http_genai_send_head(r, ctx, -1) != NGX_OK) {
        return NGX_ERROR;
    }

    if (o == NULL || o->out == NULL) {
        return NGX_OK;
    }

    out = o->out;
    o->out = NULL;

    rc = next(r, out);

    ngx_http_genai_output_update(o, out);

    return rc;
}


static ngx_int_t
ngx_http_genai_output_add(ngx_http_genai_output_t *o, ngx_chain_t *in)
{
    ngx_buf_t             *b;
    ngx_http_request_t    *r;
    ngx_http_genai_ctx_t  *ctx;

    b = in->buf;
    ctx = o->ctx;
    r = ctx->request;

    /*
     * nginx says that an answer broke off by nothing but a flush, after it
     * has let go of the upstream
     */

    if (ngx_buf_special(b) && !b->last_buf
        && r->upstream && r->upstream->cleanup == NULL)
    {
        if (ctx->inlined && ctx->error == GENAI_OK
            && !ngx_http_genai_cached(r))
        {
            ngx_http_genai_output_bad(o);
        }

        o->died = (ctx->error != GENAI_OK);
    }

    return ngx_chain_add_copy(r->pool, &o->in, in);
}


/*
 * Makes of the input what goes out.  Where some of it is left: NGX_AGAIN when
 * there was no room, NGX_BUSY when the exchange is parked.
 */

static ngx_int_t
ngx_http_genai_output_work(ngx_http_genai_output_t *o)
{
    ngx_int_t              rc;
    ngx_http_genai_ctx_t  *ctx;

    ctx = o->ctx;

    if (o->in == NULL) {
        return NGX_OK;
    }

    if (ctx->wait.what && ctx->wait.filter) {
        return NGX_BUSY;
    }

#if (NGX_HTTP_GENAI_DEBUG)

    if (ngx_http_genai_test_park_filter(ctx->request, ctx)) {
        return NGX_BUSY;
    }

#endif

    if (!o->stream) {
        return ngx_http_genai_output_whole(o);
    }

    rc = ngx_http_genai_output_stream(o);

    if (rc == NGX_OK && o->died && !ctx->ended) {
        rc = ngx_http_genai_output_cut(o);
    }

    /* at once, and all of one read together */

    if (o->out) {
        o->out_last->buf->flush = 1;
    }

    return rc;
}


/* a JSON answer: nginx's buffers pass, and are looked at */

static ngx_int_t
ngx_http_genai_output_whole(ngx_http_genai_output_t *o)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (o->encoder) {
        return ngx_http_genai_encode_whole(o);
    }

    for (cl = o->in; cl; cl = cl->next) {

        b = cl->buf;

        if (b->last != b->pos
            && ngx_http_genai_output_decode(o, b->pos, b->last - b->pos)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (!b->last_buf) {
            continue;
        }

        if (ngx_http_genai_output_end(o) != NGX_OK) {
            return NGX_ERROR;
        }

        if (o->cut && ngx_http_genai_answer_closed(o->ctx->request)) {

            /* whoever gets half a JSON text must see that it is no more */

            ngx_http_genai_output_bad(o);

            b->last_buf = 0;
            b->flush = 1;
            o->ctx->request->keepalive = 0;

        } else if (o->read && o->ctx->meter.end == GENAI_END_CUT
                   && !o->answer->closed && o->ctx->error == GENAI_OK)
        {
            /* no JSON: the client has it as it came, the log says so */

            ngx_http_genai_output_bad(o);
        }
    }

    o->out = o->in;
    o->in = NULL;

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_output_stream(ngx_http_genai_output_t *o)
{
    size_t        n, room;
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    while (o->in && !o->stopped) {

        cl = o->in;
        b = cl->buf;
        n = b->last - b->pos;

        if (n) {
            room = ngx_http_genai_output_room(o);

            if (room == 0) {

                if (o->busy == NULL && o->out == NULL) {

                    /* an event that is larger than all buffers */

                    o->split = 1;
                    ngx_http_genai_output_release(o);
                }

                return NGX_AGAIN;
            }

            if (o->encoder && !o->silent) {

                /* what is encoded is longer, and this much at the most */

                room = ngx_max(room / NGX_HTTP_GENAI_OUTPUT_GROWTH, 1);
            }

            n = ngx_min(n, room);

            if (ngx_http_genai_output_feed(o, b->pos, n) != NGX_OK) {
                return NGX_ERROR;
            }

            if (o->stopped) {
                break;
            }

            b->pos += n;

            if (b->pos != b->last) {
                continue;
            }
        }

        rc = NGX_OK;

        if (b->last_buf) {
            rc = ngx_http_genai_output_last(o);

        } else if (ngx_buf_special(b)) {
            rc = ngx_http_genai_output_link(o, b);
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }

        o->in = cl->next;
        ngx_free_chain(o->ctx->request->pool, cl);
    }

    /* nobody wants to know what else comes */

    while (o->in) {
        cl = o->in;
        cl->buf->pos = cl->buf->last;

        o->in = cl->next;
        ngx_free_chain(o->ctx->request->pool, cl);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_output_feed(ngx_http_genai_output_t *o, u_char *p, size_t n)
{
    o->piece = p;
    o->start = o->answer->offset;

    if (ngx_http_genai_output_decode(o, p, n) != NGX_OK && !o->stopped) {
        return NGX_ERROR;
    }

    if (o->encoder && !o->silent) {
        return o->stopped ? ngx_http_genai_output_stop(o) : NGX_OK;
    }

    if (o->whole > o->start) {

        if (ngx_http_genai_output_copy(o, o->whole) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_http_genai_output_release(o);
    }

    if (o->stopped) {
        return ngx_http_genai_output_stop(o);
    }

    return ngx_http_genai_output_copy(o, o->start + n);
}


ngx_int_t
ngx_http_genai_output_decode(ngx_http_genai_output_t *o, u_char *p, size_t n)
{
    if (o->ctx->first_byte == 0) {
        o->ctx->first_byte = o->ctx->step;
    }

    /* it stops for nothing but a lack of memory */

    return (genai_answer_feed(o->answer, p, n) == 0) ? NGX_OK : NGX_ERROR;
}


/* where there was nothing, nothing has begun */

ngx_int_t
ngx_http_genai_output_end(ngx_http_genai_output_t *o)
{
    if (o->answer->offset == 0 && o->read) {
        o->ctx->meter.error = 1;
        return NGX_OK;
    }

    return (genai_answer_end(o->answer) == 0) ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_genai_output_last(ngx_http_genai_output_t *o)
{
    ngx_buf_t             *b;
    ngx_http_genai_ctx_t  *ctx;

    ctx = o->ctx;

    if (ngx_http_genai_output_end(o) != NGX_OK && !o->stopped) {
        return NGX_ERROR;
    }

    if (o->stopped) {
        return ngx_http_genai_output_stop(o);
    }

    if (ngx_http_genai_output_torn(o)) {
        ngx_http_genai_output_bad(o);

        return ngx_http_genai_output_cut(o);
    }

    ngx_http_genai_output_release(o);

    b = ngx_calloc_buf(ctx->request->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    ctx->ended = 1;

    return ngx_http_genai_output_link(o, b);
}


/* an event of the answer, through what is to see it, in this order */

static int
ngx_http_genai_output_event(void *data, genai_event_t *e)
{
    ngx_http_genai_output_t *o = data;

    ngx_http_genai_ctx_t  *ctx;

    ctx = o->ctx;

    if (o->read) {
        ngx_http_genai_count_event(ctx, e);
        genai_meter_event(&ctx->meter, e);
        ngx_http_genai_stored_event(ctx, e);

        if (!ctx->meaningful && genai_event_meaningful(e)) {
            ctx->meaningful = 1;
            ctx->first_token = ctx->step;
            ngx_http_genai_deadline_token(ctx->request, ctx);
        }

        if (ctx->reach.sliced
            && ngx_http_genai_output_limit(o, e) != NGX_OK)
        {
            return -1;
        }
    }

    if (o->encoder && ngx_http_genai_encode_event(o, e) != 0) {
        return -1;
    }

    switch (e->type) {

    case GENAI_EVENT_CHUNK:

        if (o->encoder && !o->silent) {
            return 0;
        }

        return ngx_http_genai_output_chunk(o, e);

    case GENAI_EVENT_BROKEN:

        if (o->read && !o->broken) {
            o->broken = 1;

            ngx_log_error(NGX_LOG_WARN, ctx->request->connection->log, 0,
                          "genai provider sent what is no answer, at byte "
                          "%uL: %*s", e->start, e->text.len, e->text.data);
        }

        return 0;

    case GENAI_EVENT_END:
        o->cut &= (e->end_how == GENAI_END_CUT);
        return 0;

    default:
        return 0;
    }
}


/* a block is whole, or its end will not come */

static int
ngx_http_genai_output_chunk(ngx_http_genai_output_t *o, genai_event_t *e)
{
    if (e->chunk & GENAI_CHUNK_DATA) {
        o->done = (e->chunk & GENAI_CHUNK_DONE) != 0;
        o->cut = (e->chunk & GENAI_CHUNK_INCOMPLETE) && !o->done;
    }

    if (!o->stream) {
        return 0;
    }

    if (!(e->chunk & GENAI_CHUNK_TAIL)) {
        o->dropped = o->ctx->usage_added && !o->split
                     && genai_chunk_is_usage(e->chunk);
    }

    if (o->dropped) {

        if (e->start < o->taken) {

            /* all that is held is its beginning */

            ngx_http_genai_output_forget(o);

        } else if (ngx_http_genai_output_copy(o, e->start) != NGX_OK) {
            return -1;
        }

        o->taken = e->end;
    }

    o->whole = e->end;

    if (!(e->chunk & GENAI_CHUNK_INCOMPLETE)) {
        o->split = 0;
    }

    return 0;
}
