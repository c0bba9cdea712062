/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads Anthropic's requests for a translation.  A table for each object says
 * which of its members mean anything; what else there is does not reach the
 * provider, and is told.
 */


#include "genai_anthropic_chat_int.h"


/* what is known when all has been read */

typedef struct {
    genai_effort_e  effort;             /* of output_config */
    unsigned        off:1;              /* thinking is */
    unsigned        adaptive:1;
} genai_anthropic_reading_t;


static int genai_acr_stream(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_acr_max(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_acr_stop(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_acr_tools(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_acr_tool(genai_chat_t *chat, const genai_cursor_t *value);
static int genai_acr_choice(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_acr_thinking(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_acr_config(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_acr_effort(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_acr_format(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_acr_metadata(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);
static int genai_acr_kept(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);


static const genai_chat_field_t  genai_acr_fields[] = {
    genai_chat_field("model", NULL),
    genai_chat_field("system", NULL),
    genai_chat_field("messages", genai_anthropic_messages),
    genai_chat_field("max_tokens", genai_acr_max),
    genai_chat_field("stream", genai_acr_stream),
    genai_chat_field("stop_sequences", genai_acr_stop),
    genai_chat_field("tools", genai_acr_tools),
    genai_chat_field("tool_choice", genai_acr_choice),
    genai_chat_field("thinking", genai_acr_thinking),
    genai_chat_field("output_config", genai_acr_config),
    genai_chat_field("output_format", genai_acr_format),
    genai_chat_field("metadata", genai_acr_metadata),
    genai_chat_field("mcp_servers", genai_acr_kept),
    genai_chat_field("container", genai_acr_kept),
    genai_chat_param("temperature", GENAI_PARAM_TEMPERATURE),
    genai_chat_param("top_p", GENAI_PARAM_TOP_P),
    genai_chat_param("top_k", GENAI_PARAM_TOP_K),
    genai_chat_param("service_tier", GENAI_PARAM_SERVICE_TIER),
    genai_chat_fields_end
};


static const genai_chat_field_t  genai_acr_config_fields[] = {
    genai_chat_field("effort", genai_acr_effort),
    genai_chat_field("format", genai_acr_format),
    genai_chat_fields_end
};


int
genai_anthropic_read_chat(genai_chat_t *chat,
    const genai_document_t *document)
{
    int                         rc;
    genai_cursor_t              root, at;
    genai_anthropic_reading_t   r;

    memset(&r, 0, sizeof(genai_anthropic_reading_t));

    root = genai_cursor_root(document);

    if (genai_cursor_type(&root) != GENAI_TAPE_OBJECT) {
        return genai_chat_refuse(chat, "the request must be an object");
    }

    /* they are the first, wherever they stand */

    if (genai_chat_find(&root, "system", &at)) {

        rc = genai_anthropic_system(chat, &at);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    rc = genai_chat_fields(chat, &root, genai_acr_fields, &r);

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

    chat->usage = chat->stream;

    return GENAI_CHAT_OK;
}


static int
genai_acr_stream(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    (void) data;

    chat->stream = (genai_chat_bool(value) == 1);

    return GENAI_CHAT_OK;
}


static int
genai_acr_max(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    (void) data;

    chat->max_output = genai_chat_int(value);

    return GENAI_CHAT_OK;
}


static int
genai_acr_stop(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_cursor_iter_t  it;

    (void) data;

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        if (chat->nstop == sizeof(chat->stop) / sizeof(chat->stop[0])) {
            return genai_chat_refuse(chat, "stop_sequences may have 8 texts");
        }

        chat->stop[chat->nstop++] = genai_value_at(&it.value);
    }

    return GENAI_CHAT_OK;
}


static int
genai_acr_tools(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    int                  rc;
    genai_cursor_iter_t  it;

    (void) data;

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        rc = genai_acr_tool(chat, &it.value);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_acr_tool(genai_chat_t *chat, const genai_cursor_t *value)
{
    genai_tool_t    *tool;
    genai_value_t    type;
    genai_cursor_t   at;

    memset(&type, 0, sizeof(genai_value_t));

    if (genai_chat_find(value, "type", &at)) {
        type = genai_value_at(&at);
    }

    tool = genai_chat_tool(chat, (type.kind == GENAI_VALUE_NONE
                                  || genai_value_is(chat, &type, "custom"))
                                 ? GENAI_TOOL_FUNCTION : GENAI_TOOL_SERVER);
    if (tool == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    tool->cache = genai_anthropic_cache(chat, value);

    if (tool->kind == GENAI_TOOL_SERVER) {
        tool->whole = genai_value_at(value);
        tool->name = type;

        return GENAI_CHAT_OK;
    }

    if (!genai_chat_find(value, "name", &at)) {
        return genai_chat_refuse(chat, "a tool must have a name");
    }

    tool->name = genai_value_at(&at);

    if (genai_chat_find(value, "description", &at)) {
        tool->description = genai_value_at(&at);
    }

    if (genai_chat_find(value, "input_schema", &at)) {
        tool->schema = genai_value_at(&at);
    }

    if (genai_chat_find(value, "strict", &at)) {
        tool->strict = genai_chat_bool(&at);
    }

    if (genai_chat_find(value, "input_examples", &at)) {
        genai_chat_dropped(chat, "input_examples");
    }

    return GENAI_CHAT_OK;
}


static int
genai_acr_choice(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    size_t          i;
    genai_value_t   type;
    genai_cursor_t  at;

    static const struct {
        const char      *name;
        genai_choice_e   choice;
    } choices[] = {
        { "auto", GENAI_CHOICE_AUTO },
        { "any", GENAI_CHOICE_ANY },
        { "none", GENAI_CHOICE_NONE },
        { "tool", GENAI_CHOICE_NAMED }
    };

    (void) data;

    if (genai_chat_find(value, "type", &at)) {
        type = genai_value_at(&at);

        for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
            if (genai_value_is(chat, &type, choices[i].name)) {
                chat->choice = choices[i].choice;
            }
        }
    }

    if (chat->choice == GENAI_CHOICE_UNSET) {
        return genai_chat_refuse(chat, "tool_choice must have the type auto, "
                                 "any, none or tool");
    }

    if (chat->choice == GENAI_CHOICE_NAMED) {

        if (!genai_chat_find(value, "name", &at)) {
            return genai_chat_refuse(chat, "tool_choice must have the tool's "
                                     "name");
        }

        chat->choice_name = genai_value_at(&at);
    }

    if (genai_chat_find(value, "disable_parallel_tool_use", &at)
        && genai_chat_bool(&at) == 1)
    {
        chat->parallel = 0;
    }

    return GENAI_CHAT_OK;
}


static int
genai_acr_thinking(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    genai_value_t               v;
    genai_cursor_t              at;
    genai_anthropic_reading_t  *r = data;

    if (!genai_chat_find(value, "type", &at)) {
        return genai_chat_refuse(chat, "thinking must have a type");
    }

    v = genai_value_at(&at);

    if (genai_value_is(chat, &v, "disabled")) {
        r->off = 1;

    } else if (genai_value_is(chat, &v, "adaptive")) {
        r->adaptive = 1;

    } else if (genai_value_is(chat, &v, "enabled")
               && genai_chat_find(value, "budget_tokens", &at))
    {
        chat->thinking = genai_chat_int(&at);

    } else {
        return genai_chat_refuse(chat, "thinking must be disabled, adaptive, "
                                 "or enabled with budget_tokens");
    }

    if (genai_chat_find(value, "display", &at)) {
        v = genai_value_at(&at);
        chat->show_thoughts = !genai_value_is(chat, &v, "omitted");
    }

    return GENAI_CHAT_OK;
}


static int
genai_acr_config(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    return genai_cursor_type(value) == GENAI_TAPE_OBJECT
           ? genai_chat_fields(chat, value, genai_acr_config_fields, data)
           : genai_chat_refuse(chat, "output_config must be an object");
}


static int
genai_acr_effort(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_str_t                 name;
    genai_value_t               v;
    genai_anthropic_reading_t  *r = data;

    v = genai_value_at(value);

    if (genai_value_decode(chat, &v, &name) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    r->effort = genai_effort_by_name(&name);

    return r->effort != GENAI_EFFORT_UNSET
           ? GENAI_CHAT_OK
           : genai_chat_refuse(chat, "output_config.effort must be low, "
                               "medium, high, xhigh or max");
}


static int
genai_acr_format(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_value_t   type;
    genai_cursor_t  at, schema;

    (void) data;

    if (genai_chat_find(value, "type", &at)) {
        type = genai_value_at(&at);

        if (genai_value_is(chat, &type, "json_schema")
            && genai_chat_find(value, "schema", &schema))
        {
            chat->format = GENAI_FORMAT_SCHEMA;
            chat->format_schema = genai_value_at(&schema);

            return GENAI_CHAT_OK;
        }
    }

    return genai_chat_refuse(chat, "an output format must be json_schema with "
                             "a schema");
}


static int
genai_acr_metadata(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    static const genai_chat_field_t  fields[] = {
        genai_chat_param("user_id", GENAI_PARAM_USER),
        genai_chat_fields_end
    };

    if (genai_cursor_type(value) != GENAI_TAPE_OBJECT) {
        genai_chat_dropped(chat, "metadata");
        return GENAI_CHAT_OK;
    }

    return genai_chat_fields(chat, value, fields, data);
}


/* what Anthropic runs for its own models */

static int
genai_acr_kept(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_cursor_iter_t  it;

    (void) data;

    genai_cursor_iter(&it, value);

    if (genai_cursor_type(value) == GENAI_TAPE_ARRAY
        && genai_cursor_next(&it) != 1)
    {
        return GENAI_CHAT_OK;
    }

    return genai_chat_refuse(chat, "mcp_servers and container cannot be sent "
                             "to a provider of another API");
}


genai_cache_e
genai_anthropic_cache(genai_chat_t *chat, const genai_cursor_t *block)
{
    genai_value_t   ttl;
    genai_cursor_t  at, inner;

    if (!genai_chat_find(block, "cache_control", &at)) {
        return GENAI_CACHE_NONE;
    }

    if (genai_chat_find(&at, "ttl", &inner)) {
        ttl = genai_value_at(&inner);

        if (genai_value_is(chat, &ttl, "1h")) {
            return GENAI_CACHE_1H;
        }
    }

    return GENAI_CACHE_5M;
}
