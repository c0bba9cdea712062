/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "tap.h"
#include "genai_jwt.h"
#include "genai_jwt_thread.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <time.h>


#define NOW  1800000000


static genai_str_t
str(const char *s)
{
    genai_str_t  v;

    v.data = (unsigned char *) s;
    v.len = strlen(s);

    return v;
}


/* a private key as it stands in a JSON string */

static char *
pem_of(EVP_PKEY *key, const char *password)
{
    char  *data, *pem, *p;
    long   len, i;
    BIO   *bio;

    bio = BIO_new(BIO_s_mem());

    PEM_write_bio_PKCS8PrivateKey(bio, key, password ? EVP_aes_128_cbc()
                                                     : NULL,
                                  password, password ? strlen(password) : 0,
                                  NULL, NULL);
    len = BIO_get_mem_data(bio, &data);
    pem = p = malloc(2 * len + 1);

    for (i = 0; i < len; i++) {
        if (data[i] == '\n') {
            *p++ = '\\';
            *p++ = 'n';

        } else {
            *p++ = data[i];
        }
    }

    *p = '\0';
    BIO_free(bio);

    return pem;
}


static char *
file_of(const char *type, const char *email, const char *id, const char *pem)
{
    int    n;
    char  *text;

    static const char  form[] =
        "{\n  \"type\": \"%s\",\n  \"project_id\": \"p\",\n"
        "  \"private_key_id\": \"%s\",\n  \"private_key\": \"%s\",\n"
        "  \"client_email\": \"%s\",\n"
        "  \"token_uri\": \"https://oauth2.googleapis.com/token\"\n}\n";

    n = snprintf(NULL, 0, form, type, id, pem, email);
    text = malloc(n + 1);
    snprintf(text, n + 1, form, type, id, pem, email);

    return text;
}


/* decodes base64url, and says how much it is */

static size_t
decode(unsigned char *dst, const unsigned char *src, size_t len)
{
    size_t         n;
    unsigned char  text[4096];

    for (n = 0; n < len; n++) {
        text[n] = (src[n] == '-') ? '+' : (src[n] == '_') ? '/' : src[n];
    }

    while (n % 4) {
        text[n++] = '=';
    }

    EVP_DecodeBlock(dst, text, (int) n);

    return len / 4 * 3 + (len % 4 ? len % 4 - 1 : 0);
}


static int
verified(EVP_PKEY *key, const genai_str_t *token, const unsigned char *point,
    const unsigned char *signature, size_t len)
{
    int          rc;
    EVP_MD_CTX  *md;

    md = EVP_MD_CTX_new();

    rc = EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1
         && EVP_DigestVerify(md, signature, len, token->data,
                             point - token->data)
            == 1;

    EVP_MD_CTX_free(md);

    return rc;
}


static void
test_token(EVP_PKEY *key, const char *pem)
{
    char           *text;
    size_t          n, i;
    const char     *problem;
    genai_str_t     file, token;
    unsigned char  *first, *second, part[4096];

    text = file_of("service_account", "a@p.iam.gserviceaccount.com",
                   "k\\u00e91", pem);
    file = str(text);

    ok(genai_jwt_is_file(&file), "a key file is one");

    problem = genai_jwt_make(&file, NOW, &token);

    if (!ok(problem == NULL, "a token is made: %s", problem ? problem : "")) {
        free(text);
        return;
    }

    for (i = 0, n = 0; i < token.len; i++) {
        n += (token.data[i] <= ' ' || token.data[i] >= 0x7f
              || strchr("+/=", token.data[i]) != NULL);
    }

    is_int(n, 0, "it is base64url alone");

    first = memchr(token.data, '.', token.len);
    second = memchr(first + 1, '.', token.data + token.len - first - 1);

    n = decode(part, token.data, first - token.data);
    is_mem(part, n, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k\\u00e91\"}",
           strlen("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k\\u00e91\"}"),
           "header");

    n = decode(part, first + 1, second - first - 1);
    part[n] = '\0';
    is_str((char *) part,
           "{\"iss\":\"a@p.iam.gserviceaccount.com\","
           "\"sub\":\"a@p.iam.gserviceaccount.com\","
           "\"scope\":\"https://www.googleapis.com/auth/cloud-platform\","
           "\"iat\":1800000000,\"exp\":1800003600}", "claims");

    n = decode(part, second + 1, token.data + token.len - second - 1);
    ok(verified(key, &token, second, part, n), "the public key verifies it");

    token.data[5] ^= 1;
    ok(!verified(key, &token, second, part, n), "and nothing else");

    free(token.data);
    free(text);
}


static void
test_thread(EVP_PKEY *key, const char *pem)
{
    int                  i;
    char                *text;
    size_t               n;
    const char          *problem;
    genai_str_t          file, token;
    unsigned char       *second, part[4096];
    genai_jwt_thread_t  *t;

    struct timespec  pause = { 0, 1000000 };

    text = file_of("service_account", "a@p", "k", pem);
    file = str(text);

    t = genai_jwt_thread_start(&file, NOW);
    memset(text, 'x', file.len);

    for (i = 0; i < 60000 && !genai_jwt_thread_done(t, &problem, &token);
         i++)
    {
        nanosleep(&pause, NULL);
    }

    if (ok(i < 60000 && problem == NULL, "a thread makes one")) {
        second = memchr(token.data, '.', token.len);
        second = memchr(second + 1, '.', token.data + token.len - second - 1);
        n = decode(part, second + 1, token.data + token.len - second - 1);
        ok(verified(key, &token, second, part, n), "of its own copy");
        free(token.data);
    }

    t = genai_jwt_thread_start(&file, NOW);
    genai_jwt_thread_stop(t);
    pass("one is waited for");

    free(text);
}


static void
test_bad(const char *pem)
{
    char         *text, *small, *secret, *elliptic;
    size_t        i, len, n, seen;
    EVP_PKEY     *key;
    const char   *problem;
    genai_str_t   file, token;

    static const struct {
        const char  *text;
        int          is;
        const char  *problem;
    } bad[] = {
        { "", 0, "is no JSON" },
        { "ya29.token", 0, "is no JSON" },
        { "{}", 0, "\"type\" must be" },
        { "[{\"type\":\"service_account\"}]", 0, "\"type\" must be" },
        { "{\"type\":1}", 0, "\"type\" must be" },
        { "{\"AccessKeyId\":\"a\"}", 0, "\"type\" must be" },
        { " {\"type\":\"authorized_user\"}", 1, "\"type\" must be" },
        { "{\"type\":\"service_account\"}", 1, "client_email" },
        { "{\"type\":\"service_account\",\"client_email\":\"a\"}", 1,
          "private_key_id" },
        { "{\"type\":\"service_account\",\"client_email\":\"a\","
          "\"private_key_id\":\"k\"}", 1, "no \"private_key\"" },
        { "{\"type\":\"service_account\",\"client_email\":\"a\","
          "\"private_key_id\":\"k\",\"private_key\":\"x\"}", 1,
          "cannot be read" },
        { "{\"type\":\"service_account\",\"client_email\":[],"
          "\"private_key_id\":\"k\",\"private_key\":\"x\"}", 1,
          "client_email" }
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        file = str(bad[i].text);

        is_int(genai_jwt_is_file(&file), bad[i].is, "a file? %s",
               bad[i].text);

        problem = genai_jwt_make(&file, NOW, &token);
        ok(problem && strstr(problem, bad[i].problem), "%s: %s", bad[i].text,
           problem ? problem : "none");
    }

    /* none that is cut is used, wherever it is */

    text = file_of("service_account", "a@p", "k", pem);
    len = strlen(text);

    for (i = 0, n = 0, seen = 0; i < len - 2; i += 7) {
        file.data = malloc(i + 1);
        file.len = i;
        memcpy(file.data, text, i);

        n += genai_jwt_make(&file, NOW, &token) == NULL;
        seen += genai_jwt_is_file(&file);
        free(file.data);
    }

    is_int(n, 0, "a file that is cut makes no token");
    ok(seen > len / 14, "but is known for one");
    free(text);

    /* other keys */

    key = EVP_RSA_gen(1024);
    small = pem_of(key, NULL);
    secret = pem_of(key, "password");
    EVP_PKEY_free(key);

    key = EVP_EC_gen("P-256");
    elliptic = pem_of(key, NULL);
    EVP_PKEY_free(key);

    for (i = 0; i < 3; i++) {
        text = file_of("service_account", "a@p", "k",
                       i == 0 ? small : i == 1 ? secret : elliptic);
        file = str(text);
        problem = genai_jwt_make(&file, NOW, &token);
        ok(problem && strstr(problem, "cannot be read"), "key %d is refused",
           (int) i);
        free(text);
    }

    free(small);
    free(secret);
    free(elliptic);

    /* what is too long for a token */

    small = malloc(1001);
    memset(small, 'a', 1000);
    small[1000] = '\0';

    text = file_of("service_account", small, "k", pem);
    file = str(text);
    problem = genai_jwt_make(&file, NOW, &token);
    ok(problem && strstr(problem, "client_email"), "a long name");
    free(text);

    text = file_of("service_account", "a", small, pem);
    file = str(text);
    problem = genai_jwt_make(&file, NOW, &token);
    ok(problem && strstr(problem, "private_key_id"), "a long id");
    free(text);
    free(small);
}


static void
test_due(void)
{
    ok(!genai_jwt_due(NOW, NOW, 0), "a new one is good");
    ok(!genai_jwt_due(NOW, NOW + 1799, 1799999), "for half of its life");
    ok(genai_jwt_due(NOW, NOW + 1800, 1000), "by the clock");
    ok(genai_jwt_due(NOW, NOW + 10, 1800000), "or by time that has passed");
    ok(genai_jwt_due(NOW, NOW + 100000, 1), "the clock was put on");
    ok(genai_jwt_due(NOW, NOW - 1, 1), "the clock was put back");
}


static void
test_cost(const char *pem)
{
    int              i;
    char            *text;
    double           ms;
    genai_str_t      file, token;
    struct timespec  from, to;

    text = file_of("service_account", "a@p", "k", pem);
    file = str(text);

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);

    for (i = 0; i < 20; i++) {
        if (genai_jwt_make(&file, NOW, &token) == NULL) {
            free(token.data);
        }
    }

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);

    ms = (to.tv_sec - from.tv_sec) * 1e3 + (to.tv_nsec - from.tv_nsec) / 1e6;
    diag("a token takes %.2f ms of a processor", ms / 20);

    free(text);
}


int
main(void)
{
    char      *pem;
    EVP_PKEY  *key;

    key = EVP_RSA_gen(2048);
    pem = pem_of(key, NULL);

    test_token(key, pem);
    test_thread(key, pem);
    test_bad(pem);
    test_due();
    test_cost(pem);

    free(pem);
    EVP_PKEY_free(key);

    key = EVP_RSA_gen(4096);
    pem = pem_of(key, NULL);

    test_token(key, pem);

    free(pem);
    EVP_PKEY_free(key);

    return done_testing();
}
