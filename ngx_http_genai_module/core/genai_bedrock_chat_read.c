/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads Bedrock's requests for a translation.  A table for each object says
 * which of its members mean anything; what else there is does not reach the
 * provider, and is told.
 */


#include "genai_bedrock_chat_int.h"
#include "genai_gather.h"


/* what is known when all has been read */

typedef struct {
    genai_effort_e  effort;             /* of outputConfig */
    unsigned        off:1;              /* thinking is */
    unsigned        adaptive:1;
} genai_bedrock_reading_t;


static int genai_bcr_config(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_bcr_max(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_bcr_stop(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_bcr_tool_config(genai_chat_t *chat,
    const genai_cursor_t *value, void *data);
static int genai_bcr_tools(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_bcr_tool(genai_chat_t *chat, const genai_cursor_t *value);
static int genai_bcr_choice(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_bcr_output(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_bcr_format(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_bcr_effort(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_bcr_fields(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_bcr_thinking(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_bcr_nova(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_bcr_tier(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_bcr_guardrail(genai_chat_t *chat,
    const genai_cursor_t *value, void *data);
static int genai_bcr_prompt(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);


static const genai_chat_field_t  genai_bcr_root[] = {
    genai_chat_field("modelId", NULL),
    genai_chat_field("system", NULL),
    genai_chat_field("messages", genai_bedrock_messages),
    genai_chat_field("inferenceConfig", genai_bcr_config),
    genai_chat_field("toolConfig", genai_bcr_tool_config),
    genai_chat_field("outputConfig", genai_bcr_output),
    genai_chat_field("additionalModelRequestFields", genai_bcr_fields),
    genai_chat_field("guardrailConfig", genai_bcr_guardrail),
    genai_chat_field("promptVariables", genai_bcr_prompt),
    genai_chat_field("serviceTier", genai_bcr_tier),
    genai_chat_param("requestMetadata", GENAI_PARAM_METADATA),
    genai_chat_fields_end
};


static const genai_chat_field_t  genai_bcr_config_fields[] = {
    genai_chat_field("maxTokens", genai_bcr_max),
    genai_chat_field("stopSequences", genai_bcr_stop),
    genai_chat_param("temperature", GENAI_PARAM_TEMPERATURE),
    genai_chat_param("topP", GENAI_PARAM_TOP_P),
    genai_chat_fields_end
};


static const genai_chat_field_t  genai_bcr_tool_fields[] = {
    genai_chat_field("tools", genai_bcr_tools),
    genai_chat_field("toolChoice", genai_bcr_choice),
    genai_chat_fields_end
};


static const genai_chat_field_t  genai_bcr_output_fields[] = {
    genai_chat_field("effort", genai_bcr_effort),
    genai_chat_field("textFormat", genai_bcr_format),
    genai_chat_fields_end
};


/* what models of several makers take beside, and others know as well */

static const genai_chat_field_t  genai_bcr_model_fields[] = {
    genai_chat_field("thinking", genai_bcr_thinking),
    genai_chat_field("reasoning_config", genai_bcr_thinking),
    genai_chat_field("reasoningConfig", genai_bcr_nova),
    genai_chat_field("reasoning_effort", genai_bcr_effort),
    genai_chat_field("output_config", genai_bcr_output),
    genai_chat_field("inferenceConfig", genai_bcr_fields),
    genai_chat_param("top_k", GENAI_PARAM_TOP_K),
    genai_chat_param("topK", GENAI_PARAM_TOP_K),
    genai_chat_fields_end
};


int
genai_bedrock_read_chat(genai_chat_t *chat, const genai_document_t *document)
{
    int                       rc;
    genai_cursor_t            root, at;
    genai_bedrock_reading_t   r;

    memset(&r, 0, sizeof(genai_bedrock_reading_t));

    root = genai_cursor_root(document);

    if (genai_cursor_type(&root) != GENAI_TAPE_OBJECT) {
        return genai_chat_refuse(chat, "the request must be an object");
    }

    /* they are the first, wherever they stand */

    if (genai_chat_find(&root, "system", &at)) {

        rc = genai_bedrock_system(chat, &at);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    rc = genai_chat_fields(chat, &root, genai_bcr_root, &r);

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    if (chat->messages == NULL) {
        return genai_chat_refuse(chat, "messages must have at least one");
    }

    chat->effort = r.off ? GENAI_EFFORT_NONE
                   : r.effort != GENAI_EFFORT_UNSET ? r.effort
                   : r.adaptive ? GENAI_EFFORT_DYNAMIC
                   : GENAI_EFFORT_UNSET;

    /* its streams always do */

    chat->usage = 1;

    return GENAI_CHAT_OK;
}


/* an object whose members mean something */

static int
genai_bcr_object(genai_chat_t *chat, const genai_cursor_t *value,
    const genai_chat_field_t *fields, const char *name, void *data)
{
    return genai_cursor_type(value) == GENAI_TAPE_OBJECT
           ? genai_chat_fields(chat, value, fields, data)
           : genai_chat_refuse(chat, "%s must be an object", name);
}


static int
genai_bcr_config(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    return genai_bcr_object(chat, value, genai_bcr_config_fields,
                            "inferenceConfig", data);
}


static int
genai_bcr_max(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    chat->max_output = genai_chat_int(value);

    return GENAI_CHAT_OK;
}


static int
genai_bcr_stop(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_cursor_iter_t  it;

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
genai_bcr_tool_config(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    return genai_bcr_object(chat, value, genai_bcr_tool_fields, "toolConfig",
                            data);
}


static int
genai_bcr_tools(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    int                  rc;
    genai_cursor_t       at;
    genai_cursor_iter_t  it;

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        if (genai_chat_find(&it.value, "cachePoint", &at)) {

            if (chat->last_tool) {
                chat->last_tool->cache = genai_bedrock_cache(chat, &at);
            }

            continue;
        }

        rc = genai_bcr_tool(chat, &it.value);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_bcr_tool(genai_chat_t *chat, const genai_cursor_t *value)
{
    unsigned         own;
    genai_tool_t    *tool;
    genai_cursor_t   spec, at, json;

    own = genai_chat_find(value, "toolSpec", &spec);

    tool = genai_chat_tool(chat, own ? GENAI_TOOL_FUNCTION
                                     : GENAI_TOOL_SERVER);
    if (tool == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (!own) {
        tool->whole = genai_value_at(value);
        return GENAI_CHAT_OK;
    }

    if (!genai_chat_find(&spec, "name", &at)) {
        return genai_chat_refuse(chat, "a toolSpec must have a name");
    }

    tool->name = genai_value_at(&at);

    if (genai_chat_find(&spec, "description", &at)) {
        tool->description = genai_value_at(&at);
    }

    if (genai_chat_find(&spec, "inputSchema", &at)
        && genai_chat_find(&at, "json", &json))
    {
        tool->schema = genai_value_at(&json);
    }

    if (genai_chat_find(&spec, "strict", &at)) {
        tool->strict = genai_chat_bool(&at);
    }

    return GENAI_CHAT_OK;
}


static int
genai_bcr_choice(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_cursor_t  at, name;

    if (genai_chat_find(value, "tool", &at)) {

        if (!genai_chat_find(&at, "name", &name)) {
            return genai_chat_refuse(chat, "toolChoice.tool must have the "
                                     "tool's name");
        }

        chat->choice = GENAI_CHOICE_NAMED;
        chat->choice_name = genai_value_at(&name);

    } else if (genai_chat_find(value, "any", &at)) {
        chat->choice = GENAI_CHOICE_ANY;

    } else if (genai_chat_find(value, "auto", &at)) {
        chat->choice = GENAI_CHOICE_AUTO;

    } else {
        return genai_chat_refuse(chat, "toolChoice must have auto, any or "
                                 "tool");
    }

    return GENAI_CHAT_OK;
}


static int
genai_bcr_output(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    return genai_bcr_object(chat, value, genai_bcr_output_fields,
                            "outputConfig", data);
}


/* the schema is a string */

static int
genai_bcr_format(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_str_t     text;
    genai_value_t   v;
    genai_cursor_t  at, json, schema;

    if (!genai_chat_find(value, "structure", &at)
        || !genai_chat_find(&at, "jsonSchema", &json)
        || !genai_chat_find(&json, "schema", &schema))
    {
        return genai_chat_refuse(chat, "textFormat must have a structure with "
                                 "a jsonSchema");
    }

    v = genai_value_at(&schema);

    if (genai_value_decode(chat, &v, &text) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (!genai_is_object(&text)) {
        return genai_chat_refuse(chat, "a jsonSchema's schema must be a "
                                 "string that is a JSON object");
    }

    chat->format = GENAI_FORMAT_SCHEMA;
    chat->format_schema = genai_value_json(&text);

    if (genai_chat_find(&json, "name", &at)) {
        chat->format_name = genai_value_at(&at);
    }

    if (genai_chat_find(&json, "description", &at)) {
        chat->format_description = genai_value_at(&at);
    }

    return GENAI_CHAT_OK;
}


static int
genai_bcr_effort(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_str_t               name;
    genai_value_t             v;
    genai_bedrock_reading_t  *r = data;

    v = genai_value_at(value);

    if (genai_value_decode(chat, &v, &name) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    r->effort = genai_effort_by_name(&name);

    return r->effort != GENAI_EFFORT_UNSET
           ? GENAI_CHAT_OK
           : genai_chat_refuse(chat, "an effort must be low, medium, high, "
                               "xhigh or max");
}


static int
genai_bcr_fields(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    return genai_bcr_object(chat, value, genai_bcr_model_fields,
                            "additionalModelRequestFields", data);
}


/* of Anthropic's models */

static int
genai_bcr_thinking(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    genai_value_t             v;
    genai_cursor_t            at;
    genai_bedrock_reading_t  *r = data;

    if (genai_chat_find(value, "type", &at)) {
        v = genai_value_at(&at);

        if (genai_value_is(chat, &v, "disabled")) {
            r->off = 1;
            return GENAI_CHAT_OK;
        }

        if (genai_value_is(chat, &v, "adaptive")) {
            r->adaptive = 1;
            return GENAI_CHAT_OK;
        }

        if (genai_value_is(chat, &v, "enabled")
            && genai_chat_find(value, "budget_tokens", &at))
        {
            chat->thinking = genai_chat_int(&at);
            return GENAI_CHAT_OK;
        }
    }

    return genai_chat_refuse(chat, "thinking must be disabled, adaptive, or "
                             "enabled with budget_tokens");
}


/* of Amazon's */

static int
genai_bcr_nova(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_value_t             v;
    genai_cursor_t            at;
    genai_bedrock_reading_t  *r = data;

    if (genai_chat_find(value, "type", &at)) {
        v = genai_value_at(&at);

        if (genai_value_is(chat, &v, "disabled")) {
            r->off = 1;
            return GENAI_CHAT_OK;
        }
    }

    if (genai_chat_find(value, "maxReasoningEffort", &at)) {
        return genai_bcr_effort(chat, &at, data);
    }

    r->adaptive = 1;

    return GENAI_CHAT_OK;
}


static int
genai_bcr_tier(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_cursor_t  at;

    if (genai_chat_find(value, "type", &at)) {
        chat->param[GENAI_PARAM_SERVICE_TIER] = genai_value_at(&at);
    }

    return GENAI_CHAT_OK;
}


/* without it another provider would answer what must not be */

static int
genai_bcr_guardrail(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    return genai_chat_refuse(chat, "guardrailConfig cannot be sent to a "
                             "provider of another API");
}


static int
genai_bcr_prompt(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    return genai_chat_refuse(chat, "promptVariables are of a prompt that AWS "
                             "keeps: send the messages");
}
