
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The zone of genai_zone: made, handed on from one configuration to the next,
 * and the gauges of the processes that use it.
 */


#include "ngx_http_genai_metrics_int.h"
#include <openssl/rand.h>


#define NGX_HTTP_GENAI_ZONE_SIZE     (8 * 1024 * 1024)
#define NGX_HTTP_GENAI_FACTORS       1024
#define NGX_HTTP_GENAI_ZONE_MIN      (256 * 1024)

/* of a full list of workers, those that are asked whether they live */
#define NGX_HTTP_GENAI_ALIVE_PROBES  64

/* bits of a pid, as far as Linux lets them grow */
#define NGX_HTTP_GENAI_PID_BITS      22

#define ngx_http_genai_cut(p, n)                                              \
    (p); p += ngx_align(n, NGX_CPU_CACHE_LINE)


static ngx_int_t ngx_http_genai_metrics_add_zone(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, ngx_str_t *name, size_t size);
static ngx_int_t ngx_http_genai_metrics_init_zone(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_int_t ngx_http_genai_metrics_known(ngx_shm_zone_t *shm_zone);
static ngx_int_t ngx_http_genai_metrics_make(u_char *p, size_t size);
static uint64_t ngx_http_genai_metrics_owner(genai_process_id_t *id);
static ngx_uint_t ngx_http_genai_metrics_alive(uint64_t owner);
static ngx_http_genai_gauges_t *ngx_http_genai_metrics_slot(
    ngx_http_genai_metrics_t *m);


/* of this process */
static ngx_http_genai_gauges_t   *ngx_http_genai_metrics_own;
static ngx_http_genai_metrics_t  *ngx_http_genai_metrics_own_zone;
static ngx_pid_t                  ngx_http_genai_metrics_own_pid;


char *
ngx_http_genai_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_main_conf_t *mcf = conf;

    u_char     *p;
    ssize_t     size;
    ngx_str_t  *value, name, s;

    if (mcf->zone) {
        return "is duplicate";
    }

    value = cf->args->elts;

    p = NULL;

    if (value[1].len > 5 && ngx_strncmp(value[1].data, "zone=", 5) == 0) {
        name.data = value[1].data + 5;
        p = (u_char *) ngx_strchr(name.data, ':');
    }

    if (p == NULL || p == name.data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" of genai_zone, it must "
                           "be \"zone=NAME:SIZE\", such as \"zone=genai:8m\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    name.len = p - name.data;

    s.data = p + 1;
    s.len = value[1].data + value[1].len - s.data;

    size = ngx_parse_size(&s);

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid size \"%V\" of genai_zone", &s);
        return NGX_CONF_ERROR;
    }

    if (size < NGX_HTTP_GENAI_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "genai_zone \"%V\" is too small, it needs at "
                           "least 256k", &name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_genai_metrics_add_zone(cf, mcf, &name, size) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_genai_metrics_init(ngx_conf_t *cf)
{
    ngx_str_t                    name = ngx_string("genai");
    ngx_http_genai_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_genai_module);

    if (mcf->zone) {
        return NGX_OK;
    }

    return ngx_http_genai_metrics_add_zone(cf, mcf, &name,
                                           NGX_HTTP_GENAI_ZONE_SIZE);
}


static ngx_int_t
ngx_http_genai_metrics_add_zone(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, ngx_str_t *name, size_t size)
{
    mcf->zone = ngx_shared_memory_add(cf, name, size, &ngx_http_genai_module);
    if (mcf->zone == NULL) {
        return NGX_ERROR;
    }

    mcf->zone->init = ngx_http_genai_metrics_init_zone;

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_metrics_init_zone(ngx_shm_zone_t *shm_zone, void *data)
{
    size_t            size;
    u_char           *p;
    ngx_slab_pool_t  *shpool;

    if (data) {
        shm_zone->data = data;
        return ngx_http_genai_metrics_known(shm_zone);
    }

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (shm_zone->shm.exists) {
        shm_zone->data = shpool->data;
        return ngx_http_genai_metrics_known(shm_zone);
    }

    /* all there is, at once and for good */

    size = shpool->pfree * ngx_pagesize;

    p = ngx_slab_alloc(shpool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

#if (NGX_DEBUG_MALLOC)
    ngx_memzero(p, size);
#endif

    /* new memory is zero; what is not touched here costs nothing yet */

    if (ngx_http_genai_metrics_make(p, size) != NGX_OK) {
        return NGX_ERROR;
    }

    shpool->data = p;
    shm_zone->data = p;

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_metrics_known(ngx_shm_zone_t *shm_zone)
{
    ngx_http_genai_metrics_t  *m;

    m = shm_zone->data;

    if (m && m->magic == NGX_HTTP_GENAI_METRICS_MAGIC
        && m->layout == NGX_HTTP_GENAI_METRICS_LAYOUT
        && m->size == sizeof(ngx_http_genai_metrics_t))
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                  "genai_zone \"%V\" is of another version of the module: "
                  "give it another name, or restart nginx",
                  &shm_zone->shm.name);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_genai_metrics_make(u_char *p, size_t size)
{
    size_t                     rest;
    u_char                    *end;
    u_char                     key[GENAI_COUNT_CACHE_KEY];
    struct timespec            ts;
    ngx_http_genai_table_t    *t;
    ngx_http_genai_metrics_t  *m;

    end = p + size;

    m = (ngx_http_genai_metrics_t *)
        ngx_http_genai_cut(p, sizeof(ngx_http_genai_metrics_t));

    m->workers = (ngx_http_genai_gauges_t *)
        ngx_http_genai_cut(p, NGX_HTTP_GENAI_METRICS_WORKERS
                              * sizeof(ngx_http_genai_gauges_t));

    /* a quarter for what was counted before; its lines are the processor's */

    p = ngx_align_ptr(p, NGX_CPU_CACHE_LINE);
    size = (end - p) / 4;

    m->counts = (genai_count_cache_t *) ngx_http_genai_cut(p, size);

    if (RAND_bytes(key, GENAI_COUNT_CACHE_KEY) != 1) {
        return NGX_ERROR;
    }

    genai_count_cache_init(m->counts, size, key);

    /* a model that finds no place is counted as the catalogue says */

    t = &m->factors;

    t->size = sizeof(ngx_http_genai_factors_t);
    t->n = ngx_min((size_t) (end - p) / 16 / (t->size + sizeof(uint64_t)),
                   NGX_HTTP_GENAI_FACTORS);
    t->max = t->n;
    t->hashes = (uint64_t *) ngx_http_genai_cut(p, t->n * sizeof(uint64_t));
    t->entries = ngx_http_genai_cut(p, t->n * t->size);

    t = &m->differences;

    t->size = sizeof(ngx_http_genai_differences_t);
    t->n = ngx_min((size_t) (end - p) / 32 / (t->size + sizeof(uint64_t)),
                   NGX_HTTP_GENAI_FACTORS);
    t->max = t->n;
    t->hashes = (uint64_t *) ngx_http_genai_cut(p, t->n * sizeof(uint64_t));
    t->entries = ngx_http_genai_cut(p, t->n * t->size);

    /* four cuts are rounded up; an entry of usage makes 30 to 90 series */

    rest = end - p - 4 * NGX_CPU_CACHE_LINE;

    t = &m->exchanges;

    t->size = sizeof(ngx_http_genai_exchanges_t);
    t->n = rest / 3 / (t->size + sizeof(uint64_t));
    t->max = t->n - t->n / 4;
    t->hashes = (uint64_t *) ngx_http_genai_cut(p, t->n * sizeof(uint64_t));
    t->entries = ngx_http_genai_cut(p, t->n * t->size);

    t = &m->usage;

    t->size = sizeof(ngx_http_genai_usage_t);
    t->n = (rest - rest / 3) / (t->size + sizeof(uint64_t));
    t->max = t->n - t->n / 4;
    t->hashes = (uint64_t *) ngx_http_genai_cut(p, t->n * sizeof(uint64_t));
    t->entries = ngx_http_genai_cut(p, t->n * t->size);

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    m->seed = ((uint64_t) ts.tv_nsec << 32 ^ ts.tv_sec ^ (uint64_t) ngx_pid)
              * UINT64_C(0x9e3779b97f4a7c15);

    ngx_http_genai_metrics_reserve(m);

    m->size = sizeof(ngx_http_genai_metrics_t);
    m->layout = NGX_HTTP_GENAI_METRICS_LAYOUT;
    m->magic = NGX_HTTP_GENAI_METRICS_MAGIC;

    return NGX_OK;
}


ngx_http_genai_metrics_t *
ngx_http_genai_metrics_get(void)
{
    ngx_http_genai_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                              ngx_http_genai_module);

    return (mcf && mcf->zone) ? mcf->zone->data : NULL;
}


genai_count_cache_t *
ngx_http_genai_metrics_counts(void)
{
    ngx_http_genai_metrics_t  *m;

    m = ngx_http_genai_metrics_get();

    return m ? m->counts : NULL;
}


/* a pid alone may come again; in one word, it is claimed as a whole */

static uint64_t
ngx_http_genai_metrics_owner(genai_process_id_t *id)
{
    return id->start << NGX_HTTP_GENAI_PID_BITS | id->pid;
}


static ngx_uint_t
ngx_http_genai_metrics_alive(uint64_t owner)
{
    genai_process_id_t  id;

    ngx_memzero(&id, sizeof(genai_process_id_t));

    id.pid = (uint32_t) (owner & ((1 << NGX_HTTP_GENAI_PID_BITS) - 1));
    id.start = owner >> NGX_HTTP_GENAI_PID_BITS;

    return genai_process_alive(&id);
}


static ngx_http_genai_gauges_t *
ngx_http_genai_metrics_slot(ngx_http_genai_metrics_t *m)
{
    uint64_t                  owner, old;
    ngx_uint_t                i, n, first;
    genai_process_id_t        id;
    ngx_http_genai_gauges_t  *slot;

    if (ngx_http_genai_metrics_own_pid == ngx_pid
        && ngx_http_genai_metrics_own_zone == m)
    {
        return ngx_http_genai_metrics_own;
    }

    ngx_http_genai_metrics_own_pid = ngx_pid;
    ngx_http_genai_metrics_own_zone = m;
    ngx_http_genai_metrics_own = NULL;

    genai_process_self(&id);

    owner = ngx_http_genai_metrics_owner(&id);
    first = id.pid % NGX_HTTP_GENAI_METRICS_WORKERS;

    for (i = 0; i < NGX_HTTP_GENAI_METRICS_WORKERS; i++) {

        slot = &m->workers[(first + i) % NGX_HTTP_GENAI_METRICS_WORKERS];
        old = 0;

        if (__atomic_compare_exchange_n(&slot->owner, &old, owner, 0,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        {
            goto found;
        }
    }

    for (i = 0; i < NGX_HTTP_GENAI_ALIVE_PROBES; i++) {

        slot = &m->workers[(first + i) % NGX_HTTP_GENAI_METRICS_WORKERS];
        old = ngx_http_genai_load(&slot->owner);

        if (!ngx_http_genai_metrics_alive(old)
            && __atomic_compare_exchange_n(&slot->owner, &old, owner, 0,
                                           __ATOMIC_ACQUIRE,
                                           __ATOMIC_RELAXED))
        {
            goto found;
        }
    }

    return NULL;

found:

    for (n = 0; n < NGX_HTTP_GENAI_GAUGES; n++) {
        __atomic_store_n(&slot->gauges[n], 0, __ATOMIC_RELAXED);
    }

    ngx_http_genai_metrics_own = slot;

    return slot;
}


void
ngx_http_genai_metrics_gauge(ngx_http_genai_gauge_e gauge, ngx_int_t n)
{
    ngx_http_genai_gauges_t   *slot;
    ngx_http_genai_metrics_t  *m;

    m = ngx_http_genai_metrics_get();

    if (m == NULL) {
        return;
    }

    slot = ngx_http_genai_metrics_slot(m);

    if (slot) {
        ngx_http_genai_add(&slot->gauges[gauge], n);
    }
}


ngx_uint_t
ngx_http_genai_metrics_gauges(ngx_http_genai_metrics_t *m, ngx_uint_t first,
    ngx_uint_t n, int64_t sums[NGX_HTTP_GENAI_GAUGES])
{
    uint64_t                  owner;
    ngx_uint_t                i, g;
    ngx_http_genai_gauges_t  *slot;

    for (i = first; i < NGX_HTTP_GENAI_METRICS_WORKERS && n; i++) {

        slot = &m->workers[i];
        owner = ngx_http_genai_load(&slot->owner);

        if (owner == 0) {
            continue;
        }

        n--;

        if (!ngx_http_genai_metrics_alive(owner)) {
            (void) __atomic_compare_exchange_n(&slot->owner, &owner, 0, 0,
                                               __ATOMIC_RELAXED,
                                               __ATOMIC_RELAXED);
            continue;
        }

        for (g = 0; g < NGX_HTTP_GENAI_GAUGES; g++) {
            sums[g] += ngx_http_genai_load(&slot->gauges[g]);
        }
    }

    return i;
}
