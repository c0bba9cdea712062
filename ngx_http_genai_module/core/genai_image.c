/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_image.h"


#define GENAI_IMAGE_SIDE  (1 << 24)


/* the bytes that a base64 text means, from the front to the back */

typedef struct {
    const unsigned char  *p;
    const unsigned char  *end;
    uint32_t              bits;         /* that are read ahead, */
    unsigned              nbits;        /* how many */
    unsigned              bad:1;        /* the text has ended, or is none */
} genai_image_t;


static int genai_image_begin(genai_image_t *im, const genai_str_t *url);
static int genai_image_six(genai_image_t *im);
static uint32_t genai_image_byte(genai_image_t *im);
static uint32_t genai_image_big(genai_image_t *im, unsigned n);
static uint32_t genai_image_little(genai_image_t *im, unsigned n);
static void genai_image_skip(genai_image_t *im, uint32_t n);
static void genai_image_jpeg(genai_image_t *im, uint32_t *width,
    uint32_t *height);
static void genai_image_webp(genai_image_t *im, uint32_t *width,
    uint32_t *height);


int
genai_image_size(const genai_str_t *url, uint32_t *width, uint32_t *height)
{
    uint32_t       w, h;
    genai_image_t  im;

    if (genai_image_begin(&im, url) == -1) {
        return -1;
    }

    w = 0;
    h = 0;

    switch (genai_image_big(&im, 2)) {

    case 0x8950:                            /* \x89 P N G \r \n \x1a \n */

        if (genai_image_big(&im, 2) == 0x4e47
            && genai_image_big(&im, 4) == 0x0d0a1a0a)
        {
            genai_image_skip(&im, 8);       /* of the chunk IHDR */
            w = genai_image_big(&im, 4);
            h = genai_image_big(&im, 4);
        }

        break;

    case 0x4749:                            /* G I F 8 9 a */

        if (genai_image_big(&im, 2) == 0x4638) {
            genai_image_skip(&im, 2);
            w = genai_image_little(&im, 2);
            h = genai_image_little(&im, 2);
        }

        break;

    case 0xffd8:
        genai_image_jpeg(&im, &w, &h);
        break;

    case 0x5249:                            /* R I F F, 4 bytes, W E B P */

        if (genai_image_big(&im, 2) == 0x4646) {
            genai_image_skip(&im, 4);

            if (genai_image_big(&im, 4) == 0x57454250) {
                genai_image_webp(&im, &w, &h);
            }
        }

        break;

    default:
        break;
    }

    if (im.bad || w == 0 || h == 0
        || w > GENAI_IMAGE_SIDE || h > GENAI_IMAGE_SIDE)
    {
        return -1;
    }

    *width = w;
    *height = h;

    return 0;
}


/* "data:", a media type with parameters, ";base64,": in any case */

static int
genai_image_begin(genai_image_t *im, const genai_str_t *url)
{
    size_t                i, n;
    const unsigned char  *p;

    static const char  data[] = "data:", base64[] = ";base64";

    n = url->len;
    p = url->data;

    if (n < sizeof(data) - 1) {
        return -1;
    }

    for (i = 0; i < sizeof(data) - 1; i++) {
        if ((p[i] | 0x20) != (data[i] | 0x20)) {
            return -1;
        }
    }

    /* media types are short */

    if (n > 256) {
        n = 256;
    }

    p = memchr(p, ',', n);

    if (p == NULL || (size_t) (p - url->data) < i + sizeof(base64) - 1) {
        return -1;
    }

    for (i = 0; i < sizeof(base64) - 1; i++) {
        if ((p[(ptrdiff_t) i - (ptrdiff_t) sizeof(base64) + 1] | 0x20)
            != (base64[i] | 0x20))
        {
            return -1;
        }
    }

    p++;

    im->p = p;
    im->end = url->data + url->len;
    im->bits = 0;
    im->nbits = 0;
    im->bad = 0;

    if ((size_t) (im->end - p) > GENAI_IMAGE_LOOK) {
        im->end = p + GENAI_IMAGE_LOOK;
    }

    return 0;
}


static int
genai_image_six(genai_image_t *im)
{
    unsigned char  c;

    if (im->p < im->end && *im->p == '\\') {
        im->p++;
    }

    if (im->p >= im->end) {
        return -1;
    }

    c = *im->p++;

    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    return (c == '+' || c == '-') ? 62 : (c == '/' || c == '_') ? 63 : -1;
}


static uint32_t
genai_image_byte(genai_image_t *im)
{
    int  six;

    while (im->nbits < 8) {

        six = genai_image_six(im);

        if (six == -1) {
            im->bad = 1;
            return 0;
        }

        im->bits = (im->bits << 6 | six) & 0xffffff;
        im->nbits += 6;
    }

    im->nbits -= 8;

    return (im->bits >> im->nbits) & 0xff;
}


static uint32_t
genai_image_big(genai_image_t *im, unsigned n)
{
    uint32_t  value;

    value = 0;

    while (n--) {
        value = value << 8 | genai_image_byte(im);
    }

    return value;
}


static uint32_t
genai_image_little(genai_image_t *im, unsigned n)
{
    unsigned  i;
    uint32_t  value;

    value = 0;

    for (i = 0; i < n; i++) {
        value |= genai_image_byte(im) << (8 * i);
    }

    return value;
}


static void
genai_image_skip(genai_image_t *im, uint32_t n)
{
    size_t  chars;

    while (n && !im->bad) {

        /* three bytes are four characters, if none has a backslash */

        chars = (size_t) (n / 3) * 4;

        if (im->nbits == 0 && chars && chars < (size_t) (im->end - im->p)
            && memchr(im->p, '\\', chars) == NULL)
        {
            im->p += chars;
            n %= 3;
            continue;
        }

        (void) genai_image_byte(im);
        n--;
    }
}


/*
 * Segments up to the image's data, or as far as is looked at: the size is in
 * the one of a frame, SOF0 to SOF15 without DHT, JPG, DAC.  Of two that
 * differ nobody knows which one a reader takes.
 */

static void
genai_image_jpeg(genai_image_t *im, uint32_t *width, uint32_t *height)
{
    uint32_t  c, len, w, h;

    while (!im->bad) {

        if (genai_image_byte(im) != 0xff) {
            break;
        }

        do {
            c = genai_image_byte(im);
        } while (c == 0xff && !im->bad);

        if (c == 0x01 || (c >= 0xd0 && c <= 0xd7)) {
            continue;
        }

        /* a size must come before the image's data */

        if (im->bad || c == 0xd9 || c == 0xda) {
            break;
        }

        len = genai_image_big(im, 2);

        if (len < 2) {
            break;
        }

        len -= 2;

        if (len >= 5 && c >= 0xc0 && c <= 0xcf && c != 0xc4 && c != 0xc8
            && c != 0xcc)
        {
            genai_image_skip(im, 1);
            h = genai_image_big(im, 2);
            w = genai_image_big(im, 2);
            len -= 5;

            if (im->bad) {
                break;
            }

            if (*width && (*width != w || *height != h)) {
                *width = 0;
                return;
            }

            *width = w;
            *height = h;
        }

        genai_image_skip(im, len);
    }

    /* where the size was found, what is cut behind it does not matter */

    if (*width) {
        im->bad = 0;
    }
}


static void
genai_image_webp(genai_image_t *im, uint32_t *width, uint32_t *height)
{
    uint32_t  chunk, bits;

    chunk = genai_image_big(im, 4);
    genai_image_skip(im, 4);

    switch (chunk) {

    case 0x56503820:                        /* "VP8 " */
        genai_image_skip(im, 3);

        if (genai_image_big(im, 3) == 0x9d012a) {
            *width = genai_image_little(im, 2) & 0x3fff;
            *height = genai_image_little(im, 2) & 0x3fff;
        }

        break;

    case 0x5650384c:                        /* "VP8L" */

        if (genai_image_byte(im) == 0x2f) {
            bits = genai_image_little(im, 4);
            *width = (bits & 0x3fff) + 1;
            *height = (bits >> 14 & 0x3fff) + 1;
        }

        break;

    case 0x56503858:                        /* "VP8X" */
        genai_image_skip(im, 4);
        *width = genai_image_little(im, 3) + 1;
        *height = genai_image_little(im, 3) + 1;
        break;

    default:
        break;
    }
}
