/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What all decoders of answers do alike: finding out what kind of body it is,
 * the framing of each kind, and its end.  A dialect adds what it makes of a
 * chunk's text.  Of no use to anybody else.
 */


#ifndef _GENAI_ANSWER_FRAME_H_INCLUDED_
#define _GENAI_ANSWER_FRAME_H_INCLUDED_


#include "genai_answer.h"
#include "genai_eventstream.h"
#include "genai_push.h"
#include "genai_sse.h"


/* what kind of body it is: genai_answer_t's mode */

#define GENAI_ANSWER_SNIFF   0          /* its first byte is yet to come */
#define GENAI_ANSWER_STREAM  1
#define GENAI_ANSWER_WHOLE   2
#define GENAI_ANSWER_ARRAY   3          /* of answers */
#define GENAI_ANSWER_FRAMES  4          /* a stream, of AWS's frames */


/* what a dialect adds; a is its decoder, which begins with a genai_answer_t */

typedef struct genai_answer_frame_s {

    /* what is wrong with a JSON answer that says nothing */
    const char  *empty;

    /*
     * Bytes of a JSON answer's text, at that offset: with its outermost value
     * closed is set, and all is told.  Returns 0, above 0 to pause, or -1.
     */
    int        (*text)(void *a, const unsigned char *p, size_t n,
                       uint64_t offset);

    /*
     * The chunk ends in the middle: tells what was waiting.  Returns 0 or -1.
     * NULL: nothing waits.
     */
    int        (*stop)(void *a, uint64_t offset);

    /* Hands an event to the handler.  Returns what that returned. */
    int        (*tell)(void *a, genai_event_t *e);

    /*
     * Tells the chunk of a JSON answer, which ends at that offset, and END;
     * see genai_answer_whole_end().
     */
    int        (*whole_end)(void *a, uint64_t end);

    /*
     * A stream has ended without its last word: tells END.  Returns 0 or -1.
     */
    int        (*stream_end)(void *a);

    /* The same as text, and the end of the body, of an array; or NULL. */
    int        (*array)(void *a, const unsigned char *p, size_t n);
    int        (*array_end)(void *a);
} genai_answer_frame_t;


/* Takes bytes behind a JSON answer.  Returns 0 or -1. */
int genai_answer_behind(genai_answer_t *a, const unsigned char *p, size_t n);

/*
 * Tells what is wrong, which ends a chunk; what it had said before stays said.
 * error is a static text.  Returns 0, or -1 when the handler has stopped.
 */
int genai_answer_broken(genai_answer_t *a, const char *error,
    uint64_t offset);

/*
 * A whole answer is complete as soon as its outermost value is, however long
 * the connection stays open; or it never will be.  Returns 0, -1 when the
 * handler has stopped, or 1 when it has paused.
 */
int genai_answer_whole_end(genai_answer_t *a, uint64_t end);

/* Tells END at that offset.  Returns 0, or -1 when the handler has stopped. */
int genai_answer_end_tell(genai_answer_t *a, uint64_t start, uint64_t end,
    genai_end_e how);


#define genai_answer_space(c)                                                 \
    ((c) == ' ' || (c) == '\t' || (c) == '\r' || (c) == '\n')


static inline void
genai_answer_event(genai_event_t *e, genai_event_e type)
{
    static const genai_event_t  none;

    /* a few moves of vectors, which is less than genai_zero() */

    *e = none;
    e->type = type;
}


#endif /* _GENAI_ANSWER_FRAME_H_INCLUDED_ */
