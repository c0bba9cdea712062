/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The lookups of an origin.  An origin asks when somebody wants its addresses
 * and they have outlived their time, never by a timer: one that nobody uses
 * costs no query.  All of it is in slots of fixed size, so that a name which
 * changes all day takes no more memory than one that does not.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_genai_origin_int.h"


/*
 * How long an answer holds, whatever its TTL, ms: a TTL of 0 must not cost
 * a query a request, one of a day must not outlive a provider's move.
 */
#define NGX_HTTP_GENAI_ORIGIN_VALID_MIN  1000
#define NGX_HTTP_GENAI_ORIGIN_VALID_MAX  300000

/* addresses that are older than that are not used before a lookup, ms */
#define NGX_HTTP_GENAI_ORIGIN_STALE      300000

/* between the end of a lookup that failed and the next one, ms */
#define NGX_HTTP_GENAI_ORIGIN_RETRY      1000

/* the longest time for a query while there are addresses, ms */
#define NGX_HTTP_GENAI_ORIGIN_REFRESH    5000

/* a lookup that takes longer and fails is not waited for again, ms */
#define NGX_HTTP_GENAI_ORIGIN_SLOW       500


static void ngx_http_genai_origin_lookup(ngx_http_genai_origin_t *origin);
static void ngx_http_genai_origin_query(ngx_http_genai_origin_t *origin);
static void ngx_http_genai_origin_answer(ngx_resolver_ctx_t *ctx);
static void ngx_http_genai_origin_timer(ngx_event_t *ev);
static void ngx_http_genai_origin_end(ngx_http_genai_origin_t *origin,
    ngx_int_t state, ngx_msec_t valid);
static void ngx_http_genai_origin_tell(ngx_event_t *ev);

static void ngx_http_genai_origin_update(ngx_http_genai_origin_t *origin,
    ngx_resolver_addr_t *addrs, ngx_uint_t n);
static ngx_uint_t ngx_http_genai_origin_routed(struct sockaddr *sockaddr,
    socklen_t socklen, in_port_t port);


void
ngx_http_genai_origin_init_lookup(ngx_http_genai_origin_t *origin)
{
    ngx_queue_init(&origin->waiters);
    ngx_queue_init(&origin->ended);

    /* what the debug log prints of an event is its connection's */

    origin->dummy.fd = (ngx_socket_t) -1;
    origin->dummy.data = origin;

    origin->timer.handler = ngx_http_genai_origin_timer;
    origin->timer.data = &origin->dummy;
    origin->timer.log = origin->log;
    origin->timer.cancelable = 1;

    origin->posted.handler = ngx_http_genai_origin_tell;
    origin->posted.data = &origin->dummy;
    origin->posted.log = origin->log;
}


void
ngx_http_genai_origin_init_process(ngx_cycle_t *cycle,
    ngx_http_genai_origin_t *origin)
{
    if (origin->resolver == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return;
    }

    /* the time that a new worker has is old before its first events */

    ngx_add_timer(&origin->timer, 1);
}


ngx_int_t
ngx_http_genai_origin_ready(ngx_http_genai_origin_t *origin)
{
    if (origin->resolver == NULL) {
        return origin->naddrs ? NGX_OK : NGX_DECLINED;
    }

    if (!origin->looking
        && (!origin->looked
            || (ngx_msec_int_t) (ngx_current_msec - origin->next) >= 0))
    {
        ngx_http_genai_origin_lookup(origin);
    }

    if (origin->naddrs == 0) {
        return (origin->looking && !origin->slow) ? NGX_AGAIN : NGX_DECLINED;
    }

    /*
     * After a long time without requests the addresses may be somebody
     * else's now; but where name servers are known to fail they are all
     * there is.
     */

    if (origin->looking
        && !origin->failed
        && (ngx_msec_int_t) (ngx_current_msec - origin->expire)
           >= NGX_HTTP_GENAI_ORIGIN_STALE)
    {
        return NGX_AGAIN;
    }

    return NGX_OK;
}


void
ngx_http_genai_origin_wait(ngx_http_genai_origin_t *origin,
    ngx_http_genai_origin_waiter_t *w)
{
    if (w->waiting) {
        return;
    }

    w->origin = origin;
    w->waiting = 1;

    if (!origin->looking) {
        ngx_queue_insert_tail(&origin->ended, &w->queue);
        ngx_post_event(&origin->posted, &ngx_posted_events);
        return;
    }

    ngx_queue_insert_tail(&origin->waiters, &w->queue);

    /* a worker that quits stays for a lookup that somebody waits for */

    origin->timer.cancelable = 0;
}


void
ngx_http_genai_origin_cancel(ngx_http_genai_origin_waiter_t *w)
{
    if (!w->waiting) {
        return;
    }

    w->waiting = 0;
    ngx_queue_remove(&w->queue);

    if (ngx_queue_empty(&w->origin->waiters)) {
        w->origin->timer.cancelable = 1;
    }
}


static void
ngx_http_genai_origin_lookup(ngx_http_genai_origin_t *origin)
{
    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, origin->log, 0,
                   "genai origin lookup: \"%V\"", &origin->host);

    origin->looking = 1;
    origin->began = ngx_current_msec;
    origin->candidate = 0;

    ngx_http_genai_origin_query(origin);
}


static void
ngx_http_genai_origin_query(ngx_http_genai_origin_t *origin)
{
    size_t               len;
    ngx_msec_t           timeout;
    genai_str_t          host;
    ngx_resolver_ctx_t  *ctx;

    host.len = origin->host.len;
    host.data = origin->host.data;

    len = genai_resolv_candidate(origin->rules, &host, origin->candidate,
                                 origin->query);
    if (len == 0) {
        ngx_http_genai_origin_end(origin, NGX_RESOLVE_NXDOMAIN, 0);
        return;
    }

    ctx = ngx_resolve_start(origin->resolver, NULL);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        ngx_http_genai_origin_end(origin, NGX_ERROR, 0);
        return;
    }

    ctx->name.len = len;
    ctx->name.data = origin->query;
    ctx->handler = ngx_http_genai_origin_answer;
    ctx->data = origin;

    /*
     * The time is ours to watch: whether the timer may keep a worker that
     * quits depends on who waits, and that changes while it runs.
     */

    if (origin->timer.timer_set) {
        ngx_del_timer(&origin->timer);
    }

    timeout = origin->timeout;

    if (origin->naddrs) {
        timeout = ngx_min(timeout, NGX_HTTP_GENAI_ORIGIN_REFRESH);
    }

    ngx_add_timer(&origin->timer, timeout);

    /* the handler may be called at once */

    origin->ctx = ctx;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        origin->ctx = NULL;
        ngx_http_genai_origin_end(origin, NGX_ERROR, 0);
    }
}


static void
ngx_http_genai_origin_answer(ngx_resolver_ctx_t *ctx)
{
    time_t                    valid;
    ngx_int_t                 state;
    ngx_http_genai_origin_t  *origin;

    origin = ctx->data;
    origin->ctx = NULL;

    state = ctx->state;

    if (state != NGX_OK) {

        ngx_log_debug3(NGX_LOG_DEBUG_HTTP, origin->log, 0,
                       "genai origin lookup: \"%V\" %i: %s", &ctx->name,
                       state, ngx_resolver_strerror(state));

        ngx_resolve_name_done(ctx);

        origin->candidate++;
        ngx_http_genai_origin_query(origin);

        return;
    }

    valid = ctx->valid - ngx_time();

    valid = ngx_max(valid, NGX_HTTP_GENAI_ORIGIN_VALID_MIN / 1000);
    valid = ngx_min(valid, NGX_HTTP_GENAI_ORIGIN_VALID_MAX / 1000);

    ngx_http_genai_origin_update(origin, ctx->addrs, ctx->naddrs);

    ngx_resolve_name_done(ctx);

    ngx_http_genai_origin_end(origin, NGX_OK, (ngx_msec_t) valid * 1000);
}


static void
ngx_http_genai_origin_timer(ngx_event_t *ev)
{
    ngx_connection_t         *dummy;
    ngx_resolver_ctx_t       *ctx;
    ngx_http_genai_origin_t  *origin;

    dummy = ev->data;
    origin = dummy->data;

    if (!origin->looking) {
        ngx_http_genai_origin_lookup(origin);
        return;
    }

    ctx = origin->ctx;
    origin->ctx = NULL;

    ngx_resolve_name_done(ctx);

    /* a server that does not answer will not do so for another name */

    ngx_http_genai_origin_end(origin, NGX_RESOLVE_TIMEDOUT, 0);
}


static void
ngx_http_genai_origin_end(ngx_http_genai_origin_t *origin, ngx_int_t state,
    ngx_msec_t valid)
{
    if (origin->timer.timer_set) {
        ngx_del_timer(&origin->timer);
    }

    origin->timer.cancelable = 1;
    origin->looking = 0;

    if (state == NGX_OK) {

        if (origin->failed) {
            ngx_log_error(NGX_LOG_NOTICE, origin->log, 0,
                          "\"%V\" of genai_provider \"%V\" is resolved again",
                          &origin->host, &origin->name);
        }

        origin->failed = 0;
        origin->slow = 0;
        origin->expire = ngx_current_msec + valid;
        origin->next = origin->expire;

    } else {

        /* once, not with each of the lookups that follow */

        if (!origin->failed && origin->naddrs) {
            ngx_log_error(NGX_LOG_WARN, origin->log, 0,
                          "\"%V\" of genai_provider \"%V\" could not be "
                          "resolved (%i: %s), the addresses known before "
                          "stay in use",
                          &origin->host, &origin->name,
                          state, ngx_resolver_strerror(state));

        } else if (!origin->failed) {
            ngx_log_error(NGX_LOG_ERR, origin->log, 0,
                          "\"%V\" of genai_provider \"%V\" could not be "
                          "resolved (%i: %s), the provider cannot be used; "
                          "check the name and \"resolver\"",
                          &origin->host, &origin->name,
                          state, ngx_resolver_strerror(state));
        }

        origin->failed = 1;
        origin->slow = (ngx_current_msec - origin->began
                        > NGX_HTTP_GENAI_ORIGIN_SLOW);
        origin->next = ngx_current_msec + NGX_HTTP_GENAI_ORIGIN_RETRY;
    }

    origin->looked = 1;

    if (!ngx_queue_empty(&origin->waiters)) {
        ngx_queue_add(&origin->ended, &origin->waiters);
        ngx_queue_init(&origin->waiters);

        ngx_post_event(&origin->posted, &ngx_posted_events);
    }
}


static void
ngx_http_genai_origin_tell(ngx_event_t *ev)
{
    ngx_queue_t                      queue, *q;
    ngx_connection_t                *dummy;
    ngx_http_genai_origin_t         *origin;
    ngx_http_genai_origin_waiter_t  *w;

    dummy = ev->data;
    origin = dummy->data;

    if (ngx_queue_empty(&origin->ended)) {
        return;
    }

    /* who waits again in its handler is told another time */

    ngx_queue_init(&queue);
    ngx_queue_add(&queue, &origin->ended);
    ngx_queue_init(&origin->ended);

    while (!ngx_queue_empty(&queue)) {

        q = ngx_queue_head(&queue);
        ngx_queue_remove(q);

        w = ngx_queue_data(q, ngx_http_genai_origin_waiter_t, queue);

        w->waiting = 0;
        w->handler(w->data);
    }
}


/* copies what the resolver found: it is the resolver's, and only for now */

static void
ngx_http_genai_origin_update(ngx_http_genai_origin_t *origin,
    ngx_resolver_addr_t *addrs, ngx_uint_t n)
{
    ngx_uint_t                     i, nfound, same;
    ngx_http_genai_origin_addr_t  *old, *found;
    ngx_http_genai_origin_addr_t   slots[NGX_HTTP_GENAI_ORIGIN_ADDRS];

    found = slots;
    nfound = 0;

    for (i = 0; i < n; i++) {
        if (ngx_http_genai_origin_routed(addrs[i].sockaddr, addrs[i].socklen,
                                         origin->port))
        {
            nfound = ngx_http_genai_origin_add(found, nfound,
                                               addrs[i].sockaddr,
                                               addrs[i].socklen,
                                               origin->port);
        }
    }

    /* a network that is away may be back when they are connected to */

    for (i = 0; nfound == 0 && i < n; i++) {
        nfound = ngx_http_genai_origin_add(found, nfound, addrs[i].sockaddr,
                                           addrs[i].socklen, origin->port);
    }

    same = (nfound == origin->naddrs);

    for (i = 0; i < nfound && same; i++) {
        same = (ngx_http_genai_origin_find(origin, &found[i].sockaddr.sockaddr,
                                           found[i].socklen)
                != NULL);
    }

    if (same) {
        return;
    }

    for (i = 0; i < nfound; i++) {

        old = ngx_http_genai_origin_find(origin, &found[i].sockaddr.sockaddr,
                                         found[i].socklen);
        if (old == NULL) {
            continue;
        }

        found[i].failed = old->failed;
        found[i].failed_at = old->failed_at;

#if (NGX_HTTP_SSL)
        found[i].session = old->session;
        old->session = NULL;
#endif
    }

    ngx_http_genai_origin_forget(origin);

    ngx_memcpy(origin->addrs, found,
               nfound * sizeof(ngx_http_genai_origin_addr_t));
    origin->naddrs = nfound;
    origin->generation++;

    for (i = 0; i < nfound; i++) {
        ngx_log_error(NGX_LOG_INFO, origin->log, 0,
                      "\"%V\" of genai_provider \"%V\" has address %*s",
                      &origin->host, &origin->name,
                      found[i].len, found[i].text);
    }

    ngx_http_genai_origin_prune(origin);
}


ngx_uint_t
ngx_http_genai_origin_add(ngx_http_genai_origin_addr_t *addrs, ngx_uint_t n,
    struct sockaddr *sockaddr, socklen_t socklen, in_port_t port)
{
    ngx_uint_t                     i;
    ngx_http_genai_origin_addr_t  *addr;

    if (n == NGX_HTTP_GENAI_ORIGIN_ADDRS
        || socklen > (socklen_t) sizeof(ngx_sockaddr_t))
    {
        return n;
    }

    for (i = 0; i < n; i++) {
        if (ngx_cmp_sockaddr(&addrs[i].sockaddr.sockaddr, addrs[i].socklen,
                             sockaddr, socklen, 0)
            == NGX_OK)
        {
            return n;
        }
    }

    addr = &addrs[n];

    ngx_memzero(addr, sizeof(ngx_http_genai_origin_addr_t));

    ngx_memcpy(&addr->sockaddr, sockaddr, socklen);
    ngx_inet_set_port(&addr->sockaddr.sockaddr, port);

    addr->socklen = socklen;
    addr->len = ngx_sock_ntop(&addr->sockaddr.sockaddr, socklen, addr->text,
                              NGX_SOCKADDR_STRLEN, 1);

    return n + 1;
}


void
ngx_http_genai_origin_forget(ngx_http_genai_origin_t *origin)
{
#if (NGX_HTTP_SSL)

    ngx_uint_t  i;

    for (i = 0; i < origin->naddrs; i++) {
        if (origin->addrs[i].session) {
            ngx_ssl_free_session(origin->addrs[i].session);
        }
    }

#endif

    origin->naddrs = 0;
}


ngx_http_genai_origin_addr_t *
ngx_http_genai_origin_find(ngx_http_genai_origin_t *origin,
    struct sockaddr *sockaddr, socklen_t socklen)
{
    ngx_uint_t                     i;
    ngx_http_genai_origin_addr_t  *addr;

    for (i = 0; i < origin->naddrs; i++) {

        addr = &origin->addrs[i];

        if (ngx_cmp_sockaddr(&addr->sockaddr.sockaddr, addr->socklen,
                             sockaddr, socklen, 0)
            == NGX_OK)
        {
            return addr;
        }
    }

    return NULL;
}


/*
 * Whether the host has a route to an address, as RFC 6724 rule 1 asks: most
 * hosts of names with IPv6 addresses that are asked from have IPv4 only.
 * To connect a datagram socket sends nothing.
 */

static ngx_uint_t
ngx_http_genai_origin_routed(struct sockaddr *sockaddr, socklen_t socklen,
    in_port_t port)
{
    ngx_err_t       err;
    ngx_uint_t      routed;
    ngx_socket_t    s;
    ngx_sockaddr_t  sa;

    if (socklen > (socklen_t) sizeof(ngx_sockaddr_t)) {
        return 0;
    }

    ngx_memcpy(&sa, sockaddr, socklen);
    ngx_inet_set_port(&sa.sockaddr, port);

    s = ngx_socket(sockaddr->sa_family, SOCK_DGRAM, 0);

    if (s == (ngx_socket_t) -1) {
        return ngx_socket_errno != EAFNOSUPPORT;
    }

    routed = 1;

    if (connect(s, &sa.sockaddr, socklen) == -1) {

        err = ngx_socket_errno;

        if (err == NGX_ENETUNREACH || err == NGX_EHOSTUNREACH
            || err == EADDRNOTAVAIL)
        {
            routed = 0;
        }
    }

    (void) ngx_close_socket(s);

    return routed;
}
