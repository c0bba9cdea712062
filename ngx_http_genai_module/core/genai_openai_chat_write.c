/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writes OpenAI's chat completions from what another dialect has asked for.
 * The order of members is fixed, as providers' prompt caches depend on it:
 * what is the same in every turn of a conversation stands first.
 *
 * Where servers of this dialect differ, that is written which most of them
 * take: "system" for instructions, a string for what is text alone.
 */


#include "genai_openai_chat_int.h"
#include "genai_tool_name.h"


static int genai_openai_write_message(genai_chat_t *chat,
    const genai_message_t *m, genai_writer_t *w);
static int genai_openai_write_user(genai_chat_t *chat,
    const genai_message_t *m, genai_writer_t *w);
static int genai_openai_write_result(genai_chat_t *chat,
    const genai_part_t *result, genai_writer_t *w);
static int genai_openai_write_assistant(genai_chat_t *chat,
    const genai_message_t *m, genai_writer_t *w);
static void genai_openai_write_texts(const genai_part_t *part,
    genai_part_e kind, const char *between, genai_writer_t *w);
static int genai_openai_write_part(genai_chat_t *chat,
    const genai_part_t *part, genai_writer_t *w);
static void genai_openai_write_data(const genai_part_t *part,
    const char *otherwise, genai_writer_t *w);
static void genai_openai_write_call(genai_chat_t *chat,
    const genai_part_t *part, genai_writer_t *w);
static unsigned genai_openai_write_tools(genai_chat_t *chat,
    genai_writer_t *w);
static void genai_openai_write_choice(genai_chat_t *chat, genai_writer_t *w);
static void genai_openai_write_format(genai_chat_t *chat, genai_writer_t *w);
static void genai_openai_write_thinking(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_writer_t *w);
static int genai_openai_write_options(genai_chat_t *chat,
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
genai_openai_write_chat(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w)
{
    int                     rc;
    const genai_message_t  *m;

    genai_writer_open(w, '{');
    genai_writer_name(w, "model");
    genai_writer_string(w, &to->model);

    if (genai_openai_write_tools(chat, w)) {
        genai_openai_write_choice(chat, w);

        if (chat->parallel >= 0) {
            genai_writer_name(w, "parallel_tool_calls");
            genai_writer_literal(w, chat->parallel ? "true" : "false");
        }
    }

    genai_openai_write_format(chat, w);

    genai_writer_name(w, "messages");
    genai_writer_open(w, '[');

    for (m = chat->messages; m; m = m->next) {

        rc = genai_openai_write_message(chat, m, w);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    genai_writer_close(w, ']');

    genai_openai_write_thinking(chat, to, w);

    rc = genai_openai_write_options(chat, to, w);

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    genai_writer_close(w, '}');

    return genai_writer_flush(w) == 0 ? GENAI_CHAT_OK : GENAI_CHAT_NO_MEMORY;
}


static int
genai_openai_write_message(genai_chat_t *chat, const genai_message_t *m,
    genai_writer_t *w)
{
    const genai_part_t  *part;

    switch (m->role) {

    case GENAI_ROLE_USER:
        return genai_openai_write_user(chat, m, w);

    case GENAI_ROLE_ASSISTANT:
        return genai_openai_write_assistant(chat, m, w);

    default:
        break;
    }

    for (part = m->parts; part; part = part->next) {
        if (part->kind != GENAI_PART_TEXT) {
            return genai_chat_refuse(chat, "instructions can be nothing but "
                                     "text with this model's provider");
        }
    }

    genai_writer_open(w, '{');
    genai_writer_name(w, "role");
    genai_writer_literal(w, "\"system\"");
    genai_writer_name(w, "content");
    genai_openai_write_texts(m->parts, GENAI_PART_TEXT, "\n\n", w);
    genai_writer_close(w, '}');

    return GENAI_CHAT_OK;
}


/* results stand first, each a message of its own, and then what is said */

static int
genai_openai_write_user(genai_chat_t *chat, const genai_message_t *m,
    genai_writer_t *w)
{
    int                  rc;
    unsigned             n, texts, media;
    const genai_part_t  *part, *sub;

    n = 0;
    texts = 0;
    media = 0;

    for (part = m->parts; part; part = part->next) {

        if (part->kind != GENAI_PART_RESULT) {
            n++;
            texts += (part->kind == GENAI_PART_TEXT);
            continue;
        }

        rc = genai_openai_write_result(chat, part, w);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }

        for (sub = part->parts; sub; sub = sub->next) {
            media += (sub->kind != GENAI_PART_TEXT);
        }
    }

    if (n + media == 0) {
        return GENAI_CHAT_OK;
    }

    genai_writer_open(w, '{');
    genai_writer_name(w, "role");
    genai_writer_literal(w, "\"user\"");
    genai_value_member(&m->name, w, "name");
    genai_writer_name(w, "content");

    if (n == 1 && texts == 1 && media == 0) {

        for (part = m->parts; part->kind == GENAI_PART_RESULT;
             part = part->next)
        {
            /* void */
        }

        genai_value_write_string(&part->text, w);

    } else {
        genai_writer_open(w, '[');

        /* what no result can have: a result is text */

        for (part = m->parts; part; part = part->next) {
            for (sub = (part->kind == GENAI_PART_RESULT) ? part->parts : NULL;
                 sub;
                 sub = sub->next)
            {
                if (sub->kind != GENAI_PART_TEXT) {
                    rc = genai_openai_write_part(chat, sub, w);

                    if (rc != GENAI_CHAT_OK) {
                        return rc;
                    }
                }
            }
        }

        for (part = m->parts; part; part = part->next) {

            if (part->kind == GENAI_PART_RESULT) {
                continue;
            }

            rc = genai_openai_write_part(chat, part, w);

            if (rc != GENAI_CHAT_OK) {
                return rc;
            }
        }

        genai_writer_close(w, ']');
    }

    genai_writer_close(w, '}');

    return GENAI_CHAT_OK;
}


static int
genai_openai_write_result(genai_chat_t *chat, const genai_part_t *result,
    genai_writer_t *w)
{
    genai_str_t          error = genai_str("Error: ");
    unsigned             n;
    const genai_part_t  *sub;

    (void) chat;

    genai_writer_open(w, '{');
    genai_writer_name(w, "role");
    genai_writer_literal(w, "\"tool\"");
    genai_writer_name(w, "tool_call_id");
    genai_value_write_string(&result->id, w);
    genai_writer_name(w, "content");
    genai_writer_begin(w);

    /* that it has failed can be said in no other way */

    if (result->error) {
        genai_writer_piece(w, &error);
    }

    n = 0;

    for (sub = result->parts; sub; sub = sub->next) {

        if (sub->kind != GENAI_PART_TEXT) {
            continue;
        }

        if (n++) {
            genai_writer_raw_piece(w, &(genai_str_t) genai_str("\\n"));
        }

        genai_value_piece(&sub->text, w);
    }

    genai_writer_end(w);
    genai_writer_close(w, '}');

    return GENAI_CHAT_OK;
}


static int
genai_openai_write_assistant(genai_chat_t *chat, const genai_message_t *m,
    genai_writer_t *w)
{
    unsigned             texts, refusals, calls;
    const genai_part_t  *part;

    texts = 0;
    refusals = 0;
    calls = 0;

    for (part = m->parts; part; part = part->next) {

        switch (part->kind) {

        case GENAI_PART_TEXT:
            texts++;
            break;

        case GENAI_PART_REFUSAL:
            refusals++;
            break;

        case GENAI_PART_CALL:
            calls++;
            break;

        case GENAI_PART_REASONING:

            /* those that think in this dialect do not read it again */

            genai_chat_dropped(chat, "thinking");
            break;

        case GENAI_PART_OTHER:

            /* of a tool that another provider has run for its model */

            genai_chat_dropped(chat, "server tools");
            break;

        default:
            return genai_chat_refuse(chat, "an assistant's message can have "
                                     "nothing but text and tool calls with "
                                     "this model's provider");
        }
    }

    if (texts + refusals + calls == 0) {
        return GENAI_CHAT_OK;
    }

    genai_writer_open(w, '{');
    genai_writer_name(w, "role");
    genai_writer_literal(w, "\"assistant\"");
    genai_value_member(&m->name, w, "name");
    genai_writer_name(w, "content");

    if (texts) {
        genai_openai_write_texts(m->parts, GENAI_PART_TEXT, "", w);

    } else {
        genai_writer_literal(w, "null");
    }

    if (refusals) {
        genai_writer_name(w, "refusal");
        genai_openai_write_texts(m->parts, GENAI_PART_REFUSAL, "", w);
    }

    if (calls) {
        genai_writer_name(w, "tool_calls");
        genai_writer_open(w, '[');

        for (part = m->parts; part; part = part->next) {
            if (part->kind == GENAI_PART_CALL) {
                genai_openai_write_call(chat, part, w);
            }
        }

        genai_writer_close(w, ']');
    }

    genai_writer_close(w, '}');

    return GENAI_CHAT_OK;
}


static void
genai_openai_write_texts(const genai_part_t *part, genai_part_e kind,
    const char *between, genai_writer_t *w)
{
    unsigned     n;
    genai_str_t  text;

    text.data = (unsigned char *) between;
    text.len = strlen(between);

    genai_writer_begin(w);

    for (n = 0; part; part = part->next) {

        if (part->kind != kind) {
            continue;
        }

        if (n++ && text.len) {
            genai_writer_piece(w, &text);
        }

        genai_value_piece(&part->text, w);
    }

    genai_writer_end(w);
}


static int
genai_openai_write_part(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w)
{
    const char   *format;
    genai_str_t   type;

    if (part->source == GENAI_SOURCE_ID && part->kind != GENAI_PART_TEXT) {
        return genai_chat_refuse(chat, "a file that another provider keeps "
                                 "cannot be sent: send the file itself");
    }

    switch (part->kind) {

    case GENAI_PART_TEXT:
        genai_writer_open(w, '{');
        genai_writer_name(w, "type");
        genai_writer_literal(w, "\"text\"");
        genai_writer_name(w, "text");
        genai_value_write_string(&part->text, w);
        break;

    case GENAI_PART_IMAGE:
        genai_writer_open(w, '{');
        genai_writer_name(w, "type");
        genai_writer_literal(w, "\"image_url\"");
        genai_writer_name(w, "image_url");
        genai_writer_open(w, '{');
        genai_writer_name(w, "url");
        genai_openai_write_data(part, "image/png", w);
        genai_value_member(&part->detail, w, "detail");
        genai_writer_close(w, '}');
        break;

    case GENAI_PART_AUDIO:

        if (part->source != GENAI_SOURCE_DATA) {
            return genai_chat_refuse(chat, "sound must be sent as base64 to "
                                     "this model's provider");
        }

        if (genai_value_decode(chat, &part->type, &type) != 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        format = (genai_str_is(&type, "audio/mpeg")
                  || genai_str_is(&type, "audio/mp3"))
                 ? "\"mp3\"" : "\"wav\"";

        genai_writer_open(w, '{');
        genai_writer_name(w, "type");
        genai_writer_literal(w, "\"input_audio\"");
        genai_writer_name(w, "input_audio");
        genai_writer_open(w, '{');
        genai_writer_name(w, "data");
        genai_value_write_string(&part->text, w);
        genai_writer_name(w, "format");
        genai_writer_literal(w, format);
        genai_writer_close(w, '}');
        break;

    case GENAI_PART_FILE:

        if (part->source == GENAI_SOURCE_URL) {
            return genai_chat_refuse(chat, "a document must be sent as base64 "
                                     "or text to this model's provider, not "
                                     "as a URL");
        }

        genai_writer_open(w, '{');
        genai_writer_name(w, "type");

        if (part->source == GENAI_SOURCE_TEXT) {
            genai_writer_literal(w, "\"text\"");
            genai_writer_name(w, "text");
            genai_value_write_string(&part->text, w);
            break;
        }

        genai_writer_literal(w, "\"file\"");
        genai_writer_name(w, "file");
        genai_writer_open(w, '{');
        genai_writer_name(w, "filename");

        if (part->name.kind == GENAI_VALUE_NONE) {
            genai_writer_literal(w, "\"document.pdf\"");

        } else {
            genai_value_write_string(&part->name, w);
        }

        genai_writer_name(w, "file_data");
        genai_openai_write_data(part, "application/pdf", w);
        genai_writer_close(w, '}');
        break;

    default:
        return genai_chat_refuse(chat, "a message has a part that this "
                                 "model's provider cannot be sent");
    }

    genai_writer_close(w, '}');

    return GENAI_CHAT_OK;
}


/* a URL: the part's own, or one that is made of its bytes */

static void
genai_openai_write_data(const genai_part_t *part, const char *otherwise,
    genai_writer_t *w)
{
    genai_str_t  type;

    if (part->source == GENAI_SOURCE_URL) {
        genai_value_write_string(&part->text, w);
        return;
    }

    type.data = (unsigned char *) otherwise;
    type.len = strlen(otherwise);

    genai_writer_begin(w);
    genai_writer_piece(w, &(genai_str_t) genai_str("data:"));

    if (part->type.kind == GENAI_VALUE_NONE) {
        genai_writer_piece(w, &type);

    } else {
        genai_value_piece(&part->type, w);
    }

    genai_writer_piece(w, &(genai_str_t) genai_str(";base64,"));
    genai_value_piece(&part->text, w);
    genai_writer_end(w);
}


static void
genai_openai_write_call(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w)
{
    genai_writer_open(w, '{');
    genai_writer_name(w, "id");
    genai_value_write_string(&part->id, w);
    genai_writer_name(w, "type");
    genai_writer_literal(w, part->custom ? "\"custom\"" : "\"function\"");
    genai_writer_name(w, part->custom ? "custom" : "function");
    genai_writer_open(w, '{');
    genai_tool_name_member(chat, &part->name, w);
    genai_writer_name(w, part->custom ? "input" : "arguments");

    if (part->text.kind == GENAI_VALUE_NONE && !part->custom) {
        genai_writer_literal(w, "\"{}\"");

    } else {
        genai_value_write_string(&part->text, w);
    }

    genai_writer_close(w, '}');
    genai_writer_close(w, '}');
}


/* returns how many there are */

static unsigned
genai_openai_write_tools(genai_chat_t *chat, genai_writer_t *w)
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


static void
genai_openai_write_choice(genai_chat_t *chat, genai_writer_t *w)
{
    static const char  *names[] = {
        [GENAI_CHOICE_NONE] = "\"none\"",
        [GENAI_CHOICE_AUTO] = "\"auto\"",
        [GENAI_CHOICE_ANY] = "\"required\""
    };

    switch (chat->choice) {

    case GENAI_CHOICE_UNSET:
        break;

    case GENAI_CHOICE_NAMED:
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
        genai_writer_name(w, "tool_choice");
        genai_writer_literal(w, names[chat->choice]);
        break;
    }
}


static void
genai_openai_write_format(genai_chat_t *chat, genai_writer_t *w)
{
    if (chat->format == GENAI_FORMAT_UNSET) {
        return;
    }

    genai_writer_name(w, "response_format");
    genai_writer_open(w, '{');
    genai_writer_name(w, "type");

    if (chat->format != GENAI_FORMAT_SCHEMA) {
        genai_writer_literal(w, chat->format == GENAI_FORMAT_TEXT
                                ? "\"text\"" : "\"json_object\"");
        genai_writer_close(w, '}');
        return;
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

    name.data = (unsigned char *) genai_effort_name(effort);
    name.len = strlen((char *) name.data);

    genai_writer_name(w, "reasoning_effort");
    genai_writer_string(w, &name);
}


static int
genai_openai_write_options(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w)
{
    int64_t   cap;
    unsigned  i;

    cap = chat->max_output;

    if (to->max_output >= 0 && (cap < 0 || to->max_output < cap)) {
        cap = to->max_output;
    }

    if (cap >= 0) {
        genai_writer_name(w, to->newer ? "max_completion_tokens"
                                       : "max_tokens");
        genai_writer_int(w, cap);
    }

    if (chat->nstop > GENAI_OPENAI_STOPS) {
        return genai_chat_refuse(chat, "this model's provider takes no more "
                                 "than %d stop sequences",
                                 GENAI_OPENAI_STOPS);
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

        if (genai_openai_params[i].name) {
            genai_value_member(&chat->param[i], w,
                               genai_openai_params[i].name);

        } else {
            genai_chat_drop(chat, genai_openai_params[i].dropped,
                            strlen(genai_openai_params[i].dropped));
        }
    }

    if (chat->n > 1) {
        genai_writer_name(w, "n");
        genai_writer_int(w, chat->n);
    }

    if (to->stream) {
        genai_writer_name(w, "stream");
        genai_writer_literal(w, "true");
        genai_writer_name(w, "stream_options");
        genai_writer_literal(w, "{\"include_usage\":true}");
    }

    return GENAI_CHAT_OK;
}
