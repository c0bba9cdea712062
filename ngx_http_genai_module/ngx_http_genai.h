/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The map of the module: what is configured (secret, provider, target,
 * model, location), what one exchange knows (ctx), and the functions that
 * files offer each other, file by file in the order of the pipeline.
 *
 *    ACCESS   PRECONTENT                             CONTENT
 *    access > body > parse > authorize > route  >   upstream > group > peer
 *
 *    LOG          OUTPUT FILTERS
 *    variables <  header filter, body filter
 *
 * Memory is of r->pool unless a comment says otherwise; everything runs on
 * the event loop of one worker.
 */


#ifndef _NGX_HTTP_GENAI_H_INCLUDED_
#define _NGX_HTTP_GENAI_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "genai_dialect.h"
#include "ngx_http_genai_compat.h"
#include "ngx_http_genai_origin.h"


/* contexts of our blocks: bits that nginx uses for nothing */
#define NGX_HTTP_GENAI_PROVIDER_CONF  0x00100000
#define NGX_HTTP_GENAI_MODEL_CONF     0x00200000

/* genai_expose; the lowest bit is nginx's NGX_CONF_BITMASK_SET */
#define NGX_HTTP_GENAI_EXPOSE_TARGET    0x0002
#define NGX_HTTP_GENAI_EXPOSE_OVERHEAD  0x0004

/* next_target, likewise */
#define NGX_HTTP_GENAI_NEXT_ERROR     0x0002
#define NGX_HTTP_GENAI_NEXT_TIMEOUT   0x0004
#define NGX_HTTP_GENAI_NEXT_HTTP_429  0x0008
#define NGX_HTTP_GENAI_NEXT_HTTP_5XX  0x0010
#define NGX_HTTP_GENAI_NEXT_OFF       0x0020

/* bytes of a model name, decoded */
#define NGX_HTTP_GENAI_MODEL_MAX      256

/* bytes of a key or credential */
#define NGX_HTTP_GENAI_SECRET_MAX     16384

#define NGX_HTTP_GENAI_ID_LEN         32


/*
 * A secret value and where it came from: "genai_secret NAME ..." or the
 * "credential" of a provider.  A value that could not be read leaves problem
 * set, closes what needs it, and never keeps nginx from starting, unless
 * genai_strict is on.
 */
typedef struct {
    ngx_str_t                       name;       /* of genai_secret, or "" */
    ngx_str_t                       source;     /* as written */
    ngx_str_t                       value;
    ngx_str_t                       problem;    /* why there is no value */
    u_char                         *file;       /* where it is configured */
    ngx_uint_t                      line;
} ngx_http_genai_secret_t;


/* a header that goes to a provider with a value of its own */
typedef struct {
    ngx_str_t                       name;
    ngx_http_complex_value_t        value;
} ngx_http_genai_header_t;


typedef struct {
    ngx_str_t                       name;
    const genai_dialect_t          *dialect;

    /* from "pass": scheme://host[:port]/path */
    ngx_str_t                       url;
    ngx_str_t                       schema;     /* "https://" */
    ngx_str_t                       host;       /* for SNI and certificate */
    ngx_str_t                       authority;  /* for Host: host[:port] */
    ngx_str_t                       path;       /* no slash at its end */
    in_port_t                       port;

    /* where connections go: the peers of an upstream{}, or our own */
    ngx_str_t                       upstream_name;
    ngx_http_upstream_srv_conf_t   *upstream;
    ngx_http_genai_origin_t        *origin;

    ngx_str_t                       credential;     /* as written */
    ngx_http_genai_secret_t        *secret;

    ngx_array_t                     headers;    /* ngx_http_genai_header_t */
    ngx_array_t                     pass_names;     /* ngx_hash_key_t */
    ngx_hash_t                      pass_headers;   /* names from clients */
    ngx_uint_t                      typed;      /* headers has Content-Type */

    ngx_resolver_t                 *resolver;

    /* one for all exchanges: nginx's keep-alive may be keyed by it */
    ngx_http_upstream_conf_t        conf;

    ngx_str_t                       ssl_name;
    ngx_uint_t                      ssl_protocols;
    ngx_str_t                       ssl_ciphers;
    ngx_uint_t                      ssl_verify_depth;
    ngx_str_t                       ssl_trusted_certificate;
    ngx_str_t                       ssl_crl;

    u_char                         *file;       /* where it is configured */
    ngx_uint_t                      line;

    unsigned                        ssl:1;
} ngx_http_genai_provider_t;


typedef struct {
    ngx_str_t                       name;       /* the provider's, or name= */
    ngx_str_t                       provider_name;
    ngx_http_genai_provider_t      *provider;
    ngx_str_t                       model;      /* "" is the public name */
    ngx_str_t                       model_json; /* quoted, escaped */
    ngx_uint_t                      weight;
    ngx_uint_t                      priority;

    u_char                         *file;       /* where it is configured */
    ngx_uint_t                      line;

    unsigned                        down:1;
} ngx_http_genai_target_t;


typedef struct {
    ngx_str_t                       name;       /* as written */
    ngx_str_t                       prefix;     /* of "prefix*" */
#if (NGX_PCRE)
    ngx_regex_t                    *regex;      /* of "~regex" */
#endif
    ngx_array_t                     targets;    /* _target_t, by priority */

    ngx_uint_t                      next_target;
    ngx_uint_t                      next_target_tries;
    ngx_msec_t                      next_target_timeout;

    u_char                         *file;
    ngx_uint_t                      line;
} ngx_http_genai_model_t;


typedef struct {
    ngx_flag_t                      pass;
    ngx_http_complex_value_t       *pass_model;
    ngx_flag_t                      auth;
    ngx_uint_t                      endpoints;
    ngx_uint_t                      api;
    ngx_uint_t                      expose;
    u_char                         *file;       /* where genai_pass is */
    ngx_uint_t                      line;
} ngx_http_genai_loc_conf_t;


/* a location with genai_pass, for the checks after all of http{} is read */
typedef struct {
    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_genai_loc_conf_t      *lcf;
} ngx_http_genai_place_t;


typedef struct {
    ngx_array_t                     secrets;    /* _secret_t * */
    ngx_array_t                     providers;  /* _provider_t * */
    ngx_array_t                     models;     /* _model_t *, as written */
    ngx_array_t                     exact;      /* _model_t *, sorted */
    ngx_array_t                     prefixes;   /* _model_t *, longest first */
    ngx_array_t                     regexes;    /* _model_t *, as written */
    ngx_array_t                     places;     /* _place_t */

    ngx_flag_t                      strict;
    time_t                          created;    /* of the configuration */

    /* the peers of every exchange, see ngx_http_genai_group.c */
    ngx_http_upstream_srv_conf_t    group;
} ngx_http_genai_main_conf_t;


/* what a stage says; never nginx's codes, whose meaning depends on a phase */
typedef enum {
    NGX_HTTP_GENAI_NEXT = 0,        /* done, the next stage is to run */
    NGX_HTTP_GENAI_PARKED,          /* waits; runs again when resumed */
    NGX_HTTP_GENAI_ANSWERED,        /* ctx->answer is the whole answer */
    NGX_HTTP_GENAI_REFUSED          /* ngx_http_genai_refuse() was called */
} ngx_http_genai_verdict_e;


typedef struct ngx_http_genai_ctx_s  ngx_http_genai_ctx_t;

typedef ngx_http_genai_verdict_e (*ngx_http_genai_stage_pt)(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);


/* the peers of one exchange; see ngx_http_genai_group.c */
typedef struct {
    ngx_http_genai_target_t       **targets;    /* usable ones, in order */
    ngx_uint_t                      ntargets;
    ngx_uint_t                      current;
    ngx_uint_t                      started;    /* targets, with this one */

    /* the hooks and tries of the current target's own peers */
    ngx_event_get_peer_pt           get;
    ngx_event_free_peer_pt          free;
    ngx_event_notify_peer_pt        notify;
#if (NGX_SSL || NGX_COMPAT)
    ngx_event_set_peer_session_pt   set_session;
    ngx_event_save_peer_session_pt  save_session;
#endif
    void                           *data;
    ngx_uint_t                      tries;

    ngx_uint_t                      reported;   /* tries that nginx was told */
    ngx_uint_t                      attempts;
    ngx_msec_t                      start;
    unsigned                        stopped:1;  /* no further attempt */
} ngx_http_genai_group_t;


struct ngx_http_genai_ctx_s {
    ngx_http_request_t             *request;
    ngx_uint_t                      stage;      /* that runs or is parked */

    u_char                          id[NGX_HTTP_GENAI_ID_LEN];

    /* CLOCK_MONOTONIC, ns */
    uint64_t                        start;
    uint64_t                        first_byte; /* of the answer, or 0 */
    uint64_t                        overhead;   /* our own time so far */
    uint64_t                        step;       /* start of the current one */
    ngx_uint_t                      nesting;    /* of steps */

    const genai_dialect_t          *dialect;    /* the client's */
    const genai_endpoint_t         *endpoint;
    genai_str_t                     endpoint_id;    /* of .../models/ID */

    /* the request: one read-only span */
    ngx_str_t                       body;
    size_t                          model_start;    /* of its raw value */
    size_t                          model_end;
    ngx_str_t                       model_sent;     /* decoded, or empty */
    ngx_str_t                       model;          /* that is looked up */
    ngx_http_genai_model_t         *entry;

    ngx_str_t                       path;       /* for the target */
    ngx_chain_t                    *request_bufs;

    ngx_http_genai_origin_waiter_t  waiter;
    ngx_event_t                     wait_timer;

    /* how the exchange ends */
    genai_error_e                   error;
    ngx_uint_t                      status;     /* 0 is the error's own */
    ngx_str_t                       message;
    ngx_str_t                       code;       /* of OpenAI's error */
    ngx_str_t                       retry_after;
    ngx_str_t                       allow;
    ngx_str_t                       upgrade;
    ngx_str_t                       status_text;

    ngx_http_genai_group_t          group;
    ngx_http_genai_target_t        *target;     /* of the last attempt */

    /* the answer of the attempt */
    ngx_http_status_t               status_line;
    ngx_http_chunked_t              chunked;
    ngx_uint_t                      interim;    /* 1xx answers seen */
    genai_error_e                   failure;    /* our verdict, or OK */
    ngx_uint_t                      failure_status;

    /* what a provider has said last, should no other be reached */
    genai_error_e                   said;
    ngx_str_t                       said_retry_after;

    /* an event stream's begun event; see ngx_http_genai_stream.c */
    ngx_chain_t                    *held;
    ngx_chain_t                    *held_free;
    ngx_chain_t                    *held_busy;
    u_char                          tail[24];   /* last bytes that came */

    ngx_buf_t                      *answer;     /* of the gateway itself */

    unsigned                        stream_asked:1;
    unsigned                        empty_object:1; /* the body is "{}" */
    unsigned                        waited:1;   /* for a name, in vain */
    unsigned                        body_read:1;
    unsigned                        body_begun:1;
    unsigned                        body_reading:1;
    unsigned                        te_seen:1;
    unsigned                        cl_seen:1;
    unsigned                        type_seen:1;
    unsigned                        coded:1;        /* gzip and the like */
    unsigned                        event_stream:1; /* the answer is one */
    unsigned                        event_long:1;   /* it passes in pieces */
    unsigned                        json:1;         /* the answer's type */
    unsigned                        from_provider:1;
    unsigned                        refused:1;
    unsigned                        dressed:1;  /* nginx's error, re-made */
    unsigned                        ended:1;    /* the last buffer was sent */
};


extern ngx_module_t  ngx_http_genai_module;


/* ngx_http_genai_conf.c: create, merge, check; directives outside blocks */

void *ngx_http_genai_create_main_conf(ngx_conf_t *cf);
char *ngx_http_genai_init_main_conf(ngx_conf_t *cf, void *conf);
void *ngx_http_genai_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_genai_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);
ngx_int_t ngx_http_genai_check_conf(ngx_conf_t *cf);
char *ngx_http_genai_pass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_genai_auth(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_genai_endpoints(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_genai_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


/* ngx_http_genai_block.c: blocks that hold plain directives of ours */

/*
 * Reads the block that begins at cf, its directives being commands of this
 * module with the context bit type, their conf being object.
 */
char *ngx_http_genai_read_block(ngx_conf_t *cf, ngx_uint_t type,
    void *object);

/*
 * Logs a mistake that is found after the line was read, as nginx logs those
 * that it finds at once: with file and line.
 */
void ngx_http_genai_conf_error(ngx_conf_t *cf, ngx_uint_t level, u_char *file,
    ngx_uint_t line, const char *fmt, ...);


/* ngx_http_genai_secret.c */

char *ngx_http_genai_secret(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * The secret that "secret:NAME", "file:PATH" or "env:NAME" says, read now.
 * Returns NULL after an error was logged.  A value that cannot be had is no
 * error here: secret->problem says so.
 */
ngx_http_genai_secret_t *ngx_http_genai_secret_get(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, ngx_str_t *source, u_char *file,
    ngx_uint_t line);

/* Reports the values that could not be had; an error with genai_strict. */
ngx_int_t ngx_http_genai_secret_check(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf);


/* ngx_http_genai_provider.c */

char *ngx_http_genai_provider(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_genai_provider_dialect(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_genai_provider_pass(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_genai_provider_resolver(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_http_genai_provider_t *ngx_http_genai_provider_find(
    ngx_http_genai_main_conf_t *mcf, ngx_str_t *name);

/* Completes and checks all providers, after http{} and its upstreams. */
ngx_int_t ngx_http_genai_provider_init(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf);


/* ngx_http_genai_provider_headers.c */

char *ngx_http_genai_provider_header(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Settles which headers of clients pass, once the block was read. */
ngx_int_t ngx_http_genai_provider_pass_headers(ngx_conf_t *cf,
    ngx_http_genai_provider_t *p);


/* ngx_http_genai_model.c */

char *ngx_http_genai_model(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_genai_model_target(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Sorts models for the lookup, after http{}. */
ngx_int_t ngx_http_genai_model_init(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf);

/*
 * The entry of a public name: the exact one, else the longest prefix, else
 * the first regex as written; NULL where there is none.
 */
ngx_http_genai_model_t *ngx_http_genai_model_find(
    ngx_http_genai_main_conf_t *mcf, ngx_str_t *name, ngx_log_t *log);


/* ngx_http_genai_pipeline.c: the stage table, running, parking, refusing */

ngx_int_t ngx_http_genai_access_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_genai_precontent_handler(ngx_http_request_t *r);

/* The exchange's context, found again after a redirect; NULL before it. */
ngx_http_genai_ctx_t *ngx_http_genai_get_ctx(ngx_http_request_t *r);

/* The same, made where there is none; NULL when out of memory. */
ngx_http_genai_ctx_t *ngx_http_genai_make_ctx(ngx_http_request_t *r);

/* Runs the phases of a parked exchange on; r may be gone afterwards. */
void ngx_http_genai_resume(ngx_http_request_t *r);

/*
 * Measure one step of ours on the loop; steps may be nested.  They are what
 * $genai_overhead adds up.
 */
void ngx_http_genai_step_begin(ngx_http_genai_ctx_t *ctx);
void ngx_http_genai_step_end(ngx_http_genai_ctx_t *ctx);

static ngx_inline uint64_t
ngx_http_genai_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


/* ngx_http_genai_reply.c: what the gateway itself says to a client */

/*
 * Stores why an exchange is refused and returns NGX_HTTP_GENAI_REFUSED.  The
 * message (nginx's format, one sentence, without secrets or prompts) goes to
 * the client, and to the log: at level error for gateway_*, warn for
 * provider_*, else info.
 */
ngx_http_genai_verdict_e ngx_http_genai_refuse(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, genai_error_e error, const char *fmt, ...);

/*
 * Send the stored refusal, or ctx->answer as a 200, and finalize r.  The
 * client's connection is kept where its body allows it.
 */
void ngx_http_genai_send_refusal(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
void ngx_http_genai_send_answer(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/* Turns r->headers_out into an answer of application/json of len bytes. */
void ngx_http_genai_json_headers(ngx_http_request_t *r, off_t len);

/* Adds a line to r->headers_out; the strings must live as long as r. */
ngx_int_t ngx_http_genai_add_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value);

/*
 * Adds what the gateway says in the head of every answer: its request id,
 * and the error's word, retry-after and allow where they are set.
 */
ngx_int_t ngx_http_genai_own_headers(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/*
 * ctx->error in the client's dialect: a JSON body, or an event of a stream
 * that has begun.  NULL when out of memory.
 */
ngx_buf_t *ngx_http_genai_error_buf(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_uint_t event);


/* stages */

ngx_http_genai_verdict_e ngx_http_genai_access(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
ngx_http_genai_verdict_e ngx_http_genai_body(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
ngx_http_genai_verdict_e ngx_http_genai_parse(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
ngx_http_genai_verdict_e ngx_http_genai_authorize(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
ngx_http_genai_verdict_e ngx_http_genai_route(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);


/* ngx_http_genai_models.c: GET .../models, answered by the gateway */

ngx_http_genai_verdict_e ngx_http_genai_models(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);


/* ngx_http_genai_render.c */

/*
 * Renders the request for a target: request line, headers, and the client's
 * body as slices.  Every buffer is in memory with start == pos, as nginx's
 * retries need.  Returns NULL when out of memory.
 */
ngx_chain_t *ngx_http_genai_render(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_target_t *target);


/* ngx_http_genai_upstream.c: the content handler, nginx's upstream hooks */

ngx_int_t ngx_http_genai_pass_handler(ngx_http_request_t *r);


/* ngx_http_genai_answer.c: the head of a provider's answer */

ngx_int_t ngx_http_genai_process_status_line(ngx_http_request_t *r);


/* ngx_http_genai_group.c */

/* The peer.init of every exchange, and the start of its first target. */
ngx_int_t ngx_http_genai_group_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);

/* Points nginx's upstream at a target: configuration, TLS, names. */
void ngx_http_genai_group_point(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_target_t *target);

/*
 * Whether another attempt is to follow the current one, whose answer is a
 * failure of the kind wanted, a bit of next_target.  Where it is not, none
 * will: the answer, or one of ours, goes to the client.
 */
ngx_uint_t ngx_http_genai_group_move_on(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_uint_t wanted);


/* ngx_http_genai_filter.c */

ngx_int_t ngx_http_genai_filter_init(ngx_conf_t *cf);


/* ngx_http_genai_stream.c */

/*
 * Takes a chain of an event stream that passes as it is and makes *out, new
 * links of what may go to the client now.  Returns NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_genai_stream_filter(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_chain_t *in, ngx_chain_t **out);

/* Frees those links once the next filter has seen them. */
void ngx_http_genai_stream_update(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_chain_t *out);


/* ngx_http_genai_variables.c */

ngx_int_t ngx_http_genai_add_variables(ngx_conf_t *cf);

/* Writes ns as seconds with microseconds; returns the end. */
#define NGX_HTTP_GENAI_SECONDS_LEN  (NGX_INT64_LEN + sizeof(".000000"))

u_char *ngx_http_genai_seconds(u_char *p, uint64_t ns);


#endif /* _NGX_HTTP_GENAI_H_INCLUDED_ */
