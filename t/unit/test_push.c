/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The push scanner: what it calls back, every two-way split and random
 * splits, the same verdicts as the tape scanner's, spans that hold what they
 * say, hostile texts, values of 10 MB.
 */


#include "tap.h"
#include "genai_push.h"
#include "genai_scan.h"


#define TEXT_MAX  16384


enum { ROOT = 0, S, N, O, A, A_ELEMENT, LIST, LIST_ELEMENT, RAW, ANY, ENTER,
       LEAVE, QUIET };

static const genai_push_member_t  a_members[] = {
    genai_push_member("s", S),
    genai_push_member("a", A)
};

static const genai_push_member_t  members[] = {
    genai_push_member("s", S),
    genai_push_member("n", N),
    genai_push_member("o", O),
    genai_push_member("a", A),
    genai_push_member("list", LIST),
    genai_push_member("raw", RAW),
    genai_push_member("any", ANY),
    genai_push_member("none", GENAI_PUSH_NONE),
    genai_push_member("enter", ENTER),
    genai_push_member("leave", LEAVE),
    genai_push_member("quiet", QUIET),
    genai_push_member("fifteen_letters", N),
    genai_push_member("sixteen_letters_", N),
    genai_push_member("seventeen_letters", N),
    genai_push_member("a_rather_long_name_of_forty_characters!!", S)
};

/* the tags are letters to be told */

static const genai_push_node_t  nodes[] = {
    { GENAI_PUSH_WANT_OBJECT, 'R', 0, genai_push_members(members) },
    { GENAI_PUSH_WANT_STRING, 's', 0, 0, NULL },
    { GENAI_PUSH_WANT_SCALAR, 'n', 0, 0, NULL },
    { GENAI_PUSH_WANT_OBJECT, 'o', 0, genai_push_members(members) },
    { GENAI_PUSH_WANT_ARRAY, 'a', A_ELEMENT, 0, NULL },
    { GENAI_PUSH_WANT_OBJECT|GENAI_PUSH_WANT_STRING, 'e', 0,
      genai_push_members(a_members) },
    { GENAI_PUSH_WANT_ARRAY, 'l', LIST_ELEMENT, 0, NULL },
    { GENAI_PUSH_WANT_STRING|GENAI_PUSH_WANT_SCALAR, 'i', 0, 0, NULL },
    { GENAI_PUSH_WANT_RAW, 'r', 0, 0, NULL },
    { GENAI_PUSH_WANT_RAW|GENAI_PUSH_WANT_STRING|GENAI_PUSH_WANT_SCALAR, 'y',
      0, 0, NULL },
    { GENAI_PUSH_WANT_OBJECT|GENAI_PUSH_QUIET_LEAVE, 'b', 0,
      genai_push_members(a_members) },
    { GENAI_PUSH_WANT_OBJECT|GENAI_PUSH_QUIET_ENTER, 'l', 0,
      genai_push_members(a_members) },
    { GENAI_PUSH_WANT_ARRAY|GENAI_PUSH_QUIET_ENTER|GENAI_PUSH_QUIET_LEAVE, 'q',
      A_ELEMENT, 0, NULL }
};


/* what a text was, pieces of one value joined, told as bytes */

typedef struct {
    unsigned char         text[TEXT_MAX];
    size_t                len;
    const unsigned char  *raw;      /* the stream, to look at spans */
    size_t                skip;     /* offset of raw[0] */
    uint64_t              next;     /* where the next piece must begin */
    unsigned              open:1;   /* within a value of several pieces */
    unsigned              bad;
    unsigned              stop;
    unsigned              quiet;
    uint64_t              bytes;
} told_t;


static void
put(told_t *t, const void *p, size_t n)
{
    if (n && t->len + n <= sizeof(t->text)) {
        memcpy(t->text + t->len, p, n);
        t->len += n;
    }
}


TAP_PRINTF(2, 3) static void
tell(told_t *t, const char *fmt, ...)
{
    int      n;
    char     buf[256];
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(buf, sizeof(buf), fmt, args);
    va_end(args);

    put(t, buf, n);
}


/* 0 where the tape scanner takes the text, -1 where not */

static int
judge(const unsigned char *text, size_t len)
{
    int            rc;
    genai_scan_t   s;
    genai_arena_t  arena;

    genai_arena_init(&arena, 1 << 20);
    genai_scan_init(&s, &arena, text, len, 65536);

    do {
        rc = genai_scan(&s, 1 << 20);
    } while (rc == GENAI_SCAN_AGAIN);

    genai_arena_destroy(&arena);

    return (rc == GENAI_SCAN_DONE) ? 0 : -1;
}


/* whether p[0 .. n) is whole characters: decoding it as a string tells */

static int
whole(const unsigned char *p, size_t n)
{
    size_t         i;
    unsigned char  buf[64];

    if (n == 0 || n + 4 > sizeof(buf)) {
        return 1;
    }

    buf[0] = '[';
    buf[1] = '"';
    memcpy(buf + 2, p, n);

    for (i = 2; i < n + 2; i++) {
        if (buf[i] < 0x20 || buf[i] == '"' || buf[i] == '\\') {
            buf[i] = ' ';
        }
    }

    buf[n + 2] = '"';
    buf[n + 3] = ']';

    return judge(buf, n + 4) == 0;
}


static int
on_value(void *ctx, const genai_push_value_t *v)
{
    size_t                n;
    told_t               *t = ctx;
    const unsigned char  *raw;

    t->bytes += v->text.len;

    if (t->quiet) {
        return 0;
    }

    raw = t->raw + (v->start - t->skip);
    n = v->end - v->start;

    switch (v->what) {

    case GENAI_PUSH_ENTER:
        tell(t, "%c%c%u@%lu ", v->tag, *raw, v->index,
             (unsigned long) v->start);
        break;

    case GENAI_PUSH_LEAVE:
        tell(t, "%c%c%u@%lu-%lu ", v->tag, raw[n - 1], v->index,
             (unsigned long) v->start, (unsigned long) v->end);

        if (raw[0] != (raw[n - 1] == '}' ? '{' : '[')) {
            t->bad = __LINE__;
        }

        break;

    case GENAI_PUSH_SCALAR:
        tell(t, "%c%u=", v->tag, v->index);
        put(t, v->text.data, v->text.len);
        tell(t, "@%lu-%lu ", (unsigned long) v->start, (unsigned long) v->end);

        if (n != v->text.len || memcmp(raw, v->text.data, n) != 0) {
            t->bad = __LINE__;
        }

        break;

    default:

        if (v->first) {
            if (t->open) {
                t->bad = __LINE__;
            }

            tell(t, "%c%u%c@%lu:", v->tag, v->index,
                 v->what == GENAI_PUSH_RAW ? 'R' : 'S',
                 (unsigned long) v->start);
            t->open = 1;

        } else if (!t->open || t->next != v->start) {
            t->bad = __LINE__;
        }

        if (!whole(v->text.data, v->text.len)
            || (v->text.len == 0 && !v->last))
        {
            t->bad = __LINE__;
        }

        if (v->escaped) {
            if (raw[0] != '\\') {
                t->bad = __LINE__;
            }

        } else if (n != v->text.len || memcmp(raw, v->text.data, n) != 0) {
            t->bad = __LINE__;
        }

        t->next = v->end;
        put(t, v->text.data, v->text.len);

        if (v->last) {
            tell(t, "@%lu ", (unsigned long) v->end);
            t->open = 0;
        }
    }

    return t->stop && --t->stop == 0;
}


/* feeds a text cut where cut[i] is set; -1 where the text is refused */

static int
feed_cut(told_t *t, const unsigned char *text, size_t len, const char *cut,
    uint64_t skip)
{
    int             rc;
    size_t          i, from;
    genai_push_t    s;
    unsigned char  *piece;

    memset(&s, 0xa5, sizeof(s));
    t->len = 0;
    t->bad = 0;
    t->open = 0;
    t->raw = text;
    t->skip = skip;

    genai_push_init(&s, nodes, on_value, t);
    rc = 0;

    for (from = 0, i = 1; i <= len && rc == 0; i++) {

        if (i < len && !cut[i]) {
            continue;
        }

        piece = malloc(i - from);
        memcpy(piece, text + from, i - from);
        rc = genai_push_feed(&s, piece, i - from, skip + from);
        free(piece);
        from = i;
    }

    if (rc == 0) {
        rc = genai_push_end(&s, skip + len);
    }

    if (rc != 0) {
        tell(t, "%s at %lu", s.error ? s.error : "stopped",
             (unsigned long) (s.offset - skip));
    }

    return rc;
}


static void
splits(const unsigned char *text, size_t len, unsigned rounds,
    const char *what)
{
    int            rc, rc2;
    char          *cut;
    size_t         i, n;
    static told_t  one, t;

    cut = calloc(1, len + 1);
    rc = feed_cut(&one, text, len, cut, 1000);
    quiet_ok(!one.bad, "%s: line %u", what, one.bad);

    for (i = 1; i < len && rounds > 1; i++) {
        cut[i] = 1;
        rc2 = feed_cut(&t, text, len, cut, 1000);
        cut[i] = 0;

        if (rc2 != rc || t.bad || t.len != one.len
            || memcmp(t.text, one.text, one.len) != 0)
        {
            is_mem(t.text, t.len, one.text, one.len, "%s: cut at %lu, %u",
                   what, (unsigned long) i, t.bad);
        }
    }

    for (n = 0; n < rounds; n++) {
        for (i = 1; i < len; i++) {
            cut[i] = n ? (rand() % (n % 7 + 1) == 0) : 1;
        }

        rc2 = feed_cut(&t, text, len, cut, 1000);

        if (rc2 != rc || t.bad || t.len != one.len
            || memcmp(t.text, one.text, one.len) != 0)
        {
            is_mem(t.text, t.len, one.text, one.len, "%s: random cuts, %u",
                   what, t.bad);
        }
    }

    quiet_ok(1, "splits");
    free(cut);
}


static void
check(const char *text, size_t len, const char *want, const char *what)
{
    char           cut[TEXT_MAX] = { 0 };
    static told_t  t;

    (void) feed_cut(&t, (unsigned char *) text, len, cut, 0);
    is_mem(t.text, t.len, want, strlen(want), "%s", what);
    quiet_ok(!t.bad, "%s: line %u", what, t.bad);

    splits((unsigned char *) text, len, 60, what);
}


#define push(text, want, what)  check(text, sizeof(text) - 1, want, what)


static void
test_values(void)
{
    push("{}", "R{0@0 R}0@0-2 ", "nothing");
    push(" {\t\"s\" : \"abc\"\r\n} ", "R{0@1 s0S@10:abc@13 R}0@1-17 ",
         "a string");
    push("{\"s\":\"\"}", "R{0@0 s0S@6:@6 R}0@0-8 ", "an empty string");
    push("{\"n\":-12.5e+3,\"n\":0,\"n\":true,\"n\":false,\"n\":null}",
         "R{0@0 n0=-12.5e+3@5-13 n0=0@18-19 n0=true@24-28 n0=false@33-38 "
         "n0=null@43-47 R}0@0-48 ", "scalars");
    push("{\"x\":1,\"y\":{\"s\":\"no\",\"z\":[{\"s\":[]},[1,2]]},"
         "\"S\":\"no\",\"ss\":\"no\",\"\":\"no\",\"s\":1,\"n\":\"no\","
         "\"o\":[{\"s\":\"no\"}],\"list\":{\"s\":\"no\"}}",
         "R{0@0 R}0@0-120 ", "what is not asked for");
    push("{\"o\":{\"o\":{\"s\":\"x\"},\"n\":1}}",
         "R{0@0 o{0@5 o{0@10 s0S@16:x@17 o}0@10-19 n0=1@24-25 o}0@5-26 "
         "R}0@0-27 ", "objects");
    push("{\"list\":[\"a\",1,[],{},null,\"b\"]}",
         "R{0@0 l[0@8 i0S@10:a@11 i1=1@13-14 i4=null@21-25 i5S@27:b@28 "
         "l]0@8-30 R}0@0-31 ", "elements with their places");
    push("{\"a\":[{\"s\":\"x\",\"a\":[{\"s\":\"y\"}]},\"z\"]}",
         "R{0@0 a[0@5 e{0@6 s0S@12:x@13 a[0@19 e{0@20 s0S@26:y@27 "
         "e}0@20-29 a]0@19-30 e}0@6-31 e1S@33:z@34 a]0@5-36 R}0@0-37 ",
         "arrays of objects");
    push("{\"s\":\"a\\n\\\"\\\\\\/\\b\\f\\r\\t\\u0041\\u00e4z\"}",
         "R{0@0 s0S@6:a\n\"\\/\b\f\r\tA\xc3\xa4z@36 R}0@0-38 ", "escapes");
    push("{\"s\":\"\\ud83d\\ude00\\uFFFF\\u0800\\u07ff\"}",
         "R{0@0 s0S@6:\xf0\x9f\x98\x80\xef\xbf\xbf\xe0\xa0\x80\xdf\xbf@36 "
         "R}0@0-38 ", "a surrogate pair");
    push("{\"s\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"}",
         "R{0@0 s0S@6:\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80@15 R}0@0-17 ",
         "UTF-8");
    push("{\"\\u0073\":\"x\",\"\\u006c\\u0069st\":[0],\"s\\n\":\"no\"}",
         "R{0@0 s0S@11:x@12 l[0@31 i0=0@32-33 l]0@31-34 R}0@0-46 ",
         "escaped names");
    push("{\"a_rather_long_name_of_forty_characters!!\":\"x\","
         "\"a_rather_long_name_of_forty_characters!!!\":\"no\"}",
         "R{0@0 s0S@45:x@46 R}0@0-97 ", "long names");
    push("{\"seventeen_letters\":17,\"sixteen_letters_\":16,"
         "\"fifteen_letters\":15,\"fifteen_letters_\":1,"
         "\"sixteen_letters\":1,\"seventeen_lettersx\":1,"
         "\"fifteen_letter\":1}",
         "R{0@0 n0=17@21-23 n0=16@43-45 n0=15@64-66 R}0@0-150 ",
         "names of more than a word");
    push("{\"sixteen_letters_\":16,\"seventeen_lettersx\":1,\"n\":1}",
         "R{0@0 n0=16@20-22 n0=1@50-51 R}0@0-52 ", "the next but for its end");
    push("{\"s\\\"\":\"no\",\"\\\"\":\"no\",\"s\\u0022,\":\"no\"}",
         "R{0@0 R}0@0-38 ", "names with a quote");
    push("{\"none\":{\"s\":\"no\",\"n\":[1]},\"none\":1,\"s\":\"x\","
         "\"none\":\"no\",\"n\":2}",
         "R{0@0 s0S@41:x@42 n0=2@60-61 R}0@0-62 ", "what is named in vain");
    push("{\"enter\":{\"s\":\"x\"},\"leave\":{\"s\":\"y\"},"
         "\"quiet\":[\"a\",{\"s\":\"z\"}],\"quiet\":{\"s\":\"no\"},\"n\":1}",
         "R{0@0 b{0@9 s0S@15:x@16 s0S@33:y@34 l}0@27-36 e0S@47:a@48 "
         "e{1@50 s0S@56:z@57 e}1@50-59 n0=1@84-85 R}0@0-86 ",
         "ends that nobody reads");
    push("{\"raw\":{\"a\":[1,\"\xc3\xa4\\n\"]},\"s\":\"x\"}",
         "R{0@0 r0R@7:{\"a\":[1,\"\xc3\xa4\\n\"]}@23 s0S@29:x@30 R}0@0-32 ",
         "a raw object");
    push("{\"any\":[],\"any\":\"x\",\"any\":1,\"raw\":\"no\",\"raw\":2}",
         "R{0@0 y0R@7:[]@9 y0S@17:x@18 y0=1@26-27 R}0@0-47 ",
         "raw or not");
    push("{\"x\":[-0.5,1, 2e-7,\n0,12345678901234567890 ,{},3],\"n\":-1}",
         "R{0@0 n0=-1@54-56 R}0@0-57 ", "numbers that are not asked for");
    push("{\"list\":[-0.5,1, 2e-7],\"n\" : 17 }",
         "R{0@0 l[0@8 i0=-0.5@9-13 i1=1@14-15 i2=2e-7@17-21 l]0@8-22 "
         "n0=17@29-31 R}0@0-33 ", "and some that are");
    push("[1,\"\",{}]", "", "a text of another type");
    push("123", "", "a number");
    push(" \"x\" ", "", "a string alone");
    push("true", "", "a literal");
}


static void
test_errors(void)
{
    push("", "the text is empty at 0", "nothing at all");
    push(" \n", "the text is empty at 2", "blanks");
    push("\xef\xbb\xbf{}", "a value is expected at 0", "a byte order mark");
    push("{} {}", "R{0@0 R}0@0-2 there are bytes after the value at 3",
         "two values");
    push("{", "R{0@0 the text is not complete at 1", "an open object");
    push("{\"s\":\"ab", "R{0@0 s0S@6:abthe text is not complete at 8",
         "an open string");
    push("{\"s\"", "R{0@0 the text is not complete at 4", "a name alone");
    push("{\"s\" \"a\"}", "R{0@0 a colon is missing at 5", "no colon");
    push("{\"s\":\"a\" \"n\":1}", "R{0@0 s0S@6:a@7 a comma is missing at 9",
         "no comma");
    push("{,}", "R{0@0 a member's name is expected at 1", "a comma first");
    push("{\"n\":1,}", "R{0@0 n0=1@5-6 a member's name is expected at 7",
         "a comma last");
    push("[1,]", "a value is expected at 3", "in an array");
    push("{\"n\":1]", "R{0@0 n0=1@5-6 a comma is missing at 6",
         "the wrong bracket");
    push("{\"n\":tru}", "R{0@0 a value is expected at 8", "a literal");
    push("{\"n\":nulll}",
         "R{0@0 n0=null@5-9 a comma is missing at 9", "a longer one");
    push("{\"n\":01}", "R{0@0 n0=0@5-6 a comma is missing at 6",
         "a number with a zero");
    push("{\"x\":[1,02]}", "R{0@0 a comma is missing at 9", "in a list");
    push("{\"x\":[1,2.,3]}", "R{0@0 a number is malformed at 10",
         "no digit behind a point");
    push("{\"x\":[1,-,3]}", "R{0@0 a value is expected at 9",
         "no digit behind a sign");
    push("{\"x\":[1,2,]}", "R{0@0 a value is expected at 10",
         "a comma behind numbers");
    push("{\"x\":[1,2e", "R{0@0 the text is not complete at 10",
         "a number that is cut");
    push("{\"n\":-}", "R{0@0 a value is expected at 6", "a sign");
    push("{\"n\":1.}", "R{0@0 a number is malformed at 7", "a point");
    push("{\"n\":1e}", "R{0@0 a number is malformed at 7", "an exponent");
    push("{\"n\":1e+}", "R{0@0 a number is malformed at 8", "and its sign");
    push("{\"n\":+1}", "R{0@0 a value is expected at 5", "a plus");
    push("{\"s\":\"a\tb\"}",
         "R{0@0 s0S@6:aa string has a raw control character at 7", "a tab");
    push("{\"s\":\"a\\x\"}", "R{0@0 s0S@6:aa string has a bad escape at 8",
         "an escape");
    push("{\"s\":\"a\\u12g4\"}", "R{0@0 s0S@6:aa string has a bad escape at 11",
         "a hex digit");
    push("{\"s\":\"a\\udc00\"}",
         "R{0@0 s0S@6:aan escape is a lone surrogate at 12", "a low one");
    push("{\"s\":\"a\\ud800b\"}",
         "R{0@0 s0S@6:aan escape is a lone surrogate at 13", "a high one");
    push("{\"s\":\"a\\ud800\\n\"}",
         "R{0@0 s0S@6:aan escape is a lone surrogate at 14", "and an escape");
    push("{\"s\":\"a\\ud800\\ud800\"}",
         "R{0@0 s0S@6:aan escape is a lone surrogate at 18", "two high ones");
    push("{\"s\":\"a\xc0\x80\"}", "R{0@0 s0S@6:aa string is not UTF-8 at 7",
         "an overlong form");
    push("{\"s\":\"a\xed\xa0\x80\"}", "R{0@0 s0S@6:aa string is not UTF-8 at 7",
         "a surrogate in UTF-8");
    push("{\"s\":\"a\xe2\x82\"}", "R{0@0 s0S@6:aa string is not UTF-8 at 7",
         "half a character");
    push("{\"s\":\"a\xe2\x82", "R{0@0 s0S@6:athe text is not complete at 9",
         "half a character at the end");
    push("{\"s\":\"a\xf4\x90\x80\x80\"}",
         "R{0@0 s0S@6:aa string is not UTF-8 at 7", "above U+10FFFF");
    push("{\"raw\":[\"\xc3\xa4\xc3\"]}",
         "R{0@0 r0R@7:[\"\xc3\xa4" "a string is not UTF-8 at 11",
         "in a raw value");
    push("{\"raw\":[1,]}", "R{0@0 r0R@7:[1,a value is expected at 10",
         "a broken raw value");
    push("{\"n\":1234567890123456789012345678901234567890123456789}",
         "R{0@0 a number is too long at 5", "a number that is acted on");
    push("{\"x\":1234567890123456789012345678901234567890123456789}",
         "R{0@0 R}0@0-55 ", "and one that is not");
}


static void
test_depth(void)
{
    size_t         i, n;
    static told_t  t;
    char           cut[1024] = { 0 };
    unsigned char  text[1024];

    for (n = 127; n <= 129; n++) {
        for (i = 0; i < n; i++) {
            text[i] = '[';
            text[n + i] = ']';
        }

        is_int(feed_cut(&t, text, 2 * n, cut, 0), n > 128 ? -1 : 0,
               "%lu levels", (unsigned long) n);
        splits(text, 2 * n, 3, "levels");
    }

    /* both kinds, more of them than a word has bits */

    for (i = 0; i < 60; i++) {
        memcpy(text + 5 * i, "[{\"\":", 5);
        memcpy(text + 301 + 2 * i, "}]", 2);
    }

    text[300] = '0';

    is_int(feed_cut(&t, text, 421, cut, 0), 0, "both kinds by turns");
    splits(text, 421, 3, "by turns");

    text[301 + 100] = ']';
    is_int(feed_cut(&t, text, 421, cut, 0), -1, "and the wrong bracket");

    /* more levels than the table follows */

    strcpy((char *) text, "{\"o\":");

    for (i = 1; i < 40; i++) {
        memcpy(text + 5 * i, "{\"o\":", 5);
    }

    memcpy(text + 200, "{\"s\":\"x\"}", 9);
    memset(text + 209, '}', 40);

    is_int(feed_cut(&t, text, 249, cut, 0), 0, "deeper than the table");
    is_int(t.bad, 0, "is stepped over");
    splits(text, 249, 20, "deep");
}


/* texts made at random, some of them broken, against the tape scanner */

static size_t
make(unsigned char *p, unsigned depth)
{
    int                 i, n;
    unsigned char      *start = p;
    const char         *s;
    static const char  *scalars[] = {
        "1", "-0", "0.5", "1e400", "true", "false", "null", "\"\"", "\"abc\"",
        "\"a\\n\\u00e4\"", "\"\\ud83d\\ude00\"", "\"\xc3\xa4\xe2\x82\xac\"",
        "\"a long string of more than thirty-two bytes, \xf0\x9f\x98\x80\"",
        "12345678901234567890123456789012345678901234567890123456789"
    };
    static const char  *keys[] = {
        "\"s\"", "\"n\"", "\"o\"", "\"a\"", "\"list\"", "\"raw\"", "\"any\"",
        "\"x\"", "\"\\u0073\"", "\"\"", "\"\xc3\xa4\""
    };
    static const char  *blanks[] = { "", "", "", "", " ", "\n", "\t \r" };

#define any(list)  list[rand() % (sizeof(list) / sizeof(list[0]))]
#define add(text)                                                             \
    s = text; memcpy(p, s, strlen(s)); p += strlen(s)

    add(any(blanks));

    if (depth == 0 || (rand() % 3 == 0 && depth < 5)) {
        add(any(scalars));

    } else {
        n = rand() % 5;
        i = rand() % 3;

        add(i ? "{" : "[");

        while (n--) {
            add(any(blanks));

            if (i) {
                add(any(keys));
                add(any(blanks));
                add(":");
            }

            p += make(p, depth - 1);

            if (n) {
                add(",");
            }
        }

        add(any(blanks));
        add(i ? "}" : "]");
    }

    add(any(blanks));

    return p - start;
}


static void
test_random(void)
{
    int             rc;
    char           *cut;
    size_t          len;
    unsigned        i, k, valid;
    static told_t   t;
    unsigned char  *text;

    text = malloc(1 << 20);
    cut = calloc(1, 1 << 20);
    valid = 0;

    for (i = 0; i < 20000; i++) {

        do {
            len = make(text, 5);
        } while (len > 4000 || (text[0] != '{' && text[0] != '['));

        for (k = rand() % 3; k && i % 2; k--) {
            text[rand() % len] = (rand() % 2) ? rand() : "{}[],:\"\\ue1"
                                                         [rand() % 11];
        }

        if (text[0] != '{' && text[0] != '[') {
            continue;
        }

        text[len] = 0;
        rc = judge(text, len);
        valid += (rc == 0);

        if (rc == 0) {
            /* a number that is asked for may be too long for the scanner */
            rc = (feed_cut(&t, text, len, cut, 0) == 0
                  || strstr((char *) text, "1234567890123456789012") != NULL)
                 ? 0 : -1;
            quiet_ok(rc == 0, "taken: %.*s", (int) len, text);

        } else {
            quiet_ok(feed_cut(&t, text, len, cut, 0) != 0, "refused: %.*s",
                     (int) len, text);
        }

        splits(text, len, 2, "random text");
    }

    diag("%u of %u random texts were valid", valid, i);
    free(text);
    free(cut);
}


static void
test_large(void)
{
    int                   rc;
    size_t                i, k;
    static told_t         t;
    genai_push_t          s;
    unsigned char         piece[1024];
    uint64_t              offset;
    static const char    *starts[] = {
        "{\"s\":\"", "{\"x\":\"", "{\"x\":[\"", "{\"raw\":[\"", "{\"x\":1",
        "{\"\":1,\"" };
    static const char    *ends[] = { "\"}", "\"}", "\"]}", "\"]}", "}",
        "\":1}" };

    for (k = 0; k < 6; k++) {
        memset(&t, 0, sizeof(t));
        t.quiet = 1;
        memset(piece, k == 4 ? '7' : 'x', sizeof(piece));
        genai_push_init(&s, nodes, on_value, &t);

        rc = genai_push_feed(&s, (unsigned char *) starts[k],
                             strlen(starts[k]), 0);
        offset = strlen(starts[k]);

        for (i = 0; i < 10240 && rc == 0; i++) {
            rc = genai_push_feed(&s, piece, sizeof(piece), offset);
            offset += sizeof(piece);
        }

        rc |= genai_push_feed(&s, (unsigned char *) ends[k], strlen(ends[k]),
                              offset);
        offset += strlen(ends[k]);
        rc |= genai_push_end(&s, offset);

        is_int(rc, 0, "10 MB behind %s", starts[k]);
        ok(t.bytes >= (k == 0 || k == 3 ? 10485760u : 0), "are all there");
    }
}


static void
test_stop(void)
{
    unsigned       n;
    static told_t  t;
    char           cut[64] = { 0 };
    const char    *text = "{\"s\":\"a\\nb\",\"n\":1,\"raw\":[1],\"o\":{}}";

    for (n = 1; n < 11; n++) {
        memset(&t, 0, sizeof(t));
        t.stop = n;

        if (feed_cut(&t, (unsigned char *) text, strlen(text), cut, 0) == 0) {
            break;
        }

        quiet_ok(strstr((char *) t.text, "stopped") != NULL, "at %u", n);
    }

    is_int(n, 10, "the handler can stop at every call");
}


static void
test_int64(void)
{
    size_t       i;
    int64_t      n;
    genai_str_t  text;

    static const struct { const char *text; int64_t n; }  cases[] = {
        { "0", 0 }, { "12", 12 }, { "12.0", 12 }, { "7.000", 7 },
        { "9223372036854775807", INT64_MAX }, { "9223372036854775808", -1 },
        { "99999999999999999999", -1 }, { "-1", -1 }, { "1.5", -1 },
        { "1e3", -1 }, { "true", -1 }, { "null", -1 }, { "", -1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text.data = (unsigned char *) cases[i].text;
        text.len = strlen(cases[i].text);

        if (genai_push_int64(&text, &n) != 0) {
            n = -1;
        }

        is_int(n, cases[i].n, "\"%s\" as a whole number", cases[i].text);
    }
}


int
main(void)
{
    srand(1);

    test_values();
    test_errors();
    test_depth();
    test_random();
    test_large();
    test_stop();
    test_int64();

    diag("a scanner has %u bytes", (unsigned) sizeof(genai_push_t));
    ok(sizeof(genai_push_t) <= 1024, "the state is small");

    return done_testing();
}
