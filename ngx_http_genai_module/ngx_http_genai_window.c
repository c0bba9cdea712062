
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The commit window: what a provider says before it is believed.
 *
 * A 200 is no answer yet.  Providers send an error behind it, or nothing, or
 * half of a JSON text; once a byte of that is with the client, no other
 * target can help.  As long as one is left, nginx is told that the head is
 * not complete: process_header() takes the body out of nginx's buffer, holds
 * it and decodes it, until the provider has said something that means that it
 * answers, or a JSON answer is whole, or too much would be held.  What fails
 * before is a failed attempt like any other, and the client sees none of it.
 *
 * On the last target nothing is held: what it says passes as it is.
 *
 * The held bytes reach the client as the beginning of the body.  nginx hands
 * on what it finds in its buffer behind the head, and sends nothing where
 * there is nothing; so it finds one byte, and an input filter that lets the
 * held ones take its place.
 */


#include "ngx_http_genai.h"


/* bytes that are held, but for what one read brings */
#define NGX_HTTP_GENAI_WINDOW_MAX    262144

/* bytes of the first block and of the largest */
#define NGX_HTTP_GENAI_BLOCK_MIN     2048
#define NGX_HTTP_GENAI_BLOCK_MAX     65536

#define NGX_HTTP_GENAI_WINDOW_ARENA  (4 * NGX_HTTP_GENAI_WINDOW_MAX)

#define NGX_HTTP_GENAI_NEXT_ANY                                               \
    (NGX_HTTP_GENAI_NEXT_ERROR|NGX_HTTP_GENAI_NEXT_TIMEOUT                    \
     |NGX_HTTP_GENAI_NEXT_HTTP_429|NGX_HTTP_GENAI_NEXT_HTTP_5XX)


typedef enum {
    NGX_HTTP_GENAI_WINDOW_WAIT = 0,
    NGX_HTTP_GENAI_WINDOW_GOOD,
    NGX_HTTP_GENAI_WINDOW_BAD
} ngx_http_genai_window_e;


typedef struct ngx_http_genai_block_s  ngx_http_genai_block_t;

/* held bytes: this, and behind it the bytes themselves */

struct ngx_http_genai_block_s {
    ngx_http_genai_block_t   *next;
    u_char                   *last;
    u_char                   *end;
};


struct ngx_http_genai_window_s {
    genai_arena_t             arena;        /* of all that is below */
    const genai_dialect_t    *dialect;      /* the provider's */
    genai_answer_t           *answer;
    genai_meter_t             meter;
    ngx_http_genai_block_t   *blocks;
    ngx_http_genai_block_t   *block;        /* the last one */

    size_t                    held;
    off_t                     raw;          /* with the framing */
    off_t                     left;         /* of content-length, or -1 */

    ngx_http_genai_window_e   verdict;
    const char               *why;          /* of a bad one */
    genai_error_e             failure;
    ngx_uint_t                wanted;       /* bits of next_target */

    /* nginx's hooks, while ours are in their place */
    ngx_int_t               (*filter_init)(void *data);
    ngx_int_t               (*filter)(void *data, ssize_t bytes);

    unsigned                  meaningful:1;
    unsigned                  over:1;       /* the body is complete */
    unsigned                  excess:1;     /* and more came behind it */
    unsigned                  broken:1;     /* its framing */
};


typedef struct {
    ngx_str_t                 text;
    ngx_uint_t                status;
} ngx_http_genai_word_t;


static ngx_int_t ngx_http_genai_window_pass(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_window_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_genai_window_process(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_window_read(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_window_chunked(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_window_take(ngx_http_genai_window_t *w,
    u_char *p, size_t n);
static ngx_http_genai_block_t *ngx_http_genai_window_block(
    ngx_http_genai_window_t *w);
static int ngx_http_genai_window_event(void *data, genai_event_t *e);
static void ngx_http_genai_window_bad(ngx_http_genai_window_t *w,
    const char *why);
static void ngx_http_genai_window_error(ngx_http_genai_window_t *w,
    const genai_event_t *e);
static ngx_uint_t ngx_http_genai_window_status(const genai_str_t *s);
static ngx_int_t ngx_http_genai_window_filter_init(void *data);
static ngx_int_t ngx_http_genai_window_filter(void *data, ssize_t bytes);


/* what errors are called; the first that is found counts */

static ngx_http_genai_word_t  ngx_http_genai_words[] = {
    { ngx_string("rate_limit"), 429 },
    { ngx_string("rate limit"), 429 },
    { ngx_string("ratelimit"), 429 },
    { ngx_string("too_many_requests"), 429 },
    { ngx_string("too many requests"), 429 },
    { ngx_string("resource_exhausted"), 429 },
    { ngx_string("insufficient_quota"), 429 },
    { ngx_string("throttling"), 429 },
    { ngx_string("overloaded"), 503 },
    { ngx_string("unavailable"), 503 },
    { ngx_string("at capacity"), 503 },
    { ngx_string("server_error"), 500 },
    { ngx_string("internalserver"), 500 },
    { ngx_null_string, 0 }
};


ngx_int_t
ngx_http_genai_window_open(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_http_upstream_t         *u;
    ngx_http_genai_window_t     *w;
    genai_answer_opts_t          opts;

    u = r->upstream;

    if (u->headers_in.status_n != NGX_HTTP_OK
        || !ngx_http_genai_answer_told(ctx)
        || ctx->coded)
    {
        /* its first word is not looked for, so it is not waited for */

        ngx_http_genai_deadline_token(r, ctx);

        return ngx_http_genai_window_pass(r, ctx);
    }

    if (!ngx_http_genai_group_may_move(r, ctx, NGX_HTTP_GENAI_NEXT_ANY)) {
        return ngx_http_genai_window_pass(r, ctx);
    }

    w = ngx_pcalloc(r->pool, sizeof(ngx_http_genai_window_t));
    if (w == NULL) {
        return NGX_ERROR;
    }

    genai_arena_init(&w->arena, NGX_HTTP_GENAI_WINDOW_ARENA);
    ctx->window = w;

    w->dialect = ctx->spoken;

    w->answer = genai_arena_alloc(&w->arena, w->dialect->answer_size);
    if (w->answer == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&opts, sizeof(genai_answer_opts_t));
    opts.stream = ctx->event_stream;
    opts.choices = ctx->choices;
    opts.results = genai_endpoint_results(ctx->endpoint->endpoint);

    w->dialect->answer_init(w->answer, &opts, ngx_http_genai_window_event, w);

    genai_meter_init(&w->meter, ctx->meter.prompt);

    w->left = u->headers_in.chunked ? -1 : u->headers_in.content_length_n;
    w->failure = GENAI_PROVIDER_BAD_ANSWER;
    w->wanted = NGX_HTTP_GENAI_NEXT_ERROR;

    u->process_header = ngx_http_genai_window_handler;

    return ngx_http_genai_window_process(r, ctx);
}


/* the answer goes to the client: no other attempt follows */

static ngx_int_t
ngx_http_genai_window_pass(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_uint_t            status;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    status = u->headers_in.status_n;

    ctx->error = genai_error_of_provider(status);
    ctx->status = status;
    ctx->failure_status = 0;
    ctx->from_provider = 1;

    if (ctx->first_byte == 0 && u->buffer.pos != u->buffer.last) {

        /* some of the body came with the head */

        ctx->first_byte = ctx->step;
    }

    /* nginx may still be sending: an answer can be there before its request */

    if (u->request_body_sent) {
        ngx_http_genai_release_request(r, ctx);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_window_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_http_genai_ctx_t  *ctx;

    ctx = ngx_http_genai_get_ctx(r);

    ngx_http_genai_step_begin(ctx);

    rc = ngx_http_genai_window_process(r, ctx);

    ngx_http_genai_step_end(ctx);

    return rc;
}


static ngx_int_t
ngx_http_genai_window_process(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_http_upstream_t      *u;
    ngx_http_genai_window_t  *w;

    u = r->upstream;
    w = ctx->window;

    if (ngx_http_genai_window_read(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (w->meaningful) {
        ngx_http_genai_deadline_token(r, ctx);
    }

    if (w->verdict == NGX_HTTP_GENAI_WINDOW_WAIT) {

        if (w->broken) {
            ngx_http_genai_window_bad(w, "the provider sent an invalid "
                                         "chunked body");

        } else if (w->over) {
            (void) genai_answer_end(w->answer);
        }
    }

    if (w->verdict == NGX_HTTP_GENAI_WINDOW_BAD
        && ngx_http_genai_group_move_on(r, ctx, w->wanted))
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "genai target \"%V\": %s", &ctx->target->name, w->why);

        ctx->failure = w->failure;
        ctx->meter.refused = 1;

        ngx_http_genai_window_close(ctx);

        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }

    if (w->verdict == NGX_HTTP_GENAI_WINDOW_WAIT
        && w->held < NGX_HTTP_GENAI_WINDOW_MAX
        && ngx_http_genai_group_may_move(r, ctx, NGX_HTTP_GENAI_NEXT_ANY))
    {
        if (u->request_body_sent) {

            /* nginx has set it once, but it is about silence */

            ngx_add_timer(u->peer.connection->read, u->conf->read_timeout);
        }

        return NGX_AGAIN;
    }

    return ngx_http_genai_window_commit(r, ctx);
}


ngx_int_t
ngx_http_genai_window_commit(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_buf_t                *b;
    ngx_http_upstream_t      *u;
    ngx_http_genai_window_t  *w;

    u = r->upstream;
    w = ctx->window;
    b = &u->buffer;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "genai window commit: %uz of %O", w->held, w->raw);

    u->state->response_length += w->raw;

    if (w->held || w->over || w->broken) {

        *b->last++ = LF;

        w->filter_init = u->input_filter_init;
        u->input_filter_init = ngx_http_genai_window_filter_init;

    } else {
        ngx_http_genai_window_close(ctx);
    }

    return ngx_http_genai_window_pass(r, ctx);
}


void
ngx_http_genai_window_close(ngx_http_genai_ctx_t *ctx)
{
    if (ctx->window) {

        if (!ctx->from_provider && ctx->window->meter.usage_known) {
            ngx_http_genai_spent(ctx, &ctx->window->meter);
        }

        genai_arena_destroy(&ctx->window->arena);
        ctx->window = NULL;
    }
}


/* takes the body out of nginx's buffer; NGX_ERROR is that of memory */

static ngx_int_t
ngx_http_genai_window_read(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    size_t                    n;
    ngx_buf_t                *b;
    ngx_int_t                 rc;
    ngx_http_upstream_t      *u;
    ngx_http_genai_window_t  *w;

    u = r->upstream;
    w = ctx->window;
    b = &u->buffer;

    n = b->last - b->pos;
    w->raw += n;

    if (u->headers_in.chunked) {
        rc = ngx_http_genai_window_chunked(r, ctx);

    } else {

        if (w->left != -1) {
            w->excess = ((off_t) n > w->left);
            n = w->excess ? (size_t) w->left : n;
            w->left -= n;
            w->over = (w->left == 0);
        }

        rc = ngx_http_genai_window_take(w, b->pos, n);
    }

    b->pos = b->start;
    b->last = b->start;

    if (w->excess) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "genai provider sent more data than it announced");
    }

    return rc;
}


static ngx_int_t
ngx_http_genai_window_chunked(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    size_t                    n;
    ngx_buf_t                *b;
    ngx_int_t                 rc;
    ngx_http_genai_window_t  *w;

    w = ctx->window;
    b = &r->upstream->buffer;

    for ( ;; ) {

        rc = ngx_http_genai_parse_chunked(r, b, &ctx->chunked);

        if (rc == NGX_OK) {

            n = ngx_min(ctx->chunked.size, b->last - b->pos);

            if (ngx_http_genai_window_take(w, b->pos, n) != NGX_OK) {
                return NGX_ERROR;
            }

            b->pos += n;
            ctx->chunked.size -= n;

            continue;
        }

        if (rc == NGX_DONE) {
            w->over = 1;
            w->excess = (b->pos != b->last);

        } else if (rc != NGX_AGAIN) {
            w->broken = 1;
        }

        return NGX_OK;
    }
}


/* holds bytes of the body, and decodes them until a verdict is found */

static ngx_int_t
ngx_http_genai_window_take(ngx_http_genai_window_t *w, u_char *p, size_t n)
{
    size_t                   len;
    ngx_http_genai_block_t  *block;

    if (w->verdict == NGX_HTTP_GENAI_WINDOW_WAIT) {
        (void) genai_answer_feed(w->answer, p, n);
    }

    w->held += n;

    while (n) {

        block = w->block;

        if (block == NULL || block->last == block->end) {
            block = ngx_http_genai_window_block(w);
            if (block == NULL) {
                return NGX_ERROR;
            }
        }

        len = ngx_min(n, (size_t) (block->end - block->last));

        block->last = ngx_cpymem(block->last, p, len);
        p += len;
        n -= len;
    }

    return NGX_OK;
}


/* each is twice as large as the one before: most windows are small */

static ngx_http_genai_block_t *
ngx_http_genai_window_block(ngx_http_genai_window_t *w)
{
    size_t                   size;
    ngx_http_genai_block_t  *block;

    size = NGX_HTTP_GENAI_BLOCK_MIN;

    if (w->block) {
        size = 2 * (w->block->end - (u_char *) w->block);
        size = ngx_min(size, NGX_HTTP_GENAI_BLOCK_MAX);
    }

    block = genai_arena_alloc(&w->arena, size);
    if (block == NULL) {
        return NULL;
    }

    block->next = NULL;
    block->last = (u_char *) (block + 1);
    block->end = (u_char *) block + size;

    if (w->block) {
        w->block->next = block;

    } else {
        w->blocks = block;
    }

    w->block = block;

    return block;
}


/*
 * Watches what is decoded.  A stream is believed at its first word, a JSON
 * answer when it is whole.
 */

static int
ngx_http_genai_window_event(void *data, genai_event_t *e)
{
    ngx_http_genai_window_t *w = data;

    genai_meter_event(&w->meter, e);

    switch (e->type) {

    case GENAI_EVENT_ERROR:

        ngx_http_genai_window_error(w, e);

        if (!w->answer->stream) {

            /* a JSON answer may have said something beside it */

            return 0;
        }

        w->verdict = NGX_HTTP_GENAI_WINDOW_BAD;

        return -1;

    case GENAI_EVENT_BROKEN:

        if (w->answer->stream) {

            /* one event of many: those behind it tell */

            return 0;
        }

        ngx_http_genai_window_bad(w, "the provider sent no whole answer");

        return -1;

    case GENAI_EVENT_END:

        if (w->meaningful) {
            w->verdict = NGX_HTTP_GENAI_WINDOW_GOOD;

        } else {
            ngx_http_genai_window_bad(w, "the provider's answer has ended "
                                         "and says nothing");
        }

        return -1;

    default:
        break;
    }

    if (!genai_event_meaningful(e)) {
        return 0;
    }

    w->meaningful = 1;

    if (!w->answer->stream) {
        return 0;
    }

    w->verdict = NGX_HTTP_GENAI_WINDOW_GOOD;

    return -1;
}


static void
ngx_http_genai_window_bad(ngx_http_genai_window_t *w, const char *why)
{
    w->verdict = NGX_HTTP_GENAI_WINDOW_BAD;

    /* what the provider itself has told is more exact */

    if (w->why == NULL) {
        w->why = why;
    }
}


/* an error behind a 200 counts as one, and as the status it should have had */

static void
ngx_http_genai_window_error(ngx_http_genai_window_t *w, const genai_event_t *e)
{
    ngx_uint_t  status;

    w->why = "the provider sent an error in the place of an answer";

    status = ngx_http_genai_window_status(&e->id);

    if (status == 0) {
        status = ngx_http_genai_window_status(&e->name);
    }

    if (status == 0) {
        status = ngx_http_genai_window_status(&e->text);
    }

    if (status == NGX_HTTP_TOO_MANY_REQUESTS) {
        w->wanted |= NGX_HTTP_GENAI_NEXT_HTTP_429;
        w->failure = genai_error_of_provider(status);

    } else if (status >= 500) {
        w->wanted |= NGX_HTTP_GENAI_NEXT_HTTP_5XX;
        w->failure = genai_error_of_provider(status);
    }
}


/* the status that an error's code, type or message stands for, or 0 */

static ngx_uint_t
ngx_http_genai_window_status(const genai_str_t *s)
{
    ngx_int_t               n;
    ngx_http_genai_word_t  *word;

    if (s->len == 3) {
        n = ngx_atoi(s->data, s->len);

        if (n >= 400 && n < 600) {
            return n;
        }
    }

    for (word = ngx_http_genai_words; word->text.len; word++) {

        /* nginx looks at more than there is where that is nothing */

        if (s->len >= word->text.len
            && ngx_strlcasestrn(s->data, s->data + s->len, word->text.data,
                                word->text.len - 1))
        {
            return word->status;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_genai_window_filter_init(void *data)
{
    ngx_http_genai_ctx_t *ctx = data;

    ngx_http_upstream_t      *u;
    ngx_http_genai_window_t  *w;

    u = ctx->request->upstream;
    w = ctx->window;

    u->input_filter_init = w->filter_init;

    if (u->input_filter_init(data) != NGX_OK) {
        return NGX_ERROR;
    }

    w->filter = u->input_filter;
    u->input_filter = ngx_http_genai_window_filter;

    return NGX_OK;
}


/* called once, for the byte that stands for the held ones */

static ngx_int_t
ngx_http_genai_window_filter(void *data, ssize_t bytes)
{
    ngx_http_genai_ctx_t *ctx = data;

    ngx_buf_t                *b;
    ngx_http_upstream_t      *u;
    ngx_http_genai_block_t   *block;
    ngx_http_genai_window_t  *w;

    u = ctx->request->upstream;
    w = ctx->window;

    u->input_filter = w->filter;
    u->state->response_length -= bytes;

    for (block = w->blocks; block; block = block->next) {

        b = ngx_http_genai_output_buf(ctx->request, ctx,
                                      (u_char *) (block + 1), block->last);
        if (b == NULL) {
            return NGX_ERROR;
        }

        b->flush = (block->next == NULL);
    }

    if (w->left != -1) {
        u->length = w->left;
    }

    if (w->over) {
        u->length = 0;
        u->keepalive = !u->headers_in.connection_close && !w->excess;
    }

    if (w->broken) {
        u->error = 1;
        u->keepalive = 0;
    }

    return NGX_OK;
}
