/*
 * SPDX-License-Identifier: Apache-2.0
 */


/* SHA256_*() are deprecated, and what EVP does around them costs more */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "genai_key.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>


#define GENAI_KEY_PREFIX_LEN  (sizeof(GENAI_KEY_PREFIX) - 1)
#define GENAI_KEY_RANDOM      43
#define GENAI_KEY_SUM         6

#define GENAI_KEY_RANDOM_LEN  32        /* bytes: 62^43 > 2^256 */
#define GENAI_KEY_BASE        62

/* IEEE 802.3, its bits in reversed order */
#define GENAI_KEY_POLYNOMIAL  0xedb88320u


static void genai_key_sum(unsigned char *dst, const unsigned char *key);


static const char  genai_key_digits[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";


int
genai_key_new(unsigned char key[GENAI_KEY_LEN])
{
    unsigned        i, k, n;
    unsigned char  *p, random[GENAI_KEY_RANDOM_LEN];

    if (RAND_priv_bytes(random, sizeof(random)) != 1) {
        return -1;
    }

    memcpy(key, GENAI_KEY_PREFIX, GENAI_KEY_PREFIX_LEN);
    p = key + GENAI_KEY_PREFIX_LEN;

    /* one large number, divided by the base until nothing is left of it */

    for (i = GENAI_KEY_RANDOM; i-- > 0; ) {

        for (k = 0, n = 0; k < sizeof(random); k++) {
            n = (n << 8) | random[k];
            random[k] = n / GENAI_KEY_BASE;
            n %= GENAI_KEY_BASE;
        }

        p[i] = genai_key_digits[n];
    }

    OPENSSL_cleanse(random, sizeof(random));

    genai_key_sum(p + GENAI_KEY_RANDOM, key);

    return 0;
}


int
genai_key_check(const genai_str_t *key)
{
    size_t         i;
    unsigned char  c, sum[GENAI_KEY_SUM];

    if (key->len < GENAI_KEY_PREFIX_LEN
        || memcmp(key->data, GENAI_KEY_PREFIX, GENAI_KEY_PREFIX_LEN) != 0)
    {
        return -1;
    }

    if (key->len != GENAI_KEY_LEN) {
        return 0;
    }

    for (i = GENAI_KEY_PREFIX_LEN; i < key->len; i++) {
        c = key->data[i];

        if (c == '\0' || strchr(genai_key_digits, c) == NULL) {
            return 0;
        }
    }

    genai_key_sum(sum, key->data);

    return memcmp(sum, key->data + GENAI_KEY_LEN - GENAI_KEY_SUM,
                  GENAI_KEY_SUM)
           == 0;
}


/* the checksum of a key of our length, as its characters */

static void
genai_key_sum(unsigned char *dst, const unsigned char *key)
{
    size_t    i;
    uint32_t  crc;
    unsigned  bit;

    crc = 0xffffffff;

    for (i = 0; i < GENAI_KEY_LEN - GENAI_KEY_SUM; i++) {
        crc ^= key[i];

        for (bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (GENAI_KEY_POLYNOMIAL & (0 - (crc & 1)));
        }
    }

    crc = ~crc;

    for (i = GENAI_KEY_SUM; i-- > 0; ) {
        dst[i] = genai_key_digits[crc % GENAI_KEY_BASE];
        crc /= GENAI_KEY_BASE;
    }
}


int
genai_key_valid(const genai_str_t *key)
{
    size_t  i;

    if (key->len == 0 || key->len > GENAI_KEY_MAX) {
        return 0;
    }

    for (i = 0; i < key->len; i++) {
        if (key->data[i] <= ' ' || key->data[i] >= 0x7f) {
            return 0;
        }
    }

    return 1;
}


void
genai_digest(const void *data, size_t len,
    unsigned char digest[GENAI_DIGEST_LEN])
{
    SHA256_CTX  sha;

    /* these cannot fail, and the last wipes what it has of the text */

    (void) SHA256_Init(&sha);

    if (len) {
        (void) SHA256_Update(&sha, data, len);
    }

    (void) SHA256_Final(digest, &sha);
}


int
genai_digest_read(const genai_str_t *hex,
    unsigned char digest[GENAI_DIGEST_LEN])
{
    size_t         i;
    unsigned char  c, half;

    if (hex->len != GENAI_DIGEST_HEX) {
        return -1;
    }

    for (i = 0; i < GENAI_DIGEST_HEX; i++) {
        c = hex->data[i];

        if (c >= '0' && c <= '9') {
            half = c - '0';

        } else {
            c |= 0x20;

            if (c < 'a' || c > 'f') {
                return -1;
            }

            half = c - 'a' + 10;
        }

        if (i % 2 == 0) {
            digest[i / 2] = half << 4;

        } else {
            digest[i / 2] |= half;
        }
    }

    return 0;
}


unsigned char *
genai_digest_write(unsigned char *dst,
    const unsigned char digest[GENAI_DIGEST_LEN])
{
    unsigned  i;

    static const char  hex[] = "0123456789abcdef";

    for (i = 0; i < GENAI_DIGEST_LEN; i++) {
        *dst++ = hex[digest[i] >> 4];
        *dst++ = hex[digest[i] & 0xf];
    }

    return dst;
}
