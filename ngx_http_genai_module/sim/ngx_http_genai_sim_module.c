/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "ngx_http_genai_sim.h"

#include "genai_file.h"

#include <sys/mman.h>


static char *ngx_http_genai_sim_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_http_genai_sim_ledger_t *ngx_http_genai_sim_add_ledger(
    ngx_conf_t *cf, ngx_str_t *path, ngx_uint_t rows);
static void *ngx_http_genai_sim_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_genai_sim_init_main_conf(ngx_conf_t *cf, void *conf);
static size_t ngx_http_genai_sim_zone_size(
    ngx_http_genai_sim_main_conf_t *smcf);
static void *ngx_http_genai_sim_create_loc_conf(ngx_conf_t *cf);
static ngx_int_t ngx_http_genai_sim_init_zone(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_int_t ngx_http_genai_sim_init_module(ngx_cycle_t *cycle);
static void ngx_http_genai_sim_unmap(void *data);


static ngx_command_t  ngx_http_genai_sim_commands[] = {

    { ngx_string("genai_sim"),
      NGX_HTTP_LOC_CONF|NGX_CONF_ANY,
      ngx_http_genai_sim_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_genai_sim_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    ngx_http_genai_sim_create_main_conf,   /* create main configuration */
    ngx_http_genai_sim_init_main_conf,     /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_genai_sim_create_loc_conf,    /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_genai_sim_module = {
    NGX_MODULE_V1,
    &ngx_http_genai_sim_module_ctx,        /* module context */
    ngx_http_genai_sim_commands,           /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_genai_sim_init_module,        /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static char *
ngx_http_genai_sim_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_sim_loc_conf_t *slcf = conf;

    ngx_int_t                  rows;
    ngx_str_t                 *value, path;
    ngx_uint_t                 i;
    const char                *error;
    genai_str_t                kv;
    ngx_http_core_loc_conf_t  *clcf;

    if (slcf->ledger) {
        return "is duplicate";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return "is not allowed beside another content handler";
    }

    value = cf->args->elts;
    rows = GENAI_SIM_LEDGER_ROWS;
    ngx_str_null(&path);

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "ledger=", 7) == 0) {

            path.len = value[i].len - 7;
            path.data = value[i].data + 7;

            if (path.len == 0 || ngx_conf_full_name(cf->cycle, &path, 0)
                                 != NGX_OK)
            {
                goto invalid;
            }

            continue;
        }

        if (ngx_strncmp(value[i].data, "ledger_rows=", 12) == 0) {

            rows = ngx_atoi(value[i].data + 12, value[i].len - 12);

            if (rows == NGX_ERROR || rows == 0 || rows > 16777216) {
                goto invalid;
            }

            continue;
        }

        if (ngx_strcmp(value[i].data, "last=on") == 0) {
            slcf->last = 1;
            continue;
        }

        if (ngx_strcmp(value[i].data, "last=off") == 0) {
            slcf->last = 0;
            continue;
        }

        kv.len = value[i].len;
        kv.data = value[i].data;

        if (genai_sim_opts_set(&slcf->opts, &kv, &error) == -1) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\": %s", &value[i],
                               error);
            return NGX_CONF_ERROR;
        }
    }

    slcf->ledger = ngx_http_genai_sim_add_ledger(cf, &path, rows);
    if (slcf->ledger == NULL) {
        return NGX_CONF_ERROR;
    }

    clcf->handler = ngx_http_genai_sim_handler;

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                       &value[i]);
    return NGX_CONF_ERROR;
}


/* one ledger a file, and one for all locations that name none */

static ngx_http_genai_sim_ledger_t *
ngx_http_genai_sim_add_ledger(ngx_conf_t *cf, ngx_str_t *path,
    ngx_uint_t rows)
{
    ngx_uint_t                        i;
    ngx_http_genai_sim_ledger_t     **ledgers, **entry, *ledger;
    ngx_http_genai_sim_main_conf_t   *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_genai_sim_module);

    ledgers = smcf->ledgers.elts;

    for (i = 0; i < smcf->ledgers.nelts; i++) {

        ledger = ledgers[i];

        if (ledger->path.len == path->len
            && ngx_strncmp(ledger->path.data, path->data, path->len) == 0)
        {
            ledger->rows = ngx_max(ledger->rows, rows);
            return ledger;
        }
    }

    entry = ngx_array_push(&smcf->ledgers);
    if (entry == NULL) {
        return NULL;
    }

    ledger = ngx_palloc(cf->pool, sizeof(ngx_http_genai_sim_ledger_t));
    if (ledger == NULL) {
        return NULL;
    }

    ledger->path = *path;
    ledger->rows = rows;
    ledger->table = NULL;

    *entry = ledger;

    return ledger;
}


static void *
ngx_http_genai_sim_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_genai_sim_main_conf_t  *smcf;

    smcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_genai_sim_main_conf_t));
    if (smcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&smcf->ledgers, cf->pool, 1,
                       sizeof(ngx_http_genai_sim_ledger_t *))
        != NGX_OK)
    {
        return NULL;
    }

    return smcf;
}


/* the size of the zone is known only now: what is in no file is in it */

static char *
ngx_http_genai_sim_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_genai_sim_main_conf_t *smcf = conf;

    size_t  size;

    static ngx_str_t  name = ngx_string("genai_sim");

    if (smcf->ledgers.nelts == 0) {
        return NGX_CONF_OK;
    }

    size = ngx_http_genai_sim_zone_size(smcf);

    /* and what the slab pool takes for itself, a page's record a page */

    size += size / 64 + 64 * ngx_pagesize;
    size = ngx_align(size, ngx_pagesize);

    smcf->zone = ngx_shared_memory_add(cf, &name, size,
                                       &ngx_http_genai_sim_module);
    if (smcf->zone == NULL) {
        return NGX_CONF_ERROR;
    }

    smcf->zone->init = ngx_http_genai_sim_init_zone;
    smcf->zone->data = smcf;

    return NGX_CONF_OK;
}


static size_t
ngx_http_genai_sim_zone_size(ngx_http_genai_sim_main_conf_t *smcf)
{
    size_t                         size;
    ngx_uint_t                     i;
    ngx_http_genai_sim_ledger_t  **ledgers;

    size = sizeof(ngx_http_genai_sim_last_t) + NGX_HTTP_GENAI_SIM_LAST;

    ledgers = smcf->ledgers.elts;

    for (i = 0; i < smcf->ledgers.nelts; i++) {
        if (ledgers[i]->path.len == 0) {
            size += genai_sim_ledger_size(ledgers[i]->rows);
        }
    }

    return size;
}


static void *
ngx_http_genai_sim_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_genai_sim_loc_conf_t  *slcf;

    slcf = ngx_palloc(cf->pool, sizeof(ngx_http_genai_sim_loc_conf_t));
    if (slcf == NULL) {
        return NULL;
    }

    genai_sim_opts_init(&slcf->opts);

    slcf->ledger = NULL;
    slcf->last = 1;

    return slcf;
}


/*
 * A zone of the same size holds the same things, so that a reload keeps them.
 */

static ngx_int_t
ngx_http_genai_sim_init_zone(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_genai_sim_main_conf_t  *osmcf = data;

    u_char                          *p;
    ngx_uint_t                       i;
    ngx_slab_pool_t                 *shpool;
    ngx_http_genai_sim_ledger_t    **ledgers;
    ngx_http_genai_sim_main_conf_t  *smcf;

    smcf = shm_zone->data;
    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;
    smcf->shpool = shpool;

    if (osmcf || shm_zone->shm.exists) {
        p = shpool->data;

    } else {
        p = ngx_slab_alloc(shpool, ngx_http_genai_sim_zone_size(smcf));
        if (p == NULL) {
            return NGX_ERROR;
        }

        /* the ledger clears itself */

        ngx_memzero(p, sizeof(ngx_http_genai_sim_last_t));

        shpool->data = p;
    }

    smcf->last = (ngx_http_genai_sim_last_t *) p;

    p += sizeof(ngx_http_genai_sim_last_t) + NGX_HTTP_GENAI_SIM_LAST;

    ledgers = smcf->ledgers.elts;

    for (i = 0; i < smcf->ledgers.nelts; i++) {
        if (ledgers[i]->path.len == 0) {
            ledgers[i]->table = (genai_sim_ledger_t *) p;
            genai_sim_ledger_init(ledgers[i]->table, ledgers[i]->rows);
        }
    }

    return NGX_OK;
}


/* the master maps the files, the workers inherit them */

static ngx_int_t
ngx_http_genai_sim_init_module(ngx_cycle_t *cycle)
{
    int                              err;
    void                            *addr;
    ngx_uint_t                       i;
    ngx_pool_cleanup_t              *cln;
    ngx_http_genai_sim_ledger_t    **ledgers;
    ngx_http_genai_sim_main_conf_t  *smcf;

    if (ngx_test_config) {
        return NGX_OK;
    }

    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_genai_sim_module);
    if (smcf == NULL) {
        return NGX_OK;
    }

    ledgers = smcf->ledgers.elts;

    for (i = 0; i < smcf->ledgers.nelts; i++) {

        if (ledgers[i]->path.len == 0) {
            continue;
        }

        cln = ngx_pool_cleanup_add(cycle->pool, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        err = genai_file_map_shared((char *) ledgers[i]->path.data,
                                    genai_sim_ledger_size(ledgers[i]->rows),
                                    &addr);
        if (err) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, err,
                          "mapping the ledger \"%V\" failed",
                          &ledgers[i]->path);
            return NGX_ERROR;
        }

        ledgers[i]->table = addr;
        genai_sim_ledger_init(addr, ledgers[i]->rows);

        cln->handler = ngx_http_genai_sim_unmap;
        cln->data = ledgers[i];
    }

    return NGX_OK;
}


static void
ngx_http_genai_sim_unmap(void *data)
{
    ngx_http_genai_sim_ledger_t  *ledger = data;

    munmap(ledger->table, genai_sim_ledger_size(ledger->rows));
}
