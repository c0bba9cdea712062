/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The answers of OpenAI's chat completions and completions, whole and as a
 * stream (https://platform.openai.com/docs/api-reference/chat and
 * .../completions), and what others who speak that dialect make of it, to
 * events and back; of embeddings, moderations and images what is counted.
 *
 * The decoder is fed with a body in any pieces; but for where strings are cut
 * into pieces, the events do not depend on how.  Memory is one fixed block:
 * text passes through, and kept are only the names that are acted on and at
 * most GENAI_OPENAI_HOLD bytes of text whose place the provider tells late.
 *
 * A decoder or encoder belongs to one thread; different ones are independent.
 */


#ifndef _GENAI_OPENAI_ANSWER_H_INCLUDED_
#define _GENAI_OPENAI_ANSWER_H_INCLUDED_


#include "genai_answer.h"
#include "genai_push.h"
#include "genai_sse.h"


/* bytes of what is acted on; more is an error of the chunk */
#define GENAI_OPENAI_ID_MAX      1024   /* of a tool call */
#define GENAI_OPENAI_NAME_MAX    256    /* of a tool */
#define GENAI_OPENAI_FINISH_MAX  64
#define GENAI_OPENAI_INDEX_MAX   65535  /* of a choice or a tool call */

/* bytes of what is told where it is short, of START and ERROR */
#define GENAI_OPENAI_WORD_MAX    128

#define GENAI_OPENAI_HOLD        1024

/* bytes that the head of a chunk may have, to be read only once */
#define GENAI_OPENAI_HEAD_MAX    239

/* choices whose tool calls are told apart by more than their index */
#define GENAI_OPENAI_CHOICES     8


typedef struct {
    unsigned char               n;
    unsigned char               data[GENAI_OPENAI_WORD_MAX];
} genai_openai_word_t;


/*
 * What all chunks of a stream begin with, up to the first choice's delta, and
 * what the decoder knows there: only the first of them are read so far.
 */

typedef struct {
    genai_push_place_t          place;
    uint16_t                    choice;
    unsigned char               n;          /* bytes of it, 0: none */
    unsigned char               known;      /* what there is beside them */
    unsigned char               error_object;
    unsigned char               data[GENAI_OPENAI_HEAD_MAX];
} genai_openai_seen_t;


/* the tool call of a choice that came last */

typedef struct {
    uint32_t                    hash;       /* of its id */
    uint32_t                    told_id;    /* of what was told of it */
    uint32_t                    told_name;
    uint32_t                    told;       /* its number, above 0 */
    uint16_t                    index;      /* as the provider counts */
    uint16_t                    block;
    uint16_t                    next;       /* the first number not used */
    uint16_t                    any;
} genai_openai_call_t;


typedef struct {
    genai_answer_t              base;

    const char                 *fault;      /* of what is acted on */
    uint64_t                    mark;       /* where a gathered value began */
    uint64_t                    seen;       /* choices below 64 */
    uint64_t                    finished;
    uint64_t                    begun[GENAI_OPENAI_CHOICES]; /* tool calls */

    uint64_t                    finish_start;
    uint64_t                    finish_end;
    uint64_t                    tool_start;
    uint64_t                    usage_start;
    uint64_t                    usage_end;

    genai_usage_t               usage;

    unsigned                    choices;    /* asked for */
    uint16_t                    choice;     /* the one being read */
    uint16_t                    block;      /* and its tool call */
    uint16_t                    index;      /* as the provider tells it */
    uint16_t                    nhold;
    uint16_t                    hold_last;  /* where its last begins */
    uint16_t                    hold_tool;  /* and this call's first */
    uint16_t                    nid;
    uint16_t                    nname;
    uint16_t                    nmessage;
    uint16_t                    message_max;

    unsigned char               done;       /* bytes of "[DONE]" seen */
    unsigned char               told;       /* an event since it was cleared */
    unsigned char               wait;       /* for what is told late */
    unsigned char               said;       /* by delta and message */
    unsigned char               thought;    /* by which of the fields */
    unsigned char               rank;       /* of the usage that was read */
    unsigned char               usage_rank; /* of the one that may be next */
    unsigned char               nfinish;
    unsigned char               nobject;
    unsigned char               tool_field;

    unsigned                    started:1;
    unsigned                    delta:1;    /* the stream has deltas */
    unsigned                    message:1;  /* in "message" */
    unsigned                    index_known:1;
    unsigned                    tool_new:1;     /* gathered and not told */
    unsigned                    usage_read:1;   /* of the highest rank */
    unsigned                    error_object:1; /* "object" is "error" */
    unsigned                    heads:1;        /* of chunks are seen */

    genai_openai_call_t         call[GENAI_OPENAI_CHOICES];

    genai_push_t                push;
    genai_sse_t                 sse;

    unsigned char               finish[GENAI_OPENAI_FINISH_MAX];

    /* the words are told by START, and the heads behind it are seen */

    union {
        struct {
            genai_openai_word_t id;         /* of the answer */
            genai_openai_word_t model;
        };

        genai_openai_seen_t     seen_head;
    };

    /* a tool call and an error are never within each other */

    union {
        struct {
            unsigned char       id[GENAI_OPENAI_ID_MAX];
            unsigned char       name[GENAI_OPENAI_NAME_MAX];
        } tool;

        struct {
            genai_openai_word_t code;
            genai_openai_word_t kind;
            unsigned char       message[GENAI_EVENT_MESSAGE_MAX];
        } error;
    } u;

    unsigned char               hold[GENAI_OPENAI_HOLD];
} genai_openai_answer_t;


/*
 * Prepares to decode a body, in memory that may hold anything.  Its first
 * byte overrides opts->stream: a JSON error instead of a stream, and a stream
 * that nobody asked for, are taken for what they are.
 *
 * A stream has ended with its "[DONE]", and END is told in front of the CHUNK
 * of its block; a JSON answer has ended with its outermost value, and END is
 * told behind its CHUNK: both at once, however long the connection stays
 * open, and both as GENAI_END_DONE, but for a JSON answer that is no more
 * than an error or broken.  What follows is told by CHUNK alone: in a stream
 * block by block, behind a JSON answer as one, with GENAI_CHUNK_TAIL, or with
 * a BROKEN where it is more than white space.
 *
 * A JSON answer with a list instead of choices, of embeddings for example,
 * is START, with the field GENAI_FIELD_PART, USAGE, CHUNK with
 * GENAI_CHUNK_CHOICES, and END: the list itself is stepped over.
 */
void genai_openai_answer_init(genai_openai_answer_t *a,
    const genai_answer_opts_t *opts, genai_event_pt handler, void *ctx);

/* What a finish_reason means.  Thread-safe. */
genai_finish_e genai_openai_finish(const genai_str_t *reason);


typedef struct {
    const genai_answer_head_t  *head;
    genai_write_pt       write;
    void                       *ctx;
    uint64_t                    begun[2];   /* choices that have a role */

    /* a chunk whose string is open, for more pieces of it */
    const char                 *tail;       /* what is open, to go on with
                                               genai_writer_resume() */
    size_t                      len;
    genai_event_e               type;
    unsigned                    choice;
    unsigned                    block;

    int                         rc;
} genai_openai_stream_t;


/* Prepares to encode events as a stream. */
void genai_openai_stream_init(genai_openai_stream_t *s,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx);

/*
 * Encodes one event; those that the dialect has no word for, and copies, as
 * nothing.  The pieces of a string become one chunk, which stays open for
 * them until the last one, a KiB, or any other event: who leaves out or adds
 * pieces keeps the flags right, or hands the CHUNK events on too.  END is
 * "[DONE]", but where the answer was cut: what a client is told then is the
 * caller's decision.
 *
 * Returns 0, or -1 when write() has stopped, now or before.
 */
int genai_openai_stream_event(genai_openai_stream_t *s,
    const genai_event_t *event);


/*
 * Writes the answer, or the provider's error where there was one.
 *
 * Returns 0, or -1 when write() has stopped or an event could not be added.
 */
int genai_openai_whole_write(const genai_whole_t *w, genai_write_pt write,
    void *ctx);


#endif /* _GENAI_OPENAI_ANSWER_H_INCLUDED_ */
