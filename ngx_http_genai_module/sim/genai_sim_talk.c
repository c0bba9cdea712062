/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_sim_talk.h"

#include <stdlib.h>


/* bytes of a token of a digest */
#define GENAI_SIM_TALK_PIECE  32


typedef enum {
    GENAI_SIM_TALK_START = 0,
    GENAI_SIM_TALK_TOKEN,
    GENAI_SIM_TALK_FINISH,
    GENAI_SIM_TALK_USAGE,
    GENAI_SIM_TALK_END,
    GENAI_SIM_TALK_OVER
} genai_sim_talk_state_e;


static unsigned char *genai_sim_talk_unit(genai_sim_answer_t *a,
    unsigned char *p, unsigned char *end);
static size_t genai_sim_talk_event(const genai_sim_talk_t *t, size_t from);
static int genai_sim_talk_step(genai_sim_talk_t *t, genai_sim_answer_t *a);
static int genai_sim_talk_array(genai_sim_talk_t *t, size_t from);
static int genai_sim_talk_token(genai_sim_talk_t *t, genai_sim_answer_t *a);
static int genai_sim_talk_sign(genai_sim_talk_t *t, genai_sim_answer_t *a,
    genai_field_e field);
static int genai_sim_talk_usage(genai_sim_talk_t *t, genai_sim_answer_t *a);
static void genai_sim_talk_plan(genai_sim_talk_t *t, genai_writer_t *w);
static void genai_sim_talk_plan_tools(genai_sim_talk_t *t, genai_writer_t *w);
static int genai_sim_talk_write(void *ctx, const unsigned char *p, size_t n);
static void *genai_sim_talk_alloc(void *ctx, void *p, size_t old, size_t size);


#define genai_sim_talk_is(t, text)                                            \
    genai_str_is(&(t)->dialect->name, text)


const char *
genai_sim_talk_read(genai_sim_talk_t *t, const genai_dialect_t *dialect,
    genai_endpoint_e endpoint, const genai_str_t *path,
    const genai_str_t *body)
{
    unsigned                stream;
    genai_cursor_t          at;
    const genai_dialect_t  *path_dialect;

    static const char  memory[] = "there is no memory for this request";

    memset(t, 0, sizeof(genai_sim_talk_t));

    path_dialect = dialect;
    dialect = genai_dialect_bodies(dialect);
    t->path = path_dialect;
    t->dialect = dialect;

    genai_arena_init(&t->arena, GENAI_SIM_TALK_MAX + 64 * body->len);
    genai_request_init(&t->parsed, dialect, endpoint, body, &t->arena);

    if (genai_request_read(&t->parsed, SIZE_MAX) != GENAI_REQUEST_DONE) {
        return t->parsed.error;
    }

    if (genai_document_init(&t->document, body, &t->parsed.tape, NULL, NULL,
                            &t->arena)
        != GENAI_EDIT_OK)
    {
        return memory;
    }

    stream = t->parsed.stream_asked;

    if ((path_dialect->path_read == NULL
         || path_dialect->path_read(path, &t->model, &stream) == 0)
        && t->parsed.model
        && genai_cursor_at(&t->document, t->parsed.model, &at)
        && genai_cursor_text(&at, &t->arena, &t->model) != 0)
    {
        return memory;
    }

    if (t->model.len == 0) {
        return "you must provide a model";
    }

    if (endpoint != dialect->chat) {
        return NULL;
    }

    genai_chat_init(&t->chat, dialect, &t->arena);

    switch (dialect->read_chat(&t->chat, &t->document)) {

    case GENAI_CHAT_OK:
        break;

    case GENAI_CHAT_REFUSED:
        return t->chat.error;

    default:
        return memory;
    }

    t->chat.stream = stream;

    return NULL;
}


int
genai_sim_talk_request(genai_sim_talk_t *t, genai_sim_request_t *req,
    const genai_str_t *body)
{
    genai_writer_t        w;
    genai_writer_arena_t  out;

    memset(&out, 0, sizeof(genai_writer_arena_t));
    out.arena = &t->arena;

    genai_writer_init(&w, genai_writer_arena, &out);
    genai_sim_talk_plan(t, &w);

    if (genai_writer_flush(&w) != 0) {
        memset(req, 0, sizeof(genai_sim_request_t));
        req->error = "there is no memory for this request";
        req->param = "";

        return -1;
    }

    if (genai_sim_request_read(req, GENAI_ENDPOINT_CHAT, NULL, out.text.data,
                               out.text.len)
        != 0)
    {
        if (req->param == NULL) {
            req->param = "";
        }

        return -1;
    }

    req->seed = genai_sim_hash(body->data, body->len);

    return 0;
}


/* the request in the words of OpenAI's, as far as the answer depends on it */

static void
genai_sim_talk_plan(genai_sim_talk_t *t, genai_writer_t *w)
{
    unsigned       result;
    genai_chat_t  *chat;
    genai_part_t  *part;

    chat = &t->chat;
    result = 0;

    for (part = chat->last_message ? chat->last_message->parts : NULL;
         part;
         part = part->next)
    {
        result |= (part->kind == GENAI_PART_RESULT);
    }

    genai_writer_open(w, '{');
    genai_writer_name(w, "model");
    genai_writer_string(w, &t->model);
    genai_writer_name(w, "messages");
    genai_writer_literal(w, result ? "[{\"role\":\"tool\"}]"
                                   : "[{\"role\":\"user\"}]");

    if (chat->stream) {
        genai_writer_name(w, "stream");
        genai_writer_literal(w, "true");
        genai_writer_name(w, "stream_options");
        genai_writer_literal(w, chat->usage
                                || t->dialect->chat != GENAI_ENDPOINT_CHAT
                                ? "{\"include_usage\":true}" : "{}");
    }

    if (chat->n > 1) {
        genai_writer_name(w, "n");
        genai_writer_int(w, chat->n);
    }

    if (chat->max_output > 0) {
        genai_writer_name(w, "max_tokens");
        genai_writer_int(w, chat->max_output < INT32_MAX ? chat->max_output
                                                         : INT32_MAX);
    }

    genai_sim_talk_plan_tools(t, w);

    switch (chat->format) {

    case GENAI_FORMAT_JSON:
        genai_writer_name(w, "response_format");
        genai_writer_literal(w, "{\"type\":\"json_object\"}");
        break;

    case GENAI_FORMAT_SCHEMA:
        genai_writer_name(w, "response_format");
        genai_writer_open(w, '{');
        genai_writer_name(w, "type");
        genai_writer_literal(w, "\"json_schema\"");
        genai_writer_name(w, "json_schema");
        genai_writer_open(w, '{');
        genai_value_member(&chat->format_schema, w, "schema");
        genai_writer_close(w, '}');
        genai_writer_close(w, '}');
        break;

    default:
        break;
    }

    genai_writer_close(w, '}');
}


static void
genai_sim_talk_plan_tools(genai_sim_talk_t *t, genai_writer_t *w)
{
    unsigned       any;
    genai_tool_t  *tool;

    any = 0;

    for (tool = t->chat.tools; tool; tool = tool->next) {

        if (tool->kind != GENAI_TOOL_FUNCTION) {
            continue;
        }

        if (!any) {
            any = 1;
            genai_writer_name(w, "tools");
            genai_writer_open(w, '[');
        }

        genai_writer_open(w, '{');
        genai_writer_name(w, "function");
        genai_writer_open(w, '{');
        genai_value_member(&tool->name, w, "name");
        genai_value_member(&tool->schema, w, "parameters");
        genai_writer_close(w, '}');
        genai_writer_close(w, '}');
    }

    if (!any) {
        return;
    }

    genai_writer_close(w, ']');

    if (t->chat.choice == GENAI_CHOICE_NONE) {
        genai_writer_name(w, "tool_choice");
        genai_writer_literal(w, "\"none\"");

    } else if (t->chat.choice == GENAI_CHOICE_NAMED) {
        genai_writer_name(w, "tool_choice");
        genai_writer_open(w, '{');
        genai_writer_name(w, "function");
        genai_writer_open(w, '{');
        genai_value_member(&t->chat.choice_name, w, "name");
        genai_writer_close(w, '}');
        genai_writer_close(w, '}');
    }
}


int
genai_sim_talk_answer(genai_sim_talk_t *t, genai_sim_answer_t *a,
    const genai_sim_opts_t *o, unsigned array)
{
    int                     rc;
    uint64_t                all;
    unsigned char          *p;
    const genai_dialect_t  *d;

    static genai_str_t  refusal = genai_str("I cannot help with that.");

    d = t->dialect;

    t->refusal = (o->refusal != 0);
    t->filter = (o->filter != 0);
    t->array = array && a->stream;
    t->framed = a->stream && d->stream_type.len;
    t->thoughts = o->reasoning;
    t->cached = o->cached;
    t->calls = 1;

    if (t->refusal) {
        a->text = refusal;
        a->function = NULL;
        a->piece = 8;

    } else if (a->function) {
        t->calls = (t->chat.parallel == 0) ? 1 : o->calls;
    }

    if (o->echo) {
        a->piece = GENAI_SIM_TALK_PIECE;
    }

    if (t->cached > a->prompt_tokens) {
        t->cached = a->prompt_tokens;
    }

    /* the request's maximum is one of all that is made */

    t->said = a->text.data ? genai_sim_answer_pieces(a) : (uint64_t) o->tokens;
    all = t->thoughts + t->said * t->calls;

    a->finish = a->function ? "tool_calls" : "stop";

    if (a->max_tokens < all) {
        all = a->max_tokens;
        a->finish = "length";
    }

    a->steps = all;
    a->unit = genai_sim_talk_unit;
    a->talk = t;
    a->state = 0;

    p = t->id;
    p = genai_sim_put_str(p, &d->id_prefix);
    p = genai_sim_put_hex(p, a->id);

    t->head.id.data = t->id;
    t->head.id.len = p - t->id;
    t->head.model = t->model;
    t->head.created = a->created;
    t->head.usage = a->usage;
    t->head.prompt = a->usage ? (int64_t) a->prompt_tokens : -1;

    if (a->stream) {

        t->encoder = genai_arena_alloc(&t->arena, d->encoder_size);
        if (t->encoder == NULL) {
            return -1;
        }

        d->encoder_init(t->encoder, &t->head, genai_sim_talk_write, t);

        if (d->encoder_keep) {
            d->encoder_keep(t->encoder, GENAI_SIM_TALK_MAX,
                            genai_sim_talk_alloc, NULL);
        }

        return 0;
    }

    t->whole = genai_arena_alloc(&t->arena, sizeof(genai_whole_t));
    if (t->whole == NULL) {
        return -1;
    }

    genai_whole_init(t->whole, &t->head, GENAI_SIM_TALK_MAX,
                     genai_sim_talk_alloc, NULL);

    do {
        rc = genai_sim_talk_step(t, a);
    } while (rc == 0 && t->state != GENAI_SIM_TALK_OVER);

    if (rc == 0) {
        rc = d->whole_write(t->whole, genai_sim_talk_write, t);
    }

    a->reported = 0;

    return rc;
}


static unsigned char *
genai_sim_talk_unit(genai_sim_answer_t *a, unsigned char *p,
    unsigned char *end)
{
    size_t             n;
    genai_sim_talk_t  *t;

    t = a->talk;

    while (t->sent == t->len) {

        if (t->state == GENAI_SIM_TALK_OVER) {
            return p;
        }

        t->sent = 0;
        t->len = 0;

        if (genai_sim_talk_step(t, a) != 0) {
            t->state = GENAI_SIM_TALK_OVER;
            t->len = 0;
        }
    }

    n = genai_sim_talk_event(t, t->sent);

    if (n <= (size_t) (end - p)) {
        a->events++;

    } else {
        n = end - p;
    }

    memcpy(p, t->out + t->sent, n);
    t->sent += n;

    if (t->whole) {
        a->tokens = t->fresh * t->sent / t->len;

        if (t->sent == t->len && a->usage) {
            a->reported = t->fresh;
        }

    } else if (t->sent == t->len) {
        a->tokens += t->fresh;
        t->fresh = 0;
    }

    return p + n;
}


/* the bytes of the event that begins there, or all where there are none */

static size_t
genai_sim_talk_event(const genai_sim_talk_t *t, size_t from)
{
    size_t          n;
    unsigned char  *p, *end;

    p = t->out + from;
    end = t->out + t->len;

    if (t->framed && end - p >= 4) {

        /* each begins with its length */

        n = (size_t) p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];

        return (n >= 4 && n < (size_t) (end - p)) ? n : (size_t) (end - p);
    }

    if (t->encoder) {

        for (p = t->out + from; p + 1 < end; p++) {
            if (p[0] == '\n' && p[1] == '\n') {
                return p + 2 - (t->out + from);
            }
        }
    }

    return t->len - from;
}


static int
genai_sim_talk_tell(genai_sim_talk_t *t, const genai_event_t *e)
{
    return t->whole ? genai_whole_event(t->whole, e)
                    : t->dialect->encoder_event(t->encoder, e);
}


/* the next thing that is said; -1: it cannot be */

static int
genai_sim_talk_step(genai_sim_talk_t *t, genai_sim_answer_t *a)
{
    int             rc;
    size_t          from;
    genai_event_t   e;

    from = t->len;

    memset(&e, 0, sizeof(genai_event_t));
    e.choice = a->choice;

    switch (t->state) {

    case GENAI_SIM_TALK_START:
        e.type = GENAI_EVENT_START;
        e.id = t->head.id;
        e.name = t->head.model;
        rc = genai_sim_talk_tell(t, &e);
        t->state = a->steps ? GENAI_SIM_TALK_TOKEN : GENAI_SIM_TALK_FINISH;
        break;

    case GENAI_SIM_TALK_TOKEN:
        rc = genai_sim_talk_token(t, a);
        break;

    case GENAI_SIM_TALK_FINISH:
        e.type = GENAI_EVENT_FINISH;
        e.finish = t->filter ? GENAI_FINISH_FILTER
                   : strcmp(a->finish, "length") == 0 ? GENAI_FINISH_LENGTH
                   : a->function ? GENAI_FINISH_TOOL : GENAI_FINISH_STOP;
        rc = genai_sim_talk_tell(t, &e);

        a->step = 0;
        a->offset = 0;
        t->call = 0;
        t->signed_for = 0;
        t->state = (++a->choice < a->choices)
                   ? (a->steps ? GENAI_SIM_TALK_TOKEN : GENAI_SIM_TALK_FINISH)
                   : GENAI_SIM_TALK_USAGE;
        break;

    case GENAI_SIM_TALK_USAGE:
        rc = a->usage ? genai_sim_talk_usage(t, a) : 0;
        t->state = GENAI_SIM_TALK_END;
        break;

    default:
        e.type = GENAI_EVENT_END;
        e.end_how = GENAI_END_DONE;
        e.choice = 0;
        rc = genai_sim_talk_tell(t, &e);
        t->state = GENAI_SIM_TALK_OVER;
    }

    return (rc == 0) ? genai_sim_talk_array(t, from) : rc;
}


/*
 * Of a JSON array, the events behind from become elements: "data: " is what
 * stands between them, and the LFs are blanks.
 */

static int
genai_sim_talk_array(genai_sim_talk_t *t, size_t from)
{
    if (!t->array) {
        return 0;
    }

    for ( /* void */ ; from < t->len; from += genai_sim_talk_event(t, from)) {
        memcpy(t->out + from, t->begun ? ",\r\n   " : "[     ", 6);
        t->begun = 1;
    }

    return (t->state == GENAI_SIM_TALK_OVER)
           ? genai_sim_talk_write(t, (unsigned char *) "[]\n" + t->begun,
                                  3 - t->begun)
           : 0;
}


static int
genai_sim_talk_token(genai_sim_talk_t *t, genai_sim_answer_t *a)
{
    int            rc;
    uint64_t       n;
    genai_str_t    id;
    genai_event_t  e;
    unsigned char  text[GENAI_SIM_NAME], call[32];

    memset(&e, 0, sizeof(genai_event_t));

    e.choice = a->choice;
    e.first = 1;
    e.last = 1;

    rc = 0;
    n = a->step - t->thoughts;

    if (a->step < t->thoughts) {
        e.type = GENAI_EVENT_REASONING;
        genai_sim_word(~a->seed, a->step, &e.text);

    } else {

        if (t->thoughts && !t->signed_for && !genai_sim_talk_is(t, "gemini")) {
            t->signed_for = 1;
            rc = genai_sim_talk_sign(t, a,
                                     genai_sim_talk_is(t, "responses")
                                     ? GENAI_FIELD_SEALED
                                     : GENAI_FIELD_OF_THOUGHT);
        }

        if (a->function && n % t->said == 0) {

            /* the name is raw, as it stands in JSON */

            id.data = (unsigned char *) a->function;
            id.len = strlen(a->function);

            e.type = GENAI_EVENT_TOOL;
            e.block = t->call = n / t->said;
            e.name.data = text;
            e.name.len = genai_sim_json_unescape(text, &id);
            e.id.data = call;
            e.id.len = genai_sim_put_hex(genai_sim_put(call, "call_"),
                           genai_sim_mix(a->id + 64 * a->choice + t->call))
                       - call;

            rc |= genai_sim_talk_tell(t, &e);

            e.id.len = 0;
            e.name.len = 0;
            a->offset = 0;
        }

        e.type = t->refusal ? GENAI_EVENT_REFUSAL
                 : a->function ? GENAI_EVENT_ARGUMENTS : GENAI_EVENT_TEXT;
        e.block = t->call;

        if (a->text.data) {
            e.text.data = a->text.data + a->offset;
            e.text.len = genai_sim_answer_piece(a, a->offset) - a->offset;
            a->offset += e.text.len;

        } else {
            genai_sim_word(a->seed + ((uint64_t) a->choice << 32), n,
                           &e.text);
        }
    }

    rc |= genai_sim_talk_tell(t, &e);

    t->fresh++;
    a->step++;

    /* Gemini signs what came of a thought: the first call, or the text */

    if (t->thoughts && genai_sim_talk_is(t, "gemini") && !t->refusal
        && a->step == t->thoughts + t->said)
    {
        rc |= genai_sim_talk_sign(t, a, a->function ? GENAI_FIELD_OF_CALL
                                                    : GENAI_FIELD_OF_TEXT);
    }

    if (a->step == a->steps) {
        t->state = GENAI_SIM_TALK_FINISH;
    }

    return rc ? -1 : 0;
}


static int
genai_sim_talk_sign(genai_sim_talk_t *t, genai_sim_answer_t *a,
    genai_field_e field)
{
    genai_event_t  e;
    unsigned char  text[16];

    if (t->dialect->chat == GENAI_ENDPOINT_CHAT) {

        /* OpenAI's thoughts are not signed */

        return 0;
    }

    memset(&e, 0, sizeof(genai_event_t));

    e.type = GENAI_EVENT_SIGNATURE;
    e.field = field;
    e.choice = a->choice;
    e.name = t->dialect->name;
    e.first = 1;
    e.last = 1;

    /* which is base64 as well, of twelve bytes */

    (void) genai_sim_put_hex(text, genai_sim_mix(a->seed + 1));

    e.text.data = text;
    e.text.len = sizeof(text);

    return genai_sim_talk_tell(t, &e);
}


static int
genai_sim_talk_usage(genai_sim_talk_t *t, genai_sim_answer_t *a)
{
    uint64_t       n;
    genai_event_t  e;
    genai_usage_t  usage;

    n = (t->thoughts < a->steps) ? t->thoughts : a->steps;
    a->reported = a->steps * a->choices;

    genai_usage_clear(&usage);

    usage.prompt = a->prompt_tokens;
    usage.cached = t->cached;
    usage.completion = a->reported;
    usage.reasoning = n * a->choices;
    usage.total = usage.prompt + usage.completion;

    memset(&e, 0, sizeof(genai_event_t));

    e.type = GENAI_EVENT_USAGE;
    e.usage = &usage;

    return genai_sim_talk_tell(t, &e);
}


/* what is encoded already has waited; so has what is no token */

uint64_t
genai_sim_talk_due(const genai_sim_talk_t *t, const genai_sim_answer_t *a)
{
    return (t->sent == t->len && t->state == GENAI_SIM_TALK_TOKEN) ? a->tokens
                                                                   : 0;
}


/* of a stream it is not known, and nobody asks */

uint64_t
genai_sim_talk_rest(const genai_sim_talk_t *t)
{
    return t->len - t->sent;
}


void
genai_sim_talk_fail(genai_sim_talk_t *t)
{
    size_t                    from;
    genai_event_t             e;

    static const genai_str_t  message =
        genai_str("the provider had an error while it was answering");
    static const genai_str_t  type = genai_str("server_error");

    from = t->len;

    memset(&e, 0, sizeof(genai_event_t));

    e.type = GENAI_EVENT_ERROR;
    e.text = message;
    e.name = type;

    t->state = GENAI_SIM_TALK_OVER;

    if (genai_sim_talk_tell(t, &e) == 0) {
        (void) genai_sim_talk_array(t, from);
    }
}


void
genai_sim_talk_free(genai_sim_talk_t *t)
{
    if (t->encoder && t->dialect->encoder_free) {
        t->dialect->encoder_free(t->encoder);
    }

    if (t->whole) {
        genai_whole_free(t->whole);
    }

    free(t->out);
    t->out = NULL;

    genai_arena_destroy(&t->arena);
}


int
genai_sim_talk_needed(const genai_sim_opts_t *o)
{
    return o->reasoning || o->calls > 1 || o->cached || o->refusal
           || o->filter || o->echo;
}


static int
genai_sim_talk_write(void *ctx, const unsigned char *p, size_t n)
{
    genai_sim_talk_t *t = ctx;

    size_t          size;
    unsigned char  *out;

    if (t->size - t->len < n) {

        size = t->size ? t->size : 1024;

        while (size - t->len < n) {
            size *= 2;
        }

        out = realloc(t->out, size);
        if (out == NULL) {
            return -1;
        }

        t->out = out;
        t->size = size;
    }

    memcpy(t->out + t->len, p, n);
    t->len += n;

    return 0;
}


static void *
genai_sim_talk_alloc(void *ctx, void *p, size_t old, size_t size)
{
    (void) ctx;
    (void) old;

    if (size == 0) {
        free(p);
        return NULL;
    }

    return realloc(p, size);
}
