/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Policies of a few lines, for unit tests and fuzz targets: fragments are
 * texts, keys are made of their own ids.
 */


#ifndef _GENAI_T_POLICY_H_INCLUDED_
#define _GENAI_T_POLICY_H_INCLUDED_


#include "genai_policy_build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


/* 2026-11-22T12:00:00Z */
#define POLICY_NOW  INT64_C(1795348800)


typedef struct {
    genai_policy_builder_t  *b;
    void                    *data;
    size_t                   size;
    int                      rc;
    const genai_policy_t    *p;     /* NULL: it could not be built */
} policy_t;


/*
 * Replaces each @ID@ by the digest of ID in hex, so that texts of policies
 * can be read; the text is malloc'd.
 */

static inline char *
policy_text(const char *text)
{
    char           *dst, *p;
    const char     *q, *end;
    unsigned char   digest[GENAI_DIGEST_LEN];

    dst = malloc(strlen(text) * 24 + 1);
    if (dst == NULL) {
        abort();
    }

    for (p = dst, q = text; *q; /* void */ ) {

        end = (*q == '@') ? strchr(q + 1, '@') : NULL;

        if (end == NULL) {
            *p++ = *q++;
            continue;
        }

        genai_digest(q + 1, end - q - 1, digest);
        p = (char *) genai_digest_write((unsigned char *) p, digest);
        q = end + 1;
    }

    *p = '\0';

    return dst;
}


static inline void
policy_begin(policy_t *p)
{
    memset(p, 0, sizeof(policy_t));

    p->b = genai_policy_builder_create(NULL);
    if (p->b == NULL) {
        abort();
    }

    genai_policy_seed(p->b, 1);
}


static inline int
policy_add(policy_t *p, const char *name, const char *text)
{
    int    rc;
    char  *t;

    t = policy_text(text);
    rc = genai_policy_add(p->b, name, t, strlen(t), 0);
    free(t);

    return rc;
}


static inline void
policy_end(policy_t *p)
{
    p->rc = genai_policy_build(p->b, 1, POLICY_NOW * 1000, &p->data,
                               &p->size);

    if (p->rc == 0 && genai_policy_open(p->data, p->size, &p->p) != NULL) {
        abort();
    }
}


/* one fragment, "a.json" */

static inline void
policy_one(policy_t *p, const char *text)
{
    policy_begin(p);
    (void) policy_add(p, "a.json", text);
    policy_end(p);
}


static inline void
policy_free(policy_t *p)
{
    genai_policy_builder_destroy(p->b);
    free(p->data);
    memset(p, 0, sizeof(policy_t));
}


static inline genai_str_t
policy_str(const char *s)
{
    genai_str_t  str;

    str.data = (unsigned char *) s;
    str.len = strlen(s);

    return str;
}


static inline const genai_policy_object_t *
policy_object(const policy_t *p, genai_policy_kind_e kind, const char *id)
{
    genai_str_t  s;

    s = policy_str(id);

    return p->p ? genai_policy_find(p->p, kind, &s) : NULL;
}


/* why a caller who comes with that secret is refused, a word */

static inline const char *
policy_why(const policy_t *p, const char *secret, int64_t now)
{
    unsigned char                 digest[GENAI_DIGEST_LEN];
    const genai_policy_object_t  *key;

    if (p->p == NULL) {
        return "no policy";
    }

    genai_digest(secret, strlen(secret), digest);

    return genai_policy_why(genai_policy_lookup(p->p, digest, now, &key));
}


static inline int
policy_allows(const policy_t *p, const char *id, const char *model)
{
    genai_str_t                   s;
    const genai_policy_object_t  *key;

    key = policy_object(p, GENAI_POLICY_KEYS, id);
    s = policy_str(model);

    return key ? genai_policy_allows_model(p->p, key, &s) : -1;
}


/*
 * The findings as lines "FRAGMENT:LINE: LEVEL: OBJECT: TEXT" without notes,
 * in a buffer that is overwritten by the next call.
 */

static inline const char *
policy_findings(const policy_t *p, genai_finding_e level)
{
    static char             text[65536];

    size_t                  n;
    const genai_finding_t  *f;

    n = 0;
    text[0] = '\0';

    for (f = genai_policy_findings(p->b); f; f = f->next) {

        if (f->level < level || n >= sizeof(text)) {
            continue;
        }

        n += snprintf(text + n, sizeof(text) - n, "%s:%u: %s: %s: %s\n",
                      f->fragment, f->line, genai_finding_level(f->level),
                      f->object, f->text);
    }

    return text;
}


#endif /* _GENAI_T_POLICY_H_INCLUDED_ */
