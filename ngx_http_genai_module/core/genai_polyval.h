/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * POLYVAL (RFC 8452, section 3): a polynomial over GF(2^128) whose
 * coefficients are blocks of a text, evaluated at a secret point.  For two
 * texts of n blocks that differ, whoever chose them without knowing the point,
 * the chance of the same value is below n / 2^128.
 *
 * It takes a processor that multiplies without carries.  Eight blocks are
 * multiplied by powers of the point and reduced together (S. Gueron, M.
 * Kounavis, "Intel Carry-Less Multiplication Instruction and its Usage for
 * Computing the GCM Mode", 2010).
 *
 * All functions are thread-safe.
 */


#ifndef _GENAI_POLYVAL_H_INCLUDED_
#define _GENAI_POLYVAL_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define GENAI_POLYVAL_POWERS  8


typedef struct {
    uint64_t   power[GENAI_POLYVAL_POWERS][2];  /* of the point, from 1 */
} genai_polyval_t;


/* Whether this processor can; where it cannot, nothing else may be called. */
int genai_polyval_can(void);

/* Prepares a point, 16 bytes as RFC 8452 has them. */
void genai_polyval_init(genai_polyval_t *p, const unsigned char point[16]);

/*
 * Takes so many blocks of 16 bytes more into the sum s, which begins with
 * zeroes and is the value at last, the low half first.
 */
void genai_polyval_blocks(const genai_polyval_t *p, uint64_t s[2],
    const unsigned char *data, size_t blocks);


#endif /* _GENAI_POLYVAL_H_INCLUDED_ */
