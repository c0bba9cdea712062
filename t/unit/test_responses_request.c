/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The Responses API's requests: what is told of every shape, what is refused
 * and with which words.
 */


#include "request.h"


typedef struct {
    const char        *text;
    const char        *told;        /* the segments, or the error */
} case_t;


#define I(items)  "{\"model\":\"m\",\"input\":[" items "]}"
#define U(c)      I("{\"role\":\"user\",\"content\":" c "}")


static const case_t  shapes[] = {
    { "{}", "" },
    { "{\"input\":\"hi\",\"instructions\":\"be\"}",
      "text user 0.0 hi\ntext system 0.0 be\n" },
    { "{\"input\":7,\"instructions\":[\"a\"]}",
      "uncovered user 0.0 7\nuncovered system 0.0 [\"a\"]\n" },
    { "{\"input\":null,\"instructions\":null}", "" },
    { I(""), "" },
    { U("\"hi\\n\""), "text user 0.0 hi\\n\n" },
    { U("[{\"type\":\"input_text\",\"text\":\"a\"},{\"text\":\"b\","
        "\"type\":\"input_text\"},\"c\",7,null]"),
      "text user 0.0 a\ntext user 0.1 b\ntext user 0.2 c\n"
      "uncovered user 0.3 7\n" },
    { U("[{\"type\":\"input_image\",\"image_url\":\"u\",\"detail\":\"low\"},"
        "{\"type\":\"input_file\",\"file_data\":\"d\",\"filename\":\"f\"},"
        "{\"type\":\"input_audio\",\"input_audio\":{}},"
        "{\"type\":\"new\",\"text\":\"x\"}]"),
      "image user 0.0 {\"type\":\"input_image\",\"image_url\":\"u\","
      "\"detail\":\"low\"}\nfile user 0.1 {\"type\":\"input_file\","
      "\"file_data\":\"d\",\"filename\":\"f\"}\n"
      "audio user 0.2 {\"type\":\"input_audio\",\"input_audio\":{}}\n"
      "uncovered user 0.3 {\"type\":\"new\",\"text\":\"x\"}\n"
      "text user 0.3 x\n" },
    { I("{\"type\":\"message\",\"content\":\"a\",\"role\":\"developer\"},"
        "{\"type\":\"message\",\"role\":\"system\",\"content\":\"b\"},"
        "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\","
        "\"status\":\"completed\",\"content\":[{\"type\":\"output_text\","
        "\"text\":\"c\",\"annotations\":[{\"url\":\"u\"}],\"logprobs\":[]},"
        "{\"type\":\"refusal\",\"refusal\":\"d\"}]}"),
      "text developer 0.0 a\ntext system 1.0 b\ntext assistant 2.0 c\n"
      "refusal assistant 2.1 d\n" },
    { I("{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c\","
        "\"name\":\"f\",\"arguments\":\"{}\"},"
        "{\"type\":\"function_call_output\",\"call_id\":\"c\","
        "\"output\":\"r\"},"
        "{\"type\":\"custom_tool_call\",\"call_id\":\"d\",\"name\":\"g\","
        "\"input\":\"ls\"},"
        "{\"type\":\"custom_tool_call_output\",\"call_id\":\"d\","
        "\"output\":[{\"type\":\"input_text\",\"text\":\"s\"},"
        "{\"type\":\"input_image\"}]}"),
      "call_name assistant 0.0 f\narguments assistant 0.0 {}\n"
      "result tool 1.0 r\ncall_name assistant 2.0 g\n"
      "arguments assistant 2.0 ls\nresult tool 3.0 s\n"
      "image tool 3.1 {\"type\":\"input_image\"}\n" },
    { I("{\"type\":\"reasoning\",\"id\":\"rs\",\"summary\":[{\"type\":"
        "\"summary_text\",\"text\":\"a\"}],\"content\":[{\"type\":"
        "\"reasoning_text\",\"text\":\"b\"}],\"encrypted_content\":\"x\"}"),
      "reasoning assistant 0.0 a\nreasoning assistant 0.0 b\n" },
    { I("{\"type\":\"item_reference\",\"id\":\"msg_1\"},"
        "{\"type\":\"web_search_call\",\"action\":{\"query\":\"q\"}},"
        "{\"content\":\"x\"}"),
      "uncovered other 0.0 {\"type\":\"item_reference\",\"id\":\"msg_1\"}\n"
      "uncovered other 1.0 {\"type\":\"web_search_call\",\"action\":"
      "{\"query\":\"q\"}}\ntext other 2.0 x\n" },
    { I("{\"id\":\"msg_1\"},{}"),
      "uncovered other 0.0 {\"id\":\"msg_1\"}\nuncovered other 1.0 {}\n" },
    { I("{\"type\":\"message\",\"role\":\"user\",\"content\":\"a\","
        "\"new\":\"hidden\",\"n\":7,\"status\":\"x\"}"),
      "text user 0.0 a\nuncovered user 0.0 hidden\n" },

    /* tools */

    { "{\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":"
      "\"d\",\"parameters\":{\"a\":1},\"strict\":true},{\"type\":\"custom\","
      "\"name\":\"g\",\"format\":{\"x\":2},\"more\":\"m\"},{\"type\":"
      "\"web_search\",\"user_location\":{}},7,null]}",
      "tool_name none 0.0 f\ntool_description none 0.0 d\n"
      "tool_schema none 0.0 {\"a\":1} JSON\ntool_name none 1.0 g\n"
      "tool_schema none 1.0 {\"x\":2} JSON\nuncovered none 1.0 m\n"
      "uncovered none 2.0 {\"type\":\"web_search\",\"user_location\":{}}\n"
      "uncovered none 3.0 7\n" },
    { "{\"text\":{\"verbosity\":\"low\",\"format\":{\"type\":"
      "\"json_schema\",\"name\":\"n\",\"description\":\"d\",\"schema\":"
      "{\"a\":1},\"strict\":true}}}",
      "format none 0.0 n\nformat none 0.0 d\nformat none 0.0 {\"a\":1} JSON\n"
    },
    { "{\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":\"auto\","
      "\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"x\":\"y\"}]}}",
      "uncovered none 0.0 y\n" },

    /* what the model gets, and is not here */

    { "{\"previous_response_id\":\"r\",\"conversation\":{\"id\":\"c\"},"
      "\"prompt\":{\"id\":\"p\",\"variables\":{\"a\":\"b\"}},"
      "\"metadata\":{\"a\":\"b\"},\"reasoning\":{\"effort\":\"low\"}}",
      "uncovered none 0.0 r\nuncovered none 0.0 {\"id\":\"c\"}\n"
      "uncovered none 0.0 {\"id\":\"p\",\"variables\":{\"a\":\"b\"}}\n" },

    /* what is refused */

    { "{\"model\":7}", "\"model\" must be a string of 1 to 256 bytes without"
      " control characters" },
    { "{\"stream\":1}", NULL },
    { "{\"max_output_tokens\":1.5}", NULL },
    { "{\"model\":\"a\",\"model\":\"b\"}", NULL },
    { "{\"model\":\"a\",\"Model\":\"b\"}", NULL },
    { I("{\"type\":\"message\",\"type\":\"reasoning\"}"), NULL },
    { I("{\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
        "\"text\":\"a\",\"TEXT\":\"b\"}]}"), NULL },
    { I("7"), NULL },
};


static void
read_case(request_t *r, const char *text)
{
    request_read(r, &genai_responses, GENAI_ENDPOINT_RESPONSES, text,
                 strlen(text));
}


static void
test_shapes(void)
{
    size_t     i;
    request_t  r;

    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        read_case(&r, shapes[i].text);

        if (shapes[i].told == NULL) {
            ok(r.rc == GENAI_REQUEST_ERROR, "refused: %s (%s)",
               shapes[i].text, r.req.error);

        } else {
            is_str(r.rc == GENAI_REQUEST_ERROR ? r.req.error
                                               : request_told(&r),
                   shapes[i].told, "%s", shapes[i].text);
        }

        request_close(&r);
    }
}


static void
test_acted_on(void)
{
    request_t      r;
    genai_str_t    name = genai_str("other\"");
    genai_edits_t  edits;

    read_case(&r, "{\"model\":\"m\",\"stream\":true,"
              "\"max_output_tokens\":1e2,\"input\":[{\"role\":\"user\","
              "\"content\":\"a\"},{\"type\":\"reasoning\"}],"
              "\"instructions\":\"b\"}");

    is_int(r.req.output_max, 100, "a cap");
    ok(r.req.stream_asked && r.req.stream, "a stream");
    ok(r.req.model != 0 && r.req.max_completion_tokens != 0, "places");
    is_int(r.req.messages, 3, "messages");
    is_int(genai_responses.ask_usage(&r.req, NULL), 0,
           "usage need not be asked for");

    genai_edits_init(&edits, &r.req.tape, &r.arena);
    is_int(genai_responses.set_model(&r.req, &edits, &name), 0,
           "the model is set");

    request_close(&r);

    read_case(&r, "{\"max_output_tokens\":null,\"stream\":null}");
    is_int(r.req.output_max, -1, "no cap");
    request_close(&r);
}


/* what a request refers to */

static void
test_refers(void)
{
    unsigned     i, n;
    request_t    r;
    genai_str_t  id;
    char         text[32768], *p;

    static const char  *none[] = {
        "{\"input\":[{\"type\":\"message\",\"id\":\"m\",\"content\":\"a\"},"
        "{\"id\":\"m\",\"role\":\"user\",\"content\":\"a\"},"
        "{\"type\":\"reasoning\",\"id\":\"r\",\"summary\":[]},"
        "{\"type\":\"computer_call\",\"id\":\"c\"},"
        "{\"type\":\"item_reference\"},"
        "{\"type\":\"item_reference\",\"id\":7}]}",
        "{\"previous_response_id\":null,\"conversation\":null,"
        "\"store\":null}",
        "{\"input\":\"a\",\"store\":true}",
        "{\"metadata\":{\"store\":false,\"previous_response_id\":\"r\"}}"
    };

    for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        read_case(&r, none[i]);
        ok(r.req.previous == 0 && r.req.conversation == 0
           && r.req.nreferences == 0 && r.req.unkept == 0,
           "refers to nothing, and is kept: %s", none[i]);
        request_close(&r);
    }

    read_case(&r, "{\"previous_response_id\":\"resp\",\"store\":false,"
              "\"conversation\":{\"id\":\"c\"},\"input\":[{\"id\":\"m1\","
              "\"type\":\"item_reference\"},{\"id\":\"m2\"},"
              "{\"type\":null,\"id\":\"m3\"},{\"id\":\"m4\","
              "\"content\":[]}]}");

    id = genai_tape_view(&r.req.tape, r.req.previous);
    is_text(id, "resp", "an answer");
    ok(r.req.conversation != 0, "a conversation");
    is_int(r.req.unkept, 1, "not to be kept");
    is_int(r.req.nreferences, 4, "items");

    for (i = 0; i < r.req.nreferences; i++) {
        id = genai_tape_view(&r.req.tape, r.req.references[i]);
        ok(id.len == 2 && id.data[1] == '1' + i, "number %u", i);
    }

    request_close(&r);

    for (n = GENAI_REQUEST_REFERENCES_MAX; n; n = (n == 512) ? 513 : 0) {

        p = text + sprintf(text, "{\"input\":[");

        for (i = 0; i < n; i++) {
            p += sprintf(p, "%s{\"type\":\"item_reference\",\"id\":\"i\"}",
                         i ? "," : "");
        }

        sprintf(p, "]}");

        request_read(&r, &genai_responses, GENAI_ENDPOINT_RESPONSES, text,
                     strlen(text));
        is_int(r.rc, n == 512 ? GENAI_REQUEST_DONE : GENAI_REQUEST_ERROR,
               "%u items: %s", n, r.req.error);
        request_close(&r);
    }

    read_case(&r, "{\"previous_response_id\":[]}");
    is_int(r.rc, GENAI_REQUEST_ERROR, "what is no id: %s", r.req.error);
    request_close(&r);
}


static void
test_dialect(void)
{
    size_t                   n;
    genai_str_t              path, id, message, code;
    unsigned char            buf[GENAI_DIALECT_ERROR_MAX];
    const genai_endpoint_t  *e;
    unsigned char            huge[GENAI_DIALECT_MESSAGE_MAX + 10];

    path = (genai_str_t) genai_str("/v1/responses");
    e = genai_endpoint_of_path(&genai_responses, &path, &id);
    ok(e && e->endpoint == GENAI_ENDPOINT_RESPONSES, "its endpoint");

    path = (genai_str_t) genai_str("/v1/models/a/b");
    e = genai_endpoint_of_path(&genai_responses, &path, &id);
    ok(e && e->endpoint == GENAI_ENDPOINT_MODELS && id.len == 3, "a model");

    path = (genai_str_t) genai_str("/v1/responses/resp_1");
    ok(genai_endpoint_of_path(&genai_responses, &path, &id) == NULL,
       "what is kept is not reached");

    message = (genai_str_t) genai_str("no \"way\"");
    code = (genai_str_t) genai_str("policy_rate");
    n = genai_responses.error_body(buf, 429, &message, &code);
    is_mem(buf, n, "{\"error\":{\"message\":\"no \\\"way\\\"\",\"type\":"
           "\"rate_limit_error\",\"param\":null,\"code\":\"policy_rate\"}}",
           94, "an error");

    n = genai_responses.error_event(buf, 502, &message, &code);
    buf[n] = '\0';
    ok(strncmp((char *) buf, "event: response.failed\ndata: {\"type\":"
               "\"response.failed\",", 55) == 0
       && strstr((char *) buf, "\"error\":{\"code\":\"policy_rate\","
                 "\"message\":\"no \\\"way\\\"\"}")
       && strcmp((char *) buf + n - 4, "}}\n\n") == 0, "an error event");

    memset(huge, 1, sizeof(huge));
    message.data = huge;
    message.len = sizeof(huge);
    code.data = huge;
    code.len = sizeof(huge);

    ok(genai_responses.error_event(buf, 500, &message, &code)
       <= GENAI_DIALECT_ERROR_MAX, "the largest one");
}


int
main(void)
{
    test_shapes();
    test_acted_on();
    test_refers();
    test_dialect();

    return done_testing();
}
