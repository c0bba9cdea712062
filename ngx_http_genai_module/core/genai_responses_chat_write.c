/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writes the Responses API's requests from what another dialect has asked
 * for.  The order of members is fixed, as providers' prompt caches depend on
 * it.  Nothing is to be stored: what a client of another dialect has, it has.
 */


#include "genai_chat_calls.h"
#include "genai_dialect.h"
#include "genai_responses_chat_int.h"
#include "genai_tool_name.h"


static unsigned genai_rp_tools(genai_chat_t *chat, genai_writer_t *w);
static void genai_rp_choice(genai_chat_t *chat, genai_writer_t *w);
static void genai_rp_text(genai_chat_t *chat, genai_writer_t *w);
static const genai_message_t *genai_rp_instructions(genai_chat_t *chat,
    genai_writer_t *w);
static int genai_rp_message(genai_chat_t *chat, const genai_message_t *m,
    genai_writer_t *w);
static int genai_rp_assistant(genai_chat_t *chat, const genai_message_t *m,
    genai_writer_t *w);
static void genai_rp_reasoning(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w);
static void genai_rp_call(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w);
static int genai_rp_result(genai_chat_t *chat, const genai_part_t *result,
    genai_writer_t *w);
static int genai_rp_part(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w);
static void genai_rp_data(const genai_part_t *part, const char *otherwise,
    genai_writer_t *w);
static void genai_rp_thinking(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_writer_t *w);
static void genai_rp_type(genai_writer_t *w, const char *type);
static void genai_rp_bool(genai_writer_t *w, const char *name, int value);


int
genai_responses_write_chat(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w)
{
    int                     rc;
    const genai_message_t  *m;

    genai_writer_open(w, '{');
    genai_writer_name(w, "model");
    genai_writer_string(w, &to->model);

    if (genai_rp_tools(chat, w)) {
        genai_rp_choice(chat, w);

        if (chat->parallel >= 0) {
            genai_rp_bool(w, "parallel_tool_calls", chat->parallel);
        }
    }

    genai_rp_text(chat, w);

    m = genai_rp_instructions(chat, w);

    genai_writer_name(w, "input");
    genai_writer_open(w, '[');

    for ( /* void */ ; m; m = m->next) {

        rc = (m->role == GENAI_ROLE_ASSISTANT)
             ? genai_rp_assistant(chat, m, w) : genai_rp_message(chat, m, w);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    genai_writer_close(w, ']');

    genai_rp_thinking(chat, to, w);

    rc = genai_responses_write_options(chat, to, w);

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    genai_writer_close(w, '}');

    return genai_writer_flush(w) == 0 ? GENAI_CHAT_OK : GENAI_CHAT_NO_MEMORY;
}


/* returns how many there are */

static unsigned
genai_rp_tools(genai_chat_t *chat, genai_writer_t *w)
{
    unsigned             n;
    const genai_tool_t  *tool;

    n = 0;

    for (tool = chat->tools; tool; tool = tool->next) {

        if (tool->kind == GENAI_TOOL_SERVER
            && chat->dialect != &genai_responses)
        {
            genai_chat_dropped(chat, "server tools");
            continue;
        }

        if (n++ == 0) {
            genai_writer_name(w, "tools");
            genai_writer_open(w, '[');
        }

        if (tool->kind == GENAI_TOOL_SERVER) {
            genai_value_write(&tool->whole, w);
            continue;
        }

        genai_writer_open(w, '{');
        genai_rp_type(w, tool->kind == GENAI_TOOL_CUSTOM ? "custom"
                                                         : "function");
        genai_tool_name_member(chat, &tool->name, w);
        genai_value_member(&tool->description, w, "description");

        if (tool->kind == GENAI_TOOL_CUSTOM) {
            genai_value_member(&tool->format, w, "format");

        } else {
            genai_writer_name(w, "parameters");

            if (tool->schema.kind == GENAI_VALUE_NONE) {
                genai_writer_literal(w,
                                     "{\"type\":\"object\",\"properties\":{}}");

            } else {
                genai_value_write(&tool->schema, w);
            }

            /* what is not told is true here, and false anywhere else */

            genai_rp_bool(w, "strict", tool->strict == 1);
        }

        genai_writer_close(w, '}');
    }

    if (n) {
        genai_writer_close(w, ']');
    }

    return n;
}


static void
genai_rp_choice(genai_chat_t *chat, genai_writer_t *w)
{
    genai_str_t          name, s;
    const char          *type;
    const genai_tool_t  *tool;

    static const char  *names[] = {
        [GENAI_CHOICE_NONE] = "\"none\"",
        [GENAI_CHOICE_AUTO] = "\"auto\"",
        [GENAI_CHOICE_ANY] = "\"required\""
    };

    if (chat->choice == GENAI_CHOICE_UNSET) {
        return;
    }

    genai_writer_name(w, "tool_choice");

    if (chat->choice != GENAI_CHOICE_NAMED) {
        genai_writer_literal(w, names[chat->choice]);
        return;
    }

    type = "function";

    if (genai_value_decode(chat, &chat->choice_name, &name) == 0) {

        for (tool = chat->tools; tool; tool = tool->next) {
            if (tool->kind == GENAI_TOOL_CUSTOM
                && genai_value_decode(chat, &tool->name, &s) == 0
                && s.len == name.len
                && memcmp(s.data, name.data, s.len) == 0)
            {
                type = "custom";
            }
        }
    }

    genai_writer_open(w, '{');
    genai_rp_type(w, type);
    genai_tool_name_member(chat, &chat->choice_name, w);
    genai_writer_close(w, '}');
}


static void
genai_rp_text(genai_chat_t *chat, genai_writer_t *w)
{
    const genai_value_t  *verbosity;

    verbosity = &chat->param[GENAI_PARAM_VERBOSITY];

    if (chat->format == GENAI_FORMAT_UNSET
        && verbosity->kind == GENAI_VALUE_NONE)
    {
        return;
    }

    genai_writer_name(w, "text");
    genai_writer_open(w, '{');

    switch (chat->format) {

    case GENAI_FORMAT_UNSET:
        break;

    case GENAI_FORMAT_TEXT:
        genai_writer_name(w, "format");
        genai_writer_literal(w, "{\"type\":\"text\"}");
        break;

    case GENAI_FORMAT_JSON:
        genai_writer_name(w, "format");
        genai_writer_literal(w, "{\"type\":\"json_object\"}");
        break;

    case GENAI_FORMAT_SCHEMA:
        genai_writer_name(w, "format");
        genai_writer_open(w, '{');
        genai_rp_type(w, "json_schema");
        genai_writer_name(w, "name");

        if (chat->format_name.kind == GENAI_VALUE_NONE) {
            genai_writer_literal(w, "\"answer\"");

        } else {
            genai_value_write_string(&chat->format_name, w);
        }

        genai_value_member(&chat->format_description, w, "description");
        genai_value_member(&chat->format_schema, w, "schema");

        if (chat->format_strict >= 0) {
            genai_rp_bool(w, "strict", chat->format_strict);
        }

        genai_writer_close(w, '}');
        break;
    }

    genai_value_member(verbosity, w, "verbosity");
    genai_writer_close(w, '}');
}


static int
genai_rp_is_text(const genai_message_t *m)
{
    const genai_part_t  *part;

    for (part = m->parts; part; part = part->next) {
        if (part->kind != GENAI_PART_TEXT) {
            return 0;
        }
    }

    return m->role == GENAI_ROLE_SYSTEM || m->role == GENAI_ROLE_DEVELOPER;
}


/* what the conversation begins with; returns what follows it */

static const genai_message_t *
genai_rp_instructions(genai_chat_t *chat, genai_writer_t *w)
{
    unsigned                n;
    const genai_part_t     *part;
    const genai_message_t  *m;

    /* where there is nothing else, it is the input */

    for (m = chat->messages; m && genai_rp_is_text(m); m = m->next) {
        /* void */
    }

    if (m == NULL) {
        return chat->messages;
    }

    for (m = chat->messages, n = 0; genai_rp_is_text(m); m = m->next) {
        for (part = m->parts; part; part = part->next) {

            if (n++ == 0) {
                genai_writer_name(w, "instructions");
                genai_writer_begin(w);

            } else {
                genai_writer_raw_piece(w, &(genai_str_t) genai_str("\\n\\n"));
            }

            genai_value_piece(&part->text, w);
        }
    }

    if (n) {
        genai_writer_end(w);
    }

    return m;
}


/* results stand first, each an item of its own, and then what is said */

static int
genai_rp_message(genai_chat_t *chat, const genai_message_t *m,
    genai_writer_t *w)
{
    int                  rc;
    unsigned             n;
    const genai_part_t  *part, *only;

    n = 0;
    only = NULL;

    for (part = m->parts; part; part = part->next) {

        if (part->kind != GENAI_PART_RESULT) {
            n++;
            only = part;
            continue;
        }

        rc = genai_rp_result(chat, part, w);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    if (n == 0) {
        return GENAI_CHAT_OK;
    }

    genai_writer_open(w, '{');
    genai_rp_type(w, "message");
    genai_writer_name(w, "role");
    genai_writer_literal(w, m->role == GENAI_ROLE_SYSTEM ? "\"system\""
                            : m->role == GENAI_ROLE_DEVELOPER
                            ? "\"developer\"" : "\"user\"");
    genai_writer_name(w, "content");

    if (n == 1 && only->kind == GENAI_PART_TEXT) {
        genai_value_write_string(&only->text, w);

    } else {
        genai_writer_open(w, '[');

        for (part = m->parts; part; part = part->next) {

            if (part->kind == GENAI_PART_RESULT) {
                continue;
            }

            rc = genai_rp_part(chat, part, w);

            if (rc != GENAI_CHAT_OK) {
                return rc;
            }
        }

        genai_writer_close(w, ']');
    }

    genai_writer_close(w, '}');

    if (m->name.kind != GENAI_VALUE_NONE) {
        genai_chat_dropped(chat, "name");
    }

    return GENAI_CHAT_OK;
}


/* a turn's parts are items, in their order */

static int
genai_rp_assistant(genai_chat_t *chat, const genai_message_t *m,
    genai_writer_t *w)
{
    unsigned             open;
    const genai_part_t  *part;

    open = 0;

    for (part = m->parts; part; part = part->next) {

        if (part->kind == GENAI_PART_TEXT || part->kind == GENAI_PART_REFUSAL)
        {
            if (!open) {
                open = 1;
                genai_writer_open(w, '{');
                genai_rp_type(w, "message");
                genai_writer_name(w, "role");
                genai_writer_literal(w, "\"assistant\"");
                genai_writer_name(w, "content");
                genai_writer_open(w, '[');
            }

            genai_writer_open(w, '{');

            if (part->kind == GENAI_PART_TEXT) {
                genai_rp_type(w, "output_text");
                genai_writer_name(w, "text");

            } else {
                genai_rp_type(w, "refusal");
                genai_writer_name(w, "refusal");
            }

            genai_value_write_string(&part->text, w);
            genai_writer_close(w, '}');

            continue;
        }

        if (open) {
            open = 0;
            genai_writer_close(w, ']');
            genai_writer_close(w, '}');
        }

        switch (part->kind) {

        case GENAI_PART_REASONING:
            genai_rp_reasoning(chat, part, w);
            break;

        case GENAI_PART_CALL:
            genai_rp_call(chat, part, w);
            break;

        case GENAI_PART_OTHER:

            if (chat->dialect == &genai_responses) {
                genai_value_write(&part->text, w);

            } else {
                genai_chat_dropped(chat, "server tools");
            }

            break;

        default:
            return genai_chat_refuse(chat, "an assistant's message can have "
                                     "nothing but text and tool calls with "
                                     "this model's provider");
        }
    }

    if (open) {
        genai_writer_close(w, ']');
        genai_writer_close(w, '}');
    }

    return GENAI_CHAT_OK;
}


/* only what a provider of this dialect has sealed is of use to one */

static void
genai_rp_reasoning(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w)
{
    if (part->signer != &genai_responses
        || part->signature.kind == GENAI_VALUE_NONE)
    {
        genai_chat_dropped(chat, "thinking");
        return;
    }

    genai_writer_open(w, '{');
    genai_rp_type(w, "reasoning");
    genai_writer_name(w, "summary");
    genai_writer_open(w, '[');

    if (part->text.kind != GENAI_VALUE_NONE) {
        genai_writer_open(w, '{');
        genai_rp_type(w, "summary_text");
        genai_writer_name(w, "text");
        genai_value_write_string(&part->text, w);
        genai_writer_close(w, '}');
    }

    genai_writer_close(w, ']');
    genai_writer_name(w, "encrypted_content");
    genai_value_write_string(&part->signature, w);
    genai_writer_close(w, '}');
}


static void
genai_rp_call(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w)
{
    genai_writer_open(w, '{');
    genai_rp_type(w, part->custom ? "custom_tool_call" : "function_call");
    genai_writer_name(w, "call_id");
    genai_value_write_string(&part->id, w);
    genai_tool_name_member(chat, &part->name, w);
    genai_writer_name(w, part->custom ? "input" : "arguments");

    if (part->text.kind == GENAI_VALUE_NONE && !part->custom) {
        genai_writer_literal(w, "\"{}\"");

    } else {
        genai_value_write_string(&part->text, w);
    }

    genai_writer_close(w, '}');
}


static int
genai_rp_result(genai_chat_t *chat, const genai_part_t *result,
    genai_writer_t *w)
{
    int                  rc, custom;
    const genai_part_t  *sub;

    static const genai_str_t  error = genai_str("Error: ");

    custom = genai_chat_call_custom(chat, &result->id);

    if (custom < 0) {
        return custom;
    }

    genai_writer_open(w, '{');
    genai_rp_type(w, custom ? "custom_tool_call_output"
                            : "function_call_output");
    genai_writer_name(w, "call_id");
    genai_value_write_string(&result->id, w);
    genai_writer_name(w, "output");

    sub = result->parts;

    if (sub == NULL || (sub->next == NULL && sub->kind == GENAI_PART_TEXT)) {
        genai_writer_begin(w);

        /* that it has failed can be said in no other way */

        if (result->error) {
            genai_writer_piece(w, &error);
        }

        if (sub) {
            genai_value_piece(&sub->text, w);
        }

        genai_writer_end(w);

    } else {
        genai_writer_open(w, '[');

        if (result->error) {
            genai_writer_literal(w, "{\"type\":\"input_text\",\"text\":"
                                 "\"Error: \"}");
        }

        for ( /* void */ ; sub; sub = sub->next) {

            rc = genai_rp_part(chat, sub, w);

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
genai_rp_part(genai_chat_t *chat, const genai_part_t *part, genai_writer_t *w)
{
    genai_str_t  type;

    if (part->source == GENAI_SOURCE_ID && part->kind != GENAI_PART_TEXT) {
        return genai_chat_refuse(chat, "a file that another provider keeps "
                                 "cannot be sent: send the file itself");
    }

    genai_writer_open(w, '{');

    /* a document that is text is told as one */

    switch (part->source == GENAI_SOURCE_TEXT ? GENAI_PART_TEXT : part->kind) {

    case GENAI_PART_TEXT:
        genai_rp_type(w, "input_text");
        genai_writer_name(w, "text");
        genai_value_write_string(&part->text, w);
        break;

    case GENAI_PART_IMAGE:
        genai_rp_type(w, "input_image");
        genai_writer_name(w, "image_url");
        genai_rp_data(part, "image/png", w);
        genai_value_member(&part->detail, w, "detail");
        break;

    case GENAI_PART_AUDIO:

        if (part->source != GENAI_SOURCE_DATA) {
            return genai_chat_refuse(chat, "sound must be sent as base64 to "
                                     "this model's provider");
        }

        if (genai_value_decode(chat, &part->type, &type) != 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        genai_rp_type(w, "input_audio");
        genai_writer_name(w, "input_audio");
        genai_writer_open(w, '{');
        genai_writer_name(w, "data");
        genai_value_write_string(&part->text, w);
        genai_writer_name(w, "format");
        genai_writer_literal(w, (genai_str_is(&type, "audio/mpeg")
                                 || genai_str_is(&type, "audio/mp3"))
                                ? "\"mp3\"" : "\"wav\"");
        genai_writer_close(w, '}');
        break;

    case GENAI_PART_FILE:

        genai_rp_type(w, "input_file");

        if (part->source == GENAI_SOURCE_URL) {
            genai_writer_name(w, "file_url");
            genai_value_write_string(&part->text, w);
            break;
        }

        genai_writer_name(w, "filename");

        if (part->name.kind == GENAI_VALUE_NONE) {
            genai_writer_literal(w, "\"document.pdf\"");

        } else {
            genai_value_write_string(&part->name, w);
        }

        genai_writer_name(w, "file_data");
        genai_rp_data(part, "application/pdf", w);
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
genai_rp_data(const genai_part_t *part, const char *otherwise,
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


/*
 * A model that does not think refuses to be told how much.  What one has
 * thought is given back next turn, so it must be had.
 */

static void
genai_rp_thinking(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w)
{
    genai_str_t     name;
    genai_effort_e  effort;

    effort = chat->effort;

    if (effort == GENAI_EFFORT_UNSET && chat->thinking >= 0) {
        effort = genai_effort_of_tokens(chat->thinking);
    }

    if (!to->thinks) {

        if (effort != GENAI_EFFORT_UNSET && effort != GENAI_EFFORT_NONE
            && effort != GENAI_EFFORT_DYNAMIC)
        {
            genai_chat_dropped(chat, "thinking");
        }

        return;
    }

    if (effort == GENAI_EFFORT_MAX) {
        effort = GENAI_EFFORT_XHIGH;
    }

    if (effort == GENAI_EFFORT_DYNAMIC) {
        effort = GENAI_EFFORT_UNSET;
    }

    if (effort != GENAI_EFFORT_UNSET || chat->show_thoughts == 1) {
        genai_writer_name(w, "reasoning");
        genai_writer_open(w, '{');

        if (effort != GENAI_EFFORT_UNSET) {
            name.data = (unsigned char *) genai_effort_name(effort);
            name.len = strlen((char *) name.data);

            genai_writer_name(w, "effort");
            genai_writer_string(w, &name);
        }

        if (chat->show_thoughts == 1) {
            genai_writer_name(w, "summary");
            genai_writer_literal(w, "\"auto\"");
        }

        genai_writer_close(w, '}');
    }

    genai_writer_name(w, "include");
    genai_writer_literal(w, "[\"reasoning.encrypted_content\"]");
}


static void
genai_rp_type(genai_writer_t *w, const char *type)
{
    genai_str_t  s;

    s.data = (unsigned char *) type;
    s.len = strlen(type);

    genai_writer_name(w, "type");
    genai_writer_string(w, &s);
}


static void
genai_rp_bool(genai_writer_t *w, const char *name, int value)
{
    genai_writer_name(w, name);
    genai_writer_literal(w, value ? "true" : "false");
}
