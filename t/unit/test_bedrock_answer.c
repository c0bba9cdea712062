/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Answers of Bedrock's, whole and as frames: the events, every two-way split
 * and random splits; frames that are wrong; what is encoded decodes again.
 */


#define ANSWER_BEDROCK  1

#include "tap.h"
#include "answer.h"
#include "genai_crc32.h"
#include "genai_dialect.h"


static answer_buf_t   body;
static answer_told_t  one, two;


/* a frame at the end of the body */

static void
frame(const char *kind, const char *type, const char *payload)
{
    size_t         n;
    uint32_t       crc;
    unsigned char  head[GENAI_EVENTSTREAM_HEAD_MAX], tail[4];

    n = genai_eventstream_head(head, kind, type, strlen(payload));
    crc = genai_crc32(genai_crc32(0, head, n), (unsigned char *) payload,
                      strlen(payload));
    genai_eventstream_tail(tail, crc);

    answer_put(&body, head, n);
    answer_put(&body, payload, strlen(payload));
    answer_put(&body, tail, 4);
}


#define event(type, payload)  frame("event", type, payload)
#define START  event("messageStart", "{\"p\":\"abc\",\"role\":\"assistant\"}")
#define SAYS(n, text)  event("contentBlockDelta", "{\"contentBlockIndex\":" #n \
    ",\"delta\":{\"text\":\"" text "\"}}")
#define THINKS(n, what)  event("contentBlockDelta",                           \
    "{\"contentBlockIndex\":" #n ",\"delta\":{\"reasoningContent\":{" what     \
    "}}}")
#define CALL(n, id, name)  event("contentBlockStart",                         \
    "{\"contentBlockIndex\":" #n ",\"start\":{\"toolUse\":{\"name\":\"" name   \
    "\",\"toolUseId\":\"" id "\"}}}")
#define ARGS(n, json)  event("contentBlockDelta", "{\"contentBlockIndex\":" #n \
    ",\"delta\":{\"toolUse\":{\"input\":\"" json "\"}}}")
#define STOP(n)  event("contentBlockStop", "{\"contentBlockIndex\":" #n "}")
#define END(reason)  event("messageStop", "{\"stopReason\":\"" reason "\"}")
#define DONE  event("metadata", "{\"metrics\":{\"latencyMs\":7},\"usage\":{"   \
    "\"inputTokens\":10,\"outputTokens\":5,\"totalTokens\":15}}")

#define OK  "\nfinish 0 0 1\nusage 0 0 10 -1 5 -1 15\nend 0 0 "
#define TOOLS  "\nfinish 0 0 3\nusage 0 0 10 -1 5 -1 15\nend 0 0 "

#define WHOLE(content)  "{\"metrics\":{\"latencyMs\":7},\"output\":{"          \
    "\"message\":{\"content\":[" content "],\"role\":\"assistant\"}},"         \
    "\"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":10,"               \
    "\"outputTokens\":5,\"totalTokens\":15}}"


static void
splits(const genai_answer_opts_t *opts, const char *what)
{
    int     rc, rc2;
    size_t  i;

    rc = 0;

    for (i = 0; i < body.len + 40; i++) {

        answer_reset(i ? &two : &one);
        rc2 = answer_decode_cut(i ? &two : &one, (unsigned char *) body.data,
                                body.len, opts,
                                i < body.len ? 0 : i - body.len + 1, i);

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
                   (unsigned long) body.len, two.bad);
            return;
        }
    }

    quiet_ok(1, "splits");
}


/* what an encoder keeps must be as written here; the body is used up */

static void
check(unsigned stream, const char *want, const char *what)
{
    genai_answer_opts_t  opts;

    opts.stream = stream;
    opts.choices = 1;
    opts.limit = 0;

    splits(&opts, what);
    is_str(one.short_log.data, want, "%s", what);

    body.len = 0;
}


static void
json(const char *text, const char *want, const char *what)
{
    answer_put(&body, text, strlen(text));
    check(0, want, what);
}


/* what is in the log of all that is told */

#define logged(text, what)                                                    \
    ok(strstr(one.log.data, text) != NULL, "%s: %s", what, text)


static void
test_stream(void)
{
    START; SAYS(0, "Hel"); SAYS(0, "lo \\ud83d\\ude00"); STOP(0);
    END("end_turn"); DONE;
    check(1, "\ntext 0 0 Hello \xf0\x9f\x98\x80" OK, "a message");
    logged("end=2 ", "it is done");

    START; SAYS(0, "a"); STOP(0); DONE; END("end_turn");
    check(1, "\ntext 0 0 a\nusage 0 0 10 -1 5 -1 15\nfinish 0 0 1\nend 0 0 ",
          "metadata before the end");
    logged("end=2 ", "it is done");

    START; SAYS(0, "a"); STOP(0); END("max_tokens");
    check(1, "\ntext 0 0 a\nfinish 0 0 2\nend 0 0 ", "no metadata");
    logged("end=1 ", "it is clean");

    START; SAYS(0, "a");
    check(1, "\ntext 0 0 a\nend 0 0 ", "cut");
    logged("end=0 ", "it is");

    START; SAYS(0, "a"); body.len -= 6;
    check(1, "\ntext 0 0 a\nend 0 0 ", "cut in a frame");
    logged("end=0 ", "it is");

    START; THINKS(0, "\"text\":\"hm\""); THINKS(0, "\"signature\":\"sig\"");
    STOP(0); THINKS(1, "\"redactedContent\":\"AAAA\""); STOP(1);
    SAYS(2, "a"); STOP(2); END("end_turn"); DONE;
    check(1, "\nreasoning 0 0 hm\nsignature 0 0 10 sig\nsignature 0 1 11 AAAA"
          "\ntext 0 0 a" OK, "thoughts");
    logged("by=<bedrock>", "who signed");

    START; SAYS(0, "a"); STOP(0); CALL(1, "i", "f"); ARGS(1, "");
    ARGS(1, "{\\\"x\\\":"); ARGS(1, "1}"); STOP(1); CALL(2, "j", "g");
    STOP(2); END("tool_use"); DONE;
    check(1, "\ntext 0 0 a\ntool 0 0 <i><f>1\narguments 0 0 {\"x\":1}"
          "\ntool 0 1 <j><g>1\narguments 0 1 {}" TOOLS,
          "calls, one of them without arguments");

    START;
    event("contentBlockStart", "{\"start\":{\"toolUse\":{\"name\":\"f\","
          "\"toolUseId\":\"i\"}},\"contentBlockIndex\":3}");
    ARGS(3, "{}"); STOP(3); END("tool_use"); DONE;
    check(1, "\ntool 0 0 <i><f>1\narguments 0 0 {}" TOOLS,
          "a number behind its block");

    START;
    event("contentBlockStart", "{\"contentBlockIndex\":0,\"start\":{"
          "\"toolUse\":{\"name\":\"nova_grounding\",\"toolUseId\":\"i\","
          "\"type\":\"server_tool_use\"}}}");
    ARGS(0, "{}"); STOP(0);
    event("contentBlockStart", "{\"contentBlockIndex\":1,\"start\":{"
          "\"toolResult\":{\"toolUseId\":\"i\"}}}");
    event("contentBlockDelta", "{\"contentBlockIndex\":1,\"delta\":{"
          "\"toolResult\":[{\"text\":\"r\"}]}}");
    STOP(1); event("a_new_one", "{\"delta\":7}"); event("empty", "");
    SAYS(2, "a"); STOP(2); END("end_turn"); DONE;
    check(1, "\ntext 0 0 a" OK, "tools that the provider runs, new events");
    logged("media 0.0", "are told as something");
}


static void
test_errors(void)
{
    START; SAYS(0, "a");
    frame("exception", "throttlingException", "{\"message\":\"slow down\"}");
    check(1, "\ntext 0 0 a\nerror 0 0 slow down\nend 0 0 ", "an exception");
    logged("name=<throttlingException>", "its type");
    logged("end=0 ", "it ends the stream");

    frame("error", "x", "");
    check(1, "\nerror 0 0 \nend 0 0 ", "an error without a word");

    frame("other", "x", "{}");
    check(1, "\nend 0 0 ", "a frame of no known kind");
    logged("a frame has no known type", "is told");

    START; event("contentBlockDelta", "{\"delta\":"); SAYS(0, "a");
    END("end_turn"); DONE;
    check(1, "\ntext 0 0 a" OK, "a payload that is no JSON");
    logged("broken 0.0", "is told");

    /* checksums */

    START; SAYS(0, "a"); body.data[body.len - 1] ^= 1; SAYS(0, "b");
    END("end_turn"); DONE;
    check(1, "\ntext 0 0 a\nend 0 0 ", "a wrong checksum");
    logged("a frame's checksum is wrong", "is told");

    START; SAYS(0, "a"); body.data[body.len / 2] ^= 1; DONE;
    answer_reset(&one);
    check(1, "\nend 0 0 ", "a bit of the headers");

    START; body.data[9] ^= 1; DONE;
    check(1, "\nend 0 0 ", "the checksum of the lengths");
    logged("the checksum of a frame's lengths is wrong", "is told");

    {
        unsigned char  bad[12] = { 0, 0, 0, 15, 0, 0, 0, 0 };
        uint32_t       crc = genai_crc32(0, bad, 8);

        genai_eventstream_tail(bad + 8, crc);
        answer_put(&body, bad, 12);
        check(1, "\nend 0 0 ", "lengths that cannot be");
        logged("a frame's lengths are wrong", "is told");
    }

    answer_put(&body, "<html>no</html>", 15);
    check(1, "\nend 0 0 ", "HTML in place of a stream");
    answer_put(&body, "<html>no</html>", 15);
    check(0, "\nend 0 0 ", "HTML in place of an answer");
    answer_put(&body, "data: {}\n\n", 10);
    check(1, "\nend 0 0 ", "another dialect's stream");

    json("{\"message\":\"no\"}", "\nerror 0 0 no\nend 0 0 ", "an error");
    json("{\"Message\":\"no\"}", "\nerror 0 0 no\nend 0 0 ", "with a capital");
    answer_put(&body, "{\"message\":\"no\"}", 16);
    check(1, "\nerror 0 0 no\nend 0 0 ", "an error in place of a stream");
    json("{\"message\":\"\"}", "\nerror 0 0 \nend 0 0 ", "of no words");
    json("{}", "\nend 0 0 ", "nothing");
    logged("there is no output", "is told");
}


static void
test_whole(void)
{
    json(WHOLE("{\"text\":\"a\"},{\"text\":\"b\"}"), "\ntext 0 0 ab" OK,
         "texts");
    json(WHOLE("{\"reasoningContent\":{\"reasoningText\":{\"signature\":"
               "\"sig\",\"text\":\"hm\"}}},{\"reasoningContent\":{"
               "\"redactedContent\":\"AAAA\"}},{\"text\":\"a\"}"),
         "\nsignature 0 0 10 sig\nreasoning 0 0 hm\nsignature 0 1 11 AAAA"
         "\ntext 0 0 a" OK, "thoughts");
    json(WHOLE("{\"toolUse\":{\"input\":{\"x\": [1, {}]},\"name\":\"f\","
               "\"toolUseId\":\"i\"}},{\"toolUse\":{\"name\":\"g\","
               "\"toolUseId\":\"j\"}}"),
         "\ntool 0 0 <i><f>1\narguments 0 0 {\"x\": [1, {}]}"
         "\ntool 0 1 <j><g>1\narguments 0 1 {}" OK,
         "calls, whose names stand behind");
    json(WHOLE("{\"toolUse\":{\"input\":{},\"name\":\"n\",\"toolUseId\":\"i\","
               "\"type\":\"server_tool_use\"}},{\"toolResult\":{\"content\":["
               "{\"text\":\"r\"}]}},{\"citationsContent\":{\"citations\":["
               "{\"title\":\"t\"}],\"content\":[{\"text\":\"c\"}]}}"),
         "\ntext 0 0 c" OK, "tools of the provider's, citations");
    json("{\"output\":{\"message\":{\"content\":[{\"text\":\"a\"}]}},"
         "\"stopReason\":\"guardrail_intervened\",\"usage\":{\"inputTokens\":"
         "1,\"cacheReadInputTokens\":20,\"cacheWriteInputTokens\":300,"
         "\"cacheDetails\":[{\"ttl\":\"5m\",\"inputTokens\":100},{"
         "\"inputTokens\":200,\"ttl\":\"1h\"}],\"outputTokens\":4,"
         "\"totalTokens\":325}}",
         "\ntext 0 0 a\nfinish 0 0 4\nusage 0 0 321 20 4 -1 325 w100,200"
         "\nend 0 0 ", "a guardrail, and a cache");
    json("{\"inputTokens\":7}", "\nend 0 0 ", "CountTokens");
    logged("start 0.0 f2", "is no conversation");
}


/* the arguments of a call before its name, longer than what waits */

static void
test_long(void)
{
    size_t               i;
    genai_answer_opts_t  opts = { 0, 1, 0, 0 };

    static const char  head[] = "{\"output\":{\"message\":{\"content\":[{"
        "\"toolUse\":{\"input\":{\"x\":\"";
    static const char  tail[] = "\"},\"name\":\"f\",\"toolUseId\":\"i\"}}]}},"
        "\"stopReason\":\"tool_use\"}";

    answer_put(&body, head, sizeof(head) - 1);

    for (i = 0; i < 20000; i++) {
        answer_put(&body, "abcdefghij" + i % 10, 1);
    }

    answer_put(&body, tail, sizeof(tail) - 1);

    answer_reset(&one);
    (void) answer_decode(&one, (unsigned char *) body.data, body.len, &opts,
                         0);
    ok(!one.bad && strstr(one.short_log.data, "\ntool 0 0 <><>1\narguments")
       && strstr(one.short_log.data, "\ntool 0 0 <i><f>0"),
       "a call of 20 KB is told, and again with its name");

    for (i = 1; i < 10000; i += 997) {
        answer_reset(&two);
        (void) answer_decode(&two, (unsigned char *) body.data, body.len,
                             &opts, i);
        quiet_ok(!two.bad && one.log.len == two.log.len
                 && memcmp(one.log.data, two.log.data, one.log.len) == 0,
                 "a piece of %lu: line %u", (unsigned long) i, two.bad);
    }

    /* 10 MB in one frame, in the memory of the decoder */

    body.len = 0;
    answer_put(&body, "", 0);

    {
        char  *big = malloc(10 * 1024 * 1024 + 64);

        strcpy(big, "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"");
        i = strlen(big);
        memset(big + i, 'x', 10 * 1024 * 1024);
        strcpy(big + i + 10 * 1024 * 1024, "\"}}");

        event("contentBlockDelta", big);
        free(big);
    }

    answer_reset(&one);
    one.quiet = 1;
    opts.stream = 1;
    (void) answer_decode(&one, (unsigned char *) body.data, body.len, &opts,
                         4096);
    ok(!one.bad && one.bytes >= 10 * 1024 * 1024, "a frame of 10 MB");

    answer_reset(&one);
    opts.limit = 1000;
    is_int(answer_decode(&one, (unsigned char *) body.data, body.len, &opts,
                         0), -1, "is too large where there is a limit");
    body.len = 0;
}


static int
write_body(void *ctx, const unsigned char *p, size_t n)
{
    answer_put(&body, p, n);

    return 0;
}


static void
test_encode(void)
{
    size_t                    i;
    genai_event_t             e;
    genai_usage_t             usage;
    genai_answer_head_t       head = {
        genai_str("id"), genai_str("model"), 1, 0, 1, 7 };
    genai_bedrock_stream_t    s;
    static unsigned char      text[3000];

    genai_usage_clear(&usage);
    usage.prompt = 12;
    usage.cached = 2;
    usage.completion = 5;

    for (i = 0; i < sizeof(text); i += 3) {
        memcpy(text + i, "\xe2\x82\xac", 3);
    }

#define tell(kind, ...)                                                       \
    do {                                                                      \
        e = (genai_event_t) { .type = GENAI_EVENT_ ## kind, ## __VA_ARGS__ }; \
        quiet_ok(genai_bedrock_stream_event(&s, &e) == 0, #kind);             \
    } while (0)

    encode_init(&s, &head, write_body, NULL);
    tell(START);
    tell(REASONING, .text = genai_str("hm"), .first = 1, .last = 1);
    tell(SIGNATURE, .field = GENAI_FIELD_OF_THOUGHT, .text = genai_str("sig"),
         .name = genai_str("anthropic"), .first = 1, .last = 1);
    tell(SIGNATURE, .field = GENAI_FIELD_SEALED, .block = 1,
         .text = genai_str("data"), .name = genai_str("anthropic"),
         .first = 1, .last = 1);
    tell(TEXT, .text = { sizeof(text), text }, .first = 1);
    tell(TEXT, .text = genai_str("\"end\""), .last = 1);
    tell(TOOL, .id = genai_str("i"), .first = 1);
    tell(TOOL, .name = genai_str("f"));
    tell(ARGUMENTS, .text = genai_str("{\"x\":1}"), .first = 1, .last = 1);
    tell(TOOL, .id = genai_str("j"), .name = genai_str("g"), .block = 1,
         .first = 1);
    tell(SIGNATURE, .field = GENAI_FIELD_OF_CALL, .block = 1,
         .text = { sizeof(text), text }, .name = genai_str("gemini"),
         .first = 1, .last = 1);
    tell(FINISH, .finish = GENAI_FINISH_STOP, .text = genai_str("STOP"));
    tell(USAGE, .usage = &usage);
    tell(END, .end_how = GENAI_END_DONE);

    splits(&(genai_answer_opts_t) { 1, 1, 0, 0 }, "encoded");
    body.len = 0;

    ok(strstr(one.short_log.data, "\nreasoning 0 0 hm\nsignature 0 0 10 "
              "genai:anthropic:thought:0:sig\nsignature 0 1 11 "
              "Z2VuYWk6YW50aHJvcGljOnNlYWxlZDowOmRhdGE=\ntext 0 0 \xe2\x82\xac")
       && strstr(one.short_log.data, "\xac\"end\"\ntool 0 0 <i><f>1\narguments "
                 "0 0 {\"x\":1}\ntool 0 1 <j><g>1\narguments 0 1 {}\nsignature "
                 "0 2 11 Z2VuYWk6Z2VtaW5pOmNhbGw6MTpq")
       && strstr(one.short_log.data, "\nfinish 0 0 3\nusage 0 0 12 2 5 -1 17"
                 "\nend 0 0 "),
       "all of it");

    encode_init(&s, &head, write_body, NULL);
    tell(TEXT, .text = genai_str("a"), .first = 1);
    tell(ERROR, .text = genai_str("no"), .name = genai_str("rate_limit_error"));
    tell(END, .end_how = GENAI_END_CUT);
    check(1, "\ntext 0 0 a\nerror 0 0 no\nend 0 0 ", "an error");
    logged("name=<throttlingException>", "its type");

    encode_init(&s, &head, write_body, NULL);
    tell(TEXT, .text = genai_str("a"), .first = 1, .last = 1);
    tell(FINISH, .finish = GENAI_FINISH_ERROR, .text = genai_str("error"));
    check(1, "\ntext 0 0 a\nerror 0 0 The provider gave up its answer"
          "\nend 0 0 ", "a finish that is a failure");
}


static void
test_dialect(void)
{
    size_t       n;
    unsigned     i, stream;
    genai_str_t  path, model, id;
    unsigned char  dst[GENAI_DIALECT_ERROR_MAX];

    static const genai_str_t  arn = genai_str(
        "arn:aws:bedrock:us-east-1:1:inference-profile/us.a.b-v1:0");

    static const struct {
        const char  *path;
        const char  *model;
        unsigned     stream;
    } paths[] = {
        { "/model/amazon.nova-lite-v1:0/converse", "amazon.nova-lite-v1:0",
          0 },
        { "/v1/model/us.a/converse-stream", "us.a", 1 },
        { "/model/arn:aws:b:u:1:p/us.a/converse", "arn:aws:b:u:1:p/us.a", 0 },
        { "/model/a/model/b/converse", "a/model/b", 0 },
        { "/model/a/count-tokens", "a", 0 },
        { "/model//converse", NULL, 0 },
        { "/converse", NULL, 0 }
    };

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        path.data = (unsigned char *) paths[i].path;
        path.len = strlen(paths[i].path);

        ok(genai_endpoint_of_path(&genai_bedrock, &path, &id) != NULL,
           "%s is an endpoint's", paths[i].path);

        stream = 0;
        n = genai_bedrock.path_read(&path, &model, &stream);

        ok(paths[i].model
           ? n == 1 && model.len == strlen(paths[i].model)
             && memcmp(model.data, paths[i].model, model.len) == 0
             && stream == paths[i].stream
           : n == 0, "and its model");
    }

    n = genai_bedrock.path_write(dst, sizeof(dst), GENAI_ENDPOINT_CONVERSE,
                                 &arn, 1);
    is_mem(dst, n, "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-"
           "profile%2Fus.a.b-v1%3A0/converse-stream", 94, "an ARN in a path");

    path = (genai_str_t) genai_str("so \"long\"");
    n = genai_bedrock.error_body(dst, 429, &path, &id);
    is_mem(dst, n, "{\"message\":\"so \\\"long\\\"\"}", 25, "an error");

    body.len = 0;
    n = genai_bedrock.error_event(dst, 429, &path, &id);
    answer_put(&body, dst, n);
    check(1, "\nerror 0 0 so \"long\"\nend 0 0 ", "as a frame");
    logged("name=<throttlingException>", "its type");
}


int
main(void)
{
    srand(1);
    answer_put(&body, "", 0);

    is_int(genai_crc32(0, (unsigned char *) "123456789", 9), 0xcbf43926,
           "a checksum");
    is_int(genai_crc32(genai_crc32(0, (unsigned char *) "123", 3),
                       (unsigned char *) "456789", 6), 0xcbf43926,
           "in pieces");

    test_stream();
    test_errors();
    test_whole();
    test_long();
    test_encode();
    test_dialect();

    answer_free(&one);
    answer_free(&two);
    free(body.data);

    return done_testing();
}
