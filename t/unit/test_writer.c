/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "tap.h"
#include "edit.h"


#define text(s)  (&(genai_str_t) { sizeof(s) - 1, (unsigned char *) s })


static model_buf_t     out;
static genai_writer_t  w;
static unsigned        writes;
static unsigned        stop;


static int
on_write(void *ctx, const unsigned char *p, size_t n)
{
    if (++writes == stop) {
        return 7;
    }

    model_put(&out, p, n);

    return 0;
}


static void
begin(void)
{
    out.len = 0;
    writes = 0;
    stop = 0;
    genai_writer_init(&w, on_write, NULL);
}


static void
wrote(const char *want, const char *name)
{
    is_int(genai_writer_flush(&w), 0, "%s: written", name);
    is_text(out, want, "%s", name);
}


static void
refused(const char *name)
{
    genai_writer_int(&w, 1);
    is_int(genai_writer_flush(&w), -1, "%s", name);
}


static void
test_values(void)
{
    unsigned  k;

    begin();
    genai_writer_open(&w, '{');
    genai_writer_name(&w, "a");
    genai_writer_int(&w, 0);
    genai_writer_name(&w, "b\n");
    genai_writer_open(&w, '[');
    genai_writer_int(&w, INT64_MIN);
    genai_writer_int(&w, INT64_MAX);
    genai_writer_literal(&w, "null");
    genai_writer_open(&w, '{');
    genai_writer_close(&w, '}');
    genai_writer_open(&w, '[');
    genai_writer_close(&w, ']');
    genai_writer_string(&w, text("x\"\\\n\t\r\001\177/\xc3\xa9\xff\xe2\x82"));
    genai_writer_close(&w, ']');
    genai_writer_raw_name(&w, text("\\u0063"));
    genai_writer_raw(&w, text("[1, 2]"));
    genai_writer_name(&w, "");
    genai_writer_begin(&w);
    genai_writer_piece(&w, text("a\""));
    genai_writer_piece(&w, text(""));
    genai_writer_raw_piece(&w, text("\\n"));
    genai_writer_end(&w);
    genai_writer_close(&w, '}');

    wrote("{\"a\":0,\"b\\n\":[-9223372036854775808,9223372036854775807,null,"
          "{},[],\"x\\\"\\\\\\n\\t\\u000d\\u0001\\u007f/\xc3\xa9\xef\xbf\xbd"
          "\xef\xbf\xbd\xef\xbf\xbd\"],\"\\u0063\":[1, 2],"
          "\"\":\"a\\\"\\n\"}", "all there is");
    is_int(writes, 1, "at once");

    begin();
    genai_writer_bytes(&w, "data: ", 6);
    genai_writer_open(&w, '[');
    genai_writer_close(&w, ']');
    genai_writer_bytes(&w, "\n\n", 2);
    genai_writer_string(&w, text(""));
    wrote("data: []\n\n\"\"", "frames, and a second text without a comma");

    begin();
    genai_writer_open(&w, '[');
    for (k = 0; k < 3; k++) {
        genai_writer_open(&w, (k == 1) ? '{' : '[');

        if (k == 1) {
            genai_writer_name(&w, "a");
        }

        genai_writer_int(&w, k);
        genai_writer_close(&w, (k == 1) ? '}' : ']');
    }
    genai_writer_close(&w, ']');
    wrote("[[0],{\"a\":1},[2]]", "one behind the other");

    begin();
    for (k = 0; k < GENAI_WRITER_DEPTH; k++) {
        genai_writer_open(&w, '[');
        genai_writer_int(&w, 1);
    }
    for (k = 0; k < GENAI_WRITER_DEPTH; k++) {
        genai_writer_close(&w, ']');
    }
    is_int(genai_writer_flush(&w), 0, "as deep as may be");
    is_int(out.len, 4 * GENAI_WRITER_DEPTH - 1, "all of it");

    begin();
    for (k = 0; k <= GENAI_WRITER_DEPTH; k++) {
        genai_writer_open(&w, '[');
    }
    is_int(genai_writer_flush(&w), -1, "too deep");
}


static void
test_resume(void)
{
    begin();
    genai_writer_resume(&w, "{[{\"");
    genai_writer_piece(&w, text("a\n"));
    genai_writer_end(&w);
    genai_writer_name(&w, "n");
    genai_writer_literal(&w, "null");
    genai_writer_close(&w, '}');
    genai_writer_int(&w, 1);
    genai_writer_close(&w, ']');
    genai_writer_close(&w, '}');
    wrote("a\\n\",\"n\":null},1]}", "within a string");

    begin();
    genai_writer_resume(&w, "[");
    genai_writer_int(&w, 1);
    genai_writer_close(&w, ']');
    wrote(",1]", "within an array");
}


static void
test_misuse(void)
{
    begin();
    genai_writer_open(&w, '{');
    refused("a value without a name");

    begin();
    genai_writer_open(&w, '[');
    genai_writer_name(&w, "a");
    refused("a name in an array");

    begin();
    genai_writer_name(&w, "a");
    refused("a name in nothing");

    begin();
    genai_writer_open(&w, '{');
    genai_writer_name(&w, "a");
    genai_writer_name(&w, "a");
    refused("two names");

    begin();
    genai_writer_open(&w, '{');
    genai_writer_name(&w, "a");
    genai_writer_close(&w, '}');
    refused("a name without a value");

    begin();
    genai_writer_open(&w, '[');
    genai_writer_close(&w, '}');
    refused("another bracket");

    begin();
    genai_writer_close(&w, ']');
    refused("none to close");

    begin();
    genai_writer_piece(&w, text("a"));
    refused("a piece of no string");

    begin();
    genai_writer_raw_piece(&w, text("a"));
    refused("a raw one");

    begin();
    genai_writer_end(&w);
    refused("the end of none");

    begin();
    genai_writer_open(&w, '[');
    genai_writer_begin(&w);
    genai_writer_close(&w, ']');
    refused("an open string");
}


static void
test_large(void)
{
    size_t                k, n;
    genai_str_t           s, *made;
    genai_arena_t         arena;
    genai_writer_arena_t  a;

    static unsigned char  big[5 * GENAI_WRITER_BUFFER];
    static unsigned char  want[6 * sizeof(big)];

    /* euros, which no piece of 128 bytes is a multiple of */

    for (k = 0; k < sizeof(big); k++) {
        big[k] = "\xe2\x82\xac"[k % 3];
    }

    s.data = big;

    for (n = 0; n < sizeof(big); n += 3) {
        s.len = n;
        begin();
        genai_writer_string(&w, &s);

        quiet_ok(genai_writer_flush(&w) == 0 && out.len == n + 2
                 && memcmp(out.data + 1, big, n) == 0, "%lu bytes of euros",
                 (unsigned long) n);
    }

    memset(big, 1, sizeof(big));
    s.len = sizeof(big);
    begin();
    genai_writer_string(&w, &s);
    is_int(genai_writer_flush(&w), 0, "nothing but escapes");
    is_int(out.len, 6 * sizeof(big) + 2, "six bytes each");

    is_int(genai_write_escaped_len(big, sizeof(big)), 6 * sizeof(big),
           "their length");
    ok(genai_write_escaped(want, big, sizeof(big)) == want + sizeof(want)
       && memcmp(want, out.data + 1, sizeof(want)) == 0, "and all at once");

    begin();
    genai_writer_raw(&w, &s);
    is_int(genai_writer_flush(&w), 0, "raw");
    is_int(writes, 1, "goes by the buffer");

    for (n = 1; n < 80; n++) {
        begin();
        stop = (unsigned) n;
        s.len = sizeof(big);
        genai_writer_open(&w, '[');
        genai_writer_string(&w, &s);
        genai_writer_raw(&w, &s);
        genai_writer_string(&w, &s);
        genai_writer_close(&w, ']');
        genai_writer_flush(&w);

        quiet_ok(w.rc == 7 && writes == n, "stopped at write %lu",
                 (unsigned long) n);
    }

    genai_arena_init(&arena, 1 << 20);
    memset(&a, 0, sizeof(genai_writer_arena_t));
    a.arena = &arena;

    genai_writer_init(&w, genai_writer_arena, &a);
    genai_writer_open(&w, '[');

    for (k = 0; k < 5000; k++) {
        genai_writer_int(&w, (int64_t) k);
    }

    genai_writer_close(&w, ']');

    is_int(genai_writer_flush(&w), 0, "a text in an arena");
    made = &a.text;
    ok(made->len == 23891 && memcmp(made->data, "[0,1,2", 6) == 0
       && memcmp(made->data + made->len - 5, "4999]", 5) == 0,
       "is there: %lu bytes", (unsigned long) made->len);
    genai_arena_destroy(&arena);

    genai_arena_init(&arena, 10000);
    memset(&a, 0, sizeof(genai_writer_arena_t));
    a.arena = &arena;

    genai_writer_init(&w, genai_writer_arena, &a);

    for (k = 0; k < 5000; k++) {
        genai_writer_int(&w, (int64_t) k);
    }

    is_int(genai_writer_flush(&w), -1, "in one that is too small");
    genai_arena_destroy(&arena);
}


int
main(void)
{
    test_values();
    test_resume();
    test_misuse();
    test_large();

    free(out.data);

    return done_testing();
}
