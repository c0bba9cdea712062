/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * OpenAI's requests: what is told of every shape, what is refused and with
 * which words, and the edits that the dialect makes.
 */


#include "request.h"


typedef struct {
    genai_endpoint_e   endpoint;
    const char        *text;
    const char        *told;        /* the segments, or the error */
} case_t;


#define C  GENAI_ENDPOINT_CHAT
#define P  GENAI_ENDPOINT_COMPLETIONS
#define E  GENAI_ENDPOINT_EMBEDDINGS
#define O  GENAI_ENDPOINT_MODERATIONS
#define R  GENAI_ENDPOINT_RERANK
#define I  GENAI_ENDPOINT_IMAGES
#define A  GENAI_ENDPOINT_AUDIO

/* one message, and its content */
#define M(m)  "{\"model\":\"m\",\"messages\":[" m "]}"
#define U(c)  M("{\"role\":\"user\",\"content\":" c "}")


static const case_t  shapes[] = {

    /* contents */

    { C, "{}", "" },
    { C, M(""), "" },
    { C, M("{}"), "" },
    { C, U("\"hi\""), "text user 0.0 hi\n" },
    { C, U("\"\""), "text user 0.0 \n" },
    { C, U("\"\\u0000\\n\""), "text user 0.0 \\u0000\\n\n" },
    { C, U("null"), "" },
    { C, U("[]"), "" },
    { C, U("7"), "uncovered user 0.0 7\n" },
    { C, U("true"), "uncovered user 0.0 true\n" },
    { C, U("{\"text\":\"x\"}"), "uncovered user 0.0 {\"text\":\"x\"}\n" },
    { C, U("[\"a\",\"b\"]"), "text user 0.0 a\ntext user 0.1 b\n" },
    { C, U("[null,7]"), "uncovered user 0.1 7\n" },
    { C, U("[[\"a\"]]"), "uncovered user 0.0 [\"a\"]\n" },

    /* roles, wherever they stand */

    { C, M("{\"content\":\"a\",\"role\":\"system\"},"
           "{\"role\":\"developer\",\"content\":\"b\"},"
           "{\"content\":[{\"text\":\"c\",\"type\":\"text\"}],"
           "\"role\":\"tool\"},"
           "{\"content\":\"d\",\"name\":\"f\",\"role\":\"function\"},"
           "{\"content\":\"e\"},{\"role\":\"User\",\"content\":\"f\"},"
           "{\"role\":\"as\\u0073istant\",\"content\":\"g\"}"),
      "text system 0.0 a\ntext developer 1.0 b\nresult tool 2.0 c\n"
      "result tool 3.0 d\nname tool 3.0 f\ntext other 4.0 e\n"
      "text other 5.0 f\ntext assistant 6.0 g\n" },

    /* parts */

    { C, U("[{\"type\":\"text\",\"text\":\"a\"},"
           "{\"text\":\"b\",\"type\":\"input_text\"},"
           "{\"type\":\"output_text\",\"text\":\"c\",\"annotations\":[1]},"
           "{\"text\":\"d\"},{\"type\":\"text\"},"
           "{\"type\":\"text\",\"text\":null},"
           "{\"type\":\"text\",\"text\":[\"e\"]}]"),
      "text user 0.0 a\ntext user 0.1 b\ntext user 0.2 c\ntext user 0.3 d\n"
      "uncovered user 0.6 [\"e\"]\n" },
    { C, U("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"u\"}},"
           "{\"type\":\"image_url\",\"image_url\":\"u\"},"
           "{\"type\":\"input_image\",\"image_url\":\"u\"},"
           "{\"image_url\":\"u\"}]"),
      "image user 0.0 {\"type\":\"image_url\",\"image_url\":{\"url\":\"u\"}}\n"
      "image user 0.1 {\"type\":\"image_url\",\"image_url\":\"u\"}\n"
      "image user 0.2 {\"type\":\"input_image\",\"image_url\":\"u\"}\n"
      "image user 0.3 u\n" },
    { C, U("[{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"\"}},"
           "{\"type\":\"file\",\"file\":{\"file_id\":\"f\"}},"
           "{\"type\":\"video_url\",\"video_url\":{}}]"),
      "audio user 0.0 {\"type\":\"input_audio\",\"input_audio\":"
      "{\"data\":\"\"}}\n"
      "file user 0.1 {\"type\":\"file\",\"file\":{\"file_id\":\"f\"}}\n"
      "uncovered user 0.2 {\"type\":\"video_url\",\"video_url\":{}}\n" },
    { C, U("[{\"type\":\"new\",\"text\":\"a\"},{\"type\":7},{},"
           "{\"file\":null},{\"type\":\"image_url\",\"text\":\"b\"}]"),
      "uncovered user 0.0 {\"type\":\"new\",\"text\":\"a\"}\n"
      "text user 0.0 a\nuncovered user 0.1 {\"type\":7}\n"
      "uncovered user 0.2 {}\nuncovered user 0.3 {\"file\":null}\n"
      "image user 0.4 {\"type\":\"image_url\",\"text\":\"b\"}\n"
      "text user 0.4 b\n" },
    { C, M("{\"role\":\"assistant\",\"content\":["
           "{\"type\":\"refusal\",\"refusal\":\"no\"},"
           "{\"type\":\"thinking\",\"thinking\":\"a\",\"signature\":\"s\"},"
           "{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\","
           "\"text\":\"b\"},{\"type\":\"reference\",\"reference_ids\":[1]},"
           "\"c\",7]},{\"type\":\"reasoning\",\"summary\":[{\"type\":"
           "\"summary_text\",\"text\":\"d\"}],\"text\":\"e\"},"
           "{\"type\":\"redacted_thinking\",\"data\":\"x\"}]}"),
      "refusal assistant 0.0 no\nreasoning assistant 0.1 a\n"
      "reasoning assistant 0.2 b\nuncovered assistant 0.2 "
      "{\"type\":\"reference\",\"reference_ids\":[1]}\n"
      "reasoning assistant 0.2 c\nuncovered assistant 0.2 7\n"
      "reasoning assistant 0.3 d\nreasoning assistant 0.3 e\n" },
    { C, U("[{\"type\":\"tool_result\",\"content\":[{\"type\":\"text\","
           "\"text\":\"a\"},{\"type\":\"image\",\"source\":{}}]},"
           "{\"type\":\"tool_result\",\"content\":\"b\"},\"c\"]"),
      "result user 0.0 a\nimage user 0.0 {\"type\":\"image\",\"source\":{}}\n"
      "result user 0.1 b\ntext user 0.2 c\n" },

    { C, M("{\"content\":[\"a\",{\"type\":\"image_url\"}],\"name\":\"n\","
           "\"images\":\"u\",\"tool_calls\":[0,{\"function\":{\"name\":"
           "\"f\"}}],\"reasoning_details\":[0,0],\"refusal\":\"r\"}"),
      "text other 0.0 a\nimage other 0.1 {\"type\":\"image_url\"}\n"
      "name other 0.0 n\nimage other 0.0 u\nuncovered other 0.0 0\n"
      "call_name other 0.1 f\nuncovered other 0.0 0\n"
      "uncovered other 0.1 0\nrefusal other 0.0 r\n" },

    /* what an assistant said before */

    { C, M("{\"role\":\"assistant\",\"content\":null,\"refusal\":\"r\","
           "\"name\":\"n\",\"audio\":{\"id\":\"a\"},"
           "\"reasoning_content\":\"c\",\"reasoning\":\"d\","
           "\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"e\","
           "\"signature\":\"s\"},{\"type\":\"reasoning.summary\","
           "\"summary\":\"f\"},{\"type\":\"reasoning.encrypted\","
           "\"data\":\"x\"},{\"type\":\"odd\"},8]}"),
      "refusal assistant 0.0 r\nname assistant 0.0 n\n"
      "reasoning assistant 0.0 c\nreasoning assistant 0.0 d\n"
      "reasoning assistant 0.0 e\nreasoning assistant 0.1 f\n"
      "uncovered assistant 0.3 {\"type\":\"odd\"}\n"
      "uncovered assistant 0.4 8\n" },
    { C, M("{\"role\":\"assistant\",\"reasoning_content\":null,"
           "\"refusal\":null,\"name\":7,\"reasoning\":{\"a\":1},"
           "\"reasoning_details\":\"x\",\"images\":[1]}"),
      "uncovered assistant 0.0 7\nuncovered assistant 0.0 {\"a\":1}\n"
      "uncovered assistant 0.0 x\nimage assistant 0.0 [1]\n" },
    { C, M("{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"i\",\"type\":"
           "\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
           "\"{\\\"a\\\":1}\"}},{\"function\":{\"arguments\":{\"b\":2},"
           "\"name\":\"g\"}},{\"type\":\"custom\",\"custom\":{\"name\":\"h\","
           "\"input\":\"i\"}},null,7,{\"function\":8},"
           "{\"function\":{\"name\":null,\"arguments\":null}}],"
           "\"content\":\"t\"},{\"role\":\"assistant\",\"function_call\":"
           "{\"name\":\"f\",\"arguments\":\"\"},\"tool_calls\":null}"),
      "call_name assistant 0.0 f\narguments assistant 0.0 {\\\"a\\\":1}\n"
      "arguments assistant 0.1 {\"b\":2} JSON\ncall_name assistant 0.1 g\n"
      "call_name assistant 0.2 h\narguments assistant 0.2 i\n"
      "uncovered assistant 0.4 7\nuncovered assistant 0.5 8\n"
      "text assistant 0.0 t\n"
      "call_name assistant 1.0 f\narguments assistant 1.0 \n" },
    { C, M("{\"role\":\"tool\",\"tool_call_id\":\"i\",\"name\":\"n\","
           "\"content\":[{\"type\":\"text\",\"text\":\"a\"},\"b\"]}"),
      "name tool 0.0 n\nresult tool 0.0 a\nresult tool 0.1 b\n" },

    /* of the request */

    { C, "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
         "\"description\":\"d\",\"parameters\":{\"a\":1,\"a\":2},"
         "\"strict\":true}},{\"type\":\"custom\",\"custom\":{\"name\":\"c\","
         "\"description\":\"e\",\"format\":{\"type\":\"text\"}}},"
         "{\"type\":\"web_search\"},{\"name\":\"flat\",\"parameters\":null},"
         "7],\"functions\":[{\"name\":\"g\",\"parameters\":{}}],"
         "\"tool_choice\":\"auto\"}",
      "tool_name none 0.0 f\ntool_description none 0.0 d\n"
      "tool_schema none 0.0 {\"a\":1,\"a\":2} JSON\ntool_name none 1.0 c\n"
      "tool_description none 1.0 e\n"
      "tool_schema none 1.0 {\"type\":\"text\"} JSON\n"
      "uncovered none 2.0 {\"type\":\"web_search\"}\n"
      "tool_name none 3.0 flat\nuncovered none 4.0 7\n"
      "tool_name none 0.0 g\ntool_schema none 0.0 {} JSON\n" },
    { C, "{\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
         "{\"name\":\"n\",\"description\":\"d\",\"schema\":{\"x\":[]}}}}",
      "format none 0.0 n\nformat none 0.0 d\n"
      "format none 0.0 {\"x\":[]} JSON\n" },
    { C, "{\"response_format\":{\"type\":\"text\"}}", "" },
    { C, "{\"response_format\":\"json\",\"tools\":null,\"prediction\":null}",
      "" },
    { C, "{\"prediction\":{\"type\":\"content\",\"content\":\"p\"},"
         "\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}",
      "prediction none 0.0 p\ntext user 0.0 q\n" },
    { C, "{\"prediction\":{\"content\":[{\"type\":\"text\",\"text\":\"p\"},"
         "{\"type\":\"text\",\"text\":\"q\"}]}}",
      "prediction none 0.0 p\nprediction none 0.1 q\n" },
    { C, "{\"prediction\":null,\"messages\":[{\"content\":\"a\"}]}",
      "text other 0.0 a\n" },
    { C, "{\"prediction\":\"p\",\"messages\":[{\"content\":[\"a\"]}]}",
      "uncovered none 0.0 p\ntext other 0.0 a\n" },
    { C, "{\"tools\":[0,0],\"prompt\":[\"a\",\"b\"],"
         "\"response_format\":{\"schema\":0}}",
      "uncovered none 0.0 0\nuncovered none 1.0 0\nprompt none 0.0 a\n"
      "prompt none 1.0 b\nformat none 0.0 0 JSON\n" },
    { C, "{\"messages\":[{\"tool_calls\":[0,0],\"content\":\"a\"}]}",
      "uncovered other 0.0 0\nuncovered other 0.1 0\ntext other 0.0 a\n" },
    { C, "{\"documents\":[1],\"chat_template\":\"t\",\"metadata\":{\"a\":1}}",
      "uncovered none 0.0 [1]\nuncovered none 0.0 t\n" },

    /* members that nobody knows, where a model reads */

    { C, M("{\"role\":\"user\",\"content\":\"a\",\"x\":\"b\",\"y\":[1],"
           "\"z\":{\"a\":1},\"n\":1,\"t\":true,\"u\":null,\"v\":\"\","
           "\"w\":[],\"Id\":\"c\"}"),
      "text user 0.0 a\nuncovered user 0.0 b\nuncovered user 0.0 [1]\n"
      "uncovered user 0.0 {\"a\":1}\nuncovered user 0.0 c\n" },
    { C, M("{\"role\":\"assistant\",\"thinking\":\"t\",\"id\":\"i\","
           "\"finish_reason\":\"stop\",\"annotations\":[{}],"
           "\"cache_control\":{\"type\":\"ephemeral\"},\"status\":\"s\"}"),
      "reasoning assistant 0.0 t\n" },
    { C, M("{\"role\":\"developer\",\"tools\":[{\"name\":\"f\"}]}"),
      "uncovered developer 0.0 [{\"name\":\"f\"}]\n" },
    { C, M("{\"role\":\"assistant\",\"audio\":{\"id\":\"a\",\"expires_at\":1,"
           "\"data\":\"d\",\"transcript\":\"t\",\"x\":\"y\"}}"),
      "audio assistant 0.0 d\ntext assistant 0.0 t\n"
      "uncovered assistant 0.0 y\n" },
    { C, U("[{\"type\":\"text\",\"text\":\"a\",\"caption\":\"b\","
           "\"cache_control\":{\"type\":\"c\"},\"data\":\"d\"},"
           "{\"type\":\"image_url\",\"image_url\":\"u\",\"alt\":\"e\"},"
           "{\"type\":\"odd\",\"alt\":\"f\"}]"),
      "text user 0.0 a\nuncovered user 0.0 b\nuncovered user 0.0 d\n"
      "image user 0.1 {\"type\":\"image_url\",\"image_url\":\"u\","
      "\"alt\":\"e\"}\nuncovered user 0.1 e\n"
      "uncovered user 0.2 {\"type\":\"odd\",\"alt\":\"f\"}\n" },
    { C, U("[{\"type\":\"document\",\"source\":{},\"title\":\"t\"}]"),
      "file user 0.0 {\"type\":\"document\",\"source\":{},"
      "\"title\":\"t\"}\ntext user 0.0 t\n" },
    { C, U("[{\"type\":\"tool_result\",\"tool_use_id\":\"i\",\"content\":["
           "{\"type\":\"tool_result\",\"content\":[{\"type\":\"text\","
           "\"text\":\"a\"}]},{\"type\":\"image\",\"source\":{},"
           "\"alt\":\"b\"}],\"x\":\"y\"}]"),
      "uncovered user 0.0 [{\"type\":\"text\",\"text\":\"a\"}]\n"
      "image user 0.0 {\"type\":\"image\",\"source\":{},\"alt\":\"b\"}\n"
      "uncovered user 0.0 b\nuncovered user 0.0 y\n" },
    { C, M("{\"tool_calls\":[{\"id\":\"i\",\"index\":0,\"x\":\"a\","
           "\"function\":{\"name\":\"f\",\"y\":\"b\"}},{\"name\":\"g\","
           "\"arguments\":\"c\"}],\"reasoning_details\":[{\"type\":"
           "\"reasoning.text\",\"data\":\"d\",\"format\":\"f\"}]}"),
      "uncovered other 0.0 a\ncall_name other 0.0 f\n"
      "uncovered other 0.0 b\ncall_name other 0.1 g\n"
      "arguments other 0.1 c\nuncovered other 0.0 d\n" },
    { C, "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
         "\"strict\":true,\"examples\":[\"a\"]},\"x\":\"b\"},"
         "{\"type\":\"odd\",\"x\":\"c\"},{\"name\":\"g\",\"x\":\"d\"}]}",
      "tool_name none 0.0 f\nuncovered none 0.0 [\"a\"]\n"
      "uncovered none 0.0 b\nuncovered none 1.0 {\"type\":\"odd\","
      "\"x\":\"c\"}\ntool_name none 2.0 g\nuncovered none 2.0 d\n" },
    { C, "{\"response_format\":{\"type\":\"grammar\",\"grammar\":\"g\"},"
         "\"prediction\":{\"type\":\"content\",\"x\":\"y\"}}",
      "uncovered none 0.0 g\nuncovered none 0.0 y\n" },
    { C, "{\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":"
         "\"f\"}},\"function_call\":{\"name\":\"f\"}}", "" },
    { C, "{\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":"
         "{\"mode\":\"auto\",\"tools\":[{\"type\":\"function\",\"function\":"
         "{\"name\":\"f\",\"description\":\"a\"}}]}},\"function_call\":[1]}",
      "uncovered none 0.0 a\nuncovered none 0.0 [1]\n" },
    { C, "{\"system\":\"a\",\"instructions\":\"b\",\"plugins\":[1],"
         "\"web_search_options\":{},\"data_sources\":[2],\"guided_json\":{},"
         "\"guided_regex\":\"c\",\"guided_choice\":[3],\"guided_grammar\":"
         "\"d\",\"structured_outputs\":{\"a\":1},\"grammar\":\"e\"}",
      "uncovered none 0.0 a\nuncovered none 0.0 b\nuncovered none 0.0 [1]\n"
      "uncovered none 0.0 {}\nuncovered none 0.0 [2]\n"
      "uncovered none 0.0 {}\nuncovered none 0.0 c\n"
      "uncovered none 0.0 [3]\nuncovered none 0.0 d\n"
      "uncovered none 0.0 {\"a\":1}\nuncovered none 0.0 e\n" },
    { C, "{\"chat_template_kwargs\":{\"enable_thinking\":false,\"x\":\"a\"},"
         "\"user\":\"u\",\"stop\":[\"s\"],\"reasoning_effort\":\"low\"}",
      "uncovered none 0.0 a\n" },
    { P, "{\"system\":\"a\"}", "uncovered none 0.0 a\n" },
    { E, "{\"instructions\":\"a\"}", "uncovered none 0.0 a\n" },

    /* prompts and inputs */

    { P, "{\"prompt\":\"a\",\"suffix\":\"b\",\"echo\":true}",
      "prompt none 0.0 a\nsuffix none 0.0 b\n" },
    { P, "{\"prompt\":[\"a\",\"b\"]}",
      "prompt none 0.0 a\nprompt none 1.0 b\n" },
    { P, "{\"prompt\":[1,2,3]}", "tokens none 0.0 [1,2,3]\n" },
    { P, "{\"prompt\":[[1,2],[3]]}",
      "tokens none 0.0 [1,2]\ntokens none 1.0 [3]\n" },
    { P, "{\"prompt\":null,\"suffix\":null}", "" },
    { P, "{\"prompt\":[],\"suffix\":7}", "uncovered none 0.0 7\n" },
    { P, "{\"prompt\":7}", "uncovered none 0.0 7\n" },
    { P, "{\"prompt\":{\"a\":1}}", "uncovered none 0.0 {\"a\":1}\n" },
    { P, "{\"prompt\":[1,\"a\",[2,\"b\"]]}",
      "tokens none 0.0 [1,\"a\",[2,\"b\"]]\nuncovered none 0.0 a\n"
      "uncovered none 0.0 [2,\"b\"]\n" },
    { P, "{\"prompt\":[\"a\",1,[2,\"b\"],{}]}",
      "prompt none 0.0 a\nuncovered none 1.0 1\ntokens none 2.0 [2,\"b\"]\n"
      "uncovered none 2.0 b\nuncovered none 3.0 {}\n" },
    { E, "{\"input\":\"a\"}", "input none 0.0 a\n" },
    { E, "{\"input\":[\"a\",\"b\"]}",
      "input none 0.0 a\ninput none 1.0 b\n" },
    { E, "{\"input\":[[1],[2]]}",
      "tokens none 0.0 [1]\ntokens none 1.0 [2]\n" },
    { O, "{\"model\":\"m\",\"input\":\"a\"}", "input none 0.0 a\n" },
    { O, "{\"input\":[\"a\",null,7,[\"b\"],{\"type\":\"text\",\"text\":\"c\"},"
         "{\"type\":\"image_url\",\"image_url\":{\"url\":\"u\"}},"
         "{\"new\":\"d\"}]}",
      "input none 0.0 a\nuncovered none 1.0 7\n"
      "uncovered none 2.0 [\"b\"]\ninput none 3.0 c\n"
      "image none 4.0 {\"url\":\"u\"}\nuncovered none 5.0 d\n" },
    { R, "{\"query\":\"q\",\"documents\":[\"a\",{\"text\":\"b\","
         "\"title\":\"t\"},{\"image\":\"u\"}],\"top_n\":2,"
         "\"instruction\":\"i\"}",
      "input none 0.0 q\ninput none 1.0 a\ninput none 2.0 b\n"
      "input none 2.0 t\nimage none 3.0 u\nuncovered none 0.0 i\n" },
    { R, "{\"texts\":[\"a\"],\"query\":{\"text\":\"q\"},"
         "\"documents\":\"d\"}",
      "input none 0.0 a\ninput none 1.0 q\ninput none 2.0 d\n" },
    { I, "{\"prompt\":\"p\",\"n\":2,\"size\":\"s\",\"stream\":true,"
         "\"negative_prompt\":\"x\",\"images\":[{\"image_url\":\"u\"}]}",
      "prompt none 0.0 p\nprompt none 0.0 x\n"
      "image none 0.0 [{\"image_url\":\"u\"}]\n" },
    { A, "{\"input\":\"a\",\"voice\":\"v\",\"instructions\":\"b\","
         "\"response_format\":\"mp3\"}",
      "input none 0.0 a\ninput none 0.0 b\n" },
    { E, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "text user 0.0 a\n" },

    /* what passes although it is odd */

    { C, "{\"a\":1e400,\"b\":1234567890123456789012345678901234567890,"
         "\"c\":{\"x\":1,\"x\":2,\"X\":3},\"d\":\"\\u0000\","
         "\"metadata\":{\"model\":\"x\",\"model\":\"y\"}}", "" },
    { C, "{\"n\":null,\"stream\":null,\"stream_options\":null,"
         "\"max_tokens\":null,\"max_completion_tokens\":null}", "" },
    { C, "{\"mode\":1,\"models\":2,\"model \":3,\"stre\\u0061m2\":4}", "" },
    { C, "{\"\":1,\"a\":\"\\u0000\",\"metadata\":{\"\\u0000\":2}}",
      "" },
    { C, "{\"\xc3\xa9\":1,\"\xc3\x89\":2,\"e\xcc\x81\":3}", "" },
    { C, "{\"stream_options\":{\"a\":1,\"b\":2},\"max_tokens\":-1}", "" }
};


#define TWICE  " stands twice in the request, or in another case"
#define MODEL  "\"model\" must be a string of 1 to 256 bytes without control" \
               " characters"
#define ZERO   " has a zero byte in its name"
#define N      "\"n\" must be a whole number from 1 to 1024"
#define WHOLE  " must be a whole number"
#define LARGE  " is too large a number"

static const case_t  refused[] = {
    { C, "[]", "the request body must be an object" },
    { C, "\"a\"", "the request body must be an object" },
    { C, "{\"a\":}",
      "the request body is not valid JSON: a value is expected at byte 5" },
    { C, "", "the request body is not valid JSON: the text is empty at byte"
             " 0" },

    /* names */

    { C, "{\"model\":\"a\",\"model\":\"a\"}", "\"model\"" TWICE },
    { C, "{\"model\":\"a\",\"mod\\u0065l\":\"a\"}", "\"model\"" TWICE },
    { C, "{\"Model\":\"a\"}", "\"model\"" TWICE },
    { P, "{\"MODEL\":\"a\"}", "\"model\"" TWICE },
    { E, "{\"\\u004dodel\":\"a\"}", "\"model\"" TWICE },
    { C, "{\"\xc5\xbftream\":true}", "\"stream\"" TWICE },
    { C, "{\"\\u017fTREAM\":true}", "\"stream\"" TWICE },
    { C, "{\"to\\u212aens\":1,\"toKens\":2}", "\"toKens\"" TWICE },
    { C, "{\"x\":1,\"X\":2}", "\"X\"" TWICE },
    { C, "{\"x\":1,\"y\":2,\"\\u0078\":3}", "\"\\u0078\"" TWICE },
    { C, "{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}",
      "\"\\ud83d\\ude00\"" TWICE },
    { C, "{\"\":1,\"\":2}", "\"\"" TWICE },
    { C, M("{},{\"role\":\"user\",\"role\":\"user\"}"),
      "\"messages.1.role\"" TWICE },
    { C, M("{\"Content\":1}"), "\"messages.0.content\"" TWICE },
    { C, M("{\"a\":1,\"A\":2}"), "\"messages.0.A\"" TWICE },
    { C, U("[{\"type\":\"text\",\"text\":\"a\",\"Text\":\"b\"}]"),
      "\"messages.0.content.0.text\"" TWICE },
    { C, U("[{\"type\":\"odd\",\"type\":\"text\",\"text\":\"b\"}]"),
      "\"messages.0.content.0.type\"" TWICE },
    { C, U("[{\"type\":\"thinking\",\"thinking\":[{\"text\":\"\","
           "\"text\":\"\"}]}]"),
      "\"messages.0.content.0.thinking.0.text\"" TWICE },
    { C, M("{\"tool_calls\":[{\"id\":\"a\",\"Id\":\"b\"}]}"),
      "\"messages.0.tool_calls.0.id\"" TWICE },
    { C, M("{\"tool_calls\":[{\"function\":{\"name\":\"a\",\"NAME\":\"\"}}]}"),
      "\"messages.0.tool_calls.0.function.name\"" TWICE },
    { C, M("{\"function_call\":{\"x\":\"a\",\"x\":\"\"}}"),
      "\"messages.0.function_call.x\"" TWICE },
    { C, M("{\"reasoning_details\":[{\"x\":\"a\",\"x\":\"\"}]}"),
      "\"messages.0.reasoning_details.0.x\"" TWICE },
    { C, "{\"tools\":[{\"type\":\"a\",\"type\":\"a\"}]}",
      "\"tools.0.type\"" TWICE },
    { C, "{\"tools\":[{\"function\":{\"name\":\"a\",\"name\":\"a\"}}]}",
      "\"tools.0.function.name\"" TWICE },
    { C, "{\"functions\":[{\"name\":\"a\",\"name\":\"a\"}]}",
      "\"functions.0.name\"" TWICE },
    { C, "{\"stream_options\":{\"include_usage\":true,"
         "\"Include_Usage\":false}}",
      "\"stream_options.include_usage\"" TWICE },
    { C, "{\"response_format\":{\"type\":1,\"TYPE\":2}}",
      "\"response_format.type\"" TWICE },
    { C, "{\"response_format\":{\"json_schema\":{\"schema\":{},"
         "\"Schema\":{}}}}",
      "\"response_format.json_schema.schema\"" TWICE },
    { C, "{\"prediction\":{\"content\":\"\",\"Content\":\"\"}}",
      "\"prediction.content\"" TWICE },
    { C, "{\"01234567890123456789012345678\xe2\x82\xac" "0\":1,"
         "\"01234567890123456789012345678\xe2\x82\xac" "0\":2}",
      "\"01234567890123456789012345678\xe2\x82\xac\"" TWICE },
    { C, "{\"012345678901234567890123456789\xe2\x82\xac\":1,"
         "\"012345678901234567890123456789\xe2\x82\xac\":2}",
      "\"012345678901234567890123456789\"" TWICE },

    { C, "{\"model\\u0000\":\"a\"}", "\"model\\u0000\"" ZERO },
    { C, "{\"\\u0000\":1}", "\"\\u0000\"" ZERO },
    { C, M("{\"content\\u0000x\":1}"),
      "\"messages.0.content\\u0000x\"" ZERO },
    { C, "{\"tools\":[{\"\\u0000name\":1}]}",
      "\"tools.0.\\u0000name\"" ZERO },
    { C, "{\"stream_options\":{\"x\\u0000\":1}}",
      "\"stream_options.x\\u0000\"" ZERO },

    /* types */

    { C, "{\"model\":null}", MODEL },
    { C, "{\"model\":\"\"}", MODEL },
    { C, "{\"model\":7}", MODEL },
    { C, "{\"model\":[\"a\"]}", MODEL },
    { C, "{\"model\":\"a\\u0000\"}", MODEL },
    { C, "{\"model\":\"a\\n\"}", MODEL },
    { C, "{\"model\":\"\x7f\"}", MODEL },
    { C, "{\"stream\":1}", "\"stream\" must be true or false" },
    { E, "{\"stream\":\"true\"}", "\"stream\" must be true or false" },
    { C, "{\"stream_options\":true}", "\"stream_options\" must be an object" },
    { C, "{\"stream_options\":{\"include_usage\":1}}",
      "\"stream_options.include_usage\" must be true or false" },
    { C, "{\"messages\":null}", "\"messages\" must be an array" },
    { C, "{\"messages\":{}}", "\"messages\" must be an array" },
    { C, M("{},7"), "\"messages.1\" must be an object" },
    { C, M("{},null"), "\"messages.1\" must be an object" },
    { C, M("{\"role\":null}"), "\"messages.0.role\" must be a string" },
    { C, M("{\"role\":[]}"), "\"messages.0.role\" must be a string" },
    { C, "{\"n\":\"1\"}", "\"n\" must be a number" },
    { C, "{\"n\":0}", N },
    { C, "{\"n\":-1}", N },
    { C, "{\"n\":1025}", N },
    { C, "{\"n\":1.5}", N },
    { C, "{\"n\":1e-1}", N },
    { C, "{\"n\":1e4}", N },
    { C, "{\"n\":1e99999999999999999999}", N },
    { C, "{\"n\":10240e-2}", N },
    { C, "{\"n\":1.00000000000000000000000000000000000000000000000000000000"
         "0000000000}", N },
    { C, "{\"max_tokens\":1.5}", "\"max_tokens\"" WHOLE },
    { C, "{\"max_tokens\":[1]}", "\"max_tokens\" must be a number" },
    { C, "{\"max_tokens\":9007199254740992}", "\"max_tokens\"" LARGE },
    { C, "{\"max_tokens\":99999999999999999999999999999999}",
      "\"max_tokens\"" LARGE },
    { C, "{\"max_tokens\":1e400}", "\"max_tokens\"" LARGE },
    { C, "{\"max_tokens\":1e-400}", "\"max_tokens\"" WHOLE },
    { P, "{\"max_completion_tokens\":-9007199254740992}",
      "\"max_completion_tokens\"" LARGE }
};


static void
test_shapes(void)
{
    size_t         i;
    uint64_t       bytes;
    uint32_t       k;
    request_t      r;
    const case_t  *c;

    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        c = &shapes[i];

        request_read(&r, &genai_openai, c->endpoint, c->text,
                     strlen(c->text));

        is_str(r.rc == GENAI_REQUEST_DONE ? request_told(&r) : r.req.error,
               c->told, "%s", c->text);

        for (k = 0, bytes = 0; k < r.req.nsegments; k++) {
            quiet_ok(k == 0 || r.req.segments[k - 1].value
                               < r.req.segments[k].value, "their order");

            if (genai_segment_is_text(r.req.segments[k].kind)) {
                bytes += genai_tape_view(&r.req.tape,
                                         r.req.segments[k].value).len;
            }
        }

        quiet_ok(bytes == r.req.bytes, "%s: bytes", c->text);

        request_close(&r);
    }
}


static void
test_refused(void)
{
    size_t         i;
    request_t      r;
    const case_t  *c;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        c = &refused[i];

        request_read(&r, &genai_openai, c->endpoint, c->text,
                     strlen(c->text));

        is_str(r.rc == GENAI_REQUEST_ERROR ? r.req.error : "passed", c->told,
               "%s", c->text);
        quiet_ok(r.req.cause == GENAI_SCAN_BAD_TEXT, "the sender's fault");

        request_close(&r);
    }
}


static void
test_values(void)
{
    char       text[2048];
    request_t  r;

    static const char  all[] =
        "{\"model\":\"m\",\"stream\":true,\"stream_options\":"
        "{\"include_usage\":true},\"n\":3,\"max_tokens\":100,"
        "\"max_completion_tokens\":50,\"messages\":[{},{}],\"prompt\":\"a\"}";

    request_read(&r, &genai_openai, C, all, sizeof(all) - 1);

    is_text(genai_tape_view(&r.req.tape, r.req.model), "m", "model");
    is_text(genai_tape_view(&r.req.tape, r.req.stream), "true", "stream");
    is_text(genai_tape_view(&r.req.tape, r.req.stream_options),
            "{\"include_usage\":true}", "stream_options");
    is_text(genai_tape_view(&r.req.tape, r.req.include_usage), "true",
            "include_usage");
    is_text(genai_tape_view(&r.req.tape, r.req.n), "3", "n");
    is_text(genai_tape_view(&r.req.tape, r.req.max_tokens), "100",
            "max_tokens");
    is_text(genai_tape_view(&r.req.tape, r.req.max_completion_tokens), "50",
            "max_completion_tokens");
    is_int(r.req.choices, 3, "choices");
    is_int(r.req.output_max, 50, "output_max");
    ok(r.req.stream_asked && r.req.usage_asked, "both asked for");
    is_int(r.req.messages, 3, "messages");
    is_int(r.req.endpoint, C, "endpoint");
    request_close(&r);

    request_read(&r, &genai_openai, C, "{\"stream\":false}", 16);
    ok(r.req.model == 0 && r.req.stream && !r.req.stream_asked,
       "no model, no stream");
    is_int(r.req.choices, 1, "one choice");
    is_int(r.req.output_max, -1, "no cap");
    request_close(&r);

    request_read(&r, &genai_openai, C, "{\"stream\":null}", 15);
    ok(r.req.stream == 0 && !r.req.stream_asked, "null is nothing");
    request_close(&r);

    request_read(&r, &genai_openai, C,
                 "{\"max_tokens\":-1,\"max_completion_tokens\":7}", 43);
    is_int(r.req.output_max, 7, "a cap beside none");
    request_close(&r);

    request_read(&r, &genai_openai, C,
                 "{\"max_tokens\":7,\"max_completion_tokens\":70}", 43);
    is_int(r.req.output_max, 7, "the smaller cap first");
    request_close(&r);

    request_read(&r, &genai_openai, C,
                 "{\"max_tokens\":1.50e+2,\"n\":20.0E-1}", 34);
    is_int(r.req.output_max, 150, "a cap with an exponent");
    is_int(r.req.choices, 2, "two choices, with a point");
    request_close(&r);

    request_read(&r, &genai_openai, C, "{\"max_tokens\":0e9}", 18);
    is_int(r.req.output_max, 0, "a cap of 0 with an exponent");
    request_close(&r);

    request_read(&r, &genai_openai, C, "{\"max_tokens\":0}", 16);
    is_int(r.req.output_max, 0, "a cap of 0");
    request_close(&r);

    /* 256 bytes of a name, all escaped; then one more */

    memcpy(text, "{\"model\":\"", 10);
    memset(text + 10, 'x', 300);
    memcpy(text + 266, "\"}", 2);
    request_read(&r, &genai_openai, C, text, 268);
    is_int(r.rc, GENAI_REQUEST_DONE, "a name of 256 bytes");
    request_close(&r);

    memset(text + 266, 'x', 1);
    memcpy(text + 267, "\"}", 2);
    request_read(&r, &genai_openai, C, text, 269);
    is_int(r.rc, GENAI_REQUEST_ERROR, "a name of 257 bytes");
    request_close(&r);

    request_read(&r, &genai_openai, GENAI_ENDPOINT_MODELS, "[1]", 3);
    ok(r.rc == GENAI_REQUEST_DONE && r.req.nsegments == 0,
       "nothing is told of an endpoint without a table");
    request_close(&r);
}


/* the text after what make() has edited */

static const char *
edited(request_t *r, const genai_str_t *name, int *rc)
{
    size_t            n;
    genai_str_t       slice;
    genai_edits_t     edits;
    genai_splicer_t   s;
    genai_document_t  d;

    static char  text[4096];

    genai_edits_init(&edits, &r->req.tape, &r->arena);

    *rc = name ? genai_openai.set_model(&r->req, &edits, name)
               : genai_openai.ask_usage(&r->req, &edits);

    if (genai_document_init(&d, &r->req.text, &r->req.tape, &edits, NULL,
                            &r->arena)
        != 0)
    {
        return "no memory";
    }

    genai_splicer_init(&s, &d);

    n = 0;

    while (genai_splicer_next(&s, &slice)) {
        memcpy(text + n, slice.data, slice.len);
        n += slice.len;
    }

    text[n] = '\0';

    return text;
}


static void
test_edits(void)
{
    int          rc;
    size_t       i;
    request_t    r;
    const char  *p;

    static const struct {
        genai_endpoint_e   endpoint;
        int                rc;
        const char        *text;
        const char        *want;
    } usage[] = {
        { C, 0, "{}", "{}" },
        { C, 0, "{\"stream\":false}", "{\"stream\":false}" },
        { C, 1, "{\"stream\":true}",
          "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}" },
        { P, 1, "{\"stream_options\":null,\"stream\":true}",
          "{\"stream_options\":{\"include_usage\":true},\"stream\":true}" },
        { C, 1, "{\"stream\":true,\"stream_options\":{\"x\":[1]}}",
          "{\"stream\":true,\"stream_options\":{\"x\":[1],"
          "\"include_usage\":true}}" },
        { C, 1, "{\"stream\":true,\"stream_options\":{}}",
          "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}" },
        { C, 1, "{\"stream\":true,\"stream_options\":{\"include_usage\":false,"
                "\"x\":1}}",
          "{\"stream\":true,\"stream_options\":{\"include_usage\":true,"
          "\"x\":1}}" },
        { C, 1, "{\"stream\":true,\"stream_options\":"
                "{\"include_usage\":null}}",
          "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}" },
        { C, 0, "{\"stream\":true,\"stream_options\":"
                "{\"include_usage\":true}}",
          "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}" },
        { E, 0, "{\"stream\":true}", "{\"stream\":true}" }
    };

    static const struct {
        const char   *text;
        genai_str_t   name;
        const char   *want;
    } models[] = {
        { "{ \"model\" : \"a\" }", genai_str("b/c"),
          "{ \"model\" : \"b/c\" }" },
        { "{}", genai_str("b"), "{\"model\":\"b\"}" },
        { "{\"a\":1}", genai_str("\"\\\n\xe2\x82\xac"),
          "{\"a\":1,\"model\":\"\\\"\\\\\\n\xe2\x82\xac\"}" }
    };

    for (i = 0; i < sizeof(usage) / sizeof(usage[0]); i++) {
        request_open(&r, &genai_openai, usage[i].endpoint, usage[i].text,
                     strlen(usage[i].text));
        genai_request_read(&r.req, SIZE_MAX);

        p = edited(&r, NULL, &rc);

        is_str(p, usage[i].want, "usage: %s", usage[i].text);
        quiet_ok(rc == usage[i].rc, "usage returns %d", rc);

        request_close(&r);
    }

    for (i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        request_open(&r, &genai_openai, C, models[i].text,
                     strlen(models[i].text));
        genai_request_read(&r.req, SIZE_MAX);

        p = edited(&r, &models[i].name, &rc);

        is_str(p, models[i].want, "model: %s", models[i].text);
        quiet_ok(rc == 0, "model returns %d", rc);

        request_close(&r);
    }
}


int
main(void)
{
    test_shapes();
    test_refused();
    test_values();
    test_edits();

    return done_testing();
}
