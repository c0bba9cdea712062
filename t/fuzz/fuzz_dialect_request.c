/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of requests of the dialects beside OpenAI's: the first byte says
 * which, any bytes behind it are one.  Turns of any size must come to the same
 * result, segments be values of the text and in order, and with another model,
 * where it stands in the body, it must be taken again.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined \
 *         -I ngx_http_genai_module/core t/fuzz/fuzz_dialect_request.c \
 *         ngx_http_genai_module/core/genai_*.c
 */


#include "genai_request.h"

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


/* seeds name them by their place: new ones come last */

static const genai_dialect_t  *fuzz_dialects[] = {
    &genai_anthropic, &genai_responses, &genai_gemini
};

#define FUZZ_DIALECTS  (sizeof(fuzz_dialects) / sizeof(fuzz_dialects[0]))


static int
fuzz_read(genai_request_t *req, const genai_dialect_t *dialect,
    genai_arena_t *arena, const genai_str_t *text, uint32_t turns)
{
    int  rc;

    genai_request_init(req, dialect, dialect->chat, text, arena);

    do {
        turns = turns * 1664525 + 1013904223;
        rc = genai_request_read(req, turns >> 22);
    } while (rc == GENAI_REQUEST_AGAIN);

    return rc;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                rc;
    size_t             n;
    uint32_t           i, last;
    genai_str_t        text, slice, view, edited;
    genai_arena_t      arena;
    genai_edits_t      edits;
    genai_request_t    one, two;
    genai_splicer_t    s;
    genai_document_t   d;

    const genai_dialect_t  *dialect;

    static const genai_str_t  model = genai_str("a\"b");

    if (size == 0) {
        return 0;
    }

    dialect = fuzz_dialects[data[0] % FUZZ_DIALECTS];

    text.data = (unsigned char *) data + 1;
    text.len = size - 1;

    genai_arena_init(&arena, (size_t) 256 << 20);

    rc = fuzz_read(&one, dialect, &arena, &text, 1);
    fuzz_check(fuzz_read(&two, dialect, &arena, &text, 77 + size) == rc);
    fuzz_check(strcmp(one.error, two.error) == 0);
    fuzz_check(one.nsegments == two.nsegments && one.bytes == two.bytes
               && one.model == two.model && one.output_max == two.output_max);
    fuzz_check(one.nsegments == 0
               || memcmp(one.segments, two.segments,
                         one.nsegments * sizeof(genai_segment_t)) == 0);

    if (rc != GENAI_REQUEST_DONE) {
        genai_arena_destroy(&arena);
        return 0;
    }

    for (i = 0, last = 0; i < one.nsegments; i++) {
        view = genai_tape_view(&one.tape, one.segments[i].value);

        fuzz_check(one.segments[i].value >= last);
        fuzz_check(view.data >= text.data
                   && view.data + view.len <= text.data + text.len);
        last = one.segments[i].value;
    }

    if (dialect->path_read) {

        /* it is not in the body */

        genai_arena_destroy(&arena);
        return 0;
    }

    genai_edits_init(&edits, &one.tape, &arena);
    fuzz_check(dialect->set_model(&one, &edits, &model) == 0);
    fuzz_check(genai_document_init(&d, &text, &one.tape, &edits, NULL, &arena)
               == 0);

    edited.data = malloc(size + 64);
    n = 0;

    genai_splicer_init(&s, &d);

    while (genai_splicer_next(&s, &slice)) {
        memcpy(edited.data + n, slice.data, slice.len);
        n += slice.len;
    }

    edited.len = n;

    fuzz_check(fuzz_read(&two, dialect, &arena, &edited, 5)
               == GENAI_REQUEST_DONE);
    fuzz_check(two.nsegments == one.nsegments && two.model);

    genai_arena_destroy(&arena);
    free(edited.data);

    return 0;
}
