/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Anthropic's requests to the middle of a translation and back, and to and
 * from OpenAI's.  What peers have got wrong has the number it has in the list
 * of edge cases that docs/DIALECTS.md keeps.
 */


#include "chat.h"


#define O  &genai_openai
#define A  &genai_anthropic


static void
told(const genai_dialect_t *from, const genai_dialect_t *to,
    const char *text, const char *want, const char *dropped,
    const char *name)
{
    is_str(chat_translate(from, to, text), want, "%s", name);
    is_str(chat_dropped(), dropped, "%s: what is dropped", name);
}


/* messages alone, from OpenAI's and to it */

#define M(messages)  "{\"messages\":[" messages "]}"
#define AM(messages)  "{\"model\":\"m\",\"messages\":[" messages "],"         \
                      "\"max_tokens\":4096}"
#define OM(messages)  "{\"model\":\"m\",\"messages\":[" messages "]}"
#define U(text)  "{\"role\":\"user\",\"content\":" text "}"
#define S(text)  "{\"role\":\"assistant\",\"content\":" text "}"
#define TOOL(id, name)  "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":"  \
                        "\"" name "\",\"input\":{}}"
#define CALL(id, name, args)  "{\"id\":\"" id "\",\"type\":\"function\","     \
    "\"function\":{\"name\":\"" name "\",\"arguments\":" args "}}"


static void
test_system(void)
{
    told(A, O, "{\"messages\":[" U("\"a\"") "],\"system\":\"s\"}",
         OM("{\"role\":\"system\",\"content\":\"s\"}," U("\"a\"")), "",
         "1: a system prompt that is a string");
    told(A, O, "{\"system\":[{\"type\":\"text\",\"text\":\"s\"},{\"type\":"
         "\"text\",\"text\":\"t\",\"cache_control\":{\"type\":\"ephemeral\"}}],"
         "\"messages\":[" U("\"a\"") "]}",
         OM("{\"role\":\"system\",\"content\":\"s\\n\\nt\"}," U("\"a\"")), "",
         "1: and one of blocks, whose mark stays here");
    told(A, O, M("{\"role\":\"system\",\"content\":\"s\"}," U("\"a\"")),
         OM("{\"role\":\"system\",\"content\":\"s\"}," U("\"a\"")), "",
         "2: a system message among messages");
    told(O, A, M("{\"role\":\"developer\",\"content\":\"s\"}," U("\"a\"") ","
                 "{\"role\":\"system\",\"content\":\"t\"}"),
         "{\"model\":\"m\",\"system\":[{\"type\":\"text\",\"text\":\"s\"},"
         "{\"type\":\"text\",\"text\":\"t\"}],\"messages\":[" U("\"a\"") "],"
         "\"max_tokens\":4096}", "system.place",
         "3: a developer message, and one amid a conversation");
    told(O, A, M("{\"role\":\"system\",\"content\":\"s\"}"),
         AM(U("\"s\"")), "", "instructions alone are a question");
    told(A, A, "{\"system\":\" \\n\",\"messages\":[" U("\"a\"") "]}",
         AM(U("\"a\"")), "", "an empty one is none");
}


/* what c.1 is sent as */
#define ID  "c_1_f1b2206a299093ec"


static void
test_results(void)
{
    told(A, O, M(S("[" TOOL("t1", "f") "," TOOL("t2", "f") "]") ","
                 U("[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\","
                   "\"content\":\"r1\"},{\"type\":\"tool_result\","
                   "\"tool_use_id\":\"t2\",\"content\":[{\"type\":\"text\","
                   "\"text\":\"r2\"}]},{\"type\":\"text\",\"text\":\"x\"},"
                   "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":"
                   "\"https://u\"}}]")),
         OM("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
            CALL("t1", "f", "\"{}\"") "," CALL("t2", "f", "\"{}\"") "]},"
            "{\"role\":\"tool\",\"tool_call_id\":\"t1\",\"content\":\"r1\"},"
            "{\"role\":\"tool\",\"tool_call_id\":\"t2\",\"content\":\"r2\"},"
            U("[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image_url\","
              "\"image_url\":{\"url\":\"https://u\"}}]")), "",
         "4: a turn of results, text and an image");
    told(O, A, M("{\"role\":\"assistant\",\"tool_calls\":["
                 CALL("c.1", "f", "\"{\\\"a\\\": 1}\"") ","
                 CALL("c2", "g", "\"\"") "]},"
                 "{\"role\":\"tool\",\"tool_call_id\":\"c.1\",\"content\":"
                 "\"r1\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":"
                 "\"1h\"}},{\"role\":\"tool\",\"tool_call_id\":\"c2\","
                 "\"content\":\"r2\",\"cache_control\":{\"type\":"
                 "\"ephemeral\"}}," U("\"and?\"")),
         AM(S("[{\"type\":\"tool_use\",\"id\":\"" ID "\",\"name\":\"f\","
              "\"input\":{\"a\": 1}}," TOOL("c2", "g") "]") ","
            U("[{\"type\":\"tool_result\",\"tool_use_id\":\"" ID "\","
              "\"content\":\"r1\",\"cache_control\":{\"type\":\"ephemeral\","
              "\"ttl\":"
              "\"1h\"}},{\"type\":\"tool_result\",\"tool_use_id\":\"c2\","
              "\"content\":\"r2\",\"cache_control\":{\"type\":\"ephemeral\"}},"
              "{\"type\":\"text\",\"text\":\"and?\"}]")), "",
         "5: results in a row are one turn, each with its mark");
    told(A, O, M(S("[" TOOL("t", "f") "]") ","
                 U("[{\"type\":\"tool_result\",\"tool_use_id\":\"t\"}]") ","
                 S("\"ok\"")),
         OM("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
            CALL("t", "f", "\"{}\"") "]},{\"role\":\"tool\",\"tool_call_id\":"
            "\"t\",\"content\":\"\"}," S("\"ok\"")), "",
         "6: a result without a content");
    told(A, A, M(S("[" TOOL("t", "f") "]") ","
                 U("[{\"type\":\"tool_result\",\"tool_use_id\":\"t\"}]")),
         AM(S("[" TOOL("t", "f") "]") ","
            U("[{\"type\":\"tool_result\",\"tool_use_id\":\"t\"}]")), "",
         "6: which is kept");
    told(A, O, M(U("[{\"type\":\"tool_result\",\"tool_use_id\":\"t\","
                   "\"is_error\":true,\"content\":\"no\"}]")),
         OM("{\"role\":\"tool\",\"tool_call_id\":\"t\",\"content\":"
            "\"Error: no\"}"), "", "7: a result that is an error");
    told(A, A, M(U("[{\"type\":\"tool_result\",\"tool_use_id\":\"t\","
                   "\"is_error\":true,\"content\":\"no\"}]")),
         AM(U("[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":"
              "\"no\",\"is_error\":true}]")), "", "7: it stays one");
    told(A, O, M(U("[{\"type\":\"tool_result\",\"tool_use_id\":\"t\","
                   "\"content\":[{\"type\":\"text\",\"text\":\"r\"},{\"type\":"
                   "\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
                   "\"image/gif\",\"data\":\"R0lG\"}}]}]")),
         OM("{\"role\":\"tool\",\"tool_call_id\":\"t\",\"content\":\"r\"},"
            U("[{\"type\":\"image_url\",\"image_url\":{\"url\":"
              "\"data:image/gif;base64,R0lG\"}}]")), "",
         "8: an image in a result");
    told(O, A, M("{\"role\":\"assistant\",\"tool_calls\":["
                 CALL("a", "f", "\"\"") ","
                 "{\"id\":\"b\",\"function\":{\"name\":\"f\"}},"
                 CALL("c", "f", "\"{}\"") "," CALL("d", "f", "\"{\\\"half\"")
                 "," CALL("e", "f", "\"[1]\"") ","
                 CALL("g", "f", "{\"x\":1}") "]}"),
         AM(S("[" TOOL("a", "f") "," TOOL("b", "f") "," TOOL("c", "f") ","
              TOOL("d", "f") "," TOOL("e", "f") ",{\"type\":\"tool_use\","
              "\"id\":\"g\",\"name\":\"f\",\"input\":{\"x\":1}}]")), "",
         "9: arguments that are no object");
    told(A, O, M(U("[{\"type\":\"tool_result\",\"tool_use_id\":\"t\","
                   "\"content\":\"{\\\"$ref\\\":\\\"#/$defs/a\\\"}\"}]")),
         OM("{\"role\":\"tool\",\"tool_call_id\":\"t\",\"content\":"
            "\"{\\\"$ref\\\":\\\"#/$defs/a\\\"}\"}"), "",
         "19: a result that looks like a schema");
}


#define TOOLS  "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":"       \
               "\"object\"}}]"
#define FUNCTIONS  "\"tools\":[{\"type\":\"function\",\"function\":{\"name\"" \
                   ":\"f\",\"parameters\":{\"type\":\"object\"}}}]"


static void
test_tools(void)
{
    size_t  i;
    char    from[512], want[512];

    static const struct {
        const char  *openai;
        const char  *anthropic;
        int          back;
    } choices[] = {
        { "\"tool_choice\":\"none\"", "\"tool_choice\":{\"type\":\"none\"}",
          1 },
        { "\"tool_choice\":\"auto\"", "\"tool_choice\":{\"type\":\"auto\"}",
          1 },
        { "\"tool_choice\":\"required\"", "\"tool_choice\":{\"type\":\"any\"}",
          1 },
        { "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":"
          "\"f\"}}", "\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}", 1 },
        { "\"tool_choice\":\"required\",\"parallel_tool_calls\":false",
          "\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":"
          "true}", 1 },
        { "\"parallel_tool_calls\":false",
          "\"tool_choice\":{\"type\":\"auto\",\"disable_parallel_tool_use\":"
          "true}", 0 }
    };

    for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {

        (void) snprintf(from, sizeof(from), "{\"model\":\"m\"," FUNCTIONS
                        ",%s,\"messages\":[" U("\"a\"") "]}",
                        choices[i].openai);
        (void) snprintf(want, sizeof(want), "{\"model\":\"m\"," TOOLS
                        ",%s,\"messages\":[" U("\"a\"") "],\"max_tokens\":"
                        "4096}", choices[i].anthropic);
        told(O, A, from, want, "", "10, 13: which tools may be called");

        if (choices[i].back) {
            (void) snprintf(want, sizeof(want), "{\"model\":\"m\"," TOOLS
                            ",%s,\"messages\":[" U("\"a\"") "]}",
                            choices[i].anthropic);
            told(A, O, want, from, "", "10, 13: and back");
        }
    }

    told(O, A, "{\"tool_choice\":\"auto\",\"tools\":[],\"messages\":["
         U("\"a\"") "]}", AM(U("\"a\"")), "", "11: no tools, no choice");
    told(A, O, "{\"tool_choice\":{\"type\":\"any\"},\"tools\":[{\"type\":"
         "\"web_search_20250305\",\"name\":\"web_search\"}],\"messages\":["
         U("\"a\"") "]}", OM(U("\"a\"")), "server tools",
         "11, 16: none are left");
    told(O, A, "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"
         "\"f\",\"description\":\"d\"}},{\"type\":\"function\",\"function\":"
         "{\"name\":\"g\",\"parameters\":{\"properties\":{\"a\":{}}},"
         "\"strict\":true},\"cache_control\":{\"type\":\"ephemeral\"}}],"
         "\"messages\":[" U("\"a\"") "]}",
         "{\"model\":\"m\",\"tools\":[{\"name\":\"f\",\"description\":\"d\","
         "\"input_schema\":{\"type\":\"object\",\"properties\":{}}},{\"name\":"
         "\"g\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"a\":"
         "{}}},\"cache_control\":{\"type\":\"ephemeral\"}}],\"messages\":["
         U("\"a\"") "],\"max_tokens\":4096}", "strict",
         "15, 28: schemas without a type, and a mark");
    told(O, A, "{\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}]"
         ",\"messages\":[" U("\"a\"") "]}",
         "tools with free text as input cannot be sent to this model's "
         "provider", "", "a custom tool");
    told(A, A, "{\"tools\":[{\"type\":\"web_search_20250305\",\"name\":"
         "\"web_search\",\"max_uses\":3}],\"messages\":["
         S("[{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search"
           "\",\"input\":{}}]") "]}",
         "{\"model\":\"m\",\"tools\":[{\"type\":\"web_search_20250305\","
         "\"name\":\"web_search\",\"max_uses\":3}],\"messages\":["
         S("[{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search"
           "\",\"input\":{}}]") "],\"max_tokens\":4096}", "",
         "16: its own server tools");
    told(A, O, M(S("[{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"w"
                   "\",\"input\":{}},{\"type\":\"web_search_tool_result\","
                   "\"tool_use_id\":\"s\",\"content\":[]},{\"type\":\"text\","
                   "\"text\":\"a\"}]")),
         OM(S("\"a\"")), "server tools", "16: in what was said before");
}


static void
test_thoughts(void)
{
    const genai_part_t  *part;

    told(A, A, M(S("[{\"type\":\"thinking\",\"thinking\":\"t1\",\"signature\":"
                   "\"s1\"}," TOOL("a", "f") ",{\"type\":\"thinking\","
                   "\"thinking\":\"\",\"signature\":\"s2\"},{\"type\":"
                   "\"redacted_thinking\",\"data\":\"d\"},{\"type\":\"text\","
                   "\"text\":\"x\"}," TOOL("b", "f") "]")),
         AM(S("[{\"type\":\"thinking\",\"thinking\":\"t1\",\"signature\":"
              "\"s1\"}," TOOL("a", "f") ",{\"type\":\"thinking\","
              "\"thinking\":\"\",\"signature\":\"s2\"},{\"type\":"
              "\"redacted_thinking\",\"data\":\"d\"},{\"type\":\"text\","
              "\"text\":\"x\"}," TOOL("b", "f") "]")), "",
         "24: thoughts stay in their places, byte for byte");
    told(A, A, M(S("[{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":"
                   "\"\"},{\"type\":\"thinking\",\"thinking\":\"u\"},"
                   "{\"type\":\"text\",\"text\":\"x\"}]")),
         AM(S("\"x\"")), "thinking", "25: nobody has signed them");
    told(O, A, M("{\"role\":\"assistant\",\"content\":\"x\","
                 "\"reasoning_content\":\"t\"}"),
         AM(S("\"x\"")), "thinking", "25: another model's");
    told(O, A, M("{\"role\":\"assistant\",\"content\":\"x\",\"reasoning_"
                 "details\":[{\"type\":\"reasoning.text\",\"text\":\"t\","
                 "\"signature\":\"s\",\"format\":\"anthropic-claude-v1\"},"
                 "{\"type\":\"reasoning.encrypted\",\"data\":\"d\","
                 "\"format\":\"anthropic\"},{\"type\":\"reasoning.encrypted\","
                 "\"data\":\"e\",\"format\":\"google-gemini-v1\"}]}"),
         AM(S("[{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":"
              "\"s\"},{\"type\":\"redacted_thinking\",\"data\":\"d\"},"
              "{\"type\":\"text\",\"text\":\"x\"}]")), "thinking",
         "24: thoughts that a client of OpenAI's gives back");
    told(A, O, M(S("[{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":"
                   "\"s\"},{\"type\":\"text\",\"text\":\"x\"}]")),
         OM(S("\"x\"")), "thinking", "others do not get them");

    /* what others have signed, and a client of this dialect gives back */

    told(A, A, M(S("[{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":"
                   "\"genai:gemini:thought:0:AB==\"},{\"type\":\"redacted_"
                   "thinking\",\"data\":\"genai:responses:sealed:4:rs_1CD==\"}"
                   "," TOOL("a", "f") ",{\"type\":\"redacted_thinking\","
                   "\"data\":\"genai:anthropic:call:0:EF==\"},{\"type\":"
                   "\"text\",\"text\":\"x\"},{\"type\":\"redacted_thinking\","
                   "\"data\":\"genai:anthropic:text:0:GH==\"}]")),
         AM(S("[" TOOL("a", "f") ",{\"type\":\"text\",\"text\":\"x\"}]")),
         "thinking", "26: signatures of others");

    part = chat_read.messages->parts;
    is_text(part->signature.text, "AB==", "26: a thought's");
    part = part->next;
    is_text(part->id.text, "rs_1", "27: an encrypted thought's id");
    is_text(part->signature.text, "CD==", "27: and it");
    part = part->next;
    ok(part->kind == GENAI_PART_CALL && part->signer == A, "26: a call's");
    is_text(part->signature.text, "EF==", "26: it");
    part = part->next;
    ok(part->kind == GENAI_PART_TEXT && part->signer == A, "26: a text's");
    is_text(part->signature.text, "GH==", "26: it");

    /* clients may put all calls at the end */

    told(A, A, M(S("[{\"type\":\"redacted_thinking\",\"data\":"
                   "\"genai:gemini:call:1:bAB==\"},{\"type\":"
                   "\"redacted_thinking\",\"data\":"
                   "\"genai:gemini:call:1:zCD==\"}," TOOL("a", "f") ","
                   TOOL("b", "g") "]")),
         AM(S("[" TOOL("a", "f") "," TOOL("b", "g") "]")), "signature",
         "26: what stands in front of the calls that it signs");

    part = chat_read.messages->parts;
    ok(part->signer == NULL, "26: not this one");
    part = part->next;
    is_text(part->signature.text, "AB==", "26: but that of its id");

    told(A, A, M(S("[{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":"
                   "\"genai:gemini:thought:99:AB\"}]")),
         "a thought's signature has been changed", "",
         "26: one that is damaged");
}


/* how a model is to think */

static void
test_effort(void)
{
    size_t  i;
    char    from[512], want[512];

    static const struct {
        const char  *asked;
        unsigned     thinks;
        unsigned     newer;
        const char  *want;
        const char  *dropped;
    } efforts[] = {
        { "\"reasoning_effort\":\"medium\"", 1, 0,
          "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":8192},"
          "\"max_tokens\":12288", "" },
        { "\"reasoning_effort\":\"minimal\"", 1, 0,
          "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024},"
          "\"max_tokens\":5120", "" },
        { "\"reasoning_effort\":\"high\",\"max_completion_tokens\":2000", 1, 0,
          "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1999},"
          "\"max_tokens\":2000", "" },
        { "\"reasoning_effort\":\"high\",\"max_completion_tokens\":1024", 1, 0,
          "\"max_tokens\":1024", "thinking" },
        { "\"reasoning_effort\":\"none\"", 1, 0,
          "\"thinking\":{\"type\":\"disabled\"},\"max_tokens\":4096", "" },
        { "\"reasoning_effort\":\"none\"", 0, 0, "\"max_tokens\":4096", "" },
        { "\"reasoning_effort\":\"low\"", 0, 0, "\"max_tokens\":4096",
          "thinking" },
        { "\"reasoning_effort\":\"xhigh\"", 1, 1,
          "\"thinking\":{\"type\":\"adaptive\"},\"output_config\":{\"effort\":"
          "\"xhigh\"},\"max_tokens\":4096", "" },
        { "\"reasoning_effort\":\"minimal\"", 1, 1,
          "\"thinking\":{\"type\":\"adaptive\"},\"output_config\":{\"effort\":"
          "\"low\"},\"max_tokens\":4096", "" },
        { "\"reasoning\":{\"max_tokens\":99999,\"exclude\":true}", 1, 1,
          "\"thinking\":{\"type\":\"adaptive\",\"display\":\"omitted\"},"
          "\"output_config\":{\"effort\":\"xhigh\"},\"max_tokens\":4096", "" },
        { "\"reasoning\":{\"max_tokens\":2048},\"temperature\":0.5,"
          "\"top_p\":0.9,\"top_k\":5", 1, 0,
          "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2048},"
          "\"max_tokens\":6144", "temperature,top_p,top_k" }
    };

    for (i = 0; i < sizeof(efforts) / sizeof(efforts[0]); i++) {

        chat_target.thinks = efforts[i].thinks;
        chat_target.newer = efforts[i].newer;

        (void) snprintf(from, sizeof(from), "{%s,\"messages\":[" U("\"a\"")
                        "]}", efforts[i].asked);
        (void) snprintf(want, sizeof(want), "{\"model\":\"m\",\"messages\":["
                        U("\"a\"") "],%s}", efforts[i].want);

        told(O, A, from, want, efforts[i].dropped, "22, 23: an effort");
    }

    chat_target.thinks = 1;
    chat_target.newer = 0;
    chat_target.max_model = 5000;

    told(O, A, "{\"reasoning_effort\":\"medium\",\"messages\":["
         U("\"a\"") "]}", "{\"model\":\"m\",\"messages\":[" U("\"a\"")
         "],\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":4999},"
         "\"max_tokens\":5000}", "", "20: no more than the model says");

    chat_target.max_model = 0;

    told(O, A, "{\"reasoning_effort\":\"low\",\"tool_choice\":\"required\","
         FUNCTIONS ",\"messages\":[" U("\"a\"") "]}",
         "{\"model\":\"m\"," TOOLS ",\"tool_choice\":{\"type\":\"any\"},"
         "\"messages\":[" U("\"a\"") "],\"max_tokens\":4096}", "thinking",
         "who must call a tool does not think");
    told(O, A, "{\"reasoning_effort\":\"low\",\"messages\":[" U("\"a\"")
         ",{\"role\":\"assistant\",\"tool_calls\":[" CALL("a", "f", "\"{}\"")
         "]},{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"r\"}]}",
         AM(U("\"a\"") "," S("[" TOOL("a", "f") "]") ","
            U("[{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":"
              "\"r\"}]")), "thinking",
         "nor who has forgotten what he thought");

    told(A, O, "{\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":5000},"
         "\"messages\":[" U("\"a\"") "]}",
         "{\"model\":\"m\",\"messages\":[" U("\"a\"") "],"
         "\"reasoning_effort\":\"medium\"}", "", "22: a budget");
    told(A, O, "{\"thinking\":{\"type\":\"adaptive\"},\"output_config\":"
         "{\"effort\":\"max\"},\"messages\":[" U("\"a\"") "]}",
         "{\"model\":\"m\",\"messages\":[" U("\"a\"") "],"
         "\"reasoning_effort\":\"xhigh\"}", "", "22: adaptive");
    told(A, O, "{\"thinking\":{\"type\":\"disabled\"},\"messages\":["
         U("\"a\"") "]}",
         "{\"model\":\"m\",\"messages\":[" U("\"a\"") "],"
         "\"reasoning_effort\":\"none\"}", "", "22: disabled");
    told(A, A, "{\"thinking\":{\"type\":\"sometimes\"},\"messages\":[]}",
         "thinking must be disabled, adaptive, or enabled with budget_tokens",
         "", "another type");
}


static void
test_options(void)
{
    chat_target.fixed = 1;

    told(A, O, "{\"temperature\":0.50,\"top_p\":0.9,\"messages\":["
         U("\"a\"") "]}", OM(U("\"a\"")), "temperature,top_p",
         "a model that thinks has no temperature");
    told(A, O, "{\"temperature\":1.0,\"top_p\":1,\"messages\":["
         U("\"a\"") "]}", OM(U("\"a\"")), "", "nor one that changes nothing");
    told(A, O, "{\"temperature\":0.50,\"thinking\":{\"type\":\"disabled\"},"
         "\"messages\":[" U("\"a\"") "]}",
         "{\"model\":\"m\",\"messages\":[" U("\"a\"") "],"
         "\"reasoning_effort\":\"none\",\"temperature\":0.50}", "",
         "but where it does not think");

    chat_target.fixed = 0;

    told(A, O, "{\"metadata\":{\"user_id\":\"01234567890123456789012345678901"
         "23456789012345678901234567890123\"},\"messages\":[" U("\"a\"") "]}",
         "{\"model\":\"m\",\"messages\":[" U("\"a\"") "],\"user\":"
         "\"01234567890123456789012345678901234567890123456789012345678901"
         "23\"}", "", "34: a user's name");
    told(A, O, "{\"metadata\":{\"user_id\":\"01234567890123456789012345678901"
         "234567890123456789012345678901234\"},\"messages\":[" U("\"a\"")
         "]}", OM(U("\"a\"")), "user", "34: one that OpenAI refuses");

    told(O, A, "{\"max_tokens\":5,\"max_completion_tokens\":7,\"temperature\":"
         "1.5,\"top_p\":0.5,\"stop\":\"x\",\"user\":\"u\",\"seed\":1,"
         "\"logprobs\":false,\"store\":true,\"frequency_penalty\":0,"
         "\"presence_penalty\":1,\"service_tier\":\"flex\",\"x\":1,"
         "\"stream\":true,\"messages\":[" U("\"a\"") "]}",
         "{\"model\":\"m\",\"messages\":[" U("\"a\"") "],\"max_tokens\":7,"
         "\"stop_sequences\":[\"x\"],\"temperature\":1,\"metadata\":"
         "{\"user_id\":\"u\"},\"stream\":true}",
         "x,temperature>1,top_p,service_tier,seed,presence_penalty,store",
         "20, 21, 33, 34: options of OpenAI's");
    told(A, O, "{\"max_tokens\":7,\"temperature\":0.50,\"top_p\":1e0,\"top_k\""
         ":3,\"stop_sequences\":[\"x\",\"y\"],\"metadata\":{\"user_id\":\"u\","
         "\"y\":1},\"service_tier\":\"auto\",\"context_management\":{},"
         "\"stream\":true,\"messages\":[" U("\"a\"") "]}",
         "{\"model\":\"m\",\"messages\":[" U("\"a\"") "],\"max_tokens\":7,"
         "\"stop\":[\"x\",\"y\"],\"temperature\":0.50,\"top_p\":1e0,"
         "\"user\":\"u\",\"stream\":true,\"stream_options\":"
         "{\"include_usage\":true}}",
         "y,context_management,top_k,service_tier", "34: and of Anthropic's");
    told(O, A, "{\"n\":2,\"messages\":[" U("\"a\"") "]}",
         "this model's provider gives one answer, not n", "", "34: n");
    told(O, A, "{\"response_format\":{\"type\":\"json_object\"},\"messages\":["
         U("\"a\"") "]}", AM(U("\"a\"")), "response_format",
         "17: JSON without a schema");
    told(O, A, "{\"response_format\":{\"type\":\"json_schema\",\"json_schema\""
         ":{\"name\":\"n\",\"schema\":{\"a\":1}}},\"messages\":[" U("\"a\"")
         "]}",
         "{\"model\":\"m\",\"messages\":[" U("\"a\"") "],\"output_config\":"
         "{\"format\":{\"type\":\"json_schema\",\"schema\":{\"a\":1}}},"
         "\"max_tokens\":4096}", "", "17: with one");
    told(A, O, "{\"output_config\":{\"format\":{\"type\":\"json_schema\","
         "\"schema\":{\"a\":1}}},\"messages\":[" U("\"a\"") "]}",
         "{\"model\":\"m\",\"response_format\":{\"type\":\"json_schema\","
         "\"json_schema\":{\"name\":\"answer\",\"schema\":{\"a\":1}}},"
         "\"messages\":[" U("\"a\"") "]}", "", "18: output_config.format");
    told(A, O, "{\"output_format\":{\"type\":\"json_schema\","
         "\"schema\":{\"a\":1}},\"messages\":[" U("\"a\"") "]}",
         "{\"model\":\"m\",\"response_format\":{\"type\":\"json_schema\","
         "\"json_schema\":{\"name\":\"answer\",\"schema\":{\"a\":1}}},"
         "\"messages\":[" U("\"a\"") "]}", "", "18: output_format");
    told(A, O, "{\"mcp_servers\":[{\"url\":\"https://u\"}],\"messages\":["
         U("\"a\"") "]}",
         "mcp_servers and container cannot be sent to a provider of another "
         "API", "", "servers of the provider's");

    chat_target.max_output = 100;
    chat_target.max_default = 50;

    told(O, A, M(U("\"a\"")),
         "{\"model\":\"m\",\"messages\":[" U("\"a\"") "],\"max_tokens\":100}",
         "", "20: the target's maximum");
    told(O, A, "{\"max_tokens\":7,\"messages\":[" U("\"a\"") "]}",
         "{\"model\":\"m\",\"messages\":[" U("\"a\"") "],\"max_tokens\":7}",
         "", "20: the client's");

    chat_target.max_output = -1;
    chat_target.max_default = 50;
    told(O, A, M(U("\"a\"")),
         "{\"model\":\"m\",\"messages\":[" U("\"a\"") "],\"max_tokens\":50}",
         "", "20: what the target has where nobody tells");
    chat_target.max_default = 0;
    told(O, A, M(U("\"a\"")), AM(U("\"a\"")), "", "20: nothing at all");
    chat_target.max_default = 4096;
}


static void
test_parts(void)
{
    told(O, A, M(U("[{\"type\":\"image_url\",\"image_url\":{\"url\":"
                   "\"data:image/gif;base64,R0lG\",\"detail\":\"low\"}},"
                   "{\"type\":\"image_url\",\"image_url\":{\"url\":"
                   "\"https://a/b\"}},{\"type\":\"file\",\"file\":"
                   "{\"filename\":\"x.pdf\",\"file_data\":"
                   "\"data:application/pdf;base64,JVBE\"}}]")),
         AM(U("[{\"type\":\"image\",\"source\":{\"type\":\"base64\","
              "\"media_type\":\"image/gif\",\"data\":\"R0lG\"}},{\"type\":"
              "\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://a/b\"}}"
              ",{\"type\":\"document\",\"source\":{\"type\":\"base64\","
              "\"media_type\":\"application/pdf\",\"data\":\"JVBE\"},"
              "\"title\":\"x.pdf\"}]")), "detail", "30: images and a document");
    told(O, A, M(U("[{\"type\":\"image_url\",\"image_url\":{\"url\":"
                   "\"data:image/gif;base64,R0 lG\"}}]")),
         "a data URL is not base64", "", "30: bad base64");
    told(O, A, M(U("[{\"type\":\"input_audio\",\"input_audio\":{\"data\":"
                   "\"AA\",\"format\":\"mp3\"}}]")),
         "a message has a part that this model's provider cannot be sent: "
         "text, images and documents are taken", "", "30: sound");
    told(A, A, M(U("[{\"type\":\"document\",\"title\":\"t\",\"context\":\"c\","
                   "\"citations\":{\"enabled\":true},\"source\":{\"type\":"
                   "\"text\",\"media_type\":\"text/plain\",\"data\":\"d\"}},"
                   "{\"type\":\"image\",\"source\":{\"type\":\"file\","
                   "\"file_id\":\"f\"},\"cache_control\":{\"type\":"
                   "\"ephemeral\"}}]")),
         AM(U("[{\"type\":\"text\",\"text\":\"c\"},{\"type\":\"document\","
              "\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\","
              "\"data\":\"d\"},\"title\":\"t\"},{\"type\":\"image\","
              "\"source\":{\"type\":\"file\",\"file_id\":\"f\"},"
              "\"cache_control\":{\"type\":\"ephemeral\"}}]")), "citations",
         "28, 30: a text, a file and a mark");
    told(A, O, M(U("[{\"type\":\"image\",\"source\":{\"type\":\"file\","
                   "\"file_id\":\"f\"}}]")),
         "a file that another provider keeps cannot be sent: send the file "
         "itself", "", "30: a file by its id");
    told(A, O, M(U("[{\"type\":\"search_result\",\"source\":\"s\"}]")),
         "a message has a part that this model's provider cannot be sent", "",
         "a block that nobody else knows");
    told(O, A, M(U("\"\"") "," U("null") "," U("[]") "," S("\" \\n\\t\"") ","
                 "{\"role\":\"assistant\"}," U("[{\"type\":\"text\",\"text\":"
                 "\" \"},{\"type\":\"text\",\"text\":\"a\"}]")),
         AM(U("\"a\"")), "", "31: who says nothing is left out");
    told(O, A, M(S("\"hi\"") "," U("\"a\"") "," U("\"b\"") "," S("\"c\"") ","
                 S("\"d\"")),
         AM(S("\"hi\"") "," U("[{\"type\":\"text\",\"text\":\"a\"},{\"type\":"
            "\"text\",\"text\":\"b\"}]") "," S("[{\"type\":\"text\",\"text\":"
            "\"c\"},{\"type\":\"text\",\"text\":\"d\"}]")), "",
         "32: turns of the same side");
    told(O, A, M("{\"role\":\"user\",\"name\":\"bob\",\"content\":\"a\"}"),
         AM(U("\"a\"")), "name", "who speaks");
    told(A, O, M(U("\"a\\u00e9\\n\"")), OM(U("\"a\\u00e9\\n\"")), "",
         "29: a text keeps its escapes");
    told(A, A, M("{\"role\":\"tool\",\"content\":\"a\"}"),
         "a message's role must be user, assistant or system", "",
         "another role");
    told(A, A, M(U("7")), "a content must be a string or a list of blocks",
         "", "another content");
    told(A, A, "{\"messages\":[]}", "messages must have at least one", "",
         "no messages");
}


/* what is carried both ways comes back as it was */

static void
test_round(void)
{
    size_t  i;
    char    once[4096], twice[4096];

    static const char  *requests[] = {
        "{\"model\":\"m\",\"tools\":[{\"name\":\"f\",\"description\":\"d\","
        "\"input_schema\":{\"type\":\"object\",\"x\":[1, 2]}}],"
        "\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\","
        "\"disable_parallel_tool_use\":true},\"system\":\"s\",\"messages\":["
        U("\"a\"") "," S("[{\"type\":\"text\",\"text\":\"b\"},{\"type\":"
        "\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":{\"k\": 1.50}}]")
        "," U("[{\"type\":\"tool_result\",\"tool_use_id\":\"i\",\"content\":"
        "\"r\"},{\"type\":\"text\",\"text\":\"c\"}]") "],\"max_tokens\":9,"
        "\"stop_sequences\":[\"x\"],\"temperature\":0.10,\"metadata\":"
        "{\"user_id\":\"u\"}}",
        "{\"model\":\"m\",\"messages\":[" U("[{\"type\":\"image\",\"source\":"
        "{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"QUJD\"}}"
        ",{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":"
        "\"https://u\"}},"
        "{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\""
        ":\"application/pdf\",\"data\":\"QUJD\"},\"title\":\"t\"}]")
        "],\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":"
        "{\"type\":\"object\"}}},\"max_tokens\":9,\"stream\":true}"
    };

    for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {

        told(A, A, requests[i], requests[i], "", "anthropic and back");

        (void) snprintf(once, sizeof(once), "%s",
                        chat_translate(A, O, requests[i]));
        told(O, A, once, requests[i], "", "through openai and back");

        (void) snprintf(twice, sizeof(twice), "%s", requests[i]);
        is_str(chat_translate(A, O, twice), once, "the same bytes again");
    }
}


int
main(void)
{
    genai_arena_init(&chat_arena, 1 << 20);

    test_system();
    test_results();
    test_tools();
    test_thoughts();
    test_effort();
    test_options();
    test_parts();
    test_round();

    genai_arena_destroy(&chat_arena);

    return done_testing();
}
