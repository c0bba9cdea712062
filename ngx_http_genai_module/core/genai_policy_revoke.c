/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads a list of what is revoked, and puts one on a snapshot that there is.
 */


#include "genai_policy_build_int.h"

#include <stdlib.h>


typedef struct {
    genai_policy_t   *policy;
    uint32_t          n;            /* what was newly revoked */
    uint32_t          ndigests;
    unsigned char   (*digests)[GENAI_DIGEST_LEN];
} genai_policy_revoker_t;


static int genai_policy_revoked_line(const char *line, const char *end,
    genai_policy_take_pt take, void *data);
static int genai_policy_revoked_id(const char *start, const char *end,
    genai_policy_take_pt take, void *data);
static int genai_policy_blank(char c);
static int genai_policy_revoker_none(void *data, const genai_str_t *id,
    const unsigned char *digest);
static int genai_policy_revoker_count(void *data, const genai_str_t *id,
    const unsigned char *digest);
static int genai_policy_revoker_take(void *data, const genai_str_t *id,
    const unsigned char *digest);
static void genai_policy_revoker_secrets(genai_policy_revoker_t *r);
static int genai_policy_revoker_compare(const void *a, const void *b);


size_t
genai_policy_read_revoked(const char *text, size_t len,
    genai_policy_take_pt take, void *data)
{
    size_t       n;
    const char  *line, *end, *last;

    if (len == 0) {
        return 0;
    }

    n = 0;
    line = text;
    last = text + len;

    if (len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
        line += 3;
    }

    for ( ;; ) {

        /* the line feeds of all systems */

        while (line < last && (genai_policy_blank(*line)
                               || *line == '\r' || *line == '\n'))
        {
            line++;
        }

        if (line == last) {
            return n;
        }

        for (end = line; end < last && *end != '\r' && *end != '\n'; end++) {
            /* void */
        }

        if (*line != '#') {
            n++;

            if (genai_policy_revoked_line(line, end, take, data) != 0) {
                return n;
            }
        }

        line = end;
    }
}


static int
genai_policy_revoked_line(const char *line, const char *end,
    genai_policy_take_pt take, void *data)
{
    const char     *p;
    genai_str_t     hex;
    unsigned char   digest[GENAI_DIGEST_LEN];

    if (genai_policy_revoked_id(line, end, take, data) != 0) {
        return -1;
    }

    for (p = line + 1; p < end; p++) {
        if (*p == '#' && genai_policy_blank(p[-1])
            && genai_policy_revoked_id(line, p, take, data) != 0)
        {
            return -1;
        }
    }

    /* a digest is the first word, whatever follows */

    hex.data = (unsigned char *) line;
    hex.len = GENAI_DIGEST_HEX;

    if (end - line < GENAI_DIGEST_HEX
        || (end - line > GENAI_DIGEST_HEX
            && !genai_policy_blank(line[GENAI_DIGEST_HEX]))
        || genai_digest_read(&hex, digest) != 0)
    {
        return 0;
    }

    return take(data, NULL, digest);
}


static int
genai_policy_revoked_id(const char *start, const char *end,
    genai_policy_take_pt take, void *data)
{
    genai_str_t  id;

    while (end > start && genai_policy_blank(end[-1])) {
        end--;
    }

    id.data = (unsigned char *) start;
    id.len = end - start;

    return (id.len > GENAI_POLICY_ID_MAX) ? 0 : take(data, &id, NULL);
}


static int
genai_policy_blank(char c)
{
    return c == ' ' || c == '\t';
}


int
genai_policy_revokes(const char *text, size_t len)
{
    return genai_policy_read_revoked(text, len, genai_policy_revoker_none,
                                     NULL)
           != 0;
}


static int
genai_policy_revoker_none(void *data, const genai_str_t *id,
    const unsigned char *digest)
{
    return -1;
}


int64_t
genai_policy_revoke_snapshot(genai_policy_t *policy, const char *text,
    size_t len)
{
    genai_policy_revoker_t  r;

    memset(&r, 0, sizeof(genai_policy_revoker_t));

    (void) genai_policy_read_revoked(text, len, genai_policy_revoker_count,
                                     &r);

    /* digests are gathered and sorted: the table is gone through once */

    if (r.ndigests) {
        r.digests = malloc((size_t) r.ndigests * GENAI_DIGEST_LEN);

        if (r.digests == NULL) {
            return -1;
        }
    }

    r.policy = policy;
    r.ndigests = 0;

    (void) genai_policy_read_revoked(text, len, genai_policy_revoker_take,
                                     &r);

    if (r.ndigests) {
        genai_policy_revoker_secrets(&r);
        free(r.digests);
    }

    return r.n;
}


static int
genai_policy_revoker_count(void *data, const genai_str_t *id,
    const unsigned char *digest)
{
    ((genai_policy_revoker_t *) data)->ndigests += (digest != NULL);

    return 0;
}


static int
genai_policy_revoker_take(void *data, const genai_str_t *id,
    const unsigned char *digest)
{
    genai_policy_object_t        *key;
    genai_policy_revoker_t       *r;
    const genai_policy_object_t  *found;

    r = data;

    if (digest) {
        memcpy(r->digests[r->ndigests++], digest, GENAI_DIGEST_LEN);
        return 0;
    }

    found = genai_policy_find(r->policy, GENAI_POLICY_KEYS, id);

    if (found == NULL || (found->flags & GENAI_POLICY_REVOKED)) {
        return 0;
    }

    /* it is of the caller's own memory, which may be written to */

    key = (genai_policy_object_t *) ((char *) r->policy
                                     + ((const char *) found
                                        - (const char *) r->policy));
    key->flags |= GENAI_POLICY_REVOKED;
    r->n++;

    return 0;
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
