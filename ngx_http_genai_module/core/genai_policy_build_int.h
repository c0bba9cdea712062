/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the builder share.  A fragment's text becomes a tape
 * (genai_policy_build.c), each object of it a definition
 * (genai_policy_object.c); of the definitions of one id one is accepted, and
 * what they refer to is looked up (genai_policy_merge.c); what is accepted
 * is sorted and written (genai_policy_write.c).
 *
 * Definitions hold what a snapshot's objects do, but for
 *
 *    texts      offsets into b->texts; equal texts have one place
 *    references numbers of symbols
 *    lists      places in b->patterns, b->limits, b->pairs as they are there
 *
 * A symbol is a text that was seen, with the definition of each kind that is
 * accepted of that name: all look-ups by name are one look-up of a symbol.
 *
 * JSON is read by the gateway's own scanner: a tape is made 20 times faster
 * than a tree of nodes, needs a seventh of the memory, and knows where in the
 * text a value stands.
 */


#ifndef _GENAI_POLICY_BUILD_INT_H_INCLUDED_
#define _GENAI_POLICY_BUILD_INT_H_INCLUDED_


#include "genai_arena.h"
#include "genai_policy_build.h"
#include "genai_tape.h"


#define GENAI_POLICY_SCHEMA  1

/* definitions between two looks at stop */
#define GENAI_POLICY_STEP    1024


/* an array that grows */

typedef struct {
    void                *items;
    uint32_t             n;
    uint32_t             room;
} genai_policy_array_t;


/* flags of a symbol */
#define GENAI_SYMBOL_SECRET    0x01
#define GENAI_SYMBOL_PROVIDER  0x02

typedef struct {
    uint32_t             hash;
    uint32_t             flags;
    genai_policy_text_t  text;
    uint32_t             defs[GENAI_POLICY_KINDS];  /* accepted, or NONE */
} genai_policy_symbol_t;


typedef enum {
    GENAI_DEF_WAITS = 0,
    GENAI_DEF_ACCEPTED,
    GENAI_DEF_LEFT                  /* out */
} genai_def_state_e;

typedef struct {
    genai_policy_object_t  object;
    genai_policy_list_t    digests;
    uint32_t               symbol;      /* the id */
    uint32_t               number;      /* in the snapshot */
    uint32_t               fragment;
    uint32_t               depth;       /* of a team; 0 is not known */
    unsigned               line;
    unsigned               line_team;   /* where it names them */
    unsigned               line_user;
    unsigned               line_plan;
    uint8_t                kind;        /* genai_policy_kind_e */
    uint8_t                state;       /* genai_def_state_e */
} genai_policy_def_t;


typedef struct {
    char                *name;
    uint32_t             scope;         /* a symbol, or NONE */
    int64_t              since;
    unsigned char        digest[GENAI_DIGEST_LEN];  /* of the text */
} genai_policy_fragment_t;


/* counts lines from where it was asked last */

typedef struct {
    const char          *text;
    size_t               offset;
    unsigned             line;
} genai_policy_lines_t;


struct genai_policy_builder_s {
    const volatile int  *stop;
    int                  failed;        /* GENAI_POLICY_BUILD_..., or 0 */

    genai_finding_t     *findings;
    genai_finding_t    **last;
    size_t               nfindings;
    size_t               lost;
    size_t               levels[GENAI_FINDING_BROKEN + 1];

    genai_policy_array_t fragments;     /* genai_policy_fragment_t */
    genai_policy_array_t defs;          /* genai_policy_def_t */
    genai_policy_array_t symbols;       /* genai_policy_symbol_t */
    genai_policy_array_t texts;         /* char */
    genai_policy_array_t limits;        /* genai_policy_limit_t */
    genai_policy_array_t patterns;      /* genai_policy_text_t */
    genai_policy_array_t pairs;         /* genai_policy_pair_t */
    genai_policy_array_t digests;       /* of GENAI_DIGEST_LEN bytes */

    uint32_t            *places;        /* of symbols, a hash table */
    uint32_t             nplaces;
    uint32_t             seed;          /* of them */
    uint64_t             secrets_seed[2];

    char                *revoked;
    size_t               revoked_len;
    int                  known;         /* secrets and providers are */

    genai_policy_text_t  revision;
    int                  revision_scoped;
    char                *zone;
    unsigned             zone_line;
    uint32_t             zone_fragment;
    genai_timezone_change_t
                         changes[GENAI_TIMEZONE_CHANGES];
    int                  nchanges;      /* 0: none brought, -1: broken */

    uint32_t             left;          /* objects that were left out */

    /* definitions, bytes of texts, of snapshots; without a scope, with one */
    uint32_t             counts[2][GENAI_POLICY_KINDS];
    uint64_t             sources[2];
    uint64_t             sizes[2];

    /* GENAI_POLICY_OBJECTS_MAX and _SIZE_MAX, but in tests */
    uint32_t             objects_max;
    uint64_t             size_max;
};


/* where a builder was before a fragment */

typedef struct {
    uint32_t             fragments;
    uint32_t             defs;
    uint32_t             symbols;
    uint32_t             texts;
    uint32_t             limits;
    uint32_t             patterns;
    uint32_t             pairs;
    uint32_t             digests;
    uint32_t             left;
    uint32_t             counts[2][GENAI_POLICY_KINDS];
    genai_policy_text_t  revision;
    int                  revision_scoped;
    int                  zone;          /* there was one */
    uint64_t             size;
} genai_policy_mark_t;


/* a fragment while it is read */

typedef struct {
    genai_policy_builder_t   *b;
    const char               *name;
    uint32_t                  fragment;
    genai_tape_t             *tape;
    genai_arena_t            *arena;    /* what lives as long as the tape */
    genai_policy_lines_t      lines;
    genai_policy_mark_t       mark;
    unsigned                  scoped;   /* 1: it has a scope */
    const char               *large;    /* what there is too much of */

    /* the object that is being read */
    genai_policy_kind_e       kind;
    genai_str_t               id;
    genai_policy_def_t        def;
    uint32_t                  wrong;    /* the value that is, or 0 */
} genai_policy_reader_t;


#define genai_policy_item(array, type, i)                                     \
    (&((type *) (array)->items)[i])

#define genai_policy_def(b, i)                                                \
    genai_policy_item(&(b)->defs, genai_policy_def_t, i)

#define genai_policy_symbol(b, i)                                             \
    genai_policy_item(&(b)->symbols, genai_policy_symbol_t, i)

#define genai_policy_fragment(b, i)                                           \
    genai_policy_item(&(b)->fragments, genai_policy_fragment_t, i)


/* genai_policy_symbol.c */

/* Room for n more items of that size, zeroed; NULL with b->failed set. */
void *genai_policy_push(genai_policy_builder_t *b, genai_policy_array_t *a,
    size_t size, uint32_t n);

uint32_t genai_policy_hash(uint32_t seed, const genai_str_t *s);

/*
 * The symbol of a text; it is made where there is none.  Returns its number,
 * or GENAI_POLICY_NONE with b->failed set.
 */
uint32_t genai_policy_intern(genai_policy_builder_t *b, const genai_str_t *s);

/* The same, but GENAI_POLICY_NONE where there is none. */
uint32_t genai_policy_interned(const genai_policy_builder_t *b,
    const genai_str_t *s);

/* Forgets what was interned since there were n symbols. */
void genai_policy_forget_symbols(genai_policy_builder_t *b, uint32_t n);

/* The text of a symbol: a view, until the next symbol is made. */
genai_str_t genai_policy_symbol_text(const genai_policy_builder_t *b,
    uint32_t symbol);


/* genai_policy_build.c */

/* Whether the building has to end, with b->failed set. */
int genai_policy_stopped(genai_policy_builder_t *b);

/* Whether a member is a comment: its name begins with "#" or "x-". */
int genai_policy_comment(const genai_tape_t *t, uint32_t name);


/*
 * genai_policy_bounds.c: notes where the builder is before a fragment; takes
 * all of the fragment back but what was said of it.
 */
void genai_policy_mark(genai_policy_reader_t *r);
void genai_policy_take_back(genai_policy_reader_t *r);

/* Bytes of a snapshot of all that there is, at most. */
uint64_t genai_policy_size(const genai_policy_builder_t *b);

/*
 * Whether there is room for one more definition of r; where there is not,
 * b->failed is GENAI_POLICY_BUILD_LARGE and r->large says why.
 */
int genai_policy_fits(genai_policy_reader_t *r);


/* genai_policy_line.c */

/* The line, from 1, of an offset, which must lie in the text. */
unsigned genai_policy_line(genai_policy_lines_t *lines, size_t offset);

/*
 * Writes a text as a log can have it: control characters and what is not
 * UTF-8 as \xNN, cut where it is longer than there is room for; of a key of
 * ours (genai_key_check()) its prefix only.  dst has size bytes, at least 8,
 * and is NUL-terminated.
 */
void genai_policy_clean(char *dst, size_t size, const char *src, size_t len);

/*
 * NULL, or what is wrong with a text that is to be shown, a static sentence:
 * it is empty, longer than max bytes, has control characters or blanks at its
 * ends.
 */
const char *genai_policy_text_wrong(const genai_str_t *s, size_t max);

/* A finding about a definition, at that line. */
void genai_policy_complain(genai_policy_builder_t *b, genai_finding_e level,
    const genai_policy_def_t *def, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));


/* genai_policy_object.c: reads one object; b->failed tells of errors */
void genai_policy_read_object(genai_policy_reader_t *r, uint32_t name);


/*
 * genai_policy_value.c: values.  What returns a text returns NULL, or what is
 * wrong, a static sentence, with r->wrong the value within the value that is,
 * where it is not that itself.  b->failed tells of other errors.
 */

/* A string's text, which may be in the arena; NULL data: no string. */
genai_str_t genai_policy_read_string(genai_policy_reader_t *r,
    uint32_t value);

/* A text that is to be shown, and kept. */
const char *genai_policy_read_text(genai_policy_reader_t *r, uint32_t value,
    size_t max, uint32_t *symbol);

/* A limit, as a string or an object, which becomes the last of b->limits. */
const char *genai_policy_read_limit(genai_policy_reader_t *r, uint32_t value);

const char *genai_policy_read_flag(genai_policy_reader_t *r, uint32_t value,
    uint32_t *flags, uint32_t flag);

/* A time as of RFC 3339, in seconds since the epoch. */
const char *genai_policy_read_time(genai_policy_reader_t *r, uint32_t value,
    int64_t *time);

/* A decimal number in millionths, from 0 to max. */
const char *genai_policy_read_millionths(genai_policy_reader_t *r,
    uint32_t value, uint32_t max, uint32_t *millionths);


/* genai_policy_merge.c: accepts definitions and looks references up */
void genai_policy_merge(genai_policy_builder_t *b);


/*
 * genai_policy_revoke.c: reads a list of what is revoked.  take gets whatever
 * a line may mean, an id or a digest, with NULL for the other: of a line with
 * "#" behind a blank the id is all of it and what stands before, as to revoke
 * too little is worse.  Where take does not return 0 the reading ends.
 *
 * text may be NULL where len is 0.  Returns how many lines are neither empty
 * nor a comment, of those that were read.
 */
typedef int (*genai_policy_take_pt)(void *data, const genai_str_t *id,
    const unsigned char *digest);

size_t genai_policy_read_revoked(const char *text, size_t len,
    genai_policy_take_pt take, void *data);


/* genai_policy_write.c */
void genai_policy_write(genai_policy_builder_t *b, uint64_t generation,
    int64_t now, void **data, size_t *size);


#endif /* _GENAI_POLICY_BUILD_INT_H_INCLUDED_ */
