/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A resumable reader of a multipart/form-data body (RFC 7578, RFC 2046 5.1):
 * fed with its bytes, cut anywhere, it finds where the part "model" has its
 * value, what that is, and whether the part "stream" is "true".  All other
 * parts are passed over unread; memory is the state below.
 *
 * Two readers must never see two models, so that what one may read in another
 * way than the next is refused: bytes before the first delimiter or behind
 * the last, delimiters behind a line feed alone or with anything behind them,
 * header lines that are folded, end with LF alone or tell a thing twice, a
 * quote with a backslash in front, name*, a part "model" that stands twice,
 * is a file, is coded, in another charset than UTF-8, or spelled in another
 * case.  A bound of parts and of their headers holds for all.
 *
 * How the input was cut changes nothing.  A reader belongs to one thread at a
 * time; nothing is allocated.
 */


#ifndef _GENAI_MULTIPART_H_INCLUDED_
#define _GENAI_MULTIPART_H_INCLUDED_


#include "genai_str.h"

#include <stdint.h>


/* bytes of a boundary (RFC 2046) */
#define GENAI_MULTIPART_BOUNDARY_MAX  70

/* bytes of a part's header, and of a line of it */
#define GENAI_MULTIPART_HEAD_MAX      8192
#define GENAI_MULTIPART_LINE_MAX      2048

#define GENAI_MULTIPART_PARTS         1024

/* bytes of the value of a part that is read */
#define GENAI_MULTIPART_VALUE_MAX     256


typedef struct {
    /* what has been found; the spans are offsets in the body */

    uint64_t         first;         /* of the first delimiter */
    uint64_t         start;         /* of the model's value, */
    uint64_t         end;           /* and behind it */
    unsigned char    model[GENAI_MULTIPART_VALUE_MAX];
    unsigned         nmodel;        /* its bytes; 0: there is no such part */
    unsigned         stream:1;      /* "stream" is "true" */

    /* what parts stand between: "--" and the boundary */

    unsigned char    ndelimiter;
    unsigned char    delimiter[GENAI_MULTIPART_BOUNDARY_MAX + 2];

    const char      *error;         /* what is wrong, a static text, */
    uint64_t         offset;        /* and where; else bytes read so far */

    /* its own */

    unsigned char    state;
    unsigned char    matched;       /* bytes of the delimiter seen */
    unsigned char    reads;         /* which part it is */
    unsigned short   nline;
    unsigned short   nhead;
    unsigned short   nparts;
    unsigned short   nvalue;

    unsigned         cr:1;          /* the byte before was a CR */
    unsigned         bare:1;        /* no CR was before the LF */
    unsigned         disposed:1;    /* of the header: what it has told */
    unsigned         typed:1;
    unsigned         text:1;        /* its type is a text in UTF-8 */
    unsigned         coded:1;
    unsigned         file:1;
    unsigned         streams:1;     /* "stream" has been read */

    unsigned char    line[GENAI_MULTIPART_LINE_MAX];
} genai_multipart_t;


/*
 * Prepares to read a body of that content-type.  Returns 0, or -1 with
 * m->error set where that is no multipart/form-data, or its boundary cannot be
 * told.
 */
int genai_multipart_init(genai_multipart_t *m, const genai_str_t *type);

/*
 * Reads p[0 .. n), the next bytes of the body.
 *
 * Returns 0, or -1 with m->error and m->offset set, for ever.
 */
int genai_multipart_feed(genai_multipart_t *m, const unsigned char *p,
    size_t n);

/*
 * The body has ended.  Returns 0 where it was complete, or -1 as above.  What
 * was found may be believed only then.
 */
int genai_multipart_end(genai_multipart_t *m);


#endif /* _GENAI_MULTIPART_H_INCLUDED_ */
