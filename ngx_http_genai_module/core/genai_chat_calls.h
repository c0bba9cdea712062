/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which call of a conversation a result, or a signature, is of: a table of
 * the calls' ids, and one of their names for the dialect that needs no ids,
 * so that what is asked for each part of a request takes no walk through all
 * the others.
 *
 * The tables are made when first asked for, and take in what has been added
 * since when they are asked again.  What is added before must be complete by
 * then: its id, its name, whether it is custom.  Each id is decoded once.
 * They are the chat's arena's, about 200 bytes for a call, so that the bound
 * of a request's values is theirs, too.
 *
 * Places are those of SipHash, seeded with addresses, which a client does not
 * know: nothing that is written depends on them.
 *
 * All belongs to one thread at a time, with the chat.
 */


#ifndef _GENAI_CHAT_CALLS_H_INCLUDED_
#define _GENAI_CHAT_CALLS_H_INCLUDED_


#include "genai_chat.h"


/*
 * The call that a result with that id is of: the last one of that id before
 * the result, or where none is, the last one behind it.  *call is NULL where
 * there is none at all.  A missing id is the same as an empty one.
 *
 * Cheap for results in the order of the conversation.  Returns GENAI_CHAT_OK
 * or GENAI_CHAT_NO_MEMORY.
 */
int genai_chat_call_of(genai_chat_t *chat, const genai_part_t *result,
    const genai_part_t **call);

/*
 * Whether any call of that id was of a custom tool: 1 or 0; or
 * GENAI_CHAT_NO_MEMORY.
 */
int genai_chat_call_custom(genai_chat_t *chat, const genai_value_t *id);

/*
 * The first call of that name whose id no result has, and which counts as
 * answered from now on; *call is NULL where there is none.
 *
 * Returns GENAI_CHAT_OK or GENAI_CHAT_NO_MEMORY.
 */
int genai_chat_call_answer(genai_chat_t *chat, const genai_value_t *name,
    const genai_part_t **call);


#endif /* _GENAI_CHAT_CALLS_H_INCLUDED_ */
