/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A resumable push scanner of one JSON text (RFC 8259) with a filter of
 * paths: it is fed with the text's bytes, cut anywhere, and calls back for
 * the values that a static table names.  All else is stepped over unread.
 *
 * The whole text is validated as a request's is (genai_scan.h): UTF-8 without
 * overlong forms and surrogates, no byte order mark, no raw control character
 * in a string, no bad escape, no lone surrogate escape, at most
 * GENAI_PUSH_DEPTH levels, nothing but white space after the value.  What
 * has been called back before an error is found stays called back.
 *
 * Nothing is allocated and nothing is gathered but numbers and literals that
 * are cut between two feeds: memory is the state below, however large the
 * text or a value is.  Strings come as pieces of UTF-8, pointing into the
 * input where it has no escape; an escape sequence gives a small piece of its
 * own.  No piece ends inside a character, and the two escapes of a surrogate
 * pair are one piece.  How the input was cut changes nothing but where the
 * pieces of a string are cut.
 *
 * A name that stands twice in an object is called back twice.  Names are
 * compared unescaped and by case.
 *
 * A scanner belongs to one thread; different scanners are independent, and
 * tables, being constant, are shared.
 */


#ifndef _GENAI_PUSH_H_INCLUDED_
#define _GENAI_PUSH_H_INCLUDED_


#include "genai_tape.h"


/* arrays and objects within each other, the outermost counted */
#define GENAI_PUSH_DEPTH       128

/* levels that a table can describe, the text's own value counted */
#define GENAI_PUSH_PATH_MAX    12

/* bytes of a number that is called back; a longer one is an error */
#define GENAI_PUSH_NUMBER_MAX  48

/* bytes that a name in a table may have, and it has one at least */
#define GENAI_PUSH_KEY_MAX     40

/* levels of a place that can be returned to */
#define GENAI_PUSH_PLACE_MAX   4


/*
 * A table is an array of nodes, each of which says what is wanted of the
 * values at one place; nodes[0] is that of the text's own value.  A value
 * whose type is not wanted is stepped over.
 */

#define GENAI_PUSH_NONE         0       /* as another's node: step over */

#define GENAI_PUSH_WANT_STRING  0x01    /* pieces of the decoded string */
#define GENAI_PUSH_WANT_SCALAR  0x02    /* a number, true, false or null */
#define GENAI_PUSH_WANT_OBJECT  0x04    /* enter: its members as listed */
#define GENAI_PUSH_WANT_ARRAY   0x08    /* enter: its elements */
#define GENAI_PUSH_WANT_RAW     0x10    /* pieces of an object's or array's
                                           own text, where not entered */
#define GENAI_PUSH_QUIET_ENTER  0x20    /* nobody wants to know where it */
#define GENAI_PUSH_QUIET_LEAVE  0x40    /* begins, or where it has ended */


typedef struct {
    unsigned char               len;        /* of the name */
    unsigned char               node;       /* of the member's value */
    unsigned short              over;       /* bits of those of its first 16
                                               bytes that are not compared */

    /* ASCII, nothing to escape; the quote behind it, to be compared too */
    char                        name[GENAI_PUSH_KEY_MAX + 4];
} genai_push_member_t;


typedef struct {
    unsigned char               want;
    unsigned char               tag;        /* the caller's own */
    unsigned char               element;    /* node of an array's elements */
    unsigned char               nmembers;
    const genai_push_member_t  *members;    /* what is not listed is stepped
                                               over, as is a member of node
                                               NONE, which is found sooner */
} genai_push_node_t;


#define genai_push_member(name, node)                                         \
    { sizeof(name) - 1, node,                                                 \
      sizeof(name) < 16 ? (0xffffu << (sizeof(name) & 15)) & 0xffffu : 0,     \
      name "\"" }

#define genai_push_members(array)                                             \
    sizeof(array) / sizeof((array)[0]), array


typedef enum {
    GENAI_PUSH_ENTER = 0,       /* an object or array begins */
    GENAI_PUSH_LEAVE,           /* it has ended */
    GENAI_PUSH_STRING,          /* a piece of a string */
    GENAI_PUSH_SCALAR,          /* a number, true, false or null, whole */
    GENAI_PUSH_RAW              /* a piece of an object's or array's text */
} genai_push_e;


typedef struct {
    genai_push_e                what;
    genai_tape_type_e           type;
    unsigned                    tag;        /* the node's */
    unsigned                    index;      /* in the array around it, or 0 */

    /* a piece decoded, or a scalar's text; valid during the call */
    genai_str_t                 text;

    /*
     * Raw span [start, end) in offsets of the stream: of a string's piece the
     * bytes it was made of, without quotes; of a scalar the whole; of ENTER
     * the bracket; of LEAVE the whole value from bracket to bracket.
     */
    uint64_t                    start;
    uint64_t                    end;

    unsigned char               first;      /* 1: the value's first piece */
    unsigned char               last;       /* 1: and its last, maybe empty */
    unsigned char               escaped;    /* 1: the piece was an escape */
} genai_push_value_t;


/* Returns 0 to go on, anything else to stop for good. */
typedef int (*genai_push_pt)(void *ctx, const genai_push_value_t *value);


typedef struct {
    uint64_t                    start;      /* offset of the bracket */
    uint32_t                    index;      /* in the array around it */
    unsigned char               node;
    unsigned char               next;       /* the member to try first */
} genai_push_frame_t;


typedef struct genai_push_s {
    const genai_push_node_t    *nodes;
    genai_push_pt               handler;
    void                       *ctx;

    const char                 *error;      /* what is wrong, a static text;
                                               NULL: the handler stopped */
    uint64_t                    offset;     /* where, in the stream */

    uint64_t                    mark;       /* where a value, an escape or a
                                               character began */
    uint64_t                    objects[2];     /* open brackets, one bit
                                               each, the innermost lowest */

    const unsigned char        *run;        /* of a raw value, while fed */
    const char                 *literal;
    uint32_t                    code;       /* of the escape being read */
    uint32_t                    high;       /* the surrogate before it */
    uint32_t                    index;      /* of the value to come, in the
                                               innermost array followed */

    unsigned char               state;
    unsigned char               number;     /* the place in a number */
    unsigned char               kind;       /* of the string being read */
    unsigned char               node;       /* of the value to come */
    unsigned char               depth;      /* levels open */
    unsigned char               frames;     /* of them followed */
    unsigned char               entered;    /* levels ever followed */
    unsigned char               inner;      /* bytes of the text up to behind
                                               the bracket of the last one of
                                               a place; 0: too many or none */
    unsigned char               raw;        /* level of a raw value, or 0 */
    unsigned char               raw_node;
    unsigned char               count;      /* bytes of an escape, a literal
                                               or a character seen */
    unsigned char               need;       /* bytes of a character to come */
    unsigned char               low;        /* bounds of its next byte */
    unsigned char               top;
    unsigned char               nbuf;       /* bytes of a name or scalar */
    unsigned char               carry[4];   /* of a character cut in two */
    unsigned char               first;

    unsigned char               buf[GENAI_PUSH_NUMBER_MAX];
    genai_push_frame_t          frame[GENAI_PUSH_PATH_MAX];
} genai_push_t;


/* a place in a text, with what the scanner knows there */

typedef struct {
    unsigned char               start[GENAI_PUSH_PLACE_MAX];
    unsigned char               node[GENAI_PUSH_PLACE_MAX];
    unsigned char               next[GENAI_PUSH_PLACE_MAX];
    unsigned char               objects;
    unsigned char               levels;
} genai_push_place_t;


/*
 * Prepares to read a text, the first or the next.  nodes must outlive the
 * scanner; ctx is handed to handler.
 */
void genai_push_init(genai_push_t *s, const genai_push_node_t *nodes,
    genai_push_pt handler, void *ctx);

/*
 * Reads p[0 .. n), the text's next bytes; offset is that of p[0] in the
 * stream, which may have other bytes between two feeds.
 *
 * Returns 0; or -1 with s->error and s->offset set, after which the scanner
 * must be prepared anew.
 */
int genai_push_feed(genai_push_t *s, const unsigned char *p, size_t n,
    uint64_t offset);

/*
 * The text has ended, at that offset of the stream.
 *
 * Returns 0 when it was complete; else -1 with s->error and s->offset set.
 */
int genai_push_end(genai_push_t *s, uint64_t offset);

/*
 * Remembers the place that has been come to, of a text that began at that
 * offset.  Another text that begins with the same bytes may then be read from
 * there: what is called back up to there would be the same, but for offsets.
 * A place is behind the bracket of an object, in the first element of every
 * array around it; no other object or array has been entered, and no more
 * than GENAI_PUSH_PLACE_MAX; and less than 256 bytes have been read.
 *
 * Returns 0, or -1 where the scanner is in no such place.
 */
int genai_push_save(const genai_push_t *s, genai_push_place_t *place,
    uint64_t offset);

/*
 * Goes on from a place, in a text that begins at that offset.  The scanner
 * must be prepared, and the same table be in use.
 */
void genai_push_restore(genai_push_t *s, const genai_push_place_t *place,
    uint64_t offset);

/*
 * A scalar as a whole number: digits, and a fraction that is nothing but
 * zeros, as some providers count in floats.
 *
 * Returns 0 with *n set, or -1 where it is no number, negative, not whole,
 * or above INT64_MAX.
 */
int genai_push_int64(const genai_str_t *text, int64_t *n);


#endif /* _GENAI_PUSH_H_INCLUDED_ */
