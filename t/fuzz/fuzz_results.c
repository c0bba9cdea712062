/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of answers that are no conversation's: the first byte says how, the
 * rest is a body.  Whole, byte by byte and cut at random, it must give the
 * same events.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined \
 *         -I ngx_http_genai_module/core -I t/unit \
 *         t/fuzz/fuzz_results.c ngx_http_genai_module/core/genai_*.c
 */


#include "genai_results.h"

#define ANSWER_T     genai_results_t
#define ANSWER_INIT  genai_results_init

#include "answer.h"


#define fuzz_check(cond)                                                      \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);        \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                   rc;
    size_t                i;
    genai_answer_opts_t   opts;
    static answer_told_t  one, two;

    static const unsigned  means[] = { 1, 3, 17, 200 };

    if (size == 0 || size > 65536) {
        return 0;
    }

    memset(&opts, 0, sizeof(opts));
    opts.stream = data[0] & 1;
    opts.limit = (data[0] & 4) ? 300 : 0;
    opts.results = 1;

    data++;
    size--;
    srand((unsigned) size);

    answer_reset(&one);
    rc = answer_decode(&one, data, size, &opts, 0);
    fuzz_check(!one.bad);

    for (i = 0; i < sizeof(means) / sizeof(means[0]); i++) {
        answer_reset(&two);

        fuzz_check(answer_decode(&two, data, size, &opts, means[i]) == rc);
        fuzz_check(!two.bad && one.log.len == two.log.len
                   && memcmp(one.log.data, two.log.data, one.log.len) == 0);
    }

    return 0;
}
