/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * AWS's signatures: the vectors of AWS's own test suite (aws-sig-v4-test-suite,
 * get-vanilla and others), the example of its documents, and requests of
 * Bedrock's as botocore signs them.
 */


#include "tap.h"
#include "genai_sigv4.h"


#define TOKEN                                                                 \
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWL"    \
    "WsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQr"    \
    "mGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HF"    \
    "vlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scq"    \
    "Kmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="


static const struct {
    const char  *name;
    const char  *method;
    const char  *host;
    const char  *path;
    const char  *query;
    const char  *region;
    const char  *service;
    const char  *token;
    const char  *body;
    const char  *signature;
} vectors[] = {
    { "get-vanilla", "GET", "example.amazonaws.com", "/", "", "us-east-1",
      "service", "", "",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "an empty path", "GET", "example.amazonaws.com", "", "", "us-east-1",
      "service", "", "",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "post-vanilla", "POST", "example.amazonaws.com", "/", "", "us-east-1",
      "service", "", "",
      "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
    { "post-sts-header-before", "POST", "example.amazonaws.com", "/", "",
      "us-east-1", "service", TOKEN, "",
      "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead" },
    { "an ARN, encoded twice", "POST",
      "bedrock-runtime.us-east-1.amazonaws.com",
      "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2F"
      "us.a%20b-v1%3A0/converse", "", "us-east-1", "bedrock", "",
      "{\"messages\":[]}",
      "4a0812f8d8f2a3010190bbf0838fb1b64eba315492201f4ac3b761f002fd7156" },
    { "a token and a body", "POST", "bedrock-runtime.eu-west-1.amazonaws.com",
      "/model/amazon.nova-lite-v1%3A0/converse-stream", "", "eu-west-1",
      "bedrock", TOKEN, "{\"messages\":[]}",
      "228ebdc487d3cf0552842c0fc1c1551aa7702efd91550d0a16e94715bce49c64" }
};


static genai_str_t
str(const char *text)
{
    genai_str_t  s;

    s.data = (unsigned char *) text;
    s.len = strlen(text);

    return s;
}


static void
test_vectors(void)
{
    size_t                    i, k, n;
    char                      want[1024];
    unsigned char             date[GENAI_SIGV4_DATE], got[GENAI_SIGV4_MAX];
    unsigned char             digest[GENAI_SIGV4_DIGEST];
    genai_sigv4_key_t         key;
    genai_sigv4_hash_t        h;
    genai_sigv4_request_t     r;
    genai_sigv4_credential_t  c;

    memset(&key, 0, sizeof(key));
    genai_sigv4_date(date, 1440938160);
    is_mem(date, sizeof(date), "20150830T123600Z", 16, "a date");

    /* twice: with the key of the vector before, and with its own */

    for (i = 0; i < 2 * sizeof(vectors) / sizeof(vectors[0]); i++) {
        k = i / 2;

        genai_sigv4_hash_init(&h);

        for (n = 0; vectors[k].body[n]; n++) {
            genai_sigv4_hash_add(&h, vectors[k].body + n, 1);
        }

        genai_sigv4_hash_end(&h, digest);

        r.method = str(vectors[k].method);
        r.path = str(vectors[k].path);
        r.query = str(vectors[k].query);
        r.host = str(vectors[k].host);
        r.region = str(vectors[k].region);
        r.service = str(vectors[k].service);
        r.content = digest;

        c.id = str("AKIDEXAMPLE");
        c.secret = str("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        c.token = str(vectors[k].token);

        n = genai_sigv4_sign(got, &r, &c, date, &key);

        (void) snprintf(want, sizeof(want), "AWS4-HMAC-SHA256 Credential="
                        "AKIDEXAMPLE/20150830/%s/%s/aws4_request, "
                        "SignedHeaders=host;x-amz-date%s, Signature=%s",
                        vectors[k].region, vectors[k].service,
                        c.token.len ? ";x-amz-security-token" : "",
                        vectors[k].signature);

        is_mem(got, n, want, strlen(want), "%s%s", vectors[k].name,
               i % 2 ? ", again" : "");
    }
}


static void
credential(const char *text, int rc, const char *want)
{
    char                      got[256];
    unsigned char            *copy;
    genai_sigv4_credential_t  c;

    copy = malloc(strlen(text) ? strlen(text) : 1);
    memcpy(copy, text, strlen(text));

    is_int(genai_sigv4_read(&c, copy, strlen(text)), rc, "%s", text);

    if (rc == 1) {
        (void) snprintf(got, sizeof(got), "%.*s %.*s %.*s",
                        (int) c.id.len, c.id.data,
                        (int) c.secret.len, c.secret.data,
                        (int) c.token.len, c.token.data);
        is_str(got, want, "what it says");
    }

    free(copy);
}


static void
test_credentials(void)
{
    credential("{\"access_key_id\":\"A\",\"secret_access_key\":\"s\\/t\"}", 1,
               "A s/t ");
    credential(" {\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\","
               "\"SessionToken\":\"t\\u0041=\",\"Version\":1}\n", 1,
               "A s tA=");
    credential("[default]\naws_access_key_id = A\r\n"
               "aws_secret_access_key=s+/\n\n[other]\naws_access_key_id=B\n",
               1, "A s+/ ");
    credential("aws_secret_access_key\t=\ts\naws_session_token=t\n"
               "aws_access_key_id=A", 1, "A s t");
    credential("a-plain-key\n", 0, NULL);
    credential("", 0, NULL);
    credential("aws_access_key_identity=A\n", 0, NULL);
    credential("{\"access_key_id\":\"A\"}", -1, NULL);
    credential("{\"access_key_id\":\"A\",\"secret_access_key\":\"s\"", -1,
               NULL);
    credential("{\"access_key_id\":\"A\\n\",\"secret_access_key\":\"s\"}", -1,
               NULL);
    credential("{\"access_key_id\":7,\"secret_access_key\":\"s\"}", -1, NULL);
    credential("aws_access_key_id=\naws_secret_access_key=s\n", -1, NULL);
    credential("aws_access_key_id=A\naws_secret_access_key=s t\n", -1, NULL);
}


int
main(void)
{
    test_vectors();
    test_credentials();

    return done_testing();
}
