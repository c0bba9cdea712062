
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What requests are counted with: "genai_catalog", the models that are known
 * by their names, and the vocabularies that these or a target name.  A
 * vocabulary is a file beside a catalogue, or what "genai_tokenizer" says; it
 * is mapped while the configuration is read and shared by all workers.
 *
 * A vocabulary that is damaged closes the models that need it.  One that is
 * not there, as no licence lets us ship those of Llama and Gemma, closes
 * nothing: its models are counted by another one, and that is an estimate.
 */


#include "ngx_http_genai.h"


#define NGX_HTTP_GENAI_VOCAB_SUFFIX   ".vocab"

/* what stands in for a vocabulary that is not there */
#define NGX_HTTP_GENAI_VOCAB_DEFAULT  "o200k_base"


static ngx_int_t ngx_http_genai_catalog_read(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, genai_catalog_t *catalog);
static ngx_int_t ngx_http_genai_catalog_file(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, ngx_str_t *path, genai_str_t *text);
static ngx_int_t ngx_http_genai_catalog_say(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, const genai_catalog_t *catalog);
static ngx_int_t ngx_http_genai_vocab_add(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, const genai_str_t *name);
static ngx_int_t ngx_http_genai_vocab_targets(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, ngx_uint_t opened);
static ngx_int_t ngx_http_genai_vocab_target(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, ngx_http_genai_target_t *target);
static ngx_int_t ngx_http_genai_vocab_beside(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, ngx_http_genai_vocab_t *v);
static ngx_int_t ngx_http_genai_vocab_open(ngx_conf_t *cf,
    ngx_http_genai_main_conf_t *mcf, ngx_http_genai_vocab_t *v);
static ngx_http_genai_vocab_t *ngx_http_genai_vocab_find(
    ngx_http_genai_main_conf_t *mcf, const genai_str_t *name);
static void ngx_http_genai_tokenizer_cleanup(void *data);


char *
ngx_http_genai_catalog(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_main_conf_t *mcf = conf;

    ngx_str_t   *value, *path;
    ngx_uint_t   i;

    value = cf->args->elts;

    if (mcf->catalogs.elts == NULL
        && ngx_array_init(&mcf->catalogs, cf->pool, 2, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        path = ngx_array_push(&mcf->catalogs);
        if (path == NULL) {
            return NGX_CONF_ERROR;
        }

        *path = value[i];

        if (ngx_conf_full_name(cf->cycle, path, 1) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_genai_tokenizer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_genai_main_conf_t *mcf = conf;

    ngx_str_t               *value, split;
    genai_str_t              name;
    ngx_uint_t               i;
    ngx_http_genai_vocab_t  *v;

    value = cf->args->elts;

    if (value[1].len == 0 || value[1].len >= GENAI_VOCAB_NAME_MAX) {
        return "needs a name of 1 to 63 bytes";
    }

    if (value[2].len <= 5 || ngx_strncmp(value[2].data, "file:", 5) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid source \"%V\" of genai_tokenizer, write "
                           "\"file:PATH\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    if (mcf->vocabs.elts == NULL
        && ngx_array_init(&mcf->vocabs, cf->pool, 16,
                          sizeof(ngx_http_genai_vocab_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    name.len = value[1].len;
    name.data = value[1].data;

    if (ngx_http_genai_vocab_find(mcf, &name)) {
        return "is duplicate: this name has a file already";
    }

    v = ngx_array_push(&mcf->vocabs);
    if (v == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(v, sizeof(ngx_http_genai_vocab_t));

    v->name = value[1];
    v->path.len = value[2].len - 5;
    v->path.data = value[2].data + 5;
    v->split = GENAI_SPLIT_LAST;
    v->conf_file = cf->conf_file->file.name.data;
    v->line = cf->conf_file->line;
    v->asked = 1;

    if (ngx_conf_full_name(cf->cycle, &v->path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 3) {
        return NGX_CONF_OK;
    }

    if (value[3].len <= 6 || ngx_strncmp(value[3].data, "split=", 6) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" of genai_tokenizer, only "
                           "\"split=FAMILY\" is known", &value[3]);
        return NGX_CONF_ERROR;
    }

    split.len = value[3].len - 6;
    split.data = value[3].data + 6;

    for (i = 0; i < GENAI_SPLIT_PATTERN; i++) {
        if (ngx_strcmp(genai_split_name(i), split.data) == 0) {
            v->split = i;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown family \"%V\" in \"split=\", docs/TOKENS.md "
                       "lists them", &split);

    return NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_genai_tokenizer_init(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf)
{
    size_t                   n;
    ngx_uint_t               i;
    genai_catalog_t         *catalog;
    const genai_str_t       *names;
    genai_str_t              standard = genai_str(
                                               NGX_HTTP_GENAI_VOCAB_DEFAULT);
    ngx_pool_cleanup_t      *cln;
    ngx_http_genai_vocab_t  *v;

    if (mcf->catalogs.nelts == 0) {

        if (ngx_http_genai_vocab_targets(cf, mcf, 0) != NGX_OK) {
            return NGX_ERROR;
        }

        if (mcf->vocabs.nelts) {
            v = mcf->vocabs.elts;

            ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, v->conf_file,
                                      v->line,
                                      "\"genai_tokenizer %V\" has no model "
                                      "that is counted with it: write "
                                      "\"genai_catalog FILE\" beside it",
                                      &v->name);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (mcf->vocabs.elts == NULL
        && ngx_array_init(&mcf->vocabs, cf->pool, 16,
                          sizeof(ngx_http_genai_vocab_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    genai_arena_init(&mcf->catalog_arena, NGX_HTTP_GENAI_ARENA_MAX);

    cln->handler = ngx_http_genai_tokenizer_cleanup;
    cln->data = mcf;

    catalog = genai_catalog_create(&mcf->catalog_arena);
    if (catalog == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_genai_catalog_read(cf, mcf, catalog) != NGX_OK
        || ngx_http_genai_catalog_say(cf, mcf, catalog) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* by the catalogue's numbers, as requests look for them */

    names = genai_catalog_vocabs(catalog, &n);

    mcf->vocab_of = ngx_pcalloc(cf->pool, (n + 1) * sizeof(void *));
    if (mcf->vocab_of == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {

        if (ngx_http_genai_vocab_add(cf, mcf, &names[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        v = ngx_http_genai_vocab_find(mcf, &names[i]);
        v->known = 1;
        v->used = 1;
    }

    if (ngx_http_genai_vocab_targets(cf, mcf, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    v = mcf->vocabs.elts;

    for (i = 0; i < mcf->vocabs.nelts; i++) {
        if (ngx_http_genai_vocab_open(cf, mcf, &v[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < n; i++) {
        mcf->vocab_of[i] = ngx_http_genai_vocab_find(mcf, &names[i]);
    }

    mcf->vocab_default = ngx_http_genai_vocab_find(mcf, &standard);

    if (mcf->vocab_default && !mcf->vocab_default->opened) {
        mcf->vocab_default = NULL;
    }

    mcf->catalog = catalog;

    if (ngx_http_genai_vocab_targets(cf, mcf, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    /* of what is broken it was said, and others are not missed then */

    if (mcf->catalog_broken) {
        return NGX_OK;
    }

    ngx_http_genai_vocab_unused(cf, mcf);

    return ngx_http_genai_vocab_missing(cf, mcf);
}


static ngx_int_t
ngx_http_genai_vocab_add(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf,
    const genai_str_t *name)
{
    ngx_http_genai_vocab_t  *v;

    if (ngx_http_genai_vocab_find(mcf, name)) {
        return NGX_OK;
    }

    v = ngx_array_push(&mcf->vocabs);
    if (v == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(v, sizeof(ngx_http_genai_vocab_t));

    v->name.len = name->len;
    v->name.data = name->data;

    return NGX_OK;
}


/* what targets name: before files are opened, and once they are */

static ngx_int_t
ngx_http_genai_vocab_targets(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf,
    ngx_uint_t opened)
{
    ngx_uint_t                i, k;
    genai_str_t               name;
    ngx_http_genai_model_t  **models;
    ngx_http_genai_target_t  *targets;

    models = mcf->models.elts;

    for (i = 0; i < mcf->models.nelts; i++) {

        targets = models[i]->targets.elts;

        for (k = 0; k < models[i]->targets.nelts; k++) {

            if (targets[k].tokenizer.len == 0) {
                continue;
            }

            if (mcf->catalogs.nelts == 0) {
                ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, targets[k].file,
                                          targets[k].line,
                                          "\"tokenizer=%V\" of target \"%V\" "
                                          "has no catalogue: write "
                                          "\"genai_catalog FILE\" in http",
                                          &targets[k].tokenizer,
                                          &targets[k].name);
                return NGX_ERROR;
            }

            if (opened) {
                if (ngx_http_genai_vocab_target(cf, mcf, &targets[k])
                    != NGX_OK)
                {
                    return NGX_ERROR;
                }

                continue;
            }

            name.len = targets[k].tokenizer.len;
            name.data = targets[k].tokenizer.data;

            if (ngx_http_genai_vocab_add(cf, mcf, &name) != NGX_OK) {
                return NGX_ERROR;
            }

            ngx_http_genai_vocab_find(mcf, &name)->used = 1;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_genai_vocab_target(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf,
    ngx_http_genai_target_t *target)
{
    u_char                  *near;
    genai_str_t              name;
    ngx_http_genai_vocab_t  *v;

    name.len = target->tokenizer.len;
    name.data = target->tokenizer.data;

    v = ngx_http_genai_vocab_find(mcf, &name);

    target->vocab = v;

    /* a catalogue that cannot be read may have had the name */

    if (v->opened || v->broken || v->known || mcf->catalog_broken) {
        return NGX_OK;
    }

    near = ngx_http_genai_vocab_near(cf, mcf, &target->tokenizer);
    if (near == NULL) {
        return NGX_ERROR;
    }

    ngx_http_genai_conf_error(cf, NGX_LOG_EMERG, target->file, target->line,
                              "\"tokenizer=%V\" of target \"%V\" names no "
                              "vocabulary%s; neither genai_tokenizer nor the "
                              "catalogue has it, nor is there a file of that "
                              "name beside the catalogue", &target->tokenizer,
                              &target->name, near);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_genai_catalog_read(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf,
    genai_catalog_t *catalog)
{
    int           rc;
    ngx_str_t    *paths;
    ngx_uint_t    i;
    genai_str_t   text;

    paths = mcf->catalogs.elts;

    for (i = 0; i < mcf->catalogs.nelts; i++) {

        if (ngx_http_genai_catalog_file(cf, mcf, &paths[i], &text) != NGX_OK)
        {

            mcf->catalog_broken = 1;

            if (mcf->strict) {
                return NGX_ERROR;
            }

            continue;
        }

        rc = genai_catalog_add(catalog, (char *) paths[i].data, &text);

        ngx_free(text.data);

        if (rc == -1) {
            return NGX_ERROR;
        }

        mcf->catalog_broken |= (rc == 1);
    }

    return genai_catalog_done(catalog) == 0 ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_genai_catalog_file(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf,
    ngx_str_t *path, genai_str_t *text)
{
    off_t        size;
    ssize_t      n;
    ngx_file_t   file;
    ngx_uint_t   level;

    level = mcf->strict ? NGX_LOG_EMERG : NGX_LOG_ERR;
    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = *path;
    file.log = cf->log;

    file.fd = ngx_open_file(path->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                            NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE
        || ngx_fd_info(file.fd, &file.info) == NGX_FILE_ERROR)
    {
        ngx_log_error(level, cf->log, ngx_errno,
                      "genai_catalog \"%V\" cannot be opened: requests will "
                      "be answered 503 gateway_config", path);
        goto failed;
    }

    size = ngx_file_size(&file.info);

    if (!ngx_is_file(&file.info) || size > (off_t) GENAI_CATALOG_FILE_MAX) {
        ngx_log_error(level, cf->log, 0,
                      "genai_catalog \"%V\" is no file of at most 16 MB: "
                      "requests will be answered 503 gateway_config", path);
        goto failed;
    }

    text->len = (size_t) size;
    text->data = ngx_alloc(text->len + 1, cf->log);

    if (text->data == NULL) {
        goto failed;
    }

    n = ngx_read_file(&file, text->data, text->len, 0);

    if (n != (ssize_t) text->len) {
        ngx_log_error(level, cf->log, 0,
                      "genai_catalog \"%V\" cannot be read: requests will be "
                      "answered 503 gateway_config", path);
        ngx_free(text->data);
        goto failed;
    }

    (void) ngx_close_file(file.fd);

    return NGX_OK;

failed:

    if (file.fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(file.fd);
    }

    return NGX_DECLINED;
}


/* what is wrong in it keeps nginx from starting with genai_strict alone */

static ngx_int_t
ngx_http_genai_catalog_say(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf,
    const genai_catalog_t *catalog)
{
    ngx_int_t                       rc;
    ngx_uint_t                      level;
    const genai_catalog_finding_t  *f;

    rc = NGX_OK;

    for (f = genai_catalog_findings(catalog); f; f = f->next) {

        level = (f->level == GENAI_CATALOG_WARN) ? NGX_LOG_WARN : NGX_LOG_ERR;

        if (mcf->strict && level == NGX_LOG_ERR) {
            level = NGX_LOG_EMERG;
            rc = NGX_ERROR;
        }

        ngx_log_error(level, cf->log, 0, "genai_catalog: %s in %s:%ui%s%s",
                      f->text, f->file, (ngx_uint_t) f->line,
                      *f->object ? ", " : "", f->object);
    }

    return rc;
}


/* the first that there is beside a catalogue; NGX_DECLINED: there is none */

static ngx_int_t
ngx_http_genai_vocab_beside(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf,
    ngx_http_genai_vocab_t *v)
{
    size_t       len;
    u_char      *p, *path;
    ngx_str_t   *catalogs;
    ngx_uint_t   i;

    catalogs = mcf->catalogs.elts;

    for (i = 0; i < mcf->catalogs.nelts; i++) {

        len = ngx_http_genai_catalog_folder(&catalogs[i]);

        path = ngx_pnalloc(cf->pool, len + v->name.len
                                     + sizeof(NGX_HTTP_GENAI_VOCAB_SUFFIX));
        if (path == NULL) {
            return NGX_ERROR;
        }

        p = ngx_cpymem(path, catalogs[i].data, len);
        p = ngx_cpymem(p, v->name.data, v->name.len);
        p = ngx_cpymem(p, NGX_HTTP_GENAI_VOCAB_SUFFIX,
                       sizeof(NGX_HTTP_GENAI_VOCAB_SUFFIX));

        if (access((char *) path, F_OK) == 0 || ngx_errno != NGX_ENOENT) {
            v->path.data = path;
            v->path.len = p - 1 - path;

            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


size_t
ngx_http_genai_catalog_folder(ngx_str_t *path)
{
    size_t  len;

    len = path->len;

    while (len && path->data[len - 1] != '/') {
        len--;
    }

    return len;
}


static ngx_int_t
ngx_http_genai_vocab_open(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf,
    ngx_http_genai_vocab_t *v)
{
    char         problem[GENAI_VOCAB_FILE_PROBLEM];
    ngx_int_t    rc;
    ngx_uint_t   level;
    genai_str_t  name;

    if (v->path.len == 0) {

        rc = ngx_http_genai_vocab_beside(cf, mcf, v);

        if (rc != NGX_OK) {
            return (rc == NGX_DECLINED) ? NGX_OK : rc;
        }
    }

    name.len = v->name.len;
    name.data = v->name.data;

    if (genai_vocab_file_open(&v->file, (char *) v->path.data, &name,
                              v->split, problem)
        == 0)
    {
        v->opened = 1;
        return NGX_OK;
    }

    v->broken = 1;
    level = mcf->strict ? NGX_LOG_EMERG : NGX_LOG_ERR;

    if (v->asked) {
        ngx_http_genai_conf_error(cf, level, v->conf_file, v->line,
                                  "genai_tokenizer \"%V\": %s; requests for "
                                  "its models will be answered 503 "
                                  "gateway_config", &v->name, problem);

    } else {
        ngx_log_error(level, cf->log, 0,
                      "genai: vocabulary \"%V\": %s; requests for its models "
                      "will be answered 503 gateway_config", &v->name,
                      problem);
    }

    return mcf->strict ? NGX_ERROR : NGX_OK;
}


static ngx_http_genai_vocab_t *
ngx_http_genai_vocab_find(ngx_http_genai_main_conf_t *mcf,
    const genai_str_t *name)
{
    ngx_uint_t               i;
    ngx_http_genai_vocab_t  *v;

    v = mcf->vocabs.elts;

    for (i = 0; i < mcf->vocabs.nelts; i++) {
        if (v[i].name.len == name->len
            && ngx_memcmp(v[i].name.data, name->data, name->len) == 0)
        {
            return &v[i];
        }
    }

    return NULL;
}


static void
ngx_http_genai_tokenizer_cleanup(void *data)
{
    ngx_http_genai_main_conf_t *mcf = data;

    ngx_uint_t               i;
    ngx_http_genai_vocab_t  *v;

    v = mcf->vocabs.elts;

    for (i = 0; i < mcf->vocabs.nelts; i++) {
        if (v[i].opened) {
            genai_vocab_file_close(&v[i].file);
        }
    }

    genai_arena_destroy(&mcf->catalog_arena);
}
