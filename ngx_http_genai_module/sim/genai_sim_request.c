/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_sim_request.h"

#include <stdlib.h>


static int genai_sim_request_member(genai_sim_request_t *req,
    const genai_sim_json_member_t *m);
static int genai_sim_request_input(genai_sim_request_t *req);
static int genai_sim_request_stream(genai_sim_request_t *req,
    const genai_sim_json_member_t *m);
static int genai_sim_request_bool(const genai_sim_json_member_t *m,
    unsigned *on);
static int genai_sim_request_int(const genai_sim_json_member_t *m, int64_t max,
    int64_t *n);


static inline int
genai_sim_request_bad(genai_sim_request_t *req, const char *error,
    const char *param)
{
    req->error = error;
    req->param = param;

    return -1;
}


int
genai_sim_request_read(genai_sim_request_t *req,
    genai_endpoint_e endpoint, const genai_str_t *model,
    const unsigned char *text, size_t len)
{
    int                      rc;
    genai_sim_json_t         j;
    genai_sim_json_member_t  m;

    memset(req, 0, sizeof(genai_sim_request_t));

    req->endpoint = endpoint;
    req->max_tokens = -1;
    req->n = 1;
    req->inputs = 1;
    req->one_input = 1;
    req->dimensions = 8;

    rc = genai_sim_json_begin(&j, text, len);

    if (rc == 0 && j.array) {
        return genai_sim_request_bad(req, "an object is expected", NULL);
    }

    while (rc == 0) {

        rc = genai_sim_json_next(&j, &m);

        if (rc != 1) {
            break;
        }

        rc = genai_sim_request_member(req, &m);
        if (rc == -1) {
            return -1;
        }
    }

    if (rc == -1) {
        req->offset = j.offset;
        return genai_sim_request_bad(req, j.error, NULL);
    }

    if (model && model->len) {
        req->model = *model;
    }

    if (req->model.len == 0) {
        return genai_sim_request_bad(req, "you must provide a model parameter",
                                     "model");
    }

    if (genai_sim_request_input(req) == -1) {
        return -1;
    }

    if (!req->stream) {
        req->include_usage = 0;
    }

    if (endpoint != GENAI_ENDPOINT_CHAT
        || (req->tools.type != GENAI_SIM_JSON_ARRAY
            && req->format.type != GENAI_SIM_JSON_OBJECT))
    {
        return 0;
    }

    return genai_sim_request_schema(req);
}


void
genai_sim_request_free(genai_sim_request_t *req)
{
    free(req->text);
    free(req->function);

    req->text = NULL;
    req->function = NULL;
}


static int
genai_sim_request_member(genai_sim_request_t *req,
    const genai_sim_json_member_t *m)
{
    int64_t   n;
    unsigned  on;

#define genai_sim_key(name)                                                   \
    (genai_sim_json_key_is(m, name, sizeof(name) - 1) == 1)

    /* a null is as good as nothing */

    if (m->type == GENAI_SIM_JSON_NULL) {
        return 0;
    }

    if (genai_sim_key("model")) {

        if (m->type != GENAI_SIM_JSON_STRING) {
            return genai_sim_request_bad(req, "the model must be a string",
                                         "model");
        }

        if (m->value.len > GENAI_SIM_NAME) {
            return genai_sim_request_bad(req, "the model's name is too long",
                                         "model");
        }

        req->model = m->value;
        return 0;
    }

    if (genai_sim_key("stream")) {

        if (genai_sim_request_bool(m, &on) == -1) {
            return genai_sim_request_bad(req, "stream must be a boolean",
                                         "stream");
        }

        req->stream = on && req->endpoint != GENAI_ENDPOINT_EMBEDDINGS;
        return 0;
    }

    if (req->endpoint == GENAI_ENDPOINT_EMBEDDINGS) {

        if (genai_sim_key("input")) {
            req->input = *m;
            return 0;
        }

        if (genai_sim_key("encoding_format")) {

            if (m->type == GENAI_SIM_JSON_STRING
                && genai_str_is(&m->value, "base64"))
            {
                req->base64 = 1;
                return 0;
            }

            if (m->type == GENAI_SIM_JSON_STRING
                && genai_str_is(&m->value, "float"))
            {
                req->base64 = 0;
                return 0;
            }

            return genai_sim_request_bad(req, "the encoding format must be "
                                         "\"float\" or \"base64\"",
                                         "encoding_format");
        }

        if (genai_sim_key("dimensions")) {

            if (genai_sim_request_int(m, 16384, &n) == -1 || n == 0) {
                return genai_sim_request_bad(req, "dimensions must be an "
                                             "integer of 1 to 16384",
                                             "dimensions");
            }

            req->dimensions = n;
        }

        return 0;
    }

    if (genai_sim_key("stream_options")) {

        if (m->type != GENAI_SIM_JSON_OBJECT) {
            return genai_sim_request_bad(req, "stream_options must be an "
                                         "object", "stream_options");
        }

        return genai_sim_request_stream(req, m);
    }

    if (genai_sim_key("n")) {

        if (genai_sim_request_int(m, GENAI_SIM_CHOICES, &n) == -1 || n == 0) {
            return genai_sim_request_bad(req, "n must be an integer of 1 to 8",
                                         "n");
        }

        req->n = n;
        return 0;
    }

    if (genai_sim_key("max_tokens") || genai_sim_key("max_completion_tokens")) {

        if (genai_sim_request_int(m, INT32_MAX, &n) == -1 || n == 0) {
            return genai_sim_request_bad(req, "the largest number of tokens "
                                         "must be a positive integer",
                                         "max_tokens");
        }

        if (req->max_tokens == -1 || n < req->max_tokens) {
            req->max_tokens = n;
        }

        return 0;
    }

    if (req->endpoint == GENAI_ENDPOINT_COMPLETIONS) {

        if (genai_sim_key("prompt")) {
            req->input = *m;
        }

        return 0;
    }

    if (genai_sim_key("messages")) {
        req->input = *m;

    } else if (genai_sim_key("tools")) {
        req->tools = *m;

    } else if (genai_sim_key("tool_choice")) {
        req->tool_choice = *m;

    } else if (genai_sim_key("response_format")) {
        req->format = *m;
    }

    return 0;
}


/* an array of strings or of arrays is many inputs, one of numbers is one */

static int
genai_sim_request_input(genai_sim_request_t *req)
{
    const char              *name;
    genai_sim_json_t         j;
    genai_sim_json_member_t  m;
    const unsigned char     *p;

    name = (req->endpoint == GENAI_ENDPOINT_CHAT) ? "messages"
           : (req->endpoint == GENAI_ENDPOINT_COMPLETIONS) ? "prompt" : "input";

    if (req->endpoint == GENAI_ENDPOINT_CHAT
        && req->input.type != GENAI_SIM_JSON_ARRAY)
    {
        return genai_sim_request_bad(req, "messages must be an array", name);
    }

    req->seed = genai_sim_hash(req->input.value.data, req->input.value.len);

    if (req->input.type == GENAI_SIM_JSON_STRING) {
        return 0;
    }

    if (genai_sim_json_enter(&j, &req->input) == -1 || !j.array) {

        if (req->input.type == GENAI_SIM_JSON_NULL
            && req->endpoint == GENAI_ENDPOINT_COMPLETIONS)
        {
            return 0;
        }

        return genai_sim_request_bad(req, "a string or an array is expected",
                                     name);
    }

    if (req->endpoint == GENAI_ENDPOINT_CHAT) {

        /* the text was checked already, a look is enough */

        p = j.pos;

        while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n') { p++; }

        return (*p == '{')
               ? 0
               : genai_sim_request_bad(req, "there must be messages, which "
                                       "are objects", name);
    }

    if (genai_sim_json_next(&j, &m) != 1) {
        return genai_sim_request_bad(req, "the array is empty", name);
    }

    if (m.type == GENAI_SIM_JSON_NUMBER) {
        return 0;
    }

    req->one_input = 0;

    for (req->inputs = 0; /* void */ ; req->inputs++) {

        if (m.type != GENAI_SIM_JSON_STRING && m.type != GENAI_SIM_JSON_ARRAY) {
            return genai_sim_request_bad(req, "an input must be a string or "
                                         "an array of tokens", name);
        }

        if (req->inputs == GENAI_SIM_PROMPTS) {
            return genai_sim_request_bad(req, "there are too many inputs",
                                         name);
        }

        if (genai_sim_json_next(&j, &m) != 1) {
            req->inputs++;
            return 0;
        }
    }
}


static int
genai_sim_request_stream(genai_sim_request_t *req,
    const genai_sim_json_member_t *member)
{
    unsigned                  on;
    genai_sim_json_t          j;
    genai_sim_json_member_t  *m, it;

    m = &it;

    (void) genai_sim_json_enter(&j, member);

    while (genai_sim_json_next(&j, m) == 1) {

        if (genai_sim_key("include_usage") && m->type != GENAI_SIM_JSON_NULL) {

            if (genai_sim_request_bool(m, &on) == -1) {
                return genai_sim_request_bad(req, "include_usage must be a "
                                             "boolean", "stream_options");
            }

            req->include_usage = on;
        }
    }

    return 0;
}


static int
genai_sim_request_bool(const genai_sim_json_member_t *m, unsigned *on)
{
    *on = (m->type == GENAI_SIM_JSON_TRUE);

    return (m->type == GENAI_SIM_JSON_TRUE
            || m->type == GENAI_SIM_JSON_FALSE) ? 0 : -1;
}


static int
genai_sim_request_int(const genai_sim_json_member_t *m, int64_t max, int64_t *n)
{
    int64_t               v;
    const unsigned char  *p, *end;

    if (m->type != GENAI_SIM_JSON_NUMBER || m->value.len > 18) {
        return -1;
    }

    p = m->value.data;
    end = p + m->value.len;

    for (v = 0; p < end; p++) {
        if (*p < '0' || *p > '9') {
            return -1;
        }

        v = v * 10 + (*p - '0');
    }

    *n = v;

    return (v > max) ? -1 : 0;
}


/* four sums at a time keep the multiplier busy */

uint64_t
genai_sim_hash(const unsigned char *p, size_t len)
{
    int       i;
    size_t    n;
    uint64_t  h[4], w[4], rest;

    h[0] = UINT64_C(0x9e3779b97f4a7c15) ^ len;
    h[1] = h[2] = h[3] = h[0];

    for ( /* void */ ; len >= 32; len -= 32, p += 32) {

        memcpy(w, p, 32);

        for (i = 0; i < 4; i++) {
            h[i] = (h[i] ^ w[i]) * UINT64_C(0xff51afd7ed558ccd);
            h[i] ^= h[i] >> 32;
        }
    }

    h[0] = genai_sim_mix(h[0]) ^ h[1];
    h[0] = genai_sim_mix(h[0]) ^ h[2];
    h[0] = genai_sim_mix(h[0]) ^ h[3];

    for ( /* void */ ; len; len -= n, p += n) {

        n = (len < 8) ? len : 8;
        rest = 0;
        memcpy(&rest, p, n);

        h[0] = genai_sim_mix(h[0] ^ rest);
    }

    return genai_sim_mix(h[0]);
}
