/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * SipHash-1-3, a keyed hash of 64 bits (Aumasson, Bernstein: "SipHash: a fast
 * short-input PRF", 2012): whoever chooses the input, but does not know the
 * seed, cannot aim at a place of a table.
 *
 * It is fed with words.  What they stand for is the caller's: input of several
 * lengths has the length among them.  All functions are pure.
 */


#ifndef _GENAI_SIPHASH_H_INCLUDED_
#define _GENAI_SIPHASH_H_INCLUDED_


#include <stdint.h>
#include <string.h>


typedef struct {
    uint64_t   v[4];
} genai_siphash_t;


#define genai_siphash_rotate(x, n)  ((x) << (n) | (x) >> (64 - (n)))


static inline void
genai_siphash_round(genai_siphash_t *h)
{
    uint64_t  *v = h->v;

    v[0] += v[1];
    v[1] = genai_siphash_rotate(v[1], 13) ^ v[0];
    v[0] = genai_siphash_rotate(v[0], 32);
    v[2] += v[3];
    v[3] = genai_siphash_rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = genai_siphash_rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = genai_siphash_rotate(v[1], 17) ^ v[2];
    v[2] = genai_siphash_rotate(v[2], 32);
}


static inline void
genai_siphash_begin(genai_siphash_t *h, const uint64_t seed[2])
{
    h->v[0] = seed[0] ^ UINT64_C(0x736f6d6570736575);
    h->v[1] = seed[1] ^ UINT64_C(0x646f72616e646f6d);
    h->v[2] = seed[0] ^ UINT64_C(0x6c7967656e657261);
    h->v[3] = seed[1] ^ UINT64_C(0x7465646279746573);
}


static inline void
genai_siphash_word(genai_siphash_t *h, uint64_t w)
{
    h->v[3] ^= w;
    genai_siphash_round(h);
    h->v[0] ^= w;
}


/* the last word of bytes that are no multiple of 8 ends with zeroes */

static inline void
genai_siphash_bytes(genai_siphash_t *h, const void *data, size_t len)
{
    uint64_t              w;
    const unsigned char  *p = data;

    for ( /* void */ ; len >= 8; len -= 8, p += 8) {
        memcpy(&w, p, 8);
        genai_siphash_word(h, w);
    }

    if (len) {
        w = 0;
        memcpy(&w, p, len);
        genai_siphash_word(h, w);
    }
}


static inline uint64_t
genai_siphash_end(genai_siphash_t *h)
{
    h->v[2] ^= 0xff;

    genai_siphash_round(h);
    genai_siphash_round(h);
    genai_siphash_round(h);

    return h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3];
}


#endif /* _GENAI_SIPHASH_H_INCLUDED_ */
