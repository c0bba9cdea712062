/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Answers in Gemini's dialect, whole, as events and as an array: the events,
 * every two-way split and random splits, hostile bodies and events of 10 MB.
 */


#define ANSWER_GEMINI  1

#include "tap.h"
#include "answer.h"


#define USED  "\"usageMetadata\":{\"promptTokenCount\":10,"                   \
    "\"candidatesTokenCount\":5,\"totalTokenCount\":15}"
#define SO_FAR  "\"usageMetadata\":{\"promptTokenCount\":10,"                 \
    "\"candidatesTokenCount\":2,\"totalTokenCount\":12}"

/* a candidate that goes on, one that ends */
#define MORE(parts)  "{\"candidates\":[{\"content\":{\"parts\":[" parts       \
    "],\"role\":\"model\"},\"index\":0}]," SO_FAR ",\"modelVersion\":\"g\","  \
    "\"responseId\":\"r\"}"
#define LAST(parts, why)  "{\"candidates\":[{\"content\":{\"parts\":[" parts  \
    "],\"role\":\"model\"},\"finishReason\":\"" why "\",\"index\":0}]," USED  \
    ",\"modelVersion\":\"g\",\"responseId\":\"r\"}"
#define TEXT(t)  "{\"text\":\"" t "\"}"
#define THINK(t)  "{\"text\":\"" t "\",\"thought\":true}"
#define SIGN(s)  ",\"thoughtSignature\":\"" s "\""

#define E(json)  "data: " json "\r\n\r\n"

/* what all that is well ends with */
#define OK  "\nfinish 0 0 1\nusage 0 0 10 -1 5 -1 15\nend 0 0 "
#define TOOLS  "\nfinish 0 0 3\nusage 0 0 10 -1 5 -1 15\nend 0 0 "


static answer_told_t  one, two;
static unsigned       choices = 1;


static void
splits(const char *body, size_t len, const genai_answer_opts_t *opts,
    const char *what)
{
    int     rc, rc2;
    size_t  i;

    rc = 0;

    for (i = 0; i < len + 40; i++) {

        answer_reset(i ? &two : &one);
        rc2 = answer_decode_cut(i ? &two : &one, (unsigned char *) body, len,
                                opts, i < len ? 0 : i - len + 1, i);

        if (i == 0) {
            rc = rc2;
            quiet_ok(!one.bad, "%s: line %u", what, one.bad);
            continue;
        }

        if (rc != rc2 || two.bad || one.log.len != two.log.len
            || memcmp(one.log.data, two.log.data, one.log.len) != 0)
        {
            is_mem(two.log.data, two.log.len, one.log.data, one.log.len,
                   "%s: cut at %lu of %lu, line %u", what, (unsigned long) i,
                   (unsigned long) len, two.bad);
            return;
        }
    }

    quiet_ok(1, "splits");
}


/* what an encoder keeps must be as written here */

static void
check(unsigned stream, const char *body, size_t len, const char *want,
    const char *what)
{
    genai_answer_opts_t  opts;

    opts.stream = stream;
    opts.choices = choices;
    opts.limit = 0;

    splits(body, len, &opts, what);
    is_str(one.short_log.data, want, "%s", what);
}


#define sse(body, want, what)  check(1, body, sizeof(body) - 1, want, what)
#define json(body, want, what)  check(0, body, sizeof(body) - 1, want, what)

/* what is in the log of all that is told */

#define logged(text, what)                                                    \
    ok(strstr(one.log.data, text) != NULL, "%s: %s", what, text)


static void
test_text(void)
{
    sse(E(MORE(TEXT("Hel"))) E(MORE(TEXT("lo \\ud83d\\ude00")))
        E(LAST(TEXT(""), "STOP")),
        "\ntext 0 0 Hello \xf0\x9f\x98\x80" OK, "a stream");
    logged("end=1 ", "it is clean");
    logged("usage 0.0 f0 c1 ", "usage so far is a copy");
    sse(E(MORE(TEXT("a"))), "\ntext 0 0 a\nend 0 0 ", "cut");
    logged("end=0 ", "it is cut");
    sse(": hi\n\n" E("{\"candidates\":[{\"content\":{\"role\":\"model\"}}],"
        "\"usageMetadata\":{\"trafficType\":\"ON_DEMAND\"}}")
        E(LAST("null,7," TEXT("a") ",{}", "STOP")),
        "\ntext 0 0 a" OK, "a candidate without parts, odd parts");
    json(LAST(TEXT("Hello") "," TEXT(" you"), "STOP"),
         "\ntext 0 0 Hello you" OK, "a whole answer");
    logged("end=2 ", "it is done");
    json("{\"responseId\":\"r\",\"modelVersion\":\"g\",\"candidates\":[{"
         "\"finishReason\":\"STOP\",\"content\":{\"parts\":[{\"text\":\"a\"}]}"
         "}]}\n", "\ntext 0 0 a\nfinish 0 0 1\nend 0 0 ", "another order");
    logged("id=<r> name=<g>", "its start");
    json("{\"candidates\":[{\"finishReason\":\"STOP\"}],\"modelVersion\":"
         "\"g\",\"responseId\":\"r\"}", "\nfinish 0 0 1\nend 0 0 ",
         "who it is behind that");
    logged("start 0.0 f0 c0 j0 @14-14 id=<> name=<>", "its start");
    logged("start 0.0 f0 c1 j0 @76-76 id=<r> name=<g>", "and comes again");
    json("{\"totalTokens\":31}", "\nend 0 0 ", "countTokens");
    logged("start 0.0 f2 ", "it is an answer");
    json("{\"embedding\":{\"values\":[1,2]}}", "\nend 0 0 ", "embedContent");
}


/* 45: a JSON array (no alt=sse) split anywhere */

static void
test_array(void)
{
    sse("[" MORE(TEXT("Hel")) "\n,\r\n" MORE(TEXT("lo")) ",\n"
        LAST(TEXT("!"), "STOP") "\n]\n",
        "\ntext 0 0 Hello!" OK, "an array");
    logged("end=2 ", "it is done");
    json(" [" LAST(TEXT("a"), "STOP") "]", "\ntext 0 0 a" OK,
         "an array of one");
    json("[" MORE(TEXT("a")) "]", "\ntext 0 0 a\nend 0 0 ", "it never ended");
    logged("end=0 ", "it is cut");
    json("[" MORE(TEXT("a")) ",", "\ntext 0 0 a\nend 0 0 ", "cut");
    json("[" MORE(TEXT("a")) ",{\"candidates\":[{\"content\":{\"parts\":[{"
         "\"text\":\"b", "\ntext 0 0 ab\nend 0 0 ", "cut in a text");
    json("[]", "\nend 0 0 ", "nothing");
    logged("there are no candidates", "it is told");
    json("[7]", "\nend 0 0 ", "no object");
    logged("an object is expected", "it is told");
    json("[" MORE(TEXT("a")) " " MORE(TEXT("b")) "]",
         "\ntext 0 0 a\nend 0 0 ", "no comma");
    json("[" LAST(TEXT("a"), "STOP") "] {}", "\ntext 0 0 a" OK,
         "bytes behind");
    logged("there are bytes after the value", "it is told");
    json("[" MORE(TEXT("a")) ",]", "\ntext 0 0 a\nend 0 0 ", "one comma more");
    json("[{\"error\":{\"code\":429,\"message\":\"no\",\"status\":"
         "\"RESOURCE_EXHAUSTED\"}}]",
         "\nerror 0 0 no<429><RESOURCE_EXHAUSTED>0\nend 0 0 ",
         "an error in an array");
    logged("end=0 ", "it is no answer");
}


static void
test_thoughts(void)
{
    sse(E(MORE(THINK("hm "))) E(MORE(THINK("so"))) E(MORE(TEXT("a")))
        E(MORE("{\"thought\":true,\"text\":\"b\"" SIGN("c2ln") "}"))
        E(MORE("{\"text\":\"c\",\"thought\":true}"))
        E(LAST("{\"text\":\"\"" SIGN("eA==") "}", "STOP")),
        "\nreasoning 0 0 hm so\ntext 0 0 a\nreasoning 0 1 b"
        "\nsignature 0 1 10 c2ln\nreasoning 0 2 c\nsignature 0 0 9 eA==" OK,
        "thoughts and their signatures");
    logged("by=<gemini>", "who has signed");
    json(LAST("{\"thoughtSignature\":\"s\",\"thought\":true,\"text\":\"t\"},"
              "{\"thoughtSignature\":\"x\",\"text\":\"a\",\"thought\":false},"
              "{\"thoughtSignature\":\"y\",\"text\":\"b\"}", "STOP"),
         "\nsignature 0 0 10 s\nreasoning 0 0 t\nsignature 0 0 9 x\ntext 0 0 a"
         "\nsignature 0 1 9 y\ntext 0 0 b" OK, "in the other order");
    json(LAST("{\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"1\"}"
              SIGN("s") "},{\"codeExecutionResult\":{\"outcome\":"
              "\"OUTCOME_OK\"}},{\"inlineData\":{\"mimeType\":\"image/png\","
              "\"data\":\"AAAA\"}}," TEXT("a"), "STOP"),
         "\nsignature 0 0 9 s\ntext 0 0 a" OK, "what is no text");
    logged("media 0.0 ", "it is told of");
}


static void
test_long_parts(void)
{
    char    *body, *p;
    size_t   n, i;

    static const size_t  sizes[] = { 6000, 7500, 8192, 9000, 40000 };

    /* a thought that does not fit is a text */

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        genai_answer_opts_t  opts = { .stream = 0, .choices = 1 };

        body = malloc(sizes[i] + 256);
        p = body + sprintf(body, "{\"candidates\":[{\"content\":{\"parts\":"
                                 "[{\"text\":\"");

        for (n = 0; n < sizes[i]; n++) {
            *p++ = 'a' + n % 26;
        }

        p += sprintf(p, "\",\"thought\":true}]},\"finishReason\":\"STOP\"}]}");

        for (n = 0; n < 5; n++) {
            answer_reset(n ? &two : &one);
            (void) answer_decode(n ? &two : &one, (unsigned char *) body,
                                 p - body, &opts, n == 1 ? 1 : n * 700);

            quiet_ok(n == 0 || (two.log.len == one.log.len
                                && memcmp(two.log.data, one.log.data,
                                          one.log.len) == 0),
                     "a part of %lu bytes, cut", (unsigned long) sizes[i]);
        }

        ok((strstr(one.log.data, "\nreasoning ") != NULL)
           == (sizes[i] < 7600), "a thought of %lu bytes",
           (unsigned long) sizes[i]);
        free(body);
    }
}


#define CALL(call)  "{\"functionCall\":{" call "}}"

static void
test_tools(void)
{
    /* 37: STOP with a functionCall is the end of a call */

    sse(E(MORE(TEXT("a")))
        E(MORE("{\"functionCall\":{\"name\":\"f\",\"args\":{\"x\": 1},"
               "\"id\":\"i1\"}" SIGN("c2ln") "}"))
        E(LAST(CALL("\"id\":\"i2\",\"name\":\"g\",\"args\":{}"), "STOP")),
        "\ntext 0 0 a\ntool 0 0 <i1><f>1\narguments 0 0 {\"x\": 1}"
        "\nsignature 0 0 8 c2ln\ntool 0 1 <i2><g>1\narguments 0 1 {}" TOOLS,
        "two calls");
    json(LAST(CALL("\"name\":\"f\",\"id\":\"i\"") ","
              CALL("\"id\":\"j\",\"args\":null,\"name\":\"g\"") ","
              CALL("\"args\":{\"a\":[{}]},\"name\":\"h\",\"id\":\"k\"") ","
              "{\"thoughtSignature\":\"s\",\"functionCall\":{\"args\":{},"
              "\"id\":\"l\",\"name\":\"m\"}}", "STOP"),
         "\ntool 0 0 <i><f>1\narguments 0 0 {}\ntool 0 1 <j><g>1"
         "\narguments 0 1 {}\ntool 0 2 <k><h>1\narguments 0 2 {\"a\":[{}]}"
         "\ntool 0 3 <l><m>1\nsignature 0 3 8 s\narguments 0 3 {}" TOOLS,
         "calls without arguments, and in other orders");
}


static void
test_ids(void)
{
    const char  *id, *other;

    static const genai_answer_opts_t  opts = { .stream = 0, .choices = 1 };
    static const char  twice[] =
        LAST(CALL("\"name\":\"f\",\"args\":{}") ","
             CALL("\"name\":\"f\",\"args\":{}"), "STOP");
    static const char  signed_by[] =
        LAST("{\"functionCall\":{\"name\":\"f\",\"args\":{}}" SIGN("a") "}",
             "STOP");
    char  seen[3][22];

    splits(twice, sizeof(twice) - 1, &opts, "a call without an id");

    id = strstr(one.short_log.data, "<call_");
    other = id ? strstr(id + 1, "<call_") : NULL;
    ok(id && other && id[22] == '>' && memcmp(id, other, 22) != 0,
       "calls without ids get some");

    if (id == NULL) {
        return;
    }

    memcpy(seen[0], id, 22);

    answer_reset(&one);
    (void) answer_decode(&one, (unsigned char *) twice, sizeof(twice) - 1,
                         &opts, 0);
    ok(strstr(one.short_log.data, "<call_")
       && memcmp(strstr(one.short_log.data, "<call_"), seen[0], 22) == 0,
       "the same ones for the same answer");

    splits(signed_by, sizeof(signed_by) - 1, &opts, "a signed call");
    id = strstr(one.short_log.data, "<call_");
    ok(id && memcmp(id, seen[0], 22) != 0,
       "others where the signature is another");
}


/* 39: zero or missing completion tokens, MAX_TOKENS with no content */

static void
test_usage(void)
{
#define USAGE(u)  "{\"candidates\":[{\"content\":{\"parts\":[]},"             \
    "\"finishReason\":\"MAX_TOKENS\"}],\"usageMetadata\":{" u "}}"
#define TOLD(t)  "\nfinish 0 0 2\nusage 0 0 " t "\nend 0 0 "

    json(USAGE("\"promptTokenCount\":100,\"cachedContentTokenCount\":60,"
               "\"candidatesTokenCount\":20,\"thoughtsTokenCount\":30,"
               "\"toolUsePromptTokenCount\":7,\"totalTokenCount\":157"),
         TOLD("107 60 50 30 157"), "thoughts are part of the completion");
    json(USAGE("\"promptTokenCount\":10,\"totalTokenCount\":10"),
         TOLD("10 -1 0 -1 10"), "MAX_TOKENS with no content");
    json(USAGE("\"promptTokenCount\":10,\"thoughtsTokenCount\":9,"
               "\"totalTokenCount\":19"),
         TOLD("10 -1 9 9 19"), "all of it thoughts");
    json(USAGE("\"promptTokenCount\":\"10\",\"candidatesTokenCount\":5.0,"
               "\"totalTokenCount\":null"),
         TOLD("10 -1 5 -1 15"), "numbers as strings");
    json(USAGE("\"promptTokenCount\":-1,\"candidatesTokenCount\":1e400"),
         "\nfinish 0 0 2\nend 0 0 ", "what is no count");
    json(USAGE("\"promptTokenCount\":9999999999999999999999"),
         "\nfinish 0 0 2\nend 0 0 ", "too large");
    json(USAGE("\"promptTokenCount\":10,\"promptTokensDetails\":[{"
               "\"modality\":\"AUDIO\",\"tokenCount\":3},{\"tokenCount\":4,"
               "\"modality\":\"IMAGE\"}]"),
         TOLD("10 -1 0 -1 10"), "by modality");
    sse(E(MORE(TEXT("a"))) E("{\"candidates\":[{\"finishReason\":\"STOP\"}]}"),
        "\ntext 0 0 a\nfinish 0 0 1\nusage 0 0 10 -1 2 -1 12\nend 0 0 ",
        "an end without usage: what was told before");
    sse(E(MORE(TEXT("a"))) E(LAST("", "STOP")) E("{" USED "}"),
        "\ntext 0 0 a\nfinish 0 0 1\nusage 0 0 10 -1 5 -1 15"
        "\nusage 0 0 10 -1 5 -1 15\nend 0 0 ", "usage behind the end");
}


static void
test_finish(void)
{
    size_t       i;
    genai_str_t  s;

    static const struct {
        const char      *word;
        genai_finish_e   finish;
    } words[] = {
        { "STOP", GENAI_FINISH_STOP },
        { "MAX_TOKENS", GENAI_FINISH_LENGTH },
        { "SAFETY", GENAI_FINISH_FILTER },
        { "RECITATION", GENAI_FINISH_FILTER },
        { "SPII", GENAI_FINISH_FILTER },
        { "BLOCKLIST", GENAI_FINISH_FILTER },
        { "PROHIBITED_CONTENT", GENAI_FINISH_FILTER },
        { "MALFORMED_FUNCTION_CALL", GENAI_FINISH_ERROR },
        { "OTHER", GENAI_FINISH_OTHER },
        { "A_NEW_ONE", GENAI_FINISH_OTHER },
        { "", GENAI_FINISH_NONE }
    };

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        s.data = (unsigned char *) words[i].word;
        s.len = strlen(words[i].word);
        ok(genai_gemini_finish(&s, 0) == words[i].finish, "\"%s\" is %d",
           words[i].word, words[i].finish);
    }

    json("{\"promptFeedback\":{\"blockReason\":\"SAFETY\",\"safetyRatings\":"
         "[]},\"usageMetadata\":{\"promptTokenCount\":4,\"totalTokenCount\":4"
         "}}", "\nfinish 0 0 4\nusage 0 0 4 -1 0 -1 4\nend 0 0 ",
         "a prompt that was blocked");
    sse(E("{\"promptFeedback\":{\"blockReason\":\"OTHER\"}}"),
        "\nfinish 0 0 OTHER\nend 0 0 ", "a stream's");
    logged("end=1 ", "it is an answer");
    sse(E(LAST(TEXT("a"), "STOP")) E(LAST(TEXT("b"), "STOP")),
        "\ntext 0 0 a\nfinish 0 0 1\nusage 0 0 10 -1 5 -1 15\ntext 0 0 b"
        "\nusage 0 0 10 -1 5 -1 15\nend 0 0 ", "a reason in every event");
}


static void
test_choices(void)
{
    choices = 2;
    json("{\"candidates\":[{\"content\":{\"parts\":[" TEXT("a") ","
         CALL("\"name\":\"f\",\"id\":\"i\"") "]},\"finishReason\":\"STOP\","
         "\"index\":1},{\"content\":{\"parts\":[" THINK("t") "," TEXT("b")
         "]},\"finishReason\":\"STOP\",\"index\":0}]}",
         "\ntext 1 0 a\ntool 1 0 <i><f>1\narguments 1 0 {}\nfinish 1 0 3"
         "\nreasoning 0 0 t\ntext 0 0 b\nfinish 0 0 1\nend 0 0 ",
         "numbers behind their candidates");
    json("{\"candidates\":[{\"content\":{\"parts\":[" TEXT("a") "]}},"
         "{\"content\":{\"parts\":[" TEXT("b") "]}}]}",
         "\ntext 0 0 a\ntext 1 0 b\nend 0 0 ", "no numbers");
    json("{\"candidates\":[{\"index\":70000,\"content\":{}}]}",
         "\nend 0 0 ", "a number out of range");
    choices = 1;
}


static void
test_bad(void)
{
    sse("<html>no</html>", "\nend 0 0 ", "HTML");
    logged("end=0 ", "it is no answer");
    sse(E("<html>"), "\nend 0 0 ", "HTML in an event");
    logged("an object is expected", "it is told");
    json("", "\nend 0 0 ", "nothing");
    logged("broken 0.0 ", "it is told");
    sse("", "\nend 0 0 ", "no stream");
    json("{\"id\":\"c\",\"choices\":[{\"message\":{\"content\":\"a\"}}]}",
         "\nend 0 0 ", "another protocol");
    logged("there are no candidates", "it is told");
    sse("data: {\"choices\":[]}\n\ndata: [DONE]\n\n", "\nend 0 0 ",
        "another protocol's stream");
    json("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"ab",
         "\ntext 0 0 ab\nend 0 0 ", "cut");
    logged("end=0 ", "it is cut");
    json("{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{"
         "\"name\":\"f\",\"id\":\"i\",\"args\":{\"x\":\"tr",
         "\ntool 0 0 <i><f>1\narguments 0 0 {\"x\":\"tr\nend 0 0 ",
         "a truncated call");
    json(LAST(TEXT("a"), "STOP") "{}", "\ntext 0 0 a" OK, "bytes behind");
    logged("there are bytes after the value", "it is told");
    sse(E(MORE(TEXT("a\x80"))) E(LAST(TEXT("b"), "STOP")),
        "\ntext 0 0 ab" OK, "no UTF-8");
    json("{\"error\":{\"code\":400,\"message\":\"no\",\"status\":"
         "\"INVALID_ARGUMENT\",\"details\":[{\"message\":\"x\"}]}}",
         "\nerror 0 0 no<400><INVALID_ARGUMENT>0\nend 0 0 ", "an error");
    sse(E(MORE(TEXT("a"))) E("{\"error\":{\"code\":503,\"message\":\"no\","
        "\"status\":\"UNAVAILABLE\"}}"),
        "\ntext 0 0 a\nerror 0 0 no<503><UNAVAILABLE>0\nend 0 0 ",
        "an error in a stream");
    logged("end=0 ", "it is cut");
    json("{\"error\":\"no\"}", "\nerror 0 0 no<><>0\nend 0 0 ", "a text");
}


static void
test_large(void)
{
    char                *body, *p;
    size_t               i, n;
    genai_answer_opts_t  opts = { .stream = 1, .choices = 1 };

    static const char  head[] = "data: {\"candidates\":[{\"content\":{"
                                "\"parts\":[{\"text\":\"";
    static const char  tail[] = "\"}]}}]}\n\n";

    n = 10 * 1024 * 1024;
    body = malloc(n + sizeof(head) + sizeof(tail));

    memcpy(body, head, sizeof(head) - 1);
    p = body + sizeof(head) - 1;

    for (i = 0; i < n; i++) {
        *p++ = 'a' + i % 26;
    }

    memcpy(p, tail, sizeof(tail) - 1);
    p += sizeof(tail) - 1;

    answer_reset(&one);
    one.quiet = 1;
    ok(answer_decode(&one, (unsigned char *) body, p - body, &opts, 5000) == 0
       && one.bytes == n, "an event of 10 MB");

    opts.limit = 65536;
    answer_reset(&one);
    ok(answer_decode(&one, (unsigned char *) body, p - body, &opts, 5000)
       == -1, "and where no more than 64 KiB are allowed");
    ok(sizeof(genai_gemini_answer_t) < 12288, "a decoder has %lu bytes",
       (unsigned long) sizeof(genai_gemini_answer_t));

    free(body);
}


static void
test_stop(void)
{
    unsigned  i, k;

    static const char  body[] =
        E(MORE(THINK("a")))
        E(LAST("{\"functionCall\":{\"name\":\"f\"}" SIGN("s") "}", "STOP"));
    static const char  array[] =
        "[" MORE(THINK("a")) "," LAST(TEXT("b"), "STOP") "]";
    genai_answer_opts_t  opts = { .stream = 1, .choices = 1 };

    for (k = 0; k < 2; k++) {

        for (i = 1; i < 40; i++) {
            answer_reset(&one);
            one.stop = i;

            if (answer_decode(&one, (unsigned char *) (k ? array : body),
                              k ? sizeof(array) - 1 : sizeof(body) - 1,
                              &opts, 7)
                == 0)
            {
                break;
            }

            quiet_ok(one.stop == 0, "stopped at event %u", i);
        }

        ok(i > 8 && i < 40, "stopped at each of %u events", i - 1);
    }
}


int
main(void)
{
    test_text();
    test_array();
    test_thoughts();
    test_long_parts();
    test_tools();
    test_ids();
    test_usage();
    test_finish();
    test_choices();
    test_bad();
    test_large();
    test_stop();

    answer_free(&one);
    answer_free(&two);

    return done_testing();
}
