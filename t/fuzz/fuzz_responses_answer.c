/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzing of the Responses API's answers: the first byte says how, the rest
 * is a body.  Whole, byte by byte and cut at random, it must give the same
 * events.  What is encoded of them as a stream must decode without fault to
 * the same texts, and what is encoded as a whole without fault.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined \
 *         -I ngx_http_genai_module/core -I t/unit \
 *         t/fuzz/fuzz_responses_answer.c ngx_http_genai_module/core/genai_*.c
 */


#include "genai_responses_answer.h"
#include "genai_responses_encode.h"

#define ANSWER_T     genai_responses_answer_t
#define ANSWER_INIT  genai_responses_answer_init

#include "answer.h"


#define fuzz_check(cond)                                                      \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);        \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* what is said, each kind by itself */

typedef struct {
    answer_buf_t               text[GENAI_EVENT_END + 1];
    unsigned                   calls;
    unsigned                   failed;
} fuzz_said_t;


typedef struct {
    genai_responses_stream_t   stream;
    genai_whole_t              whole;
    answer_buf_t               bytes;
    fuzz_said_t                said;
    unsigned                   refused;
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
fuzz_say(void *ctx, genai_event_t *e)
{
    fuzz_said_t  *s = ctx;

    /* an error is the end of what is encoded */

    s->failed |= (e->type == GENAI_EVENT_ERROR);

    if (s->failed) {
        return 0;
    }

    if (!e->copy && (e->type == GENAI_EVENT_TEXT
                     || e->type == GENAI_EVENT_REFUSAL
                     || e->type == GENAI_EVENT_ARGUMENTS))
    {
        answer_put(&s->text[e->type], e->text.data, e->text.len);
    }

    s->calls += (e->type == GENAI_EVENT_TOOL && e->first);

    return 0;
}


static void
fuzz_free(fuzz_said_t *s)
{
    unsigned  i;

    for (i = 0; i <= GENAI_EVENT_END; i++) {
        free(s->text[i].data);
    }
}


static int
fuzz_event(void *ctx, genai_event_t *e)
{
    fuzz_encode_t  *c = ctx;

    (void) fuzz_say(&c->said, e);
    (void) genai_whole_event(&c->whole, e);

    /* what goes on when it was done, or is too much, is refused */

    c->refused |= (genai_responses_stream_event(&c->stream, e) != 0);

    return 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                   rc;
    size_t                i;
    unsigned              seed;
    fuzz_said_t           said;
    answer_buf_t          json = { NULL, 0, 0 };
    genai_answer_head_t   head = {
        genai_str("id"), genai_str("model"), 1, 0, 1, -1 };
    genai_answer_opts_t   opts, again = { .stream = 1, .choices = 1 };

    static fuzz_encode_t             c;
    static answer_told_t             one, two;
    static genai_responses_answer_t  a;
    static const unsigned            means[] = { 1, 3, 17, 200 };

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
    memset(&said, 0, sizeof(said));

    genai_responses_stream_init(&c.stream, &head, fuzz_write, &c.bytes);
    genai_responses_stream_keep(&c.stream, 1 << 20, fuzz_alloc, NULL);
    genai_whole_init(&c.whole, &head, 1 << 20, fuzz_alloc, NULL);

    genai_responses_answer_init(&a, &opts, fuzz_event, &c);
    fuzz_check(genai_answer_feed(&a.base, data, size) == 0);
    fuzz_check(genai_answer_end(&a.base) == 0);

    answer_put(&c.bytes, "", 0);
    answer_reset(&two);

    if (!c.refused) {
        fuzz_check(answer_decode(&two, (unsigned char *) c.bytes.data,
                                 c.bytes.len, &again, 0) == 0);
        fuzz_check(!two.bad && strstr(two.log.data, "\nbroken ") == NULL);

        genai_responses_answer_init(&a, &again, fuzz_say, &said);
        fuzz_check(genai_answer_feed(&a.base,
                                               (unsigned char *) c.bytes.data,
                                               c.bytes.len) == 0);
        fuzz_check(genai_answer_end(&a.base) == 0);

        for (i = GENAI_EVENT_TEXT; i <= GENAI_EVENT_REFUSAL; i++) {
            fuzz_check(said.text[i].len == c.said.text[i].len);
            fuzz_check(said.text[i].len == 0
                       || memcmp(said.text[i].data, c.said.text[i].data,
                                 said.text[i].len) == 0);
        }

        /* a call without a name begins at the end, if there is one */

        if (c.stream.ended) {
            fuzz_check(said.calls == c.said.calls);
            fuzz_check(said.text[GENAI_EVENT_ARGUMENTS].len
                       == c.said.text[GENAI_EVENT_ARGUMENTS].len);
        }
    }

    if (c.whole.rc == 0) {
        fuzz_check(genai_responses_whole_write(&c.whole, fuzz_write, &json)
                   == 0);

        again.stream = 0;
        answer_reset(&two);
        fuzz_check(answer_decode(&two, (unsigned char *) json.data, json.len,
                                 &again, 0) == 0);
        fuzz_check(!two.bad && strstr(two.log.data, "broken ") != two.log.data);
    }

    genai_responses_stream_free(&c.stream);
    genai_whole_free(&c.whole);
    fuzz_free(&c.said);
    fuzz_free(&said);
    free(c.bytes.data);
    free(json.data);

    return 0;
}
