/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gemini's requests: what is told of every shape, and what is acted on.
 */


#include "request.h"


/* one content, and its parts */
#define C(c)  "{\"contents\":[" c "]}"
#define U(p)  C("{\"role\":\"user\",\"parts\":[" p "]}")
#define M(p)  C("{\"role\":\"model\",\"parts\":[" p "]}")


static const struct {
    const char  *text;
    const char  *told;
} shapes[] = {

    { "{}", "" },
    { C("{}"), "" },
    { U("{\"text\":\"hi\"}"), "text user 0.0 hi\n" },
    { U("{\"text\":null},\"a\",7"),
      "text user 0.1 a\nuncovered user 0.2 7\n" },
    { C("{\"parts\":{\"text\":\"a\"}},{\"role\":\"function\",\"parts\":[{"
        "\"text\":\"b\"}]},{\"role\":\"x\",\"parts\":[{\"text\":\"c\"}]},"
        "{\"role\":\"model\",\"parts\":\"d\"}"),
      "text user 0.0 a\ntext tool 1.0 b\ntext other 2.0 c\n"
      "uncovered assistant 3.0 d\n" },
    { "{\"contents\":{\"parts\":[{\"text\":\"a\"}]}}", "text user 0.0 a\n" },

    /* instructions, in both spellings */

    { "{\"systemInstruction\":{\"parts\":[{\"text\":\"s\"},{\"text\":\"t\"}]}}",
      "text system 0.0 s\ntext system 0.1 t\n" },
    { "{\"system_instruction\":{\"parts\":{\"text\":\"s\"}}}",
      "text system 0.0 s\n" },
    { "{\"systemInstruction\":\"s\"}", "text system 0.0 s\n" },

    /* parts */

    { M("{\"text\":\"t\",\"thought\":true,\"thoughtSignature\":\"s\"},"
        "{\"functionCall\":{\"id\":\"i\",\"name\":\"f\",\"args\":{\"x\":1}},"
        "\"thoughtSignature\":\"s\"},{\"executableCode\":{\"language\":"
        "\"PYTHON\",\"code\":\"c\"}},{\"codeExecutionResult\":{\"outcome\":"
        "\"OUTCOME_OK\",\"output\":\"o\"}}"),
      "reasoning assistant 0.0 t\ncall_name assistant 0.1 f\n"
      "arguments assistant 0.1 {\"x\":1} JSON\ntext assistant 0.2 c\n"
      "result assistant 0.3 o\n" },
    { U("{\"functionResponse\":{\"id\":\"i\",\"name\":\"f\",\"response\":{"
        "\"a\":1},\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\","
        "\"data\":\"A\"}}]}}"),
      "call_name user 0.0 f\nresult user 0.0 {\"a\":1} JSON\n"
      "image user 0.0 {\"mimeType\":\"image/png\",\"data\":\"A\"}\n" },
    { U("{\"inline_data\":{\"mime_type\":\"audio/wav\",\"data\":\"A\"}},"
        "{\"fileData\":{\"fileUri\":\"gs://a\"}}"),
      "audio user 0.0 {\"mime_type\":\"audio/wav\",\"data\":\"A\"}\n"
      "file user 0.1 {\"fileUri\":\"gs://a\"}\n" },
    { U("{\"text\":\"a\",\"new\":\"n\",\"n\":7,\"videoMetadata\":{\"a\":1}}"),
      "text user 0.0 a\nuncovered user 0.0 n\n" },

    /* tools and formats */

    { "{\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":"
      "\"d\",\"parameters\":{\"type\":\"OBJECT\"}},{\"name\":\"g\","
      "\"parametersJsonSchema\":{}}]},{\"googleSearch\":{}},{\"fileSearch\":{"
      "\"a\":1}}]}",
      "tool_name none 0.0 f\ntool_description none 0.0 d\n"
      "tool_schema none 0.0 {\"type\":\"OBJECT\"} JSON\ntool_name none 1.0 g\n"
      "tool_schema none 1.0 {} JSON\nuncovered none 0.0 {\"a\":1}\n" },
    { "{\"generationConfig\":{\"responseSchema\":{\"a\":1}},"
      "\"cachedContent\":\"c\"}",
      "format none 0.0 {\"a\":1} JSON\nuncovered none 0.0 c\n" }
};


static void
test_shapes(void)
{
    size_t     i;
    request_t  r;

    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        request_read(&r, &genai_gemini, GENAI_ENDPOINT_GENERATE,
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
        "{\"contents\":[{\"parts\":[]},{}],\"generationConfig\":{"
        "\"maxOutputTokens\":1e2,\"candidateCount\":3}}";
    static const char  counted[] =
        "{\"generateContentRequest\":{\"contents\":[{\"parts\":[{\"text\":"
        "\"a\"}]}]}}";

    request_read(&r, &genai_gemini, GENAI_ENDPOINT_GENERATE, text,
                 sizeof(text) - 1);
    is_int(r.req.output_max, 100, "maxOutputTokens");
    is_int(r.req.choices, 3, "candidateCount");
    is_int(r.req.messages, 2, "contents");
    request_close(&r);

    request_read(&r, &genai_gemini, GENAI_ENDPOINT_COUNT_TOKENS, counted,
                 sizeof(counted) - 1);
    is_str(request_told(&r), "text user 0.0 a\n", "countTokens");
    request_close(&r);

    request_read(&r, &genai_gemini, GENAI_ENDPOINT_GENERATE,
                 "{\"contents\":7}", 14);
    ok(r.rc == GENAI_REQUEST_ERROR, "contents of another type: %s",
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
