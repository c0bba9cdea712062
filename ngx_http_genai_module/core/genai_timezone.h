/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Time zones, without libc's, which has one for the whole process: a zone is
 * a short list of the moments at which its offset changes, read from the
 * system's files (TZif, RFC 9636, with the rule in its footer) and made once
 * for some years, so that it can lie in memory that processes share.
 *
 * All functions are thread-safe.
 */


#ifndef _GENAI_TIMEZONE_H_INCLUDED_
#define _GENAI_TIMEZONE_H_INCLUDED_


#include "genai_str.h"

#include <stdint.h>


typedef struct {
    int64_t   from;         /* seconds since the epoch */
    int32_t   offset;       /* seconds east of UTC */
    int32_t   unused;
} genai_timezone_change_t;

/* what one zone can have, of the years it is made for */
#define GENAI_TIMEZONE_CHANGES  128

/* the years 1 to 9999 */
#define GENAI_TIMEZONE_MIN  INT64_C(-62135596800)
#define GENAI_TIMEZONE_MAX  INT64_C(253402300800)


/*
 * Makes the list of a zone's changes in [from, to), seconds since the epoch,
 * out of the content of its file; the first entry is what holds at from, and
 * begins there.  Entries are in order of time, two neighbours differ in their
 * offset.  The content may be anything.
 *
 * Returns how many there are, 1 to GENAI_TIMEZONE_CHANGES; or -1 where the
 * content is broken, has more, counts leap seconds (the zones in "right/"),
 * or has summer time without a rule for it; or where from and to are not
 * GENAI_TIMEZONE_MIN <= from <= to <= GENAI_TIMEZONE_MAX.
 */
int genai_timezone_read(const void *data, size_t len, int64_t from,
    int64_t to, genai_timezone_change_t changes[GENAI_TIMEZONE_CHANGES]);

/*
 * Whether a name can be a zone's and so a file's below their folder: at most
 * 128 letters, digits and "_-+./", nothing between slashes that is empty or
 * begins with a point or "-".
 */
int genai_timezone_name_valid(const genai_str_t *name);

/*
 * What follows takes a list as it was made above.  Before its first entry
 * that one holds, behind what it was made for the last one.  n may be 0, which
 * is UTC.  A list that is anything else gives wrong times, nothing worse.
 */

/* The offset in seconds at a time. */
int32_t genai_timezone_offset(const genai_timezone_change_t *changes,
    unsigned n, int64_t time);

/*
 * The day of a time in that zone: days since 1970-01-01 in its own calendar.
 * It never goes back as time goes on: where clocks are put back over midnight
 * the hour that comes again is of the new day, which has begun.  Times of
 * millions of years are taken as the last one that has a day.
 */
int32_t genai_timezone_day(const genai_timezone_change_t *changes,
    unsigned n, int64_t time);

/*
 * The time at which a day begins in that zone: the first one whose day, as
 * above, it is.  Of a day that the zone left out it is when the next begins.
 */
int64_t genai_timezone_day_start(const genai_timezone_change_t *changes,
    unsigned n, int32_t day);

/*
 * A day as its date, proleptic Gregorian with a year 0; month and mday begin
 * with 1.  Both ways are arithmetic over eras of 400 years that begin in March
 * (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
 */
void genai_timezone_date(int32_t day, int *year, int *month, int *mday);

/*
 * The day of a date.  Months and days may be beyond their range: month 13 is
 * January of the next year, day 0 the last of the month before.  What has no
 * day in 32 bits becomes the last one that has.
 */
int32_t genai_timezone_days(int year, int month, int mday);


#endif /* _GENAI_TIMEZONE_H_INCLUDED_ */
