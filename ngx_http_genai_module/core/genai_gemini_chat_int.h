/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of Gemini's requests share, and what the writers do.  Of
 * no use to anybody else.
 */


#ifndef _GENAI_GEMINI_CHAT_INT_H_INCLUDED_
#define _GENAI_GEMINI_CHAT_INT_H_INCLUDED_


#include "genai_gemini_chat.h"
#include "genai_tool_name.h"


/* answers that can be asked for */
#define GENAI_GEMINI_CHOICES_MAX   8

/* levels of a schema that are read */
#define GENAI_GEMINI_SCHEMA_DEPTH  24


/* Read the instructions, the list of contents; data is not used. */
int genai_gemini_system(genai_chat_t *chat, const genai_cursor_t *value);
int genai_gemini_contents(genai_chat_t *chat, const genai_cursor_t *value,
    void *data);

/*
 * Makes a JSON schema of one of Google's subset of OpenAPI's, whose types are
 * in capitals.  Returns what genai_chat.h says.
 */
int genai_gemini_schema(genai_chat_t *chat, const genai_cursor_t *value,
    genai_value_t *schema);


/*
 * Writes the members "systemInstruction" and "contents".  Returns what
 * genai_chat.h says.
 */
int genai_gemini_write_contents(genai_chat_t *chat,
    const genai_chat_target_t *to, genai_writer_t *w);


#endif /* _GENAI_GEMINI_CHAT_INT_H_INCLUDED_ */
