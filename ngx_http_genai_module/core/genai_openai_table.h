/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is read of an answer in OpenAI's dialect: the push scanner's table.
 * One table serves chat and completions, whole and in chunks, since no name
 * means two things; a node's tag is its own number.  Included once.
 */


#ifndef _GENAI_OPENAI_TABLE_H_INCLUDED_
#define _GENAI_OPENAI_TABLE_H_INCLUDED_


#include "genai_push.h"


enum {
    GENAI_OA_ROOT = 0,
    GENAI_OA_ID,
    GENAI_OA_MODEL,
    GENAI_OA_OBJECT,
    GENAI_OA_LIST,              /* of an answer without choices */
    GENAI_OA_CHOICES,
    GENAI_OA_CHOICE,
    GENAI_OA_INDEX,
    GENAI_OA_FINISH,
    GENAI_OA_DELTA,
    GENAI_OA_MESSAGE,
    GENAI_OA_TEXT,              /* completions */
    GENAI_OA_CONTENT,
    GENAI_OA_PART,
    GENAI_OA_PART_TEXT,
    GENAI_OA_PART_REFUSAL,
    GENAI_OA_THINKING,
    GENAI_OA_THINKING_PART,
    GENAI_OA_REFUSAL,
    GENAI_OA_REASONING_CONTENT,
    GENAI_OA_REASONING,
    GENAI_OA_DETAILS,
    GENAI_OA_DETAIL,
    GENAI_OA_DETAIL_TEXT,
    GENAI_OA_TOOLS,
    GENAI_OA_TOOL,
    GENAI_OA_TOOL_INDEX,
    GENAI_OA_TOOL_ID,
    GENAI_OA_FUNCTION,
    GENAI_OA_CUSTOM,
    GENAI_OA_FUNCTION_CALL,
    GENAI_OA_NAME,
    GENAI_OA_ARGUMENTS,
    GENAI_OA_AUDIO,
    GENAI_OA_AUDIO_DATA,
    GENAI_OA_IMAGES,
    GENAI_OA_IMAGE,
    GENAI_OA_USAGE,
    GENAI_OA_CHOICE_USAGE,
    GENAI_OA_GROQ,
    GENAI_OA_GROQ_USAGE,
    GENAI_OA_PROMPT,
    GENAI_OA_COMPLETION,
    GENAI_OA_TOTAL,
    GENAI_OA_CACHE_HIT,
    GENAI_OA_PROMPT_DETAILS,
    GENAI_OA_CACHED,
    GENAI_OA_WRITTEN,
    GENAI_OA_AUDIO_TOKENS,
    GENAI_OA_IMAGE_TOKENS,
    GENAI_OA_COMPLETION_DETAILS,
    GENAI_OA_REASONING_TOKENS,
    GENAI_OA_AUDIO_SAID,
    GENAI_OA_ERROR,
    GENAI_OA_ERROR_MESSAGE,
    GENAI_OA_ERROR_TYPE,
    GENAI_OA_ERROR_CODE,
    GENAI_OA_FLAT_MESSAGE
};


#define genai_oa_member        genai_push_member
#define genai_oa_unread(name)  genai_push_member(name, GENAI_PUSH_NONE)


/*
 * Names stand in the order in which most providers tell them, for they are
 * tried in that order, and usual ones that nobody reads stand among them.
 * Errors stand in "error", or flat as some servers write them.
 */

static const genai_push_member_t  genai_oa_root_names[] = {
    genai_oa_member("id", GENAI_OA_ID),
    genai_oa_member("object", GENAI_OA_OBJECT),
    genai_oa_unread("created"),
    genai_oa_member("model", GENAI_OA_MODEL),
    genai_oa_member("choices", GENAI_OA_CHOICES),
    genai_oa_member("usage", GENAI_OA_USAGE),
    genai_oa_unread("service_tier"),
    genai_oa_unread("system_fingerprint"),
    genai_oa_member("error", GENAI_OA_ERROR),
    genai_oa_member("x_groq", GENAI_OA_GROQ),
    genai_oa_member("data", GENAI_OA_LIST),
    genai_oa_member("results", GENAI_OA_LIST),
    genai_oa_member("message", GENAI_OA_FLAT_MESSAGE),
    genai_oa_member("detail", GENAI_OA_FLAT_MESSAGE),
    genai_oa_member("type", GENAI_OA_ERROR_TYPE),
    genai_oa_member("code", GENAI_OA_ERROR_CODE)
};

static const genai_push_member_t  genai_oa_choice_names[] = {
    genai_oa_member("index", GENAI_OA_INDEX),
    genai_oa_member("delta", GENAI_OA_DELTA),
    genai_oa_member("message", GENAI_OA_MESSAGE),
    genai_oa_unread("logprobs"),
    genai_oa_member("finish_reason", GENAI_OA_FINISH),
    genai_oa_member("text", GENAI_OA_TEXT),
    genai_oa_member("usage", GENAI_OA_CHOICE_USAGE),
    genai_oa_member("error", GENAI_OA_ERROR)
};

static const genai_push_member_t  genai_oa_delta_names[] = {
    genai_oa_member("content", GENAI_OA_CONTENT),
    genai_oa_member("tool_calls", GENAI_OA_TOOLS),
    genai_oa_member("reasoning_content", GENAI_OA_REASONING_CONTENT),
    genai_oa_member("reasoning", GENAI_OA_REASONING),
    genai_oa_member("reasoning_details", GENAI_OA_DETAILS),
    genai_oa_member("refusal", GENAI_OA_REFUSAL),
    genai_oa_unread("role"),
    genai_oa_member("function_call", GENAI_OA_FUNCTION_CALL),
    genai_oa_member("audio", GENAI_OA_AUDIO),
    genai_oa_member("images", GENAI_OA_IMAGES)
};

static const genai_push_member_t  genai_oa_message_names[] = {
    genai_oa_unread("role"),
    genai_oa_member("content", GENAI_OA_CONTENT),
    genai_oa_member("refusal", GENAI_OA_REFUSAL),
    genai_oa_unread("annotations"),
    genai_oa_member("tool_calls", GENAI_OA_TOOLS),
    genai_oa_member("reasoning_content", GENAI_OA_REASONING_CONTENT),
    genai_oa_member("reasoning", GENAI_OA_REASONING),
    genai_oa_member("reasoning_details", GENAI_OA_DETAILS),
    genai_oa_member("function_call", GENAI_OA_FUNCTION_CALL),
    genai_oa_member("audio", GENAI_OA_AUDIO),
    genai_oa_member("images", GENAI_OA_IMAGES)
};

static const genai_push_member_t  genai_oa_part_names[] = {
    genai_oa_unread("type"),
    genai_oa_member("text", GENAI_OA_PART_TEXT),
    genai_oa_member("thinking", GENAI_OA_THINKING),
    genai_oa_member("refusal", GENAI_OA_PART_REFUSAL)
};

static const genai_push_member_t  genai_oa_thinking_names[] = {
    genai_oa_member("text", GENAI_OA_THINKING)
};

static const genai_push_member_t  genai_oa_detail_names[] = {
    genai_oa_unread("type"),
    genai_oa_member("text", GENAI_OA_DETAIL_TEXT),
    genai_oa_member("summary", GENAI_OA_DETAIL_TEXT)
};

static const genai_push_member_t  genai_oa_tool_names[] = {
    genai_oa_member("index", GENAI_OA_TOOL_INDEX),
    genai_oa_member("id", GENAI_OA_TOOL_ID),
    genai_oa_unread("type"),
    genai_oa_member("function", GENAI_OA_FUNCTION),
    genai_oa_member("custom", GENAI_OA_CUSTOM)
};

static const genai_push_member_t  genai_oa_function_names[] = {
    genai_oa_member("name", GENAI_OA_NAME),
    genai_oa_member("arguments", GENAI_OA_ARGUMENTS)
};

static const genai_push_member_t  genai_oa_custom_names[] = {
    genai_oa_member("name", GENAI_OA_NAME),
    genai_oa_member("input", GENAI_OA_ARGUMENTS)
};

static const genai_push_member_t  genai_oa_audio_names[] = {
    genai_oa_member("data", GENAI_OA_AUDIO_DATA),
    genai_oa_member("transcript", GENAI_OA_AUDIO_DATA)
};

static const genai_push_member_t  genai_oa_groq_names[] = {
    genai_oa_member("usage", GENAI_OA_GROQ_USAGE)
};

static const genai_push_member_t  genai_oa_usage_names[] = {
    genai_oa_member("prompt_tokens", GENAI_OA_PROMPT),
    genai_oa_member("completion_tokens", GENAI_OA_COMPLETION),
    genai_oa_member("total_tokens", GENAI_OA_TOTAL),
    genai_oa_member("prompt_tokens_details", GENAI_OA_PROMPT_DETAILS),
    genai_oa_member("completion_tokens_details", GENAI_OA_COMPLETION_DETAILS),
    genai_oa_member("prompt_cache_hit_tokens", GENAI_OA_CACHE_HIT),
    genai_oa_member("cached_tokens", GENAI_OA_CACHE_HIT)
};

static const genai_push_member_t  genai_oa_prompt_names[] = {
    genai_oa_member("cached_tokens", GENAI_OA_CACHED),
    genai_oa_member("audio_tokens", GENAI_OA_AUDIO_TOKENS),
    genai_oa_member("image_tokens", GENAI_OA_IMAGE_TOKENS),
    genai_oa_member("cache_write_tokens", GENAI_OA_WRITTEN),
    genai_oa_member("cache_creation_tokens", GENAI_OA_WRITTEN),
    genai_oa_member("cache_creation_input_tokens", GENAI_OA_WRITTEN)
};

static const genai_push_member_t  genai_oa_completion_names[] = {
    genai_oa_member("reasoning_tokens", GENAI_OA_REASONING_TOKENS),
    genai_oa_member("audio_tokens", GENAI_OA_AUDIO_SAID),
    genai_oa_unread("accepted_prediction_tokens"),
    genai_oa_unread("rejected_prediction_tokens")
};

static const genai_push_member_t  genai_oa_error_names[] = {
    genai_oa_member("message", GENAI_OA_ERROR_MESSAGE),
    genai_oa_member("type", GENAI_OA_ERROR_TYPE),
    genai_oa_unread("param"),
    genai_oa_member("code", GENAI_OA_ERROR_CODE)
};


/* containers of which neither end is read, or but one */

#define GENAI_OA_QUIET  (GENAI_PUSH_QUIET_ENTER|GENAI_PUSH_QUIET_LEAVE)
#define GENAI_OA_ENTER  GENAI_PUSH_QUIET_LEAVE
#define GENAI_OA_LEAVE  GENAI_PUSH_QUIET_ENTER


#define genai_oa_string(node)                                                 \
    [node] = { GENAI_PUSH_WANT_STRING, node, 0, 0, NULL }

#define genai_oa_scalar(node)                                                 \
    [node] = { GENAI_PUSH_WANT_SCALAR, node, 0, 0, NULL }

#define genai_oa_array(node, also, element)                                   \
    [node] = { GENAI_PUSH_WANT_ARRAY|also, node, element, 0, NULL }

#define genai_oa_object(node, also, list)                                     \
    [node] = { GENAI_PUSH_WANT_OBJECT|also, node, 0, genai_push_members(list) }


static const genai_push_node_t  genai_oa_nodes[] = {
    genai_oa_object(GENAI_OA_ROOT, GENAI_OA_LEAVE, genai_oa_root_names),
    genai_oa_string(GENAI_OA_ID),
    genai_oa_string(GENAI_OA_MODEL),
    genai_oa_string(GENAI_OA_OBJECT),
    genai_oa_array(GENAI_OA_LIST, GENAI_OA_ENTER, GENAI_PUSH_NONE),
    genai_oa_array(GENAI_OA_CHOICES, GENAI_OA_QUIET, GENAI_OA_CHOICE),
    genai_oa_object(GENAI_OA_CHOICE, 0, genai_oa_choice_names),
    genai_oa_scalar(GENAI_OA_INDEX),
    genai_oa_string(GENAI_OA_FINISH),
    genai_oa_object(GENAI_OA_DELTA, GENAI_OA_QUIET, genai_oa_delta_names),
    genai_oa_object(GENAI_OA_MESSAGE, 0, genai_oa_message_names),
    genai_oa_string(GENAI_OA_TEXT),
    genai_oa_array(GENAI_OA_CONTENT, GENAI_PUSH_WANT_STRING|GENAI_OA_QUIET,
                   GENAI_OA_PART),
    genai_oa_object(GENAI_OA_PART, GENAI_PUSH_WANT_STRING|GENAI_OA_QUIET,
                    genai_oa_part_names),
    genai_oa_string(GENAI_OA_PART_TEXT),
    genai_oa_string(GENAI_OA_PART_REFUSAL),
    genai_oa_array(GENAI_OA_THINKING, GENAI_PUSH_WANT_STRING|GENAI_OA_QUIET,
                   GENAI_OA_THINKING_PART),
    genai_oa_object(GENAI_OA_THINKING_PART,
                    GENAI_PUSH_WANT_STRING|GENAI_OA_QUIET,
                    genai_oa_thinking_names),
    genai_oa_string(GENAI_OA_REFUSAL),
    genai_oa_string(GENAI_OA_REASONING_CONTENT),
    genai_oa_string(GENAI_OA_REASONING),
    genai_oa_array(GENAI_OA_DETAILS, GENAI_OA_QUIET, GENAI_OA_DETAIL),
    genai_oa_object(GENAI_OA_DETAIL, GENAI_OA_QUIET, genai_oa_detail_names),
    genai_oa_string(GENAI_OA_DETAIL_TEXT),
    genai_oa_array(GENAI_OA_TOOLS, GENAI_OA_QUIET, GENAI_OA_TOOL),
    genai_oa_object(GENAI_OA_TOOL, 0, genai_oa_tool_names),
    genai_oa_scalar(GENAI_OA_TOOL_INDEX),
    genai_oa_string(GENAI_OA_TOOL_ID),
    genai_oa_object(GENAI_OA_FUNCTION, GENAI_OA_QUIET, genai_oa_function_names),
    genai_oa_object(GENAI_OA_CUSTOM, GENAI_OA_ENTER, genai_oa_custom_names),
    genai_oa_object(GENAI_OA_FUNCTION_CALL, 0, genai_oa_function_names),
    genai_oa_string(GENAI_OA_NAME),
    [GENAI_OA_ARGUMENTS] = { GENAI_PUSH_WANT_STRING|GENAI_PUSH_WANT_RAW,
                             GENAI_OA_ARGUMENTS, 0, 0, NULL },
    genai_oa_object(GENAI_OA_AUDIO, GENAI_OA_QUIET, genai_oa_audio_names),
    genai_oa_string(GENAI_OA_AUDIO_DATA),
    genai_oa_array(GENAI_OA_IMAGES, GENAI_OA_QUIET, GENAI_OA_IMAGE),
    [GENAI_OA_IMAGE] = { GENAI_PUSH_WANT_OBJECT|GENAI_OA_ENTER,
                         GENAI_OA_IMAGE, 0, 0, NULL },
    genai_oa_object(GENAI_OA_USAGE, 0, genai_oa_usage_names),
    genai_oa_object(GENAI_OA_CHOICE_USAGE, 0, genai_oa_usage_names),
    genai_oa_object(GENAI_OA_GROQ, GENAI_OA_QUIET, genai_oa_groq_names),
    genai_oa_object(GENAI_OA_GROQ_USAGE, 0, genai_oa_usage_names),
    genai_oa_scalar(GENAI_OA_PROMPT),
    genai_oa_scalar(GENAI_OA_COMPLETION),
    genai_oa_scalar(GENAI_OA_TOTAL),
    genai_oa_scalar(GENAI_OA_CACHE_HIT),
    genai_oa_object(GENAI_OA_PROMPT_DETAILS, GENAI_OA_QUIET,
                    genai_oa_prompt_names),
    genai_oa_scalar(GENAI_OA_CACHED),
    genai_oa_scalar(GENAI_OA_WRITTEN),
    genai_oa_scalar(GENAI_OA_AUDIO_TOKENS),
    genai_oa_scalar(GENAI_OA_IMAGE_TOKENS),
    genai_oa_object(GENAI_OA_COMPLETION_DETAILS, GENAI_OA_QUIET,
                    genai_oa_completion_names),
    genai_oa_scalar(GENAI_OA_REASONING_TOKENS),
    genai_oa_scalar(GENAI_OA_AUDIO_SAID),
    genai_oa_object(GENAI_OA_ERROR,
                    GENAI_PUSH_WANT_STRING|GENAI_PUSH_WANT_SCALAR,
                    genai_oa_error_names),
    genai_oa_string(GENAI_OA_ERROR_MESSAGE),
    genai_oa_string(GENAI_OA_ERROR_TYPE),
    [GENAI_OA_ERROR_CODE] = { GENAI_PUSH_WANT_STRING|GENAI_PUSH_WANT_SCALAR,
                              GENAI_OA_ERROR_CODE, 0, 0, NULL },
    genai_oa_string(GENAI_OA_FLAT_MESSAGE)
};


#endif /* _GENAI_OPENAI_TABLE_H_INCLUDED_ */
