
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Answers in another dialect than their provider's: events become bytes of
 * the client's dialect, as a stream or as one JSON text, whichever the client
 * has asked for and however the provider has answered.
 *
 * A stream goes out event by event, as one that passes does, from the same
 * buffers.  A JSON answer is put together first, and its head waits for it,
 * so that one that turns out to be none has the right status; that of a stream
 * waits for its first word, for the same reason.
 */


#include "ngx_http_genai_output_int.h"


/* bytes of a JSON answer's texts, and of those that a stream says again */
#define NGX_HTTP_GENAI_ENCODE_MAX   (16 * 1024 * 1024)
#define NGX_HTTP_GENAI_ENCODE_KEEP  (1024 * 1024)

/* buffers of it */
#define NGX_HTTP_GENAI_ENCODE_SIZE  16384


static ngx_int_t ngx_http_genai_encode_named(ngx_http_genai_output_t *o,
    genai_event_t *e);
static void ngx_http_genai_encode_nameless(ngx_http_genai_output_t *o);
static int ngx_http_genai_encode_finish(ngx_http_genai_output_t *o);
static void ngx_http_genai_encode_said(ngx_http_genai_output_t *o,
    const genai_str_t *type, const genai_str_t *code,
    const genai_str_t *message);
static ngx_int_t ngx_http_genai_encode_error(ngx_http_genai_output_t *o);
static ngx_int_t ngx_http_genai_encode_answer(ngx_http_genai_output_t *o);
static int ngx_http_genai_encode_write(void *data, const unsigned char *p,
    size_t n);
static int ngx_http_genai_encode_add(void *data, const unsigned char *p,
    size_t n);
static void *ngx_http_genai_encode_alloc(void *ctx, void *p, size_t old,
    size_t size);


ngx_int_t
ngx_http_genai_encode_init(ngx_http_genai_output_t *o)
{
    u_char                        *p;
    ngx_str_t                     *model;
    const genai_str_t             *prefix;
    ngx_http_genai_ctx_t          *ctx;
    ngx_http_genai_output_head_t  *head;

    ctx = o->ctx;
    prefix = &ctx->dialect->id_prefix;

    head = ngx_pcalloc(ctx->request->pool,
                       sizeof(ngx_http_genai_output_head_t));
    if (head == NULL) {
        return NGX_ERROR;
    }

    head->answer.id.data = (u_char *) "";
    head->answer.model.data = (u_char *) "";

    if (!o->silent) {

        p = ngx_pnalloc(ctx->request->pool,
                        prefix->len + NGX_HTTP_GENAI_ID_LEN);
        if (p == NULL) {
            return NGX_ERROR;
        }

        head->answer.id.data = p;
        head->answer.id.len = prefix->len + NGX_HTTP_GENAI_ID_LEN;

        p = ngx_cpymem(p, prefix->data, prefix->len);
        ngx_memcpy(p, ctx->id, NGX_HTTP_GENAI_ID_LEN);

        /* the name that the client knows */

        model = &ctx->model;

        head->answer.model.len = model->len;
        head->answer.model.data = model->data;
    }

    head->answer.created = ngx_time();
    head->answer.usage = !ctx->usage_added;
    head->answer.prompt = ctx->count ? ctx->count->tokens : -1;

    o->head = head;

    if (o->stream) {
        ctx->dialect->encoder_init(o->encoder, &head->answer,
                                   ngx_http_genai_encode_write, o);

        if (ctx->array && !o->silent) {
            ctx->dialect->encoder_array(o->encoder);
        }

        if (ctx->dialect->encoder_keep) {
            ctx->dialect->encoder_keep(o->encoder,
                                       o->silent ? NGX_HTTP_GENAI_ENCODE_MAX
                                                 : NGX_HTTP_GENAI_ENCODE_KEEP,
                                       ngx_http_genai_encode_alloc, NULL);
        }

    } else {
        genai_whole_init(o->encoder, &head->answer, NGX_HTTP_GENAI_ENCODE_MAX,
                         ngx_http_genai_encode_alloc, NULL);
    }

    return NGX_OK;
}


void
ngx_http_genai_encode_close(ngx_http_genai_output_t *o)
{
    if (o->encoder == NULL || o->head == NULL) {
        return;
    }

    if (!o->stream) {
        genai_whole_free(o->encoder);

    } else if (o->ctx->dialect->encoder_free) {
        o->ctx->dialect->encoder_free(o->encoder);
    }
}


int
ngx_http_genai_encode_event(ngx_http_genai_output_t *o, genai_event_t *e)
{
    if (o->silent) {

        /* what it cannot keep passes all the same */

        (void) o->ctx->dialect->encoder_event(o->encoder, e);
        return 0;
    }

    switch (e->type) {

    case GENAI_EVENT_BROKEN:

        /* what of a stream was in it is not known, but behind its end */

        o->bad |= !(o->stream && o->answer->ended);
        return 0;

    case GENAI_EVENT_ERROR:
        o->failed = 1;

        if (ngx_http_genai_output_unsaid(o)) {

            /* the client gets its status, and no stream */

            o->stopped = 1;
            ngx_http_genai_encode_said(o, &e->name, &e->id, &e->text);

            return -1;
        }

        break;

    case GENAI_EVENT_TOOL:
        o->called = 1;

        if (ngx_http_genai_encode_named(o, e) != NGX_OK) {
            return o->stream ? -1 : 0;
        }

        genai_tool_name_back(o->ctx->tool_names, o->ctx->ntool_names,
                             &e->name);
        break;

    case GENAI_EVENT_FINISH:
        o->finished |= (e->choice == 0);

        if (o->unnamed && e->choice == o->choice) {
            ngx_http_genai_encode_nameless(o);

            return o->stream ? -1 : 0;
        }

        break;

    case GENAI_EVENT_CHUNK:

        if (e->chunk & GENAI_CHUNK_DATA) {
            o->done = (e->chunk & GENAI_CHUNK_DONE) != 0;
        }

        break;

    case GENAI_EVENT_END:
        o->cut = (e->end_how == GENAI_END_CUT);
        o->bad |= !(o->finished || o->ctx->meaningful);

        if (o->cut || o->bad || o->failed) {

            /* what the client is told then is said elsewhere */

            return 0;
        }

        if (o->unnamed) {
            ngx_http_genai_encode_nameless(o);

            return o->stream ? -1 : 0;
        }

        if (!o->finished && ngx_http_genai_encode_finish(o) != 0) {
            return -1;
        }

        break;

    default:
        break;
    }

    if (!o->stream) {

        if (genai_whole_event(o->encoder, e) != 0 && o->wrong.len == 0) {
            ngx_str_set(&o->wrong, NGX_HTTP_GENAI_ENCODE_LARGE);
        }

        return 0;
    }

    if (o->ctx->dialect->encoder_event(o->encoder, e) != 0) {

        /* the client is told, which shows whether it was memory */

        if (e->type != GENAI_EVENT_ERROR) {
            o->stopped = 1;
            ngx_str_set(&o->wrong, NGX_HTTP_GENAI_ENCODE_LARGE);
        }

        return -1;
    }

    if (e->type == GENAI_EVENT_CHUNK || e->type == GENAI_EVENT_END) {

        /* all that was begun has ended, but for one that is long */

        if (o->held) {
            o->begun = (o->held_last->buf->last[-1] != LF);
        }

        ngx_http_genai_output_release(o);
        o->split = 0;
    }

    return 0;
}


/*
 * A name may come late, but before that of another call is late: nobody can
 * call a tool that has none.
 */

static ngx_int_t
ngx_http_genai_encode_named(ngx_http_genai_output_t *o, genai_event_t *e)
{
    if (e->copy) {
        return NGX_OK;
    }

    if (o->unnamed && o->choice == e->choice && o->block == e->block) {
        o->unnamed = (e->name.len == 0);
        return NGX_OK;
    }

    if (!e->first || e->name.len) {
        return NGX_OK;
    }

    if (o->unnamed) {
        ngx_http_genai_encode_nameless(o);
        return NGX_ERROR;
    }

    o->unnamed = 1;
    o->choice = e->choice;
    o->block = e->block;

    return NGX_OK;
}


static void
ngx_http_genai_encode_nameless(ngx_http_genai_output_t *o)
{
    o->stopped |= o->stream;
    ngx_str_set(&o->wrong, "the provider called a tool without a name");
}


/* it has ended as it should, but without a reason, which SDKs insist on */

static int
ngx_http_genai_encode_finish(ngx_http_genai_output_t *o)
{
    genai_event_t  e;

    ngx_memzero(&e, sizeof(genai_event_t));

    e.type = GENAI_EVENT_FINISH;
    e.finish = o->called ? GENAI_FINISH_TOOL : GENAI_FINISH_STOP;

    return ngx_http_genai_encode_event(o, &e);
}


ngx_int_t
ngx_http_genai_encode_fail(ngx_http_genai_output_t *o)
{
    genai_event_t          e;
    const genai_str_t     *word;
    ngx_http_genai_ctx_t  *ctx;

    ctx = o->ctx;

    if (o->failed) {

        /* the provider has said why */

        return NGX_OK;
    }

    o->failed = 1;
    word = genai_error_word(ctx->error);

    ngx_memzero(&e, sizeof(genai_event_t));

    e.type = GENAI_EVENT_ERROR;
    e.text.len = ctx->message.len;
    e.text.data = ctx->message.data;
    e.id = *word;

    if (ctx->dialect->encoder_event(o->encoder, &e) != 0) {
        return NGX_ERROR;
    }

    ngx_http_genai_output_release(o);

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_encode_refuse(ngx_http_genai_output_t *o)
{
    ngx_buf_t             *b;
    ngx_http_genai_ctx_t  *ctx;

    ctx = o->ctx;

    /* what was written is the beginning of a stream that is none */

    ngx_http_genai_output_forget(o);

    o->out = NULL;
    o->stopped = 1;
    ctx->ended = 1;

    b = ngx_http_genai_error_buf(ctx->request, ctx, 0);

    ngx_str_null(&ctx->message);
    ngx_str_null(&ctx->code);

    if (b == NULL
        || ngx_http_genai_send_head(ctx->request, ctx, b->last - b->pos)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    return ngx_http_genai_output_link(o, b);
}


ngx_int_t
ngx_http_genai_encode_length(ngx_http_genai_output_t *o)
{
    unsigned               i, n;
    genai_event_t          e;
    genai_usage_t          usage;
    genai_tokens_t         tokens;
    ngx_http_genai_ctx_t  *ctx;

    ctx = o->ctx;

    ngx_memzero(&e, sizeof(genai_event_t));

    e.type = GENAI_EVENT_FINISH;
    e.finish = GENAI_FINISH_LENGTH;

    n = ngx_min(ctx->choices, NGX_HTTP_GENAI_OUTPUT_CHOICES);

    for (i = 0; i < n; i++) {

        if (o->head->finished[i / 64] & ((uint64_t) 1 << (i % 64))) {
            continue;
        }

        e.choice = i;

        if (ctx->dialect->encoder_event(o->encoder, &e) != 0) {
            return NGX_ERROR;
        }
    }

    genai_meter_tokens(&ctx->meter, &tokens);
    genai_usage_clear(&usage);

    usage.prompt = tokens.prompt;
    usage.completion = tokens.completion;

    e.type = GENAI_EVENT_USAGE;
    e.usage = &usage;
    (void) ctx->dialect->encoder_event(o->encoder, &e);

    e.type = GENAI_EVENT_END;
    e.end_how = GENAI_END_DONE;

    if (ctx->dialect->encoder_event(o->encoder, &e) != 0) {
        return NGX_ERROR;
    }

    ngx_http_genai_output_release(o);

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_encode_whole(ngx_http_genai_output_t *o)
{
    off_t                  len;
    ngx_buf_t             *b;
    ngx_uint_t             last;
    ngx_chain_t           *cl;
    ngx_http_genai_ctx_t  *ctx;

    ctx = o->ctx;
    last = o->died;

    while (o->in) {

        cl = o->in;
        b = cl->buf;

        if (b->last != b->pos && !o->over
            && ngx_http_genai_output_decode(o, b->pos, b->last - b->pos)
               != NGX_OK)
        {
            o->bad = 1;
        }

        last |= b->last_buf;
        b->pos = b->last;

        o->in = cl->next;
        ngx_free_chain(ctx->request->pool, cl);
    }

    if (!last || o->over) {
        return NGX_OK;
    }

    o->over = 1;

    if (ngx_http_genai_output_end(o) != NGX_OK || o->answer->offset == 0) {
        o->bad = 1;
    }

    if (ctx->status == NGX_HTTP_OK && ctx->error == GENAI_OK
        && (o->bad || o->cut || o->died || o->wrong.len))
    {
        ngx_http_genai_output_bad(o);

        if (o->wrong.len) {
            ctx->message = o->wrong;

        } else {
            ngx_str_set(&ctx->message, "the provider sent no whole answer");
        }
    }

    if (ctx->error != GENAI_OK
        || genai_whole_error(o->encoder) != NULL)
    {
        if (ngx_http_genai_encode_error(o) != NGX_OK) {
            return NGX_ERROR;
        }

    } else if (ngx_http_genai_encode_answer(o) != NGX_OK) {
        return NGX_ERROR;
    }

    for (cl = o->out, len = 0; cl; cl = cl->next) {
        len += ngx_buf_size(cl->buf);
    }

    o->out_last->buf->last_buf = 1;
    o->out_last->buf->last_in_chain = 1;
    o->out_last->buf->flush = 1;

    ctx->ended = 1;

    return ngx_http_genai_send_head(ctx->request, ctx, len);
}


/*
 * What the provider has said of its error: with its status, or where that was
 * 200 with that of its words.  Without memory it goes without its words.
 */

static void
ngx_http_genai_encode_said(ngx_http_genai_output_t *o, const genai_str_t *type,
    const genai_str_t *code, const genai_str_t *message)
{
    ngx_str_t              said[2];
    ngx_http_genai_ctx_t  *ctx;

    ctx = o->ctx;

    if (ctx->error == GENAI_OK) {
        ctx->error = genai_error_of_words(type, code);
        ctx->status = genai_error_status(ctx->error);
    }

    /* 529 and others that the client's dialect does not have */

    if (ctx->status > 511) {
        ctx->status = genai_error_status(ctx->error);
    }

    said[0].len = message->len;
    said[0].data = message->data;
    said[1].len = code->len;
    said[1].data = code->data;

    ctx->message.data = ngx_pstrdup(ctx->request->pool, &said[0]);
    ctx->message.len = ctx->message.data ? said[0].len : 0;
    ctx->code.data = ngx_pstrdup(ctx->request->pool, &said[1]);
    ctx->code.len = ctx->code.data ? said[1].len : 0;
}


/* the body of an error, which is all there is */

static ngx_int_t
ngx_http_genai_encode_error(ngx_http_genai_output_t *o)
{
    ngx_buf_t                 *b;
    genai_str_t                code, type, message;
    ngx_http_genai_ctx_t      *ctx;
    const genai_whole_slot_t  *error;

    ctx = o->ctx;
    error = genai_whole_error(o->encoder);

    if (error) {
        genai_whole_parts(error, &code, &type, &message);
        ngx_http_genai_encode_said(o, &type, &code, &message);
    }

    b = ngx_http_genai_error_buf(ctx->request, ctx, 0);

    ngx_str_null(&ctx->message);
    ngx_str_null(&ctx->code);

    return b ? ngx_http_genai_output_link(o, b) : NGX_ERROR;
}


static ngx_int_t
ngx_http_genai_encode_answer(ngx_http_genai_output_t *o)
{
    if (o->ctx->dialect->whole_write(o->encoder, ngx_http_genai_encode_add, o)
        == 0)
    {
        return NGX_OK;
    }

    /* nothing of it was sent yet */

    o->out = NULL;
    ngx_http_genai_output_bad(o);
    ngx_str_set(&o->ctx->message, NGX_HTTP_GENAI_ENCODE_LARGE);

    return ngx_http_genai_encode_error(o);
}


/* to the buffers of streams; the decoder is not given more than they take */

static int
ngx_http_genai_encode_write(void *data, const unsigned char *p, size_t n)
{
    ngx_http_genai_output_t *o = data;

    size_t      size;
    ngx_buf_t  *b;

    if (o->silent) {
        return 0;
    }

    while (n) {

        if ((o->held == NULL
             || o->held_last->buf->last == o->held_last->buf->end)
            && ngx_http_genai_output_more(o) != NGX_OK)
        {
            return -1;
        }

        b = o->held_last->buf;
        size = ngx_min(n, (size_t) (b->end - b->last));

        b->last = ngx_cpymem(b->last, p, size);
        p += size;
        n -= size;
    }

    return 0;
}


static int
ngx_http_genai_encode_add(void *data, const unsigned char *p, size_t n)
{
    ngx_http_genai_output_t *o = data;

    size_t      size;
    ngx_buf_t  *b;

    while (n) {

        b = o->out ? o->out_last->buf : NULL;

        if (b == NULL || b->last == b->end) {

            b = ngx_create_temp_buf(o->ctx->request->pool,
                                    NGX_HTTP_GENAI_ENCODE_SIZE);

            if (b == NULL || ngx_http_genai_output_link(o, b) != NGX_OK) {
                return -1;
            }
        }

        size = ngx_min(n, (size_t) (b->end - b->last));

        b->last = ngx_cpymem(b->last, p, size);
        p += size;
        n -= size;
    }

    return 0;
}


static void *
ngx_http_genai_encode_alloc(void *ctx, void *p, size_t old, size_t size)
{
    if (size == 0) {
        free(p);
        return NULL;
    }

    return realloc(p, size);
}
