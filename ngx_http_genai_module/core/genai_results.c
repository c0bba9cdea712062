/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_answer_frame.h"
#include "genai_results.h"


enum {
    GENAI_RS_ROOT = 0,
    GENAI_RS_TYPE,
    GENAI_RS_USAGE,
    GENAI_RS_UNIT,
    GENAI_RS_META,
    GENAI_RS_BILLED,
    GENAI_RS_TOKENS,
    GENAI_RS_PROMPT,
    GENAI_RS_COMPLETION,
    GENAI_RS_TOTAL,
    GENAI_RS_PROMPT_DETAILS,
    GENAI_RS_COMPLETION_DETAILS,
    GENAI_RS_CACHED,
    GENAI_RS_IMAGE,
    GENAI_RS_AUDIO,
    GENAI_RS_AUDIO_SAID,
    GENAI_RS_ERROR,
    GENAI_RS_ERROR_MESSAGE,
    GENAI_RS_ERROR_TYPE,
    GENAI_RS_ERROR_CODE
};


/* which usage is believed where there are several */

#define GENAI_RS_RANK_TOKENS  1
#define GENAI_RS_RANK_BILLED  2
#define GENAI_RS_RANK_USAGE   3


#define genai_rs_member        genai_push_member


static const genai_push_member_t  genai_rs_root_names[] = {
    genai_rs_member("type", GENAI_RS_TYPE),
    genai_rs_member("usage", GENAI_RS_USAGE),
    genai_rs_member("meta", GENAI_RS_META),
    genai_rs_member("error", GENAI_RS_ERROR)
};

static const genai_push_member_t  genai_rs_usage_names[] = {
    genai_rs_member("type", GENAI_RS_UNIT),
    genai_rs_member("input_tokens", GENAI_RS_PROMPT),
    genai_rs_member("prompt_tokens", GENAI_RS_PROMPT),
    genai_rs_member("output_tokens", GENAI_RS_COMPLETION),
    genai_rs_member("completion_tokens", GENAI_RS_COMPLETION),
    genai_rs_member("total_tokens", GENAI_RS_TOTAL),
    genai_rs_member("input_tokens_details", GENAI_RS_PROMPT_DETAILS),
    genai_rs_member("input_token_details", GENAI_RS_PROMPT_DETAILS),
    genai_rs_member("prompt_tokens_details", GENAI_RS_PROMPT_DETAILS),
    genai_rs_member("output_tokens_details", GENAI_RS_COMPLETION_DETAILS),
    genai_rs_member("output_token_details", GENAI_RS_COMPLETION_DETAILS)
};

static const genai_push_member_t  genai_rs_meta_names[] = {
    genai_rs_member("billed_units", GENAI_RS_BILLED),
    genai_rs_member("tokens", GENAI_RS_TOKENS)
};

static const genai_push_member_t  genai_rs_prompt_names[] = {
    genai_rs_member("cached_tokens", GENAI_RS_CACHED),
    genai_rs_member("image_tokens", GENAI_RS_IMAGE),
    genai_rs_member("audio_tokens", GENAI_RS_AUDIO)
};

static const genai_push_member_t  genai_rs_completion_names[] = {
    genai_rs_member("audio_tokens", GENAI_RS_AUDIO_SAID)
};

static const genai_push_member_t  genai_rs_error_names[] = {
    genai_rs_member("message", GENAI_RS_ERROR_MESSAGE),
    genai_rs_member("type", GENAI_RS_ERROR_TYPE),
    genai_rs_member("code", GENAI_RS_ERROR_CODE)
};


#define GENAI_RS_QUIET  (GENAI_PUSH_QUIET_ENTER|GENAI_PUSH_QUIET_LEAVE)

#define genai_rs_string(node)                                                 \
    [node] = { GENAI_PUSH_WANT_STRING, node, 0, 0, NULL }

#define genai_rs_scalar(node)                                                 \
    [node] = { GENAI_PUSH_WANT_SCALAR, node, 0, 0, NULL }

#define genai_rs_object(node, also, list)                                     \
    [node] = { GENAI_PUSH_WANT_OBJECT|also, node, 0, genai_push_members(list) }


static const genai_push_node_t  genai_rs_nodes[] = {
    genai_rs_object(GENAI_RS_ROOT,
                    GENAI_PUSH_WANT_ARRAY|GENAI_PUSH_QUIET_ENTER,
                    genai_rs_root_names),
    genai_rs_string(GENAI_RS_TYPE),
    genai_rs_object(GENAI_RS_USAGE, 0, genai_rs_usage_names),
    genai_rs_string(GENAI_RS_UNIT),
    genai_rs_object(GENAI_RS_META, GENAI_RS_QUIET, genai_rs_meta_names),
    genai_rs_object(GENAI_RS_BILLED, 0, genai_rs_usage_names),
    genai_rs_object(GENAI_RS_TOKENS, 0, genai_rs_usage_names),
    genai_rs_scalar(GENAI_RS_PROMPT),
    genai_rs_scalar(GENAI_RS_COMPLETION),
    genai_rs_scalar(GENAI_RS_TOTAL),
    genai_rs_object(GENAI_RS_PROMPT_DETAILS, GENAI_RS_QUIET,
                    genai_rs_prompt_names),
    genai_rs_object(GENAI_RS_COMPLETION_DETAILS, GENAI_RS_QUIET,
                    genai_rs_completion_names),
    genai_rs_scalar(GENAI_RS_CACHED),
    genai_rs_scalar(GENAI_RS_IMAGE),
    genai_rs_scalar(GENAI_RS_AUDIO),
    genai_rs_scalar(GENAI_RS_AUDIO_SAID),
    genai_rs_object(GENAI_RS_ERROR, GENAI_PUSH_WANT_STRING,
                    genai_rs_error_names),
    genai_rs_string(GENAI_RS_ERROR_MESSAGE),
    genai_rs_string(GENAI_RS_ERROR_TYPE),
    [GENAI_RS_ERROR_CODE] = { GENAI_PUSH_WANT_STRING|GENAI_PUSH_WANT_SCALAR,
                              GENAI_RS_ERROR_CODE, 0, 0, NULL }
};


static int genai_rs_begin(void *ctx, uint64_t offset);
static int genai_rs_data(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset);
static int genai_rs_end(void *ctx, const genai_sse_event_t *event);
static int genai_rs_text(void *ctx, const unsigned char *p, size_t n,
    uint64_t offset);
static int genai_rs_tell(void *ctx, genai_event_t *e);
static int genai_rs_whole_end(void *ctx, uint64_t end);
static int genai_rs_stream_end(void *ctx);
static void genai_rs_clear(genai_results_t *a);
static int genai_rs_told(genai_results_t *a, uint64_t end);
static int genai_rs_value(void *ctx, const genai_push_value_t *v);
static int genai_rs_usage(genai_results_t *a, const genai_push_value_t *v,
    unsigned rank);
static int genai_rs_count(genai_results_t *a, const genai_push_value_t *v,
    int64_t *dst);
static int genai_rs_word(genai_results_word_t *w,
    const genai_push_value_t *v);
static int genai_rs_is(const genai_results_word_t *w, const char *end);
static int genai_rs_message(genai_results_t *a, const genai_push_value_t *v);
static int genai_rs_error(genai_results_t *a, uint64_t end);


static const char  genai_rs_done[] = "[DONE]";


static const genai_sse_handler_t  genai_rs_sse = {
    genai_rs_begin,
    genai_rs_data,
    genai_rs_end
};


static const genai_answer_frame_t  genai_rs_frame = {
    .empty = "there are no results",
    .text = genai_rs_text,
    .tell = genai_rs_tell,
    .whole_end = genai_rs_whole_end,
    .stream_end = genai_rs_stream_end
};


void
genai_results_init(genai_results_t *a, const genai_answer_opts_t *opts,
    genai_event_pt handler, void *ctx)
{
    memset(a, 0, offsetof(genai_results_t, push));

    a->base.handler = handler;
    a->base.ctx = ctx;
    a->base.stream = opts->stream;
    a->base.frame = &genai_rs_frame;
    a->base.push = &a->push;
    a->base.sse = &a->sse;

    genai_sse_init(&a->sse, &genai_rs_sse, a, opts->limit);
    genai_rs_clear(a);
}


/* a text begins */

static void
genai_rs_clear(genai_results_t *a)
{
    genai_push_init(&a->push, genai_rs_nodes, genai_rs_value, a);
    genai_usage_clear(&a->usage);

    a->base.chunk = 0;
    a->base.broken = 0;
    a->base.blank = 1;
    a->done = 0;
    a->rank = 0;
    a->reading = 0;
    a->kind.n = 0;
    a->unit.n = 0;
    a->code.n = 0;
    a->nmessage = 0;
    a->full = 0;
    a->typed = 0;
}


static int
genai_rs_begin(void *ctx, uint64_t offset)
{
    genai_results_t  *a = ctx;

    genai_rs_clear(a);
    a->mark = offset;

    return 0;
}


static int
genai_rs_data(void *ctx, const unsigned char *p, size_t n, uint64_t offset)
{
    return genai_rs_text(ctx, p, n, offset);
}


static int
genai_rs_end(void *ctx, const genai_sse_event_t *event)
{
    genai_event_t     e;
    genai_results_t  *a = ctx;

    if (event->data && !a->base.ended && !a->base.broken && !a->base.blank) {

        if (a->done == sizeof(genai_rs_done) - 1) {

            a->base.chunk |= GENAI_CHUNK_DONE;

            if (genai_answer_end_tell(&a->base, event->start, event->end,
                                      GENAI_END_DONE)
                != 0)
            {
                return -1;
            }

        } else if (!a->done && genai_push_end(&a->push, event->end) == 0) {

            if (event->name.len == 5
                && memcmp(event->name.data, "error", 5) == 0
                && !(a->base.chunk & GENAI_CHUNK_ERROR)
                && genai_rs_error(a, event->end) != 0)
            {
                return -1;
            }

            if (genai_rs_told(a, event->end) != 0) {
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

    genai_answer_event(&e, GENAI_EVENT_CHUNK);

    e.start = event->start;
    e.end = event->end;
    e.chunk = a->base.chunk | (event->data ? GENAI_CHUNK_DATA : 0)
              | (event->tail ? GENAI_CHUNK_TAIL : 0)
              | (event->incomplete ? GENAI_CHUNK_INCOMPLETE : 0);

    a->base.chunk = 0;

    return genai_rs_tell(a, &e);
}


static int
genai_rs_text(void *ctx, const unsigned char *p, size_t n, uint64_t offset)
{
    int                   rc;
    uint64_t              begin;
    const unsigned char  *end;
    genai_results_t      *a = ctx;

    if (a->base.broken || a->base.ended) {
        return 0;
    }

    end = p + n;
    begin = offset;

    while (a->base.blank && p < end) {

        if (genai_answer_space(*p)) {
            p++;
            begin++;
            continue;
        }

        a->base.blank = 0;

        if (*p != '{' && *p != '[') {
            return genai_answer_broken(&a->base, "an object is expected",
                                       begin);
        }

        if (a->base.mode == GENAI_ANSWER_STREAM && *p == '[') {
            a->done = 1;
            p++;
            begin++;
        }
    }

    if (a->done) {

        for ( /* void */ ; p < end; p++, begin++) {

            if (a->done < sizeof(genai_rs_done) - 1) {

                if (*p == (unsigned char) genai_rs_done[a->done]) {
                    a->done++;
                    continue;
                }

            } else if (genai_answer_space(*p)) {
                continue;
            }

            return genai_answer_broken(&a->base, "an object is expected",
                                       begin);
        }

        return 0;
    }

    if (p == end) {
        return 0;
    }

    rc = genai_push_feed(&a->push, p, end - p, begin);

    if (rc == 0) {
        return 0;
    }

    if (a->base.failed) {
        return -1;
    }

    if (a->base.closed) {
        return (genai_rs_told(a, a->push.offset) == 0)
               ? genai_answer_whole_end(&a->base, a->push.offset) : -1;
    }

    return genai_answer_broken(&a->base, a->push.error, a->push.offset);
}


static int
genai_rs_tell(void *ctx, genai_event_t *e)
{
    int               rc;
    genai_results_t  *a = ctx;

    if (genai_event_meaningful(e)) {
        a->base.chunk |= GENAI_CHUNK_MEANINGFUL;
    }

    rc = a->base.handler(a->base.ctx, e);

    if (rc < 0) {
        a->base.failed = 1;
    }

    return rc;
}


static int
genai_rs_whole_end(void *ctx, uint64_t end)
{
    return genai_answer_whole_end(ctx, end);
}


static int
genai_rs_stream_end(void *ctx)
{
    genai_results_t  *a = ctx;

    return genai_answer_end_tell(&a->base, a->base.offset, a->base.offset,
                                 (a->finished && !a->base.cut)
                                 ? GENAI_END_CLEAN : GENAI_END_CUT);
}


/* a text is complete */

static int
genai_rs_told(genai_results_t *a, uint64_t end)
{
    genai_event_t  e;

    if (!(a->base.chunk & GENAI_CHUNK_ERROR)) {

        a->base.chunk |= GENAI_CHUNK_CHOICES;
        a->finished |= (genai_rs_is(&a->kind, "done")
                        || genai_rs_is(&a->kind, "completed"));

        if (!a->started) {
            a->started = 1;

            genai_answer_event(&e, GENAI_EVENT_START);

            e.field = GENAI_FIELD_PART;
            e.start = end;
            e.end = end;

            if (genai_rs_tell(a, &e) < 0) {
                return -1;
            }
        }
    }

    if (a->rank == 0) {
        return 0;
    }

    if (a->usage.prompt < 0 && a->usage.completion < 0) {
        a->usage.prompt = a->usage.total;
        a->usage.completion = 0;
    }

    a->base.chunk |= GENAI_CHUNK_USAGE;

    genai_answer_event(&e, GENAI_EVENT_USAGE);

    e.usage = &a->usage;
    e.start = a->usage_start;
    e.end = a->usage_end;

    return (genai_rs_tell(a, &e) < 0) ? -1 : 0;
}


static int
genai_rs_value(void *ctx, const genai_push_value_t *v)
{
    genai_results_t  *a = ctx;

    switch (v->tag) {

    case GENAI_RS_ROOT:

        /* what follows a whole answer is none of it: the scanner stops */

        a->base.closed = (a->base.mode == GENAI_ANSWER_WHOLE);

        return a->base.closed;

    case GENAI_RS_TYPE:
        return a->typed ? 0 : genai_rs_word(&a->kind, v);

    case GENAI_RS_USAGE:
        return genai_rs_usage(a, v, GENAI_RS_RANK_USAGE);

    case GENAI_RS_BILLED:
        return genai_rs_usage(a, v, GENAI_RS_RANK_BILLED);

    case GENAI_RS_TOKENS:
        return genai_rs_usage(a, v, GENAI_RS_RANK_TOKENS);

    case GENAI_RS_UNIT:
        return genai_rs_word(&a->unit, v);

    case GENAI_RS_PROMPT:
        return genai_rs_count(a, v, &a->usage.prompt);

    case GENAI_RS_COMPLETION:
        return genai_rs_count(a, v, &a->usage.completion);

    case GENAI_RS_TOTAL:
        return genai_rs_count(a, v, &a->usage.total);

    case GENAI_RS_CACHED:
        return genai_rs_count(a, v, &a->usage.cached);

    case GENAI_RS_IMAGE:
        return genai_rs_count(a, v, &a->usage.image);

    case GENAI_RS_AUDIO:
        return genai_rs_count(a, v, &a->usage.audio);

    case GENAI_RS_AUDIO_SAID:
        return genai_rs_count(a, v, &a->usage.audio_output);

    case GENAI_RS_ERROR:

        if (v->what == GENAI_PUSH_STRING) {

            if (v->first) {
                a->mark = v->start;
            }

            (void) genai_rs_message(a, v);

            return (v->last && a->nmessage) ? genai_rs_error(a, v->end) : 0;
        }

        if (v->what == GENAI_PUSH_ENTER) {
            a->mark = v->start;
            return 0;
        }

        return (v->end - v->start > 2) ? genai_rs_error(a, v->end) : 0;

    case GENAI_RS_ERROR_MESSAGE:
        return genai_rs_message(a, v);

    case GENAI_RS_ERROR_TYPE:
        a->typed = 1;
        return genai_rs_word(&a->kind, v);

    case GENAI_RS_ERROR_CODE:
        return (v->type == GENAI_TAPE_NULL) ? 0 : genai_rs_word(&a->code, v);
    }

    return 0;
}


static int
genai_rs_usage(genai_results_t *a, const genai_push_value_t *v, unsigned rank)
{
    if (v->what == GENAI_PUSH_ENTER) {
        a->reading = (rank >= a->rank) ? rank : 0;
        a->unit.n = 0;

        if (a->reading) {
            a->mark = v->start;
        }

        return 0;
    }

    if (a->reading && a->rank < rank
        && a->unit.n == 8 && memcmp(a->unit.data, "duration", 8) == 0)
    {
        /* billed by the second: there are no tokens */

        genai_usage_clear(&a->usage);

        a->usage.prompt = 0;
        a->usage.completion = 0;
        a->usage.total = 0;
        a->usage_start = a->mark;
        a->rank = rank;
    }

    if (a->reading && a->rank == rank) {
        a->usage_end = v->end;
    }

    a->reading = 0;

    return 0;
}


static int
genai_rs_count(genai_results_t *a, const genai_push_value_t *v, int64_t *dst)
{
    int64_t  n;

    /* what is no count is not told */

    if (a->reading == 0 || genai_push_int64(&v->text, &n) != 0) {
        return 0;
    }

    /* an object without a count is no usage */

    if (a->rank < a->reading) {
        genai_usage_clear(&a->usage);

        a->rank = a->reading;
        a->usage_start = a->mark;
    }

    *dst = n;

    return 0;
}


/* gathers what is told where it is short */

static int
genai_rs_word(genai_results_word_t *w, const genai_push_value_t *v)
{
    if (v->first) {
        w->n = 0;
    }

    if (w->n > GENAI_RESULTS_WORD_MAX
        || v->text.len > (size_t) GENAI_RESULTS_WORD_MAX - w->n)
    {
        w->n = GENAI_RESULTS_WORD_MAX + 1;
        return 0;
    }

    if (v->text.len) {
        memcpy(w->data + w->n, v->text.data, v->text.len);
        w->n += v->text.len;
    }

    return 0;
}


static int
genai_rs_is(const genai_results_word_t *w, const char *end)
{
    size_t  n;

    n = strlen(end);

    return w->n >= n && w->n <= GENAI_RESULTS_WORD_MAX
           && memcmp(w->data + w->n - n, end, n) == 0;
}


/* up to the last character that fits */

static int
genai_rs_message(genai_results_t *a, const genai_push_value_t *v)
{
    size_t  n;

    if (v->first) {
        a->nmessage = 0;
        a->full = 0;
    }

    n = a->full ? 0 : v->text.len;

    if (n > (size_t) GENAI_EVENT_MESSAGE_MAX - a->nmessage) {
        n = GENAI_EVENT_MESSAGE_MAX - a->nmessage;

        while (n && (v->text.data[n] & 0xc0) == 0x80) {
            n--;
        }
    }

    if (n) {
        memcpy(a->message + a->nmessage, v->text.data, n);
        a->nmessage += n;
    }

    a->full |= (n < v->text.len);

    return 0;
}


static int
genai_rs_error(genai_results_t *a, uint64_t end)
{
    genai_event_t  e;

    a->base.chunk |= GENAI_CHUNK_ERROR;

    genai_answer_event(&e, GENAI_EVENT_ERROR);

    e.text.data = a->message;
    e.text.len = a->nmessage;
    e.id.data = a->code.data;
    e.id.len = (a->code.n > GENAI_RESULTS_WORD_MAX) ? 0 : a->code.n;
    e.name.data = a->kind.data;
    e.name.len = (a->typed && a->kind.n <= GENAI_RESULTS_WORD_MAX)
                 ? a->kind.n : 0;
    e.start = a->mark;
    e.end = end;

    return (genai_rs_tell(a, &e) < 0) ? -1 : 0;
}
