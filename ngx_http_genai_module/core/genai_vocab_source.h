/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A vocabulary as it was read from somebody's file, before it is compiled:
 * the tokens, the order in which they merge, and what is done to a text
 * before.  The readers know the formats, one file each; genai_vocab_build.c
 * knows none of them.
 *
 * What a reader cannot reproduce exactly (another kind of model, a normalizer
 * or pre-tokenizer that is not known) it refuses by name.
 *
 * Readers run where a configuration is read, in a tool, or in a thread; they
 * take memory from the arena that they are given and keep none.
 */


#ifndef _GENAI_VOCAB_SOURCE_H_INCLUDED_
#define _GENAI_VOCAB_SOURCE_H_INCLUDED_


#include <stdint.h>

#include "genai_arena.h"
#include "genai_split.h"
#include "genai_str.h"


/* tokens and merges of a vocabulary; bytes of a token; of an error */
#define GENAI_VOCAB_TOKENS     (1024 * 1024)
#define GENAI_VOCAB_MERGES     (4 * 1024 * 1024)
#define GENAI_VOCAB_TOKEN_LEN  1024
#define GENAI_VOCAB_ERROR_MAX  240


typedef enum {
    GENAI_TOKEN_NORMAL = 0,
    GENAI_TOKEN_BYTE,           /* of chars: "<0x41>", for a character that is
                                   no token; bytes is that one byte */
    GENAI_TOKEN_ADDED,          /* found in a text before it is cut, leftmost
                                   and longest first; never merged */
    GENAI_TOKEN_CONTROL         /* in no text, but needed for framing */
} genai_token_e;


/*
 * A token that can be found as it is, and can also come about by merging, is
 * there twice, ADDED or CONTROL and NORMAL, with one id.  Apart from these
 * no id is there twice, and no bytes are within one kind.
 */

typedef struct {
    genai_str_t             bytes;      /* what it stands for, decoded: no
                                           byte-level alphabet, and a space
                                           for SentencePiece's U+2581, but in
                                           ADDED and CONTROL, which are as
                                           they stand in a text */
    uint32_t                id;         /* as the reference has it; below
                                           GENAI_VOCAB_TOKENS */
    uint8_t                 kind;       /* a genai_token_e */
} genai_source_token_t;


/* left and right, in this order, become merged; lower ranks go first */

typedef struct {
    uint32_t                left;       /* indexes of tokens */
    uint32_t                right;
    uint32_t                merged;
} genai_source_merge_t;


typedef struct {
    genai_str_t             name;
    unsigned char           origin[32]; /* SHA-256 of the file */

    genai_source_token_t   *tokens;
    uint32_t                ntokens;

    /*
     * In the order of their ranks.  NULL: any two neighbours whose bytes
     * together are a token merge, and rank[] has the token's rank, lower
     * first, ties leftmost (tiktoken: the id; SentencePiece: by score).
     */
    genai_source_merge_t   *merges;
    uint32_t                nmerges;
    uint32_t               *ranks;      /* of each token, or NULL */

    genai_split_e           split;
    genai_str_t             pattern;    /* of GENAI_SPLIT_PATTERN */

    /*
     * What is done to a text, in this order: prefix; tokens that are ADDED
     * are found and taken out; what is left between them is normalized
     * (nfc; chars: a space for each U+2581), cut, and merged.
     */

    unsigned                whole:1;    /* a piece that is a token is that
                                           token, whatever merges say */
    unsigned                chars:1;    /* merging begins with characters,
                                           and what is no token falls back to
                                           its bytes; else with bytes */
    unsigned                nfc:1;      /* the text is normalized before */
    unsigned                prefix:1;   /* a space is put before a text that
                                           is not empty */
} genai_vocab_source_t;


/*
 * Each reads a whole file, data[0 .. len).  name is the vocabulary's own.
 * The source lives as long as the arena and data.
 *
 * Returns 0, or -1 with error, terminated, set: what is wrong, and where.
 */

/* tiktoken's ranks: lines of base64, blank, rank; split must be told */
int genai_vocab_read_ranks(genai_vocab_source_t *s, genai_arena_t *arena,
    const genai_str_t *name, genai_split_e split, const genai_str_t *data,
    char error[GENAI_VOCAB_ERROR_MAX]);

/* Mistral's tekken.json */
int genai_vocab_read_tekken(genai_vocab_source_t *s, genai_arena_t *arena,
    const genai_str_t *name, const genai_str_t *data,
    char error[GENAI_VOCAB_ERROR_MAX]);

/* Hugging Face's tokenizer.json */
int genai_vocab_read_json(genai_vocab_source_t *s, genai_arena_t *arena,
    const genai_str_t *name, const genai_str_t *data,
    char error[GENAI_VOCAB_ERROR_MAX]);

/* SentencePiece's model, a protocol buffer, of type BPE */
int genai_vocab_read_spm(genai_vocab_source_t *s, genai_arena_t *arena,
    const genai_str_t *name, const genai_str_t *data,
    char error[GENAI_VOCAB_ERROR_MAX]);

/*
 * Finds out which of these it is and reads it.  Ranks say nothing of how a
 * text is cut: split is that of the caller, GENAI_SPLIT_LAST where he has
 * none, which such a file is then refused for.
 */
int genai_vocab_read(genai_vocab_source_t *s, genai_arena_t *arena,
    const genai_str_t *name, genai_split_e split, const genai_str_t *data,
    char error[GENAI_VOCAB_ERROR_MAX]);


#endif /* _GENAI_VOCAB_SOURCE_H_INCLUDED_ */
