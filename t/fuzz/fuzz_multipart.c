/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of multipart bodies: a content-type, a line feed, a body.  Whole,
 * byte by byte and cut at random, the same must be found; the model is where
 * it is said to be, and no other part of that name can be found by a plain
 * search.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined \
 *         -I ngx_http_genai_module/core \
 *         t/fuzz/fuzz_multipart.c ngx_http_genai_module/core/genai_*.c
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "genai_multipart.h"


#define fuzz_check(cond)                                                      \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);        \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int
fuzz_read(genai_multipart_t *m, const genai_str_t *type, const uint8_t *body,
    size_t len, unsigned mean)
{
    size_t    at, n;
    uint8_t  *piece;

    memset(m, 0xa5, sizeof(genai_multipart_t));

    if (genai_multipart_init(m, type) != 0) {
        return -2;
    }

    for (at = 0; at < len; at += n) {
        n = mean ? 1 + rand() % (2 * mean - 1) : len;
        n = (n > len - at) ? len - at : n;

        piece = malloc(n);
        memcpy(piece, body + at, n);

        if (genai_multipart_feed(m, piece, n) != 0) {
            free(piece);
            fuzz_check(genai_multipart_end(m) == -1);
            return -1;
        }

        free(piece);
    }

    return genai_multipart_end(m);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                        rc;
    size_t                     i, len;
    genai_str_t                type;
    const uint8_t             *body, *p;
    static genai_multipart_t   one, two;

    static const unsigned  means[] = { 1, 3, 17, 200 };

    body = size ? memchr(data, '\n', size) : NULL;

    if (body == NULL || size > 65536) {
        return 0;
    }

    type.data = (unsigned char *) data;
    type.len = body - data;
    body++;
    len = data + size - body;

    srand((unsigned) size);
    rc = fuzz_read(&one, &type, body, len, 0);

    for (i = 0; i < sizeof(means) / sizeof(means[0]); i++) {

        fuzz_check(fuzz_read(&two, &type, body, len, means[i]) == rc);
        fuzz_check(one.error == two.error && one.offset == two.offset);

        if (rc == 0) {
            fuzz_check(one.nmodel == two.nmodel && one.first == two.first
                       && one.stream == two.stream);
            fuzz_check(one.nmodel == 0
                       || (one.start == two.start && one.end == two.end));
        }
    }

    if (rc != 0) {
        fuzz_check(one.error != NULL);
        return 0;
    }

    fuzz_check(one.first + one.ndelimiter <= len
               && memcmp(body + one.first, one.delimiter, one.ndelimiter)
                  == 0);

    if (one.nmodel) {
        fuzz_check(one.end - one.start == one.nmodel && one.end + 2 <= len
                   && memcmp(body + one.start, one.model, one.nmodel) == 0
                   && memcmp(body + one.end, "\r\n", 2) == 0);
    }

    /* every line that begins so is a delimiter, and was taken for one */

    for (i = 0, p = body; p + one.ndelimiter <= body + len; p++) {

        if ((p == body || p[-1] == '\n')
            && memcmp(p, one.delimiter, one.ndelimiter) == 0)
        {
            i++;
        }
    }

    fuzz_check(i == (size_t) one.nparts + 1);

    return 0;
}
