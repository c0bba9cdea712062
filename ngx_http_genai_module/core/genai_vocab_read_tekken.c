/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Mistral's tekken.json: ranks as tiktoken has them, in JSON together with
 * the expression that cuts a text.  The file has more tokens than the
 * vocabulary, which is as large as its "config" says; ids are ranks behind
 * those of the special tokens.
 *
 * The reference is mistral-common's Tekkenizer.
 */


#include "genai_vocab_read_int.h"

#include <stdio.h>


#define GENAI_TEKKEN_WHERE  64


enum {
    GENAI_TEKKEN_PATTERN = 0,
    GENAI_TEKKEN_SIZE,
    GENAI_TEKKEN_SPECIAL,
    GENAI_TEKKEN_CONFIG
};


static int genai_tekken_vocab(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t vocab, uint64_t n, uint64_t nspecial);
static int genai_tekken_token(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t i, uint64_t rank, unsigned char **dst);
static int genai_tekken_special(genai_vocab_reader_t *r,
    const genai_tape_t *t, uint32_t special, uint64_t nspecial);


int
genai_vocab_read_tekken(genai_vocab_source_t *s, genai_arena_t *arena,
    const genai_str_t *name, const genai_str_t *data,
    char error[GENAI_VOCAB_ERROR_MAX])
{
    genai_tape_t          t;
    genai_vocab_reader_t  r;

    if (genai_vocab_reader_init(&r, s, arena, name, data, error) != 0
        || genai_vocab_json(&r, &t) != 0)
    {
        return -1;
    }

    return genai_vocab_read_tekken_tape(&r, &t);
}


int
genai_vocab_read_tekken_tape(genai_vocab_reader_t *r, const genai_tape_t *t)
{
    char          quoted[GENAI_VOCAB_QUOTE];
    uint32_t      top[3], config[GENAI_TEKKEN_CONFIG];
    uint64_t      size, nspecial;
    genai_str_t   pattern;

    static const char *const  tops[] = { "config", "vocab", "special_tokens" };

    static const char *const  configs[] = {
        "pattern", "default_vocab_size", "default_num_special_tokens"
    };

    if (genai_vocab_json_members(r, t, 0, "tekken.json", tops, top, 3, 1)
        != 0)
    {
        return -1;
    }

    if (top[0] == 0 || top[1] == 0) {
        return genai_vocab_fail(r, "%s: it is missing",
                                top[0] ? "vocab" : "config");
    }

    if (genai_vocab_json_members(r, t, top[0], "config", configs, config,
                                 GENAI_TEKKEN_CONFIG, 1)
        != 0
        || genai_vocab_json_text(r, t, config[GENAI_TEKKEN_PATTERN],
                                 "config", "pattern", &pattern)
           != 0
        || genai_vocab_json_number(r, t, config[GENAI_TEKKEN_SIZE],
                                   "config", "default_vocab_size", &size)
           != 0
        || genai_vocab_json_number(r, t, config[GENAI_TEKKEN_SPECIAL],
                                   "config", "default_num_special_tokens",
                                   &nspecial)
           != 0)
    {
        return -1;
    }

    r->s->split = genai_split_recognize(&pattern);

    /* what an expression leaves out, the reference loses */

    if (r->s->split >= GENAI_SPLIT_PATTERN) {
        return genai_vocab_fail(r, "config.pattern: %s is not known",
                                genai_vocab_quote(quoted, &pattern));
    }

    if (size > GENAI_VOCAB_TOKENS || size <= nspecial) {
        return genai_vocab_fail(r, "config: there cannot be %llu tokens of"
                                " which %llu are special",
                                (unsigned long long) size,
                                (unsigned long long) nspecial);
    }

    r->s->whole = 1;

    if (genai_vocab_tokens(r, size, "config") != 0
        || genai_tekken_vocab(r, t, top[1], size - nspecial, nspecial) != 0
        || (top[2] && genai_tekken_special(r, t, top[2], nspecial) != 0))
    {
        return -1;
    }

    return genai_vocab_finish(r);
}


static int
genai_tekken_vocab(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t vocab, uint64_t n, uint64_t nspecial)
{
    char                   quoted[GENAI_VOCAB_QUOTE];
    uint32_t               i, k, count;
    unsigned char         *dst;
    genai_vocab_index_t    x;
    genai_vocab_source_t  *s;

    s = r->s;

    if (genai_tape_type(t, vocab) != GENAI_TAPE_ARRAY) {
        return genai_vocab_fail(r, "vocab: it is no array");
    }

    count = genai_vocab_json_count(t, vocab);

    if (count < n) {
        return genai_vocab_fail(r, "vocab: it has %u tokens, and %llu are"
                                " needed", count, (unsigned long long) n);
    }

    dst = genai_arena_alloc(r->arena, r->data->len / 4 * 3 + 3);
    s->ranks = genai_arena_alloc(r->arena, (n + nspecial) * sizeof(uint32_t));

    if (dst == NULL || s->ranks == NULL) {
        return genai_vocab_no_memory(r);
    }

    if (genai_vocab_index(r, &x, s->tokens, sizeof(genai_source_token_t), n)
        != 0)
    {
        return -1;
    }

    for (i = 0, k = genai_tape_first(t, vocab);
         i < n;
         i++, k = genai_tape_next(t, vocab, k))
    {
        if (genai_tekken_token(r, t, k, i, &dst) != 0) {
            return -1;
        }

        s->tokens[i].id = i + nspecial;
        s->ranks[i] = i;

        (void) genai_vocab_take_id(r, i + nspecial);

        if (genai_vocab_add(&x, i) != GENAI_VOCAB_NOWHERE) {
            return genai_vocab_fail(r, "vocab[%u]: the token %s stands twice",
                                    i,
                                    genai_vocab_quote(quoted,
                                                      &s->tokens[i].bytes));
        }
    }

    s->ntokens = n;

    return 0;
}


/* its bytes; the rank must be the place */

static int
genai_tekken_token(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t i, uint64_t rank, unsigned char **dst)
{
    int                    n;
    char                   where[GENAI_TEKKEN_WHERE];
    uint32_t               members[3];
    uint64_t               number;
    genai_str_t            text;
    genai_source_token_t  *token;

    static const char *const  names[] = {
        "rank", "token_bytes", "token_str"
    };

    (void) snprintf(where, sizeof(where), "vocab[%lu]", (unsigned long) rank);

    if (genai_vocab_json_members(r, t, i, where, names, members, 3, 0) != 0
        || genai_vocab_json_number(r, t, members[0], where, "rank", &number)
           != 0
        || genai_vocab_json_text(r, t, members[1], where, "token_bytes", &text)
           != 0)
    {
        return -1;
    }

    if (number != rank) {
        return genai_vocab_fail(r, "%s: its rank is %llu", where,
                                (unsigned long long) number);
    }

    n = (text.len > GENAI_VOCAB_TOKEN_LEN / 3 * 4 + 4)
        ? GENAI_VOCAB_TOKEN_LEN + 1
        : genai_vocab_base64(*dst, text.data, text.len);

    if (n <= 0 || n > GENAI_VOCAB_TOKEN_LEN) {
        return genai_vocab_fail(r, "%s.token_bytes: %s", where,
                                n < 0 ? "it is not base64"
                                : n ? "it is too long" : "it is empty");
    }

    token = &r->s->tokens[rank];

    token->bytes.data = *dst;
    token->bytes.len = n;
    token->kind = GENAI_TOKEN_NORMAL;

    *dst += n;

    return 0;
}


/* there are as many as "config" says; this array may name less of them */

static int
genai_tekken_special(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t special, uint64_t nspecial)
{
    char                   where[GENAI_TEKKEN_WHERE];
    uint32_t               i, k, members[3];
    uint64_t               rank;
    genai_str_t            text;
    genai_vocab_source_t  *s;
    genai_source_token_t  *token;

    static const char *const  names[] = {
        "rank", "token_str", "is_control"
    };

    s = r->s;

    if (genai_tape_type(t, special) == GENAI_TAPE_NULL) {
        return 0;
    }

    if (genai_tape_type(t, special) != GENAI_TAPE_ARRAY) {
        return genai_vocab_fail(r, "special_tokens: it is no array");
    }

    for (i = 0, k = genai_tape_first(t, special);
         k;
         i++, k = genai_tape_next(t, special, k))
    {
        (void) snprintf(where, sizeof(where), "special_tokens[%u]", i);

        if (genai_vocab_json_members(r, t, k, where, names, members, 3, 0) != 0
            || genai_vocab_json_number(r, t, members[0], where, "rank", &rank)
               != 0
            || genai_vocab_json_text(r, t, members[1], where, "token_str",
                                     &text)
               != 0)
        {
            return -1;
        }

        if (text.len == 0 || text.len > GENAI_VOCAB_TOKEN_LEN) {
            return genai_vocab_fail(r, "%s.token_str: it is %s", where,
                                    text.len ? "too long" : "empty");
        }

        if (rank >= nspecial || genai_vocab_take_id(r, rank) != 0) {
            return genai_vocab_fail(r, "%s: the rank %llu %s", where,
                                    (unsigned long long) rank,
                                    rank < nspecial ? "stands twice"
                                    : "is too large");
        }

        /* ranks differ, so that there are no more than there is room for */

        token = &s->tokens[s->ntokens];

        token->bytes = text;
        token->id = rank;
        token->kind = GENAI_TOKEN_CONTROL;

        s->ranks[s->ntokens++] = UINT32_MAX;
    }

    return 0;
}
