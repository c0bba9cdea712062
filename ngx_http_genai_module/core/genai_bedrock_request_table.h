/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The places of Bedrock's requests, from the leaves to the roots.  Included
 * once, by genai_bedrock_request.c, which has the handlers.
 *
 * A block is a union: an object with one member, whose name is its type.
 */


#ifndef _GENAI_BEDROCK_REQUEST_TABLE_H_INCLUDED_
#define _GENAI_BEDROCK_REQUEST_TABLE_H_INCLUDED_


/* the kind where it does not matter */
#define T  GENAI_SEGMENT_TEXT

#define genai_br_leaf(kind, handler)                                          \
    { GENAI_WALK_ANY, 0, kind, handler, NULL, NULL }

/* in it are places for texts, it is none itself */

#define genai_br_object(members)                                              \
    { GENAI_WALK_ANY, GENAI_WALK_OBJECT, GENAI_SEGMENT_UNCOVERED,             \
      genai_br_text, NULL, members }

#define genai_br_array(element)                                               \
    { GENAI_WALK_ANY, GENAI_WALK_ARRAY, GENAI_SEGMENT_UNCOVERED,              \
      genai_br_text, element, NULL }

/* the same, told as a whole as well */

#define genai_br_media(kind, members)                                         \
    { GENAI_WALK_ANY, GENAI_WALK_OBJECT, kind, genai_br_whole, NULL, members }


/* members that mean something to programs alone */

static const genai_request_member_t  genai_br_plain[] = {
    genai_request_member("role", NULL),
    genai_request_member("toolUseId", NULL),
    genai_request_member("status", NULL),
    genai_request_member("type", NULL),
    genai_request_member("format", NULL),
    genai_request_member("signature", NULL),
    genai_request_member("redactedContent", NULL),
    genai_request_member("cachePoint", NULL),
    genai_request_member("citations", NULL),
    genai_request_member("qualifiers", NULL),
    genai_request_member("bytes", NULL),
    genai_request_member("s3Location", NULL),
    genai_request_members_end
};

static const genai_request_node_t
    genai_br_other_node = {
        GENAI_WALK_ANY, 0, GENAI_SEGMENT_UNCOVERED, genai_br_other, NULL,
        genai_br_plain
    },
    genai_br_uncovered_node =
        genai_br_leaf(GENAI_SEGMENT_UNCOVERED, genai_br_text),
    genai_br_text_node = genai_br_leaf(T, genai_br_text),
    genai_br_thought_node =
        genai_br_leaf(GENAI_SEGMENT_REASONING, genai_br_text),
    genai_br_call_name_node =
        genai_br_leaf(GENAI_SEGMENT_CALL_NAME, genai_br_text),
    genai_br_input_node =
        genai_br_leaf(GENAI_SEGMENT_ARGUMENTS, genai_br_json),
    genai_br_said_node = genai_br_leaf(GENAI_SEGMENT_RESULT, genai_br_text),
    genai_br_json_node = genai_br_leaf(GENAI_SEGMENT_RESULT, genai_br_json);


/* objects whose only text is a member "text", and lists of them */

static const genai_request_member_t  genai_br_texts_members[] = {
    genai_request_member("text", &genai_br_text_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_texts_node =
    genai_br_object(genai_br_texts_members);

static const genai_request_node_t  genai_br_list_node =
    genai_br_array(&genai_br_texts_node);

static const genai_request_member_t  genai_br_source_members[] = {
    genai_request_member("text", &genai_br_text_node),
    genai_request_member("content", &genai_br_list_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_source_node =
    genai_br_object(genai_br_source_members);

static const genai_request_member_t  genai_br_document_members[] = {
    genai_request_member("name", &genai_br_text_node),
    genai_request_member("context", &genai_br_text_node),
    genai_request_member("source", &genai_br_source_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_member_t  genai_br_media_members[] = {
    genai_request_member("source", NULL),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t
    genai_br_document_node =
        genai_br_media(GENAI_SEGMENT_FILE, genai_br_document_members),
    genai_br_image_node =
        genai_br_media(GENAI_SEGMENT_IMAGE, genai_br_media_members),
    genai_br_audio_node =
        genai_br_media(GENAI_SEGMENT_AUDIO, genai_br_media_members),
    genai_br_video_node =
        genai_br_media(GENAI_SEGMENT_FILE, genai_br_media_members);

static const genai_request_member_t  genai_br_search_members[] = {
    genai_request_member("source", &genai_br_text_node),
    genai_request_member("title", &genai_br_text_node),
    genai_request_member("content", &genai_br_list_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_search_node =
    genai_br_object(genai_br_search_members);

static const genai_request_member_t  genai_br_guard_members[] = {
    genai_request_member("text", &genai_br_texts_node),
    genai_request_member("image", &genai_br_image_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_guard_node =
    genai_br_object(genai_br_guard_members);


/* what a tool answered */

static const genai_request_member_t  genai_br_result_block_members[] = {
    genai_request_member("text", &genai_br_said_node),
    genai_request_member("json", &genai_br_json_node),
    genai_request_member("image", &genai_br_image_node),
    genai_request_member("document", &genai_br_document_node),
    genai_request_member("video", &genai_br_video_node),
    genai_request_member("searchResult", &genai_br_search_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_result_block_node =
    genai_br_object(genai_br_result_block_members);

static const genai_request_node_t  genai_br_result_content_node =
    genai_br_array(&genai_br_result_block_node);

static const genai_request_member_t  genai_br_result_members[] = {
    genai_request_member("content", &genai_br_result_content_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_result_node =
    genai_br_object(genai_br_result_members);


static const genai_request_member_t  genai_br_call_members[] = {
    genai_request_member("name", &genai_br_call_name_node),
    genai_request_member("input", &genai_br_input_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_call_node =
    genai_br_object(genai_br_call_members);


static const genai_request_member_t  genai_br_thought_members[] = {
    genai_request_member("text", &genai_br_thought_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_thoughts_node =
    genai_br_object(genai_br_thought_members);

static const genai_request_member_t  genai_br_reasoning_members[] = {
    genai_request_member("reasoningText", &genai_br_thoughts_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_reasoning_node =
    genai_br_object(genai_br_reasoning_members);


/* what an answer has cited comes back in the next turn */

static const genai_request_member_t  genai_br_cited_members[] = {
    genai_request_member("content", &genai_br_list_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_cited_node =
    genai_br_object(genai_br_cited_members);


static const genai_request_member_t  genai_br_block_members[] = {
    genai_request_member("text", &genai_br_text_node),
    genai_request_member("toolUse", &genai_br_call_node),
    genai_request_member("toolResult", &genai_br_result_node),
    genai_request_member("image", &genai_br_image_node),
    genai_request_member("document", &genai_br_document_node),
    genai_request_member("video", &genai_br_video_node),
    genai_request_member("audio", &genai_br_audio_node),
    genai_request_member("reasoningContent", &genai_br_reasoning_node),
    genai_request_member("citationsContent", &genai_br_cited_node),
    genai_request_member("guardContent", &genai_br_guard_node),
    genai_request_member("searchResult", &genai_br_search_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_block_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, T, genai_br_block, NULL,
    genai_br_block_members
};

static const genai_request_node_t
    genai_br_content_node = genai_br_array(&genai_br_block_node),
    genai_br_system_node = {
        GENAI_WALK_ANY, GENAI_WALK_ARRAY, GENAI_SEGMENT_UNCOVERED,
        genai_br_system, &genai_br_block_node, NULL
    };

static const genai_request_member_t  genai_br_message_members[] = {
    genai_request_member("role", NULL),
    genai_request_member("content", &genai_br_content_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_message_node = {
    GENAI_WALK_OBJECT, GENAI_WALK_OBJECT, T, genai_br_message, NULL,
    genai_br_message_members
};

static const genai_request_node_t  genai_br_messages_node = {
    GENAI_WALK_ARRAY|GENAI_WALK_NULL, GENAI_WALK_ARRAY, T, NULL,
    &genai_br_message_node, NULL
};


static const genai_request_node_t
    genai_br_tool_name_node =
        genai_br_leaf(GENAI_SEGMENT_TOOL_NAME, genai_br_text),
    genai_br_description_node =
        genai_br_leaf(GENAI_SEGMENT_TOOL_DESCRIPTION, genai_br_text),
    genai_br_schema_node =
        genai_br_leaf(GENAI_SEGMENT_TOOL_SCHEMA, genai_br_json),
    genai_br_format_node =
        genai_br_leaf(GENAI_SEGMENT_FORMAT, genai_br_json);

static const genai_request_member_t  genai_br_schemas_members[] = {
    genai_request_member("json", &genai_br_schema_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_schemas_node =
    genai_br_object(genai_br_schemas_members);

static const genai_request_member_t  genai_br_spec_members[] = {
    genai_request_member("name", &genai_br_tool_name_node),
    genai_request_member("description", &genai_br_description_node),
    genai_request_member("inputSchema", &genai_br_schemas_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_spec_node =
    genai_br_object(genai_br_spec_members);

static const genai_request_member_t  genai_br_tool_members[] = {
    genai_request_member("toolSpec", &genai_br_spec_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_tool_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, GENAI_SEGMENT_UNCOVERED, genai_br_tool,
    NULL, genai_br_tool_members
};

static const genai_request_node_t  genai_br_tools_node =
    genai_br_array(&genai_br_tool_node);

static const genai_request_member_t  genai_br_tool_config_members[] = {
    genai_request_member("tools", &genai_br_tools_node),
    genai_request_member("toolChoice", NULL),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_tool_config_node =
    genai_br_object(genai_br_tool_config_members);


static const genai_request_member_t  genai_br_definition_members[] = {
    genai_request_member("schema", &genai_br_format_node),
    genai_request_member("description", &genai_br_format_node),
    genai_request_member("name", NULL),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_definition_node =
    genai_br_object(genai_br_definition_members);

static const genai_request_member_t  genai_br_structure_members[] = {
    genai_request_member("jsonSchema", &genai_br_definition_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_structure_node =
    genai_br_object(genai_br_structure_members);

static const genai_request_member_t  genai_br_text_format_members[] = {
    genai_request_member("structure", &genai_br_structure_node),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_text_format_node =
    genai_br_object(genai_br_text_format_members);

static const genai_request_member_t  genai_br_output_members[] = {
    genai_request_member("textFormat", &genai_br_text_format_node),
    genai_request_member("effort", NULL),
    genai_request_members_other(&genai_br_other_node)
};

static const genai_request_node_t  genai_br_output_node =
    genai_br_object(genai_br_output_members);


/* what is acted on */

static const genai_request_node_t  genai_br_max_node = {
    GENAI_WALK_NUMBER|GENAI_WALK_NULL, 0, T, genai_br_max, NULL, NULL
};

static const genai_request_member_t  genai_br_config_members[] = {
    genai_request_member("maxTokens", &genai_br_max_node),
    genai_request_members_end
};

static const genai_request_node_t  genai_br_config_node = {
    GENAI_WALK_OBJECT|GENAI_WALK_NULL, GENAI_WALK_OBJECT, T, NULL, NULL,
    genai_br_config_members
};

static const genai_request_member_t  genai_br_root_members[] = {
    genai_request_member("messages", &genai_br_messages_node),
    genai_request_member("system", &genai_br_system_node),
    genai_request_member("toolConfig", &genai_br_tool_config_node),
    genai_request_member("inferenceConfig", &genai_br_config_node),
    genai_request_member("outputConfig", &genai_br_output_node),
    genai_request_member("promptVariables", &genai_br_uncovered_node),
    genai_request_members_end
};

static const genai_request_node_t  genai_br_root = {
    GENAI_WALK_OBJECT, GENAI_WALK_OBJECT, T, NULL, NULL, genai_br_root_members
};

/* CountTokens has a request in a union */

static const genai_request_member_t  genai_br_input_members[] = {
    genai_request_member("converse", &genai_br_root),
    genai_request_member("invokeModel", &genai_br_uncovered_node),
    genai_request_members_end
};

static const genai_request_node_t  genai_br_inputs_node = {
    GENAI_WALK_OBJECT, GENAI_WALK_OBJECT, T, NULL, NULL,
    genai_br_input_members
};

static const genai_request_member_t  genai_br_counted_members[] = {
    genai_request_member("input", &genai_br_inputs_node),
    genai_request_members_end
};

static const genai_request_node_t  genai_br_counted = {
    GENAI_WALK_OBJECT, GENAI_WALK_OBJECT, T, NULL, NULL,
    genai_br_counted_members
};


#undef T


#endif /* _GENAI_BEDROCK_REQUEST_TABLE_H_INCLUDED_ */
