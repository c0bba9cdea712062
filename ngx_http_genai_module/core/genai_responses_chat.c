/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads the Responses API's requests for a translation: all but the items.
 * The table says which members mean anything; what else there is does not
 * reach the provider, and is told.
 */


#include "genai_dialect.h"
#include "genai_responses_chat_int.h"


static int genai_rc_instructions(genai_chat_t *chat,
    const genai_cursor_t *root);
static int genai_rc_allowed(genai_chat_t *chat, const genai_cursor_t *root);


#define genai_rc_handler(name)                                                \
    static int genai_rc_##name(genai_chat_t *chat,                            \
        const genai_cursor_t *value, void *data)

genai_rc_handler(stream);
genai_rc_handler(cap);
genai_rc_handler(tools);
genai_rc_handler(tool_choice);
genai_rc_handler(parallel);
genai_rc_handler(text);
genai_rc_handler(thinking);
genai_rc_handler(store);
genai_rc_handler(background);
genai_rc_handler(state);
genai_rc_handler(prompt);


static const genai_chat_field_t  genai_rc_fields[] = {
    genai_chat_field("model", NULL),
    genai_chat_field("instructions", NULL),
    genai_chat_field("input", genai_rc_input),
    genai_chat_field("stream", genai_rc_stream),
    genai_chat_field("stream_options", NULL),
    genai_chat_field("include", NULL),
    genai_chat_field("max_output_tokens", genai_rc_cap),
    genai_chat_field("tools", genai_rc_tools),
    genai_chat_field("tool_choice", genai_rc_tool_choice),
    genai_chat_field("parallel_tool_calls", genai_rc_parallel),
    genai_chat_field("text", genai_rc_text),
    genai_chat_field("reasoning", genai_rc_thinking),
    genai_chat_field("store", genai_rc_store),
    genai_chat_field("background", genai_rc_background),
    genai_chat_field("previous_response_id", genai_rc_state),
    genai_chat_field("conversation", genai_rc_state),
    genai_chat_field("prompt", genai_rc_prompt),
    genai_chat_param("temperature", GENAI_PARAM_TEMPERATURE),
    genai_chat_param("top_p", GENAI_PARAM_TOP_P),
    genai_chat_param("user", GENAI_PARAM_USER),
    genai_chat_param("metadata", GENAI_PARAM_METADATA),
    genai_chat_param("service_tier", GENAI_PARAM_SERVICE_TIER),
    genai_chat_param("prompt_cache_key", GENAI_PARAM_CACHE_KEY),
    genai_chat_param("safety_identifier", GENAI_PARAM_SAFETY_ID),
    genai_chat_fields_end
};


int
genai_responses_read_chat(genai_chat_t *chat, const genai_document_t *document)
{
    int             rc;
    genai_cursor_t  root;

    root = genai_cursor_root(document);

    if (genai_cursor_type(&root) != GENAI_TAPE_OBJECT) {
        return genai_chat_refuse(chat, "the request must be an object");
    }

    /* they come first, wherever they stand */

    rc = genai_rc_instructions(chat, &root);

    if (rc == GENAI_CHAT_OK) {
        rc = genai_chat_fields(chat, &root, genai_rc_fields, NULL);
    }

    if (rc == GENAI_CHAT_OK) {
        rc = genai_rc_allowed(chat, &root);
    }

    if (rc == GENAI_CHAT_OK && chat->messages == NULL) {
        return genai_chat_refuse(chat, "input must have at least one item");
    }

    return rc;
}


static int
genai_rc_instructions(genai_chat_t *chat, const genai_cursor_t *root)
{
    genai_part_t     *part;
    genai_cursor_t    at;
    genai_message_t  *m;

    if (!genai_chat_find(root, "instructions", &at)) {
        return GENAI_CHAT_OK;
    }

    if (genai_cursor_type(&at) != GENAI_TAPE_STRING) {
        return genai_chat_refuse(chat, "instructions must be a string");
    }

    m = genai_chat_message(chat, GENAI_ROLE_SYSTEM);
    part = m ? genai_chat_part(chat, m, GENAI_PART_TEXT) : NULL;

    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    part->text = genai_value_at(&at);

    return GENAI_CHAT_OK;
}


static int
genai_rc_stream(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    (void) data;

    /* its streams always tell what was used */

    chat->stream = (genai_chat_bool(value) == 1);
    chat->usage = chat->stream;

    return GENAI_CHAT_OK;
}


static int
genai_rc_cap(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    (void) data;

    chat->max_output = genai_chat_int(value);

    return GENAI_CHAT_OK;
}


static int
genai_rc_tools(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_tool_e          kind;
    genai_tool_t         *tool;
    genai_cursor_t        at;
    genai_cursor_iter_t   it;

    static const char *const  function[] = { "function", NULL };
    static const char *const  custom[] = { "custom", NULL };

    (void) data;

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        if (!genai_chat_find(&it.value, "type", &at)) {
            return genai_chat_refuse(chat, "a tool must have a type");
        }

        kind = genai_rc_is(chat, &at, function) ? GENAI_TOOL_FUNCTION
               : genai_rc_is(chat, &at, custom) ? GENAI_TOOL_CUSTOM
               : GENAI_TOOL_SERVER;

        tool = genai_chat_tool(chat, kind);
        if (tool == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        if (kind == GENAI_TOOL_SERVER) {
            tool->whole = genai_value_at(&it.value);
            tool->name = genai_value_at(&at);
            continue;
        }

        if (!genai_chat_find(&it.value, "name", &at)) {
            return genai_chat_refuse(chat, "a tool must have a name");
        }

        tool->name = genai_value_at(&at);

        if (genai_chat_find(&it.value, "description", &at)) {
            tool->description = genai_value_at(&at);
        }

        if (genai_chat_find(&it.value, "parameters", &at)) {
            tool->schema = genai_value_at(&at);
        }

        if (genai_chat_find(&it.value, "format", &at)) {
            tool->format = genai_value_at(&at);
        }

        if (genai_chat_find(&it.value, "strict", &at)) {
            tool->strict = genai_chat_bool(&at);
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_rc_choice(genai_chat_t *chat, const genai_cursor_t *value)
{
    size_t         i;
    genai_value_t  v;

    static const struct {
        const char      *name;
        genai_choice_e   choice;
    } choices[] = {
        { "none", GENAI_CHOICE_NONE },
        { "auto", GENAI_CHOICE_AUTO },
        { "required", GENAI_CHOICE_ANY }
    };

    v = genai_value_at(value);

    for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        if (genai_value_is(chat, &v, choices[i].name)) {
            chat->choice = choices[i].choice;
            return 1;
        }
    }

    return 0;
}


static int
genai_rc_tool_choice(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    genai_cursor_t  type, at;

    static const char *const  named[] = { "function", "custom", NULL };
    static const char *const  allowed[] = { "allowed_tools", NULL };

    (void) data;

    if (genai_rc_choice(chat, value)) {
        return GENAI_CHAT_OK;
    }

    if (genai_chat_find(value, "type", &type)) {

        if (genai_rc_is(chat, &type, named)
            && genai_chat_find(value, "name", &at))
        {
            chat->choice = GENAI_CHOICE_NAMED;
            chat->choice_name = genai_value_at(&at);
            return GENAI_CHAT_OK;
        }

        /* which they are is seen when all tools have been read */

        if (genai_rc_is(chat, &type, allowed)
            && genai_chat_find(value, "mode", &at)
            && genai_rc_choice(chat, &at))
        {
            return GENAI_CHAT_OK;
        }
    }

    return genai_chat_refuse(chat, "this tool_choice cannot be sent to a "
                             "provider of another API");
}


/* tools that may not be called are not told of */

static int
genai_rc_allowed(genai_chat_t *chat, const genai_cursor_t *root)
{
    genai_str_t           name, s;
    genai_tool_t         *tool, **next;
    genai_value_t         v;
    genai_cursor_t        choice, list, at;
    genai_cursor_iter_t   it;

    if (!genai_chat_find(root, "tool_choice", &choice)
        || genai_cursor_type(&choice) != GENAI_TAPE_OBJECT
        || !genai_chat_find(&choice, "tools", &list))
    {
        return GENAI_CHAT_OK;
    }

    chat->last_tool = NULL;

    for (next = &chat->tools; (tool = *next) != NULL; /* void */ ) {

        if (genai_value_decode(chat, &tool->name, &name) != 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        genai_cursor_iter(&it, &list);

        for ( ;; ) {

            if (genai_cursor_next(&it) != 1) {
                *next = tool->next;
                break;
            }

            if (!genai_chat_find(&it.value, "name", &at)
                && !genai_chat_find(&it.value, "type", &at))
            {
                continue;
            }

            v = genai_value_at(&at);

            if (genai_value_decode(chat, &v, &s) != 0) {
                return GENAI_CHAT_NO_MEMORY;
            }

            if (s.len == name.len && memcmp(s.data, name.data, s.len) == 0) {
                chat->last_tool = tool;
                next = &tool->next;
                break;
            }
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_rc_parallel(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    (void) data;

    chat->parallel = genai_chat_bool(value);

    return GENAI_CHAT_OK;
}


static int
genai_rc_text(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_cursor_t  format, type, at;

    static const char *const  text[] = { "text", NULL };
    static const char *const  object[] = { "json_object", NULL };
    static const char *const  schema[] = { "json_schema", NULL };

    (void) data;

    if (genai_chat_find(value, "verbosity", &at)) {
        chat->param[GENAI_PARAM_VERBOSITY] = genai_value_at(&at);
    }

    if (!genai_chat_find(value, "format", &format)
        || !genai_chat_find(&format, "type", &type))
    {
        return GENAI_CHAT_OK;
    }

    if (genai_rc_is(chat, &type, text)) {
        chat->format = GENAI_FORMAT_TEXT;
        return GENAI_CHAT_OK;
    }

    if (genai_rc_is(chat, &type, object)) {
        chat->format = GENAI_FORMAT_JSON;
        return GENAI_CHAT_OK;
    }

    if (!genai_rc_is(chat, &type, schema)
        || !genai_chat_find(&format, "schema", &at))
    {
        return genai_chat_refuse(chat, "text.format must be text, json_object,"
                                 " or json_schema with a schema");
    }

    chat->format = GENAI_FORMAT_SCHEMA;
    chat->format_schema = genai_value_at(&at);

    if (genai_chat_find(&format, "name", &at)) {
        chat->format_name = genai_value_at(&at);
    }

    if (genai_chat_find(&format, "description", &at)) {
        chat->format_description = genai_value_at(&at);
    }

    if (genai_chat_find(&format, "strict", &at)) {
        chat->format_strict = genai_chat_bool(&at);
    }

    return GENAI_CHAT_OK;
}


static int
genai_rc_thinking(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    genai_str_t     name;
    genai_value_t   v;
    genai_cursor_t  at;

    (void) data;

    if (genai_chat_find(value, "summary", &at)
        || genai_chat_find(value, "generate_summary", &at))
    {
        chat->show_thoughts = 1;
    }

    if (!genai_chat_find(value, "effort", &at)) {
        return GENAI_CHAT_OK;
    }

    v = genai_value_at(&at);

    if (genai_value_decode(chat, &v, &name) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    chat->effort = genai_effort_by_name(&name);

    return chat->effort != GENAI_EFFORT_UNSET
           ? GENAI_CHAT_OK
           : genai_chat_refuse(chat, "reasoning.effort must be none, minimal, "
                               "low, medium, high or xhigh");
}


/* nothing is stored of what is translated */

static int
genai_rc_store(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    (void) data;

    if (genai_chat_bool(value) == 1) {
        genai_chat_dropped(chat, "store");
    }

    return GENAI_CHAT_OK;
}


static int
genai_rc_background(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    (void) data;

    return genai_chat_bool(value) == 1
           ? genai_chat_refuse(chat, "background cannot be had from a "
                               "provider of another API: leave it out")
           : GENAI_CHAT_OK;
}


static int
genai_rc_state(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    (void) value;
    (void) data;

    return genai_chat_refuse(chat, "previous_response_id and conversation are "
                             "of what another provider keeps: send the whole "
                             "input instead");
}


static int
genai_rc_prompt(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    (void) value;
    (void) data;

    return genai_chat_refuse(chat, "prompt is a template that another "
                             "provider keeps: send its text instead");
}
