/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of the lists of betas: a value, 0, and a text.  What is read can be
 * walked; what is not says why.
 */


#include "genai_betas.h"

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


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            error[GENAI_BETAS_ERROR_MAX];
    uint32_t        list, n;
    genai_str_t     text, name, value;
    const uint8_t  *end;
    genai_betas_t   betas;

    end = memchr(data, 0, size);

    if (end == NULL) {
        return 0;
    }

    value.data = (unsigned char *) data;
    value.len = end - data;

    text.len = size - value.len - 1;
    text.data = malloc(text.len ? text.len : 1);

    if (text.data == NULL) {
        abort();
    }

    memcpy(text.data, end + 1, text.len);

    error[0] = '\0';

    if (genai_betas_read(&betas, &text, error) != 0) {
        fuzz_check(error[0] && strlen(error) < GENAI_BETAS_ERROR_MAX);

    } else {
        free(text.data);
        text.data = NULL;

        for (n = 0, list = 0;
             (list = genai_betas_next(&betas, list, &name)) != 0;
             n++)
        {
            fuzz_check(name.len && name.len <= GENAI_BETAS_NAME_MAX);
            fuzz_check(genai_betas_find(&betas, &name) == list);
            (void) genai_betas_has(&betas, list, &value);
        }

        fuzz_check(n <= GENAI_BETAS_LISTS);

        list = genai_betas_find(&betas, &value);
        fuzz_check(list == 0 || genai_betas_has(&betas, list, &value) >= 0);

        genai_betas_free(&betas);
    }

    free(text.data);

    return 0;
}
