/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Records of the journal as they stand in a file.
 */


#ifndef _GENAI_JOURNAL_INT_H_INCLUDED_
#define _GENAI_JOURNAL_INT_H_INCLUDED_


#include "genai_books_int.h"
#include "genai_journal.h"


typedef enum {
    GENAI_RECORD_ROW = 1,
    GENAI_RECORD_COUNTER,
    GENAI_RECORD_FREE
    /* and what genai_journal_said_e names */
} genai_record_e;


typedef struct {
    uint32_t   len;                 /* of all, a multiple of 8 */
    uint32_t   kind;
    uint64_t   check;
    uint64_t   slot;                /* its offset in the region, or 0 */
} genai_record_t;


/* behind each of the next two are its texts, one after the other */

typedef struct {
    genai_record_t   record;
    int32_t          day;
    uint8_t          len[GENAI_NAMES];
    uint64_t         totals[GENAI_BOOKS_TOTALS];
} genai_record_row_t;

#define GENAI_RECORD_TEXTS  3       /* name, key, pattern */

typedef struct {
    genai_record_t   record;
    uint64_t         id[2];
    uint64_t         kind;          /* and so on: genai_books_counter_t */
    uint64_t         index;
    uint64_t         start;
    uint64_t         end;
    uint64_t         amount;
    uint64_t         settled;
    uint64_t         debt;
    uint64_t         over;
    uint64_t         overrun;
    uint64_t         charged;
    uint64_t         before;
    uint64_t         before_index;
    uint64_t         refused;
    uint64_t         weights[2];
    uint8_t          len[8];
} genai_record_counter_t;

typedef struct {
    genai_record_t   record;
    int64_t          now;
    uint64_t         synced;
    uint64_t         policy_last;
} genai_record_said_t;


/* slots are numbered by where they begin, in units of the smaller kind */
#define GENAI_JOURNAL_UNIT  sizeof(genai_books_row_t)


/* goes over the records of a file */
typedef struct {
    const unsigned char         *data;
    uint64_t                     size;
    uint64_t                     at;
    uint64_t                     gap;   /* bytes before it that are none */
    const genai_journal_head_t  *head;
} genai_journal_iter_t;

/* The next record, or NULL at the end. */
const genai_record_t *genai_journal_next(genai_journal_iter_t *it);


#endif /* _GENAI_JOURNAL_INT_H_INCLUDED_ */
