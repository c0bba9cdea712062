/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The decoder of OpenAI's answers.  The scanner calls back for the values of
 * the table, in the order of the text; most become an event at once.
 * finish_reason, wherever it stands, is told when its choice ends, and usage
 * when the chunk does.
 *
 * A chunk of a stream is read in one of two ways: all of it by the scanner,
 * or, where it begins as those before it did, from the end of that head on,
 * see genai_oa_head().  A head that is cut between two feeds is never skipped.
 */


#include "genai_openai_answer_int.h"


static const char  genai_oa_done[] = "[DONE]";

static int genai_oa_sse_begin(void *ctx, uint64_t offset);
static int genai_oa_sse_data(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset);
static int genai_oa_sse_end(void *ctx, const genai_sse_event_t *event);
static void genai_oa_chunk_begin(genai_openai_answer_t *a);
static int genai_oa_chunk_end(genai_openai_answer_t *a);
static int genai_oa_text(genai_openai_answer_t *a, const unsigned char *p,
    size_t n, uint64_t offset);
static const unsigned char *genai_oa_head(genai_openai_answer_t *a,
    const unsigned char *p, const unsigned char *end, uint64_t offset,
    int *rc);
static void genai_oa_head_see(genai_openai_answer_t *a, const unsigned char *p,
    const unsigned char *end);
static inline int genai_oa_say(genai_openai_answer_t *a, genai_event_t *e);
static void genai_oa_tell_new(genai_openai_answer_t *a, genai_event_t *e);
static int genai_oa_frame_text(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset);
static int genai_oa_frame_tell(void *ctx, genai_event_t *e);
static int genai_oa_frame_end(void *ctx);
static int genai_oa_frame_stop(void *ctx, uint64_t offset);
static int genai_oa_frame_whole_end(void *ctx, uint64_t end);


static const genai_sse_handler_t  genai_oa_sse = {
    genai_oa_sse_begin,
    genai_oa_sse_data,
    genai_oa_sse_end
};


static const genai_answer_frame_t  genai_oa_frame = {
    .empty = "there are no choices",
    .text = genai_oa_frame_text,
    .stop = genai_oa_frame_stop,
    .tell = genai_oa_frame_tell,
    .whole_end = genai_oa_frame_whole_end,
    .stream_end = genai_oa_frame_end
};


void
genai_openai_answer_init(genai_openai_answer_t *a,
    const genai_answer_opts_t *opts, genai_event_pt handler, void *ctx)
{
    /*
     * The scanner and the reader are prepared by themselves; the hold and
     * what is gathered are written before they are read.
     */

    genai_zero(a, offsetof(genai_openai_answer_t, push));

    a->id.n = 0;
    a->model.n = 0;
    a->base.handler = handler;
    a->base.ctx = ctx;
    a->base.stream = opts->stream;
    a->base.frame = &genai_oa_frame;
    a->base.push = &a->push;
    a->base.sse = &a->sse;
    a->choices = opts->choices ? opts->choices : 1;

    genai_sse_init(&a->sse, &genai_oa_sse, a, opts->limit);
    genai_oa_chunk_begin(a);
}


static int
genai_oa_frame_text(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset)
{
    return genai_oa_text(ctx, p, n, offset);
}


static int
genai_oa_frame_tell(void *ctx, genai_event_t *e)
{
    return genai_oa_say(ctx, e);
}


static int
genai_oa_frame_whole_end(void *ctx, uint64_t end)
{
    return genai_answer_whole_end(ctx, end);
}


static int
genai_oa_frame_stop(void *ctx, uint64_t offset)
{
    genai_openai_answer_t  *a = ctx;

    (void) offset;

    return a->wait ? genai_oa_release(a, a->wait) : 0;
}


static int
genai_oa_frame_end(void *ctx)
{
    genai_openai_answer_t  *a = ctx;

    return genai_answer_end_tell(&a->base, a->base.offset, a->base.offset,
                                 (a->finished && !(a->seen & ~a->finished)
                                  && !a->base.cut)
                                 ? GENAI_END_CLEAN : GENAI_END_CUT);
}


static int
genai_oa_sse_begin(void *ctx, uint64_t offset)
{
    genai_oa_chunk_begin(ctx);

    return 0;
}


static int
genai_oa_sse_data(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset)
{
    return genai_oa_text(ctx, p, n, offset);
}


static int
genai_oa_sse_end(void *ctx, const genai_sse_event_t *event)
{
    int                     rc;
    genai_event_t           e;
    genai_openai_answer_t  *a = ctx;

    if (event->data && !a->base.ended && !a->base.broken && !a->base.blank) {

        if (a->done == sizeof(genai_oa_done) - 1) {
            a->base.ended = 1;
            a->base.chunk |= GENAI_CHUNK_DONE;

            genai_answer_event(&e, GENAI_EVENT_END);
            e.end_how = GENAI_END_DONE;
            e.start = event->start;
            e.end = event->end;

            if (genai_oa_call(a, &e) < 0) {
                return -1;
            }

        } else if (!a->done
                   && genai_push_end(&a->push, event->end) == 0)
        {
            if (genai_oa_chunk_end(a) != 0) {
                return -1;
            }

        } else if (event->incomplete) {
            a->base.cut = 1;

        } else if (genai_answer_broken(&a->base,
                                       a->done ? "an object is expected"
                                               : a->push.error, event->end)
                   != 0)
        {
            return -1;
        }
    }

    if (event->data && !a->base.ended && event->name.len == 5
        && memcmp(event->name.data, "error", 5) == 0
        && !(a->base.chunk & GENAI_CHUNK_ERROR))
    {
        genai_oa_error_clear(a);

        if (genai_oa_error(a, event->start, event->end) != 0) {
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

    rc = genai_oa_say(a, &e);

    return rc;
}


static void
genai_oa_chunk_begin(genai_openai_answer_t *a)
{
    genai_oa_read(a);

    a->base.chunk = 0;
    a->base.broken = 0;
    a->base.blank = 1;
    a->done = 0;
    a->wait = 0;
    a->nhold = 0;
    a->rank = 0;
    a->error_object = 0;

    genai_oa_error_clear(a);
}


/* a chunk's text is complete: what is told at its end */

static int
genai_oa_chunk_end(genai_openai_answer_t *a)
{
    genai_event_t  e;

    if (!(a->base.chunk & (GENAI_CHUNK_CHOICES|GENAI_CHUNK_ERROR
                      |GENAI_CHUNK_USAGE))
        && (a->nmessage || a->error_object)
        && genai_oa_error(a, a->mark, a->mark) != 0)
    {
        return -1;
    }

    if (a->base.chunk & GENAI_CHUNK_USAGE) {
        genai_answer_event(&e, GENAI_EVENT_USAGE);

        e.usage = &a->usage;
        e.start = a->usage_start;
        e.end = a->usage_end;

        if (genai_oa_call(a, &e) < 0) {
            return -1;
        }
    }

    return 0;
}


/* bytes of a chunk's JSON text, or of the dialect's last word */

static int
genai_oa_text(genai_openai_answer_t *a, const unsigned char *p, size_t n,
    uint64_t offset)
{
    int                   rc;
    const unsigned char  *q, *start, *end;

    if (a->base.broken || a->base.ended) {
        return 0;
    }

    start = p;
    end = p + n;
    rc = 0;

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

        } else if (a->started && a->base.mode == GENAI_ANSWER_STREAM) {

            q = genai_oa_head(a, p, end, offset + (p - start), &rc);

            if (q == NULL) {
                rc = genai_push_feed(&a->push, p, end - p,
                                     offset + (p - start));
                genai_oa_head_see(a, p, end);
                p = end;

            } else {
                p = q;
            }
        }
    }

    if (a->done) {

        for ( /* void */ ; p < end; p++) {

            if (a->done < sizeof(genai_oa_done) - 1) {
                if (*p == (unsigned char) genai_oa_done[a->done]) {
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

    if (rc == 0) {
        rc = genai_push_feed(&a->push, p, end - p, offset + (p - start));
    }

    if (rc == 0) {
        return 0;
    }

    if (a->base.failed) {
        return -1;
    }

    if (a->base.closed) {
        return (genai_oa_chunk_end(a) == 0)
               ? genai_answer_whole_end(&a->base, a->push.offset) : -1;
    }

    if (a->push.error) {
        return genai_answer_broken(&a->base, a->push.error, a->push.offset);
    }

    return genai_answer_broken(&a->base, a->fault, a->mark);
}


/*
 * The chunks of a stream begin with the same bytes, most of what there is in
 * them: an id, a model, the time.  When a chunk begins as the one before did,
 * its head, from its first byte to the bracket of the first choice's delta,
 * is read by itself, and the decoder's state behind it remembered; to those
 * that follow and begin so, it is only given back.  Which head that may be is
 * a guess; that there was nothing in it but what is remembered is made sure.
 *
 * Returns where to read on, or NULL where the head is another one.
 */

static const unsigned char *
genai_oa_head(genai_openai_answer_t *a, const unsigned char *p,
    const unsigned char *end, uint64_t offset, int *rc)
{
    uint64_t              mark;
    unsigned              marked;
    genai_openai_seen_t  *h;

    h = &a->seen_head;

    if (!a->heads || h->n == 0 || (size_t) (end - p) < h->n
        || memcmp(p, h->data, h->n) != 0)
    {
        return NULL;
    }

    if (!h->known) {

        /* whatever is gathered, counted or in doubt has a mark */

        mark = a->mark;
        a->mark = UINT64_MAX;
        a->told = 0;

        *rc = genai_push_feed(&a->push, p, h->n, offset);

        marked = (a->mark != UINT64_MAX);
        a->mark = marked ? a->mark : mark;

        if (*rc == 0 && !marked && !a->told && !a->message && !a->wait
            && a->base.chunk == GENAI_CHUNK_CHOICES
            && genai_push_save(&a->push, &h->place, offset) == 0)
        {
            h->known = 1;
            h->choice = a->choice;
            h->error_object = a->error_object;

            return p + h->n;
        }

        p += h->n;
        h->n = 0;

        return p;
    }

    genai_push_restore(&a->push, &h->place, offset);

    a->base.chunk = GENAI_CHUNK_CHOICES;
    a->choice = h->choice;
    a->error_object = h->error_object;
    a->said = 0;
    a->thought = 0;
    a->nfinish = 0;
    a->message = 0;

    return p + h->n;
}


/* the head of a chunk that has been read, to be looked for in the next */

static void
genai_oa_head_see(genai_openai_answer_t *a, const unsigned char *p,
    const unsigned char *end)
{
    size_t                n;
    genai_openai_seen_t  *h;

    h = &a->seen_head;

    if (!a->heads) {
        a->heads = 1;
        h->n = 0;
    }

    n = a->push.inner;

    if (n && n <= GENAI_OPENAI_HEAD_MAX && n <= (size_t) (end - p)) {
        memcpy(h->data, p, n);
        h->n = n;
        h->known = 0;
    }
}


int
genai_oa_emit(genai_openai_answer_t *a, genai_event_t *e)
{
    unsigned  wait;

    wait = a->wait;

    if (!a->message) {
        wait &= ~GENAI_OA_WAIT_DELTA;
    }

    e->choice = a->choice;
    e->block = a->block;

    if (wait) {

        if (genai_oa_hold(a, e) == 0) {
            return 0;
        }

        if (genai_oa_release(a, a->wait) != 0) {
            return -1;
        }

        e->choice = a->choice;
        e->block = a->block;
    }

    return genai_oa_tell(a, e, a->message);
}


int
genai_oa_tell(genai_openai_answer_t *a, genai_event_t *e, unsigned message)
{
    uint64_t       bit, *begun;
    genai_event_t  tool;

    if (message) {
        e->copy |= ((a->said & GENAI_OA_BY_DELTA) || a->delta) ? 1 : 0;

    } else {
        e->copy |= (a->said & GENAI_OA_BY_MESSAGE) ? 1 : 0;
    }

    if (!e->copy) {
        a->said |= message ? GENAI_OA_BY_MESSAGE : GENAI_OA_BY_DELTA;
        a->delta |= (a->base.stream && !message);
    }

    if (e->type != GENAI_EVENT_TOOL && e->type != GENAI_EVENT_ARGUMENTS) {
        e->block = 0;
        return (genai_oa_say(a, e) < 0) ? -1 : 0;
    }

    if (e->choice < GENAI_OPENAI_CHOICES && e->block < 64) {
        begun = &a->begun[e->choice];
        bit = UINT64_C(1) << e->block;

    } else {
        begun = NULL;
        bit = 0;
    }

    if (e->type == GENAI_EVENT_TOOL) {
        e->first = (!e->copy && (begun == NULL || !(*begun & bit)));

        if (!e->copy) {
            genai_oa_tell_new(a, e);
        }

    } else if (begun && !e->copy && e->text.len && !(*begun & bit)) {

        /* arguments of a call that nothing is known of yet */

        genai_answer_event(&tool, GENAI_EVENT_TOOL);

        tool.choice = e->choice;
        tool.block = e->block;
        tool.field = (e->field == GENAI_FIELD_OBJECT) ? GENAI_FIELD_CONTENT
                                                      : e->field;
        tool.start = e->start;
        tool.end = e->start;
        tool.first = 1;

        if (genai_oa_call(a, &tool) < 0) {
            return -1;
        }
    }

    if (begun && !e->copy) {
        *begun |= bit;
    }

    return (genai_oa_say(a, e) < 0) ? -1 : 0;
}


int
genai_oa_call(genai_openai_answer_t *a, genai_event_t *e)
{
    return genai_oa_say(a, e);
}


/* the same, to be had without a call through the module's symbol table */

static inline int
genai_oa_say(genai_openai_answer_t *a, genai_event_t *e)
{
    int  rc;

    if (!(a->base.chunk & GENAI_CHUNK_MEANINGFUL)
        && genai_event_meaningful(e))
    {
        a->base.chunk |= GENAI_CHUNK_MEANINGFUL;
    }

    a->told = 1;
    rc = a->base.handler(a->base.ctx, e);

    if (rc < 0) {
        a->base.failed = 1;
    }

    return rc;
}


/* of a call that is told of once more only what has not been told */

static void
genai_oa_tell_new(genai_openai_answer_t *a, genai_event_t *e)
{
    uint32_t              id, name;
    genai_openai_call_t  *c;

    if (e->choice >= GENAI_OPENAI_CHOICES) {
        return;
    }

    c = &a->call[e->choice];
    id = genai_oa_hash(e->id.data, e->id.len);
    name = genai_oa_hash(e->name.data, e->name.len);

    if (e->first || c->told != e->block + 1) {
        c->told = e->block + 1;
        c->told_id = id;
        c->told_name = name;
        return;
    }

    if ((id == 0 || id == c->told_id) && (name == 0 || name == c->told_name)) {
        e->copy = 1;
        return;
    }

    if (id == c->told_id) {
        e->id.len = 0;

    } else if (id) {
        c->told_id = id;
    }

    if (name == c->told_name) {
        e->name.len = 0;

    } else if (name) {
        c->told_name = name;
    }
}


genai_finish_e
genai_openai_finish(const genai_str_t *reason)
{
    size_t  i;

    /* the dialect's own, and what else is seen */

    static const struct {
        genai_str_t     name;
        genai_finish_e  finish;
    } reasons[] = {
        { genai_str("stop"), GENAI_FINISH_STOP },
        { genai_str("length"), GENAI_FINISH_LENGTH },
        { genai_str("tool_calls"), GENAI_FINISH_TOOL },
        { genai_str("function_call"), GENAI_FINISH_TOOL },
        { genai_str("content_filter"), GENAI_FINISH_FILTER },
        { genai_str("error"), GENAI_FINISH_ERROR },
        { genai_str("eos"), GENAI_FINISH_STOP },
        { genai_str("stop_sequence"), GENAI_FINISH_STOP },
        { genai_str("end_turn"), GENAI_FINISH_STOP },
        { genai_str("model_length"), GENAI_FINISH_LENGTH },
        { genai_str("max_tokens"), GENAI_FINISH_LENGTH },
        { genai_str("tool_use"), GENAI_FINISH_TOOL }
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
