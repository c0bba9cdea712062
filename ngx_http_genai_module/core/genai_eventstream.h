/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * AWS's binary event streams, application/vnd.amazon.eventstream
 * (https://smithy.io/2.0/aws/amazon-eventstream.html), read and written.  A
 * frame is
 *
 *    total length    4 bytes, big-endian like all that follow
 *    headers length  4
 *    checksum        4, CRC-32 of these eight bytes
 *    headers         name length 1, name, type 1, value
 *    payload
 *    checksum        4, CRC-32 of all bytes before it
 *
 * The reader is fed with the stream's bytes, cut anywhere, and hands payloads
 * out as they come: memory is the state below, however large a frame is.  So
 * a payload is known to be whole when its frame ends, and not before.  A
 * frame whose lengths or checksums are wrong is the last one that is read:
 * where the next begins cannot be known.
 *
 * A reader belongs to one thread; different ones are independent.
 */


#ifndef _GENAI_EVENTSTREAM_H_INCLUDED_
#define _GENAI_EVENTSTREAM_H_INCLUDED_


#include "genai_str.h"

#include <stdint.h>


/* bytes of a frame, and of its headers, that AWS allows */
#define GENAI_EVENTSTREAM_FRAME_MAX    (24 * 1024 * 1024)
#define GENAI_EVENTSTREAM_HEADERS_MAX  (128 * 1024)

/* bytes of what is kept: of names and types, of a message; more are cut */
#define GENAI_EVENTSTREAM_WORD_MAX     64
#define GENAI_EVENTSTREAM_MESSAGE_MAX  255

/* bytes of a frame around headers and payload, and in front of both */
#define GENAI_EVENTSTREAM_AROUND       16
#define GENAI_EVENTSTREAM_PRELUDE      12

/* of what we write */
#define GENAI_EVENTSTREAM_HEAD_MAX                                            \
    (GENAI_EVENTSTREAM_PRELUDE + 3 * (4 + 16) + 2 * GENAI_EVENTSTREAM_WORD_MAX \
     + 16)


typedef struct {
    genai_str_t           kind;     /* ":message-type": event, exception,
                                       error */
    genai_str_t           type;     /* ":event-type", ":exception-type" or
                                       ":error-code" */
    genai_str_t           message;  /* ":error-message" */
    uint64_t              start;    /* raw span [start, end), in bytes from */
    uint64_t              end;      /* the stream's start */
    const char           *error;    /* what is wrong with it, a static text;
                                       or NULL */
    unsigned              incomplete:1;     /* the stream ended in it */
} genai_frame_t;


/*
 * What is told while reading.  Each function returns 0 to go on and a
 * negative value to stop for good; end() may also return a positive value to
 * pause behind the frame.
 */

typedef struct {
    /* a frame's headers are known, its payload begins at that offset */
    int                 (*begin)(void *ctx, const genai_frame_t *frame,
                                 uint64_t offset);

    /* bytes of its payload, valid during the call; offset is that of p[0] */
    int                 (*data)(void *ctx, const unsigned char *p, size_t n,
                                uint64_t offset);

    /*
     * A frame has ended, or what is wrong with it was found.  Bytes behind
     * one that is wrong are told as a frame that is wrong and incomplete,
     * without begin().
     */
    int                 (*end)(void *ctx, const genai_frame_t *frame);
} genai_eventstream_handler_t;


typedef struct genai_eventstream_s {
    const genai_eventstream_handler_t  *handler;
    void                       *ctx;
    const char                 *error;      /* a static text */
    uint64_t                    offset;     /* of the next byte to read */
    uint64_t                    start;      /* of the frame */
    uint64_t                    limit;
    uint32_t                    left;       /* bytes of the part being read */
    uint32_t                    payload;
    uint32_t                    crc;        /* of the frame so far */
    uint16_t                    value;      /* bytes of a header's to come */
    uint16_t                    nmessage;
    unsigned char               state;
    unsigned char               header;     /* the part of it being read */
    unsigned char               which;      /* what its value is */
    unsigned char               name_left;
    unsigned char               nname;
    unsigned char               nkind;
    unsigned char               ntype;
    unsigned char               nbuf;
    unsigned char               buf[GENAI_EVENTSTREAM_PRELUDE];
    unsigned char               name[16];
    unsigned char               kind[GENAI_EVENTSTREAM_WORD_MAX];
    unsigned char               type[GENAI_EVENTSTREAM_WORD_MAX];
    unsigned char               message[GENAI_EVENTSTREAM_MESSAGE_MAX];
} genai_eventstream_t;


/*
 * Prepares to read a stream.  No frame may have more than limit bytes (0:
 * AWS's own limit).  handler must outlive the reader; ctx is handed to it.
 */
void genai_eventstream_init(genai_eventstream_t *s,
    const genai_eventstream_handler_t *handler, void *ctx, uint64_t limit);

/*
 * Reads p[0 .. n), the bytes at s->offset, which advances over what has been
 * read.
 *
 * Returns 0 when all bytes have been read; 1 when end() has paused: the rest,
 * from s->offset on, is to be fed again; -1 when the handler has stopped
 * (s->error is NULL) or a frame is larger than the limit (s->error tells),
 * after which the reader must not be fed any more.
 */
int genai_eventstream_feed(genai_eventstream_t *s, const unsigned char *p,
    size_t n);

/*
 * The stream has ended.  What has come of a frame that is not whole, and all
 * that came behind one that is wrong, is reported by end() as incomplete.
 *
 * Returns 0, or -1 when the handler has stopped.
 */
int genai_eventstream_end(genai_eventstream_t *s);

/*
 * Writes what stands in front of the payload, JSON of so many bytes, of a
 * frame of that kind (event, exception) and type, each of no more than
 * GENAI_EVENTSTREAM_WORD_MAX bytes.  dst has room for
 * GENAI_EVENTSTREAM_HEAD_MAX bytes.  Returns the number of bytes.
 */
size_t genai_eventstream_head(unsigned char *dst, const char *kind,
    const char *type, size_t payload);

/*
 * What stands behind it, 4 bytes: crc is genai_crc32() of head and payload.
 */
void genai_eventstream_tail(unsigned char *dst, uint32_t crc);


#endif /* _GENAI_EVENTSTREAM_H_INCLUDED_ */
