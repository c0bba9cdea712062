/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The places of Gemini's requests.  Included once, by genai_gemini_request.c,
 * which has the handlers.  Members are spelled in two ways.
 */


#ifndef _GENAI_GEMINI_REQUEST_TABLE_H_INCLUDED_
#define _GENAI_GEMINI_REQUEST_TABLE_H_INCLUDED_


/* the kind where it does not matter, or depends on what is around */
#define T  GENAI_SEGMENT_TEXT

#define genai_gr_two(camel, snake, node)                                      \
    genai_request_member(camel, node),                                        \
    genai_request_member(snake, node)

#define genai_gr_leaf(kind, handler)                                          \
    { GENAI_WALK_ANY, 0, kind, handler, NULL, NULL }

/* in it are places for texts, it is none itself */

#define genai_gr_object(members)                                              \
    { GENAI_WALK_ANY, GENAI_WALK_OBJECT, GENAI_SEGMENT_UNCOVERED,             \
      genai_gr_text, NULL, members }


/* members that mean something to programs alone */

static const genai_request_member_t  genai_gr_plain[] = {
    genai_request_member("id", NULL),
    genai_request_member("thought", NULL),
    genai_gr_two("thoughtSignature", "thought_signature", NULL),
    genai_gr_two("videoMetadata", "video_metadata", NULL),
    genai_gr_two("mediaResolution", "media_resolution", NULL),
    genai_gr_two("willContinue", "will_continue", NULL),
    genai_request_member("scheduling", NULL),
    genai_request_member("behavior", NULL),
    genai_request_member("language", NULL),
    genai_request_member("outcome", NULL),
    genai_request_member("role", NULL),
    genai_request_members_end
};

static const genai_request_node_t
    genai_gr_other_node = {
        GENAI_WALK_ANY, 0, GENAI_SEGMENT_UNCOVERED, genai_gr_other, NULL,
        genai_gr_plain
    },
    genai_gr_uncovered_node =
        genai_gr_leaf(GENAI_SEGMENT_UNCOVERED, genai_gr_text),
    genai_gr_part_text_node = genai_gr_leaf(T, genai_gr_part_text),
    genai_gr_blob_node = genai_gr_leaf(GENAI_SEGMENT_FILE, genai_gr_blob),
    genai_gr_call_name_node =
        genai_gr_leaf(GENAI_SEGMENT_CALL_NAME, genai_gr_text),
    genai_gr_args_node =
        genai_gr_leaf(GENAI_SEGMENT_ARGUMENTS, genai_gr_json),
    genai_gr_code_node =
        genai_gr_leaf(GENAI_SEGMENT_TEXT, genai_gr_text),
    genai_gr_output_node =
        genai_gr_leaf(GENAI_SEGMENT_RESULT, genai_gr_text),
    genai_gr_response_node =
        genai_gr_leaf(GENAI_SEGMENT_RESULT, genai_gr_json);


static const genai_request_member_t  genai_gr_call_members[] = {
    genai_request_member("name", &genai_gr_call_name_node),
    genai_request_member("args", &genai_gr_args_node),
    genai_request_members_other(&genai_gr_other_node)
};

static const genai_request_node_t  genai_gr_call_node =
    genai_gr_object(genai_gr_call_members);


/* what a function has shown beside what it said */

static const genai_request_member_t  genai_gr_inner_members[] = {
    genai_gr_two("inlineData", "inline_data", &genai_gr_blob_node),
    genai_gr_two("fileData", "file_data", &genai_gr_blob_node),
    genai_request_members_other(&genai_gr_other_node)
};

static const genai_request_node_t  genai_gr_inner_part_node =
    genai_gr_object(genai_gr_inner_members);

static const genai_request_node_t  genai_gr_inner_node = {
    GENAI_WALK_ANY, GENAI_WALK_ARRAY, GENAI_SEGMENT_UNCOVERED, genai_gr_text,
    &genai_gr_inner_part_node, NULL
};

static const genai_request_member_t  genai_gr_result_members[] = {
    genai_request_member("name", &genai_gr_call_name_node),
    genai_request_member("response", &genai_gr_response_node),
    genai_request_member("parts", &genai_gr_inner_node),
    genai_request_members_other(&genai_gr_other_node)
};

static const genai_request_node_t  genai_gr_result_node =
    genai_gr_object(genai_gr_result_members);


static const genai_request_member_t  genai_gr_code_members[] = {
    genai_request_member("code", &genai_gr_code_node),
    genai_request_members_other(&genai_gr_other_node)
};

static const genai_request_member_t  genai_gr_output_members[] = {
    genai_request_member("output", &genai_gr_output_node),
    genai_request_members_other(&genai_gr_other_node)
};

static const genai_request_node_t
    genai_gr_program_node = genai_gr_object(genai_gr_code_members),
    genai_gr_printed_node = genai_gr_object(genai_gr_output_members);


static const genai_request_member_t  genai_gr_part_members[] = {
    genai_request_member("text", &genai_gr_part_text_node),
    genai_gr_two("functionCall", "function_call", &genai_gr_call_node),
    genai_gr_two("functionResponse", "function_response",
                 &genai_gr_result_node),
    genai_gr_two("inlineData", "inline_data", &genai_gr_blob_node),
    genai_gr_two("fileData", "file_data", &genai_gr_blob_node),
    genai_gr_two("executableCode", "executable_code",
                 &genai_gr_program_node),
    genai_gr_two("codeExecutionResult", "code_execution_result",
                 &genai_gr_printed_node),
    genai_request_members_other(&genai_gr_other_node)
};

static const genai_request_node_t  genai_gr_part_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, T, genai_gr_part, NULL,
    genai_gr_part_members
};

/* a list, or one alone */

static const genai_request_node_t  genai_gr_parts_node = {
    GENAI_WALK_ANY, GENAI_WALK_ARRAY|GENAI_WALK_OBJECT,
    GENAI_SEGMENT_UNCOVERED, genai_gr_text, &genai_gr_part_node,
    genai_gr_part_members
};

static const genai_request_member_t  genai_gr_content_members[] = {
    genai_request_member("role", NULL),
    genai_request_member("parts", &genai_gr_parts_node),
    genai_request_members_other(&genai_gr_other_node)
};

static const genai_request_node_t
    genai_gr_content_node = {
        GENAI_WALK_ANY, GENAI_WALK_OBJECT, T, genai_gr_content, NULL,
        genai_gr_content_members
    },
    genai_gr_system_node = {
        GENAI_WALK_ANY, GENAI_WALK_OBJECT, T, genai_gr_system, NULL,
        genai_gr_content_members
    };

static const genai_request_node_t  genai_gr_contents_node = {
    GENAI_WALK_ARRAY|GENAI_WALK_OBJECT, GENAI_WALK_ARRAY|GENAI_WALK_OBJECT, T,
    genai_gr_contents, &genai_gr_content_node, genai_gr_content_members
};


static const genai_request_node_t
    genai_gr_tool_name_node =
        genai_gr_leaf(GENAI_SEGMENT_TOOL_NAME, genai_gr_text),
    genai_gr_description_node =
        genai_gr_leaf(GENAI_SEGMENT_TOOL_DESCRIPTION, genai_gr_text),
    genai_gr_schema_node =
        genai_gr_leaf(GENAI_SEGMENT_TOOL_SCHEMA, genai_gr_json),
    genai_gr_format_node =
        genai_gr_leaf(GENAI_SEGMENT_FORMAT, genai_gr_json);

static const genai_request_member_t  genai_gr_function_members[] = {
    genai_request_member("name", &genai_gr_tool_name_node),
    genai_request_member("description", &genai_gr_description_node),
    genai_request_member("parameters", &genai_gr_schema_node),
    genai_gr_two("parametersJsonSchema", "parameters_json_schema",
                 &genai_gr_schema_node),
    genai_request_member("response", &genai_gr_schema_node),
    genai_gr_two("responseJsonSchema", "response_json_schema",
                 &genai_gr_schema_node),
    genai_request_members_other(&genai_gr_other_node)
};

static const genai_request_node_t  genai_gr_function_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, GENAI_SEGMENT_UNCOVERED,
    genai_gr_function, NULL, genai_gr_function_members
};

static const genai_request_node_t  genai_gr_functions_node = {
    GENAI_WALK_ANY, GENAI_WALK_ARRAY, GENAI_SEGMENT_UNCOVERED, genai_gr_text,
    &genai_gr_function_node, NULL
};

static const genai_request_member_t  genai_gr_tool_members[] = {
    genai_gr_two("functionDeclarations", "function_declarations",
                 &genai_gr_functions_node),
    genai_request_members_other(&genai_gr_other_node)
};

static const genai_request_node_t  genai_gr_tool_node =
    genai_gr_object(genai_gr_tool_members);

static const genai_request_node_t  genai_gr_tools_node = {
    GENAI_WALK_ANY, GENAI_WALK_ARRAY, GENAI_SEGMENT_UNCOVERED, genai_gr_text,
    &genai_gr_tool_node, NULL
};


/* what is acted on */

static const genai_request_node_t
    genai_gr_max_node = {
        GENAI_WALK_NUMBER|GENAI_WALK_NULL, 0, T, genai_gr_max, NULL, NULL
    },
    genai_gr_count_node = {
        GENAI_WALK_NUMBER|GENAI_WALK_NULL, 0, T, genai_gr_count, NULL, NULL
    };

static const genai_request_member_t  genai_gr_config_members[] = {
    genai_gr_two("maxOutputTokens", "max_output_tokens", &genai_gr_max_node),
    genai_gr_two("candidateCount", "candidate_count", &genai_gr_count_node),
    genai_gr_two("responseSchema", "response_schema", &genai_gr_format_node),
    genai_gr_two("responseJsonSchema", "response_json_schema",
                 &genai_gr_format_node),
    genai_request_member("_responseJsonSchema", &genai_gr_format_node),
    genai_request_members_end
};

static const genai_request_node_t  genai_gr_config_node = {
    GENAI_WALK_OBJECT|GENAI_WALK_NULL, GENAI_WALK_OBJECT, T, NULL, NULL,
    genai_gr_config_members
};


#define genai_gr_members                                                      \
    genai_gr_two("systemInstruction", "system_instruction",                   \
                 &genai_gr_system_node),                                      \
    genai_request_member("contents", &genai_gr_contents_node),                \
    genai_request_member("tools", &genai_gr_tools_node),                      \
    genai_gr_two("generationConfig", "generation_config",                     \
                 &genai_gr_config_node),                                      \
    genai_gr_two("cachedContent", "cached_content",                           \
                 &genai_gr_uncovered_node)

static const genai_request_member_t  genai_gr_root_members[] = {
    genai_gr_members,
    genai_request_members_end
};

static const genai_request_node_t  genai_gr_root = {
    GENAI_WALK_OBJECT, GENAI_WALK_OBJECT, T, NULL, NULL, genai_gr_root_members
};

/* countTokens has a request, or what is in one */

static const genai_request_member_t  genai_gr_counted_members[] = {
    genai_gr_members,
    genai_gr_two("generateContentRequest", "generate_content_request",
                 &genai_gr_root),
    genai_request_members_end
};

static const genai_request_node_t  genai_gr_counted = {
    GENAI_WALK_OBJECT, GENAI_WALK_OBJECT, T, NULL, NULL,
    genai_gr_counted_members
};


#undef T


#endif /* _GENAI_GEMINI_REQUEST_TABLE_H_INCLUDED_ */
