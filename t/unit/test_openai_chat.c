/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * OpenAI's chat requests to the middle of a translation and back.
 */


#include "chat.h"


static void
same(const char *text, const char *want, const char *name)
{
    is_str(chat_translate(&genai_openai, &genai_openai, text), want, "%s",
           name);
}


static void
test_texts(void)
{
    same("{\"messages\":[{\"role\":\"user\",\"content\":\"a\\u00e9\\n\"}]}",
         "{\"model\":\"m\",\"messages\":[{\"role\":\"user\","
         "\"content\":\"a\\u00e9\\n\"}]}",
         "a text keeps its escapes");

    same("{\"messages\":[{\"role\":\"developer\",\"content\":[{\"type\":"
         "\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]},"
         "{\"role\":\"assistant\",\"content\":null},"
         "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"c\"}]"
         "}]}",
         "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":"
         "\"a\\n\\nb\"},{\"role\":\"user\",\"content\":\"c\"}]}",
         "instructions are one text, and who says nothing is left out");

    same("{\"messages\":[{\"role\":\"user\",\"name\":\"bob\",\"content\":["
         "{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{\"type\":"
         "\"ephemeral\"}},"
         "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/gif;"
         "charset=x;base64,R0lGODlh\",\"detail\":\"low\"}},"
         "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://a/b\"}},"
         "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\","
         "\"format\":\"mp3\"}},"
         "{\"type\":\"file\",\"file\":{\"filename\":\"x.pdf\",\"file_data\":"
         "\"data:application/pdf;base64,JVBERi0=\"}}]}]}",
         "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"name\":\"bob\","
         "\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
         "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/gif;"
         "base64,R0lGODlh\",\"detail\":\"low\"}},"
         "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://a/b\"}},"
         "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\","
         "\"format\":\"mp3\"}},"
         "{\"type\":\"file\",\"file\":{\"filename\":\"x.pdf\",\"file_data\":"
         "\"data:application/pdf;base64,JVBERi0=\"}}]}]}",
         "parts of all kinds");
    is_int(chat_read.messages->parts->cache, GENAI_CACHE_5M,
           "a mark of a cache is read");
    is_int(chat_read.messages->parts->next->source, GENAI_SOURCE_DATA,
           "a data URL is taken apart");
}


static void
test_tools(void)
{
    same("{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
         "\"description\":\"d\",\"parameters\":{ \"type\" : \"object\" },"
         "\"strict\":true}},{\"type\":\"function\",\"function\":{\"name\":"
         "\"g\"}},{\"type\":\"custom\",\"custom\":{\"name\":\"h\"}},"
         "{\"type\":\"web_search\"}],\"tool_choice\":{\"type\":\"function\","
         "\"function\":{\"name\":\"f\"}},\"parallel_tool_calls\":false,"
         "\"messages\":[{\"role\":\"assistant\",\"content\":\"\","
         "\"tool_calls\":"
         "[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
         "\"arguments\":\"{\\\"a\\\": 1}\"}},{\"id\":\"2\",\"type\":\"custom\","
         "\"custom\":{\"name\":\"h\",\"input\":\"x\"}}]},"
         "{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"one\"},"
         "{\"role\":\"tool\",\"tool_call_id\":\"2\",\"content\":[{\"type\":"
         "\"text\",\"text\":\"two\"},{\"type\":\"text\",\"text\":\"2\"}]},"
         "{\"role\":\"user\",\"content\":\"and?\"}]}",
         "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"function\":"
         "{\"name\":\"f\",\"description\":\"d\",\"parameters\":{ \"type\" : "
         "\"object\" },\"strict\":true}},{\"type\":\"function\",\"function\":"
         "{\"name\":\"g\",\"parameters\":{\"type\":\"object\",\"properties\":"
         "{}}}},{\"type\":\"custom\",\"custom\":{\"name\":\"h\"}}],"
         "\"tool_choice\":{\"type\":\"function\","
         "\"function\":{\"name\":\"f\"}},"
         "\"parallel_tool_calls\":false,\"messages\":[{\"role\":\"assistant\","
         "\"content\":\"\",\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\","
         "\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\": 1}\"}},"
         "{\"id\":\"2\",\"type\":\"custom\",\"custom\":{\"name\":\"h\","
         "\"input\":\"x\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"1\","
         "\"content\":\"one\"},{\"role\":\"tool\",\"tool_call_id\":\"2\","
         "\"content\":\"two\\n2\"},{\"role\":\"user\",\"content\":\"and?\"}]}",
         "tools, calls and results");
    is_str(chat_dropped(), "server tools", "one tool has gone");
    is_int(chat_read.messages->next->parts->next != NULL, 1,
           "results that follow each other are one turn");

    same("{\"tools\":[],\"tool_choice\":\"auto\",\"messages\":[{\"role\":"
         "\"user\",\"content\":\"x\"}]}",
         "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}"
         "]}",
         "no choice without tools");

    same("{\"functions\":[{\"name\":\"f\",\"parameters\":{}}],"
         "\"function_call\":\"auto\",\"messages\":[{\"role\":\"assistant\","
         "\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
         "{\"role\":\"function\",\"name\":\"f\",\"content\":\"r\"}]}",
         "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"function\":"
         "{\"name\":\"f\",\"parameters\":{}}}],\"tool_choice\":\"auto\","
         "\"messages\":[{\"role\":\"assistant\",\"content\":null,"
         "\"tool_calls\":[{\"id\":\"f\",\"type\":\"function\",\"function\":"
         "{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\","
         "\"tool_call_id\":\"f\",\"content\":\"r\"}]}",
         "functions, as they were before tools");
}


static void
test_options(void)
{
    chat_target.max_output = 50;

    same("{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
         "\"max_tokens\":9,\"max_completion_tokens\":100,\"stop\":\"a\","
         "\"temperature\":0.70,\"top_k\":3,\"seed\":1e1,\"n\":2,"
         "\"reasoning_effort\":\"high\",\"stream\":true,\"user\":\"u\","
         "\"unknown\":1,\"logprobs\":null,"
         "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
         "{\"name\":\"s\",\"schema\":{\"b\":1,\"a\":2},\"strict\":true}}}",
         "{\"model\":\"m\",\"response_format\":{\"type\":\"json_schema\","
         "\"json_schema\":{\"name\":\"s\",\"schema\":{\"b\":1,\"a\":2},"
         "\"strict\":true}},\"messages\":[{\"role\":\"user\",\"content\":\"x\"}"
         "],\"reasoning_effort\":\"high\",\"max_tokens\":50,\"stop\":[\"a\"],"
         "\"temperature\":0.70,\"seed\":1e1,\"user\":\"u\",\"n\":2,"
         "\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
         "options as they were written");
    is_str(chat_dropped(), "unknown,top_k", "what is dropped has a name");
    is_int(chat_read.max_output, 100, "the newer cap counts");

    chat_target.max_output = -1;
}


static void
test_thoughts(void)
{
    genai_part_t  *part;

    (void) chat_translate(&genai_openai, &genai_openai,
        "{\"messages\":[{\"role\":\"assistant\",\"content\":\"c\","
        "\"reasoning_content\":\"t\"},{\"role\":\"assistant\","
        "\"content\":\"c\","
        "\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"t\","
        "\"signature\":\"s\",\"format\":\"anthropic-claude-v1\"},{\"type\":"
        "\"reasoning.encrypted\",\"data\":\"d\",\"format\":\"anthropic\"}]}]}");

    part = chat_read.messages->parts;
    is_int(part->kind, GENAI_PART_REASONING, "a thought");
    is_int(part->signature.kind, GENAI_VALUE_NONE, "nobody has signed it");

    part = chat_read.messages->next->parts;
    ok(genai_value_is(&chat_read, &part->text, "t")
       && genai_value_is(&chat_read, &part->signature, "s") && !part->sealed,
       "a signed one");
    part = part->next;
    ok(part->sealed && genai_value_is(&chat_read, &part->signature, "d"),
       "a sealed one");
    is_str(chat_dropped(), "thinking", "another provider does not get them");
}


static void
test_refused(void)
{
    same("[]", "the request must be an object", "no object");
    same("{}", "messages must have at least one", "no messages");
    same("{\"messages\":[{}]}", "each message must have a role", "no role");
    same("{\"messages\":[{\"role\":\"x\"}]}", "a message's role must be "
         "system, developer, user, assistant or tool", "another role");
    same("{\"messages\":[{\"role\":\"user\",\"content\":1}]}", "a message's "
         "content must be a string or a list of parts", "another content");
    same("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"q\"}]}]}",
         "a part of type \"q\" cannot be sent to a provider of another API",
         "another part");
    same("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
         "\"image_url\",\"image_url\":{\"url\":\"data:image/png,xx\"}}]}]}",
         "a data URL is not base64", "a damaged image");
    same("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
         "\"image_url\",\"image_url\":{\"url\":\"data:a;base64,x x\"}}]}]}",
         "a data URL is not base64", "bytes that are no base64");
    same("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\","
         "\"file\":{\"file_id\":\"f\"}}]}]}", "a file that another provider "
         "keeps cannot be sent: send its file_data", "a file's id");
    same("{\"modalities\":[\"text\",\"audio\"],\"messages\":[]}", "answers in "
         "sound cannot be had from a provider of another API", "sound");
    same("{\"mess\\u0061ges\":[]}", "the name \"mess\\u0061ges\" has escapes, "
         "which a request to another provider cannot be made of",
         "a name with escapes");
    same("{\"messages\":[{\"role\":\"user\",\"content\":\"\"}],\"stop\":[\"1\","
         "\"2\",\"3\",\"4\",\"5\"]}", "this model's provider takes no more "
         "than 4 stop sequences", "more than it takes");
}


static void
test_values(void)
{
    genai_str_t           s;
    genai_value_t         v;
    genai_writer_t        w;
    genai_writer_arena_t  out;

    static const struct {
        const char  *text;
        const char  *want;
    } cases[] = {
        { "{\"a\": 1}", "{\"a\": 1}" }, { " {} ", " {} " }, { "", "{}" },
        { "[1]", "{}" }, { "{\"a\":", "{}" }, { "null", "{}" }, { "x", "{}" }
    };
    size_t  i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        memset(&out, 0, sizeof(out));
        out.arena = &chat_arena;
        s.data = (unsigned char *) cases[i].text;
        s.len = strlen(cases[i].text);
        v = genai_value_text(&s);

        genai_writer_init(&w, genai_writer_arena, &out);
        genai_value_write_object(&chat_read, &v, &w);
        (void) genai_writer_flush(&w);

        is_text(out.text, cases[i].want, "arguments '%s'", cases[i].text);
    }

    for (i = GENAI_EFFORT_NONE; i <= GENAI_EFFORT_DYNAMIC; i++) {
        s.data = (unsigned char *) genai_effort_name(i);
        s.len = strlen((char *) s.data);
        is_int(genai_effort_by_name(&s), i, "effort %s", s.data);
    }

    is_int(genai_effort_of_tokens(0), GENAI_EFFORT_NONE, "no tokens");
    is_int(genai_effort_of_tokens(8192), GENAI_EFFORT_MEDIUM, "8,192");
    is_int(genai_effort_of_tokens(99999), GENAI_EFFORT_XHIGH, "99,999");

    for (i = 0; i < GENAI_CHAT_DROPPED_MAX + 3; i++) {
        static char  names[64][4];

        (void) snprintf(names[i], 4, "%u", (unsigned) i);
        genai_chat_drop(&chat_read, names[i], strlen(names[i]));
    }

    is_text(chat_read.dropped[GENAI_CHAT_DROPPED_MAX - 1], "...",
            "more than are told");
}


int
main(void)
{
    genai_arena_init(&chat_arena, 1 << 20);

    test_texts();
    test_tools();
    test_options();
    test_thoughts();
    test_refused();
    test_values();

    genai_arena_destroy(&chat_arena);

    return done_testing();
}
