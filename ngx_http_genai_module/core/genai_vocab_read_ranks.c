/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * tiktoken's ranks: a line for each token, its bytes in base64, a blank, its
 * rank, which is its id, too.  Two neighbours merge where together they are a
 * token, lower ranks first, and a piece that is a token is that one.
 *
 * The algorithm is that of openai/tiktoken, as is the form of the file.
 */


#include "genai_vocab_read_int.h"


static int genai_ranks_line(genai_vocab_reader_t *r, unsigned long line,
    const unsigned char *p, const unsigned char *end, unsigned char **dst);


int
genai_vocab_read_ranks(genai_vocab_source_t *s, genai_arena_t *arena,
    const genai_str_t *name, genai_split_e split, const genai_str_t *data,
    char error[GENAI_VOCAB_ERROR_MAX])
{
    char                   quoted[GENAI_VOCAB_QUOTE];
    size_t                 lines;
    uint32_t               i;
    unsigned long          line;
    unsigned char         *dst;
    const unsigned char   *p, *q, *end;
    genai_vocab_index_t    x;
    genai_vocab_reader_t   r;

    if (genai_vocab_reader_init(&r, s, arena, name, data, error) != 0) {
        return -1;
    }

    if (split >= GENAI_SPLIT_PATTERN) {
        return genai_vocab_fail(&r, "ranks do not tell how a text is cut, and"
                                " no family of it is given");
    }

    end = data->data + data->len;
    lines = 1;

    for (p = data->data; p < end; p = q + 1) {

        q = memchr(p, '\n', end - p);
        if (q == NULL) {
            break;
        }

        lines++;
    }

    /* empty lines are none */

    if (genai_vocab_tokens(&r, lines > GENAI_VOCAB_TOKENS ? lines - 1 : lines,
                           "ranks")
        != 0)
    {
        return -1;
    }

    dst = genai_arena_alloc(arena, data->len / 4 * 3 + 3);
    s->ranks = genai_arena_alloc(arena, lines * sizeof(uint32_t));

    if (dst == NULL || s->ranks == NULL) {
        return genai_vocab_no_memory(&r);
    }

    if (genai_vocab_index(&r, &x, s->tokens, sizeof(genai_source_token_t),
                          lines)
        != 0)
    {
        return -1;
    }

    for (p = data->data, line = 1; p < end; p = q + 1, line++) {

        q = memchr(p, '\n', end - p);

        if (q == NULL) {
            q = end;
        }

        if (q == p || (q == p + 1 && *p == '\r')) {
            continue;
        }

        if (genai_ranks_line(&r, line, p, q[-1] == '\r' ? q - 1 : q, &dst)
            != 0)
        {
            return -1;
        }

        i = s->ntokens++;

        if (genai_vocab_add(&x, i) != GENAI_VOCAB_NOWHERE) {
            return genai_vocab_fail(&r, "line %lu: the token %s stands twice",
                                    line,
                                    genai_vocab_quote(quoted,
                                                      &s->tokens[i].bytes));
        }
    }

    s->split = split;
    s->whole = 1;

    return genai_vocab_finish(&r);
}


static int
genai_ranks_line(genai_vocab_reader_t *r, unsigned long line,
    const unsigned char *p, const unsigned char *end, unsigned char **dst)
{
    int                     n;
    uint64_t                rank;
    const unsigned char    *blank;
    genai_source_token_t   *t;

    blank = memchr(p, ' ', end - p);

    if (blank == NULL || blank - p > GENAI_VOCAB_TOKEN_LEN / 3 * 4 + 4) {
        return genai_vocab_fail(r, "line %lu: %s", line,
                                blank ? "the token is too long"
                                : "there is no blank between token and rank");
    }

    n = genai_vocab_base64(*dst, p, blank - p);

    if (n <= 0 || n > GENAI_VOCAB_TOKEN_LEN) {
        return genai_vocab_fail(r, "line %lu: %s", line,
                                n < 0 ? "what is before the blank is not base64"
                                : n ? "the token is too long"
                                : "the token is empty");
    }

    if (genai_vocab_number(blank + 1, end - blank - 1, &rank) != 0) {
        return genai_vocab_fail(r, "line %lu: what is behind the blank is no"
                                " rank", line);
    }

    if (genai_vocab_take_id(r, rank) != 0) {
        return genai_vocab_fail(r, "line %lu: the rank %llu %s", line,
                                (unsigned long long) rank,
                                rank < GENAI_VOCAB_TOKENS ? "stands twice"
                                : "is too large");
    }

    t = &r->s->tokens[r->s->ntokens];

    t->bytes.data = *dst;
    t->bytes.len = n;
    t->id = rank;
    t->kind = GENAI_TOKEN_NORMAL;

    r->s->ranks[r->s->ntokens] = rank;

    *dst += n;

    return 0;
}
