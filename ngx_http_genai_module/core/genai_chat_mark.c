/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads what is in front of signatures that went through a client of another
 * dialect, genai_mark.h, and gives them to what they are of.
 */


#include "genai_chat.h"
#include "genai_mark.h"


/* bytes of an id in a mark */
#define GENAI_CHAT_MARK_ID  100000


int
genai_chat_unmark(genai_part_t *part, const genai_str_t *text,
    genai_str_t *what)
{
    size_t          n;
    genai_str_t     name, s;
    unsigned char  *p, *end, *colon;

    p = text->data;
    end = p + text->len;

    if (text->len < 6 || memcmp(p, "genai:", 6) != 0) {
        return 0;
    }

    p += 6;
    colon = memchr(p, ':', end - p);

    if (colon == NULL) {
        return -1;
    }

    name.data = p;
    name.len = colon - p;

    p = colon + 1;
    colon = memchr(p, ':', end - p);

    if (colon == NULL || colon == p) {
        return -1;
    }

    what->data = p;
    what->len = colon - p;

    for (p = colon + 1, n = 0; p < end && *p >= '0' && *p <= '9'; p++) {

        if (n > GENAI_CHAT_MARK_ID) {
            return -1;
        }

        n = n * 10 + (*p - '0');
    }

    if (p == end || *p != ':' || n > (size_t) (end - p - 1)) {
        return -1;
    }

    p++;

    if (n) {
        s.data = p;
        s.len = n;
        part->id = genai_value_text(&s);
    }

    s.data = p + n;
    s.len = end - s.data;

    part->signature = genai_value_text(&s);
    part->signer = genai_chat_signer(&name);

    return 0;
}


int
genai_chat_unmark_base64(genai_chat_t *chat, genai_part_t *part,
    const genai_str_t *text, genai_str_t *what)
{
    genai_str_t  bytes;

    /* "genai:" */

    if (text->len < 8 || memcmp(text->data, "Z2VuYWk6", 8) != 0) {
        return GENAI_CHAT_OK;
    }

    bytes.data = genai_arena_alloc(chat->arena, text->len);
    if (bytes.data == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    bytes.len = genai_base64_read(bytes.data, text);

    return (bytes.len && genai_chat_unmark(part, &bytes, what) == 0)
           ? GENAI_CHAT_OK : GENAI_CHAT_REFUSED;
}


int
genai_chat_sign_calls(genai_chat_t *chat, genai_message_t *m,
    const genai_part_t *marks)
{
    genai_str_t          id, signature;
    const genai_part_t  *mark;

    for (mark = marks->parts; mark; mark = mark->next) {

        if (genai_value_decode(chat, &mark->id, &id) != 0
            || genai_value_decode(chat, &mark->signature, &signature) != 0
            || genai_chat_sign(chat, m, mark->signer, &id, &signature)
               != GENAI_CHAT_OK)
        {
            return GENAI_CHAT_NO_MEMORY;
        }
    }

    return GENAI_CHAT_OK;
}
