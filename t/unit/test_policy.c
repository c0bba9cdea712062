/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The reader of snapshots: who is let in, what he may do, and that a region
 * of any content is read within its bounds.
 */


#include "tap.h"
#include "policy.h"
#include "genai_dialect.h"


static const char  fragment[] =
    "{ \"schema\": 1, \"revision\": \"r1\",\n"
    "  \"plans\": { \"gold\": { \"models\": [\"gpt-*\", \"llama-*\"] },\n"
    "               \"off\": { \"disabled\": true } },\n"
    "  \"teams\": { \"emea\": { \"labels\": { \"bu\": \"retail\","
    "                                         \"env\": \"prod\" },\n"
    "                           \"credentials\": { \"openai\": \"emea-key\","
    "                                              \"vllm\": \"emea-vllm\" },"
    "                           \"endpoints\": [\"chat\", \"models\"] },\n"
    "               \"search\": { \"parent\": \"emea\","
    "                             \"models\": [\"gpt-4o*\", \"llama-3\"],\n"
    "                             \"credentials\": {\"openai\": \"search\"},"
    "                             \"labels\": { \"env\": \"dev\" } },\n"
    "               \"away\": { \"disabled\": true },\n"
    "               \"below\": { \"parent\": \"away\" },\n"
    "               \"shut\": { \"parent\": \"nobody\" } },\n"
    "  \"users\": { \"alice\": { \"team\": \"search\","
    "                            \"endpoints\": [\"chat\", \"embeddings\"],"
    "                            \"labels\": { \"env\": \"alice\" } },\n"
    "               \"bob\": { \"team\": \"below\" },\n"
    "               \"carol\": { \"disabled\": true } },\n"
    "  \"keys\": {\n"
    "    \"prod\": { \"sha256\": \"@prod@\", \"team\": \"search\","
    "                \"user\": \"alice\", \"plan\": \"gold\","
    "                \"not_before\": \"2026-01-01T00:00:00Z\","
    "                \"not_after\": \"2027-01-01T01:00:00+01:00\" },\n"
    "    \"free\": { \"sha256\": [\"@free@\", \"@free2@\"] },\n"
    "    \"of-user\": { \"sha256\": \"@of-user@\", \"user\": \"alice\" },\n"
    "    \"none\": { \"sha256\": \"@none@\", \"models\": [],"
    "                \"endpoints\": [] },\n"
    "    \"plan\": { \"sha256\": \"@plan@\", \"plan\": \"off\" },\n"
    "    \"team\": { \"sha256\": \"@team@\", \"team\": \"below\" },\n"
    "    \"shut\": { \"sha256\": \"@shut@\", \"team\": \"shut\" },\n"
    "    \"user\": { \"sha256\": \"@user@\", \"user\": \"carol\" },\n"
    "    \"users-team\": { \"sha256\": \"@users-team@\", \"user\": \"bob\","
    "                      \"team\": \"search\" },\n"
    "    \"gone\": { \"sha256\": [\"@gone@\", \"@gone2@\"] },\n"
    "    \"off\": { \"sha256\": \"@off@\", \"disabled\": true },\n"
    "    \"half\": { \"sha256\": [\"@half@\", \"@half2@\"] },\n"
    "    \"anonymous\": { \"models\": [\"tiny\"] } },\n"
    "  \"models\": { \"llama-3-bad*\": { \"disabled\": true },"
    "                \"gpt-4\": { \"limits\": [\"1 requests/1m\"] } } }";


static void
test_lookup(void)
{
    char                         *list;
    policy_t                      p;
    unsigned char                 digest[GENAI_DIGEST_LEN];
    const genai_policy_object_t  *key;

    list = policy_text("# who is out\n gone # for good \r\n@half2@\n"
                       "@stranger@ leaked\nnobody\n\n");

    policy_begin(&p);
    is_int(policy_add(&p, "a.json", fragment), 0, "a policy");
    is_int(genai_policy_revoke(p.b, list, strlen(list)), 0, "a list");
    policy_end(&p);
    free(list);

    is_int(p.rc, 0, "builds");

    is_str(policy_why(&p, "prod", POLICY_NOW), "ok", "a key");
    is_str(policy_why(&p, "free2", POLICY_NOW), "ok", "a second secret");
    is_str(policy_why(&p, "nothing", POLICY_NOW), "unknown", "no key");
    is_str(policy_why(&p, "prod", 1767225599), "early", "before its time");
    is_str(policy_why(&p, "prod", 1767225600), "ok", "from its time on");
    is_str(policy_why(&p, "prod", 1798761599), "ok", "until its time");
    is_str(policy_why(&p, "prod", 1798761600), "expired", "behind its time");
    is_str(policy_why(&p, "off", POLICY_NOW), "disabled", "a disabled key");
    is_str(policy_why(&p, "plan", POLICY_NOW), "disabled", "of such a plan");
    is_str(policy_why(&p, "user", POLICY_NOW), "disabled", "of such a user");
    is_str(policy_why(&p, "team", POLICY_NOW), "disabled",
           "of a team below such a team");
    is_str(policy_why(&p, "users-team", POLICY_NOW), "disabled",
           "of a user whose team is");
    is_str(policy_why(&p, "shut", POLICY_NOW), "closed",
           "of a team that is closed");
    is_str(policy_why(&p, "gone", POLICY_NOW), "revoked", "revoked by its id");
    is_str(policy_why(&p, "gone2", POLICY_NOW), "revoked", "all its secrets");
    is_str(policy_why(&p, "half", POLICY_NOW), "ok", "of one secret");
    is_str(policy_why(&p, "half2", POLICY_NOW), "revoked", "the other alone");

    genai_digest("stranger", 8, digest);
    is_int(genai_policy_lookup(p.p, digest, POLICY_NOW, &key),
           GENAI_POLICY_IS_REVOKED, "a revoked secret of nobody");
    ok(key == NULL, "has no key");

    is_int(genai_policy_anonymous(p.p, POLICY_NOW, &key), GENAI_POLICY_OK,
           "who has no key");
    is_text(genai_policy_text(p.p, key->id), "anonymous", "is anonymous");

    is_int(p.p->generation, 1, "generation");
    is_int(p.p->built, POLICY_NOW * 1000, "built");
    is_text(genai_policy_text(p.p, p.p->revision), "r1", "revision");
    is_text(genai_policy_text(p.p, p.p->timezone), "UTC", "time zone");
    is_int(p.p->closed, 1, "closed objects");
    is_int(p.p->unenforced, 0, "limits are enforced");
    is_int(p.p->barred.n, 1, "models that nobody may use");
    is_int(p.p->stale, 0, "nothing is old");
    is_int(genai_policy_day(p.p, 86400 * 3 - 1), 2, "a day");

    policy_free(&p);

    policy_one(&p, "{\"schema\":1}");
    is_str(policy_why(&p, "x", 0), "unknown", "an empty policy");
    is_int(genai_policy_anonymous(p.p, 0, &key), GENAI_POLICY_UNKNOWN,
           "has nobody");
    policy_free(&p);
}


static void
test_allowed(void)
{
    policy_t                      p;
    genai_str_t                   s;
    const genai_policy_object_t  *key, *o;

    policy_one(&p, fragment);

    is_int(policy_allows(&p, "prod", "gpt-4o-mini"), 1, "plan and team do");
    is_int(policy_allows(&p, "prod", "gpt-4"), 0, "the plan alone");
    is_int(policy_allows(&p, "prod", "llama-3"), 1, "without a star");
    is_int(policy_allows(&p, "prod", "llama-3-8b"), 0, "is that name only");
    is_int(policy_allows(&p, "of-user", "gpt-4o"), 1, "the user's team");
    is_int(policy_allows(&p, "of-user", "claude"), 0, "counts");
    is_int(policy_allows(&p, "free", "claude"), 1, "no list allows all");
    is_int(policy_allows(&p, "none", "claude"), 0, "an empty one nothing");
    is_int(policy_allows(&p, "free", "llama-3-bad-1"), 0,
           "a disabled model is nobody's");
    is_int(policy_allows(&p, "free", "gpt-4"), 1, "one with a limit is not");
    is_int(policy_allows(&p, "anonymous", "tiny"), 1, "anonymous");
    is_int(policy_allows(&p, "anonymous", "large"), 0, "not all of them");

    key = policy_object(&p, GENAI_POLICY_KEYS, "prod");
    is_int(genai_policy_endpoints(p.p, key),
           genai_endpoint_bit(GENAI_ENDPOINT_CHAT),
           "endpoints of user and team");
    is_int(genai_policy_endpoints(p.p, policy_object(&p, GENAI_POLICY_KEYS,
                                                     "none")),
           0, "none");
    is_int(genai_policy_endpoints(p.p, policy_object(&p, GENAI_POLICY_KEYS,
                                                     "free")),
           0xffffffff, "all");

    s = policy_str("openai");
    is_text(genai_policy_credential(p.p, key, &s), "search",
            "the nearest credential");
    s = policy_str("vllm");
    is_text(genai_policy_credential(p.p, key, &s), "emea-vllm", "one above");
    s = policy_str("azure");
    is_text(genai_policy_credential(p.p, key, &s), "", "none");

    s = policy_str("env");
    is_text(genai_policy_label(p.p, key, &s), "alice", "the user's label");
    s = policy_str("bu");
    is_text(genai_policy_label(p.p, key, &s), "retail", "one from far above");
    s = policy_str("x");
    is_text(genai_policy_label(p.p, key, &s), "", "none");

    o = genai_policy_user(p.p, key);
    ok(o && o == policy_object(&p, GENAI_POLICY_USERS, "alice"), "user");
    o = genai_policy_plan(p.p, key);
    ok(o && o == policy_object(&p, GENAI_POLICY_PLANS, "gold"), "plan");
    o = genai_policy_team(p.p, key);
    ok(o && o == policy_object(&p, GENAI_POLICY_TEAMS, "search"), "team");

    key = policy_object(&p, GENAI_POLICY_KEYS, "of-user");
    ok(genai_policy_team(p.p, key) == o, "the user's team");

    key = policy_object(&p, GENAI_POLICY_KEYS, "free");
    ok(genai_policy_user(p.p, key) == NULL
       && genai_policy_team(p.p, key) == NULL
       && genai_policy_plan(p.p, key) == NULL, "nothing of all that");

    ok(policy_object(&p, GENAI_POLICY_KEYS, "pro") == NULL
       && policy_object(&p, GENAI_POLICY_KEYS, "prod2") == NULL
       && policy_object(&p, GENAI_POLICY_KEYS, "") == NULL,
       "ids are found whole");

    is_str(genai_policy_kind(GENAI_POLICY_TEAMS), "team", "a word");

    policy_free(&p);
}


/* reads all that there is; a sanitizer finds what is outside */

static void
walk(const genai_policy_t *p)
{
    unsigned                      k;
    uint32_t                      i;
    genai_str_t                   s;
    unsigned char                 digest[GENAI_DIGEST_LEN];
    const genai_policy_object_t  *o, *key;

    s = policy_str("openai");

    for (k = 0; k < GENAI_POLICY_KINDS; k++) {
        for (i = 0; i < p->objects[k].n && i < 1000; i++) {

            o = genai_policy_object(p, k, i);

            (void) genai_policy_text(p, o->id);
            (void) genai_policy_above(p, o);
            (void) genai_policy_allows_model(p, o, &s);
            (void) genai_policy_endpoints(p, o);
            (void) genai_policy_credential(p, o, &s);
            (void) genai_policy_label(p, o, &s);
        }

        (void) genai_policy_find(p, k, &s);
    }

    genai_digest("prod", 4, digest);
    (void) genai_policy_lookup(p, digest, POLICY_NOW, &key);
    (void) genai_policy_anonymous(p, POLICY_NOW, &key);
    (void) genai_policy_day(p, POLICY_NOW);
}


static void
test_open(void)
{
    char                  *copy;
    size_t                 i, n;
    unsigned               k, opened;
    uint64_t               seed;
    policy_t               p;
    const char            *wrong;
    genai_policy_t        *broken;
    const genai_policy_t  *q;

    policy_one(&p, fragment);

    ok(genai_policy_open(p.data, sizeof(genai_policy_t) - 1, &q) != NULL,
       "too short");
    ok(genai_policy_open(p.data, p.size - 1, &q) != NULL, "cut");

    broken = malloc(p.size);
    copy = (char *) broken;

    memcpy(copy, p.data, p.size);
    copy[0]++;
    is_str(genai_policy_open(copy, p.size, &q), "it is no snapshot", "magic");

    memcpy(copy, p.data, p.size);
    broken->layout++;
    is_str(genai_policy_open(copy, p.size, &q),
           "it is a snapshot of another version", "layout");

    memcpy(copy, p.data, p.size);
    broken->secrets.n--;
    ok(genai_policy_open(copy, p.size, &q) != NULL, "no power of 2");

    memcpy(copy, p.data, p.size);
    broken->pairs.n = 0x10000000;
    ok(genai_policy_open(copy, p.size, &q) != NULL, "a table outside");

    memcpy(copy, p.data, p.size);
    broken->limits.offset++;
    ok(genai_policy_open(copy, p.size, &q) != NULL, "a table across");

    /* a full table of secrets has an end, too */

    memcpy(copy, p.data, p.size);

    for (i = 0; i < broken->secrets.n; i++) {
        ((genai_policy_secret_t *) (copy + broken->secrets.offset))[i].key = 0;
    }

    wrong = genai_policy_open(copy, p.size, &q);
    ok(wrong == NULL, "a full table");
    if (wrong == NULL) {
        walk(q);
    }

    seed = 42;
    opened = 0;

    for (k = 0; k < 20000; k++) {

        memcpy(copy, p.data, p.size);

        for (n = 0; n <= k % 4; n++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            i = (seed >> 33) % p.size;
            copy[i] = (k % 3) ? (char) (seed >> 24) : (char) 0xff;
        }

        if (genai_policy_open(copy, p.size, &q) == NULL) {
            opened++;
            walk(q);
        }
    }

    ok(opened > 10000, "%u of 20000 broken ones are read within bounds",
       opened);

    free(copy);
    policy_free(&p);
}


int
main(void)
{
    test_lookup();
    test_allowed();
    test_open();

    return done_testing();
}
