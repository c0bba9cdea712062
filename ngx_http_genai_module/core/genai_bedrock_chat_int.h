/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of Bedrock's requests share, and what the writers do.  Of
 * no use to anybody else.
 */


#ifndef _GENAI_BEDROCK_CHAT_INT_H_INCLUDED_
#define _GENAI_BEDROCK_CHAT_INT_H_INCLUDED_


#include "genai_bedrock_chat.h"


/* bytes of a call's id, of a document's name */
#define GENAI_BEDROCK_CALL_MAX      64
#define GENAI_BEDROCK_DOCUMENT_MAX  180


/* Read the instructions, the list of messages; data is not used. */
int genai_bedrock_system(genai_chat_t *chat, const genai_cursor_t *value);
int genai_bedrock_messages(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);

/* How long a cache is to keep what stands before a cachePoint. */
genai_cache_e genai_bedrock_cache(genai_chat_t *chat,
    const genai_cursor_t *point);

/*
 * The media type of a format, and the format of a media type, both static
 * texts; kind is that of the part.  Return NULL where there is none.
 */
const char *genai_bedrock_type(genai_part_e kind, const genai_str_t *format);
const char *genai_bedrock_format(genai_part_e kind, const genai_str_t *type);


/*
 * Writes the members "system" and "messages".  Returns what genai_chat.h
 * says.
 */
int genai_bedrock_write_messages(genai_chat_t *chat, genai_writer_t *w);

/* Writes a block that tells a cache to end, where there is to be one. */
void genai_bedrock_write_cache(genai_cache_e cache, genai_writer_t *w);


#endif /* _GENAI_BEDROCK_CHAT_INT_H_INCLUDED_ */
