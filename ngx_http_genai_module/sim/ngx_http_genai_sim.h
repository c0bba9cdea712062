/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The simulated provider: what its parts share.
 *
 *     _module.c   the directive, the shared memory
 *     _handler.c  the request: its body, its endpoint, what to answer
 *     _reply.c    what is said that no model says
 *     _send.c     answers that go the way of all nginx
 *     _raw.c      answers that no HTTP server would give
 *     _last.c     what was received last
 *
 * The files named genai_sim_*.c know no nginx type.
 */


#ifndef _NGX_HTTP_GENAI_SIM_H_INCLUDED_
#define _NGX_HTTP_GENAI_SIM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "genai_sim_answer.h"
#include "genai_sim_ledger.h"
#include "genai_sim_talk.h"


/* answers of any length are sent through so many buffers of such a size */
#define NGX_HTTP_GENAI_SIM_BUFS      2
#define NGX_HTTP_GENAI_SIM_BUF       32768

/* no event that brings a token is shorter */
#define NGX_HTTP_GENAI_SIM_EVENT     64

/* a unit, and what gzip puts around it */
#define NGX_HTTP_GENAI_SIM_ROOM      (GENAI_SIM_UNIT + 32)

/* the request that GET /last shows: longer ones are cut */
#define NGX_HTTP_GENAI_SIM_LAST      (16 * 1024 * 1024)


typedef struct {
    size_t                       head;      /* bytes of it in data */
    size_t                       body;
    uint64_t                     total;     /* bytes there were */
    u_char                       data[];
} ngx_http_genai_sim_last_t;


typedef struct {
    ngx_str_t                    path;      /* of the file, or empty */
    ngx_uint_t                   rows;
    genai_sim_ledger_t          *table;
} ngx_http_genai_sim_ledger_t;


typedef struct {
    ngx_shm_zone_t              *zone;
    ngx_array_t                  ledgers;   /* ngx_http_genai_sim_ledger_t * */
    ngx_http_genai_sim_last_t   *last;
    ngx_slab_pool_t             *shpool;
} ngx_http_genai_sim_main_conf_t;


typedef struct {
    genai_sim_opts_t             opts;
    ngx_http_genai_sim_ledger_t *ledger;
    ngx_flag_t                   last;
} ngx_http_genai_sim_loc_conf_t;


/* why no more was produced */

typedef enum {
    NGX_HTTP_GENAI_SIM_MORE = 0,            /* the buffer is full */
    NGX_HTTP_GENAI_SIM_WAIT,                /* the next unit is not due */
    NGX_HTTP_GENAI_SIM_END,
    NGX_HTTP_GENAI_SIM_CUT,
    NGX_HTTP_GENAI_SIM_SILENT
} ngx_http_genai_sim_stop_e;


typedef struct {
    uint32_t                     end;       /* in the buffer */
    uint32_t                     tokens;    /* of it, up to there */
} ngx_http_genai_sim_mark_t;


typedef struct {
    ngx_buf_t                    buf;
    uint64_t                     tokens;

    /* of a stream: where tokens end, which tells those that did not leave */
    ngx_uint_t                   nmarks;
    ngx_uint_t                   marks_max;
    ngx_http_genai_sim_mark_t   *marks;
} ngx_http_genai_sim_buf_t;


typedef struct ngx_http_genai_sim_ctx_s  ngx_http_genai_sim_ctx_t;

typedef void (*ngx_http_genai_sim_run_pt)(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);


struct ngx_http_genai_sim_ctx_s {
    ngx_http_request_t          *request;
    ngx_http_genai_sim_run_pt    run;       /* goes on, from any event */
    ngx_event_t                  timer;

    const genai_sim_opts_t      *opts;
    const genai_dialect_t       *dialect;   /* of bodies, */
    const genai_dialect_t       *dialect_path;  /* and of the path */
    genai_sim_talk_t            *talk;      /* or NULL */
    ngx_str_t                    line;      /* x-genai-sim */
    ngx_str_t                    literal;   /* x-genai-sim-body */
    ngx_str_t                    encoded;   /* x-genai-sim-body-base64 */
    ngx_str_t                    text;      /* x-genai-sim-text */
    ngx_str_t                    bad;       /* what is wrong with the line */
    ngx_str_t                    request_id;
    ngx_str_t                    body;

    ngx_http_genai_sim_ledger_t *ledger;
    uint64_t                     row;       /* its number, 0: none */

    ngx_uint_t                   status;
    ngx_str_t                    type;
    ngx_msec_t                   header_due;
    ngx_msec_t                   body_due;
    int64_t                      cut;       /* bytes of the body, or -1 */

    uint64_t                     units;     /* of the answer, given so far */
    uint64_t                     produced;  /* bytes of the body */
    uint64_t                     dropped;   /* bytes, where it was cut */
    uint64_t                     written;   /* tokens, as in the row */
    uint32_t                     plain;     /* bytes that were gzip'd */
    uint32_t                     crc;
    ngx_http_genai_sim_stop_e    stop;

    ngx_uint_t                   nbufs;
    ngx_http_genai_sim_buf_t     bufs[NGX_HTTP_GENAI_SIM_BUFS];

    void                        *raw;

    unsigned                     endpoint:4;
    unsigned                     stream:1;
    unsigned                     fixed:1;   /* by the parameters */
    unsigned                     paced:1;
    unsigned                     blocked:1; /* a raw write has to wait */
    unsigned                     opened:1;  /* gzip: it has begun */
    unsigned                     closed:1;  /* gzip: it has ended */
    unsigned                     errored:1; /* the error event was given */

    genai_sim_answer_t           answer;    /* last, for it is large */
};


ngx_int_t ngx_http_genai_sim_handler(ngx_http_request_t *r);

/*
 * Begins to send what ctx was prepared for; finalizes the request, now or
 * later.
 */
void ngx_http_genai_sim_send(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
void ngx_http_genai_sim_raw(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);

/* of _send.c, for _raw.c too */

void ngx_http_genai_sim_schedule(ngx_http_genai_sim_ctx_t *ctx);
ngx_int_t ngx_http_genai_sim_set_headers(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);

ngx_http_genai_sim_buf_t *ngx_http_genai_sim_get_buf(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx, size_t size);
void ngx_http_genai_sim_fill(ngx_http_genai_sim_ctx_t *ctx,
    ngx_http_genai_sim_buf_t *sb, size_t reserve);
void ngx_http_genai_sim_wait(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx, ngx_msec_t delay);
ngx_int_t ngx_http_genai_sim_watch(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
void ngx_http_genai_sim_write_handler(ngx_http_request_t *r);
ngx_msec_t ngx_http_genai_sim_due(ngx_http_genai_sim_ctx_t *ctx);
ngx_int_t ngx_http_genai_sim_cleanup_add(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
void ngx_http_genai_sim_record(ngx_http_genai_sim_ctx_t *ctx,
    genai_sim_ledger_end_e end);

/*
 * Of _reply.c: each prepares ctx, for which NGX_OK is returned, or an error of
 * HTTP.  A status without a message has the provider's own.
 */

ngx_int_t ngx_http_genai_sim_reply_literal(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
ngx_int_t ngx_http_genai_sim_reply_models(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
ngx_int_t ngx_http_genai_sim_reply_count(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
ngx_int_t ngx_http_genai_sim_reply_last(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
ngx_int_t ngx_http_genai_sim_reply_ledger(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
ngx_int_t ngx_http_genai_sim_reply_unknown(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx);
ngx_int_t ngx_http_genai_sim_reply_error(ngx_http_request_t *r,
    ngx_http_genai_sim_ctx_t *ctx, ngx_uint_t status, ngx_str_t *message,
    const char *param);

/* has the connection reset instead of closed */

void ngx_http_genai_sim_reset(ngx_http_request_t *r);

/* of _last.c */

void ngx_http_genai_sim_last_set(ngx_http_request_t *r, ngx_str_t *body);
ngx_int_t ngx_http_genai_sim_last_get(ngx_http_request_t *r, ngx_str_t *text,
    ngx_uint_t *truncated);


extern ngx_module_t  ngx_http_genai_sim_module;


#endif /* _NGX_HTTP_GENAI_SIM_H_INCLUDED_ */
