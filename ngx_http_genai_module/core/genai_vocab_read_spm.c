/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * SentencePiece's model, a protocol buffer: the tokens with their scores, and
 * what is done to a text before.  Of its kinds BPE is read: the two
 * neighbours merge that together are the token of the highest score.
 *
 * Every message is walked field by field within its own bytes; a field that
 * is not known is passed over, as protocol buffers want it, if it is not in
 * one of those messages that say what is done to a text.
 *
 * Form and algorithm: google/sentencepiece, sentencepiece_model.proto and
 * bpe_model.cc; protocol buffers' encoding specification.
 */


#include "genai_text.h"
#include "genai_vocab_read_int.h"

#include <stdlib.h>


/* fields of a ModelProto */
#define GENAI_SPM_PIECES         1
#define GENAI_SPM_TRAINER        2
#define GENAI_SPM_NORMALIZER     3

/* of a piece */
#define GENAI_SPM_PIECE          1
#define GENAI_SPM_SCORE          2
#define GENAI_SPM_TYPE           3

/* of a trainer's specification */
#define GENAI_SPM_MODEL_TYPE     3
#define GENAI_SPM_SUFFIX         24
#define GENAI_SPM_BYTE_FALLBACK  35

/* of a normalizer's */
#define GENAI_SPM_NAME           1
#define GENAI_SPM_CHARSMAP       2
#define GENAI_SPM_DUMMY_PREFIX   3
#define GENAI_SPM_REMOVE_EXTRA   4
#define GENAI_SPM_ESCAPE         5
#define GENAI_SPM_RULES          6

/* values of a piece's type */
#define GENAI_SPM_NORMAL         1
#define GENAI_SPM_UNKNOWN        2
#define GENAI_SPM_CONTROL        3
#define GENAI_SPM_USER_DEFINED   4
#define GENAI_SPM_UNUSED         5
#define GENAI_SPM_BYTE           6

/* the kinds of models */
#define GENAI_SPM_UNIGRAM        1
#define GENAI_SPM_BPE            2

/* scores that several tokens have */
#define GENAI_SPM_TIES           16

/* how a field's value is written */
#define GENAI_SPM_VARINT         0
#define GENAI_SPM_64             1
#define GENAI_SPM_BYTES          2
#define GENAI_SPM_32             5


typedef struct {
    const unsigned char  *p;
    const unsigned char  *end;

    /* the field that was read last */
    uint32_t              field;
    uint32_t              wire;
    uint64_t              value;        /* a number */
    genai_str_t           bytes;
} genai_spm_message_t;


typedef struct {
    float                 score;
    uint32_t              chars;        /* characters of the token */
    uint32_t              token;
} genai_spm_score_t;


typedef struct {
    genai_vocab_reader_t  r;
    genai_vocab_index_t   index;
    genai_str_t          *pieces;       /* of each token, as it is written */
    unsigned char        *dst;          /* where their bytes go */
    genai_spm_score_t    *scores;       /* of each token that merges */
    uint32_t              nscores;

    uint64_t              model;        /* its kind */
    unsigned              byte_fallback:1;
    unsigned              suffix:1;
    unsigned              prefix:1;
    unsigned              remove_extra:1;
    unsigned              escape:1;
    genai_str_t           name;         /* of the normalizer */
    genai_str_t           charsmap;
} genai_spm_t;


static int genai_spm_top(genai_spm_t *m);
static int genai_spm_piece(genai_spm_t *m, const genai_str_t *message);
static int genai_spm_token(genai_spm_t *m, const genai_str_t *piece,
    uint64_t type, float score);
static int genai_spm_byte(genai_spm_t *m, genai_source_token_t *t,
    const char *quoted);
static int genai_spm_trainer(genai_spm_t *m, const genai_str_t *message);
static int genai_spm_normalizer(genai_spm_t *m, const genai_str_t *message);
static int genai_spm_check(genai_spm_t *m);
static int genai_spm_ranks(genai_spm_t *m);
static int genai_spm_runs(genai_spm_t *m, uint32_t i);
static int genai_spm_run(const genai_str_t *s, const genai_str_t *c);
static uint32_t genai_spm_chars(const genai_str_t *s);
static int genai_spm_compare(const void *one, const void *two);
static int genai_spm_field(genai_spm_t *m, genai_spm_message_t *msg);
static int genai_spm_varint(genai_spm_message_t *msg, uint64_t *value);
static int genai_spm_is(genai_spm_t *m, const genai_spm_message_t *msg,
    uint32_t wire);
static int genai_spm_cut(genai_spm_t *m, const unsigned char *at);
static int genai_spm_damaged(genai_spm_t *m, const unsigned char *at,
    const char *what);


int
genai_vocab_read_spm(genai_vocab_source_t *s, genai_arena_t *arena,
    const genai_str_t *name, const genai_str_t *data,
    char error[GENAI_VOCAB_ERROR_MAX])
{
    genai_spm_t  m;

    memset(&m, 0, sizeof(genai_spm_t));

    /* what they are where they do not stand */

    m.model = GENAI_SPM_UNIGRAM;
    m.prefix = 1;
    m.remove_extra = 1;
    m.escape = 1;

    if (genai_vocab_reader_init(&m.r, s, arena, name, data, error) != 0) {
        return -1;
    }

    s->chars = 1;

    if (genai_spm_top(&m) != 0
        || genai_spm_check(&m) != 0
        || genai_spm_ranks(&m) != 0)
    {
        return -1;
    }

    s->prefix = m.prefix;

    return genai_vocab_finish(&m.r);
}


static int
genai_spm_top(genai_spm_t *m)
{
    int                   rc;
    size_t                n;
    genai_vocab_source_t *s;
    genai_spm_message_t   msg;

    s = m->r.s;
    n = 0;

    memset(&msg, 0, sizeof(genai_spm_message_t));

    msg.p = m->r.data->data;
    msg.end = msg.p + m->r.data->len;

    while ((rc = genai_spm_field(m, &msg)) > 0) {

        switch (msg.field) {

        case GENAI_SPM_PIECES:
            n++;
            break;

        case GENAI_SPM_TRAINER:
            if (!genai_spm_is(m, &msg, GENAI_SPM_BYTES)
                || genai_spm_trainer(m, &msg.bytes) != 0)
            {
                return -1;
            }

            break;

        case GENAI_SPM_NORMALIZER:
            if (!genai_spm_is(m, &msg, GENAI_SPM_BYTES)
                || genai_spm_normalizer(m, &msg.bytes) != 0)
            {
                return -1;
            }

            break;
        }
    }

    if (rc < 0 || genai_vocab_tokens(&m->r, n, "pieces") != 0) {
        return -1;
    }

    s->ranks = genai_arena_alloc(m->r.arena, n * sizeof(uint32_t));
    m->scores = genai_arena_alloc(m->r.arena, n * sizeof(genai_spm_score_t));
    m->pieces = genai_arena_alloc(m->r.arena, n * sizeof(genai_str_t));
    m->dst = genai_arena_alloc(m->r.arena, m->r.data->len);

    if (s->ranks == NULL || m->scores == NULL || m->pieces == NULL
        || m->dst == NULL)
    {
        return genai_vocab_no_memory(&m->r);
    }

    if (genai_vocab_index(&m->r, &m->index, m->pieces, sizeof(genai_str_t), n)
        != 0)
    {
        return -1;
    }

    msg.p = m->r.data->data;

    while ((rc = genai_spm_field(m, &msg)) > 0) {

        if (msg.field == GENAI_SPM_PIECES
            && (!genai_spm_is(m, &msg, GENAI_SPM_BYTES)
                || genai_spm_piece(m, &msg.bytes) != 0))
        {
            return -1;
        }
    }

    return rc;
}


static int
genai_spm_piece(genai_spm_t *m, const genai_str_t *message)
{
    int                  rc;
    float                score;
    uint32_t             bits;
    uint64_t             type;
    genai_str_t          piece;
    genai_spm_message_t  msg;

    memset(&msg, 0, sizeof(genai_spm_message_t));

    msg.p = message->data;
    msg.end = msg.p + message->len;

    score = 0;
    type = GENAI_SPM_NORMAL;
    piece.data = NULL;
    piece.len = 0;

    while ((rc = genai_spm_field(m, &msg)) > 0) {

        switch (msg.field) {

        case GENAI_SPM_PIECE:
            if (!genai_spm_is(m, &msg, GENAI_SPM_BYTES)) {
                return -1;
            }

            piece = msg.bytes;
            break;

        case GENAI_SPM_SCORE:
            if (!genai_spm_is(m, &msg, GENAI_SPM_32)) {
                return -1;
            }

            bits = msg.value;
            memcpy(&score, &bits, sizeof(float));
            break;

        case GENAI_SPM_TYPE:
            if (!genai_spm_is(m, &msg, GENAI_SPM_VARINT)) {
                return -1;
            }

            type = msg.value;
            break;
        }
    }

    return rc ? rc : genai_spm_token(m, &piece, type, score);
}


static int
genai_spm_token(genai_spm_t *m, const genai_str_t *piece, uint64_t type,
    float score)
{
    char                   quoted[GENAI_VOCAB_QUOTE];
    uint32_t               n;
    genai_spm_score_t     *sc;
    genai_vocab_source_t  *s;
    genai_source_token_t  *t;

    s = m->r.s;
    n = s->ntokens;
    t = &s->tokens[n];

    (void) genai_vocab_quote(quoted, piece);

    if (piece->len == 0 || piece->len > GENAI_VOCAB_TOKEN_LEN) {
        return genai_vocab_fail(&m->r, "piece %u: %s is %s", n, quoted,
                                piece->len ? "too long" : "empty");
    }

    if (!genai_text_is_utf8(piece)) {
        return genai_vocab_fail(&m->r, "piece %u: %s is not UTF-8", n, quoted);
    }

    m->pieces[n] = *piece;

    if (genai_vocab_add(&m->index, n) != GENAI_VOCAB_NOWHERE) {
        return genai_vocab_fail(&m->r, "piece %u: %s stands twice", n, quoted);
    }

    t->bytes = *piece;
    t->id = n;

    s->ranks[n] = UINT32_MAX;
    s->ntokens++;

    switch (type) {

    case GENAI_SPM_NORMAL:
        t->kind = GENAI_TOKEN_NORMAL;

        if (score != score) {
            return genai_vocab_fail(&m->r, "piece %u: the score of %s is no"
                                    " number", n, quoted);
        }

        sc = &m->scores[m->nscores++];

        sc->score = score;
        sc->chars = genai_spm_chars(piece);
        sc->token = n;

        if (memchr(piece->data, ' ', piece->len)) {
            break;
        }

        t->bytes.data = m->dst;
        t->bytes.len = genai_vocab_unmark(m->dst, piece);
        m->dst += t->bytes.len;

        return 0;

    case GENAI_SPM_UNKNOWN:
    case GENAI_SPM_CONTROL:
        t->kind = GENAI_TOKEN_CONTROL;
        return 0;

    case GENAI_SPM_USER_DEFINED:
        t->kind = GENAI_TOKEN_ADDED;

        /* it is looked for in a text whose spaces are written so already */

        if (memchr(piece->data, ' ', piece->len) || genai_vocab_marked(piece)) {
            break;
        }

        return 0;

    case GENAI_SPM_BYTE:
        t->kind = GENAI_TOKEN_BYTE;
        return genai_spm_byte(m, t, quoted);

    default:
        return genai_vocab_fail(&m->r, "piece %u: the type %llu of %s is not"
                                " known", n, (unsigned long long) type,
                                quoted);
    }

    return genai_vocab_fail(&m->r, "piece %u: a space in a piece %s, %s, is"
                            " not known", n,
                            (type == GENAI_SPM_NORMAL) ? "that merges"
                            : "that is user-defined",
                            quoted);
}


/* "<0x41>", as the reference writes it */

static int
genai_spm_byte(genai_spm_t *m, genai_source_token_t *t, const char *quoted)
{
    int  byte;

    byte = genai_vocab_byte(&t->bytes);

    if (byte < 0) {
        return genai_vocab_fail(&m->r, "piece %u: %s is no byte, as its type"
                                " says", t->id, quoted);
    }

    *m->dst = byte;

    t->bytes.data = m->dst++;
    t->bytes.len = 1;

    return 0;
}


static int
genai_spm_trainer(genai_spm_t *m, const genai_str_t *message)
{
    int                  rc;
    genai_spm_message_t  msg;

    memset(&msg, 0, sizeof(genai_spm_message_t));

    msg.p = message->data;
    msg.end = msg.p + message->len;

    while ((rc = genai_spm_field(m, &msg)) > 0) {

        if (msg.field != GENAI_SPM_MODEL_TYPE
            && msg.field != GENAI_SPM_SUFFIX
            && msg.field != GENAI_SPM_BYTE_FALLBACK)
        {
            continue;
        }

        if (!genai_spm_is(m, &msg, GENAI_SPM_VARINT)) {
            return -1;
        }

        switch (msg.field) {

        case GENAI_SPM_MODEL_TYPE:
            m->model = msg.value;
            break;

        case GENAI_SPM_SUFFIX:
            m->suffix = (msg.value != 0);
            break;

        default:
            m->byte_fallback = (msg.value != 0);
            break;
        }
    }

    return rc;
}


static int
genai_spm_normalizer(genai_spm_t *m, const genai_str_t *message)
{
    int                  rc;
    genai_spm_message_t  msg;

    memset(&msg, 0, sizeof(genai_spm_message_t));

    msg.p = message->data;
    msg.end = msg.p + message->len;

    while ((rc = genai_spm_field(m, &msg)) > 0) {

        switch (msg.field) {

        case GENAI_SPM_NAME:
        case GENAI_SPM_CHARSMAP:
        case GENAI_SPM_RULES:
            if (!genai_spm_is(m, &msg, GENAI_SPM_BYTES)) {
                return -1;
            }

            if (msg.field == GENAI_SPM_NAME) {
                m->name = msg.bytes;

            } else if (msg.field == GENAI_SPM_CHARSMAP) {
                m->charsmap = msg.bytes;
            }

            break;

        case GENAI_SPM_DUMMY_PREFIX:
        case GENAI_SPM_REMOVE_EXTRA:
        case GENAI_SPM_ESCAPE:
            if (!genai_spm_is(m, &msg, GENAI_SPM_VARINT)) {
                return -1;
            }

            if (msg.field == GENAI_SPM_DUMMY_PREFIX) {
                m->prefix = (msg.value != 0);

            } else if (msg.field == GENAI_SPM_REMOVE_EXTRA) {
                m->remove_extra = (msg.value != 0);

            } else {
                m->escape = (msg.value != 0);
            }

            break;

        default:
            return genai_vocab_fail(&m->r, "normalizer_spec: the field %u is"
                                    " not known", msg.field);
        }
    }

    return rc;
}


static int
genai_spm_check(genai_spm_t *m)
{
    char                   quoted[GENAI_VOCAB_QUOTE];
    genai_vocab_reader_t  *r;

    r = &m->r;

    if (m->model != GENAI_SPM_BPE) {
        return genai_vocab_fail(r, "trainer_spec.model_type: %s is not known,"
                                " only BPE is",
                                (m->model == GENAI_SPM_UNIGRAM) ? "unigram"
                                : "a model that is neither unigram nor BPE");
    }

    if (!m->byte_fallback) {
        return genai_vocab_fail(r, "trainer_spec.byte_fallback: a model without"
                                " it is not known");
    }

    if (m->suffix) {
        return genai_vocab_fail(r, "trainer_spec.treat_whitespace_as_suffix is"
                                " not known");
    }

    if (m->charsmap.len) {
        return genai_vocab_fail(r, "normalizer_spec: the normalizer %s is not"
                                " known, only \"identity\" is",
                                genai_vocab_quote(quoted, &m->name));
    }

    if (m->remove_extra) {
        return genai_vocab_fail(r, "normalizer_spec.remove_extra_whitespaces is"
                                " not known");
    }

    if (!m->escape) {
        return genai_vocab_fail(r, "normalizer_spec.escape_whitespaces: a model"
                                " without it is not known");
    }

    return 0;
}


/*
 * The best score is the first rank.  Of pairs of one score the reference
 * merges the leftmost.  Models have such scores for the runs of one character
 * and for nothing else: there the leftmost pair is always one that makes the
 * longest token, as everything to the left of the place where a run grows is
 * done, and everything to the right is single.  So the longest of them has
 * the first rank, and all ranks are different.
 */

static int
genai_spm_ranks(genai_spm_t *m)
{
    uint32_t  i, k, n;
    unsigned  ties;

    qsort(m->scores, m->nscores, sizeof(genai_spm_score_t),
          genai_spm_compare);

    ties = 0;

    for (i = 0; i < m->nscores; i = k) {

        /* what is a single character is merged of nothing */

        for (k = i, n = 0;
             k < m->nscores && m->scores[k].score == m->scores[i].score;
             k++)
        {
            n += (m->scores[k].chars > 1);

            m->r.s->ranks[m->scores[k].token] = k;
        }

        if (n > 1 && (++ties > GENAI_SPM_TIES || !genai_spm_runs(m, i))) {
            return genai_vocab_fail(&m->r, "piece %u: its score is also that"
                                    " of piece %u, which is known of runs of"
                                    " one character only",
                                    m->scores[i + 1].token,
                                    m->scores[i].token);
        }
    }

    return 0;
}


/*
 * Whether all tokens of the score of number i are runs of one character, and
 * all runs of it have that score.
 */

static int
genai_spm_runs(genai_spm_t *m, uint32_t i)
{
    uint32_t      k;
    genai_str_t   c, *bytes;

    bytes = &m->r.s->tokens[m->scores[i].token].bytes;

    c.data = bytes->data;
    c.len = bytes->len / m->scores[i].chars;

    for (k = 0; k < m->nscores; k++) {

        if (m->scores[k].chars > 1
            && (m->scores[k].score == m->scores[i].score)
               != genai_spm_run(&m->r.s->tokens[m->scores[k].token].bytes, &c))
        {
            return 0;
        }
    }

    return 1;
}


/* whether s is nothing but c, again and again */

static int
genai_spm_run(const genai_str_t *s, const genai_str_t *c)
{
    size_t  i;

    if (s->len % c->len) {
        return 0;
    }

    for (i = 0; i < s->len; i += c->len) {

        if (memcmp(s->data + i, c->data, c->len) != 0) {
            return 0;
        }
    }

    return 1;
}


static uint32_t
genai_spm_chars(const genai_str_t *s)
{
    size_t    i;
    uint32_t  n;

    for (i = 0, n = 0; i < s->len; i++) {
        n += (s->data[i] & 0xc0) != 0x80;
    }

    return n;
}


static int
genai_spm_compare(const void *one, const void *two)
{
    const genai_spm_score_t  *a = one, *b = two;

    return (a->score != b->score) ? (a->score > b->score ? -1 : 1)
           : (a->chars != b->chars) ? (a->chars > b->chars ? -1 : 1)
           : (a->token < b->token) ? -1 : a->token > b->token;
}


/* Returns 1 with a field, 0 at the message's end, -1 where it is damaged. */

static int
genai_spm_field(genai_spm_t *m, genai_spm_message_t *msg)
{
    uint64_t              tag, len;
    const unsigned char  *start;

    start = msg->p;

    if (start == msg->end) {
        return 0;
    }

    if (genai_spm_varint(msg, &tag) != 0) {
        return genai_spm_cut(m, start);
    }

    msg->field = tag >> 3;
    msg->wire = tag & 7;

    if (msg->field == 0 || tag >> 32) {
        return genai_spm_damaged(m, start, "there is no such field");
    }

    switch (msg->wire) {

    case GENAI_SPM_VARINT:
        if (genai_spm_varint(msg, &msg->value) != 0) {
            return genai_spm_cut(m, start);
        }

        return 1;

    case GENAI_SPM_BYTES:
        if (genai_spm_varint(msg, &len) != 0
            || len > (size_t) (msg->end - msg->p))
        {
            return genai_spm_cut(m, start);
        }

        msg->bytes.data = (unsigned char *) msg->p;
        msg->bytes.len = len;
        msg->p += len;

        return 1;

    case GENAI_SPM_32:
    case GENAI_SPM_64:
        len = (msg->wire == GENAI_SPM_32) ? 4 : 8;

        if (len > (size_t) (msg->end - msg->p)) {
            return genai_spm_cut(m, start);
        }

        msg->value = 0;

        while (len--) {
            msg->value = msg->value << 8 | msg->p[len];
        }

        msg->p += (msg->wire == GENAI_SPM_32) ? 4 : 8;

        return 1;

    default:
        return genai_spm_damaged(m, start, "there is no such type of a field");
    }
}


/* at most ten bytes; bits above the 64th are dropped, as the reference does */

static int
genai_spm_varint(genai_spm_message_t *msg, uint64_t *value)
{
    unsigned  shift;

    *value = 0;

    for (shift = 0; shift < 70 && msg->p < msg->end; shift += 7) {

        *value |= (uint64_t) (*msg->p & 0x7f) << shift;

        if (*msg->p++ < 0x80) {
            return 0;
        }
    }

    return -1;
}


/* whether a known field is written as it must be; else the error is set */

static int
genai_spm_is(genai_spm_t *m, const genai_spm_message_t *msg, uint32_t wire)
{
    if (msg->wire == wire) {
        return 1;
    }

    (void) genai_spm_damaged(m, msg->p, "the field before it is of another"
                             " type than it has");

    return 0;
}


static int
genai_spm_cut(genai_spm_t *m, const unsigned char *at)
{
    return genai_spm_damaged(m, at, "a field does not end within its message");
}


static int
genai_spm_damaged(genai_spm_t *m, const unsigned char *at, const char *what)
{
    return genai_vocab_fail(&m->r, "byte %lu: the model is damaged: %s",
                            (unsigned long) (at - m->r.data->data), what);
}
