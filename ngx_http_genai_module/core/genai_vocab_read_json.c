/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Hugging Face's tokenizer.json with a model of type BPE: "vocab" and
 * "merges", and what normalizer and pre-tokenizer do to a text before, see
 * genai_vocab_read_steps.c.
 *
 * What is in a text only for framing (post_processor, and the tokens that
 * are special) and what is done to tokens and not to a text (decoder,
 * truncation, padding) changes no count of a text and is not looked at.
 *
 * The reference is huggingface/tokenizers: models/bpe/model.rs and
 * tokenizer/added_vocabulary.rs.
 */


#include "genai_siphash.h"
#include "genai_text.h"
#include "genai_vocab_read_int.h"


/* bytes of a token as it is written: U+2581 is three, and becomes one */
#define GENAI_JSON_KEY_MAX  (3 * GENAI_VOCAB_TOKEN_LEN)

/* of a string in "merges", escaped: two tokens, no longer than one, a blank */
#define GENAI_JSON_RAW_MAX  (6 * (GENAI_JSON_KEY_MAX + 1))

/* two of these strings; two tokens */
#define GENAI_JSON_BUF      (2 * GENAI_JSON_RAW_MAX + 2 * GENAI_JSON_KEY_MAX)


enum {
    GENAI_JSON_VERSION = 0,
    GENAI_JSON_ADDED,
    GENAI_JSON_NORMALIZER,
    GENAI_JSON_PRE_TOKENIZER,
    GENAI_JSON_MODEL,
    GENAI_JSON_TRUNCATION,
    GENAI_JSON_PADDING,
    GENAI_JSON_POST_PROCESSOR,
    GENAI_JSON_DECODER,
    GENAI_JSON_TOP
};


enum {
    GENAI_JSON_TYPE = 0,
    GENAI_JSON_DROPOUT,
    GENAI_JSON_PREFIX,
    GENAI_JSON_SUFFIX,
    GENAI_JSON_BYTE_FALLBACK,
    GENAI_JSON_IGNORE_MERGES,
    GENAI_JSON_VOCAB,
    GENAI_JSON_MERGES,
    GENAI_JSON_UNK_TOKEN,
    GENAI_JSON_FUSE_UNK,
    GENAI_JSON_MEMBERS
};


static int genai_json_type(genai_vocab_json_t *j, uint32_t model);
static int genai_json_empty(genai_vocab_json_t *j, uint32_t i,
    const char *where);
static int genai_json_model(genai_vocab_json_t *j, const uint32_t *model);
static void genai_json_alphabet(genai_vocab_json_t *j);
static int genai_json_vocab(genai_vocab_json_t *j, uint32_t vocab,
    uint32_t nadded);
static int genai_json_token(genai_vocab_json_t *j, uint32_t i,
    unsigned char **dst);
static int genai_json_decode(genai_vocab_json_t *j, const genai_str_t *key,
    unsigned char *dst);
static int genai_json_merges(genai_vocab_json_t *j, uint32_t merges);
static int genai_json_pair(genai_vocab_json_t *j, uint32_t i,
    genai_str_t *left, genai_str_t *right, unsigned char *buf);
static int genai_json_string(genai_vocab_json_t *j, uint32_t i, genai_str_t *s,
    unsigned char *buf);
static int genai_json_merge(genai_vocab_json_t *j, const genai_str_t *left,
    const genai_str_t *right, unsigned char *buf);
static uint32_t genai_json_merge_token(genai_vocab_json_t *j,
    const unsigned char *p, size_t len);
static int genai_json_twice(genai_vocab_json_t *j);


int
genai_vocab_read_json(genai_vocab_source_t *s, genai_arena_t *arena,
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

    return genai_vocab_read_json_tape(&r, &t);
}


int
genai_vocab_read_json_tape(genai_vocab_reader_t *r, const genai_tape_t *t)
{
    uint32_t            top[GENAI_JSON_TOP], model[GENAI_JSON_MEMBERS];
    genai_str_t         version;
    genai_vocab_json_t  j;

    static const char *const  tops[] = {
        "version", "added_tokens", "normalizer", "pre_tokenizer", "model",
        "truncation", "padding", "post_processor", "decoder"
    };

    static const char *const  models[] = {
        "type", "dropout", "continuing_subword_prefix", "end_of_word_suffix",
        "byte_fallback", "ignore_merges", "vocab", "merges", "unk_token",
        "fuse_unk"
    };

    memset(&j, 0, sizeof(genai_vocab_json_t));

    j.r = r;
    j.t = t;
    j.s = r->s;

    if (genai_vocab_json_members(r, t, 0, "tokenizer.json", tops, top,
                                 GENAI_JSON_TOP, 0)
        != 0)
    {
        return -1;
    }

    if (top[GENAI_JSON_VERSION]) {

        version = genai_tape_view(t, top[GENAI_JSON_VERSION]);

        if (!genai_str_is(&version, "1.0")) {
            return genai_vocab_fail(r, "version: only \"1.0\" is known");
        }
    }

    if (top[GENAI_JSON_MODEL] == 0) {
        return genai_vocab_fail(r, "model: it is missing");
    }

    /* other kinds have other members: the kind is told before these are */

    if (genai_json_type(&j, top[GENAI_JSON_MODEL]) != 0
        || genai_vocab_json_members(r, t, top[GENAI_JSON_MODEL], "model",
                                    models, model, GENAI_JSON_MEMBERS, 0)
           != 0
        || genai_vocab_read_steps(r, t, top[GENAI_JSON_NORMALIZER],
                                  top[GENAI_JSON_PRE_TOKENIZER], &j.steps)
           != 0
        || genai_json_model(&j, model) != 0
        || genai_json_vocab(&j, model[GENAI_JSON_VOCAB],
                            genai_vocab_json_count(t, top[GENAI_JSON_ADDED]))
           != 0
        || genai_json_merges(&j, model[GENAI_JSON_MERGES]) != 0
        || genai_vocab_read_added(&j, top[GENAI_JSON_ADDED]) != 0)
    {
        return -1;
    }

    j.s->split = j.steps.split;
    j.s->pattern = j.steps.pattern;
    j.s->nfc = j.steps.nfc;
    j.s->prefix = j.steps.prefix;

    if (genai_vocab_finish(r) != 0) {
        return -1;
    }

    if (j.steps.split_marks && !genai_vocab_spaces_first(j.s)) {
        return genai_vocab_fail(r, "pre_tokenizer \"Metaspace\": \"split\" is"
                                " not known for tokens with several spaces");
    }

    return 0;
}


/* "type" is missing in old files, of BPE and no other kind with "merges" */

static int
genai_json_type(genai_vocab_json_t *j, uint32_t model)
{
    char         quoted[GENAI_VOCAB_QUOTE];
    genai_str_t  type;

    if (genai_tape_find(j->t, model, "type", 4) == 0
        && genai_tape_find(j->t, model, "merges", 6))
    {
        return 0;
    }

    if (genai_vocab_json_type(j->r, j->t, model, "model", &type) != 0) {
        return -1;
    }

    return genai_str_is(&type, "BPE") ? 0
           : genai_vocab_fail(j->r, "model %s is not known, only \"BPE\" is",
                              genai_vocab_quote(quoted, &type));
}


/* null or an empty string */

static int
genai_json_empty(genai_vocab_json_t *j, uint32_t i, const char *where)
{
    if (i == 0
        || genai_tape_type(j->t, i) == GENAI_TAPE_NULL
        || (genai_tape_type(j->t, i) == GENAI_TAPE_STRING
            && j->t->entries[i].len == 0))
    {
        return 0;
    }

    return genai_vocab_fail(j->r, "%s is not known", where);
}


static int
genai_json_model(genai_vocab_json_t *j, const uint32_t *model)
{
    int                    fallback, ignore;
    genai_str_t            s;
    genai_vocab_reader_t  *r;

    r = j->r;

    if (model[GENAI_JSON_DROPOUT]) {

        s = genai_tape_view(j->t, model[GENAI_JSON_DROPOUT]);

        if (!genai_str_is(&s, "null") && !genai_str_is(&s, "0")
            && !genai_str_is(&s, "0.0"))
        {
            return genai_vocab_fail(r, "model.dropout is not known");
        }
    }

    if (genai_json_empty(j, model[GENAI_JSON_PREFIX],
                         "model.continuing_subword_prefix")
        != 0
        || genai_json_empty(j, model[GENAI_JSON_SUFFIX],
                            "model.end_of_word_suffix")
           != 0
        || genai_vocab_json_flag(r, j->t, model[GENAI_JSON_BYTE_FALLBACK],
                                 "model", "byte_fallback", 0, &fallback)
           != 0
        || genai_vocab_json_flag(r, j->t, model[GENAI_JSON_IGNORE_MERGES],
                                 "model", "ignore_merges", 0, &ignore)
           != 0)
    {
        return -1;
    }

    j->s->whole = ignore;

    if (j->steps.bytes) {

        /* every byte has a token, genai_vocab_finish(): none falls back */

        genai_json_alphabet(j);
        return 0;
    }

    j->s->chars = 1;

    if (!fallback) {
        return genai_vocab_fail(r, "model.byte_fallback: a model of characters"
                                " without it is not known");
    }

    if (ignore) {
        return genai_vocab_fail(r, "model.ignore_merges: it is not known of a"
                                " model of characters");
    }

    return 0;
}


/*
 * GPT-2's alphabet: printable characters of Latin-1 are the byte that they
 * are there, and the other bytes, in their order, are U+0100 and so on.  A
 * byte is kept plus one, none is 0.
 */

static void
genai_json_alphabet(genai_vocab_json_t *j)
{
    unsigned  b, shifted;

    shifted = 256;

    for (b = 0; b < 256; b++) {

        if ((b > 0x20 && b < 0x7f) || (b > 0xa0 && b != 0xad)) {
            j->alphabet[b] = b + 1;

        } else {
            j->alphabet[shifted++] = b + 1;
        }
    }
}


static int
genai_json_vocab(genai_vocab_json_t *j, uint32_t vocab, uint32_t nadded)
{
    char                   quoted[GENAI_VOCAB_QUOTE];
    size_t                 size;
    uint32_t               i, k;
    uint64_t               id;
    unsigned char         *dst;
    const genai_tape_t    *t;
    genai_vocab_reader_t  *r;

    r = j->r;
    t = j->t;

    if (vocab == 0 || genai_tape_type(t, vocab) != GENAI_TAPE_OBJECT) {
        return genai_vocab_fail(r, "model.vocab: it is %s",
                                vocab ? "no object" : "missing");
    }

    size = 0;

    for (k = genai_tape_first(t, vocab); k; k = genai_tape_next(t, vocab, k)) {
        size += t->entries[k].len;
        j->nkeys++;
    }

    if (genai_vocab_tokens(r, (size_t) j->nkeys + nadded, "model.vocab") != 0) {
        return -1;
    }

    j->keys = genai_arena_alloc(r->arena, j->nkeys * sizeof(genai_str_t));
    j->merged = genai_arena_alloc(r->arena, j->nkeys);
    j->added = genai_arena_alloc(r->arena,
                                 nadded * sizeof(genai_vocab_added_t));
    dst = genai_arena_alloc(r->arena, size);

    if (j->keys == NULL || j->merged == NULL || j->added == NULL
        || dst == NULL)
    {
        return genai_vocab_no_memory(r);
    }

    memset(j->merged, 0, j->nkeys);

    if (genai_vocab_index(r, &j->index, j->keys, sizeof(genai_str_t), j->nkeys)
        != 0)
    {
        return -1;
    }

    for (i = 0, k = genai_tape_first(t, vocab);
         k;
         i++, k = genai_tape_next(t, vocab, k))
    {
        if (genai_vocab_json_text(r, t, k, "model", "vocab", &j->keys[i]) != 0
            || genai_vocab_json_number(r, t, genai_tape_value(t, k), "model",
                                       "vocab", &id)
               != 0)
        {
            return -1;
        }

        if (genai_vocab_add(&j->index, i) != GENAI_VOCAB_NOWHERE) {
            return genai_vocab_fail(r, "model.vocab: %s stands twice",
                                    genai_vocab_quote(quoted, &j->keys[i]));
        }

        if (genai_vocab_take_id(r, id) != 0) {
            return genai_vocab_fail(r, "model.vocab: the id of %s, %llu, %s",
                                    genai_vocab_quote(quoted, &j->keys[i]),
                                    (unsigned long long) id,
                                    id < GENAI_VOCAB_TOKENS
                                    ? "is that of another" : "is too large");
        }

        j->s->tokens[i].id = id;

        if (genai_json_token(j, i, &dst) != 0) {
            return genai_vocab_fail(r, "model.vocab: the token %s is %s",
                                    genai_vocab_quote(quoted, &j->keys[i]),
                                    j->keys[i].len ? "too long" : "empty");
        }
    }

    j->s->ntokens = j->nkeys;

    return 0;
}


/* what a token of "vocab" stands for; returns -1 where it is too long */

static int
genai_json_token(genai_vocab_json_t *j, uint32_t i, unsigned char **dst)
{
    int                    n;
    genai_str_t           *key;
    genai_source_token_t  *t;

    key = &j->keys[i];
    t = &j->s->tokens[i];

    t->bytes = *key;
    t->kind = GENAI_TOKEN_NORMAL;

    if (key->len == 0 || key->len > GENAI_JSON_KEY_MAX) {
        return -1;
    }

    if (j->steps.bytes) {
        n = genai_json_decode(j, key, *dst);

        if (n < 0) {
            t->kind = GENAI_TOKEN_CONTROL;

        } else {
            t->bytes.data = *dst;
            t->bytes.len = n;
            *dst += n;
        }

    } else if (genai_vocab_byte(key) >= 0) {

        **dst = genai_vocab_byte(key);

        t->bytes.data = (*dst)++;
        t->bytes.len = 1;
        t->kind = GENAI_TOKEN_BYTE;

    } else if (memchr(key->data, ' ', key->len)) {

        /* there are no spaces in a text when it is merged */

        t->kind = GENAI_TOKEN_CONTROL;

    } else {
        n = genai_vocab_unmark(*dst, key);

        t->bytes.data = *dst;
        t->bytes.len = n;
        *dst += n;
    }

    return (t->bytes.len > GENAI_VOCAB_TOKEN_LEN) ? -1 : 0;
}


/* returns the number of bytes, or -1 where a character is not of it */

static int
genai_json_decode(genai_vocab_json_t *j, const genai_str_t *key,
    unsigned char *dst)
{
    unsigned              c;
    unsigned char        *start;
    const unsigned char  *p, *end;

    start = dst;
    end = key->data + key->len;

    for (p = key->data; p < end; /* void */ ) {

        c = *p++;

        if (c >= 0x80) {

            /* two bytes of UTF-8, which the scanner has seen to */

            if (c >= 0xe0) {
                return -1;
            }

            c = (c & 0x1f) << 6 | (*p++ & 0x3f);
        }

        if (c >= 256 + GENAI_VOCAB_SHIFTED || j->alphabet[c] == 0) {
            return -1;
        }

        *dst++ = j->alphabet[c] - 1;
    }

    return dst - start;
}


static int
genai_json_merges(genai_vocab_json_t *j, uint32_t merges)
{
    uint32_t                k;
    uint64_t                n;
    unsigned char          *buf;
    genai_str_t             left, right, raw;
    genai_vocab_reader_t   *r;
    genai_vocab_source_t   *s;

    static const genai_str_t  comment = genai_str("#version");

    r = j->r;
    s = j->s;

    if (merges == 0 || genai_tape_type(j->t, merges) != GENAI_TAPE_ARRAY) {
        return genai_vocab_fail(r, "model.merges: it is %s",
                                merges ? "no array" : "missing");
    }

    n = genai_vocab_json_count(j->t, merges);

    if (n > GENAI_VOCAB_MERGES) {
        return genai_vocab_fail(r, "model.merges: there are %llu, at most %d"
                                " can be read", (unsigned long long) n,
                                GENAI_VOCAB_MERGES);
    }

    /* not NULL, even if there are none */

    s->merges = genai_arena_alloc(r->arena, n * sizeof(genai_source_merge_t));
    buf = genai_arena_alloc(r->arena, GENAI_JSON_BUF);

    if (s->merges == NULL || buf == NULL) {
        return genai_vocab_no_memory(r);
    }

    for (k = genai_tape_first(j->t, merges);
         k;
         k = genai_tape_next(j->t, merges, k))
    {
        raw = genai_tape_view(j->t, k);

        if (genai_tape_type(j->t, k) == GENAI_TAPE_STRING
            && raw.len >= comment.len
            && memcmp(raw.data, comment.data, comment.len) == 0)
        {
            continue;
        }

        if (genai_json_pair(j, k, &left, &right, buf) != 0
            || genai_json_merge(j, &left, &right, buf + 2 * GENAI_JSON_RAW_MAX)
               != 0)
        {
            return -1;
        }
    }

    return genai_json_twice(j);
}


/* the two of "a b" or ["a", "b"]; buf has 2 * GENAI_JSON_RAW_MAX bytes */

static int
genai_json_pair(genai_vocab_json_t *j, uint32_t i,
    genai_str_t *left, genai_str_t *right, unsigned char *buf)
{
    uint32_t        first, second;
    unsigned        n;
    unsigned char  *blank;

    n = j->s->nmerges;

    if (genai_tape_type(j->t, i) == GENAI_TAPE_STRING) {

        if (genai_json_string(j, i, left, buf) != 0) {
            return -1;
        }

        blank = memchr(left->data, ' ', left->len);

        if (blank == NULL
            || memchr(blank + 1, ' ', left->data + left->len - blank - 1))
        {
            return genai_vocab_fail(j->r, "model.merges[%u]: it is not two"
                                    " tokens with a blank between them", n);
        }

        right->data = blank + 1;
        right->len = left->data + left->len - right->data;
        left->len = blank - left->data;

        return 0;
    }

    first = (genai_tape_type(j->t, i) == GENAI_TAPE_ARRAY)
            ? genai_tape_first(j->t, i) : 0;
    second = first ? genai_tape_next(j->t, i, first) : 0;

    if (second == 0 || genai_tape_next(j->t, i, second)
        || genai_tape_type(j->t, first) != GENAI_TAPE_STRING
        || genai_tape_type(j->t, second) != GENAI_TAPE_STRING)
    {
        return genai_vocab_fail(j->r, "model.merges[%u]: it is neither a"
                                " string nor an array of two", n);
    }

    return (genai_json_string(j, first, left, buf) != 0
            || genai_json_string(j, second, right, buf + GENAI_JSON_RAW_MAX)
               != 0)
           ? -1 : 0;
}


/* decodes into buf, which has GENAI_JSON_RAW_MAX bytes, if it must */

static int
genai_json_string(genai_vocab_json_t *j, uint32_t i, genai_str_t *s,
    unsigned char *buf)
{
    genai_str_t  raw;

    raw = genai_tape_view(j->t, i);

    if (raw.len > GENAI_JSON_RAW_MAX) {
        return genai_vocab_fail(j->r, "model.merges[%u]: it is too long",
                                j->s->nmerges);
    }

    if (!genai_tape_escaped(j->t, i)) {
        *s = raw;
        return 0;
    }

    s->data = buf;
    s->len = genai_text_decode(buf, &raw);

    return 0;
}


/* buf has 2 * GENAI_JSON_KEY_MAX bytes */

static int
genai_json_merge(genai_vocab_json_t *j, const genai_str_t *left,
    const genai_str_t *right, unsigned char *buf)
{
    genai_source_merge_t  *m;

    if (left->len == 0 || right->len == 0) {
        return genai_vocab_fail(j->r, "model.merges[%u]: a token is empty",
                                j->s->nmerges);
    }

    m = &j->s->merges[j->s->nmerges];

    m->left = genai_json_merge_token(j, left->data, left->len);
    m->right = genai_json_merge_token(j, right->data, right->len);

    if (m->left == GENAI_VOCAB_NOWHERE || m->right == GENAI_VOCAB_NOWHERE) {
        return -1;
    }

    /* neither is longer than a token of the vocabulary */

    memcpy(buf, left->data, left->len);
    memcpy(buf + left->len, right->data, right->len);

    m->merged = genai_json_merge_token(j, buf, left->len + right->len);

    if (m->merged == GENAI_VOCAB_NOWHERE) {
        return -1;
    }

    j->s->nmerges++;

    return 0;
}


/* a token that is in "merges"; GENAI_VOCAB_NOWHERE tells that there is none */

static uint32_t
genai_json_merge_token(genai_vocab_json_t *j, const unsigned char *p,
    size_t len)
{
    char         quoted[GENAI_VOCAB_QUOTE];
    uint32_t     i;
    genai_str_t  s;

    i = genai_vocab_find(&j->index, p, len);

    if (i != GENAI_VOCAB_NOWHERE
        && j->s->tokens[i].kind == GENAI_TOKEN_NORMAL)
    {
        j->merged[i] = 1;
        return i;
    }

    s.data = (unsigned char *) p;
    s.len = len;

    (void) genai_vocab_fail(j->r, "model.merges[%u]: %s is %s", j->s->nmerges,
                            genai_vocab_quote(quoted, &s),
                            (i == GENAI_VOCAB_NOWHERE) ? "not in \"vocab\""
                            : "no token that comes about by merging");

    return GENAI_VOCAB_NOWHERE;
}


/* two tokens merge once: of two ranks the reference takes one by chance */

static int
genai_json_twice(genai_vocab_json_t *j)
{
    uint32_t               i, k, *slots;
    uint64_t               size, seed[2];
    genai_siphash_t        h;
    genai_source_merge_t  *m, *other;

    for (size = 16; size < j->s->nmerges * UINT64_C(2); size *= 2) {
        /* void */
    }

    slots = genai_arena_alloc(j->r->arena, size * sizeof(uint32_t));
    if (slots == NULL) {
        return genai_vocab_no_memory(j->r);
    }

    memset(slots, 0, size * sizeof(uint32_t));
    memcpy(seed, j->s->origin, sizeof(seed));

    for (i = 0; i < j->s->nmerges; i++) {

        m = &j->s->merges[i];

        genai_siphash_begin(&h, seed);
        genai_siphash_word(&h, (uint64_t) m->left << 32 | m->right);

        for (k = genai_siphash_end(&h) & (size - 1);
             slots[k];
             k = (k + 1) & (size - 1))
        {
            other = &j->s->merges[slots[k] - 1];

            if (other->left == m->left && other->right == m->right) {
                return genai_vocab_fail(j->r, "model.merges[%u]: it is that"
                                        " of number %u again", i,
                                        slots[k] - 1);
            }
        }

        slots[k] = i + 1;
    }

    return 0;
}
