/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_chat.h"
#include "genai_push.h"
#include "genai_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>


static int genai_chat_slice(void *ctx, const genai_str_t *slice);
static int genai_chat_object(genai_chat_t *chat, const genai_str_t *text);


static const struct {
    genai_str_t     name;
    int64_t         tokens;
} genai_efforts[] = {
    [GENAI_EFFORT_UNSET] = { genai_str(""), -1 },
    [GENAI_EFFORT_NONE] = { genai_str("none"), 0 },
    [GENAI_EFFORT_MINIMAL] = { genai_str("minimal"), 512 },
    [GENAI_EFFORT_LOW] = { genai_str("low"), 1024 },
    [GENAI_EFFORT_MEDIUM] = { genai_str("medium"), 8192 },
    [GENAI_EFFORT_HIGH] = { genai_str("high"), 24576 },
    [GENAI_EFFORT_XHIGH] = { genai_str("xhigh"), 32768 },
    [GENAI_EFFORT_MAX] = { genai_str("max"), 65536 },
    [GENAI_EFFORT_DYNAMIC] = { genai_str("auto"), -1 }
};

#define GENAI_EFFORTS  (sizeof(genai_efforts) / sizeof(genai_efforts[0]))


void
genai_chat_init(genai_chat_t *chat, const genai_dialect_t *dialect,
    genai_arena_t *arena)
{
    memset(chat, 0, sizeof(genai_chat_t));

    chat->dialect = dialect;
    chat->arena = arena;
    chat->parallel = -1;
    chat->format_strict = -1;
    chat->thinking = -1;
    chat->show_thoughts = -1;
    chat->max_output = -1;
    chat->n = 1;
}


static void *
genai_chat_alloc(genai_chat_t *chat, size_t size)
{
    void  *p;

    p = genai_arena_alloc(chat->arena, size);

    if (p) {
        memset(p, 0, size);
    }

    return p;
}


genai_message_t *
genai_chat_message(genai_chat_t *chat, genai_role_e role)
{
    genai_message_t  *m;

    m = genai_chat_alloc(chat, sizeof(genai_message_t));
    if (m == NULL) {
        return NULL;
    }

    m->role = role;

    if (chat->last_message) {
        chat->last_message->next = m;

    } else {
        chat->messages = m;
    }

    chat->last_message = m;

    return m;
}


static void
genai_chat_append(genai_part_t **first, genai_part_t **last,
    genai_part_t *part)
{
    if (*last) {
        (*last)->next = part;

    } else {
        *first = part;
    }

    *last = part;
}


genai_part_t *
genai_chat_part(genai_chat_t *chat, genai_message_t *m, genai_part_e kind)
{
    genai_part_t  *part;

    part = genai_chat_alloc(chat, sizeof(genai_part_t));
    if (part == NULL) {
        return NULL;
    }

    part->kind = kind;
    part->number = ++chat->nparts;
    part->prev = m->last;

    chat->ncalls += (kind == GENAI_PART_CALL);

    genai_chat_append(&m->parts, &m->last, part);

    return part;
}


genai_part_t *
genai_chat_subpart(genai_chat_t *chat, genai_part_t *result,
    genai_part_e kind)
{
    genai_part_t  *part;

    part = genai_chat_alloc(chat, sizeof(genai_part_t));
    if (part == NULL) {
        return NULL;
    }

    part->kind = kind;

    genai_chat_append(&result->parts, &result->last, part);

    return part;
}


genai_tool_t *
genai_chat_tool(genai_chat_t *chat, genai_tool_e kind)
{
    genai_tool_t  *tool;

    tool = genai_chat_alloc(chat, sizeof(genai_tool_t));
    if (tool == NULL) {
        return NULL;
    }

    tool->kind = kind;
    tool->strict = -1;

    if (chat->last_tool) {
        chat->last_tool->next = tool;

    } else {
        chat->tools = tool;
    }

    chat->last_tool = tool;

    return tool;
}


void
genai_chat_drop(genai_chat_t *chat, const char *name, size_t len)
{
    unsigned      i;
    genai_str_t  *d;

    for (i = 0; i < chat->ndropped; i++) {
        d = &chat->dropped[i];

        if (d->len == len && (len == 0 || memcmp(d->data, name, len) == 0)) {
            return;
        }
    }

    if (chat->ndropped == GENAI_CHAT_DROPPED_MAX) {
        d = &chat->dropped[GENAI_CHAT_DROPPED_MAX - 1];
        d->data = (unsigned char *) "...";
        d->len = 3;
        return;
    }

    d = &chat->dropped[chat->ndropped++];
    d->data = (unsigned char *) name;
    d->len = len;
}


int
genai_chat_fields(genai_chat_t *chat, const genai_cursor_t *object,
    const genai_chat_field_t *fields, void *data)
{
    int                        rc;
    genai_str_t               *name;
    genai_cursor_iter_t        it;
    const genai_chat_field_t  *f;

    genai_cursor_iter(&it, object);

    while (genai_cursor_next(&it) == 1) {

        name = &it.name;

        if (it.name_escaped) {
            return genai_chat_refuse(chat, "the name \"%.*s\" has escapes, "
                                     "which a request to another provider "
                                     "cannot be made of",
                                     (int) (name->len < 64 ? name->len : 64),
                                     name->data);
        }

        if (genai_cursor_type(&it.value) == GENAI_TAPE_NULL) {
            continue;
        }

        for (f = fields; f->name; f++) {
            if (f->len == name->len
                && memcmp(f->name, name->data, name->len) == 0)
            {
                break;
            }
        }

        if (f->name == NULL) {
            genai_chat_drop(chat, (const char *) name->data, name->len);
            continue;
        }

        if (f->param != GENAI_PARAM_NONE) {
            chat->param[f->param] = genai_value_at(&it.value);

        } else if (f->handler) {
            rc = f->handler(chat, &it.value, data);

            if (rc != GENAI_CHAT_OK) {
                return rc;
            }
        }
    }

    return GENAI_CHAT_OK;
}


int
genai_chat_refuse(genai_chat_t *chat, const char *fmt, ...)
{
    char     *p;
    va_list   args;

    va_start(args, fmt);
    (void) vsnprintf(chat->error, sizeof(chat->error), fmt, args);
    va_end(args);

    /* it may quote the client, and is one line wherever it goes */

    for (p = chat->error; *p; p++) {
        if ((unsigned char) *p < ' ' || *p == 0x7f) {
            *p = '?';
        }
    }

    return GENAI_CHAT_REFUSED;
}


genai_value_t
genai_value_at(const genai_cursor_t *at)
{
    genai_value_t  v;

    memset(&v, 0, sizeof(genai_value_t));
    v.kind = GENAI_VALUE_AT;
    v.at = *at;

    return v;
}


genai_value_t
genai_value_text(const genai_str_t *text)
{
    genai_value_t  v;

    memset(&v, 0, sizeof(genai_value_t));
    v.kind = GENAI_VALUE_TEXT;
    v.text = *text;

    return v;
}


genai_value_t
genai_value_json(const genai_str_t *json)
{
    genai_value_t  v;

    memset(&v, 0, sizeof(genai_value_t));
    v.kind = GENAI_VALUE_JSON;
    v.text = *json;

    return v;
}


int
genai_chat_member(const genai_cursor_t *object, const char *name, size_t len,
    genai_cursor_t *value)
{
    return genai_cursor_find(object, name, len, value) == 1
           && genai_cursor_type(value) != GENAI_TAPE_NULL;
}


int
genai_value_is_string(const genai_value_t *v)
{
    return v->kind == GENAI_VALUE_TEXT
           || (v->kind == GENAI_VALUE_AT
               && genai_cursor_type(&v->at) == GENAI_TAPE_STRING);
}


int
genai_value_is(genai_chat_t *chat, const genai_value_t *v, const char *word)
{
    size_t       len;
    genai_str_t  text;

    if (!genai_value_is_string(v)
        || genai_value_decode(chat, v, &text) != 0)
    {
        return 0;
    }

    len = strlen(word);

    return text.len == len && memcmp(text.data, word, len) == 0;
}


int
genai_chat_bool(const genai_cursor_t *at)
{
    switch (genai_cursor_type(at)) {
    case GENAI_TAPE_TRUE:
        return 1;
    case GENAI_TAPE_FALSE:
        return 0;
    default:
        return -1;
    }
}


int64_t
genai_chat_int(const genai_cursor_t *at)
{
    char         number[32];
    double       d;
    int64_t      n;
    genai_str_t  text;

    if (genai_cursor_type(at) != GENAI_TAPE_NUMBER) {
        return -1;
    }

    text = genai_cursor_view(at);

    if (genai_push_int64(&text, &n) == 0) {
        return n;
    }

    /* 1e2: a whole number is one however it is written */

    if (text.len >= sizeof(number)) {
        return -1;
    }

    memcpy(number, text.data, text.len);
    number[text.len] = '\0';
    d = strtod(number, NULL);

    return (d >= 0 && d <= 9007199254740992.0 && d == (double) (int64_t) d)
           ? (int64_t) d : -1;
}


/* the slices of a value become one */

static int
genai_chat_slice(void *ctx, const genai_str_t *slice)
{
    return genai_writer_arena(ctx, slice->data, slice->len);
}


int
genai_value_decode(genai_chat_t *chat, const genai_value_t *v,
    genai_str_t *text)
{
    genai_tape_type_e     type;
    genai_writer_arena_t  to;

    text->len = 0;
    text->data = (unsigned char *) "";

    switch (v->kind) {

    case GENAI_VALUE_NONE:
        return 0;

    case GENAI_VALUE_TEXT:
    case GENAI_VALUE_JSON:
        *text = v->text;
        return 0;

    default:
        break;
    }

    type = genai_cursor_type(&v->at);

    if (type == GENAI_TAPE_STRING) {
        return genai_cursor_text(&v->at, chat->arena, text) == 0 ? 0 : -1;
    }

    if (type != GENAI_TAPE_OBJECT && type != GENAI_TAPE_ARRAY) {
        *text = genai_cursor_view(&v->at);
        return 0;
    }

    memset(&to, 0, sizeof(genai_writer_arena_t));
    to.arena = chat->arena;

    if (genai_cursor_write(&v->at, 0, genai_chat_slice, &to) != 0) {
        return -1;
    }

    *text = to.text;

    return 0;
}


void
genai_value_write(const genai_value_t *v, genai_writer_t *w)
{
    switch (v->kind) {

    case GENAI_VALUE_NONE:
        genai_writer_literal(w, "null");
        break;

    case GENAI_VALUE_AT:
        genai_cursor_copy(&v->at, w);
        break;

    case GENAI_VALUE_TEXT:
        genai_writer_string(w, &v->text);
        break;

    case GENAI_VALUE_JSON:
        genai_writer_raw(w, &v->text);
        break;
    }
}


/* a slice of a JSON text, or of a string's inside, within a string */

static int
genai_chat_escaped(void *ctx, const genai_str_t *slice)
{
    genai_writer_piece(ctx, slice);
    return 0;
}


static int
genai_chat_raw(void *ctx, const genai_str_t *slice)
{
    genai_writer_raw_piece(ctx, slice);
    return 0;
}


void
genai_value_piece(const genai_value_t *v, genai_writer_t *w)
{
    switch (v->kind) {

    case GENAI_VALUE_NONE:
        break;

    case GENAI_VALUE_AT:

        if (genai_cursor_type(&v->at) == GENAI_TAPE_STRING) {
            (void) genai_cursor_write(&v->at, 1, genai_chat_raw, w);

        } else {
            (void) genai_cursor_write(&v->at, 0, genai_chat_escaped, w);
        }

        break;

    case GENAI_VALUE_TEXT:
    case GENAI_VALUE_JSON:
        genai_writer_piece(w, &v->text);
        break;
    }
}


void
genai_value_write_string(const genai_value_t *v, genai_writer_t *w)
{
    if (genai_value_is_string(v)) {
        genai_value_write(v, w);
        return;
    }

    genai_writer_begin(w);
    genai_value_piece(v, w);
    genai_writer_end(w);
}


/* whether a text is a JSON object, as strictly as a request is */

static int
genai_chat_object(genai_chat_t *chat, const genai_str_t *text)
{
    size_t        i;
    genai_scan_t  scan;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] == '{') {
            break;
        }

        if (memchr(" \t\r\n", text->data[i], 4) == NULL) {
            return 0;
        }
    }

    if (i == text->len) {
        return 0;
    }

    genai_scan_init(&scan, chat->arena, text->data, text->len,
                    GENAI_REQUEST_VALUES);

    return genai_scan(&scan, SIZE_MAX) == GENAI_SCAN_DONE;
}


void
genai_value_write_object(genai_chat_t *chat, const genai_value_t *v,
    genai_writer_t *w)
{
    genai_str_t  text;

    if (v->kind == GENAI_VALUE_AT
        && genai_cursor_type(&v->at) == GENAI_TAPE_OBJECT)
    {
        genai_cursor_copy(&v->at, w);
        return;
    }

    if (v->kind != GENAI_VALUE_NONE) {

        if (genai_value_decode(chat, v, &text) != 0) {
            w->rc = GENAI_CHAT_NO_MEMORY;
            return;
        }

        if (genai_chat_object(chat, &text)) {
            genai_writer_raw(w, &text);
            return;
        }
    }

    genai_writer_literal(w, "{}");
}


void
genai_value_member(const genai_value_t *v, genai_writer_t *w,
    const char *name)
{
    if (v->kind != GENAI_VALUE_NONE) {
        genai_writer_name(w, name);
        genai_value_write(v, w);
    }
}


int
genai_chat_data_url(genai_chat_t *chat, const genai_value_t *url,
    genai_value_t *type, genai_value_t *data)
{
    size_t          i, n;
    genai_str_t     text, s;
    unsigned char  *p, *comma, *semi;

    if (genai_value_decode(chat, url, &text) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (text.len < 5 || memcmp(text.data, "data:", 5) != 0) {
        return 0;
    }

    p = text.data + 5;
    n = text.len - 5;
    comma = memchr(p, ',', n);

    if (comma == NULL || comma - p < 7
        || memcmp(comma - 7, ";base64", 7) != 0)
    {
        return GENAI_CHAT_REFUSED;
    }

    /* parameters of the type are not told to anybody */

    semi = memchr(p, ';', comma - p);

    s.data = p;
    s.len = semi - p;
    *type = genai_value_text(&s);

    s.data = comma + 1;
    s.len = text.data + text.len - s.data;

    for (i = 0; i < s.len; i++) {
        if (!((s.data[i] >= 'A' && s.data[i] <= 'Z')
              || (s.data[i] >= 'a' && s.data[i] <= 'z')
              || (s.data[i] >= '0' && s.data[i] <= '9')
              || s.data[i] == '+' || s.data[i] == '/' || s.data[i] == '='))
        {
            return GENAI_CHAT_REFUSED;
        }
    }

    if (s.len == 0) {
        return GENAI_CHAT_REFUSED;
    }

    *data = genai_value_text(&s);

    return 1;
}


int
genai_chat_url(genai_chat_t *chat, const genai_value_t *url)
{
    size_t       i;
    genai_str_t  text;

    static const char *const  schemes[] = { "https://", "http://", "gs://" };

    if (genai_value_decode(chat, url, &text) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (text.len > strlen(schemes[i])
            && strncasecmp((const char *) text.data, schemes[i],
                           strlen(schemes[i]))
               == 0)
        {
            return GENAI_CHAT_OK;
        }
    }

    return genai_chat_refuse(chat, "the URL of an image or a file must begin "
                             "with https:, http:, gs: or data:");
}


const char *
genai_chat_url_type(const genai_str_t *url)
{
    size_t                i, n;
    const unsigned char  *p, *end;

    static const struct {
        const char  *ending;
        const char  *type;
    } types[] = {
        { "png", "image/png" },
        { "jpg", "image/jpeg" },
        { "jpeg", "image/jpeg" },
        { "gif", "image/gif" },
        { "webp", "image/webp" },
        { "heic", "image/heic" },
        { "mp3", "audio/mpeg" },
        { "wav", "audio/wav" },
        { "flac", "audio/flac" },
        { "ogg", "audio/ogg" },
        { "mp4", "video/mp4" },
        { "mov", "video/quicktime" },
        { "webm", "video/webm" },
        { "pdf", "application/pdf" },
        { "txt", "text/plain" },
        { NULL, NULL }
    };

    end = url->data + url->len;

    for (p = url->data; p < end && *p != '?' && *p != '#'; p++) { /* void */ }

    for (end = p; p > url->data && p[-1] != '.' && p[-1] != '/'; p--) {
        /* void */
    }

    if (p == url->data || p[-1] != '.') {
        return NULL;
    }

    n = end - p;

    for (i = 0; types[i].ending; i++) {
        if (strlen(types[i].ending) == n
            && strncasecmp(types[i].ending, (const char *) p, n) == 0)
        {
            return types[i].type;
        }
    }

    return NULL;
}


genai_part_e
genai_chat_type_part(const genai_str_t *type)
{
    size_t  i;

    static const struct {
        const char    *begin;       /* of six bytes */
        genai_part_e   part;
    } kinds[] = {
        { "image/", GENAI_PART_IMAGE },
        { "audio/", GENAI_PART_AUDIO },
        { "video/", GENAI_PART_VIDEO }
    };

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (type->len > 6 && memcmp(type->data, kinds[i].begin, 6) == 0) {
            return kinds[i].part;
        }
    }

    return GENAI_PART_FILE;
}


genai_effort_e
genai_effort_by_name(const genai_str_t *name)
{
    size_t  i;

    for (i = GENAI_EFFORT_NONE; i < GENAI_EFFORTS; i++) {
        if (name->len == genai_efforts[i].name.len
            && memcmp(name->data, genai_efforts[i].name.data, name->len) == 0)
        {
            return i;
        }
    }

    return GENAI_EFFORT_UNSET;
}


const char *
genai_effort_name(genai_effort_e effort)
{
    return (const char *) genai_efforts[effort].name.data;
}


int64_t
genai_effort_tokens(genai_effort_e effort)
{
    return genai_efforts[effort].tokens;
}


genai_effort_e
genai_effort_of_tokens(int64_t tokens)
{
    return tokens <= 0 ? GENAI_EFFORT_NONE
           : tokens <= 1024 ? GENAI_EFFORT_LOW
           : tokens <= 8192 ? GENAI_EFFORT_MEDIUM
           : tokens <= 24576 ? GENAI_EFFORT_HIGH
           : GENAI_EFFORT_XHIGH;
}


const genai_dialect_t *
genai_chat_signer(const genai_str_t *name)
{
    size_t  i;

    static const struct {
        genai_str_t  format;            /* begins so */
        genai_str_t  dialect;
    } signers[] = {
        { genai_str("anthropic"), genai_str("anthropic") },
        { genai_str("bedrock"), genai_str("bedrock") },
        { genai_str("google-gemini"), genai_str("gemini") },
        { genai_str("gemini"), genai_str("gemini") },
        { genai_str("openai-responses"), genai_str("responses") },
        { genai_str("responses"), genai_str("responses") }
    };

    for (i = 0; i < sizeof(signers) / sizeof(signers[0]); i++) {
        if (name->len >= signers[i].format.len
            && memcmp(name->data, signers[i].format.data,
                      signers[i].format.len)
               == 0)
        {
            return genai_dialect_by_name(&signers[i].dialect);
        }
    }

    return NULL;
}
