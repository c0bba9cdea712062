/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Callers' keys.  What clients send is never kept: a policy holds the SHA-256
 * of a key, in lower-case hex, and a lookup goes by that digest.
 *
 * Keys that are made here look like
 *
 *    sk-genai-<43 characters of 256 random bits, base62><6 of their CRC-32>
 *
 * so that secret scanners find them by their prefix and, as the last six
 * characters are the CRC-32 (IEEE 802.3) of all that stands before them,
 * know them from look-alikes.  Base62 is 0-9, A-Z, a-z in this order, the
 * highest digit first.  Any other text of 1 to 512 printable bytes
 * without blanks can be a key, too.
 */


#ifndef _GENAI_KEY_H_INCLUDED_
#define _GENAI_KEY_H_INCLUDED_


#include "genai_str.h"

#include <stdint.h>


#define GENAI_KEY_PREFIX   "sk-genai-"
#define GENAI_KEY_LEN      (sizeof(GENAI_KEY_PREFIX) - 1 + 43 + 6)

#define GENAI_KEY_MAX      512

#define GENAI_DIGEST_LEN   32
#define GENAI_DIGEST_HEX   64


/*
 * Makes a new key of GENAI_KEY_LEN characters, without an end mark, from the
 * random bytes of OpenSSL.  Returns 0, or -1 where none could be had.  The
 * caller wipes it.  Thread-safe, as is all that follows.
 */
int genai_key_new(unsigned char key[GENAI_KEY_LEN]);

/*
 * Whether it is a key of ours: 1 where its checksum is right, 0 where it has
 * our prefix but is none (mistyped, cut), -1 where it has not our prefix.
 * It takes some 0.5 us: it is for saying what is wrong, not for every key.
 */
int genai_key_check(const genai_str_t *key);

/* Whether a text can be a key at all: its length, its bytes. */
int genai_key_valid(const genai_str_t *key);

/*
 * The SHA-256 of a key or of anything else (FIPS 180-4).  It is as fast as
 * OpenSSL is for a short text: no lookup of the algorithm, no allocation, and
 * it cannot fail; a key of ours takes 0.1 us where the processor has SHA
 * instructions.  data may be NULL where len is 0.
 */
void genai_digest(const void *data, size_t len,
    unsigned char digest[GENAI_DIGEST_LEN]);

/*
 * Reads a digest in hex, upper or lower case.  Returns 0, or -1 where it is
 * none; digest is then undefined.
 */
int genai_digest_read(const genai_str_t *hex,
    unsigned char digest[GENAI_DIGEST_LEN]);

/* Writes GENAI_DIGEST_HEX characters; returns the end. */
unsigned char *genai_digest_write(unsigned char *dst,
    const unsigned char digest[GENAI_DIGEST_LEN]);


#endif /* _GENAI_KEY_H_INCLUDED_ */
