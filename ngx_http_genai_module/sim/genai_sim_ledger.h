/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The provider's own record of what it was asked and what it said: a row an
 * exchange, in a table of fixed size that several processes write without a
 * lock.  The table lies in a mapped file, where it survives every kind of
 * death of the processes, or in shared memory.
 *
 * A row is claimed by adding one to the counter in the table's head; when the
 * table is full the oldest row is taken.  Whoever claimed a row is the only
 * one to write it, until it is taken from him, which he sees by its number.
 */


#ifndef _GENAI_SIM_LEDGER_H_INCLUDED_
#define _GENAI_SIM_LEDGER_H_INCLUDED_


#include "genai_sim_answer.h"

#include <stdint.h>


#define GENAI_SIM_LEDGER_ROWS  65536

/* room that one row takes as JSON */
#define GENAI_SIM_LEDGER_LINE  1536

#define GENAI_SIM_LEDGER_TEXT  80


typedef enum {
    GENAI_SIM_LEDGER_OPEN = 0,
    GENAI_SIM_LEDGER_DONE,
    GENAI_SIM_LEDGER_GONE,          /* the client left */
    GENAI_SIM_LEDGER_FAULT          /* broken off on purpose */
} genai_sim_ledger_end_e;


typedef struct {
    uint64_t   number;              /* from 1 on; 0: never used */
    int64_t    started;             /* ms since the epoch */
    uint64_t   prompt_tokens;
    uint64_t   reported;            /* completion tokens in the usage sent */
    uint64_t   written;             /* tokens given to the network */
    uint16_t   status;
    uint8_t    endpoint;
    uint8_t    stream;
    uint8_t    end;
    uint8_t    request_id_len;
    uint8_t    model_len;
    uint8_t    unused;
    uint8_t    request_id[GENAI_SIM_LEDGER_TEXT];
    uint8_t    model[GENAI_SIM_LEDGER_TEXT];    /* raw, as in JSON */
} genai_sim_ledger_row_t;


typedef struct {
    uint64_t                 magic;
    uint64_t                 rows;
    uint64_t                 count;         /* rows that were ever claimed */
    uint64_t                 first;         /* those up to it were cleared */
    uint64_t                 unused[4];
    genai_sim_ledger_row_t   row[];
} genai_sim_ledger_t;


/* bytes of a ledger of so many rows */
size_t genai_sim_ledger_size(uint64_t rows);

/*
 * Makes a ledger of this memory; one that is there already, and has as many
 * rows, goes on.
 */
void genai_sim_ledger_init(genai_sim_ledger_t *l, uint64_t rows);

/*
 * Claims a row and fills it but for what the answer brings.  Texts that are
 * too long are cut.
 *
 * Returns the row's number.
 */
uint64_t genai_sim_ledger_begin(genai_sim_ledger_t *l, int64_t now,
    unsigned endpoint, unsigned stream, const genai_str_t *request_id,
    const genai_str_t *model, uint64_t prompt_tokens);

/* The row of that number, or NULL where it has been taken from us. */
genai_sim_ledger_row_t *genai_sim_ledger_row(genai_sim_ledger_t *l,
    uint64_t number);

/* Clears the ledger; exchanges that are under way lose their rows. */
void genai_sim_ledger_clear(genai_sim_ledger_t *l);

/* the number of the oldest row that can be there */
uint64_t genai_sim_ledger_first(const genai_sim_ledger_t *l);

/*
 * Writes a row as a JSON object, where GENAI_SIM_LEDGER_LINE bytes are free.
 *
 * Returns the end of what was written.
 */
unsigned char *genai_sim_ledger_json(const genai_sim_ledger_row_t *row,
    unsigned char *p);

/*
 * Prepares an answer that is a JSON array of the rows there are now, one a
 * line, or of those of one request id where that is not empty.  The ledger
 * and the id must outlive it.
 */
void genai_sim_ledger_answer(const genai_sim_ledger_t *l,
    genai_sim_answer_t *a, const genai_str_t *request_id);


#endif /* _GENAI_SIM_LEDGER_H_INCLUDED_ */
