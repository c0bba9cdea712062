/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The scanner: validates a JSON text (RFC 8259) strictly and makes its tape
 * (genai_tape.h), in turns of a size that the caller chooses.
 *
 * Refused are: a byte order mark; what is not UTF-8 (overlong forms,
 * surrogates, code points above U+10FFFF, cut sequences); raw control
 * characters in strings; bad escapes and escapes of lone surrogates; more
 * than GENAI_SCAN_DEPTH levels; bytes after the value; all that is not JSON.
 * Everything else passes: any value may be the outermost one, numbers may
 * have any length, "\u0000" is a character, names may occur twice.  Who acts
 * on a value judges it.
 *
 * An error is the first one of the text: no byte before s->error_offset is
 * wrong.  It does not depend on the turns nor on the instruction set.
 *
 * How it works.  The text is taken in blocks of 64 bytes.  Of each block,
 * vector instructions make bit sets: where are quotes, backslashes, control
 * and non-ASCII characters, punctuation, white space.  Which quotes are
 * escaped follows from the backslashes; a running exclusive or over the
 * others gives the bytes inside strings; and what is left outside of them,
 * punctuation and the first bytes of numbers and literals, is walked bit by
 * bit through the grammar.  Bytes within strings are never looked at one by
 * one, but for escapes.  All that one block hands to the next is in the
 * state below, so that a turn can end after any of them.
 *
 * The idea of bit sets is from G. Langdale, D. Lemire, "Parsing Gigabytes of
 * JSON per Second" (2019), that of validating UTF-8 by three table look-ups
 * from J. Keiser, D. Lemire, "Validating UTF-8 In Less Than One Instruction
 * Per Byte" (2021).  Unlike there, sets and grammar are one pass, which makes
 * turns possible and needs no memory for the places.
 *
 * There are three editions, AVX2 where the processor has it, SSE2 on x86-64,
 * and a portable one, which differ in how the bit sets come about and in
 * nothing that can be seen.
 *
 * A scanner belongs to one thread at a time, together with its arena;
 * different scanners are independent.
 */


#ifndef _GENAI_SCAN_H_INCLUDED_
#define _GENAI_SCAN_H_INCLUDED_


#include "genai_arena.h"
#include "genai_tape.h"


/* arrays and objects within each other, the outermost counted */
#define GENAI_SCAN_DEPTH  128

/* a good turn for an event loop: well below 100 microseconds; bytes */
#define GENAI_SCAN_TURN   65536


/* what genai_scan() returns */

#define GENAI_SCAN_DONE    0
#define GENAI_SCAN_AGAIN   1
#define GENAI_SCAN_ERROR  -1


/* whose fault an error is */

typedef enum {
    GENAI_SCAN_FINE = 0,
    GENAI_SCAN_BAD_TEXT,            /* the text is not what is accepted */
    GENAI_SCAN_TOO_LARGE,           /* of 4 GiB, or has too many values */
    GENAI_SCAN_NO_MEMORY            /* the arena's limit, or the system's */
} genai_scan_cause_e;


typedef enum {
    GENAI_SCAN_BEST = 0,            /* what the processor can do */
    GENAI_SCAN_PORTABLE,
    GENAI_SCAN_SSE2,
    GENAI_SCAN_AVX2
} genai_scan_edition_e;


typedef struct genai_scan_s  genai_scan_t;


/* all but the first five members are the scanner's own */

struct genai_scan_s {
    genai_tape_t         tape;      /* the result, after GENAI_SCAN_DONE */
    size_t               done;      /* bytes that are behind us */

    const char          *error;     /* after GENAI_SCAN_ERROR: what is wrong, */
    size_t               error_offset;      /* where, bytes, */
    genai_scan_cause_e   cause;             /* whose fault, static texts */

    const unsigned char *text;
    size_t               len;

    int                (*run)(genai_scan_t *s, size_t budget);

    genai_arena_t       *arena;
    genai_entry_t       *entries;
    uint32_t             n;
    uint32_t             room;
    uint32_t             max;

    uint32_t             state;     /* what the grammar waits for */
    uint32_t             number;    /* what a number that goes on waits for */
    uint32_t             open;      /* the innermost open array or object */
    uint32_t             depth;

    /* of the block before: */
    uint64_t             string;    /* all ones: it ended inside a string */
    uint64_t             escaped;   /* 1: its last byte escapes the next */
    uint64_t             scalar;    /* 1: its last byte is of a scalar */

    size_t               low;       /* where a low surrogate must be, or 0 */
};


/*
 * Begins to scan text[0 .. len), which must stay in place while the scanner
 * and its tape are used.  The tape is allocated from the arena, as it grows,
 * and has at most max_entries entries (a value is one, a member's name is
 * another), which bounds its memory: 16 bytes each, and there is room for
 * less than twice as many.  No text has more than one for two of its bytes.
 * Errors are told by genai_scan().
 */
void genai_scan_init(genai_scan_t *s, genai_arena_t *arena,
    const unsigned char *text, size_t len, uint32_t max_entries);

/*
 * Goes on for about budget bytes (rounded up to blocks of 64; SIZE_MAX for
 * all), whatever is in them.
 *
 * Returns GENAI_SCAN_AGAIN; GENAI_SCAN_DONE with s->tape set, which lives as
 * long as the text and the arena's pieces; or GENAI_SCAN_ERROR with s->error,
 * s->error_offset and s->cause set, when there is no tape.  Further calls
 * after the last two return the same.
 */
int genai_scan(genai_scan_t *s, size_t budget);

/*
 * For tests: makes a scanner that has just begun use that edition.
 *
 * Returns 0, or -1 where the processor or this build does not have it.
 */
int genai_scan_use(genai_scan_t *s, genai_scan_edition_e edition);


#endif /* _GENAI_SCAN_H_INCLUDED_ */
