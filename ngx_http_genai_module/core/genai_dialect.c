/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_dialect.h"


/*
 * A path is that of the first that knows it: Gemini's have /models/ in them,
 * an id of Bedrock's may be anything, and Azure's end as OpenAI's do.
 */

static const genai_dialect_t  *genai_dialects[] = {
    &genai_gemini,
    &genai_bedrock,
    &genai_azure,
    &genai_openai,
    &genai_anthropic,
    &genai_responses,
    NULL
};


static const genai_str_t  genai_endpoint_names[GENAI_ENDPOINT_LAST] = {
    genai_str(""),
    genai_str("chat"),
    genai_str("completions"),
    genai_str("embeddings"),
    genai_str("responses"),
    genai_str("messages"),
    genai_str("generate"),
    genai_str("converse"),
    genai_str("count_tokens"),
    genai_str("models"),
    genai_str("other"),
    genai_str("moderations"),
    genai_str("rerank"),
    genai_str("images"),
    genai_str("audio")
};


static int
genai_str_equal(const genai_str_t *a, const genai_str_t *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}


const genai_dialect_t *
genai_dialect_by_name(const genai_str_t *name)
{
    const genai_dialect_t  **d;

    for (d = genai_dialects; *d; d++) {
        if (genai_str_equal(&(*d)->name, name)) {
            return *d;
        }
    }

    return NULL;
}


const genai_dialect_t *
genai_dialect_at(unsigned i)
{
    return (i < sizeof(genai_dialects) / sizeof(genai_dialects[0]))
           ? genai_dialects[i] : NULL;
}


const genai_str_t *
genai_dialect_stream_type(const genai_dialect_t *dialect)
{
    static const genai_str_t  events = genai_str("text/event-stream");

    return dialect->stream_type.len ? &dialect->stream_type : &events;
}


genai_endpoint_e
genai_endpoint_by_name(const genai_str_t *name)
{
    int                      i;
    const genai_dialect_t  **d;

    for (i = GENAI_ENDPOINT_NONE + 1; i < GENAI_ENDPOINT_LAST; i++) {

        if (!genai_str_equal(&genai_endpoint_names[i], name)) {
            continue;
        }

        for (d = genai_dialects; *d; d++) {
            if (genai_endpoint_find(*d, i)) {
                return i;
            }
        }
    }

    return GENAI_ENDPOINT_NONE;
}


const genai_str_t *
genai_endpoint_name(genai_endpoint_e endpoint)
{
    return &genai_endpoint_names[endpoint < GENAI_ENDPOINT_LAST ? endpoint
                                                      : GENAI_ENDPOINT_NONE];
}


const genai_endpoint_t *
genai_endpoint_find(const genai_dialect_t *dialect, genai_endpoint_e endpoint)
{
    const genai_endpoint_t  *e;

    for (e = dialect->endpoints; e->endpoint != GENAI_ENDPOINT_NONE; e++) {
        if (e->endpoint == endpoint) {
            return e;
        }
    }

    return NULL;
}


const genai_endpoint_t *
genai_endpoint_of_path(const genai_dialect_t *dialect, const genai_str_t *path,
    genai_str_t *id)
{
    size_t                   n;
    unsigned                 stream;
    genai_str_t              model;
    unsigned char           *p, *last;
    const genai_str_t       *suffix;
    const genai_endpoint_t  *e;

    last = path->data + path->len;
    id->data = last;
    id->len = 0;

    if (dialect->bodies) {
        stream = 0;

        if (dialect->path_read == NULL
            || !dialect->path_read(path, &model, &stream))
        {
            return NULL;
        }
    }

    for (e = dialect->endpoints; e->endpoint != GENAI_ENDPOINT_NONE; e++) {

        suffix = &e->suffix;

        if (suffix->len && path->len >= suffix->len
            && memcmp(last - suffix->len, suffix->data, suffix->len) == 0)
        {
            return e;
        }

        if (e->endpoint != GENAI_ENDPOINT_MODELS) {
            continue;
        }

        /* the first ".../models/" counts: an id may have anything behind */

        for (p = path->data, n = suffix->len; p + n + 1 < last; p++) {

            if (memcmp(p, suffix->data, n) == 0 && p[n] == '/') {
                id->data = p + n + 1;
                id->len = last - id->data;
                return e;
            }
        }
    }

    return NULL;
}


int
genai_credential_is_jwt(const genai_str_t *credential)
{
    size_t         i, part;
    unsigned       dots;
    unsigned char  c;

    /* what {" is the beginning of */

    if (credential->len < 3 || memcmp(credential->data, "eyJ", 3) != 0) {
        return 0;
    }

    dots = 0;
    part = 0;

    for (i = 0; i < credential->len; i++) {

        c = credential->data[i];

        if (c == '.') {
            if (part == 0) {
                return 0;
            }

            dots++;
            part = 0;
            continue;
        }

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '-' || c == '_'))
        {
            return 0;
        }

        part++;
    }

    return dots == 2 && part > 0;
}


const genai_endpoint_t *
genai_endpoint_json(const genai_endpoint_t *endpoint)
{
    const genai_endpoint_t  *e;

    e = endpoint + 1;

    return (endpoint->body == GENAI_BODY_MULTIPART
            && e->body == GENAI_BODY_JSON
            && genai_str_equal(&e->suffix, &endpoint->suffix))
           ? e : NULL;
}
