/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "tap.h"
#include "genai_image.h"


static const char  alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";


/* data as a data: URL; with escaped slashes where so asked */

static genai_str_t
url(const char *head, const unsigned char *p, size_t n, int escape)
{
    char         *d;
    size_t        i;
    uint32_t      bits;
    unsigned      k;
    genai_str_t   s;

    s.data = malloc(strlen(head) + 3 * n + 16);
    if (s.data == NULL) {
        abort();
    }

    d = (char *) s.data;
    d += sprintf(d, "%s", head);

    for (i = 0; i < n; i += 3) {

        bits = p[i] << 16 | (i + 1 < n ? p[i + 1] : 0) << 8
               | (i + 2 < n ? p[i + 2] : 0);

        for (k = 0; k < 4; k++) {

            if (i + k > n) {
                *d++ = '=';
                continue;
            }

            *d = alphabet[bits >> (18 - 6 * k) & 63];

            if (*d == '/' && escape) {
                *d++ = '\\';
                *d = '/';
            }

            d++;
        }
    }

    s.len = d - (char *) s.data;

    return s;
}


static void
check(const char *name, const unsigned char *p, size_t n, uint32_t width,
    uint32_t height)
{
    int          rc, escape;
    size_t       i;
    uint32_t     w, h;
    genai_str_t  s, cut;

    for (escape = 0; escape < 2; escape++) {

        s = url("data:image/x;base64,", p, n, escape);
        w = h = 0;
        rc = genai_image_size(&s, &w, &h);

        if (width) {
            ok(rc == 0 && w == width && h == height, "%s: %u by %u", name, w,
               h);

        } else {
            is_int(rc, -1, "%s is none", name);
        }

        /* any beginning is none, or the same */

        for (i = 0; i < s.len; i++) {

            cut.len = i;
            cut.data = malloc(i ? i : 1);
            memcpy(cut.data, s.data, i);

            rc = genai_image_size(&cut, &w, &h);
            quiet_ok(rc == -1 || (w == width && h == height), "%s, cut at %d",
                     name, (int) i);

            free(cut.data);
        }

        free(s.data);
    }
}


#define image(name, bytes, w, h)                                              \
    check(name, (const unsigned char *) bytes, sizeof(bytes) - 1, w, h)


int
main(void)
{
    size_t          i, n;
    uint32_t        w, h;
    genai_str_t     s;
    unsigned char   noise[512], *big;

    static const char  *others[] = {
        "", "data:", "data:,", "data:image/png,abc", "https://a/b.png",
        "data:image/png;base64", "data:image/png;base64,",
        "data:image/png;base64,####", "data:image/png;base64,iVBORw0KGgo", NULL
    };

    image("PNG", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x03\x20\0\0\x02\x58\x08",
          800, 600);
    image("GIF", "GIF89a\x40\x01\xf0\x00\0\0\0", 320, 240);
    image("JPEG", "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
                  "\xff\xdb\0\4\1\2\xff\xff\xc2\0\x11\x08\x04\x00\x05\x00\3",
          1280, 1024);
    image("JPEG with a table only", "\xff\xd8\xff\xc4\0\4\1\2\xff\xd9", 0, 0);
    image("JPEG whose data comes first", "\xff\xd8\xff\xda\0\4\1\2", 0, 0);
    image("JPEG with an empty segment", "\xff\xd8\xff\xe0\0\1\1\1", 0, 0);
    image("JPEG that says it twice", "\xff\xd8\xff\xc0\0\7\x08\0\2\0\3"
          "\xff\xc0\0\7\x08\0\2\0\3\xff\xda", 3, 2);
    image("WebP", "RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a"
                  "\x80\x02\xe0\x01", 640, 480);
    image("WebP, lossless", "RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x3f\xc0\x0f\0",
          64, 64);
    image("WebP, extended", "RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0"
                            "\xff\x07\0\x37\x04\0", 2048, 1080);
    image("no size", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\2\x58", 0, 0);
    image("a huge size",
          "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xff\xff\xff\0\0\2\x58", 0, 0);

    for (i = 0; others[i]; i++) {
        s.data = (unsigned char *) others[i];
        s.len = strlen(others[i]);
        is_int(genai_image_size(&s, &w, &h), -1, "\"%s\"", others[i]);
    }

    s = url("DATA:IMAGE/GIF;charset=x;BASE64,",
            (const unsigned char *) "GIF87a\1\0\2\0", 10, 0);
    ok(genai_image_size(&s, &w, &h) == 0 && w == 1 && h == 2,
       "in capitals, with a parameter");
    free(s.data);

    /* a reader may take either */

    s = url("data:image/jpeg;base64,", (const unsigned char *)
            "\xff\xd8\xff\xc0\0\7\x08\0\1\0\1\xff\xc0\0\7\x08\5\xdc\5\xdc"
            "\xff\xda", 22, 0);
    is_int(genai_image_size(&s, &w, &h), -1, "a JPEG with two sizes");
    free(s.data);

    /* a profile of 60 KB is gone over, one of a megabyte is not */

    n = 1 << 20;
    big = malloc(n);
    memset(big, 0, n);
    memcpy(big, "\xff\xd8\xff\xe1\xea\x60", 6);
    memcpy(big + 4 + 60000, "\xff\xc0\0\x11\x08\0\x10\0\x20\3", 10);

    s = url("data:image/jpeg;base64,", big, n, 0);
    ok(genai_image_size(&s, &w, &h) == 0 && w == 32 && h == 16,
       "a JPEG with a large profile");
    free(s.data);

    for (i = 2; i + 65537 < n; i += 65537) {
        memcpy(big + i, "\xff\xe2\xff\xff", 4);
    }

    s = url("data:image/jpeg;base64,", big, n, 0);
    is_int(genai_image_size(&s, &w, &h), -1, "with endless ones");
    free(s.data);
    free(big);

    for (i = 0; i < 20000; i++) {

        for (n = 0; n < sizeof(noise); n++) {
            noise[n] = (unsigned char) (rand() >> 7);
        }

        /* what looks like one, and then anything */

        memcpy(noise, i % 4 == 0 ? "\xff\xd8\xff" : i % 4 == 1 ? "RIFF"
                      : i % 4 == 2 ? "\x89PNG" : "GIF8", i % 4 == 0 ? 3 : 4);

        if (i % 4 == 1) {
            memcpy(noise + 8, "WEBPVP8", 7);
        }

        s = url("data:;base64,", noise, rand() % sizeof(noise), i & 1);
        (void) genai_image_size(&s, &w, &h);
        free(s.data);
    }

    pass("noise is survived");

    return done_testing();
}
