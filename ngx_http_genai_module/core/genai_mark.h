/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The mark in front of a signature that goes through a client of another
 * dialect than that of who signed, in a place that clients give back unread:
 *
 *    genai:DIALECT:WHAT:N:ID SIGNATURE
 *
 * (without the blank), where WHAT is thought, sealed, call or text, and ID has
 * N bytes.  And base64 (RFC 4648), which some of these places are.
 */


#ifndef _GENAI_MARK_H_INCLUDED_
#define _GENAI_MARK_H_INCLUDED_


#include "genai_event.h"
#include "genai_writer.h"


/* bytes of a mark up to the id */
#define GENAI_MARK_MAX  96


/*
 * Writes a mark up to the id, which is to follow, into dst, which has room for
 * GENAI_MARK_MAX bytes.  name is the dialect of who signed.  Returns a view.
 */
genai_str_t genai_mark_write(char *dst, genai_field_e field,
    const genai_str_t *name, const genai_str_t *id);


/* bytes that wait to become characters of base64; zeroed at first */

typedef struct {
    unsigned char   n;
    unsigned char   data[3];
} genai_base64_t;


/*
 * Within a string that was begun: more bytes as base64; and the last of them.
 * Errors are the writer's.
 */
void genai_base64_write(genai_base64_t *b, genai_writer_t *w,
    const genai_str_t *text);
void genai_base64_end(genai_base64_t *b, genai_writer_t *w);

/* The same of a mark with its id. */
void genai_base64_mark(genai_base64_t *b, genai_writer_t *w,
    genai_field_e field, const genai_str_t *name, const genai_str_t *id);

/*
 * Decodes base64, of either alphabet, at dst, which has room for text->len
 * bytes.  Returns the number of bytes; 0 where it is none.
 */
size_t genai_base64_read(unsigned char *dst, const genai_str_t *text);


#endif /* _GENAI_MARK_H_INCLUDED_ */
