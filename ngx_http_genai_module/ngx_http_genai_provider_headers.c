
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which headers a provider gets: the client's that pass, and the operator's
 * own by the directive "header".
 */


#include "ngx_http_genai.h"


static ngx_uint_t ngx_http_genai_provider_sets(ngx_http_genai_provider_t *p,
    ngx_str_t *name);
static ngx_int_t ngx_http_genai_provider_listed(ngx_str_t *list,
    ngx_str_t *name);


/* what goes from a client to every provider */

static ngx_str_t  ngx_http_genai_pass_names[] = {
    ngx_string("content-type"),
    ngx_string("accept"),
    ngx_string("user-agent"),
    ngx_string("traceparent"),
    ngx_string("tracestate"),
    ngx_string("idempotency-key"),
    ngx_string("openai-beta"),
    ngx_string("anthropic-version"),
    ngx_string("anthropic-beta"),
    ngx_null_string
};


/* what no "header" may set or let through */

static ngx_str_t  ngx_http_genai_own_names[] = {
    ngx_string("host"),
    ngx_string("content-length"),
    ngx_string("transfer-encoding"),
    ngx_string("connection"),
    ngx_string("keep-alive"),
    ngx_string("upgrade"),
    ngx_string("te"),
    ngx_string("trailer"),
    ngx_string("expect"),
    ngx_string("accept-encoding"),
    ngx_string("content-encoding"),
    ngx_string("proxy-authorization"),
    ngx_null_string
};


/* what carries a client's identity: a value may be set, the client's not */

static ngx_str_t  ngx_http_genai_secret_names[] = {
    ngx_string("authorization"),
    ngx_string("x-api-key"),
    ngx_string("api-key"),
    ngx_string("x-goog-api-key"),
    ngx_string("cookie"),
    ngx_string("openai-organization"),
    ngx_string("openai-project"),
    ngx_string("x-goog-user-project"),
    ngx_null_string
};


ngx_int_t
ngx_http_genai_provider_free(ngx_conf_t *cf, ngx_http_genai_provider_t *p,
    ngx_str_t *name)
{
    if (!ngx_http_genai_provider_sets(p, name)) {
        return NGX_OK;
    }

    ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, p->file, p->line,
                              "genai_provider \"%V\" has \"credential\" "
                              "and \"header %V\", which is where the "
                              "credential goes: remove one of the two",
                              &p->name, name);
    return NGX_ERROR;
}


/*
 * The names that pass: the common ones and the provider's own, but for those
 * that it sets itself, as two lines of one name are read differently by
 * different servers.
 */

ngx_int_t
ngx_http_genai_provider_pass_headers(ngx_conf_t *cf,
    ngx_http_genai_provider_t *p)
{
    ngx_str_t                *name, type, credential;
    ngx_uint_t                i, k, n;
    ngx_array_t               names;
    ngx_hash_key_t           *key, *own;
    ngx_hash_init_t           hash;
    const genai_dialect_t    *d, *keys[2];

    ngx_str_set(&type, "content-type");

    for (i = 0; i < p->ndialects; i++) {

        d = p->dialects[i];
        keys[0] = p->bearer ? &genai_openai : d;
        keys[1] = d->bearer ? &genai_openai : keys[0];

        for (k = 0; k < 2 && p->credential.len; k++) {

            credential.len = keys[k]->credential_header.len;
            credential.data = keys[k]->credential_header.data;

            if (ngx_http_genai_provider_free(cf, p, &credential) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

    p->typed = ngx_http_genai_provider_sets(p, &type);

    n = p->pass_names.nelts + sizeof(ngx_http_genai_pass_names)
                              / sizeof(ngx_str_t);

    if (ngx_array_init(&names, cf->pool, n, sizeof(ngx_hash_key_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    own = p->pass_names.elts;

    for (i = 0; i < p->pass_names.nelts; i++) {
        if (!ngx_http_genai_provider_sets(p, &own[i].key)) {
            key = ngx_array_push(&names);
            *key = own[i];
        }
    }

    for (name = ngx_http_genai_pass_names; name->len; name++) {
        if (!ngx_http_genai_provider_sets(p, name)) {
            key = ngx_array_push(&names);
            key->key = *name;
            key->key_hash = ngx_hash_key_lc(name->data, name->len);
            key->value = (void *) 1;
        }
    }

    hash.hash = &p->pass_headers;
    hash.key = ngx_hash_key_lc;
    hash.max_size = 512;
    hash.bucket_size = ngx_align(128, ngx_cacheline_size);
    hash.name = "genai_pass_headers_hash";
    hash.pool = cf->pool;
    hash.temp_pool = NULL;

    return ngx_hash_init(&hash, names.elts, names.nelts);
}


/* whether "header NAME VALUE" is written for that name */

static ngx_uint_t
ngx_http_genai_provider_sets(ngx_http_genai_provider_t *p, ngx_str_t *name)
{
    ngx_uint_t               i;
    ngx_http_genai_header_t *h;

    h = p->headers.elts;

    for (i = 0; i < p->headers.nelts; i++) {
        if (h[i].name.len == name->len
            && ngx_strncasecmp(h[i].name.data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_genai_provider_listed(ngx_str_t *list, ngx_str_t *name)
{
    for ( /* void */ ; list->len; list++) {
        if (list->len == name->len
            && ngx_strncasecmp(list->data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


char *
ngx_http_genai_provider_header(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_provider_t *p = conf;

    u_char                             *s;
    ngx_str_t                          *value, name;
    ngx_uint_t                          i;
    ngx_hash_key_t                     *key;
    ngx_http_genai_header_t            *h;
    ngx_http_compile_complex_value_t    ccv;

    value = cf->args->elts;
    name = value[1];

    for (i = 0; i < name.len; i++) {
        if (name.data[i] <= ' ' || name.data[i] >= 0x7f
            || ngx_strchr("()<>@,;:\\\"/[]?={}", name.data[i]))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is no name of a header", &name);
            return NGX_CONF_ERROR;
        }
    }

    if (name.len == 0) {
        return "needs a name";
    }

    if (ngx_http_genai_provider_listed(ngx_http_genai_own_names, &name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the gateway writes \"%V\" itself, it cannot be "
                           "set", &name);
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 2) {

        if (ngx_http_genai_provider_listed(ngx_http_genai_secret_names, &name))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "a client's \"%V\" never goes to a provider: "
                               "write the value to send behind it", &name);
            return NGX_CONF_ERROR;
        }

        if (ngx_http_genai_provider_listed(ngx_http_genai_pass_names, &name)) {
            return NGX_CONF_OK;
        }

        key = p->pass_names.elts;

        for (i = 0; i < p->pass_names.nelts; i++) {
            if (key[i].key.len == name.len
                && ngx_strncasecmp(key[i].key.data, name.data, name.len) == 0)
            {
                return "is duplicate";
            }
        }

        key = ngx_array_push(&p->pass_names);
        s = ngx_pnalloc(cf->pool, name.len);

        if (key == NULL || s == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_strlow(s, name.data, name.len);

        key->key.len = name.len;
        key->key.data = s;
        key->key_hash = ngx_hash_key_lc(s, name.len);
        key->value = (void *) 1;

        return NGX_CONF_OK;
    }

    h = ngx_array_push(&p->headers);
    if (h == NULL) {
        return NGX_CONF_ERROR;
    }

    h->name = name;

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[2];
    ccv.complex_value = &h->value;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}
