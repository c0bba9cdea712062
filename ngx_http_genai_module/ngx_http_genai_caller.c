
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The caller: found by the key that a request brings, in the snapshot of the
 * policy that is current.  The exchange holds that snapshot, so that its
 * caller stays what he is; but where there is a newer one before anything was
 * sent, he is looked for again, and may be gone.
 */


#include "ngx_http_genai.h"


static ngx_table_elt_t *ngx_http_genai_caller_key(ngx_http_request_t *r,
    ngx_str_t *key, ngx_table_elt_t **other);
static ngx_http_genai_verdict_e ngx_http_genai_caller_digest(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx, ngx_str_t *key,
    ngx_table_elt_t *other);
static ngx_http_genai_verdict_e ngx_http_genai_caller_find(
    ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx);
static ngx_uint_t ngx_http_genai_scheme(ngx_str_t *value, const char *name,
    size_t len);
static ngx_int_t ngx_http_genai_key_of(ngx_table_elt_t *h, ngx_str_t *key);


ngx_http_genai_verdict_e
ngx_http_genai_identify(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    ngx_str_t                     key;
    ngx_table_elt_t              *other;
    ngx_http_genai_loc_conf_t    *lcf;
    ngx_http_genai_main_conf_t   *mcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_genai_module);

    ctx->key_header = NULL;
    ctx->caller = NULL;
    ctx->credential_of = NULL;

    if (ctx->snapshot) {
        ngx_http_genai_snapshot_release(ctx->snapshot);
        ctx->snapshot = NULL;
    }

    if (lcf->auth == NGX_HTTP_GENAI_AUTH_OFF) {
        return NGX_HTTP_GENAI_NEXT;
    }

    ctx->key_header = ngx_http_genai_caller_key(r, &key, &other);

    if (ngx_http_genai_test_caller(lcf)) {
        return NGX_HTTP_GENAI_NEXT;
    }

    if (ctx->key_header == NULL && lcf->auth == NGX_HTTP_GENAI_AUTH_ON) {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_UNAUTHENTICATED,
                                     "an API key is required: send it as "
                                     "\"Authorization: Bearer KEY\"");
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_genai_module);

    if (mcf->policy.len == 0) {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_UNAUTHENTICATED,
                                     "a valid API key is required");
    }

    if (ctx->key_header) {
        return ngx_http_genai_caller_digest(r, ctx, &key, other);
    }

    return ngx_http_genai_caller_find(r, ctx);
}


/*
 * The first line that carries a key, or NULL.  Some clients send theirs twice;
 * two different ones are nobody's: *other is then the second one, else NULL.
 */

static ngx_table_elt_t *
ngx_http_genai_caller_key(ngx_http_request_t *r, ngx_str_t *key,
    ngx_table_elt_t **other)
{
    ngx_str_t         s;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *first;

    first = NULL;
    *other = NULL;
    ngx_str_null(key);

    i = 0;
    part = &r->headers_in.headers.part;

    while ((h = ngx_http_genai_next_header(&part, &i)) != NULL) {

        if (ngx_http_genai_key_of(h, &s) != NGX_OK) {
            continue;
        }

        if (first == NULL) {
            first = h;
            *key = s;

        } else if (s.len != key->len
                   || ngx_memcmp(s.data, key->data, s.len) != 0)
        {
            *other = h;
            break;
        }
    }

    return first;
}


static ngx_http_genai_verdict_e
ngx_http_genai_caller_digest(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_str_t *key, ngx_table_elt_t *other)
{
    genai_str_t  s;

    s.len = key->len;
    s.data = key->data;

    if (!genai_key_valid(&s)) {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_UNAUTHENTICATED,
                                     "what was sent cannot be an API key");
    }

    if (other) {
        return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_UNAUTHENTICATED,
                                     "two different API keys were sent, in "
                                     "\"%V\" and \"%V\": send one",
                                     &ctx->key_header->key, &other->key);
    }

    genai_digest(key->data, key->len, ctx->digest);

    return ngx_http_genai_caller_find(r, ctx);
}


static ngx_http_genai_verdict_e
ngx_http_genai_caller_find(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx)
{
    genai_policy_why_e             why;
    const genai_policy_t          *policy;
    const genai_policy_object_t   *key;

    ctx->snapshot = ngx_http_genai_snapshot(r->connection->log);

    if (ctx->snapshot == NULL || ctx->snapshot->policy->unloaded) {
        return ngx_http_genai_refuse(r, ctx, GENAI_GATEWAY_CONFIG,
                                     "the policy is not there yet");
    }

    policy = ctx->snapshot->policy;

    why = ctx->key_header ? genai_policy_lookup(policy, ctx->digest,
                                                ngx_time(), &key)
                          : genai_policy_anonymous(policy, ngx_time(), &key);

    if (why == GENAI_POLICY_OK) {
        ctx->caller = key;
        return NGX_HTTP_GENAI_NEXT;
    }

    /* the client is told the same of every reason, the log is not */

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "caller refused: the key is %s", genai_policy_why(why));

    return ngx_http_genai_refuse(r, ctx, GENAI_CALLER_UNAUTHENTICATED,
                                 ctx->key_header
                                 ? "the API key is not valid"
                                 : "an API key is required: send it as "
                                   "\"Authorization: Bearer KEY\"");
}


ngx_http_genai_verdict_e
ngx_http_genai_identify_again(ngx_http_request_t *r,
    ngx_http_genai_ctx_t *ctx)
{
    ngx_http_genai_snapshot_t  *s;
    ngx_http_genai_verdict_e    verdict;

    if (ctx->caller == NULL) {
        return NGX_HTTP_GENAI_NEXT;
    }

    s = ngx_http_genai_snapshot(r->connection->log);

    if (s == ctx->snapshot) {
        ngx_http_genai_snapshot_release(s);
        return NGX_HTTP_GENAI_NEXT;
    }

    if (s) {
        ngx_http_genai_snapshot_release(s);
    }

    s = ctx->snapshot;

    ctx->caller = NULL;

    verdict = ngx_http_genai_caller_find(r, ctx);

    ngx_http_genai_snapshot_release(s);

    return verdict;
}


ngx_uint_t
ngx_http_genai_allowed_model(ngx_http_genai_ctx_t *ctx, ngx_str_t *name)
{
    genai_str_t  s;

    if (ctx->caller == NULL) {
        return 1;
    }

    s.len = name->len;
    s.data = name->data;

    return genai_policy_allows_model(ctx->snapshot->policy, ctx->caller, &s);
}


ngx_uint_t
ngx_http_genai_allowed_endpoint(ngx_http_genai_ctx_t *ctx,
    genai_endpoint_e endpoint)
{
    return ctx->caller == NULL
           || (genai_policy_endpoints(ctx->snapshot->policy, ctx->caller)
               & genai_endpoint_bit(endpoint));
}


ngx_int_t
ngx_http_genai_credential(ngx_http_request_t *r, ngx_http_genai_ctx_t *ctx,
    ngx_http_genai_provider_t *provider, ngx_http_genai_secret_t **secret)
{
    ngx_str_t                    s;
    genai_str_t                  name;
    ngx_http_genai_main_conf_t  *mcf;

    *secret = provider->secret;

    if (ctx->caller && provider == ctx->credential_of) {
        *secret = ctx->credential;

    } else if (ctx->caller) {

        name.len = provider->name.len;
        name.data = provider->name.data;

        name = genai_policy_credential(ctx->snapshot->policy, ctx->caller,
                                       &name);

        if (name.len) {
            mcf = ngx_http_get_module_main_conf(r, ngx_http_genai_module);

            s.len = name.len;
            s.data = name.data;

            *secret = ngx_http_genai_secret_find(mcf, &s);

            /* never with somebody else's */

            if (*secret == NULL) {
                return NGX_DECLINED;
            }
        }

        ctx->credential_of = provider;
        ctx->credential = *secret;
    }

    if (*secret == NULL) {
        return NGX_OK;
    }

    /* who does not sign would send it */

    return ((*secret)->problem.len
            || ((*secret)->aws.id.len
                && (!provider->dialect->signed_v4
                    || provider->region.len == 0)))
           ? NGX_DECLINED : NGX_OK;
}


ngx_table_elt_t *
ngx_http_genai_find_key(ngx_http_request_t *r, ngx_table_elt_t *same)
{
    ngx_str_t         key, wanted;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    if (ngx_http_genai_key_of(same, &wanted) != NGX_OK) {
        return NULL;
    }

    i = 0;
    part = &r->headers_in.headers.part;

    while ((h = ngx_http_genai_next_header(&part, &i)) != NULL) {
        if (ngx_http_genai_key_of(h, &key) == NGX_OK
            && key.len == wanted.len
            && ngx_memcmp(key.data, wanted.data, key.len) == 0)
        {
            return h;
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_genai_scheme(ngx_str_t *value, const char *name, size_t len)
{
    return value->len >= len
           && ngx_strncasecmp(value->data, (u_char *) name, len) == 0
           && (value->len == len || value->data[len] == ' '
               || value->data[len] == '\t');
}


/* the key that a line carries */

static ngx_int_t
ngx_http_genai_key_of(ngx_table_elt_t *h, ngx_str_t *key)
{
    const char  *name;

    switch (h->key.len) {

    case sizeof("api-key") - 1:
        name = "api-key";
        break;

    case sizeof("x-api-key") - 1:
        name = "x-api-key";
        break;

    case sizeof("authorization") - 1:
        name = "authorization";
        break;

    case sizeof("x-goog-api-key") - 1:
        name = "x-goog-api-key";
        break;

    default:
        return NGX_DECLINED;
    }

    if (ngx_memcmp(h->lowcase_key, name, h->key.len) != 0) {
        return NGX_DECLINED;
    }

    *key = h->value;

    if (h->key.len != sizeof("authorization") - 1) {
        return NGX_OK;
    }

    if (ngx_http_genai_scheme(key, "Bearer", sizeof("Bearer") - 1)) {

        key->data += sizeof("Bearer") - 1;
        key->len -= sizeof("Bearer") - 1;

        while (key->len && (key->data[0] == ' ' || key->data[0] == '\t')) {
            key->data++;
            key->len--;
        }

        return NGX_OK;
    }

    /* these are for nginx's auth_basic and its like */

    if (ngx_http_genai_scheme(key, "Basic", sizeof("Basic") - 1)
        || ngx_http_genai_scheme(key, "Digest", sizeof("Digest") - 1)
        || ngx_http_genai_scheme(key, "Negotiate", sizeof("Negotiate") - 1))
    {
        return NGX_DECLINED;
    }

    /* all else is a key, and a wrong one if it is of another scheme */

    return NGX_OK;
}
