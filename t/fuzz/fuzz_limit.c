/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of limits: any text.  What is taken, is within its bounds, and is
 * written as a text that means the same and is written as itself; what is
 * refused has a place and a sentence.
 */


#include "genai_limit.h"

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


static void
fuzz_bounds(const genai_limit_t *limit)
{
    fuzz_check(limit->unit <= GENAI_LIMIT_CONCURRENT);
    fuzz_check(limit->window_unit <= GENAI_WINDOW_NEVER);
    fuzz_check(limit->window <= GENAI_LIMIT_WINDOW_MAX);

    if (limit->unit == GENAI_LIMIT_COST) {
        fuzz_check(limit->amount <= GENAI_LIMIT_DOLLARS_MAX * 1000000000);

    } else {
        fuzz_check(limit->amount <= GENAI_LIMIT_AMOUNT_MAX);
    }

    if (limit->unit == GENAI_LIMIT_CONCURRENT) {
        fuzz_check(limit->window_unit == GENAI_WINDOW_NONE);
        fuzz_check(limit->window == 0);

    } else {
        fuzz_check(limit->window_unit != GENAI_WINDOW_NONE);
        fuzz_check(limit->window != 0);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          where, room;
    const char     *error;
    genai_str_t     text, written;
    genai_limit_t   limit, again;
    unsigned char  *buf, *end;

    text.data = (unsigned char *) data;
    text.len = size;

    where = SIZE_MAX;
    error = genai_limit_parse(&text, &limit, &where);

    fuzz_check(where <= size);

    if (error) {
        fuzz_check(*error && error[strlen(error) - 1] != '.');
        return 0;
    }

    fuzz_bounds(&limit);

    if (limit.pattern.len) {
        fuzz_check(genai_pattern_check(&limit.pattern) == NULL);
        fuzz_check(genai_pattern_match(&limit.pattern, &limit.pattern));
    }

    room = GENAI_LIMIT_TEXT + limit.pattern.len;
    buf = malloc(2 * room);

    if (buf == NULL) {
        return 0;
    }

    written.data = buf;
    written.len = genai_limit_write(buf, &limit) - buf;

    fuzz_check(written.len <= room);
    fuzz_check(genai_limit_parse(&written, &again, &where) == NULL);
    fuzz_check(again.amount == limit.amount && again.unit == limit.unit
               && again.window == limit.window
               && again.window_unit == limit.window_unit
               && again.pattern.len == limit.pattern.len);

    end = genai_limit_write(buf + room, &again);

    fuzz_check((size_t) (end - buf) - room == written.len
               && memcmp(buf, buf + room, written.len) == 0);

    free(buf);

    return 0;
}
