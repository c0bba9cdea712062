/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The map of the module: the functions that files offer each other, file by
 * file in the order of the pipeline.  What one exchange knows is in
 * ngx_http_genai_ctx.h, what is configured in ngx_http_genai_conf.h, what
 * processes share in ngx_http_genai_state.h.
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


#include "ngx_http_genai_ctx.h"


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

/* The head's type is that of streams in the client's dialect. */
void ngx_http_genai_stream_type(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

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


/* ngx_http_genai_multipart.c: a body with parts */

/*
 * Looks at what the head says that the body is, before it is read.  Returns
 * as a stage.
 */
ngx_http_genai_verdict_e ngx_http_genai_multipart_type(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/* Reads it: ctx->model_sent, stream_asked, meter.  Returns as a stage. */
ngx_http_genai_verdict_e ngx_http_genai_multipart_parse(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/*
 * The body as that target gets it; see ngx_http_genai_render_body(), which
 * calls it.
 */
ngx_int_t ngx_http_genai_multipart_render(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_target_t *target,
    ngx_chain_t **out, off_t *length);


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

/*
 * A redirect has led here from a location that may have sent the request: what
 * that can be billed for is booked, before what is known of it is forgotten.
 */
void ngx_http_genai_redirected(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

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

/*
 * The endpoint that the path means, or NULL; sets the client's dialect, which
 * is OpenAI's where nothing is recognised, and the id of .../models/ID.
 */
const genai_endpoint_t *ngx_http_genai_recognise(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

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

/* What was counted for a target of the entry; NULL where nothing was. */
ngx_http_genai_count_t *ngx_http_genai_count_of(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target);

/* An attempt at that target begins: its tokens are those of the meter. */
void ngx_http_genai_count_attempt(ngx_http_genai_ctx_t *ctx,
    ngx_uint_t target);

/* Counts what an event of the answer says. */
void ngx_http_genai_count_event(ngx_http_genai_ctx_t *ctx, genai_event_t *e);

/* Tells the meter what was said so far; end: that was all. */
void ngx_http_genai_count_said(ngx_http_genai_ctx_t *ctx, ngx_uint_t end);

/*
 * The tokens of what was said so far: what they hardly ever exceed, and what
 * is likely; now: as if it ended here, which takes counting what is open.
 */
uint64_t ngx_http_genai_count_said_bound(ngx_http_genai_ctx_t *ctx,
    ngx_uint_t now, uint64_t *likely);

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


/* ngx_http_genai_models.c: GET .../models, answered by the gateway */

ngx_http_genai_verdict_e ngx_http_genai_models(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);


/* bytes of a name in x-genai-dropped */
#define NGX_HTTP_GENAI_DROPPED_NAME  64

/* ngx_http_genai_stored.c */

/*
 * Whether what the request refers to is the caller's, at any provider of the
 * model: a part of authorize.  Returns NEXT or REFUSED.
 */
ngx_http_genai_verdict_e ngx_http_genai_stored(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/* Whether that provider has all of it; p is NULL inline. */
ngx_uint_t ngx_http_genai_stored_at(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_provider_t *p);

/* Notes what the provider of the answer keeps. */
void ngx_http_genai_stored_event(ngx_http_genai_ctx_t *ctx, genai_event_t *e);


/* ngx_http_genai_translate.c */

/*
 * The dialect in which a provider gets the request: the client's where it
 * speaks that; else the first of its own that can carry the endpoint.  NULL
 * where none can.
 */
const genai_dialect_t *ngx_http_genai_spoken(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_provider_t *p);

/*
 * Where it is large, and there are threads, makes the body for a target before
 * it is asked for: parks.
 */
ngx_http_genai_verdict_e ngx_http_genai_translate_ahead(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_target_t *target);

/*
 * Whether what is asked can be said in a dialect of the target: NGX_OK;
 * NGX_DECLINED where it cannot; or NGX_ERROR.
 */
ngx_int_t ngx_http_genai_translatable(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target);

/*
 * Makes the body for a target in ctx->spoken.  Returns NGX_OK with *body, of
 * the request's arena, and ctx->dropped set; NGX_DECLINED where it cannot be
 * said in that dialect, with ctx->message set; or NGX_ERROR.
 */
ngx_int_t ngx_http_genai_translate(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_target_t *target,
    ngx_str_t *body);


/* ngx_http_genai_quirks.c */

/* Those of the server that a target is asked of, or NULL. */
const genai_quirks_t *ngx_http_genai_quirks_of(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target);

/* Whether its streams are not to be asked for their usage: 1 or 0. */
ngx_uint_t ngx_http_genai_quirks_untold(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target);

/* Whether that version of Azure refuses to be asked: 1 or 0. */
ngx_uint_t ngx_http_genai_quirks_old(ngx_str_t *version);

/* Whether a model is one of those that OpenAI caps by another field: 1 or 0. */
ngx_uint_t ngx_http_genai_quirks_newer(const genai_catalog_model_t *model);

/*
 * Adds the edits of a target's quirks to ctx->target_edits.  Returns NGX_OK;
 * NGX_DECLINED where this target cannot be asked it, with ctx->message set; or
 * NGX_ERROR when out of memory.
 */
ngx_int_t ngx_http_genai_quirks_edit(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_target_t *target);

/*
 * Adds to the names that x-genai-dropped has.  Returns NGX_OK, or NGX_ERROR
 * when out of memory.
 */
ngx_int_t ngx_http_genai_dropped(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, const genai_str_t *names, ngx_uint_t n);


/* ngx_http_genai_betas.c */

/*
 * Finds out what of a client's "anthropic-beta" a provider gets: sets
 * ctx->betas_cut and ctx->betas, and adds to ctx->dropped.  Returns NGX_OK, or
 * NGX_ERROR when out of memory.
 */
ngx_int_t ngx_http_genai_betas_cut(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_provider_t *p);

/* Whether that header is one of "anthropic-beta": 1 or 0. */
ngx_uint_t ngx_http_genai_betas_named(ngx_table_elt_t *h);


/* ngx_http_genai_sign.c: requests that are signed with keys of AWS */

/* bytes of the header lines of a signature, without a session's token */
#define NGX_HTTP_GENAI_SIGN_SIZE                                              \
    (sizeof("X-Amz-Date: " CRLF "X-Amz-Security-Token: " CRLF                 \
            "Authorization: " CRLF)                                           \
     + GENAI_SIGV4_DATE + GENAI_SIGV4_MAX)

/*
 * Hashes large bodies before targets are asked, each as its target gets it, in
 * a thread or in turns: parks.
 */
ngx_http_genai_verdict_e ngx_http_genai_sign_ahead(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/* What was hashed for a target, or NULL. */
u_char *ngx_http_genai_sign_known(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target);

/*
 * Writes the header lines of a request to ctx->path, whose body's digest is
 * ctx->content, or made of body where that is NULL.  Returns the end of them.
 */
u_char *ngx_http_genai_sign(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_provider_t *p, ngx_http_genai_secret_t *secret,
    ngx_chain_t *body, u_char *dst);


/* ngx_http_genai_render.c */

/*
 * Renders the request for a target: request line, headers, and the client's
 * body as slices, or what it was translated to.  Every buffer is in memory
 * with start == pos, as nginx's retries need.  Returns NGX_OK with *out;
 * NGX_DECLINED where this target cannot be asked it, with ctx->message set; or
 * NGX_ERROR when out of memory.
 */
ngx_int_t ngx_http_genai_render(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_target_t *target,
    ngx_chain_t **out);

/*
 * The path that a target is asked at, encoded, in *path.  Returns NGX_OK or
 * NGX_ERROR.
 */
ngx_int_t ngx_http_genai_render_path(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_target_t *target,
    ngx_str_t *path);

/*
 * The head of the request for a target, whose body that is, or NULL when out
 * of memory.
 */
ngx_buf_t *ngx_http_genai_render_head(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_target_t *target,
    ngx_chain_t *body, off_t content_length);

/*
 * The version that the path to a provider says: its own, else that of a client
 * who says one in the same way, else the dialect's; or "" where paths say none.
 * Returns NGX_OK; or NGX_DECLINED, with ctx->message set, where what the client
 * says is none.
 */
ngx_int_t ngx_http_genai_render_version(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_provider_t *p,
    ngx_str_t *version);

/*
 * Renders the body alone, as it is edited: for a target, or for none.
 * Returns NGX_OK with *out and its length in bytes, or NGX_ERROR.
 */
ngx_int_t ngx_http_genai_render_body(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_target_t *target,
    ngx_chain_t **out, off_t *length);

/*
 * Appends bytes as a buffer of r's, where there are any; they must stay.
 * Returns where the next one goes, or NULL when out of memory.
 */
ngx_chain_t **ngx_http_genai_render_slice(ngx_http_request_t *r,
    ngx_chain_t **last, u_char *start, size_t len);


/* ngx_http_genai_upstream.c: the content handler, nginx's upstream hooks */

ngx_int_t ngx_http_genai_pass_handler(ngx_http_request_t *r);

/* Appends bytes to what goes to the client; NULL when out of memory. */
ngx_buf_t *ngx_http_genai_output_buf(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, u_char *pos, u_char *last);


/*
 * ngx_http_genai_filter.c: sends the head of an answer that was held, as one
 * of ctx->status with a JSON body of len bytes.  Returns NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_genai_send_head(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, off_t len);


/* ngx_http_genai_answer.c: the head of a provider's answer */

ngx_int_t ngx_http_genai_process_status_line(ngx_http_request_t *r);

/* What an answer is by its Content-Type, and whether anyone can read it. */
void ngx_http_genai_answer_type(ngx_http_genai_ctx_t *ctx, ngx_str_t *type);
void ngx_http_genai_answer_coding(ngx_http_genai_ctx_t *ctx,
    ngx_str_t *coding);

/* Whether its events mean something: it is one of the client's dialect. */
ngx_uint_t ngx_http_genai_answer_read(ngx_http_genai_ctx_t *ctx);

/*
 * The same of its head alone, whatever its status: sound and subtitles have
 * none.
 */
ngx_uint_t ngx_http_genai_answer_told(ngx_http_genai_ctx_t *ctx);

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

/*
 * Sends what is no part of the answer, behind what went out of it, or is held:
 * then a stream has begun.
 */
ngx_int_t ngx_http_genai_send_ping(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_chain_t *out);


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

/*
 * Whether all that has come of a stream went out, or is held together with its
 * head, and no event is begun.
 */
ngx_uint_t ngx_http_genai_output_between(ngx_http_genai_ctx_t *ctx);

/*
 * Sends the head of a stream that was held, and what was held with it.
 * Returns as a body filter.
 */
ngx_int_t ngx_http_genai_output_begin(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_output_body_filter_pt next);


/* ngx_http_genai_ping.c: keep-alives while a stream's provider is silent */

/*
 * The head of a stream of events goes to the client: begins, where the model
 * has "sse_ping".  Returns NGX_OK, or NGX_ERROR when out of memory.
 */
ngx_int_t ngx_http_genai_ping_start(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);

/* The provider has said something. */
void ngx_http_genai_ping_heard(ngx_http_genai_ctx_t *ctx);

/* No more of them; without effect where there were none. */
void ngx_http_genai_ping_stop(ngx_http_genai_ctx_t *ctx);


/* ngx_http_genai_variables.c */

ngx_int_t ngx_http_genai_add_variables(ngx_conf_t *cf);

/* Writes ns as seconds with microseconds; returns the end. */
#define NGX_HTTP_GENAI_SECONDS_LEN  (NGX_INT64_LEN + sizeof(".000000"))

u_char *ngx_http_genai_seconds(u_char *p, uint64_t ns);


#endif /* _NGX_HTTP_GENAI_H_INCLUDED_ */
