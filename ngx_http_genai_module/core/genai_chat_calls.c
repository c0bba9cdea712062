/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_chat_calls.h"
#include "genai_siphash.h"


/* places of a table's first size, a power of two */
#define GENAI_CHAT_KEYS  64


typedef struct genai_chat_call_s  genai_chat_call_t;
typedef struct genai_chat_key_s   genai_chat_key_t;


struct genai_chat_call_s {
    genai_chat_call_t      *next;       /* of all, */
    genai_chat_call_t      *same;       /* of that id, */
    genai_chat_call_t      *namesake;   /* of that name, in order */
    genai_part_t           *part;
    genai_message_t        *message;
    genai_chat_key_t       *id;
};


struct genai_chat_key_s {
    genai_chat_key_t       *next;       /* in its place */
    uint64_t                hash;
    genai_str_t             text;       /* decoded */
    genai_chat_call_t      *first;
    genai_chat_call_t      *last;
    genai_chat_call_t      *at;         /* id: the last one that was found;
                                           name: may be the first unanswered
                                           one; NULL: none is */
    unsigned                answered:1; /* id: a result has it */
    unsigned                custom:1;   /* id: a custom call has it */
};


typedef struct {
    genai_chat_key_t      **places;
    unsigned                size;
    unsigned                used;
    uint64_t                seed[2];
} genai_chat_keys_t;


struct genai_chat_calls_s {
    genai_chat_keys_t       ids;
    genai_chat_keys_t       names;
    genai_chat_call_t      *first;
    genai_chat_call_t      *last;
    genai_chat_call_t      *named;      /* the last one whose name is in */
    genai_message_t        *message;    /* all before it is in, and its */
    genai_part_t           *part;       /* parts up to this one */
};


static genai_chat_calls_t *genai_chat_calls(genai_chat_t *chat);
static int genai_chat_calls_add(genai_chat_t *chat, genai_message_t *m,
    genai_part_t *part);
static int genai_chat_calls_name(genai_chat_t *chat);
static genai_chat_key_t *genai_chat_key(genai_chat_t *chat,
    genai_chat_keys_t *keys, const genai_str_t *text, unsigned add);
static int genai_chat_keys_grow(genai_chat_t *chat, genai_chat_keys_t *keys);
static genai_part_t *genai_chat_last_text(genai_message_t *m);


int
genai_chat_sign(genai_chat_t *chat, genai_message_t *m,
    const genai_dialect_t *signer, const genai_str_t *id,
    const genai_str_t *signature)
{
    genai_part_t        *found;
    genai_chat_key_t    *key;
    genai_chat_calls_t  *calls;

    found = NULL;

    if (id) {
        calls = genai_chat_calls(chat);
        if (calls == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        key = genai_chat_key(chat, &calls->ids, id, 0);

        if (key && key->last && key->last->message == m) {
            found = key->last->part;
        }

    } else {
        found = genai_chat_last_text(m);
    }

    if (found == NULL || signer == NULL) {
        genai_chat_dropped(chat, "signature");
        return GENAI_CHAT_OK;
    }

    found->signer = signer;
    found->signature = genai_value_text(signature);

    return GENAI_CHAT_OK;
}


static genai_part_t *
genai_chat_last_text(genai_message_t *m)
{
    genai_part_t  *part;

    part = m->looked ? m->looked->next : m->parts;

    for ( /* void */ ; part; part = part->next) {

        if (part->kind == GENAI_PART_TEXT) {
            m->text = part;
        }

        m->looked = part;
    }

    return m->text;
}


int
genai_chat_call_of(genai_chat_t *chat, const genai_part_t *result,
    const genai_part_t **call)
{
    genai_str_t          id;
    genai_chat_key_t    *key;
    genai_chat_call_t   *at;
    genai_chat_calls_t  *calls;

    *call = NULL;
    calls = genai_chat_calls(chat);

    if (calls == NULL || genai_value_decode(chat, &result->id, &id) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    key = genai_chat_key(chat, &calls->ids, &id, 0);

    if (key == NULL || key->first == NULL) {
        return GENAI_CHAT_OK;
    }

    if (key->first->part->number > result->number) {
        *call = key->last->part;
        return GENAI_CHAT_OK;
    }

    at = key->at;

    if (at == NULL || at->part->number > result->number) {
        at = key->first;
    }

    while (at->same && at->same->part->number < result->number) {
        at = at->same;
    }

    key->at = at;
    *call = at->part;

    return GENAI_CHAT_OK;
}


int
genai_chat_call_custom(genai_chat_t *chat, const genai_value_t *id)
{
    genai_str_t          text;
    genai_chat_key_t    *key;
    genai_chat_calls_t  *calls;

    calls = genai_chat_calls(chat);

    if (calls == NULL || genai_value_decode(chat, id, &text) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    key = genai_chat_key(chat, &calls->ids, &text, 0);

    return key && key->custom;
}


int
genai_chat_call_answer(genai_chat_t *chat, const genai_value_t *name,
    const genai_part_t **call)
{
    genai_str_t          text;
    genai_chat_key_t    *key;
    genai_chat_calls_t  *calls;

    *call = NULL;

    if (name->kind == GENAI_VALUE_NONE) {
        return GENAI_CHAT_OK;
    }

    calls = genai_chat_calls(chat);

    if (calls == NULL || genai_chat_calls_name(chat) != GENAI_CHAT_OK
        || genai_value_decode(chat, name, &text) != 0)
    {
        return GENAI_CHAT_NO_MEMORY;
    }

    key = genai_chat_key(chat, &calls->names, &text, 0);

    if (key == NULL) {
        return GENAI_CHAT_OK;
    }

    while (key->at && key->at->id->answered) {
        key->at = key->at->namesake;
    }

    if (key->at) {
        key->at->id->answered = 1;
        *call = key->at->part;
    }

    return GENAI_CHAT_OK;
}


/* with all that there is by now, or NULL when there is no memory */

static genai_chat_calls_t *
genai_chat_calls(genai_chat_t *chat)
{
    genai_part_t        *part;
    genai_message_t     *m;
    genai_chat_calls_t  *calls;

    calls = chat->calls;

    if (calls == NULL) {

        calls = genai_arena_alloc(chat->arena, sizeof(genai_chat_calls_t));
        if (calls == NULL) {
            return NULL;
        }

        memset(calls, 0, sizeof(genai_chat_calls_t));
        chat->calls = calls;
    }

    for (m = calls->message ? calls->message : chat->messages;
         m;
         m = m->next)
    {
        if (calls->message != m) {
            calls->message = m;
            calls->part = NULL;
        }

        for (part = calls->part ? calls->part->next : m->parts;
             part;
             part = part->next)
        {
            if (genai_chat_calls_add(chat, m, part) != GENAI_CHAT_OK) {
                return NULL;
            }

            calls->part = part;
        }
    }

    return calls;
}


static int
genai_chat_calls_add(genai_chat_t *chat, genai_message_t *m,
    genai_part_t *part)
{
    genai_str_t          id;
    genai_chat_key_t    *key;
    genai_chat_call_t   *call;
    genai_chat_calls_t  *calls;

    calls = chat->calls;

    if (part->kind != GENAI_PART_CALL
        && (part->kind != GENAI_PART_RESULT
            || part->id.kind == GENAI_VALUE_NONE))
    {
        return GENAI_CHAT_OK;
    }

    if (genai_value_decode(chat, &part->id, &id) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    key = genai_chat_key(chat, &calls->ids, &id, 1);
    if (key == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    if (part->kind == GENAI_PART_RESULT) {
        key->answered = 1;
        return GENAI_CHAT_OK;
    }

    call = genai_arena_alloc(chat->arena, sizeof(genai_chat_call_t));
    if (call == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    memset(call, 0, sizeof(genai_chat_call_t));

    call->part = part;
    call->message = m;
    call->id = key;

    key->custom |= part->custom;

    if (key->last) {
        key->last->same = call;

    } else {
        key->first = call;
    }

    key->last = call;

    if (calls->last) {
        calls->last->next = call;

    } else {
        calls->first = call;
    }

    calls->last = call;

    return GENAI_CHAT_OK;
}


/* the names of calls whose ids are in */

static int
genai_chat_calls_name(genai_chat_t *chat)
{
    genai_str_t          name;
    genai_chat_key_t    *key;
    genai_chat_call_t   *call;
    genai_chat_calls_t  *calls;

    calls = chat->calls;
    call = calls->named ? calls->named->next : calls->first;

    for ( /* void */ ; call; call = call->next) {

        if (genai_value_decode(chat, &call->part->name, &name) != 0) {
            return GENAI_CHAT_NO_MEMORY;
        }

        key = genai_chat_key(chat, &calls->names, &name, 1);
        if (key == NULL) {
            return GENAI_CHAT_NO_MEMORY;
        }

        if (key->last) {
            key->last->namesake = call;

        } else {
            key->first = call;
        }

        key->last = call;

        if (key->at == NULL) {
            key->at = call;
        }

        calls->named = call;
    }

    return GENAI_CHAT_OK;
}


/* NULL: it is not there; or, where it was to be added, there is no memory */

static genai_chat_key_t *
genai_chat_key(genai_chat_t *chat, genai_chat_keys_t *keys,
    const genai_str_t *text, unsigned add)
{
    uint64_t           hash;
    genai_siphash_t    h;
    genai_chat_key_t  *key, **place;

    if (add) {

        if (keys->used == keys->size
            && genai_chat_keys_grow(chat, keys) != GENAI_CHAT_OK)
        {
            return NULL;
        }

    } else if (keys->size == 0) {
        return NULL;
    }

    genai_siphash_begin(&h, keys->seed);
    genai_siphash_bytes(&h, text->data, text->len);
    genai_siphash_word(&h, text->len);
    hash = genai_siphash_end(&h);

    place = &keys->places[hash & (keys->size - 1)];

    for (key = *place; key; key = key->next) {

        if (key->hash == hash && key->text.len == text->len
            && genai_same(key->text.data, text->data, text->len))
        {
            return key;
        }
    }

    if (!add) {
        return NULL;
    }

    key = genai_arena_alloc(chat->arena, sizeof(genai_chat_key_t));
    if (key == NULL) {
        return NULL;
    }

    memset(key, 0, sizeof(genai_chat_key_t));

    key->hash = hash;
    key->text = *text;
    key->next = *place;
    *place = key;

    keys->used++;

    return key;
}


static int
genai_chat_keys_grow(genai_chat_t *chat, genai_chat_keys_t *keys)
{
    unsigned            i, size;
    genai_chat_key_t   *key, *next, **places, **place;

    size = keys->size ? 2 * keys->size : GENAI_CHAT_KEYS;

    places = genai_arena_alloc(chat->arena, size * sizeof(genai_chat_key_t *));
    if (places == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    memset(places, 0, size * sizeof(genai_chat_key_t *));

    if (keys->size == 0) {
        keys->seed[0] = (uintptr_t) places;
        keys->seed[1] = (uintptr_t) chat;
    }

    for (i = 0; i < keys->size; i++) {

        for (key = keys->places[i]; key; key = next) {
            next = key->next;
            place = &places[key->hash & (size - 1)];
            key->next = *place;
            *place = key;
        }
    }

    keys->places = places;
    keys->size = size;

    return GENAI_CHAT_OK;
}
