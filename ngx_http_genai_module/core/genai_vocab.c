/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Opening a compiled vocabulary, and what builder and engine must do in the
 * same way.
 */


#include "genai_vocab.h"

#include <stdio.h>


_Static_assert(sizeof(genai_vocab_word_t) == 16, "a key has 16 bytes");
_Static_assert(sizeof(genai_vocab_node_t) == 12, "a node has 12 bytes");
_Static_assert(sizeof(genai_vocab_string_t) == 8, "a string's head has 8");
_Static_assert(sizeof(genai_vocab_header_t) == 432, "its length is in files");


#define GENAI_VOCAB_ORDER       0x01020304

/* more than any vocabulary needs, so that nothing overflows */
#define GENAI_VOCAB_BUCKETS_MAX  (1 << 24)
#define GENAI_VOCAB_PROBES_MAX   256

#define GENAI_VOCAB_NBLOCKS  ((0x10ffff + 1) / 64)


static const char  *genai_vocab_sections[] = {
    "words", "ids of words", "long tokens", "strings", "pairs",
    "byte pairs", "blocks", "characters", "bytes", "joints",
    "added tokens", "ids", "pattern"
};


static int
genai_vocab_refuse(char *error, const char *what)
{
    snprintf(error, GENAI_VOCAB_ERROR_MAX, "%s", what);

    return -1;
}


/* whether a table of b buckets, looked at p times, is possible */
#define genai_vocab_table(b, p)                                               \
    ((b) > 0 && (b) <= GENAI_VOCAB_BUCKETS_MAX                                \
     && (p) > 0 && (p) <= GENAI_VOCAB_PROBES_MAX && (p) <= (b))


/* what of a header can be judged alone */

static const char *
genai_vocab_check(const genai_vocab_header_t *h)
{
    if (memchr(h->name, '\0', sizeof(h->name)) == NULL || h->name[0] == '\0') {
        return "the vocabulary has no name";
    }

    if (h->split >= GENAI_SPLIT_LAST
        || (h->split == GENAI_SPLIT_PATTERN)
           != (h->sections[GENAI_VOCAB_PATTERN].len != 0))
    {
        return "the vocabulary's way of cutting a text is not known";
    }

    if ((h->flags & ~(GENAI_VOCAB_F_CHARS|GENAI_VOCAB_F_NFC
                      |GENAI_VOCAB_F_PREFIX|GENAI_VOCAB_F_JOINTS)) != 0)
    {
        return "the vocabulary has flags that are not known";
    }

    if (h->nbase == 0 || h->nbase > h->nsymbols
        || h->nsymbols >= GENAI_VOCAB_NONE
        || h->max_len == 0 || h->max_len > GENAI_VOCAB_TOKEN_LEN
        || h->horizon > GENAI_VOCAB_HORIZON
        || !genai_vocab_table(h->word_buckets, h->word_probes)
        || !genai_vocab_table(h->long_buckets, h->long_probes)
        || !genai_vocab_table(h->pair_buckets, h->pair_probes))
    {
        return "the vocabulary's header has impossible numbers";
    }

    return NULL;
}


/* the length that a section must have, or what it must be a multiple of */

static uint64_t
genai_vocab_section_len(const genai_vocab_header_t *h, int i, uint64_t *unit)
{
    int  chars;

    chars = (h->flags & GENAI_VOCAB_F_CHARS) != 0;
    *unit = 0;

    switch (i) {

    case GENAI_VOCAB_WORDS:
        return (uint64_t) h->word_buckets * GENAI_VOCAB_WAYS
               * sizeof(genai_vocab_word_t);

    case GENAI_VOCAB_WORD_IDS:
        return (uint64_t) h->word_buckets * GENAI_VOCAB_WAYS
               * sizeof(uint32_t);

    case GENAI_VOCAB_LONGS:
        return (uint64_t) h->long_buckets * GENAI_VOCAB_WAYS
               * sizeof(uint64_t);

    case GENAI_VOCAB_PAIRS:
        return (uint64_t) h->pair_buckets * GENAI_VOCAB_PAIR_WAYS
               * sizeof(uint64_t);

    case GENAI_VOCAB_BYTE_PAIRS:
        return chars ? 0 : 65536 * sizeof(uint32_t);

    case GENAI_VOCAB_BLOCKS:
        return GENAI_VOCAB_NBLOCKS * sizeof(uint16_t);

    case GENAI_VOCAB_CHARS:
        *unit = 64 * sizeof(uint64_t);
        return 0;

    case GENAI_VOCAB_BYTES:
        return 256 * sizeof(uint32_t);

    case GENAI_VOCAB_JOINTS:
        return (h->flags & GENAI_VOCAB_F_JOINTS) ? 65536 / 8 : 0;

    case GENAI_VOCAB_ADDED:
        *unit = sizeof(genai_vocab_node_t);
        return 0;

    case GENAI_VOCAB_IDS:
        return (uint64_t) h->nsymbols * sizeof(uint32_t);

    default: /* GENAI_VOCAB_STRINGS, GENAI_VOCAB_PATTERN */
        *unit = 1;
        return 0;
    }
}


int
genai_vocab_open(genai_vocab_t *v, const void *image, size_t len,
    char error[GENAI_VOCAB_ERROR_MAX])
{
    int                          i;
    uint64_t                     want, unit, offset, n;
    const char                  *what;
    genai_vocab_header_t         head;
    const genai_vocab_header_t  *h;
    const unsigned char         *p;

    p = image;
    h = image;

    if (len < sizeof(head)) {
        return genai_vocab_refuse(error, len < sizeof(h->magic)
                                || memcmp(p, GENAI_VOCAB_MAGIC, 8) != 0
                                ? "this is not a compiled vocabulary"
                                : "the vocabulary is truncated");
    }

    if (((uintptr_t) image & (GENAI_VOCAB_ALIGN - 1)) != 0) {
        return genai_vocab_refuse(error, "the vocabulary is not aligned");
    }

    memcpy(&head, p, sizeof(head));

    if (memcmp(head.magic, GENAI_VOCAB_MAGIC, sizeof(head.magic)) != 0) {
        return genai_vocab_refuse(error, "this is not a compiled vocabulary");
    }

    if (head.order != GENAI_VOCAB_ORDER) {
        return genai_vocab_refuse(error, "the vocabulary was compiled for"
                                " another byte order");
    }

    if (head.version != GENAI_VOCAB_VERSION) {
        snprintf(error, GENAI_VOCAB_ERROR_MAX, "the vocabulary is of version"
                 " %u, and not of %u: compile it again", head.version,
                 GENAI_VOCAB_VERSION);
        return -1;
    }

    head.checksum = 0;

    if (genai_vocab_checksum(&head, sizeof(head)) != h->checksum) {
        return genai_vocab_refuse(error, "the vocabulary's header is damaged");
    }

    if (h->len != len) {
        snprintf(error, GENAI_VOCAB_ERROR_MAX, "the vocabulary is %s: it has"
                 " %llu bytes, not %llu", len < h->len ? "truncated"
                 : "followed by something", (unsigned long long) len,
                 (unsigned long long) h->len);
        return -1;
    }

    what = genai_vocab_check(h);

    if (what != NULL) {
        return genai_vocab_refuse(error, what);
    }

    for (i = 0; i < GENAI_VOCAB_SECTIONS; i++) {
        offset = h->sections[i].offset;
        n = h->sections[i].len;
        want = genai_vocab_section_len(h, i, &unit);

        if (offset < sizeof(head) || offset % GENAI_VOCAB_ALIGN != 0
            || offset > len || n > len - offset || n > UINT32_MAX
            || (unit ? n % unit : n != want))
        {
            snprintf(error, GENAI_VOCAB_ERROR_MAX, "the vocabulary's section"
                     " of %s has an impossible place or length",
                     genai_vocab_sections[i]);
            return -1;
        }
    }

    memset(v, 0, sizeof(genai_vocab_t));

#define genai_vocab_section(i)                                                \
    ((const void *) (p + h->sections[GENAI_VOCAB_ ## i].offset))

    v->header = h;
    v->name.data = (unsigned char *) h->name;
    v->name.len = strlen(h->name);
    v->split = (genai_split_e) h->split;
    v->pattern.data = (unsigned char *) genai_vocab_section(PATTERN);
    v->pattern.len = (size_t) h->sections[GENAI_VOCAB_PATTERN].len;
    v->checksum = h->content;

    v->ntokens = h->ntokens;
    v->nbase = h->nbase;
    v->nsymbols = h->nsymbols;
    v->max_len = h->max_len;
    v->horizon = h->horizon;

    v->chars = (h->flags & GENAI_VOCAB_F_CHARS) != 0;
    v->nfc = (h->flags & GENAI_VOCAB_F_NFC) != 0;
    v->prefix = (h->flags & GENAI_VOCAB_F_PREFIX) != 0;

    v->word_buckets = h->word_buckets;
    v->word_probes = h->word_probes;
    v->long_buckets = h->long_buckets;
    v->long_probes = h->long_probes;
    v->pair_buckets = h->pair_buckets;
    v->pair_probes = h->pair_probes;

    v->words = genai_vocab_section(WORDS);
    v->word_ids = genai_vocab_section(WORD_IDS);
    v->longs = genai_vocab_section(LONGS);
    v->strings = genai_vocab_section(STRINGS);
    v->strings_len = (uint32_t) h->sections[GENAI_VOCAB_STRINGS].len;
    v->pairs = genai_vocab_section(PAIRS);
    v->byte_pairs = genai_vocab_section(BYTE_PAIRS);
    v->blocks = genai_vocab_section(BLOCKS);
    v->char_symbols = genai_vocab_section(CHARS);
    v->nchars = (uint32_t) (h->sections[GENAI_VOCAB_CHARS].len
                            / sizeof(uint64_t));
    v->bytes = genai_vocab_section(BYTES);
    v->nodes = genai_vocab_section(ADDED);
    v->nnodes = (uint32_t) (h->sections[GENAI_VOCAB_ADDED].len
                            / sizeof(genai_vocab_node_t));
    v->added = v->nnodes > 1;
    v->ids = genai_vocab_section(IDS);
    v->first = h->first;

    if (h->flags & GENAI_VOCAB_F_JOINTS) {
        v->joints = genai_vocab_section(JOINTS);
    }

#undef genai_vocab_section

    return 0;
}


int
genai_vocab_verify(const genai_vocab_t *v, char error[GENAI_VOCAB_ERROR_MAX])
{
    const unsigned char  *p;

    p = (const unsigned char *) v->header + sizeof(genai_vocab_header_t);

    if (genai_vocab_checksum(p, (size_t) v->header->len
                                - sizeof(genai_vocab_header_t))
        != v->header->content)
    {
        return genai_vocab_refuse(error, "the vocabulary's contents are"
                                " damaged");
    }

    return 0;
}


/* four lanes of what is multiplied and folded */

uint64_t
genai_vocab_checksum(const void *data, size_t len)
{
    int                   i;
    size_t                left;
    uint64_t              w[8], h[4];
    const unsigned char  *p;

    p = data;

    for (i = 0; i < 4; i++) {
        h[i] = GENAI_VOCAB_HASH_A * (2 * i + 1);
    }

    for (left = len; left >= sizeof(w); left -= sizeof(w), p += sizeof(w)) {
        memcpy(w, p, sizeof(w));

        for (i = 0; i < 4; i++) {
            h[i] = genai_vocab_mix(h[i] ^ w[2 * i],
                                   w[2 * i + 1] ^ GENAI_VOCAB_HASH_B)
                   + h[i];
        }
    }

    memset(w, 0, sizeof(w));
    memcpy(w, p, left);

    for (i = 0; i < 4; i++) {
        h[i] = genai_vocab_mix(h[i] ^ w[2 * i],
                               w[2 * i + 1] ^ GENAI_VOCAB_HASH_B) + h[i];
    }

    return genai_vocab_mix(genai_vocab_mix(h[0] ^ len, h[1]) ^ h[2],
                           h[3] ^ GENAI_VOCAB_HASH_A);
}


uint64_t
genai_vocab_hash_long(const unsigned char *p, size_t len)
{
    size_t    n;
    uint64_t  w[2], h;

    h = len * GENAI_VOCAB_HASH_B;

    for (n = len; n > 16; n -= 16, p += 16) {
        memcpy(w, p, 16);
        h = genai_vocab_mix(w[0] ^ h, w[1] ^ GENAI_VOCAB_HASH_B);
    }

    /* the last 16 bytes, some of them maybe a second time */

    memcpy(w, p + n - 16, 16);

    return genai_vocab_mix(w[0] ^ h, w[1] ^ GENAI_VOCAB_HASH_A);
}
