/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The inside of an origin: ngx_http_genai_origin.c reads how its name is to be
 * looked up, ngx_http_genai_origin_lookup.c does that, and
 * ngx_http_genai_origin_peer.c connects.  Nobody else includes this.
 */


#ifndef _NGX_HTTP_GENAI_ORIGIN_INT_H_INCLUDED_
#define _NGX_HTTP_GENAI_ORIGIN_INT_H_INCLUDED_


#include "ngx_http_genai_origin.h"
#include "genai_resolv.h"


/*
 * An address, in a slot of the origin that the next lookup may overwrite:
 * whoever needs it for longer than a call copies it.
 */
typedef struct {
    ngx_sockaddr_t               sockaddr;
    socklen_t                    socklen;
    size_t                       len;           /* of text */
    u_char                       text[NGX_SOCKADDR_STRLEN];

    ngx_msec_t                   failed_at;
    unsigned                     failed:1;

#if (NGX_HTTP_SSL)
    ngx_ssl_session_t           *session;
#endif
} ngx_http_genai_origin_addr_t;


typedef struct {
    ngx_queue_t                  queue;         /* of idle or of spare */
    ngx_http_genai_origin_t     *origin;
    ngx_connection_t            *connection;
    socklen_t                    socklen;
    ngx_sockaddr_t               sockaddr;
} ngx_http_genai_origin_idle_t;


struct ngx_http_genai_origin_s {
    ngx_str_t                    name;          /* the provider's */
    ngx_str_t                    host;
    ngx_str_t                    authority;     /* host:port */
    in_port_t                    port;

    ngx_log_t                   *log;

    /* how the name is looked up; no resolver: what is known stays */

    ngx_resolver_t              *resolver;
    const genai_resolv_conf_t   *rules;
    ngx_msec_t                   timeout;

    /* the addresses; generation tells one set of them from another */

    ngx_uint_t                   naddrs;
    ngx_uint_t                   generation;
    ngx_uint_t                   rotation;
    ngx_http_genai_origin_addr_t
                                 addrs[NGX_HTTP_GENAI_ORIGIN_ADDRS];

    /* the lookup that is under way, and when the next one is due */

    ngx_resolver_ctx_t          *ctx;
    ngx_uint_t                   candidate;
    u_char                       query[GENAI_RESOLV_NAME + 1];
    ngx_msec_t                   began;
    ngx_msec_t                   expire;
    ngx_msec_t                   next;
    ngx_event_t                  timer;

    unsigned                     looking:1;
    unsigned                     looked:1;      /* a lookup has ended */
    unsigned                     failed:1;      /* the last one, badly */
    unsigned                     slow:1;        /* and it took long */

    /* who waits for it, and who is to be told that it has ended */

    ngx_queue_t                  waiters;
    ngx_queue_t                  ended;
    ngx_event_t                  posted;

    ngx_connection_t             dummy;         /* the data of both events */

    /* connections that nobody uses, the last one used first */

    ngx_queue_t                  idle;
    ngx_queue_t                  spare;
    ngx_http_genai_origin_idle_t
                                 items[NGX_HTTP_GENAI_ORIGIN_KEEPALIVE];
};


/* prepares the events and queues of a zeroed origin */
void ngx_http_genai_origin_init_lookup(ngx_http_genai_origin_t *origin);

/*
 * Adds an address, with that port, to n others, unless it is among them or
 * there is no room.  Returns how many there are then.
 */
ngx_uint_t ngx_http_genai_origin_add(ngx_http_genai_origin_addr_t *addrs,
    ngx_uint_t n, struct sockaddr *sockaddr, socklen_t socklen,
    in_port_t port);

/* drops all addresses and their TLS sessions */
void ngx_http_genai_origin_forget(ngx_http_genai_origin_t *origin);

/* the slot of an address, or NULL where the name does not have it now */
ngx_http_genai_origin_addr_t *ngx_http_genai_origin_find(
    ngx_http_genai_origin_t *origin, struct sockaddr *sockaddr,
    socklen_t socklen);

/* closes the idle connections to addresses that the name has no more */
void ngx_http_genai_origin_prune(ngx_http_genai_origin_t *origin);


#endif /* _NGX_HTTP_GENAI_ORIGIN_INT_H_INCLUDED_ */
