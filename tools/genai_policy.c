/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Checks a policy as the gateway would load it, and shows what its keys may
 * do; see docs/TOOLS.md.
 */


#include "genai_dialect.h"
#include "genai_policy_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>


/* exit codes */
#define GENAI_POLICY_FINE    0
#define GENAI_POLICY_FOUND   1      /* warnings, or something is closed */
#define GENAI_POLICY_BROKEN  2
#define GENAI_POLICY_USAGE   3      /* also what cannot be done at all */


typedef struct {
    const char            *path;
    const char            *revoked;
    const char            *state;
    const char            *key;
    int                    show;
    int                    json;
    int                    directory;

    void                  *data;
    const genai_policy_t  *policy;
    int64_t                now;
} genai_policy_tool_t;


static int genai_policy_options(genai_policy_tool_t *o, int argc,
    char **argv);
static int genai_policy_usage(FILE *f);
static int genai_policy_load(genai_policy_tool_t *o, genai_policy_files_t *f);
static int genai_policy_check(genai_policy_tool_t *o,
    const genai_policy_files_t *f);
static void genai_policy_print(const genai_policy_tool_t *o,
    const genai_finding_t *f);
static void genai_policy_print_json(const genai_policy_tool_t *o,
    const genai_finding_t *f);
static void genai_policy_json_text(const char *s);
static int genai_policy_show(const genai_policy_tool_t *o);
static genai_policy_why_e genai_policy_state(const genai_policy_tool_t *o,
    const genai_policy_object_t *key);
static void genai_policy_show_key(const genai_policy_tool_t *o,
    const genai_policy_object_t *key);
static void genai_policy_show_object(const genai_policy_tool_t *o,
    genai_policy_kind_e kind, const genai_policy_object_t *object);
static void genai_policy_show_endpoints(uint32_t endpoints);
static void genai_policy_show_limit(const genai_policy_tool_t *o,
    const genai_policy_limit_t *limit);
static void genai_policy_show_time(const char *name, int64_t time);
static void genai_policy_show_text(const genai_policy_tool_t *o,
    genai_policy_text_t text);


int
main(int argc, char **argv)
{
    int                    rc;
    genai_policy_files_t  *f;
    genai_policy_tool_t    o;

    rc = genai_policy_options(&o, argc, argv);
    if (rc != 0) {
        return (rc == 1) ? GENAI_POLICY_FINE : GENAI_POLICY_USAGE;
    }

    f = genai_policy_files_create(o.path, o.revoked, o.state);

    if (f == NULL) {
        fprintf(stderr, "genai-policy: no memory\n");
        return GENAI_POLICY_USAGE;
    }

    rc = genai_policy_load(&o, f);

    if (rc == 0) {
        rc = o.show ? genai_policy_show(&o) : genai_policy_check(&o, f);
    }

    genai_policy_files_destroy(f);
    free(o.data);

    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "genai-policy: cannot write: %s\n", strerror(errno));
        rc = GENAI_POLICY_USAGE;
    }

    return rc;
}


/* returns 0; 1 where there is nothing more to do; -1 for a wrong usage */

static int
genai_policy_options(genai_policy_tool_t *o, int argc, char **argv)
{
    int           i;
    const char   *arg, **value;
    struct stat   st;

    memset(o, 0, sizeof(genai_policy_tool_t));

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        (void) genai_policy_usage(stdout);
        return 1;
    }

    if (argc < 2) {
        return genai_policy_usage(stderr);
    }

    if (strcmp(argv[1], "show") == 0) {
        o->show = 1;

    } else if (strcmp(argv[1], "check") != 0) {
        return genai_policy_usage(stderr);
    }

    for (i = 2; i < argc; i++) {

        arg = argv[i];

        if (strcmp(arg, "--json") == 0 && !o->show) {
            o->json = 1;
            continue;
        }

        if (strcmp(arg, "--revoked") == 0 || strcmp(arg, "--state") == 0) {

            value = (arg[2] == 'r') ? &o->revoked : &o->state;
            *value = argv[++i];

            if (*value == NULL) {
                return genai_policy_usage(stderr);
            }

            continue;
        }

        if (arg[0] == '-') {
            return genai_policy_usage(stderr);
        }

        if (o->path == NULL) {
            o->path = arg;

        } else if (o->show && o->key == NULL) {
            o->key = arg;

        } else {
            return genai_policy_usage(stderr);
        }
    }

    if (o->path == NULL) {
        return genai_policy_usage(stderr);
    }

    o->directory = (stat(o->path, &st) == 0 && S_ISDIR(st.st_mode));

    return 0;
}


static int
genai_policy_usage(FILE *f)
{
    fputs("usage: genai-policy check [--json] [--revoked FILE] [--state DIR]"
          " PATH\n"
          "       genai-policy show [--revoked FILE] [--state DIR] PATH"
          " [KEY]\n", f);

    return -1;
}


static int
genai_policy_load(genai_policy_tool_t *o, genai_policy_files_t *f)
{
    int          rc;
    size_t       size;
    const char  *wrong;

    o->now = time(NULL);

    rc = genai_policy_files_load(f, 0, o->now * 1000, NULL, &o->data, &size);

    if (rc == GENAI_POLICY_BUILD_OK) {

        wrong = genai_policy_open(o->data, size, &o->policy);

        if (wrong == NULL) {
            return 0;
        }

        fprintf(stderr, "genai-policy: a snapshot cannot be read: %s\n",
                wrong);

        return GENAI_POLICY_USAGE;
    }

    fprintf(stderr, "genai-policy: %s\n",
            rc == GENAI_POLICY_BUILD_LARGE
            ? "the policy is larger than a snapshot can be" : "no memory");

    return (rc == GENAI_POLICY_BUILD_LARGE) ? GENAI_POLICY_BROKEN
                                            : GENAI_POLICY_USAGE;
}


static int
genai_policy_check(genai_policy_tool_t *o, const genai_policy_files_t *f)
{
    int                     rc;
    size_t                  lost;
    const genai_finding_t  *finding;

    rc = GENAI_POLICY_FINE;

    if (o->json) {
        printf("[");
    }

    for (finding = genai_policy_files_findings(f);
         finding;
         finding = finding->next)
    {
        if (finding->level == GENAI_FINDING_BROKEN) {
            rc = GENAI_POLICY_BROKEN;

        } else if (finding->level != GENAI_FINDING_NOTE
                   && rc == GENAI_POLICY_FINE)
        {
            rc = GENAI_POLICY_FOUND;
        }

        if (o->json) {
            genai_policy_print_json(o, finding);
            printf(finding->next ? "," : "\n");

        } else {
            genai_policy_print(o, finding);
        }
    }

    if (o->json) {
        printf("]\n");
    }

    lost = genai_policy_files_findings_lost(f);

    if (lost) {
        fprintf(stderr, "genai-policy: %lu more are not shown\n",
                (unsigned long) lost);
    }

    return rc;
}


static void
genai_policy_print(const genai_policy_tool_t *o, const genai_finding_t *f)
{
    const char  *base;

    base = strrchr(o->path, '/');

    if (!o->directory && base && strcmp(f->fragment, base + 1) == 0) {
        printf("%s:", o->path);

    } else if (o->directory && strchr(f->fragment, '/') == NULL) {
        printf("%s/%s:", o->path, f->fragment);

    } else {
        printf("%s:", f->fragment);
    }

    if (f->line) {
        printf("%u:", f->line);
    }

    printf(" %s: ", genai_finding_level(f->level));

    if (f->object[0]) {
        printf("%s: ", f->object);
    }

    printf("%s\n", f->text);
}


static void
genai_policy_print_json(const genai_policy_tool_t *o, const genai_finding_t *f)
{
    printf("\n  {\"file\": ");
    genai_policy_json_text(f->fragment);
    printf(", \"line\": %u, \"level\": \"%s\", \"object\": ", f->line,
           genai_finding_level(f->level));
    genai_policy_json_text(f->object);
    printf(", \"text\": ");
    genai_policy_json_text(f->text);
    printf("}");
}


/* findings have no control characters */

static void
genai_policy_json_text(const char *s)
{
    putchar('"');

    for ( /* void */ ; *s; s++) {

        if (*s == '"' || *s == '\\') {
            putchar('\\');
        }

        putchar(*s);
    }

    putchar('"');
}


static int
genai_policy_show(const genai_policy_tool_t *o)
{
    uint32_t                      i;
    genai_str_t                   id;
    const genai_policy_object_t  *key;

    if (o->key) {
        id.data = (unsigned char *) o->key;
        id.len = strlen(o->key);

        key = genai_policy_find(o->policy, GENAI_POLICY_KEYS, &id);

        if (key == NULL) {
            fprintf(stderr, "genai-policy: there is no key \"%s\"\n", o->key);
            return GENAI_POLICY_FOUND;
        }

        genai_policy_show_key(o, key);

        return GENAI_POLICY_FINE;
    }

    for (i = 0; i < o->policy->objects[GENAI_POLICY_KEYS].n; i++) {

        key = genai_policy_object(o->policy, GENAI_POLICY_KEYS, i);

        printf("%-9s ", genai_policy_why(genai_policy_state(o, key)));
        genai_policy_show_text(o, key->id);
        putchar('\n');
    }

    return GENAI_POLICY_FINE;
}


/* what a lookup of it would return */

static genai_policy_why_e
genai_policy_state(const genai_policy_tool_t *o,
    const genai_policy_object_t *key)
{
    if (key->flags & GENAI_POLICY_REVOKED) {
        return GENAI_POLICY_IS_REVOKED;
    }

    if (key->flags & (GENAI_POLICY_CLOSED|GENAI_POLICY_ABOVE_CLOSED)) {
        return GENAI_POLICY_IS_CLOSED;
    }

    if (key->flags & (GENAI_POLICY_DISABLED|GENAI_POLICY_ABOVE_DISABLED)) {
        return GENAI_POLICY_IS_DISABLED;
    }

    return (o->now < key->not_before) ? GENAI_POLICY_EARLY
           : (o->now >= key->not_after) ? GENAI_POLICY_LATE
           : GENAI_POLICY_OK;
}


static void
genai_policy_show_key(const genai_policy_tool_t *o,
    const genai_policy_object_t *key)
{
    uint32_t                      i;
    unsigned                      depth;
    genai_str_t                   id, name;
    const genai_policy_t         *p;
    const genai_policy_object_t  *object;

    static const char *const  priorities[] = { "low", "normal", "high" };

    p = o->policy;

    printf("state: %s\n", genai_policy_why(genai_policy_state(o, key)));
    printf("priority: %s\n", priorities[key->priority % 3]);

    if (key->flags & GENAI_POLICY_ADMIN) {
        printf("admin: yes\n");
    }

    genai_policy_show_time("not_before", key->not_before);
    genai_policy_show_time("not_after", key->not_after);

    printf("endpoints:");
    genai_policy_show_endpoints(genai_policy_endpoints(p, key));
    printf("\n\nAll of this holds at once:\n");

    genai_policy_show_object(o, GENAI_POLICY_KEYS, key);
    genai_policy_show_object(o, GENAI_POLICY_PLANS, genai_policy_plan(p, key));
    genai_policy_show_object(o, GENAI_POLICY_USERS, genai_policy_user(p, key));

    object = genai_policy_team(p, key);

    for (depth = 0; object && depth < GENAI_POLICY_DEPTH; depth++) {
        genai_policy_show_object(o, GENAI_POLICY_TEAMS, object);
        object = genai_policy_object(p, GENAI_POLICY_TEAMS, object->team);
    }

    for (i = 0; i < p->objects[GENAI_POLICY_MODELS].n; i++) {

        object = genai_policy_object(p, GENAI_POLICY_MODELS, i);
        id = genai_policy_text(p, object->id);
        name = id;

        if (name.len && name.data[name.len - 1] == '*') {
            name.len--;
        }

        /* an entry of models that the key may not use says nothing of it */

        if ((object->flags & (GENAI_POLICY_CLOSED|GENAI_POLICY_DISABLED))
            || name.len < id.len || genai_policy_allows_model(p, key, &name))
        {
            genai_policy_show_object(o, GENAI_POLICY_MODELS, object);
        }
    }
}


static void
genai_policy_show_object(const genai_policy_tool_t *o,
    genai_policy_kind_e kind, const genai_policy_object_t *object)
{
    uint32_t                     i;
    const char                  *base;
    const genai_policy_t        *p;
    const genai_policy_text_t   *patterns;
    const genai_policy_limit_t  *limits;

    if (object == NULL) {
        return;
    }

    p = o->policy;
    base = (const char *) p;

    printf("\n%s ", genai_policy_kind(kind));
    genai_policy_show_text(o, object->id);

    printf("%s%s\n", (object->flags & GENAI_POLICY_CLOSED) ? ", closed" : "",
           (object->flags & GENAI_POLICY_DISABLED) ? ", disabled" : "");

    if (object->flags & GENAI_POLICY_PATTERNS) {

        patterns = (const void *) (base + p->patterns.offset);

        printf("  models:");

        for (i = 0; i < object->models.n; i++) {
            putchar(' ');
            genai_policy_show_text(o, patterns[object->models.first + i]);
        }

        printf(object->models.n ? "\n" : " none\n");
    }

    if (object->flags & GENAI_POLICY_ENDPOINTS) {
        printf("  endpoints:");
        genai_policy_show_endpoints(object->endpoints);
        putchar('\n');
    }

    if (object->guard.len) {
        printf("  guard: ");
        genai_policy_show_text(o, object->guard);
        printf(" (not enforced)\n");
    }

    limits = (const void *) (base + p->limits.offset);

    for (i = 0; i < object->limits.n; i++) {
        printf("  limit: ");
        genai_policy_show_limit(o, &limits[object->limits.first + i]);
        printf(" (not enforced)\n");
    }
}


static void
genai_policy_show_endpoints(uint32_t endpoints)
{
    unsigned            i, n;
    const genai_str_t  *name;

    for (i = GENAI_ENDPOINT_NONE + 1, n = 0; i < GENAI_ENDPOINT_LAST; i++) {

        if (endpoints & genai_endpoint_bit(i)) {
            name = genai_endpoint_name(i);
            printf(" %.*s", (int) name->len, name->data);
            n++;
        }
    }

    if (n == 0) {
        printf(" none");
    }
}


static void
genai_policy_show_limit(const genai_policy_tool_t *o,
    const genai_policy_limit_t *limit)
{
    genai_limit_t   l;
    unsigned char  *end, text[GENAI_LIMIT_TEXT + GENAI_POLICY_TEXT_MAX];

    l = limit->limit;
    l.pattern = genai_policy_text(o->policy, limit->pattern);

    end = genai_limit_write(text, &l);

    printf("%.*s%s", (int) (end - text), text, l.shadow ? ", shadow" : "");
}


static void
genai_policy_show_time(const char *name, int64_t time)
{
    int      year, month, mday, s;
    int32_t  day;

    if (time == INT64_MIN || time == INT64_MAX) {
        return;
    }

    day = (time - (((time % 86400) + 86400) % 86400)) / 86400;
    s = time - (int64_t) day * 86400;

    genai_timezone_date(day, &year, &month, &mday);

    printf("%s: %04d-%02d-%02dT%02d:%02d:%02dZ\n", name, year, month, mday,
           s / 3600, s / 60 % 60, s % 60);
}


static void
genai_policy_show_text(const genai_policy_tool_t *o, genai_policy_text_t text)
{
    genai_str_t  s;

    s = genai_policy_text(o->policy, text);

    printf("%.*s", (int) s.len, s.data);
}
