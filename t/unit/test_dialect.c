/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Endpoints by path, names, the words of errors, and errors as OpenAI's
 * clients read them.
 */


#include "tap.h"
#include "genai_dialect.h"
#include "genai_path.h"
#include "genai_sim_json.h"


static genai_str_t
str(const char *text)
{
    genai_str_t  s;

    s.data = (unsigned char *) text;
    s.len = strlen(text);

    return s;
}


static const genai_dialect_t  *dialect = &genai_openai;


static void
test_path(const char *path, const char *endpoint, const char *id)
{
    genai_str_t              s, got;
    const genai_str_t       *name;
    const genai_endpoint_t  *e;

    s = str(path);
    e = genai_endpoint_of_path(dialect, &s, &got);

    if (endpoint == NULL) {
        ok(e == NULL, "%s is no endpoint", path);
        return;
    }

    if (!ok(e != NULL, "%s is an endpoint", path)) {
        return;
    }

    name = genai_endpoint_name(e->endpoint);
    is_text(*name, endpoint, "%s", path);
    is_text(got, id, "its id");
}


static void
test_names(void)
{
    int          i;
    genai_str_t  s;

    s = str("openai");
    ok(genai_dialect_by_name(&s) == &genai_openai, "openai is a dialect");

    s = str("anthropic");
    ok(genai_dialect_by_name(&s) == &genai_anthropic, "so is anthropic");

    s = str("gemini");
    ok(genai_dialect_by_name(&s) == &genai_gemini, "and gemini");
    s = str("bedrock");
    ok(genai_dialect_by_name(&s) == &genai_bedrock, "and bedrock");

    s = str("openaix");
    ok(genai_dialect_by_name(&s) == NULL, "nor is a longer name");

    for (i = GENAI_ENDPOINT_NONE + 1; i < GENAI_ENDPOINT_LAST; i++) {
        quiet_ok(genai_endpoint_name(i)->len > 0, "endpoint %d has a name", i);

        if (genai_endpoint_find(&genai_openai, i)) {
            is_int(genai_endpoint_by_name(genai_endpoint_name(i)), i,
                   "endpoint %d by its name", i);
        }
    }

    s = str("converse");
    is_int(genai_endpoint_by_name(&s), GENAI_ENDPOINT_CONVERSE,
           "another dialect's");

    s = str("");
    is_int(genai_endpoint_by_name(&s), GENAI_ENDPOINT_NONE, "no name");
}


static void
test_words(void)
{
    int                 i, k;
    unsigned            status;
    const genai_str_t  *a, *b;

    for (i = 0; i < GENAI_ERROR_LAST; i++) {
        a = genai_error_word(i);
        status = genai_error_status(i);

        quiet_ok(i == GENAI_OK ? a->len == 0 : a->len > 0, "word %d", i);
        quiet_ok(i == GENAI_OK ? status == 200
                               : (status >= 400 && status < 600),
                 "its status");

        for (k = 0; k < i; k++) {
            b = genai_error_word(k);
            quiet_ok(a->len != b->len || memcmp(a->data, b->data, a->len),
                     "words differ");
        }
    }

    for (status = 100; status < 600; status++) {
        quiet_ok((genai_error_of_provider(status) == GENAI_OK)
                 == (status < 400), "a provider's %u", status);
        quiet_ok((genai_error_of_nginx(status) == GENAI_OK)
                 == (status < 400), "nginx's %u", status);
    }

    is_int(genai_error_of_provider(401), GENAI_PROVIDER_REFUSED,
           "our credential's trouble is not the caller's");
    is_int(genai_error_of_provider(529), GENAI_PROVIDER_OVERLOADED, "529");
    is_int(genai_error_of_nginx(502), GENAI_PROVIDER_UNREACHABLE, "502");
}


static void
test_error(const char *message, const char *code, const char *want_message)
{
    size_t                len;
    genai_str_t           m, c;
    genai_sim_json_t          j, inner;
    genai_sim_json_member_t   v;
    unsigned char        *body, *text;

    m = str(message);
    c = str(code);

    body = malloc(GENAI_DIALECT_ERROR_MAX);
    text = malloc(GENAI_DIALECT_ERROR_MAX);

    len = genai_openai.error_body(body, 429, &m, &c);

    is_int(genai_sim_json_begin(&j, body, len), 0, "an error is JSON");
    is_int(genai_sim_json_next(&j, &v), 1, "with a member");
    is_int(genai_sim_json_key_is(&v, "error", 5), 1, "error");
    is_int(genai_sim_json_enter(&inner, &v), 0, "an object");

    is_int(genai_sim_json_next(&inner, &v), 1, "which has");
    is_int(genai_sim_json_key_is(&v, "message", 7), 1, "a message");
    is_mem(text, genai_sim_json_unescape(text, &v.value), want_message,
           strlen(want_message), "the one that was given");

    is_int(genai_sim_json_next(&inner, &v), 1, "which has");
    is_text(v.value, "rate_limit_error", "a type by the status");
    is_int(genai_sim_json_next(&inner, &v), 1, "param");
    is_int(genai_sim_json_next(&inner, &v), 1, "code");

    if (*code) {
        is_text(v.value, code, "the code that was given");

    } else {
        is_int(v.type, GENAI_SIM_JSON_NULL, "none");
    }

    is_int(genai_sim_json_next(&inner, &v), 0, "no more");
    is_int(genai_sim_json_next(&j, &v), 0, "no more");

    len = genai_openai.error_event(text, 429, &m, &c);

    ok(memcmp(text, "data: {", 7) == 0 && memcmp(text + len - 3, "}\n\n", 3)
       == 0, "as an event it is framed");

    free(body);
    free(text);
}


/* an error of each status, as Anthropic's clients read them */

static void
test_anthropic(void)
{
    size_t       i, n;
    char         want[256];
    genai_str_t  m, c;

    static unsigned char  body[GENAI_DIALECT_ERROR_MAX + 64];

    static const struct {
        unsigned     status;
        const char  *type;
    } types[] = {
        { 400, "invalid_request_error" }, { 401, "authentication_error" },
        { 402, "billing_error" }, { 403, "permission_error" },
        { 404, "not_found_error" }, { 405, "invalid_request_error" },
        { 413, "request_too_large" }, { 429, "rate_limit_error" },
        { 500, "api_error" }, { 502, "api_error" },
        { 503, "overloaded_error" }, { 504, "timeout_error" },
        { 529, "overloaded_error" }
    };

    m = str("a \"text\"");
    c = str("word");

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        n = genai_anthropic.error_body(body, types[i].status, &m, &c);
        (void) snprintf(want, sizeof(want), "{\"type\":\"error\",\"error\":"
                        "{\"type\":\"%s\",\"message\":\"a \\\"text\\\"\"}}",
                        types[i].type);
        is_mem(body, n, want, strlen(want), "anthropic: %u",
               types[i].status);
    }

    n = genai_anthropic.error_event(body, 529, &m, &c);
    ok(memcmp(body, "event: error\ndata: {", 20) == 0
       && memcmp(body + n - 3, "}\n\n", 3) == 0, "as an event");

    m.len = sizeof(want);
    memset(want, 1, sizeof(want));
    m.data = (unsigned char *) want;
    ok(genai_anthropic.error_event(body, 503, &m, &c)
       <= GENAI_DIALECT_ERROR_MAX, "it fits");
}


/* models in paths */

static void
test_paths(void)
{
    size_t          i, n;
    unsigned        stream;
    genai_str_t     path, model, id;
    unsigned char   buf[256];

    const genai_endpoint_t  *e;

    static const struct {
        const char  *name;
        const char  *path;
    } climbs[] = {
        { "../../x", "/models/..%2F..%2Fx:generateContent" },
        { "g/../x", "/models/g%2F..%2Fx:generateContent" },
        { "/x", "/models/%2Fx:generateContent" },
        { "x/", "/models/x%2F:generateContent" },
        { "a/.", "/models/a%2F.:generateContent" },
        { "a/..b/...", "/models/a/..b/...:generateContent" },
    };

    static const struct {
        const char  *path;
        const char  *model;
        unsigned     stream;
        genai_endpoint_e  endpoint;
    } paths[] = {
        { "/v1beta/models/g-2:generateContent", "g-2", 0,
          GENAI_ENDPOINT_GENERATE },
        { "/x/v1/models/a/b c:streamGenerateContent", "a/b c", 1,
          GENAI_ENDPOINT_GENERATE },
        { "/v1beta/models/g:1:countTokens", "g:1", 0,
          GENAI_ENDPOINT_COUNT_TOKENS },
        { "/v1beta/models/g", NULL, 0, GENAI_ENDPOINT_MODELS },
        { "/v1beta/models/:generateContent", NULL, 0,
          GENAI_ENDPOINT_GENERATE },
        { "/v1/projects/p/locations/l/publishers/google/models/g-2:"
          "streamGenerateContent", "g-2", 1, GENAI_ENDPOINT_GENERATE },
        { "/v1beta1/projects/p/locations/l/publishers/google/models/g-2:"
          "countTokens", "g-2", 0, GENAI_ENDPOINT_COUNT_TOKENS }
    };

    static const struct {
        const char  *path;
        int          version;
        int          vertex;
    } bases[] = {
        { "", 0, 0 },
        { "/", 0, 0 },
        { "/v", 0, 0 },
        { "/v1", 1, 0 },
        { "/v1beta", 1, 0 },
        { "/v1beta1", 1, 0 },
        { "/v1alpha/x", 1, 0 },
        { "/vertex", 0, 0 },
        { "/v1x", 0, 0 },
        { "/v1bet", 0, 0 },
        { "/x/av1", 0, 0 },
        { "/gateway/v12alpha3/", 1, 0 },
        { "/v1/projects/p/locations/l/publishers/google", 1, 1 },
        { "/v1/publishers/anthropic", 1, 1 },
        { "/publishers/", 0, 0 },
        { "/publishers", 0, 0 },
        { "/x/publishers/google/models", 0, 0 },
        { "xpublishers/google", 0, 0 }
    };

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        path = str(paths[i].path);

        e = genai_endpoint_of_path(&genai_gemini, &path, &id);
        ok(e && e->endpoint == paths[i].endpoint, "%s: its endpoint",
           paths[i].path);

        n = genai_gemini.path_read(&path, &model, &stream);

        if (paths[i].model == NULL) {
            ok(n == 0, "%s has no model", paths[i].path);
            continue;
        }

        ok(n == 1 && stream == paths[i].stream, "%s has a model",
           paths[i].path);
        is_mem(model.data, model.len, paths[i].model,
               strlen(paths[i].model), "which is %s", paths[i].model);
    }

    model = str("a/b c?\xc3\xa9");
    n = genai_gemini.path_write(buf, sizeof(buf), GENAI_ENDPOINT_GENERATE,
                                &model, 1);
    is_mem(buf, n, "/models/a/b%20c%3F%C3%A9:streamGenerateContent"
           "?alt=sse", 54, "a stream's path");
    ok(genai_gemini.path_write(buf, 3, GENAI_ENDPOINT_GENERATE, &model, 1)
       == 54, "no room");
    n = genai_gemini.path_write(buf, sizeof(buf), GENAI_ENDPOINT_GENERATE,
                                &model, 0);
    is_mem(buf, n, "/models/a/b%20c%3F%C3%A9:generateContent", 40,
           "a whole answer's");
    for (i = 0; i < sizeof(climbs) / sizeof(climbs[0]); i++) {
        model.data = (unsigned char *) climbs[i].name;
        model.len = strlen(climbs[i].name);
        n = genai_gemini.path_write(buf, sizeof(buf), GENAI_ENDPOINT_GENERATE,
                                    &model, 0);
        is_mem(buf, n, climbs[i].path, strlen(climbs[i].path),
               "a name that leads nowhere else: %s", climbs[i].name);
    }

    ok(genai_openai.path_read == NULL && genai_openai.path_write == NULL,
       "OpenAI's have none");

    model = str("claude-x@20251001");
    n = genai_anthropic.vertex_path(buf, sizeof(buf), GENAI_ENDPOINT_MESSAGES,
                                    &model, 1);
    is_mem(buf, n, "/models/claude-x@20251001:streamRawPredict", 42,
           "Anthropic's on Vertex");
    n = genai_anthropic.vertex_path(buf, sizeof(buf), GENAI_ENDPOINT_MESSAGES,
                                    &model, 0);
    is_mem(buf, n, "/models/claude-x@20251001:rawPredict", 36,
           "a whole answer's");
    n = genai_anthropic.vertex_path(buf, sizeof(buf),
                                    GENAI_ENDPOINT_COUNT_TOKENS, &model, 0);
    is_mem(buf, n, "/models/count-tokens:rawPredict", 31, "for a count");
    is_int(genai_anthropic.vertex_path(buf, sizeof(buf),
                                       GENAI_ENDPOINT_OTHER, &model, 0), 0,
           "there is no other");

    for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        path = str(bases[i].path);
        is_int(genai_path_has_version(&path), bases[i].version,
               "a version: %s", bases[i].path);
        is_int(genai_path_is_vertex(&path), bases[i].vertex,
               "Vertex: %s", bases[i].path);
    }

    path = str("slow \"down\"");
    id = str("rate_limited");
    n = genai_gemini.error_event(buf, 429, &path, &id);
    is_mem(buf, n, "data: {\"error\":{\"code\":429,\"message\":"
           "\"slow \\\"down\\\"\",\"status\":\"RESOURCE_EXHAUSTED\","
           "\"details\":[{\"@type\":\"type.googleapis.com/google.rpc."
           "ErrorInfo\",\"reason\":\"rate_limited\"}]}}\n\n", 175,
           "an error's event");
}


static void
test_azure(void)
{
    size_t                   i, n;
    unsigned                 stream;
    genai_str_t              path, model, id;
    unsigned char            buf[128];
    const genai_endpoint_t  *e;

    static const struct {
        const char        *path;
        const char        *model;       /* NULL: it is not Azure's */
        genai_endpoint_e   endpoint;
    } paths[] = {
        { "/openai/deployments/d/chat/completions", "d",
          GENAI_ENDPOINT_CHAT },
        { "/a/openai/deployments/m/x y/chat/completions", "m/x y",
          GENAI_ENDPOINT_CHAT },
        { "/openai/deployments/d/completions", "d",
          GENAI_ENDPOINT_COMPLETIONS },
        { "/openai/deployments/d/embeddings", "d",
          GENAI_ENDPOINT_EMBEDDINGS },
        { "/openai/deployments/a/openai/deployments/b/embeddings",
          "a/openai/deployments/b", GENAI_ENDPOINT_EMBEDDINGS },
        { "/openai/deployments/chat/completions", NULL,
          GENAI_ENDPOINT_NONE },
        { "/openai/deployments//chat/completions", NULL,
          GENAI_ENDPOINT_NONE },
        { "/openai/deployments/completions", NULL, GENAI_ENDPOINT_NONE },
        { "/openai/deployments/d/models", NULL, GENAI_ENDPOINT_NONE },
        { "/openai/deployments/", NULL, GENAI_ENDPOINT_NONE },
        { "/openai/v1/chat/completions", NULL, GENAI_ENDPOINT_NONE },
        { "/deployments/d/chat/completions", NULL, GENAI_ENDPOINT_NONE },
        { "", NULL, GENAI_ENDPOINT_NONE }
    };

    static const struct {
        const char        *text;
        int                jwt;
    } credentials[] = {
        { "eyJhbGciOiJub25lIn0.e30.c2ln", 1 },
        { "eyJ.-_.A", 1 },
        { "eyJ.a.", 0 }, { "eyJ.a", 0 }, { "eyJ..a", 0 }, { "eyJ.a.b.c", 0 },
        { "eyJ.a.b=", 0 }, { "eyJ", 0 }, { "ey", 0 }, { "", 0 },
        { "0123456789abcdef0123456789abcdef", 0 }, { "a.b.c", 0 }
    };

    ok(genai_dialect_bodies(&genai_azure) == &genai_openai,
       "Azure's bodies are OpenAI's");
    ok(genai_dialect_bodies(&genai_openai) == &genai_openai,
       "and those are its own");

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        path = str(paths[i].path);
        stream = 7;

        e = genai_endpoint_of_path(&genai_azure, &path, &id);
        n = genai_azure.path_read(&path, &model, &stream);

        if (paths[i].model == NULL) {
            ok(e == NULL && n == 0, "%s is not Azure's", paths[i].path);
            continue;
        }

        ok(e && e->endpoint == paths[i].endpoint, "%s: its endpoint",
           paths[i].path);
        ok(n == 1 && stream == 7, "which has a model, and no word of streams");
        is_text(model, paths[i].model, "its model");
    }

    model = str("a/b c?\xc3\xa9");
    n = genai_azure.path_write(buf, sizeof(buf), GENAI_ENDPOINT_CHAT, &model,
                               1);
    is_mem(buf, n, "/openai/deployments/a%2Fb%20c%3F%C3%A9/chat/completions",
           55, "a path");
    ok(genai_azure.path_write(buf, 3, GENAI_ENDPOINT_CHAT, &model, 1) == 55,
       "no room");
    is_int(genai_azure.path_write(buf, 3, GENAI_ENDPOINT_MODELS, &model, 1), 0,
           "an endpoint that it has not");

    for (i = 0; i < sizeof(credentials) / sizeof(credentials[0]); i++) {
        id = str(credentials[i].text);
        is_int(genai_credential_is_jwt(&id), credentials[i].jwt, "\"%s\"",
               credentials[i].text);
    }
}


int
main(void)
{
    char  huge[5000];

    test_path("/v1/chat/completions", "chat", "");
    test_path("/chat/completions", "chat", "");
    test_path("/a/b/v1/completions", "completions", "");
    test_path("/v1/embeddings", "embeddings", "");
    test_path("/v1/moderations", "moderations", "");
    test_path("/v2/rerank", "rerank", "");
    test_path("/v1/images/generations", "images", "");
    test_path("/v1/images/edits", "images", "");
    test_path("/v1/images/variations", "images", "");
    test_path("/v1/audio/speech", "audio", "");
    test_path("/v1/audio/transcriptions", "audio", "");
    test_path("/v1/audio/translations", "audio", "");
    test_path("/v1/images", NULL, NULL);
    test_path("/v1/audio", NULL, NULL);
    test_path("/v1/files", NULL, NULL);
    test_path("/v1/batches", NULL, NULL);
    test_path("/v1/models", "models", "");
    test_path("/v1/models/gpt-4o", "models", "gpt-4o");
    test_path("/v1/models/meta/llama/3", "models", "meta/llama/3");
    test_path("/v1/models/a/models/b", "models", "a/models/b");
    test_path("/v1/models/", NULL, NULL);
    test_path("/v1/modelsx", NULL, NULL);
    test_path("/v1/chat/completions/", NULL, NULL);
    test_path("/v1/chat/completionsx", NULL, NULL);
    test_path("/v1/files", NULL, NULL);
    test_path("/", NULL, NULL);
    test_path("", NULL, NULL);
    test_path("completions", NULL, NULL);
    test_path("/completions", "completions", "");

    dialect = &genai_anthropic;
    test_path("/v1/messages", "messages", "");
    test_path("/v1/messages/count_tokens", "count_tokens", "");
    test_path("/v1/models/claude", "models", "claude");
    test_path("/v1/messages/batches", NULL, NULL);
    test_path("/deepseek/anthropic/v1/messages", "messages", "");
    test_path("/v1/chat/completions", NULL, NULL);
    test_anthropic();

    test_names();
    test_paths();
    test_words();
    test_azure();

    test_error("slow down", "policy_rate", "slow down");
    test_error("a \"quoted\"\n\\ text", "", "a \"quoted\"\n\\ text");
    test_error("bad \xff byte", "x", "bad \xef\xbf\xbd byte");

    memset(huge, 1, sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    huge[GENAI_DIALECT_MESSAGE_MAX] = '\0';
    test_error(huge, "y", huge);

    return done_testing();
}
