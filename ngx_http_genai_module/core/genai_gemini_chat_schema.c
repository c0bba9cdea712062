/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Google's schemas to JSON schemas.  They are a subset of those of OpenAPI
 * 3.0: types are written in capitals, null is a property of a type and none of
 * them, and sizes may be strings, as protobuf's JSON has numbers of 64 bits.
 */


#include "genai_gemini_chat_int.h"


static int genai_gcs_schema(genai_chat_t *chat, const genai_cursor_t *value,
    genai_writer_t *w, unsigned depth);
static int genai_gcs_member(genai_chat_t *chat, const genai_str_t *name,
    const genai_cursor_t *value, genai_writer_t *w, unsigned depth);
static int genai_gcs_type(genai_chat_t *chat, const genai_cursor_t *value,
    unsigned nullable, genai_writer_t *w);
static unsigned genai_gcs_is(const genai_str_t *name, const char *const *list);


/* one schema, a list of them, an object of them, a size; not carried */

static const char *const  genai_gcs_one[] = {
    "items", "additionalProperties", "additional_properties", "not", NULL
};

static const char *const  genai_gcs_lists[] = {
    "anyOf", "any_of", "oneOf", "allOf", "prefixItems", "prefix_items", NULL
};

static const char *const  genai_gcs_objects[] = {
    "properties", "defs", "$defs", "definitions", NULL
};

static const char *const  genai_gcs_sizes[] = {
    "minItems", "maxItems", "minLength", "maxLength", "minProperties",
    "maxProperties", "min_items", "max_items", "min_length", "max_length",
    "min_properties", "max_properties", NULL
};

static const char *const  genai_gcs_unread[] = {
    "nullable", "propertyOrdering", "property_ordering", "example", NULL
};

/* the other spelling of some */

static const struct {
    const char  *snake;
    const char  *camel;
} genai_gcs_names[] = {
    { "additional_properties", "additionalProperties" },
    { "any_of", "anyOf" },
    { "prefix_items", "prefixItems" },
    { "min_items", "minItems" },
    { "max_items", "maxItems" },
    { "min_length", "minLength" },
    { "max_length", "maxLength" },
    { "min_properties", "minProperties" },
    { "max_properties", "maxProperties" },
    { "defs", "$defs" },
    { "ref", "$ref" }
};


int
genai_gemini_schema(genai_chat_t *chat, const genai_cursor_t *value,
    genai_value_t *schema)
{
    int                   rc;
    genai_writer_t        w;
    genai_writer_arena_t  out;

    memset(&out, 0, sizeof(genai_writer_arena_t));
    out.arena = chat->arena;

    genai_writer_init(&w, genai_writer_arena, &out);

    rc = genai_gcs_schema(chat, value, &w, 0);

    if (rc != GENAI_CHAT_OK) {
        return rc;
    }

    if (genai_writer_flush(&w) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    *schema = genai_value_json(&out.text);

    return GENAI_CHAT_OK;
}


static int
genai_gcs_schema(genai_chat_t *chat, const genai_cursor_t *value,
    genai_writer_t *w, unsigned depth)
{
    int                  rc;
    unsigned             nullable, typed;
    genai_cursor_t       at;
    genai_cursor_iter_t  it;

    if (genai_cursor_type(value) != GENAI_TAPE_OBJECT) {
        genai_cursor_copy(value, w);
        return GENAI_CHAT_OK;
    }

    if (depth > GENAI_GEMINI_SCHEMA_DEPTH) {
        return genai_chat_refuse(chat, "a schema may have %d levels with a "
                                 "provider of another API",
                                 GENAI_GEMINI_SCHEMA_DEPTH);
    }

    nullable = genai_chat_find(value, "nullable", &at)
               && genai_chat_bool(&at) == 1;
    typed = 0;

    genai_writer_open(w, '{');
    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        if (genai_str_is(&it.name, "type")) {
            typed = 1;
            genai_writer_name(w, "type");
            rc = genai_gcs_type(chat, &it.value, nullable, w);

        } else {
            rc = genai_gcs_member(chat, &it.name, &it.value, w, depth);
        }

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    if (!typed && depth == 0 && genai_chat_find(value, "properties", &at)) {
        genai_writer_name(w, "type");
        genai_writer_literal(w, "\"object\"");
    }

    genai_writer_close(w, '}');

    return GENAI_CHAT_OK;
}


static int
genai_gcs_member(genai_chat_t *chat, const genai_str_t *name,
    const genai_cursor_t *value, genai_writer_t *w, unsigned depth)
{
    int                   rc;
    size_t                i;
    unsigned              list;
    genai_str_t           text;
    genai_value_t         v;
    genai_cursor_iter_t   it;

    if (genai_gcs_is(name, genai_gcs_unread)) {
        return GENAI_CHAT_OK;
    }

    for (i = 0; i < sizeof(genai_gcs_names) / sizeof(genai_gcs_names[0]); i++)
    {
        if (name->len == strlen(genai_gcs_names[i].snake)
            && memcmp(name->data, genai_gcs_names[i].snake, name->len) == 0)
        {
            genai_writer_name(w, genai_gcs_names[i].camel);
            break;
        }
    }

    if (i == sizeof(genai_gcs_names) / sizeof(genai_gcs_names[0])) {
        genai_writer_raw_name(w, name);
    }

    if (genai_gcs_is(name, genai_gcs_one)) {
        return genai_gcs_schema(chat, value, w, depth + 1);
    }

    if (genai_gcs_is(name, genai_gcs_sizes)) {

        v = genai_value_at(value);

        if (genai_value_decode(chat, &v, &text) != 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        for (i = 0; i < text.len && i < 19; i++) {
            if (text.data[i] < '0' || text.data[i] > '9') {
                break;
            }
        }

        if (text.len == 0 || i < text.len) {
            genai_cursor_copy(value, w);

        } else {
            genai_writer_raw(w, &text);
        }

        return GENAI_CHAT_OK;
    }

    list = genai_gcs_is(name, genai_gcs_lists)
           && genai_cursor_type(value) == GENAI_TAPE_ARRAY;

    if (!list && !(genai_gcs_is(name, genai_gcs_objects)
                   && genai_cursor_type(value) == GENAI_TAPE_OBJECT))
    {
        genai_cursor_copy(value, w);
        return GENAI_CHAT_OK;
    }

    genai_writer_open(w, list ? '[' : '{');
    genai_cursor_iter(&it, value);

    while (genai_cursor_next(&it) == 1) {

        if (!list) {
            genai_writer_raw_name(w, &it.name);
        }

        rc = genai_gcs_schema(chat, &it.value, w, depth + 1);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    genai_writer_close(w, list ? ']' : '}');

    return GENAI_CHAT_OK;
}


static int
genai_gcs_type(genai_chat_t *chat, const genai_cursor_t *value,
    unsigned nullable, genai_writer_t *w)
{
    size_t          i;
    genai_str_t     text, lower;
    genai_value_t   v;
    unsigned char   word[16];

    v = genai_value_at(value);

    if (!genai_value_is_string(&v)) {
        genai_cursor_copy(value, w);
        return GENAI_CHAT_OK;
    }

    if (genai_value_decode(chat, &v, &text) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    lower = text;

    if (text.len <= sizeof(word)) {

        for (i = 0; i < text.len; i++) {
            word[i] = (text.data[i] >= 'A' && text.data[i] <= 'Z')
                      ? text.data[i] | 0x20 : text.data[i];
        }

        lower.data = word;
    }

    if (nullable) {
        genai_writer_open(w, '[');
        genai_writer_string(w, &lower);
        genai_writer_literal(w, "\"null\"");
        genai_writer_close(w, ']');

    } else {
        genai_writer_string(w, &lower);
    }

    return GENAI_CHAT_OK;
}


static unsigned
genai_gcs_is(const genai_str_t *name, const char *const *list)
{
    for ( /* void */ ; *list; list++) {

        if (name->len == strlen(*list)
            && memcmp(name->data, *list, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
