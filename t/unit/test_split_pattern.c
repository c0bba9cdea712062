/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Expressions of loaded files: what is taken, what is refused and why, what a
 * text is cut into, in parts as well, and when it is given up.
 */


#include "genai_split_pattern.h"
#include "genai_unicode.h"
#include "tap.h"
#include "utf8.h"

#include <time.h>


static const struct {
    const char  *expression;
    const char  *text;              /* with bars between its pieces, */
    const char  *refused;           /* or why it is not taken */
} cases[] = {
    { "b+", "a|bb|c|b", NULL },
    { "a|ab", "a|b", NULL },
    { "ab|a", "ab|a|c", NULL },
    { "\\p{L}+|\\p{N}{2,3}", "ab|123|456| |x", NULL },
    { "\\p{Lu}\\P{Lu}*", "x|Abc |De", NULL },
    { "[^\\p{L}\\s]+", "a |1!| b", NULL },
    { "[\\P{L}]+", "a|1 !|b", NULL },
    { "\\S+", "a|\xc2\xa0|b|\xe2\x80\x83|\xe1\xa0\x8e", NULL },
    { "\\d", "1|\xd9\xa1|a", NULL },
    { "(?i:'s|re)", "x|'S|y|Re", NULL },
    { "(?i:[sd]t?)", "x|St|d|\xc5\xbfT|t", NULL },
    { "x(?=y)|y(?!z)", "x|y|x|yz|y", NULL },
    { "(ab)+|c??d", "abab|cd|c", NULL },
    { "(?>a+)b|[.\\-x-z]", "aab|.|-|y|aa", NULL },
    { "a.c", "abc|a\nc", NULL },
    { "\\x{4e2d}[\xe4\xb8\x80-\xe9\xbe\xa5]", "\xe4\xb8\xad\xe6\x96\x87|a",
      NULL },
    { "[a-]+", "a-|b", NULL },
    { "a{2}|b{1,}", "aa|a|bbb", NULL },
    { "\\{\\}\\#", "{}#|x", NULL },
    { "[ab]*+c", "abc|ab", NULL },

    { "", NULL, "a match of nothing" },
    { "a*", NULL, "a match of nothing" },
    { "a|", NULL, "a match of nothing" },
    { "a(?=b)|(?=c)", NULL, "a match of nothing" },
    { "\\s+$", NULL, "an end of lines or of the text" },
    { "^a", NULL, "an end of lines or of the text" },
    { "\\w+", NULL, "an escape that is not known" },
    { "\\bx", NULL, "an escape that is not known" },
    { "a\\1", NULL, "an escape that is not known" },
    { "a\\", NULL, "a backslash at its end" },
    { "(?<=a)b", NULL, "a group that is not known" },
    { "(?i)a", NULL, "a group that is not known" },
    { "(?<n>a)", NULL, "a group that is not known" },
    { "\\p{Han}+", NULL, "a property that is no general category" },
    { "\\p{^L}", NULL, "a property that is no general category" },
    { "\\pL", NULL, "an escape without braces" },
    { "\\p{L", NULL, "an escape without braces" },
    { "a{1,3}+", NULL, "a sign behind a repetition" },
    { "a{1,3}?", NULL, "a sign behind a repetition" },
    { "a{,3}", NULL, "a brace that is no repetition" },
    { "a{x}", NULL, "a brace that is no repetition" },
    { "a{3,1}", NULL, "a repetition that is too much" },
    { "a{2000}", NULL, "a repetition that is too much" },
    { "a**", NULL, "a repetition of a repetition" },
    { "a{2}{3}", NULL, "a repetition of a repetition" },
    { "(?=a)+b", NULL, "a look that is repeated" },
    { "*a", NULL, "a sign that stands for nothing" },
    { "a]", NULL, "a sign that stands for nothing" },
    { "a)", NULL, "a parenthesis that closes nothing" },
    { "(a", NULL, "a group that is not closed" },
    { "[a", NULL, "a class that is not closed" },
    { "[]a]", NULL, "a class that begins with a bracket" },
    { "[a[b]]", NULL, "a class within a class" },
    { "[a&&b]", NULL, "a class within a class" },
    { "[[:alpha:]]", NULL, "a class within a class" },
    { "[z-a]", NULL, "a range that ends before it begins" },
    { "[a-\\s]", NULL, "a range that ends with a class" },
    { "(?i:ss)", NULL, "a ligature regardless of case" },
    { "(?i:\xc3\xa9)", NULL, "more than ASCII regardless of case" },
    { "(?i:\\p{Lu})", NULL, "a category regardless of case" },
    { "\\x{}", NULL, "no character in \\x{}" },
    { "\\x{d800}", NULL, "no character in \\x{}" },
    { "\\x{110000}", NULL, "no character in \\x{}" },
    { "\xc3", NULL, "what is not UTF-8" },
    { "\xed\xa0\x80", NULL, "what is not UTF-8" }
};


static genai_split_pattern_t *
compile(const char *expression, char error[128])
{
    genai_str_t  s;

    s.data = (unsigned char *) expression;
    s.len = strlen(expression);
    error[0] = '\0';

    return genai_split_pattern_compile(&s, error, 128);
}


static size_t
cut(const genai_split_pattern_t *p, const char *text, size_t len, int last,
    uint32_t *ends, size_t max)
{
    size_t          n;
    genai_str_t     s;

    s.len = len;
    s.data = malloc(len ? len : 1);
    memcpy(s.data, text, len);

    n = genai_split(GENAI_SPLIT_PATTERN, p, &s, last, ends, max);
    free(s.data);

    return n;
}


/* a text that comes in two parts, one end at a time */

static void
check_parts(const genai_split_pattern_t *p, const char *text, size_t len,
    const uint32_t *ends, size_t n, const char *name)
{
    size_t    at, i, base;
    uint32_t  end;

    for (at = 0; at <= len; at++) {

        if (at < len && (text[at] & 0xc0) == 0x80) {
            continue;
        }

        base = 0;
        i = 0;

        while (cut(p, text + base, at - base, 0, &end, 1) == 1) {
            if (!quiet_ok(i < n && ends[i] == base + end,
                          "%s: a piece that more text changes", name))
            {
                return;
            }

            base = ends[i++];
        }

        while (cut(p, text + base, len - base, 1, &end, 1) == 1) {
            if (!quiet_ok(i < n && ends[i] == base + end,
                          "%s: another piece in parts", name))
            {
                return;
            }

            base = ends[i++];
        }

        quiet_ok(i == n, "%s: all pieces", name);
    }
}


static void
test_cases(void)
{
    char                    error[128], want[128], text[128], shown[256];
    size_t                  i, j, n, len, at;
    uint32_t                ends[128];
    const char             *q;
    genai_split_pattern_t  *p;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        p = compile(cases[i].expression, error);

        if (cases[i].refused) {
            snprintf(want, sizeof(want), "the expression has %s",
                     cases[i].refused);
            is_str(error, want, "\"%s\" is refused", cases[i].expression);
            ok(p == NULL, "and gone");
            genai_split_pattern_free(p);

            continue;
        }

        if (!ok(p != NULL, "\"%s\" is taken: %s", cases[i].expression, error))
        {
            continue;
        }

        for (len = 0, q = cases[i].text; *q; q++) {
            if (*q != '|') {
                text[len++] = *q;
            }
        }

        n = cut(p, text, len, 1, ends, 128);

        for (at = 0, j = 0; j < n && j < 128; j++) {
            size_t  from = j ? ends[j - 1] : 0;

            if (j) {
                shown[at++] = '|';
            }

            memcpy(shown + at, text + from, ends[j] - from);
            at += ends[j] - from;
        }

        is_mem(shown, at, cases[i].text, strlen(cases[i].text), "its pieces");
        check_parts(p, text, len, ends, n, cases[i].expression);

        genai_split_pattern_free(p);
    }
}


/* each category takes exactly the characters that it should */

static void
test_categories(void)
{
    char                    error[128], expression[16];
    size_t                  i, n, k, nchars, ncuts, len, at, size;
    uint32_t               *chars, *ends, bits;
    genai_str_t             text;
    unsigned char           c[4];
    genai_split_pattern_t  *p;

    static const struct {
        const char  *name;
        uint32_t     bits;
    } names[] = {
        { "\\p{L}", GENAI_GC_L },
        { "\\P{L}", ~GENAI_GC_L },
        { "\\p{M}", GENAI_GC_M },
        { "\\p{N}", GENAI_GC_N },
        { "\\p{P}", GENAI_GC_P },
        { "\\p{S}", GENAI_GC_S },
        { "\\p{Lu}", genai_gc_bit(GENAI_GC_LU) },
        { "\\p{Lo}", genai_gc_bit(GENAI_GC_LO) },
        { "\\p{Cn}", genai_gc_bit(GENAI_GC_CN) },
        { "\\p{Cc}",
          genai_gc_bit(GENAI_GC_CC) | genai_gc_bit(GENAI_GC_SPACE_CC) },
        { "[^\\p{Zs}]", ~genai_gc_bit(GENAI_GC_ZS) },
        { "\\d", genai_gc_bit(GENAI_GC_ND) },
        { "\\s", GENAI_GC_SPACE },
        { "\\S", ~GENAI_GC_SPACE }
    };

    chars = utf8_all(&nchars);
    text.data = malloc(4 * nchars);
    text.len = 0;

    for (i = 0; i < nchars; i++) {
        text.len += utf8_put(text.data + text.len, chars[i]);
    }

    ends = malloc((text.len + 1) * sizeof(uint32_t));

    for (k = 0; k < sizeof(names) / sizeof(names[0]); k++) {

        /* one character a piece where it is one of them */

        snprintf(expression, sizeof(expression), "%s", names[k].name);
        p = compile(expression, error);

        if (!ok(p != NULL, "%s is taken %s", expression, error)) {
            continue;
        }

        ncuts = genai_split_pattern_exec(p, &text, 1, ends, text.len + 1);
        n = 0;
        len = 0;
        at = 0;

        for (i = 0; i < nchars; i++) {
            size = utf8_put(c, chars[i]);
            bits = genai_gc_bit(genai_unicode_category(chars[i]));

            if (bits & names[k].bits) {

                /* what is before it, and itself */

                if ((len > at && (n == ncuts || ends[n++] != len))
                    || n == ncuts || ends[n++] != len + size)
                {
                    break;
                }

                at = len + size;
            }

            len += size;
        }

        ok(i == nchars && (at == len || (n < ncuts && ends[n++] == len))
           && n == ncuts, "%s is what it is: U+%04X",
           names[k].name, i < nchars ? chars[i] : 0);

        genai_split_pattern_free(p);
    }

    free(ends);
    free(text.data);
    free(chars);
}


static void
test_limits(void)
{
    char                    error[128], *text, *deep;
    size_t                  n, len;
    uint32_t                ends[16];
    clock_t                 begin;
    genai_split_pattern_t  *p;

    len = 1 << 20;
    text = malloc(len);

    /* ways to try that are more than all atoms */

    p = compile("(?:a|aa)+b|[ab]", error);
    memset(text, 'a', len);
    begin = clock();

    n = cut(p, text, 100000, 1, ends, 16);
    ok(n == GENAI_SPLIT_ERROR, "too many ways: the text is given up");
    ok((clock() - begin) / CLOCKS_PER_SEC < 20, "soon");

    /* what was found before is still told */

    memset(text, ' ', 2);
    memcpy(text, "b ", 2);
    n = cut(p, text, 100000, 1, ends, 16);
    ok(n >= 1 && n != GENAI_SPLIT_ERROR && ends[0] == 1,
       "pieces in front of it are found");

    genai_split_pattern_free(p);

    /* a megabyte of one thing is none */

    p = compile("\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+|[^\\s]+", error);
    memset(text, ' ', len);
    n = cut(p, text, len, 1, ends, 16);
    ok(n == 1 && ends[0] == len, "a megabyte of spaces");
    text[len - 1] = 'x';
    n = cut(p, text, len, 1, ends, 16);
    ok(n == 3 && ends[0] == len - 2, "and a letter");
    genai_split_pattern_free(p);

    p = compile("(?:ab?)+", error);
    memset(text, 'a', len);
    n = cut(p, text, len, 1, ends, 16);
    ok(n == 1 ? ends[0] == len : n == GENAI_SPLIT_ERROR,
       "a group a million times, or an error");
    genai_split_pattern_free(p);

    /* expressions that are too much */

    memset(text, 'x', GENAI_SPLIT_PATTERN_LEN + 1);
    text[GENAI_SPLIT_PATTERN_LEN + 1] = '\0';
    p = compile(text, error);
    is_str(error, "the expression has too much in it", "a long expression");
    text[GENAI_SPLIT_PATTERN_LEN] = '\0';
    p = compile(text, error);
    ok(p != NULL, "one that is just short enough");
    genai_split_pattern_free(p);

    deep = text;
    memset(deep, '(', 33);
    deep[33] = 'a';
    memset(deep + 34, ')', 33);
    deep[67] = '\0';
    p = compile(deep, error);
    is_str(error, "the expression has too many groups within each other",
           "33 groups within each other");
    deep[66] = '\0';
    p = compile(deep + 1, error);
    ok(p != NULL, "32 of them");
    genai_split_pattern_free(p);

    genai_split_pattern_free(NULL);
    free(text);
}


int
main(void)
{
    test_cases();
    test_categories();
    test_limits();

    return done_testing();
}
