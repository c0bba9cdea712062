/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Puts a list of what is revoked on a snapshot that there is.
 */


#include "genai_policy_build.h"

#include <stdlib.h>


typedef struct {
    genai_policy_t   *policy;       /* NULL: there is only to be counted */
    uint32_t          n;            /* lines, or what was newly revoked */
    uint32_t          ndigests;
    unsigned char   (*digests)[GENAI_DIGEST_LEN];
} genai_policy_revoker_t;


static void genai_policy_revoker_read(genai_policy_revoker_t *r,
    const char *text, size_t len);
static void genai_policy_revoker_line(genai_policy_revoker_t *r,
    const char *line, const char *end);
static void genai_policy_revoker_id(genai_policy_revoker_t *r,
    const char *start, const char *end);
static void genai_policy_revoker_secrets(genai_policy_revoker_t *r);
static int genai_policy_revoker_compare(const void *a, const void *b);
static int genai_policy_revoker_blank(char c);


int
genai_policy_revokes(const char *text, size_t len)
{
    genai_policy_revoker_t  r;

    memset(&r, 0, sizeof(genai_policy_revoker_t));

    genai_policy_revoker_read(&r, text, len);

    return r.n != 0;
}


int64_t
genai_policy_revoke_snapshot(genai_policy_t *policy, const char *text,
    size_t len)
{
    genai_policy_revoker_t  r;

    memset(&r, 0, sizeof(genai_policy_revoker_t));

    genai_policy_revoker_read(&r, text, len);

    /* digests are gathered and sorted: the table is gone through once */

    if (r.ndigests) {
        r.digests = malloc((size_t) r.ndigests * GENAI_DIGEST_LEN);

        if (r.digests == NULL) {
            return -1;
        }
    }

    r.policy = policy;
    r.n = 0;
    r.ndigests = 0;

    genai_policy_revoker_read(&r, text, len);

    if (r.ndigests) {
        genai_policy_revoker_secrets(&r);
        free(r.digests);
    }

    return r.n;
}


static void
genai_policy_revoker_read(genai_policy_revoker_t *r, const char *text,
    size_t len)
{
    const char  *line, *end, *last;

    if (len == 0) {
        return;
    }

    line = text;
    last = text + len;

    if (len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
        line += 3;
    }

    while (line < last) {

        while (line < last && (genai_policy_revoker_blank(*line)
                               || *line == '\r' || *line == '\n'))
        {
            line++;
        }

        for (end = line; end < last && *end != '\r' && *end != '\n'; end++) {
            /* void */
        }

        if (line < end && *line != '#') {
            genai_policy_revoker_line(r, line, end);
        }

        line = end;
    }
}


/* as the builder takes a line: whatever it may mean is revoked */

static void
genai_policy_revoker_line(genai_policy_revoker_t *r, const char *line,
    const char *end)
{
    const char     *p;
    genai_str_t     hex;
    unsigned char   digest[GENAI_DIGEST_LEN];

    if (r->policy == NULL) {
        r->n++;

    } else {
        genai_policy_revoker_id(r, line, end);

        for (p = line + 1; p < end; p++) {
            if (*p == '#' && genai_policy_revoker_blank(p[-1])) {
                genai_policy_revoker_id(r, line, p);
            }
        }
    }

    hex.data = (unsigned char *) line;
    hex.len = GENAI_DIGEST_HEX;

    if (end - line < GENAI_DIGEST_HEX
        || (end - line > GENAI_DIGEST_HEX
            && !genai_policy_revoker_blank(line[GENAI_DIGEST_HEX]))
        || genai_digest_read(&hex, digest) != 0)
    {
        return;
    }

    if (r->policy) {
        memcpy(r->digests[r->ndigests], digest, GENAI_DIGEST_LEN);
    }

    r->ndigests++;
}


static void
genai_policy_revoker_id(genai_policy_revoker_t *r, const char *start,
    const char *end)
{
    genai_str_t                   id;
    genai_policy_object_t        *key;
    const genai_policy_object_t  *found;

    while (end > start && genai_policy_revoker_blank(end[-1])) {
        end--;
    }

    id.data = (unsigned char *) start;
    id.len = end - start;

    if (id.len > GENAI_POLICY_ID_MAX) {
        return;
    }

    found = genai_policy_find(r->policy, GENAI_POLICY_KEYS, &id);

    if (found == NULL || (found->flags & GENAI_POLICY_REVOKED)) {
        return;
    }

    /* it is of the caller's own memory, which may be written to */

    key = (genai_policy_object_t *) ((char *) r->policy
                                     + ((const char *) found
                                        - (const char *) r->policy));
    key->flags |= GENAI_POLICY_REVOKED;
    r->n++;
}


static void
genai_policy_revoker_secrets(genai_policy_revoker_t *r)
{
    uint32_t                i;
    genai_policy_secret_t  *secrets;

    qsort(r->digests, r->ndigests, GENAI_DIGEST_LEN,
          genai_policy_revoker_compare);

    secrets = (genai_policy_secret_t *) ((char *) r->policy
                                         + r->policy->secrets.offset);

    for (i = 0; i < r->policy->secrets.n; i++) {

        if (secrets[i].key == GENAI_POLICY_NONE || secrets[i].revoked) {
            continue;
        }

        if (bsearch(secrets[i].digest, r->digests, r->ndigests,
                    GENAI_DIGEST_LEN, genai_policy_revoker_compare))
        {
            secrets[i].revoked = 1;
            r->n++;
        }
    }
}


static int
genai_policy_revoker_compare(const void *a, const void *b)
{
    return memcmp(a, b, GENAI_DIGEST_LEN);
}


static int
genai_policy_revoker_blank(char c)
{
    return c == ' ' || c == '\t';
}
