
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The table of contents: directives, contexts, and where the module hooks
 * into nginx.
 */


#include "ngx_http_genai.h"


static ngx_int_t ngx_http_genai_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_genai_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_genai_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_genai_init_process(ngx_cycle_t *cycle);
static void ngx_http_genai_exit_process(ngx_cycle_t *cycle);


static ngx_conf_bitmask_t  ngx_http_genai_next_target_mask[] = {
    { ngx_string("error"), NGX_HTTP_GENAI_NEXT_ERROR },
    { ngx_string("timeout"), NGX_HTTP_GENAI_NEXT_TIMEOUT },
    { ngx_string("http_429"), NGX_HTTP_GENAI_NEXT_HTTP_429 },
    { ngx_string("http_5xx"), NGX_HTTP_GENAI_NEXT_HTTP_5XX },
    { ngx_string("off"), NGX_HTTP_GENAI_NEXT_OFF },
    { ngx_null_string, 0 }
};


static ngx_conf_bitmask_t  ngx_http_genai_expose_mask[] = {
    { ngx_string("target"), NGX_HTTP_GENAI_EXPOSE_TARGET },
    { ngx_string("overhead"), NGX_HTTP_GENAI_EXPOSE_OVERHEAD },
    { ngx_null_string, 0 }
};


#if (NGX_HTTP_SSL)

static ngx_conf_bitmask_t  ngx_http_genai_ssl_protocols[] = {
    { ngx_string("TLSv1.2"), NGX_SSL_TLSv1_2 },
    { ngx_string("TLSv1.3"), NGX_SSL_TLSv1_3 },
    { ngx_null_string, 0 }
};

#endif


#define ngx_http_genai_provider_conf(field)                                   \
    offsetof(ngx_http_genai_provider_t, field)


static ngx_command_t  ngx_http_genai_commands[] = {

    /* http */

    { ngx_string("genai_strict"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_genai_main_conf_t, strict),
      NULL },

    { ngx_string("genai_secret"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      ngx_http_genai_secret,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_provider"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_genai_provider,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_model"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_genai_model,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

#if (NGX_THREADS)

    { ngx_string("genai_threads"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_genai_threads,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

#endif

    /* http, server, location */

    { ngx_string("genai"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_http_genai_inline_conf,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_genai_loc_conf_t, inlined),
      NULL },

    { ngx_string("genai_auth"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_genai_auth,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_policy"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_genai_policy,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_betas"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_genai_betas,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_revoked"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_genai_revoked,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_books"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1234,
      ngx_http_genai_books,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_catalog"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_genai_catalog,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_tokenizer"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE23,
      ngx_http_genai_tokenizer,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_genai_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_genai_report_conf,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_usage"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_genai_report_conf,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_health"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_genai_report_conf,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_endpoints"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_genai_endpoints,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_limit"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_genai_limit,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_expose"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_conf_set_bitmask_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_genai_loc_conf_t, expose),
      &ngx_http_genai_expose_mask },

#if (NGX_HTTP_GENAI_DEBUG)

    { ngx_string("genai_test_jwt"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_genai_main_conf_t, test_jwt),
      NULL },

    { ngx_string("genai_test_park"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE2,
      ngx_http_genai_test_park_conf,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("genai_test_caller"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_genai_loc_conf_t, test_caller),
      NULL },

#endif

    /* location */

    { ngx_string("genai_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_genai_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    /* limit_except is listed to be refused with a remedy */

    { ngx_string("genai_pass"),
      NGX_HTTP_LOC_CONF|NGX_HTTP_LIF_CONF|NGX_HTTP_LMT_CONF|NGX_CONF_NOARGS
      |NGX_CONF_TAKE1,
      ngx_http_genai_pass,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    /* genai_provider */

    { ngx_string("dialect"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_1MORE,
      ngx_http_genai_provider_dialect,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("pass"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_genai_provider_pass,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("upstream"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      ngx_http_genai_provider_conf(upstream_name),
      NULL },

    { ngx_string("credential"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_TAKE12,
      ngx_http_genai_provider_credential,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("api_version"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_genai_provider_version,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("quirks"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_genai_quirks,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("region"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      ngx_http_genai_provider_conf(region),
      NULL },

    { ngx_string("header"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_TAKE12,
      ngx_http_genai_provider_header,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("resolver"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_1MORE,
      ngx_http_genai_provider_resolver,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("connect_timeout"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      ngx_http_genai_provider_conf(conf.connect_timeout),
      NULL },

    { ngx_string("send_timeout"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      ngx_http_genai_provider_conf(conf.send_timeout),
      NULL },

    { ngx_string("idle_timeout"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      ngx_http_genai_provider_conf(conf.read_timeout),
      NULL },

#if (NGX_HTTP_SSL)

    { ngx_string("ssl_name"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      ngx_http_genai_provider_conf(ssl_name),
      NULL },

    { ngx_string("ssl_server_name"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      ngx_http_genai_provider_conf(conf.ssl_server_name),
      NULL },

    { ngx_string("ssl_verify"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      ngx_http_genai_provider_conf(conf.ssl_verify),
      NULL },

    { ngx_string("ssl_verify_depth"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      ngx_http_genai_provider_conf(ssl_verify_depth),
      NULL },

    { ngx_string("ssl_trusted_certificate"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      ngx_http_genai_provider_conf(ssl_trusted_certificate),
      NULL },

    { ngx_string("ssl_crl"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      ngx_http_genai_provider_conf(ssl_crl),
      NULL },

    { ngx_string("ssl_protocols"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_1MORE,
      ngx_conf_set_bitmask_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      ngx_http_genai_provider_conf(ssl_protocols),
      &ngx_http_genai_ssl_protocols },

    { ngx_string("ssl_ciphers"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      ngx_http_genai_provider_conf(ssl_ciphers),
      NULL },

    { ngx_string("ssl_session_reuse"),
      NGX_HTTP_GENAI_PROVIDER_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      ngx_http_genai_provider_conf(conf.ssl_session_reuse),
      NULL },

#endif

    /* genai_model */

    { ngx_string("target"),
      NGX_HTTP_GENAI_MODEL_CONF|NGX_CONF_1MORE,
      ngx_http_genai_model_target,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("set"),
      NGX_HTTP_GENAI_MODEL_CONF|NGX_CONF_TAKE3,
      ngx_http_genai_override,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("drop"),
      NGX_HTTP_GENAI_MODEL_CONF|NGX_CONF_TAKE2,
      ngx_http_genai_override,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("next_target"),
      NGX_HTTP_GENAI_MODEL_CONF|NGX_CONF_1MORE,
      ngx_conf_set_bitmask_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_genai_model_t, next_target),
      &ngx_http_genai_next_target_mask },

    { ngx_string("next_target_tries"),
      NGX_HTTP_GENAI_MODEL_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_genai_model_t, next_target_tries),
      NULL },

    { ngx_string("next_target_timeout"),
      NGX_HTTP_GENAI_MODEL_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_genai_model_t, next_target_timeout),
      NULL },

    { ngx_string("first_token_timeout"),
      NGX_HTTP_GENAI_MODEL_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_genai_model_t, first_token_timeout),
      NULL },

    { ngx_string("answer_timeout"),
      NGX_HTTP_GENAI_MODEL_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_genai_model_t, answer_timeout),
      NULL },

    { ngx_string("total_timeout"),
      NGX_HTTP_GENAI_MODEL_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_genai_model_t, total_timeout),
      NULL },

    { ngx_string("sse_ping"),
      NGX_HTTP_GENAI_MODEL_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_genai_model_t, sse_ping),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_genai_module_ctx = {
    ngx_http_genai_preconfiguration,       /* preconfiguration */
    ngx_http_genai_postconfiguration,      /* postconfiguration */

    ngx_http_genai_create_main_conf,       /* create main configuration */
    ngx_http_genai_init_main_conf,         /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_genai_create_loc_conf,        /* create location configuration */
    ngx_http_genai_merge_loc_conf          /* merge location configuration */
};


ngx_module_t  ngx_http_genai_module = {
    NGX_MODULE_V1,
    &ngx_http_genai_module_ctx,            /* module context */
    ngx_http_genai_commands,               /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_genai_init_module,            /* init module */
    ngx_http_genai_init_process,           /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_genai_exit_process,           /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_genai_preconfiguration(ngx_conf_t *cf)
{
    return ngx_http_genai_add_variables(cf);
}


static ngx_int_t
ngx_http_genai_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    if (ngx_http_genai_check_conf(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_genai_log_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_genai_access_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_genai_precontent_handler;

    return ngx_http_genai_filter_init(cf);
}


/* the configuration is in use from here on; "-t" and "-s" use none */

static ngx_int_t
ngx_http_genai_init_module(ngx_cycle_t *cycle)
{
    ngx_http_genai_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_genai_module);

    if (mcf == NULL || mcf->region == NULL) {
        return NGX_OK;
    }

    ngx_http_genai_books_begin(cycle, mcf);
    ngx_http_genai_policy_publish(cycle, mcf);

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                   i;
    ngx_http_genai_provider_t  **providers;
    ngx_http_genai_main_conf_t  *mcf;

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_genai_module);

    if (mcf == NULL) {
        return NGX_OK;
    }

    providers = mcf->providers.elts;

    for (i = 0; i < mcf->providers.nelts; i++) {
        if (providers[i]->origin) {
            ngx_http_genai_origin_init_process(cycle, providers[i]->origin);
        }
    }

    ngx_http_genai_books_join(cycle, mcf);
    ngx_http_genai_snapshot_start(mcf);
    ngx_http_genai_keeper_start(cycle, mcf);

    return NGX_OK;
}


static void
ngx_http_genai_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_genai_main_conf_t  *mcf;

    ngx_http_genai_keeper_stop();
    ngx_http_genai_settle_all();
    ngx_http_genai_books_leave();

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_genai_module);

    if (mcf) {
        ngx_http_genai_secret_forget(mcf);
    }

    ngx_http_genai_count_exit();
}
