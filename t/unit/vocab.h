/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Small vocabularies in each of the forms that genai_vocab_source.h knows,
 * and what a reader says of them.
 */


#ifndef _GENAI_T_VOCAB_H_INCLUDED_
#define _GENAI_T_VOCAB_H_INCLUDED_


#include "tap.h"

#include "genai_vocab_source.h"


typedef struct {
    unsigned char         *data;
    size_t                 len;
    size_t                 size;
} vocab_buf_t;


/* a tokenizer.json in parts; NULL is what is usual */

typedef struct {
    const char            *top;             /* "...," before the rest */
    const char            *added;           /* elements */
    const char            *normalizer;
    const char            *pre_tokenizer;
    const char            *model;           /* "...," of it */
    const char            *vocab;           /* ",..." behind the usual ones */
    const char            *merges;          /* elements */
    int                    chars;           /* else byte-level */
} vocab_json_t;


/* a SentencePiece model in parts */

typedef struct {
    const char            *name;            /* of the normalizer */
    const char            *charsmap;
    int                    prefix;          /* 0 and 1, or -1: not there */
    int                    remove_extra;
    int                    escape;
    int                    model;           /* its kind, or -1 */
    int                    byte_fallback;
    int                    suffix;
} vocab_spm_t;


typedef struct {
    int                    rc;
    char                   error[GENAI_VOCAB_ERROR_MAX];
    genai_arena_t          arena;
    genai_vocab_source_t   s;
} vocab_read_t;


TAP_UNUSED static void
vocab_put(vocab_buf_t *b, const void *p, size_t len)
{
    if (b->len + len > b->size) {
        b->size = 2 * (b->len + len);
        b->data = realloc(b->data, b->size);
    }

    memcpy(b->data + b->len, p, len);
    b->len += len;
}


TAP_PRINTF(2, 3) static void
vocab_printf(vocab_buf_t *b, const char *fmt, ...)
{
    int      n;
    char     text[4096];
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    if (n >= (int) sizeof(text)) {
        abort();
    }

    vocab_put(b, text, n);
}


TAP_UNUSED static void
vocab_free(vocab_buf_t *b)
{
    free(b->data);
    memset(b, 0, sizeof(vocab_buf_t));
}


TAP_UNUSED static void
vocab_base64(vocab_buf_t *b, const void *bytes, size_t len)
{
    size_t                i;
    unsigned              w;
    const unsigned char  *p = bytes;

    static const char  digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (i = 0; i < len; i += 3) {
        w = p[i] << 16;
        w |= (i + 1 < len) ? p[i + 1] << 8 : 0;
        w |= (i + 2 < len) ? p[i + 2] : 0;

        vocab_put(b, &digits[w >> 18], 1);
        vocab_put(b, &digits[w >> 12 & 63], 1);
        vocab_put(b, (i + 1 < len) ? &digits[w >> 6 & 63] : "=", 1);
        vocab_put(b, (i + 2 < len) ? &digits[w & 63] : "=", 1);
    }
}


TAP_UNUSED static void
vocab_rank(vocab_buf_t *b, const void *bytes, size_t len, unsigned rank)
{
    vocab_base64(b, bytes, len);
    vocab_printf(b, " %u\n", rank);
}


/* the 256 bytes */

TAP_UNUSED static void
vocab_ranks(vocab_buf_t *b)
{
    unsigned       i;
    unsigned char  c;

    for (i = 0; i < 256; i++) {
        c = i;
        vocab_rank(b, &c, 1, i);
    }
}


/* a byte as a character of GPT-2's alphabet, in JSON */

TAP_UNUSED static void
vocab_byte_char(vocab_buf_t *b, unsigned byte)
{
    unsigned  c, i;

    c = byte;

    if (!((c > 0x20 && c < 0x7f) || (c > 0xa0 && c != 0xad))) {

        for (i = 0, c = 256; i < byte; i++) {
            c += !((i > 0x20 && i < 0x7f) || (i > 0xa0 && i != 0xad));
        }
    }

    if (c == '"' || c == '\\') {
        vocab_printf(b, "\\%c", c);

    } else if (c < 0x80) {
        vocab_printf(b, "%c", c);

    } else {
        vocab_printf(b, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
    }
}


/*
 * Byte-level: the 256 bytes with their number as id.  Of characters: "<0x00>"
 * and so on in the same way, then "a" to "d" and U+2581, 256 to 260.
 */

TAP_UNUSED static void
vocab_json(vocab_buf_t *b, const vocab_json_t *j)
{
    unsigned  i;

    vocab_printf(b, "{%s\"version\":\"1.0\",\"added_tokens\":[%s],",
                 j->top ? j->top : "", j->added ? j->added : "");

    vocab_printf(b, "\"normalizer\":%s,\"pre_tokenizer\":%s,\"model\":{%s"
                    "\"vocab\":{",
                 j->normalizer ? j->normalizer
                 : j->chars ? "{\"type\":\"Replace\",\"pattern\":{\"String\":"
                              "\" \"},\"content\":\"\xe2\x96\x81\"}"
                 : "null",
                 j->pre_tokenizer ? j->pre_tokenizer
                 : j->chars ? "null"
                 : "{\"type\":\"ByteLevel\",\"add_prefix_space\":false}",
                 j->model ? j->model
                 : j->chars ? "\"type\":\"BPE\",\"byte_fallback\":true,"
                 : "\"type\":\"BPE\",");

    for (i = 0; i < 256; i++) {

        if (j->chars) {
            vocab_printf(b, "%s\"<0x%02X>\":%u", i ? "," : "", i, i);
            continue;
        }

        vocab_printf(b, "%s\"", i ? "," : "");
        vocab_byte_char(b, i);
        vocab_printf(b, "\":%u", i);
    }

    if (j->chars) {
        vocab_printf(b, ",\"a\":256,\"b\":257,\"c\":258,\"d\":259,"
                        "\"\xe2\x96\x81\":260");
    }

    vocab_printf(b, "%s},\"merges\":[%s]}}", j->vocab ? j->vocab : "",
                 j->merges ? j->merges : "");
}


TAP_UNUSED static void
vocab_varint(vocab_buf_t *b, uint64_t n)
{
    while (n >= 0x80) {
        vocab_printf(b, "%c", (int) (0x80 | (n & 0x7f)));
        n >>= 7;
    }

    vocab_printf(b, "%c", (int) n);
}


TAP_UNUSED static void
vocab_field(vocab_buf_t *b, unsigned field, const void *p, size_t len)
{
    vocab_varint(b, field << 3 | 2);
    vocab_varint(b, len);
    vocab_put(b, p, len);
}


TAP_UNUSED static void
vocab_field_int(vocab_buf_t *b, unsigned field, int value)
{
    if (value >= 0) {
        vocab_varint(b, field << 3);
        vocab_varint(b, value);
    }
}


TAP_UNUSED static void
vocab_piece(vocab_buf_t *b, const char *piece, float score, int type)
{
    vocab_buf_t  m = { NULL, 0, 0 };

    vocab_field(&m, 1, piece, strlen(piece));
    vocab_varint(&m, 2 << 3 | 5);
    vocab_put(&m, &score, 4);
    vocab_field_int(&m, 3, type);

    vocab_field(b, 1, m.data, m.len);
    vocab_free(&m);
}


/* as models have it */
#define VOCAB_SPM  { "identity", NULL, 1, 0, 1, 2, 1, -1 }


/* "<unk>", "<s>", the bytes, then U+2581, "a", "b", 258 to 260 */

TAP_UNUSED static void
vocab_spm(vocab_buf_t *b, const vocab_spm_t *m)
{
    char         piece[16];
    unsigned     i;
    vocab_buf_t  sub = { NULL, 0, 0 };

    vocab_piece(b, "<unk>", 0, 2);
    vocab_piece(b, "<s>", 0, 3);

    for (i = 0; i < 256; i++) {
        sprintf(piece, "<0x%02X>", i);
        vocab_piece(b, piece, 0, 6);
    }

    vocab_piece(b, "\xe2\x96\x81", -100, 1);
    vocab_piece(b, "a", -101, -1);
    vocab_piece(b, "b", -102, 1);

    vocab_field(&sub, 1, "input.txt", 9);
    vocab_field_int(&sub, 3, m->model);
    vocab_field_int(&sub, 24, m->suffix);
    vocab_field_int(&sub, 35, m->byte_fallback);
    vocab_field(b, 2, sub.data, sub.len);
    vocab_free(&sub);

    vocab_field(&sub, 1, m->name, strlen(m->name));

    if (m->charsmap) {
        vocab_field(&sub, 2, m->charsmap, strlen(m->charsmap));
    }

    vocab_field_int(&sub, 3, m->prefix);
    vocab_field_int(&sub, 4, m->remove_extra);
    vocab_field_int(&sub, 5, m->escape);
    vocab_field(b, 3, sub.data, sub.len);
    vocab_free(&sub);
}


/* reads it; data must stay */

TAP_UNUSED static void
vocab_read(vocab_read_t *r, genai_split_e split, const void *data, size_t len)
{
    genai_str_t  name = genai_str("test"), s;

    s.data = (unsigned char *) data;
    s.len = len;

    genai_arena_init(&r->arena, (size_t) 1 << 30);
    memset(r->error, 0, sizeof(r->error));

    r->rc = genai_vocab_read(&r->s, &r->arena, &name, split, &s, r->error);
}


TAP_UNUSED static void
vocab_done(vocab_read_t *r)
{
    genai_arena_destroy(&r->arena);
}


/* the number of the token of that kind and these bytes, or -1 */

TAP_UNUSED static int
vocab_token(const genai_vocab_source_t *s, genai_token_e kind,
    const char *bytes, size_t len)
{
    uint32_t  i;

    for (i = 0; i < s->ntokens; i++) {

        if (s->tokens[i].kind == kind && s->tokens[i].bytes.len == len
            && memcmp(s->tokens[i].bytes.data, bytes, len) == 0)
        {
            return i;
        }
    }

    return -1;
}


/* its id, or -1 */

TAP_UNUSED static int
vocab_id(const genai_vocab_source_t *s, genai_token_e kind, const char *bytes)
{
    int  i;

    i = vocab_token(s, kind, bytes, strlen(bytes));

    return (i < 0) ? -1 : (int) s->tokens[i].id;
}


/* it must not be read, for that reason */

TAP_UNUSED static void
vocab_refused(genai_split_e split, const void *data, size_t len,
    const char *want)
{
    vocab_read_t  r;

    vocab_read(&r, split, data, len);

    ok(r.rc == -1, "refused: %s", want);
    is_str(r.error, want, "so it says");

    vocab_done(&r);
}


/* any part of it, and it with any byte changed, does no harm */

TAP_UNUSED static void
vocab_damaged(genai_split_e split, const vocab_buf_t *b, const char *what)
{
    size_t         i, step;
    vocab_read_t   r;
    unsigned char  *copy;

    step = b->len / 1500 + 1;

    for (i = 0; i < b->len; i += step) {

        /* of its own, so that a sanitizer sees where it ends */

        copy = malloc(i + 1);
        memcpy(copy, b->data, i);

        vocab_read(&r, split, copy, i);
        quiet_ok(r.rc == 0 || r.error[0], "%s: %lu bytes", what,
                 (unsigned long) i);
        vocab_done(&r);

        free(copy);
    }

    copy = malloc(b->len);

    for (i = 0; i < b->len; i += step) {
        memcpy(copy, b->data, b->len);
        copy[i] ^= 1 << (i % 8);

        vocab_read(&r, split, copy, b->len);
        quiet_ok(r.rc == 0 || r.error[0], "%s: byte %lu is another", what,
                 (unsigned long) i);
        vocab_done(&r);
    }

    free(copy);
}


#endif /* _GENAI_T_VOCAB_H_INCLUDED_ */
