/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "tap.h"
#include "edit_random.h"

#include <time.h>


#define VALUE   GENAI_EDIT_VALUE
#define PART    GENAI_EDIT_PART
#define SET     GENAI_EDIT_SET
#define REMOVE  GENAI_EDIT_REMOVE


typedef struct {
    unsigned      layer;
    genai_edit_e  kind;
    uint32_t      index;
    const char   *name;         /* of a PART: "start end" */
    const char   *text;
} edit_t;


static model_t         m;
static genai_arena_t   arena;


static int
edit(unsigned layer, genai_edit_e kind, uint32_t index, const char *name,
    const char *text)
{
    unsigned     start, end;
    genai_str_t  n, s;

    n.len = name ? strlen(name) : 0;
    n.data = (unsigned char *) name;
    s.len = text ? strlen(text) : 0;
    s.data = (unsigned char *) text;

    switch (kind) {

    case VALUE:
        return genai_edit_value(&m.layers[layer], index, &s);

    case PART:
        sscanf(name, "%u %u", &start, &end);
        return genai_edit_part(&m.layers[layer], index, start, end, &s);

    case SET:
        return genai_edit_set(&m.layers[layer], index, &n, &s);

    default:
        return genai_edit_remove(&m.layers[layer], index, &n);
    }
}


/* what the text becomes; freed with the next one */

static const char *
edited(void)
{
    int                 rc;
    genai_document_t    d;
    static model_buf_t  b;

    genai_arena_destroy(&arena);

    b.len = 0;

    rc = genai_document_init(&d, &m.text, &m.tape, &m.layers[0],
                             &m.layers[1], &arena);

    if (rc != GENAI_EDIT_OK || model_splice(&d, &b) != 0) {
        return "failed";
    }

    model_put(&b, "", 1);

    return (char *) b.data;
}


static void
check(const char *text, const edit_t *edits, const char *want,
    const char *name)
{
    if (model_open(&m, text, strlen(text)) != 0) {
        fail("%s: the text is no JSON", name);
        return;
    }

    for ( /* void */ ; edits->name || edits->text; edits++) {
        if (edit(edits->layer, edits->kind, edits->index, edits->name,
                 edits->text) != GENAI_EDIT_OK)
        {
            fail("%s: an edit is refused", name);
        }
    }

    is_str(edited(), want, "%s", name);

    model_close(&m);
}

#define check(text, want, name, ...)                                          \
    do {                                                                      \
        static const edit_t  edits[] = { __VA_ARGS__, { 0, 0, 0, 0, 0 } };    \
        check(text, edits, want, name);                                       \
    } while (0)


static void
test_commas(void)
{
    /*         0 1   3     5          */
    check("{\"a\":1 , \"b\" : 2 ,\"c\":3}", "{\"a\":1 ,\"c\":3}",
          "the comma before", { 0, REMOVE, 0, "b", NULL });
    check("{ \"a\":1 , \"b\" : 2 ,\"c\":3}", "{ \"b\" : 2 ,\"c\":3}",
          "the first", { 0, REMOVE, 0, "a", NULL });
    check("{\"a\":1 , \"b\" : 2 ,\"c\":3 }", "{\"a\":1 , \"b\" : 2 }",
          "the last", { 0, REMOVE, 0, "c", NULL });
    check("{ \"a\":1 , \"b\" : 2 ,\"c\":3 }", "{ \"c\":3 }",
          "the first two", { 0, REMOVE, 0, "b", NULL },
          { 0, REMOVE, 0, "a", NULL });
    check("{ \"a\":1 , \"b\" : 2 ,\"c\":3 }", "{ \"b\" : 2 }",
          "the first and the last", { 0, REMOVE, 0, "c", NULL },
          { 0, REMOVE, 0, "a", NULL });
    check("{ \"a\":1 , \"b\" : 2 ,\"c\":3 }", "{  }", "all",
          { 0, REMOVE, 0, "c", NULL }, { 0, REMOVE, 0, "a", NULL },
          { 0, REMOVE, 0, "b", NULL });
    check("{ \"a\":1 }", "{\"x\":[]  }", "one instead of all",
          { 0, REMOVE, 0, "a", NULL }, { 0, SET, 0, "x", "[]" });
    check("{ \"a\":1 , \"b\" : 2 }", "{ \"a\":1,\"x\":null,\"y\":0 }",
          "two instead of the last",
          { 0, REMOVE, 0, "b", NULL }, { 0, SET, 0, "x", " null " },
          { 0, SET, 0, "y", "0" });
    check(" {} ", " {\"x\":1,\"y\":2} ", "into an empty one",
          { 0, SET, 0, "x", "1" }, { 0, SET, 0, "y", "2" });
    check("{\n}", "{\"x\\\"\\n\":1\n}", "an odd name",
          { 0, SET, 0, "x\"\n", "1" });
    check("{\"a\":{\"b\":{}}}", "{\"a\":{\"b\":{\"z\":3},\"y\":2},\"x\":1}",
          "in three objects", { 0, SET, 0, "x", "1" },
          { 0, SET, 2, "y", "2" }, { 0, SET, 4, "z", "3" });
    check("{\"a\":1}", "{\"a\":1}", "no such member",
          { 0, REMOVE, 0, "b", NULL });
}


static void
test_names(void)
{
    check("{\"a\":1,\"b\":2,\"\\u0061\":3}", "{\"a\":{},\"b\":2}",
          "set: the first, the others go", { 0, SET, 0, "a", "{}" });
    check("{\"a\":1,\"b\":2,\"\\u0061\":3}", "{\"b\":2}",
          "remove: all", { 0, REMOVE, 0, "a", NULL });
    check("{\"a\":1,\"b\":2,\"\\u0061\":3}", "{\"a\":0,\"b\":2}",
          "set after remove: the others stay away",
          { 0, REMOVE, 0, "a", NULL }, { 0, SET, 0, "a", "0" });
    check("{\"a\":1,\"b\":2,\"\\u0061\":3}", "{\"a\":0,\"b\":2}",
          "also in two layers",
          { 0, REMOVE, 0, "a", NULL }, { 1, SET, 0, "a", "0" });
    check("{\"a\":1,\"b\":2,\"\\u0061\":3}", "{\"a\":0,\"b\":2}",
          "and in the upper one, over a lower",
          { 0, SET, 0, "a", "9" }, { 1, REMOVE, 0, "a", NULL },
          { 1, SET, 0, "a", "0" });
    check("{\"aa\":1,\"a \":2,\"\":3}", "{\"aa\":1,\"a \":2,\"\":3,\"a\":0}",
          "all of it", { 0, SET, 0, "a", "0" });
    check("{\"Temperature\":2,\"b\":1,\"TEMPER\\u0041TURE\":3}", "{\"b\":1}",
          "remove: in any case", { 0, REMOVE, 0, "temperature", NULL });
    check("{\"Temperature\":2,\"b\":1}", "{\"b\":1,\"temperature\":0}",
          "set: another case goes", { 0, SET, 0, "temperature", "0" });
    check("{\"A\":1,\"b\":2,\"a\":3,\"\\u0041\":4}", "{\"b\":2,\"a\":0}",
          "set: the one that is spelled so", { 0, SET, 0, "a", "0" });
    check("{\"A\":1,\"b\":2}", "{\"b\":2,\"a\":0}",
          "no later edit brings it back",
          { 0, SET, 0, "a", "0" }, { 1, VALUE, 2, NULL, "9" });
    check("{}", "{\"A\":2,\"b\":1}", "of two that are added the later",
          { 0, SET, 0, "a", "0" }, { 0, SET, 0, "b", "1" },
          { 1, SET, 0, "A", "2" });
    check("{}", "{\"b\":1}", "an added one is taken back in any case",
          { 0, SET, 0, "a", "0" }, { 0, SET, 0, "b", "1" },
          { 1, REMOVE, 0, "A", NULL });
    check("{\"\xc5\xbf\":1,\"\\u212a\":2,\"\xc3\x89\":3}",
          "{\"\xc3\x89\":3,\"s\":0}", "and the odd letters",
          { 0, SET, 0, "s", "0" }, { 0, REMOVE, 0, "k", NULL },
          { 0, REMOVE, 0, "\xc3\xa9", NULL });
    check("{\"A\":1,\"\":3}", "{\"A\":1}", "the empty name",
          { 0, REMOVE, 0, "", NULL });
    check("{\"\\ud83d\\ude00\":1,\"\xc3\xa9\":2}",
          "{\"\\ud83d\\ude00\":3,\"\xc3\xa9\":4}", "decoded",
          { 0, SET, 0, "\xf0\x9f\x98\x80", "3" },
          { 0, SET, 0, "\xc3\xa9", "4" });
}


static void
test_layers(void)
{
    check("[1,2,3]", "[1,\"u\",\"l\"]", "values",
          { 1, VALUE, 2, NULL, "\"u\"" }, { 0, VALUE, 2, NULL, "\"l\"" },
          { 0, VALUE, 3, NULL, "\"l\"" });
    check("[1]", "{}", "the outermost", { 0, VALUE, 1, NULL, "2" },
          { 0, VALUE, 0, NULL, "{}" });
    check(" 1 ", " 2 ", "a number alone", { 0, VALUE, 0, NULL, "\n2\t" });
    check("{}", "{}", "added and taken back", { 0, SET, 0, "a", "1" },
          { 1, REMOVE, 0, "a", NULL });
    check("{}", "{}", "in one layer", { 0, SET, 0, "a", "1" },
          { 0, REMOVE, 0, "a", NULL });
    check("{}", "{\"a\":3,\"b\":2}", "in its place",
          { 0, SET, 0, "a", "1" }, { 0, SET, 0, "b", "2" },
          { 1, SET, 0, "a", "3" });
    check("{}", "{\"b\":2,\"a\":4}", "and where it was taken back between",
          { 0, SET, 0, "a", "1" }, { 0, SET, 0, "b", "2" },
          { 0, REMOVE, 0, "a", NULL }, { 0, SET, 0, "a", "4" });
    check("{\"a\":1}", "{\"a\":2}", "removed, and then its value",
          { 0, REMOVE, 0, "a", NULL }, { 0, VALUE, 2, NULL, "2" });
    check("{\"a\":1}", "{}", "its value, and then removed",
          { 0, VALUE, 2, NULL, "2" }, { 0, REMOVE, 0, "a", NULL });
    check("{\"a\":1}", "{\"a\":3}", "its value, and then set",
          { 0, VALUE, 2, NULL, "2" }, { 0, SET, 0, "a", "3" });
    check("{\"a\":{\"b\":[\"s\"]}}", "{}", "all that is inside",
          { 0, SET, 2, "x", "2" }, { 1, VALUE, 4, NULL, "1" },
          { 1, PART, 5, "0 1", "t" }, { 0, REMOVE, 0, "a", NULL });
    check("{\"a\":{\"b\":[\"s\"]},\"c\":0}", "{\"a\":7,\"c\":0,\"d\":1}",
          "the same of a value",
          { 0, SET, 2, "x", "2" }, { 1, REMOVE, 2, "b", NULL },
          { 0, VALUE, 2, NULL, "7" }, { 0, SET, 0, "d", "1" });
}


static void
test_parts(void)
{
    static const char  text[] =
                        "{\"k\":\"a\\u0041\\ud83d\\ude00\xc3\xa9\\\\z\"}";

    check("[\"abcdef\"]", "[\"xaByyef\"]", "in any order",
          { 0, PART, 1, "2 4", "yy" }, { 0, PART, 1, "1 2", "B" },
          { 0, PART, 1, "0 0", "x" });
    check("[\"abcdef\"]", "[\"1\\\"23bcdef4\"]", "at one place",
          { 0, PART, 1, "0 1", "3" }, { 0, PART, 1, "0 0", "1" },
          { 0, PART, 1, "0 0", "\"2" }, { 0, PART, 1, "6 6", "4" });
    check("[\"abcdef\"]", "[\"yf\"]", "the same part again",
          { 0, PART, 1, "0 5", "x" }, { 0, PART, 1, "0 5", "y" });
    check("[\"\"]", "[\"\\u0001\xc3\xa9\"]", "into nothing",
          { 0, PART, 1, "0 0", "\001\xc3\xa9" });
    check("[\"abcdef\"]", "[\"aU\"]", "upper over lower",
          { 0, PART, 1, "1 4", "l" }, { 1, PART, 1, "2 6", "U" });
    check("[\"abcdef\"]", "[\"aUf\"]", "within the lower",
          { 0, PART, 1, "1 5", "l" }, { 1, PART, 1, "2 3", "U" });
    check("[\"abcdef\"]", "[\"UVf\"]", "two within two",
          { 0, PART, 1, "0 2", "l" }, { 0, PART, 1, "2 5", "m" },
          { 1, PART, 1, "1 3", "U" }, { 1, PART, 1, "4 4", "V" });
    check("[\"abcdef\"]", "[\"aUlcdef\"]", "side by side",
          { 1, PART, 1, "1 1", "U" }, { 0, PART, 1, "1 2", "l" });

    if (model_open(&m, text, sizeof(text) - 1) != 0) {
        fail("the text");
        return;
    }

    is_int(edit(0, PART, 2, "0 2", ""), GENAI_EDIT_BAD, "cuts an escape");
    is_int(edit(0, PART, 2, "1 7", "B"), GENAI_EDIT_OK, "an escape");
    is_int(edit(0, PART, 2, "7 13", ""), GENAI_EDIT_BAD, "cuts a pair");
    is_int(edit(0, PART, 2, "13 19", ""), GENAI_EDIT_BAD, "its other half");
    is_int(edit(0, PART, 2, "19 20", ""), GENAI_EDIT_BAD, "cuts a character");
    is_int(edit(0, PART, 2, "21 22", ""), GENAI_EDIT_BAD, "cuts two slashes");
    is_int(edit(0, PART, 2, "23 24", "Z"), GENAI_EDIT_OK, "behind them");
    is_int(edit(0, PART, 2, "24 24", "!"), GENAI_EDIT_OK, "the end");
    is_int(edit(0, PART, 2, "24 25", ""), GENAI_EDIT_BAD, "beyond it");
    is_int(edit(0, PART, 2, "8 7", ""), GENAI_EDIT_BAD, "backwards");
    is_int(edit(0, PART, 2, "0 7", ""), GENAI_EDIT_BAD, "overlaps the next");
    is_int(edit(0, PART, 2, "1 19", ""), GENAI_EDIT_BAD, "and one before");
    is_int(edit(0, PART, 2, "7 19", "\xff"), GENAI_EDIT_BAD, "not UTF-8");
    is_int(edit(0, PART, 1, "0 1", ""), GENAI_EDIT_BAD, "a name");
    is_int(edit(0, PART, 0, "0 0", ""), GENAI_EDIT_BAD, "no string");
    is_int(edit(0, PART, 9, "0 0", ""), GENAI_EDIT_BAD, "no value");
    is_str(edited(), "{\"k\":\"aB\\ud83d\\ude00\xc3\xa9\\\\Z!\"}",
           "what was good is there");
    model_close(&m);
}


static void
test_bad(void)
{
    if (model_open(&m, "{\"a\":[1]}", 9) != 0) {
        fail("the text");
        return;
    }

    is_int(edit(0, VALUE, 2, NULL, ""), GENAI_EDIT_BAD, "no JSON");
    is_int(edit(0, VALUE, 2, NULL, " "), GENAI_EDIT_BAD, "blanks");
    is_int(edit(0, VALUE, 2, NULL, "1 2"), GENAI_EDIT_BAD, "two values");
    is_int(edit(0, VALUE, 2, NULL, "[1,2"), GENAI_EDIT_BAD, "half of one");
    is_int(edit(0, SET, 0, "x", "\"\\x\""), GENAI_EDIT_BAD, "a bad escape");
    is_int(edit(0, SET, 0, "\xc0", "1"), GENAI_EDIT_BAD, "a name's bytes");
    is_int(edit(0, VALUE, 1, NULL, "1"), GENAI_EDIT_BAD, "a name");
    is_int(edit(0, SET, 2, "x", "1"), GENAI_EDIT_BAD, "no object: set");
    is_int(edit(0, REMOVE, 2, "x", NULL), GENAI_EDIT_BAD, "and remove");
    is_int(edit(0, SET, 4, "x", "1"), GENAI_EDIT_BAD, "no value: set");
    is_int(edit(0, REMOVE, 4, "x", NULL), GENAI_EDIT_BAD, "remove");
    is_int(edit(0, VALUE, 4, NULL, "1"), GENAI_EDIT_BAD, "and replace");
    is_str(edited(), "{\"a\":[1]}", "nothing has changed");

    model_close(&m);
}


static void
test_snapshot(void)
{
    model_buf_t       b;
    genai_arena_t     none;
    genai_document_t  d, e;

    if (model_open(&m, "{\"a\":\"s\"}", 9) != 0) {
        fail("the text");
        return;
    }

    memset(&b, 0, sizeof(model_buf_t));

    edit(0, SET, 0, "a", "1");
    edit(0, SET, 0, "b", "[1]");
    edit(1, PART, 2, "0 0", "x");

    ok(genai_document_init(&d, &m.text, &m.tape, &m.layers[0], NULL,
                           &m.arena) == GENAI_EDIT_OK, "a document");

    edit(0, SET, 0, "b", "2");
    edit(0, REMOVE, 0, "a", NULL);

    ok(model_splice(&d, &b) == 0, "is a snapshot");
    is_text(b, "{\"a\":1,\"b\":[1]}", "which later edits do not change");

    genai_edits_clear(&m.layers[0]);

    b.len = 0;
    ok(model_splice(&d, &b) == 0, "nor does clear");
    is_text(b, "{\"a\":1,\"b\":[1]}", "it reads the same");

    is_str(edited(), "{\"a\":\"xs\"}", "a layer that was cleared is empty");

    edit(0, SET, 0, "c", "3");
    is_str(edited(), "{\"a\":\"xs\",\"c\":3}", "and can be used again");

    genai_arena_init(&none, 0);

    ok(genai_document_init(&e, &m.text, &m.tape, NULL, NULL, &none)
       == GENAI_EDIT_OK, "a document without layers needs no memory");
    b.len = 0;
    ok(model_splice(&e, &b) == 0, "and can be read");
    is_text(b, "{\"a\":\"s\"}", "it is the original");

    free(b.data);
    model_close(&m);
}


/* every allocation fails once */

static void
test_memory(void)
{
    int               rc, nomem;
    size_t            limit;
    unsigned          k;
    genai_arena_t     small;
    genai_edits_t     e;
    genai_document_t  d;
    genai_str_t       name, json, text;

    static const char  body[] = "{\"a\":{\"b\":\"text\\n\"}}";

    if (model_open(&m, body, sizeof(body) - 1) != 0) {
        fail("the text");
        return;
    }

    name.data = (unsigned char *) "nnnn";
    name.len = 4;
    json.data = (unsigned char *) "[1,2,[3,{}]]";
    json.len = 12;
    text.data = (unsigned char *) "mask";
    text.len = 4;
    nomem = 0;
    rc = -1;

    for (limit = 0; rc != 0 && limit < 200000; limit += 512) {
        genai_arena_init(&small, limit);
        genai_edits_init(&e, &m.tape, &small);
        rc = 0;

        for (k = 0; k < 300 && rc == 0; k++) {
            name.data = (unsigned char *) ((k % 2) ? "nnnn" : "mmmm");

            rc = genai_edit_set(&e, 2 * (k & 1), &name, &json);
            rc = rc ? rc : genai_edit_part(&e, 4, 2, 2, &text);
            rc = rc ? rc : genai_edit_remove(&e, 2, &name);
            rc = rc ? rc : genai_edit_value(&e, 4, &json);
            rc = rc ? rc : genai_document_init(&d, &m.text, &m.tape, &e, NULL,
                                               &small);
        }

        nomem += (rc == GENAI_EDIT_NO_MEMORY);
        quiet_ok(rc == 0 || rc == GENAI_EDIT_NO_MEMORY, "limit %lu: %d",
                 (unsigned long) limit, rc);

        genai_arena_destroy(&small);
    }

    ok(nomem > 10, "too little memory is told, %d times", nomem);

    model_close(&m);
}


/* random texts, random edits: the slow reader must agree byte by byte */

static void
test_random(void)
{
    int               rc;
    uint64_t          first, seed;
    unsigned          n, edits, k, changed;
    model_op_t        op;
    model_buf_t       text, want, got, scratch;
    genai_scan_t      s;
    genai_document_t  d;

    memset(&text, 0, sizeof(model_buf_t));
    memset(&want, 0, sizeof(model_buf_t));
    memset(&got, 0, sizeof(model_buf_t));
    memset(&scratch, 0, sizeof(model_buf_t));
    changed = 0;

    for (n = 0; n < 6000; n++) {

        seed = 1000 + n;
        first = seed;
        text.len = 0;

        model_put_text(&text, model_pick(&seed, model_blanks));
        model_random_json(&seed, &text, 4);
        model_put_text(&text, model_pick(&seed, model_blanks));

        if (model_open(&m, text.data, text.len) != 0) {
            fail("seed %lu: no JSON", (unsigned long) first);
            continue;
        }

        edits = 1 + model_rnd(&seed, (n % 8) ? 8 : MODEL_OPS);
        rc = 0;

        for (k = 0; k < edits && rc == 0; k++) {
            model_random_edit(&seed, &m, &op, &scratch);
            rc = model_edit(&m, &op);
        }

        quiet_ok(rc == 0, "seed %lu: edit %u returns the wrong thing",
                 (unsigned long) first, k);

        want.len = 0;
        got.len = 0;

        model_text(&m, &want);

        rc = genai_document_init(&d, &m.text, &m.tape, &m.layers[0],
                                 &m.layers[1], &m.arena);

        quiet_ok(rc == GENAI_EDIT_OK && model_splice(&d, &got) == 0,
                 "seed %lu: slices", (unsigned long) first);

        if (!quiet_ok(got.len == want.len
                      && memcmp(got.data, want.data, got.len) == 0,
                      "seed %lu: the text", (unsigned long) first))
        {
            tap_dump(" original", text.data, text.len);
            tap_dump("      got", got.data, got.len);
            tap_dump("     want", want.data, want.len);
        }

        genai_scan_init(&s, &m.arena, got.data, got.len, MODEL_ENTRIES);

        quiet_ok(genai_scan(&s, SIZE_MAX) == GENAI_SCAN_DONE,
                 "seed %lu: well-formed", (unsigned long) first);

        changed += (got.len != text.len
                    || memcmp(got.data, text.data, got.len) != 0);

        model_close(&m);
    }

    ok(changed > 4500, "most texts were changed: %u", changed);

    free(text.data);
    free(want.data);
    free(got.data);
    free(scratch.data);
}


static double
seconds(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_MONOTONIC, &t);

    return t.tv_sec + t.tv_nsec / 1e9;
}


/* many edits, forwards, backwards and mixed; 0: nothing is quadratic */

static void
test_many(void)
{
    int               rc;
    double            t, t1, t2;
    size_t            at;
    uint32_t          k, n, i, key, removed;
    genai_str_t       s, slice;
    model_buf_t       text;
    genai_arena_t     a;
    genai_scan_t      scan;
    genai_edits_t     e;
    genai_splicer_t   splicer;
    genai_document_t  d;
    char              name[32];

    static const char  *const  orders[] = { "forwards", "backwards", "mixed" };

    n = 100000;
    memset(&text, 0, sizeof(model_buf_t));

    model_put_text(&text, "[\"");

    for (k = 0; k < n; k++) {
        model_put_text(&text, "xx\\n");
    }

    model_put_text(&text, "\"]");

    for (i = 0; i < 3; i++) {
        genai_arena_init(&a, 1 << 30);
        genai_scan_init(&scan, &a, text.data, text.len, 10);
        (void) genai_scan(&scan, SIZE_MAX);
        genai_edits_init(&e, &scan.tape, &a);

        s.data = (unsigned char *) "[MASK]";
        s.len = 6;
        rc = 0;
        t = seconds();

        for (k = 0; k < n && rc == 0; k++) {
            at = (i == 0) ? k : (i == 1) ? n - 1 - k
                 : ((uint64_t) k * 77773) % n;
            rc = genai_edit_part(&e, 1, 4 * at, 4 * at + 2, &s);
        }

        t1 = seconds();

        slice.data = text.data;
        slice.len = text.len;

        rc = rc ? rc : genai_document_init(&d, &slice, &scan.tape, &e, NULL,
                                           &a);
        t2 = seconds();

        ok(rc == 0 && d.len == text.len + 4 * (size_t) n,
           "%u parts of a string, %s", n, orders[i]);

        genai_splicer_init(&splicer, &d);
        for (k = 0; genai_splicer_next(&splicer, &slice); k++) { /* void */ }

        is_int(k, 2 * n + 1, "slices");
        diag("an edit: %.0f ns, resolved: %.0f ns, a slice: %.0f ns; "
             "%.0f bytes", (t1 - t) / n * 1e9, (t2 - t1) / n * 1e9,
             (seconds() - t2) / k * 1e9, (double) genai_arena_used(&a) / n);

        genai_arena_destroy(&a);
    }

    /* an object of a million members; one, or half of them, removed */

    n = 1000000;
    text.len = 0;
    model_put_text(&text, "{");

    for (k = 0; k < n; k++) {
        model_put(&text, name, snprintf(name, sizeof(name), "%s\"m%u\":%u",
                                        k ? "," : "", k, k));
    }

    model_put_text(&text, "}");

    for (removed = 1; removed <= 100000; removed *= 100000) {
        genai_arena_init(&a, 1 << 30);
        genai_scan_init(&scan, &a, text.data, text.len, UINT32_MAX);
        (void) genai_scan(&scan, SIZE_MAX);
        genai_edits_init(&e, &scan.tape, &a);

        rc = 0;
        t = seconds();

        for (k = 0; k < removed && rc == 0; k++) {
            s.data = (unsigned char *) name;
            s.len = snprintf(name, sizeof(name), "m%u", 7 * k + 3);
            rc = genai_edit_remove(&e, 0, &s);
        }

        slice.data = text.data;
        slice.len = text.len;

        rc = rc ? rc : genai_document_init(&d, &slice, &scan.tape, &e, NULL,
                                           &a);

        ok(rc == 0 && d.nsplices == removed, "%u of a million members removed",
           removed);
        diag("%.0f ms", (seconds() - t) * 1e3);

        key = genai_tape_first(&scan.tape, 0);
        ok(key == 1 && d.splices[0].start < d.splices[0].end, "one is cut");

        genai_arena_destroy(&a);
    }

    free(text.data);
}


/* parts in a run of backslashes, from its end: each has a neighbour */

static void
test_slashes(void)
{
    int          rc;
    double       t;
    size_t       k, n;
    genai_str_t  none;
    model_buf_t  text;

    n = 200000;
    memset(&text, 0, sizeof(model_buf_t));
    memset(&none, 0, sizeof(genai_str_t));

    model_put_text(&text, "[\"");

    for (k = 0; k < n; k++) {
        model_put_text(&text, "\\\\");
    }

    model_put_text(&text, "\"]");

    if (model_open(&m, text.data, text.len) != 0) {
        fail("the text");
        return;
    }

    rc = 0;
    t = seconds();

    for (k = n; k-- > 0 && rc == 0; /* void */ ) {
        rc = genai_edit_part(&m.layers[0], 1, 2 * k, 2 * k + 2, &none);

        if (k == n / 2) {
            rc |= (genai_edit_part(&m.layers[0], 1, 2 * k - 3, 2 * k, &none)
                   != GENAI_EDIT_BAD);
        }
    }

    t = seconds() - t;

    is_int(rc, 0, "parts in a run of backslashes");
    ok(t < 10, "take no more time for its length: %.3f s", t);

    model_close(&m);
    free(text.data);
}


int
main(void)
{
    genai_arena_init(&arena, 64 << 20);

    test_commas();
    test_names();
    test_layers();
    test_parts();
    test_bad();
    test_snapshot();
    test_memory();
    test_random();
    test_many();
    test_slashes();

    genai_arena_destroy(&arena);

    return done_testing();
}
