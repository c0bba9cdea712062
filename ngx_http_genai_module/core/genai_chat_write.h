/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What writers of requests have in common, see genai_chat.h.  Return values
 * are those of readers and writers.
 */


#ifndef _GENAI_CHAT_WRITE_H_INCLUDED_
#define _GENAI_CHAT_WRITE_H_INCLUDED_


#include "genai_chat.h"


/*
 * Writes a call's id as a member.  One with bytes beside a-z, A-Z, 0-9 and the
 * others that are allowed has "_" in their place and its hash behind it, so
 * that a call's and its result's change alike and no two become the same.  One
 * of more than max bytes (0: any) becomes 16 digits of its hash.  An empty one
 * is refused.
 */
int genai_chat_write_id(genai_chat_t *chat, const genai_value_t *id,
    const char *name, const char *others, unsigned max, genai_writer_t *w);

/* Writes a tool's schema: of an object, which not everybody tells. */
void genai_chat_write_schema(const genai_value_t *schema, genai_writer_t *w);

/* Whether a text shows nothing: it is missing, or nothing but white space. */
unsigned genai_value_is_blank(const genai_value_t *text);

/*
 * Whether a parameter asks for nothing, and can be left out without a word:
 * false, 0, an empty object.
 */
unsigned genai_value_is_nothing(genai_chat_t *chat, const genai_value_t *v);

/* Whether it is a thought that a provider of that dialect has signed. */
unsigned genai_part_is_own(const genai_part_t *part,
    const genai_dialect_t *dialect);


#endif /* _GENAI_CHAT_WRITE_H_INCLUDED_ */
