/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The decoder of Gemini's answers.  The scanner calls back for the values of
 * the table, in the order of the text.  A candidate's finishReason is told
 * where the candidate ends, and usage where the chunk does.
 */


#include "genai_gemini_answer_int.h"


static int genai_ga_sse_begin(void *ctx, uint64_t offset);
static int genai_ga_sse_data(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset);
static int genai_ga_sse_end(void *ctx, const genai_sse_event_t *event);
static int genai_ga_array_feed(genai_gemini_answer_t *a,
    const unsigned char *p, const unsigned char *end);
static int genai_ga_array_end(genai_gemini_answer_t *a);
static void genai_ga_chunk_begin(genai_gemini_answer_t *a);
static int genai_ga_chunk_end(genai_gemini_answer_t *a, uint64_t end);
static int genai_ga_chunk_tell(genai_gemini_answer_t *a, uint64_t start,
    uint64_t end, unsigned flags);
static int genai_ga_usage_tell(genai_gemini_answer_t *a, unsigned copy);
static unsigned genai_ga_all_finished(const genai_gemini_answer_t *a);
static int genai_ga_end_tell(genai_gemini_answer_t *a, uint64_t start,
    uint64_t end, genai_end_e how);
static int genai_ga_text_feed(genai_gemini_answer_t *a,
    const unsigned char *p, size_t n, uint64_t offset);
static int genai_ga_whole_end(genai_gemini_answer_t *a, uint64_t end);
static int genai_ga_stopped(genai_gemini_answer_t *a, uint64_t offset);
static int genai_ga_frame_text(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset);
static int genai_ga_frame_tell(void *ctx, genai_event_t *e);
static int genai_ga_frame_end(void *ctx);
static int genai_ga_frame_stop(void *ctx, uint64_t offset);
static int genai_ga_frame_whole_end(void *ctx, uint64_t end);
static int genai_ga_frame_array(void *ctx, const unsigned char *p, size_t n);
static int genai_ga_frame_array_end(void *ctx);


static const genai_sse_handler_t  genai_ga_sse = {
    genai_ga_sse_begin,
    genai_ga_sse_data,
    genai_ga_sse_end
};


static const genai_answer_frame_t  genai_ga_frame = {
    .empty = "there are no candidates",
    .text = genai_ga_frame_text,
    .stop = genai_ga_frame_stop,
    .tell = genai_ga_frame_tell,
    .whole_end = genai_ga_frame_whole_end,
    .stream_end = genai_ga_frame_end,
    .array = genai_ga_frame_array,
    .array_end = genai_ga_frame_array_end
};


void
genai_gemini_answer_init(genai_gemini_answer_t *a,
    const genai_answer_opts_t *opts, genai_event_pt handler, void *ctx)
{
    /*
     * The scanner and the reader are prepared by themselves; the hold and
     * what is gathered are written before they are read.
     */

    genai_zero(a, offsetof(genai_gemini_answer_t, push));

    a->id.n = 0;
    a->model.n = 0;
    a->base.handler = handler;
    a->base.ctx = ctx;
    a->base.stream = opts->stream;
    a->base.frame = &genai_ga_frame;
    a->base.push = &a->push;
    a->base.sse = &a->sse;
    a->choices = opts->choices;

    genai_sse_init(&a->sse, &genai_ga_sse, a, opts->limit);
    genai_ga_chunk_begin(a);
}


static int
genai_ga_frame_text(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset)
{
    int                     rc;
    genai_gemini_answer_t  *a = ctx;

    rc = genai_ga_text_feed(a, p, n, offset);

    if (rc != 0 || !a->base.closed) {
        return rc;
    }

    return (genai_ga_chunk_end(a, a->push.offset) == 0)
           ? genai_ga_whole_end(a, a->push.offset) : -1;
}


static int
genai_ga_frame_tell(void *ctx, genai_event_t *e)
{
    return genai_ga_call(ctx, e);
}


static int
genai_ga_frame_whole_end(void *ctx, uint64_t end)
{
    return genai_ga_whole_end(ctx, end);
}


static int
genai_ga_frame_stop(void *ctx, uint64_t offset)
{
    return genai_ga_stopped(ctx, offset);
}


static int
genai_ga_frame_end(void *ctx)
{
    genai_gemini_answer_t  *a = ctx;

    return genai_ga_end_tell(a, a->base.offset, a->base.offset,
                             (genai_ga_all_finished(a) && !a->base.cut)
                             ? GENAI_END_CLEAN : GENAI_END_CUT);
}


static int
genai_ga_frame_array(void *ctx, const unsigned char *p, size_t n)
{
    const unsigned char    *end;
    genai_gemini_answer_t  *a = ctx;

    end = p + n;

    if (!a->opened) {
        a->opened = 1;
        a->between = 1;
        a->base.offset++;
        p++;
    }

    return genai_ga_array_feed(a, p, end);
}


static int
genai_ga_frame_array_end(void *ctx)
{
    return genai_ga_array_end(ctx);
}


static int
genai_ga_sse_begin(void *ctx, uint64_t offset)
{
    genai_ga_chunk_begin(ctx);

    return 0;
}


static int
genai_ga_sse_data(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset)
{
    return genai_ga_text_feed(ctx, p, n, offset);
}


static int
genai_ga_sse_end(void *ctx, const genai_sse_event_t *event)
{
    genai_gemini_answer_t  *a = ctx;

    if (event->data && !a->base.broken && !a->base.blank) {

        if (genai_push_end(&a->push, event->end) == 0) {

            if (genai_ga_chunk_end(a, event->end) != 0) {
                return -1;
            }

        } else if (event->incomplete) {
            a->base.cut = 1;

            if (genai_ga_stopped(a, event->end) != 0) {
                return -1;
            }

        } else if (genai_answer_broken(&a->base, a->push.error, event->end)
                   != 0)
        {
            return -1;
        }
    }

    if (event->data && genai_str_is(&event->name, "error")
        && !(a->base.chunk & GENAI_CHUNK_ERROR))
    {
        a->nmessage = 0;
        a->u.error.code.n = 0;
        a->u.error.status.n = 0;

        if (genai_ga_error(a, event->start, event->end) != 0) {
            return -1;
        }
    }

    return genai_ga_chunk_tell(a, event->start, event->end,
                               (event->data ? GENAI_CHUNK_DATA : 0)
                               | (event->tail ? GENAI_CHUNK_TAIL : 0)
                               | (event->incomplete ? GENAI_CHUNK_INCOMPLETE
                                                    : 0));
}


/*
 * Bytes of an array of answers, each of which is a chunk, with what stands in
 * front of it.  base.offset is that of p.
 */

static int
genai_ga_array_feed(genai_gemini_answer_t *a, const unsigned char *p,
    const unsigned char *end)
{
    int       rc;
    uint64_t  last;

    while (p < end) {

        if (a->base.ended) {
            return genai_answer_behind(&a->base, p, end - p);
        }

        if (a->base.broken) {

            /* where the next element begins cannot be known */

            a->base.offset += end - p;
            return 0;
        }

        if (a->between) {

            if (genai_answer_space(*p)) {
                a->base.offset++;
                p++;
                continue;
            }

            if (*p == ',' && a->comma) {
                a->comma = 0;
                a->base.offset++;
                p++;
                continue;
            }

            if (*p == ']' && (a->comma || !a->elements)) {
                a->base.offset++;
                p++;

                if (!a->elements
                    && genai_answer_broken(&a->base, "there are no candidates",
                                       a->base.offset)
                       != 0)
                {
                    return -1;
                }

                if (genai_ga_end_tell(a, a->base.offset - 1, a->base.offset,
                                      (!a->wrong && genai_ga_all_finished(a))
                                      ? GENAI_END_DONE : GENAI_END_CUT)
                    != 0)
                {
                    return -1;
                }

                last = a->last;
                a->last = a->base.offset;
                a->base.broken = 0;

                rc = genai_ga_chunk_tell(a, last, a->base.offset,
                                         GENAI_CHUNK_DATA|GENAI_CHUNK_DONE);
                if (rc != 0) {
                    return rc;
                }

                continue;
            }

            if (*p != '{' || a->comma) {

                if (genai_answer_broken(&a->base,
                                        a->comma ? "a comma is expected"
                                                 : "an object is expected",
                                    a->base.offset)
                    != 0)
                {
                    return -1;
                }

                continue;
            }

            genai_ga_chunk_begin(a);

            a->between = 0;
            a->elements = 1;
        }

        rc = genai_ga_text_feed(a, p, end - p, a->base.offset);

        if (rc != 0) {
            return rc;
        }

        if (!a->base.closed) {
            a->base.offset += end - p;
            return 0;
        }

        p += a->push.offset - a->base.offset;
        a->base.offset = a->push.offset;
        a->base.closed = 0;
        a->between = 1;
        a->comma = 1;

        if (genai_ga_chunk_end(a, a->base.offset) != 0) {
            return -1;
        }

        last = a->last;
        a->last = a->base.offset;

        rc = genai_ga_chunk_tell(a, last, a->base.offset, GENAI_CHUNK_DATA);

        if (rc != 0) {
            return rc;
        }
    }

    return 0;
}


static int
genai_ga_array_end(genai_gemini_answer_t *a)
{
    unsigned  flags;

    if (a->base.ended) {
        return (a->base.offset == a->last) ? 0
               : (genai_ga_chunk_tell(a, a->last, a->base.offset,
                                      a->base.broken
                                      ? GENAI_CHUNK_DATA|GENAI_CHUNK_BROKEN
                                      : GENAI_CHUNK_TAIL)
                  < 0) ? -1 : 0;
    }

    a->base.cut = 1;
    flags = GENAI_CHUNK_DATA|GENAI_CHUNK_INCOMPLETE;

    if (!a->base.broken && !a->between
        && genai_ga_stopped(a, a->base.offset) != 0)
    {
        return -1;
    }

    if (a->base.offset > a->last
        && genai_ga_chunk_tell(a, a->last, a->base.offset, flags) < 0)
    {
        return -1;
    }

    return genai_ga_end_tell(a, a->base.offset, a->base.offset,
                             GENAI_END_CUT);
}


static void
genai_ga_chunk_begin(genai_gemini_answer_t *a)
{
    genai_ga_read(a);

    a->base.chunk = 0;
    a->base.broken = 0;
    a->base.blank = 1;
    a->wait = 0;
    a->nhold = 0;
    a->nblock = 0;
    a->choice = 0;
    a->candidate = 0;
    a->part_known = 1;
    a->nmessage = 0;
}


/* a chunk's text is complete: what is told at its end */

static int
genai_ga_chunk_end(genai_gemini_answer_t *a, uint64_t end)
{
    genai_str_t  reason;

    if (a->nblock) {
        reason.data = a->block;
        reason.len = a->nblock;
        a->choice = 0;

        if (genai_ga_finish(a, &reason) != 0) {
            return -1;
        }
    }

    /* of a stream an event may be one that nobody knows: its end tells */

    if (a->base.mode == GENAI_ANSWER_WHOLE
        && !(a->base.chunk & (GENAI_CHUNK_CHOICES|GENAI_CHUNK_ERROR
                              |GENAI_CHUNK_USAGE))
        && genai_answer_broken(&a->base, "there are no candidates", end) != 0)
    {
        return -1;
    }

    return (a->base.chunk & GENAI_CHUNK_USAGE)
           ? genai_ga_usage_tell(a, a->base.mode != GENAI_ANSWER_WHOLE
                                    && !genai_ga_all_finished(a))
           : 0;
}


static int
genai_ga_chunk_tell(genai_gemini_answer_t *a, uint64_t start, uint64_t end,
    unsigned flags)
{
    genai_event_t  e;

    genai_answer_event(&e, GENAI_EVENT_CHUNK);

    e.start = start;
    e.end = end;
    e.chunk = a->base.chunk | flags;

    if (e.chunk & (GENAI_CHUNK_ERROR|GENAI_CHUNK_BROKEN)) {
        a->wrong = 1;
    }

    a->base.chunk = 0;

    return genai_ga_call(a, &e);
}


int
genai_ga_finish(genai_gemini_answer_t *a, const genai_str_t *reason)
{
    genai_event_t           e;
    genai_gemini_choice_t  *c;

    c = genai_ga_of(a);

    genai_answer_event(&e, GENAI_EVENT_FINISH);

    e.text = *reason;
    e.finish = genai_gemini_finish(reason, c->tools != 0);
    e.choice = a->choice;
    e.start = a->finish_start;
    e.end = a->finish_end;
    e.first = 1;
    e.last = 1;
    e.json = (reason->data[0] > '9');
    e.copy = c->finished;

    c->seen = 1;
    c->finished = 1;

    return (genai_ga_call(a, &e) < 0) ? -1 : 0;
}


static int
genai_ga_usage_tell(genai_gemini_answer_t *a, unsigned copy)
{
    int64_t         *c;
    genai_event_t   e;
    genai_usage_t  *u;

    c = a->count;
    u = &a->usage;

    genai_usage_clear(u);

    u->prompt = c[GENAI_GEMINI_PROMPT];

    if (c[GENAI_GEMINI_TOOL_PROMPT] > 0) {
        u->prompt = (u->prompt > 0 ? u->prompt : 0)
                    + c[GENAI_GEMINI_TOOL_PROMPT];
    }

    u->cached = c[GENAI_GEMINI_CACHED];
    u->reasoning = c[GENAI_GEMINI_THOUGHTS];
    u->total = c[GENAI_GEMINI_TOTAL];
    u->image = c[GENAI_GEMINI_IMAGE_IN];
    u->audio = c[GENAI_GEMINI_AUDIO_IN];
    u->cached_audio = c[GENAI_GEMINI_AUDIO_CACHED];
    u->audio_output = c[GENAI_GEMINI_AUDIO_OUT];

    /* a count that is not told is 0, once there are any */

    u->completion = (c[GENAI_GEMINI_CANDIDATES] > 0
                     ? c[GENAI_GEMINI_CANDIDATES] : 0)
                    + (u->reasoning > 0 ? u->reasoning : 0);

    if (u->completion == 0 && u->prompt < 0
        && c[GENAI_GEMINI_CANDIDATES] < 0)
    {
        return 0;
    }

    genai_answer_event(&e, GENAI_EVENT_USAGE);

    e.usage = u;
    e.start = a->usage_start;
    e.end = a->usage_end;
    e.copy = copy;

    a->usage_told = !copy;

    return (genai_ga_call(a, &e) < 0) ? -1 : 0;
}


static unsigned
genai_ga_all_finished(const genai_gemini_answer_t *a)
{
    unsigned  i, any;

    for (i = 0, any = 0; i <= GENAI_GEMINI_CHOICES; i++) {

        if (a->of[i].seen && !a->of[i].finished) {
            return 0;
        }

        any |= a->of[i].finished;
    }

    return any;
}


static int
genai_ga_end_tell(genai_gemini_answer_t *a, uint64_t start, uint64_t end,
    genai_end_e how)
{
    genai_event_t  e;

    if (how != GENAI_END_CUT && a->usage_known && !a->usage_told
        && genai_ga_usage_tell(a, 0) != 0)
    {
        return -1;
    }

    genai_answer_event(&e, GENAI_EVENT_END);

    e.start = start;
    e.end = end;
    e.end_how = how;
    a->base.ended = 1;

    return (genai_ga_call(a, &e) < 0) ? -1 : 0;
}


/* bytes of a chunk's JSON text */

static int
genai_ga_text_feed(genai_gemini_answer_t *a, const unsigned char *p,
    size_t n, uint64_t offset)
{
    const unsigned char  *end;

    if (a->base.broken) {
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
        return 0;
    }

    if (a->push.error) {
        return genai_answer_broken(&a->base, a->push.error, a->push.offset);
    }

    return genai_answer_broken(&a->base, a->fault, a->mark);
}


/*
 * A whole answer is complete as soon as its outermost value is, however long
 * the connection stays open; or it never will be.
 */

static int
genai_ga_whole_end(genai_gemini_answer_t *a, uint64_t end)
{
    int       rc;
    unsigned  wrong;

    if (!(a->base.chunk & (GENAI_CHUNK_CHOICES|GENAI_CHUNK_ERROR
                      |GENAI_CHUNK_BROKEN))
        && genai_answer_broken(&a->base, "there are no candidates", end) != 0)
    {
        return -1;
    }

    wrong = (a->base.chunk & (GENAI_CHUNK_BROKEN|GENAI_CHUNK_ERROR)) != 0;

    rc = genai_ga_chunk_tell(a, 0, end,
                             GENAI_CHUNK_DATA
                             | (a->base.cut ? GENAI_CHUNK_INCOMPLETE : 0));
    if (rc < 0) {
        return -1;
    }

    a->base.broken = 0;

    if (genai_ga_end_tell(a, end, end, wrong ? GENAI_END_CUT
                                             : GENAI_END_DONE)
        != 0)
    {
        return -1;
    }

    return rc > 0;
}


/* a chunk's text ends in the middle: what waits has been said, too */

static int
genai_ga_stopped(genai_gemini_answer_t *a, uint64_t offset)
{
    if (!a->candidate) {
        return 0;
    }

    a->candidate = 0;

    if (genai_ga_part_known(a, offset) != 0) {
        return -1;
    }

    return genai_ga_choice_known(a);
}


int
genai_ga_call(genai_gemini_answer_t *a, genai_event_t *e)
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
genai_gemini_finish(const genai_str_t *reason, unsigned called)
{
    size_t  i;

    static const struct {
        genai_str_t     name;
        genai_finish_e  finish;
    } reasons[] = {
        { genai_str("STOP"), GENAI_FINISH_STOP },

        /* Vertex tells numbers where it is asked for them */

        { genai_str("1"), GENAI_FINISH_STOP },
        { genai_str("2"), GENAI_FINISH_LENGTH },
        { genai_str("3"), GENAI_FINISH_FILTER },
        { genai_str("4"), GENAI_FINISH_FILTER },
        { genai_str("6"), GENAI_FINISH_FILTER },
        { genai_str("7"), GENAI_FINISH_FILTER },
        { genai_str("8"), GENAI_FINISH_FILTER },
        { genai_str("9"), GENAI_FINISH_ERROR },
        { genai_str("MAX_TOKENS"), GENAI_FINISH_LENGTH },
        { genai_str("SAFETY"), GENAI_FINISH_FILTER },
        { genai_str("RECITATION"), GENAI_FINISH_FILTER },
        { genai_str("LANGUAGE"), GENAI_FINISH_FILTER },
        { genai_str("BLOCKLIST"), GENAI_FINISH_FILTER },
        { genai_str("PROHIBITED_CONTENT"), GENAI_FINISH_FILTER },
        { genai_str("SPII"), GENAI_FINISH_FILTER },
        { genai_str("MODEL_ARMOR"), GENAI_FINISH_FILTER },
        { genai_str("IMAGE_SAFETY"), GENAI_FINISH_FILTER },
        { genai_str("IMAGE_PROHIBITED_CONTENT"), GENAI_FINISH_FILTER },
        { genai_str("IMAGE_RECITATION"), GENAI_FINISH_FILTER },
        { genai_str("JAILBREAK"), GENAI_FINISH_FILTER },
        { genai_str("OTHER"), GENAI_FINISH_OTHER },
        { genai_str("MALFORMED_FUNCTION_CALL"), GENAI_FINISH_ERROR },
        { genai_str("UNEXPECTED_TOOL_CALL"), GENAI_FINISH_ERROR },
        { genai_str("TOO_MANY_TOOL_CALLS"), GENAI_FINISH_ERROR },
        { genai_str("MISSING_THOUGHT_SIGNATURE"), GENAI_FINISH_ERROR },
        { genai_str("MALFORMED_RESPONSE"), GENAI_FINISH_ERROR },
        { genai_str("NO_IMAGE"), GENAI_FINISH_ERROR },
        { genai_str("IMAGE_OTHER"), GENAI_FINISH_ERROR }
    };

    if (reason->len == 0) {
        return GENAI_FINISH_NONE;
    }

    for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reason->len == reasons[i].name.len
            && memcmp(reason->data, reasons[i].name.data, reason->len) == 0)
        {
            return (called && reasons[i].finish == GENAI_FINISH_STOP)
                   ? GENAI_FINISH_TOOL : reasons[i].finish;
        }
    }

    return GENAI_FINISH_OTHER;
}
