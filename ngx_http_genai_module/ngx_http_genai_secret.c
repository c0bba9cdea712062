
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Secrets: where a provider's credential comes from.  They are read when the
 * configuration is, with the rights of the process that reads it.  Each worker
 * then looks whether their files have changed, and reads them with its own: a
 * file that only the master may read is good until the next reload.
 */


#include "ngx_http_genai.h"
#include "genai_file.h"


static ngx_int_t ngx_http_genai_secret_read(ngx_conf_t *cf,
    ngx_http_genai_secret_t *secret);
static ngx_int_t ngx_http_genai_secret_file(ngx_conf_t *cf,
    ngx_http_genai_secret_t *secret, ngx_str_t *path);
static ngx_int_t ngx_http_genai_secret_env(ngx_conf_t *cf,
    ngx_http_genai_secret_t *secret, ngx_str_t *name);
static ngx_int_t ngx_http_genai_secret_set(ngx_conf_t *cf,
    ngx_http_genai_secret_t *secret, u_char *data, size_t len);
static const char *ngx_http_genai_secret_trim(ngx_str_t *value);
static ngx_int_t ngx_http_genai_secret_aws(ngx_str_t *value,
    genai_sigv4_credential_t *aws, const char **problem);
static void ngx_http_genai_secret_reread(ngx_http_genai_secret_t *secret,
    ngx_log_t *log);
static ngx_http_genai_secret_t *ngx_http_genai_secret_create(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, ngx_str_t *name, ngx_str_t *source,
    u_char *file, ngx_uint_t line);


char *
ngx_http_genai_secret(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_main_conf_t *mcf = conf;

    u_char     *file;
    ngx_str_t  *value;

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "needs a name";
    }

    if (ngx_http_genai_secret_find(mcf, &value[1])) {
        return "is duplicate: a secret of that name exists already";
    }

    file = cf->conf_file->file.name.data;

    if (ngx_http_genai_secret_create(cf, mcf, &value[1], &value[2], file,
                                     cf->conf_file->line)
        == NULL)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


ngx_http_genai_secret_t *
ngx_http_genai_secret_get(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf,
    ngx_str_t *source, u_char *file, ngx_uint_t line)
{
    ngx_str_t                 name;
    ngx_http_genai_secret_t  *secret;

    if (source->len > 7 && ngx_strncmp(source->data, "secret:", 7) == 0) {

        name.len = source->len - 7;
        name.data = source->data + 7;

        secret = ngx_http_genai_secret_find(mcf, &name);

        if (secret == NULL) {
            ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, file, line,
                                      "credential \"%V\" names no secret: "
                                      "write \"genai_secret %V file:PATH;\" "
                                      "in http", source, &name);
        }

        return secret;
    }

    ngx_str_null(&name);

    return ngx_http_genai_secret_create(cf, mcf, &name, source, file, line);
}


ngx_http_genai_secret_t *
ngx_http_genai_secret_find(ngx_http_genai_main_conf_t *mcf, ngx_str_t *name)
{
    ngx_uint_t                 i;
    ngx_http_genai_secret_t  **secrets;

    secrets = mcf->secrets.elts;

    for (i = 0; i < mcf->secrets.nelts; i++) {
        if (secrets[i]->name.len == name->len
            && ngx_memcmp(secrets[i]->name.data, name->data, name->len) == 0)
        {
            return secrets[i];
        }
    }

    return NULL;
}


static ngx_http_genai_secret_t *
ngx_http_genai_secret_create(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf,
    ngx_str_t *name, ngx_str_t *source, u_char *file, ngx_uint_t line)
{
    ngx_int_t                  rc;
    ngx_http_genai_secret_t  **p, *secret;

    secret = ngx_pcalloc(cf->pool, sizeof(ngx_http_genai_secret_t));
    if (secret == NULL) {
        return NULL;
    }

    secret->name = *name;
    secret->source = *source;

    secret->file = file;
    secret->line = line;

    rc = ngx_http_genai_secret_read(cf, secret);

    if (rc == NGX_ABORT) {
        ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, file, line,
                                  "a credential is \"file:PATH\", \"env:NAME\" "
                                  "or \"secret:NAME\", not the key itself");
    }

    if (rc == NGX_ERROR || rc == NGX_ABORT) {
        return NULL;
    }

    p = ngx_array_push(&mcf->secrets);
    if (p == NULL) {
        return NULL;
    }

    *p = secret;

    return secret;
}


ngx_int_t
ngx_http_genai_secret_check(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf)
{
    ngx_uint_t                 i;
    ngx_http_genai_secret_t  **secrets;

    secrets = mcf->secrets.elts;

    for (i = 0; i < mcf->secrets.nelts; i++) {

        if (secrets[i]->problem.len == 0) {
            continue;
        }

        if (mcf->strict) {
            ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, secrets[i]->file,
                                      secrets[i]->line, "%V",
                                      &secrets[i]->problem);
            return NGX_ERROR;
        }

        ngx_http_genai_conf_error(cf, NGX_LOG_ERR, secrets[i]->file,
                                  secrets[i]->line,
                                  "%V: requests that need this credential "
                                  "will be answered 503 gateway_config",
                                  &secrets[i]->problem);
    }

    return NGX_OK;
}


/*
 * NGX_OK; NGX_DECLINED with secret->problem set; NGX_ABORT where the source
 * is of no known form; NGX_ERROR when out of memory
 */

static ngx_int_t
ngx_http_genai_secret_read(ngx_conf_t *cf, ngx_http_genai_secret_t *secret)
{
    ngx_str_t  rest;

    if (secret->source.len > 5
        && ngx_strncmp(secret->source.data, "file:", 5) == 0)
    {
        rest.len = secret->source.len - 5;
        rest.data = secret->source.data + 5;

        return ngx_http_genai_secret_file(cf, secret, &rest);
    }

    if (secret->source.len > 4
        && ngx_strncmp(secret->source.data, "env:", 4) == 0)
    {
        rest.len = secret->source.len - 4;
        rest.data = secret->source.data + 4;

        return ngx_http_genai_secret_env(cf, secret, &rest);
    }

    return NGX_ABORT;
}


static ngx_int_t
ngx_http_genai_secret_file(ngx_conf_t *cf, ngx_http_genai_secret_t *secret,
    ngx_str_t *path)
{
    int        err;
    char      *data;
    size_t     len;
    ngx_int_t  rc;
    ngx_str_t  name;

    name = *path;

    if (ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    secret->path = name.data;

    genai_file_stamp((char *) name.data, &secret->stamp);

    err = genai_file_read((char *) name.data, NGX_HTTP_GENAI_SECRET_MAX,
                          &data, &len);

    if (err == EFBIG) {
        return ngx_http_genai_secret_problem(cf, secret,
                          "\"%V\" is longer than %ui bytes, it is no key",
                          &name, (ngx_uint_t) NGX_HTTP_GENAI_SECRET_MAX);
    }

    if (err) {
        return ngx_http_genai_secret_problem(cf, secret,
                                             "cannot read \"%V\" (%d: %s)",
                                             &name, err, strerror(err));
    }

    rc = ngx_http_genai_secret_set(cf, secret, (u_char *) data, len);

    ngx_explicit_memzero(data, len);
    free(data);

    return rc;
}


/*
 * A binary upgrade starts the new nginx with the variables of its "env"
 * list only: the name goes there, or the key would be lost.
 */

static ngx_int_t
ngx_http_genai_secret_env(ngx_conf_t *cf, ngx_http_genai_secret_t *secret,
    ngx_str_t *name)
{
    char             *data;
    u_char           *key;
    ngx_str_t        *var;
    ngx_core_conf_t  *ccf;

    key = ngx_pnalloc(cf->pool, name->len + 1);
    if (key == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(key, name->data, name->len + 1);

    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);

    var = ngx_array_push(&ccf->env);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->len = name->len;
    var->data = key;

    data = getenv((char *) key);

    if (data == NULL) {
        return ngx_http_genai_secret_problem(cf, secret,
                              "environment variable \"%s\" is not set", key);
    }

    return ngx_http_genai_secret_set(cf, secret, (u_char *) data,
                                     ngx_strlen(data));
}


static ngx_int_t
ngx_http_genai_secret_set(ngx_conf_t *cf, ngx_http_genai_secret_t *secret,
    u_char *data, size_t len)
{
    ngx_int_t    rc;
    ngx_str_t    value;
    genai_str_t  text;
    const char  *problem;

    value.len = len;
    value.data = ngx_pnalloc(cf->pool, ngx_max(len, 1));

    if (value.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(value.data, data, len);

    text.len = len;
    text.data = value.data;

    rc = ngx_http_genai_secret_aws(&value, &secret->aws, &problem);

    if (rc == NGX_DECLINED && genai_jwt_is_file(&text)) {
        return ngx_http_genai_jwt_set(cf, secret, &value);
    }

    if (rc == NGX_DECLINED) {
        problem = ngx_http_genai_secret_trim(&value);
    }

    if (problem) {
        return ngx_http_genai_secret_problem(cf, secret, "\"%V\" %s",
                                             &secret->source, problem);
    }

    secret->value = value;

    return NGX_OK;
}


static const char *
ngx_http_genai_secret_pair(void)
{
    return "is no pair of AWS's keys: write JSON with access_key_id and "
           "secret_access_key, or lines aws_access_key_id = and "
           "aws_secret_access_key =";
}


/*
 * Whether it is a pair of AWS's keys, which has more than one line: NGX_OK,
 * with aws set to views of it, and it may have been written to; NGX_DECLINED;
 * or NGX_ERROR where it is a bad one.
 */

static ngx_int_t
ngx_http_genai_secret_aws(ngx_str_t *value, genai_sigv4_credential_t *aws,
    const char **problem)
{
    int  rc;

    *problem = NULL;

    rc = genai_sigv4_read(aws, value->data, value->len);

    if (rc == 1) {
        return NGX_OK;
    }

    ngx_memzero(aws, sizeof(genai_sigv4_credential_t));

    if (rc == 0) {
        return NGX_DECLINED;
    }

    *problem = ngx_http_genai_secret_pair();

    return NGX_ERROR;
}


/* NULL, or what is wrong with the value, which loses the blanks at its end */

static const char *
ngx_http_genai_secret_trim(ngx_str_t *value)
{
    size_t  i;

    while (value->len && (value->data[value->len - 1] == '\n'
                          || value->data[value->len - 1] == '\r'
                          || value->data[value->len - 1] == ' '
                          || value->data[value->len - 1] == '\t'))
    {
        value->len--;
    }

    if (value->len == 0) {
        return "is empty";
    }

    if (value->len > NGX_HTTP_GENAI_SECRET_MAX) {
        return "is longer than 16384 bytes, it is no key";
    }

    /* it will stand in a header line */

    for (i = 0; i < value->len; i++) {
        if (value->data[i] <= ' ' || value->data[i] >= 0x7f) {
            return "has a byte that no key has: the file must hold the key "
                   "alone";
        }
    }

    return NULL;
}


void
ngx_http_genai_secret_refresh(ngx_http_genai_main_conf_t *mcf, ngx_log_t *log)
{
    ngx_uint_t                 i;
    genai_file_stamp_t         stamp;
    ngx_http_genai_secret_t  **secrets;

    secrets = mcf->secrets.elts;

    for (i = 0; i < mcf->secrets.nelts; i++) {

        ngx_http_genai_jwt_refresh(secrets[i], log);

        if (secrets[i]->path == NULL) {
            continue;
        }

        genai_file_stamp((char *) secrets[i]->path, &stamp);

        if (!genai_file_stamp_differs(&stamp, &secrets[i]->stamp)) {
            continue;
        }

        /* what two looks see alike is not being written any more */

        if (!genai_file_stamp_differs(&stamp, &secrets[i]->seen)) {
            secrets[i]->stamp = stamp;
            ngx_http_genai_secret_reread(secrets[i], log);
            continue;
        }

        secrets[i]->seen = stamp;
    }
}


void
ngx_http_genai_secret_forget(ngx_http_genai_main_conf_t *mcf)
{
    ngx_uint_t                 i;
    ngx_http_genai_secret_t  **secrets;

    secrets = mcf->secrets.elts;

    for (i = 0; i < mcf->secrets.nelts; i++) {

        ngx_http_genai_jwt_forget(secrets[i]);

        if (secrets[i]->fresh) {
            ngx_explicit_memzero(secrets[i]->value.data,
                                 secrets[i]->value.len);
            secrets[i]->value.len = 0;

            free(secrets[i]->fresh);
            secrets[i]->fresh = NULL;
        }
    }
}


static void
ngx_http_genai_secret_reread(ngx_http_genai_secret_t *secret, ngx_log_t *log)
{
    int                        err;
    char                      *data;
    size_t                     len;
    ngx_int_t                  rc;
    ngx_str_t                  value;
    genai_str_t                text;
    const char                *problem;
    genai_sigv4_credential_t   aws;

    err = genai_file_read((char *) secret->path, NGX_HTTP_GENAI_SECRET_MAX,
                          &data, &len);
    if (err) {
        ngx_log_error(NGX_LOG_ERR, log, err,
                      "credential \"%V\" has changed and cannot be read by "
                      "this worker, its last value stays: give its file to "
                      "the workers' user, or reload", &secret->source);
        return;
    }

    value.len = len;
    value.data = (u_char *) data;

    text.len = len;
    text.data = value.data;

    rc = ngx_http_genai_secret_aws(&value, &aws, &problem);

    if (rc == NGX_DECLINED && genai_jwt_is_file(&text)) {
        ngx_http_genai_jwt_changed(secret, data, len);
        return;
    }

    if (rc == NGX_DECLINED) {
        problem = ngx_http_genai_secret_trim(&value);
    }

    if (problem) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "credential \"%V\" has changed and %s, its last value "
                      "stays", &secret->source, problem);

        ngx_explicit_memzero(data, len);
        free(data);
        return;
    }

    ngx_http_genai_jwt_forget(secret);
    ngx_http_genai_secret_replace(secret, data, &value);
    secret->aws = aws;

    ngx_log_error(NGX_LOG_NOTICE, log, 0, "credential \"%V\" was re-read",
                  &secret->source);
}


void
ngx_http_genai_secret_replace(ngx_http_genai_secret_t *secret, void *data,
    ngx_str_t *value)
{
    /* requests that are rendered have copies of it */

    if (secret->value.len) {
        ngx_explicit_memzero(secret->value.data, secret->value.len);
    }

    free(secret->fresh);

    secret->fresh = data;
    secret->value = *value;
    ngx_memzero(&secret->aws, sizeof(genai_sigv4_credential_t));
    secret->problem.len = 0;
}


ngx_int_t
ngx_http_genai_secret_problem(ngx_conf_t *cf, ngx_http_genai_secret_t *secret,
    const char *fmt, ...)
{
    u_char   text[NGX_MAX_CONF_ERRSTR], *p;
    va_list  args;

    va_start(args, fmt);
    p = ngx_vslprintf(text, text + NGX_MAX_CONF_ERRSTR, fmt, args);
    va_end(args);

    secret->problem.len = p - text;
    secret->problem.data = ngx_pnalloc(cf->pool, secret->problem.len);
    if (secret->problem.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(secret->problem.data, text, secret->problem.len);

    return NGX_DECLINED;
}
