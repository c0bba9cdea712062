/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The text that a JSON string means, and the way back: which raw bytes, with
 * their escapes, any part of the text was written as.  Who counts, looks for
 * names or matches words works on the text; what is edited are raw bytes.
 *
 * A string without escapes is its own text, nothing is copied and offsets
 * are the same.  Any other is decoded once into an arena; the way back is a
 * mark for every GENAI_TEXT_STEP decoded bytes, from which the few bytes up
 * to an offset are walked again.  So the map of a megabyte costs 16 KiB, or
 * six times that where all are escapes, and a look-up a bounded time.
 *
 * A text is read by any threads at once, and made by one that owns the
 * arena.
 */


#ifndef _GENAI_TEXT_H_INCLUDED_
#define _GENAI_TEXT_H_INCLUDED_


#include <stdint.h>

#include "genai_arena.h"
#include "genai_str.h"


/* decoded bytes between two marks */
#define GENAI_TEXT_STEP  256


typedef struct {
    genai_str_t      text;      /* decoded, UTF-8; may have zero bytes */
    genai_str_t      raw;       /* as it stands between the quotes */
    const uint32_t  *marks;     /* raw offset of the character that the
                                   decoded byte n * GENAI_TEXT_STEP is in;
                                   NULL: there are no escapes */
} genai_text_t;


/*
 * Decodes a raw string, which a scanner has validated, without its quotes and
 * below 4 GiB.  escaped tells whether it has a backslash; where it has none,
 * nothing is allocated.  The text lives as long as the raw bytes and the
 * arena's pieces.
 *
 * It decodes all at once, not in turns: up to 12 ns a byte where all are
 * escapes.  Who reads megabytes does it in a thread, or bounds them.
 *
 * Returns 0, or -1 when there is no memory.
 */
int genai_text_read(genai_text_t *t, genai_arena_t *arena,
    const genai_str_t *raw, int escaped);

/*
 * The raw span [*start, *end), in bytes from the raw string's start, of the
 * decoded bytes [from, to), from <= to <= t->text.len.  A span that begins or
 * ends within a character is widened to the whole character, so that what
 * replaces it leaves well-formed text; an empty span within one is the place
 * in front of it.
 */
void genai_text_span(const genai_text_t *t, size_t from, size_t to,
    size_t *start, size_t *end);

/*
 * Decodes a validated raw string at dst, which has room for raw->len bytes:
 * decoding never lengthens.
 *
 * Returns the number of bytes written.
 */
size_t genai_text_decode(unsigned char *dst, const genai_str_t *raw);

/*
 * Compares what a validated raw string means with a decoded one, byte by
 * byte as memcmp() does, the shorter first.
 *
 * Returns less than, equal to or more than 0.
 */
int genai_text_compare(const genai_str_t *raw, int escaped,
    const genai_str_t *name);

/*
 * The same, both folded as genai_tape_fold() does it: name must be so
 * already, by genai_text_fold().
 */
int genai_text_compare_folded(const genai_str_t *raw, int escaped,
    const genai_str_t *name);

/*
 * Folds UTF-8 in its place, which never lengthens it, and sets s->len.  What
 * is not UTF-8 stays so.
 */
void genai_text_fold(genai_str_t *s);

/*
 * Whether a validated raw string may be cut at that byte: not within a
 * character, an escape, or an escaped surrogate pair.  known <= at and
 * next >= at are bytes where it may be: what is before and behind them is not
 * looked at.  A few bytes are looked at, or, in a run of backslashes, as many
 * as there are to the nearer of its beginning, known and next, twice.
 */
int genai_text_boundary(const genai_str_t *raw, int escaped, size_t at,
    size_t known, size_t next);

/*
 * The end of the UTF-8 character that begins at p < end, or NULL where there
 * is none: overlong forms, surrogates and what is cut are none.
 */
const unsigned char *genai_text_utf8(const unsigned char *p,
    const unsigned char *end);

/* Whether all of s is UTF-8. */
int genai_text_is_utf8(const genai_str_t *s);


#endif /* _GENAI_TEXT_H_INCLUDED_ */
