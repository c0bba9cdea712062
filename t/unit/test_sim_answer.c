/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "tap.h"

#include "genai_sim_answer.h"

#include <jansson.h>


static genai_sim_opts_t     o;
static genai_sim_request_t  req;
static genai_sim_answer_t   a;
static char                *out;
static size_t               out_len;
static unsigned             units;
static char                *body;


static void
prepare(genai_endpoint_e endpoint, const char *text)
{
    genai_sim_request_free(&req);
    free(body);

    body = strdup(text);

    if (genai_sim_request_read(&req, endpoint, NULL, (unsigned char *) body,
                               strlen(body)) == -1)
    {
        fail("request: %s", req.error);
        exit(1);
    }

    genai_sim_answer_init(&a, &req, &o, 0x1234, 1700000000, strlen(body));
}


/* pulls all, each unit into memory of just the size that is promised */

static void
pull(void)
{
    size_t          n, size;
    uint64_t        rest;
    unsigned char  *room, *end;

    free(out);

    size = 65536;
    out = malloc(size);
    out_len = 0;
    units = 0;
    rest = genai_sim_answer_rest(&a);

    for ( ;; ) {
        room = malloc(GENAI_SIM_UNIT);

        end = genai_sim_answer_next(&a, room, room + GENAI_SIM_UNIT);
        n = end - room;

        if (out_len + n + 1 > size) {
            size *= 2;
            out = realloc(out, size);
        }

        memcpy(out + out_len, room, n);
        out_len += n;

        free(room);

        if (n == 0) {
            break;
        }

        units++;
    }

    out[out_len] = '\0';

    ok(rest == out_len, "the rest was known");
}


static json_t *
parsed(const char *text, size_t len)
{
    json_t        *json;
    json_error_t   error;

    json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

    ok(json != NULL, "JSON: %s", json ? "good" : error.text);

    return json;
}


/* the n-th event's data, or NULL */

static json_t *
event(unsigned n)
{
    char  *p, *end;

    for (p = out; *p; p = end + 2) {

        end = strstr(p, "\n\n");

        if (end == NULL || strncmp(p, "data: ", 6) != 0) {
            fail("an event");
            return NULL;
        }

        if (n-- == 0) {
            return parsed(p + 6, end - p - 6);
        }
    }

    return NULL;
}


#define MESSAGES  "\"model\":\"m\\u00e9\",\"messages\":[{\"role\":\"user\"}]"


static void
test_json(void)
{
    json_t      *j, *choice;
    unsigned     i, total;
    const char  *content, *text;

    genai_sim_opts_init(&o);
    o.tokens = 50;

    prepare(GENAI_ENDPOINT_CHAT, "{" MESSAGES ",\"n\":2}");
    pull();

    j = parsed(out, out_len);

    json_unpack(j, "{s:s,s:{s:i}}", "model", &text, "usage", "total_tokens",
                &total);
    is_str(text, "m\xc3\xa9", "model");
    is_int(total, 100 + strlen(body) / 4, "total");
    is_int(a.tokens, 100, "tokens");
    is_int(a.reported, 100, "reported");

    json_array_foreach(json_object_get(j, "choices"), i, choice) {
        json_unpack(choice, "{s:{s:s}}", "message", "content", &content);

        for (text = content, total = 1; *text; text++) {
            total += (*text == ' ');
        }

        is_int(total, 50, "words of choice %u", i);
        ok(*content != ' ' && text[-1] != ' ', "none at its ends");
    }

    json_decref(j);

    o.tokens = 0;
    prepare(GENAI_ENDPOINT_CHAT, "{" MESSAGES "}");
    pull();
    json_decref(parsed(out, out_len));

    o.usage = 0;
    pull();
    ok(out_len == 0, "no more");
    prepare(GENAI_ENDPOINT_CHAT, "{" MESSAGES "}");
    pull();
    ok(strstr(out, "usage") == NULL, "no usage");
}


static void
test_stream(void)
{
    char         text[4096];
    json_t      *j;
    unsigned     i, index;
    const char  *s;

    genai_sim_opts_init(&o);
    o.tokens = 5;

    prepare(GENAI_ENDPOINT_CHAT, "{" MESSAGES ",\"stream\":true,\"n\":2,"
            "\"stream_options\":{\"include_usage\":true}}");

    is_int(genai_sim_answer_due(&a), 0, "the first is due at once");
    pull();
    is_int(units, 2 + 10 + 2 + 1 + 1, "events");
    is_int(a.events, units, "counted");
    is_int(a.tokens, 10, "tokens");
    is_int(a.reported, 10, "reported");
    ok(out_len > 14 && strcmp(out + out_len - 14, "data: [DONE]\n\n") == 0,
       "done");

    for (i = 0; i < 15; i++) {
        j = event(i);

        if (i < 14) {
            json_unpack(j, "{s:[{s:i}]}", "choices", "index", &index);
            is_int(index, i % 2, "choice");
            ok(json_is_null(json_object_get(j, "usage")), "usage is null");

        } else {
            ok(json_is_object(json_object_get(j, "usage")), "usage");
        }

        json_decref(j);
    }

    /* pieces of a text */

    o.text.data = (unsigned char *) "a\"\xf0\x9f\x99\x82 \\b\xc3\xa9\n";
    o.text.len = strlen((char *) o.text.data);
    o.piece = 2;

    prepare(GENAI_ENDPOINT_CHAT, "{" MESSAGES ",\"stream\":true}");
    pull();

    text[0] = '\0';

    for (i = 1; i < units - 2; i++) {
        j = event(i);
        json_unpack(j, "{s:[{s:{s:s}}]}", "choices", "delta", "content", &s);
        strcat(text, s);
        json_decref(j);
    }

    is_str(text, (char *) o.text.data, "the text");
    is_int(a.tokens, units - 3, "tokens");

    /* a call */

    genai_sim_opts_init(&o);

    prepare(GENAI_ENDPOINT_CHAT,
            "{" MESSAGES ",\"stream\":true,\"n\":3,\"tools\":"
            "[{\"function\":{\"name\":\"f\",\"parameters\":{\"type\":"
            "\"object\",\"required\":[\"a\",\"b\"],\"properties\":{\"a\":"
            "{\"type\":\"string\",\"minLength\":50}}}}}]}");
    pull();

    j = event(2);
    json_unpack(j, "{s:[{s:i,s:{s:[{s:{s:s}}]}}]}", "choices", "index", &index,
                "delta", "tool_calls", "function", "name", &s);
    is_str(s, "f", "name");
    is_int(index, 2, "index");
    json_decref(j);

    ok(strstr(out, "\"tool_calls\"}]") != NULL, "finish");

    /* an empty one */

    o.tokens = 0;
    prepare(GENAI_ENDPOINT_COMPLETIONS,
            "{\"model\":\"m\",\"prompt\":\"\",\"stream\":true}");
    pull();
    is_int(units, 2, "no token");
    json_decref(event(0));
}


static void
test_due(void)
{
    unsigned        i;
    unsigned char   buf[GENAI_SIM_UNIT];

    genai_sim_opts_init(&o);
    o.tokens = 3;

    prepare(GENAI_ENDPOINT_CHAT, "{" MESSAGES ",\"stream\":true}");

    for (i = 0; i < 6; i++) {
        static const unsigned  due[] = { 0, 0, 1, 2, 0, 0 };

        is_int(genai_sim_answer_due(&a), due[i], "unit %u", i);
        (void) genai_sim_answer_next(&a, buf, buf + sizeof(buf));
    }
}


static void
test_longest(void)
{
    char  text[2048], name[GENAI_SIM_NAME + 1];

    genai_sim_opts_init(&o);

    memset(name, 'x', GENAI_SIM_NAME);
    name[GENAI_SIM_NAME] = '\0';

    o.piece = 256;
    o.text.len = 0;
    o.text.data = malloc(2048);

    while (o.text.len < 2048) {
        o.text.data[o.text.len++] = 1;
    }

    snprintf(text, sizeof(text), "{\"model\":\"%s\",\"stream\":true,\"n\":8,"
             "\"messages\":[{}]}", name);
    prepare(GENAI_ENDPOINT_CHAT, text);
    pull();
    is_int(a.tokens, 64, "the longest units fit");

    free(o.text.data);
    genai_sim_opts_init(&o);

    snprintf(text, sizeof(text), "{\"model\":\"%s\",\"stream\":true,"
             "\"messages\":[{}],\"tools\":[{\"function\":{\"name\":\"%s\"}}]}",
             name, name);
    prepare(GENAI_ENDPOINT_CHAT, text);
    pull();
    json_decref(event(0));

    snprintf(text, sizeof(text), "{\"model\":\"%s\",\"input\":\"\","
             "\"dimensions\":16384}", name);
    prepare(GENAI_ENDPOINT_EMBEDDINGS, text);
    pull();
    json_decref(parsed(out, out_len));
}


static double
number(json_t *j, unsigned i, unsigned k)
{
    return json_number_value(json_array_get(json_object_get(json_array_get(
               json_object_get(j, "data"), i), "embedding"), k));
}


static void
test_embeddings(void)
{
    double       x, sum;
    json_t      *j;
    unsigned     i, k;
    const char  *s;

    genai_sim_opts_init(&o);

    prepare(GENAI_ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"dimensions\":33,"
            "\"input\":[\"a\",\"b\",\"a\"]}");
    pull();
    j = parsed(out, out_len);

    is_int(json_array_size(json_object_get(j, "data")), 3, "three vectors");

    for (i = 0; i < 3; i++) {
        for (sum = 0, k = 0; k < 33; k++) {
            x = number(j, i, k);
            sum += x * x;
        }

        ok(sum > 0.9999999 && sum < 1.0000001, "of length 1");
    }

    ok(number(j, 0, 5) == number(j, 2, 5), "the same text");
    ok(number(j, 0, 5) != number(j, 1, 5), "another text");
    json_decref(j);

    for (k = 1; k < 4; k++) {
        static const unsigned  len[] = { 0, 8, 12, 16 };

        char  text[128];

        snprintf(text, sizeof(text), "{\"model\":\"m\",\"dimensions\":%u,"
                 "\"input\":\"a\",\"encoding_format\":\"base64\"}", k);
        prepare(GENAI_ENDPOINT_EMBEDDINGS, text);
        pull();
        j = parsed(out, out_len);
        json_unpack(j, "{s:[{s:s}]}", "data", "embedding", &s);
        is_int(strlen(s), len[k], "base64 of %u floats", k);
        json_decref(j);
    }

    /* one dimension is 1 or -1 */

    ok(strncmp(out, "{\"object\":\"list\"", 16) == 0, "list");
}


static void
test_text(void)
{
    unsigned     i;
    genai_str_t  text = genai_str("data: a\n\ndata: b\ndata: c\n\n\n\nrest");

    genai_sim_answer_text(&a, &text, 1);
    pull();
    is_mem(out, out_len, text.data, text.len, "as it is");
    is_int(units, 4, "in events");

    genai_sim_answer_text(&a, &text, 0);
    pull();
    is_mem(out, out_len, text.data, text.len, "as it is");
    is_int(units, 1, "at once");

    text.len = 0;
    genai_sim_answer_text(&a, &text, 1);
    pull();
    is_int(units, 0, "an empty text");

    text.len = 3 * GENAI_SIM_UNIT + 5;
    text.data = malloc(text.len);

    for (i = 0; i < text.len; i++) {
        text.data[i] = i;
    }

    genai_sim_answer_text(&a, &text, 0);
    pull();
    is_mem(out, out_len, text.data, text.len, "a long one");
    free(text.data);
}


int
main(void)
{
    test_json();
    test_stream();
    test_due();
    test_longest();
    test_embeddings();
    test_text();

    genai_sim_request_free(&req);
    free(out);
    free(body);

    return done_testing();
}
