/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_policy_limits.h"
#include "genai_siphash.h"


static void genai_policy_limit_name(const genai_policy_t *p,
    genai_policy_kind_e kind, const genai_policy_object_t *o,
    genai_policy_limit_t *limit);
static unsigned genai_policy_holds_of(const genai_policy_t *p,
    genai_owner_e owner, const genai_policy_object_t *o,
    const genai_policy_object_t *key, const genai_str_t *model, int64_t now,
    genai_hold_t *holds, unsigned n);
static const genai_policy_limit_t *genai_policy_limits_of(
    const genai_policy_t *p, const genai_policy_object_t *o, uint32_t *n);
static const genai_policy_object_t *genai_policy_limited(
    const genai_policy_t *p, const genai_str_t *id);
static void genai_policy_limit_of_key(genai_hold_t *h);


void
genai_policy_limits_name(genai_policy_t *p, genai_policy_kind_e kind,
    uint32_t first, uint32_t n)
{
    uint32_t                      i, k, nlimits;
    genai_str_t                   id;
    genai_policy_limit_t         *limits;
    const genai_policy_object_t  *o;

    for (i = first; i < p->objects[kind].n && i - first < n; i++) {
        o = genai_policy_object(p, kind, i);

        limits = (genai_policy_limit_t *) (uintptr_t)
                 genai_policy_limits_of(p, o, &nlimits);

        for (k = 0; k < nlimits; k++) {
            genai_policy_limit_name(p, kind, o, &limits[k]);
        }

        if (kind != GENAI_POLICY_MODELS || nlimits == 0) {
            continue;
        }

        p->limited = 1;
        id = genai_policy_text(p, o->id);

        if (id.len && id.len <= GENAI_POLICY_ID_MAX
            && id.data[id.len - 1] == '*')
        {
            p->limited_lengths[(id.len - 1) / 64] |=
                (uint64_t) 1 << (id.len - 1) % 64;
        }
    }
}


static void
genai_policy_limit_name(const genai_policy_t *p, genai_policy_kind_e kind,
    const genai_policy_object_t *o, genai_policy_limit_t *limit)
{
    size_t          len;
    genai_str_t     id, pattern;
    unsigned char   digest[GENAI_DIGEST_LEN];
    unsigned char   text[8 + GENAI_POLICY_ID_MAX + GENAI_POLICY_TEXT_MAX];

    id = genai_policy_text(p, o->id);
    pattern = genai_policy_text(p, limit->pattern);

    if (id.len > GENAI_POLICY_ID_MAX || pattern.len > GENAI_POLICY_TEXT_MAX) {
        return;
    }

    text[0] = (unsigned char) kind;
    text[1] = limit->limit.unit;
    text[2] = limit->limit.window_unit;
    text[3] = (unsigned char) id.len;
    text[4] = (unsigned char) limit->limit.window;
    text[5] = (unsigned char) (limit->limit.window >> 8);
    text[6] = (unsigned char) (limit->limit.window >> 16);
    text[7] = (unsigned char) (limit->limit.window >> 24);

    len = 8;
    memcpy(text + len, id.data, id.len);
    len += id.len;

    if (pattern.len) {
        memcpy(text + len, pattern.data, pattern.len);
        len += pattern.len;
    }

    genai_digest(text, len, digest);

    memcpy(limit->id, digest, sizeof(limit->id));
}


static const genai_policy_limit_t *
genai_policy_limits_of(const genai_policy_t *p,
    const genai_policy_object_t *o, uint32_t *n)
{
    *n = o->limits.n;

    if (*n > p->limits.n || o->limits.first > p->limits.n - *n) {
        *n = 0;
    }

    return (const genai_policy_limit_t *) (const void *)
           ((const char *) p + p->limits.offset) + (*n ? o->limits.first : 0);
}


unsigned
genai_policy_holds(const genai_policy_t *p, const genai_policy_object_t *key,
    const genai_str_t *model, int64_t now,
    genai_hold_t holds[GENAI_HOLDS_MAX])
{
    unsigned                      n, i;
    genai_str_t                   id;
    unsigned char                 pattern[GENAI_POLICY_ID_MAX];
    const genai_policy_object_t  *o;

    if (p->limits.n == 0) {
        return 0;
    }

    n = 0;

    if (key) {
        n = genai_policy_holds_of(p, GENAI_OWNER_KEY, key, key, model, now,
                                  holds, n);
        n = genai_policy_holds_of(p, GENAI_OWNER_PLAN,
                                  genai_policy_plan(p, key), key, model, now,
                                  holds, n);
        n = genai_policy_holds_of(p, GENAI_OWNER_USER,
                                  genai_policy_user(p, key), key, model, now,
                                  holds, n);

        o = genai_policy_team(p, key);

        for (i = 0; o && i < GENAI_POLICY_DEPTH; i++) {
            n = genai_policy_holds_of(p, GENAI_OWNER_TEAM, o, key, model, now,
                                      holds, n);
            o = genai_policy_object(p, GENAI_POLICY_TEAMS, o->team);
        }
    }

    if (!p->limited) {
        return n;
    }

    n = genai_policy_holds_of(p, GENAI_OWNER_MODEL,
                              genai_policy_limited(p, model), NULL, model,
                              now, holds, n);

    id.data = pattern;

    for (i = 0; i < GENAI_POLICY_ID_MAX && i <= model->len; i++) {

        if (p->limited_lengths[i / 64] & ((uint64_t) 1 << i % 64)) {

            memcpy(pattern, model->data, i);
            pattern[i] = '*';
            id.len = i + 1;

            n = genai_policy_holds_of(p, GENAI_OWNER_MODEL,
                                      genai_policy_limited(p, &id), NULL,
                                      model, now, holds, n);
        }
    }

    return n;
}


static const genai_policy_object_t *
genai_policy_limited(const genai_policy_t *p, const genai_str_t *id)
{
    const genai_policy_object_t  *o;

    o = genai_policy_find(p, GENAI_POLICY_MODELS, id);

    return (o && o->limits.n) ? o : NULL;
}


static unsigned
genai_policy_holds_of(const genai_policy_t *p, genai_owner_e owner,
    const genai_policy_object_t *o, const genai_policy_object_t *key,
    const genai_str_t *model, int64_t now, genai_hold_t *holds, unsigned n)
{
    uint32_t                      i, nlimits;
    genai_str_t                   pattern;
    genai_hold_t                 *h;
    const genai_policy_limit_t   *limits;

    if (o == NULL) {
        return n;
    }

    limits = genai_policy_limits_of(p, o, &nlimits);

    for (i = 0; i < nlimits; i++) {

        pattern = genai_policy_text(p, limits[i].pattern);

        if (pattern.len && !genai_pattern_match(&pattern, model)) {
            continue;
        }

        if (n >= GENAI_HOLDS_MAX) {
            return GENAI_HOLDS_MAX + 1;
        }

        h = &holds[n++];

        h->limit = limits[i].limit;
        h->limit.pattern = pattern;
        h->owner = owner;
        h->name = genai_policy_text(p, o->id);
        h->key.len = 0;
        h->key.data = NULL;
        h->id[0] = limits[i].id[0];
        h->id[1] = limits[i].id[1];
        h->take = 0;
        h->used = 0;
        h->leased = 0;
        h->end = 0;
        h->tight = 0;

        if (owner == GENAI_OWNER_PLAN) {
            h->key = genai_policy_text(p, key->id);
            genai_policy_limit_of_key(h);
        }

        genai_policy_window(p, &h->limit, now, &h->window);
    }

    return n;
}


void
genai_policy_window(const genai_policy_t *p, const genai_limit_t *limit,
    int64_t now, genai_window_t *window)
{
    uint32_t                        n;
    const genai_timezone_change_t  *changes;

    n = 0;
    changes = NULL;

    if (p) {
        n = p->changes.n;
        changes = (const genai_timezone_change_t *) (const void *)
                  ((const char *) p + p->changes.offset);
    }

    genai_window_at(limit, changes, n, now, window);
}


/* each key that names a plan has a counter of its own */

static void
genai_policy_limit_of_key(genai_hold_t *h)
{
    uint64_t         id[2];
    unsigned         i;
    genai_siphash_t  hash;

    for (i = 0; i < 2; i++) {
        genai_siphash_begin(&hash, h->id);
        genai_siphash_word(&hash, i);
        genai_siphash_bytes(&hash, h->key.data, h->key.len);
        id[i] = genai_siphash_end(&hash);
    }

    h->id[0] = id[0];
    h->id[1] = id[1];
}


unsigned
genai_policy_holds_most(const genai_policy_t *p,
    const genai_policy_object_t *key)
{
    uint32_t                      n;
    unsigned                      sum, i;
    const genai_policy_object_t  *o;

    sum = key->limits.n;

    if ((o = genai_policy_plan(p, key)) != NULL) {
        sum += o->limits.n;
    }

    if ((o = genai_policy_user(p, key)) != NULL) {
        sum += o->limits.n;
    }

    o = genai_policy_team(p, key);

    for (i = 0; o && i < GENAI_POLICY_DEPTH; i++) {
        (void) genai_policy_limits_of(p, o, &n);
        sum += n;
        o = genai_policy_object(p, GENAI_POLICY_TEAMS, o->team);
    }

    return sum;
}
