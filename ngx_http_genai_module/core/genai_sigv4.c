/*
 * SPDX-License-Identifier: Apache-2.0
 */


/* SHA256_*() are deprecated, and what EVP does around them costs more */

#define OPENSSL_SUPPRESS_DEPRECATED

#include "genai_sigv4.h"
#include "genai_push.h"

#include <openssl/crypto.h>
#include <stdio.h>


/* bytes of a block of SHA-256 */
#define GENAI_SIGV4_BLOCK  64

#define GENAI_SIGV4_HEADERS        "host;x-amz-date"
#define GENAI_SIGV4_TOKEN_HEADERS  "host;x-amz-date;x-amz-security-token"


/* JSON that is read, with where each value is put */

typedef struct {
    genai_sigv4_credential_t  *c;
    unsigned char             *text;
} genai_sigv4_reading_t;


static int genai_sigv4_json(genai_sigv4_credential_t *c, unsigned char *text,
    size_t len);
static int genai_sigv4_value(void *ctx, const genai_push_value_t *v);
static int genai_sigv4_lines(genai_sigv4_credential_t *c,
    unsigned char *text, size_t len);
static unsigned genai_sigv4_is(const unsigned char *p, const unsigned char *end,
    const char *name);
static unsigned genai_sigv4_is_key(const genai_str_t *s, size_t max);
static void genai_sigv4_mac(unsigned char *digest, const unsigned char *key,
    size_t len, const void *data, size_t n);
static void genai_sigv4_canonical(genai_sigv4_hash_t *h,
    const genai_sigv4_request_t *r, const genai_sigv4_credential_t *c,
    const unsigned char *date);
static void genai_sigv4_path(genai_sigv4_hash_t *h, const genai_str_t *path);
static void genai_sigv4_make(genai_sigv4_key_t *key,
    const genai_sigv4_request_t *r, const genai_sigv4_credential_t *c,
    const unsigned char *date);
static unsigned char *genai_sigv4_hex(unsigned char *dst,
    const unsigned char *digest);


#define genai_sigv4_text(h, text)                                             \
    genai_sigv4_hash_add(h, text, sizeof(text) - 1)


int
genai_sigv4_read(genai_sigv4_credential_t *c, unsigned char *text,
    size_t len)
{
    int     rc;
    size_t  i;

    memset(c, 0, sizeof(genai_sigv4_credential_t));

    for (i = 0; i < len && memchr(" \t\r\n", text[i], 4); i++) {
        /* void */
    }

    rc = (i < len && text[i] == '{') ? genai_sigv4_json(c, text, len)
                                     : genai_sigv4_lines(c, text, len);

    if (rc != 1) {
        return rc;
    }

    return (genai_sigv4_is_key(&c->id, GENAI_SIGV4_KEY_MAX)
            && genai_sigv4_is_key(&c->secret, GENAI_SIGV4_KEY_MAX)
            && (c->token.len == 0
                || genai_sigv4_is_key(&c->token, GENAI_SIGV4_TOKEN_MAX)))
           ? 1 : -1;
}


static int
genai_sigv4_json(genai_sigv4_credential_t *c, unsigned char *text, size_t len)
{
    int                    rc;
    genai_push_t           push;
    genai_sigv4_reading_t  r;

    static const genai_push_member_t  names[] = {
        genai_push_member("access_key_id", 1),
        genai_push_member("secret_access_key", 2),
        genai_push_member("session_token", 3),
        genai_push_member("aws_access_key_id", 1),
        genai_push_member("aws_secret_access_key", 2),
        genai_push_member("aws_session_token", 3),
        genai_push_member("AccessKeyId", 1),
        genai_push_member("SecretAccessKey", 2),
        genai_push_member("SessionToken", 3),
        genai_push_member("Token", 3)
    };

    static const genai_push_node_t  nodes[] = {
        { GENAI_PUSH_WANT_OBJECT|GENAI_PUSH_QUIET_ENTER
          |GENAI_PUSH_QUIET_LEAVE, 0, 0, genai_push_members(names) },
        { GENAI_PUSH_WANT_STRING, 1, 0, 0, NULL },
        { GENAI_PUSH_WANT_STRING, 2, 0, 0, NULL },
        { GENAI_PUSH_WANT_STRING, 3, 0, 0, NULL }
    };

    r.c = c;
    r.text = text;

    genai_push_init(&push, nodes, genai_sigv4_value, &r);

    rc = (genai_push_feed(&push, text, len, 0) == 0
          && genai_push_end(&push, len) == 0)
         ? 1 : -1;

    return (c->id.data || c->secret.data || c->token.data) ? rc : 0;
}


/* a value is put together where it begins: it is never longer than it was */

static int
genai_sigv4_value(void *ctx, const genai_push_value_t *v)
{
    genai_str_t            *s;
    genai_sigv4_reading_t  *r = ctx;

    s = (v->tag == 1) ? &r->c->id : (v->tag == 2) ? &r->c->secret
                                                  : &r->c->token;

    if (v->first) {
        s->data = r->text + v->start;
        s->len = 0;
    }

    if (v->text.len) {
        memmove(s->data + s->len, v->text.data, v->text.len);
        s->len += v->text.len;
    }

    return 0;
}


static int
genai_sigv4_lines(genai_sigv4_credential_t *c, unsigned char *text,
    size_t len)
{
    unsigned        known;
    genai_str_t    *s, value;
    unsigned char  *p, *end, *line;

    known = 0;
    end = text + len;

    for (p = text; p < end; p = line + 1) {

        line = memchr(p, '\n', end - p);

        if (line == NULL) {
            line = end;
        }

        while (p < line && (*p == ' ' || *p == '\t')) {
            p++;
        }

        s = genai_sigv4_is(p, line, "aws_access_key_id") ? &c->id
            : genai_sigv4_is(p, line, "aws_secret_access_key") ? &c->secret
            : genai_sigv4_is(p, line, "aws_session_token") ? &c->token
            : NULL;

        if (s == NULL) {
            continue;
        }

        known = 1;

        value.data = (unsigned char *) memchr(p, '=', line - p) + 1;

        while (value.data < line
               && (*value.data == ' ' || *value.data == '\t'))
        {
            value.data++;
        }

        value.len = line - value.data;

        while (value.len && memchr(" \t\r", value.data[value.len - 1], 3)) {
            value.len--;
        }

        /* of a profile that follows is another one */

        if (s->data == NULL) {
            *s = value;
        }
    }

    return known;
}


/* whether a line is "NAME = ..." */

static unsigned
genai_sigv4_is(const unsigned char *p, const unsigned char *end,
    const char *name)
{
    size_t  n;

    n = strlen(name);

    if ((size_t) (end - p) <= n || memcmp(p, name, n) != 0) {
        return 0;
    }

    for (p += n; p < end && (*p == ' ' || *p == '\t'); p++) {
        /* void */
    }

    return p < end && *p == '=';
}


/* it will stand in a header line, or be a secret */

static unsigned
genai_sigv4_is_key(const genai_str_t *s, size_t max)
{
    size_t  i;

    for (i = 0; i < s->len; i++) {
        if (s->data[i] <= ' ' || s->data[i] >= 0x7f) {
            return 0;
        }
    }

    return s->len && s->len <= max;
}


void
genai_sigv4_hash_init(genai_sigv4_hash_t *h)
{
    (void) SHA256_Init(&h->sha);
}


void
genai_sigv4_hash_add(genai_sigv4_hash_t *h, const void *p, size_t n)
{
    if (n) {
        (void) SHA256_Update(&h->sha, p, n);
    }
}


void
genai_sigv4_hash_end(genai_sigv4_hash_t *h,
    unsigned char digest[GENAI_SIGV4_DIGEST])
{
    (void) SHA256_Final(digest, &h->sha);
}


/* HMAC, RFC 2104 */

static void
genai_sigv4_mac(unsigned char *digest, const unsigned char *key, size_t len,
    const void *data, size_t n)
{
    unsigned            i;
    unsigned char       pad[GENAI_SIGV4_BLOCK], inner[GENAI_SIGV4_DIGEST],
                        own[GENAI_SIGV4_DIGEST];
    genai_sigv4_hash_t  h;

    if (len > GENAI_SIGV4_BLOCK) {
        genai_sigv4_hash_init(&h);
        genai_sigv4_hash_add(&h, key, len);
        genai_sigv4_hash_end(&h, own);
        key = own;
        len = GENAI_SIGV4_DIGEST;
    }

    memset(pad, 0x36, GENAI_SIGV4_BLOCK);

    for (i = 0; i < len; i++) {
        pad[i] ^= key[i];
    }

    genai_sigv4_hash_init(&h);
    genai_sigv4_hash_add(&h, pad, GENAI_SIGV4_BLOCK);
    genai_sigv4_hash_add(&h, data, n);
    genai_sigv4_hash_end(&h, inner);

    for (i = 0; i < GENAI_SIGV4_BLOCK; i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }

    genai_sigv4_hash_init(&h);
    genai_sigv4_hash_add(&h, pad, GENAI_SIGV4_BLOCK);
    genai_sigv4_hash_add(&h, inner, GENAI_SIGV4_DIGEST);
    genai_sigv4_hash_end(&h, digest);

    OPENSSL_cleanse(pad, sizeof(pad));
    OPENSSL_cleanse(own, sizeof(own));
}


void
genai_sigv4_date(unsigned char *dst, time_t t)
{
    char       text[64];
    struct tm  tm;

    (void) gmtime_r(&t, &tm);

    (void) snprintf(text, sizeof(text), "%04d%02d%02dT%02d%02d%02dZ",
                    (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday,
                    tm.tm_hour, tm.tm_min, tm.tm_sec);

    memcpy(dst, text, GENAI_SIGV4_DATE);
}


size_t
genai_sigv4_sign(unsigned char *dst, const genai_sigv4_request_t *r,
    const genai_sigv4_credential_t *c, const unsigned char *date,
    genai_sigv4_key_t *key)
{
    int                 n;
    unsigned char      *p, digest[GENAI_SIGV4_DIGEST];
    char                scope[2 * GENAI_SIGV4_NAME_MAX + 32];
    char                text[2 * GENAI_SIGV4_NAME_MAX + 160];
    genai_sigv4_hash_t  h;

    n = snprintf(scope, sizeof(scope), "%.8s/%.*s/%.*s/aws4_request", date,
                 (int) (r->region.len < GENAI_SIGV4_NAME_MAX
                        ? r->region.len : GENAI_SIGV4_NAME_MAX),
                 (char *) r->region.data,
                 (int) (r->service.len < GENAI_SIGV4_NAME_MAX
                        ? r->service.len : GENAI_SIGV4_NAME_MAX),
                 (char *) r->service.data);

    genai_sigv4_hash_init(&h);
    genai_sigv4_canonical(&h, r, c, date);
    genai_sigv4_hash_end(&h, digest);

    n = snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%.*s\n%s\n",
                 GENAI_SIGV4_DATE, date, scope);
    p = genai_sigv4_hex((unsigned char *) text + n, digest);

    genai_sigv4_make(key, r, c, date);
    genai_sigv4_mac(digest, key->key, GENAI_SIGV4_DIGEST, text,
                    p - (unsigned char *) text);

    n = snprintf((char *) dst, GENAI_SIGV4_MAX,
                 "AWS4-HMAC-SHA256 Credential=%.*s/%s, SignedHeaders=%s, "
                 "Signature=",
                 (int) (c->id.len < GENAI_SIGV4_KEY_MAX
                        ? c->id.len : GENAI_SIGV4_KEY_MAX),
                 (char *) c->id.data, scope,
                 c->token.len ? GENAI_SIGV4_TOKEN_HEADERS
                              : GENAI_SIGV4_HEADERS);

    return genai_sigv4_hex(dst + n, digest) - dst;
}


static void
genai_sigv4_canonical(genai_sigv4_hash_t *h, const genai_sigv4_request_t *r,
    const genai_sigv4_credential_t *c, const unsigned char *date)
{
    unsigned char  hex[2 * GENAI_SIGV4_DIGEST];

    genai_sigv4_hash_add(h, r->method.data, r->method.len);
    genai_sigv4_text(h, "\n");
    genai_sigv4_path(h, &r->path);
    genai_sigv4_text(h, "\n");
    genai_sigv4_hash_add(h, r->query.data, r->query.len);
    genai_sigv4_text(h, "\nhost:");
    genai_sigv4_hash_add(h, r->host.data, r->host.len);
    genai_sigv4_text(h, "\nx-amz-date:");
    genai_sigv4_hash_add(h, date, GENAI_SIGV4_DATE);
    genai_sigv4_text(h, "\n");

    if (c->token.len) {
        genai_sigv4_text(h, "x-amz-security-token:");
        genai_sigv4_hash_add(h, c->token.data, c->token.len);
        genai_sigv4_text(h, "\n\n" GENAI_SIGV4_TOKEN_HEADERS "\n");

    } else {
        genai_sigv4_text(h, "\n" GENAI_SIGV4_HEADERS "\n");
    }

    (void) genai_sigv4_hex(hex, r->content);
    genai_sigv4_hash_add(h, hex, sizeof(hex));
}


/* encoded once more, but for slashes */

static void
genai_sigv4_path(genai_sigv4_hash_t *h, const genai_str_t *path)
{
    size_t         i;
    unsigned char  c, code[3];

    static const char  hex[] = "0123456789ABCDEF";

    if (path->len == 0) {
        genai_sigv4_text(h, "/");
    }

    for (i = 0; i < path->len; i++) {
        c = path->data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9') || (c && strchr("-._~/", c)))
        {
            genai_sigv4_hash_add(h, &c, 1);
            continue;
        }

        code[0] = '%';
        code[1] = hex[c >> 4];
        code[2] = hex[c & 15];
        genai_sigv4_hash_add(h, code, 3);
    }
}


/* what it was made of is compared by its digest, no secret is kept */

static void
genai_sigv4_make(genai_sigv4_key_t *key, const genai_sigv4_request_t *r,
    const genai_sigv4_credential_t *c, const unsigned char *date)
{
    size_t              n;
    unsigned char       first[GENAI_SIGV4_KEY_MAX + 4];
    unsigned char       made_of[GENAI_SIGV4_DIGEST];
    genai_sigv4_hash_t  h;

    genai_sigv4_hash_init(&h);
    genai_sigv4_hash_add(&h, date, 8);
    genai_sigv4_hash_add(&h, r->region.data, r->region.len);
    genai_sigv4_text(&h, "\n");
    genai_sigv4_hash_add(&h, r->service.data, r->service.len);
    genai_sigv4_text(&h, "\n");
    genai_sigv4_hash_add(&h, c->secret.data, c->secret.len);
    genai_sigv4_hash_end(&h, made_of);

    if (key->known
        && CRYPTO_memcmp(key->made_of, made_of, GENAI_SIGV4_DIGEST) == 0)
    {
        return;
    }

    n = (c->secret.len < GENAI_SIGV4_KEY_MAX) ? c->secret.len
                                              : GENAI_SIGV4_KEY_MAX;
    memcpy(first, "AWS4", 4);
    memcpy(first + 4, c->secret.data, n);

    genai_sigv4_mac(key->key, first, n + 4, date, 8);
    genai_sigv4_mac(key->key, key->key, GENAI_SIGV4_DIGEST, r->region.data,
                    r->region.len);
    genai_sigv4_mac(key->key, key->key, GENAI_SIGV4_DIGEST, r->service.data,
                    r->service.len);
    genai_sigv4_mac(key->key, key->key, GENAI_SIGV4_DIGEST, "aws4_request",
                    sizeof("aws4_request") - 1);

    memcpy(key->made_of, made_of, GENAI_SIGV4_DIGEST);
    key->known = 1;

    OPENSSL_cleanse(first, sizeof(first));
}


static unsigned char *
genai_sigv4_hex(unsigned char *dst, const unsigned char *digest)
{
    unsigned  i;

    static const char  hex[] = "0123456789abcdef";

    for (i = 0; i < GENAI_SIGV4_DIGEST; i++) {
        *dst++ = hex[digest[i] >> 4];
        *dst++ = hex[digest[i] & 15];
    }

    return dst;
}
