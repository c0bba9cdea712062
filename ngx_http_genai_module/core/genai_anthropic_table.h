/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is read of an answer in Anthropic's dialect: the push scanner's table.
 * One table serves messages and the events of a stream, since no name means
 * two things at one place; a node's tag is its own number.  Included once.
 */


#ifndef _GENAI_ANTHROPIC_TABLE_H_INCLUDED_
#define _GENAI_ANTHROPIC_TABLE_H_INCLUDED_


#include "genai_push.h"


enum {
    GENAI_AA_ROOT = 0,
    GENAI_AA_TYPE,              /* of the event, or "message" */
    GENAI_AA_INDEX,
    GENAI_AA_ID,
    GENAI_AA_MODEL,
    GENAI_AA_CONTENT,
    GENAI_AA_BLOCK,
    GENAI_AA_BLOCK_TYPE,
    GENAI_AA_BLOCK_ID,
    GENAI_AA_BLOCK_NAME,
    GENAI_AA_BLOCK_TEXT,
    GENAI_AA_BLOCK_THINKING,
    GENAI_AA_BLOCK_SIGNATURE,
    GENAI_AA_BLOCK_DATA,
    GENAI_AA_BLOCK_INPUT,
    GENAI_AA_DELTA,
    GENAI_AA_DELTA_TEXT,
    GENAI_AA_DELTA_THINKING,
    GENAI_AA_DELTA_SIGNATURE,
    GENAI_AA_DELTA_JSON,
    GENAI_AA_STOP,
    GENAI_AA_MESSAGE,           /* of message_start; or an error, flat */
    GENAI_AA_USAGE,
    GENAI_AA_INPUT_TOKENS,
    GENAI_AA_OUTPUT_TOKENS,
    GENAI_AA_CACHE_READ,
    GENAI_AA_CACHE_WRITTEN,
    GENAI_AA_CACHE_DETAILS,
    GENAI_AA_CACHE_5M,
    GENAI_AA_CACHE_1H,
    GENAI_AA_OUTPUT_DETAILS,
    GENAI_AA_THINKING_TOKENS,
    GENAI_AA_ERROR,
    GENAI_AA_ERROR_MESSAGE,
    GENAI_AA_ERROR_TYPE,
    GENAI_AA_ERROR_CODE,
    GENAI_AA_FLAT_MESSAGE,
    GENAI_AA_COUNT              /* what count_tokens answers */
};


#define genai_aa_member        genai_push_member
#define genai_aa_unread(name)  genai_push_member(name, GENAI_PUSH_NONE)


/* names stand in the order in which Anthropic tells them, see
 * genai_openai_table.h */

static const genai_push_member_t  genai_aa_root_names[] = {
    genai_aa_member("type", GENAI_AA_TYPE),
    genai_aa_member("index", GENAI_AA_INDEX),
    genai_aa_member("delta", GENAI_AA_DELTA),
    genai_aa_member("content_block", GENAI_AA_BLOCK),
    genai_aa_member("message", GENAI_AA_MESSAGE),
    genai_aa_member("id", GENAI_AA_ID),
    genai_aa_unread("role"),
    genai_aa_member("model", GENAI_AA_MODEL),
    genai_aa_member("content", GENAI_AA_CONTENT),
    genai_aa_member("stop_reason", GENAI_AA_STOP),
    genai_aa_unread("stop_sequence"),
    genai_aa_member("usage", GENAI_AA_USAGE),
    genai_aa_member("error", GENAI_AA_ERROR),
    genai_aa_member("detail", GENAI_AA_FLAT_MESSAGE),
    genai_aa_member("input_tokens", GENAI_AA_COUNT)
};

static const genai_push_member_t  genai_aa_message_names[] = {
    genai_aa_member("id", GENAI_AA_ID),
    genai_aa_unread("type"),
    genai_aa_unread("role"),
    genai_aa_member("model", GENAI_AA_MODEL),
    genai_aa_member("usage", GENAI_AA_USAGE)
};

static const genai_push_member_t  genai_aa_block_names[] = {
    genai_aa_member("type", GENAI_AA_BLOCK_TYPE),
    genai_aa_member("text", GENAI_AA_BLOCK_TEXT),
    genai_aa_member("thinking", GENAI_AA_BLOCK_THINKING),
    genai_aa_member("signature", GENAI_AA_BLOCK_SIGNATURE),
    genai_aa_member("data", GENAI_AA_BLOCK_DATA),
    genai_aa_member("id", GENAI_AA_BLOCK_ID),
    genai_aa_member("name", GENAI_AA_BLOCK_NAME),
    genai_aa_member("input", GENAI_AA_BLOCK_INPUT)
};

static const genai_push_member_t  genai_aa_delta_names[] = {
    genai_aa_unread("type"),
    genai_aa_member("text", GENAI_AA_DELTA_TEXT),
    genai_aa_member("partial_json", GENAI_AA_DELTA_JSON),
    genai_aa_member("thinking", GENAI_AA_DELTA_THINKING),
    genai_aa_member("signature", GENAI_AA_DELTA_SIGNATURE),
    genai_aa_member("stop_reason", GENAI_AA_STOP)
};

static const genai_push_member_t  genai_aa_usage_names[] = {
    genai_aa_member("input_tokens", GENAI_AA_INPUT_TOKENS),
    genai_aa_member("cache_creation_input_tokens", GENAI_AA_CACHE_WRITTEN),
    genai_aa_member("cache_read_input_tokens", GENAI_AA_CACHE_READ),
    genai_aa_member("cache_creation", GENAI_AA_CACHE_DETAILS),
    genai_aa_member("output_tokens", GENAI_AA_OUTPUT_TOKENS),
    genai_aa_member("output_tokens_details", GENAI_AA_OUTPUT_DETAILS)
};

static const genai_push_member_t  genai_aa_cache_names[] = {
    genai_aa_member("ephemeral_5m_input_tokens", GENAI_AA_CACHE_5M),
    genai_aa_member("ephemeral_1h_input_tokens", GENAI_AA_CACHE_1H)
};

static const genai_push_member_t  genai_aa_output_names[] = {
    genai_aa_member("thinking_tokens", GENAI_AA_THINKING_TOKENS)
};

static const genai_push_member_t  genai_aa_error_names[] = {
    genai_aa_member("type", GENAI_AA_ERROR_TYPE),
    genai_aa_member("message", GENAI_AA_ERROR_MESSAGE),
    genai_aa_member("code", GENAI_AA_ERROR_CODE)
};


/* containers of which neither end is read, or but one */

#define GENAI_AA_QUIET  (GENAI_PUSH_QUIET_ENTER|GENAI_PUSH_QUIET_LEAVE)
#define GENAI_AA_ENTER  GENAI_PUSH_QUIET_LEAVE
#define GENAI_AA_LEAVE  GENAI_PUSH_QUIET_ENTER


#define genai_aa_string(node)                                                 \
    [node] = { GENAI_PUSH_WANT_STRING, node, 0, 0, NULL }

/* a number, which some write as a string */

#define genai_aa_numeric(node)                                                \
    [node] = { GENAI_PUSH_WANT_SCALAR|GENAI_PUSH_WANT_STRING, node, 0, 0,     \
               NULL }

#define genai_aa_object(node, also, list)                                     \
    [node] = { GENAI_PUSH_WANT_OBJECT|also, node, 0, genai_push_members(list) }


static const genai_push_node_t  genai_aa_nodes[] = {
    genai_aa_object(GENAI_AA_ROOT, GENAI_AA_LEAVE, genai_aa_root_names),
    genai_aa_string(GENAI_AA_TYPE),
    genai_aa_numeric(GENAI_AA_INDEX),
    genai_aa_string(GENAI_AA_ID),
    genai_aa_string(GENAI_AA_MODEL),
    [GENAI_AA_CONTENT] = { GENAI_PUSH_WANT_ARRAY|GENAI_AA_ENTER,
                           GENAI_AA_CONTENT, GENAI_AA_BLOCK, 0, NULL },
    genai_aa_object(GENAI_AA_BLOCK, 0, genai_aa_block_names),
    genai_aa_string(GENAI_AA_BLOCK_TYPE),
    genai_aa_string(GENAI_AA_BLOCK_ID),
    genai_aa_string(GENAI_AA_BLOCK_NAME),
    genai_aa_string(GENAI_AA_BLOCK_TEXT),
    genai_aa_string(GENAI_AA_BLOCK_THINKING),
    genai_aa_string(GENAI_AA_BLOCK_SIGNATURE),
    genai_aa_string(GENAI_AA_BLOCK_DATA),
    [GENAI_AA_BLOCK_INPUT] = { GENAI_PUSH_WANT_RAW, GENAI_AA_BLOCK_INPUT, 0, 0,
                               NULL },
    genai_aa_object(GENAI_AA_DELTA, GENAI_AA_ENTER, genai_aa_delta_names),
    genai_aa_string(GENAI_AA_DELTA_TEXT),
    genai_aa_string(GENAI_AA_DELTA_THINKING),
    genai_aa_string(GENAI_AA_DELTA_SIGNATURE),
    genai_aa_string(GENAI_AA_DELTA_JSON),
    genai_aa_string(GENAI_AA_STOP),
    genai_aa_object(GENAI_AA_MESSAGE, GENAI_PUSH_WANT_STRING,
                    genai_aa_message_names),
    genai_aa_object(GENAI_AA_USAGE, 0, genai_aa_usage_names),
    genai_aa_numeric(GENAI_AA_INPUT_TOKENS),
    genai_aa_numeric(GENAI_AA_OUTPUT_TOKENS),
    genai_aa_numeric(GENAI_AA_CACHE_READ),
    genai_aa_numeric(GENAI_AA_CACHE_WRITTEN),
    genai_aa_object(GENAI_AA_CACHE_DETAILS, GENAI_AA_QUIET,
                    genai_aa_cache_names),
    genai_aa_numeric(GENAI_AA_CACHE_5M),
    genai_aa_numeric(GENAI_AA_CACHE_1H),
    genai_aa_object(GENAI_AA_OUTPUT_DETAILS, GENAI_AA_QUIET,
                    genai_aa_output_names),
    genai_aa_numeric(GENAI_AA_THINKING_TOKENS),
    genai_aa_object(GENAI_AA_ERROR,
                    GENAI_PUSH_WANT_STRING|GENAI_PUSH_WANT_SCALAR,
                    genai_aa_error_names),
    genai_aa_string(GENAI_AA_ERROR_MESSAGE),
    genai_aa_string(GENAI_AA_ERROR_TYPE),
    [GENAI_AA_ERROR_CODE] = { GENAI_PUSH_WANT_STRING|GENAI_PUSH_WANT_SCALAR,
                              GENAI_AA_ERROR_CODE, 0, 0, NULL },
    genai_aa_string(GENAI_AA_FLAT_MESSAGE),
    [GENAI_AA_COUNT] = { GENAI_PUSH_WANT_SCALAR, GENAI_AA_COUNT, 0, 0, NULL }
};


#endif /* _GENAI_ANTHROPIC_TABLE_H_INCLUDED_ */
