/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of time zones: the first byte says of which years a list is made,
 * all others are the content of a file.  A list that is made is in order, and
 * its days are: each begins once, one behind the other.
 */


#include "genai_timezone.h"

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
fuzz_time(const genai_timezone_change_t *changes, int n, int64_t time)
{
    int32_t  day;
    int64_t  start, next;

    day = genai_timezone_day(changes, n, time);

    start = genai_timezone_day_start(changes, n, day);
    next = genai_timezone_day_start(changes, n, day + 1);

    fuzz_check(start <= time && time < next);
    fuzz_check(genai_timezone_day(changes, n, start) == day);
    fuzz_check(genai_timezone_day(changes, n, start - 1) < day);
    fuzz_check(genai_timezone_day(changes, n, next) > day);
    fuzz_check(genai_timezone_day(changes, n, next - 1) == day);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int          n, i, k;
    int64_t      from, to;
    genai_str_t  name;

    static genai_timezone_change_t  changes[GENAI_TIMEZONE_CHANGES];

    if (size == 0) {
        return 0;
    }

    from = GENAI_TIMEZONE_MIN;
    to = GENAI_TIMEZONE_MAX;

    if (data[0] != 0xff) {
        from = (int64_t) genai_timezone_days(1900 + data[0], 1, 1) * 86400;
        to = from + (int64_t) (data[0] % 60) * 31556952;
    }

    name.data = (unsigned char *) data;
    name.len = size;
    (void) genai_timezone_name_valid(&name);

    n = genai_timezone_read(data + 1, size - 1, from, to, changes);

    if (n < 0) {
        return 0;
    }

    fuzz_check(n >= 1 && n <= GENAI_TIMEZONE_CHANGES);
    fuzz_check(changes[0].from == from);

    for (i = 0; i < n; i++) {
        fuzz_check(changes[i].offset > -25 * 3600
                   && changes[i].offset < 26 * 3600);
        fuzz_check(genai_timezone_offset(changes, n, changes[i].from)
                   == changes[i].offset);

        if (i) {
            fuzz_check(changes[i].from > changes[i - 1].from
                       && changes[i].from < to
                       && changes[i].offset != changes[i - 1].offset);
        }

        for (k = -2; k <= 2; k++) {
            fuzz_time(changes, n, changes[i].from + k);
            fuzz_time(changes, n, changes[i].from + k * 43200);
        }
    }

    return 0;
}
