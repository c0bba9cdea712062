/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Server-sent events: a resumable reader of their framing, and a writer.
 *
 * The reader follows the WHATWG HTML standard, 9.2.5 "Parsing an event
 * stream" and 9.2.6 "Interpreting an event stream": lines end with LF, CR or
 * CRLF in any mixture, one byte order mark may stand in front, a line that
 * starts with a colon is a comment, one space after a field's colon is not
 * part of the value, a field may have no colon, the values of several data
 * fields are joined by LF, and a blank line ends an event.  "id" and "retry"
 * steer a client's reconnecting, which no client of a model does: they are
 * read over as unknown fields are, and survive where raw bytes pass.
 *
 * There is no line buffer.  The bytes of data fields are pushed on as they
 * come, so an event may have megabytes and memory stays the same; how the
 * input was cut into pieces changes nothing but where the pieces are cut.
 *
 * The blocks between blank lines are a partition of the stream: the raw span
 * of each begins where the one before ended, comments and extra blank lines
 * included.  A block without a data field is reported as one, since its bytes
 * must pass too.  A blank line that ends with CR ends its event at once and
 * not when the next byte tells whether it is CRLF; the LF then is a block of
 * its own, the tail, to be treated as the block before it was.
 *
 * A reader belongs to one thread; different readers are independent.
 */


#ifndef _GENAI_SSE_H_INCLUDED_
#define _GENAI_SSE_H_INCLUDED_


#include "genai_str.h"

#include <stdint.h>


/* bytes of an event's name that are kept; what is longer is cut */
#define GENAI_SSE_NAME_MAX  64


typedef struct {
    genai_str_t           name;     /* of the last "event" field, or empty */
    uint64_t              start;    /* raw span [start, end), in bytes from */
    uint64_t              end;      /* the stream's start */
    unsigned              data:1;   /* there was a data field */
    unsigned              tail:1;   /* nothing but the LF of the CRLF that
                                       ended the block before */
    unsigned              incomplete:1;     /* the stream ended before the
                                               blank line */
} genai_sse_event_t;


/*
 * What is told while reading.  Each function returns 0 to go on and a
 * negative value to stop for good; end() may also return a positive value to
 * pause behind the event.
 */

typedef struct {
    /* the first data field of an event begins; offset is its value's */
    int                 (*begin)(void *ctx, uint64_t offset);

    /*
     * Bytes of the event's data, valid during the call; offset is that of
     * p[0] in the stream.  The LF that joins two data fields comes as a piece
     * of its own, with the offset of the second field.
     */
    int                 (*data)(void *ctx, const unsigned char *p, size_t n,
                                uint64_t offset);

    /* a block has ended; the event is valid during the call */
    int                 (*end)(void *ctx, const genai_sse_event_t *event);
} genai_sse_handler_t;


typedef struct genai_sse_s {
    const genai_sse_handler_t  *handler;
    void                       *ctx;
    const char                 *error;      /* a static text */
    uint64_t                    offset;     /* of the next byte to read */
    uint64_t                    start;      /* of the block */
    uint64_t                    limit;
    unsigned char               state;
    unsigned char               bom;        /* its bytes seen so far */
    unsigned char               nfield;
    unsigned char               nname;
    unsigned char               field[6];
    unsigned char               name[GENAI_SSE_NAME_MAX];
    unsigned                    cr:1;       /* the byte before was a CR */
    unsigned                    data:1;
} genai_sse_t;


/*
 * Prepares to read a stream.  No block may have more than limit bytes, line
 * ends, comments and names included (0: no limit).  handler must outlive the
 * reader; ctx is handed to it.
 */
void genai_sse_init(genai_sse_t *s, const genai_sse_handler_t *handler,
    void *ctx, uint64_t limit);

/*
 * Reads p[0 .. n), the bytes at s->offset, which advances over what has been
 * read.
 *
 * Returns 0 when all bytes have been read; 1 when end() has paused: the rest,
 * from s->offset on, is to be fed again; -1 when the handler has stopped
 * (s->error is NULL) or a block is larger than the limit (s->error tells),
 * after which the reader must not be fed any more.
 */
int genai_sse_feed(genai_sse_t *s, const unsigned char *p, size_t n);

/*
 * The stream has ended.  What follows the last blank line is reported by
 * end() as incomplete, if it is anything at all.
 *
 * Returns 0, or -1 when the handler has stopped.
 */
int genai_sse_end(genai_sse_t *s);

/*
 * Writes one event: name, which may be NULL or empty and must have no line
 * end, and data, of which every line becomes a data field.  dst has size
 * bytes.
 *
 * Returns the number of bytes that the event takes; nothing has been written
 * when that is more than size.
 */
size_t genai_sse_write(unsigned char *dst, size_t size,
    const genai_str_t *name, const genai_str_t *data);


#endif /* _GENAI_SSE_H_INCLUDED_ */
