/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of quirks: the first byte says of which server, of which endpoint
 * and for which kind of model, the rest is a request.  What is sent must be a
 * request that is read as this one was, of which nothing is left to change.
 */


#include "genai_quirks.h"
#include "genai_writer.h"

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


/* returns the edits, or -1 where nothing is sent */

static int
fuzz_send(genai_arena_t *arena, const genai_quirks_t *q,
    genai_endpoint_e endpoint, unsigned newer, const genai_str_t *text,
    genai_str_t *out, genai_request_t *req)
{
    int                   rc;
    genai_str_t           slice;
    genai_edits_t         edits;
    genai_splicer_t       splicer;
    genai_document_t      d;
    genai_quirks_told_t   told;
    genai_writer_arena_t  buf;

    genai_request_init(req, &genai_openai, endpoint, text, arena);

    if (genai_request_read(req, SIZE_MAX) != GENAI_REQUEST_DONE) {
        return -1;
    }

    genai_edits_init(&edits, &req->tape, arena);

    rc = genai_quirks_edit(q, req, newer, &edits, &told);

    if (rc == GENAI_QUIRKS_REFUSED) {
        fuzz_check(told.error && *told.error);
        return -1;
    }

    fuzz_check(rc == GENAI_EDIT_OK);
    fuzz_check(told.ndropped <= GENAI_QUIRKS_DROPPED_MAX);
    fuzz_check(genai_document_init(&d, text, &req->tape, NULL, &edits, arena)
               == 0);

    memset(&buf, 0, sizeof(buf));
    buf.arena = arena;

    genai_splicer_init(&splicer, &d);

    while (genai_splicer_next(&splicer, &slice)) {
        fuzz_check(genai_writer_arena(&buf, slice.data, slice.len) == 0);
    }

    *out = buf.text;

    return edits.n;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                    n;
    unsigned               newer;
    genai_str_t            text, once, twice;
    genai_arena_t          arena;
    genai_request_t        a, b;
    genai_endpoint_e       endpoint;
    const genai_quirks_t  *q;

    if (size == 0 || size > 65536) {
        return 0;
    }

    q = genai_quirks_at(data[0] & 0x1f);
    newer = (data[0] >> 5) & 1;
    endpoint = (data[0] & 0x40) ? GENAI_ENDPOINT_EMBEDDINGS
                                : (data[0] & 0x80) ? GENAI_ENDPOINT_COMPLETIONS
                                : GENAI_ENDPOINT_CHAT;

    if (q == NULL) {
        return 0;
    }

    genai_arena_init(&arena, 64 * 1024 * 1024);

    text.len = size - 1;
    text.data = malloc(text.len ? text.len : 1);

    if (text.data == NULL) {
        abort();
    }

    memcpy(text.data, data + 1, text.len);

    n = fuzz_send(&arena, q, endpoint, newer, &text, &once, &a);

    if (n == 0) {
        fuzz_check(once.len == text.len);
        fuzz_check(memcmp(once.data, text.data, text.len) == 0);

    } else if (n > 0) {
        n = fuzz_send(&arena, q, endpoint, newer, &once, &twice, &b);

        fuzz_check(n == 0);
        fuzz_check(a.messages == b.messages && a.choices == b.choices);
        fuzz_check(a.stream_asked == b.stream_asked);
        fuzz_check(a.output_max == b.output_max);
    }

    genai_arena_destroy(&arena);
    free(text.data);

    return 0;
}
