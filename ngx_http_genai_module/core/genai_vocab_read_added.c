/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The "added_tokens" of a tokenizer.json.  Those that are special are in no
 * text: what a user writes is text, even if it reads like one of them.  The
 * others are found in a text before anything else is done to it.
 *
 * The reference is huggingface/tokenizers, tokenizer/added_vocabulary.rs.
 */


#include "genai_vocab_read_int.h"

#include <stdio.h>


/* pairs of bytes, of tokens of both kinds, that are compared at most */
#define GENAI_ADDED_PAIRS   (64 * 1024 * 1024)

#define GENAI_ADDED_WHERE   64


enum {
    GENAI_ADDED_ID = 0,
    GENAI_ADDED_CONTENT,
    GENAI_ADDED_SPECIAL,
    GENAI_ADDED_NORMALIZED,
    GENAI_ADDED_SINGLE_WORD,
    GENAI_ADDED_LSTRIP,
    GENAI_ADDED_RSTRIP,
    GENAI_ADDED_MEMBERS
};


static int genai_added_token(genai_vocab_json_t *j, uint32_t i);
static int genai_added_id(genai_vocab_json_t *j, genai_vocab_added_t *a,
    uint64_t *largest);
static int genai_added_check(genai_vocab_json_t *j,
    const genai_vocab_added_t *a);
static int genai_added_mixed(genai_vocab_json_t *j);
static int genai_added_overlap(const genai_str_t *a, const genai_str_t *b);
static int genai_added_overlap_at(const genai_str_t *a,
    const genai_str_t *b);
static void genai_added_place(genai_vocab_json_t *j,
    const genai_vocab_added_t *a);


int
genai_vocab_read_added(genai_vocab_json_t *j, uint32_t added)
{
    char                  quoted[GENAI_VOCAB_QUOTE];
    uint32_t              i, k;
    uint64_t              largest;
    genai_vocab_index_t   x;
    genai_vocab_added_t  *a;

    if (added == 0 || genai_tape_type(j->t, added) == GENAI_TAPE_NULL) {
        return 0;
    }

    if (genai_tape_type(j->t, added) != GENAI_TAPE_ARRAY) {
        return genai_vocab_fail(j->r, "added_tokens: it is no array");
    }

    if (genai_vocab_index(j->r, &x, j->added, sizeof(genai_vocab_added_t),
                          genai_vocab_json_count(j->t, added))
        != 0)
    {
        return -1;
    }

    largest = 0;

    for (k = genai_tape_first(j->t, added);
         k;
         k = genai_tape_next(j->t, added, k))
    {
        if (genai_added_token(j, k) != 0) {
            return -1;
        }

        a = &j->added[j->nadded];

        if (genai_vocab_add(&x, j->nadded) != GENAI_VOCAB_NOWHERE) {
            return genai_vocab_fail(j->r, "added_tokens[%u]: %s stands twice",
                                    j->nadded,
                                    genai_vocab_quote(quoted, &a->content));
        }

        if (genai_added_id(j, a, &largest) != 0) {
            return -1;
        }

        j->nadded++;
    }

    if (genai_added_mixed(j) != 0) {
        return -1;
    }

    for (i = 0; i < j->nadded; i++) {
        genai_added_place(j, &j->added[i]);
    }

    return 0;
}


static int
genai_added_token(genai_vocab_json_t *j, uint32_t i)
{
    int                    n, special, normalized, flag;
    char                   where[GENAI_ADDED_WHERE];
    uint32_t               members[GENAI_ADDED_MEMBERS];
    genai_vocab_added_t   *a;
    genai_vocab_reader_t  *r;

    static const char *const  names[] = {
        "id", "content", "special", "normalized", "single_word", "lstrip",
        "rstrip"
    };

    r = j->r;
    a = &j->added[j->nadded];

    (void) snprintf(where, sizeof(where), "added_tokens[%u]", j->nadded);

    if (genai_vocab_json_members(r, j->t, i, where, names, members,
                                 GENAI_ADDED_MEMBERS, 0)
        != 0
        || genai_vocab_json_number(r, j->t, members[GENAI_ADDED_ID], where,
                                   names[GENAI_ADDED_ID], &a->id)
           != 0
        || genai_vocab_json_text(r, j->t, members[GENAI_ADDED_CONTENT], where,
                                 names[GENAI_ADDED_CONTENT], &a->content)
           != 0
        || genai_vocab_json_flag(r, j->t, members[GENAI_ADDED_SPECIAL], where,
                                 names[GENAI_ADDED_SPECIAL], -1, &special)
           != 0
        || genai_vocab_json_flag(r, j->t, members[GENAI_ADDED_NORMALIZED],
                                 where, names[GENAI_ADDED_NORMALIZED], -1,
                                 &normalized)
           != 0)
    {
        return -1;
    }

    a->special = special;
    a->normalized = normalized;

    if (a->content.len == 0 || a->content.len > GENAI_VOCAB_TOKEN_LEN) {
        return genai_vocab_fail(r, "%s: its content is %s", where,
                                a->content.len ? "too long" : "empty");
    }

    for (n = GENAI_ADDED_SINGLE_WORD; n <= GENAI_ADDED_RSTRIP; n++) {

        if (genai_vocab_json_flag(r, j->t, members[n], where, names[n], -1,
                                  &flag)
            != 0)
        {
            return -1;
        }

        /* how it is found does not matter of one that is not */

        if (flag && !special) {
            return genai_vocab_fail(r, "%s: \"%s\" is not known", where,
                                    names[n]);
        }
    }

    return special ? 0 : genai_added_check(j, a);
}


/* whether it can be found before a text is normalized */

static int
genai_added_check(genai_vocab_json_t *j, const genai_vocab_added_t *a)
{
    if (j->steps.prefix) {
        return genai_vocab_fail(j->r, "added_tokens[%u]: a token that is not"
                                " special is not known where the normalizer"
                                " prepends", j->nadded);
    }

    if (a->normalized
        && (j->steps.nfc
            || (!j->steps.bytes
                && (genai_vocab_marked(&a->content)
                    || memchr(a->content.data, ' ', a->content.len)))))
    {
        return genai_vocab_fail(j->r, "added_tokens[%u]: \"normalized\" is not"
                                " known where the normalizer could change it",
                                j->nadded);
    }

    return 0;
}


/*
 * The id must be the one that the reference would give, which does not take
 * it from the file: that of "vocab", else the next behind all others.
 */

static int
genai_added_id(genai_vocab_json_t *j, genai_vocab_added_t *a, uint64_t *largest)
{
    uint64_t  id;

    a->vocab = genai_vocab_find(&j->index, a->content.data, a->content.len);

    if (a->vocab != GENAI_VOCAB_NOWHERE) {
        id = j->s->tokens[a->vocab].id;

    } else {
        id = (j->nadded && *largest >= j->nkeys) ? *largest + 1 : j->nkeys;
    }

    if (a->id != id
        || (a->vocab == GENAI_VOCAB_NOWHERE
            && genai_vocab_take_id(j->r, id) != 0))
    {
        return genai_vocab_fail(j->r, "added_tokens[%u]: its id is %llu, which"
                                " %s", j->nadded, (unsigned long long) a->id,
                                (a->id != id) ? "the reference would not take"
                                : "is too large or that of another");
    }

    if (id > *largest) {
        *largest = id;
    }

    return 0;
}


/*
 * The reference looks for those that are not normalized first, and for the
 * others in what is left.  That is the same as looking for all at once where
 * none of the one kind can overlap with one of the other.
 */

static int
genai_added_mixed(genai_vocab_json_t *j)
{
    uint32_t              i, k;
    uint64_t              n[2];
    genai_vocab_added_t  *a, *b;

    n[0] = 0;
    n[1] = 0;

    for (i = 0; i < j->nadded; i++) {
        a = &j->added[i];

        if (!a->special) {
            n[a->normalized] += a->content.len;
        }
    }

    if (n[0] && n[1] > GENAI_ADDED_PAIRS / n[0]) {
        return genai_vocab_fail(j->r, "added_tokens: so many of which some are"
                                " \"normalized\" are not known");
    }

    for (i = 0; n[0] && n[1] && i < j->nadded; i++) {

        a = &j->added[i];

        if (a->special || a->normalized) {
            continue;
        }

        for (k = 0; k < j->nadded; k++) {

            b = &j->added[k];

            if (!b->special && b->normalized
                && genai_added_overlap(&a->content, &b->content))
            {
                return genai_vocab_fail(j->r, "added_tokens[%u]: it overlaps"
                                        " with number %u, of which but one is"
                                        " \"normalized\"", i, k);
            }
        }
    }

    return 0;
}


static int
genai_added_overlap(const genai_str_t *a, const genai_str_t *b)
{
    return genai_added_overlap_at(a, b) || genai_added_overlap_at(b, a);
}


/* whether b, or a part that it begins with, is in a, or a's end */

static int
genai_added_overlap_at(const genai_str_t *a, const genai_str_t *b)
{
    size_t  i, n;

    for (i = 0; i < a->len; i++) {

        n = (a->len - i < b->len) ? a->len - i : b->len;

        if (memcmp(a->data + i, b->data, n) == 0) {
            return 1;
        }
    }

    return 0;
}


/* makes it a token, or of a token of "vocab" another one */

static void
genai_added_place(genai_vocab_json_t *j, const genai_vocab_added_t *a)
{
    genai_source_token_t  *t;

    t = (a->vocab == GENAI_VOCAB_NOWHERE) ? NULL : &j->s->tokens[a->vocab];

    /* it can also come about as one of "vocab" */

    if (t && (t->kind == GENAI_TOKEN_BYTE
              || (t->kind == GENAI_TOKEN_NORMAL
                  && (j->merged[a->vocab]
                      || genai_vocab_single(&t->bytes, j->s->chars)
                      || (j->s->whole && !a->special)))))
    {
        t = NULL;
    }

    if (t == NULL) {
        t = &j->s->tokens[j->s->ntokens++];
    }

    t->bytes = a->content;
    t->id = a->id;
    t->kind = a->special ? GENAI_TOKEN_CONTROL : GENAI_TOKEN_ADDED;
}
