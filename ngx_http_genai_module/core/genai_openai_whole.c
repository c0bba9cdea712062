/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The encoder of OpenAI's answers as one JSON text.
 */


#include "genai_openai_encode_int.h"


static void genai_openai_choice(const genai_whole_t *w, genai_writer_t *o,
    unsigned choice);
static void genai_openai_thoughts(const genai_whole_t *w, genai_writer_t *o,
    unsigned choice);
static void genai_openai_text(const genai_whole_t *w, genai_writer_t *o,
    unsigned choice, const char *name, const char *none);
static void genai_openai_signed(const genai_whole_t *w, genai_writer_t *o,
    unsigned choice, const genai_whole_slot_t *call);
static void genai_openai_calls(const genai_whole_t *w, genai_writer_t *o,
    unsigned choice);


int
genai_openai_whole_write(const genai_whole_t *w, genai_write_pt write,
    void *ctx)
{
    unsigned                   choice;
    genai_str_t                code, type, message;
    genai_writer_t             o;
    const genai_whole_slot_t  *error;

    if (w->rc != 0) {
        return -1;
    }

    genai_writer_init(&o, write, ctx);

    error = genai_whole_error(w);

    if (error) {
        genai_whole_parts(error, &code, &type, &message);
        genai_openai_error(&o, &message, &type, &code);

        return genai_writer_flush(&o) ? -1 : 0;
    }

    genai_openai_head(&o, w->head, "chat.completion", "text_completion");

    /* in the order of their numbers, whichever began first */

    choice = genai_whole_choice(w, 0);

    while (choice <= GENAI_WHOLE_INDEX_MAX) {
        genai_openai_choice(w, &o, choice);
        choice = genai_whole_choice(w, choice + 1);
    }

    genai_writer_close(&o, ']');
    genai_openai_usage(&o, &w->usage);
    genai_writer_close(&o, '}');

    return genai_writer_flush(&o) ? -1 : 0;
}


static void
genai_openai_choice(const genai_whole_t *w, genai_writer_t *o,
    unsigned choice)
{
    const genai_whole_slot_t  *slot;

    genai_writer_open(o, '{');
    genai_writer_name(o, "index");
    genai_writer_int(o, choice);

    if (w->head->text) {
        genai_openai_text(w, o, choice, "text", "\"\"");

    } else {
        genai_writer_name(o, "message");
        genai_writer_open(o, '{');
        genai_writer_name(o, "role");
        genai_writer_literal(o, "\"assistant\"");
        genai_openai_text(w, o, choice, "content", "null");

        genai_openai_thoughts(w, o, choice);
        genai_openai_signed(w, o, choice, NULL);

        slot = genai_whole_find(w, choice, GENAI_EVENT_REFUSAL, 0);

        genai_openai_maybe(o, "refusal",
                           &(genai_str_t) { slot ? slot->len : 0,
                                            slot ? slot->data : NULL });

        genai_openai_calls(w, o, choice);

        genai_writer_close(o, '}');
    }

    slot = genai_whole_find(w, choice, GENAI_EVENT_FINISH, 0);

    genai_openai_choice_end(o, slot ? slot->finish : -1,
                            &(genai_str_t) { slot ? slot->len : 0,
                                             slot ? slot->data : NULL });
}


/*
 * One string for who only shows them; what must be given back, each as it
 * was, in the list that OpenRouter has for it.
 */

static void
genai_openai_thoughts(const genai_whole_t *w, genai_writer_t *o,
    unsigned choice)
{
    unsigned                   i, n, sealed;
    genai_str_t                id, name, text;
    const genai_whole_slot_t  *slot, *thought;

    for (i = 0, n = 0; i < w->n; i++) {
        slot = &w->slot[i];

        if (slot->choice != choice || slot->type != GENAI_EVENT_REASONING) {
            continue;
        }

        if (n++ == 0) {
            genai_writer_name(o, "reasoning_content");
            genai_writer_begin(o);
        }

        genai_writer_piece(o, &(genai_str_t) { slot->len, slot->data });
    }

    if (n) {
        genai_writer_end(o);
    }

    for (i = 0, n = 0; i < w->n; i++) {
        slot = &w->slot[i];

        if (slot->choice != choice || slot->type != GENAI_EVENT_SIGNATURE
            || (slot->field != GENAI_FIELD_OF_THOUGHT
                && slot->field != GENAI_FIELD_SEALED))
        {
            continue;
        }

        if (n++ == 0) {
            genai_writer_name(o, "reasoning_details");
            genai_writer_open(o, '[');
        }

        genai_whole_parts(slot, &id, &name, &text);
        sealed = (slot->field == GENAI_FIELD_SEALED);

        genai_writer_open(o, '{');
        genai_writer_name(o, "type");
        genai_writer_literal(o, sealed ? "\"reasoning.encrypted\""
                                       : "\"reasoning.text\"");

        thought = sealed ? NULL : genai_whole_signed(w, slot);

        if (thought) {
            genai_openai_string(o, "text", &(genai_str_t) { thought->len,
                                                            thought->data });
        }

        genai_openai_string(o, sealed ? "data" : "signature", &text);

        if (id.len) {
            genai_openai_string(o, "id", &id);
        }

        genai_openai_string(o, "format", &name);
        genai_writer_name(o, "index");
        genai_writer_int(o, slot->block);
        genai_writer_close(o, '}');
    }

    if (n) {
        genai_writer_close(o, ']');
    }
}


/* all texts of a choice as one, which is all that this dialect has */

static void
genai_openai_text(const genai_whole_t *w, genai_writer_t *o, unsigned choice,
    const char *name, const char *none)
{
    unsigned                   i, n;
    const genai_whole_slot_t  *slot;

    genai_writer_name(o, name);

    for (i = 0, n = 0; i < w->n; i++) {
        slot = &w->slot[i];

        if (slot->choice != choice || slot->type != GENAI_EVENT_TEXT) {
            continue;
        }

        if (n++ == 0) {
            genai_writer_begin(o);
        }

        genai_writer_piece(o, &(genai_str_t) { slot->len, slot->data });
    }

    if (n) {
        genai_writer_end(o);

    } else {
        genai_writer_literal(o, none);
    }
}


/* the signature of a call, or of the text where it is NULL, if there is one */

static void
genai_openai_signed(const genai_whole_t *w, genai_writer_t *o,
    unsigned choice, const genai_whole_slot_t *call)
{
    unsigned                   i;
    genai_str_t                none, origin, text;
    const genai_whole_slot_t  *signature;

    signature = call ? genai_whole_signature(w, call, GENAI_FIELD_OF_CALL)
                     : NULL;

    for (i = 0; call == NULL && signature == NULL && i < w->n; i++) {

        if (w->slot[i].choice == choice
            && w->slot[i].type == GENAI_EVENT_SIGNATURE
            && w->slot[i].field == GENAI_FIELD_OF_TEXT)
        {
            signature = &w->slot[i];
        }
    }

    if (signature) {
        genai_whole_parts(signature, &none, &origin, &text);
        genai_openai_signature(o, &origin, &text);
    }
}


static void
genai_openai_calls(const genai_whole_t *w, genai_writer_t *o,
    unsigned choice)
{
    unsigned                   n, custom;
    genai_str_t                id, name, args;
    const genai_whole_slot_t  *call;

    n = 0;

    for (call = genai_whole_call(w, choice, 0);
         call;
         call = genai_whole_call(w, choice, call->block + 1))
    {
        genai_whole_parts(call, &id, &name, &args);

        if (call->field == GENAI_FIELD_FUNCTION_CALL) {
            break;
        }

        custom = (call->field == GENAI_FIELD_CUSTOM);

        if (n++ == 0) {
            genai_writer_name(o, "tool_calls");
            genai_writer_open(o, '[');
        }

        genai_writer_open(o, '{');
        genai_openai_string(o, "id", &id);
        genai_writer_name(o, "type");
        genai_writer_literal(o, custom ? "\"custom\"" : "\"function\"");
        genai_writer_name(o, custom ? "custom" : "function");
        genai_writer_open(o, '{');
        genai_openai_string(o, "name", &name);
        genai_openai_string(o, custom ? "input" : "arguments", &args);
        genai_writer_close(o, '}');

        genai_openai_signed(w, o, choice, call);
        genai_writer_close(o, '}');
    }

    if (n) {
        genai_writer_close(o, ']');
    }

    /* the older form: there is one, and nothing follows */

    if (call) {
        genai_writer_name(o, "function_call");
        genai_writer_open(o, '{');
        genai_openai_string(o, "name", &name);
        genai_openai_string(o, "arguments", &args);
        genai_writer_close(o, '}');
    }
}
