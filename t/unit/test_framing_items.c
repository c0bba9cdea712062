/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is counted for requests of the Responses API, and for conversations of
 * other dialects.  The numbers were recorded; t/report compares many more with
 * them.
 */


#include "framing.h"


#define check(name, model, json, want)                                        \
    check_of(GENAI_ENDPOINT_RESPONSES, name, model, json, want)

#define IN(items)  "{\"model\":\"m\",\"input\":[" items "]}"
#define USER(t)    "{\"role\":\"user\",\"content\":\"" t "\"}"
#define SAID(t)    "{\"type\":\"message\",\"role\":\"assistant\",\"id\":"     \
    "\"i\",\"status\":\"completed\",\"content\":[{\"type\":\"output_text\","  \
    "\"text\":\"" t "\"}]}"
#define CALL(id, name, args)  "{\"type\":\"function_call\",\"call_id\":\"" id \
    "\",\"name\":\"" name "\",\"arguments\":\"" args "\"}"
#define RESULT(id, t)  "{\"type\":\"function_call_output\",\"call_id\":\"" id \
    "\",\"output\":\"" t "\"}"
#define THOUGHT  "{\"type\":\"reasoning\",\"summary\":[],"                    \
    "\"encrypted_content\":\"gAAA\"}"
#define WEATHER  "\"tools\":[{\"type\":\"function\",\"name\":\"w\","          \
    "\"description\":\"Of a city. \",\"strict\":true,\"parameters\":"         \
    "{\"type\":\"object\",\"title\":\"args\",\"properties\":{\"c\":"          \
    "{\"type\":\"string\",\"title\":\"C\"}},\"required\":[\"c\"]}}]"
#define PLAIN  "\"tools\":[{\"type\":\"function\",\"name\":\"w\","            \
    "\"description\":\"Of a city.\",\"parameters\":{\"type\":\"object\","     \
    "\"properties\":{\"c\":{\"type\":\"string\"}},\"required\":[\"c\"]}}]"


static void
messages(void)
{
    check("a text", "gpt", "{\"input\":\"Hi\"}", "7\n+ Hi\n");
    check("a text", "gpt5", "{\"input\":\"Hi\",\"reasoning\":"
          "{\"effort\":\"low\"},\"store\":false,\"include\":[]}",
          "6\n+ Hi\n");
    check("instructions, wherever they stand", "gpt",
          "{\"input\":\"Hi\",\"instructions\":\"Be.\"}", "11\n+ Be.\n+ Hi\n");
    check("without any", "gpt", "{\"input\":\"Hi\",\"instructions\":null}",
          "7\n+ Hi\n");
    check("messages", "gpt5",
          IN("{\"role\":\"developer\",\"content\":\"D\"}," USER("a") ","
             SAID("b") "," USER("c")), "20\n+ D\n+ a\n+ b\n+ c\n");
    check("parts are one text", "gpt",
          IN("{\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
             "\"text\":\"one two?\"},{\"type\":\"input_text\",\"text\":"
             "\"<three\"}]}"),
          "7\n+ one two?\n-  two?\n- <three\n+  two?<three\n+ <three\n");
    check("nothing", "gpt", IN(""), "3\n");
    check("gpt-oss", "oss", IN(USER("a")),
          "10\n+ You are ChatGPT, a large language model trained by OpenAI."
          "\\nKnowledge cutoff: 2024-06\\nCurrent date: 2025-10-01\\n\\n"
          "Reasoning: medium\\n\\n# Valid channels: analysis, commentary, "
          "final. Channel must be included for every message.\n+ a\n");
    check("what it answers last is gone on with", "gpt",
          IN(USER("a") "," SAID("b")), "11 options\n+ a\n+ b\n");
    check("what a provider keeps", "gpt",
          "{\"input\":\"Hi\",\"previous_response_id\":\"r\"}",
          "7 options\n+ Hi\n");
    check("another item", "gpt", IN(USER("a") ",{\"type\":\"item_reference\","
          "\"id\":\"x\"}"),
          "7 uncovered\n+ a\n+ {\"type\":\"item_reference\",\"id\":\"x\"}\n");
    check("no items", "gpt", "{\"input\":{\"a\":1}}", "3\n");
    check("how much is to be said", "gpt5",
          "{\"input\":\"Hi\",\"text\":{\"verbosity\":\"low\"}}",
          "6 options\n+ Hi\n");
}


static void
tools(void)
{
    check("tools with titles", "gpt",
          "{\"input\":\"Hi\",\"instructions\":\"Be.\"," WEATHER "}",
          "14\n+ Be.\n+ Hi\n+ namespace functions {\\n\\n// Of a city.\\n"
          "type w = (_: // args\\n{\\n// C\\nc: string,\\n}) => any;\\n\\n"
          "} // namespace functions\n");
    check("behind no full stop", "gpt",
          "{\"input\":\"Hi\",\"instructions\":\"Be\"," WEATHER "}",
          "14 tools\n+ Be\n+ Hi\n+ namespace functions {\\n\\n// Of a city.\\n"
          "type w = (_: // args\\n{\\n// C\\nc: string,\\n}) => any;\\n\\n"
          "} // namespace functions\n");
    check("without instructions", "gpt", "{\"input\":\"Hi\"," PLAIN "}",
          "9 tools\n+ Hi\n+ namespace functions {\\n\\n// Of a city.\\n"
          "type w = (_: { c: string }) => any;\\n\\n"
          "} // namespace functions\n");
    check("tools", "gpt5", "{\"input\":\"Hi\"," PLAIN "}",
          "15\n+ Hi\n+ namespace functions {\\n\\n// Of a city.\\n"
          "type w = (_: { c: string }) => any;\\n\\n"
          "} // namespace functions\n");
    check("one has to be called", "gpt5",
          "{\"input\":\"Hi\",\"tool_choice\":{\"type\":\"function\","
          "\"name\":\"w\"}," PLAIN "}",
          "23 options\n+ Hi\n+ w\n+ namespace functions {\\n\\n// Of a city.\\n"
          "type w = (_: { c: string }) => any;\\n\\n"
          "} // namespace functions\n");
    check("a tool of the provider's", "gpt5",
          "{\"input\":\"Hi\",\"tools\":[{\"type\":\"web_search\"}]}",
          "15 tools\n+ Hi\n+ {\"type\":\"web_search\"}"
          "} // namespace functions\n");
}


static void
calls(void)
{
    check("a call", "gpt", IN(USER("a") "," CALL("1", "f", "{\\\"x\\\": 1}")
          "," RESULT("1", "r")),
          "21\n+ a\n+ f\n+ {\"x\":1}\n+ r\n+ f\n");
    check("a call", "gpt5", IN(USER("a") "," CALL("1", "f", "{\\\"x\\\": 1}")
          "," RESULT("1", "r")),
          "26\n+ a\n+ f\n+ {\"x\":1}\n+ r\n+ f\n");
    check("a thought of this turn", "gpt5", IN(USER("a") "," THOUGHT ","
          CALL("1", "f", "{\\\"x\\\":1}") "," RESULT("1", "r")),
          "26 reasoning\n+ a\n+ f\n+ {\"x\":1}\n+ r\n+ f\n");
    check("a thought of one that is over", "gpt5", IN(USER("a") "," THOUGHT
          "," SAID("b") "," USER("c")), "16\n+ a\n+ b\n+ c\n");
    check("a call of one", "gpt5", IN(USER("a") ","
          CALL("1", "f", "{\\\"x\\\":1}") "," RESULT("1", "r") "," SAID("b")
          "," USER("c")),
          "33 calls\n+ a\n+ f\n+ {\"x\":1}\n+ r\n+ f\n+ b\n+ c\n");
    check("two at a time", "gpt", IN(USER("a") ","
          CALL("1", "f", "{\\\"x\\\":1}") "," CALL("2", "g", "{\\\"y\\\":1}")
          "," RESULT("2", "s") "," RESULT("1", "r")),
          "35 calls\n+ a\n+ f\n+ {\"x\":1}\n+ g\n+ {\"y\":1}\n+ s\n+ g\n+ r\n"
          "+ f\n");
    check("a result of no call", "gpt", IN(RESULT("1", "r")),
          "7 calls\n+ r\n");
    check("a custom tool's", "gpt",
          IN("{\"type\":\"custom_tool_call\",\"call_id\":\"1\",\"name\":\"f\","
             "\"input\":\"x\"}"), "15 calls\n+ f\n+ x\n");
    check("Grok", "grok", IN(USER("a")), "192 family\n+ a\n");
}


static void
others(void)
{
    framing_dialect = &genai_anthropic;

    check_of(GENAI_ENDPOINT_MESSAGES, "Claude's tools", "claude",
             "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],"
             "\"tools\":[{\"name\":\"t\",\"description\":\"d\","
             "\"input_schema\":{\"type\":\"object\"}}]}",
             "443 family tools\n+ a\n+ t\n+ d\n"
             "+ {\"type\":\"object\"}\n");

    framing_dialect = &genai_gemini;

    check_of(GENAI_ENDPOINT_GENERATE, "a text of Gemini's", "gemini",
             "{\"contents\":[{\"parts\":[{\"text\":\"a\"}]}]}",
             "1 family options\n+ a\n");

    framing_dialect = &genai_openai;

    check_of(GENAI_ENDPOINT_RERANK, "rerank", "base",
             "{\"query\":\"q\",\"documents\":[\"a\",\"b\"],\"top_n\":1}",
             "0 family uncovered\n+ q\n+ a\n+ b\n");
}


/* whatever stands where, in one step and in many it is the same */

static void
noise(void)
{
    char      json[4096];
    size_t    len;
    unsigned  i, k, n;

    static out_t  one, many;

    static const char  *pieces[] = {
        USER("a"), SAID("b"), CALL("1", "f", "{}"), CALL("2", "g", "x"),
        RESULT("1", "r"), RESULT("3", ""), THOUGHT, "7", "null", "[]", "{}",
        "\"t\"", "{\"type\":7}", "{\"type\":\"message\",\"content\":7}",
        "{\"role\":\"system\",\"content\":[{\"type\":\"input_image\","
        "\"image_url\":\"u\"},\"s\",null]}",
        "{\"type\":\"function_call\"}",
        "{\"type\":\"function_call\",\"name\":[1],\"arguments\":{}}",
        "{\"type\":\"function_call_output\",\"call_id\":7,\"output\":"
        "[{\"type\":\"input_text\",\"text\":\"x\"}]}",
        "{\"type\":\"reasoning\",\"encrypted_content\":7,\"summary\":"
        "[{\"type\":\"summary_text\",\"text\":\"z\"}]}"
    };

    static const char  *heads[] = {
        "", "\"instructions\":\"Be.\",", "\"instructions\":7,",
        WEATHER ",", "\"tools\":[7,{},{\"type\":\"function\"}],",
        "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\","
        "\"schema\":{}}},", PLAIN ",\"tool_choice\":\"required\","
    };

    static const char  *names[] = { "gpt", "gpt5", "oss", "grok", "qwen",
                                    "base", "nobody" };

    srand(11);

    for (i = 0; i < 3000; i++) {

        len = sprintf(json, "{%s\"input\":[",
                      heads[rand() % (sizeof(heads) / sizeof(heads[0]))]);
        n = rand() % 8;

        for (k = 0; k < n; k++) {
            len += sprintf(json + len, "%s%s", k ? "," : "",
                           pieces[rand() % (sizeof(pieces)
                                            / sizeof(pieces[0]))]);
        }

        sprintf(json + len, "]}");

        k = i % (sizeof(names) / sizeof(names[0]));

        frame(&one, GENAI_ENDPOINT_RESPONSES, names[k], json, SIZE_MAX);
        frame(&many, GENAI_ENDPOINT_RESPONSES, names[k], json, 1);

        quiet_ok(strcmp(one.text, many.text) == 0 && one.text[0] != '-',
                 "%s: %s", names[k], json);
    }
}


int
main(void)
{
    if (framing_open() != 0) {
        return done_testing();
    }

    framing_dialect = &genai_responses;

    messages();
    tools();
    calls();
    noise();
    others();

    genai_arena_destroy(&memory);

    return done_testing();
}
