/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The reader of multipart bodies: what is found, every two-way split and
 * random splits, what two readers could read in two ways, bounds.
 */


#include "tap.h"
#include "genai_multipart.h"


#define TYPE  "multipart/form-data; boundary=B"
#define PART(name, value)                                                     \
    "--B\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value   \
    "\r\n"
#define FILE_(name, value)                                                    \
    "--B\r\nContent-Disposition: form-data; name=\"" name "\"; "              \
    "filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n" value "\r\n"
#define HEAD(lines)  "--B\r\n" lines "\r\n\r\nm\r\n"
#define LAST  "--B--\r\n"


typedef struct {
    int                 rc;
    genai_multipart_t   m;
} told_t;


/* cut at one place (0: none), or at random where mean is not 0 */

static void
read_cut(told_t *t, const char *type, const char *body, size_t len, size_t cut,
    unsigned mean)
{
    size_t          at, n;
    genai_str_t     s;
    unsigned char  *piece;

    memset(t, 0xa5, sizeof(told_t));

    s.data = (unsigned char *) type;
    s.len = strlen(type);

    t->rc = genai_multipart_init(&t->m, &s);

    for (at = 0; t->rc == 0 && at < len; at += n) {
        n = mean ? 1 + rand() % (2 * mean) : (at < cut ? cut : len);
        n = (n > len - at) ? len - at : n;

        piece = malloc(n);
        memcpy(piece, body + at, n);
        t->rc = genai_multipart_feed(&t->m, piece, n);
        free(piece);
    }

    if (t->rc == 0) {
        t->rc = genai_multipart_end(&t->m);

    } else if (genai_multipart_feed(&t->m, (unsigned char *) "x", 1) != -1
               || genai_multipart_end(&t->m) != -1)
    {
        t->rc = 2;
    }
}


static int
same(const told_t *a, const told_t *b)
{
    if (a->rc != b->rc || a->m.offset != b->m.offset
        || a->m.error != b->m.error)
    {
        return 0;
    }

    return a->rc != 0
           || (a->m.first == b->m.first && a->m.nmodel == b->m.nmodel
               && a->m.stream == b->m.stream
               && (a->m.nmodel == 0
                   || (a->m.start == b->m.start && a->m.end == b->m.end
                       && memcmp(a->m.model, b->m.model, a->m.nmodel) == 0)));
}


static told_t  one, two;


static void
all_splits(const char *type, const char *body, size_t len, const char *what)
{
    size_t  i;

    read_cut(&one, type, body, len, 0, 0);

    for (i = 1; i < len + 30; i++) {
        read_cut(&two, type, body, len, i < len ? i : 0,
                 i < len ? 0 : i - len + 1);

        if (!same(&one, &two)) {
            fail("%s: cut at %lu", what, (unsigned long) i);
            return;
        }
    }

    quiet_ok(1, "splits");
}


static void
good(const char *body, const char *model, unsigned stream, const char *what)
{
    size_t  len;

    len = strlen(body);
    all_splits(TYPE, body, len, what);

    if (!is_int(one.rc, 0, "%s: read", what)) {
        diag("at %lu: %s", (unsigned long) one.m.offset, one.m.error);
        return;
    }

    is_mem(one.m.model, one.m.nmodel, model, strlen(model), "%s: model", what);
    is_int(one.m.stream, stream, "%s: stream", what);
    ok(memcmp(body + one.m.first, "--B", 3) == 0, "%s: where it begins", what);

    if (one.m.nmodel) {
        is_mem(body + one.m.start, one.m.end - one.m.start, model,
               strlen(model), "%s: its place", what);
    }
}


static void
bad(const char *body, const char *error, const char *what)
{
    all_splits(TYPE, body, strlen(body), what);

    if (is_int(one.rc, -1, "%s: refused", what)) {
        ok(strstr(one.m.error, error) != NULL, "%s: %s", what, one.m.error);
    }
}


static void
type(const char *value, const char *error)
{
    read_cut(&one, value, PART("model", "m") LAST,
             sizeof(PART("model", "m") LAST) - 1, 0, 0);

    if (error == NULL) {
        is_int(one.rc, 0, "%s", value);
        return;
    }

    is_int(one.rc, -1, "%s", value);
    ok(one.m.error && strstr(one.m.error, error) != NULL, "%s: %s", value,
       one.m.error ? one.m.error : "");
}


static void
test_types(void)
{
    type(TYPE, NULL);
    type("Multipart/Form-Data;boundary=B", NULL);
    type("multipart/form-data ; charset=utf-8 ; Boundary=\"B\" ", NULL);
    type("multipart/form-data; boundary=\"B\"; charset=\"\"", NULL);
    type("multipart/form-data", "no boundary");
    type("multipart/form-data; charset=utf-8", "no boundary");
    type("multipart/form-data; boundary=", "word or quoted");
    type("multipart/form-data; boundary=\"\"", "1 to 70");
    type("multipart/form-data; boundary=\"B", "one quote");
    type("multipart/form-data; boundary=\"B\\\"\"", "backslash");
    type("multipart/form-data; boundary=\"B\"C", "behind it");
    type("multipart/form-data; boundary=B; boundary=B", "two boundaries");
    type("multipart/form-data; boundary*=utf-8''B", "coded");
    type("multipart/form-data; boundary=\"B \"", "a byte");
    type("multipart/form-data; boundary=\"B<\"", "a byte");
    type("multipart/form-data boundary=B", "semicolon");
    type("multipart/form-data; boundary", "no value");
    type("multipart/form-data; boundary=B, x", "word or quoted");
    type("multipart/form-datax; boundary=B", "must be multipart");
    type("multipart/mixed; boundary=B", "must be multipart");
    type("application/json", "must be multipart");
    type("", "must be multipart");
    type("multipart/form-data; boundary="
         "12345678901234567890123456789012345678901234567890123456789012345678"
         "901", "1 to 70");
}


static void
test_good(void)
{
    static const char  binary[] = PART("model", "m1")
        FILE_("file", "\n\r\r\n\r\n-\r\n--\r\n--b\r--B\n\n\r\n-B-\r\n")
        PART("stream", "true") LAST;

    good(PART("model", "whisper-1") LAST, "whisper-1", 0, "one part");
    good(PART("model", "w") "--B--", "w", 0, "no line end");
    good("\r\n" PART("model", "w") LAST "\r\n \t\r\n", "w", 0,
         "line ends around");
    good(LAST, "", 0, "no part");
    good(PART("prompt", "hi") LAST, "", 0, "no model");
    good(FILE_("file", "RIFF") PART("model", "a/b:c") FILE_("x", "") LAST,
         "a/b:c", 0, "among files");
    good(binary, "m1", 1, "what looks like a delimiter and is none");
    good(PART("stream", "false") PART("model", "w") LAST, "w", 0, "false");
    good(PART("stream", "True") PART("model", "w") LAST, "w", 0,
         "another word");
    good(PART("Stream", "true") PART("model", "w") LAST, "w", 0,
         "another part");
    good(HEAD("content-disposition:form-data;name=model") LAST, "m", 0,
         "small letters, a word");
    good(HEAD("CONTENT-DISPOSITION: Form-Data ; NAME=\"model\" ; x=y\r\n"
              "Content-Type: text/plain; charset=UTF-8\r\n"
              "Content-Length: 1\r\nContent-Transfer-Encoding: 8bit") LAST,
         "m", 0, "capitals, a type, a length");
    good(PART("model", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80") LAST,
         "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 0, "UTF-8");
    good("--B\r\nContent-Disposition: form-data; name=\"file\"; "
         "filename=\"C:\\dir\\a b;c.wav\"; filename*=utf-8''x\r\n\r\n\r\n"
         PART("model", "m") LAST, "m", 0, "a file's name");
    good(PART("models", "x") PART("model[]", "y") PART("model", "m") LAST,
         "m", 0, "names that begin so");
    good("--B\r\nContent-Disposition: form-data; name=\"stream\"; "
         "filename=\"x\"\r\n\r\ntrue\r\n" LAST, "", 0, "a stream as a file");
}


static void
test_bad(void)
{
    bad("", "before its last", "nothing");
    bad("x" PART("model", "m") LAST, "begin with", "a preamble");
    bad("\r\n\r\n" PART("model", "m") LAST, "begin with", "two line ends");
    bad("\n" PART("model", "m") LAST, "begin with", "a line feed first");
    bad("--C--", "begin with", "another boundary");
    bad(PART("model", "m"), "before its last", "no end");
    bad(PART("model", "m") "--B-", "before its last", "half an end");
    bad(PART("model", "m") "--B\r", "before its last", "a delimiter's half");
    bad("--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nabc",
        "before its last", "half a part");
    bad(PART("model", "m") LAST "x", "behind its last", "an epilogue");
    bad(PART("model", "m") "--BB--", "behind it", "a longer delimiter");
    bad(PART("model", "m") "--B \r\n", "behind it", "a blank behind it");
    bad("--B\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n" LAST,
        "behind it", "a line feed behind it");
    bad(PART("file", "x\n--B--") LAST, "CRLF", "a line feed in front of it");
    bad(PART("file", "--B--") LAST, "CRLF", "one at a part's begin");
    bad(PART("model", "--B--") LAST, "CRLF", "the same of what is read");
    bad(PART("file", "\n--B\r\nContent-Disposition: form-data; "
             "name=\"model\"\r\n\r\nm2") PART("model", "m") LAST, "CRLF",
        "a part for readers of line feeds");

    bad(PART("model", "m") PART("model", "m") LAST, "twice", "two models");
    bad(PART("model", "m") PART("Model", "n") LAST, "spelled", "Model");
    bad(PART(" model", "n") LAST, "spelled", "a blank in front");
    bad(PART("stream", "true") PART("stream", "true") LAST, "twice",
        "two streams");
    bad(FILE_("model", "m") LAST, "no file", "a model as a file");
    bad(PART("model", "") LAST, "1 to 256", "an empty model");
    bad(PART("model", "a\tb") LAST, "control", "a tab");
    bad(PART("model", "a\r\nb") LAST, "control", "two lines");
    bad(PART("model", "a\r\n--b") LAST, "control", "nearly a delimiter");
    bad(PART("model", "a\nb") LAST, "control", "a line feed");
    bad(PART("model", "a\rb") LAST, "control", "a CR");
    bad(PART("model", "a\x7f") LAST, "control", "DEL");
    bad(PART("model", "\xc3") LAST, "UTF-8", "half a character");
    bad(PART("model", "\xed\xa0\x80") LAST, "UTF-8", "a surrogate");

    bad(HEAD("Content-Type: text/plain") LAST, "no disposition", "no name");
    bad("--B\r\n\r\nx\r\n" LAST, "no disposition", "no header");
    bad(HEAD("Content-Disposition: form-data") LAST, "no name",
        "a disposition alone");
    bad(HEAD("Content-Disposition: attachment; name=\"model\"") LAST,
        "not form-data", "another disposition");
    bad(HEAD("Content-Disposition: form-data; name=\"x\"\r\n"
             "Content-Disposition: form-data; name=\"model\"") LAST,
        "two dispositions", "two of them");
    bad(HEAD("Content-Disposition: form-data; name=\"x\"; name=\"model\"")
        LAST, "two names", "two names");
    bad(HEAD("Content-Disposition: form-data; name*=utf-8''model") LAST,
        "coded", "name*");
    bad(HEAD("Content-Disposition: form-data; name=\"mo\\del\"") LAST,
        "backslash", "a backslash");
    bad(HEAD("Content-Disposition: form-data; filename=\"a\\\"; "
             "name=\\\"model\"; name=\"x\"") LAST,
        "backslash", "a name in a file's name");
    bad(HEAD("Content-Disposition: form-data; filename=a; filename=b; name=x")
        LAST, "two file names", "two files");
    bad(HEAD("Content-Disposition: form-data; name=\"x\"model\"") LAST,
        "behind it", "a quote in a name");
    bad(HEAD("Content-Disposition: form-data;\r\n name=\"model\"") LAST,
        "no name", "a folded line");
    bad(HEAD("Content-Disposition: form-data; name=x\r\n\t; name=model") LAST,
        "is none", "a folded line behind a name");
    bad(HEAD("Content-Disposition: form-data; name=x\r\n--B: y") LAST,
        "in a part's header", "a delimiter in a header");
    bad(HEAD("Content-Disposition : form-data; name=x") LAST, "is none",
        "a blank before the colon");
    bad(HEAD("Content-Disposition: form-data; name=x\nX: y") LAST, "control",
        "a line feed in a header");
    bad(HEAD("Content-Disposition: form-data; name=x\rX: y") LAST, "control",
        "a CR in a header");
    bad(HEAD("Content-Disposition: form-data; name=model\r\n"
             "Content-Type: text/plain; charset=utf-16") LAST, "UTF-8",
        "another charset");
    bad(HEAD("Content-Disposition: form-data; name=model\r\n"
             "Content-Type: application/json") LAST, "UTF-8", "another type");
    bad(HEAD("Content-Disposition: form-data; name=model\r\n"
             "Content-Type: text/plain\r\nContent-Type: text/plain") LAST,
        "two types", "two types");
    bad(HEAD("Content-Disposition: form-data; name=model\r\n"
             "Content-Transfer-Encoding: base64") LAST, "no file",
        "coded as base64");
}


static void
test_bounds(void)
{
    char    *body, *p;
    size_t   i;

    body = malloc(1024 * 1024);

    p = body + sprintf(body, "--B\r\nContent-Disposition: form-data; "
                       "name=\"model\"\r\n\r\n");
    memset(p, 'a', 256);
    strcpy(p + 256, "\r\n" LAST);

    read_cut(&one, TYPE, body, strlen(body), 0, 0);
    is_int(one.rc, 0, "a model of 256 bytes");
    is_int(one.m.nmodel, 256, "all of them");

    strcpy(p + 256, "a\r\n" LAST);
    bad(body, "too long", "a model of 257");

    p = body + sprintf(body, "--B\r\nContent-Disposition: form-data; "
                       "name=x\r\n");

    for (i = 0; i < 5; i++) {
        p += sprintf(p, "X-Y: ");
        memset(p, 'z', 2000);
        p += 2000;
        p += sprintf(p, "\r\n");
    }

    strcpy(p, "\r\nv\r\n" LAST);
    read_cut(&one, TYPE, body, strlen(body), 0, 3);
    is_int(one.rc, -1, "a header of 10,000 bytes");
    ok(strstr(one.m.error, "too long") != NULL, "%s", one.m.error);

    memset(body + 20, 'y', 3000);
    read_cut(&one, TYPE, body, strlen(body), 0, 0);
    is_int(one.rc, -1, "a line of 3,000 bytes");

    for (i = 0, p = body; i < GENAI_MULTIPART_PARTS; i++) {
        p += sprintf(p, PART("x", "y"));
    }

    strcpy(p, LAST);
    read_cut(&one, TYPE, body, strlen(body), 0, 0);
    is_int(one.rc, 0, "1,024 parts");

    strcpy(p, PART("x", "y") LAST);
    read_cut(&one, TYPE, body, strlen(body), 0, 0);
    is_int(one.rc, -1, "and one more");
    ok(strstr(one.m.error, "too many") != NULL, "%s", one.m.error);

    free(body);
}


/* pieces of bodies in any order: whatever is read, splits change nothing */

static void
test_random(void)
{
    char        body[2048];
    size_t      len;
    unsigned    i, j, k, n, read;

    static const char  *pieces[] = {
        "--B", "\r\n", "\n", "\r", "-", "--", "--B--", "x", "true", "model",
        "Content-Disposition: form-data; name=\"model\"",
        "Content-Disposition: form-data; name=\"file\"; filename=\"a\"",
        "\r\n\r\n", PART("stream", "true"), PART("x", "\r\n--"), LAST
    };

    srand(7);
    read = 0;

    for (i = 0; i < 20000; i++) {

        len = (i & 1) ? sprintf(body, "%s", PART("model", "m")) : 0;
        n = rand() % 12;

        for (j = 0; j < n; j++) {
            len += sprintf(body + len, "%s",
                           pieces[rand() % (sizeof(pieces)
                                            / sizeof(pieces[0]))]);
        }

        read_cut(&one, TYPE, body, len, 0, 0);
        read += (one.rc == 0);

        for (k = 0; k < 3; k++) {
            read_cut(&two, TYPE, body, len, 0, 1 + 4 * k);
            quiet_ok(same(&one, &two), "%u: %s", i, body);
        }
    }

    ok(read > 100, "%u of them were read", read);
}


int
main(void)
{
    test_types();
    test_good();
    test_bad();
    test_bounds();
    test_random();

    return done_testing();
}
