/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The simulator's JSON reader: what it takes, what it refuses and where, and
 * that neither truncated nor mutated texts lead it astray (the tests are
 * built with sanitizers, and every text is malloc'd to its exact size).
 */


#include "tap.h"
#include "genai_sim_json.h"

#include <stdint.h>


typedef struct {
    const char  *text;
    int          good;
} json_case_t;


static const json_case_t  cases[] = {
    { "{}", 1 },
    { " \t\r\n{ } \n", 1 },
    { "{\"a\":1}", 1 },
    { "{\"a\":null,\"b\":true,\"c\":false}", 1 },
    { "{\"a\":[],\"b\":{},\"c\":[[],{}],\"d\":[1,2,[3,{\"e\":4}]]}", 1 },
    { "{\"a\":-0,\"b\":0.5,\"c\":1e400,\"d\":-1E-7,\"e\":12E+3}", 1 },
    { "{\"a\":1234567890123456789012345678901234567890}", 1 },
    { "{\"a\":\"\\u0000\\n\\\"\\\\\\/\\b\\f\\r\\t\"}", 1 },
    { "{\"a\":\"\\ud83d\\ude00\",\"b\":\"\xf0\x9f\x98\x80\"}", 1 },
    { "{\"a\":\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf\"}",
      1 },
    { "{\"a\":\"\xed\x9f\xbf\xee\x80\x80\"}", 1 },
    { "{\"a\":\"\x7f\"}", 1 },
    { "{\"a\":1,\"a\":2}", 1 },     /* who acts on a, judges it */
    { "{\"\":0}", 1 },

    { "", 0 },
    { "   ", 0 },
    { "1", 0 },
    { "\"a\"", 0 },
    { "null", 0 },
    { "\xef\xbb\xbf{}", 0 },
    { "{", 0 },
    { "{\"a\"", 0 },
    { "{\"a\":", 0 },
    { "{\"a\":1", 0 },
    { "{\"a\":1,", 0 },
    { "{\"a\":1,}", 0 },
    { "{,}", 0 },
    { "{\"a\" 1}", 0 },
    { "{a:1}", 0 },
    { "{'a':1}", 0 },
    { "{\"a\":1 \"b\":2}", 0 },
    { "{\"a\":1}}", 0 },
    { "{\"a\":1} x", 0 },
    { "{\"a\":1}\0", 1 },
    { "{} {}", 0 },
    { "{\"a\":tru}", 0 },
    { "{\"a\":True}", 0 },
    { "{\"a\":nul", 0 },
    { "{\"a\":01}", 0 },
    { "{\"a\":+1}", 0 },
    { "{\"a\":.5}", 0 },
    { "{\"a\":1.}", 0 },
    { "{\"a\":1e}", 0 },
    { "{\"a\":1e+}", 0 },
    { "{\"a\":-}", 0 },
    { "{\"a\":0x10}", 0 },
    { "{\"a\":NaN}", 0 },
    { "{\"a\":[1,]}", 0 },
    { "{\"a\":[,1]}", 0 },
    { "{\"a\":[1 2]}", 0 },
    { "{\"a\":[1}", 0 },
    { "{\"a\":{\"b\":1]}", 0 },
    { "{\"a\":{\"b\"}}", 0 },
    { "{\"a\":{\"b\":}}", 0 },
    { "{\"a\":{,}}", 0 },
    { "{\"a\":{\"b\":1,}}", 0 },
    { "{\"a\":\"\n\"}", 0 },
    { "{\"a\":\"\x1f\"}", 0 },
    { "{\"a\":\"\\x\"}", 0 },
    { "{\"a\":\"\\u12\"}", 0 },
    { "{\"a\":\"\\u12g4\"}", 0 },
    { "{\"a\":\"\\ud800\"}", 0 },
    { "{\"a\":\"\\udc00\"}", 0 },
    { "{\"a\":\"\\ud800\\u0041\"}", 0 },
    { "{\"a\":\"\\ud800x\"}", 0 },
    { "{\"a\":\"\\udc00\\ud800\"}", 0 },
    { "{\"a\":\"\x80\"}", 0 },
    { "{\"a\":\"\xc0\x80\"}", 0 },
    { "{\"a\":\"\xc1\xbf\"}", 0 },
    { "{\"a\":\"\xe0\x9f\xbf\"}", 0 },
    { "{\"a\":\"\xed\xa0\x80\"}", 0 },
    { "{\"a\":\"\xf0\x8f\xbf\xbf\"}", 0 },
    { "{\"a\":\"\xf4\x90\x80\x80\"}", 0 },
    { "{\"a\":\"\xf5\x80\x80\x80\"}", 0 },
    { "{\"a\":\"\xff\"}", 0 },
    { "{\"a\":\"\xc2\"}", 0 },
    { "{\"a\":\"\xe2\x82\"}", 0 },
    { "{\"a\":\"abc", 0 },
    { "{\"a\":\"abc\\", 0 },
    { "{\"a\":\"abc\\\"", 0 },
    { "{\"\\ud800\":1}", 0 },
    { "{\"a\xff\":1}", 0 }
};


static uint64_t  seed = 88172645463325252u;


static unsigned
rnd(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;

    return (seed >> 11) % n;
}


/* 0 for well-formed; the text is a copy of exactly its length */

static int
check(const char *text, size_t len, unsigned *members)
{
    int                      rc;
    unsigned                 n;
    genai_sim_json_t         j;
    unsigned char           *copy;
    genai_sim_json_member_t  m;

    copy = malloc(len ? len : 1);
    memcpy(copy, text, len);

    n = 0;
    rc = genai_sim_json_begin(&j, copy, len);

    while (rc == 0 && (rc = genai_sim_json_next(&j, &m)) == 1) {
        rc = 0;
        n++;

        if (m.value.data < copy || m.value.data + m.value.len > copy + len) {
            fail("a value lies outside of its text");
        }
    }

    if (rc == -1 && (j.error == NULL || j.offset > len)) {
        fail("an error has no text or lies outside");
    }

    if (members) {
        *members = n;
    }

    free(copy);

    return rc;
}


static void
test_depth(int depth, int good)
{
    int    i, n;
    char   text[1024];

    n = sprintf(text, "{\"a\":");

    for (i = 1; i < depth; i++) {
        n += sprintf(text + n, (i % 2) ? "[" : "{\"b\":");
    }

    n += sprintf(text + n, "1");

    for (i = depth - 1; i >= 1; i--) {
        n += sprintf(text + n, (i % 2) ? "]" : "}");
    }

    n += sprintf(text + n, "}");

    is_int(check(text, n, NULL), good ? 0 : -1, "%d levels", depth);
}


static void
test_members(void)
{
    genai_sim_json_t         j, inner;
    genai_sim_json_member_t  m;
    const char          *text = "{\"model\": \"gpt\\u002d4o\", \"n\":12 ,"
                                "\"o\":{\"x\":[1,{\"y\":2}],\"z\":true}}";

    ok(genai_sim_json_begin(&j, (const unsigned char *) text, strlen(text))
       == 0,
       "begins");

    is_int(genai_sim_json_next(&j, &m), 1, "first member");
    is_text(m.key, "model", "its key");
    is_text(m.value, "gpt\\u002d4o", "its value is raw, without quotes");
    is_int(m.value_escaped, 1, "and known to have an escape");
    is_int(m.type, GENAI_SIM_JSON_STRING, "a string");

    is_int(genai_sim_json_next(&j, &m), 1, "second member");
    is_text(m.value, "12", "a number as it stands");
    is_int(m.type, GENAI_SIM_JSON_NUMBER, "a number");
    is_int(genai_sim_json_enter(&inner, &m), -1, "which cannot be entered");

    is_int(genai_sim_json_next(&j, &m), 1, "third member");
    is_int(m.type, GENAI_SIM_JSON_OBJECT, "an object");
    is_int(genai_sim_json_enter(&inner, &m), 0, "is entered");
    is_int(genai_sim_json_next(&inner, &m), 1, "its first member");
    is_text(m.value, "[1,{\"y\":2}]", "an array as it stands");
    is_int(genai_sim_json_next(&inner, &m), 1, "its second member");
    is_int(m.type, GENAI_SIM_JSON_TRUE, "true");
    is_int(genai_sim_json_next(&inner, &m), 0, "its end");
    is_int(genai_sim_json_next(&inner, &m), 0, "again");

    is_int(genai_sim_json_next(&j, &m), 0, "the end");
    is_int(genai_sim_json_next(&j, &m), 0, "stays the end");
}


static void
test_keys(void)
{
    size_t                   i;
    genai_sim_json_t         j;
    genai_sim_json_member_t  m;

    static const struct {
        const char  *text;
        int          same;
    } keys[] = {
        { "{\"model\":1}", 1 },
        { "{\"mod\\u0065l\":1}", 1 },
        { "{\"\\u006d\\u006F\\u0064\\u0065\\u006c\":1}", 1 },
        { "{\"Model\":1}", -1 },
        { "{\"MODEL\":1}", -1 },
        { "{\"mode\\u004c\":1}", -1 },
        { "{\"mode\":1}", 0 },
        { "{\"models\":1}", 0 },
        { "{\"model\\u0000\":1}", 0 },
        { "{\"mo\\ndel\":1}", 0 },
        { "{\"modex\":1}", 0 },
        { "{\"\":1}", 0 },
        { "{\"\\u006d\":1}", 0 },
        { "{\"m\\u20acdel\":1}", 0 }
    };

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        genai_sim_json_begin(&j, (const unsigned char *) keys[i].text,
                         strlen(keys[i].text));
        is_int(genai_sim_json_next(&j, &m), 1, "reads %s", keys[i].text);
        is_int(genai_sim_json_key_is(&m, "model", 5), keys[i].same,
               "is it \"model\"");
    }
}


static void
test_escapes(void)
{
    int               n, i;
    char              text[128];
    size_t            len;
    genai_sim_json_t  j;
    unsigned char     raw[16], out[128], back[128], *p;
    genai_str_t       s;

    static const char  escaped[] = "a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9"
                                   "\\u20ac\\ud83d\\ude00\\u0000z";
    static const char  plain[] = "a\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac"
                                 "\xf0\x9f\x98\x80\0z";

    s.data = (unsigned char *) escaped;
    s.len = sizeof(escaped) - 1;

    len = genai_sim_json_unescape(out, &s);
    is_mem(out, len, plain, sizeof(plain) - 1, "every escape is decoded");

    p = genai_sim_json_escape(out, (const unsigned char *)
                               "a\xff\"\\\x01\n\x7f", 7);
    is_mem(out, (size_t) (p - out), "a\xef\xbf\xbd\\\"\\\\\\u0001\\n\\u007f",
           22, "what is no UTF-8 becomes U+FFFD");

    /* escape, read, unescape gives what went in */

    for (i = 0; i < 20000; i++) {

        n = rnd(12);
        for (len = 0; len < (size_t) n; len++) {
            raw[len] = rnd(128);
        }

        memcpy(text, "{\"a\":\"", 6);
        p = genai_sim_json_escape((unsigned char *) text + 6, raw, n);
        memcpy(p, "\"}", 2);

        genai_sim_json_begin(&j, (unsigned char *) text,
                         p + 2 - (unsigned char *) text);

        s.data = (unsigned char *) text + 6;
        s.len = p - s.data;

        len = genai_sim_json_unescape(back, &s);

        quiet_ok(check(text, p + 2 - (unsigned char *) text, NULL) == 0,
                 "what was escaped is a string");
        quiet_ok(len == (size_t) n && memcmp(back, raw, n) == 0,
                 "and decodes to what it was");
    }
}


static void
test_hostile(void)
{
    int          i, k;
    size_t       len;
    unsigned     n;
    char         text[256];

    static const char  whole[] =
        "{\"model\":\"g\\u0070t\",\"m\":[{\"role\":\"user\",\"c\":\"h\xc3\xa9"
        "llo \\ud83d\\ude00 w\"},[1.5e-3,-0,true,null]],\"x\":{\"y\":{}}}";

    len = sizeof(whole) - 1;

    is_int(check(whole, len, &n), 0, "the whole text is good");
    is_int(n, 3, "and has three members");

    for (i = 0; i < (int) len; i++) {
        quiet_ok(check(whole, i, NULL) == -1, "cut at %d it is bad", i);
    }

    /* no verdict is known for these: they must not break the reader */

    for (i = 0; i < 200000; i++) {
        memcpy(text, whole, len);

        for (k = 0; k < 3; k++) {
            text[rnd(len)] = (rnd(2)) ? "{}[]\",:\\u0e-"[rnd(12)]
                                      : (char) rnd(256);
        }

        (void) check(text, len - rnd(8), NULL);
    }

    pass("mutated texts do not break it");
}


int
main(void)
{
    size_t  i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is_int(check(cases[i].text, strlen(cases[i].text), NULL),
               cases[i].good ? 0 : -1, "%s: %s",
               cases[i].good ? "taken" : "refused", cases[i].text);
    }

    is_int(check("{}\0", 3, NULL), -1, "a NUL behind it is a byte behind it");

    test_depth(2, 1);
    test_depth(100, 1);
    test_depth(128, 1);
    test_depth(129, 0);
    test_depth(140, 0);
    test_members();
    test_keys();
    test_escapes();
    test_hostile();

    return done_testing();
}
