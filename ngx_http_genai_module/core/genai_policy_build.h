/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Makes a snapshot (genai_policy.h) of a policy's sources: fragments, JSON
 * objects that each hold a part of it, and the list of what is revoked.
 *
 *    b = genai_policy_builder_create(stop);
 *    genai_policy_known(b, ...)                         where they are
 *    genai_policy_add(b, "00-org.json", text, len, 0)   for each, by name
 *    genai_policy_revoke(b, text, len)
 *    genai_policy_zone_data(b, ...)                     where there is a zone
 *    genai_policy_build(b, generation, now, &data, &size)
 *    b's findings are what there is to say
 *
 * Nothing that stands in a source makes the building fail: a fragment that is
 * broken (not JSON, a name twice in an object, of another shape, too large) is
 * left out as a whole, and its owner adds its last good version instead; an
 * object that is broken is closed; what two fragments define stays with the
 * one without a scope, else with the first one.
 *
 * A builder belongs to one thread.  Its memory is malloc'd.
 */


#ifndef _GENAI_POLICY_BUILD_H_INCLUDED_
#define _GENAI_POLICY_BUILD_H_INCLUDED_


#include "genai_policy.h"


/*
 * Bytes of one fragment, and of all of them; objects of one kind; bytes of the
 * snapshot that they may take.  They hold for fragments without a scope, and
 * again for all those with one, so that the latter take nothing away from the
 * former.  The fragment that goes beyond is broken, the others go on.
 */
#define GENAI_POLICY_FRAGMENT_MAX  ((size_t) 512 << 20)
#define GENAI_POLICY_OBJECTS_MAX   4000000
#define GENAI_POLICY_SIZE_MAX      ((uint64_t) 3 << 29)

/* the same of one fragment with a scope: bytes, objects of all kinds */
#define GENAI_POLICY_SCOPED_MAX          ((size_t) 16 << 20)
#define GENAI_POLICY_SCOPED_OBJECTS_MAX  200000

/* bytes of the revoked list; limits of one object */
#define GENAI_POLICY_REVOKED_MAX   ((size_t) 64 << 20)
#define GENAI_POLICY_LIMITS_MAX    64

/* findings that are kept; more are counted */
#define GENAI_POLICY_FINDINGS_MAX  1000


typedef enum {
    GENAI_FINDING_NOTE = 0,         /* such as what is not enforced yet */
    GENAI_FINDING_WARN,
    GENAI_FINDING_CLOSED,           /* an object nobody passes through */
    GENAI_FINDING_BROKEN            /* a fragment that was left out */
} genai_finding_e;


typedef struct genai_finding_s  genai_finding_t;

struct genai_finding_s {
    genai_finding_e      level;
    char                *fragment;  /* its name */
    unsigned             line;      /* from 1; 0 is unknown */
    char                *object;    /* "keys.search-prod", or "" */
    char                *text;      /* one sentence, what to do included;
                                       printable ASCII or valid UTF-8 without
                                       control characters */
    genai_finding_t     *next;
};


/* patterns of one object; its labels, credentials, endpoints, secrets */
#define GENAI_POLICY_PATTERNS_MAX  256
#define GENAI_POLICY_PAIRS_MAX     64


typedef struct genai_policy_builder_s  genai_policy_builder_t;


/*
 * Returns NULL when out of memory, or of random bytes.  stop, which may be
 * NULL, is looked at now and then: where it is not 0 the building ends early,
 * with GENAI_POLICY_BUILD_STOPPED.
 */
genai_policy_builder_t *genai_policy_builder_create(const volatile int *stop);
void genai_policy_builder_destroy(genai_policy_builder_t *b);


/*
 * Sets what is random in a snapshot, so that the same sources make the same
 * bytes: for tests only, before the first fragment.
 */
void genai_policy_seed(genai_policy_builder_t *b, uint64_t seed);


#define GENAI_POLICY_BUILD_OK        0
#define GENAI_POLICY_BUILD_BROKEN   -1      /* this fragment is */
#define GENAI_POLICY_BUILD_STOPPED  -2
#define GENAI_POLICY_BUILD_MEMORY   -3
#define GENAI_POLICY_BUILD_LARGE    -4      /* more than a snapshot holds: by
                                               nothing that is in a source */
#define GENAI_POLICY_BUILD_DONE     -5      /* it has been built before */

/*
 * Adds a fragment, in the order of names.  since is 0, or the time, in ms
 * since the epoch, from which on its newest version has been broken, where
 * this is an older one.  The text is not needed afterwards.
 *
 * GENAI_POLICY_BUILD_BROKEN: it was left out, a finding says why.
 */
int genai_policy_add(genai_policy_builder_t *b, const char *name,
    const char *text, size_t len, int64_t since);

/*
 * Adds a finding of the caller's own: a file that could not be read.  The
 * format is printf's.
 */
void genai_policy_finding(genai_policy_builder_t *b, genai_finding_e level,
    const char *fragment, unsigned line, const char *object,
    const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/*
 * Sets what is revoked: a key's id or a secret's SHA-256 in hex a line; "#"
 * at the beginning or behind a blank begins a comment, blanks around are
 * ignored.  No text can be wrong.  Revoked secrets need not be of any key.
 */
int genai_policy_revoke(genai_policy_builder_t *b, const char *text,
    size_t len);

/*
 * Puts such a list on a snapshot that there is, in memory that may be written
 * to and that genai_policy_open() has accepted: keys are revoked by their
 * ids, secrets of keys by their digests.  Nothing is taken back, and secrets
 * of no key are not noted.  It takes as long as the snapshot has secrets and
 * the list has lines.  Thread-safe for different snapshots.
 *
 * Returns how many keys and secrets were not revoked before, or -1 when out
 * of memory, with the snapshot as it was.
 */
int64_t genai_policy_revoke_snapshot(genai_policy_t *policy, const char *text,
    size_t len);

/* Whether a list has a line that is not empty nor a comment; thread-safe. */
int genai_policy_revokes(const char *text, size_t len);

/*
 * Names the secrets and the providers there are, for the credentials of
 * teams, before the first fragment; without a call they are not checked.
 * names are NUL-terminated.
 */
int genai_policy_known(genai_policy_builder_t *b, const char *const *secrets,
    size_t nsecrets, const char *const *providers, size_t nproviders);

/*
 * The name of the time zone that the fragments ask for, NUL-terminated, or
 * NULL where it is UTC; and the way to bring the content of its file, without
 * which UTC is taken and a finding says so.  To be called between the last
 * fragment and the building; the content is not needed afterwards.  now is in
 * ms since the epoch.
 */
const char *genai_policy_zone(const genai_policy_builder_t *b);
void genai_policy_zone_data(genai_policy_builder_t *b, const void *data,
    size_t len, int64_t now);

/*
 * Makes the snapshot: *data is malloc'd and the caller's, *size in bytes.
 * generation is stored in it, now is in ms since the epoch.  Whatever is
 * returned, of the builder only the findings are left.
 */
int genai_policy_build(genai_policy_builder_t *b, uint64_t generation,
    int64_t now, void **data, size_t *size);

/* The findings so far, in their order; how many were not kept. */
const genai_finding_t *genai_policy_findings(const genai_policy_builder_t *b);
size_t genai_policy_findings_lost(const genai_policy_builder_t *b);

/* "note", "warning", "closed", "broken": static texts. */
const char *genai_finding_level(genai_finding_e level);


#endif /* _GENAI_POLICY_BUILD_H_INCLUDED_ */
