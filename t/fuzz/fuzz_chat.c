/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of the translation of requests: the first byte says from which
 * dialect to which and for which kind of model, the rest is a request.  What
 * is written must be JSON that the dialect reads again, both as a request and
 * for a translation; written once more in the same dialect it must be the
 * same bytes.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined \
 *         -I ngx_http_genai_module/core t/fuzz/fuzz_chat.c \
 *         ngx_http_genai_module/core/genai_*.c
 */


#include "genai_chat.h"

#include <stdio.h>
#include <stdlib.h>


#define fuzz_check(cond)                                                      \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);        \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* seeds name them by their place: new ones come last, 8 at most */

static const genai_dialect_t  *fuzz_dialects[] = {
    &genai_anthropic, &genai_openai, &genai_responses, &genai_gemini,
    &genai_bedrock
};

#define FUZZ_DIALECTS  (sizeof(fuzz_dialects) / sizeof(fuzz_dialects[0]))


/* returns 0 with *out set, in the arena, or -1 where nothing is sent */

static int
fuzz_translate(genai_arena_t *arena, const genai_dialect_t *from,
    const genai_dialect_t *to, unsigned how, const genai_str_t *text,
    genai_str_t *out)
{
    int                    rc;
    genai_chat_t           chat;
    genai_writer_t         w;
    genai_request_t        req;
    genai_document_t       d;
    genai_chat_target_t    target;
    genai_writer_arena_t   buf;

    static const genai_str_t  model = genai_str("m");
    static const genai_str_t  claude = genai_str("anthropic.claude");

    genai_request_init(&req, from, from->chat, text, arena);

    if (genai_request_read(&req, SIZE_MAX) != GENAI_REQUEST_DONE) {
        return -1;
    }

    fuzz_check(genai_document_init(&d, text, &req.tape, NULL, NULL, arena)
               == 0);

    genai_chat_init(&chat, from, arena);

    rc = from->read_chat(&chat, &d);
    fuzz_check(rc == GENAI_CHAT_OK || rc == GENAI_CHAT_REFUSED);

    if (rc != GENAI_CHAT_OK) {
        fuzz_check(chat.error[0]);
        return -1;
    }

    memset(&target, 0, sizeof(target));
    target.model = (how & 1) ? claude : model;
    target.max_output = -1;
    target.max_default = 4096;
    target.stream = chat.stream;
    target.thinks = (how & 1) != 0;
    target.newer = (how & 2) != 0;

    memset(&buf, 0, sizeof(buf));
    buf.arena = arena;

    genai_writer_init(&w, genai_writer_arena, &buf);

    rc = genai_chat_write(&chat, to, &target, &w);

    if (rc != GENAI_CHAT_OK) {

        /* what is too deep for the writer is not written */

        fuzz_check(rc == GENAI_CHAT_NO_MEMORY || chat.error[0]);
        return -1;
    }

    *out = buf.text;

    return 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned                how;
    genai_str_t             text, once, twice, thrice;
    genai_arena_t           arena;
    genai_request_t         req;
    const genai_dialect_t  *from, *to;

    if (size == 0 || size > 65536) {
        return 0;
    }

    how = data[0] & 3;
    from = fuzz_dialects[(data[0] >> 2 & 7) % FUZZ_DIALECTS];
    to = fuzz_dialects[(data[0] >> 5) % FUZZ_DIALECTS];

    text.data = (unsigned char *) data + 1;
    text.len = size - 1;

    genai_arena_init(&arena, (size_t) 256 << 20);

    if (fuzz_translate(&arena, from, to, how, &text, &once) == 0) {

        genai_request_init(&req, to, to->chat, &once, &arena);
        fuzz_check(genai_request_read(&req, SIZE_MAX) == GENAI_REQUEST_DONE);

        /* what was left out may leave other things out, but only once */

        if (fuzz_translate(&arena, to, to, how, &once, &twice) == 0) {
            fuzz_check(fuzz_translate(&arena, to, to, how, &twice, &thrice)
                       == 0);
            fuzz_check(twice.len == thrice.len
                       && memcmp(twice.data, thrice.data, twice.len) == 0);
        }
    }

    genai_arena_destroy(&arena);

    return 0;
}
