/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The dialect of Amazon Bedrock's Converse and ConverseStream, as
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/
 * API_runtime_Converse.html describes it.  Which model is asked, and whether
 * it is to stream, stands in the path; streams are binary.
 */


#include "genai_bedrock_answer.h"
#include "genai_bedrock_chat.h"
#include "genai_bedrock_path.h"
#include "genai_bedrock_request.h"
#include "genai_crc32.h"
#include "genai_path.h"
#include "genai_tool_name.h"


static void genai_bedrock_init(void *answer, const genai_answer_opts_t *opts,
    genai_event_pt handler, void *ctx);
static void genai_bedrock_encoder(void *encoder,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx);
static int genai_bedrock_encode(void *encoder, const genai_event_t *event);
static void genai_bedrock_keep(void *encoder, size_t limit,
    genai_alloc_pt alloc, void *ctx);
static void genai_bedrock_free(void *encoder);
static size_t genai_bedrock_error_body(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code);
static size_t genai_bedrock_error_event(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code);
static const genai_str_t *genai_bedrock_error_type(unsigned status);


static const genai_endpoint_t  genai_bedrock_endpoints[] = {
    { GENAI_ENDPOINT_CONVERSE, genai_str("/converse"), GENAI_BODY_JSON },
    { GENAI_ENDPOINT_CONVERSE, genai_str("/converse-stream"),
      GENAI_BODY_JSON },
    { GENAI_ENDPOINT_COUNT_TOKENS, genai_str("/count-tokens"),
      GENAI_BODY_JSON },
    { GENAI_ENDPOINT_NONE, genai_str(""), GENAI_BODY_NONE }
};


static const genai_tool_rule_t  genai_bedrock_tool_rule = { 64, "-", 0 };


const genai_dialect_t  genai_bedrock = {
    .name = genai_str("bedrock"),
    .credential_header = genai_str("Authorization"),
    .credential_prefix = genai_str("Bearer "),
    .endpoints = genai_bedrock_endpoints,
    .error_body = genai_bedrock_error_body,
    .error_event = genai_bedrock_error_event,
    .request_nodes = genai_bedrock_request_nodes,
    .ask_usage = genai_bedrock_ask_usage,
    .set_model = genai_bedrock_set_model,
    .chat = GENAI_ENDPOINT_CONVERSE,
    .read_chat = genai_bedrock_read_chat,
    .write_chat = genai_bedrock_write_chat,
    .tool_rule = &genai_bedrock_tool_rule,
    .answer_size = sizeof(genai_bedrock_answer_t),
    .answer_init = genai_bedrock_init,
    .id_prefix = genai_str("bedrock-"),
    .encoder_size = sizeof(genai_bedrock_stream_t),
    .encoder_init = genai_bedrock_encoder,
    .encoder_event = genai_bedrock_encode,
    .encoder_keep = genai_bedrock_keep,
    .encoder_free = genai_bedrock_free,
    .whole_write = genai_bedrock_whole_write,
    .count_begin = genai_str("{\"inputTokens\":"),
    .count_end = genai_str("}"),
    .cap_name = genai_str("maxTokens"),
    .cap_in = genai_str("inferenceConfig"),
    .path_read = genai_bedrock_path_read,
    .path_write = genai_bedrock_path_write,
    .stream_type = genai_str("application/vnd.amazon.eventstream"),
    .error_header = genai_str("x-amzn-errortype"),
    .error_type = genai_bedrock_error_type,
    .signed_v4 = 1
};


static void
genai_bedrock_init(void *answer, const genai_answer_opts_t *opts,
    genai_event_pt handler, void *ctx)
{
    genai_bedrock_answer_init(answer, opts, handler, ctx);
}


static void
genai_bedrock_encoder(void *encoder, const genai_answer_head_t *head,
    genai_write_pt write, void *ctx)
{
    genai_bedrock_stream_init(encoder, head, write, ctx);
}


static int
genai_bedrock_encode(void *encoder, const genai_event_t *event)
{
    return genai_bedrock_stream_event(encoder, event);
}


static void
genai_bedrock_keep(void *encoder, size_t limit, genai_alloc_pt alloc,
    void *ctx)
{
    genai_bedrock_stream_keep(encoder, limit, alloc, ctx);
}


static void
genai_bedrock_free(void *encoder)
{
    genai_bedrock_stream_free(encoder);
}


/* the shapes of the service's model, and those of all of AWS's */

static const genai_str_t *
genai_bedrock_error_type(unsigned status)
{
    static const genai_str_t
        validation = genai_str("ValidationException"),
        token = genai_str("UnrecognizedClientException"),
        denied = genai_str("AccessDeniedException"),
        missing = genai_str("ResourceNotFoundException"),
        late = genai_str("ModelTimeoutException"),
        failed = genai_str("ModelErrorException"),
        throttled = genai_str("ThrottlingException"),
        unavailable = genai_str("ServiceUnavailableException"),
        internal = genai_str("InternalServerException");

    switch (status) {
    case 401:
        return &token;
    case 402:
    case 403:
        return &denied;
    case 404:
        return &missing;
    case 408:
    case 504:
        return &late;
    case 424:
        return &failed;
    case 429:
        return &throttled;
    case 502:
    case 503:
        return &unavailable;
    }

    return (status < 500) ? &validation : &internal;
}


/* the dialect has no place for a code */

static size_t
genai_bedrock_error_body(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code)
{
    size_t          n;
    unsigned char  *p;

    static const genai_str_t  head = genai_str("{\"message\":\"");

    memcpy(dst, head.data, head.len);
    p = dst + head.len;

    n = message->len;
    if (n > GENAI_DIALECT_MESSAGE_MAX) {
        n = GENAI_DIALECT_MESSAGE_MAX;
    }

    p = genai_write_escaped(p, message->data, n);
    *p++ = '"';
    *p++ = '}';

    return p - dst;
}


static size_t
genai_bedrock_error_event(unsigned char *dst, unsigned status,
    const genai_str_t *message, const genai_str_t *code)
{
    size_t       n, head;
    const char  *type;

    /* those that a stream may have */

    type = (status == 429) ? "throttlingException"
           : (status == 502 || status == 503 || status == 529)
             ? "serviceUnavailableException"
           : (status >= 400 && status < 500) ? "validationException"
           : "internalServerException";

    /* how long the head is depends on nothing but the type */

    head = genai_eventstream_head(dst, "exception", type, 0);
    n = genai_bedrock_error_body(dst + head, status, message, code);
    (void) genai_eventstream_head(dst, "exception", type, n);

    n += head;
    genai_eventstream_tail(dst + n, genai_crc32(0, dst, n));

    return n + 4;
}


int
genai_bedrock_path_read(const genai_str_t *path, genai_str_t *model,
    unsigned *stream)
{
    unsigned char  *p, *end, *slash;

    static const genai_str_t  head = genai_str("/model/");

    /* what follows the last slash is asked of what stands before it */

    end = path->data + path->len;

    for (slash = end; slash > path->data && slash[-1] != '/'; slash--) {
        /* void */
    }

    if (slash == path->data) {
        return 0;
    }

    *stream = (end - slash == sizeof("converse-stream") - 1
               && memcmp(slash, "converse-stream", end - slash) == 0);

    end = slash - 1;

    /* the first counts: an id may have slashes */

    for (p = path->data; p + head.len < end; p++) {

        if (memcmp(p, head.data, head.len) == 0) {
            model->data = p + head.len;
            model->len = end - model->data;

            return 1;
        }
    }

    return 0;
}


size_t
genai_bedrock_path_write(unsigned char *dst, size_t size,
    genai_endpoint_e endpoint, const genai_str_t *model, unsigned stream)
{
    const char  *tail;

    tail = (endpoint == GENAI_ENDPOINT_COUNT_TOKENS) ? "/count-tokens"
           : (endpoint != GENAI_ENDPOINT_CONVERSE) ? NULL
           : stream ? "/converse-stream" : "/converse";

    return tail ? genai_path_write(dst, size, "/model/", model, "", tail) : 0;
}
