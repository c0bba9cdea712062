/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_tool_name.h"
#include "genai_key.h"


/* hex digits of a digest behind a name, and the _ between */
#define GENAI_TOOL_NAME_HEX   8
#define GENAI_TOOL_NAME_TAIL  (GENAI_TOOL_NAME_HEX + 1)


/* a place of the table: a name that is taken; provider.data is NULL where it
   stands for itself, or for another one */

typedef struct {
    genai_str_t   name;
    genai_str_t   provider;
    unsigned      taken;
} genai_tool_place_t;


/* Returns what genai_chat.h says. */
typedef int (*genai_tool_name_pt)(genai_chat_t *chat, const genai_str_t *name);


static int genai_tool_names_each(genai_chat_t *chat,
    genai_tool_name_pt handler);
static int genai_tool_names_one(genai_chat_t *chat, const genai_value_t *v,
    genai_tool_name_pt handler);
static int genai_tool_names_look(genai_chat_t *chat, const genai_str_t *name);
static int genai_tool_names_keep(genai_chat_t *chat, const genai_str_t *name);
static int genai_tool_names_change(genai_chat_t *chat,
    const genai_str_t *name);
static void genai_tool_name_make(const genai_tool_rule_t *rule,
    const genai_str_t *name, const unsigned char *digest,
    genai_str_t *provider);
static genai_tool_place_t *genai_tool_names_place(genai_tool_names_t *names,
    const genai_str_t *name, const unsigned char *digest);
static int genai_tool_names_grow(genai_chat_t *chat);


static unsigned
genai_tool_name_takes(const genai_tool_rule_t *rule, unsigned first,
    unsigned char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') {
        return 1;
    }

    if (first && rule->letter) {
        return 0;
    }

    return (c >= '0' && c <= '9')
           || (c != '\0' && strchr(rule->more, c) != NULL);
}


unsigned
genai_tool_name_fits(const genai_tool_rule_t *rule, const genai_str_t *name)
{
    size_t  i;

    for (i = 0; i < name->len; i++) {
        if (!genai_tool_name_takes(rule, i == 0, name->data[i])) {
            return 0;
        }
    }

    return i != 0 && i <= rule->max;
}


int
genai_chat_write(genai_chat_t *chat, const genai_dialect_t *dialect,
    const genai_chat_target_t *to, genai_writer_t *w)
{
    int  rc;

    rc = genai_tool_names(chat, dialect->tool_rule);

    return (rc == GENAI_CHAT_OK) ? dialect->write_chat(chat, to, w) : rc;
}


int
genai_tool_names(genai_chat_t *chat, const genai_tool_rule_t *rule)
{
    int                  rc;
    genai_tool_names_t   names;

    chat->names = NULL;

    if (rule == NULL) {
        return GENAI_CHAT_OK;
    }

    memset(&names, 0, sizeof(genai_tool_names_t));
    names.rule = rule;

    chat->names = &names;
    rc = genai_tool_names_each(chat, genai_tool_names_look);
    chat->names = NULL;

    if (rc != GENAI_CHAT_OK || names.n == 0) {
        return rc;
    }

    names.n = 0;

    chat->names = genai_arena_alloc(chat->arena, sizeof(genai_tool_names_t));
    if (chat->names == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    *chat->names = names;

    /* those that stay are taken before any other is given */

    rc = genai_tool_names_each(chat, genai_tool_names_keep);

    if (rc == GENAI_CHAT_OK) {
        rc = genai_tool_names_each(chat, genai_tool_names_change);
    }

    return rc;
}


/* tools come first: these are the same in every turn of a conversation */

static int
genai_tool_names_each(genai_chat_t *chat, genai_tool_name_pt handler)
{
    int                     rc;
    const genai_part_t     *part;
    const genai_tool_t     *tool;
    const genai_message_t  *m;

    for (tool = chat->tools; tool; tool = tool->next) {

        if (tool->kind == GENAI_TOOL_SERVER) {
            continue;
        }

        rc = genai_tool_names_one(chat, &tool->name, handler);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    if (chat->choice == GENAI_CHOICE_NAMED) {
        rc = genai_tool_names_one(chat, &chat->choice_name, handler);

        if (rc != GENAI_CHAT_OK) {
            return rc;
        }
    }

    for (m = chat->messages; m; m = m->next) {

        for (part = m->parts; part; part = part->next) {

            if (part->kind != GENAI_PART_CALL
                && (part->kind != GENAI_PART_RESULT
                    || part->name.kind == GENAI_VALUE_NONE))
            {
                continue;
            }

            rc = genai_tool_names_one(chat, &part->name, handler);

            if (rc != GENAI_CHAT_OK) {
                return rc;
            }
        }
    }

    return GENAI_CHAT_OK;
}


static int
genai_tool_names_one(genai_chat_t *chat, const genai_value_t *v,
    genai_tool_name_pt handler)
{
    genai_str_t  name;

    if (genai_value_decode(chat, v, &name) != 0) {
        return GENAI_CHAT_NO_MEMORY;
    }

    return handler(chat, &name);
}


static int
genai_tool_names_look(genai_chat_t *chat, const genai_str_t *name)
{
    chat->names->n |= !genai_tool_name_fits(chat->names->rule, name);

    return GENAI_CHAT_OK;
}


static int
genai_tool_names_keep(genai_chat_t *chat, const genai_str_t *name)
{
    unsigned char        digest[GENAI_DIGEST_LEN];
    genai_tool_place_t  *place;

    if (!genai_tool_name_fits(chat->names->rule, name)) {
        return GENAI_CHAT_OK;
    }

    if (genai_tool_names_grow(chat) != GENAI_CHAT_OK) {
        return GENAI_CHAT_NO_MEMORY;
    }

    genai_digest(name->data, name->len, digest);

    place = genai_tool_names_place(chat->names, name, digest);

    if (place->taken) {
        return GENAI_CHAT_OK;
    }

    if (chat->names->used == GENAI_TOOL_NAMES_MAX) {
        return genai_chat_refuse(chat, "there are more than %d names of tools "
                                 "in the request", GENAI_TOOL_NAMES_MAX);
    }

    place->taken = 1;
    place->name = *name;
    chat->names->used++;

    return GENAI_CHAT_OK;
}


static int
genai_tool_names_change(genai_chat_t *chat, const genai_str_t *name)
{
    size_t               len;
    unsigned             i;
    genai_str_t          provider;
    unsigned char       *p, digest[GENAI_DIGEST_LEN], next[GENAI_DIGEST_LEN];
    genai_tool_name_t   *pair;
    genai_tool_names_t  *names;
    genai_tool_place_t  *place, *given;

    names = chat->names;

    if (genai_tool_name_fits(names->rule, name)) {
        return GENAI_CHAT_OK;
    }

    /* for two */

    if (genai_tool_names_grow(chat) != GENAI_CHAT_OK) {
        return GENAI_CHAT_NO_MEMORY;
    }

    genai_digest(name->data, name->len, digest);

    place = genai_tool_names_place(names, name, digest);

    if (place->taken) {
        return GENAI_CHAT_OK;
    }

    names->bytes += name->len;

    if (name->len > GENAI_TOOL_NAME_CLIENT) {
        return genai_chat_refuse(chat, "the tool's name \"%.64s...\" is "
                                 "longer than %d bytes", (char *) name->data,
                                 GENAI_TOOL_NAME_CLIENT);
    }

    if (names->n == GENAI_TOOL_NAMES_CHANGED) {
        return genai_chat_refuse(chat, "there are more than %d names of tools "
                                 "that this model's provider does not take",
                                 GENAI_TOOL_NAMES_CHANGED);
    }

    if (names->name == NULL) {
        names->name = genai_arena_alloc(chat->arena,
                                        GENAI_TOOL_NAMES_CHANGED
                                        * sizeof(genai_tool_name_t));
    }

    len = (name->len < GENAI_TOOL_NAME_MAX) ? name->len : GENAI_TOOL_NAME_MAX;

    p = genai_arena_alloc(chat->arena, len + GENAI_TOOL_NAME_TAIL);

    if (names->name == NULL || p == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    provider.data = p;
    memcpy(next, digest, GENAI_DIGEST_LEN);

    for (i = 1; ; i++) {

        genai_tool_name_make(names->rule, name, next, &provider);

        genai_digest(provider.data, provider.len, next);
        given = genai_tool_names_place(names, &provider, next);

        if (!given->taken) {
            break;
        }

        /* of the digest, with a number in it */

        memcpy(next, digest, GENAI_DIGEST_LEN);
        next[0] ^= i & 0xff;
        next[1] ^= i >> 8 & 0xff;

        genai_digest(next, GENAI_DIGEST_LEN, next);
    }

    given->taken = 1;
    given->name = provider;
    names->used++;

    /* the place may be the one that was given */

    place = genai_tool_names_place(names, name, digest);

    place->taken = 1;
    place->name = *name;
    place->provider = provider;
    names->used++;

    pair = &names->name[names->n++];
    pair->client = *name;
    pair->provider = provider;

    return GENAI_CHAT_OK;
}


static void
genai_tool_name_make(const genai_tool_rule_t *rule, const genai_str_t *name,
    const unsigned char *digest, genai_str_t *provider)
{
    size_t          i;
    unsigned        bad;
    unsigned char   c, *p, *end;

    static const unsigned char  hex[] = "0123456789abcdef";

    p = provider->data;
    end = p + rule->max - GENAI_TOOL_NAME_TAIL;

    for (i = 0, bad = 0; i < name->len && p < end; i++) {

        c = name->data[i];

        if (genai_tool_name_takes(rule, p == provider->data, c)) {
            *p++ = c;
            bad = 0;

        } else if (!bad) {
            *p++ = '_';
            bad = 1;
        }
    }

    *p++ = '_';

    for (i = 0; i < GENAI_TOOL_NAME_HEX / 2; i++) {
        *p++ = hex[digest[i] >> 4];
        *p++ = hex[digest[i] & 0xf];
    }

    provider->len = p - provider->data;
}


/* the name's, or a free one; there always is one */

static genai_tool_place_t *
genai_tool_names_place(genai_tool_names_t *names, const genai_str_t *name,
    const unsigned char *digest)
{
    uint32_t             i;
    genai_tool_place_t  *place, *table;

    table = names->table;
    memcpy(&i, digest + GENAI_DIGEST_LEN - sizeof(i), sizeof(i));

    for ( ;; ) {

        place = &table[i++ & (names->size - 1)];

        if (!place->taken
            || (place->name.len == name->len
                && memcmp(place->name.data, name->data, name->len) == 0))
        {
            return place;
        }
    }
}


/* so that no more than half of the places are taken after two more */

static int
genai_tool_names_grow(genai_chat_t *chat)
{
    unsigned             i, size;
    unsigned char        digest[GENAI_DIGEST_LEN];
    genai_tool_names_t  *names;
    genai_tool_place_t  *old, *table;

    names = chat->names;

    if (2 * (names->used + 2) <= names->size) {
        return GENAI_CHAT_OK;
    }

    size = names->size ? 4 * names->size : 256;

    table = genai_arena_alloc(chat->arena, size * sizeof(genai_tool_place_t));
    if (table == NULL) {
        return GENAI_CHAT_NO_MEMORY;
    }

    memset(table, 0, size * sizeof(genai_tool_place_t));

    old = names->table;
    names->table = table;

    i = names->size;
    names->size = size;

    while (i--) {

        if (old[i].taken) {
            genai_digest(old[i].name.data, old[i].name.len, digest);
            *genai_tool_names_place(names, &old[i].name, digest) = old[i];
        }
    }

    return GENAI_CHAT_OK;
}


void
genai_tool_name_write(genai_chat_t *chat, const genai_value_t *v,
    genai_writer_t *w)
{
    genai_str_t          name;
    unsigned char        digest[GENAI_DIGEST_LEN];
    genai_tool_place_t  *place;

    if (chat->names && genai_value_decode(chat, v, &name) == 0
        && !genai_tool_name_fits(chat->names->rule, &name))
    {
        genai_digest(name.data, name.len, digest);

        place = genai_tool_names_place(chat->names, &name, digest);

        if (place->provider.data) {
            genai_writer_string(w, &place->provider);
            return;
        }
    }

    genai_value_write_string(v, w);
}


void
genai_tool_name_member(genai_chat_t *chat, const genai_value_t *name,
    genai_writer_t *w)
{
    genai_writer_name(w, "name");
    genai_tool_name_write(chat, name, w);
}


void
genai_tool_name_back(const genai_tool_name_t *names, unsigned n,
    genai_str_t *said)
{
    unsigned  i;

    for (i = 0; i < n; i++) {

        if (names[i].provider.len == said->len
            && genai_same(names[i].provider.data, said->data, said->len))
        {
            *said = names[i].client;
            return;
        }
    }
}
