/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Bedrock's requests to the middle of a translation and back, and to and from
 * other dialects.
 */


#include "chat.h"


static void
from(const genai_dialect_t *dialect, const char *text, const char *want,
    const char *name)
{
    is_str(chat_translate(dialect, &genai_bedrock, text), want, "%s", name);
}


static void
to(const genai_dialect_t *dialect, const char *text, const char *want,
    const char *name)
{
    is_str(chat_translate(&genai_bedrock, dialect, text), want, "%s", name);
}


#define openai(text, want, name)  from(&genai_openai, text, want, name)
#define anthropic(text, want, name)  from(&genai_anthropic, text, want, name)
#define USER(text)  "{\"role\":\"user\",\"content\":[{\"text\":\"" text "\"}]}"
#define SAYS(text)  "{\"role\":\"assistant\",\"content\":[{\"text\":\"" text   \
    "\"}]}"
#define ASK  "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]"
#define POINT  "{\"cachePoint\":{\"type\":\"default\"}}"


static void
model(const char *name)
{
    chat_target.model.data = (unsigned char *) name;
    chat_target.model.len = strlen(name);
}


static void
test_texts(void)
{
    openai("{\"messages\":[{\"role\":\"system\",\"content\":\"be\"},"
           "{\"role\":\"user\",\"content\":\"a\\u00e9\\n\"},{\"role\":"
           "\"developer\",\"content\":\"brief\"},{\"role\":\"user\","
           "\"content\":\"b\"},{\"role\":\"assistant\",\"content\":\"c\"},"
           "{\"role\":\"user\",\"content\":\" \"}]}",
           "{\"system\":[{\"text\":\"be\"},{\"text\":\"brief\"}],\"messages\":["
           "{\"role\":\"user\",\"content\":[{\"text\":\"a\\u00e9\\n\"},{"
           "\"text\":\"b\"}]}," SAYS("c") "]}",
           "texts, turns and instructions");
    is_str(chat_dropped(), "system.place", "their place is told");
    openai("{\"messages\":[{\"role\":\"system\",\"content\":\"be\"}]}",
           "{\"messages\":[" USER("be") "]}", "instructions alone");
    openai("{" ASK ",\"n\":2}",
           "this model's provider gives one answer, not n", "several");

    /* media: bytes, of known formats */

    openai("{\"messages\":[{\"role\":\"user\",\"content\":["
           "{\"type\":\"image_url\",\"image_url\":{\"url\":"
           "\"data:image/gif;base64,R0lG\",\"detail\":\"low\"}},"
           "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\","
           "\"format\":\"mp3\"}},{\"type\":\"file\",\"file\":{\"filename\":"
           "\"a_b \\u00e9.pdf\",\"file_data\":"
           "\"data:application/pdf;base64,JVBE\"}},{\"type\":\"file\","
           "\"file\":{\"file_data\":\"data:application/pdf;base64,JVBE\"}}"
           "]}]}",
           "{\"messages\":[{\"role\":\"user\",\"content\":[{\"image\":{"
           "\"format\":\"gif\",\"source\":{\"bytes\":\"R0lG\"}}},{\"audio\":{"
           "\"format\":\"mp3\",\"source\":{\"bytes\":\"AAAA\"}}},{\"document\":"
           "{\"format\":\"pdf\",\"name\":\"a-b-pdf\",\"source\":{\"bytes\":"
           "\"JVBE\"}}},{\"document\":{\"format\":\"pdf\",\"name\":"
           "\"document-2\",\"source\":{\"bytes\":\"JVBE\"}}}]}]}", "media");
    is_str(chat_dropped(), "detail", "an image's detail");
    openai("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
           "\"image_url\",\"image_url\":{\"url\":\"https://a/b.png\"}}]}]}",
           "an image, a sound, a video or a document must be sent as its "
           "bytes for this model's provider, not as a URL or a file's id",
           "an image by URL");
    openai("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
           "\"image_url\",\"image_url\":{\"url\":"
           "\"data:image/tiff;base64,AAAA\"}}]}]}",
           "this model's provider takes no image of that type", "a TIFF");
    anthropic("{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":"
              "[{\"type\":\"document\",\"title\":\"t\",\"source\":{\"type\":"
              "\"text\",\"media_type\":\"text/plain\",\"data\":\"d\"}}]}]}",
              "{\"messages\":[{\"role\":\"user\",\"content\":[{\"document\":{"
              "\"format\":\"txt\",\"name\":\"t\",\"source\":{\"text\":\"d\"}}}]"
              "}],\"inferenceConfig\":{\"maxTokens\":5}}",
              "a document that is a text");
}


static void
test_cache(void)
{
    anthropic("{\"max_tokens\":5,\"system\":[{\"type\":\"text\",\"text\":"
              "\"be\",\"cache_control\":{\"type\":\"ephemeral\"}}],\"tools\":["
              "{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"},"
              "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}],"
              "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
              "\"text\",\"text\":\"a\",\"cache_control\":{\"type\":"
              "\"ephemeral\"}}]},{\"role\":\"assistant\",\"content\":[{"
              "\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":{}}]"
              "},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
              "\"tool_use_id\":\"i\",\"content\":[{\"type\":\"text\",\"text\":"
              "\"r\",\"cache_control\":{\"type\":\"ephemeral\"}}]}]}]}",
              "{\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"f\","
              "\"inputSchema\":{\"json\":{\"type\":\"object\"}}}},{"
              "\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}}]},"
              "\"system\":[{\"text\":\"be\"}," POINT "],\"messages\":[{"
              "\"role\":\"user\",\"content\":[{\"text\":\"a\"}," POINT "]},{"
              "\"role\":\"assistant\",\"content\":[{\"toolUse\":{\"toolUseId\":"
              "\"i\",\"name\":\"f\",\"input\":{}}}]},{\"role\":\"user\","
              "\"content\":[{\"toolResult\":{\"toolUseId\":\"i\",\"content\":[{"
              "\"text\":\"r\"}]}}," POINT "]}],\"inferenceConfig\":{"
              "\"maxTokens\":5}}", "cache marks become points");

    to(&genai_anthropic,
       "{\"system\":[{\"text\":\"be\"}," POINT "],\"messages\":[{\"role\":"
       "\"user\",\"content\":[{\"text\":\"a\"},{\"cachePoint\":{\"type\":"
       "\"default\",\"ttl\":\"1h\"}},{\"text\":\"b\"}]}],"
       "\"inferenceConfig\":{\"maxTokens\":5}}",
       "{\"model\":\"m\",\"system\":[{\"type\":\"text\",\"text\":\"be\","
       "\"cache_control\":{\"type\":\"ephemeral\"}}],\"messages\":[{\"role\":"
       "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\","
       "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}},{\"type\":"
       "\"text\",\"text\":\"b\"}]}],\"max_tokens\":5}",
       "and points marks");
}


static void
test_params(void)
{
    model("us.anthropic.claude-sonnet-4-5-v1:0");

    openai("{" ASK ",\"max_tokens\":2000,\"temperature\":1.5,\"top_p\":0.5,"
           "\"stop\":[\"x\",\"y\"],\"seed\":1,\"user\":\"u\",\"service_tier\":"
           "\"flex\",\"logprobs\":false}",
           "{\"messages\":[" USER("a") "],\"inferenceConfig\":{\"maxTokens\":"
           "2000,\"temperature\":1,\"stopSequences\":[\"x\",\"y\"]},"
           "\"serviceTier\":{\"type\":\"flex\"}}", "parameters");
    is_str(chat_dropped(), "temperature>1,top_p,seed,user", "what is dropped");
    openai("{" ASK ",\"response_format\":{\"type\":\"json_schema\","
           "\"json_schema\":{\"name\":\"n\",\"schema\":{\"a\": 1}}}}",
           "{\"messages\":[" USER("a") "],\"outputConfig\":{\"textFormat\":{"
           "\"type\":\"json_schema\",\"structure\":{\"jsonSchema\":{"
           "\"schema\":\"{\\\"a\\\": 1}\",\"name\":\"n\"}}}}}",
           "a schema is a string");

    anthropic("{\"max_tokens\":9000,\"top_k\":5,\"thinking\":{\"type\":"
              "\"enabled\",\"budget_tokens\":4000},\"temperature\":0.5," ASK
              "}",
              "{\"messages\":[" USER("a") "],\"inferenceConfig\":{"
              "\"maxTokens\":9000},\"additionalModelRequestFields\":{"
              "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":4000}}}",
              "a budget");
    is_str(chat_dropped(), "temperature,top_k", "what does not go with it");
    openai("{" ASK ",\"reasoning_effort\":\"low\"}",
           "{\"messages\":[" USER("a") "],\"inferenceConfig\":{\"maxTokens\":"
           "5120},\"additionalModelRequestFields\":{\"thinking\":{\"type\":"
           "\"enabled\",\"budget_tokens\":1024}}}", "an effort");
    openai("{" ASK ",\"reasoning_effort\":\"none\"}",
           "{\"messages\":[" USER("a") "],\"additionalModelRequestFields\":{"
           "\"thinking\":{\"type\":\"disabled\"}}}", "none");
    chat_target.newer = 1;
    openai("{" ASK ",\"reasoning_effort\":\"low\"}",
           "{\"messages\":[" USER("a") "],\"outputConfig\":{\"effort\":"
           "\"low\"},\"additionalModelRequestFields\":{\"thinking\":{\"type\":"
           "\"adaptive\"}}}", "for who takes an effort");
    chat_target.newer = 0;
    anthropic("{\"max_tokens\":9,\"top_k\":5," ASK "}",
              "{\"messages\":[" USER("a") "],\"inferenceConfig\":{"
              "\"maxTokens\":9},\"additionalModelRequestFields\":{\"top_k\":5}"
              "}", "top_k");

    model("amazon.nova-2-lite-v1:0");
    openai("{" ASK ",\"reasoning_effort\":\"high\",\"temperature\":0.1,"
           "\"top_p\":1}",
           "{\"messages\":[" USER("a") "],\"inferenceConfig\":{"
           "\"temperature\":0.1,\"topP\":1},\"additionalModelRequestFields\":{"
           "\"reasoningConfig\":{\"type\":\"enabled\",\"maxReasoningEffort\":"
           "\"high\"}}}", "of Amazon's");
    model("openai.gpt-oss-120b-1:0");
    openai("{" ASK ",\"reasoning_effort\":\"low\"}",
           "{\"messages\":[" USER("a") "],\"additionalModelRequestFields\":{"
           "\"reasoning_effort\":\"low\"}}", "of OpenAI's");
    model("meta.llama3-70b-instruct-v1:0");
    openai("{" ASK ",\"reasoning_effort\":\"low\"}",
           "{\"messages\":[" USER("a") "]}", "of others");
    is_str(chat_dropped(), "thinking", "which are not told to think");
    model("m");
}


#define TOOL(name)  "{\"toolSpec\":{\"name\":\"" name "\",\"inputSchema\":{"   \
    "\"json\":{\"type\":\"object\"}}}}"
#define FUNCTION  "{\"type\":\"function\",\"function\":{\"name\":\"f\","       \
    "\"parameters\":{\"type\":\"object\"}}}"
#define CALLED  "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c|1\","     \
    "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"        \
    "\"{\\\"x\\\": 1}\"}},{\"id\":\"2\",\"type\":\"function\",\"function\":{"  \
    "\"name\":\"f\",\"arguments\":\"\"}}]},{\"role\":\"tool\","                \
    "\"tool_call_id\":\"c|1\",\"content\":\"one\"},{\"role\":\"tool\","        \
    "\"tool_call_id\":\"2\",\"content\":\"\"},{\"role\":\"user\","             \
    "\"content\":\"and?\"}"
/* what c|1 is sent as */
#define ID  "c_1_d5ce1a641acfc7bd"

#define WRITTEN  "{\"role\":\"assistant\",\"content\":[{\"toolUse\":{"         \
    "\"toolUseId\":\"" ID "\",\"name\":\"f\",\"input\":{\"x\": 1}}},"      \
    "{\"toolUse\":{\"toolUseId\":\"2\",\"name\":\"f\",\"input\":{}}}]},"      \
    "{\"role\":\"user\","                                                     \
    "\"content\":[{\"toolResult\":{\"toolUseId\":\"" ID "\",\"content\":["     \
    "{\"text\":\"one\"}]}},{\"toolResult\":{\"toolUseId\":\"2\",\"content\":"  \
    "[]}"                                                                     \
    "},{\"text\":\"and?\"}]}"


static void
test_tools(void)
{
    openai("{\"tools\":[" FUNCTION ",{\"type\":\"function\",\"function\":{"
           "\"name\":\"g\",\"description\":\"d\",\"strict\":true}}],"
           "\"tool_choice\":\"required\",\"parallel_tool_calls\":false,"
           "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}," CALLED "]}",
           "{\"toolConfig\":{\"tools\":[" TOOL("f") ",{\"toolSpec\":{\"name\":"
           "\"g\",\"description\":\"d\",\"inputSchema\":{\"json\":{\"type\":"
           "\"object\",\"properties\":{}}}}}],\"toolChoice\":{\"any\":{}}},"
           "\"messages\":[" USER("a") "," WRITTEN "]}",
           "tools, calls and results");
    is_str(chat_dropped(), "strict,parallel_tool_calls",
           "what it has no word for");
    openai("{\"messages\":[" CALLED "]}",
           "{\"toolConfig\":{\"tools\":[" TOOL("f") "]},\"messages\":["
           WRITTEN "]}", "calls whose tools are gone");
    openai("{\"tools\":[" FUNCTION "],\"tool_choice\":\"none\"," ASK "}",
           "{\"messages\":[" USER("a") "]}", "none of them");
    openai("{\"tools\":[" FUNCTION "],\"tool_choice\":\"none\","
           "\"messages\":[" CALLED "]}",
           "{\"toolConfig\":{\"tools\":[" TOOL("f") "]},\"messages\":["
           WRITTEN "]}", "none of them, after calls");
    is_str(chat_dropped(), "tool_choice", "which is told");
    openai("{\"tools\":[" FUNCTION "],\"tool_choice\":{\"type\":\"function\","
           "\"function\":{\"name\":\"f\"}}," ASK "}",
           "{\"toolConfig\":{\"tools\":[" TOOL("f") "],\"toolChoice\":{"
           "\"tool\":{\"name\":\"f\"}}},\"messages\":[" USER("a") "]}",
           "one of them");
    openai("{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"
           "\"a.b\"}}]," ASK "}",
           "{\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":"
           "\"a_b_2e7336dc\",\"inputSchema\":{\"json\":{\"type\":"
           "\"object\",\"properties\":{}}}}}]},\"messages\":[" USER("a")
           "]}", "a name");
    openai("{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":"
           "\"0123456789012345678901234567890123456789012345678901234567890123"
           "4\",\"type\":\"function\",\"function\":{\"name\":\"f\","
           "\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":"
           "\"0123456789012345678901234567890123456789012345678901234567890123"
           "4\",\"content\":\"r\"}]}",
           "{\"toolConfig\":{\"tools\":[" TOOL("f") "]},\"messages\":[{"
           "\"role\":\"assistant\",\"content\":[{\"toolUse\":{\"toolUseId\":"
           "\"id_e7ead5526828249f\",\"name\":\"f\",\"input\":{}}}]},{\"role\":"
           "\"user\",\"content\":[{\"toolResult\":{\"toolUseId\":"
           "\"id_e7ead5526828249f\",\"content\":[{\"text\":\"r\"}]}}]}]}",
           "an id that is too long");
    anthropic("{\"max_tokens\":5,\"messages\":[{\"role\":\"assistant\","
              "\"content\":[{\"type\":\"tool_use\",\"id\":\"i\",\"name\":"
              "\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{"
              "\"type\":\"tool_result\",\"tool_use_id\":\"i\",\"is_error\":"
              "true,\"content\":[{\"type\":\"text\",\"text\":\"no\"},{"
              "\"type\":\"image\",\"source\":{\"type\":\"base64\","
              "\"media_type\":\"image/png\",\"data\":\"AAAA\"}}]}]}]}",
              "{\"toolConfig\":{\"tools\":[" TOOL("f") "]},\"messages\":[{"
              "\"role\":\"assistant\",\"content\":[{\"toolUse\":{"
              "\"toolUseId\":\"i\",\"name\":\"f\",\"input\":{}}}]},{\"role\":"
              "\"user\",\"content\":[{\"toolResult\":{\"toolUseId\":\"i\","
              "\"content\":[{\"text\":\"no\"},{\"image\":{\"format\":\"png\","
              "\"source\":{\"bytes\":\"AAAA\"}}}],\"status\":\"error\"}}]}],"
              "\"inferenceConfig\":{\"maxTokens\":5}}",
              "a result that failed, with an image");
}


static void
test_read(void)
{
    to(&genai_openai,
       "{\"system\":[{\"text\":\"be\"}],\"messages\":[{\"role\":\"user\","
       "\"content\":[{\"text\":\"a\"},{\"image\":{\"format\":\"jpeg\","
       "\"source\":{\"bytes\":\"AAAA\"}}},{\"guardContent\":{\"text\":{"
       "\"text\":\"g\",\"qualifiers\":[\"query\"]}}}]},{\"role\":"
       "\"assistant\",\"content\":[{\"reasoningContent\":{\"reasoningText\":{"
       "\"text\":\"hm\",\"signature\":\"s\"}}},{\"text\":\"b\"},{\"toolUse\":"
       "{\"toolUseId\":\"i\",\"name\":\"f\",\"input\":{\"x\": 1}}}]},{\"role\":"
       "\"user\",\"content\":[{\"toolResult\":{\"toolUseId\":\"i\",\"content\":"
       "[{\"json\":{\"y\": 2}}],\"status\":\"error\"}}]}],\"toolConfig\":{"
       "\"tools\":[{\"toolSpec\":{\"name\":\"f\",\"description\":\"d\","
       "\"inputSchema\":{\"json\":{\"type\":\"object\"}},\"strict\":true}},{"
       "\"systemTool\":{\"name\":\"nova_grounding\"}}],\"toolChoice\":{"
       "\"tool\":{\"name\":\"f\"}}},\"inferenceConfig\":{\"maxTokens\":9,"
       "\"temperature\":0.5,\"topP\":1,\"stopSequences\":[\"x\"]},"
       "\"additionalModelRequestFields\":{\"reasoning_config\":{\"type\":"
       "\"enabled\",\"budget_tokens\":2000},\"top_k\":5,\"anthropic_beta\":["
       "\"b\"]},\"performanceConfig\":{\"latency\":\"optimized\"},"
       "\"outputConfig\":{\"textFormat\":{\"type\":\"json_schema\","
       "\"structure\":{\"jsonSchema\":{\"name\":\"n\",\"schema\":"
       "\"{\\\"type\\\":\\\"object\\\"}\"}}}}}",
       "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"function\":{"
       "\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":"
       "\"object\"},\"strict\":true}}],\"tool_choice\":{\"type\":\"function\","
       "\"function\":{\"name\":\"f\"}},\"response_format\":{\"type\":"
       "\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":"
       "\"object\"}}},\"messages\":[{\"role\":\"system\",\"content\":\"be\"},{"
       "\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{"
       "\"type\":\"image_url\",\"image_url\":{\"url\":"
       "\"data:image/jpeg;base64,AAAA\"}},{\"type\":\"text\",\"text\":\"g\"}]},"
       "{\"role\":\"assistant\",\"content\":\"b\",\"tool_calls\":[{\"id\":"
       "\"i\",\"type\":\"function\",\"function\":{\"name\":\"f\","
       "\"arguments\":\"{\\\"x\\\": 1}\"}}]},{\"role\":\"tool\","
       "\"tool_call_id\":\"i\",\"content\":\"Error: {\\\"y\\\": 2}\"}],"
       "\"reasoning_effort\":\"medium\",\"max_tokens\":9,\"stop\":[\"x\"],"
       "\"temperature\":0.5,\"top_p\":1}", "to OpenAI's");
    is_str(chat_dropped(),
           "anthropic_beta,performanceConfig,server tools,thinking,top_k",
           "what is dropped");

    /* documents that are texts */

    to(&genai_anthropic,
       "{\"messages\":[{\"role\":\"user\",\"content\":[{\"document\":{"
       "\"format\":\"txt\",\"name\":\"n\",\"source\":{\"bytes\":\"aGk=\"}}},{"
       "\"document\":{\"format\":\"pdf\",\"name\":\"p\",\"source\":{\"bytes\":"
       "\"JVBE\"}}},{\"document\":{\"name\":\"l\",\"context\":\"c\","
       "\"source\":{\"content\":[{\"text\":\"x\"},{\"text\":\"y\"}]}}}]}],"
       "\"inferenceConfig\":{\"maxTokens\":5}}",
       "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{"
       "\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":"
       "\"text/plain\",\"data\":\"hi\"},\"title\":\"n\"},{\"type\":"
       "\"document\",\"source\":{\"type\":\"base64\",\"media_type\":"
       "\"application/pdf\",\"data\":\"JVBE\"},\"title\":\"p\"},{\"type\":"
       "\"text\",\"text\":\"c\"},{\"type\":\"document\",\"source\":{\"type\":"
       "\"text\",\"media_type\":\"text/plain\",\"data\":\"x\\ny\"},\"title\":"
       "\"l\"}]}],\"max_tokens\":5}", "documents");

    /* what Anthropic has signed, given back to it, and its own to it */

    to(&genai_anthropic,
       "{\"messages\":[" USER("a") ",{\"role\":\"assistant\",\"content\":[{"
       "\"reasoningContent\":{\"reasoningText\":{\"text\":\"hm\","
       "\"signature\":\"genai:anthropic:thought:0:sig\"}}},{"
       "\"reasoningContent\":{\"redactedContent\":"
       "\"Z2VuYWk6YW50aHJvcGljOnNlYWxlZDowOmRhdGE=\"}},{\"text\":\"b\"}]}],"
       "\"inferenceConfig\":{\"maxTokens\":9}}",
       "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
       "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
       "\"thinking\":\"hm\",\"signature\":\"sig\"},{\"type\":"
       "\"redacted_thinking\",\"data\":\"data\"},{\"type\":\"text\",\"text\":"
       "\"b\"}]}],\"max_tokens\":9}",
       "what Anthropic has signed, given back to it");
    anthropic("{\"max_tokens\":9,\"messages\":[{\"role\":\"assistant\","
              "\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\","
              "\"signature\":\"genai:bedrock:thought:0:sig\"},{\"type\":"
              "\"thinking\",\"thinking\":\"x\",\"signature\":\"own\"},{"
              "\"type\":\"redacted_thinking\",\"data\":"
              "\"genai:bedrock:sealed:0:AAAA\"},{\"type\":\"text\",\"text\":"
              "\"b\"}]}]}",
              "{\"messages\":[{\"role\":\"assistant\",\"content\":[{"
              "\"reasoningContent\":{\"reasoningText\":{\"text\":\"hm\","
              "\"signature\":\"sig\"}}},{\"reasoningContent\":{"
              "\"redactedContent\":\"AAAA\"}},{\"text\":\"b\"}]}],"
              "\"inferenceConfig\":{\"maxTokens\":9}}",
              "what Bedrock has signed, given back to it");
    is_str(chat_dropped(), "thinking", "and nobody else's");

    to(&genai_bedrock,
       "{\"messages\":[{\"role\":\"user\",\"content\":[{\"searchResult\":{"
       "\"source\":\"s\"}},{\"image\":{\"format\":\"png\",\"source\":{"
       "\"s3Location\":{\"uri\":\"s3://a\"}}}}]},{\"role\":\"assistant\","
       "\"content\":[{\"toolUse\":{\"toolUseId\":\"i\",\"name\":"
       "\"nova_grounding\",\"type\":\"server_tool_use\",\"input\":{}}},{"
       "\"text\":\"b\"}]},{\"role\":\"user\",\"content\":[{\"toolResult\":{"
       "\"toolUseId\":\"j\",\"content\":[{\"json\":[1]}]}}]}],\"toolConfig\":"
       "{\"tools\":[{\"systemTool\":{\"name\":\"nova_grounding\"}}]}}",
       "{\"toolConfig\":{\"tools\":[{\"systemTool\":{\"name\":"
       "\"nova_grounding\"}}]},\"messages\":[{\"role\":\"user\",\"content\":[{"
       "\"searchResult\":{\"source\":\"s\"}},{\"image\":{\"format\":\"png\","
       "\"source\":{\"s3Location\":{\"uri\":\"s3://a\"}}}}]},{\"role\":"
       "\"assistant\",\"content\":[{\"toolUse\":{\"toolUseId\":\"i\",\"name\":"
       "\"nova_grounding\",\"type\":\"server_tool_use\",\"input\":{}}},{"
       "\"text\":\"b\"}]},{\"role\":\"user\",\"content\":[{\"toolResult\":{"
       "\"toolUseId\":\"j\",\"content\":[{\"json\":[1]}]}}]}]}",
       "its own back to itself");

    to(&genai_openai, "{\"messages\":[]}", "messages must have at least one",
       "no messages");
    to(&genai_openai,
       "{\"guardrailConfig\":{\"guardrailIdentifier\":\"g\"},\"messages\":["
       USER("a") "]}",
       "guardrailConfig cannot be sent to a provider of another API",
       "a guardrail");
    to(&genai_openai,
       "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
       "a content and the system must be a list of blocks", "a string");
    to(&genai_openai,
       "{\"messages\":[{\"role\":\"assistant\",\"content\":[{"
       "\"reasoningContent\":{\"redactedContent\":\"Z2VuYWk6YW\"}}]}]}",
       "a thought's signature has been changed", "a damaged mark");
    to(&genai_openai,
       "{\"messages\":[" USER("a") "],\"outputConfig\":{\"textFormat\":{"
       "\"structure\":{\"jsonSchema\":{\"schema\":\"{\"}}}}}",
       "a jsonSchema's schema must be a string that is a JSON object",
       "a schema that is none");
}


int
main(void)
{
    test_texts();
    test_cache();
    test_params();
    test_tools();
    test_read();

    genai_arena_destroy(&chat_arena);

    return done_testing();
}
