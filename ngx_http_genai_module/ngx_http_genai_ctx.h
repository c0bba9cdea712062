/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What one exchange knows: its context, and what that is made of.
 */


#ifndef _NGX_HTTP_GENAI_CTX_H_INCLUDED_
#define _NGX_HTTP_GENAI_CTX_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "genai_answer_count.h"
#include "genai_arena.h"
#include "genai_dialect.h"
#include "genai_edit.h"
#include "genai_meter.h"
#include "genai_policy_limits.h"
#include "genai_price.h"
#include "genai_prompt.h"
#include "genai_request.h"
#include "genai_tool_name.h"
#include "ngx_http_genai_compat.h"
#include "ngx_http_genai_conf.h"
#include "ngx_http_genai_origin.h"
#include "ngx_http_genai_state.h"


/* bytes of a request's id */
#define NGX_HTTP_GENAI_ID_LEN         32

/* bytes that one request may take beside its body */
#define NGX_HTTP_GENAI_ARENA_MAX      ((size_t) 1 << 30)


/* what a stage says; never nginx's codes, whose meaning depends on a phase */
typedef enum {
    NGX_HTTP_GENAI_NEXT = 0,        /* done, the next stage is to run */
    NGX_HTTP_GENAI_PARKED,          /* waits; runs again when resumed */
    NGX_HTTP_GENAI_ANSWERED,        /* ctx->answer is the whole answer */
    NGX_HTTP_GENAI_REFUSED          /* ngx_http_genai_refuse() was called */
} ngx_http_genai_verdict_e;


typedef struct ngx_http_genai_ctx_s  ngx_http_genai_ctx_t;
typedef struct ngx_http_genai_window_s  ngx_http_genai_window_t;
typedef struct ngx_http_genai_output_s  ngx_http_genai_output_t;
typedef struct ngx_http_genai_ping_s  ngx_http_genai_ping_t;
typedef struct ngx_http_genai_inflate_s  ngx_http_genai_inflate_t;
typedef struct ngx_http_genai_move_s  ngx_http_genai_move_t;
typedef struct ngx_http_genai_join_s  ngx_http_genai_join_t;
typedef struct ngx_http_genai_translation_s  ngx_http_genai_translation_t;
typedef struct ngx_http_genai_multipart_s  ngx_http_genai_multipart_t;
typedef struct ngx_http_genai_sign_s  ngx_http_genai_sign_t;

typedef ngx_http_genai_verdict_e (*ngx_http_genai_stage_pt)(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);


/*
 * What an exchange waits for: a thread, its next turn, a name, a timer.  One
 * contract for all of them, in the phases and in the output filters; see
 * ngx_http_genai_park.c.
 */
typedef void (*ngx_http_genai_cancel_pt)(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

typedef struct {
    const char                     *what;       /* for logs; NULL: nothing */
    ngx_http_genai_cancel_pt        cancel;
    ngx_event_t                     timer;      /* the deadline */
    ngx_event_t                     turn;
    unsigned                        filter:1;   /* parked in a filter */
    unsigned                        timedout:1; /* the last wait was in vain */
} ngx_http_genai_wait_t;


/*
 * A step of long work that knows no nginx type: does about budget bytes of
 * it and returns GENAI_REQUEST_AGAIN, or anything else when all is done.
 */
typedef int (*ngx_http_genai_work_pt)(void *data, size_t budget);


/*
 * An estimate leaves out a target, or refuses a request, only where it is so
 * many times the window.
 */
#define NGX_HTTP_GENAI_COUNT_DOUBT    2

/* what was counted, in tokens of the vocabulary */
typedef struct {
    int64_t                         base;       /* that a factor applies to, */
    int64_t                         media;      /* and does not */
    int64_t                         largest;    /* of several inputs */
    int64_t                         bound;      /* hardly ever exceeded, */
    int64_t                         slack;      /* what of it is for doubts */
    uint32_t                        answer;     /* why its count is a guess */
    unsigned                        exact:1;
    unsigned                        sure:1;     /* base is its text's alone */
} ngx_http_genai_counted_t;


typedef struct ngx_http_genai_count_s  ngx_http_genai_count_t;

/* what a request is to one or more of the targets that may answer */
struct ngx_http_genai_count_s {
    const genai_catalog_model_t    *model;      /* NULL: it is not known */
    const genai_vocab_t            *vocab;      /* NULL: there is none */
    ngx_http_genai_count_t         *alike;      /* counted before; or NULL */
    ngx_http_genai_counted_t        counted;    /* before the model's factor */
    int64_t                         tokens;     /* of the prompt */
    int64_t                         largest;    /* that a window is for */
    int64_t                         bound;      /* hardly ever exceeded */
    int64_t                         said;       /* of the answer, as base */
    uint64_t                        open;       /* that may be more */
    int64_t                         output;     /* that is asked for, or -1 */
    uint64_t                        window;     /* 0: not known */
    unsigned                        standin:1;  /* the vocabulary is another */
    unsigned                        fallback:1; /* the catalogue's choice */
    unsigned                        exact:1;
    unsigned                        said_sure:1;        /* as counted.sure */
    unsigned                        broken:1;   /* its vocabulary is */
    unsigned                        named:1;    /* the window is its own */
    unsigned                        unread:1;   /* nothing was counted */
    unsigned                        large:1;    /* it does not fit, */
    unsigned                        asked:1;    /* with what is asked for */
};


/* what an exchange can come to, for its limits */
typedef struct {
    uint64_t                        prompt;     /* tokens, hardly exceeded */
    uint64_t                        cap;        /* of each answer; or 0 */
    uint64_t                        end;        /* and of its end */
    uint64_t                        choices;
    uint64_t                        answer;     /* of all answers, held */
    uint64_t                        sure;       /* bytes said up to which that
                                                   is surely enough */
    unsigned                        sliced:1;   /* more is taken as it goes */
    unsigned                        untold:1;   /* a target cannot be told
                                                   the cap */
    unsigned                        unpriced:1; /* a target's price is not
                                                   known */
} ngx_http_genai_reach_t;


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

    /* ns; CLOCK_MONOTONIC, but for step_cpu, and for step_max if measured */
    uint64_t                        start;
    uint64_t                        first_byte; /* of the answer, or 0 */
    uint64_t                        first_token;
    uint64_t                        overhead;   /* our own time so far, */
    uint64_t                        identified; /* behind stage access, */
    uint64_t                        parsed_at;  /* and behind the others */
    uint64_t                        step;       /* start of the current one */
    uint64_t                        step_cpu;
    uint64_t                        step_max;   /* the longest */
    ngx_uint_t                      nesting;    /* of steps */

    /*
     * The client's: that of his bodies, and the one that his path is of, which
     * is the same unless it has another one's bodies.
     */
    const genai_dialect_t          *dialect;
    const genai_dialect_t          *dialect_path;
    const genai_endpoint_t         *recognised; /* by the path, if any */
    const genai_endpoint_t         *endpoint;
    genai_str_t                     endpoint_id;    /* of .../models/ID */

    /*
     * The request: one read-only span, and what is made of it.  All of it is
     * in the arena, which is destroyed when no attempt can follow: then
     * parsed and multipart are NULL and body empty.
     */
    ngx_str_t                       body;
    genai_arena_t                   arena;
    genai_request_t                *parsed;
    genai_edits_t                  *edits;          /* the request layer */
    genai_edits_t                  *target_edits;   /* of one attempt */
    ngx_http_genai_move_t          *body_move;      /* its parts' joining, */
    ngx_http_genai_join_t          *body_join;      /* in one of two ways */
    ngx_http_genai_inflate_t       *inflate;        /* a body with gzip */
    ngx_http_genai_multipart_t     *multipart;      /* one with parts */

    /* who asks; the snapshot is held as long as the caller is needed */
    ngx_table_elt_t                *key_header;     /* that carries his key */
    ngx_http_genai_snapshot_t      *snapshot;
    const genai_policy_object_t    *caller;         /* NULL: nobody is known */
    u_char                          digest[GENAI_DIGEST_LEN];
    ngx_http_genai_provider_t      *credential_of;  /* found last: */
    ngx_http_genai_secret_t        *credential;

    /* how many tokens it is; see ngx_http_genai_count.c */
    ngx_http_genai_count_t         *counts;     /* each once */
    ngx_uint_t                      ncounts;
    ngx_uint_t                      ncounted;
    ngx_uint_t                     *count_of;   /* each target's number */
    genai_prompt_t                 *prompt;     /* that is being counted */
    ngx_http_genai_count_t         *count;      /* of the last attempt */
    genai_answer_count_t           *answer_count;   /* of its answer */

    genai_lease_t                  *lease;
    ngx_queue_t                     leased;     /* with a lease */
    genai_hold_t                   *holds;      /* limits, as it took them */
    ngx_uint_t                      nholds;
    ngx_http_genai_reach_t          reach;
    uint64_t                        cap;        /* tokens of each answer that
                                                   they allow; 0 is no word */
    int32_t                         lease_day;

    /* ids of what a provider keeps that the request refers to, in the arena;
       the one that was not known; and the answer's, which is kept or not */
    ngx_str_t                      *refers;
    ngx_uint_t                      nrefers;
    ngx_str_t                       unknown;
    ngx_str_t                       kept_id;

    ngx_str_t                       model_sent;     /* decoded, or empty */
    ngx_str_t                       model;          /* that is looked up */
    ngx_http_genai_model_t         *entry;

    ngx_str_t                       path;       /* for the target */
    ngx_chain_t                    *request_bufs;

    ngx_http_genai_wait_t           wait;
    ngx_http_genai_work_pt          work;       /* that is parked or done */
    ngx_int_t                       work_rc;
    ngx_http_genai_origin_waiter_t  waiter;

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

    /* of the attempt that was rendered: what its provider is spoken to in, as
       the client's, and the request in the middle, once it was read */
    const genai_dialect_t          *spoken;
    const genai_dialect_t          *spoken_path;
    ngx_http_genai_translation_t   *translation;
    ngx_str_t                       dropped;    /* names for a header */
    genai_tool_name_t              *tool_names; /* that were changed */
    ngx_uint_t                      ntool_names;
    ngx_str_t                       betas;      /* where betas_cut: all that
                                                   passes of anthropic-beta */

    /* where it is signed: its body's digest, or NULL; and those made before */
    u_char                         *content;
    ngx_http_genai_sign_t          *sign;

    /* the answer of the attempt */
    ngx_http_status_t               status_line;
    ngx_http_chunked_t              chunked;
    ngx_uint_t                      interim;    /* 1xx answers seen */
    genai_error_e                   failure;    /* our verdict, or OK */
    ngx_uint_t                      failure_status;

    /* what a provider has said last, should no other be reached */
    genai_error_e                   said;
    ngx_str_t                       said_retry_after;

    /* its body before the commit; see ngx_http_genai_window.c */
    ngx_http_genai_window_t        *window;

    /* the deadlines; see ngx_http_genai_deadline.c */
    ngx_event_t                     deadline;
    ngx_msec_t                      total_start;    /* of the route stage */
    ngx_msec_t                      attempt_start;
    ngx_msec_t                      client_start;   /* of its being slow */

    /* its body on the way out; see ngx_http_genai_output.c */
    ngx_http_genai_output_t        *output;
    ngx_http_genai_ping_t          *ping;

    ngx_uint_t                      choices;    /* asked for */

    genai_meter_t                   meter;
    genai_tokens_t                  spent;      /* by attempts that failed */
    uint64_t                        spent_cost; /* nano-dollars, of these */
    ngx_http_upstream_t            *spent_of;   /* an earlier location's, whose
                                                   attempts are among these */

    ngx_buf_t                      *answer;     /* of the gateway itself */

    ngx_uint_t                      test_parked;    /* stages, bits */

    unsigned                        head_held:1;    /* until the answer is
                                                       whole */
    unsigned                        clipped:1;  /* the cap, by a limit */
    unsigned                        hopeless:1; /* asking again is in vain */
    unsigned                        spent_any:1;    /* spent was */
    unsigned                        spent_estimated:1;
    unsigned                        limited:1;  /* one has ended the stream */
    unsigned                        betas_cut:1;
    unsigned                        stream_asked:1;
    unsigned                        array:1;    /* as a JSON array */
    unsigned                        streaming:1;    /* to the client */
    unsigned                        usage_added:1;  /* we asked for it */
    unsigned                        unkept:1;   /* not to be, says the client */
    unsigned                        begun:1;    /* at start: its first step */
    unsigned                        measured:1; /* steps by CPU time */
    unsigned                        inlined:1;  /* beside proxy_pass */
    unsigned                        replaced:1; /* r->request_body is ours */
    unsigned                        work_done:1;
    unsigned                        inflated:1; /* body is not the client's */
    unsigned                        joined:1;   /* and this one a copy */
    unsigned                        body_read:1;
    unsigned                        body_begun:1;
    unsigned                        body_reading:1;
    unsigned                        te_seen:1;
    unsigned                        cl_seen:1;
    unsigned                        type_seen:1;
    unsigned                        coded:1;        /* gzip and the like */
    unsigned                        event_stream:1; /* the answer is one */
    unsigned                        booked:1;   /* the usage that it told */
    unsigned                        json:1;         /* the answer's type */
    unsigned                        untyped:1;      /* bytes of any kind */
    unsigned                        page:1;         /* the same: HTML */
    unsigned                        from_provider:1;
    unsigned                        meaningful:1;   /* it has said something */
    unsigned                        refused:1;
    unsigned                        dressed:1;  /* nginx's error, re-made */
    unsigned                        client_slow:1;  /* all waits for it */
    unsigned                        ended:1;    /* the last buffer was sent */
};


#endif /* _NGX_HTTP_GENAI_CTX_H_INCLUDED_ */
