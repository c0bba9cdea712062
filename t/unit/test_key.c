/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "tap.h"
#include "genai_key.h"

#include <pthread.h>
#include <time.h>


#define NKEYS     2000
#define NTHREADS  4


static genai_str_t
str(const void *data, size_t len)
{
    genai_str_t  s;

    s.data = (unsigned char *) data;
    s.len = len;

    return s;
}


static int
check(const char *text)
{
    int             rc;
    genai_str_t     s;
    unsigned char  *p;

    /* memory of exactly its size */

    s.len = strlen(text);
    p = malloc(s.len ? s.len : 1);
    if (p == NULL) {
        exit(2);
    }

    memcpy(p, text, s.len);
    s.data = p;

    rc = genai_key_check(&s);

    free(p);

    return rc;
}


static const char *
hex(const void *data, size_t len)
{
    unsigned char  digest[GENAI_DIGEST_LEN];

    static char  text[GENAI_DIGEST_HEX + 1];

    genai_digest(data, len, digest);
    *genai_digest_write((unsigned char *) text, digest) = '\0';

    return text;
}


static void
test_check(void)
{
    /* of Python's zlib.crc32() */

    is_int(check("sk-genai-0000000000000000000000000000000000000000000"
                 "3Rknem"), 1, "all zeros");
    is_int(check("sk-genai-4pwFBwMxSEmDPX4pqpXCbCfLZAcvYRzjfUKjSiDxWMa"
                 "3KqRzc"), 1, "some key");
    is_int(check("sk-genai-4pwFBwMxSEmDPX4pqpXCbCfLZAcvYRzjfUKjSiDxWMa"
                 "3KqRza"), 0, "another checksum");
    is_int(check("sk-genai-4pwFBwMxSEmDPX4pqpXCbCfLZAcvYRzjfUKjSiDxWMb"
                 "3KqRzc"), 0, "another key");
    is_int(check("sk-genai-4pwFBwMxSEmDPX4pqpXCbCfLZAcvYRzjfUKjSiDxWMa"
                 "3KqRz"), 0, "it is cut");
    is_int(check("sk-genai-4pwFBwMxSEmDPX4pqpXCbCfLZAcvYRzjfUKjSiDxWMa"
                 "3KqRzc0"), 0, "something behind it");
    is_int(check("sk-genai-4pwFBwMxSEmDPX4pqpXCbCfLZAcvYRzjfUKjSiDxWM-"
                 "3KqRzc"), 0, "a character that is none of them");
    is_int(check("sk-genai-"), 0, "the prefix alone");
    is_int(check("sk-genai"), -1, "less than the prefix");
    is_int(check("SK-GENAI-4pwFBwMxSEmDPX4pqpXCbCfLZAcvYRzjfUKjSiDxWMa"
                 "3KqRzc"), -1, "the prefix in another case");
    is_int(check("sk-proj-abc"), -1, "somebody else's");
    is_int(check(""), -1, "nothing");
}


static void
test_new(void)
{
    size_t         i, k, at;
    genai_str_t    key;
    unsigned       seen[128];
    unsigned char  saved;

    static unsigned char  keys[NKEYS][GENAI_KEY_LEN];

    memset(seen, 0, sizeof(seen));

    is_int(GENAI_KEY_LEN, 58, "as long as is said");

    for (i = 0; i < NKEYS; i++) {
        quiet_ok(genai_key_new(keys[i]) == 0, "key %zu", i);

        key = str(keys[i], GENAI_KEY_LEN);

        quiet_ok(genai_key_check(&key) == 1, "its checksum");
        quiet_ok(genai_key_valid(&key), "it can be one");

        /* the first digit of 256 bits is not any */

        for (k = 10; k < 52; k++) {
            seen[keys[i][k] & 0x7f]++;
        }

        for (k = 0; k < i; k++) {
            quiet_ok(memcmp(keys[i], keys[k], GENAI_KEY_LEN) != 0,
                     "no key twice");
        }
    }

    for (i = 0, k = 0; i < 128; i++) {
        k += seen[i] != 0;

        /* 1355 are to be expected; 8 standard deviations are 292 */

        quiet_ok(seen[i] == 0 || (seen[i] > 1063 && seen[i] < 1647),
                 "character %zu: %u times", i, seen[i]);
    }

    is_int(k, 62, "all characters");

    /* any one character that is another is found */

    for (at = 9; at < GENAI_KEY_LEN; at++) {
        key = str(keys[0], GENAI_KEY_LEN);
        saved = keys[0][at];

        for (i = '0'; i <= 'z'; i++) {
            keys[0][at] = i;
            quiet_ok(genai_key_check(&key) == (i == saved), "%zu at %zu", i,
                     at);
        }

        keys[0][at] = saved;
    }
}


static void
test_valid(void)
{
    size_t         i;
    genai_str_t    s;
    unsigned char  key[GENAI_KEY_MAX + 1];

    memset(key, 'a', sizeof(key));

    s = str(key, 0);
    is_int(genai_key_valid(&s), 0, "an empty one");
    s.len = 1;
    is_int(genai_key_valid(&s), 1, "a short one");
    s.len = GENAI_KEY_MAX;
    is_int(genai_key_valid(&s), 1, "a long one");
    s.len++;
    is_int(genai_key_valid(&s), 0, "one that is too long");

    s.len = 3;

    for (i = 0; i < 256; i++) {
        key[2] = i;
        quiet_ok(genai_key_valid(&s) == (i > ' ' && i < 0x7f), "byte %zu", i);
    }
}


static void
test_digest(void)
{
    size_t         i;
    genai_str_t    s;
    unsigned char  digest[GENAI_DIGEST_LEN], text[GENAI_DIGEST_HEX];

    static unsigned char  a[1000000];

    /* FIPS 180-4's examples */

    is_str(hex(NULL, 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495"
                         "991b7852b855", "nothing");
    is_str(hex("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb41"
                          "0ff61f20015ad", "one block");
    is_str(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56),
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
           "two blocks");

    memset(a, 'a', sizeof(a));
    is_str(hex(a, sizeof(a)), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200"
                              "e046d39ccc7112cd0", "many");

    genai_digest("abc", 3, digest);
    (void) genai_digest_write(text, digest);

    for (i = 0; i < sizeof(text); i++) {
        if (i % 3 == 0 && text[i] >= 'a') {
            text[i] -= 'a' - 'A';
        }
    }

    s = str(text, sizeof(text));
    memset(a, 0, GENAI_DIGEST_LEN);

    is_int(genai_digest_read(&s, a), 0, "it is read back");
    is_mem(a, GENAI_DIGEST_LEN, digest, GENAI_DIGEST_LEN, "in any case");

    s.len--;
    is_int(genai_digest_read(&s, a), -1, "too short");
    s.len = 0;
    is_int(genai_digest_read(&s, a), -1, "nothing");
    s = str(a + 100, GENAI_DIGEST_HEX + 1);
    is_int(genai_digest_read(&s, digest), -1, "too long");

    s = str(text, sizeof(text));

    for (i = 0; i < 256; i++) {
        text[33] = i;
        quiet_ok((genai_digest_read(&s, a) == 0)
                 == ((i >= '0' && i <= '9') || (i >= 'a' && i <= 'f')
                     || (i >= 'A' && i <= 'F')), "byte %zu", i);
    }
}


static void *
thread(void *data)
{
    size_t         i;
    unsigned char  digest[GENAI_DIGEST_LEN];

    for (i = 0; i < 20000; i++) {
        genai_digest("abc", 3, digest);

        if (digest[0] != 0xba || digest[31] != 0xad) {
            return data;
        }
    }

    return NULL;
}


static void
test_threads(void)
{
    void       *bad;
    unsigned    i;
    pthread_t   threads[NTHREADS];

    for (i = 0; i < NTHREADS; i++) {
        if (pthread_create(&threads[i], NULL, thread, threads) != 0) {
            exit(2);
        }
    }

    for (i = 0; i < NTHREADS; i++) {
        bad = NULL;
        (void) pthread_join(threads[i], &bad);
        ok(bad == NULL, "thread %u", i);
    }
}


static void
tell_speed(void)
{
    unsigned         i;
    unsigned char    key[GENAI_KEY_LEN], digest[GENAI_DIGEST_LEN];
    struct timespec  start, end;

    if (genai_key_new(key) != 0) {
        return;
    }

    clock_gettime(CLOCK_MONOTONIC, &start);

    for (i = 0; i < 200000; i++) {
        genai_digest(key, sizeof(key), digest);
        key[9] = digest[0];
    }

    clock_gettime(CLOCK_MONOTONIC, &end);

    diag("a key's digest: %.0f ns", ((end.tv_sec - start.tv_sec) * 1e9
                                     + (end.tv_nsec - start.tv_nsec)) / i);
}


int
main(void)
{
    test_check();
    test_new();
    test_valid();
    test_digest();
    test_threads();
    tell_speed();

    return done_testing();
}
