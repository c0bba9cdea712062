/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of Gemini's answers: the first byte says how, the rest is a body.
 * Whole, byte by byte and cut at random, it must give the same events.  What
 * is encoded of them, as a stream and as a whole, must decode without fault.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined \
 *         -I ngx_http_genai_module/core -I t/unit \
 *         t/fuzz/fuzz_gemini_answer.c ngx_http_genai_module/core/genai_*.c
 */


#define ANSWER_GEMINI  1

#include "answer.h"


#define fuzz_check(cond)                                                      \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);        \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


typedef struct {
    genai_gemini_stream_t  stream;
    genai_whole_t   whole;
    answer_buf_t           bytes;
} fuzz_encode_t;


static int
fuzz_write(void *ctx, const unsigned char *p, size_t n)
{
    answer_put(ctx, p, n);

    return 0;
}


static void *
fuzz_alloc(void *ctx, void *p, size_t old, size_t size)
{
    if (size == 0) {
        free(p);
        return NULL;
    }

    return realloc(p, size);
}


static int
fuzz_event(void *ctx, genai_event_t *e)
{
    fuzz_encode_t  *c = ctx;

    fuzz_check(genai_gemini_stream_event(&c->stream, e) == 0);
    (void) genai_whole_event(&c->whole, e);

    return 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                         rc;
    size_t                      i;
    unsigned                    seed;
    answer_buf_t                json = { NULL, 0, 0 };
    fuzz_encode_t               c;
    genai_answer_head_t         head = {
        genai_str("id"), genai_str("model"), 1, 0, 1, -1 };
    static answer_told_t        one, two;
    genai_gemini_answer_t       a;
    genai_answer_opts_t  opts, again = { .stream = 1, .choices = 1 };

    static const unsigned  means[] = { 1, 3, 17, 200 };

    if (size == 0 || size > 65536) {
        return 0;
    }

    opts.stream = data[0] & 1;
    opts.choices = (data[0] & 2) ? 3 : 1;
    opts.limit = (data[0] & 4) ? 300 : 0;

    data++;
    size--;

    for (i = 0, seed = 1; i < size; i++) {
        seed = (seed ^ data[i]) * 16777619u;
    }

    srand(seed);

    answer_reset(&one);
    rc = answer_decode(&one, data, size, &opts, 0);
    fuzz_check(!one.bad);

    for (i = 0; i < sizeof(means) / sizeof(means[0]); i++) {
        answer_reset(&two);

        fuzz_check(answer_decode(&two, data, size, &opts, means[i]) == rc);
        fuzz_check(!two.bad && one.log.len == two.log.len
                   && memcmp(one.log.data, two.log.data, one.log.len) == 0);
    }

    if (rc != 0) {
        return 0;
    }

    memset(&c, 0, sizeof(c));

    genai_gemini_stream_init(&c.stream, &head, fuzz_write, &c.bytes);
    genai_whole_init(&c.whole, &head, 1 << 20, fuzz_alloc, NULL);

    genai_gemini_answer_init(&a, &opts, fuzz_event, &c);
    fuzz_check(genai_answer_feed(&a.base, data, size) == 0);
    fuzz_check(genai_answer_end(&a.base) == 0);

    answer_put(&c.bytes, "", 0);
    answer_reset(&two);

    fuzz_check(answer_decode(&two, (unsigned char *) c.bytes.data,
                             c.bytes.len, &again, 0) == 0);
    fuzz_check(!two.bad);

    /* nothing is no answer; half a call is an error */

    fuzz_check(c.bytes.len == 0
               || strstr(two.log.data, "\nbroken 0.0 f") == NULL
               || strstr(c.bytes.data, "\"status\":\"INTERNAL\""));

    if (c.whole.rc == 0) {
        fuzz_check(genai_gemini_whole_write(&c.whole, fuzz_write, &json)
                   == 0);

        again.stream = 0;
        answer_reset(&two);
        fuzz_check(answer_decode(&two, (unsigned char *) json.data, json.len,
                                 &again, 0) == 0);
        fuzz_check(!two.bad);
        fuzz_check(strncmp(two.log.data, "broken ", 7) != 0
                   || strstr(two.log.data, "there are no candidates"));
    }

    genai_whole_free(&c.whole);
    free(c.bytes.data);
    free(json.data);

    return 0;
}
