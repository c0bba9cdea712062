/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Conversations in every dialect: the simulated provider reads a request with
 * the reader of its dialect and makes its answer once, as events, which the
 * dialect's encoder writes.  What the answer says is decided by the reader of
 * OpenAI's requests (genai_sim_request.h), for which the conversation is put
 * into the words that it knows.
 *
 * OpenAI's own answers are written by genai_sim_answer.c, which knows no more
 * than texts and one call; what is asked for beyond that comes from here.
 *
 * A talk belongs to one request, and to one thread.
 */


#ifndef _GENAI_SIM_TALK_H_INCLUDED_
#define _GENAI_SIM_TALK_H_INCLUDED_


#include "genai_sim_answer.h"

#include "genai_answer.h"
#include "genai_chat.h"


/* bytes of an answer that is not streamed, or that must be said again */
#define GENAI_SIM_TALK_MAX  (64 * 1024 * 1024)


typedef struct {
    const genai_dialect_t  *path;       /* of the path */
    const genai_dialect_t  *dialect;    /* of what is said */
    genai_arena_t           arena;      /* all that is read is in it */
    genai_request_t         parsed;
    genai_document_t        document;
    genai_chat_t            chat;
    genai_str_t             model;      /* decoded */

    genai_answer_head_t     head;
    unsigned char           id[48];
    void                   *encoder;    /* of a stream */
    genai_whole_t          *whole;      /* of any other answer */

    /* malloc'd: what was encoded and is not given yet */
    unsigned char          *out;
    size_t                  len;
    size_t                  size;
    size_t                  sent;

    uint64_t                thoughts;   /* tokens of a choice */
    uint64_t                said;       /* of its text, or of each call */
    uint64_t                cached;     /* of the prompt */
    uint64_t                fresh;      /* encoded, not given yet */
    unsigned                calls;
    unsigned                call;
    unsigned                state;
    unsigned                signed_for:1;   /* this choice */
    unsigned                refusal:1;
    unsigned                filter:1;
    unsigned                array:1;    /* gemini: a stream that is a JSON
                                           array */
    unsigned                begun:1;    /* that array */
    unsigned                framed:1;   /* a stream that is not of
                                           lines: Bedrock's */
} genai_sim_talk_t;


/*
 * Reads the body of a request to an endpoint that talks, or that counts the
 * tokens of such a one.  dialect is that of the path, which is decoded, for
 * those that have the model there; body must stay in place as long as the talk.
 *
 * Returns NULL, or a sentence that says what is wrong and lives as long as the
 * talk.  In both cases genai_sim_talk_free() is due.
 */
const char *genai_sim_talk_read(genai_sim_talk_t *t,
    const genai_dialect_t *dialect, genai_endpoint_e endpoint,
    const genai_str_t *path, const genai_str_t *body);

/*
 * Makes the request that decides what is said of a conversation that was
 * read.  Returns 0, or -1 with req->error set.  In both cases
 * genai_sim_request_free() is due.
 */
int genai_sim_talk_request(genai_sim_talk_t *t, genai_sim_request_t *req,
    const genai_str_t *body);

/*
 * A JSON text that says what was understood of the conversation: turns with
 * their parts, tools, what was asked of the answer.  Of media it has the type
 * and the number of bytes.
 *
 * Returns malloc'd text, terminated, or NULL when there is no memory.
 */
char *genai_sim_talk_digest(genai_sim_talk_t *t);

/*
 * Lets the answer, which genai_sim_answer_init() has prepared, be given in
 * the dialect and with all that o asks for.  array: a stream is a JSON array.
 *
 * Returns 0, or -1 where the answer is too long, or there is no memory.
 */
int genai_sim_talk_answer(genai_sim_talk_t *t, genai_sim_answer_t *a,
    const genai_sim_opts_t *o, unsigned array);

/*
 * Breaks a stream off with the dialect's event of an error, which is given
 * behind what was encoded.
 */
void genai_sim_talk_fail(genai_sim_talk_t *t);

/* What genai_sim_answer_due() and genai_sim_answer_rest() say of it. */
uint64_t genai_sim_talk_due(const genai_sim_talk_t *t,
    const genai_sim_answer_t *a);
uint64_t genai_sim_talk_rest(const genai_sim_talk_t *t);

void genai_sim_talk_free(genai_sim_talk_t *t);

/* Whether OpenAI's own writer cannot give what o asks for. */
int genai_sim_talk_needed(const genai_sim_opts_t *o);


#endif /* _GENAI_SIM_TALK_H_INCLUDED_ */
