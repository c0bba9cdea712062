/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The peers of an origin: which address a request connects to, and the idle
 * connections.  A request copies its address, since the origin's slots
 * change whenever the name's addresses do.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_genai_origin_int.h"


/* requests on one connection, and how long one may live, ms */
#define NGX_HTTP_GENAI_ORIGIN_REQUESTS  1000
#define NGX_HTTP_GENAI_ORIGIN_AGE       3600000

/* an address that failed comes last for that long, ms */
#define NGX_HTTP_GENAI_ORIGIN_FAIL      10000


typedef struct {
    ngx_http_genai_origin_t  *origin;
    ngx_http_upstream_t      *upstream;
    ngx_pool_t               *pool;

    ngx_sockaddr_t            sockaddr;
    socklen_t                 socklen;

    ngx_uint_t                start;
    ngx_uint_t                generation;
    uint32_t                  tried;        /* slots of that generation */

    unsigned                  fresh:1;      /* idle connections are stale */
} ngx_http_genai_origin_peer_t;


static ngx_int_t ngx_http_genai_origin_get_peer(ngx_peer_connection_t *pc,
    void *data);
static ngx_int_t ngx_http_genai_origin_set_peer(ngx_peer_connection_t *pc,
    ngx_http_genai_origin_peer_t *peer, ngx_http_genai_origin_addr_t *addr);
static ngx_http_genai_origin_addr_t *ngx_http_genai_origin_choose(
    ngx_http_genai_origin_peer_t *peer);
static ngx_uint_t ngx_http_genai_origin_failed(
    ngx_http_genai_origin_addr_t *addr);
static void ngx_http_genai_origin_free_peer(ngx_peer_connection_t *pc,
    void *data, ngx_uint_t state);

#if (NGX_HTTP_SSL)
static ngx_int_t ngx_http_genai_origin_set_session(ngx_peer_connection_t *pc,
    void *data);
static void ngx_http_genai_origin_save_session(ngx_peer_connection_t *pc,
    void *data);
#endif

static ngx_connection_t *ngx_http_genai_origin_take(
    ngx_http_genai_origin_peer_t *peer, ngx_http_genai_origin_addr_t **addrp);
static ngx_int_t ngx_http_genai_origin_keep(ngx_peer_connection_t *pc,
    ngx_http_genai_origin_peer_t *peer);
static void ngx_http_genai_origin_drop(ngx_http_genai_origin_idle_t *item);
static ngx_uint_t ngx_http_genai_origin_quiet(ngx_connection_t *c);
static void ngx_http_genai_origin_idle_read(ngx_event_t *ev);
static void ngx_http_genai_origin_idle_write(ngx_event_t *ev);
static void ngx_http_genai_origin_close(ngx_connection_t *c);


ngx_int_t
ngx_http_genai_origin_init_peer(ngx_http_request_t *r,
    ngx_http_genai_origin_t *origin)
{
    ngx_http_upstream_t           *u;
    ngx_http_genai_origin_peer_t  *peer;

    peer = ngx_pcalloc(r->pool, sizeof(ngx_http_genai_origin_peer_t));
    if (peer == NULL) {
        return NGX_ERROR;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     peer->tried = 0;
     *     peer->fresh = 0;
     */

    u = r->upstream;

    peer->origin = origin;
    peer->upstream = u;
    peer->pool = r->pool;
    peer->start = origin->rotation++;
    peer->generation = origin->generation;

    u->peer.data = peer;
    u->peer.get = ngx_http_genai_origin_get_peer;
    u->peer.free = ngx_http_genai_origin_free_peer;
    u->peer.tries = origin->naddrs;

#if (NGX_HTTP_SSL)
    u->peer.set_session = ngx_http_genai_origin_set_session;
    u->peer.save_session = ngx_http_genai_origin_save_session;
#endif

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_origin_get_peer(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_genai_origin_peer_t  *peer = data;

    ngx_connection_t              *c;
    ngx_http_genai_origin_t       *origin;
    ngx_http_genai_origin_addr_t  *addr;

    origin = peer->origin;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "genai origin get peer: \"%V\", tries:%ui",
                   &origin->authority, pc->tries);

    pc->cached = 0;
    pc->connection = NULL;

    if (peer->generation != origin->generation) {
        peer->generation = origin->generation;
        peer->tried = 0;
    }

    c = ngx_http_genai_origin_take(peer, &addr);

    if (c) {
        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                       "genai origin get peer: using connection %p", c);

        if (ngx_http_genai_origin_set_peer(pc, peer, addr) != NGX_OK) {
            ngx_http_genai_origin_close(c);
            return NGX_ERROR;
        }

        c->idle = 0;
        c->sent = 0;
        c->data = NULL;
        c->log = pc->log;
        c->read->log = pc->log;
        c->write->log = pc->log;
        c->pool->log = pc->log;

        if (c->read->timer_set) {
            ngx_del_timer(c->read);
        }

        pc->connection = c;
        pc->cached = 1;

        return NGX_DONE;
    }

    addr = ngx_http_genai_origin_choose(peer);

    if (addr == NULL) {

        /* nginx reads the name of a peer also when there is none */

        pc->name = &origin->authority;
        pc->sockaddr = NULL;

        return NGX_BUSY;
    }

    peer->tried |= (uint32_t) 1 << (addr - origin->addrs);

    return ngx_http_genai_origin_set_peer(pc, peer, addr);
}


static ngx_int_t
ngx_http_genai_origin_set_peer(ngx_peer_connection_t *pc,
    ngx_http_genai_origin_peer_t *peer, ngx_http_genai_origin_addr_t *addr)
{
    ngx_str_t  *name;

    /* $upstream_addr shows the names of all attempts */

    name = ngx_palloc(peer->pool, sizeof(ngx_str_t) + addr->len);
    if (name == NULL) {
        return NGX_ERROR;
    }

    name->len = addr->len;
    name->data = (u_char *) (name + 1);
    ngx_memcpy(name->data, addr->text, addr->len);

    ngx_memcpy(&peer->sockaddr, &addr->sockaddr, addr->socklen);
    peer->socklen = addr->socklen;

    pc->sockaddr = &peer->sockaddr.sockaddr;
    pc->socklen = peer->socklen;
    pc->name = name;

    return NGX_OK;
}


static ngx_http_genai_origin_addr_t *
ngx_http_genai_origin_choose(ngx_http_genai_origin_peer_t *peer)
{
    ngx_uint_t                     i, k;
    ngx_http_genai_origin_t       *origin;
    ngx_http_genai_origin_addr_t  *addr, *last;

    last = NULL;
    origin = peer->origin;

    for (i = 0; i < origin->naddrs; i++) {

        k = (peer->start + i) % origin->naddrs;

        if (peer->tried & ((uint32_t) 1 << k)) {
            continue;
        }

        addr = &origin->addrs[k];

        if (!ngx_http_genai_origin_failed(addr)) {
            return addr;
        }

        if (last == NULL) {
            last = addr;
        }
    }

    return last;
}


static ngx_uint_t
ngx_http_genai_origin_failed(ngx_http_genai_origin_addr_t *addr)
{
    return addr->failed
           && ngx_current_msec - addr->failed_at
              < NGX_HTTP_GENAI_ORIGIN_FAIL;
}


static void
ngx_http_genai_origin_free_peer(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    ngx_http_genai_origin_peer_t  *peer = data;

    ngx_uint_t                     answered;
    ngx_http_upstream_t           *u;
    ngx_http_genai_origin_addr_t  *addr;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "genai origin free peer: tries:%ui state:%ui",
                   pc->tries, state);

    u = peer->upstream;

    /* the slot may be another one now, or none */

    addr = ngx_http_genai_origin_find(peer->origin, &peer->sockaddr.sockaddr,
                                      peer->socklen);

    /* whatever it said, an address that says something is alive */

    answered = (u->state && u->state->bytes_received);

    if (answered) {
        if (addr) {
            addr->failed = 0;
        }

    } else if (pc->cached) {

        /*
         * A connection that was idle for too long says nothing about the
         * address, but much about the other idle ones.
         */

        peer->fresh = 1;

    } else if (addr && (state & NGX_PEER_FAILED)) {
        addr->failed = 1;
        addr->failed_at = ngx_current_msec;
    }

    if (addr && !(state & NGX_PEER_FAILED)
        && ngx_http_genai_origin_keep(pc, peer) == NGX_OK)
    {
        pc->connection = NULL;
    }

    if (pc->tries) {
        pc->tries--;
    }
}


#if (NGX_HTTP_SSL)

static ngx_int_t
ngx_http_genai_origin_set_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_genai_origin_peer_t  *peer = data;

    ngx_http_genai_origin_addr_t  *addr;

    addr = ngx_http_genai_origin_find(peer->origin, &peer->sockaddr.sockaddr,
                                      peer->socklen);

    if (addr == NULL) {
        return NGX_OK;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "genai origin set session: %p", addr->session);

    return ngx_ssl_set_session(pc->connection, addr->session);
}


static void
ngx_http_genai_origin_save_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_genai_origin_peer_t  *peer = data;

    ngx_ssl_session_t             *session;
    ngx_http_genai_origin_addr_t  *addr;

    addr = ngx_http_genai_origin_find(peer->origin, &peer->sockaddr.sockaddr,
                                      peer->socklen);

    if (addr == NULL) {
        return;
    }

    session = ngx_ssl_get_session(pc->connection);

    if (session == NULL) {
        return;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "genai origin save session: %p, old %p",
                   session, addr->session);

    if (addr->session) {
        ngx_ssl_free_session(addr->session);
    }

    addr->session = session;
}

#endif


/* an idle connection that can be used at once, taken out of the pool */

static ngx_connection_t *
ngx_http_genai_origin_take(ngx_http_genai_origin_peer_t *peer,
    ngx_http_genai_origin_addr_t **addrp)
{
    ngx_queue_t                   *q, *next;
    ngx_connection_t              *c;
    ngx_http_genai_origin_t       *origin;
    ngx_http_genai_origin_addr_t  *addr;
    ngx_http_genai_origin_idle_t  *item;

    origin = peer->origin;

    if (peer->fresh) {
        return NULL;
    }

    for (q = ngx_queue_head(&origin->idle);
         q != ngx_queue_sentinel(&origin->idle);
         q = next)
    {
        next = ngx_queue_next(q);

        item = ngx_queue_data(q, ngx_http_genai_origin_idle_t, queue);

        addr = ngx_http_genai_origin_find(origin, &item->sockaddr.sockaddr,
                                          item->socklen);

        if (addr == NULL
            || ngx_http_genai_origin_failed(addr)
            || peer->tried & ((uint32_t) 1 << (addr - origin->addrs)))
        {
            continue;
        }

        c = item->connection;

        ngx_queue_remove(q);
        ngx_queue_insert_head(&origin->spare, q);

        *addrp = addr;

        return c;
    }

    return NULL;
}


static ngx_int_t
ngx_http_genai_origin_keep(ngx_peer_connection_t *pc,
    ngx_http_genai_origin_peer_t *peer)
{
    ngx_queue_t                   *q;
    ngx_connection_t              *c;
    ngx_http_upstream_t           *u;
    ngx_http_genai_origin_t       *origin;
    ngx_http_genai_origin_idle_t  *item;

    u = peer->upstream;
    c = pc->connection;
    origin = peer->origin;

    if (c == NULL
        || c->read->eof
        || c->read->error
        || c->read->timedout
        || c->write->error
        || c->write->timedout)
    {
        return NGX_DECLINED;
    }

    if (!u->keepalive || !u->request_body_sent) {
        return NGX_DECLINED;
    }

    if (c->requests >= NGX_HTTP_GENAI_ORIGIN_REQUESTS
        || ngx_current_msec - c->start_time > NGX_HTTP_GENAI_ORIGIN_AGE)
    {
        return NGX_DECLINED;
    }

    if (ngx_terminate || ngx_exiting) {
        return NGX_DECLINED;
    }

#if (NGX_HTTP_SSL)

    /* what was read ahead would be the next request's answer */

    if (c->ssl && SSL_has_pending(c->ssl->connection)) {
        return NGX_DECLINED;
    }

#endif

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_queue_empty(&origin->spare)) {
        q = ngx_queue_last(&origin->idle);
        item = ngx_queue_data(q, ngx_http_genai_origin_idle_t, queue);

        ngx_http_genai_origin_drop(item);
    }

    q = ngx_queue_head(&origin->spare);
    ngx_queue_remove(q);
    ngx_queue_insert_head(&origin->idle, q);

    item = ngx_queue_data(q, ngx_http_genai_origin_idle_t, queue);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "genai origin free peer: keeping connection %p", c);

    item->connection = c;
    item->socklen = peer->socklen;
    ngx_memcpy(&item->sockaddr, &peer->sockaddr, peer->socklen);

    c->read->delayed = 0;
    ngx_add_timer(c->read, NGX_HTTP_GENAI_ORIGIN_KEEPALIVE_TIMEOUT);

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    c->read->handler = ngx_http_genai_origin_idle_read;
    c->write->handler = ngx_http_genai_origin_idle_write;

    c->data = item;
    c->idle = 1;
    c->log = ngx_cycle->log;
    c->read->log = ngx_cycle->log;
    c->write->log = ngx_cycle->log;
    c->pool->log = ngx_cycle->log;

    if (c->read->ready) {
        ngx_http_genai_origin_idle_read(c->read);
    }

    return NGX_OK;
}


void
ngx_http_genai_origin_prune(ngx_http_genai_origin_t *origin)
{
    ngx_queue_t                   *q, *next;
    ngx_http_genai_origin_idle_t  *item;

    for (q = ngx_queue_head(&origin->idle);
         q != ngx_queue_sentinel(&origin->idle);
         q = next)
    {
        next = ngx_queue_next(q);

        item = ngx_queue_data(q, ngx_http_genai_origin_idle_t, queue);

        if (ngx_http_genai_origin_find(origin, &item->sockaddr.sockaddr,
                                       item->socklen)
            == NULL)
        {
            ngx_http_genai_origin_drop(item);
        }
    }
}


static void
ngx_http_genai_origin_drop(ngx_http_genai_origin_idle_t *item)
{
    ngx_connection_t  *c;

    c = item->connection;
    item->connection = NULL;

    ngx_queue_remove(&item->queue);
    ngx_queue_insert_head(&item->origin->spare, &item->queue);

    ngx_http_genai_origin_close(c);
}


/* whether nothing has come, neither bytes nor the end */

static ngx_uint_t
ngx_http_genai_origin_quiet(ngx_connection_t *c)
{
    int   n;
    char  buf[1];

    n = recv(c->fd, buf, 1, MSG_PEEK);

    return n == -1 && ngx_socket_errno == NGX_EAGAIN;
}


static void
ngx_http_genai_origin_idle_read(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, ev->log, 0,
                   "genai origin idle connection %p read", c);

    if (!c->close && !ev->timedout && ngx_http_genai_origin_quiet(c)) {

        ev->ready = 0;

        if (ngx_handle_read_event(ev, 0) == NGX_OK) {
            return;
        }
    }

    ngx_http_genai_origin_drop(c->data);
}


static void
ngx_http_genai_origin_idle_write(ngx_event_t *ev)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, ev->log, 0,
                   "genai origin idle connection write");
}


static void
ngx_http_genai_origin_close(ngx_connection_t *c)
{
#if (NGX_HTTP_SSL)

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
            c->ssl->handler = ngx_http_genai_origin_close;
            return;
        }
    }

#endif

    ngx_destroy_pool(c->pool);
    ngx_close_connection(c);
}
