/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pre-tokenization: hard cases of each family, every character in several
 * places against checksums of the references (data/unicode_goldens.py),
 * random texts against the expressions themselves, and time that is linear.
 */


#include "split.h"
#include "genai_split_long.h"
#include "digest.h"
#include "tap.h"
#include "utf8.h"

#include <time.h>


#define LLAMA3  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+" \
                "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"               \
                "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

#define WORD(quotes)                                                          \
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*"             \
    "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+" quotes                                   \
    "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"            \
    "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*" quotes

#define QUOTES  "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"

#define REST    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+"              \
                "|\\s+(?!\\S)|\\s+"


/*
 * The expressions, as they are published; but what PCRE2's reader does not
 * take is written in another way for CL100K.
 */

static const struct {
    genai_split_e  split;
    const char    *expressions[3];
    const char    *sum;             /* of all characters, by the reference */
} families[] = {
    { GENAI_SPLIT_R50K,
      { "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+"
        "|\\s+(?!\\S)|\\s+", NULL, NULL },
      "6673a14e2e5807ac6fbf7495b83a3f24"
      "1551e93ffc0710ad6f1ba79669ebe050" },
    { GENAI_SPLIT_CL100K,
      { "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}"
        "| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++(?![\\s\\S])|\\s*[\\r\\n]"
        "|\\s+(?!\\S)|\\s", NULL, NULL },
      "a69118af604f4566712802c9f9a2b696"
      "90f454ed3ce275d524c4d90f5ac48913" },
    { GENAI_SPLIT_O200K, { WORD(QUOTES) "|\\p{N}{1,3}" REST, NULL, NULL },
      "0eea85033ebe5db4ff32b4632d7304d1"
      "ef4a852d393df17e3ce8c6f2dbded6b6" },
    { GENAI_SPLIT_LLAMA3, { LLAMA3, NULL, NULL },
      "f2efd2eeec9e5f253944ccd1051a2c50"
      "eddc98b00bc9c7f6964bb2d1c98d6aec" },
    { GENAI_SPLIT_QWEN2,
      { "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
        "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
        NULL, NULL },
      "2961ff4682c072953c324d38d197f2ca"
      "93f41ea992d21a7501296840a43def5e" },
    { GENAI_SPLIT_TEKKEN, { WORD("") "|\\p{N}" REST, NULL, NULL },
      "7dda453404e5b1528b364043f3bc17d4"
      "2a4b7ba383462a3c087653c5cf483d3e" },
    { GENAI_SPLIT_DEEPSEEK3,
      { "\\p{N}{1,3}",
        "[\xe4\xb8\x80-\xe9\xbe\xa5\xe3\x81\x80-\xe3\x82\x9f"
        "\xe3\x82\xa0-\xe3\x83\xbf]+",
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
        "|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
        "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+" },
      "6c81d2f3fe9996c9d045438d5c72d872"
      "9206f51b061302d2e58b07c50625ce5b" },
    { GENAI_SPLIT_SPACE, { " *[^ ]+| +", NULL, NULL }, NULL }
};

#define NFAMILIES  (sizeof(families) / sizeof(families[0]))


/* pieces with bars between */

static const struct {
    genai_split_e  split;
    const char    *pieces;
} cases[] = {
    { GENAI_SPLIT_R50K, "Hello| world|  | x|\n\n| y| 123456789| !?" },
    { GENAI_SPLIT_R50K, "don|'t| '|tis|'|Tis|'ll|y|'|LL| '|s" },
    { GENAI_SPLIT_R50K, "\t|a|\t \n" },
    { GENAI_SPLIT_R50K, "a|'" },

    { GENAI_SPLIT_CL100K, "Hello| world|123|456|7| |8|(x|)((|x" },
    { GENAI_SPLIT_CL100K, "don|'t|'Re| '|t| isn|'T|x|'x" },
    { GENAI_SPLIT_CL100K, "'ll|'l| '|x" },
    { GENAI_SPLIT_CL100K, "it|'\xc5\xbf| x|'\xc5\xbf|t" },
    { GENAI_SPLIT_CL100K, "a|  \n \n|  | b|\n\n|c|.\r\n\n|\t\n|\td" },
    { GENAI_SPLIT_CL100K, "a|  \n  " },
    { GENAI_SPLIT_CL100K, "a|.\n|  \n  " },
    { GENAI_SPLIT_CL100K, "\xef\xbb\xbf" "a|\xe2\x80\x8b" "b| \xc2\xa0|\xc2"
                          "\x85" "c" },
    { GENAI_SPLIT_CL100K, "e|\xcc\x81| e|\xcc\x81\xcc\x81|e" },

    { GENAI_SPLIT_LLAMA3, "a|  \n|  " },
    { GENAI_SPLIT_LLAMA3, "a|.\n|  \n|  " },
    { GENAI_SPLIT_LLAMA3, "123|456|7" },
    { GENAI_SPLIT_QWEN2, "a|1|2|3| |4|  | |5" },

    { GENAI_SPLIT_O200K, "Hello| world| camel|Case| HTTPServer|ABC| ABc|12" },
    { GENAI_SPLIT_O200K, "don't|'s's| isn'T|xy" },
    { GENAI_SPLIT_O200K, "don't|x'll|y's" },
    { GENAI_SPLIT_O200K, "A's|B| '|s| it'\xc5\xbf|x" },
    { GENAI_SPLIT_O200K, "x|./\n/\n/|(/|y" },
    { GENAI_SPLIT_O200K, "\xe4\xb8\xad|AB| \xe4\xb8\xad" "Ab\xe4\xb8\xad" },
    { GENAI_SPLIT_O200K, "e\xcc\x81| \xcc\x81|A| \xcc\x81" "Ab|(\xcc\x81" "a" },
    { GENAI_SPLIT_O200K, "((\xcc\x81|a| (\xcc\x81|a" },

    { GENAI_SPLIT_TEKKEN, "don|'t|1|2|camel|Case" },

    { GENAI_SPLIT_DEEPSEEK3, "a|  |123|4|  | b|  \n|   |5" },
    { GENAI_SPLIT_DEEPSEEK3, "foo|(bar|.|\xc3\xa9t| (|bar" },
    { GENAI_SPLIT_DEEPSEEK3, "x|\xe4\xb8\xad\xe6\x96\x87|\xef\xbc\x8c\n" },
    { GENAI_SPLIT_DEEPSEEK3, "\xe3\x81\x82|\xe3\x83\xbb|\n|\xe3\x82\xab" },
    { GENAI_SPLIT_DEEPSEEK3, "\x01\x02|\x03" "a|\x01| |\x02|!" },

    { GENAI_SPLIT_SPACE, "a|  b\nc|   " }
};


static uint64_t  seed = 20;


static unsigned
rnd(unsigned n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);

    return (unsigned) (seed >> 33) % n;
}


static void
test_cases(void)
{
    size_t          i, j, n, len;
    uint32_t       *ends;
    const char     *p, *what;
    genai_str_t     text;
    unsigned char   buf[256], shown[512];

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        for (len = 0, p = cases[i].pieces; *p; p++) {
            if (*p != '|') {
                buf[len++] = *p;
            }
        }

        text.data = buf;
        text.len = len;

        what = split_check(cases[i].split, &text, (uint32_t) i, &ends, &n);
        quiet_ok(what == NULL, "%s: %s", cases[i].pieces, what);

        for (len = 0, j = 0; j < n; j++) {
            size_t  from = j ? ends[j - 1] : 0;

            if (j) {
                shown[len++] = '|';
            }

            memcpy(shown + len, buf + from, ends[j] - from);
            len += ends[j] - from;
        }

        is_mem(shown, len, cases[i].pieces, strlen(cases[i].pieces),
               "%s, %lu", genai_split_name(cases[i].split),
               (unsigned long) i);
        free(ends);
    }
}


/* the forms and characters of data/unicode_goldens.py */

static void
test_all(size_t family)
{
    size_t          i, j, k, m, n, nchars, edition;
    uint32_t       *chars, *ends;
    EVP_MD_CTX     *sum;
    genai_str_t     text;
    unsigned char  *p;

    static const char *const  forms[][2] = {
        { "a", "B" }, { " ", "x" }, { "'", "" }, { "(", "" },
        { "\xe4\xb8\x80", "\n" }, { "x'", "l" }, { "12", "34" }
    };

    chars = utf8_all(&nchars);
    text.data = malloc(500 * 16);
    ends = malloc(500 * 16 * sizeof(uint32_t));

    for (edition = 0; edition < SPLIT_EDITIONS; edition++) {

        if (!split_has(edition) || split_editions[edition] == split_best) {
            continue;
        }

        sum = digest_begin();

        for (i = 0; i < nchars; i += 500) {
            for (k = 0; k < sizeof(forms) / sizeof(forms[0]); k++) {
                p = text.data;

                for (j = i; j < nchars && j < i + 500; j++) {

                    if (j > i) {
                        *p++ = '\n';
                        *p++ = '1';
                    }

                    n = strlen(forms[k][0]);
                    memcpy(p, forms[k][0], n);
                    p += n;
                    p += utf8_put(p, chars[j]);
                    n = strlen(forms[k][1]);
                    memcpy(p, forms[k][1], n);
                    p += n;
                }

                memcpy(p, "\n \n ", 4);
                text.len = p + 4 - text.data;

                m = split_editions[edition](families[family].split, &text, 1,
                                            ends, 500 * 16);
                digest_add(sum, ends, m * sizeof(uint32_t));
            }
        }

        is_str(digest_end(sum), families[family].sum,
               "%s: every character in seven places, edition %lu",
               genai_split_name(families[family].split),
               (unsigned long) edition);
    }

    free(ends);
    free(text.data);
    free(chars);
}


/* the expressions, each of which cuts what the one before has made */

static size_t
expected(genai_split_pattern_t **p, const genai_str_t *text, uint32_t *ends)
{
    size_t       i, n, m, base;
    uint32_t    *cuts;
    genai_str_t  part;

    if (p[0] == NULL) {
        ends[0] = (uint32_t) text->len;
        return text->len != 0;
    }

    cuts = malloc((text->len + 1) * sizeof(uint32_t));
    n = genai_split_pattern_exec(p[0], text, 1, cuts, text->len + 1);
    base = 0;

    if (n == GENAI_SPLIT_ERROR) {
        abort();
    }

    for (m = 0, i = 0; i < n; i++) {
        size_t  k, got;

        part.data = text->data + base;
        part.len = cuts[i] - base;

        got = expected(p + 1, &part, ends + m);

        for (k = 0; k < got; k++, m++) {
            ends[m] += (uint32_t) base;
        }

        base = cuts[i];
    }

    free(cuts);

    return m;
}


/* few different characters in a text, so that they meet */

static size_t
make(unsigned char *p, size_t max)
{
    size_t        n, len;
    unsigned      i, k, some, repeat;
    unsigned char set[12][4];
    unsigned      lens[12];

    static const char *const  often[] = {
        " ", "\n", "\r", "\t", "a", "s", "t", "S", "T", "l", "L", "v", "r",
        "e", "E", "d", "M", "x", "A", "B", "'", "\"", "(", "/", ".", "1", "2",
        "_", "\x01", "\x7f", "\v"
    };
    static const uint32_t  seldom[] = {
        0, 0xe9, 0xc9, 0x17f, 0x212a, 0x4e2d, 0x3042, 0x30fb, 0x3099, 0x309b,
        0x301, 0x903, 0xa0, 0x3000, 0x2028, 0x85, 0xfeff, 0x200b, 0x200d,
        0x1f600, 0x1d7d8, 0x661, 0x2167, 0x1c5, 0x2b0, 0x5d0, 0x10400,
        0x10428, 0xfffd, 0x10ffff, 0x378, 0x20ac, 0x180e, 0xe000, 0x31350,
        0x10d6f, 0xa7cb, 0x1c89
    };

    some = 2 + rnd(10);

    for (i = 0; i < some; i++) {
        if (rnd(3)) {
            k = rnd(sizeof(often) / sizeof(often[0]));
            memcpy(set[i], often[k], 1);
            lens[i] = 1;

        } else {
            k = rnd(sizeof(seldom) / sizeof(seldom[0]));
            lens[i] = (unsigned) utf8_put(set[i], seldom[k]);
        }
    }

    n = 1 + rnd(rnd(4) ? 24 : 150);
    len = 0;

    while (n--) {
        i = rnd(some);
        repeat = rnd(30) ? 1 : 1 + rnd(70);

        while (repeat-- && len + lens[i] <= max) {
            memcpy(p + len, set[i], lens[i]);
            len += lens[i];
        }
    }

    return len;
}


static void
test_random(void)
{
    int                     i, rounds;
    char                    error[128];
    size_t                  k, j, n, m;
    uint32_t               *ends, *want;
    const char             *what, *env;
    genai_str_t             text, e;
    unsigned char           buf[2048];
    genai_split_pattern_t  *patterns[NFAMILIES][4];

    env = getenv("GENAI_SPLIT_ROUNDS");
    rounds = env ? atoi(env) : 5000;

    for (k = 0; k < NFAMILIES; k++) {
        for (j = 0; j < 3 && families[k].expressions[j]; j++) {
            e.data = (unsigned char *) families[k].expressions[j];
            e.len = strlen(families[k].expressions[j]);
            patterns[k][j] = genai_split_pattern_compile(&e, error,
                                                         sizeof(error));

            if (patterns[k][j] == NULL) {
                fail("%s: %s", genai_split_name(families[k].split), error);
                return;
            }
        }

        patterns[k][j] = NULL;
    }

    want = malloc((sizeof(buf) + 1) * sizeof(uint32_t));

    for (i = 0; i < rounds; i++) {
        n = make(buf, sizeof(buf));

        /* nothing behind it */

        text.len = n;
        text.data = malloc(n ? n : 1);
        memcpy(text.data, buf, n);

        for (k = 0; k < NFAMILIES; k++) {
            what = split_check(families[k].split, &text, rnd(1 << 30), &ends,
                               &n);
            m = expected(patterns[k], &text, want);

            if (!quiet_ok(what == NULL && n == m
                          && memcmp(ends, want, n * sizeof(uint32_t)) == 0,
                          "%s, text %d: %s",
                          genai_split_name(families[k].split), i,
                          what ? what : "another piece"))
            {
                tap_dump("    text", text.data, text.len);
            }

            free(ends);
        }

        free(text.data);
    }

    for (k = 0; k < NFAMILIES; k++) {
        for (j = 0; patterns[k][j]; j++) {
            genai_split_pattern_free(patterns[k][j]);
        }
    }

    free(want);
    pass("%d random texts, as their expressions cut them", rounds);
}


/*
 * A text that goes on by a few bytes at a time, from where it begins without
 * an end: the end is that of the whole, and not before what was sure.
 */

static const char *
long_check(genai_split_e split, const genai_str_t *text)
{
    size_t              n, end, have, off, most;
    uint32_t            ends[2];
    genai_str_t         part;
    genai_split_long_t  l;

    n = genai_split_portable(split, text, 1, ends, 1);

    if (n == 0) {
        return NULL;
    }

    have = GENAI_SPLIT_LONG + rnd(100);

    if (have > text->len) {
        return NULL;
    }

    while (have < text->len && (text->data[have] & 0xc0) == 0x80) {
        have++;
    }

    part.data = text->data;
    part.len = have;

    if (genai_split_portable(split, &part, 0, ends + 1, 1) != 0
        || genai_split_long_begin(&l, split, &part) != 0)
    {
        return NULL;
    }

    off = 0;
    most = 1 + rnd(rnd(2) ? 5 : 200);

    for ( ;; ) {
        part.data = malloc(have - off);
        part.len = have - off;
        memcpy(part.data, text->data + off, part.len);

        do {
            n = l.at;
            end = genai_split_long(&l, &part, have == text->len,
                                   1 + rnd((unsigned) most));

            if (off + l.sure > ends[0]) {
                free(part.data);
                return "sure of too much";
            }

        } while (end == 0 && l.at > n);

        free(part.data);

        if (end) {
            return (off + end == ends[0]) ? NULL : "another end";
        }

        if (have == text->len) {
            return "no end";
        }

        if (l.sure > 1 && rnd(2)) {
            n = 1 + rnd((unsigned) l.sure - 1);
            genai_split_long_skip(&l, n);
            off += n;
        }

        have += rnd((unsigned) most + 1);
        have = (have < text->len) ? have : text->len;

        while (have < text->len && (text->data[have] & 0xc0) == 0x80) {
            have++;
        }
    }
}


static void
test_long(void)
{
    int            i, rounds;
    size_t         k, n;
    const char    *what, *env;
    genai_str_t    text;
    unsigned       m;
    unsigned char  buf[4096];

    env = getenv("GENAI_SPLIT_ROUNDS");
    rounds = env ? atoi(env) : 30000;

    for (i = 0; i < rounds; i++) {

        /* a run, what may come before it, and in it */

        n = rnd(3) ? make(buf, 8) : 0;

        for (m = 1 + rnd(3); m; m--) {
            size_t  unit, times;

            unit = make(buf + n, rnd(4) ? 4 : 12);
            times = 1 + rnd(100);

            for (k = n + unit; times-- && k + unit < sizeof(buf) - 200;
                 k += unit)
            {
                memmove(buf + k, buf + n, unit);
            }

            n = k;
        }

        n += make(buf + n, rnd(12));

        text.data = malloc(n ? n : 1);
        text.len = n;
        memcpy(text.data, buf, n);

        for (k = 0; k < NFAMILIES; k++) {
            what = long_check(families[k].split, &text);

            if (!quiet_ok(what == NULL, "%s, long text %d: %s",
                          genai_split_name(families[k].split), i, what))
            {
                tap_dump("    text", text.data, text.len);
            }
        }

        free(text.data);
    }

    pass("%d long texts in steps", rounds);
}


/* a megabyte of each, whole and, undecided, in a few parts */

static void
test_linear(void)
{
    size_t       i, k, n, len, size;
    clock_t      begin;
    uint32_t    *ends;
    genai_str_t  text;

    static const char *const  units[] = {
        " ", "\n", "\r\n ", "a", "A", "\xcc\x81", "\xe4\xb8\xad",
        ("\xe4\xb8\xad" "A"), "'", "'s", "/", "/\n", "(\n", "1", "\x01", " \n",
        "aA", "\xe2\x80\x8d", "Aa", "\xe3\x83\xbb", ".\n ", "\t"
    };

    size = 1 << 20;
    text.data = malloc(size);
    ends = malloc(size * sizeof(uint32_t));
    begin = clock();

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        n = strlen(units[i]);

        for (len = 0; len + n <= size; len += n) {
            memcpy(text.data + len, units[i], n);
        }

        text.len = len;

        for (k = 0; k < NFAMILIES; k++) {
            n = genai_split(families[k].split, NULL, &text, 0, ends, size);
            n = genai_split(families[k].split, NULL, &text, 1, ends, size);
            quiet_ok(n && ends[n - 1] == text.len, "%s: all of it",
                     genai_split_name(families[k].split));

            n = genai_split_portable(families[k].split, &text, 1, ends, size);
            quiet_ok(n && ends[n - 1] == text.len, "%s: all of it",
                     genai_split_name(families[k].split));
        }
    }

    ok((clock() - begin) / CLOCKS_PER_SEC < 60,
       "a megabyte of the same: %.1f s for all",
       (double) (clock() - begin) / CLOCKS_PER_SEC);

    free(ends);
    free(text.data);
}


static void
test_names(void)
{
    int            i;
    size_t         n;
    uint32_t       end[2];
    genai_str_t    s;

    for (i = 0; i <= GENAI_SPLIT_LAST; i++) {
        quiet_ok(genai_split_name(i) != NULL, "%d has a name", i);
    }

    is_str(genai_split_name(GENAI_SPLIT_O200K), "o200k", "a name");

    s.data = (unsigned char *) LLAMA3;
    s.len = strlen(LLAMA3);
    is_int(genai_split_recognize(&s), GENAI_SPLIT_LLAMA3, "LLAMA3 is known");
    s.len--;
    is_int(genai_split_recognize(&s), GENAI_SPLIT_PATTERN,
           "what is nearly it is not");

    s.data = (unsigned char *) families[2].expressions[0];
    s.len = strlen(families[2].expressions[0]);
    is_int(genai_split_recognize(&s), GENAI_SPLIT_O200K, "O200K is known");

    s.data = (unsigned char *) "a b";
    s.len = 3;
    n = genai_split(GENAI_SPLIT_NONE, NULL, &s, 1, end, 2);
    ok(n == 1 && end[0] == 3, "not cut at all");
    is_int(genai_split(GENAI_SPLIT_NONE, NULL, &s, 0, end, 2), 0,
           "nor before it ends");
    is_int(genai_split(GENAI_SPLIT_R50K, NULL, &s, 1, end, 0), 0,
           "no room for an end");
    s.len = 0;
    is_int(genai_split(GENAI_SPLIT_R50K, NULL, &s, 1, end, 2), 0,
           "an empty text");
}


int
main(void)
{
    size_t  k;

    test_names();
    test_cases();

    for (k = 0; k < NFAMILIES; k++) {
        if (families[k].sum) {
            test_all(k);
        }
    }

    test_random();
    test_long();
    test_linear();

    return done_testing();
}
