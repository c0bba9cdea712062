/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writes Anthropic's requests from what another dialect has asked for.  The
 * order of members is fixed, as providers' prompt caches depend on it: what
 * is the same in every turn of a conversation stands first.
 */


#include "genai_anthropic_chat_int.h"
#include "genai_chat_write.h"

#include <stdlib.h>


static int genai_acw_tools(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w, unsigned *n);
static void genai_acw_tool(genai_chat_t *chat, const genai_tool_t *tool,
    const genai_chat_target_t *to, genai_writer_t *w);
static void genai_acw_choice(genai_chat_t *chat, genai_writer_t *w);
static int64_t genai_acw_max(genai_chat_t *chat,
    const genai_chat_target_t *to);
static unsigned genai_acw_thinking(genai_chat_t *chat,
    const genai_chat_target_t *to, int64_t *max, genai_writer_t *w,
    genai_effort_e *effort);
static void genai_acw_config(genai_chat_t *chat, genai_effort_e effort,
    genai_writer_t *w);
static int genai_acw_params(genai_chat_t *chat, unsigned thinks,
    genai_writer_t *w);


/* tokens of an answer where nobody tells how many it may have */
#define GENAI_ANTHROPIC_MAX       4096

/* the least that may be thought */
#define GENAI_ANTHROPIC_THOUGHT   1024


/* what the dialect does not have, as clients call it */

static const struct {
    genai_param_e   param;
    const char     *name;
} genai_acw_without[] = {
    { GENAI_PARAM_SEED, "seed" },
    { GENAI_PARAM_FREQUENCY_PENALTY, "frequency_penalty" },
    { GENAI_PARAM_PRESENCE_PENALTY, "presence_penalty" },
    { GENAI_PARAM_LOGIT_BIAS, "logit_bias" },
    { GENAI_PARAM_LOGPROBS, "logprobs" },
    { GENAI_PARAM_TOP_LOGPROBS, "top_logprobs" },
    { GENAI_PARAM_METADATA, "metadata" },
    { GENAI_PARAM_STORE, "store" },
    { GENAI_PARAM_VERBOSITY, "verbosity" },
    { GENAI_PARAM_CACHE_KEY, "prompt_cache_key" },
    { GENAI_PARAM_NONE, NULL }
};


int
genai_anthropic_write_chat(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w)
{
    int             rc;
    int64_t         max;
    unsigned        i, n, thinks;
    genai_effort_e  effort;

    if (chat->n > 1) {
        return genai_chat_refuse(chat, "this model's provider gives one "
                                 "answer, not n");
    }

    genai_writer_open(w, '{');

    if (to->vertex) {
        genai_writer_name(w, "anthropic_version");
        genai_writer_raw(w, &genai_anthropic.vertex_value);

    } else {
        genai_writer_name(w, "model");
        genai_writer_string(w, &to->model);
    }

    rc = genai_acw_tools(chat, to, w, &n);

    if (rc == GENAI_CHAT_OK && n) {
        genai_acw_choice(chat, w);
    }

    if (rc == GENAI_CHAT_OK) {
        rc = genai_anthropic_write_messages(chat, w);
    }

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    max = genai_acw_max(chat, to);
    thinks = genai_acw_thinking(chat, to, &max, w, &effort);

    genai_acw_config(chat, effort, w);

    genai_writer_name(w, "max_tokens");
    genai_writer_int(w, max);

    if (chat->nstop) {
        genai_writer_name(w, "stop_sequences");
        genai_writer_open(w, '[');

        for (i = 0; i < chat->nstop; i++) {
            genai_value_write_string(&chat->stop[i], w);
        }

        genai_writer_close(w, ']');
    }

    rc = genai_acw_params(chat, thinks, w);

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    if (to->stream) {
        genai_writer_name(w, "stream");
        genai_writer_literal(w, "true");
    }

    genai_writer_close(w, '}');

    return genai_writer_flush(w) == 0 ? GENAI_CHAT_OK : GENAI_CHAT_NO_MEMORY;
}


static int
genai_acw_tools(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w, unsigned *n)
{
    const genai_tool_t  *tool;

    *n = 0;

    for (tool = chat->tools; tool; tool = tool->next) {

        if (tool->kind == GENAI_TOOL_SERVER
            && chat->dialect != &genai_anthropic)
        {
            genai_chat_dropped(chat, "server tools");
            continue;
        }

        if (tool->kind == GENAI_TOOL_CUSTOM) {
            return genai_chat_refuse(chat, "tools with free text as input "
                                     "cannot be sent to this model's "
                                     "provider");
        }

        if ((*n)++ == 0) {
            genai_writer_name(w, "tools");
            genai_writer_open(w, '[');
        }

        if (tool->kind == GENAI_TOOL_SERVER) {
            genai_value_write(&tool->whole, w);
            continue;
        }

        genai_acw_tool(chat, tool, to, w);
    }

    if (*n) {
        genai_writer_close(w, ']');
    }

    return GENAI_CHAT_OK;
}


static void
genai_acw_tool(genai_chat_t *chat, const genai_tool_t *tool,
    const genai_chat_target_t *to, genai_writer_t *w)
{
    genai_writer_open(w, '{');
    genai_tool_name_member(chat, &tool->name, w);
    genai_value_member(&tool->description, w, "description");
    genai_writer_name(w, "input_schema");
    genai_chat_write_schema(&tool->schema, w);

    if (tool->strict == 1) {

        if (to->newer) {
            genai_writer_name(w, "strict");
            genai_writer_literal(w, "true");

        } else {
            genai_chat_dropped(chat, "strict");
        }
    }

    genai_anthropic_write_cache(tool->cache, w);
    genai_writer_close(w, '}');
}


static void
genai_acw_choice(genai_chat_t *chat, genai_writer_t *w)
{
    genai_choice_e  choice;

    static const char  *types[] = {
        [GENAI_CHOICE_NONE] = "\"none\"",
        [GENAI_CHOICE_AUTO] = "\"auto\"",
        [GENAI_CHOICE_ANY] = "\"any\"",
        [GENAI_CHOICE_NAMED] = "\"tool\""
    };

    choice = chat->choice;

    if (choice == GENAI_CHOICE_UNSET) {

        if (chat->parallel != 0) {
            return;
        }

        choice = GENAI_CHOICE_AUTO;
    }

    genai_writer_name(w, "tool_choice");
    genai_writer_open(w, '{');
    genai_writer_name(w, "type");
    genai_writer_literal(w, types[choice]);

    if (choice == GENAI_CHOICE_NAMED) {
        genai_tool_name_member(chat, &chat->choice_name, w);
    }

    if (chat->parallel == 0 && choice != GENAI_CHOICE_NONE) {
        genai_writer_name(w, "disable_parallel_tool_use");
        genai_writer_literal(w, "true");
    }

    genai_writer_close(w, '}');
}


/* the dialect must be told how long an answer may be */

static int64_t
genai_acw_max(genai_chat_t *chat, const genai_chat_target_t *to)
{
    int64_t  max;

    max = chat->max_output;

    if (to->max_output >= 0 && (max < 0 || to->max_output < max)) {
        max = to->max_output;
    }

    if (max < 0) {
        max = (to->max_default > 0) ? to->max_default : GENAI_ANTHROPIC_MAX;
    }

    return max > 0 ? max : 1;
}


/*
 * Newer models are told an effort and think as they see fit; others are told
 * how many tokens, which are a part of max_tokens.  Returns 1 where they will
 * think; *effort is what is to be told of it.
 */

static unsigned
genai_acw_thinking(genai_chat_t *chat, const genai_chat_target_t *to,
    int64_t *max, genai_writer_t *w, genai_effort_e *effort)
{
    int64_t         tokens;
    genai_effort_e  asked;

    *effort = GENAI_EFFORT_UNSET;
    asked = chat->effort;

    if (asked == GENAI_EFFORT_UNSET && chat->thinking < 0) {
        return 0;
    }

    if (asked == GENAI_EFFORT_NONE
        || (asked == GENAI_EFFORT_UNSET && chat->thinking == 0))
    {
        if (to->thinks) {
            genai_writer_name(w, "thinking");
            genai_writer_literal(w, "{\"type\":\"disabled\"}");
        }

        return 0;
    }

    if (!genai_anthropic_may_think(chat, to, &genai_anthropic)) {
        genai_chat_dropped(chat, "thinking");
        return 0;
    }

    if (to->newer) {

        if (asked == GENAI_EFFORT_UNSET) {
            asked = genai_effort_of_tokens(chat->thinking);
        }

        *effort = (asked == GENAI_EFFORT_DYNAMIC) ? GENAI_EFFORT_UNSET
                  : (asked == GENAI_EFFORT_MINIMAL) ? GENAI_EFFORT_LOW
                  : asked;

        genai_writer_name(w, "thinking");
        genai_writer_open(w, '{');
        genai_writer_name(w, "type");
        genai_writer_literal(w, "\"adaptive\"");

        if (chat->show_thoughts >= 0) {
            genai_writer_name(w, "display");
            genai_writer_literal(w, chat->show_thoughts ? "\"summarized\""
                                                        : "\"omitted\"");
        }

        genai_writer_close(w, '}');

        return 1;
    }

    tokens = genai_anthropic_budget(chat, to, max);

    if (tokens < 0) {
        genai_chat_dropped(chat, "thinking");
        return 0;
    }

    genai_writer_name(w, "thinking");
    genai_writer_open(w, '{');
    genai_writer_name(w, "type");
    genai_writer_literal(w, "\"enabled\"");
    genai_writer_name(w, "budget_tokens");
    genai_writer_int(w, tokens);
    genai_writer_close(w, '}');

    return 1;
}


int64_t
genai_anthropic_budget(const genai_chat_t *chat,
    const genai_chat_target_t *to, int64_t *max)
{
    int64_t  tokens;

    tokens = (chat->thinking >= 0) ? chat->thinking
             : (chat->effort == GENAI_EFFORT_DYNAMIC)
               ? genai_effort_tokens(GENAI_EFFORT_MEDIUM)
             : genai_effort_tokens(chat->effort);

    if (tokens < GENAI_ANTHROPIC_THOUGHT) {
        tokens = GENAI_ANTHROPIC_THOUGHT;
    }

    /* where nobody has told a maximum, thoughts come on top */

    if (chat->max_output < 0 && tokens < INT64_MAX / 2) {
        *max += tokens;

        if (to->max_model > 0 && *max > to->max_model) {
            *max = to->max_model;
        }

        if (to->max_output >= 0 && *max > to->max_output) {
            *max = to->max_output > 0 ? to->max_output : 1;
        }
    }

    if (tokens >= *max) {
        tokens = *max - 1;
    }

    return (tokens < GENAI_ANTHROPIC_THOUGHT) ? -1 : tokens;
}


/*
 * No model thinks that must call a tool.  One that is told a budget must see
 * what it thought before it called the tools whose results it is given: who
 * has not kept that cannot have it go on thinking.
 */

unsigned
genai_anthropic_may_think(const genai_chat_t *chat,
    const genai_chat_target_t *to, const genai_dialect_t *signer)
{
    unsigned                calls, own;
    const genai_part_t     *part;
    const genai_message_t  *m;

    if (!to->thinks
        || (chat->tools && (chat->choice == GENAI_CHOICE_ANY
                            || chat->choice == GENAI_CHOICE_NAMED)))
    {
        return 0;
    }

    if (to->newer) {
        return 1;
    }

    calls = 0;
    own = 0;

    for (m = chat->messages; m; m = m->next) {

        if (m->role == GENAI_ROLE_ASSISTANT) {

            for (part = m->parts; part; part = part->next) {

                if (part->kind == GENAI_PART_CALL) {
                    calls = 1;
                }

                own |= genai_part_is_own(part, signer);
            }

        } else if (m->role == GENAI_ROLE_USER) {

            for (part = m->parts; part; part = part->next) {

                /* another turn has begun */

                if (part->kind != GENAI_PART_RESULT) {
                    calls = 0;
                    own = 0;
                }
            }
        }
    }

    return !calls || own;
}


static void
genai_acw_config(genai_chat_t *chat, genai_effort_e effort, genai_writer_t *w)
{
    genai_str_t  name;

    if (chat->format == GENAI_FORMAT_JSON) {

        /* who asks for it must also ask the model, in words */

        genai_chat_dropped(chat, "response_format");
    }

    if (effort == GENAI_EFFORT_UNSET && chat->format != GENAI_FORMAT_SCHEMA) {
        return;
    }

    genai_writer_name(w, "output_config");
    genai_writer_open(w, '{');

    if (effort != GENAI_EFFORT_UNSET) {
        name.data = (unsigned char *) genai_effort_name(effort);
        name.len = strlen((char *) name.data);

        genai_writer_name(w, "effort");
        genai_writer_string(w, &name);
    }

    if (chat->format == GENAI_FORMAT_SCHEMA) {
        genai_writer_name(w, "format");
        genai_writer_open(w, '{');
        genai_writer_name(w, "type");
        genai_writer_literal(w, "\"json_schema\"");
        genai_value_member(&chat->format_schema, w, "schema");
        genai_writer_close(w, '}');
    }

    genai_writer_close(w, '}');
}


static int
genai_acw_params(genai_chat_t *chat, unsigned thinks, genai_writer_t *w)
{
    char                  number[32];
    size_t                i;
    genai_str_t           text;
    const genai_value_t  *v, *user;

    v = &chat->param[GENAI_PARAM_TEMPERATURE];

    if (v->kind != GENAI_VALUE_NONE) {

        if (genai_value_decode(chat, v, &text) != 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        memset(number, 0, sizeof(number));
        memcpy(number, text.data, text.len < sizeof(number) - 1
                                  ? text.len : sizeof(number) - 1);

        if (thinks) {

            if (strtod(number, NULL) != 1.0) {
                genai_chat_dropped(chat, "temperature");
            }

        } else if (strtod(number, NULL) > 1.0) {
            genai_chat_dropped(chat, "temperature>1");
            genai_writer_name(w, "temperature");
            genai_writer_literal(w, "1");

        } else {
            genai_value_member(v, w, "temperature");
        }
    }

    /* newer models refuse both at a time, and thoughts either */

    if (chat->param[GENAI_PARAM_TOP_P].kind != GENAI_VALUE_NONE) {

        if (thinks || v->kind != GENAI_VALUE_NONE) {
            genai_chat_dropped(chat, "top_p");

        } else {
            genai_value_member(&chat->param[GENAI_PARAM_TOP_P], w, "top_p");
        }
    }

    if (chat->param[GENAI_PARAM_TOP_K].kind != GENAI_VALUE_NONE) {

        if (thinks) {
            genai_chat_dropped(chat, "top_k");

        } else {
            genai_value_member(&chat->param[GENAI_PARAM_TOP_K], w, "top_k");
        }
    }

    user = &chat->param[GENAI_PARAM_USER];

    if (user->kind == GENAI_VALUE_NONE) {
        user = &chat->param[GENAI_PARAM_SAFETY_ID];

    } else if (chat->param[GENAI_PARAM_SAFETY_ID].kind != GENAI_VALUE_NONE) {
        genai_chat_dropped(chat, "safety_identifier");
    }

    if (user->kind != GENAI_VALUE_NONE) {
        genai_writer_name(w, "metadata");
        genai_writer_open(w, '{');
        genai_writer_name(w, "user_id");
        genai_value_write_string(user, w);
        genai_writer_close(w, '}');
    }

    v = &chat->param[GENAI_PARAM_SERVICE_TIER];

    if (v->kind != GENAI_VALUE_NONE) {

        if (chat->dialect == &genai_anthropic) {
            genai_value_member(v, w, "service_tier");

        } else {
            genai_chat_dropped(chat, "service_tier");
        }
    }

    for (i = 0; genai_acw_without[i].name; i++) {

        v = &chat->param[genai_acw_without[i].param];

        if (v->kind != GENAI_VALUE_NONE && !genai_value_is_nothing(chat, v)) {
            genai_chat_drop(chat, genai_acw_without[i].name,
                            strlen(genai_acw_without[i].name));
        }
    }

    return GENAI_CHAT_OK;
}


void
genai_anthropic_write_cache(genai_cache_e cache, genai_writer_t *w)
{
    if (cache == GENAI_CACHE_NONE) {
        return;
    }

    genai_writer_name(w, "cache_control");
    genai_writer_literal(w, cache == GENAI_CACHE_1H
                            ? "{\"type\":\"ephemeral\",\"ttl\":\"1h\"}"
                            : "{\"type\":\"ephemeral\"}");
}
