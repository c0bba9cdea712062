/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The encoders of the Responses API's answers, whole and as a stream with its
 * full life cycle: response.created, response.in_progress; of each item
 * response.output_item.added, of each of its parts what begins it, its deltas
 * and what ends it, response.output_item.done; and at last response.completed
 * with the whole output.
 *
 * What is said again at the end of a part, an item and the response is kept
 * until then, in memory that genai_responses_stream_keep() is given, as items
 * are; all else is one fixed block.
 *
 * What only its maker can read goes to the client as encrypted_content, which
 * it gives back next turn in the same place.  Where the maker is no provider
 * of this dialect, it stands behind a word that tells whose it is:
 *
 *    genai.DIALECT.thought:SIGNATURE     of the item's summary
 *    genai.DIALECT.sealed:SIGNATURE      the thought itself
 *    genai.DIALECT.text:SIGNATURE        of the message in front of the item
 *    genai.DIALECT.call:CALL_ID:SIGNATURE
 *
 * The bytes depend on nothing but the head and the events: ids of items are
 * made of that of the response.
 */


#ifndef _GENAI_RESPONSES_ENCODE_H_INCLUDED_
#define _GENAI_RESPONSES_ENCODE_H_INCLUDED_


#include "genai_answer.h"


/* what stands in front of a foreign signature */
#define GENAI_RESPONSES_FOREIGN  "genai."

/* items of an answer */
#define GENAI_RESPONSES_OUTPUT_MAX  GENAI_WHOLE_ITEMS


typedef struct {
    unsigned char               kind;
    unsigned char               part;       /* what its open part is of: a
                                               genai_event_e, or 0 */
    unsigned char               parts;      /* parts that have begun */
    unsigned char               field;      /* of what signs a call or a text,
                                               whose item block is */
    uint16_t                    block;
    uint16_t                    index;      /* in the output, once added */
    uint16_t                    output;     /* the item that stands there with
                                               this one's number */
    unsigned                    added:1;    /* told */
    unsigned                    done:1;     /* told */
    unsigned                    cut:1;      /* not complete */
} genai_responses_output_t;


typedef struct {
    const genai_answer_head_t  *head;
    genai_write_pt              write;
    void                       *ctx;
    int64_t                     sequence;

    unsigned                    n;          /* items */
    unsigned                    size;       /* that there is room for */
    unsigned                    open;       /* all in front of it are done */
    unsigned                    nadded;     /* that are in the output */
    unsigned                    current;    /* the message or the thought that
                                               is open, above n: none */
    unsigned                    tail:1;     /* a delta's string is open */
    unsigned                    started:1;
    unsigned                    ended:1;
    unsigned                    finished:1;
    unsigned                    full:1;     /* nothing but an ERROR is taken */
    genai_event_e               tail_type;
    unsigned                    tail_item;
    size_t                      len;
    genai_finish_e              finish;
    int                         rc;

    genai_whole_t               whole;      /* an item's number is a choice */
    genai_responses_output_t   *item;
} genai_responses_stream_t;


/*
 * Prepares to encode events as a stream, and gives it memory to keep what is
 * said in: no more than limit bytes, from alloc.  Without it, and where more
 * is said, genai_responses_stream_event() fails.  What was allocated is given
 * back by genai_responses_stream_free(), and nowhere else.
 */
void genai_responses_stream_init(genai_responses_stream_t *s,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx);
void genai_responses_stream_keep(genai_responses_stream_t *s, size_t limit,
    genai_alloc_pt alloc, void *ctx);
void genai_responses_stream_free(genai_responses_stream_t *s);

/*
 * Encodes one event; see genai_openai_stream_event().  Choices above the
 * first are not told: this dialect has none.  Calls are done with when a text
 * or a thought begins, or the answer ends: they may come interleaved.  A call
 * whose name comes late begins when it is known.  END is the last word, but
 * where the answer was cut, and where there was an ERROR, which is
 * response.failed.
 *
 * Returns 0, or -1 when write() has stopped, there is no memory or too much
 * to keep, or an item that is done goes on, now or before.  An ERROR is taken
 * also then, once, unless it was write(), and ends the stream with all that
 * was kept.
 */
int genai_responses_stream_event(genai_responses_stream_t *s,
    const genai_event_t *event);


/*
 * Writes the answer, or the provider's error where there was one, as the body
 * of an error.  Returns 0, or -1 when write() has stopped or an event could
 * not be added.
 */
int genai_responses_whole_write(const genai_whole_t *w, genai_write_pt write,
    void *ctx);


#endif /* _GENAI_RESPONSES_ENCODE_H_INCLUDED_ */
