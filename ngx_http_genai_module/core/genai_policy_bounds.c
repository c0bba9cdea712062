/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a fragment may take at most, and how it is taken back as a whole.
 */


#include "genai_policy_build_int.h"

#include <stdlib.h>


void
genai_policy_mark(genai_policy_reader_t *r)
{
    genai_policy_mark_t     *m;
    genai_policy_builder_t  *b;

    b = r->b;
    m = &r->mark;

    m->fragments = b->fragments.n;
    m->defs = b->defs.n;
    m->symbols = b->symbols.n;
    m->texts = b->texts.n;
    m->limits = b->limits.n;
    m->patterns = b->patterns.n;
    m->pairs = b->pairs.n;
    m->digests = b->digests.n;
    m->left = b->left;
    m->revision = b->revision;
    m->revision_scoped = b->revision_scoped;
    m->zone = (b->zone != NULL);
    m->size = genai_policy_size(b);

    memcpy(m->counts, b->counts, sizeof(m->counts));
}


void
genai_policy_take_back(genai_policy_reader_t *r)
{
    genai_policy_mark_t     *m;
    genai_policy_builder_t  *b;

    b = r->b;
    m = &r->mark;

    while (b->fragments.n > m->fragments) {
        free(genai_policy_fragment(b, --b->fragments.n)->name);
    }

    genai_policy_forget_symbols(b, m->symbols);

    b->defs.n = m->defs;
    b->texts.n = m->texts;
    b->limits.n = m->limits;
    b->patterns.n = m->patterns;
    b->pairs.n = m->pairs;
    b->digests.n = m->digests;
    b->left = m->left;
    b->revision = m->revision;
    b->revision_scoped = m->revision_scoped;

    memcpy(b->counts, m->counts, sizeof(m->counts));

    if (!m->zone) {
        free(b->zone);
        b->zone = NULL;
    }
}


/* secrets have 2 to 4 places each */

uint64_t
genai_policy_size(const genai_policy_builder_t *b)
{
    return (uint64_t) b->defs.n * (sizeof(genai_policy_object_t)
                                   + sizeof(uint32_t))
           + (uint64_t) b->digests.n * 4 * sizeof(genai_policy_secret_t)
           + (uint64_t) b->limits.n * sizeof(genai_policy_limit_t)
           + (uint64_t) b->patterns.n * sizeof(genai_policy_text_t)
           + (uint64_t) b->pairs.n * sizeof(genai_policy_pair_t)
           + b->texts.n;
}


int
genai_policy_fits(genai_policy_reader_t *r)
{
    uint32_t                 n, k;
    genai_policy_builder_t  *b;

    b = r->b;

    if (r->scoped) {

        for (n = 0, k = 0; k < GENAI_POLICY_KINDS; k++) {
            n += b->counts[1][k] - r->mark.counts[1][k];
        }

        if (n >= GENAI_POLICY_SCOPED_OBJECTS_MAX) {
            r->large = "it has a scope, and more than 200000 objects";
        }
    }

    if (b->counts[r->scoped][r->kind] >= b->objects_max) {
        r->large = "with it there are more than 4000000 objects of a kind";
    }

    if (b->sizes[r->scoped] + genai_policy_size(b) - r->mark.size
        > b->size_max)
    {
        r->large = "with it a policy would take more than 1.5 GiB";
    }

    if (r->large) {
        b->failed = GENAI_POLICY_BUILD_LARGE;
        return 0;
    }

    return 1;
}
