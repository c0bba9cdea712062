/*
 * SPDX-License-Identifier: Apache-2.0
 */


#include "genai_path.h"


typedef struct {
    unsigned char  *data;
    size_t          size;
    size_t          n;
} genai_path_out_t;


static int genai_path_climbs(const genai_str_t *name);
static void genai_path_put(genai_path_out_t *out, unsigned char c);
static size_t genai_path_digits(const unsigned char *p, size_t len);


size_t
genai_path_write(unsigned char *dst, size_t size, const char *head,
    const genai_str_t *model, const char *keep, const char *tail)
{
    int               climbs;
    size_t            i;
    unsigned char     c;
    genai_path_out_t  out;

    static const char  hex[] = "0123456789ABCDEF";

    out.data = dst;
    out.size = size;
    out.n = 0;

    for ( /* void */ ; *head; head++) {
        genai_path_put(&out, *head);
    }

    climbs = genai_path_climbs(model);

    for (i = 0; i < model->len; i++) {

        c = model->data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9')
            || (c && (strchr("-._~", c)
                      || (strchr(keep, c) && !(c == '/' && climbs)))))
        {
            genai_path_put(&out, c);
            continue;
        }

        genai_path_put(&out, '%');
        genai_path_put(&out, hex[c >> 4]);
        genai_path_put(&out, hex[c & 15]);
    }

    for ( /* void */ ; *tail; tail++) {
        genai_path_put(&out, *tail);
    }

    return out.n;
}


/* whether a part of it is no name but a way to elsewhere */

static int
genai_path_climbs(const genai_str_t *name)
{
    size_t          n;
    unsigned char  *p, *end, *last;

    last = name->data + name->len;

    for (p = name->data; p <= last; p = end + 1) {

        for (end = p; end < last && *end != '/'; end++) { /* void */ }

        n = end - p;

        if (n == 0 || (n <= 2 && p[0] == '.' && p[n - 1] == '.')) {
            return 1;
        }
    }

    return 0;
}


static void
genai_path_put(genai_path_out_t *out, unsigned char c)
{
    if (out->n < out->size) {
        out->data[out->n] = c;
    }

    out->n++;
}


int
genai_path_has_version(const genai_str_t *path)
{
    size_t          n, rest;
    unsigned char  *p, *end, *last;

    last = path->data + path->len;

    for (p = path->data; p < last; p = end) {

        if (*p == '/') {
            end = p + 1;
            continue;
        }

        for (end = p; end < last && *end != '/'; end++) { /* void */ }

        if (*p != 'v') {
            continue;
        }

        n = 1 + genai_path_digits(p + 1, end - p - 1);
        rest = end - p - n;

        if (n == 1) {
            continue;
        }

        if (rest >= 4 && memcmp(p + n, "beta", 4) == 0) {
            n += 4;

        } else if (rest >= 5 && memcmp(p + n, "alpha", 5) == 0) {
            n += 5;
        }

        n += genai_path_digits(p + n, end - p - n);

        if (p + n == end) {
            return 1;
        }
    }

    return 0;
}


static size_t
genai_path_digits(const unsigned char *p, size_t len)
{
    size_t  n;

    for (n = 0; n < len && p[n] >= '0' && p[n] <= '9'; n++) { /* void */ }

    return n;
}


int
genai_path_is_vertex(const genai_str_t *path)
{
    unsigned char  *p, *name;

    static const char  folder[] = "/publishers/";

    name = path->data + path->len;

    while (name > path->data && name[-1] != '/') {
        name--;
    }

    if ((size_t) (name - path->data) < sizeof(folder) - 1
        || name == path->data + path->len)
    {
        return 0;
    }

    p = name - (sizeof(folder) - 1);

    return memcmp(p, folder, sizeof(folder) - 1) == 0;
}
