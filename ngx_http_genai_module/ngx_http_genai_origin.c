/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Origins at configuration time: where the addresses of a name come from, a
 * literal, /etc/hosts, or the name servers of "resolver" or of the host.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_genai_origin_int.h"
#include "genai_file.h"


/* a packager's business; the largest size is against a wrong file */

#ifndef NGX_HTTP_GENAI_RESOLV_CONF
#define NGX_HTTP_GENAI_RESOLV_CONF       "/etc/resolv.conf"
#endif

#ifndef NGX_HTTP_GENAI_HOSTS
#define NGX_HTTP_GENAI_HOSTS             "/etc/hosts"
#endif

#define NGX_HTTP_GENAI_ORIGIN_FILE_MAX   (16 * 1024 * 1024)

/* that of nginx's resolver_timeout */
#define NGX_HTTP_GENAI_ORIGIN_TIMEOUT    30000


/* what /etc/resolv.conf says, once for all origins of a configuration */

typedef struct {
    genai_resolv_conf_t   rules;
    ngx_resolver_t       *resolver;
    ngx_cycle_t          *cycle;
} ngx_http_genai_origin_system_t;


static void ngx_http_genai_origin_cleanup(void *data);
static ngx_http_genai_origin_system_t *ngx_http_genai_origin_system(
    ngx_conf_t *cf);
static void ngx_http_genai_origin_system_cleanup(void *data);
static ngx_int_t ngx_http_genai_origin_system_resolver(ngx_conf_t *cf,
    ngx_http_genai_origin_system_t *system);
static void ngx_http_genai_origin_hosts(ngx_conf_t *cf,
    ngx_http_genai_origin_t *origin);
static ngx_int_t ngx_http_genai_origin_read(ngx_conf_t *cf, char *path,
    char **data, size_t *len);


static ngx_http_genai_origin_system_t  *ngx_http_genai_origin_systems;

/* a name that nginx's "resolver" is asked for is asked for as it is */
static const genai_resolv_conf_t  ngx_http_genai_origin_no_rules;


ngx_http_genai_origin_t *
ngx_http_genai_origin_create(ngx_conf_t *cf, ngx_str_t *host, in_port_t port,
    ngx_str_t *name)
{
    ngx_str_t                 text;
    ngx_addr_t                addr;
    ngx_uint_t                i;
    ngx_pool_cleanup_t       *cln;
    ngx_http_genai_origin_t  *origin;

    origin = ngx_pcalloc(cf->pool, sizeof(ngx_http_genai_origin_t));
    if (origin == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     origin->resolver = NULL;
     *     origin->naddrs = 0;
     *     origin->ctx = NULL;
     *     origin->looking = 0;
     *     origin->looked = 0;
     */

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    origin->name = *name;
    origin->host = *host;
    origin->port = port;
    origin->log = &cf->cycle->new_log;
    origin->rules = &ngx_http_genai_origin_no_rules;

    origin->authority.data = ngx_pnalloc(cf->pool,
                                         host->len + sizeof(":65535") - 1);
    if (origin->authority.data == NULL) {
        return NULL;
    }

    origin->authority.len = ngx_sprintf(origin->authority.data, "%V:%ui",
                                        host, (ngx_uint_t) port)
                            - origin->authority.data;

    ngx_queue_init(&origin->idle);
    ngx_queue_init(&origin->spare);

    for (i = 0; i < NGX_HTTP_GENAI_ORIGIN_KEEPALIVE; i++) {
        origin->items[i].origin = origin;
        ngx_queue_insert_tail(&origin->spare, &origin->items[i].queue);
    }

    ngx_http_genai_origin_init_lookup(origin);

    text = *host;

    if (text.len > 2 && text.data[0] == '['
        && text.data[text.len - 1] == ']')
    {
        text.data++;
        text.len -= 2;
    }

    switch (ngx_parse_addr(cf->pool, &addr, text.data, text.len)) {

    case NGX_OK:
        origin->naddrs = ngx_http_genai_origin_add(origin->addrs, 0,
                                                   addr.sockaddr, addr.socklen,
                                                   port);
        break;

    case NGX_DECLINED:
        break;

    default: /* NGX_ERROR */
        return NULL;
    }

    cln->handler = ngx_http_genai_origin_cleanup;
    cln->data = origin;

    return origin;
}


static void
ngx_http_genai_origin_cleanup(void *data)
{
    ngx_http_genai_origin_t  *origin = data;

    /* the lookup's memory is the resolver's, and it may be gone already */

    if (origin->timer.timer_set) {
        ngx_del_timer(&origin->timer);
    }

    if (origin->posted.posted) {
        ngx_delete_posted_event(&origin->posted);
    }

    ngx_http_genai_origin_forget(origin);
}


ngx_int_t
ngx_http_genai_origin_init(ngx_conf_t *cf, ngx_http_genai_origin_t *origin,
    ngx_resolver_t *resolver, ngx_msec_t timeout)
{
    u_char                           name[GENAI_RESOLV_NAME + 1];
    genai_str_t                      host;
    ngx_http_genai_origin_system_t  *system;

    if (origin->naddrs) {
        return NGX_OK;
    }

    ngx_http_genai_origin_hosts(cf, origin);

    if (origin->naddrs) {
        return NGX_OK;
    }

    host.len = origin->host.len;
    host.data = origin->host.data;

    if (genai_resolv_candidate(&ngx_http_genai_origin_no_rules, &host, 0, name)
        == 0)
    {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"%V\" of genai_provider \"%V\" is no host name, "
                           "it will not be resolved",
                           &origin->host, &origin->name);
        return NGX_OK;
    }

    origin->timeout = (timeout == 0 || timeout == NGX_CONF_UNSET_MSEC)
                      ? NGX_HTTP_GENAI_ORIGIN_TIMEOUT : timeout;

    if (resolver && resolver->connections.nelts) {
        origin->resolver = resolver;
        return NGX_OK;
    }

    system = ngx_http_genai_origin_system(cf);
    if (system == NULL) {
        return NGX_ERROR;
    }

    if (system->resolver == NULL) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"%V\" of genai_provider \"%V\" cannot be "
                           "resolved: there is neither a \"resolver\" nor a "
                           "usable name server in "
                           NGX_HTTP_GENAI_RESOLV_CONF,
                           &origin->host, &origin->name);
        return NGX_OK;
    }

    origin->resolver = system->resolver;
    origin->rules = &system->rules;

    return NGX_OK;
}


static ngx_http_genai_origin_system_t *
ngx_http_genai_origin_system(ngx_conf_t *cf)
{
    char                            *data;
    size_t                           len;
    ngx_pool_cleanup_t              *cln;
    ngx_http_genai_origin_system_t  *system;

    system = ngx_http_genai_origin_systems;

    if (system && system->cycle == cf->cycle) {
        return system;
    }

    system = ngx_pcalloc(cf->pool, sizeof(ngx_http_genai_origin_system_t));
    if (system == NULL) {
        return NULL;
    }

    system->cycle = cf->cycle;

    if (ngx_http_genai_origin_read(cf, NGX_HTTP_GENAI_RESOLV_CONF, &data, &len)
        == NGX_OK)
    {
        genai_resolv_parse(&system->rules, (u_char *) data, len);
        ngx_free(data);

    } else {
        genai_resolv_parse(&system->rules, NULL, 0);
    }

    if (ngx_http_genai_origin_system_resolver(cf, system) != NGX_OK) {
        return NULL;
    }

    /* the address of a cycle may be that of the next one again */

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_genai_origin_system_cleanup;
    cln->data = system;

    ngx_http_genai_origin_systems = system;

    return system;
}


static void
ngx_http_genai_origin_system_cleanup(void *data)
{
    if (ngx_http_genai_origin_systems == data) {
        ngx_http_genai_origin_systems = NULL;
    }
}


static ngx_int_t
ngx_http_genai_origin_system_resolver(ngx_conf_t *cf,
    ngx_http_genai_origin_system_t *system)
{
    u_char                 *p;
    ngx_str_t               names[GENAI_RESOLV_SERVERS];
    ngx_uint_t              i, n;
    genai_resolv_server_t  *server;

    n = 0;

    for (i = 0; i < system->rules.nservers; i++) {

        server = &system->rules.servers[i];

        if (server->scoped) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "name server \"%s\" of "
                               NGX_HTTP_GENAI_RESOLV_CONF " is left out, "
                               "nginx does not know scoped addresses",
                               server->text);
            continue;
        }

#if !(NGX_HAVE_INET6)
        if (server->ipv6) {
            continue;
        }
#endif

        p = ngx_pnalloc(cf->pool, server->len + sizeof("[]"));
        if (p == NULL) {
            return NGX_ERROR;
        }

        names[n].data = p;
        names[n].len = ngx_sprintf(p, server->ipv6 ? "[%s]%Z" : "%s%Z",
                                   server->text)
                       - p - 1;
        n++;
    }

    if (n == 0) {
        return NGX_OK;
    }

    system->resolver = ngx_resolver_create(cf, names, n);
    if (system->resolver == NULL) {
        return NGX_ERROR;
    }

    /* after that the next server is asked */
    system->resolver->resend_timeout = system->rules.timeout;

    return NGX_OK;
}


static void
ngx_http_genai_origin_hosts(ngx_conf_t *cf, ngx_http_genai_origin_t *origin)
{
    char                *data;
    size_t               len, n, i;
    genai_str_t          name;
    ngx_sockaddr_t       sa;
    genai_resolv_addr_t  addrs[NGX_HTTP_GENAI_ORIGIN_ADDRS];

    if (ngx_http_genai_origin_read(cf, NGX_HTTP_GENAI_HOSTS, &data, &len)
        != NGX_OK)
    {
        return;
    }

    name.len = origin->host.len;
    name.data = origin->host.data;

    n = genai_resolv_hosts((u_char *) data, len, &name, addrs,
                           NGX_HTTP_GENAI_ORIGIN_ADDRS);

    ngx_free(data);

    for (i = 0; i < n; i++) {

        ngx_memzero(&sa, sizeof(ngx_sockaddr_t));

        if (!addrs[i].ipv6) {
            sa.sockaddr_in.sin_family = AF_INET;
            ngx_memcpy(&sa.sockaddr_in.sin_addr, addrs[i].bytes, 4);

            origin->naddrs = ngx_http_genai_origin_add(origin->addrs,
                                               origin->naddrs, &sa.sockaddr,
                                               sizeof(struct sockaddr_in),
                                               origin->port);
            continue;
        }

#if (NGX_HAVE_INET6)
        sa.sockaddr_in6.sin6_family = AF_INET6;
        ngx_memcpy(&sa.sockaddr_in6.sin6_addr, addrs[i].bytes, 16);

        origin->naddrs = ngx_http_genai_origin_add(origin->addrs,
                                               origin->naddrs, &sa.sockaddr,
                                               sizeof(struct sockaddr_in6),
                                               origin->port);
#endif
    }
}


static ngx_int_t
ngx_http_genai_origin_read(ngx_conf_t *cf, char *path, char **data,
    size_t *len)
{
    int  err;

    err = genai_file_read(path, NGX_HTTP_GENAI_ORIGIN_FILE_MAX, data, len);

    if (err == 0) {
        return NGX_OK;
    }

    if (err != NGX_ENOENT) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, err,
                           "\"%s\" could not be read, it counts as empty",
                           path);
    }

    return NGX_DECLINED;
}
