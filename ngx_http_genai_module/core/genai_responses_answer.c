/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The decoder of the Responses API: the framing of its answers, and what is
 * told when an event, or a JSON answer, has been read.
 */


#include "genai_responses_answer_int.h"


static const char  genai_ra_done[] = "[DONE]";

static int genai_ra_sse_begin(void *ctx, uint64_t offset);
static int genai_ra_sse_data(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset);
static int genai_ra_sse_end(void *ctx, const genai_sse_event_t *event);
static void genai_ra_chunk_begin(genai_responses_answer_t *a);
static int genai_ra_chunk_end(genai_responses_answer_t *a,
    const genai_str_t *name, uint64_t start, uint64_t end);
static int genai_ra_finish(genai_responses_answer_t *a, uint64_t end);
static int genai_ra_error(genai_responses_answer_t *a, const char *message,
    uint64_t start, uint64_t end);
static int genai_ra_text(genai_responses_answer_t *a, const unsigned char *p,
    size_t n, uint64_t offset);
static int genai_ra_frame_text(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset);
static int genai_ra_frame_tell(void *ctx, genai_event_t *e);
static int genai_ra_frame_end(void *ctx);
static int genai_ra_frame_stop(void *ctx, uint64_t offset);
static int genai_ra_frame_whole_end(void *ctx, uint64_t end);


static const genai_sse_handler_t  genai_ra_sse = {
    genai_ra_sse_begin,
    genai_ra_sse_data,
    genai_ra_sse_end
};


static const genai_answer_frame_t  genai_ra_frame = {
    .empty = "there is no output",
    .text = genai_ra_frame_text,
    .stop = genai_ra_frame_stop,
    .tell = genai_ra_frame_tell,
    .whole_end = genai_ra_frame_whole_end,
    .stream_end = genai_ra_frame_end
};


void
genai_responses_answer_init(genai_responses_answer_t *a,
    const genai_answer_opts_t *opts, genai_event_pt handler, void *ctx)
{
    /* what is gathered is written before it is read */

    genai_zero(a, offsetof(genai_responses_answer_t, push));

    a->id.n = 0;
    a->model.n = 0;
    a->base.handler = handler;
    a->base.ctx = ctx;
    a->base.stream = opts->stream;
    a->base.frame = &genai_ra_frame;
    a->base.push = &a->push;
    a->base.sse = &a->sse;

    genai_sse_init(&a->sse, &genai_ra_sse, a, opts->limit);
    genai_ra_chunk_begin(a);
}


static int
genai_ra_frame_text(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset)
{
    return genai_ra_text(ctx, p, n, offset);
}


static int
genai_ra_frame_tell(void *ctx, genai_event_t *e)
{
    return genai_ra_say(ctx, e);
}


static int
genai_ra_frame_whole_end(void *ctx, uint64_t end)
{
    return genai_answer_whole_end(ctx, end);
}


static int
genai_ra_frame_stop(void *ctx, uint64_t offset)
{
    (void) offset;

    return genai_ra_release(ctx);
}


/* no stream ends cleanly without its last word */

static int
genai_ra_frame_end(void *ctx)
{
    genai_responses_answer_t  *a = ctx;

    return genai_answer_end_tell(&a->base, a->base.offset, a->base.offset,
                                 GENAI_END_CUT);
}


static int
genai_ra_sse_begin(void *ctx, uint64_t offset)
{
    genai_ra_chunk_begin(ctx);

    return 0;
}


static int
genai_ra_sse_data(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset)
{
    return genai_ra_text(ctx, p, n, offset);
}


static int
genai_ra_sse_end(void *ctx, const genai_sse_event_t *event)
{
    int                        rc;
    genai_event_t              e;
    genai_responses_answer_t  *a = ctx;

    if (event->data && !a->base.ended && !a->base.broken && !a->base.blank) {

        if (a->done == sizeof(genai_ra_done) - 1) {

            /* the last word of another dialect: it comes behind this one's */

        } else if (!a->done && genai_push_end(&a->push, event->end) == 0) {

            if (genai_ra_chunk_end(a, &event->name, event->start, event->end)
                != 0)
            {
                return -1;
            }

        } else if (event->incomplete) {
            a->base.cut = 1;

            if (genai_ra_release(a) != 0) {
                return -1;
            }

        } else if (genai_answer_broken(&a->base,
                                       a->done ? "an object is expected"
                                               : a->push.error, event->end)
                   != 0)
        {
            return -1;
        }

    } else if (event->data && !a->base.ended
               && genai_str_is(&event->name, "error")
               && !(a->base.chunk & GENAI_CHUNK_ERROR))
    {
        a->nmessage = 0;
        a->code.n = 0;
        a->error_kind.n = 0;

        if (genai_ra_error(a, NULL, event->start, event->end) != 0) {
            return -1;
        }
    }

    genai_answer_event(&e, GENAI_EVENT_CHUNK);

    e.start = event->start;
    e.end = event->end;
    e.chunk = a->base.chunk | (event->data ? GENAI_CHUNK_DATA : 0)
              | (event->tail ? GENAI_CHUNK_TAIL : 0)
              | (event->incomplete ? GENAI_CHUNK_INCOMPLETE : 0);

    a->base.chunk = 0;

    rc = genai_ra_say(a, &e);

    return rc;
}


static void
genai_ra_chunk_begin(genai_responses_answer_t *a)
{
    genai_ra_read(a);

    a->base.chunk = 0;
    a->base.broken = 0;
    a->base.blank = 1;
    a->done = 0;
}


/* an event's text is complete: what is told at its end */

static int
genai_ra_chunk_end(genai_responses_answer_t *a, const genai_str_t *name,
    uint64_t start, uint64_t end)
{
    unsigned       last;
    genai_str_t    status;
    genai_event_t  e;

    if (a->place == GENAI_RA_PLACE_ITEM) {

        if (genai_ra_item_end(a, end) != 0) {
            return -1;
        }

    } else {

        if (genai_ra_release(a) != 0) {
            return -1;
        }

        if (a->base.mode == GENAI_ANSWER_STREAM) {
            genai_ra_item_place(a);
        }
    }

    if (a->type == GENAI_RA_TYPE_MEDIA && a->image) {
        genai_answer_event(&e, GENAI_EVENT_MEDIA);
        e.start = start;
        e.end = end;

        if (genai_ra_say(a, &e) < 0) {
            return -1;
        }
    }

    if (a->base.mode == GENAI_ANSWER_STREAM && a->type != GENAI_RA_TYPE_NONE
        && a->type != GENAI_RA_TYPE_ERROR)
    {
        a->base.chunk |= GENAI_CHUNK_CHOICES;
    }

    if (a->response && genai_ra_start(a, start, GENAI_FIELD_NONE) != 0) {
        return -1;
    }

    if (a->base.mode == GENAI_ANSWER_WHOLE && a->started && !a->counted
        && genai_ra_start(a, end, GENAI_FIELD_NONE) != 0)
    {
        return -1;
    }

    genai_ra_word(&status, &a->status);

    last = (a->base.mode == GENAI_ANSWER_WHOLE)
           ? (a->base.chunk & GENAI_CHUNK_CHOICES) && !a->counted
           : a->type == GENAI_RA_TYPE_END
             || (a->type == GENAI_RA_TYPE_NONE && a->response
                 && genai_responses_finish(&status, &status, 0)
                    != GENAI_FINISH_OTHER);

    if (a->error_any) {

        if (genai_ra_error(a, NULL, a->mark, end) != 0) {
            return -1;
        }

    } else if (a->type == GENAI_RA_TYPE_ERROR
               || (name && genai_str_is(name, "error"))
               || (a->type == GENAI_RA_TYPE_NONE && a->nmessage
                   && !(a->base.chunk
                        & (GENAI_CHUNK_CHOICES|GENAI_CHUNK_USAGE))))
    {
        if (genai_ra_error(a, NULL, start, end) != 0) {
            return -1;
        }

    } else if (last) {

        if (genai_str_is(&status, "failed")
            || (status.len == 0 && a->event.n == 15
                && memcmp(a->event.data, "response.failed", 15) == 0))
        {
            if (genai_ra_error(a, "the response has failed", start, end)
                != 0)
            {
                return -1;
            }

        } else if (genai_ra_finish(a, end) != 0) {
            return -1;
        }
    }

    if (a->usage_any) {
        genai_answer_event(&e, GENAI_EVENT_USAGE);

        e.usage = &a->usage;
        e.start = a->usage_start;
        e.end = a->usage_end;

        if (genai_ra_say(a, &e) < 0) {
            return -1;
        }
    }

    if (!last || a->base.mode != GENAI_ANSWER_STREAM) {
        return 0;
    }

    a->base.ended = 1;
    a->base.chunk |= GENAI_CHUNK_DONE;

    genai_answer_event(&e, GENAI_EVENT_END);

    e.end_how = GENAI_END_DONE;
    e.start = start;
    e.end = end;

    return (genai_ra_say(a, &e) < 0) ? -1 : 0;
}


static int
genai_ra_finish(genai_responses_answer_t *a, uint64_t end)
{
    genai_str_t    status, reason;
    genai_event_t  e;

    genai_ra_word(&status, &a->status);
    genai_ra_word(&reason, &a->reason);

    if (status.len == 0) {

        /* the name of the event is "response." and a status */

        genai_ra_word(&status, &a->event);

        if (status.len > 9) {
            status.data += 9;
            status.len -= 9;

        } else {
            status.data = (unsigned char *) "completed";
            status.len = 9;
        }
    }

    genai_answer_event(&e, GENAI_EVENT_FINISH);

    e.finish = genai_responses_finish(&status, &reason, a->calls);
    e.text = (e.finish == GENAI_FINISH_STOP || e.finish == GENAI_FINISH_TOOL
              || reason.len == 0) ? status : reason;
    e.start = a->status.n ? a->finish_start : end;
    e.end = a->status.n ? a->finish_end : end;
    e.first = 1;
    e.last = 1;
    e.json = 1;

    return (genai_ra_say(a, &e) < 0) ? -1 : 0;
}


/* message: what is told where the provider tells nothing */

static int
genai_ra_error(genai_responses_answer_t *a, const char *message,
    uint64_t start, uint64_t end)
{
    genai_event_t  e;

    a->base.chunk |= GENAI_CHUNK_ERROR;

    genai_answer_event(&e, GENAI_EVENT_ERROR);

    e.text.data = a->message;
    e.text.len = a->nmessage;

    if (a->nmessage == 0 && message) {
        e.text.data = (unsigned char *) message;
        e.text.len = strlen(message);
    }

    genai_ra_word(&e.id, &a->code);
    genai_ra_word(&e.name, &a->error_kind);
    e.start = start;
    e.end = end;

    return (genai_ra_say(a, &e) < 0) ? -1 : 0;
}


int
genai_ra_start(genai_responses_answer_t *a, uint64_t offset,
    genai_field_e field)
{
    genai_event_t  e;

    genai_answer_event(&e, GENAI_EVENT_START);

    genai_ra_word(&e.id, &a->id);
    genai_ra_word(&e.name, &a->model);

    /* once more where its id stands behind its output */

    if (a->started && (a->named || e.id.len == 0)) {
        return 0;
    }

    e.field = field;
    e.copy = a->started;

    a->started = 1;
    a->named = (e.id.len != 0);

    e.start = offset;
    e.end = offset;

    return (genai_ra_say(a, &e) < 0) ? -1 : 0;
}


/* bytes of an event's JSON text, or of a last word that some add */

static int
genai_ra_text(genai_responses_answer_t *a, const unsigned char *p, size_t n,
    uint64_t offset)
{
    const unsigned char  *start, *end;

    if (a->base.broken || a->base.ended) {
        return 0;
    }

    start = p;
    end = p + n;

    if (a->base.blank) {

        while (p < end
               && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        {
            p++;
        }

        if (p == end) {
            return 0;
        }

        a->base.blank = 0;

        if (*p == '[' && a->base.mode == GENAI_ANSWER_STREAM) {
            a->done = 1;
            p++;

        } else if (*p != '{') {
            return genai_answer_broken(&a->base, "an object is expected",
                                   offset + (p - start));
        }
    }

    if (a->done) {

        for ( /* void */ ; p < end; p++) {

            if (a->done < sizeof(genai_ra_done) - 1) {
                if (*p == (unsigned char) genai_ra_done[a->done]) {
                    a->done++;
                    continue;
                }

            } else if (*p == ' ' || *p == '\t' || *p == '\n') {
                continue;
            }

            return genai_answer_broken(&a->base, "an object is expected",
                                   offset + (p - start));
        }

        return 0;
    }

    if (genai_push_feed(&a->push, p, end - p, offset + (p - start)) == 0) {
        return 0;
    }

    if (a->base.failed) {
        return -1;
    }

    if (a->base.closed) {
        return (genai_ra_chunk_end(a, NULL, 0, a->push.offset) == 0)
               ? genai_answer_whole_end(&a->base, a->push.offset) : -1;
    }

    if (a->push.error) {
        return genai_answer_broken(&a->base, a->push.error, a->push.offset);
    }

    return genai_answer_broken(&a->base, a->fault, a->mark);
}


int
genai_ra_say(genai_responses_answer_t *a, genai_event_t *e)
{
    int  rc;

    if (!(a->base.chunk & GENAI_CHUNK_MEANINGFUL) && !e->copy
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
genai_responses_finish(const genai_str_t *status, const genai_str_t *reason,
    unsigned calls)
{
    if (genai_str_is(status, "completed")) {
        return calls ? GENAI_FINISH_TOOL : GENAI_FINISH_STOP;
    }

    if (genai_str_is(status, "failed") || genai_str_is(status, "cancelled")) {
        return GENAI_FINISH_ERROR;
    }

    if (!genai_str_is(status, "incomplete")) {
        return GENAI_FINISH_OTHER;
    }

    if (genai_str_is(reason, "content_filter")) {
        return GENAI_FINISH_FILTER;
    }

    return GENAI_FINISH_LENGTH;
}
