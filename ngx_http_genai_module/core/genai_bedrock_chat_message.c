/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads the messages of Bedrock's requests for a translation.
 */


#include "genai_bedrock_chat_int.h"
#include "genai_mark.h"


/* where a block is put: in a message, or in a result that is a part of one */

typedef struct {
    genai_message_t       *message;
    genai_part_t          *result;
    genai_part_t          *marks;       /* of calls, see
                                           genai_chat_sign_calls() */
    const genai_cursor_t  *block;       /* that is being read */
} genai_bedrock_place_t;


/* a member of a block, which says what it is */

typedef int (*genai_bcm_pt)(genai_chat_t *chat,
    const genai_bedrock_place_t *place, const genai_cursor_t *value);


static int genai_bcm_message(genai_chat_t *chat, const genai_cursor_t *value);
static int genai_bcm_content(genai_chat_t *chat,
    const genai_bedrock_place_t *place, const genai_cursor_t *value);
static int genai_bcm_block(genai_chat_t *chat,
    const genai_bedrock_place_t *place, const genai_cursor_t *value);
static int genai_bcm_other(genai_chat_t *chat,
    const genai_bedrock_place_t *place);
static int genai_bcm_text(genai_chat_t *chat,
    const genai_bedrock_place_t *place, const genai_cursor_t *value);
static int genai_bcm_guarded(genai_chat_t *chat,
    const genai_bedrock_place_t *place, const genai_cursor_t *value);
static int genai_bcm_cited(genai_chat_t *chat,
    const genai_bedrock_place_t *place, const genai_cursor_t *value);
static int genai_bcm_image(genai_chat_t *chat,
    const genai_bedrock_place_t *place, const genai_cursor_t *value);
static int genai_bcm_audio(genai_chat_t *chat,
    const genai_bedrock_place_t *place, const genai_cursor_t *value);
static int genai_bcm_video(genai_chat_t *chat,
    const genai_bedrock_place_t *place, const genai_cursor_t *value);
static int genai_bcm_document(genai_chat_t *chat,
    const genai_bedrock_place_t *place, const genai_cursor_t *value);
static int genai_bcm_media(genai_chat_t *chat,
    const genai_bedrock_place_t *place, const genai_cursor_t *value,
    genai_part_e kind);
static int genai_bcm_plain(genai_chat_t *chat, genai_part_t *part);
static int genai_bcm_join(genai_chat_t *chat, genai_part_t *part,
    const genai_cursor_t *list);
static int genai_bcm_call(genai_chat_t *chat,
    const genai_bedrock_place_t *place, const genai_cursor_t *value);
static int genai_bcm_result(genai_chat_t *chat,
    const genai_bedrock_place_t *place, const genai_cursor_t *value);
static int genai_bcm_thought(genai_chat_t *chat,
    const genai_bedrock_place_t *place, const genai_cursor_t *value);
static int genai_bcm_point(genai_chat_t *chat,
    const genai_bedrock_place_t *place, const genai_cursor_t *value);
static genai_part_t *genai_bcm_add(genai_chat_t *chat,
    const genai_bedrock_place_t *place, genai_part_e kind);


static const struct {
    genai_part_e    kind;
    genai_str_t     format;
    const char     *type;
} genai_bcm_formats[] = {
    { GENAI_PART_IMAGE, genai_str("png"), "image/png" },
    { GENAI_PART_IMAGE, genai_str("jpeg"), "image/jpeg" },
    { GENAI_PART_IMAGE, genai_str("gif"), "image/gif" },
    { GENAI_PART_IMAGE, genai_str("webp"), "image/webp" },
    { GENAI_PART_FILE, genai_str("pdf"), "application/pdf" },
    { GENAI_PART_FILE, genai_str("txt"), "text/plain" },
    { GENAI_PART_FILE, genai_str("md"), "text/markdown" },
    { GENAI_PART_FILE, genai_str("csv"), "text/csv" },
    { GENAI_PART_FILE, genai_str("html"), "text/html" },
    { GENAI_PART_FILE, genai_str("doc"), "application/msword" },
    { GENAI_PART_FILE, genai_str("docx"), "application/vnd.openxmlformats-"
      "officedocument.wordprocessingml.document" },
    { GENAI_PART_FILE, genai_str("xls"), "application/vnd.ms-excel" },
    { GENAI_PART_FILE, genai_str("xlsx"), "application/vnd.openxmlformats-"
      "officedocument.spreadsheetml.sheet" },
    { GENAI_PART_VIDEO, genai_str("mp4"), "video/mp4" },
    { GENAI_PART_VIDEO, genai_str("webm"), "video/webm" },
    { GENAI_PART_VIDEO, genai_str("mov"), "video/quicktime" },
    { GENAI_PART_VIDEO, genai_str("mkv"), "video/x-matroska" },
    { GENAI_PART_VIDEO, genai_str("mpeg"), "video/mpeg" },
    { GENAI_PART_VIDEO, genai_str("mpg"), "video/mpeg" },
    { GENAI_PART_VIDEO, genai_str("flv"), "video/x-flv" },
    { GENAI_PART_VIDEO, genai_str("wmv"), "video/x-ms-wmv" },
    { GENAI_PART_VIDEO, genai_str("three_gp"), "video/3gpp" },
    { GENAI_PART_AUDIO, genai_str("mp3"), "audio/mp3" },
    { GENAI_PART_AUDIO, genai_str("mp3"), "audio/mpeg" },
    { GENAI_PART_AUDIO, genai_str("wav"), "audio/wav" },
    { GENAI_PART_AUDIO, genai_str("aac"), "audio/aac" },
    { GENAI_PART_AUDIO, genai_str("flac"), "audio/flac" },
    { GENAI_PART_AUDIO, genai_str("ogg"), "audio/ogg" },
    { GENAI_PART_AUDIO, genai_str("opus"), "audio/opus" },
    { GENAI_PART_AUDIO, genai_str("m4a"), "audio/mp4" }
};

#define GENAI_BCM_FORMATS                                                     \
    (sizeof(genai_bcm_formats) / sizeof(genai_bcm_formats[0]))


int
genai_bedrock_system(genai_chat_t *chat, const genai_cursor_t *value)
{
    genai_part_t           marks;
    genai_bedrock_place_t  place;

    memset(&marks, 0, sizeof(genai_part_t));

    place.marks = &marks;
    place.block = NULL;
    place.result = NULL;
    place.message = genai_chat_message(chat, GENAI_ROLE_SYSTEM);

    if (place.message == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    return genai_bcm_content(chat, &place, value);
}


int
genai_bedrock_messages(genai_chat_t *chat, const genai_cursor_t *value,
    void *data)
{
    int                  rc;
    genai_cursor_iter_t  it;

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        rc = genai_bcm_message(chat, &it.value);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_bcm_message(genai_chat_t *chat, const genai_cursor_t *value)
{
    int                    rc;
    genai_role_e           role;
    genai_part_t           marks;
    genai_value_t          v;
    genai_cursor_t         at;
    genai_bedrock_place_t  place;

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
    place.block = NULL;
    place.result = NULL;
    place.message = genai_chat_message(chat, role);

    if (place.message == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (!genai_chat_find(value, "content", &at)) {
        return GENAI_CHAT_OK;
    }

    rc = genai_bcm_content(chat, &place, &at);

    return (rc == GENAI_CHAT_OK)
           ? genai_chat_sign_calls(chat, place.message, &marks) : rc;
}


static int
genai_bcm_content(genai_chat_t *chat, const genai_bedrock_place_t *place,
    const genai_cursor_t *value)
{
    int                  rc;
    genai_cursor_iter_t  it;

    if (genai_cursor_type(value) != GENAI_TAPE_ARRAY) {
        return genai_chat_refuse(chat, "a content and the system must be a "
                                 "list of blocks");
    }

    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        rc = genai_bcm_block(chat, place, &it.value);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_bcm_block(genai_chat_t *chat, const genai_bedrock_place_t *outer,
    const genai_cursor_t *value)
{
    size_t                 i;
    genai_cursor_t         at;
    genai_bedrock_place_t  inner, *place;

    static const struct {
        const char    *name;
        size_t         len;
        unsigned       inner;       /* also in a result */
        genai_bcm_pt   handler;
    } blocks[] = {
        { "text", 4, 1, genai_bcm_text },
        { "json", 4, 1, genai_bcm_text },
        { "image", 5, 1, genai_bcm_image },
        { "document", 8, 1, genai_bcm_document },
        { "video", 5, 1, genai_bcm_video },
        { "audio", 5, 0, genai_bcm_audio },
        { "toolUse", 7, 0, genai_bcm_call },
        { "toolResult", 10, 0, genai_bcm_result },
        { "reasoningContent", 16, 0, genai_bcm_thought },
        { "cachePoint", 10, 0, genai_bcm_point },
        { "guardContent", 12, 0, genai_bcm_guarded },
        { "citationsContent", 16, 0, genai_bcm_cited }
    };

    if (genai_cursor_type(value) != GENAI_TAPE_OBJECT) {
        return genai_chat_refuse(chat, "each block of a content must be an "
                                 "object");
    }

    place = &inner;
    inner = *outer;
    inner.block = value;

    for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {

        if ((blocks[i].inner || place->result == NULL)
            && genai_chat_member(value, blocks[i].name, blocks[i].len, &at))
        {
            return blocks[i].handler(chat, place, &at);
        }
    }

    return genai_bcm_other(chat, place);
}


/* what only Bedrock knows */

static int
genai_bcm_other(genai_chat_t *chat, const genai_bedrock_place_t *place)
{
    genai_part_t  *part;

    part = genai_bcm_add(chat, place, GENAI_PART_OTHER);
    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    part->text = genai_value_at(place->block);

    return GENAI_CHAT_OK;
}


/* a text; of a result any JSON, which becomes one */

static int
genai_bcm_text(genai_chat_t *chat, const genai_bedrock_place_t *place,
    const genai_cursor_t *value)
{
    genai_part_t  *part;

    if (place->result == NULL
        && genai_cursor_type(value) != GENAI_TAPE_STRING)
    {
        return genai_chat_refuse(chat, "a text must be a string");
    }

    part = genai_bcm_add(chat, place, GENAI_PART_TEXT);
    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    part->text = genai_value_at(value);

    return GENAI_CHAT_OK;
}


/* what a guardrail looks at is said to the model as well */

static int
genai_bcm_guarded(genai_chat_t *chat, const genai_bedrock_place_t *place,
    const genai_cursor_t *value)
{
    genai_cursor_t  at, text;

    if (genai_chat_find(value, "text", &at)
        && genai_chat_find(&at, "text", &text))
    {
        return genai_bcm_text(chat, place, &text);
    }

    return genai_chat_find(value, "image", &at)
           ? genai_bcm_image(chat, place, &at)
           : genai_chat_refuse(chat, "guardContent must have a text or an "
                               "image");
}


static int
genai_bcm_cited(genai_chat_t *chat, const genai_bedrock_place_t *place,
    const genai_cursor_t *value)
{
    int                  rc;
    genai_cursor_t       at, text;
    genai_cursor_iter_t  it;

    genai_chat_dropped(chat, "citations");

    if (!genai_chat_find(value, "content", &at)) {
        return GENAI_CHAT_OK;
    }

    genai_cursor_iter(&it, &at);

    while (genai_cursor_next(&it) == 1) {

        if (!genai_chat_find(&it.value, "text", &text)) {
            continue;
        }

        rc = genai_bcm_text(chat, place, &text);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_bcm_image(genai_chat_t *chat, const genai_bedrock_place_t *place,
    const genai_cursor_t *value)
{
    return genai_bcm_media(chat, place, value, GENAI_PART_IMAGE);
}


static int
genai_bcm_audio(genai_chat_t *chat, const genai_bedrock_place_t *place,
    const genai_cursor_t *value)
{
    return genai_bcm_media(chat, place, value, GENAI_PART_AUDIO);
}


static int
genai_bcm_video(genai_chat_t *chat, const genai_bedrock_place_t *place,
    const genai_cursor_t *value)
{
    return genai_bcm_media(chat, place, value, GENAI_PART_VIDEO);
}


static int
genai_bcm_document(genai_chat_t *chat, const genai_bedrock_place_t *place,
    const genai_cursor_t *value)
{
    int             rc;
    genai_cursor_t  at;

    /* what is said about a document is said to the model */

    if (genai_chat_find(value, "context", &at)) {
        rc = genai_bcm_text(chat, place, &at);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    if (genai_chat_find(value, "citations", &at)) {
        genai_chat_dropped(chat, "citations");
    }

    return genai_bcm_media(chat, place, value, GENAI_PART_FILE);
}


static int
genai_bcm_media(genai_chat_t *chat, const genai_bedrock_place_t *place,
    const genai_cursor_t *value, genai_part_e kind)
{
    const char      *type;
    genai_str_t      format;
    genai_part_t    *part;
    genai_value_t    v;
    genai_cursor_t   at, source;

    part = genai_bcm_add(chat, place, kind);
    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (genai_chat_find(value, "name", &at)) {
        part->name = genai_value_at(&at);
    }

    type = NULL;

    if (genai_chat_find(value, "format", &at)) {
        v = genai_value_at(&at);

        if (genai_value_decode(chat, &v, &format) != 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        type = genai_bedrock_type(kind, &format);
    }

    if (type) {
        format.data = (unsigned char *) type;
        format.len = strlen(type);
        part->type = genai_value_text(&format);
    }

    if (genai_chat_find(value, "source", &source)) {

        if (genai_chat_find(&source, "bytes", &at)) {
            part->text = genai_value_at(&at);

            if (type == NULL && kind != GENAI_PART_FILE) {
                return genai_chat_refuse(chat, "an image, a sound or a video "
                                         "must have a known format");
            }

            return (type && strncmp(type, "text/", 5) == 0)
                   ? genai_bcm_plain(chat, part) : GENAI_CHAT_OK;
        }

        if (genai_chat_find(&source, "text", &at)) {
            part->source = GENAI_SOURCE_TEXT;
            part->text = genai_value_at(&at);

            return GENAI_CHAT_OK;
        }

        if (genai_chat_find(&source, "content", &at)) {
            return genai_bcm_join(chat, part, &at);
        }

        if (genai_chat_find(&source, "s3Location", &at)) {
            part->source = GENAI_SOURCE_ID;
            part->text = genai_value_at(&at);

            return GENAI_CHAT_OK;
        }
    }

    return genai_chat_refuse(chat, "an image, a sound, a video or a document "
                             "must have a source with bytes");
}


/* a document that is a text: its bytes are told as base64 */

static int
genai_bcm_plain(genai_chat_t *chat, genai_part_t *part)
{
    genai_str_t  text, bytes;

    if (genai_value_decode(chat, &part->text, &text) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    bytes.data = genai_arena_alloc(chat->arena, text.len + 1);
    if (bytes.data == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    bytes.len = genai_base64_read(bytes.data, &text);

    if (bytes.len == 0 && text.len) {
        return genai_chat_refuse(chat, "a document's bytes must be base64");
    }

    part->source = GENAI_SOURCE_TEXT;
    part->text = genai_value_text(&bytes);

    return GENAI_CHAT_OK;
}


static int
genai_bcm_join(genai_chat_t *chat, genai_part_t *part,
    const genai_cursor_t *list)
{
    unsigned              n;
    genai_str_t           text;
    genai_value_t         v;
    genai_cursor_t        at;
    genai_cursor_iter_t   it;
    genai_writer_arena_t  out;

    memset(&out, 0, sizeof(genai_writer_arena_t));
    out.arena = chat->arena;

    genai_cursor_iter(&it, list);

    for (n = 0; genai_cursor_next(&it) == 1; n++) {

        if (!genai_chat_find(&it.value, "text", &at)) {
            return genai_chat_refuse(chat, "a document's content can be "
                                     "nothing but text");
        }

        v = genai_value_at(&at);

        if (genai_value_decode(chat, &v, &text) != 0
            || (n && genai_writer_arena(&out, (unsigned char *) "\n", 1) != 0)
            || genai_writer_arena(&out, text.data, text.len) != 0)
        {
            return GENAI_CHAT_NO_MEMORY;
        }
    }

    part->source = GENAI_SOURCE_TEXT;
    part->text = genai_value_text(&out.text);

    return GENAI_CHAT_OK;
}


static int
genai_bcm_call(genai_chat_t *chat, const genai_bedrock_place_t *place,
    const genai_cursor_t *value)
{
    genai_part_t    *part;
    genai_cursor_t   at;

    if (genai_chat_find(value, "type", &at)) {

        /* of a tool which the provider has run */

        return genai_bcm_other(chat, place);
    }

    part = genai_bcm_add(chat, place, GENAI_PART_CALL);
    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (!genai_chat_find(value, "toolUseId", &at)) {
        return genai_chat_refuse(chat, "a toolUse must have a toolUseId");
    }

    part->id = genai_value_at(&at);

    if (!genai_chat_find(value, "name", &at)) {
        return genai_chat_refuse(chat, "a toolUse must have a name");
    }

    part->name = genai_value_at(&at);

    if (genai_chat_find(value, "input", &at)) {
        part->text = genai_value_at(&at);
    }

    return GENAI_CHAT_OK;
}


static int
genai_bcm_result(genai_chat_t *chat, const genai_bedrock_place_t *place,
    const genai_cursor_t *value)
{
    genai_value_t          v;
    genai_cursor_t         at;
    genai_bedrock_place_t  inner;

    if (place->message->role == GENAI_ROLE_ASSISTANT) {

        /* of a tool which the provider has run */

        return genai_bcm_other(chat, place);
    }

    inner.marks = place->marks;
    inner.block = NULL;
    inner.message = place->message;
    inner.result = genai_bcm_add(chat, place, GENAI_PART_RESULT);

    if (inner.result == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (!genai_chat_find(value, "toolUseId", &at)) {
        return genai_chat_refuse(chat, "a toolResult must have a toolUseId");
    }

    inner.result->id = genai_value_at(&at);

    if (genai_chat_find(value, "status", &at)) {
        v = genai_value_at(&at);
        inner.result->error = genai_value_is(chat, &v, "error");
    }

    return genai_chat_find(value, "content", &at)
           ? genai_bcm_content(chat, &inner, &at) : GENAI_CHAT_OK;
}


static int
genai_bcm_thought(genai_chat_t *chat, const genai_bedrock_place_t *place,
    const genai_cursor_t *value)
{
    int              rc;
    genai_str_t      what, text;
    genai_part_t    *part, *last, sign;
    genai_cursor_t   at, inner;
    unsigned         sealed;

    memset(&sign, 0, sizeof(genai_part_t));
    memset(&what, 0, sizeof(genai_str_t));

    if (!genai_chat_find(value, "reasoningText", &inner)) {
        inner = *value;
    }

    sealed = genai_chat_find(value, "redactedContent", &at);

    if (sealed || genai_chat_find(&inner, "signature", &at)) {

        sign.signature = genai_value_at(&at);
        sign.signer = chat->dialect;

        if (genai_value_decode(chat, &sign.signature, &text) != 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        if (text.len == 0) {
            memset(&sign, 0, sizeof(genai_part_t));

        } else {
            rc = sealed
                 ? genai_chat_unmark_base64(chat, &sign, &text, &what)
                 : genai_chat_unmark(&sign, &text, &what) == 0
                   ? GENAI_CHAT_OK : GENAI_CHAT_REFUSED;

            if (rc == GENAI_CHAT_NO_MEMORY) {
                return rc;
            }

            if (rc != GENAI_CHAT_OK) {
                return genai_chat_refuse(chat, "a thought's signature has "
                                         "been changed");
            }
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

    part = genai_bcm_add(chat, place, GENAI_PART_REASONING);
    if (part == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    part->sealed = sealed;
    part->signature = sign.signature;
    part->signer = sign.signer;
    part->id = sign.id;

    if (!sealed && genai_chat_find(&inner, "text", &at)) {
        part->text = genai_value_at(&at);
    }

    return GENAI_CHAT_OK;
}


/* what stands before it */

static int
genai_bcm_point(genai_chat_t *chat, const genai_bedrock_place_t *place,
    const genai_cursor_t *value)
{
    if (place->message->last == NULL) {
        genai_chat_dropped(chat, "cachePoint");
        return GENAI_CHAT_OK;
    }

    place->message->last->cache = genai_bedrock_cache(chat, value);

    return GENAI_CHAT_OK;
}


genai_cache_e
genai_bedrock_cache(genai_chat_t *chat, const genai_cursor_t *point)
{
    genai_value_t   ttl;
    genai_cursor_t  at;

    if (genai_chat_find(point, "ttl", &at)) {
        ttl = genai_value_at(&at);

        if (genai_value_is(chat, &ttl, "1h")) {
            return GENAI_CACHE_1H;
        }
    }

    return GENAI_CACHE_5M;
}


static genai_part_t *
genai_bcm_add(genai_chat_t *chat, const genai_bedrock_place_t *place,
    genai_part_e kind)
{
    return place->result ? genai_chat_subpart(chat, place->result, kind)
                         : genai_chat_part(chat, place->message, kind);
}


const char *
genai_bedrock_type(genai_part_e kind, const genai_str_t *format)
{
    size_t  i;

    for (i = 0; i < GENAI_BCM_FORMATS; i++) {

        if (genai_bcm_formats[i].kind == kind
            && genai_bcm_formats[i].format.len == format->len
            && memcmp(genai_bcm_formats[i].format.data, format->data,
                      format->len)
               == 0)
        {
            return genai_bcm_formats[i].type;
        }
    }

    return NULL;
}


const char *
genai_bedrock_format(genai_part_e kind, const genai_str_t *type)
{
    size_t  i;

    for (i = 0; i < GENAI_BCM_FORMATS; i++) {

        if (genai_bcm_formats[i].kind == kind
            && strlen(genai_bcm_formats[i].type) == type->len
            && memcmp(genai_bcm_formats[i].type, type->data, type->len) == 0)
        {
            return (char *) genai_bcm_formats[i].format.data;
        }
    }

    return (kind == GENAI_PART_IMAGE && genai_str_is(type, "image/jpg"))
           ? "jpeg"
           : (kind == GENAI_PART_AUDIO
              && (genai_str_is(type, "audio/x-wav")
                  || genai_str_is(type, "audio/wave"))) ? "wav"
           : NULL;
}
