/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What an entry of the catalogue may say, field by field.
 */


#include "genai_catalog_int.h"

#include <stdlib.h>


#define GENAI_CATALOG_DIGITS  40


typedef struct {
    const char  *name;
    uint32_t     bit;
    int        (*read)(genai_catalog_reader_t *r, uint32_t i);
} genai_catalog_field_t;


static int genai_catalog_vendor(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_tokenizer(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_factor(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_fallback(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_factors(genai_catalog_reader_t *r, uint32_t i,
    uint32_t first, double *likely, double *most);
static int genai_catalog_framing(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_context(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_input(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_output(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_modalities(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_image(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_kind(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_thinking(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_is_like(genai_catalog_reader_t *r, uint32_t i);
static int genai_catalog_double(genai_catalog_reader_t *r, uint32_t i,
    double min, double max, double *value);


static const genai_catalog_field_t  genai_catalog_known[] = {
    { "vendor", GENAI_CATALOG_SAYS_VENDOR, genai_catalog_vendor },
    { "tokenizer", GENAI_CATALOG_SAYS_TOKENIZER, genai_catalog_tokenizer },
    { "factor", GENAI_CATALOG_SAYS_FACTOR, genai_catalog_factor },
    { "fallback", GENAI_CATALOG_SAYS_FALLBACK, genai_catalog_fallback },
    { "framing", GENAI_CATALOG_SAYS_FRAMING, genai_catalog_framing },
    { "context", GENAI_CATALOG_SAYS_CONTEXT, genai_catalog_context },
    { "input", GENAI_CATALOG_SAYS_INPUT, genai_catalog_input },
    { "output", GENAI_CATALOG_SAYS_OUTPUT, genai_catalog_output },
    { "modalities", GENAI_CATALOG_SAYS_MODALITIES,
      genai_catalog_modalities },
    { "image", GENAI_CATALOG_SAYS_IMAGE, genai_catalog_image },
    { "kind", GENAI_CATALOG_SAYS_KIND, genai_catalog_kind },
    { "thinking", GENAI_CATALOG_SAYS_THINKING, genai_catalog_thinking },
    { "price", GENAI_CATALOG_SAYS_PRICE, genai_catalog_price },
    { "like", GENAI_CATALOG_SAYS_LIKE, genai_catalog_is_like },
    { NULL, 0, NULL }
};


int
genai_catalog_fields(genai_catalog_reader_t *r, uint32_t i)
{
    int                           rc;
    uint32_t                      key;
    const genai_catalog_field_t  *f;

    rc = genai_catalog_twice(r, i);

    if (rc != 0) {
        r->bad = 1;
        return (rc == -1) ? -1 : 0;
    }

    for (key = genai_tape_first(&r->tape, i);
         key;
         key = genai_tape_next(&r->tape, i, key))
    {
        for (f = genai_catalog_known; f->name; f++) {
            if (genai_tape_named(&r->tape, key, f->name, strlen(f->name))) {
                break;
            }
        }

        if (f->name == NULL) {

            if (!genai_catalog_ignored(r, key)) {
                r->bad = 1;
                genai_catalog_wrong(r, key, "it is no field of a model");
            }

            continue;
        }

        rc = f->read(r, genai_tape_value(&r->tape, key));

        if (rc == -1) {
            return -1;
        }

        if (rc == 1) {
            r->bad = 1;
        }

        r->model.said |= f->bit;
    }

    return 0;
}


void
genai_catalog_merge(genai_catalog_model_t *to,
    const genai_catalog_model_t *from)
{
#define genai_catalog_set(bit, member)                                        \
    if (from->said & bit) {                                                   \
        to->member = from->member;                                            \
    }

    genai_catalog_set(GENAI_CATALOG_SAYS_VENDOR, vendor)
    genai_catalog_set(GENAI_CATALOG_SAYS_FRAMING, framing)
    genai_catalog_set(GENAI_CATALOG_SAYS_CONTEXT, context)
    genai_catalog_set(GENAI_CATALOG_SAYS_INPUT, input)
    genai_catalog_set(GENAI_CATALOG_SAYS_OUTPUT, output)
    genai_catalog_set(GENAI_CATALOG_SAYS_MODALITIES, modalities)
    genai_catalog_set(GENAI_CATALOG_SAYS_IMAGE, image)
    genai_catalog_set(GENAI_CATALOG_SAYS_IMAGE, image_a)
    genai_catalog_set(GENAI_CATALOG_SAYS_IMAGE, image_b)
    genai_catalog_set(GENAI_CATALOG_SAYS_KIND, embedding)
    genai_catalog_set(GENAI_CATALOG_SAYS_THINKING, thinking)
    genai_catalog_set(GENAI_CATALOG_SAYS_LIKE, like)

    /* what was said of another vocabulary is of no use */

    if (from->said & GENAI_CATALOG_SAYS_TOKENIZER) {
        to->tokenizer = from->tokenizer;
        to->factor = 1;
        to->factor_max = 1;
        to->exact = 1;
        to->fallback.len = 0;
    }

    if (from->said & GENAI_CATALOG_SAYS_FALLBACK) {
        to->fallback = from->fallback;
        to->fallback_factor = from->fallback_factor;
        to->fallback_max = from->fallback_max;
    }

    if (from->said & GENAI_CATALOG_SAYS_FACTOR) {
        to->factor = from->factor;
        to->factor_max = from->factor_max;
        to->exact = 0;
    }

    if (from->said & GENAI_CATALOG_SAYS_PRICE) {

        if (from->no_price) {
            memset(&to->price, 0, sizeof(genai_price_t));

        } else {
            genai_price_merge(&to->price, &from->price);
        }

        to->no_price = from->no_price;
        to->price_file = from->price_file;
    }

    to->said |= from->said;
}


static int
genai_catalog_vendor(genai_catalog_reader_t *r, uint32_t i)
{
    return genai_catalog_text(r, i, &r->model.vendor, "\"vendor\" must be a"
                              " text", 0);
}


static int
genai_catalog_tokenizer(genai_catalog_reader_t *r, uint32_t i)
{
    return genai_catalog_text(r, i, &r->model.tokenizer, "\"tokenizer\" must"
                              " be the name of a vocabulary", 1);
}


static int
genai_catalog_factor(genai_catalog_reader_t *r, uint32_t i)
{
    if (genai_tape_type(&r->tape, i) == GENAI_TAPE_ARRAY
        && genai_catalog_factors(r, i, genai_tape_first(&r->tape, i),
                                 &r->model.factor, &r->model.factor_max)
           == 0)
    {
        return 0;
    }

    genai_catalog_wrong(r, i, "\"factor\" must be two numbers of 0.05 to 20,"
                              " [likely, at most]");
    return 1;
}


static int
genai_catalog_fallback(genai_catalog_reader_t *r, uint32_t i)
{
    int                  rc;
    uint32_t             first;
    const genai_tape_t  *t;

    t = &r->tape;
    first = (genai_tape_type(t, i) == GENAI_TAPE_ARRAY)
            ? genai_tape_first(t, i) : 0;

    if (first
        && genai_catalog_factors(r, i, genai_tape_next(t, i, first),
                                 &r->model.fallback_factor,
                                 &r->model.fallback_max)
           == 0)
    {
        rc = genai_catalog_text(r, first, &r->model.fallback, "\"fallback\""
                                " must begin with the name of a vocabulary",
                                1);
        return rc;
    }

    genai_catalog_wrong(r, i, "\"fallback\" must be [vocabulary, likely, at"
                              " most], with numbers of 0.05 to 20");
    return 1;
}


/* the two numbers that the array at i ends with */

static int
genai_catalog_factors(genai_catalog_reader_t *r, uint32_t i, uint32_t first,
    double *likely, double *most)
{
    uint32_t  second;

    second = first ? genai_tape_next(&r->tape, i, first) : 0;

    if (second == 0 || genai_tape_next(&r->tape, i, second)
        || genai_catalog_double(r, first, 0.05, 20, likely) == -1
        || genai_catalog_double(r, second, 0.05, 20, most) == -1)
    {
        return -1;
    }

    return (*likely <= *most) ? 0 : -1;
}


static int
genai_catalog_framing(genai_catalog_reader_t *r, uint32_t i)
{
    genai_str_t      s;
    genai_framing_e  framing;

    framing = GENAI_FRAMING_LAST;

    if (genai_tape_type(&r->tape, i) == GENAI_TAPE_STRING) {

        if (genai_catalog_decode(r, i, &s) == -1) {
            return -1;
        }

        framing = genai_framing_by_name(&s);
    }

    if (framing == GENAI_FRAMING_LAST) {
        genai_catalog_wrong(r, i, "\"framing\" must be one that is known,"
                                  " see docs/CATALOG.md");
        return 1;
    }

    r->model.framing = framing;

    return 0;
}


static int
genai_catalog_context(genai_catalog_reader_t *r, uint32_t i)
{
    if (genai_catalog_int(r, i, GENAI_CATALOG_TOKENS_MAX, &r->model.context)
        == 0)
    {
        return 0;
    }

    genai_catalog_wrong(r, i, "\"context\" must be a number of tokens");

    return 1;
}


static int
genai_catalog_input(genai_catalog_reader_t *r, uint32_t i)
{
    if (genai_catalog_int(r, i, GENAI_CATALOG_TOKENS_MAX, &r->model.input)
        == 0)
    {
        return 0;
    }

    genai_catalog_wrong(r, i, "\"input\" must be a number of tokens");

    return 1;
}


static int
genai_catalog_output(genai_catalog_reader_t *r, uint32_t i)
{
    if (genai_catalog_int(r, i, GENAI_CATALOG_TOKENS_MAX, &r->model.output)
        == 0)
    {
        return 0;
    }

    genai_catalog_wrong(r, i, "\"output\" must be a number of tokens");

    return 1;
}


static int
genai_catalog_modalities(genai_catalog_reader_t *r, uint32_t i)
{
    int                  n;
    uint32_t             k;
    const genai_tape_t  *t;

    static const char  *names[] = { "text", "image", "audio", "video", "file" };

    t = &r->tape;

    if (genai_tape_type(t, i) != GENAI_TAPE_ARRAY) {
        goto wrong;
    }

    for (k = genai_tape_first(t, i); k; k = genai_tape_next(t, i, k)) {

        for (n = 0; n < 5; n++) {
            if (genai_tape_type(t, k) == GENAI_TAPE_STRING
                && genai_tape_named(t, k, names[n], strlen(names[n])))
            {
                break;
            }
        }

        if (n == 5) {
            goto wrong;
        }

        r->model.modalities |= 1 << n;
    }

    return 0;

wrong:

    genai_catalog_wrong(r, i, "\"modalities\" must be an array of text,"
                              " image, audio, video, file");
    return 1;
}


static int
genai_catalog_image(genai_catalog_reader_t *r, uint32_t i)
{
    int                  n;
    uint32_t             k, key, value;
    uint64_t             a, b;
    const genai_tape_t  *t;

    static const struct {
        const char  *name;
        uint8_t      rule;
        int          numbers;
    } rules[] = {
        { "tiles", GENAI_IMAGE_TILES, 2 },
        { "patches", GENAI_IMAGE_PATCHES, 2 },
        { "area", GENAI_IMAGE_AREA, 2 },
        { "grid", GENAI_IMAGE_GRID, 2 },
        { "fixed", GENAI_IMAGE_FIXED, 1 },
        { NULL, 0, 0 }
    };

    t = &r->tape;

    if (genai_tape_type(t, i) != GENAI_TAPE_OBJECT) {
        goto wrong;
    }

    key = genai_tape_first(t, i);

    if (key == 0 || genai_tape_next(t, i, key)) {
        goto wrong;
    }

    value = genai_tape_value(t, key);

    for (n = 0; rules[n].name; n++) {

        if (!genai_tape_named(t, key, rules[n].name, strlen(rules[n].name))
            || genai_tape_type(t, value) != GENAI_TAPE_ARRAY)
        {
            continue;
        }

        a = b = 0;
        k = genai_tape_first(t, value);

        if (k == 0
            || genai_catalog_int(r, k, GENAI_CATALOG_TOKENS_MAX, &a) == -1
            || a == 0)
        {
            goto wrong;
        }

        k = genai_tape_next(t, value, k);

        if ((k != 0) != (rules[n].numbers == 2)) {
            goto wrong;
        }

        if (k && (genai_catalog_int(r, k, GENAI_CATALOG_TOKENS_MAX, &b) == -1
                  || genai_tape_next(t, value, k)))
        {
            goto wrong;
        }

        r->model.image = rules[n].rule;
        r->model.image_a = (uint32_t) a;
        r->model.image_b = (uint32_t) b;

        return 0;
    }

wrong:

    genai_catalog_wrong(r, i, "\"image\" must be a rule that is known, see"
                              " docs/CATALOG.md");
    return 1;
}


static int
genai_catalog_kind(genai_catalog_reader_t *r, uint32_t i)
{
    if (genai_tape_type(&r->tape, i) == GENAI_TAPE_STRING) {

        if (genai_tape_named(&r->tape, i, "embedding", 9)) {
            r->model.embedding = 1;
            return 0;
        }

        if (genai_tape_named(&r->tape, i, "chat", 4)) {
            return 0;
        }
    }

    genai_catalog_wrong(r, i, "\"kind\" must be \"chat\" or \"embedding\"");

    return 1;
}


static int
genai_catalog_thinking(genai_catalog_reader_t *r, uint32_t i)
{
    if (genai_tape_type(&r->tape, i) == GENAI_TAPE_STRING) {

        if (genai_tape_named(&r->tape, i, "effort", 6)) {
            r->model.thinking = GENAI_THINKING_EFFORT;
            return 0;
        }

        if (genai_tape_named(&r->tape, i, "budget", 6)) {
            r->model.thinking = GENAI_THINKING_BUDGET;
            return 0;
        }

        if (genai_tape_named(&r->tape, i, "none", 4)) {
            return 0;
        }
    }

    genai_catalog_wrong(r, i, "\"thinking\" must be \"effort\", \"budget\" or"
                              " \"none\"");

    return 1;
}


static int
genai_catalog_is_like(genai_catalog_reader_t *r, uint32_t i)
{
    int          rc;
    genai_str_t  s;

    rc = genai_catalog_text(r, i, &s, "\"like\" must be the name of an entry",
                            1);

    return (rc == 0) ? genai_catalog_copy(r->c, &r->model.like, &s, 1) : rc;
}


/* a text of the catalogue's own; a word has no blanks */

int
genai_catalog_text(genai_catalog_reader_t *r, uint32_t i, genai_str_t *dst,
    const char *what, int word)
{
    size_t       k;
    genai_str_t  s;

    if (genai_tape_type(&r->tape, i) != GENAI_TAPE_STRING) {
        goto wrong;
    }

    if (genai_catalog_decode(r, i, &s) == -1) {
        return -1;
    }

    if (s.len == 0 || s.len > GENAI_CATALOG_TEXT_MAX) {
        goto wrong;
    }

    for (k = 0; k < s.len; k++) {
        if (s.data[k] < (word ? 0x21 : 0x20) || s.data[k] >= 0x7f) {
            goto wrong;
        }
    }

    return genai_catalog_copy(r->c, dst, &s, 0);

wrong:

    genai_catalog_wrong(r, i, what);

    return 1;
}


static int
genai_catalog_double(genai_catalog_reader_t *r, uint32_t i, double min,
    double max, double *value)
{
    char         buf[GENAI_CATALOG_DIGITS + 1], *end;
    genai_str_t  s;

    s = genai_tape_view(&r->tape, i);

    if (genai_tape_type(&r->tape, i) != GENAI_TAPE_NUMBER
        || s.len > GENAI_CATALOG_DIGITS)
    {
        return -1;
    }

    memcpy(buf, s.data, s.len);
    buf[s.len] = '\0';

    *value = strtod(buf, &end);

    return (*end == '\0' && *value >= min && *value <= max) ? 0 : -1;
}


int
genai_catalog_int(genai_catalog_reader_t *r, uint32_t i, uint64_t max,
    uint64_t *value)
{
    size_t       k;
    genai_str_t  s;

    s = genai_tape_view(&r->tape, i);

    if (genai_tape_type(&r->tape, i) != GENAI_TAPE_NUMBER || s.len > 18) {
        return -1;
    }

    *value = 0;

    for (k = 0; k < s.len; k++) {

        if (s.data[k] < '0' || s.data[k] > '9') {
            return -1;
        }

        *value = *value * 10 + (s.data[k] - '0');
    }

    return (*value <= max) ? 0 : -1;
}
