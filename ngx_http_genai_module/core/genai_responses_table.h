/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is read of an answer of OpenAI's Responses API: the push scanner's
 * table.  One table serves JSON answers and the events of streams, since a
 * response within an event has the members that a JSON answer has; a node's
 * tag is its own number.  Included once.
 */


#ifndef _GENAI_RESPONSES_TABLE_H_INCLUDED_
#define _GENAI_RESPONSES_TABLE_H_INCLUDED_


#include "genai_push.h"


enum {
    GENAI_RA_ROOT = 0,

    /* an event */
    GENAI_RA_EVENT_TYPE,
    GENAI_RA_RESPONSE,
    GENAI_RA_ITEM,
    GENAI_RA_PART,
    GENAI_RA_DELTA,
    GENAI_RA_TEXT,
    GENAI_RA_REFUSAL,
    GENAI_RA_ARGUMENTS,
    GENAI_RA_INPUT,
    GENAI_RA_EVENT_ITEM_ID,
    GENAI_RA_EVENT_INDEX,

    /* a response */
    GENAI_RA_ID,
    GENAI_RA_MODEL,
    GENAI_RA_STATUS,
    GENAI_RA_INCOMPLETE,
    GENAI_RA_REASON,
    GENAI_RA_OUTPUT,
    GENAI_RA_LISTED,            /* an item of its output */

    /* an item */
    GENAI_RA_ITEM_TYPE,
    GENAI_RA_ITEM_ID,
    GENAI_RA_CALL_ID,
    GENAI_RA_NAME,
    GENAI_RA_ITEM_ARGUMENTS,
    GENAI_RA_ITEM_INPUT,
    GENAI_RA_SEALED,
    GENAI_RA_IMAGE,
    GENAI_RA_CONTENT,
    GENAI_RA_SUMMARY,
    GENAI_RA_CONTENT_PART,
    GENAI_RA_SUMMARY_PART,

    /* a part */
    GENAI_RA_PART_TYPE,
    GENAI_RA_PART_TEXT,
    GENAI_RA_PART_REFUSAL,
    GENAI_RA_PART_SIGN,         /* what nothing but a text said has */
    GENAI_RA_SUMMARY_TEXT,

    GENAI_RA_COUNTED,           /* all there is where tokens were asked for */

    GENAI_RA_USAGE,
    GENAI_RA_INPUT_TOKENS,
    GENAI_RA_OUTPUT_TOKENS,
    GENAI_RA_TOTAL,
    GENAI_RA_INPUT_DETAILS,
    GENAI_RA_CACHED,
    GENAI_RA_WRITTEN,
    GENAI_RA_AUDIO,
    GENAI_RA_PICTURES,
    GENAI_RA_OUTPUT_DETAILS,
    GENAI_RA_REASONING,
    GENAI_RA_AUDIO_SAID,

    GENAI_RA_ERROR,
    GENAI_RA_ERROR_MESSAGE,
    GENAI_RA_ERROR_TYPE,
    GENAI_RA_ERROR_CODE,
    GENAI_RA_FLAT_MESSAGE
};


#define genai_ra_member        genai_push_member
#define genai_ra_unread(name)  genai_push_member(name, GENAI_PUSH_NONE)

#define genai_ra_response                                                     \
    genai_ra_member("id", GENAI_RA_ID),                                       \
    genai_ra_member("model", GENAI_RA_MODEL),                                 \
    genai_ra_member("status", GENAI_RA_STATUS),                               \
    genai_ra_member("incomplete_details", GENAI_RA_INCOMPLETE),               \
    genai_ra_member("output", GENAI_RA_OUTPUT),                               \
    genai_ra_member("usage", GENAI_RA_USAGE),                                 \
    genai_ra_member("error", GENAI_RA_ERROR)


/* an event first: there are many, and one response */

static const genai_push_member_t  genai_ra_root_names[] = {
    genai_ra_member("type", GENAI_RA_EVENT_TYPE),
    genai_ra_unread("sequence_number"),
    genai_ra_unread("content_index"),
    genai_ra_member("delta", GENAI_RA_DELTA),
    genai_ra_member("item_id", GENAI_RA_EVENT_ITEM_ID),
    genai_ra_unread("logprobs"),
    genai_ra_unread("obfuscation"),
    genai_ra_member("output_index", GENAI_RA_EVENT_INDEX),
    genai_ra_member("item", GENAI_RA_ITEM),
    genai_ra_member("response", GENAI_RA_RESPONSE),
    genai_ra_member("part", GENAI_RA_PART),
    genai_ra_member("text", GENAI_RA_TEXT),
    genai_ra_member("arguments", GENAI_RA_ARGUMENTS),
    genai_ra_member("input", GENAI_RA_INPUT),
    genai_ra_member("refusal", GENAI_RA_REFUSAL),
    genai_ra_unread("summary_index"),
    genai_ra_response,
    genai_ra_member("message", GENAI_RA_FLAT_MESSAGE),
    genai_ra_member("detail", GENAI_RA_FLAT_MESSAGE),
    genai_ra_member("code", GENAI_RA_ERROR_CODE),
    genai_ra_member("input_tokens", GENAI_RA_COUNTED)
};

static const genai_push_member_t  genai_ra_response_names[] = {
    genai_ra_response
};

static const genai_push_member_t  genai_ra_incomplete_names[] = {
    genai_ra_member("reason", GENAI_RA_REASON)
};

static const genai_push_member_t  genai_ra_item_names[] = {
    genai_ra_member("id", GENAI_RA_ITEM_ID),
    genai_ra_member("type", GENAI_RA_ITEM_TYPE),
    genai_ra_unread("status"),
    genai_ra_member("content", GENAI_RA_CONTENT),
    genai_ra_member("arguments", GENAI_RA_ITEM_ARGUMENTS),
    genai_ra_member("call_id", GENAI_RA_CALL_ID),
    genai_ra_member("name", GENAI_RA_NAME),
    genai_ra_unread("role"),
    genai_ra_member("encrypted_content", GENAI_RA_SEALED),
    genai_ra_member("summary", GENAI_RA_SUMMARY),
    genai_ra_member("input", GENAI_RA_ITEM_INPUT),
    genai_ra_member("result", GENAI_RA_IMAGE)
};

static const genai_push_member_t  genai_ra_part_names[] = {
    genai_ra_member("type", GENAI_RA_PART_TYPE),
    genai_ra_member("annotations", GENAI_RA_PART_SIGN),
    genai_ra_member("logprobs", GENAI_RA_PART_SIGN),
    genai_ra_member("text", GENAI_RA_PART_TEXT),
    genai_ra_member("refusal", GENAI_RA_PART_REFUSAL)
};

static const genai_push_member_t  genai_ra_summary_names[] = {
    genai_ra_unread("type"),
    genai_ra_member("text", GENAI_RA_SUMMARY_TEXT)
};

static const genai_push_member_t  genai_ra_usage_names[] = {
    genai_ra_member("input_tokens", GENAI_RA_INPUT_TOKENS),
    genai_ra_member("input_tokens_details", GENAI_RA_INPUT_DETAILS),
    genai_ra_member("output_tokens", GENAI_RA_OUTPUT_TOKENS),
    genai_ra_member("output_tokens_details", GENAI_RA_OUTPUT_DETAILS),
    genai_ra_member("total_tokens", GENAI_RA_TOTAL)
};

static const genai_push_member_t  genai_ra_input_names[] = {
    genai_ra_member("cached_tokens", GENAI_RA_CACHED),
    genai_ra_member("cache_write_tokens", GENAI_RA_WRITTEN),
    genai_ra_member("audio_tokens", GENAI_RA_AUDIO),
    genai_ra_member("image_tokens", GENAI_RA_PICTURES)
};

static const genai_push_member_t  genai_ra_output_names[] = {
    genai_ra_member("reasoning_tokens", GENAI_RA_REASONING),
    genai_ra_member("audio_tokens", GENAI_RA_AUDIO_SAID)
};

static const genai_push_member_t  genai_ra_error_names[] = {
    genai_ra_member("message", GENAI_RA_ERROR_MESSAGE),
    genai_ra_member("type", GENAI_RA_ERROR_TYPE),
    genai_ra_unread("param"),
    genai_ra_member("code", GENAI_RA_ERROR_CODE)
};


/* containers of which neither end is read, or but one */

#define GENAI_RA_QUIET  (GENAI_PUSH_QUIET_ENTER|GENAI_PUSH_QUIET_LEAVE)
#define GENAI_RA_ENTER  GENAI_PUSH_QUIET_LEAVE
#define GENAI_RA_LEAVE  GENAI_PUSH_QUIET_ENTER


#define genai_ra_string(node)                                                 \
    [node] = { GENAI_PUSH_WANT_STRING, node, 0, 0, NULL }

#define genai_ra_scalar(node)                                                 \
    [node] = { GENAI_PUSH_WANT_SCALAR, node, 0, 0, NULL }

#define genai_ra_array(node, also, element)                                   \
    [node] = { GENAI_PUSH_WANT_ARRAY|also, node, element, 0, NULL }

#define genai_ra_object(node, also, list)                                     \
    [node] = { GENAI_PUSH_WANT_OBJECT|also, node, 0, genai_push_members(list) }


static const genai_push_node_t  genai_ra_nodes[] = {
    genai_ra_object(GENAI_RA_ROOT, GENAI_RA_LEAVE, genai_ra_root_names),
    genai_ra_string(GENAI_RA_EVENT_TYPE),
    genai_ra_object(GENAI_RA_RESPONSE, GENAI_RA_ENTER,
                    genai_ra_response_names),
    genai_ra_object(GENAI_RA_ITEM, GENAI_RA_ENTER, genai_ra_item_names),
    genai_ra_object(GENAI_RA_PART, 0, genai_ra_part_names),
    genai_ra_string(GENAI_RA_DELTA),
    genai_ra_string(GENAI_RA_TEXT),
    genai_ra_string(GENAI_RA_REFUSAL),
    genai_ra_string(GENAI_RA_ARGUMENTS),
    genai_ra_string(GENAI_RA_INPUT),
    genai_ra_string(GENAI_RA_EVENT_ITEM_ID),
    genai_ra_scalar(GENAI_RA_EVENT_INDEX),
    genai_ra_string(GENAI_RA_ID),
    genai_ra_string(GENAI_RA_MODEL),
    genai_ra_string(GENAI_RA_STATUS),
    genai_ra_object(GENAI_RA_INCOMPLETE, GENAI_RA_QUIET,
                    genai_ra_incomplete_names),
    genai_ra_string(GENAI_RA_REASON),
    genai_ra_array(GENAI_RA_OUTPUT, GENAI_RA_ENTER, GENAI_RA_LISTED),
    genai_ra_object(GENAI_RA_LISTED, 0, genai_ra_item_names),
    genai_ra_string(GENAI_RA_ITEM_TYPE),
    genai_ra_string(GENAI_RA_ITEM_ID),
    genai_ra_string(GENAI_RA_CALL_ID),
    genai_ra_string(GENAI_RA_NAME),
    genai_ra_string(GENAI_RA_ITEM_ARGUMENTS),
    genai_ra_string(GENAI_RA_ITEM_INPUT),
    genai_ra_string(GENAI_RA_SEALED),
    genai_ra_string(GENAI_RA_IMAGE),
    genai_ra_array(GENAI_RA_CONTENT, GENAI_RA_QUIET, GENAI_RA_CONTENT_PART),
    genai_ra_array(GENAI_RA_SUMMARY, GENAI_RA_QUIET, GENAI_RA_SUMMARY_PART),
    genai_ra_object(GENAI_RA_CONTENT_PART, 0, genai_ra_part_names),
    genai_ra_object(GENAI_RA_SUMMARY_PART, GENAI_RA_ENTER,
                    genai_ra_summary_names),
    genai_ra_string(GENAI_RA_PART_TYPE),
    genai_ra_string(GENAI_RA_PART_TEXT),
    genai_ra_string(GENAI_RA_PART_REFUSAL),
    genai_ra_array(GENAI_RA_PART_SIGN, GENAI_RA_ENTER, GENAI_PUSH_NONE),
    genai_ra_string(GENAI_RA_SUMMARY_TEXT),
    genai_ra_scalar(GENAI_RA_COUNTED),
    genai_ra_object(GENAI_RA_USAGE, 0, genai_ra_usage_names),
    genai_ra_scalar(GENAI_RA_INPUT_TOKENS),
    genai_ra_scalar(GENAI_RA_OUTPUT_TOKENS),
    genai_ra_scalar(GENAI_RA_TOTAL),
    genai_ra_object(GENAI_RA_INPUT_DETAILS, GENAI_RA_QUIET,
                    genai_ra_input_names),
    genai_ra_scalar(GENAI_RA_CACHED),
    genai_ra_scalar(GENAI_RA_WRITTEN),
    genai_ra_scalar(GENAI_RA_AUDIO),
    genai_ra_scalar(GENAI_RA_PICTURES),
    genai_ra_object(GENAI_RA_OUTPUT_DETAILS, GENAI_RA_QUIET,
                    genai_ra_output_names),
    genai_ra_scalar(GENAI_RA_REASONING),
    genai_ra_scalar(GENAI_RA_AUDIO_SAID),
    genai_ra_object(GENAI_RA_ERROR,
                    GENAI_PUSH_WANT_STRING|GENAI_PUSH_WANT_SCALAR,
                    genai_ra_error_names),
    genai_ra_string(GENAI_RA_ERROR_MESSAGE),
    genai_ra_string(GENAI_RA_ERROR_TYPE),
    [GENAI_RA_ERROR_CODE] = { GENAI_PUSH_WANT_STRING|GENAI_PUSH_WANT_SCALAR,
                              GENAI_RA_ERROR_CODE, 0, 0, NULL },
    genai_ra_string(GENAI_RA_FLAT_MESSAGE)
};


#endif /* _GENAI_RESPONSES_TABLE_H_INCLUDED_ */
