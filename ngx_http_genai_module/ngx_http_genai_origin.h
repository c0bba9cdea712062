/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * An origin is where "pass https://host/path" of a provider leads when no
 * upstream{} block is named: the addresses behind one host and port, found
 * and refreshed while nginx runs, and the idle connections to them.
 *
 * Each worker has its own addresses and its own pool; nothing is shared and
 * nothing is locked.  A name that does not resolve never keeps nginx from
 * starting: the origin is just not ready.
 */


#ifndef _NGX_HTTP_GENAI_ORIGIN_H_INCLUDED_
#define _NGX_HTTP_GENAI_ORIGIN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* idle connections that a worker keeps open to one origin */
#define NGX_HTTP_GENAI_ORIGIN_KEEPALIVE          32

/* how long an idle connection is kept, ms */
#define NGX_HTTP_GENAI_ORIGIN_KEEPALIVE_TIMEOUT  60000

/* addresses of one name that are used; a longer answer is cut */
#define NGX_HTTP_GENAI_ORIGIN_ADDRS              16


typedef struct ngx_http_genai_origin_s  ngx_http_genai_origin_t;


/*
 * Somebody who waits for a lookup of an origin's name.  It is the waiter's
 * memory, zeroed but for handler and data; it must be cancelled before it
 * goes away.
 */
typedef struct {
    ngx_queue_t               queue;
    ngx_http_genai_origin_t  *origin;
    void                    (*handler)(void *data);
    void                     *data;
    unsigned                  waiting:1;
} ngx_http_genai_origin_waiter_t;


/*
 * Creates the origin of host:port.  An IP literal (an IPv6 one in brackets)
 * is its own address.  name is the provider's, for the log.  Memory is of
 * cf->pool, host and name must live as long.
 *
 * One origin serves one provider: its idle connections were opened with that
 * provider's TLS settings.
 *
 * Returns NULL when out of memory.
 */
ngx_http_genai_origin_t *ngx_http_genai_origin_create(ngx_conf_t *cf,
    ngx_str_t *host, in_port_t port, ngx_str_t *name);

/*
 * Settles how the name will be looked up, after the whole http{} block was
 * read: literal, /etc/hosts, then resolver (where it is not NULL and has
 * addresses), else the name servers, search list and ndots of
 * /etc/resolv.conf.  Reads both files now; a reload reads them again.
 * timeout is of one query, ms; 0 and NGX_CONF_UNSET_MSEC stand for 30 s, as of
 * resolver_timeout.
 *
 * Returns NGX_OK, also where there is no way to look the name up (the log
 * says so at level warn), or NGX_ERROR when out of memory.
 */
ngx_int_t ngx_http_genai_origin_init(ngx_conf_t *cf,
    ngx_http_genai_origin_t *origin, ngx_resolver_t *resolver,
    ngx_msec_t timeout);

/*
 * To be called in every worker when it starts: begins the first lookup, so
 * that most names are known before the first request.
 */
void ngx_http_genai_origin_init_process(ngx_cycle_t *cycle,
    ngx_http_genai_origin_t *origin);

/*
 * Whether addresses are known.  Begins a lookup where none are, and where
 * those that are known have outlived their time, which is the answer's TTL,
 * but at least one second and at most five minutes.  They serve until the
 * new ones are here, and on if the lookup fails.
 *
 * Returns NGX_OK; NGX_DECLINED where the name did not resolve, it is tried
 * again at most once a second; NGX_AGAIN while a lookup is under way that is
 * worth to wait for: the first, one after a failure that was quickly known,
 * and one for addresses that have been out of time for five minutes.
 */
ngx_int_t ngx_http_genai_origin_ready(ngx_http_genai_origin_t *origin);

/*
 * Calls w->handler(w->data) once, from the event loop, when the lookup that
 * NGX_AGAIN spoke of is over, well or badly: ask ready() again.  The handler
 * may wait again.  As long as somebody waits, a worker that quits stays.
 */
void ngx_http_genai_origin_wait(ngx_http_genai_origin_t *origin,
    ngx_http_genai_origin_waiter_t *w);

/* Stops waiting; does nothing where w does not wait. */
void ngx_http_genai_origin_cancel(ngx_http_genai_origin_waiter_t *w);

/*
 * The peer.init of an origin, in the manner of an upstream{} block's: sets
 * get, free, the TLS session hooks, data and tries of r->upstream->peer.  The
 * order of the addresses moves on with each call; an address that failed is
 * tried last for ten seconds.  With no address known get() answers NGX_BUSY.
 *
 * Idle connections come first, the one used last before others; after one of
 * them turned out to be stale the request uses none.  A connection is kept
 * when u->keepalive says that its answer was read to the end, NGX_PEER_FAILED
 * was not said, nothing unread has come, and it served less than 1000
 * requests in less than an hour.
 *
 * Returns NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_genai_origin_init_peer(ngx_http_request_t *r,
    ngx_http_genai_origin_t *origin);


#endif /* _NGX_HTTP_GENAI_ORIGIN_H_INCLUDED_ */
