/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_limit_window.h"


/* a Monday: 1970-01-05 */
#define GENAI_WINDOW_MONDAY  4

/* about the year 9999 */
#define GENAI_WINDOW_TIME_MAX  INT64_C(253402300799)


static int64_t genai_window_floor(int64_t a, int64_t b);


void
genai_window_at(const genai_limit_t *limit,
    const genai_timezone_change_t *changes, unsigned n, int64_t time,
    genai_window_t *window)
{
    int      year, month, mday;
    int64_t  len, index;
    int32_t  day, first, next;

    if (time > GENAI_WINDOW_TIME_MAX) {
        time = GENAI_WINDOW_TIME_MAX;

    } else if (time < -GENAI_WINDOW_TIME_MAX) {
        time = -GENAI_WINDOW_TIME_MAX;
    }

    len = limit->window ? limit->window : 1;

    switch (limit->window_unit) {

    case GENAI_WINDOW_HOURS:
        len *= 60;
        /* fall through */

    case GENAI_WINDOW_MINUTES:
        len *= 60;
        /* fall through */

    case GENAI_WINDOW_SECONDS:
        window->index = genai_window_floor(time, len);
        window->start = window->index * len;
        window->end = window->start + len;
        return;

    case GENAI_WINDOW_DAYS:
    case GENAI_WINDOW_WEEKS:
        first = 0;

        if (limit->window_unit == GENAI_WINDOW_WEEKS) {
            first = GENAI_WINDOW_MONDAY;
            len *= 7;
        }

        day = genai_timezone_day(changes, n, time);
        index = genai_window_floor((int64_t) day - first, len);

        first += (int32_t) (index * len);
        next = first + (int32_t) len;
        break;

    case GENAI_WINDOW_MONTHS:
        day = genai_timezone_day(changes, n, time);
        genai_timezone_date(day, &year, &month, &mday);

        index = genai_window_floor(((int64_t) year - 1970) * 12 + month - 1,
                                   len);

        month = (int) (index * len) + 1;
        first = genai_timezone_days(1970, month, 1);
        next = genai_timezone_days(1970, month + (int) len, 1);
        break;

    default:
        window->index = 0;
        window->start = INT64_MIN;
        window->end = INT64_MAX;
        return;
    }

    window->index = index;
    window->start = genai_timezone_day_start(changes, n, first);
    window->end = genai_timezone_day_start(changes, n, next);
}


/* rounds down, also below 0 */

static int64_t
genai_window_floor(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}
