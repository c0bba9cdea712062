/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The Responses API's answer as one JSON text, and the parts of it that a
 * stream says again.
 */


#include "genai_responses_encode_int.h"

#include <stdio.h>


static void genai_rw_output(const genai_whole_t *w, genai_writer_t *o);
static const genai_whole_slot_t *genai_rw_other(const genai_whole_t *w,
    const genai_whole_slot_t *slot);
static const genai_whole_slot_t *genai_rw_signature(const genai_whole_t *w,
    const genai_whole_slot_t *slot);
static void genai_re_sealed(genai_writer_t *w,
    const genai_answer_head_t *head, const genai_re_item_t *item);
static void genai_re_made_id(genai_writer_t *w, const char *prefix,
    const genai_answer_head_t *head, unsigned index);


int
genai_responses_whole_write(const genai_whole_t *w, genai_write_pt write,
    void *ctx)
{
    const char                *status, *reason;
    genai_str_t                id, name, text;
    genai_writer_t             o;
    const genai_whole_slot_t  *slot;

    if (w->rc != 0) {
        return -1;
    }

    genai_writer_init(&o, write, ctx);

    slot = genai_whole_error(w);

    if (slot) {
        genai_whole_parts(slot, &id, &name, &text);

        genai_writer_open(&o, '{');
        genai_writer_name(&o, "error");
        genai_writer_open(&o, '{');
        genai_re_string(&o, "message", &text);

        if (name.len) {
            genai_re_string(&o, "type", &name);

        } else {
            genai_re_word(&o, "type", "server_error");
        }

        genai_writer_name(&o, "param");
        genai_writer_literal(&o, "null");
        genai_writer_name(&o, "code");

        if (id.len) {
            genai_writer_string(&o, &id);

        } else {
            genai_writer_literal(&o, "null");
        }

        genai_writer_close(&o, '}');
        genai_writer_close(&o, '}');

        return genai_writer_flush(&o) ? -1 : 0;
    }

    slot = genai_whole_find(w, 0, GENAI_EVENT_FINISH, 0);
    status = genai_re_status(slot ? slot->finish : GENAI_FINISH_NONE, &reason);

    genai_re_open(&o, w->head, status, reason, NULL);
    genai_rw_output(w, &o);
    genai_re_close(&o, &w->usage);

    return genai_writer_flush(&o) ? -1 : 0;
}


/* items in the order in which they began */

static void
genai_rw_output(const genai_whole_t *w, genai_writer_t *o)
{
    unsigned                   i;
    genai_re_item_t            item, sealed;
    const genai_whole_slot_t  *slot, *signature, *thought, *said;

    said = NULL;
    memset(&item, 0, sizeof(item));
    item.status = "completed";

    for (i = 0; i < w->n; i++) {
        slot = &w->slot[i];

        if (slot->choice != 0) {
            continue;
        }

        item.slot = slot;
        item.other = NULL;
        item.signature = NULL;

        switch (slot->type) {

        case GENAI_EVENT_TEXT:
        case GENAI_EVENT_REFUSAL:

            if (slot == said) {
                continue;
            }

            item.kind = GENAI_RE_MESSAGE;
            item.other = genai_rw_other(w, slot);
            said = item.other;
            break;

        case GENAI_EVENT_REASONING:
            item.kind = GENAI_RE_REASONING;
            item.signature = genai_rw_signature(w, slot);
            break;

        case GENAI_EVENT_TOOL:
            item.kind = (slot->field == GENAI_FIELD_CUSTOM) ? GENAI_RE_CUSTOM
                                                          : GENAI_RE_FUNCTION;
            break;

        case GENAI_EVENT_SIGNATURE:

            if (slot->field == GENAI_FIELD_OF_CALL
                || slot->field == GENAI_FIELD_OF_TEXT)
            {
                continue;
            }

            thought = genai_whole_signed(w, slot);

            if (thought && genai_rw_signature(w, thought) == slot) {
                continue;
            }

            item.kind = GENAI_RE_REASONING;
            item.slot = NULL;
            item.signature = slot;
            break;

        default:
            continue;
        }

        genai_re_item(o, w->head, &item);
        item.index++;

        /* what signs it stands behind it */

        if (slot->type != GENAI_EVENT_TEXT && slot->type != GENAI_EVENT_TOOL) {
            continue;
        }

        signature = genai_rw_signature(w, slot);

        if (signature) {
            sealed = item;
            sealed.kind = GENAI_RE_REASONING;
            sealed.slot = slot;
            sealed.other = NULL;
            sealed.call = item.index - 1;
            sealed.signature = signature;

            genai_re_item(o, w->head, &sealed);
            item.index++;
        }
    }
}


/* a message has a text and a refusal, where one follows the other */

static const genai_whole_slot_t *
genai_rw_other(const genai_whole_t *w, const genai_whole_slot_t *slot)
{
    const genai_whole_slot_t  *other;

    for (other = slot + 1; other < w->slot + w->n; other++) {

        if (other->choice != slot->choice
            || other->type == GENAI_EVENT_SIGNATURE)
        {
            continue;
        }

        return ((other->type == GENAI_EVENT_TEXT
                 || other->type == GENAI_EVENT_REFUSAL)
                && other->type != slot->type) ? other : NULL;
    }

    return NULL;
}


/* the first one, where a thought has two */

static const genai_whole_slot_t *
genai_rw_signature(const genai_whole_t *w, const genai_whole_slot_t *slot)
{
    const genai_whole_slot_t  *s, *sealed;

    switch (slot->type) {

    case GENAI_EVENT_TEXT:
        return genai_whole_signature(w, slot, GENAI_FIELD_OF_TEXT);

    case GENAI_EVENT_TOOL:
        return genai_whole_signature(w, slot, GENAI_FIELD_OF_CALL);

    default:
        s = genai_whole_signature(w, slot, GENAI_FIELD_OF_THOUGHT);
        sealed = genai_whole_signature(w, slot, GENAI_FIELD_SEALED);

        return (s == NULL || (sealed && sealed < s)) ? sealed : s;
    }
}


void
genai_re_item(genai_writer_t *w, const genai_answer_head_t *head,
    const genai_re_item_t *item)
{
    unsigned     custom;
    genai_str_t  id, name, text;

    static const genai_whole_slot_t  none;

    genai_whole_parts(item->slot ? item->slot : &none, &id, &name, &text);

    genai_writer_open(w, '{');
    genai_re_id(w, "id", head, item->kind, item->index);

    switch (item->kind) {

    case GENAI_RE_MESSAGE:
        genai_re_word(w, "type", "message");
        genai_re_word(w, "status", item->status);
        genai_re_word(w, "role", "assistant");
        genai_writer_name(w, "content");
        genai_writer_open(w, '[');

        if (item->slot) {
            genai_re_part(w, item->slot->type, &text);
        }

        if (item->other) {
            genai_whole_parts(item->other, &id, &name, &text);
            genai_re_part(w, item->other->type, &text);
        }

        genai_writer_close(w, ']');
        break;

    case GENAI_RE_REASONING:
        genai_re_word(w, "type", "reasoning");
        genai_writer_name(w, "summary");
        genai_writer_open(w, '[');

        if (item->slot && item->slot->type == GENAI_EVENT_REASONING) {
            genai_re_part(w, GENAI_EVENT_REASONING, &text);
        }

        genai_writer_close(w, ']');

        if (item->signature) {
            genai_writer_name(w, "encrypted_content");
            genai_re_sealed(w, head, item);
        }

        break;

    default:
        custom = (item->kind == GENAI_RE_CUSTOM);

        genai_re_word(w, "type", custom ? "custom_tool_call"
                                        : "function_call");
        genai_re_word(w, "status", item->status);
        genai_re_call_id(w, head, item->index, &id);
        genai_re_string(w, "name", &name);
        genai_re_string(w, custom ? "input" : "arguments", &text);
        break;
    }

    genai_writer_close(w, '}');
}


/* our own providers' as it is; any other with whose it is */

static void
genai_re_sealed(genai_writer_t *w, const genai_answer_head_t *head,
    const genai_re_item_t *item)
{
    const char                *what;
    genai_str_t                id, name, text, none, maker;
    const genai_whole_slot_t  *signature;

    signature = item->signature;

    genai_whole_parts(signature, &none, &maker, &text);
    genai_writer_begin(w);

    if (!genai_str_is(&maker, "responses")
        || signature->field != GENAI_FIELD_SEALED)
    {
        what = (signature->field == GENAI_FIELD_OF_CALL) ? ".call:"
               : (signature->field == GENAI_FIELD_OF_TEXT) ? ".text:"
               : (signature->field == GENAI_FIELD_SEALED) ? ".sealed:"
               : ".thought:";

        genai_writer_piece(w, &(genai_str_t) genai_str(
                                                    GENAI_RESPONSES_FOREIGN));
        genai_writer_piece(w, &maker);
        genai_writer_piece(w, &(genai_str_t) { strlen(what),
                                               (unsigned char *) what });

        if (signature->field == GENAI_FIELD_OF_CALL) {

            if (item->slot) {
                genai_whole_parts(item->slot, &id, &name, &none);

                if (id.len) {
                    genai_writer_piece(w, &id);

                } else {
                    genai_re_made_id(w, "call_", head, item->call);
                }
            }

            genai_writer_piece(w, &(genai_str_t) genai_str(":"));
        }
    }

    genai_writer_piece(w, &text);
    genai_writer_end(w);
}


void
genai_re_part(genai_writer_t *w, unsigned type, const genai_str_t *text)
{
    genai_writer_open(w, '{');

    switch (type) {

    case GENAI_EVENT_TEXT:
        genai_re_word(w, "type", "output_text");
        genai_writer_name(w, "annotations");
        genai_writer_literal(w, "[]");
        genai_writer_name(w, "logprobs");
        genai_writer_literal(w, "[]");
        genai_re_string(w, "text", text);
        break;

    case GENAI_EVENT_REFUSAL:
        genai_re_word(w, "type", "refusal");
        genai_re_string(w, "refusal", text);
        break;

    default:
        genai_re_word(w, "type", "summary_text");
        genai_re_string(w, "text", text);
        break;
    }

    genai_writer_close(w, '}');
}


/* what a client's library wants to be there is there */

void
genai_re_open(genai_writer_t *w, const genai_answer_head_t *head,
    const char *status, const char *reason, const genai_event_t *error)
{
    genai_writer_open(w, '{');
    genai_re_string(w, "id", &head->id);
    genai_re_word(w, "object", "response");
    genai_re_int(w, "created_at", head->created);
    genai_re_word(w, "status", status);
    genai_writer_name(w, "background");
    genai_writer_literal(w, "false");
    genai_writer_name(w, "error");

    if (error) {
        genai_writer_open(w, '{');
        genai_writer_name(w, "code");

        if (error->id.len || error->name.len) {
            genai_writer_string(w, error->id.len ? &error->id : &error->name);

        } else {
            genai_writer_literal(w, "\"server_error\"");
        }

        genai_re_string(w, "message", &error->text);
        genai_writer_close(w, '}');

    } else if (strcmp(status, "failed") == 0) {
        genai_writer_open(w, '{');
        genai_re_word(w, "code", "server_error");
        genai_re_word(w, "message", "the provider gave up its answer");
        genai_writer_close(w, '}');

    } else {
        genai_writer_literal(w, "null");
    }

    genai_writer_name(w, "incomplete_details");

    if (reason) {
        genai_writer_open(w, '{');
        genai_re_word(w, "reason", reason);
        genai_writer_close(w, '}');

    } else {
        genai_writer_literal(w, "null");
    }

    genai_writer_name(w, "instructions");
    genai_writer_literal(w, "null");
    genai_writer_name(w, "metadata");
    genai_writer_literal(w, "{}");
    genai_re_string(w, "model", &head->model);
    genai_writer_name(w, "parallel_tool_calls");
    genai_writer_literal(w, "true");
    genai_writer_name(w, "previous_response_id");
    genai_writer_literal(w, "null");
    genai_writer_name(w, "store");
    genai_writer_literal(w, "false");
    genai_writer_name(w, "temperature");
    genai_writer_literal(w, "null");
    genai_re_word(w, "tool_choice", "auto");
    genai_writer_name(w, "tools");
    genai_writer_literal(w, "[]");
    genai_writer_name(w, "top_p");
    genai_writer_literal(w, "null");
    genai_writer_name(w, "output");
    genai_writer_open(w, '[');
}


/* all counts, as this dialect has it, where one is known; else none */

void
genai_re_close(genai_writer_t *w, const genai_usage_t *u)
{
    int64_t  prompt, completion, total;

    genai_writer_close(w, ']');
    genai_writer_name(w, "usage");

    if (u == NULL || (u->prompt < 0 && u->completion < 0 && u->total < 0)) {
        genai_writer_literal(w, "null");
        genai_writer_close(w, '}');
        return;
    }

    prompt = (u->prompt < 0) ? 0 : u->prompt;
    completion = (u->completion < 0) ? 0 : u->completion;
    total = u->total;

    if (total < 0) {
        total = (prompt > INT64_MAX - completion) ? INT64_MAX
                                                  : prompt + completion;
    }

    genai_writer_open(w, '{');
    genai_re_int(w, "input_tokens", prompt);
    genai_writer_name(w, "input_tokens_details");
    genai_writer_open(w, '{');
    genai_re_int(w, "cached_tokens", u->cached < 0 ? 0 : u->cached);
    genai_writer_close(w, '}');
    genai_re_int(w, "output_tokens", completion);
    genai_writer_name(w, "output_tokens_details");
    genai_writer_open(w, '{');
    genai_re_int(w, "reasoning_tokens", u->reasoning < 0 ? 0 : u->reasoning);
    genai_writer_close(w, '}');
    genai_re_int(w, "total_tokens", total);
    genai_writer_close(w, '}');
    genai_writer_close(w, '}');
}


const char *
genai_re_status(genai_finish_e finish, const char **reason)
{
    *reason = NULL;

    switch (finish) {

    case GENAI_FINISH_LENGTH:
        *reason = "max_output_tokens";
        return "incomplete";

    case GENAI_FINISH_FILTER:
        *reason = "content_filter";
        return "incomplete";

    case GENAI_FINISH_ERROR:
        return "failed";

    default:
        return "completed";
    }
}


void
genai_re_string(genai_writer_t *w, const char *name, const genai_str_t *s)
{
    genai_writer_name(w, name);
    genai_writer_string(w, s);
}


void
genai_re_word(genai_writer_t *w, const char *name, const char *word)
{
    genai_str_t  s;

    s.data = (unsigned char *) word;
    s.len = strlen(word);

    genai_re_string(w, name, &s);
}


void
genai_re_int(genai_writer_t *w, const char *name, int64_t n)
{
    genai_writer_name(w, name);
    genai_writer_int(w, n);
}


/* a piece of a string: an id, of that of the answer */

static void
genai_re_made_id(genai_writer_t *w, const char *prefix,
    const genai_answer_head_t *head, unsigned index)
{
    char         n[16];
    genai_str_t  s;

    s = head->id;

    if (s.len > 5 && memcmp(s.data, "resp_", 5) == 0) {
        s.data += 5;
        s.len -= 5;
    }

    genai_writer_piece(w, &(genai_str_t) { strlen(prefix),
                                           (unsigned char *) prefix });
    genai_writer_piece(w, &s);

    s.data = (unsigned char *) n;
    s.len = snprintf(n, sizeof(n), "_%u", index);

    genai_writer_piece(w, &s);
}


void
genai_re_id(genai_writer_t *w, const char *name,
    const genai_answer_head_t *head, unsigned kind, unsigned index)
{
    static const char  *prefix[] = { "msg_", "rs_", "fc_", "ctc_" };

    genai_writer_name(w, name);
    genai_writer_begin(w);
    genai_re_made_id(w, prefix[kind], head, index);
    genai_writer_end(w);
}


void
genai_re_call_id(genai_writer_t *w, const genai_answer_head_t *head,
    unsigned index, const genai_str_t *id)
{
    genai_writer_name(w, "call_id");

    if (id->len) {
        genai_writer_string(w, id);

    } else {
        genai_writer_begin(w);
        genai_re_made_id(w, "call_", head, index);
        genai_writer_end(w);
    }
}
