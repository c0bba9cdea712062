/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Bounds of the builder and of a snapshot: what one fragment may take, what
 * chosen digests and many models cost.
 */


#include "tap.h"
#include "policy.h"
#include "genai_policy_build_int.h"

#include <time.h>


static double
cpu(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);

    return t.tv_sec + t.tv_nsec / 1e9;
}


/* a fragment of n objects, which begins and ends with these; malloc'd */

static char *
many(const char *begin, unsigned n, const char *fmt, const char *end)
{
    char      *text, *p;
    unsigned   i;

    text = malloc(strlen(begin) + (size_t) n * (strlen(fmt) + 24)
                  + strlen(end) + 1);
    if (text == NULL) {
        abort();
    }

    p = text + sprintf(text, "%s", begin);

    for (i = 0; i < n; i++) {

        if (i) {
            *p++ = ',';
        }

        p += sprintf(p, fmt, i, i);
    }

    strcpy(p, end);

    return text;
}


static int
add(policy_t *p, const char *name, const char *text)
{
    return genai_policy_add(p->b, name, text, strlen(text), 0);
}


/* digests that anybody can name, which are the same but for their ends */

static void
chosen(const char *fmt, const char *name)
{
    char                         *text;
    double                        begin;
    uint32_t                      i, run, longest;
    policy_t                      p;
    const genai_policy_secret_t  *s;

    text = many("{\"schema\":1,\"keys\":{", 200000, fmt, "}}");

    memset(&p, 0, sizeof(policy_t));
    p.b = genai_policy_builder_create(NULL);

    begin = cpu();
    is_int(add(&p, "a.json", text), 0, "%s: added", name);
    policy_end(&p);
    begin = cpu() - begin;

    is_int(p.rc, 0, "%s: built", name);

    /* under sanitizers; by far less than what a quadratic one takes */

    ok(begin < 15, "%s: takes %.2f s", name, begin);

    s = (const void *) ((const char *) p.p + p.p->secrets.offset);

    for (i = 0, run = 0, longest = 0; i < p.p->secrets.n; i++) {

        run = (s[i].key == GENAI_POLICY_NONE) ? 0 : run + 1;

        if (run > longest) {
            longest = run;
        }
    }

    ok(longest < 500, "%s: the longest run has %u", name, longest);

    policy_free(&p);
    free(text);
}


static void
test_seed(void)
{
    uint32_t        place;
    genai_policy_t  p;
    policy_t        a, b;
    unsigned        i;
    unsigned char   digest[GENAI_DIGEST_LEN];

    chosen("\"k%u\":{\"sha256\":\"00000000000000000000000000000000"
           "000000000000000000000000%08x\"}", "all of one beginning");
    chosen("\"k%u\":{\"sha256\":\"%08x00000000000000000000000000000000"
           "000000000000000000000000\"}", "all of one end");

    /* from an implementation of its own */

    memset(&p, 0, sizeof(genai_policy_t));
    p.seed[0] = UINT64_C(0x0706050403020100);
    p.seed[1] = UINT64_C(0x0f0e0d0c0b0a0908);

    for (i = 0; i < GENAI_DIGEST_LEN; i++) {
        digest[i] = i;
    }

    place = genai_policy_place(&p, digest);
    is_int(place, UINT32_C(0x16a7b60d), "SipHash-1-3 of 32 bytes");

    a.b = genai_policy_builder_create(NULL);
    a.rc = add(&a, "a.json", "{\"schema\":1}");
    policy_end(&a);
    b.b = genai_policy_builder_create(NULL);
    b.rc = add(&b, "a.json", "{\"schema\":1}");
    policy_end(&b);

    ok(memcmp(a.p->seed, b.p->seed, sizeof(a.p->seed)) != 0,
       "two snapshots, two seeds");

    policy_free(&a);
    policy_free(&b);
}


#define TEAM   "{\"schema\":1,\"teams\":{\"t\":{}}}"
#define OTHER  "{\"schema\":1,\"keys\":{\"o\":{\"sha256\":\"@o@\"}}}"

static void
test_scoped(void)
{
    char      *text;
    policy_t   p;

    /* one more than there may be; nothing of it is left */

    text = many("{\"schema\":1,\"scope\":\"t\",\"revision\":\"r\",\"keys\":{",
                GENAI_POLICY_SCOPED_OBJECTS_MAX + 1,
                "\"%u\":{\"team\":\"t\",\"models\":[\"m%u\"]}", "}}");

    policy_begin(&p);
    is_int(add(&p, "10-tenant.json", text), GENAI_POLICY_BUILD_BROKEN,
           "a fragment with a scope and too many objects is broken");
    is_int(policy_add(&p, "20.json", TEAM), 0, "the next one is not");
    is_int(policy_add(&p, "30.json", OTHER), 0, "nor the one behind it");
    policy_end(&p);

    is_int(p.rc, 0, "it is built");
    is_str(policy_findings(&p, GENAI_FINDING_BROKEN),
           "10-tenant.json:0: broken: : it has a scope, and more than 200000"
           " objects; all of it is left out\n", "it is said so");
    is_str(policy_why(&p, "o", 0), "ok", "the others hold");
    is_int(p.p->objects[GENAI_POLICY_KEYS].n, 1, "no key of it");
    is_int(p.p->patterns.n, 0, "no list");
    is_int(p.p->revision.len, 0, "no revision");
    ok(p.size < 4096, "no text: %u bytes", (unsigned) p.size);
    policy_free(&p);
    free(text);

    text = many("{\"schema\":1,\"scope\":\"t\",\"keys\":{",
                GENAI_POLICY_SCOPED_OBJECTS_MAX, "\"%u\":{\"team\":\"t\"}",
                "}}");

    policy_begin(&p);
    is_int(add(&p, "10-tenant.json", text), 0, "as many as there may be");
    is_int(policy_add(&p, "20.json", TEAM), 0, "with its team");
    policy_end(&p);
    is_int(p.rc, 0, "are built");
    is_int(p.p->objects[GENAI_POLICY_KEYS].n, GENAI_POLICY_SCOPED_OBJECTS_MAX,
           "all of them");
    policy_free(&p);
    free(text);

    /* text */

    text = malloc(GENAI_POLICY_SCOPED_MAX + 2);
    memset(text, ' ', GENAI_POLICY_SCOPED_MAX + 1);
    text[GENAI_POLICY_SCOPED_MAX + 1] = '\0';
    memcpy(text, "{\"schema\":1,\"scope\":\"t\"}", 24);

    policy_begin(&p);
    is_int(add(&p, "a.json", text), GENAI_POLICY_BUILD_BROKEN,
           "16 MiB and a byte");
    text[GENAI_POLICY_SCOPED_MAX] = '\0';
    is_int(add(&p, "b.json", text), 0, "16 MiB");
    memcpy(text, "{\"schema\":1            }", 24);
    text[GENAI_POLICY_SCOPED_MAX] = ' ';
    is_int(add(&p, "c.json", text), 0, "more without a scope");
    policy_end(&p);
    is_int(p.rc, 0, "is built");
    policy_free(&p);
    free(text);
}


/* of one kind, over all fragments; those with a scope are counted alone */

static void
test_objects(void)
{
    char      *text, *scoped;
    int        rc;
    unsigned   i;
    policy_t   p;

    policy_begin(&p);
    p.b->objects_max = 10000;

    text = many("{\"schema\":1,\"plans\":{", 3000, "\"p%u\":{}", "}}");

    for (i = 0, rc = 0; rc == 0 && i < 10; i++) {
        rc = add(&p, "many.json", text);
    }

    free(text);

    is_int(rc, GENAI_POLICY_BUILD_BROKEN, "10,000 of a kind");
    is_int(i, 4, "are 3 fragments of 3,000, and not 4");
    ok(strstr(policy_findings(&p, GENAI_FINDING_BROKEN), "objects of a kind")
       != NULL, "it is said so");

    scoped = many("{\"schema\":1,\"scope\":\"t\",\"plans\":{", 1000,
                  "\"s%u\":{}", "}}");
    is_int(add(&p, "scoped.json", scoped), 0, "one with a scope fits in");
    free(scoped);

    is_int(policy_add(&p, "o.json", OTHER), 0, "and another kind");
    policy_end(&p);
    is_int(p.rc, 0, "it is built");
    is_str(policy_why(&p, "o", 0), "ok", "with the other kind");
    policy_free(&p);
}


/* of the snapshot, long before its offsets have an end */

static void
test_size(void)
{
    char      *text;
    policy_t   p;

    text = many("{\"schema\":1,\"users\":{", 1000,
                "\"u%u\":{\"limits\":[\"1 requests/1m\"]}", "}}");

    policy_begin(&p);
    p.b->size_max = 250000;

    is_int(add(&p, "a.json", text), 0, "one");
    is_int(add(&p, "b.json", text), GENAI_POLICY_BUILD_BROKEN, "and another");
    is_int(policy_add(&p, "c.json", OTHER), 0, "a small one");
    policy_end(&p);

    is_int(p.rc, 0, "it is built");
    ok(strstr(policy_findings(&p, GENAI_FINDING_BROKEN), "1.5 GiB") != NULL,
       "it is said so");
    is_str(policy_why(&p, "o", 0), "ok", "the small one holds");
    ok(p.size < 250000, "%u bytes", (unsigned) p.size);

    policy_free(&p);
    free(text);
}


/* what is taken back is as if it had never been there */

static void
test_back(void)
{
    unsigned   i;
    char      *bad;
    policy_t   p, q;

    bad = many("{\"schema\":1,\"scope\":\"t\",\"timezone\":\"Europe/Berlin\","
               "\"revision\":\"x\",\"keys\":{",
               GENAI_POLICY_SCOPED_OBJECTS_MAX + 1,
               "\"bad%u\":{\"sha256\":7,\"labels\":{\"a\":\"b%u\"}}", "}}");

    policy_begin(&p);
    policy_begin(&q);

    for (i = 0; i < 3; i++) {
        is_int(policy_add(&p, i ? "b.json" : "a.json", i ? OTHER : TEAM), 0,
               "good");
        is_int(policy_add(&q, i ? "b.json" : "a.json", i ? OTHER : TEAM), 0,
               "good");
        is_int(add(&q, "bad.json", bad), GENAI_POLICY_BUILD_BROKEN, "bad");
    }

    policy_end(&p);
    policy_end(&q);

    ok(p.size == q.size && memcmp(p.data, q.data, p.size) == 0,
       "byte for byte");

    policy_free(&p);
    policy_free(&q);
    free(bad);
}


static void
test_barred(void)
{
    char                         *text, name[64];
    double                        begin;
    unsigned                      i;
    policy_t                      p;
    genai_str_t                   s;
    const genai_policy_object_t  *key;

    policy_one(&p, "{\"schema\":1,\"keys\":{\"k\":{\"sha256\":\"@k@\"}},"
                   "\"models\":{\"gpt-4\":{\"disabled\":true},"
                   "\"llama*\":{\"wrong\":1},\"ok\":{},\"ok*\":{},"
                   "\"a*\":{},\"a-b*\":{\"disabled\":true},"
                   "\"a-b-c*\":{}}}");

    is_int(policy_allows(&p, "k", "gpt-4"), 0, "the name itself");
    is_int(policy_allows(&p, "k", "gpt-4o"), 1, "a longer one");
    is_int(policy_allows(&p, "k", "gpt-"), 1, "a shorter one");
    is_int(policy_allows(&p, "k", "llama"), 0, "a pattern, nothing behind it");
    is_int(policy_allows(&p, "k", "llama-3"), 0, "and something");
    is_int(policy_allows(&p, "k", "llam"), 1, "too short for it");
    is_int(policy_allows(&p, "k", "ok"), 1, "an open one");
    is_int(policy_allows(&p, "k", "a-b-c-d"), 0, "one among open ones");
    is_int(policy_allows(&p, "k", "a-c"), 1, "and beside it");
    is_int(policy_allows(&p, "k", ""), 1, "an empty name");
    policy_free(&p);

    policy_one(&p, "{\"schema\":1,\"keys\":{\"k\":{\"sha256\":\"@k@\"}},"
                   "\"models\":{\"*\":{\"disabled\":true}}}");
    is_int(policy_allows(&p, "k", "x"), 0, "all of them");
    is_int(policy_allows(&p, "k", ""), 0, "also an empty name");
    policy_free(&p);

    /* all lengths that a pattern can have, and many of each */

    text = many("{\"schema\":1,\"keys\":{\"k\":{\"sha256\":\"@k@\"}},"
                "\"models\":{", 100000, "\"m%u*\":{\"disabled\":true},"
                "\"n%u\":{\"disabled\":true}", "}}");
    policy_one(&p, text);
    free(text);

    is_int(p.p->barred.n, 200000, "many that are disabled");
    key = policy_object(&p, GENAI_POLICY_KEYS, "k");

    begin = cpu();

    for (i = 0; i < 20000; i++) {
        snprintf(name, sizeof(name), "%c%u-and-a-long-name-of-a-model",
                 i % 2 ? 'm' : 'n', i);
        s = policy_str(name);
        quiet_ok(genai_policy_allows_model(p.p, key, &s) == (i % 2 == 0),
                 "%s", name);
    }

    begin = (cpu() - begin) / 20000;

    /* gone through one by one they take milliseconds */

    ok(begin < 0.0005, "a look at them takes %.2f us", begin * 1e6);

    policy_free(&p);
}


static void
test_unloaded(void)
{
    policy_t  p;

    policy_one(&p, "{\"schema\":1}");
    is_int(p.p->unloaded, 0, "an empty policy is meant so");
    policy_free(&p);

    policy_one(&p, "{");
    is_int(p.p->unloaded, 1, "nothing but what is broken");
    policy_free(&p);

    policy_begin(&p);
    (void) policy_add(&p, "a.json", "{");
    (void) policy_add(&p, "b.json", OTHER);
    policy_end(&p);
    is_int(p.p->unloaded, 0, "a part of it is there");
    policy_free(&p);

    policy_begin(&p);
    policy_end(&p);
    is_int(p.p->unloaded, 0, "no fragments at all");
    policy_free(&p);

    policy_begin(&p);
    genai_policy_finding(p.b, GENAI_FINDING_BROKEN, "policy", 0, "", "gone");
    policy_end(&p);
    is_int(p.p->unloaded, 1, "a policy that is gone");
    policy_free(&p);
}


/* a key in the place of an id is shown nowhere */

static void
test_key(void)
{
    char                    text[512], key[GENAI_KEY_LEN + 1];
    policy_t                p;
    unsigned                k;
    uint32_t                i;
    genai_str_t             s;
    const genai_finding_t  *f;

    static const char *const  formats[] = {
        "{\"schema\":1,\"keys\":{\"%s\":{\"sha256\":7}}}",
        "{\"schema\":1,\"users\":{\"%s\":{}}}",
        "{\"schema\":1,\"keys\":{\"k\":{\"user\":\"%s\"}}}",
        "{\"schema\":1,\"keys\":{\"k\":{\"%s\":1}}}",
        "{\"schema\":1,\"%s\":1}",
        "{\"schema\":1,\"keys\":{\"%s\":{},\"%s\":{}}}",
        "{\"schema\":1,\"keys\":{\"k\":{\"endpoints\":[\"%s\"]}}}",
    };

    if (genai_key_new((unsigned char *) key) != 0) {
        abort();
    }

    key[GENAI_KEY_LEN] = '\0';

    for (k = 0; k < sizeof(formats) / sizeof(formats[0]); k++) {

        snprintf(text, sizeof(text), formats[k], key, key);
        policy_one(&p, text);

        f = genai_policy_findings(p.b);
        ok(f != NULL, "it is said: %s", formats[k]);

        for ( /* void */ ; f; f = f->next) {
            ok(strstr(f->text, key) == NULL && strstr(f->object, key) == NULL,
               "without the key: %s", f->text);
        }

        s = policy_str(key);

        for (i = 0; i < GENAI_POLICY_KINDS; i++) {
            quiet_ok(genai_policy_find(p.p, i, &s) == NULL, "no object");
        }

        policy_free(&p);
    }

    snprintf(text, sizeof(text), formats[0], key);
    policy_one(&p, text);
    is_int(p.p->closed, 1, "it is counted as closed");
    is_str(policy_findings(&p, GENAI_FINDING_CLOSED), "a.json:1: closed:"
           " keys.sk-genai-...: its id cannot be used, it is left out: it is a"
           " key itself, and whoever reads this file can use it; revoke it,"
           " and write an id of your own\n", "and why");
    policy_free(&p);
}


int
main(void)
{
    test_seed();
    test_scoped();
    test_objects();
    test_size();
    test_back();
    test_barred();
    test_unloaded();
    test_key();

    return done_testing();
}
