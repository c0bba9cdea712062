/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * For tests of the framing: a request of a family's model is framed, in one
 * step and in many, and told as text.
 */


#ifndef _GENAI_T_FRAMING_H_INCLUDED_
#define _GENAI_T_FRAMING_H_INCLUDED_


#include "request.h"
#include "genai_framing.h"
#include "genai_openai_request.h"
#include "genai_text.h"


static genai_arena_t     memory;
static genai_catalog_t  *catalog;

/* whose requests they are */
static const genai_dialect_t  *framing_dialect = &genai_openai;

static const char  models[] =
    "{\"schema\":1,\"models\":{"
    "\"gpt\":{\"tokenizer\":\"o\",\"framing\":\"openai\","
    "\"image\":{\"tiles\":[85,170]}},"
    "\"gpt5\":{\"tokenizer\":\"o\",\"framing\":\"openai5\","
    "\"image\":{\"patches\":[1500,1536]}},"
    "\"oss\":{\"tokenizer\":\"o\",\"framing\":\"gpt-oss\"},"
    "\"qwen\":{\"tokenizer\":\"q\",\"framing\":\"qwen3\"},"
    "\"qwen25\":{\"tokenizer\":\"q\",\"framing\":\"qwen2.5\"},"
    "\"llama\":{\"tokenizer\":\"l\",\"framing\":\"llama3.1\"},"
    "\"deep\":{\"tokenizer\":\"d\",\"framing\":\"deepseek3.1\"},"
    "\"mist\":{\"tokenizer\":\"m\",\"framing\":\"mistral15\","
    "\"image\":{\"grid\":[28,1540]}},"
    "\"claude\":{\"tokenizer\":\"o\",\"factor\":[1.2,1.7],"
    "\"framing\":\"claude\",\"image\":{\"area\":[750,1600]}},"
    "\"gemini\":{\"tokenizer\":\"g\",\"framing\":\"gemini\"},"
    "\"grok\":{\"tokenizer\":\"o\",\"framing\":\"grok\"},"
    "\"bert\":{\"tokenizer\":\"b\",\"framing\":\"cls\"},"
    "\"base\":{\"tokenizer\":\"o\"}}}";


typedef struct {
    char    *text;
    size_t   len;
    size_t   size;
} out_t;


static void
put(out_t *o, const void *p, size_t n)
{
    if (o->len + n + 1 > o->size) {
        o->size = 2 * (o->len + n) + 256;
        o->text = realloc(o->text, o->size);

        if (o->text == NULL) {
            abort();
        }
    }

    memcpy(o->text + o->len, p, n);
    o->len += n;
    o->text[o->len] = '\0';
}


static const genai_catalog_model_t *
find(const char *name)
{
    genai_str_t  s;

    s.data = (unsigned char *) name;
    s.len = strlen(name);

    return genai_catalog_find(catalog, &s);
}


/*
 * "FIXED WHY" and a line for each item, "+ text" or "- text"; line feeds in
 * it are "\n".
 */

static void
frame(out_t *o, genai_endpoint_e endpoint, const char *model,
    const char *json, size_t budget)
{
    int                     rc;
    char                    buf[64];
    size_t                  k;
    uint32_t                i, bit, value;
    request_t               r;
    genai_str_t             s, raw;
    genai_text_t            text;
    genai_framing_t         f;
    genai_framing_item_t   *item;

    o->len = 0;

    request_open(&r, framing_dialect, endpoint, json, strlen(json));

    if (genai_request_read(&r.req, SIZE_MAX) != GENAI_REQUEST_DONE) {
        put(o, r.req.error, strlen(r.req.error));
        goto done;
    }

    genai_framing_init(&f, &r.req, find(model), &r.arena);

    do {
        rc = genai_framing_run(&f, budget);
    } while (rc == GENAI_FRAMING_AGAIN);

    if (rc != GENAI_FRAMING_DONE) {
        put(o, "error", 5);
        goto done;
    }

    put(o, buf, snprintf(buf, sizeof(buf), "%d", (int) f.fixed));

    for (bit = 1; bit < 0x10000; bit <<= 1) {
        if (f.estimated & bit) {
            put(o, " ", 1);
            put(o, genai_framing_why(bit), strlen(genai_framing_why(bit)));
        }
    }

    put(o, "\n", 1);

    for (i = 0; i < f.nitems; i++) {

        item = &f.items[i];
        s = item->text;

        if (item->segment != GENAI_FRAMING_MADE) {

            value = r.req.segments[item->segment].value;
            raw = genai_tape_view(&r.req.tape, value);

            if (genai_text_read(&text, &r.arena, &raw,
                                genai_tape_escaped(&r.req.tape, value))
                == -1)
            {
                abort();
            }

            s = text.text;
        }

        put(o, item->times > 0 ? "+ " : "- ", 2);

        for (k = 0; k < s.len; k++) {

            if (s.data[k] == '\n') {
                put(o, "\\n", 2);

            } else {
                put(o, &s.data[k], 1);
            }
        }

        put(o, "\n", 1);
    }

done:

    request_close(&r);
}


static void
check_of(genai_endpoint_e endpoint, const char *name, const char *model,
    const char *json, const char *want)
{
    size_t         budget;
    static out_t   o, turns;

    frame(&o, endpoint, model, json, SIZE_MAX);
    is_str(o.text, want, "%s", name);

    for (budget = 0; budget < 200; budget += 66) {
        frame(&turns, endpoint, model, json, budget);
        quiet_ok(strcmp(o.text, turns.text) == 0, "%s, in turns of %d", name,
                 (int) budget);
    }
}


/* Returns 0, or -1 with a failed check. */

static int
framing_open(void)
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
        return -1;
    }

    return 0;
}


#endif /* _GENAI_T_FRAMING_H_INCLUDED_ */
