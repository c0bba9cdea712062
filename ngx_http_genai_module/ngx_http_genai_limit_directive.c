
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * genai_limit: limits that nginx.conf says, of whatever a key is the value of.
 *
 * Each value of a key has a counter of its own.  Clients can make up values as
 * they like, so that the books know them by a keyed hash alone, and no text is
 * kept of them: what people see is the key as it is written.
 */


#include "ngx_http_genai_limit_int.h"


/* of one level, so that those of a policy have room beside them */
#define NGX_HTTP_GENAI_LIMITS_MAX  8

/* parameters that have an effect on some units only */
#define NGX_HTTP_GENAI_LIMIT_SHADOW      0x01
#define NGX_HTTP_GENAI_LIMIT_WARN        0x02
#define NGX_HTTP_GENAI_LIMIT_ON_SHORT    0x04
#define NGX_HTTP_GENAI_LIMIT_UNPRICED    0x08
#define NGX_HTTP_GENAI_LIMIT_PROMPT      0x10
#define NGX_HTTP_GENAI_LIMIT_CACHED      0x20
#define NGX_HTTP_GENAI_LIMIT_COMPLETION  0x40
#define NGX_HTTP_GENAI_LIMIT_REASONING   0x80
#define NGX_HTTP_GENAI_LIMIT_KEY         0x100

#define NGX_HTTP_GENAI_LIMIT_ALWAYS                                           \
    (NGX_HTTP_GENAI_LIMIT_KEY|NGX_HTTP_GENAI_LIMIT_SHADOW                     \
     |NGX_HTTP_GENAI_LIMIT_WARN)
#define NGX_HTTP_GENAI_LIMIT_OF_PROMPT                                        \
    (NGX_HTTP_GENAI_LIMIT_PROMPT|NGX_HTTP_GENAI_LIMIT_CACHED)
#define NGX_HTTP_GENAI_LIMIT_OF_COMPLETION                                    \
    (NGX_HTTP_GENAI_LIMIT_COMPLETION|NGX_HTTP_GENAI_LIMIT_REASONING           \
     |NGX_HTTP_GENAI_LIMIT_ON_SHORT)


/* weights are from 0 to 1000 */
#define NGX_HTTP_GENAI_LIMIT_WEIGHT_MAX  (1000 * GENAI_LIMIT_MILLION)


typedef struct {
    ngx_http_complex_value_t   key;
    ngx_str_t                  name;        /* the key as it is written */
    genai_limit_t              limit;

    /* of the key, and of the limit without its amount */
    uint64_t                   id[GENAI_BOOKS_COUNTER_ID / 8];

    u_char                    *file;        /* where it is configured */
    ngx_uint_t                 line;
} ngx_http_genai_limit_t;


typedef struct {
    ngx_str_t                  name;        /* with "=" where a value follows */
    ngx_uint_t                 parameter;
} ngx_http_genai_limit_parameter_t;


static ngx_http_genai_limit_parameter_t *ngx_http_genai_limit_parameter(
    ngx_str_t *arg);
static char *ngx_http_genai_limit_set(ngx_conf_t *cf,
    ngx_http_genai_limit_t *limit, ngx_uint_t parameter, ngx_str_t *arg,
    ngx_str_t *value);
static ngx_int_t ngx_http_genai_limit_millionths(ngx_str_t *value,
    ngx_int_t max, uint32_t *millionths);
static char *ngx_http_genai_limit_key(ngx_conf_t *cf,
    ngx_http_genai_limit_t *limit, ngx_str_t *value);
static char *ngx_http_genai_limit_text(ngx_conf_t *cf,
    ngx_http_genai_limit_t *limit, ngx_str_t *text);
static char *ngx_http_genai_limit_effect(ngx_conf_t *cf,
    ngx_http_genai_limit_t *limit, ngx_uint_t given);
static ngx_int_t ngx_http_genai_limit_name(ngx_conf_t *cf,
    ngx_http_genai_limit_t *limit);
static unsigned ngx_http_genai_limits_add(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx, ngx_http_genai_loc_conf_t *lcf,
    const genai_str_t *model, genai_hold_t *holds, unsigned n);


static ngx_http_genai_limit_parameter_t  ngx_http_genai_limit_parameters[] = {
    { ngx_string("key="), NGX_HTTP_GENAI_LIMIT_KEY },
    { ngx_string("shadow"), NGX_HTTP_GENAI_LIMIT_SHADOW },
    { ngx_string("warn="), NGX_HTTP_GENAI_LIMIT_WARN },
    { ngx_string("on_short="), NGX_HTTP_GENAI_LIMIT_ON_SHORT },
    { ngx_string("unpriced="), NGX_HTTP_GENAI_LIMIT_UNPRICED },
    { ngx_string("weight_prompt="), NGX_HTTP_GENAI_LIMIT_PROMPT },
    { ngx_string("weight_cached="), NGX_HTTP_GENAI_LIMIT_CACHED },
    { ngx_string("weight_completion="), NGX_HTTP_GENAI_LIMIT_COMPLETION },
    { ngx_string("weight_reasoning="), NGX_HTTP_GENAI_LIMIT_REASONING },
    { ngx_null_string, 0 }
};


/* what has an effect, in the order of genai_limit_unit_e */

static ngx_uint_t  ngx_http_genai_limit_effects[] = {
    NGX_HTTP_GENAI_LIMIT_ALWAYS,
    NGX_HTTP_GENAI_LIMIT_ALWAYS|NGX_HTTP_GENAI_LIMIT_OF_PROMPT
        |NGX_HTTP_GENAI_LIMIT_OF_COMPLETION,
    NGX_HTTP_GENAI_LIMIT_ALWAYS|NGX_HTTP_GENAI_LIMIT_OF_PROMPT,
    NGX_HTTP_GENAI_LIMIT_ALWAYS|NGX_HTTP_GENAI_LIMIT_OF_COMPLETION,
    NGX_HTTP_GENAI_LIMIT_ALWAYS|NGX_HTTP_GENAI_LIMIT_ON_SHORT
        |NGX_HTTP_GENAI_LIMIT_UNPRICED,
    NGX_HTTP_GENAI_LIMIT_ALWAYS
};


char *
ngx_http_genai_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_loc_conf_t *lcf = conf;

    char                              *rv;
    u_char                            *last;
    ngx_str_t                         *args, value, *text;
    ngx_uint_t                         i, given;
    ngx_http_genai_limit_t            *limit, stated, *limits;
    ngx_http_genai_limit_parameter_t  *p;

    args = cf->args->elts;
    text = NULL;
    given = 0;

    for (i = 1; i < cf->args->nelts; i++) {

        p = ngx_http_genai_limit_parameter(&args[i]);

        if (p == NULL) {

            /* a limit may have "=" in its pattern, behind a blank */

            last = args[i].data + args[i].len;

            if (text == NULL
                && (ngx_strlchr(args[i].data, last, '=') == NULL
                    || ngx_strlchr(args[i].data, last, ' ')))
            {
                text = &args[i];
                continue;
            }

            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" of genai_limit, which "
                               "takes \"key=VALUE\", one limit in quotes, as "
                               "in \"20k tokens/1m\", \"shadow\", \"warn=\", "
                               "\"on_short=\", \"unpriced=\", "
                               "\"weight_prompt=\", \"weight_cached=\", "
                               "\"weight_completion=\" and "
                               "\"weight_reasoning=\"", &args[i]);
            return NGX_CONF_ERROR;
        }

        if (given & p->parameter) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "parameter \"%V\" of genai_limit stands there "
                               "twice: remove one", &p->name);
            return NGX_CONF_ERROR;
        }

        given |= p->parameter;
    }

    if (!(given & NGX_HTTP_GENAI_LIMIT_KEY)) {
        return "needs a key, each value of which is counted by itself: write "
               "\"key=$binary_remote_addr\", or \"key=all\" for one counter";
    }

    if (text == NULL) {
        return "needs a limit in quotes, as in \"20k tokens/1m\"";
    }

    rv = ngx_http_genai_limit_text(cf, &stated, text);

    for (i = 1; rv == NGX_CONF_OK && i < cf->args->nelts; i++) {

        p = ngx_http_genai_limit_parameter(&args[i]);

        if (p) {
            value.len = args[i].len - p->name.len;
            value.data = args[i].data + p->name.len;

            rv = ngx_http_genai_limit_set(cf, &stated, p->parameter, &args[i],
                                          &value);
        }
    }

    if (rv == NGX_CONF_OK) {
        rv = ngx_http_genai_limit_effect(cf, &stated, given);
    }

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (ngx_http_genai_limit_name(cf, &stated) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (lcf->limits == NULL) {
        lcf->limits = ngx_array_create(cf->pool, 4,
                                       sizeof(ngx_http_genai_limit_t));
        if (lcf->limits == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    limits = lcf->limits->elts;

    for (i = 0; i < lcf->limits->nelts; i++) {
        if (ngx_memcmp(limits[i].id, stated.id, sizeof(stated.id)) == 0) {
            return "is duplicate: one of this key with this unit, window and "
                   "pattern stands here already, remove one of the two";
        }
    }

    if (lcf->limits->nelts == NGX_HTTP_GENAI_LIMITS_MAX) {
        return "stands here more than 8 times: remove some, or write limits "
               "into the policy";
    }

    limit = ngx_array_push(lcf->limits);
    if (limit == NULL) {
        return NGX_CONF_ERROR;
    }

    *limit = stated;

    limit->file = cf->conf_file->file.name.data;
    limit->line = cf->conf_file->line;

    return NGX_CONF_OK;
}


char *
ngx_http_genai_limit_merge(ngx_conf_t *cf, ngx_http_genai_loc_conf_t *prev,
    ngx_http_genai_loc_conf_t *conf)
{
    ngx_http_genai_limit_t    *limits;
    ngx_http_core_loc_conf_t  *clcf;

    if (conf->limits == NULL) {
        conf->limits = prev->limits;
        return NGX_CONF_OK;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (!conf->pass && !conf->inlined && clcf->name.len
        && clcf->locations == NULL)
    {
        limits = conf->limits->elts;

        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, limits[0].file,
                                  limits[0].line,
                                  "location \"%V\" has \"genai_limit\" but "
                                  "neither \"genai_pass\" nor \"genai on\", "
                                  "nothing would be counted: write one of them "
                                  "there, or limit_req", &clcf->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* NULL: it is none, the limit perhaps */

static ngx_http_genai_limit_parameter_t *
ngx_http_genai_limit_parameter(ngx_str_t *arg)
{
    ngx_http_genai_limit_parameter_t  *p;

    for (p = ngx_http_genai_limit_parameters; p->name.len; p++) {

        if (arg->len >= p->name.len
            && ngx_strncmp(arg->data, p->name.data, p->name.len) == 0
            && (arg->len == p->name.len
                || p->name.data[p->name.len - 1] == '='))
        {
            return p;
        }
    }

    return NULL;
}


static char *
ngx_http_genai_limit_set(ngx_conf_t *cf, ngx_http_genai_limit_t *limit,
    ngx_uint_t parameter, ngx_str_t *arg, ngx_str_t *value)
{
    uint32_t       *weight;
    genai_limit_t  *l = &limit->limit;

    switch (parameter) {

    case NGX_HTTP_GENAI_LIMIT_KEY:
        return ngx_http_genai_limit_key(cf, limit, value);

    case NGX_HTTP_GENAI_LIMIT_SHADOW:
        l->shadow = 1;
        return NGX_CONF_OK;

    case NGX_HTTP_GENAI_LIMIT_WARN:

        if (ngx_http_genai_limit_millionths(value, GENAI_LIMIT_MILLION,
                                            &l->warn)
            != NGX_OK
            || l->warn == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value in \"%V\" of genai_limit: write "
                               "a number above 0 and up to 1, as in "
                               "\"warn=0.8\"", arg);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;

    case NGX_HTTP_GENAI_LIMIT_ON_SHORT:
        l->clip = (ngx_strcmp(value->data, "clip") == 0);

        if (!l->clip && ngx_strcmp(value->data, "refuse") != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value in \"%V\" of genai_limit: write "
                               "\"on_short=clip\" or \"on_short=refuse\"",
                               arg);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;

    case NGX_HTTP_GENAI_LIMIT_UNPRICED:
        l->unpriced = (ngx_strcmp(value->data, "allow") == 0);

        if (!l->unpriced && ngx_strcmp(value->data, "refuse") != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value in \"%V\" of genai_limit: write "
                               "\"unpriced=allow\" or \"unpriced=refuse\"",
                               arg);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;

    case NGX_HTTP_GENAI_LIMIT_PROMPT:
        weight = &l->weight_prompt;
        break;

    case NGX_HTTP_GENAI_LIMIT_CACHED:
        weight = &l->weight_cached;
        break;

    case NGX_HTTP_GENAI_LIMIT_COMPLETION:
        weight = &l->weight_completion;
        break;

    default: /* NGX_HTTP_GENAI_LIMIT_REASONING */
        weight = &l->weight_reasoning;
        break;
    }

    if (ngx_http_genai_limit_millionths(value,
                                        NGX_HTTP_GENAI_LIMIT_WEIGHT_MAX,
                                        weight)
        != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value in \"%V\" of genai_limit: write a "
                           "number from 0 to 1000 with at most six digits "
                           "behind the point, as in \"weight_cached=0.1\"",
                           arg);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_genai_limit_millionths(ngx_str_t *value, ngx_int_t max,
    uint32_t *millionths)
{
    ngx_int_t  n;

    /* of which nginx would make 0 */

    if (value->len == 0 || value->data[0] == '.') {
        return NGX_ERROR;
    }

    n = ngx_atofp(value->data, value->len, 6);

    if (n == NGX_ERROR || n > max) {
        return NGX_ERROR;
    }

    *millionths = n;

    return NGX_OK;
}


static char *
ngx_http_genai_limit_key(ngx_conf_t *cf, ngx_http_genai_limit_t *limit,
    ngx_str_t *value)
{
    ngx_http_compile_complex_value_t  ccv;

    if (value->len == 0) {
        return "has an empty \"key=\", nothing would be counted: write "
               "\"key=$binary_remote_addr\", or \"key=all\" for one counter";
    }

    limit->name = *value;

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = value;
    ccv.complex_value = &limit->key;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}


static char *
ngx_http_genai_limit_text(ngx_conf_t *cf, ngx_http_genai_limit_t *limit,
    ngx_str_t *text)
{
    size_t        where;
    const char   *wrong;
    genai_str_t   s;

    ngx_memzero(limit, sizeof(ngx_http_genai_limit_t));

    s.len = text->len;
    s.data = text->data;

    wrong = genai_limit_parse(&s, &limit->limit, &where);

    if (wrong == NULL && limit->limit.pattern.len > GENAI_POLICY_TEXT_MAX) {
        where = limit->limit.pattern.data - s.data;
        wrong = "the pattern is longer than 256 bytes: end it earlier with"
                " \"*\"";
    }

    if (wrong) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "cannot read the limit \"%V\" of genai_limit, at "
                           "character %uz: %s", text, where + 1, wrong);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_genai_limit_effect(ngx_conf_t *cf, ngx_http_genai_limit_t *limit,
    ngx_uint_t given)
{
    ngx_http_genai_limit_parameter_t  *p;

    given &= ~ngx_http_genai_limit_effects[limit->limit.unit];

    for (p = ngx_http_genai_limit_parameters; p->name.len; p++) {

        if (given & p->parameter) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "parameter \"%V\" of genai_limit has no effect "
                               "on a limit of this unit: remove it", &p->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* whatever the amount is, and wherever it stands, it is the same limit */

static ngx_int_t
ngx_http_genai_limit_name(ngx_conf_t *cf, ngx_http_genai_limit_t *limit)
{
    u_char       *text, *p, digest[GENAI_DIGEST_LEN];
    uint64_t      len;
    genai_str_t  *pattern;

    pattern = &limit->limit.pattern;
    len = limit->name.len;

    /* the first byte is no kind of object, as in names that a policy gives */

    text = ngx_pnalloc(cf->temp_pool, 8 + sizeof(uint64_t) + limit->name.len
                                      + pattern->len);
    if (text == NULL) {
        return NGX_ERROR;
    }

    p = text;

    *p++ = 0xff;
    *p++ = limit->limit.unit;
    *p++ = limit->limit.window_unit;
    *p++ = 0;
    p = ngx_cpymem(p, &limit->limit.window, sizeof(uint32_t));
    p = ngx_cpymem(p, &len, sizeof(uint64_t));
    p = ngx_cpymem(p, limit->name.data, limit->name.len);

    if (pattern->len) {
        p = ngx_cpymem(p, pattern->data, pattern->len);
    }

    genai_digest(text, p - text, digest);

    ngx_memcpy(limit->id, digest, sizeof(limit->id));

    return NGX_OK;
}


unsigned
ngx_http_genai_limits_here(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    const genai_str_t *model, genai_hold_t *holds, unsigned n)
{
    size_t                      size;
    ngx_http_variable_value_t  *kept;
    ngx_http_core_main_conf_t  *cmcf;
    ngx_http_genai_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_module);

    if (lcf->limits == NULL) {
        return n;
    }

    if (ctx->lease) {
        return ngx_http_genai_limits_add(r, ctx, lcf, model, holds, n);
    }

    /*
     * A variable that nginx keeps, such as that of a map{}, would stay as it
     * is before the model is known.
     */

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    size = cmcf->variables.nelts * sizeof(ngx_http_variable_value_t);

    kept = ngx_alloc(size, r->connection->log);
    if (kept == NULL) {
        return NGX_HTTP_GENAI_HOLDS_FAILED;
    }

    ngx_memcpy(kept, r->variables, size);

    n = ngx_http_genai_limits_add(r, ctx, lcf, model, holds, n);

    ngx_memcpy(r->variables, kept, size);
    ngx_free(kept);

    return n;
}


static unsigned
ngx_http_genai_limits_add(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_loc_conf_t *lcf, const genai_str_t *model,
    genai_hold_t *holds, unsigned n)
{
    ngx_str_t                value;
    ngx_uint_t               i;
    genai_str_t              key;
    genai_hold_t            *h;
    genai_books_t           *books;
    ngx_http_genai_limit_t  *limits;

    books = ngx_http_genai_books_joined();
    limits = lcf->limits->elts;

    for (i = 0; i < lcf->limits->nelts; i++) {

        if (!genai_pattern_match(&limits[i].limit.pattern, model)) {
            continue;
        }

        if (ngx_http_complex_value(r, &limits[i].key, &value) != NGX_OK) {
            return NGX_HTTP_GENAI_HOLDS_FAILED;
        }

        if (value.len == 0) {
            continue;
        }

        if (n >= GENAI_HOLDS_MAX) {
            return GENAI_HOLDS_MAX + 1;
        }

        h = &holds[n++];

        ngx_memzero(h, sizeof(genai_hold_t));

        h->limit = limits[i].limit;
        h->owner = GENAI_OWNER_DIRECTIVE;
        h->name.len = limits[i].name.len;
        h->name.data = limits[i].name.data;

        key.len = value.len;
        key.data = value.data;

        genai_books_counter_id(books, limits[i].id, &key, h->id);

        genai_policy_window(ctx->snapshot ? ctx->snapshot->policy : NULL,
                            &h->limit, ngx_time(), &h->window);
    }

    return n;
}
