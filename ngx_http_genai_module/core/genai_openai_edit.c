/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the gateway itself changes in OpenAI's requests.
 */


#include "genai_openai_request.h"
#include "genai_writer.h"


int
genai_openai_ask_usage(const genai_request_t *req, genai_edits_t *edits)
{
    int  rc;

    static const genai_str_t  options = genai_str("stream_options");
    static const genai_str_t  usage = genai_str("include_usage");
    static const genai_str_t  asked = genai_str("true");
    static const genai_str_t  all = genai_str("{\"include_usage\":true}");

    if (!req->stream_asked || req->usage_asked
        || (req->endpoint != GENAI_ENDPOINT_CHAT
            && req->endpoint != GENAI_ENDPOINT_COMPLETIONS))
    {
        return 0;
    }

    /* the other options are the client's */

    if (req->stream_options) {
        rc = genai_edit_set(edits, req->stream_options, &usage, &asked);

    } else {
        rc = genai_edit_set(edits, 0, &options, &all);
    }

    return (rc == GENAI_EDIT_OK) ? 1 : -1;
}


int
genai_openai_set_model(const genai_request_t *req, genai_edits_t *edits,
    const genai_str_t *name)
{
    int             rc;
    genai_str_t     json;
    unsigned char  *p;

    static const genai_str_t  model = genai_str("model");

    json.len = genai_write_escaped_len(name->data, name->len) + 2;
    json.data = genai_arena_alloc(edits->arena, json.len);

    if (json.data == NULL) {
        return -1;
    }

    p = json.data;
    *p++ = '"';
    p = genai_write_escaped(p, name->data, name->len);
    *p = '"';

    if (req->model) {
        rc = genai_edit_value(edits, req->model, &json);

    } else {
        rc = genai_edit_set(edits, 0, &model, &json);
    }

    return (rc == GENAI_EDIT_OK) ? 0 : -1;
}
