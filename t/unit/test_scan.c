/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The scanner: what it takes, what it refuses and where, and its bounds.
 *
 * Every text is malloc'd to its exact size, and the tests are built with
 * sanitizers, so that a byte read before or behind it is found.
 */


#include "scan.h"


typedef struct {
    const char  *text;
    size_t       len;
    long         offset;            /* of the error, -1 for none */
    const char  *error;
} scan_case_t;


#define good(t)         { t, sizeof(t) - 1, -1, NULL }
#define bad(t, at, e)   { t, sizeof(t) - 1, at, e }

static const scan_case_t  cases[] = {
    good("{}"),
    good("[]"),
    good("0"),
    good("-0"),
    good("12345"),
    good("true"),
    good("false"),
    good("null"),
    good("\"\""),
    good("\"a\""),
    good(" \t\r\n{ } \n"),
    good("{\"a\":1}"),
    good("{\"a\":null,\"b\":true,\"c\":false}"),
    good("{\"a\":[],\"b\":{},\"c\":[[],{}],\"d\":[1,2,[3,{\"e\":4}]]}"),
    good("[-0,0.5,1e400,-1E-7,12E+3,0e0,-0.0e-0,10,100.001]"),
    good("[1234567890123456789012345678901234567890]"),
    good("{\"a\":\"\\u0000\\n\\\"\\\\\\/\\b\\f\\r\\t\"}"),
    good("{\"a\":\"\\ud83d\\ude00\",\"b\":\"\xf0\x9f\x98\x80\"}"),
    good("\"\\uD83D\\uDE00\\ud800\\udc00\\udbff\\udfff\\ud7ff\\ue000\""),
    good("\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf\""),
    good("\"\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf1\x80\x80\x80\""),
    good("\"\xe1\x80\x80\xec\xbf\xbf\xef\xbb\xbf\""),
    good("\"\x7f\""),
    good("{\"a\":1,\"a\":2}"),
    good("{\"\":0}"),
    good("[\"\\\\\",\"\\\\\\\"\",\"\\\\\\\\\"]"),
    good("{\"k\\\"\":\"[{]},:\"}"),
    good("[ 1 , 2 , \"x\" , { \"a\" : [ ] } ]"),
    good("[true,false,null,1,\"\"]"),
    good("\"\\\\ud800\""),
    good("\"\\\\\\ud83d\\ude00\""),
    good("[\"                                                          "
         "                                                            \"]"),
    good("                                                              "
         "  {  }                                                         "),
    good("[1111111111111111111111111111111111111111111111111111111111111111"
         "1111111111111111111111111111.22222222222222222222222222222222222"
         "22222222222222222222222e-333333333333333333333333333333333333333]"),

    bad("", 0, "the text is empty"),
    bad("   ", 3, "the text is empty"),
    bad("\xef\xbb\xbf{}", 0, "a byte order mark is not allowed"),
    bad("\xef\xbb", 0, VALUE),
    bad("\xff", 0, VALUE),
    bad("{", 1, NO_BRACE),
    bad("[", 1, NO_BRACK),
    bad("{\"a\"", 4, COLON),
    bad("{\"a\":", 5, "a value is missing"),
    bad("{\"a\":1", 6, NO_BRACE),
    bad("{\"a\":1,", 7, NO_BRACE),
    bad("[1", 2, NO_BRACK),
    bad("[1,", 3, NO_BRACK),
    bad("[[]", 3, NO_BRACK),
    bad("[{}", 3, NO_BRACK),
    bad("{\"a\":[]", 7, NO_BRACE),
    bad("{\"a\":1,}", 7, NAME),
    bad("[1,]", 3, VALUE),
    bad("[,1]", 1, VALUE),
    bad("[1,,2]", 3, VALUE),
    bad("{,}", 1, NAME),
    bad("{1:2}", 1, NAME),
    bad("{\"a\" 1}", 5, COLON),
    bad("{\"a\",1}", 4, COLON),
    bad("{\"a\"::1}", 5, VALUE),
    bad("{a:1}", 1, NAME),
    bad("{'a':1}", 1, NAME),
    bad("{\"a\":1 \"b\":2}", 7, COMMA),
    bad("{\"a\":1:2}", 6, COMMA),
    bad("[1 2]", 3, COMMA),
    bad("[\"a\"\"b\"]", 4, COMMA),
    bad("[\"a\"x]", 4, COMMA),
    bad("[1\"a\"]", 2, COMMA),
    bad("[1}", 2, COMMA),
    bad("{\"a\":1]", 6, COMMA),
    bad("[}", 1, VALUE),
    bad("{]", 1, NAME),
    bad("}", 0, VALUE),
    bad("]", 0, VALUE),
    bad(":", 0, VALUE),
    bad(",", 0, VALUE),
    bad("{}}", 2, BEHIND),
    bad("{} x", 3, BEHIND),
    bad("{} {}", 3, BEHIND),
    bad("{}\0", 2, BEHIND),
    bad("1 2", 2, BEHIND),
    bad("1x", 1, BEHIND),
    bad("truex", 4, BEHIND),
    bad("\"a\"\"b\"", 3, BEHIND),
    bad("{},", 2, BEHIND),
    bad("tru", 0, VALUE),
    bad("[tru]", 1, VALUE),
    bad("[truex]", 5, COMMA),
    bad("[true1]", 5, COMMA),
    bad("[falsee]", 6, COMMA),
    bad("[nul]", 1, VALUE),
    bad("[nulL]", 1, VALUE),
    bad("[True]", 1, VALUE),
    bad("[NaN]", 1, VALUE),
    bad("[Infinity]", 1, VALUE),
    bad("[+1]", 1, VALUE),
    bad("[.5]", 1, VALUE),
    bad("[-]", 2, NUMBER),
    bad("-", 1, NUMBER),
    bad("[-x]", 2, NUMBER),
    bad("[-Infinity]", 2, NUMBER),
    bad("[01]", 2, COMMA),
    bad("[-01]", 3, COMMA),
    bad("[1.]", 3, NUMBER),
    bad("[1.e1]", 3, NUMBER),
    bad("1.", 2, NUMBER),
    bad("[1e]", 3, NUMBER),
    bad("[1e+]", 4, NUMBER),
    bad("1e+", 3, NUMBER),
    bad("[1e1.5]", 4, COMMA),
    bad("[1.5.5]", 4, COMMA),
    bad("[0x10]", 2, COMMA),
    bad("[1_000]", 2, COMMA),
    bad("[1\\u0000]", 2, COMMA),
    bad("[\\\"a\"]", 1, VALUE),
    bad("[1/*x*/]", 2, COMMA),
    bad("// x\n{}", 0, VALUE),
    bad("[\"a", 3, NO_QUOTE),
    bad("\"", 1, NO_QUOTE),
    bad("\"\\\"", 3, NO_QUOTE),
    bad("\"\\", 2, NO_QUOTE),
    bad("[\"\\a\"]", 2, ESCAPE),
    bad("[\"\\x41\"]", 2, ESCAPE),
    bad("[\"\\'\"]", 2, ESCAPE),
    bad("[\"\\N\"]", 2, ESCAPE),
    bad("[\"\\\n\"]", 2, ESCAPE),
    bad("[\"\\\xc3\xa9\"]", 2, ESCAPE),
    bad("[\"\\u\"]", 2, ESCAPE),
    bad("[\"\\u123\"]", 2, ESCAPE),
    bad("[\"\\u123g\"]", 2, ESCAPE),
    bad("[\"\\u 123\"]", 2, ESCAPE),
    bad("[\"\\U0041\"]", 2, ESCAPE),
    bad("\"\\u12", 1, ESCAPE),
    bad("[\"\\ud800\"]", 2, LONE),
    bad("[\"\\udc00\"]", 2, LONE),
    bad("[\"\\udc00\\ud800\"]", 2, LONE),
    bad("[\"\\ud800\\ud800\\udc00\"]", 2, LONE),
    bad("[\"\\ud83d\\ude00\\ude00\"]", 14, LONE),
    bad("[\"\\ud83dx\\ude00\"]", 2, LONE),
    bad("[\"\\ud83d\\\\ude00\"]", 2, LONE),
    bad("[\"\\ud83d\\n\"]", 2, LONE),
    bad("[\"\\ud83d\\u0041\"]", 2, LONE),
    bad("[\"\\ud83d\\uzzzz\"]", 2, LONE),
    bad("[\"\\\\ud83d\\ude00\"]", 9, LONE),
    bad("\"\\ud83d\\ude0", 1, LONE),
    bad("[\"a\nb\"]", 3, CONTROL),
    bad("[\"\x1f\"]", 2, CONTROL),
    bad("[\"\t\"]", 2, CONTROL),
    bad("[\"\0\"]", 2, CONTROL),
    bad("[\x01]", 1, VALUE),
    bad("[1\x0c]", 2, COMMA),
    bad("[1 \x1a 2]", 3, COMMA),
    bad("\x0b[]", 0, VALUE),
    bad("[]\xc2\xa0", 2, BEHIND),
    bad("[\xe2\x80\x8b]", 1, VALUE),
    bad("[\"\x80\"]", 2, UTF8),
    bad("[\"a\xbf\"]", 3, UTF8),
    bad("[\"\xc0\x80\"]", 2, UTF8),
    bad("[\"\xc1\xbf\"]", 2, UTF8),
    bad("[\"\xc2\"]", 2, UTF8),
    bad("[\"\xc2\xc2\x80\"]", 2, UTF8),
    bad("[\"\xe0\x80\x80\"]", 2, UTF8),
    bad("[\"\xe0\x9f\xbf\"]", 2, UTF8),
    bad("[\"\xe4\xb8\"]", 2, UTF8),
    bad("[\"\xe4\"]", 2, UTF8),
    bad("[\"\xed\xa0\x80\"]", 2, UTF8),
    bad("[\"\xed\xbf\xbf\"]", 2, UTF8),
    bad("[\"\xf0\x80\x80\x80\"]", 2, UTF8),
    bad("[\"\xf0\x8f\xbf\xbf\"]", 2, UTF8),
    bad("[\"\xf0\x9f\x98\"]", 2, UTF8),
    bad("[\"\xf4\x90\x80\x80\"]", 2, UTF8),
    bad("[\"\xf5\x80\x80\x80\"]", 2, UTF8),
    bad("[\"\xf8\x88\x80\x80\x80\"]", 2, UTF8),
    bad("[\"\xfe\"]", 2, UTF8),
    bad("[\"\xff\"]", 2, UTF8),
    bad("[\"\xe4\xb8\xad\x80\"]", 5, UTF8),
    bad("[\"\xc3\xa9\xf0\x9f\x98\x80\xe4\xb8\"]", 8, UTF8),
    bad("\"\xe4\xb8", 1, UTF8),

    /* the first of two errors counts */

    bad("[\"\x01\xff\"]", 2, CONTROL),
    bad("[\"\xff\x01\"]", 2, UTF8),
    bad("[\"\\x\xff\x01\"]", 2, ESCAPE),
    bad("[\"\xff\\x\"]", 2, UTF8),
    bad("[x\"\xff\"]", 1, VALUE),
    bad("[\"\xff\"x", 2, UTF8)
};


#define NCASES  (sizeof(cases) / sizeof(cases[0]))


static void
test_cases(void)
{
    size_t              i;
    result_t            r;
    const scan_case_t  *c;
    unsigned char      *p;

    for (i = 0; i < NCASES; i++) {
        c = &cases[i];
        p = exact(c->text, c->len);

        scan_all(&r, p, c->len);
        check_readers(&r, p, c->len);

        if (c->offset == -1) {
            ok(r.rc == GENAI_SCAN_DONE, "good: %.60s", c->text);

            if (r.rc == GENAI_SCAN_ERROR) {
                diag("%s", told(&r));
            }

        } else if (!ok(r.rc == GENAI_SCAN_ERROR
                       && strcmp(r.s.error, c->error) == 0
                       && r.s.error_offset == (size_t) c->offset
                       && r.s.cause == GENAI_SCAN_BAD_TEXT,
                       "bad: %.60s", c->text))
        {
            diag("%s", told(&r));
        }

        quiet_ok(genai_scan(&r.s, 1) == r.rc, "a further call says the same");

        scan_close(&r);
        free(p);
    }
}


static void
test_prefixes(void)
{
    size_t              i, n;
    result_t            r;
    const scan_case_t  *c;
    unsigned char      *p;

    for (i = 0; i < NCASES; i++) {
        c = &cases[i];

        if (c->offset != -1
            || (c->text[c->len - 1] != '}' && c->text[c->len - 1] != ']'))
        {
            continue;
        }

        for (n = 0; n < c->len; n++) {
            p = exact(c->text, n);

            scan_all(&r, p, n);
            check_readers(&r, p, n);

            quiet_ok(r.rc == GENAI_SCAN_ERROR && r.s.error_offset <= n,
                     "%lu bytes of %s", (unsigned long) n, c->text);

            scan_close(&r);
            free(p);
        }
    }

    pass("no prefix of a good text is one");
}


static void
test_bounds(void)
{
    int             rc;
    char           *p;
    size_t          i, n;
    result_t        r;
    unsigned        turns;
    genai_scan_t    s;
    genai_arena_t   a;

    /* depth: arrays and objects in turn */

    for (n = 126; n <= 130; n++) {
        p = malloc(12 * n);

        for (i = 0, rc = 0; i < n; i++) {
            rc += sprintf(p + rc, "%s", i % 2 ? "{\"a\":" : "[");
        }

        turns = rc;
        rc += sprintf(p + rc, "0");

        for (i = n; i; i--) {
            rc += sprintf(p + rc, "%s", i % 2 ? "]" : "}");
        }

        scan_all(&r, (unsigned char *) p, rc);
        check_readers(&r, (unsigned char *) p, rc);

        if (n <= GENAI_SCAN_DEPTH) {
            ok(r.rc == GENAI_SCAN_DONE, "%lu levels", (unsigned long) n);

        } else {
            i = turns - (n == 129 ? 1 : 6);

            ok(r.rc == GENAI_SCAN_ERROR && r.s.error_offset == i
               && strcmp(r.s.error, "the text is nested too deep") == 0,
               "%lu levels are too many", (unsigned long) n);
        }

        scan_close(&r);
        free(p);
    }

    /* as many values as are allowed */

    p = malloc(20001);
    memset(p, '[', 1);

    for (i = 1; i < 20000; i += 2) {
        p[i] = '1';
        p[i + 1] = ',';
    }

    p[20000 - 1] = '1';
    p[20000] = ']';

    for (i = 0; i < 3; i++) {
        if (scan_open(&r, editions[i], p, 20001, 0, 10001)) {
            ok(r.rc == GENAI_SCAN_DONE && r.s.tape.n == 10001,
               "%s: 10,001 entries", edition_names[i]);
        }

        scan_close(&r);

        if (scan_open(&r, editions[i], p, 20001, 0, 10000)) {
            ok(r.rc == GENAI_SCAN_ERROR && r.s.error_offset == 19999
               && r.s.cause == GENAI_SCAN_TOO_LARGE,
               "%s: one less is a clean error", edition_names[i]);
        }

        scan_close(&r);
    }

    scan_open(&r, GENAI_SCAN_BEST, "1", 1, SIZE_MAX, 0);
    ok(r.rc == GENAI_SCAN_ERROR && r.s.cause == GENAI_SCAN_TOO_LARGE,
       "no entries at all");
    scan_close(&r);

    /* and no memory */

    for (n = 0; n < 300000; n += 9973) {
        genai_arena_init(&a, n);
        genai_scan_init(&s, &a, (unsigned char *) p, 20001, MAX_ENTRIES);
        rc = genai_scan(&s, SIZE_MAX);

        if (n < 160000) {
            quiet_ok(rc == GENAI_SCAN_ERROR && s.cause == GENAI_SCAN_NO_MEMORY,
                     "an arena of %lu bytes", (unsigned long) n);
        }

        quiet_ok(genai_arena_used(&a) <= n, "the limit of %lu bytes",
                 (unsigned long) n);
        genai_arena_destroy(&a);
    }

    pass("no memory is a clean error");
    free(p);

    /* above 4 GiB nothing is looked at, so nothing need be there */

    if (sizeof(size_t) > 4) {
        genai_arena_init(&a, 1000);
        genai_scan_init(&s, &a, (unsigned char *) "", (size_t) UINT32_MAX + 1,
                        MAX_ENTRIES);
        ok(genai_scan(&s, SIZE_MAX) == GENAI_SCAN_ERROR
           && s.cause == GENAI_SCAN_TOO_LARGE && s.error_offset == 0,
           "a text of 4 GiB");
        genai_arena_destroy(&a);
    }

    /* a turn is a turn, whatever it is in the midst of */

    for (i = 0; i < 3; i++) {
        n = 1000000;
        p = malloc(n);

        memset(p, "a 7"[i], n);
        p[0] = "\" 7"[i];
        p[n - 1] = "\"17"[i];

        genai_arena_init(&a, 100000);
        genai_scan_init(&s, &a, (unsigned char *) p, n, 10);

        turns = 1;

        while ((rc = genai_scan(&s, 1000)) == GENAI_SCAN_AGAIN) {
            quiet_ok(s.done == turns * 1024, "%lu bytes after %u turns",
                     (unsigned long) s.done, turns);
            turns++;
        }

        ok(rc == GENAI_SCAN_DONE && turns == 977,
           "a %s of a million bytes took %u turns",
           i == 0 ? "string" : i == 1 ? "run of white space" : "number",
           turns);

        genai_arena_destroy(&a);
        free(p);
    }
}


int
main(void)
{
    test_cases();
    test_prefixes();
    test_bounds();

    return done_testing();
}
