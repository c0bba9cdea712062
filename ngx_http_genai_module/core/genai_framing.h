/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a provider counts for a request: the tokens of its texts, and those
 * that it puts around them, between messages, for names, tool definitions,
 * calls, schemas and images.  Each family of models has its own way
 * (genai_framing_e); docs/TOKENS.md says how each was found, and how often it
 * is what providers report.
 *
 * Nothing is counted here.  The result is a list of texts, each with how
 * often it counts, and a number to be added: the caller counts them with the
 * model's vocabulary, and may know many from before.
 *
 * An estimate comes with what it may be exceeded by, f->slack: so the sum and
 * the slack are a bound, as long as the vocabulary is the model's own.
 *
 *    genai_framing_init(&f, req, model, arena);
 *    while (genai_framing_run(&f, budget) == GENAI_FRAMING_AGAIN) ...
 *    n = f.fixed;
 *    for each item: n += item.times * tokens of its text
 *
 * A framing belongs to one thread at a time, together with its arena.
 */


#ifndef _GENAI_FRAMING_H_INCLUDED_
#define _GENAI_FRAMING_H_INCLUDED_


#include "genai_catalog.h"
#include "genai_request.h"


/* an item's text was made here */
#define GENAI_FRAMING_MADE   UINT32_MAX

/*
 * Bytes of a tool's definition, a call's arguments or a schema from which on
 * it is not rendered as the provider does it, but counted as it stands.
 */
#define GENAI_FRAMING_LARGE  65536


/* what genai_framing_run() returns */

#define GENAI_FRAMING_DONE    0
#define GENAI_FRAMING_AGAIN   1
#define GENAI_FRAMING_ERROR  -1     /* there is no memory */


/*
 * Why the sum is an estimate: the bits of f->estimated.  None: it is what
 * the provider reports, in all recordings that there are, as long as the
 * vocabulary is the model's own.
 */

#define GENAI_FRAMING_FAMILY     0x0001     /* nobody has recorded it */
#define GENAI_FRAMING_TOOLS      0x0002     /* what a tool may be */
#define GENAI_FRAMING_CALLS      0x0004     /* calls and their results */
#define GENAI_FRAMING_FORMAT     0x0008     /* response_format */
#define GENAI_FRAMING_NAMES      0x0010
#define GENAI_FRAMING_IMAGES     0x0020
#define GENAI_FRAMING_MEDIA      0x0040     /* audio, video, files */
#define GENAI_FRAMING_REASONING  0x0080
#define GENAI_FRAMING_UNCOVERED  0x0100     /* what this build does not know */
#define GENAI_FRAMING_EDGES      0x0200     /* white space around a text that
                                               a template trims or joins */
#define GENAI_FRAMING_TURNS      0x0400     /* more than one message */
#define GENAI_FRAMING_OPTIONS    0x0800     /* a member of the request that no
                                               recording has shown to be
                                               without effect */
#define GENAI_FRAMING_SEAMS      0x1000     /* parts that are one text, whose
                                               seam is within a long piece */
#define GENAI_FRAMING_MARKS      0x2000     /* a text has what may be read as
                                               a control token */


typedef struct {
    genai_str_t                   text;     /* decoded, where it was made */
    uint32_t                      segment;  /* of the request, else MADE */
    int32_t                       times;    /* how often; below 0 where a part
                                               of another one is taken off */
} genai_framing_item_t;


typedef struct genai_framing_s  genai_framing_t;

/* all but the first nine members are its own */

struct genai_framing_s {
    genai_framing_item_t         *items;
    uint32_t                      nitems;
    int64_t                       fixed;
    uint64_t                      media;    /* of fixed: images, audio, files */
    uint32_t                      estimated;
    uint32_t                      answer;   /* why a count of the answer is an
                                               estimate, whatever it says: the
                                               same bits */
    uint64_t                      slack;    /* tokens that the provider may
                                               count more, for the bits in
                                               estimated; once it is done */
    uint64_t                      largest;  /* of inputs of embeddings, and
                                               prompts, that are tokens: the
                                               largest one, in tokens; those
                                               that are texts are told apart
                                               by genai_prompt_t.largest */
    uint32_t                      around;   /* tokens around each of them */

    const genai_request_t        *req;
    const genai_catalog_model_t  *model;
    genai_arena_t                *arena;
    const struct genai_framing_family_s  *family;

    uint32_t                      room;

    uint32_t                      messages;     /* tape index of the array */
    uint32_t                      place;        /* of the message that the
                                                   walk is in, or 0 */
    uint32_t                      message;      /* its number, */
    uint32_t                      first;        /* its first segment, */
    uint32_t                      segment;      /* and the next one */
    uint32_t                      text;         /* its last text */
    uint32_t                      ntexts;
    uint32_t                      ncalls;
    size_t                        work;         /* bytes of its calls */
    size_t                        spent;        /* of the budget, in a step */
    uint32_t                      loose;        /* segment of its calls, which
                                                   are told as they stand */
    uint32_t                      turn;         /* message that a user said
                                                   last */
    uint32_t                      thought;      /* message whose reasoning was
                                                   told, + 1 */
    uint32_t                      called;       /* tape index of the last
                                                   calls that there were */
    uint32_t                      limit;        /* tape index behind the item
                                                   that the walk is in */
    uint32_t                      asked[16];    /* tape indexes of the last
                                                   items that are calls, */
    uint32_t                      nasked;       /* and how many there were */
    uint32_t                      known;        /* bits that are known to be
                                                   exact */
    uint32_t                      systems;      /* messages of this role */
    uint32_t                      system;       /* the first one's last text,
                                                   + 1 */

    uint64_t                      images_most;  /* of media: at most, */
    uint64_t                      called_bytes; /* and of what else is
                                                   estimated the raw bytes, */
    uint64_t                      thought_bytes;
    uint64_t                      other_bytes;
    uint64_t                      option_bytes;
    uint32_t                      ncalled;      /* and how many */
    uint32_t                      nothers;      /* members of the request */
    uint32_t                      nseams;
    uint32_t                      nforeign;     /* tools of another kind than
                                                   functions */

    uint32_t                      tools;        /* tape indexes: the array, */
    uint32_t                      tool;         /* its next element, */
    uint32_t                      chosen;       /* the one to be called, */
    uint32_t                      format;       /* a json_schema */
    uint32_t                      ntools;
    genai_str_t                   rendered;     /* all tools so far */
    size_t                        rendered_room;

    uint8_t                       role;         /* of the message, */
    uint8_t                       last;         /* and of the one before */
    uint8_t                       choice;
    uint8_t                       phase;
    uint8_t                       kind;         /* of the item, */
    uint8_t                       before;       /* and of the one before */
    unsigned                      by_item:1;    /* it is of the Responses
                                                   API */
    unsigned                      functions:1;  /* the older "functions" */
    unsigned                      json:1;       /* any JSON is asked for */
    unsigned                      parts:1;      /* the first system prompt has
                                                   several */
    unsigned                      marked:1;     /* genai_framing_marks() may
                                                   find any */
    int                           rc;
};


/*
 * Begins.  req was read to its end; model may be NULL: then the texts alone
 * are counted, as an estimate.  All memory comes from the arena.
 */
void genai_framing_init(genai_framing_t *f, const genai_request_t *req,
    const genai_catalog_model_t *model, genai_arena_t *arena);

/*
 * Goes on, for about budget bytes of the request or as much work as these are
 * (SIZE_MAX: to the end).  A tool, a call or a message is one step, of
 * GENAI_FRAMING_LARGE bytes at most; one that refers to itself again and
 * again is given up and counted as it stands.
 *
 * Returns GENAI_FRAMING_AGAIN, _DONE, or _ERROR; the last two for ever.
 */
int genai_framing_run(genai_framing_t *f, size_t budget);


/* an answer's texts, all choices together */

typedef struct {
    uint64_t                      text;         /* tokens; refusals too */
    uint64_t                      reasoning;
    uint64_t                      names;        /* of calls' functions */
    uint64_t                      arguments;
    uint32_t                      ncalls;
    uint32_t                      choices;      /* that have said anything */
    uint32_t                      estimated;    /* why any answer to that
                                                   request is an estimate:
                                                   f->answer */
    unsigned                      cut:1;        /* it did not end by itself:
                                                   the limit was reached, or
                                                   nobody knows */
} genai_framing_answer_t;

/*
 * The completion's tokens as the provider counts them.  *estimated gets the
 * bits of why, as above.
 */
uint64_t genai_framing_answer(const genai_catalog_model_t *model,
    const genai_framing_answer_t *answer, uint32_t *estimated);

/* The tokens of its end, which may be counted beyond those asked for. */
uint64_t genai_framing_answer_end(const genai_catalog_model_t *model);

/*
 * Whether what an answer shows may be less than what is billed for, as with
 * thoughts of which at most a summary is told.  Returns 1 or 0.
 */
int genai_framing_hides(const genai_catalog_model_t *model);


/*
 * The tokens of an image of that size, 0 by 0 where it is not known; low: at
 * low detail.  *exact becomes 0 where it is an estimate.
 */
uint64_t genai_framing_image(const genai_catalog_model_t *model,
    uint32_t width, uint32_t height, int low, int *exact);

/*
 * Whether raw[pos .. end), of a text of a request to that model, has what the
 * model's servers may read as a control token.  What begins before pos is found
 * as well.  It takes about as long as a scan of these bytes; pure, and safe in
 * any thread.
 */
int genai_framing_marks(const genai_catalog_model_t *model,
    const genai_str_t *raw, size_t pos, size_t end);

/* "images" and so on, the name of the lowest bit; a static text. */
const char *genai_framing_why(uint32_t bit);


#endif /* _GENAI_FRAMING_H_INCLUDED_ */
