/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Answers that are no conversation's: usage as it is told in many ways,
 * errors, streams, every two-way split and random splits, hostile bodies.
 */


#include "genai_results.h"

#define ANSWER_T     genai_results_t
#define ANSWER_INIT  genai_results_init

#include "tap.h"
#include "answer.h"


#define E(json)  "data: " json "\n\n"

#define DONE     "\nend 0 0 "


static answer_told_t  one, two;


static void
check(unsigned stream, const char *body, size_t len, const char *want,
    const char *what)
{
    int                  rc, rc2;
    size_t               i;
    genai_answer_opts_t  opts;

    memset(&opts, 0, sizeof(opts));
    opts.stream = stream;
    opts.choices = 1;
    opts.results = 1;

    rc = 0;

    for (i = 0; i < len + 30; i++) {

        answer_reset(i ? &two : &one);
        rc2 = answer_decode_cut(i ? &two : &one, (unsigned char *) body, len,
                                &opts, i < len ? 0 : i - len + 1, i);
        if (i == 0) {
            rc = rc2;
            quiet_ok(!one.bad, "%s: line %u", what, one.bad);
            continue;
        }

        if (rc != rc2 || two.bad || one.log.len != two.log.len
            || memcmp(one.log.data, two.log.data, one.log.len) != 0)
        {
            is_mem(two.log.data, two.log.len, one.log.data, one.log.len,
                   "%s: cut at %lu, line %u", what, (unsigned long) i,
                   two.bad);
            return;
        }
    }

    quiet_ok(1, "splits");
    is_str(one.short_log.data, want, "%s", what);
}


#define json(body, want, what)  check(0, body, sizeof(body) - 1, want, what)
#define sse(body, want, what)  check(1, body, sizeof(body) - 1, want, what)

#define logged(text)  ok(strstr(one.log.data, text) != NULL, "%s", text)


static void
test_whole(void)
{
    json("{\"id\":\"modr-1\",\"model\":\"m\",\"results\":[{\"flagged\":false,"
         "\"usage\":{\"input_tokens\":9}}]}", DONE, "moderations");
    logged("start 0.0 f2 ");
    logged("chunk=19 ");
    logged("end=2 ");
    json(" {\"object\":\"list\",\"data\":[{\"relevance_score\":0.5}],\"usage\""
         ":{\"total_tokens\":43}} \n", "\nusage 0 0 43 -1 0 -1 43" DONE,
         "a total alone");
    json("{\"results\":[],\"usage\":{\"prompt_tokens\":7,\"total_tokens\":7}}",
         "\nusage 0 0 7 -1 -1 -1 7" DONE, "vLLM's rerank");
    json("{\"results\":[],\"meta\":{\"api_version\":{\"version\":\"2\"},"
         "\"billed_units\":{\"search_units\":1}}}", DONE,
         "units that are no tokens");
    json("{\"meta\":{\"billed_units\":{\"search_units\":1},\"tokens\":"
         "{\"input_tokens\":12,\"output_tokens\":0}}}",
         "\nusage 0 0 12 -1 0 -1 12" DONE, "meta.tokens");
    json("{\"meta\":{\"tokens\":{\"input_tokens\":12},\"billed_units\":"
         "{\"input_tokens\":5,\"output_tokens\":1}}}",
         "\nusage 0 0 5 -1 1 -1 6" DONE, "what is billed");
    json("{\"usage\":{\"total_tokens\":3},\"meta\":{\"billed_units\":"
         "{\"input_tokens\":5}}}", "\nusage 0 0 3 -1 0 -1 3" DONE,
         "usage counts more");
    json("{\"created\":1,\"data\":[{\"b64_json\":\"AAAA\\n\"}],\"usage\":"
         "{\"input_tokens\":50,\"output_tokens\":1056,\"total_tokens\":1106,"
         "\"input_tokens_details\":{\"text_tokens\":10,\"image_tokens\":40,"
         "\"cached_tokens\":4}}}", "\nusage 0 0 50 4 1056 -1 1106" DONE,
         "images");
    json("{\"text\":\"hi\",\"usage\":{\"type\":\"tokens\",\"input_tokens\":14,"
         "\"input_token_details\":{\"text_tokens\":0,\"audio_tokens\":14},"
         "\"output_tokens\":101,\"total_tokens\":115}}",
         "\nusage 0 0 14 -1 101 -1 115" DONE, "a transcript in tokens");
    json("{\"text\":\"hi\",\"usage\":{\"type\":\"duration\",\"seconds\":9}}",
         "\nusage 0 0 0 -1 0 -1 0" DONE, "a transcript in seconds");
    json("{\"text\":\"hi\",\"usage\":{\"seconds\":9}}", DONE,
         "usage of another kind");
    json("{\"usage\":null,\"error\":null,\"meta\":[1]}", DONE, "nulls");
    json("{\"usage\":{\"prompt_tokens\":\"9\",\"completion_tokens\":-1,"
         "\"total_tokens\":1.5}}", DONE, "no counts");
    json("[{\"index\":0,\"score\":0.9,\"usage\":{\"total_tokens\":1}}]", DONE,
         "an array");
    logged("start 0.0 f2 ");
}


static void
test_errors(void)
{
    json("{\"error\":{\"message\":\"no \\u00e4\",\"type\":\"t\",\"code\":"
         "\"c\"}}", "\nerror 0 0 no \xc3\xa4<c><t>0" DONE, "an error");
    logged("end=0 ");
    ok(strstr(one.log.data, "start") == NULL, "is no answer");
    json("{\"error\":\"bad\",\"type\":\"x\"}", "\nerror 0 0 bad<><>0" DONE,
         "a text");
    json("{\"error\":{\"code\":503}}", "\nerror 0 0 <503><>0" DONE,
         "a number");
    json("{\"error\":{}}", DONE, "an empty one is none");
    json("", DONE, "nothing");
    logged("broken");
    json("<html>", DONE, "HTML");
    logged("broken");
    json("{\"usage\":{\"total_tokens\":1}", DONE, "cut");
    logged("end=0 ");
    json("{} x", DONE, "bytes behind it");
    json("\"text\"", DONE, "a text alone");
    logged("end=0 ");
}


static void
test_streams(void)
{
    sse(E("{\"type\":\"transcript.text.delta\",\"delta\":\"a\"}")
        E("{\"type\":\"transcript.text.done\",\"text\":\"a\",\"usage\":"
          "{\"input_tokens\":1,\"output_tokens\":2,\"total_tokens\":3}}"),
        "\nusage 0 0 1 -1 2 -1 3" DONE, "a transcript");
    logged("end=1 ");
    logged("start");
    sse("event: image_generation.completed\n"
        E("{\"type\":\"image_generation.completed\",\"usage\":"
          "{\"total_tokens\":3}}"), "\nusage 0 0 3 -1 0 -1 3" DONE,
        "an image");
    sse(E("{\"type\":\"speech.audio.delta\",\"audio\":\"AA\"}") ": ping\n\n",
        DONE, "cut");
    logged("end=0 ");
    sse(E("{\"x\":1}") E("[DONE]"), DONE, "a last word");
    logged("end=2 ");
    sse(E("[DONE"), DONE, "half of it");
    logged("broken");
    sse(E("nonsense") E("{\"type\":\"done\"}"), DONE, "nonsense");
    logged("broken");
    sse(E("{\"type\":\"error\",\"error\":{\"message\":\"m\",\"type\":\"t\"}}"),
        "\nerror 0 0 m<><t>0" DONE, "an error");
    sse("event: error\ndata: {\"x\":1}\n\n", "\nerror 0 0 <><>0" DONE,
        "an event called so");
    sse("data: {\"type\":\n", DONE, "half an event");
    sse("{\"usage\":{\"total_tokens\":2}}", "\nusage 0 0 2 -1 0 -1 2" DONE,
        "JSON where events were expected");
    check(0, E("{\"type\":\"done\"}"), sizeof(E("{\"type\":\"done\"}")) - 1,
          DONE, "events where JSON was expected");
}


/* memory is the same for an image of 10 MB */

static void
test_large(void)
{
    char                *body;
    size_t               n;
    genai_answer_opts_t  opts;

    body = malloc(11 * 1024 * 1024);

    n = sprintf(body, "{\"data\":[{\"b64_json\":\"");
    memset(body + n, 'A', 10 * 1024 * 1024);
    n += 10 * 1024 * 1024;
    n += sprintf(body + n, "\"}],\"usage\":{\"input_tokens\":5,"
                 "\"output_tokens\":6}}");

    memset(&opts, 0, sizeof(opts));
    answer_reset(&one);
    is_int(answer_decode(&one, (unsigned char *) body, n, &opts, 4096), 0,
           "10 MB");
    is_str(one.short_log.data, "\nusage 0 0 5 -1 6 -1 11" DONE, "its usage");

    n = sprintf(body, "{\"error\":{\"message\":\"");
    memset(body + n, 'e', 5000);
    n += 5000;
    n += sprintf(body + n, "\",\"type\":\"");
    memset(body + n, 't', 500);
    n += 500;
    n += sprintf(body + n, "\"}}");

    answer_reset(&one);
    is_int(answer_decode(&one, (unsigned char *) body, n, &opts, 7), 0,
           "a long error");
    ok(one.short_log.len < 1100 && strstr(one.short_log.data, "ee<><>0"),
       "is cut, its type is not told");

    free(body);
}


int
main(void)
{
    test_whole();
    test_errors();
    test_streams();
    test_large();

    answer_free(&one);
    answer_free(&two);

    return done_testing();
}
