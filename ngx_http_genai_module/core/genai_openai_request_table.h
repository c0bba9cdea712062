/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The places of OpenAI's requests, from the leaves to the roots; only
 * genai_openai_request.c includes this, which has the handlers.
 *
 * Any value may stand at any place but those that the gateway acts on and the
 * frame around the messages: the provider judges the rest.
 *
 * Every object that a model reads ends with what its other members are: told
 * as uncovered, but for a few names that mean something to programs alone.
 */


#ifndef _GENAI_OPENAI_REQUEST_TABLE_H_INCLUDED_
#define _GENAI_OPENAI_REQUEST_TABLE_H_INCLUDED_


/* what a "role" or "type" means; the last one has no name: any other */

typedef struct {
    const char    *name;
    size_t         len;
    uint8_t        kind;
} genai_openai_kind_t;

#define genai_openai_kind(name, kind)  { name, sizeof(name) - 1, kind }
#define genai_openai_kinds_end(kind)   { NULL, 0, kind }


/* the kind where it does not matter, or depends on what is around */
#define T  GENAI_SEGMENT_TEXT


static const genai_openai_kind_t  genai_openai_roles[] = {
    genai_openai_kind("user", GENAI_ROLE_USER),
    genai_openai_kind("assistant", GENAI_ROLE_ASSISTANT),
    genai_openai_kind("tool", GENAI_ROLE_TOOL),
    genai_openai_kind("system", GENAI_ROLE_SYSTEM),
    genai_openai_kind("developer", GENAI_ROLE_DEVELOPER),
    genai_openai_kind("function", GENAI_ROLE_TOOL),
    genai_openai_kinds_end(GENAI_ROLE_OTHER)
};


/* of a part: the kind of its texts, or of the part as a whole */

static const genai_openai_kind_t  genai_openai_parts[] = {
    genai_openai_kind("text", GENAI_SEGMENT_TEXT),
    genai_openai_kind("input_text", GENAI_SEGMENT_TEXT),
    genai_openai_kind("output_text", GENAI_SEGMENT_TEXT),
    genai_openai_kind("refusal", GENAI_SEGMENT_REFUSAL),
    genai_openai_kind("tool_result", GENAI_SEGMENT_RESULT),
    genai_openai_kind("thinking", GENAI_SEGMENT_REASONING),
    genai_openai_kind("redacted_thinking", GENAI_SEGMENT_REASONING),
    genai_openai_kind("reasoning", GENAI_SEGMENT_REASONING),
    genai_openai_kind("reasoning_text", GENAI_SEGMENT_REASONING),
    genai_openai_kind("summary_text", GENAI_SEGMENT_REASONING),
    genai_openai_kind("image_url", GENAI_SEGMENT_IMAGE),
    genai_openai_kind("input_image", GENAI_SEGMENT_IMAGE),
    genai_openai_kind("image_embeds", GENAI_SEGMENT_IMAGE),
    genai_openai_kind("image", GENAI_SEGMENT_IMAGE),
    genai_openai_kind("input_audio", GENAI_SEGMENT_AUDIO),
    genai_openai_kind("audio_url", GENAI_SEGMENT_AUDIO),
    genai_openai_kind("audio_embeds", GENAI_SEGMENT_AUDIO),
    genai_openai_kind("audio", GENAI_SEGMENT_AUDIO),
    genai_openai_kind("file", GENAI_SEGMENT_FILE),
    genai_openai_kind("input_file", GENAI_SEGMENT_FILE),
    genai_openai_kind("document", GENAI_SEGMENT_FILE),
    genai_openai_kinds_end(GENAI_SEGMENT_UNCOVERED)
};


/* what is encrypted or a signature is the provider's own */

static const genai_openai_kind_t  genai_openai_details[] = {
    genai_openai_kind("reasoning.text", GENAI_SEGMENT_REASONING),
    genai_openai_kind("reasoning.summary", GENAI_SEGMENT_REASONING),
    genai_openai_kind("reasoning.encrypted", GENAI_SEGMENT_REASONING),
    genai_openai_kind("thinking", GENAI_SEGMENT_REASONING),
    genai_openai_kind("redacted_thinking", GENAI_SEGMENT_REASONING),
    genai_openai_kinds_end(GENAI_SEGMENT_UNCOVERED)
};


static const genai_openai_kind_t  genai_openai_sealed[] = {
    genai_openai_kind("reasoning.encrypted", GENAI_OPENAI_SEALED),
    genai_openai_kind("redacted_thinking", GENAI_OPENAI_SEALED),
    genai_openai_kinds_end(0)
};


static const genai_openai_kind_t  genai_openai_tools[] = {
    genai_openai_kind("function", GENAI_SEGMENT_TEXT),
    genai_openai_kind("custom", GENAI_SEGMENT_TEXT),
    genai_openai_kinds_end(GENAI_SEGMENT_UNCOVERED)
};


#define genai_openai_texts(kind)                                              \
    { GENAI_WALK_ANY, 0, kind, genai_openai_text, NULL, NULL }

#define genai_openai_jsons(kind)                                              \
    { GENAI_WALK_ANY, 0, kind, genai_openai_json, NULL, NULL }

/* in it are places for texts, it is none itself */

#define genai_openai_object(members)                                          \
    { GENAI_WALK_ANY, GENAI_WALK_OBJECT, GENAI_SEGMENT_UNCOVERED,             \
      genai_openai_text, NULL, members }

#define genai_openai_array(element)                                           \
    { GENAI_WALK_ANY, GENAI_WALK_ARRAY, GENAI_SEGMENT_UNCOVERED,              \
      genai_openai_text, element, NULL }


static const genai_request_node_t
    genai_openai_name_node = genai_openai_texts(GENAI_SEGMENT_NAME),
    genai_openai_refusal_node = genai_openai_texts(GENAI_SEGMENT_REFUSAL),
    genai_openai_reasoning_node = genai_openai_texts(GENAI_SEGMENT_REASONING),
    genai_openai_uncovered_node = genai_openai_texts(GENAI_SEGMENT_UNCOVERED);


/* members of other names: told, but for those of a list */

#define genai_openai_others(plain)                                            \
    { GENAI_WALK_ANY, 0, GENAI_SEGMENT_UNCOVERED, genai_openai_other, NULL,   \
      plain }

#define genai_openai_plain(name)  genai_request_member(name, NULL)

static const genai_request_node_t  genai_openai_other_node =
    genai_openai_others(NULL);

#define genai_openai_members_other                                            \
    genai_request_members_other(&genai_openai_other_node)

static const genai_request_member_t  genai_openai_message_plain[] = {
    genai_openai_plain("id"),
    genai_openai_plain("type"),
    genai_openai_plain("object"),
    genai_openai_plain("index"),
    genai_openai_plain("status"),
    genai_openai_plain("phase"),
    genai_openai_plain("model"),
    genai_openai_plain("created"),
    genai_openai_plain("created_at"),
    genai_openai_plain("timestamp"),
    genai_openai_plain("finish_reason"),
    genai_openai_plain("stop_reason"),
    genai_openai_plain("call_id"),
    genai_openai_plain("cache_control"),
    genai_openai_plain("annotations"),
    genai_openai_plain("logprobs"),
    genai_openai_plain("encrypted_content"),
    genai_openai_plain("signature"),
    genai_openai_plain("thought_signature"),
    genai_openai_plain("reasoning_signature"),
    genai_openai_plain("extra_content"),        /* signatures, of Gemini */
    genai_request_members_end
};

/* also of what is in a part, of calls and of reasoning_details */

static const genai_request_member_t  genai_openai_part_plain[] = {
    genai_openai_plain("id"),
    genai_openai_plain("uuid"),
    genai_openai_plain("index"),
    genai_openai_plain("status"),
    genai_openai_plain("call_id"),
    genai_openai_plain("tool_call_id"),
    genai_openai_plain("tool_use_id"),
    genai_openai_plain("cache_control"),
    genai_openai_plain("annotations"),
    genai_openai_plain("logprobs"),
    genai_openai_plain("detail"),
    genai_openai_plain("format"),
    genai_openai_plain("mime_type"),
    genai_openai_plain("media_type"),
    genai_openai_plain("encrypted_content"),
    genai_openai_plain("signature"),
    genai_openai_plain("thought_signature"),
    genai_openai_plain("extra_content"),
    genai_request_members_end
};

static const genai_request_member_t  genai_openai_tool_plain[] = {
    genai_openai_plain("id"),
    genai_openai_plain("type"),
    genai_openai_plain("strict"),
    genai_openai_plain("cache_control"),
    genai_request_members_end
};

static const genai_request_node_t
    genai_openai_message_other_node =
        genai_openai_others(genai_openai_message_plain),
    genai_openai_part_other_node =
        genai_openai_others(genai_openai_part_plain),
    genai_openai_tool_other_node =
        genai_openai_others(genai_openai_tool_plain);


static const genai_request_node_t
    genai_openai_part_text_node = {
        GENAI_WALK_ANY, 0, T, genai_openai_part_text, NULL, NULL
    },
    genai_openai_image_node = {
        GENAI_WALK_ANY, 0, GENAI_SEGMENT_IMAGE, genai_openai_media, NULL, NULL
    },
    genai_openai_audio_node = {
        GENAI_WALK_ANY, 0, GENAI_SEGMENT_AUDIO, genai_openai_media, NULL, NULL
    },
    genai_openai_file_node = {
        GENAI_WALK_ANY, 0, GENAI_SEGMENT_FILE, genai_openai_media, NULL, NULL
    },
    genai_openai_video_node = {
        GENAI_WALK_ANY, 0, GENAI_SEGMENT_UNCOVERED, genai_openai_media, NULL,
        NULL
    },
    genai_openai_data_node = {
        GENAI_WALK_ANY, 0, GENAI_SEGMENT_UNCOVERED, genai_openai_data, NULL,
        NULL
    };

/* of a part that is told as a whole they are told with it */

#define genai_openai_media_members                                            \
    genai_request_member("image_url", &genai_openai_image_node),              \
    genai_request_member("image", &genai_openai_image_node),                  \
    genai_request_member("image_embeds", &genai_openai_image_node),           \
    genai_request_member("input_audio", &genai_openai_audio_node),            \
    genai_request_member("audio_url", &genai_openai_audio_node),              \
    genai_request_member("audio_embeds", &genai_openai_audio_node),           \
    genai_request_member("audio", &genai_openai_audio_node),                  \
    genai_request_member("file", &genai_openai_file_node),                    \
    genai_request_member("file_id", &genai_openai_file_node),                 \
    genai_request_member("file_url", &genai_openai_file_node),                \
    genai_request_member("file_data", &genai_openai_file_node),               \
    genai_request_member("filename", &genai_openai_file_node),                \
    genai_request_member("source", &genai_openai_video_node),                 \
    genai_request_member("video_url", &genai_openai_video_node),              \
    genai_request_member("data", &genai_openai_data_node)



/* what is in a part, one level; a part in it again is not covered */

static const genai_request_node_t  genai_openai_inner_text_node = {
    GENAI_WALK_ANY, 0, T, genai_openai_inner_text, NULL, NULL
};

static const genai_request_member_t  genai_openai_inner_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("text", &genai_openai_inner_text_node),
    genai_openai_media_members,
    genai_request_members_other(&genai_openai_part_other_node)
};

static const genai_request_node_t  genai_openai_inner_part_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, T, genai_openai_inner_part, NULL,
    genai_openai_inner_members
};

static const genai_request_node_t
    genai_openai_inner_node = {
        GENAI_WALK_ANY, GENAI_WALK_ARRAY, T, genai_openai_inner,
        &genai_openai_inner_part_node, NULL
    },
    genai_openai_inner_reasoning_node = {
        GENAI_WALK_ANY, GENAI_WALK_ARRAY, GENAI_SEGMENT_REASONING,
        genai_openai_inner, &genai_openai_inner_part_node, NULL
    };


static const genai_request_member_t  genai_openai_part_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("text", &genai_openai_part_text_node),
    genai_request_member("refusal", &genai_openai_refusal_node),
    genai_request_member("thinking", &genai_openai_inner_reasoning_node),
    genai_request_member("reasoning", &genai_openai_inner_reasoning_node),
    genai_request_member("summary", &genai_openai_inner_reasoning_node),
    genai_request_member("content", &genai_openai_inner_node),
    genai_request_member("title", &genai_openai_part_text_node),
    genai_request_member("context", &genai_openai_part_text_node),
    genai_openai_media_members,
    genai_request_members_other(&genai_openai_part_other_node)
};

static const genai_request_node_t  genai_openai_part_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, T, genai_openai_part, NULL,
    genai_openai_part_members
};

static const genai_request_node_t  genai_openai_content_node = {
    GENAI_WALK_ANY, GENAI_WALK_ARRAY, T, genai_openai_text,
    &genai_openai_part_node, NULL
};


/* reasoning_details of OpenRouter, thinking_blocks of LiteLLM */

static const genai_request_member_t  genai_openai_detail_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("text", &genai_openai_reasoning_node),
    genai_request_member("summary", &genai_openai_reasoning_node),
    genai_request_member("thinking", &genai_openai_reasoning_node),
    genai_request_member("data", &genai_openai_data_node),
    genai_request_members_other(&genai_openai_part_other_node)
};

static const genai_request_node_t  genai_openai_detail_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, GENAI_SEGMENT_REASONING,
    genai_openai_detail, NULL, genai_openai_detail_members
};

static const genai_request_node_t  genai_openai_details_node =
    genai_openai_array(&genai_openai_detail_node);


/* calls of tools, whose parts may stand without "function" around them */

static const genai_request_node_t
    genai_openai_call_name_node = genai_openai_texts(GENAI_SEGMENT_CALL_NAME),
    genai_openai_arguments_node = genai_openai_jsons(GENAI_SEGMENT_ARGUMENTS);

static const genai_request_member_t  genai_openai_called_members[] = {
    genai_request_member("name", &genai_openai_call_name_node),
    genai_request_member("arguments", &genai_openai_arguments_node),
    genai_request_member("input", &genai_openai_arguments_node),
    genai_openai_members_other
};

static const genai_request_node_t  genai_openai_called_node =
    genai_openai_object(genai_openai_called_members);

static const genai_request_member_t  genai_openai_call_members[] = {
    genai_request_member("id", NULL),
    genai_request_member("type", NULL),
    genai_request_member("function", &genai_openai_called_node),
    genai_request_member("custom", &genai_openai_called_node),
    genai_request_member("name", &genai_openai_call_name_node),
    genai_request_member("arguments", &genai_openai_arguments_node),
    genai_request_member("input", &genai_openai_arguments_node),
    genai_request_members_other(&genai_openai_part_other_node)
};

static const genai_request_node_t  genai_openai_call_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, GENAI_SEGMENT_UNCOVERED,
    genai_openai_call, NULL, genai_openai_call_members
};

static const genai_request_node_t  genai_openai_calls_node =
    genai_openai_array(&genai_openai_call_node);


/* what was spoken, which its id alone stands for mostly */

static const genai_request_node_t
    genai_openai_spoken_text_node = genai_openai_texts(T);

static const genai_request_member_t  genai_openai_spoken_members[] = {
    genai_request_member("id", NULL),
    genai_request_member("data", &genai_openai_audio_node),
    genai_request_member("transcript", &genai_openai_spoken_text_node),
    genai_request_members_other(&genai_openai_part_other_node)
};

static const genai_request_node_t  genai_openai_spoken_node =
    genai_openai_object(genai_openai_spoken_members);


static const genai_request_node_t  genai_openai_role_node = {
    GENAI_WALK_STRING, 0, T, NULL, NULL, NULL
};

static const genai_request_member_t  genai_openai_message_members[] = {
    genai_request_member("role", &genai_openai_role_node),
    genai_request_member("content", &genai_openai_content_node),
    genai_request_member("name", &genai_openai_name_node),
    genai_request_member("refusal", &genai_openai_refusal_node),
    genai_request_member("reasoning_content", &genai_openai_reasoning_node),
    genai_request_member("reasoning", &genai_openai_reasoning_node),
    genai_request_member("thinking", &genai_openai_reasoning_node),
    genai_request_member("reasoning_details", &genai_openai_details_node),
    genai_request_member("thinking_blocks", &genai_openai_details_node),
    genai_request_member("tool_calls", &genai_openai_calls_node),
    genai_request_member("function_call", &genai_openai_called_node),
    genai_request_member("images", &genai_openai_image_node),
    genai_request_member("tool_call_id", NULL),
    genai_request_member("audio", &genai_openai_spoken_node),
    genai_request_members_other(&genai_openai_message_other_node)
};

static const genai_request_node_t  genai_openai_message_node = {
    GENAI_WALK_OBJECT, GENAI_WALK_OBJECT, T, genai_openai_message, NULL,
    genai_openai_message_members
};

static const genai_request_node_t  genai_openai_messages_node = {
    GENAI_WALK_ARRAY, GENAI_WALK_ARRAY, T, NULL, &genai_openai_message_node,
    NULL
};


/* tools, whose parts some clients write without "function" around them */

static const genai_request_node_t
    genai_openai_tool_name_node = genai_openai_texts(GENAI_SEGMENT_TOOL_NAME),
    genai_openai_description_node =
        genai_openai_texts(GENAI_SEGMENT_TOOL_DESCRIPTION),
    genai_openai_schema_node = genai_openai_jsons(GENAI_SEGMENT_TOOL_SCHEMA);

static const genai_request_member_t  genai_openai_function_members[] = {
    genai_request_member("name", &genai_openai_tool_name_node),
    genai_request_member("description", &genai_openai_description_node),
    genai_request_member("parameters", &genai_openai_schema_node),
    genai_request_member("format", &genai_openai_schema_node),
    genai_request_member("strict", NULL),
    genai_request_members_other(&genai_openai_tool_other_node)
};

static const genai_request_node_t  genai_openai_function_node =
    genai_openai_object(genai_openai_function_members);

static const genai_request_member_t  genai_openai_tool_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("function", &genai_openai_function_node),
    genai_request_member("custom", &genai_openai_function_node),
    genai_request_member("name", &genai_openai_tool_name_node),
    genai_request_member("description", &genai_openai_description_node),
    genai_request_member("parameters", &genai_openai_schema_node),
    genai_request_member("input_schema", &genai_openai_schema_node),
    genai_request_member("format", &genai_openai_schema_node),
    genai_request_members_other(&genai_openai_tool_other_node)
};

static const genai_request_node_t  genai_openai_tool_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, GENAI_SEGMENT_UNCOVERED,
    genai_openai_tool, NULL, genai_openai_tool_members
};

static const genai_request_node_t  genai_openai_tools_node =
    genai_openai_array(&genai_openai_tool_node);


static const genai_request_node_t
    genai_openai_format_text_node = genai_openai_texts(GENAI_SEGMENT_FORMAT),
    genai_openai_format_schema_node = genai_openai_jsons(GENAI_SEGMENT_FORMAT);

static const genai_request_member_t  genai_openai_json_schema_members[] = {
    genai_request_member("name", &genai_openai_format_text_node),
    genai_request_member("description", &genai_openai_format_text_node),
    genai_request_member("schema", &genai_openai_format_schema_node),
    genai_request_member("strict", NULL),
    genai_openai_members_other
};

static const genai_request_node_t  genai_openai_json_schema_node =
    genai_openai_object(genai_openai_json_schema_members);

static const genai_request_member_t  genai_openai_format_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("json_schema", &genai_openai_json_schema_node),
    genai_request_member("schema", &genai_openai_format_schema_node),
    genai_openai_members_other
};

static const genai_request_node_t  genai_openai_format_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, T, NULL, NULL,
    genai_openai_format_members
};


static const genai_request_member_t  genai_openai_prediction_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("content", &genai_openai_content_node),
    genai_openai_members_other
};

static const genai_request_node_t  genai_openai_prediction_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, GENAI_SEGMENT_UNCOVERED,
    genai_openai_prediction, NULL, genai_openai_prediction_members
};


/* prompts and inputs: a text, tokens, or an array of them */

#define genai_openai_prompt_element(kind)                                     \
    { GENAI_WALK_ANY, GENAI_WALK_ARRAY, kind, genai_openai_prompts,           \
      &genai_openai_token_node, NULL }

#define genai_openai_prompt_value(kind, element)                              \
    { GENAI_WALK_ANY, GENAI_WALK_ARRAY, kind, genai_openai_prompt, element,   \
      NULL }

static const genai_request_node_t
    genai_openai_token_node = {
        GENAI_WALK_ANY, 0, GENAI_SEGMENT_TOKENS, genai_openai_token, NULL,
        NULL
    },
    genai_openai_prompt_element_node =
        genai_openai_prompt_element(GENAI_SEGMENT_PROMPT),
    genai_openai_prompt_node =
        genai_openai_prompt_value(GENAI_SEGMENT_PROMPT,
                                  &genai_openai_prompt_element_node),
    genai_openai_suffix_node = genai_openai_texts(GENAI_SEGMENT_SUFFIX),
    genai_openai_input_element_node =
        genai_openai_prompt_element(GENAI_SEGMENT_INPUT),
    genai_openai_input_node =
        genai_openai_prompt_value(GENAI_SEGMENT_INPUT,
                                  &genai_openai_input_element_node);


/* what is judged, ranked or said: a text, a part, or an array of these */

static const genai_request_node_t
    genai_openai_item_text_node = genai_openai_texts(GENAI_SEGMENT_INPUT);

static const genai_request_member_t  genai_openai_item_members[] = {
    genai_request_member("type", NULL),
    genai_request_member("text", &genai_openai_item_text_node),
    genai_request_member("title", &genai_openai_item_text_node),
    genai_openai_media_members,
    genai_request_members_other(&genai_openai_part_other_node)
};

static const genai_request_node_t
    genai_openai_item_node = {
        GENAI_WALK_ANY, GENAI_WALK_OBJECT, GENAI_SEGMENT_INPUT,
        genai_openai_item, NULL, genai_openai_item_members
    },
    genai_openai_items_node = {
        GENAI_WALK_ANY, GENAI_WALK_ARRAY|GENAI_WALK_OBJECT,
        GENAI_SEGMENT_INPUT, genai_openai_item, &genai_openai_item_node,
        genai_openai_item_members
    };


/* what is acted on */

static const genai_request_node_t
    genai_openai_model_node = {
        GENAI_WALK_ANY, 0, T, genai_openai_model, NULL, NULL
    },
    genai_openai_stream_node = {
        GENAI_WALK_BOOL|GENAI_WALK_NULL, 0, T, genai_openai_stream, NULL, NULL
    },
    genai_openai_usage_node = {
        GENAI_WALK_BOOL|GENAI_WALK_NULL, 0, T, genai_openai_usage, NULL, NULL
    },
    genai_openai_n_node = {
        GENAI_WALK_NUMBER|GENAI_WALK_NULL, 0, T, genai_openai_n, NULL, NULL
    },
    genai_openai_best_of_node = {
        GENAI_WALK_NUMBER|GENAI_WALK_NULL, 0, T, genai_openai_n, NULL, NULL
    },
    genai_openai_max_node = {
        GENAI_WALK_NUMBER|GENAI_WALK_NULL, 0, T, genai_openai_max, NULL, NULL
    },
    genai_openai_max_completion_node = {
        GENAI_WALK_NUMBER|GENAI_WALK_NULL, 0, T, genai_openai_max, NULL, NULL
    };

static const genai_request_member_t  genai_openai_options_members[] = {
    genai_request_member("include_usage", &genai_openai_usage_node),
    genai_request_members_end
};

static const genai_request_node_t  genai_openai_options_node = {
    GENAI_WALK_OBJECT|GENAI_WALK_NULL, GENAI_WALK_OBJECT, T,
    genai_openai_options, NULL, genai_openai_options_members
};


/* which tool is to be called: by its name, nothing else belongs there */

static const genai_request_member_t  genai_openai_named_members[] = {
    genai_request_member("name", NULL),
    genai_openai_members_other
};

static const genai_request_node_t  genai_openai_named_node =
    genai_openai_object(genai_openai_named_members);

#define genai_openai_choice_members                                           \
    genai_request_member("type", NULL),                                       \
    genai_request_member("name", NULL),                                       \
    genai_request_member("function", &genai_openai_named_node),               \
    genai_request_member("custom", &genai_openai_named_node)

static const genai_request_member_t  genai_openai_choice_tool_members[] = {
    genai_openai_choice_members,
    genai_openai_members_other
};

static const genai_request_node_t  genai_openai_choice_tool_node =
    genai_openai_object(genai_openai_choice_tool_members);

static const genai_request_node_t  genai_openai_choice_tools_node =
    genai_openai_array(&genai_openai_choice_tool_node);

static const genai_request_member_t  genai_openai_allowed_members[] = {
    genai_request_member("mode", NULL),
    genai_request_member("tools", &genai_openai_choice_tools_node),
    genai_openai_members_other
};

static const genai_request_node_t  genai_openai_allowed_node =
    genai_openai_object(genai_openai_allowed_members);

static const genai_request_member_t  genai_openai_tool_choice_members[] = {
    genai_openai_choice_members,
    genai_request_member("mode", NULL),
    genai_request_member("tools", &genai_openai_choice_tools_node),
    genai_request_member("allowed_tools", &genai_openai_allowed_node),
    genai_openai_members_other
};

static const genai_request_node_t  genai_openai_tool_choice_node = {
    GENAI_WALK_ANY, GENAI_WALK_OBJECT, T, genai_openai_choice, NULL,
    genai_openai_tool_choice_members
};


/* switches of a template are no text, all else in it may be */

static const genai_request_member_t  genai_openai_kwargs_members[] = {
    genai_openai_members_other
};

static const genai_request_node_t  genai_openai_kwargs_node =
    genai_openai_object(genai_openai_kwargs_members);


#define genai_openai_root(members)                                            \
    { GENAI_WALK_OBJECT, GENAI_WALK_OBJECT, T, NULL, NULL, members }

/* of all: what some provider makes text for the model of */

#define genai_openai_uncovered(name)                                          \
    genai_request_member(name, &genai_openai_uncovered_node)

#define genai_openai_text_members                                             \
    genai_openai_uncovered("system"),                                         \
    genai_openai_uncovered("instructions"),                                   \
    genai_openai_uncovered("documents"),                                      \
    genai_openai_uncovered("data_sources"),                                   \
    genai_openai_uncovered("plugins"),                                        \
    genai_openai_uncovered("web_search_options"),                             \
    genai_openai_uncovered("chat_template"),                                  \
    genai_request_member("chat_template_kwargs", &genai_openai_kwargs_node),  \
    genai_openai_uncovered("guided_json"),                                    \
    genai_openai_uncovered("guided_regex"),                                   \
    genai_openai_uncovered("guided_choice"),                                  \
    genai_openai_uncovered("guided_grammar"),                                 \
    genai_openai_uncovered("structured_outputs"),                             \
    genai_openai_uncovered("structural_tag"),                                 \
    genai_openai_uncovered("json_schema"),                                    \
    genai_openai_uncovered("grammar"),                                        \
    genai_openai_uncovered("regex"),                                          \
    genai_openai_uncovered("ebnf")

/* of chat and completions */

#define genai_openai_root_members                                             \
    genai_request_member("model", &genai_openai_model_node),                  \
    genai_request_member("stream", &genai_openai_stream_node),                \
    genai_request_member("stream_options", &genai_openai_options_node),       \
    genai_request_member("n", &genai_openai_n_node),                          \
    genai_request_member("best_of", &genai_openai_best_of_node),              \
    genai_request_member("max_tokens", &genai_openai_max_node),               \
    genai_request_member("max_completion_tokens",                             \
                         &genai_openai_max_completion_node),                  \
    genai_request_member("prompt", &genai_openai_prompt_node),                \
    genai_request_member("response_format", &genai_openai_format_node)

static const genai_request_member_t  genai_openai_chat_members[] = {
    genai_openai_root_members,
    genai_request_member("messages", &genai_openai_messages_node),
    genai_request_member("tools", &genai_openai_tools_node),
    genai_request_member("functions", &genai_openai_tools_node),
    genai_request_member("prediction", &genai_openai_prediction_node),
    genai_request_member("tool_choice", &genai_openai_tool_choice_node),
    genai_request_member("function_call", &genai_openai_tool_choice_node),
    genai_openai_text_members,
    genai_request_members_end
};

static const genai_request_member_t  genai_openai_completions_members[] = {
    genai_openai_root_members,
    genai_request_member("suffix", &genai_openai_suffix_node),
    genai_request_member("prompt_embeds", &genai_openai_uncovered_node),
    genai_openai_text_members,
    genai_request_members_end
};

static const genai_request_member_t  genai_openai_embeddings_members[] = {
    genai_request_member("model", &genai_openai_model_node),
    genai_request_member("stream", &genai_openai_stream_node),
    genai_request_member("input", &genai_openai_input_node),
    genai_request_member("messages", &genai_openai_messages_node),
    genai_openai_text_members,
    genai_request_members_end
};

static const genai_request_member_t  genai_openai_moderations_members[] = {
    genai_request_member("model", &genai_openai_model_node),
    genai_request_member("input", &genai_openai_items_node),
    genai_openai_text_members,
    genai_request_members_end
};

/* TEI has "texts" in the place of "documents" */

static const genai_request_member_t  genai_openai_rerank_members[] = {
    genai_request_member("model", &genai_openai_model_node),
    genai_request_member("query", &genai_openai_items_node),
    genai_request_member("documents", &genai_openai_items_node),
    genai_request_member("texts", &genai_openai_items_node),
    genai_openai_uncovered("instruction"),
    genai_openai_uncovered("system"),
    genai_openai_uncovered("instructions"),
    genai_openai_uncovered("chat_template"),
    genai_request_member("chat_template_kwargs", &genai_openai_kwargs_node),
    genai_request_members_end
};

static const genai_request_node_t
    genai_openai_draw_text_node = genai_openai_texts(GENAI_SEGMENT_PROMPT);

static const genai_request_member_t  genai_openai_images_members[] = {
    genai_request_member("model", &genai_openai_model_node),
    genai_request_member("stream", &genai_openai_stream_node),
    genai_request_member("n", &genai_openai_n_node),
    genai_request_member("prompt", &genai_openai_draw_text_node),
    genai_request_member("negative_prompt", &genai_openai_draw_text_node),
    genai_request_member("image", &genai_openai_image_node),
    genai_request_member("images", &genai_openai_image_node),
    genai_request_member("mask", &genai_openai_image_node),
    genai_openai_text_members,
    genai_request_members_end
};

static const genai_request_member_t  genai_openai_speech_members[] = {
    genai_request_member("model", &genai_openai_model_node),
    genai_request_member("stream", &genai_openai_stream_node),
    genai_request_member("input", &genai_openai_item_text_node),
    genai_request_member("instructions", &genai_openai_item_text_node),
    genai_request_members_end
};

static const genai_request_node_t
    genai_openai_chat = genai_openai_root(genai_openai_chat_members),
    genai_openai_completions =
        genai_openai_root(genai_openai_completions_members),
    genai_openai_embeddings =
        genai_openai_root(genai_openai_embeddings_members),
    genai_openai_moderations =
        genai_openai_root(genai_openai_moderations_members),
    genai_openai_rerank = genai_openai_root(genai_openai_rerank_members),
    genai_openai_images = genai_openai_root(genai_openai_images_members),
    genai_openai_speech = genai_openai_root(genai_openai_speech_members);


#undef T


#endif /* _GENAI_OPENAI_REQUEST_TABLE_H_INCLUDED_ */
