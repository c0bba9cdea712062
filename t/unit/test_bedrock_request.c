/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Bedrock's requests: what is told of every shape, and what is acted on.
 */


#include "request.h"


#define U(c)  "{\"messages\":[{\"role\":\"user\",\"content\":[" c "]}]}"
#define A(c)  "{\"messages\":[{\"role\":\"assistant\",\"content\":[" c "]}]}"


static const struct {
    const char  *text;
    const char  *told;
} shapes[] = {

    { "{}", "" },
    { "{\"messages\":[{}]}", "" },
    { U("{\"text\":\"hi\"}"), "text user 0.0 hi\n" },
    { U("{\"text\":null},\"a\",7"),
      "text user 0.1 a\nuncovered user 0.2 7\n" },
    { "{\"system\":[{\"text\":\"s\"},{\"cachePoint\":{\"type\":\"default\"}},"
      "{\"guardContent\":{\"text\":{\"text\":\"g\"}}}],\"messages\":[{\"role\":"
      "\"x\",\"content\":[{\"text\":\"a\"}]},{\"role\":\"system\",\"content\":"
      "\"b\"}]}",
      "text system 0.0 s\ntext system 0.2 g\ntext other 0.0 a\n"
      "uncovered system 1.0 b\n" },

    /* blocks */

    { A("{\"reasoningContent\":{\"reasoningText\":{\"text\":\"t\","
        "\"signature\":\"s\"}}},{\"reasoningContent\":{\"redactedContent\":"
        "\"A\"}},{\"toolUse\":{\"toolUseId\":\"i\",\"name\":\"f\",\"input\":{"
        "\"x\":1}}},{\"citationsContent\":{\"content\":[{\"text\":\"c\"}],"
        "\"citations\":[{\"title\":\"x\"}]}}"),
      "reasoning assistant 0.0 t\ncall_name assistant 0.2 f\n"
      "arguments assistant 0.2 {\"x\":1} JSON\ntext assistant 0.3 c\n" },
    { U("{\"toolResult\":{\"toolUseId\":\"i\",\"status\":\"error\","
        "\"content\":[{\"text\":\"t\"},{\"json\":{\"a\":1}},{\"image\":{"
        "\"format\":\"png\",\"source\":{\"bytes\":\"A\"}}},{\"searchResult\":{"
        "\"source\":\"u\",\"title\":\"n\",\"content\":[{\"text\":\"s\"}]}},{"
        "\"new\":\"x\"}]}}"),
      "result user 0.0 t\nresult user 0.0 {\"a\":1} JSON\n"
      "image user 0.0 {\"format\":\"png\",\"source\":{\"bytes\":\"A\"}}\n"
      "text user 0.0 u\ntext user 0.0 n\ntext user 0.0 s\n"
      "uncovered user 0.0 x\n" },
    { U("{\"document\":{\"format\":\"txt\",\"name\":\"n\",\"context\":\"c\","
        "\"source\":{\"text\":\"t\"}}},{\"audio\":{\"format\":\"mp3\","
        "\"source\":{\"bytes\":\"A\"}}},{\"video\":{\"format\":\"mp4\"}}"),
      "file user 0.0 {\"format\":\"txt\",\"name\":\"n\",\"context\":\"c\","
      "\"source\":{\"text\":\"t\"}}\ntext user 0.0 n\ntext user 0.0 c\n"
      "text user 0.0 t\n"
      "audio user 0.1 {\"format\":\"mp3\",\"source\":{\"bytes\":\"A\"}}\n"
      "file user 0.2 {\"format\":\"mp4\"}\n" },
    { U("{\"text\":\"a\",\"new\":\"n\",\"n\":7},{\"later\":{\"a\":\"b\"}}"),
      "text user 0.0 a\nuncovered user 0.0 n\n"
      "uncovered user 0.1 {\"a\":\"b\"}\n" },

    /* tools and formats */

    { "{\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"f\","
      "\"description\":\"d\",\"inputSchema\":{\"json\":{\"type\":\"object\"}}"
      "}},{\"cachePoint\":{\"type\":\"default\"}},{\"systemTool\":{\"name\":"
      "\"g\"}}],\"toolChoice\":{\"tool\":{\"name\":\"f\"}}}}",
      "tool_name none 0.0 f\ntool_description none 0.0 d\n"
      "tool_schema none 0.0 {\"type\":\"object\"} JSON\n"
      "uncovered none 2.0 {\"name\":\"g\"}\n" },
    { "{\"outputConfig\":{\"textFormat\":{\"type\":\"json_schema\","
      "\"structure\":{\"jsonSchema\":{\"name\":\"n\",\"schema\":\"{}\"}}}},"
      "\"promptVariables\":{\"a\":{\"text\":\"v\"}}}",
      "format none 0.0 {}\nuncovered none 0.0 {\"a\":{\"text\":\"v\"}}\n" }
};


static void
test_shapes(void)
{
    size_t     i;
    request_t  r;

    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        request_read(&r, &genai_bedrock, GENAI_ENDPOINT_CONVERSE,
                     shapes[i].text, strlen(shapes[i].text));
        is_str(request_told(&r), shapes[i].told, "%s", shapes[i].text);
        request_close(&r);
    }
}


static void
test_members(void)
{
    request_t  r;

    static const char  text[] =
        "{\"messages\":[{\"content\":[]},{}],\"inferenceConfig\":{"
        "\"maxTokens\":1e2}}";
    static const char  counted[] =
        "{\"input\":{\"converse\":{\"messages\":[{\"role\":\"user\","
        "\"content\":[{\"text\":\"a\"}]}]}}}";

    request_read(&r, &genai_bedrock, GENAI_ENDPOINT_CONVERSE, text,
                 sizeof(text) - 1);
    is_int(r.req.output_max, 100, "maxTokens");
    is_int(r.req.messages, 2, "messages");
    request_close(&r);

    request_read(&r, &genai_bedrock, GENAI_ENDPOINT_COUNT_TOKENS, counted,
                 sizeof(counted) - 1);
    is_str(request_told(&r), "text user 0.0 a\n", "CountTokens");
    request_close(&r);

    request_read(&r, &genai_bedrock, GENAI_ENDPOINT_CONVERSE,
                 "{\"messages\":7}", 14);
    ok(r.rc == GENAI_REQUEST_ERROR, "messages of another type: %s",
       r.req.error);
    request_close(&r);
}


int
main(void)
{
    test_shapes();
    test_members();

    return done_testing();
}
