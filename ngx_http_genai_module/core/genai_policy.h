/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A policy as it is used: a snapshot, one region of memory without a pointer
 * in it, written once and then read by every process that maps it.  What
 * makes it is in genai_policy_build.h.
 *
 *    header | secrets (a hash table) | keys | users | teams | plans | models
 *           | limits | patterns | pairs | changes of the time zone
 *           | barred models | texts
 *
 * Objects of all kinds are of one type.  They refer to each other by their
 * number in their table, and to texts by offset.  A process maps a snapshot
 * that another one has written, so that whatever is read from it is checked
 * against its bounds: at the opening for the tables, at the access for texts
 * and lists.
 *
 * An object that names something that does not exist, or that has a member
 * nobody knows, is closed: it exists, and nobody passes through it.
 *
 * All functions are thread-safe; nothing here is ever written to.
 */


#ifndef _GENAI_POLICY_H_INCLUDED_
#define _GENAI_POLICY_H_INCLUDED_


#include "genai_key.h"
#include "genai_limit.h"
#include "genai_timezone.h"


#define GENAI_POLICY_MAGIC     "GENAIPOL"
#define GENAI_POLICY_LAYOUT    3

#define GENAI_POLICY_NONE      0xffffffffu

/* teams above a team, itself included */
#define GENAI_POLICY_DEPTH     16

/* bytes of an id, of a label, of a pattern */
#define GENAI_POLICY_ID_MAX    128
#define GENAI_POLICY_TEXT_MAX  256


typedef struct {
    uint32_t   offset;              /* in the snapshot */
    uint32_t   len;
} genai_policy_text_t;

typedef struct {
    uint32_t   first;
    uint32_t   n;
} genai_policy_list_t;


typedef enum {
    GENAI_POLICY_KEYS = 0,
    GENAI_POLICY_USERS,
    GENAI_POLICY_TEAMS,
    GENAI_POLICY_PLANS,
    GENAI_POLICY_MODELS,
    GENAI_POLICY_KINDS
} genai_policy_kind_e;


/* flags of an object */
#define GENAI_POLICY_CLOSED    0x01     /* broken, see the findings */
#define GENAI_POLICY_DISABLED  0x02
#define GENAI_POLICY_REVOKED   0x04     /* a key by its id */
#define GENAI_POLICY_ADMIN     0x08
#define GENAI_POLICY_ENDPOINTS 0x10     /* endpoints is a list */
#define GENAI_POLICY_PATTERNS  0x20     /* models is a list */

/* of a key: something that it refers to, or a team above, is so */
#define GENAI_POLICY_ABOVE_CLOSED    0x40
#define GENAI_POLICY_ABOVE_DISABLED  0x80


typedef enum {
    GENAI_PRIORITY_LOW = 0,
    GENAI_PRIORITY_NORMAL,
    GENAI_PRIORITY_HIGH
} genai_priority_e;


typedef struct {
    genai_policy_text_t   id;
    uint32_t              team;         /* of a team: its parent */
    uint32_t              user;
    uint32_t              plan;
    uint32_t              flags;
    uint32_t              endpoints;    /* genai_endpoint_bit() */
    uint32_t              priority;
    int64_t               not_before;   /* seconds; INT64_MIN, INT64_MAX */
    int64_t               not_after;
    genai_policy_text_t   guard;
    genai_policy_list_t   models;       /* patterns */
    genai_policy_list_t   limits;
    genai_policy_list_t   labels;       /* pairs */
    genai_policy_list_t   credentials;  /* pairs: provider, secret */
} genai_policy_object_t;


typedef struct {
    unsigned char         digest[GENAI_DIGEST_LEN];
    uint32_t              key;          /* GENAI_POLICY_NONE: no key's, and */
    uint32_t              revoked;      /* with 0 here a free place */
} genai_policy_secret_t;

typedef struct {
    genai_policy_text_t   name;
    genai_policy_text_t   value;
} genai_policy_pair_t;

/* a limit; pattern of genai_limit_t is not used */
typedef struct {
    genai_limit_t         limit;
    genai_policy_text_t   pattern;
    uint64_t              id[2];        /* genai_policy_limits.h */
} genai_policy_limit_t;


typedef struct {
    uint32_t              offset;
    uint32_t              n;
} genai_policy_table_t;


typedef struct {
    unsigned char         magic[8];
    uint32_t              layout;
    uint32_t              stale;        /* fragments of an older version */
    uint64_t              size;         /* of all of it, bytes */
    uint64_t              generation;
    int64_t               built;        /* ms since the epoch */
    int64_t               stale_since;  /* ms, of the oldest; 0 is none */
    unsigned char         digest[GENAI_DIGEST_LEN];  /* of all sources */
    genai_policy_text_t   revision;
    genai_policy_text_t   timezone;

    uint32_t              anonymous;    /* a key, or GENAI_POLICY_NONE */
    uint32_t              closed;       /* objects that are, or were left
                                           out */
    uint32_t              unenforced;   /* guards */
    uint32_t              unloaded;     /* 1: nothing could be read; else an
                                           empty policy is meant so */

    uint64_t              seed[2];      /* of secrets' places, random */
    uint64_t              limited;      /* 1: models have limits */

    uint64_t              barred_lengths[2];  /* of their patterns, see
                                                 genai_policy_allows_model() */
    uint64_t              limited_lengths[2]; /* of models with limits */
    genai_policy_table_t  secrets;      /* n is a power of 2 */
    genai_policy_table_t  objects[GENAI_POLICY_KINDS];
    genai_policy_table_t  limits;
    genai_policy_table_t  patterns;     /* genai_policy_text_t */
    genai_policy_table_t  pairs;
    genai_policy_table_t  changes;      /* genai_timezone_change_t */
    genai_policy_table_t  barred;       /* uint32_t: models that are closed or
                                           disabled, their numbers upwards */
} genai_policy_t;


/* why a caller is refused; GENAI_POLICY_OK is 0 */
typedef enum {
    GENAI_POLICY_OK = 0,
    GENAI_POLICY_UNKNOWN,               /* no such key */
    GENAI_POLICY_IS_REVOKED,
    GENAI_POLICY_IS_DISABLED,
    GENAI_POLICY_EARLY,                 /* not_before */
    GENAI_POLICY_LATE,                  /* not_after */
    GENAI_POLICY_IS_CLOSED              /* it, or what it refers to */
} genai_policy_why_e;


/*
 * Checks a region that is said to be a snapshot.  Returns NULL, with *policy
 * set, which is the region itself; or what is wrong, a static text.
 */
const char *genai_policy_open(const void *addr, size_t size,
    const genai_policy_t **policy);

/* A text; empty where it lies outside. */
genai_str_t genai_policy_text(const genai_policy_t *p,
    genai_policy_text_t text);

/* An object by its number, or NULL. */
const genai_policy_object_t *genai_policy_object(const genai_policy_t *p,
    genai_policy_kind_e kind, uint32_t number);

/* An object by its id, or NULL; tables are sorted by id. */
const genai_policy_object_t *genai_policy_find(const genai_policy_t *p,
    genai_policy_kind_e kind, const genai_str_t *id);

/*
 * Where in the table of secrets a digest's place is, to be cut to its size:
 * SipHash-1-3 (J.-P. Aumasson, D. J. Bernstein) of the digest under the
 * snapshot's seed.  A policy may name any digest, so that without a seed
 * whoever writes one could have all of them in one place.
 */
uint32_t genai_policy_place(const genai_policy_t *p,
    const unsigned char digest[GENAI_DIGEST_LEN]);

/*
 * The key that has this secret.  Digests are compared in constant time; where
 * in the table is looked depends on the digest and on a random seed.
 *
 * Returns GENAI_POLICY_OK with *key, when it may be used at now (seconds), as
 * may the user, the team and the plan that it refers to and all teams above
 * it and above the user; else why not, with *key set where there is one and
 * NULL where there is none.  A key is used from not_before on, and not_after
 * is the first second of when it is not.
 */
genai_policy_why_e genai_policy_lookup(const genai_policy_t *p,
    const unsigned char digest[GENAI_DIGEST_LEN], int64_t now,
    const genai_policy_object_t **key);

/*
 * The part of it that does not depend on time: the user, the plan, the teams.
 * The builder asks it once for each key and notes the answer in its flags.
 */
genai_policy_why_e genai_policy_above(const genai_policy_t *p,
    const genai_policy_object_t *key);

/* As genai_policy_lookup(), of the caller "anonymous". */
genai_policy_why_e genai_policy_anonymous(const genai_policy_t *p,
    int64_t now, const genai_policy_object_t **key);

/*
 * The user, the team and the plan of a key, NULL where it has none.  Where a
 * key has no team it is in its user's.
 */
const genai_policy_object_t *genai_policy_user(const genai_policy_t *p,
    const genai_policy_object_t *key);
const genai_policy_object_t *genai_policy_team(const genai_policy_t *p,
    const genai_policy_object_t *key);
const genai_policy_object_t *genai_policy_plan(const genai_policy_t *p,
    const genai_policy_object_t *key);

/*
 * Whether a key may use a model, by its public name, and which endpoints, as
 * bits: what the key, its plan, its user, its team and all teams above allow,
 * all of them at once; who has no list allows everything.  No model that an
 * entry of models matches which is disabled or closed.
 *
 * These entries are found by binary search: of the name as it is, and of its
 * beginning for each length that a pattern among them has (bit N - 1 of
 * barred_lengths: a pattern of N bytes, its "*" included), so that a name
 * costs at most 1 + its length searches however many entries there are.
 */
int genai_policy_allows_model(const genai_policy_t *p,
    const genai_policy_object_t *key, const genai_str_t *name);
uint32_t genai_policy_endpoints(const genai_policy_t *p,
    const genai_policy_object_t *key);

/*
 * The name of the secret that a key's team, or the nearest one above that has
 * one, brings for a provider; empty where the provider's own is to be used.
 */
genai_str_t genai_policy_credential(const genai_policy_t *p,
    const genai_policy_object_t *key, const genai_str_t *provider);

/*
 * The value of a label: of the key, its user, its team, the teams above, in
 * this order; empty where none has it.
 */
genai_str_t genai_policy_label(const genai_policy_t *p,
    const genai_policy_object_t *key, const genai_str_t *name);

/* The day of a time, in seconds, in the policy's time zone. */
int32_t genai_policy_day(const genai_policy_t *p, int64_t time);

/* A word for each reason, and for each kind: "key", "user"; static texts. */
const char *genai_policy_why(genai_policy_why_e why);
const char *genai_policy_kind(genai_policy_kind_e kind);


#endif /* _GENAI_POLICY_H_INCLUDED_ */
