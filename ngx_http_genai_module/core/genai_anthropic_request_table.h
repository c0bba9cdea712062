/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The places of Anthropic's requests, from the leaves to the roots; only
 * genai_anthropic_request.c includes this, which has the handlers.
 *
 * Any value may stand at any place but those that the gateway acts on and the
 * frame around the messages: the provider judges the rest.
 *
 * Every object that a model reads ends with what its other members are: told
 * as uncovered, but for a few names that mean something to programs alone.
 */


#ifndef _GENAI_ANTHROPIC_REQUEST_TABLE_H_INCLUDED_
#define _GENAI_ANTHROPIC_REQUEST_TABLE_H_INCLUDED_


/* what a "role" or "type" means; the last one has no name: any other */

typedef struct {
    const char    *name;
    size_t         len;
    uint8_t        kind;
} genai_anthropic_kind_t;

#define genai_ar_kind(name, kind)  { name, sizeof(name) - 1, kind }
#define genai_ar_kinds_end(kind)   { NULL, 0, kind }


/* the kind where it does not matter, or depends on what is around */
#define T  GENAI_SEGMENT_TEXT


static const genai_anthropic_kind_t  genai_ar_roles[] = {
    genai_ar_kind("user", GENAI_ROLE_USER),
    genai_ar_kind("assistant", GENAI_ROLE_ASSISTANT),
    genai_ar_kind("system", GENAI_ROLE_SYSTEM),
    genai_ar_kind("developer", GENAI_ROLE_DEVELOPER),
    genai_ar_kinds_end(GENAI_ROLE_OTHER)
};


/* of a block: the kind of its texts, or of the block as a whole */

static const genai_anthropic_kind_t  genai_ar_blocks[] = {
    genai_ar_kind("text", GENAI_SEGMENT_TEXT),
    genai_ar_kind("tool_use", GENAI_SEGMENT_TEXT),
    genai_ar_kind("server_tool_use", GENAI_SEGMENT_TEXT),
    genai_ar_kind("mcp_tool_use", GENAI_SEGMENT_TEXT),
    genai_ar_kind("tool_result", GENAI_SEGMENT_RESULT),
    genai_ar_kind("mcp_tool_result", GENAI_SEGMENT_RESULT),
    genai_ar_kind("search_result", GENAI_SEGMENT_TEXT),
    genai_ar_kind("thinking", GENAI_SEGMENT_REASONING),
    genai_ar_kind("redacted_thinking", GENAI_SEGMENT_REASONING),
    genai_ar_kind("image", GENAI_SEGMENT_IMAGE),
    genai_ar_kind("document", GENAI_SEGMENT_FILE),
    genai_ar_kind("container_upload", GENAI_SEGMENT_FILE),
    genai_ar_kinds_end(GENAI_SEGMENT_UNCOVERED)
};


static const genai_anthropic_kind_t  genai_ar_tools[] = {
    genai_ar_kind("custom", GENAI_SEGMENT_TEXT),
    genai_ar_kind("function", GENAI_SEGMENT_TEXT),
    genai_ar_kinds_end(GENAI_SEGMENT_UNCOVERED)
};


#define genai_ar_texts(kind)                                                  \
    { GENAI_WALK_ANY, 0, kind, genai_ar_text, NULL, NULL }

#define genai_ar_jsons(kind)                                                  \
    { GENAI_WALK_ANY, 0, kind, genai_ar_json, NULL, NULL }

/* in it are places for texts, it is none itself */

#define genai_ar_object(members)                                              \
    { GENAI_WALK_ANY, GENAI_WALK_OBJECT, GENAI_SEGMENT_UNCOVERED,             \
      genai_ar_text, NULL, members }


/* members of other names: told, but for those of a list */

#define genai_ar_others(plain)                                                \
    { GENAI_WALK_ANY, 0, GENAI_SEGMENT_UNCOVERED, genai_ar_other, NULL,       \
      plain }

#define genai_ar_plain(name)  genai_request_member(name, NULL)

static const genai_request_member_t  genai_ar_message_plain[] = {
    genai_ar_plain("id"),
    genai_ar_plain("type"),
    genai_ar_plain("model"),
    genai_ar_plain("usage"),
    genai_ar_plain("stop_reason"),
    genai_ar_plain("stop_sequence"),
    genai_ar_plain("stop_details"),
    genai_ar_plain("container"),
    genai_ar_plain("context_management"),
    genai_request_members_end
};

static const genai_request_member_t  genai_ar_block_plain[] = {
    genai_ar_plain("id"),
    genai_ar_plain("tool_use_id"),
    genai_ar_plain("server_name"),
    genai_ar_plain("signature"),
    genai_ar_plain("cache_control"),
    genai_ar_plain("citations"),
    genai_ar_plain("caller"),
    genai_ar_plain("media_type"),
    genai_ar_plain("url"),
    genai_ar_plain("file_id"),
    genai_request_members_end
};

static const genai_request_member_t  genai_ar_tool_plain[] = {
    genai_ar_plain("type"),
    genai_ar_plain("strict"),
    genai_ar_plain("cache_control"),
    genai_ar_plain("defer_loading"),
    genai_ar_plain("allowed_callers"),
    genai_ar_plain("eager_input_streaming"),
    genai_request_members_end
};

static const genai_request_node_t
    genai_ar_uncovered_node = genai_ar_texts(GENAI_SEGMENT_UNCOVERED),
    genai_ar_other_node = genai_ar_others(NULL),
    genai_ar_message_other_node = genai_ar_others(genai_ar_message_plain),
    genai_ar_block_other_node = genai_ar_others(genai_ar_block_plain),
    genai_ar_tool_other_node = genai_ar_others(genai_ar_tool_plain);


/* leaves of blocks */

static const genai_request_node_t
    genai_ar_block_text_node = {
        GENAI_WALK_ANY, 0, T, genai_ar_block_text, NULL, NULL
    },
    genai_ar_inner_text_node = {
        GENAI_WALK_ANY, 0, T, genai_ar_inner_text, NULL, NULL
    },
    genai_ar_thinking_node = genai_ar_texts(GENAI_SEGMENT_REASONING),
    genai_ar_sealed_node = {
        GENAI_WALK_ANY, 0, T, genai_ar_sealed, NULL, NULL
    },
    genai_ar_call_name_node = genai_ar_texts(GENAI_SEGMENT_CALL_NAME),
    genai_ar_input_node = genai_ar_jsons(GENAI_SEGMENT_ARGUMENTS),
    genai_ar_source_text_node = {
        GENAI_WALK_ANY, 0, T, genai_ar_source_text, NULL, NULL
    };


/* what is in a result, a document's content: blocks once more, one level */

#define genai_ar_source_members                                               \
    genai_request_member("type", NULL),                                       \
    genai_request_member("data", &genai_ar_source_text_node)

static const genai_request_member_t  genai_ar_inner_source_members[] = {
    genai_ar_source_members,
    genai_request_member("content", &genai_ar_inner_text_node),
    genai_request_members_other(&genai_ar_block_other_node)
};

static const genai_request_node_t  genai_ar_inner_source_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, T, genai_ar_source, NULL,
    genai_ar_inner_source_members
};

static const genai_request_member_t  genai_ar_inner_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("text", &genai_ar_inner_text_node),
    genai_request_member("title", &genai_ar_inner_text_node),
    genai_request_member("context", &genai_ar_inner_text_node),
    genai_request_member("source", &genai_ar_inner_source_node),
    genai_request_members_other(&genai_ar_block_other_node)
};

static const genai_request_node_t  genai_ar_inner_block_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, T, genai_ar_inner_block, NULL,
    genai_ar_inner_members
};

static const genai_request_node_t  genai_ar_inner_node = {
    GENAI_WALK_ANY, GENAI_WALK_ARRAY, T, genai_ar_inner,
    &genai_ar_inner_block_node, NULL
};

static const genai_request_member_t  genai_ar_source_names[] = {
    genai_ar_source_members,
    genai_request_member("content", &genai_ar_inner_node),
    genai_request_members_other(&genai_ar_block_other_node)
};

static const genai_request_node_t  genai_ar_source_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, T, genai_ar_source, NULL,
    genai_ar_source_names
};


static const genai_request_member_t  genai_ar_block_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("text", &genai_ar_block_text_node),
    genai_request_member("thinking", &genai_ar_thinking_node),
    genai_request_member("data", &genai_ar_sealed_node),
    genai_request_member("name", &genai_ar_call_name_node),
    genai_request_member("input", &genai_ar_input_node),
    genai_request_member("content", &genai_ar_inner_node),
    genai_request_member("is_error", NULL),
    genai_request_member("source", &genai_ar_source_node),
    genai_request_member("title", &genai_ar_block_text_node),
    genai_request_member("context", &genai_ar_block_text_node),
    genai_request_members_other(&genai_ar_block_other_node)
};

static const genai_request_node_t  genai_ar_block_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, T, genai_ar_block, NULL,
    genai_ar_block_members
};

static const genai_request_node_t  genai_ar_content_node = {
    GENAI_WALK_ANY, GENAI_WALK_ARRAY, T, genai_ar_content,
    &genai_ar_block_node, NULL
};

static const genai_request_node_t  genai_ar_system_node = {
    GENAI_WALK_ANY, GENAI_WALK_ARRAY, T, genai_ar_system,
    &genai_ar_block_node, NULL
};


static const genai_request_node_t  genai_ar_role_node = {
    GENAI_WALK_STRING, 0, T, NULL, NULL, NULL
};

static const genai_request_member_t  genai_ar_message_members[] = {
    genai_request_member("role", &genai_ar_role_node),
    genai_request_member("content", &genai_ar_content_node),
    genai_request_members_other(&genai_ar_message_other_node)
};

static const genai_request_node_t  genai_ar_message_node = {
    GENAI_WALK_OBJECT, GENAI_WALK_OBJECT, T, genai_ar_message, NULL,
    genai_ar_message_members
};

static const genai_request_node_t  genai_ar_messages_node = {
    GENAI_WALK_ARRAY, GENAI_WALK_ARRAY, T, NULL, &genai_ar_message_node, NULL
};


static const genai_request_node_t
    genai_ar_tool_name_node = genai_ar_texts(GENAI_SEGMENT_TOOL_NAME),
    genai_ar_description_node =
        genai_ar_texts(GENAI_SEGMENT_TOOL_DESCRIPTION),
    genai_ar_schema_node = genai_ar_jsons(GENAI_SEGMENT_TOOL_SCHEMA),
    genai_ar_format_schema_node = genai_ar_jsons(GENAI_SEGMENT_FORMAT);

static const genai_request_member_t  genai_ar_tool_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("name", &genai_ar_tool_name_node),
    genai_request_member("description", &genai_ar_description_node),
    genai_request_member("input_schema", &genai_ar_schema_node),
    genai_request_member("input_examples", &genai_ar_schema_node),
    genai_request_members_other(&genai_ar_tool_other_node)
};

static const genai_request_node_t  genai_ar_tool_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, GENAI_SEGMENT_UNCOVERED,
    genai_ar_tool, NULL, genai_ar_tool_members
};

static const genai_request_node_t  genai_ar_tools_node = {
    GENAI_WALK_ANY, GENAI_WALK_ARRAY, GENAI_SEGMENT_UNCOVERED, genai_ar_text,
    &genai_ar_tool_node, NULL
};


static const genai_request_member_t  genai_ar_choice_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("name", NULL),
    genai_request_member("disable_parallel_tool_use", NULL),
    genai_request_members_other(&genai_ar_other_node)
};

static const genai_request_node_t  genai_ar_choice_node =
    genai_ar_object(genai_ar_choice_members);


static const genai_request_member_t  genai_ar_format_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("schema", &genai_ar_format_schema_node),
    genai_request_members_other(&genai_ar_other_node)
};

static const genai_request_node_t  genai_ar_format_node =
    genai_ar_object(genai_ar_format_members);

static const genai_request_member_t  genai_ar_config_members[] = {
    genai_request_member("effort", NULL),
    genai_request_member("format", &genai_ar_format_node),
    genai_request_member("task_budget", NULL),
    genai_request_members_other(&genai_ar_other_node)
};

static const genai_request_node_t  genai_ar_config_node =
    genai_ar_object(genai_ar_config_members);


/* what is acted on */

static const genai_request_node_t
    genai_ar_model_node = {
        GENAI_WALK_ANY, 0, T, genai_ar_model, NULL, NULL
    },
    genai_ar_stream_node = {
        GENAI_WALK_BOOL|GENAI_WALK_NULL, 0, T, genai_ar_stream, NULL, NULL
    },
    genai_ar_max_node = {
        GENAI_WALK_NUMBER|GENAI_WALK_NULL, 0, T, genai_ar_max, NULL, NULL
    };


static const genai_request_member_t  genai_ar_root_members[] = {
    genai_request_member("model", &genai_ar_model_node),
    genai_request_member("max_tokens", &genai_ar_max_node),
    genai_request_member("stream", &genai_ar_stream_node),
    genai_request_member("system", &genai_ar_system_node),
    genai_request_member("messages", &genai_ar_messages_node),
    genai_request_member("tools", &genai_ar_tools_node),
    genai_request_member("tool_choice", &genai_ar_choice_node),
    genai_request_member("output_config", &genai_ar_config_node),
    genai_request_member("output_format", &genai_ar_format_node),
    genai_request_member("mcp_servers", &genai_ar_uncovered_node),
    genai_request_members_end
};

static const genai_request_node_t  genai_ar_root = {
    GENAI_WALK_OBJECT, GENAI_WALK_OBJECT, T, NULL, NULL, genai_ar_root_members
};


#undef T


#endif /* _GENAI_ANTHROPIC_REQUEST_TABLE_H_INCLUDED_ */
