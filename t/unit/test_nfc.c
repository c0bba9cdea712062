/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * NFC: hard cases, every character in several places against a checksum of
 * the reference (data/unicode_goldens.py), properties of random texts, and
 * very long sequences of marks.
 */


#include "digest.h"
#include "genai_unicode.h"
#include "tap.h"
#include "genai_nfc_long.h"
#include "utf8.h"

#include <time.h>


static const struct {
    const char  *text;
    const char  *nfc;
    const char  *name;
} cases[] = {
    { "", "", "nothing" },
    { "e\xcc\x81", "\xc3\xa9", "e and an acute accent" },
    { "\xc3\xa9", "\xc3\xa9", "what is composed" },
    { "\xe2\x84\xab", "\xc3\x85", "the sign of Angstrom" },
    { "\xe2\x84\xa6", "\xce\xa9", "the sign of Ohm" },
    { "A\xcc\x8a", "\xc3\x85", "A and a ring" },
    { "\xe1\xb8\x8b\xcc\xa3", "\xe1\xb8\x8d\xcc\x87",
      "a mark that goes in front of one that was composed" },
    { "q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87", "marks that change places" },
    { "a\xcc\x81\xcc\x80", "\xc3\xa1\xcc\x80", "the second of a class stays" },
    { "a\xcc\x80\xcc\x81", "\xc3\xa0\xcc\x81", "and so it does here" },
    { "\xcc\x81" "a", "\xcc\x81" "a", "a mark that follows nothing" },
    { "\xcc\x81\xcc\xa3", "\xcc\xa3\xcc\x81", "two of them" },
    { "\xcd\x84", "\xcc\x88\xcc\x81", "a mark that is two" },
    { "u\xcd\x84", "\xc7\x98", "which compose" },
    { "\xc3\xa9\xcc\x96", "\xc3\xa9\xcc\x96",
      "normal, though it takes a second look" },
    { "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81",
      "a syllable of Hangul" },
    { "\xea\xb0\x80\xe1\x86\xa8", "\xea\xb0\x81", "its last third" },
    { "\xea\xb0\x81\xe1\x86\xa8", "\xea\xb0\x81\xe1\x86\xa8",
      "one that has its last third" },
    { "\xe1\x84\x80\xcc\x81\xe1\x85\xa1", "\xe1\x84\x80\xcc\x81\xe1\x85\xa1",
      "a mark within a syllable" },
    { "\xe0\xa7\x87\xe0\xa6\xbe", "\xe0\xa7\x8b", "vowels of Bengali" },
    { "\xe0\xa7\x87\xcc\x80\xe0\xa6\xbe", "\xe0\xa7\x87\xcc\x80\xe0\xa6\xbe",
      "a mark between them" },
    { "\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc", "what never composes" },
    { "\xef\xa4\x80", "\xe8\xb1\x88", "another form of a Chinese character" },
    { "\xf0\x9d\x85\xa0",
      "\xf0\x9d\x85\x98\xf0\x9d\x85\xa5\xf0\x9d\x85\xae",
      "three times as long" },
    { "a\xcc\xb4\xcc\xa7\xcc\x81", "\xc3\xa1\xcc\xb4\xcc\xa7",
      "past marks that do not compose" },
    { "\xe1\xba\xa5\xcc\xa3", "\xe1\xba\xad\xcc\x81", "Vietnamese" },

    /* marks that came after Unicode 9.0 are none to the reference */

    { "a\xcc\x81\xe0\xa2\x99\xcc\xa3", "\xc3\xa1\xe0\xa2\x99\xcc\xa3",
      "a mark of Unicode 14.0 keeps its place" },
    { "\xf0\x96\x84\x9e\xf0\x96\x84\x9e", "\xf0\x96\x84\x9e\xf0\x96\x84\x9e",
      "vowels of Unicode 16.0 do not compose" }
};


static uint64_t  seed = 1;


static unsigned
rnd(unsigned n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);

    return (unsigned) (seed >> 33) % n;
}


/* with not one byte of room more than is asked for */

static unsigned char *
nfc(const unsigned char *p, size_t len, size_t *n)
{
    genai_str_t     s;
    unsigned char  *dst, *src;

    src = malloc(len ? len : 1);
    memcpy(src, p, len);
    s.data = src;
    s.len = len;

    dst = malloc(len ? genai_nfc_bound(len) : 1);
    *n = genai_nfc_write(dst, &s);
    free(src);

    return dst;
}


static void
test_cases(void)
{
    size_t          i, n, len;
    genai_str_t     s;
    unsigned char  *p;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        s.data = (unsigned char *) cases[i].text;
        s.len = strlen(cases[i].text);

        p = nfc(s.data, s.len, &n);
        is_mem(p, n, cases[i].nfc, strlen(cases[i].nfc), "%s", cases[i].name);
        free(p);

        len = genai_nfc_check(&s);
        quiet_ok(len <= s.len && memcmp(cases[i].nfc, s.data, len) == 0
                 && (len < s.len || strcmp(cases[i].text, cases[i].nfc) == 0),
                 "%s: %lu are normal", cases[i].name, (unsigned long) len);
    }

    s.data = (unsigned char *) "plain, caf\xc3\xa9 \xe4\xb8\xad\xe6\x96\x87 "
             "\xed\x95\x9c\xea\xb5\xad \xd0\xb9 \xf0\x9f\x98\x80 a\xcc\xb4";
    s.len = strlen((char *) s.data);
    is_int(genai_nfc_check(&s), s.len, "a normal text is seen as one");
    is_int(genai_nfc_cut(&s), s.len - 3, "it is cut before its last letter");

    s.data = (unsigned char *) "\xcc\x81\xcc\x81";
    s.len = 4;
    is_int(genai_nfc_cut(&s), 0, "marks alone are not cut");
}


/* all that is assigned but private use, as data/unicode_goldens.py has it */

static void
test_all(void)
{
    size_t          i, j, k, len, n;
    uint32_t       *chars;
    EVP_MD_CTX     *sum;
    unsigned char  *text, *p;

    static const char *const  forms[][2] = {
        { "e", "\xcc\xa3" }, { "\xcc\x81", "" }, { "", "\xcc\xa7\xcc\x81" },
        { "\xe1\x84\x80", "\xe1\x86\xa8" }
    };

    chars = utf8_all(&n);
    text = malloc(500 * 16);

    sum = digest_begin();

    for (i = 0; i < n; i += 500) {
        for (k = 0; k < 4; k++) {
            len = 0;

            for (j = i; j < n && j < i + 500; j++) {

                if (j > i) {
                    memcpy(text + len, "\n1", 2);
                    len += 2;
                }

                memcpy(text + len, forms[k][0], strlen(forms[k][0]));
                len += strlen(forms[k][0]);
                len += utf8_put(text + len, chars[j]);
                memcpy(text + len, forms[k][1], strlen(forms[k][1]));
                len += strlen(forms[k][1]);
            }

            p = nfc(text, len, &j);
            digest_add(sum, p, j);
            free(p);
        }
    }

    is_str(digest_end(sum), "c69251ce59e44be7561b0600b78056f8"
                            "4b334ad0889bfc038762ff76cbb1c5d0",
           "every character in four places");

    free(text);
    free(chars);
}


/* what is random is made of what changes most */

static uint32_t
any(void)
{
    static const uint32_t  some[] = {
        'a', 'e', 'u', 'q', ' ', 0xe9, 0x1ebf, 0x1e0b, 0x300, 0x301, 0x302,
        0x307, 0x308, 0x316, 0x323, 0x327, 0x328, 0x334, 0x338, 0x340, 0x344,
        0x345, 0x5b0, 0x5bc, 0xfb2a, 0x915, 0x93c, 0x958, 0x9c7, 0x9be, 0x9d7,
        0xbc6, 0xbbe, 0xdd9, 0xdcf, 0xdca, 0x1026, 0x1025, 0x102e, 0x1100,
        0x1112, 0x1161, 0x1175, 0x11a7, 0x11a8, 0x11c2, 0xac00, 0xac01,
        0xd7a3, 0x212b, 0x226e, 0x2adc, 0x304b, 0x3099, 0xf900, 0xfb1d,
        0x1109a, 0x110ba, 0x1d15e, 0x1d165, 0x1d160, 0x1d16d, 0x2f800, 0x4e2d
    };

    return rnd(4) ? some[rnd(sizeof(some) / sizeof(some[0]))]
           : rnd(2) ? 0x300 + rnd(0x70)
           : rnd(2) ? 0x0900 + rnd(0x800) : 0x1100 + rnd(0x100);
}


static void
test_random(void)
{
    int             i;
    size_t          len, n, m, k, cut;
    unsigned        chars;
    genai_str_t     s;
    unsigned char   text[512], *one, *two;

    for (i = 0; i < 30000; i++) {
        chars = rnd(rnd(8) ? 8 : 100);

        for (len = 0; chars--; /* void */ ) {
            len += utf8_put(text + len, any());
        }

        one = nfc(text, len, &n);
        two = nfc(one, n, &m);
        quiet_ok(m == n && memcmp(one, two, n) == 0, "%d: again the same", i);
        free(two);

        s.data = text;
        s.len = len;
        k = genai_nfc_check(&s);
        quiet_ok(k <= n && k <= len && memcmp(text, one, k) == 0,
                 "%d: what is checked is normal", i);

        cut = genai_nfc_cut(&s);
        two = nfc(text, cut, &m);
        k = m;
        quiet_ok(m <= n && memcmp(one, two, m) == 0, "%d: before a cut", i);
        free(two);

        two = nfc(text + cut, len - cut, &m);
        quiet_ok(k + m == n && memcmp(one + k, two, m) == 0,
                 "%d: behind a cut", i);
        free(two);
        free(one);
    }

    pass("random texts");
}


/* in steps of any size it is the same */

static void
test_steps(void)
{
    int                i;
    size_t             len, n, m;
    int64_t            budget;
    unsigned           chars, most;
    genai_str_t        s;
    unsigned char      text[2048], *one, *two;
    genai_nfc_long_t  *l;

    l = malloc(sizeof(genai_nfc_long_t));

    for (i = 0; i < 30000; i++) {
        chars = rnd(rnd(8) ? 12 : 300);

        for (len = 0; chars--; /* void */ ) {
            len += utf8_put(text + len, rnd(3) ? 0x300 + rnd(0x40) : any());
        }

        one = nfc(text, len, &n);

        s.len = len;
        s.data = malloc(len ? len : 1);
        two = malloc(genai_nfc_bound(len) + 1);

        if (s.data == NULL || two == NULL || l == NULL) {
            abort();
        }

        memcpy(s.data, text, len);
        genai_nfc_long_begin(l, two, &s);
        most = 1 + rnd(20);

        do {
            budget = rnd(most + 1);
        } while (!genai_nfc_long(l, &budget, &m));

        if (!quiet_ok(m == n && memcmp(one, two, n) == 0, "%d: in steps", i)) {
            tap_dump("    text", text, len);
        }

        free(one);
        free(two);
        free(s.data);
    }

    free(l);
    pass("in steps");
}


static void
test_long(void)
{
    size_t          i, n, len;
    clock_t         begin;
    unsigned char  *text, *p;

    /* half a million marks, of two classes in turn and of many */

    len = 1 << 20;
    text = malloc(len + 1);
    text[0] = 'a';

    begin = clock();

    for (i = 0; i < len; i += 4) {
        memcpy(text + 1 + i, "\xcc\x81\xcc\xa3", 4);
    }

    p = nfc(text, len + 1, &n);
    is_int(n, len + 3 - 2, "an a, a dot and a million bytes");
    is_mem(p, 3, "\xe1\xba\xa1", 3, "the dot below is composed");
    is_mem(p + 3, 4, "\xcc\xa3\xcc\xa3", 4, "those below are first");
    is_mem(p + n - 4, 4, "\xcc\x81\xcc\x81", 4, "those above are last");
    free(p);

    for (i = 0; i < len; i += 2) {
        utf8_put(text + 1 + i, 0x300 + rnd(0x40));
    }

    p = nfc(text, len + 1, &n);
    free(p);

    /* and syllables */

    for (i = 0; i + 6 <= len; i += 6) {
        memcpy(text + i, "\xe1\x84\x80\xe1\x85\xa1", 6);
    }

    p = nfc(text, i, &n);
    is_int(n, i / 2, "syllables of Hangul");
    free(p);

    ok((clock() - begin) / CLOCKS_PER_SEC < 10, "in linear time: %.2f s",
       (double) (clock() - begin) / CLOCKS_PER_SEC);

    free(text);
}


int
main(void)
{
    test_cases();
    test_all();
    test_random();
    test_steps();
    test_long();

    return done_testing();
}
