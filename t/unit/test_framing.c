/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is counted for requests of each family.  The numbers were recorded;
 * t/report compares many more with them.
 */


#include "framing.h"


#define check(name, model, json, want)                                        \
    check_of(GENAI_ENDPOINT_CHAT, name, model, json, want)


static void
messages(void)
{
    check("a text", "gpt",
          "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
          "7\n+ Hi\n");

    check("roles, a name, an empty message", "gpt",
          "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},"
          "{\"role\":\"user\",\"content\":\"U\",\"name\":\"bob\"},"
          "{\"role\":\"assistant\",\"content\":\"\"},"
          "{\"role\":\"assistant\",\"content\":null}]}",
          "20 names options\n+ S\n+ U\n+ bob\n");

    check("parts are one text", "gpt",
          "{\"messages\":[{\"role\":\"user\",\"content\":["
          "{\"type\":\"text\",\"text\":\"one two?\"},"
          "{\"type\":\"text\",\"text\":\"<three four\"}]}]}",
          "7\n+ one two?\n-  two?\n- <three\n+  two?<three\n"
          "+ <three four\n");

    check("an answer has a channel", "gpt5",
          "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
          "{\"role\":\"assistant\",\"content\":\"b\"},"
          "{\"role\":\"user\",\"content\":\"c\"}]}",
          "16\n+ a\n+ b\n+ c\n");

    check("parts with a line feed between", "qwen",
          "{\"messages\":[{\"role\":\"user\",\"content\":["
          "{\"type\":\"text\",\"text\":\"a.\"},"
          "{\"type\":\"text\",\"text\":\"b\"}]}]}",
          "8\n+ a.\n- a.\n- b\n+ a.\\nb\n+ b\n");

    check("an empty thought in front of an answer", "qwen",
          "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
          "{\"role\":\"assistant\",\"content\":\"\\n\\nb\","
          "\"reasoning_content\":\"hm\"}]}",
          "13 options\n+ a\n- \\n\\nb\n+ b\n+ \\n\\nb\n");

    check("white space that a template trims", "qwen",
          "{\"messages\":[{\"role\":\"user\",\"content\":\"a \"}]}",
          "8 edges\n+ a \n");

    check("a prompt of the template's own", "qwen25",
          "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
          "13 family\n+ You are Qwen, created by Alibaba Cloud. You are a"
          " helpful assistant.\n+ a\n");

    check("unless there is one", "qwen25",
          "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"}]}",
          "8 family turns\n+ s\n");

    check("or always", "llama",
          "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"}]}",
          "10 turns\n+ Cutting Knowledge Date: December 2023\\nToday Date:"
          " 26 Jul 2024\\n\\n\n+ s\n");

    check("no messages", "gpt", "{\"messages\":[]}", "3\n");

    check("a model that nobody knows", "none",
          "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
          "0 family\n+ a\n");

    check("an option", "gpt",
          "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],"
          "\"web_search_options\":{}}", "7 options\n+ a\n");
}


#define TOOL(name, description, properties)                                   \
    "{\"type\":\"function\",\"function\":{\"name\":\"" name "\","             \
    "\"description\":\"" description "\",\"parameters\":{\"type\":\"object\"" \
    "," properties "}}}"

#define MULTIPLY                                                              \
    TOOL("multiply", "Multiply two numbers.", "\"properties\":{\"a\":"        \
         "{\"type\":\"integer\"},\"b\":{\"type\":\"number\"}},"               \
         "\"required\":[\"a\"]")

#define WEATHER                                                               \
    TOOL("weather", "", "\"properties\":{\"city\":{\"type\":\"string\","      \
         "\"description\":\"Where\"},\"unit\":{\"type\":\"string\","          \
         "\"enum\":[\"c\",\"f\"]},\"days\":{\"type\":\"array\",\"items\":"    \
         "{\"type\":\"string\"}}}")

#define USER  "{\"role\":\"user\",\"content\":\"a\"}"


static void
tools(void)
{
    check("tools", "gpt",
          "{\"messages\":[" USER "],\"tools\":[" MULTIPLY "," WEATHER "]}",
          "16\n+ a\n"
          "+ namespace functions {\\n\\n"
          "// Multiply two numbers.\\n"
          "type multiply = (_: { a: number, b?: number }) => any;\\n\\n"
          "type weather = (_: {\\n// Where\\ncity?: string,\\n"
          "unit?: \"c\" | \"f\",\\ndays?: string[],\\n}) => any;\\n\\n"
          "} // namespace functions\n");

    check("tools in the system prompt", "gpt",
          "{\"messages\":[{\"role\":\"system\",\"content\":\"Be so kind.\"},"
          USER "],\"tools\":[" TOOL("f", "", "\"properties\":{}") "]}",
          "16\n+ Be so kind.\n+ a\n-  kind.\n+  kind.\\n\n"
          "+ namespace functions {\\n\\ntype f = () => any;\\n\\n"
          "} // namespace functions\n");

    check("what nobody has recorded", "gpt",
          "{\"messages\":[" USER "],\"tools\":["
          TOOL("f", "", "\"title\":\"T\",\"properties\":{\"a\":{\"$ref\":"
               "\"#/$defs/A\"},\"b\":{\"type\":[\"string\",\"null\"],"
               "\"default\":\"x\"},\"c\":{\"anyOf\":[{\"type\":\"null\"},"
               "{\"type\":\"boolean\"}]},\"d\":{},\"e\":true},\"$defs\":"
               "{\"A\":{\"type\":\"object\",\"title\":\"A\",\"properties\":"
               "{\"x\":{\"type\":\"array\"}}}}") "]}",
          "16 tools\n+ a\n"
          "+ namespace functions {\\n\\ntype f = (_: // T\\n//\\n{\\n"
          "a?: // A\\n//\\n{\\nx?: any[],\\n},\\n"
          "b?: string | null, // default: x\\n"
          "c?: null | boolean,\\nd?: any,\\ne?: any,\\n}) => any;\\n\\n"
          "} // namespace functions\n");

    check("a schema that is its own part", "gpt",
          "{\"messages\":[" USER "],\"tools\":["
          TOOL("f", "", "\"properties\":{\"a\":{\"$ref\":\"#/$defs/A\"}},"
               "\"$defs\":{\"A\":{\"$ref\":\"#/$defs/A\"}}") "]}",
          "16 tools\n+ a\n+ namespace functions {\\n\\n"
          "type f = (_: { a?: A }) => any;\\n\\n"
          "} // namespace functions\n");

    check("a nested object", "gpt",
          "{\"messages\":[" USER "],\"tools\":["
          TOOL("f", "", "\"properties\":{\"w\":{\"type\":\"object\","
               "\"properties\":{\"s\":{\"type\":\"string\",\"description\":"
               "\"ISO\"}},\"required\":[\"s\"]}}") "]}",
          "16 tools\n+ a\n+ namespace functions {\\n\\ntype f = (_: {\\n"
          "w?: {\\n// ISO\\ns: string,\\n},\\n}) => any;\\n\\n"
          "} // namespace functions\n");

    check("a tool of another kind", "gpt",
          "{\"messages\":[" USER "],\"tools\":[{\"type\":\"web\"}]}",
          "16 tools\n+ a\n+ {\"type\":\"web\"}} // namespace functions\n");

    check("harmony", "oss",
          "{\"messages\":[" USER "],\"tools\":[" WEATHER "]}",
          "34 tools\n+ You are ChatGPT, a large language model trained by"
          " OpenAI.\\nKnowledge cutoff: 2024-06\\nCurrent date: 2025-10-01"
          "\\n\\nReasoning: medium\\n\\n# Valid channels: analysis,"
          " commentary, final. Channel must be included for every message.\n"
          "+ a\n+ namespace functions {\\n\\ntype weather = (_: {\\n"
          "  // Where\\n  city?: string,\\n  unit?: \"c\" | \"f\",\\n"
          "  days?: string[],\\n}) => any;\\n\\n"
          "} // namespace functions\n");

    check("an array with blanks", "mist",
          "{\"messages\":[" USER "],\"tools\":[{\"a\" : [1,\"\\u00e9\\n\"],"
          "\"function\":{\"name\":\"f\"}}]}",
          "17 tools\n+ a\n+ [{\"a\": [1, \"\xc3\xa9\\n\"], \"function\":"
          " {\"name\": \"f\"}}]\n");

    check("not to be called, not shown", "mist",
          "{\"messages\":[" USER "],\"tools\":[" MULTIPLY "],"
          "\"tool_choice\":\"none\"}", "15\n+ a\n");

    check("lines", "deep",
          "{\"messages\":[" USER "],\"tools\":["
          "{\"function\":{\"name\":\"f\"}},{\"function\":{\"name\":\"g\"}}],"
          "\"tool_choice\":\"required\"}",
          "232 tools\n+ a\n+ {\"name\": \"f\"}\\n{\"name\": \"g\"}\n");

    check("the older functions", "gpt",
          "{\"messages\":[" USER "],\"functions\":[{\"name\":\"f\"}],"
          "\"function_call\":{\"name\":\"f\"}}",
          "20 options\n+ a\n+ f\n+ namespace functions {\\n\\n"
          "type f = () => any;\\n\\n} // namespace functions\n");
}


#define CALL(id, name, args)                                                  \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\""      \
    name "\",\"arguments\":\"" args "\"}}"

#define RESULT(id, text)                                                      \
    "{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"" text "\"}"


static void
calls(void)
{
    check("a call and its result", "gpt",
          "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":["
          CALL("1", "get", "{\\\"a\\\": [1, \\\"b c\\\"]}") "]},"
          RESULT("1", "42") "]}",
          "16\n+ get\n+ {\"a\":[1,\"b c\"]}\n+ 42\n+ get\n");

    check("parallel calls", "gpt",
          "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":["
          CALL("1", "f", "{}") "," CALL("2", "g", "{ }") "]},"
          RESULT("2", "x") "," RESULT("1", "y") "]}",
          "21\n+ {\"tool_uses\":[{\"recipient_name\":\"functions.f\","
          "\"parameters\":{}},{\"recipient_name\":\"functions.g\","
          "\"parameters\":{}}]}\n+ x\n+ g\n+ y\n+ f\n");

    check("arguments that are no JSON, a result of no call", "gpt",
          "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":["
          CALL("1", "f", "{a") "]}," RESULT("9", "x") "]}",
          "16 calls\n+ f\n+ {a\n+ x\n");

    check("harmony", "oss",
          "{\"messages\":[" USER ",{\"role\":\"assistant\",\"content\":\"\","
          "\"reasoning\":\"hm\",\"tool_calls\":[" CALL("1", "f", "{}") "]},"
          RESULT("1", "x") "]}",
          "27\n+ You are ChatGPT, a large language model trained by"
          " OpenAI.\\nKnowledge cutoff: 2024-06\\nCurrent date: 2025-10-01"
          "\\n\\nReasoning: medium\\n\\n# Valid channels: analysis,"
          " commentary, final. Channel must be included for every message.\n"
          "+ a\n+ hm\n+ commentary to=functions.f \n+ {}\n+ x\n"
          "+ functions.f\n+ commentary\n");

    check("with their names and blanks", "mist",
          "{\"messages\":[" USER ",{\"role\":\"assistant\",\"tool_calls\":["
          CALL("1", "f", "{\\\"a\\\":1,\\\"b\\\":2}") "," CALL("2", "g", "{}")
          "]}," RESULT("1", "x") "]}",
          "22\n+ a\n+ f\n+ {\"a\": 1, \"b\": 2}\n+ g\n+ {}\n+ x\n");

    check("the older function_call", "gpt",
          "{\"messages\":[{\"role\":\"assistant\",\"function_call\":"
          "{\"name\":\"f\",\"arguments\":\"{}\"}},"
          "{\"role\":\"function\",\"name\":\"f\",\"content\":\"x\"}]}",
          "15 calls\n+ f\n+ {}\n+ f\n+ x\n");
}


static void
formats(void)
{
    check("a schema", "gpt",
          "{\"messages\":[" USER "],\"response_format\":{\"type\":"
          "\"json_schema\",\"json_schema\":{\"name\":\"J\",\"description\":"
          "\"D\",\"schema\":{\"type\":\"object\",\"properties\":{\"a\":"
          "{\"type\":\"string\"}},\"required\":[\"a\"],"
          "\"additionalProperties\":false}}}}",
          "15\n+ a\n+ # Response Formats\\n\\n## J\\n\\n// D\\n"
          "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}"
          "\n");

    check("in the system prompt, with its own description", "gpt",
          "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"}],"
          "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
          "{\"name\":\"J\",\"schema\":{\"description\":\"D\"}}}}",
          "11\n+ s\n+ # Response Formats\\n\\n## J\\n\\n// D\\n{}\n");

    check("any JSON", "gpt",
          "{\"messages\":[" USER "],\"response_format\":"
          "{\"type\":\"json_object\"}}", "7 format\n+ a\n");

    check("a text", "gpt",
          "{\"messages\":[" USER "],\"response_format\":{\"type\":\"text\"}}",
          "7\n+ a\n");
}


#define PNG(size)                                                             \
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA" size

#define IMAGE(model, name, url, detail, want)                                 \
    check(name, model, "{\"messages\":[{\"role\":\"user\",\"content\":["      \
          "{\"type\":\"image_url\",\"image_url\":{\"url\":\"" url "\""        \
          detail "}}]}]}", want)


static void
media(void)
{
    int                           exact;
    const genai_catalog_model_t  *m;

    /* 128 by 128 */

    IMAGE("gpt", "a tile", PNG("AIAAAACACAYAAA"), "", "262 images\n");
    IMAGE("gpt", "low detail", "https://a/b", ",\"detail\":\"low\"",
          "92 images\n");
    IMAGE("gpt", "of unknown size", "https://a/b", "", "772 images\n");
    IMAGE("gpt5", "patches", PNG("AIAAAACACAYAAA"), "", "30 images\n");
    IMAGE("mist", "a grid", PNG("AIAAAACACAYAAA"), "", "45\n");
    IMAGE("claude", "an area", PNG("AIAAAACACAYAAA"), "",
          "29 family images\n");
    IMAGE("base", "no rule", PNG("AIAAAACACAYAAA"), "", "1000 family images\n");

    m = find("gpt");
    exact = 1;

    is_int(genai_framing_image(m, 1024, 1024, 0, &exact), 765, "4 tiles");
    is_int(genai_framing_image(m, 2048, 4096, 0, &exact), 1105, "6 tiles");
    is_int(genai_framing_image(m, 800, 400, 0, &exact), 425, "2 tiles");
    is_int(genai_framing_image(m, 512, 512, 0, &exact), 255, "1 tile");
    is_int(genai_framing_image(m, 1, 1000000, 0, &exact), 765, "a line");
    ok(exact, "all exact");

    m = find("gpt5");
    is_int(genai_framing_image(m, 239, 178, 0, &exact), 72, "48 patches");
    ok(exact, "exact");
    is_int(genai_framing_image(m, 4000, 4000, 0, &exact), 2304, "at most");
    ok(!exact, "which is not");

    m = find("mist");
    exact = 1;
    is_int(genai_framing_image(m, 239, 178, 0, &exact), 70, "7 rows of 9");
    ok(exact, "exact");
    is_int(genai_framing_image(NULL, 10, 10, 0, &exact), 1000, "no model");

    check("audio and files", "gpt",
          "{\"messages\":[{\"role\":\"user\",\"content\":["
          "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\"}},"
          "{\"type\":\"file\",\"file\":{\"file_data\":\"AAAA\"}}]}]}",
          "262 media\n");

    check("what nobody knows", "gpt",
          "{\"messages\":[{\"role\":\"user\",\"content\":["
          "{\"type\":\"hologram\",\"x\":1}]}]}",
          "7 uncovered\n+ {\"type\":\"hologram\",\"x\":1}\n");
}


static void
inputs(void)
{
    check_of(GENAI_ENDPOINT_EMBEDDINGS, "inputs", "bert",
             "{\"input\":[\"a\",\"b\"]}", "4\n+ a\n+ b\n");
    check_of(GENAI_ENDPOINT_EMBEDDINGS, "tokens", "base",
             "{\"input\":[[1,2,3],[4]]}", "4\n");
    check_of(GENAI_ENDPOINT_COMPLETIONS, "a prompt", "base",
             "{\"prompt\":\"a\"}", "0\n+ a\n");
    check_of(GENAI_ENDPOINT_COMPLETIONS, "with what follows it", "base",
             "{\"prompt\":\"a\",\"suffix\":\"b\"}", "3 options\n+ a\n+ b\n");
    check_of(GENAI_ENDPOINT_COMPLETIONS, "begun by the template", "llama",
             "{\"prompt\":\"a\"}", "1\n+ a\n");
}


static void
answers(void)
{
    uint32_t                why;
    genai_framing_answer_t  a;

    memset(&a, 0, sizeof(a));
    a.text = 10;
    a.choices = 1;

    is_int(genai_framing_answer(find("gpt"), &a, &why), 10, "a text");
    ok(why, "estimated");
    is_int(genai_framing_answer(find("llama"), &a, &why), 11, "with its end");
    is_int(why, 0, "exact");
    a.cut = 1;
    is_int(genai_framing_answer(find("llama"), &a, &why), 10, "without it");
    ok(why, "estimated");
    a.cut = 0;
    a.choices = 3;
    is_int(genai_framing_answer(find("mist"), &a, &why), 13, "three of them");
    a.choices = 1;
    a.ncalls = 1;
    a.names = 2;
    a.arguments = 5;
    is_int(genai_framing_answer(find("gpt"), &a, &why), 24, "a call");
    ok(why & GENAI_FRAMING_CALLS, "which is estimated");
    is_int(genai_framing_answer(NULL, &a, &why), 17, "no model");
    a.ncalls = 2;
    is_int(genai_framing_answer(find("gpt"), &a, &why), 45, "two calls");
}


/* anything is framed, and the same in turns */

static void
noise(void)
{
    int     i, k, n;
    char    json[4096], *p;
    out_t   one, two;

    static const char  *pieces[] = {
        "{\"role\":\"user\",\"content\":\"a b\"}",
        "{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":"
        "\"\\ud83d\\ude00 x\"},{\"type\":\"text\",\"text\":\"\"}]}",
        "{\"role\":\"assistant\",\"tool_calls\":[" CALL("1", "f", "[[[[") "]}",
        "{\"role\":\"assistant\",\"tool_calls\":\"x\"}",
        "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":1},{}]}",
        "{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":5,"
        "\"arguments\":{\"a\":1}}}]}",
        "{\"role\":\"assistant\",\"function_call\":\"x\"}",
        "{\"role\":\"assistant\",\"content\":null,\"reasoning\":\"r\"}",
        "{\"role\":\"tool\",\"tool_call_id\":5,\"content\":\"x\"}",
        "{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":[{\"type\":"
        "\"image_url\",\"image_url\":\"data:image/gif;base64,R0lG\"}]}",
        "{\"role\":\"\\u0075ser\",\"content\":5}",
        "{}"
    };

    static const char  *rest[] = {
        "", ",\"tools\":[" MULTIPLY "]", ",\"tools\":[1]", ",\"tools\":{}",
        ",\"tools\":[{\"function\":{\"name\":1,\"parameters\":"
        "{\"properties\":{\"a\":1,\"b\":{\"type\":{},\"items\":1},\"c\":"
        "{\"anyOf\":[]},\"d\":{\"anyOf\":[1],\"enum\":1}}}}}]",
        ",\"functions\":[{\"name\":\"f\"}],\"function_call\":\"none\"",
        ",\"response_format\":{\"json_schema\":{}}",
        ",\"response_format\":{\"json_schema\":{\"schema\":1,\"name\":2}}",
        ",\"response_format\":{\"type\":1}", ",\"response_format\":1"
    };

    static const char  *all[] = {
        "gpt", "gpt5", "oss", "qwen", "qwen25", "llama", "deep", "mist",
        "claude", "base", "none"
    };

    memset(&one, 0, sizeof(one));
    memset(&two, 0, sizeof(two));

    for (i = 0; i < 20000; i++) {

        p = json;
        p += sprintf(p, "{\"messages\":[");
        n = rnd() % 6;

        for (k = 0; k < n; k++) {
            p += sprintf(p, "%s%s", k ? "," : "",
                         pieces[rnd() % (sizeof(pieces) / sizeof(*pieces))]);
        }

        sprintf(p, "]%s}", rest[rnd() % (sizeof(rest) / sizeof(*rest))]);

        k = rnd() % (sizeof(all) / sizeof(*all));

        frame(&one, GENAI_ENDPOINT_CHAT, all[k], json, SIZE_MAX);
        frame(&two, GENAI_ENDPOINT_CHAT, all[k], json, rnd() % 300);

        quiet_ok(strcmp(one.text, two.text) == 0, "%s: %s", all[k], json);
    }

    free(one.text);
    free(two.text);
}


/* where memory ends, so does it */

static void
limits(void)
{
    int              rc;
    size_t           limit;
    request_t        r;
    genai_arena_t    arena;
    genai_framing_t  f;

    static const char  json[] =
        "{\"messages\":[{\"role\":\"system\",\"content\":\"s\\n\"}," USER ","
        "{\"role\":\"assistant\",\"tool_calls\":[" CALL("1", "f", "{}") ","
        CALL("2", "g", "{\\\"a\\\":1}") "]}," RESULT("1", "x") "],"
        "\"tools\":[" MULTIPLY "," WEATHER "],\"response_format\":"
        "{\"json_schema\":{\"name\":\"n\",\"schema\":{\"a\":1}}}}";

    request_open(&r, &genai_openai, GENAI_ENDPOINT_CHAT, json,
                 sizeof(json) - 1);
    is_int(genai_request_read(&r.req, SIZE_MAX), GENAI_REQUEST_DONE,
           "a request");

    rc = GENAI_FRAMING_ERROR;

    for (limit = 0; limit < 65536; limit += 256) {

        genai_arena_init(&arena, limit);
        genai_framing_init(&f, &r.req, find("gpt"), &arena);
        rc = genai_framing_run(&f, SIZE_MAX);

        quiet_ok(rc == GENAI_FRAMING_DONE || rc == GENAI_FRAMING_ERROR,
                 "%lu bytes: %d", (unsigned long) limit, rc);
        quiet_ok(limit || rc == GENAI_FRAMING_ERROR, "none is too little");
        quiet_ok(genai_framing_run(&f, SIZE_MAX) == rc, "and it stays so");

        genai_arena_destroy(&arena);
    }

    is_int(rc, GENAI_FRAMING_DONE, "is framed with enough memory");

    request_close(&r);
}


int
main(void)
{
    if (framing_open() != 0) {
        return done_testing();
    }

    messages();
    tools();
    calls();
    formats();
    media();
    inputs();
    answers();
    noise();
    limits();

    genai_arena_destroy(&memory);

    return done_testing();
}
