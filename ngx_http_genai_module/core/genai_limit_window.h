/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Windows of limits.  They are aligned, so that every process and every node
 * knows them without asking: seconds, minutes and hours at multiples of N
 * since the epoch; days at midnight, weeks on Monday, months on the 1st, in a
 * time zone; of N > 1 those counted from 1970-01-01, weeks from 1970-01-05.
 *
 * All functions are pure and thread-safe.
 */


#ifndef _GENAI_LIMIT_WINDOW_H_INCLUDED_
#define _GENAI_LIMIT_WINDOW_H_INCLUDED_


#include "genai_limit.h"
#include "genai_timezone.h"


typedef struct {
    int64_t   index;        /* its number: the next one's is one more */
    int64_t   start;        /* seconds since the epoch */
    int64_t   end;          /* the first second of the next one */
} genai_window_t;


/*
 * The window of a limit in which a time is, seconds since the epoch; changes
 * are the time zone's, genai_timezone.h.  start <= time < end.  Of "never",
 * and of a limit without a window, it is number 0 and all times, INT64_MIN to
 * INT64_MAX.  Times before the year -9999 and after 9999 are taken as these.
 */
void genai_window_at(const genai_limit_t *limit,
    const genai_timezone_change_t *changes, unsigned n, int64_t time,
    genai_window_t *window);


#endif /* _GENAI_LIMIT_WINDOW_H_INCLUDED_ */
