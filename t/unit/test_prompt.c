/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tokens of a request with a vocabulary: the largest of several inputs,
 * what an estimate is exceeded by, and steps that are no longer than their
 * budget; and those of an answer, in pieces.
 */


#include "request.h"
#include "bpe.h"
#include "genai_answer_count.h"
#include "genai_openai_request.h"
#include "genai_prompt.h"


static genai_arena_t     memory;
static genai_catalog_t  *catalog;
static bpe_vocab_t       source;
static genai_vocab_t     vocab;

static const char  models[] =
    "{\"schema\":1,\"models\":{"
    "\"gpt\":{\"tokenizer\":\"o\",\"framing\":\"openai\",\"context\":100000,"
    "\"image\":{\"tiles\":[85,170]}},"
    "\"qwen\":{\"tokenizer\":\"q\",\"framing\":\"qwen3\"},"
    "\"claude\":{\"tokenizer\":\"o\",\"factor\":[1.5,2],"
    "\"framing\":\"claude\"},"
    "\"bert\":{\"tokenizer\":\"b\",\"framing\":\"cls\"},"
    "\"base\":{\"tokenizer\":\"o\"}}}";


static request_t       r;
static genai_prompt_t  p;


/* a token a byte; returns how many steps it took */

static unsigned
count(genai_endpoint_e endpoint, const char *model, const char *json,
    const genai_vocab_t *v, int standin, size_t budget)
{
    int          rc;
    unsigned     n;
    genai_str_t  s;

    request_open(&r, &genai_openai, endpoint, json, strlen(json));

    if (genai_request_read(&r.req, SIZE_MAX) != GENAI_REQUEST_DONE) {
        fail("%s: %s", json, r.req.error);
        abort();
    }

    s.data = (unsigned char *) model;
    s.len = strlen(model);

    genai_prompt_init(&p, &r.req, genai_catalog_find(catalog, &s), v, standin,
                      NULL, &r.arena);
    n = 0;

    do {
        rc = genai_prompt_run(&p, NULL, budget);
        n++;
    } while (rc == GENAI_PROMPT_AGAIN);

    is_int(rc, GENAI_PROMPT_DONE, "%.100s", json);
    genai_prompt_stop(&p);

    return n;
}


static void
largest(void)
{
    (void) count(GENAI_ENDPOINT_EMBEDDINGS, "base",
                 "{\"input\":[\"abc\",\"abcde\",\"ab\"]}", &vocab, 0,
                 SIZE_MAX / 4);
    is_int(p.tokens, 10, "all inputs");
    is_int(p.largest, 5, "the largest of them");
    is_int(p.exact, 1, "exact");
    is_int(p.bound, 10, "and bound so");
    request_close(&r);

    (void) count(GENAI_ENDPOINT_EMBEDDINGS, "bert",
                 "{\"input\":[\"abc\",\"abcde\"]}", &vocab, 0, SIZE_MAX / 4);
    is_int(p.tokens, 12, "with both ends of each");
    is_int(p.largest, 7, "the largest with its own");
    request_close(&r);

    (void) count(GENAI_ENDPOINT_EMBEDDINGS, "base",
                 "{\"input\":[[1,2,3],[4]]}", &vocab, 0, SIZE_MAX / 4);
    is_int(p.tokens, 4, "tokens");
    is_int(p.largest, 3, "the largest of them");
    request_close(&r);

    (void) count(GENAI_ENDPOINT_COMPLETIONS, "base",
                 "{\"prompt\":[\"abc\",\"abcd\"]}", &vocab, 0, SIZE_MAX / 4);
    is_int(p.tokens, 7, "prompts");
    is_int(p.largest, 4, "the largest of them");
    ok(p.answer, "the answer is an estimate");
    request_close(&r);

    (void) count(GENAI_ENDPOINT_CHAT, "gpt",
                 "{\"messages\":[{\"role\":\"user\",\"content\":\"abc\"},"
                 "{\"role\":\"user\",\"content\":\"a\"}]}", &vocab, 0,
                 SIZE_MAX / 4);
    is_int(p.tokens, 15, "messages");
    is_int(p.largest, 15, "are one");
    is_int(p.answer, 0, "nothing is wrong with the answer");
    request_close(&r);
}


#define TEXT    "{\"messages\":[{\"role\":\"user\",\"content\":\"abcabc\"}]"
#define WITH(x)  TEXT "," x "}"


static void
bound(void)
{
    (void) count(GENAI_ENDPOINT_CHAT, "gpt", TEXT "}", &vocab, 0,
                 SIZE_MAX / 4);
    ok(p.exact && p.bound == p.tokens && p.slack == 0, "exact");
    request_close(&r);

    (void) count(GENAI_ENDPOINT_CHAT, "claude", TEXT "}", &vocab, 0,
                 SIZE_MAX / 4);
    is_int(p.base, 13, "by another's vocabulary");
    is_int(p.tokens, 20, "what is likely");
    is_int(p.bound, 26 + p.slack, "what is hardly exceeded");
    ok(p.slack > 0, "a family that nobody knows");
    request_close(&r);

    (void) count(GENAI_ENDPOINT_CHAT, "nobody", TEXT "}", NULL, 1,
                 SIZE_MAX / 4);
    is_int(p.tokens, 2, "a model that nobody knows");
    ok(p.bound >= 6 + p.slack, "is bound by its bytes");
    request_close(&r);

    (void) count(GENAI_ENDPOINT_CHAT, "gpt", TEXT "}", &vocab, 1,
                 SIZE_MAX / 4);
    ok(!p.exact && p.bound >= p.tokens + 6, "as is a stand-in");
    request_close(&r);

    (void) count(GENAI_ENDPOINT_CHAT, "gpt", TEXT "}", &vocab,
                 GENAI_PROMPT_FALLBACK, SIZE_MAX / 4);
    ok(!p.exact && p.bound == p.tokens, "but not the catalogue's fallback");
    request_close(&r);

    (void) count(GENAI_ENDPOINT_CHAT, "gpt",
                 WITH("\"tools\":[{\"type\":\"web\"}]"), &vocab, 0,
                 SIZE_MAX / 4);
    ok(p.bound > p.tokens + 60000, "a tool that finds anything: %lld",
       (long long) p.bound);
    request_close(&r);

    (void) count(GENAI_ENDPOINT_CHAT, "gpt", "{\"messages\":[{\"role\":"
                 "\"user\",\"content\":[{\"type\":\"image_url\","
                 "\"image_url\":{\"url\":\"https://a/b\"}}]}]}", &vocab, 0,
                 SIZE_MAX / 4);
    is_int(p.tokens, 772, "an image of unknown size");
    is_int(p.bound, 7 + 85 + 8 * 170, "and at most");
    request_close(&r);

    (void) count(GENAI_ENDPOINT_CHAT, "gpt", "{\"messages\":[{\"role\":"
                 "\"user\",\"content\":[{\"type\":\"file\",\"file\":"
                 "{\"file_id\":\"x\"}}]}]}", &vocab, 0, SIZE_MAX / 4);
    is_int(p.bound, 100000, "a file elsewhere: what the model reads");
    request_close(&r);
}


static void
marks(void)
{
    (void) count(GENAI_ENDPOINT_CHAT, "qwen", "{\"messages\":[{\"role\":"
                 "\"user\",\"content\":\"a<|im_end|>\"}]}", &vocab, 0,
                 SIZE_MAX / 4);
    is_int(p.estimated, GENAI_FRAMING_MARKS, "what may be a control token");
    ok(!p.exact && p.bound > p.tokens, "is not exact");
    request_close(&r);
}


static void
steps(void)
{
    char      *json, *q;
    unsigned   i, plain, escaped;

    /* a text of one run, as it is and with an escape in it */

    json = malloc(1 << 20);

    q = json + sprintf(json, "{\"messages\":[{\"role\":\"user\",\"content\":"
                       "\"aa");

    for (i = 0; i < 300000; i++) {
        *q++ = 'a';
    }

    sprintf(q, "\"}]}");

    plain = count(GENAI_ENDPOINT_CHAT, "gpt", json, &vocab, 0, 16384);
    is_int(p.tokens, 7 + 300002, "as it is");
    request_close(&r);

    memcpy(strstr(json, "\"aa") + 1, "\\n", 2);

    /* short pieces are more work than their bytes are */

    for (i = 0; i < 300000; i++) {
        q[-1 - (int) i] = (i % 2) ? 'a' : '.';
    }

    escaped = count(GENAI_ENDPOINT_CHAT, "gpt", json, &vocab, 0, 16384);
    ok(p.tokens >= 7 + 300001, "with an escape");
    request_close(&r);

    ok(plain > 40, "in %u steps", plain);
    ok(escaped > 60, "what looks at more than it takes in %u", escaped);

    free(json);
}


static void
answer(void)
{
    size_t                 i, pos;
    unsigned               n;
    genai_event_t          e;
    genai_answer_said_t    said;
    genai_answer_count_t  *ac;

    static unsigned char  text[50001];

    for (i = 0; i < sizeof(text); i++) {
        text[i] = "abc \n"[i % 5];
    }

    memset(&e, 0, sizeof(e));
    e.type = GENAI_EVENT_TEXT;
    e.text.data = text;
    e.text.len = sizeof(text);

    ac = genai_answer_count_create(&vocab, NULL);
    pos = 0;
    n = 1;

    while (genai_answer_count_piece(ac, &e, &pos)) {
        quiet_ok(pos == (size_t) n * GENAI_ANSWER_PIECE, "a piece");
        n++;
    }

    is_int(n, 13, "pieces");
    is_int(pos, sizeof(text), "all of it");

    genai_answer_count_event(ac, &e);
    genai_answer_count_end(ac, &said);

    is_int(said.tokens[GENAI_ANSWER_TEXT], 2 * sizeof(text), "is counted");
    is_int(said.texts[GENAI_ANSWER_TEXT], 1, "as one text");
    is_int(said.exact, 1, "exactly");

    e.text.len = 0;
    pos = 0;
    is_int(genai_answer_count_piece(ac, &e, &pos), 0, "an empty one");
    e.type = GENAI_EVENT_MEDIA;
    is_int(genai_answer_count_piece(ac, &e, &pos), 0, "no text");

    genai_answer_count_destroy(ac);
}


static uint64_t
all_of(const genai_answer_said_t *said)
{
    int       i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < GENAI_ANSWER_KINDS; i++) {
        n += said->tokens[i];
    }

    return n;
}


/* holding makes no difference at the end, whoever asks meanwhile */

static void
held(void)
{
    unsigned               i, n, round, kinds, some;
    genai_event_t          e;
    genai_answer_said_t    one, two;
    genai_answer_count_t  *ac, *hc;

    static unsigned char  text[GENAI_ANSWER_HELD + 1];

    static const genai_event_e  types[] = {
        GENAI_EVENT_TEXT, GENAI_EVENT_REASONING, GENAI_EVENT_REFUSAL,
        GENAI_EVENT_ARGUMENTS, GENAI_EVENT_TOOL, GENAI_EVENT_MEDIA,
        GENAI_EVENT_FINISH
    };

    for (i = 0; i < sizeof(text); i++) {
        text[i] = "abc \n"[i % 5];
    }

    some = 0;

    for (round = 0; round < 2000; round++) {

        ac = genai_answer_count_create(&vocab, NULL);
        hc = genai_answer_count_create(&vocab, NULL);

        genai_answer_count_hold(hc);

        kinds = 1 + round % 7;

        for (n = 1 + bpe_random(40); n; n--) {

            memset(&e, 0, sizeof(e));
            e.type = types[bpe_random(kinds)];
            e.choice = bpe_random(50) ? 0 : bpe_random(70);
            e.block = bpe_random(2);
            e.copy = (bpe_random(20) == 0);
            e.text.data = text + bpe_random(5);
            e.text.len = bpe_random(round % 3 ? 40 : 4000);
            e.name.data = e.text.data;
            e.name.len = bpe_random(9);

            genai_answer_count_event(ac, &e);
            genai_answer_count_event(hc, &e);

            some += genai_answer_count_held(hc);

            if (bpe_random(60) == 0) {
                genai_answer_count_peek(ac, &one);
                genai_answer_count_peek(hc, &two);

                quiet_ok(!genai_answer_count_held(hc), "who asks is told");
                quiet_ok(one.choices == two.choices
                         && memcmp(one.texts, two.texts, sizeof(one.texts))
                            == 0, "of the same texts");

                genai_answer_count_now(ac, &two);

                quiet_ok(two.open == 0
                         && all_of(&two) <= all_of(&one) + one.open,
                         "%lu tokens, not above %lu and %lu",
                         (unsigned long) all_of(&two),
                         (unsigned long) all_of(&one),
                         (unsigned long) one.open);
            }
        }

        if (round % 5 == 0) {
            genai_answer_count_destroy(hc);

        } else {
            genai_answer_count_end(ac, &one);
            genai_answer_count_end(hc, &two);

            quiet_ok(memcmp(&one, &two, sizeof(one)) == 0, "held, at the end");

            genai_answer_count_destroy(hc);
        }

        genai_answer_count_destroy(ac);
    }

    ok(some > 10000, "much was held");
}


int
main(void)
{
    char         error[GENAI_VOCAB_ERROR_MAX];
    genai_str_t  s, image;

    genai_arena_init(&memory, 1 << 24);
    catalog = genai_catalog_create(&memory);

    s.data = (unsigned char *) models;
    s.len = sizeof(models) - 1;

    bpe_vocab(&source, BPE_TRAINED, 0, 0, 2);
    source.source.split = GENAI_SPLIT_CL100K;

    if (genai_catalog_add(catalog, "models.json", &s) != 0
        || genai_catalog_done(catalog) != 0
        || genai_catalog_findings(catalog)
        || genai_vocab_build(&source.source, &image, error) != 0
        || genai_vocab_open(&vocab, image.data, image.len, error) != 0)
    {
        fail("the models");
        return done_testing();
    }

    largest();
    bound();
    marks();
    steps();
    answer();
    held();

    free(image.data);
    genai_arena_destroy(&memory);

    return done_testing();
}
