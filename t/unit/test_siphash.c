/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_siphash.h"
#include "tap.h"


int
main(void)
{
    unsigned         i;
    uint64_t         one, two;
    genai_siphash_t  h;

    static const uint64_t  key[2] = {
        UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)
    };
    static const uint64_t  other[2] = {
        UINT64_C(0x0706050403020101), UINT64_C(0x0f0e0d0c0b0a0908)
    };

    /* no input is one last word with the length 0 */

    genai_siphash_begin(&h, key);
    genai_siphash_word(&h, 0);
    ok(genai_siphash_end(&h) == UINT64_C(0xabac0158050fc4dc),
           "the reference's value of no input");

    one = two = 0;

    for (i = 0; i < 1000; i++) {
        genai_siphash_begin(&h, key);
        genai_siphash_word(&h, i);
        one += genai_siphash_end(&h) & 0xff;

        genai_siphash_begin(&h, other);
        genai_siphash_word(&h, i);
        two += genai_siphash_end(&h) & 0xff;
    }

    ok(one != two, "another seed is another hash");

    return done_testing();
}
