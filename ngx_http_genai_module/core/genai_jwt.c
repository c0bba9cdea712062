/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_jwt.h"
#include "genai_scan.h"
#include "genai_text.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <stdio.h>
#include <stdlib.h>


/* of a file, and of what a token takes from it */
#define GENAI_JWT_VALUES  1024
#define GENAI_JWT_NAME    512

#define GENAI_JWT_MEMORY  ((size_t) 1 << 20)

/* bytes of the claims and of the header, beside what is the file's */
#define GENAI_JWT_CLAIMS  256


/* a part of a token: text that becomes base64 */

typedef struct {
    unsigned char   data[GENAI_JWT_CLAIMS + 2 * GENAI_JWT_NAME];
    size_t          len;
} genai_jwt_part_t;


static unsigned genai_jwt_broken(const genai_str_t *text);
static const char *genai_jwt_read(const genai_tape_t *tape,
    genai_jwt_part_t *header, genai_jwt_part_t *claims, int64_t now,
    genai_str_t *pem);
static unsigned genai_jwt_member(const genai_tape_t *tape, const char *name,
    genai_str_t *raw);
static EVP_PKEY *genai_jwt_key(const genai_str_t *pem);
static const char *genai_jwt_sign(EVP_PKEY *key,
    const genai_jwt_part_t *header, const genai_jwt_part_t *claims,
    genai_str_t *token);
static unsigned char *genai_jwt_base64(unsigned char *dst,
    const unsigned char *src, size_t len);


static const char  genai_jwt_no_memory[] =
    "cannot be used: there is no memory for a token of it";


int
genai_jwt_is_file(const genai_str_t *text)
{
    size_t         i;
    genai_str_t    type;
    unsigned       is;
    genai_scan_t   scan;
    genai_arena_t  arena;

    for (i = 0; i < text->len; i++) {
        if (text->data[i] > ' ') {
            break;
        }
    }

    if (i == text->len || text->data[i] != '{') {
        return 0;
    }

    genai_arena_init(&arena, GENAI_JWT_MEMORY);
    genai_scan_init(&scan, &arena, text->data, text->len, GENAI_JWT_VALUES);

    if (genai_scan(&scan, SIZE_MAX) == GENAI_SCAN_DONE) {
        is = genai_jwt_member(&scan.tape, "type", &type);

    } else {
        is = genai_jwt_broken(text);
    }

    genai_arena_destroy(&arena);

    return is;
}


/* one that was cut is told so, and not that it is no key of another kind */

static unsigned
genai_jwt_broken(const genai_str_t *text)
{
    size_t  i;

    static const char  name[] = "\"private_key";

    for (i = 0; i + sizeof(name) - 1 <= text->len; i++) {
        if (memcmp(text->data + i, name, sizeof(name) - 1) == 0) {
            return 1;
        }
    }

    return 0;
}


const char *
genai_jwt_make(const genai_str_t *file, int64_t now, genai_str_t *token)
{
    EVP_PKEY          *key;
    genai_str_t        pem;
    const char        *problem;
    genai_scan_t       scan;
    genai_arena_t      arena;
    genai_jwt_part_t   header, claims;

    genai_arena_init(&arena, GENAI_JWT_MEMORY);
    genai_scan_init(&scan, &arena, file->data, file->len, GENAI_JWT_VALUES);

    pem.data = NULL;
    key = NULL;

    if (genai_scan(&scan, SIZE_MAX) != GENAI_SCAN_DONE) {
        problem = "is no JSON: write the service account's key file anew";
        goto done;
    }

    problem = genai_jwt_read(&scan.tape, &header, &claims, now, &pem);

    if (problem) {
        goto done;
    }

    ERR_clear_error();

    key = genai_jwt_key(&pem);

    problem = key ? genai_jwt_sign(key, &header, &claims, token)
                  : "has a \"private_key\" that cannot be read: it must be "
                    "an RSA key of 2048 to 4096 bits in PEM, without a "
                    "password, as Google makes it";

    /* what is left there would be taken for another's */

    ERR_clear_error();

done:

    EVP_PKEY_free(key);

    if (pem.data) {
        OPENSSL_cleanse(pem.data, pem.len);
        free(pem.data);
    }

    genai_arena_destroy(&arena);

    return problem;
}


int
genai_jwt_due(int64_t made, int64_t now, uint64_t age)
{
    return now < made || now - made >= GENAI_JWT_LIFE / 2
           || age >= (uint64_t) GENAI_JWT_LIFE / 2 * 1000;
}


/* what is between quotes in the file may stand so between quotes */

static const char *
genai_jwt_read(const genai_tape_t *tape, genai_jwt_part_t *header,
    genai_jwt_part_t *claims, int64_t now, genai_str_t *pem)
{
    genai_str_t  type, email, id, key;

    if (!genai_jwt_member(tape, "type", &type)
        || type.len != sizeof("service_account") - 1
        || memcmp(type.data, "service_account", type.len) != 0)
    {
        return "is not the key file of a service account: its \"type\" must "
               "be \"service_account\"; create one with \"gcloud iam "
               "service-accounts keys create\", or put an access token there";
    }

    if (!genai_jwt_member(tape, "client_email", &email)
        || email.len == 0 || email.len > GENAI_JWT_NAME)
    {
        return "has no \"client_email\": write the service account's key "
               "file anew";
    }

    if (!genai_jwt_member(tape, "private_key_id", &id)
        || id.len == 0 || id.len > GENAI_JWT_NAME)
    {
        return "has no \"private_key_id\": write the service account's key "
               "file anew";
    }

    if (!genai_jwt_member(tape, "private_key", &key) || key.len == 0) {
        return "has no \"private_key\": write the service account's key "
               "file anew";
    }

    header->len = snprintf((char *) header->data, sizeof(header->data),
                           "{\"alg\":\"RS256\",\"typ\":\"JWT\","
                           "\"kid\":\"%.*s\"}",
                           (int) id.len, (char *) id.data);

    claims->len = snprintf((char *) claims->data, sizeof(claims->data),
                           "{\"iss\":\"%.*s\",\"sub\":\"%.*s\","
                           "\"scope\":\"" GENAI_JWT_SCOPE "\","
                           "\"iat\":%lld,\"exp\":%lld}",
                           (int) email.len, (char *) email.data,
                           (int) email.len, (char *) email.data,
                           (long long) now,
                           (long long) now + GENAI_JWT_LIFE);

    pem->data = malloc(key.len);

    if (pem->data == NULL) {
        return genai_jwt_no_memory;
    }

    pem->len = genai_text_decode(pem->data, &key);

    return NULL;
}


static unsigned
genai_jwt_member(const genai_tape_t *tape, const char *name, genai_str_t *raw)
{
    uint32_t  value;

    value = genai_tape_find(tape, 0, name, strlen(name));

    if (value == 0 || genai_tape_type(tape, value) != GENAI_TAPE_STRING) {
        return 0;
    }

    *raw = genai_tape_view(tape, value);

    return 1;
}


/* nobody is there to be asked for one, OpenSSL would */

static int
genai_jwt_password(char *buf, int size, int encrypts, void *data)
{
    return -1;
}


static EVP_PKEY *
genai_jwt_key(const genai_str_t *pem)
{
    int        bits;
    BIO       *bio;
    EVP_PKEY  *key;

    bio = BIO_new_mem_buf(pem->data, (int) pem->len);
    if (bio == NULL) {
        return NULL;
    }

    key = PEM_read_bio_PrivateKey(bio, NULL, genai_jwt_password, NULL);

    BIO_free(bio);

    if (key == NULL) {
        return NULL;
    }

    bits = EVP_PKEY_bits(key);

    if (EVP_PKEY_base_id(key) != EVP_PKEY_RSA
        || bits < GENAI_JWT_BITS || bits > GENAI_JWT_BITS_MAX)
    {
        EVP_PKEY_free(key);
        return NULL;
    }

    return key;
}


static const char *
genai_jwt_sign(EVP_PKEY *key, const genai_jwt_part_t *header,
    const genai_jwt_part_t *claims, genai_str_t *token)
{
    int             rc;
    size_t          len, size;
    EVP_MD_CTX     *md;
    unsigned char  *p, *data, signature[GENAI_JWT_BITS_MAX / 8];

    /* four for three bytes begun, points, and the zero of EVP_EncodeBlock() */

    size = 4 * ((header->len + 2) / 3 + (claims->len + 2) / 3
                + (sizeof(signature) + 2) / 3) + sizeof("..");

    data = malloc(size);
    md = EVP_MD_CTX_new();

    if (data == NULL || md == NULL) {
        EVP_MD_CTX_free(md);
        free(data);

        return genai_jwt_no_memory;
    }

    p = genai_jwt_base64(data, header->data, header->len);
    *p++ = '.';
    p = genai_jwt_base64(p, claims->data, claims->len);

    len = sizeof(signature);

    rc = EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1
         && EVP_DigestSign(md, signature, &len, data, p - data) == 1;

    EVP_MD_CTX_free(md);

    if (!rc) {
        free(data);

        return "has a \"private_key\" that OpenSSL does not sign with: write "
               "the service account's key file anew";
    }

    *p++ = '.';
    p = genai_jwt_base64(p, signature, len);

    token->data = data;
    token->len = p - data;

    return NULL;
}


/* RFC 4648 5, without padding */

static unsigned char *
genai_jwt_base64(unsigned char *dst, const unsigned char *src, size_t len)
{
    unsigned char  *p, *end;

    end = dst + EVP_EncodeBlock(dst, src, (int) len);

    while (end > dst && end[-1] == '=') {
        end--;
    }

    for (p = dst; p < end; p++) {
        *p = (*p == '+') ? '-' : (*p == '/') ? '_' : *p;
    }

    return end;
}
