/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writes Gemini's requests from what another dialect has asked for.  The
 * order of members is fixed, as providers' prompt caches depend on it: what
 * is the same in every turn of a conversation stands first.
 *
 * Schemas are written as the JSON schemas that they are, in the members that
 * Google has for those beside its own subset: they lose nothing so.
 */


#include "genai_gemini_chat_int.h"


static int genai_gcw_tools(genai_chat_t *chat, genai_writer_t *w,
    unsigned *n);
static void genai_gcw_function(genai_chat_t *chat, const genai_tool_t *tool,
    genai_writer_t *w);
static void genai_gcw_schema(const genai_value_t *schema, genai_writer_t *w);
static void genai_gcw_choice(genai_chat_t *chat, genai_writer_t *w);
static void genai_gcw_config(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_writer_t *w);
static void genai_gcw_thinking(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_writer_t *w);
static unsigned genai_gcw_is_nothing(genai_chat_t *chat,
    const genai_value_t *v);


/* what is one value here, too */

static const struct {
    genai_param_e   param;
    const char     *name;
} genai_gcw_with[] = {
    { GENAI_PARAM_TEMPERATURE, "temperature" },
    { GENAI_PARAM_TOP_P, "topP" },
    { GENAI_PARAM_TOP_K, "topK" },
    { GENAI_PARAM_SEED, "seed" },
    { GENAI_PARAM_PRESENCE_PENALTY, "presencePenalty" },
    { GENAI_PARAM_FREQUENCY_PENALTY, "frequencyPenalty" },
    { GENAI_PARAM_LOGPROBS, "responseLogprobs" },
    { GENAI_PARAM_TOP_LOGPROBS, "logprobs" }
};


/* what the dialect does not have, as clients call it */

static const struct {
    genai_param_e   param;
    const char     *name;
} genai_gcw_without[] = {
    { GENAI_PARAM_LOGIT_BIAS, "logit_bias" },
    { GENAI_PARAM_USER, "user" },
    { GENAI_PARAM_METADATA, "metadata" },
    { GENAI_PARAM_SERVICE_TIER, "service_tier" },
    { GENAI_PARAM_STORE, "store" },
    { GENAI_PARAM_VERBOSITY, "verbosity" },
    { GENAI_PARAM_CACHE_KEY, "prompt_cache_key" },
    { GENAI_PARAM_SAFETY_ID, "safety_identifier" }
};

#define genai_gcw_n(array)  (sizeof(array) / sizeof((array)[0]))


int
genai_gemini_write_chat(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w)
{
    int                   rc;
    size_t                i;
    unsigned              n;
    const genai_value_t  *v;

    if (chat->n > GENAI_GEMINI_CHOICES_MAX) {
        return genai_chat_refuse(chat, "this model's provider gives %d "
                                 "answers at most, not n",
                                 GENAI_GEMINI_CHOICES_MAX);
    }

    genai_writer_open(w, '{');

    rc = genai_gcw_tools(chat, w, &n);

    if (rc == GENAI_CHAT_OK && n) {
        genai_gcw_choice(chat, w);
    }

    if (rc == GENAI_CHAT_OK) {
        rc = genai_gemini_write_contents(chat, to, w);
    }

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    genai_gcw_config(chat, to, w);
    genai_writer_close(w, '}');

    for (i = 0; i < genai_gcw_n(genai_gcw_without); i++) {

        v = &chat->param[genai_gcw_without[i].param];

        if (v->kind != GENAI_VALUE_NONE && !genai_gcw_is_nothing(chat, v)) {
            genai_chat_drop(chat, genai_gcw_without[i].name,
                            strlen(genai_gcw_without[i].name));
        }
    }

    return genai_writer_flush(w) == 0 ? GENAI_CHAT_OK : GENAI_CHAT_NO_MEMORY;
}


static int
genai_gcw_tools(genai_chat_t *chat, genai_writer_t *w, unsigned *n)
{
    unsigned             tools;
    const genai_tool_t  *tool;

    *n = 0;
    tools = 0;

    for (tool = chat->tools; tool; tool = tool->next) {

        if (tool->cache != GENAI_CACHE_NONE) {
            genai_chat_dropped(chat, "cache_control");
        }

        if (tool->kind == GENAI_TOOL_CUSTOM) {
            return genai_chat_refuse(chat, "tools with free text as input "
                                     "cannot be sent to this model's "
                                     "provider");
        }

        if (tool->kind == GENAI_TOOL_SERVER
            && chat->dialect != &genai_gemini)
        {
            genai_chat_dropped(chat, "server tools");
            continue;
        }

        if (tools++ == 0) {
            genai_writer_name(w, "tools");
            genai_writer_open(w, '[');
        }

        if (tool->kind == GENAI_TOOL_SERVER) {
            genai_value_write(&tool->whole, w);
        }

        *n += (tool->kind == GENAI_TOOL_FUNCTION);
    }

    if (*n) {
        genai_writer_open(w, '{');
        genai_writer_name(w, "functionDeclarations");
        genai_writer_open(w, '[');

        for (tool = chat->tools; tool; tool = tool->next) {

            if (tool->kind == GENAI_TOOL_FUNCTION) {
                genai_gcw_function(chat, tool, w);
            }
        }

        genai_writer_close(w, ']');
        genai_writer_close(w, '}');
    }

    if (tools) {
        genai_writer_close(w, ']');
    }

    return GENAI_CHAT_OK;
}


static void
genai_gcw_function(genai_chat_t *chat, const genai_tool_t *tool,
    genai_writer_t *w)
{
    if (tool->strict == 1) {
        genai_chat_dropped(chat, "strict");
    }

    genai_writer_open(w, '{');
    genai_tool_name_member(chat, &tool->name, w);
    genai_value_member(&tool->description, w, "description");

    if (tool->schema.kind != GENAI_VALUE_NONE) {
        genai_writer_name(w, "parametersJsonSchema");
        genai_gcw_schema(&tool->schema, w);
    }

    genai_writer_close(w, '}');
}


/* it must be one of an object, which not everybody tells */

static void
genai_gcw_schema(const genai_value_t *schema, genai_writer_t *w)
{
    genai_cursor_t       at;
    genai_cursor_iter_t  it;

    if (schema->kind != GENAI_VALUE_AT
        || genai_cursor_type(&schema->at) != GENAI_TAPE_OBJECT
        || genai_chat_find(&schema->at, "type", &at))
    {
        genai_value_write(schema, w);
        return;
    }

    genai_writer_open(w, '{');
    genai_writer_name(w, "type");
    genai_writer_literal(w, "\"object\"");

    genai_cursor_iter(&it, &schema->at);

    while (genai_cursor_next(&it) == 1) {

        if (genai_str_is(&it.name, "type")) {
            continue;
        }

        genai_writer_raw_name(w, &it.name);
        genai_cursor_copy(&it.value, w);
    }

    genai_writer_close(w, '}');
}


static void
genai_gcw_choice(genai_chat_t *chat, genai_writer_t *w)
{
    static const char  *modes[] = {
        [GENAI_CHOICE_NONE] = "\"NONE\"",
        [GENAI_CHOICE_AUTO] = "\"AUTO\"",
        [GENAI_CHOICE_ANY] = "\"ANY\"",
        [GENAI_CHOICE_NAMED] = "\"ANY\""
    };

    if (chat->parallel == 0) {
        genai_chat_dropped(chat, "parallel_tool_calls");
    }

    if (chat->choice == GENAI_CHOICE_UNSET) {
        return;
    }

    genai_writer_name(w, "toolConfig");
    genai_writer_open(w, '{');
    genai_writer_name(w, "functionCallingConfig");
    genai_writer_open(w, '{');
    genai_writer_name(w, "mode");
    genai_writer_literal(w, modes[chat->choice]);

    if (chat->choice == GENAI_CHOICE_NAMED) {
        genai_writer_name(w, "allowedFunctionNames");
        genai_writer_open(w, '[');
        genai_tool_name_write(chat, &chat->choice_name, w);
        genai_writer_close(w, ']');
    }

    genai_writer_close(w, '}');
    genai_writer_close(w, '}');
}


static void
genai_gcw_config(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w)
{
    size_t                i;
    int64_t               max;
    const genai_value_t  *v;

    genai_writer_name(w, "generationConfig");
    genai_writer_open(w, '{');

    for (i = 0; i < genai_gcw_n(genai_gcw_with); i++) {

        v = &chat->param[genai_gcw_with[i].param];

        if (v->kind != GENAI_VALUE_NONE) {
            genai_writer_name(w, genai_gcw_with[i].name);
            genai_value_write(v, w);
        }
    }

    max = chat->max_output;

    if (to->max_output >= 0 && (max < 0 || to->max_output < max)) {
        max = to->max_output;
    }

    if (max >= 0) {
        genai_writer_name(w, "maxOutputTokens");
        genai_writer_int(w, max);
    }

    if (chat->nstop) {
        genai_writer_name(w, "stopSequences");
        genai_writer_open(w, '[');

        for (i = 0; i < chat->nstop; i++) {
            genai_value_write_string(&chat->stop[i], w);
        }

        genai_writer_close(w, ']');
    }

    if (chat->n > 1) {
        genai_writer_name(w, "candidateCount");
        genai_writer_int(w, chat->n);
    }

    if (chat->format == GENAI_FORMAT_JSON
        || chat->format == GENAI_FORMAT_SCHEMA)
    {
        genai_writer_name(w, "responseMimeType");
        genai_writer_literal(w, "\"application/json\"");
    }

    if (chat->format == GENAI_FORMAT_SCHEMA) {
        genai_value_member(&chat->format_schema, w, "responseJsonSchema");
    }

    genai_gcw_thinking(chat, to, w);

    genai_writer_close(w, '}');
}


/*
 * Newer models are told a level, others how many tokens; none of the newer
 * can be told not to think at all.
 */

static void
genai_gcw_thinking(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w)
{
    int64_t         tokens;
    unsigned        show, off;
    genai_effort_e  asked;

    asked = chat->effort;

    if (asked == GENAI_EFFORT_UNSET && chat->thinking < 0
        && chat->show_thoughts < 0)
    {
        return;
    }

    off = (asked == GENAI_EFFORT_NONE)
          || (asked == GENAI_EFFORT_UNSET && chat->thinking == 0);

    if (!to->thinks) {

        if (!off) {
            genai_chat_dropped(chat, "thinking");
        }

        return;
    }

    show = (chat->show_thoughts >= 0) ? chat->show_thoughts : !off;

    genai_writer_name(w, "thinkingConfig");
    genai_writer_open(w, '{');

    if (to->newer) {

        if (asked == GENAI_EFFORT_UNSET && chat->thinking > 0) {
            asked = genai_effort_of_tokens(chat->thinking);
        }

        if (off) {
            genai_chat_dropped(chat, "thinking");
            asked = GENAI_EFFORT_LOW;
        }

        if (asked != GENAI_EFFORT_UNSET && asked != GENAI_EFFORT_DYNAMIC) {
            genai_writer_name(w, "thinkingLevel");
            genai_writer_literal(w, asked <= GENAI_EFFORT_LOW ? "\"low\""
                                    : asked == GENAI_EFFORT_MEDIUM
                                    ? "\"medium\"" : "\"high\"");
        }

    } else if (off || asked != GENAI_EFFORT_UNSET || chat->thinking >= 0) {

        tokens = off ? 0
                 : (chat->thinking > 0) ? chat->thinking
                 : (asked == GENAI_EFFORT_DYNAMIC) ? -1
                 : genai_effort_tokens(asked);

        genai_writer_name(w, "thinkingBudget");
        genai_writer_int(w, tokens);
    }

    genai_writer_name(w, "includeThoughts");
    genai_writer_literal(w, show ? "true" : "false");
    genai_writer_close(w, '}');
}


/* what asks for nothing can be left out without a word */

static unsigned
genai_gcw_is_nothing(genai_chat_t *chat, const genai_value_t *v)
{
    genai_str_t  text;

    return !genai_value_is_string(v)
           && genai_value_decode(chat, v, &text) == 0
           && (genai_str_is(&text, "false") || genai_str_is(&text, "0")
               || genai_str_is(&text, "0.0") || genai_str_is(&text, "{}"));
}
