/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tokens of an answer, counted while it comes: what a stream has said is
 * known at any time, whether or not its provider tells a usage.
 *
 * An answer is several texts: what each choice says, thinks, refuses, and
 * calls each of its tools with.  Each is one text to its tokenizer, whatever
 * pieces it comes in, and has a counter of its own while pieces of it come.
 * Of GENAI_ANSWER_TEXTS that are open at once the one that was silent for
 * longest ends; should it go on, its next piece is another text and the
 * count is no longer exact.  Nor is it of a text with a run that cannot be cut
 * within GENAI_COUNTER_TAIL bytes: where that is cut depends on the pieces in
 * which it came, so that one text may have a few tokens more or less.
 *
 * It belongs to one thread at a time.
 */


#ifndef _GENAI_ANSWER_COUNT_H_INCLUDED_
#define _GENAI_ANSWER_COUNT_H_INCLUDED_


#include "genai_counter.h"
#include "genai_event.h"


/* bytes of an event that are counted at once */
#define GENAI_ANSWER_PIECE  4096

/* bytes that are held, see genai_answer_count_hold() */
#define GENAI_ANSWER_HELD   4096

/* texts that are open at once; a counter each, see genai_counter_t */
#define GENAI_ANSWER_TEXTS  4


typedef enum {
    GENAI_ANSWER_TEXT = 0,
    GENAI_ANSWER_REASONING,
    GENAI_ANSWER_REFUSAL,
    GENAI_ANSWER_CALL_NAME,
    GENAI_ANSWER_ARGUMENTS,
    GENAI_ANSWER_KINDS
} genai_answer_kind_e;


/* what was said so far */

typedef struct {
    uint64_t             tokens[GENAI_ANSWER_KINDS];
    uint32_t             texts[GENAI_ANSWER_KINDS];
    uint64_t             open;          /* by how much the tokens may be too
                                           few: of open texts a part is counted
                                           by its length */
    uint32_t             choices;       /* that have said anything */
    unsigned             exact:1;       /* the tokens are those of the whole
                                           texts: they have all ended, and
                                           nothing was cut or is no text */
} genai_answer_said_t;


typedef struct genai_answer_count_s  genai_answer_count_t;


/*
 * Begins to count; v and cache, which may be NULL, must outlive it.  Memory
 * is of malloc(): a few hundred bytes, and a counter for each open text.
 * Returns NULL when there is none.
 */
genai_answer_count_t *genai_answer_count_create(const genai_vocab_t *v,
    genai_bpe_cache_t *cache);

void genai_answer_count_destroy(genai_answer_count_t *ac);

/*
 * To be called first, where most likely nobody will ask: what is said is held
 * in memory, and counted when genai_answer_count_peek() or _end() asks for it,
 * or when it has become more than GENAI_ANSWER_HELD bytes.  It makes no
 * difference to what is counted at the end.
 */
void genai_answer_count_hold(genai_answer_count_t *ac);

/* Returns 1 while all that was said is held, and nothing was counted. */
int genai_answer_count_held(const genai_answer_count_t *ac);

/*
 * Takes an event; those that say nothing, or again what another has said, are
 * passed over.  Where there is no memory for a text it is counted by its
 * length, and no longer exactly.
 *
 * It takes as long as the event is large: who must not wait for megabytes
 * takes its pieces.
 */
void genai_answer_count_event(genai_answer_count_t *ac,
    const genai_event_t *e);

/*
 * Takes the next GENAI_ANSWER_PIECE bytes of the event's text; *pos, 0 at
 * first, is how many were taken.  The event must be the same until all are,
 * and no other one may come between.
 *
 * Returns 1 where there are more, else 0.
 */
int genai_answer_count_piece(genai_answer_count_t *ac,
    const genai_event_t *e, size_t *pos);

/*
 * What has been said so far; by length what may still change of open texts: the
 * last few words, or a few KiB of a run without end.
 */
void genai_answer_count_peek(genai_answer_count_t *ac,
    genai_answer_said_t *said);

/*
 * The same, counted as if the answer ended here: open is 0, unless there is no
 * memory.  What is open is counted again each time: 0.3 ms at most.
 */
void genai_answer_count_now(genai_answer_count_t *ac,
    genai_answer_said_t *said);

/* Ends all texts, as the answer has, and tells the final counts. */
void genai_answer_count_end(genai_answer_count_t *ac,
    genai_answer_said_t *said);


#endif /* _GENAI_ANSWER_COUNT_H_INCLUDED_ */
