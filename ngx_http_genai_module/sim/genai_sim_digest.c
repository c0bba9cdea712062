/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the simulated provider has understood of a conversation, as JSON.
 */


#include "genai_sim_talk.h"

#include <stdlib.h>


static void genai_sim_digest_turn(genai_sim_talk_t *t, genai_writer_t *w,
    const genai_message_t *message);
static void genai_sim_digest_part(genai_sim_talk_t *t, genai_writer_t *w,
    const genai_part_t *part);
static void genai_sim_digest_media(genai_sim_talk_t *t, genai_writer_t *w,
    const genai_part_t *part);
static void genai_sim_digest_tools(genai_sim_talk_t *t, genai_writer_t *w);
static void genai_sim_digest_asked(genai_sim_talk_t *t, genai_writer_t *w);
static void genai_sim_digest_word(genai_writer_t *w, const char *name,
    const char *word);


char *
genai_sim_talk_digest(genai_sim_talk_t *t)
{
    char                   *text;
    unsigned                i;
    genai_writer_t          w;
    genai_writer_arena_t    out;
    const genai_message_t  *m;

    memset(&out, 0, sizeof(genai_writer_arena_t));
    out.arena = &t->arena;

    genai_writer_init(&w, genai_writer_arena, &out);

    genai_writer_open(&w, '{');
    genai_writer_name(&w, "dialect");
    genai_writer_string(&w, &t->path->name);
    genai_writer_name(&w, "model");
    genai_writer_string(&w, &t->model);
    genai_writer_name(&w, "stream");
    genai_writer_literal(&w, t->chat.stream ? "true" : "false");

    genai_writer_name(&w, "turns");
    genai_writer_open(&w, '[');

    for (m = t->chat.messages; m; m = m->next) {
        genai_sim_digest_turn(t, &w, m);
    }

    genai_writer_close(&w, ']');

    genai_sim_digest_tools(t, &w);
    genai_sim_digest_asked(t, &w);

    genai_writer_name(&w, "dropped");
    genai_writer_open(&w, '[');

    for (i = 0; i < t->chat.ndropped; i++) {
        genai_writer_string(&w, &t->chat.dropped[i]);
    }

    genai_writer_close(&w, ']');
    genai_writer_close(&w, '}');

    if (genai_writer_flush(&w) != 0) {
        return NULL;
    }

    text = malloc(out.text.len + 1);

    if (text) {
        memcpy(text, out.text.data, out.text.len);
        text[out.text.len] = '\0';
    }

    return text;
}


static void
genai_sim_digest_turn(genai_sim_talk_t *t, genai_writer_t *w,
    const genai_message_t *message)
{
    const genai_part_t  *part;

    genai_writer_open(w, '{');
    genai_sim_digest_word(w, "role", genai_role_name(message->role));
    genai_writer_name(w, "parts");
    genai_writer_open(w, '[');

    for (part = message->parts; part; part = part->next) {
        genai_sim_digest_part(t, w, part);
    }

    genai_writer_close(w, ']');
    genai_writer_close(w, '}');
}


static void
genai_sim_digest_part(genai_sim_talk_t *t, genai_writer_t *w,
    const genai_part_t *part)
{
    const genai_part_t  *sub;

    static const char  *kinds[] = {
        "text", "reasoning", "refusal", "image", "audio", "video", "file",
        "call", "result", "other"
    };

    genai_writer_open(w, '{');
    genai_sim_digest_word(w, "kind", kinds[part->kind]);
    genai_value_member(&part->id, w, "id");
    genai_value_member(&part->name, w, "name");

    switch (part->kind) {

    case GENAI_PART_IMAGE:
    case GENAI_PART_AUDIO:
    case GENAI_PART_VIDEO:
    case GENAI_PART_FILE:
        genai_sim_digest_media(t, w, part);
        break;

    case GENAI_PART_RESULT:
        genai_writer_name(w, "failed");
        genai_writer_literal(w, part->error ? "true" : "false");
        genai_writer_name(w, "parts");
        genai_writer_open(w, '[');

        for (sub = part->parts; sub; sub = sub->next) {
            genai_sim_digest_part(t, w, sub);
        }

        genai_writer_close(w, ']');
        break;

    default:

        if (part->text.kind != GENAI_VALUE_NONE) {
            genai_writer_name(w, "text");
            genai_value_write_string(&part->text, w);
        }
    }

    if (part->signature.kind != GENAI_VALUE_NONE) {
        genai_value_member(&part->signature, w, "signature");
        genai_writer_name(w, "signer");

        if (part->signer) {
            genai_writer_string(w, &part->signer->name);

        } else {
            genai_writer_literal(w, "null");
        }

        genai_writer_name(w, "sealed");
        genai_writer_literal(w, part->sealed ? "true" : "false");
    }

    genai_writer_close(w, '}');
}


static void
genai_sim_digest_media(genai_sim_talk_t *t, genai_writer_t *w,
    const genai_part_t *part)
{
    size_t       n;
    genai_str_t  text;

    static const char  *sources[] = { "data", "url", "id", "text" };

    genai_sim_digest_word(w, "source", sources[part->source]);
    genai_value_member(&part->type, w, "type");
    genai_value_member(&part->detail, w, "detail");

    if (part->source != GENAI_SOURCE_DATA) {
        genai_value_member(&part->text, w, "text");
        return;
    }

    /* base64, with and without its padding */

    if (genai_value_decode(&t->chat, &part->text, &text) != 0) {
        return;
    }

    for (n = text.len; n && text.data[n - 1] == '='; n--) { /* void */ }

    genai_writer_name(w, "bytes");
    genai_writer_int(w, n * 3 / 4);
}


static void
genai_sim_digest_tools(genai_sim_talk_t *t, genai_writer_t *w)
{
    genai_tool_t  *tool;

    static const char  *kinds[] = { "function", "custom", "server" };
    static const char  *choices[] = { "unset", "none", "auto", "any",
                                      "named" };

    genai_writer_name(w, "tools");
    genai_writer_open(w, '[');

    for (tool = t->chat.tools; tool; tool = tool->next) {
        genai_writer_open(w, '{');
        genai_sim_digest_word(w, "kind", kinds[tool->kind]);
        genai_value_member(&tool->name, w, "name");
        genai_value_member(&tool->description, w, "description");
        genai_value_member(&tool->schema, w, "schema");
        genai_writer_close(w, '}');
    }

    genai_writer_close(w, ']');

    genai_sim_digest_word(w, "choice", choices[t->chat.choice]);
    genai_value_member(&t->chat.choice_name, w, "choice_name");

    genai_writer_name(w, "parallel");
    genai_writer_literal(w, t->chat.parallel < 0 ? "null"
                            : t->chat.parallel ? "true" : "false");
}


static void
genai_sim_digest_asked(genai_sim_talk_t *t, genai_writer_t *w)
{
    unsigned             i;
    const genai_chat_t  *chat;

    static const char  *formats[] = { "unset", "text", "json", "schema" };

    chat = &t->chat;

    genai_sim_digest_word(w, "format", formats[chat->format]);
    genai_value_member(&chat->format_schema, w, "schema");

    if (chat->effort != GENAI_EFFORT_UNSET) {
        genai_sim_digest_word(w, "effort", genai_effort_name(chat->effort));
    }

    genai_writer_name(w, "thinking");
    genai_writer_int(w, chat->thinking);
    genai_writer_name(w, "max_tokens");
    genai_writer_int(w, chat->max_output);
    genai_writer_name(w, "n");
    genai_writer_int(w, chat->n);

    genai_writer_name(w, "stop");
    genai_writer_open(w, '[');

    for (i = 0; i < chat->nstop; i++) {
        genai_value_write_string(&chat->stop[i], w);
    }

    genai_writer_close(w, ']');

    genai_value_member(&chat->param[GENAI_PARAM_TEMPERATURE], w,
                       "temperature");
}


static void
genai_sim_digest_word(genai_writer_t *w, const char *name, const char *word)
{
    genai_str_t  s;

    s.data = (unsigned char *) word;
    s.len = word ? strlen(word) : 0;

    genai_writer_name(w, name);
    genai_writer_string(w, &s);
}
