/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "tap.h"
#include "edit_random.h"

#include <jansson.h>


/* a character: raw and decoded, one behind the other */

typedef struct {
    size_t  raw;
    size_t  text;
} place_t;


static void
test_plain(void)
{
    size_t         start, end;
    genai_str_t    raw = genai_str("a\xc3\xa9z");
    genai_text_t   t;
    genai_arena_t  none;

    genai_arena_init(&none, 0);

    is_int(genai_text_read(&t, &none, &raw, 0), 0,
           "a string without escapes needs no memory");
    ok(t.text.data == raw.data && t.text.len == 4, "it is its own text");

    genai_text_span(&t, 1, 3, &start, &end);
    ok(start == 1 && end == 3, "a character");
    genai_text_span(&t, 2, 3, &start, &end);
    ok(start == 1 && end == 3, "its second half");
    genai_text_span(&t, 1, 2, &start, &end);
    ok(start == 1 && end == 3, "its first half");
    genai_text_span(&t, 2, 2, &start, &end);
    ok(start == 1 && end == 1, "nothing, within it");
    genai_text_span(&t, 4, 4, &start, &end);
    ok(start == 4 && end == 4, "the end");

    is_int(genai_text_read(&t, &none, &raw, 1), -1, "no memory");
}


static void
test_decode(void)
{
    size_t         start, end;
    genai_str_t    raw = genai_str("\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9"
                                   "\\u20aC\\uD83d\\uDe00\\u0000\\u007f");
    genai_text_t   t;
    genai_arena_t  arena;

    genai_arena_init(&arena, 1 << 20);

    is_int(genai_text_read(&t, &arena, &raw, 1), 0, "all escapes");
    is_mem(t.text.data, t.text.len,
           "\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0\x7f", 19,
           "decoded");

    genai_text_span(&t, 14, 15, &start, &end);
    ok(start == 28 && end == 40, "a byte of a pair is the pair: %lu, %lu",
       (unsigned long) start, (unsigned long) end);

    raw.len = 0;
    is_int(genai_text_read(&t, &arena, &raw, 1), 0, "an empty one");
    genai_text_span(&t, 0, 0, &start, &end);
    ok(t.text.len == 0 && start == 0 && end == 0, "has an empty span");

    genai_arena_destroy(&arena);
}


static int
compare(const char *raw, const char *name)
{
    int          rc;
    genai_str_t  a, b;

    a.data = (unsigned char *) raw;
    a.len = strlen(raw);
    b.data = (unsigned char *) name;
    b.len = strlen(name);

    rc = genai_text_compare(&a, strchr(raw, '\\') != NULL, &b);

    return (rc > 0) - (rc < 0);
}


static void
test_compare(void)
{
    is_int(compare("", ""), 0, "nothing");
    is_int(compare("a", ""), 1, "something");
    is_int(compare("", "a"), -1, "the other way");
    is_int(compare("abc", "abc"), 0, "equal");
    is_int(compare("ab", "abc"), -1, "shorter");
    is_int(compare("\\u0061bc", "abc"), 0, "an escape");
    is_int(compare("\\u0061bc", "abd"), -1, "and less");
    is_int(compare("a\\ud83d\\ude00", "a\xf0\x9f\x98\x80"), 0, "a pair");
    is_int(compare("a\\ud83d\\ude00", "a\xf0\x9f\x98"), 1, "longer");
    is_int(compare("a\\ud83d\\ude00", "a\xf0\x9f\x98\x81"), -1, "less");
    is_int(compare("\xc3\xa9", "z"), 1, "as bytes, not as chars");
}


static void
test_utf8(void)
{
    unsigned      k;
    genai_str_t   s;

    static const char  *const  good[] = {
        "", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
        "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf"
    };

    static const char  *const  bad[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2z",
        "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82", "\xe2\x82z",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf0\x9f\x98",
        "\xf5\x80\x80\x80", "\xff", "\xf0\x9f\x98z", "a\xfe"
    };

    for (k = 0; k < sizeof(good) / sizeof(good[0]); k++) {
        s.data = (unsigned char *) good[k];
        s.len = strlen(good[k]);
        quiet_ok(genai_text_is_utf8(&s), "good %u", k);
    }

    for (k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
        s.data = (unsigned char *) bad[k];
        s.len = strlen(bad[k]);
        quiet_ok(!genai_text_is_utf8(&s), "bad %u", k);
    }
}


/* strings of all lengths up to three steps, against jansson and a walk */

static void
test_random(void)
{
    int            cut;
    json_t        *j;
    size_t         at, from, to, last, start, end, n, k;
    uint64_t       seed;
    place_t       *places;
    genai_str_t    raw, one;
    model_buf_t    b, quoted;
    genai_text_t   t;
    genai_arena_t  arena;
    unsigned char  buf[4];

    memset(&b, 0, sizeof(model_buf_t));
    memset(&quoted, 0, sizeof(model_buf_t));

    for (seed = 0, k = 0; k < 400; k++) {

        b.len = 0;
        quoted.len = 0;

        for (n = k * 4 * GENAI_TEXT_STEP / 400; n; n--) {
            model_put_text(&b, model_pick(&seed, model_pieces));

            if (k % 2 == 0) {
                model_put_text(&b, "some plain text that is long");
            }
        }

        model_put_text(&quoted, "\"");
        model_put(&quoted, b.data, b.len);
        model_put_text(&quoted, "\"");

        raw.data = b.data;
        raw.len = b.len;

        genai_arena_init(&arena, 64 << 20);

        if (!quiet_ok(genai_text_read(&t, &arena, &raw, 1) == 0, "read")) {
            return;
        }

        j = json_loadb((char *) quoted.data, quoted.len,
                       JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

        quiet_ok(j && json_string_length(j) == t.text.len
                 && memcmp(json_string_value(j), t.text.data, t.text.len)
                    == 0,
                 "text %lu is what jansson reads", (unsigned long) k);

        json_decref(j);

        /* where each character is: by cutting at every byte */

        places = malloc((raw.len + 1) * sizeof(place_t));
        n = 0;
        at = 0;
        to = 0;

        for (start = 0; start < raw.len; start = end) {

            for (end = start + 1; end < raw.len; end++) {
                one.data = raw.data + start;
                one.len = raw.len - start;

                cut = model_boundary(&one, end - start);

                quiet_ok(genai_text_boundary(&raw, 1, end, start, raw.len)
                         == cut
                         && genai_text_boundary(&raw, 1, end, 0, raw.len)
                            == cut,
                         "text %lu: cut at %lu", (unsigned long) k,
                         (unsigned long) end);

                if (cut) {
                    break;
                }
            }

            one.data = raw.data + start;
            one.len = end - start;

            places[n].raw = start;
            places[n++].text = at;
            at += genai_text_decode(buf, &one);
        }

        places[n].raw = raw.len;
        places[n].text = at;

        quiet_ok(at == t.text.len, "text %lu: its length", (unsigned long) k);

        /* spans from anywhere to anywhere near */

        for (to = 0, from = 0; from < n && n > 0; from++) {

            for (at = places[from].text; at < places[from + 1].text; at++) {

                genai_text_span(&t, at, at, &start, &end);

                quiet_ok(start == places[from].raw && end == start,
                         "text %lu: nothing at %lu", (unsigned long) k,
                         (unsigned long) at);

                to = from + model_rnd(&seed, (unsigned) (n - from)) % 5;
                last = places[to].text + 1;
                last = (last > at) ? last : places[to + 1].text;

                genai_text_span(&t, at, last, &start, &end);

                quiet_ok(start == places[from].raw
                         && end == places[to + 1].raw,
                         "text %lu: from %lu to %lu", (unsigned long) k,
                         (unsigned long) at, (unsigned long) last);
            }
        }

        genai_text_span(&t, t.text.len, t.text.len, &start, &end);
        quiet_ok(start == raw.len && end == raw.len, "text %lu: the end",
                 (unsigned long) k);

        free(places);
        genai_arena_destroy(&arena);
    }

    free(b.data);
    free(quoted.data);
}


int
main(void)
{
    test_plain();
    test_decode();
    test_compare();
    test_utf8();
    test_random();

    return done_testing();
}
