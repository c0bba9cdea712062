/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads an expression, see genai_split_pattern.h for what it may have: each
 * thing by itself, so that nothing gets through which was not thought of.
 */


#include "genai_split_pattern_int.h"


#define GENAI_PATTERN_TIMES  1000           /* {n,m} */


/* the bits of a name of general categories, or 0 */

static uint32_t
genai_pattern_bits(const unsigned char *name, size_t len)
{
    size_t    i;
    uint32_t  bits;

    /* in the order of genai_gc_e, two letters each */

    static const char  names[] =
        "CnLuLlLtLmLoMnMcMeNdNlNoPcPdPsPePiPfPoSmScSkSoZsZlZpCcCfCsCoCc";

    if (len != 1 && len != 2) {
        return 0;
    }

    for (bits = 0, i = 0; names[2 * i]; i++) {
        if (names[2 * i] == name[0]
            && (len == 1 || names[2 * i + 1] == name[1]))
        {
            bits |= genai_gc_bit(i);
        }
    }

    return bits;
}


/*
 * What follows a backslash: writes a category, in a class or as one, and
 * returns 1; or returns 0 with the character in *c; or -1.
 */

static int
genai_pattern_escape(genai_pattern_t *s, int inside, uint32_t *c)
{
    int                   rc, not;
    char                  name[3];
    size_t                len;
    uint32_t              bits;
    unsigned char         ch;
    const unsigned char  *close;

    if (s->p == s->end) {
        return genai_pattern_fail(s, "a backslash at its end");
    }

    ch = *s->p++;
    not = 0;

    switch (ch) {

    case 'r':
        *c = '\r';
        return 0;

    case 'n':
        *c = '\n';
        return 0;

    case 't':
        *c = '\t';
        return 0;

    case 'v':
        *c = '\v';
        return 0;

    case 'f':
        *c = '\f';
        return 0;

    case 'S':
        not = 1;

        /* fall through */

    case 's':
        bits = GENAI_GC_SPACE;
        name[0] = '\0';
        break;

    case 'D':
        not = 1;

        /* fall through */

    case 'd':
        bits = genai_gc_bit(GENAI_GC_ND);
        memcpy(name, "Nd", 3);
        break;

    case 'P':
        not = 1;

        /* fall through */

    case 'p':
    case 'x':

        close = (s->p < s->end && *s->p == '{')
                ? memchr(s->p, '}', s->end - s->p) : NULL;

        if (close == NULL) {
            return genai_pattern_fail(s, "an escape without braces");
        }

        s->p++;
        len = close - s->p;

        if (ch == 'x') {

            for (*c = 0; s->p < close && *c <= GENAI_UNICODE_MAX; s->p++) {
                ch = *s->p;
                ch = (ch >= '0' && ch <= '9') ? ch - '0'
                     : ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'f')
                       ? (ch | 0x20) - 'a' + 10 : 255;

                *c = (ch == 255) ? GENAI_UNICODE_MAX + 1 : *c << 4 | ch;
            }

            if (len == 0 || *c > GENAI_UNICODE_MAX
                || (*c >= 0xd800 && *c <= 0xdfff))
            {
                return genai_pattern_fail(s, "no character in \\x{}");
            }

            s->p = close + 1;

            return 0;
        }

        bits = genai_pattern_bits(s->p, len);

        if (bits == 0) {
            return genai_pattern_fail(s, "a property that is no general "
                                         "category");
        }

        memcpy(name, s->p, len);
        name[len] = '\0';
        s->p = close + 1;

        break;

    default:

        if (ch < 0x21 || ch >= 0x7f || (ch >= '0' && ch <= '9')
            || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z'))
        {
            return genai_pattern_fail(s, "an escape that is not known");
        }

        *c = ch;
        return 0;
    }

    if (s->fold) {
        return genai_pattern_fail(s, "a category regardless of case");
    }

    if (!inside && genai_pattern_puts(s, "[") != 0) {
        return -1;
    }

    rc = genai_pattern_category(s, name[0] ? name : NULL, bits, not);

    if (rc != 0 || (!inside && genai_pattern_puts(s, "]") != 0)) {
        return -1;
    }

    return 1;
}


/* a character of the expression as it stands, UTF-8 */

static int
genai_pattern_read(genai_pattern_t *s, uint32_t *c)
{
    unsigned  n, i;

    static const uint32_t  least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    *c = *s->p++;

    if (*c < 0x80) {
        return 0;
    }

    n = (*c < 0xc0) ? 0 : (*c < 0xe0) ? 2 : (*c < 0xf0) ? 3
        : (*c < 0xf8) ? 4 : 0;
    *c &= n ? 0x7f >> n : 0;

    for (i = 1; i < n && s->p < s->end && (*s->p & 0xc0) == 0x80; i++) {
        *c = *c << 6 | (*s->p++ & 0x3f);
    }

    if (i < n || n == 0 || *c < least[n] || *c > GENAI_UNICODE_MAX
        || (*c >= 0xd800 && *c <= 0xdfff))
    {
        return genai_pattern_fail(s, "what is not UTF-8");
    }

    return 0;
}


/* behind the bracket; what nests or intersects to some is refused */

static int
genai_pattern_class(genai_pattern_t *s)
{
    int       rc, range;
    uint32_t  c, from;

    if (genai_pattern_puts(s, "[") != 0) {
        return -1;
    }

    if (s->p < s->end && *s->p == '^') {
        s->p++;

        if (genai_pattern_puts(s, "^") != 0) {
            return -1;
        }
    }

    if (s->p < s->end && *s->p == ']') {
        return genai_pattern_fail(s, "a class that begins with a bracket");
    }

    from = 0;
    range = 0;

    while (s->p < s->end && *s->p != ']') {

        c = *s->p;

        if (c == '[' || (s->end - s->p > 1 && c == s->p[1]
                         && (c == '&' || c == '-' || c == '~')))
        {
            return genai_pattern_fail(s, "a class within a class");
        }

        if (c == '\\') {
            s->p++;
            rc = genai_pattern_escape(s, 1, &c);

        } else {
            rc = genai_pattern_read(s, &c);
        }

        if (rc < 0) {
            return -1;
        }

        if (rc == 1) {

            if (range) {
                return genai_pattern_fail(s, "a range that ends with a class");
            }

            continue;
        }

        if (s->fold && c >= 0x80) {
            return genai_pattern_fail(s, "more than ASCII regardless of case");
        }

        if (!range && s->end - s->p > 1 && s->p[0] == '-' && s->p[1] != ']') {
            s->p++;
            from = c;
            range = 1;

            continue;
        }

        if (range && from > c) {
            return genai_pattern_fail(s, "a range that ends before it begins");
        }

        if (genai_pattern_put_range(s, range ? from : c, c) != 0) {
            return -1;
        }

        range = 0;
    }

    if (s->p == s->end || range) {
        return genai_pattern_fail(s, "a class that is not closed");
    }

    s->p++;

    return genai_pattern_puts(s, "]");
}


/*
 * Letters that together are another one regardless of case ("ss" and the
 * ligatures), which only some implementations know.
 */

static int
genai_pattern_literal(genai_pattern_t *s, uint32_t c)
{
    static const char  pairs[] = "ssfffifist";

    size_t  i;

    if (s->fold) {

        if (c >= 0x80) {
            return genai_pattern_fail(s, "more than ASCII regardless of case");
        }

        c |= (c >= 'A' && c <= 'Z') ? 0x20 : 0;

        for (i = 0; i < sizeof(pairs) - 1; i += 2) {
            if (s->prev == pairs[i] && (int) c == pairs[i + 1]) {
                return genai_pattern_fail(s, "a ligature regardless of case");
            }
        }

        s->prev = (int) c;
    }

    return genai_pattern_put_char(s, c);
}


/* {n}, {n,}, {n,m} */

static int
genai_pattern_times(genai_pattern_t *s)
{
    char      text[32];
    unsigned  n, m, *to, digits;

    n = 0;
    m = 0;
    to = &n;
    digits = 0;

    for (s->p++; s->p < s->end && *s->p != '}'; s->p++) {

        if (*s->p == ',' && to == &n && digits) {
            to = &m;
            digits = 0;

        } else if (*s->p >= '0' && *s->p <= '9' && digits < 4) {
            *to = *to * 10 + (*s->p - '0');
            digits++;

        } else {
            return genai_pattern_fail(s, "a brace that is no repetition");
        }
    }

    if (s->p == s->end || n > GENAI_PATTERN_TIMES || m > GENAI_PATTERN_TIMES
        || (to == &n && digits == 0) || (to == &m && digits && m < n))
    {
        return genai_pattern_fail(s, "a repetition that is too much");
    }

    s->p++;

    if (s->p < s->end && (*s->p == '+' || *s->p == '?')) {
        return genai_pattern_fail(s, "a sign behind a repetition");
    }

    snprintf(text, sizeof(text), (to == &n) ? "{%u}" : digits ? "{%u,%u}"
             : "{%u,}", n, m);

    return genai_pattern_puts(s, text);
}


/* what may stand behind what was read */

static int
genai_pattern_repeat(genai_pattern_t *s)
{
    if (s->p == s->end) {
        return 0;
    }

    if (*s->p == '{') {

        if (genai_pattern_times(s) != 0) {
            return -1;
        }

    } else if (*s->p == '?' || *s->p == '*' || *s->p == '+') {

        if (genai_pattern_put(s, s->p++, 1) != 0) {
            return -1;
        }

        if (s->p < s->end && (*s->p == '+' || *s->p == '?')
            && genai_pattern_put(s, s->p++, 1) != 0)
        {
            return -1;
        }

    } else {
        return 0;
    }

    s->prev = 0;

    if (s->p < s->end && (*s->p == '?' || *s->p == '*' || *s->p == '+'
                          || *s->p == '{'))
    {
        return genai_pattern_fail(s, "a repetition of a repetition");
    }

    return 0;
}


/* behind the parenthesis */

static int
genai_pattern_group(genai_pattern_t *s)
{
    int       ahead;
    size_t    i, len;
    unsigned  fold;

    static const char *const  opens[] = { "?:", "?i:", "?>", "?=", "?!" };

    if (++s->depth > GENAI_PATTERN_DEPTH) {
        return genai_pattern_fail(s, "too many groups within each other");
    }

    fold = s->fold;
    ahead = 0;
    len = 0;

    if (genai_pattern_puts(s, "(") != 0) {
        return -1;
    }

    if (s->p < s->end && *s->p == '?') {

        for (i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
            len = strlen(opens[i]);

            if ((size_t) (s->end - s->p) >= len
                && memcmp(s->p, opens[i], len) == 0)
            {
                break;
            }
        }

        if (i == sizeof(opens) / sizeof(opens[0])) {
            return genai_pattern_fail(s, "a group that is not known");
        }

        ahead = (i >= 3);
        s->fold |= (i == 1);
        s->p += len;

        if (genai_pattern_puts(s, opens[i]) != 0) {
            return -1;
        }

    } else if (genai_pattern_puts(s, "?:") != 0) {
        return -1;
    }

    s->prev = 0;

    if (genai_pattern_alternatives(s) != 0) {
        return -1;
    }

    if (s->p == s->end) {
        return genai_pattern_fail(s, "a group that is not closed");
    }

    s->p++;
    s->prev = 0;
    s->fold = fold;
    s->depth--;

    if (genai_pattern_puts(s, ")") != 0) {
        return -1;
    }

    if (ahead && s->p < s->end && (*s->p == '?' || *s->p == '*'
                                   || *s->p == '+' || *s->p == '{'))
    {
        return genai_pattern_fail(s, "a look that is repeated");
    }

    return genai_pattern_repeat(s);
}


/* up to a closing parenthesis, or the end */

int
genai_pattern_alternatives(genai_pattern_t *s)
{
    int       rc;
    uint32_t  c;

    while (s->p < s->end && *s->p != ')') {

        switch (*s->p) {

        case '|':
            s->p++;
            s->prev = 0;

            if (genai_pattern_puts(s, "|") != 0) {
                return -1;
            }

            continue;

        case '(':
            s->p++;

            if (genai_pattern_group(s) != 0) {
                return -1;
            }

            continue;

        case '[':
            s->p++;
            s->prev = 0;
            rc = genai_pattern_class(s);
            break;

        case '.':
            s->p++;
            s->prev = 0;
            rc = genai_pattern_puts(s, "[^\\x{a}]");
            break;

        case '^':
        case '$':
            rc = genai_pattern_fail(s, "an end of lines or of the text");
            break;

        case '?':
        case '*':
        case '+':
        case '{':
        case '}':
        case ']':
            rc = genai_pattern_fail(s, "a sign that stands for nothing");
            break;

        case '\\':
            s->p++;
            rc = genai_pattern_escape(s, 0, &c);

            if (rc == 0) {
                rc = genai_pattern_literal(s, c);

            } else if (rc == 1) {
                s->prev = 0;
                rc = 0;
            }

            break;

        default:
            rc = genai_pattern_read(s, &c);

            if (rc == 0) {
                rc = genai_pattern_literal(s, c);
            }
        }

        if (rc != 0 || genai_pattern_repeat(s) != 0) {
            return -1;
        }
    }

    if (s->p < s->end && s->depth == 0) {
        return genai_pattern_fail(s, "a parenthesis that closes nothing");
    }

    return 0;
}
