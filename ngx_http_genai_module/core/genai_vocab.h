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
 *     PAIRS       which two symbols merge, and into which.  Every token is
 *                 made of one pair only (see genai_vocab_build.h for why), so
 *                 a slot needs but the symbol and a tag of 11 bits: whether it
 *                 is the right one is asked when it comes to merging, and that
 *                 is seldom in vain.  So this table, where most is looked for,
 *                 and mostly not found, is small: 8 slots a bucket, half a
 *                 line each, and a flag that tells where to look on.
 *     PARTS       of which two symbols each merged one is made.
 *     BYTE_PAIRS  the same for any two bytes, without looking for them.
 *     BLOCKS      in vocabularies of characters: for each 64 characters,
 *     CHARS       where their symbols are.
 *     BYTES       the symbols of the 256 bytes.
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
#define GENAI_VOCAB_VERSION   1

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
    GENAI_VOCAB_PARTS,
    GENAI_VOCAB_BYTE_PAIRS,
    GENAI_VOCAB_BLOCKS,
    GENAI_VOCAB_CHARS,
    GENAI_VOCAB_BYTES,
    GENAI_VOCAB_ADDED,
    GENAI_VOCAB_IDS,
    GENAI_VOCAB_PATTERN,
    GENAI_VOCAB_SECTIONS
} genai_vocab_section_e;


/* of genai_vocab_header_t.flags */

#define GENAI_VOCAB_F_CHARS   0x01
#define GENAI_VOCAB_F_NFC     0x02
#define GENAI_VOCAB_F_PREFIX  0x04
#define GENAI_VOCAB_F_SPACES  0x08


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
    unsigned char  glue[32];        /* of GENAI_VOCAB_F_SPACES: bits of bytes
                                       behind which a token may have a space */

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
    unsigned                      spaces:1;       /* cut at spaces, see glue */
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
    const uint32_t               *pairs;
    const uint64_t               *parts;
    const uint32_t               *byte_pairs;
    const uint16_t               *blocks;
    const uint32_t               *char_symbols;
    const uint32_t               *bytes;
    const genai_vocab_node_t     *nodes;
    const uint32_t               *ids;
    const unsigned char          *first;
    const unsigned char          *glue;
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


/* a pair of symbols as a key of 40 bits, also in PARTS */
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
 * A slot of PAIRS: the tag, then the merged symbol; ones where there is none.
 * In a bucket's first one the highest bit is set when there are pairs of this
 * bucket in the next.
 */

#define GENAI_VOCAB_NO_PAIR   0x7fffffffu
#define GENAI_VOCAB_MORE      0x80000000u
#define GENAI_VOCAB_TAG       0x7ff00000u

/* of a pair's hash; other bits than those that the bucket is of */
#define genai_vocab_tag(hash)                                                 \
    ((uint32_t) ((((hash) >> 21 & 0x7ff) * 2047) >> 11) << 20)


/* whether this is what the two symbols become */
static inline int
genai_vocab_made_of(const genai_vocab_t *v, uint32_t symbol, uint32_t left,
    uint32_t right)
{
    uint32_t  i = symbol - v->nbase;

    return i < v->nsymbols - v->nbase
           && v->parts[i] == genai_vocab_pair(left, right)
           && left != GENAI_VOCAB_NONE && right != GENAI_VOCAB_NONE;
}


#endif /* _GENAI_VOCAB_H_INCLUDED_ */
