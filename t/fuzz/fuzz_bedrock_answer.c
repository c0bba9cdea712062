/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of Bedrock's answers: the first byte says how, the rest is a body;
 * with its second bit set it is payloads, one a line with its type in front,
 * which are made frames.  Whole, byte by byte and cut at random, it must give
 * the same events.  What is encoded of them, as a stream and as a whole, must
 * decode without fault, with every text that was said before the end.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined \
 *         -I ngx_http_genai_module/core -I t/unit \
 *         t/fuzz/fuzz_bedrock_answer.c ngx_http_genai_module/core/genai_*.c
 */


#define ANSWER_BEDROCK  1

#include "answer.h"
#include "genai_crc32.h"


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


/* lines of "TYPE PAYLOAD" as frames; "!" in front is an exception */

static void
fuzz_frames(answer_buf_t *b, const uint8_t *p, size_t size)
{
    size_t          n, k, head;
    char            type[GENAI_EVENTSTREAM_WORD_MAX];
    const char     *kind;
    const uint8_t  *line, *space;
    unsigned char   bytes[GENAI_EVENTSTREAM_HEAD_MAX], tail[4];

    while (size) {
        line = memchr(p, '\n', size);
        n = line ? (size_t) (line - p) : size;

        kind = (n && p[0] == '!') ? "exception" : "event";
        k = (kind[1] == 'x');

        space = memchr(p, ' ', n);

        if (space && (size_t) (space - p) > k
            && (size_t) (space - p) - k < sizeof(type))
        {
            memcpy(type, p + k, space - p - k);
            type[space - p - k] = '\0';

            head = genai_eventstream_head(bytes, kind, type,
                                          p + n - space - 1);
            genai_eventstream_tail(tail, genai_crc32(genai_crc32(0, bytes,
                                                                 head),
                                                     space + 1,
                                                     p + n - space - 1));
            answer_put(b, bytes, head);
            answer_put(b, space + 1, p + n - space - 1);
            answer_put(b, tail, 4);
        }

        n += (line != NULL);
        p += n;
        size -= n;
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                    rc;
    size_t                 i;
    unsigned               seed;
    answer_buf_t           json = { NULL, 0, 0 }, text = json, made = json;
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

    seed = data[0] & 2;
    data++;
    size--;

    if (seed) {
        answer_put(&made, "", 0);
        fuzz_frames(&made, data, size);
        data = (uint8_t *) made.data;
        size = made.len;
    }

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
        free(made.data);
        return 0;
    }

    memset(&c, 0, sizeof(c));

    encode_init(&c.stream, &head, fuzz_write, &c.bytes);
    genai_whole_init(&c.whole, &head, 1 << 20, fuzz_alloc, NULL);

    answer_init(&a, &opts, fuzz_event, &c);
    fuzz_check(genai_answer_feed(&a.base, data, size) == 0);
    fuzz_check(genai_answer_end(&a.base) == 0);

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
    free(made.data);

    return 0;
}
