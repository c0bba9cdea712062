/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The Responses API's requests to the middle of a translation and back, and
 * to OpenAI's chat completions and from them.
 */


#include "chat.h"


static void
same(const char *text, const char *want, const char *name)
{
    is_str(chat_translate(&genai_responses, &genai_responses, text), want,
           "%s", name);
}


static void
to_chat(const char *text, const char *want, const char *name)
{
    is_str(chat_translate(&genai_responses, &genai_openai, text), want, "%s",
           name);
}


static void
of_chat(const char *text, const char *want, const char *name)
{
    is_str(chat_translate(&genai_openai, &genai_responses, text), want, "%s",
           name);
}


static void
test_texts(void)
{
    same("{\"model\":\"x\",\"input\":\"a\\u00e9\\n\"}",
         "{\"model\":\"m\",\"input\":[{\"type\":\"message\",\"role\":\"user\","
         "\"content\":\"a\\u00e9\\n\"}],\"include\":"
         "[\"reasoning.encrypted_content\"],\"store\":false}",
         "a text keeps its escapes");
    is_str(chat_dropped(), "", "nothing has gone");

    to_chat("{\"input\":[{\"role\":\"developer\",\"content\":\"b\"},"
            "{\"type\":\"message\",\"role\":\"user\",\"content\":["
            "{\"type\":\"input_text\",\"text\":\"c\"},{\"type\":"
            "\"input_image\",\"detail\":\"low\",\"image_url\":"
            "\"data:image/gif;base64,R0lG\"},{\"type\":\"input_image\","
            "\"image_url\":\"https://a/b\"},{\"type\":\"input_file\","
            "\"filename\":\"x.pdf\",\"file_data\":"
            "\"data:application/pdf;base64,JVBE\"},{\"type\":\"input_file\","
            "\"file_data\":\"JVBE\"},{\"type\":\"input_audio\","
            "\"input_audio\":{\"data\":\"AAAA\",\"format\":\"mp3\"}}]}],"
            "\"instructions\":\"a\"}",
            "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":"
            "\"a\"},{\"role\":\"system\",\"content\":\"b\"},{\"role\":"
            "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"c\"},"
            "{\"type\":\"image_url\",\"image_url\":{\"url\":"
            "\"data:image/gif;base64,R0lG\",\"detail\":\"low\"}},{\"type\":"
            "\"image_url\",\"image_url\":{\"url\":\"https://a/b\"}},"
            "{\"type\":\"file\",\"file\":{\"filename\":\"x.pdf\","
            "\"file_data\":\"data:application/pdf;base64,JVBE\"}},{\"type\":"
            "\"file\",\"file\":{\"filename\":\"document.pdf\",\"file_data\":"
            "\"data:application/pdf;base64,JVBE\"}},{\"type\":"
            "\"input_audio\",\"input_audio\":{\"data\":\"AAAA\",\"format\":"
            "\"mp3\"}}]}]}", "instructions first, parts of all kinds");

    of_chat("{\"messages\":[{\"role\":\"system\",\"content\":\"a\"},"
            "{\"role\":\"developer\",\"content\":\"b\"},{\"role\":\"user\","
            "\"content\":[{\"type\":\"text\",\"text\":\"c\"},{\"type\":"
            "\"image_url\",\"image_url\":{\"url\":\"https://a/b\"}},"
            "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\","
            "\"format\":\"wav\"}},{\"type\":\"file\",\"file\":{\"file_data\":"
            "\"data:application/pdf;base64,JVBE\"}}]},{\"role\":"
            "\"assistant\",\"content\":\"d\",\"refusal\":\"e\"},{\"role\":"
            "\"system\",\"content\":\"f\"},{\"role\":\"user\",\"content\":"
            "\"g\"}]}",
            "{\"model\":\"m\",\"instructions\":\"a\\n\\nb\",\"input\":["
            "{\"type\":\"message\",\"role\":\"user\",\"content\":["
            "{\"type\":\"input_text\",\"text\":\"c\"},{\"type\":"
            "\"input_image\",\"image_url\":\"https://a/b\"},{\"type\":"
            "\"input_audio\",\"input_audio\":{\"data\":\"AAAA\",\"format\":"
            "\"wav\"}},{\"type\":\"input_file\",\"filename\":"
            "\"document.pdf\",\"file_data\":"
            "\"data:application/pdf;base64,JVBE\"}]},{\"type\":\"message\","
            "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\","
            "\"text\":\"d\"},{\"type\":\"refusal\",\"refusal\":\"e\"}]},"
            "{\"type\":\"message\",\"role\":\"system\",\"content\":\"f\"},"
            "{\"type\":\"message\",\"role\":\"user\",\"content\":\"g\"}],"
            "\"include\":[\"reasoning.encrypted_content\"],\"store\":false}",
            "a chat becomes items");

    of_chat("{\"messages\":[{\"role\":\"system\",\"content\":\"a\"}]}",
            "{\"model\":\"m\",\"input\":[{\"type\":\"message\",\"role\":"
            "\"system\",\"content\":\"a\"}],\"include\":"
            "[\"reasoning.encrypted_content\"],\"store\":false}",
            "nothing but instructions is an input");
}


#define CALLS                                                                 \
    "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":"    \
    "\"output_text\",\"text\":\"t\"}]},"                                      \
    "{\"type\":\"function_call\",\"call_id\":\"1\",\"name\":\"f\","           \
    "\"arguments\":\"{\\\"a\\\": 1}\"},"                                      \
    "{\"type\":\"custom_tool_call\",\"call_id\":\"2\",\"name\":\"g\","        \
    "\"input\":\"ls\"},"                                                      \
    "{\"type\":\"function_call_output\",\"call_id\":\"1\",\"output\":"        \
    "\"one\"},{\"type\":\"custom_tool_call_output\",\"call_id\":\"2\","       \
    "\"output\":[{\"type\":\"input_text\",\"text\":\"two\"},{\"type\":"       \
    "\"input_image\",\"image_url\":\"https://a/b\"}]}"

static void
test_tools(void)
{
    same("{\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":"
         "\"d\",\"parameters\":{ \"type\" : \"object\" },\"strict\":true},"
         "{\"type\":\"custom\",\"name\":\"g\",\"format\":{\"type\":"
         "\"text\"}},{\"type\":\"web_search\"}],\"tool_choice\":{\"type\":"
         "\"custom\",\"name\":\"g\"},\"parallel_tool_calls\":false,"
         "\"input\":[" CALLS "]}",
         "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"name\":\"f\","
         "\"description\":\"d\",\"parameters\":{ \"type\" : \"object\" },"
         "\"strict\":true},{\"type\":\"custom\",\"name\":\"g\",\"format\":"
         "{\"type\":\"text\"}},{\"type\":\"web_search\"}],\"tool_choice\":"
         "{\"type\":\"custom\",\"name\":\"g\"},\"parallel_tool_calls\":false,"
         "\"input\":[" CALLS "],\"include\":"
         "[\"reasoning.encrypted_content\"],\"store\":false}",
         "tools, calls and outputs");
    is_int(chat_read.messages->next->parts->next != NULL, 1,
           "outputs that follow each other are one turn (4, 5)");

    to_chat("{\"tools\":[{\"type\":\"function\",\"name\":\"f\"},"
            "{\"type\":\"web_search\"}],\"tool_choice\":\"required\","
            "\"input\":[" CALLS "]}",
            "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"function\":"
            "{\"name\":\"f\",\"parameters\":{\"type\":\"object\","
            "\"properties\":{}}}}],\"tool_choice\":\"required\",\"messages\":"
            "[{\"role\":\"assistant\",\"content\":\"t\",\"tool_calls\":["
            "{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":"
            "\"f\",\"arguments\":\"{\\\"a\\\": 1}\"}},{\"id\":\"2\","
            "\"type\":\"custom\",\"custom\":{\"name\":\"g\",\"input\":\"ls\"}"
            "}]},{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":"
            "\"one\"},{\"role\":\"tool\",\"tool_call_id\":\"2\",\"content\":"
            "\"two\"},{\"role\":\"user\",\"content\":[{\"type\":"
            "\"image_url\",\"image_url\":{\"url\":\"https://a/b\"}}]}]}",
            "what is said and called is one turn");
    is_str(chat_dropped(), "server tools", "a server tool has gone (16)");

    of_chat("{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}"
            "}],\"tool_choice\":{\"type\":\"function\",\"function\":"
            "{\"name\":\"f\"}},\"messages\":[{\"role\":\"assistant\","
            "\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\","
            "\"function\":{\"name\":\"f\"}}]},{\"role\":\"tool\","
            "\"tool_call_id\":\"1\"}]}",
            "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"name\":"
            "\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{}},"
            "\"strict\":false}],\"tool_choice\":{\"type\":\"function\","
            "\"name\":\"f\"},\"input\":[{\"type\":\"function_call\","
            "\"call_id\":\"1\",\"name\":\"f\",\"arguments\":\"{}\"},"
            "{\"type\":\"function_call_output\",\"call_id\":\"1\","
            "\"output\":\"\"}],\"include\":"
            "[\"reasoning.encrypted_content\"],\"store\":false}",
            "no arguments, no output (6, 9, 15)");

    to_chat("{\"tools\":[],\"tool_choice\":\"auto\",\"input\":\"x\"}",
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
            "\"x\"}]}", "no choice without tools (11)");

    to_chat("{\"tools\":[{\"type\":\"function\",\"name\":\"f\"},{\"type\":"
            "\"function\",\"name\":\"g\",\"parameters\":{}},{\"type\":"
            "\"web_search\"}],\"tool_choice\":{\"type\":\"allowed_tools\","
            "\"mode\":\"required\",\"tools\":[{\"type\":\"function\","
            "\"name\":\"g\"}]},\"input\":\"x\"}",
            "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"function\":"
            "{\"name\":\"g\",\"parameters\":{}}}],\"tool_choice\":"
            "\"required\",\"messages\":[{\"role\":\"user\",\"content\":"
            "\"x\"}]}", "allowed_tools leave no other (10)");
}


static void
test_thoughts(void)
{
#define R(s, e)  "{\"input\":[{\"role\":\"user\",\"content\":\"q\"},"         \
    "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[" s "],"            \
    "\"encrypted_content\":\"" e "\"},{\"type\":\"function_call\","           \
    "\"call_id\":\"a:b\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":"     \
    "\"reasoning\",\"summary\":[],\"encrypted_content\":\"genai.responses."   \
    "call:a:b:sig\"},{\"type\":\"message\",\"role\":\"assistant\","           \
    "\"content\":\"said\"}]}"
#define S(t)  "{\"type\":\"summary_text\",\"text\":\"" t "\"}"

    genai_str_t    s;
    genai_part_t  *part;

    same(R(S("one") "," S("t\\u0077o"), "gAAA"),
         "{\"model\":\"m\",\"input\":[{\"type\":\"message\",\"role\":"
         "\"user\",\"content\":\"q\"},{\"type\":\"reasoning\",\"summary\":["
         "{\"type\":\"summary_text\",\"text\":\"one\\n\\ntwo\"}],"
         "\"encrypted_content\":\"gAAA\"},{\"type\":\"function_call\","
         "\"call_id\":\"a:b\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":"
         "\"message\",\"role\":\"assistant\",\"content\":[{\"type\":"
         "\"output_text\",\"text\":\"said\"}]}],\"include\":"
         "[\"reasoning.encrypted_content\"],\"store\":false}",
         "thoughts go back in their place (27)");

    part = chat_read.messages->next->parts;
    ok(part->sealed && part->signer == &genai_responses, "sealed by its own");
    part = part->next;
    is_int(genai_value_decode(&chat_read, &part->signature, &s), 0, "signed");
    is_text(s, "sig", "a call's signature is found by its id (26)");

    (void) chat_translate(&genai_responses, &genai_responses,
                          R("", "genai.openai.thought:xyz"));
    part = chat_read.messages->next->parts;
    ok(!part->sealed && part->signer == &genai_openai,
       "a foreign signature is of who made it");
    (void) genai_value_decode(&chat_read, &part->signature, &s);
    is_text(s, "xyz", "without what tells so");
    is_str(chat_dropped(), "thinking", "and does not go to another");

    (void) chat_translate(&genai_responses, &genai_openai,
                          R(S("x"), "genai.nobody.sealed:xyz"));
    ok(chat_read.messages->next->parts->signer == NULL,
       "nobody's goes to nobody");

    to_chat("{\"input\":[{\"type\":\"reasoning\",\"id\":\"rs\",\"summary\":"
            "[]},{\"role\":\"user\",\"content\":\"x\"}]}",
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
            "\"x\"}]}", "a thought that is only an id");
    is_str(chat_dropped(), "reasoning item", "is dropped");

    to_chat("{\"input\":\"x\",\"reasoning\":{\"effort\":\"high\","
            "\"summary\":\"auto\"}}",
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
            "\"x\"}],\"reasoning_effort\":\"high\"}", "an effort (22)");
    is_int(chat_read.show_thoughts, 1, "and a summary");

    of_chat("{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
            "\"reasoning_effort\":\"low\"}",
            "{\"model\":\"m\",\"input\":[{\"type\":\"message\",\"role\":"
            "\"user\",\"content\":\"x\"}],\"reasoning\":{\"effort\":\"low\"},"
            "\"include\":[\"reasoning.encrypted_content\"],\"store\":false}",
            "and back");
}


static void
test_options(void)
{
    same("{\"input\":\"x\",\"text\":{\"verbosity\":\"low\",\"format\":"
         "{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{\"a\":1.0},"
         "\"strict\":true}},\"temperature\":1.50,\"top_p\":1,\"user\":\"u\","
         "\"metadata\":{\"a\":\"b\"},\"prompt_cache_key\":\"k\","
         "\"safety_identifier\":\"s\",\"max_output_tokens\":100,"
         "\"store\":true,\"stream\":true,\"top_logprobs\":2,"
         "\"truncation\":\"auto\",\"client_metadata\":{},\"background\":"
         "false,\"previous_response_id\":null}",
         "{\"model\":\"m\",\"text\":{\"format\":{\"type\":\"json_schema\","
         "\"name\":\"n\",\"schema\":{\"a\":1.0},\"strict\":true},"
         "\"verbosity\":\"low\"},\"input\":[{\"type\":\"message\",\"role\":"
         "\"user\",\"content\":\"x\"}],\"include\":"
         "[\"reasoning.encrypted_content\"],\"max_output_tokens\":100,"
         "\"temperature\":1.50,\"top_p\":1,\"user\":\"u\",\"metadata\":"
         "{\"a\":\"b\"},\"prompt_cache_key\":\"k\",\"safety_identifier\":"
         "\"s\",\"store\":false,\"stream\":true}", "options");
    is_str(chat_dropped(), "store,top_logprobs,truncation,client_metadata",
           "and what has gone");

    to_chat("{\"input\":\"x\",\"text\":{\"format\":{\"type\":"
            "\"json_schema\",\"name\":\"n\",\"schema\":{}}}}",
            "{\"model\":\"m\",\"response_format\":{\"type\":\"json_schema\","
            "\"json_schema\":{\"name\":\"n\",\"schema\":{}}},\"messages\":["
            "{\"role\":\"user\",\"content\":\"x\"}]}", "a schema (18)");

    of_chat("{\"messages\":[{\"role\":\"user\",\"name\":\"bob\",\"content\":"
            "\"x\"}],\"response_format\":{\"type\":\"json_object\"},"
            "\"seed\":1,\"logit_bias\":{},\"top_k\":3,\"logprobs\":true}",
            "{\"model\":\"m\",\"text\":{\"format\":{\"type\":\"json_object\"}"
            "},\"input\":[{\"type\":\"message\",\"role\":\"user\","
            "\"content\":\"x\"}],\"include\":"
            "[\"reasoning.encrypted_content\"],\"store\":false}",
            "what it has no word for");
    is_str(chat_dropped(), "name,top_k,seed,logit_bias,logprobs",
           "is dropped by name (33, 34)");
}


static void
test_refused(void)
{
    size_t  i;

    static const struct {
        const char  *text;
        const char  *why;
    } cases[] = {
        { "{}", "input must have at least one item" },
        { "{\"input\":7}", "input must be a string" },
        { "{\"input\":[7]}", "must have a type" },
        { "{\"input\":\"x\",\"previous_response_id\":\"r\"}",
          "send the whole input" },
        { "{\"input\":\"x\",\"conversation\":\"c\"}",
          "send the whole input" },
        { "{\"input\":\"x\",\"background\":true}", "background" },
        { "{\"input\":\"x\",\"prompt\":{\"id\":\"p\"}}", "template" },
        { "{\"input\":[{\"type\":\"item_reference\",\"id\":\"x\"}]}",
          "item_reference" },
        { "{\"input\":[{\"type\":\"local_shell_call\"}]}",
          "\"local_shell_call\" cannot" },
        { "{\"input\":[{\"type\":\"compaction\",\"encrypted_content\":"
          "\"x\"}]}", "\"compaction\" cannot" },
        { "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"new\"}]}"
          "]}", "\"new\" cannot" },
        { "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":"
          "\"input_image\",\"file_id\":\"f\"}]}]}", "another provider keeps" },
        { "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":"
          "\"input_image\",\"image_url\":\"data:image/png;base64,!\"}]}]}",
          "not base64" },
        { "{\"input\":[{\"role\":\"robot\",\"content\":\"x\"}]}", "role" },
        { "{\"input\":[{\"type\":\"function_call\",\"name\":\"f\"}]}",
          "call_id" },
        { "{\"input\":\"x\",\"instructions\":[]}", "instructions" },
        { "{\"input\":\"x\",\"reasoning\":{\"effort\":\"huge\"}}", "effort" },
        { "{\"input\":\"x\",\"text\":{\"format\":{\"type\":\"grammar\"}}}",
          "text.format" },
        { "{\"input\":\"x\",\"tool_choice\":{\"type\":\"web_search\"}}",
          "tool_choice" },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ok(strstr(chat_translate(&genai_responses, &genai_openai,
                                 cases[i].text), cases[i].why) != NULL,
           "refused: %s: %s", cases[i].text, chat_read.error);
    }

    ok(strstr(chat_translate(&genai_openai, &genai_responses,
                             "{\"messages\":[{\"role\":\"user\",\"content\":"
                             "\"x\"}],\"stop\":\"a\"}"), "stop"),
       "stop sequences are refused");
    ok(strstr(chat_translate(&genai_openai, &genai_responses,
                             "{\"messages\":[{\"role\":\"user\",\"content\":"
                             "\"x\"}],\"n\":2}"), "one answer"),
       "and so is more than one answer");

    to_chat("{\"input\":[{\"type\":\"web_search_call\",\"id\":\"ws\"},"
            "{\"role\":\"user\",\"content\":\"x\"}]}",
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
            "\"x\"}]}", "what a provider's own tool has left");
    is_str(chat_dropped(), "server tools", "is dropped");
}


int
main(void)
{
    test_texts();
    test_tools();
    test_thoughts();
    test_options();
    test_refused();

    genai_arena_destroy(&chat_arena);

    return done_testing();
}
