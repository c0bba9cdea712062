/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_policy.h"
#include "genai_siphash.h"


typedef int (*genai_policy_each_pt)(const genai_policy_t *p,
    const genai_policy_object_t *o, void *ctx);


static const char *genai_policy_table(const genai_policy_t *p,
    const genai_policy_table_t *t, size_t size);
static const void *genai_policy_items(const genai_policy_t *p,
    const genai_policy_table_t *t, const genai_policy_list_t *list,
    size_t size);
static uint64_t genai_policy_word(const unsigned char *p);
static int genai_policy_digest_equal(const unsigned char *a,
    const unsigned char *b);
static genai_policy_why_e genai_policy_check(
    const genai_policy_object_t *key, int64_t now);
static genai_policy_why_e genai_policy_check_flags(
    const genai_policy_object_t *o);
static genai_policy_why_e genai_policy_check_teams(const genai_policy_t *p,
    uint32_t number);
static const genai_policy_object_t *genai_policy_parent(
    const genai_policy_t *p, const genai_policy_object_t *team);
static int genai_policy_each(const genai_policy_t *p,
    const genai_policy_object_t *key, genai_policy_each_pt fn,
    void *ctx);
static int genai_policy_bars(const genai_policy_t *p,
    const genai_str_t *name);
static int genai_policy_barred(const genai_policy_t *p,
    const genai_str_t *id);
static int genai_policy_compare_id(const genai_policy_t *p,
    const genai_policy_object_t *o, const genai_str_t *id);
static int genai_policy_refuses(const genai_policy_t *p,
    const genai_policy_object_t *o, void *ctx);
static int genai_policy_masks(const genai_policy_t *p,
    const genai_policy_object_t *o, void *ctx);
static int genai_policy_labelled(const genai_policy_t *p,
    const genai_policy_object_t *o, const genai_str_t *name,
    genai_str_t *value);
static int genai_policy_pair(const genai_policy_t *p,
    const genai_policy_list_t *list, const genai_str_t *name,
    genai_str_t *value);


const char *
genai_policy_open(const void *addr, size_t size, const genai_policy_t **policy)
{
    unsigned               i;
    const char            *err;
    const genai_policy_t  *p;

    if (size < sizeof(genai_policy_t) || (uintptr_t) addr % 8) {
        return "it is too short to be a snapshot";
    }

    p = addr;

    if (memcmp(p->magic, GENAI_POLICY_MAGIC, sizeof(p->magic)) != 0) {
        return "it is no snapshot";
    }

    if (p->layout != GENAI_POLICY_LAYOUT) {
        return "it is a snapshot of another version";
    }

    if (p->size != size) {
        return "it is cut";
    }

    err = genai_policy_table(p, &p->secrets, sizeof(genai_policy_secret_t));

    if (err == NULL && (p->secrets.n & (p->secrets.n - 1)) != 0) {
        err = "its table of secrets is broken";
    }

    for (i = 0; err == NULL && i < GENAI_POLICY_KINDS; i++) {
        err = genai_policy_table(p, &p->objects[i],
                                 sizeof(genai_policy_object_t));
    }

    if (err == NULL) {
        err = genai_policy_table(p, &p->limits, sizeof(genai_policy_limit_t));
    }

    if (err == NULL) {
        err = genai_policy_table(p, &p->patterns,
                                 sizeof(genai_policy_text_t));
    }

    if (err == NULL) {
        err = genai_policy_table(p, &p->pairs, sizeof(genai_policy_pair_t));
    }

    if (err == NULL) {
        err = genai_policy_table(p, &p->changes,
                                 sizeof(genai_timezone_change_t));
    }

    if (err == NULL) {
        err = genai_policy_table(p, &p->barred, sizeof(uint32_t));
    }

    if (err == NULL) {
        *policy = p;
    }

    return err;
}


static const char *
genai_policy_table(const genai_policy_t *p, const genai_policy_table_t *t,
    size_t size)
{
    if (t->offset % 8 || t->offset > p->size
        || t->n > (p->size - t->offset) / size)
    {
        return "one of its tables lies outside";
    }

    return NULL;
}


genai_str_t
genai_policy_text(const genai_policy_t *p, genai_policy_text_t text)
{
    genai_str_t  s;

    if (text.offset > p->size || text.len > p->size - text.offset) {
        text.offset = 0;
        text.len = 0;
    }

    s.data = (unsigned char *) p + text.offset;
    s.len = text.len;

    return s;
}


const genai_policy_object_t *
genai_policy_object(const genai_policy_t *p, genai_policy_kind_e kind,
    uint32_t number)
{
    const genai_policy_object_t  *objects;

    if (number >= p->objects[kind].n) {
        return NULL;
    }

    objects = (const void *) ((const char *) p + p->objects[kind].offset);

    return &objects[number];
}


const genai_policy_object_t *
genai_policy_find(const genai_policy_t *p, genai_policy_kind_e kind,
    const genai_str_t *id)
{
    int                           rc;
    uint32_t                      low, high, mid;
    const genai_policy_object_t  *o;

    low = 0;
    high = p->objects[kind].n;

    while (low < high) {
        mid = low + (high - low) / 2;

        o = genai_policy_object(p, kind, mid);
        rc = genai_policy_compare_id(p, o, id);

        if (rc == 0) {
            return o;
        }

        if (rc < 0) {
            high = mid;

        } else {
            low = mid + 1;
        }
    }

    return NULL;
}


static int
genai_policy_compare_id(const genai_policy_t *p,
    const genai_policy_object_t *o, const genai_str_t *id)
{
    int          rc;
    genai_str_t  s;

    s = genai_policy_text(p, o->id);
    rc = memcmp(id->data, s.data, id->len < s.len ? id->len : s.len);

    return rc ? rc : (id->len > s.len) - (id->len < s.len);
}


/* the elements of a list, or NULL where it lies outside of its table */

static const void *
genai_policy_items(const genai_policy_t *p, const genai_policy_table_t *t,
    const genai_policy_list_t *list, size_t size)
{
    if (list->first > t->n || list->n > t->n - list->first) {
        return NULL;
    }

    return (const char *) p + t->offset + (size_t) list->first * size;
}


genai_policy_why_e
genai_policy_lookup(const genai_policy_t *p,
    const unsigned char digest[GENAI_DIGEST_LEN], int64_t now,
    const genai_policy_object_t **key)
{
    uint32_t                      i, at, mask;
    const genai_policy_secret_t  *secrets, *s;

    *key = NULL;

    if (p->secrets.n == 0) {
        return GENAI_POLICY_UNKNOWN;
    }

    secrets = (const void *) ((const char *) p + p->secrets.offset);
    mask = p->secrets.n - 1;

    at = genai_policy_place(p, digest);

    for (i = 0; i <= mask; i++, at++) {

        s = &secrets[at & mask];

        if (s->key == GENAI_POLICY_NONE && !s->revoked) {
            break;
        }

        if (!genai_policy_digest_equal(s->digest, digest)) {
            continue;
        }

        if (s->key != GENAI_POLICY_NONE) {
            *key = genai_policy_object(p, GENAI_POLICY_KEYS, s->key);
        }

        if (s->revoked) {
            return GENAI_POLICY_IS_REVOKED;
        }

        if (*key == NULL) {
            break;
        }

        return genai_policy_check(*key, now);
    }

    return GENAI_POLICY_UNKNOWN;
}


uint32_t
genai_policy_place(const genai_policy_t *p,
    const unsigned char digest[GENAI_DIGEST_LEN])
{
    unsigned         i;
    genai_siphash_t  h;

    genai_siphash_begin(&h, p->seed);

    for (i = 0; i < GENAI_DIGEST_LEN; i += sizeof(uint64_t)) {
        genai_siphash_word(&h, genai_policy_word(digest + i));
    }

    /* the last word is the length, in the highest byte */

    genai_siphash_word(&h, (uint64_t) GENAI_DIGEST_LEN << 56);

    return (uint32_t) genai_siphash_end(&h);
}


/* little-endian, wherever it runs */

static uint64_t
genai_policy_word(const unsigned char *p)
{
    unsigned  i;
    uint64_t  w;

    w = 0;

    for (i = 0; i < sizeof(uint64_t); i++) {
        w |= (uint64_t) p[i] << (8 * i);
    }

    return w;
}


static int
genai_policy_digest_equal(const unsigned char *a, const unsigned char *b)
{
    unsigned  i;
    uint64_t  x, y, diff;

    diff = 0;

    for (i = 0; i < GENAI_DIGEST_LEN; i += sizeof(uint64_t)) {
        memcpy(&x, a + i, sizeof(uint64_t));
        memcpy(&y, b + i, sizeof(uint64_t));

        diff |= x ^ y;
    }

    return diff == 0;
}


genai_policy_why_e
genai_policy_anonymous(const genai_policy_t *p, int64_t now,
    const genai_policy_object_t **key)
{
    *key = genai_policy_object(p, GENAI_POLICY_KEYS, p->anonymous);

    if (*key == NULL) {
        return GENAI_POLICY_UNKNOWN;
    }

    return genai_policy_check(*key, now);
}


static genai_policy_why_e
genai_policy_check(const genai_policy_object_t *key, int64_t now)
{
    genai_policy_why_e  why;

    why = genai_policy_check_flags(key);
    if (why != GENAI_POLICY_OK) {
        return why;
    }

    if (now < key->not_before) {
        return GENAI_POLICY_EARLY;
    }

    return (now < key->not_after) ? GENAI_POLICY_OK : GENAI_POLICY_LATE;
}


static genai_policy_why_e
genai_policy_check_flags(const genai_policy_object_t *o)
{
    if (o->flags & GENAI_POLICY_REVOKED) {
        return GENAI_POLICY_IS_REVOKED;
    }

    if (o->flags & (GENAI_POLICY_CLOSED|GENAI_POLICY_ABOVE_CLOSED)) {
        return GENAI_POLICY_IS_CLOSED;
    }

    if (o->flags & (GENAI_POLICY_DISABLED|GENAI_POLICY_ABOVE_DISABLED)) {
        return GENAI_POLICY_IS_DISABLED;
    }

    return GENAI_POLICY_OK;
}


genai_policy_why_e
genai_policy_above(const genai_policy_t *p, const genai_policy_object_t *key)
{
    genai_policy_why_e            why;
    const genai_policy_object_t  *o;

    if (key->plan != GENAI_POLICY_NONE) {
        o = genai_policy_object(p, GENAI_POLICY_PLANS, key->plan);

        why = o ? genai_policy_check_flags(o) : GENAI_POLICY_IS_CLOSED;
        if (why != GENAI_POLICY_OK) {
            return why;
        }
    }

    if (key->user != GENAI_POLICY_NONE) {
        o = genai_policy_object(p, GENAI_POLICY_USERS, key->user);

        why = o ? genai_policy_check_flags(o) : GENAI_POLICY_IS_CLOSED;
        if (why != GENAI_POLICY_OK) {
            return why;
        }

        if (o->team != key->team) {
            why = genai_policy_check_teams(p, o->team);
            if (why != GENAI_POLICY_OK) {
                return why;
            }
        }
    }

    return genai_policy_check_teams(p, key->team);
}


static genai_policy_why_e
genai_policy_check_teams(const genai_policy_t *p, uint32_t number)
{
    unsigned                      depth;
    genai_policy_why_e            why;
    const genai_policy_object_t  *team;

    for (depth = 0; number != GENAI_POLICY_NONE; depth++) {

        team = genai_policy_object(p, GENAI_POLICY_TEAMS, number);

        if (team == NULL || depth == GENAI_POLICY_DEPTH) {
            return GENAI_POLICY_IS_CLOSED;
        }

        why = genai_policy_check_flags(team);
        if (why != GENAI_POLICY_OK) {
            return why;
        }

        number = team->team;
    }

    return GENAI_POLICY_OK;
}


const genai_policy_object_t *
genai_policy_user(const genai_policy_t *p, const genai_policy_object_t *key)
{
    return genai_policy_object(p, GENAI_POLICY_USERS, key->user);
}


const genai_policy_object_t *
genai_policy_team(const genai_policy_t *p, const genai_policy_object_t *key)
{
    const genai_policy_object_t  *user;

    if (key->team != GENAI_POLICY_NONE) {
        return genai_policy_object(p, GENAI_POLICY_TEAMS, key->team);
    }

    user = genai_policy_user(p, key);

    return user ? genai_policy_object(p, GENAI_POLICY_TEAMS, user->team)
                : NULL;
}


const genai_policy_object_t *
genai_policy_plan(const genai_policy_t *p, const genai_policy_object_t *key)
{
    return genai_policy_object(p, GENAI_POLICY_PLANS, key->plan);
}


static const genai_policy_object_t *
genai_policy_parent(const genai_policy_t *p, const genai_policy_object_t *team)
{
    return genai_policy_object(p, GENAI_POLICY_TEAMS, team->team);
}


/*
 * Calls fn for all that hold for a key: it, its plan, its user, its teams.
 * Returns what is not 0 of fn.
 */

static int
genai_policy_each(const genai_policy_t *p, const genai_policy_object_t *key,
    genai_policy_each_pt fn, void *ctx)
{
    int                           rc;
    unsigned                      depth;
    const genai_policy_object_t  *o;

    rc = fn(p, key, ctx);

    if (rc == 0 && (o = genai_policy_plan(p, key)) != NULL) {
        rc = fn(p, o, ctx);
    }

    if (rc == 0 && (o = genai_policy_user(p, key)) != NULL) {
        rc = fn(p, o, ctx);
    }

    o = genai_policy_team(p, key);

    for (depth = 0; rc == 0 && o && depth < GENAI_POLICY_DEPTH; depth++) {
        rc = fn(p, o, ctx);
        o = genai_policy_parent(p, o);
    }

    return rc;
}


int
genai_policy_allows_model(const genai_policy_t *p,
    const genai_policy_object_t *key, const genai_str_t *name)
{
    if (p->barred.n && genai_policy_bars(p, name)) {
        return 0;
    }

    return genai_policy_each(p, key, genai_policy_refuses, (void *) name) == 0;
}


static int
genai_policy_bars(const genai_policy_t *p, const genai_str_t *name)
{
    unsigned       i;
    genai_str_t    id;
    unsigned char  pattern[GENAI_POLICY_ID_MAX];

    if (genai_policy_barred(p, name)) {
        return 1;
    }

    id.data = pattern;

    for (i = 0; i < GENAI_POLICY_ID_MAX && i <= name->len; i++) {

        if (p->barred_lengths[i / 64] & ((uint64_t) 1 << i % 64)) {

            memcpy(pattern, name->data, i);
            pattern[i] = '*';
            id.len = i + 1;

            if (genai_policy_barred(p, &id)) {
                return 1;
            }
        }
    }

    return 0;
}


static int
genai_policy_barred(const genai_policy_t *p, const genai_str_t *id)
{
    int                           rc;
    uint32_t                      low, high, mid;
    const uint32_t               *numbers;
    const genai_policy_object_t  *o;

    numbers = (const void *) ((const char *) p + p->barred.offset);

    low = 0;
    high = p->barred.n;

    while (low < high) {
        mid = low + (high - low) / 2;

        o = genai_policy_object(p, GENAI_POLICY_MODELS, numbers[mid]);

        /* not of the builder: nobody passes */

        rc = o ? genai_policy_compare_id(p, o, id) : 0;

        if (rc == 0) {
            return 1;
        }

        if (rc < 0) {
            high = mid;

        } else {
            low = mid + 1;
        }
    }

    return 0;
}


static int
genai_policy_refuses(const genai_policy_t *p, const genai_policy_object_t *o,
    void *ctx)
{
    uint32_t                    i;
    genai_str_t                 s;
    const genai_policy_text_t  *patterns;

    if (!(o->flags & GENAI_POLICY_PATTERNS)) {
        return 0;
    }

    patterns = genai_policy_items(p, &p->patterns, &o->models,
                                  sizeof(genai_policy_text_t));
    if (patterns == NULL) {
        return 1;
    }

    for (i = 0; i < o->models.n; i++) {

        s = genai_policy_text(p, patterns[i]);

        /* the empty one, which matches all, is not written by the builder */

        if (s.len && genai_pattern_match(&s, ctx)) {
            return 0;
        }
    }

    return 1;
}


uint32_t
genai_policy_endpoints(const genai_policy_t *p,
    const genai_policy_object_t *key)
{
    uint32_t  mask;

    mask = 0xffffffff;

    (void) genai_policy_each(p, key, genai_policy_masks, &mask);

    return mask;
}


static int
genai_policy_masks(const genai_policy_t *p, const genai_policy_object_t *o,
    void *ctx)
{
    uint32_t  *mask = ctx;

    if (o->flags & GENAI_POLICY_ENDPOINTS) {
        *mask &= o->endpoints;
    }

    return 0;
}


genai_str_t
genai_policy_credential(const genai_policy_t *p,
    const genai_policy_object_t *key, const genai_str_t *provider)
{
    unsigned                      depth;
    genai_str_t                   value;
    const genai_policy_object_t  *team;

    team = genai_policy_team(p, key);

    for (depth = 0; team && depth < GENAI_POLICY_DEPTH; depth++) {

        if (genai_policy_pair(p, &team->credentials, provider, &value)) {
            return value;
        }

        team = genai_policy_parent(p, team);
    }

    value.data = (unsigned char *) p;
    value.len = 0;

    return value;
}


genai_str_t
genai_policy_label(const genai_policy_t *p, const genai_policy_object_t *key,
    const genai_str_t *name)
{
    unsigned                      depth;
    genai_str_t                   value;
    const genai_policy_object_t  *o;

    if (genai_policy_labelled(p, key, name, &value)
        || genai_policy_labelled(p, genai_policy_user(p, key), name, &value))
    {
        return value;
    }

    o = genai_policy_team(p, key);

    for (depth = 0; o && depth < GENAI_POLICY_DEPTH; depth++) {

        if (genai_policy_labelled(p, o, name, &value)) {
            return value;
        }

        o = genai_policy_parent(p, o);
    }

    value.data = (unsigned char *) p;
    value.len = 0;

    return value;
}


static int
genai_policy_labelled(const genai_policy_t *p, const genai_policy_object_t *o,
    const genai_str_t *name, genai_str_t *value)
{
    return o && genai_policy_pair(p, &o->labels, name, value);
}


static int
genai_policy_pair(const genai_policy_t *p, const genai_policy_list_t *list,
    const genai_str_t *name, genai_str_t *value)
{
    uint32_t                    i;
    genai_str_t                 s;
    const genai_policy_pair_t  *pairs;

    pairs = genai_policy_items(p, &p->pairs, list,
                               sizeof(genai_policy_pair_t));
    if (pairs == NULL) {
        return 0;
    }

    for (i = 0; i < list->n; i++) {

        s = genai_policy_text(p, pairs[i].name);

        if (s.len == name->len && memcmp(s.data, name->data, s.len) == 0) {
            *value = genai_policy_text(p, pairs[i].value);
            return 1;
        }
    }

    return 0;
}


int32_t
genai_policy_day(const genai_policy_t *p, int64_t time)
{
    const genai_timezone_change_t  *changes;

    changes = (const void *) ((const char *) p + p->changes.offset);

    return genai_timezone_day(changes, p->changes.n, time);
}


const char *
genai_policy_why(genai_policy_why_e why)
{
    static const char  *words[] = {
        "ok", "unknown", "revoked", "disabled", "early", "expired", "closed"
    };

    return words[why];
}


const char *
genai_policy_kind(genai_policy_kind_e kind)
{
    static const char  *words[] = { "key", "user", "team", "plan", "model" };

    return words[kind];
}
