/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The dialect of Anthropic's Messages API, as
 * https://docs.anthropic.com/en/api/messages describes it and as others speak
 * it for Anthropic's clients.
 */


#include "genai_anthropic_answer.h"
#include "genai_anthropic_chat.h"
#include "genai_anthropic_request.h"
#include "genai_dialect.h"
#include "genai_tool_name.h"
#include "genai_path.h"


static void genai_anthropic_init(void *answer,
    const genai_answer_opts_t *opts, genai_event_pt handler, void *ctx);
static void genai_anthropic_encoder(void *encoder,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx);
static int genai_anthropic_encode(void *encoder, const genai_event_t *event);
static void genai_anthropic_keep(void *encoder, size_t limit,
    genai_alloc_pt alloc, void *ctx);
static void genai_anthropic_free(void *encoder);
static size_t genai_anthropic_error_body(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code);
static size_t genai_anthropic_error_event(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code);
static size_t genai_anthropic_vertex_path(unsigned char *dst, size_t size,
    genai_endpoint_e endpoint, const genai_str_t *model, unsigned stream);


/* its SDKs are given a base URL without the version */

static const genai_endpoint_t  genai_anthropic_endpoints[] = {
    { GENAI_ENDPOINT_COUNT_TOKENS, genai_str("/v1/messages/count_tokens"),
      GENAI_BODY_JSON },
    { GENAI_ENDPOINT_MESSAGES, genai_str("/v1/messages"), GENAI_BODY_JSON },
    { GENAI_ENDPOINT_MODELS, genai_str("/v1/models"), GENAI_BODY_NONE },
    { GENAI_ENDPOINT_OTHER, genai_str(""), GENAI_BODY_OPAQUE },
    { GENAI_ENDPOINT_NONE, genai_str(""), GENAI_BODY_NONE }
};


/* as its reference has it of functions' names */

static const genai_tool_rule_t  genai_anthropic_tool_rule = { 128, "-", 0 };


const genai_dialect_t  genai_anthropic = {
    .name = genai_str("anthropic"),
    .credential_header = genai_str("x-api-key"),
    .credential_prefix = genai_str(""),
    .endpoints = genai_anthropic_endpoints,
    .error_body = genai_anthropic_error_body,
    .error_event = genai_anthropic_error_event,
    .request_nodes = genai_anthropic_request_nodes,
    .ask_usage = genai_anthropic_ask_usage,
    .set_model = genai_anthropic_set_model,
    .chat = GENAI_ENDPOINT_MESSAGES,
    .read_chat = genai_anthropic_read_chat,
    .write_chat = genai_anthropic_write_chat,
    .tool_rule = &genai_anthropic_tool_rule,
    .answer_size = sizeof(genai_anthropic_answer_t),
    .answer_init = genai_anthropic_init,
    .id_prefix = genai_str("msg_"),
    .encoder_size = sizeof(genai_anthropic_stream_t),
    .encoder_init = genai_anthropic_encoder,
    .encoder_event = genai_anthropic_encode,
    .whole_write = genai_anthropic_whole_write,
    .version_header = genai_str("anthropic-version"),
    .version = genai_str("2023-06-01"),
    .count_begin = genai_str("{\"input_tokens\":"),
    .count_end = genai_str("}"),
    .vertex_path = genai_anthropic_vertex_path,
    .vertex_name = genai_str("anthropic_version"),
    .vertex_value = genai_str("\"vertex-2023-10-16\""),
    .encoder_keep = genai_anthropic_keep,
    .encoder_free = genai_anthropic_free,
    .ping = genai_str("event: ping\ndata: {\"type\": \"ping\"}\n\n")
};


/* as Anthropic's own SDK for it does */

static size_t
genai_anthropic_vertex_path(unsigned char *dst, size_t size,
    genai_endpoint_e endpoint, const genai_str_t *model, unsigned stream)
{
    static const genai_str_t  none = genai_str("");

    if (endpoint == GENAI_ENDPOINT_COUNT_TOKENS) {
        return genai_path_write(dst, size, "/models/count-tokens", &none, "",
                                ":rawPredict");
    }

    if (endpoint != GENAI_ENDPOINT_MESSAGES) {
        return 0;
    }

    return genai_path_write(dst, size, "/models/", model, "/@",
                            stream ? ":streamRawPredict" : ":rawPredict");
}


static void
genai_anthropic_init(void *answer, const genai_answer_opts_t *opts,
    genai_event_pt handler, void *ctx)
{
    genai_anthropic_answer_init(answer, opts, handler, ctx);
}


static void
genai_anthropic_encoder(void *encoder, const genai_answer_head_t *head,
    genai_write_pt write, void *ctx)
{
    genai_anthropic_stream_init(encoder, head, write, ctx);
}


static int
genai_anthropic_encode(void *encoder, const genai_event_t *event)
{
    return genai_anthropic_stream_event(encoder, event);
}


static void
genai_anthropic_keep(void *encoder, size_t limit, genai_alloc_pt alloc,
    void *ctx)
{
    genai_anthropic_stream_keep(encoder, limit, alloc, ctx);
}


static void
genai_anthropic_free(void *encoder)
{
    genai_anthropic_stream_free(encoder);
}


static unsigned char *
genai_anthropic_copy(unsigned char *dst, const char *text)
{
    size_t  n;

    n = strlen(text);
    memcpy(dst, text, n);

    return dst + n;
}


/* the kinds that Anthropic's own API answers with */

static const char *
genai_anthropic_error_type(unsigned status)
{
    switch (status) {
    case 401:
        return "authentication_error";
    case 402:
        return "billing_error";
    case 403:
        return "permission_error";
    case 404:
        return "not_found_error";
    case 413:
        return "request_too_large";
    case 429:
        return "rate_limit_error";
    case 408:
    case 504:
        return "timeout_error";
    case 503:
    case 529:
        return "overloaded_error";
    }

    return (status < 500) ? "invalid_request_error" : "api_error";
}


/* the dialect has no place for a code */

static size_t
genai_anthropic_error_body(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code)
{
    size_t          n;
    unsigned char  *p;

    p = genai_anthropic_copy(dst, "{\"type\":\"error\",\"error\":{\"type\":\"");
    p = genai_anthropic_copy(p, genai_anthropic_error_type(status));
    p = genai_anthropic_copy(p, "\",\"message\":\"");

    n = message->len;
    if (n > GENAI_DIALECT_MESSAGE_MAX) {
        n = GENAI_DIALECT_MESSAGE_MAX;
    }

    p = genai_write_escaped(p, message->data, n);
    p = genai_anthropic_copy(p, "\"}}");

    return p - dst;
}


static size_t
genai_anthropic_error_event(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code)
{
    unsigned char  *p;

    p = genai_anthropic_copy(dst, "event: error\ndata: ");
    p += genai_anthropic_error_body(p, status, message, code);
    p = genai_anthropic_copy(p, "\n\n");

    return p - dst;
}
