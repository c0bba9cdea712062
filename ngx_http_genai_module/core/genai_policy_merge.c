/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Makes one policy of all fragments' definitions.
 *
 * Fragments without a scope come first: of an id the first definition is
 * accepted.  Then those with one: each of their definitions must lie in the
 * tree below the scope's team, of teams that were accepted before, and its id
 * must be free.  Teams are gone through until no more is accepted, as a team
 * may stand in front of its parent; then users, then keys.  What is not
 * accepted is left out, and nothing of others changes by it.
 *
 * Then references are looked up, and teams that are their own ancestors or
 * have too many of them are closed.
 */


#include "genai_policy_build_int.h"


static void genai_policy_accept_all(genai_policy_builder_t *b);
static void genai_policy_accept_scoped(genai_policy_builder_t *b);
static void genai_policy_scoped_teams(genai_policy_builder_t *b);
static const char *genai_policy_scoped_wrong(genai_policy_builder_t *b,
    const genai_policy_def_t *def, uint32_t scope);
static int genai_policy_within(genai_policy_builder_t *b, uint32_t team,
    uint32_t scope);
static int genai_policy_accept(genai_policy_builder_t *b, uint32_t i);
static void genai_policy_leave(genai_policy_builder_t *b, uint32_t i,
    const char *why);
static void genai_policy_resolve(genai_policy_builder_t *b);
static void genai_policy_refer(genai_policy_builder_t *b,
    genai_policy_def_t *def, uint32_t *symbol, genai_policy_kind_e kind,
    unsigned line);
static void genai_policy_depths(genai_policy_builder_t *b);
static void genai_policy_depth(genai_policy_builder_t *b, uint32_t team);
static void genai_policy_inherit(genai_policy_builder_t *b);


#define genai_policy_scope_of(b, def)                                         \
    (genai_policy_fragment(b, (def)->fragment)->scope)


void
genai_policy_merge(genai_policy_builder_t *b)
{
    genai_policy_accept_all(b);
    genai_policy_accept_scoped(b);

    if (genai_policy_stopped(b)) {
        return;
    }

    genai_policy_resolve(b);
    genai_policy_depths(b);
    genai_policy_inherit(b);
}


static void
genai_policy_accept_all(genai_policy_builder_t *b)
{
    uint32_t  i;

    for (i = 0; i < b->defs.n; i++) {
        if (genai_policy_scope_of(b, genai_policy_def(b, i))
            == GENAI_POLICY_NONE)
        {
            (void) genai_policy_accept(b, i);
        }
    }
}


static void
genai_policy_accept_scoped(genai_policy_builder_t *b)
{
    uint32_t             i, kind, scope;
    const char          *wrong;
    genai_policy_def_t  *def;

    static const genai_policy_kind_e  order[] = {
        GENAI_POLICY_PLANS, GENAI_POLICY_MODELS, GENAI_POLICY_USERS,
        GENAI_POLICY_KEYS
    };

    genai_policy_scoped_teams(b);

    for (kind = 0; kind < sizeof(order) / sizeof(order[0]); kind++) {

        for (i = 0; i < b->defs.n; i++) {

            def = genai_policy_def(b, i);
            scope = genai_policy_scope_of(b, def);

            if (def->kind != order[kind] || scope == GENAI_POLICY_NONE) {
                continue;
            }

            wrong = genai_policy_scoped_wrong(b, def, scope);

            if (wrong) {
                genai_policy_leave(b, i, wrong);

            } else {
                (void) genai_policy_accept(b, i);
            }
        }
    }
}


static void
genai_policy_scoped_teams(genai_policy_builder_t *b)
{
    uint32_t             i, scope, more, depth;
    const char          *wrong;
    genai_policy_def_t  *def;

    /* a team that is accepted later than that would be too deep */

    more = 1;

    for (depth = 0; more && depth <= GENAI_POLICY_DEPTH; depth++) {

        more = 0;

        for (i = 0; i < b->defs.n; i++) {

            def = genai_policy_def(b, i);
            scope = genai_policy_scope_of(b, def);

            if (def->kind == GENAI_POLICY_TEAMS
                && def->state == GENAI_DEF_WAITS
                && scope != GENAI_POLICY_NONE
                && genai_policy_scoped_wrong(b, def, scope) == NULL)
            {
                more |= genai_policy_accept(b, i);
            }
        }

        if (genai_policy_stopped(b)) {
            return;
        }
    }

    for (i = 0; i < b->defs.n; i++) {

        def = genai_policy_def(b, i);
        scope = genai_policy_scope_of(b, def);

        if (def->kind == GENAI_POLICY_TEAMS && def->state == GENAI_DEF_WAITS) {
            wrong = genai_policy_scoped_wrong(b, def, scope);
            genai_policy_leave(b, i, wrong ? wrong : "it is below too many"
                                                     " teams");
        }
    }
}


static const char *
genai_policy_scoped_wrong(genai_policy_builder_t *b,
    const genai_policy_def_t *def, uint32_t scope)
{
    uint32_t                      i;
    genai_str_t                   id;
    const genai_policy_object_t  *o;

    o = &def->object;

    if (genai_policy_symbol(b, scope)->defs[GENAI_POLICY_TEAMS]
        == GENAI_POLICY_NONE)
    {
        return "the team that is its fragment's scope is not defined by"
               " another fragment";
    }

    switch (def->kind) {

    case GENAI_POLICY_TEAMS:

        if (def->symbol == scope) {
            return "a fragment with a scope defines teams below it, not the"
                   " scope's team itself";
        }

        if (o->credentials.n) {
            return "a fragment with a scope gives no credentials";
        }

        return genai_policy_within(b, o->team, scope) ? NULL
               : "its parent is not in the tree of its fragment's scope";

    case GENAI_POLICY_USERS:

        return genai_policy_within(b, o->team, scope) ? NULL
               : "its team is not in the tree of its fragment's scope";

    case GENAI_POLICY_KEYS:

        id = genai_policy_symbol_text(b, def->symbol);

        if (genai_str_is(&id, "anonymous")) {
            return "a fragment with a scope does not say what callers without"
                   " a key may do";
        }

        if (o->flags & GENAI_POLICY_ADMIN) {
            return "a fragment with a scope makes no admin";
        }

        if (o->team == GENAI_POLICY_NONE && o->user == GENAI_POLICY_NONE) {
            return "it is in no team, and its fragment has a scope";
        }

        if (o->team != GENAI_POLICY_NONE
            && !genai_policy_within(b, o->team, scope))
        {
            return "its team is not in the tree of its fragment's scope";
        }

        if (o->user == GENAI_POLICY_NONE) {
            return NULL;
        }

        i = genai_policy_symbol(b, o->user)->defs[GENAI_POLICY_USERS];

        if (i == GENAI_POLICY_NONE
            || !genai_policy_within(b, genai_policy_def(b, i)->object.team,
                                    scope))
        {
            return "its user is not in the tree of its fragment's scope";
        }

        return NULL;

    default:
        return "a fragment with a scope defines teams, users and keys only";
    }
}


/*
 * Whether an accepted team, by its symbol, is the scope or below it.  All
 * that is accepted has an end, but for teams that no scope protects.
 */

static int
genai_policy_within(genai_policy_builder_t *b, uint32_t team, uint32_t scope)
{
    uint32_t  i, depth;

    for (depth = 0; depth < GENAI_POLICY_DEPTH; depth++) {

        if (team == GENAI_POLICY_NONE) {
            return 0;
        }

        i = genai_policy_symbol(b, team)->defs[GENAI_POLICY_TEAMS];

        if (i == GENAI_POLICY_NONE) {
            return 0;
        }

        if (team == scope) {
            return 1;
        }

        team = genai_policy_def(b, i)->object.team;
    }

    return 0;
}


/* returns 1, or 0 where the id is taken */

static int
genai_policy_accept(genai_policy_builder_t *b, uint32_t i)
{
    uint32_t            *place;
    genai_policy_def_t  *def;

    def = genai_policy_def(b, i);
    place = &genai_policy_symbol(b, def->symbol)->defs[def->kind];

    if (*place == GENAI_POLICY_NONE) {
        *place = i;
        def->state = GENAI_DEF_ACCEPTED;

        return 1;
    }

    def->state = GENAI_DEF_LEFT;
    b->left++;

    i = genai_policy_def(b, *place)->fragment;

    genai_policy_complain(b, GENAI_FINDING_WARN, def, def->line, "it is left"
                          " out: %s defines it, too",
                          genai_policy_fragment(b, i)->name);

    return 0;
}


static void
genai_policy_leave(genai_policy_builder_t *b, uint32_t i, const char *why)
{
    genai_policy_def_t  *def;

    def = genai_policy_def(b, i);

    def->state = GENAI_DEF_LEFT;
    b->left++;

    genai_policy_complain(b, GENAI_FINDING_CLOSED, def, def->line,
                          "it is left out: %s", why);
}


/* from symbols to definitions */

static void
genai_policy_resolve(genai_policy_builder_t *b)
{
    uint32_t             i;
    genai_policy_def_t  *def;

    for (i = 0; i < b->defs.n; i++) {

        def = genai_policy_def(b, i);

        if (def->state != GENAI_DEF_ACCEPTED) {
            continue;
        }

        genai_policy_refer(b, def, &def->object.team, GENAI_POLICY_TEAMS,
                           def->line_team);
        genai_policy_refer(b, def, &def->object.user, GENAI_POLICY_USERS,
                           def->line_user);
        genai_policy_refer(b, def, &def->object.plan, GENAI_POLICY_PLANS,
                           def->line_plan);
    }
}


static void
genai_policy_refer(genai_policy_builder_t *b, genai_policy_def_t *def,
    uint32_t *symbol, genai_policy_kind_e kind, unsigned line)
{
    genai_str_t  id;

    if (*symbol == GENAI_POLICY_NONE) {
        return;
    }

    id = genai_policy_symbol_text(b, *symbol);

    *symbol = genai_policy_symbol(b, *symbol)->defs[kind];

    if (*symbol == GENAI_POLICY_NONE) {

        def->object.flags |= GENAI_POLICY_CLOSED;

        genai_policy_complain(b, GENAI_FINDING_CLOSED, def, line, "nobody"
                              " passes through it: there is no %s \"%.*s\"",
                              genai_policy_kind(kind), (int) id.len, id.data);
    }
}


static void
genai_policy_depths(genai_policy_builder_t *b)
{
    uint32_t             i;
    genai_policy_def_t  *def;

    for (i = 0; i < b->defs.n; i++) {

        def = genai_policy_def(b, i);

        if (def->kind == GENAI_POLICY_TEAMS && def->depth == 0
            && def->state == GENAI_DEF_ACCEPTED)
        {
            genai_policy_depth(b, i);
        }
    }
}


/*
 * The depth of a team and of all above it: upwards to where it is known, or
 * to where the way meets itself, then down again.  While it goes, the way
 * down is in number, which is set much later.
 */

static void
genai_policy_depth(genai_policy_builder_t *b, uint32_t team)
{
    uint32_t             i, below, next, depth;
    genai_policy_def_t  *def;

    below = GENAI_POLICY_NONE;
    depth = 0;

    for (i = team; i != GENAI_POLICY_NONE; i = next) {

        def = genai_policy_def(b, i);

        if (def->depth == GENAI_POLICY_NONE) {
            break;
        }

        if (def->depth) {
            depth = def->depth;
            i = GENAI_POLICY_NONE;
            break;
        }

        def->depth = GENAI_POLICY_NONE;
        def->number = below;
        below = i;
        next = def->object.team;
    }

    if (i != GENAI_POLICY_NONE) {

        /* a ring, from the last one on the way back to i */

        for (next = 1; next; below = def->number) {

            def = genai_policy_def(b, below);
            next = (below != i);

            def->depth = 1;
            def->object.team = GENAI_POLICY_NONE;
            def->object.flags |= GENAI_POLICY_CLOSED;

            genai_policy_complain(b, GENAI_FINDING_CLOSED, def, def->line_team,
                                  "nobody passes through it: it is its own"
                                  " parent, or one of its parents'");
        }

        depth = 1;
    }

    for ( /* void */ ; below != GENAI_POLICY_NONE; below = def->number) {

        def = genai_policy_def(b, below);
        def->depth = ++depth;

        if (depth > GENAI_POLICY_DEPTH) {
            def->object.flags |= GENAI_POLICY_CLOSED;

            genai_policy_complain(b, GENAI_FINDING_CLOSED, def, def->line_team,
                                  "nobody passes through it: there are more"
                                  " than %d teams above each other",
                                  GENAI_POLICY_DEPTH);
        }
    }
}


/* a key has the priority of its plan where it has none */

static void
genai_policy_inherit(genai_policy_builder_t *b)
{
    uint32_t                i;
    genai_policy_def_t     *def;
    genai_policy_object_t  *o;

    for (i = 0; i < b->defs.n; i++) {

        def = genai_policy_def(b, i);
        o = &def->object;

        if (def->state == GENAI_DEF_ACCEPTED
            && o->priority == GENAI_POLICY_NONE
            && o->plan != GENAI_POLICY_NONE)
        {
            o->priority = genai_policy_def(b, o->plan)->object.priority;
        }
    }

    for (i = 0; i < b->defs.n; i++) {

        o = &genai_policy_def(b, i)->object;

        if (o->priority == GENAI_POLICY_NONE) {
            o->priority = GENAI_PRIORITY_NORMAL;
        }
    }
}
