/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writes what OpenAI's chat completions have beside messages: tools, the form
 * of the answer, and the parameters, by whose quirks it is for.
 */


#include "genai_openai_chat_int.h"
#include "genai_quirks.h"
#include "genai_tool_name.h"


static unsigned genai_openai_write_list(genai_chat_t *chat,
    genai_writer_t *w);
static int genai_openai_write_choice(genai_chat_t *chat, genai_writer_t *w);
static int genai_openai_write_format(genai_chat_t *chat, genai_writer_t *w);
static void genai_openai_write_thinking(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_writer_t *w);


/* OpenAI takes four */
#define GENAI_OPENAI_STOPS  4


/* those that it does not have are NULL, and dropped by the other name */

static const struct {
    const char  *name;
    const char  *dropped;
} genai_openai_params[GENAI_PARAM_LAST] = {
    [GENAI_PARAM_TEMPERATURE] = { "temperature", NULL },
    [GENAI_PARAM_TOP_P] = { "top_p", NULL },
    [GENAI_PARAM_TOP_K] = { NULL, "top_k" },
    [GENAI_PARAM_SEED] = { "seed", NULL },
    [GENAI_PARAM_FREQUENCY_PENALTY] = { "frequency_penalty", NULL },
    [GENAI_PARAM_PRESENCE_PENALTY] = { "presence_penalty", NULL },
    [GENAI_PARAM_LOGIT_BIAS] = { "logit_bias", NULL },
    [GENAI_PARAM_LOGPROBS] = { "logprobs", NULL },
    [GENAI_PARAM_TOP_LOGPROBS] = { "top_logprobs", NULL },
    [GENAI_PARAM_USER] = { "user", NULL },
    [GENAI_PARAM_METADATA] = { "metadata", NULL },
    [GENAI_PARAM_SERVICE_TIER] = { NULL, "service_tier" },
    [GENAI_PARAM_STORE] = { "store", NULL },
    [GENAI_PARAM_VERBOSITY] = { "verbosity", NULL },
    [GENAI_PARAM_CACHE_KEY] = { "prompt_cache_key", NULL },
    [GENAI_PARAM_SAFETY_ID] = { "safety_identifier", NULL }
};


int
genai_openai_write_tools(genai_chat_t *chat, genai_writer_t *w)
{
    int  rc;

    if (genai_openai_write_list(chat, w)) {

        rc = genai_openai_write_choice(chat, w);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }

        if (chat->parallel >= 0
            && genai_quirks_refuses(chat->quirks, "parallel_tool_calls"))
        {
            genai_chat_dropped(chat, "parallel_tool_calls");

        } else if (chat->parallel >= 0) {
            genai_writer_name(w, "parallel_tool_calls");
            genai_writer_literal(w, chat->parallel ? "true" : "false");
        }
    }

    return genai_openai_write_format(chat, w);
}


/* returns how many there are */

static unsigned
genai_openai_write_list(genai_chat_t *chat, genai_writer_t *w)
{
    unsigned             n, custom;
    const genai_tool_t  *tool;

    n = 0;

    for (tool = chat->tools; tool; tool = tool->next) {

        if (tool->kind == GENAI_TOOL_SERVER) {
            genai_chat_dropped(chat, "server tools");
            continue;
        }

        custom = (tool->kind == GENAI_TOOL_CUSTOM);

        if (n++ == 0) {
            genai_writer_name(w, "tools");
            genai_writer_open(w, '[');
        }

        genai_writer_open(w, '{');
        genai_writer_name(w, "type");
        genai_writer_literal(w, custom ? "\"custom\"" : "\"function\"");
        genai_writer_name(w, custom ? "custom" : "function");
        genai_writer_open(w, '{');
        genai_tool_name_member(chat, &tool->name, w);
        genai_value_member(&tool->description, w, "description");

        if (custom) {
            genai_value_member(&tool->format, w, "format");

        } else {
            genai_writer_name(w, "parameters");

            if (tool->schema.kind == GENAI_VALUE_NONE) {
                genai_writer_literal(w,
                                     "{\"type\":\"object\",\"properties\":{}}");

            } else {
                genai_value_write(&tool->schema, w);
            }

            if (tool->strict >= 0) {
                genai_writer_name(w, "strict");
                genai_writer_literal(w, tool->strict ? "true" : "false");
            }
        }

        genai_writer_close(w, '}');
        genai_writer_close(w, '}');
    }

    if (n) {
        genai_writer_close(w, ']');
    }

    return n;
}


static int
genai_openai_write_choice(genai_chat_t *chat, genai_writer_t *w)
{
    const char  *name;

    static const char  *names[] = {
        [GENAI_CHOICE_NONE] = "\"none\"",
        [GENAI_CHOICE_AUTO] = "\"auto\"",
        [GENAI_CHOICE_ANY] = "\"required\""
    };

    switch (chat->choice) {

    case GENAI_CHOICE_UNSET:
        break;

    case GENAI_CHOICE_NAMED:

        if (chat->quirks && chat->quirks->unnamed) {
            return genai_chat_refuse(chat, "this model's provider cannot be "
                                     "told which function to call");
        }

        genai_writer_name(w, "tool_choice");
        genai_writer_open(w, '{');
        genai_writer_name(w, "type");
        genai_writer_literal(w, "\"function\"");
        genai_writer_name(w, "function");
        genai_writer_open(w, '{');
        genai_tool_name_member(chat, &chat->choice_name, w);
        genai_writer_close(w, '}');
        genai_writer_close(w, '}');
        break;

    default:
        name = names[chat->choice];

        if (chat->choice == GENAI_CHOICE_ANY && chat->quirks
            && chat->quirks->any)
        {
            name = "\"any\"";
        }

        genai_writer_name(w, "tool_choice");
        genai_writer_literal(w, name);
        break;
    }

    return GENAI_CHAT_OK;
}


static int
genai_openai_write_format(genai_chat_t *chat, genai_writer_t *w)
{
    if (chat->format == GENAI_FORMAT_UNSET) {
        return GENAI_CHAT_OK;
    }

    genai_writer_name(w, "response_format");
    genai_writer_open(w, '{');
    genai_writer_name(w, "type");

    if (chat->format != GENAI_FORMAT_SCHEMA) {
        genai_writer_literal(w, chat->format == GENAI_FORMAT_TEXT
                                ? "\"text\"" : "\"json_object\"");
        genai_writer_close(w, '}');
        return GENAI_CHAT_OK;
    }

    if (chat->quirks && chat->quirks->schemaless) {
        return genai_chat_refuse(chat, "this model's provider has no answers "
                                 "by a JSON schema");
    }

    genai_writer_literal(w, "\"json_schema\"");
    genai_writer_name(w, "json_schema");
    genai_writer_open(w, '{');
    genai_writer_name(w, "name");

    if (chat->format_name.kind == GENAI_VALUE_NONE) {
        genai_writer_literal(w, "\"answer\"");

    } else {
        genai_value_write_string(&chat->format_name, w);
    }

    genai_value_member(&chat->format_description, w, "description");
    genai_value_member(&chat->format_schema, w, "schema");

    if (chat->format_strict >= 0) {
        genai_writer_name(w, "strict");
        genai_writer_literal(w, chat->format_strict ? "true" : "false");
    }

    genai_writer_close(w, '}');
    genai_writer_close(w, '}');

    return GENAI_CHAT_OK;
}


/* a model that does not think refuses to be told how much */

static void
genai_openai_write_thinking(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w)
{
    genai_str_t     name;
    genai_effort_e  effort;

    effort = chat->effort;

    if (effort == GENAI_EFFORT_UNSET && chat->thinking >= 0) {
        effort = genai_effort_of_tokens(chat->thinking);
    }

    if (effort == GENAI_EFFORT_UNSET || effort == GENAI_EFFORT_DYNAMIC) {
        return;
    }

    if (!to->thinks) {

        if (effort != GENAI_EFFORT_NONE) {
            genai_chat_dropped(chat, "thinking");
        }

        return;
    }

    if (effort == GENAI_EFFORT_MAX) {
        effort = GENAI_EFFORT_XHIGH;
    }

    if (chat->quirks && chat->quirks->high && effort != GENAI_EFFORT_NONE) {
        effort = GENAI_EFFORT_HIGH;
    }

    name.data = (unsigned char *) genai_effort_name(effort);
    name.len = strlen((char *) name.data);

    genai_writer_name(w, "reasoning_effort");
    genai_writer_string(w, &name);
}


int
genai_openai_write_options(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w)
{
    int                    use;
    int64_t                cap;
    unsigned               i, newer, stops;
    const char            *name;
    const genai_quirks_t  *q;

    genai_openai_write_thinking(chat, to, w);

    q = chat->quirks;
    newer = to->newer && (q == NULL || q->cap != GENAI_CAP_OLD);
    stops = (q && q->stops) ? q->stops : GENAI_OPENAI_STOPS;
    cap = chat->max_output;

    if (to->max_output >= 0 && (cap < 0 || to->max_output < cap)) {
        cap = to->max_output;
    }

    if (cap >= 0) {
        genai_writer_name(w, newer ? "max_completion_tokens" : "max_tokens");
        genai_writer_int(w, cap);
    }

    if (chat->nstop > stops) {
        return genai_chat_refuse(chat, "this model's provider takes no more "
                                 "than %u stop sequences", stops);
    }

    if (chat->nstop) {
        genai_writer_name(w, "stop");
        genai_writer_open(w, '[');

        for (i = 0; i < chat->nstop; i++) {
            genai_value_write_string(&chat->stop[i], w);
        }

        genai_writer_close(w, ']');
    }

    for (i = GENAI_PARAM_NONE + 1; i < GENAI_PARAM_LAST; i++) {

        if (chat->param[i].kind == GENAI_VALUE_NONE) {
            continue;
        }

        name = genai_openai_params[i].name;

        if (i == GENAI_PARAM_TOP_K && q && q->top_k) {
            name = genai_openai_params[i].dropped;
        }

        if (name == NULL) {
            genai_chat_drop(chat, genai_openai_params[i].dropped,
                            strlen(genai_openai_params[i].dropped));
            continue;
        }

        use = genai_quirks_refuses(q, name) ? GENAI_CHAT_LEFT_OUT
              : genai_chat_param_use(chat, to, i);

        if (use < 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        if (use == GENAI_CHAT_LEFT_OUT) {
            genai_chat_drop(chat, name, strlen(name));

        } else if (use == GENAI_CHAT_KEPT) {
            genai_value_member(&chat->param[i], w,
                               (i == GENAI_PARAM_SEED && q && q->seed.len)
                               ? (char *) q->seed.data : name);
        }
    }

    if (chat->n > 1) {

        if (q && q->one) {
            return genai_chat_refuse(chat, "this model's provider gives one "
                                     "answer, \"n\" cannot be more");
        }

        genai_writer_name(w, "n");
        genai_writer_int(w, chat->n);
    }

    if (to->stream) {
        genai_writer_name(w, "stream");
        genai_writer_literal(w, "true");

        if (!to->untold) {
            genai_writer_name(w, "stream_options");
            genai_writer_literal(w, "{\"include_usage\":true}");
        }
    }

    return GENAI_CHAT_OK;
}
