
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The head of a provider's answer: read strictly, reduced to the headers
 * that a client may see, and judged.
 *
 * A head that two readers could frame in two ways is no answer: a length
 * beside a coding, two lengths, a coding other than chunked (RFC 9112, 6.1
 * and 6.3).  Interim answers are skipped.
 */


#include "ngx_http_genai.h"


#define NGX_HTTP_GENAI_INTERIM_MAX  16


typedef enum {
    NGX_HTTP_GENAI_LINE_DROP = 0,
    NGX_HTTP_GENAI_LINE_PASS,
    NGX_HTTP_GENAI_LINE_OTHER,      /* passes where the target is exposed */
    NGX_HTTP_GENAI_LINE_LIMIT,      /* passes under another name */
    NGX_HTTP_GENAI_LINE_TYPE,
    NGX_HTTP_GENAI_LINE_CODED,
    NGX_HTTP_GENAI_LINE_LENGTH,
    NGX_HTTP_GENAI_LINE_CODING,
    NGX_HTTP_GENAI_LINE_CONNECTION,
    NGX_HTTP_GENAI_LINE_RETRY
} ngx_http_genai_line_e;


typedef struct {
    ngx_str_t               name;       /* lower case; a "*" ends a prefix */
    ngx_http_genai_line_e   line;
} ngx_http_genai_line_t;


static ngx_int_t ngx_http_genai_process_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_genai_process_line(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_str_t *name, ngx_str_t *value);
static ngx_http_genai_line_t *ngx_http_genai_find_line(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_int_t ngx_http_genai_keep_line(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *value, size_t skip);
static ngx_int_t ngx_http_genai_head_done(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_interim(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_judge(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx);
static ngx_int_t ngx_http_genai_fail(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, genai_error_e error, const char *why);


static ngx_str_t  ngx_http_genai_limit_prefix =
    ngx_string("x-genai-provider-ratelimit-");


static ngx_http_genai_line_t  ngx_http_genai_other_line =
    { ngx_null_string, NGX_HTTP_GENAI_LINE_OTHER };


/* by their first letters, as a provider may send dozens of lines */

static ngx_http_genai_line_t  ngx_http_genai_lines_a[] = {
    { ngx_string("anthropic-ratelimit-*"), NGX_HTTP_GENAI_LINE_LIMIT },
    { ngx_string("alt-svc"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_string("accept-ranges"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_null_string, NGX_HTTP_GENAI_LINE_OTHER }
};

static ngx_http_genai_line_t  ngx_http_genai_lines_c[] = {
    { ngx_string("content-type"), NGX_HTTP_GENAI_LINE_TYPE },
    { ngx_string("content-length"), NGX_HTTP_GENAI_LINE_LENGTH },
    { ngx_string("connection"), NGX_HTTP_GENAI_LINE_CONNECTION },
    { ngx_string("content-encoding"), NGX_HTTP_GENAI_LINE_CODED },
    { ngx_string("content-range"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_null_string, NGX_HTTP_GENAI_LINE_OTHER }
};

static ngx_http_genai_line_t  ngx_http_genai_lines_d[] = {
    { ngx_string("date"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_null_string, NGX_HTTP_GENAI_LINE_OTHER }
};

static ngx_http_genai_line_t  ngx_http_genai_lines_e[] = {
    { ngx_string("etag"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_null_string, NGX_HTTP_GENAI_LINE_OTHER }
};

static ngx_http_genai_line_t  ngx_http_genai_lines_k[] = {
    { ngx_string("keep-alive"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_null_string, NGX_HTTP_GENAI_LINE_OTHER }
};

static ngx_http_genai_line_t  ngx_http_genai_lines_l[] = {
    { ngx_string("location"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_string("last-modified"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_null_string, NGX_HTTP_GENAI_LINE_OTHER }
};

static ngx_http_genai_line_t  ngx_http_genai_lines_p[] = {
    { ngx_string("proxy-*"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_null_string, NGX_HTTP_GENAI_LINE_OTHER }
};

static ngx_http_genai_line_t  ngx_http_genai_lines_r[] = {
    { ngx_string("retry-after"), NGX_HTTP_GENAI_LINE_RETRY },
    { ngx_string("retry-after-ms"), NGX_HTTP_GENAI_LINE_PASS },
    { ngx_string("request-id"), NGX_HTTP_GENAI_LINE_PASS },
    { ngx_string("refresh"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_null_string, NGX_HTTP_GENAI_LINE_OTHER }
};

static ngx_http_genai_line_t  ngx_http_genai_lines_s[] = {
    { ngx_string("server"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_string("set-cookie*"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_string("server-timing"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_string("strict-transport-security"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_null_string, NGX_HTTP_GENAI_LINE_OTHER }
};

static ngx_http_genai_line_t  ngx_http_genai_lines_t[] = {
    { ngx_string("transfer-encoding"), NGX_HTTP_GENAI_LINE_CODING },
    { ngx_string("te"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_string("trailer"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_null_string, NGX_HTTP_GENAI_LINE_OTHER }
};

static ngx_http_genai_line_t  ngx_http_genai_lines_u[] = {
    { ngx_string("upgrade"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_null_string, NGX_HTTP_GENAI_LINE_OTHER }
};

static ngx_http_genai_line_t  ngx_http_genai_lines_w[] = {
    { ngx_string("www-authenticate"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_null_string, NGX_HTTP_GENAI_LINE_OTHER }
};

static ngx_http_genai_line_t  ngx_http_genai_lines_x[] = {
    { ngx_string("x-request-id"), NGX_HTTP_GENAI_LINE_PASS },
    { ngx_string("x-amzn-requestid"), NGX_HTTP_GENAI_LINE_PASS },
    { ngx_string("x-amzn-errortype"), NGX_HTTP_GENAI_LINE_PASS },
    { ngx_string("x-should-retry"), NGX_HTTP_GENAI_LINE_PASS },
    { ngx_string("x-ratelimit-*"), NGX_HTTP_GENAI_LINE_LIMIT },
    { ngx_string("x-accel-*"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_string("x-genai-*"), NGX_HTTP_GENAI_LINE_DROP },
    { ngx_null_string, NGX_HTTP_GENAI_LINE_OTHER }
};

static ngx_http_genai_line_t  *ngx_http_genai_lines[26] = {
    ['a' - 'a'] = ngx_http_genai_lines_a,
    ['c' - 'a'] = ngx_http_genai_lines_c,
    ['d' - 'a'] = ngx_http_genai_lines_d,
    ['e' - 'a'] = ngx_http_genai_lines_e,
    ['k' - 'a'] = ngx_http_genai_lines_k,
    ['l' - 'a'] = ngx_http_genai_lines_l,
    ['p' - 'a'] = ngx_http_genai_lines_p,
    ['r' - 'a'] = ngx_http_genai_lines_r,
    ['s' - 'a'] = ngx_http_genai_lines_s,
    ['t' - 'a'] = ngx_http_genai_lines_t,
    ['u' - 'a'] = ngx_http_genai_lines_u,
    ['w' - 'a'] = ngx_http_genai_lines_w,
    ['x' - 'a'] = ngx_http_genai_lines_x
};


ngx_int_t
ngx_http_genai_process_status_line(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_http_upstream_t   *u;
    ngx_http_genai_ctx_t  *ctx;

    u = r->upstream;
    ctx = ngx_http_genai_get_ctx(r);

    rc = ngx_http_parse_status_line(r, &u->buffer, &ctx->status_line);

    if (rc == NGX_AGAIN) {
        return rc;
    }

    if (rc == NGX_ERROR || ctx->status_line.http_version < 1000
        || ctx->status_line.code < 100 || ctx->status_line.code > 599)
    {
        ngx_http_genai_step_begin(ctx);
        rc = ngx_http_genai_fail(r, ctx, GENAI_PROVIDER_BAD_ANSWER,
                                 "the provider does not speak HTTP/1.1");
        ngx_http_genai_step_end(ctx);
        return rc;
    }

    if (!u->request_sent) {

        /* to whomever this is an answer, it is none to our request */

        ngx_http_genai_step_begin(ctx);
        rc = ngx_http_genai_fail(r, ctx, GENAI_PROVIDER_BAD_ANSWER,
                                 "the provider spoke before it was asked");
        ngx_http_genai_step_end(ctx);
        return rc;
    }

    u->headers_in.status_n = ctx->status_line.code;

    if (u->state && u->state->status == 0) {
        u->state->status = ctx->status_line.code;
    }

    if (ctx->status_line.http_version < NGX_HTTP_VERSION_11) {
        u->headers_in.connection_close = 1;
    }

    u->process_header = ngx_http_genai_process_header;

    return ngx_http_genai_process_header(r);
}


static ngx_int_t
ngx_http_genai_process_header(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_str_t              name, value;
    ngx_http_upstream_t   *u;
    ngx_http_genai_ctx_t  *ctx;

    u = r->upstream;
    ctx = ngx_http_genai_get_ctx(r);

    ngx_http_genai_step_begin(ctx);

    for ( ;; ) {

        rc = ngx_http_parse_header_line(r, &u->buffer, 1);

        if (rc == NGX_OK) {

            name.len = r->header_name_end - r->header_name_start;
            name.data = r->header_name_start;
            value.len = r->header_end - r->header_start;
            value.data = r->header_start;

            rc = ngx_http_genai_process_line(r, ctx, &name, &value);

            if (rc == NGX_OK) {
                continue;
            }

            break;
        }

        if (rc == NGX_HTTP_PARSE_HEADER_DONE) {
            rc = ngx_http_genai_head_done(r, ctx);
            break;
        }

        if (rc == NGX_AGAIN) {
            break;
        }

        rc = ngx_http_genai_fail(r, ctx, GENAI_PROVIDER_BAD_ANSWER,
                                 "the provider sent an invalid header");
        break;
    }

    ngx_http_genai_step_end(ctx);

    return rc;
}


static ngx_int_t
ngx_http_genai_process_line(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_str_t *name, ngx_str_t *value)
{
    ngx_http_upstream_t        *u;
    ngx_http_genai_line_t      *line;
    ngx_http_genai_loc_conf_t  *lcf;

    u = r->upstream;
    line = ngx_http_genai_find_line(r, name);

    switch (line->line) {

    case NGX_HTTP_GENAI_LINE_DROP:
        return NGX_OK;

    case NGX_HTTP_GENAI_LINE_OTHER:
        lcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_module);

        if (!(lcf->expose & NGX_HTTP_GENAI_EXPOSE_TARGET)) {
            return NGX_OK;
        }

        return ngx_http_genai_keep_line(r, name, value, 0);

    case NGX_HTTP_GENAI_LINE_PASS:
        return ngx_http_genai_keep_line(r, name, value, 0);

    case NGX_HTTP_GENAI_LINE_LIMIT:
        return ngx_http_genai_keep_line(r, name, value, line->name.len - 1);

    case NGX_HTTP_GENAI_LINE_RETRY:

        /* it stands in our own error too, where one takes its place */

        ctx->retry_after.data = ngx_pstrdup(r->pool, value);
        if (ctx->retry_after.data == NULL) {
            return NGX_ERROR;
        }

        ctx->retry_after.len = value->len;

        return NGX_OK;

    case NGX_HTTP_GENAI_LINE_CODED:

        /* bytes that we cannot read pass as they are */

        ngx_http_genai_answer_coding(ctx, value);

        return ngx_http_genai_keep_line(r, name, value, 0);

    case NGX_HTTP_GENAI_LINE_TYPE:

        if (ctx->type_seen) {
            return NGX_OK;
        }

        ctx->type_seen = 1;

        ngx_http_genai_answer_type(ctx, value);

        return ngx_http_genai_keep_line(r, name, value, 0);

    case NGX_HTTP_GENAI_LINE_LENGTH:

        if (ctx->cl_seen) {
            return ngx_http_genai_fail(r, ctx, GENAI_PROVIDER_BAD_ANSWER,
                                       "the provider sent two lengths");
        }

        ctx->cl_seen = 1;

        u->headers_in.content_length_n = ngx_atoof(value->data, value->len);

        if (u->headers_in.content_length_n == NGX_ERROR) {
            return ngx_http_genai_fail(r, ctx, GENAI_PROVIDER_BAD_ANSWER,
                                       "the provider sent an invalid length");
        }

        return NGX_OK;

    case NGX_HTTP_GENAI_LINE_CODING:

        if (ctx->te_seen
            || value->len != 7
            || ngx_strncasecmp(value->data, (u_char *) "chunked", 7) != 0)
        {
            return ngx_http_genai_fail(r, ctx, GENAI_PROVIDER_BAD_ANSWER,
                                       "the provider sent an unknown "
                                       "transfer coding");
        }

        ctx->te_seen = 1;
        u->headers_in.chunked = 1;

        return NGX_OK;

    case NGX_HTTP_GENAI_LINE_CONNECTION:

        if (ngx_strlcasestrn(value->data, value->data + value->len,
                             (u_char *) "close", 5 - 1))
        {
            u->headers_in.connection_close = 1;
        }

        return NGX_OK;
    }

    return NGX_OK;
}


void
ngx_http_genai_answer_type(ngx_http_genai_ctx_t *ctx, ngx_str_t *type)
{
    /* nearly all that is no stream */

    if (type->len == 16 && ngx_memcmp(type->data, "application/json", 16) == 0)
    {
        ctx->event_stream = 0;
        ctx->untyped = 0;
        ctx->json = 1;
        ctx->page = 0;
        return;
    }

    ctx->event_stream = (type->len >= 17
                         && ngx_strncasecmp(type->data,
                                       (u_char *) "text/event-stream", 17)
                            == 0)
                        || (type->len >= 34
                            && ngx_strncasecmp(type->data, (u_char *)
                                   "application/vnd.amazon.eventstream", 34)
                               == 0);

    /* application/problem+json is one too */

    ctx->json = (type->len >= 16
                 && ngx_strncasecmp(type->data,
                                    (u_char *) "application/json", 16)
                    == 0)
                || (type->len
                    && ngx_strlcasestrn(type->data, type->data + type->len,
                                        (u_char *) "json", 4 - 1)
                       != NULL);

    /* some send their errors so */

    ctx->untyped = (type->len == 24
                    && ngx_strncasecmp(type->data,
                                       (u_char *) "application/octet-stream",
                                       24)
                       == 0);

    ctx->page = (type->len >= 9
                 && ngx_strncasecmp(type->data, (u_char *) "text/html", 9)
                    == 0);
}


/* of several codings any that is one counts */

void
ngx_http_genai_answer_coding(ngx_http_genai_ctx_t *ctx, ngx_str_t *coding)
{
    ctx->coded |= (coding->len
                   && (coding->len != 8
                       || ngx_strncasecmp(coding->data,
                                          (u_char *) "identity", 8)
                          != 0));
}


ngx_uint_t
ngx_http_genai_answer_read(ngx_http_genai_ctx_t *ctx)
{
    return ctx->status == NGX_HTTP_OK
           && ctx->endpoint && ngx_http_genai_answer_told(ctx);
}


ngx_uint_t
ngx_http_genai_answer_told(ngx_http_genai_ctx_t *ctx)
{
    switch (ctx->endpoint->body) {

    case GENAI_BODY_JSON:
    case GENAI_BODY_MULTIPART:
        return ctx->json || ctx->event_stream
               || ctx->endpoint->endpoint != GENAI_ENDPOINT_AUDIO;

    default:
        return 0;
    }
}


ngx_uint_t
ngx_http_genai_answer_closed(ngx_http_request_t *r)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    return u && !u->headers_in.chunked && u->headers_in.content_length_n == -1;
}


static ngx_http_genai_line_t *
ngx_http_genai_find_line(ngx_http_request_t *r, ngx_str_t *name)
{
    u_char                 *low, begin[NGX_HTTP_LC_HEADER_LEN];
    size_t                  len;
    ngx_http_genai_line_t  *line;

    low = r->lowcase_header;

    if (name->len != r->lowcase_index) {

        /* nginx has not kept all of it, our names are shorter than this */

        low = begin;
        ngx_strlow(low, name->data, ngx_min(name->len, sizeof(begin)));
    }

    if (name->len == 0 || low[0] < 'a' || low[0] > 'z'
        || ngx_http_genai_lines[low[0] - 'a'] == NULL)
    {
        return &ngx_http_genai_other_line;
    }

    line = ngx_http_genai_lines[low[0] - 'a'];

    for ( /* void */ ; line->name.len; line++) {

        len = line->name.len;

        if (line->name.data[len - 1] == '*') {

            if (name->len < --len) {
                continue;
            }

        } else if (name->len != len) {
            continue;
        }

        if (genai_same(low, line->name.data, len)) {
            break;
        }
    }

    return line;
}


/*
 * Keeps a line for the client; where skip is not 0 its name's first skip
 * bytes give way to the prefix that tells the provider's limits from ours.
 */

static ngx_int_t
ngx_http_genai_keep_line(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value, size_t skip)
{
    u_char           *p;
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->upstream->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_http_genai_end_header(h);

    h->key.len = name->len - skip;
    h->key.len += skip ? ngx_http_genai_limit_prefix.len : 0;
    h->value.len = value->len;

    p = ngx_pnalloc(r->pool, 2 * (h->key.len + 1) + h->value.len + 1);
    if (p == NULL) {
        h->hash = 0;
        return NGX_ERROR;
    }

    h->key.data = p;

    if (skip) {
        p = ngx_cpymem(p, ngx_http_genai_limit_prefix.data,
                       ngx_http_genai_limit_prefix.len);
    }

    p = ngx_cpymem(p, name->data + skip, name->len - skip);
    *p++ = '\0';

    h->value.data = p;
    p = ngx_cpymem(p, value->data, value->len);
    *p++ = '\0';

    h->lowcase_key = p;
    p[h->key.len] = '\0';

    if (h->key.len == r->lowcase_index && skip == 0) {
        ngx_memcpy(p, r->lowcase_header, h->key.len);
        h->hash = r->header_hash;

        return NGX_OK;
    }

    ngx_strlow(p, h->key.data, h->key.len);
    h->hash = ngx_hash_key(p, h->key.len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_head_done(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (u->headers_in.status_n < 200) {
        return ngx_http_genai_interim(r, ctx);
    }

    if (ctx->te_seen && ctx->cl_seen) {
        return ngx_http_genai_fail(r, ctx, GENAI_PROVIDER_BAD_ANSWER,
                                   "the provider sent a length and a "
                                   "transfer coding");
    }

    return ngx_http_genai_judge(r, ctx);
}


/* 1xx: begins anew behind it, in what is left of the same buffer */

static ngx_int_t
ngx_http_genai_interim(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    size_t                n;
    ngx_uint_t            interim;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    interim = ctx->interim + 1;

    if (u->headers_in.status_n == NGX_HTTP_SWITCHING_PROTOCOLS
        || interim > NGX_HTTP_GENAI_INTERIM_MAX)
    {
        return ngx_http_genai_fail(r, ctx, GENAI_PROVIDER_BAD_ANSWER,
                                   "the provider sent no final answer");
    }

    ngx_memzero(&u->headers_in, sizeof(ngx_http_upstream_headers_in_t));
    u->headers_in.content_length_n = -1;
    u->headers_in.last_modified_time = -1;

    if (ngx_list_init(&u->headers_in.headers, r->pool, 8,
                      sizeof(ngx_table_elt_t))
        != NGX_OK
        || ngx_list_init(&u->headers_in.trailers, r->pool, 2,
                         sizeof(ngx_table_elt_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (u->state) {
        u->state->status = 0;
    }

    n = u->buffer.last - u->buffer.pos;
    ngx_memmove(u->buffer.start, u->buffer.pos, n);
    u->buffer.pos = u->buffer.start;
    u->buffer.last = u->buffer.start + n;

    (void) u->reinit_request(r);

    ctx->interim = interim;

    return n ? ngx_http_genai_process_status_line(r) : NGX_AGAIN;
}


/*
 * Decides what becomes of an answer: it passes, or is held as long as it may
 * still fail, or another target is tried, or we make one of our own.
 */

static ngx_int_t
ngx_http_genai_judge(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_int_t             rc;
    ngx_uint_t            status, wanted;
    genai_error_e         error;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    status = u->headers_in.status_n;
    error = genai_error_of_provider(status);

    wanted = 0;

    if (status == NGX_HTTP_TOO_MANY_REQUESTS) {
        wanted = NGX_HTTP_GENAI_NEXT_HTTP_429;

    } else if (status >= 500) {
        wanted = NGX_HTTP_GENAI_NEXT_HTTP_5XX;
    }

    ctx->failure_status = status;
    ctx->meter.refused = (status != NGX_HTTP_OK);

    if (wanted && ngx_http_genai_group_move_on(r, ctx, wanted)) {
        ctx->failure = error;
        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }

    /* the credential is ours, its trouble must not look like the client's */

    if (error == GENAI_PROVIDER_REFUSED) {

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "genai provider \"%V\" refused its credential with %ui",
                      &ctx->target->provider->name, status);

        return ngx_http_genai_fail(r, ctx, error,
                                   "the provider refused the gateway");
    }

    if (ctx->endpoint->body != GENAI_BODY_OPAQUE
        && !ctx->json && !ctx->event_stream
        && (status < 400 || !ctx->untyped)
        && (ctx->page || status != NGX_HTTP_OK
            || ngx_http_genai_answer_told(ctx)))
    {
        ctx->meter.refused = 1;

        rc = ngx_http_genai_fail(r, ctx, (error == GENAI_OK)
                                         ? GENAI_PROVIDER_BAD_ANSWER : error,
                                 "the provider did not answer with JSON");

        if (status >= 400 && status < 500) {

            /* it is for good, clients must not try again */

            ctx->status = status;
        }

        return rc;
    }

    if (ctx->coded && ctx->spoken != ctx->dialect) {
        return ngx_http_genai_fail(r, ctx, GENAI_PROVIDER_BAD_ANSWER,
                                   "the provider sent a coded answer, which "
                                   "cannot be translated");
    }

    if (status >= 300 && status < 400) {
        return ngx_http_genai_fail(r, ctx, GENAI_PROVIDER_BAD_ANSWER,
                                   "the provider answered with a redirect");
    }

    return ngx_http_genai_window_open(r, ctx);
}


/* the attempt has failed and no other follows: the answer will be ours */

static ngx_int_t
ngx_http_genai_fail(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    genai_error_e error, const char *why)
{
    ngx_uint_t  status;

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "genai target \"%V\": %s", &ctx->target->name, why);

    /* another target may know better, unless the request is at fault */

    status = r->upstream->headers_in.status_n;

    if (error == GENAI_PROVIDER_BAD_ANSWER
        && (status < 400 || status >= 500)
        && ngx_http_genai_group_move_on(r, ctx, NGX_HTTP_GENAI_NEXT_ERROR))
    {
        ctx->failure = error;
        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }

    ctx->group.stopped = 1;

    ctx->failure = error;
    ctx->error = error;
    ctx->status = genai_error_status(error);

    ctx->message.data = (u_char *) why;
    ctx->message.len = ngx_strlen(why);

    return NGX_HTTP_UPSTREAM_INVALID_HEADER;
}
