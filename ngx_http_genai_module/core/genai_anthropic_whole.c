/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The encoder of Anthropic's answers as one JSON text, and what it shares
 * with that of streams.
 */


#include "genai_anthropic_encode_int.h"
#include "genai_gather.h"
#include "genai_mark.h"

#include <stdio.h>


static void genai_aw_blocks(const genai_whole_t *w, genai_writer_t *o,
    const genai_whole_slot_t *slot, unsigned *called, unsigned *refused);
static void genai_aw_text(genai_writer_t *o, const genai_whole_slot_t *slot);
static void genai_aw_thought(genai_writer_t *o,
    const genai_whole_slot_t *thought, const genai_whole_slot_t *signature);
static void genai_aw_sealed(genai_writer_t *o,
    const genai_whole_slot_t *signature, const genai_whole_slot_t *call);
static void genai_aw_call(genai_writer_t *o, const genai_answer_head_t *head,
    const genai_whole_slot_t *slot);
static void genai_aw_signature(genai_writer_t *o, const char *name,
    const genai_whole_slot_t *slot, const genai_whole_slot_t *call,
    unsigned own);


int
genai_anthropic_whole_write(const genai_whole_t *w, genai_write_pt write,
    void *ctx)
{
    unsigned                   i, called, refused;
    genai_str_t                id, type, text;
    genai_writer_t             o;
    const genai_whole_slot_t  *slot;

    static const genai_str_t  gone =
        genai_str("The provider gave up its answer");

    if (w->rc != 0) {
        return -1;
    }

    genai_writer_init(&o, write, ctx);

    slot = genai_whole_error(w);

    if (slot) {
        genai_whole_parts(slot, &id, &type, &text);
        genai_anthropic_error(&o, &text, &type);

        return genai_writer_flush(&o) ? -1 : 0;
    }

    slot = genai_whole_find(w, 0, GENAI_EVENT_FINISH, 0);

    if (slot && slot->finish == GENAI_FINISH_ERROR) {
        genai_anthropic_error(&o, &gone, NULL);

        return genai_writer_flush(&o) ? -1 : 0;
    }

    genai_writer_open(&o, '{');
    genai_anthropic_head(&o, w->head);
    genai_writer_name(&o, "content");
    genai_writer_open(&o, '[');

    called = 0;
    refused = 0;

    for (i = 0; i < w->n; i++) {
        if (w->slot[i].choice == 0) {
            genai_aw_blocks(w, &o, &w->slot[i], &called, &refused);
        }
    }

    genai_writer_close(&o, ']');

    text.len = slot ? slot->len : 0;
    text.data = slot ? slot->data : NULL;

    genai_anthropic_stop(&o, slot ? slot->finish : GENAI_FINISH_NONE, &text,
                         called, refused);
    genai_anthropic_usage(&o, &w->usage, w->head->prompt);
    genai_writer_close(&o, '}');

    return genai_writer_flush(&o) ? -1 : 0;
}


/* the block of a slot with what signs it, where it is not another's part */

static void
genai_aw_blocks(const genai_whole_t *w, genai_writer_t *o,
    const genai_whole_slot_t *slot, unsigned *called, unsigned *refused)
{
    const genai_whole_slot_t  *signature;

    switch (slot->type) {

    case GENAI_EVENT_TEXT:
        genai_aw_text(o, slot);
        signature = genai_whole_signature(w, slot, GENAI_FIELD_OF_TEXT);
        break;

    case GENAI_EVENT_REFUSAL:
        *refused = 1;
        genai_aw_text(o, slot);
        return;

    case GENAI_EVENT_REASONING:
        genai_aw_thought(o, slot,
                         genai_whole_signature(w, slot,
                                               GENAI_FIELD_OF_THOUGHT));
        return;

    case GENAI_EVENT_TOOL:
        *called = 1;
        genai_aw_call(o, w->head, slot);
        signature = genai_whole_signature(w, slot, GENAI_FIELD_OF_CALL);
        break;

    case GENAI_EVENT_SIGNATURE:

        if (slot->field == GENAI_FIELD_OF_THOUGHT
            && genai_whole_signed(w, slot) == NULL)
        {
            genai_aw_thought(o, NULL, slot);
        }

        signature = (slot->field == GENAI_FIELD_SEALED) ? slot : NULL;
        break;

    default:
        return;
    }

    if (signature) {
        genai_aw_sealed(o, signature,
                        slot->type == GENAI_EVENT_TOOL ? slot : NULL);
    }
}


static void
genai_aw_text(genai_writer_t *o, const genai_whole_slot_t *slot)
{
    genai_str_t  text = { slot->len, slot->data };

    genai_writer_open(o, '{');
    genai_anthropic_literal(o, "type", "\"text\"");
    genai_anthropic_string(o, "text", &text);
    genai_writer_close(o, '}');
}


static void
genai_aw_thought(genai_writer_t *o, const genai_whole_slot_t *thought,
    const genai_whole_slot_t *signature)
{
    genai_str_t  text;

    text.len = thought ? thought->len : 0;
    text.data = thought ? thought->data : NULL;

    genai_writer_open(o, '{');
    genai_anthropic_literal(o, "type", "\"thinking\"");
    genai_anthropic_string(o, "thinking", &text);

    if (signature) {
        genai_aw_signature(o, "signature", signature, NULL, 1);

    } else {
        genai_anthropic_literal(o, "signature", "\"\"");
    }

    genai_writer_close(o, '}');
}


static void
genai_aw_sealed(genai_writer_t *o, const genai_whole_slot_t *signature,
    const genai_whole_slot_t *call)
{
    genai_writer_open(o, '{');
    genai_anthropic_literal(o, "type", "\"redacted_thinking\"");
    genai_aw_signature(o, "data", signature, call,
                       signature->field == GENAI_FIELD_SEALED);
    genai_writer_close(o, '}');
}


static void
genai_aw_call(genai_writer_t *o, const genai_answer_head_t *head,
    const genai_whole_slot_t *slot)
{
    genai_str_t  id, name, args;

    genai_whole_parts(slot, &id, &name, &args);

    genai_writer_open(o, '{');
    genai_anthropic_literal(o, "type", "\"tool_use\"");
    genai_anthropic_call_id(o, head, &id, slot->block);
    genai_anthropic_string(o, "name", &name);
    genai_writer_name(o, "input");

    if (genai_is_object(&args)) {
        genai_writer_raw(o, &args);

    } else {
        genai_writer_literal(o, "{}");
    }

    genai_writer_close(o, '}');
}


/*
 * call: that it is of, or NULL; own: where it stands, one of Anthropic's may
 * stand as it is
 */

static void
genai_aw_signature(genai_writer_t *o, const char *name,
    const genai_whole_slot_t *slot, const genai_whole_slot_t *call,
    unsigned own)
{
    genai_str_t  id, signer, text, none;

    genai_whole_parts(slot, &id, &signer, &text);

    if (call) {
        genai_whole_parts(call, &id, &none, &none);
    }

    genai_writer_name(o, name);
    genai_writer_begin(o);

    if (!own || !genai_str_is(&signer, "anthropic")) {
        genai_anthropic_mark(o, slot->field, &signer, &id);
    }

    genai_writer_piece(o, &text);
    genai_writer_end(o);
}


void
genai_anthropic_string(genai_writer_t *w, const char *name,
    const genai_str_t *s)
{
    genai_writer_name(w, name);
    genai_writer_string(w, s);
}


void
genai_anthropic_literal(genai_writer_t *w, const char *name, const char *json)
{
    genai_writer_name(w, name);
    genai_writer_literal(w, json);
}


void
genai_anthropic_head(genai_writer_t *w, const genai_answer_head_t *head)
{
    genai_anthropic_string(w, "id", &head->id);
    genai_anthropic_literal(w, "type", "\"message\"");
    genai_anthropic_literal(w, "role", "\"assistant\"");
    genai_anthropic_string(w, "model", &head->model);
}


/*
 * The dialect's own words stay as they are; another one is that of another
 * dialect, and what it means counts.  Who calls a tool waits for it, also
 * where the provider says that it has just stopped.
 */

void
genai_anthropic_call_id(genai_writer_t *w, const genai_answer_head_t *head,
    const genai_str_t *id, unsigned number)
{
    char         n[16];
    genai_str_t  s;

    if (id->len) {
        genai_anthropic_string(w, "id", id);
        return;
    }

    s = head->id;

    if (s.len > 4 && memcmp(s.data, "msg_", 4) == 0) {
        s.data += 4;
        s.len -= 4;
    }

    genai_writer_name(w, "id");
    genai_writer_begin(w);
    genai_writer_piece(w, &(genai_str_t) genai_str("toolu_"));
    genai_writer_piece(w, &s);

    s.data = (unsigned char *) n;
    s.len = snprintf(n, sizeof(n), "_%u", number);

    genai_writer_piece(w, &s);
    genai_writer_end(w);
}


void
genai_anthropic_stop(genai_writer_t *w, genai_finish_e finish,
    const genai_str_t *word, unsigned called, unsigned refused)
{
    const char  *reason;

    switch (finish) {

    case GENAI_FINISH_LENGTH:
        reason = genai_str_is(word, "model_context_window_exceeded")
                 ? "\"model_context_window_exceeded\"" : "\"max_tokens\"";
        break;

    case GENAI_FINISH_TOOL:
        reason = "\"tool_use\"";
        break;

    case GENAI_FINISH_FILTER:
        reason = "\"refusal\"";
        break;

    case GENAI_FINISH_OTHER:
        reason = word->len ? NULL : "\"end_turn\"";
        break;

    default:
        reason = called ? "\"tool_use\"" : refused ? "\"refusal\""
                 : genai_str_is(word, "stop_sequence") ? "\"stop_sequence\""
                 : "\"end_turn\"";
        break;
    }

    if (reason) {
        genai_anthropic_literal(w, "stop_reason", reason);

    } else {
        genai_anthropic_string(w, "stop_reason", word);
    }

    genai_anthropic_literal(w, "stop_sequence", "null");
}


/*
 * Anthropic counts cached tokens beside the others.  Both counts are members
 * that clients add up, and are there also where nobody knows them.
 */

void
genai_anthropic_usage(genai_writer_t *w, const genai_usage_t *u,
    int64_t prompt)
{
    int64_t  read, written, hour, input, output;

    input = prompt;
    output = 0;
    read = -1;
    written = -1;
    hour = -1;

    if (u) {
        read = u->cached;
        hour = u->written_1h;

        if (u->written_5m >= 0 || hour >= 0) {
            written = (u->written_5m > 0 ? u->written_5m : 0)
                      + (hour > 0 ? hour : 0);
        }

        if (u->prompt >= 0) {
            input = u->prompt - (read > 0 ? read : 0)
                    - (written > 0 ? written : 0);
        }

        output = genai_usage_completion(u);
    }

    genai_writer_name(w, "usage");
    genai_writer_open(w, '{');
    genai_writer_name(w, "input_tokens");
    genai_writer_int(w, input > 0 ? input : 0);

    if (written >= 0) {
        genai_writer_name(w, "cache_creation_input_tokens");
        genai_writer_int(w, written);
    }

    if (read >= 0) {
        genai_writer_name(w, "cache_read_input_tokens");
        genai_writer_int(w, read);
    }

    if (hour >= 0) {
        genai_writer_name(w, "cache_creation");
        genai_writer_open(w, '{');
        genai_writer_name(w, "ephemeral_5m_input_tokens");
        genai_writer_int(w, u->written_5m > 0 ? u->written_5m : 0);
        genai_writer_name(w, "ephemeral_1h_input_tokens");
        genai_writer_int(w, hour);
        genai_writer_close(w, '}');
    }

    genai_writer_name(w, "output_tokens");
    genai_writer_int(w, output > 0 ? output : 0);

    if (u && u->reasoning >= 0) {
        genai_writer_name(w, "output_tokens_details");
        genai_writer_open(w, '{');
        genai_writer_name(w, "thinking_tokens");
        genai_writer_int(w, u->reasoning);
        genai_writer_close(w, '}');
    }

    genai_writer_close(w, '}');
}


void
genai_anthropic_error(genai_writer_t *w, const genai_str_t *message,
    const genai_str_t *type)
{
    size_t              i;
    const genai_str_t  *word;

    static const genai_str_t  api = genai_str("api_error");

    /* its own words, and those of others for the same */

    static const struct {
        genai_str_t  name;
        genai_str_t  word;
    } words[] = {
        { genai_str("invalid_request_error"), { 0, NULL } },
        { genai_str("authentication_error"), { 0, NULL } },
        { genai_str("billing_error"), { 0, NULL } },
        { genai_str("permission_error"), { 0, NULL } },
        { genai_str("not_found_error"), { 0, NULL } },
        { genai_str("request_too_large"), { 0, NULL } },
        { genai_str("rate_limit_error"), { 0, NULL } },
        { genai_str("timeout_error"), { 0, NULL } },
        { genai_str("overloaded_error"), { 0, NULL } },
        { genai_str("insufficient_quota"), genai_str("rate_limit_error") },
        { genai_str("rate_limit_exceeded"), genai_str("rate_limit_error") },
        { genai_str("tokens"), genai_str("rate_limit_error") },
        { genai_str("requests"), genai_str("rate_limit_error") },
        { genai_str("throttlingException"), genai_str("rate_limit_error") },
        { genai_str("validationException"),
          genai_str("invalid_request_error") },
        { genai_str("serviceUnavailableException"),
          genai_str("overloaded_error") }
    };

    word = &api;

    for (i = 0; type && i < sizeof(words) / sizeof(words[0]); i++) {

        if (type->len == words[i].name.len
            && memcmp(type->data, words[i].name.data, type->len) == 0)
        {
            word = words[i].word.len ? &words[i].word : &words[i].name;
            break;
        }
    }

    genai_writer_open(w, '{');
    genai_anthropic_literal(w, "type", "\"error\"");
    genai_writer_name(w, "error");
    genai_writer_open(w, '{');
    genai_anthropic_string(w, "type", word);
    genai_anthropic_string(w, "message", message);
    genai_writer_close(w, '}');
    genai_writer_close(w, '}');
}


void
genai_anthropic_mark(genai_writer_t *w, genai_field_e field,
    const genai_str_t *name, const genai_str_t *id)
{
    char         text[GENAI_MARK_MAX];
    genai_str_t  mark;

    mark = genai_mark_write(text, field, name, id);

    genai_writer_piece(w, &mark);
    genai_writer_piece(w, id);
}
