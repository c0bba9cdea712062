/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The dialect of OpenAI's chat completions, completions, embeddings, models,
 * moderations, images and audio, as
 * https://platform.openai.com/docs/api-reference describes it and as vLLM,
 * SGLang, llama.cpp, Ollama and many others speak it.  Rerank, which OpenAI
 * does not have, is that of Cohere, Jina and vLLM.
 */


#include "genai_chat.h"
#include "genai_dialect.h"
#include "genai_openai_answer.h"
#include "genai_openai_chat.h"
#include "genai_openai_request.h"
#include "genai_results.h"
#include "genai_tool_name.h"


static void genai_openai_init(void *answer, const genai_answer_opts_t *opts,
    genai_event_pt handler, void *ctx);
static void genai_openai_encoder(void *encoder,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx);
static int genai_openai_encode(void *encoder, const genai_event_t *event);
static size_t genai_openai_error_body(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code);
static size_t genai_openai_error_event(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code);


/*
 * A suffix that another one ends with stands behind it, and JSON behind the
 * multipart of the same path.
 */

static const genai_endpoint_t  genai_openai_endpoints[] = {
    { GENAI_ENDPOINT_CHAT, genai_str("/chat/completions"), GENAI_BODY_JSON },
    { GENAI_ENDPOINT_COMPLETIONS, genai_str("/completions"), GENAI_BODY_JSON },
    { GENAI_ENDPOINT_EMBEDDINGS, genai_str("/embeddings"), GENAI_BODY_JSON },
    { GENAI_ENDPOINT_MODELS, genai_str("/models"), GENAI_BODY_NONE },
    { GENAI_ENDPOINT_MODERATIONS, genai_str("/moderations"), GENAI_BODY_JSON },
    { GENAI_ENDPOINT_RERANK, genai_str("/rerank"), GENAI_BODY_JSON },
    { GENAI_ENDPOINT_IMAGES, genai_str("/images/generations"),
      GENAI_BODY_JSON },
    { GENAI_ENDPOINT_IMAGES, genai_str("/images/edits"),
      GENAI_BODY_MULTIPART },
    { GENAI_ENDPOINT_IMAGES, genai_str("/images/edits"), GENAI_BODY_JSON },
    { GENAI_ENDPOINT_IMAGES, genai_str("/images/variations"),
      GENAI_BODY_MULTIPART },
    { GENAI_ENDPOINT_AUDIO, genai_str("/audio/speech"), GENAI_BODY_JSON },
    { GENAI_ENDPOINT_AUDIO, genai_str("/audio/transcriptions"),
      GENAI_BODY_MULTIPART },
    { GENAI_ENDPOINT_AUDIO, genai_str("/audio/translations"),
      GENAI_BODY_MULTIPART },
    { GENAI_ENDPOINT_OTHER, genai_str(""), GENAI_BODY_OPAQUE },
    { GENAI_ENDPOINT_NONE, genai_str(""), GENAI_BODY_NONE }
};


/* as its reference has it of functions' names */

static const genai_tool_rule_t  genai_openai_tool_rule = { 64, "-", 0 };


const genai_dialect_t  genai_openai = {
    .name = genai_str("openai"),
    .credential_header = genai_str("Authorization"),
    .credential_prefix = genai_str("Bearer "),
    .endpoints = genai_openai_endpoints,
    .error_body = genai_openai_error_body,
    .error_event = genai_openai_error_event,
    .request_nodes = genai_openai_request_nodes,
    .ask_usage = genai_openai_ask_usage,
    .set_model = genai_openai_set_model,
    .chat = GENAI_ENDPOINT_CHAT,
    .read_chat = genai_openai_read_chat,
    .write_chat = genai_openai_write_chat,
    .tool_rule = &genai_openai_tool_rule,
    .answer_size = sizeof(genai_openai_answer_t),
    .answer_init = genai_openai_init,
    .id_prefix = genai_str("chatcmpl-"),
    .encoder_size = sizeof(genai_openai_stream_t),
    .encoder_init = genai_openai_encoder,
    .encoder_event = genai_openai_encode,
    .whole_write = genai_openai_whole_write,
    .ping = genai_str(": ping\n\n")
};


static void
genai_openai_init(void *answer, const genai_answer_opts_t *opts,
    genai_event_pt handler, void *ctx)
{
    _Static_assert(sizeof(genai_results_t) <= sizeof(genai_openai_answer_t),
                   "answer_size");

    if (opts->results) {
        genai_results_init(answer, opts, handler, ctx);

    } else {
        genai_openai_answer_init(answer, opts, handler, ctx);
    }
}


static void
genai_openai_encoder(void *encoder, const genai_answer_head_t *head,
    genai_write_pt write, void *ctx)
{
    genai_openai_stream_init(encoder, head, write, ctx);
}


static int
genai_openai_encode(void *encoder, const genai_event_t *event)
{
    return genai_openai_stream_event(encoder, event);
}


static unsigned char *
genai_openai_copy(unsigned char *dst, const char *text)
{
    size_t  n;

    n = strlen(text);
    memcpy(dst, text, n);

    return dst + n;
}


/* the kinds that OpenAI's own API answers with */

static const char *
genai_openai_error_type(unsigned status)
{
    switch (status) {
    case 401:
        return "authentication_error";
    case 403:
        return "permission_error";
    case 429:
        return "rate_limit_error";
    }

    return (status < 500) ? "invalid_request_error" : "server_error";
}


static size_t
genai_openai_error_body(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code)
{
    size_t          n;
    unsigned char  *p;

    p = genai_openai_copy(dst, "{\"error\":{\"message\":\"");

    n = message->len;
    if (n > GENAI_DIALECT_MESSAGE_MAX) {
        n = GENAI_DIALECT_MESSAGE_MAX;
    }

    p = genai_write_escaped(p, message->data, n);
    p = genai_openai_copy(p, "\",\"type\":\"");
    p = genai_openai_copy(p, genai_openai_error_type(status));
    p = genai_openai_copy(p, "\",\"param\":null,\"code\":");

    if (code->len) {
        *p++ = '"';
        p = genai_write_escaped(p, code->data, code->len > 64 ? 64 : code->len);
        *p++ = '"';

    } else {
        p = genai_openai_copy(p, "null");
    }

    p = genai_openai_copy(p, "}}");

    return p - dst;
}


static size_t
genai_openai_error_event(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code)
{
    unsigned char  *p;

    p = genai_openai_copy(dst, "data: ");
    p += genai_openai_error_body(p, status, message, code);
    p = genai_openai_copy(p, "\n\n");

    return p - dst;
}
