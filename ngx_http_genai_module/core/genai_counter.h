/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Counts the tokens of a text, exactly as the reference implementation of the
 * vocabulary would: from added tokens, normalization and cutting to merging.
 * A text is either there as a whole, and is counted in place, in steps; or it
 * comes piece by piece, as that of a stream, and may be cut anywhere.
 *
 *     whole:   init, text until it is not AGAIN, done
 *     pieces:  init, feed ..., end, done
 *
 * Special tokens that stand in a text are text.  Where a text is not UTF-8,
 * each maximal part of an ill-formed sequence counts as U+FFFD (Unicode
 * Standard, 3.9, "Substitution of Maximal Subparts"), as it does for
 * browsers and for Python's errors='replace'.
 *
 * Of a stream only what may still change is kept, in a tail that begins small
 * and never has more than GENAI_COUNTER_TAIL bytes and what came last.  Of a
 * piece without an end, such as a run of letters, that is as much as its next
 * tokens depend on.  Where it is not known at all how far a piece reaches (a
 * line feed and then nothing but blanks, marks that must be put in order), and
 * more than that has come, it is cut there, and the counter is inexact.  A
 * whole text is always exact.
 *
 * So what a stream's piece costs is bound by its length and that of the tail:
 * one of 16 KiB keeps a processor for half a millisecond at most.
 *
 * A counter belongs to one thread at a time.
 */


#ifndef _GENAI_COUNTER_H_INCLUDED_
#define _GENAI_COUNTER_H_INCLUDED_


#include "genai_bpe.h"
#include "genai_split_long.h"


#define GENAI_COUNTER_TAIL   8192

/* pieces that are cut at once */
#define GENAI_COUNTER_ENDS   256

/* a budget without an end */
#define GENAI_COUNTER_ALL    ((size_t) -1)


typedef enum {
    GENAI_COUNTER_DONE = 0,
    GENAI_COUNTER_AGAIN,
    GENAI_COUNTER_ERROR = -1
} genai_counter_rc_e;


/* bytes that grow */

typedef struct {
    unsigned char  *data;
    size_t          len;
    size_t          size;
} genai_counter_buf_t;


typedef struct {
    uint64_t             tokens;        /* so far; of the text, once ended */
    unsigned             inexact:1;     /* see above */

    /* the rest is the counter's own */

    unsigned             failed:1;      /* there was no memory */
    unsigned             ended:1;
    unsigned             whole:1;       /* the text is there as a whole */
    unsigned             copied:1;      /* but goes through the tail, as it
                                           must be changed */
    unsigned             begun:1;       /* something has come */
    unsigned             fresh:1;       /* pos is where the text begins, or
                                           behind an added token */
    unsigned             inside:1;      /* pos is within a long piece */
    unsigned             hit:1;         /* an added token follows what is
                                           being cut */

    genai_bpe_t          bpe;

    /* what is being cut: the text, or the tail */

    size_t               pos;           /* all before is counted */
    size_t               window;        /* bytes that are cut at once */
    size_t               origin;        /* ends[] are from here */
    uint32_t             next;          /* of ends[] */
    uint32_t             nends;
    uint32_t             ends[GENAI_COUNTER_ENDS];

    genai_split_long_t   run;           /* a piece without an end, at pos */

    uint32_t             hit_len;
    uint32_t             hit_id;

    /* of a whole text */

    size_t               seen;          /* can be cut as it is, up to here */
    size_t               checked;       /* is UTF-8, up to here */
    size_t               look_try;      /* when so many bytes are checked */
    size_t               fed;           /* is copied, up to here */

    /* of what is copied */

    genai_counter_buf_t  raw;           /* UTF-8, but an added token may begin
                                           in it, or it may not be in NFC */
    genai_counter_buf_t  tail;          /* is being cut */
    size_t               raw_try;       /* with so many nothing is sure */
    size_t               raw_seen;      /* nothing can be cut before, */
    size_t               raw_found;     /* no added token begins before */
    struct genai_nfc_long_s  *nfc;      /* what is being normalized, */
    size_t               nfc_len;       /* so many bytes of raw; or NULL */
    size_t               tail_try;      /* also of a whole text */
    unsigned char        partial[4];    /* of a character that is cut */
    unsigned             npartial;
} genai_counter_t;


_Static_assert(sizeof(genai_counter_t) <= 8192, "a counter is small");


/*
 * Begins a text.  v, and cache, which is that of this thread or NULL, must
 * outlive it.  Allocates nothing.
 */
void genai_counter_init(genai_counter_t *c, const genai_vocab_t *v,
    genai_bpe_cache_t *cache);

/*
 * From now on sink is called with the id of each token, in their order; for
 * tools and tests.  To be called right after init.
 */
void genai_counter_ids(genai_counter_t *c, genai_bpe_sink_pt sink,
    void *data);

/*
 * Takes the next piece of a stream, of any length, cut anywhere.  Returns 0,
 * or -1 without memory, or where the expression of a loaded vocabulary gives
 * the text up (see genai_split_pattern.h).
 */
int genai_counter_feed(genai_counter_t *c, const genai_str_t *piece);

/*
 * The stream has ended: c->tokens is its count.  Returns as feed does; without
 * memory the count is of a part of the text.
 */
int genai_counter_end(genai_counter_t *c);

/*
 * The tokens of a stream's text if it ended here; it may go on.  Allocates
 * what is kept of it, and frees that.  Returns 0, or -1 without memory.
 */
int genai_counter_now(const genai_counter_t *c, uint64_t *tokens);

/*
 * Counts a whole text, which must stay as it is, in steps: a step ends soon
 * after budget units of work (see GENAI_BPE_WORK_PIECE; a unit is about
 * 10 ns), or when all is counted.
 *
 * Returns GENAI_COUNTER_AGAIN, when the same is to be called again;
 * GENAI_COUNTER_DONE, when c->tokens is the count; GENAI_COUNTER_ERROR as
 * feed does, but memory is needed only for a text that must be changed.
 */
int genai_counter_text(genai_counter_t *c, const genai_str_t *text,
    size_t budget);

/* Gives back what the counter keeps; it may be initialized again. */
void genai_counter_done(genai_counter_t *c);

/* Bytes of a stream that have come and are in no token of c->tokens yet. */
static inline size_t
genai_counter_pending(const genai_counter_t *c)
{
    return c->npartial + c->raw.len + (c->tail.len - c->pos);
}


#endif /* _GENAI_COUNTER_H_INCLUDED_ */
