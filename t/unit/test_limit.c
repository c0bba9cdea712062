/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every text is copied to memory of exactly its size, so that a sanitizer
 * sees a read past its end.
 */


#include "tap.h"
#include "genai_limit.h"


#define DOLLAR  UINT64_C(1000000000)


typedef struct {
    const char           *text;
    uint64_t              amount;
    genai_limit_unit_e    unit;
    unsigned              window;
    genai_window_unit_e   window_unit;
    const char           *pattern;
    const char           *written;      /* NULL: as text */
} good_t;


typedef struct {
    const char           *text;
    size_t                where;
    const char           *error;        /* a part of it */
} bad_t;


static const good_t  good[] = {
    { "60 requests/1m", 60, GENAI_LIMIT_REQUESTS, 1, GENAI_WINDOW_MINUTES, "",
      NULL },
    { "100k tokens/1m on gpt-4*", 100000, GENAI_LIMIT_TOKENS, 1,
      GENAI_WINDOW_MINUTES, "gpt-4*", NULL },
    { "$500/1mo", 500 * DOLLAR, GENAI_LIMIT_COST, 1, GENAI_WINDOW_MONTHS, "",
      NULL },
    { "8 concurrent", 8, GENAI_LIMIT_CONCURRENT, 0, GENAI_WINDOW_NONE, "",
      NULL },

    /* units and windows */

    { "1M prompt_tokens/2d", 1000000, GENAI_LIMIT_PROMPT_TOKENS, 2,
      GENAI_WINDOW_DAYS, "", NULL },
    { "3G completion_tokens/4w", UINT64_C(3000000000),
      GENAI_LIMIT_COMPLETION_TOKENS, 4, GENAI_WINDOW_WEEKS, "", NULL },
    { "5 requests/30s", 5, GENAI_LIMIT_REQUESTS, 30, GENAI_WINDOW_SECONDS, "",
      NULL },
    { "5 requests/12h", 5, GENAI_LIMIT_REQUESTS, 12, GENAI_WINDOW_HOURS, "",
      NULL },
    { "5 requests/1000mo", 5, GENAI_LIMIT_REQUESTS, 1000, GENAI_WINDOW_MONTHS,
      "", NULL },
    { "5 requests/never", 5, GENAI_LIMIT_REQUESTS, 1, GENAI_WINDOW_NEVER, "",
      NULL },
    { "$5/never on *", 5 * DOLLAR, GENAI_LIMIT_COST, 1, GENAI_WINDOW_NEVER,
      "*", NULL },
    { "5 requests/007d", 5, GENAI_LIMIT_REQUESTS, 7, GENAI_WINDOW_DAYS, "",
      "5 requests/7d" },

    /* amounts */

    { "0 requests/1m", 0, GENAI_LIMIT_REQUESTS, 1, GENAI_WINDOW_MINUTES, "",
      NULL },
    { "0k tokens/1m", 0, GENAI_LIMIT_TOKENS, 1, GENAI_WINDOW_MINUTES, "",
      "0 tokens/1m" },
    { "0 concurrent", 0, GENAI_LIMIT_CONCURRENT, 0, GENAI_WINDOW_NONE, "",
      NULL },
    { "$0/1d", 0, GENAI_LIMIT_COST, 1, GENAI_WINDOW_DAYS, "", NULL },
    { "010 requests/1m", 10, GENAI_LIMIT_REQUESTS, 1, GENAI_WINDOW_MINUTES,
      "", "10 requests/1m" },
    { "1500 tokens/1m", 1500, GENAI_LIMIT_TOKENS, 1, GENAI_WINDOW_MINUTES, "",
      NULL },
    { "1000 tokens/1m", 1000, GENAI_LIMIT_TOKENS, 1, GENAI_WINDOW_MINUTES, "",
      "1k tokens/1m" },
    { "1000k tokens/1m", 1000000, GENAI_LIMIT_TOKENS, 1, GENAI_WINDOW_MINUTES,
      "", "1M tokens/1m" },
    { "1k concurrent", 1000, GENAI_LIMIT_CONCURRENT, 0, GENAI_WINDOW_NONE, "",
      NULL },
    { "1000000000000000 tokens/1m", GENAI_LIMIT_AMOUNT_MAX,
      GENAI_LIMIT_TOKENS, 1, GENAI_WINDOW_MINUTES, "",
      "1000000G tokens/1m" },
    { "1000000000000k tokens/1m", GENAI_LIMIT_AMOUNT_MAX, GENAI_LIMIT_TOKENS,
      1, GENAI_WINDOW_MINUTES, "", "1000000G tokens/1m" },
    { "1000000G tokens/1m", GENAI_LIMIT_AMOUNT_MAX, GENAI_LIMIT_TOKENS, 1,
      GENAI_WINDOW_MINUTES, "", NULL },
    { "999999999999999 tokens/1m", GENAI_LIMIT_AMOUNT_MAX - 1,
      GENAI_LIMIT_TOKENS, 1, GENAI_WINDOW_MINUTES, "", NULL },
    { "0000000000000000000000000000000007 requests/1m", 7,
      GENAI_LIMIT_REQUESTS, 1, GENAI_WINDOW_MINUTES, "", "7 requests/1m" },
    { "$0.000000001/1d", 1, GENAI_LIMIT_COST, 1, GENAI_WINDOW_DAYS, "", NULL },
    { "$0.5/1d", DOLLAR / 2, GENAI_LIMIT_COST, 1, GENAI_WINDOW_DAYS, "",
      NULL },
    { "$0.50/1d", DOLLAR / 2, GENAI_LIMIT_COST, 1, GENAI_WINDOW_DAYS, "",
      "$0.5/1d" },
    { "$12.000/1d", 12 * DOLLAR, GENAI_LIMIT_COST, 1, GENAI_WINDOW_DAYS, "",
      "$12/1d" },
    { "$1.020000000/1d", 1020000000, GENAI_LIMIT_COST, 1, GENAI_WINDOW_DAYS,
      "", "$1.02/1d" },
    { "$1.123456789/1d", 1123456789, GENAI_LIMIT_COST, 1, GENAI_WINDOW_DAYS,
      "", NULL },
    { "$9000000000/1d", UINT64_C(9000000000000000000), GENAI_LIMIT_COST, 1,
      GENAI_WINDOW_DAYS, "", NULL },
    { "$9000000000.000000000/1d", UINT64_C(9000000000000000000),
      GENAI_LIMIT_COST, 1, GENAI_WINDOW_DAYS, "", "$9000000000/1d" },
    { "$8999999999.999999999/1d", UINT64_C(8999999999999999999),
      GENAI_LIMIT_COST, 1, GENAI_WINDOW_DAYS, "", NULL },

    /* blanks, patterns */

    { "60   requests/1m   on    a*", 60, GENAI_LIMIT_REQUESTS, 1,
      GENAI_WINDOW_MINUTES, "a*", "60 requests/1m on a*" },
    { "8  concurrent  on  m", 8, GENAI_LIMIT_CONCURRENT, 0, GENAI_WINDOW_NONE,
      "m", "8 concurrent on m" },
    { "$1/1d  on gpt", DOLLAR, GENAI_LIMIT_COST, 1, GENAI_WINDOW_DAYS, "gpt",
      "$1/1d on gpt" },
    { "1 requests/1d on on", 1, GENAI_LIMIT_REQUESTS, 1, GENAI_WINDOW_DAYS,
      "on", NULL },
    { "1 requests/1d on org/m:v1.5@x", 1, GENAI_LIMIT_REQUESTS, 1,
      GENAI_WINDOW_DAYS, "org/m:v1.5@x", NULL },
    { "1 requests/1d on \xc3\xa9*", 1, GENAI_LIMIT_REQUESTS, 1,
      GENAI_WINDOW_DAYS, "\xc3\xa9*", NULL }
};


static const bad_t  bad[] = {

    /* as a whole */

    { "", 0, "the limit is empty" },
    { " ", 0, "in front of" },
    { " 60 requests/1m", 0, "in front of" },
    { "60 requests/1m ", 14, "behind the limit" },
    { "60 requests/1m  ", 15, "behind the limit" },
    { "requests/1m", 0, "AMOUNT UNIT/WINDOW" },
    { "never", 0, "AMOUNT UNIT/WINDOW" },
    { "*", 0, "AMOUNT UNIT/WINDOW" },
    { "\t60 requests/1m", 0, "AMOUNT UNIT/WINDOW" },
    { "60 requests/1m\n", 13, "s, m, h, d, w or mo" },

    /* amounts */

    { "1.5 requests/1m", 1, "whole number" },
    { "1.5k tokens/1m", 1, "whole number" },
    { "1,000 tokens/1m", 1, "whole number" },
    { "1_000 tokens/1m", 1, "whole number" },
    { "1e9 tokens/1m", 1, "no exponent" },
    { "1E9 tokens/1m", 1, "no exponent" },
    { "-1 tokens/1m", 0, "no sign" },
    { "+1 tokens/1m", 0, "no sign" },
    { "0x10 tokens/1m", 1, "write a blank" },
    { "100K tokens/1m", 3, "in this case" },
    { "100m tokens/1m", 3, "in this case" },
    { "100g tokens/1m", 3, "in this case" },
    { "100kk tokens/1m", 4, "write a blank" },
    { "100ktokens/1m", 4, "write a blank" },
    { "100tokens/1m", 3, "write a blank" },
    { "100\ttokens/1m", 3, "write a blank" },
    { "100 k tokens/1m", 4, "right behind the number" },
    { "100k", 4, "a unit is missing" },
    { "100", 3, "a unit is missing" },
    { "100/1m", 3, "a unit is missing" },
    { "100 /1m", 4, "a unit is missing" },
    { "1000000000000001 tokens/1m", 0, "too large" },
    { "1000001G tokens/1m", 0, "too large" },
    { "1000000000001k tokens/1m", 0, "too large" },
    { "1000000001M tokens/1m", 0, "too large" },
    { "18446744073709551615 tokens/1m", 0, "too large" },
    { "18446744073709551616 tokens/1m", 0, "too large" },
    { "18446744073709551617 tokens/1m", 0, "too large" },
    { "18446744073709552k tokens/1m", 0, "too large" },
    { "18446744073710M tokens/1m", 0, "too large" },
    { "18446744074G tokens/1m", 0, "too large" },
    { "99999999999999999999999999999999999999999 tokens/1m", 0,
      "too large" },

    /* dollars */

    { "$", 1, "right behind \"$\"" },
    { "$/1d", 1, "right behind \"$\"" },
    { "$ 5/1d", 1, "right behind \"$\"" },
    { "$.5/1d", 1, "right behind \"$\"" },
    { "$-5/1d", 1, "right behind \"$\"" },
    { "$5./1d", 3, "write digits behind the point" },
    { "$5.", 3, "write digits behind the point" },
    { "$1.2345678901/1d", 12, "nine digits" },
    { "$1.0000000000/1d", 12, "nine digits" },
    { "$0.0000000001/1d", 12, "nine digits" },
    { "$1.2.3/1d", 4, "at most one point" },
    { "$1,000/1d", 2, "at most one point" },
    { "$5k/1d", 2, "at most one point" },
    { "$1e3/1d", 2, "at most one point" },
    { "$9000000001/1d", 1, "too large" },
    { "$9000000000.000000001/1d", 1, "too large" },
    { "$18446744073709551616/1d", 1, "too large" },
    { "$18446744074/1d", 1, "too large" },
    { "$5", 2, "a window is missing" },
    { "$5 on gpt", 2, "a window is missing" },
    { "$5 /1d", 2, "a window is missing" },
    { "$5 tokens/1d", 2, "a window is missing" },
    { "5$/1d", 1, "write a blank" },
    { "5 $/1d", 2, "\"$\" in front of" },

    /* units */

    { "1 request/1m", 2, "write \"requests\", always in the plural" },
    { "1 token/1m", 2, "write \"tokens\"" },
    { "1 prompt_token/1m", 2, "write \"prompt_tokens\"" },
    { "1 completion_token/1m", 2, "write \"completion_tokens\"" },
    { "1 Requests/1m", 2, "as the unit" },
    { "1 dollars/1m", 2, "as the unit" },
    { "1 requestsx/1m", 2, "as the unit" },
    { "1 reques/1m", 2, "as the unit" },
    { "1 requests", 10, "a window is missing" },
    { "1 requests on gpt", 10, "a window is missing" },
    { "1 requests /1m", 10, "a window is missing" },
    { "8 concurrent/1m", 12, "has no window" },
    { "8 concurrent/never", 12, "has no window" },
    { "8 concurrent /1m", 13, "without a blank in between" },
    { "8 concurrently", 2, "as the unit" },

    /* windows */

    { "1 requests/", 11, "right behind \"/\"" },
    { "1 requests/ 1m", 11, "right behind \"/\"" },
    { "1 requests/m", 11, "right behind \"/\"" },
    { "1 requests/day", 11, "right behind \"/\"" },
    { "1 requests/-1m", 11, "right behind \"/\"" },
    { "1 requests/Never", 11, "right behind \"/\"" },
    { "1 requests/nevermore", 11, "right behind \"/\"" },
    { "1 requests/1", 12, "s, m, h, d, w or mo" },
    { "1 requests/1 m", 12, "s, m, h, d, w or mo" },
    { "1 requests/1M", 12, "s, m, h, d, w or mo" },
    { "1 requests/1y", 12, "s, m, h, d, w or mo" },
    { "1 requests/1min", 12, "s, m, h, d, w or mo" },
    { "1 requests/1mon", 12, "s, m, h, d, w or mo" },
    { "1 requests/1h30m", 12, "s, m, h, d, w or mo" },
    { "1 requests/1never", 12, "s, m, h, d, w or mo" },
    { "1 requests/1m/1d", 12, "s, m, h, d, w or mo" },
    { "1 requests/1.5h", 12, "a whole number of units" },
    { "1 requests/0m", 11, "a window of 0" },
    { "1 requests/000d", 11, "a window of 0" },
    { "1 requests/1001m", 11, "too long" },
    { "1 requests/4294967297m", 11, "too long" },
    { "1 requests/18446744073709551617m", 11, "too long" },

    /* patterns */

    { "1 requests/1m on", 16, "a pattern is missing" },
    { "1 requests/1m gpt-4", 14, "only \"on PATTERN\"" },
    { "1 requests/1m ON gpt-4", 14, "only \"on PATTERN\"" },
    { "1 requests/1m ongpt-4", 14, "only \"on PATTERN\"" },
    { "1 requests/1m /2m", 14, "without a blank in between" },
    { "1 requests/1m on *gpt", 17, "at the end" },
    { "1 requests/1m on g*t", 18, "at the end" },
    { "1 requests/1m on gpt**", 20, "at the end" },
    { "1 requests/1m on gpt-4 gpt-5", 22, "no blanks" },
    { "1 requests/1m on gpt-4 on gpt-5", 22, "no blanks" },
    { "1 requests/1m on gpt\t4", 20, "no control" },
    { "1 requests/1m on gpt\x7f", 20, "no control" }
};


static const char *
parse_len(const char *text, size_t len, genai_limit_t *limit, size_t *where,
    unsigned char **copy)
{
    genai_str_t  s;

    *copy = malloc(len ? len : 1);
    if (*copy == NULL) {
        exit(2);
    }

    memcpy(*copy, text, len);

    s.data = *copy;
    s.len = len;
    *where = 12345;

    return genai_limit_parse(&s, limit, where);
}


static void
is_written(const genai_limit_t *limit, const char *want)
{
    size_t          room;
    unsigned char  *buf, *end;

    room = GENAI_LIMIT_TEXT + limit->pattern.len;

    buf = malloc(room);
    if (buf == NULL) {
        exit(2);
    }

    end = genai_limit_write(buf, limit);

    is_mem(buf, end - buf, want, strlen(want), "written: %s", want);

    free(buf);
}


static void
test_good(void)
{
    size_t          i, where;
    const char     *error;
    const good_t   *g;
    genai_limit_t   limit;
    unsigned char  *copy;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        g = &good[i];

        error = parse_len(g->text, strlen(g->text), &limit, &where, &copy);

        if (!is_str(error, NULL, "%s", g->text)) {
            free(copy);
            continue;
        }

        ok(limit.amount == g->amount && limit.unit == g->unit
           && limit.window == g->window && limit.window_unit == g->window_unit
           && limit.pattern.len == strlen(g->pattern)
           && (limit.pattern.len == 0
               || memcmp(limit.pattern.data, g->pattern, limit.pattern.len)
                  == 0),
           "is what it says");

        ok(!limit.shadow && !limit.clip && !limit.unpriced && limit.warn == 0
           && limit.weight_prompt == GENAI_LIMIT_MILLION
           && limit.weight_cached == GENAI_LIMIT_MILLION
           && limit.weight_completion == GENAI_LIMIT_MILLION
           && limit.weight_reasoning == GENAI_LIMIT_MILLION,
           "nothing more");

        is_written(&limit, g->written ? g->written : g->text);

        free(copy);
    }
}


static void
test_bad(void)
{
    size_t          i, where;
    const char     *error;
    genai_limit_t   limit;
    unsigned char  *copy;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        error = parse_len(bad[i].text, strlen(bad[i].text), &limit, &where,
                          &copy);

        if (!ok(error && strstr(error, bad[i].error), "\"%s\": %s",
                bad[i].text, bad[i].error))
        {
            diag("it says: %s", error ? error : "nothing");
        }

        is_int(where, bad[i].where, "at %zu", bad[i].where);

        quiet_ok(error == NULL || error[strlen(error) - 1] != '.',
                 "no full stop: %s", error);

        free(copy);
    }
}


/* every beginning of a text, and every byte of it changed: no crash, and
   what is taken is written and taken again */

static void
test_any(void)
{
    char            text[64];
    size_t          i, k, n, len, where;
    const char     *error;
    genai_limit_t   limit, again;
    unsigned char  *copy, *copy2, buf[GENAI_LIMIT_TEXT + 64], *end;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        len = strlen(good[i].text);

        for (k = 0; k < len * 257; k++) {

            memcpy(text, good[i].text, len);
            n = len;

            if (k % 257 == 256) {
                n = k / 257;

            } else {
                text[k / 257] = (char) (k % 257);
            }

            error = parse_len(text, n, &limit, &where, &copy);

            quiet_ok(where <= n, "the fault is in the text: %s", text);

            if (error == NULL) {
                end = genai_limit_write(buf, &limit);

                error = parse_len((char *) buf, end - buf, &again, &where,
                                  &copy2);

                quiet_ok(error == NULL && again.amount == limit.amount
                         && again.unit == limit.unit
                         && again.window == limit.window
                         && again.window_unit == limit.window_unit
                         && again.pattern.len == limit.pattern.len
                         && (limit.pattern.len == 0
                             || memcmp(again.pattern.data,
                                       limit.pattern.data,
                                       limit.pattern.len)
                                == 0),
                         "read back: %.*s", (int) (end - buf), buf);

                free(copy2);
            }

            free(copy);
        }
    }
}


/* what a broken snapshot may hold is written within its room */

static void
test_write_any(void)
{
    unsigned       unit, window;
    genai_limit_t  limit;
    unsigned char  buf[GENAI_LIMIT_TEXT];

    memset(&limit, 0xff, sizeof(genai_limit_t));
    limit.pattern.len = 0;

    for (unit = 0; unit < 256; unit++) {
        for (window = 0; window < 256; window++) {
            limit.unit = unit;
            limit.window_unit = window;
            quiet_ok(genai_limit_write(buf, &limit)
                     <= buf + sizeof(buf) - sizeof(" on "),
                     "%u, %u", unit, window);
        }
    }
}


static int
match(const char *pattern, const char *name)
{
    int          rc;
    genai_str_t  p, n;

    p.len = strlen(pattern);
    p.data = p.len ? malloc(p.len) : NULL;
    n.len = strlen(name);
    n.data = n.len ? malloc(n.len) : NULL;

    if (p.len) {
        memcpy(p.data, pattern, p.len);
    }

    if (n.len) {
        memcpy(n.data, name, n.len);
    }

    rc = genai_pattern_match(&p, &n);

    free(p.data);
    free(n.data);

    return rc;
}


static const char *
check(const char *pattern)
{
    genai_str_t  s;

    s.data = (unsigned char *) pattern;
    s.len = strlen(pattern);

    return genai_pattern_check(&s);
}


static void
test_pattern(void)
{
    is_int(match("", "gpt"), 1, "every name");
    is_int(match("*", "gpt"), 1, "and so does *");
    is_int(match("", ""), 1, "no name");
    is_int(match("*", ""), 1, "no name and *");
    is_int(match("gpt", "gpt"), 1, "a name");
    is_int(match("gpt", "gpt-4"), 0, "a longer one");
    is_int(match("gpt", "gp"), 0, "a shorter one");
    is_int(match("gpt", ""), 0, "none");
    is_int(match("gpt", "Gpt"), 0, "in another case");
    is_int(match("gpt*", "gpt"), 1, "nothing behind it");
    is_int(match("gpt*", "gpt-4"), 1, "something");
    is_int(match("gpt*", "gp"), 0, "too short");
    is_int(match("gpt*", "gqt-4"), 0, "something else");
    is_int(match("gpt*", "gpt*"), 1, "itself");
    is_int(match("gpt", "gpt*"), 0, "not the other way");

    is_str(check("gpt-4o"), NULL, "a name is a pattern");
    is_str(check("gpt-4*"), NULL, "its beginning");
    is_str(check("*"), NULL, "everything");
    ok(strstr(check(""), "empty"), "nothing");
    ok(strstr(check("**"), "at the end"), "two");
    ok(strstr(check("*-4"), "at the end"), "an end");
    ok(strstr(check("a b"), "no blanks"), "a blank");
    ok(strstr(check("a\n"), "no control"), "a line feed");
}


int
main(void)
{
    test_good();
    test_bad();
    test_any();
    test_write_any();
    test_pattern();

    return done_testing();
}
