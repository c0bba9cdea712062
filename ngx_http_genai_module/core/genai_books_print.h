/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the books and counters of limits as text, the same wherever they
 * are shown: a JSON object, and a record of CSV (RFC 4180).  All functions are
 * thread-safe.
 */


#ifndef _GENAI_BOOKS_PRINT_H_INCLUDED_
#define _GENAI_BOOKS_PRINT_H_INCLUDED_


#include "genai_books.h"
#include "genai_books_counter.h"


/* bytes that a row takes at most, in either form */
#define GENAI_BOOKS_LINE  (512 + 4 * 6 * GENAI_BOOKS_TEXT_MAX)

/* the names of CSV's columns, without a line end */
#define GENAI_BOOKS_CSV_HEAD                                                  \
    "day,team,user,key,model,exchanges,failed,orphans,estimated,attempts,"    \
    "prompt_tokens,cached_tokens,completion_tokens,reasoning_tokens,cost"


/*
 * Writes a row as a JSON object, where GENAI_BOOKS_LINE bytes are free: the
 * day as a date or null, ids as strings, cost in dollars.  Texts of the
 * account are at most GENAI_BOOKS_TEXT_MAX bytes long, as those of the books
 * are.
 *
 * Returns the end of what was written.
 */
unsigned char *genai_books_print_json(unsigned char *dst,
    const genai_account_t *account, const genai_totals_t *totals);

/* The sums alone, as the members of an object. */
unsigned char *genai_books_print_totals(unsigned char *dst,
    const genai_totals_t *totals);

/*
 * Writes a row as a record, without a line end.  An id that a spreadsheet
 * would take for a formula gets an apostrophe in front of it.
 */
unsigned char *genai_books_print_csv(unsigned char *dst,
    const genai_account_t *account, const genai_totals_t *totals);

/* bytes that a counter of a limit takes at most, in either form */
#define GENAI_BOOKS_LIMIT_LINE                                                \
    (1024 + 6 * (GENAI_LIMIT_TEXT + 3 * GENAI_BOOKS_TEXT_MAX))

/* the names of CSV's columns, without a line end */
#define GENAI_BOOKS_LIMIT_CSV_HEAD                                            \
    "owner,name,key,limit,start,end,amount,settled,leased,exchanges,debt,"    \
    "overrun,overruns,refused,ended"

/*
 * Writes a counter of a limit as a JSON object, where GENAI_BOOKS_LIMIT_LINE
 * bytes are free: the limit as its text; start and end of its window as
 * genai_books_print_time() has them, or null; what is counted in dollars of
 * one of cost; ended as true or false.  Texts as of a row.
 *
 * Returns the end of what was written.
 */
unsigned char *genai_books_print_limit_json(unsigned char *dst,
    const genai_limit_state_t *counter);

/*
 * Writes it as a record, without a line end; start and end may be empty,
 * ended is 0 or 1.
 */
unsigned char *genai_books_print_limit_csv(unsigned char *dst,
    const genai_limit_state_t *counter);

/* What counters are of: "key", "team", ..., "-" of what is none. */
const char *genai_books_print_owner(genai_owner_e owner);

/*
 * What is counted in a unit: "1200", or of cost dollars, "0.000012000".
 * GENAI_BOOKS_VALUE bytes are enough.
 */
#define GENAI_BOOKS_VALUE  32

unsigned char *genai_books_print_value(unsigned char *dst,
    genai_limit_unit_e unit, uint64_t value);

/*
 * Seconds since the epoch as "2026-11-22T13:00:00Z"; nothing of a time before
 * the year 0 or behind 9999, which is no window's.  32 bytes are enough.
 */
unsigned char *genai_books_print_time(unsigned char *dst, int64_t time);

/* "2026-11-22", nothing for GENAI_BOOKS_NO_DAY; 16 bytes are enough. */
unsigned char *genai_books_print_day(unsigned char *dst, int32_t day);


#endif /* _GENAI_BOOKS_PRINT_H_INCLUDED_ */
