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
static int genai_ra_whole_end(genai_responses_answer_t *a, uint64_t end);
static int genai_ra_behind(genai_responses_answer_t *a,
    const unsigned char *p, size_t n);
static int genai_ra_broken(genai_responses_answer_t *a, const char *error,
    uint64_t offset);


static const genai_sse_handler_t  genai_ra_sse = {
    genai_ra_sse_begin,
    genai_ra_sse_data,
    genai_ra_sse_end
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

    genai_sse_init(&a->sse, &genai_ra_sse, a, opts->limit);
    genai_ra_chunk_begin(a);
}


int
genai_responses_answer_feed(genai_responses_answer_t *a,
    const unsigned char *p, size_t n)
{
    int                   rc;
    uint64_t              from;
    const unsigned char  *end;

    if (a->failed) {
        return -1;
    }

    end = p + n;

    if (a->mode == GENAI_RA_SNIFF) {

        while (p < end
               && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        {
            p++;
            a->base.offset++;
        }

        if (p == end) {
            return 0;
        }

        /* no line of a stream starts so, and no JSON text as a field does */

        a->mode = (*p != '{'
                   && (a->base.stream || *p == ':' || *p == 'd' || *p == 'e'))
                  ? GENAI_RA_STREAM : GENAI_RA_WHOLE;
        a->base.stream = (a->mode == GENAI_RA_STREAM);
        a->sse.offset = a->base.offset;
    }

    if (a->mode == GENAI_RA_WHOLE) {

        if (!a->closed) {
            rc = genai_ra_text(a, p, end - p, a->base.offset);

            if (!a->closed) {
                a->base.offset += end - p;
                return rc;
            }

            p += a->push.offset - a->base.offset;
            a->base.offset = a->push.offset;

            if (rc != 0) {
                return rc;
            }
        }

        return genai_ra_behind(a, p, end - p);
    }

    from = a->sse.offset;
    rc = genai_sse_feed(&a->sse, p, end - p);
    a->base.offset += a->sse.offset - from;

    if (rc < 0 && a->sse.error) {
        (void) genai_ra_broken(a, a->sse.error, a->base.offset);
        a->failed = 1;
    }

    return rc;
}


int
genai_responses_answer_end(genai_responses_answer_t *a)
{
    genai_event_t  e;

    if (a->failed) {
        return -1;
    }

    if (a->mode != GENAI_RA_STREAM) {

        if (a->closed) {

            if (a->base.offset == a->push.offset) {
                return 0;
            }

            genai_ra_event(&e, GENAI_EVENT_CHUNK);

            e.start = a->push.offset;
            e.end = a->base.offset;
            e.chunk = a->broken ? GENAI_CHUNK_DATA|GENAI_CHUNK_BROKEN
                                : GENAI_CHUNK_TAIL;

            return (genai_ra_say(a, &e) < 0) ? -1 : 0;
        }

        if (!a->broken) {
            a->cut = 1;
            (void) genai_push_end(&a->push, a->base.offset);

            if (genai_ra_broken(a, a->push.error, a->base.offset) != 0) {
                return -1;
            }
        }

        return (genai_ra_whole_end(a, a->base.offset) < 0) ? -1 : 0;
    }

    if (genai_sse_end(&a->sse) != 0) {
        return -1;
    }

    if (a->ended) {
        return 0;
    }

    /* no stream ends cleanly without its last word */

    genai_ra_event(&e, GENAI_EVENT_END);

    e.start = a->base.offset;
    e.end = a->base.offset;
    e.end_how = GENAI_END_CUT;
    a->ended = 1;

    return (genai_ra_say(a, &e) < 0) ? -1 : 0;
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

    if (event->data && !a->ended && !a->broken && !a->blank) {

        if (a->done == sizeof(genai_ra_done) - 1) {

            /* the last word of another dialect: it comes behind this one's */

        } else if (!a->done && genai_push_end(&a->push, event->end) == 0) {

            if (genai_ra_chunk_end(a, &event->name, event->start, event->end)
                != 0)
            {
                return -1;
            }

        } else if (event->incomplete) {
            a->cut = 1;

            if (genai_ra_release(a) != 0) {
                return -1;
            }

        } else if (genai_ra_broken(a, a->done ? "an object is expected"
                                              : a->push.error, event->end)
                   != 0)
        {
            return -1;
        }

    } else if (event->data && !a->ended && genai_str_is(&event->name, "error")
               && !(a->chunk & GENAI_CHUNK_ERROR))
    {
        a->nmessage = 0;
        a->code.n = 0;
        a->error_kind.n = 0;

        if (genai_ra_error(a, NULL, event->start, event->end) != 0) {
            return -1;
        }
    }

    genai_ra_event(&e, GENAI_EVENT_CHUNK);

    e.start = event->start;
    e.end = event->end;
    e.chunk = a->chunk | (event->data ? GENAI_CHUNK_DATA : 0)
              | (event->tail ? GENAI_CHUNK_TAIL : 0)
              | (event->incomplete ? GENAI_CHUNK_INCOMPLETE : 0);

    a->chunk = 0;

    rc = genai_ra_say(a, &e);

    return rc;
}


static void
genai_ra_chunk_begin(genai_responses_answer_t *a)
{
    genai_ra_read(a);

    a->chunk = 0;
    a->broken = 0;
    a->blank = 1;
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

        if (a->mode == GENAI_RA_STREAM) {
            genai_ra_item_place(a);
        }
    }

    if (a->type == GENAI_RA_TYPE_MEDIA && a->image) {
        genai_ra_event(&e, GENAI_EVENT_MEDIA);
        e.start = start;
        e.end = end;

        if (genai_ra_say(a, &e) < 0) {
            return -1;
        }
    }

    if (a->mode == GENAI_RA_STREAM && a->type != GENAI_RA_TYPE_NONE
        && a->type != GENAI_RA_TYPE_ERROR)
    {
        a->chunk |= GENAI_CHUNK_CHOICES;
    }

    if (a->response && genai_ra_start(a, start, GENAI_FIELD_NONE) != 0) {
        return -1;
    }

    genai_ra_word(&status, &a->status);

    last = (a->mode == GENAI_RA_WHOLE)
           ? (a->chunk & GENAI_CHUNK_CHOICES) && !a->counted
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
                   && !(a->chunk & (GENAI_CHUNK_CHOICES|GENAI_CHUNK_USAGE))))
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
        genai_ra_event(&e, GENAI_EVENT_USAGE);

        e.usage = &a->usage;
        e.start = a->usage_start;
        e.end = a->usage_end;

        if (genai_ra_say(a, &e) < 0) {
            return -1;
        }
    }

    if (!last || a->mode != GENAI_RA_STREAM) {
        return 0;
    }

    a->ended = 1;
    a->chunk |= GENAI_CHUNK_DONE;

    genai_ra_event(&e, GENAI_EVENT_END);

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

    genai_ra_event(&e, GENAI_EVENT_FINISH);

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

    a->chunk |= GENAI_CHUNK_ERROR;

    genai_ra_event(&e, GENAI_EVENT_ERROR);

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

    if (a->started) {
        return 0;
    }

    a->started = 1;

    genai_ra_event(&e, GENAI_EVENT_START);

    genai_ra_word(&e.id, &a->id);
    genai_ra_word(&e.name, &a->model);
    e.field = field;
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

    if (a->broken || a->ended) {
        return 0;
    }

    start = p;
    end = p + n;

    if (a->blank) {

        while (p < end
               && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        {
            p++;
        }

        if (p == end) {
            return 0;
        }

        a->blank = 0;

        if (*p == '[' && a->mode == GENAI_RA_STREAM) {
            a->done = 1;
            p++;

        } else if (*p != '{') {
            return genai_ra_broken(a, "an object is expected",
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

            return genai_ra_broken(a, "an object is expected",
                                   offset + (p - start));
        }

        return 0;
    }

    if (genai_push_feed(&a->push, p, end - p, offset + (p - start)) == 0) {
        return 0;
    }

    if (a->failed) {
        return -1;
    }

    if (a->closed) {
        return (genai_ra_chunk_end(a, NULL, 0, a->push.offset) == 0)
               ? genai_ra_whole_end(a, a->push.offset) : -1;
    }

    if (a->push.error) {
        return genai_ra_broken(a, a->push.error, a->push.offset);
    }

    return genai_ra_broken(a, a->fault, a->mark);
}


/*
 * A whole answer is complete as soon as its outermost value is, however long
 * the connection stays open; or it never will be.
 */

static int
genai_ra_whole_end(genai_responses_answer_t *a, uint64_t end)
{
    int            rc;
    genai_event_t  e;

    if (!(a->chunk & (GENAI_CHUNK_CHOICES|GENAI_CHUNK_ERROR
                      |GENAI_CHUNK_BROKEN))
        && genai_ra_broken(a, "there is no output", end) != 0)
    {
        return -1;
    }

    genai_ra_event(&e, GENAI_EVENT_CHUNK);

    e.end = end;
    e.chunk = a->chunk | GENAI_CHUNK_DATA
              | (a->cut ? GENAI_CHUNK_INCOMPLETE : 0);

    rc = genai_ra_say(a, &e);

    if (rc < 0) {
        return -1;
    }

    genai_ra_event(&e, GENAI_EVENT_END);

    e.start = end;
    e.end = end;
    e.end_how = (a->chunk & (GENAI_CHUNK_BROKEN|GENAI_CHUNK_ERROR))
                ? GENAI_END_CUT : GENAI_END_DONE;

    a->broken = 0;
    a->ended = 1;

    return (genai_ra_say(a, &e) < 0) ? -1 : rc > 0;
}


/* bytes behind a whole answer */

static int
genai_ra_behind(genai_responses_answer_t *a, const unsigned char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n && !a->broken; i++) {

        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r' && p[i] != '\n'
            && genai_ra_broken(a, "there are bytes after the value",
                               a->base.offset + i)
               != 0)
        {
            return -1;
        }
    }

    a->base.offset += n;

    return 0;
}


/* what is wrong ends an event; what it had said before stays said */

static int
genai_ra_broken(genai_responses_answer_t *a, const char *error,
    uint64_t offset)
{
    genai_event_t  e;

    a->broken = 1;
    a->chunk |= GENAI_CHUNK_BROKEN;

    if (genai_ra_release(a) != 0) {
        return -1;
    }

    genai_ra_event(&e, GENAI_EVENT_BROKEN);

    e.text.data = (unsigned char *) error;
    e.text.len = strlen(error);
    e.start = offset;
    e.end = offset;

    return (genai_ra_say(a, &e) < 0) ? -1 : 0;
}


int
genai_ra_say(genai_responses_answer_t *a, genai_event_t *e)
{
    int  rc;

    if (!(a->chunk & GENAI_CHUNK_MEANINGFUL) && !e->copy
        && genai_event_meaningful(e))
    {
        a->chunk |= GENAI_CHUNK_MEANINGFUL;
    }

    rc = a->base.handler(a->base.ctx, e);

    if (rc < 0) {
        a->failed = 1;
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
