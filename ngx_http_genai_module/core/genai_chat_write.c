/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_chat_write.h"
#include "genai_siphash.h"

#include <stdio.h>


/* bytes of an id with others in it that are kept */
#define GENAI_CHAT_ID_KEPT  40


static unsigned genai_chat_is_plain(unsigned char c, const char *others);


int
genai_chat_write_id(genai_chat_t *chat, const genai_value_t *id,
    const char *name, const char *others, unsigned max, genai_writer_t *w)
{
    char             hash[24], made[GENAI_CHAT_ID_KEPT + 24];
    size_t           i, n;
    genai_str_t      text;
    genai_siphash_t  h;

    static const uint64_t  seed[2] = { 0, 0 };

    if (genai_value_decode(chat, id, &text) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (text.len == 0) {
        return genai_chat_refuse(chat, "a tool call and its result must have "
                                 "an id");
    }

    if (max && text.len > max) {
        genai_siphash_begin(&h, seed);
        genai_siphash_bytes(&h, text.data, text.len);

        text.len = snprintf(hash, sizeof(hash), "id_%016llx",
                            (unsigned long long) genai_siphash_end(&h));
        text.data = (unsigned char *) hash;
    }

    for (i = 0; i < text.len; i++) {
        if (!genai_chat_is_plain(text.data[i], others)) {
            break;
        }
    }

    if (i < text.len) {

        /* no two become the same */

        genai_siphash_begin(&h, seed);
        genai_siphash_bytes(&h, text.data, text.len);

        n = (text.len < GENAI_CHAT_ID_KEPT) ? text.len : GENAI_CHAT_ID_KEPT;

        for (i = 0; i < n; i++) {
            made[i] = genai_chat_is_plain(text.data[i], others)
                      ? text.data[i] : '_';
        }

        text.len = n + snprintf(made + n, sizeof(made) - n, "_%016llx",
                                (unsigned long long) genai_siphash_end(&h));
        text.data = (unsigned char *) made;
    }

    genai_writer_name(w, name);
    genai_writer_string(w, &text);

    return GENAI_CHAT_OK;
}


static unsigned
genai_chat_is_plain(unsigned char c, const char *others)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || (c && strchr(others, c));
}


void
genai_chat_write_schema(const genai_value_t *schema, genai_writer_t *w)
{
    genai_cursor_t       at;
    genai_cursor_iter_t  it;

    if (schema->kind == GENAI_VALUE_NONE) {
        genai_writer_literal(w, "{\"type\":\"object\",\"properties\":{}}");
        return;
    }

    if (schema->kind != GENAI_VALUE_AT
        || genai_cursor_type(&schema->at) != GENAI_TAPE_OBJECT
        || genai_chat_find(&schema->at, "type", &at))
    {
        genai_value_write(schema, w);
        return;
    }

    genai_writer_open(w, '{');
    genai_writer_name(w, "type");
    genai_writer_literal(w, "\"object\"");

    genai_cursor_iter(&it, &schema->at);

    while (genai_cursor_next(&it) == 1) {

        if (genai_str_is(&it.name, "type")) {
            continue;
        }

        genai_writer_raw_name(w, &it.name);
        genai_cursor_copy(&it.value, w);
    }

    genai_writer_close(w, '}');
}


unsigned
genai_value_is_nothing(genai_chat_t *chat, const genai_value_t *v)
{
    genai_str_t  text;

    return !genai_value_is_string(v)
           && genai_value_decode(chat, v, &text) == 0
           && (genai_str_is(&text, "false") || genai_str_is(&text, "0")
               || genai_str_is(&text, "0.0") || genai_str_is(&text, "{}"));
}


unsigned
genai_part_is_own(const genai_part_t *part,
    const genai_dialect_t *dialect)
{
    return part->kind == GENAI_PART_REASONING
           && part->signer == dialect
           && genai_value_is_string(&part->signature);
}


/* the first byte of a string that shows something stops the look at it */

static int
genai_chat_shows(void *ctx, const genai_str_t *slice)
{
    size_t  i;

    (void) ctx;

    for (i = 0; i < slice->len; i++) {

        if (slice->data[i] == '\\' && i + 1 < slice->len
            && memchr("ntr", slice->data[i + 1], 3))
        {
            i++;
            continue;
        }

        if (memchr(" \t\r\n", slice->data[i], 4) == NULL) {
            return 1;
        }
    }

    return 0;
}


unsigned
genai_value_is_blank(const genai_value_t *text)
{
    switch (text->kind) {

    case GENAI_VALUE_NONE:
        return 1;

    case GENAI_VALUE_AT:
        return genai_cursor_type(&text->at) == GENAI_TAPE_STRING
               && genai_cursor_write(&text->at, 1, genai_chat_shows, NULL)
                  == 0;

    default:
        return genai_chat_shows(NULL, &text->text) == 0;
    }
}
