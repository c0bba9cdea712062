/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The hash against OpenSSL's Poly1305, and the table under writers that do
 * not wait for each other.
 */


#include <openssl/evp.h>
#include <openssl/core_names.h>
#include <pthread.h>

#include "genai_count_cache.h"
#include "tap.h"


#define TEST_LINES    64
#define TEST_SIZE     (sizeof(genai_count_cache_t)                            \
                       + TEST_LINES * sizeof(genai_count_line_t))
#define TEST_THREADS  4
#define TEST_ROUNDS   400000


static genai_count_cache_t  *table;
static unsigned char         key[GENAI_COUNT_CACHE_KEY];
static unsigned              wrong;


static void
bail(const char *why)
{
    printf("Bail out! %s\n", why);
    exit(1);
}


static uint64_t
next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;

    return *seed;
}


static uint64_t
mix(uint64_t v)
{
    v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);

    return v ^ v >> 31;
}


static void
reference(const unsigned char *s, size_t len, uint64_t how,
    genai_count_hash_t *hash)
{
    size_t          n;
    uint64_t        out[2], pad[2], words[2];
    EVP_MAC        *mac;
    EVP_MAC_CTX    *ctx;
    unsigned char   k[32], zeroes[16];

    memcpy(k, key, 16);
    memset(k + 16, 0, 16);
    memset(zeroes, 0, sizeof(zeroes));

    words[0] = len;
    words[1] = how;

    mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);
    ctx = EVP_MAC_CTX_new(mac);

    if (EVP_MAC_init(ctx, k, 32, NULL) != 1
        || EVP_MAC_update(ctx, s, len) != 1
        || EVP_MAC_update(ctx, zeroes, (16 - len % 16) % 16) != 1
        || EVP_MAC_update(ctx, (unsigned char *) words, 16) != 1
        || EVP_MAC_final(ctx, (unsigned char *) out, &n, 16) != 1)
    {
        bail("POLY1305 of OpenSSL cannot be had");
    }

    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);

    memcpy(pad, key + 16, 16);

    hash->high = out[1] + mix(out[0] ^ pad[0]);
    hash->low = out[0] + mix(hash->high ^ pad[1]);
}


/* of one block, of two, of three and so on */

static void
hash_steps(const genai_str_t *text, uint64_t how, genai_count_hash_t *hash)
{
    size_t                n, step;
    genai_str_t           rest;
    genai_count_hasher_t  hasher;

    rest = *text;

    genai_count_hash_begin(&hasher, table);

    for (step = 1; step * 16 < rest.len; step++) {
        n = step * 16;
        genai_count_hash_add(&hasher, rest.data, n);
        rest.data += n;
        rest.len -= n;
    }

    genai_count_hash_end(&hasher, table, &rest, text->len, how, hash);
}


static void
test_hash(void)
{
    size_t              len;
    uint64_t            seed, polyval;
    genai_str_t         text;
    unsigned char       data[2048];
    genai_count_hash_t  got, want;

    seed = 1;

    for (len = 0; len < sizeof(data); len++) {
        data[len] = (len % 3) ? (unsigned char) next(&seed) : 0xff;
    }

    /* POLYVAL itself is tested elsewhere: its steps, and that it is used */

    if (table->polyval) {

        for (len = 0; len < sizeof(data); len++) {
            text.data = data;
            text.len = len;

            genai_count_hash(table, &text, len * 7, &want);
            hash_steps(&text, len * 7, &got);

            quiet_ok(got.high == want.high && got.low == want.low,
                     "POLYVAL: %zu bytes in steps", len);

            reference(data, len, len * 7, &got);
            quiet_ok(got.high != want.high, "POLYVAL: %zu bytes", len);
        }

        data[100] ^= 1;
        genai_count_hash(table, &text, 1, &got);
        data[100] ^= 1;
        genai_count_hash(table, &text, 1, &want);
        ok(got.high != want.high && got.low != want.low,
           "POLYVAL: one bit changes it");
    }

    polyval = table->polyval;
    table->polyval = 0;

    for (len = 0; len < sizeof(data); len++) {

        text.data = data;
        text.len = len;

        genai_count_hash(table, &text, len * 7, &got);
        reference(data, len, len * 7, &want);

        quiet_ok(got.high == want.high && got.low == want.low,
                 "the hash of %zu bytes", len);

        hash_steps(&text, len * 7, &got);

        quiet_ok(got.high == want.high && got.low == want.low,
                 "%zu bytes in steps", len);
    }

    /* all ones carry through every limb */

    memset(data, 0xff, sizeof(data));
    text.len = sizeof(data);

    genai_count_hash(table, &text, UINT64_MAX, &got);
    reference(data, text.len, UINT64_MAX, &want);
    ok(got.high == want.high && got.low == want.low, "of ones");

    genai_count_hash(table, &text, 1, &want);
    ok(got.high != want.high, "what it is counted with matters");

    memset(data, 0, sizeof(data));
    text.len = 16;
    genai_count_hash(table, &text, 1, &got);
    text.len = 17;
    genai_count_hash(table, &text, 1, &want);
    ok(got.high != want.high, "zeroes at the end matter");

    table->polyval = polyval;
}


static void
test_table(void)
{
    unsigned            i, n;
    uint32_t            tokens;
    uint64_t            seed;
    genai_count_hash_t  h[5];

    memset(table->line, 0, TEST_LINES * sizeof(genai_count_line_t));

    seed = 7;

    for (i = 0; i < 5; i++) {
        h[i].high = (next(&seed) & ~(uint64_t) (TEST_LINES - 1)) | 3;
        h[i].low = next(&seed);
    }

    ok(!genai_count_cache_find(table, &h[0], &tokens), "nothing is there");

    for (i = 0; i < 4; i++) {
        genai_count_cache_add(table, &h[i], 100 + i);
    }

    for (i = 0, n = 0; i < 4; i++) {
        n += genai_count_cache_find(table, &h[i], &tokens)
             && tokens == 100 + i;
    }

    is_int(n, 4, "a line takes four");

    for (i = 0; i < 4; i++) {
        (void) genai_count_cache_find(table, &h[3], &tokens);
    }

    genai_count_cache_add(table, &h[4], 104);

    ok(genai_count_cache_find(table, &h[3], &tokens) && tokens == 103,
       "what was found before stays");
    ok(genai_count_cache_find(table, &h[4], &tokens) && tokens == 104,
       "and a new one is there");

    h[4].low ^= (uint64_t) 1 << 28;
    ok(!genai_count_cache_find(table, &h[4], &tokens), "another low half");

    h[4].low ^= (uint64_t) 1 << 28;
    h[4].high ^= (uint64_t) 1 << 63;
    ok(!genai_count_cache_find(table, &h[4], &tokens), "another high half");

    genai_count_cache_add(table, &h[4], (uint64_t) GENAI_COUNT_CACHE_MAX + 1);
    ok(!genai_count_cache_find(table, &h[4], &tokens), "too many tokens");

    genai_count_cache_add(table, &h[4], GENAI_COUNT_CACHE_MAX);
    ok(genai_count_cache_find(table, &h[4], &tokens)
       && tokens == GENAI_COUNT_CACHE_MAX, "not too many");

    genai_count_cache_add(table, &h[4], 0);
    ok(genai_count_cache_find(table, &h[4], &tokens) && tokens == 0,
       "none, and again the same text");
}


/* texts that differ, for one of a few lines, and a count that follows */

static void
pick(uint64_t *seed, genai_count_hash_t *h, uint32_t *tokens)
{
    uint64_t  n;

    n = next(seed) % 40;

    h->high = mix(n + 1) << 8 | (n & 3);
    h->low = mix(n + 1000);
    *tokens = (uint32_t) (mix(n) & 0xffffff);
}


static void *
hammer(void *data)
{
    uint32_t            want, got;
    uint64_t            seed;
    unsigned            i;
    genai_count_hash_t  h;

    seed = (uintptr_t) data + 99;

    for (i = 0; i < TEST_ROUNDS; i++) {

        pick(&seed, &h, &want);

        if (genai_count_cache_find(table, &h, &got)) {

            if (got != want) {
                __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
            }

        } else {
            genai_count_cache_add(table, &h, want);
        }
    }

    return NULL;
}


static void
test_threads(void)
{
    unsigned   i;
    pthread_t  threads[TEST_THREADS];

    for (i = 0; i < TEST_THREADS; i++) {
        if (pthread_create(&threads[i], NULL, hammer, (void *) (uintptr_t) i)
            != 0)
        {
            bail("no thread");
        }
    }

    for (i = 0; i < TEST_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }

    is_int(wrong, 0, "no count of another text, %u looks",
           TEST_THREADS * TEST_ROUNDS);
}


int
main(void)
{
    unsigned  i;

    for (i = 0; i < sizeof(key); i++) {
        key[i] = (unsigned char) (i * 37 + 201);
    }

    key[3] &= 15; key[7] &= 15; key[11] &= 15; key[15] &= 15;
    key[4] &= 252; key[8] &= 252; key[12] &= 252;

    table = aligned_alloc(64, (TEST_SIZE + 63) & ~(size_t) 63);
    if (table == NULL) {
        bail("no memory");
    }

    memset(table, 0, TEST_SIZE);

    genai_count_cache_init(table, TEST_SIZE, key);
    is_int(table->lines, TEST_LINES, "lines");

    test_hash();
    test_table();
    test_threads();

    free(table);

    return done_testing();
}
