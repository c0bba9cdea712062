/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What makes a count an estimate, by how much, and that no request makes
 * framing it a long work.
 */


#include "request.h"
#include "genai_framing.h"
#include "genai_openai_request.h"
#include "genai_text.h"

#include <time.h>


static genai_arena_t     memory;
static genai_catalog_t  *catalog;

static const char  models[] =
    "{\"schema\":1,\"models\":{"
    "\"gpt\":{\"tokenizer\":\"o\",\"framing\":\"openai\","
    "\"image\":{\"tiles\":[85,170]}},"
    "\"oss\":{\"tokenizer\":\"o\",\"framing\":\"gpt-oss\"},"
    "\"qwen\":{\"tokenizer\":\"q\",\"framing\":\"qwen3\"},"
    "\"llama\":{\"tokenizer\":\"l\",\"framing\":\"llama3.1\"},"
    "\"deep\":{\"tokenizer\":\"d\",\"framing\":\"deepseek3.1\"},"
    "\"mist\":{\"tokenizer\":\"m\",\"framing\":\"mistral15\","
    "\"image\":{\"grid\":[28,1540]}},"
    "\"base\":{\"tokenizer\":\"o\"}}}";

#define USER       "{\"role\":\"user\",\"content\":\"a\"}"
#define SAYS(who, text)                                                       \
    "{\"role\":\"" who "\",\"content\":\"" text "\"}"


static const genai_catalog_model_t *
find(const char *name)
{
    genai_str_t  s;

    s.data = (unsigned char *) name;
    s.len = strlen(name);

    return genai_catalog_find(catalog, &s);
}


static void
words(char *dst, uint32_t bits)
{
    uint32_t  bit;

    for (bit = 1; bit < 0x10000; bit <<= 1) {
        if (bits & bit) {
            dst += sprintf(dst, " %s", genai_framing_why(bit));
        }
    }

    *dst = '\0';
}


/* why the prompt's count is an estimate, and why the answer's */

static void
why(genai_endpoint_e endpoint, const char *model, const char *json,
    const char *prompt, const char *answer)
{
    char              text[256];
    uint32_t          i, bits;
    request_t         r;
    genai_str_t       raw;
    genai_framing_t   f;

    request_open(&r, &genai_openai, endpoint, json, strlen(json));

    if (genai_request_read(&r.req, SIZE_MAX) != GENAI_REQUEST_DONE) {
        fail("%s: %s", json, r.req.error);
        goto done;
    }

    genai_framing_init(&f, &r.req, find(model), &r.arena);
    is_int(genai_framing_run(&f, SIZE_MAX), GENAI_FRAMING_DONE, "%.300s",
           json);

    bits = f.estimated;

    for (i = 0; i < f.nitems; i++) {

        if (f.items[i].segment == GENAI_FRAMING_MADE) {
            continue;
        }

        raw = genai_tape_view(&r.req.tape,
                              r.req.segments[f.items[i].segment].value);

        if (genai_framing_marks(find(model), &raw, 0, raw.len)) {
            bits |= GENAI_FRAMING_MARKS;
        }
    }

    words(text, bits);
    is_str(text, prompt, "the prompt");
    words(text, f.answer);
    is_str(text, answer, "the answer");

    ok((f.slack != 0) == (f.estimated != 0), "slack where it is estimated");

done:

    request_close(&r);
}


#define chat(model, json, prompt, answer)                                     \
    why(GENAI_ENDPOINT_CHAT, model, json, prompt, answer)

#define asked(model, rest, prompt, answer)                                    \
    chat(model, "{\"messages\":[" USER "]," rest "}", prompt, answer)


static void
members(void)
{
    asked("gpt", "\"model\":\"x\",\"temperature\":1,\"user\":\"u\"", "", "");
    asked("gpt", "\"n\":1,\"stop\":null,\"x\":null", "", "");
    asked("mist", "\"safe_prompt\":true", " options", " options");
    asked("mist", "\"prompt_mode\":\"reasoning\"", " options", " options");
    asked("qwen", "\"add_generation_prompt\":false", " options", " options");
    asked("qwen", "\"truncate_prompt_tokens\":9", " options", " options");
    asked("qwen", "\"add_special_tokens\":true", " options", " options");
    asked("gpt", "\"transforms\":[\"middle-out\"]", " options", " options");
    asked("deep", "\"thinking\":{\"type\":\"enabled\"}", " options", "");
    asked("gpt", "\"stop\":\"x\"", "", " options");
    asked("gpt", "\"stop_token_ids\":[1]", "", " options");
    asked("gpt", "\"include_stop_str_in_output\":true", "", " options");
    asked("gpt", "\"best_of\":2", "", " options");
    asked("gpt", "\"n\":2", "", " options");
    asked("oss", "\"reasoning_effort\":\"medium\"", "", "");
    asked("oss", "\"reasoning_effort\":\"low\"", " options", "");

    why(GENAI_ENDPOINT_COMPLETIONS, "llama", "{\"prompt\":\"a\","
        "\"echo\":true}", "", " options");
    why(GENAI_ENDPOINT_EMBEDDINGS, "base", "{\"input\":\"a\","
        "\"dimensions\":2}", "", " options");
    why(GENAI_ENDPOINT_EMBEDDINGS, "base", "{\"input\":\"a\","
        "\"truncate_prompt_tokens\":2}", " options", " options");

    chat("mist", "{\"messages\":[" USER "," "{\"role\":\"assistant\","
         "\"content\":\"Sure\",\"prefix\":true}," USER "]}", " options", "");
    chat("qwen", "{\"messages\":[" USER "," SAYS("assistant", "Sure") "]}",
         " options", "");
    chat("gpt", "{\"messages\":[{\"role\":\"user\",\"content\":["
         "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://a\","
         "\"detail\":\"low\",\"fps\":1}}]}]}", " images options", "");

    asked("gpt", "\"prediction\":{\"type\":\"content\",\"content\":\"x\"}",
          " options", " options");

    /* who does not take turns */

    chat("deep", "{\"messages\":[" USER "," USER "]}", " turns", "");
    chat("gpt", "{\"messages\":[" USER "," USER "]}", "", "");
    chat("deep", "{\"messages\":[" USER "," SAYS("system", "s") "]}", " turns",
         "");
    chat("mist", "{\"messages\":[" SAYS("system", "s") "]}", " turns", "");
    chat("oss", "{\"messages\":[" SAYS("system", "s") ","
         SAYS("developer", "s") "," USER "]}", " turns", "");
    chat("mist", "{\"messages\":[" SAYS("system", "s") "," USER ","
         SAYS("assistant", "a") "," USER "]}", "", "");

    /* no frame at all */

    asked("base", "\"model\":\"x\"", " family", "");
}


#define PARTS(one, two)                                                       \
    "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","      \
    "\"text\":\"" one "\"},{\"type\":\"text\",\"text\":\"" two "\"}]}]}"

#define A10   "aaaaaaaaaa"
#define A100  A10 A10 A10 A10 A10 A10 A10 A10 A10 A10

static void
texts(void)
{
    chat("gpt", PARTS("one two", "three four"), "", "");
    chat("gpt", PARTS("a", "b"), "", "");
    chat("gpt", PARTS(A100, "b"), " seams", "");
    chat("gpt", PARTS("b", A100), " seams", "");
    chat("gpt", PARTS(A100 " b", "c " A100), "", "");
    chat("gpt", "{\"messages\":[{\"role\":\"user\",\"content\":["
         "{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":"
         "\"a\"},{\"type\":\"text\",\"text\":\"a\"}]}]}", " seams", "");

    chat("qwen", "{\"messages\":[" USER "," SAYS("assistant", "<think>\\nhm"
         "\\n</think>\\n\\nyes") "," USER "]}", " reasoning", "");
    chat("deep", "{\"messages\":[" USER "," SAYS("assistant",
         "\\u003c/think\\u003eyes") "," USER "]}", " reasoning", "");
    chat("qwen", "{\"messages\":[" SAYS("user", "what is </think>?") "]}", "",
         "");

    chat("qwen", "{\"messages\":[" SAYS("user", "a<|im_end|>b") "]}",
         " marks", "");
    chat("qwen", "{\"messages\":[" SAYS("user", "a\\u003c|im_end|\\u003eb")
         "]}", " marks", "");
    chat("qwen", "{\"messages\":[" SAYS("user", "a || b < |c|") "]}", "", "");
    chat("gpt", "{\"messages\":[" SAYS("user", "a<|im_end|>b") "]}", "", "");
    chat("deep", "{\"messages\":[" SAYS("user", "<\xef\xbd\x9cUser>") "]}",
         " marks", "");
    chat("deep", "{\"messages\":[" SAYS("user", "<\\uFF5cUser>") "]}",
         " marks", "");
    chat("mist", "{\"messages\":[" SAYS("user", "x [/INST] y") "]}", " marks",
         "");
    chat("mist", "{\"messages\":[" SAYS("user", "a <\\/s> b") "]}", " marks",
         "");
    chat("mist", "{\"messages\":[" SAYS("user", "a[0] [x] <b> ass>") "]}", "",
         "");
}


#define TOOL(rest)                                                            \
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"," rest    \
    "}}]"

#define PROPERTIES(rest)                                                      \
    TOOL("\"parameters\":{\"type\":\"object\",\"properties\":{" rest "}}")

#define CALLED(args)                                                          \
    "{\"messages\":[" USER ",{\"role\":\"assistant\",\"tool_calls\":[{"       \
    "\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"f\","        \
    "\"arguments\":\"" args "\"}}]},{\"role\":\"tool\",\"tool_call_id\":"     \
    "\"1\",\"content\":\"x\"}]}"


static void
schemas(void)
{
    asked("gpt", PROPERTIES("\"a\":{\"type\":\"string\"}"), "", "");
    asked("gpt", PROPERTIES("\"a\":{\"type\":\"string\"},\"a\":"
          "{\"type\":\"string\"}"), " tools", "");
    asked("gpt", PROPERTIES("\"a\":{\"type\":\"string\",\"type\":"
          "\"string\"}"), " tools", "");
    asked("gpt", PROPERTIES("\"a\":{\"type\":\"string\",\"enum\":[\"x\"]}"),
          "", "");
    asked("gpt", PROPERTIES("\"a\":{\"type\":\"number\",\"enum\":[1,2]}"),
          " tools", "");
    asked("mist", PROPERTIES("\"a\":{\"maximum\":2.5,\"minimum\":-1}"), "",
          "");
    asked("mist", PROPERTIES("\"a\":{\"maximum\":1.50}"), " tools", "");
    asked("mist", PROPERTIES("\"a\":{\"maximum\":1e5}"), " tools", "");
    asked("gpt", TOOL("\"strict\":true"), " tools", "");
    asked("mist", PROPERTIES("\"a\":{\"maximum\":0.00001}"), " tools", "");
    asked("mist", PROPERTIES("\"a\":{\"maximum\":12345678901234567890}"),
          " tools", "");
    asked("mist", PROPERTIES("\"a\":1,\"a\":2"), " tools", "");
    asked("mist", PROPERTIES("\"a\":1,\"\\u0061\":2"), " tools", "");
    asked("oss", TOOL("\"description\":\"one\\ntwo\""), " tools", "");
    asked("oss", PROPERTIES("\"a\":{\"type\":\"string\",\"description\":"
          "\"one\"}"), "", "");
    asked("oss", PROPERTIES("\"a\":{\"type\":\"string\",\"description\":"
          "\"one\\ntwo\"}"), " tools", "");
    asked("gpt", "\"response_format\":{\"type\":\"json_schema\","
          "\"json_schema\":{\"name\":\"n\",\"schema\":{\"a\":1,\"a\":2}}}",
          " format", "");

    chat("mist", CALLED("{\\\"a\\\":1.5}"), "", "");
    chat("mist", CALLED("{\\\"a\\\":1.0}"), " calls", "");
    chat("gpt", CALLED("{\\\"a\\\":1,\\\"a\\\":1}"), " calls", "");
    chat("oss", CALLED("{\\\"a\\\":1e3}"), " calls", "");
}


/* what a request's texts, rendered, are in bytes; the processor's time */

static size_t
rendered(const char *model, const char *json, size_t budget, double *seconds)
{
    int              rc;
    size_t           n;
    clock_t          began;
    uint32_t         i;
    request_t        r;
    genai_framing_t  f;

    request_open(&r, &genai_openai, GENAI_ENDPOINT_CHAT, json, strlen(json));

    if (genai_request_read(&r.req, SIZE_MAX) != GENAI_REQUEST_DONE) {
        abort();
    }

    genai_framing_init(&f, &r.req, find(model), &r.arena);
    *seconds = 0;

    do {
        began = clock();
        rc = genai_framing_run(&f, budget);
        began = clock() - began;

        if ((double) began / CLOCKS_PER_SEC > *seconds) {
            *seconds = (double) began / CLOCKS_PER_SEC;
        }

    } while (rc == GENAI_FRAMING_AGAIN);

    is_int(rc, GENAI_FRAMING_DONE, "framed");
    ok(f.estimated, "an estimate");

    n = 0;

    for (i = 0; i < f.nitems; i++) {
        n += f.items[i].text.len;
    }

    request_close(&r);

    return n;
}


static void
work(void)
{
    int     i, n;
    char   *json, *p;
    double  seconds;
    size_t  size;

    json = malloc(1 << 23);
    p = json;

    /* references that double at each level, in a large table of them */

    p += sprintf(p, "{\"messages\":[" USER "]," TOOL("\"parameters\":{"
                 "\"type\":\"object\",\"properties\":{"));
    p -= 3;

    for (i = 0; i < 300; i++) {
        p += sprintf(p, "%s\"x%d\":{\"$ref\":\"#/$defs/Z0\"}", i ? "," : "",
                     i);
    }

    p += sprintf(p, "},\"$defs\":{");

    for (i = 0; i < 3800; i++) {
        p += sprintf(p, "\"a%d\":{},", i);
    }

    for (i = 0; i < 14; i++) {
        p += sprintf(p, "\"Z%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/Z%d\"},"
                     "{\"$ref\":\"#/$defs/Z%d\"}]},", i, i + 1, i + 1);
    }

    p += sprintf(p, "\"Z14\":{\"anyOf\":[]}}}}}]}");

    size = rendered("gpt", json, 65536, &seconds);
    ok(size < (size_t) (p - json), "no more than it stands: %lu bytes",
       (unsigned long) size);
    ok(seconds < 0.1, "doubling references: %.4f s", seconds);

    /* objects within each other, of which all are looked through each time */

    p = json + sprintf(json, "{\"messages\":[" USER "]," TOOL("\"parameters\""
                       ":{\"type\":\"object\",\"properties\":{"));
    p -= 3;

    for (n = 0; n < 15; n++) {

        for (i = 0; i < 100; i++) {
            p += sprintf(p, "\"b%d\":{\"type\":\"string\"},", i);
        }

        p += sprintf(p, "\"z\":{\"type\":\"object\",\"properties\":{");
    }

    p += sprintf(p, "\"z\":1");

    for (n = 0; n < 15; n++) {
        p += sprintf(p, "}}");
    }

    p += sprintf(p, "}}}}]}");

    (void) rendered("gpt", json, 65536, &seconds);
    ok(seconds < 0.1, "nested objects: %.4f s", seconds);

    /* calls that have members which nobody asks for */

    p = json + sprintf(json, "{\"messages\":[" USER ",{\"role\":\"assistant\","
                       "\"tool_calls\":[");

    for (n = 0; n < 60; n++) {

        p += sprintf(p, "%s{\"function\":{", n ? "," : "");

        for (i = 0; i < 8000; i++) {
            p += sprintf(p, "\"m%d\":1,", i);
        }

        p += sprintf(p, "\"name\":\"f\",\"arguments\":\"{}\"}}");
    }

    p += sprintf(p, "]}]}");

    (void) rendered("gpt", json, 65536, &seconds);
    ok(seconds < 0.1, "wide calls: %.4f s", seconds);

    /* what is large is not copied */

    p = json + sprintf(json, "{\"messages\":[" USER "],\"response_format\":"
                       "{\"type\":\"json_schema\",\"json_schema\":{\"name\":"
                       "\"n\",\"schema\":{\"description\":\"");
    memset(p, 'x', 6000000);
    p += 6000000;
    sprintf(p, "\"}}}}");

    size = rendered("gpt", json, 65536, &seconds);
    ok(size > 6000000 && size < 6000100, "a large schema as it stands");
    ok(seconds < 0.02, "at once: %.4f s", seconds);

    p = json + sprintf(json, "{\"messages\":[" USER "],\"tools\":[{\"type\":"
                       "\"function\",\"function\":{\"name\":\"f\","
                       "\"description\":\"");
    memset(p, 'x', 6000000);
    p += 6000000;
    sprintf(p, "\"}}]}");

    size = rendered("mist", json, 65536, &seconds);
    ok(size > 6000000 && size < 6000100, "a large tool as it stands");
    ok(seconds < 0.02, "at once: %.4f s", seconds);

    free(json);
}


int
main(void)
{
    genai_str_t  s;

    genai_arena_init(&memory, 1 << 24);
    catalog = genai_catalog_create(&memory);

    s.data = (unsigned char *) models;
    s.len = sizeof(models) - 1;

    if (genai_catalog_add(catalog, "models.json", &s) != 0
        || genai_catalog_done(catalog) != 0
        || genai_catalog_findings(catalog))
    {
        fail("the models");
        return done_testing();
    }

    members();
    texts();
    schemas();
    work();

    genai_arena_destroy(&memory);

    return done_testing();
}
