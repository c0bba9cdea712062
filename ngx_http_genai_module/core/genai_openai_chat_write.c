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
#include "genai_quirks.h"
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
static int genai_openai_write_call(genai_chat_t *chat,
    const genai_part_t *part, genai_writer_t *w);
static int genai_openai_write_id(genai_chat_t *chat, const genai_value_t *id,
    genai_writer_t *w);
static void genai_openai_write_thoughts(genai_chat_t *chat,
    const genai_part_t *part, genai_writer_t *w);
static void genai_openai_write_name(genai_chat_t *chat,
    const genai_message_t *m, genai_writer_t *w);


int
genai_openai_write_chat(genai_chat_t *chat, const genai_chat_target_t *to,
    genai_writer_t *w)
{
    int                     rc;
    const genai_message_t  *m;

    chat->quirks = to->quirks;

    genai_writer_open(w, '{');
    genai_writer_name(w, "model");
    genai_writer_string(w, &to->model);

    rc = genai_openai_write_tools(chat, w);

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    genai_writer_name(w, "messages");
    genai_writer_open(w, '[');

    for (m = chat->messages; m; m = m->next) {

        rc = genai_openai_write_message(chat, m, w);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    genai_writer_close(w, ']');

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
    genai_openai_write_name(chat, m, w);
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

    genai_writer_open(w, '{');
    genai_writer_name(w, "role");
    genai_writer_literal(w, "\"tool\"");
    genai_writer_name(w, "tool_call_id");

    if (genai_openai_write_id(chat, &result->id, w) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

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
    unsigned             texts, refusals, thoughts, calls;
    const genai_part_t  *part;

    texts = 0;
    refusals = 0;
    thoughts = 0;
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

            /*
             * OpenAI's models do not read it again; others do, but nothing
             * that was signed or sealed by somebody
             */

            if (chat->quirks && chat->quirks->thoughts.len
                && part->signer == NULL && !part->sealed
                && part->text.kind != GENAI_VALUE_NONE)
            {
                thoughts++;
                break;
            }

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

        if (thoughts) {
            genai_chat_dropped(chat, "thinking");
        }

        return GENAI_CHAT_OK;
    }

    genai_writer_open(w, '{');
    genai_writer_name(w, "role");
    genai_writer_literal(w, "\"assistant\"");
    genai_openai_write_name(chat, m, w);

    if (thoughts) {
        genai_openai_write_thoughts(chat, m->parts, w);
    }

    genai_writer_name(w, "content");

    if (texts) {
        genai_openai_write_texts(m->parts, GENAI_PART_TEXT, "", w);

    } else if (refusals && genai_quirks_refuses_of(chat->quirks, m->role,
                                                   "refusal"))
    {
        /* what was said, in the only way that is left */

        genai_openai_write_texts(m->parts, GENAI_PART_REFUSAL, "", w);
        refusals = 0;

    } else {
        genai_writer_literal(w, "null");
    }

    if (refusals && genai_quirks_refuses_of(chat->quirks, m->role, "refusal"))
    {
        genai_chat_dropped(chat, "refusal");

    } else if (refusals) {
        genai_writer_name(w, "refusal");
        genai_openai_write_texts(m->parts, GENAI_PART_REFUSAL, "", w);
    }

    if (calls) {
        genai_writer_name(w, "tool_calls");
        genai_writer_open(w, '[');

        for (part = m->parts; part; part = part->next) {
            if (part->kind == GENAI_PART_CALL
                && genai_openai_write_call(chat, part, w) != 0)
            {
                return GENAI_CHAT_NO_MEMORY;
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


static int
genai_openai_write_call(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w)
{
    genai_writer_open(w, '{');
    genai_writer_name(w, "id");

    if (genai_openai_write_id(chat, &part->id, w) != 0) {
        return -1;
    }

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

    return 0;
}


static int
genai_openai_write_id(genai_chat_t *chat, const genai_value_t *id,
    genai_writer_t *w)
{
    genai_str_t    text, own;
    unsigned char  buf[GENAI_QUIRKS_ID_MAX];

    if (chat->quirks == NULL || chat->quirks->call_id == 0) {
        genai_value_write_string(id, w);
        return 0;
    }

    if (genai_value_decode(chat, id, &text) != 0) {
        return -1;
    }

    own.data = buf;
    own.len = genai_quirks_call_id(chat->quirks, &text, buf);

    genai_writer_string(w, own.len ? &own : &text);

    return 0;
}


static void
genai_openai_write_thoughts(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w)
{
    genai_writer_name(w, (char *) chat->quirks->thoughts.data);
    genai_writer_begin(w);

    for ( /* void */ ; part; part = part->next) {
        if (part->kind == GENAI_PART_REASONING && part->signer == NULL
            && !part->sealed)
        {
            genai_value_piece(&part->text, w);
        }
    }

    genai_writer_end(w);
}


static void
genai_openai_write_name(genai_chat_t *chat, const genai_message_t *m,
    genai_writer_t *w)
{
    if (m->name.kind != GENAI_VALUE_NONE
        && genai_quirks_refuses_of(chat->quirks, m->role, "name"))
    {
        genai_chat_dropped(chat, "name");
        return;
    }

    genai_value_member(&m->name, w, "name");
}
