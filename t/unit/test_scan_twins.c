/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The scanner's editions are twins, and so are its turns: odd things at every
 * place of a block, all kinds of sequences, 100,000 mutated texts, and turns
 * of every size come to the same tape or the same error.
 */


#include "scan.h"


static const char  *const seeds[] = {
    "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"system\",\"content\":"
    "\"You are a helpful assistant. Say \\\"hi\\\".\"},{\"role\":\"user\","
    "\"content\":[{\"type\":\"text\",\"text\":\"caf\xc3\xa9 \xe4\xb8\xad"
    "\xe6\x96\x87 \xf0\x9f\x98\x80\"}]}],\"temperature\":0.25,\"n\":1,"
    "\"stream\":true,\"stop\":null}",
    "[0,-1,2.5e10,1E+3,true,false,null,\"\\u00e9\\ud83d\\ude00\",{},[],"
    "[[[[]]]],{\"a\":{\"b\":{\"c\":[1,2,3]}}}]",
    " { \"a\" : [ 1 , 2 ,\n\t{ \"b\" : \"\\\\\\\\\\\"\\n\" } ] ,\r\n"
    " \"\\u0061\" : \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    "xxx\" }",
    "\"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe3\x83\x86\xe3\x82\xad"
    "\xe3\x82\xb9\xe3\x83\x88\xe3\x81\xa7\xe3\x81\x99\xe3\x80\x82\xf0\x9f\x8e"
    "\x89\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xd7\xa9\xd7\x9c"
    "\xd7\x95\xd7\x9d \xe0\xa4\xa8\xe0\xa4\xae \xed\x9f\xbf\xf4\x8f\xbf\xbf\"",
    "[\"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"
    "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"\\n\\t\\u0000\",1]",
    "12345678901234567890123456789012345678901234567890123456789012345678901"
    ".5e-77"
};

#define NSEEDS  (sizeof(seeds) / sizeof(seeds[0]))


static void
test_turns(void)
{
    int        k;
    size_t     i, turn;
    result_t   whole, r;

    for (i = 0; i < NSEEDS; i++) {

        scan_open(&whole, GENAI_SCAN_PORTABLE, seeds[i], strlen(seeds[i]),
                  SIZE_MAX, MAX_ENTRIES);
        ok(whole.rc == GENAI_SCAN_DONE, "seed %lu", (unsigned long) i);

        for (turn = 1; turn <= 200; turn++) {
            for (k = 0; k < 3; k++) {
                if (scan_open(&r, editions[k], seeds[i], strlen(seeds[i]),
                              turn, MAX_ENTRIES))
                {
                    quiet_ok(same(&whole, &r), "%s, turns of %lu: %s",
                             edition_names[k], (unsigned long) turn, told(&r));
                }

                scan_close(&r);
            }
        }

        scan_close(&whole);
    }

    pass("turns of 1 to 200 bytes give the same tapes");
}


/* one odd thing at every place of strings of all lengths about a block's */

static const struct {
    const char  *s;
    size_t       n;
    size_t       bad;               /* where within, plus one */
    const char  *error;
} odd[] = {
    { "\\\"", 2, 0, NULL },
    { "\\\\", 2, 0, NULL },
    { "\\\\\\\"", 4, 0, NULL },
    { "\\ud83d\\ude00", 12, 0, NULL },
    { "\xc3\xa9", 2, 0, NULL },
    { "\xe4\xb8\xad", 3, 0, NULL },
    { "\xf0\x9f\x98\x80", 4, 0, NULL },
    { "\",\"", 3, 0, NULL },
    { "\" , 1.5e2, \"", 12, 0, NULL },
    { "\n", 1, 1, CONTROL },
    { "\\x", 2, 1, ESCAPE },
    { "\\\\\\", 3, 0, NO_QUOTE },
    { "\\ud83d\\udd", 10, 1, LONE },
    { "\xc3", 1, 1, UTF8 },
    { "\xe4\xb8", 2, 1, UTF8 },
    { "\xf0\x9f\x98", 3, 1, UTF8 },
    { "\xed\xa0\x80", 3, 1, UTF8 },
    { "\xf0\x9f\x98\x80\x80", 5, 5, UTF8 },
    { "\x80", 1, 1, UTF8 },
    { "\"x\"", 3, 2, COMMA }
};

#define NODD  (sizeof(odd) / sizeof(odd[0]))


static void
test_place(size_t pad, size_t before, size_t after, size_t k)
{
    size_t          n, at;
    result_t        r;
    unsigned char  *p;

    n = pad + 2 + before + odd[k].n + after + 2;
    p = malloc(n);

    memset(p, ' ', pad);
    memcpy(p + pad, "[\"", 2);
    at = pad + 2 + before;
    memset(p + pad + 2, 'x', before);
    memcpy(p + at, odd[k].s, odd[k].n);
    memset(p + at + odd[k].n, 'y', after);
    memcpy(p + n - 2, "\"]", 2);

    scan_all(&r, p, n);
    check_readers(&r, p, n);

    if (odd[k].error == NULL) {
        quiet_ok(r.rc == GENAI_SCAN_DONE
                 && genai_tape_escaped(&r.s.tape, 1) == (odd[k].s[0] == '\\'),
                 "%lu + %lu + %lu: \"%s\": %s", (unsigned long) pad,
                 (unsigned long) before, (unsigned long) after, odd[k].s,
                 told(&r));

    } else if (odd[k].bad) {
        quiet_ok(r.rc == GENAI_SCAN_ERROR
                 && r.s.error_offset == at + odd[k].bad - 1
                 && strcmp(r.s.error, odd[k].error) == 0,
                 "%lu + %lu + %lu: %s: %s", (unsigned long) pad,
                 (unsigned long) before, (unsigned long) after, odd[k].error,
                 told(&r));
    }

    scan_close(&r);
    free(p);
}


static void
test_places(void)
{
    size_t  len, at, pad, k;

    /* all lengths, all places in them */

    for (len = 0; len <= 135; len++) {
        for (at = 0; at <= len; at++) {
            test_place(0, at, len - at, (len + 7 * at) % NODD);
        }
    }

    /* all odd things at the edges of vectors and blocks */

    for (pad = 0; pad < 134; pad++) {
        if ((pad + 14) % 16 >= 15 - 14 || pad % 64 > 48) {
            for (k = 0; k < NODD; k++) {
                test_place(pad, 0, 0, k);
                test_place(0, pad, 3, k);
                test_place(1, pad, 64, k);
            }
        }
    }

    pass("odd things at every place");
}


/* all first bytes with all kinds of others, at all places of a block */

static void
test_sequences(void)
{
    size_t         i, j, k, l, at;
    result_t       r;
    unsigned char  p[160];

    static const unsigned char  others[] = {
        0x20, 0x22, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2,
        0xe0, 0xed, 0xf0, 0xf4, 0xff
    };

    at = 0;

    for (i = 0x80; i < 0x100; i++) {
        for (j = 0; j < sizeof(others); j++) {
            for (k = 2; k < 10; k++) {
                for (l = 2; l < 10; l++) {
                    at = (at + 1) % 64;

                    memset(p, 'x', at + 1);
                    p[0] = '"';
                    p[at + 1] = i;
                    p[at + 2] = others[j];
                    p[at + 3] = others[k];
                    p[at + 4] = others[l];
                    p[at + 5] = '"';

                    scan_all(&r, p, at + 6);

                    if (others[j] != '"') {
                        check_readers(&r, p, at + 6);
                    }

                    scan_close(&r);
                }
            }
        }
    }

    pass("sequences of all kinds");
}


static size_t
mutate(unsigned char *p, size_t n, size_t size)
{
    int     k;
    size_t  at, len;

    static const char *const  pieces[] = {
        "\"", "\\", "{", "}", "[", "]", ":", ",", " ", "\n", "0", "-", "e",
        ".", "\\u", "\\\"", "\\\\", "\xc3\xa9", "\xe4\xb8\xad",
        "\xf0\x9f\x98\x80", "\x80", "\xff", "\xed\xa0\x80", "\x01", "true",
        "null", "\"a\":", "\\ud83d", "\\ude00", "u", "a", "1",
        "                                                                ",
        "1234567890123456789012345678901234567890",
        "ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
    };

    for (k = rnd() % 4; k >= 0; k--) {
        at = n ? rnd() % n : 0;

        switch (n ? rnd() % 6 : 1) {

        case 0:
            p[at] = (unsigned char) rnd();
            break;

        case 1:
        case 2:
            {
                const char  *s = pieces[rnd()
                                      % (sizeof(pieces) / sizeof(pieces[0]))];

                len = strlen(s);

                if (n + len <= size) {
                    memmove(p + at + len, p + at, n - at);
                    memcpy(p + at, s, len);
                    n += len;
                }
            }
            break;

        case 3:
            len = 1 + rnd() % 3;
            len = (len > n - at) ? n - at : len;
            memmove(p + at, p + at + len, n - at - len);
            n -= len;
            break;

        case 4:
            len = rnd() % 40;
            len = (len > n - at) ? n - at : len;

            if (n + len <= size) {
                memmove(p + at + len, p + at, n - at);
                n += len;
            }
            break;

        default:
            if (rnd() % 8 == 0) {
                n = at;

            } else {
                p[at] ^= 1 << rnd() % 8;
            }
        }
    }

    return n;
}


static void
test_mutated(void)
{
    int             i, taken;
    size_t          n;
    result_t        r;
    unsigned char   buf[4096], *p;

    taken = 0;

    for (i = 0; i < 100000; i++) {
        n = strlen(seeds[i % NSEEDS]);
        memcpy(buf, seeds[i % NSEEDS], n);
        n = mutate(buf, n, sizeof(buf));
        p = exact(buf, n);

        scan_all(&r, p, n);
        check_readers(&r, p, n);
        taken += (r.rc == GENAI_SCAN_DONE);

        scan_close(&r);
        free(p);
    }

    ok(taken > 5000 && taken < 95000, "100,000 mutated texts, %d good", taken);
}


int
main(void)
{
    int           k;
    genai_scan_t  s;

    for (k = 0; k < 3; k++) {
        genai_scan_init(&s, NULL, (const unsigned char *) "", 0, 0);
        diag("%s: %s", edition_names[k],
             genai_scan_use(&s, editions[k]) == 0 ? "yes" : "not here");
    }

    test_turns();
    test_places();
    test_sequences();
    test_mutated();

    return done_testing();
}
