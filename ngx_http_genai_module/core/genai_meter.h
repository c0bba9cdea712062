/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The meter: what an exchange used, in tokens, and how that is known.  It is
 * fed with the events of an answer; what the provider tells at last counts.
 * Where it tells nothing, as when it died or the client left, it is what we
 * have counted ourselves; where nobody has, 4 bytes are a token.
 *
 * A meter belongs to one thread.
 */


#ifndef _GENAI_METER_H_INCLUDED_
#define _GENAI_METER_H_INCLUDED_


#include "genai_event.h"


typedef enum {
    GENAI_COUNT_NONE = 0,       /* nothing was used */
    GENAI_COUNT_PROVIDER,       /* the provider has told all of it */
    GENAI_COUNT_EXACT,          /* counted by the model's own tokenizer */
    GENAI_COUNT_ESTIMATED
} genai_count_e;


typedef struct {
    genai_usage_t      usage;   /* each number as it was told last */
    uint64_t           prompt;  /* bytes of the request's texts */
    uint64_t           answer;  /* bytes of what the model has said */
    uint64_t           told;    /* of these, said before usage was told */
    uint64_t           said;    /* of these, that our tokens are of */
    int64_t            told_tokens; /* ours when usage was told, or -1: they
                                       were not of all that was said */
    int64_t            prompt_tokens;   /* as we count them, or -1 */
    int64_t            answer_tokens;   /* of what was said so far, or -1 */
    int64_t            reasoning_tokens;
    genai_finish_e     finish;  /* of the choice that ended last */
    genai_end_e        end;
    unsigned           sent:1;  /* the request went to a provider */
    unsigned           refused:1;       /* which gave no answer to it */
    unsigned           begun:1; /* an answer has begun */
    unsigned           ended:1; /* and ended, as end tells */
    unsigned           finished:1;
    unsigned           error:1; /* the provider has told an error */
    unsigned           usage_known:1;
    unsigned           prompt_exact:1;  /* our counts are the provider's */
    unsigned           answer_exact:1;
    unsigned           silent:1;        /* what is asked for is answered with
                                           no text, as embeddings are */
} genai_meter_t;


/* tokens; none is negative */

typedef struct genai_tokens_s  genai_tokens_t;

struct genai_tokens_s {
    int64_t            prompt;  /* with the cached ones */
    int64_t            cached;
    int64_t            completion;      /* with the reasoning ones, as far as
                                           the provider has them so */
    int64_t            reasoning;

    /* as the provider has told them, else 0 */
    int64_t            written_5m;      /* of the prompt, to a cache */
    int64_t            written_1h;
    int64_t            image;           /* of the prompt */
    int64_t            audio;
    int64_t            cached_audio;
    int64_t            audio_output;    /* of the completion */

    genai_count_e      source;
};


/* Begins to meter; prompt is in bytes, of all texts of the request. */
void genai_meter_init(genai_meter_t *m, uint64_t prompt);

/*
 * An attempt begins: what the one before it said is forgotten, but not what
 * is known of the request, our count of it and whether it is silent.
 */
void genai_meter_attempt(genai_meter_t *m);

/*
 * Our own counts, in tokens: of the request, for the target that it goes to;
 * of all that was said so far, of which reasoning are those that were
 * thought.  exact: they are what the provider would tell.
 */
void genai_meter_prompt(genai_meter_t *m, int64_t tokens, int exact);
void genai_meter_said(genai_meter_t *m, uint64_t tokens, uint64_t reasoning,
    int exact);

/* Takes an event of the answer; copies are not counted again. */
void genai_meter_event(genai_meter_t *m, const genai_event_t *e);

/*
 * What has been used so far.  What the provider has not told is counted: the
 * prompt where an answer has begun, or where the request was sent and not
 * refused; the answer as far as it came and was not in the usage that the
 * provider told last.  Where a text was asked for and none has come yet,
 * tokens may have been spent that nobody sees: that is no exact count.  A
 * number that cannot be, above 2^24 and a hundred for each byte of the text
 * that it is of, was not told.
 */
void genai_meter_tokens(const genai_meter_t *m, genai_tokens_t *tokens);

/* "provider", "exact", "estimated", "none": static texts. */
const genai_str_t *genai_count_name(genai_count_e source);


#endif /* _GENAI_METER_H_INCLUDED_ */
