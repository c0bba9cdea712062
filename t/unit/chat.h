/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A request of one dialect made into one of another, for tests.
 */


#ifndef _CHAT_H_INCLUDED_
#define _CHAT_H_INCLUDED_


#include "genai_chat.h"
#include "tap.h"


static genai_arena_t        chat_arena;
static genai_chat_t         chat_read;
static genai_chat_target_t  chat_target = {
    .model = genai_str("m"),
    .max_output = -1,
    .max_default = 4096,
    .thinks = 1
};


/*
 * Returns the request that is sent, or what it is refused with, terminated;
 * valid until the next call.
 */

__attribute__((unused))
static const char *
chat_translate(const genai_dialect_t *from, const genai_dialect_t *to,
    const char *text)
{
    int                   rc;
    genai_str_t           s;
    genai_scan_t          scan;
    genai_writer_t        w;
    genai_writer_arena_t  out;

    static genai_document_t  d;

    genai_arena_destroy(&chat_arena);
    genai_arena_init(&chat_arena, 64 * 1024 * 1024);

    s.data = (unsigned char *) text;
    s.len = strlen(text);

    genai_scan_init(&scan, &chat_arena, s.data, s.len, GENAI_REQUEST_VALUES);

    if (genai_scan(&scan, SIZE_MAX) != GENAI_SCAN_DONE
        || genai_document_init(&d, &s, &scan.tape, NULL, NULL, &chat_arena)
           != 0)
    {
        return "no JSON";
    }

    genai_chat_init(&chat_read, from, &chat_arena);

    rc = from->read_chat(&chat_read, &d);

    if (rc != GENAI_CHAT_OK) {
        return rc == GENAI_CHAT_REFUSED ? chat_read.error : "no memory";
    }

    memset(&out, 0, sizeof(out));
    out.arena = &chat_arena;

    genai_writer_init(&w, genai_writer_arena, &out);

    chat_target.stream = chat_read.stream;

    rc = genai_chat_write(&chat_read, to, &chat_target, &w);

    if (rc != GENAI_CHAT_OK) {
        return rc == GENAI_CHAT_REFUSED ? chat_read.error : "no memory";
    }

    if (genai_writer_flush(&w) != 0
        || genai_writer_arena(&out, (const unsigned char *) "", 1) != 0)
    {
        return "not written";
    }

    return (const char *) out.text.data;
}


/* the names that were dropped, with commas */

__attribute__((unused))
static const char *
chat_dropped(void)
{
    size_t       n;
    unsigned     i;
    static char  names[1024];

    names[0] = '\0';

    for (i = 0, n = 0; i < chat_read.ndropped && n < sizeof(names); i++) {
        n += snprintf(names + n, sizeof(names) - n, "%s%.*s", i ? "," : "",
                      (int) chat_read.dropped[i].len,
                      chat_read.dropped[i].data);
    }

    return names;
}


#endif /* _CHAT_H_INCLUDED_ */
