/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of Anthropic's answers: the first byte says how, the rest is a body.
 * Whole, byte by byte and cut at random, it must give the same events.  What
 * is encoded of them as a stream must decode without fault, with its blocks in
 * order and every text that was said before the end; what is encoded as a
 * whole must decode without fault.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined \
 *         -I ngx_http_genai_module/core -I t/unit \
 *         t/fuzz/fuzz_anthropic_answer.c ngx_http_genai_module/core/genai_*.c
 */


#define ANSWER_ANTHROPIC  1

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
    encode_stream_t   stream;
    genai_whole_t     whole;
    answer_buf_t      bytes;
    answer_buf_t      text;         /* until it has ended */
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

    if (e->type == GENAI_EVENT_TEXT && !c->stream.failed && !c->stream.ended) {
        answer_put(&c->text, e->text.data, e->text.len);
    }

    fuzz_check(encode_one(&c->stream, e) == 0);
    (void) genai_whole_event(&c->whole, e);

    return 0;
}


static int
fuzz_text(void *ctx, genai_event_t *e)
{
    fuzz_check(e->type != GENAI_EVENT_BROKEN);

    if (e->type == GENAI_EVENT_TEXT) {
        answer_put(ctx, e->text.data, e->text.len);
    }

    return 0;
}


/* blocks never overlap, their numbers grow, there is one start and stop */

static void
fuzz_order(const char *p)
{
    int          n, open, started, stopped, ended;
    const char  *index;

    n = 0;
    open = 0;
    started = 0;
    stopped = 0;
    ended = 0;

    for ( /* void */ ; *p; p = strstr(p, "\n\n") + 2) {
        fuzz_check(strncmp(p, "event: ", 7) == 0 && !stopped);

        index = strchr(p + 7, '\n');

        if (strncmp(p + 7, "content_block_", 14) == 0) {
            index = strstr(index, "\"index\":");
            fuzz_check(started && !ended && index && atoi(index + 8) == n);
        }

        if (strncmp(p + 7, "message_start\n", 14) == 0) {
            fuzz_check(!started++);

        } else if (strncmp(p + 7, "content_block_start\n", 20) == 0) {
            fuzz_check(!open++);

        } else if (strncmp(p + 7, "content_block_delta\n", 20) == 0) {
            fuzz_check(open);

        } else if (strncmp(p + 7, "content_block_stop\n", 19) == 0) {
            fuzz_check(open--);
            n++;

        } else if (strncmp(p + 7, "message_delta\n", 14) == 0) {
            fuzz_check(started && !open && !ended++);

        } else if (strncmp(p + 7, "message_stop\n", 13) == 0) {
            fuzz_check(ended);
            stopped = 1;

        } else {
            fuzz_check(strncmp(p + 7, "error\n", 6) == 0 && !open);
            stopped = 1;
        }
    }

    fuzz_check(!open);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                    rc;
    size_t                 i;
    unsigned               seed;
    answer_buf_t           json = { NULL, 0, 0 }, text = json;
    fuzz_encode_t          c;
    answer_dialect_t       a;
    genai_answer_opts_t    opts, again = { .stream = 1, .choices = 1 };
    genai_answer_head_t    head = {
        genai_str("id"), genai_str("model"), 1, 0, 1, 7 };
    static answer_told_t   one, two;

    static const unsigned  means[] = { 1, 3, 17, 200 };

    if (size == 0 || size > 65536) {
        return 0;
    }

    opts.stream = data[0] & 1;
    opts.choices = 1;
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

    encode_init(&c.stream, &head, fuzz_write, &c.bytes);
    genai_whole_init(&c.whole, &head, 1 << 20, fuzz_alloc, NULL);

    answer_init(&a, &opts, fuzz_event, &c);
    fuzz_check(genai_answer_feed(&a.base, data, size) == 0);
    fuzz_check(genai_answer_end(&a.base) == 0);

    answer_put(&c.bytes, "", 0);
    fuzz_order(c.bytes.data);

    if (c.bytes.len) {
        answer_init(&a, &again, fuzz_text, &text);
        fuzz_check(genai_answer_feed(&a.base, (unsigned char *) c.bytes.data,
                               c.bytes.len) == 0);
        fuzz_check(genai_answer_end(&a.base) == 0);
    }

    fuzz_check(text.len == c.text.len
               && (text.len == 0
                   || memcmp(text.data, c.text.data, text.len) == 0));

    if (c.whole.rc == 0) {
        fuzz_check(encode_whole(&c.whole, fuzz_write, &json) == 0);

        text.len = 0;
        again.stream = 0;
        answer_init(&a, &again, fuzz_text, &text);
        fuzz_check(genai_answer_feed(&a.base, (unsigned char *) json.data,
                                     json.len)
                   == 0);
        fuzz_check(genai_answer_end(&a.base) == 0);
    }

    genai_whole_free(&c.whole);
    free(c.bytes.data);
    free(c.text.data);
    free(json.data);
    free(text.data);

    return 0;
}
