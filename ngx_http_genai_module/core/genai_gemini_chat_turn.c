/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writes the instructions and the contents of Gemini's requests.
 *
 * The dialect has turns: what one side says without being interrupted is one
 * content, in which the results of functions stand first.  Instructions stand
 * beside them all.
 */


#include "genai_chat_calls.h"
#include "genai_gemini_chat_int.h"


/* what a content is written with */

typedef struct {
    const genai_chat_target_t  *to;
    unsigned                    calls;      /* of the turn, so far */
} genai_gemini_turn_t;


static int genai_gct_system(genai_chat_t *chat, genai_writer_t *w,
    unsigned turns);
static int genai_gct_turn(genai_chat_t *chat, const genai_chat_target_t *to,
    const genai_message_t **m, genai_writer_t *w);
static int genai_gct_part(genai_chat_t *chat, genai_gemini_turn_t *turn,
    const genai_part_t *part, genai_writer_t *w);
static int genai_gct_media(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w);
static int genai_gct_call(genai_chat_t *chat, genai_gemini_turn_t *turn,
    const genai_part_t *part, genai_writer_t *w);
static int genai_gct_result(genai_chat_t *chat, genai_gemini_turn_t *turn,
    const genai_part_t *part, genai_writer_t *w);
static void genai_gct_response(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w);
static int genai_gct_called(genai_chat_t *chat, const genai_part_t *result,
    const genai_value_t **name);
static void genai_gct_id(const genai_gemini_turn_t *turn,
    const genai_part_t *part, genai_writer_t *w);
static void genai_gct_signature(const genai_part_t *part, genai_writer_t *w);
static unsigned genai_gct_is_own(const genai_part_t *part);
static unsigned genai_gct_is_text(const genai_part_t *part);
static unsigned genai_gct_is_told(genai_chat_t *chat, genai_role_e role,
    const genai_part_t *part);
static unsigned genai_gct_is_empty(const genai_value_t *text);
static unsigned genai_gct_says(genai_chat_t *chat, const genai_message_t *m);


int
genai_gemini_write_contents(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_writer_t *w)
{
    int                     rc;
    unsigned                turns;
    const genai_message_t  *m;

    turns = 0;

    for (m = chat->messages; m; m = m->next) {

        if (m->role == GENAI_ROLE_USER || m->role == GENAI_ROLE_ASSISTANT) {
            turns += genai_gct_says(chat, m);
        }

        if (m->name.kind != GENAI_VALUE_NONE) {
            genai_chat_dropped(chat, "name");
        }
    }

    if (turns) {

        rc = genai_gct_system(chat, w, 1);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    genai_writer_name(w, "contents");
    genai_writer_open(w, '[');

    if (turns == 0) {

        /* instructions alone are what is asked */

        rc = genai_gct_system(chat, w, 0);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    for (m = chat->messages; m; /* void */ ) {

        if ((m->role != GENAI_ROLE_USER && m->role != GENAI_ROLE_ASSISTANT)
            || !genai_gct_says(chat, m))
        {
            m = m->next;
            continue;
        }

        rc = genai_gct_turn(chat, to, &m, w);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    genai_writer_close(w, ']');

    return GENAI_CHAT_OK;
}


/* instructions, wherever they stand, as the member or as a user's turn */

static int
genai_gct_system(genai_chat_t *chat, genai_writer_t *w, unsigned turns)
{
    unsigned                n, begun;
    const genai_part_t     *part;
    const genai_message_t  *m;

    n = 0;
    begun = 0;

    for (m = chat->messages; m; m = m->next) {

        if (m->role == GENAI_ROLE_USER || m->role == GENAI_ROLE_ASSISTANT) {
            begun |= genai_gct_says(chat, m);
            continue;
        }

        for (part = m->parts; part; part = part->next) {

            if (part->kind != GENAI_PART_TEXT) {
                return genai_chat_refuse(chat, "instructions can be nothing "
                                         "but text with this model's "
                                         "provider");
            }

            if (genai_gct_is_empty(&part->text)) {
                continue;
            }

            if (begun) {
                genai_chat_dropped(chat, "system.place");
            }

            if (part->cache != GENAI_CACHE_NONE) {
                genai_chat_dropped(chat, "cache_control");
            }

            if (n++ == 0) {

                if (turns) {
                    genai_writer_name(w, "systemInstruction");
                }

                genai_writer_open(w, '{');

                if (!turns) {
                    genai_writer_name(w, "role");
                    genai_writer_literal(w, "\"user\"");
                }

                genai_writer_name(w, "parts");
                genai_writer_open(w, '[');
            }

            genai_writer_open(w, '{');
            genai_writer_name(w, "text");
            genai_value_write_string(&part->text, w);
            genai_writer_close(w, '}');
        }
    }

    if (n) {
        genai_writer_close(w, ']');
        genai_writer_close(w, '}');
    }

    return GENAI_CHAT_OK;
}


/* all messages of a side up to the next one of the other's */

static int
genai_gct_turn(genai_chat_t *chat, const genai_chat_target_t *to,
    const genai_message_t **first, genai_writer_t *w)
{
    int                     rc;
    unsigned                results;
    genai_role_e            role;
    const genai_part_t     *part;
    genai_gemini_turn_t     turn;
    const genai_message_t  *m, *end;

    role = (*first)->role;
    memset(&turn, 0, sizeof(genai_gemini_turn_t));
    turn.to = to;

    for (end = *first; end; end = end->next) {

        if ((end->role == GENAI_ROLE_USER
             || end->role == GENAI_ROLE_ASSISTANT)
            && end->role != role && genai_gct_says(chat, end))
        {
            break;
        }
    }

    genai_writer_open(w, '{');
    genai_writer_name(w, "role");
    genai_writer_literal(w, role == GENAI_ROLE_USER ? "\"user\""
                                                    : "\"model\"");
    genai_writer_name(w, "parts");
    genai_writer_open(w, '[');

    for (results = (role == GENAI_ROLE_USER) ? 1 : 0; /* void */ ; results--) {

        for (m = *first; m != end; m = m->next) {

            if (m->role != role) {
                continue;
            }

            for (part = m->parts; part; part = part->next) {

                if (!genai_gct_is_told(chat, role, part)
                    || (role == GENAI_ROLE_USER
                        && (part->kind == GENAI_PART_RESULT) != results))
                {
                    continue;
                }

                rc = genai_gct_part(chat, &turn, part, w);

                if (rc != GENAI_CHAT_OK) {
                    return rc;
                }
            }
        }

        if (results == 0) {
            break;
        }
    }

    genai_writer_close(w, ']');
    genai_writer_close(w, '}');

    *first = end;

    return GENAI_CHAT_OK;
}


static int
genai_gct_part(genai_chat_t *chat, genai_gemini_turn_t *turn,
    const genai_part_t *part, genai_writer_t *w)
{
    if (part->cache != GENAI_CACHE_NONE) {
        genai_chat_dropped(chat, "cache_control");
    }

    switch (part->kind) {

    case GENAI_PART_TEXT:
    case GENAI_PART_REFUSAL:
    case GENAI_PART_REASONING:
        genai_writer_open(w, '{');
        genai_writer_name(w, "text");
        genai_value_write_string(&part->text, w);

        if (part->kind == GENAI_PART_REASONING) {
            genai_writer_name(w, "thought");
            genai_writer_literal(w, "true");
        }

        genai_gct_signature(part, w);
        genai_writer_close(w, '}');

        return GENAI_CHAT_OK;

    case GENAI_PART_IMAGE:
    case GENAI_PART_AUDIO:
    case GENAI_PART_VIDEO:
    case GENAI_PART_FILE:
        return genai_gct_media(chat, part, w);

    case GENAI_PART_CALL:
        return genai_gct_call(chat, turn, part, w);

    case GENAI_PART_RESULT:
        return genai_gct_result(chat, turn, part, w);

    default:

        if (chat->dialect == &genai_gemini) {
            genai_value_write(&part->text, w);
            return GENAI_CHAT_OK;
        }

        return genai_chat_refuse(chat, "a message has a part that this "
                                 "model's provider cannot be sent");
    }
}


static int
genai_gct_media(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w)
{
    unsigned     data;
    const char  *type, *told;
    genai_str_t  url;

    if (part->detail.kind != GENAI_VALUE_NONE) {
        genai_chat_dropped(chat, "detail");
    }

    if (part->source == GENAI_SOURCE_ID && chat->dialect != &genai_gemini) {
        return genai_chat_refuse(chat, "a file that another provider keeps "
                                 "cannot be sent: send the file itself");
    }

    genai_writer_open(w, '{');

    if (part->source == GENAI_SOURCE_TEXT) {
        genai_writer_name(w, "text");
        genai_value_write_string(&part->text, w);
        genai_writer_close(w, '}');

        return GENAI_CHAT_OK;
    }

    data = (part->source == GENAI_SOURCE_DATA);

    genai_writer_name(w, data ? "inlineData" : "fileData");
    genai_writer_open(w, '{');

    if (part->type.kind != GENAI_VALUE_NONE) {
        genai_writer_name(w, "mimeType");
        genai_value_write_string(&part->type, w);

    } else if (!data) {

        /* not all of Google's endpoints look into it themselves */

        if (genai_value_decode(chat, &part->text, &url) != 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        told = genai_chat_url_type(&url);

        if (told) {
            url.data = (unsigned char *) told;
            url.len = strlen(told);
            genai_writer_name(w, "mimeType");
            genai_writer_string(w, &url);
        }

    } else {

        /* which must be told */

        type = (part->kind == GENAI_PART_IMAGE) ? "\"image/png\""
               : (part->kind == GENAI_PART_AUDIO) ? "\"audio/wav\""
               : (part->kind == GENAI_PART_VIDEO) ? "\"video/mp4\""
               : "\"application/pdf\"";

        genai_writer_name(w, "mimeType");
        genai_writer_literal(w, type);
    }

    genai_writer_name(w, data ? "data" : "fileUri");
    genai_value_write_string(&part->text, w);
    genai_writer_close(w, '}');
    genai_gct_signature(part, w);
    genai_writer_close(w, '}');

    return GENAI_CHAT_OK;
}


static int
genai_gct_call(genai_chat_t *chat, genai_gemini_turn_t *turn,
    const genai_part_t *part, genai_writer_t *w)
{
    if (part->custom) {
        return genai_chat_refuse(chat, "a tool call with free text as input "
                                 "cannot be sent to this model's provider");
    }

    genai_writer_open(w, '{');
    genai_writer_name(w, "functionCall");
    genai_writer_open(w, '{');

    genai_gct_id(turn, part, w);

    genai_tool_name_member(chat, &part->name, w);
    genai_writer_name(w, "args");
    genai_value_write_object(chat, &part->text, w);
    genai_writer_close(w, '}');

    if (genai_gct_is_own(part)) {
        genai_gct_signature(part, w);

    } else if (turn->to->newer && turn->calls == 0) {

        /* that of who was not asked, as Google's documents have it */

        genai_writer_name(w, "thoughtSignature");
        genai_writer_literal(w, "\"skip_thought_signature_validator\"");
    }

    turn->calls++;

    genai_writer_close(w, '}');

    return GENAI_CHAT_OK;
}


/* what is no text stands in the result where the model takes that, or behind
   it */

static int
genai_gct_result(genai_chat_t *chat, genai_gemini_turn_t *turn,
    const genai_part_t *part, genai_writer_t *w)
{
    int                   rc;
    unsigned              n;
    const genai_part_t   *sub;
    const genai_value_t  *name;

    name = &part->name;

    if (name->kind == GENAI_VALUE_NONE) {

        rc = genai_gct_called(chat, part, &name);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    genai_writer_open(w, '{');
    genai_writer_name(w, "functionResponse");
    genai_writer_open(w, '{');

    genai_gct_id(turn, part, w);

    genai_tool_name_member(chat, name, w);
    genai_writer_name(w, "response");
    genai_gct_response(chat, part, w);

    n = 0;

    for (sub = part->parts; turn->to->newer && sub; sub = sub->next) {

        if (genai_gct_is_text(sub)) {
            continue;
        }

        if (n++ == 0) {
            genai_writer_name(w, "parts");
            genai_writer_open(w, '[');
        }

        rc = genai_gct_part(chat, turn, sub, w);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    if (n) {
        genai_writer_close(w, ']');
    }

    genai_writer_close(w, '}');
    genai_writer_close(w, '}');

    for (sub = part->parts; !turn->to->newer && sub; sub = sub->next) {

        if (genai_gct_is_text(sub)) {
            continue;
        }

        rc = genai_gct_part(chat, turn, sub, w);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    return GENAI_CHAT_OK;
}


/*
 * It must be an object.  A text is a member of one, also where it is JSON:
 * nobody is to find references in what a function said.
 */

static void
genai_gct_response(genai_chat_t *chat, const genai_part_t *part,
    genai_writer_t *w)
{
    unsigned             n;
    const genai_part_t  *sub;

    sub = part->parts;

    if (chat->dialect == &genai_gemini && sub && sub->kind == GENAI_PART_TEXT
        && sub->text.kind == GENAI_VALUE_AT
        && genai_cursor_type(&sub->text.at) == GENAI_TAPE_OBJECT)
    {
        genai_value_write(&sub->text, w);
        return;
    }

    genai_writer_open(w, '{');
    genai_writer_name(w, part->error ? "error" : "result");
    genai_writer_begin(w);

    for (n = 0; sub; sub = sub->next) {

        if (!genai_gct_is_text(sub)) {
            continue;
        }

        if (n++) {
            genai_writer_piece(w, &(genai_str_t) genai_str("\n"));
        }

        genai_value_piece(&sub->text, w);
    }

    genai_writer_end(w);
    genai_writer_close(w, '}');
}


static int
genai_gct_called(genai_chat_t *chat, const genai_part_t *result,
    const genai_value_t **name)
{
    genai_str_t          id;
    const genai_part_t  *call;

    if (genai_chat_call_of(chat, result, &call) != GENAI_CHAT_OK) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (call) {
        *name = &call->name;
        return GENAI_CHAT_OK;
    }

    if (genai_value_decode(chat, &result->id, &id) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    return genai_chat_refuse(chat, "a tool's result must follow the call with "
                             "its id \"%.*s\"",
                             (int) (id.len < 64 ? id.len : 64),
                             (char *) id.data);
}


/* Vertex AI refuses what has one, and goes by the order of calls */

static void
genai_gct_id(const genai_gemini_turn_t *turn, const genai_part_t *part,
    genai_writer_t *w)
{
    if (turn->to->vertex || !genai_value_is_string(&part->id)
        || genai_gct_is_empty(&part->id))
    {
        return;
    }

    genai_writer_name(w, "id");
    genai_value_write_string(&part->id, w);
}


static void
genai_gct_signature(const genai_part_t *part, genai_writer_t *w)
{
    if (genai_gct_is_own(part)) {
        genai_writer_name(w, "thoughtSignature");
        genai_value_write_string(&part->signature, w);
    }
}


static unsigned
genai_gct_is_own(const genai_part_t *part)
{
    return part->signer == &genai_gemini
           && genai_value_is_string(&part->signature);
}


static unsigned
genai_gct_is_text(const genai_part_t *part)
{
    return part->kind == GENAI_PART_TEXT || part->kind == GENAI_PART_REFUSAL;
}


/* whether a part reaches the provider; what does not is named */

static unsigned
genai_gct_is_told(genai_chat_t *chat, genai_role_e role,
    const genai_part_t *part)
{
    switch (part->kind) {

    case GENAI_PART_TEXT:
    case GENAI_PART_REFUSAL:
        return genai_gct_is_own(part) || !genai_gct_is_empty(&part->text);

    case GENAI_PART_REASONING:

        if (genai_gct_is_own(part)
            || (chat->dialect == &genai_gemini && part->signer == NULL))
        {
            return 1;
        }

        genai_chat_dropped(chat, "thinking");

        return 0;

    case GENAI_PART_OTHER:

        if (role == GENAI_ROLE_ASSISTANT && chat->dialect != &genai_gemini) {
            genai_chat_dropped(chat, "server tools");
            return 0;
        }

        return 1;

    default:
        return 1;
    }
}


static int
genai_gct_any(void *ctx, const genai_str_t *slice)
{
    (void) ctx;

    return slice->len != 0;
}


static unsigned
genai_gct_is_empty(const genai_value_t *text)
{
    switch (text->kind) {

    case GENAI_VALUE_NONE:
        return 1;

    case GENAI_VALUE_AT:
        return genai_cursor_type(&text->at) == GENAI_TAPE_STRING
               && genai_cursor_write(&text->at, 1, genai_gct_any, NULL) == 0;

    default:
        return text->text.len == 0;
    }
}


static unsigned
genai_gct_says(genai_chat_t *chat, const genai_message_t *m)
{
    const genai_part_t  *part;

    for (part = m->parts; part; part = part->next) {
        if (genai_gct_is_told(chat, m->role, part)) {
            return 1;
        }
    }

    return 0;
}
