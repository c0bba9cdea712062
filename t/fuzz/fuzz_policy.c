/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of the policy's builder: any bytes are three fragments, which a
 * zero byte ends each, and a list of what is revoked.  What is built must
 * open, must be the same when it is built again, and all of it is read.
 */


#include "genai_policy_build.h"

#include <stdio.h>
#include <stdlib.h>


#define FUZZ_NOW  INT64_C(1795348800)

#define fuzz_check(cond)                                                      \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);        \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* a text that a log can have */

static void
fuzz_text(const char *s)
{
    const unsigned char  *p;

    for (p = (const unsigned char *) s; *p; p++) {
        fuzz_check(*p >= 0x20 && *p != 0x7f);
        fuzz_check(*p != 0xc2 || p[1] >= 0xa0);
    }
}


static void *
fuzz_build(const uint8_t *data, size_t size, size_t *len)
{
    int                      i, rc;
    void                    *snapshot;
    size_t                   n;
    const uint8_t           *p, *end, *q;
    const genai_finding_t   *f;
    genai_policy_builder_t  *b;

    static const char *const  names[] = { "a.json", "b.json", "c.json" };
    static const char *const  secrets[] = { "s" };
    static const char *const  providers[] = { "p" };

    b = genai_policy_builder_create(NULL);
    fuzz_check(b != NULL);

    genai_policy_seed(b, size);

    fuzz_check(genai_policy_known(b, secrets, 1, providers, 1) == 0);

    p = data;
    end = data + size;

    for (i = 0; i < 3 && p < end; i++) {

        q = memchr(p, 0, end - p);
        q = q ? q : end;

        rc = genai_policy_add(b, names[i], (const char *) p, q - p, i);
        fuzz_check(rc == GENAI_POLICY_BUILD_OK
                   || rc == GENAI_POLICY_BUILD_BROKEN);

        p = (q < end) ? q + 1 : end;
    }

    fuzz_check(genai_policy_revoke(b, (const char *) p, end - p) == 0);

    rc = genai_policy_build(b, 1, FUZZ_NOW * 1000, &snapshot, len);
    fuzz_check(rc == GENAI_POLICY_BUILD_OK);

    for (f = genai_policy_findings(b), n = 0; f; f = f->next, n++) {
        fuzz_text(f->fragment);
        fuzz_text(f->object);
        fuzz_text(f->text);
        fuzz_check(f->line <= size + 1);
    }

    fuzz_check(n <= GENAI_POLICY_FINDINGS_MAX);

    genai_policy_builder_destroy(b);

    return snapshot;
}


/* whether an entry of models that nobody may use matches, one by one */

static int
fuzz_barred(const genai_policy_t *p, const genai_str_t *name)
{
    uint32_t                      i;
    genai_str_t                   id;
    const genai_policy_object_t  *o;

    for (i = 0; i < p->objects[GENAI_POLICY_MODELS].n; i++) {

        o = genai_policy_object(p, GENAI_POLICY_MODELS, i);
        id = genai_policy_text(p, o->id);

        if ((o->flags & (GENAI_POLICY_CLOSED|GENAI_POLICY_DISABLED))
            && genai_pattern_match(&id, name))
        {
            return 1;
        }
    }

    return 0;
}


/* it is found as fast as it is by going through all of them */

static void
fuzz_models(const genai_policy_t *p)
{
    size_t                        n;
    uint32_t                      i;
    genai_str_t                   id;
    unsigned char                 name[GENAI_POLICY_ID_MAX + 1];
    genai_policy_object_t         key;
    const genai_policy_object_t  *o;

    memset(&key, 0, sizeof(genai_policy_object_t));

    key.team = GENAI_POLICY_NONE;
    key.user = GENAI_POLICY_NONE;
    key.plan = GENAI_POLICY_NONE;

    for (i = 0; i < p->objects[GENAI_POLICY_MODELS].n && i < 64; i++) {

        o = genai_policy_object(p, GENAI_POLICY_MODELS, i);
        id = genai_policy_text(p, o->id);

        /* the id itself, one byte less, one more, another last one */

        n = id.len;
        memcpy(name, id.data, n);
        name[n] = 'x';

        id.data = name;

        for (id.len = n - 1; id.len <= n + 1; id.len++) {
            fuzz_check(genai_policy_allows_model(p, &key, &id)
                       == !fuzz_barred(p, &id));
        }

        id.len = n;
        name[n - 1] ^= 1;

        fuzz_check(genai_policy_allows_model(p, &key, &id)
                   == !fuzz_barred(p, &id));
    }
}


/* who is let in is not closed, and neither is anything above */

static void
fuzz_key(const genai_policy_t *p, const unsigned char *digest)
{
    unsigned                      depth;
    genai_str_t                   name = { 1, (unsigned char *) "p" };
    const genai_policy_object_t  *key, *o;

    if (genai_policy_lookup(p, digest, FUZZ_NOW, &key) != GENAI_POLICY_OK) {
        return;
    }

    fuzz_check(key != NULL);
    fuzz_check(!(key->flags & (GENAI_POLICY_CLOSED|GENAI_POLICY_DISABLED
                               |GENAI_POLICY_REVOKED)));

    o = genai_policy_user(p, key);
    fuzz_check(o == NULL || !(o->flags & (GENAI_POLICY_CLOSED
                                          |GENAI_POLICY_DISABLED)));

    o = genai_policy_team(p, key);

    for (depth = 0; o; depth++) {
        fuzz_check(depth < GENAI_POLICY_DEPTH);
        fuzz_check(!(o->flags & (GENAI_POLICY_CLOSED|GENAI_POLICY_DISABLED)));
        o = genai_policy_object(p, GENAI_POLICY_TEAMS, o->team);
    }

    (void) genai_policy_allows_model(p, key, &name);
    (void) genai_policy_endpoints(p, key);
    (void) genai_policy_credential(p, key, &name);
    (void) genai_policy_label(p, key, &name);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void                         *a, *b;
    size_t                        na, nb;
    unsigned                      k;
    uint32_t                      i;
    genai_str_t                   id;
    const genai_policy_t         *p;
    const genai_policy_object_t  *o;
    const genai_policy_secret_t  *secrets;

    a = fuzz_build(data, size, &na);
    b = fuzz_build(data, size, &nb);

    fuzz_check(na == nb && memcmp(a, b, na) == 0);
    fuzz_check(genai_policy_open(a, na, &p) == NULL);

    for (k = 0; k < GENAI_POLICY_KINDS; k++) {
        for (i = 0; i < p->objects[k].n; i++) {

            o = genai_policy_object(p, k, i);
            id = genai_policy_text(p, o->id);

            fuzz_check(id.len > 0 && id.len <= GENAI_POLICY_ID_MAX);
            fuzz_check(genai_policy_find(p, k, &id) == o);
            fuzz_check(o->limits.n <= GENAI_POLICY_LIMITS_MAX);
            fuzz_check(o->models.n <= GENAI_POLICY_PATTERNS_MAX);
        }
    }

    fuzz_models(p);

    secrets = (const void *) ((const char *) a + p->secrets.offset);

    for (i = 0; i < p->secrets.n; i++) {
        if (secrets[i].key != GENAI_POLICY_NONE) {
            fuzz_key(p, secrets[i].digest);
        }
    }

    free(a);
    free(b);

    return 0;
}
