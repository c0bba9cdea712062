/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Values inside a member are stepped over by one loop that keeps the open
 * brackets as bits of a 128-bit stack, so that depth costs no recursion.
 * Strings, where nearly all bytes of a chat request are, are scanned eight
 * bytes at a time up to the first byte that is a quote, a backslash, a
 * control character or not ASCII.
 */


#include "genai_sim_json.h"

#include <stdint.h>


#define GENAI_ONES   UINT64_C(0x0101010101010101)
#define GENAI_HIGHS  UINT64_C(0x8080808080808080)

/* what a value may be followed by, or a bracket by */
#define GENAI_SIM_JSON_WANT_VALUE      0
#define GENAI_SIM_JSON_WANT_FIRST      1  /* a value, or the end of
                                             the array */
#define GENAI_SIM_JSON_WANT_KEY        2
#define GENAI_SIM_JSON_WANT_FIRST_KEY  3
#define GENAI_SIM_JSON_WANT_COMMA      4


static const unsigned char *genai_sim_json_string(genai_sim_json_t *j,
    const unsigned char *p, unsigned *escaped);
static const unsigned char *genai_sim_json_utf8(const unsigned char *p,
    const unsigned char *end);
static const unsigned char *genai_sim_json_hex4(const unsigned char *p,
    const unsigned char *end, unsigned *code);
static const unsigned char *genai_sim_json_scalar(genai_sim_json_t *j,
    const unsigned char *p, genai_sim_json_type_e *type);
static const unsigned char *genai_sim_json_number(genai_sim_json_t *j,
    const unsigned char *p);
static const unsigned char *genai_sim_json_nested(genai_sim_json_t *j,
    const unsigned char *p);
static int genai_sim_json_end(genai_sim_json_t *j, const unsigned char *p);


static inline const unsigned char *
genai_sim_json_space(const unsigned char *p, const unsigned char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }

    return p;
}


static inline int
genai_sim_json_fail(genai_sim_json_t *j, const unsigned char *p,
    const char *error)
{
    j->error = error;
    j->offset = p - j->start;
    j->pos = j->end;

    return -1;
}


int
genai_sim_json_begin(genai_sim_json_t *j, const unsigned char *text, size_t len)
{
    const unsigned char  *p;

    j->start = text;
    j->end = text + len;
    j->error = NULL;
    j->offset = 0;
    j->begun = 0;
    j->nested = 0;

    if (len >= 3 && text[0] == 0xef && text[1] == 0xbb && text[2] == 0xbf) {
        return genai_sim_json_fail(j, text, "a byte order mark is not allowed");
    }

    p = genai_sim_json_space(text, j->end);

    if (p == j->end) {
        return genai_sim_json_fail(j, p, "the text is empty");
    }

    if (*p != '{' && *p != '[') {
        return genai_sim_json_fail(j, p, "an object is expected");
    }

    j->array = (*p == '[');
    j->pos = p + 1;

    return 0;
}


int
genai_sim_json_enter(genai_sim_json_t *j, const genai_sim_json_member_t *m)
{
    if (m->type != GENAI_SIM_JSON_OBJECT && m->type != GENAI_SIM_JSON_ARRAY) {
        return -1;
    }

    (void) genai_sim_json_begin(j, m->value.data, m->value.len);

    j->nested = 1;

    return 0;
}


int
genai_sim_json_next(genai_sim_json_t *j, genai_sim_json_member_t *m)
{
    unsigned              escaped;
    const unsigned char  *p, *q;

    p = genai_sim_json_space(j->pos, j->end);

    if (p == j->end) {
        return genai_sim_json_fail(j, p, j->array ? "the array is not closed"
                                              : "the object is not closed");
    }

    if (*p == (j->array ? ']' : '}')) {
        return genai_sim_json_end(j, p + 1);
    }

    if (j->begun) {
        if (*p != ',') {
            return genai_sim_json_fail(j, p, "a comma is missing");
        }

        p = genai_sim_json_space(p + 1, j->end);
    }

    j->begun = 1;

    m->key.data = (unsigned char *) p;
    m->key.len = 0;
    m->key_escaped = 0;
    m->value_escaped = 0;

    if (!j->array) {

        if (p == j->end || *p != '"') {
            return genai_sim_json_fail(j, p, "a member's name is expected");
        }

        q = genai_sim_json_string(j, p + 1, &escaped);
        if (q == NULL) {
            return -1;
        }

        m->key.data = (unsigned char *) p + 1;
        m->key.len = q - 1 - m->key.data;
        m->key_escaped = escaped;

        p = genai_sim_json_space(q, j->end);

        if (p == j->end || *p != ':') {
            return genai_sim_json_fail(j, p, "a colon is missing");
        }

        p = genai_sim_json_space(p + 1, j->end);
    }

    if (p == j->end) {
        return genai_sim_json_fail(j, p, "a value is missing");
    }

    m->value.data = (unsigned char *) p;

    switch (*p) {

    case '"':
        q = genai_sim_json_string(j, p + 1, &escaped);
        if (q == NULL) {
            return -1;
        }

        m->type = GENAI_SIM_JSON_STRING;
        m->value.data++;
        m->value.len = q - 1 - m->value.data;
        m->value_escaped = escaped;

        break;

    case '{':
    case '[':
        m->type = (*p == '{') ? GENAI_SIM_JSON_OBJECT : GENAI_SIM_JSON_ARRAY;

        q = genai_sim_json_nested(j, p);
        if (q == NULL) {
            return -1;
        }

        m->value.len = q - m->value.data;

        break;

    default:
        q = genai_sim_json_scalar(j, p, &m->type);
        if (q == NULL) {
            return -1;
        }

        m->value.len = q - m->value.data;
    }

    j->pos = q;

    return 1;
}


static int
genai_sim_json_end(genai_sim_json_t *j, const unsigned char *p)
{
    if (!j->nested) {
        p = genai_sim_json_space(p, j->end);

        if (p != j->end) {
            return genai_sim_json_fail(j, p, "there are bytes after the value");
        }
    }

    /* a further call ends the same way */

    j->pos = p - 1;

    return 0;
}


/* p is after the opening quote; returns what is after the closing one */

static const unsigned char *
genai_sim_json_string(genai_sim_json_t *j, const unsigned char *p,
    unsigned *escaped)
{
    uint64_t              w, quote, slash, ctl;
    unsigned              code, low;
    const unsigned char  *q, *end;

    end = j->end;
    *escaped = 0;

    for ( ;; ) {

        while (end - p >= 8) {
            memcpy(&w, p, 8);

            /*
             * a byte's high bit is set in: quote and slash where it equals
             * the character, ctl where it is below 0x20, each exact up to
             * the first hit; w itself where it is not ASCII
             */

            quote = w ^ (GENAI_ONES * '"');
            slash = w ^ (GENAI_ONES * '\\');
            ctl = (w - GENAI_ONES * 0x20) & ~w;
            quote = (quote - GENAI_ONES) & ~quote;
            slash = (slash - GENAI_ONES) & ~slash;

            w = (w | quote | slash | ctl) & GENAI_HIGHS;

            if (w) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
                p += __builtin_ctzll(w) / 8;
#endif
                break;
            }

            p += 8;
        }

        if (p == end) {
            (void) genai_sim_json_fail(j, p, "a string is not closed");
            return NULL;
        }

        if (*p == '"') {
            return p + 1;
        }

        if (*p >= 0x80) {
            q = genai_sim_json_utf8(p, end);
            if (q == NULL) {
                (void) genai_sim_json_fail(j, p, "a string is not UTF-8");
                return NULL;
            }

            p = q;
            continue;
        }

        if (*p < 0x20) {
            (void) genai_sim_json_fail(j, p,
                                   "a string has a raw control character");
            return NULL;
        }

        if (*p != '\\') {
            p++;
            continue;
        }

        *escaped = 1;
        q = p++;

        if (p == end) {
            (void) genai_sim_json_fail(j, p, "a string is not closed");
            return NULL;
        }

        switch (*p++) {

        case '"': case '\\': case '/': case 'b':
        case 'f': case 'n': case 'r': case 't':
            continue;

        case 'u':
            p = genai_sim_json_hex4(p, end, &code);

            if (p && code >= 0xd800 && code < 0xdc00) {

                /* a high surrogate must be followed by a low one */

                if (end - p < 2 || p[0] != '\\' || p[1] != 'u'
                    || (p = genai_sim_json_hex4(p + 2, end, &low)) == NULL
                    || low < 0xdc00 || low > 0xdfff)
                {
                    (void) genai_sim_json_fail(j, q,
                                           "an escape is a lone surrogate");
                    return NULL;
                }

                continue;
            }

            if (p && (code < 0xdc00 || code > 0xdfff)) {
                continue;
            }

            (void) genai_sim_json_fail(j, q, p ? "an escape is a lone surrogate"
                                           : "a string has a bad escape");
            return NULL;

        default:
            (void) genai_sim_json_fail(j, q, "a string has a bad escape");
            return NULL;
        }
    }
}


/*
 * Steps over one UTF-8 sequence of two to four bytes by the table of
 * well-formed sequences of the Unicode standard (3.9, table 3-7).
 */

static const unsigned char *
genai_sim_json_utf8(const unsigned char *p, const unsigned char *end)
{
    unsigned  n, low, high;

    low = 0x80;
    high = 0xbf;

    if (*p < 0xc2) {
        return NULL;

    } else if (*p < 0xe0) {
        n = 1;

    } else if (*p < 0xf0) {
        n = 2;
        low = (*p == 0xe0) ? 0xa0 : low;
        high = (*p == 0xed) ? 0x9f : high;

    } else if (*p < 0xf5) {
        n = 3;
        low = (*p == 0xf0) ? 0x90 : low;
        high = (*p == 0xf4) ? 0x8f : high;

    } else {
        return NULL;
    }

    if ((size_t) (end - p) <= n || p[1] < low || p[1] > high) {
        return NULL;
    }

    for (p += 2; --n; p++) {
        if ((*p & 0xc0) != 0x80) {
            return NULL;
        }
    }

    return p;
}


static const unsigned char *
genai_sim_json_hex4(const unsigned char *p, const unsigned char *end,
    unsigned *code)
{
    int            i;
    unsigned       n;
    unsigned char  c;

    if (end - p < 4) {
        return NULL;
    }

    n = 0;

    for (i = 0; i < 4; i++) {
        c = p[i];

        if (c >= '0' && c <= '9') {
            n = n << 4 | (c - '0');
            continue;
        }

        c |= 0x20;

        if (c < 'a' || c > 'f') {
            return NULL;
        }

        n = n << 4 | (c - 'a' + 10);
    }

    *code = n;

    return p + 4;
}


static const unsigned char *
genai_sim_json_scalar(genai_sim_json_t *j, const unsigned char *p,
    genai_sim_json_type_e *type)
{
    size_t  left;

    left = j->end - p;

    switch (*p) {

    case 't':
        if (left >= 4 && memcmp(p, "true", 4) == 0) {
            *type = GENAI_SIM_JSON_TRUE;
            return p + 4;
        }

        break;

    case 'f':
        if (left >= 5 && memcmp(p, "false", 5) == 0) {
            *type = GENAI_SIM_JSON_FALSE;
            return p + 5;
        }

        break;

    case 'n':
        if (left >= 4 && memcmp(p, "null", 4) == 0) {
            *type = GENAI_SIM_JSON_NULL;
            return p + 4;
        }

        break;

    default:
        *type = GENAI_SIM_JSON_NUMBER;
        return genai_sim_json_number(j, p);
    }

    (void) genai_sim_json_fail(j, p, "a value is expected");

    return NULL;
}


static const unsigned char *
genai_sim_json_number(genai_sim_json_t *j, const unsigned char *p)
{
    const unsigned char  *q, *end;

    end = j->end;
    q = p;

    if (q < end && *q == '-') {
        q++;
    }

    if (q == end || *q < '0' || *q > '9') {
        (void) genai_sim_json_fail(j, p, "a value is expected");
        return NULL;
    }

    if (*q == '0') {
        q++;

    } else {
        while (q < end && *q >= '0' && *q <= '9') { q++; }
    }

    if (q < end && *q == '.') {
        q++;

        if (q == end || *q < '0' || *q > '9') {
            goto bad;
        }

        while (q < end && *q >= '0' && *q <= '9') { q++; }
    }

    if (q < end && (*q == 'e' || *q == 'E')) {
        q++;

        if (q < end && (*q == '+' || *q == '-')) {
            q++;
        }

        if (q == end || *q < '0' || *q > '9') {
            goto bad;
        }

        while (q < end && *q >= '0' && *q <= '9') { q++; }
    }

    return q;

bad:

    (void) genai_sim_json_fail(j, q, "a number is malformed");

    return NULL;
}


/* steps over the array or object that p begins */

static const unsigned char *
genai_sim_json_nested(genai_sim_json_t *j, const unsigned char *p)
{
    int                   want;
    uint64_t              objects[GENAI_SIM_JSON_DEPTH / 64] = { 0 };
    unsigned               depth, object, escaped;
    genai_sim_json_type_e  type;
    const unsigned char   *end;

    end = j->end;
    want = GENAI_SIM_JSON_WANT_VALUE;
    depth = 0;
    object = 0;

    for ( ;; ) {

        p = genai_sim_json_space(p, end);

        if (p == end) {
            (void) genai_sim_json_fail(j, p, object ? "an object is not closed"
                                                : "an array is not closed");
            return NULL;
        }

        if (want == GENAI_SIM_JSON_WANT_COMMA) {

            if (*p == ',') {
                p++;
                want = object ? GENAI_SIM_JSON_WANT_KEY
                              : GENAI_SIM_JSON_WANT_VALUE;
                continue;
            }

            if (*p != (object ? '}' : ']')) {
                (void) genai_sim_json_fail(j, p, "a comma is missing");
                return NULL;
            }
        }

        if ((*p == '}' && object && want != GENAI_SIM_JSON_WANT_KEY
             && want != GENAI_SIM_JSON_WANT_VALUE)
            || (*p == ']' && !object && depth
                && want != GENAI_SIM_JSON_WANT_VALUE))
        {
            p++;

            if (--depth == 0) {
                return p;
            }

            object = objects[(depth - 1) / 64] >> ((depth - 1) % 64) & 1;
            want = GENAI_SIM_JSON_WANT_COMMA;
            continue;
        }

        if (want == GENAI_SIM_JSON_WANT_KEY
            || want == GENAI_SIM_JSON_WANT_FIRST_KEY)
        {

            if (*p != '"') {
                (void) genai_sim_json_fail(j, p, "a member's name is expected");
                return NULL;
            }

            p = genai_sim_json_string(j, p + 1, &escaped);
            if (p == NULL) {
                return NULL;
            }

            p = genai_sim_json_space(p, end);

            if (p == end || *p != ':') {
                (void) genai_sim_json_fail(j, p, "a colon is missing");
                return NULL;
            }

            p++;
            want = GENAI_SIM_JSON_WANT_VALUE;
            continue;
        }

        if (*p == '{' || *p == '[') {

            /* the reader's own object is a level too */

            if (depth + 1 == GENAI_SIM_JSON_DEPTH) {
                (void) genai_sim_json_fail(j, p, "the text is nested too deep");
                return NULL;
            }

            object = (*p == '{');

            if (object) {
                objects[depth / 64] |= UINT64_C(1) << (depth % 64);
                want = GENAI_SIM_JSON_WANT_FIRST_KEY;

            } else {
                objects[depth / 64] &= ~(UINT64_C(1) << (depth % 64));
                want = GENAI_SIM_JSON_WANT_FIRST;
            }

            depth++;
            p++;
            continue;
        }

        if (*p == '"') {
            p = genai_sim_json_string(j, p + 1, &escaped);

        } else {
            p = genai_sim_json_scalar(j, p, &type);
        }

        if (p == NULL) {
            return NULL;
        }

        want = GENAI_SIM_JSON_WANT_COMMA;
    }
}


int
genai_sim_json_key_is(const genai_sim_json_member_t *m, const char *name,
    size_t len)
{
    int                   same;
    size_t                i;
    unsigned              c, a, b;
    const unsigned char  *p, *end;

    if (!m->key_escaped && m->key.len != len) {
        return 0;
    }

    p = m->key.data;
    end = p + m->key.len;
    same = 1;

    for (i = 0; i < len; i++) {

        if (p == end) {
            return 0;
        }

        c = *p++;

        if (c == '\\') {

            if (*p == 'u') {
                p = genai_sim_json_hex4(p + 1, end, &c);

            } else {
                c = (*p == '"' || *p == '\\' || *p == '/') ? *p : 0;
                p++;
            }
        }

        a = c;
        b = (unsigned char) name[i];

        if (a == b) {
            continue;
        }

        a = (a >= 'A' && a <= 'Z') ? a | 0x20 : a;
        b = (b >= 'A' && b <= 'Z') ? b | 0x20 : b;

        if (a != b) {
            return 0;
        }

        same = -1;
    }

    return (p == end) ? same : 0;
}


size_t
genai_sim_json_unescape(unsigned char *dst, const genai_str_t *s)
{
    unsigned              code, low;
    unsigned char        *start;
    const unsigned char  *p, *q, *end;

    start = dst;
    p = s->data;
    end = p + s->len;

    while (p < end) {

        q = memchr(p, '\\', end - p);
        if (q == NULL) {
            q = end;
        }

        memmove(dst, p, q - p);
        dst += q - p;
        p = q;

        if (p == end) {
            break;
        }

        p++;

        switch (*p++) {
        case 'b':
            *dst++ = '\b';
            continue;
        case 'f':
            *dst++ = '\f';
            continue;
        case 'n':
            *dst++ = '\n';
            continue;
        case 'r':
            *dst++ = '\r';
            continue;
        case 't':
            *dst++ = '\t';
            continue;
        case 'u':
            break;
        default:
            *dst++ = p[-1];
            continue;
        }

        p = genai_sim_json_hex4(p, end, &code);

        if (code >= 0xd800 && code < 0xdc00) {
            p = genai_sim_json_hex4(p + 2, end, &low);
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }

        if (code < 0x80) {
            *dst++ = code;

        } else if (code < 0x800) {
            *dst++ = 0xc0 | code >> 6;
            *dst++ = 0x80 | (code & 0x3f);

        } else if (code < 0x10000) {
            *dst++ = 0xe0 | code >> 12;
            *dst++ = 0x80 | (code >> 6 & 0x3f);
            *dst++ = 0x80 | (code & 0x3f);

        } else {
            *dst++ = 0xf0 | code >> 18;
            *dst++ = 0x80 | (code >> 12 & 0x3f);
            *dst++ = 0x80 | (code >> 6 & 0x3f);
            *dst++ = 0x80 | (code & 0x3f);
        }
    }

    return dst - start;
}


unsigned char *
genai_sim_json_escape(unsigned char *dst, const unsigned char *src, size_t len)
{
    static const char  hex[] = "0123456789abcdef";

    const unsigned char  *p, *q, *end;

    p = src;
    end = src + len;

    while (p < end) {

        if (*p >= 0x80) {
            q = genai_sim_json_utf8(p, end);

            if (q == NULL) {
                dst = (unsigned char *) memcpy(dst, "\xef\xbf\xbd", 3) + 3;
                p++;
                continue;
            }

            while (p < q) {
                *dst++ = *p++;
            }

            continue;
        }

        switch (*p) {

        case '"':
        case '\\':
            *dst++ = '\\';
            *dst++ = *p++;
            continue;

        case '\n':
            *dst++ = '\\';
            *dst++ = 'n';
            p++;
            continue;

        case '\t':
            *dst++ = '\\';
            *dst++ = 't';
            p++;
            continue;
        }

        if (*p < 0x20 || *p == 0x7f) {
            dst = (unsigned char *) memcpy(dst, "\\u00", 4) + 4;
            *dst++ = hex[*p >> 4];
            *dst++ = hex[*p & 0xf];
            p++;
            continue;
        }

        *dst++ = *p++;
    }

    return dst;
}
