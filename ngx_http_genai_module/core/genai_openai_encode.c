/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The encoder of OpenAI's answers as streams: one event at a time, in
 * constant memory.  The bytes depend on nothing but the head and the events.
 *
 * A chunk whose string may go on stays open from event to event: s->tail is
 * what is open then, as genai_writer_resume() wants it.
 */


#include "genai_openai_encode_int.h"


/* bytes of a string after which a chunk is closed and another one begins */
#define GENAI_OPENAI_PIECE  1024


static void genai_openai_begin(genai_openai_stream_t *s, genai_writer_t *w,
    const genai_event_t *e);
static void genai_openai_open(genai_openai_stream_t *s, genai_writer_t *w,
    const genai_event_t *e);
static void genai_openai_close(genai_openai_stream_t *s, genai_writer_t *w);
static void genai_openai_sign(genai_openai_stream_t *s, genai_writer_t *w,
    const genai_event_t *e);
static void genai_openai_call(genai_writer_t *w, const genai_event_t *e);
static void genai_openai_end(genai_writer_t *w);


void
genai_openai_stream_init(genai_openai_stream_t *s,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx)
{
    memset(s, 0, sizeof(genai_openai_stream_t));

    s->head = head;
    s->write = write;
    s->ctx = ctx;
}


int
genai_openai_stream_event(genai_openai_stream_t *s, const genai_event_t *e)
{
    genai_writer_t  w;

    if (s->rc != 0 || e->copy) {
        return s->rc;
    }

    genai_writer_init(&w, s->write, s->ctx);

    if (s->tail) {
        genai_writer_resume(&w, s->tail);

        if (e->first || e->type != s->type || e->choice != s->choice
            || e->block != s->block)
        {
            genai_openai_close(s, &w);
        }
    }

    switch (e->type) {

    case GENAI_EVENT_TEXT:
    case GENAI_EVENT_REASONING:
    case GENAI_EVENT_REFUSAL:
    case GENAI_EVENT_ARGUMENTS:
    case GENAI_EVENT_SIGNATURE:

        /* of completions there is nothing but text */

        if (s->head->text && e->type != GENAI_EVENT_TEXT) {
            break;
        }

        if (e->text.len) {

            if (s->tail == NULL) {
                genai_openai_open(s, &w, e);
            }

            genai_writer_piece(&w, &e->text);
            s->len += e->text.len;
        }

        if (s->tail && (e->last || (s->len >= GENAI_OPENAI_PIECE
                                    && e->type != GENAI_EVENT_SIGNATURE)))
        {
            genai_openai_close(s, &w);
        }

        break;

    case GENAI_EVENT_TOOL:

        if (!s->head->text) {
            genai_openai_open(s, &w, e);
            genai_openai_close(s, &w);
        }

        break;

    case GENAI_EVENT_FINISH:
        genai_openai_begin(s, &w, e);

        if (s->head->text) {
            genai_writer_name(&w, "text");
            genai_writer_literal(&w, "\"\"");

        } else {
            genai_writer_close(&w, '}');
        }

        genai_openai_choice_end(&w, e->finish, &e->text);
        genai_writer_close(&w, ']');
        genai_openai_end(&w);
        break;

    case GENAI_EVENT_USAGE:

        if (s->head->usage) {
            genai_writer_bytes(&w, "data: ", 6);
            genai_openai_head(&w, s->head, "chat.completion.chunk",
                              "text_completion");
            genai_writer_close(&w, ']');
            genai_openai_usage(&w, e->usage);
            genai_openai_end(&w);
        }

        break;

    case GENAI_EVENT_ERROR:
        genai_writer_bytes(&w, "data: ", 6);
        genai_openai_error(&w, &e->text, &e->name, &e->id);
        genai_writer_bytes(&w, "\n\n", 2);
        break;

    case GENAI_EVENT_END:

        if (e->end_how != GENAI_END_CUT) {
            genai_writer_bytes(&w, "data: [DONE]\n\n", 14);
        }

        break;

    default:
        break;
    }

    if (genai_writer_flush(&w) != 0) {
        s->rc = -1;
    }

    return s->rc;
}


/* a chunk with one choice, up to what is said in its delta */

static void
genai_openai_begin(genai_openai_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    uint64_t  bit;

    genai_writer_bytes(w, "data: ", 6);
    genai_openai_head(w, s->head, "chat.completion.chunk", "text_completion");
    genai_writer_open(w, '{');
    genai_writer_name(w, "index");
    genai_writer_int(w, e->choice);

    if (s->head->text) {
        return;
    }

    genai_writer_name(w, "delta");
    genai_writer_open(w, '{');

    if (e->choice >= 128) {
        return;
    }

    bit = UINT64_C(1) << (e->choice % 64);

    if (!(s->begun[e->choice / 64] & bit)) {
        s->begun[e->choice / 64] |= bit;
        genai_writer_name(w, "role");
        genai_writer_literal(w, "\"assistant\"");
    }
}


/* up to the inside of the string that the event's text is a piece of */

static void
genai_openai_open(genai_openai_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    genai_openai_begin(s, w, e);

    s->type = e->type;
    s->choice = e->choice;
    s->block = e->block;
    s->len = 0;
    s->tail = "{[{{\"";

    switch (e->type) {

    case GENAI_EVENT_TEXT:

        if (s->head->text) {
            s->tail = "{[{\"";
        }

        genai_writer_name(w, s->head->text ? "text" : "content");
        break;

    case GENAI_EVENT_REASONING:
        genai_writer_name(w, "reasoning_content");
        break;

    case GENAI_EVENT_REFUSAL:
        genai_writer_name(w, "refusal");
        break;

    case GENAI_EVENT_SIGNATURE:
        genai_openai_sign(s, w, e);
        break;

    default:
        s->tail = (e->field == GENAI_FIELD_FUNCTION_CALL) ? "{[{{{\""
                                                          : "{[{{[{{\"";
        genai_openai_call(w, e);
        break;
    }

    genai_writer_begin(w);
}


/* up to the signature's text, which no reader puts together of pieces */

static void
genai_openai_sign(genai_openai_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    unsigned  sealed, google;

    if (e->field == GENAI_FIELD_OF_CALL || e->field == GENAI_FIELD_OF_TEXT) {

        google = genai_str_is(&e->name, "gemini");

        if (e->field == GENAI_FIELD_OF_TEXT) {
            s->tail = "{[{{{{\"";

        } else {
            s->tail = "{[{{[{{{\"";

            genai_writer_name(w, "tool_calls");
            genai_writer_open(w, '[');
            genai_writer_open(w, '{');
            genai_writer_name(w, "index");
            genai_writer_int(w, e->block);
        }

        genai_writer_name(w, "extra_content");
        genai_writer_open(w, '{');

        if (google) {
            genai_writer_name(w, "google");

        } else {
            genai_writer_raw_name(w, &e->name);
        }

        genai_writer_open(w, '{');
        genai_writer_name(w, google ? "thought_signature" : "signature");

        return;
    }

    s->tail = "{[{{[{\"";
    sealed = (e->field == GENAI_FIELD_SEALED);

    genai_writer_name(w, "reasoning_details");
    genai_writer_open(w, '[');
    genai_writer_open(w, '{');
    genai_writer_name(w, "type");
    genai_writer_literal(w, sealed ? "\"reasoning.encrypted\""
                                   : "\"reasoning.text\"");

    if (e->id.len) {
        genai_openai_string(w, "id", &e->id);
    }

    genai_openai_string(w, "format", &e->name);
    genai_writer_name(w, "index");
    genai_writer_int(w, e->block);
    genai_writer_name(w, sealed ? "data" : "signature");
}


/* a tool call: who it is, or some of its arguments */

static void
genai_openai_call(genai_writer_t *w, const genai_event_t *e)
{
    unsigned  custom;

    custom = (e->field == GENAI_FIELD_CUSTOM);

    if (e->field == GENAI_FIELD_FUNCTION_CALL) {
        genai_writer_name(w, "function_call");

    } else {
        genai_writer_name(w, "tool_calls");
        genai_writer_open(w, '[');
        genai_writer_open(w, '{');
        genai_writer_name(w, "index");
        genai_writer_int(w, e->block);

        if (e->type == GENAI_EVENT_TOOL && e->id.len) {
            genai_openai_string(w, "id", &e->id);
        }

        if (e->type == GENAI_EVENT_TOOL && e->first) {
            genai_writer_name(w, "type");
            genai_writer_literal(w, custom ? "\"custom\"" : "\"function\"");
        }

        genai_writer_name(w, custom ? "custom" : "function");
    }

    genai_writer_open(w, '{');

    if (e->type == GENAI_EVENT_TOOL && e->name.len) {
        genai_openai_string(w, "name", &e->name);
    }

    genai_writer_name(w, custom ? "input" : "arguments");
}


static void
genai_openai_close(genai_openai_stream_t *s, genai_writer_t *w)
{
    size_t  n;

    genai_writer_end(w);

    /* all that is within the choice */

    for (n = strlen(s->tail) - 2; n > 2; n--) {
        genai_writer_close(w, (s->tail[n] == '{') ? '}' : ']');
    }

    genai_openai_choice_end(w, -1, NULL);
    genai_writer_close(w, ']');
    genai_openai_end(w);

    s->tail = NULL;
}


static void
genai_openai_end(genai_writer_t *w)
{
    genai_writer_close(w, '}');
    genai_writer_bytes(w, "\n\n", 2);
}


void
genai_openai_string(genai_writer_t *w, const char *name, const genai_str_t *s)
{
    genai_writer_name(w, name);
    genai_writer_string(w, s);
}


void
genai_openai_maybe(genai_writer_t *w, const char *name, const genai_str_t *s)
{
    genai_writer_name(w, name);

    if (s->len) {
        genai_writer_string(w, s);

    } else {
        genai_writer_literal(w, "null");
    }
}


void
genai_openai_head(genai_writer_t *w, const genai_answer_head_t *head,
    const char *chat, const char *text)
{
    genai_str_t  object;

    object.data = (unsigned char *) (head->text ? text : chat);
    object.len = strlen((char *) object.data);

    genai_writer_open(w, '{');
    genai_openai_string(w, "id", &head->id);
    genai_openai_string(w, "object", &object);
    genai_writer_name(w, "created");
    genai_writer_int(w, head->created);
    genai_openai_string(w, "model", &head->model);
    genai_writer_name(w, "choices");
    genai_writer_open(w, '[');
}


void
genai_openai_signature(genai_writer_t *w, const genai_str_t *origin,
    const genai_str_t *signature)
{
    unsigned  google;

    google = genai_str_is(origin, "gemini");

    genai_writer_name(w, "extra_content");
    genai_writer_open(w, '{');

    if (google) {
        genai_writer_name(w, "google");

    } else {
        genai_writer_raw_name(w, origin);
    }

    genai_writer_open(w, '{');
    genai_openai_string(w, google ? "thought_signature" : "signature",
                        signature);
    genai_writer_close(w, '}');
    genai_writer_close(w, '}');
}


/* what is known; the total, which clients rely on, also where it is a sum */

void
genai_openai_usage(genai_writer_t *w, const genai_usage_t *u)
{
    size_t   i, n;
    int64_t  total;

    struct {
        const char  *around;
        const char  *name;
        int64_t      n;
    } members[] = {
        { NULL, "prompt_tokens", u->prompt },
        { NULL, "completion_tokens", u->completion },
        { NULL, "total_tokens", u->total },
        { "prompt_tokens_details", "cached_tokens", u->cached },
        { "completion_tokens_details", "reasoning_tokens", u->reasoning }
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

        if (n++ == 0) {
            genai_writer_name(w, "usage");
            genai_writer_open(w, '{');
        }

        if (members[i].around) {
            genai_writer_name(w, members[i].around);
            genai_writer_open(w, '{');
        }

        genai_writer_name(w, members[i].name);
        genai_writer_int(w, members[i].n);

        if (members[i].around) {
            genai_writer_close(w, '}');
        }
    }

    if (n) {
        genai_writer_close(w, '}');
    }
}


void
genai_openai_error(genai_writer_t *w, const genai_str_t *message,
    const genai_str_t *type, const genai_str_t *code)
{
    genai_writer_open(w, '{');
    genai_writer_name(w, "error");
    genai_writer_open(w, '{');
    genai_openai_string(w, "message", message);
    genai_openai_maybe(w, "type", type);
    genai_writer_name(w, "param");
    genai_writer_literal(w, "null");
    genai_openai_maybe(w, "code", code);
    genai_writer_close(w, '}');
    genai_writer_close(w, '}');
}


/*
 * The dialect's own words stay as they are; another one is that of another
 * dialect, and what it means counts.
 */

void
genai_openai_choice_end(genai_writer_t *w, int finish,
    const genai_str_t *text)
{
    const char  *word;

    genai_writer_name(w, "logprobs");
    genai_writer_literal(w, "null");

    switch (finish) {

    case -1:
        word = "null";
        break;

    case GENAI_FINISH_STOP:
        word = "\"stop\"";
        break;

    case GENAI_FINISH_LENGTH:
        word = "\"length\"";
        break;

    case GENAI_FINISH_TOOL:
        word = genai_str_is(text, "function_call") ? "\"function_call\""
                                                   : "\"tool_calls\"";
        break;

    case GENAI_FINISH_FILTER:
        word = "\"content_filter\"";
        break;

    case GENAI_FINISH_ERROR:
        word = "\"error\"";
        break;

    default:
        word = NULL;
        break;
    }

    if (word) {
        genai_writer_name(w, "finish_reason");
        genai_writer_literal(w, word);

    } else {
        genai_openai_maybe(w, "finish_reason", text);
    }

    genai_writer_close(w, '}');
}
