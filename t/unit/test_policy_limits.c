/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which limits of a policy apply to whom, and how their counters are named.
 */


#include "tap.h"
#include "policy.h"
#include "genai_policy_limits.h"


static const char  policy[] =
    "{\"schema\":1,\"timezone\":\"UTC\","
    "\"plans\":{\"gold\":{\"limits\":[\"%s requests/1m\"]}},"
    "\"teams\":{\"top\":{\"limits\":[\"$5/1mo\"]},"
    "  \"low\":{\"parent\":\"top\",\"limits\":[\"1M tokens/1d\","
    "    \"10k tokens/1d on gpt-4*\"]},"
    "  \"other\":{\"limits\":[\"1M tokens/1d\"]}},"
    "\"users\":{\"u\":{\"team\":\"low\",\"limits\":[\"5 concurrent\"]}},"
    "\"keys\":{"
    "  \"a\":{\"sha256\":[\"@a@\"],\"team\":\"low\",\"user\":\"u\","
    "    \"plan\":\"gold\",\"limits\":[\"7 requests/1s\"]},"
    "  \"b\":{\"sha256\":[\"@b@\"],\"team\":\"other\",\"plan\":\"gold\"},"
    "  \"c\":{\"sha256\":[\"@c@\"]}},"
    "\"models\":{\"gpt-4o\":{\"limits\":[\"1k tokens/1m\"]},"
    "  \"gpt-*\":{\"limits\":[\"2k tokens/1m\"]},"
    "  \"gpt-4*\":{\"disabled\":false},"
    "  \"*\":{\"limits\":[\"3k tokens/1m\"]}}}";


static unsigned
holds(policy_t *p, const char *id, const char *model, genai_hold_t *h)
{
    genai_str_t                   s, m;
    const genai_policy_object_t  *key;

    s.data = (unsigned char *) id;
    s.len = strlen(id);
    m.data = (unsigned char *) model;
    m.len = strlen(model);

    key = s.len ? genai_policy_find(p->p, GENAI_POLICY_KEYS, &s) : NULL;

    return genai_policy_holds(p->p, key, &m, POLICY_NOW, h);
}


static const char *
texts(const genai_hold_t *h, unsigned n)
{
    unsigned               i;
    unsigned char         *p;
    static unsigned char   out[4096];

    p = out;

    for (i = 0; i < n; i++) {
        if (i) {
            *p++ = ',';
            *p++ = ' ';
        }

        memcpy(p, h[i].name.data, h[i].name.len);
        p += h[i].name.len;
        *p++ = ' ';
        p = genai_limit_write(p, &h[i].limit);
    }

    *p = '\0';

    return (const char *) out;
}


static int
same(const genai_hold_t *a, const genai_hold_t *b)
{
    return a->id[0] == b->id[0] && a->id[1] == b->id[1];
}


int
main(void)
{
    char           text[4096], *q;
    policy_t       p, r;
    unsigned       i, k, n;
    genai_str_t    s;
    genai_hold_t   a[GENAI_HOLDS_MAX], b[GENAI_HOLDS_MAX];
    const genai_policy_object_t  *key;

    snprintf(text, sizeof(text), policy, "60");
    policy_one(&p, text);

    n = holds(&p, "a", "gpt-4o", a);
    is_str(texts(a, n), "a 7 requests/1s, gold 60 requests/1m, u 5 concurrent,"
           " low 1M tokens/1d, low 10k tokens/1d on gpt-4*, top $5/1mo,"
           " gpt-4o 1k tokens/1m, * 3k tokens/1m, gpt-* 2k tokens/1m",
           "all that apply");

    for (i = 0; i < n; i++) {
        for (k = 0; k < i; k++) {
            quiet_ok(!same(&a[i], &a[k]), "%u and %u are two", i, k);
        }

        quiet_ok(a[i].window.start <= POLICY_NOW
                 && POLICY_NOW < a[i].window.end, "%u: its window", i);
    }

    n = holds(&p, "a", "o3", b);
    is_str(texts(b, n), "a 7 requests/1s, gold 60 requests/1m, u 5 concurrent,"
           " low 1M tokens/1d, top $5/1mo, * 3k tokens/1m",
           "those of another model");
    ok(same(&a[0], &b[0]) && same(&a[3], &b[3]), "have the same counters");

    n = holds(&p, "b", "o3", b);
    is_str(texts(b, n), "gold 60 requests/1m, other 1M tokens/1d,"
           " * 3k tokens/1m", "another key");
    ok(!same(&a[1], &b[0]), "of the same plan has a counter of its own");
    ok(!same(&a[3], &b[1]), "as has the same limit of another team");

    is_int(holds(&p, "c", "o3", b), 1, "a key without any");
    is_int(holds(&p, "", "gpt-4o", b), 3, "nobody");

    /* another amount is the same limit, another window is not */

    snprintf(text, sizeof(text), policy, "90");
    policy_one(&r, text);
    n = holds(&r, "a", "gpt-4o", b);
    is_int(b[1].limit.amount, 90, "it was raised");
    ok(same(&a[1], &b[1]), "it is the same limit");
    policy_free(&r);

    q = strstr(text, "requests/1m");
    memcpy(q, "requests/2m", 11);
    policy_one(&r, text);
    n = holds(&r, "a", "gpt-4o", b);
    ok(!same(&a[1], &b[1]), "with another window it is another");
    policy_free(&r);
    policy_free(&p);

    /* too many */

    q = text + sprintf(text, "{\"schema\":1,\"teams\":{\"t\":{\"limits\":[");

    for (i = 1; i <= 20; i++) {
        q += sprintf(q, "%s\"5 requests/%us\"", i > 1 ? "," : "", i);
    }

    q += sprintf(q, "]}},\"keys\":{\"a\":{\"sha256\":[\"@a@\"],\"team\":\"t\","
                 "\"limits\":[");

    for (i = 1; i <= 13; i++) {
        q += sprintf(q, "%s\"5 requests/%um\"", i > 1 ? "," : "", i);
    }

    sprintf(q, "]},\"b\":{\"sha256\":[\"@b@\"],\"team\":\"t\"}},"
            "\"models\":{\"*\":{\"limits\":[\"1 requests/1s\","
            "\"1 requests/2s\"]}}}");

    policy_one(&p, text);

    is_int(p.p->closed, 1, "a key with more than 32 is closed");
    s.data = (unsigned char *) "a";
    s.len = 1;
    key = genai_policy_find(p.p, GENAI_POLICY_KEYS, &s);
    ok(key && (key->flags & GENAI_POLICY_CLOSED), "that one");
    is_int(holds(&p, "a", "x", a), GENAI_HOLDS_MAX + 1, "more are told");
    is_int(holds(&p, "b", "x", a), 22, "the other has its own");

    policy_free(&p);

    return done_testing();
}
