/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Answers in OpenAI's dialect, as OpenAI sends them and as others do: the
 * events, every two-way split and random splits, hostile bodies, events of
 * 10 MB, the commit window's predicate, and encoding.
 */


#include "tap.h"
#include "answer.h"


/* the body of a chunk with one choice, and what surrounds it */

#define CHUNK(choices)  "data: {\"id\":\"c\",\"object\":"                     \
    "\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":["   \
    choices "]}\n\n"
#define DELTA(delta)  CHUNK("{\"index\":0,\"delta\":{" delta "},"             \
    "\"finish_reason\":null}")
#define STOP  CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}")
#define DONE  "data: [DONE]\n\n"
#define WHOLE(message)  "{\"id\":\"c\",\"object\":\"chat.completion\","       \
    "\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{" message "},"    \
    "\"finish_reason\":\"stop\"}]}"


static answer_told_t  one, two;


static void
splits(const char *body, size_t len, const genai_answer_opts_t *opts,
    const char *what)
{
    int     rc, rc2;
    size_t  i;

    rc = 0;

    for (i = 0; i < len + 40; i++) {

        answer_reset(i ? &two : &one);
        rc2 = answer_decode_cut(i ? &two : &one, (unsigned char *) body, len,
                                opts, i < len ? 0 : i - len + 1, i);

        if (i == 0) {
            rc = rc2;
            quiet_ok(!one.bad, "%s: line %u", what, one.bad);
            continue;
        }

        if (rc != rc2 || two.bad || one.log.len != two.log.len
            || memcmp(one.log.data, two.log.data, one.log.len) != 0)
        {
            is_mem(two.log.data, two.log.len, one.log.data, one.log.len,
                   "%s: cut at %lu of %lu, line %u", what, (unsigned long) i,
                   (unsigned long) len, two.bad);
            return;
        }
    }

    quiet_ok(1, "splits");
}


/* what an encoder keeps must be as written here; n choices were asked for */

static void
check(unsigned stream, unsigned n, const char *body, size_t len,
    const char *want, const char *what)
{
    genai_answer_opts_t  opts;

    opts.stream = stream;
    opts.choices = n;
    opts.limit = 0;

    splits(body, len, &opts, what);
    is_str(one.short_log.data, want, "%s", what);
}


#define sse(body, want, what)  check(1, 1, body, sizeof(body) - 1, want, what)
#define sse_n(n, body, want, what)                                            \
    check(1, n, body, sizeof(body) - 1, want, what)
#define json(body, want, what)  check(0, 1, body, sizeof(body) - 1, want, what)


static void
test_text(void)
{
    const char  *body = "{\"choices\":[{\"message\":{\"content\":\"b\"},"
                        "\"index\":1},{\"index\":0,\"message\":null}]}";

    sse(DELTA("\"role\":\"assistant\",\"content\":\"\"")
        DELTA("\"content\":\"Hel\"") DELTA("\"content\":\"lo \\ud83d\\ude00\"")
        STOP DONE,
        "\ntext 0 0 Hello \xf0\x9f\x98\x80\nfinish 0 0 1\nend 0 0 ", "a chat");
    sse(DELTA("\"role\":\"assistant\",\"content\":\"first\"") STOP,
        "\ntext 0 0 first\nfinish 0 0 1\nend 0 0 ",
        "content in the first chunk, no last word");
    sse("data: {\"choices\":[{\"text\":\"a\",\"index\":0}]}\n\n"
        "data: {\"choices\":[{\"text\":\"b\",\"index\":0,"
        "\"finish_reason\":\"length\"}]}\n\n" DONE,
        "\ntext 0 0 ab\nfinish 0 0 2\nend 0 0 ", "completions");
    sse(DELTA("\"content\":null,\"tool_calls\":null,\"function_call\":null,"
              "\"refusal\":null,\"audio\":null,\"reasoning\":null")
        CHUNK("null") CHUNK("{\"index\":0,\"delta\":null}")
        "data: null\n\ndata: {\"choices\":null,\"usage\":null,"
        "\"error\":null}\n\n" DONE,
        "\nend 0 0 ", "nothing but null");
    sse(DELTA("\"content\":[{\"type\":\"text\",\"text\":\"a\"},\"b\","
              "{\"type\":\"x\"},null,"
              "{\"type\":\"refusal\",\"refusal\":\"r\"}]"),
        "\ntext 0 0 ab\nrefusal 0 0 r\nend 0 0 ", "parts");
    sse(": ping\n\ndata:\n\n" DELTA("\"content\":\"a\"") "event: x\n\n"
        "data: {\"type\":\"ping\"}\n\n" STOP DONE "data: {\"x\"\n\n: bye\n\n",
        "\ntext 0 0 a\nfinish 0 0 1\nend 0 0 ",
        "comments, blanks, other events, bytes behind the end");
    sse("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\n\r\n"
        "data: {\"choices\":\rdata: [{\"delta\":{\"content\":\"b\"}}]}\r\r"
        "data:[DONE]\r\n\r\n", "\ntext 0 0 ab\nend 0 0 ",
        "all kinds of line ends, and a text in two lines");
    json(WHOLE("\"role\":\"assistant\",\"content\":\"Hello\""),
         "\ntext 0 0 Hello\nfinish 0 0 1\nend 0 0 ", "a whole answer");
    json(" \n" WHOLE("\"content\":null,\"refusal\":\"no\"") "\n",
         "\nrefusal 0 0 no\nfinish 0 0 1\nend 0 0 ", "a refusal");
    json("{\"choices\":[{\"text\":\"a\"},{\"text\":\"b\"}]}",
         "\ntext 0 0 a\ntext 1 0 b\nend 0 0 ", "choices without an index");
    check(0, 2, body, strlen(body), "\ntext 1 0 b\nend 0 0 ",
          "an index behind the message of a whole answer");
}


static void
test_choices(void)
{
    sse_n(2, CHUNK("{\"index\":1,\"delta\":{\"content\":\"b\"}},"
                   "{\"index\":0,\"delta\":{\"content\":\"a\"}}") DONE,
          "\ntext 1 0 b\ntext 0 0 a\nend 0 0 ", "two choices in a chunk");
    sse_n(2, CHUNK("{\"delta\":{\"content\":\"b\\n\",\"refusal\":\"r\"},"
                   "\"finish_reason\":\"stop\",\"index\":1}")
          CHUNK("{\"finish_reason\":\"stop\",\"delta\":{\"content\":\"a\"}}"),
          "\ntext 1 0 b\n\nrefusal 1 0 r\nfinish 1 0 1\ntext 0 0 a\n"
          "finish 0 0 1\nend 0 0 ", "the index last, or not at all");
    sse_n(2, CHUNK("{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":"
                   "\"{}\",\"name\":\"f\"},\"id\":\"i\",\"index\":1},{"
                   "\"function\":{\"arguments\":\"[]\"},\"index\":0}]},"
                   "\"index\":1}"),
          "\ntool 1 1 <><>1\narguments 1 1 {}\ntool 1 1 <i><f>0\n"
          "tool 1 0 <><>1\n"
          "arguments 1 0 []\nend 0 0 ",
          "all names in the order of the alphabet");
}


static void
test_reasoning(void)
{
    sse(DELTA("\"reasoning_content\":\"a\"") DELTA("\"reasoning\":\"b\"")
        DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":"
              "\"text\",\"text\":\"c\"}]}]")
        DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":\"d\"}]")
        DELTA("\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":"
              "\"e\"},{\"summary\":\"f\"},{\"data\":\"no\"}]"),
        "\nreasoning 0 0 abcdef\nend 0 0 ", "all its fields");
    sse(DELTA("\"reasoning\":\"a\",\"reasoning_details\":[{\"text\":\"a\"}],"
              "\"reasoning_content\":\"a\",\"content\":\"\""),
        "\nreasoning 0 0 a\nend 0 0 ", "the same in several");
    sse(DELTA("\"reasoning\":\"\",\"reasoning_details\":[{\"text\":\"a\"}]"),
        "\nreasoning 0 0 a\nend 0 0 ", "one of them empty");
}


static void
test_tools(void)
{
    sse(DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"x\",\"type\":"
              "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]")
        DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
              "\"{\\\"a\"}}]")
        DELTA("\"tool_calls\":[{\"index\":1,\"id\":\"y\",\"function\":{"
              "\"name\":\"g\",\"arguments\":\"\"}}]")
        DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
              "\"\\\":1}\"}},{\"index\":1,\"function\":{\"arguments\":"
              "\"[]\"}}]"),
        "\ntool 0 0 <x><f>1\narguments 0 0 {\"a\ntool 0 1 <y><g>1\n"
        "arguments 0 0 \":1}\narguments 0 1 []\nend 0 0 ", "as it should be");
    sse(DELTA("\"tool_calls\":[{\"id\":\"x\",\"function\":{\"name\":\"f\","
              "\"arguments\":\"1\"}},{\"id\":\"y\",\"function\":{\"name\":"
              "\"g\",\"arguments\":\"2\"}}]")
        DELTA("\"tool_calls\":[{\"id\":\"z\",\"function\":{\"name\":\"h\","
              "\"arguments\":\"3\"}}]")
        DELTA("\"tool_calls\":[{\"function\":{\"arguments\":\"4\"}}]"),
        "\ntool 0 0 <x><f>1\narguments 0 0 1\ntool 0 1 <y><g>1\n"
        "arguments 0 1 2\ntool 0 2 <z><h>1\narguments 0 2 34\nend 0 0 ",
        "no index");
    sse(DELTA("\"tool_calls\":[{\"function\":{\"name\":\"f\","
              "\"arguments\":\"1\"}},{\"function\":{\"name\":\"f\","
              "\"arguments\":\"2\"}}]"),
        "\ntool 0 0 <><f>1\narguments 0 0 1\ntool 0 1 <><f>1\n"
        "arguments 0 1 2\nend 0 0 ", "neither index nor id");
    sse(DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"x\",\"function\":{"
              "\"name\":\"f\",\"arguments\":\"1\"}}]")
        DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"y\",\"function\":{"
              "\"name\":\"g\",\"arguments\":\"2\"}}]")
        DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
              "\"3\"}}]"),
        "\ntool 0 0 <x><f>1\narguments 0 0 1\ntool 0 1 <y><g>1\n"
        "arguments 0 1 23\nend 0 0 ", "the same index for all");
    sse(DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"x\",\"function\":{"
              "\"name\":\"f\",\"arguments\":\"\"}}]")
        DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"x\",\"function\":{"
              "\"name\":\"f\",\"arguments\":\"{}\"}}]"),
        "\ntool 0 0 <x><f>1\narguments 0 0 {}\nend 0 0 ",
        "id and name once more");
    sse(DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"x\"}]")
        DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"x\",\"function\":{"
              "\"name\":\"f\"}}]"),
        "\ntool 0 0 <x><>1\ntool 0 0 <><f>0\nend 0 0 ", "the name late");
    sse(DELTA("\"tool_calls\":[{\"function\":{\"arguments\":\"{\\\"a\\\":1}\","
              "\"name\":\"f\"},\"id\":\"x\",\"index\":1}]"),
        "\ntool 0 1 <x><f>1\narguments 0 1 {\"a\":1}\nend 0 0 ",
        "the index last");
    sse(DELTA("\"tool_calls\":[{\"index\":0,\"id\":null,\"function\":null}]")
        DELTA("\"tool_calls\":[null,{}]")
        DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"name\":null,"
              "\"arguments\":null}}]"), "\nend 0 0 ", "nothing in it");
    sse(DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"x\",\"function\":{"
              "\"name\":\"f\",\"arguments\":{\"a\":[1,\"b\"]}}}]"),
        "\ntool 0 0 <x><f>1\narguments 0 0 {\"a\":[1,\"b\"]}\nend 0 0 ",
        "arguments that are no string");
    sse(DELTA("\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}")
        DELTA("\"function_call\":{\"arguments\":\"{}\"}")
        CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":"
              "\"function_call\"}"),
        "\ntool 0 0 <><f>1\narguments 0 0 {}\nfinish 0 0 3\nend 0 0 ",
        "a call before tools were");
    sse(DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"x\",\"type\":\"custom\","
              "\"custom\":{\"name\":\"f\",\"input\":\"a b\"}}]"),
        "\ntool 0 0 <x><f>1\narguments 0 0 a b\nend 0 0 ", "a custom tool");
    json(WHOLE("\"content\":null,\"tool_calls\":[{\"id\":\"x\",\"function\":{"
               "\"name\":\"f\",\"arguments\":\"1\"}},{\"index\":0,\"function\":"
               "{\"arguments\":\"2\",\"name\":\"g\"},\"id\":\"y\"}]"),
         "\ntool 0 0 <x><f>1\narguments 0 0 1\ntool 0 1 <><>1\n"
         "arguments 0 1 2\ntool 0 1 <y><g>0\nfinish 0 0 1\nend 0 0 ",
         "in a whole answer");
}


static void
test_usage(void)
{
    sse(DELTA("\"content\":\"a\"") STOP
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,"
        "\"completion_tokens\":5,\"total_tokens\":14,"
        "\"prompt_tokens_details\":{\"cached_tokens\":4,\"x\":1},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":2}}}\n\n" DONE,
        "\ntext 0 0 a\nfinish 0 0 1\nusage 0 0 9 4 5 2 14\nend 0 0 ",
        "in the last chunk");
    sse("data: {\"usage\":null,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}"
        "\n\ndata: {\"usage\":{\"prompt_tokens\":1,\"total_tokens\":2},"
        "\"choices\":[{\"delta\":{},\"usage\":{\"prompt_tokens\":7}}]}\n\n",
        "\ntext 0 0 a\nusage 0 0 1 -1 -1 -1 2\nend 0 0 ", "in every chunk");
    sse("data: {\"choices\":[{\"delta\":{},\"usage\":{\"prompt_tokens\":7,"
        "\"completion_tokens\":1,\"cached_tokens\":3}}]}\n\n",
        "\nusage 0 0 7 3 1 -1 8\nend 0 0 ", "in a choice");
    sse("data: {\"choices\":[],\"x_groq\":{\"usage\":{\"prompt_tokens\":7}},"
        "\"usage\":{}}\n\n"
        "data: {\"x_groq\":{\"usage\":{\"prompt_tokens\":8}}}\n\n",
        "\nusage 0 0 7 -1 -1 -1 -1\nusage 0 0 8 -1 -1 -1 -1\nend 0 0 ",
        "in x_groq");
    sse("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12.0,"
        "\"completion_tokens\":-1,\"total_tokens\":1e3,"
        "\"prompt_cache_hit_tokens\":5,\"prompt_tokens_details\":null,"
        "\"completion_tokens_details\":{\"reasoning_tokens\":"
        "99999999999999999999}}}\n\n",
        "\nusage 0 0 12 5 -1 -1 -1\nend 0 0 ", "numbers that are none");
    json("{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":"
         "9223372036854775807},\"choices\":[{\"text\":\"a\"}]}",
         "\ntext 0 0 a\nusage 0 0 1 -1 9223372036854775807 -1 -1\nend 0 0 ",
         "in a whole answer");
}


static void
test_finish(void)
{
    sse(CHUNK("{\"index\":0,\"finish_reason\":\"\",\"delta\":{\"content\":"
              "\"a\"}}")
        CHUNK("{\"finish_reason\":\"tool_calls\",\"delta\":{\"content\":"
              "\"b\"}}")
        CHUNK("{\"finish_reason\":\"tool_calls\",\"delta\":{}}"),
        "\ntext 0 0 ab\nfinish 0 0 3\nend 0 0 ",
        "empty, before the text, and twice");
    sse(CHUNK("{\"finish_reason\":\"odd\\u0021\"}"),
        "\nfinish 0 0 odd!\nend 0 0 ", "another word");
}


static void
test_message(void)
{
    sse(CHUNK("{\"message\":{\"content\":\"a\"},\"delta\":{\"content\":"
              "\"a\"}}")
        CHUNK("{\"message\":{\"content\":\"a b\"},\"delta\":{\"content\":"
              "\" b\"}}")
        CHUNK("{\"message\":{\"content\":\"a b\"},\"delta\":{\"content\":"
              "\"\"},\"finish_reason\":\"stop\"}"),
        "\ntext 0 0 a b\nfinish 0 0 1\nend 0 0 ", "beside every delta");
    sse(CHUNK("{\"message\":{\"content\":\"a\\nb\",\"reasoning\":\"c\"},"
              "\"finish_reason\":\"stop\"}"),
        "\ntext 0 0 a\nb\nreasoning 0 0 c\nfinish 0 0 1\nend 0 0 ",
        "alone in a stream");
    json("{\"choices\":[{\"message\":{\"content\":\"a\"},\"delta\":{"
         "\"content\":\"a\"}}]}", "\ntext 0 0 a\nend 0 0 ",
         "with a delta in a whole answer");
}


static void
test_errors(void)
{
    sse("data: {\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":429}}"
        "\n\n", "\nerror 0 0 m<429><t>0\nend 0 0 ", "an error event");
    sse("event: error\ndata: {\"error\":\"m\"}\n\n",
        "\nerror 0 0 m<><>0\nend 0 0 ", "a string");
    sse("event: error\ndata: overloaded\n\n", "\nerror 0 0 <><>0\nend 0 0 ",
        "in its name only");
    sse(DELTA("\"content\":\"a\"")
        "data: {\"error\":{\"code\":502,\"message\":\"m\"},\"choices\":[{"
        "\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n",
        "\ntext 0 0 a\nerror 0 0 m<502><>0\nfinish 0 0 5\nend 0 0 ",
        "in the middle");
    sse(CHUNK("{\"error\":{\"message\":\"m\"},\"delta\":{}}"),
        "\nerror 0 0 m<><>0\nend 0 0 ", "in a choice");
    sse("data: {\"error\":{},\"choices\":[]}\n\ndata: {\"error\":false}\n\n"
        "data: {\"error\":\"\"}\n\ndata: {\"error\":0}\n\n", "\nend 0 0 ",
        "none");
    sse("{\"error\":{\"message\":\"m\",\"type\":null,\"code\":\"c\"}}\n",
        "\nerror 0 0 m<c><>0\nend 0 0 ", "a body of JSON instead of a stream");
    json("{\"object\":\"error\",\"message\":\"m\",\"type\":\"t\",\"code\":"
         "400}", "\nerror 0 0 m<400><t>0\nend 0 0 ", "flat");
    json("{\"detail\":\"m\"}", "\nerror 0 0 m<><>0\nend 0 0 ", "a detail");
    json("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n" DONE,
         "\ntext 0 0 a\nend 0 0 ", "a stream that nobody asked for");
}


/* the whole log, where what is kept does not tell */

static int
logged(const char *body, unsigned stream, const char *what)
{
    genai_answer_opts_t  opts = { .stream = 0, .choices = 1 };

    opts.stream = stream;
    splits(body, strlen(body), &opts, what);

    return strstr(one.log.data, what) != NULL;
}


static void
test_broken(void)
{
    ok(logged(DELTA("\"content\":\"a") STOP, 1,
              "\"a string has a raw control character\"")
       || logged(DELTA("\"content\":\"a"), 1, "\"a comma is missing\""),
       "a text that is not closed");
    ok(logged("data: {\"choices\":[\n\n", 1, "\"the text is not complete\""),
       "a text that is cut");
    ok(logged("data: [1]\n\n" STOP, 1, "\"an object is expected\""),
       "an array");
    ok(logged("data: [DONE] x\n\n", 1, "\"an object is expected\""),
       "more than the last word");
    ok(logged("data: [DON\n\n", 1, "\"an object is expected\""),
       "less than the last word");
    ok(logged("data: hello\n\n", 1, "\"an object is expected\""), "a word");
    ok(logged("<html>", 0, "\"an object is expected\""), "a page");
    ok(logged("", 0, "\"the text is empty\""), "no body");
    ok(logged("{\"choices\":[]}", 0, "\"there are no choices\""),
       "no choices");
    ok(logged("{\"choices\":[{\"text\":\"a\"}", 0,
              "\"the text is not complete\""), "a body that is cut");
    ok(logged(CHUNK("{\"index\":65536}"), 1, "\"an index is out of range\""),
       "an index");
    ok(logged(DELTA("\"tool_calls\":[{\"index\":-1}]"), 1,
              "\"an index is out of range\""), "another");
    ok(logged(CHUNK("{\"finish_reason\":\"0123456789012345678901234567890123"
                    "456789012345678901234567890123456789\"}"), 1,
              "\"a finish_reason is too long\""), "a long finish_reason");

    ok(logged(DELTA("\"content\":\"a\"") "data: {\"x\":}\n\n"
              DELTA("\"content\":\"b\"") STOP DONE, 1,
              "\"a value is expected\""), "a broken event in the middle");
    is_str(one.short_log.data, "\ntext 0 0 ab\nfinish 0 0 1\nend 0 0 ",
           "costs that event");

    ok(logged(STOP "data: {\"choices\":[{\"delta\":{\"content\":\"x", 1,
              "end=0 chunk=0"), "cut in an event behind the end");
    ok(logged(DELTA("\"content\":\"a\""), 1, "end=0"), "cut before the end");
    ok(logged(STOP, 1, "end=1"), "no last word");
    ok(logged(STOP "data: [DONE]", 1, "end=2"), "a last word without an end");
    ok(logged(STOP DONE, 1, "end=2"), "the end");
}


static void
test_large(void)
{
    int                         rc;
    size_t                      i, k;
    unsigned char               piece[1024];
    genai_openai_answer_t       a;
    genai_answer_opts_t  opts = { .stream = 1, .choices = 1 };

    static const char  *starts[] = {
        "data: {\"choices\":[{\"delta\":{\"content\":\"",
        "data: {\"choices\":[{\"delta\":{\"images\":[{\"url\":\"",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{"
            "\"arguments\":\"",
        "data: {\"choices\":[{\"message\":{\"content\":\"",
        ": ", "data: {\"error\":{\"message\":\"", "event: "
    };
    static const char  *ends[] = {
        "\"}}]}\n\n", "\"}]}}]}\n\n", "\"}}]}}]}\n\n", "\"}}]}\n\n", "\n\n",
        "\"}}\n\n", "\n\n"
    };

    memset(piece, 'x', sizeof(piece));

    for (k = 0; k < 7; k++) {
        answer_reset(&one);
        one.quiet = 1;
        genai_openai_answer_init(&a, &opts, answer_event, &one);

        rc = genai_answer_feed(&a.base, (unsigned char *) starts[k],
                                      strlen(starts[k]));

        for (i = 0; i < 10240 && rc == 0; i++) {
            rc = genai_answer_feed(&a.base, piece, sizeof(piece));
        }

        rc |= genai_answer_feed(&a.base, (unsigned char *) ends[k],
                                       strlen(ends[k]));
        rc |= genai_answer_feed(&a.base, (unsigned char *) STOP DONE,
                                       sizeof(STOP DONE) - 1);
        rc |= genai_answer_end(&a.base);

        ok(rc == 0 && !one.bad && one.ends == 1, "10 MB behind %s",
           starts[k]);

        if (k == 0 || k == 2 || k == 3) {
            is_int(one.bytes, 10485764, "are all told");
        }
    }

    opts.limit = 1 << 20;
    answer_reset(&one);
    genai_openai_answer_init(&a, &opts, answer_event, &one);
    rc = genai_answer_feed(&a.base, (unsigned char *) starts[0],
                                  strlen(starts[0]));

    for (i = 0; i < 10240 && rc == 0; i++) {
        rc = genai_answer_feed(&a.base, piece, sizeof(piece));
    }

    ok(rc == -1 && i == 1024, "but for a limit");
    ok(strstr(one.log.data, "\"an event is too large\"") != NULL,
       "which is told");
    is_int(genai_answer_feed(&a.base, piece, 1), -1, "and stays so");
}


static void
test_stop(void)
{
    unsigned                    n;
    static const char           body[] = DELTA("\"content\":\"a\",\"refusal\":"
                                               "\"b\"") STOP DONE;
    genai_answer_opts_t  opts = { .stream = 1, .choices = 1 };

    for (n = 1; n < 20; n++) {
        answer_reset(&one);
        one.stop = n;

        if (answer_decode(&one, (unsigned char *) body, sizeof(body) - 1,
                          &opts, n % 3) == 0)
        {
            break;
        }
    }

    is_int(n, 9, "the handler can stop at every event");
}


static int
on_pause(void *ctx, genai_event_t *e)
{
    return (e->type == GENAI_EVENT_CHUNK);
}


static void
test_pause(void)
{
    size_t                      n, at;
    unsigned                    pauses;
    static const char           body[] = DELTA("\"content\":\"a\"") STOP DONE;
    genai_openai_answer_t       a;
    genai_answer_opts_t  opts = { .stream = 1, .choices = 1 };

    genai_openai_answer_init(&a, &opts, on_pause, NULL);

    n = sizeof(body) - 1;
    pauses = 0;

    for (at = 0; at < n; at = a.base.offset) {
        pauses += genai_answer_feed(&a.base, (unsigned char *) body + at,
                                           n - at);
        quiet_ok(a.base.offset > at, "it gets on");
    }

    is_int(pauses, 3, "pauses behind every chunk");
    is_int(genai_answer_end(&a.base), 0, "and ends");
}


/* a chunk's flags, and when the window closes */

typedef struct {
    unsigned  flags[8];
    unsigned  n;
} flags_t;


static int
on_flags(void *ctx, genai_event_t *e)
{
    flags_t  *f = ctx;

    if (e->type == GENAI_EVENT_CHUNK && f->n < 8) {
        f->flags[f->n++] = e->chunk;
    }

    return 0;
}


static unsigned
flags_of(const char *body)
{
    static flags_t              f;
    genai_openai_answer_t       a;
    genai_answer_opts_t  opts = { .stream = 1, .choices = 1 };

    memset(&f, 0, sizeof(f));
    genai_openai_answer_init(&a, &opts, on_flags, &f);
    (void) genai_answer_feed(&a.base, (unsigned char *) body, strlen(body));
    (void) genai_answer_end(&a.base);

    return f.flags[0];
}


static void
test_meaningful(void)
{
    size_t  i;

    static const char  *yes[] = {
        DELTA("\"content\":\"a\""), DELTA("\"reasoning_content\":\"a\""),
        DELTA("\"reasoning\":\"a\""), DELTA("\"refusal\":\"a\""), STOP,
        DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\"}]"),
        DELTA("\"function_call\":{\"name\":\"f\"}"),
        DELTA("\"audio\":{\"id\":\"a\",\"transcript\":\"b\"}"),
        DELTA("\"audio\":{\"data\":\"b\"}"), DELTA("\"images\":[{}]"),
        CHUNK("{\"text\":\"a\"}"),
        CHUNK("{\"message\":{\"content\":\"a\"}}")
    };
    static const char  *no[] = {
        DELTA("\"role\":\"assistant\""),
        DELTA("\"role\":\"assistant\",\"content\":\"\""),
        DELTA("\"content\":null"), DELTA("\"tool_calls\":[]"),
        DELTA("\"audio\":{\"id\":\"a\",\"data\":\"\"}"),
        ": ping\n\n", DONE, "data: {\"error\":{\"message\":\"m\"}}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n",
        CHUNK("{\"delta\":{},\"finish_reason\":\"\"}"),
        CHUNK("{\"delta\":{},\"finish_reason\":\"error\"}"),
        "data: {\"choices\":[],\"prompt_filter_results\":[{\"x\":1}]}\n\n"
    };

    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        ok(flags_of(yes[i]) & GENAI_CHUNK_MEANINGFUL, "meaningful: %s",
           yes[i]);
    }

    for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        ok(!(flags_of(no[i]) & GENAI_CHUNK_MEANINGFUL), "not yet: %s", no[i]);
    }

    ok(genai_chunk_is_usage(flags_of(no[8])), "a chunk of usage");
    ok(!genai_chunk_is_usage(flags_of(no[0])), "is told from others");
    ok(!genai_chunk_is_usage(flags_of("data: {\"choices\":[{\"delta\":{}}],"
                                      "\"usage\":{\"total_tokens\":1}}\n\n")),
       "and from one that has choices");
    is_int(flags_of("data: [DONE]"), GENAI_CHUNK_DATA|GENAI_CHUNK_DONE
                                     |GENAI_CHUNK_INCOMPLETE, "the last word");
    is_int(flags_of(": ping\n\n"), 0, "a comment");
}


/* encoding: bytes that are known, and what is decoded of them again */

static answer_buf_t  bytes;
static unsigned      fail_alloc;


static int
on_write(void *ctx, const unsigned char *p, size_t n)
{
    answer_put(&bytes, p, n);

    return ctx != NULL;
}


static void *
on_alloc(void *ctx, void *p, size_t old, size_t size)
{
    if (size == 0) {
        free(p);
        return NULL;
    }

    if (fail_alloc && --fail_alloc == 0) {
        return NULL;
    }

    return realloc(p, size);
}


static genai_openai_stream_t  stream;
static genai_whole_t   whole;


static int
on_stream(void *ctx, genai_event_t *e)
{
    return genai_openai_stream_event(&stream, e);
}


static int
on_whole(void *ctx, genai_event_t *e)
{
    return genai_whole_event(&whole, e);
}


static int
encode(const char *body, unsigned as_stream, unsigned text, size_t limit)
{
    int                         rc;
    genai_answer_head_t         head = {
        genai_str("i\"d"), genai_str("m"), 7, 0, 1, -1 };
    genai_openai_answer_t       a;
    genai_answer_opts_t         opts = { .stream = 0, .choices = 2 };

    head.text = text;
    bytes.len = 0;
    answer_put(&bytes, "", 0);

    genai_openai_stream_init(&stream, &head, on_write, NULL);
    genai_whole_init(&whole, &head, limit, on_alloc, NULL);
    genai_openai_answer_init(&a, &opts, as_stream ? on_stream : on_whole,
                             NULL);

    rc = genai_answer_feed(&a.base, (unsigned char *) body, strlen(body))
         || genai_answer_end(&a.base);

    if (!as_stream) {
        rc = rc || genai_openai_whole_write(&whole, on_write, NULL);
        genai_whole_free(&whole);
    }

    return rc;
}


#define HEAD   "{\"id\":\"i\\\"d\",\"object\":\"chat.completion.chunk\","     \
    "\"created\":7,\"model\":\"m\",\"choices\":["
#define TAIL   ",\"logprobs\":null,\"finish_reason\":null}]}\n\n"


static void
test_encode(void)
{
    char          *large;
    size_t         i;
    unsigned       n;
    static char    text[4096];

    encode("{\"choices\":[{\"message\":{\"content\":\"a\\n\\\"\","
           "\"reasoning\":\"t\",\"tool_calls\":[{\"id\":\"x\",\"function\":{"
           "\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":"
           "\"tool_calls\"}],\"usage\":{\"prompt_tokens\":1,"
           "\"completion_tokens\":2,\"prompt_tokens_details\":{"
           "\"cached_tokens\":0}}}", 1, 0, 0);
    is_str(bytes.data,
           "data: " HEAD "{\"index\":0,\"delta\":{\"role\":\"assistant\","
           "\"content\":\"a\\n\\\"\"}" TAIL
           "data: " HEAD "{\"index\":0,\"delta\":{\"reasoning_content\":"
           "\"t\"}" TAIL
           "data: " HEAD "{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":"
           "0,\"id\":\"x\",\"type\":\"function\",\"function\":{\"name\":\"f\","
           "\"arguments\":\"\"}}]}" TAIL
           "data: " HEAD "{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":"
           "0,\"function\":{\"arguments\":\"{}\"}}]}" TAIL
           "data: " HEAD "{\"index\":0,\"delta\":{},\"logprobs\":null,"
           "\"finish_reason\":\"tool_calls\"}]}\n\n"
           "data: " HEAD "],\"usage\":{\"prompt_tokens\":1,"
           "\"completion_tokens\":2,\"total_tokens\":3,"
           "\"prompt_tokens_details\":{\"cached_tokens\":0}}}\n\n" DONE,
           "a whole answer as a stream");

    encode(DELTA("\"content\":\"a\"") DELTA("\"content\":\"b\"")
           DELTA("\"tool_calls\":[{\"index\":1,\"id\":\"y\",\"function\":{"
                 "\"name\":\"g\",\"arguments\":\"1\"}}]")
           DELTA("\"tool_calls\":[{\"function\":{\"arguments\":\"2\","
                 "\"name\":\"f\"},\"index\":0,\"id\":\"x\"}]") STOP DONE,
           0, 0, 1000);
    is_str(bytes.data,
           "{\"id\":\"i\\\"d\",\"object\":\"chat.completion\",\"created\":7,"
           "\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
           "\"assistant\",\"content\":\"ab\",\"refusal\":null,\"tool_calls\":"
           "[{\"id\":\"x\",\"type\":\"function\",\"function\":{\"name\":\"f\","
           "\"arguments\":\"2\"}},{\"id\":\"y\",\"type\":\"function\","
           "\"function\":{\"name\":\"g\",\"arguments\":\"1\"}}]},\"logprobs\":"
           "null,\"finish_reason\":\"stop\"}]}", "a stream as a whole answer");

    encode("{\"choices\":[{\"text\":\"b\",\"index\":1},{\"text\":\"a\","
           "\"index\":0,\"finish_reason\":\"length\"}]}", 0, 1, 1000);
    is_str(bytes.data,
           "{\"id\":\"i\\\"d\",\"object\":\"text_completion\",\"created\":7,"
           "\"model\":\"m\",\"choices\":[{\"index\":0,\"text\":\"a\","
           "\"logprobs\":null,\"finish_reason\":\"length\"},{\"index\":1,"
           "\"text\":\"b\",\"logprobs\":null,\"finish_reason\":null}]}",
           "completions");

    encode(DELTA("\"content\":\"a\"")
           "data: {\"error\":{\"message\":\"m\",\"code\":5}}\n\n", 0, 0, 1000);
    is_str(bytes.data, "{\"error\":{\"message\":\"m\",\"type\":null,"
           "\"param\":null,\"code\":\"5\"}}", "an error");

    encode(DELTA("\"content\":\"a\"")
           "data: {\"error\":{\"message\":\"m\",\"code\":5}}\n\n", 1, 0, 0);
    ok(strstr(bytes.data, "data: {\"error\":{\"message\":\"m\"") != NULL
       && strstr(bytes.data, "[DONE]") == NULL,
       "an error in a stream, and no last word");

    /* a long text of characters of three bytes, escaped in pieces */

    for (i = 0; i < 1000; i++) {
        memcpy(text + 3 * i, "\xe2\x82\xac", 3);
    }

    large = malloc(8192);
    sprintf(large, "{\"choices\":[{\"text\":\"%s\"}]}", text);
    is_int(encode(large, 0, 1, 1 << 20), 0, "a long text");
    ok(strstr(bytes.data, text) != NULL, "stays whole");

    n = 8 * sizeof(genai_whole_slot_t) + 3000;

    is_int(encode(large, 0, 1, n), 0, "with as much memory as it takes");
    ok(encode(large, 0, 1, n - 1) != 0, "and not with less");

    for (n = 1; n < 20; n++) {
        fail_alloc = n;

        if (encode(large, 0, 1, 1 << 20) == 0) {
            break;
        }
    }

    fail_alloc = 0;
    ok(n > 1, "no memory is an error");

    free(large);

    stream.rc = 0;
    bytes.len = 0;
}


/* bodies made of good ones by damaging them */

static void
test_random(void)
{
    size_t                      i, k, len;
    unsigned                    r;
    char                       *body;
    genai_answer_opts_t  opts = { .stream = 1, .choices = 2 };

    static const char  *bodies[] = {
        DELTA("\"role\":\"assistant\",\"content\":\"a\\u00e4\"") STOP DONE,
        CHUNK("{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":"
              "\"{\\n}\",\"name\":\"f\"},\"id\":\"x\",\"index\":1}],"
              "\"reasoning\":\"b\"},\"index\":1,\"finish_reason\":\"stop\"}"),
        CHUNK("{\"message\":{\"content\":\"a\xc3\xa4\"},\"delta\":{"
              "\"content\":[{\"text\":\"c\"}]}}") "data: {\"error\":{"
        "\"message\":\"m\"},\"usage\":{\"total_tokens\":5}}\r\n\r\n"
    };

    for (i = 0; i < 1500; i++) {
        body = strdup(bodies[i % 3]);
        len = strlen(body);

        for (k = 0; k < 1 + i % 4; k++) {
            r = rand() % len;
            body[r] = (rand() % 2) ? rand() : "{}[],:\"\\\n\re1 u"
                                              [rand() % 14];
        }

        opts.stream = rand() % 4 != 0;

        answer_reset(&one);
        (void) answer_decode(&one, (unsigned char *) body, len, &opts, 0);

        for (k = 1; k < 5; k++) {
            answer_reset(&two);
            (void) answer_decode(&two, (unsigned char *) body, len, &opts,
                                 k * k);

            if (!quiet_ok(!one.bad && !two.bad && one.log.len == two.log.len
                          && memcmp(one.log.data, two.log.data, one.log.len)
                             == 0, "damaged: line %u, %u", one.bad, two.bad))
            {
                diag("%s", body);
                diag("%s", one.log.data);
                diag("%s", two.log.data);
            }
        }

        free(body);
    }
}


int
main(void)
{
    srand(1);

    test_text();
    test_choices();
    test_reasoning();
    test_tools();
    test_usage();
    test_finish();
    test_message();
    test_errors();
    test_broken();
    test_large();
    test_stop();
    test_pause();
    test_meaningful();
    test_encode();
    test_random();

    diag("a decoder has %u bytes, an encoder %u",
         (unsigned) sizeof(genai_openai_answer_t),
         (unsigned) sizeof(genai_openai_stream_t));

    answer_free(&one);
    answer_free(&two);
    free(bytes.data);

    return done_testing();
}
