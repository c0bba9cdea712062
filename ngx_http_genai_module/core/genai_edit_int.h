/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the files of edits and the cursor share.  Of no use to anybody else.
 */


#ifndef _GENAI_EDIT_INT_H_INCLUDED_
#define _GENAI_EDIT_INT_H_INCLUDED_


#include "genai_edit.h"


struct genai_edit_s {
    uint32_t              kind;     /* VALUE, PART, SET, REMOVE */
    uint32_t              index;
    uint32_t              start;    /* PART: raw, from behind the quote */
    uint32_t              end;
    uint32_t              order;    /* the later wins */
    uint32_t              place;    /* SET: of the first that added it */
    uint32_t              removed;  /* SET: a REMOVE came before */

    genai_str_t           name;     /* SET, REMOVE: decoded, */
    genai_str_t           folded;   /* and as it is compared */
    genai_str_t           text;     /* PART: escaped; SET: with a comma, the
                                       name and a colon before the value */
    genai_tape_t          tape;     /* VALUE, SET: of the value */

    uint32_t              levels;
    genai_edit_t         *next[1];  /* one on each of them */
};


/*
 * Compares two edits of layers: by index; values first, then parts by their
 * places, then members by name, folded.
 *
 * Returns less than, more than 0; or 0: both are edits of the same thing.
 */
int genai_edits_order(const genai_edit_t *a, const genai_edit_t *b);

/* The first change of the document with an index not below i. */
uint32_t genai_document_find(const genai_document_t *d, uint32_t i);

/* The name that a SET gives to a member, as it stands in the text. */
static inline genai_str_t
genai_edit_name(const genai_edit_t *edit)
{
    genai_str_t  s;

    s.data = edit->text.data + 2;                       /* ," */
    s.len = edit->tape.text - s.data - 2;               /* ": */

    return s;
}


#endif /* _GENAI_EDIT_INT_H_INCLUDED_ */
