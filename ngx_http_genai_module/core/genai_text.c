/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_text.h"
#include "genai_tape.h"


/* a character of a raw string */

typedef struct {
    unsigned       raw;         /* bytes there */
    unsigned       n;           /* bytes decoded */
    unsigned char  utf8[4];
} genai_text_char_t;


static size_t genai_text_run(unsigned char *dst, const genai_str_t *raw,
    uint32_t *marks);
static void genai_text_escape(genai_text_char_t *c, const unsigned char *p);
static void genai_text_fold_char(genai_text_char_t *c,
    const unsigned char *p, size_t n);
static size_t genai_text_raw(const genai_text_t *t, size_t at);


int
genai_text_read(genai_text_t *t, genai_arena_t *arena, const genai_str_t *raw,
    int escaped)
{
    uint32_t  *marks;

    t->raw = *raw;
    t->text = *raw;
    t->marks = NULL;

    if (!escaped) {
        return 0;
    }

    t->text.data = genai_arena_alloc(arena, raw->len);
    marks = genai_arena_alloc(arena, (raw->len / GENAI_TEXT_STEP + 1)
                                     * sizeof(uint32_t));

    if (t->text.data == NULL || marks == NULL) {
        return -1;
    }

    t->text.len = genai_text_run(t->text.data, raw, marks);
    t->marks = marks;

    return 0;
}


void
genai_text_span(const genai_text_t *t, size_t from, size_t to, size_t *start,
    size_t *end)
{
    *start = genai_text_raw(t, from);

    if (from == to) {
        *end = *start;
        return;
    }

    while (to < t->text.len && (t->text.data[to] & 0xc0) == 0x80) {
        to++;
    }

    *end = genai_text_raw(t, to);
}


size_t
genai_text_decode(unsigned char *dst, const genai_str_t *raw)
{
    return genai_text_run(dst, raw, NULL);
}


/* decodes, and notes where the character of every step's byte began */

static size_t
genai_text_run(unsigned char *dst, const genai_str_t *raw, uint32_t *marks)
{
    size_t                n, at, next;
    genai_text_char_t     c;
    const unsigned char  *p, *q, *end;

    if (raw->len == 0) {
        return 0;
    }

    p = raw->data;
    end = p + raw->len;
    at = 0;
    next = 0;

    while (p < end) {

        q = memchr(p, '\\', end - p);
        n = (q ? q : end) - p;

        memcpy(dst + at, p, n);

        if (marks) {
            for ( /* void */ ; next < at + n; next += GENAI_TEXT_STEP) {
                q = p + (next - at);

                while ((*q & 0xc0) == 0x80) {
                    q--;
                }

                marks[next / GENAI_TEXT_STEP] = (uint32_t) (q - raw->data);
            }
        }

        p += n;
        at += n;

        if (p == end) {
            break;
        }

        genai_text_escape(&c, p);
        memcpy(dst + at, c.utf8, c.n);

        if (marks && next < at + c.n) {
            marks[next / GENAI_TEXT_STEP] = (uint32_t) (p - raw->data);
            next += GENAI_TEXT_STEP;
        }

        p += c.raw;
        at += c.n;
    }

    return at;
}


/* the raw offset of the character that the decoded byte at is in */

static size_t
genai_text_raw(const genai_text_t *t, size_t at)
{
    size_t                n, raw, step;
    genai_text_char_t     c;
    const unsigned char  *text;

    if (at >= t->text.len) {
        return t->raw.len;
    }

    text = t->text.data;

    if (t->marks == NULL) {

        while ((text[at] & 0xc0) == 0x80) {
            at--;
        }

        return at;
    }

    raw = t->marks[at / GENAI_TEXT_STEP];
    step = at - at % GENAI_TEXT_STEP;

    while ((text[step] & 0xc0) == 0x80) {
        step--;
    }

    for ( ;; ) {

        if (t->raw.data[raw] == '\\') {
            genai_text_escape(&c, t->raw.data + raw);

        } else {
            for (n = 1; step + n < t->text.len; n++) {
                if ((text[step + n] & 0xc0) != 0x80) {
                    break;
                }
            }

            c.raw = (unsigned) n;
            c.n = (unsigned) n;
        }

        if (at < step + c.n) {
            return raw;
        }

        raw += c.raw;
        step += c.n;
    }
}


/* the escape at p, known to be good */

static void
genai_text_escape(genai_text_char_t *c, const unsigned char *p)
{
    uint32_t              code;
    const unsigned char  *q;

    q = p;
    code = genai_tape_char(&q);
    c->raw = (unsigned) (q - p);

    if (code < 0x80) {
        c->utf8[0] = (unsigned char) code;
        c->n = 1;
        return;
    }

    if (code < 0x800) {
        c->utf8[0] = (unsigned char) (0xc0 | code >> 6);
        c->utf8[1] = (unsigned char) (0x80 | (code & 0x3f));
        c->n = 2;
        return;
    }

    if (code < 0x10000) {
        c->utf8[0] = (unsigned char) (0xe0 | code >> 12);
        c->utf8[1] = (unsigned char) (0x80 | (code >> 6 & 0x3f));
        c->utf8[2] = (unsigned char) (0x80 | (code & 0x3f));
        c->n = 3;
        return;
    }

    c->utf8[0] = (unsigned char) (0xf0 | code >> 18);
    c->utf8[1] = (unsigned char) (0x80 | (code >> 12 & 0x3f));
    c->utf8[2] = (unsigned char) (0x80 | (code >> 6 & 0x3f));
    c->utf8[3] = (unsigned char) (0x80 | (code & 0x3f));
    c->n = 4;
}


int
genai_text_compare(const genai_str_t *raw, int escaped,
    const genai_str_t *name)
{
    int                   rc;
    size_t                n;
    genai_text_char_t     c;
    const unsigned char  *p, *q, *last, *end;

    p = raw->data;
    last = p + raw->len;
    q = name->data;
    end = q + name->len;

    while (p < last && q < end) {

        if (escaped && *p == '\\') {
            genai_text_escape(&c, p);

            n = (c.n < (size_t) (end - q)) ? c.n : (size_t) (end - q);
            rc = memcmp(c.utf8, q, n);

            if (rc != 0) {
                return rc;
            }

            if (n < c.n) {
                return 1;
            }

            p += c.raw;
            q += n;
            continue;
        }

        if (*p != *q) {
            return (*p < *q) ? -1 : 1;
        }

        p++;
        q++;
    }

    return (p < last) - (q < end);
}


/* a character, n bytes of UTF-8 at p, folded: c.raw is how long it was */

static void
genai_text_fold_char(genai_text_char_t *c, const unsigned char *p, size_t n)
{
    c->raw = 1;
    c->n = 1;
    c->utf8[0] = p[0];

    if (p[0] >= 'A' && p[0] <= 'Z') {
        c->utf8[0] |= 0x20;

    } else if (n >= 2 && p[0] == 0xc5 && p[1] == 0xbf) {
        c->raw = 2;
        c->utf8[0] = 's';

    } else if (n >= 3 && p[0] == 0xe2 && p[1] == 0x84 && p[2] == 0xaa) {
        c->raw = 3;
        c->utf8[0] = 'k';
    }
}


int
genai_text_compare_folded(const genai_str_t *raw, int escaped,
    const genai_str_t *name)
{
    size_t                i, used;
    genai_text_char_t     c, folded;
    const unsigned char  *p, *q, *last, *end;

    p = raw->data;
    last = p + raw->len;
    q = name->data;
    end = q + name->len;

    while (p < last && q < end) {

        if (escaped && *p == '\\') {
            genai_text_escape(&c, p);
            used = c.raw;

            genai_text_fold_char(&folded, c.utf8, c.n);

            if (folded.raw == c.n) {
                c = folded;
            }

        } else {
            genai_text_fold_char(&c, p, last - p);
            used = c.raw;
        }

        for (i = 0; i < c.n; i++) {

            if (q == end) {
                return 1;
            }

            if (c.utf8[i] != *q) {
                return (c.utf8[i] < *q) ? -1 : 1;
            }

            q++;
        }

        p += used;
    }

    return (p < last) - (q < end);
}


void
genai_text_fold(genai_str_t *s)
{
    unsigned char        *dst;
    genai_text_char_t     c;
    const unsigned char  *p, *end;

    dst = s->data;
    p = s->data;
    end = p + s->len;

    while (p < end) {
        genai_text_fold_char(&c, p, end - p);
        *dst++ = c.utf8[0];
        p += c.raw;
    }

    s->len = dst - s->data;
}


int
genai_text_boundary(const genai_str_t *raw, int escaped, size_t at,
    size_t known, size_t next)
{
    size_t                first, last, slash;
    const unsigned char  *p, *q;

    p = raw->data;

    if (at == known || at == next || at == raw->len) {
        return 1;
    }

    if ((p[at] & 0xc0) == 0x80) {
        return 0;
    }

    if (!escaped) {
        return 1;
    }

    /* an escape has six bytes at most, and only its first is a backslash */

    for (slash = at; ; /* void */ ) {

        if (slash == known || at - slash == 6) {
            return 1;
        }

        if (p[--slash] == '\\') {
            break;
        }
    }

    /* but for an escaped backslash: it is the second one of two */

    last = slash;

    for (first = slash; first > known && p[first - 1] == '\\'; first--) {

        /* all up to next are pairs: counted from there it is the same */

        if (last < next && p[last] == '\\' && ++last == next) {
            first = slash - (next - slash) % 2;
            break;
        }
    }

    if ((slash - first) % 2) {
        return 1;
    }

    /* a pair of surrogates is one character */

    q = p + slash;
    (void) genai_tape_char(&q);

    return p + at >= q;
}


const unsigned char *
genai_text_utf8(const unsigned char *p, const unsigned char *end)
{
    size_t         i, n;
    unsigned char  low, high;

    low = 0x80;
    high = 0xbf;

    if (*p < 0x80) {
        return p + 1;

    } else if (*p < 0xc2) {
        return NULL;

    } else if (*p < 0xe0) {
        n = 2;

    } else if (*p < 0xf0) {
        n = 3;
        low = (*p == 0xe0) ? 0xa0 : 0x80;
        high = (*p == 0xed) ? 0x9f : 0xbf;

    } else if (*p < 0xf5) {
        n = 4;
        low = (*p == 0xf0) ? 0x90 : 0x80;
        high = (*p == 0xf4) ? 0x8f : 0xbf;

    } else {
        return NULL;
    }

    if ((size_t) (end - p) < n || p[1] < low || p[1] > high) {
        return NULL;
    }

    for (i = 2; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return NULL;
        }
    }

    return p + n;
}


int
genai_text_is_utf8(const genai_str_t *s)
{
    const unsigned char  *p, *end;

    if (s->len == 0) {
        return 1;
    }

    p = s->data;
    end = p + s->len;

    while (p && p < end) {
        p = (*p < 0x80) ? p + 1 : genai_text_utf8(p, end);
    }

    return p != NULL;
}
