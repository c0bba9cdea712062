/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads the items of the Responses API's requests for a translation.
 *
 * What the model said since the user spoke, or a tool answered, is one turn:
 * its thoughts, texts and calls, in their order, are the parts of one message.
 * Outputs of tools that follow each other are one turn of the user's.
 */


#include "genai_dialect.h"
#include "genai_responses_encode.h"
#include "genai_responses_chat_int.h"


static int genai_rc_item(genai_chat_t *chat, const genai_cursor_t *value);
static int genai_rc_message(genai_chat_t *chat, const genai_cursor_t *value);
static int genai_rc_call(genai_chat_t *chat, const genai_cursor_t *value,
    unsigned custom);
static int genai_rc_output(genai_chat_t *chat, const genai_cursor_t *value);
static int genai_rc_reasoning(genai_chat_t *chat,
    const genai_cursor_t *value);
static int genai_rc_thought(genai_chat_t *chat, const genai_cursor_t *value,
    genai_value_t *text);
static int genai_rc_sealed(genai_chat_t *chat, genai_message_t *m,
    genai_value_t *text, const genai_cursor_t *value);
static int genai_rc_server(genai_chat_t *chat, const genai_cursor_t *value);
static int genai_rc_content(genai_chat_t *chat, genai_message_t *m,
    genai_part_t *result, const genai_cursor_t *value);
static int genai_rc_part(genai_chat_t *chat, genai_part_t *part,
    const genai_cursor_t *value);
static int genai_rc_media(genai_chat_t *chat, genai_part_t *part,
    const genai_cursor_t *value, const char *otherwise);
static genai_message_t *genai_rc_assistant(genai_chat_t *chat);


int
genai_rc_input(genai_chat_t *chat, const genai_cursor_t *value, void *data)
{
    int                   rc;
    genai_part_t         *part;
    genai_message_t      *m;
    genai_cursor_iter_t   it;

    (void) data;

    if (genai_cursor_type(value) == GENAI_TAPE_STRING) {
        m = genai_chat_message(chat, GENAI_ROLE_USER);
        part = m ? genai_chat_part(chat, m, GENAI_PART_TEXT) : NULL;

        if (part == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        part->text = genai_value_at(value);

        return GENAI_CHAT_OK;
    }

    if (genai_cursor_type(value) != GENAI_TAPE_ARRAY) {
        return genai_chat_refuse(chat, "input must be a string or a list of "
                                 "items");
    }

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        rc = genai_rc_item(chat, &it.value);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_rc_item(genai_chat_t *chat, const genai_cursor_t *value)
{
    genai_str_t     name;
    genai_value_t   type;
    genai_cursor_t  at;

    static const char *const  message[] = { "message", NULL };
    static const char *const  call[] = { "function_call", NULL };
    static const char *const  custom[] = { "custom_tool_call", NULL };
    static const char *const  reasoning[] = { "reasoning", NULL };
    static const char *const  reference[] = { "item_reference", NULL };

    static const char *const  output[] = {
        "function_call_output", "custom_tool_call_output", NULL
    };

    /* what a provider's own tools have left, which is theirs to read */

    static const char *const  server[] = {
        "web_search_call", "file_search_call", "code_interpreter_call",
        "image_generation_call", "mcp_call", "mcp_list_tools", NULL
    };

    if (!genai_chat_find(value, "type", &at)) {

        return genai_chat_find(value, "role", &at)
               ? genai_rc_message(chat, value)
               : genai_chat_refuse(chat, "each item of the input must have a "
                                   "type");
    }

    if (genai_rc_is(chat, &at, message)) {
        return genai_rc_message(chat, value);
    }

    if (genai_rc_is(chat, &at, call)) {
        return genai_rc_call(chat, value, 0);
    }

    if (genai_rc_is(chat, &at, custom)) {
        return genai_rc_call(chat, value, 1);
    }

    if (genai_rc_is(chat, &at, output)) {
        return genai_rc_output(chat, value);
    }

    if (genai_rc_is(chat, &at, reasoning)) {
        return genai_rc_reasoning(chat, value);
    }

    if (genai_rc_is(chat, &at, server)) {
        return genai_rc_server(chat, value);
    }

    if (genai_rc_is(chat, &at, reference)) {
        return genai_chat_refuse(chat, "an item_reference is to what another "
                                 "provider keeps: send the item itself");
    }

    type = genai_value_at(&at);

    if (genai_value_decode(chat, &type, &name) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    return genai_chat_refuse(chat, "an item of type \"%.*s\" cannot be sent "
                             "to a provider of another API",
                             (int) (name.len < 64 ? name.len : 64), name.data);
}


static int
genai_rc_message(genai_chat_t *chat, const genai_cursor_t *value)
{
    size_t            i;
    genai_value_t     role;
    genai_cursor_t    at;
    genai_message_t  *m;

    static const struct {
        const char    *name;
        genai_role_e   role;
    } roles[] = {
        { "user", GENAI_ROLE_USER },
        { "assistant", GENAI_ROLE_ASSISTANT },
        { "system", GENAI_ROLE_SYSTEM },
        { "developer", GENAI_ROLE_DEVELOPER }
    };

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
                                 "developer, user or assistant");
    }

    m = (roles[i].role == GENAI_ROLE_ASSISTANT)
        ? genai_rc_assistant(chat) : genai_chat_message(chat, roles[i].role);

    if (m == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    return genai_chat_find(value, "content", &at)
           ? genai_rc_content(chat, m, NULL, &at) : GENAI_CHAT_OK;
}


static int
genai_rc_call(genai_chat_t *chat, const genai_cursor_t *value,
    unsigned custom)
{
    genai_part_t     *part;
    genai_cursor_t    at;
    genai_message_t  *m;

    m = genai_rc_assistant(chat);
    part = m ? genai_chat_part(chat, m, GENAI_PART_CALL) : NULL;

    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    part->custom = custom;

    if (!genai_chat_find(value, "call_id", &at)) {
        return genai_chat_refuse(chat, "a call must have a call_id");
    }

    part->id = genai_value_at(&at);

    if (!genai_chat_find(value, "name", &at)) {
        return genai_chat_refuse(chat, "a call must have a name");
    }

    part->name = genai_value_at(&at);

    if (custom ? genai_chat_find(value, "input", &at)
               : genai_chat_find(value, "arguments", &at))
    {
        part->text = genai_value_at(&at);
    }

    return GENAI_CHAT_OK;
}


static int
genai_rc_output(genai_chat_t *chat, const genai_cursor_t *value)
{
    genai_part_t     *result;
    genai_cursor_t    at;
    genai_message_t  *m;

    m = chat->last_message;

    if (m == NULL || m->role != GENAI_ROLE_USER || m->parts == NULL
        || m->parts->kind != GENAI_PART_RESULT)
    {
        m = genai_chat_message(chat, GENAI_ROLE_USER);
    }

    result = m ? genai_chat_part(chat, m, GENAI_PART_RESULT) : NULL;

    if (result == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (!genai_chat_find(value, "call_id", &at)) {
        return genai_chat_refuse(chat, "an output must have a call_id");
    }

    result->id = genai_value_at(&at);

    return genai_chat_find(value, "output", &at)
           ? genai_rc_content(chat, NULL, result, &at) : GENAI_CHAT_OK;
}


/* a thought can be read as its summary, or as itself; or by its maker alone */

static int
genai_rc_reasoning(genai_chat_t *chat, const genai_cursor_t *value)
{
    int               rc;
    genai_part_t     *part;
    genai_value_t     text;
    genai_cursor_t    at;
    genai_message_t  *m;

    memset(&text, 0, sizeof(genai_value_t));

    rc = genai_chat_find(value, "summary", &at)
         ? genai_rc_thought(chat, &at, &text) : GENAI_CHAT_OK;

    if (rc == GENAI_CHAT_OK && text.kind == GENAI_VALUE_NONE
        && genai_chat_find(value, "content", &at))
    {
        rc = genai_rc_thought(chat, &at, &text);
    }

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    if (genai_chat_find(value, "encrypted_content", &at)) {
        m = genai_rc_assistant(chat);

        return m ? genai_rc_sealed(chat, m, &text, &at)
                 : GENAI_CHAT_NO_MEMORY;
    }

    if (text.kind == GENAI_VALUE_NONE) {

        /* an id of what another provider keeps, if it does */

        genai_chat_dropped(chat, "reasoning item");
        return GENAI_CHAT_OK;
    }

    m = genai_rc_assistant(chat);
    part = m ? genai_chat_part(chat, m, GENAI_PART_REASONING) : NULL;

    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    part->text = text;

    return GENAI_CHAT_OK;
}


/* the parts become one text; a single one stays where it is */

static int
genai_rc_thought(genai_chat_t *chat, const genai_cursor_t *value,
    genai_value_t *text)
{
    genai_str_t           s;
    genai_value_t         v;
    genai_cursor_t        at;
    genai_cursor_iter_t   it;
    genai_writer_arena_t  to;

    memset(&to, 0, sizeof(genai_writer_arena_t));
    to.arena = chat->arena;

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        if (!genai_chat_find(&it.value, "text", &at)
            || genai_cursor_type(&at) != GENAI_TAPE_STRING)
        {
            continue;
        }

        if (text->kind == GENAI_VALUE_NONE) {
            *text = genai_value_at(&at);
            continue;
        }

        if (text->kind == GENAI_VALUE_AT) {

            if (genai_value_decode(chat, text, &s) != 0
                || genai_writer_arena(&to, s.data, s.len) != 0)
            {
                return GENAI_CHAT_NO_MEMORY;
            }
        }

        v = genai_value_at(&at);

        if (genai_value_decode(chat, &v, &s) != 0
            || genai_writer_arena(&to, (unsigned char *) "\n\n", 2) != 0
            || genai_writer_arena(&to, s.data, s.len) != 0)
        {
            return GENAI_CHAT_NO_MEMORY;
        }

        *text = genai_value_text(&to.text);
    }

    return GENAI_CHAT_OK;
}


/* what is ours, or what our encoders have sealed in it of another's */

static int
genai_rc_sealed(genai_chat_t *chat, genai_message_t *m, genai_value_t *text,
    const genai_cursor_t *value)
{
    size_t                  n;
    genai_str_t             s, maker, kind, id;
    genai_part_t           *part;
    genai_value_t           v;
    unsigned char          *p, *last;
    const genai_dialect_t  *signer;

    static const genai_str_t  prefix = genai_str(GENAI_RESPONSES_FOREIGN);

    v = genai_value_at(value);

    if (genai_value_decode(chat, &v, &s) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    signer = &genai_responses;
    memset(&kind, 0, sizeof(genai_str_t));
    kind = (genai_str_t) genai_str("sealed");

    if (s.len > prefix.len && memcmp(s.data, prefix.data, prefix.len) == 0) {

        p = s.data + prefix.len;
        last = s.data + s.len;

        maker.data = p;
        p = memchr(p, '.', last - p);
        kind.data = p ? p + 1 : last;
        maker.len = p ? (size_t) (p - maker.data) : 0;

        p = memchr(kind.data, ':', last - kind.data);
        kind.len = p ? (size_t) (p - kind.data) : 0;
        s.data = p ? p + 1 : last;
        s.len = last - s.data;

        signer = genai_dialect_by_name(&maker);

        if (genai_str_is(&kind, "call") || genai_str_is(&kind, "text")) {

            id.data = s.data;
            id.len = 0;

            if (kind.data[0] == 'c') {

                /* a signature has no colon, an id may have some */

                for (n = s.len; n && s.data[n - 1] != ':'; n--) {
                    /* void */
                }

                id.len = n ? n - 1 : 0;
                s.data += n;
                s.len -= n;
            }

            return genai_chat_sign(chat, m, signer,
                                   kind.data[0] == 'c' ? &id : NULL, &s);
        }
    }

    part = genai_chat_part(chat, m, GENAI_PART_REASONING);
    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    part->text = *text;
    part->signer = signer;
    part->sealed = genai_str_is(&kind, "sealed");
    part->signature = genai_value_text(&s);

    return GENAI_CHAT_OK;
}


static int
genai_rc_server(genai_chat_t *chat, const genai_cursor_t *value)
{
    genai_part_t     *part;
    genai_message_t  *m;

    m = genai_rc_assistant(chat);
    part = m ? genai_chat_part(chat, m, GENAI_PART_OTHER) : NULL;

    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    part->text = genai_value_at(value);

    return GENAI_CHAT_OK;
}


/* of a message, or of the result where there is one */

static int
genai_rc_content(genai_chat_t *chat, genai_message_t *m, genai_part_t *result,
    const genai_cursor_t *value)
{
    int                   rc;
    genai_part_t         *part;
    genai_cursor_iter_t   it;

    switch (genai_cursor_type(value)) {

    case GENAI_TAPE_STRING:
        part = result ? genai_chat_subpart(chat, result, GENAI_PART_TEXT)
                      : genai_chat_part(chat, m, GENAI_PART_TEXT);

        if (part == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        part->text = genai_value_at(value);

        return GENAI_CHAT_OK;

    case GENAI_TAPE_ARRAY:
        break;

    default:
        return genai_chat_refuse(chat, "%s must be a string or a list of "
                                 "parts", result ? "output" : "content");
    }

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        part = result ? genai_chat_subpart(chat, result, GENAI_PART_TEXT)
                      : genai_chat_part(chat, m, GENAI_PART_TEXT);

        if (part == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        rc = genai_rc_part(chat, part, &it.value);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_rc_part(genai_chat_t *chat, genai_part_t *part,
    const genai_cursor_t *value)
{
    genai_str_t     name;
    genai_value_t   v;
    genai_cursor_t  type, at, inner;

    static const char *const  text[] = {
        "input_text", "output_text", "text", NULL
    };
    static const char *const  refusal[] = { "refusal", NULL };
    static const char *const  image[] = { "input_image", NULL };
    static const char *const  audio[] = { "input_audio", NULL };
    static const char *const  file[] = { "input_file", NULL };
    static const char *const  mp3[] = { "mp3", NULL };

    if (!genai_chat_find(value, "type", &type)) {
        return genai_chat_refuse(chat, "each part of a content must have a "
                                 "type");
    }

    if (genai_rc_is(chat, &type, text) && genai_chat_find(value, "text", &at))
    {
        part->text = genai_value_at(&at);
        return GENAI_CHAT_OK;
    }

    if (genai_rc_is(chat, &type, refusal)
        && genai_chat_find(value, "refusal", &at))
    {
        part->kind = GENAI_PART_REFUSAL;
        part->text = genai_value_at(&at);
        return GENAI_CHAT_OK;
    }

    if (genai_rc_is(chat, &type, image)) {
        part->kind = GENAI_PART_IMAGE;

        if (genai_chat_find(value, "detail", &at)) {
            part->detail = genai_value_at(&at);
        }

        if (genai_chat_find(value, "image_url", &at)) {
            return genai_rc_media(chat, part, &at, NULL);
        }

        if (genai_chat_find(value, "file_id", &at)) {
            part->source = GENAI_SOURCE_ID;
            part->text = genai_value_at(&at);
            return GENAI_CHAT_OK;
        }

        return genai_chat_refuse(chat, "input_image must have an image_url");
    }

    if (genai_rc_is(chat, &type, audio)) {

        if (!genai_chat_find(value, "input_audio", &at)
            || !genai_chat_find(&at, "data", &inner))
        {
            return genai_chat_refuse(chat, "input_audio must have data");
        }

        part->kind = GENAI_PART_AUDIO;
        part->text = genai_value_at(&inner);

        name = (genai_chat_find(&at, "format", &inner)
                && genai_rc_is(chat, &inner, mp3))
               ? (genai_str_t) genai_str("audio/mpeg")
               : (genai_str_t) genai_str("audio/wav");

        part->type = genai_value_text(&name);

        return GENAI_CHAT_OK;
    }

    if (genai_rc_is(chat, &type, file)) {
        part->kind = GENAI_PART_FILE;

        if (genai_chat_find(value, "filename", &at)) {
            part->name = genai_value_at(&at);
        }

        if (genai_chat_find(value, "file_data", &at)) {
            return genai_rc_media(chat, part, &at, "application/pdf");
        }

        if (genai_chat_find(value, "file_url", &at)) {
            return genai_rc_media(chat, part, &at, NULL);
        }

        if (genai_chat_find(value, "file_id", &at)) {
            part->source = GENAI_SOURCE_ID;
            part->text = genai_value_at(&at);
            return GENAI_CHAT_OK;
        }

        return genai_chat_refuse(chat, "input_file must have file_data or a "
                                 "file_url");
    }

    v = genai_value_at(&type);

    if (genai_value_decode(chat, &v, &name) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    return genai_chat_refuse(chat, "a part of type \"%.*s\" cannot be sent to "
                             "a provider of another API",
                             (int) (name.len < 64 ? name.len : 64), name.data);
}


/* otherwise: what it is of where it is base64 and no URL */

static int
genai_rc_media(genai_chat_t *chat, genai_part_t *part,
    const genai_cursor_t *value, const char *otherwise)
{
    genai_str_t    type;
    genai_value_t  url;

    url = genai_value_at(value);

    if (!genai_value_is_string(&url)) {
        return genai_chat_refuse(chat, "an image or a file must be a URL or a "
                                 "data URL");
    }

    switch (genai_chat_data_url(chat, &url, &part->type, &part->text)) {

    case 0:
        part->text = url;

        if (otherwise) {
            type.data = (unsigned char *) otherwise;
            type.len = strlen(otherwise);
            part->type = genai_value_text(&type);

            return GENAI_CHAT_OK;
        }

        part->source = GENAI_SOURCE_URL;

        return genai_chat_url(chat, &url);

    case GENAI_CHAT_REFUSED:
        return genai_chat_refuse(chat, "a data URL is not base64");

    case GENAI_CHAT_NO_MEMORY:
        return GENAI_CHAT_NO_MEMORY;

    default:
        return GENAI_CHAT_OK;
    }
}


/* the turn that the model is in, or a new one; NULL: no memory */

static genai_message_t *
genai_rc_assistant(genai_chat_t *chat)
{
    genai_message_t  *m;

    m = chat->last_message;

    return (m && m->role == GENAI_ROLE_ASSISTANT)
           ? m : genai_chat_message(chat, GENAI_ROLE_ASSISTANT);
}


int
genai_rc_is(genai_chat_t *chat, const genai_cursor_t *at,
    const char *const *words)
{
    genai_value_t  v;

    v = genai_value_at(at);

    for ( /* void */ ; *words; words++) {
        if (genai_value_is(chat, &v, *words)) {
            return 1;
        }
    }

    return 0;
}
