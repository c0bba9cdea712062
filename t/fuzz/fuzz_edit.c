/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of edits: any text, any edits of it (program.h).  Each edit must be
 * accepted or refused as it should; the edited text must be, byte by byte,
 * what the slow reader makes (t/unit/edit.h); and it must be well-formed.
 */


#include "program.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int               rc;
    model_t           m;
    model_buf_t       want, got;
    genai_scan_t      s;
    genai_document_t  d;

    if (program_open(&m, data, size) != 0) {
        return 0;
    }

    memset(&want, 0, sizeof(model_buf_t));
    memset(&got, 0, sizeof(model_buf_t));

    model_text(&m, &want);

    fuzz_check(genai_document_init(&d, &m.text, &m.tape, &m.layers[0],
                                   &m.layers[1], &m.arena)
               == GENAI_EDIT_OK);

    fuzz_check(model_splice(&d, &got) == 0);
    fuzz_check(got.len == want.len);
    fuzz_check(memcmp(got.data, want.data, got.len) == 0);

    genai_scan_init(&s, &m.arena, got.data, got.len, MODEL_ENTRIES);
    rc = genai_scan(&s, SIZE_MAX);

    /* what replaces a value adds to its depth */

    fuzz_check(rc == GENAI_SCAN_DONE || strstr(s.error, "deep") != NULL);

    free(want.data);
    free(got.data);
    model_close(&m);

    return 0;
}
