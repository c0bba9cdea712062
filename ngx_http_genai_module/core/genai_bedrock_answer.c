/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The decoder of Bedrock's answers.  The scanner calls back for the values of
 * the table, in the order of the text; most become an event at once.  Why it
 * ended and usage are told where their text ends.
 */


#include "genai_bedrock_answer_int.h"


static int genai_ba_frame_begin(void *ctx, const genai_frame_t *frame,
    uint64_t offset);
static int genai_ba_frame_data(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset);
static int genai_ba_frame_end(void *ctx, const genai_frame_t *frame);
static int genai_ba_frame_whole(genai_bedrock_answer_t *a,
    const genai_frame_t *frame);
static int genai_ba_frame_chunk(genai_bedrock_answer_t *a,
    const genai_frame_t *frame, unsigned flags);
static void genai_ba_chunk_begin(genai_bedrock_answer_t *a);
static int genai_ba_chunk_end(genai_bedrock_answer_t *a,
    const genai_str_t *type, uint64_t end);
static int genai_ba_finish(genai_bedrock_answer_t *a);
static int genai_ba_usage_tell(genai_bedrock_answer_t *a);
static int genai_ba_error(genai_bedrock_answer_t *a,
    const genai_str_t *message, const genai_str_t *type, uint64_t start,
    uint64_t end);
static int genai_ba_text_feed(genai_bedrock_answer_t *a,
    const unsigned char *p, size_t n, uint64_t offset);
static int genai_ba_text(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset);
static int genai_ba_stop_frame(void *ctx, uint64_t offset);
static int genai_ba_tell(void *ctx, genai_event_t *e);
static int genai_ba_whole_end(void *ctx, uint64_t end);
static int genai_ba_stream_end(void *ctx);


static const genai_eventstream_handler_t  genai_ba_frames = {
    genai_ba_frame_begin,
    genai_ba_frame_data,
    genai_ba_frame_end
};


static const genai_answer_frame_t  genai_ba_frame = {
    .empty = "there is no output",
    .text = genai_ba_text,
    .stop = genai_ba_stop_frame,
    .tell = genai_ba_tell,
    .whole_end = genai_ba_whole_end,
    .stream_end = genai_ba_stream_end
};


void
genai_bedrock_answer_init(genai_bedrock_answer_t *a,
    const genai_answer_opts_t *opts, genai_event_pt handler, void *ctx)
{
    unsigned  i;

    /*
     * The scanner and the reader are prepared by themselves; what is gathered
     * is written before it is read.
     */

    genai_zero(a, offsetof(genai_bedrock_answer_t, push));

    a->base.handler = handler;
    a->base.ctx = ctx;
    a->base.stream = opts->stream;
    a->base.frame = &genai_ba_frame;
    a->base.push = &a->push;
    a->base.frames = &a->frames;

    for (i = 0; i < GENAI_BEDROCK_COUNTS; i++) {
        a->count[i] = -1;
    }

    genai_eventstream_init(&a->frames, &genai_ba_frames, a, opts->limit);
    genai_ba_chunk_begin(a);
}


static int
genai_ba_text(void *ctx, const unsigned char *p, size_t n, uint64_t offset)
{
    return genai_ba_text_feed(ctx, p, n, offset);
}


static int
genai_ba_stop_frame(void *ctx, uint64_t offset)
{
    return genai_ba_stopped(ctx, offset);
}


static int
genai_ba_tell(void *ctx, genai_event_t *e)
{
    return genai_ba_call(ctx, e);
}


static int
genai_ba_whole_end(void *ctx, uint64_t end)
{
    return genai_answer_whole_end(ctx, end);
}


static int
genai_ba_stream_end(void *ctx)
{
    genai_bedrock_answer_t  *a = ctx;

    return genai_answer_end_tell(&a->base, a->base.offset, a->base.offset,
                                 (a->finished && !a->base.cut && !a->wrong)
                                 ? GENAI_END_CLEAN : GENAI_END_CUT);
}


static int
genai_ba_frame_begin(void *ctx, const genai_frame_t *frame, uint64_t offset)
{
    genai_bedrock_answer_t  *a = ctx;

    genai_ba_chunk_begin(a);

    a->failing = !genai_str_is(&frame->kind, "event");

    return 0;
}


static int
genai_ba_frame_data(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset)
{
    return genai_ba_text_feed(ctx, p, n, offset);
}


static int
genai_ba_frame_end(void *ctx, const genai_frame_t *frame)
{
    genai_bedrock_answer_t  *a = ctx;

    if (frame->error) {

        if (a->wrong) {

            /* that was told */

            a->base.chunk |= GENAI_CHUNK_BROKEN;

        } else {
            a->wrong = 1;
            a->base.broken = 0;

            if (genai_answer_broken(&a->base, frame->error, frame->end) != 0)
            {
                return -1;
            }
        }

    } else if (frame->incomplete) {
        a->base.cut = 1;

        if (!a->base.broken && genai_ba_stopped(a, frame->end) != 0) {
            return -1;
        }

    } else if (!a->base.ended && genai_ba_frame_whole(a, frame) != 0) {
        return -1;
    }

    return genai_ba_frame_chunk(a, frame, GENAI_CHUNK_DATA);
}


static int
genai_ba_frame_whole(genai_bedrock_answer_t *a, const genai_frame_t *frame)
{
    genai_str_t  message;

    if (!a->base.blank && !a->base.broken) {

        if (genai_push_end(&a->push, frame->end) != 0) {

            if (genai_answer_broken(&a->base, a->push.error, frame->end)
                != 0)
            {
                return -1;
            }

        } else if (genai_ba_chunk_end(a, &frame->type, frame->end) != 0) {
            return -1;
        }
    }

    if (genai_str_is(&frame->kind, "exception")
        || genai_str_is(&frame->kind, "error"))
    {
        message.data = a->u.message.data;
        message.len = a->nmessage;

        return genai_ba_error(a, message.len ? &message : &frame->message,
                              &frame->type, frame->start, frame->end);
    }

    if (a->failing || frame->type.len == 0) {
        return genai_answer_broken(&a->base, "a frame has no known type",
                                   frame->end);
    }

    if (!a->finished || !a->usage_told || a->base.broken) {
        return 0;
    }

    a->base.chunk |= GENAI_CHUNK_DONE;

    return genai_answer_end_tell(&a->base, frame->start, frame->end,
                                 GENAI_END_DONE);
}


static int
genai_ba_frame_chunk(genai_bedrock_answer_t *a, const genai_frame_t *frame,
    unsigned flags)
{
    genai_event_t  e;

    genai_answer_event(&e, GENAI_EVENT_CHUNK);

    e.start = frame->start;
    e.end = frame->end;
    e.chunk = a->base.chunk | flags
              | (frame->incomplete ? GENAI_CHUNK_INCOMPLETE : 0);

    a->base.chunk = 0;
    a->base.broken = 0;

    return genai_ba_call(a, &e);
}


static void
genai_ba_chunk_begin(genai_bedrock_answer_t *a)
{
    genai_ba_read(a);

    a->base.chunk = 0;
    a->base.broken = 0;
    a->base.blank = 1;
    a->index_known = 0;
    a->in_tool = 0;
    a->failing = 0;
    a->nstop = 0;
    a->nmessage = 0;
    a->excuse = 0;
}


/* a chunk's text is complete: what is told at its end */

static int
genai_ba_chunk_end(genai_bedrock_answer_t *a, const genai_str_t *type,
    uint64_t end)
{
    unsigned     i, at;
    genai_str_t  message;

    at = a->at;

    if (a->index_known) {
        at = (a->index < GENAI_BEDROCK_BLOCKS) ? a->index
                                               : GENAI_BEDROCK_BLOCKS;

        /* its number stands behind the block */

        if (genai_str_is(type, "contentBlockStart") && at != a->at) {
            a->block[at] = a->block[a->at];
            memset(&a->block[a->at], 0, sizeof(genai_bedrock_block_t));
            a->at = at;
        }
    }

    if (genai_str_is(type, "contentBlockStop")) {
        a->base.chunk |= GENAI_CHUNK_CHOICES;

        if (genai_ba_block_end(a, at, end) != 0) {
            return -1;
        }
    }

    if (a->nstop) {

        for (i = 0; i <= GENAI_BEDROCK_BLOCKS; i++) {
            if (genai_ba_block_end(a, i, end) != 0) {
                return -1;
            }
        }

        if (genai_ba_finish(a) != 0) {
            return -1;
        }
    }

    if (a->base.mode == GENAI_ANSWER_WHOLE && a->excuse
        && !(a->base.chunk & (GENAI_CHUNK_CHOICES|GENAI_CHUNK_USAGE)))
    {
        message.data = a->u.message.data;
        message.len = a->nmessage;

        return genai_ba_error(a, &message, &(genai_str_t) { 0, NULL },
                              a->mark, end);
    }

    return (a->base.chunk & GENAI_CHUNK_USAGE) ? genai_ba_usage_tell(a) : 0;
}


static int
genai_ba_finish(genai_bedrock_answer_t *a)
{
    genai_event_t  e;

    if (genai_ba_start(a, a->stop_start) != 0) {
        return -1;
    }

    genai_answer_event(&e, GENAI_EVENT_FINISH);

    e.text.data = a->stop;
    e.text.len = a->nstop;
    e.finish = genai_bedrock_finish(&e.text);
    e.start = a->stop_start;
    e.end = a->stop_end;
    e.first = 1;
    e.last = 1;
    e.json = 1;
    e.copy = a->finished;

    a->finished = 1;
    a->base.chunk |= GENAI_CHUNK_CHOICES;

    return (genai_ba_call(a, &e) < 0) ? -1 : 0;
}


static int
genai_ba_usage_tell(genai_bedrock_answer_t *a)
{
    int64_t         written, *c;
    genai_event_t   e;
    genai_usage_t  *u;

    c = a->count;
    u = &a->usage;

    genai_usage_clear(u);

    written = c[GENAI_BEDROCK_WRITTEN];

    u->cached = c[GENAI_BEDROCK_READ];
    u->written_1h = c[GENAI_BEDROCK_WRITTEN_1H];

    if (written < u->written_1h) {
        written = u->written_1h;
    }

    if (written >= 0) {
        u->written_5m = written - (u->written_1h > 0 ? u->written_1h : 0);
    }

    if (c[GENAI_BEDROCK_INPUT] >= 0) {
        u->prompt = c[GENAI_BEDROCK_INPUT] + (written > 0 ? written : 0)
                    + (u->cached > 0 ? u->cached : 0);
    }

    u->completion = c[GENAI_BEDROCK_OUTPUT];
    u->total = c[GENAI_BEDROCK_TOTAL];

    if (u->prompt < 0 && u->completion < 0) {
        return 0;
    }

    a->usage_told = 1;

    genai_answer_event(&e, GENAI_EVENT_USAGE);

    e.usage = u;
    e.start = a->usage_start;
    e.end = a->usage_end;

    return (genai_ba_call(a, &e) < 0) ? -1 : 0;
}


static int
genai_ba_error(genai_bedrock_answer_t *a, const genai_str_t *message,
    const genai_str_t *type, uint64_t start, uint64_t end)
{
    genai_event_t  e;

    a->base.chunk |= GENAI_CHUNK_ERROR;

    genai_answer_event(&e, GENAI_EVENT_ERROR);

    e.text = *message;
    e.name = *type;
    e.start = start;
    e.end = end;

    a->nmessage = 0;

    return (genai_ba_call(a, &e) < 0) ? -1 : 0;
}


/* bytes of a chunk's JSON text */

static int
genai_ba_text_feed(genai_bedrock_answer_t *a, const unsigned char *p,
    size_t n, uint64_t offset)
{
    const unsigned char  *end;

    if (a->base.broken || a->base.ended) {
        return 0;
    }

    end = p + n;

    if (a->base.blank) {

        while (p < end && genai_answer_space(*p)) {
            p++;
            offset++;
        }

        if (p == end) {
            return 0;
        }

        a->base.blank = 0;

        if (*p != '{') {
            return genai_answer_broken(&a->base, "an object is expected",
                                       offset);
        }
    }

    if (genai_push_feed(&a->push, p, end - p, offset) == 0) {
        return 0;
    }

    if (a->base.failed) {
        return -1;
    }

    if (a->base.closed) {
        return (genai_ba_chunk_end(a, &(genai_str_t) { 0, NULL },
                                   a->push.offset)
                == 0)
               ? genai_answer_whole_end(&a->base, a->push.offset) : -1;
    }

    if (a->push.error) {
        return genai_answer_broken(&a->base, a->push.error, a->push.offset);
    }

    return genai_answer_broken(&a->base, a->fault, a->mark);
}


int
genai_ba_call(genai_bedrock_answer_t *a, genai_event_t *e)
{
    int  rc;

    if (!(a->base.chunk & GENAI_CHUNK_MEANINGFUL)
        && genai_event_meaningful(e))
    {
        a->base.chunk |= GENAI_CHUNK_MEANINGFUL;
    }

    rc = a->base.handler(a->base.ctx, e);

    if (rc < 0) {
        a->base.failed = 1;
    }

    return rc;
}


genai_finish_e
genai_bedrock_finish(const genai_str_t *reason)
{
    size_t  i;

    static const struct {
        genai_str_t     name;
        genai_finish_e  finish;
    } reasons[] = {
        { genai_str("end_turn"), GENAI_FINISH_STOP },
        { genai_str("tool_use"), GENAI_FINISH_TOOL },
        { genai_str("max_tokens"), GENAI_FINISH_LENGTH },
        { genai_str("stop_sequence"), GENAI_FINISH_STOP },
        { genai_str("guardrail_intervened"), GENAI_FINISH_FILTER },
        { genai_str("content_filtered"), GENAI_FINISH_FILTER },
        { genai_str("refusal"), GENAI_FINISH_FILTER },
        { genai_str("model_context_window_exceeded"), GENAI_FINISH_LENGTH },
        { genai_str("malformed_model_output"), GENAI_FINISH_ERROR },
        { genai_str("malformed_tool_use"), GENAI_FINISH_ERROR }
    };

    if (reason->len == 0) {
        return GENAI_FINISH_NONE;
    }

    for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reason->len == reasons[i].name.len
            && memcmp(reason->data, reasons[i].name.data, reason->len) == 0)
        {
            return reasons[i].finish;
        }
    }

    return GENAI_FINISH_OTHER;
}
