/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The table of what was counted.
 *
 * Poly1305's polynomial is evaluated in three limbs of 44, 44 and 42 bits, so
 * that sums of products fit into 128 bits.  What makes it a code for messages
 * (a pad for each of them) is not needed, as no value leaves the table.
 */


#include "genai_count_cache.h"


#define GENAI_COUNT_BITS    28
#define GENAI_COUNT_MASK    (((uint64_t) 1 << GENAI_COUNT_BITS) - 1)

#define GENAI_LIMB44        (((uint64_t) 1 << 44) - 1)
#define GENAI_LIMB42        (((uint64_t) 1 << 42) - 1)


typedef unsigned __int128  genai_wide_t;


/* d += a * r, where 2^132 = 4 * 5 */

#define genai_poly_add(d, a0, a1, a2, r0, r1, r2)                             \
    d##0 += (genai_wide_t) (a0) * (r0)                                        \
            + (genai_wide_t) (a1) * ((r2) * 20)                               \
            + (genai_wide_t) (a2) * ((r1) * 20);                              \
    d##1 += (genai_wide_t) (a0) * (r1) + (genai_wide_t) (a1) * (r0)           \
            + (genai_wide_t) (a2) * ((r2) * 20);                              \
    d##2 += (genai_wide_t) (a0) * (r2) + (genai_wide_t) (a1) * (r1)           \
            + (genai_wide_t) (a2) * (r0)

#define genai_poly_carry(d, h0, h1, h2)                                       \
    d##1 += (uint64_t) (d##0 >> 44);                                          \
    d##2 += (uint64_t) (d##1 >> 44);                                          \
    h0 = ((uint64_t) d##0 & GENAI_LIMB44) + (uint64_t) (d##2 >> 42) * 5;      \
    h1 = ((uint64_t) d##1 & GENAI_LIMB44) + (h0 >> 44);                       \
    h2 = (uint64_t) d##2 & GENAI_LIMB42;                                      \
    h0 &= GENAI_LIMB44

/* a block, with the bit that Poly1305 puts above it */

#define genai_poly_load(a, s)                                                 \
    t0 = genai_count_load(s);                                                 \
    t1 = genai_count_load((s) + 8);                                           \
    a##0 = t0 & GENAI_LIMB44;                                                 \
    a##1 = (t0 >> 44 | t1 << 20) & GENAI_LIMB44;                              \
    a##2 = t1 >> 24 | (uint64_t) 1 << 40


static void genai_count_blocks(genai_count_hasher_t *p,
    const unsigned char *s, size_t blocks);
static void genai_poly_init(genai_count_hasher_t *p, const uint64_t r[2]);
static void genai_poly_blocks(genai_count_hasher_t *p, const unsigned char *s,
    size_t blocks);
static void genai_poly_end(genai_count_hasher_t *p, uint64_t out[2]);
static uint64_t genai_count_load(const unsigned char *p);
static uint64_t genai_count_mix(uint64_t v);
static int genai_count_entry(const genai_count_entry_t *e,
    const genai_count_hash_t *hash, uint64_t *rest);
static void genai_count_set(genai_count_entry_t *e, uint64_t high,
    uint64_t rest);


void
genai_count_cache_init(genai_count_cache_t *c, size_t size,
    const unsigned char key[GENAI_COUNT_CACHE_KEY])
{
    size_t  n;

    c->r[0] = genai_count_load(key) & UINT64_C(0x0ffffffc0fffffff);
    c->r[1] = genai_count_load(key + 8) & UINT64_C(0x0ffffffc0ffffffc);
    c->polyval = genai_polyval_can();

    if (c->polyval) {
        genai_polyval_init(&c->powers, key);
    }

    c->pad[0] = genai_count_load(key + 16);
    c->pad[1] = genai_count_load(key + 24);

    n = (size - sizeof(genai_count_cache_t)) / sizeof(genai_count_line_t);

    for (c->lines = 1; c->lines <= n / 2; c->lines *= 2) { /* void */ }
}


void
genai_count_hash(const genai_count_cache_t *c, const genai_str_t *text,
    uint64_t how, genai_count_hash_t *hash)
{
    genai_count_hasher_t  p;

    genai_count_hash_begin(&p, c);
    genai_count_hash_end(&p, c, text, text->len, how, hash);
}


void
genai_count_hash_begin(genai_count_hasher_t *p, const genai_count_cache_t *c)
{
    if (c->polyval) {
        p->powers = &c->powers;
        p->h[0] = 0;
        p->h[1] = 0;
        return;
    }

    p->powers = NULL;
    genai_poly_init(p, c->r);
}


void
genai_count_hash_add(genai_count_hasher_t *p, const unsigned char *data,
    size_t len)
{
    genai_count_blocks(p, data, len / 16);
}


static void
genai_count_blocks(genai_count_hasher_t *p, const unsigned char *s,
    size_t blocks)
{
    if (p->powers) {
        genai_polyval_blocks(p->powers, p->h, s, blocks);

    } else {
        genai_poly_blocks(p, s, blocks);
    }
}


void
genai_count_hash_end(genai_count_hasher_t *p, const genai_count_cache_t *c,
    const genai_str_t *rest, uint64_t len, uint64_t how,
    genai_count_hash_t *hash)
{
    size_t         whole, left;
    uint64_t       out[2];
    unsigned char  last[16];

    whole = rest->len / 16;
    left = rest->len % 16;

    genai_count_blocks(p, rest->data, whole);

    /* zeroes behind it are no part of the text, as its length tells */

    if (left) {
        memset(last, 0, 16);
        memcpy(last, rest->data + whole * 16, left);

        genai_count_blocks(p, last, 1);
    }

    memcpy(last, &len, 8);
    memcpy(last + 8, &how, 8);

    genai_count_blocks(p, last, 1);

    if (p->powers) {
        out[0] = p->h[0];
        out[1] = p->h[1];

    } else {
        genai_poly_end(p, out);
    }

    /* short texts differ in few bits; all of them choose the line */

    hash->high = out[1] + genai_count_mix(out[0] ^ c->pad[0]);
    hash->low = out[0] + genai_count_mix(hash->high ^ c->pad[1]);
}


int
genai_count_cache_find(genai_count_cache_t *c,
    const genai_count_hash_t *hash, uint32_t *tokens)
{
    uint64_t              rest, other;
    unsigned              i;
    genai_count_line_t   *line;
    genai_count_entry_t  *e;

    line = &c->line[hash->high & (c->lines - 1)];

    for (i = 0; i < GENAI_COUNT_CACHE_WAYS; i++) {

        e = &line->entries[i];

        if (!genai_count_entry(e, hash, &rest)) {
            continue;
        }

        *tokens = (uint32_t) (rest & GENAI_COUNT_MASK);

        if (i) {

            /* who writes there at the same time costs one of the two */

            other = __atomic_load_n(&e[-1].rest, __ATOMIC_RELAXED);

            genai_count_set(e, __atomic_load_n(&e[-1].mixed,
                                               __ATOMIC_RELAXED) ^ other,
                            other);
            genai_count_set(&e[-1], hash->high, rest);
        }

        return 1;
    }

    return 0;
}


void
genai_count_cache_add(genai_count_cache_t *c,
    const genai_count_hash_t *hash, uint64_t tokens)
{
    uint64_t             rest;
    unsigned             i;
    genai_count_line_t  *line;

    if (tokens > GENAI_COUNT_CACHE_MAX) {
        return;
    }

    line = &c->line[hash->high & (c->lines - 1)];

    for (i = 0; i < GENAI_COUNT_CACHE_WAYS - 1; i++) {

        rest = __atomic_load_n(&line->entries[i].rest, __ATOMIC_RELAXED);

        if (rest == 0 || genai_count_entry(&line->entries[i], hash, &rest)) {
            break;
        }
    }

    /* a low half of zeroes and a count of 0 would be no entry: so be it */

    genai_count_set(&line->entries[i], hash->high,
                    (hash->low & ~GENAI_COUNT_MASK) | tokens);
}


static int
genai_count_entry(const genai_count_entry_t *e,
    const genai_count_hash_t *hash, uint64_t *rest)
{
    *rest = __atomic_load_n(&e->rest, __ATOMIC_RELAXED);

    return *rest != 0
           && ((*rest ^ hash->low) & ~GENAI_COUNT_MASK) == 0
           && (__atomic_load_n(&e->mixed, __ATOMIC_RELAXED) ^ *rest)
              == hash->high;
}


static void
genai_count_set(genai_count_entry_t *e, uint64_t high, uint64_t rest)
{
    __atomic_store_n(&e->mixed, high ^ rest, __ATOMIC_RELAXED);
    __atomic_store_n(&e->rest, rest, __ATOMIC_RELAXED);
}


static void
genai_poly_init(genai_count_hasher_t *p, const uint64_t r[2])
{
    genai_wide_t  d0, d1, d2;

    memset(p->h, 0, sizeof(p->h));

    p->r[0] = r[0] & GENAI_LIMB44;
    p->r[1] = (r[0] >> 44 | r[1] << 20) & GENAI_LIMB44;
    p->r[2] = r[1] >> 24;

    d0 = d1 = d2 = 0;

    genai_poly_add(d, p->r[0], p->r[1], p->r[2], p->r[0], p->r[1], p->r[2]);
    genai_poly_carry(d, p->rr[0], p->rr[1], p->rr[2]);
}


/* two blocks at once, so that half of the multiplications wait for nothing */

static void
genai_poly_blocks(genai_count_hasher_t *p, const unsigned char *s,
    size_t blocks)
{
    uint64_t      h0, h1, h2, a0, a1, a2, b0, b1, b2, t0, t1;
    genai_wide_t  d0, d1, d2;

    h0 = p->h[0];
    h1 = p->h[1];
    h2 = p->h[2];

    for ( /* void */ ; blocks >= 2; blocks -= 2) {

        genai_poly_load(a, s);
        genai_poly_load(b, s + 16);
        s += 32;

        d0 = d1 = d2 = 0;

        genai_poly_add(d, b0, b1, b2, p->r[0], p->r[1], p->r[2]);
        genai_poly_add(d, h0 + a0, h1 + a1, h2 + a2,
                       p->rr[0], p->rr[1], p->rr[2]);
        genai_poly_carry(d, h0, h1, h2);
    }

    if (blocks) {

        genai_poly_load(a, s);

        d0 = d1 = d2 = 0;

        genai_poly_add(d, h0 + a0, h1 + a1, h2 + a2,
                       p->r[0], p->r[1], p->r[2]);
        genai_poly_carry(d, h0, h1, h2);
    }

    p->h[0] = h0;
    p->h[1] = h1;
    p->h[2] = h2;
}


/* the residue below 2^130 - 5, of which 128 bits are kept */

static void
genai_poly_end(genai_count_hasher_t *p, uint64_t out[2])
{
    uint64_t  h0, h1, h2, g0, g1, g2, carry, mask;

    h0 = p->h[0];
    h1 = p->h[1];
    h2 = p->h[2];

    carry = h1 >> 44;
    h1 &= GENAI_LIMB44;
    h2 += carry;
    carry = h2 >> 42;
    h2 &= GENAI_LIMB42;
    h0 += carry * 5;
    carry = h0 >> 44;
    h0 &= GENAI_LIMB44;
    h1 += carry;
    carry = h1 >> 44;
    h1 &= GENAI_LIMB44;
    h2 += carry;
    carry = h2 >> 42;
    h2 &= GENAI_LIMB42;
    h0 += carry * 5;

    g0 = h0 + 5;
    g1 = h1 + (g0 >> 44);
    g0 &= GENAI_LIMB44;
    g2 = h2 + (g1 >> 44) - ((uint64_t) 1 << 42);
    g1 &= GENAI_LIMB44;

    mask = (g2 >> 63) - 1;

    h0 = (h0 & ~mask) | (g0 & mask);
    h1 = (h1 & ~mask) | (g1 & mask);
    h2 = (h2 & ~mask) | (g2 & mask);

    out[0] = h0 | h1 << 44;
    out[1] = h1 >> 20 | h2 << 24;
}


static uint64_t
genai_count_load(const unsigned char *p)
{
    uint64_t  v;

    memcpy(&v, p, 8);

#if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
    v = __builtin_bswap64(v);
#endif

    return v;
}


/* a bijection of 64 bits (the finalizer of SplitMix64) */

static uint64_t
genai_count_mix(uint64_t v)
{
    v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);

    return v ^ v >> 31;
}
