/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Nothing is lost on the way through another dialect that docs/DIALECTS.md
 * says is carried: random conversations, made of what both dialects can say,
 * go from each dialect to each other one and back, and must be the bytes that
 * they would be had they never left.
 */


#include "chat.h"


#define ROUNDS  400


/* what a conversation may have in it, beside texts of both sides */

enum {
    HAS_SYSTEM = 1 << 0,
    HAS_TOOLS = 1 << 1,
    HAS_CALLS = 1 << 2,
    HAS_DATA = 1 << 3,          /* an image in the request */
    HAS_URL = 1 << 4,           /* an image elsewhere */
    HAS_SCHEMA = 1 << 5,
    HAS_SCHEMA_NAME = 1 << 6,   /* and whether it is strict */
    HAS_EFFORT = 1 << 7,
    HAS_TEMPERATURE = 1 << 8,
    HAS_TOP_P = 1 << 9,
    HAS_STOP = 1 << 10,
    HAS_CHOICE = 1 << 11,
    HAS_STRICT = 1 << 12,       /* tools tell it */
    HAS_PARALLEL = 1 << 13,
    HAS_STREAM = 1 << 14,
    HAS_SEED = 1 << 15,
    HAS_DETAIL = 1 << 16,       /* of images */
    HAS_USER = 1 << 17,
    HAS_ALL = (1 << 18) - 1
};


/* what of it a dialect cannot say */

static const struct {
    const char             *name;
    const genai_dialect_t  *dialect;
    unsigned                without;
} dialects[] = {

    { "openai", &genai_openai, 0 },

    { "anthropic", &genai_anthropic,
      HAS_SCHEMA_NAME|HAS_SEED|HAS_DETAIL },

    /* strict is always told, as what it means untold is another thing here */

    { "responses", &genai_responses, HAS_STOP|HAS_SEED },

    /* whether it streams is in the path */

    { "gemini", &genai_gemini,
      HAS_SCHEMA_NAME|HAS_STRICT|HAS_PARALLEL|HAS_STREAM|HAS_DETAIL
      |HAS_USER },
};

#define DIALECTS  (sizeof(dialects) / sizeof(dialects[0]))


typedef struct {
    size_t    len;
    char      data[65536];
} text_t;


static text_t    request;
static unsigned  calls;


static unsigned
any(unsigned n)
{
    return (unsigned) rand() % n;
}


static void
add(const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    request.len += vsnprintf(request.data + request.len,
                             sizeof(request.data) - request.len, fmt, args);
    va_end(args);
}


/* a JSON string with all that may stand in one, never blank */

static void
add_string(void)
{
    unsigned  i, n;

    static const char *const  pieces[] = {
        "a", "word ", "\\n", "\\\"", "\\\\", "\\u00e9", "\xc3\xa9",
        "\xf0\x9f\x98\x80", "\\ud83d\\ude00", "\\/", "{", "]", "\\t",
        "\\u0000", "data: x", "</s>", "0"
    };

    add("\"x");

    for (i = 0, n = any(12); i < n; i++) {
        add("%s", pieces[any(sizeof(pieces) / sizeof(pieces[0]))]);
    }

    add("\"");
}


static void
add_image(unsigned has)
{
    static const char *const  details[] = { "low", "high", "auto" };

    if ((has & HAS_DATA) && ((has & HAS_URL) == 0 || any(2))) {
        add("{\"type\":\"image_url\",\"image_url\":{\"url\":"
            "\"data:image/%s;base64,iVBORw0KGgo%u=\"",
            any(2) ? "png" : "jpeg", any(10));

    } else {
        add("{\"type\":\"image_url\",\"image_url\":{\"url\":"
            "\"https://example.org/%u.png?a=b&c=\\u0026\"", any(10));
    }

    if (has & HAS_DETAIL) {
        add(",\"detail\":\"%s\"", details[any(3)]);
    }

    add("}},");
}


static void
add_user(unsigned has)
{
    unsigned  n;

    add("{\"role\":\"user\",\"content\":");

    if ((has & (HAS_DATA|HAS_URL)) && any(3) == 0) {

        add("[");

        for (n = 1 + any(2); n; n--) {
            add_image(has);
        }

        add("{\"type\":\"text\",\"text\":");
        add_string();
        add("}]");

    } else {
        add_string();
    }

    add("},");
}


/* arguments are a text that must stay byte by byte, numbers as they are */

static void
add_calls(void)
{
    unsigned  i, n, first;

    static const char *const  arguments[] = {
        "{}", "{ \\\"a\\\" : 1.0 }", "{\\\"b\\\":[1e5,{\\\"c\\\":null}],"
        "\\\"a\\\":\\\"\\\\u00e9\\\\n\\\"}", "{\\\"n\\\":12345678901234567890}"
    };

    n = 1 + any(3);
    first = calls;
    calls += n;

    add(any(2) ? "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
               : "{\"role\":\"assistant\",\"content\":\"I look\","
                 "\"tool_calls\":[");

    for (i = 0; i < n; i++) {
        add("%s{\"id\":\"call_%u\",\"type\":\"function\",\"function\":"
            "{\"name\":\"tool_%u\",\"arguments\":\"%s\"}}", i ? "," : "",
            first + i, any(3), arguments[any(4)]);
    }

    add("]},");

    for (i = 0; i < n; i++) {
        add("{\"role\":\"tool\",\"tool_call_id\":\"call_%u\",\"content\":",
            first + i);
        add_string();
        add("},");
    }
}


static void
add_tools(unsigned has)
{
    unsigned  i;

    add(",\"tools\":[");

    for (i = 0; i < 3; i++) {
        add("%s{\"type\":\"function\",\"function\":{\"name\":\"tool_%u\","
            "\"description\":", i ? "," : "", i);
        add_string();
        add(",\"parameters\":{\"type\":\"object\", \"properties\":{\"a\":"
            "{\"type\":\"number\",\"minimum\":%u.50}},\"x-%u\":[]}", any(9),
            any(9));

        if (has & HAS_STRICT) {
            add(",\"strict\":true");
        }

        add("}}");
    }

    add("]");

    if (has & (HAS_CHOICE|HAS_PARALLEL)) {

        static const char *const  choices[] = {
            "\"auto\"", "\"none\"", "\"required\"",
            "{\"type\":\"function\",\"function\":{\"name\":\"tool_1\"}}"
        };

        add(",\"tool_choice\":%s", (has & HAS_PARALLEL) ? choices[0]
                                                       : choices[any(4)]);
    }

    if (has & HAS_PARALLEL) {
        add(",\"parallel_tool_calls\":false");
    }
}


/* a request of OpenAI's, which can say most */

static void
make(unsigned has)
{
    unsigned  i, n;

    /* what does not go together for one of them */

    if (any(2)) {
        has &= ~HAS_EFFORT;

    } else if (has & HAS_EFFORT) {
        has &= ~(HAS_CALLS|HAS_CHOICE|HAS_TEMPERATURE|HAS_TOP_P);
    }

    if (any(2)) {
        has &= ~HAS_TOP_P;

    } else if (has & HAS_TOP_P) {
        has &= ~HAS_TEMPERATURE;
    }

    for (i = 0; i < 18; i++) {
        if ((1u << i & (HAS_STRICT|HAS_DETAIL)) == 0 && any(4) == 0) {
            has &= ~(1u << i);
        }
    }

    if (!(has & HAS_TOOLS)) {
        has &= ~HAS_CALLS;
    }

    request.len = 0;
    calls = 0;

    add("{\"model\":\"m\",\"messages\":[");

    if (has & HAS_SYSTEM) {
        add("{\"role\":\"system\",\"content\":");
        add_string();
        add("},");
    }

    add_user(has);

    for (n = any(4); n; n--) {

        if ((has & HAS_CALLS) && any(2)) {
            add_calls();

        } else {
            add("{\"role\":\"assistant\",\"content\":");
            add_string();
            add("},");
            add_user(has);
        }
    }

    request.len--;
    add("],\"max_tokens\":%u", 30000 + any(1000));

    if (has & HAS_TOOLS) {
        add_tools(has);
    }

    if (has & HAS_SCHEMA) {
        add(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
            "{\"name\":\"%s\",%s\"schema\":{\"type\":\"object\", \"a\":%u.0}}}",
            has & HAS_SCHEMA_NAME ? "mine" : "answer",
            has & HAS_SCHEMA_NAME ? "\"strict\":true," : "", any(9));
    }

    if (has & HAS_EFFORT) {
        static const char *const  efforts[] = { "low", "medium", "high" };

        add(",\"reasoning_effort\":\"%s\"", efforts[any(3)]);
    }

    if (has & HAS_TEMPERATURE) {
        add(",\"temperature\":0.%u0", any(10));
    }

    if (has & HAS_TOP_P) {
        add(",\"top_p\":0.%u0", 1 + any(9));
    }

    if (has & HAS_STOP) {
        add(",\"stop\":[\"a\",\"\\u00e9\\n\"]");
    }

    if (has & HAS_SEED) {
        add(",\"seed\":%u", any(1000));
    }

    if (has & HAS_USER) {
        add(",\"user\":\"u%u\"", any(1000));
    }

    if (has & HAS_STREAM) {
        add(",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    }

    add("}");
}


static char *
translate(unsigned from, unsigned to, const char *text)
{
    return strdup(chat_translate(dialects[from].dialect, dialects[to].dialect,
                                 text));
}


int
main(void)
{
    char      *first, *stayed, *there, *back;
    unsigned   a, b, i, has, same, bad;

    srand(1);

    for (a = 0; a < DIALECTS; a++) {
        for (b = 0; b < DIALECTS; b++) {

            for (i = 0, same = 0, bad = 0; i < ROUNDS; i++) {

                has = HAS_ALL & ~dialects[a].without & ~dialects[b].without;
                chat_target.newer = i & 1;

                if (!chat_target.newer && (dialects[a].dialect
                                           == &genai_anthropic
                                           || dialects[b].dialect
                                              == &genai_anthropic))
                {
                    has &= ~HAS_STRICT;
                }

                if (dialects[b].dialect == &genai_gemini && a != 0 && a != b) {

                    /* it is told to show its thoughts, the others have that
                       as their default */

                    has &= ~HAS_EFFORT;
                }

                make(has);

                first = translate(0, a, request.data);
                stayed = translate(a, a, first);
                there = translate(a, b, stayed);
                back = translate(b, a, there);

                if (stayed[0] == '{' && strcmp(stayed, back) == 0) {
                    same++;

                } else if (bad++ == 0) {
                    printf("# %s\n# %s\n# %s\n# %s\n", request.data, stayed,
                           there, back);
                }

                free(first);
                free(stayed);
                free(there);
                free(back);
            }

            is_int(same, ROUNDS, "%s to %s and back", dialects[a].name,
                   dialects[b].name);
        }
    }

    genai_arena_destroy(&chat_arena);

    return done_testing();
}
