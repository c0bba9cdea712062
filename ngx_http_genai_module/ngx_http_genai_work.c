
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Long work: what may take longer than the event loop can wait.  It is made
 * of steps that know no nginx type, so that they run anywhere:
 *
 *    at once     where there is little to do;
 *    in turns    64 KiB of it at a time, each in the next round of the loop,
 *                between which all other events are served;
 *    a thread    where genai_threads names a pool and it is worth the way.
 *
 * In a thread the arena, the body and all that hangs on them belong to the
 * thread alone until it is done.
 */


#include "ngx_http_genai.h"
#include <sys/mman.h>


#if (NGX_THREADS)

/* bytes of work until a thread looks whether it is to end */
#define NGX_HTTP_GENAI_THREAD_TURN  (1024 * 1024)


typedef struct {
    ngx_http_request_t      *request;
    ngx_http_genai_work_pt   work;
    void                    *data;
    ngx_int_t                rc;
} ngx_http_genai_task_t;


static ngx_int_t ngx_http_genai_work_thread(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_work_pt work, void *data,
    size_t size);
static void ngx_http_genai_work_run(void *data, ngx_log_t *log);
static void ngx_http_genai_work_done(ngx_event_t *ev);

#endif

/* memory on its way back to the system */

typedef struct ngx_http_genai_drain_s  ngx_http_genai_drain_t;

struct ngx_http_genai_drain_s {
    genai_arena_t            arena;
    u_char                  *addr;      /* or a piece of memory */
    size_t                   len;
    size_t                   done;
    ngx_http_genai_drain_t  *next;
    unsigned                 mapped:1;
};


static void ngx_http_genai_work_turn(ngx_event_t *ev);
static ngx_int_t ngx_http_genai_drain_add(genai_arena_t *arena, u_char *addr,
    size_t len, ngx_uint_t mapped);
static void ngx_http_genai_drain_turn(ngx_event_t *ev);
static ngx_uint_t ngx_http_genai_drain_piece(ngx_http_genai_drain_t *d);


/*
 * Bytes that are given back at a time, a piece of it and at most in a round
 * of the loop, and those that may wait: what comes on top is given back at
 * once, as requests must not come faster than their memory goes.
 */
#define NGX_HTTP_GENAI_DRAIN       (1024 * 1024)
#define NGX_HTTP_GENAI_DRAIN_MOST  (8 * NGX_HTTP_GENAI_DRAIN)
#define NGX_HTTP_GENAI_DRAIN_WAIT  (512 * NGX_HTTP_GENAI_DRAIN)


/*
 * What the next request will need: so many arenas and pieces of memory are
 * kept for it.  Of an arena that had grown to so many bytes at most one chunk
 * is kept, half of them; what grows the heap and gives it back for each
 * request pays a page fault for every page of it.
 */
#define NGX_HTTP_GENAI_SPARE       32
#define NGX_HTTP_GENAI_SPARE_MAX   131072

#if defined(__SANITIZE_ADDRESS__)
#define NGX_HTTP_GENAI_PIECE       0        /* what is used later is found */
#else
#define NGX_HTTP_GENAI_PIECE       4096
#endif


static genai_arena_t            ngx_http_genai_spare[NGX_HTTP_GENAI_SPARE];
static ngx_uint_t               ngx_http_genai_nspare;
static void                    *ngx_http_genai_pieces[NGX_HTTP_GENAI_SPARE];
static ngx_uint_t               ngx_http_genai_npieces;

static ngx_http_genai_drain_t  *ngx_http_genai_draining;
static ngx_http_genai_drain_t  *ngx_http_genai_drain_last;
static size_t                   ngx_http_genai_drain_size;
static ngx_event_t              ngx_http_genai_drain_event;


ngx_http_genai_verdict_e
ngx_http_genai_work(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_work_pt work, void *data, size_t size, ngx_int_t *rc)
{
    if (ctx->work_done && ctx->work == work) {

        /* a thread has done it, or as much of it as it was given time for */

        ctx->work_done = 0;
        *rc = ctx->work_rc;

        if (*rc != GENAI_REQUEST_AGAIN) {
            ctx->work = NULL;
            return NGX_HTTP_GENAI_NEXT;
        }
    }

#if (NGX_THREADS)

    if (ctx->work == NULL
        && ngx_http_genai_work_thread(r, ctx, work, data, size) == NGX_OK)
    {
        ctx->work = work;

        return ngx_http_genai_park(r, ctx, "a thread", 0, NULL);
    }

#endif

    *rc = work(data, GENAI_SCAN_TURN);

    if (*rc != GENAI_REQUEST_AGAIN) {
        ctx->work = NULL;
        return NGX_HTTP_GENAI_NEXT;
    }

    ctx->work = work;

    ctx->wait.turn.handler = ngx_http_genai_work_turn;
    ctx->wait.turn.data = r;
    ctx->wait.turn.log = r->connection->log;

    ngx_post_event(&ctx->wait.turn, &ngx_posted_next_events);

    return ngx_http_genai_park(r, ctx, "its next turn", 0, NULL);
}


static void
ngx_http_genai_work_turn(ngx_event_t *ev)
{
    ngx_http_genai_resume(ev->data);
}


#if (NGX_THREADS)

static ngx_int_t
ngx_http_genai_work_thread(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_work_pt work, void *data, size_t size)
{
    ngx_thread_task_t           *task;
    ngx_http_genai_task_t       *t;
    ngx_http_genai_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_genai_module);

    if (mcf->threads == NULL || size < mcf->threads_min) {
        return NGX_DECLINED;
    }

    task = ngx_thread_task_alloc(r->pool, sizeof(ngx_http_genai_task_t));
    if (task == NULL) {
        return NGX_DECLINED;
    }

    t = task->ctx;
    t->request = r;
    t->work = work;
    t->data = data;

    task->handler = ngx_http_genai_work_run;
    task->event.handler = ngx_http_genai_work_done;
    task->event.data = t;
    task->event.log = r->connection->log;

    /* a full queue is no failure: it is done in turns then */

    if (ngx_thread_task_post(mcf->threads, task) != NGX_OK) {
        return NGX_DECLINED;
    }

    /* nginx must not destroy what the thread works on */

    r->main->blocked++;

    ngx_http_genai_metrics_gauge(NGX_HTTP_GENAI_GAUGE_THREADS, 1);

    return NGX_OK;
}


/* runs in the thread: knows nothing but the task */

static void
ngx_http_genai_work_run(void *data, ngx_log_t *log)
{
    ngx_http_genai_task_t *t = data;

    /* a worker that is to end at once waits for its threads */

    do {
        t->rc = t->work(t->data, NGX_HTTP_GENAI_THREAD_TURN);
    } while (t->rc == GENAI_REQUEST_AGAIN && !ngx_terminate);
}


static void
ngx_http_genai_work_done(ngx_event_t *ev)
{
    ngx_connection_t       *c;
    ngx_http_request_t     *r;
    ngx_http_genai_ctx_t   *ctx;
    ngx_http_genai_task_t  *t;

    t = ev->data;
    r = t->request;
    c = r->connection;
    ctx = ngx_http_genai_get_ctx(r);

    r->main->blocked--;

    ngx_http_genai_metrics_gauge(NGX_HTTP_GENAI_GAUGE_THREADS, -1);

    if (r->write_event_handler != ngx_http_request_empty_handler) {

        /* the client has left meanwhile, nginx has put its end here */

        ngx_http_set_log_request(c->log, r);

        c->write->handler(c->write);
        return;
    }

    ctx->work_rc = t->rc;
    ctx->work_done = 1;

    ngx_http_genai_resume(r);
}

#endif


void
ngx_http_genai_create_arena(genai_arena_t *arena)
{
    if (ngx_http_genai_nspare) {
        *arena = ngx_http_genai_spare[--ngx_http_genai_nspare];
        return;
    }

    genai_arena_init(arena, NGX_HTTP_GENAI_ARENA_MAX);
}


void
ngx_http_genai_destroy_arena(genai_arena_t *arena)
{
    size_t  used;

    used = genai_arena_used(arena);

    if (used == 0) {
        return;
    }

    if (used <= NGX_HTTP_GENAI_SPARE_MAX
        && ngx_http_genai_nspare < NGX_HTTP_GENAI_SPARE)
    {
        genai_arena_reset(arena);

        ngx_http_genai_spare[ngx_http_genai_nspare++] = *arena;

        genai_arena_init(arena, NGX_HTTP_GENAI_ARENA_MAX);
        return;
    }

    if (used <= NGX_HTTP_GENAI_DRAIN
        || ngx_http_genai_drain_add(arena, NULL, 0, 0) != NGX_OK)
    {
        genai_arena_destroy(arena);
        return;
    }

    genai_arena_init(arena, NGX_HTTP_GENAI_ARENA_MAX);
}


void *
ngx_http_genai_take(size_t size)
{
    if (size > NGX_HTTP_GENAI_PIECE) {
        return ngx_alloc(size, ngx_cycle->log);
    }

    if (ngx_http_genai_npieces == 0) {
        return ngx_alloc(NGX_HTTP_GENAI_PIECE, ngx_cycle->log);
    }

    return ngx_http_genai_pieces[--ngx_http_genai_npieces];
}


void
ngx_http_genai_give(void *p, size_t size)
{
    if (size > NGX_HTTP_GENAI_PIECE
        || ngx_http_genai_npieces == NGX_HTTP_GENAI_SPARE)
    {
        ngx_free(p);
        return;
    }

    ngx_http_genai_pieces[ngx_http_genai_npieces++] = p;
}


void
ngx_http_genai_give_back(void *addr, size_t len, ngx_uint_t mapped)
{
    if (len > NGX_HTTP_GENAI_DRAIN
        && ngx_http_genai_drain_add(NULL, addr, len, mapped) == NGX_OK)
    {
        return;
    }

    if (mapped) {
        (void) munmap(addr, len);

    } else {
        ngx_free(addr);
    }
}


static ngx_int_t
ngx_http_genai_drain_add(genai_arena_t *arena, u_char *addr, size_t len,
    ngx_uint_t mapped)
{
    ngx_event_t             *ev;
    ngx_http_genai_drain_t  *d;

    if (arena) {
        len = genai_arena_used(arena);
    }

    if (ngx_http_genai_drain_size + len > NGX_HTTP_GENAI_DRAIN_WAIT
        && ngx_http_genai_draining)
    {
        return NGX_DECLINED;
    }

    d = ngx_alloc(sizeof(ngx_http_genai_drain_t), ngx_cycle->log);
    if (d == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(d, sizeof(ngx_http_genai_drain_t));

    if (arena) {
        d->arena = *arena;
    }

    d->addr = addr;
    d->len = len;
    d->mapped = mapped;

    if (ngx_http_genai_draining) {
        ngx_http_genai_drain_last->next = d;

    } else {
        ngx_http_genai_draining = d;
    }

    ngx_http_genai_drain_last = d;
    ngx_http_genai_drain_size += len;

    ev = &ngx_http_genai_drain_event;

    ev->handler = ngx_http_genai_drain_turn;
    ev->log = ngx_cycle->log;

    ngx_post_event(ev, &ngx_posted_next_events);

    return NGX_OK;
}


static void
ngx_http_genai_drain_turn(ngx_event_t *ev)
{
    size_t                   n;
    ngx_http_genai_drain_t  *d;

    /* more of it where more waits */

    n = ngx_http_genai_drain_size / 8;
    n = ngx_max(n, NGX_HTTP_GENAI_DRAIN);
    n = ngx_min(n, NGX_HTTP_GENAI_DRAIN_MOST);

    for ( /* void */ ; n >= NGX_HTTP_GENAI_DRAIN; n -= NGX_HTTP_GENAI_DRAIN) {

        d = ngx_http_genai_draining;

        if (d == NULL) {
            return;
        }

        if (d->addr ? !ngx_http_genai_drain_piece(d)
                    : !genai_arena_drain(&d->arena, NGX_HTTP_GENAI_DRAIN))
        {
            ngx_http_genai_draining = d->next;
            ngx_http_genai_drain_size -= d->len;
            ngx_free(d);
        }
    }

    if (ngx_http_genai_draining) {
        ngx_post_event(ev, &ngx_posted_next_events);
    }
}


/* returns 0 when all of it is given back */

static ngx_uint_t
ngx_http_genai_drain_piece(ngx_http_genai_drain_t *d)
{
    u_char  *start, *end;
    size_t   n;

    n = ngx_min(d->len - d->done, NGX_HTTP_GENAI_DRAIN);

    if (d->mapped) {

        /* it begins with a page, and pieces are pages */

        (void) munmap(d->addr + d->done, n);

    } else {

        /* malloc() has it still, but its whole pages are empty */

        start = ngx_align_ptr(d->addr + d->done, ngx_pagesize);
        end = d->addr + d->done + n;
        end -= (uintptr_t) end & (ngx_pagesize - 1);

        if (start < end) {
            (void) madvise(start, end - start, MADV_DONTNEED);
        }
    }

    d->done += n;

    if (d->done < d->len) {
        return 1;
    }

    if (!d->mapped) {
        ngx_free(d->addr);
    }

    return 0;
}
