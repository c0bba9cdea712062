/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tables of canonical composition and what else genai_nfc*.c share.
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


#define GENAI_NFC_NONE  UINT32_MAX

/* characters that one decomposes into: four in all of Unicode */
#define GENAI_NFC_PARTS  8


/* reads decomposed characters */

typedef struct {
    const unsigned char  *p;
    const unsigned char  *end;
    uint32_t              parts[GENAI_NFC_PARTS];   /* the last one first */
    unsigned              nparts;
} genai_nfc_reader_t;


/* the character that both are together, or GENAI_NFC_NONE */
uint32_t genai_nfc_compose(uint32_t first, uint32_t second);

/* the next character of the full decomposition, or GENAI_NFC_NONE */
uint32_t genai_nfc_next(genai_nfc_reader_t *r);


static inline const genai_nfc_class_t *
genai_nfc_class(uint32_t c)
{
    if (c >= GENAI_NFC_LIMIT) {
        return &genai_nfc_classes[0];
    }

    return &genai_nfc_classes[
               genai_nfc_values[genai_nfc_blocks[c / GENAI_UNICODE_BLOCK]]
                               [c % GENAI_UNICODE_BLOCK] - GENAI_NFC_ZERO];
}


static inline unsigned char *
genai_nfc_put(unsigned char *p, uint32_t c)
{
    if (c < 0x80) {
        *p++ = (unsigned char) c;

    } else if (c < 0x800) {
        *p++ = (unsigned char) (0xc0 | c >> 6);
        *p++ = 0x80 | (c & 0x3f);

    } else if (c < 0x10000) {
        *p++ = (unsigned char) (0xe0 | c >> 12);
        *p++ = 0x80 | (c >> 6 & 0x3f);
        *p++ = 0x80 | (c & 0x3f);

    } else {
        *p++ = (unsigned char) (0xf0 | c >> 18);
        *p++ = 0x80 | (c >> 12 & 0x3f);
        *p++ = 0x80 | (c >> 6 & 0x3f);
        *p++ = 0x80 | (c & 0x3f);
    }

    return p;
}


/* bytes of a character */

static inline size_t
genai_nfc_size(uint32_t c)
{
    return (c < 0x80) ? 1 : (c < 0x800) ? 2 : (c < 0x10000) ? 3 : 4;
}


#endif /* _GENAI_NFC_INT_H_INCLUDED_ */
