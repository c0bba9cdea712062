
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * "set TARGET NAME VALUE" and "drop TARGET NAME" of genai_model: members that
 * the requests to one target have with a value of the operator's, or have
 * not.  What the gateway itself acts on cannot be overridden.
 */


#include "ngx_http_genai.h"
#include "genai_writer.h"


static ngx_int_t ngx_http_genai_override_value(ngx_conf_t *cf,
    ngx_http_genai_override_t *o, ngx_str_t *value);


static ngx_str_t  ngx_http_genai_override_own[] = {
    ngx_string("model"),
    ngx_string("messages"),
    ngx_string("n"),
    ngx_string("best_of"),
    ngx_string("stream"),
    ngx_string("stream_options"),
    ngx_null_string
};


char *
ngx_http_genai_override(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_model_t *model = conf;

    ngx_str_t                  *value, *own;
    ngx_http_genai_override_t  *o;

    value = cf->args->elts;

    for (own = ngx_http_genai_override_own; own->len; own++) {

        if (own->len == value[2].len
            && ngx_strncasecmp(own->data, value[2].data, own->len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" cannot change \"%V\", which the "
                               "gateway itself acts on", &value[0], &value[2]);
            return NGX_CONF_ERROR;
        }
    }

    if (value[2].len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" needs the name of a member of the request, "
                           "as in \"%V TARGET temperature\"",
                           &value[0], &value[0]);
        return NGX_CONF_ERROR;
    }

    o = ngx_array_push(&model->overrides);
    if (o == NULL) {
        return NGX_CONF_ERROR;
    }

    o->target = value[1];
    o->name = value[2];
    o->file = cf->conf_file->file.name.data;
    o->line = cf->conf_file->line;
    ngx_str_null(&o->json);

    if (cf->args->nelts == 4
        && ngx_http_genai_override_value(cf, o, &value[3]) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* a JSON text as it is, anything else as a string */

static ngx_int_t
ngx_http_genai_override_value(ngx_conf_t *cf, ngx_http_genai_override_t *o,
    ngx_str_t *value)
{
    int            rc;
    u_char        *p;
    genai_scan_t   scan;
    genai_arena_t  arena;

    genai_arena_init(&arena, NGX_HTTP_GENAI_ARENA_MAX);

    genai_scan_init(&scan, &arena, value->data, value->len,
                    GENAI_REQUEST_VALUES);

    rc = genai_scan(&scan, SIZE_MAX);

    genai_arena_destroy(&arena);

    if (rc == GENAI_SCAN_DONE) {
        o->json = *value;
        return NGX_OK;
    }

    if (value->len
        && (value->data[0] == '{' || value->data[0] == '['
            || value->data[0] == '"'))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the value of \"%V\" looks like JSON and is not: "
                           "%s at byte %uz", &o->name, scan.error,
                           scan.error_offset);
        return NGX_ERROR;
    }

    p = ngx_pnalloc(cf->pool, 6 * value->len + 2);
    if (p == NULL) {
        return NGX_ERROR;
    }

    o->json.data = p;

    *p++ = '"';
    p = genai_write_escaped(p, value->data, value->len);
    *p++ = '"';

    o->json.len = p - o->json.data;

    return NGX_OK;
}


ngx_int_t
ngx_http_genai_override_init(ngx_conf_t *cf, ngx_http_genai_model_t *model)
{
    ngx_uint_t                  i, k, found;
    ngx_http_genai_target_t    *targets;
    ngx_http_genai_override_t  *o, *own;

    o = model->overrides.elts;
    targets = model->targets.elts;

    for (i = 0; i < model->overrides.nelts; i++) {

        found = 0;

        for (k = 0; k < model->targets.nelts; k++) {

            if (targets[k].name.len != o[i].target.len
                || ngx_memcmp(targets[k].name.data, o[i].target.data,
                              o[i].target.len)
                   != 0)
            {
                continue;
            }

            found = 1;

            if (targets[k].overrides.elts == NULL
                && ngx_array_init(&targets[k].overrides, cf->pool, 2,
                                  sizeof(ngx_http_genai_override_t))
                   != NGX_OK)
            {
                return NGX_ERROR;
            }

            own = ngx_array_push(&targets[k].overrides);
            if (own == NULL) {
                return NGX_ERROR;
            }

            *own = o[i];
        }

        if (!found) {
            ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, o[i].file, o[i].line,
                                      "model \"%V\" has no target \"%V\": "
                                      "\"set\" and \"drop\" name a target of "
                                      "their block", &model->name,
                                      &o[i].target);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
