/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the processes of one nginx share, and what operators see of it: the
 * policy's snapshots, the books, the metrics.
 */


#ifndef _NGX_HTTP_GENAI_STATE_H_INCLUDED_
#define _NGX_HTTP_GENAI_STATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "genai_books_counter.h"
#include "genai_books_file.h"
#include "genai_count_cache.h"
#include "genai_catalog.h"
#include "genai_factor.h"
#include "genai_file.h"
#include "genai_meter.h"
#include "genai_policy_files.h"


/*
 * A snapshot as this worker has it mapped.  Exchanges hold it as long as they
 * refer to its caller, whatever else becomes current meanwhile.
 */
typedef struct {
    const genai_policy_t           *policy;
    void                           *addr;
    size_t                          size;
    ngx_uint_t                      refs;
} ngx_http_genai_snapshot_t;


/* a region with books that the master has opened; malloc'd */
typedef struct ngx_http_genai_region_s  ngx_http_genai_region_t;

/* what is known to be on the disk: genai_books sync= */
typedef enum {
    NGX_HTTP_GENAI_SYNC_TIME = 0,
    NGX_HTTP_GENAI_SYNC_OS,         /* the journal is written, not synced */
    NGX_HTTP_GENAI_SYNC_OFF         /* there is none */
} ngx_http_genai_sync_e;


struct ngx_http_genai_region_s {
    ngx_http_genai_region_t        *next;
    ngx_str_t                       dir;        /* empty: anonymous */
    uint64_t                        max;        /* bytes, as configured */
    genai_books_file_t              file;
    char                           *state;      /* directory of snapshots, */
    char                           *parent;     /* in this one if temporary */
    ngx_uint_t                      refs;       /* configurations */
    ngx_uint_t                      orphans;    /* found, and not yet said */
    ngx_uint_t                      sync;       /* of the newest of these */
    uid_t                           uid;        /* of the workers */
    gid_t                           gid;
    unsigned                        temporary:1;    /* state is */
    unsigned                        substitute:1;   /* of one that failed */
};


typedef struct ngx_http_genai_main_conf_s  ngx_http_genai_main_conf_t;


/* ngx_http_genai_policy.c */

char *ngx_http_genai_policy(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_genai_revoked(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Loads the policy while the configuration is read; what is wrong in it is
 * logged, and fails with genai_strict alone.
 */
ngx_int_t ngx_http_genai_policy_init(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf);

/* Makes what was loaded current, once the configuration is. */
void ngx_http_genai_policy_publish(ngx_cycle_t *cycle,
    ngx_http_genai_main_conf_t *mcf);

/* From now on this worker looks for snapshots. */
void ngx_http_genai_snapshot_start(ngx_http_genai_main_conf_t *mcf);

/* nginx's log level of a finding. */
ngx_uint_t ngx_http_genai_finding_level(genai_finding_e level);

/* Milliseconds since the epoch. */
int64_t ngx_http_genai_now(void);

/*
 * The current snapshot, with one more reference; NULL where there is none
 * yet, or no genai_policy.  It is the newest that any process has published:
 * a look at a word, unless there is a newer one.
 */
ngx_http_genai_snapshot_t *ngx_http_genai_snapshot(ngx_log_t *log);
void ngx_http_genai_snapshot_release(ngx_http_genai_snapshot_t *s);


/* ngx_http_genai_books.c */

char *ngx_http_genai_books(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Opens what a configuration needs; never in "nginx -t". */
ngx_int_t ngx_http_genai_books_init(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf);

/* The configuration is in use from now on. */
void ngx_http_genai_books_begin(ngx_cycle_t *cycle,
    ngx_http_genai_main_conf_t *mcf);

/* The worker's place in them, from its start to its end. */
void ngx_http_genai_books_join(ngx_cycle_t *cycle,
    ngx_http_genai_main_conf_t *mcf);
void ngx_http_genai_books_leave(void);

/* Sees to it that nobody touches books that were truncated meanwhile. */
void ngx_http_genai_books_check(ngx_http_genai_main_conf_t *mcf,
    ngx_log_t *log);

/* Joins for the calling process; see genai_books_join(). */
genai_books_t *ngx_http_genai_region_join(ngx_http_genai_region_t *region,
    int fresh);

/* The books as this worker has joined them; NULL where it could not. */
genai_books_t *ngx_http_genai_books_joined(void);

/* The workers' user and group; -1 where the master is not root. */
void ngx_http_genai_worker_user(ngx_cycle_t *cycle, uid_t *uid, gid_t *gid);


/* ngx_http_genai_keeper.c */

void ngx_http_genai_keeper_start(ngx_cycle_t *cycle,
    ngx_http_genai_main_conf_t *mcf);
void ngx_http_genai_keeper_stop(void);


/* ngx_http_genai_metrics.c */

/* a set of labels; none is longer than GENAI_BOOKS_TEXT_MAX when shown */
typedef struct {
    ngx_str_t                       team;
    ngx_str_t                       model;      /* the entry's name */
    ngx_str_t                       target;
    ngx_str_t                       provider;
    ngx_uint_t                      endpoint;   /* genai_endpoint_e */
    ngx_uint_t                      status;     /* HTTP */
    ngx_uint_t                      error;      /* genai_error_e */
} ngx_http_genai_labels_t;

/* an exchange that has ended; ns, 0 where there is none */
typedef struct {
    genai_tokens_t                  tokens;
    uint64_t                        ttft;       /* time to first token */
    uint64_t                        duration;
    uint64_t                        per_token;  /* after the first one */
    uint64_t                        identify;   /* own time, by part */
    uint64_t                        parse;
    uint64_t                        filter;
    uint64_t                        overhead;   /* all of it */
    uint64_t                        step;       /* the longest on the loop */
    unsigned                        stream:1;
} ngx_http_genai_measures_t;

char *ngx_http_genai_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Makes the zone of 8m that there is where no genai_zone was written.  Called
 * once all of http{} was read, when a location is ours.
 */
ngx_int_t ngx_http_genai_metrics_init(ngx_conf_t *cf);

/* Records an exchange.  No lock, no allocation; about 0.3 us. */
void ngx_http_genai_metrics_record(ngx_http_genai_labels_t *labels,
    ngx_http_genai_measures_t *measures);

/* Counts tokens of an attempt that failed, and nothing else of it. */
void ngx_http_genai_metrics_spent(ngx_http_genai_labels_t *labels,
    genai_tokens_t *tokens);

/* The table of texts that were counted, in the zone; NULL: there is none. */
genai_count_cache_t *ngx_http_genai_metrics_counts(void);

/* Bytes of texts to be counted, and of these what was known from before. */
void ngx_http_genai_metrics_counted(uint64_t bytes, uint64_t known);

/*
 * What we counted of an exchange whose provider has told its usage: tokens of
 * the prompt, or of the answer.  A model of NULL is one that is not known.
 */
void ngx_http_genai_metrics_compared(const genai_catalog_model_t *model,
    ngx_uint_t answer, ngx_uint_t exact, int64_t ours, int64_t told);

/*
 * What was learned of the prompts or answers of a model, an entry of the
 * catalogue, that are counted with that vocabulary.  It begins with these
 * factors, the likely one and the most; NULL: there is no place.
 */
genai_factor_t *ngx_http_genai_metrics_factor(
    const genai_catalog_model_t *model, const genai_str_t *vocab,
    ngx_uint_t answer, double likely, double most);

/* A usage was learned from, or why not: a genai_factor_learned_e, or this. */
#define NGX_HTTP_GENAI_UNSURE   GENAI_FACTOR_RESULTS
#define NGX_HTTP_GENAI_LEARNED  (GENAI_FACTOR_RESULTS + 1)

void ngx_http_genai_metrics_learned(ngx_uint_t answer, ngx_uint_t result);

/* What a limit did to an exchange: counts it. */
typedef enum {
    NGX_HTTP_GENAI_LIMIT_SHORT = 0,     /* refused it: too little was left, */
    NGX_HTTP_GENAI_LIMIT_UNPRICED,      /* or nobody knows what it costs */
    NGX_HTTP_GENAI_LIMIT_SHADOW,        /* would have refused it */
    NGX_HTTP_GENAI_LIMIT_WARNED,        /* has reached its part with it */
    NGX_HTTP_GENAI_LIMIT_CLIPPED,       /* made its answer shorter */
    NGX_HTTP_GENAI_LIMIT_CUT,           /* ended its stream */
    NGX_HTTP_GENAI_LIMIT_EVENTS
} ngx_http_genai_limit_event_e;

void ngx_http_genai_metrics_limit(ngx_http_genai_limit_event_e what,
    const genai_hold_t *hold);

/* An exchange used so much more than its limits had left. */
void ngx_http_genai_metrics_overrun(const genai_overrun_t *overrun);

/* Gauges of this worker, which end with it: adds n, which may be negative. */
typedef enum {
    NGX_HTTP_GENAI_GAUGE_STREAMS = 0,
    NGX_HTTP_GENAI_GAUGE_THREADS,       /* tasks given to threads */
    NGX_HTTP_GENAI_GAUGES
} ngx_http_genai_gauge_e;

void ngx_http_genai_metrics_gauge(ngx_http_genai_gauge_e gauge, ngx_int_t n);


/* ngx_http_genai_report.c: genai_metrics, genai_usage, genai_health */

/* GET and HEAD of a report; content handlers, set by their directives. */
char *ngx_http_genai_report_conf(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_HTTP_GENAI_STATE_H_INCLUDED_ */
