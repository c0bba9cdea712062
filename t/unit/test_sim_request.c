/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "tap.h"

#include "genai_sim_request.h"


static genai_sim_request_t  req;


/* reads from memory of just the size, so that no byte too many is read */

static int
read_len(genai_endpoint_e endpoint, const char *text, size_t len)
{
    int             rc;
    static char    *copy;

    genai_sim_request_free(&req);
    free(copy);

    copy = malloc(len ? len : 1);
    memcpy(copy, text, len);

    rc = genai_sim_request_read(&req, endpoint, NULL, (unsigned char *) copy,
                                len);

    return rc;
}


static int
chat(const char *text)
{
    return read_len(GENAI_ENDPOINT_CHAT, text, strlen(text));
}


static void
test_chat(void)
{
    uint64_t  seed;

    is_int(chat("{\"model\":\"m\",\"messages\":[{}]}"), 0, "chat");
    is_text(req.model, "m", "model");
    ok(!req.stream && !req.include_usage, "no stream");
    is_int(req.n, 1, "n");
    is_int(req.max_tokens, -1, "no maximum");

    seed = req.seed;

    ok(chat("{\"messages\":[{}],\"model\":\"other\",\"stream\":true,"
            "\"stream_options\":{\"include_usage\":true},\"n\":8,"
            "\"max_tokens\":9,\"max_completion_tokens\":7}") == 0,
       "all of it");
    ok(req.stream && req.include_usage, "stream");
    is_int(req.n, 8, "n");
    is_int(req.max_tokens, 7, "the smaller maximum");
    ok(req.seed == seed, "the seed is of the messages alone");

    ok(chat("{\"model\":\"m\",\"messages\":[{\"a\":1}]}") == 0
       && req.seed != seed, "other messages");

    ok(chat("{\"model\":\"m\",\"messages\":[{}],\"stream\":null,\"n\":null,"
            "\"max_tokens\":null,\"tools\":null,\"response_format\":null,"
            "\"stream_options\":null}") == 0, "null is nothing");
    ok(chat("{\"model\":\"m\",\"messages\":[{}],\"stream_options\":"
            "{\"include_usage\":true}}") == 0 && !req.include_usage,
       "no usage events without a stream");
}


static void
test_inputs(void)
{
#define completion(text)                                                      \
    read_len(GENAI_ENDPOINT_COMPLETIONS, text, strlen(text))
#define embed(text)  read_len(GENAI_ENDPOINT_EMBEDDINGS, text, strlen(text))

    ok(completion("{\"model\":\"m\"}") == 0 && req.inputs == 1, "no prompt");
    ok(completion("{\"model\":\"m\",\"prompt\":\"\"}") == 0 && req.inputs == 1,
       "a string");
    ok(completion("{\"model\":\"m\",\"prompt\":[\"a\",\"b\"]}") == 0
       && req.inputs == 2 && !req.one_input, "two");
    ok(completion("{\"model\":\"m\",\"prompt\":[1,2]}") == 0
       && req.inputs == 1, "tokens");

    ok(embed("{\"model\":\"m\",\"input\":\"a\"}") == 0
       && req.dimensions == 8 && !req.base64, "embedding");
    ok(embed("{\"model\":\"m\",\"input\":[[1],[2,3],[4]],\"dimensions\":3,"
             "\"encoding_format\":\"base64\",\"stream\":true}") == 0
       && req.inputs == 3 && req.dimensions == 3 && req.base64
       && !req.stream, "arrays of tokens");
    ok(embed("{\"model\":\"m\",\"input\":{}}") == -1, "an object");
    ok(embed("{\"model\":\"m\",\"input\":[null]}") == -1, "a null");
    ok(embed("{\"model\":\"m\",\"input\":[\"a\",1]}") == -1, "mixed");
    ok(embed("{\"model\":\"m\",\"input\":\"a\",\"dimensions\":0}") == -1,
       "no dimension");
    ok(embed("{\"model\":\"m\",\"input\":\"a\",\"encoding_format\":\"x\"}")
       == -1, "format");
}


static void
test_errors(void)
{
    char    name[400];
    size_t  i;

    static const struct {
        const char  *text;
        const char  *param;
    } bad[] = {
        { "", NULL }, { "x", NULL }, { "[]", NULL }, { "\"m\"", NULL },
        { "{\"model\":\"m\",\"messages\":[{}]} x", NULL },
        { "{\"model\":\"m\",\"messages\":[{}],}", NULL },
        { "\xef\xbb\xbf{}", NULL },
        { "{}", "model" }, { "{\"model\":\"\"}", "model" },
        { "{\"model\":7,\"messages\":[{}]}", "model" },
        { "{\"model\":\"m\"}", "messages" },
        { "{\"model\":\"m\",\"messages\":{}}", "messages" },
        { "{\"model\":\"m\",\"messages\":[]}", "messages" },
        { "{\"model\":\"m\",\"messages\":[1]}", "messages" },
        { "{\"model\":\"m\",\"messages\":[{}],\"n\":0}", "n" },
        { "{\"model\":\"m\",\"messages\":[{}],\"n\":9}", "n" },
        { "{\"model\":\"m\",\"messages\":[{}],\"n\":1.0}", "n" },
        { "{\"model\":\"m\",\"messages\":[{}],\"n\":-1}", "n" },
        { "{\"model\":\"m\",\"messages\":[{}],\"n\":\"1\"}", "n" },
        { "{\"model\":\"m\",\"messages\":[{}],\"stream\":1}", "stream" },
        { "{\"model\":\"m\",\"messages\":[{}],\"stream_options\":1}",
          "stream_options" },
        { "{\"model\":\"m\",\"messages\":[{}],\"stream_options\":"
          "{\"include_usage\":1}}", "stream_options" },
        { "{\"model\":\"m\",\"messages\":[{}],\"max_tokens\":0}",
          "max_tokens" },
        { "{\"model\":\"m\",\"messages\":[{}],"
          "\"max_tokens\":99999999999999999999999}", "max_tokens" },
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(chat(bad[i].text) == -1 && req.error != NULL, "refused: %s",
           bad[i].text);
        is_str(req.param, bad[i].param, "param");
    }

    snprintf(name, sizeof(name), "{\"model\":\"%0300d\"}", 1);
    ok(chat(name) == -1, "a name that is too long");
}


static void
test_truncated(void)
{
    size_t       i;
    const char  *text;

    text = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
           "\"a\\u00e9\"}],\"stream\":true,\"tools\":[{\"type\":\"function\","
           "\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\","
           "\"required\":[\"a\"]}}}],\"response_format\":{\"type\":"
           "\"json_object\"}}";

    for (i = 0; i < strlen(text); i++) {
        quiet_ok(read_len(GENAI_ENDPOINT_CHAT, text, i) == -1, "cut at %d",
                 (int) i);
    }

    is_int(chat(text), 0, "and whole");
    ok(req.call, "a call");
}


/* the instance of a schema, or "-" */

static const char *
instance(const char *schema)
{
    static char  text[8192];

    snprintf(text, sizeof(text),
             "{\"model\":\"m\",\"messages\":[{}],\"response_format\":"
             "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"s\","
             "\"schema\":%s}}}", schema);

    if (chat(text) == -1) {
        return "-";
    }

    return req.text;
}


static void
test_schema(void)
{
    size_t  i;

    static const struct {
        const char  *schema;
        const char  *instance;
    } good[] = {
        { "{}", "{}" },
        { "{\"type\":\"string\"}", "\"\"" },
        { "{\"type\":\"string\",\"minLength\":3}", "\"aaa\"" },
        { "{\"type\":\"string\",\"format\":\"date\"}", "\"2026-01-01\"" },
        { "{\"type\":\"string\",\"format\":\"odd\"}", "\"\"" },
        { "{\"type\":[\"integer\",\"null\"]}", "0" },
        { "{\"type\":\"integer\",\"minimum\":5}", "5" },
        { "{\"type\":\"integer\",\"minimum\":5.5}", "6" },
        { "{\"type\":\"integer\",\"minimum\":-5}", "-5" },
        { "{\"type\":\"integer\",\"exclusiveMinimum\":5}", "6" },
        { "{\"type\":\"integer\",\"maximum\":-3}", "-3" },
        { "{\"type\":\"integer\",\"exclusiveMaximum\":0}", "-1" },
        { "{\"type\":\"integer\",\"minimum\":5,\"multipleOf\":4}", "8" },
        { "{\"type\":\"number\",\"minimum\":0.5}", "0.5" },
        { "{\"type\":\"number\",\"minimum\":1e300}", "0" },
        { "{\"type\":\"boolean\"}", "true" },
        { "{\"type\":\"null\"}", "null" },
        { "{\"const\":[1,{\"a\":2}]}", "[1,{\"a\":2}]" },
        { "{\"enum\":[\"b\",\"a\"]}", "\"b\"" },
        { "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", "[]" },
        { "{\"type\":\"array\",\"minItems\":2,\"items\":"
          "{\"type\":\"boolean\"}}", "[true,true]" },
        { "{\"type\":\"array\",\"minItems\":2,\"prefixItems\":"
          "[{\"type\":\"null\"}],\"items\":{\"type\":\"boolean\"}}",
          "[null,true]" },
        { "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},"
          "\"b\":{\"type\":\"null\"}},\"required\":[\"b\"]}",
          "{\"b\":null}" },
        { "{\"type\":\"object\",\"required\":[\"x\"]}", "{\"x\":{}}" },
        { "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"string\"}]}", "null" },
        { "{\"oneOf\":[{\"const\":7}]}", "7" },
        { "{\"$ref\":\"#/$defs/a~1b\",\"$defs\":{\"a/b\":{\"const\":1}}}",
          "1" },
        { "{\"allOf\":[{\"properties\":{\"a\":{\"const\":1}},\"required\":"
          "[\"a\"]},{\"properties\":{\"b\":{\"const\":2}},\"required\":"
          "[\"b\"]}]}", "{\"a\":1,\"b\":2}" },
        { "{\"allOf\":[{\"$ref\":\"#/$defs/x\"}],\"$defs\":{\"x\":"
          "{\"const\":3}}}", "3" },

        /* within itself */

        { "{\"type\":\"object\",\"properties\":{\"next\":{\"anyOf\":"
          "[{\"$ref\":\"#\"},{\"type\":\"null\"}]}},\"required\":"
          "[\"next\"]}", "{\"next\":null}" },

        /* no instance, or none of a decent size */

        { "{\"$ref\":\"#\"}", "-" },
        { "{\"$ref\":\"#/nowhere\"}", "-" },
        { "{\"$ref\":\"http://example.com/\"}", "-" },
        { "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},"
          "\"required\":[\"a\"]}", "-" },
        { "{\"allOf\":[{\"$ref\":\"#\"}]}", "-" },
        { "{\"type\":\"array\",\"minItems\":1000000000}", "-" },
        { "{\"type\":\"array\",\"minItems\":100,\"items\":{\"type\":\"array\","
          "\"minItems\":100,\"items\":{\"type\":\"array\",\"minItems\":100}}}",
          "-" },
        { "[]", "-" },
        { "7", "-" },
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        is_str(instance(good[i].schema), good[i].instance, "%s",
               good[i].schema);
    }

    ok(strlen(instance("{\"type\":\"string\",\"minLength\":1000000000}"))
       == 65538, "a string of a bounded length");
}


static void
test_tools(void)
{
#define tools(more)                                                           \
    chat("{\"model\":\"m\",\"messages\":[{\"role\":\"user\"}],\"tools\":"     \
         "[{\"function\":{\"name\":\"f\",\"parameters\":{\"type\":"           \
         "\"object\",\"required\":[\"a\"]}}},{\"function\":{\"name\":"        \
         "\"g\\\"\\u0001\"}}]" more "}")

    ok(tools("") == 0 && req.call, "a call");
    is_str(req.function, "f", "of the first");
    is_str(req.text, "{\"a\":{}}", "arguments");

    ok(tools(",\"tool_choice\":\"auto\"") == 0 && req.call, "auto");
    ok(tools(",\"tool_choice\":\"required\"") == 0 && req.call, "required");
    ok(tools(",\"tool_choice\":\"none\"") == 0 && !req.call, "none");
    ok(tools(",\"tool_choice\":{\"type\":\"function\",\"function\":"
             "{\"name\":\"g\\\"\\u0001\"}}") == 0 && req.call, "forced");
    is_str(req.function, "g\\\"\\u0001", "name, raw");
    is_str(req.text, "{}", "no parameters");
    ok(tools(",\"tool_choice\":{\"function\":{\"name\":\"h\"}}") == -1,
       "an unknown one");
    ok(tools(",\"messages\":[{\"role\":\"tool\"}]") == 0 && !req.call,
       "after a tool has spoken");
    ok(tools(",\"messages\":[{\"role\":\"tool\"},{\"role\":\"user\"}]") == 0
       && req.call, "and again");

    ok(chat("{\"model\":\"m\",\"messages\":[{}],\"tools\":[]}") == 0
       && !req.call, "no tools");
    ok(chat("{\"model\":\"m\",\"messages\":[{}],\"tools\":[1]}") == -1,
       "no object");
    ok(chat("{\"model\":\"m\",\"messages\":[{}],\"tools\":[{\"function\":"
            "{\"name\":\"\"}}]}") == -1, "no name");
    ok(chat("{\"model\":\"m\",\"messages\":[{}],\"tools\":"
            "[99999999999999999999]}") == -1, "what jansson does not read");
    ok(chat("{\"model\":\"m\",\"messages\":[{}],\"response_format\":"
            "{\"type\":\"json_object\"}}") == 0, "json_object");
    is_str(req.text, "{}", "an object");
    ok(chat("{\"model\":\"m\",\"messages\":[{}],\"response_format\":"
            "{\"type\":\"x\"}}") == -1, "an unknown format");
    ok(chat("{\"model\":\"m\",\"messages\":[{}],\"response_format\":{}}")
       == -1, "no type");
}


int
main(void)
{
    test_chat();
    test_inputs();
    test_errors();
    test_truncated();
    test_schema();
    test_tools();

    genai_sim_request_free(&req);

    return done_testing();
}
