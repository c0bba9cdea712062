/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is read of an answer of Bedrock's: the push scanner's table.  One
 * table serves whole answers, the payloads of frames and errors, since no
 * name means two things at one place; a node's tag is its own number.
 * Included once.
 */


#ifndef _GENAI_BEDROCK_TABLE_H_INCLUDED_
#define _GENAI_BEDROCK_TABLE_H_INCLUDED_


#include "genai_push.h"


enum {
    GENAI_BA_ROOT = 0,
    GENAI_BA_OUTPUT,
    GENAI_BA_MESSAGE,
    GENAI_BA_CONTENT,
    GENAI_BA_BLOCK,
    GENAI_BA_TEXT,
    GENAI_BA_TOOL,
    GENAI_BA_TOOL_ID,
    GENAI_BA_TOOL_NAME,
    GENAI_BA_TOOL_TYPE,
    GENAI_BA_TOOL_INPUT,
    GENAI_BA_REASONING,
    GENAI_BA_REASONING_TEXT,        /* an object around both */
    GENAI_BA_THOUGHT,
    GENAI_BA_SIGNATURE,
    GENAI_BA_REDACTED,
    GENAI_BA_CITATIONS,
    GENAI_BA_CITED,
    GENAI_BA_CITED_PART,
    GENAI_BA_OTHER,
    GENAI_BA_ROLE,
    GENAI_BA_INDEX,
    GENAI_BA_START,
    GENAI_BA_DELTA,
    GENAI_BA_DELTA_TOOL,
    GENAI_BA_DELTA_INPUT,
    GENAI_BA_STOP,
    GENAI_BA_USAGE,
    GENAI_BA_INPUT_TOKENS,
    GENAI_BA_OUTPUT_TOKENS,
    GENAI_BA_TOTAL_TOKENS,
    GENAI_BA_CACHE_READ,
    GENAI_BA_CACHE_WRITTEN,
    GENAI_BA_CACHE_DETAILS,
    GENAI_BA_CACHE_DETAIL,
    GENAI_BA_CACHE_TTL,
    GENAI_BA_CACHE_COUNT,
    GENAI_BA_ERROR_MESSAGE,
    GENAI_BA_COUNTED            /* what CountTokens answers */
};


#define genai_ba_member        genai_push_member
#define genai_ba_unread(name)  genai_push_member(name, GENAI_PUSH_NONE)


/* names stand in the order in which AWS tells them, see
 * genai_openai_table.h */

static const genai_push_member_t  genai_ba_root_names[] = {
    genai_ba_member("contentBlockIndex", GENAI_BA_INDEX),
    genai_ba_member("delta", GENAI_BA_DELTA),
    genai_ba_member("start", GENAI_BA_START),
    genai_ba_unread("p"),
    genai_ba_unread("metrics"),
    genai_ba_member("output", GENAI_BA_OUTPUT),
    genai_ba_member("role", GENAI_BA_ROLE),
    genai_ba_member("stopReason", GENAI_BA_STOP),
    genai_ba_member("usage", GENAI_BA_USAGE),
    genai_ba_member("message", GENAI_BA_ERROR_MESSAGE),
    genai_ba_member("Message", GENAI_BA_ERROR_MESSAGE),
    genai_ba_member("inputTokens", GENAI_BA_COUNTED)
};

static const genai_push_member_t  genai_ba_output_names[] = {
    genai_ba_member("message", GENAI_BA_MESSAGE)
};

static const genai_push_member_t  genai_ba_message_names[] = {
    genai_ba_member("content", GENAI_BA_CONTENT),
    genai_ba_unread("role")
};

static const genai_push_member_t  genai_ba_block_names[] = {
    genai_ba_member("text", GENAI_BA_TEXT),
    genai_ba_member("toolUse", GENAI_BA_TOOL),
    genai_ba_member("reasoningContent", GENAI_BA_REASONING),
    genai_ba_member("citationsContent", GENAI_BA_CITATIONS),
    genai_ba_member("toolResult", GENAI_BA_OTHER),
    genai_ba_member("image", GENAI_BA_OTHER),
    genai_ba_member("audio", GENAI_BA_OTHER),
    genai_ba_member("video", GENAI_BA_OTHER),
    genai_ba_member("document", GENAI_BA_OTHER)
};

static const genai_push_member_t  genai_ba_tool_names[] = {
    genai_ba_member("input", GENAI_BA_TOOL_INPUT),
    genai_ba_member("name", GENAI_BA_TOOL_NAME),
    genai_ba_member("toolUseId", GENAI_BA_TOOL_ID),
    genai_ba_member("type", GENAI_BA_TOOL_TYPE)
};

static const genai_push_member_t  genai_ba_reasoning_names[] = {
    genai_ba_member("text", GENAI_BA_THOUGHT),
    genai_ba_member("signature", GENAI_BA_SIGNATURE),
    genai_ba_member("reasoningText", GENAI_BA_REASONING_TEXT),
    genai_ba_member("redactedContent", GENAI_BA_REDACTED)
};

static const genai_push_member_t  genai_ba_reasoning_text_names[] = {
    genai_ba_member("signature", GENAI_BA_SIGNATURE),
    genai_ba_member("text", GENAI_BA_THOUGHT)
};

static const genai_push_member_t  genai_ba_citations_names[] = {
    genai_ba_unread("citations"),
    genai_ba_member("content", GENAI_BA_CITED)
};

static const genai_push_member_t  genai_ba_cited_names[] = {
    genai_ba_member("text", GENAI_BA_TEXT)
};

static const genai_push_member_t  genai_ba_start_names[] = {
    genai_ba_member("toolUse", GENAI_BA_TOOL),
    genai_ba_member("toolResult", GENAI_BA_OTHER),
    genai_ba_member("image", GENAI_BA_OTHER)
};

static const genai_push_member_t  genai_ba_delta_names[] = {
    genai_ba_member("text", GENAI_BA_TEXT),
    genai_ba_member("toolUse", GENAI_BA_DELTA_TOOL),
    genai_ba_member("reasoningContent", GENAI_BA_REASONING),
    genai_ba_unread("citation"),
    genai_ba_member("image", GENAI_BA_OTHER)
};

static const genai_push_member_t  genai_ba_delta_tool_names[] = {
    genai_ba_member("input", GENAI_BA_DELTA_INPUT)
};

static const genai_push_member_t  genai_ba_usage_names[] = {
    genai_ba_member("cacheReadInputTokens", GENAI_BA_CACHE_READ),
    genai_ba_member("cacheWriteInputTokens", GENAI_BA_CACHE_WRITTEN),
    genai_ba_member("inputTokens", GENAI_BA_INPUT_TOKENS),
    genai_ba_member("outputTokens", GENAI_BA_OUTPUT_TOKENS),
    genai_ba_unread("serverToolUsage"),
    genai_ba_member("totalTokens", GENAI_BA_TOTAL_TOKENS),
    genai_ba_member("cacheDetails", GENAI_BA_CACHE_DETAILS)
};

static const genai_push_member_t  genai_ba_detail_names[] = {
    genai_ba_member("inputTokens", GENAI_BA_CACHE_COUNT),
    genai_ba_member("ttl", GENAI_BA_CACHE_TTL)
};


/* containers of which neither end is read, or but one */

#define GENAI_BA_QUIET  (GENAI_PUSH_QUIET_ENTER|GENAI_PUSH_QUIET_LEAVE)


#define genai_ba_string(node)                                                 \
    [node] = { GENAI_PUSH_WANT_STRING, node, 0, 0, NULL }

#define genai_ba_numeric(node)                                                \
    [node] = { GENAI_PUSH_WANT_SCALAR|GENAI_PUSH_WANT_STRING, node, 0, 0,     \
               NULL }

#define genai_ba_object(node, also, list)                                     \
    [node] = { GENAI_PUSH_WANT_OBJECT|also, node, 0, genai_push_members(list) }

#define genai_ba_array(node, also, element)                                   \
    [node] = { GENAI_PUSH_WANT_ARRAY|also, node, element, 0, NULL }


static const genai_push_node_t  genai_ba_nodes[] = {
    genai_ba_object(GENAI_BA_ROOT, GENAI_PUSH_QUIET_ENTER,
                    genai_ba_root_names),
    genai_ba_object(GENAI_BA_OUTPUT, GENAI_BA_QUIET, genai_ba_output_names),
    genai_ba_object(GENAI_BA_MESSAGE, GENAI_BA_QUIET, genai_ba_message_names),
    genai_ba_array(GENAI_BA_CONTENT, GENAI_PUSH_QUIET_LEAVE, GENAI_BA_BLOCK),
    genai_ba_object(GENAI_BA_BLOCK, 0, genai_ba_block_names),
    genai_ba_string(GENAI_BA_TEXT),
    genai_ba_object(GENAI_BA_TOOL, 0, genai_ba_tool_names),
    genai_ba_string(GENAI_BA_TOOL_ID),
    genai_ba_string(GENAI_BA_TOOL_NAME),
    genai_ba_string(GENAI_BA_TOOL_TYPE),
    [GENAI_BA_TOOL_INPUT] = { GENAI_PUSH_WANT_RAW, GENAI_BA_TOOL_INPUT, 0, 0,
                              NULL },
    genai_ba_object(GENAI_BA_REASONING, GENAI_BA_QUIET,
                    genai_ba_reasoning_names),
    genai_ba_object(GENAI_BA_REASONING_TEXT, GENAI_BA_QUIET,
                    genai_ba_reasoning_text_names),
    genai_ba_string(GENAI_BA_THOUGHT),
    genai_ba_string(GENAI_BA_SIGNATURE),
    genai_ba_string(GENAI_BA_REDACTED),
    genai_ba_object(GENAI_BA_CITATIONS, GENAI_BA_QUIET,
                    genai_ba_citations_names),
    genai_ba_array(GENAI_BA_CITED, GENAI_BA_QUIET, GENAI_BA_CITED_PART),
    genai_ba_object(GENAI_BA_CITED_PART, GENAI_BA_QUIET,
                    genai_ba_cited_names),
    [GENAI_BA_OTHER] = { GENAI_PUSH_WANT_OBJECT|GENAI_PUSH_QUIET_LEAVE,
                         GENAI_BA_OTHER, 0, 0, NULL },
    genai_ba_string(GENAI_BA_ROLE),
    genai_ba_numeric(GENAI_BA_INDEX),
    genai_ba_object(GENAI_BA_START, GENAI_PUSH_QUIET_LEAVE,
                    genai_ba_start_names),
    genai_ba_object(GENAI_BA_DELTA, GENAI_PUSH_QUIET_LEAVE,
                    genai_ba_delta_names),
    genai_ba_object(GENAI_BA_DELTA_TOOL, GENAI_BA_QUIET,
                    genai_ba_delta_tool_names),
    genai_ba_string(GENAI_BA_DELTA_INPUT),
    genai_ba_string(GENAI_BA_STOP),
    genai_ba_object(GENAI_BA_USAGE, 0, genai_ba_usage_names),
    genai_ba_numeric(GENAI_BA_INPUT_TOKENS),
    genai_ba_numeric(GENAI_BA_OUTPUT_TOKENS),
    genai_ba_numeric(GENAI_BA_TOTAL_TOKENS),
    genai_ba_numeric(GENAI_BA_CACHE_READ),
    genai_ba_numeric(GENAI_BA_CACHE_WRITTEN),
    genai_ba_array(GENAI_BA_CACHE_DETAILS, GENAI_BA_QUIET,
                   GENAI_BA_CACHE_DETAIL),
    genai_ba_object(GENAI_BA_CACHE_DETAIL, 0, genai_ba_detail_names),
    genai_ba_string(GENAI_BA_CACHE_TTL),
    genai_ba_numeric(GENAI_BA_CACHE_COUNT),
    genai_ba_string(GENAI_BA_ERROR_MESSAGE),
    genai_ba_numeric(GENAI_BA_COUNTED)
};


#endif /* _GENAI_BEDROCK_TABLE_H_INCLUDED_ */
