/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * When an answer in OpenAI's dialect has ended, and with what: at the last
 * byte that belongs to it, and not when its connection is closed; errors in
 * an answer that is a success; and answers without choices.
 */


#include "tap.h"
#include "answer.h"


#define WHOLE  "{\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"message\":{"    \
    "\"content\":\"a\"},\"finish_reason\":\"stop\"}]}"
#define DELTA  "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"delta\":" \
    "{\"content\":\"a\"}}]}\n\n"
#define ERROR  "{\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":\"c\"}}"


/* the events in words, and how often to pause */

typedef struct {
    answer_buf_t  words;
    unsigned      pause;
    unsigned      ended;
} told_t;


static answer_told_t  one, two;
static told_t         told;


static int
on_event(void *ctx, genai_event_t *e)
{
    told_t  *t = ctx;

    answer_print(&t->words, "%s", answer_types[e->type]);

    switch (e->type) {

    case GENAI_EVENT_START:
    case GENAI_EVENT_ERROR:
        answer_print(&t->words, "(%.*s,%.*s,%.*s)", (int) e->text.len,
                     (char *) e->text.data, (int) e->id.len,
                     (char *) e->id.data, (int) e->name.len,
                     (char *) e->name.data);
        break;

    case GENAI_EVENT_USAGE:
        answer_print(&t->words, "(%ld,%ld)", (long) e->usage->prompt,
                     (long) e->usage->total);
        break;

    case GENAI_EVENT_CHUNK:
        answer_print(&t->words, "(%x)", e->chunk & ~GENAI_CHUNK_DATA);
        break;

    case GENAI_EVENT_END:
        answer_print(&t->words, "(%u)", e->end_how);
        t->ended++;
        break;

    default:
        break;
    }

    answer_print(&t->words, " ");

    return (e->type == GENAI_EVENT_CHUNK && t->pause) ? (t->pause--, 1) : 0;
}


static void
begin(genai_openai_answer_t *a, unsigned stream)
{
    genai_answer_opts_t  opts = { .stream = 0, .choices = 1 };

    opts.stream = stream;
    told.words.len = 0;
    told.pause = 0;
    told.ended = 0;
    answer_put(&told.words, "", 0);

    genai_openai_answer_init(a, &opts, on_event, &told);
}


/* the events of a body, which every cut must leave as they are */

static void
check(unsigned stream, const char *body, const char *want, const char *what)
{
    size_t                      i, len;
    genai_openai_answer_t       a;
    genai_answer_opts_t  opts = { .stream = 0, .choices = 1 };

    len = strlen(body);
    begin(&a, stream);

    is_int(genai_answer_feed(&a.base, (unsigned char *) body, len), 0,
           "%s: is read", what);
    is_int(genai_answer_end(&a.base), 0, "and ends");
    is_str(told.words.data, want, "%s", what);

    opts.stream = stream;
    answer_reset(&one);
    (void) answer_decode(&one, (unsigned char *) body, len, &opts, 0);
    ok(!one.bad, "%s: line %u", what, one.bad);

    for (i = 1; i < len + 20; i++) {
        answer_reset(&two);
        (void) answer_decode_cut(&two, (unsigned char *) body, len, &opts,
                                 i < len ? 0 : i - len + 1, i);
        quiet_ok(!two.bad && one.log.len == two.log.len
                 && memcmp(one.log.data, two.log.data, one.log.len) == 0,
                 "%s: cut at %lu, line %u", what, (unsigned long) i, two.bad);
    }
}


/* END is told with the byte at that offset, and with no byte before it */

static void
ends(unsigned stream, const char *body, size_t at, const char *what)
{
    size_t                 i, len;
    genai_openai_answer_t  a;

    len = strlen(body);
    begin(&a, stream);

    for (i = 0; i < len && !told.ended; i++) {
        (void) genai_answer_feed(&a.base, (unsigned char *) body + i, 1);
    }

    is_int(i, at, "%s: the end is told behind byte %lu", what,
           (unsigned long) at);

    for ( /* void */ ; i < len; i++) {
        (void) genai_answer_feed(&a.base, (unsigned char *) body + i, 1);
    }

    (void) genai_answer_end(&a.base);
    is_int(told.ended, 1, "and once");
}


static void
test_whole(void)
{
    ends(0, WHOLE, sizeof(WHOLE) - 1, "a whole answer");
    ends(0, " \n" WHOLE " \n ", 2 + sizeof(WHOLE) - 1, "and white space");
    ends(0, WHOLE WHOLE, sizeof(WHOLE) - 1, "and another");
    ends(1, WHOLE "\n", sizeof(WHOLE) - 1, "where a stream was expected");
    ends(0, ERROR "\n", sizeof(ERROR) - 1, "an error");
    ends(0, "{\"choices\":[]}", 14, "nothing");

    check(0, WHOLE, "start(,c,m) text finish chunk(18) end(2) ",
          "a whole answer");
    check(0, WHOLE "\r\n", "start(,c,m) text finish chunk(18) end(2) "
          "chunk(2) ", "white space behind it");
    check(0, WHOLE "\n{}", "start(,c,m) text finish chunk(18) end(2) broken "
          "chunk(80) ", "more than that");
    check(0, WHOLE "}}", "start(,c,m) text finish chunk(18) end(2) broken "
          "chunk(80) ", "brackets");
    check(0, "{\"choices\":[{\"text\":\"a\"}]",
          "start(,,) text broken chunk(9c) end(0) ", "one that is cut");
    check(0, "{\"choices\":[{\"text\":\"a\"}],}",
          "start(,,) text broken chunk(98) end(0) ", "one that is broken");
    check(0, "{}", "broken chunk(80) end(0) ", "nothing");
    check(0, " ", "broken chunk(84) end(0) ", "a blank");
    check(0, "", "broken chunk(84) end(0) ", "an empty body");
    check(0, "[]", "broken chunk(80) end(0) ", "an array");
}


static void
test_stream(void)
{
    static const char  *lines[] = { "\n\n", "\r\r", "\r\n\r\n" };
    char                body[512];
    size_t              i, at;

    for (i = 0; i < 3; i++) {
        snprintf(body, sizeof(body), "%sdata: [DONE]%s: bye%s", DELTA,
                 lines[i], lines[i]);

        at = sizeof(DELTA) - 1 + 12 + strlen(lines[i]);

        /* of CRLF the CR is enough */

        ends(1, body, i == 2 ? at - 1 : at, "the last word");
    }

    check(1, DELTA "data: [DONE]\n\n",
          "start(,c,m) text chunk(18) end(2) chunk(100) ", "a stream");
    check(1, DELTA "data: [DONE]",
          "start(,c,m) text chunk(18) end(2) chunk(104) ",
          "no line end behind its last word");
    check(1, DELTA "data: [DONE", "start(,c,m) text chunk(18) chunk(4) end(0) ",
          "half of a last word");
    check(1, DELTA "data: [DONE]\n\n" DELTA,
          "start(,c,m) text chunk(18) end(2) chunk(100) chunk(0) ",
          "events behind it");
}


static void
test_pause(void)
{
    static const char      body[] = WHOLE "\n";
    genai_openai_answer_t  a;

    begin(&a, 0);
    told.pause = 1;

    is_int(genai_answer_feed(&a.base, (unsigned char *) body,
                                    sizeof(body) - 1), 1,
           "a pause behind a whole answer");
    is_int(a.base.offset, sizeof(body) - 2, "at its end");
    is_int(genai_answer_feed(&a.base, (unsigned char *) body
                                        + a.base.offset, 1),
           0, "the rest is read");
    is_int(genai_answer_end(&a.base), 0, "and the body ends");
    is_str(told.words.data, "start(,c,m) text finish chunk(18) end(2) "
           "chunk(2) ", "nothing is told twice");
}


static void
test_errors(void)
{
    check(0, ERROR, "error(m,c,t) chunk(40) end(0) ", "an error");
    check(0, "{\"error\":\"m\"}", "error(m,,) chunk(40) end(0) ",
          "a string");
    check(0, "{\"object\":\"error\",\"message\":\"m\",\"type\":\"t\","
          "\"code\":404}", "error(m,404,t) chunk(40) end(0) ", "a flat one");
    check(0, "{\"detail\":\"m\"}", "error(m,,) chunk(40) end(0) ", "a detail");
    check(0, "{\"error\":null,\"choices\":[{\"text\":\"a\"}]}",
          "start(,,) text chunk(18) end(2) ", "none");
    check(1, ERROR, "error(m,c,t) chunk(40) end(0) ",
          "an error instead of a stream");
    check(1, "data: " ERROR "\n\n", "error(m,c,t) chunk(40) end(0) ",
          "in a stream");
    check(1, "event: error\ndata: " ERROR "\n\n",
          "error(m,c,t) chunk(40) end(0) ", "by name too");
    check(1, "event: error\ndata: {\"message\":\"m\"}\n\n",
          "error(m,,) chunk(40) end(0) ", "flat");
    check(1, "event: error\ndata: {\"x\":1}\n\n",
          "error(,,) chunk(40) end(0) ", "by its name alone");
    check(1, DELTA "data: " ERROR "\n\ndata: [DONE]\n\n",
          "start(,c,m) text chunk(18) error(m,c,t) chunk(40) end(2) "
          "chunk(100) ", "late in a stream");

    /* what is told of an error shares memory with tool calls */

    check(1, "data: {\"type\":\"t\",\"code\":7,\"choices\":[{\"delta\":{"
          "\"tool_calls\":[{\"id\":\"x\",\"function\":{\"name\":\"f\"}}]}}],"
          "\"message\":\"no\"}\n\n",
          "start(,,) tool chunk(18) end(0) ", "a type and a code of none");
    check(1, "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"x\"}]"
          "},\"error\":{\"code\":7,\"message\":\"m\"}}]}\n\n",
          "start(,,) tool error(m,7,) chunk(58) end(0) ",
          "an error behind a tool call");
    check(1, "event: error\ndata: {\"choices\":[{\"delta\":{\"tool_calls\":[{"
          "\"id\":\"x\"}]}}]}\n\n",
          "start(,,) tool error(,,) chunk(58) end(0) ",
          "a tool call in an error");
}


static void
test_lists(void)
{
    check(0, "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\","
          "\"index\":0,\"embedding\":[-0.0069,1e-05,0,12,-0,0.5E+3]},{"
          "\"embedding\":[]}],\"model\":\"m\",\"usage\":{\"prompt_tokens\":8,"
          "\"total_tokens\":8}}\n",
          "start(,,) usage(8,8) chunk(38) end(2) chunk(2) ", "numbers");
    check(0, "{\"model\":\"m\",\"usage\":{\"prompt_tokens\":8},\"data\":[{"
          "\"embedding\":\"AAAAvwAAgD+/==\"}],\"object\":\"list\"}",
          "start(,,m) usage(8,-1) chunk(38) end(2) ", "base64");
    check(0, "{\"id\":\"r\",\"model\":\"m\",\"results\":[{\"flagged\":false,"
          "\"category_scores\":{\"a\":1e-6}}]}",
          "start(,r,m) chunk(18) end(2) ", "other results");
    check(0, "{\"data\":[]}", "start(,,) chunk(18) end(2) ", "an empty list");
    check(0, "{\"data\":[0.],\"usage\":{}}", "start(,,) broken chunk(98) "
          "end(0) ", "a number that is none");
    check(0, "{\"data\":null}", "broken chunk(80) end(0) ", "no list");
    check(1, "data: {\"data\":[1]}\n\n", "chunk(0) end(0) ", "in a stream");
}


/* the answer must not depend on what was in the memory before */

static void
test_memory(void)
{
    int                          i;
    answer_buf_t                 first;
    genai_openai_answer_t       *a;
    genai_answer_opts_t   opts = { .stream = 1, .choices = 2,
                                  .limit = 1000 };
    static const char            body[] = DELTA "data: {\"choices\":[{"
        "\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"1\"},"
        "\"index\":0,\"id\":\"x\"}]},\"index\":1}],\"usage\":{}}\n\n"
        "event: error\ndata: {\"code\":\"c\"}\n\ndata: " ERROR "\n\n";
    static const unsigned char   fill[] = { 0x00, 0xff, 0x5a };

    memset(&first, 0, sizeof(first));
    a = malloc(sizeof(genai_openai_answer_t));

    for (i = 0; i < 4; i++) {

        /* the last time in what the time before has left */

        if (i < 3) {
            memset(a, fill[i], sizeof(genai_openai_answer_t));
        }

        answer_reset(&one);
        genai_openai_answer_init(a, &opts, answer_event, &one);

        ok(genai_answer_feed(&a->base, (unsigned char *) body,
                                    sizeof(body) - 1) == 0
           && genai_answer_end(&a->base) == 0 && !one.bad, "round %d", i);

        if (i == 0) {
            answer_put(&first, one.log.data, one.log.len);

        } else {
            is_str(one.log.data, first.data, "is as the first");
        }
    }

    ok(sizeof(genai_openai_answer_t) <= 3648, "a decoder has %lu bytes",
       (unsigned long) sizeof(genai_openai_answer_t));

    free(first.data);
    free(a);
}


int
main(void)
{
    srand(1);

    test_whole();
    test_stream();
    test_pause();
    test_errors();
    test_lists();
    test_memory();

    answer_free(&one);
    answer_free(&two);
    free(told.words.data);

    return done_testing();
}
