/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Answers of the Responses API, as OpenAI sends them and as others do: the
 * events, every two-way split and random splits, hostile bodies, and what has
 * been recorded of many providers.
 */


#include "tap.h"
#include "genai_responses_answer.h"

#define ANSWER_T     genai_responses_answer_t
#define ANSWER_INIT  genai_responses_answer_init

#include "answer.h"

#include <glob.h>
#include <jansson.h>


#define EV(type, rest)                                                        \
    "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"
#define CREATED  EV("response.created", ",\"response\":{\"id\":\"resp_1\","   \
    "\"object\":\"response\",\"status\":\"in_progress\",\"error\":null,"      \
    "\"model\":\"m\",\"output\":[],\"usage\":null}")
#define ADDED(n, item)  EV("response.output_item.added",                      \
    ",\"item\":{" item "},\"output_index\":" n)
#define ITEM_DONE(n, item)  EV("response.output_item.done",                   \
    ",\"item\":{" item "},\"output_index\":" n)
#define TEXT(n, text)  EV("response.output_text.delta",                       \
    ",\"content_index\":0,\"delta\":\"" text "\",\"output_index\":" n)
#define ARGS(n, text)  EV("response.function_call_arguments.delta",           \
    ",\"delta\":\"" text "\",\"item_id\":\"fc_" n "\",\"output_index\":" n)
#define COMPLETED(output)  EV("response.completed",                           \
    ",\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"error\":"    \
    "null,\"incomplete_details\":null,\"model\":\"m\",\"output\":[" output    \
    "],\"usage\":{\"input_tokens\":10,\"input_tokens_details\":"              \
    "{\"cached_tokens\":4},\"output_tokens\":7,\"output_tokens_details\":"    \
    "{\"reasoning_tokens\":3},\"total_tokens\":17}}")
#define MESSAGE(text)                                                         \
    "\"id\":\"msg_0\",\"type\":\"message\",\"status\":\"completed\","         \
    "\"content\":[{\"type\":\"output_text\",\"annotations\":[],"              \
    "\"text\":\"" text "\"}],\"role\":\"assistant\""
#define CALL(n, args)                                                         \
    "\"id\":\"fc_" n "\",\"type\":\"function_call\",\"status\":"              \
    "\"completed\",\"arguments\":\"" args "\",\"call_id\":\"call_" n          \
    "\",\"name\":\"f" n "\""
#define WHOLE(status, output)                                                 \
    "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"" status "\","   \
    "\"error\":null,\"model\":\"m\",\"output\":[" output "],\"text\":"        \
    "{\"format\":{\"type\":\"text\"}}}"

#define DONE_USAGE(finish)                                                    \
    "\nfinish 0 0 " finish "\nusage 0 0 10 4 7 3 17\nend 0 0 "


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


/* what an encoder keeps must be as written here */

static void
check(unsigned stream, const char *body, size_t len, const char *want,
    const char *what)
{
    genai_answer_opts_t  opts = { .stream = stream, .choices = 1 };

    splits(body, len, &opts, what);
    is_str(one.short_log.data, want, "%s", what);
}


#define sse(body, want, what)   check(1, body, sizeof(body) - 1, want, what)
#define json(body, want, what)  check(0, body, sizeof(body) - 1, want, what)


static unsigned
count(const char *text)
{
    unsigned     n;
    const char  *p;

    for (n = 0, p = one.log.data; (p = strstr(p, text)) != NULL; p++) {
        n++;
    }

    return n;
}


static void
test_text(void)
{
    sse(CREATED EV("response.in_progress", ",\"response\":{\"id\":\"resp_1\"}")
        ADDED("0", "\"id\":\"msg_0\",\"type\":\"message\",\"content\":[]")
        EV("response.content_part.added", ",\"content_index\":0,\"part\":"
           "{\"type\":\"output_text\",\"annotations\":[],\"text\":\"\"}")
        TEXT("0", "Hel") TEXT("0", "lo \\ud83d\\ude00")
        EV("response.output_text.done", ",\"output_index\":0,"
           "\"text\":\"Hello \\ud83d\\ude00\"")
        EV("response.content_part.done", ",\"part\":{\"type\":\"output_text\","
           "\"text\":\"Hello \\ud83d\\ude00\"}")
        ITEM_DONE("0", MESSAGE("Hello \\ud83d\\ude00"))
        COMPLETED("{" MESSAGE("Hello \\ud83d\\ude00") "}"),
        "\ntext 0 0 Hello \xf0\x9f\x98\x80" DONE_USAGE("1"),
        "a text, said five times");
    is_int(count("text 0.0 f1 c1 j1"), 4, "four of them are copies");
    is_int(count("start 0.0 f0 c0 j0"), 1, "one start");
    is_int(count("item 0.0 f0 c0 j0"), 2, "its item is told twice");
    is_int(count("id=<msg_0>"), 2, "by its id");
    ok(strstr(one.log.data, "id=<resp_1> name=<m>") != NULL,
       "which has an id and a model");
    ok(strstr(one.log.data, "end=2") != NULL, "ended with its last word");

    sse(TEXT("0", "a") COMPLETED(""), "\ntext 0 0 a" DONE_USAGE("1"),
        "nothing but a delta");
    sse(CREATED COMPLETED("{" MESSAGE("late") "}"),
        "\ntext 0 0 late" DONE_USAGE("1"),
        "a text that only the last event tells");
    sse(CREATED ITEM_DONE("0", MESSAGE("done"))
        COMPLETED("{" MESSAGE("done") "}"),
        "\ntext 0 0 done" DONE_USAGE("1"), "and one that its item does");
    sse(": ping\n\n" CREATED ADDED("0", "\"type\":\"message\"")
        TEXT("0", "cut"), "\ntext 0 0 cut\nend 0 0 ", "no last word");
    ok(strstr(one.log.data, "end=0") != NULL, "is cut");
    sse(CREATED TEXT("0", "a") COMPLETED("") "data: [DONE]\n\n: x\n\n"
        TEXT("0", "behind"), "\ntext 0 0 a" DONE_USAGE("1"),
        "another dialect's last word, and more, behind the end");

    json(WHOLE("completed", "{" MESSAGE("Hello") "}"),
         "\ntext 0 0 Hello\nfinish 0 0 1\nend 0 0 ", "a JSON answer");
    is_int(count("id=<msg_0>"), 1, "its item is told");
    json("{\"output\":[{" MESSAGE("Hello") "}],\"status\":\"completed\","
         "\"model\":\"m\",\"id\":\"resp_1\"}",
         "\ntext 0 0 Hello\nfinish 0 0 1\nend 0 0 ", "its id stands last");
    is_int(count("start 0.0 f0 c0 j0"), 1, "it starts once");
    is_int(count("start 0.0 f0 c1 j0"), 1, "and tells its id later");
    is_int(count("id=<resp_1> name=<m>"), 1, "which it is");
    json(WHOLE("incomplete", "{" MESSAGE("Hel") "}"),
         "\ntext 0 0 Hel\nfinish 0 0 2\nend 0 0 ", "an incomplete one");
    json("{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":"
         "\"content_filter\"},\"output\":[]}",
         "\nfinish 0 0 4\nend 0 0 ", "one that was filtered");
    json(WHOLE("queued", ""), "\nfinish 0 0 queued\nend 0 0 ",
         "one in the background");
    json("{\"object\":\"response.input_tokens\",\"input_tokens\":12}",
         "\nusage 0 0 12 -1 -1 -1 -1\nend 0 0 ", "a number of tokens");
    ok(strstr(one.log.data, "end=2") != NULL, "is an answer");
    json("{\"output\":[{\"content\":[{\"refusal\":\"no\",\"type\":"
         "\"refusal\"}],\"type\":\"message\"}],\"status\":\"completed\"}",
         "\nrefusal 0 0 no\nfinish 0 0 1\nend 0 0 ", "a refusal");
}


static void
test_order(void)
{
    /* names in the order of the alphabet */

    sse("data: {\"response\":{\"id\":\"r\",\"model\":\"m\",\"output\":[],"
        "\"status\":\"in_progress\"},\"type\":\"response.created\"}\n\n"
        "data: {\"item\":{\"id\":\"x\",\"summary\":[],\"type\":\"reasoning\"}"
        ",\"output_index\":0,\"type\":\"response.output_item.added\"}\n\n"
        "data: {\"content_index\":0,\"delta\":\"think\",\"output_index\":0,"
        "\"type\":\"response.reasoning_text.delta\"}\n\n"
        "data: {\"content_index\":0,\"output_index\":0,\"text\":\"think\","
        "\"type\":\"response.reasoning_text.done\"}\n\n"
        "data: {\"item\":{\"content\":[{\"text\":\"think\",\"type\":"
        "\"reasoning_text\"}],\"id\":\"x\",\"summary\":[],\"type\":"
        "\"reasoning\"},\"output_index\":0,"
        "\"type\":\"response.output_item.done\"}\n\n"
        "data: {\"item\":{\"content\":[],\"id\":\"y\",\"type\":\"message\"},"
        "\"output_index\":1,\"type\":\"response.output_item.added\"}\n\n"
        "data: {\"delta\":\"say\",\"output_index\":1,"
        "\"type\":\"response.output_text.delta\"}\n\n"
        "data: {\"item\":{\"content\":[{\"annotations\":[],\"text\":\"say\","
        "\"type\":\"output_text\"}],\"id\":\"y\",\"type\":\"message\"},"
        "\"output_index\":1,\"type\":\"response.output_item.done\"}\n\n"
        "data: {\"item\":{\"arguments\":\"{}\",\"call_id\":\"c\",\"id\":\"z\","
        "\"name\":\"f\",\"type\":\"function_call\"},\"output_index\":2,"
        "\"type\":\"response.output_item.done\"}\n\n"
        "data: {\"response\":{\"output\":[],\"status\":\"completed\"},"
        "\"type\":\"response.completed\"}\n\n",
        "\nreasoning 0 0 think\ntext 0 0 say\ntool 0 0 <c><f>1"
        "\narguments 0 0 {}\nfinish 0 0 3\nend 0 0 ",
        "types behind what they are of");

    /* ids that are others in each event */

    sse(ADDED("0", "\"id\":\"a1\",\"type\":\"message\"")
        EV("response.output_text.delta", ",\"item_id\":\"a2\",\"delta\":\"x\","
           "\"output_index\":0")
        EV("response.output_text.done", ",\"item_id\":\"a3\",\"text\":\"x\","
           "\"output_index\":0")
        EV("response.output_item.done", ",\"item\":{\"id\":\"a4\",\"type\":"
           "\"message\",\"content\":[{\"type\":\"output_text\",\"text\":"
           "\"x\"}]},\"output_index\":0") COMPLETED("{" MESSAGE("x") "}"),
        "\ntext 0 0 x" DONE_USAGE("1"), "id rotation");

    /* an item that was never done, and an output that leaves one out */

    sse(ADDED("0", "\"type\":\"reasoning\"")
        EV("response.reasoning_text.delta",
           ",\"output_index\":0,\"delta\":\"hm\"")
        ITEM_DONE("1", CALL("0", "{}")) COMPLETED("{" CALL("0", "{}") "}"),
        "\nreasoning 0 0 hm\ntool 0 0 <call_0><f0>1\narguments 0 0 {}"
        DONE_USAGE("3"), "a call behind a thought without an end");

    /* two items at once */

    sse(ADDED("0", "\"id\":\"fc_0\",\"type\":\"function_call\",\"call_id\":"
              "\"call_0\",\"name\":\"f0\",\"arguments\":\"\"")
        ADDED("1", "\"id\":\"fc_1\",\"type\":\"function_call\",\"call_id\":"
              "\"call_1\",\"name\":\"f1\",\"arguments\":\"\"")
        ARGS("1", "{1") ARGS("0", "{0") ARGS("1", "}") ARGS("0", "}")
        EV("response.function_call_arguments.done", ",\"arguments\":\"{0}\","
           "\"item_id\":\"fc_0\",\"output_index\":0")
        ITEM_DONE("1", CALL("1", "{1}")) ITEM_DONE("0", CALL("0", "{0}"))
        COMPLETED("{" CALL("0", "{0}") "},{" CALL("1", "{1}") "}"),
        "\ntool 0 0 <call_0><f0>1\ntool 0 1 <call_1><f1>1"
        "\narguments 0 1 {1\narguments 0 0 {0\narguments 0 1 }"
        "\narguments 0 0 }" DONE_USAGE("3"), "calls in parallel");
    is_int(count("arguments 0.0 f1 c1"), 3, "copies of the first");
    is_int(count("arguments 0.1 f1 c1"), 2, "and of the second");
}


static void
test_calls(void)
{
    json(WHOLE("completed", "{" CALL("0", "{\\\"a\\\":1}") "},{"
               CALL("1", "") "}"),
         "\ntool 0 0 <call_0><f0>1\narguments 0 0 {\"a\":1}"
         "\ntool 0 1 <call_1><f1>1\nfinish 0 0 3\nend 0 0 ",
         "calls, one without arguments");
    sse(ADDED("0", "\"id\":\"fc_0\",\"type\":\"function_call\",\"name\":"
              "\"f0\",\"call_id\":\"call_0\",\"arguments\":\"\"")
        ITEM_DONE("0", CALL("0", "{}")) COMPLETED("{" CALL("0", "{}") "}"),
        "\ntool 0 0 <call_0><f0>1\narguments 0 0 {}" DONE_USAGE("3"),
        "a call that comes whole");
    sse(ADDED("0", "\"type\":\"custom_tool_call\",\"call_id\":\"c\","
              "\"name\":\"g\",\"input\":\"\"")
        EV("response.custom_tool_call_input.delta",
           ",\"output_index\":0,\"delta\":\"ls\"")
        EV("response.custom_tool_call_input.done",
           ",\"output_index\":0,\"input\":\"ls\"")
        ITEM_DONE("0", "\"type\":\"custom_tool_call\",\"call_id\":\"c\","
                  "\"name\":\"g\",\"input\":\"ls\"") COMPLETED(""),
        "\ntool 0 0 <c><g>1\narguments 0 0 ls" DONE_USAGE("3"),
        "a custom tool");
    is_int(count("arguments 0.0 f6 c1"), 2, "whose copies are of its field");
    sse(ARGS("0", "{}") ITEM_DONE("0", CALL("0", "{}")) COMPLETED(""),
        "\ntool 0 0 <><>1\narguments 0 0 {}\ntool 0 0 <call_0><f0>0"
        DONE_USAGE("3"), "a name that is told late");
    json("{\"output\":[{\"type\":\"mcp_call\",\"name\":\"x\",\"arguments\":"
         "\"{}\"},{\"type\":\"web_search_call\",\"id\":\"ws\"},{\"type\":"
         "\"image_generation_call\",\"result\":\"aGk=\"}],"
         "\"status\":\"completed\"}", "\nfinish 0 0 1\nend 0 0 ",
         "what a provider runs itself");
    is_int(count("media 0.0"), 1, "of which an image is told");
}


static void
test_thoughts(void)
{
#define SUMMARY(n, text)  EV("response.reasoning_summary_text.delta",         \
    ",\"delta\":\"" text "\",\"output_index\":0,\"summary_index\":" n)
#define PART(n)  EV("response.reasoning_summary_part.added",                  \
    ",\"output_index\":0,\"part\":{\"type\":\"summary_text\",\"text\":"       \
    "\"\"},\"summary_index\":" n)

    sse(ADDED("0", "\"id\":\"rs_0\",\"type\":\"reasoning\",\"summary\":[],"
              "\"encrypted_content\":\"early\"")
        PART("0") SUMMARY("0", "one") PART("1") SUMMARY("1", "t")
        SUMMARY("1", "wo")
        EV("response.reasoning_summary_text.done",
           ",\"output_index\":0,\"summary_index\":1,\"text\":\"two\"")
        ITEM_DONE("0", "\"id\":\"rs_0\",\"type\":\"reasoning\","
                  "\"encrypted_content\":\"c2VhbA==\",\"summary\":["
                  "{\"type\":\"summary_text\",\"text\":\"one\"},"
                  "{\"type\":\"summary_text\",\"text\":\"two\"}]")
        ADDED("1", "\"id\":\"rs_1\",\"type\":\"reasoning\"")
        ITEM_DONE("1", "\"id\":\"rs_1\",\"type\":\"reasoning\","
                  "\"summary\":[{\"type\":\"summary_text\",\"text\":\"b\"}]")
        COMPLETED("{\"type\":\"reasoning\",\"encrypted_content\":\"other\"}"),
        "\nreasoning 0 0 one\n\ntwo\nsignature 0 0 11 c2VhbA=="
        "\nreasoning 0 1 b" DONE_USAGE("1"), "thoughts and what seals them");
    ok(strstr(one.log.data, "signature 0.0 f11 c0 j1") != NULL,
       "a signature of what is sealed");
    json("{\"output\":[{\"id\":\"rs\",\"type\":\"reasoning\",\"content\":["
         "{\"type\":\"reasoning_text\",\"text\":\"all\"}],"
         "\"encrypted_content\":\"x\",\"summary\":[{\"type\":"
         "\"summary_text\",\"text\":\"short\"}]}],\"status\":\"completed\"}",
         "\nreasoning 0 0 all\nsignature 0 0 11 x\nfinish 0 0 1\nend 0 0 ",
         "a thought and its summary are one");
    json("{\"output\":[{\"content\":[{\"text\":\"deep\",\"type\":"
         "\"reasoning_text\"}],\"type\":\"reasoning\"},{\"content\":["
         "{\"annotations\":[],\"text\":\"said\",\"type\":\"output_text\"}],"
         "\"type\":\"message\"}],\"status\":\"completed\"}",
         "\nreasoning 0 0 deep\ntext 0 0 said\nfinish 0 0 1\nend 0 0 ",
         "types behind the texts of a JSON answer");
}


static void
test_errors(void)
{
    json("{\"error\":{\"message\":\"bad\",\"type\":\"invalid_request_error\","
         "\"param\":null,\"code\":\"c\"}}",
         "\nerror 0 0 bad<c><invalid_request_error>0\nend 0 0 ", "an error");
    json("{\"code\":\"invalid-argument\",\"error\":\"Incorrect key\"}",
         "\nerror 0 0 Incorrect key<invalid-argument><>0\nend 0 0 ",
         "xAI's error");
    json("{\"detail\":\"no\"}", "\nerror 0 0 no<><>0\nend 0 0 ",
         "a flat one");
    json("{\"id\":\"r\",\"status\":\"failed\",\"error\":{\"code\":"
         "\"server_error\",\"message\":\"oops\"},\"output\":[]}",
         "\nerror 0 0 oops<server_error><>0\nend 0 0 ", "a failed response");
    sse(CREATED EV("response.failed", ",\"response\":{\"status\":\"failed\","
                   "\"error\":{\"code\":\"rate_limit_exceeded\","
                   "\"message\":\"slow\"},\"output\":[]}"),
        "\nerror 0 0 slow<rate_limit_exceeded><>0\nend 0 0 ",
        "a failed stream");
    ok(strstr(one.log.data, "end=2") != NULL, "which has ended");
    sse(CREATED EV("response.failed", ""),
        "\nerror 0 0 the response has failed<><>0\nend 0 0 ",
        "a failure without a word");
    sse(CREATED EV("error", ",\"code\":\"c\",\"message\":\"m\",\"param\":"
                   "null,\"sequence_number\":2"),
        "\nerror 0 0 m<c><>0\nend 0 0 ", "an error event");
    sse("event: error\ndata: {\"error\":{\"message\":\"m\",\"type\":\"t\"}}"
        "\n\n", "\nerror 0 0 m<><t>0\nend 0 0 ", "one without a type");
    sse("data: {\"error\":\"m\"}\n\n", "\nerror 0 0 m<><>0\nend 0 0 ",
        "one without anything");
    sse(CREATED EV("response.incomplete", ",\"response\":{\"status\":"
                   "\"incomplete\",\"incomplete_details\":{\"reason\":"
                   "\"max_output_tokens\"},\"output\":[]}"),
        "\nfinish 0 0 2\nend 0 0 ", "an incomplete stream");
    sse(CREATED EV("response.cancelled", ",\"response\":{\"status\":"
                   "\"cancelled\"}"), "\nfinish 0 0 5\nend 0 0 ",
        "a stream that was cancelled");
}


static void
test_bad(void)
{
    static const char  html[] = "<html><body>502</body></html>";
    static const char  chat[] = "{\"id\":\"c\",\"choices\":[{\"message\":"
                                "{\"content\":\"x\"}}]}";

    check(0, html, sizeof(html) - 1, "\nend 0 0 ", "HTML");
    ok(strstr(one.log.data, "broken") != NULL, "is broken");
    check(0, chat, sizeof(chat) - 1, "\nend 0 0 ", "another dialect");
    ok(strstr(one.log.data, "there is no output") != NULL, "is broken");
    check(0, "", 0, "\nend 0 0 ", "nothing");
    sse("data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\n\n"
        TEXT("0", "b") COMPLETED(""), "\ntext 0 0 ab" DONE_USAGE("1"),
        "an event that is no JSON");
    sse("data: [DONE]\n\n", "\nend 0 0 ", "only another dialect's last word");
    sse("data: 7\n\ndata: null\n\n" EV("x.y", ",\"delta\":\"z\"")
        EV("response.output_text.delta", ",\"delta\":null")
        EV("response.output_text.delta", ",\"delta\":{\"text\":\"o\"}")
        EV("response.output_item.added", ",\"item\":null")
        EV("response.completed", ",\"response\":{\"usage\":null,\"output\":"
           "null,\"status\":\"completed\",\"error\":null}"),
        "\nfinish 0 0 1\nend 0 0 ", "null and numbers and unknown events");
    sse(CREATED CREATED TEXT("0", "a") CREATED COMPLETED(""),
        "\ntext 0 0 a" DONE_USAGE("1"), "two beginnings");
    is_int(count("start 0.0"), 1, "are one");
    sse(EV("response.completed", ",\"response\":{\"status\":\"completed\","
           "\"usage\":{\"input_tokens\":\"12\",\"output_tokens\":3.0,"
           "\"total_tokens\":null}}"),
        "\nfinish 0 0 1\nusage 0 0 -1 -1 3 -1 -1\nend 0 0 ",
        "counts that are strings");
    sse(EV("response.output_text.delta", ",\"output_index\":70000,"
           "\"delta\":\"x\"") COMPLETED(""), DONE_USAGE("1"),
        "an index that is out of range");
}


/* strings that do not fit where they wait, and many items */

static void
test_large(void)
{
    size_t         i, n;
    answer_buf_t   b = { NULL, 0, 0 };
    unsigned       cut;

    genai_answer_opts_t  opts = { .stream = 0, .choices = 1 };

    answer_print(&b, "{\"output\":[{\"content\":[{\"text\":\"");

    for (i = 0; i < 3000; i++) {
        answer_print(&b, "d\\u00fc");
    }

    answer_print(&b, "\",\"type\":\"reasoning_text\"}],\"type\":\"reasoning\""
                 "},{\"arguments\":\"");

    for (i = 0; i < 6000; i++) {
        answer_print(&b, "a");
    }

    answer_print(&b, "\",\"call_id\":\"c\",\"name\":\"f\",\"type\":"
                 "\"function_call\"}],\"status\":\"completed\"}");

    answer_reset(&one);
    (void) answer_decode(&one, (unsigned char *) b.data, b.len, &opts, 0);

    for (cut = 1; cut < 2000; cut += cut < 20 ? 1 : 97) {
        answer_reset(&two);
        (void) answer_decode(&two, (unsigned char *) b.data, b.len, &opts,
                             cut);
        quiet_ok(!two.bad && one.log.len == two.log.len
                 && memcmp(one.log.data, two.log.data, one.log.len) == 0,
                 "a large answer, pieces of %u", cut);
    }

    ok(strstr(one.short_log.data, "reasoning 0 0 d\xc3\xbc") != NULL
       && strstr(one.short_log.data, "\ntool 0 0 <><>1\narguments 0 0 aaaa")
       && strstr(one.short_log.data, "\ntool 0 0 <c><f>0\nfinish 0 0 3"),
       "a name behind more than waits is told late");

    /* a hundred calls, streamed and then repeated */

    b.len = 0;

    for (i = 0; i < 100; i++) {
        answer_print(&b, "data: {\"type\":\"response.output_item.added\","
                     "\"item\":{\"type\":\"function_call\",\"call_id\":"
                     "\"c%lu\",\"name\":\"f\"},\"output_index\":%lu}\n\n"
                     "data: {\"type\":\"response.function_call_arguments."
                     "delta\",\"delta\":\"%lu\",\"output_index\":%lu}\n\n",
                     (unsigned long) i, (unsigned long) i, (unsigned long) i,
                     (unsigned long) i);

        if (i % 3) {
            answer_print(&b, "data: {\"type\":\"response.output_item.done\","
                         "\"item\":{\"type\":\"function_call\",\"call_id\":"
                         "\"c%lu\",\"name\":\"f\",\"arguments\":\"%lu\"},"
                         "\"output_index\":%lu}\n\n", (unsigned long) i,
                         (unsigned long) i, (unsigned long) i);
        }
    }

    answer_print(&b, "data: {\"type\":\"response.completed\",\"response\":"
                 "{\"status\":\"completed\",\"output\":[");

    for (i = 0; i < 100; i++) {
        answer_print(&b, "%s{\"type\":\"function_call\",\"call_id\":\"c%lu\","
                     "\"name\":\"f\",\"arguments\":\"%lu\"}", i ? "," : "",
                     (unsigned long) i, (unsigned long) i);
    }

    answer_print(&b, "]}}\n\n");

    opts.stream = 1;
    answer_reset(&one);
    (void) answer_decode(&one, (unsigned char *) b.data, b.len, &opts, 0);
    answer_reset(&two);
    (void) answer_decode(&two, (unsigned char *) b.data, b.len, &opts, 1);

    ok(one.log.len == two.log.len
       && memcmp(one.log.data, two.log.data, one.log.len) == 0,
       "a hundred calls, byte by byte");

    for (i = 0, n = 0; i < one.short_log.len; i++) {
        n += (strncmp(one.short_log.data + i, "\ntool ", 6) == 0);
    }

    is_int(n, 100, "each is told once");

    free(b.data);
}


/* recorded answers */

typedef struct {
    answer_buf_t   text, refusal;
    answer_buf_t   name[64], args[64];
    answer_buf_t   error;
    unsigned       tools, broken, failed;
    genai_finish_e finish;
    genai_usage_t  usage;
    genai_end_e    end;
} client_t;


static int
client_event(void *ctx, genai_event_t *e)
{
    client_t  *c = ctx;

    if (e->copy) {
        return 0;
    }

    switch (e->type) {
    case GENAI_EVENT_TEXT:
        answer_put(&c->text, e->text.data, e->text.len);
        break;
    case GENAI_EVENT_REFUSAL:
        answer_put(&c->refusal, e->text.data, e->text.len);
        break;
    case GENAI_EVENT_TOOL:
    case GENAI_EVENT_ARGUMENTS:
        if (e->block < 64) {
            c->tools = e->block >= c->tools ? e->block + 1 : c->tools;
            answer_put(&c->args[e->block], e->text.data, e->text.len);

            if (e->name.len) {
                answer_put(&c->name[e->block], e->name.data, e->name.len);
            }
        }
        break;
    case GENAI_EVENT_FINISH:
        c->finish = e->finish;
        break;
    case GENAI_EVENT_USAGE:
        c->usage = *e->usage;
        break;
    case GENAI_EVENT_ERROR:
        c->failed = 1;
        answer_put(&c->error, e->text.data, e->text.len);
        break;
    case GENAI_EVENT_BROKEN:
        c->broken = 1;
        break;
    case GENAI_EVENT_END:
        c->end = e->end_how;
        break;
    default:
        break;
    }

    return 0;
}


static int
same(const answer_buf_t *b, const json_t *s)
{
    const char  *want;

    want = json_is_string(s) ? json_string_value(s) : "";

    return b->len == strlen(want)
           && (b->len == 0 || memcmp(b->data, want, b->len) == 0);
}


static int
same_count(const json_t *usage, const char *name, int64_t n)
{
    json_t  *v;

    v = json_object_get(usage, name);

    return !json_is_integer(v) || json_integer_value(v) == n;
}


static const char *
recorded_wrong(const client_t *c, const json_t *want, unsigned status)
{
    size_t   i;
    json_t  *usage, *calls, *call, *error;

    usage = json_object_get(want, "usage");
    calls = json_object_get(want, "tool_calls");

    if (status >= 400) {
        error = json_object_get(want, "error");

        if (json_is_object(error)) {
            error = json_object_get(error, "message");
        }

        return (c->failed && same(&c->error, error)) ? NULL : "error";
    }

    if (c->failed || c->broken) {
        return "it is none";
    }

    if (!same(&c->text, json_object_get(want, "text"))) {
        return "text";
    }

    if (!same(&c->refusal, json_object_get(want, "refusal"))) {
        return "refusal";
    }

    if (c->tools != json_array_size(calls)) {
        return "the number of calls";
    }

    for (i = 0; i < c->tools; i++) {
        call = json_array_get(calls, i);

        if (!same(&c->name[i], json_object_get(call, "name"))
            || !same(&c->args[i], json_object_get(call, "args")))
        {
            return "a call";
        }
    }

    if (!same_count(usage, "input", c->usage.prompt)
        || !same_count(usage, "output", c->usage.completion)
        || !same_count(usage, "total", c->usage.total)
        || !same_count(usage, "cached_input", c->usage.cached)
        || !same_count(usage, "reasoning", c->usage.reasoning))
    {
        return "usage";
    }

    if (c->finish != (c->tools ? GENAI_FINISH_TOOL : GENAI_FINISH_STOP)) {
        return "finish";
    }

    return (c->end == GENAI_END_DONE) ? NULL : "end";
}


static size_t
slurp(const char *path, unsigned char **p)
{
    FILE    *f;
    size_t   n;

    f = fopen(path, "rb");

    if (f == NULL) {
        return 0;
    }

    *p = malloc(4 << 20);
    n = fread(*p, 1, 4 << 20, f);
    fclose(f);

    return n;
}


static void
test_recorded(void)
{
    char                 path[4096];
    size_t               i, n, len;
    unsigned             status, cut, streams, bad;
    glob_t               found;
    json_t              *meta;
    client_t             c;
    const char          *dir, *wrong;
    unsigned char       *body;
    genai_answer_opts_t  opts;
    genai_responses_answer_t  a;

    dir = getenv("GENAI_FIXTURES");
    snprintf(path, sizeof(path), "%s/*.responses/*.meta.json",
             dir ? dir : "/work/shared/data/fixtures");

    if (glob(path, 0, NULL, &found) != 0) {
        pass("skipped: there are no recorded answers at %s", path);
        return;
    }

    streams = 0;
    bad = 0;

    for (i = 0; i < found.gl_pathc; i++) {
        meta = json_load_file(found.gl_pathv[i], 0, NULL);
        status = json_integer_value(json_object_get(meta, "status"));
        n = strlen(found.gl_pathv[i]) - strlen("meta.json");

        memset(&opts, 0, sizeof(opts));
        memset(&c, 0, sizeof(c));
        opts.choices = 1;

        snprintf(path, sizeof(path), "%.*sresponse.sse", (int) n,
                 found.gl_pathv[i]);
        len = slurp(path, &body);

        if (len) {
            opts.stream = 1;
            streams++;

        } else {
            snprintf(path, sizeof(path), "%.*sresponse.json", (int) n,
                     found.gl_pathv[i]);
            len = slurp(path, &body);
        }

        genai_usage_clear(&c.usage);
        genai_responses_answer_init(&a, &opts, client_event, &c);
        (void) genai_answer_feed(&a.base, body, len);
        (void) genai_answer_end(&a.base);

        wrong = recorded_wrong(&c, json_object_get(meta, "expected"), status);

        answer_reset(&one);
        (void) answer_decode(&one, body, len, &opts, 0);

        for (cut = 0; cut < 6 && !wrong; cut++) {
            answer_reset(&two);
            (void) answer_decode(&two, body, len, &opts, 1 + cut * cut * 7);

            if (one.bad || two.bad || one.log.len != two.log.len
                || memcmp(one.log.data, two.log.data, one.log.len) != 0)
            {
                wrong = "the cuts make a difference";
            }
        }

        if (wrong) {
            bad++;
            diag("%s: %s", path, wrong);
        }

        for (n = 0; n < 64; n++) {
            free(c.name[n].data);
            free(c.args[n].data);
        }

        free(c.text.data);
        free(c.refusal.data);
        free(c.error.data);
        free(body);
        json_decref(meta);
    }

    is_int(bad, 0, "%lu recorded answers, %u of them streams",
           (unsigned long) found.gl_pathc, streams);

    globfree(&found);
}


int
main(void)
{
    srand(1);

    test_text();
    test_order();
    test_calls();
    test_thoughts();
    test_errors();
    test_bad();
    test_large();
    test_recorded();

    answer_free(&one);
    answer_free(&two);

    return done_testing();
}
