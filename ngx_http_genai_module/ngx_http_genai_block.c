
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Blocks that hold plain directives of ours, such as genai_provider.
 *
 * They are read by nginx's own parser: their directives are ordinary
 * commands of this module, whose type has a context bit that nginx uses for
 * nothing.  That gives them nginx's argument checks, setters and messages.
 * NGX_MAIN_CONF stands beside the bit so that "include" works inside; no
 * other directive of an HTTP module has it.
 */


#include "ngx_http_genai.h"


char *
ngx_http_genai_read_block(ngx_conf_t *cf, ngx_uint_t type, void *object)
{
    char                 *rv;
    void                **main_conf;
    ngx_conf_t            save;
    ngx_http_conf_ctx_t  *ctx, *parent;

    /*
     * the setters of the block's directives find the object where they look
     * for the module's main configuration; all other modules keep theirs
     */

    parent = cf->ctx;

    ctx = ngx_palloc(cf->temp_pool, sizeof(ngx_http_conf_ctx_t)
                                    + sizeof(void *) * ngx_http_max_module);
    if (ctx == NULL) {
        return NGX_CONF_ERROR;
    }

    *ctx = *parent;

    main_conf = (void **) (ctx + 1);
    ngx_memcpy(main_conf, parent->main_conf,
               sizeof(void *) * ngx_http_max_module);

    main_conf[ngx_http_genai_module.ctx_index] = object;
    ctx->main_conf = main_conf;

    save = *cf;
    cf->ctx = ctx;
    cf->cmd_type = type|NGX_MAIN_CONF;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv;
}


void
ngx_http_genai_conf_error(ngx_conf_t *cf, ngx_uint_t level, u_char *file,
    ngx_uint_t line, const char *fmt, ...)
{
    u_char   errstr[NGX_MAX_CONF_ERRSTR], *p, *last;
    va_list  args;

    last = errstr + NGX_MAX_CONF_ERRSTR;

    va_start(args, fmt);
    p = ngx_vslprintf(errstr, last, fmt, args);
    va_end(args);

    ngx_log_error(level, cf->log, 0, "%*s in %s:%ui",
                  p - errstr, errstr, file, line);
}
