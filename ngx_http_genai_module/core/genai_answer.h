/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the answers of all dialects have in common: how a decoder is prepared,
 * what an encoder is told, and what an answer is put together in where it
 * must be whole before it can be written.
 *
 *    bytes -> decoder -> events -> encoder -> bytes       a stream
 *    bytes -> decoder -> events -> whole -> bytes         a JSON answer
 *
 * A decoder takes JSON answers and streams, whichever the first byte shows.
 * A dialect's decoder and encoder are reached through its vtable
 * (genai_dialect.h).  Each belongs to one thread; different ones are
 * independent.
 */


#ifndef _GENAI_ANSWER_H_INCLUDED_
#define _GENAI_ANSWER_H_INCLUDED_


#include "genai_event.h"
#include "genai_writer.h"


typedef struct {
    unsigned                    stream:1;   /* the body's type is that of an
                                               event stream */
    unsigned                    choices;    /* asked for ("n"); 0 is 1 */
    uint64_t                    limit;      /* bytes of one event, 0: none */
    unsigned                    results:1;  /* see genai_results.h */
} genai_answer_opts_t;


/* see genai_answer_frame.h, genai_eventstream.h, genai_push.h, genai_sse.h */

struct genai_answer_frame_s;
struct genai_eventstream_s;
struct genai_push_s;
struct genai_sse_s;


/* what every decoder begins with; behind it is its own */

typedef struct {
    genai_event_pt                     handler;
    void                              *ctx;
    uint64_t                           offset;  /* of the next byte to read */

    /* the frame's own */
    const struct genai_answer_frame_s *frame;
    struct genai_push_s               *push;
    struct genai_sse_s                *sse;     /* of its streams: one of */
    struct genai_eventstream_s        *frames;  /* these, the other is NULL */
    uint16_t                           chunk;   /* flags of the one being
                                                   read */
    unsigned char                      mode;
    unsigned                           stream:1;    /* the body is one, as far
                                                       as is known so far */
    unsigned                           failed:1;    /* stopped by the
                                                       handler */
    unsigned                           broken:1;    /* the chunk */
    unsigned                           blank:1;     /* its data so far */
    unsigned                           closed:1;    /* the whole answer's
                                                       value */
    unsigned                           cut:1;       /* the body ended in a
                                                       text */
    unsigned                           ended:1;
} genai_answer_t;


/*
 * Decodes p[0 .. n), the bytes at a->offset, which advances over what has
 * been read.
 *
 * Returns 0 when all bytes have been read; 1 when the handler has paused: the
 * rest, from a->offset on, is to be fed again; -1 when the handler has
 * stopped, or an event was larger than the limit (told as BROKEN before),
 * after which the decoder must not be fed any more.
 */
int genai_answer_feed(genai_answer_t *a, const unsigned char *p, size_t n);

/*
 * The body has ended.  Tells the chunk that has not been told, and END, where
 * it has not been told.
 *
 * Returns 0, or -1 when the handler has stopped.
 */
int genai_answer_end(genai_answer_t *a);


/* what every chunk and answer tells, and must outlive the encoder */

typedef struct {
    genai_str_t                 id;
    genai_str_t                 model;
    int64_t                     created;    /* seconds since the epoch */
    unsigned                    text:1;     /* openai: completions, not chat */
    unsigned                    usage:1;    /* the client gets usage */
    int64_t                     prompt;     /* tokens that we have counted, for
                                               who must tell them first; -1:
                                               not known */
} genai_answer_head_t;


/*
 * Whether an event ends the commit window: it shows that the provider is
 * answering, with a word, a thought, a refusal, a tool call, audio or an
 * image, a list of results, or the reason why there is none.
 *
 * Returns 1 or 0.  Thread-safe.
 */
int genai_event_meaningful(const genai_event_t *event);


/* one text of an answer that is being put together */

typedef struct {
    unsigned short              choice;
    unsigned short              block;      /* TEXT: how many of them stand in
                                               front of it */
    unsigned short              next;       /* with the same hash, and */
    unsigned short              of;         /* that a SIGNATURE is of: numbers
                                               from 1, 0: none */
    unsigned char               type;       /* a genai_event_e */
    unsigned char               field;
    unsigned char               finish;
    unsigned                    nid;        /* bytes of data that are the id */
    unsigned                    nname;      /* and then the name */
    size_t                      len;
    size_t                      size;
    unsigned char              *data;
} genai_whole_slot_t;


/* texts, thoughts, refusals and tool calls that an answer may have */
#define GENAI_WHOLE_ITEMS  1024

/* slots: of these, of what signs them, and of the ends of choices */
#define GENAI_WHOLE_SLOTS  (2 * GENAI_WHOLE_ITEMS + 128)

/* the number of a choice or a block is not above it */
#define GENAI_WHOLE_INDEX_MAX  65535

/* a power of 2 */
#define GENAI_WHOLE_HASH  256


/*
 * Gives size bytes that begin with the old ones of p, or takes p back where
 * size is 0.  Returns NULL when there is no memory.
 */
typedef void *(*genai_alloc_pt)(void *ctx, void *p, size_t old, size_t size);


/*
 * An answer that is put together: a slot for each text, thought, tool call,
 * end and error, in the order in which they began.  A text ends where
 * something else begins, and so does a thought; one that goes on behind it
 * has a slot of its own.  ARGUMENTS are the text of their TOOL's slot.  A
 * SIGNATURE has a slot of its own, beside that of the block that it signs.
 */

typedef struct {
    const genai_answer_head_t  *head;
    genai_alloc_pt              alloc;
    void                       *ctx;
    size_t                      limit;
    size_t                      used;       /* bytes allocated */
    unsigned                    n;
    unsigned                    size;       /* slots that there is room for */
    unsigned                    items;
    unsigned                    joined:1;   /* by who keeps it: a choice has
                                               one text, and one thought of a
                                               block, wherever they go on */
    int                         rc;
    genai_usage_t               usage;
    unsigned short              hash[GENAI_WHOLE_HASH];
    genai_whole_slot_t         *slot;
} genai_whole_t;


/*
 * Prepares to put an answer together from events.  Memory comes from alloc
 * and is never more than limit bytes; all is given back by
 * genai_whole_free().
 */
void genai_whole_init(genai_whole_t *w, const genai_answer_head_t *head,
    size_t limit, genai_alloc_pt alloc, void *ctx);

/*
 * Adds an event.  Returns 0, or -1 when the answer is too large or there is
 * no memory, now or before.
 */
int genai_whole_event(genai_whole_t *w, const genai_event_t *event);

/* Gives the memory back.  The answer may be prepared again. */
void genai_whole_free(genai_whole_t *w);

/*
 * Gives size bytes that begin with the old ones of p, of those that the
 * answer may use; they are given back to its alloc.  Returns NULL when they
 * are too many or there is no memory.
 */
void *genai_whole_grow(genai_whole_t *w, void *p, size_t old, size_t size);

/*
 * For encoders: the slot of a choice's text, call, end or, of any field,
 * signature; the last one where there are several.  Returns NULL where there
 * is none.
 */
const genai_whole_slot_t *genai_whole_find(const genai_whole_t *w,
    unsigned choice, genai_event_e type, unsigned block);

/* What signs that slot, as field says; or NULL. */
const genai_whole_slot_t *genai_whole_signature(const genai_whole_t *w,
    const genai_whole_slot_t *slot, genai_field_e field);

/* What that slot signs, or NULL where that is not there. */
const genai_whole_slot_t *genai_whole_signed(const genai_whole_t *w,
    const genai_whole_slot_t *signature);

/* The provider's error, or NULL. */
const genai_whole_slot_t *genai_whole_error(const genai_whole_t *w);

/*
 * The lowest number of a choice from that one on.  Returns a number above
 * GENAI_WHOLE_INDEX_MAX where there is none.
 */
unsigned genai_whole_choice(const genai_whole_t *w, unsigned from);

/*
 * The call of a choice whose number is the lowest from that one on.  Returns
 * NULL where there is none.
 */
const genai_whole_slot_t *genai_whole_call(const genai_whole_t *w,
    unsigned choice, unsigned from);

/* What a slot was put together of; views, empty where there is nothing. */
void genai_whole_parts(const genai_whole_slot_t *slot, genai_str_t *id,
    genai_str_t *name, genai_str_t *text);


#endif /* _GENAI_ANSWER_H_INCLUDED_ */
