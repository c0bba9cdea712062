/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every difference between nginx versions that concerns us, from 1.22.0 on,
 * one macro each.  No other file looks at nginx_version.
 */


#ifndef _NGX_HTTP_GENAI_COMPAT_H_INCLUDED_
#define _NGX_HTTP_GENAI_COMPAT_H_INCLUDED_


#include <nginx.h>


#if (nginx_version < 1022000)
#error ngx_http_genai_module needs nginx 1.22.0 or newer
#endif


/* 1.23.0: header lines of one name are linked; the link must be set */

#if (nginx_version >= 1023000)
#define ngx_http_genai_end_header(h)  (h)->next = NULL
#else
#define ngx_http_genai_end_header(h)
#endif


/* whatever the version: it depends on the modules that are built */

#if (NGX_HTTP_GZIP || NGX_HTTP_HEADERS)
#define NGX_HTTP_GENAI_ACCEPT_ENCODING  1
#endif

#if (NGX_HTTP_CACHE)
#define ngx_http_genai_cached(r)  (r)->cached
#else
#define ngx_http_genai_cached(r)  0
#endif


/* 1.27.2: trailers of a chunked body may be kept; we drop them */

#if (nginx_version >= 1027002)
#define ngx_http_genai_parse_chunked(r, b, ctx)                               \
    ngx_http_parse_chunked(r, b, ctx, 0)
#else
#define ngx_http_genai_parse_chunked(r, b, ctx)                               \
    ngx_http_parse_chunked(r, b, ctx)
#endif


/* 1.29.6: a peer has a session id, and a hint of the wanted one */

#if (NGX_HTTP_UPSTREAM_SID                                                    \
     || (NGX_COMPAT && nginx_version >= 1029006))
#define NGX_HTTP_GENAI_PEER_SID  1
#endif


#endif /* _NGX_HTTP_GENAI_COMPAT_H_INCLUDED_ */
