/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The encoder of Bedrock's answers as one JSON text, and what it shares with
 * that of streams.
 */


#include "genai_bedrock_encode_int.h"
#include "genai_mark.h"

#include <stdio.h>


static void genai_bw_blocks(const genai_whole_t *w, genai_writer_t *o,
    const genai_whole_slot_t *slot, unsigned *called, unsigned *refused);
static void genai_bw_text(genai_writer_t *o, const genai_whole_slot_t *slot);
static void genai_bw_thought(genai_writer_t *o,
    const genai_whole_slot_t *thought, const genai_whole_slot_t *signature);
static void genai_bw_sealed(genai_writer_t *o,
    const genai_whole_slot_t *signature, const genai_whole_slot_t *call);
static void genai_bw_call(genai_writer_t *o, const genai_answer_head_t *head,
    const genai_whole_slot_t *slot);
static void genai_bw_signature(genai_writer_t *o,
    const genai_whole_slot_t *slot, const genai_whole_slot_t *call);


int
genai_bedrock_whole_write(const genai_whole_t *w, genai_write_pt write,
    void *ctx)
{
    unsigned                   i, called, refused;
    genai_str_t                id, type, text;
    genai_writer_t             o;
    const genai_whole_slot_t  *slot, *end;

    static const genai_str_t  gone =
        genai_str("The provider gave up its answer");

    if (w->rc != 0) {
        return -1;
    }

    genai_writer_init(&o, write, ctx);

    slot = genai_whole_error(w);
    end = genai_whole_find(w, 0, GENAI_EVENT_FINISH, 0);

    if (slot || (end && end->finish == GENAI_FINISH_ERROR)) {

        text = gone;

        if (slot) {
            genai_whole_parts(slot, &id, &type, &text);
        }

        genai_writer_open(&o, '{');
        genai_writer_name(&o, "message");
        genai_writer_string(&o, &text);
        genai_writer_close(&o, '}');

        return genai_writer_flush(&o) ? -1 : 0;
    }

    genai_writer_open(&o, '{');
    genai_writer_name(&o, "output");
    genai_writer_open(&o, '{');
    genai_writer_name(&o, "message");
    genai_writer_open(&o, '{');
    genai_writer_name(&o, "role");
    genai_writer_literal(&o, "\"assistant\"");
    genai_writer_name(&o, "content");
    genai_writer_open(&o, '[');

    called = 0;
    refused = 0;

    for (i = 0; i < w->n; i++) {
        if (w->slot[i].choice == 0) {
            genai_bw_blocks(w, &o, &w->slot[i], &called, &refused);
        }
    }

    genai_writer_close(&o, ']');
    genai_writer_close(&o, '}');
    genai_writer_close(&o, '}');

    text.len = end ? end->len : 0;
    text.data = end ? end->data : NULL;

    genai_bedrock_stop(&o, end ? end->finish : GENAI_FINISH_NONE, &text,
                       called, refused);
    genai_bedrock_usage(&o, &w->usage, w->head->prompt);
    genai_writer_close(&o, '}');

    return genai_writer_flush(&o) ? -1 : 0;
}


/* the block of a slot with what signs it, where it is not another's part */

static void
genai_bw_blocks(const genai_whole_t *w, genai_writer_t *o,
    const genai_whole_slot_t *slot, unsigned *called, unsigned *refused)
{
    const genai_whole_slot_t  *signature;

    signature = NULL;

    switch (slot->type) {

    case GENAI_EVENT_TEXT:
        genai_bw_text(o, slot);
        signature = genai_whole_signature(w, slot, GENAI_FIELD_OF_TEXT);
        break;

    case GENAI_EVENT_REFUSAL:
        *refused = 1;
        genai_bw_text(o, slot);
        break;

    case GENAI_EVENT_REASONING:
        genai_bw_thought(o, slot,
                         genai_whole_signature(w, slot,
                                               GENAI_FIELD_OF_THOUGHT));
        break;

    case GENAI_EVENT_TOOL:
        *called = 1;
        genai_bw_call(o, w->head, slot);
        signature = genai_whole_signature(w, slot, GENAI_FIELD_OF_CALL);
        break;

    case GENAI_EVENT_SIGNATURE:

        if (slot->field == GENAI_FIELD_SEALED) {
            signature = slot;

        } else if (slot->field == GENAI_FIELD_OF_THOUGHT
                   && genai_whole_signed(w, slot) == NULL)
        {
            genai_bw_thought(o, NULL, slot);
        }

        break;
    }

    if (signature) {
        genai_bw_sealed(o, signature,
                        slot->type == GENAI_EVENT_TOOL ? slot : NULL);
    }
}


static void
genai_bw_text(genai_writer_t *o, const genai_whole_slot_t *slot)
{
    genai_str_t  text = { slot->len, slot->data };

    genai_writer_open(o, '{');
    genai_writer_name(o, "text");
    genai_writer_string(o, &text);
    genai_writer_close(o, '}');
}


static void
genai_bw_thought(genai_writer_t *o, const genai_whole_slot_t *thought,
    const genai_whole_slot_t *signature)
{
    genai_str_t  text;

    text.len = thought ? thought->len : 0;
    text.data = thought ? thought->data : NULL;

    genai_writer_open(o, '{');
    genai_writer_name(o, "reasoningContent");
    genai_writer_open(o, '{');
    genai_writer_name(o, "reasoningText");
    genai_writer_open(o, '{');
    genai_writer_name(o, "text");
    genai_writer_string(o, &text);

    if (signature) {
        genai_bw_signature(o, signature, NULL);
    }

    genai_writer_close(o, '}');
    genai_writer_close(o, '}');
    genai_writer_close(o, '}');
}


static void
genai_bw_sealed(genai_writer_t *o, const genai_whole_slot_t *signature,
    const genai_whole_slot_t *call)
{
    genai_writer_open(o, '{');
    genai_writer_name(o, "reasoningContent");
    genai_writer_open(o, '{');
    genai_bw_signature(o, signature, call);
    genai_writer_close(o, '}');
    genai_writer_close(o, '}');
}


static void
genai_bw_call(genai_writer_t *o, const genai_answer_head_t *head,
    const genai_whole_slot_t *slot)
{
    genai_str_t  id, name, args;

    genai_whole_parts(slot, &id, &name, &args);

    genai_writer_open(o, '{');
    genai_writer_name(o, "toolUse");
    genai_writer_open(o, '{');
    genai_bedrock_call_id(o, head, &id, slot->block);
    genai_writer_name(o, "name");
    genai_writer_string(o, &name);
    genai_writer_name(o, "input");

    if (genai_is_object(&args)) {
        genai_writer_raw(o, &args);

    } else {
        genai_writer_literal(o, "{}");
    }

    genai_writer_close(o, '}');
    genai_writer_close(o, '}');
}


/* call: that it is of, or NULL */

static void
genai_bw_signature(genai_writer_t *o, const genai_whole_slot_t *slot,
    const genai_whole_slot_t *call)
{
    genai_str_t  id, signer, text, none;

    genai_whole_parts(slot, &id, &signer, &text);

    if (call) {
        genai_whole_parts(call, &id, &none, &none);
    }

    genai_bedrock_signature(o, slot->field, &signer, &id, &text);
}


void
genai_bedrock_call_id(genai_writer_t *w, const genai_answer_head_t *head,
    const genai_str_t *id, unsigned number)
{
    char         n[16];
    genai_str_t  s;

    genai_writer_name(w, "toolUseId");

    if (id->len) {
        genai_writer_string(w, id);
        return;
    }

    s = head->id;

    if (s.len > 8 && memcmp(s.data, "bedrock-", 8) == 0) {
        s.data += 8;
        s.len -= 8;
    }

    genai_writer_begin(w);
    genai_writer_piece(w, &(genai_str_t) genai_str("tooluse_"));
    genai_writer_piece(w, &s);

    s.data = (unsigned char *) n;
    s.len = snprintf(n, sizeof(n), "_%u", number);

    genai_writer_piece(w, &s);
    genai_writer_end(w);
}


void
genai_bedrock_signature(genai_writer_t *w, genai_field_e field,
    const genai_str_t *signer, const genai_str_t *id,
    const genai_str_t *signature)
{
    char            text[GENAI_MARK_MAX];
    unsigned        own;
    genai_str_t     mark;
    genai_base64_t  b;

    own = genai_str_is(signer, "bedrock");

    if (field == GENAI_FIELD_OF_THOUGHT) {
        genai_writer_name(w, "signature");
        genai_writer_begin(w);

        if (!own) {
            mark = genai_mark_write(text, field, signer, id);
            genai_writer_piece(w, &mark);
            genai_writer_piece(w, id);
        }

        genai_writer_piece(w, signature);
        genai_writer_end(w);

        return;
    }

    genai_writer_name(w, "redactedContent");
    genai_writer_begin(w);

    if (own && field == GENAI_FIELD_SEALED) {
        genai_writer_piece(w, signature);

    } else {
        b.n = 0;
        genai_base64_mark(&b, w, field, signer, id);
        genai_base64_write(&b, w, signature);
        genai_base64_end(&b, w);
    }

    genai_writer_end(w);
}


/*
 * The dialect's own words stay as they are.  Who calls a tool waits for it,
 * also where the provider says that it has just stopped.
 */

void
genai_bedrock_stop(genai_writer_t *w, genai_finish_e finish,
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
        reason = genai_str_is(word, "guardrail_intervened")
                 ? "\"guardrail_intervened\"" : "\"content_filtered\"";
        break;

    case GENAI_FINISH_OTHER:
        reason = word->len ? NULL : "\"end_turn\"";
        break;

    default:
        reason = called ? "\"tool_use\"" : refused ? "\"content_filtered\""
                 : genai_str_is(word, "stop_sequence") ? "\"stop_sequence\""
                 : "\"end_turn\"";
        break;
    }

    genai_writer_name(w, "stopReason");

    if (reason) {
        genai_writer_literal(w, reason);

    } else {
        genai_writer_string(w, word);
    }
}


/*
 * Bedrock counts cached tokens beside the others.  All three counts must be
 * there, and how long it took, which nobody has measured.
 */

void
genai_bedrock_usage(genai_writer_t *w, const genai_usage_t *u, int64_t prompt)
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

    input = input > 0 ? input : 0;
    output = output > 0 ? output : 0;

    genai_writer_name(w, "usage");
    genai_writer_open(w, '{');
    genai_writer_name(w, "inputTokens");
    genai_writer_int(w, input);
    genai_writer_name(w, "outputTokens");
    genai_writer_int(w, output);
    genai_writer_name(w, "totalTokens");
    genai_writer_int(w, input + output + (read > 0 ? read : 0)
                        + (written > 0 ? written : 0));

    if (read >= 0) {
        genai_writer_name(w, "cacheReadInputTokens");
        genai_writer_int(w, read);
    }

    if (written >= 0) {
        genai_writer_name(w, "cacheWriteInputTokens");
        genai_writer_int(w, written);
    }

    if (hour > 0) {
        genai_writer_name(w, "cacheDetails");
        genai_writer_open(w, '[');
        genai_writer_open(w, '{');
        genai_writer_name(w, "inputTokens");
        genai_writer_int(w, hour);
        genai_writer_name(w, "ttl");
        genai_writer_literal(w, "\"1h\"");
        genai_writer_close(w, '}');
        genai_writer_close(w, ']');
    }

    genai_writer_close(w, '}');

    genai_writer_name(w, "metrics");
    genai_writer_literal(w, "{\"latencyMs\":0}");
}
