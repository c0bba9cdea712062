/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tables of canonical composition, private to genai_nfc*.c.
 */


#ifndef _GENAI_NFC_INT_H_INCLUDED_
#define _GENAI_NFC_INT_H_INCLUDED_


#include "genai_unicode.h"


/* from here on no character decomposes, and all combining classes are 0 */
#define GENAI_NFC_LIMIT     0x2fb00

#define GENAI_NFC_ZERO      '#'

#define GENAI_NFC_PAIRS     1025
#define GENAI_NFC_SINGLES   1035
#define GENAI_NFC_COMPOSES  940


/* flags of a class; Hangul syllables, which are arithmetic, have none */

#define GENAI_NFC_DECOMPOSES  0x01
#define GENAI_NFC_NEVER       0x02  /* in no text in NFC */
#define GENAI_NFC_SECOND      0x04  /* may compose with what is before */
#define GENAI_NFC_INSIDE      0x08  /* what is before may change with it: it
                                       begins with a SECOND, or has a class */
#define GENAI_NFC_UNUSED      0x00


typedef struct {
    uint8_t   ccc;                  /* the canonical combining class */
    uint8_t   flags;
} genai_nfc_class_t;


typedef struct {
    uint32_t  c;
    uint32_t  first;
    uint32_t  second;
} genai_nfc_pair_t;


typedef struct {
    uint32_t  c;
    uint32_t  to;
} genai_nfc_single_t;


extern const uint8_t  genai_nfc_blocks[GENAI_NFC_LIMIT / GENAI_UNICODE_BLOCK];
extern const uint8_t  genai_nfc_values[][GENAI_UNICODE_BLOCK];
extern const genai_nfc_class_t  genai_nfc_classes[];

/* both in the order of c */
extern const genai_nfc_pair_t  genai_nfc_pairs[GENAI_NFC_PAIRS];
extern const genai_nfc_single_t  genai_nfc_singles[GENAI_NFC_SINGLES];

/* indexes of those pairs that compose, in the order of first, second */
extern const uint16_t  genai_nfc_composes[GENAI_NFC_COMPOSES];


#endif /* _GENAI_NFC_INT_H_INCLUDED_ */
