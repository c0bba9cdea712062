/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Answers in Anthropic's dialect, as Anthropic sends them and as others do:
 * the events, every two-way split and random splits, hostile bodies and
 * events of 10 MB.
 */


#define ANSWER_ANTHROPIC  1

#include "tap.h"
#include "answer.h"


#define EVENT(type, rest)  "event: " type "\ndata: {\"type\":\"" type "\""    \
    rest "}\n\n"
#define START  EVENT("message_start", ",\"message\":{\"id\":\"msg_1\","       \
    "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\","            \
    "\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":10,"     \
    "\"output_tokens\":3}}")
#define BLOCK(n, block)  EVENT("content_block_start", ",\"index\":" #n        \
    ",\"content_block\":{" block "}")
#define TEXT(n)  BLOCK(n, "\"type\":\"text\",\"text\":\"\"")
#define THINK(n)  BLOCK(n, "\"type\":\"thinking\",\"thinking\":\"\","         \
    "\"signature\":\"\"")
#define CALL(n, id, name)  BLOCK(n, "\"type\":\"tool_use\",\"id\":\"" id      \
    "\",\"name\":\"" name "\",\"input\":{}")
#define DELTA(n, delta)  EVENT("content_block_delta", ",\"index\":" #n        \
    ",\"delta\":{" delta "}")
#define SAYS(n, text)  DELTA(n, "\"type\":\"text_delta\",\"text\":\"" text "\"")
#define THINKS(n, text)  DELTA(n, "\"type\":\"thinking_delta\","              \
    "\"thinking\":\"" text "\"")
#define SIGNS(n, text)  DELTA(n, "\"type\":\"signature_delta\","              \
    "\"signature\":\"" text "\"")
#define ARGS(n, json)  DELTA(n, "\"type\":\"input_json_delta\","              \
    "\"partial_json\":\"" json "\"")
#define STOP(n)  EVENT("content_block_stop", ",\"index\":" #n)
#define END(reason)  EVENT("message_delta", ",\"delta\":{\"stop_reason\":\""  \
    reason "\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":5}")
#define DONE  EVENT("message_stop", "")
#define PING  EVENT("ping", "")

#define WHOLE(content, usage)  "{\"id\":\"msg_1\",\"type\":\"message\","      \
    "\"role\":\"assistant\",\"model\":\"m\",\"content\":[" content "],"       \
    "\"stop_reason\":\"end_turn\",\"stop_sequence\":null,"                    \
    "\"usage\":{" usage "}}"

/* what all that is well ends with */
#define OK  "\nfinish 0 0 1\nusage 0 0 10 -1 5 -1 15\nend 0 0 "
#define TOOLS  "\nfinish 0 0 3\nusage 0 0 10 -1 5 -1 15\nend 0 0 "


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
    genai_answer_opts_t  opts;

    opts.stream = stream;
    opts.choices = 1;
    opts.limit = 0;

    splits(body, len, &opts, what);
    is_str(one.short_log.data, want, "%s", what);
}


#define sse(body, want, what)  check(1, body, sizeof(body) - 1, want, what)
#define json(body, want, what)  check(0, body, sizeof(body) - 1, want, what)

/* what is in the log of all that is told */

#define logged(text, what)                                                    \
    ok(strstr(one.log.data, text) != NULL, "%s: %s", what, text)


static void
test_text(void)
{
    sse(START PING TEXT(0) SAYS(0, "Hel") PING SAYS(0, "lo \\ud83d\\ude00")
        STOP(0) END("end_turn") DONE,
        "\ntext 0 0 Hello \xf0\x9f\x98\x80" OK, "a message");
    logged("id=<msg_1> name=<m> finish=0 end=0 chunk=0 \"", "its start");
    logged("end=2 ", "it is done");
    sse(START TEXT(0) SAYS(0, "a") STOP(0) END("max_tokens"),
        "\ntext 0 0 a\nfinish 0 0 2\nusage 0 0 10 -1 5 -1 15\nend 0 0 ",
        "no last word");
    logged("end=1 ", "it is clean");
    sse(START TEXT(0) SAYS(0, "a"), "\ntext 0 0 a\nend 0 0 ", "cut");
    logged("end=0 ", "it is cut");
    sse(START BLOCK(0, "\"type\":\"text\",\"text\":\"Hel\"") SAYS(0, "lo")
        STOP(0) TEXT(1) SAYS(1, " you") STOP(1) END("end_turn") DONE,
        "\ntext 0 0 Hello you" OK, "text in its block, two blocks");
    sse(": hi\n\n" START "event: content_block_delta\r\n"
        "data:{\"type\":\"content_block_delta\",\"index\":0,\r\n"
        "data: \"delta\":{\"text\":\"a\"}}\r\n\r\n\r\r" END("end_turn") DONE
        "data: behind\n\n",
        "\ntext 0 0 a" OK, "other line ends, no block, bytes behind the end");
    sse(START TEXT(0) DELTA(0, "\"type\":\"citations_delta\",\"citation\":"
        "{\"type\":\"x\",\"cited_text\":\"t\",\"text\":\"u\"}") SAYS(0, "a")
        EVENT("a_new_one", ",\"delta\":7,\"content_block\":null,"
              "\"message\":null")
        EVENT("vendor", ",\"content\":[1],\"usage\":null,\"error\":null")
        STOP(0) END("end_turn") DONE,
        "\ntext 0 0 a" OK, "citations and unknown events");
    sse(START TEXT(0) SAYS(0, "a") "event: message_stop\ndata: {}\n\n",
        "\ntext 0 0 a\nusage 0 0 10 -1 -1 -1 -1\nend 0 0 ",
        "data whose event's name is its type");
    logged("end=2 ", "it is done");

    json(WHOLE("{\"type\":\"text\",\"text\":\"Hello\"}",
               "\"input_tokens\":10,\"output_tokens\":5"),
         "\ntext 0 0 Hello" OK, "a whole message");
    logged("id=<msg_1> name=<m> finish=0 end=0 chunk=0 \"", "its start");
    json(" \n{\"content\":[{\"text\":\"a\"},{\"text\":\"b\",\"type\":"
         "\"text\",\"citations\":[{\"text\":\"c\"}]},7,null]}\n",
         "\ntext 0 0 ab\nend 0 0 ", "little of one");
}


static void
test_thoughts(void)
{
    sse(START THINK(0) THINKS(0, "hm ") THINKS(0, "so") SIGNS(0, "c2ln")
        STOP(0) BLOCK(1, "\"type\":\"redacted_thinking\",\"data\":\"ZGF0\"")
        STOP(1) THINK(2) SIGNS(2, "eA==") STOP(2)
        CALL(3, "toolu_1", "f") ARGS(3, "{}") STOP(3)
        THINK(4) THINKS(4, "then") STOP(4) TEXT(5) SAYS(5, "a") STOP(5)
        END("end_turn") DONE,
        "\nreasoning 0 0 hm so\nsignature 0 0 10 c2ln"
        "\nsignature 0 1 11 ZGF0\nsignature 0 2 10 eA=="
        "\ntool 0 0 <toolu_1><f>1\narguments 0 0 {}"
        "\nreasoning 0 3 then\ntext 0 0 a" OK, "thoughts and their signatures");
    sse(START BLOCK(0, "\"signature\":\"s\",\"thinking\":\"t\","
                       "\"type\":\"thinking\"")
        STOP(0) END("end_turn") DONE,
        "\nsignature 0 0 10 s\nreasoning 0 0 t" OK, "in the other order");
    sse(START TEXT(0) THINKS(0, "hm") SAYS(0, "a") SIGNS(0, "s") STOP(0)
        THINK(1) THINKS(1, "x") STOP(1) END("end_turn") DONE,
        "\nreasoning 0 0 hm\ntext 0 0 a\nsignature 0 0 10 s\nreasoning 0 1 x"
        OK, "a thought within a text");
    json(WHOLE("{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":"
               "\"c2ln\"},{\"type\":\"redacted_thinking\",\"data\":\"d\"},"
               "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"x\"},"
               "{\"type\":\"text\",\"text\":\"a\"}",
               "\"input_tokens\":10,\"output_tokens\":5"),
         "\nreasoning 0 0 hm\nsignature 0 0 10 c2ln\nsignature 0 1 11 d"
         "\nsignature 0 2 10 x\ntext 0 0 a" OK, "a whole message");
    logged("by=<anthropic>", "who has signed");
}


static void
test_tools(void)
{
    sse(START TEXT(0) SAYS(0, "a") STOP(0) CALL(1, "toolu_1", "f")
        ARGS(1, "") ARGS(1, "{\\\"x\\\"") ARGS(1, ":1}") STOP(1)
        CALL(2, "toolu_2", "g") ARGS(2, "{}") STOP(2) END("tool_use") DONE,
        "\ntext 0 0 a\ntool 0 0 <toolu_1><f>1\narguments 0 0 {\"x\":1}"
        "\ntool 0 1 <toolu_2><g>1\narguments 0 1 {}" TOOLS, "two calls");
    sse(START CALL(0, "t", "f") STOP(0) CALL(1, "u", "g") ARGS(1, "")
        END("tool_use") DONE,
        "\ntool 0 0 <t><f>1\narguments 0 0 {}\ntool 0 1 <u><g>1"
        "\narguments 0 1 {}" TOOLS, "calls without arguments");
    sse(START BLOCK(0, "\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\","
                       "\"input\":{\"x\": 1}")
        ARGS(0, "{\\\"x\\\": 1}") STOP(0)
        BLOCK(1, "\"input\":{\"y\":2},\"name\":\"g\",\"id\":\"u\","
                 "\"type\":\"tool_use\"") STOP(1)
        BLOCK(2, "\"type\":\"tool_use\",\"id\":\"v\",\"name\":\"h\","
                 "\"input\":null") STOP(2)
        END("tool_use") DONE,
        "\ntool 0 0 <t><f>1\narguments 0 0 {\"x\": 1}"
        "\ntool 0 1 <><>1\narguments 0 1 {\"y\":2}\ntool 0 1 <u><g>0"
        "\ntool 0 2 <v><h>1\narguments 0 2 {}" TOOLS,
        "arguments in the block, once more, and before the name");
    sse(START "data: {\"content_block\":{\"id\":\"t\",\"input\":{},"
        "\"name\":\"f\",\"type\":\"tool_use\"},\"index\":4,"
        "\"type\":\"content_block_start\"}\n\n"
        "data: {\"delta\":{\"partial_json\":\"{}\"},\"index\":4,"
        "\"type\":\"content_block_delta\"}\n\n"
        "data: {\"index\":4,\"type\":\"content_block_stop\"}\n\n"
        END("tool_use") DONE,
        "\ntool 0 0 <t><f>1\narguments 0 0 {}" TOOLS, "names are sorted");
    sse(START CALL(0, "t", "f") CALL(1, "u", "g") ARGS(0, "[0") ARGS(1, "[1")
        ARGS(0, "]") ARGS(1, "]") STOP(0) STOP(1) END("tool_use") DONE,
        "\ntool 0 0 <t><f>1\ntool 0 1 <u><g>1\narguments 0 0 [0"
        "\narguments 0 1 [1\narguments 0 0 ]\narguments 0 1 ]" TOOLS,
        "blocks within each other");
    sse(START ARGS(0, "{}") END("tool_use") DONE,
        "\ntool 0 0 <><>1\narguments 0 0 {}" TOOLS, "a call without a block");
    sse(START BLOCK(0, "\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":"
                       "\"web_search\",\"input\":{}")
        ARGS(0, "{\\\"query\\\":1}") STOP(0)
        BLOCK(1, "\"type\":\"web_search_tool_result\",\"tool_use_id\":\"s\","
                 "\"content\":[{\"type\":\"x\",\"text\":\"t\"}]") STOP(1)
        TEXT(2) SAYS(2, "a") STOP(2) END("end_turn") DONE,
        "\ntext 0 0 a" OK, "tools of the provider's");
    logged("media 0.0 ", "they are told of");
    sse(START CALL(0, "t", "f") ARGS(0, "{\\\"x\\\": \\\"tru") STOP(0)
        END("max_tokens") DONE,
        "\ntool 0 0 <t><f>1\narguments 0 0 {\"x\": \"tru\nfinish 0 0 2"
        "\nusage 0 0 10 -1 5 -1 15\nend 0 0 ", "a truncated call");

    json(WHOLE("{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"tool_use\","
               "\"id\":\"t\",\"name\":\"f\",\"input\":{ \"x\" : [1] }},"
               "{\"type\":\"tool_use\",\"id\":\"u\",\"name\":\"g\","
               "\"input\":{}},{\"type\":\"tool_use\",\"id\":\"v\","
               "\"name\":\"h\"},{\"type\":\"server_tool_use\",\"id\":\"s\","
               "\"name\":\"w\",\"input\":{\"q\":1}}",
               "\"input_tokens\":10,\"output_tokens\":5"),
         "\ntext 0 0 a\ntool 0 0 <t><f>1\narguments 0 0 { \"x\" : [1] }"
         "\ntool 0 1 <u><g>1\narguments 0 1 {}\ntool 0 2 <v><h>1"
         "\narguments 0 2 {}" OK, "calls of a whole message");
}


#define USED(start, delta)  EVENT("message_start", ",\"message\":{\"usage\":" \
    start "}") TEXT(0) SAYS(0, "a") STOP(0) EVENT("message_delta",            \
    ",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":" delta) DONE
#define TOLD(usage)  "\ntext 0 0 a\nfinish 0 0 1\nusage 0 0 " usage           \
    "\nend 0 0 "


static void
test_usage(void)
{
    sse(USED("{\"input_tokens\":4,\"cache_read_input_tokens\":60,"
             "\"cache_creation_input_tokens\":30,\"cache_creation\":"
             "{\"ephemeral_5m_input_tokens\":10,"
             "\"ephemeral_1h_input_tokens\":20},\"output_tokens\":1}",
             "{\"output_tokens\":7,\"output_tokens_details\":"
             "{\"thinking_tokens\":2}}"),
        TOLD("94 60 7 2 101 w10,20"), "cached ones are part of the prompt");
    logged("usage 0.0 f0 c1 j0 ", "the start's, as a copy");
    logged("usage=94,60,-1,-1,-1", "which knows no end");
    sse(USED("{\"input_tokens\":4,\"output_tokens\":1}",
             "{\"input_tokens\":6,\"cache_read_input_tokens\":3,"
             "\"cache_creation_input_tokens\":2,\"output_tokens\":7}"),
        TOLD("11 3 7 -1 18 w2,-1"), "message_delta corrects message_start");
    sse(USED("{\"input_tokens\":4,\"cache_read_input_tokens\":3,"
             "\"output_tokens\":1}",
             "{\"input_tokens\":0,\"cache_read_input_tokens\":0,"
             "\"output_tokens\":7}"),
        TOLD("7 3 7 -1 14"), "but not to nothing");
    sse(USED("{\"input_tokens\":0,\"output_tokens\":0}",
             "{\"input_tokens\":9,\"output_tokens\":7}"),
        TOLD("9 -1 7 -1 16"), "told late");
    sse(USED("{\"input_tokens\":\"4\",\"output_tokens\":\"1\"}",
             "{\"output_tokens\":\"7\",\"input_tokens\":\"x\"}"),
        TOLD("4 -1 7 -1 11"), "numbers as strings");
    sse(USED("{\"input_tokens\":4.0,\"output_tokens\":1,"
             "\"cache_read_input_tokens\":null,\"cache_creation\":null}",
             "{\"input_tokens\":-1,\"output_tokens\":1e400}"),
        TOLD("4 -1 -1 -1 -1"), "what is no count is not told");
    sse(USED("null", "null"), "\ntext 0 0 a\nfinish 0 0 1\nend 0 0 ",
        "no usage");
    sse(USED("{\"input_tokens\":9223372036854775807}",
             "{\"output_tokens\":9223372036854775807,\"input_tokens\":"
             "99999999999999999999999999999}"),
        "\ntext 0 0 a\nfinish 0 0 1\nend 0 0 ", "numbers too large");
    sse(START TEXT(0) SAYS(0, "a")
        EVENT("message_start", ",\"message\":{\"id\":\"msg_2\",\"usage\":"
              "{\"input_tokens\":99}}")
        TEXT(0) SAYS(0, "b") STOP(0) END("end_turn") END("max_tokens") DONE,
        "\ntext 0 0 ab\nfinish 0 0 1\nusage 0 0 10 -1 5 -1 15"
        "\nusage 0 0 10 -1 5 -1 15\nend 0 0 ",
        "a second message_start, a second message_delta");
    ok(strstr(one.log.data, "msg_2") == NULL, "which nobody hears of");
    json(WHOLE("", "\"input_tokens\":1,\"cache_creation_input_tokens\":2,"
                   "\"cache_read_input_tokens\":4,\"output_tokens\":8,"
                   "\"cache_creation\":{\"ephemeral_1h_input_tokens\":2,"
                   "\"ephemeral_5m_input_tokens\":0}"),
         "\nfinish 0 0 1\nusage 0 0 7 4 8 -1 15 w0,2\nend 0 0 ",
         "of a whole message");
    json("{\"input_tokens\":14}", "\nend 0 0 ", "count_tokens");
    logged("start 0.0 f2 ", "it is an answer");
}


static void
test_finish(void)
{
    size_t       i;
    genai_str_t  s;

    static const struct {
        const char      *word;
        genai_finish_e   finish;
    } words[] = {
        { "end_turn", GENAI_FINISH_STOP },
        { "stop_sequence", GENAI_FINISH_STOP },
        { "tool_use", GENAI_FINISH_TOOL },
        { "max_tokens", GENAI_FINISH_LENGTH },
        { "model_context_window_exceeded", GENAI_FINISH_LENGTH },
        { "refusal", GENAI_FINISH_FILTER },
        { "pause_turn", GENAI_FINISH_OTHER },
        { "", GENAI_FINISH_NONE }
    };

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        s.data = (unsigned char *) words[i].word;
        s.len = strlen(words[i].word);
        ok(genai_anthropic_finish(&s) == words[i].finish,
           "\"%s\" is %d", words[i].word, words[i].finish);
    }

    sse(START TEXT(0) SAYS(0, "a") STOP(0)
        EVENT("message_delta", ",\"delta\":{\"stop_reason\":null},"
              "\"usage\":{\"output_tokens\":5}") DONE,
        "\ntext 0 0 a\nusage 0 0 10 -1 5 -1 15\nend 0 0 ", "no reason");
}


static void
test_errors(void)
{
    sse("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
        "\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
        "\nerror 0 0 Overloaded<><overloaded_error>0\nend 0 0 ",
        "an error first");
    logged("chunk=41 ", "its chunk");
    logged("end=0 ", "nothing is done");
    sse(START TEXT(0) SAYS(0, "a") "event: error\ndata: {}\n\n",
        "\ntext 0 0 a\nerror 0 0 <><>0\nend 0 0 ", "an error by name");
    json("{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","
         "\"message\":\"no\"},\"request_id\":\"r\"}",
         "\nerror 0 0 no<><invalid_request_error>0\nend 0 0 ",
         "a whole error");
    check(1, "{\"message\":\"no\"}", 16, "\nerror 0 0 no<><>0\nend 0 0 ",
          "a gateway's, instead of a stream");
    json("{\"detail\":\"no\"}", "\nerror 0 0 no<><>0\nend 0 0 ",
         "a framework's");
    json("{\"error\":\"no\"}", "\nerror 0 0 no<><>0\nend 0 0 ", "a text");
    json("{\"type\":\"error\"}", "\nerror 0 0 <><>0\nend 0 0 ", "no text");
}


static void
test_bad(void)
{
    sse("<html>no</html>", "\nend 0 0 ", "HTML");
    logged("end=0 ", "it is no answer");
    sse("data: <html>\n\n", "\nend 0 0 ", "HTML in an event");
    logged("an object is expected", "it is told");
    json("", "\nend 0 0 ", "nothing");
    logged("broken 0.0 ", "it is told");
    sse("", "\nend 0 0 ", "no stream");
    json("{\"id\":\"c\",\"object\":\"chat.completion\",\"choices\":[{\"index\""
         ":0,\"message\":{\"content\":\"a\"}}]}", "\nend 0 0 ",
         "another protocol");
    logged("there is no content", "it is told");
    sse("data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}"
        "\n\ndata: [DONE]\n\n", "\nend 0 0 ", "another protocol's stream");
    logged("the event has no type", "it is told");
    logged("end=0 ", "it is no answer");
    json("{\"content\":[{\"type\":\"text\",\"text\":\"ab", "\ntext 0 0 ab"
         "\nend 0 0 ", "cut");
    logged("end=0 ", "it is cut");
    json("{\"content\":[]}{}", "\nend 0 0 ", "bytes behind");
    logged("there are bytes after the value", "it is told");
    sse(START EVENT("content_block_delta", ",\"index\":70000,\"delta\":"
                    "{\"text\":\"a\"}") END("end_turn") DONE,
        OK, "an index out of range");
    sse(START TEXT(99) SAYS(99, "a") CALL(100, "t", "f") ARGS(100, "{}")
        STOP(100) END("end_turn") DONE,
        "\ntext 0 0 a\ntool 0 0 <t><f>1\narguments 0 0 {}" OK,
        "a number above what is told apart");
    sse(START "data: {\"type\":\"content_block_delta\",\"delta\":"
        "{\"text\":\"a\x80\"}}\n\n" END("end_turn") DONE,
        "\ntext 0 0 a" OK, "no UTF-8");
}


static void
test_large(void)
{
    char                *body, *p;
    size_t               i, n;
    genai_answer_opts_t  opts = { .stream = 1, .choices = 1 };

    static const char  head[] = "data: {\"type\":\"content_block_delta\","
                                "\"delta\":{\"text\":\"";
    static const char  tail[] = "\"}}\n\n";

    n = 10 * 1024 * 1024;
    body = malloc(n + sizeof(head) + sizeof(tail));

    memcpy(body, head, sizeof(head) - 1);
    p = body + sizeof(head) - 1;

    for (i = 0; i < n; i++) {
        *p++ = 'a' + i % 26;
    }

    memcpy(p, tail, sizeof(tail) - 1);
    p += sizeof(tail) - 1;

    answer_reset(&one);
    one.quiet = 1;
    ok(answer_decode(&one, (unsigned char *) body, p - body, &opts, 5000) == 0
       && one.bytes == n, "an event of 10 MB");

    opts.limit = 65536;
    answer_reset(&one);
    ok(answer_decode(&one, (unsigned char *) body, p - body, &opts, 5000)
       == -1, "and where no more than 64 KiB are allowed");
    ok(sizeof(genai_anthropic_answer_t) < 4096, "a decoder has %lu bytes",
       (unsigned long) sizeof(genai_anthropic_answer_t));

    free(body);
}


static void
test_stop(void)
{
    unsigned     i;
    static const char  body[] =
        START THINK(0) THINKS(0, "a") SIGNS(0, "s") STOP(0)
        CALL(1, "t", "f") STOP(1) END("tool_use") DONE;
    genai_answer_opts_t  opts = { .stream = 1, .choices = 1 };

    for (i = 1; i < 30; i++) {
        answer_reset(&one);
        one.stop = i;

        if (answer_decode(&one, (unsigned char *) body, sizeof(body) - 1,
                          &opts, 7)
            == 0)
        {
            break;
        }

        quiet_ok(one.stop == 0, "stopped at event %u", i);
    }

    ok(i > 15 && i < 30, "stopped at each of %u events", i - 1);
}


int
main(void)
{
    test_text();
    test_thoughts();
    test_tools();
    test_usage();
    test_finish();
    test_errors();
    test_bad();
    test_large();
    test_stop();

    answer_free(&one);
    answer_free(&two);

    return done_testing();
}
