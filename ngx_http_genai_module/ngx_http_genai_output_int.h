
/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the files about an answer's body on its way out share.
 */


#ifndef _NGX_HTTP_GENAI_OUTPUT_INT_H_INCLUDED_
#define _NGX_HTTP_GENAI_OUTPUT_INT_H_INCLUDED_


#include "ngx_http_genai.h"


/* of a stream's buffers, of which most streams need one or two */
#define NGX_HTTP_GENAI_OUTPUT_BUFS  16
#define NGX_HTTP_GENAI_OUTPUT_SIZE  4096

/* choices whose end we say ourselves: all that can be asked for */
#define NGX_HTTP_GENAI_OUTPUT_CHOICES  GENAI_REQUEST_CHOICES_MAX


/* what a client is told of an answer that cannot be kept */
#define NGX_HTTP_GENAI_ENCODE_LARGE                                           \
    "the provider's answer is too large to be translated"


/* what the beginning of an answer, or an end of ours, says of it */
typedef struct {
    genai_answer_head_t     answer;
    uint64_t                finished[NGX_HTTP_GENAI_OUTPUT_CHOICES / 64];
} ngx_http_genai_output_head_t;


struct ngx_http_genai_output_s {
    ngx_http_genai_ctx_t   *ctx;

    ngx_chain_t            *in;         /* that is not yet read */

    /* our buffers, each of them in one of these, and links that go out */
    ngx_chain_t            *held;       /* of the event that has begun */
    ngx_chain_t            *held_last;
    ngx_chain_t            *out;
    ngx_chain_t            *out_last;
    ngx_chain_t            *busy;       /* with the filters behind us */
    ngx_chain_t            *free;
    ngx_int_t               left;       /* free or not yet made; what is
                                           encoded may overdraw it */

    /* of a stream that a limit may end */
    ngx_http_genai_output_head_t  *head;
    ngx_buf_t              *ending;     /* its end, in pieces */

    /* offsets in the body */
    u_char                 *piece;      /* that is being decoded, */
    uint64_t                start;      /* and where it begins */
    uint64_t                taken;      /* bytes copied or left out */
    uint64_t                whole;      /* the end of the last whole event */

    unsigned                read:1;     /* its events mean something */
    unsigned                stream:1;
    unsigned                dropped:1;  /* the last event */
    unsigned                done:1;     /* it was the dialect's last word */
    unsigned                split:1;    /* a part of the begun one is out */
    unsigned                cut:1;      /* the body has ended in one */
    unsigned                broken:1;   /* said in the log */
    unsigned                died:1;     /* the provider, behind the input */
    unsigned                stopped:1;  /* by a limit */

    /* of an answer in another dialect */
    unsigned                silent:1;   /* encoded for its state alone */
    unsigned                bad:1;      /* it is no whole answer */
    unsigned                failed:1;   /* an error was told */
    unsigned                called:1;   /* a tool was called */
    unsigned                finished:1; /* why it ended was told */
    unsigned                over:1;     /* all of it was made */
    unsigned                begun:1;    /* an event that spans several of the
                                           provider's */

    ngx_str_t               wrong;      /* why it cannot be encoded */
    unsigned                unnamed:1;  /* a call that has no name so far: */
    unsigned                choice;
    unsigned                block;

    const genai_dialect_t  *dialect;    /* the provider's */
    genai_answer_t         *answer;
    void                   *encoder;    /* the client's dialect's, or a
                                           genai_whole_t; NULL: bytes pass */
    size_t                  size;       /* of this, and both behind it */
};


/* a stream whose head is held, and which may become an error with a status */
#define ngx_http_genai_output_unsaid(o)                                       \
    ((o)->stream && (o)->ctx->head_held && !(o)->ctx->meaningful)


/* What is held goes out; or is forgotten, and its buffers are free. */
void ngx_http_genai_output_release(ngx_http_genai_output_t *o);
void ngx_http_genai_output_forget(ngx_http_genai_output_t *o);

/*
 * Bytes that may be decoded now: there will be a buffer for them whether they
 * are the end of an event, which goes where its beginning is, or the
 * beginning of one, which gets a buffer of its own, or both.
 */
size_t ngx_http_genai_output_room(ngx_http_genai_output_t *o);

/*
 * Takes over what was not yet taken of the piece, up to an offset.  Returns
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_genai_output_copy(ngx_http_genai_output_t *o,
    uint64_t upto);

/* The filters behind us have seen these links, and may still have buffers. */
void ngx_http_genai_output_update(ngx_http_genai_output_t *o,
    ngx_chain_t *out);

/* Puts a buffer behind what goes out.  Returns NGX_OK or NGX_ERROR. */
ngx_int_t ngx_http_genai_output_link(ngx_http_genai_output_t *o,
    ngx_buf_t *b);


/* One more buffer for what is held.  Returns NGX_OK or NGX_ERROR. */
ngx_int_t ngx_http_genai_output_more(ngx_http_genai_output_t *o);

/* Decodes bytes; and the end of the body.  Return NGX_OK or NGX_ERROR. */
ngx_int_t ngx_http_genai_output_decode(ngx_http_genai_output_t *o, u_char *p,
    size_t n);
ngx_int_t ngx_http_genai_output_end(ngx_http_genai_output_t *o);


/* ngx_http_genai_output_encode.c: answers in another dialect */

/* Prepares to encode; and gives back what that has taken. */
ngx_int_t ngx_http_genai_encode_init(ngx_http_genai_output_t *o);
void ngx_http_genai_encode_close(ngx_http_genai_output_t *o);

/*
 * An event.  Returns 0, or -1 when out of memory, or, with stopped set, when
 * no more of the answer is to be read.
 */
int ngx_http_genai_encode_event(ngx_http_genai_output_t *o, genai_event_t *e);

/* Tells the client of a stream that it has failed, unless it was told. */
ngx_int_t ngx_http_genai_encode_fail(ngx_http_genai_output_t *o);

/*
 * Makes the error of ctx the whole answer, with its status, in place of a
 * stream whose head is held.  Returns NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_genai_encode_refuse(ngx_http_genai_output_t *o);

/* Ends a stream by its length, as ngx_http_genai_output_stop() is to. */
ngx_int_t ngx_http_genai_encode_length(ngx_http_genai_output_t *o);

/*
 * Takes in all input of a JSON answer, and puts it and its head out when that
 * has ended.  Returns NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_genai_encode_whole(ngx_http_genai_output_t *o);


/* ngx_http_genai_output_end.c: ends that are not the provider's */

/* Notes that the provider's answer was none. */
void ngx_http_genai_output_bad(ngx_http_genai_output_t *o);

/* Whether the body of a stream has ended before the stream. */
ngx_uint_t ngx_http_genai_output_torn(ngx_http_genai_output_t *o);

/*
 * The provider has broken off: what was held gives way to an error event.
 * Returns NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_genai_output_cut(ngx_http_genai_output_t *o);

/*
 * An event of the stream, which may go on as far as limits are concerned:
 * NGX_OK; else NGX_DECLINED, and the stream is to end in front of it.
 */
ngx_int_t ngx_http_genai_output_limit(ngx_http_genai_output_t *o,
    genai_event_t *e);

/*
 * Ends a stream as if its provider had been told to make it no longer, and
 * lets go of the provider.  What was held of the event that has begun is
 * forgotten; where a part of it is out, the end is missing.  Returns NGX_OK or
 * NGX_ERROR.
 */
ngx_int_t ngx_http_genai_output_stop(ngx_http_genai_output_t *o);


#endif /* _NGX_HTTP_GENAI_OUTPUT_INT_H_INCLUDED_ */
