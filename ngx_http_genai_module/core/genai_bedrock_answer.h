/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The answers of Amazon Bedrock's Converse and ConverseStream
 * (https://docs.aws.amazon.com/bedrock/latest/APIReference/
 * API_runtime_Converse.html and API_runtime_ConverseStream.html), whole and
 * as binary event streams, to events and back.
 *
 * The decoder is fed with a body in any pieces; but for where strings are cut
 * into pieces, the events do not depend on how.  Memory is one fixed block:
 * text passes through, kept are only names that are acted on, and of a whole
 * answer's call its arguments, which stand before its name.
 *
 * A decoder or encoder belongs to one thread; different ones are independent.
 */


#ifndef _GENAI_BEDROCK_ANSWER_H_INCLUDED_
#define _GENAI_BEDROCK_ANSWER_H_INCLUDED_


#include "genai_answer.h"
#include "genai_eventstream.h"
#include "genai_gather.h"
#include "genai_push.h"


/* bytes of what is acted on; more is an error of the chunk */
#define GENAI_BEDROCK_ID_MAX      1024      /* of a tool call */
#define GENAI_BEDROCK_NAME_MAX    256       /* of a tool */
#define GENAI_BEDROCK_STOP_MAX    64
#define GENAI_BEDROCK_INDEX_MAX   65535     /* of a block */

/* blocks that are told apart; those behind share one place */
#define GENAI_BEDROCK_BLOCKS      64

/*
 * Bytes of a call's arguments that wait for its name and id, which AWS tells
 * behind them: a call with more is told without, and again with them.
 */
#define GENAI_BEDROCK_HOLD        8192


/* what a block is, and which tool call or thought */

typedef struct {
    uint16_t                    number;
    unsigned char               kind;
    unsigned char               said;       /* TOOL: arguments */
} genai_bedrock_block_t;


/* what a provider counts */

enum {
    GENAI_BEDROCK_INPUT = 0,        /* cached ones not included */
    GENAI_BEDROCK_OUTPUT,
    GENAI_BEDROCK_TOTAL,
    GENAI_BEDROCK_READ,
    GENAI_BEDROCK_WRITTEN,
    GENAI_BEDROCK_WRITTEN_1H,
    GENAI_BEDROCK_COUNTS
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
    uint64_t                    hold_start;
    uint64_t                    hold_end;

    /* tokens, as the provider tells them; -1: not told */
    int64_t                     count[GENAI_BEDROCK_COUNTS];
    int64_t                     detail;     /* of a member of cacheDetails */
    genai_usage_t               usage;

    uint16_t                    tools;      /* so far */
    uint16_t                    thoughts;
    uint16_t                    index;      /* as the provider tells it */
    uint16_t                    at;         /* the block, in the table below */
    uint16_t                    nid;
    uint16_t                    nname;
    uint16_t                    nhold;
    uint16_t                    nstop;
    uint16_t                    nmessage;

    unsigned                    started:1;
    unsigned                    finished:1;
    unsigned                    index_known:1;
    unsigned                    usage_told:1;
    unsigned                    tool_told:1;
    unsigned                    tool_id:1;  /* what of the call is told */
    unsigned                    tool_name:1;
    unsigned                    in_tool:1;  /* in "toolUse", whole or begun */
    unsigned                    server:1;   /* that the provider runs */
    unsigned                    held:1;     /* all arguments wait */
    unsigned                    over:1;     /* there was no room */
    unsigned                    failing:1;  /* the frame is an error */
    unsigned                    excuse:1;   /* there is a message */
    unsigned                    wrong:1;    /* no frame can be read any more */
    unsigned                    hour:1;     /* of a member of cacheDetails */

    genai_bedrock_block_t       block[GENAI_BEDROCK_BLOCKS + 1];

    genai_push_t                push;
    genai_eventstream_t         frames;

    genai_digits_t              digits;
    genai_word_t                word;
    unsigned char               stop[GENAI_BEDROCK_STOP_MAX];

    /* a tool call and an error are never within each other */

    union {
        struct {
            unsigned char        id[GENAI_BEDROCK_ID_MAX];
            unsigned char        name[GENAI_BEDROCK_NAME_MAX];
            unsigned char        hold[GENAI_BEDROCK_HOLD];
        } tool;

        genai_message_text_t     message;
    } u;
} genai_bedrock_answer_t;


/*
 * Prepares to decode a body, in memory that may hold anything.  Its first
 * byte overrides opts->stream: "{" is a whole answer or an error.
 *
 * What is told, beside what genai_event.h says:
 *
 * Tool calls and thoughts are numbered from 0, each kind by itself, in the
 * order in which they begin; a redacted thought is one, too, and its data, as
 * base64, the SIGNATURE with the field GENAI_FIELD_SEALED.  A call without
 * arguments has "{}".  Blocks of tools that the provider runs itself, images
 * and the like are told by MEDIA.
 *
 * An exception frame is ERROR, its type the name.  A frame with a wrong
 * checksum is BROKEN, and so is all that follows: what it had said was told
 * before that was known.
 *
 * cached tokens, which Bedrock counts beside the others, are included in the
 * prompt.
 *
 * A stream has no last word: it has ended with its messageStop and its
 * metadata, in any order, and END is told in front of the CHUNK of the
 * second of them; without metadata it is GENAI_END_CLEAN.
 */
void genai_bedrock_answer_init(genai_bedrock_answer_t *a,
    const genai_answer_opts_t *opts, genai_event_pt handler, void *ctx);

/*
 * The exception of a stream that says the same as an error's type, which may
 * be another dialect's or NULL.  Returns a static text.  Thread-safe.
 */
const char *genai_bedrock_exception(const genai_str_t *type);

/* What a stopReason means.  Thread-safe. */
genai_finish_e genai_bedrock_finish(const genai_str_t *reason);


/* bytes of text that become one frame, but for signatures */
#define GENAI_BEDROCK_PIECE     1023

/* bytes of a call's id that are kept: its name may be told late */
#define GENAI_BEDROCK_LATE_MAX  128


typedef struct {
    const genai_answer_head_t  *head;
    genai_write_pt              write;
    void                       *ctx;

    /* memory for signatures, which must not be cut */
    genai_alloc_pt              alloc;
    void                       *alloc_ctx;
    size_t                      limit;
    unsigned char              *big;
    size_t                      size;       /* of it */

    /* text that waits to become a frame */
    size_t                      len;
    genai_event_e               type;
    genai_field_e               field;
    unsigned                    block;      /* as events number it */
    unsigned char               nsigner;
    unsigned                    nid;        /* of a signature, in the text */

    unsigned                    index;      /* of the open block, or the next */
    unsigned                    kind;       /* of the open block */
    unsigned                    number;
    unsigned                    last;       /* call, whose id is kept */

    genai_usage_t               usage;
    genai_finish_e              finish;
    unsigned char               nword;
    unsigned char               nlate;

    unsigned                    waits:1;    /* there is a text */
    unsigned                    started:1;  /* messageStart is written */
    unsigned                    usage_known:1;
    unsigned                    finished:1; /* it ends, but may have usage */
    unsigned                    ended:1;    /* messageStop is written */
    unsigned                    called:1;   /* there is a tool call */
    unsigned                    refused:1;
    unsigned                    said:1;     /* the open call has arguments */
    unsigned                    late:1;     /* a call waits for its name */
    unsigned                    failed:1;   /* nothing follows */
    unsigned                    full:1;     /* nothing but an ERROR is taken */

    unsigned char               signer[32];
    unsigned char               word[GENAI_BEDROCK_STOP_MAX];
    unsigned char               id[GENAI_BEDROCK_LATE_MAX];
    unsigned char               text[GENAI_BEDROCK_PIECE + 1];

    int                         rc;
} genai_bedrock_stream_t;


/* Prepares to encode events as a stream of frames. */
void genai_bedrock_stream_init(genai_bedrock_stream_t *s,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx);

/*
 * Gives memory for signatures that are longer than GENAI_BEDROCK_PIECE, no
 * more than limit bytes: where there is none such an event fails, and
 * nothing but an ERROR is taken behind it.
 * genai_bedrock_stream_free() gives it back.
 */
void genai_bedrock_stream_keep(genai_bedrock_stream_t *s, size_t limit,
    genai_alloc_pt alloc, void *ctx);
void genai_bedrock_stream_free(genai_bedrock_stream_t *s);

/*
 * Encodes one event of choice 0; other choices, those that the dialect has no
 * word for, and copies, as nothing.
 *
 * A text waits for its end, GENAI_BEDROCK_PIECE bytes or a CHUNK.  Blocks
 * have numbers that grow, each is closed before the next begins.  metadata
 * follows messageStop, as soon as there is usage or END.  END of an answer
 * that was cut closes the open block and is no messageStop.
 *
 * Two calls whose arguments come by turns cannot be told: an exception is.
 * So is a finish that is the provider's failure.  Nothing follows one.
 *
 * Signatures of another dialect's are told with a mark in front, see
 * genai_bedrock_chat.h.
 *
 * Returns 0, or -1 when write() has stopped, now or before.
 */
int genai_bedrock_stream_event(genai_bedrock_stream_t *s,
    const genai_event_t *event);


/*
 * Writes the answer, choice 0 of it, or the provider's error where there was
 * one.  Arguments that are no JSON object are "{}".
 *
 * Returns 0, or -1 when write() has stopped or an event could not be added.
 */
int genai_bedrock_whole_write(const genai_whole_t *w, genai_write_pt write,
    void *ctx);


#endif /* _GENAI_BEDROCK_ANSWER_H_INCLUDED_ */
