/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The decoder of Anthropic's answers.  The scanner calls back for the values
 * of the table, in the order of the text; most become an event at once.  What
 * an event's type decides, stop_reason and usage are told where its text ends,
 * since its members may stand in any order.
 */


#include "genai_anthropic_answer_int.h"


static int genai_aa_sse_begin(void *ctx, uint64_t offset);
static int genai_aa_sse_data(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset);
static int genai_aa_sse_end(void *ctx, const genai_sse_event_t *event);
static void genai_aa_chunk_begin(genai_anthropic_answer_t *a);
static int genai_aa_chunk_end(genai_anthropic_answer_t *a, uint64_t end);
static int genai_aa_finish(genai_anthropic_answer_t *a);
static int genai_aa_usage_tell(genai_anthropic_answer_t *a, unsigned begun);
static int genai_aa_text_feed(genai_anthropic_answer_t *a,
    const unsigned char *p, size_t n, uint64_t offset);
static int genai_aa_frame_text(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset);
static int genai_aa_frame_tell(void *ctx, genai_event_t *e);
static int genai_aa_frame_end(void *ctx);
static int genai_aa_frame_whole_end(void *ctx, uint64_t end);


static const genai_sse_handler_t  genai_aa_sse = {
    genai_aa_sse_begin,
    genai_aa_sse_data,
    genai_aa_sse_end
};


static const genai_answer_frame_t  genai_aa_frame = {
    .empty = "there is no content",
    .text = genai_aa_frame_text,
    .tell = genai_aa_frame_tell,
    .whole_end = genai_aa_frame_whole_end,
    .stream_end = genai_aa_frame_end
};


void
genai_anthropic_answer_init(genai_anthropic_answer_t *a,
    const genai_answer_opts_t *opts, genai_event_pt handler, void *ctx)
{
    unsigned  i;

    /*
     * The scanner and the reader are prepared by themselves; what is gathered
     * is written before it is read.
     */

    genai_zero(a, offsetof(genai_anthropic_answer_t, push));

    a->id.n = 0;
    a->model.n = 0;
    a->base.handler = handler;
    a->base.ctx = ctx;
    a->base.stream = opts->stream;
    a->base.frame = &genai_aa_frame;
    a->base.push = &a->push;
    a->base.sse = &a->sse;

    for (i = 0; i < GENAI_ANTHROPIC_COUNTS; i++) {
        a->count[i] = -1;
    }

    genai_sse_init(&a->sse, &genai_aa_sse, a, opts->limit);
    genai_aa_chunk_begin(a);
}


static int
genai_aa_frame_text(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset)
{
    return genai_aa_text_feed(ctx, p, n, offset);
}


static int
genai_aa_frame_tell(void *ctx, genai_event_t *e)
{
    return genai_aa_call(ctx, e);
}


static int
genai_aa_frame_whole_end(void *ctx, uint64_t end)
{
    return genai_answer_whole_end(ctx, end);
}


static int
genai_aa_frame_end(void *ctx)
{
    genai_anthropic_answer_t  *a = ctx;

    if (a->finished && !a->base.cut && !a->usage_told
        && genai_aa_usage_tell(a, 0) != 0)
    {
        return -1;
    }

    return genai_answer_end_tell(&a->base, a->base.offset, a->base.offset,
                                 (a->finished && !a->base.cut)
                                 ? GENAI_END_CLEAN : GENAI_END_CUT);
}


static int
genai_aa_sse_begin(void *ctx, uint64_t offset)
{
    genai_aa_chunk_begin(ctx);

    return 0;
}


static int
genai_aa_sse_data(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset)
{
    return genai_aa_text_feed(ctx, p, n, offset);
}


static int
genai_aa_sse_end(void *ctx, const genai_sse_event_t *event)
{
    unsigned                   ping;
    genai_str_t                type;
    genai_event_t              e;
    genai_anthropic_answer_t  *a = ctx;

    ping = 0;

    if (event->data && !a->base.ended && !a->base.broken && !a->base.blank) {

        if (genai_push_end(&a->push, event->end) == 0) {

            type = genai_aa_word_text(&a->type);

            /* data that does not tell what it is: its event's name does */

            if (type.len == 0 && event->name.len
                && event->name.len <= GENAI_ANTHROPIC_WORD_MAX)
            {
                memcpy(a->type.data, event->name.data, event->name.len);
                a->type.n = event->name.len;
                type = genai_aa_word_text(&a->type);
            }

            ping = genai_str_is(&type, "ping");

            if (genai_aa_chunk_end(a, event->end) != 0) {
                return -1;
            }

            if (genai_str_is(&type, "message_stop")) {

                if (!a->usage_told && genai_aa_usage_tell(a, 0) != 0) {
                    return -1;
                }

                a->base.ended = 1;
                a->base.chunk |= GENAI_CHUNK_DONE;

                genai_answer_event(&e, GENAI_EVENT_END);
                e.end_how = GENAI_END_DONE;
                e.start = event->start;
                e.end = event->end;

                if (genai_aa_call(a, &e) < 0) {
                    return -1;
                }

            } else if (type.len == 0
                       && !(a->base.chunk & (GENAI_CHUNK_CHOICES
                                        |GENAI_CHUNK_ERROR))
                       && genai_answer_broken(&a->base, "the event has no type",
                                          event->end)
                          != 0)
            {
                return -1;
            }

        } else if (event->incomplete) {
            a->base.cut = 1;

        } else if (genai_answer_broken(&a->base, a->push.error, event->end)
                   != 0)
        {
            return -1;
        }
    }

    if (event->data && !a->base.ended && genai_str_is(&event->name, "error")
        && !(a->base.chunk & GENAI_CHUNK_ERROR))
    {
        genai_aa_error_clear(a);

        if (genai_aa_error(a, event->start, event->end) != 0) {
            return -1;
        }
    }

    genai_answer_event(&e, GENAI_EVENT_CHUNK);

    e.start = event->start;
    e.end = event->end;
    e.chunk = a->base.chunk | ((event->data && !ping) ? GENAI_CHUNK_DATA : 0)
              | (event->tail ? GENAI_CHUNK_TAIL : 0)
              | (event->incomplete ? GENAI_CHUNK_INCOMPLETE : 0);

    a->base.chunk = 0;

    return genai_aa_call(a, &e);
}


static void
genai_aa_chunk_begin(genai_anthropic_answer_t *a)
{
    genai_aa_read(a);

    a->base.chunk = 0;
    a->base.broken = 0;
    a->base.blank = 1;
    a->index_known = 0;
    a->message = 0;
    a->in_block = 0;
    a->nstop = 0;
    a->type.n = 0;
    a->kind.n = 0;

    genai_aa_error_clear(a);
}


/* a chunk's text is complete: what is told at its end */

static int
genai_aa_chunk_end(genai_anthropic_answer_t *a, uint64_t end)
{
    unsigned     i, index, begun;
    genai_str_t  type;

    type = genai_aa_word_text(&a->type);
    begun = genai_str_is(&type, "message_start");

    if (a->index_known) {
        index = (a->index < GENAI_ANTHROPIC_BLOCKS) ? a->index
                                                    : GENAI_ANTHROPIC_BLOCKS;

        /* its number stands behind the block */

        if (genai_str_is(&type, "content_block_start") && index != a->at) {
            a->block[index] = a->block[a->at];
            memset(&a->block[a->at], 0, sizeof(genai_anthropic_block_t));
            a->at = index;
        }

        if (a->next <= index && index < GENAI_ANTHROPIC_BLOCKS) {
            a->next = index + 1;
        }

    } else {
        index = a->at;
    }

    if (genai_str_is(&type, "content_block_stop")) {
        a->base.chunk |= GENAI_CHUNK_CHOICES;

        if (genai_aa_block_end(a, index, end) != 0) {
            return -1;
        }
    }

    if (a->nstop || genai_str_is(&type, "message_stop")) {

        for (i = 0; i <= a->next; i++) {
            if (genai_aa_block_end(a, i, end) != 0) {
                return -1;
            }
        }
    }

    if (a->nstop && genai_aa_finish(a) != 0) {
        return -1;
    }

    if (!(a->base.chunk & (GENAI_CHUNK_CHOICES|GENAI_CHUNK_ERROR
                      |GENAI_CHUNK_USAGE))
        && (a->nmessage || genai_str_is(&type, "error"))
        && genai_aa_error(a, a->nmessage ? a->mark : end, end) != 0)
    {
        return -1;
    }

    return (a->base.chunk & GENAI_CHUNK_USAGE)
           ? genai_aa_usage_tell(a, begun) : 0;
}


static int
genai_aa_finish(genai_anthropic_answer_t *a)
{
    genai_event_t  e;

    genai_answer_event(&e, GENAI_EVENT_FINISH);

    e.text.data = a->stop;
    e.text.len = a->nstop;
    e.finish = genai_anthropic_finish(&e.text);
    e.start = a->stop_start;
    e.end = a->stop_end;
    e.first = 1;
    e.last = 1;
    e.json = 1;
    e.copy = a->finished;

    a->finished = 1;
    a->base.chunk |= GENAI_CHUNK_CHOICES;

    return (genai_aa_call(a, &e) < 0) ? -1 : 0;
}


/* what is known; begun: of the prompt, for who counts */

static int
genai_aa_usage_tell(genai_anthropic_answer_t *a, unsigned begun)
{
    int64_t         n, *c;
    genai_event_t   e;
    genai_usage_t  *u;

    c = a->count;
    u = &a->usage;

    genai_usage_clear(u);

    u->cached = c[GENAI_ANTHROPIC_READ];
    u->written_5m = c[GENAI_ANTHROPIC_WRITTEN_5M];
    u->written_1h = c[GENAI_ANTHROPIC_WRITTEN_1H];

    n = (u->written_5m > 0 ? u->written_5m : 0)
        + (u->written_1h > 0 ? u->written_1h : 0);

    if (c[GENAI_ANTHROPIC_WRITTEN] >= n) {

        /* the details may be missing, or older */

        n = c[GENAI_ANTHROPIC_WRITTEN];
        u->written_5m = n - (u->written_1h > 0 ? u->written_1h : 0);
    }

    if (c[GENAI_ANTHROPIC_INPUT] >= 0) {
        u->prompt = c[GENAI_ANTHROPIC_INPUT] + n
                    + (u->cached > 0 ? u->cached : 0);
    }

    if (!begun) {
        u->completion = c[GENAI_ANTHROPIC_OUTPUT];
        u->reasoning = c[GENAI_ANTHROPIC_THINKING];
        a->usage_told = 1;
    }

    if (u->prompt < 0 && u->completion < 0) {
        return 0;
    }

    genai_answer_event(&e, GENAI_EVENT_USAGE);

    e.usage = u;
    e.start = a->usage_start;
    e.end = a->usage_end;
    e.copy = begun;

    return (genai_aa_call(a, &e) < 0) ? -1 : 0;
}


/* bytes of a chunk's JSON text */

static int
genai_aa_text_feed(genai_anthropic_answer_t *a, const unsigned char *p,
    size_t n, uint64_t offset)
{
    const unsigned char  *end;

    if (a->base.broken || a->base.ended) {
        return 0;
    }

    end = p + n;

    if (a->base.blank) {

        while (p < end
               && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        {
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
        return (genai_aa_chunk_end(a, a->push.offset) == 0)
               ? genai_answer_whole_end(&a->base, a->push.offset) : -1;
    }

    if (a->push.error) {
        return genai_answer_broken(&a->base, a->push.error, a->push.offset);
    }

    return genai_answer_broken(&a->base, a->fault, a->mark);
}


int
genai_aa_call(genai_anthropic_answer_t *a, genai_event_t *e)
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
genai_anthropic_finish(const genai_str_t *reason)
{
    size_t  i;

    /* the dialect's own, and what others write who speak it */

    static const struct {
        genai_str_t     name;
        genai_finish_e  finish;
    } reasons[] = {
        { genai_str("end_turn"), GENAI_FINISH_STOP },
        { genai_str("tool_use"), GENAI_FINISH_TOOL },
        { genai_str("max_tokens"), GENAI_FINISH_LENGTH },
        { genai_str("stop_sequence"), GENAI_FINISH_STOP },
        { genai_str("refusal"), GENAI_FINISH_FILTER },
        { genai_str("model_context_window_exceeded"), GENAI_FINISH_LENGTH },
        { genai_str("stop"), GENAI_FINISH_STOP },
        { genai_str("length"), GENAI_FINISH_LENGTH },
        { genai_str("tool_calls"), GENAI_FINISH_TOOL },
        { genai_str("content_filter"), GENAI_FINISH_FILTER },
        { genai_str("error"), GENAI_FINISH_ERROR }
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
