/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writes the instructions and the messages of Bedrock's requests.
 *
 * The dialect has turns: what one side says without being interrupted is one
 * message, in which the results of tools stand first.  Instructions stand
 * beside them all.  Where a cache is to end is a block of its own.
 */


#include "genai_bedrock_chat_int.h"
#include "genai_chat_write.h"
#include "genai_tool_name.h"

#include <stdio.h>


/* what is written */

typedef struct {
    genai_chat_t    *chat;
    genai_writer_t  *w;
    unsigned         documents;     /* so far */
} genai_bedrock_turn_t;


static int genai_bct_system(genai_bedrock_turn_t *t, unsigned turns);
static int genai_bct_message(genai_bedrock_turn_t *t,
    const genai_message_t **m);
static int genai_bct_part(genai_bedrock_turn_t *t, const genai_part_t *part);
static int genai_bct_media(genai_bedrock_turn_t *t, const genai_part_t *part);
static int genai_bct_name(genai_bedrock_turn_t *t, const genai_part_t *part);
static int genai_bct_call(genai_bedrock_turn_t *t, const genai_part_t *part);
static int genai_bct_result(genai_bedrock_turn_t *t,
    const genai_part_t *part);
static void genai_bct_thought(genai_bedrock_turn_t *t,
    const genai_part_t *part);
static unsigned genai_bct_is_json(const genai_part_t *part);
static unsigned genai_bct_is_told(genai_chat_t *chat, genai_role_e role,
    const genai_part_t *part);
static unsigned genai_bct_says(genai_chat_t *chat, const genai_message_t *m);


int
genai_bedrock_write_messages(genai_chat_t *chat, genai_writer_t *w)
{
    int                     rc;
    unsigned                turns;
    genai_bedrock_turn_t    t;
    const genai_message_t  *m;

    t.chat = chat;
    t.w = w;
    t.documents = 0;

    turns = 0;

    for (m = chat->messages; m; m = m->next) {

        if (m->role == GENAI_ROLE_USER || m->role == GENAI_ROLE_ASSISTANT) {
            turns += genai_bct_says(chat, m);
        }

        if (m->name.kind != GENAI_VALUE_NONE) {
            genai_chat_dropped(chat, "name");
        }
    }

    if (turns) {

        rc = genai_bct_system(&t, 1);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    genai_writer_name(w, "messages");
    genai_writer_open(w, '[');

    if (turns == 0) {

        /* instructions alone are what is asked */

        rc = genai_bct_system(&t, 0);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    for (m = chat->messages; m; /* void */ ) {

        if ((m->role != GENAI_ROLE_USER && m->role != GENAI_ROLE_ASSISTANT)
            || !genai_bct_says(chat, m))
        {
            m = m->next;
            continue;
        }

        rc = genai_bct_message(&t, &m);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    genai_writer_close(w, ']');

    return GENAI_CHAT_OK;
}


/* instructions, wherever they stand, as the member or as a user's turn */

static int
genai_bct_system(genai_bedrock_turn_t *t, unsigned turns)
{
    int                     rc;
    unsigned                n, begun;
    const genai_part_t     *part;
    const genai_message_t  *m;

    n = 0;
    begun = 0;

    for (m = t->chat->messages; m; m = m->next) {

        if (m->role == GENAI_ROLE_USER || m->role == GENAI_ROLE_ASSISTANT) {
            begun |= genai_bct_says(t->chat, m);
            continue;
        }

        for (part = m->parts; part; part = part->next) {

            if (part->kind != GENAI_PART_TEXT) {
                return genai_chat_refuse(t->chat, "instructions can be "
                                         "nothing but text with this model's "
                                         "provider");
            }

            if (genai_value_is_blank(&part->text)) {
                continue;
            }

            if (begun) {
                genai_chat_dropped(t->chat, "system.place");
            }

            if (n++ == 0) {

                if (turns) {
                    genai_writer_name(t->w, "system");

                } else {
                    genai_writer_open(t->w, '{');
                    genai_writer_name(t->w, "role");
                    genai_writer_literal(t->w, "\"user\"");
                    genai_writer_name(t->w, "content");
                }

                genai_writer_open(t->w, '[');
            }

            rc = genai_bct_part(t, part);

            if (rc != GENAI_CHAT_OK) {
                return rc;
            }
        }
    }

    if (n) {
        genai_writer_close(t->w, ']');

        if (!turns) {
            genai_writer_close(t->w, '}');
        }
    }

    return GENAI_CHAT_OK;
}


/* all messages of a side up to the next one of the other's */

static int
genai_bct_message(genai_bedrock_turn_t *t, const genai_message_t **first)
{
    int                     rc;
    unsigned                results;
    genai_role_e            role;
    const genai_part_t     *part;
    const genai_message_t  *m, *end;

    role = (*first)->role;

    for (end = *first; end; end = end->next) {

        if ((end->role == GENAI_ROLE_USER
             || end->role == GENAI_ROLE_ASSISTANT)
            && end->role != role && genai_bct_says(t->chat, end))
        {
            break;
        }
    }

    genai_writer_open(t->w, '{');
    genai_writer_name(t->w, "role");
    genai_writer_literal(t->w, role == GENAI_ROLE_USER ? "\"user\""
                                                       : "\"assistant\"");
    genai_writer_name(t->w, "content");
    genai_writer_open(t->w, '[');

    for (results = (role == GENAI_ROLE_USER) ? 1 : 0; /* void */ ; results--) {

        for (m = *first; m != end; m = m->next) {

            if (m->role != role) {
                continue;
            }

            for (part = m->parts; part; part = part->next) {

                if (!genai_bct_is_told(t->chat, role, part)
                    || (role == GENAI_ROLE_USER
                        && (part->kind == GENAI_PART_RESULT) != results))
                {
                    continue;
                }

                rc = genai_bct_part(t, part);

                if (rc != GENAI_CHAT_OK) {
                    return rc;
                }
            }
        }

        if (results == 0) {
            break;
        }
    }

    genai_writer_close(t->w, ']');
    genai_writer_close(t->w, '}');

    *first = end;

    return GENAI_CHAT_OK;
}


/* a block, and behind it that of a cache's end */

static int
genai_bct_part(genai_bedrock_turn_t *t, const genai_part_t *part)
{
    int                  rc;
    genai_cache_e        cache;
    const genai_part_t  *sub;

    rc = GENAI_CHAT_OK;
    cache = part->cache;

    if (part->kind == GENAI_PART_OTHER
        && t->chat->dialect == &genai_bedrock)
    {
        genai_value_write(&part->text, t->w);
        genai_bedrock_write_cache(cache, t->w);

        return GENAI_CHAT_OK;
    }

    genai_writer_open(t->w, '{');

    switch (part->kind) {

    case GENAI_PART_TEXT:
    case GENAI_PART_REFUSAL:

        if (genai_bct_is_json(part)) {
            genai_writer_name(t->w, "json");
            genai_value_write(&part->text, t->w);

        } else {
            genai_writer_name(t->w, "text");
            genai_value_write_string(&part->text, t->w);
        }

        break;

    case GENAI_PART_REASONING:

        /* no cache ends in a thought */

        cache = GENAI_CACHE_NONE;
        genai_bct_thought(t, part);
        break;

    case GENAI_PART_IMAGE:
    case GENAI_PART_AUDIO:
    case GENAI_PART_VIDEO:
    case GENAI_PART_FILE:
        rc = genai_bct_media(t, part);
        break;

    case GENAI_PART_CALL:
        rc = genai_bct_call(t, part);
        break;

    case GENAI_PART_RESULT:

        for (sub = part->parts; sub; sub = sub->next) {
            cache = (sub->cache > cache) ? sub->cache : cache;
        }

        rc = genai_bct_result(t, part);
        break;

    default:
        return genai_chat_refuse(t->chat, "a message has a part that this "
                                 "model's provider cannot be sent");
    }

    genai_writer_close(t->w, '}');

    if (rc == GENAI_CHAT_OK) {
        genai_bedrock_write_cache(cache, t->w);
    }

    return rc;
}


static void
genai_bct_thought(genai_bedrock_turn_t *t, const genai_part_t *part)
{
    genai_writer_name(t->w, "reasoningContent");
    genai_writer_open(t->w, '{');

    if (part->sealed) {
        genai_writer_name(t->w, "redactedContent");
        genai_value_write_string(&part->signature, t->w);

    } else {
        genai_writer_name(t->w, "reasoningText");
        genai_writer_open(t->w, '{');
        genai_writer_name(t->w, "text");
        genai_value_write_string(&part->text, t->w);
        genai_writer_name(t->w, "signature");
        genai_value_write_string(&part->signature, t->w);
        genai_writer_close(t->w, '}');
    }

    genai_writer_close(t->w, '}');
}


static int
genai_bct_media(genai_bedrock_turn_t *t, const genai_part_t *part)
{
    int           rc;
    size_t        i;
    unsigned      own;
    genai_str_t   type;
    const char   *name, *format;

    name = (part->kind == GENAI_PART_IMAGE) ? "image"
           : (part->kind == GENAI_PART_AUDIO) ? "audio"
           : (part->kind == GENAI_PART_VIDEO) ? "video" : "document";

    if (part->detail.kind != GENAI_VALUE_NONE) {
        genai_chat_dropped(t->chat, "detail");
    }

    own = (part->source == GENAI_SOURCE_ID
           && t->chat->dialect == &genai_bedrock);

    if (part->source != GENAI_SOURCE_DATA
        && part->source != GENAI_SOURCE_TEXT && !own)
    {
        return genai_chat_refuse(t->chat, "an image, a sound, a video or a "
                                 "document must be sent as its bytes for "
                                 "this model's provider, not as a URL or a "
                                 "file's id");
    }

    if (part->source == GENAI_SOURCE_TEXT) {
        format = "txt";

    } else if (part->type.kind == GENAI_VALUE_NONE) {
        format = (part->kind == GENAI_PART_IMAGE) ? "png"
                 : (part->kind == GENAI_PART_AUDIO) ? "wav"
                 : (part->kind == GENAI_PART_VIDEO) ? "mp4" : "pdf";

    } else {

        if (genai_value_decode(t->chat, &part->type, &type) != 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        /* of what stands behind it a provider knows nothing */

        for (i = 0; i < type.len && type.data[i] != ';'; i++) {
            /* void */
        }

        type.len = i;
        format = genai_bedrock_format(part->kind, &type);
    }

    if (format == NULL) {
        return genai_chat_refuse(t->chat, "this model's provider takes no "
                                 "%s of that type", name);
    }

    genai_writer_name(t->w, name);
    genai_writer_open(t->w, '{');
    genai_writer_name(t->w, "format");
    genai_writer_string(t->w, &(genai_str_t) { strlen(format),
                                               (unsigned char *) format });

    if (part->kind == GENAI_PART_FILE) {

        rc = genai_bct_name(t, part);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    genai_writer_name(t->w, "source");
    genai_writer_open(t->w, '{');

    if (own) {
        genai_writer_name(t->w, "s3Location");
        genai_value_write(&part->text, t->w);

    } else {
        genai_writer_name(t->w, part->source == GENAI_SOURCE_TEXT
                                ? "text" : "bytes");
        genai_value_write_string(&part->text, t->w);
    }

    genai_writer_close(t->w, '}');
    genai_writer_close(t->w, '}');

    return GENAI_CHAT_OK;
}


/* each document must have one of its own, of a few characters */

static int
genai_bct_name(genai_bedrock_turn_t *t, const genai_part_t *part)
{
    size_t          i, n;
    char            number[16];
    genai_str_t     name, text;
    unsigned char   c, *p;

    if (t->chat->dialect == &genai_bedrock) {
        genai_value_member(&part->name, t->w, "name");
        return GENAI_CHAT_OK;
    }

    if (genai_value_decode(t->chat, &part->name, &name) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    p = genai_arena_alloc(t->chat->arena, GENAI_BEDROCK_DOCUMENT_MAX
                                          + sizeof(number));
    if (p == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    for (i = 0, n = 0; i < name.len && n < GENAI_BEDROCK_DOCUMENT_MAX; i++) {
        c = name.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || (c && strchr("()[]", c))))
        {
            c = '-';

            /* of a character of several bytes one */

            if (n && p[n - 1] == '-') {
                continue;
            }
        }

        p[n++] = c;
    }

    if (n == 0) {
        memcpy(p, "document", 8);
        n = 8;
    }

    if (++t->documents > 1) {
        n += snprintf((char *) p + n, sizeof(number), "-%u", t->documents);
    }

    text.data = p;
    text.len = n;

    genai_writer_name(t->w, "name");
    genai_writer_string(t->w, &text);

    return GENAI_CHAT_OK;
}


static int
genai_bct_call(genai_bedrock_turn_t *t, const genai_part_t *part)
{
    int  rc;

    if (part->custom) {
        return genai_chat_refuse(t->chat, "a tool call with free text as "
                                 "input cannot be sent to this model's "
                                 "provider");
    }

    genai_writer_name(t->w, "toolUse");
    genai_writer_open(t->w, '{');

    rc = genai_chat_write_id(t->chat, &part->id, "toolUseId", "_.:-",
                             GENAI_BEDROCK_CALL_MAX, t->w);

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    genai_tool_name_member(t->chat, &part->name, t->w);

    genai_writer_name(t->w, "input");
    genai_value_write_object(t->chat, &part->text, t->w);
    genai_writer_close(t->w, '}');

    return GENAI_CHAT_OK;
}


static int
genai_bct_result(genai_bedrock_turn_t *t, const genai_part_t *part)
{
    int                  rc;
    genai_part_t         copy;
    const genai_part_t  *sub;

    genai_writer_name(t->w, "toolResult");
    genai_writer_open(t->w, '{');

    rc = genai_chat_write_id(t->chat, &part->id, "toolUseId", "_.:-",
                             GENAI_BEDROCK_CALL_MAX, t->w);

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    genai_writer_name(t->w, "content");
    genai_writer_open(t->w, '[');

    for (sub = part->parts; sub; sub = sub->next) {

        if (!genai_bct_is_told(t->chat, GENAI_ROLE_USER, sub)) {
            continue;
        }

        if (sub->kind == GENAI_PART_AUDIO) {
            return genai_chat_refuse(t->chat, "a tool's result can have no "
                                     "sound with this model's provider");
        }

        /* no cache ends within one */

        copy = *sub;
        copy.cache = GENAI_CACHE_NONE;

        rc = genai_bct_part(t, &copy);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    genai_writer_close(t->w, ']');

    if (part->error) {
        genai_writer_name(t->w, "status");
        genai_writer_literal(t->w, "\"error\"");
    }

    genai_writer_close(t->w, '}');

    return GENAI_CHAT_OK;
}


void
genai_bedrock_write_cache(genai_cache_e cache, genai_writer_t *w)
{
    if (cache == GENAI_CACHE_NONE) {
        return;
    }

    genai_writer_open(w, '{');
    genai_writer_name(w, "cachePoint");
    genai_writer_literal(w, cache == GENAI_CACHE_1H
                            ? "{\"type\":\"default\",\"ttl\":\"1h\"}"
                            : "{\"type\":\"default\"}");
    genai_writer_close(w, '}');
}


/* what a tool of Bedrock's own client answered */

static unsigned
genai_bct_is_json(const genai_part_t *part)
{
    return part->text.kind == GENAI_VALUE_AT
           && genai_cursor_type(&part->text.at) != GENAI_TAPE_STRING;
}


/* whether a part reaches the provider; what does not is named */

static unsigned
genai_bct_is_told(genai_chat_t *chat, genai_role_e role,
    const genai_part_t *part)
{
    switch (part->kind) {

    case GENAI_PART_TEXT:
    case GENAI_PART_REFUSAL:
        return genai_bct_is_json(part) || !genai_value_is_blank(&part->text);

    case GENAI_PART_REASONING:

        if (genai_part_is_own(part, &genai_bedrock)) {
            return 1;
        }

        genai_chat_dropped(chat, "thinking");

        return 0;

    case GENAI_PART_OTHER:

        if (role == GENAI_ROLE_ASSISTANT && chat->dialect != &genai_bedrock) {
            genai_chat_dropped(chat, "server tools");
            return 0;
        }

        return 1;

    default:
        return 1;
    }
}


static unsigned
genai_bct_says(genai_chat_t *chat, const genai_message_t *m)
{
    const genai_part_t  *part;

    for (part = m->parts; part; part = part->next) {
        if (genai_bct_is_told(chat, m->role, part)) {
            return 1;
        }
    }

    return 0;
}
