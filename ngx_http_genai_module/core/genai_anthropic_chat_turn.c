/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writes the instructions and the messages of Anthropic's requests.
 *
 * The dialect has turns: what one side says without being interrupted is one
 * message, in which the results of tools stand first.  Instructions stand
 * beside them all.
 */


#include "genai_anthropic_chat_int.h"
#include "genai_chat_write.h"


static int genai_act_system(genai_chat_t *chat, genai_writer_t *w,
    unsigned turns);
static int genai_act_turn(genai_chat_t *chat, const genai_message_t **m,
    genai_writer_t *w);
static int genai_act_part(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w);
static int genai_act_media(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w);
static int genai_act_call(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w);
static int genai_act_result(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w);
static unsigned genai_act_is_told(genai_chat_t *chat, genai_role_e role,
    const genai_part_t *part);
static unsigned genai_act_says(genai_chat_t *chat, const genai_message_t *m);
static void genai_act_open(genai_writer_t *w, const char *type);


int
genai_anthropic_write_messages(genai_chat_t *chat, genai_writer_t *w)
{
    int                     rc;
    unsigned                turns;
    const genai_message_t  *m;

    turns = 0;

    for (m = chat->messages; m; m = m->next) {

        if (m->role == GENAI_ROLE_USER || m->role == GENAI_ROLE_ASSISTANT) {
            turns += genai_act_says(chat, m);
        }

        if (m->name.kind != GENAI_VALUE_NONE) {
            genai_chat_dropped(chat, "name");
        }
    }

    if (turns) {

        rc = genai_act_system(chat, w, 1);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    genai_writer_name(w, "messages");
    genai_writer_open(w, '[');

    if (turns == 0) {

        /* instructions alone are what is asked */

        rc = genai_act_system(chat, w, 0);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    for (m = chat->messages; m; /* void */ ) {

        if ((m->role != GENAI_ROLE_USER && m->role != GENAI_ROLE_ASSISTANT)
            || !genai_act_says(chat, m))
        {
            m = m->next;
            continue;
        }

        rc = genai_act_turn(chat, &m, w);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    genai_writer_close(w, ']');

    return GENAI_CHAT_OK;
}


/* instructions, wherever they stand, as the member or as a user's turn */

static int
genai_act_system(genai_chat_t *chat, genai_writer_t *w, unsigned turns)
{
    int                     rc;
    unsigned                n, begun, plain;
    const genai_part_t     *part, *text;
    const genai_message_t  *m;

    n = 0;
    begun = 0;
    plain = 1;
    text = NULL;

    for (m = chat->messages; m; m = m->next) {

        if (m->role == GENAI_ROLE_USER || m->role == GENAI_ROLE_ASSISTANT) {
            begun |= genai_act_says(chat, m);
            continue;
        }

        for (part = m->parts; part; part = part->next) {

            if (part->kind != GENAI_PART_TEXT) {
                return genai_chat_refuse(chat, "instructions can be nothing "
                                         "but text with this model's "
                                         "provider");
            }

            if (genai_value_is_blank(&part->text)) {
                continue;
            }

            if (begun) {
                genai_chat_dropped(chat, "system.place");
            }

            plain &= (part->cache == GENAI_CACHE_NONE);
            text = part;
            n++;
        }
    }

    if (n == 0) {
        return GENAI_CHAT_OK;
    }

    if (turns) {
        genai_writer_name(w, "system");

    } else {
        genai_writer_open(w, '{');
        genai_writer_name(w, "role");
        genai_writer_literal(w, "\"user\"");
        genai_writer_name(w, "content");
    }

    if (n == 1 && plain) {
        genai_value_write_string(&text->text, w);

    } else {
        genai_writer_open(w, '[');

        for (m = chat->messages; m; m = m->next) {

            if (m->role == GENAI_ROLE_USER
                || m->role == GENAI_ROLE_ASSISTANT)
            {
                continue;
            }

            for (part = m->parts; part; part = part->next) {

                if (genai_value_is_blank(&part->text)) {
                    continue;
                }

                rc = genai_act_part(chat, part, w);

                if (rc != GENAI_CHAT_OK) {
                    return rc;
                }
            }
        }

        genai_writer_close(w, ']');
    }

    if (!turns) {
        genai_writer_close(w, '}');
    }

    return GENAI_CHAT_OK;
}


/* all messages of a side up to the next one of the other's */

static int
genai_act_turn(genai_chat_t *chat, const genai_message_t **first,
    genai_writer_t *w)
{
    int                     rc;
    unsigned                n, results;
    genai_role_e            role;
    const genai_part_t     *part, *only;
    const genai_message_t  *m, *end;

    role = (*first)->role;

    n = 0;
    only = NULL;

    for (m = *first; m; m = m->next) {

        if (m->role != GENAI_ROLE_USER && m->role != GENAI_ROLE_ASSISTANT) {
            continue;
        }

        if (m->role != role) {

            if (genai_act_says(chat, m)) {
                break;
            }

            continue;
        }

        for (part = m->parts; part; part = part->next) {
            if (genai_act_is_told(chat, role, part)) {
                only = part;
                n++;
            }
        }
    }

    end = m;

    genai_writer_open(w, '{');
    genai_writer_name(w, "role");
    genai_writer_literal(w, role == GENAI_ROLE_USER ? "\"user\""
                                                    : "\"assistant\"");
    genai_writer_name(w, "content");

    if (n == 1 && only->kind == GENAI_PART_TEXT
        && only->cache == GENAI_CACHE_NONE)
    {
        genai_value_write_string(&only->text, w);
        genai_writer_close(w, '}');

        *first = end;

        return GENAI_CHAT_OK;
    }

    genai_writer_open(w, '[');

    for (results = (role == GENAI_ROLE_USER) ? 1 : 0; /* void */ ; results--) {

        for (m = *first; m != end; m = m->next) {

            if (m->role != role) {
                continue;
            }

            for (part = m->parts; part; part = part->next) {

                if (!genai_act_is_told(chat, role, part)
                    || (role == GENAI_ROLE_USER
                        && (part->kind == GENAI_PART_RESULT) != results))
                {
                    continue;
                }

                rc = genai_act_part(chat, part, w);

                if (rc != GENAI_CHAT_OK) {
                    return rc;
                }
            }
        }

        if (results == 0) {
            break;
        }
    }

    genai_writer_close(w, ']');
    genai_writer_close(w, '}');

    *first = end;

    return GENAI_CHAT_OK;
}


static int
genai_act_part(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w)
{
    switch (part->kind) {

    case GENAI_PART_TEXT:
    case GENAI_PART_REFUSAL:
        genai_act_open(w, "\"text\"");
        genai_writer_name(w, "text");
        genai_value_write_string(&part->text, w);
        break;

    case GENAI_PART_REASONING:

        if (part->sealed) {
            genai_act_open(w, "\"redacted_thinking\"");
            genai_writer_name(w, "data");
            genai_value_write_string(&part->signature, w);

        } else {
            genai_act_open(w, "\"thinking\"");
            genai_writer_name(w, "thinking");

            /* which a client may have been shown nothing of */

            genai_value_write_string(&part->text, w);
            genai_writer_name(w, "signature");
            genai_value_write_string(&part->signature, w);
        }

        /* no cache ends in a thought */

        genai_writer_close(w, '}');
        return GENAI_CHAT_OK;

    case GENAI_PART_IMAGE:
    case GENAI_PART_FILE:
        return genai_act_media(chat, part, w);

    case GENAI_PART_CALL:
        return genai_act_call(chat, part, w);

    case GENAI_PART_RESULT:
        return genai_act_result(chat, part, w);

    case GENAI_PART_OTHER:

        if (chat->dialect == &genai_anthropic) {
            genai_value_write(&part->text, w);
            return GENAI_CHAT_OK;
        }

        /* fall through */

    default:
        return genai_chat_refuse(chat, "a message has a part that this "
                                 "model's provider cannot be sent: text, "
                                 "images and documents are taken");
    }

    genai_anthropic_write_cache(part->cache, w);
    genai_writer_close(w, '}');

    return GENAI_CHAT_OK;
}


static int
genai_act_media(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w)
{
    unsigned     file;
    const char  *type;

    file = (part->kind == GENAI_PART_FILE);
    type = file ? "\"application/pdf\"" : "\"image/png\"";

    if (part->detail.kind != GENAI_VALUE_NONE) {
        genai_chat_dropped(chat, "detail");
    }

    if (file && part->source == GENAI_SOURCE_DATA
        && part->type.kind != GENAI_VALUE_NONE
        && !genai_value_is(chat, (genai_value_t *) &part->type,
                           "application/pdf"))
    {
        return genai_chat_refuse(chat, "a document must be a PDF or a text "
                                 "for this model's provider");
    }

    genai_act_open(w, file ? "\"document\"" : "\"image\"");
    genai_writer_name(w, "source");
    genai_writer_open(w, '{');
    genai_writer_name(w, "type");

    switch (part->source) {

    case GENAI_SOURCE_DATA:
        genai_writer_literal(w, "\"base64\"");
        genai_writer_name(w, "media_type");

        if (part->type.kind == GENAI_VALUE_NONE) {
            genai_writer_literal(w, type);

        } else {
            genai_value_write_string(&part->type, w);
        }

        genai_writer_name(w, "data");
        break;

    case GENAI_SOURCE_URL:
        genai_writer_literal(w, "\"url\"");
        genai_writer_name(w, "url");
        break;

    case GENAI_SOURCE_TEXT:
        genai_writer_literal(w, "\"text\"");
        genai_writer_name(w, "media_type");
        genai_writer_literal(w, "\"text/plain\"");
        genai_writer_name(w, "data");
        break;

    default:

        if (chat->dialect != &genai_anthropic) {
            return genai_chat_refuse(chat, "a file that another provider "
                                     "keeps cannot be sent: send the file "
                                     "itself");
        }

        genai_writer_literal(w, "\"file\"");
        genai_writer_name(w, "file_id");
        break;
    }

    genai_value_write_string(&part->text, w);
    genai_writer_close(w, '}');

    if (file && part->name.kind != GENAI_VALUE_NONE) {
        genai_writer_name(w, "title");
        genai_value_write_string(&part->name, w);
    }

    genai_anthropic_write_cache(part->cache, w);
    genai_writer_close(w, '}');

    return GENAI_CHAT_OK;
}


static int
genai_act_call(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w)
{
    int  rc;

    if (part->custom) {
        return genai_chat_refuse(chat, "a tool call with free text as input "
                                 "cannot be sent to this model's provider");
    }

    genai_act_open(w, "\"tool_use\"");

    rc = genai_chat_write_id(chat, &part->id, "id", "_-", 0, w);

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    genai_tool_name_member(chat, &part->name, w);
    genai_writer_name(w, "input");
    genai_value_write_object(chat, &part->text, w);
    genai_anthropic_write_cache(part->cache, w);
    genai_writer_close(w, '}');

    return GENAI_CHAT_OK;
}


static int
genai_act_result(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w)
{
    int                  rc;
    unsigned             n;
    const genai_part_t  *sub, *only;

    genai_act_open(w, "\"tool_result\"");

    rc = genai_chat_write_id(chat, &part->id, "tool_use_id", "_-", 0, w);

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    n = 0;
    only = NULL;

    for (sub = part->parts; sub; sub = sub->next) {
        if (genai_act_is_told(chat, GENAI_ROLE_USER, sub)) {
            only = sub;
            n++;
        }
    }

    if (n == 1 && only->kind == GENAI_PART_TEXT
        && only->cache == GENAI_CACHE_NONE)
    {
        genai_writer_name(w, "content");
        genai_value_write_string(&only->text, w);

    } else if (n) {
        genai_writer_name(w, "content");
        genai_writer_open(w, '[');

        for (sub = part->parts; sub; sub = sub->next) {

            if (!genai_act_is_told(chat, GENAI_ROLE_USER, sub)) {
                continue;
            }

            rc = genai_act_part(chat, sub, w);

            if (rc != GENAI_CHAT_OK) {
                return rc;
            }
        }

        genai_writer_close(w, ']');
    }

    if (part->error) {
        genai_writer_name(w, "is_error");
        genai_writer_literal(w, "true");
    }

    genai_anthropic_write_cache(part->cache, w);
    genai_writer_close(w, '}');

    return GENAI_CHAT_OK;
}


/* whether a part reaches the provider; what does not is named */

static unsigned
genai_act_is_told(genai_chat_t *chat, genai_role_e role,
    const genai_part_t *part)
{
    switch (part->kind) {

    case GENAI_PART_TEXT:
    case GENAI_PART_REFUSAL:
        return !genai_value_is_blank(&part->text);

    case GENAI_PART_REASONING:

        if (genai_part_is_own(part, &genai_anthropic)) {
            return 1;
        }

        genai_chat_dropped(chat, "thinking");

        return 0;

    case GENAI_PART_OTHER:

        if (role == GENAI_ROLE_ASSISTANT && chat->dialect != &genai_anthropic)
        {
            genai_chat_dropped(chat, "server tools");
            return 0;
        }

        return 1;

    default:
        return 1;
    }
}


static unsigned
genai_act_says(genai_chat_t *chat, const genai_message_t *m)
{
    const genai_part_t  *part;

    for (part = m->parts; part; part = part->next) {
        if (genai_act_is_told(chat, m->role, part)) {
            return 1;
        }
    }

    return 0;
}


static void
genai_act_open(genai_writer_t *w, const char *type)
{
    genai_writer_open(w, '{');
    genai_writer_name(w, "type");
    genai_writer_literal(w, type);
}
