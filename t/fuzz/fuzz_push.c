/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of the push scanner: any bytes are a text.  Whole, byte by byte and
 * cut at random, it must call back the same; spans must hold what they say;
 * and the tape scanner must agree about what is good.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined \
 *         -I ngx_http_genai_module/core t/fuzz/fuzz_push.c \
 *         ngx_http_genai_module/core/genai_{arena,scan*,push*}.c
 */


#include "genai_push.h"
#include "genai_scan.h"

#include <stdio.h>
#include <stdlib.h>


#define FUZZ_TEXT   65536
#define FUZZ_FIRST  1000    /* offset of the text's first byte */

#define fuzz_check(cond)                                                      \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);        \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* everything is wanted somewhere: s, n, r alone, and a all that it can be */

enum { ROOT = 0, STRING, SCALAR, RAW, ALL };

static const genai_push_member_t  members[] = {
    genai_push_member("s", STRING),
    genai_push_member("n", SCALAR),
    genai_push_member("r", RAW),
    genai_push_member("a", ALL),
    genai_push_member("name", ALL)
};

static const genai_push_node_t  nodes[] = {
    { GENAI_PUSH_WANT_OBJECT|GENAI_PUSH_WANT_ARRAY, ROOT, ALL,
      genai_push_members(members) },
    { GENAI_PUSH_WANT_STRING, STRING, 0, 0, NULL },
    { GENAI_PUSH_WANT_SCALAR, SCALAR, 0, 0, NULL },
    { GENAI_PUSH_WANT_RAW, RAW, 0, 0, NULL },
    { GENAI_PUSH_WANT_STRING|GENAI_PUSH_WANT_SCALAR|GENAI_PUSH_WANT_OBJECT
      |GENAI_PUSH_WANT_ARRAY, ALL, ALL, genai_push_members(members) }
};


typedef struct {
    const uint8_t  *data;
    size_t          size;
    unsigned char   log[16 * FUZZ_TEXT];
    size_t          len;
    int             rc;
    int             open;
    const char     *error;
    uint64_t        offset;
    uint64_t        next;
} fuzz_told_t;


static void
fuzz_put(fuzz_told_t *t, const void *p, size_t n)
{
    if (n && n <= sizeof(t->log) - t->len) {
        memcpy(t->log + t->len, p, n);
        t->len += n;
    }
}


static int
fuzz_value(void *ctx, const genai_push_value_t *v)
{
    size_t                n;
    unsigned char         head[4];
    fuzz_told_t          *t = ctx;
    const unsigned char  *raw;

    fuzz_check(v->start >= FUZZ_FIRST && v->end >= v->start
               && v->end - FUZZ_FIRST <= t->size);

    raw = t->data + (v->start - FUZZ_FIRST);
    n = v->end - v->start;

    if (v->what == GENAI_PUSH_STRING || v->what == GENAI_PUSH_RAW) {
        fuzz_check(v->first ? !t->open : t->open && t->next == v->start);
        fuzz_check(v->text.len || v->last);

        if (v->escaped) {
            fuzz_check(n >= 2 && raw[0] == '\\' && v->text.len <= 4);

        } else {
            fuzz_check(n == v->text.len
                       && (n == 0 || memcmp(raw, v->text.data, n) == 0));
        }

        /* no piece ends inside a character */

        fuzz_check(v->text.len == 0 || (v->text.data[0] & 0xc0) != 0x80);

        t->open = !v->last;
        t->next = v->end;

    } else {
        fuzz_check(!t->open);

        if (v->what == GENAI_PUSH_SCALAR) {
            fuzz_check(n == v->text.len && memcmp(raw, v->text.data, n) == 0);
        }
    }

    if (v->first || v->what == GENAI_PUSH_LEAVE) {
        head[0] = v->what;
        head[1] = v->type;
        head[2] = v->tag;
        head[3] = v->index;
        fuzz_put(t, head, sizeof(head));
        fuzz_put(t, &v->start, sizeof(v->start));
    }

    fuzz_put(t, v->text.data, v->text.len);

    if (v->last) {
        fuzz_put(t, &v->end, sizeof(v->end));
    }

    return 0;
}


/* cuts behind n bytes, where n is at most max, or not at all */

static void
fuzz_feed(fuzz_told_t *t, const uint8_t *data, size_t size, size_t max,
    uint32_t *random)
{
    size_t          at, n;
    genai_push_t    s;
    unsigned char  *piece;

    memset(&s, 0x5a, sizeof(s));

    t->data = data;
    t->size = size;
    t->len = 0;
    t->open = 0;
    t->rc = 0;

    genai_push_init(&s, nodes, fuzz_value, t);

    for (at = 0; at < size && t->rc == 0; at += n) {
        *random = *random * 1664525u + 1013904223u;
        n = max ? 1 + (*random >> 8) % max : size;

        if (n > size - at) {
            n = size - at;
        }

        piece = malloc(n);
        memcpy(piece, data + at, n);
        t->rc = genai_push_feed(&s, piece, n, FUZZ_FIRST + at);
        free(piece);
    }

    if (t->rc == 0) {
        t->rc = genai_push_end(&s, FUZZ_FIRST + size);
    }

    t->error = t->rc ? s.error : NULL;
    t->offset = t->rc ? s.offset : 0;

    fuzz_check(t->rc == 0 || t->error != NULL);
    fuzz_check(t->rc != 0 || !t->open);
}


/* 0 where the tape scanner takes the text, -1 where not */

static int
fuzz_judge(const uint8_t *data, size_t size)
{
    int            rc;
    genai_scan_t   s;
    genai_arena_t  arena;

    genai_arena_init(&arena, 4 << 20);
    genai_scan_init(&s, &arena, data, size, FUZZ_TEXT);

    do {
        rc = genai_scan(&s, FUZZ_TEXT);
    } while (rc == GENAI_SCAN_AGAIN);

    genai_arena_destroy(&arena);

    return (rc == GENAI_SCAN_DONE) ? 0 : -1;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t              i;
    uint32_t            random;
    static fuzz_told_t  one, two;

    static const size_t  max[] = { 1, 3, 17, 300 };

    if (size > FUZZ_TEXT) {
        return 0;
    }

    random = 1;

    for (i = 0; i < size; i++) {
        random = (random ^ data[i]) * 16777619u;
    }

    fuzz_feed(&one, data, size, 0, &random);

    for (i = 0; i < sizeof(max) / sizeof(max[0]); i++) {
        fuzz_feed(&two, data, size, max[i], &random);

        fuzz_check(one.rc == two.rc && one.error == two.error
                   && one.offset == two.offset && one.len == two.len
                   && memcmp(one.log, two.log, one.len) == 0);
    }

    fuzz_check(fuzz_judge(data, size) == one.rc
               || (one.rc && strcmp(one.error, "a number is too long") == 0));

    return 0;
}
