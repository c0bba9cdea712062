/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A whole text's tokens in the plainest way: one step after the other, each
 * on all of the text.
 */


#ifndef _GENAI_T_BPE_TEXT_H_INCLUDED_
#define _GENAI_T_BPE_TEXT_H_INCLUDED_


#include "bpe.h"
#include "genai_split.h"
#include "genai_unicode.h"


typedef struct {
    unsigned char  *data;
    size_t          len;
} bpe_bytes_t;


static bpe_bytes_t
bpe_bytes(size_t size)
{
    bpe_bytes_t  b = { malloc(size + 1), 0 };

    if (b.data == NULL) {
        abort();
    }

    return b;
}


/* U+FFFD for each maximal part of what is no character, by table 3-7 */

BPE_UNUSED static bpe_bytes_t
bpe_repair(const unsigned char *p, size_t len)
{
    size_t       i, n, good;
    unsigned     low, high;
    bpe_bytes_t  b;

    b = bpe_bytes(3 * len);

    for (i = 0; i < len; i += good) {
        low = 0x80;
        high = 0xbf;

        if (p[i] < 0x80) {
            n = 1;

        } else if (p[i] >= 0xc2 && p[i] <= 0xdf) {
            n = 2;

        } else if (p[i] >= 0xe0 && p[i] <= 0xef) {
            n = 3;
            low = (p[i] == 0xe0) ? 0xa0 : low;
            high = (p[i] == 0xed) ? 0x9f : high;

        } else if (p[i] >= 0xf0 && p[i] <= 0xf4) {
            n = 4;
            low = (p[i] == 0xf0) ? 0x90 : low;
            high = (p[i] == 0xf4) ? 0x8f : high;

        } else {
            n = 0;
        }

        for (good = 1; good < n && i + good < len; good++) {

            if (p[i + good] < low || p[i + good] > high) {
                break;
            }

            low = 0x80;
            high = 0xbf;
        }

        if (good == n) {
            memcpy(b.data + b.len, p + i, n);
            b.len += n;

        } else {
            memcpy(b.data + b.len, "\xef\xbf\xbd", 3);
            b.len += 3;
        }
    }

    return b;
}


/* between added tokens */

static size_t
bpe_segment(const genai_vocab_source_t *s, const unsigned char *p, size_t len,
    uint32_t *tokens)
{
    size_t       i, n, k, start;
    uint32_t    *ends;
    genai_str_t  text;
    bpe_bytes_t  b;

    if (len == 0) {
        return 0;
    }

    b = bpe_bytes(3 * len);
    text.data = (unsigned char *) p;
    text.len = len;

    if (s->nfc) {
        b.len = genai_nfc_write(b.data, &text);

    } else {
        for (i = 0; i < len; i++) {
            if (s->chars && len - i >= 3
                && memcmp(p + i, "\xe2\x96\x81", 3) == 0)
            {
                b.data[b.len++] = ' ';
                i += 2;
                continue;
            }

            b.data[b.len++] = p[i];
        }
    }

    ends = malloc((b.len + 1) * sizeof(uint32_t));

    if (ends == NULL) {
        abort();
    }

    text.data = b.data;
    text.len = b.len;

    k = genai_split(s->split, NULL, &text, 1, ends, b.len + 1);
    n = 0;
    start = 0;

    for (i = 0; i < k; i++) {
        n += bpe_naive(s, b.data + start, ends[i] - start, tokens + n, NULL);
        start = ends[i];
    }

    free(ends);
    free(b.data);

    return n;
}


/*
 * All tokens of a text, as indexes, into tokens, which has room for three a
 * byte, and three.  Returns how many.
 */

BPE_UNUSED static size_t
bpe_whole(const genai_vocab_source_t *s, const unsigned char *p, size_t len,
    uint32_t *tokens)
{
    int          best;
    size_t       i, n, start;
    uint32_t     k;
    bpe_bytes_t  b, t;

    b = bpe_repair(p, len);

    if (s->prefix && len) {
        t = bpe_bytes(b.len + 1);
        t.data[0] = ' ';
        memcpy(t.data + 1, b.data, b.len);
        t.len = b.len + 1;
        free(b.data);
        b = t;
    }

    n = 0;
    start = 0;

    for (i = 0; i < b.len; /* void */ ) {
        best = -1;

        for (k = 0; k < s->ntokens; k++) {
            if (s->tokens[k].kind == GENAI_TOKEN_ADDED
                && s->tokens[k].bytes.len <= b.len - i
                && memcmp(s->tokens[k].bytes.data, b.data + i,
                          s->tokens[k].bytes.len) == 0
                && (best < 0 || s->tokens[k].bytes.len
                                > s->tokens[best].bytes.len))
            {
                best = (int) k;
            }
        }

        if (best < 0) {
            i++;
            continue;
        }

        n += bpe_segment(s, b.data + start, i - start, tokens + n);
        tokens[n++] = (uint32_t) best;
        i += s->tokens[best].bytes.len;
        start = i;
    }

    n += bpe_segment(s, b.data + start, b.len - start, tokens + n);
    free(b.data);

    return n;
}


#endif /* _GENAI_T_BPE_TEXT_H_INCLUDED_ */
