/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * genai_nfc_write() in steps, for texts in which nothing but marks may follow
 * for megabytes: these are put in order by counting, and with what the first
 * of each class compose to is known before any is written.
 */


#ifndef _GENAI_NFC_LONG_H_INCLUDED_
#define _GENAI_NFC_LONG_H_INCLUDED_


#include "genai_nfc_int.h"


/* marks that one starter can take in: four characters are one, at most */
#define GENAI_NFC_TAKEN  4


typedef enum {
    GENAI_NFC_STARTER = 0,
    GENAI_NFC_FOLLOWED,             /* by what, is to be seen */
    GENAI_NFC_COUNT,                /* the marks that follow it */
    GENAI_NFC_PLACE,                /* and write them */
    GENAI_NFC_END
} genai_nfc_phase_e;


struct genai_nfc_long_s {
    genai_nfc_reader_t  r;
    uint32_t            c;          /* the next one, which r is behind */
    genai_nfc_reader_t  look;       /* where they are counted */
    uint32_t            mark;
    uint32_t            starter;    /* or GENAI_NFC_NONE */
    genai_nfc_phase_e   phase;
    unsigned char      *dst;
    unsigned char      *p;
    size_t              at[256];    /* bytes of each class, then where its
                                       next mark goes */
    uint32_t            first[256][GENAI_NFC_TAKEN];
    uint8_t             nfirst[256];
    uint8_t             taken[256];
};

typedef struct genai_nfc_long_s  genai_nfc_long_t;


/*
 * Begins: dst has genai_nfc_bound(s->len) bytes.  Both stay where they are
 * until it is done.
 */
void genai_nfc_long_begin(genai_nfc_long_t *l, unsigned char *dst,
    const genai_str_t *s);

/*
 * Goes on for as many characters as *budget says, which it takes from it.
 * Returns 1 when it is done, with the bytes of dst in len; else 0.
 */
int genai_nfc_long(genai_nfc_long_t *l, int64_t *budget, size_t *len);


#endif /* _GENAI_NFC_LONG_H_INCLUDED_ */
