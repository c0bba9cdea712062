/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is read of an answer in Gemini's dialect: the push scanner's table; a
 * node's tag is its own number.  Included once.
 */


#ifndef _GENAI_GEMINI_TABLE_H_INCLUDED_
#define _GENAI_GEMINI_TABLE_H_INCLUDED_


#include "genai_push.h"


enum {
    GENAI_GA_ROOT = 0,
    GENAI_GA_CANDIDATES,
    GENAI_GA_CANDIDATE,
    GENAI_GA_INDEX,
    GENAI_GA_FINISH,
    GENAI_GA_CONTENT,
    GENAI_GA_PARTS,
    GENAI_GA_PART,
    GENAI_GA_TEXT,
    GENAI_GA_THOUGHT,
    GENAI_GA_SIGNATURE,
    GENAI_GA_CALL,
    GENAI_GA_CALL_ID,
    GENAI_GA_CALL_NAME,
    GENAI_GA_CALL_ARGS,
    GENAI_GA_OTHER,
    GENAI_GA_FEEDBACK,
    GENAI_GA_BLOCK,
    GENAI_GA_ID,
    GENAI_GA_MODEL,
    GENAI_GA_USAGE,
    GENAI_GA_PROMPT,
    GENAI_GA_TOOL_PROMPT,
    GENAI_GA_SAID,
    GENAI_GA_THOUGHTS,
    GENAI_GA_CACHED,
    GENAI_GA_TOTAL,
    GENAI_GA_PROMPT_LIST,
    GENAI_GA_CACHED_LIST,
    GENAI_GA_SAID_LIST,
    GENAI_GA_MODALITY,
    GENAI_GA_MODALITY_NAME,
    GENAI_GA_MODALITY_COUNT,
    GENAI_GA_ERROR,
    GENAI_GA_ERROR_MESSAGE,
    GENAI_GA_ERROR_STATUS,
    GENAI_GA_ERROR_CODE,
    GENAI_GA_LIST               /* what is an answer of another endpoint */
};


#define genai_ga_member        genai_push_member
#define genai_ga_unread(name)  genai_push_member(name, GENAI_PUSH_NONE)


/* names stand in the order in which Google tells them, see
 * genai_openai_table.h */

static const genai_push_member_t  genai_ga_root_names[] = {
    genai_ga_member("candidates", GENAI_GA_CANDIDATES),
    genai_ga_member("promptFeedback", GENAI_GA_FEEDBACK),
    genai_ga_member("usageMetadata", GENAI_GA_USAGE),
    genai_ga_member("modelVersion", GENAI_GA_MODEL),
    genai_ga_unread("createTime"),
    genai_ga_member("responseId", GENAI_GA_ID),
    genai_ga_member("error", GENAI_GA_ERROR),
    genai_ga_member("totalTokens", GENAI_GA_LIST),
    genai_ga_member("embedding", GENAI_GA_LIST),
    genai_ga_member("embeddings", GENAI_GA_LIST)
};

static const genai_push_member_t  genai_ga_candidate_names[] = {
    genai_ga_member("content", GENAI_GA_CONTENT),
    genai_ga_member("finishReason", GENAI_GA_FINISH),
    genai_ga_member("index", GENAI_GA_INDEX)
};

static const genai_push_member_t  genai_ga_content_names[] = {
    genai_ga_member("parts", GENAI_GA_PARTS),
    genai_ga_unread("role")
};

static const genai_push_member_t  genai_ga_part_names[] = {
    genai_ga_member("text", GENAI_GA_TEXT),
    genai_ga_member("thought", GENAI_GA_THOUGHT),
    genai_ga_member("functionCall", GENAI_GA_CALL),
    genai_ga_member("thoughtSignature", GENAI_GA_SIGNATURE),
    genai_ga_member("inlineData", GENAI_GA_OTHER),
    genai_ga_member("fileData", GENAI_GA_OTHER),
    genai_ga_member("executableCode", GENAI_GA_OTHER),
    genai_ga_member("codeExecutionResult", GENAI_GA_OTHER)
};

static const genai_push_member_t  genai_ga_call_names[] = {
    genai_ga_member("name", GENAI_GA_CALL_NAME),
    genai_ga_member("args", GENAI_GA_CALL_ARGS),
    genai_ga_member("id", GENAI_GA_CALL_ID)
};

/* of objects of which nothing is read but that they are there */

static const genai_push_member_t  genai_ga_no_names[] = {
    genai_ga_unread("mimeType")
};

static const genai_push_member_t  genai_ga_feedback_names[] = {
    genai_ga_member("blockReason", GENAI_GA_BLOCK)
};

static const genai_push_member_t  genai_ga_usage_names[] = {
    genai_ga_member("promptTokenCount", GENAI_GA_PROMPT),
    genai_ga_member("candidatesTokenCount", GENAI_GA_SAID),
    genai_ga_member("totalTokenCount", GENAI_GA_TOTAL),
    genai_ga_member("cachedContentTokenCount", GENAI_GA_CACHED),
    genai_ga_unread("trafficType"),
    genai_ga_member("promptTokensDetails", GENAI_GA_PROMPT_LIST),
    genai_ga_member("cacheTokensDetails", GENAI_GA_CACHED_LIST),
    genai_ga_member("candidatesTokensDetails", GENAI_GA_SAID_LIST),
    genai_ga_member("toolUsePromptTokenCount", GENAI_GA_TOOL_PROMPT),
    genai_ga_member("thoughtsTokenCount", GENAI_GA_THOUGHTS),
    genai_ga_member("responseTokenCount", GENAI_GA_SAID)
};

static const genai_push_member_t  genai_ga_modality_names[] = {
    genai_ga_member("modality", GENAI_GA_MODALITY_NAME),
    genai_ga_member("tokenCount", GENAI_GA_MODALITY_COUNT)
};

static const genai_push_member_t  genai_ga_error_names[] = {
    genai_ga_member("code", GENAI_GA_ERROR_CODE),
    genai_ga_member("message", GENAI_GA_ERROR_MESSAGE),
    genai_ga_member("status", GENAI_GA_ERROR_STATUS),
    genai_ga_unread("details")
};


/* containers of which neither end is read, or but one */

#define GENAI_GA_QUIET  (GENAI_PUSH_QUIET_ENTER|GENAI_PUSH_QUIET_LEAVE)
#define GENAI_GA_ENTER  GENAI_PUSH_QUIET_LEAVE
#define GENAI_GA_LEAVE  GENAI_PUSH_QUIET_ENTER


#define genai_ga_string(node)                                                 \
    [node] = { GENAI_PUSH_WANT_STRING, node, 0, 0, NULL }

#define genai_ga_scalar(node)                                                 \
    [node] = { GENAI_PUSH_WANT_SCALAR, node, 0, 0, NULL }

/* a number, which some write as a string */

#define genai_ga_numeric(node)                                                \
    [node] = { GENAI_PUSH_WANT_SCALAR|GENAI_PUSH_WANT_STRING, node, 0, 0,     \
               NULL }

#define genai_ga_array(node, also, element)                                   \
    [node] = { GENAI_PUSH_WANT_ARRAY|also, node, element, 0, NULL }

#define genai_ga_object(node, also, list)                                     \
    [node] = { GENAI_PUSH_WANT_OBJECT|also, node, 0, genai_push_members(list) }


static const genai_push_node_t  genai_ga_nodes[] = {
    genai_ga_object(GENAI_GA_ROOT, GENAI_GA_LEAVE, genai_ga_root_names),
    genai_ga_array(GENAI_GA_CANDIDATES, GENAI_GA_ENTER, GENAI_GA_CANDIDATE),
    genai_ga_object(GENAI_GA_CANDIDATE, 0, genai_ga_candidate_names),
    genai_ga_scalar(GENAI_GA_INDEX),
    genai_ga_numeric(GENAI_GA_FINISH),
    genai_ga_object(GENAI_GA_CONTENT, GENAI_GA_QUIET, genai_ga_content_names),
    genai_ga_array(GENAI_GA_PARTS, GENAI_GA_QUIET, GENAI_GA_PART),
    genai_ga_object(GENAI_GA_PART, 0, genai_ga_part_names),
    genai_ga_string(GENAI_GA_TEXT),
    genai_ga_scalar(GENAI_GA_THOUGHT),
    genai_ga_string(GENAI_GA_SIGNATURE),
    genai_ga_object(GENAI_GA_CALL, 0, genai_ga_call_names),
    genai_ga_string(GENAI_GA_CALL_ID),
    genai_ga_string(GENAI_GA_CALL_NAME),
    [GENAI_GA_CALL_ARGS] = { GENAI_PUSH_WANT_STRING|GENAI_PUSH_WANT_RAW,
                             GENAI_GA_CALL_ARGS, 0, 0, NULL },
    genai_ga_object(GENAI_GA_OTHER, GENAI_GA_ENTER, genai_ga_no_names),
    genai_ga_object(GENAI_GA_FEEDBACK, GENAI_GA_QUIET,
                    genai_ga_feedback_names),
    genai_ga_string(GENAI_GA_BLOCK),
    genai_ga_string(GENAI_GA_ID),
    genai_ga_string(GENAI_GA_MODEL),
    genai_ga_object(GENAI_GA_USAGE, 0, genai_ga_usage_names),
    genai_ga_numeric(GENAI_GA_PROMPT),
    genai_ga_numeric(GENAI_GA_TOOL_PROMPT),
    genai_ga_numeric(GENAI_GA_SAID),
    genai_ga_numeric(GENAI_GA_THOUGHTS),
    genai_ga_numeric(GENAI_GA_CACHED),
    genai_ga_numeric(GENAI_GA_TOTAL),
    genai_ga_array(GENAI_GA_PROMPT_LIST, GENAI_GA_ENTER, GENAI_GA_MODALITY),
    genai_ga_array(GENAI_GA_CACHED_LIST, GENAI_GA_ENTER, GENAI_GA_MODALITY),
    genai_ga_array(GENAI_GA_SAID_LIST, GENAI_GA_ENTER, GENAI_GA_MODALITY),
    genai_ga_object(GENAI_GA_MODALITY, 0, genai_ga_modality_names),
    genai_ga_string(GENAI_GA_MODALITY_NAME),
    genai_ga_numeric(GENAI_GA_MODALITY_COUNT),
    genai_ga_object(GENAI_GA_ERROR,
                    GENAI_PUSH_WANT_STRING|GENAI_PUSH_WANT_SCALAR,
                    genai_ga_error_names),
    genai_ga_string(GENAI_GA_ERROR_MESSAGE),
    genai_ga_string(GENAI_GA_ERROR_STATUS),
    genai_ga_numeric(GENAI_GA_ERROR_CODE),
    [GENAI_GA_LIST] = { GENAI_PUSH_WANT_SCALAR|GENAI_PUSH_WANT_ARRAY
                        |GENAI_PUSH_WANT_OBJECT|GENAI_GA_ENTER,
                        GENAI_GA_LIST, GENAI_PUSH_NONE,
                        genai_push_members(genai_ga_no_names) }
};


#endif /* _GENAI_GEMINI_TABLE_H_INCLUDED_ */
