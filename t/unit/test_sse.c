/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The reader of server-sent events: the standard's rules, every two-way split
 * and random splits, hostile streams, events of 10 MB, pausing, the writer.
 */


#include "tap.h"
#include "genai_sse.h"


/* what a stream was, told as text: the tests compare that */

typedef struct {
    char         text[8192];
    size_t       len;
    uint64_t     bytes;         /* of data */
    uint64_t     next;          /* where the next block must begin */
    unsigned     bad;
    unsigned     quiet;
    unsigned     pause;
    unsigned     stop;
} told_t;


TAP_PRINTF(2, 3) static void
tell(told_t *t, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    t->len += vsnprintf(t->text + t->len, sizeof(t->text) - t->len, fmt, args);
    va_end(args);

    if (t->len > sizeof(t->text) - 64) {
        t->len = sizeof(t->text) - 64;
    }
}


static int
on_begin(void *ctx, uint64_t offset)
{
    told_t  *t = ctx;

    if (!t->quiet) {
        tell(t, "%lu<", (unsigned long) offset);
    }

    return 0;
}


static int
on_data(void *ctx, const unsigned char *p, size_t n, uint64_t offset)
{
    size_t   i;
    told_t  *t = ctx;

    t->bytes += n;

    if (n == 0) {
        t->bad = 1;
    }

    if (t->quiet) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (p[i] == '\n') {
            tell(t, "|%lu:", (unsigned long) offset);

        } else {
            tell(t, "%.1s", (char *) &p[i]);
        }
    }

    return (t->stop && t->bytes >= t->stop) ? -1 : 0;
}


static int
on_end(void *ctx, const genai_sse_event_t *e)
{
    told_t  *t = ctx;

    if (e->start != t->next || e->end <= e->start) {
        t->bad = 1;
    }

    t->next = e->end;

    if (!t->quiet) {
        tell(t, "%s%.*s[%lu-%lu)%s ",
             e->data ? ">" : e->tail ? "~" : "", (int) e->name.len,
             (char *) e->name.data, (unsigned long) e->start,
             (unsigned long) e->end, e->incomplete ? "!" : "");
    }

    return t->pause;
}


static const genai_sse_handler_t  handler = { on_begin, on_data, on_end };


/* reads a text cut at the places where cut[i] is set */

static void
read_cut(told_t *t, const char *text, size_t len, const char *cut,
    uint64_t limit)
{
    int           rc;
    size_t        i, from;
    genai_sse_t   s;
    char         *piece;

    memset(t, 0, sizeof(told_t));
    genai_sse_init(&s, &handler, t, limit);

    for (from = 0, i = 1; i <= len; i++) {

        if (i < len && !cut[i]) {
            continue;
        }

        /* memory of its own, so that a read beyond it is found */

        piece = malloc(i - from);
        memcpy(piece, text + from, i - from);
        rc = genai_sse_feed(&s, (unsigned char *) piece, i - from);
        free(piece);

        if (rc != 0) {
            tell(t, "error %s at %lu", s.error, (unsigned long) s.offset);
            return;
        }

        from = i;
    }

    genai_sse_end(&s);

    if (t->next != len) {
        t->bad = 1;
    }
}


static void
check(const char *text, size_t len, const char *want, uint64_t limit,
    const char *what)
{
    char      cut[4096];
    size_t    i, n;
    told_t    whole, t;

    memset(cut, 0, sizeof(cut));
    read_cut(&whole, text, len, cut, limit);
    is_str(whole.text, want, "%s", what);
    ok(!whole.bad, "%s: the spans are a partition", what);

    for (i = 1; i < len; i++) {
        cut[i] = 1;
        read_cut(&t, text, len, cut, limit);
        cut[i] = 0;

        quiet_ok(strcmp(t.text, whole.text) == 0 && t.bad == whole.bad,
                 "%s: cut at %lu: %s", what, (unsigned long) i, t.text);
    }

    for (n = 0; n < 200; n++) {
        for (i = 1; i < len; i++) {
            cut[i] = n ? (rand() % (n % 7 + 1) == 0) : 1;
        }

        read_cut(&t, text, len, cut, limit);
        quiet_ok(strcmp(t.text, whole.text) == 0 && t.bad == whole.bad,
                 "%s: random cuts: %s", what, t.text);
    }
}


#define sse(text, want, what)  check(text, sizeof(text) - 1, want, 0, what)


static void
test_rules(void)
{
    sse("data: a\n\n", "6<a>[0-9) ", "one event");
    sse("data:a\n\n", "5<a>[0-8) ", "no space after the colon");
    sse("data:  a \n\n", "6< a >[0-11) ", "one space only is dropped");
    sse("data: a\r\n\r\n", "6<a>[0-10) ~[10-11) ", "CRLF");
    sse("data: a\r\rdata: b\r\r", "6<a>[0-9) 15<b>[9-18) ", "CR");
    sse("data: a\r\n\ndata: b\n\r\ndata: c\r\r\n",
        "6<a>[0-10) 16<b>[10-19) ~[19-20) 26<c>[20-29) ~[29-30) ",
        "mixed line ends");
    sse("data: a\ndata: b\r\ndata:c\rdata\n\n",
        "6<a|14:b|22:c|28:>[0-30) ", "several data fields");
    sse("data\n\n", "4<>[0-6) ", "data without a colon");
    sse("data:\n\ndata: \n\n", "5<>[0-7) 13<>[7-15) ", "empty data");
    sse("\xef\xbb\xbf" "data: a\n\n", "9<a>[0-12) ", "a byte order mark");
    sse("\xef\xbb\xbf\xef\xbb\xbf" "data: a\n\n", "[0-15) ", "and only one");
    sse("\xef\xbb" "data: a\n\ndata: b\n\n", "[0-11) 17<b>[11-20) ",
        "a part of one");
    sse("\xef", "[0-1)! ", "nothing but a part of one");
    sse("", "", "nothing");
    sse("\n\n\r\r\n\n", "[0-1) [1-2) [2-3) [3-4) ~[4-5) [5-6) ",
        "blank lines");
    sse(": ping\n\n:\n\n::x\n\n", "[0-8) [8-11) [11-16) ", "comments");
    sse(": a\ndata: b\n: c\n\n", "10<b>[0-17) ", "comments within an event");
    sse("event: error\ndata: a\n\ndata: b\n\n",
        "19<a>error[0-22) 28<b>[22-31) ", "a name");
    sse("data: a\nevent: x\nevent:y\n\n", "6<a>y[0-26) ", "the last name");
    sse("event: x\nevent\ndata: a\n\n", "21<a>[0-24) ", "a name taken back");
    sse("event: x\n\ndata: a\n\n", "x[0-10) 16<a>[10-19) ",
        "a name of no event");
    sse("id: 1\nretry: 10\nid\n x: y\nDATA: z\ndat: a\ndatax: b\ndata : c\n\n",
        "[0-59) ", "fields that are not read");
    sse("event: 0123456789012345678901234567890123456789012345678901234567890"
        "1234567890123456789\n\n",
        "0123456789012345678901234567890123456789012345678901234567890123"
        "[0-89) ", "a long name is cut");
    sse("data: a", "6<a>[0-7)! ", "no line end");
    sse("data: a\n", "6<a>[0-8)! ", "no blank line");
    sse("data: a\r\n", "6<a>[0-9)! ", "no blank line, CRLF");
    sse("data", "4<>[0-4)! ", "a name at the end");
    sse("data:", "5<>[0-5)! ", "a colon at the end");
    sse("data: a\n\nda", "6<a>[0-9) [9-11)! ", "a part of a name at the end");
    sse("data: a\n\n: x", "6<a>[0-9) [9-12)! ", "a comment at the end");
    sse("{\"error\":1}\n", "[0-12)! ", "what is no event stream");
    sse("data: \xc3\xa4\xf0\x9f\x98\x80 a\n\n",
        "6<\xc3\xa4\xf0\x9f\x98\x80 a>[0-16) ", "UTF-8");
    check("data: a\0b\n\n", 11, "6<ab>[0-11) ", 0, "a NUL passes");
}


static void
test_limit(void)
{
    check("data: a\n\ndata: b\n\n", 18, "6<a>[0-9) 15<b>[9-18) ", 9,
          "as large as allowed");
    check("data: a\n\ndata: bc\n\n", 19,
          "6<a>[0-9) 15<bcerror an event is too large at 18", 9,
          "larger");
    check("data: abcdefghijkl", 18,
          "6<abcerror an event is too large at 9", 9, "data without end");
    check(":aaaaaaaaaaaaaaaa", 17, "error an event is too large at 9", 9,
          "a comment without end");
    check("dataaaaaaaaaaaaaaaaaaaa", 23, "error an event is too large at 9", 9,
          "a name without end");
    check("id: a\nid: b\n", 12, "error an event is too large at 9", 9,
          "lines without end");
}


static void
test_stop(void)
{
    told_t         t;
    genai_sse_t    s;
    const char    *text = "data: a\n\ndata: b\n\n";

    memset(&t, 0, sizeof(t));
    t.pause = 1;
    genai_sse_init(&s, &handler, &t, 0);

    is_int(genai_sse_feed(&s, (unsigned char *) text, 18), 1, "pauses");
    is_int(s.offset, 9, "behind the first event");
    is_int(genai_sse_feed(&s, (unsigned char *) text + 9, 9), 1, "again");
    is_int(s.offset, 18, "behind the second");
    is_int(genai_sse_feed(&s, (unsigned char *) text, 0), 0, "no bytes");
    is_str(t.text, "6<a>[0-9) 15<b>[9-18) ", "nothing is lost");

    memset(&t, 0, sizeof(t));
    t.stop = 1;
    genai_sse_init(&s, &handler, &t, 0);
    is_int(genai_sse_feed(&s, (unsigned char *) text, 18), -1, "stops");
    ok(s.error == NULL, "which is no fault of the stream");
}


static void
test_large(void)
{
    size_t        i, n;
    told_t        t;
    genai_sse_t   s;
    char          piece[1000];

    memset(&t, 0, sizeof(t));
    t.quiet = 1;
    genai_sse_init(&s, &handler, &t, 0);

    memset(piece, 'x', sizeof(piece));

    (void) genai_sse_feed(&s, (unsigned char *) "data:", 5);

    for (i = 0; i < 10 * 1024; i++) {
        if (genai_sse_feed(&s, (unsigned char *) piece, sizeof(piece)) != 0) {
            break;
        }
    }

    (void) genai_sse_feed(&s, (unsigned char *) "\n\n", 2);

    is_int(t.bytes, 10240000, "an event of 10 MB in %u bytes of state",
           (unsigned) sizeof(genai_sse_t));
    is_int(t.next, 10240007, "and its span");

    /* a stream of line ends costs no more than any other */

    memset(&t, 0, sizeof(t));
    t.quiet = 1;
    genai_sse_init(&s, &handler, &t, 0);
    memset(piece, '\r', sizeof(piece));

    for (i = 0, n = 0; i < 1000; i++) {
        n += genai_sse_feed(&s, (unsigned char *) piece, sizeof(piece));
    }

    ok(n == 0 && t.next == 1000000 && !t.bad, "a million CRs");
}


static void
test_write(void)
{
    size_t         n;
    told_t         t;
    genai_str_t    name = genai_str("error");
    genai_str_t    data = genai_str("{\"a\":1}");
    genai_str_t    lines = genai_str("a\nb\r\nc\rd\n");
    genai_str_t    none = genai_str("");
    unsigned char  buf[256];
    char           cut[256];

    n = genai_sse_write(buf, sizeof(buf), NULL, &data);
    is_mem(buf, n, "data: {\"a\":1}\n\n", 15, "an event");

    n = genai_sse_write(buf, sizeof(buf), &name, &data);
    is_mem(buf, n, "event: error\ndata: {\"a\":1}\n\n", 28, "with a name");

    n = genai_sse_write(buf, sizeof(buf), &none, &none);
    is_mem(buf, n, "data: \n\n", 8, "empty");

    n = genai_sse_write(buf, sizeof(buf), NULL, &lines);
    is_mem(buf, n, "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n", 40,
           "several lines");

    memset(cut, 0, sizeof(cut));
    read_cut(&t, (char *) buf, n, cut, 0);
    is_str(t.text, "6<a|14:b|22:c|30:d|38:>[0-40) ", "and read again");

    memset(buf, 'x', sizeof(buf));
    is_int(genai_sse_write(buf, 14, NULL, &data), 15, "too small a buffer");
    ok(buf[0] == 'x', "is not touched");
    is_int(genai_sse_write(buf, 15, NULL, &data), 15, "large enough");
    ok(buf[15] == 'x', "to the byte");
}


int
main(void)
{
    srand(1);

    test_rules();
    test_limit();
    test_stop();
    test_large();
    test_write();

    return done_testing();
}
