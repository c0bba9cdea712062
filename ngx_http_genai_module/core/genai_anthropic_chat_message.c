/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads the messages of Anthropic's requests for a translation.
 */


#include "genai_anthropic_chat_int.h"


/* where a block is put: in a message, or in a result that is a part of one */

typedef struct {
    genai_message_t  *message;
    genai_part_t     *result;
    genai_part_t     *marks;        /* its parts sign calls, wherever these
                                       stand in the message */
} genai_anthropic_place_t;


static int genai_acm_message(genai_chat_t *chat, const genai_cursor_t *value);
static int genai_acm_content(genai_chat_t *chat,
    const genai_anthropic_place_t *place, const genai_cursor_t *value);
static int genai_acm_block(genai_chat_t *chat,
    const genai_anthropic_place_t *place, const genai_cursor_t *value);
static int genai_acm_text(genai_chat_t *chat,
    const genai_anthropic_place_t *place, const genai_cursor_t *value);
static int genai_acm_media(genai_chat_t *chat,
    const genai_anthropic_place_t *place, const genai_cursor_t *value,
    genai_part_e kind);
static int genai_acm_call(genai_chat_t *chat,
    const genai_anthropic_place_t *place, const genai_cursor_t *value);
static int genai_acm_result(genai_chat_t *chat,
    const genai_anthropic_place_t *place, const genai_cursor_t *value);
static int genai_acm_thought(genai_chat_t *chat,
    const genai_anthropic_place_t *place, const genai_cursor_t *value,
    unsigned sealed);
static genai_part_t *genai_acm_add(genai_chat_t *chat,
    const genai_anthropic_place_t *place, genai_part_e kind);


int
genai_anthropic_system(genai_chat_t *chat, const genai_cursor_t *value)
{
    genai_anthropic_place_t  place;

    memset(&place, 0, sizeof(genai_anthropic_place_t));
    place.message = genai_chat_message(chat, GENAI_ROLE_SYSTEM);

    if (place.message == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    return genai_acm_content(chat, &place, value);
}


int
genai_anthropic_messages(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    int                  rc;
    genai_cursor_iter_t  it;

    (void) data;

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        rc = genai_acm_message(chat, &it.value);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_acm_message(genai_chat_t *chat, const genai_cursor_t *value)
{
    int                      rc;
    genai_part_t             marks;
    genai_role_e             role;
    genai_value_t            v;
    genai_cursor_t           at;
    genai_anthropic_place_t  place;

    role = GENAI_ROLE_NONE;

    if (genai_chat_find(value, "role", &at)) {
        v = genai_value_at(&at);

        role = genai_value_is(chat, &v, "user") ? GENAI_ROLE_USER
               : genai_value_is(chat, &v, "assistant") ? GENAI_ROLE_ASSISTANT
               : genai_value_is(chat, &v, "system") ? GENAI_ROLE_SYSTEM
               : GENAI_ROLE_NONE;
    }

    if (role == GENAI_ROLE_NONE) {
        return genai_chat_refuse(chat, "a message's role must be user, "
                                 "assistant or system");
    }

    memset(&marks, 0, sizeof(genai_part_t));

    place.marks = &marks;
    place.result = NULL;
    place.message = genai_chat_message(chat, role);

    if (place.message == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (!genai_chat_find(value, "content", &at)) {
        return GENAI_CHAT_OK;
    }

    rc = genai_acm_content(chat, &place, &at);

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    return genai_chat_sign_calls(chat, place.message, &marks);
}


static int
genai_acm_content(genai_chat_t *chat, const genai_anthropic_place_t *place,
    const genai_cursor_t *value)
{
    int                   rc;
    genai_part_t         *part;
    genai_cursor_iter_t   it;

    switch (genai_cursor_type(value)) {

    case GENAI_TAPE_STRING:
        part = genai_acm_add(chat, place, GENAI_PART_TEXT);
        if (part == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        part->text = genai_value_at(value);

        return GENAI_CHAT_OK;

    case GENAI_TAPE_ARRAY:
        break;

    default:
        return genai_chat_refuse(chat, "a content must be a string or a list "
                                 "of blocks");
    }

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        rc = genai_acm_block(chat, place, &it.value);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_acm_block(genai_chat_t *chat, const genai_anthropic_place_t *place,
    const genai_cursor_t *value)
{
    genai_str_t      type;
    genai_part_t    *part;
    genai_value_t    v;
    genai_cursor_t   at;

    if (!genai_chat_find(value, "type", &at)) {
        return genai_chat_refuse(chat, "each block of a content must have a "
                                 "type");
    }

    v = genai_value_at(&at);

    if (genai_value_decode(chat, &v, &type) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (genai_str_is(&type, "text")) {
        return genai_acm_text(chat, place, value);
    }

    if (genai_str_is(&type, "image")) {
        return genai_acm_media(chat, place, value, GENAI_PART_IMAGE);
    }

    if (genai_str_is(&type, "document")) {
        return genai_acm_media(chat, place, value, GENAI_PART_FILE);
    }

    if (place->result == NULL) {

        if (genai_str_is(&type, "tool_use")) {
            return genai_acm_call(chat, place, value);
        }

        if (genai_str_is(&type, "tool_result")) {
            return genai_acm_result(chat, place, value);
        }

        if (genai_str_is(&type, "thinking")) {
            return genai_acm_thought(chat, place, value, 0);
        }

        if (genai_str_is(&type, "redacted_thinking")) {
            return genai_acm_thought(chat, place, value, 1);
        }
    }

    part = genai_acm_add(chat, place, GENAI_PART_OTHER);
    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    part->text = genai_value_at(value);

    return GENAI_CHAT_OK;
}


static int
genai_acm_text(genai_chat_t *chat, const genai_anthropic_place_t *place,
    const genai_cursor_t *value)
{
    genai_part_t    *part;
    genai_cursor_t   at;

    if (!genai_chat_find(value, "text", &at)
        || genai_cursor_type(&at) != GENAI_TAPE_STRING)
    {
        return genai_chat_refuse(chat, "a text block must have a text");
    }

    part = genai_acm_add(chat, place, GENAI_PART_TEXT);
    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    part->text = genai_value_at(&at);
    part->cache = genai_anthropic_cache(chat, value);

    if (genai_chat_find(value, "citations", &at)) {
        genai_chat_dropped(chat, "citations");
    }

    return GENAI_CHAT_OK;
}


static int
genai_acm_media(genai_chat_t *chat, const genai_anthropic_place_t *place,
    const genai_cursor_t *value, genai_part_e kind)
{
    int              rc;
    genai_part_t    *part;
    genai_value_t    type;
    genai_cursor_t   at, source;

    /* what is said about a document is said to the model */

    if (kind == GENAI_PART_FILE && genai_chat_find(value, "context", &at)) {

        part = genai_acm_add(chat, place, GENAI_PART_TEXT);
        if (part == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        part->text = genai_value_at(&at);
    }

    part = genai_acm_add(chat, place, kind);
    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    part->cache = genai_anthropic_cache(chat, value);

    if (genai_chat_find(value, "title", &at)) {
        part->name = genai_value_at(&at);
    }

    if (genai_chat_find(value, "citations", &at)) {
        genai_chat_dropped(chat, "citations");
    }

    if (!genai_chat_find(value, "source", &source)
        || !genai_chat_find(&source, "type", &at))
    {
        return genai_chat_refuse(chat, "an image or a document must have a "
                                 "source with a type");
    }

    type = genai_value_at(&at);

    if (genai_chat_find(&source, "media_type", &at)) {
        part->type = genai_value_at(&at);
    }

    if (genai_value_is(chat, &type, "base64")) {
        part->source = GENAI_SOURCE_DATA;

        if (genai_chat_find(&source, "data", &at)) {
            part->text = genai_value_at(&at);
        }

    } else if (genai_value_is(chat, &type, "url")) {
        part->source = GENAI_SOURCE_URL;

        if (genai_chat_find(&source, "url", &at)) {
            part->text = genai_value_at(&at);

            rc = genai_chat_url(chat, &part->text);

            if (rc != GENAI_CHAT_OK) {
                return rc;
            }
        }

    } else if (genai_value_is(chat, &type, "file")) {
        part->source = GENAI_SOURCE_ID;

        if (genai_chat_find(&source, "file_id", &at)) {
            part->text = genai_value_at(&at);
        }

    } else if (genai_value_is(chat, &type, "text")) {
        part->source = GENAI_SOURCE_TEXT;

        if (genai_chat_find(&source, "data", &at)) {
            part->text = genai_value_at(&at);
        }

    } else if (genai_value_is(chat, &type, "content")
               && genai_chat_find(&source, "content", &at)
               && genai_cursor_type(&at) == GENAI_TAPE_STRING)
    {
        part->source = GENAI_SOURCE_TEXT;
        part->text = genai_value_at(&at);
    }

    if (!genai_value_is_string(&part->text)) {
        return genai_chat_refuse(chat, "an image's or a document's source "
                                 "cannot be sent to a provider of another "
                                 "API: send base64, a URL or a text");
    }

    return GENAI_CHAT_OK;
}


static int
genai_acm_call(genai_chat_t *chat, const genai_anthropic_place_t *place,
    const genai_cursor_t *value)
{
    genai_part_t    *part;
    genai_cursor_t   at;

    part = genai_acm_add(chat, place, GENAI_PART_CALL);
    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    part->cache = genai_anthropic_cache(chat, value);

    if (!genai_chat_find(value, "id", &at)) {
        return genai_chat_refuse(chat, "a tool_use must have an id");
    }

    part->id = genai_value_at(&at);

    if (!genai_chat_find(value, "name", &at)) {
        return genai_chat_refuse(chat, "a tool_use must have a name");
    }

    part->name = genai_value_at(&at);

    if (genai_chat_find(value, "input", &at)) {
        part->text = genai_value_at(&at);
    }

    return GENAI_CHAT_OK;
}


static int
genai_acm_result(genai_chat_t *chat, const genai_anthropic_place_t *place,
    const genai_cursor_t *value)
{
    genai_cursor_t           at;
    genai_anthropic_place_t  inner;

    inner.marks = place->marks;
    inner.message = place->message;
    inner.result = genai_acm_add(chat, place, GENAI_PART_RESULT);

    if (inner.result == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    inner.result->cache = genai_anthropic_cache(chat, value);

    if (!genai_chat_find(value, "tool_use_id", &at)) {
        return genai_chat_refuse(chat, "a tool_result must have a "
                                 "tool_use_id");
    }

    inner.result->id = genai_value_at(&at);

    if (genai_chat_find(value, "is_error", &at)) {
        inner.result->error = (genai_chat_bool(&at) == 1);
    }

    /* without a content it is an empty one */

    return genai_chat_find(value, "content", &at)
           ? genai_acm_content(chat, &inner, &at) : GENAI_CHAT_OK;
}


static int
genai_acm_thought(genai_chat_t *chat, const genai_anthropic_place_t *place,
    const genai_cursor_t *value, unsigned sealed)
{
    genai_str_t      what, text;
    genai_part_t    *part, *last, sign;
    genai_cursor_t   at;

    if (place->marks == NULL) {
        return genai_chat_refuse(chat, "instructions can have no thoughts");
    }

    memset(&sign, 0, sizeof(genai_part_t));
    memset(&what, 0, sizeof(genai_str_t));

    if (sealed ? genai_chat_find(value, "data", &at)
               : genai_chat_find(value, "signature", &at))
    {
        sign.signature = genai_value_at(&at);
        sign.signer = chat->dialect;

        if (genai_value_decode(chat, &sign.signature, &text) != 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        if (text.len == 0) {
            memset(&sign, 0, sizeof(genai_part_t));

        } else if (genai_chat_unmark(&sign, &text, &what) != 0) {
            return genai_chat_refuse(chat, "a thought's signature has been "
                                     "changed");
        }
    }

    /* that of the call of its id */

    if (genai_str_is(&what, "call") && sign.id.kind != GENAI_VALUE_NONE) {

        part = genai_chat_subpart(chat, place->marks, GENAI_PART_OTHER);
        if (part == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        part->id = sign.id;
        part->signature = sign.signature;
        part->signer = sign.signer;

        return GENAI_CHAT_OK;
    }

    /* that of a call or a text, which it stands behind */

    if (genai_str_is(&what, "call") || genai_str_is(&what, "text")) {

        last = place->message->last;

        if (last && last->kind == (genai_str_is(&what, "call")
                                   ? GENAI_PART_CALL : GENAI_PART_TEXT))
        {
            last->signature = sign.signature;
            last->signer = sign.signer;
        }

        return GENAI_CHAT_OK;
    }

    part = genai_acm_add(chat, place, GENAI_PART_REASONING);
    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    part->sealed = sealed;
    part->signature = sign.signature;
    part->signer = sign.signer;
    part->id = sign.id;

    if (!sealed && genai_chat_find(value, "thinking", &at)) {
        part->text = genai_value_at(&at);
    }

    return GENAI_CHAT_OK;
}


static genai_part_t *
genai_acm_add(genai_chat_t *chat, const genai_anthropic_place_t *place,
    genai_part_e kind)
{
    return place->result ? genai_chat_subpart(chat, place->result, kind)
                         : genai_chat_part(chat, place->message, kind);
}
