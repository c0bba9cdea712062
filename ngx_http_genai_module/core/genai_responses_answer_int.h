/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the decoder of the Responses API share.  Of no use to
 * anybody else.
 */


#ifndef _GENAI_RESPONSES_ANSWER_INT_H_INCLUDED_
#define _GENAI_RESPONSES_ANSWER_INT_H_INCLUDED_


#include "genai_answer_frame.h"
#include "genai_responses_answer.h"


/* types of events */

enum {
    GENAI_RA_TYPE_NONE = 0,     /* not told, or not yet */
    GENAI_RA_TYPE_OTHER,
    GENAI_RA_TYPE_BEGIN,        /* of the response */
    GENAI_RA_TYPE_END,
    GENAI_RA_TYPE_ADDED,        /* of an item */
    GENAI_RA_TYPE_DONE,
    GENAI_RA_TYPE_PART_ADDED,
    GENAI_RA_TYPE_PART_DONE,
    GENAI_RA_TYPE_TEXT,         /* a delta, and as the three that follow: */
    GENAI_RA_TYPE_REFUSAL,
    GENAI_RA_TYPE_SUMMARY,
    GENAI_RA_TYPE_THOUGHT,
    GENAI_RA_TYPE_ARGUMENTS,
    GENAI_RA_TYPE_INPUT,
    GENAI_RA_TYPE_TEXT_DONE,    /* in the same order */
    GENAI_RA_TYPE_REFUSAL_DONE,
    GENAI_RA_TYPE_SUMMARY_DONE,
    GENAI_RA_TYPE_THOUGHT_DONE,
    GENAI_RA_TYPE_ARGUMENTS_DONE,
    GENAI_RA_TYPE_INPUT_DONE,
    GENAI_RA_TYPE_MEDIA,
    GENAI_RA_TYPE_ERROR
};


/* kinds of items, and of parts */

enum {
    GENAI_RA_KIND_NONE = 0,     /* not known */
    GENAI_RA_KIND_OTHER,
    GENAI_RA_KIND_MESSAGE,      /* a part: output_text */
    GENAI_RA_KIND_REASONING,    /* reasoning_text */
    GENAI_RA_KIND_SUMMARY,      /* summary_text */
    GENAI_RA_KIND_FUNCTION,
    GENAI_RA_KIND_CUSTOM,
    GENAI_RA_KIND_IMAGE
};


/* which item is being read */

enum {
    GENAI_RA_PLACE_NONE = 0,
    GENAI_RA_PLACE_ITEM,        /* of an event that adds or ends one */
    GENAI_RA_PLACE_LISTED       /* of the output of a response */
};


/* what is done with the string that is being read */

enum {
    GENAI_RA_STRING_IDLE = 0,
    GENAI_RA_STRING_SKIP,
    GENAI_RA_STRING_TELL,
    GENAI_RA_STRING_HOLD
};


/* where a string stands */

enum {
    GENAI_RA_FROM_DELTA = 0,
    GENAI_RA_FROM_TEXT,         /* what deltas have said: */
    GENAI_RA_FROM_REFUSAL,
    GENAI_RA_FROM_ARGUMENTS,
    GENAI_RA_FROM_INPUT,
    GENAI_RA_FROM_PART_TEXT,
    GENAI_RA_FROM_PART_REFUSAL,
    GENAI_RA_FROM_SUMMARY,      /* within an item, as those that follow */
    GENAI_RA_FROM_ITEM_ARGUMENTS,
    GENAI_RA_FROM_ITEM_INPUT,
    GENAI_RA_FROM_SEALED
};


/* what a string is, and what an item has said */

#define GENAI_RA_SAID_TEXT       0x01
#define GENAI_RA_SAID_REFUSAL    0x02
#define GENAI_RA_SAID_SUMMARY    0x04
#define GENAI_RA_SAID_THOUGHT    0x08
#define GENAI_RA_SAID_ARGUMENTS  0x10
#define GENAI_RA_SAID_INPUT      0x20
#define GENAI_RA_SAID_SEALED     0x40
#define GENAI_RA_SAID_IMAGE      0x80


/* genai_responses_value.c: what the scanner finds */

/* Prepares the scanner, and what is known of an event, for a text. */
void genai_ra_read(genai_responses_answer_t *a);


/* genai_responses_item.c: what a string is, and of which item */

/* Handles a piece of a string that is said.  Returns 0, or -1. */
int genai_ra_piece(genai_responses_answer_t *a, const genai_push_value_t *v,
    unsigned source);

/*
 * Tells what is held; all that will be known of it is known.  Returns 0, or
 * -1 when the handler has stopped.
 */
int genai_ra_release(genai_responses_answer_t *a);

/* An item of the output begins, the nth. */
void genai_ra_listed(genai_responses_answer_t *a, unsigned index);

/*
 * An item has been read: tells what has not been told.  Returns as above.
 */
int genai_ra_item_end(genai_responses_answer_t *a, uint64_t end);

/* The event has been read: the item that it was of is remembered so. */
void genai_ra_item_place(genai_responses_answer_t *a);


/* genai_responses_find.c: which item */

/*
 * The item that is read, or that says what is a GENAI_RA_SAID_.  Returns NULL
 * where that is not known yet, which with force is not returned.
 */
genai_responses_item_t *genai_ra_item(genai_responses_answer_t *a,
    unsigned what, unsigned force);

/* What is read says again what was told by an item that is not known. */
void genai_ra_forgotten(genai_responses_answer_t *a);

/*
 * The last open item of a kind, or of any where that is none, and how many
 * there are; the one of an index in the output.  Return NULL for none.
 */
genai_responses_item_t *genai_ra_open(genai_responses_answer_t *a,
    unsigned kind, unsigned *n);
genai_responses_item_t *genai_ra_at(genai_responses_answer_t *a,
    unsigned index);

/* A new item; notes its index, when that is known. */
genai_responses_item_t *genai_ra_new(genai_responses_answer_t *a,
    unsigned kind);
void genai_ra_index(genai_responses_answer_t *a,
    genai_responses_item_t *item);

/* The kind of an item that says it; the hash of an id, 0 for none. */
unsigned genai_ra_kind_of(unsigned what);
uint32_t genai_ra_hash(const genai_responses_word_t *w);


/* genai_responses_answer.c: what becomes of it */

/* Hands an event out.  Returns what the handler returned. */
int genai_ra_say(genai_responses_answer_t *a, genai_event_t *e);

/* Tells START where it has not been told.  Returns 0, or -1. */
int genai_ra_start(genai_responses_answer_t *a, uint64_t offset,
    genai_field_e field);


static inline void
genai_ra_word(genai_str_t *s, const genai_responses_word_t *w)
{
    s->data = (unsigned char *) w->data;
    s->len = (w->n > GENAI_RESPONSES_WORD_MAX) ? 0 : w->n;
}


#endif /* _GENAI_RESPONSES_ANSWER_INT_H_INCLUDED_ */
