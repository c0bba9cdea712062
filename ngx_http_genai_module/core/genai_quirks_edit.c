/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A request of OpenAI's dialect for a server with quirks: the members that it
 * refuses or reads as something else are edited, all other bytes stay.
 */


#include "genai_quirks.h"
#include "genai_text.h"

#include <stdio.h>


typedef struct {
    const genai_quirks_t   *q;
    const genai_request_t  *req;
    const genai_tape_t     *tape;
    genai_edits_t          *edits;
    genai_quirks_told_t    *told;
    unsigned                newer;
} genai_quirks_edit_t;


static int genai_quirks_member(genai_quirks_edit_t *e, uint32_t key,
    const genai_str_t *refused);
static int genai_quirks_cap(genai_quirks_edit_t *e);
static int genai_quirks_messages(genai_quirks_edit_t *e, uint32_t messages);
static int genai_quirks_message(genai_quirks_edit_t *e, uint32_t message);
static int genai_quirks_many(genai_quirks_edit_t *e);
static int genai_quirks_id(genai_quirks_edit_t *e, uint32_t value);
static int genai_quirks_drop(genai_quirks_edit_t *e, uint32_t object,
    uint32_t value, const genai_str_t *name);
static int genai_quirks_rename(genai_quirks_edit_t *e, uint32_t value,
    const genai_str_t *from, const genai_str_t *to);
static int genai_quirks_string(genai_quirks_edit_t *e, uint32_t value,
    const char *json);
static unsigned genai_quirks_is_one(const genai_str_t *number);


static const genai_str_t  genai_quirks_caps[] = {
    genai_str("max_tokens"),
    genai_str("max_completion_tokens")
};

#define genai_quirks_named(e, key, name)                                      \
    genai_tape_named((e)->tape, key, "" name, sizeof(name) - 1)


int
genai_quirks_edit(const genai_quirks_t *q, const genai_request_t *req,
    unsigned newer, genai_edits_t *edits, genai_quirks_told_t *told)
{
    int                  rc;
    uint32_t             key;
    const genai_str_t   *refused;
    genai_quirks_edit_t  e;

    static const genai_str_t  options = genai_str("stream_options");

    told->ndropped = 0;
    told->error = NULL;

    e.q = q;
    e.req = req;
    e.tape = &req->tape;
    e.edits = edits;
    e.told = told;
    e.newer = newer;

    refused = NULL;

    switch (req->endpoint) {

    case GENAI_ENDPOINT_EMBEDDINGS:
        refused = q->refused_embeddings;
        break;

    case GENAI_ENDPOINT_CHAT:
        refused = q->refused;

        rc = genai_quirks_cap(&e);

        if (rc != GENAI_EDIT_OK) {
            return rc;
        }

        /* fall through */

    case GENAI_ENDPOINT_COMPLETIONS:

        if (q->one && req->choices > 1) {
            told->error = "this model's provider gives one answer, \"n\" "
                          "cannot be more";
            return GENAI_QUIRKS_REFUSED;
        }

        if (q->untold && req->stream_options) {

            rc = genai_edit_remove(edits, 0, &options);

            if (rc != GENAI_EDIT_OK) {
                return rc;
            }
        }

        break;

    default:
        return GENAI_EDIT_OK;
    }

    for (key = genai_tape_first(e.tape, 0); key;
         key = genai_tape_next(e.tape, 0, key))
    {
        rc = genai_quirks_member(&e, key, refused);

        if (rc != GENAI_EDIT_OK) {
            return rc;
        }
    }

    return GENAI_EDIT_OK;
}


int
genai_quirks_unask(const genai_request_t *req, genai_edits_t *edits)
{
    static const genai_str_t  options = genai_str("stream_options");
    static const genai_str_t  usage = genai_str("include_usage");

    return req->stream_options
           ? genai_edit_remove(edits, req->stream_options, &usage)
           : genai_edit_remove(edits, 0, &options);
}


static int
genai_quirks_member(genai_quirks_edit_t *e, uint32_t key,
    const genai_str_t *refused)
{
    uint32_t               value, type;
    genai_str_t            text;
    genai_tape_type_e      kind;
    const genai_quirks_t  *q;

    static const genai_str_t  seed = genai_str("seed");
    static const genai_str_t  top_p = genai_str("top_p");

    q = e->q;
    value = genai_tape_value(e->tape, key);
    kind = genai_tape_type(e->tape, value);

    for ( /* void */ ; refused && refused->len; refused++) {
        if (genai_tape_named(e->tape, key, (char *) refused->data,
                             refused->len))
        {
            return genai_quirks_drop(e, 0, value, refused);
        }
    }

    if (e->req->endpoint != GENAI_ENDPOINT_CHAT
        && e->req->endpoint != GENAI_ENDPOINT_COMPLETIONS)
    {
        return GENAI_EDIT_OK;
    }

    if (q->seed.len && genai_quirks_named(e, key, "seed")) {
        return genai_quirks_rename(e, value, &seed, &q->seed);
    }

    if (q->top_p && kind == GENAI_TAPE_NUMBER
        && genai_quirks_named(e, key, "top_p"))
    {
        text = genai_tape_view(e->tape, value);

        return genai_quirks_is_one(&text)
               ? genai_edit_remove(e->edits, 0, &top_p) : GENAI_EDIT_OK;
    }

    if (e->req->endpoint != GENAI_ENDPOINT_CHAT) {
        return GENAI_EDIT_OK;
    }

    if (genai_quirks_named(e, key, "messages")) {
        return genai_quirks_messages(e, value);
    }

    if (genai_quirks_named(e, key, "tool_choice")) {

        if (q->any && kind == GENAI_TAPE_STRING
            && genai_quirks_named(e, value, "required"))
        {
            return genai_quirks_string(e, value, "\"any\"");
        }

        if (q->unnamed && kind == GENAI_TAPE_OBJECT) {
            e->told->error = "this model's provider cannot be told which "
                             "function to call";
            return GENAI_QUIRKS_REFUSED;
        }

        return GENAI_EDIT_OK;
    }

    if (q->schemaless && genai_quirks_named(e, key, "response_format")) {

        type = genai_tape_find(e->tape, value, "type", 4);

        if (type && genai_tape_type(e->tape, type) == GENAI_TAPE_STRING
            && genai_quirks_named(e, type, "json_schema"))
        {
            e->told->error = "this model's provider has no answers by a JSON "
                             "schema";
            return GENAI_QUIRKS_REFUSED;
        }

        return GENAI_EDIT_OK;
    }

    if (q->high && kind == GENAI_TAPE_STRING
        && genai_quirks_named(e, key, "reasoning_effort")
        && !genai_quirks_named(e, value, "none")
        && !genai_quirks_named(e, value, "high"))
    {
        return genai_quirks_string(e, value, "\"high\"");
    }

    return GENAI_EDIT_OK;
}


/* of two that are there the smaller one counts, as it does for us */

static int
genai_quirks_cap(genai_quirks_edit_t *e)
{
    int          rc;
    char         text[24];
    uint32_t     value[2];
    unsigned     from;
    genai_str_t  json, there;

    switch (e->q->cap) {

    case GENAI_CAP_OLD:
        from = 1;
        break;

    case GENAI_CAP_NEWER:

        if (!e->newer) {
            return GENAI_EDIT_OK;
        }

        from = 0;
        break;

    default:
        return GENAI_EDIT_OK;
    }

    value[0] = e->req->max_tokens;
    value[1] = e->req->max_completion_tokens;

    if (value[from] == 0) {
        return GENAI_EDIT_OK;
    }

    if (value[!from] == 0) {
        return genai_quirks_rename(e, value[from], &genai_quirks_caps[from],
                                   &genai_quirks_caps[!from]);
    }

    rc = genai_edit_remove(e->edits, 0, &genai_quirks_caps[from]);

    if (rc != GENAI_EDIT_OK || e->req->output_max < 0) {
        return rc;
    }

    json.data = (unsigned char *) text;
    json.len = snprintf(text, sizeof(text), "%lld",
                        (long long) e->req->output_max);

    there = genai_tape_view(e->tape, value[!from]);

    if (there.len == json.len && genai_same(there.data, text, json.len)) {
        return GENAI_EDIT_OK;
    }

    return genai_edit_value(e->edits, value[!from], &json);
}


static int
genai_quirks_messages(genai_quirks_edit_t *e, uint32_t messages)
{
    int       rc;
    uint32_t  m;

    if (!e->q->system && !e->q->call_id && e->q->refused_message == NULL) {
        return GENAI_EDIT_OK;
    }

    if (genai_tape_type(e->tape, messages) != GENAI_TAPE_ARRAY) {
        return GENAI_EDIT_OK;
    }

    if (e->req->messages > GENAI_QUIRKS_MESSAGES_MAX) {
        return genai_quirks_many(e);
    }

    for (m = genai_tape_first(e->tape, messages); m;
         m = genai_tape_next(e->tape, messages, m))
    {
        if (genai_tape_type(e->tape, m) != GENAI_TAPE_OBJECT) {
            continue;
        }

        rc = genai_quirks_message(e, m);

        if (rc != GENAI_EDIT_OK) {
            return rc;
        }
    }

    return GENAI_EDIT_OK;
}


static int
genai_quirks_many(genai_quirks_edit_t *e)
{
    e->told->error = "too many messages must be changed for this model's "
                     "provider";

    return GENAI_QUIRKS_REFUSED;
}


static int
genai_quirks_message(genai_quirks_edit_t *e, uint32_t message)
{
    int                           rc;
    unsigned                      i, role;
    uint32_t                      key, value, call, id, at;
    const genai_quirks_member_t  *r;

    static const struct {
        genai_str_t    name;
        genai_role_e   role;
    } roles[] = {
        { genai_str("user"), GENAI_ROLE_USER },
        { genai_str("assistant"), GENAI_ROLE_ASSISTANT },
        { genai_str("tool"), GENAI_ROLE_TOOL },
        { genai_str("system"), GENAI_ROLE_SYSTEM },
        { genai_str("developer"), GENAI_ROLE_DEVELOPER }
    };

    role = 0;
    at = genai_tape_find(e->tape, message, "role", 4);

    if (at && genai_tape_type(e->tape, at) == GENAI_TAPE_STRING) {

        for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
            if (genai_tape_named(e->tape, at, (char *) roles[i].name.data,
                                 roles[i].name.len))
            {
                role = 1u << roles[i].role;
                break;
            }
        }

        if (e->q->system && role == 1u << GENAI_ROLE_DEVELOPER) {

            rc = genai_quirks_string(e, at, "\"system\"");

            if (rc != GENAI_EDIT_OK) {
                return rc;
            }
        }
    }

    for (key = genai_tape_first(e->tape, message); key;
         key = genai_tape_next(e->tape, message, key))
    {
        if (e->edits->n > GENAI_QUIRKS_EDITS_MAX) {
            return genai_quirks_many(e);
        }

        value = genai_tape_value(e->tape, key);

        for (r = e->q->refused_message; r && r->name.len; r++) {

            if ((r->roles && !(r->roles & role))
                || !genai_tape_named(e->tape, key, (char *) r->name.data,
                                     r->name.len))
            {
                continue;
            }

            rc = genai_quirks_drop(e, message, value, &r->name);

            if (rc != GENAI_EDIT_OK) {
                return rc;
            }
        }

        if (e->q->call_id == 0) {
            continue;
        }

        if (genai_quirks_named(e, key, "tool_call_id")) {

            rc = genai_quirks_id(e, value);

            if (rc != GENAI_EDIT_OK) {
                return rc;
            }

            continue;
        }

        if (!genai_quirks_named(e, key, "tool_calls")
            || genai_tape_type(e->tape, value) != GENAI_TAPE_ARRAY)
        {
            continue;
        }

        for (call = genai_tape_first(e->tape, value); call;
             call = genai_tape_next(e->tape, value, call))
        {
            if (e->edits->n > GENAI_QUIRKS_EDITS_MAX) {
                return genai_quirks_many(e);
            }

            id = genai_tape_find(e->tape, call, "id", 2);
            rc = id ? genai_quirks_id(e, id) : GENAI_EDIT_OK;

            if (rc != GENAI_EDIT_OK) {
                return rc;
            }
        }
    }

    return GENAI_EDIT_OK;
}


static int
genai_quirks_id(genai_quirks_edit_t *e, uint32_t value)
{
    size_t         n;
    genai_str_t    raw, id, json;
    unsigned char  buf[GENAI_QUIRKS_ID_MAX + 2];

    if (genai_tape_type(e->tape, value) != GENAI_TAPE_STRING) {
        return GENAI_EDIT_OK;
    }

    raw = genai_tape_view(e->tape, value);
    id = raw;

    if (genai_tape_escaped(e->tape, value)) {

        id.data = genai_arena_alloc(e->edits->arena, raw.len);
        if (id.data == NULL) {
            return GENAI_EDIT_NO_MEMORY;
        }

        id.len = genai_text_decode(id.data, &raw);
    }

    n = genai_quirks_call_id(e->q, &id, buf + 1);

    if (n == 0) {
        return GENAI_EDIT_OK;
    }

    buf[0] = '"';
    buf[n + 1] = '"';

    json.data = buf;
    json.len = n + 2;

    return genai_edit_value(e->edits, value, &json);
}


/* what asks for nothing is not missed */

static int
genai_quirks_drop(genai_quirks_edit_t *e, uint32_t object, uint32_t value,
    const genai_str_t *name)
{
    unsigned              i;
    genai_tape_type_e     kind;
    genai_quirks_told_t  *told;

    told = e->told;
    kind = genai_tape_type(e->tape, value);

    if (kind != GENAI_TAPE_NULL && kind != GENAI_TAPE_FALSE) {

        for (i = 0; i < told->ndropped; i++) {
            if (told->dropped[i].len == name->len
                && memcmp(told->dropped[i].data, name->data, name->len) == 0)
            {
                break;
            }
        }

        if (i == told->ndropped && i < GENAI_QUIRKS_DROPPED_MAX) {
            told->dropped[told->ndropped++] = *name;
        }
    }

    return genai_edit_remove(e->edits, object, name);
}


static int
genai_quirks_rename(genai_quirks_edit_t *e, uint32_t value,
    const genai_str_t *from, const genai_str_t *to)
{
    int          rc;
    genai_str_t  json;

    json = genai_tape_whole(e->tape, value);
    rc = genai_edit_remove(e->edits, 0, from);

    return (rc == GENAI_EDIT_OK) ? genai_edit_set(e->edits, 0, to, &json) : rc;
}


static int
genai_quirks_string(genai_quirks_edit_t *e, uint32_t value, const char *json)
{
    genai_str_t  s;

    s.len = strlen(json);
    s.data = (unsigned char *) json;

    return genai_edit_value(e->edits, value, &s);
}


static unsigned
genai_quirks_is_one(const genai_str_t *number)
{
    size_t  i;

    if (number->len == 0 || number->data[0] != '1') {
        return 0;
    }

    if (number->len == 1) {
        return 1;
    }

    for (i = 2; i < number->len && number->data[i] == '0'; i++) {
        /* void */
    }

    return number->data[1] == '.' && i == number->len;
}
