/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The encoder of Anthropic's answers as streams: one event at a time, in
 * constant memory.  The bytes depend on nothing but the head and the events.
 *
 * A block stays open until something else is said.  An event of the stream
 * whose string may go on stays open, too: s->tail is what is open then.
 */


#include "genai_anthropic_encode_int.h"


/* bytes of a string after which an event is closed and another one begins */
#define GENAI_ANTHROPIC_PIECE  1024

/* what is within every string that is left open: an event, its delta */
#define GENAI_ANTHROPIC_TAIL   "{{\""


/* kinds of blocks */

#define GENAI_AE_NONE      0
#define GENAI_AE_TEXT      1
#define GENAI_AE_THINKING  2
#define GENAI_AE_TOOL      3
#define GENAI_AE_SEALED    4


static void genai_ae_piece(genai_anthropic_stream_t *s, genai_writer_t *w,
    const genai_event_t *e);
static void genai_ae_place(genai_anthropic_stream_t *s, genai_writer_t *w,
    const genai_event_t *e);
static void genai_ae_signature(genai_anthropic_stream_t *s, genai_writer_t *w,
    const genai_event_t *e);
static void genai_ae_tool(genai_anthropic_stream_t *s, genai_writer_t *w,
    const genai_event_t *e);
static void genai_ae_call(genai_anthropic_stream_t *s, genai_writer_t *w,
    const genai_str_t *id, const genai_str_t *name);
static unsigned genai_ae_keep(genai_anthropic_stream_t *s,
    const genai_str_t *text);
static void genai_ae_kept(genai_anthropic_stream_t *s, genai_writer_t *w);
static void genai_ae_finish(genai_anthropic_stream_t *s, genai_writer_t *w,
    const genai_event_t *e);
static void genai_ae_start(genai_anthropic_stream_t *s, genai_writer_t *w);
static void genai_ae_end(genai_anthropic_stream_t *s, genai_writer_t *w);
static void genai_ae_fail(genai_anthropic_stream_t *s, genai_writer_t *w,
    const genai_str_t *message, const genai_str_t *type);
static void genai_ae_block(genai_anthropic_stream_t *s, genai_writer_t *w,
    unsigned kind, unsigned number, const char *type);
static void genai_ae_block_close(genai_anthropic_stream_t *s,
    genai_writer_t *w);
static void genai_ae_delta(genai_anthropic_stream_t *s, genai_writer_t *w,
    const char *type, const char *name);
static void genai_ae_close(genai_anthropic_stream_t *s, genai_writer_t *w);
static void genai_ae_open(genai_writer_t *w, const char *event);
static void genai_ae_done(genai_writer_t *w);


void
genai_anthropic_stream_init(genai_anthropic_stream_t *s,
    const genai_answer_head_t *head, genai_write_pt write, void *ctx)
{
    memset(s, 0, sizeof(genai_anthropic_stream_t));

    s->head = head;
    s->write = write;
    s->ctx = ctx;
}


void
genai_anthropic_stream_keep(genai_anthropic_stream_t *s, size_t limit,
    genai_alloc_pt alloc, void *ctx)
{
    s->limit = limit;
    s->alloc = alloc;
    s->alloc_ctx = ctx;
}


void
genai_anthropic_stream_free(genai_anthropic_stream_t *s)
{
    if (s->kept) {
        (void) s->alloc(s->alloc_ctx, s->kept, s->kept_size, 0);
        s->kept = NULL;
        s->kept_size = 0;
    }
}


int
genai_anthropic_stream_event(genai_anthropic_stream_t *s,
    const genai_event_t *e)
{
    genai_writer_t  w;

    if (s->rc != 0 || e->copy || s->failed
        || (e->choice != 0 && e->type != GENAI_EVENT_ERROR))
    {
        return s->rc;
    }

    genai_writer_init(&w, s->write, s->ctx);

    if (s->tail) {
        genai_writer_resume(&w, s->tail);

        if (e->first || e->type != s->type || e->field != s->field
            || e->block != s->block)
        {
            genai_ae_close(s, &w);
        }
    }

    switch (e->type) {

    case GENAI_EVENT_START:

        if (e->field != GENAI_FIELD_PART) {
            genai_ae_start(s, &w);
        }

        break;

    case GENAI_EVENT_TEXT:
    case GENAI_EVENT_REASONING:
    case GENAI_EVENT_REFUSAL:
    case GENAI_EVENT_ARGUMENTS:
    case GENAI_EVENT_SIGNATURE:
        genai_ae_piece(s, &w, e);
        break;

    case GENAI_EVENT_TOOL:
        genai_ae_tool(s, &w, e);
        break;

    case GENAI_EVENT_FINISH:
        genai_ae_finish(s, &w, e);
        break;

    case GENAI_EVENT_USAGE:
        s->usage = *e->usage;
        s->usage_known = 1;

        if (s->finished) {
            genai_ae_end(s, &w);
        }

        break;

    case GENAI_EVENT_ERROR:
        genai_ae_fail(s, &w, &e->text, &e->name);
        break;

    case GENAI_EVENT_END:

        genai_ae_block_close(s, &w);

        if (e->end_how != GENAI_END_CUT && s->started) {
            genai_ae_end(s, &w);
            genai_ae_open(&w, "message_stop");
            genai_ae_done(&w);

            /* there is no more to say */

            s->failed = 1;
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


static void
genai_ae_piece(genai_anthropic_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    static const genai_str_t  turns =
        genai_str("The provider tells two tool calls by turns");
    static const genai_str_t  large =
        genai_str("The provider tells a tool call's name too late");

    if (e->text.len && s->tail == NULL && !s->ended) {

        if (e->type == GENAI_EVENT_ARGUMENTS
            && (s->number != e->block
                || (s->kind != GENAI_AE_TOOL && !s->late)))
        {
            genai_ae_fail(s, w, &turns, NULL);
            return;
        }

        if (e->type == GENAI_EVENT_ARGUMENTS && s->late && s->alloc) {

            if (!genai_ae_keep(s, &e->text)) {
                s->late = 0;
                genai_ae_fail(s, w, &large, NULL);
            }

            return;
        }

        genai_ae_place(s, w, e);

        s->tail = GENAI_ANTHROPIC_TAIL;
        s->type = e->type;
        s->field = e->field;
        s->block = e->block;
        s->len = 0;
    }

    if (s->tail == NULL) {
        return;
    }

    genai_writer_piece(w, &e->text);
    s->len += e->text.len;

    /* a signature is put together of pieces by nobody */

    if (e->last || (s->len >= GENAI_ANTHROPIC_PIECE
                    && e->type != GENAI_EVENT_SIGNATURE))
    {
        genai_ae_close(s, w);
    }
}


/* up to the inside of the string that the event's text is a piece of */

static void
genai_ae_place(genai_anthropic_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    switch (e->type) {

    case GENAI_EVENT_REASONING:

        if (s->kind != GENAI_AE_THINKING || s->number != e->block) {
            genai_ae_block(s, w, GENAI_AE_THINKING, e->block, "thinking");
        }

        genai_ae_delta(s, w, "\"thinking_delta\"", "thinking");
        break;

    case GENAI_EVENT_SIGNATURE:
        genai_ae_signature(s, w, e);
        break;

    case GENAI_EVENT_ARGUMENTS:

        if (s->late) {
            genai_ae_call(s, w, &(genai_str_t) { s->nid, s->id },
                          &(genai_str_t) { 0, NULL });
        }

        s->said = 1;
        genai_ae_delta(s, w, "\"input_json_delta\"", "partial_json");
        break;

    default:

        if (e->type == GENAI_EVENT_REFUSAL) {
            s->refused = 1;
        }

        if (s->kind != GENAI_AE_TEXT) {
            genai_ae_block(s, w, GENAI_AE_TEXT, 0, "text");
        }

        genai_ae_delta(s, w, "\"text_delta\"", "text");
        break;
    }
}


static void
genai_ae_signature(genai_anthropic_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    unsigned     own;
    genai_str_t  id;

    own = genai_str_is(&e->name, "anthropic");

    if (e->field == GENAI_FIELD_OF_THOUGHT) {

        if (s->kind != GENAI_AE_THINKING || s->number != e->block) {
            genai_ae_block(s, w, GENAI_AE_THINKING, e->block, "thinking");
        }

        genai_ae_delta(s, w, "\"signature_delta\"", "signature");

    } else {
        genai_ae_block(s, w, GENAI_AE_SEALED, e->block, NULL);

        own = own && e->field == GENAI_FIELD_SEALED;
    }

    if (!own) {
        id = e->id;

        if (e->field == GENAI_FIELD_OF_CALL && e->block == s->last) {
            id.data = s->id;
            id.len = s->nid;
        }

        genai_anthropic_mark(w, e->field, &e->name, &id);
    }
}


static void
genai_ae_tool(genai_anthropic_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    genai_str_t  id;

    if (s->ended) {
        return;
    }

    if (e->first) {
        genai_ae_block_close(s, w);

        if (e->name.len == 0 && e->id.len <= GENAI_ANTHROPIC_LATE_MAX) {

            s->late = 1;
            s->number = e->block;
            s->nid = e->id.len;

            if (e->id.len) {
                memcpy(s->id, e->id.data, e->id.len);
            }

            return;
        }

        s->number = e->block;
        genai_ae_call(s, w, &e->id, &e->name);

        return;
    }

    if (!s->late || s->number != e->block) {
        return;
    }

    id = e->id;

    if (id.len == 0) {
        id.data = s->id;
        id.len = s->nid;
    }

    genai_ae_call(s, w, &id, &e->name);
}


static void
genai_ae_call(genai_anthropic_stream_t *s, genai_writer_t *w,
    const genai_str_t *id, const genai_str_t *name)
{
    s->late = 0;
    s->said = 0;
    s->called = 1;
    s->last = s->number;

    if (id->len <= GENAI_ANTHROPIC_LATE_MAX && id->len) {
        memmove(s->id, id->data, id->len);
        s->nid = id->len;

    } else {
        s->nid = 0;
    }

    genai_ae_block(s, w, GENAI_AE_TOOL, s->number, "tool_use");

    genai_anthropic_call_id(w, s->head, id, s->number);
    genai_anthropic_string(w, "name", name);
    genai_anthropic_literal(w, "input", "{}");
    genai_writer_close(w, '}');
    genai_ae_done(w);

    if (s->nkept) {
        genai_ae_kept(s, w);
    }
}


/* returns 0 where there is no room */

static unsigned
genai_ae_keep(genai_anthropic_stream_t *s, const genai_str_t *text)
{
    size_t          size;
    unsigned char  *p;

    if (text->len > s->kept_size - s->nkept) {

        if (text->len > s->limit - s->nkept) {
            return 0;
        }

        size = 2 * s->kept_size + text->len;
        size = (size > s->limit) ? s->limit : size;

        p = s->alloc(s->alloc_ctx, s->kept, s->kept_size, size);

        if (p == NULL) {
            return 0;
        }

        s->kept = p;
        s->kept_size = size;
    }

    memcpy(s->kept + s->nkept, text->data, text->len);
    s->nkept += text->len;

    return 1;
}


/* what was kept, in pieces of whole characters */

static void
genai_ae_kept(genai_anthropic_stream_t *s, genai_writer_t *w)
{
    genai_str_t  piece;

    s->said = 1;
    piece.data = s->kept;

    while (s->nkept) {
        piece.len = s->nkept;

        if (piece.len > GENAI_ANTHROPIC_PIECE) {
            piece.len = GENAI_ANTHROPIC_PIECE;

            while ((piece.data[piece.len] & 0xc0) == 0x80 && piece.len > 1) {
                piece.len--;
            }
        }

        genai_ae_delta(s, w, "\"input_json_delta\"", "partial_json");
        genai_writer_piece(w, &piece);
        genai_ae_close(s, w);

        piece.data += piece.len;
        s->nkept -= piece.len;
    }
}


static void
genai_ae_finish(genai_anthropic_stream_t *s, genai_writer_t *w,
    const genai_event_t *e)
{
    static const genai_str_t  gone =
        genai_str("The provider gave up its answer");

    if (s->finished) {
        return;
    }

    genai_ae_start(s, w);
    genai_ae_block_close(s, w);

    if (e->finish == GENAI_FINISH_ERROR) {
        genai_ae_fail(s, w, &gone, NULL);
        return;
    }

    s->finished = 1;
    s->finish = e->finish;

    if (e->text.len <= sizeof(s->word)) {
        s->nword = e->text.len;

        if (s->nword) {
            memcpy(s->word, e->text.data, s->nword);
        }
    }
}


static void
genai_ae_start(genai_anthropic_stream_t *s, genai_writer_t *w)
{
    if (s->started) {
        return;
    }

    s->started = 1;

    genai_ae_open(w, "message_start");
    genai_writer_name(w, "message");
    genai_writer_open(w, '{');
    genai_anthropic_head(w, s->head);
    genai_anthropic_literal(w, "content", "[]");
    genai_anthropic_literal(w, "stop_reason", "null");
    genai_anthropic_literal(w, "stop_sequence", "null");
    genai_anthropic_usage(w, s->usage_known ? &s->usage : NULL,
                          s->head->prompt);
    genai_writer_close(w, '}');
    genai_ae_done(w);
}


/* message_delta, once */

static void
genai_ae_end(genai_anthropic_stream_t *s, genai_writer_t *w)
{
    if (s->ended || !s->started) {
        return;
    }

    genai_ae_block_close(s, w);
    s->ended = 1;

    genai_ae_open(w, "message_delta");
    genai_writer_name(w, "delta");
    genai_writer_open(w, '{');
    genai_anthropic_stop(w, s->finish, &(genai_str_t) { s->nword, s->word },
                         s->called, s->refused);
    genai_writer_close(w, '}');
    genai_anthropic_usage(w, s->usage_known ? &s->usage : NULL,
                          s->head->prompt);
    genai_ae_done(w);
}


static void
genai_ae_fail(genai_anthropic_stream_t *s, genai_writer_t *w,
    const genai_str_t *message, const genai_str_t *type)
{
    genai_ae_block_close(s, w);

    s->failed = 1;

    genai_writer_bytes(w, "event: error\ndata: ", 19);
    genai_anthropic_error(w, message, type);
    genai_writer_bytes(w, "\n\n", 2);
}


/*
 * Opens a block.  Of a tool's more members follow; a thought that is sealed
 * is a string that is left open.
 */

static void
genai_ae_block(genai_anthropic_stream_t *s, genai_writer_t *w, unsigned kind,
    unsigned number, const char *type)
{
    genai_str_t  word;

    genai_ae_start(s, w);
    genai_ae_block_close(s, w);

    s->kind = kind;
    s->number = number;

    genai_ae_open(w, "content_block_start");
    genai_writer_name(w, "index");
    genai_writer_int(w, s->index);
    genai_writer_name(w, "content_block");
    genai_writer_open(w, '{');

    if (kind == GENAI_AE_SEALED) {
        genai_anthropic_literal(w, "type", "\"redacted_thinking\"");
        genai_writer_name(w, "data");
        genai_writer_begin(w);
        return;
    }

    word.data = (unsigned char *) type;
    word.len = strlen(type);

    genai_anthropic_string(w, "type", &word);

    if (kind == GENAI_AE_TOOL) {
        return;
    }

    genai_anthropic_literal(w, type, "\"\"");

    if (kind == GENAI_AE_THINKING) {
        genai_anthropic_literal(w, "signature", "\"\"");
    }

    genai_writer_close(w, '}');
    genai_ae_done(w);
}


static void
genai_ae_block_close(genai_anthropic_stream_t *s, genai_writer_t *w)
{
    if (s->tail) {
        genai_ae_close(s, w);
    }

    if (s->late) {
        genai_ae_call(s, w, &(genai_str_t) { s->nid, s->id },
                      &(genai_str_t) { 0, NULL });
    }

    if (s->kind == GENAI_AE_NONE) {
        return;
    }

    if (s->kind == GENAI_AE_TOOL && !s->said) {

        /* some parse what they were given, and nothing is no JSON */

        genai_ae_delta(s, w, "\"input_json_delta\"", "partial_json");
        genai_writer_piece(w, &(genai_str_t) genai_str("{}"));
        genai_ae_close(s, w);
    }

    s->kind = GENAI_AE_NONE;

    genai_ae_open(w, "content_block_stop");
    genai_writer_name(w, "index");
    genai_writer_int(w, s->index);
    genai_ae_done(w);

    s->index++;
}


/* a delta of the open block, up to the inside of its string */

static void
genai_ae_delta(genai_anthropic_stream_t *s, genai_writer_t *w,
    const char *type, const char *name)
{
    genai_ae_open(w, "content_block_delta");
    genai_writer_name(w, "index");
    genai_writer_int(w, s->index);
    genai_writer_name(w, "delta");
    genai_writer_open(w, '{');
    genai_anthropic_literal(w, "type", type);
    genai_writer_name(w, name);
    genai_writer_begin(w);
}


static void
genai_ae_close(genai_anthropic_stream_t *s, genai_writer_t *w)
{
    genai_writer_end(w);
    genai_writer_close(w, '}');
    genai_ae_done(w);

    s->tail = NULL;
}


/* an event, up to behind its type */

static void
genai_ae_open(genai_writer_t *w, const char *event)
{
    genai_str_t  type;

    type.data = (unsigned char *) event;
    type.len = strlen(event);

    genai_writer_bytes(w, "event: ", 7);
    genai_writer_bytes(w, event, type.len);
    genai_writer_bytes(w, "\ndata: ", 7);
    genai_writer_open(w, '{');
    genai_anthropic_string(w, "type", &type);
}


static void
genai_ae_done(genai_writer_t *w)
{
    genai_writer_close(w, '}');
    genai_writer_bytes(w, "\n\n", 2);
}
