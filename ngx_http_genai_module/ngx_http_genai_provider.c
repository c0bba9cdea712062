
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * genai_provider: a place that speaks a dialect, with its credential.
 *
 * Each provider owns one static upstream configuration and one TLS context,
 * which all exchanges with it share: nginx's keep-alive may be keyed by the
 * configuration's address, and nothing of one provider (names, verification,
 * timeouts) may ever be applied to another.
 */


#include "ngx_http_genai.h"


/* of all providers: an exchange keeps its buffer when it changes the target */
#define NGX_HTTP_GENAI_BUFFER_SIZE  8192


static char *ngx_http_genai_provider_complete(ngx_conf_t *cf,
    ngx_http_genai_provider_t *p);
static ngx_int_t ngx_http_genai_provider_init_one(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, ngx_http_genai_provider_t *p);
static ngx_uint_t ngx_http_genai_provider_equal(ngx_str_t *a, ngx_str_t *b);
static ngx_uint_t ngx_http_genai_provider_same_peer(
    ngx_http_genai_provider_t *a, ngx_http_genai_provider_t *b);
static ngx_int_t ngx_http_genai_provider_peers(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, ngx_http_genai_provider_t *p);
static ngx_int_t ngx_http_genai_provider_paths(ngx_conf_t *cf,
    ngx_http_genai_provider_t *p);
static ngx_uint_t ngx_http_genai_provider_ends(ngx_http_genai_provider_t *p,
    const char *end);
#if (NGX_HTTP_SSL)
static ngx_int_t ngx_http_genai_provider_ssl(ngx_conf_t *cf,
    ngx_http_genai_provider_t *p);
#endif


/* an empty hash that ngx_hash_find() can search */

static ngx_hash_elt_t  *ngx_http_genai_no_buckets[1];


char *
ngx_http_genai_provider(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_main_conf_t *mcf = conf;

    char                        *rv;
    ngx_str_t                   *value;
    ngx_http_genai_provider_t   *p, *other, **pp;

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "needs a name";
    }

    other = ngx_http_genai_provider_find(mcf, &value[1]);

    if (other) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "genai_provider \"%V\" is duplicate, the first one "
                           "is in %s:%ui", &value[1], other->file,
                           other->line);
        return NGX_CONF_ERROR;
    }

    p = ngx_pcalloc(cf->pool, sizeof(ngx_http_genai_provider_t));
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     p->conf = { 0 };
     *     p->ssl_protocols = 0;
     */

    p->name = value[1];
    p->file = cf->conf_file->file.name.data;
    p->line = cf->conf_file->line;

    p->conf.connect_timeout = NGX_CONF_UNSET_MSEC;
    p->conf.send_timeout = NGX_CONF_UNSET_MSEC;
    p->conf.read_timeout = NGX_CONF_UNSET_MSEC;
    p->ssl_verify_depth = NGX_CONF_UNSET_UINT;

#if (NGX_HTTP_SSL)
    p->conf.ssl_session_reuse = NGX_CONF_UNSET;
    p->conf.ssl_server_name = NGX_CONF_UNSET;
    p->conf.ssl_verify = NGX_CONF_UNSET;
#endif

    if (ngx_array_init(&p->headers, cf->pool, 2,
                       sizeof(ngx_http_genai_header_t))
        != NGX_OK
        || ngx_array_init(&p->pass_names, cf->pool, 16,
                          sizeof(ngx_hash_key_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    rv = ngx_http_genai_read_block(cf, NGX_HTTP_GENAI_PROVIDER_CONF, p);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_http_genai_provider_complete(cf, p);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    pp = ngx_array_push(&mcf->providers);
    if (pp == NULL) {
        return NGX_CONF_ERROR;
    }

    *pp = p;

    return NGX_CONF_OK;
}


/* what can be said when the block alone is known */

static char *
ngx_http_genai_provider_complete(ngx_conf_t *cf, ngx_http_genai_provider_t *p)
{
    u_char                     c;
    ngx_uint_t                 i;
    ngx_http_upstream_conf_t  *uc;

    if (p->dialect == NULL) {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, p->file, p->line,
                                  "genai_provider \"%V\" has no dialect: "
                                  "write \"dialect openai;\" in it", &p->name);
        return NGX_CONF_ERROR;
    }

    if (p->url.len == 0) {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, p->file, p->line,
                                  "genai_provider \"%V\" leads nowhere: write "
                                  "\"pass https://HOST/PATH;\" in it",
                                  &p->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_genai_provider_paths(cf, p) != NGX_OK
        || ngx_http_genai_quirks_init(cf, p) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    uc = &p->conf;

#if (NGX_HTTP_SSL)

    if (!p->ssl
        && (p->ssl_name.len || p->ssl_protocols || p->ssl_ciphers.len
            || p->ssl_trusted_certificate.len || p->ssl_crl.len
            || p->ssl_verify_depth != NGX_CONF_UNSET_UINT
            || uc->ssl_verify != NGX_CONF_UNSET
            || uc->ssl_server_name != NGX_CONF_UNSET
            || uc->ssl_session_reuse != NGX_CONF_UNSET))
    {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, p->file, p->line,
                                  "genai_provider \"%V\" has ssl_* settings "
                                  "but passes to %V: write https://, or remove "
                                  "them", &p->name, &p->url);
        return NGX_CONF_ERROR;
    }

#endif

    for (i = 0; i < p->region.len; i++) {

        c = p->region.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            break;
        }
    }

    if (i < p->region.len || p->region.len > GENAI_SIGV4_NAME_MAX) {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, p->file, p->line,
                                  "genai_provider \"%V\" has \"region %V\", "
                                  "which is no name like us-east-1",
                                  &p->name, &p->region);
        return NGX_CONF_ERROR;
    }

    if (p->region.len && !p->dialect->signed_v4) {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, p->file, p->line,
                                  "genai_provider \"%V\" has a region, which "
                                  "only \"dialect bedrock;\" needs: remove "
                                  "\"region\"", &p->name);
        return NGX_CONF_ERROR;
    }

    if (p->resolver && p->upstream_name.len) {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, p->file, p->line,
                                  "genai_provider \"%V\" has \"resolver\" and "
                                  "\"upstream\", whose servers nginx looks up: "
                                  "remove one of the two", &p->name);
        return NGX_CONF_ERROR;
    }

    ngx_conf_init_msec_value(uc->connect_timeout, 5000);
    ngx_conf_init_msec_value(uc->send_timeout, 60000);
    ngx_conf_init_msec_value(uc->read_timeout, 60000);
    ngx_conf_init_uint_value(p->ssl_verify_depth, 5);

    uc->buffer_size = NGX_HTTP_GENAI_BUFFER_SIZE;

    /*
     * every failure may be retried as far as nginx is concerned: whether it
     * is, the group says with the tries that it reports
     */

    uc->next_upstream = NGX_CONF_BITMASK_SET
                        |NGX_HTTP_UPSTREAM_FT_ERROR
                        |NGX_HTTP_UPSTREAM_FT_TIMEOUT
                        |NGX_HTTP_UPSTREAM_FT_INVALID_HEADER
                        |NGX_HTTP_UPSTREAM_FT_NON_IDEMPOTENT;

    /* a provider does not drive nginx */

    uc->ignore_headers = NGX_CONF_BITMASK_SET
                         |NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT
                         |NGX_HTTP_UPSTREAM_IGN_XA_EXPIRES
                         |NGX_HTTP_UPSTREAM_IGN_XA_LIMIT_RATE
                         |NGX_HTTP_UPSTREAM_IGN_XA_BUFFERING
                         |NGX_HTTP_UPSTREAM_IGN_XA_CHARSET
                         |NGX_HTTP_UPSTREAM_IGN_EXPIRES
                         |NGX_HTTP_UPSTREAM_IGN_CACHE_CONTROL
                         |NGX_HTTP_UPSTREAM_IGN_SET_COOKIE
                         |NGX_HTTP_UPSTREAM_IGN_VARY;

    /* what may pass is decided when a header line is read */

    uc->hide_headers_hash.buckets = ngx_http_genai_no_buckets;
    uc->hide_headers_hash.size = 1;

    uc->request_buffering = 1;
    uc->pass_request_headers = 1;
    uc->pass_request_body = 1;

    ngx_str_set(&uc->module, "genai");

#if (NGX_HTTP_SSL)

    ngx_conf_init_value(uc->ssl_session_reuse, 1);
    ngx_conf_init_value(uc->ssl_server_name, 1);
    ngx_conf_init_value(uc->ssl_verify, 1);

    if (p->ssl && ngx_http_genai_provider_ssl(cf, p) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

#else

    if (p->ssl) {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, p->file, p->line,
                                  "genai_provider \"%V\" needs an nginx with "
                                  "--with-http_ssl_module", &p->name);
        return NGX_CONF_ERROR;
    }

#endif

    return ngx_http_genai_provider_pass_headers(cf, p) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* what its dialects' paths have, and the gateway adds */

static ngx_int_t
ngx_http_genai_provider_paths(ngx_conf_t *cf, ngx_http_genai_provider_t *p)
{
    ngx_uint_t  i, versions;

    versions = 0;

    for (i = 0; i < p->ndialects; i++) {

        versions += (p->dialects[i]->version_param.len != 0);

        if (p->dialects[i] == &genai_azure
            && (ngx_http_genai_provider_ends(p, "/openai")
                || ngx_http_genai_provider_ends(p, "/openai/v1")))
        {
            ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, p->file, p->line,
                                      "genai_provider \"%V\" of dialect azure "
                                      "passes to \"%V\": write the resource "
                                      "alone, https://NAME.openai.azure.com, "
                                      "as the gateway adds "
                                      "/openai/deployments/NAME; for the path "
                                      "/openai/v1 write \"dialect openai;\"",
                                      &p->name, &p->url);
            return NGX_ERROR;
        }
    }

    if (p->api_version.len && versions == 0) {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, p->file, p->line,
                                  "genai_provider \"%V\" has \"api_version\", "
                                  "which the paths of its dialect do not have: "
                                  "remove it, or write \"dialect azure;\"; "
                                  "\"header NAME VALUE;\" sets a header",
                                  &p->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_genai_provider_ends(ngx_http_genai_provider_t *p, const char *end)
{
    size_t  len;

    len = ngx_strlen(end);

    return p->path.len >= len
           && ngx_strncmp(p->path.data + p->path.len - len, end, len) == 0;
}


#if (NGX_HTTP_SSL)

static ngx_int_t
ngx_http_genai_provider_ssl(ngx_conf_t *cf, ngx_http_genai_provider_t *p)
{
    in_addr_t            addr;
    ngx_ssl_t           *ssl;
    ngx_pool_cleanup_t  *cln;

    if (p->ssl_name.len == 0) {
        p->ssl_name = p->host;
    }

    if (p->ssl_protocols == 0) {
        p->ssl_protocols = NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3;
    }

    if (p->ssl_ciphers.len == 0) {
        ngx_str_set(&p->ssl_ciphers, "DEFAULT");
    }

    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (ssl == NULL) {
        return NGX_ERROR;
    }

    ssl->log = cf->log;

    if (ngx_ssl_create(ssl, p->ssl_protocols, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(ssl);
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    p->conf.ssl = ssl;

    if (ngx_ssl_ciphers(cf, ssl, &p->ssl_ciphers, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    if (p->conf.ssl_verify) {

        addr = ngx_inet_addr(p->ssl_name.data, p->ssl_name.len);

        if (addr != INADDR_NONE || p->ssl_name.data[0] == '[') {

            /* nginx compares names only */

            ngx_http_genai_conf_error(cf, NGX_LOG_WARN, p->file, p->line,
                                      "genai_provider \"%V\" passes to an "
                                      "address, which no certificate can be "
                                      "verified for: write \"ssl_name NAME;\" "
                                      "in it, or a name in \"pass\"",
                                      &p->name);
        }

        if (p->ssl_trusted_certificate.len) {

            if (ngx_ssl_trusted_certificate(cf, ssl,
                                            &p->ssl_trusted_certificate,
                                            p->ssl_verify_depth)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

        } else {

            /* the system's list of authorities, as OpenSSL was told of it */

            if (SSL_CTX_set_default_verify_paths(ssl->ctx) != 1) {
                ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                              "SSL_CTX_set_default_verify_paths() failed");
                return NGX_ERROR;
            }

            SSL_CTX_set_verify_depth(ssl->ctx, p->ssl_verify_depth);
        }

        if (ngx_ssl_crl(cf, ssl, &p->ssl_crl) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_ssl_client_session_cache(cf, ssl, p->conf.ssl_session_reuse);
}

#endif


ngx_int_t
ngx_http_genai_provider_init(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf)
{
    ngx_uint_t                   i;
    ngx_http_genai_provider_t  **providers;

    providers = mcf->providers.elts;

    for (i = 0; i < mcf->providers.nelts; i++) {
        if (ngx_http_genai_provider_init_one(cf, mcf, providers[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_provider_init_one(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, ngx_http_genai_provider_t *p)
{
    ngx_int_t                  rc;
    ngx_conf_file_t            file, *save;
    ngx_resolver_t            *resolver;
    ngx_http_core_loc_conf_t  *clcf;

    static ngx_str_t  authorization = ngx_string("authorization");

    p->conf.upstream = &mcf->group;

    if (p->credential.len) {

        p->secret = ngx_http_genai_secret_get(cf, mcf, &p->credential,
                                              p->file, p->line);
        if (p->secret == NULL) {
            return NGX_ERROR;
        }

        if (p->secret->jwt.file.len
            && ngx_http_genai_provider_free(cf, p, &authorization) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (p->secret->aws.id.len && !p->dialect->signed_v4) {
            ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, p->file, p->line,
                                      "genai_provider \"%V\" has keys of AWS "
                                      "as its credential, which only requests "
                                      "of \"dialect bedrock;\" are signed "
                                      "with", &p->name);
            return NGX_ERROR;
        }

        if (p->secret->aws.id.len && p->region.len == 0) {
            ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, p->file, p->line,
                                      "genai_provider \"%V\" has keys of AWS "
                                      "as its credential and no region: write "
                                      "\"region us-east-1;\", or the one that "
                                      "it passes to, in it", &p->name);
            return NGX_ERROR;
        }

        if (!p->ssl && p->secret->aws.id.len == 0) {
            ngx_http_genai_conf_error(cf, NGX_LOG_WARN, p->file, p->line,
                                      "genai_provider \"%V\" sends its "
                                      "credential in clear text to %V",
                                      &p->name, &p->url);
        }
    }

    if (p->upstream_name.len) {
        return ngx_http_genai_provider_peers(cf, mcf, p);
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    resolver = p->resolver ? p->resolver : clcf->resolver;

    /* what is to be said of the name is said with the provider's line */

    save = cf->conf_file;
    file = *save;
    file.file.name.data = p->file;
    file.file.name.len = ngx_strlen(p->file);
    file.line = p->line;
    cf->conf_file = &file;

    rc = NGX_ERROR;

    p->origin = ngx_http_genai_origin_create(cf, &p->host, p->port, &p->name);

    if (p->origin) {
        rc = ngx_http_genai_origin_init(cf, p->origin, resolver,
                                        clcf->resolver_timeout);
    }

    cf->conf_file = save;

    return rc;
}


static ngx_uint_t
ngx_http_genai_provider_equal(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len && ngx_strncasecmp(a->data, b->data, a->len) == 0;
}


/* whether a connection that one has made may serve the other */

static ngx_uint_t
ngx_http_genai_provider_same_peer(ngx_http_genai_provider_t *a,
    ngx_http_genai_provider_t *b)
{
    if (a->ssl != b->ssl || !ngx_http_genai_provider_equal(&a->host, &b->host))
    {
        return 0;
    }

#if (NGX_HTTP_SSL)

    if (a->ssl
        && (a->conf.ssl_verify != b->conf.ssl_verify
            || a->conf.ssl_server_name != b->conf.ssl_server_name
            || a->ssl_verify_depth != b->ssl_verify_depth
            || a->ssl_protocols != b->ssl_protocols
            || !ngx_http_genai_provider_equal(&a->ssl_name, &b->ssl_name)
            || !ngx_http_genai_provider_equal(&a->ssl_ciphers, &b->ssl_ciphers)
            || !ngx_http_genai_provider_equal(&a->ssl_crl, &b->ssl_crl)
            || !ngx_http_genai_provider_equal(&a->ssl_trusted_certificate,
                                              &b->ssl_trusted_certificate)))
    {
        return 0;
    }

#endif

    return 1;
}


/*
 * Peers of an upstream{} block.  nginx's keep-alive finds an idle connection
 * by address alone, so that one block must not serve two hosts: a request
 * for one could go out on a connection that was verified for the other.
 */

static ngx_int_t
ngx_http_genai_provider_peers(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf,
    ngx_http_genai_provider_t *p)
{
    ngx_uint_t                       i;
    ngx_http_genai_provider_t      **others, *o;
    ngx_http_upstream_srv_conf_t   **uscfp;
    ngx_http_upstream_main_conf_t   *umcf;

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module);
    uscfp = umcf->upstreams.elts;

    for (i = 0; i < umcf->upstreams.nelts; i++) {

        if (uscfp[i]->srv_conf
            && uscfp[i]->host.len == p->upstream_name.len
            && ngx_strncasecmp(uscfp[i]->host.data, p->upstream_name.data,
                               p->upstream_name.len)
               == 0)
        {
            p->upstream = uscfp[i];
            break;
        }
    }

    if (p->upstream == NULL) {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, p->file, p->line,
                                  "genai_provider \"%V\" has \"upstream %V\", "
                                  "but there is no upstream{} of that name in "
                                  "http", &p->name, &p->upstream_name);
        return NGX_ERROR;
    }

    others = mcf->providers.elts;

    for (i = 0; i < mcf->providers.nelts; i++) {

        o = others[i];

        if (o == p || o->upstream != p->upstream) {
            continue;
        }

        if (!ngx_http_genai_provider_same_peer(o, p)) {
            ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, p->file, p->line,
                                      "genai_provider \"%V\" (%V%V) and \"%V\" "
                                      "(%V%V) share upstream \"%V\", whose "
                                      "idle connections would be mixed: give "
                                      "each host, and each set of ssl_* "
                                      "settings, an upstream{} of its own",
                                      &p->name, &p->schema, &p->authority,
                                      &o->name, &o->schema, &o->authority,
                                      &p->upstream_name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_http_genai_provider_t *
ngx_http_genai_provider_find(ngx_http_genai_main_conf_t *mcf, ngx_str_t *name)
{
    ngx_uint_t                   i;
    ngx_http_genai_provider_t  **providers;

    providers = mcf->providers.elts;

    for (i = 0; i < mcf->providers.nelts; i++) {
        if (providers[i]->name.len == name->len
            && ngx_memcmp(providers[i]->name.data, name->data, name->len)
               == 0)
        {
            return providers[i];
        }
    }

    return NULL;
}
