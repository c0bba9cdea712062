/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A compiled vocabulary: all that counting the tokens of one family of models
 * needs, in one file that is mapped read-only and shared by all processes.
 * There is no pointer in it, nothing is built when it is opened, and pages
 * that nobody needs are never read.
 *
 * A SYMBOL is a token as the engine knows it: its place in the order in which
 * merging can make it.  First come the base symbols, which merging begins
 * with: the 256 bytes, or in a vocabulary of characters (SentencePiece) all
 * characters that are tokens, and 256 more for the bytes of all others.  Then
 * come the merged ones, the lowest rank first.  So the pair to be merged next
 * is the one that makes the smallest symbol.
 *
 * The sections:
 *
 *     WORDS       the tokens of up to 15 bytes, as keys of 16: a hash table
 *                 whose buckets are lines of the processor's cache, with 4
 *                 keys each.  What is not in its own bucket is in the next
 *                 that is not full.  A piece of text that is here is one
 *                 token.
 *     WORD_IDS    their ids, for tools.
 *     LONGS       the longer tokens: hash and place in STRINGS, also in
 *                 buckets.
 *     STRINGS     their lengths, ids and bytes.
 *     PAIRS       which two symbols merge, and into which.  Here most is
 *                 looked for, and mostly not found: 8 slots a bucket, a line
 *                 of the cache, with all that is to be known of a pair, and a
 *                 flag that tells whether to look on in the next one.  Every
 *                 token is made of one pair only (see genai_vocab_build.h for
 *                 why).
 *     BYTE_PAIRS  the same for any two bytes, without looking for them.
 *     BLOCKS      for each 64 characters,
 *     CHARS       where their symbols are.  In a vocabulary of bytes these are
 *                 made by merging, but what every merge of their bytes would
 *                 lead to can as well be there from the begin, unless a merge
 *                 might come before that takes a part of a character to
 *                 another one.  Two masks tell that: of the left one of two
 *                 neighbours, and of the right one; if they have a bit in
 *                 common, both are merged from their bytes.
 *     BYTES       the symbols of the 256 bytes.
 *     JOINTS      where a text is not cut by rules: which two bytes, of all
 *                 65536, stand side by side in a token that merging makes.
 *                 Between any others no token can be.
 *     ADDED       tokens that are found before the text is cut, a tree with a
 *                 node for each byte.
 *     IDS         the id of each symbol, for tools.
 *     PATTERN     of GENAI_SPLIT_PATTERN, PCRE2.
 *
 * Opening checks the magic, the version, the length, the checksum of the
 * header, and that each section lies in the file and is as long as the header
 * says.  The sections' contents are not read: that is genai_vocab_verify().
 * A file whose contents are damaged all the same gives wrong counts and
 * nothing worse: whatever is followed is compared with its section's length,
 * and nothing is looked for in more buckets than the header says.
 *
 * A file has the byte order of x86-64 and arm64, little-endian; on another
 * machine it is refused.
 *
 * All functions are safe in any thread.
 */


#ifndef _GENAI_VOCAB_H_INCLUDED_
#define _GENAI_VOCAB_H_INCLUDED_


#include <stdint.h>

#include "genai_split.h"
#include "genai_str.h"
#include "genai_vocab_source.h"


#define GENAI_VOCAB_MAGIC     "GENAIVOC"
#define GENAI_VOCAB_VERSION   4

/* bytes of a name, with the zero that ends it */
#define GENAI_VOCAB_NAME_MAX  64

/* sections begin at a multiple of it, and so must the image in memory */
#define GENAI_VOCAB_ALIGN     64

/* no symbol, no id; symbols are below */
#define GENAI_VOCAB_NONE      0xfffffu

/* bytes of a token in WORDS */
#define GENAI_VOCAB_WORD      15

/* slots of a bucket: of WORDS and LONGS, of PAIRS */
#define GENAI_VOCAB_WAYS      4
#define GENAI_VOCAB_PAIR_WAYS 8

/* bytes by which a token may depend on what comes behind it, at most */
#define GENAI_VOCAB_HORIZON   1024


typedef enum {
    GENAI_VOCAB_WORDS = 0,
    GENAI_VOCAB_WORD_IDS,
    GENAI_VOCAB_LONGS,
    GENAI_VOCAB_STRINGS,
    GENAI_VOCAB_PAIRS,
    GENAI_VOCAB_BYTE_PAIRS,
    GENAI_VOCAB_BLOCKS,
    GENAI_VOCAB_CHARS,
    GENAI_VOCAB_BYTES,
    GENAI_VOCAB_JOINTS,
    GENAI_VOCAB_ADDED,
    GENAI_VOCAB_IDS,
    GENAI_VOCAB_PATTERN,
    GENAI_VOCAB_SECTIONS
} genai_vocab_section_e;


/* of genai_vocab_header_t.flags */

#define GENAI_VOCAB_F_CHARS   0x01
#define GENAI_VOCAB_F_NFC     0x02
#define GENAI_VOCAB_F_PREFIX  0x04
#define GENAI_VOCAB_F_JOINTS  0x08


/* a token of up to 15 bytes: zeros behind it, its length in the last byte */

typedef struct {
    uint64_t   low;
    uint64_t   high;
} genai_vocab_word_t;


/* of a token's tree in ADDED; the first is the root */

typedef struct {
    uint32_t   children;    /* the first, they are together, by their bytes */
    uint16_t   nchildren;
    uint8_t    byte;
    uint8_t    end;         /* a token ends here, and this is its id */
    uint32_t   id;
} genai_vocab_node_t;


/* a record of STRINGS, at a multiple of 4; then come its bytes */

typedef struct {
    uint32_t   len;
    uint32_t   id;
} genai_vocab_string_t;


/* the file's first bytes */

typedef struct {
    unsigned char  magic[8];
    uint32_t       version;
    uint32_t       order;           /* 0x01020304 */
    uint64_t       len;             /* of the file */
    uint64_t       checksum;        /* of this header, this member being 0 */
    uint64_t       content;         /* the checksum of what follows it */
    unsigned char  origin[32];      /* SHA-256 of the file it was made of */
    char           name[GENAI_VOCAB_NAME_MAX];

    uint32_t       split;           /* a genai_split_e */
    uint32_t       flags;
    uint32_t       ntokens;         /* that a text can have */
    uint32_t       nbase;
    uint32_t       nsymbols;        /* base and merged ones */
    uint32_t       max_len;         /* bytes of the longest token */
    uint32_t       horizon;         /* how far what follows can change a token,
                                       in bytes */
    uint32_t       word_buckets;    /* of each table: its buckets, and how */
    uint32_t       word_probes;     /* many of them are looked at at most */
    uint32_t       long_buckets;
    uint32_t       long_probes;
    uint32_t       pair_buckets;
    uint32_t       pair_probes;
    uint32_t       reserved;

    unsigned char  first[32];       /* bits of bytes an added token begins
                                       with */

    struct {
        uint64_t   offset;
        uint64_t   len;
    } sections[GENAI_VOCAB_SECTIONS];
} genai_vocab_header_t;


/* a view onto the image: it owns nothing, and lives as long as that */

typedef struct {
    genai_str_t                   name;
    genai_split_e                 split;
    genai_str_t                   pattern;
    const genai_split_pattern_t  *split_pattern;  /* compiled, by whoever
                                                     opened it, or NULL */
    uint64_t                      checksum;       /* of the contents */
    uint32_t                      ntokens;
    uint32_t                      nbase;
    uint32_t                      nsymbols;
    uint32_t                      max_len;
    uint32_t                      horizon;

    unsigned                      chars:1;
    unsigned                      nfc:1;
    unsigned                      prefix:1;
    unsigned                      added:1;        /* has any */

    uint32_t                      word_buckets;
    uint32_t                      word_probes;
    uint32_t                      long_buckets;
    uint32_t                      long_probes;
    uint32_t                      pair_buckets;
    uint32_t                      pair_probes;
    uint32_t                      strings_len;
    uint32_t                      nchars;
    uint32_t                      nnodes;

    const genai_vocab_word_t     *words;
    const uint32_t               *word_ids;
    const uint64_t               *longs;
    const unsigned char          *strings;
    const uint64_t               *pairs;
    const uint32_t               *byte_pairs;
    const uint16_t               *blocks;
    const uint64_t               *char_symbols;
    const uint32_t               *bytes;
    const genai_vocab_node_t     *nodes;
    const uint32_t               *ids;
    const unsigned char          *first;
    const uint64_t               *joints;         /* 4 words for each left
                                                     byte; or NULL */
    const genai_vocab_header_t   *header;
} genai_vocab_t;


/*
 * Makes v a view onto the image, len bytes at a multiple of
 * GENAI_VOCAB_ALIGN, which must stay as they are and mapped as long as v is
 * used.  It takes microseconds and touches one page.
 *
 * Returns 0, or -1 with error, terminated, saying what is wrong.
 */
int genai_vocab_open(genai_vocab_t *v, const void *image, size_t len,
    char error[GENAI_VOCAB_ERROR_MAX]);

/*
 * Reads all of an opened image and compares it with its checksum: some
 * milliseconds.  Returns 0, or -1 with error set.
 */
int genai_vocab_verify(const genai_vocab_t *v,
    char error[GENAI_VOCAB_ERROR_MAX]);

/*
 * The id of a symbol in the reference implementation; GENAI_VOCAB_NONE for
 * what is none.
 */
static inline uint32_t
genai_vocab_id(const genai_vocab_t *v, uint32_t symbol)
{
    return (symbol < v->nsymbols) ? v->ids[symbol] : GENAI_VOCAB_NONE;
}


/* a checksum of 64 bits of an image, which finds damage, not malice */
uint64_t genai_vocab_checksum(const void *data, size_t len);


/* what follows is for the builder and the engine */

/* both halves of a product of 128 bits, folded */
static inline uint64_t
genai_vocab_mix(uint64_t a, uint64_t b)
{
#if defined(__SIZEOF_INT128__)

    unsigned __int128  p = (unsigned __int128) a * b;

    return (uint64_t) p ^ (uint64_t) (p >> 64);

#else

    uint64_t  al, ah, bl, bh, m, low, high;

    al = (uint32_t) a;
    ah = a >> 32;
    bl = (uint32_t) b;
    bh = b >> 32;

    low = al * bl;
    m = ah * bl + (low >> 32);
    high = ah * bh + (m >> 32);
    m = (uint32_t) m + al * bh;
    high += m >> 32;
    low = m << 32 | (uint32_t) low;

    return low ^ high;

#endif
}


#define GENAI_VOCAB_HASH_A  UINT64_C(0x9e3779b97f4a7c15)
#define GENAI_VOCAB_HASH_B  UINT64_C(0xd6e8feb86659fd93)


static inline uint64_t
genai_vocab_hash_word(uint64_t low, uint64_t high)
{
    return genai_vocab_mix(low ^ GENAI_VOCAB_HASH_A,
                           high ^ GENAI_VOCAB_HASH_B);
}


/* a pair of symbols as a key of 40 bits */
#define genai_vocab_pair(left, right)  ((uint64_t) (left) << 20 | (right))


static inline uint64_t
genai_vocab_hash_pair(uint64_t pair)
{
    return pair * GENAI_VOCAB_HASH_A;
}


/* the bucket of a hash, of n */
static inline uint32_t
genai_vocab_bucket(uint64_t hash, uint32_t n)
{
    return (uint32_t) ((hash >> 32) * n >> 32);
}


/* of a token of more than 15 bytes */
uint64_t genai_vocab_hash_long(const unsigned char *p, size_t len);


/*
 * A slot of LONGS: 32 bits of the hash, then the offset in STRINGS, of which
 * 0 is never a token's.
 *
 * A slot of PAIRS: the pair, then the merged symbol in the low 20 bits; ones
 * where there is none.  In a bucket's first one the highest bit is set when
 * there are pairs of this bucket in the next.
 */

#define GENAI_VOCAB_NO_PAIR   UINT64_C(0x0fffffffffffffff)
#define GENAI_VOCAB_MORE      UINT64_C(0x8000000000000000)
#define GENAI_VOCAB_PAIR      UINT64_C(0x0ffffffffff00000)

/* a pair as it is in a slot, and what none there is */
#define genai_vocab_pair_key(left, right)                                     \
    (genai_vocab_pair(left, right) << 20)
#define GENAI_VOCAB_NO_KEY    UINT64_C(1)


/*
 * A character in CHARS: its symbol, and the masks.  In the first block are
 * those of which nothing is known.
 */

#define GENAI_VOCAB_UNKNOWN   UINT64_C(0x000fffffffffffff)

#define genai_vocab_char_symbol(c)  ((uint32_t) (c) & GENAI_VOCAB_NONE)
#define genai_vocab_char_left(c)    ((uint32_t) ((c) >> 20) & 0xffff)
#define genai_vocab_char_right(c)   ((uint32_t) ((c) >> 36) & 0xffff)


#endif /* _GENAI_VOCAB_H_INCLUDED_ */
