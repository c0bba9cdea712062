/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The dialect of OpenAI's Responses API, as
 * https://platform.openai.com/docs/api-reference/responses describes it and
 * as Azure, xAI, DeepSeek, Bedrock and vLLM speak it.
 */


#include "genai_dialect.h"
#include "genai_openai_request.h"
#include "genai_responses_answer.h"
#include "genai_responses_encode.h"
#include "genai_responses_request.h"
#include "genai_tool_name.h"


static void genai_responses_init(void *answer,
    const genai_answer_opts_t *opts, genai_event_pt handler, void *ctx);
static void genai_responses_encoder(void *encoder,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx);
static void genai_responses_keep(void *encoder, size_t limit,
    genai_alloc_pt alloc, void *ctx);
static int genai_responses_encode(void *encoder, const genai_event_t *event);
static void genai_responses_free(void *encoder);
static size_t genai_responses_error_event(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code);
static size_t genai_responses_error_body(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code);


static const genai_endpoint_t  genai_responses_endpoints[] = {
    { GENAI_ENDPOINT_RESPONSES, genai_str("/responses"), GENAI_BODY_JSON },
    { GENAI_ENDPOINT_COUNT_TOKENS, genai_str("/responses/input_tokens"),
      GENAI_BODY_JSON },
    { GENAI_ENDPOINT_MODELS, genai_str("/models"), GENAI_BODY_NONE },
    { GENAI_ENDPOINT_OTHER, genai_str(""), GENAI_BODY_OPAQUE },
    { GENAI_ENDPOINT_NONE, genai_str(""), GENAI_BODY_NONE }
};


/* as its reference has it of functions' names */

static const genai_tool_rule_t  genai_responses_tool_rule = { 64, "-", 0 };


const genai_dialect_t  genai_responses = {
    .name = genai_str("responses"),
    .credential_header = genai_str("Authorization"),
    .credential_prefix = genai_str("Bearer "),
    .endpoints = genai_responses_endpoints,
    .error_body = genai_responses_error_body,
    .error_event = genai_responses_error_event,
    .request_nodes = genai_responses_request_nodes,
    .ask_usage = genai_responses_ask_usage,
    .set_model = genai_openai_set_model,
    .chat = GENAI_ENDPOINT_RESPONSES,
    .read_chat = genai_responses_read_chat,
    .write_chat = genai_responses_write_chat,
    .tool_rule = &genai_responses_tool_rule,
    .answer_size = sizeof(genai_responses_answer_t),
    .answer_init = genai_responses_init,
    .id_prefix = genai_str("resp_"),
    .encoder_size = sizeof(genai_responses_stream_t),
    .encoder_init = genai_responses_encoder,
    .encoder_event = genai_responses_encode,
    .whole_write = genai_responses_whole_write,
    .count_begin = genai_str("{\"object\":\"response.input_tokens\","
                             "\"input_tokens\":"),
    .count_end = genai_str("}"),
    .cap_name = genai_str("max_output_tokens"),
    .encoder_keep = genai_responses_keep,
    .encoder_free = genai_responses_free,
    .ping = genai_str(": ping\n\n")
};


static void
genai_responses_init(void *answer, const genai_answer_opts_t *opts,
    genai_event_pt handler, void *ctx)
{
    genai_responses_answer_init(answer, opts, handler, ctx);
}


static void
genai_responses_encoder(void *encoder, const genai_answer_head_t *head,
    genai_write_pt write, void *ctx)
{
    genai_responses_stream_init(encoder, head, write, ctx);
}


static void
genai_responses_keep(void *encoder, size_t limit, genai_alloc_pt alloc,
    void *ctx)
{
    genai_responses_stream_keep(encoder, limit, alloc, ctx);
}


static int
genai_responses_encode(void *encoder, const genai_event_t *event)
{
    return genai_responses_stream_event(encoder, event);
}


static void
genai_responses_free(void *encoder)
{
    genai_responses_stream_free(encoder);
}


static size_t
genai_responses_error_body(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code)
{
    return genai_openai.error_body(dst, status, message, code);
}


static unsigned char *
genai_responses_copy(unsigned char *dst, const char *text)
{
    size_t  n;

    n = strlen(text);
    memcpy(dst, text, n);

    return dst + n;
}


/*
 * A response that has failed: the one event that every client of this API
 * takes for an end.  What came before is not known here, and neither is the
 * number that would follow.
 */

static size_t
genai_responses_error_event(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code)
{
    size_t          n;
    unsigned char  *p;

    p = genai_responses_copy(dst, "event: response.failed\ndata: {\"type\":"
                             "\"response.failed\",\"sequence_number\":0,"
                             "\"response\":{\"id\":\"\",\"object\":"
                             "\"response\",\"created_at\":0,\"status\":"
                             "\"failed\",\"error\":{\"code\":\"");

    n = code->len > 64 ? 64 : code->len;

    p = n ? genai_write_escaped(p, code->data, n)
          : genai_responses_copy(p, status == 429 ? "rate_limit_exceeded"
                                                  : "server_error");
    p = genai_responses_copy(p, "\",\"message\":\"");

    n = message->len;
    if (n > GENAI_DIALECT_MESSAGE_MAX) {
        n = GENAI_DIALECT_MESSAGE_MAX;
    }

    p = genai_write_escaped(p, message->data, n);
    p = genai_responses_copy(p, "\"},\"incomplete_details\":null,\"model\":"
                             "\"\",\"output\":[],\"parallel_tool_calls\":"
                             "true,\"tool_choice\":\"auto\",\"tools\":[],"
                             "\"usage\":null}}\n\n");

    return p - dst;
}
