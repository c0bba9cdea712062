
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the files about limits share.
 */


#ifndef _NGX_HTTP_GENAI_LIMIT_INT_H_INCLUDED_
#define _NGX_HTTP_GENAI_LIMIT_INT_H_INCLUDED_


#include "ngx_http_genai.h"


/*
 * Tokens of answers that a stream takes at a time: so much of a budget may be
 * left when another one is refused.
 */
#define NGX_HTTP_GENAI_SLICE  512


/* room for what genai_limit_write() writes */
#define NGX_HTTP_GENAI_LIMIT_TEXT  (GENAI_LIMIT_TEXT + GENAI_POLICY_TEXT_MAX)


/* nano-dollars of a model without a price: more than any limit may have */
#define NGX_HTTP_GENAI_LIMIT_UNKNOWN  ((uint64_t) 1 << 63)


/* Tokens that all answers together can come to. */
static ngx_inline uint64_t
ngx_http_genai_limits_most(const ngx_http_genai_reach_t *reach)
{
    return (reach->cap + reach->end) * reach->choices;
}

/*
 * Whether a target, NULL for the one inline, can be told how long an answer
 * may be: not where both fields are dropped.
 */
ngx_uint_t ngx_http_genai_limits_tells(ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_target_t *target);

/*
 * What each of the limits is to be taken, by ctx->reach.  Returns whether the
 * answer's length counts for any of them.
 */
ngx_uint_t ngx_http_genai_limits_takes(ngx_http_genai_ctx_t *ctx,
    genai_hold_t *holds, ngx_uint_t n);

/* The most tokens that a model, or NULL, answers with to such a prompt. */
uint64_t ngx_http_genai_limits_output(const genai_catalog_model_t *model,
    uint64_t prompt);

/*
 * Refuses for the limits that are tight, with the message and headers of the
 * one that is so for longest.
 */
ngx_http_genai_verdict_e ngx_http_genai_limits_refuse(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, genai_hold_t *holds, ngx_uint_t n);

/*
 * Tells of what a shadow lets pass, and of a part that is reached, in the log
 * and in metrics: of holds that were just taken.
 */
void ngx_http_genai_limits_watch(ngx_http_request_t *r, genai_hold_t *holds,
    ngx_uint_t n);

/*
 * The lease goes on with these holds: what it has of other limits is settled
 * at what was spent so far, if anything was.
 */
void ngx_http_genai_forgo(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    genai_hold_t *holds, ngx_uint_t n);


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


#endif /* _NGX_HTTP_GENAI_LIMIT_INT_H_INCLUDED_ */
