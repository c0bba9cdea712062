/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The encoder of Bedrock's answers as streams, one frame at a time.  A frame
 * begins with its length and ends with its checksum: a text waits until it is
 * a frame, in memory of fixed size, and every payload is written twice, first
 * to be counted.  The bytes depend on nothing but the head and the events.
 */


#include "genai_bedrock_encode_int.h"
#include "genai_crc32.h"


/* kinds of blocks */

#define GENAI_BE_NONE      0
#define GENAI_BE_TEXT      1
#define GENAI_BE_THINKING  2
#define GENAI_BE_TOOL      3
#define GENAI_BE_SEALED    4


/* a payload */

typedef void (*genai_be_pt)(const genai_bedrock_stream_t *s,
    genai_writer_t *w, const void *data);


/* where it goes */

typedef struct {
    genai_bedrock_stream_t     *stream;
    size_t                      len;
    uint32_t                    crc;
    unsigned                    count:1;
} genai_be_sink_t;


/* a call, as a block begins */

typedef struct {
    genai_str_t                 id;
    genai_str_t                 name;
} genai_be_tool_t;


static void genai_be_wait(genai_bedrock_stream_t *s, const genai_event_t *e);
static void genai_be_add(genai_bedrock_stream_t *s, const genai_str_t *text);
static int genai_be_grow(genai_bedrock_stream_t *s, size_t n);
static void genai_be_release(genai_bedrock_stream_t *s);
static void genai_be_tool(genai_bedrock_stream_t *s, const genai_event_t *e);
static void genai_be_call(genai_bedrock_stream_t *s, const genai_str_t *id,
    const genai_str_t *name);
static void genai_be_finish(genai_bedrock_stream_t *s,
    const genai_event_t *e);
static void genai_be_start(genai_bedrock_stream_t *s);
static void genai_be_block(genai_bedrock_stream_t *s, unsigned kind,
    unsigned number);
static void genai_be_block_close(genai_bedrock_stream_t *s);
static void genai_be_fail(genai_bedrock_stream_t *s,
    const genai_str_t *message, const genai_str_t *type);
static void genai_be_frame(genai_bedrock_stream_t *s, const char *kind,
    const char *type, genai_be_pt payload, const void *data);
static int genai_be_write(void *ctx, const unsigned char *p, size_t n);
static void genai_be_role(const genai_bedrock_stream_t *s, genai_writer_t *w,
    const void *data);
static void genai_be_none(const genai_bedrock_stream_t *s, genai_writer_t *w,
    const void *data);
static void genai_be_delta(const genai_bedrock_stream_t *s,
    genai_writer_t *w, const void *data);
static void genai_be_begin(const genai_bedrock_stream_t *s,
    genai_writer_t *w, const void *data);
static void genai_be_index(const genai_bedrock_stream_t *s,
    genai_writer_t *w, const void *data);
static void genai_be_stop(const genai_bedrock_stream_t *s, genai_writer_t *w,
    const void *data);
static void genai_be_metadata(const genai_bedrock_stream_t *s,
    genai_writer_t *w, const void *data);
static void genai_be_message(const genai_bedrock_stream_t *s,
    genai_writer_t *w, const void *data);


void
genai_bedrock_stream_init(genai_bedrock_stream_t *s,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx)
{
    genai_zero(s, sizeof(genai_bedrock_stream_t));

    s->head = head;
    s->write = write;
    s->ctx = ctx;
}


void
genai_bedrock_stream_keep(genai_bedrock_stream_t *s, size_t limit,
    genai_alloc_pt alloc, void *ctx)
{
    s->alloc = alloc;
    s->alloc_ctx = ctx;
    s->limit = limit;
}


void
genai_bedrock_stream_free(genai_bedrock_stream_t *s)
{
    if (s->big) {
        (void) s->alloc(s->alloc_ctx, s->big, s->size, 0);
        s->big = NULL;
    }
}


int
genai_bedrock_stream_event(genai_bedrock_stream_t *s, const genai_event_t *e)
{
    if (s->full && e->type == GENAI_EVENT_ERROR) {

        /* what was too large is forgotten */

        s->full = 0;
        s->waits = 0;
        s->len = 0;
        s->rc = 0;
    }

    if (s->rc != 0 || e->copy || s->failed
        || (e->choice != 0 && e->type != GENAI_EVENT_ERROR))
    {
        return s->rc;
    }

    if (s->waits && (e->first || e->type != s->type || e->field != s->field
                     || e->block != s->block))
    {
        genai_be_release(s);
    }

    switch (e->type) {

    case GENAI_EVENT_START:

        if (e->field != GENAI_FIELD_PART) {
            genai_be_start(s);
        }

        break;

    case GENAI_EVENT_TEXT:
    case GENAI_EVENT_REASONING:
    case GENAI_EVENT_REFUSAL:
    case GENAI_EVENT_ARGUMENTS:
    case GENAI_EVENT_SIGNATURE:
        genai_be_wait(s, e);
        break;

    case GENAI_EVENT_TOOL:
        genai_be_tool(s, e);
        break;

    case GENAI_EVENT_FINISH:
        genai_be_finish(s, e);
        break;

    case GENAI_EVENT_USAGE:
        s->usage = *e->usage;
        s->usage_known = 1;
        break;

    case GENAI_EVENT_ERROR:
        genai_be_fail(s, &e->text, &e->name);
        break;

    case GENAI_EVENT_END:

        genai_be_block_close(s);

        if (e->end_how != GENAI_END_CUT && s->started) {

            if (!s->ended) {
                s->ended = 1;
                genai_be_frame(s, "event", "messageStop", genai_be_stop,
                               NULL);
            }

            genai_be_frame(s, "event", "metadata", genai_be_metadata, NULL);

            /* there is no more to say */

            s->failed = 1;
        }

        break;

    default:
        break;
    }

    return s->rc;
}


/* of a text, up to what is a frame */

static void
genai_be_wait(genai_bedrock_stream_t *s, const genai_event_t *e)
{
    genai_str_t  id;

    static const genai_str_t  turns =
        genai_str("The provider tells two tool calls by turns");

    if (!s->waits) {

        if (e->text.len == 0 || s->ended) {
            return;
        }

        if (e->type == GENAI_EVENT_ARGUMENTS
            && (s->number != e->block
                || (s->kind != GENAI_BE_TOOL && !s->late)))
        {
            genai_be_fail(s, &turns, NULL);
            return;
        }

        s->waits = 1;
        s->type = e->type;
        s->field = e->field;
        s->block = e->block;
        s->len = 0;
        s->nid = 0;

        if (e->type == GENAI_EVENT_SIGNATURE) {
            s->nsigner = (e->name.len < sizeof(s->signer))
                         ? e->name.len : sizeof(s->signer);

            if (s->nsigner) {
                memcpy(s->signer, e->name.data, s->nsigner);
            }

            id = e->id;

            if (e->field == GENAI_FIELD_OF_CALL && s->called
                && e->block == s->last)
            {
                id.data = s->id;
                id.len = s->nlate;
            }

            genai_be_add(s, &id);
            s->nid = s->len;
        }
    }

    genai_be_add(s, &e->text);

    if (e->last) {
        genai_be_release(s);
    }
}


static void
genai_be_add(genai_bedrock_stream_t *s, const genai_str_t *text)
{
    size_t          n, k;
    unsigned char  *p;

    p = text->data;
    n = text->len;

    if (s->type == GENAI_EVENT_SIGNATURE
        && s->len + n > GENAI_BEDROCK_PIECE)
    {
        if (s->alloc == NULL || genai_be_grow(s, n) != 0) {
            s->full = 1;
            s->rc = -1;
            return;
        }

        memcpy(s->big + s->len, p, n);
        s->len += n;

        return;
    }

    while (n) {

        k = GENAI_BEDROCK_PIECE - s->len;

        if (n > k) {

            /* no frame ends within a character */

            while (k && (p[k] & 0xc0) == 0x80) {
                k--;
            }

            if (k == 0 && s->len == 0) {
                k = GENAI_BEDROCK_PIECE;
            }

        } else {
            k = n;
        }

        memcpy(s->text + s->len, p, k);
        s->len += k;
        p += k;
        n -= k;

        if (n) {
            genai_be_release(s);
            s->waits = 1;
        }
    }
}


static int
genai_be_grow(genai_bedrock_stream_t *s, size_t n)
{
    size_t          size;
    unsigned char  *p;

    if (s->big == NULL || s->len + n > s->size) {

        size = 2 * (s->len + n);
        size = (size < s->limit) ? size : s->limit;

        if (s->len + n > size) {
            return -1;
        }

        p = s->alloc(s->alloc_ctx, s->big, s->size, size);

        if (p == NULL) {
            return -1;
        }

        s->big = p;
        s->size = size;
    }

    if (s->len <= GENAI_BEDROCK_PIECE) {
        memcpy(s->big, s->text, s->len);
    }

    return 0;
}


/* what waits becomes a frame of the block that it is of */

static void
genai_be_release(genai_bedrock_stream_t *s)
{
    s->waits = 0;

    if (s->len == 0) {
        return;
    }

    switch (s->type) {

    case GENAI_EVENT_REASONING:

        if (s->kind != GENAI_BE_THINKING || s->number != s->block) {
            genai_be_block(s, GENAI_BE_THINKING, s->block);
        }

        break;

    case GENAI_EVENT_SIGNATURE:

        if (s->field != GENAI_FIELD_OF_THOUGHT) {
            genai_be_block(s, GENAI_BE_SEALED, s->block);

        } else if (s->kind != GENAI_BE_THINKING || s->number != s->block) {
            genai_be_block(s, GENAI_BE_THINKING, s->block);
        }

        break;

    case GENAI_EVENT_ARGUMENTS:

        if (s->late) {
            genai_be_call(s, &(genai_str_t) { s->nlate, s->id },
                          &(genai_str_t) { 0, NULL });
        }

        s->said = 1;
        break;

    default:

        if (s->type == GENAI_EVENT_REFUSAL) {
            s->refused = 1;
        }

        if (s->kind != GENAI_BE_TEXT) {
            genai_be_block(s, GENAI_BE_TEXT, 0);
        }

        break;
    }

    genai_be_frame(s, "event", "contentBlockDelta", genai_be_delta, NULL);

    s->len = 0;
}


static void
genai_be_tool(genai_bedrock_stream_t *s, const genai_event_t *e)
{
    genai_str_t  id;

    if (s->ended) {
        return;
    }

    if (e->first) {
        genai_be_block_close(s);

        s->number = e->block;

        if (e->name.len == 0 && e->id.len <= GENAI_BEDROCK_LATE_MAX) {

            s->late = 1;
            s->nlate = e->id.len;

            if (e->id.len) {
                memcpy(s->id, e->id.data, e->id.len);
            }

            return;
        }

        genai_be_call(s, &e->id, &e->name);

        return;
    }

    if (!s->late || s->number != e->block) {
        return;
    }

    id = e->id;

    if (id.len == 0) {
        id.data = s->id;
        id.len = s->nlate;
    }

    genai_be_call(s, &id, &e->name);
}


static void
genai_be_call(genai_bedrock_stream_t *s, const genai_str_t *id,
    const genai_str_t *name)
{
    genai_be_tool_t  tool;

    tool.id = *id;
    tool.name = *name;

    s->late = 0;
    s->said = 0;
    s->called = 1;

    /* what signs it is told with it */

    s->last = s->number;
    s->nlate = 0;

    if (id->len && id->len <= sizeof(s->id)) {
        s->nlate = id->len;
        memmove(s->id, id->data, id->len);
    }

    genai_be_block(s, GENAI_BE_TOOL, s->number);
    genai_be_frame(s, "event", "contentBlockStart", genai_be_begin, &tool);
}


static void
genai_be_finish(genai_bedrock_stream_t *s, const genai_event_t *e)
{
    static const genai_str_t  gone =
        genai_str("The provider gave up its answer");

    if (s->ended) {
        return;
    }

    genai_be_start(s);
    genai_be_block_close(s);

    if (e->finish == GENAI_FINISH_ERROR) {
        genai_be_fail(s, &gone, NULL);
        return;
    }

    s->finish = e->finish;

    if (e->text.len <= sizeof(s->word)) {
        s->nword = e->text.len;

        if (s->nword) {
            memcpy(s->word, e->text.data, s->nword);
        }
    }

    s->ended = 1;
    genai_be_frame(s, "event", "messageStop", genai_be_stop, NULL);
}


static void
genai_be_start(genai_bedrock_stream_t *s)
{
    if (!s->started) {
        s->started = 1;
        genai_be_frame(s, "event", "messageStart", genai_be_role, NULL);
    }
}


static void
genai_be_block(genai_bedrock_stream_t *s, unsigned kind, unsigned number)
{
    size_t  len;

    /* what waits is of the block that begins */

    len = s->len;
    s->len = 0;

    genai_be_start(s);
    genai_be_block_close(s);

    s->len = len;
    s->kind = kind;
    s->number = number;
}


static void
genai_be_block_close(genai_bedrock_stream_t *s)
{
    if (s->waits) {
        genai_be_release(s);
    }

    if (s->late) {
        genai_be_call(s, &(genai_str_t) { s->nlate, s->id },
                      &(genai_str_t) { 0, NULL });
    }

    if (s->kind == GENAI_BE_NONE) {
        return;
    }

    if (s->kind == GENAI_BE_TOOL && !s->said) {

        /* some parse what they were given, and nothing is no JSON */

        genai_be_frame(s, "event", "contentBlockDelta", genai_be_none, NULL);
    }

    s->kind = GENAI_BE_NONE;

    genai_be_frame(s, "event", "contentBlockStop", genai_be_index, NULL);

    s->index++;
}


static void
genai_be_fail(genai_bedrock_stream_t *s, const genai_str_t *message,
    const genai_str_t *type)
{
    genai_be_block_close(s);

    s->failed = 1;

    genai_be_frame(s, "exception", genai_bedrock_exception(type),
                   genai_be_message, message);
}


static void
genai_be_frame(genai_bedrock_stream_t *s, const char *kind, const char *type,
    genai_be_pt payload, const void *data)
{
    size_t           n;
    genai_writer_t   w;
    genai_be_sink_t  sink;
    unsigned char    head[GENAI_EVENTSTREAM_HEAD_MAX], tail[4];

    if (s->rc != 0) {
        return;
    }

    sink.stream = s;
    sink.len = 0;
    sink.crc = 0;
    sink.count = 1;

    genai_writer_init(&w, genai_be_write, &sink);
    payload(s, &w, data);

    if (genai_writer_flush(&w) != 0) {
        s->rc = -1;
        return;
    }

    n = genai_eventstream_head(head, kind, type, sink.len);

    sink.count = 0;

    if (genai_be_write(&sink, head, n) != 0) {
        s->rc = -1;
        return;
    }

    genai_writer_init(&w, genai_be_write, &sink);
    payload(s, &w, data);

    if (genai_writer_flush(&w) != 0) {
        s->rc = -1;
        return;
    }

    genai_eventstream_tail(tail, sink.crc);

    if (s->write(s->ctx, tail, 4) != 0) {
        s->rc = -1;
    }
}


static int
genai_be_write(void *ctx, const unsigned char *p, size_t n)
{
    genai_be_sink_t  *sink = ctx;

    sink->len += n;

    if (sink->count) {
        return 0;
    }

    sink->crc = genai_crc32(sink->crc, p, n);

    return sink->stream->write(sink->stream->ctx, p, n);
}


static void
genai_be_role(const genai_bedrock_stream_t *s, genai_writer_t *w,
    const void *data)
{
    genai_writer_literal(w, "{\"role\":\"assistant\"}");
}


/* the arguments of a call that has none */

static void
genai_be_none(const genai_bedrock_stream_t *s, genai_writer_t *w,
    const void *data)
{
    genai_writer_open(w, '{');
    genai_writer_name(w, "contentBlockIndex");
    genai_writer_int(w, s->index);
    genai_writer_name(w, "delta");
    genai_writer_literal(w, "{\"toolUse\":{\"input\":\"{}\"}}");
    genai_writer_close(w, '}');
}


/* the text that waits */

static void
genai_be_delta(const genai_bedrock_stream_t *s, genai_writer_t *w,
    const void *data)
{
    genai_str_t  id, signer, text;

    text.len = s->len;
    text.data = (s->len > GENAI_BEDROCK_PIECE) ? s->big
                                               : (unsigned char *) s->text;

    genai_writer_open(w, '{');
    genai_writer_name(w, "contentBlockIndex");
    genai_writer_int(w, s->index);
    genai_writer_name(w, "delta");
    genai_writer_open(w, '{');

    switch (s->type) {

    case GENAI_EVENT_ARGUMENTS:
        genai_writer_name(w, "toolUse");
        genai_writer_open(w, '{');
        genai_writer_name(w, "input");
        genai_writer_string(w, &text);
        genai_writer_close(w, '}');
        break;

    case GENAI_EVENT_REASONING:
        genai_writer_name(w, "reasoningContent");
        genai_writer_open(w, '{');
        genai_writer_name(w, "text");
        genai_writer_string(w, &text);
        genai_writer_close(w, '}');
        break;

    case GENAI_EVENT_SIGNATURE:
        id.data = text.data;
        id.len = s->nid;
        text.data += s->nid;
        text.len -= s->nid;

        signer.data = (unsigned char *) s->signer;
        signer.len = s->nsigner;

        genai_writer_name(w, "reasoningContent");
        genai_writer_open(w, '{');
        genai_bedrock_signature(w, s->field, &signer, &id, &text);
        genai_writer_close(w, '}');
        break;

    default:
        genai_writer_name(w, "text");
        genai_writer_string(w, &text);
        break;
    }

    genai_writer_close(w, '}');
    genai_writer_close(w, '}');
}


static void
genai_be_begin(const genai_bedrock_stream_t *s, genai_writer_t *w,
    const void *data)
{
    const genai_be_tool_t  *tool = data;

    genai_writer_open(w, '{');
    genai_writer_name(w, "contentBlockIndex");
    genai_writer_int(w, s->index);
    genai_writer_name(w, "start");
    genai_writer_open(w, '{');
    genai_writer_name(w, "toolUse");
    genai_writer_open(w, '{');
    genai_bedrock_call_id(w, s->head, &tool->id, s->number);
    genai_writer_name(w, "name");
    genai_writer_string(w, &tool->name);
    genai_writer_close(w, '}');
    genai_writer_close(w, '}');
    genai_writer_close(w, '}');
}


static void
genai_be_index(const genai_bedrock_stream_t *s, genai_writer_t *w,
    const void *data)
{
    genai_writer_open(w, '{');
    genai_writer_name(w, "contentBlockIndex");
    genai_writer_int(w, s->index);
    genai_writer_close(w, '}');
}


static void
genai_be_stop(const genai_bedrock_stream_t *s, genai_writer_t *w,
    const void *data)
{
    genai_writer_open(w, '{');
    genai_bedrock_stop(w, s->finish,
                       &(genai_str_t) { s->nword, (unsigned char *) s->word },
                       s->called, s->refused);
    genai_writer_close(w, '}');
}


static void
genai_be_metadata(const genai_bedrock_stream_t *s, genai_writer_t *w,
    const void *data)
{
    genai_writer_open(w, '{');
    genai_bedrock_usage(w, s->usage_known ? &s->usage : NULL,
                        s->head->prompt);
    genai_writer_close(w, '}');
}


static void
genai_be_message(const genai_bedrock_stream_t *s, genai_writer_t *w,
    const void *data)
{
    genai_writer_open(w, '{');
    genai_writer_name(w, "message");
    genai_writer_string(w, data);
    genai_writer_close(w, '}');
}


const char *
genai_bedrock_exception(const genai_str_t *type)
{
    size_t  i;

    /* its own words, and those of others for the same */

    static const struct {
        genai_str_t   name;
        const char   *word;
    } words[] = {
        { genai_str("validationException"), "validationException" },
        { genai_str("throttlingException"), "throttlingException" },
        { genai_str("serviceUnavailableException"),
          "serviceUnavailableException" },
        { genai_str("modelStreamErrorException"),
          "modelStreamErrorException" },
        { genai_str("invalid_request_error"), "validationException" },
        { genai_str("not_found_error"), "validationException" },
        { genai_str("request_too_large"), "validationException" },
        { genai_str("INVALID_ARGUMENT"), "validationException" },
        { genai_str("rate_limit_error"), "throttlingException" },
        { genai_str("rate_limit_exceeded"), "throttlingException" },
        { genai_str("insufficient_quota"), "throttlingException" },
        { genai_str("tokens"), "throttlingException" },
        { genai_str("requests"), "throttlingException" },
        { genai_str("RESOURCE_EXHAUSTED"), "throttlingException" },
        { genai_str("overloaded_error"), "serviceUnavailableException" },
        { genai_str("UNAVAILABLE"), "serviceUnavailableException" }
    };

    for (i = 0; type && i < sizeof(words) / sizeof(words[0]); i++) {
        if (type->len == words[i].name.len
            && memcmp(type->data, words[i].name.data, type->len) == 0)
        {
            return words[i].word;
        }
    }

    return "internalServerException";
}
