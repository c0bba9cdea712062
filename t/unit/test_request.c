/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The walk over a request, with a dialect of its own that is small; names in
 * sets; and that there is no step which goes over a whole object.
 */


#include "request.h"
#include "genai_names.h"
#include "genai_dialect.h"

#include <time.h>


static int test_any(genai_request_t *req, const genai_request_place_t *at);
static int test_late(genai_request_t *req, const genai_request_place_t *at);
static const genai_request_node_t *test_nodes(genai_endpoint_e endpoint,
    size_t *state);


/* what the handlers saw, as a text */

static char      seen[4096];
static size_t    nseen;
static unsigned  calls;


#define A  GENAI_WALK_ANY
#define O  GENAI_WALK_OBJECT

static const genai_request_node_t  leaf_node = { A, 0, 1, test_any, NULL,
                                                 NULL };
static const genai_request_node_t  over_node = { A, O, 9, test_any,
                                                 &leaf_node, NULL };
static const genai_request_node_t  number_node = {
    GENAI_WALK_NUMBER|GENAI_WALK_STRING|GENAI_WALK_NULL, 0, 2, NULL, NULL, NULL
};

static const genai_request_member_t  inner_members[] = {
    genai_request_member("a", &leaf_node),
    genai_request_member("kind", NULL),
    genai_request_members_end
};

static const genai_request_node_t  inner_node = { A, O, 3, test_late, NULL,
                                                  inner_members };
static const genai_request_node_t  list_node = { A, GENAI_WALK_ARRAY, 4,
                                                 test_any, &inner_node, NULL };
static const genai_request_node_t  blind_node = { A, GENAI_WALK_ARRAY, 5,
                                                  test_any, NULL, NULL };

static const genai_request_member_t  root_members[] = {
    genai_request_member("list", &list_node),
    genai_request_member("blind", &blind_node),
    genai_request_member("over", &over_node),
    genai_request_member("number", &number_node),
    genai_request_member("inner", &inner_node),
    genai_request_members_end
};

static const genai_request_node_t  root_node = { A, O, 0, test_any, NULL,
                                                 root_members };

static const genai_dialect_t  test_dialect = {
    .name = genai_str("test"),
    .request_nodes = test_nodes
};


static const genai_request_node_t *
test_nodes(genai_endpoint_e endpoint, size_t *state)
{
    *state = sizeof(unsigned);

    return &root_node;
}


static int
test_any(genai_request_t *req, const genai_request_place_t *at)
{
    unsigned  *state;

    state = at->state;
    calls++;

    if (nseen < sizeof(seen) - 64) {
        nseen += snprintf(seen + nseen, sizeof(seen) - nseen, "%s%u@%u.%u ",
                          at->leave ? "/" : "", at->node->kind, at->index,
                          at->number);
    }

    if (at->node->kind == 9) {
        return GENAI_WALK_OVER;
    }

    *state += at->leave ? -1 : 1;

    return GENAI_WALK_GO;
}


/* tells what the member behind says */

static int
test_late(genai_request_t *req, const genai_request_place_t *at)
{
    int       rc;
    uint32_t  kind;

    calls++;

    if (at->leave) {
        return GENAI_WALK_GO;
    }

    rc = genai_request_find(req, at->index, "kind", 4, &kind);

    if (rc != GENAI_WALK_GO) {
        return rc;
    }

    return kind ? genai_request_segment(req, GENAI_SEGMENT_TEXT,
                                        GENAI_ROLE_USER, kind, at->number, 0)
                : GENAI_WALK_GO;
}


static void
test_walk(void)
{
    genai_str_t      text;
    genai_arena_t    arena;
    genai_request_t  req;

    static const struct {
        const char  *text;
        int          rc;
        const char  *seen;
    } cases[] = {
        { "7", 0, "0@0.0 " },
        { "{}", 0, "0@0.0 /0@0.0 " },
        { "{\"x\":{\"list\":[1]},\"list\":[]}", 0,
          "0@0.0 4@7.0 /4@7.0 /0@0.0 " },
        { "{\"inner\":{\"a\":7}}", 0, "0@0.0 1@4.0 /0@0.0 " },
        { "{\"list\":[{},{\"a\":{\"a\":1}},[{\"a\":1}]]}", 0,
          "0@0.0 4@2.0 1@6.0 /4@2.0 /0@0.0 " },
        { "{\"blind\":[1,2,3]}", 0, "0@0.0 5@2.0 /5@2.0 /0@0.0 " },
        { "{\"over\":{\"a\":1,\"a\":2}}", 0, "0@0.0 9@2.0 /0@0.0 " },
        { "{\"number\":null}", 0, "0@0.0 /0@0.0 " },
        { "{\"number\":true}", -1, "\"number\" must be a number or a string" },
        { "{\"inner\":{\"number\":1,\"KIND\":2}}", -1,
          "\"inner.kind\" stands twice in the request, or in another case" }
    };

    size_t  i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text.data = (unsigned char *) cases[i].text;
        text.len = strlen(cases[i].text);

        nseen = 0;

        genai_arena_init(&arena, 1 << 20);
        genai_request_init(&req, &test_dialect, GENAI_ENDPOINT_OTHER, &text,
                           &arena);

        is_int(genai_request_read(&req, SIZE_MAX), cases[i].rc, "%s",
               cases[i].text);
        is_str(cases[i].rc ? req.error : seen, cases[i].seen, "it is told");

        genai_arena_destroy(&arena);
    }
}


/* a look-up of what stands behind a thousand members, in turns */

static void
test_find(void)
{
    char       *text;
    size_t      i, n;
    request_t   r;

    text = malloc(100000);
    n = sprintf(text, "{\"list\":[{");

    for (i = 0; i < 1000; i++) {
        n += sprintf(text + n, "\"kin%lu\":{\"kind\":1},", (unsigned long) i);
    }

    n += sprintf(text + n, "\"kind\":\"k\"},{\"kind\":\"l\"},[\"kind\",1]]}");

    request_read(&r, &test_dialect, GENAI_ENDPOINT_OTHER, text, n);
    is_str(request_told(&r), "text user 0.0 k\ntext user 1.0 l\n",
           "found behind a thousand members");
    request_close(&r);

    calls = 0;
    request_open(&r, &test_dialect, GENAI_ENDPOINT_OTHER, text, n);

    while (genai_request_read(&r.req, 160) == GENAI_REQUEST_AGAIN) {
        /* void */
    }

    ok(calls > 50, "in turns: %u calls", calls);
    request_close(&r);

    free(text);
}


/* all members of objects of all sizes, each name once more in another way */

static void
test_names(void)
{
    char       *text;
    size_t      i, n, twice, members, at;
    request_t   r;

    text = malloc(1 << 20);

    for (members = 1; members < 5000; members = members * 3 + 1) {
        for (twice = 0; twice < 3; twice++) {

            n = sprintf(text, "{");

            for (i = 0; i < members; i++) {
                n += sprintf(text + n, "\"x%lu\":%s,", (unsigned long) i,
                             i % 100 ? "0" : "{\"x1\":0}");
            }

            at = rnd() % members;
            n += sprintf(text + n, twice == 0 ? "\"y%lu\":0}"
                                   : twice == 1 ? "\"X%lu\":0}"
                                   : "\"\\u0078%lu\":0}", (unsigned long) at);

            request_read(&r, &test_dialect, GENAI_ENDPOINT_OTHER, text, n);
            is_int(r.rc, twice ? GENAI_REQUEST_ERROR : GENAI_REQUEST_DONE,
                   "%lu members, one twice: %s", (unsigned long) members,
                   r.req.error);
            request_close(&r);
        }
    }

    /* the set of the outer object is not that of the inner ones */

    n = sprintf(text, "{\"m\":0,\"list\":[{\"m\":0,\"n\":0},{\"m\":0,\"n\":0}],"
                      "\"n\":0,\"inner\":{\"m\":0}}");
    request_read(&r, &test_dialect, GENAI_ENDPOINT_OTHER, text, n);
    is_int(r.rc, GENAI_REQUEST_DONE, "each object has its own names");
    request_close(&r);

    n = sprintf(text, "{\"m\":0,\"list\":[{\"m\":0,\"n\":0},{\"m\":0,\"n\":0}],"
                      "\"M\":0}");
    request_read(&r, &test_dialect, GENAI_ENDPOINT_OTHER, text, n);
    is_str(r.req.error, "\"M\" stands twice in the request, or in another "
                        "case", "the outer object's are not forgotten");
    request_close(&r);

    free(text);
}


/* characters that are folded, escaped and not, through a set */

static int
names_same(const char *a, const char *b)
{
    int            rc;
    char           text[256];
    size_t         budget;
    uint32_t       set;
    genai_scan_t   s;
    genai_names_t  names;
    genai_arena_t  arena;

    snprintf(text, sizeof(text), "[\"%s\",\"%s\"]", a, b);

    genai_arena_init(&arena, 1 << 20);
    genai_scan_init(&s, &arena, (unsigned char *) text, strlen(text), 100);

    if (genai_scan(&s, SIZE_MAX) != GENAI_SCAN_DONE) {
        genai_arena_destroy(&arena);
        return -1;
    }

    genai_names_init(&names, &arena);
    set = genai_names_open(&names);
    budget = SIZE_MAX;

    genai_names_begin(&names, &s.tape, 1);
    (void) genai_names_add(&names, set, &budget);
    genai_names_begin(&names, &s.tape, 2);

    do {
        budget = 1;
        rc = genai_names_add(&names, set, &budget);
    } while (rc == GENAI_NAMES_AGAIN);

    genai_arena_destroy(&arena);

    return rc == GENAI_NAMES_TWICE;
}


static void
test_fold(void)
{
    size_t  i;

    static const struct {
        const char  *a;
        const char  *b;
        int          same;
    } cases[] = {
        { "", "", 1 },
        { "a", "A", 1 },
        { "a", "b", 0 },
        { "a", "aa", 0 },
        { "model", "\\u004dODE\\u006C", 1 },
        { "s", "\xc5\xbf", 1 },
        { "S", "\\u017F", 1 },
        { "k", "\xe2\x84\xaa", 1 },
        { "K", "\\u212a", 1 },
        { "@", "`", 0 },
        { "[", "{", 0 },
        { "\xc3\xa9", "\\u00e9", 1 },
        { "\xc3\xa9", "\xc3\x89", 0 },
        { "\xe2\x82\xac", "\\u20AC", 1 },
        { "\xf0\x9f\x98\x80", "\\ud83d\\ude00", 1 },
        { "\xf0\x9f\x98\x80", "\\ud83d\\ude01", 0 },
        { "\\n\\t\\r\\b\\f", "\\u000a\\u0009\\u000d\\u0008\\u000c", 1 },
        { "\\/\\\\\\\"", "/\\u005c\\u0022", 1 },
        { "\\n", "n", 0 },
        { "\\u0000", "", 0 },
        { "\\u0000", "\\u0000\\u0000", 0 },
        { "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1 },
        { "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXY", 0 },
        { "0123456789012345678901234567890123456789\\u00e9",
          "0123456789012345678901234567890123456789\xc3\xa9", 1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is_int(names_same(cases[i].a, cases[i].b), cases[i].same,
               "\"%s\" and \"%s\"", cases[i].a, cases[i].b);
        quiet_ok(names_same(cases[i].b, cases[i].a) == cases[i].same,
                 "the other way round");
    }
}


static void
test_int(void)
{
    size_t     i;
    char       text[128];
    request_t  r;

    static const struct {
        const char  *text;
        int64_t      n;             /* INT64_MIN: refused */
    } cases[] = {
        { "0", 0 }, { "-0", 0 }, { "1", 1 }, { "-1", -1 },
        { "9007199254740991", INT64_C(9007199254740991) },
        { "-9007199254740991", INT64_C(-9007199254740991) },
        { "9007199254740992", INT64_MIN },
        { "9223372036854775807", INT64_MIN },
        { "9223372036854775808", INT64_MIN },
        { "-9223372036854775808", INT64_MIN },
        { "18446744073709551617", INT64_MIN },
        { "10000000000000000000000000000000000000001", INT64_MIN },
        { "1.0", 1 }, { "1e0", 1 }, { "1E2", 100 }, { "-0.0", 0 },
        { "12.50e+1", 125 }, { "1200e-2", 12 }, { "0e999999", 0 },
        { "0.5", INT64_MIN }, { "15e-1", INT64_MIN }, { "1e19", INT64_MIN },
        { "1e-1000000000000000000000", INT64_MIN },
        { "1e9999999999999999999999", INT64_MIN }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), "{\"max_tokens\":%s}", cases[i].text);

        request_read(&r, &genai_openai, GENAI_ENDPOINT_CHAT, text,
                     strlen(text));

        if (cases[i].n == INT64_MIN) {
            is_int(r.rc, GENAI_REQUEST_ERROR, "%s is refused", cases[i].text);

        } else {
            ok(r.rc == GENAI_REQUEST_DONE
               && r.req.output_max == (cases[i].n < 0 ? -1 : cases[i].n),
               "%s is taken", cases[i].text);
        }

        request_close(&r);
    }
}


/* a set that is closed leaves its room to the next one */

static void
test_sets(void)
{
    size_t         budget;
    uint32_t       a, b, i;
    genai_scan_t   s;
    genai_arena_t  arena;
    genai_names_t  names;

    static const char  text[] = "[\"a\",\"b\",\"a\"]";

    genai_arena_init(&arena, 1 << 20);
    genai_scan_init(&s, &arena, (unsigned char *) text, sizeof(text) - 1, 10);
    (void) genai_scan(&s, SIZE_MAX);

    genai_names_init(&names, &arena);
    budget = SIZE_MAX;
    a = genai_names_open(&names);

    genai_names_begin(&names, &s.tape, 1);
    is_int(genai_names_add(&names, a, &budget), GENAI_NAMES_NEW, "a name");

    for (i = 0; i < 1000; i++) {
        b = genai_names_open(&names);
        genai_names_begin(&names, &s.tape, 1 + i % 2);
        quiet_ok(genai_names_add(&names, b, &budget) == GENAI_NAMES_NEW,
                 "new in a set above");
        genai_names_close(&names, b);
    }

    ok(names.room < 100, "room for %u names", names.room);

    genai_names_begin(&names, &s.tape, 3);
    is_int(genai_names_add(&names, a, &budget), GENAI_NAMES_TWICE,
           "the first set is as it was");

    genai_arena_destroy(&arena);
}


/* every allocation that can fail does, once */

static void
test_memory(void)
{
    int              rc;
    size_t           i, n, limit, failed;
    char            *text;
    genai_str_t      s;
    genai_arena_t    arena;
    genai_request_t  req;

    text = malloc(1 << 20);
    n = sprintf(text, "{\"messages\":[{\"content\":[");

    for (i = 0; i < 500; i++) {
        n += sprintf(text + n, "\"a\",");
    }

    n += sprintf(text + n, "\"a\"]},{");

    for (i = 0; i < 500; i++) {
        n += sprintf(text + n, "\"%lu\":1,", (unsigned long) i);
    }

    n += sprintf(text + n, "\"a\":1}]}");

    s.data = (unsigned char *) text;
    s.len = n;
    failed = 0;

    for (limit = 0, rc = -1; rc != 0 && limit < (1 << 22); limit += 500) {
        genai_arena_init(&arena, limit);
        genai_request_init(&req, &genai_openai, GENAI_ENDPOINT_CHAT, &s,
                           &arena);

        do {
            rc = genai_request_read(&req, 1000);
        } while (rc == GENAI_REQUEST_AGAIN);

        if (rc == GENAI_REQUEST_ERROR) {
            failed++;
            quiet_ok(req.cause == GENAI_SCAN_NO_MEMORY
                     && strstr(req.error, "no memory"), "limit %lu: \"%s\"",
                     (unsigned long) limit, req.error);
        }

        genai_arena_destroy(&arena);
    }

    ok(rc == 0 && failed > 20, "memory ends at %lu places",
       (unsigned long) failed);

    free(text);
}


/*
 * Large bodies in small turns: each step is counted, so that a step which
 * goes over all of an object would make too few turns.  What one takes is
 * shown, not judged: the machine is shared, and sanitizers copy.
 */

static void
test_turns(void)
{
    char             *text;
    size_t            i, k, n, turns;
    double            t, most;
    request_t         r;
    struct timespec   a, b;

    static const struct {
        const char  *what;
        const char  *begin;
        const char  *each;          /* a number is put in */
        const char  *end;
        unsigned     steps;         /* of each */
        unsigned     number;        /* of them */
        const char  *error;
    } bodies[] = {
        { "messages", "{\"messages\":[", "{\"%lu\":1},", "{}]}", 3,
          300000, NULL },
        { "parts", "{\"messages\":[{\"content\":[", "\"%lu\",",
          "\"\"],\"role\":\"tool\"}]}", 1, 300000, NULL },
        { "root members", "{", "\"%lu\":0,", "\"model\":\"m\"}", 6,
          GENAI_REQUEST_MEMBERS - 1, NULL },
        { "members before a role", "{\"messages\":[{", "\"%lu\":0,",
          "\"role\":\"user\"}]}", 7, GENAI_REQUEST_MEMBERS - 1, NULL },
        { "members before a type", "{\"messages\":[{\"content\":[{",
          "\"%lu\":0,", "\"type\":\"text\"}]}]}", 7,
          GENAI_REQUEST_MEMBERS - 1, NULL },
        { "too many members", "{", "\"%lu\":0,", "\"model\":\"m\"}", 1,
          GENAI_REQUEST_MEMBERS,
          "an object of the request has more than 8192 members" },
        { "tokens", "{\"prompt\":[", "%lu,", "1]}", 1, 300000, NULL },
        { "what is skipped", "{\"x\":[", "%lu,", "1]}", 0, 300000, NULL }
    };

    text = malloc(8 << 20);

    for (k = 0; k < sizeof(bodies) / sizeof(bodies[0]); k++) {
        n = sprintf(text, "%s", bodies[k].begin);

        for (i = 0; i < bodies[k].number; i++) {
            n += sprintf(text + n, bodies[k].each, (unsigned long) i);
        }

        n += sprintf(text + n, "%s", bodies[k].end);

        request_open(&r, &genai_openai, GENAI_ENDPOINT_CHAT, text, n);

        most = 0;
        turns = 0;

        do {
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
            r.rc = genai_request_read(&r.req, 64 * GENAI_REQUEST_STEP);
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);

            t = (b.tv_sec - a.tv_sec) * 1e3 + (b.tv_nsec - a.tv_nsec) / 1e6;

            most = (t > most) ? t : most;
            turns += (r.req.walk != NULL);
        } while (r.rc == GENAI_REQUEST_AGAIN);

        ok(r.rc == (bodies[k].error ? GENAI_REQUEST_ERROR
                                    : GENAI_REQUEST_DONE)
           && (bodies[k].error == NULL
               || (r.req.cause == GENAI_SCAN_TOO_LARGE
                   && strcmp(r.req.error, bodies[k].error) == 0))
           && turns >= i * bodies[k].steps / 64
           && (turns < 10 || bodies[k].steps),
           "%s: %lu turns of 64 steps", bodies[k].what,
           (unsigned long) turns);
        diag("%.2f ms at most", most);

        request_close(&r);
    }

    /* a name is read in pieces, too */

    n = sprintf(text, "{\"");
    memset(text + n, 'a', 1 << 20);
    n += 1 << 20;
    n += sprintf(text + n, "\":1}");

    request_open(&r, &genai_openai, GENAI_ENDPOINT_CHAT, text, n);

    turns = 0;

    while (genai_request_read(&r.req, 1024) == GENAI_REQUEST_AGAIN) {
        turns += (r.req.walk != NULL);
    }

    ok(turns > 1000, "a name of 1 MiB: %lu turns", (unsigned long) turns);

    request_close(&r);
    free(text);
}


int
main(void)
{
    test_walk();
    test_find();
    test_fold();
    test_names();
    test_sets();
    test_int();
    test_memory();
    test_turns();

    return done_testing();
}
