/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads one object of a fragment: a key, a user, a team, a plan, a model.
 */


#include "genai_policy_build_int.h"
#include "genai_dialect.h"

#include <stdio.h>


#define GENAI_POLICY_OF_KEY    (1 << GENAI_POLICY_KEYS)
#define GENAI_POLICY_OF_USER   (1 << GENAI_POLICY_USERS)
#define GENAI_POLICY_OF_TEAM   (1 << GENAI_POLICY_TEAMS)
#define GENAI_POLICY_OF_PLAN   (1 << GENAI_POLICY_PLANS)
#define GENAI_POLICY_OF_MODEL  (1 << GENAI_POLICY_MODELS)

#define GENAI_POLICY_OF_ALL    (GENAI_POLICY_OF_KEY|GENAI_POLICY_OF_USER      \
                                |GENAI_POLICY_OF_TEAM|GENAI_POLICY_OF_PLAN)


typedef const char *(*genai_policy_handler_pt)(genai_policy_reader_t *r,
    uint32_t value);

typedef struct {
    genai_str_t              name;
    unsigned                 kinds;
    genai_policy_handler_pt  read;
} genai_policy_member_t;


static int genai_policy_read_id(genai_policy_reader_t *r, uint32_t name);
static void genai_policy_read_member(genai_policy_reader_t *r, uint32_t name);
static void genai_policy_close(genai_policy_reader_t *r, uint32_t at,
    const char *member, const char *wrong);
static void genai_policy_read_done(genai_policy_reader_t *r);
static unsigned genai_policy_line_of(genai_policy_reader_t *r, uint32_t i);

static const char *genai_policy_sha256(genai_policy_reader_t *r,
    uint32_t value);
static const char *genai_policy_digest(genai_policy_reader_t *r,
    uint32_t value);
static const char *genai_policy_reference(genai_policy_reader_t *r,
    uint32_t value, uint32_t *symbol, unsigned *line);
static const char *genai_policy_of_team(genai_policy_reader_t *r,
    uint32_t value);
static const char *genai_policy_of_user(genai_policy_reader_t *r,
    uint32_t value);
static const char *genai_policy_of_plan(genai_policy_reader_t *r,
    uint32_t value);
static const char *genai_policy_models(genai_policy_reader_t *r,
    uint32_t value);
static const char *genai_policy_endpoint(genai_policy_reader_t *r,
    uint32_t value);
static const char *genai_policy_limits(genai_policy_reader_t *r,
    uint32_t value);
static const char *genai_policy_guard(genai_policy_reader_t *r,
    uint32_t value);
static const char *genai_policy_priority(genai_policy_reader_t *r,
    uint32_t value);
static const char *genai_policy_labels(genai_policy_reader_t *r,
    uint32_t value);
static const char *genai_policy_credentials(genai_policy_reader_t *r,
    uint32_t value);
static const char *genai_policy_pairs(genai_policy_reader_t *r,
    uint32_t value, genai_policy_list_t *list);
static const char *genai_policy_disabled(genai_policy_reader_t *r,
    uint32_t value);
static const char *genai_policy_admin(genai_policy_reader_t *r,
    uint32_t value);
static const char *genai_policy_not_before(genai_policy_reader_t *r,
    uint32_t value);
static const char *genai_policy_not_after(genai_policy_reader_t *r,
    uint32_t value);


static const genai_policy_member_t  genai_policy_members[] = {

    { genai_str("sha256"), GENAI_POLICY_OF_KEY, genai_policy_sha256 },

    { genai_str("team"), GENAI_POLICY_OF_KEY|GENAI_POLICY_OF_USER,
      genai_policy_of_team },

    { genai_str("parent"), GENAI_POLICY_OF_TEAM, genai_policy_of_team },

    { genai_str("user"), GENAI_POLICY_OF_KEY, genai_policy_of_user },

    { genai_str("plan"), GENAI_POLICY_OF_KEY, genai_policy_of_plan },

    { genai_str("models"), GENAI_POLICY_OF_ALL, genai_policy_models },

    { genai_str("endpoints"), GENAI_POLICY_OF_ALL, genai_policy_endpoint },

    { genai_str("limits"), GENAI_POLICY_OF_ALL|GENAI_POLICY_OF_MODEL,
      genai_policy_limits },

    { genai_str("guard"), GENAI_POLICY_OF_ALL, genai_policy_guard },

    { genai_str("priority"), GENAI_POLICY_OF_KEY|GENAI_POLICY_OF_PLAN,
      genai_policy_priority },

    { genai_str("labels"),
      GENAI_POLICY_OF_KEY|GENAI_POLICY_OF_USER|GENAI_POLICY_OF_TEAM,
      genai_policy_labels },

    { genai_str("credentials"), GENAI_POLICY_OF_TEAM,
      genai_policy_credentials },

    { genai_str("not_before"), GENAI_POLICY_OF_KEY, genai_policy_not_before },

    { genai_str("not_after"), GENAI_POLICY_OF_KEY, genai_policy_not_after },

    { genai_str("disabled"), GENAI_POLICY_OF_ALL|GENAI_POLICY_OF_MODEL,
      genai_policy_disabled },

    { genai_str("admin"), GENAI_POLICY_OF_KEY, genai_policy_admin },

    { { 0, NULL }, 0, NULL }
};


/* known to the design and to no dialect of this build: they never match */

static const genai_str_t  genai_policy_later[] = {
    genai_str("responses"), genai_str("messages"), genai_str("generate"),
    genai_str("converse"), genai_str("count_tokens"), { 0, NULL }
};


/* ids go to logs, metrics and books */

static const char  genai_policy_is_key[] =
    "it is a key itself, and whoever reads this file can use it; revoke it,"
    " and write an id of your own";


/* the digest of nothing: of a shell's variable that was not set */

static const unsigned char  genai_policy_empty[GENAI_DIGEST_LEN] = {
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
    0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
    0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55
};


void
genai_policy_read_object(genai_policy_reader_t *r, uint32_t name)
{
    uint32_t                 member, value;
    genai_policy_def_t      *def;
    genai_policy_object_t   *o;
    genai_policy_builder_t  *b;

    b = r->b;
    value = genai_tape_value(r->tape, name);

    memset(&r->def, 0, sizeof(genai_policy_def_t));

    r->def.kind = r->kind;
    r->def.fragment = r->fragment;

    o = &r->def.object;

    o->team = GENAI_POLICY_NONE;
    o->user = GENAI_POLICY_NONE;
    o->plan = GENAI_POLICY_NONE;
    o->priority = GENAI_POLICY_NONE;
    o->not_before = INT64_MIN;
    o->not_after = INT64_MAX;

    if (genai_policy_read_id(r, name) != 0 || !genai_policy_fits(r)) {
        return;
    }

    if (genai_tape_type(r->tape, value) != GENAI_TAPE_OBJECT) {
        genai_policy_close(r, value, NULL, "it is no object");

    } else {
        for (member = genai_tape_first(r->tape, value);
             member && b->failed == 0;
             member = genai_tape_next(r->tape, value, member))
        {
            if (!genai_policy_comment(r->tape, member)) {
                genai_policy_read_member(r, member);
            }
        }

        if (b->failed == 0) {
            genai_policy_read_done(r);
        }
    }

    if (b->failed) {
        return;
    }

    def = genai_policy_push(b, &b->defs, sizeof(genai_policy_def_t), 1);

    if (def) {
        *def = r->def;
        b->counts[r->scoped][r->kind]++;
    }
}


/* returns 0, or -1 where there is nothing to be read */

static int
genai_policy_read_id(genai_policy_reader_t *r, uint32_t name)
{
    char         id[64], object[80];
    const char  *wrong;
    genai_str_t  s;

    /*
     * The value of a name is behind it, and for reading a string it makes no
     * difference.
     */

    s = genai_policy_read_string(r, name);

    if (genai_policy_comment(r->tape, name)) {

        if (s.len && s.data[0] == 'x'
            && genai_tape_type(r->tape, genai_tape_value(r->tape, name))
               == GENAI_TAPE_OBJECT)
        {
            genai_policy_clean(id, sizeof(id), (char *) s.data, s.len);
            (void) snprintf(object, sizeof(object), "%ss.%s",
                            genai_policy_kind(r->kind), id);

            genai_policy_finding(r->b, GENAI_FINDING_NOTE, r->name,
                genai_policy_line_of(r, name), object,
                "it is ignored: names that begin with \"x-\" are comments");
        }

        return -1;
    }

    wrong = genai_policy_text_wrong(&s, GENAI_POLICY_ID_MAX);

    if (wrong == NULL && r->kind == GENAI_POLICY_MODELS) {
        wrong = genai_pattern_check(&s);
    }

    if (wrong == NULL && genai_key_check(&s) == 1) {
        wrong = genai_policy_is_key;
    }

    if (wrong == NULL) {

        r->def.symbol = genai_policy_intern(r->b, &s);

        if (r->b->failed) {
            return -1;
        }

        r->def.object.id = genai_policy_symbol(r->b, r->def.symbol)->text;
        r->def.line = genai_policy_line_of(r, name);

        return 0;
    }

    if (r->b->failed) {
        return -1;
    }

    genai_policy_clean(id, sizeof(id), (char *) s.data, s.len);
    (void) snprintf(object, sizeof(object), "%ss.%s",
                    genai_policy_kind(r->kind), id);

    genai_policy_finding(r->b, GENAI_FINDING_CLOSED, r->name,
                         genai_policy_line_of(r, name), object,
                         "its id cannot be used, it is left out: %s", wrong);

    r->b->left++;

    return -1;
}


static void
genai_policy_read_member(genai_policy_reader_t *r, uint32_t name)
{
    char                          text[64];
    uint32_t                      value;
    const char                   *wrong;
    genai_str_t                   s;
    const genai_policy_member_t  *m;

    value = genai_tape_value(r->tape, name);

    for (m = genai_policy_members; m->name.len; m++) {

        if (!(m->kinds & (1 << r->kind))
            || !genai_tape_named(r->tape, name, (char *) m->name.data,
                                 m->name.len))
        {
            continue;
        }

        r->wrong = 0;

        wrong = m->read(r, value);

        if (wrong && r->b->failed == 0) {
            genai_policy_close(r, r->wrong ? r->wrong : value,
                               (char *) m->name.data, wrong);
        }

        return;
    }

    s = genai_tape_view(r->tape, name);
    genai_policy_clean(text, sizeof(text), (char *) s.data, s.len);

    r->wrong = 0;

    genai_policy_close(r, name, text, "there is no such member here; remove"
                       " it, or let its name begin with \"x-\"");
}


/* member is NULL where it is the object itself */

static void
genai_policy_close(genai_policy_reader_t *r, uint32_t at, const char *member,
    const char *wrong)
{
    char         text[64];
    unsigned     line;
    genai_str_t  s;

    line = genai_policy_line_of(r, at);

    r->def.object.flags |= GENAI_POLICY_CLOSED;

    if (member == NULL) {
        genai_policy_complain(r->b, GENAI_FINDING_CLOSED, &r->def, line,
                              "nobody passes through it: %s", wrong);
        return;
    }

    if (r->wrong == 0
        || genai_tape_type(r->tape, at) >= GENAI_TAPE_ARRAY)
    {
        genai_policy_complain(r->b, GENAI_FINDING_CLOSED, &r->def, line,
                              "nobody passes through it: \"%s\": %s", member,
                              wrong);
        return;
    }

    s = genai_tape_whole(r->tape, at);
    genai_policy_clean(text, sizeof(text), (char *) s.data, s.len);

    genai_policy_complain(r->b, GENAI_FINDING_CLOSED, &r->def, line,
                          "nobody passes through it: \"%s\" has %s: %s",
                          member, text, wrong);
}


/* what can be said when all members are there */

static void
genai_policy_read_done(genai_policy_reader_t *r)
{
    genai_str_t                   id;
    const genai_policy_object_t  *o;

    if (r->kind != GENAI_POLICY_KEYS) {
        return;
    }

    o = &r->def.object;
    id = genai_policy_symbol_text(r->b, r->def.symbol);

    r->wrong = 0;

    if (genai_str_is(&id, "anonymous")) {

        if (r->def.digests.n) {
            r->def.object.flags |= GENAI_POLICY_CLOSED;
            genai_policy_complain(r->b, GENAI_FINDING_CLOSED, &r->def,
                                  r->def.line, "nobody passes through it:"
                                  " \"anonymous\" is who has no key, and can"
                                  " have no \"sha256\"");
        }

    } else if (r->def.digests.n == 0 && !(o->flags & GENAI_POLICY_CLOSED)) {
        genai_policy_complain(r->b, GENAI_FINDING_WARN, &r->def, r->def.line,
                              "it has no \"sha256\", so that nobody can use"
                              " it");
    }

    if (o->not_before >= o->not_after) {
        genai_policy_complain(r->b, GENAI_FINDING_WARN, &r->def, r->def.line,
                              "its \"not_after\" is not behind its"
                              " \"not_before\", so that nobody can use it");
    }
}


static unsigned
genai_policy_line_of(genai_policy_reader_t *r, uint32_t i)
{
    return genai_policy_line(&r->lines, r->tape->entries[i].offset);
}


static const char *
genai_policy_sha256(genai_policy_reader_t *r, uint32_t value)
{
    uint32_t     i;
    const char  *wrong;

    r->def.digests.first = r->b->digests.n;

    if (genai_tape_type(r->tape, value) != GENAI_TAPE_ARRAY) {
        return genai_policy_digest(r, value);
    }

    for (i = genai_tape_first(r->tape, value);
         i;
         i = genai_tape_next(r->tape, value, i))
    {
        r->wrong = i;

        if (r->def.digests.n == GENAI_POLICY_PAIRS_MAX) {
            return "there are more than 64";
        }

        wrong = genai_policy_digest(r, i);

        if (wrong) {
            return wrong;
        }
    }

    return NULL;
}


static const char *
genai_policy_digest(genai_policy_reader_t *r, uint32_t value)
{
    genai_str_t     s;
    unsigned char  *p, digest[GENAI_DIGEST_LEN];

    s = genai_policy_read_string(r, value);

    if (s.data == NULL || genai_digest_read(&s, digest) != 0) {

        /* what stands there may be the key itself, which is not shown */

        r->wrong = 0;

        return "write the SHA-256 of the key in hex, 64 characters";
    }

    if (memcmp(digest, genai_policy_empty, GENAI_DIGEST_LEN) == 0) {
        return "this is the SHA-256 of an empty text";
    }

    p = genai_policy_push(r->b, &r->b->digests, GENAI_DIGEST_LEN, 1);

    if (p) {
        memcpy(p, digest, GENAI_DIGEST_LEN);
        r->def.digests.n++;
    }

    return NULL;
}


static const char *
genai_policy_reference(genai_policy_reader_t *r, uint32_t value,
    uint32_t *symbol, unsigned *line)
{
    genai_str_t  s;

    *line = genai_policy_line_of(r, value);

    s = genai_policy_read_string(r, value);

    if (s.data && genai_key_check(&s) == 1) {
        return genai_policy_is_key;
    }

    return genai_policy_read_text(r, value, GENAI_POLICY_ID_MAX, symbol);
}


static const char *
genai_policy_of_team(genai_policy_reader_t *r, uint32_t value)
{
    return genai_policy_reference(r, value, &r->def.object.team,
                                  &r->def.line_team);
}


static const char *
genai_policy_of_user(genai_policy_reader_t *r, uint32_t value)
{
    return genai_policy_reference(r, value, &r->def.object.user,
                                  &r->def.line_user);
}


static const char *
genai_policy_of_plan(genai_policy_reader_t *r, uint32_t value)
{
    return genai_policy_reference(r, value, &r->def.object.plan,
                                  &r->def.line_plan);
}


static const char *
genai_policy_models(genai_policy_reader_t *r, uint32_t value)
{
    uint32_t                i, symbol;
    const char             *wrong;
    genai_str_t             s;
    genai_policy_text_t    *pattern;
    genai_policy_object_t  *o;

    o = &r->def.object;

    if (genai_tape_type(r->tape, value) != GENAI_TAPE_ARRAY) {
        return "it is no array of models, as in [\"gpt-4o*\"]";
    }

    o->flags |= GENAI_POLICY_PATTERNS;
    o->models.first = r->b->patterns.n;

    for (i = genai_tape_first(r->tape, value);
         i;
         i = genai_tape_next(r->tape, value, i))
    {
        r->wrong = i;

        if (o->models.n == GENAI_POLICY_PATTERNS_MAX) {
            return "there are more than 256; patterns such as \"gpt-4*\" match"
                   " many";
        }

        s = genai_policy_read_string(r, i);

        if (s.data && (wrong = genai_pattern_check(&s)) != NULL) {
            return wrong;
        }

        wrong = genai_policy_read_text(r, i, GENAI_POLICY_TEXT_MAX, &symbol);

        if (wrong || r->b->failed) {
            return wrong;
        }

        pattern = genai_policy_push(r->b, &r->b->patterns,
                                    sizeof(genai_policy_text_t), 1);
        if (pattern == NULL) {
            return NULL;
        }

        *pattern = genai_policy_symbol(r->b, symbol)->text;
        o->models.n++;
    }

    return NULL;
}


static const char *
genai_policy_endpoint(genai_policy_reader_t *r, uint32_t value)
{
    uint32_t                i;
    genai_str_t             s;
    genai_endpoint_e        endpoint;
    const genai_str_t      *later;
    genai_policy_object_t  *o;

    o = &r->def.object;

    if (genai_tape_type(r->tape, value) != GENAI_TAPE_ARRAY) {
        return "it is no array of endpoints, as in [\"chat\"]";
    }

    o->flags |= GENAI_POLICY_ENDPOINTS;

    for (i = genai_tape_first(r->tape, value);
         i;
         i = genai_tape_next(r->tape, value, i))
    {
        r->wrong = i;

        s = genai_policy_read_string(r, i);
        endpoint = GENAI_ENDPOINT_NONE;

        if (s.len) {
            endpoint = genai_endpoint_by_name(&s);
        }

        if (endpoint != GENAI_ENDPOINT_NONE) {
            o->endpoints |= genai_endpoint_bit(endpoint);
            continue;
        }

        for (later = genai_policy_later; later->len; later++) {
            if (s.len == later->len
                && memcmp(s.data, later->data, s.len) == 0)
            {
                break;
            }
        }

        if (later->len == 0) {
            return "there is no such endpoint; write chat, completions,"
                   " embeddings, responses, messages, models or another one"
                   " of docs/POLICY.md";
        }
    }

    return NULL;
}


static const char *
genai_policy_limits(genai_policy_reader_t *r, uint32_t value)
{
    uint32_t                i;
    const char             *wrong;
    genai_policy_object_t  *o;

    o = &r->def.object;

    if (genai_tape_type(r->tape, value) != GENAI_TAPE_ARRAY) {
        return "it is no array of limits, as in [\"60 requests/1m\"]";
    }

    o->limits.first = r->b->limits.n;

    for (i = genai_tape_first(r->tape, value);
         i && r->b->failed == 0;
         i = genai_tape_next(r->tape, value, i))
    {
        if (o->limits.n == GENAI_POLICY_LIMITS_MAX) {
            r->wrong = 0;
            return "there are more than 64 limits";
        }

        wrong = genai_policy_read_limit(r, i);

        if (wrong) {
            return wrong;
        }

        o->limits.n++;
    }

    return NULL;
}


static const char *
genai_policy_guard(genai_policy_reader_t *r, uint32_t value)
{
    uint32_t     symbol;
    const char  *wrong;

    wrong = genai_policy_read_text(r, value, GENAI_POLICY_ID_MAX, &symbol);

    if (wrong == NULL && r->b->failed == 0) {
        r->def.object.guard = genai_policy_symbol(r->b, symbol)->text;
    }

    return wrong;
}


static const char *
genai_policy_priority(genai_policy_reader_t *r, uint32_t value)
{
    genai_str_t  s;

    s = genai_policy_read_string(r, value);

    if (genai_str_is(&s, "low")) {
        r->def.object.priority = GENAI_PRIORITY_LOW;

    } else if (genai_str_is(&s, "normal")) {
        r->def.object.priority = GENAI_PRIORITY_NORMAL;

    } else if (genai_str_is(&s, "high")) {
        r->def.object.priority = GENAI_PRIORITY_HIGH;

    } else {
        return "write \"low\", \"normal\" or \"high\"";
    }

    return NULL;
}


static const char *
genai_policy_labels(genai_policy_reader_t *r, uint32_t value)
{
    return genai_policy_pairs(r, value, &r->def.object.labels);
}


static const char *
genai_policy_credentials(genai_policy_reader_t *r, uint32_t value)
{
    uint32_t       i, symbol;
    genai_str_t    s;
    const char    *wrong;
    genai_tape_t  *t;

    wrong = genai_policy_pairs(r, value, &r->def.object.credentials);

    if (wrong || r->b->failed || !r->b->known) {
        return wrong;
    }

    t = r->tape;

    for (i = genai_tape_first(t, value); i; i = genai_tape_next(t, value, i)) {

        if (genai_policy_comment(t, i)) {
            continue;
        }

        s = genai_policy_read_string(r, i);
        symbol = genai_policy_interned(r->b, &s);

        r->wrong = i;

        if (symbol == GENAI_POLICY_NONE
            || !(genai_policy_symbol(r->b, symbol)->flags
                 & GENAI_SYMBOL_PROVIDER))
        {
            return "there is no genai_provider of this name";
        }

        r->wrong = genai_tape_value(t, i);

        s = genai_policy_read_string(r, r->wrong);
        symbol = genai_policy_interned(r->b, &s);

        if (symbol == GENAI_POLICY_NONE
            || !(genai_policy_symbol(r->b, symbol)->flags
                 & GENAI_SYMBOL_SECRET))
        {
            /* what stands there may be the secret itself */

            r->wrong = 0;

            return "there is no genai_secret of the name that one of them has";
        }
    }

    return NULL;
}


static const char *
genai_policy_pairs(genai_policy_reader_t *r, uint32_t value,
    genai_policy_list_t *list)
{
    uint32_t              i, name, text;
    const char           *wrong;
    genai_str_t           s;
    genai_tape_t         *t;
    genai_policy_pair_t  *pair;

    t = r->tape;

    if (genai_tape_type(t, value) != GENAI_TAPE_OBJECT) {
        return "it is no object of strings, as in {\"name\": \"value\"}";
    }

    list->first = r->b->pairs.n;

    for (i = genai_tape_first(t, value); i; i = genai_tape_next(t, value, i)) {

        if (genai_policy_comment(t, i)) {
            continue;
        }

        if (list->n == GENAI_POLICY_PAIRS_MAX) {
            r->wrong = 0;
            return "there are more than 64";
        }

        r->wrong = i;

        wrong = genai_policy_read_text(r, i, GENAI_POLICY_ID_MAX, &name);

        if (wrong || r->b->failed) {
            return wrong;
        }

        s = genai_policy_read_string(r, genai_tape_value(t, i));

        /* an empty label hides that of a team above */

        text = name;

        if (s.data == NULL || s.len || list != &r->def.object.labels) {
            wrong = genai_policy_read_text(r, genai_tape_value(t, i),
                                           GENAI_POLICY_TEXT_MAX, &text);
        }

        if (wrong || r->b->failed) {
            return wrong;
        }

        pair = genai_policy_push(r->b, &r->b->pairs,
                                 sizeof(genai_policy_pair_t), 1);
        if (pair == NULL) {
            return NULL;
        }

        pair->name = genai_policy_symbol(r->b, name)->text;

        if (s.len) {
            pair->value = genai_policy_symbol(r->b, text)->text;
        }

        list->n++;
    }

    return NULL;
}


static const char *
genai_policy_disabled(genai_policy_reader_t *r, uint32_t value)
{
    return genai_policy_read_flag(r, value, &r->def.object.flags,
                                  GENAI_POLICY_DISABLED);
}


static const char *
genai_policy_admin(genai_policy_reader_t *r, uint32_t value)
{
    return genai_policy_read_flag(r, value, &r->def.object.flags,
                                  GENAI_POLICY_ADMIN);
}


static const char *
genai_policy_not_before(genai_policy_reader_t *r, uint32_t value)
{
    return genai_policy_read_time(r, value, &r->def.object.not_before);
}


static const char *
genai_policy_not_after(genai_policy_reader_t *r, uint32_t value)
{
    return genai_policy_read_time(r, value, &r->def.object.not_after);
}
