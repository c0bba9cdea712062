/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The builder: what is broken, what is closed, whose definition holds, and
 * what is said about it.
 */


#include "tap.h"
#include "policy.h"
#include "genai_dialect.h"


/* a fragment alone: its only finding above a note, with its line, or "" */

static void
says(const char *text, const char *want, const char *name)
{
    char      line[1024];
    size_t    n;
    policy_t  p;

    policy_one(&p, text);
    is_int(p.rc, 0, "%s: builds", name);

    n = strlen(want);
    snprintf(line, sizeof(line), "%s", policy_findings(&p, GENAI_FINDING_WARN));

    if (n == 0) {
        is_str(line, "", "%s: nothing is said", name);

    } else {
        ok(strncmp(line, want, n) == 0
           && strchr(line, '\n') == line + strlen(line) - 1,
           "%s: is said", name)
            || (diag("got %s", line), diag("want %s", want), 0);
    }

    policy_free(&p);
}


static void
broken(const char *text, size_t len, const char *want, const char *name)
{
    char      line[256];
    policy_t  p;

    policy_begin(&p);

    is_int(genai_policy_add(p.b, "b.json", text, len, 0),
           GENAI_POLICY_BUILD_BROKEN, "%s is broken", name);

    policy_end(&p);
    is_int(p.rc, 0, "%s: the rest builds", name);

    snprintf(line, sizeof(line), "b.json:%s", want);
    ok(strncmp(policy_findings(&p, 0), line, strlen(line)) == 0,
       "%s: it is said so", name)
        || (diag("got %s", policy_findings(&p, 0)), diag("want %s", line), 0);

    policy_free(&p);
}

#define broken_text(text, want, name)                                         \
    broken(text, sizeof(text) - 1, want, name)


static void
test_broken(void)
{
    char    *deep;
    size_t   i;

    broken_text("", "0: broken: : it is empty", "nothing");
    broken_text("null", "1: broken: : it is no object", "null");
    broken_text("[]", "1: broken: : it is no object", "an array");
    broken_text("\xef\xbb\xbf{\"schema\":1}", "1: broken: : it begins with a"
                " byte order mark", "a byte order mark");
    broken_text("{\"schema\":1,\n\"a\":\"\xff\"}", "2: broken: : it is not"
                " JSON: ", "what is no UTF-8");
    broken_text("{\"schema\":1,\n\n\"a\":\"\0\"}", "3: broken: : it is not"
                " JSON: ", "a NUL byte");
    broken_text("{\"schema\":1}\n}", "2: broken: : it is not JSON: ",
                "what follows");
    broken_text("{\"schema\":1,}", "1: broken: : it is not JSON: ", "a comma");
    broken_text("// c\n{\"schema\":1}", "1: broken: : it is not JSON: ",
                "a comment");
    broken_text("{\"schema\":1,\"keys\":{\"a\":{},\n\"a\":{}}}",
                "2: broken: : \"a\" stands twice", "a name twice");
    broken_text("{\"schema\":1,\n\"sch\\u0065ma\":1}",
                "2: broken: : \"sch\\u0065ma\" stands twice",
                "a name twice, escaped");
    broken_text("{\"schema\":1,\"users\":{\"a\":{},\"b\":{},\"c\":{},"
                "\"d\":{},\"e\":{},\"f\":{},\"g\":{},\"h\":{},\"i\":{},"
                "\"j\":{},\"k\":{},\"l\":{},\"m\":{},\"n\":{},\"o\":{},"
                "\"p\":{},\"q\":{},\n\"\\u0062\":{}}}",
                "2: broken: : \"\\u0062\" stands twice", "one of many");
    broken_text("{\"keys\":{}}", "1: broken: : its schema is missing",
                "no schema");
    broken_text("{\"keys\":{},\n\"schema\":2}", "2: broken: : its schema is"
                " not 1", "another schema");
    broken_text("{\"schema\":\"1\"}", "1: broken: : its schema is not 1",
                "a schema as a string");
    broken_text("{\"schema\":1,\n\"keys\":[]}", "2: broken: : \"keys\" is no"
                " object", "a list of keys");
    broken_text("{\"schema\":1,\n\"scope\":7}", "2: broken: : its scope is no"
                " id of a team", "a number as scope");
    broken_text("{\"schema\":1,\"scope\":\"\"}", "1: broken: : its scope is no"
                " id of a team: it is empty", "an empty scope");

    deep = malloc(200000);
    memset(deep, '[', 200000);
    broken(deep, 200000, "1: broken: : it is not JSON: ", "a deep one");

    for (i = 0; i + 5 <= 200000; i += 5) {
        memcpy(deep + i, "{\"a\":", 5);
    }

    broken(deep, 200000, "1: broken: : it is not JSON: ", "a deep object");
    free(deep);
}


static void
test_top(void)
{
    says("{\"schema\":1}", "", "nothing in it");
    says("{\"schema\":1,\"#\":1,\"#\":2,\"x-y\":[{}],\"\\u0023z\":0}", "",
         "comments, also many");
    says("{\"schema\":1,\n\"kesy\":{}}", "a.json:2: warning: : there is nothing"
         " that is called \"kesy\"", "an unknown member");
    says("{\"schema\":1,\n\"Keys\":{}}", "a.json:2: warning: : ",
         "another case");
    says("{\"schema\":1,\"\\u006beys\":{\"a\":{\"sha256\":\"@a@\"}}}", "",
         "an escaped name");
    says("{\"schema\":1,\n\"revision\":1}", "a.json:2: warning: : the revision"
         " is ignored: it is no string", "a number as revision");
    says("{\"schema\":1,\n\"revision\":\"a\\u0007\"}", "a.json:2: warning: :"
         " the revision is ignored: it has a control character",
         "a bell in it");
    says("{\"schema\":1,\n\"timezone\":\"../x\"}", "a.json:2: warning: : the"
         " time zone is ignored", "a path as time zone");
    says("{\"schema\":1,\n\"timezone\":\"Europe/Berlin\"}", "a.json:2: warning:"
         " : the time zone Europe/Berlin cannot be read", "no time zone");
    says("{\"schema\":1,\"timezone\":\"UTC\"}", "", "UTC needs no file");
}


/* one member of one object; want is what is said behind the object */

static void
member(const char *kind, const char *members, const char *want)
{
    char      text[1024], line[1024];
    policy_t  p;

    if (strcmp(kind, "teams") == 0) {
        snprintf(text, sizeof(text), "{\"schema\":1,\"teams\":{\"t\":{},\n"
                 "\"o\":{%s}}}", members);

    } else {
        snprintf(text, sizeof(text), "{\"schema\":1,\"teams\":{\"t\":{}},"
                 "\"%s\":{\n\"o\":{%s}}}", kind, members);
    }

    policy_begin(&p);

    if (policy_add(&p, "a.json", text) != 0) {
        fail("%s: %s: not JSON", kind, members);
        policy_free(&p);
        return;
    }

    policy_end(&p);

    snprintf(line, sizeof(line), "%s", policy_findings(&p, GENAI_FINDING_WARN));

    if (want == NULL) {
        ok(line[0] == '\0' && p.p->closed == 0, "%s: %s", kind, members)
            || (diag("got %s", line), 0);

    } else {
        snprintf(text, sizeof(text), "a.json:2: closed: %s.o: nobody passes"
                 " through it: %s", kind, want);

        ok(strncmp(line, text, strlen(text)) == 0 && p.p->closed == 1,
           "%s: %s", kind, members)
            || (diag("got %s", line), diag("want %s", text), 0);
    }

    policy_free(&p);
}

#define KEY(members)  "\"sha256\":\"@o@\"," members


static void
test_members(void)
{
    member("keys", KEY("\"team\":\"t\""), NULL);
    member("keys", KEY("\"team\":\"u\""), "there is no team \"u\"");
    member("keys", KEY("\"team\":null"), "\"team\": it is no string");
    member("keys", KEY("\"user\":\"t\""), "there is no user \"t\"");
    member("keys", KEY("\"plan\":\"t\""), "there is no plan \"t\"");
    member("keys", KEY("\"tema\":\"t\""), "\"tema\": there is no such member");
    member("keys", KEY("\"Team\":\"t\""), "\"Team\": there is no such member");
    member("keys", KEY("\"#\":\"t\",\"x-t\":1"), NULL);
    member("keys", "\"sha256\":\"abc\"", "\"sha256\": write the SHA-256");
    member("keys", "\"sha256\":[\"@a@\",7]", "\"sha256\": write the SHA-256");
    member("keys", "\"sha256\":{}", "\"sha256\": write the SHA-256");
    member("keys", "\"sha256\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b93"
                   "4ca495991b7852B855\"", "\"sha256\": this is the SHA-256 of"
                   " an empty text");
    member("keys", KEY("\"endpoints\":[\"chat\",\"messages\",\"audio\"]"),
           NULL);
    member("keys", KEY("\"endpoints\":[\"chats\"]"),
           "\"endpoints\" has \"chats\": there is no such endpoint");
    member("keys", KEY("\"endpoints\":\"chat\""),
           "\"endpoints\": it is no array");
    member("keys", KEY("\"models\":[\"a\",\"b*\",\"*\"]"), NULL);
    member("keys", KEY("\"models\":[\"a*b\"]"), "\"models\" has \"a*b\": ");
    member("keys", KEY("\"models\":[\"\"]"), "\"models\" has \"\": ");
    member("keys", KEY("\"models\":[1]"), "\"models\" has 1: it is no string");
    member("keys", KEY("\"models\":\"a\""), "\"models\": it is no array");
    member("keys", KEY("\"priority\":\"low\""), NULL);
    member("keys", KEY("\"priority\":1"), "\"priority\": write \"low\"");
    member("keys", KEY("\"guard\":\"strict\""), NULL);
    member("keys", KEY("\"guard\":[\"a\"]"), "\"guard\": it is no string");
    member("keys", KEY("\"admin\":true,\"disabled\":false"), NULL);
    member("keys", KEY("\"admin\":\"true\""), "\"admin\": write true or false");
    member("keys", KEY("\"labels\":{\"a\":\"1\",\"b\":\"\",\"#\":1}"), NULL);
    member("keys", KEY("\"labels\":{\"a\":1}"), "\"labels\" has \"a\": it is"
           " no string");
    member("keys", KEY("\"labels\":{\"a\\u0000\":\"1\"}"), "\"labels\" has"
           " \"a\\u0000\": it has a control character");
    member("keys", KEY("\"labels\":[]"), "\"labels\": it is no object");
    member("keys", KEY("\"credentials\":{}"), "\"credentials\": there is no"
           " such member");
    member("keys", KEY("\"not_after\":\"2026-02-29T00:00:00Z\""),
           "\"not_after\": write a time as in");
    member("keys", KEY("\"not_after\":\"2028-02-29t23:59:60.5-08:30\""), NULL);
    member("keys", KEY("\"not_after\":\"2027-01-01\""), "\"not_after\": ");
    member("keys", KEY("\"not_after\":\"2027-01-01T00:00:00\""),
           "\"not_after\": ");
    member("keys", KEY("\"not_after\":\"2027-13-01T00:00:00Z\""),
           "\"not_after\": ");
    member("keys", KEY("\"not_after\":\"2027-01-01T24:00:00Z\""),
           "\"not_after\": ");
    member("keys", KEY("\"not_after\":\"2027-01-01T00:00:00Zx\""),
           "\"not_after\": ");
    member("keys", KEY("\"not_after\":1798761600"), "\"not_after\": ");

    member("users", "\"team\":\"t\",\"models\":[],\"guard\":\"g\"", NULL);
    member("users", "\"plan\":\"p\"", "\"plan\": there is no such member");
    member("teams", "\"parent\":\"t\",\"credentials\":{\"a\":\"b\"}", NULL);
    member("teams", "\"credentials\":{\"a\":\"\"}", "\"credentials\" has"
           " \"a\": it is empty");
    member("teams", "\"team\":\"t\"", "\"team\": there is no such member");
    member("teams", "\"parent\":\"o\"", "it is its own parent");
    member("plans", "\"priority\":\"high\",\"disabled\":true", NULL);
    member("plans", "\"labels\":{}", "\"labels\": there is no such member");
    member("models", "\"disabled\":true", NULL);
    member("models", "\"models\":[]", "\"models\": there is no such member");

    member("plans", "\"limits\":[\"60 requests/1m\"]", NULL);
    member("plans", "\"limits\":[\"60 request/1m\"]", "\"limits\" has \"60"
           " request/1m\": ");
    member("plans", "\"limits\":\"60 requests/1m\"", "\"limits\": it is no"
           " array");
    member("plans", "\"limits\":[7]", "\"limits\" has 7: a limit is a string");
    member("plans", "\"limits\":[{}]", "\"limits\": a limit's object has no");
    member("plans", "\"limits\":[{\"limit\":\"1 requests/1m on a*\","
           "\"shadow\":true,\"warn\":0.8,\"on_short\":\"clip\","
           "\"unpriced\":\"allow\",\"weights\":{\"cached\":1e-1,\"prompt\":0,"
           "\"completion\":1000,\"reasoning\":2.5}}]", NULL);
    member("plans", "\"limits\":[{\"limit\":\"1 requests/1m\",\"wanr\":1}]",
           "\"limits\" has \"wanr\": a limit has limit, shadow");
    member("plans", "\"limits\":[{\"limit\":\"1 requests/1m\",\"warn\":0}]",
           "\"limits\" has 0: write a number above 0");
    member("plans", "\"limits\":[{\"limit\":\"1 requests/1m\",\"warn\":80}]",
           "\"limits\" has 80: write a number above 0");
    member("plans", "\"limits\":[{\"limit\":\"1 requests/1m\","
           "\"warn\":1e99999999999999999999}]", "\"limits\" has 1e9999");
    member("plans", "\"limits\":[{\"limit\":\"1 requests/1m\","
           "\"weights\":{\"prompt\":-1}}]", "\"limits\" has -1: write a number"
           " from 0 to 1000");
    member("plans", "\"limits\":[{\"limit\":\"1 requests/1m\","
           "\"weights\":{\"prompts\":1}}]", "\"limits\" has \"prompts\": there"
           " are weights for");
    member("plans", "\"limits\":[{\"limit\":\"1 requests/1m\","
           "\"on_short\":true}]", "\"limits\" has true: write \"clip\"");

    says("{\"schema\":1,\"keys\":{\n\"o\":7}}", "a.json:2: closed: keys.o:"
         " nobody passes through it: it is no object", "a number as a key");
    says("{\"schema\":1,\"keys\":{\n\"\":{}}}", "a.json:2: closed: keys.: its"
         " id cannot be used, it is left out: it is empty", "an empty id");
    says("{\"schema\":1,\"keys\":{\n\"a\\u0000b\":{}}}", "a.json:2: closed:"
         " keys.a\\x00b: its id cannot be used", "a NUL in an id");
    says("{\"schema\":1,\"keys\":{\n\"a\\u2028b\":{}}}", "a.json:2: closed:"
         " keys.a\\xe2\\x80\\xa8b: its id cannot be used", "a line end in it");
    says("{\"schema\":1,\"keys\":{\n\" a\":{}}}", "a.json:2: closed: keys. a:"
         " its id cannot be used", "a blank before it");
    says("{\"schema\":1,\"models\":{\n\"a*b\":{}}}", "a.json:2: closed:"
         " models.a*b: its id cannot be used", "no pattern");
    says("{\"schema\":1,\"keys\":{\"a\\\"\xc3\xa9'\":{\"sha256\":\"@a@\"}}}",
         "", "quotes and letters in an id");
    says("{\"schema\":1,\"keys\":{\n\"anonymous\":{\"sha256\":\"@a@\"}}}",
         "a.json:2: closed: keys.anonymous: ", "anonymous has no secret");
    says("{\"schema\":1,\"keys\":{\n\"a\":{}}}", "a.json:2: warning: keys.a: it"
         " has no \"sha256\"", "a key without a secret");
    says("{\"schema\":1,\"keys\":{\n\"a\":{\"sha256\":[\"@a@\",\"@a@\"]}}}",
         "a.json:2: warning: keys.a: it has one \"sha256\" twice",
         "a secret twice in a key");
    says("{\"schema\":1,\"keys\":{\n\"a\":{\"sha256\":\"@a@\",\"not_before\":"
         "\"2026-01-01T00:00:00Z\",\"not_after\":\"2026-01-01T00:00:00Z\"}}}",
         "a.json:2: warning: keys.a: its \"not_after\" is not behind",
         "no time to be used in");
}


static void
test_limits(void)
{
    char                          text[4096];
    size_t                        n;
    unsigned                      i, many;
    policy_t                      p;
    const genai_policy_limit_t   *limit;
    const genai_policy_object_t  *o;

    policy_one(&p, "{\"schema\":1,\"keys\":{\"k\":{\"sha256\":\"@k@\","
               "\"guard\":\"g\",\"limits\":[\"8 concurrent\","
               "{\"limit\":\"$1.5/1mo on gpt-*\",\"warn\":0.8,"
               "\"shadow\":true,\"unpriced\":\"allow\","
               "\"weights\":{\"cached\":0.1}}]}}}");

    o = policy_object(&p, GENAI_POLICY_KEYS, "k");
    is_int(o->limits.n, 2, "two limits");

    limit = (void *) ((char *) p.data + p.p->limits.offset);
    limit += o->limits.first;

    is_int(limit[0].limit.unit, GENAI_LIMIT_CONCURRENT, "unit");
    is_int(limit[0].limit.amount, 8, "amount");
    is_int(limit[0].limit.weight_cached, GENAI_LIMIT_MILLION, "weight");
    is_int(limit[0].pattern.len, 0, "of all models");
    is_int(limit[1].limit.unit, GENAI_LIMIT_COST, "unit");
    is_int(limit[1].limit.amount, 1500000000, "amount");
    is_int(limit[1].limit.warn, 800000, "warn");
    is_int(limit[1].limit.shadow, 1, "shadow");
    is_int(limit[1].limit.unpriced, 1, "unpriced");
    is_int(limit[1].limit.clip, 0, "on_short");
    is_int(limit[1].limit.weight_cached, 100000, "weight");
    is_int(limit[1].limit.weight_prompt, GENAI_LIMIT_MILLION, "another");
    ok(limit[1].limit.pattern.data == NULL, "no pointer is written");
    is_text(genai_policy_text(p.p, limit[1].pattern), "gpt-*", "pattern");
    is_text(genai_policy_text(p.p, o->guard), "g", "guard");
    is_int(p.p->unenforced, 1, "what is not enforced");
    is_str(policy_findings(&p, 0), "a.json:1: note: keys.k: its guard is not"
           " enforced by this version\n", "one note");

    policy_free(&p);

    for (many = 64; many <= 65; many++) {

        n = snprintf(text, sizeof(text), "{\"schema\":1,\"plans\":{\"p\":"
                     "{\"limits\":[");

        for (i = 0; i < many; i++) {
            n += snprintf(text + n, sizeof(text) - n, "%s\"1 tokens/1s\"",
                          i ? "," : "");
        }

        snprintf(text + n, sizeof(text) - n, "]}}}");

        policy_one(&p, text);
        is_int(p.p->closed, many == 65, "%u limits", many);
        policy_free(&p);
    }
}


static void
test_merge(void)
{
    policy_t  p;

    policy_begin(&p);
    (void) policy_add(&p, "0.json", "{\"schema\":1,\"scope\":\"s\",\"keys\":{"
                      "\"b\":{\"sha256\":\"@0b@\",\"team\":\"s\"}}}");
    (void) policy_add(&p, "1.json", "{\"schema\":1,\"revision\":\"one\","
                      "\"keys\":{\"a\":{\"sha256\":\"@1a@\"},"
                      "\"same\":{\"sha256\":[\"@same@\",\"@other@\"]}},"
                      "\"teams\":{\"s\":{}}}");
    (void) policy_add(&p, "2.json", "{\"schema\":1,\"revision\":\"two\","
                      "\"keys\":{\"a\":{\"sha256\":\"@2a@\"},\n"
                      "\"b\":{\"sha256\":\"@2b@\"},"
                      "\"too\":{\"sha256\":\"@same@\"}}}");
    policy_end(&p);

    is_str(policy_why(&p, "1a", 0), "ok", "the first definition holds");
    is_str(policy_why(&p, "2a", 0), "unknown", "the second one does not");
    is_str(policy_why(&p, "2b", 0), "ok", "who has no scope comes first");
    is_str(policy_why(&p, "0b", 0), "unknown", "and who has comes second");
    is_str(policy_why(&p, "same", 0), "closed", "a secret of two keys");
    is_str(policy_why(&p, "other", 0), "closed", "closes both");
    is_text(genai_policy_text(p.p, p.p->revision), "one", "first revision");
    is_str(policy_findings(&p, GENAI_FINDING_WARN),
           "2.json:1: warning: keys.a: it is left out: 1.json defines it,"
           " too\n"
           "0.json:1: warning: keys.b: it is left out: 2.json defines it,"
           " too\n"
           "2.json:2: closed: keys.too: nobody passes through it: the key"
           " \"same\" has the same \"sha256\"\n"
           "1.json:1: closed: keys.same: nobody passes through it: the key"
           " \"too\" has the same \"sha256\"\n", "all of it is said");
    is_int(p.p->closed, 4, "and counted");

    policy_free(&p);
}


static void
test_scope(void)
{
    policy_t                      p;
    const genai_policy_object_t  *o;

    policy_begin(&p);

    (void) policy_add(&p, "00.json", "{\"schema\":1,"
        "\"teams\":{\"org\":{},\"ads\":{\"parent\":\"org\"},"
        "           \"search\":{\"parent\":\"org\",\"models\":[\"m\"]}},"
        "\"users\":{\"bob\":{\"team\":\"ads\"}},"
        "\"plans\":{\"gold\":{\"priority\":\"high\"}},"
        "\"keys\":{\"ads\":{\"sha256\":\"@ads@\",\"team\":\"ads\"}}}");

    (void) policy_add(&p, "10.json", "{\"schema\":1,\"scope\":\"search\","
        "\"revision\":\"r\",\n"
        "\"timezone\":\"UTC\",\n"
        "\"teams\":{\"low\":{\"parent\":\"mid\"},\"mid\":{\"parent\":"
        "\"search\"},\n"
        "\"search\":{},\n"
        "\"mine\":{\"parent\":\"ads\"},\n"
        "\"lost\":{},\n"
        "\"rich\":{\"parent\":\"search\",\"credentials\":{\"a\":\"b\"}},\n"
        "\"ring\":{\"parent\":\"gnir\"},\"gnir\":{\"parent\":\"ring\"}},"
        "\"users\":{\"eve\":{\"team\":\"low\"},\n"
        "\"bob\":{\"team\":\"low\"},\n"
        "\"mal\":{\"team\":\"ads\"}},"
        "\"keys\":{\"k1\":{\"sha256\":\"@k1@\",\"team\":\"low\","
        "                  \"plan\":\"gold\",\"user\":\"eve\"},"
        "\"k2\":{\"sha256\":\"@k2@\",\"user\":\"eve\"},\n"
        "\"k3\":{\"sha256\":\"@k3@\",\"team\":\"ads\"},\n"
        "\"k4\":{\"sha256\":\"@k4@\",\"team\":\"low\",\"user\":\"bob\"},\n"
        "\"k5\":{\"sha256\":\"@k5@\"},\n"
        "\"k6\":{\"sha256\":\"@k6@\",\"team\":\"low\",\"admin\":true},\n"
        "\"k7\":{\"sha256\":\"@ads@\",\"team\":\"low\"},\n"
        "\"ads\":{\"sha256\":\"@mine@\",\"team\":\"low\"},\n"
        "\"anonymous\":{\"team\":\"low\"}},\n"
        "\"plans\":{\"iron\":{}},\n"
        "\"models\":{\"*\":{\"disabled\":true}}}");

    (void) policy_add(&p, "20.json", "{\"schema\":1,\"scope\":\"low\","
        "\"keys\":{\"k8\":{\"sha256\":\"@k8@\",\"team\":\"low\"},"
        "\"k9\":{\"sha256\":\"@k9@\",\"team\":\"mid\"}}}");

    (void) policy_add(&p, "30.json", "{\"schema\":1,\"scope\":\"nobody\","
        "\"keys\":{\"k10\":{\"sha256\":\"@k10@\",\"team\":\"nobody\"}}}");

    policy_end(&p);

    is_str(policy_why(&p, "k1", 0), "ok", "a key in the tree");
    is_str(policy_why(&p, "k2", 0), "ok", "of a user in the tree");
    is_str(policy_why(&p, "k3", 0), "unknown", "of a team outside");
    is_str(policy_why(&p, "k4", 0), "unknown", "of a user outside");
    is_str(policy_why(&p, "k5", 0), "unknown", "of no team");
    is_str(policy_why(&p, "k6", 0), "unknown", "of an admin");
    is_str(policy_why(&p, "ads", 0), "ok", "another's secret is not taken");
    is_str(policy_why(&p, "mine", 0), "unknown", "nor his id");
    is_str(policy_why(&p, "k8", 0), "ok", "a scope within a scope");
    is_str(policy_why(&p, "k9", 0), "unknown", "has its end, too");
    is_str(policy_why(&p, "k10", 0), "unknown", "a scope of nobody");

    is_int(policy_allows(&p, "k1", "m"), 1, "what is above");
    is_int(policy_allows(&p, "k1", "n"), 0, "holds below");
    is_int(policy_allows(&p, "ads", "n"), 1, "and nowhere else");

    o = policy_object(&p, GENAI_POLICY_TEAMS, "search");
    is_int(o->models.n, 1, "the scope's team is not defined anew");

    o = policy_object(&p, GENAI_POLICY_KEYS, "k1");
    is_int(o->priority, GENAI_PRIORITY_HIGH, "the plan's priority");
    o = policy_object(&p, GENAI_POLICY_KEYS, "k2");
    is_int(o->priority, GENAI_PRIORITY_NORMAL, "no plan's");

    ok(policy_object(&p, GENAI_POLICY_TEAMS, "mine") == NULL
       && policy_object(&p, GENAI_POLICY_TEAMS, "lost") == NULL
       && policy_object(&p, GENAI_POLICY_TEAMS, "rich") == NULL
       && policy_object(&p, GENAI_POLICY_TEAMS, "ring") == NULL
       && policy_object(&p, GENAI_POLICY_USERS, "mal") == NULL
       && policy_object(&p, GENAI_POLICY_PLANS, "iron") == NULL
       && policy_object(&p, GENAI_POLICY_MODELS, "*") == NULL
       && p.p->anonymous == GENAI_POLICY_NONE, "the rest is left out");

    is_text(genai_policy_text(p.p, p.p->revision), "r", "a scope's revision,"
            " where no other is");

    is_str(policy_findings(&p, GENAI_FINDING_WARN),
        "10.json:2: warning: : the time zone is ignored: only a fragment"
        " without a scope sets it\n"
        "10.json:4: closed: teams.search: it is left out: a fragment with a"
        " scope defines teams below it, not the scope's team itself\n"
        "10.json:5: closed: teams.mine: it is left out: its parent is not in"
        " the tree of its fragment's scope\n"
        "10.json:6: closed: teams.lost: it is left out: its parent is not in"
        " the tree of its fragment's scope\n"
        "10.json:7: closed: teams.rich: it is left out: a fragment with a"
        " scope gives no credentials\n"
        "10.json:8: closed: teams.ring: it is left out: its parent is not in"
        " the tree of its fragment's scope\n"
        "10.json:8: closed: teams.gnir: it is left out: its parent is not in"
        " the tree of its fragment's scope\n"
        "10.json:18: closed: plans.iron: it is left out: a fragment with a"
        " scope defines teams, users and keys only\n"
        "10.json:19: closed: models.*: it is left out: a fragment with a scope"
        " defines teams, users and keys only\n"
        "10.json:9: warning: users.bob: it is left out: 00.json defines it,"
        " too\n"
        "10.json:10: closed: users.mal: it is left out: its team is not in"
        " the tree of its fragment's scope\n"
        "10.json:11: closed: keys.k3: it is left out: its team is not in the"
        " tree of its fragment's scope\n"
        "10.json:12: closed: keys.k4: it is left out: its user is not in the"
        " tree of its fragment's scope\n"
        "10.json:13: closed: keys.k5: it is left out: it is in no team, and"
        " its fragment has a scope\n"
        "10.json:14: closed: keys.k6: it is left out: a fragment with a scope"
        " makes no admin\n"
        "10.json:16: warning: keys.ads: it is left out: 00.json defines it,"
        " too\n"
        "10.json:17: closed: keys.anonymous: it is left out: a fragment with a"
        " scope does not say what callers without a key may do\n"
        "20.json:1: closed: keys.k9: it is left out: its team is not in the"
        " tree of its fragment's scope\n"
        "30.json:1: closed: keys.k10: it is left out: the team that is its"
        " fragment's scope is not defined by another fragment\n"
        "10.json:15: closed: keys.k7: nobody passes through it: the key"
        " \"ads\" has the same \"sha256\"\n", "all of it is said");

    policy_free(&p);
}


static void
test_teams(void)
{
    char      text[4096], id[8];
    size_t    n;
    unsigned  i;
    policy_t  p;

    n = snprintf(text, sizeof(text), "{\"schema\":1,\"teams\":{\"t0\":{}");

    for (i = 1; i < 18; i++) {
        n += snprintf(text + n, sizeof(text) - n, ",\"t%u\":{\"parent\":"
                      "\"t%u\"}", i, i - 1);
    }

    n += snprintf(text + n, sizeof(text) - n, "},\"keys\":{");

    for (i = 0; i < 18; i++) {
        n += snprintf(text + n, sizeof(text) - n, "%s\"k%u\":{\"sha256\":"
                      "\"@k%u@\",\"team\":\"t%u\"}", i ? "," : "", i, i, i);
    }

    snprintf(text + n, sizeof(text) - n, "}}");

    policy_one(&p, text);

    for (i = 0; i < 18; i++) {
        snprintf(id, sizeof(id), "k%u", i);
        is_str(policy_why(&p, id, 0), i < 16 ? "ok" : "closed",
               "below %u teams", i + 1);
    }

    is_int(p.p->closed, 2, "those that are too deep are closed themselves");

    policy_free(&p);

    /* rings with tails, in all orders of looking at them */

    policy_one(&p, "{\"schema\":1,\"teams\":{\"a\":{\"parent\":\"b\"},"
               "\"b\":{\"parent\":\"c\"},\"c\":{\"parent\":\"b\"},"
               "\"d\":{\"parent\":\"a\"},\"e\":{\"parent\":\"e\"},"
               "\"f\":{\"parent\":\"e\"},\"g\":{}},"
               "\"keys\":{\"a\":{\"sha256\":\"@a@\",\"team\":\"a\"},"
               "\"b\":{\"sha256\":\"@b@\",\"team\":\"b\"},"
               "\"c\":{\"sha256\":\"@c@\",\"team\":\"c\"},"
               "\"d\":{\"sha256\":\"@d@\",\"team\":\"d\"},"
               "\"f\":{\"sha256\":\"@f@\",\"team\":\"f\"},"
               "\"g\":{\"sha256\":\"@g@\",\"team\":\"g\"}}}");

    is_int(p.p->closed, 3, "all teams of rings are closed");
    is_str(policy_why(&p, "a", 0), "closed", "below a ring");
    is_str(policy_why(&p, "b", 0), "closed", "in a ring");
    is_str(policy_why(&p, "c", 0), "closed", "in the ring");
    is_str(policy_why(&p, "d", 0), "closed", "far below");
    is_str(policy_why(&p, "f", 0), "closed", "below its own parent");
    is_str(policy_why(&p, "g", 0), "ok", "and nobody else");

    policy_free(&p);
}


static void
test_known(void)
{
    policy_t  p;

    static const char *const  secrets[] = { "s1" };
    static const char *const  providers[] = { "openai", "vllm" };

    policy_begin(&p);
    is_int(genai_policy_known(p.b, secrets, 1, providers, 2), 0, "known");
    (void) policy_add(&p, "a.json", "{\"schema\":1,\"teams\":{"
                      "\"a\":{\"credentials\":{\"openai\":\"s1\"}},\n"
                      "\"b\":{\"credentials\":{\"openai\":\"sk-secret\"}},\n"
                      "\"c\":{\"credentials\":{\"s1\":\"s1\"}},"
                      "\"#\":{\"credentials\":{\"x\":\"y\"}}}}");
    policy_end(&p);

    is_str(policy_findings(&p, 0),
           "a.json:2: closed: teams.b: nobody passes through it:"
           " \"credentials\": there is no genai_secret of the name that one of"
           " them has\n"
           "a.json:3: closed: teams.c: nobody passes through it:"
           " \"credentials\" has \"s1\": there is no genai_provider of this"
           " name\n", "credentials are looked up, and not shown");

    policy_free(&p);
}


static void
test_findings(void)
{
    char                   *text;
    size_t                  n;
    unsigned                i;
    policy_t                p;
    const genai_finding_t  *f;

    text = malloc(2000 * 64);
    n = sprintf(text, "{\"schema\":1,\"plans\":{");

    for (i = 0; i < 1500; i++) {
        n += sprintf(text + n, "%s\"p%u\":{\"guard\":\"g\"}", i ? ",\n" : "",
                     i);
    }

    sprintf(text + n, "},\"users\":{\"u\":7}}");

    policy_begin(&p);
    (void) policy_add(&p, "a.json", text);
    policy_end(&p);

    for (n = 0, f = genai_policy_findings(p.b); f; f = f->next) {
        n++;
    }

    is_int(n, GENAI_POLICY_FINDINGS_MAX, "findings have an end");
    is_int(genai_policy_findings_lost(p.b), 501, "others are counted");
    is_int(p.p->unenforced, 1500, "all are counted");

    genai_policy_finding(p.b, GENAI_FINDING_BROKEN, "x\n\x1b[0m", 1, "a\tb",
                         "%s\r\n\xff\xe2\x80\xae", "text");

    is_str(policy_findings(&p, GENAI_FINDING_WARN),
           "a.json:1500: closed: users.u: nobody passes through it: it is no"
           " object\n"
           "x\\x0a\\x1b[0m:1: broken: a\\x09b:"
           " text\\x0d\\x0a\\xff\\xe2\\x80\\xae\n",
           "what is worse is kept, in a form that a log can have");

    is_int(genai_policy_findings_lost(p.b), 502, "for a note");

    policy_free(&p);
    free(text);
}


static void
test_sources(void)
{
    int          stop;
    void        *data;
    size_t       size;
    policy_t     p, q;
    const char  *text = "{\"schema\":1}";

    policy_one(&p, text);
    policy_one(&q, "{\"schema\":1 }");
    ok(memcmp(p.p->digest, q.p->digest, GENAI_DIGEST_LEN) != 0,
       "another text is another digest");
    policy_free(&q);

    policy_begin(&q);
    (void) policy_add(&q, "b.json", text);
    policy_end(&q);
    ok(memcmp(p.p->digest, q.p->digest, GENAI_DIGEST_LEN) != 0,
       "as is another name");
    policy_free(&q);

    policy_one(&q, text);
    ok(p.size == q.size && memcmp(p.data, q.data, p.size) == 0,
       "the same is the same, byte for byte");
    policy_free(&q);

    policy_begin(&q);
    (void) genai_policy_add(q.b, "a.json", text, strlen(text), 5000);
    (void) genai_policy_add(q.b, "b.json", text, strlen(text), 0);
    (void) genai_policy_add(q.b, "c.json", text, strlen(text), 4000);
    policy_end(&q);
    is_int(q.p->stale, 2, "fragments of an older version");
    is_int(q.p->stale_since, 4000, "since when");
    is_int(genai_policy_build(q.b, 1, 1, &data, &size),
           GENAI_POLICY_BUILD_DONE, "a builder builds once");
    policy_free(&q);

    stop = 1;
    q.b = genai_policy_builder_create(&stop);
    is_int(genai_policy_add(q.b, "a.json", text, strlen(text), 0),
           GENAI_POLICY_BUILD_STOPPED, "it can be stopped");
    is_int(genai_policy_build(q.b, 1, 1, &q.data, &q.size),
           GENAI_POLICY_BUILD_STOPPED, "at any time");
    policy_free(&q);

    policy_free(&p);
}


/* the list of what is revoked, line by line */

static void
revokes(const char *list, const char *id, const char *want)
{
    int       n;
    char      text[512], *t;
    policy_t  p;

    snprintf(text, sizeof(text), "{\"schema\":1,\"keys\":{\"%s\":{\"sha256\":"
             "\"@secret@\"}}}", id);

    policy_begin(&p);
    (void) policy_add(&p, "a.json", text);

    t = policy_text(list);
    (void) genai_policy_revoke(p.b, t, strlen(t));

    policy_end(&p);

    is_str(policy_why(&p, "secret", 0), want, "%s of %s", id, list);

    policy_free(&p);

    /* the same of a snapshot that there is, which revokes nothing yet */

    policy_one(&p, text);

    n = strcmp(want, "revoked") == 0;
    is_int(genai_policy_revoke_snapshot(p.data, t, strlen(t)), n,
           "as many, of %s", list);
    is_str(policy_why(&p, "secret", 0), want, "put on: %s of %s", id, list);
    is_int(genai_policy_revoke_snapshot(p.data, t, strlen(t)), 0,
           "once, of %s", list);

    policy_free(&p);
    free(t);
}


/* of more than one key, and with others that stay */

static void
test_revoke_snapshot(void)
{
    policy_t  p;
    char     *t;

    policy_one(&p, "{\"schema\":1,\"keys\":{"
                   "\"a\":{\"sha256\":[\"@a1@\",\"@a2@\"]},"
                   "\"b\":{\"sha256\":[\"@b1@\",\"@b2@\"]},"
                   "\"c\":{\"sha256\":\"@c1@\"},"
                   "\"d\":{\"sha256\":\"@d1@\"}}}");

    t = policy_text("nobody\n@nobody@\nb\n@d1@\n@a2@ # half of it\n@d1@\n");

    is_int(genai_policy_revoke_snapshot(p.data, t, strlen(t)), 3,
           "a key and two secrets");
    is_str(policy_why(&p, "a1", 0), "ok", "the other one of a key");
    is_str(policy_why(&p, "a2", 0), "revoked", "one secret of it");
    is_str(policy_why(&p, "b1", 0), "revoked", "by its id");
    is_str(policy_why(&p, "b2", 0), "revoked", "all its secrets");
    is_str(policy_why(&p, "c1", 0), "ok", "what is not in the list");
    is_str(policy_why(&p, "d1", 0), "revoked", "by its digest, twice");
    is_str(policy_why(&p, "nobody", 0), "unknown", "no key's");

    is_int(genai_policy_revoke_snapshot(p.data, "", 0), 0, "an empty list");
    is_str(policy_why(&p, "d1", 0), "revoked", "takes nothing back");

    free(t);
    policy_free(&p);

    policy_one(&p, "{\"schema\":1}");
    is_int(genai_policy_revoke_snapshot(p.data, "a\nb", 3), 0, "of no keys");
    policy_free(&p);

    is_int(genai_policy_revokes("", 0), 0, "nothing");
    is_int(genai_policy_revokes("\xef\xbb\xbf# a\r\n\t# b\n\n", 14), 0,
           "no line but comments");
    is_int(genai_policy_revokes(" \n a", 4), 1, "a line");
}


static void
test_revoked(void)
{
    revokes("", "a", "ok");
    revokes("a", "a", "revoked");
    revokes("b\na", "a", "revoked");
    revokes("b\r\n\ta \r\nc", "a", "revoked");
    revokes("b\ra\rc", "a", "revoked");
    revokes("\xef\xbb\xbf" "a", "a", "revoked");
    revokes("a # why", "a", "revoked");
    revokes("# a", "a", "ok");
    revokes("a b", "a", "ok");
    revokes("a b", "a b", "revoked");
    revokes("a #1 # why", "a #1", "revoked");
    revokes("a#1", "a", "ok");
    revokes("A", "a", "ok");
    revokes("@secret@", "a", "revoked");
    revokes("  @secret@  # why", "a", "revoked");
    revokes("@secret@x", "a", "ok");
    revokes("x@secret@", "a", "ok");
    revokes("9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08",
            "a", "ok");
}


int
main(void)
{
    test_broken();
    test_top();
    test_members();
    test_limits();
    test_merge();
    test_scope();
    test_teams();
    test_known();
    test_findings();
    test_sources();
    test_revoked();
    test_revoke_snapshot();

    return done_testing();
}
