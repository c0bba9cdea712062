/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The dialect of Google's generateContent, as
 * https://ai.google.dev/api/generate-content describes it.  Which model is
 * asked, and whether it is to stream, stands in the path.
 */


#include "genai_gemini_answer.h"
#include "genai_gemini_chat.h"
#include "genai_gemini_path.h"
#include "genai_gemini_request.h"
#include "genai_tool_name.h"
#include "genai_path.h"

#include <stdio.h>


static void genai_gemini_init(void *answer, const genai_answer_opts_t *opts,
    genai_event_pt handler, void *ctx);
static void genai_gemini_encoder(void *encoder,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx);
static void genai_gemini_array(void *encoder);
static int genai_gemini_encode(void *encoder, const genai_event_t *event);
static size_t genai_gemini_error_body(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code);
static size_t genai_gemini_error_event(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code);


static const genai_endpoint_t  genai_gemini_endpoints[] = {
    { GENAI_ENDPOINT_GENERATE, genai_str(":generateContent"),
      GENAI_BODY_JSON },
    { GENAI_ENDPOINT_GENERATE, genai_str(":streamGenerateContent"),
      GENAI_BODY_JSON },
    { GENAI_ENDPOINT_COUNT_TOKENS, genai_str(":countTokens"),
      GENAI_BODY_JSON },
    { GENAI_ENDPOINT_MODELS, genai_str("/v1beta/models"), GENAI_BODY_NONE },
    { GENAI_ENDPOINT_NONE, genai_str(""), GENAI_BODY_NONE }
};


/* as its reference has it of functions' names */

static const genai_tool_rule_t  genai_gemini_tool_rule = { 128, "-.:", 1 };


const genai_dialect_t  genai_gemini = {
    .name = genai_str("gemini"),
    .credential_header = genai_str("x-goog-api-key"),
    .credential_prefix = genai_str(""),
    .endpoints = genai_gemini_endpoints,
    .error_body = genai_gemini_error_body,
    .error_event = genai_gemini_error_event,
    .request_nodes = genai_gemini_request_nodes,
    .ask_usage = genai_gemini_ask_usage,
    .set_model = genai_gemini_set_model,
    .chat = GENAI_ENDPOINT_GENERATE,
    .read_chat = genai_gemini_read_chat,
    .write_chat = genai_gemini_write_chat,
    .tool_rule = &genai_gemini_tool_rule,
    .answer_size = sizeof(genai_gemini_answer_t),
    .answer_init = genai_gemini_init,
    .id_prefix = genai_str("resp-"),
    .encoder_size = sizeof(genai_gemini_stream_t),
    .encoder_init = genai_gemini_encoder,
    .encoder_event = genai_gemini_encode,
    .whole_write = genai_gemini_whole_write,
    .count_begin = genai_str("{\"totalTokens\":"),
    .count_end = genai_str("}"),
    .cap_name = genai_str("maxOutputTokens"),
    .cap_in = genai_str("generationConfig"),
    .cap_in_other = genai_str("generation_config"),
    .path_read = genai_gemini_path_read,
    .path_write = genai_gemini_path_write,
    .path_version = genai_str("/v1beta"),
    .encoder_array = genai_gemini_array,
    .ping = genai_str(": ping\n\n")
};


static void
genai_gemini_init(void *answer, const genai_answer_opts_t *opts,
    genai_event_pt handler, void *ctx)
{
    genai_gemini_answer_init(answer, opts, handler, ctx);
}


static void
genai_gemini_encoder(void *encoder, const genai_answer_head_t *head,
    genai_write_pt write, void *ctx)
{
    genai_gemini_stream_init(encoder, head, write, ctx);
}


static void
genai_gemini_array(void *encoder)
{
    genai_gemini_stream_array(encoder);
}


static int
genai_gemini_encode(void *encoder, const genai_event_t *event)
{
    return genai_gemini_stream_event(encoder, event);
}


static unsigned char *
genai_gemini_copy(unsigned char *dst, const char *text)
{
    size_t  n;

    n = strlen(text);
    memcpy(dst, text, n);

    return dst + n;
}


/* google.rpc.Code's names, as Google's servers map them to HTTP's */

static const char *
genai_gemini_status(unsigned status)
{
    switch (status) {
    case 401:
        return "UNAUTHENTICATED";
    case 402:
    case 403:
        return "PERMISSION_DENIED";
    case 404:
    case 405:
        return "NOT_FOUND";
    case 409:
        return "ABORTED";
    case 429:
        return "RESOURCE_EXHAUSTED";
    case 499:
        return "CANCELLED";
    case 501:
        return "UNIMPLEMENTED";
    case 502:
    case 503:
        return "UNAVAILABLE";
    case 504:
        return "DEADLINE_EXCEEDED";
    }

    return (status < 500) ? "INVALID_ARGUMENT" : "INTERNAL";
}


/* our own code is a detail, as Google's reasons are */

static size_t
genai_gemini_error_body(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code)
{
    size_t          n;
    unsigned char  *p;

    p = dst + sprintf((char *) dst, "{\"error\":{\"code\":%u,\"message\":\"",
                      status < 1000 ? status : 500);

    n = message->len;
    if (n > GENAI_DIALECT_MESSAGE_MAX) {
        n = GENAI_DIALECT_MESSAGE_MAX;
    }

    p = genai_write_escaped(p, message->data, n);
    p = genai_gemini_copy(p, "\",\"status\":\"");
    p = genai_gemini_copy(p, genai_gemini_status(status));
    *p++ = '"';

    if (code->len) {
        p = genai_gemini_copy(p, ",\"details\":[{\"@type\":\"type.googleapis"
                                 ".com/google.rpc.ErrorInfo\",\"reason\":\"");
        p = genai_write_escaped(p, code->data, code->len > 64 ? 64
                                                              : code->len);
        p = genai_gemini_copy(p, "\"}]");
    }

    p = genai_gemini_copy(p, "}}");

    return p - dst;
}


static size_t
genai_gemini_error_event(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code)
{
    unsigned char  *p;

    p = genai_gemini_copy(dst, "data: ");
    p += genai_gemini_error_body(p, status, message, code);
    p = genai_gemini_copy(p, "\n\n");

    return p - dst;
}


int
genai_gemini_path_read(const genai_str_t *path, genai_str_t *model,
    unsigned *stream)
{
    size_t          n;
    unsigned char  *p, *end, *colon;

    static const char  models[] = "/models/";

    /* what follows the last colon is asked of what stands before it */

    end = path->data + path->len;

    for (colon = end; colon > path->data && colon[-1] != ':'; colon--) {
        /* void */
    }

    if (colon == path->data) {
        return 0;
    }

    n = end - colon;
    *stream = (n == sizeof("streamGenerateContent") - 1
               && memcmp(colon, "streamGenerateContent", n) == 0);

    end = colon - 1;
    n = sizeof(models) - 1;

    /* the first counts: a name may have slashes */

    for (p = path->data; p + n < end; p++) {

        if (memcmp(p, models, n) == 0) {
            model->data = p + n;
            model->len = end - model->data;

            return 1;
        }
    }

    return 0;
}


size_t
genai_gemini_path_write(unsigned char *dst, size_t size,
    genai_endpoint_e endpoint, const genai_str_t *model, unsigned stream)
{
    const char  *tail;

    tail = (endpoint == GENAI_ENDPOINT_COUNT_TOKENS) ? ":countTokens"
           : (endpoint != GENAI_ENDPOINT_GENERATE) ? NULL
           : stream ? ":streamGenerateContent?alt=sse" : ":generateContent";

    return tail ? genai_path_write(dst, size, "/models/", model, "/@", tail)
                : 0;
}
