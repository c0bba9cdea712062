/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_writer.h"
#include "genai_text.h"


/* bytes of a string that are escaped at a time: they may become six each */
#define GENAI_WRITER_RUN  128

/* written as it is, whatever stands around it */
#define genai_writer_plain(c)                                                 \
    ((c) >= 0x20 && (c) < 0x7f && (c) != '"' && (c) != '\\')


static void genai_writer_put(genai_writer_t *w, const void *p, size_t n);
static void genai_writer_byte(genai_writer_t *w, char c);
static int genai_writer_before(genai_writer_t *w, int name);
static unsigned genai_writer_char(unsigned char *dst,
    const unsigned char **src, const unsigned char *end);


void
genai_writer_init(genai_writer_t *w, genai_write_pt write, void *ctx)
{
    w->write = write;
    w->ctx = ctx;
    w->rc = 0;
    w->n = 0;
    w->depth = 0;
    w->member = 0;
    w->string = 0;
    w->comma = 0;
    w->object = 0;
}


void
genai_writer_resume(genai_writer_t *w, const char *open)
{
    for ( /* void */ ; *open; open++) {

        if (*open == '"') {
            w->string = 1;
            continue;
        }

        if (w->depth == GENAI_WRITER_DEPTH) {
            w->rc = -1;
            return;
        }

        w->comma |= UINT64_C(1) << w->depth;
        w->object |= (uint64_t) (*open == '{') << w->depth;
        w->depth++;
    }
}


int
genai_writer_flush(genai_writer_t *w)
{
    if (w->rc == 0 && w->n) {
        w->rc = w->write(w->ctx, w->buf, w->n);
    }

    w->n = 0;

    return w->rc;
}


void
genai_writer_open(genai_writer_t *w, char c)
{
    uint64_t  bit;

    if (genai_writer_before(w, 0) != 0) {
        return;
    }

    if (w->depth == GENAI_WRITER_DEPTH) {
        w->rc = -1;
        return;
    }

    bit = UINT64_C(1) << w->depth++;

    w->comma &= ~bit;
    w->object = (c == '{') ? w->object | bit : w->object & ~bit;

    genai_writer_byte(w, c);
}


void
genai_writer_close(genai_writer_t *w, char c)
{
    if (w->depth == 0 || w->member || w->string
        || (w->object >> (w->depth - 1) & 1) != (c == '}'))
    {
        w->rc = w->rc ? w->rc : -1;
        return;
    }

    w->depth--;

    genai_writer_byte(w, c);
}


void
genai_writer_name(genai_writer_t *w, const char *name)
{
    genai_str_t  s;

    if (genai_writer_before(w, 1) != 0) {
        return;
    }

    s.len = strlen(name);
    s.data = (unsigned char *) name;

    w->string = 1;
    genai_writer_byte(w, '"');
    genai_writer_piece(w, &s);
    genai_writer_put(w, "\":", 2);
    w->string = 0;
    w->member = 1;
}


void
genai_writer_raw_name(genai_writer_t *w, const genai_str_t *raw)
{
    if (genai_writer_before(w, 1) != 0) {
        return;
    }

    genai_writer_byte(w, '"');
    genai_writer_put(w, raw->data, raw->len);
    genai_writer_put(w, "\":", 2);
    w->member = 1;
}


void
genai_writer_string(genai_writer_t *w, const genai_str_t *s)
{
    genai_writer_begin(w);
    genai_writer_piece(w, s);
    genai_writer_end(w);
}


void
genai_writer_int(genai_writer_t *w, int64_t n)
{
    char     *p, buf[24];
    uint64_t  u;

    if (genai_writer_before(w, 0) != 0) {
        return;
    }

    u = (n < 0) ? 0 - (uint64_t) n : (uint64_t) n;
    p = buf + sizeof(buf);

    do {
        *--p = (char) ('0' + u % 10);
        u /= 10;
    } while (u);

    if (n < 0) {
        *--p = '-';
    }

    genai_writer_put(w, p, buf + sizeof(buf) - p);
}


void
genai_writer_raw(genai_writer_t *w, const genai_str_t *json)
{
    if (genai_writer_before(w, 0) == 0) {
        genai_writer_put(w, json->data, json->len);
    }
}


void
genai_writer_literal(genai_writer_t *w, const char *json)
{
    if (genai_writer_before(w, 0) == 0) {
        genai_writer_put(w, json, strlen(json));
    }
}


void
genai_writer_begin(genai_writer_t *w)
{
    if (genai_writer_before(w, 0) == 0) {
        genai_writer_byte(w, '"');
        w->string = 1;
    }
}


void
genai_writer_piece(genai_writer_t *w, const genai_str_t *s)
{
    size_t                n;
    const unsigned char  *p, *end;

    if (!w->string) {
        w->rc = w->rc ? w->rc : -1;
    }

    if (w->rc != 0 || s->len == 0) {
        return;
    }

    p = s->data;
    end = p + s->len;

    while (p < end) {
        n = end - p;

        if (n > GENAI_WRITER_RUN) {
            n = GENAI_WRITER_RUN;

            /* not inside a character, where it is one */

            while (n > GENAI_WRITER_RUN - 4 && (p[n] & 0xc0) == 0x80) {
                n--;
            }
        }

        if (6 * n > sizeof(w->buf) - w->n && genai_writer_flush(w) != 0) {
            return;
        }

        w->n = (unsigned) (genai_write_escaped(w->buf + w->n, p, n) - w->buf);
        p += n;
    }
}


void
genai_writer_raw_piece(genai_writer_t *w, const genai_str_t *raw)
{
    if (!w->string) {
        w->rc = w->rc ? w->rc : -1;
    }

    genai_writer_put(w, raw->data, raw->len);
}


void
genai_writer_end(genai_writer_t *w)
{
    if (!w->string) {
        w->rc = w->rc ? w->rc : -1;
    }

    w->string = 0;
    genai_writer_byte(w, '"');
}


void
genai_writer_bytes(genai_writer_t *w, const char *p, size_t n)
{
    genai_writer_put(w, p, n);
}


/* what is in front of a name or a value */

static int
genai_writer_before(genai_writer_t *w, int name)
{
    uint64_t  bit;

    if (w->rc != 0) {
        return -1;
    }

    bit = w->depth ? UINT64_C(1) << (w->depth - 1) : 0;

    /* a name is due where an object is open and has not had it yet */

    if (w->string || name != ((w->object & bit) && !w->member)) {
        w->rc = -1;
        return -1;
    }

    if (w->member) {
        w->member = 0;
        return 0;
    }

    if (w->comma & bit) {
        genai_writer_byte(w, ',');
    }

    w->comma |= bit;

    return w->rc ? -1 : 0;
}


static void
genai_writer_byte(genai_writer_t *w, char c)
{
    if (w->n == sizeof(w->buf)) {
        (void) genai_writer_flush(w);
    }

    w->buf[w->n++] = (unsigned char) c;
}


/* what is larger than the buffer needs no copy there */

static void
genai_writer_put(genai_writer_t *w, const void *p, size_t n)
{
    if (w->rc != 0 || n == 0) {
        return;
    }

    if (n > sizeof(w->buf) - w->n) {

        if (genai_writer_flush(w) != 0) {
            return;
        }

        if (n > sizeof(w->buf)) {
            w->rc = w->write(w->ctx, p, n);
            return;
        }
    }

    memcpy(w->buf + w->n, p, n);
    w->n += (unsigned) n;
}


int
genai_writer_arena(void *ctx, const unsigned char *p, size_t n)
{
    genai_writer_arena_t  *a = ctx;

    size_t   room;
    void    *data;

    if (n > a->room - a->text.len) {

        if (n > SIZE_MAX / 4 || a->room > SIZE_MAX / 4) {
            return -1;
        }

        room = 2 * a->room + n;

        data = genai_arena_grow(a->arena, a->text.data, a->room, room);
        if (data == NULL) {
            return -1;
        }

        a->text.data = data;
        a->room = room;
    }

    memcpy(a->text.data + a->text.len, p, n);
    a->text.len += n;

    return 0;
}


unsigned char *
genai_write_escaped(unsigned char *dst, const unsigned char *src, size_t len)
{
    const unsigned char  *end;

    if (len == 0) {
        return dst;
    }

    for (end = src + len; src < end; /* void */ ) {

        if (genai_writer_plain(*src)) {
            *dst++ = *src++;
            continue;
        }

        dst += genai_writer_char(dst, &src, end);
    }

    return dst;
}


size_t
genai_write_escaped_len(const unsigned char *src, size_t len)
{
    size_t                n;
    unsigned char         buf[6];
    const unsigned char  *end;

    if (len == 0) {
        return 0;
    }

    n = 0;

    for (end = src + len; src < end; /* void */ ) {

        if (genai_writer_plain(*src)) {
            src++;
            n++;
            continue;
        }

        n += genai_writer_char(buf, &src, end);
    }

    return n;
}


/* a character that is not plain, of six bytes at most; steps over it */

static unsigned
genai_writer_char(unsigned char *dst, const unsigned char **src,
    const unsigned char *end)
{
    static const char  hex[] = "0123456789abcdef";

    unsigned              n;
    const unsigned char  *p, *q;

    p = *src;
    *src = p + 1;

    switch (*p) {

    case '"':
    case '\\':
        dst[0] = '\\';
        dst[1] = *p;
        return 2;

    case '\n':
        dst[0] = '\\';
        dst[1] = 'n';
        return 2;

    case '\t':
        dst[0] = '\\';
        dst[1] = 't';
        return 2;
    }

    if (*p < 0x80) {
        memcpy(dst, "\\u00", 4);
        dst[4] = (unsigned char) hex[*p >> 4];
        dst[5] = (unsigned char) hex[*p & 0xf];
        return 6;
    }

    q = genai_text_utf8(p, end);

    if (q == NULL) {
        memcpy(dst, "\xef\xbf\xbd", 3);
        return 3;
    }

    *src = q;
    n = (unsigned) (q - p);
    memcpy(dst, p, n);

    return n;
}
