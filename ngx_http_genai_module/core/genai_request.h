/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A request as the pipeline sees it, the same for every dialect: the client's
 * bytes with their tape, the values that are acted on, and the segments, one
 * for each piece of text (or of what is no text) that a model will read.
 *
 * It is read in turns, first scanned, then walked along a table of the places
 * that the dialect knows; what is at no known place is stepped over, however
 * large.  In every object whose members are acted on no name may stand twice,
 * spelled the same, with escapes, or in another case: two readers must never
 * see two requests.  Objects that are only passed on (a tool's schema, a
 * call's arguments, metadata) may be what they like.  No such name has a zero
 * byte either, at which some readers end it.
 *
 * A request belongs to one thread at a time, together with its arena.
 */


#ifndef _GENAI_REQUEST_H_INCLUDED_
#define _GENAI_REQUEST_H_INCLUDED_


#include <stdint.h>

#include "genai_arena.h"
#include "genai_dialect.h"
#include "genai_edit.h"
#include "genai_scan.h"
#include "genai_tape.h"


/* bytes of what is wrong with a request, a sentence for its sender */
#define GENAI_REQUEST_ERROR_MAX  160

/* values that a request may have; a member's name is another one */
#define GENAI_REQUEST_VALUES     (8 * 1024 * 1024)

/*
 * Members of an object that is acted on.  Real ones have a dozen; a member is
 * looked for and set by going over all, which is to take no time.
 */
#define GENAI_REQUEST_MEMBERS    8192

/* bytes of a model's name, decoded */
#define GENAI_REQUEST_MODEL_MAX  256

/* answers that may be asked for, "n" */
#define GENAI_REQUEST_CHOICES_MAX  1024

/* bytes of the text for a step of the walk, which is a value or a name */
#define GENAI_REQUEST_STEP       16


typedef enum {
    GENAI_ROLE_NONE = 0,            /* not of a message */
    GENAI_ROLE_SYSTEM,
    GENAI_ROLE_DEVELOPER,
    GENAI_ROLE_USER,
    GENAI_ROLE_ASSISTANT,
    GENAI_ROLE_TOOL,                /* and the older "function" */
    GENAI_ROLE_OTHER                /* unknown or missing */
} genai_role_e;


typedef enum {
    /* texts of a message */
    GENAI_SEGMENT_TEXT = 0,
    GENAI_SEGMENT_REASONING,        /* what a model thought in its turn */
    GENAI_SEGMENT_REFUSAL,
    GENAI_SEGMENT_NAME,             /* who speaks */
    GENAI_SEGMENT_CALL_NAME,        /* a tool call's function, */
    GENAI_SEGMENT_ARGUMENTS,        /* and what it is called with */
    GENAI_SEGMENT_RESULT,           /* what a tool answered */

    /* of the request */
    GENAI_SEGMENT_TOOL_NAME,
    GENAI_SEGMENT_TOOL_DESCRIPTION,
    GENAI_SEGMENT_TOOL_SCHEMA,      /* a JSON value */
    GENAI_SEGMENT_FORMAT,           /* response_format's schema, JSON, and
                                       its description */
    GENAI_SEGMENT_PROMPT,           /* completions */
    GENAI_SEGMENT_SUFFIX,
    GENAI_SEGMENT_PREDICTION,
    GENAI_SEGMENT_INPUT,            /* embeddings */

    /*
     * No text: the value is whatever stands there, of a message's part the
     * part as a whole.  What is text under a name that is known stands behind
     * it as a segment of its own, as far as it is inside.
     */
    GENAI_SEGMENT_TOKENS,           /* an array of numbers: token ids */
    GENAI_SEGMENT_IMAGE,
    GENAI_SEGMENT_AUDIO,
    GENAI_SEGMENT_FILE,
    GENAI_SEGMENT_UNCOVERED         /* in a place for texts, of a shape that
                                       this build does not know */
} genai_segment_e;

/* whether a segment is text: a string, or a JSON value read as its bytes */
#define genai_segment_is_text(kind)  ((kind) < GENAI_SEGMENT_TOKENS)


typedef struct {
    uint32_t             value;     /* tape index */
    uint32_t             message;   /* number of the message, tool, prompt or
                                       input, from 0 */
    uint32_t             part;      /* of the part or call in it, from 0 */
    uint8_t              kind;      /* a genai_segment_e */
    uint8_t              role;      /* a genai_role_e */
    uint8_t              json;      /* a JSON value that is no string */
    uint8_t              reserved;
} genai_segment_t;


/* what genai_request_read() returns */

#define GENAI_REQUEST_DONE    0
#define GENAI_REQUEST_AGAIN   1
#define GENAI_REQUEST_ERROR  -1


/* items that a request may refer to */
#define GENAI_REQUEST_REFERENCES_MAX  512

typedef struct genai_request_s  genai_request_t;

struct genai_request_s {
    genai_str_t          text;
    genai_endpoint_e     endpoint;
    genai_tape_t         tape;      /* once it has been scanned */
    genai_segment_t     *segments;  /* in the order of the text */
    uint32_t             nsegments;

    uint64_t             bytes;     /* raw, of all segments that are text */
    uint32_t             messages;  /* how many */

    /* tape indexes of what is acted on; 0: it is not there, or is null */
    uint32_t             model;
    uint32_t             stream;
    uint32_t             stream_options;
    uint32_t             include_usage;
    uint32_t             n;
    uint32_t             max_tokens;
    uint32_t             max_completion_tokens;

    int64_t              choices;           /* "n", or 1 */
    int64_t              best_of;           /* that are made, of which these
                                               are answered with; or 0 */
    int64_t              output_max;        /* the smaller of the two caps, or
                                               -1 where there is none; some
                                               write -1 for that themselves */
    unsigned             stream_asked:1;
    unsigned             usage_asked:1;     /* include_usage is true */

    /*
     * What the request refers to that a provider keeps: tape indexes of ids,
     * of a conversation of whatever it is told by; 0: there is none.  And
     * whether it says that the answer is not to be kept.
     */
    uint32_t             previous;          /* previous_response_id */
    uint32_t             conversation;
    uint32_t            *references;        /* of items: strings */
    uint32_t             nreferences;
    unsigned             unkept:1;

    /* after GENAI_REQUEST_ERROR */
    genai_scan_cause_e   cause;
    char                 error[GENAI_REQUEST_ERROR_MAX];

    /* its own */
    const genai_dialect_t     *dialect;
    genai_arena_t             *arena;
    struct genai_walk_s       *walk;        /* once it has begun */
    genai_scan_t               scan;
    uint32_t                   segments_room;
    int                        rc;
};


/*
 * Begins to read text[0 .. len) as a request of that dialect and endpoint,
 * whose body must be JSON.  The text must stay in place as long as the
 * request.  All memory comes from arena.
 */
void genai_request_init(genai_request_t *req, const genai_dialect_t *dialect,
    genai_endpoint_e endpoint, const genai_str_t *text, genai_arena_t *arena);

/*
 * Goes on for about budget bytes of the text, or as much work as these are
 * (SIZE_MAX: to the end).
 *
 * Returns GENAI_REQUEST_AGAIN; GENAI_REQUEST_DONE; or GENAI_REQUEST_ERROR
 * with req->error, terminated, and req->cause set: GENAI_SCAN_BAD_TEXT is
 * the sender's fault.  Further calls after the last two return the same.
 */
int genai_request_read(genai_request_t *req, size_t budget);

/* Names for people, static texts. */
const char *genai_role_name(genai_role_e role);
const char *genai_segment_name(genai_segment_e kind);


#endif /* _GENAI_REQUEST_H_INCLUDED_ */
