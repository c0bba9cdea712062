/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which call a result or a signature is of, for every reader and writer that
 * asks; and that it takes a time and a memory in proportion to a request,
 * however many calls there are.
 */


#include "chat.h"

#include <time.h>


#define FEW    1000
#define MANY   16000        /* parts of a kind; FEW fits 16 times */

/* of time and memory: linear is 16, quadratic 256 */
#define RATIO  64


static char    *text;
static size_t   len, room;


__attribute__((format(printf, 1, 2)))
static void
add(const char *fmt, ...)
{
    int      n;
    va_list  args;

    if (room - len < 4096) {
        room = room ? 2 * room : 65536;
        text = realloc(text, room);

        if (text == NULL) {
            abort();
        }
    }

    va_start(args, fmt);
    n = vsnprintf(text + len, room - len, fmt, args);
    va_end(args);

    len += n;
}


/* ids have escapes, which are decoded to be compared */

static void
gemini_turns(unsigned n)
{
    unsigned  i;

    add("{\"contents\":[");

    for (i = 0; i < n; i++) {
        add("%s{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":"
            "\"f\\u0061\"}}]},{\"role\":\"user\",\"parts\":[{"
            "\"functionResponse\":{\"name\":\"f\\u0061\",\"response\":{}}}]}",
            i ? "," : "");
    }

    add("]}");
}


static void
gemini_parallel(unsigned n)
{
    unsigned  i;

    add("{\"contents\":[{\"role\":\"model\",\"parts\":[");

    for (i = 0; i < n; i++) {
        add("%s{\"functionCall\":{\"name\":\"f%u\"}}", i ? "," : "", i % 10);
    }

    add("]},{\"role\":\"user\",\"parts\":[");

    for (i = 0; i < n; i++) {
        add("%s{\"functionResponse\":{\"name\":\"f%u\",\"response\":{}}}",
            i ? "," : "", i % 10);
    }

    add("]}]}");
}


/* of a mark of another dialect in an empty text: "genai:openai:text:0:s" */

static void
gemini_signed(unsigned n)
{
    unsigned  i;

    add("{\"contents\":[{\"role\":\"model\",\"parts\":[");

    for (i = 0; i < n; i++) {
        add("%s{\"text\":\"a\"},{\"text\":\"\",\"thoughtSignature\":"
            "\"Z2VuYWk6b3BlbmFpOnRleHQ6MDpz\"}", i ? "," : "");
    }

    add("]}]}");
}


/* every step-th is of a function, others' input is text */

static void
openai_mixed(unsigned n, unsigned step)
{
    unsigned  i, custom;

    add("{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[");

    for (i = 0; i < n; i++) {
        custom = i % step;

        add("%s{\"id\":\"\\u0061%u\",\"type\":\"%s\",\"%s\":{"
            "\"name\":\"f\",\"%s\":\"{}\"}}", i ? "," : "", i,
            custom ? "custom" : "function", custom ? "custom" : "function",
            custom ? "input" : "arguments");
    }

    add("]}");

    for (i = 0; i < n; i++) {
        add(",{\"role\":\"tool\",\"tool_call_id\":\"\\u0061%u\",\"content\":"
            "\"r\"}", n - i - 1);
    }

    add("]}");
}


static void
openai_calls(unsigned n)
{
    openai_mixed(n, 1);
}


static void
openai_custom(unsigned n)
{
    openai_mixed(n, 2);
}


/* all have the same id */

static void
openai_same(unsigned n)
{
    unsigned  i;

    add("{\"messages\":[");

    for (i = 0; i < n; i++) {
        add("%s{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"\\u0061\","
            "\"type\":\"function\",\"function\":{\"name\":\"f%u\","
            "\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":"
            "\"\\u0061\",\"content\":\"r\"}", i ? "," : "", i);
    }

    add("]}");
}


static void
responses_signed(unsigned n)
{
    unsigned  i;

    add("{\"input\":[{\"type\":\"message\",\"role\":\"assistant\","
        "\"content\":\"t\"}");

    for (i = 0; i < n; i++) {
        add(",{\"type\":\"function_call\",\"call_id\":\"\\u0061%u\",\"name\":"
            "\"f\",\"arguments\":\"{}\"},{\"type\":\"reasoning\",\"summary\":"
            "[],\"encrypted_content\":\"genai:gemini.call:a%u:czE=\"},"
            "{\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":"
            "\"genai:gemini.text:czE=\"}", i, i);
    }

    add("]}");
}


static void
anthropic_signed(unsigned n)
{
    unsigned  i;

    add("{\"max_tokens\":1,\"messages\":[{\"role\":\"assistant\",\"content\":"
        "[");

    for (i = 0; i < n; i++) {
        add("{\"type\":\"tool_use\",\"id\":\"\\u0061%05u\",\"name\":\"f\","
            "\"input\":{}},{\"type\":\"redacted_thinking\",\"data\":"
            "\"genai:gemini:call:6:a%05uczE=\"}%s", i, i,
            i + 1 < n ? "," : "");
    }

    add("]}]}");
}


static const struct {
    void                   (*make)(unsigned n);
    const genai_dialect_t   *from;
    const genai_dialect_t   *to;
    const char              *name;
} cases[] = {
    { gemini_turns, &genai_gemini, &genai_openai, "no ids, turns" },
    { gemini_parallel, &genai_gemini, &genai_openai, "no ids, parallel" },
    { gemini_signed, &genai_gemini, &genai_openai, "signed texts" },
    { openai_calls, &genai_openai, &genai_gemini, "names of results" },
    { openai_same, &genai_openai, &genai_gemini, "one id" },
    { openai_custom, &genai_openai, &genai_responses, "custom calls" },
    { responses_signed, &genai_responses, &genai_gemini, "sealed" },
    { anthropic_signed, &genai_anthropic, &genai_gemini, "marks" }
};

#define CASES  (sizeof(cases) / sizeof(cases[0]))


/* thread's CPU time, the least of some runs; and bytes of the arena */

static double
take(unsigned i, unsigned n, size_t *bytes, const char **made)
{
    double           t, least;
    unsigned         run;
    struct timespec  a, b;

    len = 0;
    cases[i].make(n);

    least = 0;

    for (run = 0; run < 3; run++) {

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
        *made = chat_translate(cases[i].from, cases[i].to, text);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);

        t = (b.tv_sec - a.tv_sec) * 1e3 + (b.tv_nsec - a.tv_nsec) / 1e6;
        least = (run == 0 || t < least) ? t : least;
    }

    *bytes = genai_arena_used(&chat_arena);

    return least;
}


static void
test_linear(void)
{
    double       few, many;
    size_t       less, more;
    unsigned     i;
    const char  *made;

    for (i = 0; i < CASES; i++) {

        few = take(i, FEW, &less, &made);
        many = take(i, MANY, &more, &made);

        ok(made[0] == '{', "%s: %.40s", cases[i].name, made);
        ok(many < few * RATIO, "%s: in linear time: %.1f ms, %.1f ms",
           cases[i].name, few, many);
        ok(more < less * RATIO, "%s: and memory: %zu, %zu bytes",
           cases[i].name, less, more);
    }
}


static void
test_pairs(void)
{
    const char  *made;

#define CALL(id, name)                                                        \
    "{\"role\":\"model\",\"parts\":[{\"functionCall\":{" id "\"name\":\""     \
    name "\"}}]}"
#define RESULT(id, name)                                                      \
    "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{" id "\"name\":\""  \
    name "\",\"response\":{\"result\":\"r\"}}}]}"

    made = chat_translate(&genai_gemini, &genai_openai,
        "{\"contents\":[" CALL("", "f") "," CALL("", "g") "," CALL("", "f") ","
        RESULT("", "\\u0066") "," RESULT("\"id\":\"call_2\",", "g") ","
        CALL("", "g") "," RESULT("", "g") "," RESULT("", "f") "]}");

    ok(strstr(made, "\"tool_call_id\":\"call_1\"")
       < strstr(made, "\"tool_call_id\":\"call_2\"")
       && strstr(made, "\"tool_call_id\":\"call_2\"")
          < strstr(made, "\"tool_call_id\":\"call_4\"")
       && strstr(made, "\"tool_call_id\":\"call_4\"")
          < strstr(made, "\"tool_call_id\":\"call_3\""),
       "the first of a name that has no result");

    is_str(chat_translate(&genai_gemini, &genai_openai, "{\"contents\":["
               CALL("", "f") "," RESULT("", "f") "," RESULT("", "f") "]}"),
           "a functionResponse must follow the functionCall of that name",
           "one result more than calls");

    /* an id that a result has before its call, and one that two calls have */

    is_str(chat_translate(&genai_gemini, &genai_openai, "{\"contents\":["
               RESULT("\"id\":\"a\",", "f") "," CALL("\"id\":\"\\u0061\",",
               "f") "," RESULT("", "f") "]}"),
           "a functionResponse must follow the functionCall of that name",
           "a result before its call");
    is_str(chat_translate(&genai_gemini, &genai_openai, "{\"contents\":["
               CALL("\"id\":\"a\",", "f") "," CALL("\"id\":\"a\",", "f") ","
               RESULT("", "f") "," RESULT("", "f") "]}"),
           "a functionResponse must follow the functionCall of that name",
           "two calls with one id");

    /* the last call of an id before the result, or else the last of all */

#define ASKS(name)                                                            \
    "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"type\":"         \
    "\"function\",\"function\":{\"name\":\"" name "\"}}]}"
#define SAYS  "{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"r\"}"
#define NAME(name)  "{\"functionResponse\":{\"id\":\"1\",\"name\":\"" name "\""

    made = chat_translate(&genai_openai, &genai_gemini,
        "{\"messages\":[" SAYS "," ASKS("a") "," SAYS "," ASKS("b") ","
        SAYS "," SAYS "]}");

    ok(strstr(made, NAME("b")) && strstr(made, NAME("a"))
       && strstr(made, NAME("b")) < strstr(made, NAME("a"))
       && strstr(strstr(made, NAME("a")), NAME("b")),
       "results of one id");
}


int
main(void)
{
    test_pairs();
    test_linear();

    free(text);
    genai_arena_destroy(&chat_arena);

    return done_testing();
}
