
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The directives within genai_provider that are more than a value.
 */


#include "ngx_http_genai.h"
#include "genai_path.h"


char *
ngx_http_genai_provider_dialect(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_genai_provider_t *p = conf;

    u_char                  names[256], *last;
    ngx_str_t              *value;
    ngx_uint_t              i, k;
    genai_str_t             name;
    const genai_dialect_t  *dialect;

    if (p->ndialects) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        name.len = value[i].len;
        name.data = value[i].data;

        dialect = genai_dialect_by_name(&name);

        if (dialect == NULL) {

            last = names;

            for (k = 0; (dialect = genai_dialect_at(k)) != NULL; k++) {
                last = ngx_slprintf(last, names + sizeof(names), " \"%*s\"",
                                    dialect->name.len, dialect->name.data);
            }

            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "this build does not speak the dialect \"%V\", "
                               "it has%*s", &value[i],
                               (size_t) (last - names), names);
            return NGX_CONF_ERROR;
        }

        for (k = 0; k < p->ndialects; k++) {
            if (dialect == p->dialects[k]) {
                break;
            }
        }

        /* there are no more than that */

        if (k < p->ndialects || k == NGX_HTTP_GENAI_DIALECTS) {
            return "names a dialect twice";
        }

        p->dialects[p->ndialects++] = dialect;
    }

    p->dialect = p->dialects[0];

    return NGX_CONF_OK;
}


char *
ngx_http_genai_provider_pass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_provider_t *p = conf;

    u_char                   c, *s, *last, *host, *colon;
    ngx_int_t                port;
    ngx_str_t               *value;
    ngx_uint_t               i;
    genai_str_t              path, id;
    const genai_dialect_t   *dialect;
    const genai_endpoint_t  *endpoint;

    if (p->url.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    p->url = value[1];
    last = p->url.data + p->url.len;

    if (ngx_strncasecmp(p->url.data, (u_char *) "https://", 8) == 0) {
        ngx_str_set(&p->schema, "https://");
        p->ssl = 1;
        p->port = 443;

    } else if (ngx_strncasecmp(p->url.data, (u_char *) "http://", 7) == 0) {
        ngx_str_set(&p->schema, "http://");
        p->port = 80;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid URL \"%V\": \"pass\" takes "
                           "https://HOST[:PORT][/PATH], or http://", &p->url);
        return NGX_CONF_ERROR;
    }

    host = p->url.data + p->schema.len;
    colon = NULL;
    s = host;

    if (s < last && *s == '[') {
        s = ngx_strlchr(s, last, ']');

        if (s == NULL || s == host + 1) {
            goto invalid;
        }

        s++;

        if (s < last && *s != ':' && *s != '/') {
            goto invalid;
        }
    }

    for ( /* void */ ; s < last && *s != '/'; s++) {

        c = *s;

        if (c == ':') {
            if (colon) {
                goto invalid;
            }

            colon = s;

        } else if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                     || (c >= '0' && c <= '9') || c == '-' || c == '.'
                     || c == '_'))
        {
            goto invalid;
        }
    }

    p->authority.data = host;
    p->authority.len = s - host;

    p->host.data = host;
    p->host.len = (colon ? colon : s) - host;

    if (p->host.len == 0 || p->host.len > 255) {
        goto invalid;
    }

    if (colon) {
        port = ngx_atoi(colon + 1, s - colon - 1);

        if (port < 1 || port > 65535) {
            goto invalid;
        }

        p->port = port;
    }

    p->path.data = s;
    p->path.len = last - s;

    for ( /* void */ ; s < last; s++) {
        if (*s <= ' ' || *s >= 0x7f || *s == '?' || *s == '#' || *s == '$') {
            goto invalid;
        }
    }

    while (p->path.len && p->path.data[p->path.len - 1] == '/') {
        p->path.len--;
    }

    path.len = p->path.len;
    path.data = p->path.data;

    p->versioned = genai_path_has_version(&path);
    p->vertex = genai_path_is_vertex(&path);

    for (i = 0; (dialect = genai_dialect_at(i)) != NULL; i++) {

        endpoint = genai_endpoint_of_path(dialect, &path, &id);

        if (endpoint == NULL) {
            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"pass\" takes the base URL that an SDK would get, "
                           "without \"%*s\": the gateway adds it",
                           endpoint->suffix.len, endpoint->suffix.data);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid URL \"%V\": \"pass\" takes "
                       "https://HOST[:PORT][/PATH] without query, fragment "
                       "or variables", &p->url);
    return NGX_CONF_ERROR;
}


ngx_uint_t
ngx_http_genai_provider_versioned(ngx_str_t *version)
{
    u_char  c;
    size_t  i;

    for (i = 0; i < version->len; i++) {

        c = version->data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '-' || c == '.'))
        {
            return 0;
        }
    }

    return version->len && version->len <= 64;
}


char *
ngx_http_genai_provider_version(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_provider_t *p = conf;

    ngx_str_t  *value;

    if (p->api_version.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (!ngx_http_genai_provider_versioned(&value[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is no version: \"api_version\" takes "
                           "one as 2024-10-21", &value[1]);
        return NGX_CONF_ERROR;
    }

    p->api_version = value[1];

    return NGX_CONF_OK;
}


char *
ngx_http_genai_provider_credential(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_genai_provider_t *p = conf;

    ngx_str_t  *value;

    if (p->credential.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    p->credential = value[1];

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (value[2].len != 6 || ngx_strncmp(value[2].data, "bearer", 6) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"credential\" takes \"bearer\" behind its "
                           "source, not \"%V\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    p->bearer = 1;

    return NGX_CONF_OK;
}


char *
ngx_http_genai_provider_resolver(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_genai_provider_t *p = conf;

    ngx_str_t  *value;

    if (p->resolver) {
        return "is duplicate";
    }

    value = cf->args->elts;

    p->resolver = ngx_resolver_create(cf, &value[1], cf->args->nelts - 1);

    return p->resolver ? NGX_CONF_OK : NGX_CONF_ERROR;
}
