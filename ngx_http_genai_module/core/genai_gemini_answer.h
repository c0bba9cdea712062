/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The answers of Google's generateContent and streamGenerateContent
 * (https://ai.google.dev/api/generate-content), whole, as server-sent events
 * and as a JSON array that grows, to events and back; of countTokens and
 * embedContent that there is an answer.
 *
 * The decoder is fed with a body in any pieces; but for where strings are cut
 * into pieces, the events do not depend on how.  Memory is one fixed block:
 * text passes through, but for what a part says before it tells what it is.
 *
 * A decoder or encoder belongs to one thread; different ones are independent.
 */


#ifndef _GENAI_GEMINI_ANSWER_H_INCLUDED_
#define _GENAI_GEMINI_ANSWER_H_INCLUDED_


#include "genai_answer.h"
#include "genai_mark.h"
#include "genai_push.h"
#include "genai_sse.h"


/* bytes of what is acted on; more is an error of the chunk */
#define GENAI_GEMINI_ID_MAX       256       /* of a function call */
#define GENAI_GEMINI_NAME_MAX     256       /* of a function */
#define GENAI_GEMINI_FINISH_MAX   64
#define GENAI_GEMINI_INDEX_MAX    65535     /* of a candidate */

/* bytes of what is told where it is short, of START and ERROR */
#define GENAI_GEMINI_WORD_MAX     128

/* candidates that are told apart; those behind share one place */
#define GENAI_GEMINI_CHOICES      8

/*
 * Bytes that wait: a part tells its text and then that it was a thought, a
 * call its arguments and then its id, a candidate its content and then its
 * number.  A part that is longer is taken for a text, a candidate's number
 * for its place in the list.
 */
#define GENAI_GEMINI_HOLD         8192


typedef struct {
    unsigned char               n;
    unsigned char               data[GENAI_GEMINI_WORD_MAX];
} genai_gemini_word_t;


/* what has been told of a candidate */

typedef struct {
    uint16_t                    tools;
    uint16_t                    thoughts;
    uint16_t                    signs;      /* of texts */
    unsigned                    thinks:1;   /* the last was of a thought */
    unsigned                    signed_one:1;   /* and is signed */
    unsigned                    seen:1;
    unsigned                    finished:1;
} genai_gemini_choice_t;


/* what a provider counts */

enum {
    GENAI_GEMINI_PROMPT = 0,        /* cached ones included */
    GENAI_GEMINI_TOOL_PROMPT,
    GENAI_GEMINI_CANDIDATES,        /* thoughts not included */
    GENAI_GEMINI_THOUGHTS,
    GENAI_GEMINI_CACHED,
    GENAI_GEMINI_TOTAL,
    GENAI_GEMINI_IMAGE_IN,
    GENAI_GEMINI_AUDIO_IN,
    GENAI_GEMINI_AUDIO_CACHED,
    GENAI_GEMINI_AUDIO_OUT,
    GENAI_GEMINI_COUNTS
};


typedef struct {
    genai_answer_t              base;

    const char                 *fault;      /* of what is acted on */
    uint64_t                    mark;       /* where a gathered value began */
    uint64_t                    last;       /* where the last chunk ended */

    uint64_t                    finish_start;
    uint64_t                    finish_end;
    uint64_t                    tool_start;
    uint64_t                    usage_start;
    uint64_t                    usage_end;

    /* tokens, as the provider tells them; -1: not told */
    int64_t                     count[GENAI_GEMINI_COUNTS];
    genai_usage_t               usage;

    unsigned                    choices;    /* asked for */
    unsigned                    choice;     /* of the candidate being read */
    unsigned                    place;      /* its place in the list */
    unsigned                    calls;      /* so far, of all */

    uint16_t                    nid;
    uint16_t                    nname;
    uint16_t                    nmessage;
    uint16_t                    message_max;
    uint16_t                    nfinish;
    uint16_t                    nblock;     /* of a blockReason */
    uint16_t                    nhold;
    uint16_t                    hold_part;  /* where the part's begins */
    uint16_t                    hold_last;  /* the last head in it */

    unsigned char               wait;       /* what is not known */
    unsigned char               kind;       /* of the part */
    unsigned char               list;       /* of counts by modality */
    unsigned char               ndigits;

    unsigned                    started:1;
    unsigned                    named:1;    /* id and model are told */
    unsigned                    between:1;  /* elements of an array: */
    unsigned                    comma:1;    /* one must follow */
    unsigned                    elements:1; /* there was one */
    unsigned                    wrong:1;    /* an error or broken chunk */
    unsigned                    usage_known:1;
    unsigned                    usage_told:1;
    unsigned                    any_count:1;
    unsigned                    candidate:1;    /* within one */
    unsigned                    part_known:1;
    unsigned                    fresh:1;    /* nothing of it is told */
    unsigned                    args:1;     /* the call has some */
    unsigned                    media:1;    /* the part is none of text */
    unsigned                    over:1;     /* the hold was too small */
    unsigned                    opened:1;   /* the bracket of an array */

    genai_gemini_choice_t       of[GENAI_GEMINI_CHOICES + 1];

    genai_push_t                push;
    genai_sse_t                 sse;

    unsigned char               finish[GENAI_GEMINI_FINISH_MAX];
    unsigned char               block[GENAI_GEMINI_FINISH_MAX];
    unsigned char               digits[24];
    genai_gemini_word_t         modality;
    int64_t                     tokens;
    genai_gemini_word_t         id;         /* of the answer */
    genai_gemini_word_t         model;

    unsigned char               tool_id[GENAI_GEMINI_ID_MAX];
    unsigned char               tool_name[GENAI_GEMINI_NAME_MAX];

    /* an answer and an error are never within each other */

    union {
        unsigned char           hold[GENAI_GEMINI_HOLD];

        struct {
            genai_gemini_word_t  code;
            genai_gemini_word_t  status;
            unsigned char        message[GENAI_EVENT_MESSAGE_MAX];
        } error;
    } u;
} genai_gemini_answer_t;


/*
 * Prepares to decode a body, in memory that may hold anything.  Its first
 * byte overrides opts->stream: "[" is a stream without server-sent events, or
 * an error that is wrapped so.
 *
 * What is told, beside what genai_event.h says:
 *
 * Calls are numbered from 0 in the order of a candidate's parts.  One without
 * an id gets one, "call_" and 16 digits, that depends on nothing but what it
 * is: its number, name, arguments and signature.  A call without arguments
 * has "{}".  Neighbouring parts of thoughts are one thought.  A signature is
 * of what its part is; those of texts have numbers of their own.  Parts of
 * code and its results, of files and media are told by MEDIA.
 *
 * A prompt that was blocked is FINISH of choice 0 with the reason for it.
 *
 * USAGE of a chunk is a copy while a candidate goes on, for who counts.  Its
 * completion includes the thoughts, its prompt the results of tools that the
 * provider has run.
 *
 * The dialect has no last word but an array's bracket: an END of events is
 * GENAI_END_CLEAN at best.
 */
void genai_gemini_answer_init(genai_gemini_answer_t *a,
    const genai_answer_opts_t *opts, genai_event_pt handler, void *ctx);

/*
 * What a finishReason or a blockReason means; called: the candidate has a
 * function call, of which nothing but that it has stopped is told.
 * Thread-safe.
 */
genai_finish_e genai_gemini_finish(const genai_str_t *reason,
    unsigned called);


/* bytes of a call's arguments that are looked at before they are written */
#define GENAI_GEMINI_GATHER   8192


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
    unsigned                    choice;
    unsigned                    block;

    genai_base64_t              base64;

    unsigned                    call;       /* what there is of a call */
    unsigned                    call_choice;
    unsigned                    call_block;
    unsigned                    nid;
    unsigned                    nname;
    unsigned                    nargs;

    genai_usage_t               usage;
    genai_finish_e              finish;
    unsigned                    finish_choice;
    unsigned char               nword;

    unsigned                    coded:1;    /* the open string is base64 */
    unsigned                    usage_known:1;
    unsigned                    usage_told:1;
    unsigned                    finishes:1; /* a candidate, but may have usage
                                               yet */
    unsigned                    refused:1;
    unsigned                    said:1;     /* anything */
    unsigned                    begun:1;    /* an event was written */
    unsigned                    array:1;    /* they are elements of one */
    unsigned                    failed:1;   /* an error is written: the end */

    int                         rc;

    genai_push_t                push;       /* of arguments */
    unsigned char               word[GENAI_GEMINI_FINISH_MAX];
    unsigned char               id[1024];
    unsigned char               name[GENAI_GEMINI_NAME_MAX];
    unsigned char               args[GENAI_GEMINI_GATHER];
} genai_gemini_stream_t;


/* Prepares to encode events as a stream of server-sent events. */
void genai_gemini_stream_init(genai_gemini_stream_t *s,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx);

/*
 * Right behind that: the stream is a JSON array that grows.  It has no end
 * where it fails amid a call that was written in part.
 */
void genai_gemini_stream_array(genai_gemini_stream_t *s);

/*
 * Encodes one event; those that the dialect has no word for, and copies, as
 * nothing.
 *
 * A call is one part: it is written when what follows it comes, or from the
 * byte on that its arguments are longer than GENAI_GEMINI_GATHER.  Arguments
 * that are no JSON object are "{}" where they are shorter, and else an error;
 * so are two calls whose arguments come by turns.  Nothing follows an error.
 *
 * A finish waits for the usage behind it, or for END.  END of an answer that
 * was cut writes no finish.
 *
 * A signature that is not of the event's part, or not known when it was
 * written, is a part of its own with an empty text.  One of another dialect
 * is told with a mark in front, see genai_gemini_chat.h.
 *
 * Returns 0, or -1 when write() has stopped, now or before.
 */
int genai_gemini_stream_event(genai_gemini_stream_t *s,
    const genai_event_t *event);


/*
 * Writes the answer, or the provider's error where there was one.  Arguments
 * that are no JSON object are "{}".
 *
 * Returns 0, or -1 when write() has stopped or an event could not be added.
 */
int genai_gemini_whole_write(const genai_whole_t *w, genai_write_pt write,
    void *ctx);


#endif /* _GENAI_GEMINI_ANSWER_H_INCLUDED_ */
