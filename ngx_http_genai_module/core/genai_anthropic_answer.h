/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The answers of Anthropic's Messages API, whole and as a stream
 * (https://docs.anthropic.com/en/api/messages and
 * .../en/docs/build-with-claude/streaming), to events and back; of
 * count_tokens that there is an answer.
 *
 * The decoder is fed with a body in any pieces; but for where strings are cut
 * into pieces, the events do not depend on how.  Memory is one fixed block:
 * text passes through, and kept are only the names that are acted on.
 *
 * A decoder or encoder belongs to one thread; different ones are independent.
 */


#ifndef _GENAI_ANTHROPIC_ANSWER_H_INCLUDED_
#define _GENAI_ANTHROPIC_ANSWER_H_INCLUDED_


#include "genai_answer.h"
#include "genai_push.h"
#include "genai_sse.h"


/* bytes of what is acted on; more is an error of the chunk */
#define GENAI_ANTHROPIC_ID_MAX      1024    /* of a tool call */
#define GENAI_ANTHROPIC_NAME_MAX    256     /* of a tool */
#define GENAI_ANTHROPIC_STOP_MAX    64
#define GENAI_ANTHROPIC_INDEX_MAX   65535   /* of a block */

/* bytes of what is told where it is short, of START and ERROR */
#define GENAI_ANTHROPIC_WORD_MAX    128

/* blocks that are told apart; those behind share one place */
#define GENAI_ANTHROPIC_BLOCKS      64


typedef struct {
    unsigned char               n;
    unsigned char               data[GENAI_ANTHROPIC_WORD_MAX];
} genai_anthropic_word_t;


/* what a block is, and which tool call or thought */

typedef struct {
    uint16_t                    number;
    unsigned char               kind;
    unsigned char               said;       /* TOOL: arguments; 2: with its
                                               beginning */
} genai_anthropic_block_t;


/* what a provider counts */

enum {
    GENAI_ANTHROPIC_INPUT = 0,      /* cached ones not included */
    GENAI_ANTHROPIC_OUTPUT,
    GENAI_ANTHROPIC_READ,
    GENAI_ANTHROPIC_WRITTEN,
    GENAI_ANTHROPIC_WRITTEN_5M,
    GENAI_ANTHROPIC_WRITTEN_1H,
    GENAI_ANTHROPIC_THINKING,
    GENAI_ANTHROPIC_COUNTS
};


typedef struct {
    genai_answer_t              base;

    const char                 *fault;      /* of what is acted on */
    uint64_t                    mark;       /* where a gathered value began */

    uint64_t                    stop_start;
    uint64_t                    stop_end;
    uint64_t                    tool_start;
    uint64_t                    usage_start;
    uint64_t                    usage_end;
    uint64_t                    input_start;    /* of "{", not told yet */

    /* tokens, as the provider tells them; -1: not told */
    int64_t                     count[GENAI_ANTHROPIC_COUNTS];
    int64_t                     now[GENAI_ANTHROPIC_COUNTS];
    genai_usage_t               usage;

    uint16_t                    tools;      /* so far */
    uint16_t                    thoughts;
    uint16_t                    index;      /* as the provider tells it */
    uint16_t                    at;         /* the block, in the table below */
    uint16_t                    next;       /* of it, not used yet */
    uint16_t                    nid;
    uint16_t                    nname;
    uint16_t                    nmessage;
    uint16_t                    message_max;

    unsigned char               nstop;
    unsigned char               ndigits;

    unsigned                    started:1;
    unsigned                    finished:1;
    unsigned                    index_known:1;
    unsigned                    message:1;  /* in "message" */
    unsigned                    again:1;    /* which is not the first */
    unsigned                    in_block:1; /* in "content_block" */
    unsigned                    usage_told:1;
    unsigned                    tool_id:1;  /* what of the call is told */
    unsigned                    tool_name:1;
    unsigned                    tool_told:1;
    unsigned                    input_held:1;
    unsigned                    loose:1;    /* a thought in no block for it */

    genai_anthropic_block_t     block[GENAI_ANTHROPIC_BLOCKS + 1];

    genai_push_t                push;
    genai_sse_t                 sse;

    unsigned char               stop[GENAI_ANTHROPIC_STOP_MAX];
    unsigned char               digits[24];
    genai_anthropic_word_t      type;       /* of an event */
    genai_anthropic_word_t      kind;       /* of a block */
    genai_anthropic_word_t      id;         /* of the answer */
    genai_anthropic_word_t      model;

    /* a tool call and an error are never within each other */

    union {
        struct {
            unsigned char       id[GENAI_ANTHROPIC_ID_MAX];
            unsigned char       name[GENAI_ANTHROPIC_NAME_MAX];
        } tool;

        struct {
            genai_anthropic_word_t  code;
            genai_anthropic_word_t  kind;
            unsigned char           message[GENAI_EVENT_MESSAGE_MAX];
        } error;
    } u;
} genai_anthropic_answer_t;


/*
 * Prepares to decode a body, in memory that may hold anything.  Its first
 * byte overrides opts->stream, as genai_openai_answer_init() has it.
 *
 * What is told, beside what genai_event.h says:
 *
 * Tool calls and thoughts are numbered from 0, each kind by itself, in the
 * order in which they begin; a redacted thought is one, too, and its data the
 * SIGNATURE with the field GENAI_FIELD_SEALED.  A call whose arguments the
 * provider leaves out gets "{}" where its block ends, which is what it means.
 * Blocks of other types, such as of tools that the provider runs itself, are
 * told by MEDIA.  A ping is a comment: a CHUNK without GENAI_CHUNK_DATA.
 *
 * USAGE comes first as a copy, of message_start and without what is not known
 * then, for who counts; and then with the end.  cached tokens, which
 * Anthropic counts beside the others, are included in its prompt.
 *
 * A stream has ended with its message_stop, and END is told in front of the
 * CHUNK of its block; a JSON answer with its outermost value, and END is told
 * behind its CHUNK.  A second message_start says nothing.
 */
void genai_anthropic_answer_init(genai_anthropic_answer_t *a,
    const genai_answer_opts_t *opts, genai_event_pt handler, void *ctx);

/* What a stop_reason means.  Thread-safe. */
genai_finish_e genai_anthropic_finish(const genai_str_t *reason);


/* bytes of a call's id that are kept, for its name and for what signs it */
#define GENAI_ANTHROPIC_LATE_MAX  128


typedef struct {
    const genai_answer_head_t  *head;
    genai_write_pt              write;
    void                       *ctx;

    /* an event whose string is open, for more pieces of it */
    const char                 *tail;       /* as genai_writer_resume() wants
                                               it */
    size_t                      len;
    genai_event_e               type;
    genai_field_e               field;
    unsigned                    block;      /* as events number it */

    unsigned                    index;      /* of the open block, or the next */
    unsigned                    kind;       /* of the open block */
    unsigned                    number;
    unsigned                    last;       /* call's number, whose id is
                                               kept */

    genai_usage_t               usage;
    genai_finish_e              finish;
    unsigned char               nword;
    unsigned char               nid;

    unsigned                    started:1;  /* message_start is written */
    unsigned                    usage_known:1;
    unsigned                    finished:1; /* it ends, but may have usage */
    unsigned                    ended:1;    /* message_delta is written */
    unsigned                    called:1;   /* there is a tool call */
    unsigned                    refused:1;
    unsigned                    said:1;     /* the open call has arguments */
    unsigned                    late:1;     /* a call waits for its name */
    unsigned                    failed:1;   /* an error is written: the end */

    unsigned char               word[GENAI_ANTHROPIC_STOP_MAX];
    unsigned char               id[GENAI_ANTHROPIC_LATE_MAX];

    /* arguments that came before their call's name */
    genai_alloc_pt              alloc;
    void                       *alloc_ctx;
    size_t                      limit;
    size_t                      nkept;
    size_t                      kept_size;
    unsigned char              *kept;

    int                         rc;
} genai_anthropic_stream_t;


/* Prepares to encode events as a stream. */
void genai_anthropic_stream_init(genai_anthropic_stream_t *s,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx);

/*
 * Gives it memory, no more than limit bytes, to keep arguments that come
 * before the name of their call; where these are more, the stream fails.
 * Without it such a call has no name.
 */
void genai_anthropic_stream_keep(genai_anthropic_stream_t *s, size_t limit,
    genai_alloc_pt alloc, void *ctx);

/* Gives that memory back. */
void genai_anthropic_stream_free(genai_anthropic_stream_t *s);

/*
 * Encodes one event of choice 0; other choices, those that the dialect has no
 * word for, and copies, as nothing.
 *
 * There is one message_start and one message_stop; blocks have numbers that
 * grow, each is closed before the next begins, also in front of an error.
 * What the client is told first of its input is the usage that is known then,
 * or head->prompt.  A finish waits for the usage behind it, or for END.  END
 * of an answer that was cut closes the open block and is no message_stop: what
 * a client is told then is the caller's decision.
 *
 * Two calls whose arguments come by turns cannot be told: an error event is.
 * So is a finish that is the provider's failure, and arguments that are more
 * than can be kept.  Nothing follows an error.
 *
 * Signatures of another dialect's are told with a mark in front, see
 * genai_anthropic_chat.h.
 *
 * Returns 0, or -1 when write() has stopped, now or before.
 */
int genai_anthropic_stream_event(genai_anthropic_stream_t *s,
    const genai_event_t *event);


/*
 * Writes the answer, choice 0 of it, or the provider's error where there was
 * one.  Arguments that are no JSON object are "{}".
 *
 * Returns 0, or -1 when write() has stopped or an event could not be added.
 */
int genai_anthropic_whole_write(const genai_whole_t *w, genai_write_pt write,
    void *ctx);


#endif /* _GENAI_ANTHROPIC_ANSWER_H_INCLUDED_ */
