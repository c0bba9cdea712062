/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writes Bedrock's requests from what another dialect has asked for.  The
 * order of members is fixed, as providers' prompt caches depend on it: what
 * is the same in every turn of a conversation stands first.
 *
 * What Converse has no member for its models take as they would from their
 * makers, in additionalModelRequestFields; whose they are is in their names.
 */


#include "genai_anthropic_chat.h"
#include "genai_bedrock_chat_int.h"
#include "genai_chat_write.h"
#include "genai_tool_name.h"

#include <stdlib.h>


typedef enum {
    GENAI_BCW_OTHER = 0,
    GENAI_BCW_ANTHROPIC,
    GENAI_BCW_AMAZON,
    GENAI_BCW_OPENAI
} genai_bcw_maker_e;


/* tools that were called, which a conversation without any is given */
#define GENAI_BCW_CALLED  64


/* what is decided before it is written */

typedef struct {
    genai_bcw_maker_e   maker;
    int64_t             max;        /* tokens of the answer; -1: not told */
    int64_t             budget;     /* tokens of thoughts; -1: not told */
    genai_effort_e      effort;
    unsigned            thinks:1;
    unsigned            off:1;      /* it is told not to think */
} genai_bcw_t;


static genai_bcw_maker_e genai_bcw_maker(const genai_str_t *model);
static unsigned genai_bcw_has(const genai_str_t *model, const char *word);
static int genai_bcw_tools(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w);
static void genai_bcw_tool(genai_chat_t *chat, const genai_tool_t *tool,
    const genai_chat_target_t *to, genai_writer_t *w);
static int genai_bcw_called(genai_chat_t *chat, genai_writer_t *w);
static void genai_bcw_choice(genai_chat_t *chat, genai_writer_t *w);
static void genai_bcw_thinking(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_bcw_t *b);
static void genai_bcw_output(genai_chat_t *chat, const genai_bcw_t *b,
    genai_writer_t *w);
static int genai_bcw_config(genai_chat_t *chat, const genai_bcw_t *b,
    genai_writer_t *w);
static int genai_bcw_temperature(genai_chat_t *chat, const genai_bcw_t *b,
    genai_writer_t *w);
static void genai_bcw_fields(genai_chat_t *chat, const genai_bcw_t *b,
    genai_writer_t *w);
static void genai_bcw_word(genai_writer_t *w, const char *name,
    const char *word);
static void genai_bcw_rest(genai_chat_t *chat, genai_writer_t *w);


/* what the dialect does not have, as clients call it */

static const struct {
    genai_param_e   param;
    const char     *name;
} genai_bcw_without[] = {
    { GENAI_PARAM_SEED, "seed" },
    { GENAI_PARAM_FREQUENCY_PENALTY, "frequency_penalty" },
    { GENAI_PARAM_PRESENCE_PENALTY, "presence_penalty" },
    { GENAI_PARAM_LOGIT_BIAS, "logit_bias" },
    { GENAI_PARAM_LOGPROBS, "logprobs" },
    { GENAI_PARAM_TOP_LOGPROBS, "top_logprobs" },
    { GENAI_PARAM_USER, "user" },
    { GENAI_PARAM_METADATA, "metadata" },
    { GENAI_PARAM_STORE, "store" },
    { GENAI_PARAM_VERBOSITY, "verbosity" },
    { GENAI_PARAM_CACHE_KEY, "prompt_cache_key" },
    { GENAI_PARAM_SAFETY_ID, "safety_identifier" },
    { GENAI_PARAM_NONE, NULL }
};


int
genai_bedrock_write_chat(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w)
{
    int          rc;
    genai_bcw_t  b;

    if (chat->n > 1) {
        return genai_chat_refuse(chat, "this model's provider gives one "
                                 "answer, not n");
    }

    memset(&b, 0, sizeof(genai_bcw_t));

    b.maker = genai_bcw_maker(&to->model);
    b.max = chat->max_output;
    b.budget = -1;

    if (to->max_output >= 0 && (b.max < 0 || to->max_output < b.max)) {
        b.max = to->max_output;
    }

    genai_bcw_thinking(chat, to, &b);

    genai_writer_open(w, '{');

    rc = genai_bcw_tools(chat, to, w);

    if (rc == GENAI_CHAT_OK) {
        rc = genai_bedrock_write_messages(chat, w);
    }

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    genai_bcw_output(chat, &b, w);

    rc = genai_bcw_config(chat, &b, w);

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    genai_bcw_fields(chat, &b, w);
    genai_bcw_rest(chat, w);
    genai_writer_close(w, '}');

    return genai_writer_flush(w) == 0 ? GENAI_CHAT_OK : GENAI_CHAT_NO_MEMORY;
}


/* "us.anthropic.claude-...", "arn:aws:...:foundation-model/amazon.nova-..." */

static genai_bcw_maker_e
genai_bcw_maker(const genai_str_t *model)
{
    return genai_bcw_has(model, "anthropic.") ? GENAI_BCW_ANTHROPIC
           : genai_bcw_has(model, "amazon.nova") ? GENAI_BCW_AMAZON
           : genai_bcw_has(model, "openai.") ? GENAI_BCW_OPENAI
           : GENAI_BCW_OTHER;
}


static unsigned
genai_bcw_has(const genai_str_t *model, const char *word)
{
    size_t  i, n;

    n = strlen(word);

    for (i = 0; i + n <= model->len; i++) {
        if (memcmp(model->data + i, word, n) == 0) {
            return 1;
        }
    }

    return 0;
}


static int
genai_bcw_tools(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w)
{
    unsigned                n, called;
    const genai_tool_t     *tool;
    const genai_part_t     *part;
    const genai_message_t  *m;

    called = 0;

    for (m = chat->messages; m; m = m->next) {
        for (part = m->parts; part; part = part->next) {
            called |= (part->kind == GENAI_PART_CALL
                       || part->kind == GENAI_PART_RESULT);
        }
    }

    /* there is no choice of none: who is told of no tool calls none */

    n = 0;

    for (tool = (chat->choice == GENAI_CHOICE_NONE && !called)
                ? NULL : chat->tools;
         tool;
         tool = tool->next)
    {
        if (tool->kind == GENAI_TOOL_SERVER
            && chat->dialect != &genai_bedrock)
        {
            genai_chat_dropped(chat, "server tools");
            continue;
        }

        if (tool->kind == GENAI_TOOL_CUSTOM) {
            return genai_chat_refuse(chat, "tools with free text as input "
                                     "cannot be sent to this model's "
                                     "provider");
        }

        if (n++ == 0) {
            genai_writer_name(w, "toolConfig");
            genai_writer_open(w, '{');
            genai_writer_name(w, "tools");
            genai_writer_open(w, '[');
        }

        genai_bcw_tool(chat, tool, to, w);
    }

    if (chat->parallel == 0) {
        genai_chat_dropped(chat, "parallel_tool_calls");
    }

    if (n == 0) {
        return called ? genai_bcw_called(chat, w) : GENAI_CHAT_OK;
    }

    genai_writer_close(w, ']');
    genai_bcw_choice(chat, w);
    genai_writer_close(w, '}');

    return GENAI_CHAT_OK;
}


static void
genai_bcw_tool(genai_chat_t *chat, const genai_tool_t *tool,
    const genai_chat_target_t *to, genai_writer_t *w)
{
    if (tool->kind == GENAI_TOOL_SERVER) {
        genai_value_write(&tool->whole, w);
        genai_bedrock_write_cache(tool->cache, w);

        return;
    }

    genai_writer_open(w, '{');
    genai_writer_name(w, "toolSpec");
    genai_writer_open(w, '{');
    genai_tool_name_member(chat, &tool->name, w);

    /* an empty one is refused */

    if (!genai_value_is_blank(&tool->description)) {
        genai_value_member(&tool->description, w, "description");
    }

    genai_writer_name(w, "inputSchema");
    genai_writer_open(w, '{');
    genai_writer_name(w, "json");
    genai_chat_write_schema(&tool->schema, w);
    genai_writer_close(w, '}');

    if (tool->strict == 1) {

        if (to->newer) {
            genai_writer_name(w, "strict");
            genai_writer_literal(w, "true");

        } else {
            genai_chat_dropped(chat, "strict");
        }
    }

    genai_writer_close(w, '}');
    genai_writer_close(w, '}');
    genai_bedrock_write_cache(tool->cache, w);
}


/*
 * A conversation with calls must have tools: where it has none any more they
 * are those that were called, each once, of which nothing else is known.
 */

static int
genai_bcw_called(genai_chat_t *chat, genai_writer_t *w)
{
    unsigned                i, n;
    genai_str_t             name, names[GENAI_BCW_CALLED];
    const genai_part_t     *part;
    const genai_message_t  *m;

    n = 0;

    for (m = chat->messages; m; m = m->next) {

        for (part = m->parts; part; part = part->next) {

            if (part->kind != GENAI_PART_CALL) {
                continue;
            }

            if (genai_value_decode(chat, &part->name, &name) != 0) {
                return GENAI_CHAT_NO_MEMORY;
            }

            for (i = 0; i < n; i++) {
                if (names[i].len == name.len
                    && genai_same(names[i].data, name.data, name.len))
                {
                    break;
                }
            }

            if (i < n || n == GENAI_BCW_CALLED) {
                continue;
            }

            names[n] = name;

            if (n++ == 0) {
                genai_writer_name(w, "toolConfig");
                genai_writer_open(w, '{');
                genai_writer_name(w, "tools");
                genai_writer_open(w, '[');
            }

            genai_writer_open(w, '{');
            genai_writer_name(w, "toolSpec");
            genai_writer_open(w, '{');

            genai_tool_name_member(chat, &part->name, w);
            genai_writer_name(w, "inputSchema");
            genai_writer_literal(w, "{\"json\":{\"type\":\"object\"}}");
            genai_writer_close(w, '}');
            genai_writer_close(w, '}');
        }
    }

    if (n) {
        genai_writer_close(w, ']');
        genai_writer_close(w, '}');
    }

    return GENAI_CHAT_OK;
}


static void
genai_bcw_choice(genai_chat_t *chat, genai_writer_t *w)
{
    switch (chat->choice) {

    case GENAI_CHOICE_NONE:
        genai_chat_dropped(chat, "tool_choice");
        break;

    case GENAI_CHOICE_AUTO:
        genai_writer_name(w, "toolChoice");
        genai_writer_literal(w, "{\"auto\":{}}");
        break;

    case GENAI_CHOICE_ANY:
        genai_writer_name(w, "toolChoice");
        genai_writer_literal(w, "{\"any\":{}}");
        break;

    case GENAI_CHOICE_NAMED:
        genai_writer_name(w, "toolChoice");
        genai_writer_open(w, '{');
        genai_writer_name(w, "tool");
        genai_writer_open(w, '{');
        genai_tool_name_member(chat, &chat->choice_name, w);
        genai_writer_close(w, '}');
        genai_writer_close(w, '}');
        break;

    default:
        break;
    }
}


static void
genai_bcw_thinking(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_bcw_t *b)
{
    int64_t         max;
    genai_effort_e  effort;

    effort = chat->effort;

    if (effort == GENAI_EFFORT_UNSET && chat->thinking < 0) {
        return;
    }

    if (effort == GENAI_EFFORT_NONE
        || (effort == GENAI_EFFORT_UNSET && chat->thinking == 0))
    {
        b->off = to->thinks;
        return;
    }

    if (b->maker == GENAI_BCW_OTHER
        || (b->maker == GENAI_BCW_ANTHROPIC
            ? !genai_anthropic_may_think(chat, to, &genai_bedrock)
            : !to->thinks))
    {
        genai_chat_dropped(chat, "thinking");
        return;
    }

    if (b->maker == GENAI_BCW_ANTHROPIC && !to->newer) {

        max = (b->max >= 0) ? b->max : to->max_default > 0 ? to->max_default
                                                           : 4096;
        b->budget = genai_anthropic_budget(chat, to, &max);

        if (b->budget < 0) {
            genai_chat_dropped(chat, "thinking");
            return;
        }

        b->max = max;
        b->thinks = 1;

        return;
    }

    if (effort == GENAI_EFFORT_UNSET) {
        effort = genai_effort_of_tokens(chat->thinking);
    }

    b->thinks = 1;
    b->effort = (effort == GENAI_EFFORT_DYNAMIC) ? GENAI_EFFORT_UNSET
                : (effort == GENAI_EFFORT_MINIMAL) ? GENAI_EFFORT_LOW
                : effort;

    if (b->maker != GENAI_BCW_ANTHROPIC && b->effort > GENAI_EFFORT_HIGH) {
        b->effort = GENAI_EFFORT_HIGH;
    }
}


static void
genai_bcw_output(genai_chat_t *chat, const genai_bcw_t *b, genai_writer_t *w)
{
    unsigned  effort;

    if (chat->format == GENAI_FORMAT_JSON) {

        /* who asks for it must also ask the model, in words */

        genai_chat_dropped(chat, "response_format");
    }

    effort = (b->maker == GENAI_BCW_ANTHROPIC
              && b->effort != GENAI_EFFORT_UNSET);

    if (!effort && chat->format != GENAI_FORMAT_SCHEMA) {
        return;
    }

    genai_writer_name(w, "outputConfig");
    genai_writer_open(w, '{');

    if (chat->format == GENAI_FORMAT_SCHEMA) {
        genai_writer_name(w, "textFormat");
        genai_writer_open(w, '{');
        genai_writer_name(w, "type");
        genai_writer_literal(w, "\"json_schema\"");
        genai_writer_name(w, "structure");
        genai_writer_open(w, '{');
        genai_writer_name(w, "jsonSchema");
        genai_writer_open(w, '{');

        /* a string that is its JSON */

        genai_writer_name(w, "schema");

        if (chat->format_schema.kind == GENAI_VALUE_NONE) {
            genai_writer_literal(w, "\"{}\"");

        } else {
            genai_value_write_string(&chat->format_schema, w);
        }

        genai_value_member(&chat->format_name, w, "name");
        genai_value_member(&chat->format_description, w, "description");
        genai_writer_close(w, '}');
        genai_writer_close(w, '}');
        genai_writer_close(w, '}');
    }

    if (effort) {
        genai_bcw_word(w, "effort", genai_effort_name(b->effort));
    }

    genai_writer_close(w, '}');
}


static int
genai_bcw_config(genai_chat_t *chat, const genai_bcw_t *b, genai_writer_t *w)
{
    int       rc;
    unsigned  i;

    if (b->max < 0 && chat->nstop == 0
        && chat->param[GENAI_PARAM_TEMPERATURE].kind == GENAI_VALUE_NONE
        && chat->param[GENAI_PARAM_TOP_P].kind == GENAI_VALUE_NONE)
    {
        return GENAI_CHAT_OK;
    }

    genai_writer_name(w, "inferenceConfig");
    genai_writer_open(w, '{');

    if (b->max >= 0) {
        genai_writer_name(w, "maxTokens");
        genai_writer_int(w, b->max > 0 ? b->max : 1);
    }

    rc = genai_bcw_temperature(chat, b, w);

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    if (chat->nstop) {
        genai_writer_name(w, "stopSequences");
        genai_writer_open(w, '[');

        for (i = 0; i < chat->nstop; i++) {
            genai_value_write_string(&chat->stop[i], w);
        }

        genai_writer_close(w, ']');
    }

    genai_writer_close(w, '}');

    return GENAI_CHAT_OK;
}


/* newer ones of Anthropic's refuse both at a time, and thoughts either */

static int
genai_bcw_temperature(genai_chat_t *chat, const genai_bcw_t *b,
    genai_writer_t *w)
{
    char                  number[32];
    unsigned              thinks;
    genai_str_t           text;
    const genai_value_t  *v, *p;

    v = &chat->param[GENAI_PARAM_TEMPERATURE];
    p = &chat->param[GENAI_PARAM_TOP_P];
    thinks = (b->thinks && b->maker == GENAI_BCW_ANTHROPIC);

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

    if (p->kind != GENAI_VALUE_NONE) {

        if (thinks || (b->maker == GENAI_BCW_ANTHROPIC
                       && v->kind != GENAI_VALUE_NONE))
        {
            genai_chat_dropped(chat, "top_p");

        } else {
            genai_value_member(p, w, "topP");
        }
    }

    return GENAI_CHAT_OK;
}


/* what is for the model, in the words of who made it */

static void
genai_bcw_fields(genai_chat_t *chat, const genai_bcw_t *b, genai_writer_t *w)
{
    unsigned              top, think;
    const genai_value_t  *k;

    k = &chat->param[GENAI_PARAM_TOP_K];

    top = (k->kind != GENAI_VALUE_NONE
           && ((b->maker == GENAI_BCW_ANTHROPIC && !b->thinks)
               || b->maker == GENAI_BCW_AMAZON));

    if (k->kind != GENAI_VALUE_NONE && !top) {
        genai_chat_dropped(chat, "top_k");
    }

    think = (b->maker != GENAI_BCW_OTHER
             && (b->off || (b->thinks
                            && (b->maker != GENAI_BCW_OPENAI
                                || b->effort != GENAI_EFFORT_UNSET))));

    if (b->maker == GENAI_BCW_OPENAI && b->off) {

        /* these cannot be told not to */

        genai_chat_dropped(chat, "thinking");
        think = 0;
    }

    if (!top && !think) {
        return;
    }

    genai_writer_name(w, "additionalModelRequestFields");
    genai_writer_open(w, '{');

    if (think && b->maker == GENAI_BCW_OPENAI) {
        genai_bcw_word(w, "reasoning_effort", genai_effort_name(b->effort));

    } else if (think) {
        genai_writer_name(w, b->maker == GENAI_BCW_ANTHROPIC
                             ? "thinking" : "reasoningConfig");
        genai_writer_open(w, '{');
        genai_bcw_word(w, "type",
                       b->off ? "disabled"
                       : (b->maker == GENAI_BCW_AMAZON || b->budget >= 0)
                         ? "enabled" : "adaptive");

        if (b->budget >= 0) {
            genai_writer_name(w, "budget_tokens");
            genai_writer_int(w, b->budget);
        }

        if (b->maker == GENAI_BCW_AMAZON && !b->off) {
            genai_bcw_word(w, "maxReasoningEffort",
                           b->effort == GENAI_EFFORT_UNSET
                           ? "medium" : genai_effort_name(b->effort));
        }

        genai_writer_close(w, '}');
    }

    if (top && b->maker == GENAI_BCW_ANTHROPIC) {
        genai_value_member(k, w, "top_k");

    } else if (top) {
        genai_writer_name(w, "inferenceConfig");
        genai_writer_open(w, '{');
        genai_value_member(k, w, "topK");
        genai_writer_close(w, '}');
    }

    genai_writer_close(w, '}');
}


static void
genai_bcw_word(genai_writer_t *w, const char *name, const char *word)
{
    genai_writer_name(w, name);
    genai_writer_string(w, &(genai_str_t) { strlen(word),
                                            (unsigned char *) word });
}


static void
genai_bcw_rest(genai_chat_t *chat, genai_writer_t *w)
{
    size_t          i;
    genai_value_t  *v;

    v = &chat->param[GENAI_PARAM_SERVICE_TIER];

    if (v->kind != GENAI_VALUE_NONE) {

        if (genai_value_is(chat, v, "default")
            || genai_value_is(chat, v, "flex")
            || genai_value_is(chat, v, "priority"))
        {
            genai_writer_name(w, "serviceTier");
            genai_writer_open(w, '{');
            genai_value_member(v, w, "type");
            genai_writer_close(w, '}');

        } else if (!genai_value_is(chat, v, "auto")) {
            genai_chat_dropped(chat, "service_tier");
        }
    }

    for (i = 0; genai_bcw_without[i].name; i++) {

        v = &chat->param[genai_bcw_without[i].param];

        if (v->kind != GENAI_VALUE_NONE && !genai_value_is_nothing(chat, v)) {
            genai_chat_drop(chat, genai_bcw_without[i].name,
                            strlen(genai_bcw_without[i].name));
        }
    }
}
