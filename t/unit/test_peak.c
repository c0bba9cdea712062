/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_peak.h"
#include "tap.h"

#include <string.h>


int
main(void)
{
    genai_peak_t  p;

    memset(&p, 0, sizeof(genai_peak_t));

    is_int(genai_peak_get(&p, 0), 0, "nothing yet");
    is_int(genai_peak_get(&p, 7), 0, "nor later");

    genai_peak_add(&p, 7, 500);
    genai_peak_add(&p, 7, 300);
    is_int(genai_peak_get(&p, 7), 500, "the largest of a minute");
    is_int(genai_peak_get(&p, 8), 500, "is seen in the next one");
    is_int(genai_peak_get(&p, 6), 500, "and by who is a little behind");
    is_int(genai_peak_get(&p, 9), 0, "and no longer");

    genai_peak_add(&p, 8, 400);
    is_int(genai_peak_get(&p, 8), 500, "of both minutes");
    is_int(genai_peak_get(&p, 9), 400, "a smaller one comes up");

    genai_peak_add(&p, 9, 3);
    is_int(genai_peak_get(&p, 9), 400, "what was two minutes ago is replaced");
    is_int(genai_peak_get(&p, 10), 3, "by less");
    genai_peak_add(&p, 9, 4);
    is_int(genai_peak_get(&p, 10), 4, "and that by more");

    genai_peak_add(&p, 1000, GENAI_PEAK_MAX + 5);
    ok(genai_peak_get(&p, 1000) == GENAI_PEAK_MAX, "a value beyond its bits");
    is_int(genai_peak_get(&p, 1002), 0, "does not reach the minute");

    return done_testing();
}
