/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Answers that are no conversation's: scores of moderations and rerank,
 * images, sound, transcripts, as JSON or as events.  They pass as they are;
 * what is read of them is usage and errors:
 *
 *    usage    prompt_tokens or input_tokens, completion_tokens or
 *             output_tokens, total_tokens, their details, as OpenAI, vLLM,
 *             Jina, Voyage and OpenRouter tell it.  A total alone is all of
 *             the prompt.  "type": "duration" is usage without any tokens.
 *    meta     billed_units, else tokens, with input_tokens and output_tokens:
 *             Cohere's.  Its search_units are no tokens, and are not read.
 *    error    an object with message, type and code, or a text
 *
 * Formats: https://platform.openai.com/docs/api-reference/moderations, images
 * and audio; https://docs.cohere.com/reference/rerank;
 * https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html.
 *
 * Memory is the state below, whatever is in an answer.  A decoder belongs to
 * one thread.
 */


#ifndef _GENAI_RESULTS_H_INCLUDED_
#define _GENAI_RESULTS_H_INCLUDED_


#include "genai_answer.h"
#include "genai_push.h"
#include "genai_sse.h"


/* bytes of an error's type or code; a longer one is not told */
#define GENAI_RESULTS_WORD_MAX  64


typedef struct {
    unsigned                    n;          /* above the maximum: too long */
    unsigned char               data[GENAI_RESULTS_WORD_MAX];
} genai_results_word_t;


typedef struct {
    genai_answer_t              base;

    genai_usage_t               usage;
    uint64_t                    usage_start;
    uint64_t                    usage_end;
    uint64_t                    mark;       /* where an error began */

    genai_results_word_t        kind;       /* "type", of all or of an error */
    genai_results_word_t        unit;       /* "type" of usage */
    genai_results_word_t        code;

    unsigned short              nmessage;
    unsigned char               done;       /* bytes of "[DONE]" seen */
    unsigned char               rank;       /* of the usage that was read */
    unsigned char               reading;    /* of the one that is read */

    unsigned                    full:1;     /* the message is, */
    unsigned                    typed:1;    /* an error has a type of its own,
                                               so kind is that */
    unsigned                    started:1;
    unsigned                    finished:1; /* a last event has come */

    genai_push_t                push;
    genai_sse_t                 sse;

    unsigned char               message[GENAI_EVENT_MESSAGE_MAX];
} genai_results_t;


/*
 * Prepares to decode a body, in memory that may hold anything, with
 * genai_answer_feed() and genai_answer_end().  Its first byte overrides
 * opts->stream.  ctx is handed to handler; memory is the caller's.
 *
 * Of a JSON answer, an object or an array, START with the field
 * GENAI_FIELD_PART is told at its end, USAGE where there is any, CHUNK with
 * GENAI_CHUNK_CHOICES, END; or ERROR in the place of START.  Of a stream
 * START at its first event that is no error, USAGE where an event has any,
 * and CHUNK for each.  A stream ends with "[DONE]", else is complete behind
 * an event whose type ends in "done" or "completed".
 */
void genai_results_init(genai_results_t *a, const genai_answer_opts_t *opts,
    genai_event_pt handler, void *ctx);


#endif /* _GENAI_RESULTS_H_INCLUDED_ */
