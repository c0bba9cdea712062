
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The group: a balancer over the targets of one exchange, each of which has
 * a balancer of its own, that of its upstream{} block or of its origin.
 *
 * nginx sees one private upstream, in no list of upstreams, whose hooks are
 * these functions; every hook is forwarded to the current target's peers.
 * get() moves on to the next target when the current one has no more peers
 * to try, and then points nginx at the other provider's configuration, TLS
 * context and names, and renders the request anew.
 *
 * Tries.  nginx asks peer.tries whether a failed attempt may be followed by
 * another; the peers of a target count it down in free(); and nginx itself
 * counts it up when a cached connection turned out to be dead.  The group
 * keeps the peers' own number (tries), tells nginx that number plus the
 * targets left (reported), and takes over at the next call what nginx has
 * added meanwhile.
 *
 * Nothing can wait in here: nginx needs a connection from get().
 */


#include "ngx_http_genai.h"


static ngx_int_t ngx_http_genai_group_start(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_uint_t ngx_http_genai_group_quiet(ngx_connection_t *c);
static void ngx_http_genai_group_drop(ngx_http_genai_ctx_t *ctx,
    ngx_peer_connection_t *pc);
static void ngx_http_genai_group_status(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_group_next(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static void ngx_http_genai_group_hook(ngx_http_genai_ctx_t *ctx,
    ngx_peer_connection_t *pc);
static void ngx_http_genai_group_report(ngx_http_genai_ctx_t *ctx,
    ngx_peer_connection_t *pc);
static ngx_uint_t ngx_http_genai_group_left(ngx_http_genai_ctx_t *ctx);
static ngx_uint_t ngx_http_genai_group_askable(ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_group_get_peer(ngx_peer_connection_t *pc,
    void *data);
static void ngx_http_genai_group_free_peer(ngx_peer_connection_t *pc,
    void *data, ngx_uint_t state);
static ngx_uint_t ngx_http_genai_group_may_retry(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_uint_t wanted);
static void ngx_http_genai_group_notify_peer(ngx_peer_connection_t *pc,
    void *data, ngx_uint_t type);
#if (NGX_SSL || NGX_COMPAT)
static ngx_int_t ngx_http_genai_group_set_session(ngx_peer_connection_t *pc,
    void *data);
static void ngx_http_genai_group_save_session(ngx_peer_connection_t *pc,
    void *data);
#endif


/* what nginx's log says where no peer was found */

static ngx_str_t  ngx_http_genai_group_name = ngx_string("genai");


ngx_int_t
ngx_http_genai_group_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us)
{
    ngx_http_genai_ctx_t    *ctx;
    ngx_http_genai_group_t  *group;

    ctx = ngx_http_genai_get_ctx(r);

    group = &ctx->group;
    ctx->failure = GENAI_OK;
    ctx->failure_status = 0;
    ctx->said = GENAI_OK;

    group->current = 0;
    group->started = 1;
    group->attempts = 0;
    group->stopped = 0;
    group->start = ngx_current_msec;

    return ngx_http_genai_group_start(r, ctx);
}


void
ngx_http_genai_group_point(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target)
{
    ngx_http_upstream_t        *u;
    ngx_http_genai_provider_t  *p;

    u = r->upstream;
    p = target->provider;

    ctx->target = target;

    ngx_http_genai_count_attempt(ctx, target
                       - (ngx_http_genai_target_t *) ctx->entry->targets.elts);

    u->conf = &p->conf;
    u->schema = p->schema;
    u->uri = ctx->path;

#if (NGX_HTTP_SSL)
    u->ssl = p->ssl;
    u->ssl_name = p->ssl_name;
#endif
}


/* begins with the current target: its peers' hooks become those we forward */

static ngx_int_t
ngx_http_genai_group_start(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_int_t                   rc;
    ngx_http_upstream_t        *u;
    ngx_peer_connection_t      *pc;
    ngx_http_genai_group_t     *group;
    ngx_http_genai_target_t    *target;
    ngx_http_genai_provider_t  *p;

    u = r->upstream;
    pc = &u->peer;
    group = &ctx->group;
    target = group->targets[group->current];
    p = target->provider;

    ngx_http_genai_group_point(r, ctx, target);

    /* a hook that these peers do not have must not be the others' one */

    pc->get = NULL;
    pc->free = NULL;
    pc->notify = NULL;
    pc->data = NULL;
    pc->tries = 0;
    pc->cached = 0;

#if (NGX_SSL || NGX_COMPAT)
    pc->set_session = NULL;
    pc->save_session = NULL;
#endif

#if (NGX_HTTP_GENAI_PEER_SID)
    pc->hint = NULL;
    pc->sid = NULL;
#endif

    if (p->upstream) {
        u->upstream = p->upstream;
        rc = p->upstream->peer.init(r, p->upstream);

    } else {
        u->upstream = u->conf->upstream;
        rc = ngx_http_genai_origin_init_peer(r, p->origin);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_genai_group_hook(ctx, pc);

    return NGX_OK;
}


static void
ngx_http_genai_group_hook(ngx_http_genai_ctx_t *ctx,
    ngx_peer_connection_t *pc)
{
    ngx_http_genai_group_t  *group;

    group = &ctx->group;

    group->get = pc->get;
    group->free = pc->free;
    group->notify = pc->notify;
    group->data = pc->data;
    group->tries = pc->tries;

    pc->get = ngx_http_genai_group_get_peer;
    pc->free = ngx_http_genai_group_free_peer;
    pc->notify = group->notify ? ngx_http_genai_group_notify_peer : NULL;
    pc->data = ctx;

#if (NGX_SSL || NGX_COMPAT)
    group->set_session = pc->set_session;
    group->save_session = pc->save_session;
    pc->set_session = ngx_http_genai_group_set_session;
    pc->save_session = ngx_http_genai_group_save_session;
#endif

    ngx_http_genai_group_report(ctx, pc);
}


static void
ngx_http_genai_group_report(ngx_http_genai_ctx_t *ctx,
    ngx_peer_connection_t *pc)
{
    ngx_http_genai_group_t  *group;

    group = &ctx->group;

    group->reported = group->stopped ? 0 : group->tries
                                           + ngx_http_genai_group_left(ctx);
    pc->tries = group->reported;
}


/* targets that may still be tried after the current one */

static ngx_uint_t
ngx_http_genai_group_left(ngx_http_genai_ctx_t *ctx)
{
    ngx_uint_t               left, max;
    ngx_http_genai_group_t  *group;

    group = &ctx->group;

    left = group->ntargets - group->current - 1;
    max = ctx->entry->next_target_tries;

    if (max == 0) {
        return left;
    }

    return (group->started < max) ? ngx_min(left, max - group->started) : 0;
}


static ngx_int_t
ngx_http_genai_group_get_peer(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_genai_ctx_t *ctx = data;

    ngx_int_t                rc;
    ngx_uint_t               again;
    ngx_http_request_t      *r;
    ngx_http_upstream_t     *u;
    ngx_http_genai_group_t  *group;

    r = ctx->request;
    u = r->upstream;
    group = &ctx->group;

    ngx_http_genai_group_status(r, ctx);

    if (ngx_http_genai_deadline_over(ctx)) {
        group->stopped = 1;
        ctx->error = GENAI_PROVIDER_TIMEOUT;
        goto none;
    }

    /* nginx has added one for a cached connection that was dead */

    again = (pc->tries > group->reported) ? pc->tries - group->reported : 0;

    if (group->attempts && group->stopped && !again) {
        goto none;
    }

    group->tries += again;

    for ( ;; ) {

        if (group->tries) {

            pc->tries = group->tries;

            rc = group->get(pc, group->data);

            group->tries = pc->tries;

            if (rc == NGX_DONE
                && !ngx_http_genai_group_quiet(pc->connection))
            {
                ngx_http_genai_group_drop(ctx, pc);
                continue;
            }

            ngx_http_genai_group_report(ctx, pc);

            if (rc != NGX_BUSY) {
                ngx_http_genai_deadline_attempt(r, ctx);
                return rc;
            }

            ctx->error = GENAI_PROVIDER_UNREACHABLE;

            ngx_log_error(NGX_LOG_WARN, pc->log, 0,
                          "genai target \"%V\" has no live peer",
                          &ctx->target->name);
        }

        if (group->stopped) {
            break;
        }

        rc = ngx_http_genai_group_next(r, ctx);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            break;
        }
    }

none:

    /* nginx reads both: no name is fatal where an upstream{} may change */

    pc->name = &ngx_http_genai_group_name;
    u->upstream = u->conf->upstream;

    return NGX_BUSY;
}


/*
 * Whether nothing has come on a cached connection.  Its end may be known to
 * the kernel but not yet to us, and a request that is sent and lost can often
 * not be sent again.  Bytes are worse: they would be read as the answer to a
 * request that is not even sent, and all later ones be off by one.
 */

static ngx_uint_t
ngx_http_genai_group_quiet(ngx_connection_t *c)
{
    char  buf[1];

    return recv(c->fd, buf, 1, MSG_PEEK) == -1
           && ngx_socket_errno == NGX_EAGAIN;
}


/* gives such a connection back to its peers, who do not keep it, and closes */

static void
ngx_http_genai_group_drop(ngx_http_genai_ctx_t *ctx, ngx_peer_connection_t *pc)
{
    ngx_uint_t               tries;
    ngx_connection_t        *c;
    ngx_http_genai_group_t  *group;

    group = &ctx->group;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "genai cached connection %p is not quiet", pc->connection);

    /* it was no try */

    tries = group->tries;

    group->free(pc, group->data, NGX_PEER_NEXT);

    group->tries = tries;

    c = pc->connection;

    pc->connection = NULL;
    pc->sockaddr = NULL;
    pc->cached = 0;

    if (c == NULL) {
        return;
    }

#if (NGX_HTTP_SSL)

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        (void) ngx_ssl_shutdown(c);
    }

#endif

    if (c->pool) {
        ngx_destroy_pool(c->pool);
    }

    ngx_close_connection(c);
}


/*
 * Forgets the last attempt.  nginx has noted 502 for every one that we called
 * a failure: its log shall say what the provider said.
 */

static void
ngx_http_genai_group_status(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_http_upstream_state_t  *state;

    if (ctx->failure != GENAI_OK && ctx->failure_status
        && r->upstream_states->nelts > 1)
    {
        state = r->upstream_states->elts;
        state[r->upstream_states->nelts - 2].status = ctx->failure_status;
    }

    ctx->failure = GENAI_OK;
    ctx->failure_status = 0;
    ngx_str_null(&ctx->retry_after);
    ngx_str_null(&ctx->message);
}


static ngx_int_t
ngx_http_genai_group_next(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_int_t                 rc;
    ngx_chain_t              *bufs;
    const genai_str_t        *word;
    ngx_http_genai_group_t   *group;
    ngx_http_genai_target_t  *target;

    group = &ctx->group;

again:

    do {
        if (ngx_http_genai_group_left(ctx) == 0) {
            return NGX_DECLINED;
        }

        target = group->targets[++group->current];

    } while (target->provider->origin
             && ngx_http_genai_origin_ready(target->provider->origin)
                == NGX_DECLINED);

    word = genai_error_word(ctx->error);

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "genai target \"%V\" failed (%*s), moves on to \"%V\"",
                  &ctx->target->name, word->len, word->data, &target->name);

    ngx_http_genai_step_begin(ctx);

    rc = ngx_http_genai_render(r, ctx, target, &bufs);

    ngx_http_genai_step_end(ctx);

    if (rc == NGX_DECLINED) {

        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "genai target \"%V\" is passed over: it cannot be asked "
                      "what this request asks", &target->name);

        ngx_str_null(&ctx->message);
        goto again;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->request_bufs = bufs;
    r->upstream->request_bufs = bufs;

    if (ngx_http_genai_group_start(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    /* one that has no peer to connect to was not tried */

    group->started += (group->tries != 0);

    return NGX_OK;
}


static void
ngx_http_genai_group_free_peer(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    ngx_http_genai_ctx_t *ctx = data;

    ngx_uint_t               failed, stale, wanted;
    ngx_http_request_t      *r;
    ngx_http_upstream_t     *u;
    ngx_http_genai_group_t  *group;

    r = ctx->request;
    u = r->upstream;
    group = &ctx->group;

    failed = (state & NGX_PEER_FAILED);
    stale = 0;
    wanted = 0;

    if (u->request_sent) {
        ctx->meter.sent = 1;
    }

    if (!ctx->from_provider) {

        /* as long as its target is known */

        ngx_http_genai_window_close(ctx);
    }

    if ((state & NGX_PEER_FAILED) && u->state && u->state->bytes_received) {

        /*
         * nginx before 1.29 begins anew only where the request was sent, but
         * a peer that speaks unasked has left its bytes in our state as well
         */

        u->request_sent = 1;
    }

    if (!(state & NGX_PEER_FAILED)) {
        /* void */

    } else if (ctx->failure != GENAI_OK) {

        /* our own verdict about what the provider said */

        ctx->error = ctx->failure;

        if (ctx->failure != GENAI_PROVIDER_TIMEOUT || ctx->failure_status) {
            ctx->said = ctx->failure;
            ctx->said_retry_after = ctx->retry_after;
        }

        if (ctx->failure == GENAI_PROVIDER_RATE_LIMITED
            || ctx->failure == GENAI_PROVIDER_REFUSED)
        {
            /* the peer is well, it does not want us now */

            state = NGX_PEER_NEXT;
        }

    } else if (pc->connection
               && (pc->connection->read->timedout
                   || pc->connection->write->timedout))
    {
        wanted = NGX_HTTP_GENAI_NEXT_TIMEOUT;
        ctx->error = GENAI_PROVIDER_TIMEOUT;

    } else {

        wanted = NGX_HTTP_GENAI_NEXT_ERROR;
        ctx->error = u->request_sent ? GENAI_PROVIDER_BAD_ANSWER
                                     : GENAI_PROVIDER_UNREACHABLE;

        if (pc->cached && u->state && u->state->bytes_received == 0) {

            /* it was closed while it was idle: no fault of the peer's */

            stale = 1;
            state = NGX_PEER_NEXT;
        }

        /* nginx sends the request again for any cached connection */

        pc->cached = stale;
    }

    if (!stale) {
        group->attempts++;
    }

    if (wanted && !ngx_http_genai_group_may_retry(r, ctx, wanted)) {
        group->stopped = 1;
    }

    pc->tries = group->tries;

    group->free(pc, group->data, state);

    group->tries = pc->tries;

    if (ctx->failure != GENAI_OK && ctx->target->provider->origin) {

        /* all addresses of an origin are one provider: it has spoken */

        group->tries = 0;
    }

    if (failed && !ctx->from_provider && !group->stopped
        && (stale || group->tries || ngx_http_genai_group_left(ctx)))
    {
        /* whoever was sent a request may bill it, if he has not said no */

        ngx_http_genai_spent(ctx, &ctx->meter);

        if (ngx_http_genai_limits_again(r, ctx) != NGX_OK) {
            group->stopped = 1;
            pc->cached = 0;
        }
    }

    ngx_http_genai_group_report(ctx, pc);
}


static ngx_uint_t
ngx_http_genai_group_may_retry(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_uint_t wanted)
{
    ngx_http_genai_model_t  *entry;
    ngx_http_genai_group_t  *group;

    entry = ctx->entry;
    group = &ctx->group;

    if (group->stopped
        || ngx_http_genai_deadline_over(ctx)
        || !(entry->next_target & wanted)
        || r->request_body_no_buffering
        || r->upstream->header_sent)
    {
        return 0;
    }

    if (entry->next_target_timeout
        && ngx_current_msec - group->start >= entry->next_target_timeout)
    {
        return 0;
    }

    return 1;
}


ngx_uint_t
ngx_http_genai_group_move_on(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_uint_t wanted)
{
    if (ngx_http_genai_group_may_move(r, ctx, wanted)) {
        return 1;
    }

    ctx->group.stopped = 1;

    return 0;
}


ngx_uint_t
ngx_http_genai_group_may_move(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_uint_t wanted)
{
    ngx_uint_t  peers;

    /* the current attempt is among the tries until it is freed */

    peers = (ctx->target->provider->upstream && ctx->group.tries > 1);

    return ngx_http_genai_group_may_retry(r, ctx, wanted)
           && (peers || ngx_http_genai_group_askable(ctx));
}


/*
 * Whether one of the targets that are left can be asked this: an error is kept
 * from the client for nothing else.  Those before it that cannot are left out.
 */

static ngx_uint_t
ngx_http_genai_group_askable(ngx_http_genai_ctx_t *ctx)
{
    ngx_int_t                 rc;
    ngx_uint_t                next;
    ngx_http_genai_group_t   *group;
    ngx_http_genai_target_t  *target;

    group = &ctx->group;
    next = group->current + 1;

    while (ngx_http_genai_group_left(ctx)) {

        target = group->targets[next];
        rc = ngx_http_genai_translatable(ctx, target);

        if (rc == NGX_OK) {
            return 1;
        }

        ngx_log_error(NGX_LOG_WARN, ctx->request->connection->log, 0,
                      "genai target \"%V\" is passed over: it cannot be asked "
                      "what this request asks", &target->name);

        group->ntargets--;

        ngx_memmove(&group->targets[next], &group->targets[next + 1],
                    (group->ntargets - next)
                    * sizeof(ngx_http_genai_target_t *));
    }

    return 0;
}


static void
ngx_http_genai_group_notify_peer(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t type)
{
    ngx_http_genai_ctx_t *ctx = data;

    ctx->group.notify(pc, ctx->group.data, type);
}


#if (NGX_SSL || NGX_COMPAT)

static ngx_int_t
ngx_http_genai_group_set_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_genai_ctx_t *ctx = data;

    if (ctx->group.set_session == NULL) {
        return NGX_OK;
    }

    return ctx->group.set_session(pc, ctx->group.data);
}


static void
ngx_http_genai_group_save_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_genai_ctx_t *ctx = data;

    if (ctx->group.save_session) {
        ctx->group.save_session(pc, ctx->group.data);
    }
}

#endif
