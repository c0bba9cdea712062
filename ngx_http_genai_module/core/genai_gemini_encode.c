/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The encoder of Gemini's answers as streams, of events or as one array: one
 * event at a time, in constant memory.  The bytes depend on nothing but the
 * head and the events.
 *
 * A part whose string may go on stays open: s->tail is what is open then.  So
 * does one with a call whose arguments are long.
 */


#include "genai_gemini_encode_int.h"


/* bytes of a string after which an event is closed and another one begins */
#define GENAI_GEMINI_PIECE  1024

/* an event, its candidates, the one, its content, its parts, the part */
#define GENAI_GE_PART       "{[{{[{"


/* what there is of a call */

#define GENAI_GE_NONE       0
#define GENAI_GE_GATHERED   1
#define GENAI_GE_WRITTEN    2       /* up to some of its arguments */


static void genai_ge_piece(genai_gemini_stream_t *s, genai_writer_t *w,
    const genai_event_t *e);
static void genai_ge_place(genai_gemini_stream_t *s, genai_writer_t *w,
    const genai_event_t *e);
static void genai_ge_close(genai_gemini_stream_t *s, genai_writer_t *w);
static unsigned genai_ge_of_call(const genai_gemini_stream_t *s,
    const genai_event_t *e);
static void genai_ge_tool(genai_gemini_stream_t *s, genai_writer_t *w,
    const genai_event_t *e);
static void genai_ge_word(unsigned char *dst, unsigned *len, size_t size,
    const genai_str_t *s);
static void genai_ge_arguments(genai_gemini_stream_t *s, genai_writer_t *w,
    const genai_event_t *e);
static void genai_ge_call(genai_gemini_stream_t *s, genai_writer_t *w);
static unsigned genai_ge_call_end(genai_gemini_stream_t *s,
    genai_writer_t *w);
static void genai_ge_call_close(genai_gemini_stream_t *s, genai_writer_t *w);
static void genai_ge_finish(genai_gemini_stream_t *s, genai_writer_t *w,
    const genai_event_t *e);
static void genai_ge_finish_tell(genai_gemini_stream_t *s, genai_writer_t *w);
static void genai_ge_usage_tell(genai_gemini_stream_t *s, genai_writer_t *w);
static void genai_ge_fail(genai_gemini_stream_t *s, genai_writer_t *w,
    const genai_str_t *message, const genai_str_t *type,
    const genai_str_t *code);
static void genai_ge_frame(genai_gemini_stream_t *s, genai_writer_t *w);
static void genai_ge_frame_end(genai_gemini_stream_t *s, genai_writer_t *w);
static void genai_ge_end(genai_gemini_stream_t *s, genai_writer_t *w);
static void genai_ge_open(genai_gemini_stream_t *s, genai_writer_t *w);
static void genai_ge_part_open(genai_gemini_stream_t *s, genai_writer_t *w);
static void genai_ge_part_close(genai_gemini_stream_t *s, genai_writer_t *w,
    unsigned choice);
static void genai_ge_done(genai_gemini_stream_t *s, genai_writer_t *w,
    const genai_usage_t *u);


void
genai_gemini_stream_init(genai_gemini_stream_t *s,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx)
{
    /* what is gathered is written before it is read */

    genai_zero(s, offsetof(genai_gemini_stream_t, push));

    s->head = head;
    s->write = write;
    s->ctx = ctx;
}


void
genai_gemini_stream_array(genai_gemini_stream_t *s)
{
    s->array = 1;
}


int
genai_gemini_stream_event(genai_gemini_stream_t *s, const genai_event_t *e)
{
    genai_writer_t  w;

    if (s->rc != 0 || e->copy || s->failed) {
        return s->rc;
    }

    genai_writer_init(&w, s->write, s->ctx);

    if (s->tail) {
        genai_writer_resume(&w, s->tail);

        if (e->first || e->type != s->type || e->field != s->field
            || e->block != s->block || e->choice != s->choice)
        {
            genai_ge_close(s, &w);
        }

    } else if (s->call == GENAI_GE_WRITTEN) {
        genai_writer_resume(&w, GENAI_GE_PART "{");
    }

    switch (e->type) {

    case GENAI_EVENT_TEXT:
    case GENAI_EVENT_REASONING:
    case GENAI_EVENT_REFUSAL:
    case GENAI_EVENT_SIGNATURE:
        genai_ge_piece(s, &w, e);
        break;

    case GENAI_EVENT_TOOL:
        genai_ge_tool(s, &w, e);
        break;

    case GENAI_EVENT_ARGUMENTS:
        genai_ge_arguments(s, &w, e);
        break;

    case GENAI_EVENT_FINISH:
        genai_ge_finish(s, &w, e);
        break;

    case GENAI_EVENT_USAGE:
        s->usage = *e->usage;
        s->usage_known = 1;
        s->usage_told = 0;

        genai_ge_finish_tell(s, &w);
        break;

    case GENAI_EVENT_ERROR:
        genai_ge_fail(s, &w, &e->text, &e->name, &e->id);
        break;

    case GENAI_EVENT_END:

        /* half a call is not told as one */

        if (e->end_how == GENAI_END_CUT && s->call == GENAI_GE_GATHERED) {
            s->call = GENAI_GE_NONE;
        }

        genai_ge_call_close(s, &w);

        if (!s->failed && e->end_how != GENAI_END_CUT) {
            genai_ge_finish_tell(s, &w);
            genai_ge_usage_tell(s, &w);

            if (!s->failed) {
                genai_ge_end(s, &w);
            }
        }

        s->failed = 1;
        break;

    default:
        break;
    }

    if (genai_writer_flush(&w) != 0) {
        s->rc = -1;
    }

    return s->rc;
}


static void
genai_ge_piece(genai_gemini_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    if (e->text.len && s->tail == NULL) {

        genai_ge_place(s, w, e);

        if (s->failed) {
            return;
        }

        s->tail = GENAI_GE_PART "\"";
        s->type = e->type;
        s->field = e->field;
        s->block = e->block;
        s->choice = e->choice;
        s->len = 0;
        s->said = 1;
    }

    if (s->tail == NULL) {
        return;
    }

    if (s->coded) {
        genai_base64_write(&s->base64, w, &e->text);

    } else {
        genai_writer_piece(w, &e->text);
    }

    s->len += e->text.len;

    /* a signature is put together of pieces by nobody */

    if (e->last || (s->len >= GENAI_GEMINI_PIECE
                    && e->type != GENAI_EVENT_SIGNATURE))
    {
        genai_ge_close(s, w);
    }
}


/* up to the inside of the string that the event's text is a piece of */

static void
genai_ge_place(genai_gemini_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    unsigned  own;

    s->coded = 0;

    if (e->type != GENAI_EVENT_SIGNATURE) {

        genai_ge_call_close(s, w);

        if (s->failed) {
            return;
        }

        s->refused |= (e->type == GENAI_EVENT_REFUSAL);

        genai_ge_part_open(s, w);

        if (e->type == GENAI_EVENT_REASONING) {
            genai_gemini_literal(w, "thought", "true");
        }

        genai_writer_name(w, "text");
        genai_writer_begin(w);

        return;
    }

    if (e->field == GENAI_FIELD_OF_CALL && genai_ge_of_call(s, e)
        && (s->call == GENAI_GE_WRITTEN || s->nargs))
    {
        if (genai_ge_call_end(s, w) != 0) {
            return;
        }

    } else {
        genai_ge_call_close(s, w);

        if (s->failed) {
            return;
        }

        genai_ge_part_open(s, w);
        genai_gemini_literal(w, "text", "\"\"");

        if (e->field == GENAI_FIELD_OF_THOUGHT
            || e->field == GENAI_FIELD_SEALED)
        {
            genai_gemini_literal(w, "thought", "true");
        }
    }

    own = genai_str_is(&e->name, "gemini") && e->field != GENAI_FIELD_SEALED;

    genai_writer_name(w, "thoughtSignature");
    genai_writer_begin(w);

    if (!own) {
        s->coded = 1;
        s->base64.n = 0;
        genai_base64_mark(&s->base64, w, e->field, &e->name, &e->id);
    }
}


static void
genai_ge_close(genai_gemini_stream_t *s, genai_writer_t *w)
{
    if (s->coded) {
        genai_base64_end(&s->base64, w);
        s->coded = 0;
    }

    genai_writer_end(w);

    s->tail = NULL;

    genai_ge_part_close(s, w, s->choice);
}


static unsigned
genai_ge_of_call(const genai_gemini_stream_t *s, const genai_event_t *e)
{
    return s->call != GENAI_GE_NONE && s->call_block == e->block
           && s->call_choice == e->choice;
}


static void
genai_ge_tool(genai_gemini_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    static const genai_str_t  late =
        genai_str("The provider tells the name of a tool call too late");

    if (!e->first) {

        /* the first word counts */

        if (!genai_ge_of_call(s, e)) {
            return;
        }

        if (s->call == GENAI_GE_WRITTEN) {

            if (s->nname == 0 && e->name.len) {
                genai_ge_fail(s, w, &late, NULL, NULL);
            }

            return;
        }

    } else {
        genai_ge_call_close(s, w);

        if (s->failed) {
            return;
        }

        s->call = GENAI_GE_GATHERED;
        s->call_block = e->block;
        s->call_choice = e->choice;
        s->nid = 0;
        s->nname = 0;
        s->nargs = 0;
        s->said = 1;
    }

    if (s->nid == 0) {
        genai_ge_word(s->id, &s->nid, sizeof(s->id), &e->id);
    }

    if (s->nname == 0) {
        genai_ge_word(s->name, &s->nname, sizeof(s->name), &e->name);
    }
}


/* what is too long is not told */

static void
genai_ge_word(unsigned char *dst, unsigned *len, size_t size,
    const genai_str_t *s)
{
    *len = (s->len > size) ? 0 : s->len;

    if (*len) {
        memcpy(dst, s->data, *len);
    }
}


static void
genai_ge_arguments(genai_gemini_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    genai_str_t  text;

    static const genai_str_t  turns =
        genai_str("The provider tells two tool calls by turns");
    static const genai_str_t  bad =
        genai_str("The provider tells arguments of a tool call that are no "
                  "JSON object");

    if (e->text.len == 0) {
        return;
    }

    if (!genai_ge_of_call(s, e)) {
        genai_ge_fail(s, w, &turns, NULL, NULL);
        return;
    }

    if (s->call == GENAI_GE_GATHERED) {

        if (e->text.len <= sizeof(s->args) - s->nargs) {
            memcpy(s->args + s->nargs, e->text.data, e->text.len);
            s->nargs += e->text.len;
            return;
        }

        text.data = s->args;
        text.len = s->nargs;

        if (genai_gemini_args_object(s->nargs ? &text : &e->text) == 0) {
            genai_ge_fail(s, w, &bad, NULL, NULL);
            return;
        }

        genai_gemini_args_init(&s->push);
        genai_ge_call(s, w);

        s->call = GENAI_GE_WRITTEN;

        if (s->nargs) {

            if (genai_push_feed(&s->push, text.data, text.len, 0) != 0) {
                genai_ge_fail(s, w, &bad, NULL, NULL);
                return;
            }

            genai_gemini_line(w, &text, 1);
        }

        if (genai_push_feed(&s->push, e->text.data, e->text.len, 0) != 0) {
            genai_ge_fail(s, w, &bad, NULL, NULL);
            return;
        }

        genai_gemini_line(w, &e->text, s->nargs == 0);

        return;
    }

    if (genai_push_feed(&s->push, e->text.data, e->text.len, 0) != 0) {
        genai_ge_fail(s, w, &bad, NULL, NULL);
        return;
    }

    genai_gemini_line(w, &e->text, 0);
}


/* a part with a call, up to its arguments */

static void
genai_ge_call(genai_gemini_stream_t *s, genai_writer_t *w)
{
    genai_ge_part_open(s, w);

    genai_writer_name(w, "functionCall");
    genai_writer_open(w, '{');

    if (s->nid) {
        genai_gemini_string(w, "id", &(genai_str_t) { s->nid, s->id });
    }

    genai_gemini_string(w, "name", &(genai_str_t) { s->nname, s->name });
    genai_writer_name(w, "args");
}


/* the rest of a call, up to where its signature may stand */

static unsigned
genai_ge_call_end(genai_gemini_stream_t *s, genai_writer_t *w)
{
    static const genai_str_t  cut =
        genai_str("The provider has cut the arguments of a tool call");

    if (s->call == GENAI_GE_GATHERED) {
        genai_ge_call(s, w);
        genai_gemini_args(w, &(genai_str_t) { s->nargs, s->args }, 1);

    } else if (genai_push_end(&s->push, 0) != 0) {
        genai_ge_fail(s, w, &cut, NULL, NULL);
        return 1;
    }

    s->call = GENAI_GE_NONE;

    genai_writer_close(w, '}');

    return 0;
}


static void
genai_ge_call_close(genai_gemini_stream_t *s, genai_writer_t *w)
{
    unsigned  choice;

    choice = s->call_choice;

    if (s->call != GENAI_GE_NONE && genai_ge_call_end(s, w) == 0) {
        genai_ge_part_close(s, w, choice);
    }
}


static void
genai_ge_finish(genai_gemini_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    genai_ge_call_close(s, w);
    genai_ge_finish_tell(s, w);

    if (s->failed) {
        return;
    }

    s->finishes = 1;
    s->finish = e->finish;
    s->finish_choice = e->choice;
    s->nword = 0;

    if (e->text.len && e->text.len <= sizeof(s->word)) {
        s->nword = e->text.len;
        memcpy(s->word, e->text.data, s->nword);
    }
}


static void
genai_ge_finish_tell(genai_gemini_stream_t *s, genai_writer_t *w)
{
    if (!s->finishes) {
        return;
    }

    genai_ge_call_close(s, w);

    if (s->failed) {
        return;
    }

    s->finishes = 0;
    s->said = 1;

    genai_ge_open(s, w);
    genai_writer_open(w, '{');
    genai_writer_name(w, "content");
    genai_writer_open(w, '{');
    genai_gemini_literal(w, "parts", "[{\"text\":\"\"}]");
    genai_gemini_literal(w, "role", "\"model\"");
    genai_writer_close(w, '}');
    genai_gemini_reason(w, s->finish, &(genai_str_t) { s->nword, s->word },
                        s->refused);
    genai_gemini_int(w, "index", s->finish_choice);
    genai_writer_close(w, '}');
    genai_ge_done(s, w, s->usage_known ? &s->usage : NULL);

    s->usage_told = s->usage_known;
}


/* usage that came behind all that it could stand with */

static void
genai_ge_usage_tell(genai_gemini_stream_t *s, genai_writer_t *w)
{
    if (!s->usage_known || s->usage_told || !s->said) {
        return;
    }

    s->usage_told = 1;

    genai_ge_open(s, w);
    genai_ge_done(s, w, &s->usage);
}


static void
genai_ge_fail(genai_gemini_stream_t *s, genai_writer_t *w,
    const genai_str_t *message, const genai_str_t *type,
    const genai_str_t *code)
{
    unsigned  half;

    half = (s->call == GENAI_GE_WRITTEN);

    if (s->call == GENAI_GE_GATHERED) {
        s->call = GENAI_GE_NONE;
    }

    s->failed = 1;

    if (half) {

        /* what was begun stays as it is: nobody takes it for a call */

        if (genai_writer_flush(w) != 0) {
            s->rc = -1;
            return;
        }

        genai_writer_init(w, s->write, s->ctx);

        if (s->array) {

            /* nor could anything follow it: the array has no end, either */

            return;
        }

        genai_ge_frame_end(s, w);
    }

    genai_ge_frame(s, w);
    genai_gemini_error(w, message, type, code);
    genai_ge_frame_end(s, w);
    genai_ge_end(s, w);
}


/* what stands around an event: its line, or its place in an array */

static void
genai_ge_frame(genai_gemini_stream_t *s, genai_writer_t *w)
{
    if (!s->array) {
        genai_writer_bytes(w, "data: ", 6);

    } else if (s->begun) {
        genai_writer_bytes(w, ",\n", 2);

    } else {
        genai_writer_bytes(w, "[", 1);
    }

    s->begun = 1;
}


static void
genai_ge_frame_end(genai_gemini_stream_t *s, genai_writer_t *w)
{
    if (!s->array) {
        genai_writer_bytes(w, "\n\n", 2);
    }
}


/* nothing follows */

static void
genai_ge_end(genai_gemini_stream_t *s, genai_writer_t *w)
{
    if (s->array) {
        genai_writer_bytes(w, s->begun ? "]" : "[]", s->begun ? 1 : 2);
    }
}


/* an event, up to the inside of its candidates */

static void
genai_ge_open(genai_gemini_stream_t *s, genai_writer_t *w)
{
    genai_ge_frame(s, w);
    genai_writer_open(w, '{');
    genai_writer_name(w, "candidates");
    genai_writer_open(w, '[');
}


static void
genai_ge_part_open(genai_gemini_stream_t *s, genai_writer_t *w)
{
    genai_ge_open(s, w);
    genai_writer_open(w, '{');
    genai_writer_name(w, "content");
    genai_writer_open(w, '{');
    genai_writer_name(w, "parts");
    genai_writer_open(w, '[');
    genai_writer_open(w, '{');
}


static void
genai_ge_part_close(genai_gemini_stream_t *s, genai_writer_t *w,
    unsigned choice)
{
    genai_writer_close(w, '}');
    genai_writer_close(w, ']');
    genai_gemini_literal(w, "role", "\"model\"");
    genai_writer_close(w, '}');
    genai_gemini_int(w, "index", choice);
    genai_writer_close(w, '}');
    genai_ge_done(s, w, NULL);
}


static void
genai_ge_done(genai_gemini_stream_t *s, genai_writer_t *w,
    const genai_usage_t *u)
{
    genai_writer_close(w, ']');
    genai_gemini_tail(w, s->head, u);
    genai_writer_close(w, '}');
    genai_ge_frame_end(s, w);
}
