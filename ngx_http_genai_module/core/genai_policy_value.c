/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The values of a policy: texts, limits, times, numbers.
 */


#include "genai_policy_build_int.h"
#include "genai_text.h"


/* the largest weight of a token, in millionths */
#define GENAI_POLICY_WEIGHT_MAX  1000000000

#define genai_policy_is(t, name, text)                                        \
    genai_tape_named(t, name, text, sizeof(text) - 1)


static const char *genai_policy_limit_text(genai_policy_reader_t *r,
    uint32_t value, genai_policy_limit_t *limit);
static const char *genai_policy_limit_member(genai_policy_reader_t *r,
    uint32_t name, genai_limit_t *limit);
static const char *genai_policy_choice(genai_policy_reader_t *r,
    uint32_t value, const char *yes, const char *no, uint8_t *is,
    const char *wrong);
static const char *genai_policy_weights(genai_policy_reader_t *r,
    uint32_t value, genai_limit_t *limit);
static int genai_policy_digits(const unsigned char **p,
    const unsigned char *end, unsigned n, int *number);


genai_str_t
genai_policy_read_string(genai_policy_reader_t *r, uint32_t value)
{
    genai_str_t   raw;
    genai_text_t  text;

    raw.data = NULL;
    raw.len = 0;

    if (genai_tape_type(r->tape, value) != GENAI_TAPE_STRING) {
        return raw;
    }

    raw = genai_tape_view(r->tape, value);

    if (!genai_tape_escaped(r->tape, value)) {
        return raw;
    }

    if (genai_text_read(&text, r->arena, &raw, 1) != 0) {
        r->b->failed = GENAI_POLICY_BUILD_MEMORY;
        raw.len = 0;
        return raw;
    }

    return text.text;
}


const char *
genai_policy_read_text(genai_policy_reader_t *r, uint32_t value, size_t max,
    uint32_t *symbol)
{
    const char   *wrong;
    genai_str_t   s;

    s = genai_policy_read_string(r, value);

    wrong = genai_policy_text_wrong(&s, max);

    if (wrong == NULL) {
        *symbol = genai_policy_intern(r->b, &s);
    }

    return wrong;
}


const char *
genai_policy_read_flag(genai_policy_reader_t *r, uint32_t value,
    uint32_t *flags, uint32_t flag)
{
    switch (genai_tape_type(r->tape, value)) {

    case GENAI_TAPE_TRUE:
        *flags |= flag;
        return NULL;

    case GENAI_TAPE_FALSE:
        return NULL;

    default:
        return "write true or false";
    }
}


const char *
genai_policy_read_limit(genai_policy_reader_t *r, uint32_t value)
{
    uint32_t               name, text;
    const char            *wrong;
    genai_limit_t          stated;
    genai_tape_t          *t;
    genai_policy_limit_t  *limit;

    t = r->tape;

    limit = genai_policy_push(r->b, &r->b->limits,
                              sizeof(genai_policy_limit_t), 1);
    if (limit == NULL) {
        return NULL;
    }

    r->wrong = value;

    if (genai_tape_type(t, value) == GENAI_TAPE_STRING) {
        return genai_policy_limit_text(r, value, limit);
    }

    if (genai_tape_type(t, value) != GENAI_TAPE_OBJECT) {
        return "a limit is a string, as in \"60 requests/1m\", or an object"
               " with a member \"limit\"";
    }

    text = genai_tape_find(t, value, "limit", 5);

    if (text == 0) {
        return "a limit's object has no member \"limit\"";
    }

    r->wrong = text;

    wrong = genai_policy_limit_text(r, text, limit);

    if (wrong || r->b->failed) {
        return wrong;
    }

    stated = limit->limit;

    for (name = genai_tape_first(t, value);
         name;
         name = genai_tape_next(t, value, name))
    {
        if (genai_policy_comment(t, name) || genai_policy_is(t, name, "limit"))
        {
            continue;
        }

        r->wrong = genai_tape_value(t, name);

        wrong = genai_policy_limit_member(r, name, &stated);

        if (wrong) {
            return wrong;
        }
    }

    limit->limit = stated;

    return NULL;
}


static const char *
genai_policy_limit_text(genai_policy_reader_t *r, uint32_t value,
    genai_policy_limit_t *limit)
{
    size_t          where;
    uint32_t        symbol;
    const char     *wrong;
    genai_str_t     s;
    genai_limit_t   read;

    s = genai_policy_read_string(r, value);

    if (s.data == NULL) {
        return "it is no string, as in \"60 requests/1m\"";
    }

    wrong = genai_limit_parse(&s, &read, &where);

    if (wrong) {
        return wrong;
    }

    if (read.pattern.len) {

        wrong = genai_policy_text_wrong(&read.pattern, GENAI_POLICY_TEXT_MAX);

        if (wrong) {
            return wrong;
        }

        symbol = genai_policy_intern(r->b, &read.pattern);

        if (symbol == GENAI_POLICY_NONE) {
            return NULL;
        }

        limit->pattern = genai_policy_symbol(r->b, symbol)->text;
    }

    /* the snapshot has no pointers, and no bytes by chance */

    limit->limit.amount = read.amount;
    limit->limit.window = read.window;
    limit->limit.unit = read.unit;
    limit->limit.window_unit = read.window_unit;
    limit->limit.shadow = read.shadow;
    limit->limit.clip = read.clip;
    limit->limit.unpriced = read.unpriced;
    limit->limit.warn = read.warn;
    limit->limit.weight_prompt = read.weight_prompt;
    limit->limit.weight_cached = read.weight_cached;
    limit->limit.weight_completion = read.weight_completion;
    limit->limit.weight_reasoning = read.weight_reasoning;

    return NULL;
}


static const char *
genai_policy_limit_member(genai_policy_reader_t *r, uint32_t name,
    genai_limit_t *limit)
{
    uint32_t             value, flag;
    const char          *wrong;
    const genai_tape_t  *t;

    t = r->tape;
    value = genai_tape_value(t, name);

    if (genai_policy_is(t, name, "shadow")) {
        flag = 0;
        wrong = genai_policy_read_flag(r, value, &flag, 1);
        limit->shadow = flag;

        return wrong;
    }

    if (genai_policy_is(t, name, "warn")) {

        wrong = genai_policy_read_millionths(r, value, GENAI_LIMIT_MILLION,
                                             &limit->warn);

        return (wrong || limit->warn == 0)
               ? "write a number above 0 and up to 1, as in \"warn\": 0.8"
               : NULL;
    }

    if (genai_policy_is(t, name, "on_short")) {
        return genai_policy_choice(r, value, "clip", "refuse", &limit->clip,
                                   "write \"clip\" or \"refuse\"");
    }

    if (genai_policy_is(t, name, "unpriced")) {
        return genai_policy_choice(r, value, "allow", "refuse",
                                   &limit->unpriced,
                                   "write \"allow\" or \"refuse\"");
    }

    if (genai_policy_is(t, name, "weights")) {
        return genai_policy_weights(r, value, limit);
    }

    r->wrong = name;

    return "a limit has limit, shadow, warn, on_short, unpriced, weights and"
           " nothing else";
}


static const char *
genai_policy_choice(genai_policy_reader_t *r, uint32_t value, const char *yes,
    const char *no, uint8_t *is, const char *wrong)
{
    genai_str_t  s;

    s = genai_policy_read_string(r, value);

    if (s.len == strlen(yes) && memcmp(s.data, yes, s.len) == 0) {
        *is = 1;
        return NULL;
    }

    if (s.len == strlen(no) && memcmp(s.data, no, s.len) == 0) {
        *is = 0;
        return NULL;
    }

    return wrong;
}


static const char *
genai_policy_weights(genai_policy_reader_t *r, uint32_t value,
    genai_limit_t *limit)
{
    uint32_t       name, *weight;
    const char    *wrong;
    genai_tape_t  *t;

    t = r->tape;

    if (genai_tape_type(t, value) != GENAI_TAPE_OBJECT) {
        return "it is no object, as in {\"cached\": 0.1}";
    }

    for (name = genai_tape_first(t, value);
         name;
         name = genai_tape_next(t, value, name))
    {
        if (genai_policy_comment(t, name)) {
            continue;
        }

        r->wrong = name;

        if (genai_policy_is(t, name, "prompt")) {
            weight = &limit->weight_prompt;

        } else if (genai_policy_is(t, name, "cached")) {
            weight = &limit->weight_cached;

        } else if (genai_policy_is(t, name, "completion")) {
            weight = &limit->weight_completion;

        } else if (genai_policy_is(t, name, "reasoning")) {
            weight = &limit->weight_reasoning;

        } else {
            return "there are weights for prompt, cached, completion,"
                   " reasoning and nothing else";
        }

        r->wrong = genai_tape_value(t, name);

        wrong = genai_policy_read_millionths(r, r->wrong,
                                             GENAI_POLICY_WEIGHT_MAX, weight);

        if (wrong) {
            return "write a number from 0 to 1000";
        }
    }

    return NULL;
}


const char *
genai_policy_read_millionths(genai_policy_reader_t *r, uint32_t value,
    uint32_t max, uint32_t *millionths)
{
    int                   fraction, e, sign, exponent;
    uint64_t              m;
    genai_str_t           s;
    const unsigned char  *p, *end;

    static const char  wrong[] = "it is no number in its range";

    if (genai_tape_type(r->tape, value) != GENAI_TAPE_NUMBER) {
        return wrong;
    }

    /* the scanner has seen that it is a number, and libc knows locales */

    s = genai_tape_view(r->tape, value);

    p = s.data;
    end = p + s.len;

    if (*p == '-') {
        return wrong;
    }

    m = 0;
    exponent = 6;
    fraction = 0;

    for ( /* void */ ; p < end && (*p | 0x20) != 'e'; p++) {

        if (*p == '.') {
            fraction = 1;

        } else if (m < UINT64_C(100000000000000000)) {
            m = 10 * m + (*p - '0');
            exponent -= fraction;

        } else if (exponent < 100000) {
            exponent += !fraction;
        }
    }

    if (p < end) {
        p++;
        sign = 1;
        e = 0;

        if (*p == '-' || *p == '+') {
            sign = (*p++ == '-') ? -1 : 1;
        }

        for ( /* void */ ; p < end; p++) {
            e = (e < 100000) ? 10 * e + (*p - '0') : e;
        }

        exponent += sign * e;
    }

    for ( /* void */ ; m && exponent < 0; exponent++) {
        m /= 10;
    }

    for ( /* void */ ; m && exponent > 0; exponent--) {

        if (m > max) {
            return wrong;
        }

        m *= 10;
    }

    if (m > max) {
        return wrong;
    }

    *millionths = m;

    return NULL;
}


const char *
genai_policy_read_time(genai_policy_reader_t *r, uint32_t value, int64_t *time)
{
    int                   i, sign, date[3], back[3], clock[3], offset[2];
    int32_t               day;
    genai_str_t           s;
    const unsigned char  *p, *end;

    static const char  wrong[] = "write a time as in \"2026-01-01T00:00:00Z\""
                                 " or \"2026-01-01T01:00:00+01:00\"";

    static const char      between[] = "--T::";
    static const unsigned  digits[] = { 4, 2, 2, 2, 2, 2 };

    s = genai_policy_read_string(r, value);

    if (s.data == NULL) {
        return wrong;
    }

    p = s.data;
    end = p + s.len;

    for (i = 0; i < 6; i++) {

        if (genai_policy_digits(&p, end, digits[i],
                                i < 3 ? &date[i] : &clock[i - 3])
            != 0)
        {
            return wrong;
        }

        if (i < 5 && (p == end || (*p++ & ~(i == 2 ? 0x20 : 0)) != between[i]))
        {
            return wrong;
        }
    }

    if (p < end && *p == '.') {

        p++;

        if (p == end || *p < '0' || *p > '9') {
            return wrong;
        }

        while (p < end && *p >= '0' && *p <= '9') {
            p++;
        }
    }

    if (p == end) {
        return wrong;
    }

    sign = 0;
    offset[0] = 0;
    offset[1] = 0;

    if (*p == '+' || *p == '-') {
        sign = (*p++ == '-') ? -1 : 1;

        if (genai_policy_digits(&p, end, 2, &offset[0]) != 0
            || p == end || *p++ != ':'
            || genai_policy_digits(&p, end, 2, &offset[1]) != 0)
        {
            return wrong;
        }

    } else if ((*p++ & ~0x20) != 'Z') {
        return wrong;
    }

    if (p != end || date[1] < 1 || date[1] > 12 || date[2] < 1
        || clock[0] > 23 || clock[1] > 59 || clock[2] > 60
        || offset[0] > 23 || offset[1] > 59)
    {
        return wrong;
    }

    day = genai_timezone_days(date[0], date[1], date[2]);

    /* a day that the month does not have comes back as another one */

    genai_timezone_date(day, &back[0], &back[1], &back[2]);

    if (memcmp(back, date, sizeof(date)) != 0) {
        return wrong;
    }

    *time = (int64_t) day * 86400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
            - sign * (offset[0] * 3600 + offset[1] * 60);

    return NULL;
}


static int
genai_policy_digits(const unsigned char **p, const unsigned char *end,
    unsigned n, int *number)
{
    *number = 0;

    while (n--) {

        if (*p == end || **p < '0' || **p > '9') {
            return -1;
        }

        *number = 10 * *number + (*(*p)++ - '0');
    }

    return 0;
}
