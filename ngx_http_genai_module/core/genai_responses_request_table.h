/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The places of the Responses API's requests, from the leaves to the root;
 * only genai_responses_request.c includes this, which has the handlers.
 */


#ifndef _GENAI_RESPONSES_REQUEST_TABLE_H_INCLUDED_
#define _GENAI_RESPONSES_REQUEST_TABLE_H_INCLUDED_


/* what a "role" or "type" means; the last one has no name: any other */

typedef struct {
    const char    *name;
    size_t         len;
    uint8_t        kind;
} genai_rr_kind_t;

#define genai_rr_kind(name, kind)  { name, sizeof(name) - 1, kind }
#define genai_rr_kinds_end(kind)   { NULL, 0, kind }


enum {
    GENAI_RR_OTHER = 0,
    GENAI_RR_MESSAGE,
    GENAI_RR_CALL,
    GENAI_RR_RESULT,
    GENAI_RR_REASONING,
    GENAI_RR_REFERENCE,
    GENAI_RR_TOOL
};


static const genai_rr_kind_t  genai_rr_roles[] = {
    genai_rr_kind("user", GENAI_ROLE_USER),
    genai_rr_kind("assistant", GENAI_ROLE_ASSISTANT),
    genai_rr_kind("system", GENAI_ROLE_SYSTEM),
    genai_rr_kind("developer", GENAI_ROLE_DEVELOPER),
    genai_rr_kinds_end(GENAI_ROLE_OTHER)
};

static const genai_rr_kind_t  genai_rr_items[] = {
    genai_rr_kind("message", GENAI_RR_MESSAGE),
    genai_rr_kind("function_call", GENAI_RR_CALL),
    genai_rr_kind("function_call_output", GENAI_RR_RESULT),
    genai_rr_kind("custom_tool_call", GENAI_RR_CALL),
    genai_rr_kind("custom_tool_call_output", GENAI_RR_RESULT),
    genai_rr_kind("reasoning", GENAI_RR_REASONING),
    genai_rr_kind("item_reference", GENAI_RR_REFERENCE),
    genai_rr_kinds_end(GENAI_RR_OTHER)
};

static const genai_rr_kind_t  genai_rr_tools[] = {
    genai_rr_kind("function", GENAI_RR_TOOL),
    genai_rr_kind("custom", GENAI_RR_TOOL),
    genai_rr_kinds_end(GENAI_RR_OTHER)
};

/* of a part: the kind of its texts, or of the part as a whole */

static const genai_rr_kind_t  genai_rr_parts[] = {
    genai_rr_kind("input_text", GENAI_SEGMENT_TEXT),
    genai_rr_kind("output_text", GENAI_SEGMENT_TEXT),
    genai_rr_kind("text", GENAI_SEGMENT_TEXT),
    genai_rr_kind("refusal", GENAI_SEGMENT_REFUSAL),
    genai_rr_kind("summary_text", GENAI_SEGMENT_REASONING),
    genai_rr_kind("reasoning_text", GENAI_SEGMENT_REASONING),
    genai_rr_kind("input_image", GENAI_SEGMENT_IMAGE),
    genai_rr_kind("computer_screenshot", GENAI_SEGMENT_IMAGE),
    genai_rr_kind("input_audio", GENAI_SEGMENT_AUDIO),
    genai_rr_kind("input_file", GENAI_SEGMENT_FILE),
    genai_rr_kinds_end(GENAI_SEGMENT_UNCOVERED)
};


#define T  GENAI_SEGMENT_TEXT

#define genai_rr_texts(kind)                                                  \
    { GENAI_WALK_ANY, 0, kind, genai_rr_text, NULL, NULL }

#define genai_rr_jsons(kind)                                                  \
    { GENAI_WALK_ANY, 0, kind, genai_rr_json, NULL, NULL }

#define genai_rr_object(members)                                              \
    { GENAI_WALK_ANY, GENAI_WALK_OBJECT, GENAI_SEGMENT_UNCOVERED,             \
      genai_rr_text, NULL, members }

#define genai_rr_array(element)                                               \
    { GENAI_WALK_ANY, GENAI_WALK_ARRAY, GENAI_SEGMENT_UNCOVERED,              \
      genai_rr_text, element, NULL }

/* members of other names: told, but for those of a list */

#define genai_rr_others(plain)                                                \
    { GENAI_WALK_ANY, 0, GENAI_SEGMENT_UNCOVERED, genai_rr_other, NULL, plain }

#define genai_rr_plain(name)  genai_request_member(name, NULL)


static const genai_request_member_t  genai_rr_item_plain[] = {
    genai_rr_plain("id"),
    genai_rr_plain("status"),
    genai_rr_plain("phase"),
    genai_rr_plain("call_id"),
    genai_rr_plain("object"),
    genai_rr_plain("created_by"),
    genai_rr_plain("encrypted_content"),
    genai_request_members_end
};

static const genai_request_member_t  genai_rr_part_plain[] = {
    genai_rr_plain("id"),
    genai_rr_plain("annotations"),
    genai_rr_plain("logprobs"),
    genai_request_members_end
};

static const genai_request_node_t
    genai_rr_other_node = genai_rr_others(NULL),
    genai_rr_item_other_node = genai_rr_others(genai_rr_item_plain),
    genai_rr_part_other_node = genai_rr_others(genai_rr_part_plain),
    genai_rr_uncovered_node = genai_rr_texts(GENAI_SEGMENT_UNCOVERED),
    genai_rr_refusal_node = genai_rr_texts(GENAI_SEGMENT_REFUSAL),
    genai_rr_call_name_node = genai_rr_texts(GENAI_SEGMENT_CALL_NAME),
    genai_rr_arguments_node = genai_rr_jsons(GENAI_SEGMENT_ARGUMENTS);


static const genai_request_node_t  genai_rr_part_text_node = {
    GENAI_WALK_ANY, 0, T, genai_rr_part_text, NULL, NULL
};

static const genai_request_member_t  genai_rr_part_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("text", &genai_rr_part_text_node),
    genai_request_member("refusal", &genai_rr_refusal_node),
    genai_request_members_other(&genai_rr_part_other_node)
};

static const genai_request_node_t  genai_rr_part_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, T, genai_rr_part, NULL,
    genai_rr_part_members
};

static const genai_request_node_t  genai_rr_parts_node = {
    GENAI_WALK_ANY, GENAI_WALK_ARRAY, T, genai_rr_item_text,
    &genai_rr_part_node, NULL
};


static const genai_request_node_t  genai_rr_role_node = {
    GENAI_WALK_ANY, 0, T, genai_rr_role, NULL, NULL
};

static const genai_request_node_t  genai_rr_id_node = {
    GENAI_WALK_ANY, 0, T, genai_rr_id, NULL, NULL
};

static const genai_request_member_t  genai_rr_item_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("id", &genai_rr_id_node),
    genai_request_member("role", &genai_rr_role_node),
    genai_request_member("content", &genai_rr_parts_node),
    genai_request_member("output", &genai_rr_parts_node),
    genai_request_member("summary", &genai_rr_parts_node),
    genai_request_member("name", &genai_rr_call_name_node),
    genai_request_member("arguments", &genai_rr_arguments_node),
    genai_request_member("input", &genai_rr_arguments_node),
    genai_request_members_other(&genai_rr_item_other_node)
};

static const genai_request_node_t  genai_rr_item_node = {
    GENAI_WALK_OBJECT, GENAI_WALK_OBJECT, T, genai_rr_item, NULL,
    genai_rr_item_members
};

static const genai_request_node_t  genai_rr_input_node = {
    GENAI_WALK_ANY, GENAI_WALK_ARRAY, T, genai_rr_input, &genai_rr_item_node,
    NULL
};


static const genai_request_node_t
    genai_rr_tool_name_node = genai_rr_texts(GENAI_SEGMENT_TOOL_NAME),
    genai_rr_description_node = genai_rr_texts(GENAI_SEGMENT_TOOL_DESCRIPTION),
    genai_rr_schema_node = genai_rr_jsons(GENAI_SEGMENT_TOOL_SCHEMA);

static const genai_request_member_t  genai_rr_tool_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("name", &genai_rr_tool_name_node),
    genai_request_member("description", &genai_rr_description_node),
    genai_request_member("parameters", &genai_rr_schema_node),
    genai_request_member("format", &genai_rr_schema_node),
    genai_request_member("strict", NULL),
    genai_request_members_other(&genai_rr_other_node)
};

static const genai_request_node_t  genai_rr_tool_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, T, genai_rr_tool, NULL,
    genai_rr_tool_members
};

static const genai_request_node_t  genai_rr_tools_node =
    genai_rr_array(&genai_rr_tool_node);


static const genai_request_node_t
    genai_rr_format_text_node = genai_rr_texts(GENAI_SEGMENT_FORMAT),
    genai_rr_format_schema_node = genai_rr_jsons(GENAI_SEGMENT_FORMAT);

static const genai_request_member_t  genai_rr_format_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("name", &genai_rr_format_text_node),
    genai_request_member("description", &genai_rr_format_text_node),
    genai_request_member("schema", &genai_rr_format_schema_node),
    genai_request_member("strict", NULL),
    genai_request_members_other(&genai_rr_other_node)
};

static const genai_request_node_t  genai_rr_format_node =
    genai_rr_object(genai_rr_format_members);

static const genai_request_member_t  genai_rr_text_members[] = {
    genai_request_member("format", &genai_rr_format_node),
    genai_request_member("verbosity", NULL),
    genai_request_members_other(&genai_rr_other_node)
};

static const genai_request_node_t  genai_rr_text_node =
    genai_rr_object(genai_rr_text_members);


/* which tool is to be called: by its name, nothing else belongs there */

static const genai_request_member_t  genai_rr_chosen_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("name", NULL),
    genai_request_member("server_label", NULL),
    genai_request_members_other(&genai_rr_other_node)
};

static const genai_request_node_t  genai_rr_chosen_node =
    genai_rr_object(genai_rr_chosen_members);

static const genai_request_node_t  genai_rr_chosen_list_node =
    genai_rr_array(&genai_rr_chosen_node);

static const genai_request_member_t  genai_rr_choice_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("name", NULL),
    genai_request_member("server_label", NULL),
    genai_request_member("mode", NULL),
    genai_request_member("tools", &genai_rr_chosen_list_node),
    genai_request_members_other(&genai_rr_other_node)
};

static const genai_request_node_t  genai_rr_choice_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, T, NULL, NULL, genai_rr_choice_members
};


/* what is acted on */

static const genai_request_node_t
    genai_rr_model_node = {
        GENAI_WALK_ANY, 0, T, genai_rr_model, NULL, NULL
    },
    genai_rr_stream_node = {
        GENAI_WALK_BOOL|GENAI_WALK_NULL, 0, T, genai_rr_stream, NULL, NULL
    },
    genai_rr_max_node = {
        GENAI_WALK_NUMBER|GENAI_WALK_NULL, 0, T, genai_rr_max, NULL, NULL
    },
    genai_rr_instructions_node = {
        GENAI_WALK_ANY, 0, T, genai_rr_instructions, NULL, NULL
    },
    genai_rr_previous_node = {
        GENAI_WALK_STRING|GENAI_WALK_NULL, 0, GENAI_SEGMENT_UNCOVERED,
        genai_rr_previous, NULL, NULL
    },
    genai_rr_conversation_node = {
        GENAI_WALK_ANY, 0, GENAI_SEGMENT_UNCOVERED, genai_rr_conversation,
        NULL, NULL
    },
    genai_rr_store_node = {
        GENAI_WALK_BOOL|GENAI_WALK_NULL, 0, T, genai_rr_store, NULL, NULL
    };

static const genai_request_member_t  genai_rr_members[] = {
    genai_request_member("model", &genai_rr_model_node),
    genai_request_member("stream", &genai_rr_stream_node),
    genai_request_member("max_output_tokens", &genai_rr_max_node),
    genai_request_member("instructions", &genai_rr_instructions_node),
    genai_request_member("input", &genai_rr_input_node),
    genai_request_member("tools", &genai_rr_tools_node),
    genai_request_member("text", &genai_rr_text_node),
    genai_request_member("tool_choice", &genai_rr_choice_node),
    genai_request_member("previous_response_id", &genai_rr_previous_node),
    genai_request_member("conversation", &genai_rr_conversation_node),
    genai_request_member("store", &genai_rr_store_node),
    genai_request_member("prompt", &genai_rr_uncovered_node),
    genai_request_members_end
};

static const genai_request_node_t  genai_rr_root = {
    GENAI_WALK_OBJECT, GENAI_WALK_OBJECT, T, NULL, NULL, genai_rr_members
};


#undef T


#endif /* _GENAI_RESPONSES_REQUEST_TABLE_H_INCLUDED_ */
