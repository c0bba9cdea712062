/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is copied: a stream, or a text that must be changed before it is cut.
 *
 *     bytes -> UTF-8 -> raw -> added tokens, normalized -> tail -> cut
 *
 * Each place keeps what more bytes might still change, and looks at it again
 * only when it has doubled, or at what is new, so that the whole is linear.
 */


#include "genai_counter_int.h"

#include <stdlib.h>


void
genai_counter_done(genai_counter_t *c)
{
    free(c->raw.data);
    free(c->tail.data);
    free(c->nfc);
    c->nfc = NULL;

    memset(&c->raw, 0, sizeof(c->raw));
    memset(&c->tail, 0, sizeof(c->tail));
}


/* room for n more bytes */

static int
genai_counter_room(genai_counter_t *c, genai_counter_buf_t *buf, size_t n)
{
    size_t          size;
    unsigned char  *p;

    if (n <= buf->size - buf->len) {
        return 0;
    }

    size = buf->size ? 2 * buf->size : 256;

    while (size - buf->len < n) {
        size *= 2;
    }

    p = realloc(buf->data, size);

    if (p == NULL) {
        c->failed = 1;
        return -1;
    }

    buf->data = p;
    buf->size = size;

    return 0;
}


static int
genai_counter_add(genai_counter_t *c, genai_counter_buf_t *buf,
    const void *p, size_t n)
{
    if (n == 0) {
        return 0;
    }

    if (genai_counter_room(c, buf, n) != 0) {
        return -1;
    }

    memcpy(buf->data + buf->len, p, n);
    buf->len += n;

    return 0;
}


static void
genai_counter_drop(genai_counter_buf_t *buf, size_t n)
{
    if (n) {
        buf->len -= n;
        memmove(buf->data, buf->data + n, buf->len);
    }
}


/* what is UTF-8 goes here first */

static genai_counter_buf_t *
genai_counter_first(genai_counter_t *c)
{
    const genai_vocab_t  *v;

    v = c->bpe.vocab;

    return (v->added || v->nfc || v->chars) ? &c->raw : &c->tail;
}


int
genai_counter_put(genai_counter_t *c, const unsigned char *p, size_t len)
{
    size_t                n, m;
    genai_counter_buf_t  *buf;

    buf = genai_counter_first(c);

    /* the character that was cut, byte by byte */

    while (c->npartial && len) {
        c->partial[c->npartial++] = *p;

        if (genai_counter_utf8(c->partial, c->npartial) == c->npartial) {

            if (genai_counter_add(c, buf, c->partial, c->npartial) != 0) {
                return -1;
            }

            c->npartial = 0;
            p++;
            len--;
            continue;
        }

        n = genai_counter_bad(c->partial, c->npartial);

        if (n == 0) {
            p++;
            len--;
            continue;
        }

        /* it ends before this byte, which is looked at again */

        if (genai_counter_add(c, buf, "\xef\xbf\xbd", 3) != 0) {
            return -1;
        }

        c->npartial = 0;
    }

    while (len) {
        n = genai_counter_utf8(p, len);

        if (genai_counter_add(c, buf, p, n) != 0) {
            return -1;
        }

        p += n;
        len -= n;

        if (len == 0) {
            break;
        }

        m = genai_counter_bad(p, len);

        if (m == 0) {
            memcpy(c->partial, p, len);
            c->npartial = (unsigned) len;
            break;
        }

        if (genai_counter_add(c, buf, "\xef\xbf\xbd", 3) != 0) {
            return -1;
        }

        p += m;
        len -= m;
    }

    return 0;
}


int
genai_counter_rest(genai_counter_t *c, const genai_str_t *text)
{
    while (c->fed < c->seen && (text->data[c->fed] & 0xc0) == 0x80) {

        if (genai_counter_add(c, &c->tail, text->data + c->fed, 1) != 0) {
            return -1;
        }

        c->fed++;
    }

    return 0;
}


int
genai_counter_put_end(genai_counter_t *c)
{
    if (c->npartial == 0) {
        return 0;
    }

    c->npartial = 0;

    return genai_counter_add(c, genai_counter_first(c), "\xef\xbf\xbd", 3);
}


/* spaces for U+2581 */

static int
genai_counter_marks(genai_counter_t *c, const unsigned char *p, size_t len)
{
    const unsigned char  *q, *end, *from;

    end = p + len;
    from = p;

    for ( ;; ) {
        q = (p < end) ? memchr(p, 0xe2, end - p) : NULL;

        if (q == NULL || end - q < 3) {
            break;
        }

        if (memcmp(q, GENAI_COUNTER_MARK, 3) != 0) {
            p = q + 1;
            continue;
        }

        if (genai_counter_add(c, &c->tail, from, q - from) != 0
            || genai_counter_add(c, &c->tail, " ", 1) != 0)
        {
            return -1;
        }

        p = q + 3;
        from = p;
    }

    return genai_counter_add(c, &c->tail, from, end - from);
}


/* n bytes of raw are in the tail now */

static void
genai_counter_moved(genai_counter_t *c, size_t n)
{
    genai_counter_drop(&c->raw, n);

    c->raw_found = (c->raw_found > n) ? c->raw_found - n : 0;
    c->raw_seen = 0;
}


/* n bytes of raw, between added tokens, go to the tail, or begin to */

static int
genai_counter_normal(genai_counter_t *c, size_t n)
{
    int          rc;
    genai_str_t  part;

    part.data = c->raw.data;
    part.len = n;

    if (c->bpe.vocab->nfc) {

        if (genai_counter_room(c, &c->tail, genai_nfc_bound(n)) != 0) {
            return -1;
        }

        if (n > GENAI_COUNTER_MARKS) {

            c->nfc = malloc(sizeof(genai_nfc_long_t));

            if (c->nfc == NULL) {
                c->failed = 1;
                return -1;
            }

            genai_nfc_long_begin(c->nfc, c->tail.data + c->tail.len, &part);
            c->nfc_len = n;

            return 0;
        }

        c->tail.len += genai_nfc_write(c->tail.data + c->tail.len, &part);

    } else {
        rc = c->bpe.vocab->chars
             ? genai_counter_marks(c, part.data, n)
             : genai_counter_add(c, &c->tail, part.data, n);

        if (rc != 0) {
            return -1;
        }
    }

    genai_counter_moved(c, n);

    return 0;
}


/* how much of raw, up to n, is by itself: only what is new is looked at */

static size_t
genai_counter_stretch(genai_counter_t *c, size_t n)
{
    size_t       from, cut;
    genai_str_t  s;

    from = c->raw_seen;

    while (from > 0 && (c->raw.data[--from] & 0xc0) == 0x80) { /* void */ }

    c->raw_seen = n;

    s.data = c->raw.data + from;
    s.len = n - from;

    cut = genai_nfc_cut(&s);

    return cut ? from + cut : 0;
}


/*
 * What is sure of raw, up to the next added token, goes to the tail.  Returns
 * 1 if something did, 0, or -1.
 */

static int
genai_counter_raw(genai_counter_t *c, int last)
{
    size_t               n;
    genai_str_t          s;
    genai_counter_hit_t  hit;

    n = c->raw.len;
    hit.len = 0;

    c->bpe.budget -= (int64_t) ((n - c->raw_found) / GENAI_COUNTER_SEE + 1);

    if (c->bpe.vocab->added) {
        s.data = c->raw.data + c->raw_found;
        s.len = c->raw.len - c->raw_found;

        n = c->raw_found + genai_counter_find(c->bpe.vocab, &s, s.len, last,
                                              &hit);
    }

    c->raw_found = n;

    if (hit.len == 0 && c->bpe.vocab->nfc && !(last && n == c->raw.len)) {
        n = genai_counter_stretch(c, n);
    }

    if (n == 0 && hit.len == 0 && !c->whole
        && c->raw.len > GENAI_COUNTER_TAIL)
    {
        /* nothing but marks */

        n = c->raw.len;
        c->inexact = 1;
    }

    if (n == 0 && hit.len == 0) {
        return 0;
    }

    if (n && genai_counter_normal(c, n) != 0) {
        return -1;
    }

    if (hit.len && c->nfc == NULL) {
        genai_counter_moved(c, hit.len);
        c->hit = 1;
        c->hit_id = hit.id;
    }

    return 1;
}


static int
genai_counter_tail(genai_counter_t *c, int last)
{
    int          rc;
    size_t       left;
    genai_str_t  s;

    s.data = c->tail.data;
    s.len = c->tail.len;

    rc = genai_counter_cut(c, &s, last);

    if (rc != GENAI_COUNTER_DONE) {
        return rc;
    }

    if (!last && !c->whole && s.len - c->pos > GENAI_COUNTER_TAIL) {
        c->inexact = 1;
        rc = genai_counter_cut(c, &s, 1);

        if (rc != GENAI_COUNTER_DONE) {
            return rc;
        }
    }

    genai_counter_drop(&c->tail, c->pos);
    c->pos = 0;
    c->next = 0;
    c->nends = 0;

    left = 2 * c->tail.len;
    c->tail_try = (left > GENAI_COUNTER_TRY) ? left : GENAI_COUNTER_TRY;

    if (c->run.kind) {
        c->tail_try = c->tail.len + GENAI_COUNTER_MORE;
    }

    return GENAI_COUNTER_DONE;
}


int
genai_counter_pump(genai_counter_t *c, int last)
{
    int     rc, end;
    size_t  n;

    for ( ;; ) {

        if (c->nfc) {

            if (!genai_nfc_long(c->nfc, &c->bpe.budget, &n)) {
                return GENAI_COUNTER_AGAIN;
            }

            free(c->nfc);
            c->nfc = NULL;
            c->tail.len += n;
            genai_counter_moved(c, c->nfc_len);
        }

        end = (c->hit || (last && c->raw.len == 0));

        if (end || c->pos || c->nends || c->tail.len >= c->tail_try) {
            rc = genai_counter_tail(c, end);

            if (rc != GENAI_COUNTER_DONE) {
                return rc;
            }
        }

        if (c->hit) {
            genai_counter_hit(c);
            c->tail_try = 0;
            continue;
        }

        if (c->raw.len == 0 || (!last && c->raw.len == c->raw_try)) {
            return GENAI_COUNTER_DONE;
        }

        rc = genai_counter_raw(c, last);

        if (rc < 0) {
            return GENAI_COUNTER_ERROR;
        }

        c->raw_try = rc ? 0 : c->raw.len;

        if (rc == 0) {
            return GENAI_COUNTER_DONE;
        }
    }
}
