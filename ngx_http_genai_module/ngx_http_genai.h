/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The map of the module: what one exchange knows (ctx), and the functions
 * that files offer each other, file by file in the order of the pipeline.
 * What is configured is in ngx_http_genai_conf.h, what processes share in
 * ngx_http_genai_state.h.
 *
 *    ACCESS   PRECONTENT                             CONTENT
 *    access > body > parse > authorize > count > lease
 *             > route  > upstream > group
 *             > inline > proxy_pass
 *
 *    LOG          OUTPUT FILTERS
 *    settle    <  header filter, body filter: decode > meter > output
 *
 * Memory is of r->pool unless a comment says otherwise; everything runs on
 * the event loop of one worker.
 */


#ifndef _NGX_HTTP_GENAI_H_INCLUDED_
#define _NGX_HTTP_GENAI_H_INCLUDED_


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
typedef struct ngx_http_genai_inflate_s  ngx_http_genai_inflate_t;
typedef struct ngx_http_genai_move_s  ngx_http_genai_move_t;
typedef struct ngx_http_genai_join_s  ngx_http_genai_join_t;

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
    int64_t                         output;     /* that is asked for, or -1 */
    uint64_t                        window;     /* 0: not known */
    unsigned                        standin:1;  /* the vocabulary is another */
    unsigned                        fallback:1; /* the catalogue's choice */
    unsigned                        exact:1;
    unsigned                        said_sure:1;        /* as counted.sure */
    unsigned                        broken:1;   /* its vocabulary is */
    unsigned                        named:1;    /* the window is its own */
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

    const genai_dialect_t          *dialect;    /* the client's */
    const genai_endpoint_t         *endpoint;
    genai_str_t                     endpoint_id;    /* of .../models/ID */

    /*
     * The request: one read-only span, and what is made of it.  All of it is
     * in the arena, which is destroyed when no attempt can follow: then
     * parsed is NULL and body empty.
     */
    ngx_str_t                       body;
    genai_arena_t                   arena;
    genai_request_t                *parsed;
    genai_edits_t                  *edits;          /* the request layer */
    genai_edits_t                  *target_edits;   /* of one attempt */
    ngx_http_genai_move_t          *body_move;      /* its parts' joining, */
    ngx_http_genai_join_t          *body_join;      /* in one of two ways */
    ngx_http_genai_inflate_t       *inflate;        /* a body with gzip */

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

    ngx_uint_t                      choices;    /* asked for */

    genai_meter_t                   meter;
    genai_tokens_t                  spent;      /* by attempts that failed */
    uint64_t                        spent_cost; /* nano-dollars, of these */

    ngx_buf_t                      *answer;     /* of the gateway itself */

    ngx_uint_t                      test_parked;    /* stages, bits */

    unsigned                        clipped:1;  /* the cap, by a limit */
    unsigned                        quota:1;    /* a long one refuses */
    unsigned                        spent_estimated:1;
    unsigned                        limited:1;  /* one has ended the stream */
    unsigned                        stream_asked:1;
    unsigned                        streaming:1;    /* to the client */
    unsigned                        usage_added:1;  /* we asked for it */
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
    unsigned                        from_provider:1;
    unsigned                        meaningful:1;   /* it has said something */
    unsigned                        refused:1;
    unsigned                        dressed:1;  /* nginx's error, re-made */
    unsigned                        client_slow:1;  /* all waits for it */
    unsigned                        ended:1;    /* the last buffer was sent */
};


/* ngx_http_genai_pipeline.c: the stage table, running, parking, refusing */

ngx_int_t ngx_http_genai_access_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_genai_precontent_handler(ngx_http_request_t *r);

/* The configuration where r is ours to handle, as gateway or inline. */
ngx_http_genai_loc_conf_t *ngx_http_genai_place(ngx_http_request_t *r);

/* The exchange's context, found again after a redirect; NULL before it. */
ngx_http_genai_ctx_t *ngx_http_genai_get_ctx(ngx_http_request_t *r);

/* The same, made where there is none; NULL when out of memory. */
ngx_http_genai_ctx_t *ngx_http_genai_make_ctx(ngx_http_request_t *r);

/*
 * Gives back what only another attempt would need: the tape, the edits, the
 * body.  Called at the commit and at the end; the second call does nothing.
 */
void ngx_http_genai_release_request(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/*
 * Measure one step of ours on the loop; steps may be nested.  They are what
 * $genai_overhead adds up, and the longest is $genai_step.
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

static ngx_inline uint64_t
ngx_http_genai_cpu_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


/* ngx_http_genai_park.c */

/*
 * Parks the exchange in the stage that runs: it is run again by
 * ngx_http_genai_resume(), or after deadline ms (0: none), with
 * ctx->wait.timedout set.  what is a word for logs.
 *
 * cancel, which may be NULL, is called once, unless it was resumed before,
 * when the deadline has passed or the request is destroyed: from then on
 * nothing may touch r.  Returns NGX_HTTP_GENAI_PARKED.
 */
ngx_http_genai_verdict_e ngx_http_genai_park(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, const char *what, ngx_msec_t deadline,
    ngx_http_genai_cancel_pt cancel);

/*
 * The same in the output filters, which are then called with no input when
 * it is time: whoever parks there leaves its input unconsumed.
 */
void ngx_http_genai_park_filter(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, const char *what, ngx_msec_t deadline,
    ngx_http_genai_cancel_pt cancel);

/*
 * What was waited for is there: goes on where it was parked.  Called from an
 * event of its own, never from within a stage; r may be gone afterwards.
 */
void ngx_http_genai_resume(ngx_http_request_t *r);

#if (NGX_HTTP_GENAI_DEBUG)

char *ngx_http_genai_test_park_conf(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* genai_test_park: parks once in front of a stage, and of an answer. */
ngx_http_genai_verdict_e ngx_http_genai_test_park(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, const char *stage, ngx_uint_t n);
ngx_uint_t ngx_http_genai_test_park_filter(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

#endif

/* Ends a wait that is not to be resumed: cancels it, removes its timers. */
void ngx_http_genai_unpark(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);

/*
 * Does work to its end, size being about how many bytes it is about: at once
 * where it is little, in a thread where genai_threads says so, else in turns
 * with the event loop.
 *
 * Returns NGX_HTTP_GENAI_NEXT with *rc, what work() returned last; or
 * NGX_HTTP_GENAI_PARKED, when the stage is run again and calls it again with
 * the same arguments.
 */
ngx_http_genai_verdict_e ngx_http_genai_work(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_work_pt work, void *data,
    size_t size, ngx_int_t *rc);

/*
 * Make an empty arena, and one empty again: a small one's memory is kept for
 * the next one, a large one's is given back in turns with the event loop.
 */
void ngx_http_genai_create_arena(genai_arena_t *arena);
void ngx_http_genai_destroy_arena(genai_arena_t *arena);

/* Gives back memory of malloc(), or that is mapped, likewise. */
void ngx_http_genai_give_back(void *addr, size_t len, ngx_uint_t mapped);

/*
 * Memory that every exchange needs a piece of, not zeroed; NULL where there
 * is none.  It is given back with the size that it was taken with.
 */
void *ngx_http_genai_take(size_t size);
void ngx_http_genai_give(void *p, size_t size);


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


/* ngx_http_genai_body.c */

/* Gives the body's memory back, and its temporary file's mapping. */
void ngx_http_genai_body_release(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);


/* ngx_http_genai_inflate.c */

/*
 * Makes ctx->body, which is coded with gzip, what it means; max is in bytes.
 * Returns as a stage.
 */
ngx_http_genai_verdict_e ngx_http_genai_inflate(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, off_t max);


/* ngx_http_genai_caller.c */

/*
 * Finds the caller: ctx->caller, or a refusal.  Nobody is looked for where
 * "genai_auth off" is.
 */
ngx_http_genai_verdict_e ngx_http_genai_identify(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/* The same once more, should there be a newer snapshot by now. */
ngx_http_genai_verdict_e ngx_http_genai_identify_again(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/*
 * The first line of r's headers that carries the key that the line same does;
 * NULL is none.
 */
ngx_table_elt_t *ngx_http_genai_find_key(ngx_http_request_t *r,
    ngx_table_elt_t *same);


/*
 * Whether the caller may use a model of that public name; nobody is stopped
 * where "genai_auth off" lets everybody in.
 */
ngx_uint_t ngx_http_genai_allowed_model(ngx_http_genai_ctx_t *ctx,
    ngx_str_t *name);
ngx_uint_t ngx_http_genai_allowed_endpoint(ngx_http_genai_ctx_t *ctx,
    genai_endpoint_e endpoint);

/*
 * The secret that a target's provider is asked with: that of the caller's
 * team, else the provider's own.  *secret is NULL where it needs none.
 * Returns NGX_OK, or NGX_DECLINED where it is needed and cannot be had.
 */
ngx_int_t ngx_http_genai_credential(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_provider_t *provider,
    ngx_http_genai_secret_t **secret);


/* ngx_http_genai_settle.c: how an exchange ends, and what it used */

ngx_int_t ngx_http_genai_log_handler(ngx_http_request_t *r);

/* Stores in the lease what has been used so far. */
void ngx_http_genai_checkpoint(ngx_http_genai_ctx_t *ctx);

/*
 * What tokens cost at the target that was asked last, in nano-dollars; 0 where
 * its price is not known.
 */
uint64_t ngx_http_genai_cost(ngx_http_genai_ctx_t *ctx,
    genai_tokens_t *tokens);

/*
 * An attempt has failed before its answer went to the client: what it may be
 * billed for, by its meter, is booked beside that of the others, and counted
 * as the target's that was asked.
 */
void ngx_http_genai_spent(ngx_http_genai_ctx_t *ctx,
    const genai_meter_t *meter);

/* Ends the lease, once, whichever way the exchange has ended. */
void ngx_http_genai_settle(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);

/* The same of all exchanges of this worker, which ends before they do. */
void ngx_http_genai_settle_all(void);

/*
 * The tokens used so far by the attempt that answers, or was the last one;
 * the error's word, and the word of $genai_finish.
 */
void ngx_http_genai_used(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    genai_tokens_t *tokens);
genai_error_e ngx_http_genai_outcome(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
const char *ngx_http_genai_finish(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);


/*
 * Goes through the header lines of r->headers_in: begins with the list's first
 * part and the number 0, returns NULL behind the last one.
 */
static ngx_inline ngx_table_elt_t *
ngx_http_genai_next_header(ngx_list_part_t **part, ngx_uint_t *i)
{
    while (*i >= (*part)->nelts) {

        if ((*part)->next == NULL) {
            return NULL;
        }

        *part = (*part)->next;
        *i = 0;
    }

    return (ngx_table_elt_t *) (*part)->elts + (*i)++;
}


/* ngx_http_genai_inline.c */

/*
 * Takes a line out of r->headers_in.headers; no other one moves.  Its memory
 * may be used for a line that is added later: pointers to it must go first.
 * Returns NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_genai_remove_header(ngx_http_request_t *r,
    ngx_table_elt_t *h);


/* stages */

ngx_http_genai_verdict_e ngx_http_genai_access(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
ngx_http_genai_verdict_e ngx_http_genai_body(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
ngx_http_genai_verdict_e ngx_http_genai_parse(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
ngx_http_genai_verdict_e ngx_http_genai_authorize(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
ngx_http_genai_verdict_e ngx_http_genai_count(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
ngx_http_genai_verdict_e ngx_http_genai_lease(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
ngx_http_genai_verdict_e ngx_http_genai_route(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
ngx_http_genai_verdict_e ngx_http_genai_inline(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);


/* ngx_http_genai_count.c: and what is counted of the answer */

/* Whether the request fits the entry's target of that number. */
ngx_uint_t ngx_http_genai_count_usable(ngx_http_genai_ctx_t *ctx,
    ngx_uint_t target);

/* An attempt at that target begins: its tokens are those of the meter. */
void ngx_http_genai_count_attempt(ngx_http_genai_ctx_t *ctx,
    ngx_uint_t target);

/* Counts what an event of the answer says. */
void ngx_http_genai_count_event(ngx_http_genai_ctx_t *ctx, genai_event_t *e);

/* Tells the meter what was said so far; end: that was all. */
void ngx_http_genai_count_said(ngx_http_genai_ctx_t *ctx, ngx_uint_t end);

/*
 * The tokens of what was said so far: what they hardly ever exceed, and what
 * is likely.
 */
uint64_t ngx_http_genai_count_said_bound(ngx_http_genai_ctx_t *ctx,
    uint64_t *likely);

/*
 * What was learned of a count's model, of its answers or else of prompts, and
 * the catalogue's factors; NULL: its tokens are those that we count.
 */
genai_factor_t *ngx_http_genai_count_factor(const ngx_http_genai_count_t *c,
    ngx_uint_t answer, double *likely, double *most);

/* what it returns where nothing was learned yet, and nothing can be */
extern genai_factor_t  ngx_http_genai_no_factor;

/* The calling thread's cache of pieces; NULL where there is no memory. */
genai_bpe_cache_t *ngx_http_genai_bpe_cache(void);

/* Records how our counts differ from what the provider has told. */
void ngx_http_genai_count_compare(ngx_http_genai_ctx_t *ctx);

/* Gives back what counting the request, and the answer, has taken. */
void ngx_http_genai_count_stop(ngx_http_genai_ctx_t *ctx);
void ngx_http_genai_count_forget(ngx_http_genai_ctx_t *ctx);

/* The worker ends. */
void ngx_http_genai_count_exit(void);


/* ngx_http_genai_limit.c */

/* Refuses who has used up a limit that headers alone tell of. */
ngx_http_genai_verdict_e ngx_http_genai_limits_peek(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/* Takes from all limits that apply, for the lease, or refuses. */
ngx_http_genai_verdict_e ngx_http_genai_limits_take(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/* Edits how long an answer may be, last of a target's edits. */
ngx_int_t ngx_http_genai_limits_render(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target);

/*
 * A stream has said more: takes the next slice for it where it needs one.
 * Returns NGX_OK; or NGX_DECLINED where the budgets do not give one, and what
 * was said is all that they gave.
 */
ngx_int_t ngx_http_genai_limits_extend(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/*
 * An attempt has failed and may be billed, ctx->spent: takes what that is
 * before there is another one.  Returns NGX_OK, or NGX_DECLINED where there
 * may be none.
 */
ngx_int_t ngx_http_genai_limits_again(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/*
 * Adds what is left of the tightest limits to an answer's head, and of which
 * the part "warn" is reached.
 */
ngx_int_t ngx_http_genai_limits_headers(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);


/* ngx_http_genai_limit_directive.c: genai_limit */

/*
 * Adds the limits of the location to n holds; see genai_policy_holds() about
 * what is set of each, and what is returned.  NGX_HTTP_GENAI_HOLDS_FAILED: a
 * key cannot be had, there is no memory.
 *
 * Before the lease what keys are made of is forgotten at once: of variables
 * that nginx keeps, some are not final then.
 */
#define NGX_HTTP_GENAI_HOLDS_FAILED  (GENAI_HOLDS_MAX + 2)

unsigned ngx_http_genai_limits_here(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, const genai_str_t *model, genai_hold_t *holds,
    unsigned n);


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

/*
 * Renders the body alone, as it is edited: for a target, or for none.
 * Returns NGX_OK with *out and its length in bytes, or NGX_ERROR.
 */
ngx_int_t ngx_http_genai_render_body(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_target_t *target,
    ngx_chain_t **out, off_t *length);


/* ngx_http_genai_upstream.c: the content handler, nginx's upstream hooks */

ngx_int_t ngx_http_genai_pass_handler(ngx_http_request_t *r);

/* Appends bytes to what goes to the client; NULL when out of memory. */
ngx_buf_t *ngx_http_genai_output_buf(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, u_char *pos, u_char *last);


/* ngx_http_genai_answer.c: the head of a provider's answer */

ngx_int_t ngx_http_genai_process_status_line(ngx_http_request_t *r);

/* What an answer is by its Content-Type, and whether anyone can read it. */
void ngx_http_genai_answer_type(ngx_http_genai_ctx_t *ctx, ngx_str_t *type);
void ngx_http_genai_answer_coding(ngx_http_genai_ctx_t *ctx,
    ngx_str_t *coding);

/* Whether its events mean something: it is one of the client's dialect. */
ngx_uint_t ngx_http_genai_answer_read(ngx_http_genai_ctx_t *ctx);

/*
 * Whether the end of the connection is the end of the answer: a provider
 * that has died then looks like one that is done.
 */
ngx_uint_t ngx_http_genai_answer_closed(ngx_http_request_t *r);


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

/* Whether one could follow, should the current attempt fail so. */
ngx_uint_t ngx_http_genai_group_may_move(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_uint_t wanted);


/* ngx_http_genai_filter.c */

ngx_int_t ngx_http_genai_filter_init(ngx_conf_t *cf);


/* ngx_http_genai_window.c: what a provider says before it is believed */

/*
 * The head of an answer is accepted.  Where the exchange may still move on,
 * its body is held until it is known to be worth passing.
 *
 * Returns as process_header does: NGX_OK to pass the answer on, NGX_AGAIN to
 * wait for more of it, NGX_HTTP_UPSTREAM_INVALID_HEADER when it has failed.
 */
ngx_int_t ngx_http_genai_window_open(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/* Hands what was held to nginx as the beginning of the body. */
ngx_int_t ngx_http_genai_window_commit(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/* Forgets what was held: the attempt is over. */
void ngx_http_genai_window_close(ngx_http_genai_ctx_t *ctx);


/* ngx_http_genai_deadline.c: one timer for all deadlines that are ours */

/* The exchange, or one attempt of it, begins. */
void ngx_http_genai_deadline_start(ngx_http_genai_ctx_t *ctx);
void ngx_http_genai_deadline_attempt(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/* The first token is there: that deadline no longer applies. */
void ngx_http_genai_deadline_token(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/* Whether the answer waits for its client: that time is not the provider's. */
void ngx_http_genai_deadline_client(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_uint_t slow);

/* Whether no attempt may begin any more. */
ngx_uint_t ngx_http_genai_deadline_over(ngx_http_genai_ctx_t *ctx);

void ngx_http_genai_deadline_stop(ngx_http_genai_ctx_t *ctx);


/* ngx_http_genai_output.c: the body filter of an answer that is read */

/*
 * Decodes a provider's answer, meters it, and passes it on: its bytes as they
 * are, but for what nobody asked for.  in may be NULL.  Returns as a body
 * filter; next is the filter behind ours.
 */
ngx_int_t ngx_http_genai_output_filter(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_chain_t *in,
    ngx_http_output_body_filter_pt next);

/* Forgets what is known of the answer: the exchange is over. */
void ngx_http_genai_output_close(ngx_http_genai_ctx_t *ctx);


/* ngx_http_genai_variables.c */

ngx_int_t ngx_http_genai_add_variables(ngx_conf_t *cf);

/* Writes ns as seconds with microseconds; returns the end. */
#define NGX_HTTP_GENAI_SECONDS_LEN  (NGX_INT64_LEN + sizeof(".000000"))

u_char *ngx_http_genai_seconds(u_char *p, uint64_t ns);


#endif /* _NGX_HTTP_GENAI_H_INCLUDED_ */
