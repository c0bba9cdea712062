/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The encoder of Gemini's answers as one JSON text, and what it shares with
 * that of streams.
 */


#include "genai_gemini_encode_int.h"

#include <stdio.h>


static void genai_gw_choice(const genai_whole_t *w, genai_writer_t *o,
    unsigned choice);
static void genai_gw_part(const genai_whole_t *w, genai_writer_t *o,
    const genai_whole_slot_t *slot);
static void genai_gw_call(genai_writer_t *o, const genai_whole_slot_t *slot);
static void genai_gw_signature(genai_writer_t *o,
    const genai_whole_slot_t *slot);


int
genai_gemini_whole_write(const genai_whole_t *w, genai_write_pt write,
    void *ctx)
{
    unsigned                   choice;
    genai_str_t                code, type, text;
    genai_writer_t             o;
    const genai_whole_slot_t  *slot;

    if (w->rc != 0) {
        return -1;
    }

    genai_writer_init(&o, write, ctx);

    slot = genai_whole_error(w);

    if (slot) {
        genai_whole_parts(slot, &code, &type, &text);
        genai_gemini_error(&o, &text, &type, &code);

        return genai_writer_flush(&o) ? -1 : 0;
    }

    genai_writer_open(&o, '{');
    genai_writer_name(&o, "candidates");
    genai_writer_open(&o, '[');

    choice = genai_whole_choice(w, 0);

    while (choice <= GENAI_WHOLE_INDEX_MAX) {
        genai_gw_choice(w, &o, choice);
        choice = genai_whole_choice(w, choice + 1);
    }

    genai_writer_close(&o, ']');
    genai_gemini_tail(&o, w->head, &w->usage);
    genai_writer_close(&o, '}');

    return genai_writer_flush(&o) ? -1 : 0;
}


static void
genai_gw_choice(const genai_whole_t *w, genai_writer_t *o, unsigned choice)
{
    unsigned                   i, refused;
    genai_str_t                word;
    const genai_whole_slot_t  *slot;

    refused = 0;

    genai_writer_open(o, '{');
    genai_writer_name(o, "content");
    genai_writer_open(o, '{');
    genai_writer_name(o, "parts");
    genai_writer_open(o, '[');

    for (i = 0; i < w->n; i++) {
        slot = &w->slot[i];

        if (slot->choice == choice) {
            refused |= (slot->type == GENAI_EVENT_REFUSAL);
            genai_gw_part(w, o, slot);
        }
    }

    genai_writer_close(o, ']');
    genai_gemini_literal(o, "role", "\"model\"");
    genai_writer_close(o, '}');

    slot = genai_whole_find(w, choice, GENAI_EVENT_FINISH, 0);

    if (slot) {
        word.len = slot->len;
        word.data = slot->data;

        genai_gemini_reason(o, slot->finish, &word, refused);
    }

    genai_gemini_int(o, "index", choice);
    genai_writer_close(o, '}');
}


/* the part of a slot with what signs it, where it is not another's */

static void
genai_gw_part(const genai_whole_t *w, genai_writer_t *o,
    const genai_whole_slot_t *slot)
{
    unsigned                   field;
    const genai_whole_slot_t  *signature;

    signature = NULL;
    field = GENAI_FIELD_OF_TEXT;

    switch (slot->type) {

    case GENAI_EVENT_REASONING:
        field = GENAI_FIELD_OF_THOUGHT;

        /* fall through */

    case GENAI_EVENT_TEXT:
        signature = genai_whole_signature(w, slot, field);

        /* fall through */

    case GENAI_EVENT_REFUSAL:
        genai_writer_open(o, '{');
        genai_gemini_string(o, "text", &(genai_str_t) { slot->len,
                                                        slot->data });
        if (slot->type == GENAI_EVENT_REASONING) {
            genai_gemini_literal(o, "thought", "true");
        }

        break;

    case GENAI_EVENT_TOOL:
        signature = genai_whole_signature(w, slot, GENAI_FIELD_OF_CALL);
        genai_writer_open(o, '{');
        genai_gw_call(o, slot);
        break;

    case GENAI_EVENT_SIGNATURE:

        if (slot->field != GENAI_FIELD_SEALED && genai_whole_signed(w, slot))
        {
            return;
        }

        signature = slot;

        genai_writer_open(o, '{');
        genai_gemini_literal(o, "text", "\"\"");

        if (slot->field == GENAI_FIELD_OF_THOUGHT
            || slot->field == GENAI_FIELD_SEALED)
        {
            genai_gemini_literal(o, "thought", "true");
        }

        break;

    default:
        return;
    }

    if (signature) {
        genai_gw_signature(o, signature);
    }

    genai_writer_close(o, '}');
}


static void
genai_gw_call(genai_writer_t *o, const genai_whole_slot_t *slot)
{
    genai_str_t  id, name, args;

    genai_whole_parts(slot, &id, &name, &args);

    genai_writer_name(o, "functionCall");
    genai_writer_open(o, '{');

    if (id.len) {
        genai_gemini_string(o, "id", &id);
    }

    genai_gemini_string(o, "name", &name);
    genai_writer_name(o, "args");
    genai_gemini_args(o, &args, 0);
    genai_writer_close(o, '}');
}


static void
genai_gw_signature(genai_writer_t *o, const genai_whole_slot_t *slot)
{
    genai_str_t     id, signer, text;
    genai_base64_t  b;

    genai_whole_parts(slot, &id, &signer, &text);

    if (genai_str_is(&signer, "gemini")
        && slot->field != GENAI_FIELD_SEALED)
    {
        genai_gemini_string(o, "thoughtSignature", &text);
        return;
    }

    b.n = 0;

    genai_writer_name(o, "thoughtSignature");
    genai_writer_begin(o);
    genai_base64_mark(&b, o, slot->field, &signer, &id);
    genai_base64_write(&b, o, &text);
    genai_base64_end(&b, o);
    genai_writer_end(o);
}


void
genai_gemini_string(genai_writer_t *w, const char *name, const genai_str_t *s)
{
    genai_writer_name(w, name);
    genai_writer_string(w, s);
}


void
genai_gemini_int(genai_writer_t *w, const char *name, int64_t n)
{
    genai_writer_name(w, name);
    genai_writer_int(w, n);
}


void
genai_gemini_literal(genai_writer_t *w, const char *name, const char *json)
{
    genai_writer_name(w, name);
    genai_writer_literal(w, json);
}


/* thoughts are counted beside the rest of the answer */

void
genai_gemini_tail(genai_writer_t *w, const genai_answer_head_t *head,
    const genai_usage_t *u)
{
    int64_t  said, total;

    if (u && (u->prompt >= 0 || u->completion >= 0)) {
        said = u->completion;
        total = u->total;

        if (u->reasoning > 0 && said >= u->reasoning
            && !(u->prompt >= 0 && total >= 0
                 && total - u->prompt - said == u->reasoning))
        {
            said -= u->reasoning;
        }

        if (total < 0 && u->prompt >= 0 && u->completion >= 0
            && u->prompt <= INT64_MAX - u->completion)
        {
            total = u->prompt + u->completion;
        }

        genai_writer_name(w, "usageMetadata");
        genai_writer_open(w, '{');

        if (u->prompt >= 0) {
            genai_gemini_int(w, "promptTokenCount", u->prompt);
        }

        if (u->cached >= 0) {
            genai_gemini_int(w, "cachedContentTokenCount", u->cached);
        }

        if (said >= 0) {
            genai_gemini_int(w, "candidatesTokenCount", said);
        }

        if (u->reasoning >= 0) {
            genai_gemini_int(w, "thoughtsTokenCount", u->reasoning);
        }

        if (total >= 0) {
            genai_gemini_int(w, "totalTokenCount", total);
        }

        genai_writer_close(w, '}');
    }

    genai_gemini_string(w, "modelVersion", &head->model);
    genai_gemini_string(w, "responseId", &head->id);
}


/*
 * The dialect's own words stay as they are; another one is that of another
 * dialect, and what it means counts.
 */

void
genai_gemini_reason(genai_writer_t *w, genai_finish_e finish,
    const genai_str_t *word, unsigned refused)
{
    const char      *reason;
    genai_finish_e   own;

    own = genai_gemini_finish(word, 0);

    if (own == finish && (own != GENAI_FINISH_OTHER
                          || genai_str_is(word, "OTHER"))
        && own != GENAI_FINISH_NONE && word->data[0] > '9' && !refused)
    {
        genai_gemini_string(w, "finishReason", word);
        return;
    }

    switch (finish) {

    case GENAI_FINISH_LENGTH:
        reason = "\"MAX_TOKENS\"";
        break;

    case GENAI_FINISH_FILTER:
        reason = "\"SAFETY\"";
        break;

    case GENAI_FINISH_ERROR:
    case GENAI_FINISH_OTHER:
        reason = "\"OTHER\"";
        break;

    default:
        reason = refused ? "\"SAFETY\"" : "\"STOP\"";
        break;
    }

    genai_gemini_literal(w, "finishReason", reason);
}


void
genai_gemini_error(genai_writer_t *w, const genai_str_t *message,
    const genai_str_t *type, const genai_str_t *code)
{
    size_t    i, found;
    int64_t   n;
    unsigned  known;

    /* Google's words come first, others mean one of them */

    static const struct {
        genai_str_t   name;
        unsigned      code;
        const char   *status;
    } words[] = {
        { genai_str("INTERNAL"), 500, "\"INTERNAL\"" },
        { genai_str("INVALID_ARGUMENT"), 400, "\"INVALID_ARGUMENT\"" },
        { genai_str("FAILED_PRECONDITION"), 400, "\"FAILED_PRECONDITION\"" },
        { genai_str("OUT_OF_RANGE"), 400, "\"OUT_OF_RANGE\"" },
        { genai_str("UNAUTHENTICATED"), 401, "\"UNAUTHENTICATED\"" },
        { genai_str("PERMISSION_DENIED"), 403, "\"PERMISSION_DENIED\"" },
        { genai_str("NOT_FOUND"), 404, "\"NOT_FOUND\"" },
        { genai_str("ABORTED"), 409, "\"ABORTED\"" },
        { genai_str("RESOURCE_EXHAUSTED"), 429, "\"RESOURCE_EXHAUSTED\"" },
        { genai_str("CANCELLED"), 499, "\"CANCELLED\"" },
        { genai_str("UNAVAILABLE"), 503, "\"UNAVAILABLE\"" },
        { genai_str("DEADLINE_EXCEEDED"), 504, "\"DEADLINE_EXCEEDED\"" },
        { genai_str("invalid_request_error"), 400, "\"INVALID_ARGUMENT\"" },
        { genai_str("request_too_large"), 400, "\"INVALID_ARGUMENT\"" },
        { genai_str("authentication_error"), 401, "\"UNAUTHENTICATED\"" },
        { genai_str("permission_error"), 403, "\"PERMISSION_DENIED\"" },
        { genai_str("billing_error"), 403, "\"PERMISSION_DENIED\"" },
        { genai_str("not_found_error"), 404, "\"NOT_FOUND\"" },
        { genai_str("rate_limit_error"), 429, "\"RESOURCE_EXHAUSTED\"" },
        { genai_str("rate_limit_exceeded"), 429, "\"RESOURCE_EXHAUSTED\"" },
        { genai_str("insufficient_quota"), 429, "\"RESOURCE_EXHAUSTED\"" },
        { genai_str("tokens"), 429, "\"RESOURCE_EXHAUSTED\"" },
        { genai_str("requests"), 429, "\"RESOURCE_EXHAUSTED\"" },
        { genai_str("overloaded_error"), 503, "\"UNAVAILABLE\"" },
        { genai_str("timeout_error"), 504, "\"DEADLINE_EXCEEDED\"" }
    };

    found = 0;
    known = 0;

    for (i = 0; type && i < sizeof(words) / sizeof(words[0]); i++) {

        if (type->len == words[i].name.len
            && memcmp(type->data, words[i].name.data, type->len) == 0)
        {
            found = i;
            known = 1;
            break;
        }
    }

    n = words[found].code;

    if (code && code->len == 3 && code->data[0] >= '4' && code->data[0] <= '5'
        && code->data[1] >= '0' && code->data[1] <= '9'
        && code->data[2] >= '0' && code->data[2] <= '9')
    {
        n = (code->data[0] - '0') * 100 + (code->data[1] - '0') * 10
            + code->data[2] - '0';

        for (i = 0; !known && i < sizeof(words) / sizeof(words[0]); i++) {

            if (words[i].code == n) {
                found = i;
                known = 1;
            }
        }
    }

    genai_writer_open(w, '{');
    genai_writer_name(w, "error");
    genai_writer_open(w, '{');
    genai_gemini_int(w, "code", n);
    genai_gemini_string(w, "message", message);
    genai_gemini_literal(w, "status", words[found].status);
    genai_writer_close(w, '}');
    genai_writer_close(w, '}');
}


/* a scanner that looks for nothing finds what is wrong */

static int
genai_gw_nothing(void *ctx, const genai_push_value_t *v)
{
    return 0;
}


void
genai_gemini_args_init(genai_push_t *push)
{
    static const genai_push_node_t  nodes[] = { { 0, 0, 0, 0, NULL } };

    genai_push_init(push, nodes, genai_gw_nothing, NULL);
}


int
genai_gemini_args_object(const genai_str_t *text)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {
        if (memchr(" \t\r\n", text->data[i], 4) == NULL) {
            return text->data[i] == '{';
        }
    }

    return -1;
}


void
genai_gemini_args(genai_writer_t *w, const genai_str_t *args, unsigned line)
{
    genai_push_t  push;

    if (genai_gemini_args_object(args) == 1) {

        genai_gemini_args_init(&push);

        if (genai_push_feed(&push, args->data, args->len, 0) == 0
            && genai_push_end(&push, args->len) == 0)
        {
            if (line) {
                genai_gemini_line(w, args, 1);

            } else {
                genai_writer_raw(w, args);
            }

            return;
        }
    }

    genai_writer_literal(w, "{}");
}


/* a line of a stream ends at a line end, which in JSON is but a blank */

void
genai_gemini_line(genai_writer_t *w, const genai_str_t *text, unsigned first)
{
    size_t       i, n;
    genai_str_t  run;

    for (i = 0; i < text->len || first; i += n) {

        for (n = 0;
             i + n < text->len && text->data[i + n] != '\n'
             && text->data[i + n] != '\r';
             n++)
        {
            /* void */
        }

        run.data = text->data + i;
        run.len = n;

        if (n == 0) {
            run.data = (unsigned char *) " ";
            run.len = 1;
            n = 1;
        }

        if (first) {
            genai_writer_raw(w, &run);
            first = 0;

        } else {
            genai_writer_bytes(w, (char *) run.data, run.len);
        }
    }
}
