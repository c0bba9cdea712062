/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * AWS's Signature Version 4 of requests, in their headers
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/
 * reference_sigv-create-signed-request.html), for all services but S3, whose
 * paths are encoded once: of others what is signed is encoded once more.
 *
 * Signed are the host, the date and, where there is one, the session's token,
 * which is what AWS demands.  All functions are pure but for the key that a
 * caller keeps, and safe in any thread.
 */


#ifndef _GENAI_SIGV4_H_INCLUDED_
#define _GENAI_SIGV4_H_INCLUDED_


#include "genai_str.h"

#include <openssl/sha.h>
#include <stdint.h>
#include <time.h>


/* bytes of a digest, of a date ("20150830T123600Z") */
#define GENAI_SIGV4_DIGEST  32
#define GENAI_SIGV4_DATE    16

/* bytes of an id and of a secret; of a token; of a region and a service */
#define GENAI_SIGV4_KEY_MAX    128
#define GENAI_SIGV4_TOKEN_MAX  8192
#define GENAI_SIGV4_NAME_MAX   64

/* bytes of the value of the header Authorization */
#define GENAI_SIGV4_MAX  (GENAI_SIGV4_KEY_MAX + 2 * GENAI_SIGV4_NAME_MAX + 256)


typedef struct {
    genai_str_t      id;            /* "AKIA..." */
    genai_str_t      secret;
    genai_str_t      token;         /* of a session; or empty */
} genai_sigv4_credential_t;


/*
 * Reads a credential: a JSON object with access_key_id, secret_access_key and
 * session_token, also as AWS's tools spell them (AccessKeyId, ...); or lines
 * "aws_access_key_id = ...", of which the first of each name counts.  What is
 * set are views of the text, which is changed.
 *
 * Returns 1; 0 where the text is neither; -1 where a key is missing, is too
 * long or has bytes that none has.
 */
int genai_sigv4_read(genai_sigv4_credential_t *c, unsigned char *text,
    size_t len);


/* a content that is hashed in pieces */

typedef struct {
    SHA256_CTX       sha;
} genai_sigv4_hash_t;

void genai_sigv4_hash_init(genai_sigv4_hash_t *h);
void genai_sigv4_hash_add(genai_sigv4_hash_t *h, const void *p, size_t n);
void genai_sigv4_hash_end(genai_sigv4_hash_t *h,
    unsigned char digest[GENAI_SIGV4_DIGEST]);


/* the key that is made of a secret for a day; all zero at first */

typedef struct {
    unsigned char    key[GENAI_SIGV4_DIGEST];
    unsigned char    made_of[GENAI_SIGV4_DIGEST];
    unsigned         known:1;
} genai_sigv4_key_t;


/* what is signed; region and service of no more than GENAI_SIGV4_NAME_MAX */

typedef struct {
    genai_str_t      method;
    genai_str_t      path;          /* as it is sent, encoded, no query */
    genai_str_t      query;         /* as it is sent, sorted; or empty */
    genai_str_t      host;          /* the header's value */
    genai_str_t      region;
    genai_str_t      service;
    const unsigned char *content;   /* the digest of the body */
} genai_sigv4_request_t;


/* Writes a date as the header X-Amz-Date has it, GENAI_SIGV4_DATE bytes. */
void genai_sigv4_date(unsigned char *dst, time_t t);

/*
 * Writes the value of the header Authorization to dst, which has room for
 * GENAI_SIGV4_MAX bytes.  date is what X-Amz-Date says; the token must be
 * sent as X-Amz-Security-Token.  key is kept from one request to the next, by
 * one thread at a time.
 *
 * Returns the number of bytes.
 */
size_t genai_sigv4_sign(unsigned char *dst, const genai_sigv4_request_t *r,
    const genai_sigv4_credential_t *c, const unsigned char *date,
    genai_sigv4_key_t *key);


#endif /* _GENAI_SIGV4_H_INCLUDED_ */
