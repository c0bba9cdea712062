/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a tokenizer.json does to a text before it merges: the normalizer, and
 * the pre-tokenizer, which cuts it.  Known are those steps, and no others,
 * that the families use which genai_split.h and genai_vocab_source.h can
 * express.
 *
 * The reference is huggingface/tokenizers, normalizers/ and pre_tokenizers/.
 */


#include "genai_vocab_read_int.h"


/* pre-tokenizers of a sequence */
#define GENAI_STEPS_MAX  8


typedef struct {
    genai_vocab_reader_t  *r;
    const genai_tape_t    *t;
    genai_vocab_steps_t   *steps;

    uint32_t               sequence[GENAI_STEPS_MAX];
    unsigned               n;
} genai_steps_t;


static int genai_steps_normalizer(genai_steps_t *p, uint32_t i);
static int genai_steps_normalizers(genai_steps_t *p, uint32_t i);
static int genai_steps_replace(genai_steps_t *p, uint32_t i);
static int genai_steps_prepend(genai_steps_t *p, uint32_t i);
static int genai_steps_flatten(genai_steps_t *p, uint32_t i);
static int genai_steps_pre_tokenizer(genai_steps_t *p, uint32_t i);
static int genai_steps_byte_level(genai_steps_t *p, uint32_t i, int *regex);
static int genai_steps_metaspace(genai_steps_t *p, uint32_t i);
static int genai_steps_split(genai_steps_t *p, uint32_t i);
static int genai_steps_sequence(genai_steps_t *p);
static int genai_steps_join(genai_steps_t *p, const genai_str_t *expressions,
    genai_str_t *joined);
static int genai_steps_expression(genai_steps_t *p, uint32_t i,
    genai_str_t *expression, int *invert);
static int genai_steps_unknown(genai_steps_t *p, const char *what,
    const genai_str_t *type);


int
genai_vocab_read_steps(genai_vocab_reader_t *r, const genai_tape_t *t,
    uint32_t normalizer, uint32_t pre_tokenizer, genai_vocab_steps_t *steps)
{
    genai_steps_t  p;

    memset(&p, 0, sizeof(genai_steps_t));
    memset(steps, 0, sizeof(genai_vocab_steps_t));

    steps->split = GENAI_SPLIT_NONE;

    p.r = r;
    p.t = t;
    p.steps = steps;

    if ((normalizer && genai_steps_normalizer(&p, normalizer) != 0)
        || (pre_tokenizer && genai_steps_flatten(&p, pre_tokenizer) != 0)
        || (p.n == 1 && genai_steps_pre_tokenizer(&p, p.sequence[0]) != 0)
        || (p.n > 1 && genai_steps_sequence(&p) != 0))
    {
        return -1;
    }

    if (steps->bytes == steps->marks) {
        return genai_vocab_fail(r, "pre_tokenizer: %s", steps->bytes
                                ? "\"ByteLevel\" is not known where spaces"
                                  " become U+2581"
                                : "what neither has \"ByteLevel\" nor makes"
                                  " U+2581 of spaces is not known");
    }

    if (steps->bytes && steps->prefix) {
        return genai_vocab_fail(r, "normalizer \"Prepend\" is not known with"
                                " \"ByteLevel\"");
    }

    return 0;
}


/* recursive, as deep as the document is */

static int
genai_steps_normalizer(genai_steps_t *p, uint32_t i)
{
    genai_str_t  type;

    if (genai_tape_type(p->t, i) == GENAI_TAPE_NULL) {
        return 0;
    }

    if (genai_vocab_json_type(p->r, p->t, i, "normalizer", &type) != 0) {
        return -1;
    }

    if (genai_str_is(&type, "NFC")) {
        p->steps->nfc = 1;
        return 0;
    }

    if (genai_str_is(&type, "Sequence")) {
        return genai_steps_normalizers(p, i);
    }

    if (genai_str_is(&type, "Replace")) {
        return genai_steps_replace(p, i);
    }

    if (genai_str_is(&type, "Prepend")) {
        return genai_steps_prepend(p, i);
    }

    return genai_steps_unknown(p, "normalizer", &type);
}


static int
genai_steps_normalizers(genai_steps_t *p, uint32_t i)
{
    uint32_t  k, members[2];

    static const char *const  names[] = { "type", "normalizers" };

    if (genai_vocab_json_members(p->r, p->t, i, "normalizer", names, members,
                                 2, 0)
        != 0)
    {
        return -1;
    }

    if (members[1] == 0
        || genai_tape_type(p->t, members[1]) != GENAI_TAPE_ARRAY)
    {
        return genai_vocab_fail(p->r, "normalizer \"Sequence\": it has no"
                                " array \"normalizers\"");
    }

    for (k = genai_tape_first(p->t, members[1]);
         k;
         k = genai_tape_next(p->t, members[1], k))
    {
        if (genai_tape_type(p->t, k) == GENAI_TAPE_NULL) {
            return genai_vocab_fail(p->r, "normalizer: one of a sequence is"
                                    " null");
        }

        if (genai_steps_normalizer(p, k) != 0) {
            return -1;
        }
    }

    return 0;
}


/* of a space by U+2581 */

static int
genai_steps_replace(genai_steps_t *p, uint32_t i)
{
    uint32_t     members[3], pattern;
    genai_str_t  s;

    static const char *const  names[] = { "type", "pattern", "content" };
    static const char *const  patterns[] = { "String" };

    if (genai_vocab_json_members(p->r, p->t, i, "normalizer \"Replace\"",
                                 names, members, 3, 0)
        != 0)
    {
        return -1;
    }

    if (members[1] == 0
        || genai_vocab_json_members(p->r, p->t, members[1],
                                    "normalizer \"Replace\"", patterns,
                                    &pattern, 1, 0)
           != 0)
    {
        return members[1] ? -1
               : genai_vocab_fail(p->r, "normalizer \"Replace\": it has no"
                                  " \"pattern\"");
    }

    if (genai_vocab_json_text(p->r, p->t, pattern, "normalizer \"Replace\"",
                              "pattern", &s)
        != 0)
    {
        return -1;
    }

    if (!genai_str_is(&s, " ")) {
        return genai_vocab_fail(p->r, "normalizer \"Replace\": it is known of a"
                                " space, not of anything else");
    }

    if (genai_vocab_json_text(p->r, p->t, members[2], "normalizer \"Replace\"",
                              "content", &s)
        != 0)
    {
        return -1;
    }

    if (!genai_str_is(&s, GENAI_VOCAB_MARK)) {
        return genai_vocab_fail(p->r, "normalizer \"Replace\": it is known by"
                                " U+2581, not by anything else");
    }

    p->steps->marks = 1;

    return 0;
}


static int
genai_steps_prepend(genai_steps_t *p, uint32_t i)
{
    uint32_t     members[2];
    genai_str_t  s;

    static const char *const  names[] = { "type", "prepend" };

    if (genai_vocab_json_members(p->r, p->t, i, "normalizer \"Prepend\"",
                                 names, members, 2, 0)
        != 0
        || genai_vocab_json_text(p->r, p->t, members[1],
                                 "normalizer \"Prepend\"", "prepend", &s)
           != 0)
    {
        return -1;
    }

    if (!genai_str_is(&s, GENAI_VOCAB_MARK)) {
        return genai_vocab_fail(p->r, "normalizer \"Prepend\": it is known of"
                                " U+2581, not of anything else");
    }

    if (p->steps->prefix) {
        return genai_vocab_fail(p->r, "normalizer \"Prepend\": it is not known"
                                " twice");
    }

    p->steps->prefix = 1;

    return 0;
}


/* the pre-tokenizers of sequences in sequences, in their order */

static int
genai_steps_flatten(genai_steps_t *p, uint32_t i)
{
    uint32_t     k, members[2];
    genai_str_t  type;

    static const char *const  names[] = { "type", "pretokenizers" };

    if (genai_tape_type(p->t, i) == GENAI_TAPE_NULL) {
        return 0;
    }

    if (genai_vocab_json_type(p->r, p->t, i, "pre_tokenizer", &type) != 0) {
        return -1;
    }

    if (!genai_str_is(&type, "Sequence")) {

        if (p->n == GENAI_STEPS_MAX) {
            return genai_vocab_fail(p->r, "pre_tokenizer \"Sequence\": so many"
                                    " are not known");
        }

        p->sequence[p->n++] = i;

        return 0;
    }

    if (genai_vocab_json_members(p->r, p->t, i, "pre_tokenizer", names,
                                 members, 2, 0)
        != 0)
    {
        return -1;
    }

    if (members[1] == 0
        || genai_tape_type(p->t, members[1]) != GENAI_TAPE_ARRAY)
    {
        return genai_vocab_fail(p->r, "pre_tokenizer \"Sequence\": it has no"
                                " array \"pretokenizers\"");
    }

    for (k = genai_tape_first(p->t, members[1]);
         k;
         k = genai_tape_next(p->t, members[1], k))
    {
        if (genai_tape_type(p->t, k) == GENAI_TAPE_NULL) {
            return genai_vocab_fail(p->r, "pre_tokenizer: one of a sequence is"
                                    " null");
        }

        if (genai_steps_flatten(p, k) != 0) {
            return -1;
        }
    }

    return 0;
}


/* one alone */

static int
genai_steps_pre_tokenizer(genai_steps_t *p, uint32_t i)
{
    int          regex;
    genai_str_t  type;

    if (genai_vocab_json_type(p->r, p->t, i, "pre_tokenizer", &type) != 0) {
        return -1;
    }

    if (genai_str_is(&type, "ByteLevel")) {

        if (genai_steps_byte_level(p, i, &regex) != 0) {
            return -1;
        }

        p->steps->split = regex ? GENAI_SPLIT_R50K : GENAI_SPLIT_NONE;

        return 0;
    }

    if (genai_str_is(&type, "Metaspace")) {
        return genai_steps_metaspace(p, i);
    }

    if (genai_str_is(&type, "Split")) {
        return genai_steps_split(p, i);
    }

    return genai_steps_unknown(p, "pre_tokenizer", &type);
}


static int
genai_steps_byte_level(genai_steps_t *p, uint32_t i, int *regex)
{
    int       space;
    uint32_t  members[4];

    static const char *const  names[] = {
        "type", "add_prefix_space", "use_regex", "trim_offsets"
    };

    if (genai_vocab_json_members(p->r, p->t, i, "pre_tokenizer \"ByteLevel\"",
                                 names, members, 4, 0)
        != 0
        || genai_vocab_json_flag(p->r, p->t, members[1],
                                 "pre_tokenizer \"ByteLevel\"", names[1], -1,
                                 &space)
           != 0
        || genai_vocab_json_flag(p->r, p->t, members[2],
                                 "pre_tokenizer \"ByteLevel\"", names[2], 1,
                                 regex)
           != 0)
    {
        return -1;
    }

    /* it would be added where there is none alone */

    if (space) {
        return genai_vocab_fail(p->r, "pre_tokenizer \"ByteLevel\":"
                                " \"add_prefix_space\" is not known");
    }

    p->steps->bytes = 1;

    return 0;
}


static int
genai_steps_metaspace(genai_steps_t *p, uint32_t i)
{
    int          space, split;
    uint32_t     members[6];
    genai_str_t  s;

    static const char  where[] = "pre_tokenizer \"Metaspace\"";

    static const char *const  names[] = {
        "type", "replacement", "add_prefix_space", "prepend_scheme", "split",
        "str_rep"
    };

    if (genai_vocab_json_members(p->r, p->t, i, where, names, members, 6, 0)
        != 0
        || genai_vocab_json_text(p->r, p->t, members[1], where, names[1], &s)
           != 0
        || genai_vocab_json_flag(p->r, p->t, members[2], where, names[2], 1,
                                 &space)
           != 0
        || genai_vocab_json_flag(p->r, p->t, members[4], where, names[4], 1,
                                 &split)
           != 0)
    {
        return -1;
    }

    if (!genai_str_is(&s, GENAI_VOCAB_MARK)) {
        return genai_vocab_fail(p->r, "%s: it is known of U+2581, not of"
                                " anything else", where);
    }

    if (members[3]) {

        if (genai_vocab_json_text(p->r, p->t, members[3], where, names[3], &s)
            != 0)
        {
            return -1;
        }

        if (genai_str_is(&s, "never")) {
            space = 0;
        }
    }

    /* it would be prepended where there is none alone */

    if (space) {
        return genai_vocab_fail(p->r, "%s: it is known with a"
                                " \"prepend_scheme\" of \"never\", not with"
                                " any other", where);
    }

    p->steps->marks = 1;
    p->steps->split_marks = split;

    return 0;
}


/*
 * Alone, it is known at spaces, of which there are none any more: Gemma has
 * it behind a normalizer that makes U+2581 of all.
 */

static int
genai_steps_split(genai_steps_t *p, uint32_t i)
{
    int          invert;
    uint32_t     members[4], pattern;
    genai_str_t  s;

    static const char  where[] = "pre_tokenizer \"Split\"";

    static const char *const  names[] = {
        "type", "pattern", "behavior", "invert"
    };

    if (genai_vocab_json_members(p->r, p->t, i, where, names, members, 4, 0)
        != 0)
    {
        return -1;
    }

    pattern = members[1] ? genai_tape_find(p->t, members[1], "String", 6) : 0;

    if (pattern == 0 || !p->steps->marks) {
        return genai_vocab_fail(p->r, "%s: it is known before \"ByteLevel\","
                                " or of a space where U+2581 stands for all of"
                                " them", where);
    }

    if (genai_vocab_json_text(p->r, p->t, pattern, where, names[1], &s) != 0
        || genai_vocab_json_flag(p->r, p->t, members[3], where, names[3], -1,
                                 &invert)
           != 0)
    {
        return -1;
    }

    if (!genai_str_is(&s, " ") || invert) {
        return genai_vocab_fail(p->r, "%s: it is known of a space, not of"
                                " anything else", where);
    }

    return 0;
}


/* expressions, and "ByteLevel" behind them */

static int
genai_steps_sequence(genai_steps_t *p)
{
    int           regex, invert, inverted;
    char          quoted[GENAI_VOCAB_QUOTE];
    unsigned      i;
    genai_str_t   type, joined, expression[GENAI_STEPS_MAX];

    inverted = 0;

    for (i = 0; i < p->n; i++) {

        if (genai_vocab_json_type(p->r, p->t, p->sequence[i], "pre_tokenizer",
                                  &type)
            != 0)
        {
            return -1;
        }

        if (i + 1 == p->n) {

            if (!genai_str_is(&type, "ByteLevel")) {
                return genai_vocab_fail(p->r, "pre_tokenizer %s is not known as"
                                        " the last of a sequence, only"
                                        " \"ByteLevel\" is",
                                        genai_vocab_quote(quoted, &type));
            }

            continue;
        }

        if (!genai_str_is(&type, "Split")) {
            return genai_steps_unknown(p, "in a sequence, pre_tokenizer",
                                       &type);
        }

        if (genai_steps_expression(p, p->sequence[i], &expression[i],
                                   &invert)
            != 0)
        {
            return -1;
        }

        inverted |= invert;
    }

    if (genai_steps_byte_level(p, p->sequence[p->n - 1], &regex) != 0) {
        return -1;
    }

    if (regex) {
        return genai_vocab_fail(p->r, "pre_tokenizer \"ByteLevel\":"
                                " \"use_regex\" is not known behind \"Split\"");
    }

    if (genai_steps_join(p, expression, &joined) != 0) {
        return -1;
    }

    p->steps->split = genai_split_recognize(&joined);
    p->steps->pattern = joined;

    if (p->steps->split != GENAI_SPLIT_PATTERN) {
        return 0;
    }

    if (p->n > 2) {
        return genai_vocab_fail(p->r, "pre_tokenizer \"Split\": these %u"
                                " expressions, one after the other, are not"
                                " known", p->n - 1);
    }

    /* what it leaves out would be lost */

    if (inverted) {
        return genai_vocab_fail(p->r, "pre_tokenizer \"Split\": \"invert\" is"
                                " not known of the expression %s",
                                genai_vocab_quote(quoted, &joined));
    }

    return 0;
}


/* several are recognized with line feeds between them */

static int
genai_steps_join(genai_steps_t *p, const genai_str_t *expressions,
    genai_str_t *joined)
{
    size_t          len;
    unsigned        i;
    unsigned char  *dst;

    len = 0;

    for (i = 0; i + 1 < p->n; i++) {
        len += expressions[i].len + 1;
    }

    dst = genai_arena_alloc(p->r->arena, len);
    if (dst == NULL) {
        return genai_vocab_no_memory(p->r);
    }

    joined->data = dst;
    joined->len = len - 1;

    for (i = 0; i + 1 < p->n; i++) {
        memcpy(dst, expressions[i].data, expressions[i].len);
        dst += expressions[i].len;
        *dst++ = '\n';
    }

    return 0;
}


/* what matches is a piece; what does not is one, too, or lost: *invert */

static int
genai_steps_expression(genai_steps_t *p, uint32_t i, genai_str_t *expression,
    int *invert)
{
    uint32_t     members[4], pattern;
    genai_str_t  behavior;

    static const char  where[] = "pre_tokenizer \"Split\"";

    static const char *const  names[] = {
        "type", "pattern", "behavior", "invert"
    };

    static const char *const  patterns[] = { "Regex" };

    if (genai_vocab_json_members(p->r, p->t, i, where, names, members, 4, 0)
        != 0)
    {
        return -1;
    }

    if (members[1] == 0) {
        return genai_vocab_fail(p->r, "%s: it has no \"pattern\"", where);
    }

    if (genai_vocab_json_members(p->r, p->t, members[1], where, patterns,
                                 &pattern, 1, 0)
        != 0
        || genai_vocab_json_text(p->r, p->t, pattern, where, patterns[0],
                                 expression)
           != 0
        || genai_vocab_json_text(p->r, p->t, members[2], where, names[2],
                                 &behavior)
           != 0
        || genai_vocab_json_flag(p->r, p->t, members[3], where, names[3], -1,
                                 invert)
           != 0)
    {
        return -1;
    }

    if (genai_str_is(&behavior, "Isolated") && !*invert) {
        return 0;
    }

    if (genai_str_is(&behavior, "Removed") && *invert) {
        return 0;
    }

    return genai_vocab_fail(p->r, "%s: it is known \"Isolated\", or \"Removed\""
                            " and inverted, not otherwise", where);
}


static int
genai_steps_unknown(genai_steps_t *p, const char *what,
    const genai_str_t *type)
{
    char  quoted[GENAI_VOCAB_QUOTE];

    return genai_vocab_fail(p->r, "%s %s is not known", what,
                            genai_vocab_quote(quoted, type));
}
