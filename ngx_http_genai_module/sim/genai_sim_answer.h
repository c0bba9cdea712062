/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * An answer of the simulated provider, made as it is sent: it is pulled unit
 * by unit into whatever buffer there is, so that an answer of any length
 * takes the same memory.
 *
 * A unit of a stream is one event; a unit of a JSON answer is a token, or
 * what stands between tokens.  The texts are made up from a seed, or cut from
 * one that is given.
 */


#ifndef _GENAI_SIM_ANSWER_H_INCLUDED_
#define _GENAI_SIM_ANSWER_H_INCLUDED_


#include "genai_sim_opts.h"
#include "genai_sim_request.h"


/* room that every unit fits in */
#define GENAI_SIM_UNIT  4096

/* what all events of a stream begin with */
#define GENAI_SIM_HEAD  512


typedef struct genai_sim_answer_s  genai_sim_answer_t;

typedef unsigned char *(*genai_sim_unit_pt)(genai_sim_answer_t *a,
    unsigned char *p, unsigned char *end);


struct genai_sim_answer_s {
    genai_sim_unit_pt     unit;
    int                   state;

    uint64_t              seed;
    uint64_t              id;
    int64_t               created;
    genai_str_t           model;            /* raw */

    genai_str_t           text;             /* data == NULL: words */
    const char           *function;         /* NULL: no call */
    const char           *finish;
    unsigned              piece;

    uint64_t              prompt_tokens;
    uint64_t              steps;            /* tokens a choice */
    uint64_t              max_tokens;       /* of them, UINT64_MAX: any */
    unsigned              choices;

    unsigned              chat:1;
    unsigned              stream:1;
    unsigned              usage:1;          /* is to be sent */
    unsigned              base64:1;
    unsigned              one_input:1;

    /* where we are */

    unsigned              choice;
    uint64_t              step;
    size_t                offset;           /* in text */

    uint64_t              events;           /* given so far, [DONE] too */
    uint64_t              tokens;           /* given so far */
    uint64_t              reported;         /* tokens, in the usage given */

    /* embeddings */

    genai_sim_json_t      inputs;
    uint64_t              vector;           /* seed of the current one */
    unsigned              dimensions;
    double                scale;

    const void           *ledger;
    void                 *talk;             /* a genai_sim_talk_t */

    size_t                head_len;
    unsigned char         head[GENAI_SIM_HEAD];
};


/*
 * Prepares the answer to a good request; both req and o must outlive it.  id
 * should be different for each exchange, created is in seconds since the
 * epoch, len is the length of the request's body.
 */
void genai_sim_answer_init(genai_sim_answer_t *a, genai_sim_request_t *req,
    const genai_sim_opts_t *o, uint64_t id, int64_t created, size_t len);

/*
 * Prepares an answer that is this text, sent byte by byte as it is.  In a
 * stream a unit is what ends with an empty line.
 */
void genai_sim_answer_text(genai_sim_answer_t *a, const genai_str_t *text,
    unsigned stream);

/*
 * Writes the next unit to p, where at least GENAI_SIM_UNIT bytes are free.
 *
 * Returns the end of what was written; p itself when the answer is complete.
 */
static inline unsigned char *
genai_sim_answer_next(genai_sim_answer_t *a, unsigned char *p,
    unsigned char *end)
{
    return a->unit(a, p, end);
}

/*
 * The time at which the next unit is due, in tokens after the first one; 0
 * where it waits for none.
 */
uint64_t genai_sim_answer_due(const genai_sim_answer_t *a);

/* The bytes that are still to come, without giving any. */
uint64_t genai_sim_answer_rest(const genai_sim_answer_t *a);

/* an error event; returns its end */
unsigned char *genai_sim_answer_error(unsigned char *p);

unsigned char *genai_sim_put_uint(unsigned char *p, uint64_t n);
unsigned char *genai_sim_put_hex(unsigned char *p, uint64_t n);

#define genai_sim_put(p, text)                                                \
    ((unsigned char *) memcpy(p, text, sizeof(text) - 1) + sizeof(text) - 1)

#define genai_sim_put_str(p, s)                                               \
    ((unsigned char *) memcpy(p, (s)->data, (s)->len) + (s)->len)


/* what a request of that many bytes is said to have */

static inline uint64_t
genai_sim_prompt_tokens(size_t len)
{
    return (len < 4) ? 1 : len / 4;
}

/*
 * Where the piece of a given text that begins at from ends, never within a
 * character; and how many pieces it has.
 */
size_t genai_sim_answer_piece(const genai_sim_answer_t *a, size_t from);
uint64_t genai_sim_answer_pieces(const genai_sim_answer_t *a);

/*
 * The word of that number that a seed gives, a view; the first one has no
 * blank in front.
 */
void genai_sim_word(uint64_t seed, uint64_t n, genai_str_t *word);


/* internal, for genai_sim_embed.c */

unsigned char *genai_sim_embed_unit(genai_sim_answer_t *a, unsigned char *p,
    unsigned char *end);


#endif /* _GENAI_SIM_ANSWER_H_INCLUDED_ */
