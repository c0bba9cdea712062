/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A writer of JSON texts (RFC 8259): puts names, values, commas and escapes
 * in their places, so that what it wrote can always be read.  Bytes go
 * through one small buffer to a function of the caller's, which copies them
 * where it wants; genai_writer_arena() is one that makes a text in an arena.
 *
 * Errors stick: after the first, everything is ignored, and one look at the
 * end is enough.  What would not be JSON (a member without a name, a bracket
 * that closes another kind) is an error, too.  A writer belongs to one
 * thread.
 */


#ifndef _GENAI_WRITER_H_INCLUDED_
#define _GENAI_WRITER_H_INCLUDED_


#include <stdint.h>

#include "genai_arena.h"
#include "genai_str.h"


/* bytes that are gathered before they are written */
#define GENAI_WRITER_BUFFER  1024

/* arrays and objects that may be open */
#define GENAI_WRITER_DEPTH   64


/* Takes bytes, which it must copy.  Returns 0, anything else to stop. */
typedef int (*genai_write_pt)(void *ctx, const unsigned char *p, size_t n);


/* all but rc are its own */

typedef struct {
    genai_write_pt   write;
    void            *ctx;
    int              rc;            /* what write returned; -1: too deep, or
                                       no JSON */
    unsigned         n;
    unsigned         depth;
    unsigned         member:1;      /* a name was written */
    unsigned         string:1;      /* a string is open */
    uint64_t         comma;         /* a bit a level: a value came before, */
    uint64_t         object;        /* it is an object */
    unsigned char    buf[GENAI_WRITER_BUFFER];
} genai_writer_t;


void genai_writer_init(genai_writer_t *w, genai_write_pt write, void *ctx);

/*
 * Goes on with a text that another writer began, right after init: open are
 * the brackets that it left open, the outermost first, each with something
 * in it, and a quote where that was within a string: "{[{\"".
 */
void genai_writer_resume(genai_writer_t *w, const char *open);

/* Writes what was gathered.  Returns w->rc: 0 when all has been written. */
int genai_writer_flush(genai_writer_t *w);

/* '{' or '[', and the same closed: c is the bracket. */
void genai_writer_open(genai_writer_t *w, char c);
void genai_writer_close(genai_writer_t *w, char c);

/*
 * A member's name; its value is written next.  raw: the name is the inside of
 * a string as it stands in a text that has been validated.
 */
void genai_writer_name(genai_writer_t *w, const char *name);
void genai_writer_raw_name(genai_writer_t *w, const genai_str_t *raw);

/* Values: bytes that are no UTF-8 become U+FFFD in strings. */
void genai_writer_string(genai_writer_t *w, const genai_str_t *s);
void genai_writer_int(genai_writer_t *w, int64_t n);
void genai_writer_raw(genai_writer_t *w, const genai_str_t *json);
void genai_writer_literal(genai_writer_t *w, const char *json);

/*
 * A string in pieces: begin, any number of pieces of whole characters, end.
 * A raw piece is the inside of a string as it stands in a text that has been
 * validated.
 */
void genai_writer_begin(genai_writer_t *w);
void genai_writer_piece(genai_writer_t *w, const genai_str_t *s);
void genai_writer_raw_piece(genai_writer_t *w, const genai_str_t *raw);
void genai_writer_end(genai_writer_t *w);

/*
 * Bytes that are no JSON: what frames a text.  Also the rest of a value whose
 * first bytes were written raw.
 */
void genai_writer_bytes(genai_writer_t *w, const char *p, size_t n);


/* a text that grows in an arena */

typedef struct {
    genai_arena_t   *arena;
    genai_str_t      text;
    size_t           room;
} genai_writer_arena_t;

/* A genai_write_pt whose ctx is a genai_writer_arena_t; -1: no memory. */
int genai_writer_arena(void *ctx, const unsigned char *p, size_t n);


/*
 * Appends src[0 .. len) as the inside of a JSON string to dst, which must
 * have room for 6 * len bytes: quotes, backslashes and control characters
 * become escapes, bytes that are no UTF-8 become U+FFFD.
 *
 * Returns the end of what was written.
 */
unsigned char *genai_write_escaped(unsigned char *dst,
    const unsigned char *src, size_t len);

/* How many bytes that would be. */
size_t genai_write_escaped_len(const unsigned char *src, size_t len);


#endif /* _GENAI_WRITER_H_INCLUDED_ */
