/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The answers of OpenAI's Responses API, whole and as a stream
 * (https://platform.openai.com/docs/api-reference/responses and
 * .../responses-streaming), to events and back.
 *
 * This dialect says everything up to five times: in deltas, when a string is
 * done, when its part is done, when its item is done, and when the response
 * is completed.  What comes first is told; what says it again is told as a
 * copy, in its own place, so that who changes a text can change all of it.
 * Names, ids and signatures that come again are not told.
 *
 * An item of type message is TEXT and REFUSAL; reasoning is REASONING, of its
 * summary or else of its content, and a SIGNATURE of GENAI_FIELD_SEALED,
 * whose id is the item's; function_call and custom_tool_call are TOOL, whose
 * id is the call_id, and ARGUMENTS.  Thoughts and calls are numbered from 0,
 * each by themselves.  The parts of one summary are parted by an empty line,
 * told as an event whose span is empty.  What a provider's own tools did is
 * stepped over.
 *
 * A decoder or encoder belongs to one thread; different ones are independent.
 */


#ifndef _GENAI_RESPONSES_ANSWER_H_INCLUDED_
#define _GENAI_RESPONSES_ANSWER_H_INCLUDED_


#include "genai_answer.h"
#include "genai_push.h"
#include "genai_sse.h"


/* bytes of what is acted on; more is an error of the event */
#define GENAI_RESPONSES_ID_MAX      1024    /* of a call */
#define GENAI_RESPONSES_NAME_MAX    256     /* of a tool */
#define GENAI_RESPONSES_INDEX_MAX   65535   /* of an item */

/* bytes of what is told where it is short */
#define GENAI_RESPONSES_WORD_MAX    128

/*
 * Bytes of a string that wait for what it is, where that is told late: many
 * servers tell types, names and indexes behind the text.  Of what is longer,
 * it is guessed.
 */
#define GENAI_RESPONSES_HOLD        4096

/* items that are told apart */
#define GENAI_RESPONSES_ITEMS       16


typedef struct {
    unsigned char               n;
    unsigned char               data[GENAI_RESPONSES_WORD_MAX];
} genai_responses_word_t;


/* an item of the answer, what it is and what has been told of it */

typedef struct {
    uint32_t                    hash;       /* of its id; 0: not known */
    uint32_t                    number;     /* from 1 on */
    uint16_t                    index;      /* in the output */
    uint16_t                    block;
    unsigned char               kind;
    unsigned char               said;       /* of what there was any text */
    unsigned char               part;       /* and in the part that is open */
    unsigned char               source;     /* of thoughts that are told */
    unsigned                    used:1;
    unsigned                    open:1;
    unsigned                    index_known:1;
    unsigned                    begun:1;    /* has its block, */
    unsigned                    call:1;     /* of a call, not of a thought */
    unsigned                    told_id:1;
    unsigned                    told_name:1;
} genai_responses_item_t;


typedef struct {
    genai_answer_t              base;

    const char                 *fault;
    uint64_t                    mark;       /* where a gathered value began */
    uint64_t                    usage_start;
    uint64_t                    usage_end;
    uint64_t                    listed;     /* of output indexes below 64:
                                               those of items told */
    genai_usage_t               usage;

    uint64_t                    finish_start;
    uint64_t                    finish_end;

    uint32_t                    items;      /* told */
    uint32_t                    items_before;   /* the output began */
    uint16_t                    calls;
    uint16_t                    thoughts;
    uint16_t                    index;      /* output_index of the event */
    uint16_t                    nid;
    uint16_t                    nname;
    uint16_t                    nmessage;
    uint16_t                    message_max;

    unsigned char               done;       /* bytes of "[DONE]" seen */
    unsigned char               type;       /* of the event */
    unsigned char               place;      /* which item is being read */
    unsigned char               kind;       /* its kind */
    unsigned char               part_kind;

    unsigned                    started:1;
    unsigned                    named:1;    /* its id is told */
    unsigned                    index_known:1;
    unsigned                    response:1; /* there was one in this event */
    unsigned                    usage_read:1;
    unsigned                    usage_any:1;
    unsigned                    error_any:1;
    unsigned                    counted:1;  /* it is a number of tokens */
    unsigned                    image:1;
    unsigned                    part_new:1; /* in the list of an item */

    /* the string that is being read, and what it has been found to be */

    unsigned char               string;
    unsigned char               source;
    unsigned char               string_part;    /* kind of its part */
    genai_event_e               told_type;
    genai_field_e               told_field;
    unsigned char               told_copy;
    unsigned char               told_what;
    unsigned char               was_said;   /* of the item, when it began */
    unsigned char               held_last;
    unsigned char               held_escaped;
    uint16_t                    nhold;
    uint64_t                    held_start;
    uint64_t                    held_end;

    /* of the item, or the event, that is being read; NULL: not known */
    genai_responses_item_t     *item;
    genai_responses_item_t      forgotten;  /* one that is told elsewhere */
    genai_responses_item_t      table[GENAI_RESPONSES_ITEMS];

    genai_push_t                push;
    genai_sse_t                 sse;

    genai_responses_word_t      event;      /* the type's name */
    genai_responses_word_t      id;         /* of the answer */
    genai_responses_word_t      model;
    genai_responses_word_t      status;
    genai_responses_word_t      reason;
    genai_responses_word_t      item_type;
    genai_responses_word_t      part_type;
    genai_responses_word_t      item_id;
    genai_responses_word_t      code;
    genai_responses_word_t      error_kind;

    unsigned char               call_id[GENAI_RESPONSES_ID_MAX];
    unsigned char               name[GENAI_RESPONSES_NAME_MAX];
    unsigned char               message[GENAI_EVENT_MESSAGE_MAX];
    unsigned char               hold[GENAI_RESPONSES_HOLD];
} genai_responses_answer_t;


/*
 * Prepares to decode a body, in memory that may hold anything.  As with
 * genai_openai_answer_init(), its first byte overrides opts->stream.
 *
 * A stream has ended with response.completed, .incomplete, .failed or
 * .cancelled, and END is told in front of the CHUNK of its block; a JSON
 * answer with its outermost value, and END is told behind its CHUNK.  A
 * response that is "queued" or "in_progress" in a JSON answer is FINISH with
 * GENAI_FINISH_OTHER: it is one that runs in the background.  A JSON answer
 * that is a number of tokens, as .../responses/input_tokens gives, is START
 * with the field GENAI_FIELD_PART, USAGE, CHUNK with GENAI_CHUNK_CHOICES, and
 * END.
 */
void genai_responses_answer_init(genai_responses_answer_t *a,
    const genai_answer_opts_t *opts, genai_event_pt handler, void *ctx);

/*
 * What a status means, and where it is "incomplete" its reason, which may be
 * empty; calls: there were some.  Thread-safe.
 */
genai_finish_e genai_responses_finish(const genai_str_t *status,
    const genai_str_t *reason, unsigned calls);


#endif /* _GENAI_RESPONSES_ANSWER_H_INCLUDED_ */
