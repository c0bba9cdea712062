/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The catalogue: what is known of a model by its name.  Which vocabulary
 * counts for it, and whether exactly; what its provider puts around a
 * request's texts; how many tokens go in and come out; what they cost.
 *
 * It is made of JSON documents, docs/CATALOG.md, of which a later one overlays
 * the earlier ones field by field: ours comes with the module, the operator's
 * follows.  Then nothing writes to it any more, and all memory is of one
 * arena: made before a fork it is shared by all processes.
 *
 *    c = genai_catalog_create(arena);
 *    genai_catalog_add(c, "models.json", &text)         for each, in order
 *    genai_catalog_done(c)
 *    c's findings are what there is to say
 *
 * A name is looked for as it is; then without what stands before its last
 * slash ("openai/gpt-4o", "publishers/google/models/gemini-2.5-pro"); then
 * without the prefixes that the documents list ("us.anthropic.").  Each time
 * an entry of that very name is first, then the pattern, a name that ends
 * with an asterisk, with the longest beginning.  Case is ignored.
 */


#ifndef _GENAI_CATALOG_H_INCLUDED_
#define _GENAI_CATALOG_H_INCLUDED_


#include <stdint.h>

#include "genai_arena.h"
#include "genai_price.h"
#include "genai_str.h"


/* bytes of a model's name; of any other text; of one document */
#define GENAI_CATALOG_NAME_MAX  256
#define GENAI_CATALOG_TEXT_MAX  128
#define GENAI_CATALOG_FILE_MAX  ((size_t) 16 << 20)

/* tokens that anything may be said to have */
#define GENAI_CATALOG_TOKENS_MAX  1000000000

/* prefixes of names; findings that are kept */
#define GENAI_CATALOG_PREFIXES  256
#define GENAI_CATALOG_FINDINGS  1000


/*
 * How a request is framed: genai_framing.h.  The order is that of
 * genai_framing_name().
 */

typedef enum {
    GENAI_FRAMING_NONE = 0,         /* the texts alone */
    GENAI_FRAMING_OPENAI,           /* ChatML: GPT-3.5 to GPT-4.1 */
    GENAI_FRAMING_OPENAI5,          /* harmony, hosted: GPT-5, o-series */
    GENAI_FRAMING_GPT_OSS,          /* harmony, with its system message */
    GENAI_FRAMING_CHATML,           /* plain ChatML */
    GENAI_FRAMING_QWEN25,
    GENAI_FRAMING_QWEN3,
    GENAI_FRAMING_LLAMA2,
    GENAI_FRAMING_LLAMA3,
    GENAI_FRAMING_LLAMA31,          /* with its date lines */
    GENAI_FRAMING_LLAMA4,
    GENAI_FRAMING_DEEPSEEK3,        /* V3, R1 */
    GENAI_FRAMING_DEEPSEEK31,       /* V3.1 and later */
    GENAI_FRAMING_MISTRAL1,         /* "[INST]" is text */
    GENAI_FRAMING_MISTRAL3,         /* "[INST]" is a token */
    GENAI_FRAMING_MISTRAL7,         /* and so is the system prompt's */
    GENAI_FRAMING_MISTRAL15,        /* with its settings */
    GENAI_FRAMING_PHI3,
    GENAI_FRAMING_PHI4,
    GENAI_FRAMING_GEMMA,
    GENAI_FRAMING_GEMINI,
    GENAI_FRAMING_CLAUDE,
    GENAI_FRAMING_COHERE,
    GENAI_FRAMING_GROK,
    GENAI_FRAMING_NOVA,
    GENAI_FRAMING_SONAR,
    GENAI_FRAMING_CLS,              /* embeddings: a token at each end */
    GENAI_FRAMING_LAST
} genai_framing_e;


/* how an image becomes tokens; a and b by rule */

typedef enum {
    GENAI_IMAGE_UNKNOWN = 0,
    GENAI_IMAGE_TILES,              /* a + b for each of 512 pixels squared,
                                       OpenAI's high detail; a for low */
    GENAI_IMAGE_PATCHES,            /* a / 1000 for each of 32 pixels
                                       squared, b of these at most */
    GENAI_IMAGE_AREA,               /* pixels / a, b tokens at most */
    GENAI_IMAGE_GRID,               /* for each of a pixels squared, and one
                                       for each row of them; sides of b pixels
                                       at most */
    GENAI_IMAGE_FIXED               /* a */
} genai_image_rule_e;


/* how a model is told how much to think */

typedef enum {
    GENAI_THINKING_NONE = 0,        /* not at all, or nobody knows */
    GENAI_THINKING_BUDGET,          /* by a number of tokens */
    GENAI_THINKING_EFFORT           /* by a word */
} genai_thinking_e;


/* what may be asked with, and for */

#define GENAI_MODALITY_TEXT    0x01
#define GENAI_MODALITY_IMAGE   0x02
#define GENAI_MODALITY_AUDIO   0x04
#define GENAI_MODALITY_VIDEO   0x08
#define GENAI_MODALITY_FILE    0x10


typedef struct genai_catalog_model_s  genai_catalog_model_t;

/* views live as long as the catalogue; what is not said is 0 */

struct genai_catalog_model_s {
    genai_str_t              name;      /* the entry's, folded, an asterisk at
                                           its end left out */
    genai_str_t              vendor;
    genai_str_t              tokenizer; /* a vocabulary's name */
    uint32_t                 vocab;     /* its number, from 0, equal for equal
                                           names; GENAI_CATALOG_NO_VOCAB */

    /*
     * Tokens of the model for one of that vocabulary: what is likely, and
     * what is exceeded by one request in a thousand.  1 and 1 where the
     * vocabulary is the model's own.
     */
    double                   factor;
    double                   factor_max;

    /*
     * Which vocabulary counts where there is no file for that one, such as
     * for a licence that does not let it be shipped; then the count is an
     * estimate with these factors.
     */
    genai_str_t              fallback;  /* or an empty text */
    uint32_t                 fallback_vocab;
    double                   fallback_factor;
    double                   fallback_max;

    uint64_t                 context;   /* tokens in and out together */
    uint64_t                 input;     /* in, where that is less */
    uint64_t                 output;    /* out */

    genai_price_t            price;     /* finished; ask it for priced */
    const char              *price_file;    /* where it was said last */

    uint32_t                 image_a;
    uint32_t                 image_b;
    uint8_t                  image;     /* a genai_image_rule_e */
    uint8_t                  framing;   /* a genai_framing_e */
    uint8_t                  modalities;
    uint8_t                  thinking;  /* a genai_thinking_e */
    unsigned                 exact:1;   /* the vocabulary is the model's */
    unsigned                 pattern:1;
    unsigned                 embedding:1;   /* it answers with vectors */

    /* where it was said last */
    const char              *file;
    unsigned                 line;

    /* its own */
    const genai_catalog_model_t  *shorter;
    genai_catalog_model_t   *next;
    genai_str_t              like;
    uint32_t                 said;
    unsigned                 no_price:1;
    unsigned                 removed:1;
    unsigned                 state:2;
};

#define GENAI_CATALOG_NO_VOCAB  UINT32_MAX


typedef enum {
    GENAI_CATALOG_WARN = 0,
    GENAI_CATALOG_LEFT_OUT,         /* an entry */
    GENAI_CATALOG_BROKEN            /* a document */
} genai_catalog_level_e;


typedef struct genai_catalog_finding_s  genai_catalog_finding_t;

struct genai_catalog_finding_s {
    genai_catalog_level_e     level;
    const char               *file;
    unsigned                  line;     /* from 1 */
    const char               *object;   /* "models.gpt-4o*", or "" */
    const char               *text;     /* one sentence, printable */
    genai_catalog_finding_t  *next;
};


/* where a vendor's prices are from: views, as long as the catalogue */

typedef struct genai_catalog_source_s  genai_catalog_source_t;

struct genai_catalog_source_s {
    genai_str_t               vendor;
    genai_str_t               dated;    /* the day they were seen, YYYY-MM-DD */
    genai_str_t               url;

    /* its own */
    const char               *file;
    genai_catalog_source_t   *next;
};


typedef struct genai_catalog_s  genai_catalog_t;


/* An empty catalogue in the arena, or NULL when there is no memory. */
genai_catalog_t *genai_catalog_create(genai_arena_t *arena);

/*
 * Adds a document; file is how findings call it.  Neither is needed
 * afterwards.  What is wrong with an entry leaves that entry out, what is
 * wrong with the document leaves out all of it, and a finding says so.
 *
 * Returns 0; 1 where it was left out; -1 when there is no memory, after which
 * the catalogue is good for nothing.
 */
int genai_catalog_add(genai_catalog_t *c, const char *file,
    const genai_str_t *text);

/*
 * Makes it ready to be asked: nothing may be added afterwards.  Returns 0, or
 * -1 when there is no memory.
 */
int genai_catalog_done(genai_catalog_t *c);

/* The findings so far, in their order; how many more were not kept. */
const genai_catalog_finding_t *genai_catalog_findings(
    const genai_catalog_t *c);
size_t genai_catalog_findings_lost(const genai_catalog_t *c);

/*
 * What is known of a model, or NULL.  Takes well below a microsecond, and no
 * memory; safe in any threads at once.
 */
const genai_catalog_model_t *genai_catalog_find(const genai_catalog_t *c,
    const genai_str_t *name);

/*
 * The same; *rest becomes what the name has behind the entry's own, a view of
 * name: empty where the entry is no pattern.  Nothing found leaves it as it
 * is.
 */
const genai_catalog_model_t *genai_catalog_match(const genai_catalog_t *c,
    const genai_str_t *name, genai_str_t *rest);

/*
 * Whether what is behind a pattern's beginning, or nothing, tells no more
 * than a date, a version or a state: "-2024-08-06", "-20250929-v1:0",
 * "-preview-05-06", "@001".  "-mini", "-8b", ".5" and "-7" do, for they are
 * the names of other models.
 */
int genai_catalog_version(const genai_str_t *rest);

/*
 * All entries in the order of their names, of *n; the names of the
 * vocabularies, by number, of *n; the revision of the last document that
 * tells one, or an empty text.
 */
const genai_catalog_model_t *const *genai_catalog_models(
    const genai_catalog_t *c, size_t *n);
const genai_str_t *genai_catalog_vocabs(const genai_catalog_t *c, size_t *n);
const genai_str_t *genai_catalog_revision(const genai_catalog_t *c);

/*
 * Where a model's price is from; NULL where the document that told it last
 * does not say so of its vendor.
 */
const genai_catalog_source_t *genai_catalog_price_source(
    const genai_catalog_t *c, const genai_catalog_model_t *m);

/* "warning", "left out", "broken": static texts. */
const char *genai_catalog_level(genai_catalog_level_e level);

/* "openai" and so on, a static text; the family of a name, or LAST. */
const char *genai_framing_name(genai_framing_e framing);
genai_framing_e genai_framing_by_name(const genai_str_t *name);


#endif /* _GENAI_CATALOG_H_INCLUDED_ */
