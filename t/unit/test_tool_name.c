/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tools' names that a provider would refuse: what stands for them is valid,
 * always the same, never that of another tool, and has a way back.
 */


#include "chat.h"
#include "genai_tool_name.h"


#define O  &genai_openai
#define A  &genai_anthropic
#define R  &genai_responses
#define G  &genai_gemini


static uint64_t  seed = 88172645463325252u;


static uint64_t
any(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;

    return seed % below;
}


/* what a call of that name in the answer is to the client, terminated */

static const char *
back(const char *name)
{
    genai_str_t  s;
    static char  text[4096];

    s.data = (unsigned char *) name;
    s.len = strlen(name);

    if (chat_read.names) {
        genai_tool_name_back(chat_read.names->name, chat_read.names->n, &s);
    }

    memcpy(text, s.data, s.len);
    text[s.len] = '\0';

    return text;
}


#define TOOL(name)                                                            \
    "{\"type\":\"function\",\"function\":{\"name\":\"" name "\"}}"
#define CALL(id, name)                                                        \
    "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"" id "\",\"type\":"    \
    "\"function\",\"function\":{\"name\":\"" name "\",\"arguments\":\"{}\"}}" \
    "]},{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"x\"}"
#define USER  "{\"role\":\"user\",\"content\":\"a\"}"
#define SCHEMA  "\"input_schema\":{\"type\":\"object\",\"properties\":{}}"


static void
test_places(void)
{
    is_str(chat_translate(O, A, "{\"tools\":[" TOOL("f") "," TOOL("a.b/c")
                          "],\"tool_choice\":{\"type\":\"function\","
                          "\"function\":{\"name\":\"a.b/c\"}},\"messages\":["
                          USER "," CALL("1", "a.b/c") "," CALL("2", "f")
                          "]}"),
           "{\"model\":\"m\",\"tools\":[{\"name\":\"f\"," SCHEMA "},{\"name\":"
           "\"a_b_c_fc7cd9c4\"," SCHEMA "}],\"tool_choice\":{\"type\":\"tool\""
           ",\"name\":\"a_b_c_fc7cd9c4\"},\"messages\":[" USER ",{\"role\":"
           "\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"1\","
           "\"name\":\"a_b_c_fc7cd9c4\",\"input\":{}}]},{\"role\":\"user\","
           "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"1\","
           "\"content\":\"x\"}]},{\"role\":\"assistant\",\"content\":[{"
           "\"type\":\"tool_use\",\"id\":\"2\",\"name\":\"f\",\"input\":{}}]}"
           ",{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
           "\"tool_use_id\":\"2\",\"content\":\"x\"}]}],\"max_tokens\":4096}",
           "wherever it stands");
    is_str(back("a_b_c_fc7cd9c4"), "a.b/c", "and back");
    is_str(back("f"), "f", "what was not changed is itself");
    is_str(back("nobody"), "nobody", "and what nobody has named");

    (void) chat_translate(O, A, "{\"tools\":[" TOOL("f") "],\"messages\":["
                          USER "," CALL("1", "f") "]}");
    ok(chat_read.names == NULL, "nothing is kept where nothing is changed");

    /* the result's name is that of its call */

    is_str(chat_translate(O, G, "{\"messages\":[" USER ","
                          CALL("1", "1 2") "]}"),
           "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"a\"}]},"
           "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"1\","
           "\"name\":\"_2_f71998fe\",\"args\":{}}}]},{\"role\":\"user\","
           "\"parts\":[{\"functionResponse\":{\"id\":\"1\",\"name\":"
           "\"_2_f71998fe\",\"response\":{\"result\":\"x\"}}}]}],"
           "\"generationConfig\":{}}", "of a result");
    is_str(back("_2_f71998fe"), "1 2", "which begins with a digit");

    is_str(chat_translate(G, R,
                          "{\"tools\":[{\"functionDeclarations\":[{"
                          "\"name\":\"a:b\"}]}],\"toolConfig\":{"
                          "\"functionCallingConfig\":{\"mode\":\"ANY\","
                          "\"allowedFunctionNames\":[\"a:b\"]}},\"contents\":"
                          "[{\"parts\":[{\"text\":\"a\"}]},{\"role\":\"model\""
                          ",\"parts\":[{\"functionCall\":{\"name\":\"a:b\"}}]}"
                          ",{\"parts\":[{\"functionResponse\":{\"name\":"
                          "\"a:b\",\"response\":{\"result\":\"x\"}}}]}]}"),
           "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"name\":\"a_b"
           "_6783a31e\",\"parameters\":{\"type\":\"object\",\"properties\":{}"
           "},\"strict\":false}],\"tool_choice\":{\"type\":\"function\",\"nam"
           "e\":\"a_b_6783a31e\"},\"input\":[{\"type\":\"message\",\"role\":"
           "\"user\",\"content\":\"a\"},{\"type\":\"function_call\",\"call_id"
           "\":\"call_1\",\"name\":\"a_b_6783a31e\",\"arguments\":\"{}\"},{\""
           "type\":\"function_call_output\",\"call_id\":\"call_1\",\"output\""
           ":\"x\"}],\"include\":[\"reasoning.encrypted_content\"],\"store\":"
           "false}",
           "to the Responses API");
}


static void
test_rules(void)
{
    char         text[2048];
    unsigned     i, n;
    const char  *got;

    static const struct {
        const char             *name;
        const char             *with;   /* by the provider of the dialect */
        const genai_dialect_t  *dialect;
    } cases[] = {
        { "a-b_C9", "a-b_C9", A },
        { "a-b_C9", "a-b_C9", G },
        { "9", "9", A },
        { "9", "9", O },
        { "9", "__19581e27", G },
        { "a.b:c", "a.b:c", G },
        { "a.b:c", "a_b_c_b2a25f70", A },
        { "-a", "-a", A },
        { "-a", "_a_c2748917", G },
        { "\u5929\u6c17", "__bc79d84d", A },
        { "", "_e3b0c442", A },
        { " x \t y ", "_x_y__472be3d3", G }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        snprintf(text, sizeof(text), "{\"messages\":[" USER "," CALL("1", "%s")
                 "]}", strcmp(cases[i].name, " x \t y ") == 0
                       ? " x \\t y " : cases[i].name);

        got = chat_translate(cases[i].dialect == O ? A : O, cases[i].dialect,
                             text);

        if (cases[i].dialect == O) {
            continue;
        }

        snprintf(text, sizeof(text), "\"name\":\"%s\"", cases[i].with);
        ok(strstr(got, text), "\"%s\" is \"%s\": %s", cases[i].name,
           cases[i].with, got);
        is_str(back(cases[i].with), cases[i].name, "and back");
    }

    /* 64 and 128 bytes, of Anthropic's clients */

    for (n = 64; n < 66; n++) {
        char  name[129];

        memset(name, 'x', n);
        name[n] = '\0';

        snprintf(text, sizeof(text), "{\"max_tokens\":1,\"tools\":[{\"name\":"
                 "\"%s\",\"input_schema\":{}}],\"messages\":[{\"role\":"
                 "\"user\",\"content\":\"a\"}]}", name);

        got = chat_translate(A, O, text);
        is_int(chat_read.names != NULL, n == 65, "%u bytes: %s", n, got);
    }

    is_int(chat_read.names->name[0].provider.len, 64, "cut to 64");

    /* bounds */

    {
        static char  long_name[400];

        memset(long_name, 'y', 257);
        snprintf(text, sizeof(text), "{\"messages\":[" USER "," CALL("1", "%s")
                 "]}", long_name);
        is_str(chat_translate(O, A, text), "the tool's name \"yyyyyyyyyyyy"
               "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy...\" is "
               "longer than 256 bytes", "a name that is too long");

        long_name[256] = '\0';
        snprintf(text, sizeof(text), "{\"messages\":[" USER "," CALL("1", "%s")
                 "]}", long_name);
        (void) chat_translate(O, A, text);
        is_int(chat_read.names->n, 1, "the longest");
        is_int(chat_read.names->name[0].provider.len, 128, "cut to 128");
    }
}


static void
test_many(void)
{
    char        *text, *p;
    unsigned     i, n;
    const char  *got;

    text = malloc(1 << 20);

    for (n = 1024; n < 1026; n++) {

        p = text + sprintf(text, "{\"messages\":[" USER "],\"tools\":[");

        for (i = 0; i < n; i++) {
            p += sprintf(p, "%s" TOOL("t %u"), i ? "," : "", i);
        }

        sprintf(p, "]}");

        got = chat_translate(O, A, text);

        if (n == 1024) {
            is_int(chat_read.names->n, 1024, "as many as there may be");

        } else {
            is_str(got, "there are more than 1024 names of tools that this "
                   "model's provider does not take", "one more");
        }
    }

    p = text + sprintf(text, "{\"messages\":[" USER "],\"tools\":[");

    for (i = 0; i < 4097; i++) {
        p += sprintf(p, TOOL("t%u") ",", i);
    }

    sprintf(p, TOOL(".") "]}");

    is_str(chat_translate(O, A, text), "there are more than 4096 names of "
           "tools in the request", "too many that stay");

    free(text);
}


/* somebody names a tool as another one's stand-in, and the next of these */

static void
test_collision(void)
{
    char         text[2048], second[64], third[64];
    const char  *got;

    (void) chat_translate(O, A, "{\"tools\":[" TOOL("a.b") ","
                          TOOL("a_b_2e7336dc") "],\"messages\":[" USER "]}");
    is_int(chat_read.names->n, 1, "one is changed");
    snprintf(second, sizeof(second), "%.*s",
             (int) chat_read.names->name[0].provider.len,
             chat_read.names->name[0].provider.data);

    (void) chat_translate(O, A, "{\"tools\":[" TOOL("a.b") "],\"messages\":["
                          USER "]}");
    is_text(chat_read.names->name[0].provider, "a_b_2e7336dc",
            "its first choice");
    ok(strcmp(second, "a_b_2e7336dc") != 0, "which was another's: %s", second);

    snprintf(text, sizeof(text), "{\"tools\":[" TOOL("a.b") "],\"messages\":["
             USER "," CALL("1", "a_b_2e7336dc") "," CALL("2", "%s") "]}",
             second);

    got = chat_translate(O, A, text);
    snprintf(third, sizeof(third), "%.*s",
             (int) chat_read.names->name[0].provider.len,
             chat_read.names->name[0].provider.data);
    ok(strcmp(third, second) && strcmp(third, "a_b_2e7336dc"),
       "names of the past count: %s, %s", third, got);
    is_str(back(third), "a.b", "and back");
    is_str(back("a_b_2e7336dc"), "a_b_2e7336dc", "that one is itself");
}


/* all that stand for others */

static const char *
all(void)
{
    size_t       n;
    unsigned     i;
    static char  names[40 * 130];

    names[0] = '\0';

    for (i = 0, n = 0; chat_read.names && i < chat_read.names->n; i++) {
        n += snprintf(names + n, sizeof(names) - n, "%.*s ",
                      (int) chat_read.names->name[i].provider.len,
                      chat_read.names->name[i].provider.data);
    }

    return names;
}


/* random names: valid, distinct, restored, the same in the next turn */

static void
test_property(void)
{
    char                    *text, *p, first[40 * 130];
    unsigned                 i, k, n, len, round, to;
    genai_str_t              name[40], said, *other;
    unsigned char            room[40][300];
    genai_tool_names_t      *names;
    const genai_dialect_t   *dialect;

    static const char              bytes[] = "ab_-.: /\xc3\x9f" "01";
    static const genai_dialect_t  *dialects[] = { A, G, R };

    text = malloc(1 << 20);

    for (round = 0; round < 2000; round++) {

        to = any(3);
        dialect = dialects[to];
        n = 1 + any(40);

        for (i = 0; i < n; i++) {

            len = any(8) ? any(6) : any(200);
            name[i].data = room[i];

            for (k = 0; k < len; k++) {
                room[i][k] = bytes[any(sizeof(bytes) - 1)];

                if (room[i][k] == 0xc3 || room[i][k] == 0x9f) {
                    room[i][k++] = 0xc3;
                    room[i][k] = 0x9f;
                }
            }

            name[i].len = k;
        }

        p = text + sprintf(text, "{\"messages\":[" USER "],\"tools\":[");

        for (i = 0; i < n; i++) {
            p += sprintf(p, "%s" TOOL("%.*s"), i ? "," : "",
                         (int) name[i].len, name[i].data);
        }

        sprintf(p, "]}");

        (void) chat_translate(O, dialect, text);
        names = chat_read.names;

        for (i = 0; i < n; i++) {

            if (genai_tool_name_fits(dialect->tool_rule, &name[i])) {

                /* nothing stands for it, and it stands for nothing */

                said = name[i];

                if (names) {
                    genai_tool_name_back(names->name, names->n, &said);
                }

                quiet_ok(said.data == name[i].data, "it stays itself");
                continue;
            }

            for (k = 0; names && k < names->n; k++) {
                other = &names->name[k].client;

                if (other->len == name[i].len
                    && memcmp(other->data, name[i].data, other->len) == 0)
                {
                    break;
                }
            }

            if (names == NULL || k == names->n) {
                fail("%.*s has nothing", (int) name[i].len, name[i].data);
                continue;
            }

            said = names->name[k].provider;
            quiet_ok(genai_tool_name_fits(dialect->tool_rule, &said),
                     "%.*s is valid", (int) said.len, said.data);

            genai_tool_name_back(names->name, names->n, &said);
            quiet_ok(said.len == name[i].len
                     && memcmp(said.data, name[i].data, said.len) == 0,
                     "%.*s comes back", (int) said.len, said.data);
        }

        for (i = 0; names && i < names->n; i++) {

            other = &names->name[i].provider;

            for (k = 0; k < i; k++) {
                quiet_ok(names->name[k].provider.len != other->len
                         || memcmp(names->name[k].provider.data, other->data,
                                   other->len) != 0,
                         "%.*s is there once", (int) other->len, other->data);
            }
        }

        /* once more */

        snprintf(first, sizeof(first), "%s", all());
        (void) chat_translate(O, dialect, text);
        quiet_ok(strcmp(first, all()) == 0, "the same again");
    }

    free(text);
}


int
main(void)
{
    test_places();
    test_rules();
    test_many();
    test_collision();
    test_property();

    genai_arena_destroy(&chat_arena);

    return done_testing();
}
