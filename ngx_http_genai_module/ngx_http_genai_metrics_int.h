/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The zone of genai_zone, as it lies in the memory that workers share:
 *
 *    header     with the histograms that have no labels
 *    workers    gauges, a slot a process
 *    counts     texts that were counted before, genai_count_cache.h
 *    exchanges  a table: how many have ended so, by six labels
 *    usage      a table: tokens and histograms, by five labels
 *    factors    a table: of models that are counted by another vocabulary
 *
 * It is cut once, when it is made.  Nothing is ever allocated, freed, moved
 * or locked in it.  An entry of a table begins with a compare-and-swap of its
 * hash, from 0; then its labels are written; then it is published, with a
 * release store.  Whoever finds one that is not published, since its writer
 * is at it or was killed, writes the same bytes once more and publishes it.
 * All counters are 64 bits and added to atomically, in no order.
 */


#ifndef _NGX_HTTP_GENAI_METRICS_INT_H_INCLUDED_
#define _NGX_HTTP_GENAI_METRICS_INT_H_INCLUDED_


#include "ngx_http_genai.h"
#include "ngx_http_genai_state.h"
#include "genai_factor.h"
#include "genai_peak.h"


#define NGX_HTTP_GENAI_METRICS_MAGIC    UINT64_C(0x67656e61696d6574)
#define NGX_HTTP_GENAI_METRICS_LAYOUT   5

/* bytes of a label, as it is shown but for its escapes */
#define NGX_HTTP_GENAI_LABEL_MAX        GENAI_BOOKS_TEXT_MAX

#define NGX_HTTP_GENAI_METRICS_WORKERS  1024

/* buckets of a histogram at most, the one without a bound included */
#define NGX_HTTP_GENAI_BUCKETS_MAX      17


/* upper bounds, and how they are shown: whole numbers, or ns and seconds */
typedef struct {
    uint64_t                        value;
    ngx_str_t                       text;
} ngx_http_genai_bound_t;

typedef struct {
    ngx_uint_t                      n;
    ngx_http_genai_bound_t          bound[NGX_HTTP_GENAI_BUCKETS_MAX - 1];
    unsigned                        ns:1;
} ngx_http_genai_bounds_t;

/* a bucket has what lies above the bound before it, up to its own */
typedef struct {
    uint64_t                        sum;
    uint64_t                        bucket[NGX_HTTP_GENAI_BUCKETS_MAX];
} ngx_http_genai_histogram_t;


typedef enum {
    NGX_HTTP_GENAI_LABEL_TEAM = 0,
    NGX_HTTP_GENAI_LABEL_MODEL,
    NGX_HTTP_GENAI_LABEL_TARGET,
    NGX_HTTP_GENAI_LABEL_PROVIDER,      /* of usage alone */
    NGX_HTTP_GENAI_LABELS
} ngx_http_genai_label_e;

typedef enum {
    NGX_HTTP_GENAI_TOKENS_INPUT = 0,
    NGX_HTTP_GENAI_TOKENS_CACHED,
    NGX_HTTP_GENAI_TOKENS_OUTPUT,
    NGX_HTTP_GENAI_TOKENS_REASONING,
    NGX_HTTP_GENAI_TOKENS
} ngx_http_genai_token_e;

/* GENAI_COUNT_PROVIDER, _EXACT, _ESTIMATED */
#define NGX_HTTP_GENAI_SOURCES  3

typedef struct {
    u_char                          len;
    u_char                          data[NGX_HTTP_GENAI_LABEL_MAX];
} ngx_http_genai_label_t;

/* what an entry of both tables begins with */
typedef struct {
    uint32_t                        published;
    uint16_t                        status;
    u_char                          endpoint;
    u_char                          error;
} ngx_http_genai_entry_t;

typedef struct {
    ngx_http_genai_entry_t          entry;
    uint64_t                        count;
    ngx_http_genai_label_t          labels[NGX_HTTP_GENAI_LABEL_PROVIDER];
} ngx_http_genai_exchanges_t;

typedef struct {
    ngx_http_genai_entry_t          entry;
    uint64_t                        tokens[NGX_HTTP_GENAI_TOKENS]
                                          [NGX_HTTP_GENAI_SOURCES];
    ngx_http_genai_histogram_t      input;
    ngx_http_genai_histogram_t      output;
    ngx_http_genai_histogram_t      ttft;
    ngx_http_genai_histogram_t      duration;
    ngx_http_genai_histogram_t      per_token;
    ngx_http_genai_label_t          labels[NGX_HTTP_GENAI_LABELS];
} ngx_http_genai_usage_t;


/*
 * a model whose tokens are not known: how those of a vocabulary become its
 * own
 */
typedef struct {
    ngx_http_genai_entry_t          entry;
    uint64_t                        prior[2];   /* in millionths: what is */
                                                /* likely, and the most */
    genai_factor_t                  factor[2];  /* of prompts, of answers */
    ngx_http_genai_label_t          model;      /* the catalogue's entry */
    ngx_http_genai_label_t          tokenizer;
} ngx_http_genai_factors_t;


typedef struct {
    uint64_t                       *hashes;     /* 0 is a free place */
    u_char                         *entries;
    size_t                          size;       /* of an entry */
    ngx_uint_t                      n;
    ngx_uint_t                      max;        /* entries that may be used */
    uint64_t                        used;
    uint64_t                        full;       /* times it was */
    void                           *other;
} ngx_http_genai_table_t;


/* pid and start time in one word, see ngx_http_genai_metrics_owner() */
typedef struct {
    uint64_t                        owner;      /* 0 is a free place */
    int64_t                         gauges[NGX_HTTP_GENAI_GAUGES];
    u_char                          padding[40];    /* a cache line each */
} ngx_http_genai_gauges_t;


/* our counts beside those of providers */
typedef struct {
    uint64_t                        equal;
    uint64_t                        more;
    uint64_t                        less;
    uint64_t                        tokens;     /* as providers tell them */
    uint64_t                        difference; /* without its sign */
} ngx_http_genai_compared_t;

typedef struct {
    ngx_http_genai_entry_t          entry;
    ngx_http_genai_compared_t       compared[2][2]; /* prompt or answer; exact
                                                       or not */
    ngx_http_genai_label_t          model;      /* the catalogue's entry */
} ngx_http_genai_differences_t;


/* genai_limit_unit_e */
#define NGX_HTTP_GENAI_LIMIT_UNITS  (GENAI_LIMIT_CONCURRENT + 1)


/* what has no labels but this one */
typedef enum {
    NGX_HTTP_GENAI_PART_IDENTIFY = 0,
    NGX_HTTP_GENAI_PART_PARSE,
    NGX_HTTP_GENAI_PART_FILTER,
    NGX_HTTP_GENAI_PARTS
} ngx_http_genai_part_e;

typedef struct {
    uint64_t                        magic;
    uint64_t                        layout;
    size_t                          size;       /* of this structure */
    uint64_t                        seed;       /* of hashes */

    ngx_http_genai_histogram_t      parts[NGX_HTTP_GENAI_PARTS];
    ngx_http_genai_histogram_t      overhead;
    ngx_http_genai_histogram_t      step;
    ngx_http_genai_histogram_t      report;     /* turns of reports */
    genai_peak_t                    longest;    /* step, ns */

    uint64_t                        count_bytes;    /* of prompts, */
    uint64_t                        count_known;    /* and of these known */
    uint64_t                        learned[2][NGX_HTTP_GENAI_LEARNED];

    uint64_t                        limits[NGX_HTTP_GENAI_LIMIT_EVENTS]
                                          [GENAI_OWNERS]
                                          [NGX_HTTP_GENAI_LIMIT_UNITS];
    uint64_t                        overruns;       /* exchanges */
    uint64_t                        overrun_tokens;
    uint64_t                        overrun_cost;   /* nano-dollars */

    ngx_http_genai_gauges_t        *workers;
    genai_count_cache_t            *counts;
    ngx_http_genai_table_t          exchanges;
    ngx_http_genai_table_t          usage;
    ngx_http_genai_table_t          factors;
    ngx_http_genai_table_t          differences;
} ngx_http_genai_metrics_t;


/* of a clock that all processes have in common */
#define ngx_http_genai_minute()   ((uint64_t) ngx_current_msec / 60000)

#define ngx_http_genai_load(p)    __atomic_load_n(p, __ATOMIC_RELAXED)
#define ngx_http_genai_add(p, n)                                              \
    (void) __atomic_fetch_add(p, n, __ATOMIC_RELAXED)


/* ngx_http_genai_metrics.c */

extern const ngx_http_genai_bounds_t  ngx_http_genai_bounds_tokens;
extern const ngx_http_genai_bounds_t  ngx_http_genai_bounds_ttft;
extern const ngx_http_genai_bounds_t  ngx_http_genai_bounds_duration;
extern const ngx_http_genai_bounds_t  ngx_http_genai_bounds_per_token;
extern const ngx_http_genai_bounds_t  ngx_http_genai_bounds_own;

/* Makes the entries that stand for all others, once a table is full. */
void ngx_http_genai_metrics_reserve(ngx_http_genai_metrics_t *m);

/* One more text in a hash, which begins with the zone's seed. */
uint64_t ngx_http_genai_metrics_hash(uint64_t h, ngx_str_t *text);

/*
 * The place of a hash, which is found, or free and claimed; that of all
 * others where there is none left.
 */
void *ngx_http_genai_metrics_find(ngx_http_genai_table_t *t, uint64_t hash);

/* An entry by its number, or NULL where there is none to be shown. */
void *ngx_http_genai_metrics_entry(ngx_http_genai_table_t *t, ngx_uint_t i);

/* Counts a turn of a report, in ns of CPU time. */
void ngx_http_genai_metrics_report(uint64_t ns);

/*
 * Copies len bytes of text as UTF-8 without control characters, at most
 * room bytes, cut between characters; "?" stands for each byte that is none
 * of it.  Returns the length.
 */
size_t ngx_http_genai_metrics_text(u_char *dst, size_t room, u_char *src,
    size_t len);


/* ngx_http_genai_metrics_count.c */

/* Makes the entry that stands for all others, once its table is full. */
void ngx_http_genai_metrics_reserve_counts(ngx_http_genai_metrics_t *m);


/* ngx_http_genai_metrics_zone.c */

/* The zone of the current configuration, or NULL where it has none. */
ngx_http_genai_metrics_t *ngx_http_genai_metrics_get(void);

/*
 * Adds the gauges of processes to sums, from the slot first on; those of dead
 * ones do not count, and their slots are freed.  Stops after n processes.
 * Returns the slot to go on with, NGX_HTTP_GENAI_METRICS_WORKERS at the end.
 */
ngx_uint_t ngx_http_genai_metrics_gauges(ngx_http_genai_metrics_t *m,
    ngx_uint_t first, ngx_uint_t n, int64_t sums[NGX_HTTP_GENAI_GAUGES]);


#endif /* _NGX_HTTP_GENAI_METRICS_INT_H_INCLUDED_ */
