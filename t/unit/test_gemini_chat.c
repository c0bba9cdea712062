/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gemini's requests to the middle of a translation and back, and to and from
 * other dialects.
 */


#include "chat.h"


static void
from(const genai_dialect_t *dialect, const char *text, const char *want,
    const char *name)
{
    is_str(chat_translate(dialect, &genai_gemini, text), want, "%s", name);
}


static void
to(const genai_dialect_t *dialect, const char *text, const char *want,
    const char *name)
{
    is_str(chat_translate(&genai_gemini, dialect, text), want, "%s", name);
}


#define openai(text, want, name)  from(&genai_openai, text, want, name)
#define CONFIG  "\"generationConfig\":{}}"
#define USER(text)  "{\"role\":\"user\",\"parts\":[{\"text\":\"" text "\"}]}"


static void
test_texts(void)
{
    /* 3: instructions in the middle, too */

    openai("{\"messages\":[{\"role\":\"system\",\"content\":\"be\"},"
           "{\"role\":\"user\",\"content\":\"a\\u00e9\\n\"},{\"role\":"
           "\"developer\",\"content\":\"brief\"},{\"role\":\"user\","
           "\"content\":\"b\"},{\"role\":\"assistant\",\"content\":\"c\"},"
           "{\"role\":\"user\",\"content\":\"\"}]}",
           "{\"systemInstruction\":{\"parts\":[{\"text\":\"be\"},{\"text\":"
           "\"brief\"}]},\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":"
           "\"a\\u00e9\\n\"},{\"text\":\"b\"}]},{\"role\":\"model\",\"parts\":"
           "[{\"text\":\"c\"}]}]," CONFIG, "texts, turns and instructions");
    is_str(chat_dropped(), "system.place", "their place is told");
    openai("{\"messages\":[{\"role\":\"system\",\"content\":\"be\"}]}",
           "{\"contents\":[" USER("be") "]," CONFIG, "instructions alone");

    /* 30: media */

    openai("{\"messages\":[{\"role\":\"user\",\"content\":["
           "{\"type\":\"image_url\",\"image_url\":{\"url\":"
           "\"data:image/gif;base64,R0lG\"}},"
           "{\"type\":\"image_url\",\"image_url\":{\"url\":\"gs://b/a.png\"}},"
           "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://a/b\","
           "\"detail\":\"low\"}},"
           "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\","
           "\"format\":\"mp3\"}},"
           "{\"type\":\"file\",\"file\":{\"file_data\":"
           "\"data:application/pdf;base64,JVBE\"}}]}]}",
           "{\"contents\":[{\"role\":\"user\",\"parts\":["
           "{\"inlineData\":{\"mimeType\":\"image/gif\",\"data\":\"R0lG\"}},"
           "{\"fileData\":{\"mimeType\":\"image/png\",\"fileUri\":"
           "\"gs://b/a.png\"}},"
           "{\"fileData\":{\"fileUri\":\"https://a/b\"}},"
           "{\"inlineData\":{\"mimeType\":\"audio/mpeg\",\"data\":\"AAAA\"}},"
           "{\"inlineData\":{\"mimeType\":\"application/pdf\",\"data\":"
           "\"JVBE\"}}]}]," CONFIG, "media");
    is_str(chat_dropped(), "detail", "what it has no word for");
}


static void
test_params(void)
{
    /* 17, 20, 22 */

    openai("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],"
           "\"temperature\":0.50,\"top_p\":1,\"seed\":7,\"max_tokens\":99,"
           "\"max_completion_tokens\":10,\"stop\":[\"x\",\"y\"],\"n\":2,"
           "\"presence_penalty\":1,\"logprobs\":true,\"top_logprobs\":3,"
           "\"user\":\"u\",\"reasoning_effort\":\"low\",\"response_format\":"
           "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\","
           "\"schema\":{ \"type\" : \"object\",\"$ref\":\"#/x\" }}}}",
           "{\"contents\":[" USER("a") "],\"generationConfig\":{"
           "\"temperature\":0.50,\"topP\":1,\"seed\":7,\"presencePenalty\":1,"
           "\"responseLogprobs\":true,\"logprobs\":3,\"maxOutputTokens\":10,"
           "\"stopSequences\":[\"x\",\"y\"],\"candidateCount\":2,"
           "\"responseMimeType\":\"application/json\",\"responseJsonSchema\":"
           "{ \"type\" : \"object\",\"$ref\":\"#/x\" },\"thinkingConfig\":{"
           "\"thinkingBudget\":1024,\"includeThoughts\":true}}}",
           "parameters");
    is_str(chat_dropped(), "user", "what has no counterpart");

    chat_target.newer = 1;
    openai("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],"
           "\"reasoning_effort\":\"xhigh\"}",
           "{\"contents\":[" USER("a") "],\"generationConfig\":{"
           "\"thinkingConfig\":{\"thinkingLevel\":\"high\","
           "\"includeThoughts\":true}}}", "a level for newer models");
    openai("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],"
           "\"reasoning_effort\":\"none\"}",
           "{\"contents\":[" USER("a") "],\"generationConfig\":{"
           "\"thinkingConfig\":{\"thinkingLevel\":\"low\","
           "\"includeThoughts\":false}}}", "which cannot be told none");
    is_str(chat_dropped(), "thinking", "and that is told");
    chat_target.newer = 0;

    openai("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],"
           "\"reasoning_effort\":\"none\"}",
           "{\"contents\":[" USER("a") "],\"generationConfig\":{"
           "\"thinkingConfig\":{\"thinkingBudget\":0,"
           "\"includeThoughts\":false}}}", "others can");
}


static void
test_tools(void)
{
    /* 10, 15, 19, 26 */

    openai("{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
           "\"description\":\"d\",\"parameters\":{\"properties\":{\"x\":{}}},"
           "\"strict\":true}},{\"type\":\"function\",\"function\":{\"name\":"
           "\"g\"}},{\"type\":\"web_search\"}],\"tool_choice\":{\"type\":"
           "\"function\",\"function\":{\"name\":\"f\"}},"
           "\"parallel_tool_calls\":false,\"messages\":[{\"role\":\"user\","
           "\"content\":\"a\"},{\"role\":\"assistant\",\"tool_calls\":"
           "[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
           "\"arguments\":\"{\\\"a\\\": 1.0}\"},\"extra_content\":{\"google\":{"
           "\"thought_signature\":\"c2ln\"}}},{\"id\":\"2\",\"type\":"
           "\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}}]},"
           "{\"role\":\"tool\",\"tool_call_id\":\"2\",\"content\":"
           "\"{\\\"$ref\\\":1}\"},"
           "{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":[{\"type\":"
           "\"text\",\"text\":\"two\"},{\"type\":\"text\",\"text\":\"2\"}]},"
           "{\"role\":\"user\",\"content\":\"and?\"}]}",
           "{\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\","
           "\"description\":\"d\",\"parametersJsonSchema\":{\"type\":"
           "\"object\",\"properties\":{\"x\":{}}}},{\"name\":\"g\"}]}],"
           "\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\","
           "\"allowedFunctionNames\":[\"f\"]}},\"contents\":[" USER("a") ","
           "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"1\","
           "\"name\":\"f\",\"args\":{\"a\": 1.0}},\"thoughtSignature\":"
           "\"c2ln\"},{\"functionCall\":{\"id\":\"2\",\"name\":\"g\",\"args\":"
           "{}}}]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{"
           "\"id\":\"2\",\"name\":\"g\",\"response\":{\"result\":"
           "\"{\\\"$ref\\\":1}\"}}},{\"functionResponse\":{\"id\":\"1\","
           "\"name\":\"f\",\"response\":{\"result\":\"two\\n2\"}}},{\"text\":"
           "\"and?\"}]}]," CONFIG, "tools, calls and results");
    is_str(chat_dropped(),
           "server tools,strict,parallel_tool_calls",
           "what it has no word for");

    chat_target.newer = 1;
    openai("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":"
           "\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\","
           "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"id\":\"2\","
           "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
           "\"{}\"}}]}]}",
           "{\"contents\":[" USER("a") ",{\"role\":\"model\",\"parts\":[{"
           "\"functionCall\":{\"id\":\"1\",\"name\":\"f\",\"args\":{}},"
           "\"thoughtSignature\":\"skip_thought_signature_validator\"},{"
           "\"functionCall\":{\"id\":\"2\",\"name\":\"f\",\"args\":{}}}]}],"
           CONFIG, "a call that nobody signed, for who asks for it");

    /* 8: an image in a result, in it or behind it */

#define RESULT  "{\"max_tokens\":5,\"messages\":[{\"role\":\"assistant\","     \
    "\"content\":[{\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\","         \
    "\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":"               \
    "\"tool_result\",\"tool_use_id\":\"i\",\"is_error\":true,\"content\":["    \
    "{\"type\":\"text\",\"text\":\"no\"},{\"type\":\"image\",\"source\":{"     \
    "\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AAAA\"}}]}]}" \
    "]}"
#define IMAGE  "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}}"

    from(&genai_anthropic, RESULT,
         "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{"
         "\"id\":\"i\",\"name\":\"f\",\"args\":{}},\"thoughtSignature\":"
         "\"skip_thought_signature_validator\"}]},{\"role\":\"user\",\"parts\":"
         "[{\"functionResponse\":{\"id\":\"i\",\"name\":\"f\",\"response\":{"
         "\"error\":\"no\"},\"parts\":[" IMAGE "]}}]}],"
         "\"generationConfig\":{\"maxOutputTokens\":5}}", "an image in it");
    chat_target.newer = 0;
    from(&genai_anthropic, RESULT,
         "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{"
         "\"id\":\"i\",\"name\":\"f\",\"args\":{}}}]},{\"role\":\"user\","
         "\"parts\":[{\"functionResponse\":{\"id\":\"i\",\"name\":\"f\","
         "\"response\":{\"error\":\"no\"}}}," IMAGE "]}],"
         "\"generationConfig\":{\"maxOutputTokens\":5}}", "behind it");

    openai("{\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"9\","
           "\"content\":\"x\"}]}",
           "a tool's result must follow the call with its id \"9\"",
           "a result of no call");
}


static void
test_read(void)
{
    to(&genai_openai,
       "{\"system_instruction\":{\"parts\":{\"text\":\"be\"}},\"contents\":["
       "{\"parts\":[{\"text\":\"a\"},{\"inline_data\":{\"mime_type\":"
       "\"image/png\",\"data\":\"AAAA\"}}]},{\"role\":\"model\",\"parts\":[{"
       "\"functionCall\":{\"name\":\"f\",\"args\":{\"x\": 1}}},"
       "{\"functionCall\":{\"name\":\"f\"}}]},{\"role\":\"function\",\"parts\":"
       "[{\"functionResponse\":{\"name\":\"f\",\"response\":{\"result\":"
       "\"one\"}}},{\"functionResponse\":{\"name\":\"f\",\"response\":{\"a\":"
       "[1]}}}]}],\"tools\":[{\"function_declarations\":[{\"name\":\"f\","
       "\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"type\":{\"type\":"
       "\"STRING\",\"nullable\":true,\"maxLength\":\"9\"},\"b\":{\"type\":"
       "\"ARRAY\",\"items\":{\"type\":\"INTEGER\"}}},\"propertyOrdering\":["
       "\"b\"],\"required\":[\"b\"]}}]}],\"toolConfig\":{"
       "\"functionCallingConfig\":{\"mode\":\"ANY\"}},\"generationConfig\":{"
       "\"temperature\":1,\"topK\":5,\"maxOutputTokens\":9,\"stopSequences\":["
       "\"x\"],\"thinkingConfig\":{\"thinkingLevel\":\"HIGH\"},"
       "\"responseMimeType\":\"application/json\"},\"safetySettings\":[1]}",
       "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"function\":{"
       "\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{"
       "\"type\":{\"type\":[\"string\",\"null\"],\"maxLength\":9},\"b\":{"
       "\"type\":\"array\",\"items\":{\"type\":\"integer\"}}},\"required\":["
       "\"b\"]}}}],\"tool_choice\":\"required\",\"response_format\":{\"type\":"
       "\"json_object\"},\"messages\":[{\"role\":"
       "\"system\",\"content\":\"be\"},{\"role\":\"user\",\"content\":[{"
       "\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image_url\","
       "\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]},{\"role\":"
       "\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\","
       "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
       "\"{\\\"x\\\": 1}\"}},{\"id\":\"call_2\",\"type\":\"function\","
       "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":"
       "\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"one\"},{\"role\":"
       "\"tool\",\"tool_call_id\":\"call_2\",\"content\":\"{\\\"a\\\":[1]}\"}"
       "],\"reasoning_effort\":\"high\",\"max_tokens\":9,\"stop\":[\"x\"],"
       "\"temperature\":1}", "to OpenAI's");

    to(&genai_gemini,
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"a\"},"
       "{\"fileData\":{\"fileUri\":\"https://x/y.mp4\",\"mimeType\":"
       "\"video/mp4\"}}]},{\"role\":\"model\",\"parts\":[{\"text\":\"hm\","
       "\"thought\":true,\"thoughtSignature\":\"dA==\"},{\"text\":\"b\","
       "\"thoughtSignature\":\"eA==\"},{\"functionCall\":{\"id\":\"i\","
       "\"name\":\"f\",\"args\":{}},\"thoughtSignature\":\"c2ln\"},"
       "{\"executableCode\":{\"code\":\"1\"}}]},{\"role\":\"user\",\"parts\":[{"
       "\"functionResponse\":{\"id\":\"i\",\"name\":\"f\",\"response\":{"
       "\"a\":{\"$ref\":1}}}}]}],\"tools\":[{\"googleSearch\":{}}]}",
       "{\"tools\":[{\"googleSearch\":{}}],\"contents\":[{\"role\":\"user\","
       "\"parts\":[{\"text\":\"a\"},{\"fileData\":{\"mimeType\":\"video/mp4\","
       "\"fileUri\":\"https://x/y.mp4\"}}]},{\"role\":\"model\",\"parts\":[{"
       "\"text\":\"hm\",\"thought\":true,\"thoughtSignature\":\"dA==\"},{"
       "\"text\":\"b\",\"thoughtSignature\":\"eA==\"},{\"functionCall\":{"
       "\"id\":\"i\",\"name\":\"f\",\"args\":{}},\"thoughtSignature\":"
       "\"c2ln\"},{\"executableCode\":{\"code\":\"1\"}}]},{\"role\":\"user\","
       "\"parts\":[{\"functionResponse\":{\"id\":\"i\",\"name\":\"f\","
       "\"response\":{\"a\":{\"$ref\":1}}}}]}]," CONFIG,
       "its own back to itself");

    /* what Anthropic has signed, given back to it */

    to(&genai_anthropic,
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"a\"}]},"
       "{\"role\":\"model\",\"parts\":[{\"text\":\"hm\",\"thought\":true},"
       "{\"text\":\"\",\"thought\":true,\"thoughtSignature\":"
       "\"Z2VuYWk6YW50aHJvcGljOnRob3VnaHQ6MDpzaWc\"},"
       "{\"text\":\"\",\"thought\":true,\"thoughtSignature\":"
       "\"Z2VuYWk6YW50aHJvcGljOnNlYWxlZDowOmRhdGE=\"},"
       "{\"text\":\"b\"}]}],\"generationConfig\":{\"maxOutputTokens\":9}}",
       "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
       "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
       "\"thinking\":\"hm\",\"signature\":\"sig\"},{\"type\":"
       "\"redacted_thinking\",\"data\":\"data\"},{\"type\":\"text\",\"text\":"
       "\"b\"}]}],\"max_tokens\":9}",
       "what Anthropic has signed, given back to it");

    to(&genai_openai, "{\"contents\":[]}", "contents must have at least one",
       "no contents");
    to(&genai_openai, "{\"cachedContent\":\"c\",\"contents\":[" USER("a") "]}",
       "cachedContent is kept by its provider, and cannot be sent to another "
       "one", "what its provider keeps");
    to(&genai_openai,
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"functionResponse\":{"
       "\"name\":\"f\",\"response\":{}}}]}]}",
       "a functionResponse must follow the functionCall of that name",
       "a result of no call");
    to(&genai_openai,
       "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"text\":\"\","
       "\"thoughtSignature\":\"Z2VuYWk6YW\"}]}]}",
       "a thoughtSignature has been changed", "a damaged mark");
}


int
main(void)
{
    test_texts();
    test_params();
    test_tools();
    test_read();

    genai_arena_destroy(&chat_arena);

    return done_testing();
}
