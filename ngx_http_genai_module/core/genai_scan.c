/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What all editions of the scanner share: begin and end, errors, the tape's
 * growth, and what is looked at byte by byte.
 */


#include "genai_scan_walk.h"


_Static_assert(sizeof(genai_entry_t) == 16, "an entry has 16 bytes");


#define genai_scan_digit(c)  ((unsigned char) ((c) - '0') < 10)


const unsigned char  genai_scan_delimiter[256] = {
    ['\t'] = 1, ['\n'] = 1, ['\r'] = 1, [' '] = 1, ['"'] = 1, [','] = 1,
    [':'] = 1, ['['] = 1, [']'] = 1, ['{'] = 1, ['}'] = 1
};


/* what may follow a backslash, but for "u" */

static const unsigned char  genai_scan_escape[256] = {
    ['"'] = 1, ['\\'] = 1, ['/'] = 1, ['b'] = 1, ['f'] = 1, ['n'] = 1,
    ['r'] = 1, ['t'] = 1
};


/* the value of a hexadecimal digit plus one, 0 for all else */

static const unsigned char  genai_scan_hex[256] = {
    ['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6,
    ['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10,
    ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16
};


void
genai_scan_init(genai_scan_t *s, genai_arena_t *arena,
    const unsigned char *text, size_t len, uint32_t max_entries)
{
    genai_zero(s, sizeof(genai_scan_t));

    s->text = len ? text : (const unsigned char *) "";
    s->len = len;
    s->arena = arena;
    s->max = max_entries;
    s->state = GENAI_WANT_ROOT;

    (void) genai_scan_use(s, GENAI_SCAN_BEST);

    if (len > UINT32_MAX) {
        (void) genai_scan_fail(s, 0, "the text is too long");
        s->cause = GENAI_SCAN_TOO_LARGE;

    } else if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        (void) genai_scan_fail(s, 0, "a byte order mark is not allowed");
    }
}


int
genai_scan_use(genai_scan_t *s, genai_scan_edition_e edition)
{
    if (s->done || s->n) {
        return -1;
    }

    switch (edition) {

#if defined(__x86_64__)

    case GENAI_SCAN_BEST:
        if (genai_scan_use(s, GENAI_SCAN_AVX2) != 0) {
            s->run = genai_scan_sse2;
        }

        return 0;

    case GENAI_SCAN_AVX2:
        if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi"))
        {
            return -1;
        }

        s->run = genai_scan_avx2;
        return 0;

    case GENAI_SCAN_SSE2:
        s->run = genai_scan_sse2;
        return 0;

#else

    case GENAI_SCAN_BEST:

#endif

    case GENAI_SCAN_PORTABLE:
        s->run = genai_scan_portable;
        return 0;

    default:
        return -1;
    }
}


int
genai_scan(genai_scan_t *s, size_t budget)
{
    if (s->state == GENAI_WANT_FAILED) {
        return GENAI_SCAN_ERROR;
    }

    if (s->state == GENAI_WANT_NOTHING) {
        return GENAI_SCAN_DONE;
    }

    return s->run(s, budget);
}


int
genai_scan_finish(genai_scan_t *s)
{
    const char  *error;

    switch (s->state) {

    case GENAI_WANT_END:
        s->tape.text = s->text;
        s->tape.entries = s->entries;
        s->tape.n = s->n;
        s->state = GENAI_WANT_NOTHING;

        return GENAI_SCAN_DONE;

    case GENAI_WANT_ROOT:
        error = "the text is empty";
        break;

    case GENAI_WANT_VALUE:
        error = "a value is missing";
        break;

    case GENAI_WANT_COLON:
        error = "a colon is missing";
        break;

    case GENAI_WANT_QUOTE:
    case GENAI_WANT_KEY_QUOTE:
        error = "a string is not closed";
        break;

    case GENAI_WANT_FIRST_KEY:
    case GENAI_WANT_KEY:
    case GENAI_WANT_MORE:
        error = "an object is not closed";
        break;

    default: /* GENAI_WANT_FIRST, _ELEMENT, _MORE_ELEMENTS */
        error = "an array is not closed";
    }

    return genai_scan_fail(s, s->len, error);
}


/* the code of four hexadecimal digits at p, or -1 */

static int
genai_scan_hex4(const unsigned char *p, const unsigned char *end)
{
    unsigned  a, b, c, d;

    if (end - p < 4) {
        return -1;
    }

    a = genai_scan_hex[p[0]];
    b = genai_scan_hex[p[1]];
    c = genai_scan_hex[p[2]];
    d = genai_scan_hex[p[3]];

    if (!a || !b || !c || !d) {
        return -1;
    }

    return (a - 1) << 12 | (b - 1) << 8 | (c - 1) << 4 | (d - 1);
}


int
genai_scan_fail(genai_scan_t *s, size_t offset, const char *error)
{
    const unsigned char  *p, *end;

    if (error == NULL) {
        p = s->text + offset;
        end = s->text + s->len;

        if (*p >= 0x80) {
            error = "a string is not UTF-8";

        } else if (*p != '\\') {
            error = "a string has a raw control character";

        } else if (p[1] == 'u' && genai_scan_hex4(p + 2, end) != -1) {
            error = "an escape is a lone surrogate";

        } else {
            error = "a string has a bad escape";
        }
    }

    s->state = GENAI_WANT_FAILED;
    s->cause = GENAI_SCAN_BAD_TEXT;
    s->error = error;
    s->error_offset = offset;

    return GENAI_SCAN_ERROR;
}


int
genai_scan_grow(genai_scan_t *s, size_t offset)
{
    uint32_t  room;
    uint64_t  size;
    void     *p;

    if (s->room == s->max) {
        (void) genai_scan_fail(s, offset, "the text has too many values");
        s->cause = GENAI_SCAN_TOO_LARGE;

        return -1;
    }

    /* most of a request is in long strings: one entry for 128 bytes */

    room = s->room ? s->room : 16 + (uint32_t) (s->len / 256);
    room = (room > s->max / 2) ? s->max : 2 * room;

    size = (uint64_t) room * sizeof(genai_entry_t);

    p = (size > SIZE_MAX) ? NULL
        : genai_arena_grow(s->arena, s->entries,
                           s->room * sizeof(genai_entry_t), (size_t) size);

    if (p == NULL) {
        (void) genai_scan_fail(s, offset, "there is no memory for the values");
        s->cause = GENAI_SCAN_NO_MEMORY;

        return -1;
    }

    s->entries = p;
    s->room = room;

    return 0;
}


/*
 * Whether the escape whose backslash is at offset at is a right one, where it
 * is none of one letter.
 */

static __attribute__((noinline)) int
genai_scan_escape_is(genai_scan_t *s, size_t at)
{
    int                   code;
    const unsigned char  *p, *end;

    p = s->text + at + 1;
    end = s->text + s->len;

    if (p == end) {
        return 1;               /* it will be the string that is not closed */
    }

    if (*p != 'u') {
        return 0;
    }

    code = genai_scan_hex4(p + 1, end);

    if (code == -1) {
        return 0;
    }

    if (code < 0xd800 || code > 0xdfff) {
        return 1;
    }

    if (code >= 0xdc00) {

        /* all is well if the one before has announced it */

        return s->low == at;
    }

    if (end - p < 11 || p[5] != '\\' || p[6] != 'u') {
        return 0;
    }

    code = genai_scan_hex4(p + 7, end);

    if (code < 0xdc00 || code > 0xdfff) {
        return 0;
    }

    s->low = at + 6;

    return 1;
}


size_t
genai_scan_escapes(genai_scan_t *s, size_t o, uint64_t slash,
    uint64_t *escaped)
{
    size_t                bad, left;
    uint64_t              mask, bit;
    unsigned              i;
    const unsigned char  *p;

    p = s->text + o + 1;
    left = s->len - o - 1;

    bad = GENAI_SCAN_NONE;
    mask = s->escaped;
    slash &= ~mask;
    bit = 0;

    while (slash) {
        i = __builtin_ctzll(slash);

        /* a backslash behind it is what it escapes */

        bit = UINT64_C(1) << i;
        slash &= ~(bit | bit << 1);
        mask |= bit << 1;

        if (genai_likely(i < left && genai_scan_escape[p[i]])) {
            continue;
        }

        if (!genai_scan_escape_is(s, o + i)) {
            bad = o + i;
            break;
        }
    }

    s->escaped = bit >> 63;
    *escaped = mask;

    return bad;
}


size_t
genai_scan_utf8_at(const genai_scan_t *s, size_t o)
{
    uint64_t              w;
    unsigned              n, low, high;
    const unsigned char  *p, *end, *stop;

    p = s->text + o;
    end = s->text + s->len;
    stop = (end - p < GENAI_SCAN_BLOCK) ? end : p + GENAI_SCAN_BLOCK;

    if (o) {
        p -= genai_scan_cut(p);
    }

    while (p < stop) {

        if (*p < 0x80) {

            p++;

            while (stop - p >= 8) {
                memcpy(&w, p, 8);

                if (w & UINT64_C(0x8080808080808080)) {
                    break;
                }

                p += 8;
            }

            continue;
        }

        /* three bytes, as of most languages, where none is special */

        if (*p > 0xe0 && *p < 0xed && end - p > 2) {

            if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80) {
                return p - s->text;
            }

            p += 3;
            continue;
        }

        /* the well-formed sequences of the Unicode standard, table 3-7 */

        low = 0x80;
        high = 0xbf;

        if (*p < 0xc2) {
            return p - s->text;

        } else if (*p < 0xe0) {
            n = 2;

        } else if (*p < 0xf0) {
            n = 3;
            low = (*p == 0xe0) ? 0xa0 : low;
            high = (*p == 0xed) ? 0x9f : high;

        } else if (*p < 0xf5) {
            n = 4;
            low = (*p == 0xf0) ? 0x90 : low;
            high = (*p == 0xf4) ? 0x8f : high;

        } else {
            return p - s->text;
        }

        if ((size_t) (end - p) < n || p[1] < low || p[1] > high
            || (n > 2 && (p[2] & 0xc0) != 0x80)
            || (n > 3 && (p[3] & 0xc0) != 0x80))
        {
            return p - s->text;
        }

        p += n;
    }

    return GENAI_SCAN_NONE;
}


int
genai_scan_number(genai_scan_t *s, const unsigned char **pp,
    const unsigned char *end)
{
    int                   rc;
    const unsigned char  *p;

    p = *pp;
    rc = 0;

    switch (s->number) {

    case GENAI_NUMBER_SIGN:

        if (*p == '-' && ++p == end) {
            s->number = GENAI_NUMBER_INT;
            break;
        }

        /* fall through */

    case GENAI_NUMBER_INT:

        if (!genai_scan_digit(*p)) {
            rc = -1;
            break;
        }

        rc = 1;

        if (*p++ == '0') {

            if (p == end) {
                s->number = GENAI_NUMBER_POINT;
                break;
            }

            goto point;
        }

        /* fall through */

    case GENAI_NUMBER_INTS:

        rc = 1;

        while (p < end && genai_scan_digit(*p)) {
            p++;
        }

        if (p == end) {
            s->number = GENAI_NUMBER_INTS;
            break;
        }

        /* fall through */

    case GENAI_NUMBER_POINT:
    point:

        rc = 1;

        if (*p != '.') {
            goto exp;
        }

        if (++p == end) {
            s->number = GENAI_NUMBER_FRAC;
            rc = 0;
            break;
        }

        /* fall through */

    case GENAI_NUMBER_FRAC:

        if (!genai_scan_digit(*p)) {
            rc = -1;
            break;
        }

        /* fall through */

    case GENAI_NUMBER_FRACS:

        rc = 1;

        while (p < end && genai_scan_digit(*p)) {
            p++;
        }

        if (p == end) {
            s->number = GENAI_NUMBER_FRACS;
            break;
        }

    exp:

        if (*p != 'e' && *p != 'E') {
            break;
        }

        if (++p == end) {
            s->number = GENAI_NUMBER_EXP_SIGN;
            rc = 0;
            break;
        }

        /* fall through */

    case GENAI_NUMBER_EXP_SIGN:

        if ((*p == '+' || *p == '-') && ++p == end) {
            s->number = GENAI_NUMBER_EXP;
            rc = 0;
            break;
        }

        /* fall through */

    case GENAI_NUMBER_EXP:

        if (!genai_scan_digit(*p)) {
            rc = -1;
            break;
        }

        /* fall through */

    default: /* GENAI_NUMBER_EXPS */

        while (p < end && genai_scan_digit(*p)) {
            p++;
        }

        s->number = GENAI_NUMBER_EXPS;
        rc = 1;
    }

    *pp = p;

    return rc;
}
