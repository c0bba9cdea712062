/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What was counted before: an agent sends its whole conversation with every
 * turn, and only the last part of it is new.  A text that has been seen is
 * found by a keyed 128-bit hash of its raw bytes, a dozen times faster than
 * it is counted, and nothing of the text itself is kept.
 *
 * The hash is POLYVAL (RFC 8452, section 3), or, on processors that do not
 * multiply without carries, that of Poly1305 (RFC 8439, section 2.5), under a
 * key that the table was given at random: for any two texts below 1 MB that
 * differ the chance of the same value is under 2^-111, or 2^-87, whoever chose
 * the texts, as long as nobody learns the key or a value.  Of it 100 bits are
 * compared, or more.
 *
 * The table lies in memory that processes share, and is read and written
 * without a lock: an entry is two words, the first of which is written as
 * its exclusive or with the second, so that one of two halves is no entry
 * (as in the hash tables of chess programs: R. Hyatt, T. Mann, "A lockless
 * transposition table", ICGA Journal 25, 2002).  Four entries share a cache
 * line.  A new one takes the last place of its line, and one that is found
 * moves a place ahead: what comes again with each turn stays.
 */


#ifndef _GENAI_COUNT_CACHE_H_INCLUDED_
#define _GENAI_COUNT_CACHE_H_INCLUDED_


#include <stdint.h>

#include "genai_polyval.h"
#include "genai_str.h"


/* bytes of a text from which on looking pays; counts that are kept */
#define GENAI_COUNT_CACHE_TEXT  128
#define GENAI_COUNT_CACHE_MAX   ((uint32_t) 0x0fffffff)

#define GENAI_COUNT_CACHE_KEY   32
#define GENAI_COUNT_CACHE_WAYS  4


typedef struct {
    uint64_t                 mixed;     /* high half ^ rest */
    uint64_t                 rest;      /* 36 bits of the low half, and 28 of
                                           count; 0: there is none */
} genai_count_entry_t;


/* a line of the processor's cache, to which it is to be aligned */

typedef struct {
    genai_count_entry_t      entries[GENAI_COUNT_CACHE_WAYS];
} genai_count_line_t;


typedef struct {
    uint64_t                 r[2];      /* of Poly1305, clamped */
    uint64_t                 pad[2];
    uint64_t                 lines;     /* a power of 2 */
    uint64_t                 polyval;   /* 1: it is used */
    uint64_t                 reserved[2];
    genai_polyval_t          powers;
    genai_count_line_t       line[];
} genai_count_cache_t;


typedef struct {
    uint64_t                 high;
    uint64_t                 low;
} genai_count_hash_t;


/* a hash that is being made */

typedef struct {
    uint64_t                 h[3];

    /* of Poly1305 */
    uint64_t                 r[3];
    uint64_t                 rr[3];     /* its square */

    const genai_polyval_t   *powers;    /* NULL: it is not used */
} genai_count_hasher_t;


/*
 * Makes a table of the zeroed memory at c, aligned to 64 bytes, with at least
 * one line in it.  key are random bytes.
 */
void genai_count_cache_init(genai_count_cache_t *c, size_t size,
    const unsigned char key[GENAI_COUNT_CACHE_KEY]);

/*
 * The hash of a text and of what it is counted with: how is any number that
 * tells apart what would be counted otherwise.  8 GB/s, or 2 with Poly1305;
 * safe in any thread.
 */
void genai_count_hash(const genai_count_cache_t *c, const genai_str_t *text,
    uint64_t how, genai_count_hash_t *hash);

/*
 * The same in steps: begin, then the text's first bytes, a multiple of 16 at a
 * time, and what is left of it at the end; len is the whole text's.
 */
void genai_count_hash_begin(genai_count_hasher_t *p,
    const genai_count_cache_t *c);
void genai_count_hash_add(genai_count_hasher_t *p, const unsigned char *data,
    size_t len);
void genai_count_hash_end(genai_count_hasher_t *p,
    const genai_count_cache_t *c, const genai_str_t *rest, uint64_t len,
    uint64_t how, genai_count_hash_t *hash);

/*
 * Looks for a count and, where it is not the first of its line, moves it
 * ahead.  Safe in any number of threads and processes.
 *
 * Returns 1 with *tokens set, or 0.
 */
int genai_count_cache_find(genai_count_cache_t *c,
    const genai_count_hash_t *hash, uint32_t *tokens);

/*
 * Keeps a count; one above GENAI_COUNT_CACHE_MAX is not kept.  Safe in any
 * number of threads and processes.
 */
void genai_count_cache_add(genai_count_cache_t *c,
    const genai_count_hash_t *hash, uint64_t tokens);


#endif /* _GENAI_COUNT_CACHE_H_INCLUDED_ */
