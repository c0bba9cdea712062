/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Anthropic's requests: what is told of every shape, what is refused and with
 * which words, and the edits that the dialect makes.
 */


#include "request.h"


/* one message, and its content */
#define M(m)  "{\"model\":\"m\",\"messages\":[" m "]}"
#define U(c)  M("{\"role\":\"user\",\"content\":" c "}")
#define A(c)  M("{\"role\":\"assistant\",\"content\":" c "}")


static const struct {
    const char  *text;
    const char  *told;
} shapes[] = {

    { "{}", "" },
    { M("{}"), "" },
    { U("\"hi\""), "text user 0.0 hi\n" },
    { U("null"), "" },
    { U("7"), "uncovered user 0.0 7\n" },
    { U("[]"), "" },
    { U("[\"a\",7]"), "text user 0.0 a\nuncovered user 0.1 7\n" },
    { M("{\"content\":\"a\",\"role\":\"system\"},{\"role\":\"assistant\","
        "\"content\":\"b\"},{\"role\":\"x\",\"content\":\"c\"}"),
      "text system 0.0 a\ntext assistant 1.0 b\ntext other 2.0 c\n" },

    /* system prompts */

    { "{\"system\":\"s\"}", "text system 0.0 s\n" },
    { "{\"system\":[{\"type\":\"text\",\"text\":\"s\",\"cache_control\":"
      "{\"type\":\"ephemeral\"}},{\"text\":\"t\",\"type\":\"text\"}]}",
      "text system 0.0 s\ntext system 0.1 t\n" },
    { "{\"system\":{\"a\":1}}", "uncovered system 0.0 {\"a\":1}\n" },

    /* blocks */

    { U("[{\"text\":\"a\",\"type\":\"text\",\"citations\":[{\"x\":1}]},"
        "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
        "\"image/png\",\"data\":\"QQ==\"}},{\"type\":\"image\",\"source\":"
        "{\"type\":\"url\",\"url\":\"u\"}}]"),
      "text user 0.0 a\n"
      "image user 0.1 {\"type\":\"image\",\"source\":{\"type\":\"base64\","
      "\"media_type\":\"image/png\",\"data\":\"QQ==\"}}\n"
      "image user 0.2 {\"type\":\"image\",\"source\":{\"type\":\"url\","
      "\"url\":\"u\"}}\n" },
    { U("[{\"type\":\"document\",\"title\":\"t\",\"context\":\"c\","
        "\"source\":{\"data\":\"d\",\"type\":\"text\",\"media_type\":\"p\"}},"
        "{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"data\":"
        "\"QQ==\"}}]"),
      "file user 0.0 {\"type\":\"document\",\"title\":\"t\",\"context\":\"c\","
      "\"source\":{\"data\":\"d\",\"type\":\"text\",\"media_type\":\"p\"}}\n"
      "text user 0.0 t\ntext user 0.0 c\ntext user 0.0 d\n"
      "file user 0.1 {\"type\":\"document\",\"source\":{\"type\":\"base64\","
      "\"data\":\"QQ==\"}}\n" },
    { U("[{\"type\":\"document\",\"source\":{\"type\":\"content\",\"content\":"
        "[{\"type\":\"text\",\"text\":\"a\"}]}}]"),
      "file user 0.0 {\"type\":\"document\",\"source\":{\"type\":\"content\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}}\ntext user 0.0 a\n" },
    { U("[{\"type\":\"search_result\",\"source\":\"u\",\"title\":\"t\","
        "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]"),
      "text user 0.0 u\ntext user 0.0 t\ntext user 0.0 a\n" },
    { U("[{\"type\":\"new\",\"text\":\"a\"},{},{\"text\":\"b\"}]"),
      "uncovered user 0.0 {\"type\":\"new\",\"text\":\"a\"}\n"
      "text user 0.0 a\nuncovered user 0.1 {}\n"
      "uncovered user 0.2 {\"text\":\"b\"}\ntext user 0.2 b\n" },
    { U("[{\"type\":\"text\",\"text\":\"a\",\"note\":\"n\",\"n\":7}]"),
      "text user 0.0 a\nuncovered user 0.0 n\n" },

    /* what an assistant said before */

    { A("[{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"s\"},"
        "{\"type\":\"redacted_thinking\",\"data\":\"d\"},{\"type\":\"text\","
        "\"text\":\"a\"},{\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\","
        "\"input\":{\"x\":[1]},\"caller\":{\"type\":\"direct\"}},"
        "{\"type\":\"server_tool_use\",\"id\":\"i\",\"name\":\"w\","
        "\"input\":{}},{\"type\":\"web_search_tool_result\",\"tool_use_id\":"
        "\"i\",\"content\":[{\"type\":\"web_search_result\",\"url\":\"u\"}]}]"),
      "reasoning assistant 0.0 t\ntext assistant 0.2 a\n"
      "call_name assistant 0.3 f\narguments assistant 0.3 {\"x\":[1]} JSON\n"
      "call_name assistant 0.4 w\narguments assistant 0.4 {} JSON\n"
      "uncovered assistant 0.5 {\"type\":\"web_search_tool_result\","
      "\"tool_use_id\":\"i\",\"content\":[{\"type\":\"web_search_result\","
      "\"url\":\"u\"}]}\n" },

    /* results */

    { U("[{\"type\":\"tool_result\",\"tool_use_id\":\"i\",\"content\":\"a\"},"
        "{\"type\":\"tool_result\",\"tool_use_id\":\"j\",\"is_error\":true,"
        "\"content\":[{\"type\":\"text\",\"text\":\"b\"},{\"type\":\"image\","
        "\"source\":{}},{\"type\":\"x\",\"y\":\"z\"},7]},"
        "{\"type\":\"tool_result\",\"tool_use_id\":\"k\"},"
        "{\"type\":\"text\",\"text\":\"c\"}]"),
      "result user 0.0 a\nresult user 0.1 b\n"
      "image user 0.1 {\"type\":\"image\",\"source\":{}}\n"
      "uncovered user 0.1 {\"type\":\"x\",\"y\":\"z\"}\nuncovered user 0.1 7\n"
      "text user 0.3 c\n" },

    /* tools and formats */

    { "{\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"input_schema\":"
      "{\"type\":\"object\"},\"cache_control\":{\"type\":\"ephemeral\"}},"
      "{\"type\":\"custom\",\"name\":\"g\"},{\"type\":\"web_search_20250305\","
      "\"name\":\"web_search\",\"allowed_domains\":[\"x\"]}]}",
      "tool_name none 0.0 f\ntool_description none 0.0 d\n"
      "tool_schema none 0.0 {\"type\":\"object\"} JSON\n"
      "tool_name none 1.0 g\nuncovered none 2.0 {\"type\":"
      "\"web_search_20250305\",\"name\":\"web_search\",\"allowed_domains\":"
      "[\"x\"]}\ntool_name none 2.0 web_search\n" },
    { "{\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"},\"output_config\":"
      "{\"effort\":\"low\",\"format\":{\"type\":\"json_schema\",\"schema\":"
      "{\"a\":1}}},\"output_format\":{\"schema\":{\"b\":1}},"
      "\"mcp_servers\":[{\"url\":\"u\"}],\"metadata\":{\"user_id\":\"u\"},"
      "\"stop_sequences\":[\"s\"]}",
      "format none 0.0 {\"a\":1} JSON\nformat none 0.0 {\"b\":1} JSON\n"
      "uncovered none 0.0 [{\"url\":\"u\"}]\n" }
};


static const struct {
    const char  *text;
    const char  *error;
} refused[] = {
    { "[]", "" },
    { "{\"model\":7}", "model" },
    { "{\"model\":\"\"}", "model" },
    { "{\"model\":\"a\",\"model\":\"b\"}", "model" },
    { "{\"model\":\"a\",\"Model\":\"b\"}", "model" },
    { "{\"model\":\"a\",\"mod\\u0065l\":\"b\"}", "model" },
    { "{\"max_tokens\":\"1\"}", "max_tokens" },
    { "{\"max_tokens\":1.5}", "max_tokens" },
    { "{\"stream\":1}", "stream" },
    { "{\"messages\":{}}", "messages" },
    { M("7"), "messages.0" },
    { M("{\"role\":7}"), "messages.0.role" },
    { M("{\"role\":\"user\",\"role\":\"user\"}"), "messages.0" },
    { U("[{\"type\":\"text\",\"text\":\"a\",\"TEXT\":\"b\"}]"),
      "messages.0.content.0" }
};


static void
test_shapes(void)
{
    size_t     i;
    request_t  r;

    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        request_read(&r, &genai_anthropic, GENAI_ENDPOINT_MESSAGES,
                     shapes[i].text, strlen(shapes[i].text));

        ok(r.rc == GENAI_REQUEST_DONE, "%s: %s", shapes[i].text, r.req.error);
        is_str(request_told(&r), shapes[i].told, "what is told");
        request_close(&r);
    }

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        request_read(&r, &genai_anthropic, GENAI_ENDPOINT_COUNT_TOKENS,
                     refused[i].text, strlen(refused[i].text));

        ok(r.rc == GENAI_REQUEST_ERROR && strstr(r.req.error,
                                                 refused[i].error),
           "%s: refused, %s", refused[i].text, r.req.error);
        request_close(&r);
    }
}


static void
test_values(void)
{
    request_t  r;

    static const char  text[] =
        "{\"model\":\"m\",\"max_tokens\":1e2,\"stream\":true,\"messages\":"
        "[{\"role\":\"user\",\"content\":\"a\"},{}],\"n\":3}";

    request_read(&r, &genai_anthropic, GENAI_ENDPOINT_MESSAGES, text,
                 sizeof(text) - 1);

    is_int(r.req.output_max, 100, "max_tokens");
    is_int(r.req.choices, 1, "one answer");
    is_int(r.req.messages, 2, "messages");
    ok(r.req.stream_asked && r.req.usage_asked, "a stream, with usage");
    ok(r.req.model && r.req.stream && r.req.max_tokens, "their places");
    request_close(&r);

    request_read(&r, &genai_anthropic, GENAI_ENDPOINT_MESSAGES,
                 "{\"max_tokens\":null,\"stream\":null}", 33);
    ok(r.rc == GENAI_REQUEST_DONE && r.req.output_max == -1
       && r.req.max_tokens == 0 && !r.req.stream_asked, "nulls");
    request_close(&r);

    request_read(&r, &genai_anthropic, GENAI_ENDPOINT_MESSAGES,
                 "{\"max_tokens\":-1}", 17);
    ok(r.rc == GENAI_REQUEST_DONE && r.req.output_max == -1,
       "a negative one is none");
    request_close(&r);
}


static void
test_edits(void)
{
    size_t             i, n;
    char               text[256];
    request_t          r;
    genai_str_t        slice;
    genai_edits_t      edits;
    genai_splicer_t    splicer;
    genai_document_t   d;

    static const struct {
        const char   *text;
        const char   *want;
    } models[] = {
        { "{\"model\":\"a\",\"stream\":true}",
          "{\"model\":\"b/\\\"c\",\"stream\":true}" },
        { "{}", "{\"model\":\"b/\\\"c\"}" }
    };

    static const genai_str_t  name = genai_str("b/\"c");

    for (i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        request_open(&r, &genai_anthropic, GENAI_ENDPOINT_MESSAGES,
                     models[i].text, strlen(models[i].text));
        (void) genai_request_read(&r.req, SIZE_MAX);

        genai_edits_init(&edits, &r.req.tape, &r.arena);

        is_int(genai_anthropic.ask_usage(&r.req, &edits), 0,
               "usage is told unasked");
        is_int(genai_anthropic.set_model(&r.req, &edits, &name), 0,
               "a model is set");
        is_int(genai_document_init(&d, &r.req.text, &r.req.tape, &edits, NULL,
                                   &r.arena), 0, "edited");

        genai_splicer_init(&splicer, &d);

        for (n = 0; genai_splicer_next(&splicer, &slice); n += slice.len) {
            memcpy(text + n, slice.data, slice.len);
        }

        is_mem(text, n, models[i].want, strlen(models[i].want), "%s",
               models[i].text);
        request_close(&r);
    }
}


int
main(void)
{
    test_shapes();
    test_values();
    test_edits();

    return done_testing();
}
