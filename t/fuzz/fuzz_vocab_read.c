/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of the readers of vocabularies: any bytes are a file.  What is read
 * keeps to what genai_vocab_source.h says.
 */


#include "genai_vocab_source.h"

#include <stdio.h>
#include <stdlib.h>


#define fuzz_check(cond)                                                      \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);        \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int
fuzz_same(const genai_str_t *a, const genai_str_t *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}


static void
fuzz_tokens(const genai_vocab_source_t *s)
{
    uint32_t                     i, k;
    const genai_source_token_t  *t, *u;

    fuzz_check(s->ntokens > 0 && s->ntokens <= GENAI_VOCAB_TOKENS);

    for (i = 0; i < s->ntokens; i++) {
        t = &s->tokens[i];

        fuzz_check(t->kind <= GENAI_TOKEN_CONTROL);
        fuzz_check(t->id < GENAI_VOCAB_TOKENS);
        fuzz_check(t->bytes.len > 0);
        fuzz_check(t->bytes.len <= GENAI_VOCAB_TOKEN_LEN
                   || t->kind == GENAI_TOKEN_CONTROL);
        fuzz_check(t->kind != GENAI_TOKEN_BYTE || t->bytes.len == 1);

        /* one id and one text are there once, but for what also merges */

        for (k = 0; k < i; k++) {
            u = &s->tokens[k];

            fuzz_check(t->kind != u->kind || !fuzz_same(&t->bytes, &u->bytes));
            fuzz_check(t->id != u->id
                       || ((t->kind >= GENAI_TOKEN_ADDED)
                           != (u->kind >= GENAI_TOKEN_ADDED)));
        }
    }
}


static void
fuzz_merges(const genai_vocab_source_t *s)
{
    uint32_t                     i;
    const genai_str_t           *left, *right, *merged;
    const genai_source_merge_t  *m;

    for (i = 0; i < s->nmerges; i++) {
        m = &s->merges[i];

        fuzz_check(m->left < s->ntokens && m->right < s->ntokens
                   && m->merged < s->ntokens);
        fuzz_check(s->tokens[m->left].kind == GENAI_TOKEN_NORMAL);
        fuzz_check(s->tokens[m->right].kind == GENAI_TOKEN_NORMAL);
        fuzz_check(s->tokens[m->merged].kind == GENAI_TOKEN_NORMAL);

        left = &s->tokens[m->left].bytes;
        right = &s->tokens[m->right].bytes;
        merged = &s->tokens[m->merged].bytes;

        fuzz_check(merged->len == left->len + right->len
                   && memcmp(merged->data, left->data, left->len) == 0
                   && memcmp(merged->data + left->len, right->data, right->len)
                      == 0);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                    rc;
    char                   error[GENAI_VOCAB_ERROR_MAX];
    size_t                 i;
    genai_str_t            file, name = genai_str("fuzz");
    genai_arena_t          arena;
    genai_vocab_source_t   s;

    file.data = (unsigned char *) data;
    file.len = size;

    memset(error, 0, sizeof(error));

    genai_arena_init(&arena, (size_t) 256 << 20);

    rc = genai_vocab_read(&s, &arena, &name, GENAI_SPLIT_O200K, &file, error);

    if (rc == 0) {
        fuzz_check(s.split < GENAI_SPLIT_LAST);
        fuzz_check(error[0] == '\0');
        fuzz_tokens(&s);
        fuzz_merges(&s);

    } else {
        fuzz_check(rc == -1 && error[0]);

        for (i = 0; error[i]; i++) {
            fuzz_check(i < sizeof(error) - 1);
            fuzz_check(error[i] >= 0x20 && error[i] < 0x7f);
        }
    }

    genai_arena_destroy(&arena);

    return 0;
}
