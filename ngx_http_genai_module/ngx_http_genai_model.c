
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * genai_model: a public name, or a pattern of names, and its targets.
 *
 * A name is looked up as written in three steps: the exact one by binary
 * search, the longest "prefix*", the first "~regex".
 */


#include "ngx_http_genai.h"


static ngx_int_t ngx_http_genai_model_name(ngx_conf_t *cf,
    ngx_http_genai_model_t *model);
static ngx_int_t ngx_http_genai_target_param(ngx_conf_t *cf,
    ngx_http_genai_target_t *target, ngx_str_t *param);
static int ngx_libc_cdecl ngx_http_genai_model_cmp_exact(const void *one,
    const void *two);
static int ngx_libc_cdecl ngx_http_genai_model_cmp_prefix(const void *one,
    const void *two);
static ngx_int_t ngx_http_genai_target_cmp(const void *one, const void *two);


char *
ngx_http_genai_model(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_main_conf_t *mcf = conf;

    char                     *rv;
    ngx_str_t                *value;
    uint32_t                  hash;
    ngx_http_genai_model_t   *model, **p;

    value = cf->args->elts;
    hash = ngx_crc32_short(value[1].data, value[1].len);

    model = (ngx_http_genai_model_t *)
                 ngx_str_rbtree_lookup(&mcf->model_names, &value[1], hash);

    if (model) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "genai_model \"%V\" is duplicate, the first "
                           "one is in %s:%ui", &value[1],
                           model->file, model->line);
        return NGX_CONF_ERROR;
    }

    model = ngx_pcalloc(cf->pool, sizeof(ngx_http_genai_model_t));
    if (model == NULL) {
        return NGX_CONF_ERROR;
    }

    model->node.node.key = hash;
    model->node.str = value[1];
    model->name = value[1];
    model->file = cf->conf_file->file.name.data;
    model->line = cf->conf_file->line;
    model->next_target_tries = NGX_CONF_UNSET_UINT;
    model->next_target_timeout = NGX_CONF_UNSET_MSEC;
    model->first_token_timeout = NGX_CONF_UNSET_MSEC;
    model->answer_timeout = NGX_CONF_UNSET_MSEC;
    model->sse_ping = NGX_CONF_UNSET_MSEC;
    model->total_timeout = NGX_CONF_UNSET_MSEC;

    if (ngx_http_genai_model_name(cf, model) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_array_init(&model->targets, cf->pool, 4,
                       sizeof(ngx_http_genai_target_t))
        != NGX_OK
        || ngx_array_init(&model->overrides, cf->pool, 2,
                          sizeof(ngx_http_genai_override_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    rv = ngx_http_genai_read_block(cf, NGX_HTTP_GENAI_MODEL_CONF, model);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (model->targets.nelts == 0) {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, model->file, model->line,
                                  "genai_model \"%V\" has no target: write "
                                  "\"target PROVIDER;\" in it", &model->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_genai_override_init(cf, model) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (model->next_target == 0) {
        model->next_target = NGX_HTTP_GENAI_NEXT_ERROR
                             |NGX_HTTP_GENAI_NEXT_TIMEOUT
                             |NGX_HTTP_GENAI_NEXT_HTTP_429
                             |NGX_HTTP_GENAI_NEXT_HTTP_5XX;

    } else if ((model->next_target & ~NGX_CONF_BITMASK_SET)
               == NGX_HTTP_GENAI_NEXT_OFF)
    {
        model->next_target = 0;

    } else if (model->next_target & NGX_HTTP_GENAI_NEXT_OFF) {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, model->file, model->line,
                                  "genai_model \"%V\" has \"next_target off\" "
                                  "beside other values: remove one",
                                  &model->name);
        return NGX_CONF_ERROR;
    }

    ngx_conf_init_uint_value(model->next_target_tries, 3);
    ngx_conf_init_msec_value(model->next_target_timeout, 60000);
    ngx_conf_init_msec_value(model->first_token_timeout, 0);
    ngx_conf_init_msec_value(model->answer_timeout, 0);
    ngx_conf_init_msec_value(model->total_timeout, 3600000);
    ngx_conf_init_msec_value(model->sse_ping, 15000);

    p = ngx_array_push(&mcf->models);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    *p = model;
    ngx_rbtree_insert(&mcf->model_names, &model->node.node);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_genai_model_name(ngx_conf_t *cf, ngx_http_genai_model_t *model)
{
    ngx_str_t            *name;
#if (NGX_PCRE)
    u_char                errstr[NGX_MAX_CONF_ERRSTR];
    ngx_regex_compile_t   rc;
#endif

    name = &model->name;

    if (name->len == 0 || name->len > NGX_HTTP_GENAI_MODEL_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a model's name has 1 to %d bytes",
                           NGX_HTTP_GENAI_MODEL_MAX);
        return NGX_ERROR;
    }

    if (name->data[0] == '~') {
#if (NGX_PCRE)
        ngx_memzero(&rc, sizeof(ngx_regex_compile_t));

        rc.pattern.len = name->len - 1;
        rc.pattern.data = name->data + 1;

        if (rc.pattern.len && rc.pattern.data[0] == '*') {
            rc.pattern.len--;
            rc.pattern.data++;
            rc.options = NGX_REGEX_CASELESS;
        }

        rc.pool = cf->pool;
        rc.err.len = NGX_MAX_CONF_ERRSTR;
        rc.err.data = errstr;

        if (ngx_regex_compile(&rc) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%V", &rc.err);
            return NGX_ERROR;
        }

        model->regex = rc.regex;

        return NGX_OK;
#else
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "model \"%V\" needs an nginx with PCRE", name);
        return NGX_ERROR;
#endif
    }

    if (name->data[name->len - 1] == '*') {
        model->prefix.len = name->len - 1;
        model->prefix.data = name->data;
    }

    if (ngx_strlchr(name->data, name->data + name->len - 1, '*')) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "model \"%V\" has a \"*\" that is not its last "
                           "character: write a regex, \"~...\", quoted whole",
                           name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


char *
ngx_http_genai_model_target(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_model_t *model = conf;

    ngx_str_t                *value;
    ngx_uint_t                i;
    ngx_http_genai_target_t  *target;

    value = cf->args->elts;

    target = ngx_array_push(&model->targets);
    if (target == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(target, sizeof(ngx_http_genai_target_t));

    /* the provider is looked up once all of http{} is read */

    target->name = value[1];
    target->provider_name = value[1];
    target->file = cf->conf_file->file.name.data;
    target->line = cf->conf_file->line;
    target->weight = 1;
    target->priority = 1;

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_genai_target_param(cf, target, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_genai_target_param(ngx_conf_t *cf, ngx_http_genai_target_t *target,
    ngx_str_t *param)
{
    u_char     *p;
    ngx_int_t   n;

    if (ngx_strcmp(param->data, "down") == 0) {
        target->down = 1;
        return NGX_OK;
    }

    if (param->len > 5 && ngx_strncmp(param->data, "name=", 5) == 0) {
        target->name.len = param->len - 5;
        target->name.data = param->data + 5;
        return NGX_OK;
    }

    p = ngx_strlchr(param->data, param->data + param->len, '=');

    if (p && p + 1 < param->data + param->len && p[1] == '"') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "nginx keeps quotes within a word: quote %V whole, "
                           "as in \"model=NAME\"", param);
        return NGX_ERROR;
    }

    if (param->len > 6 && ngx_strncmp(param->data, "model=", 6) == 0) {

        target->model.len = param->len - 6;
        target->model.data = param->data + 6;

        if (target->model.len > NGX_HTTP_GENAI_MODEL_MAX) {
            goto invalid;
        }

        return NGX_OK;
    }

    if (param->len > 10 && ngx_strncmp(param->data, "tokenizer=", 10) == 0) {

        target->tokenizer.len = param->len - 10;
        target->tokenizer.data = param->data + 10;

        /* it may become a file's name */

        if (target->tokenizer.len >= GENAI_VOCAB_NAME_MAX
            || ngx_strlchr(target->tokenizer.data, param->data + param->len,
                           '/'))
        {
            goto invalid;
        }

        return NGX_OK;
    }

    if (param->len > 7 && ngx_strncmp(param->data, "weight=", 7) == 0) {

        n = ngx_atoi(param->data + 7, param->len - 7);
        if (n == NGX_ERROR || n > 65535) {
            goto invalid;
        }

        target->weight = n;

        return NGX_OK;
    }

    if (param->len > 9 && ngx_strncmp(param->data, "priority=", 9) == 0) {

        n = ngx_atoi(param->data + 9, param->len - 9);
        if (n == NGX_ERROR || n < 1 || n > 255) {
            goto invalid;
        }

        target->priority = n;

        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown parameter \"%V\" of a target, this build has "
                       "name=, model=, tokenizer=, weight=, priority= "
                       "and down", param);
    return NGX_ERROR;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value in \"%V\" of a target", param);
    return NGX_ERROR;
}


ngx_int_t
ngx_http_genai_model_init(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf)
{
    ngx_uint_t                 i, n;
    ngx_array_t               *list;
    ngx_http_genai_model_t   **models, **p;
    ngx_http_genai_target_t   *targets;

    models = mcf->models.elts;

    for (i = 0; i < mcf->models.nelts; i++) {

        targets = models[i]->targets.elts;

        for (n = 0; n < models[i]->targets.nelts; n++) {

            targets[n].provider = ngx_http_genai_provider_find(mcf,
                                                  &targets[n].provider_name);

            if (targets[n].provider == NULL) {
                ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, targets[n].file,
                                          targets[n].line,
                                          "genai_model \"%V\" has a target "
                                          "\"%V\", but there is no "
                                          "genai_provider of that name",
                                          &models[i]->name,
                                          &targets[n].provider_name);
                return NGX_ERROR;
            }
        }

        /* stable: within a priority they stay as written */

        ngx_sort(targets, models[i]->targets.nelts,
                 sizeof(ngx_http_genai_target_t), ngx_http_genai_target_cmp);

        list = &mcf->exact;

        if (models[i]->name.data[0] == '~') {
            list = &mcf->regexes;

        } else if (models[i]->prefix.data) {
            list = &mcf->prefixes;
        }

        p = ngx_array_push(list);
        if (p == NULL) {
            return NGX_ERROR;
        }

        *p = models[i];
    }

    ngx_qsort(mcf->exact.elts, mcf->exact.nelts, sizeof(void *),
              ngx_http_genai_model_cmp_exact);
    ngx_qsort(mcf->prefixes.elts, mcf->prefixes.nelts, sizeof(void *),
              ngx_http_genai_model_cmp_prefix);

    return NGX_OK;
}


ngx_http_genai_model_t *
ngx_http_genai_model_find(ngx_http_genai_main_conf_t *mcf, ngx_str_t *name,
    ngx_log_t *log)
{
    ngx_int_t                 rc;
    ngx_uint_t                i, low, high;
    ngx_http_genai_model_t  **models;

    /* in a path they are no name, however they are written */

    if (name->len && name->len <= 2 && name->data[0] == '.'
        && name->data[name->len - 1] == '.')
    {
        return NULL;
    }

    models = mcf->exact.elts;
    low = 0;
    high = mcf->exact.nelts;

    while (low < high) {
        i = low + (high - low) / 2;

        rc = ngx_memn2cmp(name->data, models[i]->name.data, name->len,
                          models[i]->name.len);

        if (rc == 0) {
            return models[i];
        }

        if (rc < 0) {
            high = i;

        } else {
            low = i + 1;
        }
    }

    models = mcf->prefixes.elts;

    for (i = 0; i < mcf->prefixes.nelts; i++) {
        if (name->len >= models[i]->prefix.len
            && ngx_memcmp(name->data, models[i]->prefix.data,
                          models[i]->prefix.len)
               == 0)
        {
            return models[i];
        }
    }

#if (NGX_PCRE)

    models = mcf->regexes.elts;

    for (i = 0; i < mcf->regexes.nelts; i++) {

        rc = ngx_regex_exec(models[i]->regex, name, NULL, 0);

        if (rc >= 0) {
            return models[i];
        }

        if (rc != NGX_REGEX_NO_MATCHED) {
            ngx_log_error(NGX_LOG_ALERT, log, 0,
                          ngx_regex_exec_n " failed: %i on model \"%V\" "
                          "using \"%V\"", rc, name, &models[i]->name);
        }
    }

#endif

    return NULL;
}


static int ngx_libc_cdecl
ngx_http_genai_model_cmp_exact(const void *one, const void *two)
{
    ngx_http_genai_model_t *const *a = one;
    ngx_http_genai_model_t *const *b = two;

    return (int) ngx_memn2cmp((*a)->name.data, (*b)->name.data,
                              (*a)->name.len, (*b)->name.len);
}


static int ngx_libc_cdecl
ngx_http_genai_model_cmp_prefix(const void *one, const void *two)
{
    ngx_http_genai_model_t *const *a = one;
    ngx_http_genai_model_t *const *b = two;

    /* longer ones first */

    return (int) (*b)->prefix.len - (int) (*a)->prefix.len;
}


static ngx_int_t
ngx_http_genai_target_cmp(const void *one, const void *two)
{
    const ngx_http_genai_target_t *a = one;
    const ngx_http_genai_target_t *b = two;

    return (ngx_int_t) a->priority - (ngx_int_t) b->priority;
}
