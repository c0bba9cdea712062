/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Servers that speak OpenAI's dialect in their own way: what of a request is
 * edited for each of them, and how a translation is written for them.
 */


#include "chat.h"
#include "request.h"
#include "genai_quirks.h"


/* what Mistral gets of call_1 */
#define ID  "9gD2Dimct"


static genai_str_t
str(const char *text)
{
    genai_str_t  s;

    s.data = (unsigned char *) text;
    s.len = strlen(text);

    return s;
}


static genai_quirks_t const *
quirks(const char *name)
{
    genai_str_t            s;
    const genai_quirks_t  *q;

    s = str(name);
    q = genai_quirks_by_name(&s);

    if (q == NULL) {
        printf("Bail out! no quirks %s\n", name);
        exit(1);
    }

    return q;
}


/* the text that is sent, or what it is refused with, and what was dropped */

static void
edited(const char *name, genai_endpoint_e endpoint, unsigned newer,
    const char *text, const char *want, const char *dropped)
{
    int                   rc;
    size_t                n;
    unsigned              i;
    request_t             r;
    genai_str_t           slice, s;
    genai_edits_t         edits;
    genai_splicer_t       splicer;
    genai_document_t      d;
    genai_quirks_told_t   told;
    genai_writer_arena_t  out;
    char                  names[512];

    request_open(&r, &genai_openai, endpoint, text, strlen(text));

    if (genai_request_read(&r.req, SIZE_MAX) != GENAI_REQUEST_DONE) {
        ok(0, "%s: read: %s", text, r.req.error);
        request_close(&r);
        return;
    }

    genai_edits_init(&edits, &r.req.tape, &r.arena);

    rc = genai_quirks_edit(quirks(name), &r.req, newer, &edits, &told);

    if (rc == GENAI_QUIRKS_REFUSED) {
        is_text(str(told.error), want, "%s refuses %s", name, text);
        request_close(&r);
        return;
    }

    s.data = r.text;
    s.len = strlen(text);

    if (rc != GENAI_EDIT_OK
        || genai_document_init(&d, &s, &r.req.tape, NULL, &edits, &r.arena)
           != 0)
    {
        ok(0, "%s: edited", text);
        request_close(&r);
        return;
    }

    memset(&out, 0, sizeof(out));
    out.arena = &r.arena;

    genai_splicer_init(&splicer, &d);

    while (genai_splicer_next(&splicer, &slice)) {
        (void) genai_writer_arena(&out, slice.data, slice.len);
    }

    is_text(out.text, want, "%s gets of %s", name, text);

    names[0] = '\0';

    for (i = 0, n = 0; i < told.ndropped && n < sizeof(names); i++) {
        n += snprintf(names + n, sizeof(names) - n, "%s%.*s", i ? "," : "",
                      (int) told.dropped[i].len, told.dropped[i].data);
    }

    is_text(str(names), dropped, "and is not told");

    request_close(&r);
}


#define CHAT(name, text, want, dropped)                                       \
    edited(name, GENAI_ENDPOINT_CHAT, 0, text, want, dropped)
#define SAME(name, text)  CHAT(name, text, text, "")


static void
test_table(void)
{
    unsigned                      i, k;
    genai_str_t                   s;
    const genai_str_t            *r;
    const genai_quirks_t         *q, *other;
    const genai_quirks_member_t  *m;

    static const struct {
        const char  *host;
        const char  *name;
    } hosts[] = {
        { "api.mistral.ai", "mistral" },
        { "API.Mistral.AI", "mistral" },
        { "eu.api.mistral.ai", "mistral" },
        { "notapi.mistral.ai", NULL },
        { "api.mistral.ai.example", NULL },
        { "mistral.ai", NULL },
        { "api.together.ai", "together" },
        { "127.0.0.1", NULL },
        { "", NULL }
    };

    static const char  *names[] = {
        "openai", "vllm", "sglang", "triton", "tgi", "ollama", "llamacpp",
        "mistral", "groq", "together", "deepseek", "xai", "openrouter",
        "huggingface", "cohere"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        s = str(names[i]);
        ok(genai_quirks_by_name(&s) != NULL, "there is %s", names[i]);
    }

    s = str("mistra");
    ok(genai_quirks_by_name(&s) == NULL, "and no other");
    s = str("");
    ok(genai_quirks_by_name(&s) == NULL, "nor one without a name");

    for (i = 0; (q = genai_quirks_at(i)) != NULL; i++) {

        quiet_ok(q->call_id <= GENAI_QUIRKS_ID_MAX, "its ids have room");

        for (k = 0; k < i; k++) {
            other = genai_quirks_at(k);
            quiet_ok(other->name.len != q->name.len
                     || memcmp(other->name.data, q->name.data, q->name.len),
                     "names differ");
        }

        /* what is always told, and what the gateway itself acts on */

        for (r = q->refused; r && r->len; r++) {
            quiet_ok(!genai_str_is(r, "model") && !genai_str_is(r, "messages")
                     && !genai_str_is(r, "stream"), "a member");
        }

        for (m = q->refused_message; m && m->name.len; m++) {
            quiet_ok(!genai_str_is(&m->name, "role")
                     && !genai_str_is(&m->name, "content"), "of a message");
        }
    }

    is_int(i, sizeof(names) / sizeof(names[0]), "all are tested");

    for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        s = str(hosts[i].host);
        q = genai_quirks_by_host(&s);

        if (hosts[i].name == NULL) {
            ok(q == NULL, "%s is nobody's", hosts[i].host);

        } else {
            ok(q == quirks(hosts[i].name), "%s is %s's", hosts[i].host,
               hosts[i].name);
        }
    }
}


static void
test_ids(void)
{
    size_t         n;
    genai_str_t    s;
    unsigned char  a[GENAI_QUIRKS_ID_MAX], b[GENAI_QUIRKS_ID_MAX];

    s = str("abcDEF123");
    is_int(genai_quirks_call_id(quirks("mistral"), &s, a), 0, "right as it is");
    is_int(genai_quirks_call_id(quirks("groq"), &s, a), 0, "or whatever it is");

    s = str("call_abc");
    n = genai_quirks_call_id(quirks("mistral"), &s, a);
    is_int(n, 9, "another one has nine");
    (void) genai_quirks_call_id(quirks("mistral"), &s, b);
    is_mem(a, n, (char *) b, n, "always the same");

    is_int(genai_quirks_call_id(quirks("mistral"),
                                &(genai_str_t) { n, a }, b),
           0, "which is right as it is");

    s = str("call_abd");
    (void) genai_quirks_call_id(quirks("mistral"), &s, b);
    ok(memcmp(a, b, 9) != 0, "and another for another");

    s = str("abcDEF12_");
    is_int(genai_quirks_call_id(quirks("mistral"), &s, b), 9,
           "nine with another character");
    s = str("");
    is_int(genai_quirks_call_id(quirks("mistral"), &s, b), 9, "none");
}


static void
test_edits(void)
{
    unsigned               i;
    const genai_quirks_t  *q;

    static const char  plain[] =
        "{ \"model\":\"m\", \"messages\":[{\"role\":\"system\",\"content\":\"b"
        "\"},{\"role\":\"user\",\"content\":\"\\u0068i\"}],\"temperature\":1.0,"
        "\"stream\":false , \"tools\":[] ,\"x\":{\"seed\":1}}";

    for (i = 0; (q = genai_quirks_at(i)) != NULL; i++) {
        SAME((char *) q->name.data, plain);
    }

    /* the field that caps the answer */

    CHAT("mistral", "{\"max_completion_tokens\": 5,\"model\":\"m\"}",
         "{\"model\":\"m\",\"max_tokens\":5}", "");
    CHAT("ollama", "{\"max_tokens\":9,\"max_completion_tokens\":5}",
         "{\"max_tokens\":5}", "");
    CHAT("deepseek", "{\"max_tokens\":9}", "{\"max_tokens\":9}", "");
    SAME("vllm", "{\"max_tokens\":9,\"max_completion_tokens\":5}");
    SAME("openai", "{\"max_tokens\":9}");
    edited("openai", GENAI_ENDPOINT_CHAT, 1, "{\"max_tokens\":9}",
           "{\"max_completion_tokens\":9}", "");
    edited("openai", GENAI_ENDPOINT_CHAT, 1,
           "{\"max_tokens\":9,\"max_completion_tokens\":5}",
           "{\"max_completion_tokens\":5}", "");
    edited("ollama", GENAI_ENDPOINT_COMPLETIONS, 0, "{\"max_tokens\":9}",
           "{\"max_tokens\":9}", "");
    SAME("ollama", "{\"max_completion_tokens\":null}");
    CHAT("ollama", "{\"max_tokens\":5,\"max_completion_tokens\":9}",
         "{\"max_tokens\":5}", "");
    CHAT("ollama", "{\"max_tokens\":5e0,\"max_completion_tokens\":-1}",
         "{\"max_tokens\":5}", "");
    CHAT("ollama", "{\"max_tokens\":-1,\"max_completion_tokens\":-2}",
         "{\"max_tokens\":-1}", "");
    edited("openai", GENAI_ENDPOINT_CHAT, 1,
           "{\"max_tokens\":4,\"max_completion_tokens\":5}",
           "{\"max_completion_tokens\":4}", "");

    /* usage */

    CHAT("mistral", "{\"stream\":true,\"stream_options\":"
         "{\"include_usage\":true}}", "{\"stream\":true}", "");

    /* words */

    CHAT("mistral", "{\"tool_choice\":\"required\"}",
         "{\"tool_choice\":\"any\"}", "");
    CHAT("mistral", "{\"tool_choice\":\"requ\\u0069red\"}",
         "{\"tool_choice\":\"any\"}", "");
    SAME("mistral", "{\"tool_choice\":\"auto\"}");
    SAME("mistral", "{\"tool_choice\":{\"type\":\"function\",\"function\":"
         "{\"name\":\"required\"}}}");
    SAME("groq", "{\"tool_choice\":\"required\"}");
    CHAT("llamacpp", "{\"tool_choice\":{\"type\":\"function\"}}",
         "this model's provider cannot be told which function to call", "");
    CHAT("mistral", "{\"seed\":1e2}", "{\"random_seed\":1e2}", "");
    CHAT("cohere", "{\"reasoning_effort\":\"low\"}",
         "{\"reasoning_effort\":\"high\"}", "");
    SAME("cohere", "{\"reasoning_effort\":\"none\"}");
    SAME("cohere", "{\"reasoning_effort\":\"high\"}");

    CHAT("tgi", "{\"top_p\":1}", "{}", "");
    CHAT("tgi", "{\"top_p\":1.00}", "{}", "");
    SAME("tgi", "{\"top_p\":1.01}");
    SAME("tgi", "{\"top_p\":0.9}");
    SAME("tgi", "{\"top_p\":null}");
    SAME("vllm", "{\"top_p\":1}");

    /* what is refused, and what asks for nothing */

    CHAT("groq", "{\"logprobs\":true,\"top_logprobs\":2,\"logit_bias\":{}}",
         "{}", "logprobs,top_logprobs,logit_bias");
    CHAT("groq", "{\"logprobs\":false,\"logit_bias\":null}", "{}", "");
    edited("cohere", GENAI_ENDPOINT_EMBEDDINGS, 0,
           "{\"input\":\"a\",\"user\":\"u\",\"dimensions\":8}",
           "{\"input\":\"a\"}", "user,dimensions");
    edited("mistral", GENAI_ENDPOINT_EMBEDDINGS, 0,
           "{\"input\":\"a\",\"user\":\"u\"}",
           "{\"input\":\"a\",\"user\":\"u\"}", "");
    SAME("cohere", "{\"user\":\"u\",\"dimensions\":8}");

    CHAT("groq", "{\"n\":2}",
         "this model's provider gives one answer, \"n\" cannot be more", "");
    SAME("groq", "{\"n\":1}");
    SAME("vllm", "{\"n\":2}");
    CHAT("deepseek", "{\"response_format\":{\"type\":\"json_schema\"}}",
         "this model's provider has no answers by a JSON schema", "");
    SAME("deepseek", "{\"response_format\":{\"type\":\"json_object\"}}");
    SAME("deepseek", "{\"response_format\":7}");
    SAME("deepseek", "{\"response_format\":{\"type\":[]}}");

    /* messages */

    CHAT("deepseek", "{\"messages\":[{\"content\":\"developer\",\"role\":"
         "\"developer\"}]}", "{\"messages\":[{\"content\":\"developer\","
         "\"role\":\"system\"}]}", "");
    SAME("openrouter", "{\"messages\":[{\"role\":\"developer\"}]}");

    CHAT("mistral", "{\"messages\":[{\"role\":\"user\",\"name\":\"n\"},"
         "{\"role\":\"assistant\",\"content\":null,\"refusal\":null,"
         "\"reasoning_content\":\"r\",\"annotations\":[],\"tool_calls\":["
         "{\"id\":\"abcdefgh1\"},{\"id\":\"\\u0061bcdefgh2\"},"
         "{\"id\":\"call_1\"},7,{\"id\":3}]},"
         "{\"role\":\"tool\",\"name\":\"f\",\"tool_call_id\":\"call_1\"}]}",
         "{\"messages\":[{\"role\":\"user\"},"
         "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
         "{\"id\":\"abcdefgh1\"},{\"id\":\"\\u0061bcdefgh2\"},"
         "{\"id\":\"" ID "\"},7,{\"id\":3}]},"
         "{\"role\":\"tool\",\"name\":\"f\",\"tool_call_id\":\"" ID "\"}]}",
         "name,reasoning_content,annotations");
    CHAT("groq", "{\"messages\":[{\"role\":\"tool\",\"name\":\"f\"},"
         "{\"role\":\"assistant\",\"reasoning\":\"r\","
         "\"reasoning_content\":\"r\"}]}",
         "{\"messages\":[{\"role\":\"tool\"},"
         "{\"role\":\"assistant\",\"reasoning\":\"r\"}]}",
         "name,reasoning_content");

    SAME("mistral", "{\"messages\":[]}");
    SAME("mistral", "{\"messages\":[{},{\"tool_calls\":null,"
         "\"tool_call_id\":null}]}");
}


/* messages as many as may be, and one more */

static void
test_many(void)
{
    int                   rc;
    char                 *text;
    size_t                len;
    unsigned              i, k, n;
    request_t             r;
    genai_edits_t         edits;
    genai_quirks_told_t   told;

    static const struct {
        const char  *message;
        unsigned     max;
    } many[] = {
        { "{\"role\":\"user\"}", GENAI_QUIRKS_MESSAGES_MAX },
        { "{\"role\":\"user\",\"name\":\"\"}", GENAI_QUIRKS_EDITS_MAX },
        { "{\"tool_call_id\":\"1\"}", GENAI_QUIRKS_EDITS_MAX },
        { "{\"tool_calls\":[{\"id\":\"\"}]}", GENAI_QUIRKS_EDITS_MAX }
    };

    text = malloc(64 * GENAI_QUIRKS_MESSAGES_MAX);

    if (text == NULL) {
        abort();
    }

    for (i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
        for (n = many[i].max; n < many[i].max + 3; n += 2) {

            len = sprintf(text, "{\"messages\":[");

            for (k = 0; k < n; k++) {
                len += sprintf(text + len, "%s%s", k ? "," : "",
                               many[i].message);
            }

            len += sprintf(text + len, "]}");

            request_open(&r, &genai_openai, GENAI_ENDPOINT_CHAT, text, len);

            if (genai_request_read(&r.req, SIZE_MAX) != GENAI_REQUEST_DONE) {
                ok(0, "read: %s", r.req.error);
            }

            genai_edits_init(&edits, &r.req.tape, &r.arena);

            rc = genai_quirks_edit(quirks("mistral"), &r.req, 0, &edits,
                                   &told);
            is_int(rc, n > many[i].max ? GENAI_QUIRKS_REFUSED : GENAI_EDIT_OK,
                   "%u times %s", n, many[i].message);

            if (n > many[i].max) {
                rc = genai_quirks_edit(quirks("vllm"), &r.req, 0, &edits,
                                       &told);
                is_int(rc, GENAI_EDIT_OK, "which others have not to look at");
            }

            request_close(&r);
        }
    }

    free(text);
}


static void
writes(const char *name, const char *text, const char *want,
    const char *dropped)
{
    chat_target.quirks = quirks(name);
    chat_target.untold = chat_target.quirks->untold;

    is_text(str(chat_translate(&genai_anthropic, &genai_openai, text)), want,
            "%s is written %s", name, text);

    if (dropped) {
        is_text(str(chat_dropped()), dropped, "without");
    }

    chat_target.quirks = NULL;
    chat_target.untold = 0;
}


#define SAID  "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"


static void
test_written(void)
{
    chat_target.newer = 1;

    writes("mistral", "{\"max_tokens\":5,\"stream\":true,\"top_k\":3,"
           "\"metadata\":{\"user_id\":\"u\"},\"tools\":[{\"name\":\"f\","
           "\"input_schema\":{\"type\":\"object\"}}],"
           "\"tool_choice\":{\"type\":\"any\"}," SAID "}",
           "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"function\":"
           "{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}}}],"
           "\"tool_choice\":\"any\"," SAID ",\"max_tokens\":5,"
           "\"stream\":true}", "top_k,user");

    writes("vllm", "{\"max_tokens\":5,\"top_k\":3,\"stop_sequences\":"
           "[\"1\",\"2\",\"3\",\"4\",\"5\"]," SAID "}",
           "{\"model\":\"m\"," SAID ",\"max_completion_tokens\":5,\"stop\":"
           "[\"1\",\"2\",\"3\",\"4\",\"5\"],\"top_k\":3}", "");

    writes("groq", "{\"stop_sequences\":[\"1\",\"2\",\"3\",\"4\",\"5\"],"
           SAID "}",
           "this model's provider takes no more than 4 stop sequences", NULL);

    chat_target.newer = 0;

    writes("llamacpp", "{\"tools\":[{\"name\":\"f\"}],\"tool_choice\":{"
           "\"type\":\"tool\",\"name\":\"f\"}," SAID "}",
           "this model's provider cannot be told which function to call",
           NULL);

    writes("deepseek", "{\"output_config\":{\"format\":{\"type\":"
           "\"json_schema\",\"schema\":{}}}," SAID "}",
           "this model's provider has no answers by a JSON schema", NULL);

    writes("cohere", "{\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":"
           "1024},\"tools\":[{\"name\":\"f\"}],\"tool_choice\":{\"type\":"
           "\"auto\",\"disable_parallel_tool_use\":true}," SAID "}",
           "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"function\":"
           "{\"name\":\"f\",\"parameters\":{\"type\":\"object\","
           "\"properties\":{}}}}],\"tool_choice\":\"auto\"," SAID ","
           "\"reasoning_effort\":\"high\"}", "parallel_tool_calls");

    /* thoughts that nobody has signed go back to who reads them */

#define TURN                                                                  \
    "{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":"          \
    "\"thinking\",\"thinking\":\"h\\u006d\",\"signature\":\"\"},{\"type\":"   \
    "\"thinking\",\"thinking\":\"other\",\"signature\":\"s\"},{\"type\":"     \
    "\"tool_use\",\"id\":\"call_1\",\"name\":\"f\",\"input\":{}}]},"          \
    "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","              \
    "\"tool_use_id\":\"call_1\",\"content\":\"r\"}]}]}"

#define CALL(more, id)                                                        \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\"," more            \
    "\"content\":null,\"tool_calls\":[{\"id\":\"" id "\",\"type\":"           \
    "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"     \
    "{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"r\"}]}"

    writes("deepseek", TURN, CALL("\"reasoning_content\":\"h\\u006d\",",
                                  "call_1"), "thinking");
    writes("vllm", TURN, CALL("\"reasoning\":\"h\\u006d\",", "call_1"),
           "thinking");
    writes("mistral", TURN, CALL("", ID), "thinking");
    writes("openai", TURN, CALL("", "call_1"), "thinking");

    /* and the members of OpenAI's own */

    chat_target.quirks = quirks("mistral");
    is_text(str(chat_translate(&genai_openai, &genai_openai,
                "{\"seed\":1,\"logprobs\":true,\"messages\":[{\"role\":"
                "\"user\",\"name\":\"n\",\"content\":\"hi\"},{\"role\":"
                "\"assistant\",\"refusal\":\"no\"}]}")),
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
            "\"hi\"},{\"role\":\"assistant\",\"content\":\"no\"}],"
            "\"random_seed\":1}", "OpenAI's own");
    is_text(str(chat_dropped()), "name,logprobs", "without");
    is_text(str(chat_translate(&genai_openai, &genai_openai,
                "{\"n\":2," SAID "}")),
            "{\"model\":\"m\"," SAID ",\"n\":2}", "several answers");
    chat_target.quirks = quirks("groq");
    is_text(str(chat_translate(&genai_openai, &genai_openai,
                "{\"n\":2," SAID "}")),
            "this model's provider gives one answer, \"n\" cannot be more",
            "and where there is one");
    chat_target.quirks = NULL;
}


int
main(void)
{
    test_table();
    test_ids();
    test_edits();
    test_many();
    test_written();

    genai_arena_destroy(&chat_arena);

    return done_testing();
}
