/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of the cursor: any text, any edits of it (program.h).  What the
 * cursor reads must be what a plain walk over the tape of the edited text
 * reads: types, names, texts, bytes.
 */


#include "program.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int               line;
    model_t           m;
    uint32_t          i;
    model_buf_t       got;
    genai_str_t       s;
    genai_scan_t      scan;
    genai_cursor_t    c;
    genai_document_t  d;

    if (program_open(&m, data, size) != 0) {
        return 0;
    }

    memset(&got, 0, sizeof(model_buf_t));

    fuzz_check(genai_document_init(&d, &m.text, &m.tape, &m.layers[0],
                                   &m.layers[1], &m.arena)
               == GENAI_EDIT_OK);
    fuzz_check(model_splice(&d, &got) == 0);

    genai_scan_init(&scan, &m.arena, got.data, got.len, MODEL_ENTRIES);

    if (genai_scan(&scan, SIZE_MAX) == GENAI_SCAN_DONE) {
        c = genai_cursor_root(&d);
        line = model_cursor(&c, &scan.tape, 0, &m.arena);

        if (line) {
            fprintf(stderr, "edit.h:%d\n", line);
            abort();
        }
    }

    for (i = 0; i <= m.tape.n; i++) {
        if (genai_cursor_at(&d, i, &c)
            && genai_cursor_type(&c) == GENAI_TAPE_STRING)
        {
            fuzz_check(genai_cursor_text(&c, &m.arena, &s) == GENAI_EDIT_OK);
        }
    }

    free(got.data);
    model_close(&m);

    return 0;
}
