/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads the contents of Gemini's requests for a translation.
 *
 * Calls and their results need no ids in this dialect: those without get one,
 * by their number in the conversation, so that it stays the same in all its
 * turns.  A result without one is that of the first call of its name that has
 * none yet.
 */


#include "genai_chat_calls.h"
#include "genai_gemini_chat_int.h"

#include <stdio.h>


static int genai_gcc_content(genai_chat_t *chat, const genai_cursor_t *value);
static int genai_gcc_parts(genai_chat_t *chat, genai_message_t *m,
    const genai_cursor_t *value);
static int genai_gcc_part(genai_chat_t *chat, genai_message_t *m,
    const genai_cursor_t *value);
static genai_part_t *genai_gcc_thought(genai_chat_t *chat,
    genai_message_t *m, const genai_value_t *piece);
static int genai_gcc_signature(genai_chat_t *chat, genai_part_t *part,
    const genai_cursor_t *at);
static int genai_gcc_call(genai_chat_t *chat, genai_message_t *m,
    const genai_cursor_t *value, genai_part_t **part);
static int genai_gcc_result(genai_chat_t *chat, genai_message_t *m,
    const genai_cursor_t *value, genai_part_t **part);
static int genai_gcc_pair(genai_chat_t *chat, genai_part_t *result);
static int genai_gcc_response(genai_chat_t *chat, genai_part_t *result,
    const genai_cursor_t *value);
static int genai_gcc_media(genai_chat_t *chat, genai_message_t *m,
    genai_part_t *result, const genai_cursor_t *value, unsigned file,
    genai_part_t **part);


#define genai_gcc_find(object, camel, snake, at)                              \
    (genai_chat_find(object, camel, at) || genai_chat_find(object, snake, at))


int
genai_gemini_system(genai_chat_t *chat, const genai_cursor_t *value)
{
    genai_part_t     *part;
    genai_cursor_t    at;
    genai_message_t  *m;

    m = genai_chat_message(chat, GENAI_ROLE_SYSTEM);
    if (m == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (genai_cursor_type(value) == GENAI_TAPE_STRING) {

        part = genai_chat_part(chat, m, GENAI_PART_TEXT);
        if (part == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        part->text = genai_value_at(value);

        return GENAI_CHAT_OK;
    }

    return genai_chat_find(value, "parts", &at)
           ? genai_gcc_parts(chat, m, &at) : GENAI_CHAT_OK;
}


int
genai_gemini_contents(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    int                  rc;
    genai_cursor_iter_t  it;

    (void) data;

    if (genai_cursor_type(value) == GENAI_TAPE_OBJECT) {
        return genai_gcc_content(chat, value);
    }

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        rc = genai_gcc_content(chat, &it.value);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_gcc_content(genai_chat_t *chat, const genai_cursor_t *value)
{
    genai_role_e      role;
    genai_value_t     v;
    genai_cursor_t    at;
    genai_message_t  *m;

    role = GENAI_ROLE_USER;

    if (genai_chat_find(value, "role", &at)) {
        v = genai_value_at(&at);

        role = genai_value_is(chat, &v, "model") ? GENAI_ROLE_ASSISTANT
               : (genai_value_is(chat, &v, "user")
                  || genai_value_is(chat, &v, "function")
                  || genai_value_is(chat, &v, "tool")
                  || genai_value_is(chat, &v, "")) ? GENAI_ROLE_USER
               : genai_value_is(chat, &v, "system") ? GENAI_ROLE_SYSTEM
               : GENAI_ROLE_NONE;
    }

    if (role == GENAI_ROLE_NONE) {
        return genai_chat_refuse(chat, "a content's role must be user, model "
                                 "or function");
    }

    m = genai_chat_message(chat, role);
    if (m == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    return genai_chat_find(value, "parts", &at)
           ? genai_gcc_parts(chat, m, &at) : GENAI_CHAT_OK;
}


static int
genai_gcc_parts(genai_chat_t *chat, genai_message_t *m,
    const genai_cursor_t *value)
{
    int                  rc;
    genai_cursor_iter_t  it;

    if (genai_cursor_type(value) == GENAI_TAPE_OBJECT) {
        return genai_gcc_part(chat, m, value);
    }

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        rc = genai_gcc_part(chat, m, &it.value);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_gcc_part(genai_chat_t *chat, genai_message_t *m,
    const genai_cursor_t *value)
{
    int                   rc;
    unsigned              signature;
    genai_part_t         *part;
    genai_value_t         text;
    genai_cursor_t        at, sign;
    genai_cursor_iter_t   it;

    rc = GENAI_CHAT_OK;
    part = NULL;

    signature = genai_gcc_find(value, "thoughtSignature", "thought_signature",
                               &sign)
                && genai_cursor_type(&sign) == GENAI_TAPE_STRING;

    if (genai_gcc_find(value, "functionCall", "function_call", &at)) {
        rc = genai_gcc_call(chat, m, &at, &part);

    } else if (genai_gcc_find(value, "functionResponse", "function_response",
                              &at))
    {
        rc = genai_gcc_result(chat, m, &at, &part);

    } else if (genai_gcc_find(value, "inlineData", "inline_data", &at)) {
        rc = genai_gcc_media(chat, m, NULL, &at, 0, &part);

    } else if (genai_gcc_find(value, "fileData", "file_data", &at)) {
        rc = genai_gcc_media(chat, m, NULL, &at, 1, &part);

    } else if (genai_chat_find(value, "text", &at)) {

        if (genai_cursor_type(&at) != GENAI_TAPE_STRING) {
            return genai_chat_refuse(chat, "a part's text must be a string");
        }

        text = genai_value_at(&at);

        if (!signature && genai_value_is(chat, &text, "")) {

            /* what ends a stream says nothing, and clients give it back */

            return GENAI_CHAT_OK;
        }

        if (genai_chat_find(value, "thought", &sign)
            && genai_chat_bool(&sign) == 1)
        {
            part = genai_gcc_thought(chat, m, &text);

        } else {
            part = genai_chat_part(chat, m, GENAI_PART_TEXT);

            if (part) {
                part->text = text;
            }
        }

    } else {
        genai_cursor_iter(&it, value);

        if (genai_cursor_next(&it) != 1) {
            return GENAI_CHAT_OK;
        }

        part = genai_chat_part(chat, m, GENAI_PART_OTHER);

        if (part) {
            part->text = genai_value_at(value);
        }
    }

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (genai_gcc_find(value, "videoMetadata", "video_metadata", &at)) {
        genai_chat_dropped(chat, "videoMetadata");
    }

    if (genai_gcc_find(value, "mediaResolution", "media_resolution", &at)) {
        genai_chat_dropped(chat, "mediaResolution");
    }

    /* "thought" may have taken the cursor's place */

    if (signature
        && genai_gcc_find(value, "thoughtSignature", "thought_signature",
                          &sign))
    {
        return genai_gcc_signature(chat, part, &sign);
    }

    return GENAI_CHAT_OK;
}


/*
 * A piece of a thought: a stream's come one by one, and are given back so; the
 * last one brings the signature of all.  What is put together is a text of our
 * own, with room for twice as much.
 */

static genai_part_t *
genai_gcc_thought(genai_chat_t *chat, genai_message_t *m,
    const genai_value_t *piece)
{
    size_t          n, room;
    genai_str_t     more, text;
    genai_part_t   *part;
    unsigned char  *p;

    part = m->last;

    if (part == NULL || part->kind != GENAI_PART_REASONING
        || part->signature.kind != GENAI_VALUE_NONE)
    {
        part = genai_chat_part(chat, m, GENAI_PART_REASONING);

        if (part) {
            part->text = *piece;
        }

        return part;
    }

    if (genai_value_decode(chat, &part->text, &text) != 0
        || genai_value_decode(chat, piece, &more) != 0)
    {
        return NULL;
    }

    n = text.len + more.len;

    for (room = 64; room < text.len; room *= 2) { /* void */ }

    if (part->text.kind != GENAI_VALUE_TEXT || n > room) {

        while (room < n) {
            room *= 2;
        }

        p = genai_arena_alloc(chat->arena, room);
        if (p == NULL) {
            return NULL;
        }

        if (text.len) {
            memcpy(p, text.data, text.len);
        }

        text.data = p;
    }

    if (more.len) {
        memcpy(text.data + text.len, more.data, more.len);
    }

    text.len = n;
    part->text = genai_value_text(&text);

    return part;
}


/* of the part itself; or of one before it, where another dialect's stood */

static int
genai_gcc_signature(genai_chat_t *chat, genai_part_t *part,
    const genai_cursor_t *at)
{
    int             rc;
    genai_str_t     what, text;
    genai_part_t    sign, *before;
    genai_part_e    kind;

    memset(&sign, 0, sizeof(genai_part_t));
    memset(&what, 0, sizeof(genai_str_t));

    sign.signature = genai_value_at(at);
    sign.signer = chat->dialect;

    if (genai_value_decode(chat, &sign.signature, &text) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (text.len == 0) {
        return GENAI_CHAT_OK;
    }

    rc = genai_chat_unmark_base64(chat, &sign, &text, &what);

    if (rc == GENAI_CHAT_REFUSED) {
        return genai_chat_refuse(chat, "a thoughtSignature has been changed");
    }

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    if (what.len && part->kind != GENAI_PART_CALL
        && genai_value_decode(chat, &part->text, &text) == 0
        && text.len == 0)
    {
        kind = genai_str_is(&what, "call") ? GENAI_PART_CALL
               : genai_str_is(&what, "text") ? GENAI_PART_TEXT
               : GENAI_PART_REASONING;
        before = part->prev;

        if (before && before->kind == kind
            && before->signature.kind == GENAI_VALUE_NONE
            && !genai_str_is(&what, "sealed"))
        {
            part = before;
        }
    }

    if (genai_str_is(&what, "sealed")) {
        part->sealed = 1;
    }

    part->signature = sign.signature;
    part->signer = sign.signer;

    if (part->kind == GENAI_PART_REASONING) {
        part->id = sign.id;
    }

    return GENAI_CHAT_OK;
}


static int
genai_gcc_call(genai_chat_t *chat, genai_message_t *m,
    const genai_cursor_t *value, genai_part_t **part)
{
    int              n;
    genai_str_t      id;
    genai_part_t    *call;
    genai_cursor_t   at;

    call = genai_chat_part(chat, m, GENAI_PART_CALL);
    *part = call;

    if (call == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (!genai_chat_find(value, "name", &at)) {
        return genai_chat_refuse(chat, "a functionCall must have a name");
    }

    call->name = genai_value_at(&at);

    if (genai_chat_find(value, "args", &at)) {
        call->text = genai_value_at(&at);
    }

    if (genai_chat_find(value, "id", &at)) {
        call->id = genai_value_at(&at);

        if (genai_value_decode(chat, &call->id, &id) != 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        if (id.len) {
            return GENAI_CHAT_OK;
        }
    }

    id.data = genai_arena_alloc(chat->arena, 24);
    if (id.data == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    n = snprintf((char *) id.data, 24, "call_%u", chat->ncalls);
    id.len = n;

    call->id = genai_value_text(&id);

    return GENAI_CHAT_OK;
}


static int
genai_gcc_result(genai_chat_t *chat, genai_message_t *m,
    const genai_cursor_t *value, genai_part_t **part)
{
    int                   rc;
    genai_str_t           id;
    genai_part_t         *result, *sub;
    genai_cursor_t        at, inner;
    genai_cursor_iter_t   it;

    result = genai_chat_part(chat, m, GENAI_PART_RESULT);
    *part = result;

    if (result == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (genai_chat_find(value, "name", &at)) {
        result->name = genai_value_at(&at);
    }

    id.len = 0;

    if (genai_chat_find(value, "id", &at)) {
        result->id = genai_value_at(&at);

        if (genai_value_decode(chat, &result->id, &id) != 0) {
            return GENAI_CHAT_NO_MEMORY;
        }
    }

    if (id.len == 0) {

        rc = genai_gcc_pair(chat, result);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    if (genai_chat_find(value, "response", &at)) {

        rc = genai_gcc_response(chat, result, &at);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    if (!genai_chat_find(value, "parts", &at)) {
        return GENAI_CHAT_OK;
    }

    genai_cursor_iter(&it, &at);

    while (genai_cursor_next(&it) == 1) {

        rc = genai_gcc_find(&it.value, "inlineData", "inline_data", &inner)
             ? genai_gcc_media(chat, m, result, &inner, 0, &sub)
             : genai_gcc_find(&it.value, "fileData", "file_data", &inner)
             ? genai_gcc_media(chat, m, result, &inner, 1, &sub)
             : genai_chat_refuse(chat, "a functionResponse's part must have "
                                 "inlineData or fileData");

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_gcc_pair(genai_chat_t *chat, genai_part_t *result)
{
    const genai_part_t  *call;

    if (genai_chat_call_answer(chat, &result->name, &call) != GENAI_CHAT_OK) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (call == NULL) {
        return genai_chat_refuse(chat, "a functionResponse must follow the "
                                 "functionCall of that name");
    }

    result->id = call->id;

    return GENAI_CHAT_OK;
}


/*
 * What a function said is an object here and a text elsewhere.  That of the
 * one member that Google's documents name is what it holds.
 */

static int
genai_gcc_response(genai_chat_t *chat, genai_part_t *result,
    const genai_cursor_t *value)
{
    genai_part_t         *part;
    genai_cursor_t        only;
    genai_cursor_iter_t   it;

    part = genai_chat_subpart(chat, result, GENAI_PART_TEXT);
    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    part->text = genai_value_at(value);

    genai_cursor_iter(&it, value);

    if (genai_cursor_next(&it) != 1) {
        return GENAI_CHAT_OK;
    }

    only = it.value;

    if (genai_str_is(&it.name, "error")) {
        result->error = 1;

    } else if (!genai_str_is(&it.name, "result")
               && !genai_str_is(&it.name, "output"))
    {
        return GENAI_CHAT_OK;
    }

    if (genai_cursor_next(&it) == 1) {
        result->error = 0;
        return GENAI_CHAT_OK;
    }

    part->text = genai_value_at(&only);

    return GENAI_CHAT_OK;
}


static int
genai_gcc_media(genai_chat_t *chat, genai_message_t *m, genai_part_t *result,
    const genai_cursor_t *value, unsigned file, genai_part_t **part)
{
    genai_str_t      type, uri;
    genai_part_t    *p;
    const char      *told;
    genai_value_t    v;
    genai_part_e     kind;
    genai_cursor_t   at;

    static const genai_str_t  google =
        genai_str("https://generativelanguage.googleapis.com/");

    kind = GENAI_PART_FILE;
    memset(&v, 0, sizeof(genai_value_t));

    if (genai_gcc_find(value, "mimeType", "mime_type", &at)) {
        v = genai_value_at(&at);

        if (genai_value_decode(chat, &v, &type) != 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        kind = genai_chat_type_part(&type);
    }

    p = result ? genai_chat_subpart(chat, result, kind)
               : genai_chat_part(chat, m, kind);
    *part = p;

    if (p == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    p->type = v;

    if (genai_gcc_find(value, "displayName", "display_name", &at)) {
        p->name = genai_value_at(&at);
    }

    if (!(file ? genai_gcc_find(value, "fileUri", "file_uri", &at)
               : genai_chat_find(value, "data", &at))
        || genai_cursor_type(&at) != GENAI_TAPE_STRING)
    {
        return genai_chat_refuse(chat, file ? "fileData must have a fileUri"
                                            : "inlineData must have data");
    }

    p->text = genai_value_at(&at);

    if (!file) {
        p->source = GENAI_SOURCE_DATA;
        return GENAI_CHAT_OK;
    }

    if (genai_value_decode(chat, &p->text, &uri) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (v.kind == GENAI_VALUE_NONE) {

        told = genai_chat_url_type(&uri);

        if (told) {
            type.data = (unsigned char *) told;
            type.len = strlen(told);
            p->kind = genai_chat_type_part(&type);
        }
    }

    /* what only Google can read */

    p->source = ((uri.len > google.len
                  && memcmp(uri.data, google.data, google.len) == 0)
                 || uri.len < 8 || memcmp(uri.data, "http", 4) != 0)
                ? GENAI_SOURCE_ID : GENAI_SOURCE_URL;

    return GENAI_CHAT_OK;
}
