/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the catalogue share; nobody else includes it.
 */


#ifndef _GENAI_CATALOG_INT_H_INCLUDED_
#define _GENAI_CATALOG_INT_H_INCLUDED_


#include "genai_catalog.h"
#include "genai_tape.h"


/* what an entry says itself, of said */
#define GENAI_CATALOG_SAYS_VENDOR      0x0001
#define GENAI_CATALOG_SAYS_TOKENIZER   0x0002
#define GENAI_CATALOG_SAYS_FACTOR      0x0004
#define GENAI_CATALOG_SAYS_FRAMING     0x0008
#define GENAI_CATALOG_SAYS_CONTEXT     0x0010
#define GENAI_CATALOG_SAYS_INPUT       0x0020
#define GENAI_CATALOG_SAYS_OUTPUT      0x0040
#define GENAI_CATALOG_SAYS_MODALITIES  0x0080
#define GENAI_CATALOG_SAYS_IMAGE       0x0100
#define GENAI_CATALOG_SAYS_KIND        0x0200
#define GENAI_CATALOG_SAYS_LIKE        0x0400
#define GENAI_CATALOG_SAYS_FALLBACK    0x0800
#define GENAI_CATALOG_SAYS_PRICE       0x1000
#define GENAI_CATALOG_SAYS_THINKING    0x2000


typedef struct {
    genai_str_t                    text;        /* folded */
} genai_catalog_prefix_t;


struct genai_catalog_s {
    genai_arena_t                 *arena;
    genai_str_t                    revision;

    /* while documents come: all entries, the latest first, hashed by name */
    genai_catalog_model_t        **buckets;
    uint32_t                       nbuckets;
    uint32_t                       nentries;

    genai_catalog_prefix_t         prefixes[GENAI_CATALOG_PREFIXES];
    uint32_t                       nprefixes;
    uint8_t                        first[256];  /* a prefix begins with it */

    /* then: sorted by name, a name before the pattern of the same text */
    const genai_catalog_model_t  **models;
    uint32_t                       nmodels;
    genai_str_t                   *vocabs;
    uint32_t                       nvocabs;

    genai_catalog_source_t        *sources;     /* the latest first */

    genai_catalog_finding_t       *findings;
    genai_catalog_finding_t      **last;
    size_t                         nfindings;
    size_t                         lost;
};


typedef struct {
    genai_catalog_t        *c;
    const char             *file;
    genai_tape_t            tape;
    genai_arena_t           arena;      /* of the tape and of decoded texts */

    /* of the entry that is being read */
    char                    object[GENAI_CATALOG_NAME_MAX + 16];
    genai_catalog_model_t   model;
    int                     bad;

    /* how far lines were counted */
    size_t                  offset;
    unsigned                line;
} genai_catalog_reader_t;


/*
 * The entry of a folded name, made where there is none.  Returns NULL when
 * there is no memory, or where it is not there and make is 0.
 */
genai_catalog_model_t *genai_catalog_entry(genai_catalog_t *c,
    const genai_str_t *name, int pattern, int make);

/* Makes an entry one that says nothing, but for its name. */
void genai_catalog_clear(genai_catalog_model_t *m);

/* Adds a finding, in the printf manner; it is cut at some hundred bytes. */
void genai_catalog_finding(genai_catalog_t *c, genai_catalog_level_e level,
    const char *file, unsigned line, const char *object, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/* A terminated copy in the arena, folded to lower case if so asked. */
int genai_catalog_copy(genai_catalog_t *c, genai_str_t *dst,
    const genai_str_t *src, int fold);

/*
 * Reads the fields of the object at i into r->model; r->bad is set where the
 * entry is to be left out.  Returns 0, or -1 when there is no memory.
 */
int genai_catalog_fields(genai_catalog_reader_t *r, uint32_t i);

/* Puts what one entry says over what another one has said. */
void genai_catalog_merge(genai_catalog_model_t *to,
    const genai_catalog_model_t *from);

/*
 * Reads a price into r->model, and where prices are from.  Return 0; 1 where
 * it is wrong, after a finding; -1: no memory.
 */
int genai_catalog_price(genai_catalog_reader_t *r, uint32_t i);
int genai_catalog_prices(genai_catalog_reader_t *r, uint32_t i);

/*
 * A text in printable ASCII, copied for the catalogue; a word has no blanks.
 * Returns 0; 1 where it is none, after a finding: what; -1: no memory.
 */
int genai_catalog_text(genai_catalog_reader_t *r, uint32_t i,
    genai_str_t *dst, const char *what, int word);

/* A whole number up to max.  Returns 0, or -1 where it is none. */
int genai_catalog_int(genai_catalog_reader_t *r, uint32_t i, uint64_t max,
    uint64_t *value);

/* Complains of the value or name at i: of its entry, else of the document. */
void genai_catalog_wrong(genai_catalog_reader_t *r, uint32_t i,
    const char *what);

/* Whether a member is a comment, or somebody else's. */
int genai_catalog_ignored(genai_catalog_reader_t *r, uint32_t key);

/* The text of a string, as long as the reader.  0, or -1: no memory. */
int genai_catalog_decode(genai_catalog_reader_t *r, uint32_t i,
    genai_str_t *s);

/*
 * Whether a name stands twice in the object at i, folded: 1 after a finding,
 * 0, or -1 when there is no memory.
 */
int genai_catalog_twice(genai_catalog_reader_t *r, uint32_t i);

/* The order of names; whether one begins with the other. */
int genai_catalog_compare(const genai_str_t *a, const genai_str_t *b);
int genai_catalog_begins(const genai_str_t *name, const genai_str_t *with);



#endif /* _GENAI_CATALOG_INT_H_INCLUDED_ */
