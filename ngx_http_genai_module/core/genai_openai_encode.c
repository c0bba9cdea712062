/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The encoder of OpenAI's answers as streams: one event at a time, in
 * constant memory.  The bytes depend on nothing but the head and the events.
 */


#include "genai_openai_encode_int.h"
#include "genai_json.h"

#include <inttypes.h>
#include <stdio.h>


/* bytes of a string after which a chunk is closed and another one begins */
#define GENAI_OPENAI_PIECE  1024


static void genai_openai_begin(genai_openai_stream_t *s,
    genai_openai_out_t *o, const genai_event_t *e);
static void genai_openai_open(genai_openai_stream_t *s, genai_openai_out_t *o,
    const genai_event_t *e);
static void genai_openai_close(genai_openai_stream_t *s,
    genai_openai_out_t *o);


void
genai_openai_flush(genai_openai_out_t *o)
{
    if (o->n && o->rc == 0 && o->write(o->ctx, o->buf, o->n) != 0) {
        o->rc = -1;
    }

    o->n = 0;
}


void
genai_openai_put(genai_openai_out_t *o, const char *text)
{
    size_t  n;

    n = strlen(text);

    if (n > sizeof(o->buf) - o->n) {
        genai_openai_flush(o);
    }

    memcpy(o->buf + o->n, text, n);
    o->n += n;
}


void
genai_openai_number(genai_openai_out_t *o, int64_t n)
{
    char  buf[24];

    (void) snprintf(buf, sizeof(buf), "%" PRId64, n);
    genai_openai_put(o, buf);
}


/* the inside of a string */

void
genai_openai_escape(genai_openai_out_t *o, const genai_str_t *s)
{
    size_t                n;
    const unsigned char  *p, *end;

    if (s->len == 0) {
        return;
    }

    p = s->data;
    end = p + s->len;

    while (p < end) {
        n = end - p;

        if (n > GENAI_OPENAI_RUN) {
            n = GENAI_OPENAI_RUN;

            /* not inside a character, where it is one */

            while (n > GENAI_OPENAI_RUN - 4 && (p[n] & 0xc0) == 0x80) {
                n--;
            }
        }

        if (6 * n > sizeof(o->buf) - o->n) {
            genai_openai_flush(o);
        }

        o->n = genai_json_escape(o->buf + o->n, p, n) - o->buf;
        p += n;
    }
}


void
genai_openai_string(genai_openai_out_t *o, const char *name,
    const genai_str_t *s)
{
    genai_openai_put(o, name);
    genai_openai_put(o, "\"");
    genai_openai_escape(o, s);
    genai_openai_put(o, "\"");
}


/* the same, or null for an empty string */

void
genai_openai_maybe(genai_openai_out_t *o, const char *name,
    const genai_str_t *s)
{
    if (s->len) {
        genai_openai_string(o, name, s);
        return;
    }

    genai_openai_put(o, name);
    genai_openai_put(o, "null");
}


void
genai_openai_stream_init(genai_openai_stream_t *s,
    const genai_openai_head_t *head, genai_openai_write_pt write, void *ctx)
{
    memset(s, 0, sizeof(genai_openai_stream_t));

    s->head = head;
    s->write = write;
    s->ctx = ctx;
}


int
genai_openai_stream_event(genai_openai_stream_t *s, const genai_event_t *e)
{
    genai_openai_out_t  o;

    if (s->rc != 0 || e->copy) {
        return s->rc;
    }

    o.write = s->write;
    o.ctx = s->ctx;
    o.n = 0;
    o.rc = 0;

    if (s->tail
        && (e->first || e->type != s->type || e->choice != s->choice
            || e->block != s->block))
    {
        genai_openai_close(s, &o);
    }

    switch (e->type) {

    case GENAI_EVENT_TEXT:
    case GENAI_EVENT_REASONING:
    case GENAI_EVENT_REFUSAL:
    case GENAI_EVENT_ARGUMENTS:

        /* of completions there is nothing but text */

        if (s->head->text && e->type != GENAI_EVENT_TEXT) {
            break;
        }

        if (e->text.len) {

            if (s->tail == NULL) {
                genai_openai_open(s, &o, e);
            }

            genai_openai_escape(&o, &e->text);
            s->len += e->text.len;
        }

        if (s->tail && (e->last || s->len >= GENAI_OPENAI_PIECE)) {
            genai_openai_close(s, &o);
        }

        break;

    case GENAI_EVENT_TOOL:

        if (!s->head->text) {
            genai_openai_open(s, &o, e);
            genai_openai_close(s, &o);
        }

        break;

    case GENAI_EVENT_FINISH:
        genai_openai_begin(s, &o, e);
        genai_openai_put(&o, s->head->text ? "\"text\":\"\"" : "}");
        genai_openai_put(&o, ",\"logprobs\":null,\"finish_reason\":");
        genai_openai_reason(&o, e->finish, &e->text);
        genai_openai_put(&o, "}]}\n\n");
        break;

    case GENAI_EVENT_USAGE:

        if (s->head->usage) {
            genai_openai_put(&o, "data: ");
            genai_openai_head(&o, s->head, "chat.completion.chunk",
                              "text_completion");
            genai_openai_put(&o, "]");
            genai_openai_usage(&o, e->usage);
            genai_openai_put(&o, "}\n\n");
        }

        break;

    case GENAI_EVENT_ERROR:
        genai_openai_put(&o, "data: ");
        genai_openai_error(&o, &e->text, &e->name, &e->id);
        genai_openai_put(&o, "\n\n");
        break;

    case GENAI_EVENT_END:

        if (e->end_how != GENAI_END_CUT) {
            genai_openai_put(&o, "data: [DONE]\n\n");
        }

        break;

    default:
        break;
    }

    genai_openai_flush(&o);

    s->rc = o.rc;

    return s->rc;
}


/* a chunk with one choice, up to what is said in its delta */

static void
genai_openai_begin(genai_openai_stream_t *s, genai_openai_out_t *o,
    const genai_event_t *e)
{
    uint64_t  bit;

    genai_openai_put(o, "data: ");
    genai_openai_head(o, s->head, "chat.completion.chunk", "text_completion");
    genai_openai_put(o, "{\"index\":");
    genai_openai_number(o, e->choice);
    genai_openai_put(o, s->head->text ? "," : ",\"delta\":{");

    if (s->head->text || e->choice >= 128) {
        return;
    }

    bit = UINT64_C(1) << (e->choice % 64);

    if (!(s->begun[e->choice / 64] & bit)) {
        s->begun[e->choice / 64] |= bit;
        genai_openai_put(o, "\"role\":\"assistant\"");

        if (e->type != GENAI_EVENT_FINISH) {
            genai_openai_put(o, ",");
        }
    }
}


/* up to the inside of the string that the event's text is a piece of */

static void
genai_openai_open(genai_openai_stream_t *s, genai_openai_out_t *o,
    const genai_event_t *e)
{
    unsigned  custom;

    genai_openai_begin(s, o, e);

    s->type = e->type;
    s->choice = e->choice;
    s->block = e->block;
    s->len = 0;
    s->tail = "\"}";

    switch (e->type) {

    case GENAI_EVENT_TEXT:

        if (s->head->text) {
            genai_openai_put(o, "\"text\":\"");
            s->tail = "\"";
            return;
        }

        genai_openai_put(o, "\"content\":\"");
        return;

    case GENAI_EVENT_REASONING:
        genai_openai_put(o, "\"reasoning_content\":\"");
        return;

    case GENAI_EVENT_REFUSAL:
        genai_openai_put(o, "\"refusal\":\"");
        return;

    default:
        break;
    }

    /* a tool call: who it is, or some of its arguments */

    custom = (e->field == GENAI_FIELD_CUSTOM);

    if (e->field == GENAI_FIELD_FUNCTION_CALL) {
        genai_openai_put(o, "\"function_call\":{");
        s->tail = "\"}}";

    } else {
        genai_openai_put(o, "\"tool_calls\":[{\"index\":");
        genai_openai_number(o, e->block);

        if (e->type == GENAI_EVENT_TOOL && e->id.len) {
            genai_openai_string(o, ",\"id\":", &e->id);
        }

        if (e->type == GENAI_EVENT_TOOL && e->first) {
            genai_openai_put(o, custom ? ",\"type\":\"custom\""
                                       : ",\"type\":\"function\"");
        }

        genai_openai_put(o, custom ? ",\"custom\":{" : ",\"function\":{");
        s->tail = "\"}}]}";
    }

    if (e->type == GENAI_EVENT_TOOL && e->name.len) {
        genai_openai_string(o, "\"name\":", &e->name);
        genai_openai_put(o, ",");
    }

    genai_openai_put(o, custom ? "\"input\":\"" : "\"arguments\":\"");
}


static void
genai_openai_close(genai_openai_stream_t *s, genai_openai_out_t *o)
{
    genai_openai_put(o, s->tail);
    genai_openai_put(o, ",\"logprobs\":null,\"finish_reason\":null}]}\n\n");

    s->tail = NULL;
}


/* up to the bracket of the choices */

void
genai_openai_head(genai_openai_out_t *o, const genai_openai_head_t *head,
    const char *chat, const char *text)
{
    genai_openai_string(o, "{\"id\":", &head->id);
    genai_openai_put(o, ",\"object\":\"");
    genai_openai_put(o, head->text ? text : chat);
    genai_openai_put(o, "\",\"created\":");
    genai_openai_number(o, head->created);
    genai_openai_string(o, ",\"model\":", &head->model);
    genai_openai_put(o, ",\"choices\":[");
}


/* what is known; the total, which clients rely on, also where it is a sum */

void
genai_openai_usage(genai_openai_out_t *o, const genai_usage_t *u)
{
    size_t   i, n;
    int64_t  total;

    struct {
        const char  *before;
        const char  *behind;
        int64_t      n;
    } members[] = {
        { "\"prompt_tokens\":", "", u->prompt },
        { "\"completion_tokens\":", "", u->completion },
        { "\"total_tokens\":", "", u->total },
        { "\"prompt_tokens_details\":{\"cached_tokens\":", "}", u->cached },
        { "\"completion_tokens_details\":{\"reasoning_tokens\":", "}",
          u->reasoning }
    };

    total = u->total;

    if (total < 0 && u->prompt >= 0 && u->completion >= 0
        && u->prompt <= INT64_MAX - u->completion)
    {
        total = u->prompt + u->completion;
    }

    members[2].n = total;

    for (i = 0, n = 0; i < sizeof(members) / sizeof(members[0]); i++) {

        if (members[i].n < 0) {
            continue;
        }

        genai_openai_put(o, n++ ? "," : ",\"usage\":{");
        genai_openai_put(o, members[i].before);
        genai_openai_number(o, members[i].n);
        genai_openai_put(o, members[i].behind);
    }

    if (n) {
        genai_openai_put(o, "}");
    }
}


void
genai_openai_error(genai_openai_out_t *o, const genai_str_t *message,
    const genai_str_t *type, const genai_str_t *code)
{
    genai_openai_string(o, "{\"error\":{\"message\":", message);
    genai_openai_maybe(o, ",\"type\":", type);
    genai_openai_put(o, ",\"param\":null");
    genai_openai_maybe(o, ",\"code\":", code);
    genai_openai_put(o, "}}");
}


/*
 * The dialect's own words stay as they are; another one is that of another
 * dialect, and what it means counts.
 */

void
genai_openai_reason(genai_openai_out_t *o, unsigned finish,
    const genai_str_t *text)
{
    const char  *word;

    switch (finish) {

    case GENAI_FINISH_STOP:
        word = "stop";
        break;

    case GENAI_FINISH_LENGTH:
        word = "length";
        break;

    case GENAI_FINISH_TOOL:
        word = genai_str_is(text, "function_call") ? "function_call"
                                                   : "tool_calls";
        break;

    case GENAI_FINISH_FILTER:
        word = "content_filter";
        break;

    case GENAI_FINISH_ERROR:
        word = "error";
        break;

    default:
        genai_openai_maybe(o, "", text);
        return;
    }

    genai_openai_put(o, "\"");
    genai_openai_put(o, word);
    genai_openai_put(o, "\"");
}
