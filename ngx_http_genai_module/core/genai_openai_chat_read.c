/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads OpenAI's chat completions for a translation.  A table for each object
 * says which of its members mean anything; what else there is does not reach
 * the provider, and is told.
 */


#include "genai_openai_chat_int.h"


static int genai_openai_stream(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_openai_stream_options(genai_chat_t *chat,
    const genai_cursor_t *value, void *data);
static int genai_openai_cap(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_openai_newer_cap(genai_chat_t *chat,
    const genai_cursor_t *value, void *data);
static int genai_openai_n(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_openai_stop(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_openai_tools(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_openai_functions(genai_chat_t *chat,
    const genai_cursor_t *value, void *data);
static int genai_openai_tool_choice(genai_chat_t *chat,
    const genai_cursor_t *value, void *data);
static int genai_openai_parallel(genai_chat_t *chat,
    const genai_cursor_t *value, void *data);
static int genai_openai_format(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_openai_effort(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_openai_reasoning(genai_chat_t *chat,
    const genai_cursor_t *value, void *data);
static int genai_openai_modalities(genai_chat_t *chat,
    const genai_cursor_t *value, void *data);
static int genai_openai_search(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);


static const genai_chat_field_t  genai_openai_fields[] = {
    genai_chat_field("model", NULL),
    genai_chat_field("messages", genai_openai_messages),
    genai_chat_field("stream", genai_openai_stream),
    genai_chat_field("stream_options", genai_openai_stream_options),
    genai_chat_field("max_tokens", genai_openai_cap),
    genai_chat_field("max_completion_tokens", genai_openai_newer_cap),
    genai_chat_field("n", genai_openai_n),
    genai_chat_field("stop", genai_openai_stop),
    genai_chat_field("tools", genai_openai_tools),
    genai_chat_field("tool_choice", genai_openai_tool_choice),
    genai_chat_field("functions", genai_openai_functions),
    genai_chat_field("function_call", genai_openai_tool_choice),
    genai_chat_field("parallel_tool_calls", genai_openai_parallel),
    genai_chat_field("response_format", genai_openai_format),
    genai_chat_field("reasoning_effort", genai_openai_effort),
    genai_chat_field("reasoning", genai_openai_reasoning),
    genai_chat_field("modalities", genai_openai_modalities),
    genai_chat_field("web_search_options", genai_openai_search),
    genai_chat_param("temperature", GENAI_PARAM_TEMPERATURE),
    genai_chat_param("top_p", GENAI_PARAM_TOP_P),
    genai_chat_param("top_k", GENAI_PARAM_TOP_K),
    genai_chat_param("seed", GENAI_PARAM_SEED),
    genai_chat_param("frequency_penalty", GENAI_PARAM_FREQUENCY_PENALTY),
    genai_chat_param("presence_penalty", GENAI_PARAM_PRESENCE_PENALTY),
    genai_chat_param("logit_bias", GENAI_PARAM_LOGIT_BIAS),
    genai_chat_param("logprobs", GENAI_PARAM_LOGPROBS),
    genai_chat_param("top_logprobs", GENAI_PARAM_TOP_LOGPROBS),
    genai_chat_param("user", GENAI_PARAM_USER),
    genai_chat_param("metadata", GENAI_PARAM_METADATA),
    genai_chat_param("service_tier", GENAI_PARAM_SERVICE_TIER),
    genai_chat_param("store", GENAI_PARAM_STORE),
    genai_chat_param("verbosity", GENAI_PARAM_VERBOSITY),
    genai_chat_param("prompt_cache_key", GENAI_PARAM_CACHE_KEY),
    genai_chat_param("safety_identifier", GENAI_PARAM_SAFETY_ID),
    genai_chat_fields_end
};


int
genai_openai_read_chat(genai_chat_t *chat, const genai_document_t *document)
{
    int             rc;
    unsigned        newer;
    genai_cursor_t  root;

    root = genai_cursor_root(document);
    newer = 0;

    if (genai_cursor_type(&root) != GENAI_TAPE_OBJECT) {
        return genai_chat_refuse(chat, "the request must be an object");
    }

    rc = genai_chat_fields(chat, &root, genai_openai_fields, &newer);

    if (rc == GENAI_CHAT_OK && chat->messages == NULL) {
        return genai_chat_refuse(chat, "messages must have at least one");
    }

    return rc;
}


static int
genai_openai_stream(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    (void) data;

    chat->stream = (genai_chat_bool(value) == 1);

    return GENAI_CHAT_OK;
}


static int
genai_openai_stream_options(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    genai_cursor_t  at;

    (void) data;

    chat->usage = genai_chat_find(value, "include_usage", &at)
                  && genai_chat_bool(&at) == 1;

    return GENAI_CHAT_OK;
}


static int
genai_openai_cap(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    unsigned *newer = data;

    if (!*newer) {
        chat->max_output = genai_chat_int(value);
    }

    return GENAI_CHAT_OK;
}


/* it is the one that counts where both are there */

static int
genai_openai_newer_cap(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    unsigned *newer = data;

    *newer = 1;
    chat->max_output = genai_chat_int(value);

    return GENAI_CHAT_OK;
}


static int
genai_openai_n(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    (void) data;

    chat->n = genai_chat_int(value);

    return chat->n >= 1 ? GENAI_CHAT_OK
                        : genai_chat_refuse(chat, "n must be 1 or more");
}


static int
genai_openai_stop(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_cursor_iter_t  it;

    (void) data;

    if (genai_cursor_type(value) == GENAI_TAPE_STRING) {
        chat->stop[chat->nstop++] = genai_value_at(value);
        return GENAI_CHAT_OK;
    }

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        if (chat->nstop == sizeof(chat->stop) / sizeof(chat->stop[0])) {
            return genai_chat_refuse(chat, "stop may have 8 texts");
        }

        chat->stop[chat->nstop++] = genai_value_at(&it.value);
    }

    return GENAI_CHAT_OK;
}


static int
genai_openai_function(genai_chat_t *chat, genai_tool_t *tool,
    const genai_cursor_t *value)
{
    genai_cursor_t  at;

    if (!genai_chat_find(value, "name", &at)) {
        return genai_chat_refuse(chat, "a tool must have a name");
    }

    tool->name = genai_value_at(&at);

    if (genai_chat_find(value, "description", &at)) {
        tool->description = genai_value_at(&at);
    }

    if (genai_chat_find(value, "parameters", &at)) {
        tool->schema = genai_value_at(&at);
    }

    if (genai_chat_find(value, "strict", &at)) {
        tool->strict = genai_chat_bool(&at);
    }

    if (genai_chat_find(value, "format", &at)) {
        tool->format = genai_value_at(&at);
    }

    return GENAI_CHAT_OK;
}


static int
genai_openai_tools(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    int                   rc;
    genai_tool_e          kind;
    genai_tool_t         *tool;
    genai_cursor_t        at;
    genai_cursor_iter_t   it;

    (void) data;

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        kind = genai_chat_find(&it.value, "function", &at)
               ? GENAI_TOOL_FUNCTION
               : genai_chat_find(&it.value, "custom", &at) ? GENAI_TOOL_CUSTOM
                                                           : GENAI_TOOL_SERVER;

        tool = genai_chat_tool(chat, kind);
        if (tool == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        tool->cache = genai_openai_cache(chat, &it.value);

        if (kind == GENAI_TOOL_SERVER) {
            tool->whole = genai_value_at(&it.value);

            if (genai_chat_find(&it.value, "type", &at)) {
                tool->name = genai_value_at(&at);
            }

            continue;
        }

        rc = genai_openai_function(chat, tool, &at);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_openai_functions(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    int                   rc;
    genai_tool_t         *tool;
    genai_cursor_iter_t   it;

    (void) data;

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        tool = genai_chat_tool(chat, GENAI_TOOL_FUNCTION);
        if (tool == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        rc = genai_openai_function(chat, tool, &it.value);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_openai_tool_choice(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    size_t          i;
    genai_value_t   v;
    genai_cursor_t  at, inner;

    static const struct {
        const char      *name;
        genai_choice_e   choice;
    } choices[] = {
        { "none", GENAI_CHOICE_NONE },
        { "auto", GENAI_CHOICE_AUTO },
        { "required", GENAI_CHOICE_ANY },
        { "any", GENAI_CHOICE_ANY }
    };

    (void) data;

    v = genai_value_at(value);

    for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        if (genai_value_is(chat, &v, choices[i].name)) {
            chat->choice = choices[i].choice;
            return GENAI_CHAT_OK;
        }
    }

    at = *value;

    if (genai_chat_find(value, "function", &inner)
        || genai_chat_find(value, "custom", &inner))
    {
        at = inner;
    }

    if (genai_chat_find(&at, "name", &inner)) {
        chat->choice = GENAI_CHOICE_NAMED;
        chat->choice_name = genai_value_at(&inner);
        return GENAI_CHAT_OK;
    }

    return genai_chat_refuse(chat, "this tool_choice cannot be sent to a "
                             "provider of another API");
}


static int
genai_openai_parallel(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    (void) data;

    chat->parallel = genai_chat_bool(value);

    return GENAI_CHAT_OK;
}


static int
genai_openai_format(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    genai_value_t   type;
    genai_cursor_t  at, inner;

    (void) data;

    if (!genai_chat_find(value, "type", &at)) {
        return GENAI_CHAT_OK;
    }

    type = genai_value_at(&at);

    if (genai_value_is(chat, &type, "text")) {
        chat->format = GENAI_FORMAT_TEXT;
        return GENAI_CHAT_OK;
    }

    if (genai_value_is(chat, &type, "json_object")) {
        chat->format = GENAI_FORMAT_JSON;
        return GENAI_CHAT_OK;
    }

    if (!genai_value_is(chat, &type, "json_schema")
        || !genai_chat_find(value, "json_schema", &at)
        || !genai_chat_find(&at, "schema", &inner))
    {
        return genai_chat_refuse(chat, "response_format must be text, "
                                 "json_object, or json_schema with a schema");
    }

    chat->format = GENAI_FORMAT_SCHEMA;
    chat->format_schema = genai_value_at(&inner);

    if (genai_chat_find(&at, "name", &inner)) {
        chat->format_name = genai_value_at(&inner);
    }

    if (genai_chat_find(&at, "description", &inner)) {
        chat->format_description = genai_value_at(&inner);
    }

    if (genai_chat_find(&at, "strict", &inner)) {
        chat->format_strict = genai_chat_bool(&inner);
    }

    return GENAI_CHAT_OK;
}


static int
genai_openai_effort(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    genai_str_t    name;
    genai_value_t  v;

    (void) data;

    v = genai_value_at(value);

    if (genai_value_decode(chat, &v, &name) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    chat->effort = genai_effort_by_name(&name);

    return chat->effort != GENAI_EFFORT_UNSET
           ? GENAI_CHAT_OK
           : genai_chat_refuse(chat, "reasoning_effort must be none, minimal, "
                               "low, medium, high or xhigh");
}


/* OpenRouter's */

static int
genai_openai_reasoning(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    genai_cursor_t  at;

    if (genai_chat_find(value, "max_tokens", &at)) {
        chat->thinking = genai_chat_int(&at);
    }

    if (genai_chat_find(value, "exclude", &at)) {
        chat->show_thoughts = !genai_chat_bool(&at);
    }

    if (genai_chat_find(value, "effort", &at)) {
        return genai_openai_effort(chat, &at, data);
    }

    if (genai_chat_find(value, "enabled", &at) && chat->thinking < 0
        && chat->effort == GENAI_EFFORT_UNSET)
    {
        chat->effort = genai_chat_bool(&at) == 1 ? GENAI_EFFORT_MEDIUM
                                                 : GENAI_EFFORT_NONE;
    }

    return GENAI_CHAT_OK;
}


static int
genai_openai_modalities(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    genai_value_t        v;
    genai_cursor_iter_t  it;

    (void) data;

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {
        v = genai_value_at(&it.value);

        if (!genai_value_is(chat, &v, "text")) {
            return genai_chat_refuse(chat, "answers in sound cannot be had "
                                     "from a provider of another API");
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_openai_search(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    (void) value;
    (void) data;

    return genai_chat_refuse(chat, "web_search_options cannot be sent to a "
                             "provider of another API");
}
