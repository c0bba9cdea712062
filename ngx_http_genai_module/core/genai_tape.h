/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tape: a flat index of the values of one JSON text.
 *
 * Every value has one entry of 16 bytes, in the order in which the values
 * begin in the text, and so has every member's name:
 *
 *     {"model":"m","stop":[1,"x\n"]}
 *
 *     0  object           offset  0  len 30  next 7
 *     1  string, key      offset  2  len  5  next 2
 *     2  string           offset 10  len  1  next 3
 *     3  string, key      offset 14  len  4  next 4
 *     4  array            offset 20  len  9  next 7
 *     5  number           offset 21  len  1  next 6
 *     6  string, escaped  offset 24  len  3  next 7
 *
 * An entry says where its value is in the text and where the tape goes on
 * behind it.  What is inside an array or object at i are the entries from
 * i + 1 up to entries[i].next; a name is directly followed by its value.  A
 * tape points into its text and copies nothing: both must stay in place.
 *
 * A tape is made by genai_scan.h, which has validated the text: all that is
 * here takes well-formed tapes for granted and cannot fail.  An index is
 * never 0 but for the outermost value, and 0 stands for "none" in all that
 * is returned.  Nothing here writes: safe in any threads at once.
 */


#ifndef _GENAI_TAPE_H_INCLUDED_
#define _GENAI_TAPE_H_INCLUDED_


#include <stdint.h>

#include "genai_str.h"


typedef enum {
    GENAI_TAPE_NULL = 0,
    GENAI_TAPE_FALSE,
    GENAI_TAPE_TRUE,
    GENAI_TAPE_NUMBER,
    GENAI_TAPE_STRING,
    GENAI_TAPE_ARRAY,
    GENAI_TAPE_OBJECT
} genai_tape_type_e;


/* the type word: the type in the low byte, and flags */

#define GENAI_TAPE_TYPE     0x00ff
#define GENAI_TAPE_ESCAPED  0x0100  /* a string with a backslash */
#define GENAI_TAPE_KEY      0x0200  /* a string that is a member's name */


typedef struct {
    uint32_t  type;
    uint32_t  offset;       /* bytes; of a string: behind the opening quote */
    uint32_t  len;          /* bytes, raw; of a string: between the quotes */
    uint32_t  next;         /* index of the entry behind the value */
} genai_entry_t;


typedef struct {
    const unsigned char  *text;
    const genai_entry_t  *entries;
    uint32_t              n;        /* entries; never 0 */
} genai_tape_t;


/* The type of the value at i; a member's name is a string. */
static inline genai_tape_type_e
genai_tape_type(const genai_tape_t *t, uint32_t i)
{
    return (genai_tape_type_e) (t->entries[i].type & GENAI_TAPE_TYPE);
}

/* Whether the string at i has escapes, so that raw and decoded differ. */
static inline int
genai_tape_escaped(const genai_tape_t *t, uint32_t i)
{
    return (t->entries[i].type & GENAI_TAPE_ESCAPED) != 0;
}

/*
 * The value at i as it stands in the text, for a string without its quotes:
 * a view, valid as long as the text.
 */
static inline genai_str_t
genai_tape_view(const genai_tape_t *t, uint32_t i)
{
    genai_str_t  s;

    s.len = t->entries[i].len;
    s.data = (unsigned char *) t->text + t->entries[i].offset;

    return s;
}

/* The same with the quotes of a string: what an edit replaces. */
static inline genai_str_t
genai_tape_whole(const genai_tape_t *t, uint32_t i)
{
    size_t       quote;
    genai_str_t  s;

    quote = (genai_tape_type(t, i) == GENAI_TAPE_STRING);
    s = genai_tape_view(t, i);
    s.data -= quote;
    s.len += 2 * quote;

    return s;
}

/*
 * The first element of the array, or the name of the first member of the
 * object, at i.
 *
 * Returns 0 where it is empty, and for a value of any other type.
 */
static inline uint32_t
genai_tape_first(const genai_tape_t *t, uint32_t i)
{
    return (t->entries[i].next == i + 1) ? 0 : i + 1;
}

/*
 * What follows child, which is an element of the array or a member's name of
 * the object at i: the next element or name, or 0 behind the last:
 *
 *     for (k = genai_tape_first(t, i); k; k = genai_tape_next(t, i, k)) ...
 */
static inline uint32_t
genai_tape_next(const genai_tape_t *t, uint32_t i, uint32_t child)
{
    uint32_t  next;

    next = t->entries[child].next;

    if (t->entries[child].type & GENAI_TAPE_KEY) {
        next = t->entries[next].next;
    }

    return (next == t->entries[i].next) ? 0 : next;
}

/* The value of the member whose name is at key. */
static inline uint32_t
genai_tape_value(const genai_tape_t *t, uint32_t key)
{
    return key + 1;
}


/*
 * The character, a code point, that a raw string goes on with at *p, which
 * must not be its end; *p is moved behind it.
 */
uint32_t genai_tape_char(const unsigned char **p);

/*
 * The character that a reader who ignores case takes c for.  Simple case
 * folding as of Unicode takes two more characters into ASCII's letters, and
 * readers in Go use it: the long s, U+017F, and the Kelvin sign, U+212A.
 */
static inline uint32_t
genai_tape_fold(uint32_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c | 0x20;
    }

    return (c == 0x17f) ? 's' : (c == 0x212a) ? 'k' : c;
}

/*
 * Whether the string at i, unescaped, is name[0 .. len), plain ASCII.
 *
 * Returns 1 for equal, -1 for equal once both are folded, 0 for different.
 */
int genai_tape_key_is(const genai_tape_t *t, uint32_t i, const char *name,
    size_t len);

/* Whether it is that name exactly, as returned by 1. */
static inline int
genai_tape_named(const genai_tape_t *t, uint32_t i, const char *name,
    size_t len)
{
    if (genai_tape_escaped(t, i)) {
        return genai_tape_key_is(t, i, name, len) == 1;
    }

    return t->entries[i].len == len
           && genai_same(t->text + t->entries[i].offset, name, len);
}

/*
 * The value of the first member with exactly that name, unescaped, of the
 * object at i.  Duplicates and variants are not looked for.
 *
 * Returns 0 where there is none, and where i is no object.
 */
uint32_t genai_tape_find(const genai_tape_t *t, uint32_t i, const char *name,
    size_t len);

/*
 * Finds the member as above and makes sure that every reader finds the same
 * one: all members are compared.
 *
 * Returns 1 with *value set; 0 with *value 0 where there is none; -1 where a
 * second one has the name or one has it in another case, with *value set to
 * the index of that one's name.
 */
int genai_tape_member(const genai_tape_t *t, uint32_t i, const char *name,
    size_t len, uint32_t *value);


#endif /* _GENAI_TAPE_H_INCLUDED_ */
