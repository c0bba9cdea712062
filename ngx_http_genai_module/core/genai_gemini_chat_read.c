/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads Gemini's requests for a translation.  A table for each object says
 * which of its members mean anything; what else there is does not reach the
 * provider, and is told.  Members are spelled as Google's documents do, or
 * with underscores, as its servers take them, too.
 */


#include "genai_gemini_chat_int.h"


static int genai_gcr_tools(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_gcr_functions(genai_chat_t *chat,
    const genai_cursor_t *value);
static int genai_gcr_function(genai_chat_t *chat, const genai_cursor_t *value);
static int genai_gcr_choice(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_gcr_config(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_gcr_cached(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_gcr_max(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_gcr_count(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_gcr_stop(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_gcr_mime(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_gcr_schema(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_gcr_json_schema(genai_chat_t *chat,
    const genai_cursor_t *value, void *data);
static int genai_gcr_modalities(genai_chat_t *chat,
    const genai_cursor_t *value, void *data);
static int genai_gcr_thinking(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_gcr_thoughts(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_gcr_budget(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_gcr_level(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);


#define genai_gcr_two(camel, snake, handler)                                  \
    genai_chat_field(camel, handler),                                         \
    genai_chat_field(snake, handler)

#define genai_gcr_param(camel, snake, param)                                  \
    genai_chat_param(camel, param),                                           \
    genai_chat_param(snake, param)


static const genai_chat_field_t  genai_gcr_fields[] = {
    genai_chat_field("model", NULL),
    genai_gcr_two("systemInstruction", "system_instruction", NULL),
    genai_chat_field("contents", genai_gemini_contents),
    genai_chat_field("tools", genai_gcr_tools),
    genai_gcr_two("toolConfig", "tool_config", genai_gcr_choice),
    genai_gcr_two("generationConfig", "generation_config", genai_gcr_config),
    genai_gcr_two("cachedContent", "cached_content", genai_gcr_cached),
    genai_chat_fields_end
};

static const genai_chat_field_t  genai_gcr_config_fields[] = {
    genai_gcr_two("maxOutputTokens", "max_output_tokens", genai_gcr_max),
    genai_gcr_two("candidateCount", "candidate_count", genai_gcr_count),
    genai_gcr_two("stopSequences", "stop_sequences", genai_gcr_stop),
    genai_gcr_two("responseMimeType", "response_mime_type", genai_gcr_mime),
    genai_gcr_two("responseSchema", "response_schema", genai_gcr_schema),
    genai_gcr_two("responseJsonSchema", "response_json_schema",
                  genai_gcr_json_schema),
    genai_chat_field("_responseJsonSchema", genai_gcr_json_schema),
    genai_gcr_two("responseModalities", "response_modalities",
                  genai_gcr_modalities),
    genai_gcr_two("thinkingConfig", "thinking_config", genai_gcr_thinking),
    genai_chat_param("temperature", GENAI_PARAM_TEMPERATURE),
    genai_gcr_param("topP", "top_p", GENAI_PARAM_TOP_P),
    genai_gcr_param("topK", "top_k", GENAI_PARAM_TOP_K),
    genai_chat_param("seed", GENAI_PARAM_SEED),
    genai_gcr_param("presencePenalty", "presence_penalty",
                    GENAI_PARAM_PRESENCE_PENALTY),
    genai_gcr_param("frequencyPenalty", "frequency_penalty",
                    GENAI_PARAM_FREQUENCY_PENALTY),
    genai_gcr_param("responseLogprobs", "response_logprobs",
                    GENAI_PARAM_LOGPROBS),
    genai_chat_param("logprobs", GENAI_PARAM_TOP_LOGPROBS),
    genai_chat_fields_end
};

static const genai_chat_field_t  genai_gcr_thinking_fields[] = {
    genai_gcr_two("includeThoughts", "include_thoughts", genai_gcr_thoughts),
    genai_gcr_two("thinkingBudget", "thinking_budget", genai_gcr_budget),
    genai_gcr_two("thinkingLevel", "thinking_level", genai_gcr_level),
    genai_chat_fields_end
};


/* a member by either of its names */

#define genai_gcr_find(object, camel, snake, at)                              \
    (genai_chat_find(object, camel, at) || genai_chat_find(object, snake, at))


int
genai_gemini_read_chat(genai_chat_t *chat, const genai_document_t *document)
{
    int             rc;
    genai_cursor_t  root, at;

    root = genai_cursor_root(document);

    if (genai_cursor_type(&root) != GENAI_TAPE_OBJECT) {
        return genai_chat_refuse(chat, "the request must be an object");
    }

    /* they are the first, wherever they stand */

    if (genai_gcr_find(&root, "systemInstruction", "system_instruction", &at))
    {
        rc = genai_gemini_system(chat, &at);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    rc = genai_chat_fields(chat, &root, genai_gcr_fields, NULL);

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    if (chat->messages == NULL) {
        return genai_chat_refuse(chat, "contents must have at least one");
    }

    /* its streams always do */

    chat->usage = 1;

    return GENAI_CHAT_OK;
}


static int
genai_gcr_tools(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    int                   rc;
    genai_tool_t         *tool;
    genai_cursor_t        at;
    genai_cursor_iter_t   it, member;

    (void) data;

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        if (genai_gcr_find(&it.value, "functionDeclarations",
                           "function_declarations", &at))
        {
            rc = genai_gcr_functions(chat, &at);

            if (rc != GENAI_CHAT_OK) {
                return rc;
            }

            continue;
        }

        genai_cursor_iter(&member, &it.value);

        if (genai_cursor_next(&member) != 1) {
            continue;
        }

        tool = genai_chat_tool(chat, GENAI_TOOL_SERVER);
        if (tool == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        tool->whole = genai_value_at(&it.value);
        tool->name = genai_value_text(&member.name);
    }

    return GENAI_CHAT_OK;
}


static int
genai_gcr_functions(genai_chat_t *chat, const genai_cursor_t *value)
{
    int                  rc;
    genai_cursor_iter_t  it;

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        rc = genai_gcr_function(chat, &it.value);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_gcr_function(genai_chat_t *chat, const genai_cursor_t *value)
{
    genai_tool_t    *tool;
    genai_cursor_t   at;

    tool = genai_chat_tool(chat, GENAI_TOOL_FUNCTION);
    if (tool == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (!genai_chat_find(value, "name", &at)) {
        return genai_chat_refuse(chat, "a function must have a name");
    }

    tool->name = genai_value_at(&at);

    if (genai_chat_find(value, "description", &at)) {
        tool->description = genai_value_at(&at);
    }

    if (genai_chat_find(value, "response", &at)
        || genai_gcr_find(value, "responseJsonSchema", "response_json_schema",
                          &at))
    {
        genai_chat_dropped(chat, "functionDeclarations.response");
    }

    if (genai_gcr_find(value, "parametersJsonSchema",
                       "parameters_json_schema", &at))
    {
        tool->schema = genai_value_at(&at);
        return GENAI_CHAT_OK;
    }

    return genai_chat_find(value, "parameters", &at)
           ? genai_gemini_schema(chat, &at, &tool->schema) : GENAI_CHAT_OK;
}


static int
genai_gcr_choice(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    unsigned              n;
    genai_value_t         mode;
    genai_cursor_t        config, at;
    genai_cursor_iter_t   it;

    (void) data;

    if (!genai_gcr_find(value, "functionCallingConfig",
                        "function_calling_config", &config))
    {
        return GENAI_CHAT_OK;
    }

    if (genai_chat_find(&config, "mode", &at)) {
        mode = genai_value_at(&at);

        if (genai_value_is(chat, &mode, "NONE")) {
            chat->choice = GENAI_CHOICE_NONE;

        } else if (genai_value_is(chat, &mode, "ANY")) {
            chat->choice = GENAI_CHOICE_ANY;

        } else if (genai_value_is(chat, &mode, "AUTO")
                   || genai_value_is(chat, &mode, "VALIDATED")
                   || genai_value_is(chat, &mode, "MODE_UNSPECIFIED"))
        {
            chat->choice = GENAI_CHOICE_AUTO;

        } else {
            return genai_chat_refuse(chat, "functionCallingConfig.mode must "
                                     "be AUTO, ANY, NONE or VALIDATED");
        }
    }

    if (!genai_gcr_find(&config, "allowedFunctionNames",
                        "allowed_function_names", &at)
        || chat->choice != GENAI_CHOICE_ANY)
    {
        return GENAI_CHAT_OK;
    }

    n = 0;
    genai_cursor_iter(&it, &at);

    while (genai_cursor_next(&it) == 1) {
        chat->choice_name = genai_value_at(&it.value);
        n++;
    }

    if (n > 1) {
        return genai_chat_refuse(chat, "allowedFunctionNames may have one "
                                 "name with a provider of another API");
    }

    if (n) {
        chat->choice = GENAI_CHOICE_NAMED;
    }

    return GENAI_CHAT_OK;
}


static int
genai_gcr_config(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    return genai_chat_fields(chat, value, genai_gcr_config_fields, data);
}


static int
genai_gcr_cached(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    (void) value;
    (void) data;

    return genai_chat_refuse(chat, "cachedContent is kept by its provider, "
                             "and cannot be sent to another one");
}


static int
genai_gcr_max(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    (void) data;

    chat->max_output = genai_chat_int(value);

    return GENAI_CHAT_OK;
}


static int
genai_gcr_count(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    int64_t  n;

    (void) data;

    n = genai_chat_int(value);
    chat->n = (n > 0) ? n : 1;

    return GENAI_CHAT_OK;
}


static int
genai_gcr_stop(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_cursor_iter_t  it;

    (void) data;

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        if (chat->nstop == sizeof(chat->stop) / sizeof(chat->stop[0])) {
            return genai_chat_refuse(chat, "stopSequences may have 8 texts");
        }

        chat->stop[chat->nstop++] = genai_value_at(&it.value);
    }

    return GENAI_CHAT_OK;
}


static int
genai_gcr_mime(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_value_t  v;

    (void) data;

    v = genai_value_at(value);

    if (genai_value_is(chat, &v, "application/json")) {

        if (chat->format == GENAI_FORMAT_UNSET) {
            chat->format = GENAI_FORMAT_JSON;
        }

        return GENAI_CHAT_OK;
    }

    return genai_value_is(chat, &v, "text/plain")
           ? GENAI_CHAT_OK
           : genai_chat_refuse(chat, "responseMimeType must be text/plain or "
                               "application/json with a provider of another "
                               "API");
}


static int
genai_gcr_schema(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    (void) data;

    chat->format = GENAI_FORMAT_SCHEMA;

    return genai_gemini_schema(chat, value, &chat->format_schema);
}


static int
genai_gcr_json_schema(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    (void) data;

    chat->format = GENAI_FORMAT_SCHEMA;
    chat->format_schema = genai_value_at(value);

    return GENAI_CHAT_OK;
}


static int
genai_gcr_modalities(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    genai_value_t        v;
    genai_cursor_iter_t  it;

    (void) data;

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        v = genai_value_at(&it.value);

        if (!genai_value_is(chat, &v, "TEXT")) {
            return genai_chat_refuse(chat, "responseModalities may have TEXT "
                                     "alone with a provider of another API");
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_gcr_thinking(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    return genai_chat_fields(chat, value, genai_gcr_thinking_fields, data);
}


static int
genai_gcr_thoughts(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    (void) data;

    chat->show_thoughts = genai_chat_bool(value);

    return GENAI_CHAT_OK;
}


static int
genai_gcr_budget(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    int64_t  n;

    (void) data;

    n = genai_chat_int(value);

    if (n < 0) {
        chat->effort = GENAI_EFFORT_DYNAMIC;

    } else if (n == 0) {
        chat->effort = GENAI_EFFORT_NONE;

    } else {
        chat->thinking = n;
    }

    return GENAI_CHAT_OK;
}


static int
genai_gcr_level(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    size_t         i;
    genai_value_t  v;

    static const struct {
        const char      *name;
        const char      *capitals;
        genai_effort_e   effort;
    } levels[] = {
        { "minimal", "MINIMAL", GENAI_EFFORT_MINIMAL },
        { "low", "LOW", GENAI_EFFORT_LOW },
        { "medium", "MEDIUM", GENAI_EFFORT_MEDIUM },
        { "high", "HIGH", GENAI_EFFORT_HIGH }
    };

    (void) data;

    v = genai_value_at(value);

    for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {

        if (genai_value_is(chat, &v, levels[i].name)
            || genai_value_is(chat, &v, levels[i].capitals))
        {
            chat->effort = levels[i].effort;
            return GENAI_CHAT_OK;
        }
    }

    return genai_value_is(chat, &v, "THINKING_LEVEL_UNSPECIFIED")
           ? GENAI_CHAT_OK
           : genai_chat_refuse(chat, "thinkingConfig.thinkingLevel must be "
                               "minimal, low, medium or high");
}
