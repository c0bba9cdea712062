/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the books as text, the same wherever they are shown: a JSON object,
 * and a record of CSV (RFC 4180).  All functions are thread-safe.
 */


#ifndef _GENAI_BOOKS_PRINT_H_INCLUDED_
#define _GENAI_BOOKS_PRINT_H_INCLUDED_


#include "genai_books.h"


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

/* "2026-11-22", nothing for GENAI_BOOKS_NO_DAY; 16 bytes are enough. */
unsigned char *genai_books_print_day(unsigned char *dst, int32_t day);


#endif /* _GENAI_BOOKS_PRINT_H_INCLUDED_ */
