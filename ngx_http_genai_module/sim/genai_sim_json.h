/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A strict reader of JSON texts (RFC 8259) that walks the members of one
 * object and checks everything it steps over.
 *
 * The whole text is validated in the one pass, whether the caller looks at a
 * member or not: UTF-8 without overlong forms and surrogates, no byte order
 * mark, no raw control character in a string, no bad escape, no lone
 * surrogate escape, at most GENAI_SIM_JSON_DEPTH levels, nothing but white
 * space after the value.  Numbers may have any length and "\u0000" passes: who
 * does not act on a value does not judge it.
 *
 * Nothing is copied and nothing is allocated: members are spans of the text.
 * A reader belongs to one thread; different readers are independent.
 */


#ifndef _GENAI_SIM_JSON_H_INCLUDED_
#define _GENAI_SIM_JSON_H_INCLUDED_


#include "genai_str.h"


/* arrays and objects within each other, the outermost counted */
#define GENAI_SIM_JSON_DEPTH  128


typedef enum {
    GENAI_SIM_JSON_NULL = 0,
    GENAI_SIM_JSON_FALSE,
    GENAI_SIM_JSON_TRUE,
    GENAI_SIM_JSON_NUMBER,
    GENAI_SIM_JSON_STRING,
    GENAI_SIM_JSON_ARRAY,
    GENAI_SIM_JSON_OBJECT
} genai_sim_json_type_e;


typedef struct {
    genai_str_t            key;     /* raw, without its quotes */
    genai_str_t            value;   /* raw; a string without its quotes */
    genai_sim_json_type_e  type;
    unsigned               key_escaped:1;   /* key has a backslash */
    unsigned               value_escaped:1; /* value is a string and has one */
} genai_sim_json_member_t;


typedef struct {
    const unsigned char  *start;
    const unsigned char  *pos;
    const unsigned char  *end;
    const char           *error;    /* what is wrong, a static text */
    size_t                offset;   /* where, bytes from the text's start */
    unsigned              begun:1;
    unsigned              array:1;
    unsigned              nested:1; /* the text is a checked value of another */
} genai_sim_json_t;


/*
 * Starts to read text[0 .. len), which must be an object (or an array, whose
 * elements genai_sim_json_next() then yields as members with an empty key) and
 * must stay in place while the reader and its members are used.
 *
 * Returns 0, or -1 with j->error and j->offset set.
 */
int genai_sim_json_begin(genai_sim_json_t *j, const unsigned char *text,
    size_t len);

/*
 * Starts to read the object or array that is the value of a member, which
 * has been validated already as a part of its text.
 *
 * Returns 0, or -1 where the member is neither an object nor an array.
 */
int genai_sim_json_enter(genai_sim_json_t *j, const genai_sim_json_member_t *m);

/*
 * Reads the next member.
 *
 * Returns 1 with *m filled; 0 at the end of the object, when the rest of the
 * text has been found well-formed too; -1 with j->error and j->offset set,
 * after which the reader must not be used any more.
 */
int genai_sim_json_next(genai_sim_json_t *j, genai_sim_json_member_t *m);

/*
 * Whether the member's key, unescaped, is name[0 .. len).
 *
 * Returns 1 for equal, -1 for equal but for the case of ASCII letters, 0 for
 * different.  name must be plain ASCII.
 */
int genai_sim_json_key_is(const genai_sim_json_member_t *m, const char *name,
    size_t len);

/*
 * Decodes a validated raw string (without quotes) to UTF-8 at dst, which has
 * room for s->len bytes: decoding never lengthens.
 *
 * Returns the number of bytes written.
 */
size_t genai_sim_json_unescape(unsigned char *dst, const genai_str_t *s);

/*
 * Appends src[0 .. len), which must be UTF-8, as the inside of a JSON string:
 * quotes, backslashes and control characters become escapes, bytes that are
 * no UTF-8 become U+FFFD.  dst must have room for 6 * len bytes.
 *
 * Returns the end of what was written.
 */
unsigned char *genai_sim_json_escape(unsigned char *dst,
    const unsigned char *src, size_t len);


#endif /* _GENAI_SIM_JSON_H_INCLUDED_ */
