/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Categories of characters: all of them against a checksum of Unicode's own,
 * see data/unicode_goldens.py, and the few that expressions depend upon.
 */


#include "digest.h"
#include "genai_unicode.h"
#include "tap.h"


/* in the order of genai_gc_e, two letters each */

static const char  names[] =
    "CnLuLlLtLmLoMnMcMeNdNlNoPcPdPsPePiPfPoSmScSkSoZsZlZpCcCfCsCoCc";


static void
test_all(void)
{
    uint32_t     c;
    EVP_MD_CTX  *sum;

    sum = digest_begin();

    for (c = 0; c <= GENAI_UNICODE_MAX; c++) {
        if (c < 0xd800 || c > 0xdfff) {
            digest_add(sum, names + 2 * genai_unicode_category(c), 2);
        }
    }

    is_str(digest_end(sum), "f710be47b257d77d22fea7f1e3ba740d"
                            "0d52dd367b9afa48d1802f8d5b7a4538",
           "the categories of all characters");
}


static void
test_spaces(void)
{
    uint32_t  c, n, sum;

    static const uint32_t  spaces[] = {
        0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x85, 0xa0, 0x1680, 0x2000,
        0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
        0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000
    };

    n = 0;
    sum = 0;

    for (c = 0; c <= GENAI_UNICODE_MAX; c++) {
        if (genai_gc_bit(genai_unicode_category(c)) & GENAI_GC_SPACE) {

            if (n < sizeof(spaces) / sizeof(spaces[0])) {
                quiet_ok(c == spaces[n], "U+%04X is white space", c);
            }

            n++;
        }
    }

    is_int(n, 25, "the white space, without U+FEFF, U+200B and U+180E");

    for (c = 0; c < 0x80; c++) {
        sum += (genai_unicode_ascii((unsigned char) c)
                != genai_unicode_category(c));
    }

    is_int(sum, 0, "the categories of ASCII");

    is_int(genai_unicode_category(0x10d6f), GENAI_GC_LM,
           "a letter of Unicode 16.0");
    is_int(genai_unicode_category(0x088f), GENAI_GC_CN,
           "one of Unicode 17.0 is not assigned");
    is_int(genai_unicode_category(GENAI_UNICODE_MAX), GENAI_GC_CN,
           "the last one");
}


int
main(void)
{
    test_all();
    test_spaces();

    return done_testing();
}
