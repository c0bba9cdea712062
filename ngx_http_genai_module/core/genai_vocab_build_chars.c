/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The sections of characters and bytes of a compiled vocabulary.
 *
 * In a vocabulary of bytes, merging may begin with characters instead, where
 * it can be shown that it would come to them.  A token that reaches over the
 * border of two characters and has only a part of one, at its begin or its
 * end, is called RAGGED here.  It, or one that is a part of it, was made by a
 * merge right at a border; so, where no ragged token can be made at either
 * border of a character, its bytes are merged as if they were alone, and what
 * they become is there before it merges with anything, if such merges have
 * ranks above its own.  There are some hundred ragged tokens in a vocabulary,
 * most of them a space and the first byte of a letter.
 *
 * Whether one can be made at a border follows from what it is made of: the
 * left part ends with the character on the left, or with some last bytes of
 * it; the right one begins with that on the right, or some first bytes of it.
 * The ragged tokens are spread over 16 bits, and each character has the bits
 * of those that may reach over its right border, and its left one.
 */


#include "genai_vocab_build_int.h"


#define GENAI_VOCAB_NBLOCKS  ((0x10ffff + 1) / 64)


/* a ragged token, of which left and right met at a border */

typedef struct {
    const unsigned char  *tail;         /* of left: its last character, or */
    size_t                ntail;        /* last bytes of any */
    const unsigned char  *head;         /* of right, in the same way */
    size_t                nhead;
    unsigned              whole_tail:1;
    unsigned              whole_head:1;
    uint32_t              bit;
} genai_vocab_ragged_t;


typedef struct {
    uint16_t              *blocks;
    uint64_t              *chars;
    uint32_t               nblocks;
    genai_vocab_ragged_t  *ragged;
    uint32_t               nragged;
} genai_vocab_chars_t;


uint32_t
genai_vocab_char(const unsigned char *p, size_t len)
{
    switch (len) {

    case 1:
        return p[0];

    case 2:
        return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);

    case 3:
        return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);

    default:
        return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12
               | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
    }
}


size_t
genai_vocab_char_put(unsigned char p[4], uint32_t c)
{
    if (c < 0x80) {
        p[0] = (unsigned char) c;
        return 1;
    }

    if (c < 0x800) {
        p[0] = (unsigned char) (0xc0 | c >> 6);
        p[1] = 0x80 | (c & 0x3f);
        return 2;
    }

    if (c < 0x10000) {
        p[0] = (unsigned char) (0xe0 | c >> 12);
        p[1] = 0x80 | (c >> 6 & 0x3f);
        p[2] = 0x80 | (c & 0x3f);
        return 3;
    }

    p[0] = (unsigned char) (0xf0 | c >> 18);
    p[1] = 0x80 | (c >> 12 & 0x3f);
    p[2] = 0x80 | (c >> 6 & 0x3f);
    p[3] = 0x80 | (c & 0x3f);

    return 4;
}


#define genai_vocab_inner(c)  (((c) & 0xc0) == 0x80)


/*
 * Where the last character of p[0 .. len) begins; len where that has no first
 * byte.
 */

static size_t
genai_vocab_last_char(const unsigned char *p, size_t len)
{
    size_t  i;

    for (i = len; i > 0; i--) {
        if (!genai_vocab_inner(p[i - 1])) {
            return i - 1;
        }
    }

    return len;
}


/* whether a token is ragged, and what is to be known of it */

static int
genai_vocab_ragged(const genai_vocab_make_t *make,
    const genai_vocab_made_t *made, genai_vocab_ragged_t *r)
{
    size_t                last;
    uint32_t              i, hash;
    const genai_str_t    *left, *right;
    const unsigned char  *end;

    left = &make->source->tokens[made->left].bytes;
    right = &make->source->tokens[made->right].bytes;

    if (genai_vocab_inner(right->data[0])) {
        return 0;               /* not made at a border */
    }

    /* the left part must end with a character, or could not stand there */

    end = left->data + left->len;
    last = genai_vocab_last_char(left->data, left->len);
    r->whole_tail = (last < left->len);

    if (!r->whole_tail) {
        r->tail = left->data;
        r->ntail = left->len;

    } else {
        r->tail = left->data + last;
        r->ntail = left->len - last;

        if (genai_vocab_char_len(r->tail, end) != r->ntail) {
            return 0;
        }
    }

    end = right->data + right->len;
    r->head = right->data;
    r->nhead = genai_vocab_char_len(r->head, end);
    r->whole_head = (r->nhead != 0);

    if (!r->whole_head) {
        r->nhead = right->len;
    }

    last = genai_vocab_last_char(right->data, right->len);

    if (r->whole_tail && !genai_vocab_inner(left->data[0])
        && genai_vocab_char_len(right->data + last, end) == right->len - last)
    {
        return 0;               /* whole characters at both ends */
    }

    /*
     * Most of those that begin with a space have nothing else in common with
     * other characters, and others with these: some bits for each kind
     */

    hash = 0;

    for (i = 0; i < r->nhead; i++) {
        hash = hash * 31 + r->head[i];
    }

    hash ^= hash >> 7;

    if (r->whole_tail && r->ntail == 1 && r->tail[0] == ' ') {
        r->bit = 1;

    } else if (r->whole_head) {
        r->bit = 1u << (8 + hash % 8);

    } else {
        r->bit = 1u << (1 + hash % 7);
    }

    return 1;
}


/* the masks of a character */

static uint64_t
genai_vocab_char_masks(const genai_vocab_chars_t *chars, uint32_t c)
{
    size_t                       n;
    uint32_t                     i, left, right;
    unsigned char                p[4];
    const genai_vocab_ragged_t  *r;

    left = 0;
    right = 0;
    n = genai_vocab_char_put(p, c);

    for (i = 0; i < chars->nragged; i++) {
        r = &chars->ragged[i];

        if (r->whole_tail ? r->ntail == n : r->ntail < n) {
            if (memcmp(p + n - r->ntail, r->tail, r->ntail) == 0) {
                left |= r->bit;
            }
        }

        if (r->whole_head ? r->nhead == n : r->nhead < n) {
            if (memcmp(p, r->head, r->nhead) == 0) {
                right |= r->bit;
            }
        }
    }

    return (uint64_t) left << 20 | (uint64_t) right << 36;
}


/* the place of a character, for which there is a block from now on */

static uint64_t *
genai_vocab_char_at(genai_vocab_chars_t *chars, uint32_t c)
{
    if (chars->blocks[c / 64] == 0) {
        chars->blocks[c / 64] = (uint16_t) chars->nblocks++;
    }

    return &chars->chars[chars->blocks[c / 64] * 64 + c % 64];
}


/* of all characters that are tokens the symbols */

static void
genai_vocab_char_tokens(genai_vocab_make_t *make, genai_vocab_chars_t *chars)
{
    uint32_t                  i, rank, *lowest;
    const genai_str_t        *bytes;
    const genai_vocab_made_t *made;

    /* the lowest rank of what each symbol is made a part of */

    lowest = genai_vocab_make_alloc(make, (uint64_t) make->nsymbols * 4, 0xff);

    if (lowest == NULL) {
        return;
    }

    for (i = 0; i < make->nmade; i++) {
        made = &make->made[i];
        rank = made->rank;

        if (rank < lowest[make->symbols[made->left]]) {
            lowest[make->symbols[made->left]] = rank;
        }

        if (rank < lowest[make->symbols[made->right]]) {
            lowest[make->symbols[made->right]] = rank;
        }
    }

    for (i = 0; i < make->nsymbols; i++) {

        if (make->tokens[i] >= make->source->ntokens
            || make->source->tokens[make->tokens[i]].kind
               != GENAI_TOKEN_NORMAL)
        {
            continue;
        }

        bytes = &make->source->tokens[make->tokens[i]].bytes;

        if (genai_vocab_char_len(bytes->data, bytes->data + bytes->len)
            != bytes->len)
        {
            continue;
        }

        /* (of bytes) what it becomes must not be there before it is */

        if (i >= make->nbase && lowest[i] <= make->times[make->tokens[i]]) {
            continue;
        }

        *genai_vocab_char_at(chars, genai_vocab_char(bytes->data,
                                                     bytes->len)) = i;
    }
}


static int
genai_vocab_char_table(genai_vocab_make_t *make)
{
    uint32_t             i, c, n;
    uint64_t            *p;
    genai_vocab_chars_t  chars;

    /* the blocks of all characters that tokens begin or end with, and two */

    n = make->nsymbols + make->nmade + 3;
    n = (n < GENAI_VOCAB_NBLOCKS + 1) ? n : GENAI_VOCAB_NBLOCKS + 1;

    chars.nblocks = 1;
    chars.nragged = 0;
    chars.blocks = genai_vocab_make_alloc(make, GENAI_VOCAB_NBLOCKS * 2, 0);
    chars.chars = genai_vocab_make_alloc(make, (uint64_t) n * 64 * 8, 0);
    chars.ragged = genai_vocab_make_alloc(make, make->nmade
                                          * sizeof(genai_vocab_ragged_t), 0);

    if (chars.blocks == NULL || chars.chars == NULL || chars.ragged == NULL) {
        return -1;
    }

    for (i = 0; i < n * 64; i++) {
        chars.chars[i] = GENAI_VOCAB_UNKNOWN;
    }

    (void) genai_vocab_char_at(&chars, 0);
    (void) genai_vocab_char_at(&chars, 64);

    genai_vocab_char_tokens(make, &chars);

    for (i = 0; !make->source->chars && i < make->nmade; i++) {
        chars.nragged += (uint32_t)
                         genai_vocab_ragged(make, &make->made[i],
                                            &chars.ragged[chars.nragged]);
    }

    for (i = 0; i < GENAI_VOCAB_NBLOCKS; i++) {

        for (c = i * 64; chars.blocks[i] && c < i * 64 + 64; c++) {
            p = genai_vocab_char_at(&chars, c);
            *p = genai_vocab_char_symbol(*p)
                 | genai_vocab_char_masks(&chars, c);
        }
    }

    make->parts[GENAI_VOCAB_BLOCKS].data = chars.blocks;
    make->parts[GENAI_VOCAB_BLOCKS].len = GENAI_VOCAB_NBLOCKS * 2;
    make->parts[GENAI_VOCAB_CHARS].data = chars.chars;
    make->parts[GENAI_VOCAB_CHARS].len = (uint64_t) chars.nblocks * 64 * 8;

    return 0;
}


int
genai_vocab_make_chars(genai_vocab_make_t *make)
{
    uint32_t                     i, *bytes;
    const uint16_t              *blocks;
    const uint64_t              *chars;
    const genai_source_token_t  *t;

    bytes = genai_vocab_make_alloc(make, 256 * 4, 0);

    if (bytes == NULL || genai_vocab_char_table(make) != 0) {
        return -1;
    }

    for (i = 0; i < 256; i++) {
        bytes[i] = (make->source->chars || make->base[i] == GENAI_VOCAB_NONE)
                   ? GENAI_VOCAB_NONE : i;
    }

    make->parts[GENAI_VOCAB_BYTES].data = bytes;
    make->parts[GENAI_VOCAB_BYTES].len = 256 * 4;

    if (!make->source->chars) {
        return 0;
    }

    for (i = 0; i < make->nbase; i++) {
        t = &make->source->tokens[make->tokens[i]];

        if (t->kind == GENAI_TOKEN_BYTE) {
            bytes[t->bytes.data[0]] = i;
        }
    }

    blocks = make->parts[GENAI_VOCAB_BLOCKS].data;
    chars = make->parts[GENAI_VOCAB_CHARS].data;

    for (i = 0; i < 0xf5; i++) {
        if (bytes[i] != GENAI_VOCAB_NONE || i == 0xc0 || i == 0xc1
            || (i < 0x80
                && genai_vocab_char_symbol(chars[blocks[i / 64] * 64 + i % 64])
                   != GENAI_VOCAB_NONE))
        {
            continue;
        }

        return genai_vocab_make_fail(make, "there is no token for the byte"
                                     " 0x%02x of characters that are none", i);
    }

    return 0;
}
