/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Events: the steps of an answer, the same for every dialect.  A dialect's
 * decoder makes them of a provider's bytes, stages look at them and may
 * change their text, a dialect's encoder makes bytes of them again.
 *
 * An event and all that it points to is valid only inside the callback it is
 * handed to.  Texts are UTF-8 and come in pieces as the provider's bytes
 * came; a piece never ends inside a character.  Raw spans [start, end) are
 * offsets in the provider's body, so that what need not change can pass as
 * the bytes it was, and what has changed can be spliced in.
 */


#ifndef _GENAI_EVENT_H_INCLUDED_
#define _GENAI_EVENT_H_INCLUDED_


#include "genai_str.h"

#include <stdint.h>


typedef enum {
    /*
     * The answer begins; id and name (the model) as far as they stand first.
     * field is PART for a list, such as of embeddings.  It comes again, with
     * copy set, where these two stand behind what is said.
     */
    GENAI_EVENT_START = 0,

    GENAI_EVENT_TEXT,           /* a piece of what is said */
    GENAI_EVENT_REASONING,      /* a piece of what was thought */
    GENAI_EVENT_REFUSAL,        /* a piece of why not */

    /*
     * A tool call: first is set where it begins.  id and name are whole and
     * may be empty; the event comes again, without first, when the provider
     * tells them late or once more.
     */
    GENAI_EVENT_TOOL,
    GENAI_EVENT_ARGUMENTS,      /* a piece of its arguments, a JSON text */

    /*
     * A piece of what only its maker can read, to be given back next turn in
     * the same place: of a thought, a call or a text, as field says, whose
     * number is block.  name is the dialect of who made it.
     */
    GENAI_EVENT_SIGNATURE,

    GENAI_EVENT_ITEM,           /* a part of the answer is whole, which the
                                   provider may keep by that id */
    GENAI_EVENT_MEDIA,          /* audio or an image: there is some; unread */
    GENAI_EVENT_FINISH,         /* a choice has ended; text is the dialect's
                                   word, finish what it means */
    GENAI_EVENT_USAGE,          /* the last one counts: they are not added */

    /*
     * The provider's error: text is its message, cut at
     * GENAI_EVENT_MESSAGE_MAX, name its type, id its code.
     */
    GENAI_EVENT_ERROR,

    /* bytes that are not the dialect's; text is what is wrong, start where */
    GENAI_EVENT_BROKEN,

    /*
     * All events of a block of the body have been told: of one event of a
     * stream with its blank line, of a comment, or of a whole JSON answer.
     * The spans are a partition of the body; chunk tells what was in it.
     */
    GENAI_EVENT_CHUNK,

    /* the answer has ended, once; end tells how */
    GENAI_EVENT_END
} genai_event_e;


typedef enum {
    GENAI_FINISH_NONE = 0,
    GENAI_FINISH_STOP,
    GENAI_FINISH_LENGTH,
    GENAI_FINISH_TOOL,
    GENAI_FINISH_FILTER,        /* withheld by the provider */
    GENAI_FINISH_ERROR,         /* given up by the provider */
    GENAI_FINISH_OTHER
} genai_finish_e;


typedef enum {
    GENAI_END_CUT = 0,          /* the body ended before the answer */
    GENAI_END_CLEAN,            /* with it, but without a last word */
    GENAI_END_DONE              /* with the dialect's last word, or the last
                                   bracket of a whole answer */
} genai_end_e;


/* where a piece stood in the answer, for whom that matters */

typedef enum {
    GENAI_FIELD_NONE = 0,
    GENAI_FIELD_CONTENT,        /* the dialect's usual place */
    GENAI_FIELD_PART,           /* in a list of parts */
    GENAI_FIELD_REASONING,      /* openai: "reasoning" */
    GENAI_FIELD_DETAILS,        /* openai: "reasoning_details" */
    GENAI_FIELD_FUNCTION_CALL,  /* openai: the call before tools were */
    GENAI_FIELD_CUSTOM,         /* a tool whose input is free text */
    GENAI_FIELD_OBJECT,         /* arguments as JSON and not as a string */

    /* SIGNATURE: what it is of */
    GENAI_FIELD_OF_CALL,
    GENAI_FIELD_OF_TEXT,
    GENAI_FIELD_OF_THOUGHT,
    GENAI_FIELD_SEALED          /* a thought that can be read by nobody else */
} genai_field_e;


/* what was in a chunk */

#define GENAI_CHUNK_DATA        0x0001  /* not only a comment */
#define GENAI_CHUNK_TAIL        0x0002  /* the LF of the chunk before, or the
                                           white space behind a whole answer;
                                           to be treated as that was */
#define GENAI_CHUNK_INCOMPLETE  0x0004  /* the body ended in it */
#define GENAI_CHUNK_MEANINGFUL  0x0008  /* an event that is meaningful */
#define GENAI_CHUNK_CHOICES     0x0010  /* at least one choice, or a list */
#define GENAI_CHUNK_USAGE       0x0020
#define GENAI_CHUNK_ERROR       0x0040
#define GENAI_CHUNK_BROKEN      0x0080
#define GENAI_CHUNK_DONE        0x0100  /* the dialect's last word */

/* nothing but usage: the chunk that a client gets where it asked for it */
#define genai_chunk_is_usage(flags)                                           \
    (((flags) & (GENAI_CHUNK_USAGE|GENAI_CHUNK_CHOICES|GENAI_CHUNK_ERROR      \
                 |GENAI_CHUNK_BROKEN|GENAI_CHUNK_DONE))                       \
     == GENAI_CHUNK_USAGE)


/* bytes of an error's message that are kept */
#define GENAI_EVENT_MESSAGE_MAX  1024


/* tokens, as the provider counts them; -1: not told */

typedef struct {
    int64_t                prompt;      /* cached ones included */
    int64_t                cached;
    int64_t                completion;  /* as the provider has it: most
                                           include reasoning, some do not */
    int64_t                reasoning;
    int64_t                total;

    /* of the prompt */
    int64_t                written_5m;  /* to a cache: for 5 minutes, or for
                                           no time that is told */
    int64_t                written_1h;  /* for an hour */
    int64_t                image;
    int64_t                audio;
    int64_t                cached_audio;    /* of audio, and of cached */

    /* of the completion */
    int64_t                audio_output;
} genai_usage_t;


typedef struct {
    genai_event_e          type;
    genai_field_e          field;
    genai_finish_e         finish;      /* FINISH */
    genai_end_e            end_how;     /* END */
    unsigned               choice;
    unsigned               block;       /* number of the tool call, or of the
                                           thought, from 0 */
    unsigned               chunk;       /* CHUNK: flags */

    genai_str_t            text;
    genai_str_t            id;          /* START, TOOL, ERROR */
    genai_str_t            name;
    const genai_usage_t   *usage;       /* USAGE */

    uint64_t               start;       /* raw span of the piece, or of the */
    uint64_t               end;         /* value or chunk */

    /* each 0 or 1 */

    unsigned char          first;       /* first piece of its string; TOOL: a
                                           new call */
    unsigned char          last;        /* its last piece, maybe empty */
    unsigned char          escaped;     /* the raw bytes are an escape */
    unsigned char          json;        /* the raw bytes stand within quotes,
                                           so what replaces them is escaped */
    unsigned char          copy;        /* says again what another event has
                                           said: to be looked at and changed
                                           as that was, not to be counted and
                                           not to be encoded */
    unsigned char          changed;     /* set by who has changed the text */
} genai_event_t;


/*
 * Takes an event.  Returns 0 to go on; a negative value to stop for good; of
 * a CHUNK it may also return a positive value, to pause behind it.
 */
typedef int (*genai_event_pt)(void *ctx, genai_event_t *event);


static inline void
genai_usage_clear(genai_usage_t *usage)
{
    usage->prompt = -1;
    usage->cached = -1;
    usage->completion = -1;
    usage->reasoning = -1;
    usage->total = -1;
    usage->written_5m = -1;
    usage->written_1h = -1;
    usage->image = -1;
    usage->audio = -1;
    usage->cached_audio = -1;
    usage->audio_output = -1;
}


/*
 * The completion with what was thought: who counts thoughts beside the answer
 * tells it by the total.
 */

static inline int64_t
genai_usage_completion(const genai_usage_t *u)
{
    if (u->reasoning > 0 && u->completion >= 0 && u->prompt >= 0
        && u->total >= 0
        && u->total - u->prompt - u->completion == u->reasoning)
    {
        return u->completion + u->reasoning;
    }

    return u->completion;
}


#endif /* _GENAI_EVENT_H_INCLUDED_ */
