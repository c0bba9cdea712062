
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What an operator is told of vocabularies: which were looked for and are not
 * there, once for all of them and with what makes them; which nothing uses;
 * and which names are nearest to one that is misspelt, and so counts for
 * nobody.
 */


#include "ngx_http_genai.h"


/* names that are told, for one that is not known */
#define NGX_HTTP_GENAI_NEAR  3


static ngx_uint_t ngx_http_genai_vocab_distance(ngx_str_t *a, ngx_str_t *b);


ngx_int_t
ngx_http_genai_vocab_missing(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf)
{
    size_t                   len, folder;
    u_char                  *p, *names, *folders;
    ngx_str_t               *catalogs;
    ngx_uint_t               i, k, n, make[4];
    ngx_http_genai_vocab_t  *v;

    static const ngx_str_t  own[] = {
        ngx_string("llama3"), ngx_string("gemma2"), ngx_string("gemma3")
    };

    v = mcf->vocabs.elts;
    catalogs = mcf->catalogs.elts;
    len = 0;
    n = 0;
    ngx_memzero(make, sizeof(make));

    for (i = 0; i < mcf->vocabs.nelts; i++) {
        len += v[i].name.len + 2;
    }

    for (i = 0; i < mcf->catalogs.nelts; i++) {
        len += catalogs[i].len + 2;
    }

    names = ngx_pnalloc(cf->temp_pool, len + 2);
    if (names == NULL) {
        return NGX_ERROR;
    }

    p = names;

    for (i = 0; i < mcf->vocabs.nelts; i++) {

        if (v[i].opened || v[i].broken) {
            continue;
        }

        if (n++) {
            p = ngx_cpymem(p, ", ", 2);
        }

        p = ngx_cpymem(p, v[i].name.data, v[i].name.len);

        for (k = 0; k < 3; k++) {
            if (v[i].name.len >= own[k].len
                && ngx_memcmp(v[i].name.data, own[k].data, own[k].len) == 0)
            {
                break;
            }
        }

        make[k] = 1;
    }

    *p++ = '\0';

    if (n == 0) {
        return NGX_OK;
    }

    folders = p;

    for (i = 0; i < mcf->catalogs.nelts; i++) {

        folder = ngx_http_genai_catalog_folder(&catalogs[i]);

        for (k = 0; k < i; k++) {
            if (ngx_http_genai_catalog_folder(&catalogs[k]) == folder
                && ngx_memcmp(catalogs[k].data, catalogs[i].data, folder) == 0)
            {
                break;
            }
        }

        if (k == i) {
            p = (p == folders) ? p : ngx_cpymem(p, ", ", 2);
            p = ngx_cpymem(p, catalogs[i].data, folder);
        }
    }

    *p = '\0';

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "genai: no vocabulary in %s for %s: models that are counted "
                  "with it are estimated; \"make%s%s%s%s\" and \"make "
                  "install-data\" provide ours, \"genai_tokenizer\" names "
                  "other files", folders, names,
                  make[3] ? " data" : "", make[0] ? " data-llama3" : "",
                  make[1] ? " data-gemma2" : "",
                  make[2] ? " data-gemma3" : "");

    return NGX_OK;
}


void
ngx_http_genai_vocab_unused(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf)
{
    u_char                  *near;
    ngx_uint_t               i;
    ngx_http_genai_vocab_t  *v;

    v = mcf->vocabs.elts;

    for (i = 0; i < mcf->vocabs.nelts; i++) {

        if (v[i].used || &v[i] == mcf->vocab_default) {
            continue;
        }

        near = ngx_http_genai_vocab_near(cf, mcf, &v[i].name);

        ngx_http_genai_conf_error(cf, NGX_LOG_WARN, v[i].conf_file, v[i].line,
                                  "\"genai_tokenizer %V\" is used by no model "
                                  "of the catalogue, and by no target%s",
                                  &v[i].name, near ? near : (u_char *) "");
    }
}


u_char *
ngx_http_genai_vocab_near(ngx_conf_t *cf, ngx_http_genai_main_conf_t *mcf,
    ngx_str_t *name)
{
    u_char                  *text, *p;
    ngx_uint_t               i, n, far;
    ngx_http_genai_vocab_t  *v;

    text = ngx_pnalloc(cf->pool, sizeof(", nearest: ")
                                 + NGX_HTTP_GENAI_NEAR
                                   * (GENAI_CATALOG_TEXT_MAX + 4));
    if (text == NULL) {
        return NULL;
    }

    p = text;
    n = 0;
    v = mcf->vocabs.elts;

    for (far = 1; far <= 1 + name->len / 2; far++) {

        for (i = 0; i < mcf->vocabs.nelts; i++) {

            if (n < NGX_HTTP_GENAI_NEAR && v[i].known
                && ngx_http_genai_vocab_distance(name, &v[i].name) == far)
            {
                p = ngx_sprintf(p, "%s%V", n ? ", " : ", nearest: ",
                                &v[i].name);
                n++;
            }
        }
    }

    *p = '\0';

    return text;
}


/* letters to be changed, added or left out */

static ngx_uint_t
ngx_http_genai_vocab_distance(ngx_str_t *a, ngx_str_t *b)
{
    ngx_uint_t  i, k, left, n, row[GENAI_CATALOG_TEXT_MAX + 1];

    if (b->len > GENAI_CATALOG_TEXT_MAX) {
        return NGX_MAX_UINT32_VALUE;
    }

    for (k = 0; k <= b->len; k++) {
        row[k] = k;
    }

    for (i = 0; i < a->len; i++) {

        left = row[0];
        row[0] = i + 1;

        for (k = 0; k < b->len; k++) {
            n = left + (a->data[i] != b->data[k]);
            left = row[k + 1];

            n = ngx_min(n, row[k] + 1);
            row[k + 1] = ngx_min(n, left + 1);
        }
    }

    return row[b->len];
}
