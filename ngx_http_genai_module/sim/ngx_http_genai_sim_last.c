/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of the request that was received last, by whichever worker.
 *
 * nginx takes a request's head apart in place, so it is put together again:
 * the request line as it came, and each header line as "Name: value".
 */


#include "ngx_http_genai_sim.h"


static u_char *ngx_http_genai_sim_last_add(u_char *p, u_char *end,
    u_char *data, size_t len);


void
ngx_http_genai_sim_last_set(ngx_http_request_t *r, ngx_str_t *body)
{
    u_char                          *p, *end;
    size_t                           total;
    ngx_uint_t                       i;
    ngx_list_part_t                 *part;
    ngx_table_elt_t                 *h;
    ngx_http_genai_sim_last_t       *last;
    ngx_http_genai_sim_main_conf_t  *smcf;

    smcf = ngx_http_get_module_main_conf(r, ngx_http_genai_sim_module);
    last = smcf->last;

    ngx_shmtx_lock(&smcf->shpool->mutex);

    p = last->data;
    end = p + NGX_HTTP_GENAI_SIM_LAST;

    p = ngx_http_genai_sim_last_add(p, end, r->request_line.data,
                                    r->request_line.len);
    p = ngx_http_genai_sim_last_add(p, end, (u_char *) CRLF, 2);

    total = r->request_line.len + 4;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {

            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        total += h[i].key.len + h[i].value.len + 4;

        p = ngx_http_genai_sim_last_add(p, end, h[i].key.data, h[i].key.len);
        p = ngx_http_genai_sim_last_add(p, end, (u_char *) ": ", 2);
        p = ngx_http_genai_sim_last_add(p, end, h[i].value.data,
                                        h[i].value.len);
        p = ngx_http_genai_sim_last_add(p, end, (u_char *) CRLF, 2);
    }

    p = ngx_http_genai_sim_last_add(p, end, (u_char *) CRLF, 2);

    last->head = p - last->data;

    p = ngx_http_genai_sim_last_add(p, end, body->data, body->len);

    last->body = p - last->data - last->head;
    last->total = total + body->len;

    ngx_shmtx_unlock(&smcf->shpool->mutex);
}


static u_char *
ngx_http_genai_sim_last_add(u_char *p, u_char *end, u_char *data, size_t len)
{
    if (len > (size_t) (end - p)) {
        len = end - p;
    }

    return ngx_cpymem(p, data, len);
}


/* a copy, for the next request may come while this one is sent */

ngx_int_t
ngx_http_genai_sim_last_get(ngx_http_request_t *r, ngx_str_t *text,
    ngx_uint_t *truncated)
{
    u_char                          *from;
    size_t                           size;
    ngx_str_t                        part;
    ngx_http_genai_sim_last_t       *last;
    ngx_http_genai_sim_main_conf_t  *smcf;

    if (ngx_http_arg(r, (u_char *) "part", 4, &part) != NGX_OK) {
        part.len = 0;
    }

    smcf = ngx_http_get_module_main_conf(r, ngx_http_genai_sim_module);
    last = smcf->last;

    /* it may have grown when it is copied */

    for ( ;; ) {

        size = last->head + last->body;

        text->data = ngx_palloc(r->pool, size + 1);
        if (text->data == NULL) {
            return NGX_ERROR;
        }

        ngx_shmtx_lock(&smcf->shpool->mutex);

        if (last->head + last->body <= size) {
            break;
        }

        ngx_shmtx_unlock(&smcf->shpool->mutex);
    }

    from = last->data;
    text->len = last->head + last->body;

    if (part.len == 4 && ngx_strncmp(part.data, "head", 4) == 0) {
        text->len = last->head;

    } else if (part.len == 4 && ngx_strncmp(part.data, "body", 4) == 0) {
        from += last->head;
        text->len = last->body;
    }

    ngx_memcpy(text->data, from, text->len);

    *truncated = (last->total > last->head + last->body);

    ngx_shmtx_unlock(&smcf->shpool->mutex);

    return NGX_OK;
}
