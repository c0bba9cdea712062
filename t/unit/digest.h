/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 of many pieces, in hexadecimal, for what is too much to be written
 * down in a test.
 */


#ifndef _GENAI_TEST_DIGEST_H_INCLUDED_
#define _GENAI_TEST_DIGEST_H_INCLUDED_


#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>


static EVP_MD_CTX *
digest_begin(void)
{
    EVP_MD_CTX  *c;

    c = EVP_MD_CTX_new();

    if (c == NULL || EVP_DigestInit_ex(c, EVP_sha256(), NULL) != 1) {
        abort();
    }

    return c;
}


static void
digest_add(EVP_MD_CTX *c, const void *data, size_t len)
{
    if (EVP_DigestUpdate(c, data, len) != 1) {
        abort();
    }
}


/* a static text */

static const char *
digest_end(EVP_MD_CTX *c)
{
    unsigned       i, len;
    unsigned char  sum[EVP_MAX_MD_SIZE];

    static char    hex[2 * EVP_MAX_MD_SIZE + 1];

    if (EVP_DigestFinal_ex(c, sum, &len) != 1) {
        abort();
    }

    EVP_MD_CTX_free(c);

    for (i = 0; i < len; i++) {
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    }

    return hex;
}


#endif /* _GENAI_TEST_DIGEST_H_INCLUDED_ */
