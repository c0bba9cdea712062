/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of vocabularies have in common; nobody else includes it.
 *
 * All memory is the arena's.  Where a function returns -1, the error is set.
 */


#ifndef _GENAI_VOCAB_READ_INT_H_INCLUDED_
#define _GENAI_VOCAB_READ_INT_H_INCLUDED_


#include "genai_tape.h"
#include "genai_vocab_source.h"


/* a token as an error shows it, its quotes and end counted */
#define GENAI_VOCAB_QUOTE      80

/* what an index has for none */
#define GENAI_VOCAB_NOWHERE       UINT32_MAX

/* U+2581 */
#define GENAI_VOCAB_MARK       "\xe2\x96\x81"
#define GENAI_VOCAB_MARK_LEN   3


typedef struct {
    genai_vocab_source_t   *s;
    genai_arena_t          *arena;
    const genai_str_t      *data;
    char                   *error;

    uint64_t               *ids;        /* a bit for each that is taken */
} genai_vocab_reader_t;


/*
 * Finds texts by their bytes: a hash table of indexes of an array, whose
 * elements begin with a genai_str_t.  The hash is keyed by the file's own
 * digest, so that no file can be made whose tokens all have one place.
 */

typedef struct {
    uint64_t               *slots;      /* index + 1, below part of a hash */
    uint32_t                mask;
    const unsigned char    *base;
    size_t                  stride;     /* bytes */
    uint64_t                seed[2];
} genai_vocab_index_t;


/* Begins a source: name, origin and nothing else. */
int genai_vocab_reader_init(genai_vocab_reader_t *r, genai_vocab_source_t *s,
    genai_arena_t *arena, const genai_str_t *name, const genai_str_t *data,
    char *error);

/* Always returns -1, with what is said as the error. */
int genai_vocab_fail(genai_vocab_reader_t *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

int genai_vocab_no_memory(genai_vocab_reader_t *r);

/* Writes s for an error: in quotes, printable ASCII, cut where it is long. */
const char *genai_vocab_quote(char buf[GENAI_VOCAB_QUOTE],
    const genai_str_t *s);

/* Room for n tokens, n > 0. */
int genai_vocab_tokens(genai_vocab_reader_t *r, size_t n, const char *what);

/* Takes an id.  Returns 0; 1 where it is taken already, or too large. */
int genai_vocab_take_id(genai_vocab_reader_t *r, uint64_t id);

/* An empty index, with room for n elements of an array. */
int genai_vocab_index(genai_vocab_reader_t *r, genai_vocab_index_t *x,
    const void *base, size_t stride, size_t n);

/* The element with those bytes, or GENAI_VOCAB_NOWHERE. */
uint32_t genai_vocab_find(const genai_vocab_index_t *x,
    const unsigned char *p, size_t len);

/*
 * Adds element i.  Returns GENAI_VOCAB_NOWHERE, or the one that has its bytes
 * already, when nothing is added.
 */
uint32_t genai_vocab_add(genai_vocab_index_t *x, uint32_t i);

/*
 * Decodes base64 (RFC 4648, padded) at dst, which has room for len / 4 * 3
 * bytes.  Returns the number of bytes, or -1 where it is none.
 */
int genai_vocab_base64(unsigned char *dst, const unsigned char *p,
    size_t len);

/* A decimal number, digits alone, below 2^63.  Returns 0 or -1. */
int genai_vocab_number(const unsigned char *p, size_t len, uint64_t *n);

/* Whether U+2581, SentencePiece's mark for a space, is in s. */
int genai_vocab_marked(const genai_str_t *s);

/* Writes s with a space for each mark, which makes it no longer, at dst. */
size_t genai_vocab_unmark(unsigned char *dst, const genai_str_t *s);

/* Whether s is what merging begins with: a byte, or with chars a character. */
int genai_vocab_single(const genai_str_t *s, int chars);

/* Whether no token has a space but as the first of its bytes. */
int genai_vocab_spaces_first(const genai_vocab_source_t *s);

/* The byte that "<0x41>" stands for, or -1 where s is no such text. */
int genai_vocab_byte(const genai_str_t *s);

/*
 * The last checks: every text must have tokens.  With chars it also finds out
 * whether the text can be cut at spaces, and sets s->split.
 */
int genai_vocab_finish(genai_vocab_reader_t *r);


/* JSON: scans all of the file */
int genai_vocab_json(genai_vocab_reader_t *r, genai_tape_t *t);

/*
 * Finds the members of the object at i, which is called where: those of
 * names[n] are put in values[n], 0 where there is none, and any other is an
 * error, unless open is set.
 */
int genai_vocab_json_members(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t i, const char *where, const char *const *names,
    uint32_t *values, unsigned n, int open);

/* The decoded text of the string at i, the member name of where. */
int genai_vocab_json_text(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t i, const char *where, const char *name, genai_str_t *text);

/* The elements of the array at i; 0 where it is none. */
uint32_t genai_vocab_json_count(const genai_tape_t *t, uint32_t i);

/* The number at i, in the same way. */
int genai_vocab_json_number(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t i, const char *where, const char *name, uint64_t *n);

/*
 * The boolean at i.  Where i is 0, *flag is missing, if that is 0 or 1, else
 * it is an error.
 */
int genai_vocab_json_flag(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t i, const char *where, const char *name, int missing, int *flag);

/* The member "type" of the object at i. */
int genai_vocab_json_type(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t i, const char *where, genai_str_t *type);


/* what normalizer and pre-tokenizer of a tokenizer.json do to a text */

typedef struct {
    genai_split_e           split;
    genai_str_t             pattern;

    unsigned                bytes:1;        /* the byte-level alphabet */
    unsigned                marks:1;        /* spaces become U+2581 */
    unsigned                split_marks:1;  /* and a text is cut there */
    unsigned                nfc:1;
    unsigned                prefix:1;
} genai_vocab_steps_t;


/* Reads both, values of the document or 0. */
int genai_vocab_read_steps(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t normalizer, uint32_t pre_tokenizer, genai_vocab_steps_t *steps);

/* one of the "added_tokens" */

typedef struct {
    genai_str_t             content;        /* the first: an index is of it */
    uint64_t                id;
    uint32_t                vocab;          /* which of "vocab" it is, too */
    unsigned                special:1;
    unsigned                normalized:1;
} genai_vocab_added_t;


/* bytes that GPT-2's alphabet shifts out of the way of controls */
#define GENAI_VOCAB_SHIFTED    68


/* a tokenizer.json */

typedef struct {
    genai_vocab_reader_t   *r;
    const genai_tape_t     *t;
    genai_vocab_source_t   *s;
    genai_vocab_steps_t     steps;

    /* those of "vocab" are the source's first tokens */
    genai_str_t            *keys;           /* as they are written */
    unsigned char          *merged;         /* whether it is in "merges" */
    uint32_t                nkeys;
    genai_vocab_index_t     index;

    genai_vocab_added_t    *added;
    uint32_t                nadded;

    uint16_t                alphabet[256 + GENAI_VOCAB_SHIFTED];
} genai_vocab_json_t;


/* Reads "added_tokens", a value or 0; "vocab" and "merges" are read. */
int genai_vocab_read_added(genai_vocab_json_t *j, uint32_t added);


/* the two documents, once they are scanned */

int genai_vocab_read_json_tape(genai_vocab_reader_t *r,
    const genai_tape_t *t);
int genai_vocab_read_tekken_tape(genai_vocab_reader_t *r,
    const genai_tape_t *t);


#endif /* _GENAI_VOCAB_READ_INT_H_INCLUDED_ */
