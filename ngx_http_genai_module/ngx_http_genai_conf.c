
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Configurations: made, merged, and checked once all of http{} was read; the
 * directives of http, server and location.
 */


#include "ngx_http_genai.h"


static ngx_int_t ngx_http_genai_check_place(ngx_conf_t *cf,
    ngx_http_genai_place_t *place);


void *
ngx_http_genai_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_genai_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_genai_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     mcf->group = { 0 };
     */

    if (ngx_array_init(&mcf->secrets, cf->pool, 4, sizeof(void *)) != NGX_OK
        || ngx_array_init(&mcf->providers, cf->pool, 4, sizeof(void *))
           != NGX_OK
        || ngx_array_init(&mcf->models, cf->pool, 8, sizeof(void *)) != NGX_OK
        || ngx_array_init(&mcf->exact, cf->pool, 8, sizeof(void *)) != NGX_OK
        || ngx_array_init(&mcf->prefixes, cf->pool, 4, sizeof(void *))
           != NGX_OK
        || ngx_array_init(&mcf->regexes, cf->pool, 4, sizeof(void *))
           != NGX_OK
        || ngx_array_init(&mcf->places, cf->pool, 4,
                          sizeof(ngx_http_genai_place_t))
           != NGX_OK)
    {
        return NULL;
    }

    ngx_rbtree_init(&mcf->model_names, &mcf->model_sentinel,
                    ngx_str_rbtree_insert_value);

    mcf->strict = NGX_CONF_UNSET;
    mcf->test_jwt = NGX_CONF_UNSET_MSEC;
    mcf->books_turn = NGX_CONF_UNSET_MSEC;
    mcf->created = ngx_time();

    return mcf;
}


char *
ngx_http_genai_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_genai_main_conf_t *mcf = conf;

    ngx_conf_init_value(mcf->strict, 0);
    ngx_conf_init_msec_value(mcf->test_jwt, 0);

    if (mcf->books_max == 0) {
        mcf->books_max = NGX_HTTP_GENAI_BOOKS_MAX;
    }

    if (mcf->books_retain == 0) {
        mcf->books_retain = 400 * 86400;
    }

    ngx_conf_init_msec_value(mcf->books_turn, 1000);

    /* the host is what a log line of nginx's shows for an unset peer */

    ngx_str_set(&mcf->group.host, "genai");
    mcf->group.peer.init = ngx_http_genai_group_init_peer;

    return NGX_CONF_OK;
}


void *
ngx_http_genai_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_genai_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_genai_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->pass_model = NULL;
     *     conf->endpoints = 0;
     *     conf->api = GENAI_ENDPOINT_NONE;
     *     conf->expose = 0;
     *     conf->limits = NULL;
     */

    conf->pass = NGX_CONF_UNSET;
    conf->inlined = NGX_CONF_UNSET;
    conf->test_caller = NGX_CONF_UNSET;
    conf->auth = NGX_CONF_UNSET_UINT;

    return conf;
}


char *
ngx_http_genai_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_genai_loc_conf_t *prev = parent;
    ngx_http_genai_loc_conf_t *conf = child;

    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (conf->inlined == 1 && clcf->name.len
        && clcf->handler == NULL && clcf->locations == NULL)
    {
        ngx_http_genai_conf_error(cf, NGX_LOG_WARN, conf->file, conf->line,
                                  "location \"%V\" has \"genai on\" but "
                                  "nothing that sends requests on, it will "
                                  "have no effect: write it beside proxy_pass",
                                  &clcf->name);
    }

    ngx_conf_merge_value(conf->inlined, prev->inlined, 0);
    ngx_conf_merge_uint_value(conf->auth, prev->auth,
                              NGX_HTTP_GENAI_AUTH_ON);
    ngx_conf_merge_bitmask_value(conf->expose, prev->expose,
                                 NGX_CONF_BITMASK_SET);

    ngx_conf_merge_value(conf->test_caller, prev->test_caller, 0);

#if (NGX_HTTP_GENAI_DEBUG)

    if (conf->test_park.data == NULL) {
        conf->test_park = prev->test_park;
        conf->test_park_time = prev->test_park_time;
    }

#endif

    if (conf->endpoints == 0) {
        conf->endpoints = prev->endpoints ? prev->endpoints
                                          : GENAI_ENDPOINTS_DEFAULT;
    }

    /*
     * like any content handler, genai_pass is not inherited; but "if" and
     * limit_except are parts of their location
     */

    if (conf->pass == NGX_CONF_UNSET && (clcf->noname || clcf->lmt_excpt)) {

        if (prev->pass == 1 && clcf->handler
            && clcf->handler != ngx_http_genai_pass_handler)
        {
            ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, prev->file,
                                      prev->line,
                                      "location \"%V\" has \"genai_pass\" "
                                      "and, in an \"if\" or limit_except, "
                                      "another content handler (such as "
                                      "proxy_pass): remove one of the two",
                                      &clcf->name);
            return NGX_CONF_ERROR;
        }

        conf->pass = prev->pass;
        conf->file = prev->file;
        conf->line = prev->line;
        conf->pass_model = prev->pass_model;
        conf->api = conf->api ? conf->api : prev->api;
    }

    ngx_conf_init_value(conf->pass, 0);

    return ngx_http_genai_limit_merge(cf, prev, conf);
}


/* runs after all modules' init_main_conf: upstream{} blocks have peers now */

ngx_int_t
ngx_http_genai_check_conf(ngx_conf_t *cf)
{
    ngx_uint_t                   i;
    ngx_http_genai_place_t      *places;
    ngx_http_genai_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_genai_module);

    if (ngx_http_genai_provider_init(cf, mcf) != NGX_OK
        || ngx_http_genai_secret_check(cf, mcf) != NGX_OK
        || ngx_http_genai_betas_init(cf, mcf) != NGX_OK
        || ngx_http_genai_model_init(cf, mcf) != NGX_OK
        || ngx_http_genai_tokenizer_init(cf, mcf) != NGX_OK
        || ngx_http_genai_metrics_init(cf) != NGX_OK
        || ngx_http_genai_books_init(cf, mcf) != NGX_OK
        || ngx_http_genai_policy_init(cf, mcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    places = mcf->places.elts;

    for (i = 0; i < mcf->places.nelts; i++) {

        if (ngx_http_genai_check_place(cf, &places[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        if (places[i].lcf->pass == 1 && mcf->models.nelts == 0) {
            ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, places[i].lcf->file,
                                      places[i].lcf->line,
                                      "\"genai_pass\" has no model to serve: "
                                      "write a \"genai_model NAME { target "
                                      "PROVIDER; }\" in http");
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_check_place(ngx_conf_t *cf, ngx_http_genai_place_t *place)
{
    ngx_http_core_loc_conf_t    *clcf;
    ngx_http_genai_loc_conf_t   *lcf;
    ngx_http_genai_main_conf_t  *mcf;

    clcf = place->clcf;
    lcf = place->lcf;

    /* nginx takes the last content handler without a word */

    if (clcf->handler != place->handler) {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, lcf->file, lcf->line,
                                  "location \"%V\" has \"%V\" and "
                                  "another content handler after it (such as "
                                  "proxy_pass or return-like modules): "
                                  "remove one of the two", &clcf->name,
                                  &place->name);
        return NGX_ERROR;
    }

    if (lcf->pass != 1) {
        return NGX_OK;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_genai_module);

    if (lcf->pass_model && lcf->pass_model->lengths == NULL
        && ngx_http_genai_model_find(mcf, &lcf->pass_model->value, cf->log)
           == NULL)
    {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, lcf->file, lcf->line,
                                  "\"genai_pass model=%V\" names no model: "
                                  "write a \"genai_model %V { ... }\" in http",
                                  &lcf->pass_model->value,
                                  &lcf->pass_model->value);
        return NGX_ERROR;
    }

    if (lcf->api && !(lcf->endpoints & genai_endpoint_bit(lcf->api))) {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, lcf->file, lcf->line,
                                  "location \"%V\" has a \"genai_api\" that "
                                  "its \"genai_endpoints\" does not list: "
                                  "every request would be 404", &clcf->name);
        return NGX_ERROR;
    }

    if ((lcf->endpoints & genai_endpoint_bit(GENAI_ENDPOINT_OTHER))
        && (clcf->exact_match || clcf->named
#if (NGX_PCRE)
            || clcf->regex
#endif
            ))
    {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, lcf->file, lcf->line,
                                  "endpoint \"other\" goes by the path below "
                                  "its location, it needs a location that is "
                                  "a prefix");
        return NGX_ERROR;
    }

    return NGX_OK;
}


char *
ngx_http_genai_inline_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_loc_conf_t *lcf = conf;

    char  *rv;

    rv = ngx_conf_set_flag_slot(cf, cmd, conf);

    if (rv != NGX_CONF_OK || !lcf->inlined) {
        return rv;
    }

    if (lcf->pass != NGX_CONF_UNSET) {
        return "is \"on\" beside \"genai_pass\", which does all of it: "
               "remove one of the two";
    }

    lcf->file = cf->conf_file->file.name.data;
    lcf->line = cf->conf_file->line;

    return NGX_CONF_OK;
}


char *
ngx_http_genai_pass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_loc_conf_t *lcf = conf;

    ngx_str_t                         *value, s;
    ngx_http_compile_complex_value_t   ccv;

    if (cf->cmd_type == NGX_HTTP_LMT_CONF) {
        return "cannot stand in limit_except: write it in the location, "
               "methods that an endpoint does not have get 405 anyway";
    }

    if (lcf->pass != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    if (lcf->inlined == 1) {
        return "stands beside \"genai on\" in this location, and does all of "
               "it: remove one of the two";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2) {

        if (value[1].len <= 6 || ngx_strncmp(value[1].data, "model=", 6) != 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" of genai_pass, only "
                               "\"model=NAME\" is known", &value[1]);
            return NGX_CONF_ERROR;
        }

        s.len = value[1].len - 6;
        s.data = value[1].data + 6;

        lcf->pass_model = ngx_palloc(cf->pool,
                                     sizeof(ngx_http_complex_value_t));
        if (lcf->pass_model == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

        ccv.cf = cf;
        ccv.value = &s;
        ccv.complex_value = lcf->pass_model;

        if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    lcf->pass = 1;

    return ngx_http_genai_content(cf, cmd, lcf, ngx_http_genai_pass_handler);
}


char *
ngx_http_genai_content(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_http_genai_loc_conf_t *lcf, ngx_http_handler_pt handler)
{
    ngx_http_genai_place_t      *place;
    ngx_http_core_loc_conf_t    *clcf;
    ngx_http_genai_main_conf_t  *mcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return "stands beside another content handler (such as proxy_pass, "
               "or a report) in this location: remove one of the two";
    }

    clcf->handler = handler;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_genai_module);

    place = ngx_array_push(&mcf->places);
    if (place == NULL) {
        return NGX_CONF_ERROR;
    }

    place->name = cmd->name;
    place->handler = handler;
    place->clcf = clcf;
    place->lcf = lcf;

    lcf->file = cf->conf_file->file.name.data;
    lcf->line = cf->conf_file->line;

    return NGX_CONF_OK;
}


char *
ngx_http_genai_auth(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_loc_conf_t *lcf = conf;

    ngx_str_t  *value;

    if (lcf->auth != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "on") == 0) {
        lcf->auth = NGX_HTTP_GENAI_AUTH_ON;

    } else if (ngx_strcmp(value[1].data, "off") == 0) {
        lcf->auth = NGX_HTTP_GENAI_AUTH_OFF;

    } else if (ngx_strcmp(value[1].data, "optional") == 0) {
        lcf->auth = NGX_HTTP_GENAI_AUTH_OPTIONAL;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" of genai_auth, it must be "
                           "\"on\", \"off\" or \"optional\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_genai_endpoints(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_loc_conf_t *lcf = conf;

    ngx_str_t         *value;
    ngx_uint_t         i;
    genai_str_t        name;
    genai_endpoint_e   endpoint;

    if (lcf->endpoints) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        name.len = value[i].len;
        name.data = value[i].data;

        endpoint = genai_endpoint_by_name(&name);

        if (endpoint == GENAI_ENDPOINT_NONE) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "unknown endpoint \"%V\", this build has chat, "
                               "completions, embeddings, responses, messages, "
                               "generate, count_tokens, models, moderations, "
                               "rerank, images, audio and other",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        lcf->endpoints |= genai_endpoint_bit(endpoint);
    }

    return NGX_CONF_OK;
}


char *
ngx_http_genai_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_loc_conf_t *lcf = conf;

    ngx_str_t    *value;
    genai_str_t   name;

    if (lcf->api) {
        return "is duplicate";
    }

    value = cf->args->elts;

    name.len = value[1].len;
    name.data = value[1].data;

    lcf->api = genai_endpoint_by_name(&name);

    if (lcf->api == GENAI_ENDPOINT_NONE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown endpoint \"%V\", this build has chat, "
                           "completions, embeddings, responses, messages, "
                           "generate, count_tokens, models, moderations, "
                           "rerank, images, audio and other",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


#if (NGX_THREADS)

char *
ngx_http_genai_threads(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_main_conf_t *mcf = conf;

    ssize_t      min;
    ngx_str_t   *value, s;
    ngx_uint_t   i;

    if (mcf->threads) {
        return "is duplicate";
    }

    value = cf->args->elts;

    mcf->threads_min = 64 * 1024;

    for (i = 1; i < cf->args->nelts; i++) {

        if (value[i].len > 5 && ngx_strncmp(value[i].data, "pool=", 5) == 0) {

            s.len = value[i].len - 5;
            s.data = value[i].data + 5;

            mcf->threads = ngx_thread_pool_add(cf, &s);
            if (mcf->threads == NULL) {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (value[i].len > 4 && ngx_strncmp(value[i].data, "min=", 4) == 0) {

            s.len = value[i].len - 4;
            s.data = value[i].data + 4;

            min = ngx_parse_size(&s);

            if (min != NGX_ERROR) {
                mcf->threads_min = min;
                continue;
            }
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" of genai_threads, which "
                           "takes \"pool=NAME\" and \"min=SIZE\"", &value[i]);
        return NGX_CONF_ERROR;
    }

    if (mcf->threads == NULL) {
        return "needs \"pool=NAME\", the name of a thread_pool (\"default\" "
               "is always there)";
    }

    return NGX_CONF_OK;
}

#endif
