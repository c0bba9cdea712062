/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * POLYVAL against its definition, bit by bit, and RFC 8452's own example.
 */


#include "tap.h"
#include "genai_polyval.h"

/* the other edition, under other names */
#define GENAI_POLYVAL_NARROW  1
#define genai_polyval_can     narrow_can
#define genai_polyval_init    narrow_init
#define genai_polyval_blocks  narrow_blocks
int narrow_can(void);
void narrow_init(genai_polyval_t *p, const unsigned char point[16]);
void narrow_blocks(const genai_polyval_t *p, uint64_t s[2],
    const unsigned char *data, size_t blocks);
#include "genai_polyval.c"
#undef genai_polyval_can
#undef genai_polyval_init
#undef genai_polyval_blocks


typedef struct {
    uint64_t  low;
    uint64_t  high;
} field_t;


/* a * x in the field */

static field_t
times_x(field_t a)
{
    uint64_t  carry = a.high >> 63;

    a.high = a.high << 1 | a.low >> 63;
    a.low <<= 1;

    if (carry) {
        a.low ^= 1;
        a.high ^= UINT64_C(0xc200000000000000);
    }

    return a;
}


static field_t
multiply(field_t a, field_t b)
{
    field_t   r = { 0, 0 };
    unsigned  i;

    for (i = 0; i < 128; i++) {
        if ((i < 64 ? b.low >> i : b.high >> (i - 64)) & 1) {
            r.low ^= a.low;
            r.high ^= a.high;
        }

        a = times_x(a);
    }

    return r;
}


/* a * b * x^-128, where x^-128 = x^127 + x^124 + x^121 + x^114 + 1 */

static field_t
dot(field_t a, field_t b)
{
    field_t  inverse = { 1, UINT64_C(0x9204000000000000) };

    return multiply(multiply(a, b), inverse);
}


static void
hex(unsigned char *dst, const char *text)
{
    unsigned  c;

    while (*text) {
        if (sscanf(text, "%2x", &c) != 1) {
            return;
        }

        *dst++ = (unsigned char) c;
        text += 2;
    }
}


int
main(void)
{
    size_t            n, i, cut;
    field_t           h, s, x;
    uint64_t          got[2], rng;
    unsigned char     point[16], text[32], want[16], data[16 * 100];
    genai_polyval_t   p;

    if (!genai_polyval_can()) {
        diag("skipped: this processor does not multiply without carries");
        pass("nothing to test");
        return done_testing();
    }

    /* RFC 8452, appendix A */

    hex(point, "25629347589242761d31f826ba4b757b");
    hex(text, "4f4f95668c83dfb6401762bb2d01a262"
              "d1a24ddd2721d006bbe45f20d3c9f362");
    hex(want, "f7a3b47b846119fae5b7866cf5e5b77e");

    genai_polyval_init(&p, point);
    got[0] = got[1] = 0;
    genai_polyval_blocks(&p, got, text, 2);
    is_mem((char *) got, 16, (char *) want, 16, "the example of the RFC");

    /* any number of blocks, taken in any parts */

    rng = 1;

    for (n = 0; n < 100; n++) {

        for (i = 0; i < sizeof(data); i++) {
            rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407;
            data[i] = (unsigned char) (rng >> 40);
        }

        memcpy(&h, data + (rng >> 50) % 100, 16);
        memcpy(point, &h, 16);
        genai_polyval_init(&p, point);

        s.low = s.high = 0;

        for (i = 0; i < n; i++) {
            memcpy(&x, data + 16 * i, 16);
            s.low ^= x.low;
            s.high ^= x.high;
            s = dot(s, h);
        }

        got[0] = got[1] = 0;
        genai_polyval_blocks(&p, got, data, n);
        quiet_ok(got[0] == s.low && got[1] == s.high, "%d blocks", (int) n);

        got[0] = got[1] = 0;
        narrow_blocks(&p, got, data, n);
        quiet_ok(got[0] == s.low && got[1] == s.high, "%d blocks, narrow",
                 (int) n);

        got[0] = got[1] = 0;

        for (i = 0; i < n; i += cut) {
            rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407;
            cut = 1 + (rng >> 40) % 20;
            cut = (cut < n - i) ? cut : n - i;
            genai_polyval_blocks(&p, got, data + 16 * i, cut);
        }

        quiet_ok(got[0] == s.low && got[1] == s.high, "%d blocks, in parts",
                 (int) n);
    }

    pass("as it is defined");

    return done_testing();
}
