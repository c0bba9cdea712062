/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_limit.h"


#define GENAI_LIMIT_NANO         UINT64_C(1000000000)
#define GENAI_LIMIT_NANO_DIGITS  9

#define GENAI_LIMIT_MEASURE_MAX  ((uint64_t) 1 << 60)

#define genai_limit_min(a, b)    ((a) < (b) ? (a) : (b))


typedef unsigned __int128  genai_sum_t;


typedef struct {
    const unsigned char  *pos;
    const unsigned char  *end;
    const unsigned char  *bad;      /* where an error is */
} genai_limit_reader_t;


static const char *genai_limit_amount(genai_limit_reader_t *r,
    genai_limit_t *limit);
static const char *genai_limit_dollars(genai_limit_reader_t *r,
    genai_limit_t *limit);
static const char *genai_limit_unit(genai_limit_reader_t *r,
    genai_limit_t *limit);
static const char *genai_limit_window(genai_limit_reader_t *r,
    genai_limit_t *limit);
static const char *genai_limit_pattern(genai_limit_reader_t *r,
    genai_limit_t *limit);
static const char *genai_pattern_look(const genai_str_t *pattern,
    size_t *where);
static int genai_limit_number(genai_limit_reader_t *r, uint64_t max,
    uint64_t *value);
static void genai_limit_word(const genai_limit_reader_t *r,
    const char *stop, genai_str_t *word);
static int genai_limit_is(const genai_str_t *word, const char *text);
static unsigned char *genai_limit_put(unsigned char *dst, const char *text);
static unsigned char *genai_limit_put_number(unsigned char *dst,
    uint64_t value);


/* in the order of genai_limit_unit_e; "$" stands in front */

static const struct {
    const char  *name;
    const char  *singular;
    const char  *plural;            /* what to say of the singular */

} genai_limit_units[] = {
    { "requests", "request", "write \"requests\", always in the plural" },
    { "tokens", "token", "write \"tokens\", always in the plural" },
    { "prompt_tokens", "prompt_token",
      "write \"prompt_tokens\", always in the plural" },
    { "completion_tokens", "completion_token",
      "write \"completion_tokens\", always in the plural" },
    { NULL, NULL, NULL },
    { "concurrent", NULL, NULL }
};

#define GENAI_LIMIT_UNITS                                                     \
    (sizeof(genai_limit_units) / sizeof(genai_limit_units[0]))


/* in the order of genai_window_unit_e */

static const char  *const  genai_window_units[] = {
    NULL, "s", "m", "h", "d", "w", "mo", "never"
};

#define GENAI_WINDOW_UNITS                                                    \
    (sizeof(genai_window_units) / sizeof(genai_window_units[0]))


const char *
genai_limit_parse(const genai_str_t *text, genai_limit_t *limit,
    size_t *where)
{
    const char            *error;
    genai_limit_reader_t   r;

    memset(limit, 0, sizeof(genai_limit_t));

    limit->weight_prompt = GENAI_LIMIT_MILLION;
    limit->weight_cached = GENAI_LIMIT_MILLION;
    limit->weight_completion = GENAI_LIMIT_MILLION;
    limit->weight_reasoning = GENAI_LIMIT_MILLION;

    *where = 0;

    if (text->len == 0) {
        return "the limit is empty: write AMOUNT UNIT/WINDOW, as in"
               " \"60 requests/1m\"";
    }

    r.pos = text->data;
    r.end = text->data + text->len;
    r.bad = r.pos;

    if (*r.pos == ' ') {
        return "a blank in front of the limit: remove it";
    }

    if (r.end[-1] == ' ') {
        *where = text->len - 1;
        return "a blank behind the limit: remove it";
    }

    if (*r.pos == '$') {
        error = genai_limit_dollars(&r, limit);

    } else {
        error = genai_limit_amount(&r, limit);

        if (error == NULL) {
            error = genai_limit_unit(&r, limit);
        }
    }

    if (error == NULL) {
        error = genai_limit_window(&r, limit);
    }

    if (error == NULL) {
        error = genai_limit_pattern(&r, limit);
    }

    *where = r.bad - text->data;

    return error;
}


/* "60 ", with the blanks behind it */

static const char *
genai_limit_amount(genai_limit_reader_t *r, genai_limit_t *limit)
{
    uint64_t     factor;
    genai_str_t  word;

    static const char  *const  large =
        "the amount is too large: at most 1000000000000000, or 1000000G";

    genai_limit_word(r, " ", &word);

    if (*r->pos < '0' || *r->pos > '9') {
        r->bad = r->pos;

        if (*r->pos == '-' || *r->pos == '+') {
            return "an amount has no sign: write a whole number from 0 on";
        }

        return "write a limit as AMOUNT UNIT/WINDOW, with a whole number or"
               " \"$\" first, as in \"60 requests/1m\" or \"$500/1mo\"";
    }

    if (genai_limit_number(r, GENAI_LIMIT_AMOUNT_MAX, &limit->amount) != 0) {
        return large;
    }

    r->bad = r->pos;
    factor = 1;

    if (r->pos < r->end) {

        switch (*r->pos) {

        case ' ':
            break;

        case 'k':
            factor = 1000;
            r->pos++;
            break;

        case 'M':
            factor = 1000000;
            r->pos++;
            break;

        case 'G':
            factor = 1000000000;
            r->pos++;
            break;

        case '.':
        case ',':
        case '_':
            return "an amount is a whole number, only digits and k, M or G:"
                   " write \"1500\" for one and a half thousand";

        case 'e':
        case 'E':
            return "an amount has no exponent: write k, M or G behind a whole"
                   " number, \"1G\" for 10^9";

        case '/':
            return "a unit is missing: write requests, tokens, prompt_tokens"
                   " or completion_tokens between the amount and \"/\"";

        default:

            if (*r->pos == 'K' || *r->pos == 'm' || *r->pos == 'g') {
                return "write k for 10^3, M for 10^6, G for 10^9, in this"
                       " case of letters";
            }

            return "write a blank between the amount and its unit, as in"
                   " \"60 requests/1m\"";
        }
    }

    if (limit->amount > GENAI_LIMIT_AMOUNT_MAX / factor) {
        r->bad = word.data;
        return large;
    }

    limit->amount *= factor;

    r->bad = r->pos;

    if (r->pos == r->end) {
        return "a unit is missing: write requests, tokens, prompt_tokens,"
               " completion_tokens or concurrent behind the amount";
    }

    if (*r->pos != ' ') {
        return "write a blank between the amount and its unit, as in"
               " \"100k tokens/1m\"";
    }

    while (*r->pos == ' ') {
        r->pos++;
    }

    return NULL;
}


/* "$0.5" */

static const char *
genai_limit_dollars(genai_limit_reader_t *r, genai_limit_t *limit)
{
    unsigned  digits;
    uint64_t  dollars, nano;

    static const char  *const  large =
        "the amount is too large: at most $9000000000";

    limit->unit = GENAI_LIMIT_COST;

    r->bad = ++r->pos;

    if (r->pos == r->end || *r->pos < '0' || *r->pos > '9') {
        return "write a decimal number right behind \"$\", as in \"$500/1mo\""
               " or \"$0.50/1d\"";
    }

    if (genai_limit_number(r, GENAI_LIMIT_DOLLARS_MAX, &dollars) != 0) {
        return large;
    }

    nano = 0;

    if (r->pos < r->end && *r->pos == '.') {
        r->pos++;

        for (digits = 0;
             r->pos < r->end && *r->pos >= '0' && *r->pos <= '9';
             digits++)
        {
            if (digits == GENAI_LIMIT_NANO_DIGITS) {
                r->bad = r->pos;
                return "at most nine digits behind the point: $0.000000001 is"
                       " the smallest amount there is";
            }

            nano = 10 * nano + (*r->pos++ - '0');
        }

        if (digits == 0) {
            r->bad = r->pos;
            return "write digits behind the point, or leave the point out";
        }

        while (digits++ < GENAI_LIMIT_NANO_DIGITS) {
            nano *= 10;
        }
    }

    if (dollars == GENAI_LIMIT_DOLLARS_MAX && nano) {
        return large;
    }

    limit->amount = dollars * GENAI_LIMIT_NANO + nano;

    r->bad = r->pos;

    if (r->pos == r->end || *r->pos == ' ') {
        return "a window is missing: write one right behind the amount, as in"
               " \"$500/1mo\" or \"$500/never\"";
    }

    if (*r->pos != '/') {
        return "write dollars as digits with at most one point in between,"
               " and the window right behind them, as in \"$1500.50/1mo\"";
    }

    return NULL;
}


/* "requests", up to the window */

static const char *
genai_limit_unit(genai_limit_reader_t *r, genai_limit_t *limit)
{
    size_t       i;
    genai_str_t  word;

    genai_limit_word(r, " /", &word);

    r->bad = word.data;

    for (i = 0; i < GENAI_LIMIT_UNITS; i++) {

        if (genai_limit_is(&word, genai_limit_units[i].name)) {
            break;
        }

        if (genai_limit_is(&word, genai_limit_units[i].singular)) {
            return genai_limit_units[i].plural;
        }
    }

    if (i == GENAI_LIMIT_UNITS) {

        if (word.len == 1 && memchr("kMG", *word.data, 3)) {
            return "write k, M or G right behind the number, as in"
                   " \"100k tokens/1m\"";
        }

        if (word.len == 0) {
            return "a unit is missing: write requests, tokens, prompt_tokens"
                   " or completion_tokens between the amount and \"/\"";
        }

        return "write requests, tokens, prompt_tokens, completion_tokens or"
               " concurrent as the unit, or \"$\" in front of the amount";
    }

    limit->unit = i;

    r->pos += word.len;
    r->bad = r->pos;

    if (i == GENAI_LIMIT_CONCURRENT) {

        if (r->pos < r->end && *r->pos == '/') {
            return "\"concurrent\" has no window: write \"8 concurrent\"";
        }

        return NULL;
    }

    if (r->pos == r->end || *r->pos == ' ') {
        return "a window is missing: write one right behind the unit, as in"
               " \"60 requests/1m\" or \"60 requests/never\"";
    }

    return NULL;
}


/* "/1m", or nothing of concurrent */

static const char *
genai_limit_window(genai_limit_reader_t *r, genai_limit_t *limit)
{
    uint64_t     n;
    unsigned     i;
    genai_str_t  word;

    if (limit->unit == GENAI_LIMIT_CONCURRENT) {
        return NULL;
    }

    r->pos++;
    r->bad = r->pos;

    genai_limit_word(r, " ", &word);

    if (genai_limit_is(&word, genai_window_units[GENAI_WINDOW_NEVER])) {
        limit->window = 1;
        limit->window_unit = GENAI_WINDOW_NEVER;
        r->pos += word.len;
        return NULL;
    }

    if (word.len == 0 || *r->pos < '0' || *r->pos > '9') {
        return "write a number and s, m, h, d, w or mo right behind \"/\", as"
               " in \"1m\", or \"never\"";
    }

    if (genai_limit_number(r, GENAI_LIMIT_WINDOW_MAX, &n) != 0) {
        return "the window is too long: at most 1000 of a unit";
    }

    if (n == 0) {
        return "a window of 0 never ends and never begins: write at least 1,"
               " or \"never\" for one that does not end";
    }

    r->bad = r->pos;

    genai_limit_word(r, " ", &word);

    for (i = GENAI_WINDOW_SECONDS; i <= GENAI_WINDOW_MONTHS; i++) {

        if (genai_limit_is(&word, genai_window_units[i])) {
            limit->window = n;
            limit->window_unit = i;
            r->pos += word.len;
            return NULL;
        }
    }

    if (word.len && *word.data == '.') {
        return "a window is a whole number of units: write 90m for one and a"
               " half hours";
    }

    return "write s, m, h, d, w or mo (seconds, minutes, hours, days, weeks,"
           " months) right behind the window's number";
}


/* " on PATTERN", or nothing */

static const char *
genai_limit_pattern(genai_limit_reader_t *r, genai_limit_t *limit)
{
    size_t        where;
    genai_str_t   word;
    const char   *error;

    if (r->pos == r->end) {
        return NULL;
    }

    /* what ends a unit or a window here is a blank, and the text ends with
       none */

    while (*r->pos == ' ') {
        r->pos++;
    }

    r->bad = r->pos;

    genai_limit_word(r, " ", &word);

    if (!genai_limit_is(&word, "on")) {

        if (*word.data == '/') {
            return "write UNIT/WINDOW without a blank in between, as in"
                   " \"60 requests/1m\"";
        }

        return "only \"on PATTERN\" may follow, as in \"60 requests/1m on"
               " gpt-4*\"";
    }

    r->pos += word.len;
    r->bad = r->pos;

    if (r->pos == r->end) {
        return "a pattern is missing: write the name of a model behind"
               " \"on\", or its beginning and \"*\"";
    }

    while (*r->pos == ' ') {
        r->pos++;
    }

    limit->pattern.data = (unsigned char *) r->pos;
    limit->pattern.len = r->end - r->pos;

    error = genai_pattern_look(&limit->pattern, &where);

    r->bad = r->pos + where;

    return error;
}


int
genai_pattern_match(const genai_str_t *pattern, const genai_str_t *name)
{
    size_t  len;

    len = pattern->len;

    if (len == 0) {
        return 1;
    }

    if (pattern->data[len - 1] != '*') {
        return len == name->len && memcmp(pattern->data, name->data, len) == 0;
    }

    len--;

    return len == 0
           || (len <= name->len && memcmp(pattern->data, name->data, len) == 0);
}


const char *
genai_pattern_check(const genai_str_t *pattern)
{
    size_t  where;

    return genai_pattern_look(pattern, &where);
}


static const char *
genai_pattern_look(const genai_str_t *pattern, size_t *where)
{
    size_t         i;
    unsigned char  c;

    *where = 0;

    if (pattern->len == 0) {
        return "a pattern is empty: write \"*\" for every model";
    }

    for (i = 0; i < pattern->len; i++) {
        c = pattern->data[i];
        *where = i;

        if (c == '*' && i + 1 != pattern->len) {
            return "\"*\" may only stand at the end of a pattern";
        }

        if (c == ' ') {
            return "a pattern has no blanks in it: end it with \"*\" before"
                   " the first one";
        }

        if (c < ' ' || c == 0x7f) {
            return "a pattern has no control characters in it: write the name"
                   " of a model, or its beginning and \"*\"";
        }
    }

    return NULL;
}


/*
 * A number at a digit.  Returns 0, or -1 where it is larger than max, with
 * r->bad where it begins.
 */

static int
genai_limit_number(genai_limit_reader_t *r, uint64_t max, uint64_t *value)
{
    uint64_t  n, digit;

    r->bad = r->pos;

    for (n = 0; r->pos < r->end && *r->pos >= '0' && *r->pos <= '9'; r->pos++) {

        digit = *r->pos - '0';

        if (digit > max || n > (max - digit) / 10) {
            return -1;
        }

        n = 10 * n + digit;
    }

    *value = n;

    return 0;
}


/* from here to the end, or to one of the characters */

static void
genai_limit_word(const genai_limit_reader_t *r, const char *stop,
    genai_str_t *word)
{
    const unsigned char  *p;

    for (p = r->pos; p < r->end; p++) {
        if (*p && strchr(stop, *p)) {
            break;
        }
    }

    word->data = (unsigned char *) r->pos;
    word->len = p - r->pos;
}


static int
genai_limit_is(const genai_str_t *word, const char *text)
{
    return text && word->len == strlen(text)
           && memcmp(word->data, text, word->len) == 0;
}


unsigned char *
genai_limit_write(unsigned char *dst, const genai_limit_t *limit)
{
    unsigned  i, digits;
    uint64_t  n;

    static const char  sizes[] = "kMG";

    n = limit->amount;

    if (limit->unit == GENAI_LIMIT_COST) {
        *dst++ = '$';
        dst = genai_limit_put_number(dst, n / GENAI_LIMIT_NANO);

        n %= GENAI_LIMIT_NANO;

        if (n) {
            *dst++ = '.';

            for (digits = GENAI_LIMIT_NANO_DIGITS; n % 10 == 0; digits--) {
                n /= 10;
            }

            for (i = digits; i-- > 0; ) {
                dst[i] = '0' + n % 10;
                n /= 10;
            }

            dst += digits;
        }

    } else {

        for (i = 0; n && n % 1000 == 0 && sizes[i]; i++) {
            n /= 1000;
        }

        dst = genai_limit_put_number(dst, n);

        if (i) {
            *dst++ = sizes[i - 1];
        }

        *dst++ = ' ';
        dst = genai_limit_put(dst, limit->unit < GENAI_LIMIT_UNITS
                                   ? genai_limit_units[limit->unit].name
                                   : "?");
    }

    if (limit->window_unit != GENAI_WINDOW_NONE) {
        *dst++ = '/';

        if (limit->window_unit != GENAI_WINDOW_NEVER) {
            dst = genai_limit_put_number(dst, limit->window);
        }

        dst = genai_limit_put(dst, limit->window_unit < GENAI_WINDOW_UNITS
                                   ? genai_window_units[limit->window_unit]
                                   : "?");
    }

    if (limit->pattern.len) {
        dst = genai_limit_put(dst, " on ");
        memcpy(dst, limit->pattern.data, limit->pattern.len);
        dst += limit->pattern.len;
    }

    return dst;
}


static unsigned char *
genai_limit_put(unsigned char *dst, const char *text)
{
    size_t  len;

    len = strlen(text);
    memcpy(dst, text, len);

    return dst + len;
}


static unsigned char *
genai_limit_put_number(unsigned char *dst, uint64_t value)
{
    unsigned       n;
    unsigned char  digits[20];

    n = 0;

    do {
        digits[n++] = '0' + value % 10;
        value /= 10;
    } while (value);

    while (n) {
        *dst++ = digits[--n];
    }

    return dst;
}


uint64_t
genai_limit_measure(const genai_limit_t *limit, const genai_use_t *use)
{
    uint64_t     prompt, cached, completion, reasoning;
    genai_sum_t  sum;

    prompt = genai_limit_min(use->prompt, GENAI_USE_MAX);
    cached = genai_limit_min(use->cached, prompt);
    completion = genai_limit_min(use->completion, GENAI_USE_MAX);
    reasoning = genai_limit_min(use->reasoning, completion);

    sum = 0;

    switch (limit->unit) {

    case GENAI_LIMIT_REQUESTS:
    case GENAI_LIMIT_CONCURRENT:
        return 1;

    case GENAI_LIMIT_COST:
        return genai_limit_min(use->cost, GENAI_USE_MAX);

    case GENAI_LIMIT_TOKENS:
    case GENAI_LIMIT_PROMPT_TOKENS:
        sum += (genai_sum_t) limit->weight_prompt * (prompt - cached)
               + (genai_sum_t) limit->weight_cached * cached;

        if (limit->unit == GENAI_LIMIT_PROMPT_TOKENS) {
            break;
        }

        /* fall through */

    default:
        sum += (genai_sum_t) limit->weight_completion
               * (completion - reasoning)
               + (genai_sum_t) limit->weight_reasoning * reasoning;
    }

    sum = (sum + GENAI_LIMIT_MILLION - 1) / GENAI_LIMIT_MILLION;

    return sum < GENAI_LIMIT_MEASURE_MAX ? (uint64_t) sum
                                         : GENAI_LIMIT_MEASURE_MAX;
}


uint64_t
genai_limit_bound(const genai_limit_t *limit, const genai_use_t *use)
{
    genai_use_t  most;

    most = *use;

    most.cached = (limit->weight_cached > limit->weight_prompt)
                  ? use->prompt : 0;
    most.reasoning = (limit->weight_reasoning > limit->weight_completion)
                     ? use->completion : 0;

    return genai_limit_measure(limit, &most);
}


int
genai_limit_warns(const genai_limit_t *limit, uint64_t used)
{
    uint64_t  warn;

    if (limit->warn == 0) {
        return 0;
    }

    warn = limit->amount / GENAI_LIMIT_MILLION * limit->warn
           + limit->amount % GENAI_LIMIT_MILLION * limit->warn
             / GENAI_LIMIT_MILLION;

    return used >= warn;
}
