/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads the messages of OpenAI's chat completions for a translation.
 */


#include "genai_openai_chat_int.h"


/* a message while its members are read */

typedef struct {
    genai_message_t  *message;
    genai_part_t     *result;           /* of a tool's message */
    genai_value_t     content;
    genai_value_t     refusal;
    genai_value_t     reasoning;
    genai_value_t     details;
    genai_value_t     calls;
    genai_value_t     call;             /* the older form */
    genai_value_t     extra;            /* Google's, of its text */
} genai_openai_reading_t;


static int genai_openai_message(genai_chat_t *chat,
    const genai_cursor_t *value);
static void genai_openai_extra(genai_part_t *part,
    const genai_cursor_t *extra);
static int genai_openai_thoughts(genai_chat_t *chat,
    genai_openai_reading_t *r);
static int genai_openai_content(genai_chat_t *chat,
    genai_openai_reading_t *r);
static int genai_openai_part(genai_chat_t *chat, genai_openai_reading_t *r,
    const genai_cursor_t *value);
static int genai_openai_media(genai_chat_t *chat, genai_part_t *part,
    const genai_value_t *url);
static int genai_openai_calls(genai_chat_t *chat, genai_openai_reading_t *r);
static int genai_openai_call(genai_chat_t *chat, genai_openai_reading_t *r,
    const genai_cursor_t *value);


int
genai_openai_messages(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    int                  rc;
    genai_cursor_iter_t  it;

    (void) data;

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        rc = genai_openai_message(chat, &it.value);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


#define genai_openai_field(field)                                             \
                                                                              \
static int                                                                    \
genai_openai_read_##field(genai_chat_t *chat, const genai_cursor_t *value,    \
    void *data)                                                               \
{                                                                             \
    genai_openai_reading_t *r = data;                                         \
                                                                              \
    (void) chat;                                                              \
    r->field = genai_value_at(value);                                         \
    return GENAI_CHAT_OK;                                                     \
}

genai_openai_field(content)
genai_openai_field(refusal)
genai_openai_field(reasoning)
genai_openai_field(details)
genai_openai_field(calls)
genai_openai_field(call)
genai_openai_field(extra)


static int
genai_openai_read_name(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    genai_openai_reading_t *r = data;

    (void) chat;

    if (r->result) {
        r->result->name = genai_value_at(value);

    } else {
        r->message->name = genai_value_at(value);
    }

    return GENAI_CHAT_OK;
}


static int
genai_openai_read_call_id(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    genai_openai_reading_t *r = data;

    (void) chat;

    if (r->result) {
        r->result->id = genai_value_at(value);
    }

    return GENAI_CHAT_OK;
}


static int
genai_openai_read_audio(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    (void) value;
    (void) data;

    return genai_chat_refuse(chat, "an assistant's earlier audio is kept by "
                             "its provider, and cannot be sent to another "
                             "one");
}


static const genai_chat_field_t  genai_openai_message_fields[] = {
    genai_chat_field("role", NULL),
    genai_chat_field("content", genai_openai_read_content),
    genai_chat_field("refusal", genai_openai_read_refusal),
    genai_chat_field("reasoning_content", genai_openai_read_reasoning),
    genai_chat_field("reasoning", genai_openai_read_reasoning),
    genai_chat_field("reasoning_details", genai_openai_read_details),
    genai_chat_field("tool_calls", genai_openai_read_calls),
    genai_chat_field("function_call", genai_openai_read_call),
    genai_chat_field("extra_content", genai_openai_read_extra),
    genai_chat_field("tool_call_id", genai_openai_read_call_id),
    genai_chat_field("name", genai_openai_read_name),
    genai_chat_field("audio", genai_openai_read_audio),
    genai_chat_field("annotations", NULL),
    genai_chat_field("cache_control", NULL),
    genai_chat_fields_end
};


static int
genai_openai_message(genai_chat_t *chat, const genai_cursor_t *value)
{
    int                      rc;
    size_t                   i;
    genai_part_t            *part;
    genai_value_t            role;
    genai_cursor_t           at;
    genai_message_t         *last;
    genai_openai_reading_t   r;

    static const struct {
        const char    *name;
        genai_role_e   role;
    } roles[] = {
        { "user", GENAI_ROLE_USER },
        { "assistant", GENAI_ROLE_ASSISTANT },
        { "tool", GENAI_ROLE_TOOL },
        { "system", GENAI_ROLE_SYSTEM },
        { "developer", GENAI_ROLE_DEVELOPER },
        { "function", GENAI_ROLE_TOOL }
    };

    memset(&r, 0, sizeof(genai_openai_reading_t));

    if (!genai_chat_find(value, "role", &at)) {
        return genai_chat_refuse(chat, "each message must have a role");
    }

    role = genai_value_at(&at);

    for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (genai_value_is(chat, &role, roles[i].name)) {
            break;
        }
    }

    if (i == sizeof(roles) / sizeof(roles[0])) {
        return genai_chat_refuse(chat, "a message's role must be system, "
                                 "developer, user, assistant or tool");
    }

    if (roles[i].role == GENAI_ROLE_TOOL) {

        /* results that follow each other are one turn */

        last = chat->last_message;

        r.message = (last && last->role == GENAI_ROLE_USER && last->parts
                     && last->parts->kind == GENAI_PART_RESULT)
                    ? last : genai_chat_message(chat, GENAI_ROLE_USER);

        if (r.message == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        r.result = genai_chat_part(chat, r.message, GENAI_PART_RESULT);

        if (r.result == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        r.result->cache = genai_openai_cache(chat, value);

    } else {
        r.message = genai_chat_message(chat, roles[i].role);

        if (r.message == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }
    }

    rc = genai_chat_fields(chat, value, genai_openai_message_fields, &r);

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    if (r.result && r.result->id.kind == GENAI_VALUE_NONE) {

        /* of the older form, where a call is known by its name */

        r.result->id = r.result->name;
    }

    rc = genai_openai_thoughts(chat, &r);

    if (rc == GENAI_CHAT_OK) {
        rc = genai_openai_content(chat, &r);
    }

    if (rc == GENAI_CHAT_OK && r.extra.kind != GENAI_VALUE_NONE) {

        part = r.message->last;

        if (part == NULL || part->kind != GENAI_PART_TEXT) {
            part = genai_chat_part(chat, r.message, GENAI_PART_TEXT);
        }

        if (part == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        genai_openai_extra(part, &r.extra.at);
    }

    if (rc == GENAI_CHAT_OK && r.refusal.kind != GENAI_VALUE_NONE) {

        part = genai_chat_part(chat, r.message, GENAI_PART_REFUSAL);
        if (part == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        part->text = r.refusal;
    }

    if (rc == GENAI_CHAT_OK) {
        rc = genai_openai_calls(chat, &r);
    }

    if (rc == GENAI_CHAT_OK && r.result == NULL && r.message->parts) {

        /* a mark of the whole message stands behind its last part */

        part = r.message->last;

        if (part->cache == GENAI_CACHE_NONE) {
            part->cache = genai_openai_cache(chat, value);
        }
    }

    return rc;
}


/* what Google has for signatures of calls and texts */

static void
genai_openai_extra(genai_part_t *part, const genai_cursor_t *extra)
{
    genai_cursor_t  at, inner;

    if (genai_chat_find(extra, "google", &at)
        && genai_chat_find(&at, "thought_signature", &inner))
    {
        part->signature = genai_value_at(&inner);
        part->signer = &genai_gemini;
    }
}


/*
 * Those that are signed are in the list, which says all that the text does;
 * but in a stream the text may have gone out before anybody knew that it
 * would be signed, and the list has the signature alone.
 */

static int
genai_openai_thoughts(genai_chat_t *chat, genai_openai_reading_t *r)
{
    unsigned              open, told;
    genai_str_t           name;
    genai_part_t         *part, *bare;
    genai_value_t         type, format;
    genai_cursor_t        at;
    genai_cursor_iter_t   it;

    if (r->details.kind == GENAI_VALUE_NONE) {

        if (r->reasoning.kind == GENAI_VALUE_NONE
            || !genai_value_is_string(&r->reasoning))
        {
            return GENAI_CHAT_OK;
        }

        part = genai_chat_part(chat, r->message, GENAI_PART_REASONING);
        if (part == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        part->text = r->reasoning;

        return GENAI_CHAT_OK;
    }

    bare = NULL;
    open = 0;
    told = 0;

    genai_cursor_iter(&it, &r->details.at);

    while (genai_cursor_next(&it) == 1) {

        if (!genai_chat_find(&it.value, "type", &at)) {
            continue;
        }

        type = genai_value_at(&at);

        part = genai_chat_part(chat, r->message, GENAI_PART_REASONING);
        if (part == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        part->sealed = genai_value_is(chat, &type, "reasoning.encrypted");

        if (genai_chat_find(&it.value, "text", &at)
            || genai_chat_find(&it.value, "summary", &at))
        {
            part->text = genai_value_at(&at);
            told = 1;

        } else if (!part->sealed) {
            bare = part;
            open++;
        }

        if (genai_chat_find(&it.value, "id", &at)) {
            part->id = genai_value_at(&at);
        }

        if (part->sealed ? genai_chat_find(&it.value, "data", &at)
                         : genai_chat_find(&it.value, "signature", &at))
        {
            part->signature = genai_value_at(&at);
        }

        if (genai_chat_find(&it.value, "format", &at)) {
            format = genai_value_at(&at);

            if (genai_value_decode(chat, &format, &name) != 0) {
                return GENAI_CHAT_NO_MEMORY;
            }

            part->signer = genai_chat_signer(&name);
        }
    }

    if (open == 1 && !told && genai_value_is_string(&r->reasoning)) {
        bare->text = r->reasoning;
    }

    return GENAI_CHAT_OK;
}


static genai_part_t *
genai_openai_add(genai_chat_t *chat, genai_openai_reading_t *r,
    genai_part_e kind)
{
    return r->result ? genai_chat_subpart(chat, r->result, kind)
                     : genai_chat_part(chat, r->message, kind);
}


static int
genai_openai_content(genai_chat_t *chat, genai_openai_reading_t *r)
{
    int                  rc;
    genai_part_t        *part;
    genai_cursor_iter_t  it;

    if (r->content.kind == GENAI_VALUE_NONE) {
        return GENAI_CHAT_OK;
    }

    if (genai_value_is_string(&r->content)) {

        part = genai_openai_add(chat, r, GENAI_PART_TEXT);
        if (part == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        part->text = r->content;

        return GENAI_CHAT_OK;
    }

    if (genai_cursor_type(&r->content.at) != GENAI_TAPE_ARRAY) {
        return genai_chat_refuse(chat, "a message's content must be a string "
                                 "or a list of parts");
    }

    genai_cursor_iter(&it, &r->content.at);

    while (genai_cursor_next(&it) == 1) {

        rc = genai_openai_part(chat, r, &it.value);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_openai_part(genai_chat_t *chat, genai_openai_reading_t *r,
    const genai_cursor_t *value)
{
    size_t          i;
    genai_str_t     name;
    genai_part_t   *part;
    genai_value_t   type, url, format;
    genai_cursor_t  at, inner;

    static const struct {
        const char     *type;
        const char     *member;
        genai_part_e    kind;
    } kinds[] = {
        { "text", "text", GENAI_PART_TEXT },
        { "image_url", "image_url", GENAI_PART_IMAGE },
        { "input_audio", "input_audio", GENAI_PART_AUDIO },
        { "video_url", "video_url", GENAI_PART_VIDEO },
        { "file", "file", GENAI_PART_FILE },
        { "refusal", "refusal", GENAI_PART_REFUSAL }
    };

    if (!genai_chat_find(value, "type", &at)) {
        return genai_chat_refuse(chat, "each part of a content must have a "
                                 "type");
    }

    type = genai_value_at(&at);

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (genai_value_is(chat, &type, kinds[i].type)) {
            break;
        }
    }

    if (i == sizeof(kinds) / sizeof(kinds[0])
        || !genai_chat_member(value, kinds[i].member,
                              strlen(kinds[i].member), &at))
    {
        if (genai_value_decode(chat, &type, &name) != 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        return genai_chat_refuse(chat, "a part of type \"%.*s\" cannot be "
                                 "sent to a provider of another API",
                                 (int) (name.len < 64 ? name.len : 64),
                                 name.data);
    }

    part = genai_openai_add(chat, r, kinds[i].kind);
    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    part->cache = genai_openai_cache(chat, value);

    switch (part->kind) {

    case GENAI_PART_TEXT:
    case GENAI_PART_REFUSAL:
        part->text = genai_value_at(&at);
        return GENAI_CHAT_OK;

    case GENAI_PART_IMAGE:
    case GENAI_PART_VIDEO:

        if (genai_chat_find(&at, "detail", &inner)) {
            part->detail = genai_value_at(&inner);
        }

        if (genai_chat_find(&at, "url", &inner)) {
            at = inner;
        }

        url = genai_value_at(&at);

        return genai_openai_media(chat, part, &url);

    case GENAI_PART_AUDIO:

        if (!genai_chat_find(&at, "data", &inner)) {
            return genai_chat_refuse(chat, "input_audio must have data");
        }

        part->text = genai_value_at(&inner);
        memset(&format, 0, sizeof(genai_value_t));

        if (genai_chat_find(&at, "format", &inner)) {
            format = genai_value_at(&inner);
        }

        name.data = (unsigned char *)
                    (genai_value_is(chat, &format, "mp3") ? "audio/mpeg"
                                                          : "audio/wav");
        name.len = strlen((char *) name.data);
        part->type = genai_value_text(&name);

        return GENAI_CHAT_OK;

    default:

        if (genai_chat_find(&at, "filename", &inner)) {
            part->name = genai_value_at(&inner);
        }

        if (genai_chat_find(&at, "file_data", &inner)) {
            url = genai_value_at(&inner);

            return genai_openai_media(chat, part, &url);
        }

        return genai_chat_refuse(chat, "a file that another provider keeps "
                                 "cannot be sent: send its file_data");
    }
}


static int
genai_openai_media(genai_chat_t *chat, genai_part_t *part,
    const genai_value_t *url)
{
    int  rc;

    if (!genai_value_is_string(url)) {
        return genai_chat_refuse(chat, "an image or a file must be a URL or a "
                                 "data URL");
    }

    rc = genai_chat_data_url(chat, url, &part->type, &part->text);

    switch (rc) {

    case 0:
        part->source = GENAI_SOURCE_URL;
        part->text = *url;
        return genai_chat_url(chat, url);

    case GENAI_CHAT_REFUSED:
        return genai_chat_refuse(chat, "a data URL is not base64");

    case GENAI_CHAT_NO_MEMORY:
        return rc;

    default:
        part->source = GENAI_SOURCE_DATA;
        return GENAI_CHAT_OK;
    }
}


static int
genai_openai_calls(genai_chat_t *chat, genai_openai_reading_t *r)
{
    int                  rc;
    genai_part_t        *part;
    genai_cursor_t       at;
    genai_cursor_iter_t  it;

    if (r->calls.kind != GENAI_VALUE_NONE) {
        genai_cursor_iter(&it, &r->calls.at);

        while (genai_cursor_next(&it) == 1) {

            rc = genai_openai_call(chat, r, &it.value);

            if (rc != GENAI_CHAT_OK) {
                return rc;
            }
        }
    }

    if (r->call.kind == GENAI_VALUE_NONE) {
        return GENAI_CHAT_OK;
    }

    /* the older form has no ids: there is one call a turn, so its name does */

    part = genai_chat_part(chat, r->message, GENAI_PART_CALL);
    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (genai_chat_find(&r->call.at, "name", &at)) {
        part->name = genai_value_at(&at);
        part->id = part->name;
    }

    if (genai_chat_find(&r->call.at, "arguments", &at)) {
        part->text = genai_value_at(&at);
    }

    return GENAI_CHAT_OK;
}


static int
genai_openai_call(genai_chat_t *chat, genai_openai_reading_t *r,
    const genai_cursor_t *value)
{
    genai_part_t   *part;
    genai_cursor_t  at, inner;

    part = genai_chat_part(chat, r->message, GENAI_PART_CALL);
    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (genai_chat_find(value, "id", &at)) {
        part->id = genai_value_at(&at);
    }

    part->cache = genai_openai_cache(chat, value);

    if (genai_chat_find(value, "extra_content", &at)) {
        genai_openai_extra(part, &at);
    }

    if (genai_chat_find(value, "custom", &at)) {
        part->custom = 1;

    } else if (!genai_chat_find(value, "function", &at)) {
        return genai_chat_refuse(chat, "a tool call must have a function");
    }

    if (genai_chat_find(&at, "name", &inner)) {
        part->name = genai_value_at(&inner);
    }

    if (part->custom ? genai_chat_find(&at, "input", &inner)
                     : genai_chat_find(&at, "arguments", &inner))
    {
        part->text = genai_value_at(&inner);
    }

    return GENAI_CHAT_OK;
}


genai_cache_e
genai_openai_cache(genai_chat_t *chat, const genai_cursor_t *part)
{
    genai_value_t   ttl;
    genai_cursor_t  at, inner;

    if (!genai_chat_find(part, "cache_control", &at)) {
        return GENAI_CACHE_NONE;
    }

    if (genai_chat_find(&at, "ttl", &inner)) {
        ttl = genai_value_at(&inner);

        if (genai_value_is(chat, &ttl, "1h")) {
            return GENAI_CACHE_1H;
        }
    }

    return GENAI_CACHE_5M;
}
