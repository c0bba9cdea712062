/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of vocabularies have in common, and which of them reads a
 * file.
 */


#include "genai_key.h"
#include "genai_scan.h"
#include "genai_siphash.h"
#include "genai_text.h"
#include "genai_vocab_read_int.h"

#include <stdarg.h>
#include <stdio.h>


/* values of a document: three for a merge, two for a token, and some */
#define GENAI_VOCAB_VALUES  (24 * 1024 * 1024)

/* what stands in a clone for a large file that was not fetched */
#define GENAI_VOCAB_LFS     "version https://git-lfs"

/* bytes that are in no UTF-8 need no token */
#define genai_vocab_never(b)  ((b) == 0xc0 || (b) == 0xc1 || (b) >= 0xf5)


static uint64_t genai_vocab_hash(const genai_vocab_index_t *x,
    const unsigned char *p, size_t len);
static uint64_t *genai_vocab_slot(const genai_vocab_index_t *x,
    uint64_t hash, const unsigned char *p, size_t len);
static int genai_vocab_spaces(const genai_str_t *s);


static const signed char  genai_vocab_base64_digits[256] = {
    ['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
    19, 20, 21, 22, 23, 24, 25, 26,
    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42,
    43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
    ['+'] = 63, ['/'] = 64
};


int
genai_vocab_read(genai_vocab_source_t *s, genai_arena_t *arena,
    const genai_str_t *name, genai_split_e split, const genai_str_t *data,
    char error[GENAI_VOCAB_ERROR_MAX])
{
    int                   lfs;
    size_t                i;
    genai_tape_t          t;
    genai_vocab_reader_t  r;

    for (i = 0; i < data->len; i++) {

        if (data->data[i] != ' ' && data->data[i] != '\t'
            && data->data[i] != '\n' && data->data[i] != '\r')
        {
            break;
        }
    }

    if (i < data->len && data->data[i] == '{') {

        if (genai_vocab_reader_init(&r, s, arena, name, data, error) != 0
            || genai_vocab_json(&r, &t) != 0)
        {
            return -1;
        }

        if (genai_tape_find(&t, 0, "model", 5)) {
            return genai_vocab_read_json_tape(&r, &t);
        }

        if (genai_tape_find(&t, 0, "vocab", 5)) {
            return genai_vocab_read_tekken_tape(&r, &t);
        }

        return genai_vocab_fail(&r, "it is JSON with neither a \"model\" as"
                          " tokenizer.json nor a \"vocab\" as tekken.json has");
    }

    /* the first field of a model is a piece, in tag and type a line feed */

    if (data->len && data->data[0] == '\n') {
        return genai_vocab_read_spm(s, arena, name, data, error);
    }

    lfs = (data->len > sizeof(GENAI_VOCAB_LFS)
           && memcmp(data->data, GENAI_VOCAB_LFS, sizeof(GENAI_VOCAB_LFS) - 1)
              == 0);

    if (i < data->len && genai_vocab_base64_digits[data->data[i]] && !lfs) {
        return genai_vocab_read_ranks(s, arena, name, split, data, error);
    }

    r.error = error;

    return genai_vocab_fail(&r, "%s", (i == data->len) ? "it is empty"
                            : lfs ? "it is a pointer of Git LFS, not the file"
                                    " that this stands for"
                            : "it is no vocabulary: neither tokenizer.json nor"
                              " tekken.json, a model of SentencePiece, or"
                              " ranks of tiktoken");
}


int
genai_vocab_reader_init(genai_vocab_reader_t *r, genai_vocab_source_t *s,
    genai_arena_t *arena, const genai_str_t *name, const genai_str_t *data,
    char *error)
{
    size_t  size;

    memset(s, 0, sizeof(genai_vocab_source_t));

    s->name = *name;

    r->s = s;
    r->arena = arena;
    r->data = data;
    r->error = error;

    genai_digest(data->data, data->len, s->origin);

    size = GENAI_VOCAB_TOKENS / 8;

    r->ids = genai_arena_alloc(arena, size);
    if (r->ids == NULL) {
        return genai_vocab_no_memory(r);
    }

    memset(r->ids, 0, size);

    return 0;
}


int
genai_vocab_fail(genai_vocab_reader_t *r, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(r->error, GENAI_VOCAB_ERROR_MAX, fmt, args);
    va_end(args);

    return -1;
}


int
genai_vocab_no_memory(genai_vocab_reader_t *r)
{
    return genai_vocab_fail(r, "there is no memory for it");
}


const char *
genai_vocab_quote(char buf[GENAI_VOCAB_QUOTE], const genai_str_t *s)
{
    char    *p, *end;
    size_t   i;

    p = buf;
    end = buf + GENAI_VOCAB_QUOTE - sizeof("\\xff...\"");

    *p++ = '"';

    for (i = 0; i < s->len; i++) {

        if (p > end) {
            memcpy(p, "...", 3);
            p += 3;
            break;
        }

        if (s->data[i] >= 0x20 && s->data[i] < 0x7f && s->data[i] != '"'
            && s->data[i] != '\\')
        {
            *p++ = s->data[i];

        } else {
            p += sprintf(p, "\\x%02x", s->data[i]);
        }
    }

    *p++ = '"';
    *p = '\0';

    return buf;
}


int
genai_vocab_tokens(genai_vocab_reader_t *r, size_t n, const char *what)
{
    if (n == 0) {
        return genai_vocab_fail(r, "%s: there are no tokens", what);
    }

    if (n > GENAI_VOCAB_TOKENS) {
        return genai_vocab_fail(r, "%s: there are %lu tokens, at most %d can be"
                                " read", what, (unsigned long) n,
                                GENAI_VOCAB_TOKENS);
    }

    r->s->tokens = genai_arena_alloc(r->arena,
                                     n * sizeof(genai_source_token_t));
    if (r->s->tokens == NULL) {
        return genai_vocab_no_memory(r);
    }

    return 0;
}


int
genai_vocab_take_id(genai_vocab_reader_t *r, uint64_t id)
{
    uint64_t  bit;

    if (id >= GENAI_VOCAB_TOKENS) {
        return 1;
    }

    bit = (uint64_t) 1 << (id % 64);

    if (r->ids[id / 64] & bit) {
        return 1;
    }

    r->ids[id / 64] |= bit;

    return 0;
}


int
genai_vocab_index(genai_vocab_reader_t *r, genai_vocab_index_t *x,
    const void *base, size_t stride, size_t n)
{
    size_t  size;

    for (size = 16; size < n + n / 2; size *= 2) { /* void */ }

    x->slots = genai_arena_alloc(r->arena, size * sizeof(uint64_t));
    if (x->slots == NULL) {
        return genai_vocab_no_memory(r);
    }

    memset(x->slots, 0, size * sizeof(uint64_t));

    x->mask = size - 1;
    x->base = base;
    x->stride = stride;

    memcpy(x->seed, r->s->origin, sizeof(x->seed));

    return 0;
}


static uint64_t
genai_vocab_hash(const genai_vocab_index_t *x, const unsigned char *p,
    size_t len)
{
    size_t           n;
    uint64_t         w;
    genai_siphash_t  h;

    genai_siphash_begin(&h, x->seed);

    for (n = len; n >= 8; n -= 8, p += 8) {
        memcpy(&w, p, 8);
        genai_siphash_word(&h, w);
    }

    w = 0;
    memcpy(&w, p, n);
    genai_siphash_word(&h, w);
    genai_siphash_word(&h, len);

    return genai_siphash_end(&h);
}


/* the slot that has those bytes, or the free one that they belong in */

static uint64_t *
genai_vocab_slot(const genai_vocab_index_t *x, uint64_t hash,
    const unsigned char *p, size_t len)
{
    uint64_t            slot;
    uint32_t            i;
    const genai_str_t  *s;

    for (i = hash & x->mask; x->slots[i]; i = (i + 1) & x->mask) {

        slot = x->slots[i];

        if (slot >> 32 != hash >> 32) {
            continue;
        }

        s = (const genai_str_t *) (const void *)
                (x->base + ((uint32_t) slot - 1) * x->stride);

        if (s->len == len && memcmp(s->data, p, len) == 0) {
            break;
        }
    }

    return &x->slots[i];
}


uint32_t
genai_vocab_find(const genai_vocab_index_t *x, const unsigned char *p,
    size_t len)
{
    /* of a free slot it is 0 - 1 */

    return (uint32_t) *genai_vocab_slot(x, genai_vocab_hash(x, p, len), p,
                                        len) - 1;
}


uint32_t
genai_vocab_add(genai_vocab_index_t *x, uint32_t i)
{
    uint64_t            hash, *slot;
    const genai_str_t  *s;

    s = (const genai_str_t *) (const void *) (x->base + i * x->stride);

    hash = genai_vocab_hash(x, s->data, s->len);
    slot = genai_vocab_slot(x, hash, s->data, s->len);

    if (*slot) {
        return (uint32_t) *slot - 1;
    }

    *slot = hash >> 32 << 32 | (i + 1);

    return GENAI_VOCAB_NOWHERE;
}


int
genai_vocab_base64(unsigned char *dst, const unsigned char *p, size_t len)
{
    int             a, b, c, d, pad;
    unsigned char  *start;

    if (len == 0 || len % 4 != 0) {
        return -1;
    }

    start = dst;
    pad = (p[len - 1] == '=') + (p[len - 1] == '=' && p[len - 2] == '=');

    for ( /* void */ ; len; len -= 4, p += 4) {

        a = genai_vocab_base64_digits[p[0]] - 1;
        b = genai_vocab_base64_digits[p[1]] - 1;
        c = (len == 4 && pad == 2) ? 0 : genai_vocab_base64_digits[p[2]] - 1;
        d = (len == 4 && pad) ? 0 : genai_vocab_base64_digits[p[3]] - 1;

        if ((a | b | c | d) < 0) {
            return -1;
        }

        *dst++ = a << 2 | b >> 4;
        *dst++ = b << 4 | c >> 2;
        *dst++ = c << 6 | d;
    }

    dst -= pad;

    /* what is cut off has no bits, or two texts would be one token */

    if ((pad == 1 && dst[0]) || (pad == 2 && (dst[0] || dst[1]))) {
        return -1;
    }

    return dst - start;
}


int
genai_vocab_number(const unsigned char *p, size_t len, uint64_t *n)
{
    size_t    i;
    uint64_t  value;

    if (len == 0 || len > 18) {
        return -1;
    }

    for (i = 0, value = 0; i < len; i++) {

        if (p[i] < '0' || p[i] > '9') {
            return -1;
        }

        value = value * 10 + (p[i] - '0');
    }

    *n = value;

    return 0;
}


int
genai_vocab_marked(const genai_str_t *s)
{
    const unsigned char  *p, *end;

    end = s->data + s->len;

    for (p = s->data; end - p >= GENAI_VOCAB_MARK_LEN; p++) {

        p = memchr(p, GENAI_VOCAB_MARK[0], end - p - GENAI_VOCAB_MARK_LEN + 1);

        if (p == NULL) {
            return 0;
        }

        if (memcmp(p, GENAI_VOCAB_MARK, GENAI_VOCAB_MARK_LEN) == 0) {
            return 1;
        }
    }

    return 0;
}


size_t
genai_vocab_unmark(unsigned char *dst, const genai_str_t *s)
{
    unsigned char        *start;
    const unsigned char  *p, *end;

    start = dst;
    end = s->data + s->len;

    for (p = s->data; p < end; /* void */ ) {

        if (end - p >= GENAI_VOCAB_MARK_LEN
            && memcmp(p, GENAI_VOCAB_MARK, GENAI_VOCAB_MARK_LEN) == 0)
        {
            *dst++ = ' ';
            p += GENAI_VOCAB_MARK_LEN;

        } else {
            *dst++ = *p++;
        }
    }

    return dst - start;
}


int
genai_vocab_byte(const genai_str_t *s)
{
    int             byte;
    unsigned        i;
    unsigned char   c;

    if (s->len != 6 || memcmp(s->data, "<0x", 3) != 0 || s->data[5] != '>') {
        return -1;
    }

    for (i = 3, byte = 0; i < 5; i++) {

        c = s->data[i];

        if (c >= '0' && c <= '9') {
            byte = byte * 16 + (c - '0');

        } else if (c >= 'A' && c <= 'F') {
            byte = byte * 16 + (c - 'A' + 10);

        } else {
            return -1;
        }
    }

    return byte;
}


int
genai_vocab_single(const genai_str_t *s, int chars)
{
    return s->len == 1
           || (chars && s->len
               && genai_text_utf8(s->data, s->data + s->len)
                  == s->data + s->len);
}


int
genai_vocab_spaces_first(const genai_vocab_source_t *s)
{
    uint32_t            i;
    const genai_str_t  *bytes;

    for (i = 0; i < s->ntokens; i++) {
        bytes = &s->tokens[i].bytes;

        if (s->tokens[i].kind == GENAI_TOKEN_NORMAL
            && memchr(bytes->data + 1, ' ', bytes->len - 1))
        {
            return 0;
        }
    }

    return 1;
}


/* whether a space stands behind something that is none */

static int
genai_vocab_spaces(const genai_str_t *s)
{
    size_t  i;

    for (i = 0; i < s->len && s->data[i] == ' '; i++) { /* void */ }

    return i < s->len && memchr(s->data + i, ' ', s->len - i) != NULL;
}


int
genai_vocab_finish(genai_vocab_reader_t *r)
{
    unsigned               b;
    uint32_t               i;
    unsigned char          have[256];
    genai_vocab_source_t  *s;
    genai_source_token_t  *t;

    s = r->s;

    memset(have, 0, sizeof(have));

    if (s->chars) {
        s->split = GENAI_SPLIT_SPACE;
    }

    for (i = 0; i < s->ntokens; i++) {
        t = &s->tokens[i];

        if (t->kind != GENAI_TOKEN_NORMAL && t->kind != GENAI_TOKEN_BYTE) {
            continue;
        }

        if (t->bytes.len == 1) {
            have[t->bytes.data[0]] = 1;
        }

        if (s->chars && genai_vocab_spaces(&t->bytes)) {
            s->split = GENAI_SPLIT_NONE;
        }
    }

    for (b = 0; b < 256; b++) {

        if (!have[b] && !genai_vocab_never(b)) {
            return genai_vocab_fail(r, "there is no token for the byte 0x%02x",
                                    b);
        }
    }

    return 0;
}


int
genai_vocab_json(genai_vocab_reader_t *r, genai_tape_t *t)
{
    genai_scan_t        scan;
    const genai_str_t  *data;

    data = r->data;

    genai_scan_init(&scan, r->arena, data->data, data->len,
                    GENAI_VOCAB_VALUES);

    if (genai_scan(&scan, SIZE_MAX) != GENAI_SCAN_DONE) {

        if (scan.cause == GENAI_SCAN_NO_MEMORY) {
            return genai_vocab_no_memory(r);
        }

        return genai_vocab_fail(r, "byte %lu: it is not JSON: %s",
                                (unsigned long) scan.error_offset, scan.error);
    }

    *t = scan.tape;

    if (genai_tape_type(t, 0) != GENAI_TAPE_OBJECT) {
        return genai_vocab_fail(r, "it is JSON, but no object");
    }

    return 0;
}


int
genai_vocab_json_members(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t i, const char *where, const char *const *names,
    uint32_t *values, unsigned n, int open)
{
    char         quoted[GENAI_VOCAB_QUOTE];
    uint32_t     k;
    unsigned     m;
    genai_str_t  name;

    memset(values, 0, n * sizeof(uint32_t));

    if (genai_tape_type(t, i) != GENAI_TAPE_OBJECT) {
        return genai_vocab_fail(r, "%s: it is no object", where);
    }

    for (k = genai_tape_first(t, i); k; k = genai_tape_next(t, i, k)) {

        for (m = 0; m < n; m++) {
            if (genai_tape_named(t, k, names[m], strlen(names[m]))) {
                break;
            }
        }

        if (m < n && values[m] == 0) {
            values[m] = genai_tape_value(t, k);
            continue;
        }

        if (m == n && open) {
            continue;
        }

        name = genai_tape_view(t, k);

        return genai_vocab_fail(r, "%s: %s %s", where,
                                genai_vocab_quote(quoted, &name),
                                m < n ? "stands twice" : "is not known");
    }

    return 0;
}


int
genai_vocab_json_text(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t i, const char *where, const char *name, genai_str_t *text)
{
    genai_str_t  raw;

    if (i == 0 || genai_tape_type(t, i) != GENAI_TAPE_STRING) {
        return genai_vocab_fail(r, "%s.%s: it is %s", where, name,
                                i ? "no string" : "missing");
    }

    raw = genai_tape_view(t, i);

    if (!genai_tape_escaped(t, i)) {
        *text = raw;
        return 0;
    }

    text->data = genai_arena_alloc(r->arena, raw.len);
    if (text->data == NULL) {
        return genai_vocab_no_memory(r);
    }

    text->len = genai_text_decode(text->data, &raw);

    return 0;
}


uint32_t
genai_vocab_json_count(const genai_tape_t *t, uint32_t i)
{
    uint32_t  k, n;

    n = 0;

    if (i && genai_tape_type(t, i) == GENAI_TAPE_ARRAY) {

        for (k = genai_tape_first(t, i); k; k = genai_tape_next(t, i, k)) {
            n++;
        }
    }

    return n;
}


int
genai_vocab_json_number(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t i, const char *where, const char *name, uint64_t *n)
{
    char         quoted[GENAI_VOCAB_QUOTE];
    genai_str_t  s;

    if (i == 0) {
        return genai_vocab_fail(r, "%s.%s: it is missing", where, name);
    }

    s = genai_tape_view(t, i);

    if (genai_tape_type(t, i) != GENAI_TAPE_NUMBER
        || genai_vocab_number(s.data, s.len, n) != 0)
    {
        return genai_vocab_fail(r, "%s.%s: %s is no number of tokens or id",
                                where, name, genai_vocab_quote(quoted, &s));
    }

    return 0;
}


int
genai_vocab_json_flag(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t i, const char *where, const char *name, int missing, int *flag)
{
    genai_tape_type_e  type;

    *flag = missing;

    if (i == 0 && missing >= 0) {
        return 0;
    }

    type = i ? genai_tape_type(t, i) : GENAI_TAPE_NULL;

    if (type != GENAI_TAPE_TRUE && type != GENAI_TAPE_FALSE) {
        return genai_vocab_fail(r, "%s.%s: it is %s", where, name,
                                i ? "neither true nor false" : "missing");
    }

    *flag = (type == GENAI_TAPE_TRUE);

    return 0;
}


int
genai_vocab_json_type(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t i, const char *where, genai_str_t *type)
{
    uint32_t  value;

    if (genai_tape_type(t, i) != GENAI_TAPE_OBJECT) {
        return genai_vocab_fail(r, "%s: it is no object", where);
    }

    if (genai_tape_member(t, i, "type", 4, &value) < 0) {
        return genai_vocab_fail(r, "%s: \"type\" stands twice", where);
    }

    return genai_vocab_json_text(r, t, value, where, "type", type);
}
